"""The carrier's webhooks as its documentation shows them, posted to a world; and what became of each text."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from consent.ledger import Fact, append, lock
from consent.models import ConsentEvent, Contact
from consent.purposes import Purpose
from consent.state import Basis, EventKind
from conversations import outbox
from conversations.models import Author, Conversation, Direction, Kind, Lead, Media, Message, State, Task
from smsbot import work
from smsbot.actor import SYSTEM
from smsbot.bell import REPLIES
from smsbot.events import Event
from smsbot.tenancy import OptOutHandling, SenderType
from tests.conftest import Database
from tests.world import Business, World
from worker import do, handlers

FOLDER = Path(__file__).parent / "data"
SMS = "/webhooks/twilio/sms"
ACCOUNT = "AC" + "0f" * 16  # the account, service and numbers of the fixtures
SERVICE = "MG" + "5e" * 16
OURS = "+14155550123"
THEIRS = "+14155550100"
ANSWERS = (Kind.AI_REPLY, Kind.FALLBACK, Kind.BRIDGE, Kind.GUARD_ANSWER)


def stored(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


INBOUND: dict[str, dict[str, dict[str, str]]] = {
    name: stored(name)["cases"] for name in ("inbound_sms", "inbound_mms", "inbound_rcs_whatsapp", "inbound_optout")
}
OPT_OUT = INBOUND["inbound_optout"]
STATUS: dict[str, dict[str, str]] = stored("status_callbacks")["cases"]
EXPECTED = stored("expected")


@dataclass(frozen=True)
class Outcome:
    """Everything that one inbound text led to, in the words of expected.json."""

    stored: dict[str, Any]
    step: str
    verdict: str
    ledger: list[str]
    method: str | None
    answer: str
    reason: str | None
    tasks: list[str]


@dataclass
class Carrier:
    """The carrier's side of one number of ours."""

    world: World
    business: Business
    headers: dict[str, str] = field(
        default_factory=lambda: {"I-Twilio-Idempotency-Token": "e1", "X-Home-Region": "us1"}
    )

    def post(self, form: Mapping[str, str], path: str = SMS) -> int:
        answer = self.world.post(path, form, token=self.business.token, headers=self.headers)
        if answer.status_code < 300:
            assert answer.get_data(as_text=True).endswith("<Response/>")  # the webhook itself never says anything
            assert answer.content_type.startswith("text/xml")
            assert "Set-Cookie" not in answer.headers  # Twilio would send it back for four hours
        return answer.status_code

    def says(self, body: str, sender: str = THEIRS, **extra: str) -> str:
        """A text from `sender`; returns its MessageSid."""
        sid = self.world.sid()
        form = {**INBOUND["inbound_sms"]["no_geo"], **extra, "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid}
        form |= {"From": sender, "To": self.business.number, "AccountSid": self.business.account_sid, "Body": body}
        assert self.post(form) == 200
        return sid

    def drain(self) -> None:
        """Everything that a reply worker has to do; media stay where they are, as nothing here may call out."""
        self.world.clock.advance(timedelta(seconds=self.world.settings.reply_wait_s))
        table = handlers(self.world.runtime, self.world.carrier, None)[REPLIES]
        for _ in range(2_000):
            claims = work.claim(self.world.runtime.engine, REPLIES, self.world.clock.now(), most=20)
            if not claims:
                return
            for claim in claims:
                do(self.world.runtime, table, claim)
        raise AssertionError("more is due than there should be")

    def outcome(self, sid: str) -> Outcome:
        with self.world.runtime.transaction(self.business.id) as session:
            (message,) = session.scalars(select(Message).where(Message.provider_sid == sid)).all()
            contact = session.get_one(Contact, message.contact_id)
            (received,) = session.scalars(
                select(Event).where(Event.message_id == message.id, Event.kind == "message.received")
            ).all()
            ledger = session.scalars(
                select(ConsentEvent).where(ConsentEvent.message_id == message.id).order_by(ConsentEvent.seq)
            ).all()
            media = session.scalar(select(func.count()).select_from(Media).where(Media.message_id == message.id))
            answers = session.scalars(select(Message).where(Message.in_reply_to == message.id)).all()
            tasks = session.scalars(select(Task.kind).where(Task.ref_id == message.id)).all()
        assert media == message.media_count
        sent = [answer for answer in answers if answer.state is State.SENT]
        reasons = [answer.reason for answer in answers if answer.state is not State.SENT] + [message.reason]
        assert len(sent) <= 1
        assert bool(sent) != any(reasons), "each text ends in one accepted send or in a reason"
        return Outcome(
            stored={
                "body": message.body,
                "address_kind": contact.address_kind,
                "media": media,
                "segments": message.segments,
            },
            step=received.details["step"],
            verdict=received.details["verdict"],
            ledger=[event.kind.value for event in ledger],
            method=ledger[0].method if ledger else None,
            answer=_answer(sent[0]) if sent else "none",
            reason=None if sent else next(reason for reason in reasons if reason),
            tasks=sorted(tasks),
        )

    def ledger(self, sender: str = THEIRS) -> list[ConsentEvent]:
        with self.world.runtime.transaction(self.business.id) as session:
            return list(
                session.scalars(
                    select(ConsentEvent)
                    .join(Contact, Contact.id == ConsentEvent.contact_id)
                    .where(Contact.address == sender)
                    .order_by(ConsentEvent.seq)
                )
            )

    def kinds(self, sender: str = THEIRS) -> list[str]:
        return [event.kind.value for event in self.ledger(sender)]

    def to(self, sender: str) -> list[str]:
        """The bodies that the carrier was given for this person."""
        return [sms.body for sms in self.world.carrier.accepted if sms.to == sender]

    def agree(self, sender: str = THEIRS, *, purposes: tuple[Purpose, ...] = (), basis: Basis = Basis.EXPRESS) -> None:
        """Record a consent that came by another way, such as a form."""
        with self.world.runtime.transaction(self.business.id) as session:
            found = session.scalars(select(Contact.id).where(Contact.address == sender)).one()
            contact = lock(session, found)
            assert contact is not None
            now = self.world.clock.now()
            fact = Fact(EventKind.OPT_IN, now, "web_form", {"address": sender}, purposes=purposes, basis=basis)
            append(session, contact, self.world.runtime.cipher(self.business.data_key), fact, actor=SYSTEM, now=now)

    def put(
        self,
        body: str,
        *,
        purpose: Purpose = Purpose.APPOINTMENT,
        in_s: float = 0.0,
        sender: str = THEIRS,
        permit_id: UUID | None = None,
    ) -> UUID:
        """A text of ours that is due in `in_s` seconds."""
        with self.world.runtime.transaction(self.business.id) as session:
            conversation = session.scalars(
                select(Conversation)
                .join(Lead, Lead.id == Conversation.lead_id)
                .join(Contact, Contact.id == Lead.contact_id)
                .where(Contact.address == sender)
            ).one()
            now = self.world.clock.now()
            return outbox.put(
                session,
                conversation=conversation,
                author=Author.SYSTEM,
                purpose=purpose,
                kind=Kind.REMINDER,
                body=body,
                now=now,
                permit_id=permit_id,
                due_at=now + timedelta(seconds=in_s),
            )

    def message(self, message_id: UUID) -> Message:
        with self.world.runtime.transaction(self.business.id) as session:
            return session.get_one(Message, message_id)

    def outbound(self) -> list[Message]:
        return [m for m in self.world.outbound(of=self.business) if m.direction is Direction.OUTBOUND]


def _answer(message: Message) -> str:
    assert message.kind is not None
    return "reply" if message.kind in ANSWERS else message.kind.value


def carrier(
    world: World,
    *,
    sender_type: SenderType = SenderType.LONG_CODE,
    handling: OptOutHandling = OptOutHandling.TWILIO,
    number: str = OURS,
    account_sid: str = ACCOUNT,
    service_sid: str | None = SERVICE,
    brand: str = "Lakeside Realty",
) -> Carrier:
    """A tenant that has the fixtures' number, service and account. It is past opening time in the lead's own zone."""
    world.later(hours=3)
    world.sids = itertools.count(0xE0000000)  # none of the fixtures' own
    business = world.business(
        brand, number, account_sid=account_sid, sender_type=sender_type, handling=handling, service_sid=service_sid
    )
    return Carrier(world, business)


def row_counts(database: Database) -> dict[str, int]:
    """How many rows every table has, of all tenants."""
    with database.connect() as connection:
        rows = connection.execute(
            " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in database.tables)
        ).fetchall()
    return {str(name): int(str(count)) for name, count in rows}


def rejections(database: Database) -> list[tuple[str, str, int]]:
    """Every counter of refused requests: reason, account and count."""
    with database.connect() as connection:
        rows = connection.execute("SELECT reason, account_sid, count FROM rejections ORDER BY reason, account_sid")
        return [(str(reason), str(account), int(str(count))) for reason, account, count in rows.fetchall()]
