"""Where the carrier's lists and our own records say different things: once a day, and whenever somebody asks.

Names messages and contacts by their ids only; no number and no words leave the database or the carrier through here.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from consent.ledger import state_of
from consent.models import Contact
from consent.purposes import Purpose
from consent.state import ConsentState, Overall, PurposeState
from conversations.delivery import RANK, moved_on, state_reported
from conversations.models import Conversation, Message, State
from conversations.people import raise_alert
from smsbot import work
from smsbot.accounts import carrier_credentials, tenant_of
from smsbot.actor import SYSTEM, Role
from smsbot.database import TenantSession
from smsbot.errors import SendFailed
from smsbot.events import record
from smsbot.gateways.carrier import CarrierMessage, SmsGateway
from smsbot.gateways.carrier_errors import OPTED_OUT
from smsbot.logs import log_event
from smsbot.runtime import Runtime
from smsbot.tenancy import Number

logger = logging.getLogger(__name__)

COMPARE = "carrier_drift"
CAUSE = "work:carrier_drift"
EVERY = timedelta(days=1)
LOOKS_BACK = timedelta(hours=26)  # a day, and what the last look may have come too early for
RETRY = timedelta(minutes=15)
SETTLES = timedelta(minutes=2)  # what is younger may still be on its way to us
ANSWERED_WITHIN = timedelta(seconds=60)  # the carrier's own answers to STOP, HELP and START stand in its list too
MOST_TEXTS = 20_000
AT_ONCE = 5_000  # ids in one query
ENDED = frozenset({State.FAILED, State.UNDELIVERED, State.CANCELED})


class DriftKind(StrEnum):
    SENT_AFTER_OPT_OUT = "sent_after_opt_out"
    INBOUND_MISSING = "inbound_missing"  # the carrier has it, we do not
    BLOCK_UNKNOWN = "block_unknown"  # the carrier refused a text (21610) and our ledger has no block
    STATUS = "status"
    BLOCKED_BUT_AGREED = "blocked_but_agreed"  # both are right: they agreed, and must text START before a text arrives


NOT_WRONG = frozenset({DriftKind.BLOCKED_BUT_AGREED})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which we and the carrier differ. `ours` and `theirs` are states or statuses."""

    kind: DriftKind
    at: datetime
    contact_id: UUID | None = None
    message_id: UUID | None = None
    provider_sid: str | None = None
    ours: str | None = None
    theirs: str | None = None


@dataclass(frozen=True, slots=True)
class OurText:
    """A text as we know it. `handed_over_at`: when the gate let it pass; None for one of theirs."""

    id: UUID
    contact_id: UUID
    state: State
    handed_over_at: datetime | None
    compliance: bool


@dataclass(frozen=True, slots=True)
class Person:
    contact_id: UUID
    state: ConsentState


@dataclass(frozen=True, slots=True)
class Lists:
    """What the carrier says of all numbers of one tenant."""

    received: Sequence[CarrierMessage]
    sent: Sequence[CarrierMessage]


def differences(
    lists: Lists, ours: Mapping[str, OurText], people: Mapping[str, Person], now: datetime
) -> Iterator[Difference]:
    """Everything on which both differ: `ours` by the carrier's ids, `people` by address. Pure."""
    wrote: dict[str, list[datetime]] = {}
    for theirs in lists.received:
        wrote.setdefault(theirs.from_ or "", []).append(theirs.created_at)
        if theirs.provider_sid not in ours and now - theirs.created_at > SETTLES:
            who = people.get(theirs.from_ or "")
            yield Difference(
                DriftKind.INBOUND_MISSING,
                theirs.created_at,
                contact_id=who.contact_id if who else None,
                provider_sid=theirs.provider_sid,
                theirs=theirs.status,
            )
    for theirs in lists.sent:
        known, who = ours.get(theirs.provider_sid), people.get(theirs.to or "")
        if known is not None and now - theirs.created_at > SETTLES:
            yield from _status(known, theirs)
        if who is not None:
            yield from _standing(known, who, theirs, wrote.get(theirs.to or "", ()))
    for who in people.values():
        blocked = who.state.carrier_blocked
        if blocked is not None and who.state.overall(now) is Overall.OPTED_IN:
            yield Difference(
                DriftKind.BLOCKED_BUT_AGREED,
                blocked.since,
                contact_id=who.contact_id,
                ours="opted_in",
                theirs="blocked",
            )


def _status(known: OurText, theirs: CarrierMessage) -> Iterator[Difference]:
    reported = state_reported(theirs.status)
    if reported is None or known.state is reported:
        return
    both_final = RANK[known.state] == RANK[reported] == RANK[State.DELIVERED]
    if both_final or moved_on(known.state, reported) is not known.state:
        yield Difference(
            DriftKind.STATUS,
            theirs.created_at,
            contact_id=known.contact_id,
            message_id=known.id,
            provider_sid=theirs.provider_sid,
            ours=known.state.value,
            theirs=theirs.status,
        )


def _standing(
    known: OurText | None, who: Person, theirs: CarrierMessage, wrote: Sequence[datetime]
) -> Iterator[Difference]:
    """A text that the carrier took from us though they had opted out, or refused though we think that they read us."""
    kind = None
    if theirs.error_code == OPTED_OUT:
        came_back = max(
            (p.since for p in who.state.purposes.values() if p.state is PurposeState.OPTED_IN), default=None
        )
        if who.state.carrier_blocked is None and (came_back is None or theirs.created_at > came_back):
            kind = DriftKind.BLOCK_UNKNOWN
    elif state_reported(theirs.status) not in ENDED and _left_after_opt_out(known, who, theirs, wrote):
        kind = DriftKind.SENT_AFTER_OPT_OUT
    if kind is not None:
        yield Difference(
            kind,
            theirs.created_at,
            contact_id=who.contact_id,
            message_id=known.id if known else None,
            provider_sid=theirs.provider_sid,
            ours="opted_out" if who.state.opted_out else "not_blocked",
            theirs=theirs.status,
        )


