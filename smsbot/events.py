"""What happened: one row per use case, in its transaction, read by a cursor that has no gaps.

Timeline, live updates, response times, audit and outgoing webhooks read from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVarTuple
from uuid import UUID, uuid4

from sqlalchemy import Index, Row, Select, String, cast, func, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from smsbot.actor import Actor
from smsbot.database import PLATFORM, Base, TenantSession, UtcDateTime, Xid8
from smsbot.writes import put_row

Columns = TypeVarTuple("Columns")


class Event(Base):
    """One thing that happened. Holds ids and enumerated values only, never a body or a number."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_cursor", "tenant_id", "xid", "id"),
        Index("ix_events_conversation", "tenant_id", "conversation_id", "at"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    at: Mapped[datetime] = mapped_column(UtcDateTime(), primary_key=True)
    xid: Mapped[int] = mapped_column(Xid8(), server_default=text("pg_current_xact_id()"))
    kind: Mapped[str] = mapped_column(String(60))
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    cause: Mapped[str] = mapped_column(String(80))
    contact_id: Mapped[UUID | None]
    conversation_id: Mapped[UUID | None]
    message_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two events: everything up to it has been seen, and nothing before it can still appear."""

    xid: int = 0
    id: UUID = PLATFORM


def record(
    session: TenantSession,
    kind: str,
    *,
    at: datetime,
    actor: Actor,
    cause: str,
    contact_id: UUID | None = None,
    conversation_id: UUID | None = None,
    message_id: UUID | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write that `kind` happened. `cause` names what led to it, such as `webhook` or `work:reply`."""
    put_row(
        session,
        Event,
        {
            "tenant_id": session.tenant_id,
            "id": uuid4(),
            "at": at,
            "kind": kind,
            "actor_kind": actor.kind.value,
            "actor_id": actor.id,
            "cause": cause,
            "contact_id": contact_id,
            "conversation_id": conversation_id,
            "message_id": message_id,
            "details": details or {},
        },
    )


def read_after(
    session: TenantSession, cursor: Cursor, limit: int = 200, *, until: Cursor | None = None
) -> Sequence[Event]:
    """The next events after `cursor`, oldest first, without gaps; none beyond `until`.

    Only rows of transactions older than every one still running are given: a slow transaction delays its successors
    instead of slipping in behind the cursor.
    """
    return session.scalars(_next(select(Event), session, cursor, limit, until)).all()


def touched_after(
    session: TenantSession, cursor: Cursor, limit: int, *, until: Cursor | None = None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The same events as (id, xid, conversation_id, contact_id, kind): a tenth of the work where there are thousands."""
    query = select(Event.id, Event.xid, Event.conversation_id, Event.contact_id, Event.kind)
    return session.execute(_next(query, session, cursor, limit, until)).all()


def _next(
    query: Select[*Columns], session: TenantSession, cursor: Cursor, limit: int, until: Cursor | None
) -> Select[*Columns]:
    place = cast(literal(cursor.xid, Xid8()), Xid8())  # PostgreSQL compares an xid8 with nothing else
    horizon = func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=Xid8())
    query = (
        query.where(Event.tenant_id == session.tenant_id)
        .where(tuple_(Event.xid, Event.id) > tuple_(place, cursor.id), Event.xid < horizon)
        .order_by(Event.xid, Event.id)
        .limit(limit)
    )
    if until is not None:
        last = cast(literal(until.xid, Xid8()), Xid8())
        query = query.where(tuple_(Event.xid, Event.id) <= tuple_(last, until.id))
    return query
