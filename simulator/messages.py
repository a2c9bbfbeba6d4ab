"""A text as the carrier keeps it, and the ways it is shown: Twilio's resource, a callback, a phone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

API_VERSION = "2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "received", "read"})
# codes that stop a message before it leaves; every other late code is a carrier's no. The rest of a message that
# fails so never shows "sent": https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
FAILED_CODES = frozenset({21610, 21703, 30001, 30002, 30410, 30500})


class Author(StrEnum):
    """Who wrote a text: the customer's program, the carrier, the customer's TwiML, or the person with the phone."""

    API = "api"
    CARRIER = "carrier"
    TWIML = "twiml"
    PHONE = "phone"


@dataclass(frozen=True)
class Media:
    """A picture or file. `content` is what storage serves; `redirect` sends the reader elsewhere instead."""

    sid: str
    content_type: str
    content: bytes = b""
    redirect: str | None = None
    url: str | None = None  # where the customer told us to take it from; never fetched


@dataclass(slots=True, eq=False)
class Message:
    """One text. `number` is None until a Messaging Service has picked a sender; times are aware, in UTC."""

    sid: str
    account_sid: str
    author: Author
    number: str | None  # the account's
    person: str
    body: str
    segments: int
    status: str
    created: datetime
    visible_from: float  # monotonic: before that, lists do not show it
    order: int
    service: str | None = None
    media: tuple[Media, ...] = ()
    sent: datetime | None = None
    updated: datetime | None = None
    error_code: int | None = None
    status_callback: str | None = None
    send_at: datetime | None = None
    opt_out_type: str | None = None

    @property
    def inbound(self) -> bool:
        return self.author is Author.PHONE

    @property
    def sender(self) -> str | None:
        return self.person if self.inbound else self.number

    @property
    def recipient(self) -> str | None:
        return self.number if self.inbound else self.person

    @property
    def direction(self) -> str:
        if self.inbound:
            return "inbound"
        return "outbound-api" if self.author is Author.API else "outbound-reply"

    @property
    def path(self) -> str:
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"


def course_of(via_service: bool, failure: int | None, status: str | None = None) -> tuple[str, ...]:
    """The statuses that follow the one in the create answer, in their true order."""
    queued = ("queued",) if via_service else ()
    if failure is None:
        return (*queued, "sent", "delivered")
    if (status or ("failed" if failure in FAILED_CODES else "undelivered")) == "failed":
        return (*queued, "failed")
    return (*queued, "sent", "undelivered")


def rfc2822(at: datetime | None) -> str | None:
    return None if at is None else format_datetime(at)


def resource(message: Message) -> dict[str, Any]:
    """The Message resource of Twilio's REST API. What a service has not decided yet is null or "0"."""
    return {
        "body": message.body,
        "num_segments": str(message.segments if message.number else 0),
        "direction": message.direction,
        "from": message.sender,
        "to": message.recipient,
        "date_updated": rfc2822(message.updated or message.created),
        "price": None,
        "error_message": None if message.error_code is None else f"Error {message.error_code}",
        "uri": f"{message.path}.json",
        "account_sid": message.account_sid,
        "num_media": str(len(message.media)),
        "status": message.status,
        "messaging_service_sid": message.service,
        "sid": message.sid,
        "date_sent": rfc2822(message.sent),
        "date_created": rfc2822(message.created),
        "error_code": message.error_code,
        "price_unit": None,
        "api_version": API_VERSION,
        "subresource_uris": {"media": f"{message.path}/Media.json"},
    }


def media_resource(message: Message, media: Media) -> dict[str, Any]:
    """The Media resource of Twilio's REST API."""
    return {
        "sid": media.sid,
        "account_sid": message.account_sid,
        "parent_sid": message.sid,
        "content_type": media.content_type,
        "date_created": rfc2822(message.created),
        "date_updated": rfc2822(message.updated or message.created),
        "uri": f"{message.path}/Media/{media.sid}.json",
    }


def callback_form(message: Message, status: str, error_code: int | None, at: datetime) -> list[tuple[str, str]]:
    """The parameters of one status callback."""
    form = [
        ("SmsSid", message.sid),
        ("SmsStatus", status),
        ("MessageStatus", status),
        ("To", message.person),
        ("MessageSid", message.sid),
        ("AccountSid", message.account_sid),
    ]
    if message.number:
        form.append(("From", message.number))
    form.append(("ApiVersion", API_VERSION))
    if message.service:
        form.append(("MessagingServiceSid", message.service))
    if error_code is not None and status in ("failed", "undelivered"):
        form.append(("ErrorCode", str(error_code)))
    if status in ("delivered", "undelivered"):
        form.append(("RawDlrDoneDate", at.strftime("%y%m%d%H%M")))
    return form


def inbound_form(message: Message, media_urls: list[str]) -> list[tuple[str, str]]:
    """The parameters of an inbound webhook. There is no time in it."""
    place = "OAKLAND", "CA", "94612"
    if not message.person.startswith("+"):
        place = "", "", ""  # a short code lives nowhere
    form = [("ToCountry", "US"), *zip(("FromCity", "FromState", "FromZip"), place, strict=True)]
    form += [
        ("FromCountry", "US"),
        ("ToCity", "SAN FRANCISCO"),
        ("ToState", "CA"),
        ("ToZip", "94103"),
        ("SmsMessageSid", message.sid),
        ("NumMedia", str(len(media_urls))),
        ("SmsSid", message.sid),
        ("SmsStatus", "received"),
        ("Body", message.body),
        ("To", message.number or ""),
        ("NumSegments", str(message.segments)),
        ("MessageSid", message.sid),
        ("AccountSid", message.account_sid),
        ("From", message.person),
        ("ApiVersion", API_VERSION),
    ]
    form += [(f"MediaContentType{index}", media.content_type) for index, media in enumerate(message.media)]
    form += [(f"MediaUrl{index}", url) for index, url in enumerate(media_urls)]
    if message.service:
        form.append(("MessagingServiceSid", message.service))
    if message.opt_out_type:
        form.append(("OptOutType", message.opt_out_type))
    return form


def on_phone(message: Message) -> dict[str, Any]:
    """The text as the person's phone would have it. `shown` is false for what never arrived there."""
    return {
        "sid": message.sid,
        "at": message.created.isoformat().replace("+00:00", "Z"),
        "direction": "from_phone" if message.inbound else "to_phone",
        "number": message.number,
        "author": message.author.value,
        "body": message.body,
        "media": [media.content_type for media in message.media],
        "pictures": [
            {"sid": media.sid, "content_type": media.content_type, "url": media.url} for media in message.media
        ],
        "service": message.service,
        "segments": message.segments,
        "status": message.status,
        "error_code": message.error_code,
        "shown": message.inbound or message.status in ("sent", "delivered", "read"),
    }
