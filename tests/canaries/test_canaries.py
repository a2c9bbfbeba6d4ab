"""Secrets and words sent through everything at once, then looked for in every place that they must not have reached.

One run makes the aftermath: texts, answers, callbacks, refusals, a broken database, a broken carrier, a quarantine, the
REST interface, a real bell. The tests read it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import re
import sys
import threading
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from redis import Redis
from sqlalchemy import Engine, select

from consent.models import ConsentEvent, ConsentEvidence
from consent.purposes import Purpose
from conversations import outbox
from conversations.inbound import contact_for
from conversations.models import Alert, Author, Conversation, Kind
from conversations.reconciliation import plan_reconciliation
from scheduler import seal_tenant
from smsbot.accounts import credential_secret
from smsbot.api_keys import new_api_key
from smsbot.bell import RqBell
from smsbot.errors import ModelFailed, OutcomeUnknown, PermanentSendFailure
from smsbot.gateways.carrier import CarrierMessage, OutgoingSms
from smsbot.logs import QUIET_LOGGERS, configure_logging
from smsbot.phone import address
from smsbot.tenancy import ApiKey, Credential
from smsbot.work import MAX_ATTEMPTS
from tests.conftest import Database
from tests.world import World

SSN, CARD = "078051120", "4111111111111111"
WRITTEN = (
    "my ssn is 078-05-1120 thanks",
    "078 05 1120",
    "here: 078.05.1120",
    "ssn 078051120",
    "social security 0 7 8 0 5 1 1 2 0",
    "０７８-０５-１１２０ ok?",
    "it is 078\u200b-05\u200b-1120",
    "mi seguro social es 078051120",
    "card 4111 1111 1111 1111 exp 12/29",
    "4111-1111-1111-1111",
    "use 4111111111111111 please",
    "４１１１ １１１１ １１１１ １１１１",
    "ssn 078-05-1120 and card 4111.1111.1111.1111",
)
WORDS, AGENT_WORDS, API_WORDS = "purple walrus", "yellow heron", "crimson otter"
LEAD, OTHER, FORM_LEAD = "+13125550174", "+13125550175", "+13125550176"
SAYS_NOTHING = "We are open every day."


pytestmark = pytest.mark.slow  # one long run, read by all of them


@dataclass
class Aftermath:
    """Every place that something could have got to, as (where, text)."""

    world: World
    api_key: str
    stored: list[tuple[str, str]] = field(default_factory=list)  # "table.column"
    logged: str = ""
    server_log: str = ""
    bell_before: str = ""
    bell: str = ""
    answered: list[str] = field(default_factory=list)
    answered_to_its_owner: list[str] = field(default_factory=list)  # with their own key: they may see what is theirs
    asked_of_the_model: str = ""

    @property
    def places(self) -> list[tuple[str, str]]:
        return [
            *self.stored,
            ("log", self.logged),
            ("server log", self.server_log),
            ("bell", self.bell),
            ("bell before", self.bell_before),
            ("model", self.asked_of_the_model),
            *(("answer", text) for text in self.answered),
            *(("owner's answer", text) for text in self.answered_to_its_owner),
        ]

    def where(self, canary: str) -> set[str]:
        """The places whose text holds `canary`, in any case and with anything that is no letter or digit between."""
        wanted = bare(canary)
        return {place for place, text in self.places if wanted in bare(text)}


def bare(text: str) -> str:
    """`text` as lower-case letters and ASCII digits, whatever it was written with."""
    folded = unicodedata.normalize("NFKC", text).lower()
    digits = (str(unicodedata.digit(c)) if unicodedata.digit(c, None) is not None else c for c in folded)
    return "".join(c for c in digits if c.isalnum())


@contextlib.contextmanager
def logs_at_debug() -> Iterator[io.StringIO]:
    """What a process of ours would write to stderr, everything switched on; logging is as it was afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    quiet = {name: logging.getLogger(name).level for name in QUIET_LOGGERS}
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    with contextlib.redirect_stderr(stream):
        configure_logging("test", logging.DEBUG)
        try:
            yield stream
        finally:
            logging.captureWarnings(False)
            root.handlers[:], logging.raiseExceptions = handlers, raising
            root.setLevel(level)
            for name, value in quiet.items():
                logging.getLogger(name).setLevel(value)
            sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


