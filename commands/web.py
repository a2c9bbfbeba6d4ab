"""`manage.py web`: gunicorn with threads. The master loads the code, and each worker makes its application of it.

So what they have in common is in memory once, and a worker that has died is back without loading anything.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.util import import_app
from sqlalchemy.orm import configure_mappers

from commands.embedded import addresses_into_environment
from smsbot.logs import configure_logging
from smsbot.settings import Settings, load_settings

FOLDER = Path(__file__).resolve().parent.parent
SHARED_MEMORY = Path("/dev/shm")  # the workers' signs of life: a slow disk would look like a hung worker
GRACEFUL_TIMEOUT_S = 8
KEEP_ALIVE_S = 5
HUNG_AFTER_S = 30


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with our settings; what it serves is made in each worker."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return import_app("wsgi:app()")


def options_for(settings: Settings) -> dict[str, Any]:
    """gunicorn's settings. The access log is our own, by route: a path may hold a number."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    options: dict[str, Any] = {
        "bind": f"{host}:{settings.port}",
        "worker_class": "gthread",
        "workers": settings.web_workers,
        "threads": settings.web_threads,
        "graceful_timeout": GRACEFUL_TIMEOUT_S,
        "keepalive": KEEP_ALIVE_S,
        "timeout": HUNG_AFTER_S,
        "control_socket_disable": True,
        "proc_name": "smsbot-web",
        # Behind a proxy the scheme comes from PUBLIC_URL, never from a header that a stranger may send.
        "forwarded_allow_ips": "",
        "on_starting": _prepare,
    }
    if SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK):
        options["worker_tmp_dir"] = str(SHARED_MEMORY)
    return options


def _prepare(_: object) -> None:
    """In the master, before it forks: connections and threads are made by `app()`, in each worker."""
    configure_logging("web")
    import_app("wsgi:app")
    configure_mappers()
    gc.collect()
    gc.freeze()  # a collection would write to every object, and so undo the sharing


@click.command
@click.option("--only", type=click.Choice(["carrier", "staff"]), help="One of the two pools.")
def command(only: str | None) -> None:
    """Run the web processes on HOST:PORT until SIGTERM.

    The carrier pool takes webhooks and the REST interface, the staff pool the dashboard; without --only both.
    """
    addresses_into_environment()
    if only is not None:
        os.environ["SMSBOT_POOLS"] = only
    WebServer(options_for(load_settings(os.environ, FOLDER))).run()
