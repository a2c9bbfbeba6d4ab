"""Texts that never reached us are read from the carrier's list, and nothing leaves before that after an outage."""

from __future__ import annotations

from datetime import timedelta

import pytest

from consent.purposes import Purpose
from consent.state import EventKind
from conversations.reconciliation import EVERY, hold_for_reconciliation, plan_reconciliation
from conversations.vocabulary import State
from smsbot.errors import TemporarySendFailure
from smsbot.gateways.carrier import CarrierMessage
from smsbot.tenancy import Credential
from tests.conversations.sending import BACKGROUND, WRITTEN, change, claimed, due, number_of, person, put, run, stored
from tests.world import LEAD, World


def missed(world: World, body: str, *, ago: timedelta = timedelta(minutes=2), sid: str | None = None) -> str:
    """A text that the carrier has and we do not."""
    sid = sid or world.sid()
    at = (world.clock.now() - ago).replace(microsecond=0)
    world.carrier.received.append(
        CarrierMessage(sid, "inbound", LEAD, world.home.number, body, "received", None, at, None)
    )
    return sid


def one_pass(world: World) -> None:
    plan_reconciliation(world.runtime, world.home.id)
    world.drain(wait=False)


def test_a_missed_text_appears_within_one_pass_and_is_answered(world: World) -> None:
    sid = missed(world, "Are you open on Saturday?")
    one_pass(world)
    world.drain()

    (inbound,) = world.inbound()
    assert (inbound.provider_sid, inbound.body) == (sid, "Are you open on Saturday?")
    assert "reconciled" in inbound.flags
    assert len(world.carrier.accepted) == 1


def test_a_missed_stop_takes_effect(world: World) -> None:
    message_id = put(world, person(world, WRITTEN), due_at=world.clock.now() + timedelta(hours=1))
    missed(world, "STOP")
    one_pass(world)

    assert world.contact().consent["opted_out"] is not None
    assert (stored(world, message_id).state, stored(world, message_id).reason) == (State.CANCELED, "OPTED_OUT")
    assert world.verified()


def test_a_text_is_accepted_once_however_often_it_is_listed(world: World) -> None:
    sid = missed(world, "Hi")
    world.text("Hi", sid=sid)
    for _ in range(3):
        one_pass(world)
        world.later(minutes=11)

    assert len(world.inbound()) == 1
    assert [event.kind for event in world.ledger()] == [EventKind.INQUIRY]


def test_a_webhook_that_is_on_its_way_is_waited_for(world: World) -> None:
    missed(world, "Hi", ago=timedelta(seconds=10))
    one_pass(world)
    assert world.inbound() == []

    world.later(minutes=11)
    one_pass(world)
    assert len(world.inbound()) == 1


def test_missed_texts_come_in_the_order_they_were_written(world: World) -> None:
    missed(world, "START", ago=timedelta(minutes=1))
    missed(world, "STOP", ago=timedelta(minutes=3))
    one_pass(world)

    assert [m.body for m in world.inbound()] == ["STOP", "START"]
    assert world.contact().consent["opted_out"] is None


def test_a_sensitive_number_is_masked_on_this_way_too(world: World) -> None:
    missed(world, "my ssn is 219-09-9999")
    one_pass(world)

    assert "219-09" not in world.inbound()[0].body


def test_after_an_outage_nothing_leaves_before_a_missed_stop_has_been_found(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    lost_at = world.clock.now()
    missed(world, "STOP", ago=timedelta(seconds=5))
    hold_for_reconciliation(world.runtime, lost_at)
    world.drain(wait=False)
    world.later(seconds=10)
    world.drain(wait=False)

    assert world.carrier.bodies == []
    message = stored(world, message_id)
    assert (message.state, message.reason) == (State.CANCELED, "OPTED_OUT")


def test_after_an_outage_what_waits_leaves_once_the_list_was_read(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    hold_for_reconciliation(world.runtime, world.clock.now())
    run(world, claimed(world))
    held = stored(world, message_id)
    assert (held.state, held.reason, world.carrier.attempts) == (State.DEFERRED, "PAUSED", 0)
    world.drain(wait=False)
    world.later(seconds=6)
    world.drain(wait=False)

    assert not number_of(world).hold_until_reconciled
    assert stored(world, message_id).state is State.SENT


@pytest.mark.parametrize("purpose", [Purpose.APPOINTMENT, Purpose.COMPLIANCE])
def test_a_list_that_cannot_be_read_keeps_the_number_held(world: World, purpose: Purpose) -> None:
    put(world, person(world, WRITTEN), purpose)
    world.carrier.list_failures = [TemporarySendFailure("busy", 20429) for _ in range(3)]
    hold_for_reconciliation(world.runtime, world.clock.now())
    for _ in range(3):
        world.drain(wait=False)
        assert number_of(world).hold_until_reconciled
        world.later(seconds=16)
    assert world.carrier.attempts == 0

    world.drain(wait=False)
    assert not number_of(world).hold_until_reconciled


def test_a_pass_that_began_before_an_outage_does_not_end_its_hold(world: World) -> None:
    """Its list was read too early to hold what the outage lost."""

    def meanwhile() -> None:
        hold_for_reconciliation(world.runtime, world.clock.now())
        missed(world, "STOP", ago=timedelta(seconds=1))

    message_id = put(world, person(world, WRITTEN), due_at=world.clock.now() + timedelta(minutes=1))
    plan_reconciliation(world.runtime, world.home.id)
    world.carrier.while_listing = meanwhile
    run(world, claimed(world, BACKGROUND), BACKGROUND)
    world.carrier.while_listing = None
    assert number_of(world).hold_until_reconciled
    world.later(minutes=1)
    world.drain(wait=False)
    world.later(minutes=1)
    world.drain(wait=False)

    assert world.carrier.attempts == 0
    assert stored(world, message_id).reason == "OPTED_OUT"


def test_each_number_is_looked_at_once_per_interval(world: World) -> None:
    one_pass(world)
    plan_reconciliation(world.runtime, world.home.id)
    assert due(world, BACKGROUND) == []

    world.clock.advance(EVERY + timedelta(seconds=1))
    plan_reconciliation(world.runtime, world.home.id)
    plan_reconciliation(world.runtime, world.home.id)
    assert len(due(world, BACKGROUND)) == 1


def test_without_credentials_no_list_is_read_and_no_number_stays_held(world: World) -> None:
    change(world, Credential, state="retired")
    hold_for_reconciliation(world.runtime, world.clock.now())
    world.drain(wait=False)

    assert not number_of(world).hold_until_reconciled
    assert world.due() == []


def test_one_tenants_list_says_nothing_about_anothers_number(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    missed(world, "STOP")
    plan_reconciliation(world.runtime, other.id)
    world.drain(wait=False)

    assert world.inbound(of=other) == world.inbound() == []
