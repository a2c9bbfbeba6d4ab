"""Status callbacks: every one is kept, a message only moves forward, and only its own tenant can move it."""

from __future__ import annotations

import itertools
import random
from uuid import uuid4

import pytest

from consent.purposes import Purpose
from consent.state import EventKind
from conversations.models import Message, MessageEvent
from conversations.vocabulary import State
from smsbot.errors import OutcomeUnknown
from smsbot.events import Event
from tests.conversations.sending import INQUIRED, WRITTEN, due, known, person, put, stored, tasks
from tests.world import World

STATUSES = ("queued", "sending", "sent", "delivered", "undelivered", "read")
FINAL = {"delivered": State.DELIVERED, "undelivered": State.UNDELIVERED, "read": State.DELIVERED}
# Every place of each final report among the others, and no database for all 720 orders: those are the pure rule's.
ORDERS = random.Random(7).sample(list(itertools.permutations(STATUSES)), 12)


def sent(world: World, purpose: Purpose = Purpose.REPLY) -> Message:
    message_id = put(world, person(world, WRITTEN, INQUIRED), purpose)
    world.drain()
    return stored(world, message_id)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_delivery_never_goes_back_in_any_order(world: World, order: tuple[str, ...]) -> None:
    message = sent(world)
    seen = []
    for status in order:
        world.status(message, status)
        seen.append(stored(world, message.id).state)

    first_final = next(FINAL[status] for status in order if status in FINAL)
    at = next(place for place, status in enumerate(order) if status in FINAL)
    assert seen == [State.SENT] * at + [first_final] * (len(order) - at)


def test_every_callback_is_kept_repeats_and_nonsense_too(world: World) -> None:
    message = sent(world)
    for status in ("sent", "sent", "delivered", "sent", "receiving", "brand_new"):
        world.status(message, status)

    kept = sorted(world.rows(MessageEvent), key=lambda row: row.at)
    assert [row.status for row in kept] == ["sent", "sent", "delivered", "sent", "receiving", "brand_new"]
    assert {row.message_id for row in kept} == {message.id}
    assert stored(world, message.id).state is State.DELIVERED


def test_each_move_is_one_event(world: World) -> None:
    message = sent(world)
    for status in ("sent", "delivered", "delivered", "sent"):
        world.status(message, status)

    moves = [event.kind for event in world.rows(Event) if event.actor_kind == "carrier"]
    assert moves == ["message.delivered"]  # `sent` it was already


def test_a_callback_that_is_quicker_than_the_answer_counts(world: World) -> None:
    world.carrier.outcomes = [lambda _: world.status(world.outbound()[0], "delivered") and None]
    message_id = put(world, person(world, WRITTEN))
    world.drain()

    message = stored(world, message_id)
    assert message.state is State.DELIVERED
    assert message.provider_sid == "SM" + "9" * 32  # the callback's own
    assert (world.carrier.attempts, world.due()) == (1, [])


def test_a_late_callback_settles_an_unknown_outcome(world: World) -> None:
    world.carrier.outcomes = [OutcomeUnknown("the read timed out")]
    message_id = put(world, person(world, WRITTEN, INQUIRED), Purpose.REPLY)
    world.drain()
    world.status(stored(world, message_id), "sent")
    world.later(seconds=11)
    world.drain(wait=False)

    message = stored(world, message_id)
    assert (message.state, message.provider_sid) == (State.SENT, "SM" + "9" * 32)
    assert (world.due(), tasks(world)) == ([], [])


def test_a_report_about_another_attempt_moves_nothing(world: World) -> None:
    message = sent(world)
    other = stored(world, message.id)
    other.provider_sid = "SM" + "f" * 32
    world.status(other, "undelivered", error=30006)

    assert stored(world, message.id).state is State.SENT
    assert world.contact().unreachable_code is None
    assert [row.provider_sid for row in world.rows(MessageEvent)] == ["SM" + "f" * 32]


def test_another_tenants_message_is_no_message(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    message = sent(world)
    world.status(message, "delivered", to=other, expect=404)

    assert stored(world, message.id).state is State.SENT
    assert world.rows(MessageEvent) == world.rows(MessageEvent, of=other) == []


def test_a_message_that_nobody_has_is_refused(world: World) -> None:
    message = sent(world)
    message.id = uuid4()

    world.status(message, "delivered", expect=404)


def test_a_lead_s_own_text_cannot_be_reported_on(world: World) -> None:
    world.text("Hi")
    (inbound,) = world.inbound()

    world.status(inbound, "delivered", expect=404)
    assert inbound.state is State.RECEIVED


@pytest.mark.parametrize("status", ["failed", "undelivered"])
def test_an_opt_out_that_shows_later_stops_what_waits(world: World, status: str) -> None:
    """Through a Messaging Service 21610 comes as a callback."""
    message = sent(world, Purpose.APPOINTMENT)
    waiting = put(world, known(world), due_at=world.clock.now().replace(year=2027))
    world.status(message, status, error=21610)

    assert [event.kind for event in world.ledger()].count(EventKind.CARRIER_BLOCK) == 1
    assert (stored(world, waiting).state, stored(world, waiting).reason) == (State.CANCELED, "CARRIER_BLOCKED")
    assert due(world) == []
    assert world.verified()


def test_an_error_is_acted_on_once(world: World) -> None:
    message = sent(world)
    for status in ("undelivered", "undelivered", "failed"):
        world.status(message, status, error=30006)

    assert tasks(world) == [("call_instead", "CARRIER_30006")]
    assert len([event for event in world.rows(Event) if event.kind == "message.undelivered"]) == 1


def test_a_failure_after_delivery_changes_nothing(world: World) -> None:
    message = sent(world)
    world.status(message, "delivered")
    world.status(message, "failed", error=30008)

    after = stored(world, message.id)
    assert (after.state, after.error_code, after.reason) == (State.DELIVERED, None, None)


@pytest.mark.parametrize(
    "form",
    [
        {"MessageSid": "", "MessageStatus": "sent"},
        {"MessageSid": "SMxyz", "MessageStatus": "sent"},
        {"MessageSid": "SM" + "1" * 32, "MessageStatus": ""},
        {"MessageSid": "SM" + "1" * 32, "MessageStatus": "x" * 21},
    ],
    ids=str,
)
def test_a_malformed_report_is_refused_and_not_kept(world: World, form: dict[str, str]) -> None:
    message = sent(world)
    fields = {"AccountSid": world.home.account_sid, "From": world.home.number, "To": "+13125550171"}
    answer = world.post(f"/webhooks/twilio/sms/status/{message.id}", fields | form)

    assert answer.status_code == 400
    assert world.rows(MessageEvent) == []
