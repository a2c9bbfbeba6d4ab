"""Leads from forms and other systems: made once per number with the evidence of their consent, and read as values."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import phonenumbers
from phonenumbers import PhoneNumberType
from sqlalchemy import Select, literal, select, tuple_

from consent.disclosures import allows_night_answer
from consent.ledger import Fact, append, state_of
from consent.models import Contact
from consent.policy_settings import current_settings
from consent.purposes import Purpose
from consent.reading import LedgerEvent, consent_summary, contact_at, events_of
from consent.state import Basis, ConsentState, EventKind, PurposeState
from conversations.inbound import contact_met, lead_for, open_conversation
from conversations.models import Conversation, Direction, Lead, Message
from conversations.openers import after_claim
from conversations.refusals import kind_of, record_refusal, refusal_in
from conversations.visibility import sees_all, visible
from conversations.vocabulary import MESSAGE_FIELD
from smsbot.accounts import tenant_of
from smsbot.actor import Actor
from smsbot.crypto import DataCipher
from smsbot.database import TenantSession
from smsbot.errors import InvalidInput, NotFound
from smsbot.events import record
from smsbot.phone import Address, AddressKind, address, e164, region_of
from smsbot.runtime import Runtime
from smsbot.tenancy import Agent, Number, Tenant

SOURCE = "api"  # of a lead whose caller names none
METHOD = "api"
LONGEST_MESSAGE = 4_000
CLOCKS_DIFFER_BY = timedelta(minutes=5)

# What a form, a signature or a spoken yes can grant. `reply` always rests on a text of theirs.
CLAIMABLE = (Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION, Purpose.MARKETING)
CLAIMED_BASES = (Basis.INQUIRY, Basis.EXPRESS, Basis.EXPRESS_WRITTEN)
# Among a lead's own fields: what was said of their place and moves no hours.
ZIP_FIELD, STATE_FIELD, ZONE_FIELD = "postal_code", "state", "time_zone"
OUR_WORDS = ("address", "our_number", "words", "claimed_basis", "claimed_purposes", "disclosure_sha256")

# Numbers that nobody texts from, and that charge whoever texts or calls them.
REFUSED_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "premium rate",
    PhoneNumberType.SHARED_COST: "shared cost",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company-wide",
    PhoneNumberType.VOICEMAIL: "voicemail",
}


@dataclass(frozen=True, slots=True)
class Objection:
    """Why one field cannot be taken, in words for the caller; `field` is a path such as `consent.evidence.at`."""

    field: str
    detail: str


class InvalidLead(InvalidInput):
    """One or more fields cannot be taken. `objections` names all of them."""

    def __init__(self, objections: Sequence[Objection]) -> None:
        super().__init__(objections[0].field, objections[0].detail)
        self.objections = tuple(objections)


@dataclass(frozen=True, slots=True)
class ConsentClaim:
    """What a caller says that the person agreed to, and what shows it. `at` is when the person did it.

    `evidence` holds plain JSON values: what was shown and ticked, where, and from which address.
    """

    basis: Basis
    purposes: tuple[Purpose, ...] = ()
    at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict, repr=False)
    method: str = METHOD
    asked_again: bool = False  # a double opt-in: it counts once they have said yes to a text
    may_revive: bool = True  # whether a signature brings back a purpose that they ended before it (C-030)


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead as a caller describes it; texts are cleaned and masked, the numbers as they were written."""

    number: str = field(repr=False)
    name: str | None = field(default=None, repr=False)
    language: str | None = None
    source: str | None = None
    assigned_to: UUID | None = None
    message: str | None = field(default=None, repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    our_number: str | None = None
    consent: ConsentClaim | None = None
    postal_code: str | None = field(default=None, repr=False)
    region: str | None = None  # state or province, two letters
    time_zone: str | None = None  # IANA


@dataclass(frozen=True, slots=True)
class LeadView:
    id: UUID
    number: str = field(repr=False)
    name: str | None = field(repr=False)
    consent: Mapping[str, Any]
    conversation_id: UUID | None
    assigned_to: UUID | None
    language: str | None
    source: str
    fields: Mapping[str, Any] = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationView:
    id: UUID
    lead_id: UUID
    number: str = field(repr=False)
    our_number: str
    assigned_to: UUID | None
    taken_over_at: datetime | None
    taken_over_by: UUID | None
    handoff_reason: str | None
    last_inbound_at: datetime | None
    last_message_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MessageView:
    id: UUID
    direction: str
    author: str
    purpose: str | None
    body: str = field(repr=False)
    state: str
    reason: str | None
    provider_sid: str | None
    segments: int | None
    created_at: datetime
    sent_at: datetime | None
    consent_event_id: UUID | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that is ordered by time: after this row. Only messages have a direction."""

    at: datetime
    id: UUID
    direction: Direction | None = None


# ---- writing ----------------------------------------------------------------------------------------------------------


def create_lead(
    runtime: Runtime, session: TenantSession, new: NewLead, *, actor: Actor, cause: str, first_text: bool = True
) -> tuple[LeadView, bool]:
    """The lead of this number and whether it is new; a known one is filled in where it is empty, never overwritten.

    What they agreed to is confirmed and what they asked is answered, when policy allows and `first_text` says so.

    All in the caller's transaction and under the contact's lock. Raises InvalidLead before anything is written.

    What is said about consent becomes one event of the ledger, read strictly (C-046, C-047): `inquiry` permits
    follow-ups about their question from when they asked; `express` and `express_written` are an opt-in to the purposes
    that they name. Nothing that comes this way ends a STOP or a hold: only a text of the person does. Such a claim is
    kept as an inquiry with all of its evidence, which permits nothing while the opt-out stands. A single purpose that
    they ended comes back by a signature that is younger than its end (C-030), and by nothing less.

    What they wrote is read first, as a text of theirs would be: a STOP in it is an opt-out and nothing of the claim
    counts, a refusal of advertising leaves their question, and what may be an opt-out holds everything for a person.
    """
    now = runtime.clock.now()
    tenant = tenant_of(session, session.tenant_id)
    numbers = our_numbers(session)
    person, objections = textable(new.number, tenant)
    ours, objection = _our_number(new.our_number, numbers, tenant)
    objections += objection
    if new.assigned_to is not None and not _is_staff(session, new.assigned_to):
        objections.append(Objection("assigned_to", "there is no such agent"))
    if new.consent is not None:
        objections += claim_objections(new.consent, now)
    if person is None or ours is None or objections:
        raise InvalidLead(objections)

    cipher = runtime.cipher(tenant.data_key)
    contact = contact_met(runtime, session, cipher, Address(AddressKind.NUMBER, person, person))
    known = session.scalars(
        select(Lead.id).where(Lead.tenant_id == session.tenant_id, Lead.contact_id == contact.id)
    ).first()
    lead = lead_for(session, contact, source=new.source or SOURCE, now=now)
    filled = fill_in(lead, contact, new, first_met=known is None and contact.ledger_seq == 0)
    conversation = session.scalars(
        select(Conversation).where(Conversation.tenant_id == session.tenant_id, Conversation.lead_id == lead.id)
    ).first() or open_conversation(session, lead, contact, ours.id, now)
    claim, ended = new.consent, None
    said = refusal_in(new.message, tenant.extra_opt_out_words)
    if said is not None:
        ended = kind_of(said, opted_out=state_of(contact).opted_out is not None)
        record_refusal(
            session,
            conversation,
            contact,
            cipher,
            said,
            ended,
            method=claim.method if claim else METHOD,
            evidence=_evidence_of(contact, new, claim, ours.number),
            actor=actor,
            cause=cause,
            now=now,
        )
        claim = _left_of(claim, ended)
    claimed = None
    if claim is not None:
        claimed = record_claim(session, contact, cipher, new, claim, our_number=ours.number, actor=actor, now=now)
    if claim is not None and claimed is not None and first_text:
        settings = current_settings(session, now)
        after_claim(
            session,
            tenant=tenant,
            number=ours,
            contact=contact,
            conversation=conversation,
            kind=claimed[0],
            event_id=claimed[1],
            settings=settings,
            instant_at_night=settings.instant_night_reply
            # Words that they saw and left unticked permit nothing at night.
            and bool(claim.evidence.get("checkbox_value", True))
            and allows_night_answer(claim.evidence.get("disclosure") or ""),
            now=now,
        )
    record(
        session,
        "lead.updated" if known else "lead.created",
        at=now,
        actor=actor,
        cause=cause,
        contact_id=contact.id,
        conversation_id=conversation.id,
        details={
            "filled": filled,
            "consent": claimed[0].value if claimed else None,
            **({"ended": ended.value} if ended else {}),
        },
    )
    return _lead_view(lead, contact, conversation.id, now), known is None


def is_page(text: str) -> bool:
    """Whether this is the address of a page on the web."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def is_ip(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def claim_objections(claim: ConsentClaim, now: datetime) -> list[Objection]:
    """What is missing or wrong in a claim of consent; empty when it can be recorded.

    47 CFR 64.1200(f)(9): a written consent shows the words that were agreed to, where and when, and a box that the
    person ticked, which was empty before and accepted nothing else.
    """
    found = []
    evidence = claim.evidence
    if claim.basis is Basis.INQUIRY:
        found += [
            Objection("consent.purposes", f"an inquiry permits inquiry only, not {p.value}")
            for p in claim.purposes
            if p is not Purpose.INQUIRY
        ]
    else:
        if not claim.purposes:
            found.append(Objection("consent.purposes", "name the purposes that they agreed to"))
        if claim.at is None:
            found.append(Objection("consent.evidence.at", "say when they agreed"))
        if claim.basis is Basis.EXPRESS_WRITTEN:
            found += [
                Objection(f"consent.evidence.{name}", "a written consent needs this")
                for name in ("disclosure", "disclosure_version")
                if not evidence.get(name)
            ]
            if not evidence.get("page_url") and not evidence.get("document"):
                found.append(Objection("consent.evidence.page_url", "say which page or document they signed"))
        elif not any(evidence.get(name) for name in ("disclosure", "page_url", "document")):
            found.append(Objection("consent.evidence", "give the disclosure, the page or the document"))
    found += [
        Objection("consent.purposes", f"{p.value} cannot be agreed to by form")
        for p in claim.purposes
        if p not in CLAIMABLE
    ]
    if Purpose.MARKETING in claim.purposes and claim.basis is Basis.EXPRESS:
        found.append(Objection("consent.purposes", "marketing needs the basis express_written"))
    # C-061: their own tick, in a box of its own.
    if evidence.get("checkbox_default", False) is not False:
        found.append(Objection("consent.evidence.checkbox_default", "the box must be empty before they tick it"))
    if claim.basis is not Basis.INQUIRY and evidence.get("checkbox_value", True) is not True:
        found.append(Objection("consent.evidence.checkbox_value", "the box must be ticked"))
    if evidence.get("bundled", False) is not False:
        found.append(Objection("consent.evidence.bundled", "the box must accept nothing else"))
    if claim.at is not None and claim.at > now + CLOCKS_DIFFER_BY:
        found.append(Objection("consent.evidence.at", "this is in the future"))
    found += [Objection(f"consent.evidence.{name}", "this name is ours") for name in OUR_WORDS if name in evidence]
    return found


def textable(written: str, tenant: Tenant) -> tuple[str | None, list[Objection]]:
    """The number in E.164 when the tenant may text it."""
    try:
        number = e164(written, tenant.countries[0] if tenant.countries else "US")
    except InvalidInput as error:
        return None, [Objection("number", str(error))]
    if region_of(number) not in tenant.countries:
        return None, [Objection("number", "numbers of this country are not enabled")]
    refused = REFUSED_TYPES.get(phonenumbers.number_type(phonenumbers.parse(number)))
    if refused is not None:
        return None, [Objection("number", f"a {refused} number cannot be texted")]
    return number, []


def our_numbers(session: TenantSession) -> Sequence[Number]:
    return session.scalars(
        select(Number).where(Number.tenant_id == session.tenant_id).order_by(Number.created_at, Number.id)
    ).all()


def _our_number(
    written: str | None, numbers: Sequence[Number], tenant: Tenant
) -> tuple[Number | None, list[Objection]]:
    """The number of ours that answers them: the one that was named, else the tenant's first."""
    if written is None:
        return (numbers[0], []) if numbers else (None, [Objection("our_number", "this tenant has no number yet")])
    try:
        wanted = {written.strip(), e164(written, tenant.countries[0] if tenant.countries else "US")}
    except InvalidInput:
        wanted = {written.strip()}  # a short code
    for number in numbers:
        if number.number in wanted:
            return number, []
    return None, [Objection("our_number", "this is none of your numbers")]


def _is_staff(session: TenantSession, agent_id: UUID) -> bool:
    found = session.scalars(
        select(Agent.id).where(Agent.tenant_id == session.tenant_id, Agent.id == agent_id, Agent.disabled_at.is_(None))
    ).first()
    return found is not None


def fill_in(lead: Lead, contact: Contact, new: NewLead, *, first_met: bool) -> list[str]:
    """Fill what is empty, so that what staff have entered stays. Returns the names of what changed.

    Who fills in a form or brings a list need not be the person, so the hours of somebody who is known already do not
    move with it: only somebody who is `first_met` here is placed by ZIP and state. What else is said of their place, and a
    time zone, which only they or staff can declare, is kept among the fields and used no further.
    """
    changed = []
    for name in ("name", "language", "assigned_to"):
        value = getattr(new, name)
        if value is not None and getattr(lead, name) is None:
            setattr(lead, name, value)
            changed.append(name)
    if new.language is not None and contact.language is None:
        contact.language = new.language
    heard = {ZONE_FIELD: new.time_zone}
    for name, field_name, value in (
        ("postal_code", ZIP_FIELD, new.postal_code),
        ("region", STATE_FIELD, new.region),
    ):
        if value is None or getattr(contact, name) == value:
            continue
        if first_met:
            setattr(contact, name, value)
            changed.append(name)
        else:
            heard[field_name] = value
    before = lead.fields or {}  # a lead that is not written yet has none
    said = {**{name: value for name, value in heard.items() if value is not None}, **new.fields}
    fields = {**said, **{key: value for key, value in before.items() if value not in (None, "")}}
    if new.message is not None:
        fields[MESSAGE_FIELD] = _with_message(fields.get(MESSAGE_FIELD), new.message)
    if fields != before:
        lead.fields = fields
        changed.append("fields")
    return changed


def _with_message(before: object, message: str) -> str:
    """A second question is added to the first: neither may be lost. The oldest words go when it becomes too long."""
    if not isinstance(before, str) or not before:
        return message
    if before == message or before.endswith(f"\n{message}"):
        return before
    return f"{before}\n{message}"[-LONGEST_MESSAGE:]


def record_claim(
    session: TenantSession,
    contact: Contact,
    cipher: DataCipher,
    new: NewLead,
    claim: ConsentClaim,
    *,
    our_number: str,
    actor: Actor,
    now: datetime,
) -> tuple[EventKind, UUID] | None:
    """Write the claim into the ledger as what it may be there: its kind and its id; None when it says nothing new."""
    state = state_of(contact)
    at = min(claim.at or now, now)
    kind, purposes, rule = _what_it_grants(state, claim, at)
    if kind is None:
        return None
    evidence = _evidence_of(contact, new, claim, our_number)
    if kind is EventKind.OPT_IN and claim.asked_again:
        # They asked, which is an inquiry; what they ticked waits for their yes to a text (C-066).
        asked = Fact(
            EventKind.INQUIRY, at, claim.method, evidence, purposes=(Purpose.INQUIRY,), basis=Basis.INQUIRY, rule=rule
        )
        append(session, contact, cipher, asked, actor=actor, now=now)
        kind = EventKind.OPT_IN_PENDING
    basis = Basis.INQUIRY if kind is EventKind.INQUIRY else claim.basis
    fact = Fact(kind, at, claim.method, evidence, purposes=purposes, basis=basis, rule=rule)
    return kind, append(session, contact, cipher, fact, actor=actor, now=now)


def _evidence_of(contact: Contact, new: NewLead, claim: ConsentClaim | None, our_number: str) -> dict[str, Any]:
    """What is kept beside an event: all that was claimed, whether it counts or not, and what they wrote."""
    about = {"address": contact.address, "our_number": our_number, "words": new.message}
    if claim is None:
        return about
    disclosure = claim.evidence.get("disclosure")
    return {
        **claim.evidence,
        **({"disclosure_sha256": hashlib.sha256(disclosure.encode()).hexdigest()} if disclosure else {}),
        **about,
        "claimed_basis": claim.basis.value,
        "claimed_purposes": [purpose.value for purpose in claim.purposes],
    }


def _left_of(claim: ConsentClaim | None, ended: EventKind) -> ConsentClaim | None:
    """What of a claim still counts beside words that ended texts: nothing, or after a refusal of advertising alone the
    question. A hold lets it be written down, and lets it permit nothing."""
    if claim is None or ended is EventKind.OPT_OUT:
        return None
    if ended is EventKind.OPT_OUT_PARTIAL:
        return replace(claim, basis=Basis.INQUIRY, purposes=(), asked_again=False)
    return claim


def _what_it_grants(
    state: ConsentState, claim: ConsentClaim, at: datetime
) -> tuple[EventKind | None, tuple[Purpose, ...], str]:
    """The kind of event, the purposes it names, and the rule that chose them."""
    inquiry = (Purpose.INQUIRY,)
    if state.opted_out:
        return EventKind.INQUIRY, inquiry, "claim.opt_out_stands"
    if state.held:
        return EventKind.INQUIRY, inquiry, "claim.hold_stands"
    standing = state.purposes.get(Purpose.INQUIRY)
    if claim.basis is Basis.INQUIRY:
        if standing and standing.state is PurposeState.INQUIRED and standing.since >= at:
            return None, (), "claim.older_inquiry"  # it would shorten what a later inquiry permits
        return EventKind.INQUIRY, inquiry, "claim.inquiry"
    granted = tuple(purpose for purpose in claim.purposes if _may_return(state, purpose, claim, at))
    if not granted:
        return EventKind.INQUIRY, inquiry, "claim.purpose_opt_out_stands"
    return EventKind.OPT_IN, granted, f"claim.{claim.basis.value}"


def _may_return(state: ConsentState, purpose: Purpose, claim: ConsentClaim, at: datetime) -> bool:
    standing = state.purposes.get(purpose)
    if standing is None or standing.state is not PurposeState.OPTED_OUT:
        return True
    return claim.may_revive and claim.basis is Basis.EXPRESS_WRITTEN and at > standing.since


# ---- reading ----------------------------------------------------------------------------------------------------------


def address_written(session: TenantSession, written: str) -> str:
    """The address of a contact as it is stored: E.164 for a number however it was formatted.

    Raises InvalidInput("number", …) for what is no address that texts come from.
    """
    known = address(written)
    if known.kind in (AddressKind.SHORT_CODE, AddressKind.RCS, AddressKind.WHATSAPP):
        return known.value
    countries = tenant_of(session, session.tenant_id).countries
    return e164(written, countries[0] if countries else "US")


def lead_at(session: TenantSession, ref: UUID | str, *, actor: Actor, now: datetime) -> LeadView:
    """The lead with this id or number. Raises NotFound, also where the actor may not see it."""
    which = Lead.id == ref if isinstance(ref, UUID) else Contact.address == _known_address(session, ref)
    row = session.execute(
        select(Lead, Contact, Conversation.id)
        .join(Contact, (Contact.tenant_id == Lead.tenant_id) & (Contact.id == Lead.contact_id))
        .outerjoin(Conversation, (Conversation.tenant_id == Lead.tenant_id) & (Conversation.lead_id == Lead.id))
        .where(Lead.tenant_id == session.tenant_id, which, visible(actor))
    ).first()
    if row is None:
        raise NotFound("there is no such lead")
    lead, contact, conversation_id = row
    return _lead_view(lead, contact, conversation_id, now)


def _known_address(session: TenantSession, written: str) -> str:
    try:
        return address_written(session, written)
    except InvalidInput as error:
        raise NotFound("there is no such lead") from error


def conversations_after(
    session: TenantSession, *, actor: Actor, number: str | None, after: Place | None, limit: int
) -> list[ConversationView]:
    """Up to `limit` conversations, newest first, of one number or of all. Raises InvalidInput("number", …)."""
    query = _conversations(session, actor).order_by(Conversation.created_at.desc(), Conversation.id.desc()).limit(limit)
    if number is not None:
        query = query.where(Contact.address == address_written(session, number))
    if after is not None:
        query = query.where(tuple_(Conversation.created_at, Conversation.id) < tuple_(after.at, after.id))
    return [
        ConversationView(
            id=conversation.id,
            lead_id=conversation.lead_id,
            number=contact_address,
            our_number=our_number,
            assigned_to=assigned_to,
            taken_over_at=conversation.taken_over_at,
            taken_over_by=conversation.taken_over_by,
            handoff_reason=conversation.handoff_reason,
            last_inbound_at=conversation.last_inbound_at,
            last_message_at=conversation.last_message_at,
            created_at=conversation.created_at,
        )
        for conversation, contact_address, our_number, assigned_to in session.execute(query)
    ]


def _conversations(session: TenantSession, actor: Actor) -> Select[Conversation, str, str, UUID | None]:
    return (
        select(Conversation, Contact.address, Number.number, Lead.assigned_to)
        .join(Lead, (Lead.tenant_id == Conversation.tenant_id) & (Lead.id == Conversation.lead_id))
        .join(Contact, (Contact.tenant_id == Conversation.tenant_id) & (Contact.id == Conversation.contact_id))
        .join(Number, (Number.tenant_id == Conversation.tenant_id) & (Number.id == Conversation.number_id))
        .where(Conversation.tenant_id == session.tenant_id, visible(actor))
    )


def messages_after(
    session: TenantSession, conversation_id: UUID, *, actor: Actor, after: Place | None, limit: int
) -> list[MessageView]:
    """Up to `limit` messages of one conversation, oldest first, a text before its answer. Raises NotFound.

    By when their rows were made, which never changes: what comes later stands behind every cursor.
    """
    if session.execute(_conversations(session, actor).where(Conversation.id == conversation_id)).first() is None:
        raise NotFound("there is no such conversation")
    query = (
        select(Message)
        .where(Message.tenant_id == session.tenant_id, Message.conversation_id == conversation_id)
        .order_by(Message.created_at, Message.direction, Message.id)
        .limit(limit)
    )
    if after is not None:
        place = literal(after.direction, Message.direction.type)
        query = query.where(
            tuple_(Message.created_at, Message.direction, Message.id) > tuple_(after.at, place, after.id)
        )
    return [
        MessageView(
            id=message.id,
            direction=message.direction.value,
            author=message.author.value,
            purpose=message.purpose.value if message.purpose else None,
            body=message.body,
            state=message.state.value,
            reason=message.reason,
            provider_sid=message.provider_sid,
            segments=message.segments,
            created_at=message.created_at,
            sent_at=message.sent_at,
            consent_event_id=message.consent_event_id,
        )
        for message in session.scalars(query)
    ]


def ledger_after(
    runtime: Runtime, session: TenantSession, number: str, *, actor: Actor, after_seq: int, limit: int
) -> list[LedgerEvent]:
    """Up to `limit` ledger events of one number, oldest first; none for a number that nothing is known of.

    Raises InvalidInput("number", …). Who may not see every lead sees the ledger of their own leads only.
    """
    contact = contact_at(session, address_written(session, number))
    if contact is None or not _may_see(session, contact, actor):
        return []
    cipher = runtime.cipher(tenant_of(session, session.tenant_id).data_key)
    return events_of(session, contact.id, cipher, after_seq=after_seq, limit=limit)


def _may_see(session: TenantSession, contact: Contact, actor: Actor) -> bool:
    if sees_all(actor):
        return True
    mine = select(Lead.id).where(Lead.tenant_id == session.tenant_id, Lead.contact_id == contact.id, visible(actor))
    return session.execute(mine).first() is not None


def _lead_view(lead: Lead, contact: Contact, conversation_id: UUID | None, now: datetime) -> LeadView:
    return LeadView(
        id=lead.id,
        number=contact.address,
        name=lead.name,
        consent=consent_summary(state_of(contact), now),
        conversation_id=conversation_id,
        assigned_to=lead.assigned_to,
        language=lead.language,
        source=lead.source,
        fields=dict(lead.fields or {}),
        created_at=lead.created_at,
    )
