"""What a public page asks first: the runtime, the form of this address, in which language, who may frame the answer."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import current_app, g, request

from consent.disclosures import LANGUAGES
from conversations.forms import LiveForm, published_form
from smsbot.errors import NotFound
from smsbot.runtime import Runtime
from smsbot.texts import cleaned

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)
LONGEST_ADDRESS = 500


def runtime_of_app() -> Runtime:
    """The runtime that the composition hung on the Flask application."""
    runtime = current_app.extensions["smsbot"]
    assert isinstance(runtime, Runtime)
    return runtime


def form_at(token: str, *, also_closed: bool = False) -> LiveForm:
    """The form of this address. Raises NotFound, as for one that was never published or is closed."""
    if not TOKEN.fullmatch(token):
        raise NotFound("no such form")
    form = published_form(runtime_of_app(), token)
    if not form.open and not also_closed:
        raise NotFound("no such form")
    g.framed_by = form.origins if is_embedded() else ()
    g.language = form.words.language
    return form


def is_embedded() -> bool:
    """Whether the page is asked for inside a page of the business."""
    return request.args.get("embed") == "1"


def framed_by() -> tuple[str, ...]:
    """The sites that may show this answer in a frame."""
    found: tuple[str, ...] = g.get("framed_by", ())
    return found


def language() -> str:
    """The form's language once it is known, else the first of ours that the browser asks for."""
    known: str | None = g.get("language")
    return known or request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def page_around(form: LiveForm) -> str:
    """The page of the business that shows the form, as its script says; "" for a site that may not."""
    said = _address(request.args.get("page", ""))
    return said if any(said == origin or said.startswith(f"{origin}/") for origin in form.origins) else ""


def came_from() -> str:
    """The page before this one, as the browser says."""
    return _address(request.referrer or "")


def _address(written: str) -> str:
    """Scheme, host and path only: what follows them often says who somebody is."""
    try:
        parts = urlsplit(cleaned(written).text)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:LONGEST_ADDRESS]
