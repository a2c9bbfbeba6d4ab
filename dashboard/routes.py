"""The dashboard's routes on one blueprint, the guard before them, and how they answer what they cannot do."""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, g, make_response, redirect, render_template, request
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from dashboard import actions, agreements, forms, imports, pages, privacy, sending_rules, sign_in
from dashboard.latest import Latest
from dashboard.requests import (
    FORM_COOKIE,
    LIVE_HEADER,
    SESSION_COOKIE,
    cookie_name,
    runtime_of_app,
)
from dashboard.sessions import session_of
from smsbot.errors import NotFound
from smsbot.logs import log_event
from smsbot.settings import Settings
from smsbot.visitors import from_elsewhere

logger = logging.getLogger(__name__)

LARGEST_FORM = 64 * 1024
LARGEST_UPLOADS = {
    "dashboard.bring_list": imports.LARGEST_UPLOAD,
    "dashboard.record_evidence": agreements.LARGEST_UPLOAD,
}
FOR_EVERYBODY = frozenset({"dashboard.sign_in", "dashboard.static"})
BEFORE_A_TENANT = frozenset({"dashboard.tenants", "dashboard.choose_tenant", "dashboard.sign_out"})
# No inline script or style anywhere; data: is for the icons of Bootstrap's own style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

dashboard = Blueprint(
    "dashboard", __name__, template_folder="templates", static_folder="static", static_url_path="/assets"
)
csrf = CSRFProtect()

