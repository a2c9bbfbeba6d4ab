"""The one place that a text leaves from: waiting rows, the lease on the contact, the carrier's call, its outcome.

A send is two short transactions with the carrier's call between them and no connection held meanwhile. The first
locks the contact, asks the gate and leaves a lease; the second stores the outcome under the lease's token. A STOP
locks the same row and outlives the lease, so its 200 means that nothing is in flight. An unknown outcome is looked up,
never repeated blindly.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, bindparam, case, delete, exists, func, literal_column, null, select, text, update
from sqlalchemy.orm import aliased

from consent.gate import Circumstances, check, place_of_contact
from consent.ledger import Fact, append, lock, state_of
from consent.models import ConsentEvent, Contact
from consent.policy import Allow, Block, Cap, Defer
from consent.policy_settings import CURRENT as CURRENT_SETTINGS
from consent.policy_settings import PolicySettings, settings_in
from consent.purposes import Purpose, Reason, carrier_reason
from consent.quiet_hours import cap_for
from consent.state import EventKind
from conversations.delivery import moved_on, state_reported
from conversations.models import (
    WAITING,
    Author,
    Conversation,
    Direction,
    Kind,
    Message,
    State,
)
from conversations.people import add_task, raise_alert
from conversations.surroundings import CONVERSATION_OF, LOCKED, Surroundings, keep, surroundings
from smsbot import work
from smsbot.accounts import CURRENT_CREDENTIAL, carrier_credentials, credentials_in, tenant_of
from smsbot.actor import CARRIER, SYSTEM, Actor, Role
from smsbot.database import TenantSession
from smsbot.errors import (
    ConfigurationError,
    LeaseExpired,
    OutcomeUnknown,
    PermanentSendFailure,
    RecipientOptedOut,
    SendFailed,
    TemporarySendFailure,
)
from smsbot.events import record
from smsbot.failpoints import failpoint
from smsbot.gateways.carrier import Accepted, CarrierCredentials, CarrierMessage, OutgoingSms, SmsGateway
from smsbot.gateways.carrier_errors import Action, action_for
from smsbot.logs import log_event
from smsbot.runtime import Runtime
from smsbot.segments import folded, segmentation
from smsbot.settings import CARRIER_CONNECT_TIMEOUT_S, CARRIER_READ_TIMEOUT_S, LEASE_S
from smsbot.tenancy import SEGMENTS_PER_SECOND, Number, ReplyMode, Tenant
from smsbot.writes import Prepared, columns_of, fetch, loaded, prepared, put_changes, put_object, put_row, put_statement

logger = logging.getLogger(__name__)

REPLY = "reply"  # kinds of work: draft an answer and send it
SEND = "send"  # send what has its words already

CAUSE = "work:send"
CAP_PERIOD = timedelta(hours=24)
COUNTED = (State.SENDING, State.SENT, State.DELIVERED, State.UNDELIVERED, State.UNKNOWN)  # what may have reached them
REPLY_USEFUL_FOR = timedelta(minutes=10)  # an answer later than this is worse than none
FIRST_TEXT_USEFUL_FOR = timedelta(hours=72)  # a weekend and a holiday; after that a person decides
AT_ANY_HOUR = "at_any_hour"  # flag of a first text
CALL_S = CARRIER_CONNECT_TIMEOUT_S + CARRIER_READ_TIMEOUT_S
BUSY_RETRY = timedelta(milliseconds=150)  # another text to the same person is in flight
LOOK_AGAIN = timedelta(seconds=20)  # two looks this far apart before a text counts as not accepted
UNKNOWN_AFTER = timedelta(seconds=60)
BUSY = 20429  # too many requests at this moment; the other throttles are about the whole number
LOOKUP_RETRY = timedelta(seconds=5)
LOOKUPS_BEFORE_REPEAT = 2
CLOCK_SLACK = timedelta(seconds=5)  # between our clock and the carrier's
PAUSE_AFTER_CONFIG_ERROR = timedelta(minutes=5)
PACE_LIFTED = 1000.0  # segments a second from which a number's line is not worth counting
SLOT_LASTS = timedelta(seconds=2)  # a place that was missed by more is gone: after an outage all would leave at once
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0  # before a text that was never processed is tried again
# Reasons that nobody chose: the lead waits for something that will not come, so a person gets it.
LOST = frozenset({Reason.STALE, Reason.NO_CREDENTIALS, Reason.CARRIER_BLOCKED})
REPEATABLE = frozenset({Purpose.APPOINTMENT, Purpose.NOTIFICATION})  # may go again after a lost or late-failed try
VALIDITY_S = 600
FOLLOWS = timedelta(microseconds=1)  # an answer stands after its question wherever texts are ordered by time
CALLBACK_OVERRIDES = "#rc=5&rp=ct,rt,5xx"  # Twilio repeats a callback only when it is asked to


# ---- putting texts into the outbox -----------------------------------------------------------------------------------


def owe_reply(
    session: TenantSession,
    *,
    conversation: Conversation,
    in_reply_to: UUID,
    language: str | None,
    due_at: datetime,
    now: datetime,
) -> UUID:
    """A row for an answer that has no words yet, and the work that drafts it at `due_at`."""
    message_id = uuid4()
    message = {
        "id": message_id,
        "tenant_id": session.tenant_id,
        "conversation_id": conversation.id,
        "contact_id": conversation.contact_id,
        "number_id": conversation.number_id,
        "direction": Direction.OUTBOUND,
        "author": Author.AI,
        "purpose": Purpose.REPLY,
        "kind": Kind.AI_REPLY,
        "body": "",
        "language": language,
        "state": State.QUEUED,
        "flags": [],
        "in_reply_to": in_reply_to,
        "created_at": now + FOLLOWS,
        "stale_after": due_at + REPLY_USEFUL_FOR,
    }
    put_row(session, Message, message)
    work.put(
        session,
        REPLY,
        message_id,
        due_at=due_at,
        now=now,
        contact_id=conversation.contact_id,
        number_id=conversation.number_id,
        priority=work.URGENT,
    )
    return message_id


def owe_first_text(
    session: TenantSession,
    *,
    message_id: UUID,
    conversation: Conversation,
    language: str | None,
    due_at: datetime,
    waits: bool,
    at_any_hour: bool,
    now: datetime,
) -> None:
    """A row for the first text to somebody who has not texted in, and the work that drafts it at `due_at`.

    `waits` for its window; `at_any_hour`: the words that they saw allow it at night.
    """
    put_object(
        session,
        Message(
            id=message_id,
            tenant_id=session.tenant_id,
            conversation_id=conversation.id,
            contact_id=conversation.contact_id,
            number_id=conversation.number_id,
            direction=Direction.OUTBOUND,
            author=Author.AI,
            purpose=Purpose.INQUIRY,
            kind=Kind.FIRST_TEXT,
            body="",
            language=language,
            state=State.DEFERRED if waits else State.QUEUED,
            reason=Reason.QUIET_HOURS.value if waits else None,
            not_before=due_at if waits else None,
            flags=[AT_ANY_HOUR] if at_any_hour else [],
            created_at=now,
            stale_after=now + FIRST_TEXT_USEFUL_FOR,
        ),
    )
    work.put(
        session,
        REPLY,
        message_id,
        due_at=due_at,
        now=now,
        contact_id=conversation.contact_id,
        number_id=conversation.number_id,
        priority=work.URGENT,
    )


def put(
    session: TenantSession,
    *,
    conversation: Conversation,
    author: Author,
    purpose: Purpose,
    kind: Kind,
    body: str,
    now: datetime,
    language: str | None = None,
    agent_id: UUID | None = None,
    permit_id: UUID | None = None,
    in_reply_to: UUID | None = None,
    repeat_of: UUID | None = None,
    due_at: datetime | None = None,
    stale_after: datetime | None = None,
    priority: int = work.USUAL,
    message_id: UUID | None = None,
) -> UUID:
    """A text with its words, to be gated and sent at `due_at` (now when not said). Returns the message's id."""
    due = due_at or now
    message = Message(
        id=message_id or uuid4(),
        tenant_id=session.tenant_id,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        number_id=conversation.number_id,
        direction=Direction.OUTBOUND,
        author=author,
        agent_id=agent_id,
        purpose=purpose,
        kind=kind,
        body=folded(body) if author is not Author.AGENT else body,
        language=language,
        state=State.QUEUED,
        flags=[],
        in_reply_to=in_reply_to,
        repeat_of=repeat_of,
        permit_id=permit_id,
        created_at=now + FOLLOWS if in_reply_to is not None else now,
        drafted_at=now,
        stale_after=stale_after,
    )
    put_object(session, message)
    work.put(
        session,
        SEND,
        message.id,
        due_at=due,
        now=now,
        contact_id=conversation.contact_id,
        number_id=conversation.number_id,
        priority=priority,
    )
    return message.id


