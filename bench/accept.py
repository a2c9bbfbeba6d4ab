"""What it costs to accept a text: signed webhook to committed, beside a tutorial's version and a bare insert.

All three run on the same servers in turns, round after round, so that a noisy machine disturbs them alike. Ratios are
taken within a round and their median is shown. New people cost most (contact, lead, conversation and episode are made);
known people write again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from bench import load, usage
from bench.client import Job
from bench.figures import Verdicts, closing, median, percentile, table
from bench.stand import FOLDER, Stand, stand
from smsbot.servers import free_port

STEADY = 250.0  # requests a second
MANY = 64  # requests at once
STEADY_LINES = 128
WORKERS = 2  # of both
KNOWN_PEOPLE = 400
BARE_INSERTS = 300
MAKING_S = 30.0
TUTORIAL, OURS_NEW, OURS_KNOWN = "tutorial", "smsbot, new people", "smsbot, known people"


@dataclass(frozen=True)
class Size:
    one: int
    many: int
    steady_s: float


FULL, QUICK = Size(300, 3000, 8.0), Size(100, 1000, 3.0)


@dataclass(frozen=True)
class Phase:
    """One way of loading: its job, and the figures it gave."""

    name: str
    shape: Callable[[Job], Job]
    requests: int


def phases(size: Size) -> list[Phase]:
    return [
        Phase("1 at a time", lambda job: replace(job, lines=1), size.one),
        Phase(f"{MANY} at once", lambda job: replace(job, lines=MANY), size.many),
        Phase(
            f"{STEADY:.0f}/s", lambda job: replace(job, lines=STEADY_LINES, rate=STEADY), int(STEADY * size.steady_s)
        ),
    ]


@dataclass
class Counted:
    """Which people and sids were used, so that no text is sent twice."""

    next_sender: int = 1000
    next_prefix: int = 0x10000000

    def take(self, people: int) -> tuple[int, int]:
        sender, prefix = self.next_sender, self.next_prefix
        self.next_sender += people
        self.next_prefix += 16
        return sender, prefix


def measured(place: Stand, name: str, pids: list[int], job: Job, clients: int) -> dict[str, Any]:
    """The load's figures with milliseconds of CPU per request, PostgreSQL's and Redis' apart."""
    before = usage.cpu_s(pids), usage.cpu_s([place.postgres.pid]), usage.cpu_s([place.redis_pid])
    done = load.run(job, clients)
    after = usage.cpu_s(pids), usage.cpu_s([place.postgres.pid]), usage.cpu_s([place.redis_pid])
    web, database, redis = ((b - a) * 1000 / max(1, done.requests) for a, b in zip(before, after, strict=True))
    return {
        "name": name,
        "rate": done.rate,
        "p50_ms": done.p50_ms,
        "p99_ms": done.p99_ms,
        "web_cpu_ms": web,
        "postgres_cpu_ms": database,
        "redis_cpu_ms": redis,
        "client_cpu_ms": done.client_cpu_ms,
        "requests": done.requests,
        "failed": done.failed,
    }


def bare_insert(url: str) -> float:
    """Median milliseconds of one row and its commit on one connection, over the driver that we use."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body text NOT NULL)")
        connection.commit()
        taken = []
        for _ in range(BARE_INSERTS):
            began = time.perf_counter()
            connection.execute("INSERT INTO bare (body) VALUES (%s)", ("Hi, are you open on Saturday?",))
            connection.commit()
            taken.append((time.perf_counter() - began) * 1000)
    return percentile(taken, 0.5)


def start_tutorial(place: Stand) -> tuple[list[int], str]:
    """The tutorial's gunicorn as its documentation starts one; returns its process and address."""
    with psycopg.connect(place.postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE tutorial")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    database = place.postgres.url("tutorial").replace("postgresql://", "postgresql+psycopg://", 1)
    environment = {"TUTORIAL_DATABASE_URL": database, "TUTORIAL_TOKEN": place.shop.token}
    argv = [sys.executable, "-m", "gunicorn", "-w", str(WORKERS), "-b", f"127.0.0.1:{port}", "bench.tutorial_app:app()"]
    # Its table first: two workers that make it at once end each other, and gunicorn with them.
    making = [sys.executable, "-c", "from bench.tutorial_app import app; app()"]
    subprocess.run(making, env={**place.environment, **environment}, cwd=FOLDER, check=True, timeout=MAKING_S)
    pid = place.start("tutorial", argv, environment)
    deadline = time.monotonic() + 30
    job = replace(place.job(requests=1, lines=1, first_sender=0, sid_prefix=1), url=f"{url}/sms")
    while True:
        try:
            if load.run(job, 1).failed == 0:
                return [pid], f"{url}/sms"
        except (ValueError, ZeroDivisionError):  # it does not listen yet
            pass
        if time.monotonic() > deadline:
            raise RuntimeError(f"the tutorial does not start:\n{place.log_of('tutorial')}")
        time.sleep(0.2)


def one_round(place: Stand, size: Size, counted: Counted, tutorial: tuple[list[int], str]) -> list[dict[str, Any]]:
    """Every phase once for each of the three."""
    found = []
    for phase in phases(size):
        clients = 1 if phase.name.startswith("1 ") else 2
        for name in (TUTORIAL, OURS_NEW, OURS_KNOWN):
            people = KNOWN_PEOPLE if name == OURS_KNOWN else phase.requests
            sender, prefix = (0, counted.take(0)[1]) if name == OURS_KNOWN else counted.take(people)
            job = place.job(requests=phase.requests, lines=1, first_sender=sender, sid_prefix=prefix, senders=people)
            pids = place.pids("web")
            if name == TUTORIAL:
                pids, job = tutorial[0], replace(job, url=tutorial[1])
            found.append({"phase": phase.name, **measured(place, name, pids, phase.shape(job), clients)})
    return found


def warm_up(place: Stand, counted: Counted, tutorial_url: str) -> None:
    """Imports, prepared statements and connections of both; makes the known people."""
    _, prefix = counted.take(0)
    job = place.job(requests=2 * KNOWN_PEOPLE, lines=MANY, first_sender=0, sid_prefix=prefix, senders=KNOWN_PEOPLE)
    done = load.run(job)
    if done.failed:
        raise RuntimeError(f"{done.failed} texts were refused:\n{place.log_of('web')}")
    load.run(replace(job, url=tutorial_url))
    place.analyze()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one short round")
    asked = parser.parse_args()
    size, rounds = (QUICK, 1) if asked.quick else (FULL, asked.rounds)
    measurements: list[dict[str, Any]] = []
    bare: list[float] = []
    with stand({"WEB_WORKERS": str(WORKERS)}) as place:
        place.start_web()
        tutorial = start_tutorial(place)
        counted = Counted()
        warm_up(place, counted, tutorial[1])
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}, load average {os.getloadavg()[0]:.1f}", flush=True)
            bare.append(bare_insert(place.postgres.url("tutorial")))
            measurements += [{"round": number, **one} for one in one_round(place, size, counted, tutorial)]
        memory = {
            "web_tree_mb": usage.pss_mb(place.pids("web")),
            "web_largest_process_mb": max(usage.own_pss_mb(p.pid) for p in usage.tree(place.pids("web")[0])),
            "tutorial_tree_mb": usage.pss_mb(tutorial[0]),
        }
    return report(size, rounds, measurements, bare, memory)


