"""`manage.py registration kit`: the campaign's and the verification's fields, and what would be rejected in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named
from commands.options import say, tenant_option
from consent.registration import campaign_parameters, kit, problems, toll_free_parameters
from consent.wording import Severity
from conversations.registration import live_settings, unreachable

KITS = {"campaign": "10DLC campaign", "toll_free": "Toll-free verification"}


@click.command
@tenant_option
@click.option("--json/--text", "as_json", default=False, help="One object, or fields to paste one by one.")
def command(tenant_id: UUID, as_json: bool) -> int:
    """Print the fields of a 10DLC campaign and of a toll-free verification, made from the tenant's live settings: its
    forms with their published words, its keywords, its fixed texts and the templates in use.

    Exits with 1 and a list of problems when the carrier would reject something. The business's own details (legal
    name, tax number, address) are not kept here: they are entered by hand.
    """
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            settings = live_settings(runtime, session)
    made = kit(settings)
    found = [*problems(made, settings.templates), *unreachable(settings)]
    fields = {"campaign": campaign_parameters(made), "toll_free": toll_free_parameters(made)}
    if as_json:
        listed = [{"item": f.item, "what_to_do": f.what_to_do, "severity": f.severity.value} for f in found]
        say({**fields, "problems": listed})
    else:
        for name, title in KITS.items():
            click.echo(f"{title}\n{'=' * len(title)}")
            for line in _lines(fields[name]):
                click.echo(line)
        for one in found:
            click.echo(f"{one.severity.value}: {one.item}: {one.what_to_do}", err=True)
    return int(any(one.severity is Severity.ERROR for one in found))


def _lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """A name and its value below it, then an empty line; samples are numbered, keywords stand in one line."""
    for name, value in fields.items():
        if isinstance(value, list) and name == "MessageSamples":
            for number, sample in enumerate(value, 1):
                yield f"MessageSample {number}\n{sample}\n"
        elif isinstance(value, list):
            yield f"{name}\n{','.join(value)}\n"
        else:
            yield f"{name}\n{str(value).lower() if isinstance(value, bool) else value}\n"
