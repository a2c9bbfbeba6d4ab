"""Who calls the REST interface: the API key in `Authorization: Bearer …` names the tenant and the actor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from flask import Request, current_app, g

from api.problems import Refused
from smsbot.actor import Actor, ActorKind
from smsbot.api_keys import owner_of
from smsbot.runtime import Runtime

SCHEME = "bearer"


@dataclass(frozen=True, slots=True)
class Caller:
    tenant_id: UUID
    api_key_id: UUID

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.API_KEY, self.api_key_id)


def runtime_of_app() -> Runtime:
    """The runtime that the composition hung on the Flask application."""
    runtime = current_app.extensions["smsbot"]
    assert isinstance(runtime, Runtime)
    return runtime


def authenticate(request: Request) -> None:
    """Find the caller, for `caller()`. Raises Refused(401), the same for a key that is missing, malformed or unknown."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    owner = owner_of(runtime_of_app(), key.strip()) if scheme.lower() == SCHEME else None
    if owner is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "send a valid API key: Authorization: Bearer sk_…")
    g.caller = Caller(owner.tenant_id, owner.api_key_id)


def keep_to_the_rate() -> None:
    """Count this request of the caller's key. Raises Refused(429) when it is one too many; then nothing was done."""
    runtime = runtime_of_app()
    per_s, at_once = runtime.settings.api_rate_per_s, runtime.settings.api_burst
    wait_s = runtime.rates.wait_s(str(caller().api_key_id), per_s=per_s, at_once=at_once)
    if wait_s > 0:
        raise Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"this key may make {per_s:g} requests a second and {at_once} at once: wait as Retry-After says",
            retry_after_s=math.ceil(wait_s),
        )


def caller() -> Caller:
    """The caller of this request."""
    found = g.caller
    assert isinstance(found, Caller)
    return found
