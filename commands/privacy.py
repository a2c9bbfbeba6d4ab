"""`manage.py privacy`: a person's own page, erasing, limiting, and the file of what is held."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named
from commands.options import say, tenant_option
from conversations.inbound import wait_for_lease
from privacy import links, requests
from privacy.access import archive
from privacy.erasure import erase as erase_person
from privacy.passport import contact_with
from smsbot.actor import SYSTEM
from smsbot.errors import InvalidInput
from smsbot.runtime import Runtime

METHOD = "command"

number_option = click.option("--number", required=True, help="The person's number.")


@click.group
def command() -> None:
    """What a person may ask for: their own page, their data, a limit, their deletion."""


@command.command
@tenant_option
@number_option
def link(tenant_id: UUID, number: str) -> None:
    """A new link to the person's own page, shown once and good for 30 days. Give it to nobody else."""
    with open_runtime() as runtime:
        contact_id = _contact(runtime, tenant_id, number)
        say({"link": links.make(runtime, tenant_id, contact_id, actor=SYSTEM, cause=METHOD)})


@command.command
@tenant_option
@number_option
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The ZIP to write.")
def export(tenant_id: UUID, number: str, out: Path) -> None:
    """Everything that is held about the person, as a ZIP of JSON, CSV and pictures."""
    with open_runtime() as runtime:
        contact_id = _contact(runtime, tenant_id, number)
        packed = archive(runtime, tenant_id, contact_id, actor=SYSTEM, cause=METHOD)
    try:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(packed)
    except OSError as error:
        raise InvalidInput("out", f"--out: {out} cannot be written: {error.strerror}") from error
    say({"file": str(out), "bytes": len(packed)})


@command.command
@tenant_option
@number_option
@click.option("--yes", is_flag=True, required=True, help="It cannot be undone.")
def erase(tenant_id: UUID, number: str, yes: bool) -> None:
    """Erase the person. The number stays opted out until a START comes from it."""
    with open_runtime() as runtime:
        contact_id = _contact(runtime, tenant_id, number)
        done = erase_person(runtime, tenant_id, contact_id, actor=SYSTEM, cause=METHOD)
        say({"contact": str(done.contact_id), "messages": done.messages, "evidence": done.evidence})


@command.command
@tenant_option
@number_option
def restrict(tenant_id: UUID, number: str) -> None:
    """Keep what is held and do nothing with it: no texts, no model, no entries by staff."""
    with open_runtime() as runtime:
        contact_id = _contact(runtime, tenant_id, number)
        sending = requests.restrict(runtime, tenant_id, contact_id, actor=SYSTEM, method=METHOD)
        over = wait_for_lease(runtime, tenant_id, contact_id, sending)
        say({"contact": str(contact_id), "restricted": True, "in_flight": not over})


@command.command
@tenant_option
@number_option
def unrestrict(tenant_id: UUID, number: str) -> None:
    """Lift the limit. What they agreed to and ended stands as before."""
    with open_runtime() as runtime:
        contact_id = _contact(runtime, tenant_id, number)
        requests.unrestrict(runtime, tenant_id, contact_id, actor=SYSTEM, method=METHOD)
        say({"contact": str(contact_id), "restricted": False})


def _contact(runtime: Runtime, tenant_id: UUID, number: str) -> UUID:
    tenant_named(runtime, tenant_id)
    with runtime.transaction(tenant_id) as session:
        return contact_with(session, number)
