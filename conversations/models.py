"""Leads, conversations and their messages, with what was received, decided, sent and left to people."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from consent.purposes import Purpose
from conversations.vocabulary import CONSENT_WORD, WAITING, Author, Direction, Kind, State
from smsbot.database import Base, UtcDateTime, words


class Lead(Base):
    """A person who may become a customer: one per tenant and contact."""

    __tablename__ = "leads"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "contact_id"),
        ForeignKeyConstraint(["tenant_id", "contact_id"], ["contacts.tenant_id", "contacts.id"]),
        ForeignKeyConstraint(["tenant_id", "assigned_to"], ["agents.tenant_id", "agents.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    contact_id: Mapped[UUID]
    name: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str | None] = mapped_column(String(8))
    source: Mapped[str] = mapped_column(String(60), server_default="text")
    assigned_to: Mapped[UUID | None]
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class Conversation(Base):
    """The one thread with a lead. Who has it (AI or a person) and what a reply has to carry stand here."""

    __tablename__ = "conversations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "taken_over_by"], ["agents.tenant_id", "agents.id"]),
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "lead_id"),
        ForeignKeyConstraint(["tenant_id", "lead_id"], ["leads.tenant_id", "leads.id"]),
        ForeignKeyConstraint(["tenant_id", "contact_id"], ["contacts.tenant_id", "contacts.id"]),
        ForeignKeyConstraint(["tenant_id", "number_id"], ["numbers.tenant_id", "numbers.id"]),
        Index("ix_conversations_contact", "tenant_id", "contact_id"),
        Index("ix_conversations_recent", "tenant_id", "last_message_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    lead_id: Mapped[UUID]
    contact_id: Mapped[UUID]
    number_id: Mapped[UUID]  # the number that they wrote to last: answers leave from it
    mode: Mapped[str | None] = mapped_column(String(10))  # unset: the tenant's
    taken_over_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    taken_over_by: Mapped[UUID | None]
    handoff_reason: Mapped[str | None] = mapped_column(String(40))
    burst_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime())  # first text that still waits for a reply
    last_inbound_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    last_message_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    disclosed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())  # brand and automation were last named
    stop_hint_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class Episode(Base):
    """From a conversation's opening to its closing; what was said before the last close is not context any more."""

    __tablename__ = "episodes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"]),
        Index(
            "uq_episodes_open",
            "tenant_id",
            "conversation_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[UUID]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime())
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    close_reason: Mapped[str | None] = mapped_column(String(40))


class Message(Base):
    """One text, in or out. An outbound row exists from the moment that an answer is owed, before it has words."""

    __tablename__ = "messages"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "consent_event_id"], ["consent_events.tenant_id", "consent_events.id"]),
        ForeignKeyConstraint(["tenant_id", "in_reply_to"], ["messages.tenant_id", "messages.id"]),
        ForeignKeyConstraint(["tenant_id", "agent_id"], ["agents.tenant_id", "agents.id"]),
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"]),
        ForeignKeyConstraint(["tenant_id", "contact_id"], ["contacts.tenant_id", "contacts.id"]),
        ForeignKeyConstraint(["tenant_id", "number_id"], ["numbers.tenant_id", "numbers.id"]),
        ForeignKeyConstraint(["tenant_id", "repeat_of"], ["messages.tenant_id", "messages.id"]),
        ForeignKeyConstraint(["tenant_id", "permit_id"], ["permits.tenant_id", "permits.id"]),
        UniqueConstraint("tenant_id", "provider_sid"),
        # One answer to each text, whoever writes it; a repeat after a late failure is linked instead.
        Index(
            "uq_messages_answer",
            "tenant_id",
            "in_reply_to",
            unique=True,
            postgresql_where=text("in_reply_to IS NOT NULL AND author = 'ai' AND repeat_of IS NULL"),
        ),
        Index(
            "uq_messages_repeat", "tenant_id", "repeat_of", unique=True, postgresql_where=text("repeat_of IS NOT NULL")
        ),
        Index("ix_messages_conversation", "tenant_id", "conversation_id", "created_at", "id"),
        Index(
            "ix_messages_waiting",
            "tenant_id",
            "contact_id",
            postgresql_where=text("state IN ('queued', 'deferred', 'sending')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[UUID]
    contact_id: Mapped[UUID]
    number_id: Mapped[UUID]
    direction: Mapped[Direction] = mapped_column(words(Direction))
    author: Mapped[Author] = mapped_column(words(Author))
    agent_id: Mapped[UUID | None]
    purpose: Mapped[Purpose | None] = mapped_column(words(Purpose))
    kind: Mapped[Kind | None] = mapped_column(words(Kind))
    body: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(8))
    state: Mapped[State] = mapped_column(words(State))
    reason: Mapped[str | None] = mapped_column(String(30))
    error_code: Mapped[int | None]
    provider_sid: Mapped[str | None] = mapped_column(String(34))
    segments: Mapped[int | None] = mapped_column(SmallInteger)
    media_count: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    flags: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))  # masked, control, reaction …
    in_reply_to: Mapped[UUID | None]
    repeat_of: Mapped[UUID | None]
    consent_event_id: Mapped[UUID | None]
    permit_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    drafted_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    slot_at: Mapped[datetime | None] = mapped_column(UtcDateTime())  # its place on the number's line
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime())
    stale_after: Mapped[datetime | None] = mapped_column(UtcDateTime())
    sending_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    send_token: Mapped[UUID | None]  # the lease under which it is being sent: the fence of the outcome
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    lookups: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    awaited_lease: Mapped[UUID | None]  # inbound STOP: the send it found in flight and has to outlive


