"""The way of one text, end to end in one process."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from consent.models import Contact
from consent.purposes import Purpose
from conversations.models import Author, State
from smsbot.tenancy import Number, OptOutHandling
from tests.world import LEAD, World


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


@pytest.mark.parametrize("channel", ["rcs:", "whatsapp:"])
def test_a_stop_on_another_channel_ends_sms_as_well(world: World, channel: str) -> None:
    world.text("Hi, are you open on Saturday?")
    world.text("STOP", sender=channel + LEAD)
    world.drain()

    assert world.carrier.accepted == []
    assert world.contact().consent["opted_out"] is not None
    assert len(world.rows(Contact)) == 1


@pytest.mark.parametrize("handling", [OptOutHandling.TWILIO, OptOutHandling.OURS])
def test_start_ends_a_hold(world: World, handling: OptOutHandling) -> None:
    business = world.business("Held Homes", "+13125550123", handling=handling)
    world.text("not interested", to=business)
    world.drain()
    held = world.contact(of=business).consent["held"]
    world.text("START", to=business)
    world.drain()

    assert held is not None
    assert world.contact(of=business).consent["held"] is None


@pytest.mark.parametrize("question", ["What is the address of your office?", "where is your office?"])
def test_a_question_that_the_facts_answer_is_not_a_help_text(world: World, question: str) -> None:
    world.text(question)
    world.drain()

    (answer,) = world.outbound()
    assert answer.purpose is Purpose.REPLY


def test_who_texts_can_be_reached_again(world: World) -> None:
    world.text("hi")
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(Contact).values(unreachable_code=30005))
    world.text("are you open on Saturday?")
    world.drain()

    assert len(world.carrier.accepted) == 1


def test_an_answer_that_was_deferred_without_words_is_drafted_when_its_time_comes(world: World) -> None:
    world.mode("off")
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(Number).values(paused_until=world.clock.now() + timedelta(minutes=2)))
    world.text("are you open on Saturday?")
    world.drain()
    deferred = world.outbound()[0].state
    world.mode("auto")
    world.later(minutes=3)
    world.drain()

    assert deferred is State.DEFERRED
    assert len(world.carrier.accepted) == 1


@pytest.mark.parametrize("before", [(), ("STOP", "START"), ("HELP",), ("Hi there",)])
def test_human_hands_off_whatever_came_before_it(world: World, before: tuple[str, ...]) -> None:
    world.text("Are you open on Saturday?")
    world.drain()
    for words in before:
        world.text(words)
    world.text("HUMAN")
    world.drain()

    assert world.conversation().handoff_reason == "human_requested"
    assert world.conversation().taken_over_at is not None
