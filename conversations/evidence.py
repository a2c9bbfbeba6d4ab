"""Consent that people gave on paper or aloud, as staff saw or heard it; and which claims a ledger holds already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select

from consent.disclosures import blocks, lint_seen
from consent.ledger import canonical_json, lock, state_of
from consent.models import ConsentEvent, ConsentEvidence
from consent.purposes import Purpose
from consent.state import Basis, EventKind
from conversations.leads import CLAIMABLE, ConsentClaim, InvalidLead, NewLead, Objection, claim_objections, record_claim
from conversations.models import Conversation
from conversations.staff import CAUSE, conversation_of
from smsbot.accounts import tenant_of
from smsbot.actor import Actor, ActorKind, Role
from smsbot.crypto import DataCipher, DecryptionFailed
from smsbot.database import TenantSession
from smsbot.errors import InvalidInput
from smsbot.events import record
from smsbot.runtime import Runtime
from smsbot.tenancy import Number, Tenant
from smsbot.texts import cleaned

LONGEST_WORDS = 5_000
LONGEST_DOCUMENT = 500
LONGEST_WITNESS = 120
LARGEST_SCAN = 5 * 1024 * 1024  # bytes
SCANS = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
RESTRICTED = "what may be done with their data is restricted: lift that first"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
VERSION_DIGITS = 12
ANSWERS = (Role.OWNER, Role.MANAGER, Role.COMPLIANCE)  # whose word stands for a signature that nobody scanned
SCAN_NEEDED = "choose the scan of what they signed, or have an owner, manager or compliance officer record it"
CANADA = "CA"

# Where a claim stood: the row of a list. Two lists may say the same of somebody, and it is said once then.
LIST_NAME, LIST_SHA256, LIST_ROW = "list_name", "list_sha256", "list_row"
NOT_SAID = (
    "address", "our_number", "words", "disclosure_sha256", "lacks", LIST_NAME, LIST_SHA256, LIST_ROW,
)  # fmt: skip
CLAIMS = (EventKind.INQUIRY, EventKind.OPT_IN_PENDING, EventKind.OPT_IN, EventKind.UNVERIFIED)


class How(StrEnum):
    """In which way somebody agreed; also the method of the event."""

    PAPER = "paper"
    VOICE = "voice"
    IN_PERSON = "in_person"


class Outcome(StrEnum):
    """What became of what staff recorded."""

    GRANTED = "granted"
    KEPT = "kept"  # an opt-out or a hold stands: the evidence is in the ledger and permits no texts
    KNOWN = "known"  # the ledger says the same already


@dataclass(frozen=True, slots=True)
class Scan:
    """What is kept of a file that shows the agreement: enough to know it again, not the file."""

    name: str
    sha256: str
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What staff saw or heard. `words` are the exact ones that were agreed to; `at` is when, and is aware."""

    how: How
    at: datetime | None
    purposes: Sequence[Purpose]
    words: str = field(repr=False)
    heard_by: str = field(repr=False)
    signed: bool = False
    document: str = field(default="", repr=False)
    scan: Scan | None = field(default=None, repr=False)


def scan_of(name: str, content: bytes) -> Scan | None:
    """What is kept of this file; None when there is none. Raises InvalidInput("scan", …) for anything but a scan."""
    if not content:
        return None
    if len(content) > LARGEST_SCAN:
        raise InvalidInput("scan", f"the file may have at most {LARGEST_SCAN // 1024 // 1024} MB")
    content_type = next((kind for magic, kind in SCANS.items() if content.startswith(magic)), None)
    if content_type is None:
        raise InvalidInput("scan", "give a PDF, PNG or JPEG")
    shown = " ".join(cleaned(name.replace("\\", "/").rpartition("/")[2]).text.split())[:200]
    return Scan(shown or "scan", hashlib.sha256(content).hexdigest(), len(content), content_type)


def record_agreement(
    runtime: Runtime, tenant_id: UUID, actor: Actor, conversation_id: UUID, agreement: Agreement
) -> Outcome:
    """Put into the ledger what somebody agreed to; a signature is `express_written`, everything else `express`.

    A signature needs its scan, or one of ANSWERS to record it; a purpose that they ended comes back by both together.
    Words that agree to marketing say what such words must. It ends no STOP and no hold (C-047): then the evidence is kept
    and permits nothing. The same once more is one event.
    Raises InvalidLead with everything that is missing, and NotFound for a lead that this actor may not see.
    """
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        conversation = conversation_of(session, actor, conversation_id)
        tenant = tenant_of(session, tenant_id)
        claim, found = _claim_of(agreement, tenant, actor, now)
        if found:
            raise InvalidLead(found)
        contact = lock(session, conversation.contact_id)
        assert contact is not None  # the conversation's foreign key
        conversation_of(session, actor, conversation_id)  # a colleague may have picked it up while we waited
        if state_of(contact).restricted is not None:
            raise InvalidLead([Objection("words", RESTRICTED)])
        cipher = runtime.cipher(tenant.data_key)
        if fingerprint_of(claim) in claims_held(session, [contact.id], cipher).get(contact.id, ()):
            return Outcome.KNOWN
        new = NewLead(number=contact.address, consent=claim)
        ours = _our_number(session, conversation)
        recorded = record_claim(session, contact, cipher, new, claim, our_number=ours, actor=actor, now=now)
        if recorded is None:
            return Outcome.KNOWN
        kind, event_id = recorded
        record(
            session,
            "consent.recorded",
            at=now,
            actor=actor,
            cause=CAUSE,
            contact_id=contact.id,
            conversation_id=conversation.id,
            details={"consent": kind.value, "event": str(event_id), "how": agreement.how.value},
        )
        return Outcome.GRANTED if kind is EventKind.OPT_IN else Outcome.KEPT


