"""What is held about one person: as values for their own page, and as one archive for them to keep (C-120)."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from consent.ledger import state_of
from consent.models import Contact, DecisionRow
from consent.reading import LedgerEvent, consent_summary, events_of
from conversations.models import WAITING, Conversation, Direction, Lead, Media, Message, State
from conversations.pictures import content_of
from privacy.requests import contact_there
from smsbot.accounts import tenant_of
from smsbot.actor import Actor
from smsbot.crypto import DecryptionFailed
from smsbot.database import TenantSession
from smsbot.events import record
from smsbot.phone import national
from smsbot.runtime import Runtime
from smsbot.tenancy import Number, Tenant

EXPORTED = "privacy.exported"
SHOWN_TEXTS, SHOWN_EVENTS = 50, 100
EVENTS_AT_ONCE = 1_000
NEVER_WAS_SAID = (*WAITING, State.CANCELED, State.BLOCKED)  # words that nobody has sent
FORMULA = ("=", "+", "-", "@", "\t", "\r")
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "application/pdf": "pdf"}


@dataclass(frozen=True, slots=True)
class Text:
    """One text as the person knows it."""

    at: datetime
    theirs: bool
    words: str = field(repr=False)
    pictures: int


@dataclass(frozen=True, slots=True)
class Held:
    """What the business holds. `texts` and `events` are the newest ones, newest first; the archive has all."""

    contact_id: UUID
    brand: str
    phone: str  # where somebody answers
    our_number: str  # that texts come from
    email: str | None
    zone: str
    number: str = field(repr=False)
    name: str | None = field(repr=False)
    language: str | None
    source: str | None
    fields: Mapping[str, Any] = field(repr=False)
    postal_code: str | None = field(repr=False)
    region: str | None
    declared_zone: str | None
    hours: Mapping[str, Any] | None
    known_since: datetime
    consent: Mapping[str, Any]
    texts: Sequence[Text]
    text_count: int
    events: Sequence[LedgerEvent]
    event_count: int


def held(runtime: Runtime, tenant_id: UUID, contact_id: UUID) -> Held:
    """What is held of this person. Reads only. Raises NotFound, also for one that was erased."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        contact = contact_there(session, contact_id)
        tenant = tenant_of(session, tenant_id)
        lead, ours = _lead(session, contact), _our_number(session, contact)
        said = (
            Message.tenant_id == tenant_id,
            Message.contact_id == contact.id,
            Message.state.not_in(NEVER_WAS_SAID),
        )
        newest = select(Message).where(*said).order_by(Message.created_at.desc(), Message.id).limit(SHOWN_TEXTS)
        texts = session.scalars(newest).all()
        first = max(0, contact.ledger_seq - SHOWN_EVENTS)
        cipher = runtime.cipher(tenant.data_key)
        events = events_of(session, contact.id, cipher, after_seq=first, limit=SHOWN_EVENTS)
        return Held(
            contact_id=contact.id,
            brand=tenant.brand,
            phone=tenant.help_phone or ours,
            our_number=ours,
            email=tenant.help_email,
            zone=tenant.zone,
            number=contact.address,
            name=lead.name if lead else None,
            language=(lead.language if lead else None) or contact.language,
            source=lead.source if lead else None,
            fields=dict(lead.fields or {}) if lead else {},
            postal_code=contact.postal_code,
            region=contact.region,
            declared_zone=contact.declared_zone,
            hours=contact.hours,
            known_since=contact.created_at,
            consent=consent_summary(state_of(contact).at(now), now),
            texts=[Text(m.created_at, m.direction is Direction.INBOUND, m.body, m.media_count) for m in texts],
            text_count=session.scalars(select(func.count(Message.id)).where(*said)).one(),
            events=events[::-1],
            event_count=contact.ledger_seq,
        )


