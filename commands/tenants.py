"""`manage.py tenant add|set|list`."""

from __future__ import annotations

from uuid import UUID, uuid4

import click
from sqlalchemy import select

from commands.accounts import refuse_sharing, set_credential, set_up_of
from commands.composition import open_runtime, tenant_named, tenants
from commands.options import (
    ACCOUNT,
    ADDRESS,
    NUMBER,
    ZONE,
    Line,
    say,
    secret_flag,
    tenant_option,
    token_from_stdin,
    warn_of,
)
from consent.policy_settings import SettingName, choose, current_settings
from smsbot.actor import SYSTEM
from smsbot.errors import InvalidInput
from smsbot.runtime import Runtime
from smsbot.tenancy import CredentialKind, Number, Tenant

LONGEST_NAME, LONGEST_BRAND, LONGEST_PHONE = 200, 60, 32


@click.group
def command() -> None:
    """Add, change or list tenants: the businesses that use the product."""


@command.command("add")
@click.option("--name", type=Line(LONGEST_NAME), required=True, help="The business's name; its brand in texts too.")
@click.option("--timezone", "zone", type=ZONE, required=True, help="Such as America/Chicago.")
@click.option("--number", type=NUMBER, required=True, help="Its first number, a long code at first.")
@click.option("--account-sid", type=ACCOUNT, required=True, help="The carrier account that the number is in.")
@secret_flag("auth-token", "the account's auth token")
def add(name: str, zone: str, number: str, account_sid: str, from_stdin: bool) -> None:
    """Add a tenant with its number and credentials; prints {"tenant_id"}.

    The number becomes a long code whose STOP, HELP and START the carrier answers: change that with `number set`.
    """
    if not number.startswith("+"):
        raise InvalidInput("number", "--number: a tenant begins with a number in E.164; add a short code afterwards")
    token = token_from_stdin("auth token")
    with open_runtime() as runtime:
        refuse_sharing(runtime, None, numbers=[number], accounts=[account_sid])
        tenant_id, data_key = uuid4(), runtime.keyring.new_data_key()
        with runtime.transaction(tenant_id) as session:
            session.add(Tenant(id=tenant_id, name=name, brand=name[:LONGEST_BRAND], zone=zone, data_key=data_key))
            session.flush()
            session.add(Number(id=uuid4(), tenant_id=tenant_id, number=number))
            set_credential(
                session,
                runtime.cipher(data_key),
                account_sid=account_sid,
                secret=token,
                kind=CredentialKind.AUTH_TOKEN,
            )
            for state in _emergencies(runtime, but=tenant_id):
                choose(
                    session,
                    SettingName.EMERGENCY,
                    True,
                    subject=state,
                    actor=SYSTEM,
                    cause="command:tenant",
                    now=runtime.clock.now(),
                )
    warn_of(token)
    say({"tenant_id": tenant_id})


def _emergencies(runtime: Runtime, *, but: UUID) -> list[str]:
    """The states to which every tenant that is here already has stopped marketing: it holds for the next one too."""
    found: set[str] | None = None
    for tenant in tenants(runtime):
        if tenant.id == but:
            continue
        with runtime.transaction(tenant.id) as session:
            here = current_settings(session, runtime.clock.now()).emergencies
        found = set(here) if found is None else found & here
    return sorted(found or ())


@command.command("set")
@tenant_option
@click.option("--brand", type=Line(LONGEST_BRAND), help="How texts name the business.")
@click.option("--help-phone", type=Line(LONGEST_PHONE), help="Named in the answer to HELP.")
@click.option("--help-email", type=ADDRESS, help="Named in the answer to HELP.")
@click.option("--timezone", "zone", type=ZONE, help="Such as America/Chicago.")
def change(
    tenant_id: UUID, brand: str | None, help_phone: str | None, help_email: str | None, zone: str | None
) -> None:
    """Change what is given, leave the rest."""
    changes = {"brand": brand, "help_phone": help_phone, "help_email": help_email, "zone": zone}
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        raise click.UsageError("give at least one of --brand, --help-phone, --help-email, --timezone")
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            tenant = session.get_one(Tenant, tenant_id)
            for name, value in given.items():
                setattr(tenant, name, value)
    say({"tenant_id": tenant_id})


@command.command("list")
def listed() -> None:
    """Show every tenant, oldest first, one line each: {"tenant_id", "name", "brand", "numbers"}.

    Of each number: {"number", "sender", "opt_out", "messaging_service_sid"}.
    """
    with open_runtime() as runtime:
        for tenant in tenants(runtime):
            with runtime.transaction(tenant.id) as session:
                numbers = session.scalars(
                    select(Number).where(Number.tenant_id == tenant.id).order_by(Number.number)
                ).all()
            say(
                {
                    "tenant_id": tenant.id,
                    "name": tenant.name,
                    "brand": tenant.brand,
                    "numbers": [set_up_of(number) for number in numbers],
                }
            )
