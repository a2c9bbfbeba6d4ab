"""The REST interface's routes on one blueprint: parse, one use case, answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from api.answers import answer, ledger_answer
from api.callers import authenticate, caller, keep_to_the_rate, runtime_of_app
from api.idempotency import Answered, fingerprint, key_of, once
from api.lead_request import UUID_TEXT, NotJSON, json_value, new_lead
from api.openapi import DOCUMENT
from api.paging import PageRequest, page_request, place_from_json, place_to_json
from api.problems import Refused, explain_errors
from conversations.leads import conversations_after, create_lead, lead_at, ledger_after, messages_after
from smsbot.database import TenantSession

LARGEST_BODY = 64 * 1024
PREFIX = "/api/v1"

api = Blueprint("api", __name__, url_prefix=PREFIX)
explain_errors(api)


@api.before_request
def _authenticated() -> None:
    if request.endpoint != "api.openapi":
        authenticate(request)
        keep_to_the_rate()


@api.get("/openapi.json")
def openapi() -> Response:
    """The description of everything here, for anyone."""
    return jsonify(DOCUMENT)


@api.post("/leads")
def post_lead() -> Response:
    """201 with a new lead, 200 with a known one; the same again for a repeat with its Idempotency-Key."""
    runtime, who = runtime_of_app(), caller()
    body = _json_body()
    lead = new_lead(body)

    def create(session: TenantSession) -> Answered:
        view, created = create_lead(runtime, session, lead, actor=who.actor, cause="api:POST /leads")
        return Answered(HTTPStatus.CREATED if created else HTTPStatus.OK, answer(view))

    answered = once(runtime, who, key_of(request.headers), fingerprint("POST /leads", body), create)
    response = jsonify(answered.body)
    response.status_code = answered.status
    response.headers["Location"] = f"{PREFIX}/leads/{answered.body['id']}"
    if answered.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@api.get("/leads/<ref>")
def get_lead(ref: str) -> Response:
    """The lead with this id or number."""
    runtime, who = runtime_of_app(), caller()
    with runtime.transaction(who.tenant_id) as session:
        view = lead_at(
            session, UUID(ref) if UUID_TEXT.fullmatch(ref) else ref, actor=who.actor, now=runtime.clock.now()
        )
    return jsonify(answer(view))


@api.get("/conversations")
def get_conversations() -> Response:
    """Conversations, newest first, of one number or all."""
    runtime, who = runtime_of_app(), caller()
    number = request.args.get("number")
    if number is not None and number.startswith(" "):
        number = "+" + number.lstrip()  # a plus sign that was not escaped reads as a space in a query
    asked = _page(f"conversations|{number}")
    with runtime.transaction(who.tenant_id) as session:
        views = conversations_after(
            session, actor=who.actor, number=number, after=place_from_json(asked.after), limit=asked.limit + 1
        )
    shown, cursor = asked.page(views, lambda view: place_to_json(view.created_at, view.id))
    return jsonify(_list([answer(view) for view in shown], cursor))


@api.get("/conversations/<uuid:conversation_id>/messages")
def get_messages(conversation_id: UUID) -> Response:
    """The messages of one conversation, oldest first."""
    runtime, who = runtime_of_app(), caller()
    asked = _page(f"messages|{conversation_id}")
    with runtime.transaction(who.tenant_id) as session:
        views = messages_after(
            session, conversation_id, actor=who.actor, after=place_from_json(asked.after), limit=asked.limit + 1
        )
    shown, cursor = asked.page(views, lambda view: place_to_json(view.created_at, view.id, view.direction))
    return jsonify(_list([answer(view) for view in shown], cursor))


@api.get("/consent/<number>/events")
def get_consent_events(number: str) -> Response:
    """The consent ledger of one number, oldest first."""
    runtime, who = runtime_of_app(), caller()
    asked = _page(f"consent|{number}")
    with runtime.transaction(who.tenant_id) as session:
        events = ledger_after(
            runtime, session, number, actor=who.actor, after_seq=asked.after or 0, limit=asked.limit + 1
        )
    shown, cursor = asked.page(events, lambda event: event.seq)
    return jsonify(_list([ledger_answer(event) for event in shown], cursor))


def _json_body() -> Any:
    """The request's body as a JSON value, at most 64 kB of it."""
    if request.mimetype != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    request.max_content_length = LARGEST_BODY  # makes the next line raise 413
    try:
        return json_value(request.get_data())
    except NotJSON as error:
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error


def _page(listing: str) -> PageRequest:
    return page_request(request.args, secret_key=runtime_of_app().settings.secret_key, listing=listing)


def _list(items: list[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    return {"items": items, "next": cursor}
