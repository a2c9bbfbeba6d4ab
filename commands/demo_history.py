"""The past of the demo tenants, played through the product's own use cases at the times it is said to have happened.

Nothing leaves: the carrier of the past is in this process. It takes a text, refuses it or loses it as the week says.
"""

from __future__ import annotations

import hashlib
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import Engine, event, func, select, update
from sqlalchemy.pool import ConnectionPoolEntry

from commands.demo_week import Step, steps_of
from consent.ledger import seal
from consent.models import Contact
from consent.purposes import Purpose
from consent.state import Basis
from conversations import inbound, leads, outbox, pictures, replies, staff
from conversations.callbacks import StatusReport, report
from conversations.inbound import InboundText
from conversations.inbox import open_alerts, open_tasks
from conversations.models import Conversation, Message
from smsbot.accounts import Recipient
from smsbot.actor import SYSTEM, Actor, ActorKind, Role
from smsbot.clock import OffsetClock
from smsbot.database import TenantSession
from smsbot.errors import OutcomeUnknown
from smsbot.events import Event, record
from smsbot.gateways.carrier import (
    LINE_TYPE_TIMEOUT_S,
    Accepted,
    CarrierCredentials,
    CarrierMessage,
    OutgoingSms,
)
from smsbot.gateways.carrier_errors import OPTED_OUT, failure_for
from smsbot.masking import masked
from smsbot.phone import address
from smsbot.runtime import Runtime
from smsbot.segments import segmentation
from smsbot.tenancy import Agent, Login, Number, Tenant
from smsbot.work import LEASE_S, Claim, Work

CAUSE = "demo"
PLAYED = "demo.played"  # the event that ends a week: what staff do afterwards is theirs
NO_PACE = 1_000_000.0
DELIVERED_AFTER = timedelta(seconds=2)
BETWEEN_TEXTS = timedelta(seconds=2)  # of one burst
FOLLOWED_FOR = timedelta(minutes=2)  # after a step: longer than the carrier is asked about a text it may have lost
UNKNOWN = "unknown"  # how a text ends whose answer from the carrier never came
FORM_PAGE = "https://{domain}/contact"
FORM_DISCLOSURE = (
    "By ticking this box I agree that {brand} may send me automated texts, some of them written by AI, about my inquiry "
    "and appointments, at the number I gave. Message frequency varies. Message and data rates may apply. Reply HELP for "
    "help or STOP to end all texts. Agreeing is not a condition of any purchase. Privacy policy: https://{domain}/privacy "
    "Terms: https://{domain}/terms"
)

KeepFacts = Callable[[TenantSession, datetime], None]


class PastCarrier:
    """Takes texts as `ends` says at the time."""

    def __init__(self) -> None:
        self.ends: int | str | None = None  # a carrier's error code, UNKNOWN, or None: it arrives
        self.taken: list[tuple[UUID, str]] = []  # message and carrier's id, not reported yet

    def send(self, credentials: CarrierCredentials, sms: OutgoingSms, *, not_after: float) -> Accepted:
        if self.ends == OPTED_OUT:
            raise failure_for(400, OPTED_OUT)
        if self.ends == UNKNOWN:
            raise OutcomeUnknown("the past carrier's answer is lost")
        path, _, _ = sms.status_callback.partition("#")
        message_id = UUID(path.rpartition("/")[2])
        sid = _sid("out", message_id)
        self.taken.append((message_id, sid))
        return Accepted(sid, "queued", segmentation(sms.body).segments)

    def messages_to(self, credentials: CarrierCredentials, number: str, limit: int = 50) -> list[CarrierMessage]:
        return []

    def messages_received(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = 1000
    ) -> list[CarrierMessage]:
        return []

    def messages_sent(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = 1000
    ) -> list[CarrierMessage]:
        return []

    def fetch(self, credentials: CarrierCredentials, provider_sid: str) -> CarrierMessage | None:
        return None

    def redact(self, credentials: CarrierCredentials, provider_sid: str) -> None:
        return None

    def line_type(
        self, credentials: CarrierCredentials, number: str, *, within_s: float = LINE_TYPE_TIMEOUT_S
    ) -> str | None:
        return None


