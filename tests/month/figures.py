"""Carries out a month on a World, judges it from outside and by the product's own checkers, and counts what became of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from consent.models import DecisionRow
from conversations.models import Direction, Message
from tests.interleavings.driver import Stage, command
from tests.interleavings.oracle import Oracle
from tests.month.traffic import traffic
from tests.world import World

EXPLAINED_BY_COMMAND = 50  # one text in so many; the others get the command's sentences without a start of its own


@dataclass(frozen=True)
class Month:
    """What a month came to. `outcomes`: by purpose, then by state and reason; `decisions`: by outcome and reason."""

    days: int
    events: int
    people: int
    judged: int
    explained: int
    outcomes: Mapping[str, Counter[str]]
    decisions: Counter[str]
    said: tuple[str, ...]
    wrong: tuple[str, ...]
    seconds: float

    def lines(self) -> list[str]:
        """The figures for people."""
        taken = sum(self.decisions.values())
        lines = [f"{self.days} days, {self.people} people, {self.events} events, {self.judged} texts handed over"]
        for purpose, states in sorted(self.outcomes.items()):
            counts = ", ".join(f"{state} {count}" for state, count in states.most_common())
            lines.append(f"  {purpose:13} {sum(states.values()):6}  {counts}")
        lines.append(f"decisions: {taken}")
        for outcome, count in self.decisions.most_common():
            lines.append(f"  {outcome:30} {count:6}  {100 * count / max(1, taken):5.1f} %")
        return [*lines, *self.said]


def lived(world: World, superuser_url: str, *, seed: int = 1, days: int = 30) -> Month:
    """So many days of both businesses' traffic on this World, and what was found."""
    began = time.monotonic()
    steps = traffic(seed, days)
    stage = Stage(world, superuser_url, steps[0].at)
    try:
        stage.play(steps)
        oracle = Oracle().take(stage.log)
        explained, unexplained = stage.unexplained(EXPLAINED_BY_COMMAND)
        _, inconsistent = stage.inconsistencies()
        outcomes, decisions = _counts(stage)
    finally:
        stage.close()
    said, failed = [], []
    for part in ("check", "verify"):
        code, printed = command(world, "consent", part)
        said += [f"consent {part}: {line}" for line in printed.splitlines()]
        failed += [f"consent {part} ends with {code}"] if code else []
    return Month(
        days, sum(stage.done.values()), len({step.person for step in steps if step.person}), oracle.judged, explained,
        outcomes, decisions, tuple(said), (*map(str, oracle.wrong), *unexplained, *inconsistent, *failed),
        time.monotonic() - began,
    )  # fmt: skip


def _counts(stage: Stage) -> tuple[dict[str, Counter[str]], Counter[str]]:
    outcomes: dict[str, Counter[str]] = {}
    decisions: Counter[str] = Counter()
    for owned in stage.businesses.values():
        with stage.world.runtime.transaction(owned[0][0].id) as session:
            texts = select(Message.purpose, Message.state, Message.reason, func.count()).where(
                Message.direction == Direction.OUTBOUND
            )
            for purpose, state, reason, count in session.execute(
                texts.group_by(Message.purpose, Message.state, Message.reason)
            ):
                name = state.value + (f" ({reason})" if reason else "")
                outcomes.setdefault(purpose.value if purpose else "none", Counter())[name] += count
            taken = select(DecisionRow.outcome, DecisionRow.reason, func.count())
            for outcome, reason, count in session.execute(taken.group_by(DecisionRow.outcome, DecisionRow.reason)):
                decisions[outcome + (f" ({reason})" if reason else "")] += count
    return outcomes, decisions
