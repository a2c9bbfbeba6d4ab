"""Decides again from what a row of `decisions` holds, as an auditor would."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from consent.policy import Cap, PermitFacts, SendFacts, Window
from consent.purposes import Purpose, Reason
from consent.state import Basis, ConsentState, Mark, PurposeConsent, PurposeState


def facts_from(purpose: Purpose, now: datetime, inputs: Mapping[str, Any]) -> SendFacts:
    """The facts that the decision rested on; KeyError when the row does not hold one of them."""

    def at(value: str | None) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)

    def mark(value: str | None) -> Mark | None:
        return None if value is None else Mark(UUID(value), now)

    purposes = {}
    if inputs["standing"] is not None:
        state, event_id, basis, until = inputs["standing"]
        purposes[purpose] = PurposeConsent(
            PurposeState(state), UUID(event_id), now, Basis(basis) if basis else None, at(until)
        )
    permit = None
    if inputs["permit"] is not None:
        permit_id, event_id, expires_at, used, outlived = inputs["permit"]
        permit = PermitFacts(UUID(permit_id), UUID(event_id), datetime.fromisoformat(expires_at), used, outlived)
    window = None
    if inputs["window"] is not None:
        is_open, opens_at, rule = inputs["window"]
        window = Window(is_open, datetime.fromisoformat(opens_at), rule)
    return SendFacts(
        purpose=purpose,
        now=now,
        state=ConsentState(
            purposes=MappingProxyType(purposes),
            **{key: mark(inputs[key]) for key in ("opted_out", "held", "carrier_blocked", "restricted")},
        ),
        countries=frozenset(inputs["countries"]),
        permit=permit,
        window=window,
        caps=tuple(
            Cap(reached, at(frees_at), Reason(reason), rule) for reached, frees_at, reason, rule in inputs["caps"]
        ),
        **{key: at(inputs[key]) for key in ("in_reply_to_at", "number_paused_until", "stale_after")},
        **{
            key: inputs[key]
            for key in (
                "automated",
                "textable",
                "country",
                "never_wrote",
                "contact_blocked",
                "wrong_number",
                "unreachable_code",
                "tenant_paused",
                "sending_stopped",
                "number_reconciling",
                "has_credentials",
                "newer_text",
                "taken_over",
                "mode_off",
                "draft_only",
            )
        },
    )
