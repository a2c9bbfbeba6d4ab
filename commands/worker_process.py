"""`manage.py worker`: one worker of one queue."""

from __future__ import annotations

import click

import worker
from commands.embedded import addresses_into_environment
from smsbot.bell import BACKGROUND, REPLIES


@click.command
@click.option("--queue", type=click.Choice([REPLIES, BACKGROUND]), default=REPLIES, show_default=True)
def command(queue: str) -> int:
    """Draft, gate and send what is due, until SIGTERM."""
    addresses_into_environment()
    return worker.main(queue)
