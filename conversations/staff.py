"""What staff do in a conversation: write, take over, give back, assign, opt a person out, settle a hold, finish tasks.

Each passes `visible(actor)` first, so that an agent acts only on leads that are theirs or nobody's; every text goes through the gate.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from smsbot.actor import Actor, ActorKind, Role
from smsbot.database import TenantSession
from smsbot.errors import Conflict, InvalidInput, NotFound
from smsbot.events import record
from smsbot.masking import holds_sensitive
from smsbot.runtime import Runtime
from smsbot.tenancy import Agent

REPLY_WITHIN = timedelta(hours=24)  # an agent's text is a reply when the lead wrote within this
AGENT_TEXT_USEFUL_FOR = timedelta(hours=12)
LONGEST_TEXT = 1600  # the carrier takes no more (21617)
CHOSEN = (Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.MARKETING)  # what an agent may pick otherwise
ASSIGNS = (Role.OWNER, Role.MANAGER)
TAKES_LEADS = (Role.OWNER, Role.MANAGER, Role.AGENT)
HOLD = "settle_hold"
# Tasks that ask for an answer, and are done with it.
ANSWERED_BY_TEXT = (
    "handoff",
    "unanswered_question",
    "ai_failure",
    "late_text",
    "text_not_sent",
    "undelivered",
    "other_language",
)
CAUSE = "dashboard"
BY_STAFF = "agent_entry"
# In which way somebody said that they want no more texts: each is a method of its own in the ledger (C-026).
OPT_OUT_METHODS = (BY_STAFF, "phone", "voicemail", "email", "mail", "web_page", "in_person")


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
        contact = _locked(session, actor, conversation)
        message_id = key or uuid4()
        if session.get(Message, message_id) is not None:
            return message_id
        if state_of(contact).restricted is not None:
            raise InvalidInput("body", "what may be done with their data is restricted: nothing is written or sent")
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
        _take(session, conversation, actor, now)
        _finish(session, contact, ANSWERED_BY_TEXT, actor, now, conversation_id=conversation.id)
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
        contact = _locked(session, actor, conversation)
        outbox.cancel_waiting(session, contact.id, Reason.TAKEOVER, now=now, actor=actor, automated=True)
        conversation.burst_started_at = None
        _take(session, conversation, actor, now)


def assign(runtime: Runtime, tenant_id: UUID, actor: Actor, conversation_id: UUID, agent_id: UUID | None) -> None:
    """The lead belongs to this member of staff from now on, or to nobody; what was taken over goes with it.

    Owners and managers do so. Raises NotFound for everybody else, and InvalidInput for who takes no leads here.
    """
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        if actor.role not in ASSIGNS:
            raise NotFound("no such conversation")
        conversation = conversation_of(session, actor, conversation_id)
        contact = _locked(session, actor, conversation)
        if state_of(contact).restricted is not None:
            raise InvalidInput("agent", "what may be done with their data is restricted: lift that first")
        if agent_id is not None and agent_id not in dict(colleagues(session, actor)):
            raise InvalidInput("agent", "choose somebody who takes leads here")
        people.assign(session, conversation, agent_id, actor=actor, now=now, cause=CAUSE)
        if agent_id is not None and conversation.taken_over_by is not None:
            conversation.taken_over_by = agent_id


def colleagues(session: TenantSession, actor: Actor) -> list[tuple[UUID, str]]:
    """Id and name of everybody to whom this actor may assign a lead, by name; none when they may not assign."""
    if actor.role not in ASSIGNS:
        return []
    rows = session.execute(
        select(Agent.id, Agent.name)
        .where(Agent.tenant_id == session.tenant_id, Agent.disabled_at.is_(None), Agent.role.in_(TAKES_LEADS))
        .order_by(Agent.name, Agent.id)
    )
    return [(row.id, row.name) for row in rows]


def give_back(runtime: Runtime, tenant_id: UUID, actor: Actor, conversation_id: UUID) -> None:
    """The assistant answers again, from the next text on."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        conversation = conversation_of(session, actor, conversation_id)
        people.give_back(session, conversation, actor=actor, now=now, cause=CAUSE)


