"""Texts that come at the same moment: one transaction for those who wait, and each as if it had come alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from consent.models import ConsentEvent, Contact
from conversations.accepting import Accepting
from conversations.inbound import InboundText
from conversations.models import Conversation, Lead, State
from smsbot.accounts import Recipient, SharedLookUps
from smsbot.errors import SmsbotError
from smsbot.events import Event
from smsbot.failpoints import ACTIVE
from smsbot.phone import address
from smsbot.work import Work
from tests.conftest import Database
from tests.world import Business, World
from webhooks.requests import SHARED, Shared
from wsgi import application

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 10.0
FIRST = "+13125550100"
PEOPLE = [f"+13125550{number}" for number in range(101, 113)]
LOST = -signal.SIGKILL


@pytest.fixture
def failpoints() -> Iterator[dict[str, tuple[str, float, float]]]:
    yield ACTIVE
    ACTIVE.clear()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"never {what}"
        time.sleep(0.003)


def accepting_of(world: World) -> Accepting:
    shared = world.app.extensions[SHARED]
    assert isinstance(shared, Shared)
    return shared.accepting


def recipient_of(world: World, business: Business | None = None) -> Recipient:
    business = business or world.home
    (found,) = SharedLookUps(world.runtime).candidates(business.account_sid, business.number, None)
    return found.recipient


def text_of(
    sid: str, sender: str, body: str = "Is 412 Maple still available?", to: str = "+13125550100"
) -> InboundText:
    return InboundText(sid, address(sender), address(to), body)


class Crowd:
    """Texts that wait while the first one is being stored, in the order in which they were sent."""

    def __init__(self, world: World, failpoints: dict[str, tuple[str, float, float]]) -> None:
        self.world, self.failpoints = world, failpoints
        self.accepting, self.recipient = accepting_of(world), recipient_of(world)
        self.answers: dict[str, str] = {}
        self.threads: list[threading.Thread] = []

    def send(self, *texts: InboundText) -> None:
        """Send them while another is being stored; returns when each has its answer: "stored" or an error's name."""
        self.failpoints["inbound.before_insert"] = ("sleep", 0.7, 1.0)
        self._start(text_of(self.world.sid(), FIRST))
        for count, text in enumerate(texts):
            until(partial(self._are_waiting, count), f"{count} texts waiting")
            self._start(text)
        until(partial(self._are_waiting, len(texts)), "all texts waiting")
        self.failpoints.clear()
        for thread in self.threads:
            thread.join(PATIENCE_S)

    def _are_waiting(self, count: int) -> bool:
        return self.accepting.waiting(self.world.home.id) == count

    def _start(self, text: InboundText) -> None:
        def accept() -> None:
            try:
                self.accepting.accept(self.recipient, text)
                self.answers[text.provider_sid] = "stored"
            except (SQLAlchemyError, SmsbotError) as error:
                self.answers[text.provider_sid] = type(error).__name__

        self.threads.append(threading.Thread(target=accept))
        self.threads[-1].start()


@pytest.fixture
def crowd(world: World, failpoints: dict[str, tuple[str, float, float]]) -> Crowd:
    return Crowd(world, failpoints)


def transactions(world: World, of: Business | None = None) -> dict[str, int]:
    """The transaction in which each person's last text was stored."""
    sent = {contact.id: contact.address for contact in world.rows(Contact, of=of)}
    events = [event for event in world.rows(Event, of=of) if event.kind == "message.received"]
    return {sent[event.contact_id]: event.xid for event in sorted(events, key=lambda event: event.at)}


def test_texts_that_wait_are_stored_in_one_transaction_and_each_is_whole(world: World, crowd: Crowd) -> None:
    crowd.send(*(text_of(world.sid(), person) for person in PEOPLE))

    xids = transactions(world)
    assert Counter(crowd.answers.values()) == {"stored": 13}
    assert len({xids[person] for person in PEOPLE}) == 1
    assert xids[FIRST] != xids[PEOPLE[0]]
    assert [len(world.rows(model)) for model in (Contact, Lead, Conversation, ConsentEvent)] == [13] * 4
    assert {message.state for message in world.outbound()} == {State.QUEUED}
    assert len(world.inbound()) == len(world.outbound()) == len(world.due()) == 13
    assert world.verified()
    world.drain()
    assert sorted(sms.to for sms in world.carrier.accepted) == sorted([FIRST, *PEOPLE])


