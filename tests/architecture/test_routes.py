"""Every route is behind a signature, a key or a login, or on the short list of those that are for everybody."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.routing import Rule

from consent.models import ConsentEvent, Contact
from conversations.models import Lead, Message
from smsbot.signatures import SIGNATURE_HEADER, SigningKey, signature_of
from tests.world import LEAD, PUBLIC_URL, World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")  # OPTIONS only names the methods
FORM = "application/x-www-form-urlencoded"
# What a stranger has to have, by the beginning of the path, else by blueprint. A route that is in neither is a finding.
BEHIND_PATH = {"/webhooks/": "signature", "/api/": "key", "/f/": "address", "/l/": "address"}
BEHIND_BLUEPRINT = {"dashboard": "login"}
FOR_EVERYBODY = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/openapi.json",
    "/login",
    "/assets/<path:filename>",
    "/bootstrap/static/<path:filename>",
    "/form-assets/<path:filename>",
}


def open_doors(app: Flask, world: World) -> list[str]:
    """Every route of `app` that lets a stranger in, fails, or has no rule at all."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule in FOR_EVERYBODY:
            continue
        by_path = [kind for beginning, kind in BEHIND_PATH.items() if rule.rule.startswith(beginning)]
        kind = by_path[0] if by_path else BEHIND_BLUEPRINT.get(rule.endpoint.partition(".")[0])
        if kind is None:
            found.append(f"{rule.rule}: nobody says who may call it")
            continue
        for method in METHODS:
            for what, request in _attempts(kind, _path(rule), world):
                answer = app.test_client().open(_path(rule), method=method, **request)
                allowed = _refusals(kind) if method in (rule.methods or ()) else {405, *_refusals(kind)}
                if answer.status_code not in allowed:
                    found.append(f"{method} {rule.rule} with {what}: {answer.status_code}")
                elif (
                    kind == "login" and answer.status_code in (302, 303) and "/login" not in answer.headers["Location"]
                ):
                    found.append(f"{method} {rule.rule}: sends a stranger to {answer.headers['Location']}")
    return found


def _path(rule: Rule) -> str:
    """An address that the rule takes, made up."""
    values = {
        name: uuid4() if type(converter).__name__ == "UUIDConverter" else "1"
        for name, converter in rule._converters.items()
    }
    built = rule.build(values)
    assert built is not None, rule
    return built[1]


def _attempts(kind: str, path: str, world: World) -> Iterator[tuple[str, dict[str, object]]]:
    """What a stranger may try."""
    if kind == "signature":
        yield from _carrier_attempts(path, world)
    elif kind == "key":
        yield "no key", {}
        yield "a made-up key", {"headers": {"Authorization": f"Bearer sk_{secrets.token_urlsafe(32)}"}}
        yield "an empty key", {"headers": {"Authorization": "Bearer "}}
        yield "a key in the address", {"query_string": {"key": "sk_1", "api_key": "sk_1", "access_token": "sk_1"}}
        yield "a body", {"json": {"number": LEAD}}
    elif kind == "address":
        yield "a made-up address", {}
        yield "a form", {"data": {"name": "x", "number": LEAD, "agree": "yes", "page": "made-up"}}
    else:
        yield "no login", {}
        yield "a made-up cookie", {"headers": {"Cookie": f"session={secrets.token_urlsafe(32)}"}}
        yield "a form", {"data": {"body": "hello"}}


def _carrier_attempts(path: str, world: World) -> Iterator[tuple[str, dict[str, object]]]:
    home, stranger = world.home, SigningKey(secrets.token_hex(16), "HMAC_SHA1")
    sid = "SM" + secrets.token_hex(16)
    form = {
        "MessageSid": sid,
        "SmsSid": sid,
        "CallSid": "CA" + secrets.token_hex(16),
        "AccountSid": home.account_sid,
        "From": LEAD,
        "To": home.number,
        "Body": "Hello",
        "MessageStatus": "delivered",
        "NumMedia": "0",
    }
    yield "nothing", {}
    yield "JSON", {"json": form}
    yield "an empty form", {"data": "", "content_type": FORM}
    for what, fields in (("a form", form), ("a form from our number", {**form, "From": home.number, "To": LEAD})):
        yield f"{what}, unsigned", _signed(fields, "")
        yield (
            f"{what}, signed by a stranger",
            _signed(fields, signature_of(stranger, PUBLIC_URL + path, [*fields.items()])),
        )
        yield f"{what}, with a signature that is none", _signed(fields, "AAAA")


def _signed(fields: Mapping[str, str], signature: str) -> dict[str, object]:
    headers = {SIGNATURE_HEADER: signature} if signature else {}
    return {"data": urlencode(fields), "content_type": FORM, "headers": headers}


def _refusals(kind: str) -> set[int]:
    """The answers that let nobody in."""
    if kind == "signature":
        return {403}
    if kind == "address":
        return {404}  # of a form that nobody has published, of a page that is nobody's
    return {401} if kind == "key" else {302, 303, 401, 403}


def test_no_route_lets_a_stranger_in(world: World) -> None:
    found = open_doors(world.app, world)

    assert found == []
    assert [world.rows(model) for model in (Message, Lead, Contact, ConsentEvent)] == [[], [], [], []]


def test_the_routes_of_the_carrier_and_of_the_interface_are_tried(world: World) -> None:
    paths = {rule.rule for rule in world.app.url_map.iter_rules()}

    assert {"/webhooks/twilio/sms", "/webhooks/twilio/sms/status/<uuid:message_id>"} <= paths
    assert {"/api/v1/leads", "/api/v1/conversations"} <= paths
    assert paths >= FOR_EVERYBODY


@pytest.mark.parametrize(
    ("path", "endpoint", "answer", "finding"),
    [
        ("/webhooks/open", "open", ("", 204), "POST /webhooks/open with a form, unsigned: 204"),
        ("/webhooks/broken", "broken", ("", 500), "POST /webhooks/broken with an empty form: 500"),
        ("/webhooks/lenient", "carrier.lenient", ("", 200), "GET /webhooks/lenient with nothing: 200"),
        ("/api/v1/open", "api.open", ("[]", 200), "GET /api/v1/open with a made-up key: 200"),
        ("/d/open", "dashboard.open", ("", 200), "GET /d/open with no login: 200"),
        ("/d/away", "dashboard.away", ("", 302, {"Location": "/elsewhere"}), "sends a stranger to /elsewhere"),
        ("/admin", "admin.all", ("", 401), "/admin: nobody says who may call it"),
    ],
)
def test_an_open_door_is_seen(path, endpoint, answer, finding, world: World) -> None:
    app = Flask("open", static_folder=None)
    app.add_url_rule(path, endpoint, lambda: answer, methods=["GET", "POST"])

    assert any(finding in each for each in open_doors(app, world))