def opt_out(
    runtime: Runtime,
    tenant_id: UUID,
    actor: Actor,
    conversation_id: UUID,
    note: str,
    *,
    method: str = BY_STAFF,
) -> UUID | None:
    """Record that this person wants no more texts, said in any other way. Returns a send in flight to wait for.

    Nothing is sent: the confirmation is the answer to a text of theirs. Staff cannot undo it. Raises
    InvalidInput("method", …) for what is none of OPT_OUT_METHODS.
    """
    if method not in OPT_OUT_METHODS:
        raise InvalidInput("method", "choose in which way they said so")
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        conversation = conversation_of(session, actor, conversation_id)
        contact = _locked(session, actor, conversation)
        _append(runtime, session, contact, EventKind.OPT_OUT, actor, now, note, method=method)
        _finish(session, contact, (HOLD,), actor, now)
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
        contact = _locked(session, actor, conversation)
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
        _finish(session, contact, (HOLD,), actor, now)
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
    """Done, by this person; a task that was done already stays as it is.

    Raises Conflict for what only a decision ends: as long as a hold stands, its task does.
    """
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        task = session.scalars(select(Task).where(Task.tenant_id == tenant_id, Task.id == task_id)).first()
        if task is None:
            raise NotFound("no such task")
        if task.conversation_id is not None:
            conversation = conversation_of(session, actor, task.conversation_id)
            state = state_of(session.get_one(Contact, conversation.contact_id))
            if task.kind == HOLD and task.done_at is None and state.held is not None and state.opted_out is None:
                raise Conflict("say whether it is an opt-out: that ends this task")
        elif not sees_all(actor):
            raise NotFound("no such task")
        if task.done_at is None:
            _done(session, task, actor, now)


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


def _locked(session: TenantSession, actor: Actor, conversation: Conversation) -> Contact:
    contact = lock(session, conversation.contact_id)
    assert contact is not None  # the conversation's foreign key
    conversation_of(session, actor, conversation.id)  # a colleague may have picked it up while we waited
    return contact


def _take(session: TenantSession, conversation: Conversation, actor: Actor, now: datetime) -> None:
    """A person has the conversation, and the lead when it was nobody's."""
    if actor.kind is ActorKind.STAFF:
        people.assign(session, conversation, actor.id, actor=actor, now=now, cause=CAUSE, if_nobodys=True)
    people.take_over(session, conversation, actor=actor, now=now, cause=CAUSE)


def _finish(
    session: TenantSession,
    contact: Contact,
    kinds: Sequence[str],
    actor: Actor,
    now: datetime,
    *,
    conversation_id: UUID | None = None,
) -> None:
    """What was left to people of these kinds is done: in one conversation, or in all with this person."""
    theirs = select(Conversation.id).where(
        Conversation.tenant_id == session.tenant_id, Conversation.contact_id == contact.id
    )
    if conversation_id is not None:
        theirs = theirs.where(Conversation.id == conversation_id)
    for task in session.scalars(
        select(Task).where(
            Task.tenant_id == session.tenant_id,
            Task.done_at.is_(None),
            Task.kind.in_(kinds),
            Task.conversation_id.in_(theirs),
        )
    ).all():
        _done(session, task, actor, now)


def _done(session: TenantSession, task: Task, actor: Actor, now: datetime) -> None:
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
    method: str = BY_STAFF,
) -> UUID:
    tenant = tenant_of(session, session.tenant_id)
    fact = Fact(
        kind,
        text.created_at if text else now,
        method,
        {"address": contact.address, "note": note[:1000], "agent": str(actor.id)},
        purposes=CONSENTED if kind is EventKind.OPT_OUT else (),
        basis=Basis.CONVERSATIONAL if kind is EventKind.INQUIRY else None,
        rule="staff",
        message_id=text.id if text else None,
    )
    return append(session, contact, runtime.cipher(tenant.data_key), fact, actor=actor, now=now)
