"""`manage.py carrier`: what the carrier says, beside what we say."""

from __future__ import annotations

from collections.abc import Mapping

import click

from commands.lazy import LazyGroup

COMMANDS: Mapping[str, tuple[str, str]] = {
    "drift": ("carrier_drift", "Where the carrier's lists and our records differ; exit 1 when they do."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Compare with the carrier."""
