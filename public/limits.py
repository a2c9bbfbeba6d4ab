"""How often forms may be sent: from one network, by one form, for one number. Counted in Redis and in the database.

Redis answers first and cheaply. The database counts what Redis let through, so that a Redis that is away opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from smsbot.database import TenantSession
from smsbot.runtime import Runtime
from smsbot.tenancy import Rejection

COUNTED_UNDER = UUID(int=2)  # the "tenant" of these counters: refused webhooks are counted under the real ones
REASON = "form_sent"
BOT = "form_bot"
KEPT = timedelta(hours=24)
NAME_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` within `window`; Redis spreads them evenly and lets `most` come at once."""

    kind: str
    most: int
    window: timedelta


NETWORK = Limit("network", 20, timedelta(minutes=10))  # an office behind one address has a few people at once
FORM = Limit("form", 300, timedelta(minutes=10))
NUMBER = Limit("number", 5, timedelta(hours=1))


def wait_s(runtime: Runtime, asked: Sequence[tuple[Limit, str]]) -> float:
    """0 when all of `asked` (what is limited, whose) may go on, which is counted; else the seconds to wait."""
    named = sorted((_name(runtime, limit, value), limit) for limit, value in asked)  # one order: nobody waits in a ring
    for name, limit in named:
        per_s = limit.most / limit.window.total_seconds()
        if wait := runtime.rates.wait_s(f"form:{name}", per_s=per_s, at_once=limit.most):
            return wait
    now = runtime.clock.now()
    with runtime.transaction(COUNTED_UNDER) as session:
        for name, _ in named:
            session.execute(select(func.pg_advisory_xact_lock(int(name[:15], 16))))
        for name, limit in named:
            if _count(session, name, now - limit.window) >= limit.most:
                return limit.window.total_seconds()
        minute = now.replace(second=0, microsecond=0)
        for name, _ in named:
            _add(session, minute, REASON, name)
        session.execute(delete(Rejection).where(Rejection.tenant_id == COUNTED_UNDER, Rejection.hour < now - KEPT))
    return 0.0


def count_bot(runtime: Runtime, tenant_id: UUID, form_id: UUID) -> None:
    """One more submission of this hour that no person made. Nothing else is kept of it."""
    hour = runtime.clock.now().replace(minute=0, second=0, microsecond=0)
    with runtime.transaction(tenant_id) as session:
        _add(session, hour, BOT, form_id.hex)


def _count(session: TenantSession, name: str, since: datetime) -> int:
    counted = session.scalars(
        select(func.coalesce(func.sum(Rejection.count), 0)).where(
            Rejection.tenant_id == COUNTED_UNDER, Rejection.account_sid == name, Rejection.hour > since
        )
    ).one()
    return int(counted)


def _add(session: TenantSession, hour: datetime, reason: str, name: str) -> None:
    session.execute(
        insert(Rejection)
        .values(tenant_id=session.tenant_id, hour=hour, reason=reason, account_sid=name)
        .on_conflict_do_update(
            index_elements=["tenant_id", "hour", "reason", "account_sid"], set_={"count": Rejection.count + 1}
        )
    )


def _name(runtime: Runtime, limit: Limit, value: str) -> str:
    """The name that a counter is kept under: neither an IP address nor a number can be read from it."""
    key = hashlib.sha256(b"smsbot|forms|" + runtime.settings.secret_key.encode()).digest()
    return hmac.new(key, f"{limit.kind}|{value}".encode(), hashlib.sha256).hexdigest()[:NAME_CHARACTERS]
