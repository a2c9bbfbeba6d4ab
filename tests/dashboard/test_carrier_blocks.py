"""Whom the carrier blocks stays blocked whatever a form says, and staff read that they must text START (C-031, C-032)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from consent.ledger import state_of
from consent.models import DecisionRow
from consent.purposes import PermitKind
from consent.state import EventKind
from conversations.explaining import ground
from conversations.vocabulary import State
from smsbot.errors import SendFailed
from smsbot.gateways.carrier_errors import failure_for
from tests.api.client import a_client
from tests.conversations.sending import INQUIRED, WRITTEN, known, person, put, stored
from tests.conversations.test_openers import ASKED, agreed, double_opt_in
from tests.dashboard.staff import Browser
from tests.world import LEAD, World

MUST_TEXT = "The carrier blocks this number until they text START to you."


def refused() -> SendFailed:
    return failure_for(400, 21610)


def blocked_by_an_answer(world: World) -> str:
    """A text to somebody who agreed is refused: the thread's path."""
    world.carrier.outcomes = [refused()]
    who = person(world, WRITTEN)
    put(world, who)
    world.drain()
    return f"/c/{who.conversation_id}"


def blocked_by_a_callback(world: World) -> str:
    who = person(world, WRITTEN)
    message_id = put(world, who)
    world.drain()
    world.status(stored(world, message_id), "undelivered", error=21610)
    return f"/c/{who.conversation_id}"


def stopped_with_the_carrier(world: World) -> str:
    who = person(world, INQUIRED)
    world.text("STOP")
    world.drain()
    return f"/c/{who.conversation_id}"


@pytest.mark.parametrize("blocked", [blocked_by_an_answer, blocked_by_a_callback, stopped_with_the_carrier])
def test_the_thread_says_that_they_must_text_start(
    world: World, owner: Browser, blocked: Callable[[World], str]
) -> None:
    page = owner.page(blocked(world))

    assert MUST_TEXT in page
    assert state_of(world.contact()).carrier_blocked is not None


@pytest.mark.parametrize("blocked", [blocked_by_an_answer, blocked_by_a_callback])
@pytest.mark.parametrize("consent", [ASKED, agreed("inquiry", "appointment"), agreed("marketing")])
def test_an_opt_in_by_form_leaves_them_blocked_and_says_so(
    world: World, owner: Browser, blocked: Callable[[World], str], consent: dict[str, object]
) -> None:
    path = blocked(world)
    attempts = world.carrier.attempts
    answer = a_client(world).post_lead({"number": LEAD, "consent": consent})
    world.drain()

    assert answer.get_json()["consent"]["carrier_blocked"] is True
    assert state_of(world.contact()).carrier_blocked is not None
    assert world.carrier.attempts == attempts
    assert MUST_TEXT in owner.page(path)


def test_what_is_sent_afterwards_ends_at_the_gate_and_never_at_the_carrier(world: World) -> None:
    blocked_by_an_answer(world)
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "appointment")})
    message_id = put(world, known(world))
    world.drain()

    message = stored(world, message_id)
    (decision,) = [row for row in world.rows(DecisionRow) if row.message_id == message_id]
    assert (message.state, message.reason, world.carrier.attempts) == (State.BLOCKED, "CARRIER_BLOCKED", 1)
    assert decision.rule == "state.carrier_blocked"


def test_a_start_of_theirs_lifts_it(world: World, owner: Browser) -> None:
    path = blocked_by_an_answer(world)
    world.later(seconds=1)
    world.text("START")
    world.drain()

    assert state_of(world.contact()).carrier_blocked is None
    assert [e.kind for e in world.ledger()].count(EventKind.CARRIER_UNBLOCK) == 1
    assert MUST_TEXT not in owner.page(path)


def test_a_second_refusal_is_recorded_once(world: World) -> None:
    who = person(world, WRITTEN)
    first, second = put(world, who), put(world, who, body="Still at 3 PM?")
    world.drain()
    for message_id in (first, second):
        world.status(stored(world, message_id), "failed", error=21610)

    assert [e.kind for e in world.ledger()].count(EventKind.CARRIER_BLOCK) == 1


def test_the_thread_says_why_a_double_opt_in_was_asked(world: World, owner: Browser) -> None:
    double_opt_in(world)
    page = owner.page(f"/c/{world.conversation().id}")

    assert "they are asked once whether they meant it" in page


@pytest.mark.parametrize("kind", PermitKind)
def test_every_kind_of_permit_has_its_words(kind: PermitKind) -> None:
    assert ground("permit", kind.value)
