"""What staff do: write, take over, give back, assign, opt out, settle a hold, finish tasks. Each: parse, act, go back."""

from __future__ import annotations

from uuid import UUID, uuid4, uuid5

from flask import Response, make_response, redirect, render_template, request
from flask import session as browser
from werkzeug.wrappers import Response as BaseResponse

from consent.purposes import Purpose
from conversations import staff as acts
from conversations.inbound import wait_for_lease
from conversations.inbox import Queue, thread
from dashboard.pages import NOTICE, frame, show_thread
from dashboard.requests import own_path, runtime_of_app, staff
from smsbot.errors import Conflict, InvalidInput
from smsbot.masking import masked
from smsbot.texts import cleaned

LONGEST_NOTE = 1000
NOTHING_SEEN = UUID(int=0)  # the page showed no text of theirs: any is newer


def write(conversation_id: UUID) -> BaseResponse:
    """A text by hand. What is refused comes back with its reason and the words that were typed."""
    runtime, who = runtime_of_app(), staff()
    # As typed: what the carrier could not take is said, not silently changed, but for what cannot be stored.
    body = cleaned(request.form.get("body", "")).text
    try:
        purpose = Purpose(request.form.get("purpose", ""))
    except ValueError:
        purpose = None
    try:
        acts.write(
            runtime,
            who.tenant_id,
            who.actor,
            conversation_id,
            body,
            purpose=purpose,
            key=_message_id(conversation_id),
            seen=_uuid(request.form.get("seen", "")) or NOTHING_SEEN,
        )
    except Conflict:
        return show_thread(
            conversation_id,
            typed=body,
            objection="They wrote while you were typing. Read their new text above, then send yours again.",
            status=409,
        )
    except InvalidInput as error:
        return show_thread(conversation_id, typed=body, objection=_sentence(str(error)), status=422)
    return _back(conversation_id)


def take_over(conversation_id: UUID) -> BaseResponse:
    who = staff()
    acts.take_over(runtime_of_app(), who.tenant_id, who.actor, conversation_id)
    return _back(conversation_id, "You have this conversation. The AI says nothing more until you give it back.")


def give_back(conversation_id: UUID) -> BaseResponse:
    who = staff()
    acts.give_back(runtime_of_app(), who.tenant_id, who.actor, conversation_id)
    return _back(conversation_id, "The AI answers again from their next text on.")


def assign(conversation_id: UUID) -> BaseResponse:
    """Whose lead it is from now on; owners and managers say so."""
    who, written = staff(), request.form.get("agent", "")
    agent_id = _uuid(written)
    if written and agent_id is None:
        return show_thread(conversation_id, objection="Choose somebody who takes leads here.", status=422)
    try:
        acts.assign(runtime_of_app(), who.tenant_id, who.actor, conversation_id, agent_id)
    except InvalidInput as error:
        return show_thread(conversation_id, objection=_sentence(str(error)), status=422)
    return _back(conversation_id, "Assigned." if agent_id else "This lead is nobody's now: every agent may pick it up.")


def ask_opt_out(conversation_id: UUID) -> Response:
    """Ask once more: staff cannot undo it."""
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, "inbox")
        found = thread(session, who.actor, conversation_id, now=runtime.clock.now())
    return make_response(render_template("opt_out.html", **shown, thread=found))


def opt_out(conversation_id: UUID) -> BaseResponse:
    """Record that they want no more texts. The answer waits for a text that was on its way."""
    who = staff()
    method = request.form.get("method") or acts.BY_STAFF
    try:
        token = acts.opt_out(runtime_of_app(), who.tenant_id, who.actor, conversation_id, _note(), method=method)
    except InvalidInput as error:
        return show_thread(conversation_id, objection=_sentence(str(error)), status=422)
    return _back(conversation_id, _after_opt_out(conversation_id, token))


def settle_hold(conversation_id: UUID) -> BaseResponse:
    """What the text that holds everything meant."""
    who, meaning = staff(), request.form.get("meaning")
    if meaning not in ("opt_out", "not_opt_out"):
        return show_thread(conversation_id, objection="Say whether it was an opt-out.", status=422)
    token = acts.settle_hold(
        runtime_of_app(),
        who.tenant_id,
        who.actor,
        conversation_id,
        is_opt_out=meaning == "opt_out",
        note=_note(),
    )
    if meaning == "opt_out":
        return _back(conversation_id, _after_opt_out(conversation_id, token))
    return _back(conversation_id, "The hold is lifted. Their text still waits for an answer.")


def finish_task(task_id: UUID) -> BaseResponse:
    runtime, who = runtime_of_app(), staff()
    try:
        acts.finish_task(runtime, who.tenant_id, who.actor, task_id)
    except Conflict as error:
        browser[NOTICE] = _sentence(str(error))
    return redirect(own_path(request.form.get("next") or "/tasks"), 303)


def acknowledge(alert_id: UUID) -> BaseResponse:
    who = staff()
    acts.acknowledge(runtime_of_app(), who.tenant_id, who.actor, alert_id)
    return redirect("/alerts", 303)


def _after_opt_out(conversation_id: UUID, token: UUID | None) -> str:
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        contact_id = acts.conversation_of(session, who.actor, conversation_id).contact_id
    if wait_for_lease(runtime, who.tenant_id, contact_id, token):
        return "Recorded. No text leaves for this person any more."
    return "Recorded. One text was on its way already; nothing follows it."


def _message_id(conversation_id: UUID) -> UUID:
    """The id of the text that this form stands for: the same form gives the same one, and no form can name another's."""
    key = _uuid(request.form.get("key", "")) or uuid4()
    return uuid5(staff().agent_id, f"{conversation_id}|{key}")


def _note() -> str:
    return masked(cleaned(request.form.get("note", "")).text.strip()[:LONGEST_NOTE]).text


def _uuid(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")


def _back(conversation_id: UUID, notice: str | None = None) -> BaseResponse:
    """See the conversation anew, so that a reload repeats nothing."""
    if notice is not None:
        browser[NOTICE] = notice
    queue = request.args.get("queue", "")
    kept = f"?queue={queue}" if queue in set(Queue) else ""
    return redirect(f"/c/{conversation_id}{kept}", 303)
