"""Every failpoint of the product, and the short scenario that brings a process to it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.architecture.source import argument, calls, sources

ACTIONS = ("kill", "raise")


@dataclass(frozen=True)
class Scenario:
    """What has to happen besides the usual few texts so that a process comes to the point.

    `faults` are the carrier's, while these texts are answered; `restarts` is a process that does it when it starts.
    `missed`: a text of which only the carrier's list knows, on a number that is held until the list was read.
    """

    faults: Mapping[str, Any] = field(default_factory=dict)
    media: bool = False
    restarts: str | None = None
    missed: bool = False


USUAL = Scenario()
# In this order: first what takes a minute to settle, so that it does so while the others go on; last what holds a
# number, and with it everybody's answers.
SCENARIOS: Mapping[str, Scenario] = {
    # Neither an answer nor a callback: only the list can tell.
    "outbox.looked_up": Scenario({"next": ["accept_then_reset"], "callback": {"loss": 1.0}}),
    "outbox.concluding": Scenario({"next": ["reset_before_accept"]}),
    "outbox.reserved": USUAL,
    # The carrier tells long after the lease is over: whoever takes the row up has to look it up.
    "outbox.accepted": Scenario({"callback": {"delay_s": [20, 20]}}),
    # The callback would settle it first.
    "outbox.before_doubt_commit": Scenario({"next": ["accept_then_500"], "callback": {"delay_s": [1, 1]}}),
    "outbox.before_outcome_commit": USUAL,
    "outbox.outcome_committed": USUAL,
    "outbox.before_return_commit": Scenario({"next": ["429"], "retry_after_s": 1}),
    "outbox.before_refusal_commit": Scenario({"errors": [{"code": 21610}]}),
    "outbox.locked": USUAL,
    "outbox.before_reserve_commit": USUAL,
    "work.claimed": USUAL,
    "replies.before_model": USUAL,
    "replies.drafted": USUAL,
    "replies.before_store_commit": USUAL,
    "replies.stored": USUAL,
    "inbound.before_insert": USUAL,
    "inbound.before_commit": USUAL,
    "runtime.before_ring": USUAL,
    "inbound.committed": USUAL,
    "callbacks.before_commit": USUAL,
    "callbacks.committed": USUAL,
    "pictures.fetched": Scenario(media=True),
    "pictures.before_commit": Scenario(media=True),
    "scheduler.before_ring": USUAL,
    "scheduler.before_seal_commit": Scenario(restarts="scheduler"),
    "reconciliation.listed": Scenario(restarts="scheduler", missed=True),
    "reconciliation.before_commit": Scenario(restarts="scheduler", missed=True),
}


def failpoints_in(tree: Path) -> Mapping[str, Sequence[str]]:
    """Every place that has a name, by its name: file and line. Raises ValueError for a name that is not written out."""
    found: dict[str, list[str]] = {}
    for source in sources(tree):
        for called, call in calls(source):
            if called.rpartition(".")[2] != "failpoint":
                continue
            name = call.args[0] if call.args else argument(call, "name")
            if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
                raise ValueError(f"{source.at(call)}: a failpoint's name must be written out")
            found.setdefault(name.value, []).append(source.at(call))
    return found
