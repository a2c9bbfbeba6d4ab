"""How often somebody may try to sign in: counted in the database by account, by browser and by network.

A try is counted before its password is looked at, so that many at once cannot slip through. Nobody is locked out for
good: a wait ends, tries during it are not counted, and a browser that has signed in before has a count of its own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from smsbot.database import TenantSession
from smsbot.runtime import Runtime
from smsbot.tenancy import Rejection

SIGN_IN = UUID(int=1)  # the "tenant" of these counters: they belong to no tenant, and webhooks are counted apart
REASON = "sign_in"
WINDOW = timedelta(minutes=15)
MOST_BY_ACCOUNT = 5
MOST_BY_NETWORK = 20
REMEMBERED = timedelta(hours=24)
LONGEST_WAIT = timedelta(hours=1)
NAME_CHARACTERS = 32
EVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that was counted, so that a success can take it back."""

    account: str
    network: str
    minute: datetime


def counter(runtime: Runtime, kind: str, value: str) -> str:
    """The name that a counter is kept under: neither an e-mail address nor an IP address can be read from it."""
    key = hashlib.sha256(b"smsbot|attempts|" + runtime.settings.secret_key.encode()).digest()
    return hmac.new(key, f"{kind}|{value}".encode(), hashlib.sha256).hexdigest()[:NAME_CHARACTERS]


def begin(runtime: Runtime, *, account: str, network: str) -> Attempt | None:
    """Count a try; None when it has to wait. `account` and `network` are names from `counter`."""
    now = runtime.clock.now()
    minute = now.replace(second=0, microsecond=0)
    with runtime.transaction(SIGN_IN) as session:
        for name in sorted((account, network)):  # always in one order, so that two tries cannot wait for each other
            session.execute(select(func.pg_advisory_xact_lock(int(name[:15], 16))))
        tries = _tries(session, account, now - REMEMBERED)
        from_network = sum(count for _, count in _tries(session, network, now - WINDOW))
        if now < _free_at(tries) or from_network >= MOST_BY_NETWORK:
            return None
        for name in (account, network):
            session.execute(
                insert(Rejection)
                .values(tenant_id=SIGN_IN, hour=minute, reason=REASON, account_sid=name)
                .on_conflict_do_update(
                    index_elements=["tenant_id", "hour", "reason", "account_sid"], set_={"count": Rejection.count + 1}
                )
            )
        session.execute(delete(Rejection).where(Rejection.tenant_id == SIGN_IN, Rejection.hour < now - REMEMBERED))
    return Attempt(account, network, minute)


def succeeded(runtime: Runtime, attempt: Attempt) -> None:
    """The account starts anew, and the network's count forgets this one try."""
    with runtime.transaction(SIGN_IN) as session:
        session.execute(
            delete(Rejection).where(Rejection.tenant_id == SIGN_IN, Rejection.account_sid == attempt.account)
        )
        session.execute(
            update(Rejection)
            .where(
                Rejection.tenant_id == SIGN_IN,
                Rejection.account_sid == attempt.network,
                Rejection.hour == attempt.minute,
                Rejection.reason == REASON,
            )
            .values(count=func.greatest(Rejection.count - 1, 0))
        )


def _tries(session: TenantSession, name: str, since: datetime) -> list[tuple[datetime, int]]:
    rows = session.execute(
        select(Rejection.hour, Rejection.count.label("times"))
        .where(Rejection.tenant_id == SIGN_IN, Rejection.account_sid == name, Rejection.hour > since)
        .order_by(Rejection.hour)
    )
    return [(row.hour, row.times) for row in rows]


def _free_at(tries: Sequence[tuple[datetime, int]]) -> datetime:
    """When the next try of this account may be made: at once up to five, then ever later after the last, an hour at most."""
    total = sum(count for _, count in tries)
    if total < MOST_BY_ACCOUNT:
        return EVER
    steps = min(total // MOST_BY_ACCOUNT - 1, 2)
    # A try is kept by its minute: the wait is counted from that minute's end.
    wait: timedelta = min(WINDOW * 2**steps, LONGEST_WAIT)
    return tries[-1][0] + timedelta(minutes=1) + wait
