"""What a person asks about themselves and their texts: stop, stop the advertising, when to write, limit, correct.

What they ask for takes effect at once and stands in the ledger. What a person of the business has to do has 30 days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update

from consent.ledger import Fact, append, lock, state_of
from consent.models import Contact
from consent.purposes import CONSENTED, Purpose, Reason
from consent.quiet_hours import hours_from, hours_to_json
from consent.state import EventKind
from conversations import outbox
from conversations.models import Conversation, Task
from conversations.people import add_task, raise_alert
from smsbot import work
from smsbot.accounts import tenant_of
from smsbot.actor import SYSTEM, Actor, Role
from smsbot.bell import BACKGROUND
from smsbot.database import TenantSession
from smsbot.errors import NotFound
from smsbot.events import record
from smsbot.phone import AddressKind
from smsbot.runtime import Runtime

REMIND = "privacy_reminder"  # the kind of work
ANSWERED_WITHIN = timedelta(days=30)  # GDPR art. 12(3); CCPA allows 45
REMINDED_AFTER = (timedelta(days=20), timedelta(days=27))
CLOCK_SLACK = timedelta(minutes=1)  # a worker that comes a little early
ALERT = "privacy_request_due"
CAUSE = "work:privacy_reminder"
HELD_BY = "settle_hold"  # the task that an opt-out ends
RULE = "privacy.request"
OWN_PAGE = "web_page"  # the method of what a person does on their own page


class Ask(StrEnum):
    """What somebody of the business has to do for a person; also the kind of the task."""

    ACCESS = "privacy_access"
    CORRECT = "privacy_correct"
    DELETE = "privacy_delete"
    LIMIT = "privacy_limit"


def contact_there(session: TenantSession, contact_id: UUID, *, locked: bool = False) -> Contact:
    """The contact, with its row locked if so asked. Raises NotFound, also for one that was erased."""
    contact = lock(session, contact_id) if locked else session.get(Contact, contact_id)
    if contact is None or contact.address_kind == AddressKind.ERASED:
        raise NotFound("this tenant knows no such contact")
    return contact


def stop(
    runtime: Runtime, tenant_id: UUID, contact_id: UUID, *, actor: Actor, method: str, evidence: Mapping[str, Any]
) -> UUID | None:
    """No more texts. Returns a send in flight to wait for before they are told so."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        contact = contact_there(session, contact_id, locked=True)
        _append(runtime, session, contact, EventKind.OPT_OUT, actor, method, evidence, purposes=CONSENTED)
        outbox.cancel_waiting(session, contact.id, Reason.OPTED_OUT, now=now, actor=actor)
        session.execute(
            update(Conversation)
            .where(Conversation.tenant_id == tenant_id, Conversation.contact_id == contact.id)
            .values(burst_started_at=None)
        )
        _finish_holds(session, contact, actor, now)
        record(session, "consent.opted_out", at=now, actor=actor, cause=method, contact_id=contact.id)
        return contact.lease_token


def stop_marketing(
    runtime: Runtime, tenant_id: UUID, contact_id: UUID, *, actor: Actor, method: str, evidence: Mapping[str, Any]
) -> UUID | None:
    """No more advertising; what waits of it is refused at the gate. Returns a send in flight to wait for."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        contact = contact_there(session, contact_id, locked=True)
        if state_of(contact).opted_out is None:
            _append(
                runtime, session, contact, EventKind.OPT_OUT_PARTIAL, actor, method, evidence,
                purposes=(Purpose.MARKETING,),
            )  # fmt: skip
            record(session, "consent.opted_out_partly", at=now, actor=actor, cause=method, contact_id=contact.id)
        return contact.lease_token


def set_hours(
    runtime: Runtime, tenant_id: UUID, contact_id: UUID, written: Mapping[str, Any] | None, *, actor: Actor, cause: str
) -> None:
    """When they want to be texted, as `hours_from` takes it; None: whenever the law allows. It narrows, never widens.

    Raises InvalidInput("hours", …).
    """
    hours = None if written is None else hours_to_json(hours_from(written))
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        contact = contact_there(session, contact_id, locked=True)
        contact.hours = hours
        record(
            session,
            "contact.hours_set",
            at=now,
            actor=actor,
            cause=cause,
            contact_id=contact.id,
            details={"hours": hours},
        )


def restrict(
    runtime: Runtime,
    tenant_id: UUID,
    contact_id: UUID,
    *,
    actor: Actor,
    method: str,
    evidence: Mapping[str, Any] | None = None,
) -> UUID | None:
    """Keep what is held and do nothing with it: no text, no model, no entry by staff (C-123).

    Returns a send in flight to wait for. Once is enough.
    """
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        contact = contact_there(session, contact_id, locked=True)
        if state_of(contact).restricted is None:
            _append(runtime, session, contact, EventKind.RESTRICT, actor, method, evidence or {})
            outbox.cancel_waiting(session, contact.id, Reason.RESTRICTED, now=now, actor=actor)
            record(session, "privacy.restricted", at=now, actor=actor, cause=method, contact_id=contact.id)
        return contact.lease_token


def unrestrict(
    runtime: Runtime,
    tenant_id: UUID,
    contact_id: UUID,
    *,
    actor: Actor,
    method: str,
    evidence: Mapping[str, Any] | None = None,
) -> None:
    """Lift it. What they have agreed to and ended stands as before."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        contact = contact_there(session, contact_id, locked=True)
        if state_of(contact).restricted is not None:
            _append(runtime, session, contact, EventKind.UNRESTRICT, actor, method, evidence or {})
            record(session, "privacy.unrestricted", at=now, actor=actor, cause=method, contact_id=contact.id)