def cancel_waiting(
    session: TenantSession,
    contact_id: UUID,
    reason: Reason,
    *,
    now: datetime,
    actor: Actor,
    automated: bool = False,
) -> list[UUID]:
    """Cancel what has not reached the carrier yet; only automated ones when so asked.

    Compliance texts stay, but after an opt-out: then nothing follows except its confirmation, not even the answer to
    a HELP or the confirmation of a START that came before it. The caller holds the contact's lock, so nothing of it can be on its way between this and the commit.
    """
    condition = [
        Message.tenant_id == session.tenant_id,
        Message.contact_id == contact_id,
        Message.direction == Direction.OUTBOUND,
        Message.state.in_(WAITING),
        Message.kind.is_distinct_from(Kind.OPT_OUT_CONFIRMATION)
        if reason is Reason.OPTED_OUT
        else Message.purpose != Purpose.COMPLIANCE,
    ]
    if automated:
        condition.append(Message.author != Author.AGENT)
    canceled = session.execute(
        update(Message).where(*condition).values(state=State.CANCELED, reason=reason.value).returning(Message.id)
    ).all()
    ids = [row.id for row in canceled]
    for kind in (REPLY, SEND):
        work.drop(session, kind, ids)
    if ids:
        record(
            session,
            "messages.canceled",
            at=now,
            actor=actor,
            cause=reason.value,
            contact_id=contact_id,
            details={"messages": [str(i) for i in ids]},
        )
    return ids


def _cancel_replies() -> Prepared:
    # The states are written out: the index of what waits is a partial one.
    waiting: list[ColumnElement[str]] = [literal_column(f"'{state.value}'") for state in WAITING]
    canceled = (
        update(Message)
        .where(
            Message.tenant_id == bindparam("tenant"),
            Message.contact_id == bindparam("contact"),
            Message.author == literal_column(f"'{Author.AI.value}'"),
            (Message.purpose == literal_column(f"'{Purpose.REPLY.value}'"))
            | (Message.kind == literal_column(f"'{Kind.FIRST_TEXT.value}'")),
            Message.state.in_(waiting),
        )
        .values(
            state=literal_column(f"'{State.CANCELED.value}'"), reason=literal_column(f"'{Reason.NEWER_TEXT.value}'")
        )
        .returning(Message.id)
        .cte("canceled")
    )
    return prepared(
        delete(work.Work).where(
            work.Work.tenant_id == bindparam("tenant"),
            work.Work.kind == literal_column(f"'{REPLY}'"),
            work.Work.ref_id == canceled.c.id,
        )
    )


