"""Two tenants in one database, each with rows in every table, and marks that only the second one's rows hold."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from sqlalchemy import select

from consent.models import Disclosure, Form, PolicySetting, Suppression
from conversations.inbound import MEDIA
from conversations.models import Conversation, KeywordRoute, LeadImport, Media, Message
from scheduler import seal_tenant
from smsbot import work
from smsbot.actor import Role
from smsbot.api_keys import new_api_key
from smsbot.database import TenantSession
from smsbot.tenancy import (
    Agent,
    ApiKey,
    Fact,
    Heartbeat,
    IdempotencyKey,
    Link,
    Login,
    OptOutHandling,
    Tenant,
)
from tests.conftest import Database
from tests.dashboard.staff import Browser, a_browser, hire
from tests.world import Business, World

SHARED_LEAD = "+13125550171"  # writes to both
ANOTHER_LEAD_OF_B = "+12065550189"  # A may come to know this one itself
OWN_LEADS = {"a": "+13125550172", "b": "+12065550187"}
BRANDS = {"a": "Lakeside Realty", "b": "Zephyrine Motors"}
NUMBERS = {"a": "+13125550110", "b": "+12065550186"}
WORDS = {"a": "yellow heron 2207", "b": "purple walrus 8841"}
OWNER_OF_A = "owner@a-motors.example.test"
NAMES = {"a": "Ann Example", "b": "Quillon Baxendale"}


@dataclass(frozen=True)
class Side:
    """One tenant with what a test needs to speak for it, or about it."""

    letter: str
    business: Business
    api_key: str
    key_hash: bytes
    link_hash: bytes
    email: str
    own_lead: str
    ids: dict[str, UUID]  # one row of each table that has an id

    @property
    def id(self) -> UUID:
        return self.business.id

    @property
    def marks(self) -> tuple[str, ...]:
        """What stands in this tenant's rows and in nobody else's, lower case."""
        texts = (BRANDS[self.letter], WORDS[self.letter], NAMES[self.letter], self.email, f"quince-{self.letter}-mark")
        return tuple(text.lower() for text in texts)

    @property
    def digits(self) -> tuple[str, ...]:
        """Its numbers, as they would show in any way of writing them."""
        return (NUMBERS[self.letter][2:], self.own_lead[2:])


@dataclass
class Neighbours:
    world: World
    database: Database
    a: Side
    b: Side

    @cached_property
    def owner_of_a(self) -> Browser:
        """A browser of somebody who sees all of A."""
        hire(self.world, OWNER_OF_A, Role.OWNER, of=self.a.business, name="Olive Example")
        return a_browser(self.world)

    def rows(self, side: Side, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
        """Every row of this tenant, as text, by table."""
        with self.database.connect() as connection:
            found = {
                table: texts(connection, table, "tenant_id", side.id)
                for table in tenant_tables(connection)
                if table not in but
            }
            found["tenants"] = texts(connection, "tenants", "id", side.id)
        return found

    @cached_property
    def ids_of_b(self) -> set[UUID]:
        """Every id that stands in a row of B's and in none of A's, but B's own."""
        return self._ids(self.b) - self._ids(self.a)

    def _ids(self, side: Side) -> set[UUID]:
        pattern = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
        text = "\n".join(row for rows in self.rows(side).values() for row in rows)
        return {UUID(found) for found in pattern.findall(text)} - {side.id}

    def leaks(self, text: str, *, sent: str = "") -> list[str]:
        """Which marks, numbers and ids of B stand in `text`, but for those that A had sent itself."""
        lowered, sent = text.lower(), sent.lower()
        found = [mark for mark in self.b.marks if mark in lowered and mark not in sent]
        digits, sent_digits = re.sub(r"\D", "", text), re.sub(r"\D", "", sent)
        found += [number for number in self.b.digits if number in digits and number not in sent_digits]
        found += [str(i) for i in self.ids_of_b if str(i) in lowered and str(i) not in sent]
        return found


