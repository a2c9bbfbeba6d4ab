"""What kind of line a form's number is: asked once in 90 days, in time, and never of people who have texted in."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from consent.models import Contact, DecisionRow
from consent.policy_settings import SettingName
from conversations import line_types
from conversations.models import Kind, State
from conversations.openers import LINE_TYPE, LINE_TYPE_WITHIN
from smsbot.errors import PermanentSendFailure, SendFailed, TemporarySendFailure
from smsbot.events import Event
from smsbot.gateways.carrier import LINE_TYPE_TIMEOUT_S, CarrierCredentials
from smsbot.tenancy import Credential
from tests.api.client import a_client
from tests.conversations.sending import change, claimed, due, known, put, run, stored, tasks
from tests.conversations.test_openers import ASKED, agreed, chosen
from tests.world import LEAD, World


@pytest.fixture(autouse=True)
def looked_up(world: World) -> None:
    """The tenant has its numbers looked up, and the clock stands still."""
    chosen(world, SettingName.LINE_TYPE_LOOKUP, True)
    world.clock.freeze()


def form(world: World, number: str = LEAD, **more: Any) -> None:
    a_client(world).post_lead({"number": number, "consent": ASKED, **more})


def away(code: int | None = None) -> SendFailed:
    return TemporarySendFailure("away", code)


def in_time(world: World) -> None:
    """The clock passes the time that a look-up has, and everything due is done."""
    world.drain(wait=False)
    world.clock.advance(LINE_TYPE_WITHIN)
    world.drain(wait=False)


def decisions(world: World) -> list[tuple[str, str | None, str]]:
    return [(row.outcome, row.reason, row.rule) for row in world.rows(DecisionRow)]


def test_a_landline_gets_nothing_and_the_decision_says_so(world: World) -> None:
    world.carrier.line_types[LEAD] = "landline"
    form(world)
    in_time(world)

    (message,) = world.outbound()
    assert (message.state, message.reason, world.carrier.attempts) == (State.BLOCKED, "LANDLINE", 0)
    assert decisions(world) == [("block", "LANDLINE", "contact.landline")]
    assert (world.contact().line_type, world.contact().line_type_at) == ("landline", _asked_at(world))
    assert tasks(world) == [("call_instead", "LANDLINE")]


def test_a_landline_gets_no_confirmation_of_what_they_ticked_either(world: World) -> None:
    world.carrier.line_types[LEAD] = "landline"
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "appointment")})
    in_time(world)

    assert world.carrier.attempts == 0
    assert {(m.kind, m.state, m.reason) for m in world.outbound()} >= {
        (Kind.OPT_IN_CONFIRMATION, State.BLOCKED, "LANDLINE")
    }


@pytest.mark.parametrize("kind", ["mobile", "nonFixedVoip", "fixedVoip", "a word that nobody has seen", None])
def test_every_other_line_gets_its_text_as_soon_as_the_carrier_has_said_so(world: World, kind: str | None) -> None:
    if kind:
        world.carrier.line_types[LEAD] = kind
    form(world)
    world.drain(wait=False)  # the clock stands still: nothing was waited for

    assert [(m.kind, m.state) for m in world.outbound()] == [(Kind.FIRST_TEXT, State.SENT)]
    assert world.contact().line_type == (kind[:20] if kind else None)
    assert world.contact().line_type_at == world.clock.now()


def test_what_the_carrier_said_is_an_event_without_the_number(world: World) -> None:
    world.carrier.line_types[LEAD] = "mobile"
    form(world)
    world.drain(wait=False)

    (event,) = [event for event in world.rows(Event) if event.kind == "contact.line_type"]
    assert (event.details, event.contact_id) == ({"line_type": "mobile"}, world.contact().id)


def test_a_carrier_that_does_not_answer_delays_the_text_by_its_time_and_no_more(world: World) -> None:
    """Nobody claims the question here: as with a look-up that hangs."""
    form(world)
    (question, answer) = sorted(due(world), key=lambda row: row.due_at)
    assert (question.kind, answer.kind) == (LINE_TYPE, "reply")
    assert answer.due_at - question.due_at == LINE_TYPE_WITHIN == timedelta(seconds=LINE_TYPE_TIMEOUT_S)
    claimed(world)
    world.clock.advance(LINE_TYPE_WITHIN)
    run(world, claimed(world))

    assert [m.state for m in world.outbound()] == [State.SENT]


def test_a_carrier_that_is_away_is_tried_twice_more_and_the_text_goes_without_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.carrier.line_type_failures = [away(), away(20429), away()]
    form(world)
    started = time.monotonic()
    in_time(world)

    assert time.monotonic() - started < LINE_TYPE_TIMEOUT_S
    assert world.carrier.line_types_asked == [LEAD] * 3
    assert [m.state for m in world.outbound()] == [State.SENT]
    assert (world.contact().line_type_at, due(world)) == (None, [])
    assert LEAD[-7:] not in caplog.text


def test_a_second_try_that_answers_counts(world: World) -> None:
    world.carrier.line_type_failures = [away()]
    world.carrier.line_types[LEAD] = "landline"
    form(world)
    in_time(world)

    assert decisions(world) == [("block", "LANDLINE", "contact.landline")]


@pytest.mark.parametrize(
    "failure", [PermanentSendFailure("no", 20003), TemporarySendFailure("left alone", retry_after_s=30.0)]
)
def test_a_refusal_or_a_long_wait_is_not_tried_again(world: World, failure: SendFailed) -> None:
    world.carrier.line_type_failures = [failure]
    form(world)
    in_time(world)

    assert world.carrier.line_types_asked == [LEAD]
    assert [m.state for m in world.outbound()] == [State.SENT]


class SlowCarrier:
    """Answers a look-up when its time is over, and notes how much it was given."""

    def __init__(self) -> None:
        self.given_s: list[float] = []

    def line_type(self, credentials: CarrierCredentials, number: str, *, within_s: float = 3.0) -> str | None:
        self.given_s.append(within_s)
        if len(self.given_s) == 1:
            time.sleep(0.5)
        raise TemporarySendFailure("no answer in time")


def test_all_tries_together_have_the_time_of_one(world: World) -> None:
    carrier = SlowCarrier()
    form(world)
    started = time.monotonic()
    line_types.find_out(world.runtime, carrier, claimed(world))

    assert time.monotonic() - started < LINE_TYPE_TIMEOUT_S
    assert carrier.given_s[0] == pytest.approx(3.0, abs=0.05)
    assert carrier.given_s[1] < 2.4
    assert len(carrier.given_s) == 3


def test_a_number_is_asked_about_once_in_90_days(world: World) -> None:
    form(world)
    in_time(world)
    for days in (2, 87):
        world.later(days=days)
        form(world)
        in_time(world)
    assert world.carrier.line_types_asked == [LEAD]

    world.later(days=2)
    form(world)
    in_time(world)
    assert world.carrier.line_types_asked == [LEAD] * 2


def test_two_forms_at_once_ask_once(world: World) -> None:
    form(world)
    form(world, message="And the garden?")
    in_time(world)

    assert world.carrier.line_types_asked == [LEAD]


def test_the_carriers_word_counts_for_90_days(world: World) -> None:
    world.carrier.line_types[LEAD] = "landline"
    form(world)
    in_time(world)
    chosen(world, SettingName.LINE_TYPE_LOOKUP, False)
    world.later(days=91)
    form(world)
    world.drain(wait=False)

    assert [m.state for m in world.outbound()] == [State.BLOCKED, State.SENT]


def test_people_who_texted_in_are_never_asked_about(world: World) -> None:
    world.text("Is it still there?")
    world.drain()
    world.later(days=30)
    form(world)
    world.drain(wait=False)  # the clock stands still: nothing waits for an answer that nobody asks for

    assert world.carrier.line_types_asked == []
    assert due(world) == []


def test_somebody_who_texts_meanwhile_is_not_asked_about(world: World) -> None:
    form(world)
    world.text("It's me.")
    in_time(world)

    assert world.carrier.line_types_asked == []


def test_whoever_texts_from_a_landline_is_answered(world: World) -> None:
    """Some landlines text: then the carrier's word for the line says nothing any more."""
    world.carrier.line_types[LEAD] = "landline"
    form(world)
    in_time(world)
    world.text("I do read texts. Is it still there?")
    world.drain()

    assert [m.state for m in world.outbound()] == [State.BLOCKED, State.SENT]


