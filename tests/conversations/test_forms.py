"""Forms as use cases: what is published is a row that stays, and one opened page counts once however fast it is sent."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from consent.models import ConsentEvent, Contact, Disclosure
from consent.purposes import Purpose
from conversations import forms
from conversations.forms import (
    AlreadySent,
    Draft,
    NotPublishable,
    NumberProblem,
    StaleDisclosure,
    Standing,
    Submission,
    number_problem,
)
from conversations.models import Lead
from smsbot.actor import SYSTEM, Actor, ActorKind, Role
from smsbot.errors import NotFound
from smsbot.events import Event
from smsbot.tenancy import Link, Tenant
from tests.public.visitors import EVERYTHING, a_form, seen
from tests.world import LEAD, World


def submission(form: forms.FormView, **changes: object) -> Submission:
    words = form.versions[0]
    sent = Submission(key="opened-once", version=words.version, sha256=words.sha256, number=LEAD, name="Maria Lopez")
    return replace(sent, **{"evidence": {"page_url": form.addresses.page}, **changes})


def live(world: World, form: forms.FormView) -> forms.LiveForm:
    return forms.published_form(world.runtime, form.token)


@pytest.mark.parametrize("other", [{}, {"number": "+13125550172"}])
def test_the_same_page_from_many_hands_at_once_counts_once(world: World, other: dict[str, str]) -> None:
    form = a_form(world, purposes=EVERYTHING)
    found, ready = live(world, form), threading.Barrier(6)

    def send(at: int) -> bool | str:
        ready.wait()
        try:
            return forms.submit(world.runtime, found, submission(form, ticked=True, **(other if at % 2 else {})))
        except AlreadySent:
            return "already sent"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))

    assert answers.count(True) == 1
    assert answers.count("already sent") == (3 if other else 0)
    assert (len(world.rows(Lead)), len(world.rows(Contact)), len(world.ledger())) == (1, 1, 1)


def test_words_that_are_published_while_somebody_sends_are_theirs_or_refused_never_mixed(world: World) -> None:
    form = a_form(world)
    ready = threading.Barrier(2)

    def send() -> str:
        ready.wait()
        try:
            forms.submit(world.runtime, live(world, form), submission(form, ticked=True))
        except StaleDisclosure:
            return "refused"
        return "taken"

    def publish() -> int:
        draft = replace(form.draft, wording=form.draft.wording + " Thank you.")
        forms.change(world.runtime, world.home.id, SYSTEM, form.id, draft)
        ready.wait()
        return forms.publish(world.runtime, world.home.id, SYSTEM, form.id)

    with ThreadPoolExecutor(2) as pool:
        sent, version = pool.submit(send), pool.submit(publish)
        answers = (sent.result(), version.result())

    assert answers in {("taken", 2), ("refused", 2)}
    assert len(world.ledger()) == (answers[0] == "taken")


def test_a_refused_number_leaves_the_page_to_be_sent_again(world: World) -> None:
    form = a_form(world)
    with pytest.raises(forms.InvalidInput):
        forms.submit(world.runtime, live(world, form), submission(form, number="12"))

    assert forms.submit(world.runtime, live(world, form), submission(form)) is True


@pytest.mark.parametrize("changes", [{"version": 2}, {"version": 0}, {"sha256": "0" * 64}])
def test_words_that_stand_nowhere_are_refused(world: World, changes: dict[str, object]) -> None:
    form = a_form(world)
    with pytest.raises(StaleDisclosure):
        forms.submit(world.runtime, live(world, form), submission(form, ticked=True, **changes))

    assert (world.rows(Lead), world.ledger()) == ([], [])


def test_receipts_say_nothing_of_who_sent_and_go_after_their_time(world: World) -> None:
    form = a_form(world)
    forms.submit(world.runtime, live(world, form), submission(form))
    first = [row for row in world.rows(Link) if row.purpose == forms.RECEIPT_PURPOSE]
    world.later(days=3)
    forms.submit(world.runtime, live(world, form), submission(form, key="opened-later"))
    left = [row for row in world.rows(Link) if row.purpose == forms.RECEIPT_PURPOSE]

    assert len(first) == len(left) == 1 and first[0].id != left[0].id
    assert first[0].ref_id not in {world.contact().id, form.id, *(lead.id for lead in world.rows(Lead))}


def test_the_published_words_can_be_neither_changed_nor_deleted(world: World) -> None:
    a_form(world)
    for statement in (update(Disclosure).values(text="other"), Disclosure.__table__.delete()):
        with pytest.raises(DBAPIError), world.runtime.transaction(world.home.id) as session:
            session.execute(statement)


def test_nothing_is_published_while_anything_is_missing_and_the_error_names_it(world: World) -> None:
    form = a_form(world, wording="We text you.", published=False)
    with pytest.raises(NotPublishable) as refused:
        forms.publish(world.runtime, world.home.id, SYSTEM, form.id)

    assert {finding.item for finding in refused.value.findings} >= {
        "brand", "automated", "purpose", "frequency", "rates", "help", "stop", "not_a_condition", "privacy", "terms"
    }  # fmt: skip
    assert (world.rows(Disclosure), seen(world, form.id).standing) == ([], Standing.DRAFT)


def test_another_brand_makes_the_live_words_wrong_and_says_so(world: World) -> None:
    form = a_form(world)
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Tenant, world.home.id).brand = "Hillside Homes"

    changed = seen(world, form.id)
    assert changed.standing is Standing.CHANGED
    assert "brand" in {finding.item for finding in changed.findings}


def test_every_step_is_recorded_with_who_did_it(world: World) -> None:
    owner = world.agent(role=Role.OWNER)
    form = a_form(world, published=False)
    forms.change(world.runtime, world.home.id, owner, form.id, form.draft)
    forms.publish(world.runtime, world.home.id, owner, form.id)
    forms.close(world.runtime, world.home.id, owner, form.id)
    forms.close(world.runtime, world.home.id, owner, form.id)

    events = sorted((row for row in world.rows(Event) if row.kind.startswith("form.")), key=lambda row: row.at)
    assert [(row.kind.removeprefix("form."), row.actor_id) for row in events] == [
        ("created", None), ("changed", owner.id), ("published", owner.id), ("closed", owner.id)
    ]  # fmt: skip
    assert {row.details["form_id"] for row in events} == {str(form.id)}


@pytest.mark.parametrize(
    "actor",
    [Actor(ActorKind.STAFF, None, Role.AGENT), Actor(ActorKind.LEAD), Actor(ActorKind.API_KEY), Actor(ActorKind.STAFF)],
)
def test_who_may_not_manage_forms_finds_none(world: World, actor: Actor) -> None:
    form = a_form(world)
    draft = Draft("x", "x", world.home.number_id, "en", (Purpose.INQUIRY,))
    for call in (
        lambda: forms.create(world.runtime, world.home.id, actor, draft),
        lambda: forms.change(world.runtime, world.home.id, actor, form.id, draft),
        lambda: forms.publish(world.runtime, world.home.id, actor, form.id),
        lambda: forms.close(world.runtime, world.home.id, actor, form.id),
    ):
        with pytest.raises(NotFound):
            call()

    assert [row.kind for row in world.rows(ConsentEvent)] == [] and seen(world, form.id) == form


@pytest.mark.parametrize(
    ("written", "countries", "problem"),
    [
        ("(312) 555-0171", ["US"], None),
        ("+1 416 555 0171", ["US", "CA"], None),
        ("+1 416 555 0171", ["US"], NumberProblem.COUNTRY),
        ("020 7946 0958", ["GB"], NumberProblem.NO_MOBILE),
        ("+1 800 253 0000", ["US"], NumberProblem.NO_MOBILE),
        ("+1 900 253 0000", ["US"], NumberProblem.NO_MOBILE),
        ("555-0171", ["US"], NumberProblem.MALFORMED),
        ("", ["US"], NumberProblem.MALFORMED),
        ("312 555 0171 x5", ["US"], NumberProblem.MALFORMED),
        ("312-CALL-NOW", ["US"], NumberProblem.MALFORMED),
        ("(312) 555-0171", [], NumberProblem.COUNTRY),
    ],
)
def test_a_number_says_itself_whether_it_can_be_texted(written, countries, problem) -> None:
    assert number_problem(written, countries) == problem


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_a_number(written: str) -> None:
    assert number_problem(written, ["US", "CA"]) in (None, *NumberProblem)


@given(st.from_regex(forms.ORIGIN, fullmatch=True))
def test_no_origin_can_say_more_in_a_policy_than_itself(origin: str) -> None:
    assert not set(origin) & set(" ;,*'\"\r\n\t") and origin.count("/") == 2
