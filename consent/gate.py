"""The gate that every text passes: loads what the decision rests on, decides, and writes down why.

Called under the contact's lock, in the transaction that reserves the send: what is read here cannot change before the
lease stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update

from consent.ledger import state_of
from consent.models import Contact, DecisionRow, Permit
from consent.places import Place, place_of
from consent.policy import (
    POLICY_VERSION,
    Allow,
    Block,
    Cap,
    Decision,
    Defer,
    PermitFacts,
    SendFacts,
    Window,
    decide,
    facts_to_json,
)
from consent.policy_settings import PolicySettings
from consent.purposes import PermitKind, Purpose, Reason
from consent.quiet_hours import (
    DEFAULT_TENANT_HOURS,
    RULES,
    Rules,
    SendClass,
    WeekHours,
    deferred_until,
    hours_from,
    opening,
    send_class,
)
from consent.state import ConsentState
from consent.words import WORDS_VERSION
from smsbot.database import TenantSession
from smsbot.phone import AddressKind
from smsbot.tenancy import Number, Tenant
from smsbot.writes import put_row

LINE_TYPE_LASTS = timedelta(days=90)  # of the carrier's word; numbers change hands and are ported
PERMIT_LASTS = timedelta(minutes=5)  # 47 CFR 64.1200(a)(12): a confirmation within five minutes is presumed fine


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the conversation knows about this text and the gate does not."""

    automated: bool
    in_reply_to_at: datetime | None = None
    permit_id: UUID | None = None
    has_credentials: bool = True
    stale_after: datetime | None = None
    first_inquiry: bool = False  # the first text that follows up their form or call
    instant_at_night: bool = False  # the words that they saw say that it may come at any hour
    newer_text: bool = False
    taken_over: bool = False
    mode_off: bool = False
    draft_only: bool = False
    caps: Sequence[Cap] = ()


def place_of_contact(contact: Contact, tenant: Tenant) -> Place:
    """Where this person may be. Pure."""
    return place_of(
        contact.address,
        country=contact.country,
        declared_zone=contact.declared_zone,
        postal_code=contact.postal_code,
        state=contact.region,
        tenant_zone=tenant.zone,
    )


def tenant_hours(kind: SendClass, settings: PolicySettings) -> WeekHours | None:
    """The tenant's hours for this class: its own, else the usual ones for marketing and none for the rest. Pure."""
    return settings.hours or (DEFAULT_TENANT_HOURS if kind is SendClass.MARKETING else None)


def contact_window(
    contact: Contact,
    tenant: Tenant,
    message_id: UUID,
    purpose: Purpose,
    now: datetime,
    *,
    settings: PolicySettings,
    in_reply_to_at: datetime | None = None,
    first_inquiry: bool = False,
    instant_at_night: bool = False,
    rules: Rules = RULES,
) -> Window | None:
    """When this person may get a text of this purpose; None when no hours apply to it. Pure."""
    kind = send_class(purpose, first_inquiry)
    if kind is None:
        return None
    place = place_of_contact(contact, tenant)
    found = opening(
        kind,
        place,
        now,
        rules=rules,
        tenant_hours=tenant_hours(kind, settings),
        lead_hours=hours_from(contact.hours) if contact.hours else None,
        in_reply_to_at=in_reply_to_at,
        instant_night_reply=instant_at_night,
        emergencies=settings.emergencies,
    )
    opens_at = found.opens_at if found.open or found.opens_at is None else deferred_until(found, message_id)
    return Window(
        found.open,
        opens_at,
        found.rule,
        found.zone,
        found.source,
        found.local,
        kind.value,
        place.zones,
        place.states,
        place.country,
    )


def foreseen(
    *,
    tenant: Tenant,
    number: Number,
    contact: Contact,
    state: ConsentState,
    settings: PolicySettings,
    purpose: Purpose,
    now: datetime,
    automated: bool,
    in_reply_to_at: datetime | None = None,
    first_inquiry: bool = False,
    has_credentials: bool = True,
    rules: Rules = RULES,
) -> tuple[Decision, Window | None]:
    """What would become of such a text at that moment, and the hours that it would meet. Pure; writes nothing down.

    Caps are left out: they depend on what else is sent until then.
    """
    window = contact_window(
        contact,
        tenant,
        contact.id,
        purpose,
        now,
        settings=settings,
        in_reply_to_at=in_reply_to_at,
        first_inquiry=first_inquiry,
        rules=rules,
    )
    facts = SendFacts(
        purpose=purpose,
        now=now,
        state=state,
        automated=automated,
        textable=contact.address_kind == AddressKind.NUMBER,
        country=contact.country,
        countries=frozenset(tenant.countries),
        in_reply_to_at=in_reply_to_at,
        contact_blocked=contact.blocked_at is not None,
        wrong_number=contact.wrong_number_at is not None,
        unreachable_code=contact.unreachable_code,
        line_type=_line_type(contact, now),
        tenant_paused=tenant.paused_at is not None,
        sending_stopped=tenant.sending_stopped_at is not None,
        number_paused_until=number.paused_until,
        number_reconciling=number.hold_until_reconciled,
        has_credentials=has_credentials,
        window=window,
    )
    return decide(facts), window


