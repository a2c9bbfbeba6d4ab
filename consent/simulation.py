"""What the policy would say: of a text that nobody has written yet, and of last month's under another table.

Nothing is written down and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from consent.gate import foreseen, tenant_hours
from consent.ledger import STORED, entries
from consent.models import ConsentEvent, Contact, DecisionRow
from consent.places import Confidence as PlaceConfidence
from consent.places import Place, PlaceSource
from consent.policy import Allow, Block, Decision, Defer, SendFacts, Window, decide
from consent.policy_settings import PolicySettings, current_settings
from consent.purposes import Purpose
from consent.quiet_hours import RULES, Rules, SendClass, deferred_until, hours_from, opening
from consent.replay import facts_from_json
from consent.state import ConsentState, fold
from smsbot.database import TenantSession
from smsbot.events import Event
from smsbot.tenancy import Number, Tenant

READ_AT_ONCE = 500
HOURS_CHANGED = ("contact.hours", "contact.hours_set")  # by a text of theirs, on their own page
HoursChange = tuple[datetime, Mapping[str, object] | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision as people read it."""

    outcome: str  # allow, defer, block
    rule: str
    reason: str | None = None
    until: datetime | None = None


def outcome_of(decision: Decision) -> Outcome:
    match decision:
        case Allow(rule):
            return Outcome("allow", rule)
        case Defer(rule, until, reason):
            return Outcome("defer", rule, reason.value, until)
        case Block(rule, reason):
            return Outcome("block", rule, reason.value)


def state_at(session: TenantSession, contact: Contact, at: datetime) -> ConsentState:
    """What stood in the ledger at that moment: the fold of what had been recorded by then."""
    events = session.execute(
        select(*STORED)
        .where(
            ConsentEvent.tenant_id == session.tenant_id,
            ConsentEvent.contact_id == contact.id,
            ConsentEvent.recorded_at <= at,
        )
        .order_by(ConsentEvent.seq)
    ).all()
    return fold(entries(events))


def simulated(
    session: TenantSession,
    *,
    tenant: Tenant,
    number: Number,
    contact: Contact,
    purpose: Purpose,
    at: datetime,
    automated: bool = True,
    first_inquiry: bool = False,
    rules: Rules,
) -> tuple[Decision, Window | None]:
    """What would become of a text of this purpose at that moment, and the hours that it would have met."""
    state = state_at(session, contact, at)
    wrote_at = state.purposes[Purpose.REPLY].since if Purpose.REPLY in state.purposes else None
    return foreseen(
        tenant=tenant,
        number=number,
        contact=contact,
        state=state,
        settings=current_settings(session, at),
        purpose=purpose,
        now=at,
        automated=automated,
        in_reply_to_at=wrote_at if purpose is Purpose.REPLY else None,
        first_inquiry=first_inquiry,
        rules=rules,
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that another table would have taken otherwise."""

    message_id: UUID
    at: datetime
    purpose: Purpose
    was: Outcome
    would_be: Outcome


def differences(
    session: TenantSession, *, since: datetime, until: datetime, rules: Rules
) -> Iterator[Difference | None]:
    """Each decision of this time that met hours, oldest first: how it would differ under `rules`, or None.

    Decided again from its own inputs with only the hours worked out anew, from what was known at the decision, so that
    nothing else can make a difference. What the table in force says of the same inputs is no difference.
    """
    changes = _hours_changes(session)
    after: tuple[datetime, UUID] | None = None
    while True:
        query = (
            select(DecisionRow, Contact.hours)
            .join(Contact, (Contact.tenant_id == DecisionRow.tenant_id) & (Contact.id == DecisionRow.contact_id))
            .where(DecisionRow.tenant_id == session.tenant_id, DecisionRow.at >= since, DecisionRow.at < until)
            .order_by(DecisionRow.at, DecisionRow.id)
            .limit(READ_AT_ONCE)
        )
        if after is not None:
            at, last = after
            query = query.where((DecisionRow.at > at) | ((DecisionRow.at == at) & (DecisionRow.id > last)))
        rows = session.execute(query).all()
        for row, hours_now in rows:
            facts = facts_from_json(row.inputs, purpose=row.purpose, now=row.at)
            if facts.window is None or not facts.window.send_class:
                continue
            settings = current_settings(session, row.at)
            lead_hours = _hours_known_at(row.at, changes.get(row.contact_id, ()), hours_now)
            was, would_be = outcome_of(decide(facts)), _outcome_under(rules, row, facts, settings, lead_hours)
            same = _alike(was, would_be)
            if not same and row.versions.get("hours") == RULES.version:
                # What lies between these two is the table's doing alone, also where not all that was known is kept.
                same = _alike(_outcome_under(RULES, row, facts, settings, lead_hours), would_be)
            yield None if same else Difference(row.message_id, row.at, row.purpose, was, would_be)
        if len(rows) < READ_AT_ONCE:
            return
        after = (rows[-1][0].at, rows[-1][0].id)


def _alike(one: Outcome, other: Outcome) -> bool:
    return (one.outcome, one.reason) == (other.outcome, other.reason)


def _hours_changes(session: TenantSession) -> dict[UUID, list[HoursChange]]:
    """When each person's own hours changed, oldest first: only the newest stand with the contact."""
    rows = session.execute(
        select(Event.contact_id, Event.at, Event.details)
        .where(Event.tenant_id == session.tenant_id, Event.kind.in_(HOURS_CHANGED))
        .where(Event.contact_id.is_not(None))
        .order_by(Event.at, Event.xid, Event.id)
    )
    found: dict[UUID, list[HoursChange]] = {}
    for contact_id, at, details in rows:
        found.setdefault(contact_id, []).append((at, details.get("hours")))
    return found


def _hours_known_at(
    at: datetime, changes: Sequence[HoursChange], hours_now: Mapping[str, object] | None
) -> Mapping[str, object] | None:
    """The hours that this person had named by then."""
    if not changes:
        return hours_now
    before = [hours for changed_at, hours in changes if changed_at <= at]
    return before[-1] if before else None


def _outcome_under(
    rules: Rules,
    row: DecisionRow,
    facts: SendFacts,
    settings: PolicySettings,
    lead_hours: Mapping[str, object] | None,
) -> Outcome:
    """What would have become of a text that met hours, had they been those of another table."""
    known = facts.window
    assert known is not None
    kind = SendClass(known.send_class)
    place = Place(
        tuple(known.zones), tuple(known.states), known.country, PlaceSource(known.source), PlaceConfidence.NONE
    )
    found = opening(
        kind,
        place,
        facts.now,
        rules=rules,
        tenant_hours=tenant_hours(kind, settings),
        lead_hours=hours_from(lead_hours) if lead_hours else None,
        in_reply_to_at=facts.in_reply_to_at,
        instant_night_reply=known.rule == "hours.open.instant_night_reply",
        emergencies=settings.emergencies,
    )
    opens_at = found.opens_at if found.open or found.opens_at is None else deferred_until(found, row.message_id)
    window = replace(known, open=found.open, opens_at=opens_at, rule=found.rule)
    return outcome_of(decide(replace(facts, window=window)))
