"""Signs of life of every process, under the platform's own tenant: who lives, and since when nobody listened."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from smsbot.database import PLATFORM
from smsbot.logs import log_event
from smsbot.runtime import Runtime
from smsbot.tenancy import Heartbeat

logger = logging.getLogger(__name__)

EVERY_S = 3.0
WEB = "web:"  # the processes that take the carrier's webhooks
# The carrier repeats a webhook for fifteen seconds; nobody to take it for longer means texts that only its list has.
DEAF_AFTER = timedelta(seconds=15)


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
