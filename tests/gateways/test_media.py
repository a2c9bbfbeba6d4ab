"""Attachments come from the carrier's hosts, within a size and a time, of a type we show; nothing else is reached."""

from __future__ import annotations

import socket
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from smsbot.errors import ConfigurationError
from smsbot.gateways.carrier import CarrierCredentials
from smsbot.gateways.media import (
    TWILIO_MEDIA_HOSTS,
    MediaRefused,
    MediaUnavailable,
    allowed_type,
    fetch_media,
    image_type,
)

ACCOUNT = "AC" + "0f" * 16
REAL = CarrierCredentials(ACCOUNT, "the-token")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 50
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 50

# {port} is where a server listens that must never hear from us.
HOSTILE = [
    # addresses written as numbers
    "https://127.0.0.1:{port}/x", "http://127.0.0.1:{port}/x", "https://127.0.0.1/x", "https://127.1:{port}/x",
    "https://2130706433:{port}/x", "https://0x7f000001:{port}/x", "https://0x7f.0.0.1:{port}/x",
    "https://0177.0.0.1:{port}/x", "https://017700000001:{port}/x", "https://127.0.0.1.:{port}/x",
    "https://0:{port}/x", "https://0.0.0.0:{port}/x", "https://127.0.1:{port}/x",
    # IPv6, plain and wrapped
    "https://[::1]:{port}/x", "https://[::]:{port}/x", "https://[::ffff:127.0.0.1]:{port}/x",
    "https://[0:0:0:0:0:ffff:7f00:1]:{port}/x", "https://[64:ff9b::7f00:1]:{port}/x", "https://[fe80::1%25lo]:{port}/x",
    "https://[2002:7f00:1::]:{port}/x", "https://[fd00:ec2::254]/latest/meta-data/",
    # names that mean here, and the metadata services
    "https://localhost:{port}/x", "http://localhost:{port}/x", "https://LOCALHOST:{port}/x",
    "https://localhost.localdomain:{port}/x", "https://ip6-localhost:{port}/x", "https://127.0.0.1.nip.io:{port}/x",
    "https://localtest.me:{port}/x", "http://169.254.169.254/latest/meta-data/iam/",
    "https://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/computeMetadata/v1/",
    "https://metadata.google.internal/", "http://100.100.100.200/latest/", "https://169.254.170.2/v2/credentials",
    "https://kubernetes.default.svc/api", "http://2852039166/latest/",
    # user info and other ways to make one name look like another
    "https://api.twilio.com@127.0.0.1:{port}/x", "https://user:pass@api.twilio.com/x",
    "https://api.twilio.com:443@127.0.0.1:{port}/x", "https://api.twilio.com%40127.0.0.1:{port}/x",
    "https://127.0.0.1:{port}#@api.twilio.com/x", "https://127.0.0.1:{port}?@api.twilio.com/x",
    "https://127.0.0.1:{port}\\@api.twilio.com/x", "https://api.twilio.com\\@127.0.0.1:{port}/x",
    "https://api.twilio.com\t@127.0.0.1:{port}/x", "https://api.twilio.com\n.127.0.0.1.nip.io/x",
    "https://api.twilio.com .evil.test/x", "https:///127.0.0.1:{port}/x", "https:/\\127.0.0.1:{port}/x",
    "https:127.0.0.1:{port}/x", "//127.0.0.1:{port}/x", "https://api.twilio.com\x00.evil.test/x",
    "https://api。twilio。com/x", "https://ⓐpi.twilio.com/x", "https://①②⑦.0.0.1:{port}/x", "https://аpi.twilio.com/x",
    "https://xn--pi-7kc.twilio.com/x",
    # names that only resemble an allowed one
    "https://api.twilio.com.evil.test/x", "https://evilapi.twilio.com.test/x", "https://notapi.twilio.com/x",
    "https://evil-api.twilio.com/x", "https://api.twilio.com./x", "https://.s3.amazonaws.com/x",
    "https://s3.amazonaws.com/bucket/x", "https://evils3.amazonaws.com/x", "https://bucket.s3.amazonaws.com.evil.test/x",
    "https://api.twilio.co/x",
    # other ports and schemes
    "http://api.twilio.com/x", "https://api.twilio.com:80/x", "https://api.twilio.com:8443/x",
    "https://api.twilio.com:{port}/x", "https://api.twilio.com:/x", "https://api.twilio.com:99999/x",
    "https://api.twilio.com:-1/x", "ftp://api.twilio.com/x", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x",
    "dict://127.0.0.1:{port}/x", "data:image/png;base64,AAAA", "jar:https://api.twilio.com/x!/", "javascript:alert(1)",
    # broken ones
    "", " ", "https://", "https://api.twilio.com", "https:// api.twilio.com/x", " https://api.twilio.com/x",
    "https://api.twilio.com/x y", "https://api.twilio.com/x\r\nHost: evil.test", "https://api.twilio.com/" + "a" * 3000,
    "https://api.twilio.com/\u202ex", "https://api.twilio.com/x[1]",
]  # fmt: skip

