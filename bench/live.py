"""Fifty dashboards that follow along beside a hundred webhooks a second, and one that is cut off for half a minute.

The hundred are what the carrier sends of a hundred webhooks' worth of conversation: texts of known people, each of which
is answered, and the status callbacks of those answers. `--texts` sets the texts alone; then the callbacks come on top.
Quiet and watched runs take turns on the same servers, so that a noisy machine disturbs both alike; the ratio is taken
within a pair. Each dashboard is a session of its own that does what the page's script does. Then the staff pool is
killed and stays away while texts go on arriving: a page that was open must be told of each of them once, in order.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg

from bench import load
from bench.figures import Verdicts, closing, median, percentile, table
from bench.stand import Stand, stand
from bench.viewer import ENTRY, POLL_S, RECEIVED, Viewer, faults, placed, spread

RATE = 100.0  # webhooks a second
LINES = 32
KNOWN_PEOPLE = 400
DASHBOARDS = 50
RUN_S = 20.0
PAIRS = 2
SETTLE_S = 3.0
CALIBRATION_S = 10
ANSWERED_AFTER_S = 5.0  # the wait for further texts, and the way out: a run begins without callbacks
SETTINGS = {"NUMBER_MPS": "10000"}  # whoever gets as many texts has numbers enough: one alone would answer one a second
STAFF = ("owner@lakeside.example", "sam@lakeside.example")
CUT_S = 30.0
CUT_TEXTS = 1000
CATCH_UP_S = 60.0


@dataclass(frozen=True)
class Run:
    """Milliseconds of the webhooks, of what the dashboards asked, and from an event until a dashboard showed it."""

    watched: bool
    load_average: float
    rate: float  # webhooks a second: texts and callbacks
    texts_rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failed: int
    seen_p50_ms: float
    seen_p95_ms: float
    poll_p95_ms: float
    page_p95_ms: float
    polls: int
    pages: int
    refused: int
    cpu: dict[str, float]  # share of one core, by process


def passwords(place: Stand) -> dict[str, str]:
    """What the demo's staff sign in with."""
    found: dict[str, str] = json.loads((place.folder / "home" / "keys" / "demo_logins").read_text(encoding="utf-8"))
    return found


def dashboards(place: Stand, count: int) -> list[Viewer]:
    """So many signed-in pages: every other one a conversation, the rest the inbox."""
    known = passwords(place)
    found = []
    for number in range(count):
        viewer = Viewer("127.0.0.1", place.staff_port)
        email = STAFF[number % len(STAFF)]
        viewer.sign_in(email, known[email])
        page = viewer.open("/")
        entries = ENTRY.findall(page)
        if number // 2 % 2 and entries:
            viewer.open(f"/c/{entries[number % len(entries)]}")
        found.append(viewer)
    return found