def _claim_of(
    agreement: Agreement, tenant: Tenant, actor: Actor, now: datetime
) -> tuple[ConsentClaim, list[Objection]]:
    """The agreement as a claim, and what is missing, by the field of the form."""
    found = []
    words = cleaned(agreement.words).text.strip()
    document = " ".join(cleaned(agreement.document).text.split())
    heard_by = " ".join(cleaned(agreement.heard_by).text.split())
    for name, text, longest in (
        ("words", words, LONGEST_WORDS),
        ("document", document, LONGEST_DOCUMENT),
        ("heard_by", heard_by, LONGEST_WITNESS),
    ):
        if len(text) > longest:
            found.append(Objection(name, f"give at most {longest} characters"))
    if not words:
        found.append(Objection("words", "give the exact words that they agreed to"))
    if not heard_by:
        found.append(Objection("heard_by", "say who saw or heard it"))
    if agreement.how is How.PAPER and not document and agreement.scan is None:
        found.append(Objection("document", "say where the paper is kept, or choose its scan"))
    if agreement.signed and agreement.how is not How.PAPER:
        found.append(Objection("signed", "only paper carries a signature"))
    if agreement.at is not None and agreement.at < EARLIEST:
        found.append(Objection("at", "this is too long ago"))
    version = hashlib.sha256(words.encode("utf-8")).hexdigest()[:VERSION_DIGITS]
    scan = agreement.scan
    claim = ConsentClaim(
        Basis.EXPRESS_WRITTEN if agreement.signed and agreement.how is How.PAPER else Basis.EXPRESS,
        tuple(purpose for purpose in CLAIMABLE if purpose in agreement.purposes),
        agreement.at,
        {
            "how": agreement.how.value,
            "at": agreement.at.astimezone(UTC).isoformat() if agreement.at else None,
            "disclosure": words,
            "disclosure_version": f"sha256:{version}",  # paper has no version: its words are one
            "document": document or (scan.name if scan else None),
            "heard_by": heard_by,
            "scan": None if scan is None else [scan.name, scan.sha256, scan.size, scan.content_type],
        },
        method=agreement.how.value,
        may_revive=scan is not None and _answers(actor),
    )
    if Purpose.MARKETING in claim.purposes and words:
        country = CANADA if CANADA in tenant.countries else "US"
        lacking = [one for one in lint_seen(words, tenant.brand, claim.purposes, country=country) if blocks([one])]
        if lacking:
            found.append(Objection("words", "; ".join(one.what_to_do for one in lacking)))
    if claim.basis is Basis.EXPRESS_WRITTEN and scan is None and not _answers(actor):
        found.append(Objection("scan", SCAN_NEEDED))
    named = {"disclosure": "words", "page_url": "document", "evidence": "words"}
    for objection in claim_objections(claim, now):
        last = objection.field.rpartition(".")[2]
        name = named.get(last, last)
        if name not in [other.field for other in found]:
            found.append(Objection(name, objection.detail))
    return claim, found


def _answers(actor: Actor) -> bool:
    """Whether this actor answers for what the business may send."""
    return actor.kind is ActorKind.SYSTEM or actor.role in ANSWERS


def _our_number(session: TenantSession, conversation: Conversation) -> str:
    return session.scalars(
        select(Number.number).where(Number.tenant_id == session.tenant_id, Number.id == conversation.number_id)
    ).one()


# ---- what is in the ledger already ------------------------------------------------------------------------------------


def fingerprint(evidence: Mapping[str, Any]) -> bytes:
    """Tells one claim from another: basis, purposes, time and everything that shows it, but not where it stood."""
    said = {name: value for name, value in evidence.items() if name not in NOT_SAID}
    return hashlib.sha256(canonical_json(said)).digest()


def fingerprint_of(claim: ConsentClaim) -> bytes:
    """The same of a claim that is not recorded yet."""
    return fingerprint(
        {
            **claim.evidence,
            "claimed_basis": claim.basis.value,
            "claimed_purposes": [purpose.value for purpose in claim.purposes],
        }
    )


def claims_held(session: TenantSession, contact_ids: Sequence[UUID], cipher: DataCipher) -> dict[UUID, set[bytes]]:
    """By contact, the fingerprints of what has been claimed for them; what was erased is not among them."""
    rows = session.execute(
        select(ConsentEvent.contact_id, ConsentEvent.id, ConsentEvidence.content)
        .join(
            ConsentEvidence,
            (ConsentEvidence.tenant_id == ConsentEvent.tenant_id) & (ConsentEvidence.event_id == ConsentEvent.id),
        )
        .where(
            ConsentEvent.tenant_id == session.tenant_id,
            ConsentEvent.contact_id.in_(contact_ids),
            ConsentEvent.kind.in_(CLAIMS),
            ConsentEvent.message_id.is_(None),
        )
    )
    held: dict[UUID, set[bytes]] = {}
    for contact_id, event_id, content in rows:
        try:
            evidence = cipher.decrypt(
                content, tenant_id=session.tenant_id, table="consent_evidence", column="content", row=event_id
            )
        except DecryptionFailed:
            continue  # `consent verify` names it
        held.setdefault(contact_id, set()).add(fingerprint(json.loads(evidence)))
    return held
