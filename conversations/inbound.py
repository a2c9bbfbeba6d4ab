"""An inbound text, accepted in one transaction: transcript, consent, what is due. And the wait that STOP needs.

A 200 is answered only after the commit. A repeat of the same text changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from consent.ledger import Fact, append, state_of
from consent.models import ConsentEvent, Contact
from consent.policy_settings import StartScope, StopScope, current_settings
from consent.preferred_times import time_preference
from consent.purposes import CONSENTED, PermitKind, Purpose, Reason
from consent.state import Basis, EventKind
from consent.suppressions import REMEMBERED, Remembered, begin_opted_out, renew
from consent.words import (
    CarrierWord,
    Judgement,
    WordContext,
    asks_for_person,
    carrier_word,
    judge,
    machine_text,
)
from conversations import outbox
from conversations.confirmations import put_compliance_text
from conversations.intake import Course, Step, course_by_category, course_of, course_of_late, hours_of, word_context
from conversations.keyword_routes import KEYWORD, ROUTE, Route, word_in
from conversations.language import language_of
from conversations.models import (
    CONSENT_WORD,
    Author,
    Conversation,
    Direction,
    Episode,
    Kind,
    Lead,
    Media,
    Message,
    State,
)
from conversations.people import add_task, raise_alert
from smsbot import work
from smsbot.accounts import Recipient, tenant_of
from smsbot.actor import CARRIER, Actor, ActorKind
from smsbot.crypto import DataCipher
from smsbot.database import TenantSession
from smsbot.events import record
from smsbot.failpoints import failpoint
from smsbot.phone import Address, AddressKind, region_of
from smsbot.runtime import Runtime
from smsbot.settings import STOP_WAIT_S
from smsbot.tenancy import OptOutHandling
from smsbot.writes import columns_of, fetch, loaded, prepared, put_changes, put_object, put_row, write

LONGEST_WAIT = timedelta(seconds=20)  # a burst of texts is answered after this at the latest
POLL_S = 0.02
CAUSE = "webhook:sms"
ABOUT_CONSENT = (Step.OPT_OUT, Step.START, Step.OPT_IN, Step.HELP)
MEDIA = "media"  # the kind of work that fetches one picture

CONTACT = insert(Contact).values(
    id=bindparam("id"),
    tenant_id=bindparam("tenant_id"),
    address=bindparam("address"),
    address_kind=bindparam("kind"),
    country=bindparam("country"),
)
# PostgreSQL: a row that an upsert has inserted was never updated, so its xmax is 0.
UPSERT = prepared(
    CONTACT.on_conflict_do_update(
        index_elements=["tenant_id", "address"], set_={"address": CONTACT.excluded.address}
    ).returning(literal_column("contacts.xmax = 0"), *columns_of(Contact))
)
REPEATED = prepared(
    select(Message.id, Message.awaited_lease).where(
        Message.tenant_id == bindparam("tenant_id"), Message.provider_sid == bindparam("provider_sid")
    )
)
CONVERSATION = prepared(
    select(*columns_of(Conversation)).where(
        Conversation.tenant_id == bindparam("tenant_id"),
        Conversation.contact_id
        == select(Contact.id)
        .where(Contact.tenant_id == bindparam("tenant_id"), Contact.address == bindparam("address"))
        .scalar_subquery(),
    )
)


@dataclass(frozen=True, slots=True)
class InboundText:
    """One text as it came through the edge: cleaned and masked, addresses parsed."""

    provider_sid: str
    sender: Address
    recipient: Address
    body: str = field(repr=False)
    flags: frozenset[str] = frozenset()
    opt_out_type: str | None = None
    segments: int | None = None
    media: Sequence[tuple[str, str]] = field(default=(), repr=False)  # (address, content type)
    place: dict[str, str] = field(default_factory=dict, repr=False)  # what the carrier says about the number
    written_at: datetime | None = None  # of a text that is found in the carrier's list afterwards; unset: just now


@dataclass(frozen=True, slots=True)
class Received:
    """What became of it. `awaited_lease` is a send that was in flight when a STOP was recorded."""

    message_id: UUID
    contact_id: UUID
    repeated: bool
    awaited_lease: UUID | None


@dataclass(frozen=True, slots=True)
class Known:
    """What was there before a text is taken in: the sender's contact, its row locked, and whether it was made just now;
    this very text, when it was stored before, with the lease that it waits for; the contact's one thread, whose lock is
    the contact's; what its word tells when the whole text is a keyword; and the opt-out of somebody who was erased.
    """

    contact: Contact
    new: bool
    repeats: tuple[UUID, UUID | None] | None
    conversation: Conversation | None
    route: Route | None
    suppressed: Remembered | None

    @property
    def of_erased(self) -> bool:
        """They were erased since this text was stored: its repeat must not bring their number back."""
        return self.new and self.repeats is not None


def accept(
    runtime: Runtime,
    recipient: Recipient,
    text: InboundText,
    *,
    cause: str = CAUSE,
    judged: Judgement | None = None,
) -> Received:
    """Store the text, judge its words, record consent, and write what is due; all of it or nothing."""
    now = runtime.clock.now()
    with runtime.transaction(recipient.tenant_id) as session:
        known = _known_of(runtime, session, text)
        received = take_in(runtime, session, recipient, text, known, now=now, cause=cause, judged=judged)
        if known.of_erased:
            session.rollback()
        return received


def take_in(
    runtime: Runtime,
    session: TenantSession,
    recipient: Recipient,
    text: InboundText,
    known: Known,
    *,
    now: datetime,
    cause: str = CAUSE,
    judged: Judgement | None = None,
) -> Received:
    """What `accept` does, in a transaction that holds the contact's lock already.

    `judged` is what its words say when nothing special is known about who wrote them, if that was asked before.
    """
    contact, conversation, route = known.contact, known.conversation, known.route
    if known.repeats is not None:
        message_id, awaited_lease = known.repeats
        return Received(message_id, contact.id, True, awaited_lease)
    at = min(now, text.written_at or now)
    if known.new and known.suppressed is not None:
        begin_opted_out(session, contact, runtime.cipher(recipient.data_key), known.suppressed, now=now)
    if conversation is None:
        lead = lead_for(session, contact, source=route.source if route else "text", now=at, new=known.new)
        conversation = open_conversation(session, lead, contact, recipient.number_id, at)
    else:
        put_changes(session, conversation)
    put_changes(session, contact)
    never_wrote = conversation.last_inbound_at is None
    conversation.number_id = recipient.number_id
    conversation.last_inbound_at = max(conversation.last_inbound_at or at, at)
    conversation.last_message_at = max(conversation.last_message_at or at, at)
    message = Message(
        id=uuid4(),
        tenant_id=recipient.tenant_id,
        conversation_id=conversation.id,
        contact_id=contact.id,
        number_id=recipient.number_id,
        direction=Direction.INBOUND,
        author=Author.LEAD,
        body=text.body,
        state=State.RECEIVED,
        provider_sid=text.provider_sid,
        segments=text.segments,
        media_count=len(text.media),
        flags=sorted(text.flags),
        awaited_lease=None,
        created_at=at,
    )
    if route is not None:
        message.flags = [*message.flags, KEYWORD]
        _note_route(session, conversation, route)
    failpoint("inbound.before_insert")
    put_object(session, message)
    intake = _Intake(
        runtime, session, recipient, text, contact, conversation, message, now, at, cause, judged, never_wrote
    )
    intake.follow()
    for position, (url, content_type) in enumerate(text.media):
        _put_media(intake, position, url, content_type)
    failpoint("inbound.before_commit")
    return Received(message.id, contact.id, False, message.awaited_lease)


def wait_for_lease(runtime: Runtime, tenant_id: UUID, contact_id: UUID, token: UUID | None) -> bool:
    """Whether the send that held `token` is over. Waits at most STOP_WAIT_S; False means: answer 503, be called again.

    The opt-out is committed before this is called, so no new send can begin; what was in flight either ends or its
    lease does, and only then may a STOP be answered with 200.
    """
    if token is None:
        return True
    give_up = time.monotonic() + STOP_WAIT_S
    while True:
        with runtime.transaction(tenant_id) as session:
            held = session.execute(
                select(Contact.id).where(
                    Contact.tenant_id == tenant_id,
                    Contact.id == contact_id,
                    Contact.lease_token == token,
                    Contact.lease_until > func.clock_timestamp(),
                )
            ).first()
        if held is None:
            return True
        if time.monotonic() >= give_up:
            return False
        time.sleep(POLL_S)


def contact_for(session: TenantSession, address: Address) -> Contact:
    """The contact of this address, made when it is new, its row locked either way. Of an address that may be new to us
    the opt-out of somebody who was erased has to be remembered: `contact_met`."""
    return _upserted(session, address)[0]


def contact_met(runtime: Runtime, session: TenantSession, cipher: DataCipher, address: Address) -> Contact:
    """The contact of an address that comes to us, its row locked; a new one of an erased person is opted out again."""
    contact, new = _upserted(session, address)
    if new:
        renew(session, runtime.keyring, contact, cipher, now=runtime.clock.now())
    return contact


def _upserted(session: TenantSession, address: Address) -> tuple[Contact, bool]:
    (found,) = fetch(session, UPSERT(**new_contact(session, one_of(address))))
    new, *columns = found[0]
    return loaded(session, Contact, columns), new


def _note_route(session: TenantSession, conversation: Conversation, route: Route) -> None:
    """What the word tells of the lead, where nothing was known: what a person entered or they said stays."""
    write(session)  # a lead that is new may still wait
    lead = session.get_one(Lead, conversation.lead_id)
    lead.fields = {**route.fields, **{name: value for name, value in lead.fields.items() if value not in (None, "")}}


def _known_of(runtime: Runtime, session: TenantSession, text: InboundText) -> Known:
    """What is known about the text, its sender's row locked.

    In one round trip: the queries after the first see what was committed while it waited for the lock.
    """
    address = one_of(text.sender)
    word = word_in(text.body)
    contacts, repeats, conversations, suppressed, *routes = fetch(
        session,
        UPSERT(**new_contact(session, address)),
        REPEATED(tenant_id=session.tenant_id, provider_sid=text.provider_sid),
        CONVERSATION(tenant_id=session.tenant_id, address=address.value),
        REMEMBERED(tenant_id=session.tenant_id, hashes=runtime.keyring.suppression_hashes(address.value)),
        *([ROUTE(tenant_id=session.tenant_id, word=word)] if word else []),
    )
    new, *columns = contacts[0]
    contact = loaded(session, Contact, columns)
    conversation = loaded(session, Conversation, conversations[0]) if conversations else None
    return Known(
        contact,
        new,
        (repeats[0][0], repeats[0][1]) if repeats else None,
        conversation,
        Route(*routes[0][0][1:]) if routes and routes[0] else None,
        Remembered(*suppressed[0][1:]) if suppressed else None,
    )


def one_of(address: Address) -> Address:
    """One person is one contact whichever channel they write on: an opt-out by RCS or WhatsApp ends their SMS as well
    (the carrier unifies them too since 2026-03-16), and the row that is locked is the same.
    """
    if address.e164 is not None and address.kind is not AddressKind.NUMBER:
        return Address(AddressKind.NUMBER, address.e164, address.e164)
    return address


def new_contact(session: TenantSession, address: Address) -> dict[str, Any]:
    """The parameters of CONTACT for a person with this address."""
    return {
        "id": uuid4(),
        "tenant_id": session.tenant_id,
        "address": address.value,
        "kind": address.kind.value,
        "country": region_of(address.e164) if address.e164 else None,
    }


def lead_for(session: TenantSession, contact: Contact, *, source: str, now: datetime, new: bool = False) -> Lead:
    """The lead of this contact, made when there is none. The caller holds the contact's lock."""
    lead = None
    if not new:
        lead = session.scalars(
            select(Lead).where(Lead.tenant_id == session.tenant_id, Lead.contact_id == contact.id)
        ).first()
    if lead is None:
        lead = Lead(id=uuid4(), tenant_id=session.tenant_id, contact_id=contact.id, source=source, created_at=now)
        put_object(session, lead)
    return lead


