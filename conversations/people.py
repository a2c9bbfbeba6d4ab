"""What is left to people: tasks, alerts, handing off, taking over and giving back."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import bindparam, or_, update
from sqlalchemy.dialects.postgresql import insert

from conversations.models import Alert, Conversation, Lead, Task
from smsbot.actor import Actor, Role
from smsbot.database import TenantSession
from smsbot.events import record
from smsbot.writes import fetch, prepared

PROMISED_WITHIN = timedelta(minutes=5)  # of a task, and of a text that waits: the inbox and the tasks show one clock
ASSIGNED = "conversation.assigned"
REOPENS_AFTER = timedelta(hours=1)  # an alert that comes back after it was acknowledged is news again


ADD_TASK = prepared(
    insert(Task)
    .values(
        {
            name: bindparam(name)
            for name in (
                "id",
                "tenant_id",
                "kind",
                "ref_id",
                "conversation_id",
                "reason",
                "owner_id",
                "due_at",
                "created_at",
            )
        }
    )
    .on_conflict_do_nothing(index_elements=["tenant_id", "kind", "ref_id"])
    .returning(Task.id)
)


def add_task(
    session: TenantSession,
    kind: str,
    ref_id: UUID,
    *,
    conversation_id: UUID | None,
    now: datetime,
    actor: Actor,
    cause: str,
    reason: str | None = None,
    owner_id: UUID | None = None,
    due_at: datetime | None = None,
) -> None:
    """Leave something to a person; the same kind about the same thing is one task."""
    (made,) = fetch(
        session,
        ADD_TASK(
            id=uuid4(),
            tenant_id=session.tenant_id,
            kind=kind,
            ref_id=ref_id,
            conversation_id=conversation_id,
            reason=reason,
            owner_id=owner_id,
            due_at=due_at or now + PROMISED_WITHIN,
            created_at=now,
        ),
    )
    if made:
        record(
            session,
            "task.added",
            at=now,
            actor=actor,
            cause=cause,
            conversation_id=conversation_id,
            details={"kind": kind, "reason": reason},
        )


def raise_alert(
    session: TenantSession,
    kind: str,
    ref: str,
    *,
    now: datetime,
    actor: Actor,
    cause: str,
    role: Role = Role.AGENT,
    conversation_id: UUID | None = None,
) -> None:
    """Tell the staff now. The same alert again only counts up, and opens again when it had been acknowledged."""
    statement = insert(Alert).values(
        id=uuid4(),
        tenant_id=session.tenant_id,
        kind=kind,
        ref=ref,
        role=role.value,
        conversation_id=conversation_id,
        created_at=now,
        last_at=now,
    )
    raised = session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "kind", "ref"],
            set_={"count": Alert.count + 1, "last_at": now, "acknowledged_at": None},
            where=or_(Alert.acknowledged_at.is_(None), Alert.acknowledged_at < now - REOPENS_AFTER),
        ).returning(Alert.count.label("times"))
    ).first()
    if raised is not None and raised.times == 1:
        record(
            session,
            "alert.raised",
            at=now,
            actor=actor,
            cause=cause,
            conversation_id=conversation_id,
            details={"kind": kind, "role": role.value},
        )


def assign(
    session: TenantSession,
    conversation: Conversation,
    to: UUID | None,
    *,
    actor: Actor,
    now: datetime,
    cause: str,
    if_nobodys: bool = False,
) -> None:
    """The lead of this conversation is theirs from now on, or nobody's; with `if_nobodys` only when it was nobody's."""
    changed = update(Lead).where(
        Lead.tenant_id == session.tenant_id, Lead.id == conversation.lead_id, Lead.assigned_to.is_distinct_from(to)
    )
    if if_nobodys:
        changed = changed.where(Lead.assigned_to.is_(None))
    if session.execute(changed.values(assigned_to=to).returning(Lead.id)).first() is None:
        return
    record(
        session,
        ASSIGNED,
        at=now,
        actor=actor,
        cause=cause,
        contact_id=conversation.contact_id,
        conversation_id=conversation.id,
        details={"to": str(to) if to else None},
    )


def take_over(session: TenantSession, conversation: Conversation, *, actor: Actor, now: datetime, cause: str) -> None:
    """A person has the conversation: the assistant says nothing more until it is given back."""
    if conversation.taken_over_at is not None and conversation.taken_over_by == actor.id:
        return
    conversation.taken_over_at = now
    conversation.taken_over_by = actor.id
    record(
        session,
        "conversation.taken_over",
        at=now,
        actor=actor,
        cause=cause,
        contact_id=conversation.contact_id,
        conversation_id=conversation.id,
    )


def give_back(session: TenantSession, conversation: Conversation, *, actor: Actor, now: datetime, cause: str) -> None:
    """The assistant answers again."""
    if conversation.taken_over_at is None and conversation.handoff_reason is None:
        return
    conversation.taken_over_at = None
    conversation.taken_over_by = None
    conversation.handoff_reason = None
    record(
        session,
        "conversation.given_back",
        at=now,
        actor=actor,
        cause=cause,
        contact_id=conversation.contact_id,
        conversation_id=conversation.id,
    )
