"""One lead at a time: from the webhook that is sent to the answer that the carrier receives.

The built-in assistant answers and nothing is waited for, so this is what our own parts take: accept, ring, claim,
draft, gate, send. The clocks are one: both ends are on this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace

from bench.client import request_bytes, send
from bench.figures import Verdicts, closing, percentile, table
from bench.stand import Stand, stand

LEADS = 200
PAUSE_S = 0.1  # status callbacks of the last one are over by then
POLL_S = 0.01
GIVE_UP_S = 20.0
SETTINGS = {"NUMBER_MPS": "10000", "REPLY_WAIT_S": "0"}


def one_lead(place: Stand, number: int) -> tuple[float, float]:
    """(milliseconds from webhook to carrier, milliseconds until the webhook was answered)."""
    job = place.job(requests=1, lines=1, first_sender=3000 + number, sid_prefix=0x30000000 + number)
    person, _ = request_bytes(job, 0)
    done = send(replace(job, senders=1))
    if done.statuses != {"200": 1}:
        raise RuntimeError(f"the webhook was answered with {done.statuses}:\n{place.log_of('web')}")
    sent = done.sent[person]
    deadline = time.monotonic() + GIVE_UP_S
    while time.monotonic() < deadline:
        found = [one for one in place.ask(f"/sim/log?since={place.seen}") if one["kind"] == "request"]
        mine = next((one for one in found if one["to"] == person), None)
        if mine is not None:
            place.seen = mine["seq"]
            return (mine["mono"] - sent) * 1000, done.milliseconds[0]
        time.sleep(POLL_S)
    raise RuntimeError(f"no answer within {GIVE_UP_S:.0f} s:\n{place.log_of('workers')}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=LEADS)
    asked = parser.parse_args()
    with stand(SETTINGS) as place:
        place.start_simulator()
        place.start_web()
        place.start_workers(1)
        place.wait_for_workers()
        print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
        first = one_lead(place, 0)
        for number in range(1, 21):
            one_lead(place, number)
        place.analyze()
        before = place.cpu_s()
        answers, webhooks = [], []
        for number in range(21, 21 + asked.leads):
            time.sleep(PAUSE_S)
            answered, accepted = one_lead(place, number)
            answers.append(answered)
            webhooks.append(accepted)
        after = place.cpu_s()
    cpu = {name: (after[name] - before[name]) * 1000 / asked.leads for name in after}
    figures = {
        "leads": asked.leads,
        "first_ms": first[0],
        "p50_ms": percentile(answers, 0.5),
        "p99_ms": percentile(answers, 0.99),
        "webhook_p50_ms": percentile(webhooks, 0.5),
        "webhook_p99_ms": percentile(webhooks, 0.99),
    }
    print()
    table(("figure", "value"), list(figures.items()))
    print("\nCPU, ms a lead, what the processes use when idle included:")
    table(("process", "ms"), list(cpu.items()))
    verdicts = Verdicts()
    verdicts.at_most("webhook to carrier, p50 ms", figures["p50_ms"], 30)
    verdicts.at_most("webhook to carrier, p50 ms", figures["p50_ms"], 10, required=False)
    verdicts.at_most("webhook to carrier, p99 ms", figures["p99_ms"], 80)
    verdicts.at_most("first after the start, ms", first[0], 300)
    return closing("latency", {**figures, "cpu_ms": cpu}, verdicts)


if __name__ == "__main__":
    sys.exit(main())
