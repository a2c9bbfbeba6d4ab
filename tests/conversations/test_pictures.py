"""A picture that cannot be had never costs the text it came with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conversations.models import Media
from conversations.pictures import content_of
from conversations.vocabulary import State
from smsbot.tenancy import Credential, CredentialState
from tests.conversations.sending import BACKGROUND, change, due
from tests.world import World

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
PATH = "/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"


class StandIn(BaseHTTPRequestHandler):
    """The carrier's media host: says what `answers` holds next."""

    answers: list[tuple[int, str, bytes]] = []
    authorizations: list[str | None] = []

    def do_GET(self) -> None:
        self.authorizations.append(self.headers.get("Authorization"))
        status, content_type, body = self.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """Where the stand-in listens; the tenant's carrier is there."""
    StandIn.answers, StandIn.authorizations = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    world.settings = world.runtime.settings = replace(world.settings, twilio_api_url=url)
    yield url
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def with_picture(world: World, url: str, body: str = "What about this one?") -> None:
    world.text(body, NumMedia="1", MediaUrl0=url, MediaContentType0="image/png")


def media(world: World) -> Media:
    (row,) = world.rows(Media)
    assert isinstance(row, Media)
    return row


def test_a_picture_is_kept_encrypted_for_its_owner(world: World, address: str) -> None:
    StandIn.answers = [(200, "image/png", PNG)]
    with_picture(world, address + PATH)
    world.drain()

    row = media(world)
    assert (row.state, row.size, row.content_type) == ("stored", len(PNG), "image/png")
    assert row.content is not None
    assert PNG not in row.content
    assert content_of(world.runtime, world.home.data_key, row, world.home.id) == PNG
    assert StandIn.authorizations[0] is not None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, "text/html", b"<html>"), "type"),
        ((200, "image/png", b"<svg onload=x>"), "not what it claims to be"),
        ((403, "image/png", b""), "status"),
        ((200, "image/png", b""), "empty"),
    ],
    ids=["type", "disguised", "forbidden", "empty"],
)
def test_a_refused_picture_leaves_the_text_its_answer_and_a_reason(
    world: World, address: str, answer: tuple[int, str, bytes], reason: str
) -> None:
    StandIn.answers = [answer]
    with_picture(world, address + PATH)
    world.drain()

    assert (media(world).state, media(world).reason, media(world).content) == ("refused", reason, None)
    assert world.inbound()[0].body == "What about this one?"
    assert (len(world.carrier.accepted), world.due()) == (1, [])


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://example.test/a.png",
        "file:///etc/passwd",
        "http://127.0.0.1:1/a.png",
        "https://api.twilio.com@example.test/a.png",
    ],
)
def test_no_other_host_is_ever_asked(world: World, address: str, url: str) -> None:
    with_picture(world, url)
    world.drain()

    assert (media(world).state, media(world).reason, StandIn.authorizations) == ("refused", "address", [])
    assert len(world.carrier.accepted) == 1


def test_a_picture_that_is_not_there_yet_is_fetched_later(world: World, address: str) -> None:
    StandIn.answers = [(404, "text/plain", b""), (503, "text/plain", b""), (200, "image/png", PNG)]
    with_picture(world, address + PATH)
    states = []
    for _ in range(3):
        world.drain()
        states.append(media(world).state)
        world.later(seconds=30)

    assert states == ["pending", "pending", "stored"]
    assert world.due() == []


def test_a_picture_that_never_comes_is_given_up_and_the_text_stands(world: World, address: str) -> None:
    StandIn.answers = [(503, "text/plain", b"")] * 2
    with_picture(world, address + PATH)
    world.drain()
    world.clock.advance(timedelta(hours=2, minutes=1))
    world.drain()

    assert (media(world).state, media(world).reason, world.due()) == ("failed", "unavailable", [])
    assert world.inbound()[0].state is State.RECEIVED


def test_without_credentials_the_text_stands_alone(world: World, address: str) -> None:
    with_picture(world, address + PATH)
    change(world, Credential, state=CredentialState.RETIRED)
    world.drain()

    assert (media(world).state, media(world).reason, StandIn.authorizations) == ("failed", "no_credentials", [])
    assert len(world.inbound()) == 1


def test_a_picture_waits_behind_answers_in_a_queue_of_its_own(world: World, address: str) -> None:
    with_picture(world, address + PATH)

    (row,) = due(world, BACKGROUND)
    assert row.kind == "media"
    assert len(due(world)) == 1


def test_a_picture_without_words_is_a_text_too(world: World, address: str) -> None:
    StandIn.answers = [(200, "image/png", PNG)]
    with_picture(world, address + PATH, body="")
    world.drain()

    assert (world.inbound()[0].media_count, media(world).state) == (1, "stored")
    assert world.inbound()[0].body == ""
    assert [m.state for m in world.outbound()] != []
