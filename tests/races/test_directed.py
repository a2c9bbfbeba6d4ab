"""STOP at the worst moments of one send, each moment held open by a failpoint or by the carrier."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest

from consent.ledger import state_of
from conversations.models import Kind, Message, State
from smsbot import work
from smsbot.bell import REPLIES
from smsbot.errors import OutcomeUnknown, TemporarySendFailure
from smsbot.failpoints import ACTIVE
from smsbot.gateways.carrier import OutgoingSms
from smsbot.settings import LEASE_S, STOP_WAIT_S
from tests.conftest import Database
from tests.world import LEAD, World
from worker import do, handlers

PATIENCE_S = 10.0


@pytest.fixture
def failpoints() -> Iterator[dict[str, tuple[str, float, float]]]:
    """The table of what happens at the named places; empty again afterwards."""
    yield ACTIVE
    ACTIVE.clear()


@dataclass
class Timed:
    """A STOP that was answered: with what, when (monotonic), after how long."""

    status: int
    at: float
    took_s: float


def stopped(world: World, sid: str) -> Timed:
    began = time.monotonic()
    form = {
        "MessageSid": sid,
        "AccountSid": world.home.account_sid,
        "From": LEAD,
        "To": world.home.number,
        "Body": "STOP",
    }
    status = world.post("/webhooks/twilio/sms", form).status_code
    return Timed(status, time.monotonic(), time.monotonic() - began)


def sending(world: World) -> threading.Thread:
    """A worker's thread that does the one thing that is due."""
    table = handlers(world.runtime, world.carrier, None)[REPLIES]

    def run() -> None:
        for claim in work.claim(world.runtime.engine, REPLIES, world.clock.now()):
            do(world.runtime, table, claim)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def replace_sid(message: Message, provider_sid: str) -> Message:
    """The message as the carrier's callback names it."""
    return Message(id=message.id, provider_sid=provider_sid)


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"never {what}"
        time.sleep(0.005)


def contact_is_locked(database: Database) -> bool:
    with database.connect() as connection:
        try:
            connection.execute("SELECT 1 FROM contacts WHERE address = %s FOR UPDATE NOWAIT", (LEAD,))
        except psycopg.errors.LockNotAvailable:
            return True
    return False


def a_claim_stands_still(database: Database) -> bool:
    """Whether a transaction has been open for a while without asking for anything: its thread is at a failpoint."""
    with database.connect() as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
            " AND state_change < clock_timestamp() - interval '50 ms'"
        ).fetchone()
    return found is not None


def asked(world: World) -> None:
    """A question whose answer is due."""
    world.text("Is 412 Maple still available?")
    world.later(seconds=world.settings.reply_wait_s)


def slow_carrier(world: World, pause_s: float) -> list[float]:
    """Has the carrier take `pause_s` for each text; the list gets the instants at which it took one."""
    instants: list[float] = []

    def pause(sms: OutgoingSms) -> None:
        time.sleep(pause_s)
        instants.append(time.monotonic())

    world.carrier.before = pause
    return instants


@pytest.mark.slow
@pytest.mark.parametrize("place", ["outbox.locked", "outbox.before_reserve_commit"])
def test_a_stop_inside_the_claim_waits_for_the_row_and_then_for_the_lease(
    world: World, database: Database, failpoints: dict[str, tuple[str, float, float]], place: str
) -> None:
    asked(world)
    taken = slow_carrier(world, 0.5)
    failpoints[place] = ("sleep", 1.0, 1.0)
    worker = sending(world)
    until(lambda: any(m.drafted_at is not None for m in world.outbound()), "drafted")
    until(lambda: contact_is_locked(database), "locked by the claim")

    stop = stopped(world, world.sid())
    worker.join()

    assert stop.status == 200
    assert len(taken) == 1
    assert taken[0] < stop.at
    assert stop.took_s > 0.55, "it cannot have waited for the claim's commit and for the carrier"
    assert [m.state for m in world.outbound()] == [State.SENT]
    assert world.inbound()[-1].awaited_lease is not None
    assert state_of(world.contact()).opted_out is not None


def test_a_stop_that_comes_while_consent_is_read_is_not_answered_before_the_text_that_still_leaves(
    world: World, database: Database, failpoints: dict[str, tuple[str, float, float]]
) -> None:
    asked(world)
    taken = slow_carrier(world, 0.1)
    failpoints["outbox.locked"] = ("sleep", 0.5, 1.0)
    worker = sending(world)
    until(lambda: a_claim_stands_still(database), "at the gate")

    stop = stopped(world, world.sid())
    worker.join()

    assert stop.status == 200
    assert [at for at in taken if at > stop.at] == []