def test_known_people_write_again_together_and_a_newer_text_voids_the_waiting_answer(
    world: World, crowd: Crowd
) -> None:
    for person in PEOPLE:
        world.text("Hello", sender=person)
    crowd.send(*(text_of(world.sid(), person, "Is it still there?") for person in PEOPLE))
    world.drain()

    assert len({transactions(world)[person] for person in PEOPLE}) == 1
    assert Counter(sms.to for sms in world.carrier.accepted) == dict.fromkeys([FIRST, *PEOPLE], 1)
    assert Counter(message.state for message in world.outbound()) == {State.CANCELED: 12, State.SENT: 13}
    assert world.verified()


def test_two_texts_of_one_person_are_stored_one_after_the_other(world: World, crowd: Crowd) -> None:
    bodies = ["Hi", "is 412 Maple still there?", "and is there parking?"]
    crowd.send(*(text_of(world.sid(), PEOPLE[0], body) for body in bodies), text_of(world.sid(), PEOPLE[1]))

    (contact,) = (contact for contact in world.rows(Contact) if contact.address == PEOPLE[0])
    theirs = [message for message in world.inbound() if message.contact_id == contact.id]
    owed = [message for message in world.outbound() if message.contact_id == contact.id]
    received = [e for e in world.rows(Event) if e.contact_id == contact.id and e.kind == "message.received"]
    assert [message.body for message in theirs] == bodies
    assert len({event.xid for event in received}) == 3
    assert [message.state for message in owed] == [State.CANCELED, State.CANCELED, State.QUEUED]
    assert contact.ledger_seq == 3
    assert world.verified()


def test_a_text_that_cannot_be_stored_fails_alone(world: World, crowd: Crowd) -> None:
    bad = text_of("SM" + "b" * 300, PEOPLE[3])
    good = [text_of(world.sid(), person) for person in PEOPLE if person != PEOPLE[3]]
    crowd.send(*good[:5], bad, *good[5:])

    assert crowd.answers.pop(bad.provider_sid) == "DataError"
    assert Counter(crowd.answers.values()) == {"stored": 12}
    assert len(world.inbound()) == len(world.rows(Contact)) == len(world.rows(Lead)) == 12


def test_a_repeat_changes_nothing_wherever_its_first_is(world: World, crowd: Crowd) -> None:
    texts = [text_of(world.sid(), person) for person in PEOPLE]
    accepting, recipient = accepting_of(world), recipient_of(world)
    accepting.accept(recipient, texts[0])
    crowd.send(*texts, *texts)

    assert set(crowd.answers.values()) == {"stored"}
    assert len(world.inbound()) == len(world.outbound()) == len(world.ledger()) == 13


def test_who_is_locked_keeps_nobody_else_waiting(
    world: World, database: Database, failpoints: dict[str, tuple[str, float, float]]
) -> None:
    accepting, recipient = accepting_of(world), recipient_of(world)
    for person in PEOPLE[:2]:
        world.text("Hello", sender=person)
    with database.connect() as connection, ThreadPoolExecutor(12) as pool:
        connection.execute("BEGIN")
        connection.execute("SELECT FROM contacts WHERE address = ANY(%s) FOR UPDATE", (PEOPLE[:2],))
        locked = [pool.submit(accepting.accept, recipient, text_of(world.sid(), person)) for person in PEOPLE[:2]]
        free = [pool.submit(accepting.accept, recipient, text_of(world.sid(), person)) for person in PEOPLE[2:]]
        stored = [future.result(3.0).repeated for future in free]
        waited = [not future.done() for future in locked]
        connection.execute("ROLLBACK")
        after = [future.result(PATIENCE_S).repeated for future in locked]

    assert (stored, waited, after) == ([False] * 10, [True, True], [False, False])
    assert len(world.inbound()) == 14


