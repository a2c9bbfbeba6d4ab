"""`manage.py form add|publish|close|list`: a tenant's opt-in forms, as the dashboard's forms page has them."""

from __future__ import annotations

from typing import IO
from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named
from commands.options import NUMBER, Line, say, tenant_option
from consent.disclosures import LANGUAGES
from consent.purposes import Purpose
from conversations import forms
from conversations.forms import LONGEST_SOURCE, LONGEST_TITLE, LONGEST_WORDING, Draft
from conversations.leads import CLAIMABLE
from smsbot.actor import SYSTEM
from smsbot.errors import InvalidInput
from smsbot.texts import cleaned

CAUSE = "command"
FORM = click.option("--form", "form_id", type=click.UUID, required=True, help="See form list.")


@click.group
def command() -> None:
    """Draft, publish, close or list the forms on which people agree to texts."""


@command.command("add")
@tenant_option
@click.option("--title", type=Line(LONGEST_TITLE), required=True, help="What people read above it.")
@click.option("--source", type=Line(LONGEST_SOURCE), default="website", show_default=True, help="How leads are marked.")
@click.option("--number", type=NUMBER, help="The number that answers; the tenant's first when not given.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option(
    "--purpose",
    "purposes",
    type=click.Choice([purpose.value for purpose in CLAIMABLE]),
    multiple=True,
    required=True,
    help="What a tick agrees to; may be given more than once.",
)
@click.option("--double-opt-in", is_flag=True, help="A tick counts after a YES to a text.")
@click.option("--origin", "origins", multiple=True, help="A site that may show it in a page: https://www.example.com")
@click.option("--wording", type=click.File(encoding="utf-8"), help="The words beside the box; the usual ones without.")
def add(
    tenant_id: UUID,
    title: str,
    source: str,
    number: str | None,
    language: str,
    purposes: tuple[str, ...],
    double_opt_in: bool,
    origins: tuple[str, ...],
    wording: IO[str] | None,
) -> None:
    """Make a form and print it; nobody sees it until it is published."""
    words = " ".join(cleaned(wording.read(LONGEST_WORDING * 2)).text.split()) if wording else ""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            numbers = forms.numbers_of(session)
        chosen = next((row_id for row_id, one in numbers if number in (None, one)), None)
        if chosen is None:
            raise InvalidInput("number", "--number: this is no number of this tenant: tenant list shows them")
        draft = Draft(
            title, source, chosen, language, tuple(Purpose(one) for one in purposes), double_opt_in, origins, words
        )
        form_id = forms.create(runtime, tenant_id, SYSTEM, draft, cause=CAUSE)
        with runtime.transaction(tenant_id) as session:
            say(_shown(forms.form_of(runtime, session, SYSTEM, form_id)))


@command.command("publish")
@tenant_option
@FORM
def publish(tenant_id: UUID, form_id: UUID) -> None:
    """Put the draft's words beside the box; refused while anything is missing in them. Prints the form."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        forms.publish(runtime, tenant_id, SYSTEM, form_id, cause=CAUSE)
        with runtime.transaction(tenant_id) as session:
            say(_shown(forms.form_of(runtime, session, SYSTEM, form_id)))


@command.command("close")
@tenant_option
@FORM
def close(tenant_id: UUID, form_id: UUID) -> None:
    """Take a form off its address; its privacy page and terms stay. Prints the form."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        forms.close(runtime, tenant_id, SYSTEM, form_id, cause=CAUSE)
        with runtime.transaction(tenant_id) as session:
            say(_shown(forms.form_of(runtime, session, SYSTEM, form_id)))


@command.command("list")
@tenant_option
def listed(tenant_id: UUID) -> None:
    """Show every form of a tenant, the newest first, one line each."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            found = forms.forms_of(runtime, session, SYSTEM)
    for form in found:
        say(_shown(form))


def _shown(form: forms.FormView) -> dict[str, object]:
    return {
        "form_id": form.id,
        "title": form.draft.title,
        "state": form.standing.value,
        "address": form.addresses.page,
        "language": form.draft.language,
        "purposes": [purpose.value for purpose in form.draft.purposes],
        "double_opt_in": form.draft.double_opt_in,
        "version": form.versions[0].version if form.versions else None,
        "sha256": form.versions[0].sha256 if form.versions else None,
        "missing": [finding.item for finding in form.findings],
    }
