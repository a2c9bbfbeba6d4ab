"""STOP against five hundred replies in flight, and the same storm on code that has lost one of its two locks.

A storm takes ten seconds: `make storms` runs them, by this file's name.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from smsbot.tenancy import OptOutHandling
from tests.races.storm import storm, stormy_world

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(1, 11)
MUTANT_LEADS = 120
MUTANT_TIMEOUT_S = 90
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "docs", "bench", "data_eval")


@dataclass(frozen=True)
class Mutant:
    """The tree with some lines changed: (file, line, what it becomes). `failpoints` widen the gap that they close."""

    name: str
    changes: tuple[tuple[str, str, str], ...]
    failpoints: str = ""


MUTANTS = (
    # Each alone is covered by the others: a STOP drops the work row, and a claim that lost it rolls back.
    Mutant(
        "the claim locks neither contact, message nor work",
        (
            (
                "conversations/surroundings.py",
                "LOCKED = prepared(CONTACT.with_for_update(of=Contact))",
                "LOCKED = ONLY_READ",
            ),
            (
                "conversations/surroundings.py",
                "REST_LOCKED = prepared(_REST.with_for_update(of=Message))",
                "REST_LOCKED = REST",
            ),
            (
                "conversations/outbox.py",
                "hold = work.EXTEND(work_id=claim.id, token=claim.token, until=now + timedelta(seconds=work.LEASE_S))",
                'hold = ("SELECT 1", ())',
            ),
            (
                "conversations/outbox.py",
                "    work.extend_at_the_end(session, claim, now + timedelta(seconds=LEASE_S + 0.5))\n",
                "",
            ),
        ),
        "outbox.locked=sleep:0.3",
    ),
    Mutant(
        "the STOP does not wait for the lease",
        (("conversations/inbound.py", "    if token is None:\n        return True\n", "    return True\n"),),
    ),
    Mutant(
        "the claim leaves no lease",
        (
            (
                "conversations/outbox.py",
                '.values(lease_token=bindparam("token"), lease_until=',
                ".values(lease_token=null(), lease_until=",
            ),
        ),
    ),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_reply_is_taken_after_the_200_of_a_stop(seed: int, empty_databases: Callable[[], str]) -> None:
    handling = OptOutHandling.OURS if seed % 2 else OptOutHandling.TWILIO
    with stormy_world(empty_databases(), handling) as world:
        figures = storm(world, seed, leads=500)
        verified = world.verified()
    print(json.dumps(asdict(figures)))

    assert (figures.late, figures.confirmed_twice, figures.unsettled) == (0, 0, 0)
    assert figures.stops == 250
    assert figures.replies >= 250
    assert figures.waited > 50, "the storm was none: hardly a STOP met a send in flight"
    assert figures.confirmations == (250 if handling is OptOutHandling.OURS else 0)
    assert verified


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "_"))
def test_the_same_storm_shows_what_each_lock_is_good_for(
    mutant: Mutant, tmp_path: Path, empty_databases: Callable[[], str]
) -> None:
    mutated = _mutated(mutant, tmp_path / "tree")
    # Without a failpoint the storms above are the comparison.
    as_it_is = _storm_in(ROOT, mutant.failpoints, empty_databases())["late"] if mutant.failpoints else 0
    without = _storm_in(mutated, mutant.failpoints, empty_databases())["late"]
    print(json.dumps({"mutant": mutant.name, "late": without, "late_as_it_is": as_it_is}))

    assert as_it_is == 0
    assert without > 0


def _mutated(mutant: Mutant, folder: Path) -> Path:
    shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
    for file, line, becomes in mutant.changes:
        source = (folder / file).read_text(encoding="utf-8")
        assert source.count(line) == 1, f"{file} no longer has the line that {mutant.name!r} takes away"
        (folder / file).write_text(source.replace(line, becomes), encoding="utf-8")
    return folder


def _storm_in(tree: Path, failpoints: str, database: str) -> dict[str, Any]:
    """The figures of a small storm on the code in `tree`."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.races.storm", "--database", database, "--leads", str(MUTANT_LEADS)],
        cwd=tree,
        env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(tree), "SMSBOT_FAILPOINTS": failpoints},
        capture_output=True,
        text=True,
        timeout=MUTANT_TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    figures: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return figures
