"""What staff do in a conversation: write, take over, give back, opt a person out, settle a hold, finish tasks.

Each passes `visible(actor)` first, so that an agent acts only on leads that are theirs; every text goes through the gate.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update

from consent.ledger import Fact, append, lock, state_of
from consent.models import Contact
from consent.purposes import CONSENTED, Purpose, Reason
from consent.state import Basis, EventKind
from conversations import outbox, people
from conversations.models import Alert, Author, Conversation, Direction, Kind, Lead, Message, Task
from conversations.visibility import sees_all, visible
from smsbot import work
from smsbot.accounts import tenant_of
from smsbot.actor import Actor
from smsbot.database import TenantSession
from smsbot.errors import Conflict, InvalidInput, NotFound
from smsbot.events import record
from smsbot.masking import holds_sensitive
from smsbot.runtime import Runtime

REPLY_WITHIN = timedelta(hours=24)  # an agent's text is a reply when the lead wrote within this
AGENT_TEXT_USEFUL_FOR = timedelta(hours=12)
LONGEST_TEXT = 1600  # the carrier takes no more (21617)
CHOSEN = (Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.MARKETING)  # what an agent may pick otherwise
CAUSE = "dashboard"


def conversation_of(session: TenantSession, actor: Actor, conversation_id: UUID) -> Conversation:
    """The conversation if this actor may see it. Raises NotFound: another tenant's or agent's is no different from none."""
    found = session.scalars(
        select(Conversation)
        .join(Lead, (Lead.tenant_id == Conversation.tenant_id) & (Lead.id == Conversation.lead_id))
        .where(Conversation.tenant_id == session.tenant_id, Conversation.id == conversation_id, visible(actor))
    ).first()
    if found is None:
        raise NotFound("no such conversation")
    return found


def default_purpose(conversation: Conversation, now: datetime) -> Purpose | None:
    """`reply` when the lead wrote within a day; None: the agent has to pick one."""
    wrote_at = conversation.last_inbound_at
    return Purpose.REPLY if wrote_at is not None and now - wrote_at <= REPLY_WITHIN else None


def write(
    runtime: Runtime,
    tenant_id: UUID,
    actor: Actor,
    conversation_id: UUID,
    body: str,
    *,
    purpose: Purpose | None = None,
    key: UUID | None = None,
    seen: UUID | None = None,
) -> UUID:
    """A text by hand: pauses the assistant, voids its draft, and goes to the gate at once. Returns the message's id.

    `key` makes a repeated form one message. `seen` is the newest inbound text that the agent had on the screen: when
    there is a newer one, Conflict, and nothing is sent. Raises InvalidInput and NotFound.
    """
    text = body.strip()
    if not text:
        raise InvalidInput("body", "write something first")
    if len(text) > LONGEST_TEXT:
        raise InvalidInput("body", f"a text has at most {LONGEST_TEXT} characters, this one has {len(text)}")
    if holds_sensitive(text):
        raise InvalidInput("body", "leave social security and card numbers out of texts")
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        conversation = conversation_of(session, actor, conversation_id)
        contact = _locked(session, conversation)
        message_id = key or uuid4()
        if session.get(Message, message_id) is not None:
            return message_id
        newest = session.scalars(
            select(Message.id)
            .where(
                Message.tenant_id == tenant_id,
                Message.conversation_id == conversation.id,
                Message.direction == Direction.INBOUND,
            )
            .order_by(Message.created_at.desc(), Message.id.desc())
            .limit(1)
        ).first()
        if seen is not None and newest is not None and newest != seen:
            raise Conflict("the lead has written meanwhile: read it, then send")
        meant = default_purpose(conversation, now) or purpose
        if meant is None:
            raise InvalidInput("purpose", "they have not written for a day: say what this text is")
        if meant is not Purpose.REPLY and meant not in CHOSEN:
            raise InvalidInput("purpose", "choose inquiry, appointment or marketing")
        outbox.cancel_waiting(session, contact.id, Reason.TAKEOVER, now=now, actor=actor, automated=True)
        conversation.burst_started_at = None
        people.take_over(session, conversation, actor=actor, now=now, cause=CAUSE)
        return outbox.put(
            session,
            message_id=message_id,
            conversation=conversation,
            author=Author.AGENT,
            agent_id=actor.id,
            purpose=meant,
            kind=Kind.AGENT_TEXT,
            body=text,
            now=now,
            stale_after=now + AGENT_TEXT_USEFUL_FOR,
            priority=work.URGENT,
        )


def take_over(runtime: Runtime, tenant_id: UUID, actor: Actor, conversation_id: UUID) -> None:
    """A person has it from now on; what the assistant was about to say is voided."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        conversation = conversation_of(session, actor, conversation_id)
        contact = _locked(session, conversation)
        outbox.cancel_waiting(session, contact.id, Reason.TAKEOVER, now=now, actor=actor, automated=True)
        conversation.burst_started_at = None
        people.take_over(session, conversation, actor=actor, now=now, cause=CAUSE)