@pytest.mark.slow
def test_a_stop_between_the_claim_of_the_work_and_the_gate_wins(
    world: World, failpoints: dict[str, tuple[str, float, float]]
) -> None:
    asked(world)
    failpoints["replies.stored"] = ("sleep", 3.0, 1.0)
    worker = sending(world)
    until(lambda: any(m.drafted_at is not None for m in world.outbound()), "drafted")

    stop = stopped(world, world.sid())
    worker.join()

    assert stop.status == 200
    assert world.inbound()[-1].awaited_lease is None, "nothing was in flight"
    assert world.carrier.accepted == []
    assert [(m.state, m.reason) for m in world.outbound()] == [(State.CANCELED, "OPTED_OUT")]
    assert world.due() == []


@pytest.mark.slow
def test_a_stop_outlasts_a_send_that_hangs(world: World) -> None:
    asked(world)
    taken = slow_carrier(world, 8.0)
    worker = sending(world)
    until(lambda: world.carrier.attempts == 1, "sent")

    stop = stopped(world, world.sid())
    worker.join()

    assert stop.status == 200
    assert taken[0] < stop.at
    assert 7.0 < stop.took_s < STOP_WAIT_S


@pytest.mark.slow
def test_a_stop_during_an_unknown_outcome_gets_503_with_the_opt_out_standing_and_200_when_the_lease_is_over(
    world: World,
) -> None:
    asked(world)
    world.carrier.outcomes = [OutcomeUnknown("no answer")]
    began = time.monotonic()
    sending(world).join()
    sid = world.sid()

    first = stopped(world, sid)
    standing = state_of(world.contact()).opted_out
    again = stopped(world, sid)

    assert first.status == 503
    assert STOP_WAIT_S <= first.took_s < STOP_WAIT_S + 3
    assert standing is not None
    assert again.status == 200
    assert again.at - began >= LEASE_S, "answered while the send could still have been under way"
    assert len([m for m in world.inbound() if m.provider_sid == sid]) == 1
    assert world.carrier.accepted == []


@pytest.mark.slow
def test_an_unknown_outcome_keeps_the_lease_until_it_is_over_and_a_repeated_stop_waits_for_the_same_one(
    world: World, database: Database
) -> None:
    asked(world)
    world.carrier.outcomes = [OutcomeUnknown("no answer")]
    sending(world).join()
    token = world.contact().lease_token
    with database.connect() as connection:
        connection.execute("UPDATE contacts SET lease_until = clock_timestamp() + interval '2 s'")

    sid = world.sid()
    first, again = stopped(world, sid), stopped(world, sid)

    assert token is not None
    assert (first.status, again.status) == (200, 200)
    assert first.took_s > 1
    assert again.took_s < 1
    assert world.inbound()[-1].awaited_lease == token


def test_a_second_stop_with_another_sid_waits_for_the_confirmation_that_is_in_flight(
    world: World, database: Database
) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE numbers SET opt_out_handling = 'ours'")
    world.text("Is 412 Maple still available?")
    first = stopped(world, world.sid())
    taken = slow_carrier(world, 0.5)
    worker = sending(world)
    until(lambda: world.carrier.attempts == 1, "sent")

    second = stopped(world, world.sid())
    worker.join()

    assert (first.status, second.status) == (200, 200)
    assert taken[0] < second.at
    assert len(world.carrier.accepted) == 1
    assert world.drain() == 0


def test_a_worker_that_slept_past_its_lease_sends_nothing(world: World, database: Database) -> None:
    asked(world)
    table = handlers(world.runtime, world.carrier, None)[REPLIES]
    (stale,) = work.claim(world.runtime.engine, REPLIES, world.clock.now(), lease_s=0.0)
    (fresh,) = work.claim(world.runtime.engine, REPLIES, world.clock.now() + timedelta(seconds=1))

    do(world.runtime, table, stale)
    do(world.runtime, table, fresh)

    assert len(world.carrier.accepted) == 1
    assert [m.state for m in world.outbound()] == [State.SENT]
    assert world.due() == []


def test_a_worker_that_slept_while_it_drafted_takes_nothing_from_the_one_that_has_the_row_now(
    world: World, failpoints: dict[str, tuple[str, float, float]]
) -> None:
    asked(world)
    table = handlers(world.runtime, world.carrier, None)[REPLIES]
    (stale,) = work.claim(world.runtime.engine, REPLIES, world.clock.now(), lease_s=0.0)
    failpoints["replies.drafted"] = ("sleep", 0.4, 1.0)
    frozen = threading.Thread(target=do, args=(world.runtime, table, stale))
    frozen.start()
    time.sleep(0.15)
    failpoints.clear()
    (fresh,) = work.claim(world.runtime.engine, REPLIES, world.clock.now() + timedelta(seconds=1))
    world.carrier.outcomes = [OutcomeUnknown("no answer")]
    do(world.runtime, table, fresh)
    frozen.join()

    assert world.carrier.attempts == 1
    assert [m.state for m in world.outbound()] == [State.SENDING]
    assert [w.ref_id for w in world.due()] == [fresh.ref_id], "the look-up of the unknown outcome is due no more"


