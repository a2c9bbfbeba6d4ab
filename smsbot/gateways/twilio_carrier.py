"""Twilio: sends a text, finds out what became of one, and erases its body there."""

from __future__ import annotations

import json
import logging
import math
import re
import threading
import time
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import httpcore2
from twilio.base import values
from twilio.base.exceptions import TwilioException
from twilio.http.response import Response as TwilioResponse
from twilio.rest import Client

from smsbot.errors import (
    ConfigurationError,
    LeaseExpired,
    OutcomeUnknown,
    PermanentSendFailure,
    SendFailed,
    SmsbotError,
    TemporarySendFailure,
)
from smsbot.gateways.breaker import Breaker, Ticket
from smsbot.gateways.carrier import (
    LARGEST_PAGE,
    LINE_TYPE_TIMEOUT_S,
    TWILIO_API,
    TWILIO_LOOKUPS,
    Accepted,
    CarrierCredentials,
    CarrierMessage,
    OutgoingSms,
)
from smsbot.gateways.carrier_errors import failure_for
from smsbot.gateways.wire import AnswerTooLarge, Call, LineFailed, Reply, calling, exchange, new_pool
from smsbot.settings import CARRIER_CONNECT_TIMEOUT_S, CARRIER_READ_TIMEOUT_S

MAX_CONNECTIONS = 1000  # hundreds of threads send at once; a pool that is too small would make them wait in turn
KEEP_ALIVE = 100
MAX_ANSWER_BYTES = 8_000_000  # a full page of 1,000 messages is about 2 MB
CLIENTS_PER_THREAD = 64
BREAKERS = 4096
LONGEST_RETRY_AFTER_S = 3600.0
NOT_FOUND = 404
OUR_HOSTS = (TWILIO_API, TWILIO_LOOKUPS)  # nothing else is ever given credentials
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
NO_WORD = ("", "unknown")  # https://www.twilio.com/docs/lookup/v2-api/line-type-intelligence

T = TypeVar("T")


