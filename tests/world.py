"""The product in one process for tests: real database, real routes and signatures; clock, carrier and model are fakes."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from consent.ledger import Verified, verify
from consent.models import ConsentEvent, Contact
from conversations.models import Conversation, Direction, Message
from smsbot import work
from smsbot.actor import Actor, ActorKind, Role
from smsbot.bell import BACKGROUND, REPLIES, NoBell
from smsbot.clock import OffsetClock
from smsbot.crypto import Keyring
from smsbot.database import PLATFORM
from smsbot.errors import ModelFailed, SendFailed
from smsbot.gateways.carrier import (
    LINE_TYPE_TIMEOUT_S,
    Accepted,
    CarrierCredentials,
    CarrierMessage,
    OutgoingSms,
)
from smsbot.gateways.model import ModelAnswer
from smsbot.runtime import Runtime
from smsbot.settings import Settings
from smsbot.signatures import SigningKey, signature_of
from smsbot.tenancy import (
    Agent,
    Credential,
    CredentialKind,
    CredentialState,
    Heartbeat,
    Login,
    Number,
    OptOutHandling,
    ReplyMode,
    SenderType,
    Tenant,
)
from tests.canaries.watch import WATCH
from tests.web import application_of
from worker import do, handlers

LEAD = "+13125550171"
PUBLIC_URL = "https://sms.example.test"
START = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # a Friday, 10:00 in Chicago


class WorldClock(OffsetClock):
    """Runs on with the machine's until `freeze`. Then only `set` and `advance` move it, however slow the machine is."""

    still: datetime | None = None

    def now(self) -> datetime:
        return super().now() if self.still is None else self.still

    def set(self, at: datetime) -> None:
        if self.still is None:
            super().set(at)
        else:
            self.still = at

    def advance(self, step: timedelta) -> None:
        if self.still is None:
            super().advance(step)
        else:
            self.still += step

    def freeze(self) -> None:
        self.still = self.now()

    def run_on(self) -> None:
        """Go on, from the instant at which it stood still."""
        at, self.still = self.now(), None
        self.set(at)


@dataclass
class FakeCarrier:
    """Accepts everything, unless `outcomes` has something else for the next calls: an error to raise, or a function
    that is given the text and may accept it itself before it raises."""

    clock: OffsetClock
    accepted: list[OutgoingSms] = field(default_factory=list)
    listed: list[CarrierMessage] = field(default_factory=list)
    outcomes: list[Exception | Callable[[OutgoingSms], None] | None] = field(default_factory=list)
    credentials: list[CarrierCredentials] = field(default_factory=list)
    attempts: int = 0
    before: Callable[[OutgoingSms], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    received: list[CarrierMessage] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)  # the `not_after` of each call
    list_failures: list[SendFailed] = field(default_factory=list)  # raised by the next `messages_received`
    while_listing: Callable[[], None] | None = None  # happens once the list of received texts has been made
    lookup_failures: list[SendFailed] = field(default_factory=list)  # raised by the next look-ups of `messages_to`
    sent_failures: list[SendFailed] = field(default_factory=list)  # raised by the next `messages_sent`
    unlisted: set[str] = field(default_factory=set)  # ids of texts that `messages_sent` does not show
    line_types: dict[str, str] = field(default_factory=dict)  # what it says of a number, when it has a word
    line_type_failures: list[SendFailed] = field(default_factory=list)  # raised by the next look-ups of a line
    line_types_asked: list[str] = field(default_factory=list)
    redact_failures: list[SendFailed] = field(default_factory=list)  # raised by the next `redact`

    def send(self, credentials: CarrierCredentials, sms: OutgoingSms, *, not_after: float) -> Accepted:
        with self.lock:
            self.attempts += 1
            self.credentials.append(credentials)
            self.deadlines.append(not_after)
            outcome = self.outcomes.pop(0) if self.outcomes else None
        if self.before is not None:
            self.before(sms)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            outcome(sms)
        return self.accept(sms)

    def accept(self, sms: OutgoingSms) -> Accepted:
        """Take the text: it is in the carrier's list from now on."""
        sid = "SM" + secrets.token_hex(16)
        with self.lock:
            self.accepted.append(sms)
            self.listed.append(
                CarrierMessage(sid, "outbound", sms.sender, sms.to, sms.body, "queued", None, self.clock.now(), None)
            )
        return Accepted(sid, "queued", 1)

    def messages_to(self, credentials: CarrierCredentials, number: str, limit: int = 50) -> list[CarrierMessage]:
        if self.lookup_failures:
            raise self.lookup_failures.pop(0)
        return [message for message in self.listed if message.to == number][-limit:]

    def messages_received(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = 1000
    ) -> list[CarrierMessage]:
        if self.list_failures:
            raise self.list_failures.pop(0)
        listed = [m for m in self.received if m.to == number and m.created_at >= since][:limit]
        if self.while_listing is not None:
            self.while_listing()
        return listed

    def messages_sent(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = 1000
    ) -> list[CarrierMessage]:
        """The list leaves out what is in `unlisted`: it never left, and has no date."""
        if self.sent_failures:
            raise self.sent_failures.pop(0)
        return [
            m
            for m in self.listed
            if m.direction == "outbound"
            and m.from_ == number
            and m.created_at >= since
            and m.provider_sid not in self.unlisted
        ][:limit]

    def says(self, provider_sid: str, status: str, error_code: int | None = None) -> None:
        """What became of a text by its own word, with no callback about it."""
        self.listed = [
            replace(m, status=status, error_code=error_code) if m.provider_sid == provider_sid else m
            for m in self.listed
        ]

    def fetch(self, credentials: CarrierCredentials, provider_sid: str) -> CarrierMessage | None:
        return next((m for m in self.listed if m.provider_sid == provider_sid), None)

    def redact(self, credentials: CarrierCredentials, provider_sid: str) -> None:
        if self.redact_failures:
            raise self.redact_failures.pop(0)
        self.listed = [replace(m, body="") if m.provider_sid == provider_sid else m for m in self.listed]

    def line_type(
        self, credentials: CarrierCredentials, number: str, *, within_s: float = LINE_TYPE_TIMEOUT_S
    ) -> str | None:
        self.line_types_asked.append(number)
        if self.line_type_failures:
            raise self.line_type_failures.pop(0)
        return self.line_types.get(number)

    @property
    def bodies(self) -> list[str]:
        return [sms.body for sms in self.accepted]