@contextmanager
def following(viewers: list[Viewer]) -> Iterator[None]:
    """Every page is open and follows along as long as the block runs."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=viewer.follow, args=(stop, first), daemon=True)
        for viewer, first in zip(viewers, spread(len(viewers)), strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def callbacks_between(place: Stand, began_at: float, ended_at: float) -> int:
    """How many status callbacks were taken in this time."""
    with psycopg.connect(place.postgres.url("smsbot"), autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM message_events WHERE at BETWEEN to_timestamp(%s) AND to_timestamp(%s)",
            (began_at, ended_at),
        ).fetchone()
    return int(row[0]) if row else 0


def texts_for(place: Stand, webhooks: float, senders: int, seconds: float) -> float:
    """Texts a second that make, with the callbacks of their answers, so many webhooks a second in a run of `seconds`."""
    began_at, texts = time.time(), 30.0
    job = place.job(
        requests=int(texts * CALIBRATION_S), lines=LINES, first_sender=0, sid_prefix=0x40800000, senders=senders
    )
    if load.run(replace(job, rate=texts)).failed:
        raise RuntimeError(f"texts were refused:\n{place.log_of('web')}")
    time.sleep(SETTLE_S)
    each = callbacks_between(place, began_at, time.time()) / (texts * CALIBRATION_S)
    print(f"{each:.2f} status callbacks a text", flush=True)
    return webhooks / (1 + each * (1 - min(ANSWERED_AFTER_S, seconds / 2) / seconds))


def one_run(place: Stand, seconds: float, sid_prefix: int, viewers: list[Viewer], texts_rate: float) -> Run:
    """So many texts a second of known people and what follows from them, with these pages open."""
    requests = int(texts_rate * seconds)
    job = place.job(requests=requests, lines=LINES, first_sender=0, sid_prefix=sid_prefix, senders=KNOWN_PEOPLE)
    for viewer in viewers:
        viewer.steps.clear()
        viewer.told.clear()
        viewer.polls_ms.clear()
        viewer.pages_ms.clear()
        viewer.failures = 0
    with ThreadPoolExecutor(8) as several:
        list(several.map(lambda viewer: viewer.open(viewer.path), viewers))
    began_at, began, before = time.time(), time.monotonic(), place.cpu_s()
    with following(viewers):
        done = load.run(replace(job, rate=texts_rate))
        took, after = time.monotonic() - began, place.cpu_s()
        ended_at = time.time()
        time.sleep(5 * POLL_S if viewers else 0)
    seen = seen_after_ms(place, viewers, began_at, ended_at) if viewers else []
    polls = [one for viewer in viewers for one in viewer.polls_ms]
    pages = [one for viewer in viewers for one in viewer.pages_ms]
    return Run(
        watched=bool(viewers),
        load_average=os.getloadavg()[0],
        rate=done.rate + callbacks_between(place, began_at, ended_at) / took,
        texts_rate=done.rate,
        p50_ms=done.p50_ms,
        p95_ms=done.p95_ms,
        p99_ms=done.p99_ms,
        failed=done.failed,
        seen_p50_ms=percentile(seen, 0.5),
        seen_p95_ms=percentile(seen, 0.95),
        poll_p95_ms=percentile(polls, 0.95),
        page_p95_ms=percentile(pages, 0.95),
        polls=len(polls),
        pages=len(pages),
        refused=sum(viewer.failures for viewer in viewers),
        cpu={name: (after[name] - before.get(name, 0.0)) / took for name in after},
    )


def seen_after_ms(place: Stand, viewers: list[Viewer], began_at: float, ended_at: float) -> list[float]:
    """For each text and each page: from its event until the page that knew of it stood."""
    with psycopg.connect(place.postgres.url("smsbot"), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT xid::text::numeric::bigint, id, extract(epoch FROM at)::float8 FROM events"
            " WHERE kind = %s AND at BETWEEN to_timestamp(%s) AND to_timestamp(%s) ORDER BY xid, id",
            (RECEIVED, began_at, ended_at),
        ).fetchall()
    found = []
    for viewer in viewers:
        reached = [placed(step.cursor) for step in viewer.steps]
        for xid, event, at in rows:
            at_step = bisect_left(reached, (xid, event))
            found.append((viewer.steps[at_step].at - at) * 1000 if at_step < len(reached) else float("inf"))
    return found


@dataclass(frozen=True)
class Cut:
    """What a page was told while its server was gone for a while and texts went on arriving."""

    away_s: float
    texts: int
    missing: int
    needless: int
    disordered: int
    failures: int
    back_after_s: float  # from the server's return until the page stood again


def cut(place: Stand, texts: int, away_s: float) -> Cut:
    """Kill the staff pool, let it stay away, bring it back; the carrier's texts go on all the while."""
    viewer = dashboards(place, 1)[0]
    started = viewer.cursor
    job = place.job(requests=texts, lines=LINES, first_sender=20_000, sid_prefix=0x4F000000)
    sending = threading.Thread(target=lambda: sent.append(load.run(replace(job, rate=texts / (away_s + 6)))))
    sent: list[load.Load] = []
    with following([viewer]):
        sending.start()
        time.sleep(3.0)
        place.kill("staff")
        time.sleep(away_s)
        place.start_staff()
        returned = time.time()
        sending.join()
        rows = happened(place, started)
        last = next(row[:2] for row in reversed(rows) if row[3] == RECEIVED)
        deadline = time.monotonic() + CATCH_UP_S
        while placed(viewer.cursor) < last and time.monotonic() < deadline:
            time.sleep(0.1)
    if sent[0].failed:
        raise RuntimeError(f"{sent[0].failed} texts were refused:\n{place.log_of('web')}")
    found = faults(started, viewer.told, happened(place, started))
    back = next((step.at for step in viewer.steps if step.at > returned), math.nan) - returned
    return Cut(away_s, found.texts, found.missing, found.needless, found.disordered, viewer.failures, back)


