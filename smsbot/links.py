"""Links for people without a login: found by the hash of their token, before anything else is known of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Uuid, column, func, select

from smsbot.database import UtcDateTime
from smsbot.runtime import Runtime


@dataclass(frozen=True, slots=True)
class FoundLink:
    """Whose link a token is, and what it opens."""

    tenant_id: UUID
    link_id: UUID
    ref_id: UUID


def token_hash(token: str) -> bytes:
    """SHA-256 of a token: what is kept of it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def link_of(runtime: Runtime, token: str, purpose: str) -> FoundLink | None:
    """The link of this token; None for one that is unknown, for something else, too old or revoked."""
    found = func.link_by_token(token_hash(token)).table_valued(
        column("tenant_id", Uuid),
        column("link_id", Uuid),
        column("purpose"),
        column("ref_id", Uuid),
        column("expires_at", UtcDateTime()),
    )
    with runtime.transaction(None) as session:
        row = session.execute(select(found)).first()
    if row is None or row.purpose != purpose or row.expires_at <= runtime.clock.now():
        return None
    return FoundLink(row.tenant_id, row.link_id, row.ref_id)
