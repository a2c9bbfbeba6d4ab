"""What kind of line a number is: asked of the carrier's own look-up host, in three seconds, and of nobody else."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from smsbot.errors import ConfigurationError, PermanentSendFailure, SendFailed, TemporarySendFailure
from smsbot.gateways.breaker import CONSECUTIVE_FAILURES
from smsbot.gateways.carrier import LINE_TYPE_TIMEOUT_S, TWILIO_API, TWILIO_LOOKUPS, CarrierCredentials
from smsbot.gateways.twilio_carrier import TwilioGateway, _TwilioHttp
from smsbot.gateways.wire import LineFailed, calling, new_pool

ACCOUNT = "AC" + "a" * 32
NUMBER = "+14155550100"


def account(url: str) -> CarrierCredentials:
    return CarrierCredentials(ACCOUNT, "the-token", url)


def looked_up(said: object) -> dict[str, object]:
    return {"phone_number": NUMBER, "valid": True, "line_type_intelligence": said}


def test_it_asks_for_the_line_and_for_nothing_else(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, looked_up({"type": "landline", "error_code": None}))])

    assert TwilioGateway().line_type(account(server.url), NUMBER) == "landline"
    (sent,) = server.requests
    assert (sent.method, sent.path) == ("GET", f"/v2/PhoneNumbers/{NUMBER}")
    assert sent.query == {"Fields": "line_type_intelligence"}
    assert b64decode(sent.headers["authorization"].removeprefix("Basic ")).decode() == f"{ACCOUNT}:the-token"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, looked_up(None)),
        (200, looked_up({"type": None, "error_code": 60600})),
        (200, looked_up({"type": "unknown"})),
        (200, looked_up({"type": ""})),
        (200, looked_up([1])),
        (200, {}),
        (404, {"code": 20404, "message": NUMBER, "status": 404}),
    ],
)
def test_where_the_carrier_has_no_word_there_is_none(serve: Any, reply: Any, status: int, body: object) -> None:
    server = serve(lambda _: [reply(status, body)])

    assert TwilioGateway().line_type(account(server.url), NUMBER) is None


@pytest.mark.parametrize("number", ["12345", "rcs:brand", "+1415/../../2010-04-01/Accounts", "+1415?x=", "", "+"])
def test_what_is_no_telephone_number_is_never_put_into_an_address(serve: Any, reply: Any, number: str) -> None:
    server = serve(lambda _: [reply(200, looked_up({"type": "mobile"}))])

    assert TwilioGateway().line_type(account(server.url), number) is None
    assert server.requests == []


@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        ([(500, b"")], TemporarySendFailure),
        ([(429, {"code": 20429, "message": "slow down", "status": 429})], TemporarySendFailure),
        ([(200, b"nonsense")], TemporarySendFailure),
        ([], TemporarySendFailure),
        ([(401, {"code": 20003, "message": "who?", "status": 401})], PermanentSendFailure),
    ],
)
def test_a_look_up_that_fails_never_looks_like_no_word(
    serve: Any, reply: Any, pieces: Any, failure: type[SendFailed]
) -> None:
    server = serve(lambda _: [reply(*piece) for piece in pieces])

    with pytest.raises(failure):
        TwilioGateway().line_type(account(server.url), NUMBER)


def test_it_is_given_up_after_its_time_though_the_answer_drips(serve: Any, elapsed: Callable[[], float]) -> None:
    server = serve(lambda _: [b"HTTP/1.1 200 OK\r\n", *[piece for _ in range(40) for piece in (b"X: y\r\n", 0.05)]])

    with pytest.raises(TemporarySendFailure):
        TwilioGateway().line_type(account(server.url), NUMBER, within_s=0.3)

    assert 0.25 <= elapsed() < 1.2
    assert LINE_TYPE_TIMEOUT_S == 3.0


def test_a_look_up_that_does_not_answer_keeps_no_text_back(serve: Any, reply: Any) -> None:
    def answer(got: Any) -> list[bytes]:
        return [reply(500)] if got.path.startswith("/v2/") else [reply(200, {"messages": [], "next_page_uri": None})]

    server = serve(answer)
    gateway = TwilioGateway()
    for _ in range(CONSECUTIVE_FAILURES + 1):
        with pytest.raises(TemporarySendFailure):
            gateway.line_type(account(server.url), NUMBER)

    assert len(server.requests) == CONSECUTIVE_FAILURES  # the breaker of the look-ups is open
    assert gateway.messages_to(account(server.url), NUMBER) == []


OTHER_PLACES = [
    "https://messaging.twilio.com/v1/Services",
    "https://verify.twilio.com/v2/Services",
    "https://webhooks.twilio.com/v1/Webhooks",
    "https://lookups.twilio.com.evil.test/v2/PhoneNumbers/x",
    "https://evil-lookups.twilio.com/v2/PhoneNumbers/x",
    "https://lookups.twilio.com@evil.test/v2",
    "https://lookups.twilio.com:443/v2",
    "https://lookups.twilio.com",
    "http://lookups.twilio.com/v2/PhoneNumbers/x",
    "https://api.twilio.com.evil.test/2010-04-01",
    "https://api.twilio.com@evil.test/2010-04-01",
    "https://api.us1.twilio.com/2010-04-01",
    "http://api.twilio.com/2010-04-01",
    "https://LOOKUPS.twilio.com/v2",
    "//lookups.twilio.com/v2",
    "",
]


@pytest.mark.parametrize("url", OTHER_PLACES)
@pytest.mark.parametrize("with_stand_in", [True, False])
def test_no_other_place_gets_credentials(serve: Any, reply: Any, url: str, with_stand_in: bool) -> None:
    server = serve(lambda _: [reply(200, {})])
    connected: list[str] = []

    def nobody(host: str, port: int, address: object) -> bool:
        connected.append(host)
        return False

    pool = new_pool(max_connections=1, keep_alive=0, permit=nobody)
    http = _TwilioHttp(pool, server.url if with_stand_in else None)

    with pytest.raises(ConfigurationError):
        http.request("GET", url, auth=(ACCOUNT, "the-token"))

    assert server.requests == []
    assert connected == []


@pytest.mark.parametrize("host", [TWILIO_API, TWILIO_LOOKUPS])
def test_a_stand_in_takes_the_place_of_both_hosts(serve: Any, reply: Any, host: str) -> None:
    server = serve(lambda _: [reply(200, {})])
    gateway = TwilioGateway()

    with calling(gateway._limits()):
        _TwilioHttp(gateway._pool, server.url).request("GET", f"{host}/v2/x?y=1", params={"z": 2})

    assert [request.target for request in server.requests] == ["/v2/x?y=1&z=2"]


@pytest.mark.parametrize(("host", "name"), [(TWILIO_API, "api.twilio.com"), (TWILIO_LOOKUPS, "lookups.twilio.com")])
def test_without_a_stand_in_each_host_is_itself(monkeypatch: pytest.MonkeyPatch, host: str, name: str) -> None:
    names: list[tuple[str, int]] = []

    def no_address(asked: str, port: int, **_: object) -> list[object]:
        names.append((asked, port))
        raise OSError("no such name here")

    monkeypatch.setattr("socket.getaddrinfo", no_address)
    gateway = TwilioGateway()

    with calling(gateway._limits()), pytest.raises(LineFailed):
        _TwilioHttp(gateway._pool, None).request("GET", f"{host}/v2/x", auth=(ACCOUNT, "the-token"))

    assert names == [(name, 443)]
