"""Answers: one for a burst, paid once, checked in code, in time, and never where nothing should be said."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from consent.models import ConsentEvent
from consent.purposes import Purpose
from consent.state import EventKind
from conversations.models import Message, Trace
from conversations.vocabulary import Author, Kind, State
from smsbot.errors import ModelFailed
from smsbot.gateways.model import Failure
from smsbot.segments import segmentation
from smsbot.tenancy import Fact
from tests.conversations.sending import alerts, crash_at, due, known, put, put_fact, tasks
from tests.public.visitors import a_form, visitor
from tests.world import World

QUESTION = "What should I bring along to a visit?"  # nothing in the facts answers it
PLAIN = "Happy to help. Which area are you looking in?"
Step = str | ModelFailed | Callable[[Sequence[Mapping[str, str]]], str]


def said(text: str, action: str = "ask", **more: Any) -> str:
    """A model's answer that keeps the schema."""
    usual = {"action": action, "text": text, "language": "en", "facts_used": [], "handoff_reason": None}
    return json.dumps(usual | {"field_notes": []} | more)


@pytest.fixture
def model(world: World) -> list[Step]:
    """What the model says next."""
    world.with_model = True
    return world.model.answers


def replies(world: World) -> list[Message]:
    return [m for m in world.outbound() if m.author is Author.AI]


# ---- one answer for a burst ------------------------------------------------------------------------------------------


def test_a_text_that_arrives_while_the_model_thinks_voids_its_draft(world: World, model: list[Step]) -> None:
    def thinking(_: Sequence[Mapping[str, str]]) -> str:
        world.text("And which streets are quiet?")
        return said("An answer to the first alone.")

    model.extend([thinking, said(PLAIN)])
    world.text(QUESTION)
    world.drain()
    world.drain()

    first, second = replies(world)
    assert (first.state, first.reason, first.body) == (State.CANCELED, "NEWER_TEXT", "")
    assert second.state is State.SENT
    assert len(world.carrier.accepted) == 1
    asked = world.model.requests[1][-1]["content"]
    assert QUESTION in asked
    assert "which streets" in asked


def test_a_stop_that_arrives_while_the_model_thinks_voids_its_draft(world: World, model: list[Step]) -> None:
    def thinking(_: Sequence[Mapping[str, str]]) -> str:
        world.text("STOP")
        return said(PLAIN)

    model.append(thinking)
    world.text(QUESTION)
    world.drain()
    world.drain()

    (reply,) = replies(world)
    assert (reply.state, reply.reason, world.carrier.accepted) == (State.CANCELED, "OPTED_OUT", [])


def test_one_answer_covers_the_whole_burst(world: World, model: list[Step]) -> None:
    model.append(said(PLAIN))
    for words in ("Hi there", QUESTION, "and when?"):
        world.text(words)
        world.later(seconds=2)
    world.drain()

    assert [(m.state, m.reason) for m in replies(world)] == [
        (State.CANCELED, "NEWER_TEXT"),
        (State.CANCELED, "NEWER_TEXT"),
        (State.SENT, None),
    ]
    assert len(world.model.requests) == 1
    asked = world.model.requests[0][-1]["content"]
    assert all(words in asked for words in ("Hi there", QUESTION, "and when?"))


def test_each_text_restarts_the_wait_of_four_seconds_up_to_twenty(world: World) -> None:
    world.clock.freeze()
    waits = []
    started = world.clock.now()
    for _ in range(8):
        world.text("and")
        (row,) = due(world)
        waits.append(round((row.due_at - started).total_seconds()))
        world.clock.set(started + timedelta(seconds=3 * len(waits)))

    assert world.settings.reply_wait_s == 4
    assert waits == [4, 7, 10, 13, 16, 19, 20, 21]  # the last came after the cap: due at once


def test_after_the_answer_the_next_text_waits_anew(world: World) -> None:
    world.clock.freeze()
    world.text("Hi")
    world.drain()
    world.later(seconds=30)
    world.text("Are you open today?")

    (row,) = due(world)
    assert (row.due_at - world.clock.now()).total_seconds() == pytest.approx(4, abs=0.3)


