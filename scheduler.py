"""The scheduler: every second, or sooner when something is due, it rings; each minute it seals the ledgers.

Any number may run. When the bell is broken it drains a little by itself, so that losing Redis costs time only.
Importing this file does nothing.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from api.idempotency import forget_old
from consent.ledger import seal
from conversations.carrier_drift import plan_comparison
from conversations.imports import forget_old_drafts
from conversations.reconciliation import hold_for_reconciliation, plan_reconciliation
from smsbot import work
from smsbot.bell import BACKGROUND, REPLIES
from smsbot.failpoints import failpoint
from smsbot.gateways.twilio_carrier import TwilioGateway
from smsbot.heartbeats import EVERY_S, beat, forget_dead
from smsbot.logs import Digest, configure_logging, log_event
from smsbot.runtime import Runtime, runtime_for
from smsbot.settings import load_settings
from smsbot.tenancy import Tenant
from worker import Drain, chat_model, handlers

TICK_S = 1.0
SOONEST_S = 0.02
BEAT_EVERY = timedelta(seconds=EVERY_S)
SEAL_EVERY = timedelta(minutes=1)
PLAN_EVERY = timedelta(minutes=1)
FORGET_EVERY = timedelta(minutes=1)
COMPARE_PLAN_EVERY = timedelta(hours=1)  # of new tenants: known ones have their daily row
OWN_CONCURRENCY = 20  # what it works off by itself when no bell rings
OUTAGE_AFTER_S = 5.0  # the database was away longer than this: texts may have been missed

logger = logging.getLogger("smsbot.scheduler")


class Scheduler:
    """One loop; its state may be lost at any moment."""

    def __init__(self, runtime: Runtime, drains: dict[str, Drain]) -> None:
        self.runtime = runtime
        self.drains = drains
        self.stop = threading.Event()
        self.draining: dict[str, threading.Thread] = {}
        self.beaten_at: datetime | None = None
        self.sealed_at: datetime | None = None
        self.planned_at: datetime | None = None
        self.forgot_at: datetime | None = None
        self.compared_at: datetime | None = None
        self.database_lost_at: datetime | None = None
        self.process = f"scheduler:{socket.gethostname()}:{os.getpid()}"[:80]

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.tick()
                pause_s = self.pause_s()
            except SQLAlchemyError as error:
                self.database_lost_at = self.database_lost_at or self.runtime.clock.now()
                log_event(logger, "scheduler.database_away", level=logging.ERROR, failure=type(error).__name__)
                pause_s = TICK_S
            self.stop.wait(pause_s)

    def tick(self) -> None:
        """One look at everything that time brings."""
        now = self.runtime.clock.now()
        if self.beaten_at is None or now - self.beaten_at >= BEAT_EVERY:
            beat(self.runtime, self.process)
            self.beaten_at = now
        if self.database_lost_at is not None:
            if (now - self.database_lost_at).total_seconds() > OUTAGE_AFTER_S:
                # What was sent to us meanwhile may include a STOP: nothing leaves before the carrier's list was read.
                hold_for_reconciliation(self.runtime, self.database_lost_at)
            self.database_lost_at = None
        for queue, drain in self.drains.items():
            due = work.next_due(self.runtime.engine, queue)
            if due is not None and due <= now:
                failpoint("scheduler.before_ring")
                # Rung for when it became due; still there: whoever listened is frozen, or has no thread free.
                overdue = (now - due).total_seconds() > TICK_S
                if not self.runtime.bell.ring(queue, all_due=True, overdue=overdue):
                    self._drain(queue, drain)
        if self.sealed_at is None or now - self.sealed_at >= SEAL_EVERY:
            self.sealed_at = now
            for tenant_id in self._tenants():
                seal_tenant(self.runtime, tenant_id)
        if self.planned_at is None or now - self.planned_at >= PLAN_EVERY:
            self.planned_at = now
            for tenant_id in self._tenants():
                plan_reconciliation(self.runtime, tenant_id)
        if self.compared_at is None or now - self.compared_at >= COMPARE_PLAN_EVERY:
            self.compared_at = now
            for tenant_id in self._tenants():
                plan_comparison(self.runtime, tenant_id)
        if self.forgot_at is None or now - self.forgot_at >= FORGET_EVERY:
            self.forgot_at = now
            for tenant_id in self._tenants():
                forget_old(self.runtime, tenant_id)
                forget_old_drafts(self.runtime, tenant_id)
            forget_dead(self.runtime)

    def _drain(self, queue: str, drain: Drain) -> None:
        """Work off what is due by ourselves, in one thread per queue however often the bell stays silent."""
        running = self.draining.get(queue)
        if running is None or not running.is_alive():
            running = threading.Thread(target=drain.drain, daemon=True, name=f"own-{queue}")
            self.draining[queue] = running
            running.start()

    def pause_s(self) -> float:
        """Until the next row is due, at most a second: a reply that waits four seconds is not made to wait five."""
        now = self.runtime.clock.now()
        dues = [work.next_due(self.runtime.engine, queue) for queue in self.drains]
        waits = [(due - now).total_seconds() for due in dues if due is not None and due > now]
        return max(SOONEST_S, min([TICK_S, *waits]))

    def _tenants(self) -> list[UUID]:
        with self.runtime.transaction(None) as session:
            return list(session.scalars(select(Tenant.id)))


def seal_tenant(runtime: Runtime, tenant_id: UUID) -> bool:
    """Seal what grew in this tenant's ledger; False when nothing did, or another scheduler was quicker."""
    try:
        with runtime.transaction(tenant_id) as session:
            head = seal(session, runtime.clock.now())
            failpoint("scheduler.before_seal_commit")
    except IntegrityError:
        return False
    if head is None:
        return False
    # Whoever keeps the logs keeps the head: a ledger that was rewritten here no longer matches it.
    log_event(logger, "ledger.sealed", tenant_id=str(tenant_id), seq=head.seq, head=Digest(head.hash))
    return True


def main() -> int:
    settings = load_settings(os.environ, Path(__file__).resolve().parent)
    configure_logging("scheduler")
    runtime = runtime_for(settings, pool_size=8)
    tables = handlers(runtime, TwilioGateway(), chat_model(settings))
    drains = {queue: Drain(runtime, queue, tables[queue], OWN_CONCURRENCY) for queue in (REPLIES, BACKGROUND)}
    scheduler = Scheduler(runtime, drains)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: scheduler.stop.set())
    scheduler.run()
    for drain in drains.values():
        drain.finish()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
