"""`manage.py registration`: what a carrier is told before a number may text."""

from __future__ import annotations

from collections.abc import Mapping

import click

from commands.lazy import LazyGroup

COMMANDS: Mapping[str, tuple[str, str]] = {
    "kit": ("registration_kit", "The fields of a campaign and a toll-free verification, ready to paste."),
    "drift": ("registration_drift", "Compare registered samples with the texts in use; exit 1 when they differ."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """What a tenant's numbers are registered with, made from its settings as they are."""
