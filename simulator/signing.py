"""Twilio's request signature, written from its description so that the product's check is not its own mirror. Pure.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from simulator.accounts import Account, SharedKey

SHARED_KEY_ALGORITHM = "HMAC_SHA256"


def signed_url(url: str) -> str:
    """`url` as Twilio signs it: without fragment and user information, everything else untouched."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def signature(key: str, url: str, form: Iterable[tuple[str, str]], algorithm: str = "sha1") -> str:
    """Base64 HMAC over the URL followed by each name and value, sorted; equal pairs count once, values are not trimmed."""
    text = signed_url(url) + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), algorithm).digest()).decode()


def signature_headers(signer: Account | SharedKey | str, url: str, form: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that prove who sent `form` to `url`: by the account's shared key when it has one, else its token.

    A string signs as a token of that value, for callers that want to be somebody else.
    """
    if isinstance(signer, Account):
        signer = signer.shared_key or signer.token
    if isinstance(signer, SharedKey):
        return {
            "X-Twilio-Signature": signature(signer.secret, url, form, "sha256"),
            "X-Twilio-Webhooks-Signature-Settings": f"key={signer.sid},algorithm={SHARED_KEY_ALGORITHM}",
        }
    return {"X-Twilio-Signature": signature(signer, url, form)}
