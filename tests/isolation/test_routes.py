"""Every route, called as tenant A about what is tenant B's: nothing of B is answered and nothing of B changes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from privacy.links import make
from smsbot.actor import SYSTEM
from smsbot.signatures import SigningKey, signature_of
from tests.isolation.neighbours import (
    ANOTHER_LEAD_OF_B,
    NUMBERS,
    OWN_LEADS,
    OWNER_OF_A,
    SHARED_LEAD,
    WORDS,
    Neighbours,
    Side,
)
from tests.world import PUBLIC_URL

SMS, STATUS = "/webhooks/twilio/sms", "/webhooks/twilio/sms/status"
API = "/api/v1"
FUZZED = 250


@dataclass(frozen=True)
class Call:
    """One request of A, what it may answer, and what of it names something of B."""

    method: str
    path: str
    may: tuple[int, ...]
    form: dict[str, str] | None = None
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    touches_b: bool = False  # a refusal is counted for the tenant that it was meant for

    @property
    def sent(self) -> str:
        """All that A said itself; `+` in a path is written as %2B."""
        return f"{self.path} {self.path.replace('%2B', '+')} {self.form} {self.json} {self.headers}"


Calls = Callable[[Neighbours], Iterator[Call]]


def open_to_all(path: str) -> Calls:
    def calls(n: Neighbours) -> Iterator[Call]:
        yield Call("GET", path, (200, 503))

    return calls


def inbound_text(n: Neighbours) -> Iterator[Call]:
    """A's token signs; account, number and service are A's or B's in every mixture but all of A's."""
    a, b = n.a.business, n.b.business
    for account in (a, b):
        for to in (a, b):
            for service in (None, a.service_sid, b.service_sid):
                if account is a and (to is a or service == a.service_sid):
                    continue
                form = {"MessageSid": n.world.sid(), "AccountSid": account.account_sid, "From": OWN_LEADS["b"]}
                form |= {"To": to.number, "Body": "STOP"} | ({"MessagingServiceSid": service} if service else {})
                yield Call("POST", SMS, (403,), form=form, touches_b=True)
    # The carrier's id of a text of B's is any other text here.
    known = next(message for message in n.world.inbound(of=b) if message.provider_sid)
    form = {"MessageSid": str(known.provider_sid), "AccountSid": a.account_sid, "From": OWN_LEADS["a"]}
    yield Call("POST", SMS, (200,), form=form | {"To": a.number, "Body": "hello"})


def status_callback(n: Neighbours) -> Iterator[Call]:
    """Of every id of B's, and of messages of B's with B's own account."""
    a, b = n.a.business, n.b.business
    message = next(m for m in n.world.outbound(of=b) if m.provider_sid)
    form = {"MessageSid": str(message.provider_sid), "MessageStatus": "failed", "ErrorCode": "21610", "To": SHARED_LEAD}
    for business, may in ((a, 404), (b, 403)):
        form |= {"AccountSid": business.account_sid, "From": business.number}
        for row_id in {message.id, *n.b.ids.values()}:
            yield Call("POST", f"{STATUS}/{row_id}", (may,), form=dict(form), touches_b=business is b)


def as_a(n: Neighbours, method: str, path: str, may: tuple[int, ...], json: Any = None, key: str | None = None) -> Call:
    headers = {"Authorization": f"Bearer {n.a.api_key}"} | ({"Idempotency-Key": key} if key else {})
    return Call(method, API + path, may, json=json, headers=headers)


def every_id(n: Neighbours) -> list[str]:
    return [str(row_id) for row_id in n.b.ids.values()]


def lead(n: Neighbours) -> Iterator[Call]:
    for ref in (*every_id(n), quote(OWN_LEADS["b"], safe="")):
        yield as_a(n, "GET", f"/leads/{ref}", (404,))
    yield as_a(n, "GET", f"/leads/{quote(SHARED_LEAD, safe='')}", (200,))


def new_lead(n: Neighbours) -> Iterator[Call]:
    body = {"number": "+13125550188", "message": "hello"}
    yield as_a(n, "POST", "/leads", (404, 422), {**body, "assigned_to": str(n.b.ids["agents"])})
    yield as_a(n, "POST", "/leads", (404, 422), {**body, "our_number": NUMBERS["b"]})
    # B's key and B's lead: both are free here.
    yield as_a(n, "POST", "/leads", (201,), {**body, "number": ANOTHER_LEAD_OF_B}, key="key-of-b")


