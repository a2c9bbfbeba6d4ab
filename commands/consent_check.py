"""`manage.py consent check`: every text that was sent, held against the ledger."""

from __future__ import annotations

from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named, tenants
from commands.options import TENANT
from privacy.invariants import Violation, check


@click.command
@click.option("--tenant", "tenant_id", type=TENANT, help="Only this one.")
def command(tenant_id: UUID | None) -> int:
    """Hold each text that was sent against the ledger: it names a consent event that stood, a decision allowed it in
    its hours, and none followed an opt-out but what a one-shot permit covers. States are folded anew and compared.

    Exit 0 with the counts of each tenant, or exit 1 naming the first that does not fit.
    """
    with open_runtime() as runtime:
        chosen = tenants(runtime) if tenant_id is None else [tenant_named(runtime, tenant_id)]
        for tenant in chosen:
            found = check(runtime, tenant.id)
            if isinstance(found, Violation):
                click.echo(f"{tenant.id} ({tenant.name}) violation: {_sentence(found)}")
                return 1
            click.echo(
                f"{tenant.id} ({tenant.name}) ok: {found.contacts} contacts, {found.events} events,"
                f" {found.decisions} decisions that allowed a text, {found.sent} texts sent"
            )
    return 0


def _sentence(violation: Violation) -> str:
    """Whose text it is, which one, and what is wrong with it."""
    where = [f"contact {violation.contact_id}"]
    if violation.message_id:
        where.append(f"message {violation.message_id}")
    if violation.seq is not None:
        where.append(f"seq {violation.seq}")
    return f"{', '.join(where)}: {violation.what}"
