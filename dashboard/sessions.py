"""Signed-in browsers: rows that can be revoked, found by the hash of a random token; the cookie also names the tenant.

The cookie is `<token>.<signed>`: the token finds the row, and the signed part, which is good for that row only, says
for which of a login's tenants the browser acts. What it may do is read from the database at every request.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, String, Uuid, and_, column, delete, func, or_, select, update

from smsbot.actor import Actor, ActorKind, Role
from smsbot.crypto import LinkRefused, LinkSigner
from smsbot.database import UtcDateTime
from smsbot.passwords import hash_password, needs_rehash, objection_to, password_matches
from smsbot.runtime import Runtime
from smsbot.tenancy import Agent, Login, LoginSession, Tenant

IDLE = timedelta(minutes=30)
LASTS = timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)  # a row is not written at each request
TOKEN_BYTES = 32
PURPOSE = "dashboard session"
KNOWN_BROWSER = "known browser"
KNOWN_FOR = timedelta(days=180)
LONGEST_EMAIL = 254


@dataclass(frozen=True, slots=True)
class Membership:
    """A tenant that a login is staff of, and as whom."""

    tenant_id: UUID
    agent_id: UUID


@dataclass(frozen=True, slots=True)
class Staff:
    """The member of staff that a request speaks for."""

    tenant_id: UUID
    agent_id: UUID
    name: str
    role: Role
    brand: str
    zone: str

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.STAFF, self.agent_id, self.role)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A valid session. `staff` is None until one of several tenants is chosen."""

    session_id: UUID
    login_id: UUID
    email: str = field(repr=False)
    expires_at: datetime
    staff: Staff | None


@dataclass(frozen=True, slots=True)
class Account:
    """A login that has given its password, with the tenants that it is staff of: at least one."""

    login_id: UUID
    memberships: tuple[Membership, ...]


def account_of(runtime: Runtime, email: str, password: str) -> Account | None:
    """The account when the password is right and it may sign in, else None. An unknown one takes as long."""
    rows = _logins(runtime, email)
    matches = password_matches(password, rows[0].password_hash if rows else None)
    if not matches or rows[0].disabled_at is not None:
        return None
    found = tuple(Membership(row.tenant_id, row.agent_id) for row in rows if row.agent_id is not None)
    if not found:
        return None
    # A list of refused passwords may have grown since: the old hash stays then.
    if needs_rehash(rows[0].password_hash) and objection_to(password) is None:
        with runtime.transaction(None) as session:
            session.execute(
                update(Login).where(Login.id == rows[0].login_id).values(password_hash=hash_password(password))
            )
    return Account(rows[0].login_id, found)


def memberships_of(runtime: Runtime, signed_in: SignedIn) -> list[tuple[Membership, str]]:
    """The tenants that this login is staff of, with their names, in alphabetical order."""
    found = [
        Membership(row.tenant_id, row.agent_id) for row in _logins(runtime, signed_in.email) if row.agent_id is not None
    ]
    with runtime.transaction(None) as session:
        rows = session.execute(select(Tenant.id, Tenant.name).where(Tenant.id.in_([m.tenant_id for m in found])))
        names = {row.id: row.name for row in rows}
    return sorted(
        ((one, names[one.tenant_id]) for one in found), key=lambda pair: (pair[1].casefold(), pair[0].agent_id)
    )


def open_session(runtime: Runtime, login_id: UUID, chosen: Membership | None, *, until: datetime | None = None) -> str:
    """A new session; returns what the cookie holds. `until` keeps the end of a session that it takes the place of."""
    now = runtime.clock.now()
    token, session_id = secrets.token_urlsafe(TOKEN_BYTES), uuid4()
    with runtime.transaction(None) as session:
        session.execute(delete(LoginSession).where(LoginSession.login_id == login_id, LoginSession.expires_at < now))
        session.add(
            LoginSession(
                id=session_id,
                login_id=login_id,
                token_hash=_hash(token),
                created_at=now,
                seen_at=now,
                expires_at=until or now + LASTS,
            )
        )
    payload = {"session": str(session_id)}
    if chosen is not None:
        payload |= {"tenant": str(chosen.tenant_id), "agent": str(chosen.agent_id)}
    return f"{token}.{_signer(runtime).sign(payload, PURPOSE, LASTS.total_seconds())}"


