"""The public pages' routes on one blueprint, their headers, and how they answer what they cannot do."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from public import forms, own_page, pages
from public.requests import framed_by, is_embedded
from smsbot.errors import NotFound
from smsbot.logs import log_event

logger = logging.getLogger(__name__)

LARGEST_FORM = 64 * 1024
POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors {}"

public = Blueprint(
    "public", __name__, template_folder="templates", static_folder="static", static_url_path="/form-assets"
)

public.add_url_rule("/f/<token>", "form", forms.show, methods=["GET"])
public.add_url_rule("/f/<token>", "take", forms.take, methods=["POST"])
public.add_url_rule("/f/<token>/thanks", "thanks", forms.thanks, methods=["GET"])
public.add_url_rule("/f/<token>/embed.js", "embed_script", forms.embed_script, methods=["GET"])
public.add_url_rule("/f/<token>/privacy", "privacy", pages.privacy, methods=["GET"])
public.add_url_rule("/f/<token>/terms", "terms", pages.terms, methods=["GET"])
public.add_url_rule("/l/<token>", "own_page", own_page.show, methods=["GET"])
public.add_url_rule("/l/<token>", "own_page_act", own_page.act, methods=["POST"])
public.add_url_rule("/l/<token>/delete", "own_page_delete", own_page.ask_delete, methods=["GET"])


@public.before_request
def _bound() -> None:
    request.max_content_length = LARGEST_FORM


@public.after_request
def _headers(response: Response) -> Response:
    """Nobody frames a page of ours but the sites that its form names, and only the page that is made for it."""
    headers = response.headers
    sites = " ".join(framed_by())
    headers["Content-Security-Policy"] = POLICY.format(sites or "'none'")
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    if sites and is_embedded():
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # else a site that isolates itself could not frame it
    return response


@public.errorhandler(NotFound)
@public.errorhandler(404)
def _not_found(_: Exception) -> Response:
    """The same for what never was, what is not published, and what is closed."""
    return pages.problem_page(404, "nothing_here")


@public.errorhandler(DBAPIError)
@public.errorhandler(PoolTimeout)
def _database_away(error: Exception) -> Response:
    log_event(logger, "public.database_away", level=logging.ERROR, error=error)
    return pages.problem_page(503, "away")


@public.errorhandler(Exception)
def _failed(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return pages.problem_page(error.code or 500, "failed")
    log_event(logger, "public.failed", level=logging.ERROR, error=error)
    return pages.problem_page(500, "failed")
