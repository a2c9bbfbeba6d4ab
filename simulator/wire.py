"""The least of HTTP/1.1 that a stand-in needs: a keep-alive server, a one-shot client, and lines that can be cut.

A thread per connection and a hand-written parser: a create costs a tenth of what `http.server` needs, so the
stand-in stays out of the way when the product shares its two cores.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 32 * 1024 * 1024
IDLE_S = 600.0  # a line closed under a waiting client looks like a lost answer: only a fault may do that
REASONS = {status.value: status.phrase for status in HTTPStatus}

log = logging.getLogger(__name__)


class Malformed(Exception):
    """What arrived is not HTTP that we speak."""


class Cut(Exception):
    """Raised by a route: reset the line without an answer."""


class NoConnection(Exception):
    """No answer, and no timeout either: refused, reset, or closed before the first byte of an answer."""


class NoAnswer(Exception):
    """Connected, but the answer did not come in time."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `target` is the raw request target; header names are in lower case; `received` is monotonic."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    received: float
    keep: bool = True

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def query(self) -> dict[str, str]:
        """The query; the last of several equal names counts."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def form(self) -> list[tuple[str, str]]:
        """The fields of a form body in their order; empty for any other content type."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    def json(self) -> Any:
        """The parsed body. Raises ValueError when it is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `chunks` are sent one by one as they come; `cut` resets the line after what was written;
    `length` is the declared length when it shall differ from the truth."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    chunks: Iterable[bytes] | None = None
    cut: bool = False
    length: int | None = None


def json_answer(status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """`value` as JSON, with the content type that Twilio and OpenAI use."""
    return Answer(status, json.dumps(value).encode(), (("Content-Type", "application/json;charset=utf-8"), *headers))


@dataclass(slots=True)
class _Lines:
    """A socket read by lines and lengths."""

    sock: socket.socket
    buffer: bytearray = field(default_factory=bytearray)

    def more(self) -> bool:
        piece = self.sock.recv(65536)
        self.buffer += piece
        return bool(piece)

    def until(self, mark: bytes, limit: int) -> bytes | None:
        """Everything before `mark`, which is dropped; None at the end of the stream."""
        while (end := self.buffer.find(mark)) < 0:
            if len(self.buffer) > limit:
                raise Malformed("head too long")
            if not self.more():
                return None
        piece = bytes(self.buffer[:end])
        del self.buffer[: end + len(mark)]
        return piece

    def exactly(self, length: int) -> bytes:
        while len(self.buffer) < length:
            if not self.more():
                raise Malformed("body ended early")
        piece = bytes(self.buffer[:length])
        del self.buffer[:length]
        return piece

    def chunked(self) -> bytes:
        body = bytearray()
        while True:
            size_line = self.until(b"\r\n", HEAD_LIMIT)
            if size_line is None:
                raise Malformed("body ended early")
            size = _number(size_line.partition(b";")[0], 16)
            if len(body) + size > BODY_LIMIT:
                raise Malformed("body too long")
            if size == 0:
                while self.until(b"\r\n", HEAD_LIMIT):
                    pass  # trailers mean nothing here
                return bytes(body)
            body += self.exactly(size)
            self.exactly(2)

    def rest(self) -> bytes:
        while self.more():
            if len(self.buffer) > BODY_LIMIT:
                raise Malformed("body too long")
        return bytes(self.buffer)


def _number(digits: bytes, base: int) -> int:
    try:
        value = int(digits, base)
    except ValueError as error:
        raise Malformed("bad length") from error
    if value < 0:
        raise Malformed("bad length")
    return value


def _headers_in(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise Malformed("header without a colon")
        headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    return headers


def _body_of(lines: _Lines, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return lines.chunked()
    length = _number(headers.get("content-length", "0").encode("latin-1"), 10)
    if length > BODY_LIMIT:
        raise Malformed("body too long")
    return lines.exactly(length)


def _next_request(lines: _Lines) -> Request | None:
    head = lines.until(b"\r\n\r\n", HEAD_LIMIT)
    if head is None:
        return None
    received = time.monotonic()
    first, *rest = head.split(b"\r\n")
    parts = first.split(b" ")
    if len(parts) != 3:
        raise Malformed("bad request line")
    headers = _headers_in(rest)
    if headers.get("expect", "").lower() == "100-continue":
        lines.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = _body_of(lines, headers)
    keep = parts[2] == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Request(parts[0].decode("latin-1"), parts[1].decode("latin-1"), headers, body, received, keep)


def _write(sock: socket.socket, answer: Answer, *, keep: bool) -> None:
    head = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}"]
    head += [f"{name}: {value}" for name, value in answer.headers]
    if answer.chunks is not None:
        head.append("Transfer-Encoding: chunked")
    elif answer.status != HTTPStatus.NO_CONTENT:
        head.append(f"Content-Length: {len(answer.body) if answer.length is None else answer.length}")
    if not keep:
        head.append("Connection: close")
    sock.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + answer.body)
    for chunk in answer.chunks or ():
        sock.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    if answer.chunks is not None and not answer.cut:
        sock.sendall(b"0\r\n\r\n")


def _reset(sock: socket.socket) -> None:
    """Makes the close that follows an RST: the other side sees "connection reset by peer", not an orderly end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class WireServer:
    """Serves `answer` on a loopback address until `stop`. Raises ValueError for any other address."""

    def __init__(self, host: str, port: int, answer: Callable[[Request], Answer]) -> None:
        if host not in LOOPBACK:
            raise ValueError(f"the simulator listens on loopback only, not on {host!r}: use 127.0.0.1")
        self._answer = answer
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1024)
        self._listener.settimeout(0.2)  # closing it does not wake an accept: look at `_stopping` this often
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._accepting = threading.Thread(target=self._accept, name="simulator-accept", daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                continue  # nobody for a while, closed by stop(), or the client left before we got to it
            with self._lock:
                self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), name="simulator-line", daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(IDLE_S)
            self._converse(sock)
        except OSError:
            pass  # the client is gone
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _converse(self, sock: socket.socket) -> None:
        lines = _Lines(sock)
        while not self._stopping.is_set():
            try:
                request = _next_request(lines)
            except Malformed as error:
                _write(sock, json_answer(400, {"error": str(error)}), keep=False)
                return
            if request is None:
                return
            try:
                answer = self._answered(request)
            except Cut:
                _reset(sock)
                return
            _write(sock, answer, keep=request.keep)
            if answer.cut:
                _reset(sock)
                return
            if not request.keep:
                return

    def _answered(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except Cut:
            raise
        except Exception as error:
            log.exception("the simulator's own fault, answered with 500")
            return json_answer(500, {"error": f"simulator: {type(error).__name__}"})

    def stop(self) -> None:
        """Closes the listener and every line at once. May be called twice."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept on Linux; elsewhere its timeout does
        self._listener.close()
        with self._lock:
            lines = list(self._open)
        for sock in lines:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if self._accepting is not threading.current_thread():
            self._accepting.join(2)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def exchange(
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes = b"",
    *,
    connect_s: float = 5.0,
    read_s: float = 15.0,
    host: str | None = None,
) -> Reply:
    """One request on a line of its own to an http:// URL; `read_s` is for each read.

    A line of its own, because on a kept one a server's idle close cannot be told from a lost answer.
    Raises NoConnection or NoAnswer.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = [f"{method} {target} HTTP/1.1", f"Host: {host or parts.netloc}", "Connection: close"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    head.append(f"Content-Length: {len(body)}")
    try:
        sock = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=connect_s)
    except OSError as error:
        raise NoConnection(str(error)) from error
    with sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(read_s)
            sock.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
            return _reply(_Lines(sock))
        except TimeoutError as error:
            raise NoAnswer("no answer in time") from error
        except (OSError, Malformed) as error:
            raise NoConnection(str(error)) from error


def _reply(lines: _Lines) -> Reply:
    while True:
        head = lines.until(b"\r\n\r\n", HEAD_LIMIT)
        if head is None:
            raise Malformed("closed without an answer")
        first, *rest = head.split(b"\r\n")
        status = _number(first.split(b" ", 2)[1] if first.count(b" ") else b"", 10)
        if status >= 200:
            break
    headers = _headers_in(rest)
    if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return Reply(status, headers, b"")
    if "transfer-encoding" in headers or "content-length" in headers:
        return Reply(status, headers, _body_of(lines, headers))
    return Reply(status, headers, lines.rest())
