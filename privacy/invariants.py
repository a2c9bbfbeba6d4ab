"""Holds the message log of a tenant against its ledger: nothing was sent that the ledger does not bear out.

The judgement of texts is the one of the passport's stand-alone check: it reads the raw events and shares nothing with
the policy that let the texts go. The states are folded by the product's own code, from all events, and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Result, Row, String, select, type_coerce

from consent.ledger import STORED, entries, in_one_snapshot
from consent.models import ConsentEvent, Contact, DecisionRow, Permit
from consent.state import fold, state_from_json
from conversations.models import Conversation, Direction, Message
from privacy.verify_passport import Event, wrong_sends
from privacy.verify_passport import Permit as Granted
from privacy.verify_passport import allowed as allowed_by
from privacy.verify_passport import text as text_of
from smsbot.database import TenantSession
from smsbot.runtime import Runtime

CONTACTS_AT_ONCE = 100  # and fewer where their ledgers are long: what is held in memory has a limit
EVENTS_AT_ONCE = 5_000
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Violation:
    """A text, or the state of a contact, that the ledger does not bear out."""

    contact_id: UUID
    message_id: UUID | None
    seq: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Held:
    """How much was held against the ledger."""

    contacts: int = 0
    events: int = 0
    decisions: int = 0
    sent: int = 0

    def __add__(self, other: Held) -> Held:
        return Held(
            self.contacts + other.contacts,
            self.events + other.events,
            self.decisions + other.decisions,
            self.sent + other.sent,
        )


def check(runtime: Runtime, tenant_id: UUID) -> Held | Violation:
    """The first violation of this tenant, by contact; how much was looked at when there is none.

    Each batch of contacts is one snapshot: what is sent meanwhile does not look like a violation.
    """
    total = Held()
    for found in checks(runtime, tenant_id):
        if isinstance(found, Violation):
            return found
        total += found
    return total


def checks(
    runtime: Runtime, tenant_id: UUID, *, contacts: int = CONTACTS_AT_ONCE, events: int = EVENTS_AT_ONCE
) -> Iterator[Held | Violation]:
    """Every violation of this tenant, and after each batch how much was looked at.

    A batch is so many contacts at most, and fewer when their ledgers have more than so many events together.
    """
    after = NOBODY
    while True:
        with runtime.transaction(tenant_id) as session:
            in_one_snapshot(session)
            batch = _next_contacts(session, after, contacts, events)
            if not batch:
                return
            rows = _Rows(session, batch)
        yield from rows.violations()
        yield rows.held
        after = batch[-1].id


def _next_contacts(session: TenantSession, after: UUID, most: int, most_events: int) -> Sequence[Contact]:
    """The next contacts by id, at least one."""
    contacts = session.scalars(
        select(Contact)
        .where(Contact.tenant_id == session.tenant_id, Contact.id > after)
        .order_by(Contact.id)
        .limit(most)
    ).all()
    events = 0
    for place, contact in enumerate(contacts):
        events += contact.ledger_seq
        if events > most_events:
            return contacts[: max(1, place)]
    return contacts


MESSAGE = (
    "id", "contact_id", "purpose", "author", "consent_event_id", "permit_id", "sending_at", "provider_sid", "state",
)  # fmt: skip
DECISION = ("contact_id", "message_id", "at", "purpose", "consent_event_id", "permit_id", "inputs")


class _Rows:
    """What a batch of contacts has in the ledger and in the message log."""

    def __init__(self, session: TenantSession, contacts: Sequence[Contact]) -> None:
        tenant_id = session.tenant_id
        ids = [contact.id for contact in contacts]
        self.contacts = contacts
        self.events = _by_contact(
            session.execute(
                select(*STORED)
                .where(ConsentEvent.tenant_id == tenant_id, ConsentEvent.contact_id.in_(ids))
                .order_by(ConsentEvent.contact_id, ConsentEvent.seq)
            )
        )
        permits = (Permit.id, Permit.contact_id, Permit.event_id, Permit.expires_at, Permit.used_by)
        self.permits = _by_contact(
            session.execute(
                select(*permits, type_coerce(Permit.kind, String).label("kind")).where(
                    Permit.tenant_id == tenant_id, Permit.contact_id.in_(ids)
                )
            )
        )
        # By their conversations: there an index leads to them.
        threads = select(Conversation.id).where(Conversation.tenant_id == tenant_id, Conversation.contact_id.in_(ids))
        outbound = (
            Message.tenant_id == tenant_id,
            Message.conversation_id.in_(threads),
            Message.direction == Direction.OUTBOUND,
        )
        self.messages = _by_contact(
            session.execute(
                select(*(getattr(Message, name) for name in MESSAGE))
                .where(*outbound)
                .order_by(Message.created_at, Message.id)
            )
        )
        self.decisions = _by_contact(
            session.execute(
                select(*(getattr(DecisionRow, name) for name in DECISION))
                .join(Message, (Message.tenant_id == DecisionRow.tenant_id) & (Message.id == DecisionRow.message_id))
                .where(*outbound, DecisionRow.outcome == "allow")
                .order_by(DecisionRow.at, DecisionRow.id)
            )
        )
        sent = sum(text_of(row._asdict(), _as_it_is).was_sent for rows in self.messages.values() for row in rows)
        self.held = Held(len(contacts), _count(self.events), _count(self.decisions), sent)

    def violations(self) -> Iterator[Violation]:
        for contact in self.contacts:
            yield from self._violations_of(contact)

    def _violations_of(self, contact: Contact) -> Iterator[Violation]:
        rows = self.events.get(contact.id, [])
        if not _is_fold(contact, rows):
            yield Violation(contact.id, None, len(rows), "the contact's state is not the fold of its events")
        events = [Event(str(e.id), e.seq, e.kind, tuple(e.purposes), e.basis, e.recorded_at) for e in rows]
        if [event.seq for event in events] != list(range(1, len(events) + 1)):
            yield Violation(contact.id, None, None, "the contact's ledger has a gap")
            return
        permits = {
            str(p.id): Granted(
                str(p.id),
                str(p.event_id),
                p.kind,
                p.expires_at,
                str(p.used_by) if p.used_by else None,
            )
            for p in self.permits.get(contact.id, [])
        }
        allowed = [allowed_by(row._asdict(), _as_it_is) for row in self.decisions.get(contact.id, [])]
        texts = [text_of(row._asdict(), _as_it_is) for row in self.messages.get(contact.id, [])]
        for flaw in wrong_sends(events, permits, allowed, texts):
            yield Violation(contact.id, UUID(flaw.id) if flaw.id else None, flaw.seq, flaw.what)


def _is_fold(contact: Contact, rows: Sequence[Row[Any]]) -> bool:
    """Whether the stored state is what the events say; what nobody writes is not."""
    try:
        return state_from_json(contact.consent) == fold(entries(rows))
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _by_contact(rows: Result[Any]) -> dict[UUID, list[Row[Any]]]:
    found: dict[UUID, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.contact_id, []).append(row)
    return found


def _count(rows: Mapping[UUID, Sequence[Row[Any]]]) -> int:
    return sum(map(len, rows.values()))


def _as_it_is(at: datetime) -> datetime:
    return at