CANCEL_REPLIES = _cancel_replies()


def cancel_replies(session: TenantSession, contact_id: UUID) -> None:
    """A newer text voids the answers that still wait, drafted or not: one reply covers them all."""
    put_statement(session, CANCEL_REPLIES(tenant=session.tenant_id, contact=contact_id))


def cancel_opt_out_confirmation(session: TenantSession, contact_id: UUID) -> None:
    """They came back before it left: "you are unsubscribed" would no longer be true."""
    canceled = session.execute(
        update(Message)
        .where(
            Message.tenant_id == session.tenant_id,
            Message.contact_id == contact_id,
            Message.kind == Kind.OPT_OUT_CONFIRMATION,
            Message.state.in_(WAITING),
        )
        .values(state=State.CANCELED, reason=Reason.NEWER_TEXT.value)
        .returning(Message.id)
    ).all()
    work.drop(session, SEND, [row.id for row in canceled])


# ---- sending ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reserved:
    """A send that may begin: the lease stands and everything that the call needs is in hand."""

    message_id: UUID
    contact_id: UUID
    number_id: UUID
    token: UUID
    not_after: float  # time.monotonic(): later than this the call could outlive the lease
    credentials: CarrierCredentials
    sms: OutgoingSms = field(repr=False)


def deliver(runtime: Runtime, gateway: SmsGateway, claim: work.Claim) -> None:
    """Gate the message `claim.ref_id` and send it, or say why not. At most one call to the carrier."""
    reserved = _reserve(runtime, gateway, claim)
    if reserved is None:
        return
    failpoint("outbox.reserved")
    try:
        accepted = gateway.send(reserved.credentials, reserved.sms, not_after=reserved.not_after)
    except LeaseExpired:
        _return_to_queue(runtime, claim, reserved, timedelta(), None)
    except TemporarySendFailure as failure:
        _temporary(runtime, claim, reserved, failure)
    except OutcomeUnknown as failure:
        _unknown(runtime, claim, reserved, failure)
    except (PermanentSendFailure, ConfigurationError) as failure:
        _refused(runtime, claim, reserved, failure)
    else:
        failpoint("outbox.accepted")
        _sent(runtime, claim, reserved, accepted)


def _reserve(runtime: Runtime, gateway: SmsGateway, claim: work.Claim) -> _Reserved | None:
    """Transaction (a): lock, decide, lease. None when the message does not go now; its work row says when, if ever."""
    look_up = False
    reserved = None
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        hold = work.EXTEND(work_id=claim.id, token=claim.token, until=now + timedelta(seconds=work.LEASE_S))
        account = CURRENT_CREDENTIAL(tenant_id=claim.tenant_id)
        chosen = CURRENT_SETTINGS(tenant_id=claim.tenant_id, now=now)
        around = surroundings(session, claim.ref_id, hold, account, chosen, lock=True)
        if around is None or around.message.state not in (*WAITING, State.SENDING):
            work.finish(session, claim)
        elif around.message.state is State.SENDING:
            look_up = True  # a crash, or an answer that never came
        else:
            work.still_held(claim, around.more[0])
            failpoint("outbox.locked")
            reserved = _gated(runtime, session, claim, around, now)
        failpoint("outbox.before_reserve_commit")
    if look_up:
        _look_up(runtime, gateway, claim)
    return reserved


