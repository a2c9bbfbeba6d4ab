"""Asks the carrier what kind of line a lead's number is, before the first text to somebody who has never texted.

A text waits for the answer no longer than LINE_TYPE_WITHIN; a carrier that does not say keeps nothing back.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from sqlalchemy import select

from consent.gate import LINE_TYPE_LASTS
from consent.ledger import lock, state_of
from consent.models import Contact
from consent.policy import LANDLINES
from consent.purposes import Reason
from conversations.models import Conversation, Direction, Message, State
from conversations.openers import LINE_TYPE_WITHIN
from conversations.outbox import REPLY, SEND
from conversations.people import add_task
from smsbot import work
from smsbot.accounts import carrier_credentials, tenant_of
from smsbot.actor import CARRIER
from smsbot.database import TenantSession
from smsbot.errors import PermanentSendFailure, SendFailed, TemporarySendFailure
from smsbot.events import record
from smsbot.gateways.carrier import CarrierCredentials, SmsGateway
from smsbot.logs import log_event
from smsbot.runtime import Runtime

logger = logging.getLogger(__name__)

CAUSE = "work:line_type"
PAUSES_S = (0.2, 0.6)  # before the second and the third try
LONGEST_WORD = 20  # the column's


def find_out(runtime: Runtime, gateway: SmsGateway, claim: work.Claim) -> None:
    """Ask about the contact of `claim`, keep the answer, and let what waits for it go on. At most once in 90 days."""
    with runtime.transaction(claim.tenant_id) as session:
        contact = session.get(Contact, claim.ref_id)
        if contact is None or not _is_asked_for(runtime, contact):
            work.finish(session, claim)
            return
        credentials = carrier_credentials(runtime, session, tenant_of(session, claim.tenant_id))
        if credentials is None:
            work.finish(session, claim)
            return
    try:
        word = _asked(gateway, credentials, contact.address)
    except SendFailed as failure:
        log_event(logger, "line_type.unanswered", contact_id=str(contact.id), code=failure.code)
        with runtime.transaction(claim.tenant_id) as session:
            work.finish(session, claim)
        return
    with runtime.transaction(claim.tenant_id) as session:
        _keep(runtime, session, claim, word)


def _is_asked_for(runtime: Runtime, contact: Contact) -> bool:
    """Whoever texts has shown that texts reach them; an opt-out or a fresh answer leaves nothing to ask for."""
    at = contact.line_type_at
    fresh = at is not None and runtime.clock.now() - at <= LINE_TYPE_LASTS
    return contact.last_inbound_at is None and not fresh and not state_of(contact).opted_out


def _asked(gateway: SmsGateway, credentials: CarrierCredentials, number: str) -> str | None:
    """The carrier's word, None when it has none. Three tries within LINE_TYPE_WITHIN; raises the last one's SendFailed."""
    give_up = time.monotonic() + LINE_TYPE_WITHIN.total_seconds()
    for pause_s in (*PAUSES_S, None):
        try:
            return gateway.line_type(credentials, number, within_s=give_up - time.monotonic())
        except PermanentSendFailure:
            raise
        except SendFailed as failure:
            wait_s = max(pause_s or 0.0, _wanted_pause_s(failure))
            if pause_s is None or time.monotonic() + wait_s >= give_up:
                raise
        time.sleep(wait_s)
    raise AssertionError("the last try ends in an answer or an error")


def _wanted_pause_s(failure: SendFailed) -> float:
    return (failure.retry_after_s or 0.0) if isinstance(failure, TemporarySendFailure) else 0.0


def _keep(runtime: Runtime, session: TenantSession, claim: work.Claim, word: str | None) -> None:
    now = runtime.clock.now()
    contact = lock(session, claim.ref_id)
    work.finish(session, claim)
    if contact is None:
        return
    contact.line_type, contact.line_type_at = word[:LONGEST_WORD] if word else None, now
    conversation_id = session.scalars(
        select(Conversation.id).where(Conversation.tenant_id == claim.tenant_id, Conversation.contact_id == contact.id)
    ).first()
    if contact.line_type in LANDLINES:
        add_task(
            session,
            "call_instead",
            contact.id,
            conversation_id=conversation_id,
            now=now,
            actor=CARRIER,
            cause=CAUSE,
            reason=Reason.LANDLINE.value,
        )
    _let_go_on(session, claim, now=now)
    record(
        session,
        "contact.line_type",
        at=now,
        actor=CARRIER,
        cause=CAUSE,
        contact_id=contact.id,
        conversation_id=conversation_id,
        details={"line_type": contact.line_type},
    )


def _let_go_on(session: TenantSession, claim: work.Claim, *, now: datetime) -> None:
    """What was put together with the question need not wait for the rest of its time."""
    waiting = session.scalars(
        select(Message.id).where(
            Message.tenant_id == claim.tenant_id,
            Message.contact_id == claim.ref_id,
            Message.direction == Direction.OUTBOUND,
            Message.state == State.QUEUED,
            Message.created_at == claim.due_at,
        )
    ).all()
    for kind in (REPLY, SEND):
        work.hasten(session, kind, waiting, now)
