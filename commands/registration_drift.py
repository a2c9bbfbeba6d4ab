"""`manage.py registration drift`: whether what was registered is still what is sent."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named
from commands.options import tenant_option
from conversations.registration import drift_from
from smsbot.errors import InvalidInput

LARGEST_FILE = 1_000_000


@click.command
@tenant_option
@click.option(
    "--samples",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The samples as they were registered: the JSON that registration kit printed, a JSON list, or one each line.",
)
def command(tenant_id: UUID, path: Path) -> int:
    """Compare the samples that were registered with the templates in use.

    Exits with 1 and one line for each text that has no sample like it, or sample that no text is like any more; the
    tenant's owners are told by an alert.
    """
    samples = _samples(path)
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            found = drift_from(runtime, session, samples)
    for one in found:
        click.echo(f"{one.item}: {one.what_to_do}")
    if not found:
        click.echo(f"ok: {len(samples)} samples, and every template in use is like one of them")
    return int(bool(found))


def _samples(path: Path) -> list[str]:
    if path.stat().st_size > LARGEST_FILE:
        raise InvalidInput("samples", f"--samples: {path.name} is too large to be a list of samples")
    text = path.read_text(encoding="utf-8")
    try:
        stored = json.loads(text)
    except ValueError:
        stored = [line for line in text.splitlines() if line.strip()]
    if isinstance(stored, dict):
        campaign = stored.get("campaign", stored)
        stored = campaign.get("MessageSamples") if isinstance(campaign, dict) else None
    if not isinstance(stored, list) or not stored or not all(isinstance(one, str) for one in stored):
        raise InvalidInput("samples", f"--samples: {path.name} holds no list of samples")
    return stored
