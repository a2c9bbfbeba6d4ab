"""Whether a request was signed by the carrier with a key that we know. Pure.

The rule is https://www.twilio.com/docs/usage/webhooks/webhooks-security: HMAC over the address and the sorted form
fields, in base64. The provider's helper is not used: it compares in a Python loop and loads more than this needs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

SIGNATURE_HEADER = "X-Twilio-Signature"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
SHARED_KEY_ID_PREFIX = "webhooks_sharedkey_"

Algorithm = Literal["HMAC_SHA1", "HMAC_SHA256"]

_DIGESTS: dict[Algorithm, str] = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_ABSOLUTE_FORM = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret that the carrier may sign with: an auth token (HMAC_SHA1), or a shared key.

    `name` is a label of ours ("previous"), or the id that the carrier gave to a shared key
    ("webhooks_sharedkey_…"): then it verifies only requests that name this id.
    """

    secret: str = field(repr=False)
    algorithm: Algorithm
    name: str | None = None

    @property
    def carrier_id(self) -> str | None:
        return self.name if self.name is not None and self.name.startswith(SHARED_KEY_ID_PREFIX) else None

    @property
    def shared(self) -> bool:
        """Auth tokens sign with HMAC_SHA1 only, so a key for HMAC_SHA256 is a shared one."""
        return self.algorithm == "HMAC_SHA256" or self.carrier_id is not None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What arrived. `url` comes from `public_request_url`; `params` are the form's fields as decoded, blank ones and
    repetitions included, or None when the body is no form; the last two are the headers' values, None when missing.
    """

    url: str
    params: Sequence[tuple[str, str]] | None = field(repr=False)
    body: bytes = field(repr=False)
    signature: str | None = field(repr=False)
    settings_header: str | None


def signature_valid(
    request: SignedRequest, keys: Sequence[SigningKey], *, voice_https_port_dropped: bool = True
) -> bool:
    """Whether one of `keys` signed this request; False, never an exception, for whatever an attacker may send."""
    return verifying_key(request, keys, voice_https_port_dropped=voice_https_port_dropped) is not None


def verifying_key(
    request: SignedRequest, keys: Sequence[SigningKey], *, voice_https_port_dropped: bool = True
) -> SigningKey | None:
    """The key that signed this request, or None.

    With a settings header only the shared keys of the named algorithm count, without it only the auth tokens.
    The carrier leaves a port out of what it signs for voice over https, and its helper accepts that everywhere;
    `voice_https_port_dropped` False insists on the port.
    """
    if not request.signature:
        return None
    fitting = _fitting_keys(request.settings_header, keys)
    if not fitting or not _body_covered(request):
        return None
    given = request.signature.encode("utf-8", "surrogatepass")
    fields = "".join(name + value for name, value in sorted(set(request.params or ())))
    for url in _signed_urls(request.url, voice_https_port_dropped):
        content = (url + fields).encode("utf-8", "surrogatepass")
        for key in fitting:
            if hmac.compare_digest(_signature(key, content), given):
                return key
    return None


def signature_of(key: SigningKey, url: str, params: Sequence[tuple[str, str]] = ()) -> str:
    """What the carrier would send in X-Twilio-Signature for this address and these form fields."""
    content = url + "".join(name + value for name, value in sorted(set(params)))
    return _signature(key, content.encode("utf-8", "surrogatepass")).decode("ascii")


def public_request_url(public_url: str, raw_uri: str) -> str:
    """The address as the carrier called it: the configured base and the request target exactly as sent.

    Neither Host nor X-Forwarded-* has a say, so nobody can choose what gets verified; the path is taken undecoded,
    because `%2F` and `/` are signed differently. A target in absolute form (RFC 9112, 3.2.2) loses its own host.
    """
    target = _ABSOLUTE_FORM.sub("", raw_uri, count=1)
    return public_url.rstrip("/") + (target if target.startswith(("/", "?")) or not target else f"/{target}")


def _fitting_keys(settings_header: str | None, keys: Sequence[SigningKey]) -> list[SigningKey]:
    """The keys that this request may be signed with. One without a secret is none: anybody could sign with it."""
    if settings_header is None or not settings_header.strip():
        return [key for key in keys if key.secret and not key.shared]
    named = [part.partition("=") for part in settings_header.split(",")]
    settings = {name.strip().lower(): value.strip() for name, _, value in named}
    if len(settings) != len(named):
        return []  # named twice: whichever we took, another reader could take the other
    algorithm, key_id = settings.get("algorithm", "").upper(), settings.get("key")
    return [
        key
        for key in keys
        if key.secret and key.shared and key.algorithm == algorithm and key.carrier_id in (None, key_id)
    ]


def _body_covered(request: SignedRequest) -> bool:
    """Whether the signature speaks for the body too: form fields are signed, any other body only by its hash.

    Without this a captured address could be sent again with a body of the attacker's choice.
    """
    if request.params:
        return True
    try:
        claimed = parse_qs(urlsplit(request.url).query, keep_blank_values=True).get("bodySHA256", [])
    except ValueError:
        return False
    if not claimed:
        return not request.body
    actual = hashlib.sha256(request.body).hexdigest()
    return len(claimed) == 1 and hmac.compare_digest(
        actual.encode(), claimed[0].lower().encode("utf-8", "surrogatepass")
    )


def _signed_urls(url: str, port_dropped: bool) -> Iterator[str]:
    """The forms under which the carrier may have signed `url`, the likeliest first, each once."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return
    default = _DEFAULT_PORTS.get(parts.scheme)
    host = parts.netloc.rpartition("@")[2]  # the carrier drops user:password before it signs
    bare = host if port is None else host.rpartition(":")[0]
    hosts = [host]
    if port is None and default is not None:
        hosts.append(f"{host}:{default}")
    elif port is not None and (port_dropped or port == default):
        hosts.append(bare)
    for candidate in hosts:
        whole = _with_host(url, parts, candidate)
        yield whole
        if parts.scheme in ("wss", "ws") and not whole.endswith("/"):
            yield whole + "/"  # "if validation fails, try with a trailing slash", says the carrier of web sockets


def _with_host(url: str, parts: SplitResult, host: str) -> str:
    """`url` with another host; everything after it stays as it was written, which urlunsplit does not promise."""
    start = url.index("//") + 2 if "//" in url else 0
    return url[:start] + host + url[start + len(parts.netloc) :]


def _signature(key: SigningKey, content: bytes) -> bytes:
    return base64.b64encode(hmac.digest(key.secret.encode("utf-8", "surrogatepass"), content, _DIGESTS[key.algorithm]))
