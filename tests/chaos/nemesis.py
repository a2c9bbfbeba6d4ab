"""What goes wrong besides the carrier: planned from a seed, every kind at least once, then as chance has it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.cluster import REPLY_WORKERS, Cluster

CALM_AT_FIRST_S = 2.0
PAUSE_S = (0.8, 3.2)

# One of a hundred and fifty thousandths: together 15 % of all creates.
CARRIER_FAULTS = {
    "latency_ms": [5, 300],
    "rates": {
        "429": 0.02,
        "500": 0.015,
        "503": 0.015,
        "slow": 0.01,
        "reset_before_accept": 0.02,
        "accept_then_reset": 0.025,
        "accept_then_500": 0.015,
        "accept_then_garbage": 0.01,
        "accept_then_slow": 0.01,
        "accept_without_sid": 0.01,
    },
    # Longer than our client waits, shorter than a lease: what a carrier takes later than that, nobody can hold back.
    "slow_s": [5.5, 7.5],
    "retry_after_s": 1,
    "list_lag_s": [0, 1],
    "read_500": 0.05,
    "callback": {"delay_s": [0.02, 0.4], "loss": 0.1, "duplicate": 0.1, "reorder": 0.2},
}
FAULTS_OFF = {"carrier": {"latency_ms": [5, 50]}}


@dataclass(frozen=True)
class Fault:
    """One harm: when (seconds from the start), what, to whom, for how long where that means something."""

    at_s: float
    kind: str
    target: str
    seconds: float = 0.0


KINDS: tuple[tuple[str, str, tuple[float, float]], ...] = (
    ("kill", "web", (0, 0)),
    *(("kill", worker, (0, 0)) for worker in REPLY_WORKERS),
    ("kill", "background", (0, 0)),
    ("kill", "scheduler", (0, 0)),
    ("kill_redis", "redis", (0.2, 4)),
    ("flush_redis", "redis", (0, 0)),
    ("crash_postgres", "postgres", (0, 0)),
    *(("freeze", worker, (1, 12)) for worker in REPLY_WORKERS),
    ("freeze", "scheduler", (1, 5)),
    ("freeze", "web", (0.5, 3)),
)


def plan(seed: int, seconds: float) -> list[Fault]:
    """The faults of `seconds`, oldest first. The same for the same arguments."""
    chance = random.Random(f"{seed}/nemesis")
    first = list(KINDS)
    chance.shuffle(first)
    faults = []
    at_s = CALM_AT_FIRST_S
    while at_s < seconds:
        kind, target, span = first.pop() if first else chance.choice(KINDS)
        faults.append(Fault(at_s, kind, target, round(chance.uniform(*span), 2)))
        at_s += chance.uniform(*PAUSE_S)
    return faults


class Nemesis:
    """Does what is planned, each when its time has come. Call `step` on the main thread."""

    def __init__(self, faults: Sequence[Fault], cluster: Cluster) -> None:
        self._left = list(faults)
        self._cluster = cluster
        self.done: list[Fault] = []

    def step(self, at_s: float) -> None:
        """Whatever is due at `at_s` seconds from the start."""
        while self._left and self._left[0].at_s <= at_s:
            fault = self._left.pop(0)
            self.done.append(fault)
            match fault.kind:
                case "kill":
                    self._cluster.kill(fault.target)
                case "freeze":
                    self._cluster.freeze(fault.target, fault.seconds)
                case "kill_redis":
                    self._cluster.kill_redis(fault.seconds)
                case "flush_redis":
                    self._cluster.flush_redis()
                case "crash_postgres":
                    self._cluster.crash_postgres()
                case unknown:
                    raise ValueError(f"no such fault: {unknown}")
