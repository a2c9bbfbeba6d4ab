"""The two tenants of the conversation scenarios as facts, and their named patterns."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

from conversations.facts import Item, TenantFacts

STORED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "conversation_tenants.json").read_text())
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def facts_of(name: str, **changes: Any) -> TenantFacts:
    tenant = STORED["tenants"][name]
    facts = TenantFacts(
        brand=tenant["brand"],
        zone=tenant["zone"],
        vertical=tenant["vertical"],
        languages=tuple(tenant["languages"]),
        hours=tuple(_hours(tenant["hours"])),
        city=tenant["city"],
        phone=tenant["help_phone"],
        email=tenant["help_email"],
        secure_url=tenant["secure_url"],
        staff=tuple(agent["name"] for agent in tenant["agents"]),
        items=tuple(_listing(row) for row in tenant.get("listings", ()))
        + tuple(_vehicle(row) for row in tenant.get("inventory", ())),
        as_of=datetime.fromisoformat(tenant["facts_as_of"]),
        max_age_h=tenant["fact_max_age_h"],
    )
    return replace(facts, **changes)


def slots_of(name: str) -> tuple[datetime, ...]:
    return tuple(datetime.fromisoformat(start) for start in STORED["tenants"][name]["free_slots"])


def pattern(name: str) -> re.Pattern[str]:
    return compiled(STORED["patterns"][name]["re"])


def compiled(written: str) -> re.Pattern[str]:
    body, _, flags = written[1:].rpartition("/")
    return re.compile(body, re.IGNORECASE if "i" in flags else 0)


def _hours(written: dict[str, str]) -> list[tuple[int, time, time]]:
    found = []
    for days, span in written.items():
        if span == "closed":
            continue
        first, _, last = days.partition("-")
        opens, closes = (time.fromisoformat(edge) for edge in span.split("-"))
        found += [(day, opens, closes) for day in range(WEEK.index(first), WEEK.index(last or first) + 1)]
    return found


def _listing(row: dict[str, Any]) -> Item:
    details = {
        key: row[key] for key in row if key not in ("address", "mls", "status", "price", "open_house") and row[key]
    }
    house = row.get("open_house")
    if house:
        details |= {"open_house_start": house["start"], "open_house_end": house["end"]}
    return Item("listing", row["mls"], row["address"], row["status"], row.get("price"), details)


def _vehicle(row: dict[str, Any]) -> Item:
    details = {key: row[key] for key in row if key not in ("title", "stock", "status", "price")}
    return Item("vehicle", row["stock"], row["title"], row["status"], row.get("price"), details)
