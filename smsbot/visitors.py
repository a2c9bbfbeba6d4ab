"""Where a request of a browser came from, as far as it can be believed."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Request

OUR_SITE = ("same-origin", "none")  # `none`: the person typed the address or repeats a form


def from_elsewhere(request: Request) -> bool:
    """Whether a browser says that another site made this request.

    Fetch Metadata where it is sent; else the Origin, which is `null` under our own Referrer-Policy and then says nothing.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in OUR_SITE
    origin = request.headers.get("Origin")
    return origin not in (None, "null") and urlsplit(str(origin)).netloc != request.host


def client_address(request: Request, trusted_proxies: int) -> str:
    """The address that our outermost trusted proxy saw; what a stranger writes before it in the header is not believed."""
    seen = [part.strip() for value in request.headers.getlist("X-Forwarded-For") for part in value.split(",")]
    if 0 < trusted_proxies <= len(seen):
        return seen[-trusted_proxies]
    return request.remote_addr or ""


def network_of(address: str) -> str:
    """What counts as one place to try from: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
