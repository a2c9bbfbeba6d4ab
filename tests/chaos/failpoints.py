"""`python -m tests.chaos.failpoints [--only NAME]`: a process dies or fails at each named place, one after the other.

One deployment is kept up. For each place and action a few texts come, one of them a STOP; whoever gets there first is
hit, once, and started anew. The next place does not wait for what is still being settled, so a text of an earlier one
may be the one that is hit. Afterwards everything must have settled, and I1 to I8 must hold. Exit code 1 when not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg

from smsbot.work import LEASE_S
from tests.chaos import evidence, load, nemesis
from tests.chaos.checker import DRAINED_WITHIN_S, SETTLED_WITHIN_S, figures, violations
from tests.chaos.cluster import TREE, Cluster
from tests.chaos.scenarios import ACTIONS, SCENARIOS, Scenario

REACHED_WITHIN_S = 30.0
STEP_S = 0.02
ANEW_S = 4.0  # not there by then: the texts once more
LOOK_S = 0.3
TOLD_WITHIN_S = 60.0
PEOPLE = [f"+1{area}5550{place}" for area in load.AREAS for place in range(100, 200)]
QUESTION = "Is 412 Maple still available?"
# (shop, person, seconds from the start, words); the first shop answers STOP and HELP itself, the second one's carrier.
TEXTS = (
    (0, 0, 0.0, QUESTION),
    (0, 1, 0.0, QUESTION),
    (0, 2, 0.0, "HELP"),
    (1, 3, 0.0, "What time do you close today?"),
    (0, 1, 0.3, "STOP"),
)
MISSED = "What are your hours on Sunday?"
UNSETTLED = """
SELECT c.address FROM contacts c WHERE
    EXISTS (SELECT 1 FROM work w WHERE w.contact_id = c.id)
    OR EXISTS (SELECT 1 FROM messages m WHERE m.contact_id = c.id AND m.state IN ('queued', 'deferred', 'sending'))
    OR EXISTS (SELECT 1 FROM messages m JOIN media p ON p.message_id = m.id
               WHERE m.contact_id = c.id AND p.state = 'pending')"""
STORED = "SELECT provider_sid FROM messages WHERE direction = 'inbound' AND provider_sid = ANY(%s)"
# As after an outage of ours: nothing leaves this number before its list was read.
HELD = """
UPDATE numbers SET hold_until_reconciled = true, received_through = now() - interval '1 hour' WHERE number = %s"""


@dataclass
class Row:
    """One place and what happens there. Seconds count from when it was laid out."""

    point: str
    action: str
    people: Sequence[str]
    began: float = 0.0
    told: list[load.Load] = field(default_factory=list)
    missed: str | None = None  # the sid of a text that no webhook told
    reached_s: float | None = None
    settled_s: float | None = None
    failures: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether all its texts were answered, or given up."""
        return all(told.over for told in self.told)

    @property
    def unsettled(self) -> bool:
        return self.reached_s is not None and self.settled_s is None

    @property
    def passed(self) -> bool:
        return self.reached_s is not None and self.settled_s is not None and not self.failures

    def __str__(self) -> str:
        reached = "never reached" if self.reached_s is None else f"{self.reached_s:5.1f}"
        settled = "never settled" if self.settled_s is None else f"{self.settled_s:5.1f}"
        return f"{self.point:30} {self.action:6} {'pass' if self.passed else 'FAIL'} {reached:>13} {settled:>13}"


