"""Load from two client processes at once, so that one Python is not what limits the rate."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.client import Job, Result
from bench.figures import percentile

FOLDER = Path(__file__).resolve().parent.parent
MAKING_S = 0.6  # starting Python; making and signing a request takes about 40 µs
MAKING_EACH_S = 0.00015
LONGEST_S = 180.0


@dataclass(frozen=True)
class Load:
    """What came of it: requests a second, milliseconds, and the clients' own CPU per request in milliseconds."""

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    client_cpu_ms: float
    requests: int
    failed: int
    began: float
    sent: dict[str, float]


def run(job: Job, clients: int = 2) -> Load:
    """Split the job between `clients` processes that begin at the same moment."""
    begin_at = time.monotonic() + MAKING_S + job.requests * MAKING_EACH_S
    parts = [_part(job, place, clients, begin_at) for place in range(clients)]
    running = []
    try:
        for part in parts:
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "bench.client"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=FOLDER,
                )
            )
            one = running[-1]
            assert one.stdin is not None
            one.stdin.write(json.dumps(asdict(part)).encode())
            one.stdin.close()
            one.stdin = None
        results = [Result(**json.loads(one.communicate(timeout=LONGEST_S)[0])) for one in running]
    finally:
        for one in running:
            one.kill()
            one.wait()
    return _together(results)


def _part(job: Job, place: int, clients: int, begin_at: float) -> Job:
    share = max(1, job.senders // clients)
    return replace(
        job,
        requests=job.requests // clients,
        lines=max(1, job.lines // clients),
        senders=share,
        first_sender=job.first_sender + place * share,
        sid_prefix=f"{int(job.sid_prefix, 16) + place:08x}",
        rate=job.rate / clients if job.rate else None,
        begin_at=begin_at + (place / job.rate if job.rate else 0),  # in turn, not both at once
    )


def _together(results: list[Result]) -> Load:
    milliseconds = [one for result in results for one in result.milliseconds]
    statuses: Counter[str] = Counter()
    sent: dict[str, float] = {}
    for result in results:
        statuses.update(result.statuses)
        sent |= result.sent
    count = len(milliseconds)
    seconds = max(result.began + result.seconds for result in results) - min(result.began for result in results)
    return Load(
        rate=count / seconds,
        p50_ms=percentile(milliseconds, 0.5),
        p95_ms=percentile(milliseconds, 0.95),
        p99_ms=percentile(milliseconds, 0.99),
        client_cpu_ms=sum(result.cpu_s for result in results) * 1000 / max(1, count),
        requests=count,
        failed=count - statuses["200"],
        began=min(result.began for result in results),
        sent=sent,
    )