def _left_after_opt_out(known: OurText | None, who: Person, theirs: CarrierMessage, wrote: Sequence[datetime]) -> bool:
    opted_out = who.state.opted_out
    if opted_out is None:
        return False
    if known is not None:
        return not known.compliance and known.handed_over_at is not None and known.handed_over_at > opted_out.since
    answers_a_word = any(timedelta() <= theirs.created_at - at <= ANSWERED_WITHIN for at in wrote)
    return not answers_a_word and theirs.created_at > opted_out.since


# ---- with effects ------------------------------------------------------------------------------------------------------


def drift_of(runtime: Runtime, gateway: SmsGateway, tenant_id: UUID, since: datetime) -> list[Difference] | None:
    """Everything on which the carrier and we differ about this tenant since `since`; None without credentials.

    Raises SendFailed when the carrier's lists cannot be read. Nothing is changed.
    """
    with runtime.transaction(tenant_id) as session:
        credentials = carrier_credentials(runtime, session, tenant_of(session, tenant_id))
        numbers = session.scalars(select(Number.number).where(Number.tenant_id == tenant_id)).all()
    if credentials is None:
        return None
    received, sent = [], []
    for number in numbers:
        received += gateway.messages_received(credentials, number, since, limit=MOST_TEXTS)
        sent += gateway.messages_sent(credentials, number, since, limit=MOST_TEXTS)
    lists = Lists(received, sent)
    with runtime.transaction(tenant_id) as session:
        ours = _ours(session, [message.provider_sid for message in (*received, *sent)])
        people = _people(session, {message.from_ for message in received} | {message.to for message in sent})
    return sorted(differences(lists, ours, people, runtime.clock.now()), key=lambda found: (found.at, found.kind))


def _ours(session: TenantSession, sids: Sequence[str]) -> dict[str, OurText]:
    found: dict[str, OurText] = {}
    for start in range(0, len(sids), AT_ONCE):
        rows = session.execute(
            select(
                Message.provider_sid, Message.id, Message.contact_id, Message.state, Message.sending_at, Message.purpose
            ).where(Message.tenant_id == session.tenant_id, Message.provider_sid.in_(sids[start : start + AT_ONCE]))
        )
        for sid, message_id, contact_id, state, sending_at, purpose in rows:
            if sid is not None:
                found[sid] = OurText(message_id, contact_id, state, sending_at, purpose is Purpose.COMPLIANCE)
    return found


def _people(session: TenantSession, addresses: Collection[str | None]) -> dict[str, Person]:
    """Those whom the lists name, and those whom the carrier blocks though they agreed."""
    named = sorted(address for address in addresses if address)
    of_tenant = select(Contact).where(Contact.tenant_id == session.tenant_id)
    contacts = list(session.scalars(of_tenant.where(Contact.consent["carrier_blocked"].astext.is_not(None))))
    for start in range(0, len(named), AT_ONCE):
        contacts += session.scalars(of_tenant.where(Contact.address.in_(named[start : start + AT_ONCE])))
    return {contact.address: Person(contact.id, state_of(contact)) for contact in contacts}


def plan_comparison(runtime: Runtime, tenant_id: UUID) -> None:
    """Have the tenant compared with its carrier once a day, at an hour of its own; the row puts itself off each time."""
    now = runtime.clock.now()
    first = now + timedelta(seconds=tenant_id.int % int(EVERY.total_seconds()))
    with runtime.transaction(tenant_id) as session:
        work.put(session, COMPARE, tenant_id, due_at=first, now=now, queue=work.BACKGROUND, priority=work.LATER)


def compare(runtime: Runtime, gateway: SmsGateway, claim: work.Claim) -> None:
    """Compare, write down how much differs, tell the owners of every text after an opt-out, and come again tomorrow."""
    now = runtime.clock.now()
    if claim.ref_id != claim.tenant_id:
        with runtime.transaction(claim.tenant_id) as session:
            work.finish(session, claim)
        return
    try:
        found = drift_of(runtime, gateway, claim.tenant_id, now - LOOKS_BACK)
    except SendFailed as failure:
        log_event(logger, "carrier_drift.failed", code=failure.code)
        with runtime.transaction(claim.tenant_id) as session:
            work.again(session, claim, now + RETRY)
        return
    counts = Counter(difference.kind.value for difference in found or ())
    with runtime.transaction(claim.tenant_id) as session:
        for difference in found or ():
            if difference.kind is DriftKind.SENT_AFTER_OPT_OUT:
                _alarm(session, difference, now)
        if found is not None:
            record(session, "carrier.compared", at=now, actor=SYSTEM, cause=CAUSE, details=dict(counts))
        work.again(session, claim, now + EVERY)
    if counts:
        log_event(logger, "carrier_drift.found", counts=dict(counts))


def _alarm(session: TenantSession, difference: Difference, now: datetime) -> None:
    conversation_id = session.scalars(
        select(Conversation.id).where(
            Conversation.tenant_id == session.tenant_id, Conversation.contact_id == difference.contact_id
        )
    ).first()
    raise_alert(
        session,
        DriftKind.SENT_AFTER_OPT_OUT.value,
        difference.provider_sid or str(difference.contact_id),
        now=now,
        actor=SYSTEM,
        cause=CAUSE,
        role=Role.OWNER,
        conversation_id=conversation_id,
    )
