"""Ledgers to break: two contacts with five events each, sealed twice, and a superuser whom no trigger stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import select

from consent.ledger import Broken, Fact, Verified, append, lock, seal, verify
from consent.models import ConsentEvent, Contact
from consent.purposes import Purpose
from consent.state import Basis, EventKind
from conversations.inbound import contact_for
from smsbot.actor import Actor, ActorKind
from smsbot.crypto import DataCipher
from smsbot.phone import address
from tests.world import Business, World

FIRST, SECOND = "+13125550171", "+13125550172"
KINDS = (EventKind.INQUIRY, EventKind.OPT_IN, EventKind.HELP, EventKind.HOLD, EventKind.OPT_OUT)

# The smallest change of a value, by the type of its column: one bit, or one letter.
FLIPPED = {
    "bytea": "CASE WHEN {0} = '' THEN '\\x01' ELSE set_byte({0} || '\\x00', 0, get_byte({0} || '\\x00', 0) # 1) END",
    "uuid": "encode(set_byte(uuid_send({0}), 0, get_byte(uuid_send({0}), 0) # 1), 'hex')::uuid",
    "smallint": "({0} # 1)::smallint",
    "bigint": "{0} # 64",  # far from the other seqs, so that no unique key gives it away
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "jsonb": "overlay({0}::text placing chr(ascii(substr({0}::text, 5, 1)) # 1) from 5 for 1)::jsonb",
    "character varying": "overlay({0} placing chr(ascii({0}) # 1) from 1 for 1)",
}


class Chains:
    """Five events each of two contacts of one tenant; `sealed` after the third event and after the fifth."""

    def __init__(self, world: World, *, sealed: bool = False) -> None:
        self.world = world
        self.tenant: Business = world.home
        self.contacts: list[UUID] = []
        for number in (FIRST, SECOND):
            with world.runtime.transaction(self.tenant.id) as session:
                self.contacts.append(contact_for(session, address(number)).id)
        self.contacts.sort()
        for kind in KINDS[:3]:
            self.grow(kind)
        if sealed:
            self.seal()
        for kind in KINDS[3:]:
            self.grow(kind)
        if sealed:
            self.seal()

    @property
    def cipher(self) -> DataCipher:
        return self.world.runtime.cipher(self.tenant.data_key)

    def grow(self, kind: EventKind) -> None:
        for contact_id in self.contacts:
            self.append(contact_id, kind)
        self.world.later(seconds=1)

    def append(self, contact_id: UUID, kind: EventKind, *, at: datetime | None = None) -> UUID:
        now = self.world.clock.now()
        fact = Fact(
            kind,
            at or now - timedelta(minutes=1),
            "sms_text",
            {"address": FIRST, "words": "hello"},
            purposes=(Purpose.REPLY, Purpose.MARKETING),
            basis=Basis.EXPRESS,
            rule="plain.words",
            rule_version="1",
            message_id=uuid4(),
        )
        with self.world.runtime.transaction(self.tenant.id) as session:
            contact = lock(session, contact_id)
            assert contact is not None
            return append(session, contact, self.cipher, fact, actor=Actor(ActorKind.LEAD, contact_id), now=now)

    def seal(self) -> None:
        with self.world.runtime.transaction(self.tenant.id) as session:
            assert seal(session, self.world.clock.now()) is not None

    def verify(self) -> Verified | Broken:
        with self.world.runtime.transaction(self.tenant.id) as session:
            return verify(session, self.cipher)

    def events(self, contact_id: UUID) -> list[ConsentEvent]:
        with self.world.runtime.transaction(self.tenant.id) as session:
            query = select(ConsentEvent).where(ConsentEvent.contact_id == contact_id).order_by(ConsentEvent.seq)
            return list(session.scalars(query))

    def contact(self, contact_id: UUID) -> Contact:
        with self.world.runtime.transaction(self.tenant.id) as session:
            return session.get_one(Contact, contact_id)


@contextmanager
def tampering(superuser_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A superuser with triggers and foreign keys off: whoever owns the machine."""
    with psycopg.connect(superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection
