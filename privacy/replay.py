"""A stored decision taken again from its inputs: the same rules give the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from consent.models import DecisionRow
from consent.policy import POLICY_VERSION, Allow, Block, Decision, Defer, decide
from consent.replay import facts_from_json, unknown_inputs
from smsbot.database import TenantSession

VERSIONS: Mapping[str, str] = {"policy": POLICY_VERSION}  # of what a decision is made by; texts are not read again here


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a decision said, as its row keeps it."""

    outcome: str
    reason: str | None
    until: datetime | None
    rule: str
    consent_event_id: UUID | None
    permit_id: UUID | None

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        until = f" until {self.until.isoformat()}" if self.until else ""
        return f"{self.outcome}{reason}{until} by {self.rule}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision then and now. `now` is None when its inputs cannot be read, and `why_not` says why."""

    decision_id: UUID
    at: datetime
    then: Verdict
    now: Verdict | None
    versions: tuple[tuple[str, str, str], ...]  # (name, then, now) of those that differ
    unknown: tuple[str, ...]  # inputs that today's rules do not judge
    why_not: str = ""

    @property
    def same(self) -> bool:
        return self.now == self.then


def replayed(row: DecisionRow) -> Replayed:
    """The decision of this row, taken again by today's rules from the inputs that were kept."""
    then = Verdict(row.outcome, row.reason, row.until, row.rule, row.consent_event_id, row.permit_id)
    versions = tuple(
        (name, row.versions.get(name, "none"), version)
        for name, version in VERSIONS.items()
        if row.versions.get(name) != version
    )
    unknown = unknown_inputs(row.inputs)
    try:
        facts = facts_from_json(row.inputs, purpose=row.purpose, now=row.at)
    except ValueError as error:
        return Replayed(row.id, row.at, then, None, versions, unknown, str(error))
    return Replayed(row.id, row.at, then, verdict_of(decide(facts)), versions, unknown)


def replays_of(session: TenantSession, message_id: UUID) -> list[Replayed]:
    """Each decision about this message taken again, oldest first."""
    rows = session.scalars(
        select(DecisionRow)
        .where(DecisionRow.tenant_id == session.tenant_id, DecisionRow.message_id == message_id)
        .order_by(DecisionRow.at, DecisionRow.id)
    )
    return [replayed(row) for row in rows]


def verdict_of(decision: Decision) -> Verdict:
    """The decision as its row keeps it."""
    match decision:
        case Allow(rule, event_id, permit_id):
            return Verdict("allow", None, None, rule, event_id, permit_id)
        case Defer(rule, until, reason):
            return Verdict("defer", reason.value, until, rule, None, None)
        case Block(rule, reason):
            return Verdict("block", reason.value, None, rule, None, None)


def sentence(one: Replayed) -> str:
    """What came of taking a decision again, for people."""
    changed: list[Any] = [f"{name} {then} then, {now} now" for name, then, now in one.versions]
    rules = f"other rules ({', '.join(changed)})" if changed else "the same rules"
    if one.now is None:
        return f"It cannot be taken again: {one.why_not}."
    if one.same:
        return f"Taken again from the same inputs by {rules}: the same."
    not_judged = f"; not judged any more: {', '.join(one.unknown)}" if one.unknown else ""
    return f"Taken again from the same inputs by {rules}: DIFFERENT, {one.now} instead of {one.then}{not_judged}."
