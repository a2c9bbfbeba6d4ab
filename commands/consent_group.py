"""`manage.py consent`: its commands are modules of their own, so that judging texts loads no database code."""

from __future__ import annotations

from collections.abc import Mapping

import click

from commands.lazy import LazyGroup

COMMANDS: Mapping[str, tuple[str, str]] = {
    "judge": ("consent_judge", "Say what texts mean for consent: JSON lines in, JSON lines out."),
    "verify": ("consent_verify", "Check the ledgers; exit 1 and the first broken event when one is broken."),
    "check": (
        "consent_check",
        "Hold every text that was sent against the ledger; exit 1 and the first that does not fit.",
    ),
    "export": ("consent_export", "The consent passport of one number, to check offline or to print."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Judge texts, verify the consent ledger, hold texts against it, export it."""
