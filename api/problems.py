"""Errors of the REST interface as RFC 9457 problem documents: one shape for everything that is not an answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from conversations.leads import InvalidLead, Objection
from smsbot.errors import Conflict, InvalidInput, NotFound
from smsbot.logs import log_event

MEDIA_TYPE = "application/problem+json"
ROOT = "/api/"
RETRY_AFTER_S = 2
NOTHING_HERE = "there is nothing at this address"  # for what does not exist and for what is somebody else's

logger = logging.getLogger(__name__)


class Refused(HTTPException):
    """A request that is not taken, with the status and the words to say so."""

    def __init__(self, status: HTTPStatus, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.code = status.value
        self.retry_after_s = retry_after_s


def problem(
    status: HTTPStatus, detail: str, errors: Sequence[Objection] = (), headers: dict[str, str] | None = None
) -> Response:
    """A problem document. `errors` names each field that is wrong; the type is `about:blank`, so the title is HTTP's."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    if errors:
        document["errors"] = [{"field": error.field, "detail": error.detail} for error in errors]
    return Response(json.dumps(document), status.value, headers, content_type=MEDIA_TYPE)


def explain_errors(api: Blueprint) -> None:
    """Answer everything that goes wrong under `/api` with a problem document."""

    @api.before_app_request
    def _no_route() -> Response | None:
        # A request that matches no route belongs to no blueprint, so its error handlers would not be asked.
        error = request.routing_exception
        if error is None or isinstance(error, RequestRedirect) or not f"{request.path}/".startswith(ROOT):
            return None
        return _http(error)

    api.register_error_handler(HTTPException, _http)
    api.register_error_handler(InvalidInput, _invalid)
    api.register_error_handler(NotFound, lambda _: problem(HTTPStatus.NOT_FOUND, NOTHING_HERE))
    api.register_error_handler(Conflict, lambda error: problem(HTTPStatus.CONFLICT, str(error)))
    api.register_error_handler(DBAPIError, _database)
    api.register_error_handler(PoolTimeout, _database)
    api.register_error_handler(Exception, _failed)


def _http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {}
    if isinstance(error, Refused) and error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    detail = str(error.description) if isinstance(error, Refused) else status.description or status.phrase
    match status:
        case HTTPStatus.NOT_FOUND:
            detail = NOTHING_HERE
        case HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="smsbot"'
        case HTTPStatus.METHOD_NOT_ALLOWED:
            assert isinstance(error, MethodNotAllowed)
            headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return problem(status, detail, headers=headers)


def _invalid(error: InvalidInput) -> Response:
    objections = error.objections if isinstance(error, InvalidLead) else (Objection(error.field, str(error)),)
    named = ", ".join(dict.fromkeys(objection.field for objection in objections))
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"these fields cannot be taken: {named}", objections)


def _database(error: DBAPIError | PoolTimeout) -> Response:
    """Nothing was stored, or everything was: a repeat with the same Idempotency-Key is safe."""
    log_event(logger, "api.database_away", level=logging.ERROR, error=error)
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the database does not answer: try again",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _failed(error: Exception) -> Response:
    log_event(logger, "api.failed", level=logging.ERROR, error=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here, and it has been noted")
