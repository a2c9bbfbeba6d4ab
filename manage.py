"""The command line: `manage.py COMMAND`. Each command is loaded when it is asked for, and nothing else is.

Exit codes: 0 when it did what was asked, 2 with one line on stderr when it could not be asked for like that, 1 when
it was asked rightly and something else is wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import click

from commands.lazy import LazyGroup
from smsbot.errors import SmsbotError

INTERRUPTED = 130

# Name, module under `commands`, and the line that --help shows: listing them must not load them all.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": ("up", "Run everything here: servers, web, workers, scheduler and, unless --bare, the demo."),
    "web": ("web", "Run the web processes."),
    "worker": ("worker_process", "Run a worker."),
    "workers": ("workers", "Run all workers of this machine and the scheduler, in less memory."),
    "scheduler": ("scheduler_process", "Run the scheduler."),
    "migrate": ("migrate", "Bring the database to the newest schema."),
    "demo": ("demo", "Make the demo tenants, or bring them up to date."),
    "doctor": ("doctor", "Check the installation and say what is wrong."),
    "tenant": ("tenants", "Add, change or list tenants."),
    "number": ("numbers", "Add or change a tenant's number."),
    "credentials": ("credentials", "Set or retire a tenant's carrier credentials."),
    "agent": ("agents", "Add a member of staff."),
    "apikey": ("api_keys", "Add a key of the REST interface."),
    "leads": ("leads_import", "Take in a list of people, or say what it would do."),
    "form": ("forms", "Draft, publish, close or list the forms on which people agree to texts."),
    "consent": ("consent_group", "Judge texts, verify and export the ledger."),
    "policy": ("policy", "Choose what a tenant's texts keep to; ask what would become of a text."),
    "keyword": ("keywords", "Words on signs that people text in."),
    "carrier": ("carrier_group", "Compare our records with the carrier's."),
    "registration": ("registration_group", "What a tenant's numbers are registered with at the carrier."),
    "privacy": ("privacy", "A person's own page, their data, a limit, their deletion."),
    "report": ("report", "A day of a tenant's texts in numbers."),
    "explain": ("explain", "Say why a message was sent, deferred or blocked."),
}


@click.group(cls=LazyGroup, modules=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """smsbot: answers leads by text, books appointments, and can prove each text was permitted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (by default the process's own) ask for; returns the exit code."""
    try:
        code = cli.main(args=arguments, prog_name="manage.py", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "manage.py"
        return _refused(f"{where}: {error.format_message()}")
    except click.ClickException as error:
        return _refused(error.format_message())
    except SmsbotError as error:
        return _refused(str(error))
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _refused(message: str) -> int:
    click.echo(" ".join(message.split()), err=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
