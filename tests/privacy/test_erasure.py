from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select, text, update

from consent.ledger import state_of
from consent.models import ConsentEvidence, Contact, Suppression
from consent.purposes import Purpose
from consent.state import Basis, EventKind, Overall
from conversations import imports, leads
from conversations.models import Alert, Lead, LeadImport, Media, State, Task, Trace
from conversations.redaction import REDACT, SETTLES
from privacy import requests
from privacy.erasure import erase
from privacy.links import make, read
from smsbot.actor import SYSTEM, Actor, ActorKind, Role
from smsbot.api_keys import new_api_key
from smsbot.errors import Conflict, NotFound, PermanentSendFailure, TemporarySendFailure
from smsbot.tenancy import ApiKey, IdempotencyKey, Link
from tests.conftest import Database
from tests.dashboard.staff import at_work, hire
from tests.privacy import story
from tests.privacy.story import contact_id
from tests.public.visitors import a_form, visitor
from tests.world import LEAD, Business, World

NAME, WORDS, ASKED, NOTE = (
    "Quenby Thistlewood",
    "the marmalade walrus",
    "about the vermilion pagoda",
    "said so by tin can",
)
AGREED = "By ticking I agree to automated texts about cerulean haddock."
CANARIES = (
    LEAD,
    LEAD[2:],
    NAME,
    WORDS,
    "marmalade",
    ASKED,
    "vermilion",
    NOTE,
    AGREED,
    "haddock",
    "203.0.113.77",
    "60611",
)


def lived(world: World, *, of: Business | None = None) -> None:
    """A person who came by the REST interface with everything that can be said of one, and wrote, also with a picture."""
    business = of or world.home
    key, key_hash = new_api_key()
    with world.runtime.transaction(business.id) as session:
        session.add(ApiKey(name="site", key_hash=key_hash))
    evidence = {
        "disclosure": AGREED, "disclosure_version": "1", "page_url": "https://lakeside.example.test/haddock",
        "ip": "203.0.113.77", "at": world.clock.now().isoformat(), "checkbox_default": False, "checkbox_value": True,
    }  # fmt: skip
    body = {
        "number": LEAD, "name": NAME, "message": ASKED, "fields": {"wish": "vermilion roof"}, "postal_code": "60611",
        "consent": {"basis": "express_written", "purposes": ["inquiry", "marketing"], "evidence": evidence},
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "haddock"}
    made = world.app.test_client().post("/api/v1/leads", json=body, headers=headers)
    assert made.status_code == 201, made.get_data(as_text=True)
    world.drain()
    world.text(
        f"Tell me of {WORDS}",
        to=business,
        NumMedia="1",
        MediaUrl0="https://api.twilio.com/x",
        MediaContentType0="image/png",
    )
    world.drain()


def erased(world: World, *, of: Business | None = None, cause: str = "test") -> UUID:
    business = of or world.home
    with world.runtime.transaction(business.id) as session:
        who = session.scalars(select(Contact.id).where(Contact.address == LEAD)).one()
    erase(world.runtime, business.id, who, actor=SYSTEM, cause=cause)
    return who


def everything(database: Database, tenant_id: UUID | None = None) -> dict[str, list[str]]:
    """Every row of every table as text; of one tenant, if so asked."""
    with database.connect() as connection:
        return {table: _rows(connection, table, tenant_id) for table in database.tables}


def _rows(connection: psycopg.Connection[Any], table: str, tenant_id: UUID | None) -> list[str]:
    rows = connection.execute(
        sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(table))
    ).fetchall()
    return [str(row[0]) for row in rows if tenant_id is None or str(tenant_id) in str(row[0])]


def where(canary: str, rows: dict[str, list[str]]) -> set[str]:
    """The tables in which it stands, as text or as bytes."""
    found = (canary.lower(), canary.encode().hex())
    return {table for table, texts in rows.items() for row in texts if any(one in row.lower() for one in found)}


def test_the_scan_sees_a_person_who_was_not_erased(world: World, database: Database) -> None:
    lived(world)

    rows = everything(database)

    assert where(LEAD, rows) >= {"contacts"}
    assert where(NAME, rows) >= {"leads"}
    assert where("marmalade", rows) >= {"messages"}


