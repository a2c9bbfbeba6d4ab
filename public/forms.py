"""The form itself: shown, sent, thanked for, and the script that puts it into a page of the business."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from flask import Response, make_response, redirect, render_template, request, send_from_directory, url_for
from werkzeug.wrappers import Response as BaseResponse

from consent import disclosures
from conversations.forms import (
    AlreadySent,
    LiveForm,
    NumberProblem,
    StaleDisclosure,
    Submission,
    number_problem,
    submit,
)
from conversations.leads import InvalidLead
from public import limits
from public.opened import Opened, opened, read, signed
from public.pages import frame, problem_page
from public.requests import came_from, form_at, is_embedded, page_around, runtime_of_app
from public.wording import words_in
from smsbot.masking import masked
from smsbot.phone import e164
from smsbot.runtime import Runtime
from smsbot.texts import cleaned
from smsbot.visitors import client_address, from_elsewhere, network_of

LEAST_TIME = timedelta(seconds=2)  # nobody reads and fills in a form in less
LONGEST_NAME, LONGEST_MESSAGE, LONGEST_NUMBER, LONGEST_ZIP = 120, 1_000, 40, 12
LONGEST_AGENT, LONGEST_ADDRESS = 1_000, 64
STATIC = Path(__file__).parent / "static"
SCRIPT_LASTS_S = 300
KEPT_OF_A_MESSAGE = 4 * LONGEST_MESSAGE  # shown again when it was too long, so that nobody loses their words
TRAP = "website"  # a field that no person sees
ZIP = re.compile(r"[0-9]{5}(?:-[0-9]{4})?|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]", re.ASCII)
BOX, TICKED = "agree", "yes"
ABOUT_THE_BOX = ("checkbox_default_state", "bundled_with_terms", "checkbox_required")
NUMBER_WORDS = {
    NumberProblem.MALFORMED: "number_malformed",
    NumberProblem.COUNTRY: "number_country",
    NumberProblem.NO_MOBILE: "number_no_mobile",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person has written into the fields, as it is shown again."""

    name: str = field(default="", repr=False)
    number: str = field(default="", repr=False)
    message: str = field(default="", repr=False)
    zip: str = field(default="", repr=False)
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Why it was not taken: the name of our words for it, and the field that it is about, if one."""

    words: str
    field: str = ""


def show(token: str) -> Response:
    """The form with its box empty."""
    return _page(form_at(token), Typed())


def take(token: str) -> BaseResponse:
    """Take it, or show it again with what is wrong, everything typed kept and the box empty."""
    runtime, form = runtime_of_app(), form_at(token)
    if from_elsewhere(request):
        return problem_page(403, "elsewhere", form=form)
    typed, shown = _typed(request.form), read(runtime, request.form.get("page", ""))
    if request.form.get(TRAP) or (shown is not None and runtime.clock.now() - shown.since < LEAST_TIME):
        limits.count_bot(runtime, form.tenant_id, form.id)
        return _thanked(form)
    address = client_address(request, runtime.settings.trusted_proxies)
    if wait := limits.wait_s(runtime, [(limits.NETWORK, network_of(address)), (limits.FORM, form.id.hex)]):
        return _too_often(form, typed, shown, wait)
    if shown is None:
        return _page(form, typed, [Problem("page_old")], status=422)
    problems = [*_strange(form, shown, request.form), *_wrong(typed, form)]
    if problems:
        return _page(form, typed, problems, before=shown, status=422)
    number = e164(typed.number, form.tenant.countries[0])
    if wait := limits.wait_s(runtime, [(limits.NUMBER, f"{form.tenant_id}|{number}")]):
        return _too_often(form, typed, shown, wait)
    try:
        submit(runtime, form, _submission(runtime, form, shown, typed, address))
    except StaleDisclosure:
        return _page(form_at(token), typed, [Problem("words_changed", BOX)], before=shown, status=422)
    except AlreadySent:
        return _page(form, typed, [Problem("sent_before")], before=shown, status=409)
    except InvalidLead:
        return _page(form, typed, [Problem("number_malformed", "number")], before=shown, status=422)
    return _thanked(form)


def thanks(token: str) -> Response:
    """The same for everybody: whether the number is known, has opted out or is blocked shows nowhere."""
    form = form_at(token)
    return make_response(render_template("public/thanks.html", **frame(form)))


def embed_script(token: str) -> Response:
    """Puts the form into the page that loads this. One file for all forms: it reads from its own address which."""
    form_at(token)
    response = send_from_directory(STATIC, "embed.js", mimetype="text/javascript", max_age=SCRIPT_LASTS_S)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # a page of the business loads it
    return response


def _page(
    form: LiveForm,
    typed: Typed,
    problems: Sequence[Problem] = (),
    *,
    before: Opened | None = None,
    status: int = 200,
) -> Response:
    """The form as it stands now, signed anew. The box is empty whatever was sent: only a tick on this page counts."""
    runtime = runtime_of_app()
    shown = opened(form, runtime.clock.now(), page=page_around(form), referrer=came_from(), before=before)
    page = render_template(
        "public/form.html",
        **frame(form),
        typed=typed,
        problems=problems,
        about={problem.field: problem for problem in problems if problem.field},
        page=signed(runtime, shown),
        box=BOX,
        trap=TRAP,
        longest={"name": LONGEST_NAME, "message": LONGEST_MESSAGE, "number": LONGEST_NUMBER, "zip": LONGEST_ZIP},
    )
    return make_response(page, status)


def _too_often(form: LiveForm, typed: Typed, shown: Opened | None, wait: float) -> Response:
    response = _page(form, typed, [Problem("too_often")], before=shown, status=429)
    response.headers["Retry-After"] = str(math.ceil(wait))
    return response


def _thanked(form: LiveForm) -> BaseResponse:
    """See the thanks, so that a reload sends nothing again."""
    return redirect(url_for("public.thanks", token=form.token, embed=1 if is_embedded() else None), 303)


def _typed(sent: Mapping[str, str]) -> Typed:
    def text(name: str, longest: int) -> str:
        return masked(cleaned(sent.get(name, "")).text.strip()[:longest]).text

    return Typed(
        name=" ".join(text("name", LONGEST_NAME * 2).split()),
        number=cleaned(sent.get("number", "")).text.strip()[:LONGEST_NUMBER],
        message=text("message", KEPT_OF_A_MESSAGE),
        zip=text("zip", LONGEST_ZIP).upper(),
        ticked=sent.get(BOX) == TICKED,
    )


def _strange(form: LiveForm, shown: Opened, sent: Mapping[str, str]) -> list[Problem]:
    """What makes the tick worth nothing: words that were not shown here, or a box that was not theirs to tick (C-061)."""
    if shown.form_id != form.id or sent.get("disclosure_version", str(shown.version)) != str(shown.version):
        return [Problem("words_strange", BOX)]
    if (shown.version, shown.sha256) != (form.words.version, form.words.sha256):
        return [Problem("words_changed", BOX)]
    said = {name: sent[name] for name in ABOUT_THE_BOX if name in sent}
    found = disclosures.form_problems({**said, "checkbox_value": sent.get(BOX, "")})
    return [Problem("box_not_yours", BOX)] if any(one.item != "checkbox_value" for one in found) else []


def _wrong(typed: Typed, form: LiveForm) -> list[Problem]:
    found = []
    if not typed.name:
        found.append(Problem("name_missing", "name"))
    elif len(typed.name) > LONGEST_NAME:
        found.append(Problem("name_long", "name"))
    if not typed.number:
        found.append(Problem("number_missing", "number"))
    elif problem := number_problem(typed.number, form.tenant.countries):
        found.append(Problem(NUMBER_WORDS[problem], "number"))
    if len(typed.message) > LONGEST_MESSAGE:
        found.append(Problem("message_long", "message"))
    if typed.zip and not ZIP.fullmatch(typed.zip):
        found.append(Problem("zip_malformed", "zip"))
    return found


def _submission(runtime: Runtime, form: LiveForm, shown: Opened, typed: Typed, address: str) -> Submission:
    """With what shows that they did it: CTIA Messaging Principles 5.1.2, 16 CFR 310.5(a)(8)."""
    evidence = {
        "page_url": form.addresses.page,
        "embedded_in": shown.page,
        "referrer": shown.referrer,
        "button_label": words_in(form.words.language)["send"],
        "ip": address[:LONGEST_ADDRESS],
        "user_agent": cleaned(request.user_agent.string).text[:LONGEST_AGENT],
        "honeypot": "empty",
        "seconds_open": round((runtime.clock.now() - shown.since).total_seconds()),
    }
    return Submission(
        key=shown.key,
        version=shown.version,
        sha256=shown.sha256,
        number=typed.number,
        name=typed.name,
        message=typed.message or None,
        postal_code=typed.zip or None,
        ticked=typed.ticked,
        evidence=evidence,
    )
