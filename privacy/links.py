"""A person's own page is found by a link that holds nothing of them: a random token, of which only the hash is kept."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, select

from consent.models import Contact
from smsbot.actor import Actor
from smsbot.database import TenantSession
from smsbot.errors import NotFound
from smsbot.events import record
from smsbot.links import link_of, token_hash
from smsbot.phone import AddressKind
from smsbot.runtime import Runtime
from smsbot.tenancy import Link

PURPOSE = "own_page"
LASTS = timedelta(days=30)
TOKEN_BYTES = 32
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # what TOKEN_BYTES become in base64url
MADE = "privacy.link_made"


@dataclass(frozen=True, slots=True)
class Found:
    """Whose page a token opens."""

    tenant_id: UUID
    link_id: UUID
    contact_id: UUID


def make(runtime: Runtime, tenant_id: UUID, contact_id: UUID, *, actor: Actor, cause: str) -> str:
    """A new link to this person's own page, as a whole address: shown once, good for LASTS.

    Those that were made before stay good, as one of them may be in their hands. Raises NotFound, also for an erased one.
    """
    now, token = runtime.clock.now(), secrets.token_urlsafe(TOKEN_BYTES)
    with runtime.transaction(tenant_id) as session:
        contact = session.scalars(
            select(Contact)
            .where(Contact.tenant_id == tenant_id, Contact.id == contact_id)
            .with_for_update(key_share=True)  # nobody erases them before this is written: an erasure revokes it too
        ).first()
        if contact is None or contact.address_kind == AddressKind.ERASED:
            raise NotFound("this tenant knows no such contact")
        session.execute(
            delete(Link).where(
                Link.tenant_id == tenant_id, Link.purpose == PURPOSE, Link.ref_id == contact_id, Link.expires_at <= now
            )
        )
        session.add(
            Link(
                id=uuid4(),
                tenant_id=tenant_id,
                purpose=PURPOSE,
                ref_id=contact_id,
                token_hash=token_hash(token),
                expires_at=now + LASTS,
                created_at=now,
            )
        )
        record(session, MADE, at=now, actor=actor, cause=cause, contact_id=contact_id)
    return f"{runtime.settings.public_url}/l/{token}"


def read(runtime: Runtime, token: str) -> Found | None:
    """Whose page this is; None for a token that is malformed, unknown, for something else, too old or revoked."""
    if not TOKEN.fullmatch(token):
        return None
    found = link_of(runtime, token, PURPOSE)
    return None if found is None else Found(found.tenant_id, found.link_id, found.ref_id)


def revoke(session: TenantSession, contact_id: UUID) -> None:
    """No link opens this person's page any more."""
    session.execute(
        delete(Link).where(Link.tenant_id == session.tenant_id, Link.purpose == PURPOSE, Link.ref_id == contact_id)
    )