def test_nothing_of_an_erased_person_stands_anywhere(world: World, database: Database) -> None:
    lived(world)
    story.append(world, EventKind.HELP)
    token = make(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, cause="test")
    requests.ask(world.runtime, world.home.id, contact_id(world), requests.Ask.ACCESS, actor=SYSTEM, cause="test")

    who = erased(world)
    world.drain()

    rows = everything(database)
    assert {canary: where(canary, rows) for canary in CANARIES if where(canary, rows)} == {}
    assert [world.rows(model) for model in (Trace, Media, Task, Alert, Link)] == [[], [], [], [], []]
    assert {message.body for message in world.messages()} == {""}
    assert read(world.runtime, token.rpartition("/")[2]) is None
    assert _evidence_left(world) == [{}]
    assert world.rows(Contact)[0].address == f"erased:{who}"
    assert world.verified()


def _evidence_left(world: World) -> list[Any]:
    cipher = world.runtime.cipher(world.home.data_key)
    return [
        json.loads(
            cipher.decrypt(
                row.content, tenant_id=row.tenant_id, table="consent_evidence", column="content", row=row.event_id
            )
        )
        for row in world.rows(ConsentEvidence)
    ]


def test_a_stored_answer_of_the_interface_keeps_only_the_lead_s_id(world: World) -> None:
    lived(world)
    lead = world.rows(Lead)[0]
    erased(world)

    (row,) = world.rows(IdempotencyKey)
    place = {"table": "idempotency_keys", "column": "response", "row": f"{row.api_key_id}/{row.key}"}
    sealed = base64.b64decode(row.response["sealed"])
    answer = json.loads(
        world.runtime.cipher(world.home.data_key).decrypt_text(sealed, tenant_id=world.home.id, **place)
    )

    assert answer["id"] == str(lead.id)
    assert (answer["number"], answer["name"], answer["fields"]) == ("", None, {})


def test_only_a_keyed_hash_of_the_number_is_kept(world: World) -> None:
    lived(world)
    erased(world)

    (kept,) = world.rows(Suppression)

    assert bytes(kept.address_hmac) == world.runtime.keyring.suppression_hashes(LEAD)[0]
    assert (kept.reason, kept.scope) == ("erased", "tenant")


def test_an_opt_out_is_remembered_from_when_it_was(world: World) -> None:
    world.clock.freeze()
    world.text("STOP")
    at = world.clock.now()
    world.later(days=3)

    erased(world)

    (kept,) = world.rows(Suppression)
    assert kept.since == at


@pytest.mark.parametrize("came", ["text", "interface", "list", "form"])
def test_the_number_comes_back_and_stays_opted_out_until_start(came: str, world: World) -> None:
    lived(world)
    erased(world)
    before = len(world.carrier.accepted)
    world.later(hours=1)

    COMES_BACK[came](world)
    world.drain()

    again = world.contact()
    assert state_of(again).opted_out is not None
    assert len(world.carrier.accepted) == before
    world.later(minutes=1)
    world.text("START")
    assert state_of(world.contact()).overall(world.clock.now()) is Overall.OPTED_IN
    assert world.verified()


def _by_text(world: World) -> None:
    world.text("Hello, is anybody there?")


def _by_interface(world: World) -> None:
    evidence = {
        "disclosure": AGREED,
        "disclosure_version": "1",
        "page_url": "https://lakeside.example.test/",
        "ip": "::1",
    }
    claim = leads.ConsentClaim(Basis.EXPRESS_WRITTEN, (Purpose.INQUIRY, Purpose.MARKETING), world.clock.now(), evidence)
    with world.runtime.transaction(world.home.id) as session:
        leads.create_lead(world.runtime, session, leads.NewLead(LEAD, consent=claim), actor=SYSTEM, cause="test")


def _by_list(world: World) -> None:
    content = f"number,name\n{LEAD},Maria Lopez\n".encode()
    owner = Actor(ActorKind.STAFF, hire(world, role=Role.OWNER), Role.OWNER)
    imports.bring(world.runtime, world.home.id, owner, imports.ListFile("list.csv", content))


def _by_form(world: World) -> None:
    assert visitor(world, a_form(world)).send(ticked=True).status_code == 303


COMES_BACK: dict[str, Callable[[World], None]] = {
    "text": _by_text,
    "interface": _by_interface,
    "list": _by_list,
    "form": _by_form,
}


