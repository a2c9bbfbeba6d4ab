"""Servers on the loopback that say exactly what a test wants, byte by byte, and remember what they were sent."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import pytest

Piece = bytes | float  # a float is a pause in seconds


@dataclass
class Received:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


Answer = Callable[[Received], list[Piece]]


@dataclass
class Loopback:
    """Answers each request with the pieces that `answer` gives for it; no pieces at all hangs up."""

    answer: Answer
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        for line in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), line, line.makefile("rb") as incoming:
            while head := incoming.readline():
                words = head.decode("latin-1").split(" ")
                if len(words) != 3:
                    return  # a TLS greeting, for one
                method, target, _ = words
                headers = {}
                while (row := incoming.readline().strip()) != b"":
                    name, _, value = row.decode("latin-1").partition(":")
                    headers[name.strip().lower()] = value.strip()
                body = incoming.read(int(headers.get("content-length", "0")))
                received = Received(method, target, headers, body)
                self.requests.append(received)
                pieces = self.answer(received)
                if not pieces:
                    line.shutdown(socket.SHUT_RDWR)
                    return
                for piece in pieces:
                    if isinstance(piece, bytes):
                        line.sendall(piece)
                    elif self._closing.wait(piece):
                        return


def http(status: int, body: object = b"", **headers: str) -> bytes:
    """A whole HTTP answer; a body that is not bytes goes out as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
    rows = kind | {"Content-Length": str(len(content))} | {k.replace("_", "-"): v for k, v in headers.items()}
    return "\r\n".join([f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in rows.items()), "", ""]).encode() + content


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Loopback]]:
    servers: list[Loopback] = []

    def start(answer: Answer) -> Loopback:
        servers.append(Loopback(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def reply() -> Callable[..., bytes]:
    return http


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def elapsed() -> Iterator[Callable[[], float]]:
    """Seconds since the test began."""
    started = time.monotonic()
    yield lambda: time.monotonic() - started


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()