def test_a_text_that_was_not_answered_leaves_no_wait_behind(world: World) -> None:
    """Blocked by the mode: a later burst is again collected for four seconds."""
    world.clock.freeze()
    world.mode("off")
    world.text("Hi")
    world.drain()
    world.mode("auto")
    world.later(minutes=5)
    world.text("Are you open today?")

    (row,) = due(world)
    assert (row.due_at - world.clock.now()).total_seconds() == pytest.approx(4, abs=0.3)


def test_each_text_is_answered_by_one_row_at_most(world: World) -> None:
    for words in ("Hi", "Are you open today?", "Thanks!"):
        world.text(words)
        world.drain()
        world.later(minutes=1)

    answered = [m.in_reply_to for m in replies(world)]
    assert len(answered) == len(set(answered))
    assert set(answered) <= {m.id for m in world.inbound()}


# ---- paid once, in time ----------------------------------------------------------------------------------------------


def test_a_stored_draft_is_not_paid_twice(world: World, model: list[Step], monkeypatch: pytest.MonkeyPatch) -> None:
    model.append(said(PLAIN))
    world.text(QUESTION)
    world.later(seconds=4)
    crash_at(world, monkeypatch, "replies.stored")
    assert world.carrier.attempts == 0
    world.later(seconds=31)
    world.drain()

    assert len(world.model.requests) == 1
    (reply,) = replies(world)
    assert (reply.state, len(world.carrier.accepted)) == (State.SENT, 1)