def conversations(n: Neighbours) -> Iterator[Call]:
    yield as_a(n, "GET", "/conversations", (200,))
    yield as_a(n, "GET", f"/conversations?number={quote(SHARED_LEAD, safe='')}", (200,))
    yield as_a(n, "GET", f"/conversations?number={quote(OWN_LEADS['b'], safe='')}", (200, 404))
    whole = n.world.app.test_client().get(
        f"{API}/conversations?limit=1", headers={"Authorization": f"Bearer {n.b.api_key}"}
    )
    assert whole.json["next"], "B needs two conversations for this"
    yield as_a(n, "GET", f"/conversations?limit=1&cursor={whole.json['next']}", (200, 422))


def messages(n: Neighbours) -> Iterator[Call]:
    for row_id in every_id(n):
        yield as_a(n, "GET", f"/conversations/{row_id}/messages", (404,))


def consent(n: Neighbours) -> Iterator[Call]:
    yield as_a(n, "GET", f"/consent/{quote(OWN_LEADS['b'], safe='')}/events", (200, 404))
    yield as_a(n, "GET", f"/consent/{quote(NUMBERS['b'], safe='')}/events", (200, 404))
    yield as_a(n, "GET", f"/consent/{quote(SHARED_LEAD, safe='')}/events", (200,))


def page(path: str, *may: int) -> Calls:
    """A page of the dashboard, read by A's owner; an id in its path is each of B's."""

    def calls(n: Neighbours) -> Iterator[Call]:
        headers = signed_in(n)
        for row_id in every_id(n) if "{}" in path else [""]:
            yield Call("GET", path.format(row_id), may, headers=headers)

    return calls


def form(path: str, *may: int, **fields: str) -> Calls:
    """A form of the dashboard, sent by A's owner with the token of their own page, about each id of B's."""

    def calls(n: Neighbours) -> Iterator[Call]:
        headers, token = signed_in(n), n.owner_of_a.token
        for row_id in every_id(n) if "{}" in path else [""]:
            sent = {"csrf_token": token} | {name: value.format(row_id) for name, value in fields.items()}
            yield Call("POST", path.format(row_id), may, form=sent, headers=headers)

    return calls


def signed_in(n: Neighbours) -> dict[str, str]:
    """The cookies of A's owner, who signs in and reads one page."""
    n.owner_of_a.sign_in(OWNER_OF_A)
    n.owner_of_a.page("/")
    kept = {name: n.owner_of_a.cookie(name) for name in ("__Host-session", "__Host-form")}
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}


def public_form(path: str) -> Calls:
    """A's own page, and under every id of B's no page at all. B's page is for everybody who has its address."""

    def calls(n: Neighbours) -> Iterator[Call]:
        yield Call("GET", f"/f/form-quince-a-mark{path}", (200,))
        for row_id in every_id(n):
            yield Call("GET", f"/f/{row_id}{path}", (404,))

    return calls


def sent_form(n: Neighbours) -> Iterator[Call]:
    """A's form with a page that was opened at B's, and what was opened at A's under every id of B's."""
    opened = {side.letter: opened_form(n, side) for side in (n.a, n.b)}
    n.world.later(seconds=9)
    fields = {"name": "x", "number": ANOTHER_LEAD_OF_B, "checkbox_default_state": "false", "agree": "yes"}
    yield Call("POST", "/f/form-quince-a-mark", (422,), form=fields | {"page": opened["b"]})
    for row_id in every_id(n):
        yield Call("POST", f"/f/{row_id}", (404,), form=fields | {"page": opened["a"]})


def opened_form(n: Neighbours, side: Side) -> str:
    """What the page of this tenant's form carries when it is sent."""
    page = n.world.app.test_client().get(f"/f/form-quince-{side.letter}-mark").get_data(as_text=True)
    return re.findall(r'name="page" value="([^"]+)"', page)[0]


