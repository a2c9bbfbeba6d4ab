"""`Idempotency-Key`: a write that is repeated with its key happens once, and is answered as it was the first time.

The key is reserved in a transaction of its own, so that a second request can see that the first is under way; the
answer is stored in the transaction of the write, so that both exist or neither does. An answer tells of a person, and a
key may: the one is kept encrypted, of the other only its hash, and both no longer than they are needed.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import Headers

from api.callers import Caller
from smsbot.accounts import tenant_of
from smsbot.database import TenantSession
from smsbot.errors import Conflict, InvalidInput
from smsbot.runtime import Runtime
from smsbot.tenancy import IdempotencyKey

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)  # what is promised at least
BATCH = 500  # rows that one transaction forgets
MOST_BATCHES = 20  # of one tenant in one sweep
SHAPE = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
ABANDONED_AFTER = timedelta(seconds=60)  # far above any request: whoever reserved the key has crashed

UNDER_WAY = "the first request with this Idempotency-Key is under way: ask again"


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: dict[str, Any]
    replayed: bool = False


UseCase = Callable[[TenantSession], Answered]


def key_of(headers: Headers) -> str | None:
    """The request's key, None when it has none. Raises InvalidInput for one that is empty, too long or not ASCII."""
    key = headers.get(HEADER)
    if key is not None and not SHAPE.fullmatch(key):
        raise InvalidInput(HEADER, "give 1 to 255 visible ASCII characters")
    return key


def fingerprint(route: str, body: Any) -> bytes:
    """SHA-256 of what is asked for: spacing and the order of the fields do not make another request."""
    return hashlib.sha256(f"{route}\n{json.dumps(body, sort_keys=True)}".encode()).digest()


def once(runtime: Runtime, caller: Caller, key: str | None, request_hash: bytes, use_case: UseCase) -> Answered:
    """Run `use_case` in one transaction, or give the stored answer of the request that came with this key before.

    What raises is not stored: a request that was refused may be corrected and sent again with its key. Raises
    InvalidInput when the key came with another body, Conflict while the first request is under way.
    """
    if key is None:
        with runtime.transaction(caller.tenant_id) as session:
            return use_case(session)
    reserved_at = runtime.clock.now()
    with runtime.transaction(caller.tenant_id) as session:
        known = _reserve(runtime, session, caller, key, request_hash, reserved_at)
    if known is not None:
        return known
    mine = and_(
        _row(caller, key), IdempotencyKey.status.is_(None), IdempotencyKey.created_at == reserved_at
    )  # whoever took an abandoned key over has set another time
    settled = False
    try:
        with runtime.transaction(caller.tenant_id) as session:
            answered = use_case(session)
            _settle(runtime, session, caller, key, mine, answered)
        settled = True
    finally:
        if not settled:
            # Without a database the key stays reserved until it counts as abandoned.
            with contextlib.suppress(SQLAlchemyError), runtime.transaction(caller.tenant_id) as session:
                session.execute(delete(IdempotencyKey).where(mine))
    return answered


def stored_key(key: str) -> str:
    """What is kept of a key: SHA-256 in hexadecimal. Callers make keys of whatever they have, numbers among it."""
    return hashlib.sha256(key.encode()).hexdigest()


def forget_old(runtime: Runtime, tenant_id: UUID, *, most_batches: int = MOST_BATCHES) -> int:
    """Delete this tenant's keys that are older than KEPT; returns how many. What is left is for the next sweep."""
    identity = (IdempotencyKey.tenant_id, IdempotencyKey.api_key_id, IdempotencyKey.key)
    old = (  # a CTE is run once; a subquery may be run again for every row, and its limit is none
        select(*identity)
        .where(IdempotencyKey.tenant_id == tenant_id, IdempotencyKey.created_at < runtime.clock.now() - KEPT)
        .limit(BATCH)
        .with_for_update(skip_locked=True)  # another scheduler has these in hand
        .cte("old")
    )
    forget = delete(IdempotencyKey).where(tuple_(*identity).in_(select(old))).returning(IdempotencyKey.key)
    gone = 0
    for _ in range(most_batches):
        with runtime.transaction(tenant_id) as session:
            deleted = session.execute(forget, execution_options={"synchronize_session": False}).all()
        gone += len(deleted)
        if len(deleted) < BATCH:
            break
    return gone


def _row(caller: Caller, key: str) -> ColumnElement[bool]:
    return and_(
        IdempotencyKey.tenant_id == caller.tenant_id,
        IdempotencyKey.api_key_id == caller.api_key_id,
        IdempotencyKey.key == stored_key(key),
    )


def _sealed(runtime: Runtime, session: TenantSession, caller: Caller, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer as it is stored: encrypted with the tenant's data key for exactly this row."""
    cipher = runtime.cipher(tenant_of(session, caller.tenant_id).data_key)
    ciphertext = cipher.encrypt_text(json.dumps(body), tenant_id=caller.tenant_id, **_place(caller, key))
    return {"sealed": base64.b64encode(ciphertext).decode()}


def _opened(runtime: Runtime, session: TenantSession, caller: Caller, key: str, stored: Any) -> dict[str, Any]:
    cipher = runtime.cipher(tenant_of(session, caller.tenant_id).data_key)
    ciphertext = base64.b64decode(stored["sealed"])
    body = json.loads(cipher.decrypt_text(ciphertext, tenant_id=caller.tenant_id, **_place(caller, key)))
    assert isinstance(body, dict)
    return body


def _place(caller: Caller, key: str) -> dict[str, str]:
    return {"table": "idempotency_keys", "column": "response", "row": f"{caller.api_key_id}/{stored_key(key)}"}


def _reserve(
    runtime: Runtime, session: TenantSession, caller: Caller, key: str, request_hash: bytes, now: datetime
) -> Answered | None:
    """None when the key is ours now, else the stored answer."""
    statement = insert(IdempotencyKey).values(
        tenant_id=caller.tenant_id,
        api_key_id=caller.api_key_id,
        key=stored_key(key),
        request_hash=request_hash,
        created_at=now,
    )
    reserved = session.execute(statement.on_conflict_do_nothing().returning(IdempotencyKey.key)).first()
    if reserved is not None:
        return None
    known = session.scalars(select(IdempotencyKey).where(_row(caller, key))).one_or_none()
    if known is None:
        raise Conflict(UNDER_WAY)  # it was given up between the two statements
    if known.request_hash != request_hash:
        raise InvalidInput(HEADER, "this key came with another request before: take a new one")
    if known.status is not None:
        return Answered(known.status, _opened(runtime, session, caller, key, known.response), replayed=True)
    taken_over = session.execute(
        update(IdempotencyKey)
        .where(
            _row(caller, key),
            IdempotencyKey.status.is_(None),
            IdempotencyKey.created_at < now - ABANDONED_AFTER,
        )
        .values(created_at=now)
        .returning(IdempotencyKey.key),
        execution_options={"synchronize_session": False},
    ).first()
    if taken_over is None:
        raise Conflict(UNDER_WAY)
    return None


def _settle(
    runtime: Runtime, session: TenantSession, caller: Caller, key: str, mine: ColumnElement[bool], answered: Answered
) -> None:
    stored = session.execute(
        update(IdempotencyKey)
        .where(mine)
        .values(status=answered.status, response=_sealed(runtime, session, caller, key, answered.body))
        .returning(IdempotencyKey.key)
    ).first()
    if stored is None:
        raise Conflict(UNDER_WAY)  # it took too long, and another request has it now: nothing of this one stays
