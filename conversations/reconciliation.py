"""What the carrier has and never reached us is fetched: texts of theirs, and what became of ours.

Inbound texts are accepted like any other, once; the end of a text of ours is recorded, the carrier's blocks among it.
Regularly for every number, and before anything is sent again after an outage of ours, because a STOP may be among
what was missed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from consent.ledger import Fact, append, lock, state_of
from consent.models import Contact
from consent.purposes import Reason
from consent.state import EventKind
from conversations import outbox
from conversations.callbacks import StatusReport, report
from conversations.delivery import moved_on, state_reported
from conversations.inbound import InboundText, accept
from conversations.models import Direction, Message, State
from smsbot import work
from smsbot.accounts import Recipient, carrier_credentials, tenant_of
from smsbot.actor import CARRIER
from smsbot.errors import SendFailed
from smsbot.failpoints import failpoint
from smsbot.gateways.carrier import CarrierCredentials, CarrierMessage, SmsGateway
from smsbot.gateways.carrier_errors import OPTED_OUT
from smsbot.logs import log_event
from smsbot.masking import masked
from smsbot.phone import address
from smsbot.runtime import Runtime
from smsbot.tenancy import Number, Tenant
from smsbot.texts import cleaned

logger = logging.getLogger(__name__)

RECONCILE = "reconcile"
EVERY = timedelta(minutes=10)
OVERLAP = timedelta(minutes=5)  # the list lags behind; looking twice costs nothing, a text is accepted once
SETTLES = timedelta(seconds=30)  # a webhook that is still on its way is not missing
RETRY = timedelta(seconds=15)
MOST_TEXTS = 20_000  # of one number since the last look: more than a number can receive in the time
FIRST_LOOK = timedelta(hours=1)
SETTLES_WITHIN = timedelta(minutes=30)  # of a text of ours: its validity and the carrier's own tries are over by then
MOST_ASKED = 20  # of our texts in one pass, that no list has; the carrier is asked about each by its id
CAUSE = "work:reconcile"


def plan_reconciliation(runtime: Runtime, tenant_id: UUID) -> None:
    """Have every number of the tenant looked at once per EVERY."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        due = session.scalars(
            select(Number.id).where(
                Number.tenant_id == tenant_id,
                Number.received_through.is_(None) | (Number.received_through < now - EVERY),
            )
        ).all()
        held = session.scalars(
            select(Number.id).where(Number.tenant_id == tenant_id, Number.hold_until_reconciled.is_(True))
        ).all()
        # However often it failed or was killed: as long as it is not done, nothing leaves from these numbers.
        work.hasten(session, RECONCILE, held, now)
        for number_id in {*due, *held}:
            work.put(session, RECONCILE, number_id, due_at=now, now=now, queue=work.BACKGROUND, priority=work.LATER)


def hold_for_reconciliation(runtime: Runtime, lost_at: datetime) -> None:
    """After an outage: no number sends before its inbound texts since `lost_at` have been read from the carrier."""
    now = runtime.clock.now()
    with runtime.transaction(None) as session:
        tenants = session.scalars(select(Tenant.id)).all()
    for tenant_id in tenants:
        with runtime.transaction(tenant_id) as session:
            numbers = session.scalars(
                update(Number)
                .where(Number.tenant_id == tenant_id)
                .values(hold_until_reconciled=True)
                .returning(Number.id)
            ).all()
            work.hasten(session, RECONCILE, numbers, now)  # one that waits for a later try would hold it back for long
            for number_id in numbers:
                work.put(
                    session, RECONCILE, number_id, due_at=now, now=now, queue=work.BACKGROUND, priority=work.URGENT
                )
    log_event(logger, "reconciliation.held", lost_at=lost_at.isoformat())


def reconcile(runtime: Runtime, gateway: SmsGateway, claim: work.Claim) -> None:
    """Read what the carrier received for one number and accept what we do not have."""
    tenant_id = claim.tenant_id
    with runtime.transaction(tenant_id) as session:
        number = session.get(Number, claim.ref_id)
        if number is None:
            work.finish(session, claim)
            return
        tenant = tenant_of(session, tenant_id)
        credentials = carrier_credentials(runtime, session, tenant)
    now = runtime.clock.now()
    held = number.hold_until_reconciled
    since = (number.received_through or now - FIRST_LOOK) - OVERLAP
    if credentials is None:
        _finish(runtime, claim, None, held=True)  # nothing can be sent either
        return
    try:
        listed = gateway.messages_received(credentials, number.number, since, limit=MOST_TEXTS)
    except SendFailed as failure:
        log_event(logger, "reconciliation.failed", number_id=str(number.id), code=failure.code)
        with runtime.transaction(tenant_id) as session:
            work.again(session, claim, now + RETRY)
        return
    failpoint("reconciliation.listed")
    recipient = Recipient(
        tenant_id,
        number.id,
        number.number,
        number.sender_type,
        number.opt_out_handling,
        tenant.brand,
        tenant.zone,
        tuple(tenant.languages),
        tuple(tenant.extra_opt_out_words),
        tenant.data_key,
    )
    found = 0
    for message in sorted(listed, key=lambda m: m.created_at):
        if held or now - message.created_at > SETTLES:
            found += _accept(runtime, recipient, message)
    if found:
        log_event(logger, "reconciliation.found", number_id=str(number.id), texts=found)
    _finish(runtime, claim, now, held=held)
    # Nothing waits for this: what is missed now is read by the next pass, which begins as far back.
    try:
        settled = _what_became_of_ours(runtime, gateway, credentials, number, since - SETTLES_WITHIN, now)
    except SendFailed as failure:
        log_event(logger, "reconciliation.failed", number_id=str(number.id), code=failure.code)
        return
    _follow_ours(runtime, tenant_id, settled)


