"""The past of the demo tenants, played through the product's own use cases at the times it is said to have happened.

Nothing leaves: the carrier of the past takes every text and reports it delivered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from consent.ledger import lock, seal
from consent.models import Contact
from consent.purposes import Purpose
from conversations import outbox, replies
from conversations.callbacks import StatusReport, report
from conversations.inbound import InboundText, accept
from conversations.models import Author, Conversation, Direction, Kind, Lead, Message, State
from conversations.people import take_over
from smsbot.accounts import Recipient
from smsbot.actor import Actor, ActorKind, Role
from smsbot.clock import OffsetClock
from smsbot.gateways.carrier import Accepted, CarrierCredentials, CarrierMessage, OutgoingSms
from smsbot.phone import address
from smsbot.runtime import Runtime
from smsbot.segments import segmentation
from smsbot.tenancy import Agent, Fact, Login, Number, Tenant
from smsbot.work import LEASE_S, Claim, Work

LEAD = "lead"
CAUSE = "demo"
NO_PACE = 1_000_000.0
PAST_URL = "http://127.0.0.1"  # never called: `PastCarrier` answers in this process
DELIVERED_AFTER = timedelta(seconds=3)


class PastCarrier:
    """Takes every text. Message ids follow from `seed` and the text's place, so that no two are the same."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._taken = 0

    def send(self, credentials: CarrierCredentials, sms: OutgoingSms, *, not_after: float) -> Accepted:
        self._taken += 1
        return Accepted(_sid(self._seed, "out", self._taken), "queued", segmentation(sms.body).segments)

    def messages_to(self, credentials: CarrierCredentials, number: str, limit: int = 50) -> list[CarrierMessage]:
        return []

    def messages_received(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = 1000
    ) -> list[CarrierMessage]:
        return []

    def fetch(self, credentials: CarrierCredentials, provider_sid: str) -> CarrierMessage | None:
        return None

    def redact(self, credentials: CarrierCredentials, provider_sid: str) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Step:
    """One text of the past: when, between whom, and what. `author` is "lead" or a member of staff's e-mail."""

    at: datetime
    lead: Mapping[str, Any]
    place: int
    author: str
    body: str


def steps_of(leads: Sequence[Mapping[str, Any]], zone: ZoneInfo, now: datetime) -> list[Step]:
    """Every text of the past, oldest first."""
    found = []
    for lead in leads:
        if "minutes_ago" in lead:
            begins = now - timedelta(minutes=lead["minutes_ago"])
        else:
            day = now.astimezone(zone).date() - timedelta(days=lead["days_ago"])
            begins = datetime.combine(day, time.fromisoformat(lead["at"]), tzinfo=zone).astimezone(now.tzinfo)
        for place, (minutes, author, body) in enumerate(lead["texts"]):
            found.append(Step(begins + timedelta(minutes=minutes), lead, place, author, body))
    return sorted(found, key=lambda step: step.at)


def play(runtime: Runtime, tenant: Tenant, number: Number, leads: Sequence[Mapping[str, Any]]) -> int:
    """Play the past of one tenant; what was played before is left alone. Returns how many texts came in or went out."""
    clock = OffsetClock()
    # The past has a carrier of its own; that a stand-in is named lets the demo's made-up accounts send at all.
    settings = replace(runtime.settings, reply_wait_s=0.0, number_mps=NO_PACE, simulator_url=PAST_URL)
    past = Runtime(settings, clock, runtime.engine, runtime.bell, runtime.keyring)
    carrier = PastCarrier(f"{tenant.id}")
    recipient = Recipient(
        tenant.id, number.id, number.number, number.sender_type, number.opt_out_handling, tenant.brand, tenant.zone,
        tuple(tenant.languages), tuple(tenant.extra_opt_out_words), tenant.data_key,
    )  # fmt: skip
    played = 0
    with runtime.transaction(tenant.id) as session:
        known = set(session.scalars(select(Message.provider_sid).where(Message.tenant_id == tenant.id)))
    for step in steps_of(leads, ZoneInfo(tenant.zone), runtime.clock.now()):
        clock.set(step.at)
        sid = _sid(number.number, step.lead["number"], step.place)
        if sid in known:
            continue
        _date_facts(past, tenant.id)
        if step.author == LEAD:
            text = InboundText(sid, address(step.lead["number"]), address(number.number), step.body, segments=1)
            received = accept(past, recipient, text, cause=CAUSE)
            _name(past, tenant.id, received.contact_id, step.lead)
        elif not _staff_text(past, tenant.id, step):
            continue
        played += 1 + _work_off(past, carrier, tenant.id)
    with past.transaction(tenant.id) as session:
        clock.set(runtime.clock.now())
        seal(session, clock.now())
    return played


