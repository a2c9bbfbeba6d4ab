"""What is due: rows that workers claim, in turn between tenants and oldest first within a contact.

The row is the truth and holds ids only. A claim is a lease with a token; whoever finishes, postpones or extends it
names the token in the same transaction as the outcome, so a worker that lost its lease changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    Computed,
    Engine,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    null,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from smsbot.bell import BACKGROUND, REPLIES
from smsbot.database import Base, TenantSession, UtcDateTime, look_up
from smsbot.errors import LeaseLost
from smsbot.failpoints import failpoint
from smsbot.writes import fetch, prepared, put_row, put_statement

LEASE_S = 30  # a crashed worker's rows are claimed again after this; longer than model, gate and carrier together
MAX_ATTEMPTS = 8  # after this a row is poison: it is quarantined with its reason and an alert
RETRY_DELAYS_S = (1, 2, 4, 8, 15, 30, 60, 120)

URGENT, USUAL, LATER = 10, 50, 90  # priorities: answers before what can wait


class Work(Base):
    """One thing that is due at `due_at`. At most one row per kind and thing; it is deleted when it is done."""

    __tablename__ = "work"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "ref_id"),
        Index(
            "ix_work_due", "queue", "tenant_id", "priority", "ready_at", postgresql_where=text("quarantined_at IS NULL")
        ),
        Index("ix_work_contact", "contact_id", "due_at", postgresql_where=text("contact_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    queue: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(40))
    ref_id: Mapped[UUID]
    contact_id: Mapped[UUID | None]
    number_id: Mapped[UUID | None]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("50"))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime())
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    lease_token: Mapped[UUID | None]
    # When it may be claimed: so that what is in hand is passed over in the index, however much of it there is.
    ready_at: Mapped[datetime] = mapped_column(UtcDateTime(), Computed("GREATEST(due_at, lease_until)", persisted=True))
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    failure: Mapped[str | None] = mapped_column(String(80))  # the class of the last error, never its text
    quarantined_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased row: `token` is the fence of every later write to it."""

    id: UUID
    tenant_id: UUID
    kind: str
    ref_id: UUID
    contact_id: UUID | None
    attempts: int
    token: UUID
    due_at: datetime


DROP = prepared(
    delete(Work).where(
        Work.tenant_id == bindparam("tenant_id"),
        Work.kind == bindparam("kind"),
        Work.ref_id == any_(bindparam("ref_ids", type_=ARRAY(Uuid))),
    )
)
FINISH = prepared(
    delete(Work).where(Work.id == bindparam("work_id"), Work.lease_token == bindparam("token")).returning(Work.id)
)
AGAIN = prepared(
    update(Work)
    .where(Work.id == bindparam("work_id"), Work.lease_token == bindparam("token"))
    .values(
        due_at=bindparam("due_at"),
        lease_until=null(),
        lease_token=null(),
        attempts=Work.attempts * bindparam("kept", type_=SmallInteger),
    )
    .returning(Work.id)
)
EXTEND = prepared(
    update(Work)
    .where(Work.id == bindparam("work_id"), Work.lease_token == bindparam("token"))
    .values(lease_until=bindparam("until"))
    .returning(Work.id)
)


def put(
    session: TenantSession,
    kind: str,
    ref_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
    queue: str = REPLIES,
    contact_id: UUID | None = None,
    number_id: UUID | None = None,
    priority: int = USUAL,
) -> None:
    """Write that `kind` is due for `ref_id` at `due_at`; an existing row of the same kind and thing is left alone.

    Rings after the commit when it is due now.
    """
    put_row(
        session,
        Work,
        {
            "id": uuid4(),
            "tenant_id": session.tenant_id,
            "queue": queue,
            "kind": kind,
            "ref_id": ref_id,
            "contact_id": contact_id,
            "number_id": number_id,
            "priority": priority,
            "due_at": due_at,
        },
        suffix="ON CONFLICT (tenant_id, kind, ref_id) DO NOTHING",
    )
    if due_at <= now:
        session.info.setdefault("bells", Counter())[queue] += 1


def drop(session: TenantSession, kind: str, ref_ids: Sequence[UUID]) -> None:
    """Forget what was due for these; a worker that holds one of them loses its lease."""
    if ref_ids:
        put_statement(session, DROP(tenant_id=session.tenant_id, kind=kind, ref_ids=list(ref_ids)))


def hasten(session: TenantSession, kind: str, ref_ids: Sequence[UUID], now: datetime) -> None:
    """Have what waits for a later try, or was put aside, done now; what somebody has in hand is left alone."""
    session.execute(
        update(Work)
        .where(
            Work.tenant_id == session.tenant_id,
            Work.kind == kind,
            Work.ref_id.in_(ref_ids),
            Work.lease_until.is_(None) | (Work.lease_until < now),
        )
        .values(due_at=func.least(Work.due_at, now), quarantined_at=None, attempts=0)
    )


