"""What staff see of their leads, as plain values: the queues, one conversation, what is left to do, what has changed.

Every read passes `visible(actor)`: counts, names and what changed say nothing of a lead that the actor may not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, Select, and_, case, func, literal, not_, or_, select, true
from sqlalchemy import Row as SqlRow
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on
from sqlalchemy.orm import aliased

from consent.gate import contact_window, foreseen
from consent.ledger import state_of
from consent.models import ConsentEvent, Contact, DecisionRow, Permit
from consent.policy import Block, Defer
from consent.policy_settings import current_settings
from consent.purposes import Purpose, Reason
from consent.reading import consent_summary
from consent.state import EventKind, PurposeState
from conversations.explaining import ground
from conversations.models import (
    Alert,
    Author,
    Conversation,
    Direction,
    Lead,
    Media,
    Message,
    State,
    Task,
    transcript_order,
)
from conversations.people import ASSIGNED, PROMISED_WITHIN
from conversations.staff import CHOSEN, colleagues, conversation_of, default_purpose
from conversations.visibility import sees_all, visible
from smsbot.accounts import tenant_of
from smsbot.actor import Actor
from smsbot.database import TenantSession, Xid8
from smsbot.events import Cursor, Event, touched_after
from smsbot.phone import AddressKind
from smsbot.tenancy import Agent, Credential, CredentialKind, CredentialState, Number, ReplyMode, Tenant

AI_IS_LATE_AFTER = timedelta(minutes=2)  # an automated answer takes seconds: after this a person has to look
PAGE = 50
LONGEST_TIMELINE = 200  # texts
EVER = datetime(1, 1, 1, tzinfo=UTC)
EVENTS_AT_ONCE = 500
NEWS_AT_ONCE = 5000

SAID = (State.SENDING, State.SENT, State.DELIVERED, State.UNKNOWN)
NOT_SAID = (State.CANCELED, State.BLOCKED)
MASKED = frozenset({"ssn", "card"})  # the kinds of numbers that were taken out of a text
# Why the AI leaves a text alone that somebody still has to answer.
LEFT_TO_PEOPLE = (Reason.HELD.value, Reason.TAKEOVER.value, Reason.STALE.value)
NEEDS_NO_ANSWER = (Reason.REACTION.value, Reason.NOT_INTERESTED.value)  # judged so when the answer was drafted
HAPPENINGS = ("conversation.taken_over", "conversation.given_back", ASSIGNED, "task.added", "task.done")
NOT_ARRIVED = (State.FAILED, State.UNDELIVERED)
# An inquiry that came as a text is the text itself, and so is HELP.
SHOWN_CONSENT = tuple(kind for kind in EventKind if kind not in (EventKind.INQUIRY, EventKind.HELP))


class Queue(StrEnum):
    NEEDS_HUMAN = "needs-human"
    UNASSIGNED = "unassigned"
    MINE = "mine"
    AI = "ai"
    WAITING_ON_LEAD = "waiting-on-lead"
    ALL = "all"


class Standing(StrEnum):
    """Who has a conversation."""

    AI = "ai"
    YOU = "you"
    COLLEAGUE = "colleague"
    HANDED_OFF = "handed_off"  # the AI has said that a person will answer, and nobody has it yet
    DRAFTS = "drafts"  # the AI writes, a person sends
    NOBODY = "nobody"  # automated answers are off


class Badge(StrEnum):
    """The consent of a person in one word."""

    OK = "ok"
    NONE = "none"
    STOP = "stop"
    HELD = "held"
    BLOCKED = "blocked"  # by the carrier, whatever they have agreed to
    UNREACHABLE = "unreachable"  # no text can arrive at this number


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation in a queue.

    `waiting_since` is when the oldest text without an answer came, or the oldest open task, None when nothing waits;
    `due_at` is by when a person was promised, `task` the kind of what is due first.
    """

    conversation_id: UUID
    name: str | None = field(repr=False)
    number: str = field(repr=False)
    waiting_since: datetime | None
    due_at: datetime | None
    task: str | None
    needs_human: bool
    standing: Standing
    has_it: str | None
    badge: Badge
    language: str | None
    source: str
    last_author: Author | None
    last_words: str = field(repr=False)
    last_pictures: int
    last_at: datetime | None
    not_arrived: bool  # their newest text is one of ours that was not delivered


@dataclass(frozen=True, slots=True)
class QueuePage:
    queue: Queue
    counts: Mapping[Queue, int]
    rows: Sequence[Row]
    page: int
    more: bool


