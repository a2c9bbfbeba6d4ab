"""Which of Twilio's errors a request to create a message deserves. Pure.

Codes and texts: https://www.twilio.com/docs/api/errors. Magic numbers:
https://www.twilio.com/docs/iam/test-credentials#test-sms-messages
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from simulator.accounts import SERVICE_SID, SHORT_CODE, Account, Number, e164

BODY_LIMIT = 1600
MEDIA_LIMIT = 10
VALIDITY_S = range(1, 36_001)
SCHEDULE_FROM, SCHEDULE_UNTIL = timedelta(minutes=15), timedelta(days=35)
MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")  # Twilio refuses an underscore in a host name

TEXTS = {
    20001: "Invalid parameter",
    20003: "Authenticate",
    20004: "Method not allowed",
    20009: "Cannot delete this message because its delivery is not complete",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid From Number (caller ID)",
    21266: "'To' and 'From' number cannot be the same",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    21602: "Message body is required",
    21603: "A 'From' or 'MessagingServiceSid' parameter is required to send a message",
    21604: "The destination 'To' phone number is required to send an SMS",
    21606: "The 'From' phone number provided is not a valid message-capable Twilio phone number for this destination",
    21608: "The 'to' phone number provided is not yet verified for this account",
    21609: "Invalid 'StatusCallback'",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "The 'To' phone number is not currently reachable via SMS",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21620: "Invalid media URL(s)",
    21623: "Number of media files exceeds allowed limit",
    21624: "Invalid validity period value",
    21705: "The Messaging Service is invalid",
    30409: "The message cannot be canceled: it is not scheduled any more",
    35117: "SendAt out of range (15 minutes to 35 days)",
    35118: "MessagingServiceSid is required to schedule a message",
    63038: "Account exceeded the daily messages limit",
}
STATUSES = {
    20003: 401,
    20004: 405,
    20009: 409,
    20403: 403,
    20404: 404,
    20429: 429,
    20500: 500,
    20503: 503,
    30409: 409,
    63038: 429,
}


@dataclass(frozen=True)
class Refusal:
    """An error in Twilio's words."""

    code: int

    @property
    def status(self) -> int:
        return STATUSES.get(self.code, 400)

    def body(self) -> dict[str, object]:
        return {
            "code": self.code,
            "message": TEXTS.get(self.code, f"Error {self.code}"),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


@dataclass(frozen=True)
class Create:
    """The parameters of a create that mean something here. What was not given is empty or None."""

    to: str = ""
    sender: str = ""
    service: str = ""
    body: str = ""
    media_urls: tuple[str, ...] = ()
    content_sid: str = ""
    status_callback: str = ""
    validity_s: str | None = None
    schedule_type: str = ""
    send_at: str = ""


def create_from(form: Sequence[tuple[str, str]]) -> Create:
    """The last of several equal names counts, but for MediaUrl, which may be repeated."""
    last = dict(form)
    return Create(
        to=last.get("To", ""),
        sender=last.get("From", ""),
        service=last.get("MessagingServiceSid", ""),
        body=last.get("Body", ""),
        media_urls=tuple(value for name, value in form if name == "MediaUrl"),
        content_sid=last.get("ContentSid", ""),
        status_callback=last.get("StatusCallback", ""),
        validity_s=last.get("ValidityPeriod"),
        schedule_type=last.get("ScheduleType", ""),
        send_at=last.get("SendAt", ""),
    )


def refusal_of(asked: Create, account: Account, now: datetime) -> Refusal | None:
    """The first thing that is wrong with the request itself, or None. Opt-outs are not looked at."""
    for code in (_shape(asked), _to(asked, account), _from(asked, account), _extras(asked, now)):
        if code is not None:
            return Refusal(code)
    return None


def sender_for(asked: Create, account: Account, usual: str | None) -> Number | None:
    """The number that sends: From, else within the service the number that wrote to this person before (`usual`)."""
    if asked.sender:
        return account.numbers.get(_plain(asked.sender) or "")
    pool = account.pool(asked.service)
    return next((number for number in pool if number.number == usual), pool[0] if pool else None)


def scheduled_for(asked: Create) -> datetime | None:
    """When a scheduled message is due; None when it is to leave at once, or the time cannot be read."""
    if asked.schedule_type != "fixed":
        return None
    try:
        at = datetime.fromisoformat(asked.send_at)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _plain(written: str) -> str | None:
    return written if SHORT_CODE.fullmatch(written) else e164(written)


def _shape(asked: Create) -> int | None:
    if not asked.to:
        return 21604
    if not (asked.sender or asked.service):
        return 21603
    if not (asked.body or asked.media_urls or asked.content_sid):
        return 21602
    return 21617 if len(asked.body) > BODY_LIMIT else None


def _to(asked: Create, account: Account) -> int | None:
    person = e164(asked.to)
    if person is None:
        return 21211
    if person in MAGIC_TO:
        return MAGIC_TO[person]
    if not person.startswith("+1"):
        return 21408  # other countries are switched off until a customer asks for them
    return 21608 if account.verified is not None and person not in account.verified else None


def _from(asked: Create, account: Account) -> int | None:
    if asked.service and not (SERVICE_SID.fullmatch(asked.service) and account.pool(asked.service)):
        return 21705
    if not asked.sender:
        return None
    own = _plain(asked.sender)
    if own is None:
        return 21212
    if own in MAGIC_FROM:
        return MAGIC_FROM[own]
    number = account.numbers.get(own)
    if number is None or (asked.service and number.messaging_service != asked.service):
        return 21606
    return 21266 if own == e164(asked.to) else None


def _extras(asked: Create, now: datetime) -> int | None:
    if len(asked.media_urls) > MEDIA_LIMIT:
        return 21623
    if any(not _address(url) for url in asked.media_urls):
        return 21620
    if asked.status_callback and not _address(asked.status_callback):
        return 21609
    if asked.validity_s is not None and not (asked.validity_s.isdecimal() and int(asked.validity_s) in VALIDITY_S):
        return 21624
    return _schedule(asked, now) if asked.schedule_type else None


def _schedule(asked: Create, now: datetime) -> int | None:
    if not asked.service:
        return 35118
    at = scheduled_for(asked)
    return None if at and now + SCHEDULE_FROM <= at <= now + SCHEDULE_UNTIL else 35117


def _address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(HOST.fullmatch(parts.hostname or ""))
    except ValueError:
        return False