def _gated(
    runtime: Runtime,
    session: TenantSession,
    claim: work.Claim,
    around: Surroundings,
    now: datetime,
) -> _Reserved | None:
    contact, message, conversation = around.contact, around.message, around.conversation
    tenant, number = around.tenant, around.number
    monotonic = time.monotonic()  # before the lease begins, so that our deadline is never behind it
    if contact.lease_token is not None and _lease_stands(session, contact):
        work.again(session, claim, now + BUSY_RETRY)
        return None
    segments = segmentation(message.body).segments
    free_at = _line_free_at(runtime, session, number, message, segments, now)
    if free_at is not None:
        work.again(session, claim, free_at)
        return None
    credentials = credentials_in(runtime, tenant, around.more[1])
    automated = message.author is not Author.AGENT
    mode = ReplyMode(conversation.mode) if conversation.mode else tenant.reply_mode
    settings = settings_in(around.more[2])
    first_inquiry = message.purpose is Purpose.INQUIRY and _is_first_inquiry(session, conversation, message)
    marketing = message.purpose is Purpose.MARKETING or (message.purpose is Purpose.INQUIRY and not first_inquiry)
    decision = check(
        session,
        tenant=tenant,
        number=number,
        contact=contact,
        message_id=message.id,
        purpose=message.purpose or Purpose.MARKETING,
        circumstances=Circumstances(
            automated=automated,
            in_reply_to_at=conversation.last_inbound_at if message.purpose is Purpose.REPLY else None,
            permit_id=message.permit_id,
            has_credentials=credentials is not None,
            stale_after=message.stale_after,
            first_inquiry=first_inquiry,
            instant_at_night=AT_ANY_HOUR in message.flags,
            newer_text=_superseded(session, message),
            taken_over=message.author is Author.AI and conversation.taken_over_at is not None,
            mode_off=message.author is Author.AI and mode is ReplyMode.OFF,
            draft_only=message.author is Author.AI and mode is ReplyMode.DRAFT,
            caps=() if not marketing else _marketing_cap(session, contact, tenant, message, settings, now),
        ),
        settings=settings,
        now=now,
    )
    match decision:
        case Defer(_, until, reason):
            message.state, message.not_before, message.reason = State.DEFERRED, until, reason.value
            message.slot_at = None  # its place on the line is over by then
            work.again(session, claim, until)
            return None
        case Block(_, reason):
            message.state = State.CANCELED if reason is Reason.NEWER_TEXT else State.BLOCKED
            message.reason = reason.value
            burst_over(session, message)
            work.finish(session, claim)
            _note_outcome(session, message, now, "message.blocked")
            if reason in LOST or (reason is Reason.UNREACHABLE and message.purpose is Purpose.REPLY):
                _leave_to_people(session, "text_not_sent", message, now, reason=reason.value)
            return None
        case Allow(_, event_id, _):
            pass
    assert credentials is not None  # the gate blocks without them
    if not message.body.strip():
        if message.drafted_at is None:  # the mode or the takeover ended since it was passed over: drafted now
            work.again(session, claim, now)
            return None
        message.state, message.reason = State.BLOCKED, Reason.CONTENT.value
        work.finish(session, claim)
        return None
    token = uuid4()
    put_statement(session, LEASE(tenant_id=claim.tenant_id, contact_id=contact.id, token=token))
    # Nobody else touches the row before the lease is over; after a crash it is claimed then, and looked up.
    work.extend_at_the_end(session, claim, now + timedelta(seconds=LEASE_S + 0.5))
    put_changes(session, message)
    message.state, message.reason, message.send_token = State.SENDING, None, token
    message.consent_event_id = event_id
    message.sending_at, message.segments, message.lookups = now, segments, 0
    callback = f"{runtime.settings.public_url}/webhooks/twilio/sms/status/{message.id}{CALLBACK_OVERRIDES}"
    sms = OutgoingSms(
        to=contact.address,
        body=message.body,
        sender=number.number,
        messaging_service_sid=number.messaging_service_sid,
        status_callback=callback,
        validity_period_s=VALIDITY_S,
    )
    return _Reserved(message.id, contact.id, number.id, token, monotonic + LEASE_S - CALL_S, credentials, sms)


def _is_first_inquiry(session: TenantSession, conversation: Conversation, message: Message) -> bool:
    """Whether this answers a form or a call that nothing has followed up yet; the rest is a campaign for the hours."""
    if message.kind is Kind.FIRST_TEXT:
        return True
    if conversation.last_inbound_at is not None:
        return False  # they texted: a text about their question that is no reply follows it up
    followed_up = select(Message.id).where(
        Message.tenant_id == session.tenant_id,
        Message.contact_id == message.contact_id,
        Message.id != message.id,
        Message.purpose == Purpose.INQUIRY,
        Message.sending_at.is_not(None),
    )
    return session.scalars(followed_up.limit(1)).first() is None


def hasten_first_text(session: TenantSession, contact_id: UUID, now: datetime) -> None:
    """They have answered the question that stood before it: what they asked in the form is answered now."""
    waiting = select(Message.id).where(
        Message.tenant_id == session.tenant_id,
        Message.contact_id == contact_id,
        Message.kind == Kind.FIRST_TEXT,
        Message.state == State.QUEUED,
    )
    session.execute(
        update(work.Work)
        .where(
            work.Work.tenant_id == session.tenant_id,
            work.Work.kind == REPLY,
            work.Work.ref_id.in_(waiting),
            work.Work.due_at > now,
        )
        .values(due_at=now)
    )


def _marketing_cap(
    session: TenantSession,
    contact: Contact,
    tenant: Tenant,
    message: Message,
    settings: PolicySettings,
    now: datetime,
) -> tuple[Cap, ...]:
    """C-090: so many texts in any 24 hours; a text counts once however long it is, and from when it was sent."""
    limit, rule = cap_for(place_of_contact(contact, tenant), tenant_cap=settings.marketing_cap)
    first = aliased(Message)
    answered_first = (
        select(first.id)
        .where(
            first.tenant_id == session.tenant_id,
            first.contact_id == contact.id,
            first.id != Message.id,
            first.purpose == Purpose.INQUIRY,
            first.sending_at < Message.sending_at,
        )
        .exists()
    )
    sent = session.scalars(
        select(Message.sending_at)
        .where(
            Message.tenant_id == session.tenant_id,
            Message.contact_id == contact.id,
            Message.id != message.id,
            (Message.purpose == Purpose.MARKETING) | ((Message.purpose == Purpose.INQUIRY) & answered_first),
            Message.state.in_(COUNTED),
            Message.sending_at > now - CAP_PERIOD,
        )
        .order_by(Message.sending_at.desc())
        .limit(max(limit, 1))
    ).all()
    reached = len(sent) >= limit
    frees_at = sent[-1] + CAP_PERIOD if reached and limit and sent[-1] is not None else None
    return (Cap(reached, frees_at, Reason.CAP, rule),)


def _superseded(session: TenantSession, message: Message) -> bool:
    """Whether a newer text has its own answer: it came while this one was at the carrier, who did not take it."""
    if message.sending_at is None or message.author is not Author.AI or message.purpose is not Purpose.REPLY:
        return False
    newer = select(Message.id).where(
        Message.tenant_id == session.tenant_id,
        Message.contact_id == message.contact_id,
        Message.author == Author.AI,
        Message.purpose == Purpose.REPLY,
        Message.created_at > message.created_at,
    )
    return session.scalars(newer.limit(1)).first() is not None


