"""Holidays of 2026 to 2030 against a calendar read by hand: each formula, and every date that each state bars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from consent.holidays import Holiday, date_of, easter
from consent.places import Confidence, Place, PlaceSource
from consent.quiet_hours import RULES, SendClass, opening

YEARS = (2026, 2027, 2028, 2029, 2030)

# Month and day in each of YEARS, from printed calendars.
MOVABLE = {
    "easter:+0": ("04-05", "03-28", "04-16", "04-01", "04-21"),
    "easter:-2": ("04-03", "03-26", "04-14", "03-30", "04-19"),
    "easter:-47": ("02-17", "02-09", "02-29", "02-13", "03-05"),
    "nth:01:mon:3": ("01-19", "01-18", "01-17", "01-15", "01-21"),
    "nth:02:mon:3": ("02-16", "02-15", "02-21", "02-19", "02-18"),
    "nth:04:mon:4": ("04-27", "04-26", "04-24", "04-23", "04-22"),
    "nth:05:mon:-1": ("05-25", "05-31", "05-29", "05-28", "05-27"),
    "nth:06:mon:1": ("06-01", "06-07", "06-05", "06-04", "06-03"),
    "nth:08:mon:2": ("08-10", "08-09", "08-14", "08-13", "08-12"),
    "nth:09:mon:1": ("09-07", "09-06", "09-04", "09-03", "09-02"),
    "nth:10:mon:2": ("10-12", "10-11", "10-09", "10-08", "10-14"),
    "nth:11:thu:4": ("11-26", "11-25", "11-23", "11-22", "11-28"),
    "nth:11:tue:after-first-mon": ("11-03", "11-02", "11-07", "11-06", "11-05"),
    "nth:12:sun:-1": ("12-27", "12-26", "12-31", "12-30", "12-29"),
}
CASES = [
    (rule, date.fromisoformat(f"{year}-{day}"))
    for rule, days in MOVABLE.items()
    for year, day in zip(YEARS, days, strict=True)
]

FEDERAL_LIKE = (
    "01-01",
    "nth:01:mon:3",
    "nth:02:mon:3",
    "nth:05:mon:-1",
    "06-19",
    "07-04",
    "nth:09:mon:1",
    "nth:10:mon:2",
    "11-11",
    "nth:11:thu:4",
    "12-25",
)
# What each state bars, by name in MOVABLE or by month and day.
BARRED = {
    "AL": (*FEDERAL_LIKE, "easter:-47", "nth:04:mon:4", "nth:06:mon:1"),
    "LA": (
        "01-01", "nth:01:mon:3", "nth:05:mon:-1", "07-04", "nth:09:mon:1", "11-11", "nth:11:thu:4", "12-25",
        "easter:-47", "easter:-2", "11-01",
    ),
    "PA": (*FEDERAL_LIKE, "easter:-2", "06-14", "nth:11:tue:after-first-mon"),
    "RI": (*FEDERAL_LIKE, "05-04", "nth:08:mon:2"),
    "UT": (*FEDERAL_LIKE, "07-24"),
}  # fmt: skip
# Days on which Alabama keeps a holiday of a Saturday (the Friday before) or of a Sunday (the Monday after).
ALABAMA_OBSERVES = (
    "2026-07-03",
    "2027-06-18",
    "2027-07-05",
    "2027-12-24",
    "2027-12-31",
    "2028-11-10",
    "2029-11-12",
)
RHODE_ISLAND_VOTES = ("2026-11-03", "2028-11-07", "2030-11-05")


def expected(state: str) -> set[date]:
    days = {
        date.fromisoformat(f"{year}-{MOVABLE[name][place] if name in MOVABLE else name}")
        for place, year in enumerate(YEARS)
        for name in BARRED[state]
    }
    more = {"AL": ALABAMA_OBSERVES, "RI": RHODE_ISLAND_VOTES}.get(state, ())
    return days | {date.fromisoformat(day) for day in more}


@pytest.mark.parametrize(("rule", "day"), CASES)
def test_each_formula_gives_the_calendars_date(rule, day):
    assert date_of(Holiday("A day", rule), day.year) == day


@pytest.mark.parametrize(
    ("state", "day", "rule"),
    [
        ("LA", "2027-02-09", "holiday.state.LA.mardi_gras"),
        ("UT", "2026-07-24", "holiday.state.UT.pioneer_day"),
        ("RI", "2028-08-14", "holiday.state.RI.victory_day"),
        ("RI", "2026-11-03", "holiday.state.RI.state_election_day_even_years"),
        ("PA", "2027-11-02", "holiday.state.PA.election_day"),
        ("LA", "2027-03-26", "holiday.state.LA.good_friday"),
        ("AL", "2027-12-31", "holiday.state.AL.new_years_day"),
    ],
)
def test_a_holiday_is_named(state, day, rule):
    assert noon(state, date.fromisoformat(day)) == rule


def test_rhode_island_votes_in_even_years_only():
    assert not noon("RI", date(2027, 11, 2)).startswith("holiday.")


def noon(state: str, day: date) -> str:
    place = Place(("America/New_York",), (state,), "US", PlaceSource.ZIP, Confidence.HIGH)
    return opening(SendClass.MARKETING, place, datetime(day.year, day.month, day.day, 17, tzinfo=UTC)).rule


@pytest.mark.parametrize("state", sorted(RULES.states))
def test_a_state_bars_the_dates_of_its_list_and_no_others(state):
    start = date(2026, 1, 1)
    days = [start + timedelta(days=day) for day in range((date(2031, 1, 1) - start).days)]

    barred = {day for day in days if noon(state, day).startswith("holiday.")}

    assert barred == (expected(state) if state in BARRED else set())


@pytest.mark.parametrize("send", [SendClass.TRANSACTIONAL, SendClass.INQUIRY_ACK])
def test_a_holiday_closes_no_class_that_keeps_federal_hours(send):
    place = Place(("America/New_York",), ("PA",), "US", PlaceSource.ZIP, Confidence.HIGH)

    assert opening(send, place, datetime(2026, 12, 25, 17, tzinfo=UTC)).open


@pytest.mark.parametrize(
    ("year", "day"), [(1961, "04-02"), (2000, "04-23"), (2008, "03-23"), (2011, "04-24"), (2038, "04-25")]
)
def test_easter_of_early_and_late_years(year, day):
    assert easter(year) == date.fromisoformat(f"{year}-{day}")


def test_a_manual_holiday_bars_the_dates_that_were_entered():
    assert date_of(Holiday("By the governor", "manual", dates=(date(2026, 12, 24),)), 2026) is None


@pytest.mark.parametrize(
    "rule", ["fixed:02-30", "fixed:xx", "nth:11:tue:5", "nth:11:noday:1", "nth:00:mon:1", "easter:", "moon", ""]
)
def test_what_is_no_formula_is_refused_when_the_table_is_read(rule):
    with pytest.raises(ValueError):
        Holiday("A day", rule)
