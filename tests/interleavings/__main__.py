"""`python -m tests.interleavings [--seed N] [--lead K]`: many leads at once, in seeded random order, judged from outside.

Each seed is a world of two businesses and fifty leads. Exit code 0 when nothing left that should not have, 1 with each
violation and the command that shows it again, 2 for arguments that cannot be used. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from types import FrameType

import psycopg
from sqlalchemy import Engine

from smsbot.database import database_engine
from smsbot.schema import prepare_cluster, upgrade
from smsbot.servers.postgres import start_postgres, stop_postgres
from tests.canaries.watch import WATCH, tables_of
from tests.conftest import FAST, Database
from tests.interleavings.driver import LEADS, Stage, schedule
from tests.interleavings.oracle import Handed, Oracle
from tests.world import World

AT_ONCE = 25  # worlds at most that share a PostgreSQL, one after the other


@dataclass
class Found:
    """What one or more worlds came to."""

    sequences: int = 0
    operations: int = 0
    judged: int = 0
    taken: int = 0
    explained: int = 0
    events: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)  # what was broken, how often
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: Found) -> Found:
        self.sequences += other.sequences
        self.operations += other.operations
        self.judged += other.judged
        self.taken += other.taken
        self.explained += other.explained
        self.events += other.events
        self.seconds += other.seconds
        self.kinds += other.kinds
        self.rules += other.rules
        self.wrong += other.wrong
        return self


@contextmanager
def database() -> Iterator[tuple[Database, Engine]]:
    """A PostgreSQL of this run's own, migrated, as the suite has it; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="smsbot-interleavings-"))
    home.chmod(0o755)  # root's PostgreSQL runs as another user
    try:
        server, _ = start_postgres(home, fsync=False, max_connections=60, extra=FAST)
        prepare_cluster(server.url(), database="smsbot", owner_password="owner", app_password="app")
        owner_url = server.url("smsbot", "smsbot_owner", "owner")
        upgrade(owner_url.replace("postgresql://", "postgresql+psycopg://", 1))
        with psycopg.connect(server.url("smsbot")) as connection:
            tables = tables_of(connection)
        made = Database(server.url("smsbot"), owner_url, server.url("smsbot", "smsbot_app", "app"), tables)
        engine = database_engine(made.app_url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=4)
        try:
            yield made, engine
        finally:
            engine.dispose()
            for cleaner in made.cleaners:
                cleaner.close()
    finally:
        stop_postgres(home)
        shutil.rmtree(home, ignore_errors=True)


def judged(
    made: Database, engine: Engine, home: Path, seed: int, *, leads: int, only: int | None = None, every: int = 1
) -> Found:
    """One world: carried out, judged, and each text explained (of so many one)."""
    began = time.monotonic()
    steps = schedule(seed, leads)
    world = World(made.app_url, engine, home)
    stage = Stage(world, made.superuser_url, steps[0].at)
    try:
        stage.play(steps, only=only)
        oracle = Oracle().take(stage.log)
        explained, unexplained = stage.unexplained(every)
        held, inconsistent = stage.inconsistencies()
    finally:
        stage.close()
    lead_of = {step.person: step.lead for step in steps if step.lead is not None}
    wrong = [
        f"{one}\n  again: python -m tests.interleavings --seed {seed} --leads {leads} --lead {lead_of[one.person]}"
        for one in oracle.wrong
    ]
    wrong += [f"{one}\n  again: python -m tests.interleavings --seed {seed} --leads {leads}" for one in unexplained]
    wrong += [f"{one}\n  again: python -m tests.interleavings --seed {seed} --leads {leads}" for one in inconsistent]
    rules = Counter(one.rule for one in oracle.wrong)
    rules += Counter({"not explained": len(unexplained), "inconsistent": len(inconsistent)})
    return Found(
        leads if only is None else 1, sum(stage.done.values()), oracle.judged,
        sum(isinstance(one, Handed) and one.taken for one in stage.log), explained, held.events,
        time.monotonic() - began, oracle.kinds, rules, wrong,
    )  # fmt: skip


def worlds(seeds: Sequence[int], leads: int, only: int | None, every: int) -> Found:
    """These seeds one after the other, on a database of their own."""
    logging.disable(logging.CRITICAL)  # what is ended on purpose would fill the screen with its errors
    signal.signal(signal.SIGTERM, _interrupted)
    total = Found()
    with database() as (made, engine), tempfile.TemporaryDirectory(prefix="smsbot-interleavings-") as home:
        for seed in seeds:
            found = judged(made, engine, Path(home), seed, leads=leads, only=only, every=every)
            sys.stderr.write("".join(f"{one}\n" for one in found.wrong))
            total += found
            WATCH.now.sent_words.clear()
            made.empty()
    return total


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(143)  # so that the server is stopped and its folder deleted


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interleavings", description=__doc__)
    parser.add_argument("--seed", type=int, help="one world")
    parser.add_argument("--lead", type=int, help="of this world one lead's part")
    parser.add_argument("--worlds", type=int, default=200, help="so many, from seed 1 on")
    parser.add_argument("--leads", type=int, default=LEADS, help="in each world")
    parser.add_argument("--jobs", type=int, default=2, help="so many processes, each with its own PostgreSQL")
    parser.add_argument("--explain-every", type=int, default=10, metavar="N", help="start explain for one of N")
    asked = parser.parse_args(arguments)
    if asked.lead is not None and asked.seed is None:
        parser.error("--lead: of which --seed?")
    if min(asked.worlds, asked.leads, asked.jobs, asked.explain_every) < 1:
        parser.error("--worlds, --leads, --jobs and --explain-every: at least one")
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupted)
    seeds = [asked.seed] if asked.seed is not None else list(range(1, asked.worlds + 1))
    at_once = min(AT_ONCE, -(-len(seeds) // asked.jobs))
    parts = [seeds[first : first + at_once] for first in range(0, len(seeds), at_once)]
    total = Found()
    work = partial(worlds, leads=asked.leads, only=asked.lead, every=asked.explain_every)
    with Pool(min(asked.jobs, len(parts))) as pool:  # whose end ends its processes
        for found in pool.imap_unordered(work, parts):
            total += found
            sys.stderr.write(f"{total.sequences} leads, {total.judged} texts, {len(total.wrong)} wrong\n")
    figures = {
        "sequences": total.sequences, "operations": total.operations, "texts_judged": total.judged,
        "texts_taken": total.taken, "explained": total.explained, "ledger_events": total.events,
        "by_kind": dict(total.kinds.most_common()), "violations": dict(total.rules.most_common()),
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    print(json.dumps(figures))
    return int(bool(total.wrong))


if __name__ == "__main__":
    sys.exit(main())
