"""Consent on paper or aloud: what staff saw or heard goes into the ledger whole, and undoes no opt-out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from consent.ledger import state_of
from consent.models import ConsentEvent, ConsentEvidence
from consent.purposes import Purpose
from consent.state import EventKind, PurposeState
from conversations import staff as acts
from conversations.evidence import (
    LARGEST_SCAN,
    Agreement,
    How,
    Outcome,
    fingerprint,
    record_agreement,
    scan_of,
)
from conversations.leads import InvalidLead
from conversations.models import Lead
from smsbot.actor import Role
from smsbot.errors import InvalidInput, NotFound
from tests.world import LEAD, START, World

PDF = b"%PDF-1.7 a signed sheet"
WORDS = (
    "By signing I agree that Lakeside Realty may send me recurring automated marketing texts, about offers and about my"
    " appointments, at the mobile number I gave. Consent is not a condition of any purchase. Message frequency varies."
    " Message and data rates may apply. Reply HELP for help or STOP to end. Privacy Policy: https://lakeside.example/privacy"
    " Terms of Service: https://lakeside.example/terms"
)
SIGNED = Agreement(
    how=How.PAPER,
    at=START - timedelta(days=1),
    purposes=(Purpose.MARKETING, Purpose.APPOINTMENT),
    words=WORDS,
    heard_by="Dana Ruiz",
    signed=True,
    document="folder 12, sheet 4",
    scan=scan_of("sheet 4.pdf", PDF),
)
SPOKEN = replace(SIGNED, how=How.VOICE, purposes=(Purpose.APPOINTMENT,), signed=False, document="", scan=None)


def lead_who_wrote(world: World, words: str = "Is it still there?") -> UUID:
    world.text(words)
    world.drain()
    return world.conversation().id


def put(world: World, agreement: Agreement, conversation_id: UUID | None = None) -> Outcome:
    found = conversation_id or world.conversation().id
    return record_agreement(world.runtime, world.home.id, world.dana, found, agreement)


def newest(world: World) -> ConsentEvent:
    return world.ledger()[-1]


def kept(world: World, event: ConsentEvent) -> dict[str, Any]:
    with world.runtime.transaction(world.home.id) as session:
        proof = session.scalars(select(ConsentEvidence).where(ConsentEvidence.event_id == event.id)).one()
        opened = world.runtime.cipher(world.home.data_key).decrypt(
            proof.content, tenant_id=world.home.id, table="consent_evidence", column="content", row=event.id
        )
    found: dict[str, Any] = json.loads(opened)
    return found


def test_a_signature_is_a_written_consent_with_the_exact_words_and_its_scan(world: World) -> None:
    lead_who_wrote(world)
    outcome = put(world, replace(SIGNED, scan=scan_of("C:\\scans\\sheet 4.pdf", PDF)))

    event = newest(world)
    assert outcome is Outcome.GRANTED
    assert (event.kind, event.method, event.basis) == (EventKind.OPT_IN, "paper", "express_written")
    assert (event.purposes, event.at) == (["appointment", "marketing"], SIGNED.at)
    assert (event.actor_kind, event.actor_id) == ("staff", world.dana.id)
    shown = kept(world, event)
    assert (shown["disclosure"], shown["document"], shown["heard_by"]) == (
        SIGNED.words, "folder 12, sheet 4", "Dana Ruiz",
    )  # fmt: skip
    assert shown["scan"] == ["sheet 4.pdf", hashlib.sha256(PDF).hexdigest(), len(PDF), "application/pdf"]
    assert world.contact().consent["purposes"]["marketing"][0] == "opted_in"
    assert world.verified()


@pytest.mark.parametrize("how", [How.VOICE, How.IN_PERSON])
def test_what_was_said_aloud_is_an_express_consent(world: World, how: How) -> None:
    lead_who_wrote(world)

    assert put(world, replace(SPOKEN, how=how)) is Outcome.GRANTED
    assert (newest(world).kind, newest(world).method, newest(world).basis) == (EventKind.OPT_IN, how.value, "express")


@pytest.mark.parametrize(
    ("agreement", "fields"),
    [
        (replace(SIGNED, words=" \n "), {"words"}),
        (replace(SIGNED, heard_by=""), {"heard_by"}),
        (replace(SIGNED, at=None), {"at"}),
        (replace(SIGNED, at=START + timedelta(days=2)), {"at"}),
        (replace(SIGNED, at=datetime(1999, 1, 1, tzinfo=UTC)), {"at"}),
        (replace(SIGNED, purposes=()), {"purposes"}),
        (replace(SIGNED, document="", scan=None, purposes=(Purpose.APPOINTMENT,), signed=False), {"document"}),
        (replace(SIGNED, document="", scan=None), {"document", "scan"}),
        (replace(SIGNED, scan=None), {"scan"}),
        (replace(SIGNED, scan=None, purposes=(Purpose.APPOINTMENT,)), {"scan"}),
        (replace(SIGNED, words="x"), {"words"}),
        (replace(SIGNED, words="I agree to automated texts from Lakeside Realty."), {"words"}),
        (replace(SIGNED, words=f"{WORDS} I also accept the arbitration agreement."), {"words"}),
        (replace(SIGNED, signed=False), {"purposes"}),
        (replace(SPOKEN, signed=True), {"signed"}),
        (replace(SPOKEN, purposes=(Purpose.MARKETING,)), {"purposes"}),
        (replace(SPOKEN, words="x", purposes=(Purpose.MARKETING,)), {"words", "purposes"}),
        (replace(SPOKEN, words="x" * 5_001), {"words"}),
        (Agreement(How.PAPER, None, (), "", ""), {"words", "heard_by", "document", "purposes", "at"}),
    ],
)
def test_everything_that_is_missing_is_named_and_nothing_is_recorded(
    world: World, agreement: Agreement, fields: set[str]
) -> None:
    lead_who_wrote(world)
    before = len(world.ledger())

    with pytest.raises(InvalidLead) as refused:
        put(world, agreement)
    assert {objection.field for objection in refused.value.objections} == fields
    assert len(world.ledger()) == before


def test_a_stop_stands_whatever_was_signed(world: World) -> None:
    lead_who_wrote(world, "STOP")
    stopped = world.contact().consent["opted_out"]

    assert put(world, SIGNED) is Outcome.KEPT
    assert world.contact().consent["opted_out"] == stopped
    assert newest(world).kind is EventKind.INQUIRY and kept(world, newest(world))["disclosure"] == SIGNED.words


def test_a_hold_stands_until_somebody_settles_it(world: World) -> None:
    lead_who_wrote(world, "not now, please stop for today")

    assert put(world, SIGNED) is Outcome.KEPT
    assert world.contact().consent["held"] is not None


def test_the_same_again_is_one_event_and_another_document_is_another(world: World) -> None:
    lead_who_wrote(world)
    outcomes = [put(world, one) for one in (SIGNED, SIGNED, replace(SIGNED, document="folder 12, sheet 5"))]

    assert outcomes == [Outcome.GRANTED, Outcome.KNOWN, Outcome.GRANTED]
    assert [event.kind for event in world.ledger()].count(EventKind.OPT_IN) == 2


def test_nobody_is_texted_for_it(world: World) -> None:
    lead_who_wrote(world)
    sent = len(world.carrier.accepted)
    put(world, SIGNED)
    world.later(hours=2)
    world.drain()

    assert len(world.carrier.accepted) == sent


def test_an_agent_records_it_only_for_leads_that_they_see(world: World) -> None:
    conversation_id = lead_who_wrote(world)
    colleague, other = world.agent(), world.business("Zephyrine Motors", "+12065550186")
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Lead, world.conversation().lead_id).assigned_to = colleague.id

    with pytest.raises(NotFound):
        put(world, SIGNED, conversation_id)
    with pytest.raises(NotFound):
        record_agreement(world.runtime, other.id, world.agent(to=other, role=Role.OWNER), conversation_id, SIGNED)
    assert record_agreement(world.runtime, world.home.id, colleague, conversation_id, SIGNED) is Outcome.GRANTED


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", None), (PDF, "application/pdf"), (b"\x89PNG\r\n\x1a\n.", "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg")],
)
def test_a_scan_is_known_by_its_content(content: bytes, found: str | None) -> None:
    scan = scan_of("x", content)

    assert (scan and scan.content_type) == found


@pytest.mark.parametrize("content", [b"<html>", b"MZ", PDF + b"x" * LARGEST_SCAN])
def test_anything_but_a_scan_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        scan_of("sheet.pdf", content)

    assert refused.value.field == "scan"


def test_where_a_claim_stood_does_not_make_it_another_one() -> None:
    one = {"disclosure": "x", "claimed_basis": "express", "list_name": "a.csv", "list_sha256": "1", "list_row": 2}

    assert fingerprint(one) == fingerprint({**one, "list_name": "b.csv", "list_sha256": "2", "list_row": 9})
    assert fingerprint(one) != fingerprint({**one, "disclosure": "y"})


ENDS_MARKETING = "stop the ads, keep the reminders"


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER, Role.COMPLIANCE])
def test_who_answers_for_the_business_may_record_a_signature_without_its_scan(world: World, role: Role) -> None:
    conversation_id = lead_who_wrote(world)
    who = world.agent(role=role)

    unscanned = replace(SIGNED, scan=None)
    assert record_agreement(world.runtime, world.home.id, who, conversation_id, unscanned) is Outcome.GRANTED
    assert state_of(world.contact()).purposes[Purpose.MARKETING].state is PurposeState.OPTED_IN


@pytest.mark.parametrize(
    ("role", "scanned", "back"),
    [
        (Role.AGENT, True, False),
        (Role.OWNER, False, False),
        (Role.OWNER, True, True),
        (Role.MANAGER, True, True),
        (Role.COMPLIANCE, True, True),
    ],
)
def test_what_a_person_ended_comes_back_by_a_scanned_signature_that_no_agent_records_alone(
    world: World, role: Role, scanned: bool, back: bool
) -> None:
    conversation_id = lead_who_wrote(world, ENDS_MARKETING)
    world.later(hours=1)
    signed = replace(SIGNED, at=world.clock.now(), purposes=(Purpose.MARKETING,))
    given = signed if scanned else replace(signed, scan=None)
    outcome = record_agreement(world.runtime, world.home.id, world.agent(role=role), conversation_id, given)

    assert outcome is (Outcome.GRANTED if back else Outcome.KEPT)
    standing = state_of(world.contact()).purposes[Purpose.MARKETING].state
    assert standing is (PurposeState.OPTED_IN if back else PurposeState.OPTED_OUT)


# ---- how an opt-out was said ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", acts.OPT_OUT_METHODS)
def test_an_opt_out_that_was_said_elsewhere_has_its_own_method_and_counts_at_once(world: World, method: str) -> None:
    conversation_id = lead_who_wrote(world)
    acts.opt_out(world.runtime, world.home.id, world.dana, conversation_id, "called us", method=method)

    assert (newest(world).kind, newest(world).method) == (EventKind.OPT_OUT, method)
    assert world.contact(LEAD).consent["opted_out"] is not None


def test_an_opt_out_by_no_known_way_is_refused(world: World) -> None:
    conversation_id = lead_who_wrote(world)

    with pytest.raises(InvalidInput):
        acts.opt_out(world.runtime, world.home.id, world.dana, conversation_id, "", method="telepathy")
    assert newest(world).kind is not EventKind.OPT_OUT