def _lease_stands(session: TenantSession, contact: Contact) -> bool:
    return bool(
        session.scalar(
            select(Contact.lease_until > func.clock_timestamp()).where(
                Contact.tenant_id == session.tenant_id, Contact.id == contact.id
            )
        )
    )


def _line_free_at(
    runtime: Runtime, session: TenantSession, number: Number, message: Message, segments: int, now: datetime
) -> datetime | None:
    """None when the number's line takes this text now; otherwise when to come back.

    Answers (and compliance texts) reserve the next place on the line; everything else goes only when the line is idle
    and is spread out behind them, so that a thousand reminders never stand in front of one reply.
    """
    rate = runtime.settings.number_mps or number.segments_per_second or SEGMENTS_PER_SECOND[number.sender_type]
    if rate >= PACE_LIFTED:
        return None
    if message.slot_at is not None and now - message.slot_at > SLOT_LASTS:
        message.slot_at = None
    if message.slot_at is not None and message.slot_at <= now:
        return None
    takes = timedelta(seconds=segments / rate)
    number = session.get_one(Number, number.id, with_for_update=True, populate_existing=True)
    free = max(now, number.busy_until or now)
    if message.purpose in (Purpose.REPLY, Purpose.COMPLIANCE):
        if message.slot_at is not None:
            return message.slot_at
        number.busy_until = free + takes
        if free <= now:
            return None
        message.slot_at = free
        return free
    if free <= now:
        number.busy_until = free + takes
        return None
    number.spread_until = max(free, number.spread_until or free) + takes
    return number.spread_until


def _settle(session: TenantSession, claim: work.Claim, reserved: _Reserved, *, release: bool = True) -> Message | None:
    """The message if this send still owns it, its contact's lease released; None when somebody settled it already."""
    queries = [
        OWNED(tenant_id=claim.tenant_id, message_id=reserved.message_id, token=reserved.token),
        CONVERSATION_OF(tenant_id=claim.tenant_id, message_id=reserved.message_id),
    ]
    if release:
        queries.insert(0, RELEASE(tenant_id=claim.tenant_id, contact_id=reserved.contact_id, token=reserved.token))
    *_, owned, conversations = fetch(session, *queries)
    if not owned:
        return None
    keep(session, loaded(session, Conversation, conversations[0]))
    return loaded(session, Message, owned[0])


_IS_OURS = Contact.lease_token == bindparam("token")
RELEASE = prepared(  # the row is locked by it, whoever has the lease: the contact comes before the message
    update(Contact)
    .where(Contact.tenant_id == bindparam("tenant_id"), Contact.id == bindparam("contact_id"))
    .values(
        lease_token=case((_IS_OURS, null()), else_=Contact.lease_token),
        lease_until=case((_IS_OURS, null()), else_=Contact.lease_until),
    )
    .returning(Contact.id)
)
OWNED = prepared(
    select(*columns_of(Message))
    .where(
        Message.tenant_id == bindparam("tenant_id"),
        Message.id == bindparam("message_id"),
        Message.send_token == bindparam("token"),
    )
    .with_for_update()
)
LEASE = prepared(
    update(Contact)
    .where(Contact.tenant_id == bindparam("tenant_id"), Contact.id == bindparam("contact_id"))
    .values(lease_token=bindparam("token"), lease_until=func.clock_timestamp() + text(f"interval '{LEASE_S} seconds'"))
)


def _sent(runtime: Runtime, claim: work.Claim, reserved: _Reserved, accepted: Accepted) -> None:
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        message = _settle(session, claim, reserved)
        if message is None:
            return
        message.provider_sid = message.provider_sid or accepted.provider_sid
        message.state = moved_on(message.state, state_reported(accepted.status) or State.SENT)
        message.sent_at = message.sent_at or now
        if accepted.segments:
            message.segments = accepted.segments
        put_changes(session, message)
        # Whoever holds the row now: the outcome is known, so nothing is left to do.
        work.drop(session, claim.kind, [claim.ref_id])
        if message.state not in (State.FAILED, State.UNDELIVERED):  # a callback that was quicker has said so
            mark_said(session, message, now)
            _note_outcome(session, message, now, "message.sent")
        failpoint("outbox.before_outcome_commit")
    failpoint("outbox.outcome_committed")


def mark_said(session: TenantSession, message: Message, now: datetime) -> None:
    """What this text said counts from now on: brand and automation, the STOP hint; its burst is answered."""
    conversation = session.get_one(Conversation, message.conversation_id)
    put_changes(session, conversation)
    conversation.last_message_at = now
    if "discloses" in message.flags:
        conversation.disclosed_at = now
    if "stop_hint" in message.flags:
        conversation.stop_hint_at = now
    if "handoff" in message.flags and conversation.taken_over_at is None:
        conversation.taken_over_at = now  # the bridge text is out: from here on a person has it
    burst_over(session, message)


def mark_unsaid(session: TenantSession, message: Message) -> None:
    """It never arrived: what the next text has to disclose is due again."""
    conversation = session.get_one(Conversation, message.conversation_id)
    if "discloses" in message.flags:
        conversation.disclosed_at = None
    if "stop_hint" in message.flags:
        conversation.stop_hint_at = None