def test_a_crash_before_the_draft_was_stored_still_answers_once(
    world: World, model: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    model.extend([said(PLAIN), said(PLAIN)])
    world.text(QUESTION)
    world.later(seconds=4)
    crash_at(world, monkeypatch, "replies.drafted")
    world.later(seconds=31)
    world.drain()

    assert len(world.carrier.accepted) == 1


@pytest.mark.parametrize(
    "failure",
    [
        *(ModelFailed(kind, "no answer") for kind in Failure),
        "not JSON at all",
        "{}",
        said("", "ask"),
        said("Yes.", "dance"),
        said("Yes.", "hand_off"),
    ],
    ids=lambda failure: failure.kind if isinstance(failure, ModelFailed) else failure[:12],
)
def test_a_model_that_fails_is_replaced_by_the_answer_of_the_rules(
    world: World, model: list[Step], failure: Step
) -> None:
    model.append(failure)
    world.text(QUESTION)
    world.drain()

    (reply,) = replies(world)
    (trace,) = world.rows(Trace)
    assert (reply.state, reply.kind, trace.outcome) == (State.SENT, Kind.FALLBACK, "fallback")
    assert len(world.model.requests) == 1
    assert ("ai_failure", "ai_failure") in tasks(world)


def test_what_the_rules_can_answer_they_answer_when_the_model_is_away(world: World, model: list[Step]) -> None:
    put_fact(world, "address", "office", {"text": "12 Lake Street"})
    model.append(ModelFailed(Failure.TIMEOUT, "too slow"))
    world.text("Where is your office?")
    world.drain()

    assert "12 Lake Street" in world.carrier.bodies[0]


def test_an_invented_price_is_written_again_once_and_then_not_by_the_model(world: World, model: list[Step]) -> None:
    model.extend([said("412 Maple is $399,000."), said("412 Maple is $398,500.")])
    world.text("How much is 412 Maple?")
    world.drain()

    assert len(world.model.requests) == 2
    assert "$" not in world.carrier.bodies[0]
    (trace,) = world.rows(Trace)
    assert [bool(attempt.get("objection")) for attempt in trace.details["tries"]] == [True, True]


def test_a_rewrite_that_is_true_is_sent(world: World, model: list[Step]) -> None:
    model.extend([said("412 Maple is $399,000."), said(PLAIN)])
    world.text(QUESTION)
    world.drain()

    assert PLAIN in world.carrier.bodies[0]
    told = world.model.requests[1][-1]["content"]
    assert "refused_because" in told


def test_a_price_from_the_facts_may_be_said(world: World, model: list[Step]) -> None:
    listing = {"title": "412 Maple Street, Chicago", "status": "active", "price": 399_000}
    put_fact(world, "listing", "MLS412", listing)
    model.append(said("412 Maple Street is listed at $399,000."))
    world.text("How much is 412 Maple?")
    world.drain()

    assert "$399,000" in world.carrier.bodies[0]
    assert len(world.model.requests) == 1


def test_a_rewrite_is_not_begun_without_the_time_for_it(world: World, model: list[Step]) -> None:
    def slowly(_: Sequence[Mapping[str, str]]) -> str:
        time.sleep(0.6)
        return said("412 Maple is $399,000.")

    world.budget(2.5)
    model.append(slowly)
    world.text(QUESTION)
    world.drain()

    assert len(world.model.requests) == 1
    assert replies(world)[0].kind is Kind.FALLBACK


# ---- what an answer carries ------------------------------------------------------------------------------------------


def spoken(world: World, words: str) -> str:
    world.text(words)
    world.drain()
    return world.carrier.bodies[-1]


def test_the_first_text_names_the_brand_automation_and_stop_and_the_next_ones_do_not(world: World) -> None:
    first = spoken(world, "Hi, are you open today?")
    world.later(hours=2)
    second = spoken(world, "And where is your office?")

    assert first.startswith("Lakeside Realty")
    assert "automated" in first.lower()
    assert "STOP" in first
    assert "automated" not in second.lower()
    assert "STOP" not in second


def test_after_a_day_of_silence_it_says_who_writes_again(world: World) -> None:
    spoken(world, "Hi, are you open today?")
    world.later(hours=25)
    later = spoken(world, "And where is your office?")

    assert later.startswith("Lakeside Realty")
    assert "automated" in later.lower()
    assert "STOP" not in later


def test_stop_is_mentioned_again_after_thirty_days(world: World) -> None:
    put_fact(world, "address", "office", {"text": "12 Lake Street"})
    spoken(world, "Hi, where is your office?")
    hints = []
    for _ in range(4):
        world.later(days=10, minutes=1)
        hints.append("STOP" in spoken(world, "And where is your office?"))

    assert hints == [False, False, True, False]


def test_what_never_reached_the_carrier_has_disclosed_nothing(world: World, model: list[Step]) -> None:
    world.mode("draft")
    model.extend([said(PLAIN), said(PLAIN)])
    world.text(QUESTION)
    world.drain()
    world.mode("auto")
    world.text("Hello?")
    world.drain()

    assert "automated" in world.carrier.bodies[0].lower()


@pytest.mark.parametrize(
    "words",
    [
        PLAIN,
        "Happy to help you with that whenever it suits you. " * 7,
        "Con gusto — “¿qué zona busca?” " + "ññ éé " * 30,
        "We can talk about what matters to you 🙂 and take it from there, step by step, at your pace. " * 3,
    ],
    ids=["short", "long", "accents", "emoji"],
)
def test_an_answer_fits_two_segments_of_gsm_7_whatever_the_model_writes(
    world: World, model: list[Step], words: str
) -> None:
    model.extend([said(words), said(words)])
    world.text(QUESTION)
    world.drain()

    (sms,) = world.carrier.accepted
    counted = segmentation(sms.body)
    assert (counted.encoding, counted.segments <= 2) == ("GSM-7", True)
    assert "STOP" in sms.body


def test_an_answer_names_the_text_it_answers_and_the_consent_it_rests_on(world: World) -> None:
    spoken(world, "Hi")
    (reply,) = replies(world)
    (event,) = [row for row in world.rows(ConsentEvent) if row.kind is EventKind.INQUIRY]

    assert reply.in_reply_to == world.inbound()[0].id == event.message_id
    assert reply.consent_event_id == event.id


# ---- where a model has no say ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    ["STOP", "Stop.", "UNSUBSCRIBE", "please stop texting me", "HELP", "START", "baja", "lose my number", "REVOKE"],
)
def test_words_about_consent_never_reach_a_model(world: World, model: list[Step], words: str) -> None:
    world.text(words)
    world.drain()

    assert world.model.requests == []