@pytest.mark.slow
def test_two_processes_that_are_given_the_same_people_in_crossed_orders_wait_for_nobody_in_a_circle(
    world: World,
) -> None:
    recipient = recipient_of(world)
    one, other = (application(world.runtime).extensions[SHARED].accepting for _ in range(2))
    rounds = 12

    def write(accepting: Accepting, people: Sequence[str]) -> list[bool]:
        with ThreadPoolExecutor(len(people)) as pool:
            return [r.repeated for r in pool.map(lambda p: accepting.accept(recipient, text_of(next(sids), p)), people)]

    with ThreadPoolExecutor(2) as pool:
        for count in range(rounds):
            people = [f"+1312555{1000 + 20 * count + place}" for place in range(12)]
            sids = iter([world.sid() for _ in range(24)])
            both = [pool.submit(write, one, people), pool.submit(write, other, people[::-1])]
            for future in both:
                assert future.result(PATIENCE_S) == [False] * 12

    assert len(world.inbound()) == 24 * rounds
    assert len(world.rows(Contact)) == len(world.rows(Conversation)) == 12 * rounds
    assert world.verified()


def test_texts_of_two_tenants_at_the_same_moment_stay_apart(world: World) -> None:
    other = world.business("Hillside Autos", "+17735550100")
    accepting = accepting_of(world)
    recipients = {business.id: recipient_of(world, business) for business in (world.home, other)}
    with ThreadPoolExecutor(24) as pool:
        both = [(business, person) for person in PEOPLE for business in (world.home, other)]
        list(pool.map(lambda one: accepting.accept(recipients[one[0].id], text_of(world.sid(), one[1])), both))

    for business in (world.home, other):
        assert sorted(contact.address for contact in world.rows(Contact, of=business)) == PEOPLE
        assert {message.tenant_id for message in world.inbound(of=business)} == {business.id}
        assert len(world.inbound(of=business)) == 12
        assert world.verified(of=business)
    assert not set(transactions(world).values()) & set(transactions(world, other).values())


def test_an_error_of_ours_in_one_text_leaves_the_others_stored(
    world: World, crowd: Crowd, failpoints: dict[str, tuple[str, float, float]]
) -> None:
    unreadable = replace(recipient_of(world), data_key="v1:none:none:none")
    texts = [text_of(world.sid(), person) for person in PEOPLE]
    failpoints["inbound.before_insert"] = ("sleep", 0.5, 1.0)
    with ThreadPoolExecutor(16) as pool:
        first = pool.submit(crowd.accepting.accept, crowd.recipient, text_of(world.sid(), FIRST))
        until(lambda: crowd.accepting.waiting(world.home.id) == 0, "one being stored")
        failing = pool.submit(crowd.accepting.accept, unreadable, texts[0])
        good = [pool.submit(crowd.accepting.accept, crowd.recipient, text) for text in texts[1:]]
        until(lambda: crowd.accepting.waiting(world.home.id) == 12, "twelve waiting")
        failpoints.clear()
        stored = [future.result(PATIENCE_S).repeated for future in (first, *good)]

    assert isinstance(failing.exception(PATIENCE_S), SmsbotError)
    assert stored == [False] * 12
    assert len(world.inbound()) == len(world.ledger()) == 12


@pytest.mark.slow
@pytest.mark.parametrize("place", ["inbound.before_insert", "inbound.before_commit"])
def test_a_process_that_is_killed_while_it_stores_many_has_stored_whatever_it_has_acknowledged_and_no_half(
    world: World, database: Database, place: str, tmp_path: Path
) -> None:
    asked = {
        "url": world.settings.database_url,
        "key": world.settings.encryption_keys[0].hex(),
        "account": world.home.account_sid,
        "number": world.home.number,
    }
    lost = 0
    acknowledged: list[str] = []
    for run in range(3):
        done = subprocess.run(
            [sys.executable, "-m", "tests.races.accepting_process"],
            input=json.dumps({**asked, "first": 1 + 200 * run}),
            env={**os.environ, "SMSBOT_FAILPOINTS": f"{place}=kill@0.02"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, LOST), done.stderr
        lost += done.returncode == LOST
        acknowledged += done.stdout.split()
    stored = {message.provider_sid for message in world.inbound()}

    assert lost > 0
    assert set(acknowledged) <= stored
    assert len(world.rows(Contact)) == len(stored) == len(world.inbound())
    assert len(world.ledger()) == len(world.outbound()) == len(world.rows(Event)) == len(stored)
    assert len([row for row in world.due() if isinstance(row, Work)]) == len(stored)
    assert world.verified()