def own_page(path: str) -> Calls:
    """The own page of A's lead, who writes to both; and no page under any id of B's."""

    def calls(n: Neighbours) -> Iterator[Call]:
        yield Call("GET", f"/l/{own_token(n, n.a)}{path}", (200,))
        for row_id in every_id(n):
            yield Call("GET", f"/l/{row_id}{path}", (404,))

    return calls


def sent_own_page(n: Neighbours) -> Iterator[Call]:
    """What was signed for the page of the same person at B's, on their page at A's and under every id of B's."""
    token = own_token(n, n.a)
    at_b = n.world.app.test_client().get(f"/l/{own_token(n, n.b)}").get_data(as_text=True)
    signed = re.findall(r'name="form" value="([^"]+)"', at_b)[0]
    for act in ("stop", "limit", "download", "delete"):
        yield Call("POST", f"/l/{token}", (422,), form={"act": act, "form": signed, "sure": "yes"})
    for row_id in every_id(n):
        yield Call("POST", f"/l/{row_id}", (404,), form={"act": "delete", "form": signed, "sure": "yes"})


def own_token(n: Neighbours, side: Side) -> str:
    """A new link to the own page of the person who writes to both."""
    contact = n.world.contact(SHARED_LEAD, of=side.business)
    return make(n.world.runtime, side.id, contact.id, actor=SYSTEM, cause="test").rpartition("/")[2]


