"""What staff read: the inbox, a conversation, tasks, alerts, and what has changed since."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from flask import Response, jsonify, make_response, render_template, request
from flask import session as browser

from conversations.explaining import because
from conversations.forms import may_manage
from conversations.inbox import (
    Changes,
    Queue,
    QueuePage,
    SharedPage,
    Thread,
    changes_after,
    newest_cursor,
    open_alerts,
    open_counts,
    open_tasks,
    queue_page,
    shared_by,
    shared_page,
    thread,
)
from dashboard import wording
from dashboard.latest import START
from dashboard.requests import LIVE_HEADER, in_background, latest_of_app, runtime_of_app, staff
from smsbot.database import TenantSession
from smsbot.events import Cursor
from smsbot.segments import segmentation

CURSOR = re.compile(r"([0-9]{1,19})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)
LARGEST_PAGE = 1000
Asked = tuple[Queue, int]
NOTICE = "notice"  # one sentence that the next page shows, in the browser's own signed cookie


def inbox() -> Response:
    """Who waits, and since when."""
    runtime, who = runtime_of_app(), staff()
    queue, page = _asked()
    if in_background():
        return _inbox_for_a_page((queue or Queue.ALL, page))
    with runtime.transaction(who.tenant_id) as session:
        shown = frame(session, "inbox")
        found = _queue(session, queue, page, runtime.clock.now())
    return make_response(render_template("inbox.html", **shown, queue=found, thread=None, live=False))


def _inbox_for_a_page(asked: Asked) -> Response:
    """The parts of the inbox that change, from a look that has reached what the page was told of.

    A person's own request is answered with what stands at that moment instead.
    """
    runtime, who, (queue, page) = runtime_of_app(), staff(), asked
    look = latest_of_app().look(runtime, who.tenant_id, beyond=_cursor_in(request.headers[LIVE_HEADER]) or START)

    def found() -> tuple[dict[str, Any], SharedPage]:
        with runtime.transaction(who.tenant_id) as session:
            shown = frame(session, "inbox")
            return shown, shared_page(session, who.actor, queue, now=shown["now"], page=page)

    def rendered() -> str:
        shown, shared = look.get(("inbox", shared_by(who.actor, queue), asked), found)
        own = {**shown, "who": who, "queue": shared.seen_by(who.actor), "thread": None}
        return render_template("inbox.html", **own, live=True)

    return make_response(look.get(("inbox of", who, asked), rendered))


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
        queue, page = _asked()
        # An open page fetches its queue from the inbox, where everybody's is the same.
        queued = None if in_background() else _queue(session, queue, page, now)
    composing = _composing(found)
    return make_response(
        render_template(
            "thread.html",
            **shown,
            queue=queued,
            asked=queued.queue if queued else queue or Queue.ALL,
            live=in_background(),
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
    cursor = _cursor_in(request.args.get("cursor", ""))
    look = latest_of_app().look(runtime, who.tenant_id)
    if cursor is None:
        return jsonify(cursor=_cursor(look.cursor), changed=[], floor=True, more=False)
    if cursor == look.cursor:
        return jsonify(cursor=_cursor(cursor), changed=[], floor=False, more=False)
    after = cursor

    def found() -> Changes:
        with runtime.transaction(who.tenant_id) as session:
            return changes_after(session, who.actor, after, until=look.cursor)

    changes = look.get(("changes", shared_by(who.actor), after), found)
    return jsonify(
        cursor=_cursor(changes.cursor),
        changed=[str(one) for one in changes.conversations],
        floor=changes.floor,
        more=changes.more,
    )


def _cursor_in(written: str) -> Cursor | None:
    found = CURSOR.fullmatch(written)
    return None if found is None else Cursor(int(found[1]), UUID(found[2]))


def frame(session: TenantSession, place: str) -> dict[str, Any]:
    """What every page shows around its content. The cursor comes first: what happens meanwhile is told again."""
    runtime, who = runtime_of_app(), staff()
    cursor = newest_cursor(session)
    open_task_count, open_alert_count = open_counts(session, who.actor)
    return {
        "place": place,
        "who": who,
        "manages_forms": may_manage(who.actor),
        "now": runtime.clock.now(),
        "cursor": _cursor(cursor),
        "task_count": open_task_count,
        "alert_count": open_alert_count,
        "notice": None if in_background() else browser.pop(NOTICE, None),
        "w": wording,
        "because": because,
    }


def _queue(session: TenantSession, queue: Queue | None, page: int, now: datetime) -> QueuePage:
    """A page of this queue; without one, of who needs a human as long as there is anybody, else of all."""
    actor = staff().actor
    if queue is not None:
        return queue_page(session, actor, queue, now=now, page=page)
    needy = queue_page(session, actor, Queue.NEEDS_HUMAN, now=now)
    return needy if needy.rows else queue_page(session, actor, Queue.ALL, now=now)


def _asked() -> tuple[Queue | None, int]:
    """The queue and the page of it that the address names."""
    try:
        queue = Queue(request.args.get("queue", ""))
    except ValueError:
        queue = None
    page = request.args.get("page", "1")
    return queue, int(page) if re.fullmatch("[1-9][0-9]{0,2}", page, re.ASCII) else 1


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
