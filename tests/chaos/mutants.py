"""`python -m tests.chaos.mutants [--only NAME]`: the product with one promise broken on purpose, and what notices.

Each sabotage is applied to a copy of the tree. What is to notice it runs on the untouched copy first and must find
nothing there. Exit code 0 when every sabotage was noticed, 1 when one survived, 2 when one no longer fits the source.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from tests.chaos.cluster import TREE

TIMEOUT_S = 300.0
TESTS_FAILED = 1  # pytest's exit code; the others mean that it could not run them
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "docs", "bench", "bench_*")
DIRECTED = "tests/races/test_directed.py"
SWEEP = "tests/races/test_sweep.py"


@dataclass(frozen=True)
class Named:
    """Tests of the suite: the schedules of `tests/races`, or those of a floor."""

    nodes: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("-m", "pytest", "-q", "-x", *self.nodes)

    def __str__(self) -> str:
        kind = "race" if self.nodes[0].startswith("tests/races/") else "test"
        more = f" and {len(self.nodes) - 1} more" if len(self.nodes) > 1 else ""
        return f"{kind} {self.nodes[0].rpartition('::')[2]}{more}"


@dataclass(frozen=True)
class Chaos:
    """A run of the harness on `seed`, and the promise that it must see broken."""

    seed: int
    seconds: float
    invariant: str
    calm: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        calm = ("--calm",) if self.calm else ()
        return ("-m", "tests.chaos", "--seed", str(self.seed), "--seconds", str(self.seconds), *calm)

    def __str__(self) -> str:
        return f"chaos, seed {self.seed}, {self.seconds:g} s{', no faults' if self.calm else ''}: {self.invariant}"


@dataclass(frozen=True)
class Crash:
    """A process ended at `point`, and the promise that must be seen broken; None: it shows in the table alone."""

    point: str
    action: str
    invariant: str

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("-m", "tests.chaos.failpoints", "--only", self.point, "--action", self.action)

    def __str__(self) -> str:
        return f"crash, {self.action} at {self.point}: {self.invariant}"


class Change(NamedTuple):
    file: str
    line: str
    becomes: str


@dataclass(frozen=True)
class Mutant:
    """A sabotage: what is changed in the source, and the cheapest that notices it."""

    name: str
    changes: tuple[Change, ...]
    noticed_by: Named | Chaos | Crash


MUTANTS = (
    Mutant(
        "no dedupe key",
        (
            Change("conversations/inbound.py", "(repeats[0][0], repeats[0][1]) if repeats else None", "None"),
            Change(
                "migrations/versions/0001_the_spine.py",
                '        sa.UniqueConstraint("tenant_id", "provider_sid", name=op.f("uq_messages_tenant_id_provider_sid")),\n',
                "",
            ),
        ),
        Chaos(1, 4, "I1", calm=True),
    ),
    Mutant(
        "the bell rings before the commit",
        (
            Change(
                "smsbot/runtime.py",
                "            session.commit()\n",
                '            for queue in session.info.pop("bells", {}):\n'
                "                self.bell.ring(queue)\n"
                "            session.commit()\n",
            ),
        ),
        Named((f"{SWEEP}::test_when_the_bell_rings_everybody_can_see_what_for",)),
    ),
    Mutant(
        "no lease token",
        (
            Change(
                "smsbot/work.py",
                'EXTEND = prepared(\n    update(Work)\n    .where(Work.id == bindparam("work_id"), Work.lease_token == '
                'bindparam("token"))',
                'EXTEND = prepared(\n    update(Work)\n    .where(Work.id == bindparam("work_id"))',
            ),
            Change(
                "smsbot/work.py",
                'delete(Work).where(Work.id == bindparam("work_id"), Work.lease_token == bindparam("token"))',
                'delete(Work).where(Work.id == bindparam("work_id"))',
            ),
        ),
        Named(
            (f"{DIRECTED}::test_a_worker_that_slept_while_it_drafted_takes_nothing_from_the_one_that_has_the_row_now",)
        ),
    ),
    Mutant(
        # Either lock alone is covered by the other: a STOP drops the work row, and a claim that lost it rolls back.
        "consent is read without a lock",
        (
            Change(
                "conversations/surroundings.py",
                "LOCKED = prepared(CONTACT.with_for_update(of=Contact))",
                "LOCKED = ONLY_READ",
            ),
            Change(
                "conversations/surroundings.py",
                "REST_LOCKED = prepared(_REST.with_for_update(of=Message))",
                "REST_LOCKED = REST",
            ),
            Change(
                "conversations/outbox.py",
                "hold = work.EXTEND(work_id=claim.id, token=claim.token, until=now + timedelta(seconds=work.LEASE_S))",
                'hold = ("SELECT 1", ())',
            ),
            Change(
                "conversations/outbox.py",
                "    work.extend_at_the_end(session, claim, now + timedelta(seconds=LEASE_S + 0.5))\n",
                "",
            ),
        ),
        Named(
            (
                f"{DIRECTED}::test_a_stop_that_comes_while_consent_is_read_is_not_answered_before_the_text_that_still_leaves",
            )
        ),
    ),
    Mutant(
        "a claim leaves no lease",
        (
            Change(
                "conversations/outbox.py",
                '.values(lease_token=bindparam("token"), lease_until=',
                ".values(lease_token=null(), lease_until=",
            ),
        ),
        Named((f"{DIRECTED}::test_a_second_stop_with_another_sid_waits_for_the_confirmation_that_is_in_flight",)),
    ),
    Mutant(
        "a STOP does not wait",
        (Change("conversations/inbound.py", "    if token is None:\n        return True\n", "    return True\n"),),
        Named((f"{DIRECTED}::test_a_second_stop_with_another_sid_waits_for_the_confirmation_that_is_in_flight",)),
    ),
    Mutant(
        "an unknown outcome ends the lease",
        (Change("conversations/outbox.py", "reserved, release=False)", "reserved)"),),
        Named(
            (
                f"{DIRECTED}::test_an_unknown_outcome_keeps_the_lease_until_it_is_over_and_a_repeated_stop_waits_for_the_same_one",
            )
        ),
    ),
    Mutant(
        "retry on ambiguous",
        (
            Change(
                "conversations/outbox.py",
                "        _unknown(runtime, claim, reserved, failure)\n",
                "        _return_to_queue(runtime, claim, reserved, timedelta(seconds=1), failure.code)\n",
            ),
        ),
        Chaos(1, 8, "I3"),
    ),
    Mutant(
        "after a crash it is sent again",
        (
            Change(
                "conversations/outbox.py",
                "        elif around.message.state is State.SENDING:\n            look_up = True",
                "        elif around.message.state is None:\n            look_up = True",
            ),
        ),
        Crash("outbox.accepted", "kill", "I3"),
    ),
    Mutant(
        "a status is overwritten",
        (
            Change(
                "conversations/delivery.py",
                "return tuple(state for state, rank in RANK.items() if rank < RANK[reported])",
                "return tuple(RANK)",
            ),
        ),
        Chaos(1, 8, "I6"),
    ),
    Mutant(
        "what a dead worker held is not found",
        (Change("smsbot/work.py", "AND w.ready_at <= $2\n", "AND w.ready_at <= $2 AND w.lease_until IS NULL\n"),),
        Crash("work.claimed", "kill", "I8"),
    ),
    Mutant(
        "no sweep",
        (Change("scheduler.py", "            if due is not None and due <= now:\n", "            if due is None:\n"),),
        Named(
            (
                f"{SWEEP}::test_the_scheduler_rings_for_what_has_become_due",
                f"{SWEEP}::test_without_a_bell_the_scheduler_does_it_itself",
            )
        ),
    ),
    Mutant(
        "a newer text voids nothing",
        (
            Change(
                "conversations/outbox.py",
                "        newer_text=_superseded(session, message),\n",
                "        newer_text=False,\n",
            ),
        ),
        Named((f"{DIRECTED}::test_a_newer_text_voids_an_answer_that_went_back_to_the_queue",)),
    ),
    Mutant(
        "the seal is skipped",
        (Change("scheduler.py", "                seal_tenant(self.runtime, tenant_id)\n", "                pass\n"),),
        Named(("tests/ledger/test_sealing.py::test_the_scheduler_seals_every_tenant_once_a_minute",)),
    ),
    Mutant(
        "the tenant comes from the request",
        (
            Change(
                "webhooks/requests.py",
                "return CarrierRequest(owner.recipient, ",
                "return CarrierRequest(found[0].recipient, ",
            ),
        ),
        Named(
            (
                "tests/edge/test_hostile.py::test_of_two_tenants_with_one_account_the_one_whose_token_verifies_gets_the_text",
            )
        ),
    ),
    Mutant(
        "the signature is off",
        (
            Change(
                "smsbot/signatures.py",
                "voice_https_port_dropped=voice_https_port_dropped) is not None",
                "voice_https_port_dropped=voice_https_port_dropped) is not request",
            ),
        ),
        Named(("tests/edge/test_hostile.py::test_a_status_callback_that_does_not_verify_changes_nothing",)),
    ),
    Mutant(
        "a permit is good for two",
        (
            Change(
                "consent/gate.py",
                "    used = permit.used_by is not None and permit.used_by != message_id\n",
                "    used = False\n",
            ),
            Change("consent/gate.py", "            Permit.used_by.is_(None) | (Permit.used_by == message_id),\n", ""),
        ),
        Named(
            ("tests/edge/test_opt_out.py::test_a_confirmation_uses_up_its_permit_and_a_second_text_on_it_is_blocked",)
        ),
    ),
    Mutant(
        "no cap on attempts",
        (Change("smsbot/work.py", "    poisoned = claim.attempts >= MAX_ATTEMPTS\n", "    poisoned = False\n"),),
        Named(("tests/smsbot/test_work.py::test_a_row_that_always_fails_is_set_aside_and_others_go_on",)),
    ),
)


class Ran(NamedTuple):
    """What a run came to: whether it found what it is for, whether it found anything, and how long it took."""

    noticed: bool
    clean: bool
    seconds: float
    said: str


def misfits(tree: Path, mutants: Sequence[Mutant]) -> list[str]:
    """Every change whose line stands not exactly once in its file, or that leaves no Python behind."""
    found = []
    for mutant in mutants:
        for file, changes in _by_file(mutant).items():
            source = (tree / file).read_text(encoding="utf-8")
            for change in changes:
                times = source.count(change.line)
                if times != 1:
                    found.append(f"{mutant.name}: {file} has its line {times} times: {change.line.strip()!r}")
                source = source.replace(change.line, change.becomes)
            try:
                ast.parse(source)
            except SyntaxError as error:
                found.append(f"{mutant.name}: {file} is no Python afterwards: {error}")
    return found


def _by_file(mutant: Mutant) -> Mapping[str, Sequence[Change]]:
    return {
        file: [c for c in mutant.changes if c.file == file] for file in dict.fromkeys(c.file for c in mutant.changes)
    }


@contextmanager
def sabotaged(tree: Path, mutant: Mutant) -> Iterator[None]:
    """The tree with the mutant's changes, for as long as the block lasts."""
    before = {file: (tree / file).read_text(encoding="utf-8") for file in _by_file(mutant)}
    try:
        for file, changes in _by_file(mutant).items():
            source = before[file]
            for change in changes:
                source = source.replace(change.line, change.becomes)
            (tree / file).write_text(source, encoding="utf-8")
        yield
    finally:
        for file, source in before.items():
            (tree / file).write_text(source, encoding="utf-8")