# A new route needs its line here: what of B's can A name in it, and what may be answered.
ROUTES: dict[tuple[str, str], Calls] = {
    ("GET", "/healthz"): open_to_all("/healthz"),
    ("GET", "/readyz"): open_to_all("/readyz"),
    ("GET", "/metrics"): open_to_all("/metrics"),
    ("POST", "/webhooks/twilio/sms"): inbound_text,
    ("POST", "/webhooks/twilio/sms/status/<uuid:message_id>"): status_callback,
    ("GET", "/api/v1/openapi.json"): open_to_all("/api/v1/openapi.json"),
    ("GET", "/api/v1/leads/<ref>"): lead,
    ("POST", "/api/v1/leads"): new_lead,
    ("GET", "/api/v1/conversations"): conversations,
    ("GET", "/api/v1/conversations/<uuid:conversation_id>/messages"): messages,
    ("GET", "/api/v1/consent/<number>/events"): consent,
    ("GET", "/login"): open_to_all("/login"),
    ("GET", "/assets/<path:filename>"): open_to_all("/assets/dashboard.css"),
    ("GET", "/bootstrap/static/<path:filename>"): open_to_all("/bootstrap/static/css/bootstrap.min.css"),
    ("POST", "/login"): form("/login", 401, email="staff-b@b-motors.example.test", password="wrong horse, no battery"),
    ("POST", "/logout"): form("/logout", 303),
    ("GET", "/tenants"): page("/tenants", 200),
    ("POST", "/tenants/<uuid:agent_id>"): form("/tenants/{}", 404),
    ("GET", "/"): page("/?queue=all", 200),
    ("GET", "/tasks"): page("/tasks", 200),
    ("GET", "/alerts"): page("/alerts", 200),
    ("GET", "/live"): page("/live?cursor=0.00000000-0000-0000-0000-000000000000", 200),
    ("GET", "/c/<uuid:conversation_id>"): page("/c/{}", 404),
    ("GET", "/c/<uuid:conversation_id>/opt-out"): page("/c/{}/opt-out", 404),
    ("POST", "/c/<uuid:conversation_id>/messages"): form("/c/{}/messages", 404, body="hello", key="{}", seen="{}"),
    ("POST", "/c/<uuid:conversation_id>/take-over"): form("/c/{}/take-over", 404),
    ("POST", "/c/<uuid:conversation_id>/give-back"): form("/c/{}/give-back", 404),
    ("POST", "/c/<uuid:conversation_id>/assign"): form("/c/{}/assign", 404, agent="{}"),
    ("POST", "/c/<uuid:conversation_id>/opt-out"): form("/c/{}/opt-out", 404, note="hello"),
    ("POST", "/c/<uuid:conversation_id>/hold"): form("/c/{}/hold", 404, meaning="opt_out"),
    ("POST", "/tasks/<uuid:task_id>/done"): form("/tasks/{}/done", 404),
    ("POST", "/alerts/<uuid:alert_id>/seen"): form("/alerts/{}/seen", 404),
    ("GET", "/c/<uuid:conversation_id>/consent"): page("/c/{}/consent", 404),
    ("POST", "/c/<uuid:conversation_id>/consent"): form(
        "/c/{}/consent", 404, how="voice", at="2026-11-19T10:00", purposes="inquiry", words="yes", heard_by="me"
    ),
    ("GET", "/imports"): page("/imports", 200),
    ("POST", "/imports"): form("/imports", 422, source="hello"),
    ("GET", "/imports/<uuid:import_id>"): page("/imports/{}", 404),
    ("GET", "/imports/<uuid:import_id>/errors.csv"): page("/imports/{}/errors.csv", 404),
    ("POST", "/imports/<uuid:import_id>/columns"): form("/imports/{}/columns", 404),
    ("POST", "/imports/<uuid:import_id>/start"): form("/imports/{}/start", 404),
    ("POST", "/imports/<uuid:import_id>/discard"): form("/imports/{}/discard", 404),
    ("GET", "/rules"): page("/rules", 200),
    ("POST", "/rules"): form("/rules", 303),
    ("POST", "/rules/keywords"): form("/rules/keywords", 303, word="HOME12", source="sign"),
    ("POST", "/rules/keywords/drop"): form("/rules/keywords/drop", 404, word="quince-b-mark"),
    ("GET", "/forms"): page("/forms", 200),
    ("GET", "/forms/new"): page("/forms/new", 200),
    ("POST", "/forms/new"): form(
        "/forms/new", 422, title="x", source="x", number="{}", language="en", purposes="inquiry", origins=""
    ),
    ("GET", "/forms/<uuid:form_id>"): page("/forms/{}", 404),
    ("POST", "/forms/<uuid:form_id>"): form("/forms/{}", 404, act="publish", title="x", purposes="inquiry"),
    ("POST", "/forms/<uuid:form_id>/close"): form("/forms/{}/close", 404),
    ("GET", "/form-assets/<path:filename>"): open_to_all("/form-assets/public.css"),
    ("GET", "/f/<token>"): public_form(""),
    ("POST", "/f/<token>"): sent_form,
    ("GET", "/f/<token>/thanks"): public_form("/thanks"),
    ("GET", "/f/<token>/embed.js"): public_form("/embed.js"),
    ("GET", "/f/<token>/privacy"): public_form("/privacy"),
    ("GET", "/f/<token>/terms"): public_form("/terms"),
    ("GET", "/l/<token>"): own_page(""),
    ("POST", "/l/<token>"): sent_own_page,
    ("GET", "/l/<token>/delete"): own_page("/delete"),
    ("GET", "/c/<uuid:conversation_id>/privacy"): page("/c/{}/privacy", 404),
    ("POST", "/c/<uuid:conversation_id>/privacy"): form("/c/{}/privacy", 404, act="link"),
    ("GET", "/c/<uuid:conversation_id>/erase"): page("/c/{}/erase", 404),
    ("POST", "/c/<uuid:conversation_id>/erase"): form("/c/{}/erase", 404, sure="yes"),
}


def made(n: Neighbours, call: Call) -> TestResponse:
    client = n.world.app.test_client()
    if "Cookie" in call.headers:
        browser = n.world.app.test_client(use_cookies=False)
        return browser.open(call.path, method=call.method, data=call.form, headers=call.headers, base_url=PUBLIC_URL)
    if call.form is None:
        return client.open(call.path, method=call.method, json=call.json, headers=call.headers)
    signature = signature_of(
        SigningKey(n.a.business.token, "HMAC_SHA1"), PUBLIC_URL + call.path, list(call.form.items())
    )
    return client.open(
        call.path, method=call.method, data=call.form, headers={**call.headers, "X-Twilio-Signature": signature}
    )


def answered(response: TestResponse) -> str:
    """Everything that was answered: status, headers and body."""
    return f"{response.status}\n{response.headers}\n{response.get_data(as_text=True)}"


