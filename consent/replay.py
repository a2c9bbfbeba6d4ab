"""A decision's stored inputs as the facts that it rested on, so that it can be taken again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from consent.policy import Cap, PermitFacts, SendFacts, Window
from consent.purposes import Purpose, Reason
from consent.state import Basis, ConsentState, Mark, PurposeConsent, PurposeState

MARKS = ("opted_out", "held", "carrier_blocked", "restricted")  # of the state; a decision keeps their events' ids only
BESIDE = ("ledger_seq",)  # kept with the inputs, and no decision rests on it
FIELDS = {field.name: str(field.type) for field in fields(SendFacts)}


def facts_from_json(inputs: Mapping[str, Any], *, purpose: Purpose, now: datetime) -> SendFacts:
    """The inverse of `policy.facts_to_json`; `purpose` and `now` stand in the decision's own columns.

    A mark's `since` and a standing's were not kept and no decision reads them: they are `now`. Inputs that this policy
    does not know are left out (see `unknown_inputs`), those that the older one did not have take their defaults.
    Raises ValueError for inputs that nobody writes.
    """
    given: dict[str, Any] = {"purpose": purpose, "now": now}
    try:
        given["state"] = _state(inputs, purpose, now)
        given |= {name: _value(name, value) for name, value in inputs.items() if name in FIELDS}
    except (AttributeError, TypeError) as error:
        raise ValueError("some of what it rested on cannot be read") from error
    try:
        return SendFacts(**given)
    except TypeError as error:
        raise ValueError("some of what it rested on is missing") from error


def unknown_inputs(inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of inputs that this policy does not judge: another version of it did."""
    known = {*FIELDS, *MARKS, *BESIDE, "standing"}
    return tuple(sorted(name for name in inputs if name not in known))


def _state(inputs: Mapping[str, Any], purpose: Purpose, now: datetime) -> ConsentState:
    marks: dict[str, Any] = {name: Mark(UUID(inputs[name]), now) for name in MARKS if inputs.get(name) is not None}
    purposes: dict[Purpose, PurposeConsent] = {}
    standing = inputs.get("standing")
    if standing is not None:
        state, event_id, basis, until, *_ = standing
        purposes[purpose] = PurposeConsent(
            PurposeState(state), UUID(event_id), now, Basis(basis) if basis else None, _at(until)
        )
    return ConsentState(purposes=MappingProxyType(purposes), **marks)


def _value(name: str, value: Any) -> Any:
    """One field of the facts from its JSON, by its type."""
    if value is None:
        return None
    if name == "permit":
        permit_id, event_id, expires_at, used, *outlived = value
        return PermitFacts(UUID(permit_id), UUID(event_id), datetime.fromisoformat(expires_at), used, *outlived[:1])
    if name == "window":
        is_open, opens_at, rule, *details = value
        return Window(is_open, _at(opens_at), rule, *_fitting(Window, details, 3))
    if name == "caps":
        return tuple(_cap(cap) for cap in value)
    kind = FIELDS[name].removesuffix(" | None")
    if kind == "datetime":
        return datetime.fromisoformat(value)
    if kind == "frozenset[str]":
        return frozenset(value)
    return UUID(value) if kind == "UUID" else value


def _cap(value: Sequence[Any]) -> Cap:
    reached, frees_at, reason, rule, *details = value
    return Cap(reached, _at(frees_at), Reason(reason), rule, *_fitting(Cap, details, 4))


def _fitting(kind: type[Any], details: Sequence[Any], before: int) -> Sequence[Any]:
    """As many further values as the class has fields for: a newer policy may have written more."""
    return [tuple(one) if isinstance(one, list) else one for one in details[: len(fields(kind)) - before]]


def _at(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)
