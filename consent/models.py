"""The tables of consent: contacts (the row that is locked), the ledger, its erasable evidence, permits, decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from consent.purposes import PermitKind, Purpose
from consent.state import EventKind
from smsbot.database import Base, UtcDateTime, words


class Contact(Base):
    """One person's number at one tenant. This row is the lock that orders a STOP against a send."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "address"),
        Index("ix_contacts_unsealed", "tenant_id", "id", postgresql_where=text("ledger_seq > sealed_seq")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    address: Mapped[str] = mapped_column(
        String(140)
    )  # E.164, or a short code, rcs:, whatsapp: … as the carrier says it
    address_kind: Mapped[str] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(3))
    language: Mapped[str | None] = mapped_column(String(8))
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    last_inbound_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    unreachable_code: Mapped[int | None]  # the carrier's word that no text can arrive here
    blocked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())  # by staff: spam, abuse
    wrong_number_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    consent: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))  # fold of the ledger
    ledger_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    ledger_hash: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("'\\x'::bytea"))
    sealed_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class ConsentEvent(Base):
    """One thing that changed what we may send to a person. Never updated, never deleted.

    Holds no personal data: the contact's id, and the hash of evidence that can be erased on its own.
    """

    __tablename__ = "consent_events"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "contact_id", "seq"),
        ForeignKeyConstraint(["tenant_id", "contact_id"], ["contacts.tenant_id", "contacts.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    contact_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)  # 1, 2, 3 … without a gap within a contact
    kind: Mapped[EventKind] = mapped_column(words(EventKind))
    purposes: Mapped[list[str]] = mapped_column(JSONB)
    basis: Mapped[str | None] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(10))
    scope: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime())  # when the person did it
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime())
    rule: Mapped[str | None] = mapped_column(String(80))
    rule_version: Mapped[str | None] = mapped_column(String(40))
    message_id: Mapped[UUID | None]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    evidence_hash: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256(salt + canonical JSON): survives erasure
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class ConsentEvidence(Base):
    """What identifies: number, words, form text, IP. Encrypted, deleted on erasure; the event keeps its hash."""

    __tablename__ = "consent_evidence"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "event_id"], ["consent_events.tenant_id", "consent_events.id"]),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class LedgerHead(Base):
    """A seal: the ends of the chains that grew since the last one, chained per tenant, made each minute."""

    __tablename__ = "ledger_heads"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    ends: Mapped[list[list[Any]]] = mapped_column(JSONB)  # [contact id, seq, hash in hex]
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Permit(Base):
    """Permission for exactly one compliance text, tied to the event that caused it."""

    __tablename__ = "permits"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "contact_id"], ["contacts.tenant_id", "contacts.id"]),
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "event_id", "kind"),
        ForeignKeyConstraint(["tenant_id", "event_id"], ["consent_events.tenant_id", "consent_events.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    contact_id: Mapped[UUID]
    event_id: Mapped[UUID]
    kind: Mapped[PermitKind] = mapped_column(words(PermitKind))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime())
    used_by: Mapped[UUID | None]  # the message that used it up
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class DecisionRow(Base):
    """One passage through the gate: what was known, which rules applied, what came out."""

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "permit_id"], ["permits.tenant_id", "permits.id"]),
        ForeignKeyConstraint(["tenant_id", "consent_event_id"], ["consent_events.tenant_id", "consent_events.id"]),
        ForeignKeyConstraint(["tenant_id", "contact_id"], ["contacts.tenant_id", "contacts.id"]),
        UniqueConstraint("tenant_id", "id"),
        Index("ix_decisions_message", "tenant_id", "message_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    message_id: Mapped[UUID]
    contact_id: Mapped[UUID]
    purpose: Mapped[Purpose] = mapped_column(words(Purpose))
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    outcome: Mapped[str] = mapped_column(String(10))  # allow, defer, block
    reason: Mapped[str | None] = mapped_column(String(30))
    until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    rule: Mapped[str] = mapped_column(String(60))
    consent_event_id: Mapped[UUID | None]
    permit_id: Mapped[UUID | None]
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)  # ids and values, enough to decide again
    versions: Mapped[dict[str, str]] = mapped_column(JSONB)
