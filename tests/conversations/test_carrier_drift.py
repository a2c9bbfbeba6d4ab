"""Where the carrier and we differ is found, named by ids alone, and a text after an opt-out is told to the owners."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from consent.purposes import CONSENTED
from consent.state import Basis, EventKind
from conversations.carrier_drift import COMPARE, EVERY, LOOKS_BACK, Difference, DriftKind, drift_of, plan_comparison
from conversations.models import Message
from conversations.vocabulary import State
from smsbot.errors import TemporarySendFailure
from smsbot.events import Event
from smsbot.gateways.carrier import CarrierMessage
from smsbot.tenancy import Credential
from tests.conversations.sending import (
    BACKGROUND,
    STOPPED,
    WRITTEN,
    Fact,
    Person,
    alerts,
    change,
    due,
    note,
    person,
    put,
    stored,
)
from tests.world import LEAD, World

BLOCK = Fact(EventKind.CARRIER_BLOCK, STOPPED.at, "carrier", {})
AGREED = Fact(EventKind.OPT_IN, STOPPED.at, "form", {}, purposes=CONSENTED, basis=Basis.EXPRESS)


def found(world: World) -> list[Difference]:
    differences = drift_of(world.runtime, world.carrier, world.home.id, world.clock.now() - LOOKS_BACK)
    assert differences is not None
    return differences


def kinds(world: World) -> dict[str, int]:
    return Counter(difference.kind.value for difference in found(world))


def sent(world: World, who: Person | None = None) -> UUID:
    """A text of ours that arrived a while ago."""
    message_id = put(world, who or person(world, WRITTEN))
    world.drain(wait=False)
    message = stored(world, message_id)
    world.status(message, "delivered")
    world.carrier.says(message.provider_sid or "", "delivered")
    world.later(minutes=5)
    return message_id


def listed(
    world: World, direction: str, *, code: int | None = None, status: str = "delivered", ago_s: int = 200
) -> str:
    """Something that the carrier has and we do not."""
    sid, at = world.sid(), (world.clock.now() - timedelta(seconds=ago_s)).replace(microsecond=0)
    ours, lead = world.home.number, LEAD
    inbound = direction == "inbound"
    message = CarrierMessage(
        sid,
        "inbound" if inbound else "outbound",
        lead if inbound else ours,
        ours if inbound else lead,
        "Hi",
        "received" if inbound else status,
        code,
        at,
        None,
    )
    (world.carrier.received if inbound else world.carrier.listed).append(message)
    return sid


def test_where_both_say_the_same_nothing_is_found(world: World) -> None:
    sent(world)

    assert found(world) == []


def test_a_text_of_theirs_that_never_reached_us_is_found(world: World) -> None:
    who = person(world, WRITTEN)
    sid = listed(world, "inbound")

    (one,) = found(world)
    assert (one.kind, one.provider_sid, one.contact_id) == (DriftKind.INBOUND_MISSING, sid, who.contact_id)


def test_a_text_of_a_stranger_that_never_reached_us_is_found_too(world: World) -> None:
    listed(world, "inbound")

    assert [(one.kind, one.contact_id) for one in found(world)] == [(DriftKind.INBOUND_MISSING, None)]


def test_what_may_still_be_on_its_way_is_not_missing(world: World) -> None:
    listed(world, "inbound", ago_s=60)

    assert found(world) == []


@pytest.mark.parametrize(
    ("status", "code", "differs"),
    [
        ("undelivered", 30003, True),
        ("failed", 30008, True),
        ("delivered", None, False),
        ("read", None, False),
        ("sent", None, False),  # its word is older than the callback's
        ("something new", None, False),
    ],
)
def test_another_end_of_a_text_is_found(world: World, status: str, code: int | None, differs: bool) -> None:
    message_id = sent(world)
    world.carrier.says(stored(world, message_id).provider_sid or "", status, code)

    assert [(one.kind, one.message_id, one.ours, one.theirs) for one in found(world)] == (
        [(DriftKind.STATUS, message_id, "delivered", status)] if differs else []
    )


def test_an_arrival_that_we_have_not_heard_of_is_found(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    world.drain(wait=False)
    world.carrier.says(stored(world, message_id).provider_sid or "", "delivered")
    world.later(minutes=5)

    assert [(one.kind, one.ours, one.theirs) for one in found(world)] == [(DriftKind.STATUS, "sent", "delivered")]


def test_a_block_that_we_do_not_know_of_is_found(world: World) -> None:
    person(world, WRITTEN, at=world.clock.now() - timedelta(days=1))
    listed(world, "outbound", code=21610, status="failed")

    assert kinds(world) == {"block_unknown": 1}


def test_a_block_that_we_know_or_that_they_have_lifted_since_is_no_news(world: World) -> None:
    who = person(world, AGREED, BLOCK, at=world.clock.now() - timedelta(days=1))
    listed(world, "outbound", code=21610, status="failed")
    assert kinds(world) == {"blocked_but_agreed": 1}

    note(world, who, Fact(EventKind.CARRIER_UNBLOCK, STOPPED.at, "carrier", {}))
    note(world, who, AGREED)
    assert found(world) == []


def test_somebody_who_agreed_and_whom_the_carrier_blocks_is_listed(world: World) -> None:
    who = person(world, BLOCK, AGREED)

    (one,) = found(world)
    assert (one.kind, one.contact_id) == (DriftKind.BLOCKED_BUT_AGREED, who.contact_id)


def after_an_opt_out(world: World) -> None:
    """A text of ours that was handed over when they had opted out: only a defect could do that."""
    message_id = sent(world)
    note(world, known_by(world, message_id), STOPPED)
    world.later(minutes=5)
    change(world, Message, sending_at=world.clock.now(), state=State.DELIVERED)


def known_by(world: World, message_id: UUID) -> Person:
    message = stored(world, message_id)
    return Person(message.contact_id, message.conversation_id, LEAD, world.home, ())


def test_a_text_that_left_after_an_opt_out_is_found(world: World) -> None:
    after_an_opt_out(world)

    assert kinds(world) == {"sent_after_opt_out": 1}


def test_a_text_that_left_before_the_opt_out_is_none(world: World) -> None:
    message_id = sent(world)
    note(world, known_by(world, message_id), STOPPED)

    assert found(world) == []


def test_the_confirmation_of_an_opt_out_is_none(world: World) -> None:
    world.text("please stop texting me")
    world.drain()
    world.later(minutes=5)

    assert len(world.carrier.accepted) == 1
    assert [one.kind for one in found(world) if one.kind is DriftKind.SENT_AFTER_OPT_OUT] == []


def test_a_text_of_another_program_after_an_opt_out_is_found(world: World) -> None:
    person(world, WRITTEN, STOPPED, at=world.clock.now() - timedelta(hours=1))
    listed(world, "outbound")

    assert kinds(world) == {"sent_after_opt_out": 1}


@pytest.mark.parametrize(("status", "code"), [("undelivered", 30003), ("failed", 21610), ("canceled", None)])
def test_a_text_after_an_opt_out_that_did_not_arrive_is_none(world: World, status: str, code: int | None) -> None:
    person(world, WRITTEN, STOPPED, BLOCK, at=world.clock.now() - timedelta(hours=1))
    listed(world, "outbound", status=status, code=code)

    assert found(world) == []


def test_the_carriers_own_answer_to_stop_is_none(world: World) -> None:
    world.text("STOP", sid="SM" + "7" * 32)
    world.later(minutes=5)
    listed(world, "inbound", ago_s=300)
    listed(world, "outbound", ago_s=298)

    assert [one.kind for one in found(world)] == [DriftKind.INBOUND_MISSING]


def test_the_owners_are_told_once_of_every_text_after_an_opt_out(world: World) -> None:
    after_an_opt_out(world)
    plan_comparison(world.runtime, world.home.id)
    world.clock.advance(EVERY)
    world.drain(wait=False)

    assert [(kind, role) for kind, role in alerts(world) if kind == "sent_after_opt_out"] == [
        ("sent_after_opt_out", "owner")
    ]
    (event,) = [event for event in world.rows(Event) if event.kind == "carrier.compared"]
    assert event.details == {"sent_after_opt_out": 1}


def test_a_tenant_is_compared_once_a_day(world: World) -> None:
    for _ in range(3):
        plan_comparison(world.runtime, world.home.id)
    assert [row.kind for row in due(world, BACKGROUND)] == [COMPARE]

    world.clock.advance(EVERY)
    assert world.drain(wait=False) == 1
    assert [row.due_at - world.clock.now() <= EVERY for row in due(world, BACKGROUND)] == [True]
    world.clock.advance(EVERY / 2)
    assert world.drain(wait=False) == 0


def test_a_carrier_that_does_not_answer_is_asked_again_within_the_hour(world: World) -> None:
    plan_comparison(world.runtime, world.home.id)
    world.clock.advance(EVERY)
    world.carrier.sent_failures = [TemporarySendFailure("busy")]
    world.drain(wait=False)
    assert [event for event in world.rows(Event) if event.kind == "carrier.compared"] == []

    world.later(hours=1)
    world.drain(wait=False)
    assert [event.details for event in world.rows(Event) if event.kind == "carrier.compared"] == [{}]


def test_without_credentials_nothing_can_be_compared(world: World) -> None:
    change(world, Credential, state="retired")

    assert drift_of(world.runtime, world.carrier, world.home.id, world.clock.now() - LOOKS_BACK) is None


def test_one_tenants_texts_are_not_anothers(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    person(world, WRITTEN, STOPPED, business=other, at=world.clock.now() - timedelta(hours=1))
    listed(world, "outbound")

    assert found(world) == []
    assert drift_of(world.runtime, world.carrier, other.id, world.clock.now() - LOOKS_BACK) == []