def archive(runtime: Runtime, tenant_id: UUID, contact_id: UUID, *, actor: Actor, cause: str) -> bytes:
    """A ZIP with everything that is held: `person.json`, `messages.csv`, `consent.csv`, and pictures under `files/`.

    That it was taken is recorded. Raises NotFound.
    """
    now = runtime.clock.now()
    shown = held(runtime, tenant_id, contact_id)
    with runtime.transaction(tenant_id) as session:
        contact = contact_there(session, contact_id)
        tenant = tenant_of(session, tenant_id)
        cipher = runtime.cipher(tenant.data_key)
        mine = (Message.tenant_id == tenant_id, Message.contact_id == contact.id)
        messages = [_message(m) for m in session.scalars(select(Message).where(*mine).order_by(Message.created_at))]
        events = [_event(e) for e in _all_events(session, contact, cipher)]
        decisions = [
            _decision(d)
            for d in session.scalars(
                select(DecisionRow)
                .join(Message, (Message.tenant_id == DecisionRow.tenant_id) & (Message.id == DecisionRow.message_id))
                .where(*mine, DecisionRow.contact_id == contact.id)
                .order_by(DecisionRow.at)
            )
        ]
        files = dict(_files(runtime, session, tenant, mine))
        record(session, EXPORTED, at=now, actor=actor, cause=cause, contact_id=contact.id)
    person = {
        "made_at": now,
        "business": {"name": shown.brand, "phone": shown.phone, "email": shown.email},
        "you": {
            name: getattr(shown, name)
            for name in (
                "number", "name", "language", "source", "fields", "postal_code", "region", "declared_zone", "hours",
                "known_since",
            )
        },
        "consent": shown.consent,
        "consent_events": events,
        "messages": messages,
        "decisions": decisions,
        "files": sorted(files),
    }  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archived:
        archived.writestr("person.json", json.dumps(person, default=_plain, ensure_ascii=False, indent=1))
        archived.writestr("messages.csv", _table(messages))
        archived.writestr("consent.csv", _table(events))
        for name, content in files.items():
            archived.writestr(f"files/{name}", content)
    return packed.getvalue()


def _lead(session: TenantSession, contact: Contact) -> Lead | None:
    return session.scalars(
        select(Lead).where(Lead.tenant_id == session.tenant_id, Lead.contact_id == contact.id)
    ).first()


def _our_number(session: TenantSession, contact: Contact) -> str:
    """The number that they know: of their conversation, else the tenant's first."""
    theirs = select(Conversation.number_id).where(
        Conversation.tenant_id == session.tenant_id, Conversation.contact_id == contact.id
    )
    first = session.scalars(
        select(Number.number)
        .where(Number.tenant_id == session.tenant_id)
        .order_by(Number.id.in_(theirs).desc(), Number.created_at, Number.id)
    ).first()
    return national(first) if first else ""


def _all_events(session: TenantSession, contact: Contact, cipher: Any) -> Iterator[LedgerEvent]:
    seq = 0
    while found := events_of(session, contact.id, cipher, after_seq=seq, limit=EVENTS_AT_ONCE):
        yield from found
        seq = found[-1].seq


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "at": message.created_at,
        "from": "you" if message.direction is Direction.INBOUND else "us",
        "written_by": message.author,
        "purpose": message.purpose,
        "words": message.body,
        "state": message.state,
        "reason": message.reason,
        "sent_at": message.sent_at,
        "pictures": message.media_count,
        "permitted_by": message.consent_event_id,
    }


def _event(event: LedgerEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "what": event.kind,
        "how": event.method,
        "purposes": list(event.purposes),
        "rule": event.rule,
        "evidence": event.evidence,
    }


def _decision(decision: DecisionRow) -> dict[str, Any]:
    return {
        "message": decision.message_id,
        "at": decision.at,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "until": decision.until,
        "rule": decision.rule,
        "inputs": decision.inputs,
    }


def _files(
    runtime: Runtime, session: TenantSession, tenant: Tenant, mine: tuple[Any, ...]
) -> Iterator[tuple[str, bytes]]:
    kept = (
        select(Media)
        .join(Message, (Message.tenant_id == Media.tenant_id) & (Message.id == Media.message_id))
        .where(*mine, Media.content.is_not(None))
        .order_by(Media.created_at)
    )
    for media in session.scalars(kept):
        try:
            content = content_of(runtime, tenant.data_key, media, tenant.id)
        except DecryptionFailed:
            continue
        if content is not None:
            yield f"{media.message_id}-{media.position}.{SUFFIXES.get(media.content_type, 'bin')}", content


def _table(rows: Iterable[Mapping[str, Any]]) -> str:
    """As CSV that a spreadsheet opens without running anything of it."""
    rows = list(rows)
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(rows[0] if rows else ())
    table.writerows([_cell(value) for value in row.values()] for row in rows)
    return written.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, default=_plain, ensure_ascii=False)
    text = text.strip('"') if not isinstance(value, dict | list | str) else text
    return f"'{text}" if text.startswith(FORMULA) else text


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case _:
            return str(value)
