"""A caller of the REST interface. Every answer that it gets is checked against the OpenAPI document."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from api.openapi import DOCUMENT
from smsbot.actor import Role
from smsbot.api_keys import new_api_key
from smsbot.tenancy import Agent, ApiKey, Login
from tests.api.schemas import faults, resolved
from tests.world import Business, World

PREFIX = "/api/v1"


@dataclass
class Client:
    """Calls as one API key of one business."""

    world: World
    business: Business
    key: str = field(repr=False)
    key_id: UUID

    def get(self, path: str, **query: str) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def post_lead(self, body: Any, *, key: str | None = None) -> TestResponse:
        return self.call("POST", "/leads", json=body, headers={"Idempotency-Key": key} if key is not None else {})

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any) -> TestResponse:
        """One request with the key; `headers` may replace it."""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        answer = self.world.app.test_client().open(PREFIX + path, method=method, headers=sent, **request)
        conforms(self.world, method, answer)
        return answer


def a_client(world: World, business: Business | None = None) -> Client:
    """A client with a new key of `business`, the home tenant unless another is given."""
    business = business or world.home
    key, digest = new_api_key()
    key_id = uuid4()
    with world.runtime.transaction(business.id) as session:
        session.add(ApiKey(id=key_id, tenant_id=business.id, name="CRM", key_hash=digest))
    return Client(world, business, key, key_id)


def an_agent(world: World, business: Business | None = None, *, role: Role = Role.AGENT) -> UUID:
    """A member of staff of `business`, the home tenant unless another is given."""
    business = business or world.home
    login_id, agent_id = uuid4(), uuid4()
    with world.runtime.transaction(business.id) as session:
        session.add(Login(id=login_id, email=f"{login_id}@example.test", password_hash="none"))
        session.flush()
        session.add(Agent(id=agent_id, tenant_id=business.id, login_id=login_id, name="Ana", role=role))
    return agent_id


def template(rule: str) -> str:
    """Flask's rule as OpenAPI writes it, without the prefix."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule).removeprefix(PREFIX)


def conforms(world: World, method: str, answer: TestResponse) -> None:
    """Fail unless the document knows this answer of this route: its status, its content type, its shape."""
    status = str(answer.status_code)
    assert answer.is_json or answer.content_type == "application/problem+json", (status, answer.content_type)
    if status >= "400":
        assert answer.content_type == "application/problem+json"
        body = answer.get_json(force=True)
        assert faults(DOCUMENT["components"]["schemas"]["Problem"], body, DOCUMENT) == []
        assert body["status"] == answer.status_code
    try:
        rule, _ = world.app.url_map.bind("localhost").match(answer.request.path, method=method, return_rule=True)
    except HTTPException:
        assert status in ("404", "405")  # no route, nothing to describe
        return
    described = DOCUMENT["paths"][template(rule.rule)][method.lower()]["responses"]
    assert status in described, f"{method} {rule.rule} answers {status}, which is not described"
    response = described[status]
    response = resolved(response["$ref"], DOCUMENT) if "$ref" in response else response
    assert list(response["content"]) == [answer.content_type]
    schema = response["content"][answer.content_type]["schema"]
    assert faults(schema, answer.get_json(force=True), DOCUMENT) == []


def problem(answer: TestResponse) -> dict[str, Any]:
    document: dict[str, Any] = answer.get_json(force=True)
    return document


def wrong_fields(answer: TestResponse) -> set[str]:
    """The fields that a 422 names."""
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return {error["field"] for error in problem(answer)["errors"]}
