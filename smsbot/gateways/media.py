"""Fetches what a lead attached: from the carrier's own hosts only, within a size and a time, of a type we show."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from smsbot.errors import ConfigurationError, SmsbotError
from smsbot.gateways.addresses import is_public
from smsbot.gateways.carrier import TWILIO_API, CarrierCredentials
from smsbot.gateways.wire import (
    Address,
    AddressRefused,
    AnswerTooLarge,
    Call,
    LineFailed,
    Reply,
    calling,
    exchange,
    new_pool,
)

# A name that begins with a dot stands for every host below it. The media address answers with one redirect to storage.
TWILIO_MEDIA_HOSTS = frozenset(
    {
        "api.twilio.com",
        "media.twiliocdn.com",
        "mms.twiliocdn.com",
        "s3-external-1.amazonaws.com",
        ".s3.amazonaws.com",
    }
)

CONNECT_TIMEOUT_S = 5.0
LONGEST_URL = 2048
REDIRECTS = frozenset({301, 302, 303, 307, 308})
LATER = frozenset({404, 408, 425, 429})  # 404 too: the webhook may be faster than the carrier's storage

# The whole address, so that no parser's leniency decides where we go: no user, no IPv6 literal, no white space, no
# backslash, no control character, nothing outside ASCII, no trailing dot.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/[A-Za-z0-9\-._~:/?@!$&'()*+,;=%]*)",
    re.IGNORECASE | re.ASCII,
)
_PORTS = {"https": 443, "http": 80}

_AUDIO = re.compile(r"audio/[a-z0-9][a-z0-9.-]*")  # no +xml among them
_EXACT_TYPES = frozenset({"video/mp4", "video/3gpp", "text/vcard", "text/x-vcard", "application/pdf"})
_IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})


class MediaRefused(SmsbotError):
    """This attachment will never be fetched; `reason` is short, stable and holds no address."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"attachment refused: {reason}")
        self.reason = reason


class MediaUnavailable(SmsbotError):
    """The attachment could not be fetched this time; a later try may succeed."""


@dataclass(frozen=True, slots=True)
class Media:
    """An attachment of an allowed type. `content_type` of an image is what its first bytes say."""

    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Place:
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def fetch_media(
    url: str,
    *,
    credentials: CarrierCredentials,
    allowed_hosts: frozenset[str] = TWILIO_MEDIA_HOSTS,
    max_bytes: int = 5_000_000,
    timeout_s: float = 10,
) -> Media:
    """What `url` holds, after at most one redirect; both addresses must be allowed.

    https on port 443 of `allowed_hosts`, resolved once, public addresses only. A stand-in (`credentials.base_url`)
    counts as allowed as it is written there, be it http or on a loopback address. The account's credentials go to the
    carrier's API alone and never along a redirect. Raises MediaRefused, MediaUnavailable, ConfigurationError.
    """
    if not credentials.account_sid or not credentials.auth_token:
        raise ConfigurationError("this tenant has no carrier credentials: set its account SID and auth token")
    stand_in = None if credentials.base_url is None else _stand_in(credentials.base_url)
    api = _place(TWILIO_API + "/") if stand_in is None else stand_in
    place = _allowed(url, allowed_hosts, stand_in)
    headers = {"accept": "*/*", "user-agent": "smsbot-media"}
    user = f"{credentials.account_sid}:{credentials.auth_token}".encode()
    authorization = {"authorization": "Basic " + b64encode(user).decode("ascii")} if place == api else {}

    def permit(host: str, port: int, address: Address) -> bool:
        if stand_in is not None and (host, port) == (stand_in.host, stand_in.port):
            # The operator named it; still not the address that gives out a machine's own credentials.
            return not (address.is_link_local or address.is_multicast or address.is_unspecified)
        return is_public(address)

    deadline = time.monotonic() + timeout_s
    connect_timeout_s = min(CONNECT_TIMEOUT_S, timeout_s)
    try:
        with (
            new_pool(max_connections=1, keep_alive=0, permit=permit) as pool,
            calling(Call(deadline, connect_timeout_s, timeout_s)),
        ):
            reply = exchange(pool, "GET", _line(url, place), headers=headers | authorization, max_bytes=max_bytes)
            if reply.status in REDIRECTS:
                target = urljoin(url, reply.headers.get("location", ""))
                place = _allowed(target, allowed_hosts, stand_in)
                reply = exchange(pool, "GET", _line(target, place), headers=headers, max_bytes=max_bytes)
    except AddressRefused as error:
        raise MediaRefused("address") from error
    except AnswerTooLarge as error:
        raise MediaRefused("size") from error
    except LineFailed as error:
        raise MediaUnavailable(f"the attachment did not come: {error}") from error
    return _media_in(reply)


def allowed_type(content_type: str) -> str | None:
    """`content_type` without its parameters when we show such a thing, else None. Never markup."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "image/jpg":
        kind = "image/jpeg"
    return kind if kind in _IMAGE_TYPES | _EXACT_TYPES or _AUDIO.fullmatch(kind) else None


def image_type(content: bytes) -> str | None:
    """The image type that the first bytes give away, or None."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return "image/heic"
    return None


def _media_in(reply: Reply) -> Media:
    if reply.status in LATER or reply.status >= 500:
        raise MediaUnavailable(f"the attachment's host answered {reply.status}")
    if reply.status in REDIRECTS:
        raise MediaRefused("second redirect")
    if reply.status != 200:
        raise MediaRefused("status")
    kind = allowed_type(reply.headers.get("content-type", ""))
    if kind is None:
        raise MediaRefused("type")
    if not reply.body:
        raise MediaRefused("empty")
    if kind in _IMAGE_TYPES:
        seen = image_type(reply.body)
        if seen is None:
            raise MediaRefused("not what it claims to be")
        return Media(seen, reply.body)
    if not _looks_like(kind, reply.body):
        raise MediaRefused("not what it claims to be")
    return Media(kind, reply.body)


def _looks_like(kind: str, content: bytes) -> bool:
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if kind == "application/pdf":
        return start.startswith(b"%PDF-")
    if kind in ("text/vcard", "text/x-vcard"):
        return start.upper().startswith(b"BEGIN:VCARD")
    if kind in ("video/mp4", "video/3gpp"):
        return content[4:8] == b"ftyp"
    return not start.startswith((b"<", b"%!"))  # sound has too many forms to list; markup is none of them


def _place(url: str) -> _Place:
    if len(url) > LONGEST_URL:
        raise MediaRefused("address")
    parts = _URL.fullmatch(url.partition("#")[0])
    if parts is None:
        raise MediaRefused("address")
    scheme = parts["scheme"].lower()
    port = int(parts["port"]) if parts["port"] else _PORTS[scheme]
    return _Place(scheme, parts["host"].lower(), port)


def _stand_in(base_url: str) -> _Place:
    parts = urlsplit(base_url)
    try:
        return _place(f"{parts.scheme}://{parts.netloc}/")
    except MediaRefused as error:
        raise ConfigurationError("TWILIO_API_URL must look like https://host or http://host:port") from error


def _allowed(url: str, hosts: frozenset[str], stand_in: _Place | None) -> _Place:
    place = _place(url)
    if place == stand_in:
        return place
    listed = place.host in hosts or any(host.startswith(".") and place.host.endswith(host) for host in hosts)
    if place.scheme != "https" or place.port != _PORTS["https"] or not listed:
        raise MediaRefused("address")
    return place


def _line(url: str, place: _Place) -> str:
    """The address to ask, put together again from the parts that were checked."""
    target = urlsplit(url)
    return f"{place}{target.path}" + (f"?{target.query}" if target.query else "")
