"""What pages that follow along share: one look at a tenant's news serves everybody who asks within the same moment.

Fifty open pages ask the same questions. A look is as old as `pace_s` at most, and older only where finding its answers
takes long: looking again may cost a tenth of the time, not all of it. Everything is kept by tenant and by who may see
it, in this process's memory, for that moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

from conversations.inbox import newest_cursor
from smsbot.events import Cursor
from smsbot.runtime import Runtime

SHARE = 10  # a look lasts so many times as long as its dearest answer took
LONGEST_S = 1.5  # what is new is on the page within two seconds
KEPT = 500  # tenants
START = Cursor()

Answer = TypeVar("Answer")


@dataclass
class Look:
    """One look at one tenant: the place in its news, and what was found at that place or after it."""

    cursor: Cursor
    since: float  # monotonic
    lasts_s: float
    _answers: dict[object, _Answer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: object, find: Callable[[], Answer]) -> Answer:
        """What `find` returns, found once for all who ask with this key; the others wait for it."""
        with self._lock:
            kept = self._answers.setdefault(key, _Answer())
        with kept.lock:
            if not kept.found:
                began = time.monotonic()
                kept.value, kept.found = find(), True
                self.lasts_s = max(self.lasts_s, min(LONGEST_S, SHARE * (time.monotonic() - began)))
        return cast(Answer, kept.value)


@dataclass
class _Answer:
    lock: threading.Lock = field(default_factory=threading.Lock)
    found: bool = False
    value: Any = None


@dataclass
class Latest:
    """The newest look at each tenant. With a `pace_s` of 0 every request looks for itself."""

    pace_s: float
    _looks: dict[UUID, Look] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: dict[UUID, threading.Lock] = field(default_factory=dict)

    def look(self, runtime: Runtime, tenant_id: UUID, *, beyond: Cursor = START) -> Look:
        """A look at the tenant's news that is not older than its time and has reached `beyond`."""
        if not self.pace_s:
            return self._fresh(runtime, tenant_id)
        with self._lock:
            turn = self._turns.setdefault(tenant_id, threading.Lock())
        with turn:
            kept = self._looks.get(tenant_id)
            now = time.monotonic()
            if kept is None or now - kept.since >= kept.lasts_s or _place(kept.cursor) < _place(beyond):
                kept = self._fresh(runtime, tenant_id)
                with self._lock:
                    self._forget(now)
                    self._looks[tenant_id] = kept
        return kept

    def _fresh(self, runtime: Runtime, tenant_id: UUID) -> Look:
        with runtime.transaction(tenant_id) as session:
            return Look(newest_cursor(session), time.monotonic(), self.pace_s)

    def _forget(self, now: float) -> None:
        """Bodies and names stay no longer than they are of use."""
        for tenant_id in [one for one, look in self._looks.items() if now - look.since >= LONGEST_S]:
            del self._looks[tenant_id]
        if len(self._turns) > KEPT:
            self._turns = {one: turn for one, turn in self._turns.items() if one in self._looks or turn.locked()}


def _place(cursor: Cursor) -> tuple[int, UUID]:
    return cursor.xid, cursor.id