def report(
    size: Size, rounds: int, measurements: list[dict[str, Any]], bare: list[float], memory: dict[str, float]
) -> int:
    kept = ("rate", "p50_ms", "p99_ms", "web_cpu_ms", "postgres_cpu_ms", "redis_cpu_ms", "client_cpu_ms")

    def of(phase: str, name: str, figure: str) -> list[float]:
        return [one[figure] for one in measurements if (one["phase"], one["name"]) == (phase, name)]

    def ratio(phase: str, name: str, figure: str) -> float:
        """Ours to the tutorial's, within each round; the median of the rounds."""
        pairs = zip(of(phase, name, figure), of(phase, TUTORIAL, figure), strict=True)
        return median([ours / theirs for ours, theirs in pairs if theirs])

    names = [phase.name for phase in phases(size)]
    figures = {
        phase: {
            name: {figure: median(of(phase, name, figure)) for figure in kept}
            for name in (TUTORIAL, OURS_NEW, OURS_KNOWN)
        }
        for phase in names
    }
    print()
    rows = [
        (phase, name, *(figures[phase][name][figure] for figure in kept)) for phase in names for name in figures[phase]
    ]
    table(
        ("load", "what", "per s", "p50 ms", "p99 ms", "web cpu ms", "pg cpu ms", "redis cpu ms", "client cpu ms"), rows
    )
    one, many, steady = names
    ratios = {
        f"{label}_{people}": ratio(phase, name, figure)
        for label, phase, figure in (
            ("rate_at_64_to_tutorial", many, "rate"),
            ("cpu_at_64_to_tutorial", many, "web_cpu_ms"),
            ("p50_one_at_a_time_to_tutorial", one, "p50_ms"),
        )
        for people, name in (("new", OURS_NEW), ("known", OURS_KNOWN))
    }
    ones = of(one, OURS_NEW, "p50_ms")
    ratios["p50_one_at_a_time_to_bare_insert_new"] = median(
        [ours / floor for ours, floor in zip(ones, bare, strict=True)]
    )
    print(f"\nbare one-row insert and commit: {median(bare):.2f} ms p50")
    table(("ratio, median of the rounds", "value"), list(ratios.items()))
    table(("memory", "MB"), list(memory.items()))
    failed = sum(one["failed"] for one in measurements)
    verdicts = Verdicts()
    verdicts.at_most("requests not answered with 200", failed, 0)
    verdicts.at_least("rate at 64, to the tutorial's", ratios["rate_at_64_to_tutorial_new"], 1.0)
    verdicts.at_least("rate at 64, to the tutorial's", ratios["rate_at_64_to_tutorial_new"], 2.0, required=False)
    verdicts.at_most("p99 ms at 250/s", figures[steady][OURS_NEW]["p99_ms"], 100)
    verdicts.at_most("largest web process MB", memory["web_largest_process_mb"], 90)
    verdicts.at_most("p50 ms one at a time", figures[one][OURS_NEW]["p50_ms"], 3, required=False)
    verdicts.at_most("web CPU ms a request at 64", figures[many][OURS_NEW]["web_cpu_ms"], 1.5, required=False)
    verdicts.at_most("web CPU ms a request at 64, known", figures[many][OURS_KNOWN]["web_cpu_ms"], 1.5, required=False)
    return closing(
        "accept",
        {
            "rounds": rounds,
            "bare_insert_p50_ms": median(bare),
            "figures": figures,
            "ratios": ratios,
            "memory": memory,
            "failed": failed,
        },
        verdicts,
    )


if __name__ == "__main__":
    sys.exit(main())
