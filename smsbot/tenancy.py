"""Tenants and what belongs to them before any feature: numbers, credentials, logins, agents, API keys, links."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from smsbot.actor import Role
from smsbot.database import Base, UtcDateTime, words


class SenderType(StrEnum):
    LONG_CODE = "long_code"
    TEN_DLC = "ten_dlc"
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"


class OptOutHandling(StrEnum):
    """Who answers STOP, HELP and START: the carrier's default, Advanced Opt-Out, or we."""

    TWILIO = "twilio"
    ADVANCED = "advanced"
    OURS = "ours"


class ReplyMode(StrEnum):
    AUTO = "auto"
    DRAFT = "draft"
    OFF = "off"


class CredentialKind(StrEnum):
    AUTH_TOKEN = "auth_token"
    SHARED_KEY = "shared_key"


class CredentialState(StrEnum):
    """`previous` still verifies webhooks, so that a rotation loses none; only `current` sends."""

    CURRENT = "current"
    PREVIOUS = "previous"
    RETIRED = "retired"


# Segments a second by sender type: reference of the carrier's default rates; a registered 10DLC rate is set per number.
SEGMENTS_PER_SECOND = {
    SenderType.LONG_CODE: 1.0,
    SenderType.TEN_DLC: 3.75,
    SenderType.TOLL_FREE: 3.0,
    SenderType.SHORT_CODE: 100.0,
}


class Tenant(Base):
    """A business that uses the product: a brokerage or a dealership."""

    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(String(200))
    brand: Mapped[str] = mapped_column(String(60))
    zone: Mapped[str] = mapped_column(String(64))
    vertical: Mapped[str] = mapped_column(String(20), server_default="general")
    help_phone: Mapped[str | None] = mapped_column(String(32))
    help_email: Mapped[str | None] = mapped_column(String(254))
    secure_url: Mapped[str | None] = mapped_column(String(500))
    languages: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[\"en\"]'::jsonb"))
    countries: Mapped[list[str]] = mapped_column(JSONB, server_default=text('\'["US", "CA"]\'::jsonb'))
    reply_mode: Mapped[ReplyMode] = mapped_column(words(ReplyMode), server_default=ReplyMode.AUTO)
    extra_opt_out_words: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    data_key: Mapped[str] = mapped_column(String(500))  # wrapped by the deployment's key; destroying it shreds the rest
    demo: Mapped[bool] = mapped_column(server_default=text("false"))  # its carrier is the simulator, never production
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    sending_stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime())  # the kill switch
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class Number(Base):
    """One of our numbers, with how the carrier treats it."""

    __tablename__ = "numbers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "number"),
        Index("ix_numbers_number", "number"),
        Index("ix_numbers_messaging_service_sid", "messaging_service_sid"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    number: Mapped[str] = mapped_column(String(32))
    sender_type: Mapped[SenderType] = mapped_column(words(SenderType), server_default=SenderType.LONG_CODE)
    opt_out_handling: Mapped[OptOutHandling] = mapped_column(
        words(OptOutHandling), server_default=OptOutHandling.TWILIO
    )
    messaging_service_sid: Mapped[str | None] = mapped_column(String(34))
    segments_per_second: Mapped[float | None]  # as registered (10DLC); unset: by sender type
    busy_until: Mapped[datetime | None] = mapped_column(UtcDateTime())  # when the line is free for the next segment
    spread_until: Mapped[datetime | None] = mapped_column(UtcDateTime())  # wake-ups of what waits behind replies
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    pause_code: Mapped[int | None]  # the carrier's error that paused it
    received_through: Mapped[datetime | None] = mapped_column(UtcDateTime())  # inbound texts are complete up to here
    hold_until_reconciled: Mapped[bool] = mapped_column(server_default=text("false"))  # after an outage of ours
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class Credential(Base):
    """An auth token or a shared webhook key of a carrier account, encrypted with the tenant's data key."""

    __tablename__ = "credentials"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index(
            "uq_credentials_current",
            "tenant_id",
            "account_sid",
            "kind",
            unique=True,
            postgresql_where=text("state = 'current'"),
        ),
        Index("ix_credentials_account_sid", "account_sid"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    account_sid: Mapped[str] = mapped_column(String(34))
    kind: Mapped[CredentialKind] = mapped_column(words(CredentialKind))
    state: Mapped[CredentialState] = mapped_column(words(CredentialState))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class Login(Base):
    """Who signs in, by e-mail; one login may be staff of several tenants."""

    __tablename__ = "logins"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(300))
    failed_count: Mapped[int] = mapped_column(server_default=text("0"))
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class LoginSession(Base):
    """A signed-in browser. Only the hash of its token is kept; deleting the row signs it out."""

    __tablename__ = "login_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    login_id: Mapped[UUID] = mapped_column(ForeignKey("logins.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime())


class Agent(Base):
    """A member of staff of one tenant."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "login_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    login_id: Mapped[UUID] = mapped_column(ForeignKey("logins.id"))
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[Role] = mapped_column(words(Role))
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class ApiKey(Base):
    """A key of the REST interface: shown once, kept as a hash."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str] = mapped_column(String(120))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class Link(Base):
    """A signed link for somebody without a login, found by the hash of its token."""

    __tablename__ = "links"
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    purpose: Mapped[str] = mapped_column(String(40))
    ref_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


class Fact(Base):
    """Something a tenant wants answered from: an opening hour, a listing, a vehicle, an answer to a question."""

    __tablename__ = "facts"
    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "kind", "ref"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(String(20))  # hours, address, city, staff, listing, vehicle, answer
    ref: Mapped[str] = mapped_column(String(80))
    content: Mapped[dict[str, object]] = mapped_column(JSONB)
    as_of: Mapped[datetime | None] = mapped_column(UtcDateTime())


class Rejection(Base):
    """How many requests of one account were refused in one hour, and why. Nothing else is kept of them."""

    __tablename__ = "rejections"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime(), primary_key=True)
    reason: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_sid: Mapped[str] = mapped_column(String(34), primary_key=True)
    count: Mapped[int] = mapped_column(server_default=text("1"))


class Heartbeat(Base):
    """When a process last said that it is alive; kept under the platform's own tenant."""

    __tablename__ = "heartbeats"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    process: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime())


class IdempotencyKey(Base):
    """The first answer to a keyed request, given again for at least 24 hours."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "api_key_id"], ["api_keys.tenant_id", "api_keys.id"]),)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    api_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]  # None while the first request is in flight
    response: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())
