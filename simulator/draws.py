"""Chance and identifiers that follow from one seed, whatever the threads do."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import TypeVar

from simulator.faults import Span

Kind = TypeVar("Kind")


class Draws:
    """The n-th draw of a stream is the same for the same seed; streams do not disturb each other."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._sid_seed = seed
        self._sids: Counter[str] = Counter()

    def next(self, stream: str) -> random.Random:
        """A generator for the next event of `stream`."""
        with self._lock:
            self._counts[stream] += 1
            count = self._counts[stream]
        return random.Random(f"{self.seed}/{stream}/{count}")  # chance for faults: nothing here is a secret

    def reseed(self, seed: int) -> None:
        """Chance starts anew from `seed`. Identifiers go on: one that was given away is never given again."""
        with self._lock:
            self.seed = seed
            self._counts.clear()

    def sid(self, prefix: str) -> str:
        """`prefix` and 32 hex digits, never the same twice."""
        with self._lock:
            self._sids[prefix] += 1
            count = self._sids[prefix]
        return prefix + blake2b(f"{self._sid_seed}/{prefix}/{count}".encode(), digest_size=16).hexdigest()


def within(chance: random.Random, span: Span) -> float:
    low, high = span
    return low if low == high else chance.uniform(low, high)


def chosen(chance: random.Random, rates: Mapping[Kind, float]) -> Kind | None:
    """One kind with the probability that `rates` gives it, or None for what is left to 1."""
    point = chance.random()
    for kind, rate in rates.items():
        if point < rate:
            return kind
        point -= rate
    return None
