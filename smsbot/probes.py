"""For operators: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import time
from datetime import timedelta

from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from smsbot.bell import RqBell
from smsbot.database import PLATFORM
from smsbot.heartbeats import ages
from smsbot.revision import current_revision, newest_revision
from smsbot.runtime import Runtime
from smsbot.tenancy import Rejection
from smsbot.work import BACKGROUND, REPLIES, Work

probes = Blueprint("probes", __name__)

SILENT_AFTER = timedelta(seconds=15)  # a process that has not said that it lives for this long is missing
OVERDUE_AFTER = timedelta(seconds=10)
STARTED = time.time()


@probes.get("/healthz")
def healthz() -> Response:
    """200: this process is up. Nothing else is asked."""
    return jsonify(status="up")


@probes.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 while this process can accept (database and migrations); the body says what else is degraded, and why."""
    runtime = _runtime()
    try:
        reasons = _degraded(runtime)
    except SQLAlchemyError:
        return jsonify(status="unavailable", reasons=["database: no connection"]), 503
    if any(reason.startswith("migrations") for reason in reasons):
        return jsonify(status="unavailable", reasons=reasons), 503
    return jsonify(status="degraded" if reasons else "ready", reasons=reasons), 200


@probes.get("/metrics")
def metrics() -> Response:
    """Prometheus text. Ages and counts only, no tenant and no number."""
    registry = CollectorRegistry()
    registry.register(_State(_runtime()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _runtime() -> Runtime:
    runtime = current_app.extensions["smsbot"]
    assert isinstance(runtime, Runtime)
    return runtime


def _degraded(runtime: Runtime) -> list[str]:
    """Everything that is not as it should be while texts can still be accepted."""
    now = runtime.clock.now()
    reasons = []
    with runtime.engine.connect() as connection:
        revision = current_revision(connection)
    if revision != newest_revision():
        reasons.append(f"migrations: the database is at {revision or 'nothing'}, run: manage.py migrate")
        return reasons
    if not isinstance(runtime.bell, RqBell):
        reasons.append("redis: none configured, the scheduler finds what is due each second")
    elif not runtime.bell.answers():
        reasons.append("redis: no connection, the scheduler finds what is due each second")
    for kind, age_s in ages(runtime).items():
        if age_s > SILENT_AFTER.total_seconds():
            reasons.append(f"{kind}: no sign of life")
    with runtime.transaction(None) as session:
        oldest = session.scalar(
            select(func.min(Work.due_at)).where(
                Work.quarantined_at.is_(None), Work.lease_until.is_(None) | (Work.lease_until < now)
            )
        )
        quarantined = session.scalar(select(func.count()).select_from(Work).where(Work.quarantined_at.is_not(None)))
    if oldest is not None and now - oldest > OVERDUE_AFTER:
        reasons.append(f"work: the oldest due row waits for {int((now - oldest).total_seconds())} s")
    if quarantined:
        reasons.append(f"work: {quarantined} quarantined")
    return reasons


class _State(Collector):
    """Read from the database when it is asked for, so that every process tells the same."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def collect(self) -> list[GaugeMetricFamily]:
        up = GaugeMetricFamily("smsbot_process_start_seconds", "When this process began", value=STARTED)
        database = GaugeMetricFamily("smsbot_database_up", "1 when the database answers")
        families = [up, database]
        now = self.runtime.clock.now()
        try:
            with self.runtime.transaction(None) as session:
                rows = session.execute(
                    select(
                        Work.queue,
                        func.count().filter(Work.due_at <= now),
                        func.count().filter(Work.lease_until > now),
                        func.count().filter(Work.quarantined_at.is_not(None)),
                        func.min(Work.due_at).filter(Work.due_at <= now, Work.quarantined_at.is_(None)),
                    ).group_by(Work.queue)
                ).all()
            with self.runtime.transaction(PLATFORM) as session:
                refused = session.execute(
                    select(Rejection.reason, func.sum(Rejection.count))
                    .where(Rejection.tenant_id == PLATFORM)
                    .group_by(Rejection.reason)
                ).all()
            beats = ages(self.runtime)
        except SQLAlchemyError:
            database.add_metric([], 0)
            return families
        database.add_metric([], 1)
        due = GaugeMetricFamily("smsbot_work_due", "Rows that are due", labels=["queue"])
        leased = GaugeMetricFamily("smsbot_work_leased", "Rows in hand", labels=["queue"])
        poison = GaugeMetricFamily("smsbot_work_quarantined", "Rows put aside", labels=["queue"])
        age = GaugeMetricFamily("smsbot_work_oldest_due_seconds", "Age of the oldest due row", labels=["queue"])
        found = {row[0]: row for row in rows}
        for queue in (REPLIES, BACKGROUND):
            _, n_due, n_leased, n_poison, oldest = found.get(queue, (queue, 0, 0, 0, None))
            due.add_metric([queue], n_due)
            leased.add_metric([queue], n_leased)
            poison.add_metric([queue], n_poison)
            age.add_metric([queue], (now - oldest).total_seconds() if oldest else 0)
        beat = GaugeMetricFamily(
            "smsbot_heartbeat_age_seconds", "Since the youngest process of a kind said that it lives", labels=["kind"]
        )
        for kind, age_s in beats.items():
            beat.add_metric([kind], age_s)
        rejected = GaugeMetricFamily(
            "smsbot_webhooks_refused", "Refused webhooks of unknown accounts", labels=["reason"]
        )
        for reason, count in refused:
            rejected.add_metric([reason], float(count))
        return [*families, due, leased, poison, age, beat, rejected]