def decision(text: str) -> str:
    answer = {"action": "reply", "text": text, "language": "en", "facts_used": [], "handoff_reason": None}
    return json.dumps({**answer, "field_notes": []})


def dumped(database: Database) -> list[tuple[str, str]]:
    """Every value of every row as a dump would hold it; bytes as hex, and as the text that they might be."""
    found = []
    with database.connect() as connection:
        for table in (*database.tables, "alembic_version"):
            cursor = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            names = [column.name for column in cursor.description or ()]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    found.append((f"{table}.{name}", as_text(value)))
    return found


def as_text(value: object) -> str:
    if isinstance(value, bytes):
        return f"{value.hex()} {value.decode('latin-1')} {value.decode('utf-16', 'ignore')}"
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)


def bell_contents(url: str) -> str:
    """Every key of Redis with all that it holds."""
    redis = Redis.from_url(url)
    readers = {
        b"string": redis.get,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"hash": redis.hgetall,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"stream": redis.xrange,
    }
    with contextlib.closing(redis):
        return "\n".join(f"{key!r} {unpacked(readers[redis.type(key)](key))}" for key in sorted(redis.scan_iter()))


def unpacked(value: Any) -> str:
    """`value` with everything in it that RQ has compressed."""
    match value:
        case dict():
            return str({unpacked(key): unpacked(inner) for key, inner in value.items()})
        case list() | tuple() | set():
            return str([unpacked(inner) for inner in value])
        case bytes():
            with contextlib.suppress(zlib.error):
                return zlib.decompress(value).decode("utf-8", "replace")
    return repr(value)


@pytest.fixture(scope="module")
def aftermath(
    migrated: Database, engine: Engine, redis_url: str, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aftermath]:
    migrated.empty()
    world = World(migrated.app_url, engine, tmp_path_factory.mktemp("canaries"), with_model=True)
    key, key_hash = new_api_key()
    after = Aftermath(world, key)
    with Redis.from_url(redis_url) as redis:
        redis.flushdb()
    server_log = home / "logs" / "postgres.log"
    written_before = server_log.stat().st_size
    with logs_at_debug() as stream:
        world.runtime.bell = RqBell(redis_url)
        with world.runtime.transaction(world.home.id) as session:
            session.add(ApiKey(name="site", key_hash=key_hash))
        after.bell_before = bell_contents(redis_url)
        for happens in (
            _texts,
            _answers,
            _callbacks,
            _refusals,
            _rest,
            _by_hand,
            _missed_texts,
            _database_errors,
            _failures,
        ):
            happens(after, migrated)
        seal_tenant(world.runtime, world.home.id)
        after.logged = stream.getvalue()
    after.bell = bell_contents(redis_url)
    after.stored = dumped(migrated)
    after.server_log = server_log.read_bytes()[written_before:].decode("utf-8", "replace")
    after.asked_of_the_model = json.dumps(world.model.requests, ensure_ascii=False)
    yield after
    migrated.empty()


def _say(after: Aftermath, body: str, *, expect: int = 200, sender: str = LEAD, **form: str) -> None:
    after.answered.append(_shown(after.world.text(body, expect=expect, sender=sender, **form)))


def _shown(response: Any) -> str:
    return f"{response.status} {response.headers} {response.get_data(as_text=True)}"


def _drain(after: Aftermath, *answers: str | ModelFailed | Callable[[Sequence[Mapping[str, str]]], str]) -> None:
    after.world.model.answers[:] = [*answers, *[decision(SAYS_NOTHING)] * 10]
    after.world.drain()
    after.world.model.answers.clear()


def _texts(after: Aftermath, database: Database) -> None:
    for written in WRITTEN:
        _say(after, f"{WORDS}: {written}")
        after.world.later(seconds=30)
    _drain(after)
    _say(after, f"look {WORDS}", NumMedia="1", MediaUrl0=f"https://elsewhere.example.test/{SSN}/{WORDS.split()[1]}")
    _drain(after)


