"""`python -m tests.interleavings.mutants`: the product with one rule of consent broken, and the interleavings that notice.

Each sabotage is applied to a copy of the tree, as `tests.chaos.mutants` does it; the untouched copy must be clean. Exit
code 0 when every one was noticed by its rule, 1 when one survived, 2 when one no longer fits the source.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tests.chaos.cluster import TREE
from tests.chaos.mutants import NOT_COPIED, Change, Mutant, misfits, run, sabotaged


@dataclass(frozen=True)
class Interleaved:
    """Some worlds from seed 1 on, and the oracle's rule that must be seen broken."""

    invariant: str
    worlds: int = 1
    leads: int = 40

    @property
    def arguments(self) -> tuple[str, ...]:
        sizes = ("--worlds", str(self.worlds), "--leads", str(self.leads), "--jobs", "1")
        return ("-m", "tests.interleavings", *sizes, "--explain-every", "1000")

    def __str__(self) -> str:
        return f"interleavings, {self.worlds} x {self.leads} leads: {self.invariant}"


POLICY, INTAKE = "consent/policy.py", "conversations/intake.py"
MUTANTS = (
    Mutant(
        # Each alone is covered by the other: an opt-out ends every purpose, too.
        "the gate forgets opt-outs",
        (
            Change(POLICY, "    if facts.state.opted_out:\n        return Block(", "    if False:\n        return Block("),
            Change(POLICY, "    if standing.state is PurposeState.OPTED_OUT:\n", "    if False:\n"),
        ),
        Interleaved("sent after an opt-out"),
    ),
    Mutant(
        "no window is ever closed",
        (Change(POLICY, "    if window is None or window.open:\n", "    if window is None or window.zone is not None:\n"),),
        Interleaved("outside the hours of America/Chicago"),
    ),
    Mutant(
        "a tick counts before the yes",
        (Change("conversations/leads.py", "claim.asked_again:\n", "claim.asked_again is None:\n"),),
        Interleaved("a confirmation of nothing (agreed)"),
    ),
    Mutant(
        "a second STOP is confirmed again",
        (Change(INTAKE, "    confirm = textable and not state.opted_out\n", "    confirm = textable\n"),),
        Interleaved("a second confirmation"),
    ),
    Mutant(
        "a form ends an opt-out",
        (
            Change(
                "conversations/leads.py",
                '    if state.opted_out:\n        return EventKind.INQUIRY, inquiry, "claim.opt_out_stands"\n',
                "",
            ),
        ),
        Interleaved("sent after an opt-out"),
    ),
    Mutant(
        "a hold holds nothing",
        (Change(POLICY, "    if facts.state.held and facts.automated:\n", "    if facts.state.held is facts.automated:\n"),),
        Interleaved("sent while an unclear text stands", worlds=3),
    ),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interleavings.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="these; * stands for any")
    asked = parser.parse_args(arguments)
    mutants = [m for m in MUTANTS if not asked.only or any(fnmatch(m.name, one) for one in asked.only)]
    if not mutants:
        parser.error("--only: no such sabotage")
    wrong = misfits(TREE, mutants)
    if wrong:
        sys.stderr.write("\n".join(wrong) + "\n")
        return 2
    began, survivors = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="smsbot-mutants-") as folder:
        tree = Path(folder) / "tree"
        Path(folder).chmod(0o755)  # root's PostgreSQL runs as another user
        shutil.copytree(TREE, tree, ignore=NOT_COPIED)
        most = max((m.noticed_by for m in mutants), key=lambda one: one.worlds)
        if not run(tree, most).clean:
            sys.stderr.write("the code as it is does not pass this: it can show nothing\n")
            return 1
        for mutant in mutants:
            with sabotaged(tree, mutant):
                ran = run(tree, mutant.noticed_by)
            verdict = "noticed" if ran.noticed else "SURVIVED"
            print(f"{verdict:9} {ran.seconds:6.1f} s  {mutant.name:38} {mutant.noticed_by}", flush=True)
            if not ran.noticed:
                survivors.append(mutant.name)
                sys.stderr.write(f"{ran.said}\n")
    figures = {"mutants": len(mutants), "survived": survivors, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(figures))
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
