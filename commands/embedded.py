"""Where other processes find what `up` runs in SMSBOT_HOME: its servers, and the address on which it answers.

Loads no database code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from smsbot.errors import ConfigurationError
from smsbot.servers.files import held, kept_secret, private_folder, write_private
from smsbot.servers.postgres import PostgresServer, running_postgres
from smsbot.servers.redis import running_redis
from smsbot.settings import Settings, load_settings

FOLDER = Path(__file__).resolve().parent.parent
DATABASE = "smsbot"
OWNER, APP = "smsbot_owner", "smsbot_app"
UP_LOCK_TIMEOUT_S = 0.3  # longer than `is_up` holds it
ADDRESS_VARIABLES = ("HOST", "PORT", "PUBLIC_URL")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # listening everywhere: reached here


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


def local_url(settings: Settings) -> str:
    """Where this machine reaches our own web process."""
    host = WILDCARDS.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


@contextmanager
def address_told(settings: Settings, home: Path) -> Iterator[None]:
    """While the block runs, commands on this home folder learn where the product answers. For `up`, which has the lock."""
    told = {"HOST": settings.host, "PORT": str(settings.port)}
    if settings.public_url != local_url(settings):
        told["PUBLIC_URL"] = settings.public_url
    path = home / "run" / "address.json"
    write_private(path, json.dumps({"pid": os.getpid(), "database": _database_of(settings), **told}) + "\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def address_of_up(settings: Settings, home: Path) -> dict[str, str]:
    """HOST, PORT and PUBLIC_URL of the product that runs on this home folder; empty when none runs on this database.

    A killed `up` leaves its file behind. It counts for nothing: neither while nobody holds the lock, nor in the moment
    in which the next `up` has the lock already and has not yet written its own.
    """
    try:
        told = json.loads((home / "run" / "address.json").read_text(encoding="utf-8"))
        written_by, database = int(told["pid"]), told["database"]
        variables = {name: str(told[name]) for name in ADDRESS_VARIABLES if name in told}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if database != _database_of(settings) or not psutil.pid_exists(written_by) or not is_up(home):
        return {}
    return variables


def _database_of(settings: Settings) -> str:
    """Which database is meant, without its password: links into another one would lead nowhere."""
    return str(settings.describe()["DATABASE_URL"])


def settings_beside_up(environ: Mapping[str, str] = os.environ, folder: Path = FOLDER) -> Settings:
    """The settings from `environ` and `folder`/.env; what neither says of our address is that of the running `up`.

    PORT may have been given to `up` alone, and what a command prints or writes for good, such as the link in a form's
    legal words, must lead to the product. ConfigurationError names what is wrong.
    """
    settings = load_settings(environ, folder)
    told = address_of_up(settings, settings.home.resolve())
    return load_settings(environ, folder, beneath=told) if told else settings


def addresses_into_environment() -> None:
    """Set DATABASE_URL, REDIS_URL and PUBLIC_URL to those of `up` where they are unset.

    ConfigurationError when there is no database to be found.
    """
    settings = settings_beside_up()
    home = settings.home.resolve()
    if settings.database_url is not None:
        return
    server = running_postgres(home) if is_up(home) else None
    if server is None:
        raise ConfigurationError("set DATABASE_URL, or start everything with: manage.py up")
    os.environ["DATABASE_URL"] = app_url(server, home)
    os.environ["PUBLIC_URL"] = settings.public_url  # HOST and PORT stay: a second web process listens elsewhere
    redis = running_redis(home) if settings.redis_url is None else None
    if redis is not None:
        os.environ["REDIS_URL"] = redis.url
