"""What every page asks first: who is signed in, and where to go next."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, g, request

from dashboard.latest import Latest
from dashboard.sessions import SignedIn, Staff
from smsbot.runtime import Runtime

SESSION_COOKIE, KNOWN_COOKIE, FORM_COOKIE = "session", "known", "form"
LIVE_HEADER = "X-Live"  # of what a page asks for by itself: it does not keep a session alive
LONGEST_NEXT = 500


def runtime_of_app() -> Runtime:
    """The runtime that the composition hung on the Flask application."""
    runtime = current_app.extensions["smsbot"]
    assert isinstance(runtime, Runtime)
    return runtime


def latest_of_app() -> Latest:
    """What the pages of this process share."""
    latest = current_app.extensions["smsbot.latest"]
    assert isinstance(latest, Latest)
    return latest


def in_background() -> bool:
    """Whether a page that is open asks by itself, to follow along."""
    return request.method == "GET" and LIVE_HEADER in request.headers


def cookie_name(name: str, *, https: bool) -> str:
    """Over TLS a browser takes a `__Host-` cookie from this host only, for all paths, and sends it over TLS only."""
    return f"__Host-{name}" if https else name


def signed_in() -> SignedIn:
    """Whose request this is."""
    found = g.signed_in
    assert isinstance(found, SignedIn)
    return found


def staff() -> Staff:
    """For whom this request acts; the guard has sent away who has not chosen a tenant."""
    found = signed_in().staff
    assert found is not None
    return found


def own_path(wanted: str | None) -> str:
    """`wanted` when it is a path of ours, else "/": whatever a browser could read as another site is refused."""
    if wanted is None or len(wanted) > LONGEST_NEXT or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    if "\\" in wanted or any(ord(character) <= ord(" ") or ord(character) == 0x7F for character in wanted):
        return "/"
    parts = urlsplit(wanted)
    return "/" if parts.scheme or parts.netloc else wanted
