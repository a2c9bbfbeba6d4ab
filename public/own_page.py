"""A person's own page, opened by a link and without a login: what is held of them, and what they want done with it.

Looking changes nothing: link scanners look too. Whatever changes something is a form of the page, signed for this link.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from consent.disclosures import LANGUAGES
from conversations.inbound import wait_for_lease
from privacy import requests
from privacy.access import Held, archive, held
from privacy.erasure import erase
from privacy.links import Found, read
from public.limits import Limit, wait_s
from public.own_wording import Words, own_words_in
from public.requests import runtime_of_app
from smsbot.actor import Actor, ActorKind
from smsbot.crypto import LinkRefused, LinkSigner
from smsbot.errors import Conflict, InvalidInput, NotFound
from smsbot.phone import national
from smsbot.texts import cleaned
from smsbot.visitors import client_address, from_elsewhere, network_of

FORM = "own page form"  # what a signed form is good for
FORM_LASTS_S = 24 * 3600.0
LOOKS = Limit("own_page_looks", 300, timedelta(minutes=10))  # by network
ACTS = Limit("own_page_acts", 30, timedelta(minutes=10))  # by link
LONGEST_AGENT, LONGEST_ADDRESS = 1_000, 64
EARLIEST_HOUR, LATEST_HOUR = 8, 21  # 47 CFR 64.1200(c)(1): outside of these the law forbids it anyway
SHOWN_DIGITS = 4
CAUSE = requests.OWN_PAGE


def show(token: str) -> BaseResponse:
    """The page, with what was done last when the address says so."""
    found = _opened(token)
    return found if isinstance(found, Response) else _page(token, found, done=request.args.get("done", ""))


def ask_delete(token: str) -> BaseResponse:
    """Ask once more: it cannot be undone."""
    found = _opened(token)
    return found if isinstance(found, Response) else _confirmation(token, found)


def act(token: str) -> BaseResponse:
    """Do what one form of the page asks for; an unknown one shows the page again."""
    found = _opened(token)
    if isinstance(found, Response):
        return found
    if from_elsewhere(request):
        return _problem(403, "elsewhere", _spoken())
    runtime = runtime_of_app()
    if wait := wait_s(runtime, [(ACTS, found.link_id.hex)]):
        return _too_often(wait)
    try:
        signed = LinkSigner(runtime.settings.secret_key, runtime.clock).read(request.form.get("form", ""), FORM)
    except LinkRefused:
        signed = {}
    if signed.get("link") != str(found.link_id):
        return _page(token, found, problem="old", status=422)
    asked = ACTIONS.get(request.form.get("act", ""))
    try:
        return _page(token, found) if asked is None else asked(token, found)
    except NotFound:
        return _gone()  # erased at this moment


def _ends(ask: Callable[..., UUID | None], done: str) -> Callable[[str, Found], BaseResponse]:
    """What ends texts: `ask` returns the send that was in flight, which has to be over before they are told so."""

    def act(token: str, found: Found) -> BaseResponse:
        runtime = runtime_of_app()
        sending = ask(
            runtime, found.tenant_id, found.contact_id, actor=_them(found), method=CAUSE, evidence=_evidence(found)
        )
        over = wait_for_lease(runtime, found.tenant_id, found.contact_id, sending)
        return _done(token, done if over else "stopped_late")

    return act


def _hours(token: str, found: Found) -> BaseResponse:
    written = {
        days: [request.form.get(f"{days}_from", ""), request.form.get(f"{days}_to", "")]
        if request.form.get(f"{days}_from")
        else None
        for days in ("mon_fri", "sat_sun")
    }
    try:
        requests.set_hours(
            runtime_of_app(), found.tenant_id, found.contact_id, written, actor=_them(found), cause=CAUSE
        )
    except InvalidInput:
        return _page(token, found, problem="hours", status=422)
    return _done(token, "hours")


def _any_time(token: str, found: Found) -> BaseResponse:
    requests.set_hours(runtime_of_app(), found.tenant_id, found.contact_id, None, actor=_them(found), cause=CAUSE)
    return _done(token, "hours")


def _lift(token: str, found: Found) -> BaseResponse:
    requests.unrestrict(
        runtime_of_app(),
        found.tenant_id,
        found.contact_id,
        actor=_them(found),
        method=CAUSE,
        evidence=_evidence(found),
    )
    return _done(token, "lifted")


def _correct(token: str, found: Found) -> BaseResponse:
    requests.ask(
        runtime_of_app(),
        found.tenant_id,
        found.contact_id,
        requests.Ask.CORRECT,
        actor=_them(found),
        cause=CAUSE,
    )
    return _done(token, "asked")


def _download(token: str, found: Found) -> BaseResponse:
    packed = archive(runtime_of_app(), found.tenant_id, found.contact_id, actor=_them(found), cause=CAUSE)
    response = make_response(packed)
    response.mimetype = "application/zip"
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.zip"'
    return _private(response)


def _delete(token: str, found: Found) -> BaseResponse:
    """From the confirmation page only: one tap on the first page deletes nothing."""
    if request.form.get("sure") != "yes":
        return _confirmation(token, found)
    runtime = runtime_of_app()
    shown = held(runtime, found.tenant_id, found.contact_id)  # to name the business afterwards
    try:
        erase(runtime, found.tenant_id, found.contact_id, actor=_them(found), cause=CAUSE)
    except Conflict:
        return _page(token, found, problem="busy", status=409)
    page = render_template("public/own_deleted.html", **_around(shown))
    return _private(make_response(page))


ACTIONS: Mapping[str, Callable[[str, Found], BaseResponse]] = {
    "stop": _ends(requests.stop, "stopped"),
    "stop_marketing": _ends(requests.stop_marketing, "stopped_marketing"),
    "hours": _hours,
    "any_time": _any_time,
    "limit": _ends(requests.restrict, "limited"),
    "lift": _lift,
    "correct": _correct,
    "download": _download,
    "delete": _delete,
}


def _opened(token: str) -> Found | Response:
    """Whose page it is; else the one answer for a token that is wrong, too old or revoked."""
    runtime = runtime_of_app()
    network = network_of(client_address(request, runtime.settings.trusted_proxies))
    if wait := wait_s(runtime, [(LOOKS, network)]):
        return _too_often(wait)
    return read(runtime, token) or _gone()


def _page(token: str, found: Found, *, done: str = "", problem: str = "", status: int = 200) -> Response:
    try:
        shown = held(runtime_of_app(), found.tenant_id, found.contact_id)
    except NotFound:
        return _gone()
    around = _around(shown)
    words: Words = around["w"]
    purposes = shown.consent["purposes"]
    silent = shown.consent["restricted"] or shown.consent["carrier_blocked"] or shown.consent["state"] == "opted_out"
    gets = [] if silent else [p for p, standing in purposes.items() if standing["state"] in ("opted_in", "inquired")]
    page = render_template(
        "public/own.html",
        **around,
        token=token,
        signed=_signed(found),
        gets=[words[f"purpose_{p}"] for p in gets],
        gets_not=[words[f"purpose_{p}"] for p in purposes if p not in gets],
        marketing="marketing" in gets,
        hours=_chosen_hours(shown),
        clock=[f"{hour:02d}:00" for hour in range(EARLIEST_HOUR, LATEST_HOUR + 1)],
        masked=_masked(shown.number),
        events=[event for event in shown.events if not (event.kind == "inquiry" and event.message_id)],
        done=words.get(f"done_{done}", "").format(brand=shown.brand),
        problem=words.get(f"problem_{problem}", ""),
    )
    return _private(make_response(page, status))


def _confirmation(token: str, found: Found) -> Response:
    try:
        shown = held(runtime_of_app(), found.tenant_id, found.contact_id)
    except NotFound:
        return _gone()
    page = render_template("public/own_delete.html", **_around(shown), token=token, signed=_signed(found))
    return _private(make_response(page))


def _around(shown: Held) -> dict[str, Any]:
    language = shown.language if shown.language in LANGUAGES else LANGUAGES[0]
    g.language = language
    zone = ZoneInfo(shown.declared_zone or shown.zone)

    def moment(at: datetime) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"

    return {
        "w": own_words_in(language),
        "language": language,
        "embedded": False,
        "shown": shown,
        "brand": shown.brand,
        "phone": shown.phone,
        "email": shown.email,
        "moment": moment,
    }


def _chosen_hours(shown: Held) -> dict[str, tuple[str, str]]:
    """From and to of weekdays and of the weekend as the form shows them; two empty ones where there are no texts."""
    if shown.hours is None:
        whole = (f"{EARLIEST_HOUR:02d}:00", f"{LATEST_HOUR:02d}:00")
        return {"mon_fri": whole, "sat_sun": whole}
    spans = {days: shown.hours.get(first) or [] for days, first in (("mon_fri", "mon"), ("sat_sun", "sat"))}
    return {days: (found[0][0], found[-1][1]) if found else ("", "") for days, found in spans.items()}


def _masked(number: str) -> str:
    """Only the last digits: whoever else opens the page learns no number."""
    return "•" * 6 + " " + "".join(c for c in national(number) if c.isdigit())[-SHOWN_DIGITS:]


def _signed(found: Found) -> str:
    runtime = runtime_of_app()
    signer = LinkSigner(runtime.settings.secret_key, runtime.clock)
    return signer.sign({"link": str(found.link_id)}, FORM, FORM_LASTS_S)


def _them(found: Found) -> Actor:
    return Actor(ActorKind.LEAD, found.contact_id)


def _evidence(found: Found) -> dict[str, Any]:
    address = client_address(request, runtime_of_app().settings.trusted_proxies)
    return {
        "link": str(found.link_id),
        "ip": address[:LONGEST_ADDRESS],
        "user_agent": cleaned(request.user_agent.string).text[:LONGEST_AGENT],
    }


def _done(token: str, what: str) -> BaseResponse:
    """See the page anew, so that a reload repeats nothing."""
    return redirect(url_for("public.own_page", token=token, done=what), 303)


def _spoken() -> str:
    known: str | None = g.get("language")
    return known or request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def _gone() -> Response:
    return _problem(404, "gone", _spoken())


def _too_often(wait: float) -> Response:
    response = _problem(429, "too_often", _spoken())
    response.headers["Retry-After"] = str(math.ceil(wait))
    return response


def _problem(status: int, name: str, language: str) -> Response:
    page = render_template(
        "public/problem.html",
        w=own_words_in(language),
        language=language,
        title=name,
        advice=f"{name}_advice",
        form=None,
        embedded=False,
    )
    return _private(make_response(page, status))


def _private(response: Response) -> Response:
    """Kept by nobody, found by no search, and no link on the page tells anybody its address."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