@dataclass(frozen=True, slots=True)
class SharedPage:
    """A page of a queue before it is known who looks: what is theirs is not told apart from a colleague's yet."""

    page: QueuePage
    taken_over_by: Sequence[UUID | None]  # of each row
    held_by: Sequence[tuple[UUID | None, UUID | None, int]]

    def seen_by(self, actor: Actor) -> QueuePage:
        """The page as this member of staff sees it."""
        rows = [
            replace(row, standing=Standing.YOU) if taken_by is not None and taken_by == actor.id else row
            for row, taken_by in zip(self.page.rows, self.taken_over_by, strict=True)
        ]
        mine = sum(count for *holders, count in self.held_by if actor.id in holders) if actor.id else 0
        counts = {each: mine if each is Queue.MINE else self.page.counts[each] for each in Queue}
        return replace(self.page, counts=counts, rows=rows)


@dataclass(frozen=True, slots=True)
class Said:
    """One text of the timeline, sent or not. `allowed` says on what each of its permissions rests."""

    id: UUID
    at: datetime
    direction: Direction
    author: Author
    author_name: str | None
    words: str = field(repr=False)
    state: State
    reason: str | None
    segments: int | None
    purpose: Purpose | None
    masked: bool
    pictures: Sequence[str]  # the content type of each
    allowed: Sequence[str]
    deferred_until: datetime | None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something in the timeline that is no text: a consent event (`consent.<kind>`), a takeover, a task."""

    at: datetime
    kind: str
    detail: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a text by hand may be for, and why it may not leave as that (None: it may, but no sooner than `not_before`)."""

    purpose: Purpose
    objection: Reason | None
    not_before: datetime | None = None
    local: str = ""  # how late it is where they are, when that is why


@dataclass(frozen=True, slots=True)
class OpenTask:
    id: UUID
    kind: str
    reason: str | None
    due_at: datetime
    created_at: datetime
    conversation_id: UUID | None
    name: str | None = field(repr=False)
    number: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenAlert:
    id: UUID
    kind: str
    role: str
    ref: str
    count: int
    created_at: datetime
    last_at: datetime
    conversation_id: UUID | None
    name: str | None = field(repr=False)
    number: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hours:
    """How late it is where they are and how we know, and what of their consent waits for its hours (None: until when
    is not known)."""

    local: datetime
    zone: str
    source: str
    opens: Mapping[Purpose, datetime | None]


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation as it is read and answered. `choices` has one purpose when a text by hand is a reply."""

    conversation_id: UUID
    contact_id: UUID
    name: str | None = field(repr=False)
    number: str = field(repr=False)
    our_number: str
    language: str | None
    source: str
    assigned_to: str | None
    assigned_id: UUID | None
    colleagues: Sequence[tuple[UUID, str]]  # to whom the reader may assign it
    known_since: datetime
    fields: Mapping[str, str] = field(repr=False)
    standing: Standing
    has_it: str | None
    handoff_reason: str | None
    badge: Badge
    consent: Mapping[str, Any]
    opted_out_at: datetime | None
    held_at: datetime | None
    waiting_since: datetime | None
    due_at: datetime | None
    needs_human: bool
    timeline: Sequence[Said | Happening]
    earlier: bool
    newest_inbound: UUID | None
    choices: Sequence[Choice]
    hours: Hours | None  # None for an address that no hours apply to
    tasks: Sequence[OpenTask]


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened after a cursor: the conversations that the actor may see, and whether there is more to read."""

    cursor: Cursor
    conversations: Sequence[UUID]  # in the order of their first event
    floor: bool  # something that belongs to no conversation
    more: bool


# ---- the queues ------------------------------------------------------------------------------------------------------


def queue_page(session: TenantSession, actor: Actor, queue: Queue, *, now: datetime, page: int = 1) -> QueuePage:
    """One page of a queue, who waits longest first, and how many conversations each queue holds."""
    return shared_page(session, actor, queue, now=now, page=page).seen_by(actor)


def shared_by(actor: Actor, queue: Queue | None = None) -> UUID | None:
    """Whoever gets the same here may share what is found for one of them: the conversations, counts and news that they
    may see are the same. None stands for all who see every lead."""
    return None if sees_all(actor) and queue is not Queue.MINE else actor.id