# A loose index scan finds the tenants that have something due, in random order; each gives its most urgent row whose
# contact has no older row due or in hand. A tenant with five thousand rows is one tenant in this draw.
CLAIM = """
WITH RECURSIVE tenant(id) AS (
    (SELECT tenant_id FROM work WHERE queue = $1 AND quarantined_at IS NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM work w
            WHERE w.queue = $1 AND w.quarantined_at IS NULL AND w.tenant_id > tenant.id ORDER BY w.tenant_id LIMIT 1)
    FROM tenant WHERE tenant.id IS NOT NULL
),
shuffled AS MATERIALIZED (SELECT id FROM tenant WHERE id IS NOT NULL ORDER BY random()),
picked AS MATERIALIZED (
    SELECT due.id FROM shuffled CROSS JOIN LATERAL (
        SELECT w.id FROM work w
        WHERE w.queue = $1 AND w.tenant_id = shuffled.id AND w.quarantined_at IS NULL
          AND w.ready_at <= $2
          AND NOT EXISTS (
              SELECT 1 FROM work older
              WHERE older.contact_id = w.contact_id AND older.queue = w.queue AND older.quarantined_at IS NULL
                AND older.id <> w.id AND older.kind = w.kind
                AND (older.due_at, older.id) < (w.due_at, w.id) AND older.due_at <= $2)
        ORDER BY w.priority, w.ready_at
        LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due LIMIT $3
)
UPDATE work SET lease_token = gen_random_uuid(), lease_until = $4, attempts = attempts + 1
FROM picked WHERE work.id = picked.id
RETURNING work.id, work.tenant_id, work.kind, work.ref_id, work.contact_id, work.attempts, work.lease_token, work.due_at
"""


def claim(engine: Engine, queue: str, now: datetime, *, most: int = 1, lease_s: float = LEASE_S) -> list[Claim]:
    """Up to `most` due rows of `queue`, leased for `lease_s`, at most one per tenant in one call."""
    rows = look_up(engine, CLAIM, (queue, now, most, now + timedelta(seconds=lease_s)))
    if rows:
        failpoint("work.claimed")
    return [Claim(r.id, r.tenant_id, r.kind, r.ref_id, r.contact_id, r.attempts, r.lease_token, r.due_at) for r in rows]


def finish(session: TenantSession, claim: Claim) -> None:
    """Done: the row goes, in the transaction of its outcome. Raises LeaseLost when somebody else has it."""
    (held,) = fetch(session, FINISH(work_id=claim.id, token=claim.token))
    still_held(claim, held)


def again(session: TenantSession, claim: Claim, due_at: datetime, *, counts: bool = False) -> None:
    """Due once more at `due_at`; unless it `counts`, this attempt does not bring the row nearer to quarantine."""
    (held,) = fetch(session, AGAIN(work_id=claim.id, token=claim.token, due_at=due_at, kept=int(counts)))
    still_held(claim, held)


def extend(session: TenantSession, claim: Claim, until: datetime) -> None:
    """Hold the row until `until`: nobody else claims it before. Raises LeaseLost when somebody has it already."""
    (held,) = fetch(session, EXTEND(work_id=claim.id, token=claim.token, until=until))
    still_held(claim, held)


def still_held(claim: Claim, rows: Sequence[object]) -> None:
    """Raises LeaseLost when a statement about the claimed row, such as EXTEND, has found nothing."""
    if not rows:
        raise LeaseLost(f"work {claim.kind} was claimed by another worker")


def extend_at_the_end(session: TenantSession, claim: Claim, until: datetime) -> None:
    """Hold the row, which this transaction has extended once already, until another time."""
    put_statement(session, EXTEND(work_id=claim.id, token=claim.token, until=until))


def give_back(engine: Engine, claim: Claim, now: datetime, failure: str) -> bool:
    """After an error: due again with a growing delay, or quarantined. True when it was quarantined now."""
    poisoned = claim.attempts >= MAX_ATTEMPTS
    delay = RETRY_DELAYS_S[min(claim.attempts, len(RETRY_DELAYS_S)) - 1]
    with engine.begin() as connection:
        changed = connection.execute(
            update(Work)
            .where(Work.id == claim.id, Work.lease_token == claim.token)
            .values(
                due_at=now + timedelta(seconds=delay),
                lease_until=None,
                lease_token=None,
                failure=failure[:80],
                quarantined_at=now if poisoned else None,
            )
            .returning(Work.id)
        ).first()
    return poisoned and changed is not None


def next_due(engine: Engine, queue: str) -> datetime | None:
    """When the next row of `queue` is due, those in the past and those whose lease ends among them."""
    with engine.begin() as connection:
        return connection.execute(
            select(func.min(Work.ready_at)).where(Work.queue == queue, Work.quarantined_at.is_(None))
        ).scalar()


__all__ = [
    "BACKGROUND",
    "LATER",
    "REPLIES",
    "URGENT",
    "USUAL",
    "Claim",
    "Work",
    "again",
    "claim",
    "drop",
    "extend",
    "finish",
    "give_back",
    "hasten",
    "next_due",
    "put",
]
