"""`manage.py consent export`: the consent passport of one number, as JSON to check or as a page to print."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy import func, select

from commands.composition import open_runtime, tenant_named
from commands.options import ADDRESS, say, tenant_option
from privacy.passport import contact_with, export
from privacy.passport_page import page
from smsbot.actor import SYSTEM, Actor, ActorKind
from smsbot.database import TenantSession
from smsbot.errors import InvalidInput
from smsbot.tenancy import Agent, Login

CAUSE = "command:consent export"


@click.command
@tenant_option
@click.option("--number", required=True, help="The person's number.")
@click.option("--format", "kind", type=click.Choice(["json", "html"]), default="json", help="html is for printing.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here, not to standard output.")
@click.option("--by", type=ADDRESS, help="Who asks: the e-mail address of a member of staff, for the record.")
@click.option("--seal", "seals", multiple=True, help="The hash of a seal that was kept: it will be in the file.")
def command(tenant_id: UUID, number: str, kind: str, out: Path | None, by: str | None, seals: tuple[str, ...]) -> None:
    """Everything that proves what one number agreed to and was sent: events, words, texts, decisions, seals.

    Evidence is readable, or null where it was erased; hashes are hexadecimal. privacy/verify_passport.py checks the
    JSON anywhere. That it was taken is recorded, and by whom. A file that exists is not written over.
    """
    if not number.strip():
        raise InvalidInput("number", "--number: give the number in E.164, such as +13125550171")
    kept = [_hash(seal) for seal in seals]
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            actor = SYSTEM if by is None else _staff(session, by)
            contact_id = contact_with(session, number)
        if out is not None and out.exists():
            raise InvalidInput("out", f"--out: {out} exists already")
        passport = export(runtime, tenant_id, contact_id, actor=actor, cause=CAUSE, uid=os.getuid(), kept=kept)
    text = passport.text if kind == "json" else page(passport.document)
    if out is None:
        click.echo(text, nl=False)
        return
    _keep(out, text)
    say({"file": str(out), "sha256": passport.document["sha256"]})


def _hash(seal: str) -> bytes:
    """As a passport writes it, or in two halves as the log does."""
    digits = "".join(part for part in seal.lower() if part not in "-, ")
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise InvalidInput("seal", "--seal: give the 64 hexadecimal digits of a seal's hash") from error


def _staff(session: TenantSession, email: str) -> Actor:
    agent = session.scalars(
        select(Agent)
        .join(Login, Login.id == Agent.login_id)
        .where(Agent.tenant_id == session.tenant_id, func.lower(Login.email) == email.lower())
    ).first()
    if agent is None:
        raise InvalidInput("by", "--by: this tenant has no such member of staff")
    return Actor(ActorKind.STAFF, agent.id, agent.role)


def _keep(path: Path, text: str) -> None:
    """The file is its owner's alone: it holds a person's words."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InvalidInput("out", f"--out: {path} cannot be written: {error.strerror}") from error
