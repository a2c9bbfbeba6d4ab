"""Where the person behind a number is, as far as sending hours ask: time zones, state, and how sure that is. Pure.

The tables are the packaged data/area_codes.json and data/zip_prefixes.json, whose `meta` names their sources.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone as number_zones

from smsbot.phone import region_of

REMEMBERED = 8192  # places worked out lately: one text asks at acceptance and again before the send
UNITED_STATES, CANADA, UNITED_KINGDOM = "US", "CA", "GB"
AMERICAN = frozenset({UNITED_STATES, "PR", "VI", "GU", "MP", "AS", "UM"})  # under federal law, with rows of their own
NORTH_AMERICA = re.compile(r"\+1([2-9][0-9]{2})[0-9]{7}", re.ASCII)
ZIP = re.compile(r"([0-9]{5})(?:-?[0-9]{4})?", re.ASCII)
CANADIAN_CODE = re.compile(r"([ABCEGHJ-NPRSTVXY])[0-9][A-Z] ?[0-9][A-Z][0-9]", re.ASCII)
NO_ZONE = "Etc/Unknown"  # what phonenumbers answers for a number that it cannot place
NO_REGION = frozenset({"ZZ", "001"})  # and for a country code of no country
SEASONS = (datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC))


class PlaceSource(StrEnum):
    """What the zones rest on, surest first (C-085)."""

    DECLARED = "declared"
    ZIP = "zip"
    STATE = "state"
    AREA_CODE = "area_code"  # or the country code, outside North America
    TENANT = "tenant"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    HIGH = "high"  # the person, or an address of theirs, says so
    MEDIUM = "medium"  # an address that spans several zones, or a number's area code: people move and keep the number
    LOW = "low"  # somebody else's zone, or the state is only one of those that keep the zone
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Place:
    """Every zone and every state in which the person may be: a rule must hold in all of them at once.

    `zones` are IANA names, empty when nothing says where (toll-free, 5xx, 600, invalid: C-087). `states` are USPS codes,
    the District and the territories among them. `country` is ISO 3166-1, "US" for the territories too.
    """

    zones: tuple[str, ...]
    states: tuple[str, ...]
    country: str | None
    source: PlaceSource
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class _Found:
    """What one piece of evidence says."""

    zones: tuple[str, ...]
    states: tuple[str, ...]
    country: str | None


def _packaged(name: str) -> Mapping[str, Any]:
    read: dict[str, Any] = json.loads(resources.files("consent").joinpath(f"data/{name}").read_text("utf-8"))
    return read


def _american_codes(table: Mapping[str, Any]) -> dict[str, _Found]:
    return {
        code: _Found(
            tuple(row.get("zones_to_intersect") or row["phonenumbers_zones"]), tuple(row["states"]), UNITED_STATES
        )
        for code, row in table["area_codes"].items()
    }


def _canadian(rows: Mapping[str, list[str]]) -> dict[str, _Found]:
    return {name: _Found(tuple(zones), (), CANADA) for name, zones in rows.items()}


def _zip_prefixes(table: Mapping[str, Any]) -> dict[str, _Found]:
    return {
        f"{prefix:03d}": _Found(tuple(zones), tuple(states), UNITED_STATES)
        for first, last, states, zones in table["prefixes"]
        for prefix in range(int(first), int(last) + 1)
    }


def _by_state(rows: Iterable[_Found]) -> dict[str, tuple[str, ...]]:
    """All zones that any row gives a state."""
    zones: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        for state in row.states:
            zones[state].update(dict.fromkeys(row.zones))
    return {state: tuple(found) for state, found in zones.items()}


def _clock(zone: str) -> tuple[timedelta | None, ...]:
    """What tells zones apart that keep different time: "America/Detroit" and "US/Eastern" are New York's."""
    return tuple(season.astimezone(ZoneInfo(zone)).utcoffset() for season in SEASONS)


def _by_clock(states: Mapping[str, tuple[str, ...]]) -> dict[tuple[timedelta | None, ...], tuple[str, ...]]:
    """The states in which a clock is kept, in order."""
    found: dict[tuple[timedelta | None, ...], list[str]] = defaultdict(list)
    for state in sorted(states):
        for clock in {_clock(zone) for zone in states[state]}:
            found[clock].append(state)
    return {clock: tuple(names) for clock, names in found.items()}