def ask(runtime: Runtime, tenant_id: UUID, contact_id: UUID, what: Ask, *, actor: Actor, cause: str) -> datetime:
    """Leave a request to the business, with its clock of 30 days; one that is open already goes on. By when it is due."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        contact = contact_there(session, contact_id, locked=True)
        conversation_id = session.scalars(
            select(Conversation.id).where(Conversation.tenant_id == tenant_id, Conversation.contact_id == contact.id)
        ).first()
        known = session.scalars(
            select(Task.due_at).where(
                Task.tenant_id == tenant_id,
                Task.kind == what.value,
                Task.conversation_id.is_not_distinct_from(conversation_id),
                Task.done_at.is_(None),
            )
        ).first()
        if known is not None:
            return known
        request_id, due_at = uuid4(), now + ANSWERED_WITHIN
        add_task(
            session,
            what.value,
            request_id,
            conversation_id=conversation_id,
            now=now,
            actor=actor,
            cause=cause,
            due_at=due_at,
        )
        task_id = session.scalars(select(Task.id).where(Task.tenant_id == tenant_id, Task.ref_id == request_id)).one()
        work.put(session, REMIND, task_id, due_at=now + REMINDED_AFTER[0], now=now, queue=BACKGROUND)
        return due_at


def remind(runtime: Runtime, claim: work.Claim) -> None:
    """Tell who answers for it that a request is still open, after 20 days and after 27 (C-124)."""
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        task = session.get(Task, claim.ref_id)
        if task is None or task.done_at is not None:
            work.finish(session, claim)
            return
        raise_alert(
            session,
            ALERT,
            str(task.id),
            now=now,
            actor=SYSTEM,
            cause=CAUSE,
            role=Role.COMPLIANCE,
            conversation_id=task.conversation_id,
        )
        again = [task.created_at + after for after in REMINDED_AFTER if task.created_at + after > now + CLOCK_SLACK]
        if again:
            work.again(session, claim, again[0])
        else:
            work.finish(session, claim)


def _append(
    runtime: Runtime,
    session: TenantSession,
    contact: Contact,
    kind: EventKind,
    actor: Actor,
    method: str,
    evidence: Mapping[str, Any],
    *,
    purposes: tuple[Purpose, ...] = (),
) -> UUID:
    now = runtime.clock.now()
    cipher = runtime.cipher(tenant_of(session, session.tenant_id).data_key)
    said = {"address": contact.address, **evidence}
    fact = Fact(kind, now, method, said, purposes=purposes, rule=RULE)
    return append(session, contact, cipher, fact, actor=actor, now=now)


def _finish_holds(session: TenantSession, contact: Contact, actor: Actor, now: datetime) -> None:
    theirs = select(Conversation.id).where(
        Conversation.tenant_id == session.tenant_id, Conversation.contact_id == contact.id
    )
    session.execute(
        update(Task)
        .where(
            Task.tenant_id == session.tenant_id,
            Task.kind == HELD_BY,
            Task.done_at.is_(None),
            Task.conversation_id.in_(theirs),
        )
        .values(done_at=now)
    )
