"""The lean server and the signatures, against other people's clients and numbers."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from simulator.segments import segments_in
from simulator.server import start
from simulator.signing import signature
from simulator.webhooks import Caller
from simulator.wire import Answer, WireServer

CREATE_CPU_S = 1 / 800  # of the server and of this client together


@pytest.fixture
def echo():
    def answer(request):
        return Answer(200, f"{request.method} {request.target} {request.body.decode()}".encode())

    server = WireServer("127.0.0.1", 0, answer)
    yield server
    server.stop()


def test_line_is_kept_for_the_next_request(echo):
    line = http.client.HTTPConnection("127.0.0.1", echo.port, timeout=5)
    bodies, sockets = [], set()
    for index in range(3):
        line.request("POST", f"/a%20b?{index}", b"x" * index)
        bodies.append(line.getresponse().read())
        sockets.add(line.sock)
    line.close()

    assert bodies == [b"POST /a%20b?0 ", b"POST /a%20b?1 x", b"POST /a%20b?2 xx"]
    assert len(sockets) == 1


def test_chunked_bodies_are_read(echo):
    line = http.client.HTTPConnection("127.0.0.1", echo.port, timeout=5)
    line.request("POST", "/", iter([b"ab", b"cde"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})

    assert line.getresponse().read() == b"POST / abcde"
    line.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_not_http_gets_400(echo, sent):
    with socket.create_connection(("127.0.0.1", echo.port), timeout=5) as line:
        line.sendall(sent)

        assert line.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_only_loopback_is_served_and_called(host):
    with pytest.raises(ValueError, match="loopback"):
        start(host=host)
    with pytest.raises(ValueError, match="loopback"):
        Caller(f"http://[{host}]" if ":" in host else f"http://{host}")


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("https://bot.example.com/status/1?ref=2#rc=3", "http://127.0.0.1:8000/status/1?ref=2"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x"),
        ("https://bot.example.com.evil.example/x", None),
        ("https://127.0.0.1/x", None),
    ],
)
def test_public_addresses_lead_to_the_target_and_others_nowhere(url, route):
    assert Caller("http://127.0.0.1:8000", "https://bot.example.com").route(url) == route


def test_public_url_is_what_is_signed(program):
    running = start(target=program.url, public_url="https://bot.example.com", seed=1, accounts=[
        {"sid": "AC" + "1" * 32, "token": "t", "numbers": [{"number": "+14155550101"}]}])  # fmt: skip
    text = {"account": "AC" + "1" * 32, "from": "+14155550150", "to": "+14155550101", "body": "hi"}
    line = http.client.HTTPConnection("127.0.0.1", int(running.url.rpartition(":")[2]), timeout=5)
    line.request("POST", "/sim/inbound", json.dumps(text))
    line.getresponse().read()
    line.close()
    running.stop()

    request = program.requests[0]
    url = "https://bot.example.com/webhooks/twilio/sms"
    assert RequestValidator("t").validate(url, dict(request.form()), request.headers["x-twilio-signature"])
    assert request.headers["host"] == "bot.example.com"


def test_create_costs_less_than_an_eight_hundredth_of_a_core(world):
    world.control("faults", carrier={"callback": {"delay_s": 60}})
    body = urlencode({"To": world.lead, "From": world.number, "Body": "Yes, it is still available."}).encode()
    code = base64.b64encode(f"{world.account}:{world.token}".encode()).decode()
    head = f"POST /2010-04-01/Accounts/{world.account}/Messages.json HTTP/1.1\r\nAuthorization: Basic {code}\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    took_s, rounds, count = [], 3, 100
    with socket.create_connection(("127.0.0.1", int(world.sim.url.rpartition(":")[2])), timeout=5) as line:
        for _ in range(rounds):
            began = time.process_time()
            for _ in range(count):
                line.sendall(head.encode() + body)
                assert line.recv(65536).startswith(b"HTTP/1.1 201 ")
            took_s.append(time.process_time() - began)

    assert len(world.sim.carrier.accepted) == rounds * count
    assert min(took_s) / count < CREATE_CPU_S  # the least: a busy machine only ever adds


def test_signature_printed_by_twilio():  # source: https://www.twilio.com/docs/usage/security
    form = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675310"), ("Digits", "1234"), ("From", "+14158675310"), ("To", "+18005551212")]  # fmt: skip

    assert signature("12345", "https://example.com/myapp.php?foo=1&bar=2", form) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


@given(st.dictionaries(st.text(min_size=1), st.text()), st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"]))
def test_any_form_is_signed_so_that_twilios_library_agrees(form, algorithm):
    url = "http://127.0.0.1:8000/webhooks/twilio/sms?a=%20b"
    made = signature("token", f"{url}#rc=3", form.items(), algorithm.removeprefix("HMAC_").lower())

    assert RequestValidator("token").validate(url, form, made, algorithm)


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("a" * 152 + "€" * 77, 3), ("ж" * 70, 1), ("ж" * 71, 2), ("ж" * 134, 2), ("ж" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2),
        ("It’s", 1), ("a\tb" + "a" * 68, 2), ("a" * 1600, 11), ("ж" * 1600, 24),
    ],
)  # fmt: skip
def test_segments_are_counted_as_on_the_air(body, segments):
    assert segments_in(body) == segments
