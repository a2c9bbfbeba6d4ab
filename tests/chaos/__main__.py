"""`python -m tests.chaos --seed S --seconds N`: one run; its figures as one line of JSON, last.

Exit code 0 when no invariant was violated, 1 when one was, 2 for arguments that cannot be used. The schedule follows
from the seed, the interleaving does not: what a failing run saw is kept, and `--judge FILE` looks at it again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from tests.chaos import evidence, load, nemesis
from tests.chaos.checker import SETTLED_WITHIN_S, Violation, figures, violations
from tests.chaos.cluster import TREE, Cluster

PER_SECOND = 25
STEP_S = 0.05
GIVE_UP_S = 40.0  # after the last text: who has no answer by then is lost
SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=40, help="how long texts come and processes die")
    parser.add_argument("--inbound", type=int, help=f"how many texts; {PER_SECOND} a second unless given")
    parser.add_argument("--tree", type=Path, default=TREE, help="the code that is run; this tree unless given")
    parser.add_argument("--failpoints", action="append", default=[], metavar="PROCESS:NAME=ACTION", help="for tests")
    parser.add_argument("--calm", action="store_true", help="without any fault: what is normal here")
    parser.add_argument("--keep", type=Path, help="where the evidence goes, whatever was found")
    parser.add_argument("--judge", type=Path, metavar="FILE.json", help="no run: judge this evidence")
    asked = parser.parse_args(arguments)
    if asked.judge:
        return _report(evidence.Evidence.load(asked.judge), {}, None)
    if asked.seconds <= 0 or (asked.inbound is not None and asked.inbound < 1):
        parser.error("--seconds and --inbound: more than nothing")
    signal.signal(signal.SIGTERM, _interrupted)
    failpoints = dict(one.split(":", 1) for one in asked.failpoints)
    cluster = Cluster(asked.seed, asked.tree.resolve(), failpoints)
    keep = False
    try:
        cluster.start()
        seen, about = _run(cluster, asked.seconds, asked.inbound or int(PER_SECOND * asked.seconds), asked.calm)
        code = _report(seen, about, asked.keep)
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


def _run(cluster: Cluster, seconds: float, inbound: int, calm: bool) -> tuple[evidence.Evidence, dict[str, Any]]:
    texts = load.plan(cluster.seed, inbound=inbound, seconds=seconds, shops=len(cluster.shops))
    harm = nemesis.Nemesis([] if calm else nemesis.plan(cluster.seed, seconds), cluster)
    if not calm:
        cluster.steer("/sim/faults", {"carrier": nemesis.CARRIER_FAULTS})

    told = load.Load(
        texts,
        lambda text: load.form(cluster.shops[text.shop], text),
        lambda body: cluster.steer("/sim/inbound", body),
        seconds + GIVE_UP_S,
    )
    watcher = evidence.Watcher(cluster.connect)
    watcher.start()
    began = time.monotonic()
    told.start()
    while time.monotonic() < began + seconds:
        harm.step(time.monotonic() - began)
        cluster.tend()
        time.sleep(STEP_S)
    cluster.steer("/sim/faults", nemesis.FAULTS_OFF)
    cluster.end_failpoints()
    calm_at = time.monotonic()
    for name in list(cluster.frozen):
        cluster.frozen[name] = calm_at
    if cluster.redis_back_at is not None:
        cluster.redis_back_at = calm_at
    drained_s, settled_s = cluster.drained(lambda: told.over, calm_at, SETTLED_WITHIN_S + 5)
    watcher.stop()
    seen = evidence.collected(cluster, told.acked, watcher, calm_at, drained_s=drained_s, settled_s=settled_s)
    about = {
        "seed": cluster.seed,
        "seconds": seconds,
        "kills": sum(1 for fault in harm.done if fault.kind in ("kill", "kill_redis", "crash_postgres")),
        "faults": dict(Counter(f"{fault.kind} {fault.target}" for fault in harm.done)),
        "starts": {place.name: place.starts for place in cluster.places.values()},
        "client_repeats": told.repeats,
    }
    return seen, about


def _report(seen: evidence.Evidence, about: Mapping[str, Any], keep: Path | None) -> int:
    broken: list[Violation] = violations(seen)
    if keep is None and broken:
        keep = Path(tempfile.gettempdir()) / f"smsbot-chaos-{seen.seed}-{int(time.time())}.json"
    if keep is not None and about:
        seen.save(keep)
        sys.stderr.write(f"evidence: {keep}\n")
    for violation in broken[:SHOWN]:
        sys.stderr.write(f"{violation.invariant}: {violation.what}\n")
    counted = dict(sorted(Counter(violation.invariant for violation in broken).items()))
    print(json.dumps({**about, **figures(seen), "violations": counted}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
