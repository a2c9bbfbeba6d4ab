"""Calls to the customer's program as Twilio makes them: signed, without the fragment, retried as the fragment says.

https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit

from simulator.accounts import Account, SharedKey
from simulator.signing import signature_headers, signed_url
from simulator.wire import LOOPBACK, NoAnswer, NoConnection, Reply, exchange

BACKOFF_S = 0.1  # doubled with each retry
CONNECT_MS, READ_MS, TOTAL_MS = range(100, 10_001), range(100, 15_001), range(100, 15_001)
RETRIES = range(6)

Form = Sequence[tuple[str, str]]
Signer = Account | SharedKey | str | None


@dataclass(frozen=True)
class Policy:
    """How often and on what a call is repeated, and its time limits in seconds; `total_s` covers all attempts."""

    retries: int = 1
    on: frozenset[str] = frozenset({"ct"})
    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 15.0


@dataclass(frozen=True)
class Attempt:
    """One call. `status` is 0 without an answer; `failure` is ct, rt, 4xx, 5xx or None; times are monotonic.

    `url` and `headers` are what was sent, the signature among them.
    """

    status: int
    failure: str | None
    sent: float
    answered: float
    reply: Reply | None = None
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def policy_in(url: str) -> Policy:
    """The policy that the URL's fragment asks for; what is missing or out of range is Twilio's default."""
    asked = dict(parse_qsl(urlsplit(url).fragment))
    usual = Policy()
    retries = asked.get("rc", "")
    return Policy(
        retries=int(retries) if retries.isdecimal() and int(retries) in RETRIES else usual.retries,
        on=frozenset(asked["rp"].split(",")) if asked.get("rp") else usual.on,
        connect_s=_seconds(asked.get("ct", ""), CONNECT_MS, usual.connect_s),
        read_s=_seconds(asked.get("rt", ""), READ_MS, usual.read_s),
        total_s=_seconds(asked.get("tt", ""), TOTAL_MS, usual.total_s),
    )


def retry_after_s(policy: Policy, attempts: int, elapsed_s: float, failure: str | None) -> float | None:
    """Seconds until the next attempt after `attempts` made, or None when there is none."""
    if failure is None or attempts > policy.retries or not policy.on & {failure, "all"}:
        return None
    pause = BACKOFF_S * 2 ** (attempts - 1)
    return pause if elapsed_s + pause < policy.total_s else None


def _seconds(written: str, allowed: range, usual: float) -> float:
    return int(written) / 1000 if written.isdecimal() and int(written) in allowed else usual


class Caller:
    """Calls the program under test at `target`. What is addressed to `public_url` goes there too, and is signed as
    addressed; nothing ever goes to another machine."""

    def __init__(self, target: str, public_url: str | None = None) -> None:
        if urlsplit(target).hostname not in LOOPBACK or urlsplit(target).scheme != "http":
            raise ValueError("target: an http address on loopback is needed, such as http://127.0.0.1:8000")
        self.target = target.rstrip("/")
        self.public_url = (public_url or target).rstrip("/")

    def url(self, path: str) -> str:
        """The public address of a path of the program."""
        return self.public_url + path

    def route(self, url: str) -> str | None:
        """Where a call to `url` is really sent, or None when that would leave this machine."""
        url = signed_url(url)
        for base in (self.public_url, self.target):
            if url == base or url.startswith((f"{base}/", f"{base}?")):
                return self.target + url[len(base) :]
        parts = urlsplit(url)
        return url if parts.hostname in LOOPBACK and parts.scheme == "http" else None

    def attempt(
        self,
        url: str,
        form: Form,
        signer: Signer,
        policy: Policy,
        *,
        token: str,
        left_s: float,
        method: str = "POST",
        headers: Iterable[tuple[str, str]] = (),
    ) -> Attempt:
        """One call; `token` stays the same when it is repeated; `signer` None sends no signature at all."""
        body = urlencode(form, errors="surrogatepass")
        if method == "GET":
            url, form, body = f"{signed_url(url)}{'&' if '?' in url else '?'}{body}", (), ""
        every = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
            "X-Home-Region": "us1",
            "Accept": "*/*",
        }
        if signer is not None:
            every |= signature_headers(signer, url, form)
        every |= dict(headers)
        sent = time.monotonic()
        made = partial(Attempt, url=signed_url(url), headers=tuple(every.items()))
        route = self.route(url)
        if route is None:
            return made(0, None, sent, sent)
        connect_s, read_s = min(policy.connect_s, left_s), min(policy.read_s, left_s)
        host = urlsplit(signed_url(url)).netloc
        try:
            reply = exchange(method, route, every, body.encode(), connect_s=connect_s, read_s=read_s, host=host)
        except NoConnection:
            return made(0, "ct", sent, time.monotonic())
        except NoAnswer:
            return made(0, "rt", sent, time.monotonic())
        failure = f"{reply.status // 100}xx" if reply.status >= 400 else None
        return made(reply.status, failure, sent, time.monotonic(), reply)

    def deliver(
        self,
        url: str,
        form: Form,
        signer: Signer,
        policy: Policy,
        *,
        method: str = "POST",
        headers: Iterable[tuple[str, str]] = (),
    ) -> list[Attempt]:
        """All attempts at one call, one after the other, here and now."""
        token, began = str(uuid.uuid4()), time.monotonic()
        attempts: list[Attempt] = []
        while True:
            left_s = max(0.1, policy.total_s - (time.monotonic() - began))
            attempts.append(
                self.attempt(url, form, signer, policy, token=token, left_s=left_s, method=method, headers=headers)
            )
            pause = retry_after_s(policy, len(attempts), time.monotonic() - began, attempts[-1].failure)
            if pause is None:
                return attempts
            time.sleep(pause)
