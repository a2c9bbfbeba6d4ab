"""A carrier's webhooks, sent with as little effort as possible: raw sockets, requests made and signed beforehand.

`python -m bench.client` reads one job as JSON and writes one result as JSON. It imports nothing but the standard
library, so that what it costs the machine stays small beside what is measured.
"""

from __future__ import annotations

import base64
import hmac
import json
import resource
import selectors
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

AREAS = (205, 212, 213, 214, 303, 305, 312, 404, 415, 503, 512, 602, 617, 702, 713, 801)
TEXTS = (  # each with a number of its own, so that nothing is quick because it was read before
    "Hi, are you open on Saturday? My file is {}",
    "Is {} Maple still available? I could come by tomorrow after work.",
    "What time do you close today? This is about {}",
    "Where are you located? I am at {} Oak Street",
    "Hello, I saw listing {} online and I would like to know more about it. Do you have something with three "
    "bedrooms and a garage?",
    "How much is number {}?",
)
PIECE = 65536
TOO_LONG_S = 20.0  # an answer that takes longer is none


@dataclass(frozen=True)
class Job:
    """What one client does. `rate` is requests a second at fixed times; None sends the next when one is answered.

    `senders` is how many people write in turn, counted from `first_sender`. `begin_at` is monotonic, the same clock in
    all processes of a machine; None begins when everything is made.
    """

    url: str
    account: str
    token: str
    number: str
    requests: int
    lines: int
    first_sender: int
    senders: int
    sid_prefix: str  # 8 hex digits
    rate: float | None = None
    begin_at: float | None = None


@dataclass
class Result:
    """Milliseconds of each answered request, in the order of the answers; from its planned time where there is a rate.

    `sent` maps the sender to the monotonic time its first request was written.
    """

    milliseconds: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_s: float = 0.0
    began: float = 0.0
    sent: dict[str, float] = field(default_factory=dict)


def sender(place: int) -> str:
    """The number of the person with this place: 555 numbers of several areas."""
    area, line = divmod(place, 10_000)
    return f"+1{AREAS[area % len(AREAS)]}555{line:04d}"


def signature(token: str, url: str, form: Sequence[tuple[str, str]]) -> str:
    """https://www.twilio.com/docs/usage/webhooks/webhooks-security"""
    text = url + "".join(name + value for name, value in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def request_bytes(job: Job, place: int) -> tuple[str, bytes]:
    """The sender and the whole request of one text."""
    person = sender(job.first_sender + place % job.senders)
    form = [
        ("ToCountry", "US"),
        ("ToState", "IL"),
        ("SmsMessageSid", f"SM{job.sid_prefix}{place:024x}"),
        ("NumMedia", "0"),
        ("ToCity", "CHICAGO"),
        ("FromZip", "60614"),
        ("SmsSid", f"SM{job.sid_prefix}{place:024x}"),
        ("FromState", "IL"),
        ("SmsStatus", "received"),
        ("FromCity", "CHICAGO"),
        ("Body", TEXTS[place % len(TEXTS)].format(place)),
        ("FromCountry", "US"),
        ("To", job.number),
        ("ToZip", "60614"),
        ("NumSegments", "1"),
        ("MessageSid", f"SM{job.sid_prefix}{place:024x}"),
        ("AccountSid", job.account),
        ("From", person),
        ("ApiVersion", "2010-04-01"),
    ]
    parts = urlsplit(job.url)
    body = urlencode(form).encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nX-Twilio-Signature: {signature(job.token, job.url, form)}\r\n"
        "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n\r\n"
    )
    return person, head.encode() + body


class Line:
    """One kept connection with at most one request on it."""

    def __init__(self, address: tuple[str, int], selector: selectors.BaseSelector) -> None:
        self.address, self.selector = address, selector
        self.socket: socket.socket | None = None
        self.request = b""
        self.since = 0.0
        self.received = b""
        self.fresh = False

    def send(self, request: bytes, since: float) -> None:
        self.request, self.since, self.received = request, since, b""
        try:
            if self.socket is None:
                self._open()
            assert self.socket is not None
            self.socket.sendall(request)
        except OSError:  # the server closed it between two requests
            self.close()
            self._open()
            assert self.socket is not None
            self.socket.sendall(request)

    def read(self) -> int | None:
        """The status once the whole answer is here; -1 when the line was lost with a part of it."""
        assert self.socket is not None
        try:
            piece = self.socket.recv(PIECE)
        except OSError:
            piece = b""
        if not piece:
            untouched = not self.received and not self.fresh
            self.close()
            if untouched:  # an idle line that the server closed as we wrote: nothing was answered, and SIDs repeat
                self.send(self.request, self.since)
                return None
            return -1
        self.received += piece
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self.fresh = False
        if b"connection: close" in lower:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        if self.socket is not None:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def _open(self) -> None:
        self.socket = socket.create_connection(self.address, timeout=TOO_LONG_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(self.socket, selectors.EVENT_READ, self)
        self.fresh = True


class _Run:
    def __init__(self, job: Job) -> None:
        self.job = job
        parts = urlsplit(job.url)
        assert parts.hostname and parts.port
        self.selector = selectors.DefaultSelector()
        self.idle = deque(Line((parts.hostname, parts.port), self.selector) for _ in range(job.lines))
        self.made: Iterator[tuple[str, bytes]] = iter([request_bytes(job, place) for place in range(job.requests)])
        self.statuses: Counter[str] = Counter()
        self.result = Result()

    def run(self) -> Result:
        job, result = self.job, self.result
        if job.begin_at is not None:
            time.sleep(max(0.0, job.begin_at - time.monotonic()))
        used = _own_cpu_s()
        result.began = began = time.monotonic()
        planned = answered = 0
        deadline = began + TOO_LONG_S + (job.requests / job.rate if job.rate else job.requests * 0.1)
        while answered < job.requests and time.monotonic() < deadline:
            now = time.monotonic()
            while planned < job.requests and self.idle:
                due = began + planned / job.rate if job.rate else now
                if due > now:
                    break
                self._send(due)
                planned += 1
            pause = 1.0
            if job.rate and planned < job.requests and self.idle:
                pause = max(0.0, began + planned / job.rate - time.monotonic())
            answered += self._collect(pause)
        result.seconds = time.monotonic() - began
        result.cpu_s = _own_cpu_s() - used
        result.statuses = dict(self.statuses)
        for key in list(self.selector.get_map().values()):
            key.data.close()
        return result

    def _send(self, due: float) -> None:
        person, request = next(self.made)
        self.result.sent.setdefault(person, time.monotonic())
        self.idle.popleft().send(request, due)

    def _collect(self, pause: float) -> int:
        count = 0
        for key, _ in self.selector.select(pause):
            line: Line = key.data
            status = line.read()
            if status is None:
                continue
            count += 1
            self.statuses[str(status)] += 1
            self.result.milliseconds.append((time.monotonic() - line.since) * 1000)
            self.idle.append(line)
        return count


def send(job: Job) -> Result:
    """Do the job in this process."""
    return _Run(job).run()


def _own_cpu_s() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


def main() -> int:
    asked: dict[str, Any] = json.load(sys.stdin)
    json.dump(asdict(send(Job(**asked))), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