@pytest.mark.parametrize("number", ["219-09-9999", "219 09 9999", "4111 1111 1111 1111"])
def test_a_sensitive_number_is_masked_before_anybody_sees_it_and_answered_by_rule(
    world: World, model: list[Step], number: str
) -> None:
    world.text(f"my number is {number} ok?")
    world.drain()

    (inbound,) = world.inbound()
    (reply,) = replies(world)
    assert number not in inbound.body
    assert set(inbound.flags) & {"ssn", "card"}
    assert (reply.kind, world.model.requests) == (Kind.GUARD_ANSWER, [])


def test_a_reminder_in_between_does_not_hide_the_sensitive_number(world: World, model: list[Step]) -> None:
    world.text("my social is 219-09-9999")
    put(world, known(world), Purpose.INQUIRY)
    world.drain()

    (reply,) = replies(world)
    assert (reply.kind, world.model.requests) == (Kind.GUARD_ANSWER, [])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Liked “See you tomorrow”", "REACTION"),
        ("Loved an image", "REACTION"),
        ("I'm driving right now and will reply later", "AUTO_REPLY"),
        ("Your verification code is 493021", "OTP"),
    ],
)
def test_machines_get_no_answer_and_a_reason(world: World, model: list[Step], words: str, reason: str) -> None:
    world.text(words)
    world.drain()

    (inbound,) = world.inbound()
    assert (inbound.reason, world.outbound(), world.model.requests) == (reason, [], [])


def test_a_model_that_wants_to_say_nothing_is_recorded(world: World, model: list[Step]) -> None:
    model.append(said("", "stay_silent"))
    world.text("ok cool")
    world.drain()

    (reply,) = replies(world)
    assert (reply.state, reply.body, world.carrier.accepted, world.due()) == (State.BLOCKED, "", [], [])
    assert reply.reason is not None


@pytest.mark.parametrize(("mode", "reason", "paid"), [("off", "MODE_OFF", 0), ("draft", "DRAFT_ONLY", 1)])
def test_a_mode_that_sends_nothing_keeps_the_draft_or_makes_none(
    world: World, model: list[Step], mode: str, reason: str, paid: int
) -> None:
    world.mode(mode)
    model.append(said(PLAIN))
    world.text(QUESTION)
    world.drain()

    (reply,) = replies(world)
    assert (reply.state, reply.reason, len(world.model.requests)) == (State.BLOCKED, reason, paid)
    assert (PLAIN in reply.body) == (mode == "draft")
    assert world.carrier.accepted == []


# ---- words that may be an opt-out ------------------------------------------------------------------------------------

UNCLEAR = "stop the presses"
LABEL = '{"label": "%s"}'


def test_while_it_is_unclear_nothing_automatic_leaves(world: World, model: list[Step]) -> None:
    world.text("Are you open today?")
    world.text(UNCLEAR)

    assert world.contact().consent["held"] is not None
    first, second = replies(world)
    assert (first.state, first.reason) == (State.CANCELED, "HELD")
    assert second.state is State.QUEUED
    assert due(world)[0].due_at <= world.clock.now()  # settled at once, not after the wait


def test_a_hold_that_meant_stop_becomes_an_opt_out_with_its_confirmation(world: World, model: list[Step]) -> None:
    model.append(LABEL % "opt_out")
    world.text(UNCLEAR)
    world.drain()
    world.drain()

    kinds = [event.kind for event in world.ledger()]
    assert kinds == [EventKind.HOLD, EventKind.OPT_OUT]
    (sms,) = world.carrier.accepted
    (confirmation,) = [m for m in world.outbound() if m.state is State.SENT]
    assert (confirmation.kind, confirmation.body) == (Kind.OPT_OUT_CONFIRMATION, sms.body)
    assert [(m.state, m.reason) for m in replies(world)] == [(State.CANCELED, "OPTED_OUT")]
    assert world.ledger()[1].actor_kind == "system"
    assert world.verified()