# What an allowed name may turn out to lead to; one bad address among good ones is enough.
ANSWERS = [
    ["127.0.0.1"], ["127.8.8.8"], ["0.0.0.0"], ["10.1.2.3"], ["100.64.1.1"], ["169.254.169.254"], ["172.20.0.5"],
    ["192.168.1.1"], ["192.0.0.8"], ["198.18.0.1"], ["224.0.0.1"], ["255.255.255.255"], ["168.63.129.16"], ["::1"],
    ["::"], ["::ffff:127.0.0.1"], ["::ffff:169.254.169.254"], ["::127.0.0.1"], ["64:ff9b::7f00:1"], ["2002:7f00:1::1"],
    ["2001:0:1:2:3:4:80ff:fffe"], ["fc00::1"], ["fd00:ec2::254"], ["fe80::1"], ["fec0::1"], ["ff02::1"],
    ["8.8.8.8", "127.0.0.1"], ["2606:4700::1111", "10.0.0.1"],
]  # fmt: skip


@pytest.fixture
def bystander(serve: Any, reply: Any) -> Any:
    return serve(lambda _: [reply(200, PNG, Content_Type="image/png")])


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that somebody tries to connect to; no attempt succeeds."""
    tried: list[object] = []

    def refuse(address: object, *_: object, **__: object) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the name server says, and nothing else."""
    known: dict[str, list[str]] = {}

    def look_up(host: str, port: int, **_: object) -> list[object]:
        if host not in known:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def test_the_corpus_is_large_enough() -> None:
    assert len(set(HOSTILE)) >= 60
    assert len(HOSTILE) == len(set(HOSTILE))


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_before_anything_is_connected(
    bystander: Any, dialled: list[object], url: str
) -> None:
    with pytest.raises(MediaRefused) as raised:
        fetch_media(url.replace("{port}", str(bystander.port)), credentials=REAL)

    assert raised.value.reason == "address"
    assert (dialled, bystander.connections) == ([], 0)


@pytest.mark.parametrize("url", [url for url in HOSTILE if url.isascii() and url.isprintable()])
def test_a_redirect_to_a_hostile_address_is_refused_before_anything_is_connected(
    serve: Any, reply: Any, bystander: Any, url: str
) -> None:
    target = url.replace("{port}", str(bystander.port))
    server = serve(lambda got: [reply(302, Location=target) if got.path == "/start" else reply(404)])

    # A redirect that names no other host leads back to where we are, which has nothing there.
    with pytest.raises((MediaRefused, MediaUnavailable)):
        fetch_media(server.url + "/start", credentials=CarrierCredentials(ACCOUNT, "the-token", server.url))

    assert bystander.connections == 0


@pytest.mark.parametrize("addresses", ANSWERS, ids=" ".join)
def test_an_allowed_name_that_leads_inside_is_refused_before_anything_is_connected(
    names: dict[str, list[str]], dialled: list[object], addresses: list[str]
) -> None:
    names["api.twilio.com"] = addresses

    with pytest.raises(MediaRefused) as raised:
        fetch_media("https://api.twilio.com/x", credentials=REAL)

    assert raised.value.reason == "address"
    assert dialled == []


def test_a_name_is_resolved_once_and_exactly_that_address_is_dialled(
    monkeypatch: pytest.MonkeyPatch, dialled: list[object]
) -> None:
    answers = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]
    )

    with pytest.raises(MediaUnavailable):
        fetch_media("https://api.twilio.com/x", credentials=REAL)

    assert dialled == [("8.8.8.8", 443)]


@pytest.mark.parametrize("host", [*sorted(TWILIO_MEDIA_HOSTS - {".s3.amazonaws.com"}), "a-bucket.s3.amazonaws.com"])
def test_the_carriers_own_hosts_are_reached(names: dict[str, list[str]], dialled: list[object], host: str) -> None:
    names[host] = ["8.8.4.4"]

    with pytest.raises(MediaUnavailable):
        fetch_media(f"https://{host}/x?y=1", credentials=REAL)

    assert dialled == [("8.8.4.4", 443)]


