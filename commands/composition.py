"""What most commands need: the settings, a database that answers, and a runtime on it.

Without DATABASE_URL the embedded server is used: the one that `up` runs, or one that is started for this command.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from commands.embedded import DATABASE, app_url, is_up, owner_url, settings_beside_up
from smsbot.bell import NoBell
from smsbot.clock import SystemClock
from smsbot.crypto import DataCipher, Keyring
from smsbot.database import database_engine
from smsbot.errors import ConfigurationError, InvalidInput
from smsbot.runtime import Runtime
from smsbot.schema import prepare_cluster, upgrade
from smsbot.servers.files import held, kept_secret, private_folder
from smsbot.servers.postgres import PostgresServer, running_postgres, start_postgres, stop_postgres
from smsbot.settings import Settings, sqlalchemy_url
from smsbot.tenancy import Tenant

TURN_TIMEOUT_S = 60.0  # how long a command waits for another one that uses the embedded server
START_TIMEOUT_S = 60.0  # how long it waits for `up` to have started it
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Database:
    """Two addresses of one database: `app` for everything, `owner` for migrations."""

    app: str = field(repr=False)
    owner: str = field(repr=False)


def settings_of_process() -> Settings:
    """The settings from the environment and `.env`, beside a running `up` with its address. ConfigurationError names
    what is wrong."""
    return settings_beside_up()


@contextmanager
def turn(home: Path) -> Iterator[None]:
    """Whoever starts or stops the embedded database holds this lock meanwhile."""
    private_folder(home / "run")
    with held(home / "run" / "database.lock", TURN_TIMEOUT_S, "another command uses the embedded database: try again"):
        yield


def embedded_database(server: PostgresServer, home: Path) -> Database:
    """The addresses of our database in that server; its passwords are made by the first call, under `turn`."""
    return Database(app_url(server, home), owner_url(server, home))


def ready_embedded_database(server: PostgresServer, home: Path) -> Database:
    """The same with roles, database and newest schema made. Call it under `turn`."""
    database = embedded_database(server, home)
    prepare_cluster(
        server.url(),
        database=DATABASE,
        owner_password=kept_secret(home / "keys" / "postgres_owner"),
        app_password=kept_secret(home / "keys" / "postgres_app"),
    )
    upgrade(sqlalchemy_url(database.owner))
    return database


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """A database that answers, for as long as the block runs. An embedded one is stopped again if it was started here."""
    if settings.database_url is not None:
        yield Database(settings.database_url, settings.database_url)
        return
    home = settings.home.resolve()
    if is_up(home):
        yield _database_of_up(home)
        return
    with turn(home):
        server, process = start_postgres(home)
        try:
            yield ready_embedded_database(server, home)
        finally:
            if process is not None:
                stop_postgres(home)
                process.wait()


def _database_of_up(home: Path) -> Database:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        server = running_postgres(home)
        if server is not None and (home / "keys" / "postgres_owner").exists():
            return embedded_database(server, home)
        time.sleep(POLL_S)
    raise ConfigurationError(f"the database of {home} does not start: see {home / 'logs' / 'postgres.log'}")


@contextmanager
def translated() -> Iterator[None]:
    """A database that is away, empty or not ours becomes one clear sentence."""
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise ConfigurationError("the database does not answer: check DATABASE_URL and the server") from error
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") in ("42P01", "42703", "42883"):
            raise ConfigurationError("the database has another schema than this code: run manage.py migrate") from error
        raise
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") in ("42704", "22023"):  # SET ROLE of a role that is not there
            raise ConfigurationError("the database is not prepared: run manage.py migrate") from error
        raise


@contextmanager
def open_runtime(settings: Settings | None = None) -> Iterator[Runtime]:
    """A runtime on the database, for as long as the block runs. It rings no bell: the scheduler looks each second."""
    known = settings or settings_of_process()
    with open_database(known) as database:
        engine = database_engine(sqlalchemy_url(database.app), pool_size=2)
        try:
            with translated():
                yield Runtime(known, SystemClock(), engine, NoBell(), Keyring(known.encryption_keys))
        finally:
            engine.dispose()


def tenants(runtime: Runtime) -> list[Tenant]:
    """Every tenant, oldest first."""
    with runtime.transaction(None) as session:
        return list(session.scalars(select(Tenant).order_by(Tenant.created_at, Tenant.id)))


def tenant_named(runtime: Runtime, tenant_id: UUID) -> Tenant:
    """The tenant of that id. InvalidInput when there is none."""
    with runtime.transaction(None) as session:
        tenant = session.get(Tenant, tenant_id)
    if tenant is None:
        raise InvalidInput("tenant", f"--tenant: there is no tenant {tenant_id}: manage.py tenant list shows them all")
    return tenant


def cipher_of(runtime: Runtime, tenant: Tenant) -> DataCipher:
    return runtime.cipher(tenant.data_key)
