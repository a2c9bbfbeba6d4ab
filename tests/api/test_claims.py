"""What an API caller may say about consent, and what it can never do."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import select

from consent.ledger import Fact, append
from consent.models import Contact
from consent.purposes import Purpose
from consent.reading import consent_summary
from consent.state import NOTHING, EventKind
from smsbot.actor import SYSTEM
from tests.api.client import Client, wrong_fields
from tests.world import LEAD, START, World

SIGNED: dict[str, Any] = {
    "disclosure": "I agree to automated marketing texts from Lakeside Realty. Not a condition of purchase.",
    "disclosure_version": "2026-10",
    "page_url": "https://lakeside.example.test/contact",
    "ip": "203.0.113.7",
    "user_agent": "Mozilla/5.0",
    "form_id": "contact",
    "at": "2026-11-20T15:59:00Z",
    "checkbox_default": False,
    "checkbox_value": True,
}
ALL = ["inquiry", "appointment", "notification", "marketing"]


def signed(*purposes: str, **evidence: Any) -> dict[str, Any]:
    """A written consent to these purposes; `evidence` replaces parts of it, None removes them."""
    shown = {name: value for name, value in {**SIGNED, **evidence}.items() if value is not None}
    return {"basis": "express_written", "purposes": list(purposes or ALL), "evidence": shown}


def consent_after(client: Client, claim: dict[str, Any] | None) -> dict[str, Any]:
    answer = client.post_lead({"number": LEAD, "consent": claim})
    assert answer.status_code in (200, 201), answer.get_data(as_text=True)
    consent: dict[str, Any] = answer.get_json()["consent"]
    return consent


def states(consent: dict[str, Any]) -> dict[str, str]:
    return {purpose: standing["state"] for purpose, standing in consent["purposes"].items()}


def test_nothing_said_is_nothing_recorded(world: World, client: Client) -> None:
    consent = consent_after(client, None)

    assert consent["state"] == "unknown"
    assert set(states(consent).values()) == {"none"}
    assert world.ledger() == []


def test_an_inquiry_permits_follow_ups_for_90_days_and_no_reply(world: World, client: Client) -> None:
    consent = consent_after(client, {"basis": "inquiry", "evidence": {"at": "2026-11-20T15:00:00Z"}})

    assert consent["state"] == "inquired"
    assert states(consent) == {
        "reply": "none", "inquiry": "inquired", "appointment": "none", "notification": "none", "marketing": "none",
    }  # fmt: skip
    assert consent["purposes"]["inquiry"]["until"] == "2027-02-18T15:00:00Z"
    world.later(days=91)
    over = client.get(f"/leads/{LEAD}").get_json()["consent"]
    assert (over["state"], states(over)["inquiry"]) == ("unknown", "none")
    assert over["purposes"]["inquiry"]["until"] == consent["purposes"]["inquiry"]["until"]


def test_an_older_inquiry_does_not_shorten_a_later_one(world: World, client: Client) -> None:
    world.text("Is it still there?")
    before = client.get(f"/leads/{LEAD}").get_json()["consent"]
    after = consent_after(client, {"basis": "inquiry", "evidence": {"at": "2026-09-01T10:00:00Z"}})

    assert after == before


def test_a_signature_opts_in_to_the_purposes_it_names(world: World, client: Client) -> None:
    consent = consent_after(client, signed("inquiry", "marketing"))

    assert consent["state"] == "opted_in"
    assert (consent["since"], consent["source"]) == ("2026-11-20T15:59:00Z", "api")
    assert states(consent) == {
        "reply": "none", "inquiry": "opted_in", "appointment": "none", "notification": "none", "marketing": "opted_in",
    }  # fmt: skip
    assert consent["purposes"]["marketing"]["basis"] == "express_written"
    assert world.verified()


def test_the_evidence_is_kept_word_for_word_with_its_hash(client: Client) -> None:
    consent_after(client, signed(utm_source="spring"))

    event = client.get(f"/consent/{LEAD}/events").get_json()["items"][0]
    evidence = event["evidence"]
    assert (event["kind"], event["method"], event["actor"]) == (
        "opt_in", "api", {"kind": "api_key", "id": str(client.key_id)},
    )  # fmt: skip
    assert {name: evidence[name] for name in SIGNED} == SIGNED
    assert (evidence["address"], evidence["utm_source"]) == (LEAD, "spring")
    assert evidence["disclosure_sha256"] == hashlib.sha256(SIGNED["disclosure"].encode()).hexdigest()
    assert evidence["claimed_purposes"] == ALL


@pytest.mark.parametrize(
    ("claim", "field"),
    [
        (signed(disclosure=None), "consent.evidence.disclosure"),
        (signed(disclosure="  "), "consent.evidence.disclosure"),
        (signed(disclosure_version=None), "consent.evidence.disclosure_version"),
        (signed(page_url=None), "consent.evidence.page_url"),
        (signed(at=None), "consent.evidence.at"),
        (signed(at="2026-11-20T16:30:00Z"), "consent.evidence.at"),
        (signed(checkbox_default=True), "consent.evidence.checkbox_default"),
        (signed(checkbox_value=False), "consent.evidence.checkbox_value"),
        (signed(bundled=True), "consent.evidence.bundled"),
        ({"basis": "express_written", "evidence": SIGNED}, "consent.purposes"),
        ({"basis": "express", "purposes": ["marketing"], "evidence": SIGNED}, "consent.purposes"),
        ({"basis": "express", "purposes": ["reply"], "evidence": SIGNED}, "consent.purposes"),
        ({"basis": "express", "purposes": ["inquiry"], "evidence": {"at": SIGNED["at"]}}, "consent.evidence"),
        ({"basis": "express", "purposes": ["inquiry"], "evidence": {"page_url": SIGNED["page_url"]}}, "consent.evidence.at"),
        ({"basis": "express", "purposes": ["inquiry"], "evidence": SIGNED | {"checkbox_default": True}},
         "consent.evidence.checkbox_default"),
        ({"basis": "inquiry", "purposes": ["marketing"]}, "consent.purposes"),
        ({"basis": "none"}, "consent.basis"),
    ],
)  # fmt: skip
def test_a_claim_without_what_shows_it_is_refused_whole(
    world: World, client: Client, claim: dict[str, Any], field: str
) -> None:
    answer = client.post_lead({"number": LEAD, "consent": claim})

    assert wrong_fields(answer) == {field}
    assert world.rows(Contact) == []


def test_a_signed_document_needs_no_page(client: Client) -> None:
    assert consent_after(client, signed(page_url=None, document="contract 77"))["state"] == "opted_in"


@pytest.mark.parametrize(
    "claim",
    [
        signed(),
        signed(at="2026-11-20T16:00:01Z"),
        {"basis": "express", "purposes": ["inquiry"], "evidence": SIGNED},
        {"basis": "inquiry"},
    ],
)
def test_nothing_a_caller_says_ends_a_stop(world: World, client: Client, claim: dict[str, Any]) -> None:
    world.text("STOP")
    world.later(seconds=10)
    consent = consent_after(client, claim)
    world.drain()

    assert consent["state"] == "opted_out"
    assert set(states(consent).values()) == {"opted_out"}
    assert set(consent["channels"].values()) == {"opted_out"}
    assert world.carrier.accepted == []
    kept = client.get(f"/consent/{LEAD}/events").get_json()["items"][-1]
    assert (kept["kind"], kept["rule"]) == ("inquiry", "claim.opt_out_stands")
    assert kept["evidence"]["claimed_basis"] == claim["basis"]


def test_what_was_signed_before_start_does_not_come_back_with_it(world: World, client: Client) -> None:
    world.text("STOP")
    consent_after(client, signed())
    world.text("START")

    consent = client.get(f"/leads/{LEAD}").get_json()["consent"]
    assert (consent["state"], states(consent)["marketing"]) == ("opted_in", "opted_out")


def test_after_start_marketing_comes_back_by_a_later_signature_alone(world: World, client: Client) -> None:
    world.text("STOP")
    world.text("START")
    world.later(minutes=2)
    older = states(consent_after(client, signed("marketing")))
    later = states(consent_after(client, signed("marketing", at="2026-11-20T16:01:00Z")))

    assert (older["marketing"], later["marketing"]) == ("opted_out", "opted_in")


def test_a_hold_is_settled_by_people_and_by_no_form(world: World, client: Client) -> None:
    with world.runtime.transaction(world.home.id) as session:
        session.add(Contact(tenant_id=world.home.id, address=LEAD, address_kind="number", country="US"))
        session.flush()
        contact = session.scalars(select(Contact).with_for_update()).one()
        hold = Fact(EventKind.HOLD, START, "sms_text", {})
        append(session, contact, world.runtime.cipher(world.home.data_key), hold, actor=SYSTEM, now=START)
    consent = consent_after(client, signed())

    assert consent["state"] == "held"
    assert states(consent) == {
        "reply": "none", "inquiry": "inquired", "appointment": "none", "notification": "none", "marketing": "none",
    }  # fmt: skip


def test_the_summary_of_nobody_names_every_purpose() -> None:
    summary = consent_summary(NOTHING, START)

    assert summary["state"] == "unknown"
    assert summary["channels"] == {"sms": "unknown", "voice": "unknown", "email": "unknown"}
    assert set(summary["purposes"]) == set(Purpose) - {Purpose.ACCOUNT, Purpose.COMPLIANCE}


def test_no_calls_ends_the_voice_channel_and_keeps_texts(world: World, client: Client) -> None:
    world.text("Don't call me, text me please")

    channels = client.get(f"/leads/{LEAD}").get_json()["consent"]["channels"]
    assert channels == {"sms": "inquired", "voice": "opted_out", "email": "unknown"}


def test_claims_and_texts_leave_a_chain_that_verifies(world: World, client: Client) -> None:
    world.text("Is it still there?")
    consent_after(client, signed())
    world.text("STOP")
    consent_after(client, signed())
    consent_after(client, {"basis": "inquiry"})

    assert len(world.ledger()) >= 5
    assert world.verified()


# ---- what the message itself says, and whose hours it moves ------------------------------------------------------------


def test_a_stop_in_the_message_of_a_lead_is_an_opt_out_and_its_claim_counts_for_nothing(
    world: World, client: Client
) -> None:
    for claim in (None, {"basis": "inquiry"}, signed()):
        answer = client.post_lead({"number": LEAD, "message": "Do not text me, ever", "consent": claim})
        world.drain()
        assert answer.get_json()["consent"]["state"] == "opted_out"

    assert [(event.kind, event.method) for event in world.ledger()] == [(EventKind.OPT_OUT, "api")] * 3
    assert world.carrier.accepted == []


def test_the_interface_places_only_whom_nobody_here_has_met_and_declares_no_zone(world: World, client: Client) -> None:
    place = {"postal_code": "96813", "state": "HI", "time_zone": "Pacific/Honolulu"}
    world.text("Is it still there?")
    client.post_lead({"number": LEAD, **place})
    client.post_lead({"number": "+13125550172", **place})

    known, new = world.contact(), world.contact("+13125550172")
    assert (known.postal_code, known.region, known.declared_zone) == (None, None, None)
    assert (new.postal_code, new.region, new.declared_zone) == ("96813", "HI", None)
    fields = [client.get(f"/leads/{number}").get_json()["fields"] for number in (LEAD, "+13125550172")]
    assert fields == [place, {"time_zone": "Pacific/Honolulu"}]
