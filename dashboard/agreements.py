"""Consent given on paper or aloud, as staff enter it on the dashboard."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, make_response, redirect, render_template, request
from flask import session as browser
from werkzeug.wrappers import Response as BaseResponse

from consent.purposes import Purpose
from conversations.evidence import (
    LARGEST_SCAN,
    LONGEST_DOCUMENT,
    LONGEST_WITNESS,
    LONGEST_WORDS,
    Agreement,
    How,
    Outcome,
    record_agreement,
    scan_of,
)
from conversations.inbox import thread
from conversations.leads import CLAIMABLE, InvalidLead
from dashboard.pages import NOTICE, frame
from dashboard.requests import runtime_of_app, staff
from smsbot.errors import InvalidInput

ROOM_FOR_A_FORM = 64 * 1024
LARGEST_UPLOAD = LARGEST_SCAN + ROOM_FOR_A_FORM
TYPED = ("how", "at", "words", "document", "heard_by", "signed")
HOWS = {How.PAPER: "On paper", How.VOICE: "On the phone", How.IN_PERSON: "In person, aloud"}
SAID = {
    Outcome.GRANTED: "Recorded. Texts for what they agreed to are permitted from now on.",
    Outcome.KEPT: "Kept as evidence. What they ended stays ended.",
    Outcome.KNOWN: "This was recorded before. Nothing was changed.",
}


def ask_agreement(conversation_id: UUID) -> Response:
    """The form."""
    return _page(conversation_id, {})


def record_evidence(conversation_id: UUID) -> BaseResponse:
    """Into the ledger, or back to the form with everything that is missing."""
    runtime, who = runtime_of_app(), staff()
    typed = {name: request.form.get(name, "") for name in TYPED}
    chosen = request.form.getlist("purposes")
    found: dict[str, str] = {}
    scan = None
    given = request.files.get("scan")
    try:
        scan = scan_of(given.filename or "", given.stream.read(LARGEST_SCAN + 1)) if given else None
    except InvalidInput as error:
        found["scan"] = str(error)
    if typed["how"] not in set(How):
        found["how"] = "say in which way they agreed"
    agreement = Agreement(
        how=How(typed["how"]) if typed["how"] in set(How) else How.PAPER,
        at=_moment(typed["at"], who.zone),
        purposes=[purpose for purpose in CLAIMABLE if purpose.value in chosen],
        words=typed["words"],
        heard_by=typed["heard_by"],
        signed=bool(typed["signed"]),
        document=typed["document"],
        scan=scan,
    )
    if not found:
        try:
            outcome = record_agreement(runtime, who.tenant_id, who.actor, conversation_id, agreement)
        except InvalidLead as error:
            found = {one.field: one.detail for one in reversed(error.objections)}
        else:
            browser[NOTICE] = SAID[outcome]
            return redirect(f"/c/{conversation_id}", 303)
    return _page(conversation_id, typed, chosen=chosen, objections=found, status=422)


def _moment(written: str, zone: str) -> datetime | None:
    """What a browser's field for date and time sends, in the business's own time."""
    try:
        return datetime.fromisoformat(written[:16]).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None


def _page(
    conversation_id: UUID,
    typed: dict[str, str],
    *,
    chosen: list[str] | None = None,
    objections: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    runtime, who = runtime_of_app(), staff()
    now = runtime.clock.now()
    with runtime.transaction(who.tenant_id) as session:
        found = thread(session, who.actor, conversation_id, now=now)
        shown = frame(session, "inbox")
    return make_response(
        render_template(
            "agreement.html",
            **shown,
            thread=found,
            typed=typed,
            chosen=chosen or [],
            objections=objections or {},
            hows=[(how.value, words) for how, words in HOWS.items()],
            purposes=[(purpose.value, PURPOSES[purpose]) for purpose in CLAIMABLE],
            latest=now.astimezone(ZoneInfo(who.zone)).strftime("%Y-%m-%dT%H:%M"),
            longest={"words": LONGEST_WORDS, "document": LONGEST_DOCUMENT, "heard_by": LONGEST_WITNESS},
        ),
        status,
    )


PURPOSES = {
    Purpose.INQUIRY: "Answers and follow-ups to their question",
    Purpose.APPOINTMENT: "Their appointments",
    Purpose.NOTIFICATION: "Service messages",
    Purpose.MARKETING: "Marketing (only with a signature)",
}
