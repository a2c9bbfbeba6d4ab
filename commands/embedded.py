"""Where a process that stays finds the embedded servers: those that `up` runs in SMSBOT_HOME. Loads no database code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smsbot.errors import ConfigurationError
from smsbot.servers.files import held, kept_secret, private_folder
from smsbot.servers.postgres import PostgresServer, running_postgres
from smsbot.servers.redis import running_redis
from smsbot.settings import load_settings

FOLDER = Path(__file__).resolve().parent.parent
DATABASE = "smsbot"
OWNER, APP = "smsbot_owner", "smsbot_app"
UP_LOCK_TIMEOUT_S = 0.3  # longer than `is_up` holds it


def app_url(server: PostgresServer, home: Path) -> str:
    """The address of our database as the application logs in; its password is made by the first call."""
    return server.url(DATABASE, APP, kept_secret(home / "keys" / "postgres_app"))


def owner_url(server: PostgresServer, home: Path) -> str:
    """The same as its owner, for migrations."""
    return server.url(DATABASE, OWNER, kept_secret(home / "keys" / "postgres_owner"))


@contextmanager
def the_only_up(home: Path) -> Iterator[None]:
    """`up` holds this for its whole life. ConfigurationError when another one does."""
    private_folder(home / "run")
    taken = f"smsbot is running already in {home}: stop that one first"
    with held(home / "run" / "up.lock", UP_LOCK_TIMEOUT_S, taken):
        yield


def is_up(home: Path) -> bool:
    """Whether `up` runs on this home folder."""
    lock = home / "run" / "up.lock"
    if not lock.exists():
        return False
    try:
        with held(lock, 0, "somebody has it"):
            return False
    except ConfigurationError:
        return True


def addresses_into_environment() -> None:
    """Set DATABASE_URL and REDIS_URL to the servers of `up` where they are unset.

    ConfigurationError when there is no database to be found.
    """
    settings = load_settings(os.environ, FOLDER)
    home = settings.home.resolve()
    if settings.database_url is not None:
        return
    server = running_postgres(home) if is_up(home) else None
    if server is None:
        raise ConfigurationError("set DATABASE_URL, or start everything with: manage.py up")
    os.environ["DATABASE_URL"] = app_url(server, home)
    redis = running_redis(home) if settings.redis_url is None else None
    if redis is not None:
        os.environ["REDIS_URL"] = redis.url
