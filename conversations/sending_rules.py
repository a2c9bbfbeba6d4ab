"""What staff choose about their texts: hours, caps, what STOP and START mean, and the words on their signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select

from consent.models import PolicySetting
from consent.policy_settings import PolicySettings, SettingName, choose, current_settings
from consent.quiet_hours import RULES, Rules, WeekHours, hours_to_json
from conversations.keyword_routes import drop_route, put_route, route_of, routes
from smsbot.actor import Actor, Role
from smsbot.database import TenantSession
from smsbot.errors import NotFound
from smsbot.runtime import Runtime
from smsbot.tenancy import Agent

CAUSE = "dashboard"
MAY_SEE = (Role.OWNER, Role.MANAGER, Role.COMPLIANCE)
MAY_CHOOSE = (Role.OWNER, Role.MANAGER)
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Chosen:
    """One dated choice: who made it, and from when it holds. `value` is as it is stored."""

    name: str
    subject: str
    value: Any
    effective_from: datetime
    set_at: datetime
    by: str | None


@dataclass(frozen=True, slots=True)
class SendingRules:
    current: PolicySettings
    keywords: Sequence[tuple[UUID, str, str, Mapping[str, Any]]]  # id, word, source, fields
    history: Sequence[Chosen]  # the newest first


class Standing(StrEnum):
    """What putting a word has done."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


def may_see(actor: Actor) -> bool:
    return actor.role in MAY_SEE


def may_choose(actor: Actor) -> bool:
    return actor.role in MAY_CHOOSE


def sending_rules(session: TenantSession, actor: Actor, *, now: datetime) -> SendingRules:
    """What is in force now, and every choice that led there. Raises NotFound for who may not see it."""
    if not may_see(actor):
        raise NotFound("no such page")
    rows = session.execute(
        select(PolicySetting, Agent.name)
        .outerjoin(Agent, (Agent.tenant_id == PolicySetting.tenant_id) & (Agent.id == PolicySetting.actor_id))
        .where(PolicySetting.tenant_id == session.tenant_id)
        .order_by(PolicySetting.set_at.desc(), PolicySetting.id)
        .limit(MOST_SHOWN)
    )
    history = [Chosen(row.name, row.subject, row.value, row.effective_from, row.set_at, by) for row, by in rows]
    return SendingRules(current_settings(session, now), routes(session), history)


def change(runtime: Runtime, tenant_id: UUID, actor: Actor, wanted: Mapping[SettingName, Any]) -> int:
    """Choose what differs from what is in force; returns how much did. Raises NotFound, InvalidInput(setting, …)."""
    if not may_choose(actor):
        raise NotFound("no such page")
    now = runtime.clock.now()
    changed = 0
    with runtime.transaction(tenant_id) as session:
        before = as_stored(current_settings(session, now))
        for name, value in wanted.items():
            if value != before[name]:
                choose(session, name, value, actor=actor, cause=CAUSE, now=now)
                changed += 1
    return changed


def as_stored(settings: PolicySettings) -> dict[SettingName, Any]:
    """The choices as `choose` takes them."""
    return {
        SettingName.STOP_SCOPE: settings.stop_scope.value,
        SettingName.START_SCOPE: settings.start_scope.value,
        SettingName.MARKETING_CAP: settings.marketing_cap,
        SettingName.HOURS: hours_to_json(settings.hours) if settings.hours else None,
        SettingName.INSTANT_NIGHT_REPLY: settings.instant_night_reply,
        SettingName.LINE_TYPE_LOOKUP: settings.line_type_lookup,
    }


def beyond_law(hours: WeekHours, rules: Rules = RULES) -> list[int]:
    """The weekdays, Monday being 0, whose hours reach beyond the federal ones, which cut them. Pure."""
    return [
        day
        for day, spans in enumerate(hours.days)
        if not all(
            any(opens <= start and end <= closes for opens, closes in rules.federal.days[day]) for start, end in spans
        )
    ]


def put_keyword(
    runtime: Runtime, tenant_id: UUID, actor: Actor, word: str, *, source: str, listing: str
) -> tuple[str, Standing]:
    """Have whoever texts this word ask about this listing. Returns the word as it is compared, and whether it is new.

    Raises NotFound, InvalidInput(word or source, …).
    """
    if not may_choose(actor):
        raise NotFound("no such page")
    fields = {"listing": listing.strip()} if listing.strip() else {}
    with runtime.transaction(tenant_id) as session:
        before = route_of(session, word)
        now = runtime.clock.now()
        taken = put_route(session, word, source=source, fields=fields, actor=actor, cause=CAUSE, now=now)
        if before is None:
            return taken, Standing.NEW
        return taken, Standing.SAME if before == route_of(session, word) else Standing.CHANGED


def drop_keyword(runtime: Runtime, tenant_id: UUID, actor: Actor, word: str) -> None:
    """Forget a word. Raises NotFound."""
    if not may_choose(actor):
        raise NotFound("no such page")
    with runtime.transaction(tenant_id) as session:
        if not drop_route(session, word, actor=actor, cause=CAUSE, now=runtime.clock.now()):
            raise NotFound("no such word")