@dataclass
class Stage:
    """The deployment and all rows so far."""

    cluster: Cluster
    rows: list[Row] = field(default_factory=list)
    sids: Iterator[int] = field(default_factory=lambda: count(1))
    looked: float = 0.0

    def play(self, row: Row, scenario: Scenario) -> None:
        """Bring a process to the row's point; returns when it is there, or has not come in time."""
        self.rows.append(row)
        shop = self.rows.index(row) % len(self.cluster.shops)
        self.cluster.arm(row.point, row.action)
        row.began = time.monotonic()
        if scenario.missed:
            self._miss_a_text(row, shop)
        row.told = [self._tell(row, scenario)]
        if scenario.restarts is not None:
            self.cluster.kill(scenario.restarts)
        while time.monotonic() < row.began + REACHED_WITHIN_S:
            self.tend()
            if not (self.cluster.armed / row.point).exists():
                row.reached_s = time.monotonic() - row.began
                return
            if time.monotonic() > row.began + len(row.told) * ANEW_S:
                row.told.append(self._tell(row, scenario))  # the others were quicker, or whoever goes there was away
            time.sleep(STEP_S)
        (self.cluster.armed / row.point).unlink(missing_ok=True)

    def tend(self) -> None:
        """Keep the processes running, and note what has settled."""
        self.cluster.tend()
        if time.monotonic() < self.looked + LOOK_S:
            return
        self.looked = time.monotonic()
        unsettled: set[str] | None = None
        for row in self.rows:
            if not row.unsettled or not row.over:
                continue
            try:
                with self.cluster.connect() as connection:
                    unsettled = unsettled or {str(one[0]) for one in connection.execute(UNSETTLED)}
                    missing = row.missed and not connection.execute(STORED, ([row.missed],)).fetchone()
            except psycopg.Error:
                return
            if not missing and not unsettled.intersection(row.people):
                row.settled_s = time.monotonic() - row.began

    def _tell(self, row: Row, scenario: Scenario) -> load.Load:
        self.cluster.steer("/sim/faults", {"carrier": {**nemesis.FAULTS_OFF["carrier"], **scenario.faults}})
        texts = [
            load.Said(at_s, shop, row.people[person], "", body, self._sid(), False)
            for shop, person, at_s, body in TEXTS
        ]

        def form(text: load.Said) -> Mapping[str, Any]:
            told = load.form(self.cluster.shops[text.shop], text)
            return {**told, "media": ["image/png"]} if scenario.media and text.body == QUESTION else told

        told = load.Load(texts, form, lambda body: self.cluster.steer("/sim/inbound", body), TOLD_WITHIN_S)
        told.start()
        return told

    def _miss_a_text(self, row: Row, place: int) -> None:
        """The carrier has it, and its webhook was turned away."""
        shop = self.cluster.shops[place]
        row.missed = self._sid()
        text = load.Said(0.0, place, row.people[4], "", MISSED, row.missed, False)
        self.cluster.steer("/sim/inbound", {**load.form(shop, text), "signature": "wrong"})
        with self.cluster.connect() as connection:
            connection.execute(HELD, (shop.number,))

    def _sid(self) -> str:
        return f"SM{self.cluster.seed & 0xFFFFFFFF:08x}{next(self.sids):024x}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.failpoints", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="these places; * stands for any")
    parser.add_argument("--action", choices=ACTIONS, help="only this one")
    parser.add_argument("--tree", type=Path, default=TREE, help="the code that is run; this tree unless given")
    parser.add_argument("--keep", type=Path, help="where the evidence goes, whatever was found")
    asked = parser.parse_args(arguments)
    places = [name for name in SCENARIOS if not asked.only or any(fnmatch(name, one) for one in asked.only)]
    if not places:
        parser.error("--only: no such place")
    signal.signal(signal.SIGTERM, _interrupted)
    wanted = [(name, action) for name in places for action in ACTIONS if asked.action in (None, action)]
    began = time.monotonic()
    cluster = Cluster(1, asked.tree.resolve())
    keep = False
    try:
        cluster.start()
        rows, seen = _played(cluster, wanted)
        code = _report(rows, seen, time.monotonic() - began, asked.keep)
        keep = code != 0
        return code
    finally:
        cluster.stop(keep=keep)
        if keep:
            for part in ("postgres", "tree"):
                shutil.rmtree(cluster.folder / part, ignore_errors=True)
            sys.stderr.write(f"logs: {cluster.folder}\n")


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(143)  # so that everything is ended on the way out


def _played(cluster: Cluster, wanted: Sequence[tuple[str, str]]) -> tuple[list[Row], evidence.Evidence]:
    stage = Stage(cluster)
    watcher = evidence.Watcher(cluster.connect)
    watcher.start()
    people = iter(PEOPLE)
    try:
        for point, action in wanted:
            stage.play(Row(point, action, [next(people) for _ in range(5)]), SCENARIOS[point])
            sys.stderr.write(f"{point} {action}: {'reached' if stage.rows[-1].reached_s is not None else 'not'}\n")
        cluster.steer("/sim/faults", nemesis.FAULTS_OFF)
        calm_at = time.monotonic()
        drained_s, settled_s = cluster.drained(
            lambda: all(row.over for row in stage.rows), calm_at, SETTLED_WITHIN_S + 5, tended=stage.tend
        )
        # A row that a dead worker held may still wait for its lease, with nothing left to do.
        while any(row.unsettled for row in stage.rows) and time.monotonic() < calm_at + SETTLED_WITHIN_S + LEASE_S:
            stage.tend()
            time.sleep(STEP_S)
    finally:
        watcher.stop()
    acked = {sid: at for row in stage.rows for told in row.told for sid, at in told.acked.items()}
    seen = evidence.collected(cluster, acked, watcher, calm_at, drained_s=drained_s, settled_s=settled_s)
    return stage.rows, seen


def _report(rows: Sequence[Row], seen: evidence.Evidence, took_s: float, keep: Path | None) -> int:
    broken = violations(seen)
    owner = {person: row for row in rows for person in row.people}
    about = {one["id"]: one["person"] for one in (*seen.inbound, *seen.outbound)}
    about |= {entry["sid"]: entry["from"] for entry in seen.log if entry["kind"] == "inbound"}
    for violation in broken:
        for name in about.keys() & set(violation.what.replace(":", " ").replace("'", " ").split()):
            if about[name] in owner:
                owner[about[name]].failures.append(violation.invariant)
        sys.stderr.write(f"{violation.invariant}: {violation.what}\n")
    if broken and keep is None:
        keep = Path(tempfile.gettempdir()) / f"smsbot-failpoints-{int(time.time())}.json"
    if keep is not None:
        seen.save(keep)
        sys.stderr.write(f"evidence: {keep}\n")
    print(f"{'place':30} {'action':6} {'':4} {'reached, s':>13} {'settled, s':>13}")
    for row in rows:
        print(row, *sorted(set(row.failures)))
    passed = sum(row.passed for row in rows)
    counted = {violation.invariant: sum(v.invariant == violation.invariant for v in broken) for violation in broken}
    print(
        json.dumps(
            {
                "rows": len(rows),
                "passed": passed,
                "seconds": round(took_s, 1),
                "drain_s": seen.drained_s,
                "drain_limit_s": DRAINED_WITHIN_S,
                "settled_s": seen.settled_s,
                "accepted": figures(seen)["accepted"],
                "states": figures(seen)["states"],
                "violations": counted,
            }
        )
    )
    return 0 if passed == len(rows) and not broken else 1


if __name__ == "__main__":
    sys.exit(main())
