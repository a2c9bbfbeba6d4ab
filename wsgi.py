"""The web application: `application(runtime, pools)` puts the edges together; gunicorn serves `wsgi:app()`.

Importing this file does nothing. The carrier pool imports neither Twilio's REST client nor a model's.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Collection
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api.routes import api
from conversations.reconciliation import hold_for_reconciliation
from dashboard.routes import register as register_dashboard
from public.routes import public
from smsbot.heartbeats import WEB, is_deaf, keep_beating, last_beat
from smsbot.logs import configure_logging, log_event
from smsbot.probes import probes
from smsbot.runtime import Runtime, runtime_for
from smsbot.settings import load_settings
from webhooks.requests import twiml
from webhooks.routes import carrier

FOLDER = Path(__file__).resolve().parent
CARRIER_POOL, STAFF_POOL = "carrier", "staff"
PACE_S = 0.5  # of news on open pages: a text is seen that much later at most
LARGEST_REQUEST = 1024 * 1024
CARRIER_PATHS = "/webhooks/twilio"

HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
)

logger = logging.getLogger("smsbot.web")


def application(runtime: Runtime, pools: Collection[str] = (CARRIER_POOL, STAFF_POOL), *, pace_s: float = 0.0) -> Flask:
    """A Flask application with the edges of `pools`; open pages share what they ask for within `pace_s` seconds."""
    app = Flask("smsbot", static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_REQUEST, SECRET_KEY=runtime.settings.secret_key)
    app.extensions["smsbot"] = runtime
    app.register_blueprint(probes)
    if CARRIER_POOL in pools:
        app.register_blueprint(carrier)
        app.register_blueprint(api)
    if STAFF_POOL in pools:
        register_dashboard(app, runtime.settings, pace_s=pace_s)
        app.register_blueprint(public)
    app.register_error_handler(Exception, _failed)
    app.after_request(_headers)
    return app


def app() -> Flask:
    """gunicorn's entry: settings from the environment, `SMSBOT_POOLS` says which pool this process is."""
    settings = load_settings(os.environ, FOLDER)
    pools = os.environ.get("SMSBOT_POOLS", f"{CARRIER_POOL},{STAFF_POOL}").split(",")
    configure_logging("web")
    runtime = runtime_for(settings, pool_size=16, watchful=True)  # a webhook is 503 within a second, and repeated
    if CARRIER_POOL in pools:
        name = f"{WEB}{socket.gethostname()}:{os.getpid()}"[:80]
        threading.Thread(
            target=keep_beating,
            args=(runtime, name, threading.Event()),
            kwargs={"before": lambda: hold_if_deaf(runtime)},
            daemon=True,
        ).start()
    return application(runtime, pools, pace_s=PACE_S)


def hold_if_deaf(runtime: Runtime) -> None:
    """Nobody took the carrier's webhooks for a while: before anything leaves, its list is read."""
    if is_deaf(runtime):
        hold_for_reconciliation(runtime, last_beat(runtime, WEB) or runtime.clock.now())


def _failed(error: Exception) -> Response | HTTPException:
    """What no edge has answered for: a plain sentence, never a traceback."""
    if isinstance(error, HTTPException) and request.path.startswith(CARRIER_PATHS):
        return twiml(error.code or 500)  # Twilio would text a plain sentence to the person
    if isinstance(error, HTTPException):
        return Response(f"{error.code} {error.name}\n", error.code, content_type="text/plain; charset=utf-8")
    log_event(logger, "web.failed", level=logging.ERROR, error=error)
    return Response("500 Internal Server Error\n", 500, content_type="text/plain; charset=utf-8")


def _headers(response: Response) -> Response:
    """Headers of every answer; pages with scripts of their own come with a policy of their own."""
    headers = response.headers
    there = {name.lower() for name, _ in headers}
    headers.extend([(name, value) for name, value in HEADERS if name.lower() not in there])
    return response
