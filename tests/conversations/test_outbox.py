"""One way out: under the contact's lock, with a lease, by the owner's account, at most one call to the carrier each."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from consent.purposes import Purpose, Reason
from conversations import outbox
from conversations.vocabulary import Author, Kind, State
from smsbot.actor import SYSTEM
from smsbot.errors import LeaseLost, PermanentSendFailure
from smsbot.gateways.carrier import OutgoingSms
from smsbot.gateways.carrier_errors import failure_for
from smsbot.settings import LEASE_S, STOP_WAIT_S, assert_timeouts_fit
from smsbot.tenancy import Credential
from tests.conversations.sending import (
    INQUIRED,
    WRITTEN,
    change,
    claimed,
    due,
    end_leases,
    known,
    person,
    put,
    run,
    stored,
)
from tests.world import LEAD, World

OTHER = "+13125550172"


def test_a_text_leaves_with_our_id_and_its_own_expiry(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    world.drain()

    (sms,) = world.carrier.accepted
    assert (sms.to, sms.sender, sms.validity_period_s) == (LEAD, world.home.number, 600)
    path, _, overrides = sms.status_callback.partition("#")
    assert path.endswith(f"/webhooks/twilio/sms/status/{message_id}")
    assert overrides == "rc=5&rp=ct,rt,5xx"  # Twilio repeats a callback only when it is asked to
    message = stored(world, message_id)
    assert (message.state, message.segments, message.provider_sid) == (
        State.SENT,
        1,
        world.carrier.listed[0].provider_sid,
    )
    assert world.contact().lease_token is None


def test_each_tenant_sends_with_its_own_number_and_account(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101", service_sid="MG" + "0" * 32)
    for business in (world.home, other):
        put(world, person(world, WRITTEN, business=business))
    world.drain()

    sent = {
        (sms.sender, sms.messaging_service_sid, credentials.account_sid, credentials.auth_token)
        for sms, credentials in zip(world.carrier.accepted, world.carrier.credentials, strict=True)
    }
    assert sent == {
        (world.home.number, None, world.home.account_sid, world.home.token),
        (other.number, other.service_sid, other.account_sid, other.token),
    }


def test_nobody_elses_account_ever_pays(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    change(world, Credential, other, state="retired")
    message_id = put(world, person(world, WRITTEN, business=other))
    world.drain()

    message = stored(world, message_id, other)
    assert (message.state, message.reason, world.carrier.attempts) == (State.BLOCKED, "NO_CREDENTIALS", 0)


def test_automatic_texts_are_folded_to_gsm_7_and_an_agents_words_stay(world: World) -> None:
    who = person(world, WRITTEN)
    put(world, who, body="Manana a las 3, allá — ok?")
    put(world, who, body="Allí — ok?", author=Author.AGENT, kind=Kind.AGENT_TEXT)
    world.drain()

    assert world.carrier.bodies == ["Manana a las 3, alla - ok?", "Allí — ok?"]


def test_a_second_text_to_the_same_person_waits_for_the_first(world: World) -> None:
    """Of another kind of work, so that only the lease keeps them apart."""
    in_flight: list[int] = []

    def while_at_the_carrier(_: OutgoingSms) -> None:
        if not in_flight:
            in_flight.append(world.carrier.attempts)
            world.later(seconds=4)
            run(world, claimed(world))  # the answer is due, and finds the contact taken
            in_flight.append(world.carrier.attempts)

    world.text("Are you open on Saturday?")
    put(world, known(world), Purpose.INQUIRY, body="Welcome!", kind=Kind.FIRST_TEXT)
    world.carrier.before = while_at_the_carrier
    run(world, claimed(world))

    assert in_flight == [1, 1]
    world.later(seconds=1)
    world.drain(wait=False)
    assert len(world.carrier.accepted) == 2


def test_texts_to_two_people_do_not_wait_for_each_other(world: World) -> None:
    nested: list[str] = []

    def while_at_the_carrier(sms: OutgoingSms) -> None:
        if not nested:
            nested.append(sms.to)
            run(world, claimed(world))

    for number in (LEAD, OTHER):
        put(world, person(world, WRITTEN, number=number))
    world.carrier.before = while_at_the_carrier
    run(world, claimed(world))

    assert {sms.to for sms in world.carrier.accepted} == {LEAD, OTHER}


def test_a_call_ends_before_its_lease_and_a_stop_outwaits_it(world: World) -> None:
    assert_timeouts_fit()
    put(world, person(world, WRITTEN))
    before = time.monotonic()
    world.drain()

    (deadline,) = world.carrier.deadlines
    assert outbox.CALL_S < LEASE_S
    assert outbox.CALL_S < STOP_WAIT_S < LEASE_S
    assert deadline + outbox.CALL_S <= time.monotonic() + LEASE_S
    assert deadline >= before + LEASE_S - outbox.CALL_S - 1


@pytest.mark.parametrize("late", [None, PermanentSendFailure("no", 21211), failure_for(400, 21610)], ids=str)
def test_an_outcome_under_a_lost_lease_changes_nothing(world: World, late: Exception | None) -> None:
    """A worker that was stopped in mid-call: others have looked, sent it again and stored that outcome."""
    message_id = put(world, person(world, WRITTEN))
    stopped: list[bool] = []

    def while_it_is_stopped(_: OutgoingSms) -> None:
        if stopped:
            return
        stopped.append(True)
        for _ in range(3):
            end_leases(world)
            world.later(seconds=LEASE_S + 20)
            world.drain(wait=False)
        if late is not None:
            raise late

    world.carrier.before = while_it_is_stopped
    claim = claimed(world)
    run(world, claim)

    message = stored(world, message_id)
    assert message.state is State.SENT
    assert message.provider_sid == world.carrier.listed[0].provider_sid
    assert (message.error_code, message.reason) == (None, None)
    assert (world.contact().lease_token, world.contact().unreachable_code) == (None, None)
    assert world.due() == []


def test_a_row_that_somebody_else_holds_reserves_nothing(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    old = claimed(world)
    world.later(seconds=31)
    claimed(world)

    with pytest.raises(LeaseLost):
        run(world, old)
    assert (stored(world, message_id).state, world.carrier.attempts) == (State.QUEUED, 0)
    assert world.contact().lease_token is None


def test_a_sent_text_whose_row_comes_again_is_not_sent_again(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    with world.runtime.transaction(world.home.id) as session:
        outbox.work.put(session, outbox.SEND, message_id, due_at=world.clock.now(), now=world.clock.now())
    world.drain()

    assert (len(world.carrier.accepted), world.due()) == (1, [])


def test_what_waits_is_canceled_and_what_is_at_the_carrier_is_not(world: World) -> None:
    who = person(world, WRITTEN, INQUIRED)
    sent = put(world, who)
    world.drain()
    later = world.clock.now() + timedelta(hours=1)
    waiting = put(world, who, due_at=later)
    by_agent = put(world, who, due_at=later, author=Author.AGENT, kind=Kind.AGENT_TEXT)
    confirmation = put(world, who, Purpose.COMPLIANCE, due_at=later, kind=Kind.OPT_OUT_CONFIRMATION)
    with world.runtime.transaction(world.home.id) as session:
        outbox.cancel_waiting(session, who.contact_id, Reason.HELD, now=world.clock.now(), actor=SYSTEM, automated=True)
    after_hold = stored(world, by_agent).state
    with world.runtime.transaction(world.home.id) as session:
        outbox.cancel_waiting(session, who.contact_id, Reason.OPTED_OUT, now=world.clock.now(), actor=SYSTEM)

    assert after_hold is State.QUEUED
    assert {i: (stored(world, i).state, stored(world, i).reason) for i in (sent, waiting, by_agent, confirmation)} == {
        sent: (State.SENT, None),
        waiting: (State.CANCELED, "HELD"),
        by_agent: (State.CANCELED, "OPTED_OUT"),
        confirmation: (State.QUEUED, None),
    }
    assert [row.ref_id for row in due(world)] == [confirmation]


def test_a_text_for_later_leaves_when_it_is_due_and_not_before(world: World) -> None:
    message_id = put(world, person(world, WRITTEN), due_at=world.clock.now() + timedelta(hours=1))
    world.later(minutes=59)
    world.drain(wait=False)
    assert world.carrier.attempts == 0

    world.later(minutes=1)
    world.drain(wait=False)
    assert stored(world, message_id).state is State.SENT


def test_a_reply_that_was_refused_for_the_moment_is_void_when_a_newer_text_came(world: World) -> None:
    """Its own try fails with 429 while the next text arrives: one answer covers both."""

    def meanwhile(_: OutgoingSms) -> None:
        world.text("and on Sunday?")
        raise failure_for(429, 20429)

    world.text("Are you open on Saturday?")
    world.carrier.outcomes = [meanwhile]
    world.drain()
    world.drain()

    first, second = world.outbound()
    assert (first.state, first.reason) == (State.CANCELED, "NEWER_TEXT")
    assert (second.state, len(world.carrier.accepted)) == (State.SENT, 1)