def session_of(runtime: Runtime, cookie: str, *, active: bool) -> SignedIn | None:
    """Whose session this is; None for one that is unknown, over, revoked, or of somebody who may not any more.

    `active`: a person did something, so that the idle time begins anew; what a page asks for by itself is not that.
    """
    token, _, signed = cookie.partition(".")
    now = runtime.clock.now()
    try:
        payload = _signer(runtime).read(signed, PURPOSE)
    except LinkRefused:
        _forget(runtime, token, now)
        return None
    chosen = Membership(UUID(payload["tenant"]), UUID(payload["agent"])) if "agent" in payload else None
    # Of the tenant that the cookie names, so that one look answers for the session and for what its staff may do.
    with runtime.transaction(chosen.tenant_id if chosen else None) as session:
        row = session.execute(_who(_hash(token), chosen)).first()
        if row is None:
            return None
        if now >= row.expires_at or now - row.seen_at >= IDLE or row.disabled_at is not None:
            session.execute(delete(LoginSession).where(LoginSession.id == row.id))
            return None
        if active and now - row.seen_at >= NOTED_EVERY:
            session.execute(update(LoginSession).where(LoginSession.id == row.id).values(seen_at=now))
    if payload["session"] != str(row.id):
        return None
    if chosen is None:
        return SignedIn(row.id, row.login_id, row.email, row.expires_at, None)
    if row.name is None:
        return None
    staff = Staff(chosen.tenant_id, chosen.agent_id, row.name, row.role, row.brand, row.zone)
    return SignedIn(row.id, row.login_id, row.email, row.expires_at, staff)


def close_session(runtime: Runtime, cookie: str) -> None:
    """Sign out: from the next request on the cookie is worth nothing."""
    with runtime.transaction(None) as session:
        session.execute(delete(LoginSession).where(LoginSession.token_hash == _hash(cookie.partition(".")[0])))


def known_browser(runtime: Runtime, email: str) -> str:
    """A token for a browser that has signed in as `email`: its failures are counted apart from everybody else's."""
    browser = {"email": hashlib.sha256(email.encode()).hexdigest(), "browser": str(uuid4())}
    return _signer(runtime).sign(browser, KNOWN_BROWSER, KNOWN_FOR.total_seconds())


def browser_known_for(runtime: Runtime, token: str, email: str) -> str | None:
    """The browser's id when its token was made for `email`, else None."""
    try:
        payload = _signer(runtime).read(token, KNOWN_BROWSER)
    except LinkRefused:
        return None
    return str(payload["browser"]) if payload["email"] == hashlib.sha256(email.encode()).hexdigest() else None


def _forget(runtime: Runtime, token: str, now: datetime) -> None:
    """Nothing stays of a session that is over; the signed part of its cookie ends with it."""
    over = or_(LoginSession.expires_at <= now, LoginSession.seen_at <= now - IDLE)
    with runtime.transaction(None) as session:
        session.execute(delete(LoginSession).where(LoginSession.token_hash == _hash(token), over))


def _who(token_hash: bytes, chosen: Membership | None) -> Select[*tuple[Any, ...]]:
    """The session with its login, and with the member of staff that it acts as while there is one."""
    kept = (LoginSession.id, LoginSession.login_id, LoginSession.seen_at, LoginSession.expires_at)
    query = (
        select(*kept, Login.email, Login.disabled_at)
        .join(Login, Login.id == LoginSession.login_id)
        .where(LoginSession.token_hash == token_hash)
    )
    if chosen is None:
        return query
    acts = (
        Agent.tenant_id == chosen.tenant_id,
        Agent.id == chosen.agent_id,
        Agent.login_id == LoginSession.login_id,
        Agent.disabled_at.is_(None),
    )
    return (
        query.add_columns(Agent.name, Agent.role, Tenant.brand, Tenant.zone)
        .outerjoin(Agent, and_(*acts))
        .outerjoin(Tenant, Tenant.id == Agent.tenant_id)
    )


def _logins(runtime: Runtime, email: str) -> Sequence[Row[*tuple[Any, ...]]]:
    """One row per tenant that the login is staff of; one without a tenant when it is staff of none."""
    found = func.logins_by_email(email[:LONGEST_EMAIL]).table_valued(
        column("login_id", Uuid),
        column("password_hash", String),
        column("disabled_at", UtcDateTime),
        column("tenant_id", Uuid),
        column("agent_id", Uuid),
    )
    with runtime.transaction(None) as session:
        return session.execute(select(found)).all()


def _signer(runtime: Runtime) -> LinkSigner:
    return LinkSigner(runtime.settings.secret_key, runtime.clock)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
