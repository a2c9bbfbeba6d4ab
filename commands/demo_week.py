"""A written week as steps in time: who did what with which lead, always the last seven days from now. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

LONGEST_AGO_DAYS = 6  # with the hours of today, seven days at most


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `lead` and `written` are as `demo_week.json` has them; `place` counts within the lead."""

    at: datetime
    lead: Mapping[str, Any]
    place: int
    written: Mapping[str, Any]


def steps_of(
    leads: Sequence[Mapping[str, Any]], zone: ZoneInfo, now: datetime, closed_on: frozenset[int] = frozenset()
) -> list[Step]:
    """Every step of the week, oldest first, none later than `now`.

    `closed_on`: weekdays (Monday 0) on which no staff is in. What needs staff moves to the day before.
    """
    found = []
    for lead in leads:
        begins = _beginning(lead, zone, now, closed_on)
        for place, written in enumerate(lead["steps"]):
            at = begins + timedelta(minutes=written["after_min"], seconds=_seconds(lead["number"], place))
            found.append(Step(at, lead, place, written))
    return sorted(found, key=lambda step: step.at)


def _beginning(lead: Mapping[str, Any], zone: ZoneInfo, now: datetime, closed_on: frozenset[int]) -> datetime:
    if "minutes_ago" in lead:
        return now - timedelta(minutes=lead["minutes_ago"])
    day = now.astimezone(zone).date() - timedelta(days=lead["days_ago"])
    if day.weekday() in closed_on and any("by" in step for step in lead["steps"]):
        # The oldest day has none before it within the week.
        day += timedelta(days=1 if lead["days_ago"] == LONGEST_AGO_DAYS else -1)
    return datetime.combine(day, time.fromisoformat(lead["at"]), tzinfo=zone).astimezone(now.tzinfo)


def _seconds(number: str, place: int) -> int:
    """Under a minute, the same each time: nobody texts on the full minute."""
    return hashlib.sha256(f"{number}|{place}".encode()).digest()[0] % 50