def _give_back(after: Aftermath) -> None:
    """Whatever handed the thread to a person: the next text is answered by the model again."""
    with after.world.runtime.transaction(after.world.home.id) as session:
        for conversation in session.scalars(select(Conversation)):
            conversation.taken_over_at, conversation.handoff_reason = None, None


def _answers(after: Aftermath, database: Database) -> None:
    """Good, refused twice over what it holds, failing with words of theirs, and no JSON at all."""
    for said in (
        [decision(SAYS_NOTHING)],
        [decision(f"Sure, your number 078-05-1120 and {CARD} is noted")] * 2,
        [decision(f"Call +1 206 555 0147 about the {WORDS}")] * 2,
        [ModelFailed("unavailable", "the model does not answer")],
        [f"{WORDS} {LEAD} 078-05-1120"],
    ):
        after.world.later(minutes=40)
        _give_back(after)
        _say(after, f"what does the {WORDS} eat on a rainy day?")
        _drain(after, *said)


def _callbacks(after: Aftermath, database: Database) -> None:
    sent = [message for message in after.world.outbound() if message.provider_sid]
    after.answered.append(_shown(after.world.status(sent[0], "delivered")))
    after.answered.append(_shown(after.world.status(sent[1], "undelivered", error=30005)))


def _refusals(after: Aftermath, database: Database) -> None:
    world = after.world
    form = {"MessageSid": world.sid(), "AccountSid": world.home.account_sid, "From": LEAD, "To": world.home.number}
    form |= {"Body": f"{WORDS} {WRITTEN[0]}"}
    client = world.app.test_client()
    after.answered += [
        _shown(world.post("/webhooks/twilio/sms", form, token="wrong")),
        _shown(client.post("/webhooks/twilio/sms", data=form)),
        _shown(client.post("/webhooks/twilio/sms", data=WORDS, headers={"X-Twilio-Signature": world.home.token})),
        _shown(client.get(f"/nowhere/{LEAD}?body={WORDS}&ssn={SSN}&token={world.home.token}")),
        _shown(world.post("/webhooks/twilio/sms", [*form.items(), ("Body", WRITTEN[1])])),
    ]


def _rest(after: Aftermath, database: Database) -> None:
    """A form with everything in the wrong place."""
    client = after.world.app.test_client()
    headers = {"Authorization": f"Bearer {after.api_key}", "Idempotency-Key": "a-form"}
    at = after.world.clock.now().isoformat()
    evidence = {"disclosure": "I agree", "note": WRITTEN[0], "ip": "192.0.2.7", "at": at}
    consent = {"basis": "express", "purposes": ["inquiry"], "evidence": evidence}
    good = {"number": FORM_LEAD, "message": f"{API_WORDS} {WRITTEN[0]}", "name": f"{API_WORDS} {WRITTEN[3]}"}
    good |= {"source": WRITTEN[4], "fields": {"note": WRITTEN[8]}, "consent": consent}
    made = client.post("/api/v1/leads", json=good, headers=headers)
    assert made.status_code == 201, made.get_data(as_text=True)
    for body in (
        {**good, "number": "078-05-1120"},
        {**good, "fields": {"078-05-1120": "x"}},
        {**good, "fields": {"ssn": SSN, "Social_Security": SSN, "n": int(CARD), "m": float(CARD)}},
        {**good, "078-05-1120": 1},
        {**good, "language": WRITTEN[0]},
    ):
        answer = client.post("/api/v1/leads", json=body, headers={"Authorization": f"Bearer {after.api_key}"})
        after.answered_to_its_owner.append(_shown(answer))
    after.answered += [
        _shown(client.post("/api/v1/leads", json=good, headers={"Authorization": f"Bearer {after.api_key}x"})),
        _shown(client.get("/api/v1/leads/%2B13125550199", headers=headers)),
        _shown(client.get(f"/api/v1/conversations?key={after.api_key}", headers={"Authorization": after.api_key})),
        _shown(client.get("/readyz")),
        _shown(client.get("/metrics")),
    ]
    _drain(after)