def happened(place: Stand, started: str) -> list[tuple[int, UUID, UUID, str]]:
    """The shop's events after a cursor, in their order: transaction, id, conversation, kind."""
    xid, event = placed(started)
    with psycopg.connect(place.postgres.url("smsbot"), autocommit=True) as connection:
        return connection.execute(
            "SELECT e.xid::text::bigint, e.id, coalesce(e.conversation_id, c.id), e.kind FROM events e"
            " JOIN numbers n ON n.tenant_id = e.tenant_id AND n.number = %s"
            " LEFT JOIN conversations c ON e.conversation_id IS NULL AND c.tenant_id = e.tenant_id"
            " AND c.contact_id = e.contact_id"
            " WHERE (e.xid, e.id) > (%s::text::xid8, %s) AND (e.conversation_id IS NOT NULL OR c.id IS NOT NULL)"
            " ORDER BY e.xid, e.id",
            (place.shop.number, str(xid), event),
        ).fetchall()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="quiet and watched runs, in turns")
    parser.add_argument("--seconds", type=float, default=RUN_S)
    parser.add_argument("--texts", type=float, help="texts a second; so many that all webhooks are 100 when not given")
    parser.add_argument("--dashboards", type=int, default=DASHBOARDS)
    parser.add_argument("--away", type=float, default=CUT_S, help="seconds that the staff pool stays away; 0: never")
    parser.add_argument("--one-pool", action="store_true", help="dashboards and webhooks in one process; no cut then")
    asked = parser.parse_args()
    runs: list[Run] = []
    with stand(SETTINGS) as place:
        place.start_simulator()
        place.start_web("" if asked.one_pool else "carrier")
        if not asked.one_pool:
            place.start_staff()
        place.start_workers(2)
        place.wait_for_workers()
        warm = place.job(requests=2 * KNOWN_PEOPLE, lines=LINES, first_sender=0, sid_prefix=0x40000000)
        if load.run(replace(warm, senders=KNOWN_PEOPLE)).failed:
            raise RuntimeError(f"texts were refused:\n{place.log_of('web')}")
        viewers = dashboards(place, asked.dashboards)
        for viewer in viewers:
            viewer.look()
        place.analyze()
        texts_rate = asked.texts or texts_for(place, RATE, KNOWN_PEOPLE, asked.seconds)
        for number in range(asked.pairs * 2):
            time.sleep(SETTLE_S)
            watched = number % 2 == 1
            print(f"run {number + 1} of {asked.pairs * 2}, load average {os.getloadavg()[0]:.1f}", flush=True)
            runs.append(one_run(place, asked.seconds, 0x41000000 + number * 16, viewers if watched else [], texts_rate))
        gone = cut(place, CUT_TEXTS, asked.away) if asked.away and not asked.one_pool else None
    return report(runs, gone)


def report(runs: list[Run], gone: Cut | None) -> int:
    print()
    head = (
        "run",
        "load",
        "webhooks/s",
        "texts/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "seen p50 ms",
        "seen p95 ms",
        "poll p95 ms",
    )
    rows = [
        (
            "watched" if run.watched else "quiet",
            run.load_average,
            run.rate,
            run.texts_rate,
            run.p50_ms,
            run.p95_ms,
            run.p99_ms,
            *((run.seen_p50_ms, run.seen_p95_ms, run.poll_p95_ms) if run.watched else (None, None, None)),
        )
        for run in runs
    ]
    table(head, rows)
    print("\nCPU, share of a core:")
    watched, quiet = [run for run in runs if run.watched], [run for run in runs if not run.watched]
    cpu = [
        (name, median([run.cpu[name] for run in quiet]), median([run.cpu[name] for run in watched]))
        for name in (runs[0].cpu if runs else {})
    ]
    table(("process", "quiet", "watched"), cpu)
    ratios = [busy.p95_ms / calm.p95_ms for calm, busy in zip(quiet, watched, strict=True)]
    verdicts = Verdicts()
    if runs:
        # Below that the machine cannot take the load itself, and the ratio says little.
        verdicts.at_least("webhooks a second, quiet", median([run.rate for run in quiet]), 0.95 * RATE, required=False)
        verdicts.at_most("webhooks not answered with 200", sum(run.failed for run in runs), 0)
        verdicts.at_most("p95 of webhooks, watched to quiet", median(ratios), 2)
        seen = median([run.seen_p95_ms for run in watched])
        verdicts.at_most("event to dashboard, p95 ms", seen, 3000, required=False)
    if gone is not None:
        print()
        table(("the server was away", "value"), list(vars(gone).items()))
        verdicts.at_least("texts while the server was cut", gone.texts, CUT_TEXTS)
        verdicts.at_most("gaps", gone.missing, 0)
        verdicts.at_most("repeats", gone.needless, 0)
        verdicts.at_most("out of order", gone.disordered, 0)
    figures: dict[str, Any] = {
        "ratios": ratios,
        "runs": [vars(run) for run in runs],
        "cut": None if gone is None else vars(gone),
    }
    return closing("live", figures, verdicts)


if __name__ == "__main__":
    sys.exit(main())
