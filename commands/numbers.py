"""`manage.py number add|set`: a tenant's numbers, and how the carrier treats them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

import click
from sqlalchemy import select

from commands.accounts import accounts_of, refuse_sharing, set_up_of
from commands.composition import open_runtime, tenant_named
from commands.options import NUMBER, SERVICE, say, tenant_option
from smsbot.database import TenantSession
from smsbot.errors import Conflict, InvalidInput
from smsbot.tenancy import Number, OptOutHandling, SenderType

F = TypeVar("F", bound=Callable[..., Any])


@click.group
def command() -> None:
    """Add or change a number of a tenant."""


def _settable(function: F) -> F:
    for option in (
        click.option(
            "--opt-out",
            type=click.Choice([one.value for one in OptOutHandling]),
            help="Who answers STOP, HELP and START: the carrier's default, Advanced Opt-Out, or we.",
        ),
        click.option(
            "--messaging-service-sid", "service", type=SERVICE, help="The Messaging Service it sends through."
        ),
        click.option(
            "--sender", type=click.Choice([one.value for one in SenderType]), help="What kind of number it is."
        ),
        click.option("--number", type=NUMBER, required=True, help="E.164, or a short code."),
        tenant_option,
    ):
        function = option(function)
    return function


@command.command("add")
@_settable
def add(tenant_id: UUID, number: str, sender: str | None, service: str | None, opt_out: str | None) -> None:
    """Add a number and print it; a long code with the carrier's own opt-out handling unless said otherwise.

    For a short code we answer STOP, HELP and START unless said otherwise: the carrier has no default for it.
    """
    _refuse_mismatch(number, sender)
    usual = SenderType.LONG_CODE if number.startswith("+") else SenderType.SHORT_CODE
    sender_type, handling = _fitting(SenderType(sender) if sender else usual, opt_out, OptOutHandling.TWILIO)
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            accounts = accounts_of(session)
        refuse_sharing(runtime, tenant_id, numbers=[number], services=[service] if service else [], accounts=accounts)
        with runtime.transaction(tenant_id) as session:
            if _find(session, number) is not None:
                raise Conflict(f"{number} is a number of this tenant already: use number set")
            added = Number(
                id=uuid4(),
                tenant_id=tenant_id,
                number=number,
                sender_type=sender_type,
                messaging_service_sid=service,
                opt_out_handling=handling,
            )
            session.add(added)
            shown = set_up_of(added)
    say({"tenant_id": tenant_id, **shown})


@command.command("set")
@_settable
def change(tenant_id: UUID, number: str, sender: str | None, service: str | None, opt_out: str | None) -> None:
    """Change what is given of a number, leave the rest, and print what is set now.

    A number that becomes a short code loses the carrier's default opt-out handling: then we answer.
    """
    if sender is None and service is None and opt_out is None:
        raise click.UsageError("give at least one of --sender, --messaging-service-sid, --opt-out")
    _refuse_mismatch(number, sender)
    if sender is not None:
        _fitting(SenderType(sender), opt_out, OptOutHandling.TWILIO)  # what is wrong in any case needs no database
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        if service is not None:
            refuse_sharing(runtime, tenant_id, services=[service])
        with runtime.transaction(tenant_id) as session:
            found = _find(session, number)
            if found is None:
                raise InvalidInput("number", f"--number: {number} is no number of this tenant: use number add")
            if sender is not None or opt_out is not None:
                sender_type = SenderType(sender) if sender else found.sender_type
                found.sender_type, found.opt_out_handling = _fitting(sender_type, opt_out, found.opt_out_handling)
            if service is not None:
                found.messaging_service_sid = service
            shown = set_up_of(found)
    say({"tenant_id": tenant_id, **shown})


def _find(session: TenantSession, number: str) -> Number | None:
    return session.scalars(select(Number).where(Number.tenant_id == session.tenant_id, Number.number == number)).first()


def _refuse_mismatch(number: str, sender: str | None) -> None:
    """Five or six digits are a short code and nothing else."""
    if sender not in (None, SenderType.SHORT_CODE.value) and not number.startswith("+"):
        raise InvalidInput("sender", "--sender: a number of five or six digits is a short_code")


def _fitting(sender: SenderType, given: str | None, otherwise: OptOutHandling) -> tuple[SenderType, OptOutHandling]:
    """The sender type with who answers STOP, HELP and START: as given, else `otherwise`, else what there is.

    https://support.twilio.com/hc/en-us/articles/223181748: a short code on its own has no default handling.
    """
    handling = OptOutHandling(given) if given else otherwise
    if sender is not SenderType.SHORT_CODE or handling is not OptOutHandling.TWILIO:
        return sender, handling
    if given:
        raise InvalidInput(
            "opt_out", "--opt-out: the carrier answers no STOP, HELP or START for a short code: give ours, or advanced"
        )
    return sender, OptOutHandling.OURS