def _by_hand(after: Aftermath, database: Database) -> None:
    """An agent writes."""
    world = after.world
    _give_back(after)
    with world.runtime.transaction(world.home.id) as session:
        contact = contact_for(session, address(LEAD))
        outbox.put(
            session,
            conversation=session.scalars(select(Conversation).where(Conversation.contact_id == contact.id)).one(),
            author=Author.AGENT,
            purpose=Purpose.REPLY,
            kind=Kind.AGENT_TEXT,
            body=f"It is Ann. The {AGENT_WORDS} is here.",
            now=world.clock.now(),
        )
    _drain(after)


def _missed_texts(after: Aftermath, database: Database) -> None:
    """What never reached us is read from the carrier's list."""
    world = after.world
    at = world.clock.now() - timedelta(minutes=4)
    body = f"{WORDS} {WRITTEN[0]} {WRITTEN[9]}"
    world.carrier.received.append(
        CarrierMessage("SM" + "e" * 32, "inbound", LEAD, world.home.number, body, "received", None, at, at)
    )
    plan_reconciliation(world.runtime, world.home.id)
    _drain(after)


def _database_errors(after: Aftermath, database: Database) -> None:
    """A row that the database refuses, quoted in its error with all its values."""
    with database.connect() as connection:
        connection.execute("ALTER TABLE messages ADD CONSTRAINT broken CHECK (body NOT LIKE '%%gate%%') NOT VALID")
    try:
        _say(after, f"{WORDS} at the gate {WRITTEN[0]}", expect=503)
    finally:
        with database.connect() as connection:
            connection.execute("ALTER TABLE messages DROP CONSTRAINT broken")


def _end_leases(database: Database) -> None:
    """The ten seconds of a lease run on the database's clock, which no test can set."""
    with database.connect() as connection:
        connection.execute("UPDATE contacts SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")


def _failures(after: Aftermath, database: Database) -> None:
    """The carrier refuses with the number in its words, loses an answer, and breaks until the row is set aside."""
    world = after.world
    quoted = f"The 'To' number {LEAD} is not valid"
    for outcome in (OutcomeUnknown(quoted, 20500), PermanentSendFailure(quoted, 21211)):
        _give_back(after)
        world.later(minutes=40)
        _say(after, f"is the {WORDS} asleep now?", sender=OTHER)
        world.carrier.outcomes.append(outcome)
        _drain(after)
        _end_leases(database)
        world.later(minutes=5)
        _drain(after)

    quoted = f"{LEAD} {world.home.token} {after.api_key} {WORDS} {WRITTEN[0]}"

    def carrier_breaks(sms: OutgoingSms) -> None:
        raise RuntimeError(f"{sms.body} {sms.to} {quoted}")

    def model_breaks(messages: Sequence[Mapping[str, str]]) -> str:
        raise RuntimeError(f"{messages} {quoted}")

    _give_back(after)
    with world.runtime.transaction(world.home.id) as session:
        contact_for(session, address(OTHER)).unreachable_code = None
    world.carrier.outcomes.append(carrier_breaks)
    _say(after, f"and the {WORDS} now, is it up?", sender=OTHER)
    _drain(after)
    _end_leases(database)
    world.later(minutes=5)
    _drain(after)
    _give_back(after)
    _say(after, f"what about the {WORDS} here?", sender=OTHER)
    for _ in range(MAX_ATTEMPTS + 1):
        _drain(after, *[model_breaks] * 10)
        world.later(minutes=3)


# ---- what must hold ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [SSN, CARD])
def test_no_social_security_or_card_number_is_anywhere(aftermath: Aftermath, digits: str) -> None:
    assert aftermath.where(digits) == set()


def test_what_was_taken_out_is_said(aftermath: Aftermath) -> None:
    bodies = [text for place, text in aftermath.stored if place == "messages.body"]

    assert len([body for body in bodies if "removed]" in body and WORDS in body]) >= len(WRITTEN)


