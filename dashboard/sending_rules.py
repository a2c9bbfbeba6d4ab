"""Sending rules as owners and managers read and choose them: hours, caps, STOP and START, words on signs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask import session as browser
from werkzeug.wrappers import Response as BaseResponse

from consent.policy_settings import MOST_MARKETING, SettingName, StartScope, StopScope
from consent.quiet_hours import RULES, WeekHours, hours_from, hours_to_json
from conversations import sending_rules
from conversations.sending_rules import Standing
from dashboard.pages import NOTICE, frame
from dashboard.requests import runtime_of_app, staff
from smsbot.errors import InvalidInput

PLACE = "rules"
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)
DAYS: Mapping[str, str] = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
NAMES: Mapping[str, str] = {
    SettingName.STOP_SCOPE: "What STOP ends",
    SettingName.START_SCOPE: "What START brings back",
    SettingName.MARKETING_CAP: "Promotions in 24 hours",
    SettingName.HOURS: "Your hours",
    SettingName.INSTANT_NIGHT_REPLY: "Answers to forms at night",
    SettingName.LINE_TYPE_LOOKUP: "Looking up the kind of line",
    SettingName.EMERGENCY: "State of emergency",
}
VALUES: Mapping[object, str] = {
    StopScope.ALL.value: "every text",
    StopScope.CATEGORY.value: "promotions, when it answers one",
    StartScope.SERVICES.value: "all but promotions",
    StartScope.ALL.value: "all, promotions too",
}
KEYWORD_NOTICES: Mapping[Standing, str] = {
    Standing.NEW: "Whoever texts {word} is known from now on.",
    Standing.CHANGED: "{word} was known already. Where it stands and its listing are changed now.",
    Standing.SAME: "{word} was known already, with the same place and listing. Nothing was changed.",
}


def shown() -> Response:
    """What is in force, and who chose it when."""
    return _page()


def choose() -> BaseResponse:
    """Choose what was changed on the page; the rest stays as it was."""
    runtime, who = runtime_of_app(), staff()
    wrong: dict[str, str] = {}
    wanted = _wanted(wrong)
    if wrong and sending_rules.may_choose(who.actor):
        return _page(wrong=wrong, typed=request.form, status=422)
    changed = sending_rules.change(runtime, who.tenant_id, who.actor, wanted)
    browser[NOTICE] = _saved(wanted[SettingName.HOURS]) if changed else "Nothing was changed."
    return redirect("/rules", 303)


def put_keyword() -> BaseResponse:
    runtime, who = runtime_of_app(), staff()
    word, source, listing = (request.form.get(name, "") for name in ("word", "source", "listing"))
    try:
        taken, standing = sending_rules.put_keyword(
            runtime, who.tenant_id, who.actor, word, source=source, listing=listing
        )
    except InvalidInput as error:
        objection = str(error)
        wrong = {error.field: f"{objection[:1].upper()}{objection[1:]}."}
        return _page(wrong=wrong, keyword=request.form, status=422)
    browser[NOTICE] = KEYWORD_NOTICES[standing].format(word=taken.upper())
    return redirect("/rules#keywords", 303)


def drop_keyword() -> BaseResponse:
    runtime, who = runtime_of_app(), staff()
    sending_rules.drop_keyword(runtime, who.tenant_id, who.actor, request.form.get("word", ""))
    browser[NOTICE] = "The word is forgotten. Leads that came by it stay."
    return redirect("/rules#keywords", 303)


def _wanted(wrong: dict[str, str]) -> dict[SettingName, Any]:
    """The choices as the page has them; why a field cannot be taken goes to `wrong`."""
    form = request.form
    return {  # in the page's order, which is that of its objections
        SettingName.HOURS: _hours_typed(wrong) if form.get("own_hours") else None,
        SettingName.MARKETING_CAP: _cap_typed(wrong),
        SettingName.STOP_SCOPE: _one_of(StopScope, SettingName.STOP_SCOPE, StopScope.ALL, wrong),
        SettingName.START_SCOPE: _one_of(StartScope, SettingName.START_SCOPE, StartScope.SERVICES, wrong),
        SettingName.INSTANT_NIGHT_REPLY: "instant_night_reply" in form,
        SettingName.LINE_TYPE_LOOKUP: "line_type_lookup" in form,
    }


def _one_of(scopes: type[StrEnum], name: SettingName, usual: StrEnum, wrong: dict[str, str]) -> str:
    chosen = request.form.get(name.value, usual.value)
    if chosen not in [one.value for one in scopes]:
        wrong[name.value] = f"{NAMES[name]}: choose one of the answers."
    return chosen


def _cap_typed(wrong: dict[str, str]) -> int | None:
    typed = request.form.get(SettingName.MARKETING_CAP.value, "").strip()
    if not typed:
        return None
    if typed.isascii() and typed.isdigit() and len(typed) < 4 and int(typed) <= MOST_MARKETING:
        return int(typed)
    wrong[SettingName.MARKETING_CAP.value] = (
        f"{NAMES[SettingName.MARKETING_CAP]}: give a whole number from 0 to {MOST_MARKETING}, or leave it empty."
    )
    return None


def _hours_typed(wrong: dict[str, str]) -> dict[str, list[list[str]]]:
    """As they are stored. A day with neither time has none; with one of them it is not understood."""
    found: dict[str, list[list[str]]] = {}
    for day, name in DAYS.items():
        opens, closes = (request.form.get(f"{day}_{end}", "").strip() for end in ("from", "to"))
        found[day] = [[opens, closes]] if opens or closes else []
        if bool(opens) != bool(closes):
            wrong[f"{day}_from"] = f"{name}: give both times, or neither for no texts that day."
        elif not all(TIME.fullmatch(one) for one in (opens, closes) if one):
            wrong[f"{day}_from"] = f"{name}: write the times as HH:MM, such as 09:00 and 17:30."
        elif opens and opens >= closes:
            wrong[f"{day}_from"] = f"{name}: From has to be earlier than To, on the same day."
    return found


def _saved(hours: dict[str, list[list[str]]] | None) -> str:
    """What is in force now: hours of one's own are no wider than the law's, whatever was chosen."""
    said = "Saved: it holds for every text from now on."
    if hours is None:
        return said
    beyond = sending_rules.beyond_law(hours_from(hours))
    if not beyond:
        return f"{said} Where a state's hours are narrower than yours, its hours hold."
    days = [name for place, name in enumerate(DAYS.values()) if place in beyond]
    named = days[0] if len(days) == 1 else f"{', '.join(days[:-1])} and {days[-1]}"
    opens, closes = _times(RULES.federal)[next(iter(DAYS))]
    return (
        "Saved: it holds for every text from now on, within the law's hours."
        f" Those cut {named} to {opens}–{closes}, and some states allow less."
    )


def _in_words(hours: Mapping[str, Any]) -> str:
    """Stored hours by the order of the week, which the database does not keep."""
    days = hours_to_json(hours_from(hours)).items()
    said = [f"{DAYS[day][:3]} {' and '.join('–'.join(span) for span in spans)}" for day, spans in days if spans]
    return ", ".join(said) or "no texts on any day"


def _page(
    *,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    keyword: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """`wrong`: why a field cannot be taken, by its name on the page; `typed`, `keyword`: what stays in the two forms."""
    runtime, who = runtime_of_app(), staff()
    now = runtime.clock.now()
    with runtime.transaction(who.tenant_id) as session:
        rules = sending_rules.sending_rules(session, who.actor, now=now)
        around = frame(session, PLACE)
    page = render_template(
        "rules.html",
        **around,
        rules=rules,
        days=DAYS,
        hours=_times(rules.current.hours),
        usual_hours=_times(RULES.default_tenant_hours),
        usual_cap=RULES.default_cap,
        table=RULES.version,
        names=NAMES,
        values=VALUES,
        typed=typed,
        keyword=keyword or {},
        wrong=wrong or {},
        in_words=_in_words,
        may_choose=sending_rules.may_choose(who.actor),
    )
    return make_response(page, status)


def _times(hours: WeekHours | None) -> dict[str, tuple[str, str]]:
    """The first span of each day, as the page shows it; "" for a day without one."""
    if hours is None:
        return {}
    return {day: (spans[0][0], spans[-1][1]) if spans else ("", "") for day, spans in hours_to_json(hours).items()}
