"""`manage.py apikey add`: a key of the REST interface, shown once."""

from __future__ import annotations

from uuid import UUID, uuid4

import click

from commands.composition import open_runtime, tenant_named
from commands.options import Line, say, tenant_option
from smsbot.api_keys import new_api_key
from smsbot.tenancy import ApiKey

LONGEST_NAME = 120


@click.group
def command() -> None:
    """Add a key of the REST interface."""


@command.command("add")
@tenant_option
@click.option("--name", type=Line(LONGEST_NAME), required=True, help="What it is for.")
def add(tenant_id: UUID, name: str) -> None:
    """Make a key; prints {"key"}. It is kept as a hash only, so nobody can show it again."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        key, key_hash = new_api_key()
        with runtime.transaction(tenant_id) as session:
            session.add(ApiKey(id=uuid4(), tenant_id=tenant_id, name=name, key_hash=key_hash))
    say({"key": key})
