"""Signs of life of every process, under the platform's own tenant: who lives, and since when nobody listened."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.exc import SQLAlchemyError

from smsbot.bell import BACKGROUND, REPLIES
from smsbot.database import PLATFORM
from smsbot.logs import log_event
from smsbot.runtime import Runtime
from smsbot.tenancy import Heartbeat

logger = logging.getLogger(__name__)

EVERY_S = 3.0
WEB = "web:"  # the processes that take the carrier's webhooks
# The carrier repeats a webhook for fifteen seconds; nobody to take it for longer means texts that only its list has.
DEAF_AFTER = timedelta(seconds=15)
# A process is `<kind>:<host>:<process id>`. None of these begins with another one and a colon.
KINDS = ("web", f"worker:{REPLIES}", f"worker:{BACKGROUND}", "scheduler")
KEPT = timedelta(hours=1)  # what has been silent for longer has ended, unless it is the last of its kind
BATCH = 200


_KIND = case(
    *((Heartbeat.process.startswith(f"{kind}:", autoescape=True), kind) for kind in KINDS),
    else_="",
)


def beat(runtime: Runtime, process: str) -> None:
    """Say that this process lives."""
    now = runtime.clock.now()
    with runtime.transaction(PLATFORM) as session:
        session.execute(
            insert(Heartbeat)
            .values(tenant_id=PLATFORM, process=process, at=now)
            .on_conflict_do_update(index_elements=["tenant_id", "process"], set_={"at": now})
        )


def last_beat(runtime: Runtime, prefix: str) -> datetime | None:
    """When the newest of these processes last said so."""
    with runtime.transaction(PLATFORM) as session:
        return session.scalar(
            select(func.max(Heartbeat.at)).where(
                Heartbeat.tenant_id == PLATFORM, Heartbeat.process.startswith(prefix, autoescape=True)
            )
        )


def ages(runtime: Runtime) -> dict[str, float]:
    """Seconds since the youngest process of each kind last said that it lives; infinite for a kind that never did."""
    now = runtime.clock.now()
    with runtime.transaction(PLATFORM) as session:
        found = session.execute(
            select(_KIND, func.max(Heartbeat.at)).where(Heartbeat.tenant_id == PLATFORM).group_by(_KIND)
        ).all()
    newest = {kind: at for kind, at in found if kind}
    return {kind: max(0.0, (now - newest[kind]).total_seconds()) if kind in newest else math.inf for kind in KINDS}


def forget_dead(runtime: Runtime) -> int:
    """Delete at most BATCH processes that have been silent for longer than KEPT; returns how many.

    The last of each kind stays: texts that nobody took are looked for from its last sign of life on.
    """
    with runtime.transaction(PLATFORM) as session:
        last = select(Heartbeat.process).where(Heartbeat.tenant_id == PLATFORM, _KIND != "")
        last = last.ext(distinct_on(_KIND)).order_by(_KIND, Heartbeat.at.desc(), Heartbeat.process)
        old = (
            select(Heartbeat.process)
            .where(
                Heartbeat.tenant_id == PLATFORM,
                Heartbeat.at < runtime.clock.now() - KEPT,
                Heartbeat.process.not_in(last),
            )
            .limit(BATCH)
            .with_for_update(skip_locked=True)  # one that wakes just now keeps its row
            .cte("old")
        )
        forget = delete(Heartbeat).where(Heartbeat.tenant_id == PLATFORM, Heartbeat.process.in_(select(old)))
        gone = session.execute(
            forget.returning(Heartbeat.process), execution_options={"synchronize_session": False}
        ).all()
    return len(gone)


def is_deaf(runtime: Runtime) -> bool:
    """Whether nobody has been taking the carrier's webhooks for longer than it repeats them."""
    heard = last_beat(runtime, WEB)
    return heard is None or runtime.clock.now() - heard > DEAF_AFTER


def keep_beating(
    runtime: Runtime, process: str, stop: threading.Event, *, before: Callable[[], None] | None = None
) -> None:
    """Beat every EVERY_S until `stop`. `before` is done ahead of each beat; when it fails there is no beat."""
    while not stop.is_set():
        try:
            if before is not None:
                before()
            beat(runtime, process)
        except SQLAlchemyError as error:
            log_event(logger, "heartbeat.failed", level=logging.WARNING, failure=type(error).__name__)
        stop.wait(EVERY_S)