# Who waits since when: the newest answer and the oldest text after it are one look each.
Index(
    "ix_messages_said",
    Message.tenant_id,
    Message.conversation_id,
    Message.direction,
    func.coalesce(Message.drafted_at, Message.created_at),
)


class MessageEvent(Base):
    """One status callback, kept as it came: the message's state is the furthest of them."""

    __tablename__ = "message_events"
    __table_args__ = (
        Index("ix_message_events_message", "tenant_id", "message_id", "at"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    at: Mapped[datetime] = mapped_column(UtcDateTime(), primary_key=True)
    message_id: Mapped[UUID]
    provider_sid: Mapped[str] = mapped_column(String(34))
    status: Mapped[str] = mapped_column(String(20))
    error_code: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))


class KeywordRoute(Base):
    """A word that people text in from a sign or an advertisement, and what is known of whoever does."""

    __tablename__ = "keyword_routes"
    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "word"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    word: Mapped[str] = mapped_column(String(40))  # as it is compared: folded, without spaces
    source: Mapped[str] = mapped_column(String(60))
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class LeadImport(Base):
    """A list of people that staff have brought: the file, encrypted until it is done, and what became of its rows."""

    __tablename__ = "lead_imports"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "file_sha256"),
        ForeignKeyConstraint(["tenant_id", "agent_id"], ["agents.tenant_id", "agents.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    agent_id: Mapped[UUID | None]
    file_name: Mapped[str] = mapped_column(String(200))
    file_sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)  # encrypted; gone once every row is in
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)  # column of the file → field, and what all rows share
    rows: Mapped[int]
    done_rows: Mapped[int] = mapped_column(server_default=text("0"))
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    errors: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))  # [row, field, why], no values
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class Trace(Base):
    """How an automated text came about: rules, model, timings, cost; the model's words encrypted."""

    __tablename__ = "traces"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "message_id"], ["messages.tenant_id", "messages.id"]),
        Index("ix_traces_message", "tenant_id", "message_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    message_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    source: Mapped[str] = mapped_column(String(20))  # builtin, model, fallback
    outcome: Mapped[str] = mapped_column(String(40))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)


class Media(Base):
    """One picture or file of a message. The text stands without it."""

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "message_id", "position"),
        ForeignKeyConstraint(["tenant_id", "message_id"], ["messages.tenant_id", "messages.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    message_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(SmallInteger)
    url: Mapped[bytes] = mapped_column(LargeBinary)  # encrypted: it names the account and the message
    content_type: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(15))  # pending, stored, refused, failed
    reason: Mapped[str | None] = mapped_column(String(60))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    size: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class Task(Base):
    """Something that a person has to do."""

    __tablename__ = "tasks"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "done_by"], ["agents.tenant_id", "agents.id"]),
        ForeignKeyConstraint(["tenant_id", "owner_id"], ["agents.tenant_id", "agents.id"]),
        ForeignKeyConstraint(["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"]),
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "kind", "ref_id"),
        Index("ix_tasks_open", "tenant_id", "due_at", postgresql_where=text("done_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(String(40))
    ref_id: Mapped[UUID]  # what it is about: a message or a conversation
    conversation_id: Mapped[UUID | None]
    reason: Mapped[str | None] = mapped_column(String(60))
    owner_id: Mapped[UUID | None]
    due_at: Mapped[datetime] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    done_by: Mapped[UUID | None]


class Alert(Base):
    """Something that a person has to know now; the same again only counts up."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "kind", "ref"),
        ForeignKeyConstraint(["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(String(40))
    ref: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(20))
    conversation_id: Mapped[UUID | None]
    count: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    last_at: Mapped[datetime] = mapped_column(UtcDateTime())
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


__all__ = [
    "CONSENT_WORD",
    "WAITING",
    "Alert",
    "Author",
    "Conversation",
    "Direction",
    "Episode",
    "KeywordRoute",
    "Kind",
    "Lead",
    "LeadImport",
    "Media",
    "Message",
    "MessageEvent",
    "State",
    "Task",
    "Trace",
]


def transcript_order() -> tuple[ColumnElement[datetime], ColumnElement[Direction], ColumnElement[UUID]]:
    """The order of a transcript. An answer stands where it got its words, not where it was owed; a text that came at
    the same instant as its answer stands before it."""
    said_at = func.coalesce(Message.drafted_at, Message.created_at)
    return said_at, Message.direction.expression, Message.id.expression