dashboard.add_url_rule("/login", "sign_in", sign_in.sign_in, methods=["GET", "POST"])
dashboard.add_url_rule("/logout", "sign_out", sign_in.sign_out, methods=["POST"])
dashboard.add_url_rule("/tenants", "tenants", sign_in.tenants, methods=["GET"])
dashboard.add_url_rule("/tenants/<uuid:agent_id>", "choose_tenant", sign_in.choose_tenant, methods=["POST"])
dashboard.add_url_rule("/", "inbox", pages.inbox, methods=["GET"])
dashboard.add_url_rule("/c/<uuid:conversation_id>", "thread", pages.thread_page, methods=["GET"])
dashboard.add_url_rule("/tasks", "tasks", pages.tasks, methods=["GET"])
dashboard.add_url_rule("/alerts", "alerts", pages.alerts, methods=["GET"])
dashboard.add_url_rule("/live", "live", pages.live, methods=["GET"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/messages", "write", actions.write, methods=["POST"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/take-over", "take_over", actions.take_over, methods=["POST"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/give-back", "give_back", actions.give_back, methods=["POST"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/assign", "assign", actions.assign, methods=["POST"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/opt-out", "ask_opt_out", actions.ask_opt_out, methods=["GET"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/opt-out", "opt_out", actions.opt_out, methods=["POST"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/hold", "settle_hold", actions.settle_hold, methods=["POST"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/privacy", "ask_privacy", privacy.ask_privacy, methods=["GET"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/privacy", "do_privacy", privacy.do_privacy, methods=["POST"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/erase", "ask_erase", privacy.ask_erase, methods=["GET"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/erase", "do_erase", privacy.do_erase, methods=["POST"])
dashboard.add_url_rule("/tasks/<uuid:task_id>/done", "finish_task", actions.finish_task, methods=["POST"])
dashboard.add_url_rule("/alerts/<uuid:alert_id>/seen", "acknowledge", actions.acknowledge, methods=["POST"])
dashboard.add_url_rule("/c/<uuid:conversation_id>/consent", "ask_agreement", agreements.ask_agreement, methods=["GET"])
dashboard.add_url_rule(
    "/c/<uuid:conversation_id>/consent", "record_evidence", agreements.record_evidence, methods=["POST"]
)
dashboard.add_url_rule("/imports", "import_lists", imports.import_lists, methods=["GET"])
dashboard.add_url_rule("/imports", "bring_list", imports.bring_list, methods=["POST"])
dashboard.add_url_rule("/imports/<uuid:import_id>", "import_list", imports.import_list, methods=["GET"])
dashboard.add_url_rule("/imports/<uuid:import_id>/errors.csv", "list_errors", imports.list_errors, methods=["GET"])
dashboard.add_url_rule("/imports/<uuid:import_id>/columns", "choose_columns", imports.choose_columns, methods=["POST"])
dashboard.add_url_rule("/imports/<uuid:import_id>/start", "start_list", imports.start_list, methods=["POST"])
dashboard.add_url_rule("/imports/<uuid:import_id>/discard", "discard_list", imports.discard_list, methods=["POST"])
dashboard.add_url_rule("/rules", "rules", sending_rules.shown, methods=["GET"])
dashboard.add_url_rule("/rules", "choose_rules", sending_rules.choose, methods=["POST"])
dashboard.add_url_rule("/rules/keywords", "put_keyword", sending_rules.put_keyword, methods=["POST"])
dashboard.add_url_rule("/rules/keywords/drop", "drop_keyword", sending_rules.drop_keyword, methods=["POST"])
dashboard.add_url_rule("/forms", "forms", forms.listed, methods=["GET"])
dashboard.add_url_rule("/forms/new", "new_form", forms.new, methods=["GET", "POST"])
dashboard.add_url_rule("/forms/<uuid:form_id>", "form", forms.editor, methods=["GET"])
dashboard.add_url_rule("/forms/<uuid:form_id>", "change_form", forms.change, methods=["POST"])
dashboard.add_url_rule("/forms/<uuid:form_id>/close", "close_form", forms.close, methods=["POST"])


def register(app: Flask, settings: Settings, *, pace_s: float = 0.0) -> None:
    """`pace_s` is how long pages that follow along may share one look. Put the dashboard on the staff pool's application: templates, its own and Bootstrap's files, forms, cookies."""
    https = settings.https
    app.config.update(
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_NAME=cookie_name(FORM_COOKIE, https=https),
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,  # the guard asks: webhooks and the REST interface carry keys of their own
        WTF_CSRF_TIME_LIMIT=None,  # a form is good as long as the browser's session
        WTF_CSRF_SSL_STRICT=False,  # wants a Referer, which our Referrer-Policy withholds; the guard looks elsewhere
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(0),
    )
    app.static_url_path = "/static"  # names the place of Bootstrap's files: /bootstrap/static
    Bootstrap5().init_app(app)
    csrf.init_app(app)
    app.extensions["smsbot.latest"] = Latest(pace_s)
    app.register_blueprint(dashboard)


@dashboard.before_request
def _guard() -> BaseResponse | None:
    """Let nobody in who is not signed in, and no form that another site has sent."""
    runtime, background = runtime_of_app(), LIVE_HEADER in request.headers
    request.max_content_length = LARGEST_UPLOADS.get(request.endpoint or "", LARGEST_FORM)
    if request.endpoint not in FOR_EVERYBODY:
        cookie = request.cookies.get(cookie_name(SESSION_COOKIE, https=runtime.settings.https), "")
        found = session_of(runtime, cookie, active=not background) if cookie else None
        if found is None:
            return _sent_to_sign_in(background=background)
        if found.staff is None and request.endpoint not in BEFORE_A_TENANT:
            return redirect("/tenants", 303)
        g.signed_in = found
    if request.method == "POST":
        if from_elsewhere(request):
            return _problem(
                403, "This form came from another site", "Nothing was done. Open the page here and try again."
            )
        csrf.protect()
    return None


def _sent_to_sign_in(*, background: bool) -> BaseResponse:
    if background or request.method not in ("GET", "HEAD"):
        return _problem(401, "You are signed out", "Sign in again. What you had typed is kept when you go back.")
    wanted = request.full_path.rstrip("?")
    return redirect("/login" + (f"?{urlencode({'next': wanted})}" if wanted != "/" else ""), 303)


@dashboard.after_request
def _headers(response: Response) -> Response:
    headers = response.headers
    headers["Content-Security-Policy"] = POLICY
    headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    return response


@dashboard.errorhandler(NotFound)
@dashboard.errorhandler(404)
def _not_found(_: Exception) -> Response:
    """The same for what does not exist, what is another tenant's, and what is another agent's."""
    return _problem(404, "There is nothing here", "It may have been somebody else's, or the address is incomplete.")


@dashboard.errorhandler(CSRFError)
def _old_form(_: Exception) -> Response:
    return _problem(400, "This form is too old", "Nothing was done. Go back, reload the page and send it again.")


@dashboard.errorhandler(DBAPIError)
@dashboard.errorhandler(PoolTimeout)
def _database_away(error: Exception) -> Response:
    log_event(logger, "dashboard.database_away", level=logging.ERROR, error=error)
    return _problem(503, "We cannot reach our records", "Texts still arrive and are kept. Try again in a moment.")


@dashboard.errorhandler(Exception)
def _failed(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _problem(error.code or 500, error.name, "Nothing was done. Go back and try again.")
    log_event(logger, "dashboard.failed", level=logging.ERROR, error=error)
    return _problem(500, "Something went wrong on our side", "It has been noted. Go back and try again.")


def _problem(status: int, title: str, advice: str) -> Response:
    return make_response(render_template("problem.html", status=status, title=title, advice=advice), status)