@pytest.mark.parametrize(("word", "kind"), [("STOP", EventKind.OPT_OUT), ("HELP", EventKind.HELP)])
def test_the_words_of_consent_count_for_who_was_erased(word: str, kind: EventKind, world: World) -> None:
    lived(world)
    erased(world)

    world.text(word)

    again = [event.kind for event in world.ledger() if event.contact_id == world.contact().id]
    assert again[:2] == [EventKind.OPT_OUT, kind]
    assert state_of(world.contact()).opted_out is not None


def test_another_tenant_s_same_person_is_untouched(world: World, database: Database) -> None:
    lived(world)
    other = world.business("Zephyrine Motors", "+12065550186")
    lived(world, of=other)
    before = everything(database, other.id)

    erased(world)

    assert everything(database, other.id) == before


def test_an_erasure_forgets_lists_that_nobody_started_and_no_other_tenants(world: World) -> None:
    lived(world)
    other = world.business("Zephyrine Motors", "+12065550186")
    content = f"number,name\n{LEAD},{NAME}\n".encode()
    for business in (world.home, other):
        imports.keep(world.runtime, business.id, SYSTEM, imports.ListFile("people.csv", content))
    erase(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, cause="test")

    assert world.rows(LeadImport) == []
    assert len(world.rows(LeadImport, of=other)) == 1


def test_a_second_erasure_changes_nothing(world: World, database: Database) -> None:
    lived(world)
    who = erased(world)
    before = everything(database)

    again = erase(world.runtime, world.home.id, who, actor=SYSTEM, cause="test")

    assert again.again
    assert everything(database) == before


def test_nobody_is_erased_for_another_tenant(world: World) -> None:
    lived(world)
    other = world.business("Zephyrine Motors", "+12065550186")

    with pytest.raises(NotFound):
        erase(world.runtime, other.id, contact_id(world), actor=SYSTEM, cause="test")

    assert world.contact().address == LEAD


@pytest.mark.parametrize(
    "table", ["suppressions", "messages", "contacts", "leads", "links", "consent_evidence", "events"]
)
def test_an_erasure_that_fails_on_its_way_has_changed_nothing(table: str, world: World, database: Database) -> None:
    lived(world)
    make(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, cause="test")
    before = everything(database)
    with database.connect() as connection:
        connection.execute(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$"
        )
        connection.execute(
            sql.SQL("CREATE TRIGGER broken BEFORE INSERT OR UPDATE OR DELETE ON {} EXECUTE FUNCTION broken()").format(
                sql.Identifier(table)
            )
        )
        try:
            with pytest.raises(Exception, match="broken"):
                erased(world)
        finally:
            connection.execute("DROP FUNCTION broken() CASCADE")

    assert everything(database) == before


def test_an_erasure_waits_for_a_text_in_flight(world: World) -> None:
    world.text("Is it still there?")
    at_the_carrier, go_on = threading.Event(), threading.Event()

    def before(_: object) -> None:
        at_the_carrier.set()
        go_on.wait(10)

    world.carrier.before = before
    sending = threading.Thread(target=world.drain)
    sending.start()
    assert at_the_carrier.wait(10)
    done: list[float] = []
    erasing = threading.Thread(target=lambda: (erased(world), done.append(time.monotonic())))
    erasing.start()
    time.sleep(0.2)
    released_at = time.monotonic()
    waited = not done
    go_on.set()
    sending.join(10)
    erasing.join(10)

    assert waited
    assert done[0] > released_at
    assert {message.body for message in world.messages()} == {""}
    assert [message.state for message in world.outbound()] == [State.SENT]


def test_an_erasure_that_waits_in_vain_changes_nothing(world: World) -> None:
    lived(world)
    with world.runtime.transaction(world.home.id) as session:
        session.execute(
            update(Contact).values(lease_token=uuid4(), lease_until=text("clock_timestamp() + interval '1 minute'"))
        )
    who = contact_id(world)

    with pytest.raises(Conflict):
        erase(world.runtime, world.home.id, who, actor=SYSTEM, cause="test", wait_s=0.1)

    assert world.contact().address == LEAD


