"""Signing in and out, and choosing between the tenants of one login."""

from __future__ import annotations

from uuid import UUID

from flask import make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response

from dashboard.attempts import begin, counter, succeeded
from dashboard.requests import (
    KNOWN_COOKIE,
    SESSION_COOKIE,
    cookie_name,
    own_path,
    runtime_of_app,
    signed_in,
)
from dashboard.sessions import (
    KNOWN_FOR,
    LONGEST_EMAIL,
    account_of,
    browser_known_for,
    close_session,
    known_browser,
    memberships_of,
    open_session,
)
from smsbot.errors import NotFound
from smsbot.texts import cleaned
from smsbot.visitors import client_address, network_of

WRONG = "That e-mail address and password do not match."
TOO_MANY = "Too many tries. Wait a while, then try again; nobody is locked out for good."


def sign_in() -> Response:
    """The form, and what follows from it: the same answer whether the address is unknown or the password wrong."""
    wanted = own_path(request.values.get("next"))
    if request.method != "POST":
        return make_response(render_template("sign_in.html", next=wanted, email="", objection=None))
    runtime = runtime_of_app()
    email = cleaned(request.form.get("email", "")).text.strip().lower()[:LONGEST_EMAIL]
    https = runtime.settings.https
    known = browser_known_for(runtime, request.cookies.get(cookie_name(KNOWN_COOKIE, https=https), ""), email)
    attempt = begin(
        runtime,
        account=counter(runtime, "browser" if known else "account", known or email),
        network=counter(runtime, "network", network_of(client_address(request, runtime.settings.trusted_proxies))),
    )
    if attempt is None:
        return make_response(render_template("sign_in.html", next=wanted, email=email, objection=TOO_MANY), 429)
    account = account_of(runtime, email, request.form.get("password", ""))
    if account is None:
        return make_response(render_template("sign_in.html", next=wanted, email=email, objection=WRONG), 401)
    succeeded(runtime, attempt)
    # A session that somebody else may have planted in this browser ends here, and so does its form token.
    close_session(runtime, _cookie(SESSION_COOKIE))
    session.clear()
    only = account.memberships[0] if len(account.memberships) == 1 else None
    response = redirect(wanted if only else "/tenants", 303)
    _set_cookie(response, SESSION_COOKIE, open_session(runtime, account.login_id, only))
    _set_cookie(response, KNOWN_COOKIE, known_browser(runtime, email), max_age=int(KNOWN_FOR.total_seconds()))
    return response


def sign_out() -> Response:
    close_session(runtime_of_app(), _cookie(SESSION_COOKIE))
    session.clear()
    response = redirect("/login", 303)
    _set_cookie(response, SESSION_COOKIE, "", max_age=0)
    return response


def tenants() -> Response:
    """The tenants that this login is staff of."""
    found = memberships_of(runtime_of_app(), signed_in())
    return make_response(render_template("tenants.html", memberships=found))


def choose_tenant(agent_id: UUID) -> Response:
    """Act for this one from now on: the token changes with what it may do."""
    runtime, who = runtime_of_app(), signed_in()
    chosen = next((one for one, _ in memberships_of(runtime, who) if one.agent_id == agent_id), None)
    if chosen is None:
        raise NotFound("no such membership")
    close_session(runtime, _cookie(SESSION_COOKIE))
    response = redirect("/", 303)
    _set_cookie(response, SESSION_COOKIE, open_session(runtime, who.login_id, chosen, until=who.expires_at))
    return response


def _cookie(name: str) -> str:
    return request.cookies.get(cookie_name(name, https=runtime_of_app().settings.https), "")


def _set_cookie(response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
    https = runtime_of_app().settings.https
    response.set_cookie(
        cookie_name(name, https=https), value, max_age=max_age, secure=https, httponly=True, samesite="Lax", path="/"
    )
