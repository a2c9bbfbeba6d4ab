"""`manage.py consent export`: all that we hold about one person's consent, with its proof."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select

from commands.composition import cipher_of, open_runtime, tenant_named
from commands.options import tenant_option
from consent.ledger import HASHED
from consent.models import ConsentEvent, ConsentEvidence, Contact, DecisionRow, LedgerHead
from conversations.models import Message, MessageEvent
from smsbot.crypto import DataCipher
from smsbot.database import Base, TenantSession
from smsbot.errors import InvalidInput, NotFound
from smsbot.phone import AddressKind, address, e164

CONTACT = ("id", "address", "address_kind", "country", "language", "consent", "ledger_seq", "created_at")
MESSAGE = (
    "id", "direction", "author", "purpose", "kind", "body", "language", "state", "reason", "error_code", "provider_sid",
    "segments", "in_reply_to", "consent_event_id", "permit_id", "created_at", "sent_at",
)  # fmt: skip
DECISION = (
    "id", "message_id", "purpose", "at", "outcome", "reason", "until", "rule", "consent_event_id", "permit_id",
    "inputs", "versions",
)  # fmt: skip
REPORT = ("message_id", "at", "provider_sid", "status", "error_code")
NO_NUMBER = "--number: give the number in E.164, such as +13125550171"
HEAD = ("seq", "at", "prev_hash", "hash")


@click.command
@tenant_option
@click.option("--number", required=True, help="The person's number.")
def command(tenant_id: UUID, number: str) -> None:
    """Print one JSON document: contact, events, evidence, messages, decisions, and the seals that cover them.

    Evidence is readable, or null where it was erased; hashes are hexadecimal.
    """
    if not number.strip():
        raise InvalidInput("number", NO_NUMBER)
    with open_runtime() as runtime:
        tenant = tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            contact = session.scalars(
                select(Contact).where(Contact.tenant_id == tenant_id, Contact.address == _address(number))
            ).first()
            if contact is None and address(number).kind is AddressKind.OTHER:
                raise InvalidInput("number", NO_NUMBER)
            if contact is None:
                raise NotFound("--number: this tenant knows no such number")
            document = _document(session, contact, cipher_of(runtime, tenant))
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))


def _address(number: str) -> str:
    known = address(number)
    if known.e164 is not None or not number.strip()[:1].isdigit():
        return known.value
    try:
        return e164(number)
    except InvalidInput:
        return known.value


def _document(session: TenantSession, contact: Contact, cipher: DataCipher) -> dict[str, Any]:
    tenant_id = session.tenant_id
    events = session.scalars(
        select(ConsentEvent)
        .where(ConsentEvent.tenant_id == tenant_id, ConsentEvent.contact_id == contact.id)
        .order_by(ConsentEvent.seq)
    ).all()
    proofs = {
        proof.event_id: proof
        for proof in session.scalars(
            select(ConsentEvidence).where(
                ConsentEvidence.tenant_id == tenant_id, ConsentEvidence.event_id.in_([event.id for event in events])
            )
        )
    }
    messages = session.scalars(
        select(Message)
        .where(Message.tenant_id == tenant_id, Message.contact_id == contact.id)
        .order_by(Message.created_at, Message.direction, Message.id)
    ).all()
    decisions = session.scalars(
        select(DecisionRow)
        .where(DecisionRow.tenant_id == tenant_id, DecisionRow.contact_id == contact.id)
        .order_by(DecisionRow.at, DecisionRow.id)
    ).all()
    reports = session.scalars(
        select(MessageEvent)
        .where(MessageEvent.tenant_id == tenant_id, MessageEvent.message_id.in_([m.id for m in messages]))
        .order_by(MessageEvent.at, MessageEvent.id)
    ).all()
    heads = session.scalars(select(LedgerHead).where(LedgerHead.tenant_id == tenant_id).order_by(LedgerHead.seq)).all()
    covering = [head for head in heads if any(end[0] == str(contact.id) for end in head.ends)]
    return {
        "contact": _columns(contact, CONTACT),
        "events": [
            {
                **_columns(event, (*HASHED, "prev_hash", "hash")),
                "evidence": _evidence(proofs.get(event.id), cipher),
                "salt": None if event.id not in proofs else proofs[event.id].salt.hex(),
            }
            for event in events
        ],
        "messages": [_columns(message, MESSAGE) for message in messages],
        "decisions": [_columns(decision, DECISION) for decision in decisions],
        "callbacks": [_columns(report, REPORT) for report in reports],
        "seals": [
            {**_columns(head, HEAD), "ends": [end for end in head.ends if end[0] == str(contact.id)]}
            for head in covering
        ],
    }


def _evidence(proof: ConsentEvidence | None, cipher: DataCipher) -> Any:
    if proof is None:
        return None
    return json.loads(
        cipher.decrypt(
            proof.content, tenant_id=proof.tenant_id, table="consent_evidence", column="content", row=proof.event_id
        )
    )


def _columns(row: Base, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case bytes() | memoryview():
            return bytes(value).hex()
        case UUID():
            return str(value)
        case _:
            return value