def shared_page(session: TenantSession, actor: Actor, queue: Queue, *, now: datetime, page: int = 1) -> SharedPage:
    """The same before it is known who looks, good for everybody with the same `shared_by(actor, queue)`."""
    tenant = tenant_of(session, session.tenant_id)
    standings = _Standings(tenant, actor, now)
    counting = [each for each in Queue if each is not Queue.MINE]
    # Who waits and who does not is found once, for the counts and for the page: it is what costs.
    board = standings.select(
        Conversation.id,
        Conversation.last_message_at,
        standings.waiting_since.label("since"),
        standings.due_at.label("due"),
        standings.task.label("task"),
        standings.needs_human.label("needs_human"),
        *(standings.in_queue(each).label(each.name) for each in Queue),
    ).cte("board")
    counts = select(*(func.count().filter(board.c[each.name]).label(each.name) for each in counting)).subquery("counts")
    order = (board.c.since.asc().nulls_last(), board.c.last_message_at.desc().nulls_last(), board.c.id)
    listed = (
        select(
            board.c.id,
            board.c.since,
            board.c.due,
            board.c.task,
            board.c.needs_human,
            func.row_number().over(order_by=order).label("place"),
        )
        .where(board.c[queue.name])
        .order_by(*order)
        .limit(PAGE + 1)
        .offset((page - 1) * PAGE)
        .subquery("listed")
    )
    found = session.execute(select(counts, listed).outerjoin(listed, true()).order_by(listed.c.place)).all()
    placed = [row for row in found if row.id is not None]
    shown = _named(session, placed[:PAGE])
    last = _last_texts(session, [conversation.id for conversation, *_ in shown])
    names = _staff_names(session)
    rows = []
    for conversation, lead, contact, place in shown:
        text = last.get(conversation.id)
        rows.append(
            Row(
                conversation_id=conversation.id,
                name=lead.name,
                number=contact.address,
                waiting_since=place.since,
                due_at=place.due,
                task=place.task,
                needs_human=place.needs_human,
                standing=_standing(conversation, tenant, None),
                has_it=names.get(conversation.taken_over_by),
                badge=_badge(contact, now),
                language=lead.language or contact.language,
                source=lead.source,
                last_author=text.author if text else None,
                last_words=text.body if text else "",
                last_pictures=text.media_count if text else 0,
                last_at=text.created_at if text else None,
                not_arrived=text is not None and text.state in NOT_ARRIVED,
            )
        )
    counted: dict[Queue, int] = {each: found[0]._mapping[each.name] for each in counting}
    return SharedPage(
        QueuePage(queue, counted, rows, page, len(placed) > PAGE),
        [conversation.taken_over_by for conversation, *_ in shown],
        _held_by(session, actor),
    )


def _held_by(session: TenantSession, actor: Actor) -> list[tuple[UUID | None, UUID | None, int]]:
    """(who has taken over, whose lead it is, how many) of what is anybody's."""
    query = (
        select(Conversation.taken_over_by, Lead.assigned_to, func.count())
        .join(Lead, and_(Lead.tenant_id == Conversation.tenant_id, Lead.id == Conversation.lead_id))
        .where(
            Conversation.tenant_id == session.tenant_id,
            or_(Conversation.taken_over_by.is_not(None), Lead.assigned_to.is_not(None)),
            visible(actor),
        )
        .group_by(Conversation.taken_over_by, Lead.assigned_to)
    )
    return [(taken_by, assigned_to, count) for taken_by, assigned_to, count in session.execute(query)]


def _named(
    session: TenantSession, placed: Sequence[SqlRow[Any]]
) -> list[tuple[Conversation, Lead, Contact, SqlRow[Any]]]:
    """The conversations with their people and their places, in the order of `placed`."""
    found = session.execute(
        select(Conversation, Lead, Contact)
        .join(Lead, and_(Lead.tenant_id == Conversation.tenant_id, Lead.id == Conversation.lead_id))
        .join(Contact, and_(Contact.tenant_id == Conversation.tenant_id, Contact.id == Conversation.contact_id))
        .where(Conversation.tenant_id == session.tenant_id, Conversation.id.in_([row.id for row in placed]))
    )
    by_id = {conversation.id: (conversation, lead, contact) for conversation, lead, contact in found}
    return [(*by_id[row.id], row) for row in placed]