def check(
    session: TenantSession,
    *,
    tenant: Tenant,
    number: Number,
    contact: Contact,
    message_id: UUID,
    purpose: Purpose,
    circumstances: Circumstances,
    settings: PolicySettings,
    now: datetime,
) -> Decision:
    """Decide whether this text may leave, record the decision, and use up its permit when it rests on one.

    `contact` must be locked by this transaction.
    """
    permit = _permit_facts(session, circumstances.permit_id, contact, message_id)
    facts = SendFacts(
        purpose=purpose,
        now=now,
        state=state_of(contact),
        automated=circumstances.automated,
        textable=contact.address_kind == AddressKind.NUMBER,
        country=contact.country,
        countries=frozenset(tenant.countries),
        in_reply_to_at=circumstances.in_reply_to_at,
        permit=permit,
        contact_blocked=contact.blocked_at is not None,
        wrong_number=contact.wrong_number_at is not None,
        unreachable_code=contact.unreachable_code,
        tenant_paused=tenant.paused_at is not None,
        sending_stopped=tenant.sending_stopped_at is not None,
        number_paused_until=number.paused_until,
        number_reconciling=number.hold_until_reconciled,
        has_credentials=circumstances.has_credentials,
        stale_after=circumstances.stale_after,
        line_type=_line_type(contact, now),
        newer_text=circumstances.newer_text,
        taken_over=circumstances.taken_over,
        mode_off=circumstances.mode_off,
        draft_only=circumstances.draft_only,
        window=contact_window(
            contact,
            tenant,
            message_id,
            purpose,
            now,
            settings=settings,
            in_reply_to_at=circumstances.in_reply_to_at,
            first_inquiry=circumstances.first_inquiry,
            instant_at_night=circumstances.instant_at_night,
        ),
        caps=tuple(circumstances.caps),
    )
    decision = decide(facts)
    if (
        isinstance(decision, Allow)
        and decision.permit_id is not None
        and not _use(session, decision.permit_id, message_id)
    ):
        # Somebody took it since it was read: decided again on what is true now, so that the row replays.
        facts = replace(facts, permit=replace(permit, used=True) if permit else None)
        decision = decide(facts)
    _record(session, contact, message_id, facts, decision)
    return decision


def _line_type(contact: Contact, now: datetime) -> str | None:
    """The carrier's word while it counts: of the last 90 days, and about somebody who has never texted themselves."""
    asked_at = contact.line_type_at
    if contact.last_inbound_at is not None or asked_at is None or now - asked_at > LINE_TYPE_LASTS:
        return None
    return contact.line_type


def grant_permit(session: TenantSession, *, contact_id: UUID, event_id: UUID, kind: PermitKind, now: datetime) -> UUID:
    """Permission for one compliance text because of this ledger event. Returns the permit's id."""
    permit_id = uuid4()
    put_row(
        session,
        Permit,
        {
            "id": permit_id,
            "tenant_id": session.tenant_id,
            "contact_id": contact_id,
            "event_id": event_id,
            "kind": kind,
            "expires_at": now + PERMIT_LASTS,
        },
    )
    return permit_id


def _permit_facts(
    session: TenantSession, permit_id: UUID | None, contact: Contact, message_id: UUID
) -> PermitFacts | None:
    if permit_id is None:
        return None
    permit = session.scalars(
        select(Permit).where(
            Permit.tenant_id == session.tenant_id, Permit.id == permit_id, Permit.contact_id == contact.id
        )
    ).first()
    if permit is None:
        return None
    # The message that used it may pass again: its first attempt never reached the carrier.
    used = permit.used_by is not None and permit.used_by != message_id
    opted_out = state_of(contact).opted_out
    if permit.kind is PermitKind.OPT_OUT_CONFIRMATION:
        outlived = opted_out is None  # they came back: it would no longer be true
    else:
        outlived = opted_out is not None and permit.expires_at - PERMIT_LASTS < opted_out.since
        if permit.kind is PermitKind.OPT_IN_QUESTION:  # answered, or what it asks for was ended since
            pending = state_of(contact).pending
            outlived = outlived or pending is None or pending.event_id != permit.event_id
    return PermitFacts(permit.id, permit.event_id, permit.expires_at, used, outlived)


def _use(session: TenantSession, permit_id: UUID, message_id: UUID) -> bool:
    """Whether this message took the permit: a conditional UPDATE, so that two cannot."""
    taken = session.execute(
        update(Permit)
        .where(
            Permit.tenant_id == session.tenant_id,
            Permit.id == permit_id,
            Permit.used_by.is_(None) | (Permit.used_by == message_id),
        )
        .values(used_by=message_id)
        .returning(Permit.id)
    ).first()
    return taken is not None


def _record(session: TenantSession, contact: Contact, message_id: UUID, facts: SendFacts, decision: Decision) -> None:
    outcome = "allow"
    reason: Reason | None = None
    until: datetime | None = None
    event_id: UUID | None = None
    permit_id: UUID | None = None
    match decision:
        case Allow(_, event_id, permit_id):
            pass
        case Defer(_, until, reason):
            outcome = "defer"
        case Block(_, reason):
            outcome = "block"
    put_row(
        session,
        DecisionRow,
        {
            "id": uuid4(),
            "tenant_id": session.tenant_id,
            "message_id": message_id,
            "contact_id": contact.id,
            "purpose": facts.purpose,
            "at": facts.now,
            "outcome": outcome,
            "reason": reason.value if reason else None,
            "until": until,
            "rule": decision.rule,
            "consent_event_id": event_id,
            "permit_id": permit_id,
            # How much of the ledger was known: under the contact's lock it orders a text against an opt-out exactly.
            "inputs": facts_to_json(facts) | {"ledger_seq": contact.ledger_seq},
            "versions": {"policy": POLICY_VERSION, "words": WORDS_VERSION, "hours": RULES.version},
        },
    )
