"""`manage.py report compliance`: a day of a tenant's texts in numbers."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from commands.composition import open_runtime, tenant_named
from commands.options import say, tenant_option
from reports.compliance import as_json, report_and_alert


@click.group
def command() -> None:
    """What a tenant's texts amount to."""


@command.command("compliance")
@tenant_option
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Yesterday of the tenant's calendar when not given.")
def compliance(tenant_id: UUID, day: datetime | None) -> None:
    """Opt-outs and how quickly they held, carrier refusals, old holds, denials: one line of JSON.

    A day with a text after an opt-out, or with many opt-outs, raises an alert to the owners.
    """
    with open_runtime() as runtime:
        tenant = tenant_named(runtime, tenant_id)
        now = runtime.clock.now()
        asked = day.date() if day else (now.astimezone(ZoneInfo(tenant.zone)) - timedelta(days=1)).date()
        with runtime.transaction(tenant_id) as session:
            found = report_and_alert(session, tenant, asked, now=now)
    say(as_json(found))
