"""Leads and texts for the tests of sending, made through the product's own functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, update

from consent.ledger import Fact, append, lock
from consent.models import Contact
from consent.purposes import CONSENTED, Purpose
from consent.state import Basis, EventKind
from conversations import outbox
from conversations.inbound import contact_for, lead_for, open_conversation
from conversations.models import Alert, Conversation, Message, Task
from conversations.vocabulary import Author, Kind
from smsbot import failpoints, work
from smsbot.actor import SYSTEM
from smsbot.bell import BACKGROUND, REPLIES
from smsbot.failpoints import FailpointRaised
from smsbot.phone import address
from smsbot.tenancy import Fact as TenantFact
from smsbot.tenancy import Number, Tenant
from tests.world import LEAD, START, Business, World
from worker import handlers

WRITTEN = Fact(EventKind.OPT_IN, START, "form", {}, purposes=CONSENTED, basis=Basis.EXPRESS_WRITTEN)
INQUIRED = Fact(EventKind.INQUIRY, START, "form", {}, basis=Basis.INQUIRY)
HELD = Fact(EventKind.HOLD, START, "sms_text", {})
STOPPED = Fact(EventKind.OPT_OUT, START, "sms_keyword", {})


@dataclass(frozen=True)
class Person:
    """A contact with a conversation, and the ids of the ledger's events about them."""

    contact_id: UUID
    conversation_id: UUID
    number: str
    business: Business
    events: tuple[UUID, ...]


def person(
    world: World, *facts: Fact, number: str = LEAD, business: Business | None = None, at: datetime | None = None
) -> Person:
    """Somebody we know, with these facts in the ledger at `at` (now when not said)."""
    business = business or world.home
    now = world.clock.now()
    cipher = world.runtime.cipher(business.data_key)
    with world.runtime.transaction(business.id) as session:
        contact = contact_for(session, address(number))
        lead = lead_for(session, contact, source="form", now=now)
        conversation = open_conversation(session, lead, contact, business.number_id, now)
        conversation.last_inbound_at = at or now
        events = tuple(
            append(session, contact, cipher, replace(fact, at=at or now), actor=SYSTEM, now=now) for fact in facts
        )
        return Person(contact.id, conversation.id, number, business, events)


def known(world: World) -> Person:
    """The one person who has written to us."""
    conversation, contact = world.conversation(), world.contact()
    return Person(contact.id, conversation.id, contact.address, world.home, ())


def note(world: World, who: Person, fact: Fact) -> UUID:
    """One more fact about somebody, now."""
    now = world.clock.now()
    with world.runtime.transaction(who.business.id) as session:
        contact = lock(session, who.contact_id)
        assert contact is not None
        cipher = world.runtime.cipher(who.business.data_key)
        return append(session, contact, cipher, replace(fact, at=now), actor=SYSTEM, now=now)


def put(
    world: World,
    who: Person,
    purpose: Purpose = Purpose.APPOINTMENT,
    body: str = "See you tomorrow at 3 PM.",
    *,
    author: Author = Author.SYSTEM,
    kind: Kind = Kind.REMINDER,
    **more: Any,
) -> UUID:
    """A text in the outbox; its id."""
    with world.runtime.transaction(who.business.id) as session:
        return outbox.put(
            session,
            conversation=session.get_one(Conversation, who.conversation_id),
            author=author,
            purpose=purpose,
            kind=kind,
            body=body,
            now=world.clock.now(),
            **more,
        )


def put_fact(world: World, kind: str, ref: str, content: dict[str, object], business: Business | None = None) -> None:
    """One fact that may be quoted, current as of now."""
    business = business or world.home
    with world.runtime.transaction(business.id) as session:
        session.add(TenantFact(tenant_id=business.id, kind=kind, ref=ref, content=content, as_of=world.clock.now()))


def stored(world: World, message_id: UUID, business: Business | None = None) -> Message:
    with world.runtime.transaction((business or world.home).id) as session:
        return session.get_one(Message, message_id)


def change(world: World, table: type[Any], business: Business | None = None, **values: Any) -> None:
    """Set columns of every row of `table` of this tenant, as a page of the dashboard would."""
    business = business or world.home
    with world.runtime.transaction(business.id) as session:
        column = Tenant.id if table is Tenant else table.tenant_id
        session.execute(update(table).where(column == business.id).values(**values))


def number_of(world: World, business: Business | None = None) -> Number:
    (number,) = world.rows(Number, of=business or world.home)
    assert isinstance(number, Number)
    return number


def tasks(world: World) -> list[tuple[str, str | None]]:
    return sorted(((task.kind, task.reason) for task in world.rows(Task)), key=str)


def alerts(world: World) -> list[tuple[str, str]]:
    return sorted((alert.kind, alert.role) for alert in world.rows(Alert))


def end_leases(world: World, business: Business | None = None) -> None:
    """Ten seconds pass for the database's own clock, which a test cannot set."""
    business = business or world.home
    with world.runtime.transaction(business.id) as session:
        session.execute(
            update(Contact)
            .where(Contact.tenant_id == business.id, Contact.lease_until.is_not(None))
            .values(lease_until=func.clock_timestamp())
        )


def run(world: World, claim: work.Claim, queue: str = REPLIES) -> None:
    """Do one claimed row as a worker's thread would, its errors not caught."""
    model = world.model if world.with_model else None
    handlers(world.runtime, world.carrier, model)[queue][claim.kind](claim)


def claimed(world: World, queue: str = REPLIES) -> work.Claim:
    """The next due row, claimed."""
    (claim,) = work.claim(world.runtime.engine, queue, world.clock.now())
    return claim


def due(world: World, queue: str = REPLIES) -> Sequence[work.Work]:
    return [row for row in world.due() if row.queue == queue]


def crash_at(world: World, monkeypatch: pytest.MonkeyPatch, point: str, queue: str = REPLIES) -> work.Claim:
    """Claim the next row and die at `point`: nothing after it happens, nobody gives the row back."""
    claim = claimed(world, queue)
    with monkeypatch.context() as patched:
        patched.setitem(failpoints.ACTIVE, point, ("raise", 0.0, 1.0))
        with pytest.raises(FailpointRaised):
            run(world, claim, queue)
    return claim


def with_settings(world: World, **changes: Any) -> None:
    """Other settings from here on, such as `number_mps`."""
    world.settings = world.runtime.settings = replace(world.settings, **changes)


__all__ = ["BACKGROUND", "HELD", "INQUIRED", "REPLIES", "STOPPED", "WRITTEN", "Person"]
