"""`manage.py consent verify`: every chain, every piece of evidence, every seal."""

from __future__ import annotations

from uuid import UUID

import click

from commands.composition import cipher_of, open_runtime, tenant_named, tenants
from commands.options import TENANT
from consent.ledger import Broken, verify


@click.command
@click.option("--tenant", "tenant_id", type=TENANT, help="Only this one.")
def command(tenant_id: UUID | None) -> int:
    """Check the ledgers of all tenants.

    Exit 0 with the counts of each, or exit 1 naming the first broken event.
    """
    with open_runtime() as runtime:
        chosen = tenants(runtime) if tenant_id is None else [tenant_named(runtime, tenant_id)]
        for tenant in chosen:
            with runtime.transaction(tenant.id) as session:
                found = verify(session, cipher_of(runtime, tenant))
            if isinstance(found, Broken):
                click.echo(f"{tenant.id} ({tenant.name}) broken: {_sentence(found)}")
                return 1
            click.echo(
                f"{tenant.id} ({tenant.name}) ok: {found.contacts} contacts, {found.events} events,"
                f" {found.erased} erased, {found.seals} seals"
            )
    return 0


def _sentence(broken: Broken) -> str:
    """Where it is broken, and how: contact, place in its chain, event."""
    where = [f"contact {broken.contact_id}"] if broken.contact_id else []
    where.append(f"seq {broken.seq}")
    if broken.event_id:
        where.append(f"event {broken.event_id}")
    return f"{', '.join(where)}: {broken.what}"
