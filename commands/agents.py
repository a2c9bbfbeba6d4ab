"""`manage.py agent add`: a member of staff with a login."""

from __future__ import annotations

from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named
from commands.options import ADDRESS, LONGEST_EMAIL, Line, say, secret_flag, secret_from_stdin, tenant_option
from commands.staff import add_agent
from smsbot.actor import Role
from smsbot.errors import InvalidInput
from smsbot.passwords import objection_to

LONGEST_NAME = 120


@click.group
def command() -> None:
    """Add a member of staff."""


@command.command("add")
@tenant_option
@click.option("--email", type=ADDRESS, required=True, help="What they sign in with.")
@click.option("--role", type=click.Choice([one.value for one in Role]), required=True, help="What they may do.")
@click.option("--name", type=Line(LONGEST_NAME), help="Shown to colleagues and leads; from the e-mail when not given.")
@secret_flag("password", "their password")
def add(tenant_id: UUID, email: str, role: str, name: str | None, from_stdin: bool) -> None:
    """Add a member of staff; prints {"agent_id"}. Who has a login of another tenant gives that one's password."""
    if len(email) > LONGEST_EMAIL:
        raise InvalidInput("email", f"--email: give an address of at most {LONGEST_EMAIL} characters")
    password = secret_from_stdin("password")
    if objection := objection_to(password):
        raise InvalidInput("password", f"--password-stdin: {objection}")
    shown = name or email.partition("@")[0].replace(".", " ").title()[:LONGEST_NAME]
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            agent_id = add_agent(session, email=email, name=shown, role=Role(role), password=password)
    say({"agent_id": agent_id})
