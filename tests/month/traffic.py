"""The texts, forms, lists, campaigns and opt-outs of a business's month, as steps for the stage. Pure: from a seed alone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tests.interleavings.driver import TENANTS, WORDS, Step, number_of
from tests.interleavings.oracle import What

BEGINS = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)  # a Monday, midnight in Chicago; Thanksgiving and Sundays lie in it
NEW_A_DAY = 6  # people, at each business on a working day
WAYS_IN = {"text": 40, "inquiry": 24, "written": 16, "express": 8, "twice": 5, "import": 7}
CAMPAIGNS_A_WEEK = 2
CLOCK = (9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 20, 21, 22, 23, 1, 6)  # when people write and ask, local hours
ODD_HOURS = (3, 7, 8, 9, 12, 16, 19, 20, 22)  # when somebody starts a campaign


def traffic(seed: int, days: int) -> list[Step]:
    """What happens at both businesses in so many days, in the order of time."""
    random_ = random.Random(f"month:{seed}")
    people: dict[str, list[tuple[datetime, int]]] = {tenant: [] for tenant in TENANTS}
    steps: list[Step] = []
    lead = 0
    for day in range(days):
        midnight = BEGINS + timedelta(days=day)
        for tenant in TENANTS:
            for _ in range(NEW_A_DAY if midnight.weekday() < 5 else NEW_A_DAY // 2):
                at = midnight + timedelta(hours=random_.choice(CLOCK), seconds=random_.randrange(3_600))
                steps += _life(random_, tenant, lead, at)
                people[tenant].append((at, lead))
                lead += 1
            if random_.random() < CAMPAIGNS_A_WEEK / 7:
                at = midnight + timedelta(hours=random_.choice(ODD_HOURS), seconds=random_.randrange(3_600))
                steps += _campaign(random_, tenant, at, [one for met, one in people[tenant] if met < at])
            if random_.random() < 0.1:
                steps.append(Step(midnight + timedelta(hours=10), tenant, "choose", variant=random_.random()))
    ends = BEGINS + timedelta(days=days)
    return sorted((step for step in steps if step.at < ends), key=lambda step: step.at)


def _campaign(random_: random.Random, tenant: str, at: datetime, leads: Sequence[int]) -> Iterator[Step]:
    """One promotion to everybody who is known, a second apart. Some answer it, and some have had enough."""
    for place, lead in enumerate(leads):
        goes = at + timedelta(seconds=place)
        yield Step(goes, tenant, "marketing", lead, number_of(lead))
        if random_.random() < 0.06:
            what = What.STOP if random_.random() < 0.5 else What.TEXT
            yield _says(random_, tenant, lead, goes + timedelta(minutes=random_.randrange(1, 900)), what)


def _life(random_: random.Random, tenant: str, lead: int, at: datetime) -> Iterator[Step]:
    """Somebody comes, talks, is reminded of an appointment, is followed up, and perhaps ends it."""
    person = number_of(lead)

    def step(op: str, minutes: float, variant: float | None = None) -> Step:
        chosen = random_.random() if variant is None else variant
        return Step(at + timedelta(minutes=minutes), tenant, op, lead, person, variant=chosen)

    way_in = random_.choices(list(WAYS_IN), list(WAYS_IN.values()))[0]
    yield _says(random_, tenant, lead, at, What.TEXT) if way_in == "text" else step(way_in, 0)
    minutes = 1.0
    if way_in == "twice" and random_.random() < 0.7:
        yield _says(random_, tenant, lead, at + timedelta(minutes=3), What.YES)
    for _ in range(random_.choice((0, 1, 1, 2, 3))):
        minutes += random_.choice((0.1, 0.5, 3, 30, 400))
        yield _says(random_, tenant, lead, at + timedelta(minutes=minutes), What.TEXT)
    if random_.random() < 0.12:
        yield step("staff", minutes + 20)
        yield step("give_back", minutes + 300)
    if random_.random() < 0.35:  # an appointment, with two reminders
        yield step("express", minutes + 40)
        yield step("appointment", 24 * 60 + 30, 0.0)
        yield step("appointment", 2 * 24 * 60, 0.0)
    if random_.random() < 0.5:
        for day in random_.sample(range(1, 12), 2):
            yield step("follow_up", day * 24 * 60 + random_.randrange(0, 600), 0.0)
    if random_.random() < 0.1:
        yield step("notification", random_.randrange(60, 9_000), 0.0)
    for what, chance in ((What.HELP, 0.06), (What.PARTIAL, 0.03), (What.UNCLEAR, 0.03), (What.REACTION, 0.05)):
        if random_.random() < chance:
            yield _says(random_, tenant, lead, at + timedelta(minutes=random_.randrange(5, 6_000)), what)
    if random_.random() < 0.04:
        yield step("staff_opt_out", random_.randrange(60, 20_000))
    if random_.random() < 0.04:
        yield step("outcome", 0)
    if random_.random() < 0.22:
        enough = random_.choice((2, 300, 1_500, 4_000, 9_000)) + random_.randrange(0, 300)
        yield _says(random_, tenant, lead, at + timedelta(minutes=enough), What.STOP)
        if random_.random() < 0.3:
            back = at + timedelta(minutes=enough + random_.randrange(10, 6_000))
            yield _says(random_, tenant, lead, back, What.START)
            yield _says(random_, tenant, lead, back + timedelta(minutes=2), What.TEXT)


def _says(random_: random.Random, tenant: str, lead: int, at: datetime, what: What) -> Step:
    return Step(at, tenant, what.value, lead, number_of(lead), random_.choice(WORDS[what]), random_.random())
