"""The written week: always the last seven days, nothing to come, nobody at work on a closed day."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from commands.demo_week import steps_of

STORED = Path(__file__).parents[2] / "commands" / "data" / "demo_week.json"
WEEKS = json.loads(STORED.read_text(encoding="utf-8"))["weeks"]
ZONES = {"Lakeside Realty Group": ZoneInfo("America/Chicago"), "Summit Ford": ZoneInfo("America/Denver")}
SUNDAY = frozenset({6})
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: BEGINNING + timedelta(minutes=minutes))


@given(st.sampled_from(sorted(ZONES)), MOMENTS)
def test_every_step_is_of_the_last_seven_days(business: str, now: datetime) -> None:
    steps = steps_of(WEEKS[business], ZONES[business], now, SUNDAY)

    assert len(steps) == sum(len(lead["steps"]) for lead in WEEKS[business])
    assert now - timedelta(days=7, hours=1) <= steps[0].at  # a day may have 25 hours
    assert steps[-1].at < now
    assert [step.at for step in steps] == sorted(step.at for step in steps)


@given(st.sampled_from(sorted(ZONES)), MOMENTS)
def test_the_steps_of_one_lead_keep_their_order(business: str, now: datetime) -> None:
    steps = steps_of(WEEKS[business], ZONES[business], now, SUNDAY)

    for lead in WEEKS[business]:
        places = [step.place for step in steps if step.lead is lead]
        assert places == sorted(places)


@given(st.sampled_from(sorted(ZONES)), MOMENTS)
def test_what_needs_staff_begins_on_an_open_day(business: str, now: datetime) -> None:
    zone = ZONES[business]
    begun = {
        step.at.astimezone(zone).weekday()
        for step in steps_of(WEEKS[business], zone, now, SUNDAY)
        if step.place == 0 and "days_ago" in step.lead and any("by" in other for other in step.lead["steps"])
    }

    assert not begun & SUNDAY


def test_each_person_is_in_one_week_once_with_a_fictitious_number() -> None:
    numbers = [lead["number"] for week in WEEKS.values() for lead in week]

    assert len(set(numbers)) == len(numbers)
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", number) for number in numbers)
    assert all(40 <= len(week) <= 60 for week in WEEKS.values())