def give_back(runtime: Runtime, tenant_id: UUID, actor: Actor, conversation_id: UUID) -> None:
    """The assistant answers again, from the next text on."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        conversation = conversation_of(session, actor, conversation_id)
        people.give_back(session, conversation, actor=actor, now=now, cause=CAUSE)


def opt_out(runtime: Runtime, tenant_id: UUID, actor: Actor, conversation_id: UUID, note: str) -> UUID | None:
    """Record that this person wants no more texts, said in any other way. Returns a send in flight to wait for.

    Nothing is sent: the confirmation is the answer to a text of theirs. Staff cannot undo it.
    """
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        conversation = conversation_of(session, actor, conversation_id)
        contact = _locked(session, conversation)
        _append(runtime, session, contact, EventKind.OPT_OUT, actor, now, note)
        outbox.cancel_waiting(session, contact.id, Reason.OPTED_OUT, now=now, actor=actor)
        conversation.burst_started_at = None
        record(
            session,
            "consent.opted_out",
            at=now,
            actor=actor,
            cause=CAUSE,
            contact_id=contact.id,
            conversation_id=conversation.id,
        )
        return contact.lease_token


def settle_hold(
    runtime: Runtime, tenant_id: UUID, actor: Actor, conversation_id: UUID, *, is_opt_out: bool, note: str = ""
) -> UUID | None:
    """Say what the text that holds everything meant. Returns a send in flight to wait for when it was an opt-out."""
    if is_opt_out:
        return opt_out(runtime, tenant_id, actor, conversation_id, note)
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        conversation = conversation_of(session, actor, conversation_id)
        contact = _locked(session, conversation)
        if state_of(contact).held is None:
            return None
        _append(runtime, session, contact, EventKind.RESUME, actor, now, note)
        held = session.scalars(
            select(Message)
            .where(
                Message.tenant_id == tenant_id,
                Message.conversation_id == conversation.id,
                Message.direction == Direction.INBOUND,
                Message.reason == Reason.HELD.value,
            )
            .order_by(Message.created_at.desc(), Message.id.desc())
            .limit(1)
        ).first()
        if held is not None:
            # Read as what it was, an ordinary text: it permits an answer from when they wrote it, not from now.
            _append(runtime, session, contact, EventKind.INQUIRY, actor, now, note, text=held)
        contact.wrong_number_at = None
        record(
            session,
            "consent.resumed",
            at=now,
            actor=actor,
            cause=CAUSE,
            contact_id=contact.id,
            conversation_id=conversation.id,
        )
        return None


def finish_task(runtime: Runtime, tenant_id: UUID, actor: Actor, task_id: UUID) -> None:
    """Done, by this person; a task that was done already stays as it is."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        task = session.scalars(select(Task).where(Task.tenant_id == tenant_id, Task.id == task_id)).first()
        if task is None:
            raise NotFound("no such task")
        if task.conversation_id is not None:
            conversation_of(session, actor, task.conversation_id)
        elif not sees_all(actor):
            raise NotFound("no such task")
        if task.done_at is None:
            task.done_at, task.done_by = now, actor.id
            record(
                session,
                "task.done",
                at=now,
                actor=actor,
                cause=CAUSE,
                conversation_id=task.conversation_id,
                details={"kind": task.kind},
            )


def acknowledge(runtime: Runtime, tenant_id: UUID, actor: Actor, alert_id: UUID) -> None:
    """Somebody has seen the alert."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        alert = session.scalars(select(Alert).where(Alert.tenant_id == tenant_id, Alert.id == alert_id)).first()
        if alert is None:
            raise NotFound("no such alert")
        if alert.conversation_id is not None:
            conversation_of(session, actor, alert.conversation_id)
        elif not sees_all(actor):
            raise NotFound("no such alert")
        session.execute(
            update(Alert)
            .where(Alert.tenant_id == tenant_id, Alert.id == alert_id, Alert.acknowledged_at.is_(None))
            .values(acknowledged_at=now)
        )


def _locked(session: TenantSession, conversation: Conversation) -> Contact:
    contact = lock(session, conversation.contact_id)
    assert contact is not None  # the conversation's foreign key
    return contact


def _append(
    runtime: Runtime,
    session: TenantSession,
    contact: Contact,
    kind: EventKind,
    actor: Actor,
    now: datetime,
    note: str,
    *,
    text: Message | None = None,
) -> UUID:
    tenant = tenant_of(session, session.tenant_id)
    fact = Fact(
        kind,
        text.created_at if text else now,
        "agent_entry",
        {"address": contact.address, "note": note[:1000], "agent": str(actor.id)},
        purposes=CONSENTED if kind is EventKind.OPT_OUT else (),
        basis=Basis.CONVERSATIONAL if kind is EventKind.INQUIRY else None,
        rule="staff",
        message_id=text.id if text else None,
    )
    return append(session, contact, runtime.cipher(tenant.data_key), fact, actor=actor, now=now)
