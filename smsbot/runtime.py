"""What a process holds while it runs, handed down by the composition on top: settings, clock, database, bell, keys.

`transaction()` is the only place that commits; what has to be rung is rung after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from uuid import UUID

from sqlalchemy import Engine

from smsbot.bell import Bell, NoBell, RqBell
from smsbot.clock import Clock, SystemClock
from smsbot.crypto import DataCipher, Keyring
from smsbot.database import TenantSession, database_engine
from smsbot.failpoints import failpoint
from smsbot.rates import Rates, RedisRates, Unlimited
from smsbot.settings import Settings, sqlalchemy_url
from smsbot.writes import READING

TURNS = 4
TURN_WAIT_S = 0.2
AFTER_COMMIT = "after_commit"  # key in session.info: what to do once the rows can be seen


@dataclass
class Runtime:
    settings: Settings
    clock: Clock
    engine: Engine
    bell: Bell
    keyring: Keyring
    rates: Rates = field(default_factory=Unlimited)
    turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(TURNS))

    @contextmanager
    def transaction(self, tenant_id: UUID | None) -> Iterator[TenantSession]:
        """A session of `tenant_id` that commits when the block ends well and rolls back when it raises."""
        session = TenantSession(self.engine, expire_on_commit=False, info={"tenant": tenant_id})
        try:
            yield session
            session.commit()
        finally:
            session.close()
        # Reached only after a commit: a bell that rings for rows which nobody can see yet would be wasted.
        for call in session.info.pop(AFTER_COMMIT, ()):
            call()
        for queue, rows in session.info.pop("bells", {}).items():
            failpoint("runtime.before_ring")
            self.bell.ring(queue, all_due=rows > 1)

    @contextmanager
    def reading(self, tenant_id: UUID) -> Iterator[TenantSession]:
        """A session of `tenant_id` for `fetch`: each is one round trip, and no transaction stays open."""
        session = TenantSession(self.engine, expire_on_commit=False, info={"tenant": tenant_id, READING: True})
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Few threads at once: more of them take turns at the interpreter, and each costs the others a third more.

        Who has waited TURN_WAIT_S goes on: what holds those before may be what it is not waiting for.
        """
        has_turn = self.turns.acquire(timeout=TURN_WAIT_S)
        try:
            yield
        finally:
            if has_turn:
                self.turns.release()

    def cipher(self, wrapped_data_key: str) -> DataCipher:
        """The tenant's cipher from its wrapped data key."""
        return self.keyring.cipher(wrapped_data_key)


def after_commit(session: TenantSession, call: Callable[[], None]) -> None:
    """Have `call` done once this transaction has committed; never when it rolls back."""
    session.info.setdefault(AFTER_COMMIT, []).append(call)


def runtime_for(settings: Settings, *, pool_size: int, pool_timeout_s: float = 10.0, watchful: bool = False) -> Runtime:
    """What a process holds. The addresses of embedded servers come in through the environment of `manage.py up`.

    `watchful`: see `database_engine`.
    """
    if settings.database_url is None:
        raise SystemExit("set DATABASE_URL, or start everything with: manage.py up")
    bell: Bell = RqBell(settings.redis_url) if settings.redis_url else NoBell()
    rates: Rates = RedisRates(settings.redis_url) if settings.redis_url else Unlimited()
    engine = database_engine(
        sqlalchemy_url(settings.database_url),
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout_s=pool_timeout_s,
        watchful=watchful,
    )
    return Runtime(settings, SystemClock(), engine, bell, Keyring(settings.encryption_keys), rates=rates)
