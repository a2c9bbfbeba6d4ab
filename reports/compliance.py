"""A day of one tenant's texts in numbers (C-141): opt-outs, how quickly they held, carrier refusals, holds, denials.

Counts only: no row of a person stands in it. What must never happen, a text after an opt-out, raises an alert.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Float, cast, func, select

from consent.models import ConsentEvent, Contact, DecisionRow
from consent.purposes import Purpose
from consent.state import EventKind
from conversations.models import Direction, Lead, Message
from conversations.people import raise_alert
from smsbot.actor import SYSTEM, Role
from smsbot.database import TenantSession
from smsbot.tenancy import Tenant

ALERT_ABOVE = 0.03  # of the people who were texted that day
FEW = 20  # people; with fewer a share says nothing
HOLD_TOO_LONG = timedelta(hours=24)
CAUSE = "report:compliance"


@dataclass(frozen=True, slots=True)
class DailyReport:
    """`opt_out_rate` is opt-outs by people who were texted that day; None with nobody texted. Seconds to suppress run
    from when the person wrote until the ledger had it."""

    day: str
    sent: dict[str, int]  # by purpose
    people_texted: int
    opt_outs: int
    opt_out_rate: float | None
    opt_outs_by_source: dict[str, int]  # where the leads came from
    suppress_p50_s: float | None
    suppress_p95_s: float | None
    carrier_refusals: int  # 21610
    holds_older_than_24h: int
    denials: dict[str, int]  # of the gate, by reason
    sent_after_opt_out: int

    @property
    def alarming(self) -> bool:
        many = self.people_texted >= FEW and (self.opt_out_rate or 0) > ALERT_ABOVE
        return many or self.sent_after_opt_out > 0


def day_of(tenant: Tenant, day: date) -> tuple[datetime, datetime]:
    """Where a day of this tenant's own calendar begins and ends."""
    zone = ZoneInfo(tenant.zone)
    return (
        datetime.combine(day, time(), zone),
        datetime.combine(day + timedelta(days=1), time(), zone),
    )


def daily_report(session: TenantSession, tenant: Tenant, day: date, *, now: datetime) -> DailyReport:
    """The numbers of `day`; of today as far as it has come."""
    begins, ends = day_of(tenant, day)
    mine = Message.tenant_id == session.tenant_id
    sent_then = (mine, Message.direction == Direction.OUTBOUND, Message.sent_at >= begins, Message.sent_at < ends)
    sent = session.execute(select(Message.purpose, func.count()).where(*sent_then).group_by(Message.purpose)).all()
    people = session.scalar(select(func.count(Message.contact_id.distinct())).where(*sent_then)) or 0
    then = (
        ConsentEvent.tenant_id == session.tenant_id,
        ConsentEvent.recorded_at >= begins,
        ConsentEvent.recorded_at < ends,
    )
    out = (*then, ConsentEvent.kind == EventKind.OPT_OUT)
    opt_outs = session.scalar(select(func.count(ConsentEvent.contact_id.distinct())).where(*out)) or 0
    took = cast(func.extract("epoch", ConsentEvent.recorded_at - ConsentEvent.at), Float)
    p50, p95 = session.execute(
        select(
            func.percentile_cont(0.5).within_group(took),
            func.percentile_cont(0.95).within_group(took),
        ).where(*out, ConsentEvent.actor_kind == "lead")
    ).one()
    by_source = session.execute(
        select(Lead.source, func.count(ConsentEvent.contact_id.distinct()))
        .join(Lead, (Lead.tenant_id == ConsentEvent.tenant_id) & (Lead.contact_id == ConsentEvent.contact_id))
        .where(*out)
        .group_by(Lead.source)
        .order_by(Lead.source)
    ).all()
    refusals = session.scalar(
        select(func.count()).select_from(ConsentEvent).where(*then, ConsentEvent.kind == EventKind.CARRIER_BLOCK)
    )
    denials = session.execute(
        select(DecisionRow.reason, func.count())
        .where(
            DecisionRow.tenant_id == session.tenant_id,
            DecisionRow.at >= begins,
            DecisionRow.at < ends,
            DecisionRow.outcome != "allow",
        )
        .group_by(DecisionRow.reason)
        .order_by(DecisionRow.reason)
    ).all()
    return DailyReport(
        day=day.isoformat(),
        sent={purpose.value: count for purpose, count in sent if purpose is not None},
        people_texted=people,
        opt_outs=opt_outs,
        opt_out_rate=round(opt_outs / people, 4) if people else None,
        opt_outs_by_source={row[0]: row[1] for row in by_source},
        suppress_p50_s=None if p50 is None else round(p50, 3),
        suppress_p95_s=None if p95 is None else round(p95, 3),
        carrier_refusals=refusals or 0,
        holds_older_than_24h=_old_holds(session, now),
        denials={reason or "": count for reason, count in denials},
        sent_after_opt_out=_after_opt_out(session, begins, ends),
    )


def report_and_alert(session: TenantSession, tenant: Tenant, day: date, *, now: datetime) -> DailyReport:
    """The report, and an alert to the owners when it is one that they must see."""
    found = daily_report(session, tenant, day, now=now)
    if found.alarming:
        raise_alert(
            session,
            "sent_after_opt_out" if found.sent_after_opt_out else "many_opt_outs",
            found.day,
            now=now,
            actor=SYSTEM,
            cause=CAUSE,
            role=Role.OWNER,
        )
    return found


def as_json(report: DailyReport) -> dict[str, Any]:
    return asdict(report)


def _old_holds(session: TenantSession, now: datetime) -> int:
    held_since = Contact.consent["held"][1].astext
    return (
        session.scalar(
            select(func.count())
            .select_from(Contact)
            .where(
                Contact.tenant_id == session.tenant_id,
                Contact.consent["held"].astext.is_not(None),
                func.jsonb_typeof(Contact.consent["held"]) == "array",
                func.timestamptz(held_since) < now - HOLD_TOO_LONG,
            )
        )
        or 0
    )


def _after_opt_out(session: TenantSession, begins: datetime, ends: datetime) -> int:
    """Texts that began on their way after an opt-out that still stood, but for those under a permit."""
    last_word = (
        select(ConsentEvent.kind)
        .where(
            ConsentEvent.tenant_id == Message.tenant_id,
            ConsentEvent.contact_id == Message.contact_id,
            ConsentEvent.recorded_at <= Message.sending_at,
            ConsentEvent.kind.in_((EventKind.OPT_OUT, EventKind.START, EventKind.OPT_IN)),
        )
        .order_by(ConsentEvent.seq.desc())
        .limit(1)
        .correlate(Message)
        .scalar_subquery()
    )
    return (
        session.scalar(
            select(func.count())
            .select_from(Message)
            .where(
                Message.tenant_id == session.tenant_id,
                Message.direction == Direction.OUTBOUND,
                Message.sent_at >= begins,
                Message.sent_at < ends,
                Message.purpose != Purpose.COMPLIANCE,
                last_word == EventKind.OPT_OUT,
            )
        )
        or 0
    )