def _date_facts(past: Runtime, tenant_id: UUID) -> None:
    """What is true today was true then: an answer of the past must not quote a day that was to come."""
    with past.transaction(tenant_id) as session:
        session.execute(update(Fact).where(Fact.tenant_id == tenant_id).values(as_of=past.clock.now()))


def _work_off(past: Runtime, carrier: PastCarrier, tenant_id: UUID) -> int:
    """Do what this tenant has due at that moment, and have the carrier report it delivered. Returns how many left."""
    while claims := list(_claims(past, tenant_id)):
        for claim in claims:
            if claim.kind == outbox.REPLY:
                replies.answer(past, carrier, None, claim)
            else:
                outbox.deliver(past, carrier, claim)
    with past.transaction(tenant_id) as session:
        left = session.execute(
            select(Message.id, Message.provider_sid).where(
                Message.tenant_id == tenant_id,
                Message.direction == Direction.OUTBOUND,
                Message.state == State.SENT,
                Message.provider_sid.is_not(None),
                Message.created_at >= past.clock.now() - timedelta(minutes=1),
            )
        ).all()
    for message_id, sid in left:
        assert sid is not None  # asked for above
        report(past, tenant_id, message_id, StatusReport(sid, "delivered"))
    return len(left)


def _claims(past: Runtime, tenant_id: UUID) -> Iterator[Claim]:
    """Leases on the due rows of this tenant alone: nothing of another one must move while we are in the past."""
    now = past.clock.now()
    with past.transaction(tenant_id) as session:
        rows = session.execute(
            update(Work)
            .where(
                Work.tenant_id == tenant_id,
                Work.kind.in_((outbox.REPLY, outbox.SEND)),
                Work.due_at <= now,
                Work.lease_until.is_(None),
                Work.quarantined_at.is_(None),
            )
            .values(lease_token=uuid4(), lease_until=now + timedelta(seconds=LEASE_S), attempts=Work.attempts + 1)
            .returning(
                Work.id, Work.tenant_id, Work.kind, Work.ref_id, Work.contact_id, Work.attempts, Work.lease_token,
                Work.due_at,
            )
        ).all()  # fmt: skip
    for row in rows:
        assert row.lease_token is not None  # set just now
        yield Claim(
            row.id, row.tenant_id, row.kind, row.ref_id, row.contact_id, row.attempts, row.lease_token, row.due_at
        )


def _name(past: Runtime, tenant_id: UUID, contact_id: UUID, written: Mapping[str, Any]) -> None:
    """What the staff has learned since: the lead's name, and whose lead it is."""
    with past.transaction(tenant_id) as session:
        lead = session.scalars(select(Lead).where(Lead.tenant_id == tenant_id, Lead.contact_id == contact_id)).one()
        lead.name = lead.name or written["name"]
        if lead.assigned_to is None and "assigned" in written:
            lead.assigned_to = session.scalars(
                select(Agent.id)
                .join(Login, Login.id == Agent.login_id)
                .where(Agent.tenant_id == tenant_id, Login.email == written["assigned"])
            ).one()


def _staff_text(past: Runtime, tenant_id: UUID, step: Step) -> bool:
    """A member of staff takes the conversation over and writes. False when that was played before."""
    now = past.clock.now()
    with past.transaction(tenant_id) as session:
        agent = session.execute(
            select(Agent.id, Agent.role)
            .join(Login, Login.id == Agent.login_id)
            .where(Agent.tenant_id == tenant_id, Login.email == step.author)
        ).one()
        contact_id = session.scalars(
            select(Contact.id).where(
                Contact.tenant_id == tenant_id, Contact.address == address(step.lead["number"]).value
            )
        ).one()
        lock(session, contact_id)
        conversation = session.scalars(
            select(Conversation).where(Conversation.tenant_id == tenant_id, Conversation.contact_id == contact_id)
        ).one()
        written = select(Message.id).where(
            Message.tenant_id == tenant_id,
            Message.conversation_id == conversation.id,
            Message.author == Author.AGENT,
            Message.body == step.body,
        )
        if session.execute(written).first() is not None:
            return False
        actor = Actor(ActorKind.STAFF, agent.id, Role(agent.role))
        take_over(session, conversation, actor=actor, now=now, cause=CAUSE)
        outbox.put(
            session,
            conversation=conversation,
            author=Author.AGENT,
            purpose=Purpose.REPLY,
            kind=Kind.AGENT_TEXT,
            body=step.body,
            now=now,
            agent_id=agent.id,
        )
    return True


def _sid(*parts: object) -> str:
    """A message id of the carrier's shape; the same parts give the same one, so that a repeat is known as such."""
    return "SM" + hashlib.sha256("|".join(map(str, ("demo", *parts))).encode()).hexdigest()[:32]
