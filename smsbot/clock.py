"""The time, as an argument: pure code is given `now`, thin code asks a clock that a test can set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class OffsetClock:
    """The machine's clock plus an offset that can be moved: for tests, scenarios and simulated weeks."""

    def __init__(self, at: datetime | None = None) -> None:
        self.offset = timedelta()
        if at is not None:
            self.set(at)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def set(self, at: datetime) -> None:
        self.offset = at - datetime.now(UTC)

    def advance(self, step: timedelta) -> None:
        self.offset += step
