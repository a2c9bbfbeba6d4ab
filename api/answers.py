"""What the REST interface says: our values as JSON. Times are UTC with `Z`, enumerated words stay words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from consent.reading import LedgerEvent
from conversations.leads import ConversationView, LeadView, MessageView


def plain(value: Any) -> Any:
    """The value as JSON holds it: `2026-11-20T16:00:00Z` for a time, hexadecimal for bytes, text for an id."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def answer(view: LeadView | ConversationView | MessageView) -> dict[str, Any]:
    """The view with the names of its fields."""
    return {field.name: plain(getattr(view, field.name)) for field in fields(view)}


def ledger_answer(event: LedgerEvent) -> dict[str, Any]:
    """The event with the names of its columns; who did it is one object."""
    written = {field.name: plain(getattr(event, field.name)) for field in fields(event)}
    written["actor"] = {"kind": written.pop("actor_kind"), "id": written.pop("actor_id")}
    return written
