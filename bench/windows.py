"""How long it takes to decide when a text may be sent, with and without what earlier decisions have left in memory.

`python -m bench.windows` times place and opening together, as every send asks for them. Warm is a worker in its day: the
same people and zones again, other seconds. Cold is a table that nothing was worked out from yet. Both are set against
parsing the number once, which each send does anyway.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import phonenumbers

from bench.figures import Verdicts, closing, median, percentile, table
from consent.places import Place, place_of
from consent.quiet_hours import DEFAULT_TENANT_HOURS, RULES, Rules, SendClass, hours_from, load_rules, opening

WARM = 50_000
COLD = 400
PEOPLE = 500
START = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = 7
EVENINGS = hours_from({"all_days": ["17:00", "24:00"]})
CODES = ("312", "512", "915", "850", "401", "502", "504", "801", "213", "907", "808", "787", "800", "416", "928")
ZIPS = (None, None, None, "60601", "79901", "37402", "02903", "99546")
LIMIT_US = 1000.0  # a decision under a millisecond
AIM_US = 100.0  # warm: it is part of every send


@dataclass(frozen=True, slots=True)
class Asked:
    number: str
    postal_code: str | None
    send: SendClass
    at: datetime
    evenings: bool


def drawn(count: int, chance: random.Random) -> list[Asked]:
    people = [f"+1{chance.choice(CODES)}55501{chance.randint(0, 99):02d}" for _ in range(PEOPLE)]
    return [
        Asked(
            chance.choice(people),
            chance.choice(ZIPS),
            chance.choice(list(SendClass)),
            START + timedelta(seconds=chance.randrange(DAYS * 86400)),
            chance.random() < 0.2,
        )
        for _ in range(count)
    ]


def where(asked: Asked) -> Place:
    return place_of(asked.number, country=None, postal_code=asked.postal_code, tenant_zone="America/Chicago")


def decide(asked: Asked, rules: Rules = RULES) -> bool:
    return opening(
        asked.send,
        where(asked),
        asked.at,
        rules=rules,
        tenant_hours=DEFAULT_TENANT_HOURS,
        lead_hours=EVENINGS if asked.evenings else None,
    ).open


def timed_us(act: Callable[[Asked], object], each: Sequence[Asked]) -> list[float]:
    spent = []
    for asked in each:
        began = time.perf_counter_ns()
        act(asked)
        spent.append((time.perf_counter_ns() - began) / 1000)
    return spent


def cold_us(each: Sequence[Asked]) -> list[float]:
    """The same with a table of its own for each decision, and places forgotten."""
    spent = []
    for asked in each:
        rules = load_rules()
        place_of.cache_clear()
        began = time.perf_counter_ns()
        decide(asked, rules)
        spent.append((time.perf_counter_ns() - began) / 1000)
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=WARM)
    parser.add_argument("--cold", type=int, default=COLD)
    asked = parser.parse_args()
    chance = random.Random(7)
    each = drawn(asked.decisions, chance)
    measured = {
        "cold": cold_us(each[: asked.cold]),
        "first pass": timed_us(decide, each),
        "warm": timed_us(decide, each),
        "parse a number": timed_us(lambda one: phonenumbers.parse(one.number, None), each),
    }
    open_share = sum(decide(one) for one in each) / len(each)
    figures: dict[str, dict[str, Any]] = {
        name: {"median_us": median(spent), "p99_us": percentile(spent, 0.99), "count": len(spent)}
        for name, spent in measured.items()
    }
    parse = figures["parse a number"]
    table(
        ("decision", "median µs", "p99 µs", "count"),
        [(name, one["median_us"], one["p99_us"], one["count"]) for name, one in figures.items()],
    )
    ratios = {
        f"{name} to parsing a number": figures[name]["median_us"] / parse["median_us"] for name in ("cold", "warm")
    }
    print()
    table(("ratio of medians", "value"), list(ratios.items()))
    verdicts = Verdicts()
    verdicts.at_most("warm p99 µs", figures["warm"]["p99_us"], LIMIT_US)
    verdicts.at_most("warm median µs", figures["warm"]["median_us"], AIM_US, required=False)
    verdicts.at_most("cold median µs", figures["cold"]["median_us"], LIMIT_US, required=False)
    verdicts.at_most("first pass p99 µs", figures["first pass"]["p99_us"], LIMIT_US)
    return closing("windows", {"figures": figures, "ratios": ratios, "open_share": open_share}, verdicts)


if __name__ == "__main__":
    sys.exit(main())
