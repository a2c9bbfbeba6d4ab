"""`manage.py workers`: all workers of this machine and the scheduler, forked from one process that has loaded them.

What they have in common, most of what each of them takes, is in memory once, and is loaded once.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import click

import scheduler
import worker
from commands.embedded import FOLDER, addresses_into_environment
from smsbot.bell import BACKGROUND, REPLIES
from smsbot.settings import Settings, load_settings
from smsbot.supervisor import Child, Supervisor

BACKGROUND_NICE = 10
STOP_TIMEOUT_S = 9.0  # above what a worker waits for what is in flight


@click.command
def command() -> int:
    """Run REPLY_WORKERS reply workers, the background worker and the scheduler, until SIGTERM."""
    addresses_into_environment()
    settings = load_settings(os.environ, FOLDER)
    return together(settings, settings.home.resolve())


def together(settings: Settings, home: Path) -> int:
    """The same for these settings; their process ids are in `<home>/run/workers`, their logs in `<home>/logs`."""
    gc.collect()
    gc.freeze()  # a collection would write to every object, and so undo the sharing
    supervisor = Supervisor(
        children(settings),
        log_folder=home / "logs",
        run_folder=home / "run" / "workers",
        on_event=click.echo,
        stop_together=True,
    )
    return supervisor.run()


def children(settings: Settings) -> list[Child]:
    def reply_worker() -> int:
        return worker.main(REPLIES)

    def background_worker() -> int:
        return worker.main(BACKGROUND)

    return [
        *(
            Child(f"worker-{n}", call=reply_worker, stop_timeout_s=STOP_TIMEOUT_S)
            for n in range(1, settings.reply_workers + 1)
        ),
        Child("worker-background", call=background_worker, nice=BACKGROUND_NICE, stop_timeout_s=STOP_TIMEOUT_S),
        Child("scheduler", call=scheduler.main, stop_timeout_s=STOP_TIMEOUT_S),
    ]
