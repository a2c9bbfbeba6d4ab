"""A thousand people write at once: how long until each has its one answer.

The model takes two seconds for each answer and the carrier 50 ms for each text; the number's pace is lifted, and so is
the wait for further texts. Then the same with one of the two reply workers killed in the middle; their parent starts
another. RQ's own worker, which a tutorial would use, does a part of the same waiting beside it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg
from redis import Redis
from rq import Queue

from bench import load, usage
from bench.figures import Verdicts, closing, percentile, table
from bench.stand import Stand, stand

LEADS = 1000
MODEL_MS = 2000
CARRIER_MS = 50
WORKERS = 2
LINES = 64
WARM_LEADS = 40
GIVE_UP_S = 120.0
KILL_AFTER = 0.3  # of the answers
RQ_JOBS = 20
SETTINGS = {
    "OPENAI_BASE_URL": "{simulator}/v1",
    "OPENAI_MODEL": "simulated",
    "NUMBER_MPS": "10000",
    "REPLY_WAIT_S": "0",
}


@dataclass(frozen=True)
class Burst:
    """Seconds from the first webhook; CPU in milliseconds for each answer, by process."""

    seconds: float
    p50_s: float
    answered: int
    unknown: int  # nobody can say whether the carrier took it: never sent again, a person has a task
    more_than_once: int
    accepted_s: float
    model_calls: int
    cpu_ms: dict[str, float]
    peak_mb: float
    peak_mb_each: dict[str, float]


def burst(place: Stand, leads: int, first_sender: int, sid_prefix: int, *, kill: bool = False) -> Burst:
    """Send one text from each lead, and wait until the carrier has accepted an answer to each, or GIVE_UP_S."""
    since = place.ask("/sim/state")
    seen = place.ask("/sim/log?since=0")
    cursor = seen[-1]["seq"] if seen else 0
    before = place.cpu_s()
    unknown_before = left_to_people(place)
    accepted_before = since["creates"]["accepted"]
    job = place.job(requests=leads, lines=LINES, first_sender=first_sender, sid_prefix=sid_prefix)
    done = load.run(job)
    if done.failed:
        raise RuntimeError(f"{done.failed} webhooks were refused:\n{place.log_of('web')}")
    peak = 0.0
    each: dict[str, float] = {}
    deadline = done.began + GIVE_UP_S
    while time.monotonic() < deadline:
        answers = place.ask("/sim/state")["creates"]["accepted"] - accepted_before
        now = {name: usage.pss_mb(place.pids(name)) for name in ours(place)} | {
            "redis": usage.pss_mb([place.redis_pid])
        }
        peak = max(peak, sum(now.values()))
        now |= {name: usage.own_pss_mb(pid) for name, pid in place.members().items()}
        each = {name: max(used, each.get(name, 0.0)) for name, used in now.items()}
        if kill and answers >= leads * KILL_AFTER:
            os.kill(place.members()["worker-1"], signal.SIGKILL)  # its parent starts another one
            kill = False
        if answers + left_to_people(place) - unknown_before >= leads:
            break
        time.sleep(0.1)
    entries = place.ask(f"/sim/log?since={cursor}")
    accepted = [one for one in entries if one["kind"] == "accepted"]
    count = Counter(one["to"] for one in accepted)
    ended = [one["mono"] - done.began for one in accepted]
    after = place.cpu_s()
    return Burst(
        seconds=max(ended, default=float("nan")),
        p50_s=percentile(ended, 0.5),
        unknown=left_to_people(place) - unknown_before,
        answered=sum(1 for person in done.sent if count[person]),
        more_than_once=sum(1 for person in done.sent if count[person] > 1),
        accepted_s=done.requests / done.rate,
        model_calls=sum(1 for one in entries if one["kind"] == "model"),
        cpu_ms={name: (used - before.get(name, 0.0)) * 1000 / leads for name, used in after.items()},
        peak_mb=peak,
        peak_mb_each=each,
    )


def ours(place: Stand) -> list[str]:
    return [name for name in place.children if name not in ("simulator", "rq-1", "rq-2")]


def left_to_people(place: Stand) -> int:
    """How many answers ended in doubt: their worker died while it called the carrier."""
    with psycopg.connect(place.postgres.url("smsbot"), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM messages WHERE state = 'unknown' AND author = 'ai'").fetchone()
    return int(row[0]) if row else 0


def rq_alone(place: Stand) -> dict[str, float]:
    """RQ's own workers on the same waiting, a part of it: seconds for RQ_JOBS, their CPU, and what LEADS would take."""
    connection = Redis.from_url(place.redis.url)
    queue = Queue("bench", connection=connection)
    names = [f"rq-{number}" for number in range(1, WORKERS + 1)]
    jobs = [queue.enqueue("time.sleep", (MODEL_MS + CARRIER_MS) / 1000) for _ in range(RQ_JOBS)]
    began = time.monotonic()
    for name in names:
        argv = [sys.executable, "-m", "rq.cli", "worker", "--burst", "--quiet", "--url", place.redis.url, "bench"]
        place.start(name, argv)
    used = 0.0
    while any(place.children[name].poll() is None for name in names):
        used = max(used, usage.cpu_s(place.pids(*names)))
        time.sleep(0.1)
    seconds = time.monotonic() - began
    finished = sum(1 for job in jobs if job.is_finished)
    if finished != RQ_JOBS:
        raise RuntimeError(f"{finished} of {RQ_JOBS} jobs were done:\n{place.log_of(names[0])}")
    return {
        "jobs": RQ_JOBS,
        "seconds": seconds,
        "cpu_ms_each": used * 1000 / RQ_JOBS,
        "seconds_for_all_extrapolated": seconds / RQ_JOBS * LEADS,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--concurrency", type=int, default=500, help="REPLY_CONCURRENCY of each worker")
    parser.add_argument("--no-rq", action="store_true", help="leave out RQ's own worker, which takes half a minute")
    parser.add_argument("--no-kill", action="store_true", help="leave out the second run")
    asked = parser.parse_args()
    runs: dict[str, Burst] = {}
    with stand({**SETTINGS, "REPLY_CONCURRENCY": str(asked.concurrency)}) as place:
        place.start_simulator()
        place.ask("/sim/faults", {"model": {"latency_ms": [0, 0]}})
        place.start_web()
        place.start_workers(WORKERS)
        burst(place, WARM_LEADS, 0, 0x20000000)
        place.ask("/sim/faults", {"model": {"latency_ms": [MODEL_MS] * 2}, "carrier": {"latency_ms": [CARRIER_MS] * 2}})
        place.analyze()
        print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
        runs["all alive"] = burst(place, asked.leads, 2000, 0x21000000)
        if not asked.no_kill:
            settle(place)
            runs["one killed"] = burst(place, asked.leads, 50_000, 0x22000000, kill=True)
        rq = {} if asked.no_rq else rq_alone(place)
    return report(asked.leads, asked.concurrency, runs, rq)


def settle(place: Stand) -> None:
    """Until the status callbacks of a run are over."""
    deadline = time.monotonic() + 30
    while place.ask("/sim/state")["pending"] and time.monotonic() < deadline:
        time.sleep(0.2)


def worker_cpu_ms(run: Burst) -> float:
    """Of all workers and the scheduler, also of one that was killed."""
    return run.cpu_ms["workers"]


def report(leads: int, concurrency: int, runs: dict[str, Burst], rq: dict[str, float]) -> int:
    print()
    head = ("run", "answered", "in doubt", "twice", "all after s", "p50 s", "webhooks s", "model calls", "peak MB")
    rows = [
        (n, r.answered, r.unknown, r.more_than_once, r.seconds, r.p50_s, r.accepted_s, r.model_calls, r.peak_mb)
        for n, r in runs.items()
    ]
    table(head, rows)
    print()
    names = sorted({name for run in runs.values() for name in run.cpu_ms})
    table(("CPU ms an answer", *runs), [(name, *(run.cpu_ms.get(name) for run in runs.values())) for name in names])
    print()
    table(("peak MB", *runs), [(name, *(run.peak_mb_each.get(name) for run in runs.values())) for name in names])
    if rq:
        print(f"\nRQ's own {WORKERS} workers, {rq['jobs']} jobs of the same {MODEL_MS + CARRIER_MS} ms:")
        table(("figure", "value"), list(rq.items()))
    whole = runs["all alive"]
    verdicts = Verdicts()
    verdicts.at_least("answered, all alive", whole.answered, leads)
    verdicts.at_most("answered more than once", sum(run.more_than_once for run in runs.values()), 0)
    verdicts.at_most("seconds until all are answered", whole.seconds, 15)
    verdicts.at_most("seconds until all are answered", whole.seconds, 6, required=False)
    verdicts.at_most("CPU ms of the reply workers an answer", worker_cpu_ms(whole), 5, required=False)
    verdicts.at_most("peak MB without PostgreSQL", whole.peak_mb, 450)
    if "one killed" in runs:
        killed = runs["one killed"]
        verdicts.at_least("answered or with a person, one killed", killed.answered + killed.unknown, leads)
    figures: dict[str, Any] = {
        "leads": leads,
        "concurrency": concurrency,
        "runs": {name: vars(run) for name, run in runs.items()},
        "reply_worker_cpu_ms": {name: worker_cpu_ms(run) for name, run in runs.items()},
        "rq_default_worker": rq,
    }
    return closing("burst", figures, verdicts)


if __name__ == "__main__":
    sys.exit(main())
