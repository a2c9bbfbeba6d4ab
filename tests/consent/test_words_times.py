"""The hours and days a lead asks for are read only where they are stated, and only as a standing wish."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.preferred_times import PreferredTimes, time_preference
from consent.words import Verdict, judge

WEEKDAYS, WEEKEND, WEEK = frozenset(range(5)), frozenset({5, 6}), frozenset(range(7))
NINE, NOON, FIVE, SIX, EIGHT, NINE_PM = time(9), time(12), time(17), time(18), time(20), time(21)


@pytest.mark.parametrize(
    ("text", "wished"),
    [
        ("only after 6pm", (SIX, None, None)),
        ("Please only text me after 6", (SIX, None, None)),
        ("not before noon", (NOON, None, None)),
        ("please don't text me before 9am", (NINE, None, None)),
        ("I work nights, don't message before 2pm", (time(14), None, None)),
        ("please dont text before 7:30 am or after 9 pm", (time(7, 30), NINE_PM, None)),
        ("no texts after 8", (None, EIGHT, None)),
        ("don't text me at night", (None, NINE_PM, None)),
        ("only text me between 5 and 8pm", (FIVE, EIGHT, None)),
        ("between 9am and 5pm only please text", (NINE, FIVE, None)),
        ("text me Monday through Friday 9 to 5 please", (NINE, FIVE, WEEKDAYS)),
        ("text me during business hours only", (NINE, FIVE, None)),
        ("Please only contact me after work", (FIVE, None, None)),
        ("evenings", (FIVE, None, None)),
        ("mornings are best to text", (None, NOON, None)),
        ("weekdays only", (None, None, WEEKDAYS)),
        ("texts on weekends only would be perfect", (None, None, WEEKEND)),
        ("please don't text on Sundays", (None, None, WEEK - {6})),
        ("no texts on weekends", (None, None, WEEKDAYS)),
        ("solo mensajes después de las 6", (SIX, None, None)),
        ("no me escriba antes de las 9 de la mañana", (NINE, None, None)),
        ("ne m'écrivez pas avant 9h", (NINE, None, None)),
        ("seulement après 18h", (SIX, None, None)),
    ],
)
def test_stated_hours_and_days_become_a_window(
    text: str, wished: tuple[time | None, time | None, frozenset[int] | None]
) -> None:
    assert time_preference(text) == PreferredTimes(*wished)


@pytest.mark.parametrize(
    "text",
    [
        "Can we do Saturday after 2pm?",
        "Is it open evenings?",
        "text me after 4 today",
        "I'm in meetings til 4, text me after",
        "Traveling this week, hit me up Monday",
        "can you not text so late",
        "don't text me while I'm at work",
        "mornings are nuts with the kids",
        "nah saturday is better",
        "please do not sell it before Friday",
        "do not call before 10, text is ok",
        "price under 300k, not after June",
        "good morning, is it still available",
        "stop texting me",
        "",
    ],
)
def test_a_vague_or_passing_wish_and_business_hours_are_no_window(text: str) -> None:
    assert time_preference(text) is None


@given(st.integers(1, 11), st.sampled_from(["am", "pm", " a.m.", " PM"]))
def test_the_half_of_the_day_is_taken_as_it_is_said(hour: int, half: str) -> None:
    wished = time_preference(f"please only text me after {hour}{half}")

    assert wished is not None
    assert wished.opens == time(hour + (12 if "p" in half.lower() else 0))


@given(st.text(max_size=120))
def test_any_text_gives_a_window_in_order_or_none(text: str) -> None:
    wished = time_preference(text)

    assert wished is None or wished != (None, None, None)


@pytest.mark.parametrize(
    "text", ["Please only text me after 6pm", "evenings only please", "no texts on sundays please"]
)
def test_a_text_with_a_window_carries_the_tag_and_ends_nothing(text: str) -> None:
    found = judge(text)

    assert found.verdict is Verdict.NONE
    assert "time_preference" in found.tags
