"""The Flask application of a test's own runtime, made from one whose routes and templates were put together once."""

from __future__ import annotations

import copy

from flask import Flask

from conversations.accepting import Accepting
from dashboard.latest import Latest
from smsbot.accounts import SharedLookUps
from smsbot.runtime import Runtime
from webhooks.requests import SHARED, Shared
from wsgi import application

_patterns: dict[bool, Flask] = {}  # https -> the application that the others are copies of


def application_of(runtime: Runtime) -> Flask:
    """As `wsgi.application(runtime)`, in a hundredth of the time: every test has its own, and its own alone.

    Shared are the rules, the handlers and the templates, which nobody changes; not what belongs to a runtime.
    """
    pattern = _patterns.get(runtime.settings.https)
    if pattern is None:
        pattern = _patterns[runtime.settings.https] = application(runtime)
    app = copy.copy(pattern)
    app.config = copy.copy(pattern.config)
    app.config["SECRET_KEY"] = runtime.settings.secret_key
    app.extensions = {
        **pattern.extensions,
        "smsbot": runtime,
        "smsbot.latest": Latest(0.0),
        SHARED: Shared(SharedLookUps(runtime), Accepting(runtime)),
    }
    return app