def test_a_hold_that_meant_nothing_of_the_kind_is_resumed_and_answered(world: World, model: list[Step]) -> None:
    model.extend([LABEL % "not_opt_out", said(PLAIN)])
    world.text(UNCLEAR)
    world.drain()

    assert [event.kind for event in world.ledger()] == [EventKind.HOLD, EventKind.RESUME, EventKind.INQUIRY]
    (reply,) = replies(world)
    assert (reply.state, world.contact().consent["held"]) == (State.SENT, None)
    assert tasks(world) == []


def test_a_hold_by_words_in_a_form_is_no_models_to_lift(world: World, model: list[Step]) -> None:
    visitor(world, a_form(world)).send(message=UNCLEAR)
    model.extend([LABEL % "not_opt_out", said(PLAIN)])
    world.text(UNCLEAR)
    world.drain()

    assert EventKind.RESUME not in [event.kind for event in world.ledger()]
    assert world.contact().consent["held"] is not None
    assert world.carrier.bodies == []


@pytest.mark.parametrize(
    "answer",
    [
        LABEL % "unsure",
        LABEL % "maybe",
        "no JSON",
        "[]",
        ModelFailed(Failure.TIMEOUT, "too slow"),
        ModelFailed(Failure.UNAVAILABLE, "away"),
    ],
    ids=lambda answer: answer.kind if isinstance(answer, ModelFailed) else answer,
)
def test_a_hold_that_nobody_can_settle_stays_for_a_person(world: World, model: list[Step], answer: Step) -> None:
    model.append(answer)
    world.text(UNCLEAR)
    world.drain()

    (reply,) = replies(world)
    assert (reply.state, reply.reason) == (State.BLOCKED, "HELD")
    assert world.contact().consent["held"] is not None
    assert [kind for kind, _ in tasks(world)] == ["settle_hold"]
    assert alerts(world) == [("held", "agent")]
    assert world.carrier.accepted == []


def test_without_a_model_a_hold_is_for_a_person(world: World) -> None:
    world.text(UNCLEAR)
    world.drain()

    assert [kind for kind, _ in tasks(world)] == ["settle_hold"]
    assert replies(world)[0].reason == "HELD"


def test_a_second_unclear_text_is_settled_together_with_the_first(world: World, model: list[Step]) -> None:
    """It voids the first one's row; the hold must not be left to nobody."""
    model.append(LABEL % "unsure")
    world.text(UNCLEAR)
    world.text("not interested")
    world.drain()

    (asked,) = world.model.requests
    assert UNCLEAR in asked[-1]["content"]
    assert "not interested" in asked[-1]["content"]
    assert [(m.state, m.reason) for m in replies(world)] == [(State.CANCELED, "HELD"), (State.BLOCKED, "HELD")]
    assert [kind for kind, _ in tasks(world)] == ["settle_hold"]


def test_a_crash_after_a_hold_was_settled_asks_nobody_again(
    world: World, model: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    model.extend([LABEL % "not_opt_out", said(PLAIN), said(PLAIN)])
    world.text(UNCLEAR)
    crash_at(world, monkeypatch, "replies.drafted")
    world.later(seconds=31)
    world.drain()

    assert [event.kind for event in world.ledger()].count(EventKind.RESUME) == 1
    assert len(world.carrier.accepted) == 1
    labels = [r for r in world.model.requests if "label" in r[0]["content"]]
    assert len(labels) == 1


def test_facts_are_the_tenants_own(world: World, model: list[Step]) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    put_fact(world, "address", "office", {"text": "99 Harbor Way"}, other)
    model.append(said(PLAIN))
    world.text(QUESTION)
    world.drain()

    assert world.rows(Fact) == []
    assert "99 Harbor Way" not in json.dumps(world.model.requests)
