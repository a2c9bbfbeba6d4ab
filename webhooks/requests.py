"""What every carrier route does first: read the form as it was sent, find whose signature it is, check its shape.

Nothing of a request means anything before its signature has verified, and whoever cannot sign learns only that: what
cannot be verified is 403 whatever else is wrong with it, and leaves one counter behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn
from urllib.parse import parse_qsl
from uuid import UUID

from flask import Request, Response, current_app
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from werkzeug.exceptions import HTTPException

from conversations.accepting import Accepting
from smsbot.accounts import Candidate, Recipient, SharedLookUps
from smsbot.database import PLATFORM
from smsbot.phone import address
from smsbot.runtime import Runtime
from smsbot.signatures import SETTINGS_HEADER, SIGNATURE_HEADER, SignedRequest, public_request_url, signature_valid
from smsbot.tenancy import Rejection
from smsbot.texts import cleaned

LARGEST_BODY = 64 * 1024
MOST_FIELDS = 200
MOST_READ = 1_000  # fields: with more nobody gets as far as a signature, because reading them is what costs
FORM = "application/x-www-form-urlencoded"
ONCE = ("MessageSid", "AccountSid", "From", "To", "Body", "MessageStatus")  # a second one could hide the first
ACCOUNT_SID = re.compile(r"\AAC[0-9a-fA-F]{32}\Z")
MESSAGE_SID = re.compile(r"\A(SM|MM)[0-9a-fA-F]{32}\Z")
SERVICE_SID = re.compile(r"\AMG[0-9a-fA-F]{32}\Z")
MOST_STRANGERS = 500  # different unknown accounts that are counted apart within one hour

SHARED = "smsbot.webhooks"  # key in app.extensions

EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class Refused(HTTPException):
    """A request that is not taken. Its body is TwiML: Twilio would text a plain one to the person."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why, response=twiml(code))
        self.code = code


@dataclass(frozen=True, slots=True)
class CarrierRequest:
    """A request whose signature has verified: its fields, and the tenant and number it belongs to."""

    recipient: Recipient
    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        """The field as it may be stored; "" when it is missing."""
        return cleaned(self.as_sent(name)).text

    def as_sent(self, name: str) -> str:
        return self.fields.get(name, "")


def runtime_of_app() -> Runtime:
    """The runtime that the composition hung on the Flask application."""
    runtime = current_app.extensions["smsbot"]
    assert isinstance(runtime, Runtime)
    return runtime


@dataclass(frozen=True, slots=True)
class Shared:
    """What requests of one process that come at the same time do together."""

    lookups: SharedLookUps
    accepting: Accepting


def shared_of_app() -> Shared:
    """What the carrier's blueprint hung on the Flask application."""
    shared = current_app.extensions[SHARED]
    assert isinstance(shared, Shared)
    return shared


def twiml(status: int = 200) -> Response:
    """The empty document: the carrier does nothing further."""
    return Response(EMPTY_TWIML, status, content_type="text/xml; charset=utf-8")


def verified(request: Request, *, ours: str) -> CarrierRequest:
    """The request once its signature has verified. `ours` names the field that holds our own address.

    Raises Refused: 403 for a missing, wrong or foreign signature, and for what is too long to be read at all; 400 for
    what is signed and has the wrong content type, too many fields, or a field twice that may come once.
    """
    runtime = runtime_of_app()
    if request.content_length is None:
        _refuse(runtime, "no_length", "", [])
    if request.content_length > LARGEST_BODY:
        _refuse(runtime, "too_long", "", [])
    body = request.get_data(cache=True)
    pairs, *other_readings = _readings(body)
    first: dict[str, str] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    account_sid = first.get("AccountSid", "")
    if not ACCOUNT_SID.match(account_sid):
        _refuse(runtime, "no_account", account_sid, [])
    our_address = address(first.get(ours, ""))
    service_sid = first.get("MessagingServiceSid", "")
    found = shared_of_app().lookups.candidates(
        account_sid,
        our_address.e164 or our_address.value,
        service_sid if SERVICE_SID.match(service_sid) else None,
    )
    signed = SignedRequest(
        url=public_request_url(runtime.settings.public_url, _raw_uri(request)),
        params=pairs,
        body=body,
        signature=request.headers.get(SIGNATURE_HEADER),
        settings_header=request.headers.get(SETTINGS_HEADER),
    )
    as_read = [signed, *(replace(signed, params=other) for other in other_readings)]
    owner = next((c for c in found if any(signature_valid(each, c.keys) for each in as_read)), None)
    if owner is None:
        _refuse(runtime, "bad_signature" if signed.signature else "no_signature", account_sid, found)
    if request.mimetype != FORM:
        raise Refused(400, f"send {FORM}")
    if len(pairs) > MOST_FIELDS:
        raise Refused(400, f"send at most {MOST_FIELDS} fields")
    names = [name for name, _ in pairs]
    for name in ONCE:
        if names.count(name) > 1:
            raise Refused(400, f"{name} comes more than once")
    return CarrierRequest(owner.recipient, first)


def _readings(body: bytes) -> list[list[tuple[str, str]]]:
    """The fields as they were sent, in order, blanks and repeats included: as whoever signed them may have read them.

    What is no form has none, and so names no account. There is one reading of a form in UTF-8. Where surrogates are
    encoded in it, some sign these and some sign the replacement characters that they decode to; bytes that are nothing
    at all are read in the second way only.
    """
    try:
        return [_pairs(body, "strict")]
    except UnicodeDecodeError:
        pass
    except ValueError:
        return [[]]
    try:
        replaced = _pairs(body, "replace")
    except ValueError:
        return [[]]
    try:
        exact = _pairs(body, "surrogatepass")
    except UnicodeDecodeError:
        return [replaced]
    return [exact] if exact == replaced else [exact, replaced]


def _pairs(body: bytes, errors: str) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_READ, errors=errors)


def _raw_uri(request: Request) -> str:
    """Path and query exactly as they came: a decoded path would not be what was signed."""
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI")
    assert isinstance(raw, str), "serve this with gunicorn: the signature needs the raw path"
    return raw


def _refuse(runtime: Runtime, reason: str, account_sid: str, found: list[Candidate]) -> NoReturn:
    """Count the refusal by hour, reason and account, and answer 403. Nothing else is kept."""
    tenant_id = found[0].recipient.tenant_id if found else PLATFORM
    now = runtime.clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    known = account_sid if ACCOUNT_SID.match(account_sid) else "none"
    _count(runtime, tenant_id, hour, reason, known)
    raise Refused(403, "the signature does not verify")


def _count(runtime: Runtime, tenant_id: UUID, hour: datetime, reason: str, account_sid: str) -> None:
    with runtime.transaction(tenant_id) as session:
        if tenant_id == PLATFORM:
            strangers = session.scalar(
                select(func.count())
                .select_from(Rejection)
                .where(Rejection.tenant_id == PLATFORM, Rejection.hour == hour)
            )
            if (strangers or 0) >= MOST_STRANGERS:
                account_sid = "other"
        session.execute(
            insert(Rejection)
            .values(tenant_id=tenant_id, hour=hour, reason=reason, account_sid=account_sid)
            .on_conflict_do_update(
                index_elements=["tenant_id", "hour", "reason", "account_sid"], set_={"count": Rejection.count + 1}
            )
        )
