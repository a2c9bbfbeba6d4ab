"""`POST /leads` and `GET /leads/…`: written down once per number, filled in, never overwritten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from consent.models import Contact
from conversations.models import Conversation, Episode, Lead
from smsbot.actor import Role
from smsbot.events import Event
from smsbot.tenancy import Agent
from tests.api.client import Client, a_client, an_agent, problem, wrong_fields
from tests.world import LEAD, World


def test_a_new_lead_is_201_with_its_address_and_gets_its_first_text(world: World, client: Client) -> None:
    agent_id = an_agent(world)
    answer = client.post_lead(
        {
            "number": "(312) 555-0171",
            "name": "  Sam   Rivera ",
            "language": "es",
            "source": "website",
            "assigned_to": str(agent_id),
            "message": "Is 12 Lake Street still available?",
            "fields": {"budget": 400000, "pets": True},
            "consent": {"basis": "inquiry"},
        }
    )
    world.drain()

    assert answer.status_code == 201
    lead = answer.get_json()
    assert (lead["number"], lead["name"], lead["language"], lead["source"]) == (LEAD, "Sam Rivera", "es", "website")
    assert lead["fields"] == {"budget": 400000, "pets": True, "message": "Is 12 Lake Street still available?"}
    assert lead["assigned_to"] == str(agent_id)
    assert lead["created_at"].endswith("Z")
    assert answer.headers["Location"] == f"/api/v1/leads/{lead['id']}"
    (first,) = world.carrier.accepted
    assert (first.to, first.sender) == (LEAD, world.home.number)
    assert first.body.startswith("Lakeside Realty:")
    assert world.due() == []


def test_a_lead_without_a_claim_of_consent_is_written_down_and_nobody_is_texted(world: World, client: Client) -> None:
    client.post_lead({"number": LEAD, "message": "Is 12 Lake Street still available?"})
    world.drain()

    assert world.carrier.accepted == []
    assert world.messages() == []
    assert world.due() == []


def test_a_lead_is_found_by_id_and_by_its_number_in_any_formatting(client: Client) -> None:
    lead = client.post_lead({"number": LEAD, "consent": {"basis": "inquiry"}}).get_json()

    for ref in (lead["id"], LEAD, "%2B13125550171", "3125550171", "(312) 555-0171", "1-312-555-0171"):
        found = client.get(f"/leads/{ref}")
        assert (found.status_code, found.get_json()) == (200, lead), ref


def test_the_same_number_in_any_formatting_is_one_lead(world: World, client: Client) -> None:
    first = client.post_lead({"number": "312.555.0171"})
    second = client.post_lead({"number": "+1 (312) 555-0171"})

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json()["id"] == second.get_json()["id"]
    assert [len(world.rows(table)) for table in (Contact, Lead, Conversation, Episode)] == [1, 1, 1, 1]


def test_a_known_lead_is_filled_where_it_is_empty_and_what_staff_entered_stays(world: World, client: Client) -> None:
    client.post_lead({"number": LEAD, "name": "Sam", "fields": {"budget": 400000, "beds": None}})
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(Lead).values(name="Samuel Rivera"))
    answer = client.post_lead(
        {
            "number": LEAD,
            "name": "S.",
            "language": "es",
            "source": "ads",
            "fields": {"budget": 1, "beds": 3, "city": "Cicero"},
        }
    )

    lead = answer.get_json()
    assert answer.status_code == 200
    assert (lead["name"], lead["language"], lead["source"]) == ("Samuel Rivera", "es", "api")
    assert lead["fields"] == {"budget": 400000, "beds": 3, "city": "Cicero"}


def test_a_second_question_is_added_to_the_first_and_a_repeat_is_not(client: Client) -> None:
    for message in ("Is it available?", "Can I see it on Sunday?", "Can I see it on Sunday?"):
        lead = client.post_lead({"number": LEAD, "message": message}).get_json()

    assert lead["fields"]["message"] == "Is it available?\nCan I see it on Sunday?"


def test_who_texted_first_is_the_same_lead(world: World, client: Client) -> None:
    world.text("Is it still there?")
    answer = client.post_lead({"number": LEAD, "name": "Sam"})

    assert answer.status_code == 200
    assert answer.get_json()["conversation_id"] == str(world.conversation().id)
    assert answer.get_json()["consent"]["purposes"]["reply"]["state"] == "inquired"


def test_two_at_once_make_one_lead(world: World, client: Client) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda name: client.post_lead({"number": LEAD, "name": name}), "ABCDEF"))

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert len(world.rows(Lead)) == 1


def test_what_happened_is_recorded_with_the_key_as_its_actor_and_without_a_word_of_theirs(
    world: World, client: Client
) -> None:
    client.post_lead({"number": LEAD, "name": "Sam", "consent": {"basis": "inquiry"}})
    client.post_lead({"number": LEAD, "message": "Hello"})

    events = sorted(world.rows(Event), key=lambda event: event.xid)
    assert [(e.kind, e.actor_kind, e.actor_id, e.cause) for e in events] == [
        ("lead.created", "api_key", client.key_id, "api:POST /leads"),
        ("lead.updated", "api_key", client.key_id, "api:POST /leads"),
    ]
    assert events[0].details == {"filled": ["name"], "consent": "inquiry"}
    assert events[1].details == {"filled": ["fields"], "consent": None}


def test_card_and_social_security_numbers_are_not_stored(client: Client) -> None:
    lead = client.post_lead(
        {"number": LEAD, "name": "Sam", "message": "my ssn is 078-05-1120", "fields": {"card": "4111 1111 1111 1111"}}
    ).get_json()

    assert lead["fields"] == {"message": "my ssn is [SSN removed]", "card": "[card number removed]"}


def test_what_cannot_be_stored_is_taken_out(client: Client) -> None:
    lead = client.post_lead(
        {"number": LEAD, "name": "Sa\x00m\ud800", "fields": {"note": "a\x00b", "gone": " "}}
    ).get_json()

    assert lead["name"] == "Sam\ufffd"
    assert lead["fields"] == {"note": "ab", "gone": None}


@pytest.mark.parametrize(
    "number",
    [
        "", "   ", "555-0171", "12345", "+1 312 555 01711", "+1 312 555 0171 ext. 5", "312-555-HOME", "alice@example.test",
        "+1 876 555 0123",  # Jamaica: +1 is not the United States
        "+44 20 7183 8750", "+1 900 555 0123", "tel", "anonymous", "+13125550171;ext=5",
    ],
)  # fmt: skip
def test_a_number_that_we_may_not_text_is_refused_and_nothing_is_stored(
    world: World, client: Client, number: str
) -> None:
    answer = client.post_lead({"number": number, "consent": {"basis": "inquiry"}})

    assert wrong_fields(answer) == {"number"}
    assert world.rows(Contact) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"nmae": "Sam"}, "nmae"),
        ({"name": 5}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"language": "english"}, "language"),
        ({"source": "x" * 61}, "source"),
        ({"assigned_to": "5"}, "assigned_to"),
        ({"assigned_to": str(uuid4())}, "assigned_to"),
        ({"message": "x" * 4001}, "message"),
        ({"fields": []}, "fields"),
        ({"fields": {"a b": 1}}, "fields.a b"),
        ({"fields": {"a": [1]}}, "fields.a"),
        ({"fields": {"a": 2**60}}, "fields.a"),
        ({"fields": {"message": "hi"}}, "fields.message"),
        ({"fields": {"a": "x" * 2001}}, "fields.a"),
        ({"our_number": "+13125550198"}, "our_number"),
        ({"our_number": "lake"}, "our_number"),
        ({"consent": "yes"}, "consent"),
        ({"consent": {"basis": "inquiry", "who": "me"}}, "consent.who"),
        ({"consent": {"basis": "inquiry", "evidence": {"ip": "localhost"}}}, "consent.evidence.ip"),
        (
            {"consent": {"basis": "inquiry", "evidence": {"page_url": "javascript:alert(1)"}}},
            "consent.evidence.page_url",
        ),
        ({"consent": {"basis": "inquiry", "evidence": {"page_url": "http://[::1"}}}, "consent.evidence.page_url"),
        ({"consent": {"basis": "inquiry", "evidence": {"at": "yesterday"}}}, "consent.evidence.at"),
        ({"consent": {"basis": "inquiry", "evidence": {"at": 5}}}, "consent.evidence.at"),
        ({"consent": {"basis": "inquiry", "evidence": {"at": "0001-01-01T00:00:00+23:00"}}}, "consent.evidence.at"),
        ({"consent": {"basis": "inquiry", "evidence": {"words": "mine"}}}, "consent.evidence.words"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(world: World, client: Client, body: dict[str, Any], field: str) -> None:
    answer = client.post_lead({"number": LEAD, **body})

    assert wrong_fields(answer) == {field}
    assert world.rows(Lead) == []


def test_every_wrong_field_is_named_at_once(client: Client) -> None:
    shape = client.post_lead({"name": 5, "fields": [], "extra": 1})
    rules = client.post_lead({"number": "5", "assigned_to": str(uuid4()), "our_number": "+13125550198"})

    assert wrong_fields(shape) == {"extra", "number", "name", "fields"}
    assert wrong_fields(rules) == {"number", "assigned_to", "our_number"}


def test_an_agent_of_another_tenant_or_one_who_left_is_no_agent(world: World, client: Client) -> None:
    foreign = an_agent(world, world.business("Hillside Motors", "+13125550101"))
    gone = an_agent(world, role=Role.MANAGER)
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(Agent).where(Agent.id == gone).values(disabled_at=world.clock.now()))
    answers = [client.post_lead({"number": LEAD, "assigned_to": str(who)}) for who in (foreign, gone, uuid4())]

    assert [wrong_fields(answer) for answer in answers] == [{"assigned_to"}] * 3
    assert len({answer.get_data() for answer in answers}) == 1


def test_the_number_of_ours_may_be_named(world: World, client: Client) -> None:
    lead = client.post_lead({"number": LEAD, "our_number": "(312) 555-0100"}).get_json()

    conversation = client.get("/conversations", number=LEAD).get_json()["items"][0]
    assert (conversation["id"], conversation["our_number"]) == (lead["conversation_id"], world.home.number)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"\xff", b'{"number": NaN}', b'{"number": "1", "number": "2"}', b"[" * 60_000,
        b'{"number": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_json_is_400(client: Client, raw: bytes) -> None:
    assert client.call("POST", "/leads", data=raw, content_type="application/json").status_code == 400


def test_another_content_type_is_415_and_too_much_is_413(client: Client) -> None:
    form = client.call("POST", "/leads", data={"number": LEAD})
    none = client.call("POST", "/leads", data=b'{"number": "+13125550171"}', content_type="")
    large = client.call("POST", "/leads", data=b'"' + b"x" * 65_536 + b'"', content_type="application/json")
    fits = client.post_lead({"number": LEAD, "fields": {f"n{i}": "x" * 1_250 for i in range(50)}})

    assert [answer.status_code for answer in (form, none, large, fits)] == [415, 415, 413, 201]


def test_there_is_no_such_lead_reads_the_same_for_nobody_and_for_somebody_elses(world: World, client: Client) -> None:
    other = a_client(world, world.business("Hillside Motors", "+13125550101"))
    foreign = other.post_lead({"number": "+13125550172"}).get_json()
    answers = [
        client.get(f"/leads/{ref}") for ref in (foreign["id"], foreign["number"], uuid4(), "+13125550173", "5", "x y")
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.get_data() for answer in answers}) == 1
    assert "errors" not in problem(answers[0])
