"""The carrier's copies of texts whose words are gone here: each is emptied there as well, in the background."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from conversations.models import Message
from smsbot import work
from smsbot.accounts import carrier_credentials, tenant_of
from smsbot.bell import BACKGROUND
from smsbot.database import TenantSession
from smsbot.errors import PermanentSendFailure, SendFailed, TemporarySendFailure
from smsbot.gateways.carrier import SmsGateway
from smsbot.logs import log_event
from smsbot.runtime import Runtime

logger = logging.getLogger(__name__)

REDACT = "redact"  # the kind of work
SETTLES = timedelta(minutes=15)  # a text that is still on its way cannot be emptied (20009); it is valid for ten
GONE = 20404  # https://www.twilio.com/docs/api/errors/20404
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))


def plan(session: TenantSession, message_ids: Sequence[UUID], *, due_at: datetime, now: datetime) -> None:
    """Have the carrier's copies of these texts emptied from `due_at` on."""
    for message_id in message_ids:
        work.put(session, REDACT, message_id, due_at=due_at, now=now, queue=BACKGROUND, priority=work.LATER)


def redact(runtime: Runtime, gateway: SmsGateway, claim: work.Claim) -> None:
    """Empty one text at the carrier. May be repeated; a carrier that refuses for days leaves the row put aside."""
    with runtime.transaction(claim.tenant_id) as session:
        message = session.get(Message, claim.ref_id)
        provider_sid = message.provider_sid if message is not None else None
        credentials = carrier_credentials(runtime, session, tenant_of(session, claim.tenant_id))
        if provider_sid is None:
            work.finish(session, claim)  # the carrier never had it
            return
    failure: SendFailed | None = None
    try:
        if credentials is None:
            raise TemporarySendFailure("no account to ask with")
        gateway.redact(credentials, provider_sid)
    except PermanentSendFailure as refused:
        failure = None if refused.code == GONE else refused
    except SendFailed as away:
        failure = away
    with runtime.transaction(claim.tenant_id) as session:
        if failure is None:
            work.finish(session, claim)
            return
        log_event(logger, "redaction.failed", message_id=str(claim.ref_id), code=failure.code)
        pause = PAUSES[min(claim.attempts, len(PAUSES)) - 1]
        work.again(session, claim, runtime.clock.now() + pause, counts=True)
