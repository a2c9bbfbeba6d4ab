"""`manage.py scheduler`: finds what is due and rings, seals the ledgers. Any number may run."""

from __future__ import annotations

import click

import scheduler
from commands.embedded import addresses_into_environment


@click.command
def command() -> int:
    """Ring for what is due and seal the ledgers, until SIGTERM."""
    addresses_into_environment()
    return scheduler.main()