def play(
    runtime: Runtime,
    tenant: Tenant,
    number: Number,
    week: Sequence[Mapping[str, Any]],
    *,
    closed_on: frozenset[int],
    keep_facts: KeepFacts,
) -> int:
    """Play the last seven days of one tenant. Returns how many steps were played: none when that was done before.

    What a run that was cut off has played is left alone. `keep_facts` writes the facts as they are at a time.
    """
    with runtime.transaction(tenant.id) as session:
        played = select(Event.id).where(Event.tenant_id == tenant.id, Event.kind == PLAYED).limit(1)
        if session.scalars(played).first() is not None:
            return 0
    with _not_waiting_for_the_disk(runtime.engine), _picture_server() as url:
        return _Player.of(runtime, tenant, number, url, keep_facts).play(
            steps_of(week, ZoneInfo(tenant.zone), runtime.clock.now(), closed_on)
        )


@dataclass
class _Player:
    """One tenant's past while it is played."""

    past: Runtime
    clock: OffsetClock
    tenant: Tenant
    number: Number
    recipient: Recipient
    carrier: PastCarrier
    pictures_url: str
    keep_facts: KeepFacts
    agents: Mapping[str, Actor]
    done: set[tuple[str, int]] = field(default_factory=set)  # steps of an earlier run, by lead and place
    conversations: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    def of(cls, runtime: Runtime, tenant: Tenant, number: Number, url: str, keep_facts: KeepFacts) -> _Player:
        clock = OffsetClock()
        # The past has a carrier of its own; that a stand-in is named lets the demo's made-up accounts send at all.
        settings = replace(runtime.settings, number_mps=NO_PACE, simulator_url=url)
        past = Runtime(settings, clock, runtime.engine, runtime.bell, runtime.keyring)
        recipient = Recipient(
            tenant.id, number.id, number.number, number.sender_type, number.opt_out_handling, tenant.brand,
            tenant.zone, tuple(tenant.languages), tuple(tenant.extra_opt_out_words), tenant.data_key,
        )  # fmt: skip
        with runtime.transaction(tenant.id) as session:
            rows = session.execute(
                select(Login.email, Agent.id, Agent.role)
                .join(Agent, Agent.login_id == Login.id)
                .where(Agent.tenant_id == tenant.id)
            ).all()
        agents = {row.email: Actor(ActorKind.STAFF, row.id, Role(row.role)) for row in rows}
        return cls(past, clock, tenant, number, recipient, PastCarrier(), url, keep_facts, agents)

    def play(self, steps: Sequence[Step]) -> int:
        self._recall(steps)
        day: date | None = None
        played = 0
        for step in steps:
            if (step.lead["number"], step.place) in self.done:
                continue
            self.clock.set(step.at)
            today = step.at.astimezone(ZoneInfo(self.tenant.zone)).date()
            if day != today:
                with self.past.transaction(self.tenant.id) as session:
                    self.keep_facts(session, self.clock.now())
                day = today
            self.carrier.ends = step.written.get("ends")
            self._act(step)
            self._work_off()
            played += 1
        self.clock.offset = timedelta()
        with self.past.transaction(self.tenant.id) as session:
            seal(session, self.clock.now())
            record(session, PLAYED, at=self.clock.now(), actor=SYSTEM, cause=CAUSE)
        return played

    def _recall(self, steps: Sequence[Step]) -> None:
        """What a run that was cut off has played: each text that is known, and all that came before it."""
        with self.past.transaction(self.tenant.id) as session:
            ids = set(session.scalars(select(Message.id).where(Message.tenant_id == self.tenant.id)))
            sids = set(session.scalars(select(Message.provider_sid).where(Message.tenant_id == self.tenant.id)))
            known = session.execute(
                select(Contact.address, Conversation.id)
                .join(Conversation, Conversation.contact_id == Contact.id)
                .where(Contact.tenant_id == self.tenant.id, Conversation.tenant_id == self.tenant.id)
            ).all()
        self.conversations = {row.address: row.id for row in known}
        for step in steps:
            number = step.lead["number"]
            texts = [self._text_sid(step, place) for place in range(len(step.written.get("texts", ())))]
            if (
                not sids.isdisjoint(texts)
                or self._text_id(step) in ids
                or ("form" in step.written and number in self.conversations)
            ):
                self.done |= {(number, place) for place in range(step.place + 1)}

    # What happens in a step.

    def _act(self, step: Step) -> None:
        written = step.written
        if "texts" in written:
            for place, body in enumerate(written["texts"]):
                if place:
                    self.clock.advance(BETWEEN_TEXTS)
                self._receive(step, place, body)
        elif "form" in written:
            self._form(step)
        else:
            self._staff(step, self.agents[written["by"]])

    def _receive(self, step: Step, place: int, body: str) -> None:
        safe = masked(body)
        sid = self._text_sid(step, place)
        text = InboundText(
            sid,
            address(step.lead["number"]),
            address(self.number.number),
            safe.text,
            flags=safe.kinds,
            segments=segmentation(safe.text).segments,
            media=tuple(
                (f"{self.pictures_url}/{sid}/{n}", "image/png") for n in range(step.written.get("pictures", 0))
            ),
        )
        inbound.accept(self.past, self.recipient, text, cause=CAUSE)
        if step.lead["number"] not in self.conversations:
            self._know(step, leads.NewLead(step.lead["number"]))

    def _know(self, step: Step, new: leads.NewLead) -> None:
        """What the business knows of the person besides: the name, and whose lead it is."""
        lead = step.lead
        assigned = self.agents[lead["assigned"]].id if "assigned" in lead else None
        new = replace(new, name=lead["name"], assigned_to=assigned)
        with self.past.transaction(self.tenant.id) as session:
            view, _ = leads.create_lead(self.past, session, new, actor=SYSTEM, cause=CAUSE)
        assert view.conversation_id is not None  # made with the lead
        self.conversations[lead["number"]] = view.conversation_id

    def _form(self, step: Step) -> None:
        domain = (self.tenant.help_email or "").rpartition("@")[2]
        evidence = {
            "disclosure": FORM_DISCLOSURE.format(brand=self.tenant.brand, domain=domain),
            "disclosure_version": "1",
            "page_url": FORM_PAGE.format(domain=domain),
            "checkbox_default": False,
            "checkbox_value": True,
        }
        purposes = (Purpose.INQUIRY, Purpose.APPOINTMENT)
        claim = leads.ConsentClaim(Basis.EXPRESS_WRITTEN, purposes, self.clock.now(), evidence)
        new = leads.NewLead(
            step.lead["number"], source=step.written["source"], message=step.written["form"], consent=claim
        )
        self._know(step, new)

    def _staff(self, step: Step, actor: Actor) -> None:
        past, tenant_id, written = self.past, self.tenant.id, step.written
        conversation_id = self.conversations[step.lead["number"]]
        if "writes" in written:
            staff.write(past, tenant_id, actor, conversation_id, written["writes"], key=self._text_id(step))
            return
        match written["does"]:
            case "done":
                self._finish(actor, conversation_id)
            case "opt out":
                staff.settle_hold(past, tenant_id, actor, conversation_id, is_opt_out=True, note=written["note"])
                self._finish(actor, conversation_id)
            case "not an opt-out":
                staff.settle_hold(past, tenant_id, actor, conversation_id, is_opt_out=False, note=written["note"])
                self._finish(actor, conversation_id)
            case "gives back":
                self._finish(actor, conversation_id)
                staff.give_back(past, tenant_id, actor, conversation_id)
            case unknown:
                raise ValueError(f"nobody knows how to do {unknown!r}")

    def _finish(self, actor: Actor, conversation_id: UUID) -> None:
        """All that was left to people in this conversation is done."""
        with self.past.transaction(self.tenant.id) as session:
            tasks = open_tasks(session, actor, conversation_id=conversation_id)
            alerts = [one for one in open_alerts(session, actor) if one.conversation_id == conversation_id]
        for task in tasks:
            staff.finish_task(self.past, self.tenant.id, actor, task.id)
        for alert in alerts:
            staff.acknowledge(self.past, self.tenant.id, actor, alert.id)

    # What the product does of itself.

    def _work_off(self) -> None:
        """Do what becomes due within FOLLOWED_FOR, each at its time, and have the carrier report what it took."""
        until = self.clock.now() + FOLLOWED_FOR
        while (claim := self._claim(until)) is not None:
            self.clock.set(max(self.clock.now(), claim.due_at))
            if claim.kind == outbox.REPLY:
                replies.answer(self.past, self.carrier, None, claim)
            elif claim.kind == outbox.SEND:
                outbox.deliver(self.past, self.carrier, claim)
            else:
                pictures.fetch(self.past, claim)
            if self.carrier.taken:
                self._report()

    def _report(self) -> None:
        code = self.carrier.ends if isinstance(self.carrier.ends, int) else None
        self.clock.advance(DELIVERED_AFTER)
        for message_id, sid in self.carrier.taken:
            status = StatusReport(sid, "undelivered" if code else "delivered", code)
            report(self.past, self.tenant.id, message_id, status)
        self.carrier.taken.clear()

    def _claim(self, until: datetime) -> Claim | None:
        """A lease on this tenant's next row: nothing of another one must move while we are in the past. `due_at` of the
        claim is when the row may be taken."""
        takes_at = func.greatest(Work.due_at, Work.lease_until)
        next_row = (
            select(Work.id, takes_at.label("takes_at"))
            .where(
                Work.tenant_id == self.tenant.id,
                Work.kind.in_((outbox.REPLY, outbox.SEND, inbound.MEDIA)),
                takes_at <= until,
                Work.quarantined_at.is_(None),
            )
            .order_by(takes_at)
            .limit(1)
            .cte("next_row")
        )
        with self.past.transaction(self.tenant.id) as session:
            row = session.execute(
                update(Work)
                .where(Work.id == next_row.c.id)
                .values(
                    lease_token=uuid4(),
                    lease_until=next_row.c.takes_at + timedelta(seconds=LEASE_S),
                    attempts=Work.attempts + 1,
                )
                .returning(
                    Work.id, Work.tenant_id, Work.kind, Work.ref_id, Work.contact_id, Work.attempts, Work.lease_token,
                    next_row.c.takes_at,
                )
            ).first()  # fmt: skip
        if row is None:
            return None
        assert row.lease_token is not None  # set just now
        return Claim(
            row.id, row.tenant_id, row.kind, row.ref_id, row.contact_id, row.attempts, row.lease_token, row.takes_at
        )

    # Ids that follow from the week, so that a repeat is known as such.

    def _text_sid(self, step: Step, place: int) -> str:
        return _sid(self.number.number, step.lead["number"], step.place, place)

    def _text_id(self, step: Step) -> UUID:
        return uuid5(self.tenant.id, f"{step.lead['number']}|{step.place}")