def test_a_newer_text_voids_an_answer_that_went_back_to_the_queue(world: World) -> None:
    asked(world)
    carrier = world.carrier

    def write_again(sms: OutgoingSms) -> None:
        carrier.before = None
        world.text("And is it near the station?")

    carrier.before = write_again
    carrier.outcomes = [TemporarySendFailure("429", 20429)]
    sending(world).join()
    world.later(seconds=30)
    world.drain()

    assert len(carrier.accepted) == 1
    first, second = world.outbound()
    assert (first.state, first.reason) == (State.CANCELED, "NEWER_TEXT")
    assert second.state is State.SENT


@pytest.mark.parametrize("before", ["HELP", "START"])
def test_nothing_but_the_confirmation_leaves_after_a_stop_whatever_compliance_text_was_waiting(
    world: World, database: Database, before: str
) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE numbers SET opt_out_handling = 'ours'")
    if before == "START":
        world.text("STOP")
        world.drain()
        world.carrier.accepted.clear()
    world.text(before)
    world.text("STOP")
    world.drain()

    assert len(world.carrier.accepted) == 1
    *_, waited, confirmation = world.outbound()
    assert (waited.state, waited.reason) == (State.CANCELED, "OPTED_OUT")
    assert (confirmation.kind, confirmation.state) == (Kind.OPT_OUT_CONFIRMATION, State.SENT)


def test_an_answer_to_help_that_the_carrier_turned_away_does_not_come_back_after_a_stop(
    world: World, database: Database
) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE numbers SET opt_out_handling = 'ours'")
    world.text("HELP")
    carrier = world.carrier
    stops: list[Timed] = []

    def stop_meanwhile(sms: OutgoingSms) -> None:
        carrier.before = None
        stopping.start()
        until(lambda: state_of(world.contact()).opted_out is not None, "opted out")

    stopping = threading.Thread(target=lambda: stops.append(stopped(world, world.sid())))
    carrier.before = stop_meanwhile
    carrier.outcomes = [TemporarySendFailure("429", 20429)]
    sending(world).join()
    stopping.join()
    world.later(seconds=30)
    world.drain()

    assert [stop.status for stop in stops] == [200]
    answer, confirmation = world.outbound()
    assert (answer.kind, answer.state, answer.reason) == (Kind.HELP, State.BLOCKED, "OPTED_OUT")
    assert (confirmation.kind, confirmation.state) == (Kind.OPT_OUT_CONFIRMATION, State.SENT)
    assert len(carrier.accepted) == 1


def test_of_two_equal_texts_in_doubt_none_is_given_the_others_acceptance(world: World, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE numbers SET opt_out_handling = 'ours'")
    carrier = world.carrier

    def taken_unheard(sms: OutgoingSms) -> None:
        carrier.accept(sms)
        raise OutcomeUnknown("the line was dropped")

    carrier.outcomes = [OutcomeUnknown("500"), taken_unheard]
    world.text("HELP")
    sending(world).join()
    world.text("HELP")
    first, second = world.outbound()
    with database.connect() as connection:  # the first one's lease is over, and its look-up comes after the second try
        connection.execute("UPDATE contacts SET lease_until = clock_timestamp(), lease_token = NULL")
        connection.execute("UPDATE work SET due_at = due_at + interval '9 s' WHERE ref_id = %s", (first.id,))
    sending(world).join()
    taken = carrier.listed[0].provider_sid
    for _ in range(80):
        world.later(seconds=1)
        world.drain(wait=False)
    doubtful = {m.id: (m.state, m.provider_sid) for m in world.outbound()}
    world.status(replace_sid(second, taken), "delivered")
    told = {m.id: (m.state, m.provider_sid) for m in world.outbound()}

    assert carrier.attempts == 2
    assert doubtful == {first.id: (State.UNKNOWN, None), second.id: (State.UNKNOWN, None)}
    assert told == {first.id: (State.UNKNOWN, None), second.id: (State.DELIVERED, taken)}


def test_two_equal_texts_that_were_both_taken_are_both_found(world: World, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE numbers SET opt_out_handling = 'ours'")
    carrier = world.carrier

    def taken_unheard(sms: OutgoingSms) -> None:
        carrier.accept(sms)
        raise OutcomeUnknown("the line was dropped")

    carrier.outcomes = [taken_unheard, taken_unheard]
    world.text("HELP")
    sending(world).join()
    world.text("HELP")
    with database.connect() as connection:
        connection.execute("UPDATE contacts SET lease_until = clock_timestamp(), lease_token = NULL")
        connection.execute("UPDATE work SET due_at = due_at + interval '9 s' WHERE lease_token IS NOT NULL")
    sending(world).join()
    for _ in range(40):
        world.later(seconds=1)
        world.drain(wait=False)

    assert [(m.state, m.provider_sid) for m in world.outbound()] == [
        (State.SENT, message.provider_sid) for message in carrier.listed
    ]