def burst_over(session: TenantSession, message: Message) -> None:
    """The burst that this answers is done with, sent or not, unless a newer answer waits: the next text waits anew."""
    if message.author is not Author.AI or message.in_reply_to is None:
        return
    put_statement(
        session,
        BURST_OVER(
            tenant_id=session.tenant_id,
            conversation_id=message.conversation_id,
            contact_id=message.contact_id,
            message_id=message.id,
        ),
    )


def _burst_over() -> Prepared:
    waiting: list[ColumnElement[str]] = [literal_column(f"'{state.value}'") for state in WAITING]
    newer = exists().where(
        Message.tenant_id == bindparam("tenant_id"),
        Message.contact_id == bindparam("contact_id"),
        Message.author == literal_column(f"'{Author.AI.value}'"),
        Message.purpose == literal_column(f"'{Purpose.REPLY.value}'"),
        Message.state.in_(waiting),
        Message.id != bindparam("message_id"),
    )
    return prepared(
        update(Conversation)
        .where(
            Conversation.tenant_id == bindparam("tenant_id"),
            Conversation.id == bindparam("conversation_id"),
            Conversation.burst_started_at.is_not(None),
            ~newer,
        )
        .values(burst_started_at=null())
    )


BURST_OVER = _burst_over()


def _return_to_queue(
    runtime: Runtime, claim: work.Claim, reserved: _Reserved, delay: timedelta, code: int | None
) -> None:
    """Nothing was sent: wait, then pass the gate again."""
    with runtime.transaction(claim.tenant_id) as session:
        message = _settle(session, claim, reserved)
        if message is None or message.state is not State.SENDING:
            return
        message.state, message.error_code, message.send_token, message.slot_at = State.QUEUED, code, None, None
        work.again(session, claim, runtime.clock.now() + delay, counts=True)


def _temporary(runtime: Runtime, claim: work.Claim, reserved: _Reserved, failure: TemporarySendFailure) -> None:
    """Never processed: again after a growing pause, or the one that the carrier asks for, as long as it is useful."""
    action = action_for(failure.code) if failure.code else None
    if action is not None and action.action is Action.CONFIG:
        _refused(runtime, claim, reserved, failure)
        return
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        message = _settle(session, claim, reserved)
        if message is None or message.state is not State.SENDING:
            return
        # Half of its age so far, so that the pauses grow without a counter.
        tried_for_s = (now - (message.drafted_at or message.created_at)).total_seconds()
        pause_s = min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, tried_for_s / 2))
        delay_s = max(pause_s, failure.retry_after_s or 0.0)
        if action is not None and action.action is Action.THROTTLE:
            delay_s = max(delay_s, float(action.delay_s))
            if failure.code != BUSY:
                contact = session.get_one(Contact, reserved.contact_id)
                act_on_code(runtime, session, contact, message, failure.code, action.action, now=now)
        # The next try takes a new place on the line: with the old one it would pass beside it.
        message.state, message.error_code, message.send_token, message.slot_at = State.QUEUED, failure.code, None, None
        # Does not count towards quarantine: an hour of 429 is the carrier's state, not a poisoned row. What ends it
        # is `stale_after`, with its reason.
        work.again(session, claim, now + timedelta(seconds=delay_s))
        failpoint("outbox.before_return_commit")


def _unknown(runtime: Runtime, claim: work.Claim, reserved: _Reserved, failure: OutcomeUnknown) -> None:
    """May have been accepted: the lease stays, the row is looked up when it is over."""
    log_event(logger, "send.unknown", message_id=str(reserved.message_id), code=failure.code)
    with runtime.transaction(claim.tenant_id) as session:
        message = _settle(session, claim, reserved, release=False)
        if message is None or message.state is not State.SENDING:
            return
        message.error_code = failure.code
        failpoint("outbox.before_doubt_commit")


def _refused(
    runtime: Runtime, claim: work.Claim, reserved: _Reserved, failure: SendFailed | ConfigurationError
) -> None:
    """Refused for good: the text ends with the carrier's code as its reason, and what the code asks for is done."""
    code = failure.code if isinstance(failure, SendFailed) else None
    action = action_for(code, 400).action
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        contact = lock(session, reserved.contact_id)
        message = _settle(session, claim, reserved)
        if message is None or contact is None or message.state is not State.SENDING:
            return
        message.error_code = code
        if isinstance(failure, RecipientOptedOut):
            message.state, message.reason = State.BLOCKED, Reason.CARRIER_BLOCKED.value
        elif isinstance(failure, ConfigurationError):
            message.state, message.reason = State.BLOCKED, Reason.NO_CREDENTIALS.value
        else:
            message.state, message.reason = State.FAILED, carrier_reason(code)
        burst_over(session, message)
        act_on_code(runtime, session, contact, message, code, action, now=now)
        leave_undelivered(session, message, code, action, now)
        work.drop(session, claim.kind, [claim.ref_id])
        _note_outcome(session, message, now, "message.failed")
        failpoint("outbox.before_refusal_commit")


