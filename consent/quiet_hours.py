"""When a text of each class may be sent to a person, by the law where they are and what narrows it. Pure.

The effective window is federal hours ∩ each state's ∩ the tenant's ∩ the person's own, in every zone in which the person
may be (C-081, C-086). Law is data: `RULES` is the packaged data/quiet_hours.json, `load_rules` reads another version.

For the gate:

    place = place_of(contact.address, country=…, declared_zone=…, postal_code=…, state=…, tenant_zone=tenant.zone)
    send = send_class(purpose, first_inquiry=…)        # None: no window applies (compliance, account)
    if send is not None:
        found = opening(send, place, now, tenant_hours=…, lead_hours=…, in_reply_to_at=…)
        found.open; found.rule                          # may leave, or what closed it
        found.opens_at is None                          # not within 14 days: block, do not defer
        deferred_until(found, message.id)               # not open, opens_at set: decide again then

A tenant without hours of its own has DEFAULT_TENANT_HOURS for marketing and None for the rest: the table recommends
them for marketing only. Store `rules.version` and `PLACES_VERSION` with the decision, beside zone, source and local time.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from consent.holidays import WEEKDAYS, Holiday, barred_in, holiday_from
from consent.places import AMERICAN, CANADA, UNITED_KINGDOM, Place
from consent.purposes import Purpose
from smsbot.errors import InvalidInput

REPLY_GRACE = timedelta(minutes=15)  # data/quiet_hours.json, message class `reply`
HORIZON_DAYS = 14  # further ahead nothing is promised
JITTER_S = 600  # C-082: not everything that was held leaves in the opening minute
TABLE_GOOD_FOR = timedelta(days=180)  # C-093
RULE_LENGTH = 60  # characters of a rule's name
DAY_S = 86400
CLOCK = re.compile(r"([0-9]{2}):([0-5][0-9])", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1).toordinal()
THURSDAY = 3  # the weekday of 1970-01-01, Monday being 0

DAY_NAMES: Mapping[str, tuple[int, ...]] = {
    "all_days": (0, 1, 2, 3, 4, 5, 6),
    "mon_fri": (0, 1, 2, 3, 4),
    "sat_sun": (5, 6),
    **{name: (day,) for day, name in enumerate(WEEKDAYS)},
}

Span = tuple[int, int]  # seconds, start inclusive, end exclusive
Spans = tuple[Span, ...]


class SendClass(StrEnum):
    """The message classes of the table."""

    REPLY = "reply"
    INQUIRY_ACK = "inquiry_ack"
    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"


class _Reach(StrEnum):
    """Which law gates a class: the federal hours alone, or the state's rows, holidays and their other limits too."""

    FEDERAL = "federal"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class WeekHours:
    """Hours of each weekday in local time, Monday first, as spans of seconds since midnight. An empty day has none."""

    days: tuple[Spans, ...]


def hours_from(written: Mapping[str, Any]) -> WeekHours:
    """Hours as the table, settings and a person's wishes are stored: {"mon_fri": ["09:00", "20:00"], "sun": null}.

    Keys are all_days, mon_fri, sat_sun, mon … sun, the later ones over the earlier; a day that none names has no hours.
    A value is null, one pair, or a list of pairs; "24:00" ends a day. Raises InvalidInput("hours", …).
    """
    days: list[Spans] = [()] * 7
    if not written.keys() <= DAY_NAMES.keys():
        raise InvalidInput("hours", f"name days by {', '.join(DAY_NAMES)}")
    for name in DAY_NAMES:
        for day in DAY_NAMES[name] if name in written else ():
            days[day] = _spans_from(written[name])
    return WeekHours(tuple(days))


def _spans_from(written: Any) -> Spans:
    if not written:
        return ()
    try:
        pairs = [written] if isinstance(written[0], str) else written
        spans = sorted((_seconds(start), _seconds(end)) for start, end in pairs)
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidInput("hours", "write a span as a pair of times") from error
    apart = all(one[1] <= two[0] for one, two in pairwise(spans))
    if not apart or any(start >= end for start, end in spans):
        raise InvalidInput("hours", "each span begins before it ends, on the same day, and none overlaps another")
    return tuple(spans)


def _seconds(written: str) -> int:
    clock = CLOCK.fullmatch(written)
    total = int(clock[1]) * 3600 + int(clock[2]) * 60 if clock else DAY_S + 1
    if total > DAY_S:
        raise InvalidInput("hours", "write a time as HH:MM, from 00:00 to 24:00")
    return total


