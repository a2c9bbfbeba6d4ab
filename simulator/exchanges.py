"""What went over the wire for each text, both ways, as a person may read it: secrets masked, the oldest forgotten."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from simulator.journal import Clock

KEPT = 4_000  # a page shows the last few; the journal has every entry
LONGEST = 4_000  # characters of one value or one answer
MASK = "••••••••"
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})

Pairs = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    WEBHOOK = "webhook"  # a person's text, told to the program
    REQUEST = "request"  # the program asks for a text to be sent
    CALLBACK = "callback"  # how that text fares, told to the program


@dataclass(slots=True)
class Exchange:
    """One request and its answer. `sid` is None for a request that made no text; `status` is None while the answer is
    awaited and 0 when none came; `note` says what went wrong on purpose or on the line."""

    kind: Kind
    sid: str | None
    account: str
    person: str
    method: str
    url: str
    headers: Pairs
    form: Pairs
    attempt: int = 1
    status: int | None = None
    answer_headers: Pairs = ()
    answer: str = ""
    note: str | None = None
    n: int = 0
    at: datetime | None = None
    began: float = 0.0
    took_ms: int | None = None

    def shown(self) -> dict[str, Any]:
        """As JSON; pairs stay pairs, because a name may come twice."""
        return {
            "n": self.n,
            "kind": self.kind.value,
            "sid": self.sid,
            "at": self.at.isoformat().replace("+00:00", "Z") if self.at else None,
            "took_ms": self.took_ms,
            "attempt": self.attempt,
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "form": self.form,
            "status": self.status,
            "answer_headers": self.answer_headers,
            "answer": self.answer,
            "note": self.note,
        }


@dataclass
class Exchanges:
    """Safe to use from many threads."""

    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: deque[Exchange] = field(default_factory=lambda: deque(maxlen=KEPT))
    _count: int = 0

    def begin(self, exchange: Exchange, *, began: float) -> Exchange:
        """Keeps a request that was sent or received at `began` (monotonic)."""
        exchange.began, exchange.at = began, self.clock.now() - timedelta(seconds=time.monotonic() - began)
        exchange.headers, exchange.form = masked(exchange.headers), _cut(exchange.form)
        with self._lock:
            self._count += 1
            exchange.n = self._count
            self._kept.append(exchange)
        return exchange

    def end(
        self,
        exchange: Exchange,
        status: int,
        *,
        headers: Iterable[tuple[str, str]] = (),
        answer: bytes = b"",
        note: str | None = None,
        ended: float | None = None,
    ) -> None:
        """Adds the answer; `status` 0 stands for none."""
        exchange.answer_headers = masked(headers)
        exchange.answer = answer[:LONGEST].decode("utf-8", "replace")
        exchange.note = note
        exchange.took_ms = round(1000 * ((time.monotonic() if ended is None else ended) - exchange.began))
        exchange.status = status  # last: whoever sees it sees the rest

    def of(self, account: str, person: str) -> list[Exchange]:
        """What concerns a person's texts with an account, oldest first."""
        with self._lock:
            return [one for one in self._kept if one.person == person and one.account == account]

    def clear(self) -> None:
        """Forgets all; numbers go on."""
        with self._lock:
            self._kept.clear()


def masked(headers: Iterable[tuple[str, str]] | Mapping[str, str]) -> Pairs:
    """The headers without what would let a reader act as somebody else; a scheme such as Basic stays."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return _cut((name, _masked(value) if name.lower() in SECRET_HEADERS else value) for name, value in pairs)


def _masked(value: str) -> str:
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} {MASK}" if blank and scheme.isalpha() else MASK


def _cut(pairs: Iterable[tuple[str, str]]) -> Pairs:
    return tuple((name[:LONGEST], value[:LONGEST]) for name, value in pairs)
