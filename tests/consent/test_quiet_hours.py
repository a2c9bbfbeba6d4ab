"""When a text may leave, as tables: every state's row at its boundaries, holidays apart, split codes, clock changes."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from consent.places import Confidence, Place, PlaceSource, place_of
from consent.purposes import Purpose
from consent.quiet_hours import (
    DEFAULT_TENANT_HOURS,
    RULES,
    SendClass,
    age_warning,
    cap_for,
    deferred_until,
    hours_from,
    hours_to_json,
    load_rules,
    opening,
    rules_from,
    send_class,
)
from smsbot.errors import InvalidInput

TABLE = json.loads(resources.files("consent").joinpath("data/quiet_hours.json").read_text("utf-8"))
DAYS = ("mon_fri", "mon_fri", "mon_fri", "mon_fri", "mon_fri", "sat", "sun")
MONDAY = date(2026, 9, 14)  # of a week in which no state has a holiday
EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
SEED = UUID("00000000-0000-4000-8000-000000000001")
GRACE_AGO = timedelta(minutes=15)


def in_state(state: str, *zones: str) -> Place:
    return Place(zones, (state,), "US", PlaceSource.ZIP, Confidence.HIGH)


def local(zone: str, written: str) -> datetime:
    """An instant by the clock of a zone; the time zone database decides which, not the code under test."""
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def minutes(written: str) -> int:
    return int(written[:2]) * 60 + int(written[3:])


@pytest.mark.parametrize("day", range(7))
@pytest.mark.parametrize("state", sorted(TABLE["states"]))
def test_marketing_keeps_each_states_row_to_the_minute(state, day):
    federal = [minutes(at) for at in TABLE["federal"]["windows"]["all_days"]]
    own = TABLE["states"][state]["windows"][DAYS[day]]
    row = None if own is None else [minutes(at) for at in own]
    midnight = local(CENTRAL, f"{MONDAY + timedelta(days=day)}T00:00")

    for boundary in (0, 12 * 60, 24 * 60, *federal, *(row or ())):
        for minute in (boundary - 1, boundary, boundary + 1):
            if not 0 <= minute < 24 * 60:
                continue
            allowed = row is not None and max(federal[0], row[0]) <= minute < min(federal[1], row[1])
            at = midnight + timedelta(minutes=minute)

            assert opening(SendClass.MARKETING, in_state(state, CENTRAL), at).open is allowed, (state, day, minute)
            assert opening(SendClass.TRANSACTIONAL, in_state(state, CENTRAL), at).open is (
                federal[0] <= minute < federal[1]
            )


def test_the_table_has_every_jurisdiction():
    assert len(TABLE["states"]) == 56
    assert RULES.version == TABLE["meta"]["version"]


@pytest.mark.parametrize(
    ("zone", "state", "at", "allowed"),
    [
        (CENTRAL, "TX", "2026-09-20T11:59", False),
        (CENTRAL, "TX", "2026-09-20T12:00", True),
        (CENTRAL, "TX", "2026-09-18T08:59", False),
        (CENTRAL, "TX", "2026-09-18T09:00", True),
        (CENTRAL, "TX", "2026-09-18T20:59", True),
        (CENTRAL, "TX", "2026-09-18T21:00", False),
        (EASTERN, "FL", "2026-09-18T19:59", True),
        (EASTERN, "FL", "2026-09-18T20:00", False),
        (EASTERN, "KY", "2026-09-18T09:59", False),
        (EASTERN, "KY", "2026-09-18T10:00", True),
        (EASTERN, "RI", "2026-09-19T16:59", True),
        (EASTERN, "RI", "2026-09-19T17:00", False),
        (EASTERN, "RI", "2026-09-18T17:59", True),
        (EASTERN, "RI", "2026-09-18T18:00", False),
        (EASTERN, "RI", "2026-09-20T13:00", False),
    ],
)
def test_the_four_strictest_states(zone, state, at, allowed):
    assert opening(SendClass.MARKETING, in_state(state, zone), local(zone, at)).open is allowed


@pytest.mark.parametrize(
    ("mountain_time", "allowed", "zone"),
    [
        ("2026-09-18T08:59", False, MOUNTAIN),  # 09:59 Central
        ("2026-09-18T09:00", True, MOUNTAIN),
        ("2026-09-18T19:59", True, MOUNTAIN),  # 20:59 Central
        ("2026-09-18T20:00", False, CENTRAL),  # 21:00 Central, though an hour is left by El Paso's own clock
        ("2026-09-20T11:59", False, MOUNTAIN),
        ("2026-09-20T12:00", True, MOUNTAIN),
    ],
)
def test_el_paso_keeps_texas_hours_by_its_own_clock_and_by_the_central_one(mountain_time, allowed, zone):
    found = opening(SendClass.MARKETING, place_of("+19155550100"), local(MOUNTAIN, mountain_time))

    assert found.open is allowed
    assert found.zone == zone


SPLIT = {
    "219": ("IN", CENTRAL, EASTERN),
    "270": ("KY", CENTRAL, EASTERN),
    "364": ("KY", CENTRAL, EASTERN),
    "423": ("TN", CENTRAL, EASTERN),
    "850": ("FL", CENTRAL, EASTERN),
    "448": ("FL", CENTRAL, EASTERN),
    "208": ("ID", PACIFIC, MOUNTAIN),
    "541": ("OR", PACIFIC, MOUNTAIN),
    "605": ("SD", MOUNTAIN, CENTRAL),
    "701": ("ND", MOUNTAIN, CENTRAL),
    "308": ("NE", MOUNTAIN, CENTRAL),
    "906": ("MI", CENTRAL, EASTERN),
    "928": ("AZ", "America/Phoenix", MOUNTAIN),
    "775": ("NV", PACIFIC, MOUNTAIN),
}
FIRST = {"KY": 10, "MI": 9, "NV": 9}
LAST = {"FL": 20, "OR": 20, "NV": 20}


@pytest.mark.parametrize("code", SPLIT)
def test_a_split_code_opens_by_its_western_clock_and_closes_by_its_eastern_one(code):
    state, western, eastern = SPLIT[code]
    place = place_of(f"+1{code}5550100")
    opens = local(western, f"2026-09-16T{FIRST.get(state, 8):02d}:00")
    closes = local(eastern, f"2026-09-16T{LAST.get(state, 21):02d}:00")
    minute = timedelta(minutes=1)

    decided = [opening(SendClass.MARKETING, place, at).open for at in (opens - minute, opens, closes - minute, closes)]

    assert decided == [False, True, True, False]


@pytest.mark.parametrize("number", ["+18005550100", "+15005550106", "+16005550100", "+15555550100"])
@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-09-18T11:59", False),
        ("2026-09-18T12:00", True),
        ("2026-09-18T19:59", True),
        ("2026-09-18T20:00", False),
        ("2026-09-19T12:00", True),
        ("2026-09-20T14:59", False),
        ("2026-09-20T15:00", True),
        ("2026-09-20T19:59", True),
        ("2026-09-20T20:00", False),
    ],
)
def test_an_unknown_zone_has_the_afternoon_that_all_zones_share_and_no_marketing(number, at, allowed):
    place, now = place_of(number), local(EASTERN, at)

    marketing = opening(SendClass.MARKETING, place, now)

    assert (marketing.open, marketing.opens_at, marketing.rule) == (False, None, "hours.unknown_zone.marketing")
    assert all(
        opening(send, place, now).open is allowed
        for send in (SendClass.REPLY, SendClass.INQUIRY_ACK, SendClass.TRANSACTIONAL)
    )


# The hours from UTC on the two change days of 2027 and on the days after them, from the zones' published rules.
CHANGES = [
    ("America/New_York", "2027-03-13", 5),
    ("America/New_York", "2027-03-14", 4),
    ("America/New_York", "2027-11-06", 4),
    ("America/New_York", "2027-11-07", 5),
    ("America/Phoenix", "2027-03-14", 7),
    ("America/Phoenix", "2027-11-07", 7),
    ("Pacific/Honolulu", "2027-03-14", 10),
    ("Pacific/Honolulu", "2027-11-07", 10),
    ("America/Puerto_Rico", "2027-03-14", 4),
    ("America/Puerto_Rico", "2027-11-07", 4),
]


@pytest.mark.parametrize(("zone", "day", "behind"), CHANGES)
def test_the_day_on_which_clocks_change_opens_at_eight_and_closes_at_nine_by_the_clock(zone, day, behind):
    place = Place((zone,), (), "US", PlaceSource.DECLARED, Confidence.HIGH)
    midnight = datetime.fromisoformat(f"{day}T00:00+00:00") + timedelta(hours=behind)

    decided = {
        minute: opening(SendClass.TRANSACTIONAL, place, midnight + timedelta(minutes=minute)).open
        for minute in (479, 480, 1259, 1260)
    }

    assert decided == {479: False, 480: True, 1259: True, 1260: False}


def night_rules(start: str, end: str):
    """The shipped table with other federal hours, to look at the hours in which clocks change."""
    table = json.loads(json.dumps(TABLE))
    table["federal"]["windows"] = {"all_days": [start, end]}
    return rules_from(table)


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-11-01T05:29:59+00:00", False),
        ("2026-11-01T05:30:00+00:00", True),  # 01:30 the first time
        ("2026-11-01T05:44:59+00:00", True),
        ("2026-11-01T05:45:00+00:00", False),
        ("2026-11-01T06:00:00+00:00", False),  # 01:00 again
        ("2026-11-01T06:30:00+00:00", True),  # 01:30 the second time
        ("2026-11-01T06:44:59+00:00", True),
        ("2026-11-01T06:45:00+00:00", False),
    ],
)
def test_an_hour_that_the_clock_shows_twice_is_open_twice(at, allowed):
    place = Place((EASTERN,), (), "US", PlaceSource.DECLARED, Confidence.HIGH)

    found = opening(SendClass.TRANSACTIONAL, place, datetime.fromisoformat(at), rules=night_rules("01:30", "01:45"))

    assert found.open is allowed


def test_hours_that_the_clock_interrupts_close_in_between():
    place = Place((EASTERN,), (), "US", PlaceSource.DECLARED, Confidence.HIGH)
    first = datetime(2026, 11, 1, 5, 45, tzinfo=UTC)  # 01:45; at 02:00 it is 01:00 again

    found = opening(SendClass.TRANSACTIONAL, place, first, rules=night_rules("01:30", "03:00"))

    assert found.closes_at == datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


def test_an_hour_that_the_clock_skips_never_comes():
    place = Place((EASTERN,), (), "US", PlaceSource.DECLARED, Confidence.HIGH)

    found = opening(
        SendClass.TRANSACTIONAL, place, local(EASTERN, "2027-03-13T12:00"), rules=night_rules("02:15", "02:45")
    )

    assert found.opens_at == local(EASTERN, "2027-03-15T02:15")


@pytest.mark.parametrize(
    ("since", "allowed"),
    [
        (timedelta(0), True),
        (GRACE_AGO - timedelta(seconds=1), True),
        (GRACE_AGO, False),
        (timedelta(hours=3), False),
        (None, False),
    ],
)
def test_a_reply_leaves_at_two_in_the_night_for_fifteen_minutes_after_their_text(since, allowed):
    now = local(CENTRAL, "2026-09-18T02:00")
    asked = None if since is None else now - since

    found = opening(SendClass.REPLY, in_state("IL", CENTRAL), now, in_reply_to_at=asked)

    assert found.open is allowed
    assert found.opens_at == (now if allowed else local(CENTRAL, "2026-09-18T08:00"))


def test_their_text_opens_no_other_class():
    now = local(CENTRAL, "2026-09-18T02:00")
    others = set(SendClass) - {SendClass.REPLY}

    assert not any(opening(send, in_state("IL", CENTRAL), now, in_reply_to_at=now).open for send in others)


def test_a_late_reply_keeps_the_states_hours():
    now = local(EASTERN, "2026-09-20T13:00")  # a Sunday in Rhode Island

    found = opening(SendClass.REPLY, in_state("RI", EASTERN), now, in_reply_to_at=now - timedelta(hours=1))

    assert (found.open, found.rule) == (False, "hours.state.RI")
    assert found.opens_at == local(EASTERN, "2026-09-21T09:00")


def test_a_fresh_replys_freedom_ends_with_the_window_when_that_is_open_by_then():
    place = in_state("IL", CENTRAL)
    dawn, dusk = local(CENTRAL, "2026-09-18T07:50"), local(CENTRAL, "2026-09-18T20:50")

    assert opening(SendClass.REPLY, place, dawn, in_reply_to_at=dawn).closes_at == local(CENTRAL, "2026-09-18T21:00")
    assert opening(SendClass.REPLY, place, dusk, in_reply_to_at=dusk).closes_at == dusk + GRACE_AGO


@pytest.mark.parametrize(
    ("at", "instant", "allowed"),
    [
        ("2026-09-18T02:00", False, False),
        ("2026-09-18T02:00", True, True),
        ("2026-09-18T07:59", False, False),
        ("2026-09-18T08:00", False, True),
        ("2026-09-18T20:59", False, True),
        ("2026-09-18T21:00", False, False),
    ],
)
def test_the_first_answer_to_a_form_waits_for_the_morning_unless_the_tenant_answers_at_night(at, instant, allowed):
    found = opening(SendClass.INQUIRY_ACK, in_state("TX", CENTRAL), local(CENTRAL, at), instant_night_reply=instant)

    assert found.open is allowed


def test_answering_at_night_is_for_the_first_inquiry_text_alone():
    now = local(CENTRAL, "2026-09-18T02:00")
    others = set(SendClass) - {SendClass.INQUIRY_ACK}

    assert not any(opening(send, in_state("IL", CENTRAL), now, instant_night_reply=True).open for send in others)


def test_which_law_gates_a_class_is_data():
    table = json.loads(json.dumps(TABLE))
    table["meta"]["class_windows"]["inquiry_ack"] = "full"
    sunday = local(CENTRAL, "2026-09-20T10:00")

    assert opening(SendClass.INQUIRY_ACK, in_state("TX", CENTRAL), sunday).open
    assert not opening(SendClass.INQUIRY_ACK, in_state("TX", CENTRAL), sunday, rules=rules_from(table)).open


@pytest.mark.parametrize(
    ("purpose", "first", "expected"),
    [
        (Purpose.REPLY, False, SendClass.REPLY),
        (Purpose.INQUIRY, True, SendClass.INQUIRY_ACK),
        (Purpose.INQUIRY, False, SendClass.MARKETING),
        (Purpose.APPOINTMENT, False, SendClass.TRANSACTIONAL),
        (Purpose.NOTIFICATION, True, SendClass.TRANSACTIONAL),
        (Purpose.MARKETING, True, SendClass.MARKETING),
        (Purpose.ACCOUNT, False, None),
        (Purpose.COMPLIANCE, True, None),
    ],
)
def test_each_purpose_has_its_class(purpose, first, expected):
    assert send_class(purpose, first) is expected


def test_an_emergency_stops_marketing_to_its_state_until_it_is_lifted():
    now, place = local(CENTRAL, "2026-09-18T12:00"), place_of("+15045550100")
    declared = frozenset({"LA"})

    found = opening(SendClass.MARKETING, place, now, emergencies=declared)

    assert (found.open, found.opens_at, found.rule) == (False, None, "emergency.state.LA")
    assert opening(SendClass.MARKETING, place, now).open
    assert opening(SendClass.TRANSACTIONAL, place, now, emergencies=declared).open
    assert opening(SendClass.MARKETING, place_of("+12055550100"), now, emergencies=declared).open


def test_a_proclaimed_holiday_closes_its_state_for_that_day():
    place, day = place_of("+15045550100"), date(2026, 9, 18)

    found = opening(
        SendClass.MARKETING, place, local(CENTRAL, "2026-09-18T12:00"), proclaimed=frozenset({("LA", day), ("AL", day)})
    )

    assert found.rule == "holiday.state.LA.proclaimed"
    assert found.opens_at == local(CENTRAL, "2026-09-19T08:00")


@pytest.mark.parametrize(
    ("place", "at", "rule"),
    [
        (in_state("IL", CENTRAL), "2026-09-18T07:00", "hours.federal"),
        (in_state("KY", CENTRAL), "2026-09-18T07:00", "hours.state.KY"),  # it opens last
        (in_state("UT", CENTRAL), "2026-09-20T12:00", "hours.state.UT"),
        (in_state("UT", CENTRAL), "2026-07-24T12:00", "holiday.state.UT.pioneer_day"),
        (in_state("AL", CENTRAL), "2027-02-09T12:00", "holiday.state.AL.mardi_gras_mobile_and_baldwin_counties"),
    ],
)
def test_the_rule_names_what_opens_last(place, at, rule):
    found = opening(SendClass.MARKETING, place, local(CENTRAL, at))

    assert (found.open, found.rule) == (False, rule)
    assert len(found.rule) <= 60


def test_hours_of_tenant_and_person_are_named_and_narrow():
    place, tenant = in_state("IL", CENTRAL), hours_from({"all_days": ["10:00", "18:00"]})
    evenings = hours_from({"all_days": ["17:00", "24:00"]})
    morning, noon = local(CENTRAL, "2026-09-18T09:00"), local(CENTRAL, "2026-09-18T12:00")

    assert opening(SendClass.TRANSACTIONAL, place, morning, tenant_hours=tenant).rule == "hours.tenant"
    both = opening(SendClass.TRANSACTIONAL, place, noon, tenant_hours=tenant, lead_hours=evenings)

    assert (both.open, both.rule) == (False, "hours.lead")
    assert both.opens_at == local(CENTRAL, "2026-09-18T17:00")
    assert both.closes_at == local(CENTRAL, "2026-09-18T18:00")


def test_hours_that_never_meet_never_open():
    found = opening(
        SendClass.MARKETING,
        in_state("IL", CENTRAL),
        local(CENTRAL, "2026-09-18T12:00"),
        lead_hours=hours_from({"all_days": ["22:00", "24:00"]}),
    )

    assert (found.open, found.opens_at, found.closes_at, found.rule) == (False, None, None, "hours.lead")
    with pytest.raises(ValueError, match="deferred"):
        deferred_until(found, SEED)


@pytest.mark.parametrize(
    ("country", "zone", "at", "allowed"),
    [
        ("CA", "America/Toronto", "2026-09-18T08:59", False),
        ("CA", "America/Toronto", "2026-09-18T09:00", True),
        ("CA", "America/Toronto", "2026-09-18T20:59", True),
        ("CA", "America/Toronto", "2026-09-18T21:00", False),
        ("CA", "America/Toronto", "2026-09-19T09:59", False),
        ("CA", "America/Toronto", "2026-09-20T17:59", True),
        ("CA", "America/Toronto", "2026-09-20T18:00", False),
        ("GB", "Europe/London", "2026-09-20T07:59", False),
        ("GB", "Europe/London", "2026-09-20T08:00", True),
        ("GB", "Europe/London", "2026-09-20T21:00", False),
        ("MX", "America/Mexico_City", "2026-09-20T07:59", False),
        ("MX", "America/Mexico_City", "2026-09-20T20:59", True),
    ],
)
@pytest.mark.parametrize("send", list(SendClass))
def test_other_countries_have_their_own_row_for_every_class(country, zone, at, allowed, send):
    place = Place((zone,), (), country, PlaceSource.AREA_CODE, Confidence.MEDIUM)

    assert opening(send, place, local(zone, at)).open is allowed


def test_the_answer_names_clock_zone_and_source():
    found = opening(SendClass.MARKETING, place_of("+13125550171"), local(CENTRAL, "2026-09-18T07:30"))

    assert (found.zone, found.source, found.local) == (CENTRAL, "area_code", "2026-09-18T07:30:00-05:00")


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        opening(SendClass.REPLY, in_state("IL", CENTRAL), datetime.fromisoformat("2026-09-18T12:00"))


def test_the_machines_own_zone_changes_nothing():
    place, moments = (
        place_of("+18505550100"),
        [datetime(2026, 10, 31, tzinfo=UTC) + timedelta(minutes=37 * step) for step in range(120)],
    )
    had = os.environ.get("TZ")
    seen = []
    try:
        for zone in ("UTC", "Asia/Tokyo", "Pacific/Honolulu"):
            os.environ["TZ"] = zone
            time.tzset()
            rules = load_rules()
            seen.append([opening(SendClass.MARKETING, place, at, rules=rules) for at in moments])
    finally:
        os.environ.pop("TZ")
        os.environ.update({} if had is None else {"TZ": had})
        time.tzset()

    assert seen[0] == seen[1] == seen[2]
    assert {found.open for found in seen[0]} == {True, False}


def test_a_deferred_text_leaves_within_ten_minutes_of_the_opening_by_its_id():
    found = opening(SendClass.MARKETING, in_state("IL", CENTRAL), local(CENTRAL, "2026-09-18T02:00"))
    eight = local(CENTRAL, "2026-09-18T08:00")

    times = [deferred_until(found, UUID(int=number)) for number in range(300)]

    assert all(eight <= at < eight + timedelta(minutes=10) for at in times)
    assert times == [deferred_until(found, UUID(int=number)) for number in range(300)]
    assert len({at.replace(second=0) for at in times}) == 10


@pytest.mark.parametrize(
    ("number", "asked", "expected"),
    [
        ("+13125550171", None, (3, "cap.default")),
        ("+13125550171", 5, (5, "cap.tenant")),
        ("+13125550171", 1, (1, "cap.tenant")),
        ("+13055550100", 5, (3, "cap.state.FL")),
        ("+14055550100", 5, (3, "cap.state.OK")),
        ("+14105550100", 5, (3, "cap.state.MD")),
        ("+15035550100", 5, (3, "cap.state.OR")),
        ("+15035550100", 2, (2, "cap.tenant")),
        ("+18005550100", 5, (3, "cap.state_unknown")),
        ("+14165550100", 5, (5, "cap.tenant")),
    ],
)
def test_no_tenant_raises_the_cap_of_florida_oklahoma_maryland_or_oregon(number, asked, expected):
    assert cap_for(place_of(number), RULES, asked) == expected


def test_a_table_warns_once_it_is_older_than_180_days():
    assert age_warning(RULES, RULES.generated + timedelta(days=180)) is None
    warning = age_warning(RULES, RULES.generated + timedelta(days=181))
    assert warning is not None
    assert RULES.version in warning


@pytest.mark.parametrize(
    "written",
    [
        {"someday": ["08:00", "09:00"]},
        {"mon": ["09:00", "08:00"]},
        {"mon": ["09:00", "09:00"]},
        {"mon": ["8:00", "09:00"]},
        {"mon": ["08:60", "09:00"]},
        {"mon": ["08:00", "24:01"]},
        {"mon": ["08:00"]},
        {"mon": [["08:00", "10:00"], ["09:00", "11:00"]]},
        {"mon": 8},
        {"mon": {"from": "08:00"}},
    ],
)
def test_hours_that_cannot_be_kept_are_refused(written):
    with pytest.raises(InvalidInput):
        hours_from(written)


def test_hours_come_back_as_they_were_stored():
    hours = hours_from({"all_days": ["09:00", "20:00"], "sun": None, "tue": [["08:00", "10:00"], ["18:00", "24:00"]]})

    assert hours_from(hours_to_json(hours)) == hours
    assert hours.days[6] == ()
    assert (
        hours_from({"mon_fri": ["09:00", "20:00"], "sat": ["09:00", "20:00"], "sun": ["12:00", "20:00"]})
        == DEFAULT_TENANT_HOURS
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.pop("federal"),
        lambda table: table["meta"].pop("version"),
        lambda table: table["meta"]["class_windows"].update(marketing="sometimes"),
        lambda table: table["states"]["TX"].update(also_in_zones=["Mars/Olympus"]),
        lambda table: table["states"]["UT"]["holidays_banned"].append({"name": "A day", "rule": "nth:13:mon:1"}),
        lambda table: table["states"]["UT"]["holidays_banned"].append({"name": "A day", "rule": "full moon"}),
        lambda table: table["states"]["UT"]["windows"].update(sat=["21:00", "08:00"]),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(change, tmp_path):
    table = json.loads(json.dumps(TABLE))
    change(table)
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(table), encoding="utf-8")

    with pytest.raises(InvalidInput):
        load_rules(path)


def test_another_version_of_the_table_decides_otherwise(tmp_path):
    table = json.loads(json.dumps(TABLE))
    table["meta"]["version"] = "next"
    table["states"]["IL"]["windows"]["mon_fri"] = ["11:00", "21:00"]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    now = local(CENTRAL, "2026-09-18T10:00")

    changed = load_rules(path)

    assert changed.version == "next"
    assert opening(SendClass.MARKETING, in_state("IL", CENTRAL), now).open
    assert not opening(SendClass.MARKETING, in_state("IL", CENTRAL), now, rules=changed).open


def test_a_deferred_text_stays_inside_a_window_shorter_than_the_spread():
    lead = hours_from({"all_days": ["12:00", "12:05"]})
    found = opening(SendClass.MARKETING, in_state("IL", CENTRAL), local(CENTRAL, "2026-09-18T09:00"), lead_hours=lead)

    times = [deferred_until(found, UUID(int=number)) for number in range(200)]

    assert min(times) >= local(CENTRAL, "2026-09-18T12:00")
    assert max(times) < local(CENTRAL, "2026-09-18T12:05")


@pytest.mark.parametrize(("asked_at", "promised"), [("07:59:59", False), ("08:00:00", True)])
def test_what_opens_in_more_than_fourteen_days_is_not_promised(asked_at, promised):
    place, start = place_of("+15045550100"), date(2026, 9, 15)
    proclaimed = frozenset(("LA", start + timedelta(days=day)) for day in range(14))

    found = opening(SendClass.MARKETING, place, local(CENTRAL, f"2026-09-15T{asked_at}"), proclaimed=proclaimed)

    assert found.opens_at == (local(CENTRAL, "2026-09-29T08:00") if promised else None)


def test_a_manual_holiday_of_the_table_bars_the_dates_that_an_operator_entered():
    table = json.loads(json.dumps(TABLE))
    manual = next(row for row in table["states"]["LA"]["holidays_banned"] if row["rule"] == "manual")
    manual["dates"] = ["2026-09-18"]
    place, noon = place_of("+15045550100"), local(CENTRAL, "2026-09-18T12:00")

    found = opening(SendClass.MARKETING, place, noon, rules=rules_from(table))

    assert found.rule == "holiday.state.LA.governor_proclaimed_legal_holidays"
    assert opening(SendClass.MARKETING, place, noon).open
