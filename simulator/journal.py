"""What the stand-ins saw, in order, with both clocks: the outside record that invariants are checked against."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

KEPT = 200_000  # entries in memory; a file has them all


class Clock:
    """The machine's wall clock plus an offset that can be moved, for simulated days. The monotonic one never moves."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        return datetime.now(UTC) + self.offset

    def set(self, at: datetime) -> None:
        self.offset = at - datetime.now(UTC)


class Journal:
    """Numbered entries from 1; each a flat dict with `seq`, `kind`, `mono` (s, comparable between the processes of one
    machine) and `wall` (ISO 8601, UTC)."""

    def __init__(self, clock: Clock, file: Path | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._seq = 0
        self.counts: Counter[str] = Counter()
        self._file: TextIO | None = file.open("a", encoding="utf-8") if file else None

    def add(self, kind: str, facts: Mapping[str, Any], *, mono: float | None = None) -> int:
        """Returns the entry's number. `mono` is when it happened, if that was earlier than now."""
        now = time.monotonic()
        happened = now if mono is None else mono
        wall = self._clock.now() - timedelta(seconds=now - happened)
        entry = {"seq": 0, "kind": kind, "mono": happened, "wall": wall.isoformat().replace("+00:00", "Z"), **facts}
        with self._lock:
            self._seq += 1
            entry["seq"] = self._seq
            self._entries.append(entry)
            self.counts[kind] += 1
            if self._file:
                self._file.write(json.dumps(entry) + "\n")
                self._file.flush()
            return self._seq

    def count(self, name: str) -> None:
        """Counts what has no entry of its own."""
        with self._lock:
            self.counts[name] += 1

    @property
    def last(self) -> int:
        """The number of the newest entry, 0 before the first."""
        return self._seq

    def since(self, seq: int) -> list[dict[str, Any]]:
        """The entries after number `seq`, oldest first."""
        with self._lock:
            first = self._entries[0]["seq"] if self._entries else 1
            return list(islice(self._entries, max(0, seq - first + 1), None))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The entries of one kind, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if entry["kind"] == kind]

    def clear(self) -> None:
        """Forgets the entries; numbers go on, so that nobody's cursor skips what comes."""
        with self._lock:
            self._entries.clear()
            self.counts.clear()

    def close(self) -> None:
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None
