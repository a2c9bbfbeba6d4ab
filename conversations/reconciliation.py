"""Inbound texts that never reached us: read from the carrier's list and accepted like any other, once.

Regularly for every number, and before anything is sent again after an outage of ours, because a STOP may be among
what was missed.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from conversations.inbound import InboundText, accept
from smsbot import work
from smsbot.accounts import Recipient, carrier_credentials, tenant_of
from smsbot.errors import SendFailed
from smsbot.failpoints import failpoint
from smsbot.gateways.carrier import CarrierMessage, SmsGateway
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
        for number_id in due:
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
    return 0 if accept(runtime, recipient, text, cause="work:reconcile").repeated else 1


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
