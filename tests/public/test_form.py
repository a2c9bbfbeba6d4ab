"""A form's whole way: opened, ticked or not, sent, and what stands in the ledger afterwards."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from consent.ledger import state_of
from consent.models import ConsentEvent, Disclosure, Permit
from consent.policy_settings import SettingName, choose
from consent.purposes import PermitKind, Purpose
from consent.reading import events_of
from consent.state import Basis, EventKind, PurposeState
from conversations import forms
from conversations.forms import Standing
from conversations.models import Conversation, Kind, Lead, State, Task
from smsbot.actor import SYSTEM
from smsbot.events import Event
from smsbot.tenancy import OptOutHandling, Tenant
from tests.public.visitors import BROWSER, EVERYTHING, SERVICE, Visitor, a_form, seen, visitor
from tests.world import LEAD, World


def facts(world: World, number: str = LEAD):
    """The ledger of this number, with its evidence."""
    contact = world.contact(number)
    with world.runtime.transaction(world.home.id) as session:
        return events_of(session, contact.id, world.runtime.cipher(world.home.data_key), after_seq=0, limit=50)


def kinds(world: World, number: str = LEAD) -> list[str]:
    return [event.kind for event in facts(world, number)]


def test_the_box_is_empty_and_its_label_is_the_published_text_verbatim(world: World) -> None:
    form = a_form(world, purposes=EVERYTHING)
    page = visitor(world, form).open().get_data(as_text=True)
    box, label = re.findall(r'(<input id="agree"[^>]*>)<label for="agree">([^<]*)</label>', page)[0]

    assert "checked" not in box and "required" not in box
    assert html.unescape(label) == form.versions[0].text


@pytest.mark.parametrize("purposes", [SERVICE, EVERYTHING, (Purpose.MARKETING,)])
def test_sending_without_a_tick_is_an_inquiry_and_nothing_more(world: World, purposes) -> None:
    answer = visitor(world, a_form(world, purposes=purposes)).send(message="Is 412 Maple still for sale?")

    assert (answer.status_code, answer.headers["Location"].endswith("/thanks")) == (303, True)
    (event,) = facts(world)
    assert (event.kind, event.basis, event.purposes) == ("inquiry", "inquiry", ("inquiry",))
    assert event.evidence["checkbox_value"] is False
    (lead,) = world.rows(Lead)
    assert (lead.name, lead.source, lead.fields) == (
        "Maria Lopez", "website", {"message": "Is 412 Maple still for sale?"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("purposes", "basis", "recorded"),
    [
        (SERVICE, Basis.EXPRESS, ["opt_in"]),
        (EVERYTHING, Basis.EXPRESS_WRITTEN, ["opt_in"]),
        ((Purpose.MARKETING,), Basis.EXPRESS_WRITTEN, ["inquiry", "opt_in"]),
    ],
)
def test_a_tick_agrees_to_the_forms_purposes_in_writing_where_marketing_is_among_them(
    world: World, purposes, basis, recorded
) -> None:
    visitor(world, a_form(world, purposes=purposes)).send(ticked=True)

    events = facts(world)
    assert [event.kind for event in events] == recorded
    assert (events[-1].basis, set(events[-1].purposes)) == (basis.value, {one.value for one in purposes})
    assert world.verified()


def test_the_evidence_is_what_was_shown_where_and_by_which_browser(world: World) -> None:
    world.settings = world.runtime.settings = type(world.settings)(**{**vars_of(world.settings), "trusted_proxies": 1})
    form = a_form(world, purposes=EVERYTHING, origins=["https://www.lakeside.example"])
    someone = visitor(world, form)
    query = "?embed=1&page=https://www.lakeside.example/homes/412%3Fmail%3Dx"
    someone.open(query, Referer="https://search.example/find?q=maria+lopez")
    someone.send(
        ticked=True, message="Hello", zip="60601", query="?embed=1",
        headers={"X-Forwarded-For": "10.9.9.9, 203.0.113.7"},
    )  # fmt: skip
    event = facts(world)[-1]

    words = form.versions[0]
    assert event.method == "web_form"
    assert {name: event.evidence[name] for name in EVIDENCE} == {
        "disclosure": words.text,
        "disclosure_version": "1",
        "disclosure_sha256": words.sha256,
        "page_url": form.addresses.page,
        "embedded_in": "https://www.lakeside.example/homes/412",
        "referrer": "https://search.example/find",
        "form_id": str(form.id),
        "checkbox_default": False,
        "checkbox_value": True,
        "bundled": False,
        "button_label": "Send",
        "ip": "203.0.113.7",
        "user_agent": BROWSER,
        "language": "en",
        "honeypot": "empty",
        "seconds_open": 9,
        "address": LEAD,
        "our_number": world.home.number,
        "words": "Hello",
        "name": "Maria Lopez",
    }
    assert len(event.evidence["session_id"]) >= 16
    assert timedelta() <= event.recorded_at - event.at < timedelta(seconds=2)
    assert world.contact().postal_code == "60601"


EVIDENCE = (
    "disclosure", "disclosure_version", "disclosure_sha256", "page_url", "embedded_in", "referrer", "form_id",
    "checkbox_default", "checkbox_value", "bundled", "button_label", "ip", "user_agent", "language", "honeypot",
    "seconds_open", "address", "our_number", "words", "name",
)  # fmt: skip


def vars_of(settings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def test_no_event_of_the_ledger_itself_holds_what_identifies(world: World) -> None:
    visitor(world, a_form(world)).send(ticked=True, message="Hello")
    rows = " ".join(str(vars(row)) for row in world.rows(ConsentEvent) + world.rows(Event))

    assert not [mark for mark in (LEAD, "3125550171", "Maria", "Hello", BROWSER, "127.0.0.1") if mark in rows]


def test_one_opened_page_makes_one_lead_and_one_claim_however_often_it_is_sent(world: World) -> None:
    someone = visitor(world, a_form(world))
    someone.open()
    kept = dict(someone.hidden)
    answers = []
    for _ in range(3):
        someone.hidden = dict(kept)
        answers.append(someone.send(ticked=True).status_code)

    assert answers == [303, 303, 303]
    assert (kinds(world), len(world.rows(Lead)), len(world.rows(Conversation))) == (["opt_in"], 1, 1)


def test_an_opened_page_that_is_sent_again_with_something_else_is_asked_about(world: World) -> None:
    someone = visitor(world, a_form(world))
    someone.open()
    kept = dict(someone.hidden)
    someone.send()
    someone.hidden = dict(kept)
    answer = someone.send(number="+13125550172", ticked=True)

    assert (answer.status_code, "This page was sent before" in someone.page) == (409, True)
    assert 'value="+13125550172"' in someone.page and len(world.rows(Lead)) == 1
    assert someone.send(number="+13125550172", ticked=True).status_code == 303
    assert kinds(world, "+13125550172") == ["opt_in"]


def test_a_ticked_double_opt_in_waits_for_a_yes_to_one_question(world: World) -> None:
    visitor(world, a_form(world, purposes=EVERYTHING, double_opt_in=True)).send(ticked=True)
    events = facts(world)
    world.drain()

    assert [event.kind for event in events] == ["inquiry", EventKind.OPT_IN_PENDING.value]
    assert (events[1].basis, set(events[1].purposes)) == ("express_written", {one.value for one in EVERYTHING})
    assert events[1].evidence["disclosure"] == events[0].evidence["disclosure"]
    questions = [message for message in world.outbound() if message.kind is Kind.OPT_IN_QUESTION]
    assert len(questions) == 1
    assert [permit.kind for permit in world.rows(Permit)] == [PermitKind.OPT_IN_QUESTION]


def test_a_double_opt_in_without_a_tick_asks_nothing(world: World) -> None:
    visitor(world, a_form(world, double_opt_in=True)).send()

    assert kinds(world) == ["inquiry"]
    assert [message for message in world.outbound() if message.kind is Kind.OPT_IN_QUESTION] == []


def test_who_has_opted_out_is_thanked_the_same_and_gets_nothing(world: World) -> None:
    form = a_form(world, purposes=EVERYTHING)
    known, unknown = visitor(world, form), visitor(world, form)
    world.text("STOP")
    world.drain()
    before = len(world.outbound())
    answers = [known.send(ticked=True), unknown.send("+13125550172", ticked=True)]
    pages = [someone.open("/thanks").get_data(as_text=True) for someone in (known, unknown)]
    mine = [message for message in world.outbound() if message.contact_id == world.contact().id]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers == answers[1].headers and pages[0] == pages[1]
    last = facts(world)[-1]
    assert (last.kind, last.rule, last.evidence["claimed_basis"]) == (
        "inquiry", "claim.opt_out_stands", "express_written"
    )  # fmt: skip
    assert len(mine) == before
    assert [task.kind for task in world.rows(Task)].count("opted_out_wrote") == 1


def test_who_the_carrier_blocks_stays_blocked_and_staff_are_told_of_start(world: World) -> None:
    world.text("Hello")
    world.drain()
    sent = next(message for message in world.outbound() if message.provider_sid)
    world.status(sent, "failed", error=21610)
    before = len(world.outbound())
    answer = visitor(world, a_form(world)).send(ticked=True)
    world.drain()

    assert answer.status_code == 303
    assert world.contact().consent["carrier_blocked"] is not None
    assert len(world.outbound()) == before
    assert "ask_for_start" in [task.kind for task in world.rows(Task)]


@pytest.mark.parametrize(("language", "only"), [("en", "about this inquiry only"), ("es", "solo sobre esta consulta")])
def test_form_and_thanks_say_that_who_does_not_tick_is_texted_about_this_inquiry_and_so_it_is(
    world: World, language: str, only: str
) -> None:
    someone = visitor(world, a_form(world, language=language))
    form = someone.open().get_data(as_text=True)
    thanks = someone.open("/thanks").get_data(as_text=True)
    someone.open()
    someone.send(message="Is 412 Maple still for sale?")
    world.drain()

    assert only in form and only in thanks
    assert [message.kind for message in world.outbound()] == [Kind.FIRST_TEXT]
    assert kinds(world) == ["inquiry"]


@pytest.mark.parametrize(
    ("language", "purposes", "said"),
    [
        ("en", (Purpose.INQUIRY,), "for texts about your inquiry. "),
        ("en", (Purpose.APPOINTMENT,), "for texts about your appts. "),
        ("en", SERVICE, "for texts about your inquiry & appts. "),
        ("en", (Purpose.MARKETING,), "for texts about our offers. "),
        ("es", (Purpose.INQUIRY,), "Recibira textos sobre su consulta. "),
        ("es", SERVICE, "Recibira textos sobre su consulta y citas. "),
    ],
)
def test_the_confirmation_of_a_tick_says_what_the_tick_agreed_to(world: World, language, purposes, said) -> None:
    visitor(world, a_form(world, purposes=purposes, language=language)).send(ticked=True)
    (confirmation,) = [message for message in world.outbound() if message.kind is Kind.OPT_IN_CONFIRMATION]

    assert said in confirmation.body


def test_a_yes_is_confirmed_for_what_the_form_asked_and_a_start_for_what_it_restores(world: World) -> None:
    business = world.business("Harbor Motors", "+13125550101", handling=OptOutHandling.OURS)
    form = a_form(world, purposes=[Purpose.INQUIRY], double_opt_in=True, of=business)
    visitor(world, form).send(ticked=True)
    world.drain()
    for word in ("YES", "STOP", "START"):
        world.text(word, to=business)
        world.drain()
    said = [message.body for message in world.outbound(of=business) if message.kind is Kind.OPT_IN_CONFIRMATION]

    assert [body.partition(". ")[0] for body in said] == [
        "Harbor Motors: You're signed up for texts about your inquiry",
        "Harbor Motors: You're signed up for texts about your inquiry & appts",
    ]


def test_a_form_in_spanish_is_spanish_all_through(world: World) -> None:
    form = a_form(world, language="es")
    someone = visitor(world, form)
    shown = someone.open().get_data(as_text=True)
    someone.send(number="12")
    refused = someone.page
    someone.send(ticked=True)

    assert '<html lang="es">' in shown and "Número de celular" in shown and "Al marcar esta casilla" in shown
    assert "código de área" in refused
    assert (facts(world)[-1].evidence["button_label"], world.contact().language) == ("Enviar", "es")
    assert "Gracias" in someone.open("/thanks").get_data(as_text=True)


@pytest.mark.parametrize("state", ["draft", "closed"])
def test_a_form_that_is_not_on_its_address_is_nowhere(world: World, state: str) -> None:
    form = a_form(world, published=state == "closed")
    someone = visitor(world, a_form(world))
    someone.open()
    if state == "closed":
        forms.close(world.runtime, world.home.id, SYSTEM, form.id)
    someone.token = form.token

    assert [someone.open(path).status_code for path in ("", "/thanks", "/embed.js")] == [404, 404, 404]
    assert someone.send().status_code == 404
    assert "There is no form here" in someone.page
    assert world.rows(Lead) == []


def test_a_form_that_is_closed_while_somebody_has_it_open_takes_nothing(world: World) -> None:
    form = a_form(world)
    someone = visitor(world, form)
    someone.open()
    forms.close(world.runtime, world.home.id, SYSTEM, form.id)

    assert (someone.send().status_code, world.rows(Lead)) == (404, [])
    forms.publish(world.runtime, world.home.id, SYSTEM, form.id)
    assert (someone.send().status_code, len(world.rows(Lead))) == (303, 1)
    assert len(seen(world, form.id).versions) == 1


def test_no_address_finds_a_form_but_its_own(world: World) -> None:
    form = a_form(world)
    with world.runtime.transaction(world.home.id) as session:
        ids = [form.id, *session.scalars(select(Disclosure.id))]
    for token in [str(one) for one in ids] + [form.token[:-1], form.token.swapcase(), "%00", "..", "a" * 61, "'"]:
        assert Visitor(world, token).open().status_code == 404, token


@pytest.mark.parametrize(("ticked", "state"), [(True, State.QUEUED), (False, State.DEFERRED)])
def test_only_who_ticked_words_that_say_so_is_answered_at_night(world: World, ticked: bool, state: State) -> None:
    with world.runtime.transaction(world.home.id) as session:
        now = world.clock.now()
        choose(session, SettingName.INSTANT_NIGHT_REPLY, True, actor=SYSTEM, cause="test", now=now)
    form = a_form(world)
    world.clock.set(datetime(2026, 11, 21, 8, 0, tzinfo=UTC))  # 02:00 in Chicago
    visitor(world, form).send(ticked=ticked)

    assert "at any hour, day or night" in form.versions[0].text
    assert [text.state for text in world.outbound() if text.kind is Kind.FIRST_TEXT] == [state]


# ---- what the message itself says -------------------------------------------------------------------------------------

REFUSALS = (
    "STOP",
    "Stop texting me and remove my number from your list.",
    "I do not agree to any text messages, do not text me. Email me.",
    "Por favor no me manden mensajes de texto",
)


@pytest.mark.parametrize("ticked", [True, False])
@pytest.mark.parametrize("words", REFUSALS)
def test_a_stop_in_the_message_is_an_opt_out_and_nothing_else_of_the_form_counts(
    world: World, words: str, ticked: bool
) -> None:
    visitor(world, a_form(world)).send(ticked=ticked, message=words)
    world.drain(wait=False)

    (event,) = facts(world)
    assert (event.kind, event.method, event.evidence["words"]) == ("opt_out", "web_form", words)
    assert event.evidence["disclosure_version"] == "1" and event.evidence["claimed_purposes"] is not None
    assert (world.outbound(), world.carrier.bodies) == ([], [])
    assert state_of(world.contact()).opted_out is not None
    assert [task.kind for task in world.rows(Task)] == ["opted_out_wrote"]
    assert world.verified()


def test_a_stop_in_the_message_cancels_what_waits_for_somebody_known(world: World) -> None:
    world.clock.set(datetime(2026, 11, 21, 8, 0, tzinfo=UTC))  # 02:00 in Chicago: the first text waits for the morning
    visitor(world, a_form(world, purposes=EVERYTHING)).send(ticked=True, message="Is it still there?")
    visitor(world, a_form(world)).send(message="Stop texting me and remove my number from your list.")
    world.later(hours=9)
    world.drain()

    firsts = [(text.state, text.reason) for text in world.outbound() if text.kind is Kind.FIRST_TEXT]
    assert firsts == [(State.CANCELED, "OPTED_OUT")]
    assert all(one.state is PurposeState.OPTED_OUT for one in state_of(world.contact()).purposes.values())


def test_the_tenants_own_words_of_opting_out_count_in_a_form_too(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Tenant, world.home.id).extra_opt_out_words = ["basta ya"]
    visitor(world, a_form(world)).send(ticked=True, message="Basta ya!")

    assert kinds(world) == ["opt_out"]


@pytest.mark.parametrize("known", [True, False])
def test_words_in_a_form_that_may_be_an_opt_out_hold_everything_for_a_person(world: World, known: bool) -> None:
    form = a_form(world, purposes=EVERYTHING)
    if known:
        visitor(world, form).send(ticked=True, message="Is it still there?")
        world.drain(wait=False)
    before = len(world.carrier.bodies)
    visitor(world, form).send(ticked=True, message="not now, please stop for today")
    world.later(hours=1)
    world.drain()

    assert state_of(world.contact()).held is not None
    assert "opt_in" not in [event.kind for event in facts(world)[1 if known else 0 :]]
    assert len(world.carrier.bodies) == before
    (task,) = [task for task in world.rows(Task) if task.kind == "settle_hold"]
    assert (task.conversation_id, task.done_at) == (world.conversation().id, None)
    assert world.verified()


def test_who_refuses_advertising_in_a_form_gets_their_answer_and_no_marketing(world: World) -> None:
    form = a_form(world, purposes=EVERYTHING)
    visitor(world, form).send(ticked=True, message="Is 12 Oak St available? Please no marketing texts.")
    world.drain(wait=False)

    assert kinds(world) == ["opt_out_partial", "inquiry"]
    purposes = state_of(world.contact()).purposes
    assert purposes[Purpose.MARKETING].state is PurposeState.OPTED_OUT
    assert Purpose.APPOINTMENT not in purposes
    assert [text.kind for text in world.outbound()] == [Kind.FIRST_TEXT]


# ---- whose hours a form moves -----------------------------------------------------------------------------------------


def test_a_form_moves_nobodys_hours_who_was_known_before(world: World) -> None:
    form = a_form(world)
    visitor(world, form).send(message="Is it still there?")
    visitor(world, form).send(message="And the other one?", zip="96813")

    assert world.contact().postal_code is None
    assert world.rows(Lead)[0].fields["postal_code"] == "96813"


def test_a_form_moves_nobodys_hours_who_only_wrote_before(world: World) -> None:
    world.text("Is it still there?")
    visitor(world, a_form(world)).send(ticked=True, zip="96813")

    assert world.contact().postal_code is None


# ---- the question after the tick belongs to what was published --------------------------------------------------------


def test_double_opt_in_is_what_was_published_until_it_is_published_anew(world: World) -> None:
    form = a_form(world, purposes=EVERYTHING, double_opt_in=True)
    someone = Visitor(world, form.token)
    someone.open()
    forms.change(world.runtime, world.home.id, SYSTEM, form.id, replace(form.draft, double_opt_in=False))

    assert seen(world, form.id).standing is Standing.CHANGED
    assert someone.send(ticked=True).status_code == 303
    assert kinds(world) == ["inquiry", "opt_in_pending"]


@pytest.mark.parametrize("asked_again", [True, False])
def test_a_page_from_before_double_opt_in_was_published_otherwise_is_shown_anew(
    world: World, asked_again: bool
) -> None:
    form = a_form(world, purposes=EVERYTHING, double_opt_in=asked_again)
    someone = Visitor(world, form.token)
    someone.open()
    forms.change(world.runtime, world.home.id, SYSTEM, form.id, replace(form.draft, double_opt_in=not asked_again))
    version = forms.publish(world.runtime, world.home.id, SYSTEM, form.id)

    assert version == 2
    assert someone.send(ticked=True).status_code == 422
    assert world.ledger() == []
    assert seen(world, form.id).versions[0].double_opt_in is not asked_again
