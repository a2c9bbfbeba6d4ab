"""Stops calling a service that keeps failing, and lets one call at a time find out whether it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

CONSECUTIVE_FAILURES = 5
WINDOW_S = 60
WINDOW_CALLS = 10
WINDOW_FAILED_SHARE = 0.5
OPEN_S = 10.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to make one call; hand it back with how the call went."""

    generation: int


class Breaker:
    """Opens after 5 failures in a row, or when half of at least 10 calls of the last 60 s failed; probes after 10 s.

    While open it admits nobody; then one probe, whose success closes it and whose failure opens it again. Calls
    admitted before it opened no longer count when they end: one late success must not let everybody in at once.
    Threads may share it. `clock` gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._generation = 0
        self._opened_at: float | None = None
        self._probe_at: float | None = None
        self._in_a_row = 0
        self._seconds: dict[int, list[int]] = {}  # second -> [calls, failures]: bounded, whatever the rate

    def admit(self) -> Ticket | None:
        """Leave for one call, or None while the service is left alone. Hand every ticket back."""
        with self._lock:
            if self._opened_at is None:
                return Ticket(self._generation)
            if self._wait_s() > 0:
                return None
            # A probe that was never handed back (its thread died) is forgotten after another pause.
            self._probe_at = self._clock()
            self._generation += 1
            return Ticket(self._generation)

    def retry_after_s(self) -> float:
        """Seconds until the next probe may go; 0.0 when calls are admitted."""
        with self._lock:
            return self._wait_s()

    def succeeded(self, ticket: Ticket) -> None:
        """The service answered, be it with a refusal."""
        with self._lock:
            if ticket.generation != self._generation:
                return
            if self._opened_at is not None:
                self._opened_at = self._probe_at = None
                self._seconds.clear()
            self._in_a_row = 0
            self._count(failed=False)

    def failed(self, ticket: Ticket) -> None:
        """The service gave no answer, or one that means that it is broken."""
        with self._lock:
            if ticket.generation != self._generation:
                return
            self._in_a_row += 1
            calls, failures = self._count(failed=True)
            half_failed = calls >= WINDOW_CALLS and failures >= calls * WINDOW_FAILED_SHARE
            if self._opened_at is not None or self._in_a_row >= CONSECUTIVE_FAILURES or half_failed:
                self._opened_at, self._probe_at = self._clock(), None
                self._generation += 1

    def withdrawn(self, ticket: Ticket) -> None:
        """The call was never made, so it says nothing about the service."""
        with self._lock:
            if ticket.generation == self._generation:
                self._probe_at = None

    def _wait_s(self) -> float:
        if self._opened_at is None:
            return 0.0
        since = self._opened_at if self._probe_at is None else self._probe_at
        return max(0.0, since + OPEN_S - self._clock())

    def _count(self, *, failed: bool) -> tuple[int, int]:
        second = int(self._clock())
        calls_and_failures = self._seconds.setdefault(second, [0, 0])
        calls_and_failures[0] += 1
        calls_and_failures[1] += failed
        for old in [known for known in self._seconds if known <= second - WINDOW_S]:
            del self._seconds[old]
        return sum(calls for calls, _ in self._seconds.values()), sum(bad for _, bad in self._seconds.values())
