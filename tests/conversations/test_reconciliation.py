"""What never reached us is read from the carrier's lists: their texts, and what became of ours. Nothing leaves before
that after an outage."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from consent.ledger import Fact, state_of
from consent.models import Contact
from consent.purposes import Purpose
from consent.state import EventKind
from conversations.models import MessageEvent
from conversations.reconciliation import EVERY, hold_for_reconciliation, plan_reconciliation
from conversations.vocabulary import State
from smsbot import work
from smsbot.errors import TemporarySendFailure
from smsbot.gateways.carrier import CarrierMessage
from smsbot.tenancy import Credential
from tests.conversations.sending import (
    BACKGROUND,
    WRITTEN,
    change,
    claimed,
    due,
    known,
    number_of,
    person,
    put,
    run,
    stored,
)
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


# ---- what became of our own texts --------------------------------------------------------------------------------------


def left(world: World, *facts: Fact) -> UUID:
    """A text of ours that the carrier took; we hear nothing of it afterwards."""
    message_id = put(world, person(world, *(facts or (WRITTEN,))))
    world.drain(wait=False)
    assert stored(world, message_id).state is State.SENT
    return message_id


def told(world: World, message_id: UUID, status: str, code: int | None = None) -> None:
    """The carrier's own word about it, that no callback has brought; then comes the next pass."""
    world.carrier.says(stored(world, message_id).provider_sid or "", status, code)
    world.later(minutes=11)
    one_pass(world)


@pytest.mark.parametrize("shown", [True, False])
def test_a_block_that_no_callback_told_is_found(world: World, shown: bool) -> None:
    """In the list, and of a text that never left and is in no list by date."""
    message_id = left(world)
    waiting = put(world, known(world), due_at=world.clock.now() + timedelta(days=1))
    if not shown:
        world.carrier.unlisted.add(stored(world, message_id).provider_sid or "")
    told(world, message_id, "failed", 21610)

    message = stored(world, message_id)
    assert (message.state, message.reason, message.error_code) == (State.FAILED, "CARRIER_21610", 21610)
    assert state_of(world.contact()).carrier_blocked is not None
    assert (stored(world, waiting).state, stored(world, waiting).reason) == (State.CANCELED, "CARRIER_BLOCKED")
    assert world.verified()


def test_a_block_is_recorded_once_however_often_it_is_listed(world: World) -> None:
    told(world, left(world), "failed", 21610)
    for _ in range(2):
        world.later(minutes=11)
        one_pass(world)

    assert [event.kind for event in world.ledger()].count(EventKind.CARRIER_BLOCK) == 1
    assert len(world.rows(MessageEvent)) == 1


def test_an_arrival_that_no_callback_told_is_recorded(world: World) -> None:
    message_id = left(world)
    told(world, message_id, "delivered")

    assert stored(world, message_id).state is State.DELIVERED


def test_a_callback_that_is_on_its_way_is_waited_for(world: World) -> None:
    message_id = left(world)
    world.carrier.says(stored(world, message_id).provider_sid or "", "delivered")
    one_pass(world)

    assert stored(world, message_id).state is State.SENT


def test_what_the_list_says_never_moves_a_text_back(world: World) -> None:
    message_id = left(world)
    world.status(stored(world, message_id), "delivered")
    told(world, message_id, "sent")

    assert stored(world, message_id).state is State.DELIVERED
    assert len(world.rows(MessageEvent)) == 1


def by_others(world: World, code: int | None = 21610, *, to: str = LEAD, ago: timedelta = timedelta(minutes=2)) -> None:
    """A text from our number that we know nothing of: from the carrier's own console, or another program."""
    at = (world.clock.now() - ago).replace(microsecond=0)
    world.carrier.listed.append(
        CarrierMessage(
            world.sid(), "outbound", world.home.number, to, "Hi", "failed" if code else "delivered", code, at, None
        )
    )


def test_a_block_that_another_program_ran_into_counts_for_us_too(world: World) -> None:
    who = person(world, WRITTEN, at=world.clock.now() - timedelta(days=1))
    by_others(world)
    one_pass(world)
    message_id = put(world, who)
    world.drain(wait=False)

    assert [event.rule for event in world.ledger()][-1] == "carrier.21610"
    assert (stored(world, message_id).reason, world.carrier.attempts) == ("CARRIER_BLOCKED", 0)
    assert world.verified()


def test_a_block_from_before_they_came_back_is_no_news(world: World) -> None:
    person(world, WRITTEN, at=world.clock.now() - timedelta(minutes=1))
    by_others(world, ago=timedelta(minutes=2))
    one_pass(world)

    assert state_of(world.contact()).carrier_blocked is None


def test_what_others_sent_to_strangers_makes_no_contact(world: World) -> None:
    by_others(world, to="+13125550188")
    by_others(world, None)
    one_pass(world)

    assert world.rows(Contact) == []


def test_a_stop_that_was_missed_blocks_at_the_carrier_too_and_a_start_lifts_both(world: World) -> None:
    """As the carrier has done at once, while we heard nothing of either."""
    person(world, WRITTEN, at=world.clock.now() - timedelta(days=1))
    missed(world, "Stop.", ago=timedelta(minutes=3))
    one_pass(world)
    assert state_of(world.contact()).opted_out is not None
    world.later(minutes=11)
    missed(world, "STOP", ago=timedelta(minutes=3))
    missed(world, "START", ago=timedelta(minutes=2))
    one_pass(world)

    assert state_of(world.contact()).opted_out is None
    assert state_of(world.contact()).carrier_blocked is None


def test_an_outbound_list_that_cannot_be_read_holds_nothing_back_and_is_read_by_the_next_pass(world: World) -> None:
    """What is missed of it can only be refused by the carrier again; a STOP of theirs is in the other list."""
    missed(world, "STOP")
    world.carrier.sent_failures = [TemporarySendFailure("busy", 20429)]
    hold_for_reconciliation(world.runtime, world.clock.now())
    world.drain(wait=False)

    assert not number_of(world).hold_until_reconciled
    assert state_of(world.contact()).opted_out is not None
    assert world.carrier.sent_failures == []


def test_a_pass_that_was_given_up_is_tried_again_as_long_as_the_number_is_held(world: World) -> None:
    hold_for_reconciliation(world.runtime, world.clock.now())
    with world.runtime.transaction(None) as session:
        session.execute(update(work.Work).values(quarantined_at=world.clock.now(), attempts=work.MAX_ATTEMPTS + 1))
    world.drain(wait=False)
    assert number_of(world).hold_until_reconciled

    one_pass(world)
    assert not number_of(world).hold_until_reconciled