def _sid(*parts: object) -> str:
    """A message id of the carrier's shape; the same parts give the same one."""
    return "SM" + hashlib.sha256("|".join(map(str, ("demo", *parts))).encode()).hexdigest()[:32]


@contextmanager
def _not_waiting_for_the_disk(engine: Engine) -> Iterator[None]:
    """Thousands of commits, each durable a moment after it returns. A crash may cut off the newest, which are then
    played again: they are lost in order, never one before another."""

    def relax(connection: psycopg.Connection[Any], _: ConnectionPoolEntry) -> None:
        connection.autocommit = True  # of a session that begins with a transaction a rollback would take it away
        connection.execute("SET synchronous_commit = off")
        connection.autocommit = False

    event.listen(engine, "connect", relax)
    engine.dispose()  # the block's connections are new ones, and so are those after it
    try:
        yield
    finally:
        event.remove(engine, "connect", relax)
        engine.dispose()


@contextmanager
def _picture_server() -> Iterator[str]:
    """The address of a server on the loopback that has a picture at every path, as long as the block runs."""
    server = HTTPServer(("127.0.0.1", 0), _Picture)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Picture(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        picture = _png(320, 240)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the command's output is for people."""


def _png(width: int, height: int) -> bytes:
    """A grey sky over a green meadow. https://www.w3.org/TR/png/: signature, header, rows without filters, end."""
    sky, meadow = (b"\0" + bytes(colour) * width for colour in ((176, 190, 197), (129, 159, 108)))
    rows = zlib.compress(sky * (height * 2 // 3) + meadow * (height - height * 2 // 3))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