def test_a_draft_in_the_making_is_not_written_after_the_erasure(world: World) -> None:
    world.with_model = True

    def thinks(_: object) -> str:
        erased(world)
        answer = {"action": "reply", "text": f"Yes, {WORDS} is here.", "language": "en", "facts_used": []}
        return json.dumps({**answer, "handoff_reason": None, "field_notes": []})

    world.model.answers[:] = [thinks]
    world.text("Is it still there?")
    world.drain()

    assert world.carrier.accepted == []
    assert {message.body for message in world.messages()} == {""}
    assert [message.state for message in world.outbound()] == [State.CANCELED]
    assert world.rows(Trace) == []


def test_the_carrier_s_copies_are_emptied_as_well(world: World) -> None:
    world.text("Is it still there?")
    world.drain()
    erased(world)

    world.drain()
    waits = [row.kind for row in world.due()]
    world.later(seconds=SETTLES.total_seconds())
    world.drain()

    assert waits == [REDACT]
    assert [listed.body for listed in world.carrier.listed] == [""]
    assert world.due() == []


@pytest.mark.parametrize(
    ("failures", "left"),
    [
        ([TemporarySendFailure("away")], 0),
        ([PermanentSendFailure("on its way", 20009)], 0),
        ([PermanentSendFailure("gone", 20404)], 0),
        ([TemporarySendFailure("away")] * 50, 2),
    ],
    ids=["away once", "still on its way", "not there any more", "away for good"],
)
def test_a_carrier_that_does_not_empty_a_text_is_asked_again(failures: list[Any], left: int, world: World) -> None:
    world.text("Is it still there?")
    world.drain()
    world.carrier.redact_failures = list(failures)
    erased(world)

    for _ in range(12):
        world.later(hours=13)
        world.drain()

    assert len(world.due()) == left
    assert [row.quarantined_at is not None for row in world.due()] == [True] * left


def test_a_late_callback_is_taken_and_brings_nothing_back(world: World, database: Database) -> None:
    lived(world)
    sent = next(message for message in world.outbound() if message.provider_sid)
    erased(world)
    world.drain()

    delivered = world.status(sent, "delivered")
    failed = world.status(sent, "undelivered", error=30003)
    world.drain()

    assert (delivered.status_code, failed.status_code) == (200, 200)
    rows = everything(database)
    assert {canary: where(canary, rows) for canary in CANARIES if where(canary, rows)} == {}
    assert (world.rows(Task), {m.body for m in world.messages()}) == ([], {""})


def test_a_repeated_webhook_of_an_erased_person_brings_nothing_back(world: World, database: Database) -> None:
    sid = "SM" + secrets.token_hex(16)
    world.text(f"Tell me of {WORDS}", sid=sid)
    erased(world)

    world.text(f"Tell me of {WORDS}", sid=sid)

    rows = everything(database)
    assert where(LEAD, rows) | where("marmalade", rows) == set()
    assert len(world.rows(Contact)) == 1


def test_staff_and_the_interface_do_not_see_an_erased_person(world: World) -> None:
    lived(world)
    conversation, lead = world.conversation(), world.rows(Lead)[0]
    browser = at_work(world)
    erased(world)

    inbox = browser.page("/?queue=all")

    assert "erased:" not in inbox
    assert browser.get(f"/c/{conversation.id}").status_code == 404
    with world.runtime.transaction(world.home.id) as session:
        with pytest.raises(NotFound):
            leads.lead_at(session, lead.id, actor=SYSTEM, now=world.clock.now())
        assert leads.conversations_after(session, actor=SYSTEM, number=None, after=None, limit=10) == []


def test_what_is_asked_of_an_erased_person_is_not_found(world: World) -> None:
    lived(world)
    who = erased(world)

    with pytest.raises(NotFound):
        make(world.runtime, world.home.id, who, actor=SYSTEM, cause="test")
    with pytest.raises(NotFound):
        requests.stop(world.runtime, world.home.id, who, actor=SYSTEM, method="test", evidence={})


def test_a_suppression_outlives_a_rotation_of_the_keys(world: World) -> None:
    lived(world)
    erased(world)
    old = world.settings.encryption_keys
    world.runtime.keyring = type(world.runtime.keyring)([secrets.token_bytes(32), *old])

    world.text("Hello again")

    assert state_of(world.contact()).opted_out is not None
