"""Which dates a state bars by its holidays, worked out from formulas. Pure.

A formula is one of fixed:MM-DD, nth:MM:weekday:N (N -1 is the last), nth:MM:weekday:after-first-mon (the first such
weekday after the month's first Monday), easter:±days (Gregorian), manual (the dates stand beside it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from smsbot.errors import InvalidInput

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = timedelta(days=7)
AFTER_FIRST_MONDAY = "after-first-mon"


@dataclass(frozen=True, slots=True)
class Holiday:
    """One holiday of a state. `slug` is its name in a rule's name; `years` is "even", "odd" or None for each."""

    name: str
    rule: str
    years: str | None = None
    dates: tuple[date, ...] = ()  # of a manual one, as an operator entered them
    slug: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "slug", re.sub(r"[^a-z0-9]+", "_", self.name.replace("'", "").lower()).strip("_"))
        date_of(self, 2028)  # a formula that cannot be read is refused when the table is loaded


def holiday_from(row: Mapping[str, Any]) -> Holiday:
    """A row of `holidays_banned`. Raises InvalidInput("holidays_banned", …) for what is no formula."""
    try:
        dates = tuple(date.fromisoformat(written) for written in row.get("dates", ()))
        return Holiday(row["name"], row["rule"], row.get("years"), dates)
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidInput("holidays_banned", f"no holiday that can be worked out: {row}") from error


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm, Meeus, Astronomical Algorithms, chapter 8)."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leaps, odd = divmod(century, 4)
    moon = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    quarter, left = divmod(rest, 4)
    to_sunday = (32 + 2 * odd + 2 * quarter - moon - left) % 7
    late = (golden + 11 * moon + 22 * to_sunday) // 451
    month, day = divmod(moon + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def date_of(holiday: Holiday, year: int) -> date | None:
    """The day of this formula in `year`; None for a manual one or a year that it leaves out. Raises ValueError."""
    if holiday.years not in (None, "even", "odd"):
        raise ValueError(f"years of {holiday.name}: {holiday.years}")
    kind, _, rest = holiday.rule.partition(":")
    match kind:
        case "fixed":
            month, day = rest.split("-")
            found = date(year, int(month), int(day))
        case "nth":
            found = _nth(year, rest)
        case "easter":
            found = easter(year) + timedelta(days=int(rest))
        case "manual":
            return None
        case _:
            raise ValueError(f"formula of {holiday.name}: {holiday.rule}")
    skipped = holiday.years is not None and (year % 2 == 0) != (holiday.years == "even")
    return None if skipped else found


def _nth(year: int, rest: str) -> date:
    written, name, which = rest.split(":")
    month, weekday = int(written), WEEKDAYS.index(name)
    if which == AFTER_FIRST_MONDAY:
        return _on_or_after(_on_or_after(date(year, month, 1), 0) + timedelta(days=1), weekday)
    if which == "-1":
        beyond = date(year + month // 12, month % 12 + 1, 1)
        return _on_or_after(beyond, weekday) - WEEK
    if which not in ("1", "2", "3", "4"):
        raise ValueError(f"no such week: {which}")
    return _on_or_after(date(year, month, 1), weekday) + (int(which) - 1) * WEEK


def _on_or_after(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def barred_in(year: int, holidays: tuple[Holiday, ...], observed: Mapping[int, int]) -> dict[date, str]:
    """The dates of `year` on which these holidays stand, with the slug of the first that does.

    `observed` moves nothing: a holiday on this weekday (Monday is 0) also bars the day so many days after it.
    """
    found: dict[date, str] = {}
    for day, slug in _days(year, holidays):
        for barred in (day, day + timedelta(days=observed.get(day.weekday(), 0))):
            if barred.year == year:
                found.setdefault(barred, slug)
    return found


def _days(year: int, holidays: tuple[Holiday, ...]) -> Iterator[tuple[date, str]]:
    for holiday in holidays:
        for near in (year, year - 1, year + 1):  # New Year's Day on a Saturday is observed in the year before
            day = date_of(holiday, near)
            if day is not None:
                yield day, holiday.slug
        for day in holiday.dates:
            yield day, holiday.slug