class TwilioGateway:
    """Twilio through its own library, over connections that all threads share and limits that the library lacks.

    Clients are kept per thread, account, token and address: the library passes an answer through a field of its
    HTTP client. A circuit breaker per account, address and service stops calls to a carrier that does not answer.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        connect_timeout_s: float = CARRIER_CONNECT_TIMEOUT_S,
        read_timeout_s: float = CARRIER_READ_TIMEOUT_S,
    ) -> None:
        for name in ("twilio.http_client", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)  # below it they write addresses with phone numbers
        self._pool = new_pool(max_connections=MAX_CONNECTIONS, keep_alive=KEEP_ALIVE)
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._breakers: OrderedDict[tuple[str, str | None, str], Breaker] = OrderedDict()
        self._breakers_lock = threading.Lock()
        self._local = threading.local()

    def send(self, credentials: CarrierCredentials, sms: OutgoingSms, *, not_after: float) -> Accepted:
        if sms.sender is None and sms.messaging_service_sid is None:
            raise ConfigurationError("a text needs a sender: set the number or its Messaging Service")
        client = self._client(credentials)
        breaker = self._breaker(credentials)
        ticket = _admitted(breaker)
        try:
            accepted = self._create(client, sms, not_after)
        except LeaseExpired:
            breaker.withdrawn(ticket)
            raise
        except SendFailed as error:
            _report(breaker, ticket, error)
            raise
        except BaseException:
            breaker.withdrawn(ticket)
            raise
        breaker.succeeded(ticket)
        return accepted

    def messages_to(self, credentials: CarrierCredentials, number: str, limit: int = 50) -> list[CarrierMessage]:
        # By To alone: From is null until a service has chosen a sender, and DateSent until the text has left, so
        # either filter can hide the very message that is looked for.
        return self._look_up(
            credentials,
            lambda client: [
                _carrier_message(found)
                for found in client.messages.list(to=number, limit=limit, page_size=min(limit, LARGEST_PAGE))
            ],
        )

    def messages_received(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = LARGEST_PAGE
    ) -> list[CarrierMessage]:
        found = self._since(credentials, since, limit, to=number)
        return [message for message in found if message.direction == "inbound"]

    def messages_sent(
        self, credentials: CarrierCredentials, number: str, since: datetime, limit: int = LARGEST_PAGE
    ) -> list[CarrierMessage]:
        found = self._since(credentials, since, limit, from_=number)
        return [message for message in found if message.direction == "outbound"]

    def _since(
        self, credentials: CarrierCredentials, since: datetime, limit: int, **filters: str
    ) -> list[CarrierMessage]:
        """The messages that fit `filters`, none older than `since`."""
        # A second of slack, then our own comparison: whether the filter includes its bound is not documented.
        first = since.astimezone(UTC).replace(microsecond=0)  # the carrier's times have whole seconds
        after = first - timedelta(seconds=1)
        found = self._look_up(
            credentials,
            lambda client: [
                _carrier_message(message)
                for message in client.messages.list(
                    date_sent_after=after, limit=limit, page_size=min(limit, LARGEST_PAGE), **filters
                )
            ],
        )
        return [message for message in found if message.created_at >= first]

    def fetch(self, credentials: CarrierCredentials, provider_sid: str) -> CarrierMessage | None:
        def fetched(client: Any) -> CarrierMessage | None:
            try:
                return _carrier_message(client.messages(provider_sid).fetch())
            except _Refusal as refusal:
                if refusal.status == NOT_FOUND:
                    return None
                raise

        return self._look_up(credentials, fetched)

    def redact(self, credentials: CarrierCredentials, provider_sid: str) -> None:
        self._look_up(credentials, lambda client: client.messages(provider_sid).update(body=""))

    def line_type(
        self, credentials: CarrierCredentials, number: str, *, within_s: float = LINE_TYPE_TIMEOUT_S
    ) -> str | None:
        if not E164.fullmatch(number):
            return None  # the library puts it into the address as it is

        def asked(client: Any) -> str | None:
            try:
                found = client.lookups.v2.phone_numbers(number).fetch(fields="line_type_intelligence")
            except _Refusal as refusal:
                if refusal.status == NOT_FOUND:
                    return None
                raise
            said = found.line_type_intelligence
            word = said.get("type") if isinstance(said, dict) else None
            return word if isinstance(word, str) and word.casefold() not in NO_WORD else None

        # A breaker of its own: texts need not wait because a look-up beside them does not answer.
        return self._look_up(credentials, asked, host=TWILIO_LOOKUPS, within_s=within_s)

    def _create(self, client: Any, sms: OutgoingSms, not_after: float) -> Accepted:
        if time.monotonic() >= not_after:
            raise LeaseExpired("the lease ended before the carrier was called")
        with calling(self._limits(not_after)) as call:
            try:
                message = client.messages.create(
                    to=sms.to,
                    body=sms.body,
                    from_=values.unset if sms.sender is None else sms.sender,
                    messaging_service_sid=(
                        values.unset if sms.messaging_service_sid is None else sms.messaging_service_sid
                    ),
                    status_callback=sms.status_callback,
                    validity_period=sms.validity_period_s,
                )
            except _Refusal as refusal:
                # Without the cause: Twilio's text repeats the number, and a traceback is a log line.
                raise failure_for(refusal.status, refusal.code, refusal.retry_after_s) from None
            except LineFailed as error:
                # Whether a byte left decides, not the kind of error: a refused connection, a name that does not
                # resolve and a failed handshake are safe to repeat, a line that broke afterwards is not.
                if not call.wrote:
                    raise TemporarySendFailure(f"the carrier was not reached: {error}") from error
                raise OutcomeUnknown(f"the carrier was called: {error}") from error
            except (AnswerTooLarge, _Unreadable, *_UNREADABLE) as error:
                if not call.wrote:  # a lone surrogate, for one
                    raise PermanentSendFailure(
                        f"no request can be made of this text ({type(error).__name__})"
                    ) from None
                raise OutcomeUnknown(f"the carrier's answer is unreadable ({type(error).__name__})") from None
        if not isinstance(message.sid, str) or not message.sid:
            raise OutcomeUnknown("the carrier accepted without naming the message")
        return Accepted(message.sid, str(message.status), _positive(message.num_segments))

    def _look_up(
        self,
        credentials: CarrierCredentials,
        question: Callable[[Any], T],
        *,
        host: str = TWILIO_API,
        within_s: float | None = None,
    ) -> T:
        """The answer to something that may be asked again: whatever is not a refusal is temporary."""
        client = self._client(credentials)
        breaker = self._breaker(credentials, host)
        ticket = _admitted(breaker)
        try:
            with calling(self._limits(within_s=within_s)):
                answer = question(client)
        except _Refusal as refusal:
            failure = failure_for(refusal.status, refusal.code, refusal.retry_after_s)
            _report(breaker, ticket, failure)
            if isinstance(failure, OutcomeUnknown):
                raise TemporarySendFailure(str(failure), failure.code) from None
            raise failure from None
        except LineFailed as error:
            breaker.failed(ticket)
            raise TemporarySendFailure(f"the carrier's list is out of reach: {error}") from error
        except (AnswerTooLarge, _Unreadable, *_UNREADABLE) as error:
            breaker.failed(ticket)
            raise TemporarySendFailure(f"the carrier's list is unreadable ({type(error).__name__})") from None
        except BaseException:
            breaker.withdrawn(ticket)
            raise
        breaker.succeeded(ticket)
        return answer

    def _limits(self, not_after: float | None = None, within_s: float | None = None) -> Call:
        longest_s = self._connect_timeout_s + self._read_timeout_s
        deadline = time.monotonic() + (longest_s if within_s is None else min(within_s, longest_s))
        return Call(deadline, self._connect_timeout_s, self._read_timeout_s, not_after)

    def _client(self, credentials: CarrierCredentials) -> Any:
        if not credentials.account_sid or not credentials.auth_token:
            raise ConfigurationError("this tenant has no carrier credentials: set its account SID and auth token")
        key = (credentials.account_sid, credentials.auth_token, credentials.base_url)
        clients: OrderedDict[tuple[str, str, str | None], Any] | None = getattr(self._local, "clients", None)
        if clients is None:
            clients = self._local.clients = OrderedDict()
        if key not in clients:
            clients[key] = Client(
                credentials.account_sid,
                credentials.auth_token,
                http_client=_TwilioHttp(self._pool, _stand_in(credentials.base_url)),
                environment={"TWILIO_EDGE": ""},  # not empty, else the library reads the machine's variables
            )
            if len(clients) > CLIENTS_PER_THREAD:
                clients.popitem(last=False)
        clients.move_to_end(key)
        return clients[key]

    def _breaker(self, credentials: CarrierCredentials, host: str = TWILIO_API) -> Breaker:
        key = (credentials.account_sid, credentials.base_url, host)
        with self._breakers_lock:
            breaker = self._breakers.setdefault(key, Breaker(self._clock))
            self._breakers.move_to_end(key)
            if len(self._breakers) > BREAKERS:
                self._breakers.popitem(last=False)
            return breaker


class _Refusal(SmsbotError):
    """An answer that is not 2xx."""

    def __init__(self, status: int, code: int | None, retry_after_s: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.code, self.retry_after_s = status, code, retry_after_s


class _Unreadable(SmsbotError):
    """A 2xx answer that is not what the API promises."""


# What the library lets through when an answer has another shape than it expects.
_UNREADABLE = (TwilioException, ValueError, TypeError, AttributeError, LookupError)


class _TwilioHttp:
    """The HTTP client that twilio-python is given. Answers other than 2xx never reach the library.

    `stand_in` takes the place of every host of the carrier's that we call; None leaves each its own address.
    The library has two classes for them, and a third way for lists that loses the status.
    """

    is_async = False

    def __init__(self, pool: httpcore2.ConnectionPool, stand_in: str | None) -> None:
        self._pool = pool
        self._stand_in = stand_in

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:
        host = next((one for one in OUR_HOSTS if url.startswith(one + "/")), None)
        if host is None:
            raise ConfigurationError("credentials are only sent to the carrier's own addresses")
        target = (self._stand_in or host) + url.removeprefix(host)
        if params:
            target += ("&" if "?" in target else "?") + urlencode(params, doseq=True)
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = "Basic " + b64encode(":".join(auth).encode()).decode("ascii")
        content = urlencode(data or {}, doseq=True).encode("ascii")
        reply = exchange(self._pool, method, target, headers=sent, content=content, max_bytes=MAX_ANSWER_BYTES)
        text = reply.body.decode("utf-8", errors="replace")
        if not 200 <= reply.status < 300:
            raise _Refusal(reply.status, _code_in(text, reply.status), _retry_after_s(reply))
        if not isinstance(_json(text), dict):
            raise _Unreadable("the answer is not a JSON object")
        return TwilioResponse(reply.status, text, dict(reply.headers))


def _admitted(breaker: Breaker) -> Ticket:
    ticket = breaker.admit()
    if ticket is None:
        raise TemporarySendFailure(
            "the carrier has not been answering and is left alone for a moment",
            retry_after_s=breaker.retry_after_s(),
        )
    return ticket


def _report(breaker: Breaker, ticket: Ticket, failure: SendFailed) -> None:
    """A refusal is an answer, a throttle too: only silence and a broken answer count against the carrier."""
    answered = isinstance(failure, PermanentSendFailure) or (
        isinstance(failure, TemporarySendFailure) and failure.code is not None
    )
    if answered:
        breaker.succeeded(ticket)
    else:
        breaker.failed(ticket)


def _stand_in(base_url: str | None) -> str | None:
    if base_url is None:
        return None
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ConfigurationError("TWILIO_API_URL must look like https://host or http://host:port")
    return base_url.rstrip("/")


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _code_in(text: str, status: int) -> int | None:
    """The carrier's error code in a refusal (plain or RFC 9457), or None."""
    payload = _json(text)
    code = payload.get("code") if isinstance(payload, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) and code != status else None


def _retry_after_s(reply: Reply) -> float | None:
    """Seconds to wait by the Retry-After header (RFC 9110 10.2.3: seconds or a date), 0 to an hour."""
    header = reply.headers.get("retry-after", "").strip()
    try:
        wait_s = float(header)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(header).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return None
    if math.isnan(wait_s):
        return None
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S)


def _carrier_message(found: Any) -> CarrierMessage:
    if not isinstance(found.sid, str) or not isinstance(found.date_created, datetime):
        # Leaving it out would say that it does not exist, and it would be sent again.
        raise _Unreadable("a listed message has no id or no date")
    return CarrierMessage(
        provider_sid=found.sid,
        direction="inbound" if found.direction == "inbound" else "outbound",
        from_=found.from_ or None,
        to=found.to or None,
        body=found.body or "",
        status=str(found.status),
        error_code=found.error_code if isinstance(found.error_code, int) else None,
        created_at=found.date_created,
        messaging_service_sid=found.messaging_service_sid or None,
    )


def _positive(text: object) -> int | None:
    count = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0
    return count or None