def fetched(server: Any, **more: Any) -> Any:
    credentials = CarrierCredentials(ACCOUNT, "the-token", server.url)
    return fetch_media(f"{server.url}/2010-04-01/Media/ME1?a=b", credentials=credentials, **more)


def test_a_stand_in_gets_the_credentials_and_gives_the_picture(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, PNG, Content_Type="image/png")])

    media = fetched(server)

    assert (media.content_type, media.content) == ("image/png", PNG)
    got = server.requests[0]
    assert (got.method, got.target, got.headers["host"]) == (
        "GET",
        "/2010-04-01/Media/ME1?a=b",
        f"127.0.0.1:{server.port}",
    )
    assert b64decode(got.headers["authorization"].removeprefix("Basic ")).decode() == f"{ACCOUNT}:the-token"


def test_credentials_are_not_sent_along_a_redirect(serve: Any, reply: Any) -> None:
    def answer(got: Any) -> list[bytes]:
        if got.path == "/stored":
            return [reply(200, JPEG, Content_Type="image/jpeg")]
        return [reply(307, Location="/stored?sig=1")]

    server = serve(answer)

    assert fetched(server).content == JPEG
    assert [("authorization" in got.headers, got.target) for got in server.requests] == [
        (True, "/2010-04-01/Media/ME1?a=b"),
        (False, "/stored?sig=1"),
    ]


def test_a_second_redirect_is_refused(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(302, Location="/again")])

    with pytest.raises(MediaRefused) as raised:
        fetched(server)

    assert raised.value.reason == "second redirect"
    assert len(server.requests) == 2


def test_the_same_host_on_another_port_is_not_the_stand_in(serve: Any, reply: Any, bystander: Any) -> None:
    server = serve(lambda _: [reply(302, Location=bystander.url + "/x")])

    with pytest.raises(MediaRefused):
        fetched(server)

    assert bystander.connections == 0


def test_a_stand_in_may_not_lead_to_the_metadata_service(names: dict[str, list[str]], dialled: list[object]) -> None:
    names["carrier.test"] = ["169.254.169.254"]

    with pytest.raises(MediaRefused):
        fetch_media("http://carrier.test/x", credentials=CarrierCredentials(ACCOUNT, "t", "http://carrier.test"))

    assert dialled == []


@pytest.mark.parametrize("answer", ["announced", "streamed", "chunked"])
def test_more_than_the_limit_is_not_read(serve: Any, answer: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
    pieces = {
        "announced": [head + b"Content-Length: 1001\r\n\r\n", PNG, 30.0],
        "streamed": [head + b"Connection: close\r\n\r\n", PNG, b"x" * 2000, 30.0],
        "chunked": [head + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n", 30.0],
    }[answer]
    server = serve(lambda _: pieces)

    with pytest.raises(MediaRefused) as raised:
        fetched(server, max_bytes=1000)

    assert raised.value.reason == "size"


def test_exactly_the_limit_is_read(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, PNG, Content_Type="image/png")])

    assert fetched(server, max_bytes=len(PNG)).content == PNG


@pytest.mark.parametrize("part", ["header", "body"])
def test_a_dripping_host_is_cut_off_in_time(serve: Any, elapsed: Callable[[], float], part: str) -> None:
    slow = [piece for _ in range(200) for piece in (b"x", 0.05)]
    start = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 500\r\n"
    server = serve(lambda _: [start + (b"X-Slow: " if part == "header" else b"\r\n"), *slow])

    with pytest.raises(MediaUnavailable):
        fetched(server, timeout_s=0.5)

    assert 0.5 <= elapsed() < 3  # the host would go on for ten seconds


def test_packed_content_is_not_unpacked(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, b"\x1f\x8b", Content_Type="image/png", Content_Encoding="gzip")])

    with pytest.raises(MediaUnavailable):
        fetched(server)


@pytest.mark.parametrize("status", [404, 408, 429, 500, 503])
def test_a_host_that_may_recover_is_worth_another_try(serve: Any, reply: Any, status: int) -> None:
    server = serve(lambda _: [reply(status)])

    with pytest.raises(MediaUnavailable):
        fetched(server)


@pytest.mark.parametrize(("status", "reason"), [(401, "status"), (403, "status"), (410, "status"), (206, "status")])
def test_a_host_that_refuses_is_not_asked_again(serve: Any, reply: Any, status: int, reason: str) -> None:
    server = serve(lambda _: [reply(status)])

    with pytest.raises(MediaRefused) as raised:
        fetched(server)

    assert raised.value.reason == reason


