"""What follows from an inbound text, before any model: consent first, machines next, and at most one answer."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.purposes import CONSENTED, Purpose, Reason
from consent.state import NOTHING, Basis, ConsentState, EventKind, LedgerEntry, fold
from consent.words import CarrierWord, Judgement, MachineText, Scope, Verdict, WordContext
from conversations.intake import Course, Step, course_of, word_context
from conversations.models import Conversation, Episode, Lead
from conversations.vocabulary import Kind, State
from smsbot.events import Event
from smsbot.tenancy import OptOutHandling
from tests.conversations.sending import due, tasks
from tests.world import World

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def state(*kinds: EventKind) -> ConsentState:
    return fold(LedgerEntry(UUID(int=n), kind, NOW, CONSENTED, Basis.EXPRESS) for n, kind in enumerate(kinds, 1))


KNOWN = state(EventKind.INQUIRY)
OUT = state(EventKind.INQUIRY, EventKind.OPT_OUT)
HELD = state(EventKind.INQUIRY, EventKind.HOLD)
PENDING = state(EventKind.OPT_IN_PENDING)
STATES = (NOTHING, KNOWN, OUT, HELD, PENDING)


def judged(verdict: Verdict, *tags: str, scope: Scope | None = None) -> Judgement:
    return Judgement(verdict, scope, "rule", "v", None, None, frozenset(tags))


def course(
    body: str = "Is it still there?",
    *,
    consent: ConsentState = KNOWN,
    judgement: Judgement | None = None,
    carrier_word: CarrierWord | None = None,
    machine: MachineText | None = None,
    wants_person: bool = False,
    textable: bool = True,
) -> Course:
    return course_of(
        body,
        state=consent,
        judgement=judgement or judged(Verdict.NONE),
        carrier_word=carrier_word,
        machine=machine,
        wants_person=wants_person,
        textable=textable,
    )


def test_a_question_is_answered() -> None:
    assert course() == Course(Step.REPLY)


@pytest.mark.parametrize("consent", STATES, ids=["unknown", "known", "out", "held", "pending"])
def test_a_stop_that_the_carrier_acted_on_opts_out_without_a_word_from_us(consent: ConsentState) -> None:
    found = course("STOP", consent=consent, judgement=judged(Verdict.OPT_OUT), carrier_word=CarrierWord.STOP)

    assert (found.step, found.answer, found.by_carrier) == (Step.OPT_OUT, False, True)
    assert found.reason is Reason.CARRIER_ANSWERS


@pytest.mark.parametrize(("consent", "confirms"), [(KNOWN, True), (NOTHING, True), (HELD, True), (OUT, False)])
def test_our_own_stop_is_confirmed_once(consent: ConsentState, confirms: bool) -> None:
    found = course("please stop", consent=consent, judgement=judged(Verdict.OPT_OUT, scope=Scope.ALL))

    assert (found.step, found.answer) == (Step.OPT_OUT, confirms)


def test_no_more_listings_ends_marketing_alone_and_is_answered() -> None:
    found = course(judgement=judged(Verdict.OPT_OUT, "partial:marketing", scope=Scope.PARTIAL))

    assert (found.step, found.purposes) == (Step.OPT_OUT_PARTIAL, (Purpose.MARKETING,))


@pytest.mark.parametrize("carrier_word", [None, CarrierWord.STOP])
def test_a_bare_cancel_may_have_meant_an_appointment(carrier_word: CarrierWord | None) -> None:
    found = course("CANCEL", judgement=judged(Verdict.OPT_OUT, "bare_cancel"), carrier_word=carrier_word)

    assert (found.step, found.for_staff) == (Step.OPT_OUT, "check_appointment")


@pytest.mark.parametrize(
    ("consent", "verdict", "step"),
    [
        (OUT, Verdict.OPT_IN, Step.START),
        (PENDING, Verdict.OPT_IN, Step.OPT_IN),
        (KNOWN, Verdict.OPT_IN, Step.REPLY),
        (KNOWN, Verdict.HELP, Step.HELP),
        (OUT, Verdict.HELP, Step.HELP),
        (KNOWN, Verdict.AMBIGUOUS, Step.HOLD),
        (HELD, Verdict.AMBIGUOUS, Step.HOLD),
        (OUT, Verdict.AMBIGUOUS, Step.SILENT),
        (OUT, Verdict.NONE, Step.SILENT),
    ],
)
def test_what_was_judged_decides_the_course(consent: ConsentState, verdict: Verdict, step: Step) -> None:
    assert course(consent=consent, judgement=judged(verdict)).step is step


def test_somebody_who_is_out_and_writes_on_is_left_to_a_person() -> None:
    found = course(consent=OUT)

    assert (found.step, found.reason, found.for_staff) == (Step.SILENT, Reason.OPTED_OUT, "opted_out_wrote")


def test_help_from_somebody_who_wants_a_person_gets_the_person() -> None:
    assert course(judgement=judged(Verdict.HELP), wants_person=True).step is Step.REPLY


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ok", Course(Step.HOLD, reason=Reason.HELD)),
        ("I mean it this time", Course(Step.HOLD, reason=Reason.HELD)),
        ("when?", Course(Step.HOLD, reason=Reason.HELD)),
        ("START", Course(Step.REPLY, resumes=True)),
    ],
)
def test_while_everything_is_held_what_no_rule_knows_takes_a_second_look(body: str, expected: Course) -> None:
    assert course(body, consent=HELD) == expected


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (MachineText.REACTION, Reason.REACTION),
        (MachineText.AUTO_REPLY, Reason.AUTO_REPLY),
        (MachineText.OTP, Reason.OTP),
    ],
)
def test_machines_are_not_answered(machine: MachineText, reason: Reason) -> None:
    assert course(machine=machine) == Course(Step.SILENT, reason=reason)


def test_an_address_that_no_text_reaches_is_left_to_a_person() -> None:
    found = course(textable=False)

    assert (found.step, found.reason, found.for_staff) == (Step.SILENT, Reason.INVALID_NUMBER, "unanswerable")


def test_a_yes_to_nobody_s_question_undoes_no_opt_out() -> None:
    """The carrier lifts its own block on YES; our ledger decides."""
    found = course("YES", consent=OUT, judgement=judged(Verdict.NONE), carrier_word=CarrierWord.START)

    assert (found.step, found.by_carrier, found.for_staff) == (Step.SILENT, True, "opted_out_wrote")


@given(
    st.sampled_from(STATES),
    st.sampled_from(Verdict),
    st.none() | st.sampled_from(CarrierWord),
    st.none() | st.sampled_from(MachineText),
    st.booleans(),
    st.sampled_from(["yes", "STOP", "Is it there?", ""]),
)
def test_where_the_carrier_answers_we_do_not_and_silence_has_a_reason(
    consent: ConsentState,
    verdict: Verdict,
    carrier_word: CarrierWord | None,
    machine: MachineText | None,
    textable: bool,
    body: str,
) -> None:
    found = course(
        body,
        consent=consent,
        judgement=judged(verdict),
        carrier_word=carrier_word,
        machine=machine,
        textable=textable,
    )

    assert not (found.by_carrier and found.answer)
    answered = found.answer or found.step in (Step.REPLY, Step.OPT_OUT_PARTIAL)
    assert answered or found.reason is not None
    if not textable:
        assert found.step is not Step.REPLY


@pytest.mark.parametrize(
    ("consent", "context"),
    [(NOTHING, WordContext.ACTIVE), (PENDING, WordContext.PENDING_OPT_IN), (OUT, WordContext.OPTED_OUT)],
)
def test_yes_is_read_by_where_the_person_stands(consent: ConsentState, context: WordContext) -> None:
    assert word_context(consent) is context


# ---- the transaction -------------------------------------------------------------------------------------------------


def test_a_text_leaves_one_lead_one_conversation_one_episode_and_one_event(world: World) -> None:
    for words in ("Hi", "Is it still there?"):
        world.text(words)

    assert [len(world.rows(table)) for table in (Lead, Conversation, Episode)] == [1, 1, 1]
    received = [event for event in world.rows(Event) if event.kind == "message.received"]
    assert {event.message_id for event in received} == {m.id for m in world.inbound()}
    assert all(event.actor_kind == "lead" for event in received)


def test_a_repeat_changes_nothing_whatever_it_says(world: World) -> None:
    sid = world.sid()
    world.text("Hi", sid=sid)
    before = [len(world.ledger()), len(world.rows(Event)), len(world.due()), len(world.messages())]
    for words in ("Hi", "STOP"):
        world.text(words, sid=sid)

    assert [len(world.ledger()), len(world.rows(Event)), len(world.due()), len(world.messages())] == before
    assert world.contact().consent["opted_out"] is None


def test_a_second_stop_is_recorded_and_not_confirmed_again(world: World) -> None:
    for _ in range(2):
        world.text("please stop texting me")
        world.drain()

    assert [event.kind for event in world.ledger()] == [EventKind.OPT_OUT, EventKind.OPT_OUT]
    assert len(world.carrier.accepted) == 1
    assert world.inbound()[1].reason == "OPTED_OUT"


@pytest.mark.parametrize(
    ("handling", "confirmations"),
    [(OptOutHandling.TWILIO, 0), (OptOutHandling.ADVANCED, 0), (OptOutHandling.OURS, 1)],
)
def test_stop_is_confirmed_by_whoever_answers_it(world: World, handling: OptOutHandling, confirmations: int) -> None:
    business = world.business("Harbor Motors", "+13125550101", handling=handling)
    world.text("STOP", to=business)
    world.drain()

    assert world.contact(of=business).consent["opted_out"] is not None
    assert len(world.carrier.accepted) == confirmations
    (inbound,) = world.inbound(of=business)
    assert inbound.reason == (None if confirmations else "CARRIER_ANSWERS")


def test_every_text_of_a_person_who_is_out_reaches_a_person_of_ours(world: World) -> None:
    world.text("STOP")
    world.text("Is it still there?")
    world.drain()

    assert [kind for kind, _ in tasks(world)] == ["opted_out_wrote"]
    assert world.carrier.accepted == []


def test_help_is_answered_without_ending_anything(world: World) -> None:
    business = world.business("Harbor Motors", "+13125550101", handling=OptOutHandling.OURS)
    world.text("Is it still there?", to=business)
    world.text("HELP", to=business)
    world.drain()

    assert {m.kind: m.state for m in world.outbound(of=business)} == {
        Kind.HELP: State.SENT,
        Kind.AI_REPLY: State.SENT,
    }


def test_a_stop_drops_what_was_due_for_them_and_for_nobody_else(world: World) -> None:
    for number in ("+13125550171", "+13125550172"):
        world.text("Is it still there?", sender=number)
    world.text("STOP", sender="+13125550171")

    (row,) = due(world)
    assert row.contact_id == world.contact("+13125550172").id


def test_the_same_person_at_two_tenants_is_two_people(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    world.text("Hi")
    world.text("STOP", to=other)
    world.drain()

    assert len(world.carrier.accepted) == 1
    assert [m.state for m in itertools.chain(world.outbound(), world.outbound(of=other))] == [State.SENT]
