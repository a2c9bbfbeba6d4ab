"""Twilio's REST API for messages, media and look-ups of numbers, as the stand-in carrier speaks it, faults included.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode

from simulator.accounts import Account, e164
from simulator.carrier import Carrier
from simulator.exchanges import Exchange, Kind
from simulator.faults import CarrierFault
from simulator.lookups import resource as lookup_resource
from simulator.messages import API_VERSION, Message, media_resource, resource
from simulator.refusals import Create, Refusal, create_from
from simulator.wire import Answer, Cut, Request, json_answer

PATH = re.compile(
    rf"/{API_VERSION}/Accounts/(?P<account>AC[0-9a-fA-F]{{32}})/Messages"
    r"(?:/(?P<message>(?:SM|MM)[0-9a-fA-F]{32})(?P<list>/Media(?:/(?P<media>ME[0-9a-fA-F]{32}))?)?)?(?P<json>\.json)?"
)
STORAGE = "/storage/"
LOOKUPS = "/v2/PhoneNumbers/"  # at Twilio on a host of its own
PAGE_SIZE, PAGE_LIMIT = 50, 1000
HTML_503 = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>try again later</body></html>"
GARBAGE = b'{"sid": "SM'  # cut off in the middle

Headers = tuple[tuple[str, str], ...]


class CarrierAPI:
    """Answers what a customer's program asks. `wait` sleeps, and returns early when the simulator stops."""

    def __init__(self, carrier: Carrier, wait: Callable[[float], object]) -> None:
        self._carrier = carrier
        self._wait = wait
        self._lock = threading.Lock()
        self._inside = 0

    def answer(self, request: Request) -> Answer:
        """The answer to one request under /2010-04-01/ or LOOKUPS, with Twilio's own headers. Raises Cut for a lost line."""
        with self._lock:
            self._inside += 1
            inside = self._inside
        try:
            answer = self._routed(request)
        finally:
            with self._lock:
                self._inside -= 1
        own = (
            ("Twilio-Request-Id", self._carrier.new_sid("RQ")),
            ("Twilio-Request-Duration", f"{time.monotonic() - request.received:.3f}"),
            ("Twilio-Concurrent-Requests", str(inside)),
            ("X-Home-Region", "us1"),
            ("X-API-Domain", "api.twilio.com"),
        )
        return Answer(answer.status, answer.body, answer.headers + own, cut=answer.cut)

    def storage(self, request: Request) -> Answer:
        """A media file. Needs no password, and tells the journal when somebody offers one."""
        media = self._carrier.stored(request.path.removeprefix(STORAGE))
        self._carrier.journal.add("storage", {"credentials_offered": "authorization" in request.headers})
        if media is None:
            return Answer(404)
        return Answer(200, media.content, (("Content-Type", media.content_type),))

    def _routed(self, request: Request) -> Answer:
        if request.path.startswith(LOOKUPS):
            return self._lookup(request)
        place = PATH.fullmatch(unquote(request.path))
        account = self._account(request, place["account"] if place else None)
        if account is None:
            return _refused(Refusal(20003), (("WWW-Authenticate", 'Basic realm="Twilio API"'),))
        if place is None or not (place["json"] or place["media"]):
            return _refused(Refusal(20404))
        if place["message"] is None:
            match request.method:
                case "POST":
                    return self._create(account, request)
                case "GET":
                    return self._read(lambda: self._list(account, request))
            return _refused(Refusal(20004))
        message = self._carrier.message(account.sid, place["message"])
        if message is None:
            return _refused(Refusal(20404))
        if place["list"]:
            return self._media(request, message, place["media"], bool(place["json"]))
        return self._message(request, message)

    def _account(self, request: Request, sid: str | None) -> Account | None:
        scheme, _, code = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(code, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        account = self._carrier.accounts.get(user)
        if scheme.lower() != "basic" or account is None or sid not in (None, user):
            return None
        tokens = (account.token, account.secondary_token or account.token)
        known = [hmac.compare_digest(password.encode(), token.encode()) for token in tokens]
        return account if any(known) else None

    # --- create: the one place where things go wrong on purpose -----------------------------------------------------

    def _create(self, account: Account, request: Request) -> Answer:
        carrier = self._carrier
        form = request.form()
        asked = create_from(form)
        exchange = Exchange(
            Kind.REQUEST, None, account.sid, e164(asked.to) or asked.to, request.method,
            f"{carrier.base_url}{request.target}", tuple(request.headers.items()), tuple(form),
        )  # fmt: skip
        carrier.exchanges.begin(exchange, began=request.received)
        number = carrier.requested(account, asked, request.received)
        fault = carrier.next_fault()
        if fault:
            carrier.journal.add("fault", {"request": number, "fault": fault.value})
        note = fault.value if fault else None
        try:
            answer = self._decided(account, asked, number, fault, exchange)
        except Cut:
            carrier.exchanges.end(exchange, 0, note=note)
            raise
        carrier.exchanges.end(exchange, answer.status, headers=answer.headers, answer=answer.body, note=note)
        return answer

    def _decided(
        self, account: Account, asked: Create, number: int, fault: CarrierFault | None, exchange: Exchange
    ) -> Answer:
        carrier = self._carrier
        self._wait(carrier.latency_s())
        match fault:
            case CarrierFault.TOO_MANY_REQUESTS:
                after = carrier.faults.retry_after_s
                return _refused(Refusal(20429), () if after is None else (("Retry-After", f"{after:g}"),))
            case CarrierFault.SERVER_ERROR:
                return _refused(Refusal(20500))
            case CarrierFault.UNAVAILABLE_HTML:
                return Answer(503, HTML_503, (("Content-Type", "text/html"),))
            case CarrierFault.RESET_BEFORE_ACCEPT:
                raise Cut
            case CarrierFault.SLOW:
                self._wait(carrier.slow_s())
        outcome = carrier.accept(account, asked, number)
        if isinstance(outcome, Refusal):
            return _refused(outcome)
        exchange.sid = outcome.sid
        return self._created(outcome, fault)

    def _created(self, message: Message, fault: CarrierFault | None) -> Answer:
        """The answer for a message that exists by now."""
        created = resource(message)
        match fault:
            case CarrierFault.ACCEPT_THEN_RESET:
                raise Cut
            case CarrierFault.ACCEPT_THEN_500:
                return _refused(Refusal(20500))
            case CarrierFault.ACCEPT_THEN_GARBAGE:
                return Answer(201, GARBAGE, (("Content-Type", "application/json"),))
            case CarrierFault.ACCEPT_THEN_SLOW:
                self._wait(self._carrier.slow_s())
            case CarrierFault.ACCEPT_WITHOUT_SID:
                del created["sid"]
        return json_answer(201, created)

    # --- reading and changing -----------------------------------------------------------------------------------------

    def _lookup(self, request: Request) -> Answer:
        """What kind of line a number is; fails when reads fail."""
        if self._account(request, None) is None:
            return _refused(Refusal(20003), (("WWW-Authenticate", 'Basic realm="Twilio API"'),))
        written = unquote(request.path.removeprefix(LOOKUPS))
        if request.method != "GET" or "/" in written or not written:
            return _refused(Refusal(20404))
        set_to = self._carrier.line_type(e164(written) or written)
        fields = request.query().get("Fields", "")
        return self._read(lambda: json_answer(200, lookup_resource(written, fields, set_to)))

    def _read(self, read: Callable[[], Answer]) -> Answer:
        self._carrier.journal.add("read", {})
        return _refused(Refusal(20500)) if self._carrier.read_fails() else read()

    def _message(self, request: Request, message: Message) -> Answer:
        match request.method:
            case "GET":
                return self._read(lambda: json_answer(200, resource(message)))
            case "DELETE":
                refusal = self._carrier.delete(message)
                return _refused(refusal) if refusal else Answer(204)
            case "POST":
                return self._changed(dict(request.form()), message)
        return _refused(Refusal(20004))

    def _changed(self, form: dict[str, str], message: Message) -> Answer:
        refusal = None
        if form.get("Status") == "canceled":
            refusal = self._carrier.cancel(message)
        elif form.get("Body") == "":
            self._carrier.redact(message)
        else:
            refusal = Refusal(20001)  # a text can be emptied, never rewritten
        return _refused(refusal) if refusal else json_answer(200, resource(message))

    def _media(self, request: Request, message: Message, sid: str | None, as_json: bool) -> Answer:
        if sid is None:
            whole = [media_resource(message, one) for one in message.media]
            return json_answer(
                200, _page("media_list", whole, request, f"{message.path}/Media.json", 0, len(whole), None)
            )
        media = next((one for one in message.media if one.sid == sid), None)
        if media is None:
            return _refused(Refusal(20404))
        if request.method == "DELETE":
            self._carrier.delete_media(message, media)
            return Answer(204)
        if as_json:
            return json_answer(200, media_resource(message, media))
        where = media.redirect or media.url or f"{self._carrier.base_url}{STORAGE}{media.sid}"
        return Answer(307, headers=(("Location", where),))

    def _list(self, account: Account, request: Request) -> Answer:
        query = request.query()
        try:
            size = min(max(int(query.get("PageSize", PAGE_SIZE)), 1), PAGE_LIMIT)
            page, before = int(query.get("Page", 0)), int(query.get("PageToken", "PA0")[2:], 16) or None
            fits = [
                _sent_filter(query[name], name[8:]) for name in ("DateSent", "DateSent<", "DateSent>") if name in query
            ]
        except ValueError:
            return _refused(Refusal(20001))
        to, sender = _filter(query.get("To")), _filter(query.get("From"))
        person = next((one for one in (to, sender) if one and one not in account.numbers), None)
        found = [
            message
            for message in self._carrier.listed(account.sid, person)
            if (to is None or message.recipient == to)
            and (sender is None or message.sender == sender)
            and all(fit(message.sent) for fit in fits)
            and (before is None or message.order < before)
        ]
        shown = found[:size]
        token = f"PA{shown[-1].order:032x}" if len(found) > size else None
        path = f"/{API_VERSION}/Accounts/{account.sid}/Messages.json"
        return json_answer(200, _page("messages", [resource(one) for one in shown], request, path, page, size, token))


def _filter(written: str | None) -> str | None:
    return None if not written else e164(written) or written


def _sent_filter(written: str, side: str) -> Callable[[datetime | None], bool]:
    """Whether a date fits DateSent, DateSent< or DateSent>, both ends included; what is not sent yet never fits.
    Raises ValueError for what is no date."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", written):
        day = datetime.fromisoformat(f"{written}T00:00:00+00:00").date()
        match side:
            case "<":
                return lambda sent: sent is not None and sent.date() <= day
            case ">":
                return lambda sent: sent is not None and sent.date() >= day
        return lambda sent: sent is not None and sent.date() == day
    at = datetime.fromisoformat(written if written[-1:] == "Z" or "+" in written else f"{written}Z")
    match side:
        case "<":
            return lambda sent: sent is not None and sent.replace(microsecond=0) <= at
        case ">":
            return lambda sent: sent is not None and sent.replace(microsecond=0) >= at
    return lambda sent: sent is not None and sent.date() == at.date()


def _page(
    key: str, items: list[Any], request: Request, path: str, page: int, size: int, token: str | None
) -> dict[str, Any]:
    filters = {name: value for name, value in request.query().items() if not name.startswith("Page")}

    def uri(index: int, after: str | None) -> str:
        paging = {"PageSize": str(size), "Page": str(index)} | ({"PageToken": after} if after else {})
        return f"{path}?{urlencode(filters | paging, quote_via=quote)}"

    start = page * size
    return {
        "first_page_uri": uri(0, None),
        "end": max(start + len(items) - 1, 0),
        "previous_page_uri": uri(page - 1, None) if page == 1 else None,
        key: items,
        "uri": f"{path}?{request.target.partition('?')[2]}".rstrip("?"),
        "page_size": size,
        "start": start,
        "next_page_uri": uri(page + 1, token) if token else None,
        "page": page,
    }


def _refused(refusal: Refusal, headers: Headers = ()) -> Answer:
    return json_answer(refusal.status, refusal.body(), headers)