def test_a_line_that_breaks_is_worth_another_try(serve: Any) -> None:
    server = serve(lambda _: [])

    with pytest.raises(MediaUnavailable):
        fetched(server)


@pytest.mark.parametrize(
    ("content_type", "content", "expected"),
    [
        ("image/jpeg", JPEG, "image/jpeg"),
        ("image/jpg; charset=binary", JPEG, "image/jpeg"),
        ("IMAGE/PNG", PNG, "image/png"),
        ("image/jpeg", PNG, "image/png"),  # what it is, not what it is called
        ("image/gif", b"GIF89a...", "image/gif"),
        ("image/webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("image/heic", b"\x00\x00\x00\x18ftypheic....", "image/heic"),
        ("audio/amr", b"#!AMR\n", "audio/amr"),
        ("audio/mpeg", b"ID3\x03", "audio/mpeg"),
        ("video/3gpp", b"\x00\x00\x00\x18ftyp3gp4", "video/3gpp"),
        ("video/mp4", b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        ("text/vcard", b"BEGIN:VCARD\r\n", "text/vcard"),
        ("text/x-vcard", b"\xef\xbb\xbfbegin:vcard\r\n", "text/x-vcard"),
        ("application/pdf", b"%PDF-1.7\n", "application/pdf"),
    ],
)
def test_what_we_show_is_taken(serve: Any, reply: Any, content_type: str, content: bytes, expected: str) -> None:
    server = serve(lambda _: [reply(200, content, Content_Type=content_type)])

    media = fetched(server)

    assert (media.content_type, media.content) == (expected, content)


@pytest.mark.parametrize(
    ("content_type", "content", "reason"),
    [
        ("image/svg+xml", b"<svg/>", "type"),
        ("text/html", b"<html>", "type"),
        ("application/xhtml+xml", b"<html>", "type"),
        ("text/plain", b"hello", "type"),
        ("application/octet-stream", PNG, "type"),
        ("audio/evil+xml", b"<x/>", "type"),
        ("image/png, text/html", PNG, "type"),
        ("image/", PNG, "type"),
        ("", PNG, "type"),
        ("image/png", b"", "empty"),
        ("image/png", b"<html><script>", "not what it claims to be"),
        ("image/jpeg", b"<svg xmlns=", "not what it claims to be"),
        ("audio/mpeg", b" \n<html>", "not what it claims to be"),
        ("audio/mpeg", b"\xef\xbb\xbf<svg>", "not what it claims to be"),
        ("application/pdf", b"<html>", "not what it claims to be"),
        ("text/vcard", b"<script>", "not what it claims to be"),
        ("video/mp4", b"<html>", "not what it claims to be"),
    ],
)
def test_what_we_do_not_show_is_refused(serve: Any, reply: Any, content_type: str, content: bytes, reason: str) -> None:
    server = serve(lambda _: [reply(200, content, Content_Type=content_type)])

    with pytest.raises(MediaRefused) as raised:
        fetched(server)

    assert raised.value.reason == reason


def test_missing_credentials_are_a_wrong_setting(bystander: Any) -> None:
    with pytest.raises(ConfigurationError):
        fetch_media(bystander.url + "/x", credentials=CarrierCredentials(ACCOUNT, "", bystander.url))

    assert bystander.connections == 0


def test_a_refusal_holds_no_address() -> None:
    with pytest.raises(MediaRefused) as raised:
        fetch_media("https://evil.test/secret-path", credentials=REAL)

    assert "evil" not in str(raised.value)
    assert "secret-path" not in str(raised.value)


def test_proxy_variables_do_not_move_the_traffic(
    monkeypatch: pytest.MonkeyPatch, serve: Any, reply: Any, closed_port: int
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    server = serve(lambda _: [reply(200, PNG, Content_Type="image/png")])

    assert fetched(server).content == PNG


@pytest.mark.parametrize("text", ["image/png;x=y", " image/png ", "Image/PNG"])
def test_parameters_case_and_blanks_do_not_change_a_type(text: str) -> None:
    assert allowed_type(text) == "image/png"


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"RIFF\x00\x00\x00\x00AVI ", b"\x00\x00\x00\x18ftypisom", b"BM"])
def test_other_first_bytes_are_no_image_of_ours(content: bytes) -> None:
    assert image_type(content) is None
