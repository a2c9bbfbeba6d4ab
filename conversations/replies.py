"""An answer to what a lead wrote: a second look at a hold, a draft that is checked in code, and the way out.

No database connection is held while a model thinks. The draft is stored before it is sent, so that a crash never pays
twice, and a newer text voids it wherever it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.orm import aliased

from consent.ledger import Fact, append, lock, state_of
from consent.models import ConsentEvent, Contact
from consent.purposes import CONSENTED, PermitKind, Purpose, Reason
from consent.second_stage import VERSION as SECOND_STAGE_VERSION
from consent.second_stage import Second, Settled, second_look
from consent.state import Basis, EventKind
from conversations import outbox
from conversations.assistant import NAME, Assistant, fallback
from conversations.confirmations import put_compliance_text
from conversations.decision import (
    DECISION_SCHEMA,
    Action,
    ReplyDecision,
    ReplyKind,
    Source,
    StaffNote,
    alerted_roles,
    parse_decision,
)
from conversations.facts import TenantFacts, Turn
from conversations.guardrails import objection_to
from conversations.keyword_routes import KEYWORD
from conversations.knowledge import FACTS, facts_in
from conversations.models import (
    CONSENT_WORD,
    WAITING,
    Author,
    Conversation,
    Direction,
    Episode,
    Kind,
    Lead,
    Message,
    State,
    Trace,
    transcript_order,
)
from conversations.people import add_task, raise_alert
from conversations.prompt import messages_for
from conversations.surroundings import surroundings
from conversations.templates import disclosed, text_for
from conversations.vocabulary import LISTING_FIELD, MESSAGE_FIELD
from smsbot import work
from smsbot.accounts import tenant_of
from smsbot.actor import SYSTEM, Role
from smsbot.database import TenantSession
from smsbot.errors import ModelFailed
from smsbot.failpoints import failpoint
from smsbot.gateways.carrier import SmsGateway
from smsbot.gateways.model import ChatModel
from smsbot.masking import masked
from smsbot.runtime import Runtime
from smsbot.tenancy import Agent, Number, ReplyMode, Tenant
from smsbot.writes import Prepared, prepared, put_changes, put_object

CAUSE = "work:reply"
TURNS = 30
NOT_CONTEXT = (Reason.REACTION, Reason.AUTO_REPLY, Reason.OTP)  # machines' words are neither asked nor quoted
IN_TRANSCRIPT = (State.RECEIVED, State.SENDING, State.SENT, State.DELIVERED, State.UNKNOWN)
INTERESTED = {"en": "I am interested in {}", "es": "Me interesa {}"}
PICTURE = "(picture)"  # what a text without words says, so that it is not taken for silence
SILENCE = timedelta(hours=24)  # after this brand and automation are named again
HINT_LASTS = timedelta(days=30)  # C-104: STOP is mentioned at least this often
REWRITE_NEEDS_S = 2.0
KINDS = {
    ReplyKind.AI_REPLY: Kind.AI_REPLY,
    ReplyKind.BRIDGE: Kind.BRIDGE,
    ReplyKind.GUARD_ANSWER: Kind.GUARD_ANSWER,
    ReplyKind.UNKNOWN: Kind.AI_REPLY,
    ReplyKind.FALLBACK: Kind.FALLBACK,
}


@dataclass(frozen=True, slots=True)
class _Context:
    """What a draft is made from; read in one short transaction."""

    facts: TenantFacts
    turns: tuple[Turn, ...] = field(repr=False)
    language: str
    asked: frozenset[str]
    masked: bool
    name_brand: bool
    stop_hint: bool
    unheld: bool
    settling: str | None = field(repr=False)  # the words that hold everything, when this text is their cause
    restricted: bool  # C-123: no model reads about somebody who has limited what is done with what is held
    silent: bool  # a person has it, the mode is off, or processing is restricted: nothing to draft


@dataclass(frozen=True, slots=True)
class _Drafted:
    decision: ReplyDecision
    outcome: str  # how it came about, for the trace
    details: Mapping[str, Any]
    raw: str | None = field(repr=False, default=None)


def answer(runtime: Runtime, gateway: SmsGateway, model: ChatModel | None, claim: work.Claim) -> None:
    """Draft and send the answer `claim.ref_id`; at most one text leaves, and a reason is recorded when none does."""
    context = _context(runtime, claim)
    if context is None or context.silent:
        outbox.deliver(runtime, gateway, claim)
        return
    if context.settling is not None:
        second = second_look(None if context.restricted else model, context.settling)
        if not _settle_hold(runtime, claim, second):
            return
        if context.restricted:
            outbox.deliver(runtime, gateway, claim)
            return
    failpoint("replies.before_model")
    drafted = draft(runtime, model, context)
    failpoint("replies.drafted")
    if _store(runtime, claim, context, drafted):
        failpoint("replies.stored")
        outbox.deliver(runtime, gateway, claim)


def _context(runtime: Runtime, claim: work.Claim) -> _Context | None:
    """None when there is nothing to draft: the words are there already, or the row is past waiting."""
    now = runtime.clock.now()
    with runtime.reading(claim.tenant_id) as session:
        transcript = TRANSCRIPT(tenant_id=claim.tenant_id, message_id=claim.ref_id)
        around = surroundings(session, claim.ref_id, transcript, FACTS(tenant_id=claim.tenant_id), lock=False)
        if around is None or around.message.state not in WAITING or around.message.drafted_at is not None:
            return None
        contact, message, conversation, lead = around.contact, around.message, around.conversation, around.lead
        tenant = around.tenant
        said, facts = around.more
        turns, flags, gap = _turns([_keyword_meant(_Said(*row), lead, contact) for row in reversed(said)])
        if message.kind is Kind.FIRST_TEXT:  # the form is what they said last; without words it is a greeting
            asked = _asked_by_form(lead, contact.language)
            turns = (*turns, *asked) if asked else ()
        mode = ReplyMode(conversation.mode) if conversation.mode else tenant.reply_mode
        settling = _settling(session, contact, message)
        restricted = state_of(contact).restricted is not None
        return _Context(
            facts=replace(facts_in(tenant, facts), assigned=_owner(session, lead)),
            turns=turns,
            language=contact.language or tenant.languages[0],
            asked=frozenset(lead.fields),
            masked=bool(flags & {"ssn", "card"}),
            name_brand=conversation.disclosed_at is None or gap,
            stop_hint=conversation.stop_hint_at is None or now - conversation.stop_hint_at > HINT_LASTS,
            unheld=state_of(contact).held is None,
            settling=settling,
            restricted=restricted,
            silent=settling is None and (restricted or conversation.taken_over_at is not None or mode is ReplyMode.OFF),
        )


def _keyword_meant(row: _Said, lead: Lead, contact: Contact) -> _Said:
    """A keyword from a sign says which listing they ask about."""
    listing = lead.fields.get(LISTING_FIELD)
    if KEYWORD not in row.flags or not listing:
        return row
    return row._replace(body=_interest(str(listing), contact.language))


def _interest(listing: str, language: str | None) -> str:
    return INTERESTED.get(language or "", INTERESTED["en"]).format(listing)


def _asked_by_form(lead: Lead, language: str | None) -> tuple[Turn, ...]:
    """What they wrote into the form, or the listing that it was about, stands for their first text; else nothing."""
    asked, listing = (str(lead.fields.get(name) or "") for name in (MESSAGE_FIELD, LISTING_FIELD))
    words = asked or (_interest(listing, language) if listing else "")
    return (Turn(Author.LEAD.value, words, lead.created_at, ""),) if words else ()


def _owner(session: TenantSession, lead: Lead) -> str:
    """The name of who has the lead, "" for nobody or for one who has left."""
    agent = session.get(Agent, lead.assigned_to) if lead.assigned_to else None
    return agent.name if agent is not None and agent.disabled_at is None else ""


class _Said(NamedTuple):
    """What a draft needs of one text."""

    direction: str
    author: str
    purpose: str | None
    kind: str | None
    reason: str | None
    body: str
    media_count: int
    flags: list[str]
    created_at: datetime
    sent_at: datetime | None


def _transcript() -> Prepared:
    opened = (
        select(Episode.opened_at)
        .where(
            Episode.tenant_id == Conversation.tenant_id,
            Episode.conversation_id == Conversation.id,
            Episode.closed_at.is_(None),
        )
        .limit(literal_column("1"))
        .scalar_subquery()
    )
    asked = aliased(Message)
    return prepared(
        select(*(getattr(Message, name) for name in _Said._fields))
        .select_from(asked)
        .join(Conversation, (Conversation.tenant_id == asked.tenant_id) & (Conversation.id == asked.conversation_id))
        .join(
            Message,
            (Message.tenant_id == Conversation.tenant_id) & (Message.conversation_id == Conversation.id),
        )
        .where(
            asked.tenant_id == bindparam("tenant_id"),
            asked.id == bindparam("message_id"),
            Message.state.in_([literal_column(f"'{state.value}'") for state in IN_TRANSCRIPT]),
            Message.created_at >= func.coalesce(opened, Conversation.created_at),
        )
        .order_by(*(column.desc() for column in transcript_order()))
        .limit(literal_column(f"{TURNS}"))
    )


TRANSCRIPT = _transcript()


def _turns(rows: Sequence[_Said]) -> tuple[tuple[Turn, ...], set[str], bool]:
    """The transcript since the last close, oldest first; the flags of the unanswered burst; whether a day was silent."""
    rows = [row for row in rows if CONSENT_WORD not in row.flags and row.reason not in NOT_CONTEXT]
    flags: set[str] = set()
    gap = True
    before: datetime | None = None
    for row in rows:
        at = row.sent_at or row.created_at
        if row.author in (Author.AI, Author.AGENT):  # a system text, such as a reminder, answers nothing
            flags = set()
        elif row.direction == Direction.INBOUND:
            if not flags:
                gap = before is None or at - before > SILENCE
            flags |= set(row.flags) | {"burst"}
        before = at
    turns = tuple(
        Turn(Author(row.author).value, _words(row), row.sent_at or row.created_at, row.kind or "")
        for row in rows
        if row.purpose != Purpose.COMPLIANCE
    )
    return turns, flags, gap


def _words(row: _Said) -> str:
    return PICTURE if row.media_count and not row.body.strip() else row.body


def _settling(session: TenantSession, contact: Contact, message: Message) -> str | None:
    """The words that hold everything, when the text that this would answer is among them: all since the hold began.

    A second unclear text voids the first one's answer, and the second look with it, so that it takes both.
    """
    held = state_of(contact).held
    if held is None or message.in_reply_to is None:
        return None
    began = select(ConsentEvent.seq).where(
        ConsentEvent.tenant_id == session.tenant_id, ConsentEvent.id == held.event_id
    )
    causes = session.scalars(
        select(ConsentEvent.message_id)
        .where(
            ConsentEvent.tenant_id == session.tenant_id,
            ConsentEvent.contact_id == contact.id,
            ConsentEvent.kind == EventKind.HOLD,
            ConsentEvent.seq >= began.scalar_subquery(),
        )
        .order_by(ConsentEvent.seq)
    ).all()
    if message.in_reply_to not in causes or None in causes:
        return None  # no text of this hold; or a form's words hold too, which stand in no text: a person reads those
    return "\n".join(session.get_one(Message, cause).body for cause in causes if cause is not None)


def _settle_hold(runtime: Runtime, claim: work.Claim, second: Second) -> bool:
    """Turn the hold into an opt-out, into nothing, or leave it to a person. True when the answer may be drafted."""
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        message = session.get_one(Message, claim.ref_id)
        contact = lock(session, message.contact_id)
        assert contact is not None  # the message's foreign key
        message = session.get_one(Message, claim.ref_id, populate_existing=True)
        if message.state not in WAITING or state_of(contact).held is None:
            if message.state in WAITING:
                return True  # a person or a newer text has settled it meanwhile
            work.finish(session, claim)
            return False
        tenant = tenant_of(session, claim.tenant_id)

        def note(kind: EventKind, purposes: Sequence[Purpose] = (), basis: Basis | None = None) -> UUID:
            fact = Fact(
                kind,
                now,
                "second_stage",
                {"address": contact.address, "message_id": str(message.in_reply_to)},
                purposes=purposes,
                basis=basis,
                rule=second.rule,
                rule_version=SECOND_STAGE_VERSION,
                message_id=message.in_reply_to,
            )
            return append(session, contact, runtime.cipher(tenant.data_key), fact, actor=SYSTEM, now=now)

        if second.settled is Settled.NOT_OPT_OUT:
            note(EventKind.RESUME)
            note(EventKind.INQUIRY, basis=Basis.CONVERSATIONAL)
            return True
        conversation = session.get_one(Conversation, message.conversation_id)
        if second.settled is Settled.OPT_OUT:
            event_id = note(EventKind.OPT_OUT, CONSENTED)
            outbox.cancel_waiting(session, contact.id, Reason.OPTED_OUT, now=now, actor=SYSTEM)
            _confirm_opt_out(session, tenant, conversation, contact, event_id, message, now)
            return False
        message.state, message.reason = State.BLOCKED, Reason.HELD.value
        outbox.burst_over(session, message)
        add_task(
            session,
            "settle_hold",
            message.in_reply_to or message.id,
            conversation_id=conversation.id,
            now=now,
            actor=SYSTEM,
            cause=CAUSE,
            reason=second.rule,
        )
        raise_alert(
            session, "held", str(conversation.id), now=now, actor=SYSTEM, cause=CAUSE, conversation_id=conversation.id
        )
        work.finish(session, claim)
        return False


def _confirm_opt_out(
    session: TenantSession,
    tenant: Tenant,
    conversation: Conversation,
    contact: Contact,
    event_id: UUID,
    message: Message,
    now: datetime,
) -> None:
    asked = session.get(Message, message.in_reply_to) if message.in_reply_to else None
    put_compliance_text(
        session,
        tenant=tenant,
        our_number=session.get_one(Number, conversation.number_id).number,
        conversation=conversation,
        contact=contact,
        permit=PermitKind.OPT_OUT_CONFIRMATION,
        event_id=event_id,
        at=asked.created_at if asked else now,  # five minutes count from their words, not from our understanding
        now=now,
        in_reply_to=message.in_reply_to,
    )


def draft(runtime: Runtime, model: ChatModel | None, context: _Context) -> _Drafted:
    """The checked decision. Code decides first; a model writes only where the rules leave it room."""
    now = runtime.clock.now()
    if not context.turns:  # a form without words
        hello = text_for(f"first_text_{context.facts.vertical}", context.language)
        return _Drafted(ReplyDecision(Action.REPLY, hello, context.language), "builtin", {"rule": "first_text"})
    own = Assistant(context.facts).answer(
        context.turns, language=context.language, now=now, asked=context.asked, masked=context.masked
    )
    # A person asked for, danger, the law, a sensitive number: never left to a model.
    by_rule = own.action in (Action.HAND_OFF, Action.STAY_SILENT) or own.guard is not None
    if model is None or by_rule:
        return _Drafted(own, "builtin", {"rule": own.guard or own.kind.value})
    return _by_model(runtime, model, context, own, now)


def _by_model(runtime: Runtime, model: ChatModel, context: _Context, own: ReplyDecision, now: datetime) -> _Drafted:
    deadline = time.monotonic() + runtime.settings.model_budget_s
    messages = messages_for(context.facts, context.turns, language=context.language, now=now)
    tries: list[dict[str, Any]] = []
    raw: str | None = None
    while (left_s := deadline - time.monotonic()) > (0 if not tries else REWRITE_NEEDS_S) and len(tries) < 2:
        try:
            said = model.answer(messages, schema=DECISION_SCHEMA, schema_name="reply_decision", budget_s=left_s)
            raw = said.content
            attempt: dict[str, Any] = {
                "model": said.model,
                "prompt_tokens": said.prompt_tokens,
                "completion_tokens": said.completion_tokens,
                "elapsed_s": round(said.elapsed_s, 3),
            }
            tries.append(attempt)
            decision = replace(parse_decision(raw), source=Source.MODEL)
        except ModelFailed as failure:
            tries.append({"failed": failure.kind})
            break
        objection = _objection(context, decision, now)
        if objection is None:
            return _Drafted(decision, "model", {"tries": tries}, raw)
        attempt["objection"] = objection
        messages = [
            *messages,
            {"role": "assistant", "content": masked(raw).text},
            {"role": "user", "content": json.dumps({"refused_because": objection, "write_it_again": True})},
        ]
    # Away, slow or wrong: the deterministic answer, in time. Where the rules know no answer, the safe one.
    safe = own if own.kind is not ReplyKind.UNKNOWN else fallback(context.facts, context.language, "model")
    safe = replace(safe, source=Source.FALLBACK, kind=ReplyKind.FALLBACK, staff_note=StaffNote.AI_FAILURE)
    return _Drafted(safe, "fallback", {"tries": tries}, raw)


def _objection(context: _Context, decision: ReplyDecision, now: datetime) -> str | None:
    if decision.action is Action.STAY_SILENT:
        return None
    objection = objection_to(
        decision.text,
        facts=context.facts,
        turns=context.turns,
        language=context.language,
        decision_source=decision.source,
        allowed_phones=[context.facts.phone] if context.facts.phone else [],
        allowed_links=[context.facts.secure_url] if context.facts.secure_url else [],
        now=now,
    )
    return None if objection is None else f"{objection.kind.value}: {objection.detail}"


def _store(runtime: Runtime, claim: work.Claim, context: _Context, drafted: _Drafted) -> bool:
    """Keep the draft if it is still wanted. True when it is to be sent.

    Raises LeaseLost when another worker has the row by now, or a newer text or a STOP has voided the answer.
    """
    decision = drafted.decision
    with runtime.transaction(claim.tenant_id) as session:
        now = runtime.clock.now()
        # A worker that was frozen while the model thought must change nothing: its row is in other hands.
        hold = work.EXTEND(work_id=claim.id, token=claim.token, until=now + timedelta(seconds=work.LEASE_S))
        around = surroundings(session, claim.ref_id, hold, lock=True)
        work.still_held(claim, around.more[0] if around else [])
        assert around is not None  # whoever deletes a message drops its work
        message, conversation, tenant = around.message, around.conversation, around.tenant
        if message.state not in WAITING or message.drafted_at is not None:  # it no longer waits for words
            work.finish(session, claim)
            return False
        silent = decision.action is Action.STAY_SILENT
        body = (
            ""
            if silent
            else disclosed(
                decision.text,
                context.facts.brand,
                decision.language,
                name_brand=context.name_brand,
                say_ai=context.name_brand,
                stop_hint=context.stop_hint,
            )
        )
        said = [
            word
            for word, true in (
                ("discloses", context.name_brand),
                ("stop_hint", context.stop_hint),
                ("handoff", decision.action is Action.HAND_OFF),
            )
            if true and not silent
        ]
        put_changes(session, message)
        kind = Kind.FIRST_TEXT if message.kind is Kind.FIRST_TEXT else KINDS[decision.kind]
        message.body, message.kind, message.language = body, kind, decision.language
        message.drafted_at, message.flags = now, [*message.flags, *said]
        message.state = State.BLOCKED if silent else State.QUEUED
        message.reason = _silence_reason(decision).value if silent else None
        trace_id = uuid4()
        put_object(
            session,
            Trace(
                id=trace_id,
                tenant_id=claim.tenant_id,
                message_id=claim.ref_id,
                at=now,
                source=decision.source.value,
                outcome=drafted.outcome,
                details={
                    **drafted.details,
                    "action": decision.action.value,
                    "facts_used": list(decision.facts_used),
                    "guard": decision.guard,
                    "handoff": decision.handoff_reason.value if decision.handoff_reason else None,
                },
                content=None
                if drafted.raw is None
                else runtime.cipher(tenant.data_key).encrypt_text(
                    drafted.raw, tenant_id=claim.tenant_id, table="traces", column="content", row=trace_id
                ),
            ),
        )
        _note_fields(session, conversation, decision, message.in_reply_to)
        _leave_to_people(session, conversation, decision, claim.ref_id, now)
        if silent:
            conversation.burst_started_at = None
            work.finish(session, claim)
        failpoint("replies.before_store_commit")
        return not silent


def _silence_reason(decision: ReplyDecision) -> Reason:
    """Why nothing is said: they are not interested, or what they wrote was an acknowledgement."""
    return Reason.NOT_INTERESTED if decision.staff_note is StaffNote.NOT_INTERESTED else Reason.REACTION


def _note_fields(
    session: TenantSession, conversation: Conversation, decision: ReplyDecision, message_id: UUID | None
) -> None:
    """What the lead said about their wishes, with the text it comes from; what a person entered wins for ever."""
    if not decision.field_notes:
        return
    lead = session.get_one(Lead, conversation.lead_id)
    fields = dict(lead.fields)
    wishes = dict(decision.field_notes)
    name = wishes.pop(NAME, None)
    if name and not lead.name:
        lead.name = name
    for name, value in wishes.items():
        before = fields.get(name)
        if not isinstance(before, dict) or before.get("by") != "agent":
            fields[name] = {"value": value, "message_id": str(message_id), "by": "ai"}
    lead.fields = fields


def _leave_to_people(
    session: TenantSession, conversation: Conversation, decision: ReplyDecision, message_id: UUID, now: datetime
) -> None:
    """The task and the alerts of a handoff or of a note for the staff."""
    reason = decision.handoff_reason
    if reason is not None:
        conversation.handoff_reason = reason.value
        add_task(
            session,
            "handoff",
            message_id,
            conversation_id=conversation.id,
            now=now,
            actor=SYSTEM,
            cause=CAUSE,
            reason=reason.value,
        )
        for role in sorted(alerted_roles(reason)):
            raise_alert(
                session,
                "handoff",
                f"{conversation.id}:{role}",
                now=now,
                actor=SYSTEM,
                cause=CAUSE,
                role=Role(role),
                conversation_id=conversation.id,
            )
    elif decision.staff_note is not None:
        add_task(
            session,
            decision.staff_note.value,
            message_id,
            conversation_id=conversation.id,
            now=now,
            actor=SYSTEM,
            cause=CAUSE,
            reason=decision.staff_note.value,
        )