def act_on_code(
    runtime: Runtime,
    session: TenantSession,
    contact: Contact,
    message: Message,
    code: int | None,
    action: Action,
    *,
    now: datetime,
) -> None:
    """What the carrier's code asks for beyond this text. `contact` is locked by the caller."""
    match action:
        case Action.OPT_OUT:
            record_carrier_block(runtime, session, contact, message, now=now)
        case Action.BAD_NUMBER:
            contact.unreachable_code = code
            add_task(
                session,
                "call_instead",
                contact.id,
                conversation_id=message.conversation_id,
                now=now,
                actor=CARRIER,
                cause=carrier_reason(code),
                reason=carrier_reason(code),
            )
        case Action.CONFIG:
            number = session.get_one(Number, message.number_id, with_for_update=True)
            number.paused_until, number.pause_code = now + PAUSE_AFTER_CONFIG_ERROR, code
            raise_alert(
                session,
                "sender_paused",
                f"{number.id}:{code}",
                now=now,
                actor=CARRIER,
                cause=carrier_reason(code),
                role=Role.OWNER,
            )
        case Action.THROTTLE:
            delay = action_for(code).not_before(now)
            number = session.get_one(Number, message.number_id, with_for_update=True)
            number.paused_until = max(number.paused_until or delay, delay)
            number.pause_code = code
            raise_alert(
                session,
                "sender_throttled",
                f"{number.id}:{code}",
                now=now,
                actor=CARRIER,
                cause=carrier_reason(code),
                role=Role.MANAGER,
            )
        case Action.PERMANENT if message.author is not Author.AGENT:
            raise_alert(
                session,
                "text_refused",
                carrier_reason(code),
                now=now,
                actor=CARRIER,
                cause=carrier_reason(code),
                role=Role.MANAGER,
            )
        case _:
            pass


def leave_undelivered(
    session: TenantSession, message: Message, code: int | None, action: Action, now: datetime
) -> None:
    """An answer that did not arrive is left to a person; a number that cannot be texted has a task of its own."""
    if message.purpose is Purpose.REPLY and action is not Action.BAD_NUMBER:
        said = carrier_reason(code)
        _leave_to_people(session, "undelivered", message, now, actor=CARRIER, cause=said, reason=said)


def _leave_to_people(
    session: TenantSession,
    kind: str,
    message: Message,
    now: datetime,
    *,
    actor: Actor = SYSTEM,
    cause: str = CAUSE,
    reason: str | None = None,
) -> None:
    """The task of a text that did not do what it was for."""
    add_task(
        session,
        kind,
        message.id,
        conversation_id=message.conversation_id,
        now=now,
        actor=actor,
        cause=cause,
        reason=reason,
    )


def came_back_since(session: TenantSession, contact: Contact, handed_over_at: datetime) -> bool:
    """Whether the person opted in, or the carrier lifted its block, after a text was handed over: then the carrier's
    late word about it is no news."""
    return (
        session.scalars(
            select(ConsentEvent.id)
            .where(
                ConsentEvent.tenant_id == session.tenant_id,
                ConsentEvent.contact_id == contact.id,
                ConsentEvent.kind.in_((EventKind.START, EventKind.OPT_IN, EventKind.CARRIER_UNBLOCK)),
                ConsentEvent.at > handed_over_at,
            )
            .limit(1)
        ).first()
        is not None
    )


def record_carrier_block(
    runtime: Runtime, session: TenantSession, contact: Contact, message: Message, *, now: datetime
) -> None:
    """The carrier blocks this person for our sender: in the ledger once, and everything waiting ends.

    `message.error_code` says so: 21610, or 30004 from a toll-free number.
    """
    if state_of(contact).carrier_blocked is None:
        tenant = tenant_of(session, contact.tenant_id)
        fact = Fact(
            EventKind.CARRIER_BLOCK,
            now,
            "carrier",
            {"address": contact.address, "message_id": str(message.id), "code": message.error_code},
            rule=f"carrier.{message.error_code}",
            message_id=message.id,
        )
        append(session, contact, runtime.cipher(tenant.data_key), fact, actor=CARRIER, now=now)
    cancel_waiting(session, contact.id, Reason.CARRIER_BLOCKED, now=now, actor=CARRIER)


# ---- unknown outcomes ------------------------------------------------------------------------------------------------


def _look_up(runtime: Runtime, gateway: SmsGateway, claim: work.Claim) -> None:
    """Ask the carrier what became of a text that may have been accepted; by To alone, matched by ourselves."""
    with runtime.transaction(claim.tenant_id) as session:
        message = session.get_one(Message, claim.ref_id)
        contact = session.get_one(Contact, message.contact_id)
        number = session.get_one(Number, message.number_id)
        credentials = carrier_credentials(runtime, session, tenant_of(session, claim.tenant_id))
        linked = set(
            session.scalars(
                select(Message.provider_sid).where(
                    Message.tenant_id == claim.tenant_id,
                    Message.contact_id == contact.id,
                    Message.provider_sid.is_not(None),
                )
            )
        )
        doubtful = _equal_texts_in_doubt(session, message)
    listed: Sequence[CarrierMessage] | None = None
    if credentials is not None:
        try:
            listed = gateway.messages_to(credentials, contact.address)
        except SendFailed as failure:
            log_event(logger, "lookup.failed", message_id=str(message.id), code=failure.code)
    # Newest first as the carrier lists them: turned round, equal times stay in the order of their making.
    fitting = sorted(
        (c for c in reversed(listed or ()) if _is_this(c, message, number.number) and c.provider_sid not in linked),
        key=lambda c: c.created_at,
    )
    found = None
    if message.id in doubtful and len(fitting) >= len(doubtful):  # each of them has its own, in order
        found = fitting[doubtful.index(message.id)]
    failpoint("outbox.looked_up")
    # Fewer than there are doubtful texts, but some: the list cannot say whose they are, and that is no absence.
    _conclude(runtime, claim, message.send_token, listed is not None and (found is not None or not fitting), found)


