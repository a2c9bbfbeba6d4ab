"""What the carrier says, does or fails to say becomes exactly one of our outcomes."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from smsbot.errors import (
    ConfigurationError,
    LeaseExpired,
    OutcomeUnknown,
    PermanentSendFailure,
    RecipientOptedOut,
    SendFailed,
    TemporarySendFailure,
)
from smsbot.gateways.breaker import CONSECUTIVE_FAILURES, OPEN_S
from smsbot.gateways.carrier import LONGEST_CALL_S, Accepted, CarrierCredentials, OutgoingSms
from smsbot.gateways.twilio_carrier import TwilioGateway
from smsbot.settings import CARRIER_CONNECT_TIMEOUT_S, CARRIER_READ_TIMEOUT_S, LEASE_S, STOP_WAIT_S

CASES = json.loads(Path(__file__).with_name("rest_messages.json").read_text())["cases"]
CREATED = CASES["created_201"]
ACCOUNT = CREATED["account_sid"]
TEXT = OutgoingSms(
    to="+14155550100",
    body="Hi Ann, é & = + stay as they are.",
    sender="+14155550199",
    messaging_service_sid=None,
    status_callback="https://example.com/webhooks/status/1#rc=3&rp=ct,rt,5xx",
)


CONNECT_S, READ_S = 0.5, 1.0  # the same limits, shorter


def soon() -> float:
    return time.monotonic() + 10


def account(url: str) -> CarrierCredentials:
    return CarrierCredentials(ACCOUNT, "the-token", url)


def send(url: str, sms: OutgoingSms = TEXT) -> Accepted:
    gateway = TwilioGateway(connect_timeout_s=CONNECT_S, read_timeout_s=READ_S)
    return gateway.send(account(url), sms, not_after=soon())


def test_an_accepted_text_gives_its_id(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(201, CREATED | {"num_segments": "2", "status": "queued"})])

    assert send(server.url) == Accepted(CREATED["sid"], "queued", 2)
    sent = server.requests[0]
    assert (sent.method, sent.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert sent.form == {
        "To": TEXT.to,
        "From": TEXT.sender,
        "Body": TEXT.body,
        "StatusCallback": TEXT.status_callback,
        "ValidityPeriod": "600",
    }
    assert sent.headers["accept-encoding"] == "identity"
    assert b64decode(sent.headers["authorization"].removeprefix("Basic ")).decode() == f"{ACCOUNT}:the-token"


def test_a_messaging_service_gives_no_segment_count_yet(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(201, CREATED)])

    accepted = send(server.url, replace(TEXT, sender=None, messaging_service_sid="MG" + "5e" * 16))

    assert (accepted.status, accepted.segments) == ("accepted", None)
    assert server.requests[0].form["MessagingServiceSid"] == "MG" + "5e" * 16
    assert "From" not in server.requests[0].form


@pytest.mark.parametrize(
    ("status", "body", "failure", "code"),
    [
        (400, CASES["error_400_21610"], RecipientOptedOut, 21610),
        (429, CASES["error_429_20429"], TemporarySendFailure, 20429),
        (401, CASES["error_401_20003"], PermanentSendFailure, 20003),
        (400, {"code": 21211, "message": "The 'To' number +14155550100 is not valid", "status": 400}, PermanentSendFailure, 21211),
        (400, {"code": 77777, "message": "new", "status": 400}, PermanentSendFailure, 77777),
        (400, b"<html>no", PermanentSendFailure, None),
        (404, b"", PermanentSendFailure, 20404),
        (429, b"", TemporarySendFailure, 20429),
        (500, {"code": 20500, "message": "x", "status": 500}, OutcomeUnknown, 20500),
        (503, b"<html>busy", OutcomeUnknown, None),
        (302, b"", OutcomeUnknown, None),
        (
            400,
            {"type": "https://x", "title": "+14155550100 opted out", "status": 400, "code": 21610, "detail": "+14155550100"},
            RecipientOptedOut,
            21610,
        ),
        (200, b"not json", OutcomeUnknown, None),
        (201, b"", OutcomeUnknown, None),
        (201, b"[]", OutcomeUnknown, None),
        (201, b"null", OutcomeUnknown, None),
        (201, {"status": "queued"}, OutcomeUnknown, None),
        (201, {"sid": None}, OutcomeUnknown, None),
        (201, {"sid": "", "date_created": 7}, OutcomeUnknown, None),
        (201, b"\xff\xfe", OutcomeUnknown, None),
    ],
)  # fmt: skip
def test_every_answer_has_one_meaning(
    serve: Any, reply: Any, status: int, body: object, failure: type[SendFailed], code: int | None
) -> None:
    server = serve(lambda _: [reply(status, body)])

    with pytest.raises(SendFailed) as raised:
        send(server.url)

    assert (type(raised.value), raised.value.code) == (failure, code)
    assert len(server.requests) == 1  # nothing is repeated in here


IN_100_S = "a date 100 seconds ahead"  # made when the test runs: a date made at collection would grow old


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("3", 3, 3),
        ("0.5", 0.5, 0.5),
        ("99999999", 3600, 3600),
        ("-5", 0, 0),
        ("soon", 1, 1),  # the table's own delay
        (IN_100_S, 80, 100),
        ("nan", 1, 1),
    ],
)
def test_a_throttle_carries_the_wait_that_the_carrier_asks_for(
    serve: Any, reply: Any, header: str, low: float, high: float
) -> None:
    if header == IN_100_S:
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    server = serve(lambda _: [reply(429, CASES["error_429_20429"], Retry_After=header)])

    with pytest.raises(TemporarySendFailure) as raised:
        send(server.url)

    assert raised.value.retry_after_s is not None
    assert low <= raised.value.retry_after_s <= high


def test_a_refused_connection_is_safe_to_repeat(closed_port: int) -> None:
    with pytest.raises(TemporarySendFailure):
        send(f"http://127.0.0.1:{closed_port}")


def test_a_name_that_does_not_resolve_is_safe_to_repeat() -> None:
    with pytest.raises(TemporarySendFailure):
        send("http://no-such-host.invalid")


def test_a_handshake_that_fails_is_safe_to_repeat(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(201, CREATED)])

    with pytest.raises(TemporarySendFailure):
        send(server.url.replace("http:", "https:"))


def test_a_connection_that_never_comes_about_is_safe_to_repeat(elapsed: Callable[[], float]) -> None:
    # A listener whose queue is full answers no further SYN, like a host behind a silent firewall.
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.connect(full.getsockname())
        others = [socket.socket() for _ in range(3)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(full.getsockname())

        with pytest.raises(TemporarySendFailure):
            send(f"http://127.0.0.1:{full.getsockname()[1]}")
        for other in others:
            other.close()

    assert CONNECT_S <= elapsed() < CONNECT_S + 3


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 201 Created\r\nContent-Le"],
        [b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{\"sid\": \"SM"],
        [b"\x16\x03\x01 no http at all\r\n\r\n"],
        [b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"],
        [b"HTTP/1.1 201 Created\r\nContent-Length: 99999999\r\n\r\n{"],
    ],
    ids=["hung up", "half a header", "half a body", "garbage", "packed", "endless"],
)  # fmt: skip
def test_a_line_that_breaks_after_the_request_left_leaves_the_outcome_unknown(serve: Any, pieces: list[bytes]) -> None:
    hang_up = [pieces[0], 0.05] if pieces else []
    server = serve(lambda _: hang_up)

    def close_soon() -> None:
        time.sleep(0.4)
        server.close()

    threading.Thread(target=close_soon, daemon=True).start()
    with pytest.raises(OutcomeUnknown):
        send(server.url)
    assert len(server.requests) == 1


def test_a_silent_carrier_is_given_up_after_the_read_timeout_and_a_dripping_one_after_the_sum(
    serve: Any, reply: Any, elapsed: Callable[[], float]
) -> None:
    silent = serve(lambda _: [30.0])
    answer = reply(201, CREATED)
    dripping = serve(lambda _: [piece for byte in answer for piece in (bytes([byte]), 0.05)])
    took: dict[str, float] = {}

    def given_up(name: str, url: str) -> None:
        with pytest.raises(OutcomeUnknown):
            send(url)
        took[name] = elapsed()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(given_up, ("silent", "dripping"), (silent.url, dripping.url)))

    assert READ_S <= took["silent"] < READ_S + 3
    assert CONNECT_S + READ_S <= took["dripping"] < CONNECT_S + READ_S + 3


def test_the_longest_call_fits_into_the_lease_and_into_the_wait_of_a_stop() -> None:
    assert LONGEST_CALL_S == CARRIER_CONNECT_TIMEOUT_S + CARRIER_READ_TIMEOUT_S
    assert LONGEST_CALL_S < STOP_WAIT_S < LEASE_S


def test_after_its_lease_a_text_is_not_sent_and_nobody_is_called(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(201, CREATED)])

    with pytest.raises(LeaseExpired):
        TwilioGateway().send(account(server.url), TEXT, not_after=time.monotonic() - 0.001)

    assert (server.connections, server.requests) == (0, [])


def test_a_lease_that_ends_while_the_connection_is_made_stops_the_text(
    monkeypatch: Any, serve: Any, reply: Any
) -> None:
    server = serve(lambda _: [reply(201, CREATED)])
    slow = socket.getaddrinfo

    def slow_names(host: str, *rest: Any, **more: Any) -> Any:
        time.sleep(0.3)
        return slow("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow_names)
    with pytest.raises(LeaseExpired):
        TwilioGateway().send(account(f"http://carrier.test:{server.port}"), TEXT, not_after=time.monotonic() + 0.15)

    assert server.requests == []


def test_a_name_server_that_hangs_costs_no_more_than_the_connect_timeout(
    monkeypatch: Any, elapsed: Callable[[], float]
) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(10))
    try:
        with pytest.raises(TemporarySendFailure):
            send("http://carrier.test")
    finally:
        released.set()

    assert CONNECT_S <= elapsed() < CONNECT_S + 3


@pytest.mark.parametrize(("sid", "token"), [("", "token"), (ACCOUNT, ""), ("", "")])
def test_missing_credentials_are_never_replaced_by_the_machines(
    monkeypatch: Any, serve: Any, reply: Any, sid: str, token: str
) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "ACother")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "other")
    server = serve(lambda _: [reply(201, CREATED)])

    with pytest.raises(ConfigurationError):
        TwilioGateway().send(CarrierCredentials(sid, token, server.url), TEXT, not_after=soon())

    assert server.connections == 0


def test_neither_proxy_nor_region_variables_move_the_traffic(
    monkeypatch: Any, serve: Any, reply: Any, closed_port: int
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    server = serve(lambda _: [reply(201, CREATED)])

    assert send(server.url).provider_sid == CREATED["sid"]


@pytest.mark.parametrize("base", ["ftp://127.0.0.1", "127.0.0.1:80", "http://user@127.0.0.1", ""])
def test_an_address_that_is_none_is_a_wrong_setting(base: str) -> None:
    with pytest.raises(ConfigurationError):
        send(base)


def test_a_text_without_a_sender_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError):
        send("http://127.0.0.1:1", replace(TEXT, sender=None))


def test_a_text_that_no_request_can_hold_fails_for_good(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(201, CREATED)])

    with pytest.raises(PermanentSendFailure):
        send(server.url, replace(TEXT, body="lone \ud83d surrogate"))

    assert server.requests == []


def test_no_number_no_body_and_no_token_is_in_an_error_a_repr_or_a_log_line(
    serve: Any, reply: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = iter(
        [
            reply(400, {"code": 21211, "message": f"'{TEXT.to}' is not valid: {TEXT.body}", "status": 400}),
            reply(500, {"code": 20500, "message": f"{TEXT.to} {TEXT.body}", "status": 500}),
            reply(201, f"{TEXT.to} {TEXT.body}".encode()),
            reply(400, {"code": 21211, "message": f"'{TEXT.to}' is not valid", "status": 400}),
        ]
    )
    server = serve(lambda _: [next(answers)])
    gateway, told = TwilioGateway(), [repr(TEXT), repr(account(server.url))]
    for _ in range(3):
        try:
            gateway.send(account(server.url), TEXT, not_after=soon())
        except SendFailed as error:
            logging.getLogger("test").exception("as a job would log it")
            told.append(str(error))
    with pytest.raises(SendFailed):
        gateway.messages_to(account(server.url), TEXT.to)

    told.append(caplog.text)
    assert len(told) == 6
    for secret in ("5550100", "5550199", "Hi Ann", "the-token"):
        assert [text for text in told if secret in text] == []


def test_connections_are_kept_and_shared_between_tenants_but_not_their_credentials(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(201, CREATED, Set_Cookie="tenant=1; Path=/")])
    gateway = TwilioGateway()
    for token in ("one", "two", "one"):
        gateway.send(CarrierCredentials(ACCOUNT, token, server.url), TEXT, not_after=soon())

    assert server.connections == 1
    tokens = [b64decode(r.headers["authorization"].removeprefix("Basic ")).decode()[-3:] for r in server.requests]
    assert tokens == ["one", "two", "one"]
    assert [r.headers.get("cookie") for r in server.requests] == [None, None, None]


def test_threads_never_get_each_others_answers(serve: Any, reply: Any) -> None:
    server = serve(lambda got: [reply(201, CREATED | {"sid": "SM" + got.form["Body"].zfill(32)})])
    gateway = TwilioGateway()

    def sent(number: int) -> bool:
        accepted = gateway.send(account(server.url), replace(TEXT, body=str(number)), not_after=soon())
        return accepted.provider_sid == "SM" + str(number).zfill(32)

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(sent, range(300)))


def test_a_carrier_that_does_not_answer_is_left_alone_for_a_while(serve: Any, reply: Any, seconds: Any) -> None:
    broken = [True]
    server = serve(lambda _: [reply(500) if broken[0] else reply(201, CREATED)])
    gateway = TwilioGateway(seconds)
    for _ in range(CONSECUTIVE_FAILURES):
        with pytest.raises(OutcomeUnknown):
            gateway.send(account(server.url), TEXT, not_after=soon())
    with pytest.raises(TemporarySendFailure) as raised:
        gateway.send(account(server.url), TEXT, not_after=soon())
    assert raised.value.retry_after_s == OPEN_S
    assert len(server.requests) == CONSECUTIVE_FAILURES
    other = replace(account(server.url), account_sid="AC" + "1" * 32)
    with pytest.raises(OutcomeUnknown):  # another tenant's account is not judged by this one
        gateway.send(other, TEXT, not_after=soon())
    broken[0] = False
    seconds.now += OPEN_S

    assert gateway.send(account(server.url), TEXT, not_after=soon()).provider_sid == CREATED["sid"]


def test_a_lease_that_ended_says_nothing_about_the_carrier(serve: Any, reply: Any, seconds: Any) -> None:
    broken = [True]
    server = serve(lambda _: [reply(500) if broken[0] else reply(201, CREATED)])
    gateway = TwilioGateway(seconds)

    def too_late() -> None:
        with pytest.raises(LeaseExpired):
            gateway.send(account(server.url), TEXT, not_after=0.0)

    for _ in range(CONSECUTIVE_FAILURES):
        too_late()
    for _ in range(CONSECUTIVE_FAILURES):
        with pytest.raises(OutcomeUnknown):  # not left alone yet
            gateway.send(account(server.url), TEXT, not_after=soon())
    broken[0] = False
    seconds.now += OPEN_S
    too_late()  # was the probe, and found out nothing

    assert gateway.send(account(server.url), TEXT, not_after=soon()).provider_sid == CREATED["sid"]


def test_refusals_and_throttles_never_count_as_silence(serve: Any, reply: Any) -> None:
    server = serve(lambda got: [reply(429) if got.form["Body"] == "1" else reply(400, {"code": 21211, "message": ""})])
    gateway = TwilioGateway()
    for number in range(CONSECUTIVE_FAILURES * 3):
        with pytest.raises((TemporarySendFailure, PermanentSendFailure)):
            gateway.send(account(server.url), replace(TEXT, body=str(number % 2)), not_after=soon())

    assert len(server.requests) == CONSECUTIVE_FAILURES * 3


def listed(number: int, **changes: object) -> dict[str, object]:
    return {**CREATED, "sid": f"SM{number:032x}", **changes}


def page(*messages: dict[str, object], following: str | None = None) -> dict[str, object]:
    return {"messages": list(messages), "page": 0, "page_size": 50, "next_page_uri": following, "uri": "/x"}


def test_messages_to_a_number_are_asked_for_by_to_alone(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, page(listed(1), listed(2, direction="inbound", error_code="30003")))])

    first, second = TwilioGateway().messages_to(account(server.url), "+14155550100")

    assert server.requests[0].method == "GET"
    assert server.requests[0].query == {"To": "+14155550100", "PageSize": "50"}
    assert (first.direction, first.from_, first.body, first.error_code) == ("outbound", None, "Hi Ann", None)
    assert first.created_at == datetime(2026, 11, 20, 7, 18, 26, tzinfo=UTC)
    assert (second.direction, second.error_code) == ("inbound", 30003)


def test_a_long_list_is_read_page_by_page_from_the_same_host(serve: Any, reply: Any) -> None:
    def answer(got: Any) -> list[bytes]:
        if "Page" in got.query:
            return [reply(200, page(listed(2)))]
        return [reply(200, page(listed(1), following=f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1"))]

    server = serve(answer)

    found = TwilioGateway().messages_to(account(server.url), "+14155550100")

    assert [message.provider_sid for message in found] == [f"SM{1:032x}", f"SM{2:032x}"]


def test_messages_received_are_inbound_and_not_older_than_asked(serve: Any, reply: Any) -> None:
    since = datetime(2026, 11, 20, 7, 0, 0, 500, tzinfo=UTC)
    rows = [
        listed(1, direction="inbound", date_created="Fri, 20 Nov 2026 07:00:00 +0000", body="STOP"),
        listed(2, direction="inbound", date_created="Fri, 20 Nov 2026 06:59:59 +0000"),
        listed(3, direction="outbound-api", date_created="Fri, 20 Nov 2026 08:00:00 +0000"),
    ]
    server = serve(lambda _: [reply(200, page(*rows))])

    found = TwilioGateway().messages_received(account(server.url), "+14155550199", since)

    assert [(message.provider_sid, message.body) for message in found] == [(f"SM{1:032x}", "STOP")]
    assert server.requests[0].query["DateSent>"] == "2026-11-20T06:59:59Z"
    assert server.requests[0].query["To"] == "+14155550199"


def test_messages_sent_are_ours_and_not_older_than_asked(serve: Any, reply: Any) -> None:
    since = datetime(2026, 11, 20, 7, 0, 0, 500, tzinfo=UTC)
    rows = [
        listed(1, date_created="Fri, 20 Nov 2026 07:00:00 +0000", status="failed", error_code=21610),
        listed(2, date_created="Fri, 20 Nov 2026 06:59:59 +0000"),
        listed(3, direction="inbound", date_created="Fri, 20 Nov 2026 08:00:00 +0000"),
        listed(4, direction="outbound-reply", date_created="Fri, 20 Nov 2026 08:00:00 +0000"),
    ]
    server = serve(lambda _: [reply(200, page(*rows))])

    found = TwilioGateway().messages_sent(account(server.url), "+14155550199", since)

    assert [(message.provider_sid, message.error_code) for message in found] == [
        (f"SM{1:032x}", 21610),
        (f"SM{4:032x}", None),
    ]
    assert server.requests[0].query["DateSent>"] == "2026-11-20T06:59:59Z"
    assert server.requests[0].query["From"] == "+14155550199"
    assert "To" not in server.requests[0].query


@pytest.mark.parametrize(
    "pieces",
    [
        [(500, b"")],
        [(503, b"<html>")],
        [(200, b"nonsense")],
        [(200, b"[]")],
        [(200, {"messages": "none"})],
        [(200, {"messages": [{"body": "no id"}]})],
        [(200, {"messages": [CREATED | {"date_created": None}]})],
        [(200, {"messages": [CREATED | {"date_created": 5}]})],
        [(200, {"a": [], "b": []})],
        [],
    ],
)
def test_a_look_up_that_fails_never_looks_like_an_empty_list(serve: Any, reply: Any, pieces: Any) -> None:
    server = serve(lambda _: [reply(*piece) for piece in pieces])

    with pytest.raises(TemporarySendFailure):
        TwilioGateway().messages_to(account(server.url), "+14155550100")


def test_a_look_up_with_wrong_credentials_fails_for_good(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(401, CASES["error_401_20003"])])

    with pytest.raises(PermanentSendFailure) as raised:
        TwilioGateway().messages_to(account(server.url), "+14155550100")

    assert raised.value.code == 20003


def test_one_message_is_fetched_by_its_id(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, CREATED | {"status": "delivered"})])

    found = TwilioGateway().fetch(account(server.url), CREATED["sid"])

    assert found is not None
    assert (found.provider_sid, found.status) == (CREATED["sid"], "delivered")
    assert server.requests[0].path.endswith(f"/Messages/{CREATED['sid']}.json")


def test_a_message_that_the_carrier_does_not_have_is_none(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(404, {"code": 20404, "message": "gone", "status": 404})])

    assert TwilioGateway().fetch(account(server.url), "SM" + "0" * 32) is None


def test_redaction_empties_the_body_at_the_carrier(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, CREATED | {"body": ""})])

    TwilioGateway().redact(account(server.url), CREATED["sid"])

    assert (server.requests[0].method, server.requests[0].form) == ("POST", {"Body": ""})


def test_a_redaction_that_got_no_answer_may_be_repeated(serve: Any) -> None:
    server = serve(lambda _: [])

    with pytest.raises(TemporarySendFailure):
        TwilioGateway().redact(account(server.url), CREATED["sid"])
