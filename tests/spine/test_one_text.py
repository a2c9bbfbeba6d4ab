"""The way of one text, end to end in one process."""

from __future__ import annotations

from consent.purposes import Purpose
from conversations.models import Author, State
from tests.world import World


def test_a_text_is_answered_once_with_brand_automation_and_stop_hint(world: World) -> None:
    world.text("Hi, are you open on Saturday?", sid=world.sid())
    world.drain()

    assert len(world.carrier.accepted) == 1
    body = world.carrier.bodies[0]
    assert body.startswith("Lakeside Realty")
    assert "automated" in body.lower()
    assert "STOP" in body
    reply = world.outbound()[0]
    assert (reply.state, reply.author, reply.purpose) == (State.SENT, Author.AI, Purpose.REPLY)
    assert reply.consent_event_id == world.ledger()[0].id
    assert world.due() == []


def test_a_repeat_of_the_same_text_changes_nothing_and_gets_200(world: World) -> None:
    world.text("Is it still there?", sid="SM" + "a" * 32)
    world.text("Is it still there?", sid="SM" + "a" * 32)
    world.drain()

    assert len(world.inbound()) == 1
    assert len(world.carrier.accepted) == 1
    assert len(world.ledger()) == 1


def test_stop_between_question_and_reply_wins(world: World) -> None:
    world.text("Is it still there?")
    world.text("STOP")
    world.drain()

    assert world.carrier.accepted == []
    (reply,) = world.outbound()
    assert (reply.state, reply.reason) == (State.CANCELED, "OPTED_OUT")


def test_one_reply_covers_a_burst_of_texts(world: World) -> None:
    world.text("Hi")
    world.later(seconds=2)
    world.text("is 412 maple still available?")
    world.drain()

    assert len(world.carrier.accepted) == 1
    first, second = world.outbound()
    assert (first.state, first.reason) == (State.CANCELED, "NEWER_TEXT")
    assert second.state is State.SENT