def open_conversation(
    session: TenantSession, lead: Lead, contact: Contact, number_id: UUID, now: datetime
) -> Conversation:
    """A conversation with its first episode. The caller holds the contact's lock."""
    conversation = Conversation(
        id=uuid4(),
        tenant_id=session.tenant_id,
        lead_id=lead.id,
        contact_id=contact.id,
        number_id=number_id,
        created_at=now,
    )
    put_object(session, conversation)
    episode = {"id": uuid4(), "tenant_id": session.tenant_id, "conversation_id": conversation.id, "opened_at": now}
    put_row(session, Episode, episode)
    return conversation


@dataclass
class _Intake:
    """One text on its way through the accept transaction."""

    runtime: Runtime
    session: TenantSession
    recipient: Recipient
    text: InboundText
    contact: Contact
    conversation: Conversation
    message: Message
    now: datetime
    at: datetime  # when the person wrote it
    cause: str
    judged: Judgement | None
    never_wrote: bool  # until now: they came by a form or a list, if at all

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.LEAD, self.contact.id)

    @property
    def cipher(self) -> DataCipher:
        return self.runtime.cipher(self.recipient.data_key)

    def follow(self) -> None:
        """Judge the text and do what follows from it."""
        state = state_of(self.contact).at(self.at)
        if state.pending is not None and (state.held or state.opted_out or not self._follows_the_question()):
            state = replace(state, pending=None)  # a yes to something else agrees to nothing in writing
        context, judgement = word_context(state), self.judged
        if judgement is None or context is not WordContext.ACTIVE:
            judgement = judge(self.text.body, context, self.recipient.extra_opt_out_words)
        course = course_of(
            self.text.body,
            state=state,
            judgement=judgement,
            carrier_word=self._carrier_word(),
            machine=machine_text(self.text.body),
            wants_person=asks_for_person(self.text.body),
            textable=self.text.sender.textable,
            told=self.text.opt_out_type is not None,
        )
        if course.step is Step.OPT_OUT and not course.by_carrier and not state.opted_out:
            course = self._scoped(course, judgement)
        if self.at < self.now:
            course = course_of_late(course, state, self.at)
        self.contact.last_inbound_at = max(self.contact.last_inbound_at or self.at, self.at)
        if self.text.sender.textable:
            self.contact.unreachable_code = None  # whatever the carrier said once: they text
        language = language_of(self.text.body, self.contact.language or self.recipient.languages[0])
        self.contact.language = judgement.language or language
        self._note_tags(judgement)
        event_id = self._record_consent(course, judgement)
        match course.step:
            case Step.OPT_OUT:
                self._opted_out(course, event_id)
            case Step.REPLY:
                self._reply(None)
            case Step.HOLD:
                self._hold(judgement)
            case Step.OPT_OUT_PARTIAL:
                self.message.awaited_lease = self.contact.lease_token
                if course.answer:
                    self._compliance(PermitKind.OPT_OUT_CATEGORY, event_id)
                else:
                    self._reply(None)
            case Step.HELP if course.answer:
                self._compliance(PermitKind.HELP, event_id, "opt_out_help" if state.opted_out else None)
            case Step.START | Step.OPT_IN if course.answer:
                self._compliance(PermitKind.OPT_IN_CONFIRMATION, event_id)
            case _:
                pass
        if course.step is Step.OPT_IN:
            outbox.hasten_first_text(self.session, self.contact.id, self.now)
        if course.step in (Step.START, Step.OPT_IN):
            outbox.cancel_opt_out_confirmation(self.session, self.contact.id)
        if course.step in ABOUT_CONSENT:
            self.message.flags = [*self.message.flags, CONSENT_WORD]
        if course.reason is not None and not course.answer:
            self.message.reason = course.reason.value
        if course.for_staff is not None:
            self._task(course.for_staff)
        record(
            self.session,
            "message.received",
            at=self.now,
            actor=self.actor,
            cause=self.cause,
            contact_id=self.contact.id,
            conversation_id=self.conversation.id,
            message_id=self.message.id,
            details={"step": course.step.value, "verdict": judgement.verdict.value, "rule": judgement.rule},
        )

    def _follows_the_question(self) -> bool:
        """Whether the question whether they want texts is the last text that they got, if they got it at all."""
        last = self.session.scalars(
            select(Message.kind)
            .where(
                Message.tenant_id == self.session.tenant_id,
                Message.contact_id == self.contact.id,
                Message.direction == Direction.OUTBOUND,
                Message.sending_at <= self.at,
                Message.state.in_(outbox.COUNTED),
            )
            .order_by(Message.sending_at.desc(), Message.kind.is_not_distinct_from(Kind.OPT_IN_QUESTION))
            .limit(1)
        ).first()
        return last is Kind.OPT_IN_QUESTION

    def _promotions_return(self) -> bool:
        """Whether START brings promotions back too: the tenant has chosen so, and they had agreed to them in writing."""
        if current_settings(self.session, self.now).start_scope is not StartScope.ALL:
            return False
        signed = select(ConsentEvent.id).where(
            ConsentEvent.tenant_id == self.session.tenant_id,
            ConsentEvent.contact_id == self.contact.id,
            ConsentEvent.kind == EventKind.OPT_IN,
            ConsentEvent.basis == Basis.EXPRESS_WRITTEN.value,
            ConsentEvent.purposes.contains([Purpose.MARKETING.value]),
        )
        return self.session.scalars(signed.limit(1)).first() is not None

    def _scoped(self, course: Course, judgement: Judgement) -> Course:
        """What the tenant's choice makes of a STOP: by default it ends everything (C-044, C-045)."""
        if current_settings(self.session, self.now).stop_scope is StopScope.ALL:
            return course
        last = self.session.scalars(
            select(Message.purpose)
            .where(
                Message.tenant_id == self.session.tenant_id,
                Message.contact_id == self.contact.id,
                Message.direction == Direction.OUTBOUND,
                Message.sent_at <= self.at,
            )
            .order_by(Message.sent_at.desc())
            .limit(1)
        ).first()
        return course_by_category(course, judgement, last_purpose=last)

    def _carrier_word(self) -> CarrierWord | None:
        """The word that the carrier itself acted on, by its parameter or by this number's set-up."""
        if self.text.opt_out_type:
            return CarrierWord(self.text.opt_out_type)  # C-012: overrides our own verdict
        if self.recipient.opt_out_handling is OptOutHandling.OURS:
            return None
        return carrier_word(self.text.body, self.recipient.sender_type.value)

    def _evidence(self, judgement: Judgement) -> dict[str, Any]:
        return {
            "address": self.text.sender.value,
            "our_number": self.recipient.number,
            "words": self.text.body,
            "provider_sid": self.text.provider_sid,
            "verdict": judgement.verdict.value,
            "opt_out_type": self.text.opt_out_type,
        }

    def _append(
        self,
        kind: EventKind,
        judgement: Judgement,
        *,
        purposes: Sequence[Purpose] = (),
        basis: Basis | None = None,
        method: str = "sms_text",
        actor: Actor | None = None,
        channel: str = "sms",
        rule: str | None = None,
    ) -> UUID:
        fact = Fact(
            kind,
            self.at,
            method,
            self._evidence(judgement),
            purposes=purposes,
            basis=basis,
            channel=channel,
            rule=rule or judgement.rule,
            rule_version=judgement.version,
            message_id=self.message.id,
        )
        return append(self.session, self.contact, self.cipher, fact, actor=actor or self.actor, now=self.now)

    def _record_consent(self, course: Course, judgement: Judgement) -> UUID:
        """The ledger's events for this text; the id of the one that what follows rests on."""
        method = "sms_keyword" if judgement.keyword or course.by_carrier else "sms_text"
        if self.text.opt_out_type:
            method = "twilio_aoo"
        if "voice_opt_out" in judgement.tags:
            self._append(EventKind.VOICE_OPT_OUT, judgement, channel="voice")
        match course.step:
            case Step.OPT_OUT:
                event_id = self._append(EventKind.OPT_OUT, judgement, purposes=CONSENTED, method=method)
                if course.by_carrier and not state_of(self.contact).carrier_blocked:
                    self._append(EventKind.CARRIER_BLOCK, judgement, method="carrier", actor=CARRIER)
                return event_id
            case Step.OPT_OUT_PARTIAL:
                ended = self._append(EventKind.OPT_OUT_PARTIAL, judgement, purposes=course.purposes, method=method)
                return ended if course.answer else self._inquiry(judgement)
            case Step.START:
                event_id = self._append(EventKind.START, judgement, basis=Basis.EXPRESS, method=method)
                if self._promotions_return():
                    self._append(
                        EventKind.OPT_IN,
                        judgement,
                        purposes=(Purpose.MARKETING,),
                        basis=Basis.EXPRESS_WRITTEN,
                        method=method,
                        rule="start.brings_back_what_was_signed",
                    )
            case Step.OPT_IN:
                asked = state_of(self.contact).pending  # their yes grants what the question asked, and how it asked
                event_id = self._append(
                    EventKind.OPT_IN,
                    judgement,
                    purposes=asked.purposes if asked else (),
                    basis=(asked.basis if asked else None) or Basis.EXPRESS,
                    method=method,
                )
            case Step.HELP:
                return self._append(EventKind.HELP, judgement, method=method)
            case Step.HOLD:
                return self._append(EventKind.HOLD, judgement)
            case Step.REPLY:
                if course.resumes:
                    self._append(EventKind.RESUME, judgement, rule="clear_new_text")
                return self._inquiry(judgement)
            case _:
                event_id = self.message.id  # nothing rests on it
        lifts = course.by_carrier or course.step in (Step.START, Step.OPT_IN)
        blocked = state_of(self.contact).carrier_blocked
        if lifts and blocked is not None and blocked.since < self.at:
            # Where the carrier does not tell us, the next refusal (21610) says so and blocks again.
            self._append(EventKind.CARRIER_UNBLOCK, judgement, method="carrier", actor=CARRIER)
        return event_id

    def _inquiry(self, judgement: Judgement) -> UUID:
        return self._append(EventKind.INQUIRY, judgement, basis=Basis.CONVERSATIONAL)

    def _note_tags(self, judgement: Judgement) -> None:
        if "wrong_number" in judgement.tags:
            self.contact.wrong_number_at = self.now
        if "time_preference" in judgement.tags:
            self._note_hours()
        interesting = sorted(judgement.tags & {"wrong_number", "not_interested", "voice_opt_out", "time_preference"})
        self.message.flags = [*self.message.flags, *interesting]

    def _note_hours(self) -> None:
        """C-025: their own hours narrow the legal ones from now on; a vague wish is a person's to read."""
        wish = time_preference(self.text.body)
        if wish is None:
            return
        self.contact.hours = hours_of(wish)
        record(
            self.session,
            "contact.hours",
            at=self.now,
            actor=self.actor,
            cause=self.cause,
            contact_id=self.contact.id,
            conversation_id=self.conversation.id,
            message_id=self.message.id,
            details={"hours": self.contact.hours},
        )

    def _opted_out(self, course: Course, event_id: UUID) -> None:
        """STOP: nothing waiting leaves any more; what is in flight is named, so that the answer can wait for it."""
        self.message.awaited_lease = self.contact.lease_token
        outbox.cancel_waiting(self.session, self.contact.id, Reason.OPTED_OUT, now=self.now, actor=self.actor)
        self.conversation.burst_started_at = None
        if course.answer:
            self._compliance(PermitKind.OPT_OUT_CONFIRMATION, event_id)

    def _hold(self, judgement: Judgement) -> None:
        """Looks like an opt-out and is not settled: nothing automatic leaves until a second look has settled it."""
        self.message.awaited_lease = self.contact.lease_token  # it may turn out to be one
        outbox.cancel_waiting(
            self.session, self.contact.id, Reason.HELD, now=self.now, actor=self.actor, automated=True
        )
        self._reply(judgement)

    def _reply(self, held: Judgement | None) -> None:
        """Owe one answer to everything since the last one: a newer text voids the draft that still waits."""
        if self.conversation.taken_over_at is not None and held is None:
            self.message.reason = Reason.TAKEOVER.value
            return
        if held is None and self.now - self.at > outbox.REPLY_USEFUL_FOR:
            self.message.reason = Reason.STALE.value
            self._task("late_text")  # found long after it was written: a person says sorry better
            return
        if (
            self.conversation.burst_started_at is not None or self.never_wrote
        ):  # else nothing waits that this text could void
            outbox.cancel_replies(self.session, self.contact.id)
        started = self.conversation.burst_started_at or self.now
        self.conversation.burst_started_at = started
        wait = timedelta(seconds=self.runtime.settings.reply_wait_s)
        due = self.now if held else min(self.now + wait, max(self.now, started + LONGEST_WAIT))
        outbox.owe_reply(
            self.session,
            conversation=self.conversation,
            in_reply_to=self.message.id,
            language=self.contact.language,
            due_at=due,
            now=self.now,
        )

    def _compliance(self, permit: PermitKind, event_id: UUID, template: str | None = None) -> None:
        """One text under a one-shot permit: the confirmation of an opt-out or opt-in, or the answer to HELP."""
        put_compliance_text(
            self.session,
            tenant=tenant_of(self.session, self.recipient.tenant_id),
            our_number=self.recipient.number,
            conversation=self.conversation,
            contact=self.contact,
            permit=permit,
            event_id=event_id,
            at=self.at,  # from when they wrote
            now=self.now,
            in_reply_to=self.message.id,
            template=template,
        )

    def _task(self, kind: str) -> None:
        add_task(
            self.session,
            kind,
            self.message.id,
            conversation_id=self.conversation.id,
            now=self.now,
            actor=self.actor,
            cause=self.cause,
        )
        if kind == "check_appointment":
            raise_alert(
                self.session,
                kind,
                str(self.message.id),
                now=self.now,
                actor=self.actor,
                cause=self.cause,
                conversation_id=self.conversation.id,
            )


def _put_media(intake: _Intake, position: int, url: str, content_type: str) -> None:
    """Have the background worker fetch it; the text stands without it."""
    media_id = uuid4()
    tenant_id = intake.recipient.tenant_id
    put_object(
        intake.session,
        Media(
            id=media_id,
            tenant_id=tenant_id,
            message_id=intake.message.id,
            position=position,
            url=intake.cipher.encrypt_text(url, tenant_id=tenant_id, table="media", column="url", row=media_id),
            content_type=content_type[:100],
            state="pending",
            created_at=intake.now,
        ),
    )
    work.put(
        intake.session, MEDIA, media_id, due_at=intake.now, now=intake.now, queue=work.BACKGROUND, priority=work.LATER
    )