class _Standings:
    """The conversations that an actor may see, with since when each waits for us and whether a person has to act."""

    def __init__(self, tenant: Tenant, actor: Actor, now: datetime) -> None:
        self._tenant, self._actor = tenant, actor
        said_at = func.coalesce(Message.drafted_at, Message.created_at)
        # A text that announces a person answers nothing: whoever reads it still waits.
        self._answers = (
            select(func.max(said_at).label("at"))
            .where(
                Message.tenant_id == Conversation.tenant_id,
                Message.conversation_id == Conversation.id,
                Message.direction == Direction.OUTBOUND,
                or_(
                    and_(Message.state.in_(SAID), not_(Message.flags.contains(["handoff"]))),
                    and_(Message.author == Author.AGENT, Message.state.in_((State.QUEUED, State.DEFERRED))),
                    and_(Message.state == State.BLOCKED, Message.reason.in_(NEEDS_NO_ANSWER)),
                ),
            )
            .correlate(Conversation)
            .lateral("answers")
        )
        text = aliased(Message)
        came_at = func.coalesce(text.drafted_at, text.created_at)  # created_at, as ix_messages_said orders both
        self._waits = (
            select(func.min(came_at).label("since"))
            .where(
                text.tenant_id == Conversation.tenant_id,
                text.conversation_id == Conversation.id,
                text.direction == Direction.INBOUND,
                or_(text.reason.is_(None), text.reason.in_(LEFT_TO_PEOPLE)),
                came_at > func.coalesce(self._answers.c.at, EVER),
                # Spares nearly every conversation the look: nothing came after the answer.
                Conversation.last_inbound_at > func.coalesce(self._answers.c.at, EVER),
            )
            .correlate(Conversation, self._answers)
            .lateral("waits")
        )
        opted_out = Contact.consent["opted_out"].astext.is_not(None)
        self.open = not_(opted_out)
        self.held = and_(self.open, Contact.consent["held"].astext.is_not(None))
        # Who cannot be texted is left to people by a task: no answer could ever end the wait of a text.
        self.textable = and_(
            self.open, Contact.consent["carrier_blocked"].astext.is_(None), Contact.unreachable_code.is_(None)
        )
        self._left = (
            select(
                Task.conversation_id,
                func.min(Task.created_at).label("since"),
                func.min(Task.due_at).label("due"),
                func.array_agg(aggregate_order_by(Task.kind, Task.due_at, Task.id)).label("kinds"),
            )
            .where(Task.tenant_id == tenant.id, Task.done_at.is_(None), Task.conversation_id.is_not(None))
            .group_by(Task.conversation_id)
            .subquery("left_to_people")
        )
        self.task: ColumnElement[str | None] = self._left.c.kinds[1]
        text_since = case((self.textable, self._waits.c.since))
        self.waiting_since: ColumnElement[datetime | None] = func.least(text_since, self._left.c.since)
        self.due_at: ColumnElement[datetime | None] = func.coalesce(
            self._left.c.due, text_since + literal(PROMISED_WITHIN, Interval())
        )
        self.with_people = or_(
            Conversation.taken_over_at.is_not(None),
            Conversation.handoff_reason.is_not(None),
            func.coalesce(Conversation.mode, tenant.reply_mode.value) != ReplyMode.AUTO.value,
        )
        late = self._waits.c.since < now - AI_IS_LATE_AFTER
        self.needs_human = or_(
            self.held,
            self._left.c.since.is_not(None),
            and_(self.textable, self._waits.c.since.is_not(None), or_(self.with_people, late)),
        )

    def select(self, *columns: Any) -> Select[Any]:
        return (
            select(*columns)
            .select_from(Conversation)
            .join(Lead, and_(Lead.tenant_id == Conversation.tenant_id, Lead.id == Conversation.lead_id))
            .join(Contact, and_(Contact.tenant_id == Conversation.tenant_id, Contact.id == Conversation.contact_id))
            .join(self._answers, true())
            .join(self._waits, true())
            .outerjoin(self._left, self._left.c.conversation_id == Conversation.id)
            .where(Conversation.tenant_id == self._tenant.id, visible(self._actor))
        )

    def in_queue(self, queue: Queue) -> ColumnElement[bool]:
        match queue:
            case Queue.NEEDS_HUMAN:
                return self.needs_human
            case Queue.UNASSIGNED:
                return and_(self.open, Lead.assigned_to.is_(None))
            case Queue.MINE:
                return or_(Conversation.taken_over_by == self._actor.id, Lead.assigned_to == self._actor.id)
            case Queue.AI:
                return and_(self.textable, not_(self.with_people), not_(self.needs_human))
            case Queue.WAITING_ON_LEAD:
                return and_(
                    self.textable,
                    not_(self.held),
                    self._left.c.since.is_(None),
                    self._waits.c.since.is_(None),
                    self._answers.c.at.is_not(None),
                )
            case Queue.ALL:
                return true()