def test_the_token_is_stored_encrypted_only(aftermath: Aftermath) -> None:
    world = aftermath.world
    with world.runtime.transaction(world.home.id) as session:
        row = session.scalars(select(Credential)).one()
    cipher = world.runtime.cipher(world.home.data_key)

    assert aftermath.where(world.home.token) == set()
    assert credential_secret(cipher, world.home.id, row.id, row.secret) == world.home.token


def test_an_api_key_is_stored_as_its_hash_only(aftermath: Aftermath) -> None:
    key_hash = hashlib.sha256(aftermath.api_key.encode()).hexdigest()

    assert aftermath.where(aftermath.api_key) == set()
    assert aftermath.where(aftermath.api_key.removeprefix("sk_")) == set()
    assert aftermath.where(key_hash) == {"api_keys.key_hash"}


def test_no_key_of_the_deployment_is_anywhere(aftermath: Aftermath) -> None:
    settings = aftermath.world.settings

    assert aftermath.where(settings.secret_key) == set()
    for key in settings.encryption_keys:
        assert aftermath.where(key.hex()) == set()


def test_words_stand_in_the_transcript_and_before_the_model_only(aftermath: Aftermath) -> None:
    assert aftermath.where(WORDS) == {"messages.body", "model"}
    assert aftermath.where(AGENT_WORDS) - {"model"} == {"messages.body"}


def test_what_a_form_said_stands_in_the_lead_only(aftermath: Aftermath) -> None:
    assert aftermath.where(API_WORDS) <= {
        "leads.fields",
        "leads.name",
        "model",  # what they asked in the form is what the first text answers
        "owner's answer",
    }
    assert "leads.fields" in aftermath.where(API_WORDS)


@pytest.mark.parametrize("number", [LEAD, OTHER])
def test_a_number_stands_whole_on_its_contact_only(aftermath: Aftermath, number: str) -> None:
    assert aftermath.where(number) == {"contacts.address"}
    assert aftermath.where(number[2:]) == {"contacts.address"}


def test_a_number_from_a_form_stands_on_its_contact_only(aftermath: Aftermath) -> None:
    assert aftermath.where(FORM_LEAD[2:]) == {
        "contacts.address",
        "owner's answer",
    }


def test_the_evidence_holds_the_words_masked_and_encrypted(aftermath: Aftermath) -> None:
    world = aftermath.world
    cipher = world.runtime.cipher(world.home.data_key)
    opened = []
    with world.runtime.transaction(world.home.id) as session:
        for row in session.scalars(select(ConsentEvidence)):
            place = {"table": "consent_evidence", "column": "content", "row": row.event_id}
            opened.append(cipher.decrypt(row.content, tenant_id=world.home.id, **place).decode())
        assert session.scalars(select(ConsentEvent)).first() is not None

    assert any(WORDS in text and LEAD in text for text in opened)
    assert [text for text in opened if SSN in bare(text) or CARD in bare(text)] == []


def test_logs_name_what_happened_without_saying_it(aftermath: Aftermath) -> None:
    """The scan means something only if all of this was logged."""
    events = {json.loads(line)["event"] for line in aftermath.logged.splitlines()}

    assert {"webhook.database_away", "work.failed", "send.unknown", "ledger.sealed"} <= events
    assert {alert.kind for alert in aftermath.world.rows(Alert)} >= {"work_quarantined"}


def test_the_bell_holds_rings_only(aftermath: Aftermath) -> None:
    assert aftermath.bell_before == ""
    assert "worker.drain" in aftermath.bell
    ids = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", aftermath.bell))
    rows = {text for place, text in aftermath.stored if place.endswith((".id", "_id"))}
    assert ids
    assert ids & rows == set()


def test_a_scan_finds_what_is_there(aftermath: Aftermath) -> None:
    """The scan itself, on places of its own."""
    seen = Aftermath(aftermath.world, "", stored=[("a.b", "x 0-7-8 05.1120"), ("c.d", as_text(b"4111-1111"))])

    assert seen.where(SSN) == {"a.b"}
    assert seen.where("41111111") == {"c.d"}
