"""`manage.py policy show|set|emergency|simulate|compare`: what tenants chose, and what would become of texts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select

from commands.composition import open_runtime, tenant_named, tenants
from commands.options import say, tenant_option
from consent.models import Contact
from consent.policy_settings import SettingName, choose, current_settings
from consent.purposes import CONSENTED, Purpose
from consent.quiet_hours import RULES, Rules, hours_to_json, load_rules
from consent.simulation import differences, outcome_of, simulated
from smsbot.actor import SYSTEM
from smsbot.database import TenantSession
from smsbot.errors import InvalidInput, NotFound
from smsbot.phone import e164
from smsbot.tenancy import Number

CAUSE = "command:policy"
CHOICES = [name.value for name in SettingName if name is not SettingName.EMERGENCY]
MONTH = timedelta(days=30)


class Moment(click.ParamType[datetime]):
    """A time with its offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value).strip())
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            self.fail("give a time with its offset, such as 2026-11-20T22:30:00-06:00", param, ctx)
        return at.astimezone(UTC)


class RulesFile(click.ParamType[Rules]):
    """A table of sending hours of the shape of consent/data/quiet_hours.json."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Rules:
        if isinstance(value, Rules):
            return value
        try:
            return load_rules(Path(str(value)))
        except OSError:
            self.fail("this file cannot be read", param, ctx)
        except InvalidInput as error:
            self.fail(str(error), param, ctx)


@click.group
def command() -> None:
    """Choose what a tenant's texts keep to, and ask what would become of a text."""


@command.command("show")
@tenant_option
def show(tenant_id: UUID) -> None:
    """Print the choices in force now as one line of JSON."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            chosen = current_settings(session, runtime.clock.now())
    say(
        {
            "stop_scope": chosen.stop_scope,
            "start_scope": chosen.start_scope,
            "marketing_cap": chosen.marketing_cap,
            "hours": hours_to_json(chosen.hours) if chosen.hours else None,
            "instant_night_reply": chosen.instant_night_reply,
            "line_type_lookup": chosen.line_type_lookup,
            "emergencies": sorted(chosen.emergencies),
            "hours_table": RULES.version,
        }
    )


@command.command("set")
@tenant_option
@click.argument("name", type=click.Choice(CHOICES))
@click.argument("value")
@click.option("--from", "effective_from", type=Moment(), help="In force from then on; at once when not given.")
def put(tenant_id: UUID, name: str, value: str, effective_from: datetime | None) -> None:
    """Choose NAME to be VALUE (JSON, or a word) from a day on. What was in force before stays readable."""
    try:
        meant = json.loads(value)
    except ValueError:
        meant = value
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        now = runtime.clock.now()
        with runtime.transaction(tenant_id) as session:
            choose(
                session,
                SettingName(name),
                meant,
                actor=SYSTEM,
                cause=CAUSE,
                now=now,
                effective_from=effective_from,
            )
    say({"name": name, "value": meant, "from": (effective_from or now).isoformat()})


@command.command("emergency")
@click.option("--state", required=True, help="Two capital letters, such as LA.")
@click.option("--lift", is_flag=True, help="It is over.")
@click.option("--tenant", "tenant_id", type=click.UUID, help="One tenant only; all when not given.")
def emergency(state: str, lift: bool, tenant_id: UUID | None) -> None:
    """Stop marketing to a state at once, or lift that; each tenant's record of it says when."""
    with open_runtime() as runtime:
        concerned = [tenant_named(runtime, tenant_id)] if tenant_id else tenants(runtime)
        for tenant in concerned:
            with runtime.transaction(tenant.id) as session:
                choose(
                    session,
                    SettingName.EMERGENCY,
                    not lift,
                    subject=state,
                    actor=SYSTEM,
                    cause=CAUSE,
                    now=runtime.clock.now(),
                )
    say({"state": state, "marketing": "allowed" if lift else "stopped", "tenants": len(concerned)})


@command.command("simulate")
@tenant_option
@click.option("--number", required=True, help="The person's number.")
@click.option("--purpose", type=click.Choice([purpose.value for purpose in CONSENTED]), required=True)
@click.option("--at", type=Moment(), help="Now when not given. In the past: with what had been recorded by then.")
@click.option("--first-inquiry", is_flag=True, help="The first text that follows up a form or a call.")
@click.option("--by-hand", is_flag=True, help="Written by a person, not automated.")
@click.option("--rules", type=RulesFile(), default=None, help="Another table of sending hours.")
def simulate(
    tenant_id: UUID,
    number: str,
    purpose: str,
    at: datetime | None,
    first_inquiry: bool,
    by_hand: bool,
    rules: Rules | None,
) -> None:
    """Say what would become of a text to this person: allow, defer until, or block, and why. Nothing is sent."""
    with open_runtime() as runtime:
        tenant = tenant_named(runtime, tenant_id)
        moment = at or runtime.clock.now()
        with runtime.transaction(tenant_id) as session:
            contact = _contact(session, number, tenant.countries)
            decision, window = simulated(
                session,
                tenant=tenant,
                number=_number(session),
                contact=contact,
                purpose=Purpose(purpose),
                at=moment,
                automated=not by_hand,
                first_inquiry=first_inquiry,
                rules=rules or RULES,
            )
    found = outcome_of(decision)
    say(
        {
            "outcome": found.outcome,
            "reason": found.reason,
            "until": found.until.isoformat() if found.until else None,
            "rule": found.rule,
            "hours": None
            if window is None
            else {
                "open": window.open,
                "rule": window.rule,
                "local": window.local,
                "zone": window.zone,
                "source": window.source,
            },
        }
    )


@command.command("compare")
@tenant_option
@click.option("--rules", type=RulesFile(), required=True, help="The table of sending hours to compare with.")
@click.option("--since", type=Moment(), help="30 days ago when not given.")
@click.option("--until", type=Moment(), help="Now when not given.")
def compare(tenant_id: UUID, rules: Rules, since: datetime | None, until: datetime | None) -> None:
    """Say which texts of the last month another table would have treated otherwise: a line of JSON each, then a sum."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        end = until or runtime.clock.now()
        looked_at = differing = 0
        with runtime.transaction(tenant_id) as session:
            for found in differences(session, since=since or end - MONTH, until=end, rules=rules):
                looked_at += 1
                if found is None:
                    continue
                differing += 1
                say(
                    {
                        "message_id": str(found.message_id),
                        "at": found.at.isoformat(),
                        "purpose": found.purpose.value,
                        "was": [found.was.outcome, found.was.reason, found.was.rule],
                        "would_be": [found.would_be.outcome, found.would_be.reason, found.would_be.rule],
                    }
                )
    say({"decisions": looked_at, "differ": differing, "table": RULES.version, "compared_with": rules.version})


def _contact(session: TenantSession, written: str, countries: list[str]) -> Contact:
    number = e164(written, countries[0] if countries else "US")
    found = session.scalars(
        select(Contact).where(Contact.tenant_id == session.tenant_id, Contact.address == number)
    ).first()
    if found is None:
        raise NotFound("--number: this tenant knows no such number")
    return found


def _number(session: TenantSession) -> Number:
    found = session.scalars(
        select(Number).where(Number.tenant_id == session.tenant_id).order_by(Number.created_at, Number.id).limit(1)
    ).first()
    if found is None:
        raise NotFound("this tenant has no number yet: manage.py number add")
    return found
