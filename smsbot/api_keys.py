"""Keys of the REST interface: made once, shown once, kept and found as a hash only."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from smsbot.runtime import Runtime

PREFIX = "sk_"
RANDOM_BYTES = 32  # 43 characters of base64url: a slow hash would add nothing to 256 random bits
SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyOwner:
    tenant_id: UUID
    api_key_id: UUID


def new_api_key() -> tuple[str, bytes]:
    """A new key, `sk_` and 43 URL-safe characters, and the hash of it that is stored."""
    key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    return key, key_hash(key)


def key_hash(key: str) -> bytes:
    """SHA-256 of the key, 32 bytes."""
    return hashlib.sha256(key.encode()).digest()


def owner_of(runtime: Runtime, key: str) -> KeyOwner | None:
    """Whose key this is; None for one that is unknown, revoked or no key at all."""
    if not SHAPE.fullmatch(key):
        return None
    with runtime.transaction(None) as session:
        row = session.execute(text("SELECT * FROM api_key_by_hash(:hash)"), {"hash": key_hash(key)}).first()
    return None if row is None else KeyOwner(row.tenant_id, row.api_key_id)
