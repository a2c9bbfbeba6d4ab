"""Reading: conversations, messages and the ledger, a page at a time, of one tenant."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from itsdangerous import URLSafeSerializer

from consent.ledger import erase_evidence, event_hash, lock
from conversations.leads import conversations_after, lead_at, ledger_after, messages_after
from conversations.models import Direction
from smsbot.actor import SYSTEM, Actor, ActorKind, Role
from smsbot.clock import OffsetClock
from smsbot.database import database_engine
from smsbot.errors import NotFound
from smsbot.runtime import Runtime
from tests.api.client import Client, a_client, an_agent, problem, wrong_fields
from tests.world import LEAD, World
from wsgi import application


def pages(client: Client, path: str, **query: str) -> Iterator[list[dict[str, Any]]]:
    """Every page of a list."""
    cursor: str | None = ""
    while cursor is not None:
        body = client.get(path, **query, **({"cursor": cursor} if cursor else {})).get_json()
        yield body["items"]
        cursor = body["next"]


def test_messages_are_listed_oldest_first_with_what_became_of_them(world: World, client: Client) -> None:
    world.text("Hi, are you open on Saturday?")
    world.drain()
    lead = client.get(f"/leads/{LEAD}").get_json()

    inbound, outbound = client.get(f"/conversations/{lead['conversation_id']}/messages").get_json()["items"]
    assert (inbound["direction"], inbound["author"], inbound["body"]) == (
        "inbound", "lead", "Hi, are you open on Saturday?",
    )  # fmt: skip
    assert (inbound["state"], inbound["purpose"], inbound["sent_at"]) == ("received", None, None)
    assert (outbound["direction"], outbound["author"], outbound["purpose"]) == ("outbound", "ai", "reply")
    assert outbound["state"] == "sent"
    assert outbound["sent_at"].endswith("Z")
    ledger = client.get(f"/consent/{LEAD}/events").get_json()["items"]
    assert outbound["consent_event_id"] == ledger[0]["id"]


def test_pages_hold_every_message_once_and_in_order(world: World, client: Client) -> None:
    for number in range(7):
        world.text(f"text {number}")
    conversation_id = world.conversation().id
    path = f"/conversations/{conversation_id}/messages"
    whole = client.get(path, limit="200").get_json()["items"]
    read = list(pages(client, path, limit="3"))

    assert [len(page) for page in read][:-1] == [3] * (len(read) - 1)
    assert [message for page in read for message in page] == whole
    assert [m["body"] for m in whole if m["direction"] == "inbound"] == [f"text {n}" for n in range(7)]
    assert len(whole) == len(world.messages())


def test_the_last_page_says_so_even_when_it_is_full(world: World, client: Client) -> None:
    for number in (1, 2):
        client.post_lead({"number": f"+1312555017{number}"})

    assert [len(page) for page in pages(client, "/conversations", limit="1")] == [1, 1]
    assert client.get("/conversations", limit="2").get_json()["next"] is None


def test_conversations_are_listed_newest_first_and_found_by_number(world: World, client: Client) -> None:
    for number in range(5):
        client.post_lead({"number": f"+1312555017{number}"})
        world.later(seconds=1)

    read = [c["number"] for page in pages(client, "/conversations", limit="2") for c in page]
    assert read == [f"+1312555017{number}" for number in (4, 3, 2, 1, 0)]
    for written in ("+13125550173", "(312) 555-0173", "13125550173"):
        found = client.get("/conversations", number=written).get_json()["items"]
        assert [c["number"] for c in found] == ["+13125550173"], written
    unescaped = client.call("GET", "/conversations?number=+13125550173").get_json()["items"]
    assert [c["number"] for c in unescaped] == ["+13125550173"]
    assert client.get("/conversations", number="+13125550179").get_json() == {"items": [], "next": None}


def test_the_ledger_is_listed_oldest_first_and_its_chain_can_be_followed(world: World, client: Client) -> None:
    for body in ("Is it still there?", "STOP", "START", "Thanks"):
        world.text(body)
    events = [event for page in pages(client, f"/consent/{LEAD}/events", limit="2") for event in page]

    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert [e["kind"] for e in events if e["kind"] not in ("carrier_block", "carrier_unblock")] == [
        "inquiry", "opt_out", "start", "inquiry",
    ]  # fmt: skip
    assert events[0]["prev_hash"] == ""
    assert all(after["prev_hash"] == before["hash"] for before, after in itertools.pairwise(events))
    stored = world.ledger()
    assert [e["hash"] for e in events] == [event_hash(row, row.prev_hash).hex() for row in stored]
    assert events[1]["evidence"]["words"] == "STOP"


def test_erased_evidence_reads_null_and_says_that_it_was_erased(world: World, client: Client) -> None:
    world.text("My name is Sam, is it still there?")
    with world.runtime.transaction(world.home.id) as session:
        contact = lock(session, world.contact().id)
        assert contact is not None
        cipher = world.runtime.cipher(world.home.data_key)
        erase_evidence(session, contact, cipher, actor=SYSTEM, now=world.clock.now(), cause="request")
    answer = client.get(f"/consent/{LEAD}/events")

    first, last = answer.get_json()["items"]
    assert (first["evidence"], first["evidence_erased"]) == (None, True)
    assert (last["kind"], last["evidence"], last["evidence_erased"]) == ("erased", {}, False)
    assert b"Sam" not in answer.get_data()


def test_a_number_that_nothing_is_known_of_has_an_empty_ledger(client: Client) -> None:
    assert client.get("/consent/+13125550179/events").get_json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/conversations", {"limit": "0"}, "limit"),
        ("/conversations", {"limit": "201"}, "limit"),
        ("/conversations", {"limit": "-1"}, "limit"),
        ("/conversations", {"limit": "ten"}, "limit"),
        ("/conversations", {"limit": ""}, "limit"),
        ("/conversations", {"limit": "٥"}, "limit"),
        ("/conversations", {"cursor": ""}, "cursor"),
        ("/conversations", {"cursor": "x"}, "cursor"),
        ("/conversations", {"cursor": "é\x00"}, "cursor"),
        ("/conversations", {"cursor": base64.urlsafe_b64encode(b'["2026-11-20", "1"]').decode()}, "cursor"),
        ("/conversations", {"number": "555-01"}, "number"),
        ("/conversations", {"number": "' OR 1=1"}, "number"),
        (f"/consent/{LEAD}/events", {"limit": "1.5"}, "limit"),
        (f"/consent/{LEAD}/events", {"cursor": "1"}, "cursor"),
        ("/consent/nobody/events", {}, "number"),
    ],
)
def test_a_parameter_that_cannot_be_taken_is_named(
    client: Client, path: str, query: dict[str, str], field: str
) -> None:
    assert wrong_fields(client.get(path, **query)) == {field}


def test_a_cursor_is_good_for_its_own_list_only(world: World, client: Client) -> None:
    for number in (1, 2):
        client.post_lead({"number": f"+1312555017{number}"})
    cursor = client.get("/conversations", limit="1").get_json()["next"]
    conversation_id = client.get("/leads/+13125550171").get_json()["conversation_id"]

    assert client.get("/conversations", cursor=cursor).status_code == 200
    assert wrong_fields(client.get("/conversations", cursor=cursor[:-1])) == {"cursor"}
    assert wrong_fields(client.get(f"/conversations/{conversation_id}/messages", cursor=cursor)) == {"cursor"}
    assert wrong_fields(client.get("/consent/+13125550171/events", cursor=cursor)) == {"cursor"}


def test_a_cursor_names_nobody(client: Client) -> None:
    for number in (1, 2):
        client.post_lead({"number": f"+1312555017{number}", "name": "Sam"})
    cursor = client.get("/conversations", limit="1").get_json()["next"]
    _, read = URLSafeSerializer("a reader without our key").loads_unsafe(cursor)

    assert read is not None
    at, row_id, _ = read
    assert (datetime.fromisoformat(at).tzinfo, str(UUID(row_id))) == (UTC, row_id)


def test_somebody_elses_rows_are_not_there(world: World, client: Client) -> None:
    other = world.business("Hillside Motors", "+13125550101")
    world.text("canary-7f3a words", sender="+13125550172", to=other)
    theirs = a_client(world, other)
    foreign = theirs.get("/leads/+13125550172").get_json()
    paths = [
        f"/leads/{foreign['id']}",
        "/leads/+13125550172",
        f"/conversations/{foreign['conversation_id']}/messages",
        "/conversations",
        "/conversations?number=%2B13125550172",
        "/consent/+13125550172/events",
    ]
    answers = [client.call("GET", path) for path in paths]

    assert [a.status_code for a in answers] == [404, 404, 404, 200, 200, 200]
    assert all(a.get_json() == {"items": [], "next": None} for a in answers[3:])
    assert all(b"canary" not in a.get_data() for a in answers)
    unknown = client.get(f"/conversations/{uuid4()}/messages")
    assert {a.get_data() for a in answers[:3]} == {unknown.get_data()}
    assert problem(unknown)["title"] == "Not Found"
    assert b"canary" in theirs.get(f"/conversations/{foreign['conversation_id']}/messages").get_data()


@pytest.mark.parametrize(
    ("role", "whose", "sees"),
    [
        (Role.OWNER, "a colleague's", True),
        (Role.MANAGER, "a colleague's", True),
        (Role.COMPLIANCE, "a colleague's", True),
        (Role.AGENT, "mine", True),
        (Role.AGENT, "nobody's", True),
        (Role.AGENT, "a colleague's", False),
    ],
)
def test_agents_see_their_own_leads_and_nobodys_and_the_others_the_floor(
    world: World, client: Client, role: Role, whose: str, sees: bool
) -> None:
    agent_id, colleague_id = an_agent(world), an_agent(world)
    owner = {"mine": str(agent_id), "nobody's": None, "a colleague's": str(colleague_id)}[whose]
    body: dict[str, Any] = {"number": LEAD, "consent": {"basis": "inquiry"}}
    lead = client.post_lead(body | ({"assigned_to": owner} if owner else {})).get_json()

    assert _sees(world, Actor(ActorKind.STAFF, agent_id, role), lead) is sees


@pytest.mark.parametrize(
    "actor",
    [
        Actor(ActorKind.STAFF, None, Role.AGENT),
        Actor(ActorKind.STAFF, uuid4(), None),
        Actor(ActorKind.CARRIER),
        Actor(ActorKind.LEAD, uuid4()),
    ],
)
def test_who_is_nobody_sees_no_lead_not_even_an_unassigned_one(world: World, client: Client, actor: Actor) -> None:
    lead = client.post_lead({"number": LEAD, "consent": {"basis": "inquiry"}}).get_json()

    assert _sees(world, actor, lead) is False
    assert _sees(world, SYSTEM, lead) is True
    assert _sees(world, Actor(ActorKind.LEAD, world.contact().id), lead) is True


def _sees(world: World, actor: Actor, lead: dict[str, Any]) -> bool:
    """Whether the actor sees this lead, by every read alike."""
    with world.runtime.transaction(world.home.id) as session:
        reads = [
            bool(conversations_after(session, actor=actor, number=None, after=None, limit=5)),
            bool(ledger_after(world.runtime, session, LEAD, actor=actor, after_seq=0, limit=5)),
        ]
        conversation_id = UUID(lead["conversation_id"])
        for ref in (LEAD, UUID(lead["id"])):
            try:
                reads.append(lead_at(session, ref, actor=actor, now=world.clock.now()).number == LEAD)
            except NotFound:
                reads.append(False)
        try:
            messages_after(session, conversation_id, actor=actor, after=None, limit=5)
            reads.append(True)
        except NotFound:
            reads.append(False)
    assert len(set(reads)) == 1, reads
    return reads[0]


def test_without_a_database_every_call_is_503_and_says_when_to_come_back(world: World, client: Client) -> None:
    nowhere = database_engine("postgresql+psycopg://smsbot_app@127.0.0.1:1/none")
    away = Runtime(world.settings, OffsetClock(), nowhere, world.runtime.bell, world.runtime.keyring)
    app: Flask = application(away)
    world.app = app

    for answer in (
        client.get(f"/leads/{LEAD}"),
        client.post_lead({"number": LEAD}, key="a"),
        client.get("/conversations"),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0


def test_an_inbound_text_of_a_lead_from_the_api_continues_their_conversation(world: World, client: Client) -> None:
    lead = client.post_lead({"number": LEAD, "name": "Sam"}).get_json()
    world.text("Is it still there?")
    world.drain()

    assert world.conversation().id == UUID(lead["conversation_id"])
    assert len(world.messages(Direction.OUTBOUND)) == 1
