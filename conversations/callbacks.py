"""A status callback: kept as it came, the message moved forward, and what its error code asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from consent.ledger import lock
from consent.purposes import carrier_reason
from conversations import outbox
from conversations.delivery import state_reported
from conversations.models import Direction, Message, MessageEvent, State
from smsbot.actor import CARRIER
from smsbot.errors import NotFound
from smsbot.events import record
from smsbot.failpoints import failpoint
from smsbot.gateways.carrier_errors import Action, action_for
from smsbot.runtime import Runtime
from smsbot.tenancy import Number, SenderType

CAUSE = "webhook:status"
SOFT_BLOCK = 30004  # on toll-free numbers a STOP at the network shows as this
FAILED = (State.FAILED, State.UNDELIVERED)


@dataclass(frozen=True, slots=True)
class StatusReport:
    provider_sid: str
    status: str
    error_code: int | None = None
    details: dict[str, str] = field(default_factory=dict)


def report(runtime: Runtime, tenant_id: UUID, message_id: UUID, status: StatusReport) -> State:
    """Record the callback and move the message on. Returns its state. Raises NotFound for no message of this tenant.

    Order is not guaranteed and repeats happen: the state never goes back, and an error is acted on once.
    """
    with runtime.transaction(tenant_id) as session:
        now = runtime.clock.now()
        contact_id = session.scalars(
            select(Message.contact_id).where(
                Message.tenant_id == tenant_id, Message.id == message_id, Message.direction == Direction.OUTBOUND
            )
        ).first()
        if contact_id is None:
            raise NotFound("no such message")
        reported = state_reported(status.status)
        failed = reported in FAILED
        # A failure may change consent and cancels what waits: that takes the contact's lock, like everything of the kind.
        contact = lock(session, contact_id) if failed else None
        message = session.get_one(Message, message_id, with_for_update=True, populate_existing=True)
        session.execute(
            insert(MessageEvent).values(
                tenant_id=tenant_id,
                id=uuid4(),
                at=now,
                message_id=message_id,
                provider_sid=status.provider_sid,
                status=status.status,
                error_code=status.error_code,
                details=status.details,
            )
        )
        if reported is None or message.provider_sid not in (None, status.provider_sid):
            return message.state  # says nothing, or is about another attempt than the one that counts
        was_sending = message.state in (State.SENDING, State.UNKNOWN)
        if not outbox.move_on(session, message_id, reported, status.provider_sid, now):
            return message.state
        session.refresh(message)
        if was_sending:
            outbox.mark_said(session, message, now)
        if contact is not None:
            message.error_code = status.error_code
            message.reason = carrier_reason(status.error_code)
            outbox.mark_unsaid(session, message)
            action = action_for(status.error_code).action
            if status.error_code == SOFT_BLOCK:
                number = session.get_one(Number, message.number_id)
                action = Action.OPT_OUT if number.sender_type is SenderType.TOLL_FREE else action
            if action is Action.OPT_OUT and outbox.came_back_since(session, contact, message):
                action = Action.IGNORE
            outbox.act_on_code(runtime, session, contact, message, status.error_code, action, now=now)
            outbox.repeat_once(session, message, status.error_code, now=now)
        failpoint("callbacks.before_commit")
        record(
            session,
            f"message.{reported.value}",
            at=now,
            actor=CARRIER,
            cause=CAUSE,
            contact_id=contact_id,
            conversation_id=message.conversation_id,
            message_id=message_id,
            details={"status": status.status, "error_code": status.error_code},
        )
        return message.state
