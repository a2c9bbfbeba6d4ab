"""What owners, managers and who answers for compliance do for a person's privacy: their link, a limit, a request, erasing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from flask import session as browser
from werkzeug.wrappers import Response as BaseResponse

from conversations.inbound import wait_for_lease
from conversations.inbox import thread
from conversations.staff import conversation_of
from dashboard.pages import NOTICE, frame
from dashboard.requests import runtime_of_app, staff
from privacy import links, requests
from privacy.erasure import erase
from privacy.requests import Ask
from smsbot.actor import Role
from smsbot.errors import Conflict, NotFound

MAY_DECIDE = (Role.OWNER, Role.MANAGER, Role.COMPLIANCE)
METHOD = "dashboard"


def ask_privacy(conversation_id: UUID) -> Response:
    """What can be done for this person."""
    _contact_of(conversation_id)
    return _page(conversation_id)


def do_privacy(conversation_id: UUID) -> BaseResponse:
    """One of the page's forms; an unknown one shows the page again."""
    contact_id = _contact_of(conversation_id)
    asked = ACTIONS.get(request.form.get("act", ""))
    return _page(conversation_id) if asked is None else asked(conversation_id, contact_id)


def ask_erase(conversation_id: UUID) -> Response:
    """Ask once more: nobody can undo it."""
    _contact_of(conversation_id)
    return _page(conversation_id, template="erase.html")


def do_erase(conversation_id: UUID) -> BaseResponse:
    """Erase, and say so: there is no such conversation to go back to."""
    runtime, who, contact_id = runtime_of_app(), staff(), _contact_of(conversation_id)
    if request.form.get("sure") != "yes":
        return _page(conversation_id, template="erase.html", objection="Tick the box: it cannot be undone.", status=422)
    try:
        erase(runtime, who.tenant_id, contact_id, actor=who.actor, cause=METHOD)
    except Conflict:
        objection = "A text to them is on its way at this moment. Nothing was erased: try again in half a minute."
        return _page(conversation_id, template="erase.html", objection=objection, status=409)
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, "inbox")
    return make_response(render_template("erased.html", **shown))


def _link(conversation_id: UUID, contact_id: UUID) -> BaseResponse:
    who = staff()
    made = links.make(runtime_of_app(), who.tenant_id, contact_id, actor=who.actor, cause=METHOD)
    return _page(conversation_id, link=made)


def _restrict(conversation_id: UUID, contact_id: UUID) -> BaseResponse:
    runtime, who = runtime_of_app(), staff()
    sending = requests.restrict(runtime, who.tenant_id, contact_id, actor=who.actor, method=METHOD)
    over = wait_for_lease(runtime, who.tenant_id, contact_id, sending)
    notice = "Restricted. What you hold is kept, and nothing is done with it."
    return _back(conversation_id, notice if over else f"{notice} One text was on its way already; nothing follows it.")


def _unrestrict(conversation_id: UUID, contact_id: UUID) -> BaseResponse:
    who = staff()
    requests.unrestrict(runtime_of_app(), who.tenant_id, contact_id, actor=who.actor, method=METHOD)
    return _back(conversation_id, "The restriction is lifted. What they agreed to and ended stands as before.")


def _request(what: Ask) -> Callable[[UUID, UUID], BaseResponse]:
    def noted(conversation_id: UUID, contact_id: UUID) -> BaseResponse:
        who = staff()
        requests.ask(runtime_of_app(), who.tenant_id, contact_id, what, actor=who.actor, cause=METHOD)
        return _back(conversation_id, "Noted as a task: it is due within 30 days of the first time they asked.")

    return noted


ACTIONS: Mapping[str, Callable[[UUID, UUID], BaseResponse]] = {
    "link": _link,
    "restrict": _restrict,
    "unrestrict": _unrestrict,
    **{what.value: _request(what) for what in Ask},
}


def _contact_of(conversation_id: UUID) -> UUID:
    """Whom this is about. Raises NotFound, also for who may not decide here."""
    runtime, who = runtime_of_app(), staff()
    if who.actor.role not in MAY_DECIDE:
        raise NotFound("no such conversation")
    with runtime.transaction(who.tenant_id) as session:
        return conversation_of(session, who.actor, conversation_id).contact_id


def _page(
    conversation_id: UUID, *, template: str = "privacy.html", link: str = "", objection: str = "", status: int = 200
) -> Response:
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, "inbox")
        found = thread(session, who.actor, conversation_id, now=runtime.clock.now())
    page = render_template(template, **shown, thread=found, link=link, objection=objection, asks=list(Ask))
    return make_response(page, status)


def _back(conversation_id: UUID, notice: str) -> BaseResponse:
    """See the conversation anew, so that a reload repeats nothing."""
    browser[NOTICE] = notice
    return redirect(f"/c/{conversation_id}", 303)
