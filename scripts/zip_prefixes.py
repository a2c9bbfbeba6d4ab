"""Makes consent/data/zip_prefixes.json: which state and time zones the first three digits of a ZIP code stand for.

`python scripts/zip_prefixes.py` needs the `zipcodes` package (MIT) beside the project's own; the product does not.
Zones that keep the same time today are written as one, so that a prefix lists two only where it spans two.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

TARGET = Path(__file__).resolve().parent.parent / "consent" / "data" / "zip_prefixes.json"
CANONICAL = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "Pacific/Guam",
    "Pacific/Pago_Pago",
    "Pacific/Palau",
    "Pacific/Chuuk",
    "Pacific/Majuro",
)
SEASONS = (datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC))
MILITARY = frozenset({"AA", "AE", "AP"})
# The package has all of Nevada in one zone; West Wendover (89883) keeps Mountain Time by 49 CFR 71.9.
BY_HAND = {"898": ("NV", ("America/Denver",))}

State = str
Row = tuple[tuple[State, ...], tuple[str, ...]]


def offsets(zone: str) -> tuple[object, ...]:
    return tuple(season.astimezone(ZoneInfo(zone)).utcoffset() for season in SEASONS)


def canonical(zone: str) -> str | None:
    """The zone of CANONICAL that keeps the same time, None for what is no zone."""
    try:
        wanted = offsets(zone)
    except (KeyError, ValueError):
        return None
    return next((name for name in CANONICAL if offsets(name) == wanted), None)


def rows_of(codes: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Row], dict[str, Row]]:
    """By prefix, and by whole code where a few codes of a prefix lie in another state than the rest."""
    found: dict[str, dict[State, dict[str, set[str]]]] = defaultdict(lambda: defaultdict(dict))
    military = set()
    for code in codes:
        zip_code, state = str(code["zip_code"]), str(code["state"])
        if state in MILITARY:
            military.add(zip_code[:3])
            continue
        zone = canonical(str(code["timezone"])) if code["timezone"] else None
        found[zip_code[:3]][state].setdefault(zip_code, set()).update([zone] if zone else [])
    prefixes: dict[str, Row] = {}
    exact: dict[str, Row] = {}
    for prefix, states in found.items():
        if prefix in military:
            continue
        most = max(states, key=lambda state: len(states[state]))
        zones = {zone for one in states[most].values() for zone in one}
        by_hand = BY_HAND.get(prefix)
        if by_hand is not None and by_hand[0] == most:
            zones.update(by_hand[1])
        prefixes[prefix] = ((most,), in_order(zones))
        for state, members in states.items():
            for zip_code, own in members.items() if state != most else ():
                exact[zip_code] = ((state,), in_order(own))
    return prefixes, exact


def in_order(zones: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(zones, key=CANONICAL.index))


def runs(prefixes: Mapping[str, Row]) -> list[list[Any]]:
    """Neighbouring prefixes with one meaning as [first, last, states, zones]."""
    made: list[list[Any]] = []
    for prefix in sorted(prefixes):
        states, zones = prefixes[prefix]
        last = made[-1] if made else None
        if last and int(last[1]) + 1 == int(prefix) and (last[2], last[3]) == (list(states), list(zones)):
            last[1] = prefix
        else:
            made.append([prefix, prefix, list(states), list(zones)])
    return made


def main() -> int:
    codes = importlib.import_module("zipcodes").list_all()
    prefixes, exact = rows_of(codes)
    neighbours = runs(prefixes)
    meta = {
        "generated": datetime.now(UTC).date().isoformat(),
        "source": f"zipcodes {version('zipcodes')} (MIT): unitedstateszipcodes.org, GeoNames (CC BY 4.0), USPS ZIP "
        "Locale Detail (public domain); made by scripts/zip_prefixes.py",
        "by_hand": "898 also Mountain (West Wendover, Nevada)",
        "shape": "prefixes: [first, last, states, zones to intersect]; exact: codes in another state than the rest "
        "of their prefix; military prefixes are left out",
    }
    rows = ",\n".join(f"  {json.dumps(run)}" for run in neighbours)
    others = ",\n".join(f"  {json.dumps(code)}: {json.dumps(row)}" for code, row in sorted(exact.items()))
    parts = [f' "meta": {json.dumps(meta)}', f' "prefixes": [\n{rows}\n ]', f' "exact": {{\n{others}\n }}']
    TARGET.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    sys.stdout.write(f"{len(prefixes)} prefixes in {len(neighbours)} runs, {len(exact)} single codes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