def _standing(conversation: Conversation, tenant: Tenant, actor: Actor | None) -> Standing:
    if conversation.taken_over_by is not None:
        return Standing.YOU if actor and conversation.taken_over_by == actor.id else Standing.COLLEAGUE
    if conversation.taken_over_at is not None or conversation.handoff_reason is not None:
        return Standing.HANDED_OFF
    match ReplyMode(conversation.mode or tenant.reply_mode):
        case ReplyMode.AUTO:
            return Standing.AI
        case ReplyMode.DRAFT:
            return Standing.DRAFTS
        case ReplyMode.OFF:
            return Standing.NOBODY


def _badge(contact: Contact, now: datetime) -> Badge:
    state = state_of(contact)
    if state.opted_out:
        return Badge.STOP
    if state.carrier_blocked:
        return Badge.BLOCKED
    if contact.unreachable_code is not None:
        return Badge.UNREACHABLE
    if state.held:
        return Badge.HELD
    return Badge.OK if state.overall(now).value in ("opted_in", "inquired") else Badge.NONE


def _last_texts(session: TenantSession, conversation_ids: Sequence[UUID]) -> dict[UUID, Message]:
    """The newest text of each conversation that says something: a text that announces a person hides what they asked."""
    if not conversation_ids:
        return {}
    said_at, direction, message_id = transcript_order()
    found = session.scalars(
        select(Message)
        .ext(distinct_on(Message.conversation_id))
        .where(
            Message.tenant_id == session.tenant_id,
            Message.conversation_id.in_(conversation_ids),
            or_(
                Message.direction == Direction.INBOUND,
                and_(Message.body != "", Message.state.not_in(NOT_SAID), not_(Message.flags.contains(["handoff"]))),
            ),
        )
        .order_by(Message.conversation_id, said_at.desc(), direction.desc(), message_id.desc())
    )
    return {message.conversation_id: message for message in found}


def _staff_names(session: TenantSession) -> dict[UUID | None, str]:
    rows = session.execute(select(Agent.id, Agent.name).where(Agent.tenant_id == session.tenant_id))
    return {row.id: row.name for row in rows}


# ---- one conversation ------------------------------------------------------------------------------------------------