def _accept(runtime: Runtime, recipient: Recipient, message: CarrierMessage) -> int:
    """1 when the text was new to us."""
    body = cleaned(message.body)
    safe = masked(body.text)
    text = InboundText(
        provider_sid=message.provider_sid,
        sender=address(message.from_ or ""),
        recipient=address(message.to or recipient.number),
        body=safe.text,
        flags=body.flagged | safe.kinds | {"reconciled"},
        written_at=message.created_at,
    )
    return 0 if accept(runtime, recipient, text, cause=CAUSE).repeated else 1


def _what_became_of_ours(
    runtime: Runtime,
    gateway: SmsGateway,
    credentials: CarrierCredentials,
    number: Number,
    since: datetime,
    now: datetime,
) -> list[CarrierMessage]:
    """What the carrier says of the texts that left from `number`, whoever sent them. Raises SendFailed.

    A text that never left has no date and is in no list by date: of ours, those are asked for one by one.
    """
    listed = gateway.messages_sent(credentials, number.number, since, limit=MOST_TEXTS)
    with runtime.transaction(number.tenant_id) as session:
        open_ones = session.scalars(
            select(Message.provider_sid)
            .where(
                Message.tenant_id == number.tenant_id,
                Message.number_id == number.id,
                Message.direction == Direction.OUTBOUND,
                Message.state == State.SENT,
                Message.provider_sid.is_not(None),
                Message.created_at >= since,
                Message.sent_at <= now - SETTLES,
                Message.provider_sid.not_in([message.provider_sid for message in listed]),
            )
            .order_by(Message.created_at)
            .limit(MOST_ASKED)
        ).all()
    asked = [gateway.fetch(credentials, sid) for sid in open_ones if sid is not None]
    found = [*listed, *(message for message in asked if message is not None)]
    return [message for message in found if now - message.created_at > SETTLES]


def _follow_ours(runtime: Runtime, tenant_id: UUID, settled: Sequence[CarrierMessage]) -> None:
    """Record what we did not hear of: the end of a text of ours, and a block that the carrier keeps."""
    with runtime.transaction(tenant_id) as session:
        ours = {
            message.provider_sid: message
            for message in session.scalars(
                select(Message).where(
                    Message.tenant_id == tenant_id,
                    Message.provider_sid.in_([message.provider_sid for message in settled]),
                )
            )
        }
    for told in sorted(settled, key=lambda m: m.created_at):
        message = ours.get(told.provider_sid)
        if message is None:
            if told.error_code == OPTED_OUT:
                _record_block(runtime, tenant_id, told)
            continue
        reported = state_reported(told.status)
        if reported is not None and moved_on(message.state, reported) is not message.state:
            status = StatusReport(told.provider_sid, told.status, told.error_code, {"source": "reconciled"})
            report(runtime, tenant_id, message.id, status)
            log_event(logger, "reconciliation.settled", message_id=str(message.id), code=told.error_code)


def _record_block(runtime: Runtime, tenant_id: UUID, told: CarrierMessage) -> None:
    """The carrier refused a text to somebody we know, which somebody else has sent from our number (21610)."""
    with runtime.transaction(tenant_id) as session:
        now = runtime.clock.now()
        contact_id = session.scalars(
            select(Contact.id).where(Contact.tenant_id == tenant_id, Contact.address == (told.to or ""))
        ).first()
        contact = lock(session, contact_id) if contact_id else None
        if contact is None or state_of(contact).carrier_blocked is not None:
            return
        if outbox.came_back_since(session, contact, told.created_at):
            return
        fact = Fact(
            EventKind.CARRIER_BLOCK,
            told.created_at,
            "carrier",
            {"address": contact.address, "provider_sid": told.provider_sid, "code": OPTED_OUT},
            rule=f"carrier.{OPTED_OUT}",
        )
        cipher = runtime.cipher(tenant_of(session, tenant_id).data_key)
        append(session, contact, cipher, fact, actor=CARRIER, now=now)
        outbox.cancel_waiting(session, contact.id, Reason.CARRIER_BLOCKED, now=now, actor=CARRIER)
    log_event(logger, "reconciliation.blocked", contact_id=str(contact.id), code=OPTED_OUT)


def _finish(runtime: Runtime, claim: work.Claim, through: datetime | None, *, held: bool) -> None:
    """The list was read. `held`: the number was held before that; a hold that began later wants a later list."""
    with runtime.transaction(claim.tenant_id) as session:
        number = session.get_one(Number, claim.ref_id, with_for_update=True)
        if through is not None:
            number.received_through = through
        if number.hold_until_reconciled and not held:
            work.again(session, claim, runtime.clock.now())
            return
        number.hold_until_reconciled = False
        work.finish(session, claim)
        failpoint("reconciliation.before_commit")