@dataclass
class FakeModel:
    """Says what `answers` holds next: a string, or an error to raise."""

    answers: list[str | ModelFailed | Callable[[Sequence[Mapping[str, str]]], str]] = field(default_factory=list)
    requests: list[Sequence[Mapping[str, str]]] = field(default_factory=list)

    def answer(
        self, messages: Sequence[Mapping[str, str]], *, schema: Mapping[str, Any], schema_name: str, budget_s: float
    ) -> ModelAnswer:
        self.requests.append(messages)
        said = self.answers.pop(0)
        if isinstance(said, ModelFailed):
            raise said
        return ModelAnswer(said if isinstance(said, str) else said(messages), "fake", 10, 5, 0.01)


@dataclass(frozen=True)
class Business:
    """One tenant with one number, as a test knows it."""

    id: UUID
    brand: str
    number: str
    number_id: UUID
    account_sid: str
    token: str = field(repr=False)
    service_sid: str | None = None
    data_key: str = field(repr=False, default="")


class World:
    def __init__(
        self,
        url: str,
        engine: Engine,
        home: Path,
        *,
        with_model: bool = False,
        encryption_keys: tuple[bytes, ...] | None = None,
    ) -> None:
        self.clock = WorldClock(START)
        self.carrier = FakeCarrier(self.clock)
        self.model = FakeModel()
        self.settings = Settings(
            home=home,
            secret_key=secrets.token_urlsafe(48),
            encryption_keys=encryption_keys or (secrets.token_bytes(32),),
            database_url=url,
            public_url=PUBLIC_URL,
            number_mps=1_000_000,
        )
        for secret in (self.settings.secret_key, *self.settings.encryption_keys):
            WATCH.now.add_secret(secret)
        self.runtime = Runtime(self.settings, self.clock, engine, NoBell(), Keyring(self.settings.encryption_keys))
        self.app: Flask = application_of(self.runtime)
        self.listening(until=self.clock.now() + timedelta(days=3650))
        self.sids = itertools.count(1)
        self.with_model = with_model
        self.home = self.business()

    def listening(self, until: datetime) -> None:
        """As if a web process had been taking the carrier's webhooks, and saying so, until then."""
        with self.runtime.transaction(PLATFORM) as session:
            session.merge(Heartbeat(tenant_id=PLATFORM, process="web:world", at=until))

    # ---- tenants --------------------------------------------------------------------------------------------------

    def business(
        self,
        brand: str = "Lakeside Realty",
        number: str = "+13125550100",
        *,
        account_sid: str | None = None,
        sender_type: SenderType = SenderType.LONG_CODE,
        handling: OptOutHandling = OptOutHandling.TWILIO,
        service_sid: str | None = None,
        zone: str = "America/Chicago",
    ) -> Business:
        """A tenant with one number and its credentials."""
        tenant_id, number_id = uuid4(), uuid4()
        token, account = secrets.token_hex(16), account_sid or "AC" + secrets.token_hex(16)
        data_key = self.runtime.keyring.new_data_key()
        with self.runtime.transaction(tenant_id) as session:
            session.add(
                Tenant(
                    id=tenant_id,
                    name=brand,
                    brand=brand,
                    zone=zone,
                    vertical="real_estate",
                    help_phone="312-555-0199",
                    help_email="help@example.test",
                    languages=["en", "es"],
                    data_key=data_key,
                )
            )
            session.flush()
            session.add(
                Number(
                    id=number_id,
                    tenant_id=tenant_id,
                    number=number,
                    sender_type=sender_type,
                    opt_out_handling=handling,
                    messaging_service_sid=service_sid,
                )
            )
            session.flush()
        made = Business(tenant_id, brand, number, number_id, account, token, service_sid, data_key)
        self.add_credential(made, token)
        return made

    def add_number(
        self,
        business: Business,
        number: str,
        *,
        sender_type: SenderType = SenderType.LONG_CODE,
        handling: OptOutHandling = OptOutHandling.TWILIO,
        service_sid: str | None = None,
    ) -> UUID:
        """One more number of this tenant."""
        number_id = uuid4()
        with self.runtime.transaction(business.id) as session:
            session.add(
                Number(
                    id=number_id,
                    tenant_id=business.id,
                    number=number,
                    sender_type=sender_type,
                    opt_out_handling=handling,
                    messaging_service_sid=service_sid,
                )
            )
        return number_id

    def add_credential(
        self,
        business: Business,
        secret: str,
        *,
        state: CredentialState = CredentialState.CURRENT,
        kind: CredentialKind = CredentialKind.AUTH_TOKEN,
    ) -> None:
        credential_id = uuid4()
        WATCH.now.add_secret(secret)
        with self.runtime.transaction(business.id) as session:
            session.add(
                Credential(
                    id=credential_id,
                    tenant_id=business.id,
                    account_sid=business.account_sid,
                    kind=kind,
                    state=state,
                    secret=self.runtime.cipher(business.data_key).encrypt_text(
                        secret, tenant_id=business.id, table="credentials", column="secret", row=credential_id
                    ),
                )
            )

    def agent(self, *, role: Role = Role.AGENT, to: Business | None = None) -> Actor:
        """A member of staff who can act; nobody can sign in as them."""
        business, agent_id, login_id = to or self.home, uuid4(), uuid4()
        with self.runtime.transaction(business.id) as session:
            session.add(Login(id=login_id, email=f"{login_id}@example.test", password_hash="none"))
            session.flush()
            session.add(Agent(id=agent_id, tenant_id=business.id, login_id=login_id, name="Dana Ruiz", role=role))
        return Actor(ActorKind.STAFF, agent_id, role)

    @cached_property
    def dana(self) -> Actor:
        """The home tenant's one agent."""
        return self.agent()

    # ---- the carrier calls -----------------------------------------------------------------------------------------

    def sid(self) -> str:
        return f"SM{next(self.sids):032x}"

    def post(
        self,
        path: str,
        form: Mapping[str, str] | Sequence[tuple[str, str]],
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        key: SigningKey | None = None,
    ) -> TestResponse:
        """A webhook as the carrier makes it, signed with the home tenant's token unless another is given."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        key = key or SigningKey(token if token is not None else self.home.token, "HMAC_SHA1")
        sent = {"X-Twilio-Signature": signature_of(key, PUBLIC_URL + path, pairs), **(headers or {})}
        return self.app.test_client().post(
            path, data=urlencode(pairs, errors="surrogatepass").encode(), headers=sent,
            content_type="application/x-www-form-urlencoded",
        )  # fmt: skip

    def text(
        self,
        body: str,
        *,
        sid: str | None = None,
        sender: str = LEAD,
        to: Business | None = None,
        expect: int = 200,
        **extra: str,
    ) -> TestResponse:
        """A text from a lead."""
        business = to or self.home
        sid = sid or self.sid()
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "AccountSid": business.account_sid,
            "From": sender,
            "To": business.number,
            "Body": body,
            "NumMedia": "0",
            "NumSegments": "1",
            **({"MessagingServiceSid": business.service_sid} if business.service_sid else {}),
            **extra,
        }
        answer = self.post("/webhooks/twilio/sms", form, token=business.token)
        assert answer.status_code == expect, answer.get_data(as_text=True)
        return answer

    def status(
        self, message: Message, status: str, *, error: int | None = None, to: Business | None = None, expect: int = 200
    ) -> TestResponse:
        """A status callback about one of our texts."""
        business = to or self.home
        form = {
            "MessageSid": message.provider_sid or "SM" + "9" * 32,
            "MessageStatus": status,
            "AccountSid": business.account_sid,
            "From": business.number,
            "To": LEAD,
            **({"ErrorCode": str(error)} if error else {}),
        }
        answer = self.post(f"/webhooks/twilio/sms/status/{message.id}", form, token=business.token)
        assert answer.status_code == expect
        return answer

    # ---- what is due ----------------------------------------------------------------------------------------------

    def drain(self, *, wait: bool = True, most: int = 2_000) -> int:
        """Do everything that is due; with `wait` the clock first passes the reply wait. Returns how many rows ran."""
        if wait:
            self.clock.advance(timedelta(seconds=self.settings.reply_wait_s))
        tables = handlers(self.runtime, self.carrier, self.model if self.with_model else None)
        done = 0
        while done < most:
            claims = [
                (queue, claim)
                for queue in (REPLIES, BACKGROUND)
                for claim in work.claim(self.runtime.engine, queue, self.clock.now(), most=20)
            ]
            if not claims:
                return done
            for queue, claim in claims:
                do(self.runtime, tables[queue], claim)
                done += 1
        raise AssertionError("more is due than there should be")

    def later(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))

    # ---- what a page of the dashboard would change ------------------------------------------------------------------

    def mode(self, mode: str) -> None:
        """The home tenant's reply mode: auto, draft or off."""
        with self.runtime.transaction(self.home.id) as session:
            session.get_one(Tenant, self.home.id).reply_mode = ReplyMode(mode)

    def budget(self, seconds: float) -> None:
        """Another time for all model calls of one reply."""
        self.settings = self.runtime.settings = replace(self.settings, model_budget_s=seconds)

    # ---- what is stored -------------------------------------------------------------------------------------------

    def messages(self, direction: Direction | None = None, *, of: Business | None = None) -> list[Message]:
        """Every message, oldest first."""
        with self.runtime.transaction((of or self.home).id) as session:
            query = select(Message).order_by(Message.created_at, Message.id)
            found = list(session.scalars(query))
        return [m for m in found if direction is None or m.direction is direction]

    def outbound(self, *, of: Business | None = None) -> list[Message]:
        return self.messages(Direction.OUTBOUND, of=of)

    def inbound(self, *, of: Business | None = None) -> list[Message]:
        return self.messages(Direction.INBOUND, of=of)

    def contact(self, number: str = LEAD, *, of: Business | None = None) -> Contact:
        with self.runtime.transaction((of or self.home).id) as session:
            return session.scalars(select(Contact).where(Contact.address == number)).one()

    def conversation(self, *, of: Business | None = None) -> Conversation:
        with self.runtime.transaction((of or self.home).id) as session:
            return session.scalars(select(Conversation)).one()

    def ledger(self, *, of: Business | None = None) -> list[ConsentEvent]:
        with self.runtime.transaction((of or self.home).id) as session:
            return list(session.scalars(select(ConsentEvent).order_by(ConsentEvent.contact_id, ConsentEvent.seq)))

    def rows(self, model: type[Any], *, of: Business | None = None) -> list[Any]:
        with self.runtime.transaction((of or self.home).id) as session:
            return list(session.scalars(select(model)))

    def due(self) -> list[work.Work]:
        with self.runtime.transaction(None) as session:
            return list(session.scalars(select(work.Work)))

    def verified(self, *, of: Business | None = None) -> bool:
        business = of or self.home
        with self.runtime.transaction(business.id) as session:
            return isinstance(verify(session, self.runtime.cipher(business.data_key)), Verified)
