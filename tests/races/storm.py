"""STOP against replies in flight: a storm of both on one database, and a count of what the carrier took too late.

Runs in the suite and, as `python -m tests.races.storm`, in a copy of the tree with one line changed: the same count has
to show what that line is good for. Instants are `time.monotonic()`; the carrier takes a text at the END of its call.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from consent.ledger import Fact, append
from consent.purposes import Purpose
from consent.state import Basis, EventKind
from conversations import outbox
from conversations.inbound import contact_for, lead_for, open_conversation
from conversations.models import Author, Kind, State
from smsbot.actor import Actor, ActorKind
from smsbot.bell import REPLIES
from smsbot.database import database_engine
from smsbot.gateways.carrier import Accepted, CarrierCredentials, OutgoingSms
from smsbot.phone import address
from smsbot.tenancy import OptOutHandling
from tests.world import FakeCarrier, World
from worker import Drain, handlers

LONGEST_CALL_S = 0.5
SENDERS = 64
STOPPERS = 24
SPREAD = timedelta(milliseconds=8)  # between one reply's due time and the next one's: the order in which they leave
AT_THE_END = 20  # turns; the very last replies may be canceled and never begin
LONGEST_S = 40.0
LONGEST_CROSSING_S = 3.0  # well within the lease of one send
NEARNESS = (-15.0, 10.0)  # a STOP comes this many turns before or after the reply to its lead begins to leave


@dataclass
class SleepyCarrier(FakeCarrier):
    """Takes up to half a second for each text and has it at the end of that.

    A text in `crossing` is not let go before its person's STOP has been posted: on a machine that is slow to post STOPs
    the replies would otherwise be gone before, and the storm would be none.
    """

    chance: random.Random = field(default_factory=random.Random)
    places: dict[str, int] = field(default_factory=dict)  # whose turn is when
    crossing: dict[str, threading.Event] = field(default_factory=dict)  # number -> its STOP is on its way
    reached: int = -1  # the latest turn that has begun
    taken: list[tuple[str, str, float]] = field(default_factory=list)  # (number, body, instant)

    def send(self, credentials: CarrierCredentials, sms: OutgoingSms, *, not_after: float) -> Accepted:
        with self.lock:
            self.reached = max(self.reached, self.places[sms.to])
            pause_s = self.chance.uniform(0, LONGEST_CALL_S)
        if sms.to in self.crossing:
            self.crossing[sms.to].wait(LONGEST_CROSSING_S)
        time.sleep(pause_s)
        accepted = self.accept(sms)
        with self.lock:
            self.taken.append((sms.to, sms.body, time.monotonic()))
        return accepted


@dataclass(frozen=True)
class Figures:
    """What one storm came to. `late` and `confirmed_twice` are the violations."""

    seed: int
    leads: int
    stops: int
    replies: int  # taken by the carrier
    replies_to_stopped: int  # of them, before their person's STOP was answered
    confirmations: int
    waited: int  # STOPs that found a send in flight
    refused: int  # STOPs that were answered 503
    late: int  # taken after the 200 of their person's STOP, and no confirmation
    confirmed_twice: int
    unsettled: int
    seconds: float

    @property
    def violations(self) -> int:
        return self.late + self.confirmed_twice


def late_replies(
    taken: list[tuple[str, str, float]], stopped: dict[str, float], confirmations: frozenset[str]
) -> list[tuple[str, str]]:
    """The texts (number, body) that the carrier took after their person's STOP had its 200; confirmations are allowed."""
    return [
        (number, body)
        for number, body, at in taken
        if number in stopped and at > stopped[number] and body not in confirmations
    ]


def numbers(count: int) -> list[str]:
    """Different numbers of the range that nobody has: 555-0100 to 555-0199 of several area codes."""
    areas = (212, 213, 303, 305, 312, 404, 415, 503, 512, 602, 617, 702)
    assert count <= len(areas) * 100
    return [f"+1{areas[i // 100]}5550{100 + i % 100}" for i in range(count)]


def prepare(world: World, leads: int) -> list[str]:
    """Leads that wrote and whose reply is drafted and due, one shortly after the other. Returns their numbers."""
    runtime, home = world.runtime, world.home
    cipher = runtime.cipher(home.data_key)
    people = numbers(leads)
    now = world.clock.now()
    with runtime.transaction(home.id) as session:
        for place, number in enumerate(people):
            contact = contact_for(session, address(number))
            lead = lead_for(session, contact, source="text", now=now)
            conversation = open_conversation(session, lead, contact, home.number_id, now)
            conversation.last_inbound_at = conversation.last_message_at = now
            fact = Fact(EventKind.INQUIRY, now, "sms_text", {"address": number}, basis=Basis.CONVERSATIONAL)
            append(session, contact, cipher, fact, actor=Actor(ActorKind.LEAD, contact.id), now=now)
            outbox.put(
                session,
                conversation=conversation,
                author=Author.AI,
                purpose=Purpose.REPLY,
                kind=Kind.AI_REPLY,
                body=f"Yes, it is still there. ({number[-7:]})",
                now=now,
                due_at=now + place * SPREAD,
            )
    return people


