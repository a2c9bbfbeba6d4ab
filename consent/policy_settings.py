"""What a tenant has chosen about its texts, from which day on: scope of STOP and START, hours, caps, emergencies.

Choices are dated rows that nobody changes, so that a decision can be read again under the choices of its day, and a
change of the law needs a row and no new code (C-045). Defaults are the strict reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on

from consent.models import PolicySetting
from consent.quiet_hours import WeekHours, hours_from
from smsbot.actor import Actor
from smsbot.database import TenantSession
from smsbot.errors import InvalidInput
from smsbot.events import record
from smsbot.writes import prepared

MOST_MARKETING = 20  # texts to one number in any 24 hours


class SettingName(StrEnum):
    STOP_SCOPE = "stop_scope"
    START_SCOPE = "start_scope"
    MARKETING_CAP = "marketing_cap"
    HOURS = "hours"
    INSTANT_NIGHT_REPLY = "instant_night_reply"
    LINE_TYPE_LOOKUP = "line_type_lookup"
    EMERGENCY = "emergency"


class StopScope(StrEnum):
    """What a STOP ends: everything; or, as the answer to a marketing text, marketing only (FCC 24-24, 26-67)."""

    ALL = "all"
    CATEGORY = "category"


class StartScope(StrEnum):
    """What START brings back (C-030): all but marketing, or all."""

    SERVICES = "services"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """The choices in force at one moment."""

    stop_scope: StopScope = StopScope.ALL
    start_scope: StartScope = StartScope.SERVICES
    marketing_cap: int | None = None  # unset: the table's default
    hours: WeekHours | None = None  # theirs; unset: the default for marketing, and the law alone for the rest
    instant_night_reply: bool = False  # the first answer to a form may leave at night, where its words said so
    line_type_lookup: bool = False  # ask the carrier what kind of line it is before the first text to a form's number
    emergencies: frozenset[str] = frozenset()  # states that marketing may not be sent to at present


_CURRENT = (
    select(PolicySetting.name, PolicySetting.subject, PolicySetting.value)
    .ext(distinct_on(PolicySetting.name, PolicySetting.subject))
    .where(
        PolicySetting.tenant_id == bindparam("tenant_id"),
        PolicySetting.effective_from <= bindparam("now"),
        PolicySetting.set_at <= bindparam("now"),
    )
    # Whoever chose last has chosen: what was planned before does not come back over it on its day.
    .order_by(
        PolicySetting.name, PolicySetting.subject, PolicySetting.set_at.desc(), PolicySetting.effective_from.desc()
    )
)
CURRENT = prepared(_CURRENT)


def settings_in(rows: Iterable[Sequence[Any]]) -> PolicySettings:
    """The choices in the rows of CURRENT: (name, subject, value)."""
    chosen: dict[str, Any] = {}
    emergencies = set()
    for name, subject, value in rows:
        if name == SettingName.EMERGENCY:
            if value:
                emergencies.add(subject)
        elif name in _READERS:
            chosen[name] = _READERS[name](value)
    return PolicySettings(**chosen, emergencies=frozenset(emergencies))


def current_settings(session: TenantSession, now: datetime) -> PolicySettings:
    """The choices of the session's tenant at `now`."""
    rows = session.execute(_CURRENT, {"tenant_id": session.tenant_id, "now": now})
    return settings_in([tuple(row) for row in rows])


def choose(
    session: TenantSession,
    name: SettingName,
    value: Any,
    *,
    actor: Actor,
    cause: str,
    now: datetime,
    subject: str = "",
    effective_from: datetime | None = None,
) -> None:
    """Write down a choice, in force from `effective_from` (at once when not said) until a later one is.

    Raises InvalidInput(name, …), for a day that is over too: what was decided then rested on what was known then.
    """
    _check(name, value, subject)
    if effective_from is not None and effective_from < now:
        raise InvalidInput(name.value, "a choice holds from now or from a later day on")
    session.add(
        PolicySetting(
            tenant_id=session.tenant_id,
            name=name.value,
            subject=subject,
            value=value,
            effective_from=effective_from or now,
            set_at=now,
            actor_kind=actor.kind.value,
            actor_id=actor.id,
        )
    )
    record(
        session,
        "policy.chosen",
        at=now,
        actor=actor,
        cause=cause,
        details={"name": name.value, "subject": subject, "value": value},
    )


def _check(name: SettingName, value: Any, subject: str) -> None:
    if (name is SettingName.EMERGENCY) != bool(subject):
        raise InvalidInput(name.value, "only an emergency is about one state")
    if name is SettingName.EMERGENCY:
        if not isinstance(value, bool) or len(subject) != 2 or not subject.isupper():
            raise InvalidInput(name.value, "say the state as two capital letters, and true or false")
        return
    try:
        _READERS[name](value)
    except (ValueError, TypeError, AttributeError, InvalidInput) as error:
        raise InvalidInput(name.value, f"{name.value}: {error}") from error


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("say true or false")
    return value


def _hours(value: Any) -> WeekHours | None:
    return None if value is None else hours_from(value)


def _cap(value: Any) -> int | None:
    if value is None:
        return None  # the table's default again
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_MARKETING:
        raise ValueError(f"give a number from 0 to {MOST_MARKETING}")
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    SettingName.STOP_SCOPE: StopScope,
    SettingName.START_SCOPE: StartScope,
    SettingName.MARKETING_CAP: _cap,
    SettingName.HOURS: _hours,
    SettingName.INSTANT_NIGHT_REPLY: _flag,
    SettingName.LINE_TYPE_LOOKUP: _flag,
}
