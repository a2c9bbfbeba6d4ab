"""The line to the outside: connections that keep a total deadline, a lease and a list of allowed addresses.

The libraries' own timeouts run per read, so a server that drips bytes holds a caller for ever; and they check nothing
between the moment a call begins and the moment its bytes leave. All gateways therefore talk through this one.
No proxy and no cookie: neither the environment nor an earlier answer may change where a request goes or what it says.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from ssl import SSLContext
from typing import Any

import httpcore2

from smsbot.errors import LeaseExpired, SmsbotError

Address = IPv4Address | IPv6Address
Permit = Callable[[str, int, Address], bool]

WRITE_PIECE = 16_384
RESOLVER_THREADS = 8
KEEP_ALIVE_S = 15.0  # below the idle limits of usual load balancers (60 s): a line closed under us means "unknown"


class LineFailed(SmsbotError):
    """No complete answer came. `timed_out` tells a limit of ours from a fault of the line."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class AddressRefused(SmsbotError):
    """The host leads to an address that must not be reached; nothing was connected."""


class AnswerTooLarge(SmsbotError):
    """The answer is longer than the caller takes."""


@dataclass(slots=True)
class Call:
    """The limits of one call and what became of it. Instants are `time.monotonic()`.

    `not_after` is compared directly before each socket write. `wrote` turns true when the first byte may have left.
    """

    deadline: float
    connect_timeout_s: float
    read_timeout_s: float
    not_after: float | None = None
    wrote: bool = False

    def left_s(self) -> float:
        return self.deadline - time.monotonic()


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


_current: ContextVar[Call] = ContextVar("call")


@contextmanager
def calling(call: Call) -> Iterator[Call]:
    """Everything this thread sends inside the block keeps `call`'s limits."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


def new_pool(*, max_connections: int, keep_alive: int, permit: Permit | None = None) -> httpcore2.ConnectionPool:
    """Connections to share between threads. `permit` sees every address of a host before one of them is connected."""
    return httpcore2.ConnectionPool(
        ssl_context=_tls(),
        max_connections=max_connections,
        max_keepalive_connections=keep_alive,
        keepalive_expiry=KEEP_ALIVE_S,
        network_backend=_Backend(permit),
    )


@cache
def _tls() -> SSLContext:
    return httpcore2.default_ssl_context()  # reads every root certificate: once a process is enough


def exchange(
    pool: httpcore2.ConnectionPool,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes = b"",
    max_bytes: int,
) -> Reply:
    """The answer to one request, inside `calling`. Redirects are answers like any other; nothing is tried twice.

    Raises LineFailed, LeaseExpired, AddressRefused, AnswerTooLarge.
    """
    call = _current.get()
    sent = {**{name.lower(): value for name, value in headers.items()}, "accept-encoding": "identity"}
    if content:
        sent["content-length"] = str(len(content))
    timeouts = {"pool": max(0.0, min(call.connect_timeout_s, call.left_s()))}
    try:
        with pool.stream(
            method, url, headers=list(sent.items()), content=content, extensions={"timeout": timeouts}
        ) as response:
            received = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Reply(response.status, received, _body(response, received, max_bytes))
    except httpcore2.TimeoutException as error:
        raise LineFailed(f"no answer in time ({type(error).__name__})", timed_out=True) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
        raise LineFailed(f"the line failed ({type(error).__name__})") from error


def _body(response: httpcore2.Response, headers: Mapping[str, str], max_bytes: int) -> bytes:
    if headers.get("content-encoding", "identity").lower() != "identity":
        # We asked for plain bytes; unpacking others would let a small answer grow without limit.
        raise LineFailed("the answer is compressed though plain bytes were asked for")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > max_bytes:
        raise AnswerTooLarge(f"more than {max_bytes} bytes are announced")
    body = bytearray()
    for piece in response.iter_stream():
        body += piece
        if len(body) > max_bytes:
            raise AnswerTooLarge(f"more than {max_bytes} bytes came")
    return bytes(body)


class _Backend(httpcore2.NetworkBackend):
    """Opens connections: resolves once, asks `permit` about every address, connects to one of exactly these."""

    def __init__(self, permit: Permit | None) -> None:
        self._permit = permit
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        call = _current.get()
        connect_by = min(call.deadline, time.monotonic() + call.connect_timeout_s)
        addresses = _addresses(host, port, _left(connect_by, httpcore2.ConnectTimeout))
        if self._permit is not None:
            for address in addresses:
                if not self._permit(host, port, ip_address(address)):
                    raise AddressRefused("the host leads to an address that is not on the open internet")
        for count, address in enumerate(addresses):
            # A share of the time for each, so that a dead first address leaves some for the next.
            share_s = _left(connect_by, httpcore2.ConnectTimeout) / (len(addresses) - count)
            try:
                stream = self._sockets.connect_tcp(address, port, share_s, local_address, socket_options or ())
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if count == len(addresses) - 1:
                    raise
            else:
                return _Stream(stream, connect_by)
        raise httpcore2.ConnectError("the host has no address")


class _Stream(httpcore2.NetworkStream):
    """A connection that keeps the limits of whichever call uses it just now."""

    def __init__(self, stream: httpcore2.NetworkStream, connect_by: float) -> None:
        self._stream = stream
        self._connect_by = connect_by

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = _current.get()
        left_s = _left(call.deadline, httpcore2.ReadTimeout)
        return self._stream.read(max_bytes, min(left_s, call.read_timeout_s))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        call = _current.get()
        for start in range(0, len(buffer), WRITE_PIECE):
            left_s = _left(call.deadline, httpcore2.WriteTimeout)
            if call.not_after is not None and time.monotonic() >= call.not_after:
                # Between headers and body this leaves half a request, which no server can act on.
                raise LeaseExpired("the lease ended before the carrier was called")
            call.wrote = True
            self._stream.write(buffer[start : start + WRITE_PIECE], min(left_s, call.read_timeout_s))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left_s = _left(self._connect_by, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left_s), self._connect_by)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(instant: float, too_late: type[httpcore2.TimeoutException]) -> float:
    left_s = instant - time.monotonic()
    if left_s <= 0:
        raise too_late("the time for this call is over")
    return left_s


# getaddrinfo takes no timeout: a few threads of the process wait for it, so that no caller has to.
_resolver = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")


def _new_resolver() -> None:
    global _resolver
    _resolver = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")


os.register_at_fork(after_in_child=_new_resolver)  # a forked child inherits the pool but none of its threads


def _addresses(host: str, port: int, timeout_s: float) -> list[str]:
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass  # a name
    looked_up = _resolver.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = looked_up.result(timeout_s)
    except TimeoutError as error:
        looked_up.cancel()
        raise httpcore2.ConnectTimeout("the host's name was not resolved in time") from error
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError("the host's name cannot be resolved") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