def storm(world: World, seed: int, *, leads: int) -> Figures:
    """Send every reply while every second lead stops at a seeded moment near the turn of their reply."""
    chance = random.Random(seed)
    people = prepare(world, leads)
    places = {number: place for place, number in enumerate(people)}
    stopping = chance.sample(range(leads), leads // 2)
    moments = sorted((place + chance.uniform(*NEARNESS), place, chance.uniform(0, 0.3)) for place in stopping)
    carrier = SleepyCarrier(
        world.clock,
        chance=random.Random(f"{seed}/carrier"),
        places=places,
        crossing={people[place]: threading.Event() for turn, place, _ in moments if turn > place},
    )
    drain = Drain(world.runtime, REPLIES, handlers(world.runtime, carrier, None)[REPLIES], SENDERS)
    stopped: dict[str, float] = {}
    answers: Counter[int] = Counter()
    done = threading.Event()
    began = time.monotonic()

    def ring() -> None:
        while not done.wait(0.02):
            drain.drain()

    def stop(moment: tuple[float, int, float]) -> None:
        turn, place, pause_s = moment
        while carrier.reached < min(turn, leads - AT_THE_END) and time.monotonic() < began + LONGEST_S:
            time.sleep(0.005)
        time.sleep(pause_s)
        number = people[place]
        form = {
            "MessageSid": f"SM{seed:016x}{place:016x}",
            "AccountSid": world.home.account_sid,
            "From": number,
            "To": world.home.number,
            "Body": "STOP",
        }
        if number in carrier.crossing:
            carrier.crossing[number].set()
        for _ in range(5):
            status = world.post("/webhooks/twilio/sms", form).status_code
            answers[status] += 1
            if status == 200:
                stopped[number] = time.monotonic()
                return

    ringing = threading.Thread(target=ring)
    ringing.start()
    with ThreadPoolExecutor(STOPPERS) as stoppers:
        list(stoppers.map(stop, moments))
    give_up = time.monotonic() + 30
    while world.due() and time.monotonic() < give_up:
        time.sleep(0.05)
    done.set()
    ringing.join()
    unfinished = drain.finish()
    return _figures(world, carrier, seed, leads, stopped, answers, unfinished, time.monotonic() - began)


def _figures(
    world: World,
    carrier: SleepyCarrier,
    seed: int,
    leads: int,
    stopped: dict[str, float],
    answers: Counter[int],
    unfinished: int,
    seconds: float,
) -> Figures:
    texts = world.outbound()
    confirmations = frozenset(m.body for m in texts if m.kind is Kind.OPT_OUT_CONFIRMATION)
    replies = [(number, at) for number, body, at in carrier.taken if body not in confirmations]
    confirmed = Counter(number for number, body, _ in carrier.taken if body in confirmations)
    ended = (State.SENT, State.CANCELED, State.BLOCKED)
    return Figures(
        seed=seed,
        leads=leads,
        stops=len(stopped),
        replies=len(replies),
        replies_to_stopped=sum(1 for number, at in replies if number in stopped and at <= stopped[number]),
        confirmations=sum(confirmed.values()),
        waited=sum(1 for m in world.inbound() if m.awaited_lease is not None),
        refused=answers[503],
        late=len(late_replies(carrier.taken, stopped, confirmations)),
        confirmed_twice=sum(1 for times in confirmed.values() if times > 1),
        unsettled=unfinished + len(world.due()) + sum(1 for m in texts if m.state not in ended),
        seconds=round(seconds, 1),
    )


@contextmanager
def stormy_world(app_url: str, handling: OptOutHandling) -> Iterator[World]:
    """A world on an empty database with connections enough for a storm, and with one tenant that stops as `handling`."""
    engine = database_engine(
        app_url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=SENDERS + STOPPERS, max_overflow=0
    )
    try:
        with tempfile.TemporaryDirectory() as home:
            world = World(app_url, engine, Path(home))
            world.home = world.business("Harbor Motors", "+13125550101", handling=handling)
            yield world
    finally:
        engine.dispose()


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures of one storm as JSON; exit code 0 when it could be run, whatever it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.races.storm", description=__doc__)
    parser.add_argument("--database", required=True, help="the application's address of an empty, migrated database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leads", type=int, default=500)
    parser.add_argument("--handling", type=OptOutHandling, default=OptOutHandling.OURS)
    asked = parser.parse_args(arguments)
    with stormy_world(asked.database, asked.handling) as world:
        figures = storm(world, asked.seed, leads=asked.leads)
    print(json.dumps(asdict(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
