"""Lists of people on the dashboard: bring a file, see what it would do, have it taken in, read what became of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from flask import session as browser
from werkzeug.wrappers import Response as BaseResponse

from conversations import imports as lists
from conversations.list_rows import CONSENT_FIELDS, LEAD_FIELDS, OWN_FIELD
from conversations.sheets import LARGEST_FILE, MOST_ROWS, as_csv
from dashboard.pages import NOTICE, frame
from dashboard.requests import runtime_of_app, staff
from smsbot.errors import Conflict, InvalidInput
from smsbot.texts import cleaned

LONGEST_SOURCE = 60
ERRORS_SHOWN = 200
EXAMPLES = 2
ROOM_FOR_A_FORM = 64 * 1024
LARGEST_UPLOAD = LARGEST_FILE + ROOM_FOR_A_FORM
ADVICE = f"The file may have at most {LARGEST_FILE // 1024 // 1024} MB and {MOST_ROWS:,} rows: divide it."

# What a column may be, as the page words it.
FIELD_WORDS = {
    "number": "Phone number",
    "name": "Name",
    "language": "Language",
    "source": "Source",
    "assigned_to": "Assigned to (agent's e-mail)",
    "zip": "ZIP or postal code",
    "state": "State or province",
    "zone": "Time zone",
    "basis": "Consent: basis",
    "purposes": "Consent: purposes",
    "at": "Consent: when",
    "disclosure": "Consent: words shown",
    "disclosure_version": "Consent: version of the words",
    "page_url": "Consent: page",
    "document": "Consent: document",
    "ip": "Consent: IP address",
    "user_agent": "Consent: browser",
    "row": "The row itself",
}


def import_lists() -> Response:
    """Bring a list, and what became of the earlier ones."""
    return _lists_page()


def bring_list() -> BaseResponse:
    """Keep the file and show what it would do; no lead is touched yet."""
    runtime, who = runtime_of_app(), staff()
    given = request.files.get("file")
    if given is None or not given.filename:
        return _lists_page(objection="Choose a file first.", status=422)
    source = " ".join(cleaned(request.form.get("source", "")).text.split())
    if len(source) > LONGEST_SOURCE:
        return _lists_page(objection=f"The source may have at most {LONGEST_SOURCE} characters.", status=422)
    content = given.stream.read(LARGEST_FILE + 1)
    file = lists.ListFile(given.filename, content, shared={"source": source} if source else {})
    try:
        brought = lists.keep(runtime, who.tenant_id, who.actor, file)
    except InvalidInput as error:
        return _lists_page(objection=_sentence(str(error)), status=422)
    if brought.repeated:
        browser[NOTICE] = "This very file was taken in before. Nothing was changed."
    return redirect(f"/imports/{brought.id}", 303)


def import_list(import_id: UUID) -> Response:
    """What a list would do, does or has done."""
    return _list_page(import_id)


def choose_columns(import_id: UUID) -> BaseResponse:
    """Read the columns otherwise, and see again what the list would do."""
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        found = lists.import_at(session, import_id, actor=who.actor)
        headings = [] if found.started_at else _headings(session, import_id)
    mapping = {heading: request.form.get(f"column-{place}", "") for place, heading in enumerate(headings)}
    try:
        lists.choose(runtime, who.tenant_id, who.actor, import_id, mapping, found.shared)
    except InvalidInput as error:
        return _list_page(import_id, objection=_sentence(str(error)), status=422)
    except Conflict as error:
        browser[NOTICE] = _sentence(str(error))
    return redirect(f"/imports/{import_id}", 303)


def start_list(import_id: UUID) -> BaseResponse:
    """Have it taken in."""
    who = staff()
    lists.start(runtime_of_app(), who.tenant_id, who.actor, import_id)
    return redirect(f"/imports/{import_id}", 303)


def discard_list(import_id: UUID) -> BaseResponse:
    """Forget a list that was not started."""
    who = staff()
    try:
        lists.discard(runtime_of_app(), who.tenant_id, who.actor, import_id)
    except Conflict as error:
        browser[NOTICE] = _sentence(str(error))
        return redirect(f"/imports/{import_id}", 303)
    browser[NOTICE] = "The file is forgotten. Nothing was changed."
    return redirect("/imports", 303)


def list_errors(import_id: UUID) -> Response:
    """Every refused row as a file: its number, the field and what to do; nothing of the person."""
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        found = lists.import_at(session, import_id, actor=who.actor)
    rows: list[Sequence[object]] = [("row", "field", "what to do"), *found.errors]
    answer = make_response(as_csv(rows))
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = 'attachment; filename="errors.csv"'
    return answer


def _lists_page(*, objection: str | None = None, status: int = 200) -> Response:
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        found = lists.recent_imports(session, actor=who.actor)
        shown = frame(session, "imports")
    return make_response(
        render_template("imports.html", **shown, lists=found, objection=objection, counted=lists.counted, limit=ADVICE),
        status,
    )


def _list_page(import_id: UUID, *, objection: str | None = None, status: int = 200) -> Response:
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        found = lists.import_at(session, import_id, actor=who.actor)
        shown = frame(session, "imports")
        draft: dict[str, Any] = {}
        if found.started_at is None:
            seen = lists.draft_preview(runtime, session, import_id, actor=who.actor)
            draft = {"columns": [_column(place, *one, seen) for place, one in enumerate(seen.columns)], "seen": seen}
    return make_response(
        render_template(
            "import.html",
            **shown,
            **draft,
            found=found,
            counts=lists.counted(found.counts),
            errors=found.errors[:ERRORS_SHOWN],
            words=FIELD_WORDS,
            choices=[(name, FIELD_WORDS[name]) for name in (*LEAD_FIELDS, *CONSENT_FIELDS)],
            objection=objection,
        ),
        status,
    )


def _headings(session: Any, import_id: UUID) -> list[str]:
    seen = lists.draft_preview(runtime_of_app(), session, import_id, actor=staff().actor)
    return [heading for heading, _ in seen.columns]


def _column(place: int, heading: str, target: str | None, seen: lists.Preview) -> dict[str, Any]:
    """One column for the page: what it is called, what it is, its first values, and the field of one's own it may be."""
    own = OWN_FIELD + (re.sub(r"[^a-z0-9]+", "_", heading.lower()).strip("_")[:60] or f"column_{place + 1}")
    examples = dict.fromkeys(row[place] for row in seen.first_rows if place < len(row) and row[place].strip())
    return {
        "name": f"column-{place}",
        "heading": heading,
        "target": target or "",
        "own": target if target and target.startswith(OWN_FIELD) else own,
        "examples": list(examples)[:EXAMPLES],
    }


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")
