"""The first texts to somebody who asked by a form or another system.

The confirmation of what they agreed to, or the question whether they meant it; and the first answer to what they asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select

from consent.gate import LINE_TYPE_LASTS, contact_window
from consent.ledger import state_of
from consent.models import Contact
from consent.policy_settings import PolicySettings
from consent.purposes import PermitKind, Purpose
from consent.state import QUESTION_LASTS, EventKind, PurposeState
from conversations.confirmations import put_compliance_text
from conversations.models import Conversation, Kind, Message
from conversations.outbox import owe_first_text
from smsbot import work
from smsbot.database import TenantSession
from smsbot.tenancy import Number, Tenant

ONCE_IN = timedelta(hours=24)  # a form that is sent again a minute later is the same question
LINE_TYPE_WITHIN = timedelta(seconds=3)  # the carrier's look-up has this long before the text goes without it
AFTER_THE_CONFIRMATION = timedelta(milliseconds=1)  # of one person's texts the one that is due first goes first
AFTER_THE_QUESTION = timedelta(minutes=10)  # or at once when they have answered it
# A form that somebody sends again and again is one question, and is confirmed once.
CONFIRMATIONS = {
    PermitKind.OPT_IN_CONFIRMATION: (Kind.OPT_IN_CONFIRMATION, ONCE_IN),
    PermitKind.OPT_IN_QUESTION: (Kind.OPT_IN_QUESTION, QUESTION_LASTS),
}
LINE_TYPE = "line_type"  # the kind of work that asks the carrier what kind of line a number is


def after_claim(
    session: TenantSession,
    *,
    tenant: Tenant,
    number: Number,
    contact: Contact,
    conversation: Conversation,
    kind: EventKind,
    event_id: UUID,
    settings: PolicySettings,
    instant_at_night: bool,
    now: datetime,
) -> None:
    """Put what a claim of consent is followed by. The caller holds the contact's lock and has recorded the claim.

    `instant_at_night`: the words that they saw say that an answer may come at any hour (C-084).
    """
    state = state_of(contact)
    if state.opted_out or state.held or state.restricted or state.carrier_blocked:
        return
    permit = {
        EventKind.OPT_IN: PermitKind.OPT_IN_CONFIRMATION,
        EventKind.OPT_IN_PENDING: PermitKind.OPT_IN_QUESTION,
    }.get(kind)
    standing = state.purposes.get(Purpose.INQUIRY)
    asked_something = standing is not None and standing.state is not PurposeState.OPTED_OUT
    if permit is None and not asked_something:
        return
    earliest = _when_the_line_is_known(session, contact, settings, now)
    if permit is not None and not _said_lately(session, contact, *CONFIRMATIONS[permit], now):
        put_compliance_text(
            session,
            tenant=tenant,
            our_number=number.number,
            conversation=conversation,
            contact=contact,
            permit=permit,
            event_id=event_id,
            at=now,
            now=now,
            due_at=earliest,
        )
        # Nothing stands between the question and their yes, which would otherwise be an answer to something else.
        earliest += AFTER_THE_QUESTION if permit is PermitKind.OPT_IN_QUESTION else AFTER_THE_CONFIRMATION
    if asked_something and not _speaks_already(session, conversation, now):
        _owe_first_text(session, tenant, contact, conversation, settings, instant_at_night, earliest, now)


def _said_lately(session: TenantSession, contact: Contact, kind: Kind, within: timedelta, now: datetime) -> bool:
    said = select(Message.id).where(
        Message.tenant_id == session.tenant_id,
        Message.contact_id == contact.id,
        Message.kind == kind,
        Message.created_at > now - within,
    )
    return session.scalars(said.limit(1)).first() is not None


def _speaks_already(session: TenantSession, conversation: Conversation, now: datetime) -> bool:
    """Whether the conversation is under way: they wrote lately, a person has it, or a first text was owed just now."""
    wrote = conversation.last_inbound_at
    if conversation.taken_over_at is not None or (wrote is not None and now - wrote < ONCE_IN):
        return True
    owed = select(Message.id).where(
        Message.tenant_id == session.tenant_id,
        Message.conversation_id == conversation.id,
        Message.kind == Kind.FIRST_TEXT,
        Message.created_at > now - ONCE_IN,
    )
    return session.scalars(owed.limit(1)).first() is not None


def _owe_first_text(
    session: TenantSession,
    tenant: Tenant,
    contact: Contact,
    conversation: Conversation,
    settings: PolicySettings,
    instant_at_night: bool,
    earliest: datetime,
    now: datetime,
) -> None:
    message_id = uuid4()
    window = contact_window(
        contact,
        tenant,
        message_id,
        Purpose.INQUIRY,
        now,
        settings=settings,
        first_inquiry=True,
        instant_at_night=instant_at_night,
    )
    due, waits = earliest, False
    if window is not None and not window.open and window.opens_at is not None:
        due, waits = window.opens_at, True  # drafted when it may leave: "today" should be true then
    owe_first_text(
        session,
        message_id=message_id,
        conversation=conversation,
        language=contact.language,
        due_at=due,
        waits=waits,
        at_any_hour=instant_at_night,
        now=now,
    )


def _when_the_line_is_known(
    session: TenantSession, contact: Contact, settings: PolicySettings, now: datetime
) -> datetime:
    """From when on a text may leave: at once, or when the carrier has had its time to say what kind of line it is.

    Nobody asks about somebody who has texted: texts reach them.
    """
    known = contact.line_type_at is not None and now - contact.line_type_at <= LINE_TYPE_LASTS
    if not settings.line_type_lookup or known or contact.last_inbound_at is not None:
        return now
    work.put(session, LINE_TYPE, contact.id, due_at=now, now=now, priority=work.URGENT)
    return now + LINE_TYPE_WITHIN
