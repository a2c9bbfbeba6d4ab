"""What holds of sending hours for every place and moment, against a second reading of the table that scans minutes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from time import perf_counter
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.holidays import barred_in, holiday_from
from consent.places import Confidence, Place, PlaceSource
from consent.quiet_hours import RULES, Opening, SendClass, WeekHours, deferred_until, hours_from, opening

TABLE = json.loads(resources.files("consent").joinpath("data/quiet_hours.json").read_text("utf-8"))
MINUTE = timedelta(minutes=1)
SCANNED_DAYS = 4
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Adak",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "Pacific/Guam",
    "America/St_Johns",
)
CHANGES = (
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2027, 3, 14, tzinfo=UTC),
    datetime(2026, 11, 26, tzinfo=UTC),
    datetime(2026, 12, 24, tzinfo=UTC),
    datetime(2027, 7, 3, tzinfo=UTC),
)
moments = st.one_of(
    st.builds(
        lambda day, minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=minute),
        st.integers(0, 5 * 365),
        st.integers(0, 1439),
    ),
    st.builds(lambda day, minute: day + timedelta(minutes=minute), st.sampled_from(CHANGES), st.integers(-1440, 2880)),
)
places = st.builds(
    lambda zones, states: Place(tuple(zones), tuple(states), "US", PlaceSource.AREA_CODE, Confidence.MEDIUM),
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(sorted(TABLE["states"])), max_size=2, unique=True),
)
clock = st.integers(0, 48).map(lambda half: f"{half // 2:02d}:{half % 2 * 30:02d}")
spans = st.tuples(clock, clock).filter(lambda pair: pair[0] < pair[1]).map(list)
weeks = st.dictionaries(
    st.sampled_from(("mon", "tue", "wed", "thu", "fri", "sat", "sun", "mon_fri", "all_days")),
    st.one_of(st.none(), spans),
    max_size=4,
)
classes = st.sampled_from(list(SendClass))
maybe_weeks = st.one_of(st.none(), weeks)


def hours(written: dict[str, list[str] | None] | None) -> WeekHours | None:
    return None if written is None else hours_from(written)


def in_window(windows: dict[str, list[str] | None], local: datetime) -> bool:
    """Whether the wall clock reads an hour of these, the most particular name of the day deciding."""
    day = local.weekday()
    names = (
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day],
        "sat_sun" if day > 4 else "mon_fri",
        "all_days",
    )
    window = next((windows[name] for name in names if name in windows), None)
    return window is not None and window[0] <= local.strftime("%H:%M") < window[1]


def by_scanning(send: SendClass, place: Place, at: datetime, narrower: list[dict[str, list[str] | None]]) -> bool:
    """Whether every row of the table and every narrower week is open at this minute."""
    full = TABLE["meta"]["class_windows"][send.value] == "full"
    for zone in place.zones:
        local = at.astimezone(ZoneInfo(zone))
        if not all(in_window(week, local) for week in (TABLE["federal"]["windows"], *narrower)):
            return False
    for state in place.states if full else ():
        row = TABLE["states"][state]
        for zone in {*place.zones, *row.get("also_in_zones", ())}:
            local = at.astimezone(ZoneInfo(zone))
            if not in_window(row["windows"], local) or local.date() in barred(state, local.year):
                return False
    return True


def barred(state: str, year: int) -> dict[date, str]:
    """The holiday formulas have their own table by hand; here only their use is looked at."""
    if (state, year) not in KNOWN:
        holidays = tuple(holiday_from(row) for row in TABLE["states"][state]["holidays_banned"])
        KNOWN[state, year] = barred_in(year, holidays, {5: -1, 6: 1} if state == "AL" else {})
    return KNOWN[state, year]


KNOWN: dict[tuple[str, int], dict[date, str]] = {}


@settings(max_examples=60, deadline=None)
@given(classes, places, moments, maybe_weeks, maybe_weeks)
def test_it_opens_at_the_first_minute_that_a_scan_finds_open(send, place, now, tenant, lead):
    narrower = [week for week in (tenant, lead) if week is not None]

    found = opening(send, place, now, tenant_hours=hours(tenant), lead_hours=hours(lead))

    minutes = (now + step * MINUTE for step in range(SCANNED_DAYS * 1440))
    first = next((at for at in minutes if by_scanning(send, place, at, narrower)), None)
    assert found.open is (first == now)
    if first is None:
        assert found.opens_at is None or found.opens_at >= now + timedelta(days=SCANNED_DAYS)
    else:
        assert found.opens_at == first


@settings(max_examples=60, deadline=None)
@given(classes, places, moments, maybe_weeks, maybe_weeks)
def test_it_closes_at_the_first_minute_that_a_scan_finds_shut(send, place, now, tenant, lead):
    narrower = [week for week in (tenant, lead) if week is not None]

    found = opening(send, place, now, tenant_hours=hours(tenant), lead_hours=hours(lead))

    if found.opens_at is not None:
        minutes = (found.opens_at + step * MINUTE for step in range(SCANNED_DAYS * 1440))
        shut = next((at for at in minutes if not by_scanning(send, place, at, narrower)), None)
        assert found.closes_at == shut or (shut is None and found.closes_at is None)


@settings(max_examples=150, deadline=None)
@given(classes, places, moments, weeks, maybe_weeks)
def test_hours_of_tenant_and_person_only_narrow(send, place, now, narrower, other):
    bare = opening(send, place, now, tenant_hours=hours(other))

    by_tenant = opening(send, place, now, tenant_hours=hours(narrower), lead_hours=hours(other))
    by_lead = opening(send, place, now, tenant_hours=hours(other), lead_hours=hours(narrower))

    assert no_wider(by_tenant, opening(send, place, now, lead_hours=hours(other)))
    assert no_wider(by_lead, bare)


@settings(max_examples=150, deadline=None)
@given(classes, places, places, moments)
def test_one_more_zone_or_state_only_narrows(send, place, more, now):
    both = Place(
        tuple(dict.fromkeys(place.zones + more.zones)),
        tuple(dict.fromkeys(place.states + more.states)),
        "US",
        place.source,
        place.confidence,
    )

    assert no_wider(opening(send, both, now), opening(send, place, now))


def no_wider(narrow: Opening, wide: Opening) -> bool:
    opens_later = narrow.opens_at is None or (wide.opens_at is not None and narrow.opens_at >= wide.opens_at)
    return opens_later and (wide.open or not narrow.open)


@settings(max_examples=150, deadline=None)
@given(classes, places, moments, maybe_weeks, st.uuids())
def test_a_deferred_text_finds_the_window_open(send, place, now, lead, message_id):
    found = opening(send, place, now, lead_hours=hours(lead))

    if not found.open and found.opens_at is not None:
        until = deferred_until(found, message_id)
        assert found.opens_at <= until < found.opens_at + timedelta(minutes=10)
        assert opening(send, place, until, lead_hours=hours(lead)).open


@settings(max_examples=100, deadline=None)
@given(classes, places, moments, st.integers(0, 3600))
def test_a_fresh_reply_closes_when_it_says(send, place, now, ago):
    asked = now - timedelta(seconds=ago)

    found = opening(send, place, now, in_reply_to_at=asked)

    if found.open and found.closes_at is not None:
        second = timedelta(seconds=1)
        assert opening(send, place, found.closes_at - second, in_reply_to_at=asked).open
        assert not opening(send, place, found.closes_at, in_reply_to_at=asked).open


@settings(max_examples=100, deadline=None)
@given(classes, places, moments, maybe_weeks)
def test_every_answer_has_a_short_rule_and_the_clock_it_was_read_by(send, place, now, lead):
    found = opening(send, place, now, lead_hours=hours(lead))

    assert 0 < len(found.rule) <= 60
    assert datetime.fromisoformat(found.local) == now
    assert found.local == now.astimezone(ZoneInfo(found.zone)).isoformat()
    assert found.rule.startswith("hours.open") is found.open


def test_a_decision_takes_less_than_a_millisecond():
    start = datetime(2026, 11, 20, tzinfo=UTC)
    asked = [
        (Place((zone,), (state,), "US", PlaceSource.ZIP, Confidence.HIGH), start + timedelta(hours=hour))
        for zone in ZONES
        for state in sorted(TABLE["states"])
        for hour in (3, 17, 29)
    ]

    began = perf_counter()
    for place, at in asked:
        opening(SendClass.MARKETING, place, at, rules=RULES)
    spent_s = perf_counter() - began

    assert spent_s / len(asked) < 0.001


def test_a_seed_decides_and_nothing_else():
    closed = opening(
        SendClass.MARKETING,
        Place(("America/New_York",), ("RI",), "US", PlaceSource.ZIP, Confidence.HIGH),
        datetime(2026, 11, 22, 12, tzinfo=UTC),
    )

    assert deferred_until(closed, UUID(int=5)) == deferred_until(closed, UUID(int=5))
    assert deferred_until(closed, UUID(int=5)) != deferred_until(closed, UUID(int=6))