def test_every_route_stands_in_the_table(both: Neighbours) -> None:
    walked = {
        (method, rule.rule)
        for rule in both.world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert walked == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_tenant_gets_nothing_of_another_from_a_route_and_changes_nothing(
    both: Neighbours, route: tuple[str, str]
) -> None:
    calls = list(ROUTES[route](both))
    before = both.rows(both.b, but=("rejections",))
    refusals = both.rows(both.b)["rejections"]
    answers = [made(both, call) for call in calls]

    assert calls
    for call, response in zip(calls, answers, strict=True):
        assert response.status_code in call.may, (call, response.get_data(as_text=True))
        assert both.leaks(answered(response), sent=call.sent) == []
    assert both.rows(both.b, but=("rejections",)) == before
    assert any(call.touches_b for call in calls) or both.rows(both.b)["rejections"] == refusals


@pytest.mark.parametrize("path", ["/leads/{}", "/conversations/{}/messages"])
def test_what_is_anothers_is_answered_like_what_nobody_has(both: Neighbours, path: str) -> None:
    nobodys = answered(made(both, as_a(both, "GET", path.format(uuid4()), ())))

    for row_id in every_id(both):
        assert answered(made(both, as_a(both, "GET", path.format(row_id), ()))) == nobodys
    assert nobodys.startswith("404")


def test_a_number_that_only_another_knows_is_answered_like_one_that_nobody_knows(both: Neighbours) -> None:
    for path in ("/leads/{}", "/consent/{}/events", "/conversations?number={}"):
        nobodys = answered(made(both, as_a(both, "GET", path.format("%2B13125550199"), ())))

        for number in (OWN_LEADS["b"], NUMBERS["b"]):
            assert answered(made(both, as_a(both, "GET", path.format(quote(number, safe="")), ()))) == nobodys


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer sk_" + "A" * 43, "Basic {b}", "Bearer {b} ", "Bearer {b}x"])
def test_nobody_reads_without_a_key_of_their_own(both: Neighbours, key: str) -> None:
    header = key.format(b=both.b.api_key)
    call = Call("GET", f"{API}/leads/{both.b.ids['leads']}", (), headers={"Authorization": header} if header else {})
    response = made(both, call)

    if header.strip() == f"Bearer {both.b.api_key}":
        assert response.status_code == 200  # B's own key, so that the others mean something
    else:
        assert response.status_code == 401
        assert both.leaks(answered(response), sent=call.sent) == []


def test_the_owner_does_get_what_the_neighbour_does_not(both: Neighbours) -> None:
    headers = {"Authorization": f"Bearer {both.b.api_key}"}
    client = both.world.app.test_client()
    texts = client.get(f"{API}/conversations/{both.b.ids['conversations']}/messages", headers=headers)

    assert texts.status_code == 200
    assert WORDS["b"] in both.leaks(texts.get_data(as_text=True))


def test_no_random_request_of_one_tenant_brings_a_byte_of_another(both: Neighbours) -> None:
    rng = random.Random(20261120)
    seeds = list(chain.from_iterable(calls(both) for route, calls in ROUTES.items() if route[1].startswith(API)))
    pieces = [*every_id(both), OWN_LEADS["b"], NUMBERS["b"], "%", "*", "'", "..", "null", "0", WORDS["b"], "-1", "{}"]
    names = ["number", "cursor", "limit", "tenant_id", "conversation_id", "id", "q", "assigned_to", "our_number"]
    before = both.rows(both.b)

    for _ in range(FUZZED):
        seed = rng.choice(seeds)
        path, _, query = seed.path.partition("?")
        parts = path.split("/")
        if rng.random() < 0.5 and len(parts) > 4:
            parts[rng.randrange(4, len(parts))] = quote(rng.choice(pieces), safe="")
        pairs = [query] * bool(query) + [f"{rng.choice(names)}={quote(rng.choice(pieces), safe='')}" for _ in range(2)]
        body = seed.json if seed.json is None else {**seed.json, rng.choice(names): rng.choice(pieces)}
        headers = {**seed.headers, "X-Tenant-Id": str(both.b.id), "Idempotency-Key": rng.choice(["key-of-b", "x"])}
        call = Call(seed.method, f"{'/'.join(parts)}?{'&'.join(pairs)}", (), json=body, headers=headers)
        response = made(both, call)

        assert response.status_code < 500, call
        sent = call.sent + WORDS["b"] + " ".join(pieces)
        assert both.leaks(answered(response), sent=sent) == [], call

    assert both.rows(both.b) == before
