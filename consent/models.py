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
    SmallInteger,
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
    declared_zone: Mapped[str | None] = mapped_column(String(64))  # as they or staff said, an IANA name
    postal_code: Mapped[str | None] = mapped_column(String(12))  # from a form, the API, staff or their words only
    region: Mapped[str | None] = mapped_column(String(3))  # state or province of their address
    hours: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # when they want to be texted
    line_type: Mapped[str | None] = mapped_column(String(20))  # the carrier's word: mobile, landline, fixedVoip …
    line_type_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
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
    """A seal: the ends of the chains that grew since the last one, chained per tenant, made each minute.

    One of version 1 hashes the list of those ends; since version 2 the root of the tree of every contact's end.
    """

    __tablename__ = "ledger_heads"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    ends: Mapped[list[list[Any]]] = mapped_column(JSONB)  # [contact id, seq, hash in hex]
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    root: Mapped[bytes | None] = mapped_column(LargeBinary)


class LedgerNode(Base):
    """A place in the tree of the ends, as one seal changed it; it holds until a later seal changes it again."""

    __tablename__ = "ledger_nodes"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    place: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # the steps from the root, one byte each
    seal: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # `consent verify` finds one that is gone
    content: Mapped[bytes] = mapped_column(LargeBinary)  # of a node its hash, of a bucket its keys and values


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


class PolicySetting(Base):
    """One choice that a tenant has made about its texts, from a moment on. Never changed: a later row takes its place.

    `subject` tells rows of one name apart: the state of an emergency; "" for everything else.
    """

    __tablename__ = "policy_settings"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index("ix_policy_settings_current", "tenant_id", "name", "subject", "effective_from"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(20), server_default=text("''"))
    value: Mapped[Any] = mapped_column(JSONB)
    effective_from: Mapped[datetime] = mapped_column(UtcDateTime())
    set_at: Mapped[datetime] = mapped_column(UtcDateTime())
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]


class Form(Base):
    """A page of ours on which people ask and agree. Its address ends in `token`, which is public."""

    __tablename__ = "forms"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "number_id"], ["numbers.tenant_id", "numbers.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    token: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(120))
    source: Mapped[str] = mapped_column(String(60))
    number_id: Mapped[UUID]
    language: Mapped[str] = mapped_column(String(8))
    purposes: Mapped[list[str]] = mapped_column(JSONB)
    double_opt_in: Mapped[bool] = mapped_column(server_default=text("false"))
    origins: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))  # sites that may embed it
    draft: Mapped[str] = mapped_column(String(5000))  # the wording that is being worked on
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class Disclosure(Base):
    """The exact words beside a form's box, as they were published. Never changed: new words are a new version."""

    __tablename__ = "disclosures"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "form_id", "version"),
        ForeignKeyConstraint(["tenant_id", "form_id"], ["forms.tenant_id", "forms.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    form_id: Mapped[UUID]
    version: Mapped[int]
    language: Mapped[str] = mapped_column(String(8))
    purposes: Mapped[list[str]] = mapped_column(JSONB)
    brand: Mapped[str] = mapped_column(String(60))
    double_opt_in: Mapped[bool] = mapped_column(server_default=text("false"))  # a tick waits for a yes to a text
    text: Mapped[str] = mapped_column(String(5000))
    sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime())
    published_by: Mapped[UUID | None]


class Suppression(Base):
    """Somebody who was erased and must stay opted out: a keyed hash of the address, and nothing else of them."""

    __tablename__ = "suppressions"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    address_hmac: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    key_id: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime())
    reason: Mapped[str] = mapped_column(String(30))
    scope: Mapped[str] = mapped_column(String(20))
