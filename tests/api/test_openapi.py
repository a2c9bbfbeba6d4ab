"""The OpenAPI document says what is there, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.lead_request import EVIDENCE_FLAGS, EVIDENCE_TEXTS, LEAD_KEYS, new_lead
from api.openapi import DOCUMENT, SCHEMAS
from consent.purposes import Reason
from consent.state import Basis
from conversations.leads import InvalidLead
from tests.api.client import PREFIX, Client, template
from tests.api.schemas import faults, resolved
from tests.world import LEAD, World


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def test_every_route_is_described_and_every_description_has_a_route(world: World) -> None:
    routes = {
        (template(rule.rule), method.lower())
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }

    assert routes == {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}
    assert len(routes) >= 6


def test_every_parameter_of_a_path_is_described() -> None:
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


def test_every_route_but_the_document_demands_a_key(world: World) -> None:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            concrete = path.replace("{conversation_id}", "00000000-0000-0000-0000-000000000001").replace("{ref}", LEAD)
            status = world.app.test_client().open(PREFIX + concrete, method=method.upper()).status_code
            assert status == (200 if path == "/openapi.json" else 401), path
            assert ("401" in operation["responses"]) == (path != "/openapi.json")


def test_the_document_is_public_and_its_references_lead_somewhere(world: World) -> None:
    answer = world.app.test_client().get(f"{PREFIX}/openapi.json")

    assert answer.status_code == 200
    document = answer.get_json()
    assert document["openapi"].startswith("3.1")
    references = set(_references(document))
    assert {f"#/components/schemas/{name}" for name in SCHEMAS} <= references
    assert all(resolved(reference, document) for reference in references)


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("Lead", "id number name consent conversation_id assigned_to language source fields created_at"),
        ("Consent", "state since source carrier_blocked restricted purposes channels"),
        ("PurposeConsent", "state basis event_id until"),
        (
            "Message",
            "id direction author purpose body state reason provider_sid segments created_at sent_at consent_event_id",
        ),
    ],
)
def test_what_is_promised_outside_has_exactly_these_names(schema: str, names: str) -> None:
    assert set(SCHEMAS[schema]["properties"]) == set(names.split())
    assert set(SCHEMAS[schema]["required"]) == set(names.split())


def test_the_words_are_the_ones_promised_outside() -> None:
    consent = SCHEMAS["Consent"]["properties"]
    message = SCHEMAS["Message"]["properties"]

    assert set(consent["state"]["enum"]) == {"unknown", "inquired", "pending", "opted_in", "opted_out", "held"}
    assert set(consent["channels"]["properties"]) == {"sms", "voice", "email"}
    assert set(consent["purposes"]["properties"]) == {"reply", "inquiry", "appointment", "notification", "marketing"}
    assert set(message["state"]["enum"]) == {
        "received",
        "queued",
        "deferred",
        "sending",
        "sent",
        "delivered",
        "undelivered",
        "failed",
        "blocked",
        "canceled",
        "unknown",
    }
    assert "OPTED_OUT" in set(Reason)


BODIES: list[tuple[Any, bool]] = [
    ({"number": LEAD}, True),
    ({"number": LEAD, "name": None, "consent": None, "fields": None}, True),
    ({"number": LEAD, "fields": {"budget": 400000, "pets": True, "note": "two cats", "agent": None}}, True),
    ({"number": LEAD, "consent": {"basis": "inquiry"}}, True),
    ({"number": LEAD, "consent": {"basis": "express", "purposes": ["inquiry"], "evidence": {"utm": "spring"}}}, True),
    ({"number": LEAD, "language": "fr-CA"}, True),
    ({}, False),
    ([], False),
    ({"number": 13125550171}, False),
    ({"number": LEAD, "nmae": "Sam"}, False),
    ({"number": LEAD, "name": "x" * 201}, False),
    ({"number": LEAD, "name": ["Sam"]}, False),
    ({"number": LEAD, "language": "English"}, False),
    ({"number": LEAD, "assigned_to": "7"}, False),
    ({"number": LEAD, "fields": {"a b": 1}}, False),
    ({"number": LEAD, "fields": {"nested": {"a": 1}}}, False),
    ({"number": LEAD, "fields": {"big": 10**400}}, False),
    ({"number": LEAD, "fields": {f"n{i}": i for i in range(51)}}, False),
    ({"number": LEAD, "consent": {}}, False),
    ({"number": LEAD, "consent": {"basis": "conversational"}}, False),
    ({"number": LEAD, "consent": {"basis": "express", "purposes": ["reply"]}}, False),
    ({"number": LEAD, "consent": {"basis": "express", "purposes": [["inquiry"]]}}, False),
    ({"number": LEAD, "consent": {"basis": "express", "signed": True}}, False),
    ({"number": LEAD, "consent": {"basis": "inquiry", "evidence": {"checkbox_value": "yes"}}}, False),
    ({"number": LEAD, "consent": {"basis": "inquiry", "evidence": {"at": "2026-11-20T16:00:00"}}}, False),
    ({"number": LEAD, "consent": {"basis": "inquiry", "evidence": {"deep": [1]}}}, False),
]


@pytest.mark.parametrize(("body", "taken"), BODIES)
def test_the_schema_and_the_parser_take_the_same_bodies(body: Any, taken: bool) -> None:
    try:
        new_lead(body)
        parsed = True
    except InvalidLead:
        parsed = False

    assert parsed is taken
    assert (faults(SCHEMAS["NewLead"], body, DOCUMENT) == []) is taken


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
LEADS = st.fixed_dictionaries(
    {"number": st.just(LEAD) | JSON_VALUES},
    optional={name: JSON_VALUES for name in (*LEAD_KEYS, "other") if name not in ("number", "consent")}
    | {
        "consent": st.fixed_dictionaries(
            {"basis": st.sampled_from(Basis).map(str) | JSON_VALUES},
            optional={
                "purposes": JSON_VALUES,
                "evidence": st.dictionaries(
                    st.sampled_from([*EVIDENCE_TEXTS, *EVIDENCE_FLAGS, "at", "ip", "x"]), JSON_VALUES
                ),
            },
        )
    },
)


@given(LEADS | JSON_VALUES)
def test_whatever_is_sent_is_taken_as_described_or_refused_by_name(body: Any) -> None:
    try:
        lead = new_lead(body)
    except InvalidLead as refusal:
        assert all(objection.field and objection.detail for objection in refusal.objections)
        return
    assert faults(SCHEMAS["NewLead"], body, DOCUMENT) == []
    stored = json.dumps([lead.name, lead.source, lead.message, lead.fields], allow_nan=False, ensure_ascii=False)
    assert "\0" not in stored
    assert stored.encode()  # a lone surrogate has no UTF-8


def test_the_schema_knows_every_field_of_a_lead() -> None:
    assert set(SCHEMAS["NewLead"]["properties"]) == set(LEAD_KEYS)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("GET", "/"), ("DELETE", "/leads"), ("PUT", "/leads/1")]
)
def test_what_is_not_there_is_a_problem_document(client: Client, method: str, path: str) -> None:
    answer = client.call(method, path)

    assert answer.status_code == (405 if path.startswith("/leads") else 404)
    assert ("Allow" in answer.headers) == path.startswith("/leads")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2/leads", "/api/v1"])
def test_everything_under_api_is_a_problem_document(world: World, path: str) -> None:
    answer = world.app.test_client().get(path)

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_other_addresses_are_answered_as_before(world: World) -> None:
    answer = world.app.test_client().get("/apis")

    assert answer.status_code == 404
    assert answer.content_type.startswith("text/plain")