def test_without_the_setting_nobody_is_asked_and_nothing_waits(world: World) -> None:
    chosen(world, SettingName.LINE_TYPE_LOOKUP, False)
    form(world)
    world.drain(wait=False)

    assert world.carrier.line_types_asked == []
    assert [m.state for m in world.outbound()] == [State.SENT]


def test_an_opt_out_leaves_nothing_to_ask_for(world: World) -> None:
    form(world)
    world.text("STOP")
    in_time(world)

    assert world.carrier.line_types_asked == []


def test_without_credentials_nobody_is_asked(world: World) -> None:
    form(world)
    change(world, Credential, state="retired")
    in_time(world)

    assert world.carrier.line_types_asked == []
    assert [row for row in due(world) if row.kind == LINE_TYPE] == []


def test_no_transaction_is_open_while_the_carrier_is_asked(world: World) -> None:
    """Somebody else can lock the contact meanwhile."""

    class Looking:
        def line_type(self, credentials: CarrierCredentials, number: str, *, within_s: float = 3.0) -> str | None:
            with world.runtime.transaction(world.home.id) as session:
                found = session.query(Contact).with_for_update(nowait=True).one()
                found.language = "es"
            return "mobile"

    form(world)
    line_types.find_out(world.runtime, Looking(), claimed(world))

    assert (world.contact().language, world.contact().line_type) == ("es", "mobile")


def _asked_at(world: World) -> datetime:
    (asked,) = [event.at for event in world.rows(Event) if event.kind == "contact.line_type"]
    assert isinstance(asked, datetime)
    return asked


def test_what_waits_for_another_reason_goes_on_waiting(world: World) -> None:
    world.carrier.line_types[LEAD] = "mobile"
    world.clock.set(world.clock.now() + timedelta(hours=12))  # 22:00 in Chicago
    form(world)
    in_time(world)

    (message,) = world.outbound()
    assert (message.state, world.carrier.attempts) == (State.DEFERRED, 0)
    assert world.contact().line_type == "mobile"


def test_an_answer_hastens_only_what_was_put_with_the_question(world: World) -> None:
    world.carrier.line_types[LEAD] = "mobile"
    form(world)
    world.later(milliseconds=1)
    reminder = put(world, known(world), due_at=world.clock.now() + timedelta(hours=1))
    world.drain(wait=False)

    assert stored(world, reminder).state is State.QUEUED
    assert [row.ref_id for row in due(world)] == [reminder]