_AREAS = _packaged("area_codes.json")
_ZIPS = _packaged("zip_prefixes.json")
_CODES: Mapping[str, _Found] = _american_codes(_AREAS) | _canadian(_AREAS["canada"]["area_codes"])
_PREFIXES: Mapping[str, _Found] = _zip_prefixes(_ZIPS)
_EXACT: Mapping[str, _Found] = {
    code: _Found(tuple(zones), tuple(states), UNITED_STATES) for code, (states, zones) in _ZIPS["exact"].items()
}
_LETTERS: Mapping[str, _Found] = _canadian(_AREAS["canada"]["postal_letters"])
_STATE_ZONES: Mapping[str, tuple[str, ...]] = _by_state(row for row in _CODES.values() if row.states)
_CLOCK_STATES = _by_clock(_STATE_ZONES)
PLACES_VERSION = f"areas {_AREAS['meta']['generated']}, ZIP codes {_ZIPS['meta']['generated']}"


@lru_cache(maxsize=REMEMBERED)
def place_of(
    number: str,
    *,
    country: str | None = None,
    declared_zone: str | None = None,
    postal_code: str | None = None,
    state: str | None = None,
    tenant_zone: str | None = None,
) -> Place:
    """Where the person with this E.164 number is: declared zone, then ZIP, state, area code, the tenant's zone (C-085).

    `postal_code` and `state` come from the person, a form, the API or staff; what the carrier says of a number
    (FromZip, FromState) describes the number and belongs to neither. An area code or state that spans zones gives all of
    them (C-086). A declared zone keeps the state that the next best evidence gives, for that state's own hours; without
    any it keeps every state in that zone. The tenant's zone stands in only for a number of another country that the
    numbering plan does not place: to one of North America without place it would be a guess (C-087).
    Words that are no zone, code or state count as not given.
    """
    by_number = _by_number(number, country)
    by_address = _by_postal_code(postal_code) or _by_state_name(state)
    known = by_address or by_number
    lives_in = known.country
    declared = declared_zone if declared_zone is not None and _is_zone(declared_zone) else None
    if declared is not None:
        states = known.states or (_CLOCK_STATES.get(_clock(declared), ()) if lives_in in (None, UNITED_STATES) else ())
        return Place(
            (declared,), states, lives_in, PlaceSource.DECLARED, Confidence.HIGH if known.states else Confidence.MEDIUM
        )
    if by_address is not None:
        source = PlaceSource.ZIP if _by_postal_code(postal_code) else PlaceSource.STATE
        sure = Confidence.HIGH if len(by_address.zones) == 1 else Confidence.MEDIUM
        return Place(by_address.zones, by_address.states, lives_in, source, sure)
    if by_number.zones:
        return Place(by_number.zones, by_number.states, lives_in, PlaceSource.AREA_CODE, Confidence.MEDIUM)
    abroad = lives_in is not None and NORTH_AMERICA.fullmatch(number) is None
    if abroad and tenant_zone is not None and _is_zone(tenant_zone):
        return Place((tenant_zone,), (), lives_in, PlaceSource.TENANT, Confidence.LOW)
    return Place((), (), lives_in, PlaceSource.UNKNOWN, Confidence.NONE)


def _by_number(number: str, country: str | None) -> _Found:
    american = NORTH_AMERICA.fullmatch(number)
    if american is not None and american[1] in _CODES:
        return _CODES[american[1]]
    region = country or region_of(number)
    if american is None:
        return _by_plan(number, region)
    if region in AMERICAN or region in (None, CANADA):
        return _Found((), (), UNITED_STATES if region in AMERICAN else region)
    abroad = _by_plan(number, region)
    # Several zones stand for a number of this plan that no place owns, such as one free of charge.
    return abroad if len(abroad.zones) == 1 else _Found((), (), region)


def _by_plan(number: str, region: str | None) -> _Found:
    """Country and all zones that the numbering plan gives this number, by its prefix: a fictitious one has them too."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return _Found((), (), region)
    owner = region or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    zones = number_zones.time_zones_for_geographical_number(parsed)
    placed = tuple(zone for zone in zones if zone != NO_ZONE and _is_zone(zone))
    return _Found(placed, (), None if owner in NO_REGION else owner)


def _by_postal_code(written: str | None) -> _Found | None:
    code = (written or "").strip().upper()
    american = ZIP.fullmatch(code)
    if american is not None:
        return _EXACT.get(american[1]) or _PREFIXES.get(american[1][:3])
    canadian = CANADIAN_CODE.fullmatch(code)
    return _LETTERS.get(canadian[1]) if canadian is not None else None


def _by_state_name(written: str | None) -> _Found | None:
    state = (written or "").strip().upper()
    zones = _STATE_ZONES.get(state)
    return _Found(zones, (state,), UNITED_STATES) if zones else None


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
