"""Opt-in forms as staff draft, check, publish and close them. What is missing in the words is said at every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from flask import session as browser
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from consent.purposes import Purpose
from consent.wording import Finding
from conversations import forms
from conversations.forms import Draft, FormView, InvalidForm, NotPublishable, Standing
from conversations.leads import CLAIMABLE, Objection
from dashboard.pages import NOTICE, frame
from dashboard.requests import runtime_of_app, staff
from smsbot.accounts import tenant_of
from smsbot.errors import NotFound
from smsbot.texts import cleaned

PLACE = "forms"
LANGUAGES = {"en": "English", "es": "Spanish"}
PURPOSES: Mapping[Purpose, str] = {
    Purpose.INQUIRY: "Follow up on what they asked",
    Purpose.APPOINTMENT: "Their appointments",
    Purpose.NOTIFICATION: "Service updates",
    Purpose.MARKETING: "Marketing: needs their agreement in writing",
}
STANDINGS: Mapping[Standing, str] = {
    Standing.DRAFT: "Not published",
    Standing.LIVE: "Live",
    Standing.CHANGED: "Live, with unpublished changes",
    Standing.CLOSED: "Closed",
}
ITEMS: Mapping[str, str] = {
    "brand": "Who texts",
    "automated": "Automated texts",
    "purpose": "What about",
    "frequency": "How often",
    "rates": "Rates",
    "help": "HELP",
    "stop": "STOP",
    "not_a_condition": "Not a condition",
    "privacy": "Privacy policy",
    "terms": "Terms",
    "bundled": "Nothing but texts",
    "shared": "No other business",
    "preticked": "Their own tick",
    "required": "Free to refuse",
    "filled": "Placeholder",
    "markup": "Markup",
    "shortener": "Shortened address",
    "address": "Mailing address",
    "unsubscribe": "Unsubscribing",
    "signature": "Signature",
    "number": "Their number",
}


def listed() -> Response:
    """Every form with its address, the newest first."""
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        found = forms.forms_of(runtime, session, who.actor)
        shown = frame(session, PLACE)
    return make_response(render_template("forms.html", **shown, **_words(), forms=found))


def new() -> BaseResponse:
    """What a form is for; its words are written with it, and worked on afterwards."""
    runtime, who = runtime_of_app(), staff()
    if not forms.may_manage(who.actor):
        raise NotFound("no such page")
    if request.method != "POST":
        return _new(None, ())
    draft = _draft(request.form)
    try:
        form_id = forms.create(runtime, who.tenant_id, who.actor, draft)
    except InvalidForm as error:
        return _new(draft, error.objections)
    browser[NOTICE] = "The words below are the usual ones. Nobody sees the form until you publish it."
    return redirect(f"/forms/{form_id}", 303)


def editor(form_id: UUID) -> Response:
    return _editor(form_id)


def change(form_id: UUID) -> BaseResponse:
    """Check, save or publish what was written; a check keeps nothing."""
    runtime, who, draft = runtime_of_app(), staff(), _draft(request.form)
    act = request.form.get("act", "check")
    try:
        if act in ("save", "publish"):
            forms.change(runtime, who.tenant_id, who.actor, form_id, draft)
        if act == "publish":
            version = forms.publish(runtime, who.tenant_id, who.actor, form_id)
            browser[NOTICE] = f"Published: version {version} of the words stands beside the box now."
            return redirect(f"/forms/{form_id}", 303)
    except InvalidForm as error:
        return _editor(form_id, typed=draft, objections=error.objections, status=422)
    except NotPublishable:
        return _editor(form_id, refused=True, status=422)
    if act == "save":
        browser[NOTICE] = "Saved. What is published stays as it is until you publish anew."
        return redirect(f"/forms/{form_id}", 303)
    if act == "usual":
        return _editor(form_id, typed=draft, usual=True)
    if not draft.wording:
        return _editor(form_id, typed=draft, objections=(forms.NO_WORDS,), status=422)
    return _editor(form_id, typed=draft)


def close(form_id: UUID) -> BaseResponse:
    runtime, who = runtime_of_app(), staff()
    forms.close(runtime, who.tenant_id, who.actor, form_id)
    browser[NOTICE] = "Closed. Its address answers that there is no form; its privacy page and terms stay."
    return redirect(f"/forms/{form_id}", 303)


def _new(typed: Draft | None, objections: Sequence[Objection]) -> Response:
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, PLACE)
        numbers = forms.numbers_of(session)
    page = render_template(
        "form_new.html", **shown, **_words(), typed=typed, wrong=_by_field(objections), numbers=numbers
    )
    return make_response(page, 422 if objections else 200)


def _editor(
    form_id: UUID,
    *,
    typed: Draft | None = None,
    objections: Sequence[Objection] = (),
    refused: bool = False,
    usual: bool = False,
    status: int = 200,
) -> Response:
    """The editor with the stored draft, or with what was `typed` and is not stored, and what is wrong with it.

    `usual`: with the usual words in place of those that were typed.
    """
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        form = forms.form_of(runtime, session, who.actor, form_id)
        shown = frame(session, PLACE)
        if typed is not None and usual:
            wording = forms.usual_wording(runtime, session, _nameable(typed), form.token, runtime.clock.now())
            typed = replace(typed, wording=wording)
        draft = typed or form.draft
        found: Sequence[Finding] = forms.findings_of(tenant_of(session, who.tenant_id), draft, form.addresses)
        numbers = forms.numbers_of(session)
    page = render_template(
        "form_editor.html",
        **shown,
        **_words(),
        form=form,
        typed=draft,
        unsaved=typed is not None,
        findings=found,
        refused=refused,
        wrong=_by_field(objections),
        numbers=numbers,
        snippet=_snippet(form),
    )
    return make_response(page, status)


def _nameable(draft: Draft) -> Draft:
    """With something that words can be about: a draft that names no purpose is still looked at."""
    return draft if draft.purposes else replace(draft, purposes=(Purpose.INQUIRY,))


def _draft(sent: MultiDict[str, str]) -> Draft:
    def line(name: str) -> str:
        return " ".join(cleaned(sent.get(name, "")).text.split())

    try:
        number_id = UUID(sent.get("number", ""))
    except ValueError:
        number_id = UUID(int=0)  # none of theirs: it is objected to
    chosen = set(sent.getlist("purposes"))
    return Draft(
        title=line("title"),
        source=line("source"),
        number_id=number_id,
        language=line("language"),
        purposes=tuple(purpose for purpose in CLAIMABLE if purpose.value in chosen),
        double_opt_in=sent.get("double_opt_in") == "yes",
        origins=tuple(one.strip() for one in cleaned(sent.get("origins", "")).text.splitlines() if one.strip()),
        wording=" ".join(cleaned(sent.get("wording", "")).text.split()),
    )


def _snippet(form: FormView) -> str:
    """What the business puts into its own page; without scripts it is a link."""
    title = form.draft.title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return (
        f'<script src="{form.addresses.script}" data-title="{title}" async></script>\n'
        f'<noscript><a href="{form.addresses.page}">{title}</a></noscript>'
    )


def _by_field(objections: Sequence[Objection]) -> dict[str, str]:
    return {one.field: f"{one.detail[:1].upper()}{one.detail[1:]}." for one in objections}


def _words() -> dict[str, object]:
    return {"purposes": PURPOSES, "languages": LANGUAGES, "standings": STANDINGS, "items": ITEMS}
