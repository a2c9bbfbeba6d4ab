"""Media of inbound texts: fetched in the background, checked, kept encrypted. A failing fetch never loses the text."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from conversations.models import Media
from smsbot import work
from smsbot.accounts import carrier_credentials, tenant_of
from smsbot.actor import SYSTEM
from smsbot.events import record
from smsbot.failpoints import failpoint
from smsbot.gateways.media import MediaRefused, MediaUnavailable, fetch_media
from smsbot.logs import log_event
from smsbot.runtime import Runtime

logger = logging.getLogger(__name__)

CAUSE = "work:media"
MAX_BYTES = 5_000_000
RETRY_AFTER = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(hours=2)


def fetch(runtime: Runtime, claim: work.Claim) -> None:
    """Fetch the one picture `claim.ref_id`; refused for good, kept, or tried again later."""
    tenant_id = claim.tenant_id
    with runtime.transaction(tenant_id) as session:
        media = session.get(Media, claim.ref_id)
        if media is None or media.state != "pending":
            work.finish(session, claim)
            return
        tenant = tenant_of(session, tenant_id)
        cipher = runtime.cipher(tenant.data_key)
        url = cipher.decrypt_text(media.url, tenant_id=tenant_id, table="media", column="url", row=media.id)
        credentials = carrier_credentials(runtime, session, tenant)
        too_late = runtime.clock.now() - media.created_at > GIVE_UP_AFTER
    state = "failed"
    reason: str | None = "no_credentials"
    content: bytes | None = None
    content_type: str | None = None
    if credentials is not None:
        try:
            found = fetch_media(url, credentials=credentials, max_bytes=MAX_BYTES)
            state, reason, content, content_type = "stored", None, found.content, found.content_type
        except MediaRefused as refused:
            state, reason = "refused", refused.reason
        except MediaUnavailable as failure:
            log_event(logger, "media.unavailable", media_id=str(claim.ref_id), why=str(failure))
            state, reason = ("failed", "unavailable") if too_late else ("pending", "unavailable")
    failpoint("pictures.fetched")
    _keep(runtime, claim, state, reason, content, content_type)


def _keep(
    runtime: Runtime,
    claim: work.Claim,
    state: str,
    reason: str | None,
    content: bytes | None,
    content_type: str | None,
) -> None:
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        media = session.get(Media, claim.ref_id)
        if media is None:
            return  # erased meanwhile, and its work with it
        media.state, media.reason = state, reason
        if state == "pending":
            work.again(session, claim, now + RETRY_AFTER)
            return
        if content is not None:
            tenant = tenant_of(session, claim.tenant_id)
            media.content = runtime.cipher(tenant.data_key).encrypt(
                content, tenant_id=claim.tenant_id, table="media", column="content", row=media.id
            )
            media.size = len(content)
            media.content_type = (content_type or media.content_type)[:100]
        work.finish(session, claim)
        record(
            session,
            "media." + state,
            at=now,
            actor=SYSTEM,
            cause=CAUSE,
            message_id=media.message_id,
            details={"media": str(media.id), "reason": reason},
        )
        failpoint("pictures.before_commit")


def content_of(runtime: Runtime, data_key: str, media: Media, tenant_id: UUID) -> bytes | None:
    """The picture itself, for its owner's pages."""
    if media.content is None:
        return None
    return runtime.cipher(data_key).decrypt(
        media.content, tenant_id=tenant_id, table="media", column="content", row=media.id
    )
