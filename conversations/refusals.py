"""What people write into the message field of a form about texts: read as a text of theirs would be, before their tick.

47 CFR 64.1200(a)(10): a reasonable way of saying that texts are not wanted counts wherever it is said. A box that they
ticked on the same page takes nothing of it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.ledger import Fact, append
from consent.models import Contact
from consent.purposes import CONSENTED, Purpose, Reason
from consent.state import EventKind
from consent.words import Judgement, Scope, Verdict, judge
from conversations import outbox
from conversations.models import Conversation
from conversations.people import add_task, raise_alert
from smsbot.actor import Actor
from smsbot.crypto import DataCipher
from smsbot.database import TenantSession

HOLD = "settle_hold"  # the task of saying what was meant
HELD = "held"  # the alert
NO_MARKETING = "partial:marketing"


def refusal_in(message: str | None, own_words: Iterable[str] = ()) -> Judgement | None:
    """What `message` says against texts, for certain or perhaps; None when it says nothing. `own_words`: the tenant's."""
    if not message:
        return None
    said = judge(message, extra_opt_out=own_words)
    return said if said.verdict in (Verdict.OPT_OUT, Verdict.AMBIGUOUS) else None


def kind_of(said: Judgement, *, opted_out: bool) -> EventKind:
    """What it is in the ledger. `opted_out`: they had ended everything before, and then nothing less is left to end."""
    if said.verdict is Verdict.AMBIGUOUS:
        return EventKind.HOLD
    partial = said.scope is Scope.PARTIAL and NO_MARKETING in said.tags
    return EventKind.OPT_OUT_PARTIAL if partial and not opted_out else EventKind.OPT_OUT


def record_refusal(
    session: TenantSession,
    conversation: Conversation,
    contact: Contact,
    cipher: DataCipher,
    said: Judgement,
    kind: EventKind,
    *,
    method: str,
    evidence: Mapping[str, Any],
    actor: Actor,
    cause: str,
    now: datetime,
) -> UUID:
    """Write it down and cancel what waits for them; nothing is sent to them for it. The caller holds the contact's lock.

    What may be an opt-out stops everything automatic until a person has said what it means.
    """
    ended = {EventKind.OPT_OUT: CONSENTED, EventKind.OPT_OUT_PARTIAL: (Purpose.MARKETING,)}
    fact = Fact(
        kind,
        now,
        method,
        {**evidence, "verdict": said.verdict.value},
        purposes=ended.get(kind, ()),
        rule=said.rule,
        rule_version=said.version,
    )
    if "voice_opt_out" in said.tags:
        voice = replace(fact, kind=EventKind.VOICE_OPT_OUT, purposes=(), channel="voice")
        append(session, contact, cipher, voice, actor=actor, now=now)
    event_id = append(session, contact, cipher, fact, actor=actor, now=now)
    if kind is EventKind.OPT_OUT:
        outbox.cancel_waiting(session, contact.id, Reason.OPTED_OUT, now=now, actor=actor)
        conversation.burst_started_at = None
    elif kind is EventKind.HOLD:
        outbox.cancel_waiting(session, contact.id, Reason.HELD, now=now, actor=actor, automated=True)
        conversation.burst_started_at = None
        add_task(
            session,
            HOLD,
            event_id,
            conversation_id=conversation.id,
            now=now,
            actor=actor,
            cause=cause,
            reason=said.rule,
        )
        raise_alert(
            session, HELD, str(conversation.id), now=now, actor=actor, cause=cause, conversation_id=conversation.id
        )
    return event_id
