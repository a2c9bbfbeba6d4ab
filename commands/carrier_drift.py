"""`manage.py carrier drift`: where the carrier's lists and our records differ, now."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named, tenants
from commands.options import TENANT, say
from conversations.carrier_drift import NOT_WRONG, drift_of
from smsbot.errors import SendFailed
from smsbot.gateways.twilio_carrier import TwilioGateway

DEFAULT_HOURS, MOST_HOURS = 24, 24 * 30


@click.command
@click.option("--tenant", "tenant_id", type=TENANT, help="Only this one.")
@click.option(
    "--hours",
    type=click.IntRange(1, MOST_HOURS),
    default=DEFAULT_HOURS,
    show_default=True,
    help="How far back to look.",
)
def command(tenant_id: UUID | None, hours: int) -> int:
    """Compare texts, outcomes, opt-outs and blocks with the carrier's own lists. It changes nothing.

    Prints one line of JSON for each difference and, for each tenant, one with the counts. Exits with 1 when something
    is wrong: a text after an opt-out, a text of theirs that never reached us, a block or an outcome we do not know of,
    or a carrier that does not answer.
    """
    wrong = False
    with open_runtime() as runtime:
        gateway = TwilioGateway()
        for tenant in tenants(runtime) if tenant_id is None else [tenant_named(runtime, tenant_id)]:
            try:
                found = drift_of(runtime, gateway, tenant.id, runtime.clock.now() - timedelta(hours=hours))
            except SendFailed as failure:
                say({"tenant": tenant.id, "error": str(failure), "code": failure.code})
                wrong = True
                continue
            if found is None:
                say({"tenant": tenant.id, "error": "no carrier credentials: run manage.py credentials set"})
                wrong = True
                continue
            for one in found:
                say(
                    {
                        "tenant": tenant.id,
                        "kind": one.kind.value,
                        "at": one.at.isoformat(),
                        "contact": one.contact_id,
                        "message": one.message_id,
                        "carrier_sid": one.provider_sid,
                        "ours": one.ours,
                        "theirs": one.theirs,
                    }
                )
            counts = Counter(one.kind.value for one in found)
            say({"tenant": tenant.id, "name": tenant.name, "hours": hours, "differences": len(found), "counts": counts})
            wrong = wrong or any(one.kind not in NOT_WRONG for one in found)
    return int(wrong)