def run(tree: Path, noticing: Named | Chaos | Crash) -> Ran:
    """What `noticing` says about this tree. Raises RuntimeError when it could not be run."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *noticing.arguments],
        cwd=tree,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(tree),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(tree.parent),  # what it keeps of a run that failed goes with the copy
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, errors = process.communicate(timeout=TIMEOUT_S)
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.communicate()
    took_s = time.monotonic() - began
    if process.returncode not in (0, TESTS_FAILED):
        raise RuntimeError(f"{noticing} could not be run: {said[-1000:]}{errors[-1000:]}")
    failed = process.returncode == TESTS_FAILED
    if isinstance(noticing, Named):
        return Ran(failed, not failed, took_s, said)
    try:
        broken = json.loads(said.splitlines()[-1])["violations"]
    except (IndexError, ValueError, KeyError):
        raise RuntimeError(f"{noticing} could not be run: {said[-1000:]}{errors[-1000:]}") from None
    return Ran(noticing.invariant in broken, not failed, took_s, f"{errors[-1500:]}{said[-1500:]}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="these sabotages; * stands for any")
    parser.add_argument("--list", action="store_true", help="name them, and what notices each")
    asked = parser.parse_args(arguments)
    mutants = [m for m in MUTANTS if not asked.only or any(fnmatch(m.name, one) for one in asked.only)]
    if not mutants:
        parser.error("--only: no such sabotage")
    if asked.list:
        for mutant in mutants:
            print(f"{mutant.name:38} {mutant.noticed_by}")
        return 0
    wrong = misfits(TREE, mutants)
    if wrong:
        sys.stderr.write("\n".join(wrong) + "\n")
        return 2
    signal.signal(signal.SIGTERM, _interrupted)
    with tempfile.TemporaryDirectory(prefix="smsbot-mutants-") as folder:
        tree = Path(folder) / "tree"
        Path(folder).chmod(0o755)  # root's PostgreSQL runs as another user
        shutil.copytree(TREE, tree, ignore=NOT_COPIED)
        return _all(tree, mutants)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(143)  # so that what runs is ended and the copy deleted


def _all(tree: Path, mutants: Sequence[Mutant]) -> int:
    began = time.monotonic()
    for control in _controls(mutants):
        ran = run(tree, control)
        sys.stderr.write(f"{'clean' if ran.clean else 'NOT CLEAN':9} {ran.seconds:6.1f} s  {control}\n")
        if not ran.clean:
            sys.stderr.write(f"{ran.said}\nthe code as it is does not pass this: it can show nothing\n")
            return 1
    survivors = []
    for mutant in mutants:
        with sabotaged(tree, mutant):
            ran = run(tree, mutant.noticed_by)
        print(
            f"{'noticed' if ran.noticed else 'SURVIVED':9} {ran.seconds:6.1f} s  {mutant.name:38} {mutant.noticed_by}",
            flush=True,
        )
        if not ran.noticed:
            survivors.append(mutant.name)
            sys.stderr.write(f"{ran.said}\n")
    harness = sum(not str(mutant.noticed_by).startswith("test ") for mutant in mutants)
    print(
        json.dumps(
            {
                "mutants": len(mutants),
                "noticed": len(mutants) - len(survivors),
                "by_the_harness": harness,
                "survived": survivors,
                "seconds": round(time.monotonic() - began, 1),
            }
        )
    )
    return 1 if survivors else 0


def _controls(mutants: Sequence[Mutant]) -> list[Named | Chaos | Crash]:
    """What notices the mutants, each once: all tests together, a run of the harness for each set of arguments."""
    tests = dict.fromkeys(node for m in mutants if isinstance(m.noticed_by, Named) for node in m.noticed_by.nodes)
    runs = {m.noticed_by.arguments: m.noticed_by for m in mutants if not isinstance(m.noticed_by, Named)}
    return [*([Named(tuple(tests))] if tests else []), *runs.values()]


if __name__ == "__main__":
    sys.exit(main())
