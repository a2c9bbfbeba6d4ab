"""What staff read: the inbox, a conversation, tasks, alerts, and what has changed since."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from flask import Response, jsonify, make_response, render_template, request
from flask import session as browser

from conversations.explaining import because
from conversations.inbox import (
    Queue,
    Thread,
    changes_after,
    newest_cursor,
    open_alerts,
    open_counts,
    open_tasks,
    queue_page,
    thread,
)
from dashboard import wording
from dashboard.requests import runtime_of_app, staff
from smsbot.database import TenantSession
from smsbot.events import Cursor
from smsbot.segments import segmentation

CURSOR = re.compile(r"([0-9]{1,19})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)
LARGEST_PAGE = 1000
NOTICE = "notice"  # one sentence that the next page shows, in the browser's own signed cookie


def inbox() -> Response:
    """Who waits, and since when."""
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, "inbox")
        queue = _queue(session)
    return make_response(render_template("inbox.html", **shown, queue=queue, thread=None))


def thread_page(conversation_id: UUID) -> Response:
    """One conversation beside its queue."""
    return show_thread(conversation_id)


def show_thread(conversation_id: UUID, *, typed: str = "", objection: str | None = None, status: int = 200) -> Response:
    """The page of a conversation; `typed` and `objection` come from a text that could not be taken."""
    runtime, who = runtime_of_app(), staff()
    now = runtime.clock.now()
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, "inbox")
        found = thread(session, who.actor, conversation_id, now=now, before=_before())
        queue = _queue(session)
    composing = _composing(found)
    return make_response(
        render_template(
            "thread.html",
            **shown,
            queue=queue,
            thread=found,
            typed=typed,
            measured=segmentation(typed) if typed else None,
            objection=objection,
            key=uuid4(),
            chosen=request.form.get("purpose"),
            blocked=composing,
        ),
        status,
    )


def tasks() -> Response:
    """What is left to people, what is due first on top."""
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, "tasks")
        found = open_tasks(session, who.actor)
    return make_response(render_template("tasks.html", **shown, tasks=found))


def alerts() -> Response:
    """What somebody has to know."""
    runtime, who = runtime_of_app(), staff()
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, "alerts")
        found = open_alerts(session, who.actor)
    return make_response(render_template("alerts.html", **shown, alerts=found))


def live() -> Response:
    """What has changed after `cursor`, as JSON: ids only. A cursor that is none of ours begins anew."""
    runtime, who = runtime_of_app(), staff()
    written = CURSOR.fullmatch(request.args.get("cursor", ""))
    with runtime.transaction(who.tenant_id) as session:
        if written is None:
            return jsonify(cursor=_cursor(newest_cursor(session)), changed=[], floor=True, more=False)
        changes = changes_after(session, who.actor, Cursor(int(written[1]), UUID(written[2])))
    return jsonify(
        cursor=_cursor(changes.cursor),
        changed=sorted(str(one) for one in changes.conversations),
        floor=changes.floor,
        more=changes.more,
    )


def frame(session: TenantSession, place: str) -> dict[str, Any]:
    """What every page shows around its content. The cursor comes first: what happens meanwhile is told again."""
    runtime, who = runtime_of_app(), staff()
    cursor = newest_cursor(session)
    open_task_count, open_alert_count = open_counts(session, who.actor)
    return {
        "place": place,
        "who": who,
        "now": runtime.clock.now(),
        "cursor": _cursor(cursor),
        "task_count": open_task_count,
        "alert_count": open_alert_count,
        "notice": browser.pop(NOTICE, None),
        "w": wording,
        "because": because,
    }


def _queue(session: TenantSession) -> Any:
    try:
        queue = Queue(request.args.get("queue", ""))
    except ValueError:
        queue = Queue.ALL
    page = request.args.get("page", "1")
    number = int(page) if re.fullmatch("[1-9][0-9]{0,2}", page, re.ASCII) else 1
    return queue_page(session, staff().actor, queue, now=runtime_of_app().clock.now(), page=number)


def _before() -> datetime | None:
    """The time that an "earlier texts" link names, in microseconds."""
    written = request.args.get("before", "")
    if not re.fullmatch("[0-9]{1,17}", written, re.ASCII):
        return None
    return datetime.fromtimestamp(int(written) / 1_000_000, tz=UTC)


def _composing(found: Thread) -> str | None:
    """Why nothing can be sent by hand now, in a sentence, or None."""
    objections = [choice.objection for choice in found.choices]
    first = objections[0]
    if first is None or None in objections:
        return None
    return "say first whether their text was an opt-out" if found.held_at else because(first.value)


def _cursor(cursor: Cursor) -> str:
    return f"{cursor.xid}.{cursor.id}"
