"""Somebody who asked by a form: what they agreed to is confirmed, what they asked is answered, when policy allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from consent.ledger import state_of
from consent.models import Contact, DecisionRow
from consent.policy_settings import SettingName, choose, current_settings
from consent.purposes import Purpose
from consent.state import Basis, EventKind, PurposeState
from conversations import leads, outbox
from conversations.models import Author, Conversation, Direction, Kind, Message, State
from smsbot import work
from smsbot.actor import SYSTEM, Actor, ActorKind
from smsbot.errors import InvalidInput, PermanentSendFailure
from smsbot.tenancy import OptOutHandling
from tests.api.client import a_client
from tests.world import LEAD, World

NIGHT = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)  # Friday 22:30 in Chicago
OPENS = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)  # Saturday 08:00 there
WORDS = (
    "By ticking this box I agree to recurring automated texts from Lakeside Realty. Not a condition of purchase. Msg & data"
    " rates may apply. HELP for help, STOP to end."
)
ASKED = {"basis": "inquiry"}
API = Actor(ActorKind.API_KEY)


def agreed(*purposes: str, basis: str = "express_written") -> dict[str, Any]:
    evidence = {
        "at": "2026-11-20T15:59:00Z",
        "disclosure": WORDS,
        "disclosure_version": "1",
        "page_url": "https://lakeside.example/contact",
        "checkbox_default": False,
        "checkbox_value": True,
    }
    return {"basis": basis, "purposes": list(purposes), "evidence": evidence}


def sent(world: World) -> list[tuple[Kind | None, State]]:
    return [(message.kind, message.state) for message in world.outbound()]


def a_text(world: World, purpose: Purpose, *, at: datetime | None = None) -> Message:
    """One automated text of this purpose to the lead, put into the outbox and drained."""
    now = at or world.clock.now()
    with world.runtime.transaction(world.home.id) as session:
        message_id = outbox.put(
            session,
            conversation=session.query(Conversation).one(),
            author=Author.SYSTEM,
            purpose=purpose,
            kind=Kind.REMINDER,
            body="Lakeside Realty: new homes near you. STOP to end.",
            now=now,
        )
    world.drain(wait=False)
    with world.runtime.transaction(world.home.id) as session:
        return session.get_one(Message, message_id)


def chosen(
    world: World, name: SettingName, value: Any, *, subject: str = "", effective_from: datetime | None = None
) -> None:
    with world.runtime.transaction(world.home.id) as session:
        choose(
            session, name, value, subject=subject, effective_from=effective_from,
            actor=SYSTEM, cause="test", now=world.clock.now(),
        )  # fmt: skip


def test_the_first_text_says_who_writes_that_it_is_automated_and_how_to_end_it(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": ASKED})
    world.drain(wait=False)

    (first,) = world.outbound()
    assert (first.kind, first.purpose, first.author, first.state) == (
        Kind.FIRST_TEXT,
        Purpose.INQUIRY,
        Author.AI,
        State.SENT,
    )
    assert first.body.startswith("Lakeside Realty: Automated AI assistant")
    assert first.body.endswith("Reply STOP to end.")
    assert first.consent_event_id == next(event.id for event in world.ledger() if event.kind is EventKind.INQUIRY)


def test_the_first_text_answers_what_they_asked_in_the_form(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "message": "Are you a bot?", "consent": ASKED})
    world.drain(wait=False)

    assert "automated AI assistant" in world.carrier.bodies[0]
    assert "thanks for your inquiry" not in world.carrier.bodies[0]


def test_a_form_at_night_is_answered_in_the_morning(world: World) -> None:
    world.clock.set(NIGHT)
    a_client(world).post_lead({"number": LEAD, "consent": ASKED})
    world.drain(wait=False)

    (waiting,) = world.outbound()
    assert (waiting.state, waiting.reason, world.carrier.attempts) == (State.DEFERRED, "QUIET_HOURS", 0)
    assert waiting.not_before is not None
    assert OPENS <= waiting.not_before < OPENS + timedelta(minutes=10)
    world.clock.set(waiting.not_before)
    world.drain(wait=False)
    assert sent(world) == [(Kind.FIRST_TEXT, State.SENT)]


def test_a_form_at_night_is_answered_at_once_where_its_words_said_so_and_the_tenant_chose_it(world: World) -> None:
    world.clock.set(NIGHT)
    claim = {"basis": "inquiry", "evidence": {"disclosure": WORDS + " We may reply at any hour."}}
    chosen(world, SettingName.INSTANT_NIGHT_REPLY, True)
    a_client(world).post_lead({"number": LEAD, "consent": claim})
    world.drain(wait=False)

    assert sent(world) == [(Kind.FIRST_TEXT, State.SENT)]


@pytest.mark.parametrize("setting", [True, False])
def test_a_form_at_night_waits_when_words_and_choice_do_not_both_say_otherwise(world: World, setting: bool) -> None:
    world.clock.set(NIGHT)
    words = WORDS if setting else WORDS + " We may reply at any hour."
    chosen(world, SettingName.INSTANT_NIGHT_REPLY, setting)
    a_client(world).post_lead({"number": LEAD, "consent": {"basis": "inquiry", "evidence": {"disclosure": words}}})
    world.drain(wait=False)

    assert world.carrier.attempts == 0


def test_the_same_form_again_is_no_second_text(world: World) -> None:
    client = a_client(world)
    for _ in range(3):
        client.post_lead({"number": LEAD, "message": "still there?", "consent": ASKED})
        world.clock.advance(timedelta(seconds=1))
        world.drain(wait=False)

    assert sent(world) == [(Kind.FIRST_TEXT, State.SENT)]


def test_who_texts_in_before_it_left_gets_one_answer_to_both(world: World) -> None:
    world.clock.set(NIGHT)
    a_client(world).post_lead({"number": LEAD, "consent": ASKED})
    world.text("Hi, are you open tomorrow?")
    world.drain()

    states = {message.kind: message.state for message in world.outbound()}
    assert states[Kind.FIRST_TEXT] is State.CANCELED
    assert [state for kind, state in states.items() if kind is not Kind.FIRST_TEXT] == [State.SENT]
    assert world.carrier.attempts == 1


def test_a_form_of_somebody_who_opted_out_is_answered_by_nothing(world: World) -> None:
    world.text("STOP")
    world.drain()
    before = world.carrier.attempts
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "marketing")})
    world.drain()

    assert world.carrier.attempts == before
    assert state_of(world.contact()).opted_out is not None


def test_a_written_opt_in_is_confirmed_before_the_first_text(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "marketing")})
    world.drain(wait=False)

    assert sorted(sent(world)) == [(Kind.FIRST_TEXT, State.SENT), (Kind.OPT_IN_CONFIRMATION, State.SENT)]
    assert "signed up" in world.carrier.bodies[0]
    assert "HELP" in world.carrier.bodies[0]


def double_opt_in(world: World) -> None:
    claim = leads.ConsentClaim(
        Basis.EXPRESS_WRITTEN,
        (Purpose.MARKETING,),
        world.clock.now(),
        {"disclosure": WORDS, "disclosure_version": "1", "page_url": "https://lakeside.example/contact"},
        method="web_form",
        asked_again=True,
    )
    with world.runtime.transaction(world.home.id) as session:
        leads.create_lead(world.runtime, session, leads.NewLead(LEAD, consent=claim), actor=API, cause="test")
    world.drain(wait=False)


def test_a_double_opt_in_counts_once_they_said_yes(world: World) -> None:
    double_opt_in(world)
    asked = next(message for message in world.outbound() if message.kind is Kind.OPT_IN_QUESTION)
    before = a_text(world, Purpose.MARKETING)
    world.text("YES")
    after = a_text(world, Purpose.MARKETING)

    assert (asked.state, before.reason, after.state) == (State.SENT, "NO_CONSENT", State.SENT)
    standing = state_of(world.contact()).purposes[Purpose.MARKETING]
    assert (standing.state, standing.basis) == (PurposeState.OPTED_IN, Basis.EXPRESS_WRITTEN)
    assert state_of(world.contact()).purposes[Purpose.INQUIRY].state is PurposeState.INQUIRED


def test_ok_to_something_else_is_no_yes_to_the_question(world: World) -> None:
    double_opt_in(world)
    world.text("What are your hours?")
    world.drain()
    world.text("ok")
    world.drain()
    world.text("YES")

    assert EventKind.OPT_IN not in {event.kind for event in world.ledger()}


def test_ok_after_a_question_that_never_reached_them_is_no_yes(world: World) -> None:
    world.text("What are your hours?")
    world.drain()
    world.carrier.outcomes = [PermanentSendFailure("refused", 30007)]
    double_opt_in(world)
    world.text("ok")

    assert EventKind.OPT_IN not in {event.kind for event in world.ledger()}


def test_a_yes_after_three_days_is_an_answer_to_nothing(world: World) -> None:
    double_opt_in(world)
    world.clock.advance(timedelta(hours=72))
    world.text("YES")
    world.drain()

    assert Purpose.MARKETING not in state_of(world.contact()).purposes
    assert EventKind.OPT_IN not in {event.kind for event in world.ledger()}


def test_a_landline_is_not_texted(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": ASKED})
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(Contact).values(line_type="landline", line_type_at=world.clock.now()))
    world.drain(wait=False)

    (message,) = world.outbound()
    assert (message.state, message.reason, world.carrier.attempts) == (State.BLOCKED, "LANDLINE", 0)


def test_marketing_stops_at_three_in_any_24_hours_and_goes_on_when_the_first_is_a_day_old(world: World) -> None:
    world.clock.freeze()
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "marketing")})
    world.drain(wait=False)
    first_at = world.clock.now()
    allowed = [a_text(world, Purpose.MARKETING).state for _ in range(3)]
    fourth = a_text(world, Purpose.MARKETING)

    assert allowed == [State.SENT] * 3
    assert (fourth.state, fourth.reason, fourth.not_before) == (State.DEFERRED, "CAP", first_at + timedelta(hours=24))
    world.clock.set(first_at + timedelta(hours=24))
    world.drain(wait=False)
    with world.runtime.transaction(world.home.id) as session:
        assert session.get_one(Message, fourth.id).state is State.SENT


def test_a_tenants_cap_counts_from_its_day_on(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "marketing")})
    world.drain(wait=False)
    chosen(world, SettingName.MARKETING_CAP, 0, effective_from=world.clock.now() + timedelta(hours=1))
    before = a_text(world, Purpose.MARKETING)
    world.clock.advance(timedelta(hours=1))
    after = a_text(world, Purpose.MARKETING)

    assert before.state is State.SENT
    assert (after.state, after.reason) == (State.BLOCKED, "CAP")


def test_an_emergency_in_their_state_stops_marketing_at_once_and_nothing_else(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "state": "IL", "consent": agreed("notification", "marketing")})
    world.drain(wait=False)
    chosen(world, SettingName.EMERGENCY, True, subject="IL")
    marketing, notification = a_text(world, Purpose.MARKETING), a_text(world, Purpose.NOTIFICATION)
    chosen(world, SettingName.EMERGENCY, False, subject="IL")

    assert (marketing.state, marketing.reason) == (State.BLOCKED, "QUIET_HOURS")
    assert notification.state is State.SENT
    assert a_text(world, Purpose.MARKETING).state is State.SENT


def test_a_zip_moves_the_hours_to_where_they_are(world: World) -> None:
    at = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # 08:30 in Chicago, 06:30 in Los Angeles
    world.clock.set(at)
    a_client(world).post_lead({"number": LEAD, "postal_code": "90012", "consent": ASKED})
    world.drain(wait=False)

    (message,) = world.outbound()
    assert message.state is State.DEFERRED
    assert message.not_before is not None
    assert message.not_before >= datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def test_an_inquiry_is_followed_up_for_90_days_and_no_longer(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": ASKED})
    world.drain(wait=False)
    world.clock.advance(timedelta(days=89, hours=23))
    within = a_text(world, Purpose.INQUIRY)
    world.clock.advance(timedelta(hours=2))
    after = a_text(world, Purpose.INQUIRY)

    assert within.state is State.SENT
    assert (after.state, after.reason) == (State.BLOCKED, "NO_CONSENT")


def test_a_decision_names_the_window_that_it_saw(world: World) -> None:
    world.clock.set(NIGHT)
    world.text("hello")
    world.drain()
    world.clock.advance(timedelta(minutes=20))
    with world.runtime.transaction(world.home.id) as session:
        outbox.put(
            session, conversation=session.query(Conversation).one(), author=Author.AGENT, purpose=Purpose.REPLY,
            kind=Kind.AGENT_TEXT, body="Good night!", now=world.clock.now(),
        )  # fmt: skip
    world.drain(wait=False)

    fresh, late = sorted(world.rows(DecisionRow), key=lambda row: row.at)
    assert (fresh.outcome, fresh.inputs["window"][2]) == ("allow", "hours.open.fresh_reply")
    assert (late.outcome, late.reason, late.inputs["window"][2]) == ("defer", "QUIET_HOURS", "hours.federal")
    assert late.inputs["window"][3:5] == ["America/Chicago", "area_code"]
    assert set(late.versions) == {"policy", "words", "hours"}


def test_start_brings_marketing_back_only_where_the_tenant_chose_so(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "marketing")})
    world.text("STOP")
    world.text("START")
    world.drain()
    assert state_of(world.contact()).purposes[Purpose.MARKETING].state is PurposeState.OPTED_OUT

    chosen(world, SettingName.START_SCOPE, "all")
    world.text("STOP")
    world.text("START")
    world.drain()
    standing = state_of(world.contact()).purposes[Purpose.MARKETING]
    assert (standing.state, standing.basis) == (PurposeState.OPTED_IN, Basis.EXPRESS_WRITTEN)
    assert world.verified()


def test_what_is_asked_of_the_carrier_first_is_work_of_its_own(world: World) -> None:
    chosen(world, SettingName.LINE_TYPE_LOOKUP, True)
    a_client(world).post_lead({"number": LEAD, "consent": ASKED})

    due = {row.kind: row.due_at for row in world.due()}
    assert due["line_type"] < due["reply"] < due["line_type"] + timedelta(seconds=3.1)
    assert {row.queue for row in world.due()} == {work.REPLIES}
    assert world.messages(Direction.INBOUND) == []


def by_category(world: World) -> World:
    """A world that answers STOP itself, and whose tenant has chosen that a STOP ends what it answers."""
    ours = world.business("Zephyrine Motors", "+12065550186", handling=OptOutHandling.OURS)
    world.home = ours
    chosen(world, SettingName.STOP_SCOPE, "category")
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "notification", "marketing")})
    world.drain(wait=False)
    return world


def test_a_stop_after_a_promotion_ends_promotions_where_the_tenant_chose_so(world: World) -> None:
    by_category(world)
    a_text(world, Purpose.MARKETING)
    world.text("STOP", to=world.home)
    world.drain()

    assert "no more promotions" in world.carrier.bodies[-1]
    assert state_of(world.contact()).opted_out is None
    assert a_text(world, Purpose.MARKETING).reason == "OPTED_OUT"
    assert a_text(world, Purpose.NOTIFICATION).state is State.SENT
    world.text("STOP ALL", to=world.home)
    assert state_of(world.contact()).opted_out is not None


@pytest.mark.parametrize("words", ["STOP", "stop texting me"])
def test_a_stop_after_anything_else_and_a_plain_sentence_end_everything(world: World, words: str) -> None:
    by_category(world)
    a_text(world, Purpose.MARKETING if words != "STOP" else Purpose.NOTIFICATION)
    world.text(words, to=world.home)

    assert state_of(world.contact()).opted_out is not None


def test_by_default_a_stop_after_a_promotion_ends_everything(world: World) -> None:
    by_category(world)
    chosen(world, SettingName.STOP_SCOPE, "all")
    a_text(world, Purpose.MARKETING)
    world.text("STOP", to=world.home)

    assert state_of(world.contact()).opted_out is not None


@pytest.mark.parametrize(
    ("words", "friday", "saturday"),
    [
        ("please only text me after 6pm", ["18:00", "24:00"], ["18:00", "24:00"]),
        ("only text me on weekdays please", ["00:00", "24:00"], None),
    ],
)
def test_when_they_want_texts_narrows_the_hours_from_then_on(
    world: World, words: str, friday: list[str], saturday: list[str] | None
) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": agreed("notification")})
    world.text(words)
    world.drain()

    hours = world.contact().hours
    assert hours is not None
    assert (hours["fri"], hours["sat"]) == (friday, saturday)


def test_a_service_text_waits_for_the_hours_that_they_named(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": agreed("notification")})
    world.text("please only text me after 6pm")
    world.drain()
    message = a_text(world, Purpose.NOTIFICATION)

    assert (message.state, message.reason) == (State.DEFERRED, "QUIET_HOURS")
    assert message.not_before is not None
    assert message.not_before >= datetime(2026, 11, 21, 0, 0, tzinfo=UTC)  # 18:00 in Chicago


def test_a_form_of_somebody_who_wrote_long_ago_is_answered_for_itself(world: World) -> None:
    world.text("ok thanks")
    world.drain()
    world.clock.advance(timedelta(days=3))
    a_client(world).post_lead({"number": LEAD, "message": "Are you a bot?", "consent": ASKED})
    world.drain(wait=False)

    first = next(message for message in world.outbound() if message.kind is Kind.FIRST_TEXT)
    assert (first.state, first.reason) == (State.SENT, None)
    assert "automated AI assistant" in first.body


def test_a_yes_to_another_question_is_no_agreement_in_writing(world: World) -> None:
    double_opt_in(world)
    world.text("What are your hours?")
    world.drain()
    for words in ("Yes", "sure", "yep", "Sí"):
        world.text(words)
        world.drain()

    assert EventKind.OPT_IN not in {event.kind for event in world.ledger()}
    assert a_text(world, Purpose.MARKETING).reason == "NO_CONSENT"


def test_nothing_stands_between_the_question_and_their_yes(world: World) -> None:
    double_opt_in(world)
    assert dict(sent(world)) == {Kind.OPT_IN_QUESTION: State.SENT, Kind.FIRST_TEXT: State.QUEUED}
    world.text("YES")
    world.drain(wait=False)

    assert (Kind.FIRST_TEXT, State.SENT) in sent(world)
    assert EventKind.OPT_IN in {event.kind for event in world.ledger()}


def test_who_does_not_answer_the_question_is_answered_after_ten_minutes(world: World) -> None:
    double_opt_in(world)
    world.clock.advance(timedelta(minutes=10))
    world.drain(wait=False)

    assert (Kind.FIRST_TEXT, State.SENT) in sent(world)


def test_a_yes_counts_only_when_the_question_was_sent(world: World) -> None:
    world.text("hello")
    world.drain()
    claim = {"basis": "express_written", "purposes": (Purpose.MARKETING,)}
    with world.runtime.transaction(world.home.id) as session:
        new = leads.NewLead(
            LEAD,
            consent=leads.ConsentClaim(
                Basis.EXPRESS_WRITTEN, claim["purposes"], world.clock.now(),
                {"disclosure": WORDS, "disclosure_version": "1", "page_url": "https://lakeside.example/contact"},
                method="web_form", asked_again=True,
            ),
        )  # fmt: skip
        leads.create_lead(world.runtime, session, new, actor=API, cause="test")
    world.clock.advance(timedelta(minutes=6))  # no worker was there while its five minutes lasted
    world.drain(wait=False)
    world.text("yes")

    assert EventKind.OPT_IN not in {event.kind for event in world.ledger()}


def test_a_yes_does_not_end_a_hold(world: World) -> None:
    double_opt_in(world)
    world.text("not interested")
    world.text("yes")

    assert state_of(world.contact()).held is not None
    assert EventKind.OPT_IN not in {event.kind for event in world.ledger()}


def test_who_ends_promotions_is_not_asked_about_them_any_more(world: World) -> None:
    chosen(world, SettingName.LINE_TYPE_LOOKUP, True)  # so that the question waits
    claim = leads.ConsentClaim(
        Basis.EXPRESS_WRITTEN, (Purpose.MARKETING,), world.clock.now(),
        {"disclosure": WORDS, "disclosure_version": "1", "page_url": "https://lakeside.example/contact"},
        method="web_form", asked_again=True,
    )  # fmt: skip
    with world.runtime.transaction(world.home.id) as session:
        leads.create_lead(world.runtime, session, leads.NewLead(LEAD, consent=claim), actor=API, cause="test")
    world.text("please no more ads")
    world.drain()
    world.clock.advance(timedelta(seconds=5))
    world.drain(wait=False)

    question = next(message for message in world.outbound() if message.kind is Kind.OPT_IN_QUESTION)
    assert question.state in (State.BLOCKED, State.CANCELED)
    assert a_text(world, Purpose.MARKETING).reason == "OPTED_OUT"


def test_a_form_sent_again_and_again_asks_and_confirms_once(world: World) -> None:
    for _ in range(4):
        double_opt_in(world)
        a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "marketing")})
        world.drain(wait=False)
        world.clock.advance(timedelta(minutes=5))

    kinds = [message.kind for message in world.outbound()]
    assert (kinds.count(Kind.OPT_IN_QUESTION), kinds.count(Kind.OPT_IN_CONFIRMATION)) == (1, 1)


def test_a_text_about_an_earlier_question_keeps_the_states_hours(world: World) -> None:
    miami = "+13055550171"
    world.clock.set(datetime(2026, 11, 21, 1, 5, tzinfo=UTC))  # 20:05 there: Florida ends at 20:00
    world.text("hi", sender=miami)
    world.drain()
    message = a_text(world, Purpose.INQUIRY)

    assert (message.state, message.reason) == (State.DEFERRED, "QUIET_HOURS")


def test_a_later_choice_is_not_undone_by_an_earlier_plan(world: World) -> None:
    in_ten_days = world.clock.now() + timedelta(days=10)
    chosen(world, SettingName.STOP_SCOPE, "category", effective_from=in_ten_days)
    world.clock.advance(timedelta(days=1))
    chosen(world, SettingName.STOP_SCOPE, "all")
    with world.runtime.transaction(world.home.id) as session:
        assert current_settings(session, in_ten_days + timedelta(days=1)).stop_scope == "all"


def test_what_was_chosen_today_says_nothing_of_yesterday(world: World) -> None:
    yesterday = world.clock.now() - timedelta(days=1)
    with pytest.raises(InvalidInput):
        chosen(world, SettingName.MARKETING_CAP, 0, effective_from=yesterday)
    chosen(world, SettingName.MARKETING_CAP, 0)
    with world.runtime.transaction(world.home.id) as session:
        assert current_settings(session, yesterday).marketing_cap is None


def test_a_start_weakens_no_signature(world: World) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": agreed("inquiry", "marketing")})
    chosen(world, SettingName.START_SCOPE, "all")
    world.text("START", OptOutType="START")

    assert state_of(world.contact()).purposes[Purpose.MARKETING].basis is Basis.EXPRESS_WRITTEN
