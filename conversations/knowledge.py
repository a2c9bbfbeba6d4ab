"""A tenant's facts as the assistant takes them, read from its rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, NamedTuple, cast

from sqlalchemy import bindparam, select

from conversations.facts import FactAnswer, Item, ItemKind, TenantFacts, Vertical
from smsbot.tenancy import Fact, Tenant
from smsbot.writes import prepared

FACTS = prepared(
    select(Fact.kind, Fact.ref, Fact.content, Fact.as_of)
    .where(Fact.tenant_id == bindparam("tenant_id"))
    .order_by(Fact.kind, Fact.ref)
)


class _Row(NamedTuple):
    kind: str
    ref: str
    content: dict[str, Any]
    as_of: datetime | None


def facts_in(tenant: Tenant, rows: Sequence[tuple[Any, ...]]) -> TenantFacts:
    """Everything that a reply of this tenant may state, from the rows of FACTS."""
    by_kind: dict[str, list[_Row]] = {}
    for one in rows:
        row = _Row(*one)
        by_kind.setdefault(row.kind, []).append(row)

    def single(kind: str) -> str:
        found = by_kind.get(kind)
        return str(found[0].content.get("text", "")) if found else ""

    return TenantFacts(
        brand=tenant.brand,
        zone=tenant.zone,
        vertical=cast(Vertical, tenant.vertical),
        languages=tuple(tenant.languages),
        hours=tuple(
            (int(str(row.content["weekday"])), _time(row.content["opens"]), _time(row.content["closes"]))
            for row in by_kind.get("hours", ())
        ),
        address=single("address"),
        city=single("city"),
        phone=tenant.help_phone or "",
        email=tenant.help_email or "",
        secure_url=tenant.secure_url or "",
        staff=tuple(str(row.content["name"]) for row in by_kind.get("staff", ())),
        items=tuple(_item(row) for kind in ("listing", "vehicle") for row in by_kind.get(kind, ())),
        answers=tuple(_answer(row.content) for row in by_kind.get("answer", ())),
        as_of=max((row.as_of for found in by_kind.values() for row in found if row.as_of), default=None),
    )


def _time(value: object) -> time:
    return time.fromisoformat(str(value))


def _item(row: _Row) -> Item:
    content = row.content
    price = content.get("price")
    return Item(
        kind=cast(ItemKind, row.kind),
        ref=row.ref,
        title=str(content["title"]),
        status=str(content["status"]),
        price=None if price is None else int(price),
        details=dict(content.get("details") or {}),
        as_of=row.as_of,
    )


def _answer(content: dict[str, object]) -> FactAnswer:
    keywords = cast(list[str], content["keywords"])
    return FactAnswer(tuple(keywords), str(content["answer"]), str(content.get("language", "en")))
