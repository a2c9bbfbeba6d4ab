"""Real servers for the suite: each pytest worker runs a PostgreSQL and a Redis of its own; a test begins on empty tables.

Only the edges are fakes: the clock, the carrier and the model.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import Engine

from smsbot.database import database_engine
from smsbot.logs import JSONLines
from smsbot.schema import prepare_cluster, upgrade
from smsbot.servers.postgres import start_postgres, stop_postgres
from smsbot.servers.redis import start_redis, stop_redis
from tests.world import World

FAST = ("-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum=off")


# The same examples in every run and no limit on their time: a run fails for a reason, never by chance or for the load.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")


@dataclass(frozen=True)
class Database:
    """A migrated database; `app_url` logs in as the application, `superuser_url` is for looking and cleaning."""

    superuser_url: str
    owner_url: str
    app_url: str
    tables: tuple[str, ...]

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection: sees every tenant's rows."""
        return psycopg.connect(self.superuser_url, autocommit=True)

    def empty(self) -> None:
        """Delete every row. Replica mode passes the ledger's triggers, which is why only a superuser can."""
        with psycopg.connect(self.superuser_url) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(
                sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in self.tables)
            )


@pytest.fixture(scope="session", autouse=True)
def kept_log() -> Iterator[None]:
    """With SMSBOT_CANARY_LOG=FILE every log line of the suite is kept, as production would write it, to be searched."""
    path = os.environ.get("SMSBOT_CANARY_LOG")
    if path is None:
        yield
        return
    handler = logging.FileHandler(f"{path}.{os.getpid()}", "a")
    handler.setFormatter(JSONLines("suite"))
    root = logging.getLogger()
    root.addHandler(handler)
    for name in ("smsbot", "consent", "conversations", "webhooks", "api", "dashboard"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield
    root.removeHandler(handler)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A folder for this worker's servers; not pytest's, which root's server could not enter."""
    folder = Path(tempfile.mkdtemp(prefix="smsbot-test-"))
    folder.chmod(0o755)
    yield folder
    stop_postgres(folder)
    stop_redis(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated(home: Path) -> Database:
    server, _ = start_postgres(home, fsync=False, max_connections=200, extra=FAST)
    prepare_cluster(server.url(), database="smsbot", owner_password="owner", app_password="app")
    owner_url = server.url("smsbot", "smsbot_owner", "owner")
    upgrade(owner_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with psycopg.connect(server.url("smsbot")) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' ORDER BY relname"
        ).fetchall()
    return Database(
        server.url("smsbot"),
        owner_url,
        server.url("smsbot", "smsbot_app", "app"),
        tuple(str(row[0]) for row in tables),
    )


@pytest.fixture(scope="session")
def engine(migrated: Database) -> Iterator[Engine]:
    engine = database_engine(migrated.app_url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=16)
    yield engine
    engine.dispose()


@pytest.fixture
def database(migrated: Database) -> Database:
    """The database, empty."""
    migrated.empty()
    return migrated


@pytest.fixture(scope="session")
def redis_url(home: Path) -> str:
    started = start_redis(home)
    assert started is not None, "the test requirements bring a Redis binary"
    return started[0].url


@pytest.fixture
def world(database: Database, engine: Engine, tmp_path: Path) -> World:
    """The whole product in one process, with one tenant, on an empty database."""
    return World(database.app_url, engine, tmp_path)
