"""What stands around the form: its privacy and terms pages, the frame of every page, and what cannot be done."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, make_response, render_template

from consent.disclosures import VERTICALS
from consent.registration import Page, privacy_page, terms_page
from conversations.forms import LiveForm
from public.requests import form_at, is_embedded, language
from public.wording import words_in
from smsbot.phone import national


def frame(form: LiveForm) -> dict[str, Any]:
    """What every page of a form shows around its content."""
    return {
        "form": form,
        "w": words_in(form.words.language),
        "language": form.words.language,
        "embedded": is_embedded(),
        "brand": form.words.brand,
        "phone": form.tenant.help_phone or national(form.number),
        "email": form.tenant.help_email,
    }


def problem_page(status: int, name: str, *, form: LiveForm | None = None) -> Response:
    """What could not be done, in words; `name` is that of our words for it."""
    spoken = language()
    page = render_template(
        "public/problem.html",
        w=words_in(spoken),
        language=spoken,
        title=name,
        advice=f"{name}_advice",
        form=form,
        embedded=is_embedded(),
    )
    return make_response(page, status)


def privacy(token: str) -> Response:
    """What becomes of what people send, also once the form is closed: somebody agreed under these words."""
    form = form_at(token, also_closed=True)
    return _policy(form, privacy_page(form.words.brand, _contact(form), form.words.language, updated=_since(form)))


def terms(token: str) -> Response:
    """The terms of the text messages, also once the form is closed."""
    form = form_at(token, also_closed=True)
    page = terms_page(
        form.words.brand,
        _contact(form),
        form.words.language,
        updated=_since(form),
        privacy_url=form.addresses.privacy,
        purposes=form.words.purposes,
        vertical=form.tenant.vertical if form.tenant.vertical in VERTICALS else VERTICALS[-1],
    )
    return _policy(form, page)


def _policy(form: LiveForm, page: Page) -> Response:
    return make_response(render_template("public/policy.html", **frame(form), page=page))


def _contact(form: LiveForm) -> str:
    """How the business is reached, as a sentence names it."""
    shown = frame(form)
    return ", ".join(part for part in (shown["phone"], shown["email"]) if part)


def _since(form: LiveForm) -> date:
    """The day on which these words were published, where the business is."""
    return form.words.published_at.astimezone(ZoneInfo(form.tenant.zone)).date()