def hours_to_json(hours: WeekHours) -> dict[str, list[list[str]]]:
    """The form that `hours_from` reads again."""
    return {name: [[_clock(start), _clock(end)] for start, end in hours.days[day]] for day, name in enumerate(WEEKDAYS)}


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"


@dataclass(frozen=True, slots=True, eq=False)
class StateRow:
    """What one state adds to the federal hours."""

    hours: WeekHours
    holidays: tuple[Holiday, ...]
    observed: Mapping[int, int]  # weekday of a holiday -> how many days after it is barred as well
    also_in_zones: tuple[str, ...]  # zones whose clock the state's hours are read by besides the person's own
    cap: int | None  # marketing texts in 24 h, not to be raised


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """One version of the table. Compared by identity, which is what what-was-worked-out is remembered by."""

    version: str
    generated: date
    reaches: Mapping[SendClass, _Reach]
    federal: WeekHours
    states: Mapping[str, StateRow]
    canada: WeekHours
    united_kingdom: WeekHours
    elsewhere: WeekHours
    unknown_zone: str
    unknown_hours: WeekHours
    unknown_marketing: bool  # whether marketing may go to an unknown zone at all
    default_tenant_hours: WeekHours
    default_cap: int  # marketing texts in 24 h


def rules_from(table: Mapping[str, Any]) -> Rules:
    """The rules of a table of the shape of data/quiet_hours.json. Raises InvalidInput for what cannot be read."""
    try:
        meta, default, unknown = table["meta"], table["recommended_platform_default"], table["unknown_zone"]
        return Rules(
            version=meta["version"],
            generated=date.fromisoformat(meta["generated"]),
            reaches={one: _Reach(meta["class_windows"][one.value]) for one in SendClass},
            federal=hours_from(table["federal"]["windows"]),
            states={name: _state_row(row) for name, row in table["states"].items()},
            canada=hours_from(table["canada"]["recommended_sms"]),
            united_kingdom=hours_from(table["uk"]["recommended"]),
            elsewhere=hours_from(table["elsewhere"]["windows"]),
            unknown_zone=ZoneInfo(unknown["zone"]).key,
            unknown_hours=hours_from(unknown["windows"]),
            unknown_marketing=bool(unknown["marketing"]),
            default_tenant_hours=hours_from({name: default[name] for name in ("mon_fri", "sat", "sun")}),
            default_cap=int(default["max_marketing_per_24h"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InvalidInput("rules", f"the table of sending hours cannot be read: {error!r}") from error


def _state_row(row: Mapping[str, Any]) -> StateRow:
    return StateRow(
        hours=hours_from(row["windows"]),
        holidays=tuple(holiday_from(holiday) for holiday in row["holidays_banned"]),
        observed={WEEKDAYS.index(name): int(days) for name, days in row.get("observed", {}).items()},
        also_in_zones=tuple(ZoneInfo(zone).key for zone in row.get("also_in_zones", ())),
        cap=None if row["max_per_24h"] is None else int(row["max_per_24h"]["count"]),
    )


def load_rules(path: Path | None = None) -> Rules:
    """The rules in this file, or the packaged ones. Raises InvalidInput, OSError."""
    source = resources.files("consent").joinpath("data/quiet_hours.json") if path is None else path
    try:
        table = json.loads(source.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput("rules", "the table of sending hours is no JSON") from error
    return rules_from(table)


RULES = load_rules()
DEFAULT_TENANT_HOURS = RULES.default_tenant_hours  # what a tenant that set no hours has for marketing


def send_class(purpose: Purpose, first_inquiry: bool) -> SendClass | None:
    """The table's class of a text; None where no window applies. `first_inquiry`: the first text after a form or call."""
    match purpose:
        case Purpose.REPLY:
            return SendClass.REPLY
        case Purpose.INQUIRY:
            return SendClass.INQUIRY_ACK if first_inquiry else SendClass.MARKETING
        case Purpose.APPOINTMENT | Purpose.NOTIFICATION:
            return SendClass.TRANSACTIONAL
        case Purpose.MARKETING:
            return SendClass.MARKETING
        case Purpose.ACCOUNT | Purpose.COMPLIANCE:
            return None


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether the window is open, and what says so.

    `opens_at` (UTC) is `now` itself when open, else the first open second; None when there is none within 14 days.
    `closes_at` (UTC) ends that stretch; None when it lasts beyond 14 days. `rule`, at most 60 characters, names what
    closed it: of several the one that opens last. `zone` and `local` (ISO 8601) are the clock it was read by.
    """

    open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    rule: str
    zone: str
    source: str
    local: str


OPEN = "hours.open"
FRESH_REPLY = "hours.open.fresh_reply"
NIGHT_REPLY = "hours.open.instant_night_reply"
UNKNOWN_ZONE = "hours.unknown_zone"
UNKNOWN_ZONE_MARKETING = "hours.unknown_zone.marketing"


def opening(
    send: SendClass,
    place: Place,
    now: datetime,
    *,
    rules: Rules = RULES,
    tenant_hours: WeekHours | None = None,
    lead_hours: WeekHours | None = None,
    in_reply_to_at: datetime | None = None,
    instant_night_reply: bool = False,
    emergencies: frozenset[str] = frozenset(),
    proclaimed: frozenset[tuple[str, date]] = frozenset(),
) -> Opening:
    """When this text may leave. `now` and `in_reply_to_at` are aware.

    A reply leaves at any hour for 15 minutes after their text; from then on it keeps the full window. Marketing, and
    with it every later inquiry text, keeps the full window and never goes to a person whose zone is unknown (C-087).

    The first inquiry text keeps the federal hours and not the state's: the table's own reading (`inquiry_ack`) is the
    narrower claim about the law, for an answer to the person's inquiry is no solicitation in the states that say
    anything of it (WA, MD, TX, OR, CT, RI), and the table goes before the one line that gives every inquiry the full
    window. It is data, `class_windows`, so that a lawyer who reads it the other way changes one word. Transactional
    texts keep the federal hours. At night an answer leaves at once only with `instant_night_reply`, which the caller
    gives when the tenant has switched it on and the stored disclosure says so (C-084).

    `tenant_hours` and `lead_hours` can only narrow, in the person's local time, and None does not; the person's own
    hours hold for every class but the fresh reply. `emergencies` are the states where marketing stands still (C-091),
    `proclaimed` the holidays that a state's governor has proclaimed, as state and date. Raises ValueError for a naive
    `now`.
    """
    if now.utcoffset() is None:
        raise ValueError("a time without zone depends on the machine that reads it")
    source, now = place.source.value, now.astimezone(UTC)
    zone = place.zones[0] if place.zones else rules.unknown_zone
    if send is SendClass.MARKETING and not place.zones and not rules.unknown_marketing:
        return Opening(False, None, None, UNKNOWN_ZONE_MARKETING, zone, source, _local(now, zone))
    limits = _limits(
        rules, rules.reaches[send], send is SendClass.MARKETING, place.zones, place.states, place.country,
        tenant_hours, lead_hours, emergencies, proclaimed,
    )  # fmt: skip
    second = _second(now)
    if send is SendClass.REPLY and in_reply_to_at is not None and now < in_reply_to_at + REPLY_GRACE:
        closes = _fresh_until(limits, in_reply_to_at + REPLY_GRACE)
        return Opening(True, now, closes, FRESH_REPLY, zone, source, _local(now, zone))
    stretch = _stretch(limits, second)
    if stretch is not None and stretch[0] <= second:
        return Opening(True, now, _instant(stretch[1]), OPEN, zone, source, _local(now, zone))
    if send is SendClass.INQUIRY_ACK and instant_night_reply:
        return Opening(True, now, None, NIGHT_REPLY, zone, source, _local(now, zone))
    closing = _closing(limits, second)
    opens_at, closes_at = (None, None) if stretch is None else (_instant(stretch[0]), _instant(stretch[1]))
    return Opening(False, opens_at, closes_at, closing.rule_at(second), closing.zone, source, _local(now, closing.zone))


def _fresh_until(limits: _Limits, fresh: datetime) -> datetime | None:
    """When a fresh reply's freedom ends, or the window's own end when that holds `fresh`."""
    stretch = _stretch(limits, _second(fresh))
    held = stretch is not None and stretch[0] <= _second(fresh)
    return _instant(stretch[1]) if stretch is not None and held else fresh.astimezone(UTC)


def deferred_until(opening: Opening, seed: UUID) -> datetime:
    """When to decide again: the opening and up to ten minutes more by the message's id, inside the window (C-082).

    Raises ValueError when it is open or never opens.
    """
    if opening.open or opening.opens_at is None:
        raise ValueError("only what opens later can be deferred")
    room = JITTER_S
    if opening.closes_at is not None:
        room = min(room, int((opening.closes_at - opening.opens_at).total_seconds()))
    return opening.opens_at + timedelta(seconds=zlib.crc32(seed.bytes) % max(1, room))


def cap_for(place: Place, rules: Rules = RULES, tenant_cap: int | None = None) -> tuple[int, str]:
    """How many marketing texts one number may get in any 24 hours, and the rule that says so (C-090).

    A tenant may set more than the default where no state forbids it. Whose state is not known has the strictest.
    """
    asked = rules.default_cap if tenant_cap is None else tenant_cap
    american = place.country in AMERICAN or place.country is None
    states = place.states or (tuple(rules.states) if american else ())
    caps = [(row.cap, name) for name in states if (row := rules.states.get(name)) is not None and row.cap is not None]
    if caps and min(caps)[0] < asked:
        cap, name = min(caps)
        return cap, f"cap.state.{name}" if place.states else "cap.state_unknown"
    return asked, "cap.default" if tenant_cap is None else "cap.tenant"


def age_warning(rules: Rules, today: date) -> str | None:
    """A sentence when the table is older than 180 days (C-093)."""
    age = today - rules.generated
    if age <= TABLE_GOOD_FOR:
        return None
    return (
        f"The table of sending hours (version {rules.version}) is {age.days} days old, more than {TABLE_GOOD_FOR.days}:"
        " have it reviewed and install the new version."
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Limit:
    """Hours in one zone, and the dates they leave out. Compared by identity: one is made per set of facts."""

    rule: str
    zone: str
    hours: WeekHours
    state: StateRow | None = None  # whose holidays bar a date
    proclaimed: frozenset[date] = frozenset()
    shut: bool = False  # until somebody lifts it

    def rule_at(self, second: int) -> str:
        """The name of what closes at this instant: the holiday, or the hours."""
        local = datetime.fromtimestamp(second, ZoneInfo(self.zone)).date()
        barred = self.barred_by(local)
        return (f"holiday.{self.rule.removeprefix('hours.')}.{barred}" if barred else self.rule)[:RULE_LENGTH]

    def barred_by(self, day: date) -> str | None:
        if day in self.proclaimed:
            return "proclaimed"
        return None if self.state is None else _holidays(self.state, day.year).get(day)


@dataclass(frozen=True, slots=True, eq=False)
class _Limits:
    """All that must be open at once, in the order in which they are named."""

    each: tuple[_Limit, ...]


@lru_cache(maxsize=4096)
def _limits(
    rules: Rules,
    reach: _Reach,
    marketing: bool,
    zones: tuple[str, ...],
    states: tuple[str, ...],
    country: str | None,
    tenant_hours: WeekHours | None,
    lead_hours: WeekHours | None,
    emergencies: frozenset[str],
    proclaimed: frozenset[tuple[str, date]],
) -> _Limits:
    rule, hours = _country_hours(rules, country) if zones else (UNKNOWN_ZONE, rules.unknown_hours)
    zones = zones or (rules.unknown_zone,)
    found = [_Limit(rule, zone, hours) for zone in zones]
    for name in states:
        found += _state_limits(rules, name, reach, marketing, zones, name in emergencies, proclaimed)
    for rule, own in (("hours.tenant", tenant_hours), ("hours.lead", lead_hours)):
        if own is not None:
            found += [_Limit(rule, zone, own) for zone in zones]
    return _Limits(tuple(found))


def _country_hours(rules: Rules, country: str | None) -> tuple[str, WeekHours]:
    if country is None or country in AMERICAN:
        return "hours.federal", rules.federal
    if country == CANADA:
        return "hours.canada", rules.canada
    if country == UNITED_KINGDOM:
        return "hours.uk", rules.united_kingdom
    return "hours.elsewhere", rules.elsewhere


def _state_limits(
    rules: Rules,
    name: str,
    reach: _Reach,
    marketing: bool,
    zones: tuple[str, ...],
    emergency: bool,
    proclaimed: frozenset[tuple[str, date]],
) -> Iterator[_Limit]:
    row = rules.states.get(name)
    if marketing and emergency:
        yield _Limit(f"emergency.state.{name}", zones[0], rules.federal, shut=True)
    if row is None or reach is _Reach.FEDERAL:
        return
    dates = frozenset(day for state, day in proclaimed if state == name)
    for zone in dict.fromkeys((*zones, *row.also_in_zones)):
        yield _Limit(f"hours.state.{name}", zone, row.hours, row, dates)


@lru_cache(maxsize=1024)
def _holidays(state: StateRow, year: int) -> Mapping[date, str]:
    return barred_in(year, state.holidays, state.observed)


def _stretch(limits: _Limits, second: int) -> tuple[int, int | None] | None:
    """The open stretch that holds this second, else the first after it: start and end; the end None beyond the horizon.

    A stretch that holds the second may begin at any second up to it. None when none begins within the horizon.
    """
    first = second // DAY_S
    start = end = None
    for day in range(first, first + HORIZON_DAYS + 1):
        for begins, ends in _open_spans(limits, day):
            if ends <= second:
                continue
            if start is None:
                if begins > second + HORIZON_DAYS * DAY_S:
                    return None
                start, end = begins, ends
            elif begins == end:
                end = ends
            else:
                return start, end
        if start is not None and end != (day + 1) * DAY_S:
            return start, end
    return None if start is None else (start, None)


def _closing(limits: _Limits, second: int) -> _Limit:
    """Of the limits that are closed at this second the one that opens last; the first named of several."""
    closed = [(opens, limit) for limit in limits.each if (opens := _opens(limit, second)) > second]
    return max(closed, key=lambda one: one[0])[1]


def _opens(limit: _Limit, second: int) -> float:
    """The first open second of one limit from here on; infinite when there is none within the horizon."""
    first = second // DAY_S
    for day in range(first, first + HORIZON_DAYS + 1):
        for begins, ends in _limit_spans(limit, day):
            if ends > second:
                return max(begins, second)
    return float("inf")


@lru_cache(maxsize=16384)
def _open_spans(limits: _Limits, day: int) -> Spans:
    """The spans of one UTC day (days since 1970) in which every limit is open, in seconds since 1970."""
    spans: Spans = ((day * DAY_S, (day + 1) * DAY_S),)
    for limit in limits.each:
        spans = _both(spans, _limit_spans(limit, day))
    return spans


@lru_cache(maxsize=16384)
def _limit_spans(limit: _Limit, day: int) -> Spans:
    """The spans of one UTC day in which the clock of the limit's zone reads one of its hours.

    It is the clock that counts: an hour that it shows twice is open or closed twice, one that it skips never comes.
    """
    found: list[Span] = []
    for begins, ends, offset in () if limit.shut else _segments(limit.zone, day):
        for local in range((begins + offset) // DAY_S, (ends - 1 + offset) // DAY_S + 1):
            if limit.barred_by(date.fromordinal(EPOCH_DAY + local)) is not None:
                continue
            midnight = local * DAY_S - offset
            for opens, closes in limit.hours.days[(local + THURSDAY) % 7]:
                span = max(begins, midnight + opens), min(ends, midnight + closes)
                if span[0] < span[1]:
                    found.append(span)
    return tuple(found)


def _both(one: Sequence[Span], other: Sequence[Span]) -> Spans:
    found = []
    for begins, ends in one:
        for opens, closes in other:
            if max(begins, opens) < min(ends, closes):
                found.append((max(begins, opens), min(ends, closes)))
    return tuple(found)


@lru_cache(maxsize=4096)
def _segments(zone: str, day: int) -> tuple[tuple[int, int, int], ...]:
    """One UTC day in parts of one offset from UTC each: start, end, offset, all in seconds.

    No zone changes twice in a day, so that two equal ends mean no change.
    """
    begins, ends = day * DAY_S, (day + 1) * DAY_S
    before, after = _offset(zone, begins), _offset(zone, ends - 1)
    if before == after:
        return ((begins, ends, before),)
    low, high = begins, ends - 1  # the change lies in (low, high]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return ((begins, high, before), (high, ends, after))


def _offset(zone: str, second: int) -> int:
    offset = datetime.fromtimestamp(second, ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _second(at: datetime) -> int:
    """The whole second that `at` falls in, since 1970."""
    return (at - EPOCH) // timedelta(seconds=1)


def _instant(second: int | None) -> datetime | None:
    return None if second is None else datetime.fromtimestamp(second, UTC)


def _local(now: datetime, zone: str) -> str:
    return now.astimezone(ZoneInfo(zone)).isoformat()
