"""A tenant's facts as the assistant takes them, read from its rows."""

from __future__ import annotations

from datetime import time
from typing import Any, cast

from sqlalchemy import select

from conversations.facts import FactAnswer, Item, ItemKind, TenantFacts, Vertical
from smsbot.database import TenantSession
from smsbot.tenancy import Fact, Tenant


def facts_of(session: TenantSession, tenant: Tenant) -> TenantFacts:
    """Everything that a reply of this tenant may state."""
    rows = session.scalars(select(Fact).where(Fact.tenant_id == tenant.id).order_by(Fact.kind, Fact.ref)).all()
    by_kind: dict[str, list[Fact]] = {}
    for row in rows:
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
        as_of=max((row.as_of for row in rows if row.as_of), default=None),
    )


def _time(value: object) -> time:
    return time.fromisoformat(str(value))


def _item(row: Fact) -> Item:
    content = cast(dict[str, Any], row.content)
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
