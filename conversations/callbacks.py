"""A status callback: kept as it came, the message moved forward, and what its error code asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from consent.purposes import carrier_reason
from conversations import outbox, redaction
from conversations.delivery import state_reported, states_before
from conversations.models import MessageEvent, State
from smsbot.actor import CARRIER
from smsbot.errors import NotFound
from smsbot.events import record
from smsbot.failpoints import failpoint
from smsbot.gateways.carrier_errors import Action, action_for
from smsbot.phone import AddressKind
from smsbot.runtime import Runtime
from smsbot.tenancy import Number, SenderType
from smsbot.writes import put_changes, put_row

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
        reported = state_reported(status.status)
        found = outbox.locked_text(session, message_id)
        if found is None:
            raise NotFound("no such message")
        contact, message = found
        put_row(
            session,
            MessageEvent,
            {
                "tenant_id": tenant_id,
                "id": uuid4(),
                "at": now,
                "message_id": message_id,
                "provider_sid": status.provider_sid,
                "status": status.status,
                "error_code": status.error_code,
                "details": status.details,
            },
        )
        if reported is None or message.provider_sid not in (None, status.provider_sid):
            return message.state  # says nothing, or is about another attempt than the one that counts
        if message.state not in states_before(reported):
            return message.state
        if reported not in FAILED:
            put_changes(session, message)
        was_sending = message.state in (State.SENDING, State.UNKNOWN)
        message.state = reported
        message.provider_sid = message.provider_sid or status.provider_sid
        message.sent_at = message.sent_at or now
        if was_sending:
            outbox.mark_said(session, message, now)
        erased = contact.address_kind == AddressKind.ERASED
        if erased:
            redaction.plan(session, [message.id], due_at=now + redaction.SETTLES, now=now)
        if reported in FAILED:
            message.error_code = status.error_code
            message.reason = carrier_reason(status.error_code)
        if reported in FAILED and not erased:
            outbox.mark_unsaid(session, message)
            action = action_for(status.error_code).action
            if status.error_code == SOFT_BLOCK:
                number = session.get_one(Number, message.number_id)
                action = Action.OPT_OUT if number.sender_type is SenderType.TOLL_FREE else action
            if action is Action.OPT_OUT and outbox.came_back_since(
                session, contact, message.sending_at or message.created_at
            ):
                action = Action.IGNORE
            outbox.act_on_code(runtime, session, contact, message, status.error_code, action, now=now)
            outbox.leave_undelivered(session, message, status.error_code, action, now)
            outbox.repeat_once(session, message, status.error_code, now=now)
        failpoint("callbacks.before_commit")
        record(
            session,
            f"message.{reported.value}",
            at=now,
            actor=CARRIER,
            cause=CAUSE,
            contact_id=message.contact_id,
            conversation_id=message.conversation_id,
            message_id=message_id,
            details={"status": status.status, "error_code": status.error_code},
        )
        return message.state