def thread(
    session: TenantSession, actor: Actor, conversation_id: UUID, *, now: datetime, before: datetime | None = None
) -> Thread:
    """One conversation with the newest texts of its timeline, or those `before` a time. Raises NotFound."""
    conversation = conversation_of(session, actor, conversation_id)
    tenant = tenant_of(session, session.tenant_id)
    lead = session.get_one(Lead, conversation.lead_id)
    contact = session.get_one(Contact, conversation.contact_id)
    number = session.get_one(Number, conversation.number_id)
    standings = _Standings(tenant, actor, now)
    since, due_at, needs_human = session.execute(
        standings.select(standings.waiting_since, standings.due_at, standings.needs_human).where(
            Conversation.id == conversation.id
        )
    ).one()
    names = _staff_names(session)
    timeline, earlier = _timeline(session, conversation, names, before)
    newest_inbound = session.scalars(
        select(Message.id)
        .where(
            Message.tenant_id == session.tenant_id,
            Message.conversation_id == conversation.id,
            Message.direction == Direction.INBOUND,
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
    ).first()
    state = state_of(contact)
    return Thread(
        conversation_id=conversation.id,
        contact_id=contact.id,
        name=lead.name,
        number=contact.address,
        our_number=number.number,
        language=lead.language or contact.language,
        source=lead.source,
        assigned_to=names.get(lead.assigned_to),
        assigned_id=lead.assigned_to,
        colleagues=colleagues(session, actor),
        known_since=lead.created_at,
        fields={name: shown for name, value in (lead.fields or {}).items() if (shown := _plain(value))},
        standing=_standing(conversation, tenant, actor),
        has_it=names.get(conversation.taken_over_by),
        handoff_reason=conversation.handoff_reason,
        badge=_badge(contact, now),
        consent=consent_summary(state, now),
        opted_out_at=state.opted_out.since if state.opted_out else None,
        held_at=state.held.since if state.held and not state.opted_out else None,
        waiting_since=since,
        due_at=due_at,
        needs_human=needs_human,
        timeline=timeline,
        earlier=earlier,
        newest_inbound=newest_inbound,
        choices=_choices(session, tenant, number, contact, conversation, now),
        hours=_hours(session, tenant, contact, now),
        tasks=open_tasks(session, actor, conversation_id=conversation.id),
    )


def _plain(value: Any) -> str:
    """A field of a lead as words; what was noted from a text stands in `value`."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)


def _timeline(
    session: TenantSession,
    conversation: Conversation,
    names: Mapping[UUID | None, str],
    before: datetime | None,
) -> tuple[list[Said | Happening], bool]:
    """Texts and what else happened, oldest first, and whether there are earlier ones."""
    said_at, direction, message_id = transcript_order()
    condition = [Message.tenant_id == session.tenant_id, Message.conversation_id == conversation.id]
    if before is not None:
        condition.append(said_at < before)
    newest = session.scalars(
        select(Message)
        .where(*condition, not_(and_(Message.state == State.CANCELED, Message.body == "")))
        .order_by(said_at.desc(), direction.desc(), message_id.desc())
        .limit(LONGEST_TIMELINE + 1)
    ).all()
    texts = list(reversed(newest[:LONGEST_TIMELINE]))
    earlier = len(newest) > LONGEST_TIMELINE
    start = texts[0].drafted_at or texts[0].created_at if earlier else None
    grounds = _grounds(session, [text.id for text in texts if text.direction is Direction.OUTBOUND])
    pictures = _pictures(session, [text.id for text in texts if text.media_count])
    items: list[tuple[datetime, Said | Happening]] = []
    for text in texts:
        at = text.drafted_at or text.created_at
        said = Said(
            id=text.id,
            at=at,
            direction=text.direction,
            author=text.author,
            author_name=names.get(text.agent_id),
            words=text.body,
            state=text.state,
            reason=text.reason,
            segments=text.segments,
            purpose=text.purpose,
            masked=not MASKED.isdisjoint(text.flags),
            pictures=pictures.get(text.id, ()),
            allowed=grounds.get(text.id, ()),
            deferred_until=text.not_before if text.state is State.DEFERRED else None,
        )
        items.append((at, said))
    for happening in _happenings(session, conversation, names):
        if (start is None or happening.at >= start) and (before is None or happening.at < before):
            items.append((happening.at, happening))
    return [item for _, item in sorted(items, key=lambda pair: (pair[0], _rank(pair[1])))], earlier


def _rank(item: Said | Happening) -> int:
    """At one instant: what they said, what it led to, what was answered."""
    if isinstance(item, Happening):
        return 1
    return 0 if item.direction is Direction.INBOUND else 2


def _happenings(
    session: TenantSession, conversation: Conversation, names: Mapping[UUID | None, str]
) -> list[Happening]:
    consents = session.scalars(
        select(ConsentEvent)
        .where(
            ConsentEvent.tenant_id == session.tenant_id,
            ConsentEvent.contact_id == conversation.contact_id,
            or_(
                ConsentEvent.kind.in_(SHOWN_CONSENT),
                and_(ConsentEvent.kind == EventKind.INQUIRY, ConsentEvent.message_id.is_(None)),
            ),
        )
        .order_by(ConsentEvent.seq)
    )
    found = [
        Happening(event.recorded_at, f"consent.{event.kind.value}", event.method, names.get(event.actor_id))
        for event in consents
    ]
    events = session.scalars(
        select(Event)
        .where(
            Event.tenant_id == session.tenant_id,
            Event.conversation_id == conversation.id,
            Event.kind.in_(HAPPENINGS),
        )
        .order_by(Event.at, Event.xid, Event.id)
    )
    for event in events:
        if event.kind == ASSIGNED:
            if event.details["to"] != str(event.actor_id):  # who takes over is named by that
                to = event.details["to"]
                found.append(
                    Happening(event.at, event.kind, names.get(UUID(to) if to else None), names.get(event.actor_id))
                )
            continue
        kind = f"{event.kind}.{event.details['kind']}" if "kind" in event.details else event.kind
        found.append(Happening(event.at, kind, event.details.get("reason"), names.get(event.actor_id)))
    return found


def _grounds(session: TenantSession, message_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """By message: the end of "allowed because", once for each time that the gate let it pass."""
    if not message_ids:
        return {}
    rows = session.execute(
        select(DecisionRow.message_id, DecisionRow.rule, Permit.kind.label("permit"))
        .outerjoin(Permit, and_(Permit.tenant_id == DecisionRow.tenant_id, Permit.id == DecisionRow.permit_id))
        .where(
            DecisionRow.tenant_id == session.tenant_id,
            DecisionRow.message_id.in_(message_ids),
            DecisionRow.outcome == "allow",
        )
        .order_by(DecisionRow.at, DecisionRow.id)
    )
    found: dict[UUID, list[str]] = {}
    for row in rows:
        words = ground(row.rule, row.permit.value if row.permit else None)
        if words not in found.setdefault(row.message_id, []):
            found[row.message_id].append(words)
    return found


def _pictures(session: TenantSession, message_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    if not message_ids:
        return {}
    rows = session.execute(
        select(Media.message_id, Media.content_type)
        .where(Media.tenant_id == session.tenant_id, Media.message_id.in_(message_ids))
        .order_by(Media.message_id, Media.position)
    )
    found: dict[UUID, list[str]] = {}
    for row in rows:
        found.setdefault(row.message_id, []).append(row.content_type)
    return found


def _choices(
    session: TenantSession,
    tenant: Tenant,
    number: Number,
    contact: Contact,
    conversation: Conversation,
    now: datetime,
) -> list[Choice]:
    """What a text by hand may be for at this moment, judged by the gate's own policy. The gate decides when it is sent."""
    has_credentials = session.scalars(
        select(Credential.id)
        .where(
            Credential.tenant_id == tenant.id,
            Credential.kind == CredentialKind.AUTH_TOKEN,
            Credential.state == CredentialState.CURRENT,
        )
        .limit(1)
    ).first()
    meant = default_purpose(conversation, now)
    settings = current_settings(session, now)
    found = []
    for purpose in (meant,) if meant is not None else CHOSEN:
        decision, window = foreseen(
            tenant=tenant,
            number=number,
            contact=contact,
            state=state_of(contact),
            settings=settings,
            purpose=purpose,
            now=now,
            automated=False,
            in_reply_to_at=conversation.last_inbound_at,
            has_credentials=has_credentials is not None,
        )
        match decision:
            case Block(_, reason):
                found.append(Choice(purpose, reason))
            case Defer(_, until, Reason.QUIET_HOURS):
                found.append(Choice(purpose, None, until, window.local if window else ""))
            case _:
                found.append(Choice(purpose, None))
    return found


def _hours(session: TenantSession, tenant: Tenant, contact: Contact, now: datetime) -> Hours | None:
    if contact.address_kind != AddressKind.NUMBER:
        return None
    settings, state = current_settings(session, now), state_of(contact)
    windows = {
        purpose: window
        for purpose in (Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION, Purpose.MARKETING)
        if (window := contact_window(contact, tenant, contact.id, purpose, now, settings=settings)) is not None
    }
    seen = windows[Purpose.INQUIRY]
    allowed = {
        purpose
        for purpose, standing in state.purposes.items()
        if standing.state in (PurposeState.INQUIRED, PurposeState.OPTED_IN)
        and (standing.until is None or now < standing.until)
    }
    return Hours(
        datetime.fromisoformat(seen.local),
        seen.zone,
        seen.source,
        {purpose: window.opens_at for purpose, window in windows.items() if purpose in allowed and not window.open},
    )


# ---- tasks and alerts ------------------------------------------------------------------------------------------------


def open_tasks(session: TenantSession, actor: Actor, *, conversation_id: UUID | None = None) -> list[OpenTask]:
    """What is left to people, what is due first on top; of one conversation, or all that the actor may see."""
    query = (
        _with_lead(select(Task, Lead.name, Contact.address), Task.conversation_id, Task.tenant_id)
        .where(Task.tenant_id == session.tenant_id, Task.done_at.is_(None), _visible_or_floor(actor))
        .order_by(Task.due_at, Task.id)
        .limit(EVENTS_AT_ONCE)
    )
    if conversation_id is not None:
        query = query.where(Task.conversation_id == conversation_id)
    return [
        OpenTask(task.id, task.kind, task.reason, task.due_at, task.created_at, task.conversation_id, name, address)
        for task, name, address in session.execute(query)
    ]


def open_alerts(session: TenantSession, actor: Actor) -> list[OpenAlert]:
    """What somebody has to know, newest first."""
    query = (
        _with_lead(select(Alert, Lead.name, Contact.address), Alert.conversation_id, Alert.tenant_id)
        .where(Alert.tenant_id == session.tenant_id, Alert.acknowledged_at.is_(None), _visible_or_floor(actor))
        .order_by(Alert.last_at.desc(), Alert.id)
        .limit(EVENTS_AT_ONCE)
    )
    return [
        OpenAlert(
            alert.id,
            alert.kind,
            alert.role,
            alert.ref,
            alert.count,
            alert.created_at,
            alert.last_at,
            alert.conversation_id,
            name,
            address,
        )
        for alert, name, address in session.execute(query)
    ]


def open_counts(session: TenantSession, actor: Actor) -> tuple[int, int]:
    """How many open tasks and alerts the actor may see."""
    tasks = _with_lead(select(func.count()).select_from(Task), Task.conversation_id, Task.tenant_id).where(
        Task.tenant_id == session.tenant_id, Task.done_at.is_(None), _visible_or_floor(actor)
    )
    alerts = _with_lead(select(func.count()).select_from(Alert), Alert.conversation_id, Alert.tenant_id).where(
        Alert.tenant_id == session.tenant_id, Alert.acknowledged_at.is_(None), _visible_or_floor(actor)
    )
    return session.scalar(tasks) or 0, session.scalar(alerts) or 0


def _with_lead(query: Select[*tuple[Any, ...]], conversation_id: Any, tenant_id: Any) -> Select[*tuple[Any, ...]]:
    return (
        query.outerjoin(Conversation, and_(Conversation.tenant_id == tenant_id, Conversation.id == conversation_id))
        .outerjoin(Lead, and_(Lead.tenant_id == Conversation.tenant_id, Lead.id == Conversation.lead_id))
        .outerjoin(Contact, and_(Contact.tenant_id == Conversation.tenant_id, Contact.id == Conversation.contact_id))
    )


def _visible_or_floor(actor: Actor) -> ColumnElement[bool]:
    """What belongs to a lead that the actor may see, and for who sees everything also what belongs to none."""
    return or_(and_(Lead.id.is_not(None), visible(actor)), and_(Lead.id.is_(None), literal(sees_all(actor))))


# ---- what has changed ------------------------------------------------------------------------------------------------


def newest_cursor(session: TenantSession) -> Cursor:
    """The place after everything that has happened and can be seen: read it before the page that it goes with."""
    horizon = func.pg_snapshot_xmin(func.pg_current_snapshot(), type_=Xid8())
    row = session.execute(
        select(Event.xid, Event.id)
        .where(Event.tenant_id == session.tenant_id, Event.xid < horizon)
        .order_by(Event.xid.desc(), Event.id.desc())
        .limit(1)
    ).first()
    return Cursor() if row is None else Cursor(row.xid, row.id)


def changes_after(session: TenantSession, actor: Actor, cursor: Cursor, *, until: Cursor | None = None) -> Changes:
    """What has happened since, and not after `until`, without gaps: conversations in the order of their first event.

    Of those that the actor may not see nothing is said. What one transaction did is told at once, never in two parts.
    """
    events = list(touched_after(session, cursor, NEWS_AT_ONCE, until=until))
    more = len(events) == NEWS_AT_ONCE
    if more and events[0].xid != events[-1].xid:
        events = [event for event in events if event.xid != events[-1].xid]
    if not events:
        return Changes(cursor, (), False, False)
    touched = {event.conversation_id for event in events if event.conversation_id is not None}
    contacts = {e.contact_id for e in events if e.conversation_id is None and e.contact_id is not None}
    seen: dict[UUID, UUID] = {}
    if touched or contacts:
        rows = session.execute(
            select(Conversation.id, Conversation.contact_id)
            .join(Lead, and_(Lead.tenant_id == Conversation.tenant_id, Lead.id == Conversation.lead_id))
            .where(
                Conversation.tenant_id == session.tenant_id,
                or_(Conversation.id.in_(touched), Conversation.contact_id.in_(contacts)),
                visible(actor),
            )
        )
        seen = {row.id: row.contact_id for row in rows}
    of_contact: dict[UUID, list[UUID]] = {}
    for conversation_id, contact_id in seen.items():
        of_contact.setdefault(contact_id, []).append(conversation_id)
    changed: dict[UUID, None] = {}
    for event in events:
        if event.conversation_id is not None:
            meant = [event.conversation_id] if event.conversation_id in seen else []
        else:
            meant = of_contact.get(event.contact_id, []) if event.contact_id is not None else []
        changed.update(dict.fromkeys(meant))
    # Who may not see a lead any more is told that something has changed, and no more than that.
    floor = any(
        event.kind == ASSIGNED or (sees_all(actor) and event.conversation_id is None and event.contact_id is None)
        for event in events
    )
    last = events[-1]
    return Changes(Cursor(last.xid, last.id), tuple(changed), floor, more)
