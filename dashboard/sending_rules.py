"""Sending rules as owners and managers read and choose them: hours, caps, STOP and START, words on signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask import session as browser
from werkzeug.wrappers import Response as BaseResponse

from consent.policy_settings import SettingName, StartScope, StopScope
from consent.quiet_hours import RULES, WeekHours, hours_to_json
from conversations import sending_rules
from dashboard.pages import NOTICE, frame
from dashboard.requests import runtime_of_app, staff
from smsbot.errors import InvalidInput

PLACE = "rules"
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


def shown() -> Response:
    """What is in force, and who chose it when."""
    return _page()


def choose() -> BaseResponse:
    """Choose what was changed on the page; the rest stays as it was."""
    runtime, who = runtime_of_app(), staff()
    try:
        wanted = _wanted()
        changed = sending_rules.change(runtime, who.tenant_id, who.actor, wanted)
    except InvalidInput as error:
        return _page(objection=str(error), field=error.field, status=422)
    browser[NOTICE] = "Saved: it holds for every text from now on." if changed else "Nothing was changed."
    return redirect("/rules", 303)


def put_keyword() -> BaseResponse:
    runtime, who = runtime_of_app(), staff()
    word, source, listing = (request.form.get(name, "") for name in ("word", "source", "listing"))
    try:
        taken = sending_rules.put_keyword(runtime, who.tenant_id, who.actor, word, source=source, listing=listing)
    except InvalidInput as error:
        return _page(objection=str(error), field=error.field, status=422)
    browser[NOTICE] = f"Whoever texts {taken.upper()} is known from now on."
    return redirect("/rules#keywords", 303)


def drop_keyword() -> BaseResponse:
    runtime, who = runtime_of_app(), staff()
    sending_rules.drop_keyword(runtime, who.tenant_id, who.actor, request.form.get("word", ""))
    browser[NOTICE] = "The word is forgotten. Leads that came by it stay."
    return redirect("/rules#keywords", 303)


def _wanted() -> dict[SettingName, Any]:
    form = request.form
    cap = form.get("marketing_cap", "").strip()
    if cap and not (cap.isascii() and cap.isdigit() and len(cap) < 4):
        raise InvalidInput("marketing_cap", "Give the number of promotions as a whole number.")
    return {
        SettingName.STOP_SCOPE: form.get("stop_scope", StopScope.ALL.value),
        SettingName.START_SCOPE: form.get("start_scope", StartScope.SERVICES.value),
        SettingName.MARKETING_CAP: int(cap) if cap else None,
        SettingName.HOURS: _hours_typed() if form.get("own_hours") else None,
        SettingName.INSTANT_NIGHT_REPLY: "instant_night_reply" in form,
        SettingName.LINE_TYPE_LOOKUP: "line_type_lookup" in form,
    }


def _hours_typed() -> dict[str, list[list[str]]]:
    """As they are stored. A day with neither time has none; with one of them it is not understood."""
    found: dict[str, list[list[str]]] = {}
    for day, name in DAYS.items():
        opens, closes = (request.form.get(f"{day}_{end}", "").strip() for end in ("from", "to"))
        if bool(opens) != bool(closes):
            raise InvalidInput("hours", f"{name}: give both times, or neither for no texts that day.")
        found[day] = [[opens, closes]] if opens else []
    return found


def _page(*, objection: str | None = None, field: str | None = None, status: int = 200) -> Response:
    runtime, who = runtime_of_app(), staff()
    now = runtime.clock.now()
    with runtime.transaction(who.tenant_id) as session:
        rules = sending_rules.sending_rules(session, who.actor, now=now)
        around = frame(session, PLACE)
    typed = request.form if objection else None
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
        objection=objection,
        field=field,
        may_choose=sending_rules.may_choose(who.actor),
    )
    return make_response(page, status)


def _times(hours: WeekHours | None) -> dict[str, tuple[str, str]]:
    """The first span of each day, as the page shows it; "" for a day without one."""
    if hours is None:
        return {}
    return {day: (spans[0][0], spans[-1][1]) if spans else ("", "") for day, spans in hours_to_json(hours).items()}