def _equal_texts_in_doubt(session: TenantSession, message: Message) -> list[UUID]:
    """This text and every other with the same words to the same person whose outcome is unknown, in sending order."""
    assert message.sending_at is not None
    return list(
        session.scalars(
            select(Message.id)
            .where(
                Message.tenant_id == message.tenant_id,
                Message.contact_id == message.contact_id,
                Message.direction == Direction.OUTBOUND,
                Message.state.in_((State.SENDING, State.UNKNOWN)),
                Message.provider_sid.is_(None),
                Message.body == message.body,
                # One that was over before this began has left nothing in the list that this could be taken for.
                Message.sending_at >= message.sending_at - timedelta(seconds=LEASE_S) - CLOCK_SLACK,
            )
            .order_by(Message.sending_at, Message.id)
        )
    )


def _is_this(candidate: CarrierMessage, message: Message, number: str) -> bool:
    return (
        candidate.direction == "outbound"
        and candidate.from_ in (None, number)
        and folded(candidate.body).strip() == folded(message.body).strip()
        and message.sending_at is not None
        and candidate.created_at >= message.sending_at - CLOCK_SLACK
    )


def _conclude(
    runtime: Runtime, claim: work.Claim, token: UUID | None, looked: bool, found: CarrierMessage | None
) -> None:
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        found_text = locked_text(session, claim.ref_id)
        message = found_text[1] if found_text else None
        if (  # a callback was quicker
            message is None
            or message.send_token != token
            or message.state is not State.SENDING
            or message.sending_at is None
        ):
            work.finish(session, claim)
            return
        failpoint("outbox.concluding")
        if found is not None:
            message.provider_sid = found.provider_sid
            message.state = moved_on(message.state, state_reported(found.status) or State.SENT)
            message.sent_at = now
            mark_said(session, message, now)
            work.finish(session, claim)
            _note_outcome(session, message, now, "message.sent")
            return
        pause = LOOK_AGAIN if looked else LOOKUP_RETRY
        if looked:
            message.lookups += 1
        if message.purpose in REPEATABLE:
            if message.lookups < LOOKUPS_BEFORE_REPEAT:
                work.again(session, claim, now + pause)
                return
            message.state, message.send_token = State.QUEUED, None
            work.again(session, claim, now)
            return
        gives_up = message.sending_at + UNKNOWN_AFTER  # looked at or not: a person must know
        if now < gives_up:
            work.again(session, claim, min(now + pause, gives_up))
            return
        message.state = State.UNKNOWN
        burst_over(session, message)
        work.finish(session, claim)
        _leave_to_people(session, "unknown_outcome", message, now)
        _note_outcome(session, message, now, "message.unknown")


def give_up(session: TenantSession, message_id: UUID, *, now: datetime, cause: str) -> UUID | None:
    """End a text whose work row was put aside: nobody waits for it any more, and a person gets it. Returns its
    conversation's id, None when the text is past waiting."""
    found = locked_text(session, message_id)
    if found is None or found[1].state not in (*WAITING, State.SENDING):
        return None
    message = found[1]
    if message.state is State.SENDING:
        message.state = State.UNKNOWN
    else:
        message.state, message.reason = State.FAILED, Reason.CONTENT.value
    burst_over(session, message)
    _leave_to_people(session, "text_not_sent", message, now, cause=cause, reason=message.reason)
    _note_outcome(session, message, now, "message.given_up")
    return message.conversation_id


# ---- what the carrier reports later ----------------------------------------------------------------------------------


def locked_text(session: TenantSession, message_id: UUID) -> tuple[Contact, Message] | None:
    """A text of ours, its contact's row locked and then its own; None when this tenant has no such text."""
    names = {"tenant_id": session.tenant_id, "message_id": message_id}
    contacts, messages, conversations = fetch(session, LOCKED(**names), TEXT(**names), CONVERSATION_OF(**names))
    if not messages:
        return None
    contact, message = loaded(session, Contact, contacts[0]), loaded(session, Message, messages[0])
    keep(session, contact, message, loaded(session, Conversation, conversations[0]))
    return (contact, message) if message.direction is Direction.OUTBOUND else None


TEXT = prepared(
    select(*columns_of(Message))
    .where(Message.tenant_id == bindparam("tenant_id"), Message.id == bindparam("message_id"))
    .with_for_update()
)


def repeat_once(session: TenantSession, message: Message, code: int | None, *, now: datetime) -> UUID | None:
    """One linked repeat of an appointment or notification text that failed after acceptance, where the code allows it.

    Everything else ends here: a reply that comes an hour late is worse than none.
    """
    action = action_for(code)
    if message.purpose not in REPEATABLE or message.repeat_of is not None or action.max_tries == 0:
        return None
    due_at = action.not_before(now)
    if message.stale_after is not None and due_at > message.stale_after:
        return None
    return put(
        session,
        conversation=session.get_one(Conversation, message.conversation_id),
        author=message.author,
        purpose=message.purpose,
        kind=message.kind or Kind.REMINDER,
        body=message.body,
        now=now,
        language=message.language,
        agent_id=message.agent_id,
        repeat_of=message.id,
        due_at=due_at,
        stale_after=message.stale_after,
        priority=work.LATER,
    )


def _note_outcome(session: TenantSession, message: Message, now: datetime, kind: str) -> None:
    record(
        session,
        kind,
        at=now,
        actor=SYSTEM,
        cause=CAUSE,
        contact_id=message.contact_id,
        conversation_id=message.conversation_id,
        message_id=message.id,
        details={"state": message.state.value, "reason": message.reason, "purpose": message.purpose},
    )