def tenant_tables(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Every table with a tenant_id, the partitioned ones once."""
    return [
        str(row[0])
        for row in connection.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
            " ORDER BY c.relname"
        ).fetchall()
    ]


def texts(connection: psycopg.Connection[tuple[object, ...]], table: str, column: str, tenant_id: UUID) -> list[str]:
    query = sql.SQL("SELECT t::text FROM {} AS t WHERE {} = %s ORDER BY 1").format(
        sql.Identifier(table), sql.Identifier(column)
    )
    return [str(row[0]) for row in connection.execute(query, (tenant_id,)).fetchall()]


def neighbours(world: World, database: Database) -> Neighbours:
    """Fill both tenants through the product where it has a way, by hand where it has none yet."""
    sides = {}
    for letter in ("a", "b"):
        business = world.business(
            BRANDS[letter], NUMBERS[letter], handling=OptOutHandling.OURS, service_sid=f"MG{letter * 32}"
        )
        _by_the_product(world, business, letter)
        sides[letter] = _by_hand(world, database, business, letter)
    world.text("hello", sender=ANOTHER_LEAD_OF_B, to=sides["b"].business)
    return Neighbours(world, database, sides["a"], sides["b"])


def _by_the_product(world: World, business: Business, letter: str) -> None:
    """Texts in and answers out, a refused request, a callback, a handoff, a permit, a seal, and something still due."""
    world.text(f"Hi, {WORDS[letter]}?", sender=SHARED_LEAD, to=business)
    world.drain()
    world.text("HELP", sender=SHARED_LEAD, to=business)
    world.text(f"{WORDS[letter]}: let me talk to a real person please", sender=OWN_LEADS[letter], to=business)
    world.drain()
    sent = next(message for message in world.outbound(of=business) if message.provider_sid)
    world.status(sent, "delivered", to=business)
    world.text("unsigned", to=Business(**{**vars(business), "token": "wrong"}), expect=403)
    seal_tenant(world.runtime, business.id)
    world.text(f"still there? {WORDS[letter]}", sender=SHARED_LEAD, to=business)


def _capture(session: TenantSession, business: Business, now: datetime, mark: str, agent_id: UUID) -> None:
    """A form with its words, a keyword, a list, a choice about texts, and somebody who was erased."""
    form = Form(
        token=f"form-{mark}", title=mark, source=mark, number_id=business.number_id, language="en",
        purposes=["inquiry"], draft=mark, created_at=now,
    )  # fmt: skip
    session.add(form)
    session.flush()
    session.add(
        Disclosure(
            form_id=form.id, version=1, language="en", purposes=["inquiry"], brand=mark, text=mark,
            sha256=mark.ljust(64, "0"), published_at=now,
        )
    )  # fmt: skip
    session.add(
        Link(
            purpose="form",
            ref_id=form.id,
            token_hash=hashlib.sha256(form.token.encode()).digest(),
            expires_at=now + timedelta(days=1),
        )
    )
    session.add(KeywordRoute(word=mark, source=mark, fields={"listing": mark}, created_at=now))
    session.add(
        LeadImport(
            agent_id=agent_id, file_name=mark, file_sha256=mark.ljust(64, "0"), mapping={}, rows=1, created_at=now
        )
    )
    session.add(PolicySetting(name="marketing_cap", value=3, effective_from=now, set_at=now, actor_kind="staff"))
    session.add(Suppression(address_hmac=mark.encode(), key_id="test", since=now, reason="erased", scope="tenant"))


def _by_hand(world: World, database: Database, business: Business, letter: str) -> Side:
    now = world.clock.now()
    key, key_hash = new_api_key()
    link_hash, email = uuid4().bytes * 2, f"staff-{letter}@{letter}-motors.example.test"
    media_id, agent_id, login_id, key_id = uuid4(), uuid4(), uuid4(), uuid4()
    mark = f"quince-{letter}-mark"
    cipher = world.runtime.cipher(business.data_key)
    with world.runtime.transaction(business.id) as session:
        tenant = session.get_one(Tenant, business.id)
        tenant.help_email, tenant.secure_url = email, f"https://{mark}.example.test"
        conversation = session.scalars(select(Conversation).limit(1)).one()
        message = session.scalars(select(Message).where(Message.direction == "inbound").limit(1)).one()
        session.add(Login(id=login_id, email=email, password_hash=mark))
        session.flush()
        session.add(Agent(id=agent_id, login_id=login_id, name=NAMES[letter], role=Role.AGENT))
        session.add(ApiKey(id=key_id, name=mark, key_hash=key_hash))
        session.add(
            Link(purpose="own_page", ref_id=conversation.id, token_hash=link_hash, expires_at=now + timedelta(days=1))
        )
        session.add(Fact(kind="answer", ref=mark, content={"keywords": [mark], "answer": WORDS[letter]}))
        session.add(Heartbeat(process=mark, at=now))
        session.add(
            Media(
                id=media_id,
                message_id=message.id,
                position=0,
                url=cipher.encrypt_text(
                    f"https://api.twilio.com/{mark}",
                    tenant_id=business.id,
                    table="media",
                    column="url",
                    row=media_id,
                ),
                content_type="image/png",
                state="pending",
            )
        )
        session.flush()
        session.add(
            IdempotencyKey(
                api_key_id=key_id, key=f"key-of-{letter}", request_hash=b"1", status=201, response={"id": mark}
            )
        )
        work.put(session, MEDIA, media_id, due_at=now, now=now, queue=work.BACKGROUND)
        _capture(session, business, now, mark, agent_id)
    with database.connect() as connection:
        ids: dict[str, UUID] = {}
        for table in tenant_tables(connection):
            row: Any = connection.execute(
                sql.SQL("SELECT to_jsonb(t) ->> 'id' FROM {} AS t WHERE tenant_id = %s LIMIT 1").format(
                    sql.Identifier(table)
                ),
                (business.id,),
            ).fetchone()
            if row is not None and row[0] is not None:
                ids[table] = UUID(row[0])
    ids["messages"], ids["conversations"], ids["media"] = message.id, conversation.id, media_id
    return Side(letter, business, key, key_hash, link_hash, email, OWN_LEADS[letter], ids)
