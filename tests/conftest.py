"""Real servers for the suite: each pytest worker runs a PostgreSQL and a Redis of its own; a test begins on empty tables.

Only the edges are fakes: the clock, the carrier and the model.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import request_started
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import Engine

from smsbot.database import database_engine
from smsbot.schema import prepare_cluster, upgrade
from smsbot.servers.postgres import start_postgres, stop_postgres
from smsbot.servers.redis import start_redis, stop_redis
from tests.canaries.last_words import last_words
from tests.canaries.watch import WATCH, RedisTap, Watch, tables_of
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
    cleaners: list[psycopg.Connection[tuple[Any, ...]]] = field(default_factory=list, repr=False)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection: sees every tenant's rows."""
        return psycopg.connect(self.superuser_url, autocommit=True)

    def empty(self) -> None:
        """Delete every row, once all of them have been searched for canaries.

        Replica mode passes the ledger's triggers, which is why only a superuser can.
        """
        connection = self._cleaner()
        with connection.transaction():
            row = connection.execute(_used(self.tables)).fetchone()
            used = [] if row is None else list(row[0])
            if not used:
                return
            found = WATCH.tables(connection, used)
            connection.execute("SET LOCAL session_replication_role = replica")
            deletes = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in used]
            connection.execute(sql.SQL("; ").join(deletes))
        _fail_on(found)

    def _cleaner(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A superuser's connection that is kept: a new one for each test would cost more than all the rest."""
        with suppress(IndexError, psycopg.OperationalError):  # none yet, or a test has ended it
            self.cleaners[-1].execute("SELECT 1")
            return self.cleaners[-1]
        self.cleaners[:] = [psycopg.connect(self.superuser_url, autocommit=True)]
        return self.cleaners[-1]


def _used(tables: tuple[str, ...]) -> sql.Composed:
    """Asks which of them have rows."""
    cases = [
        sql.SQL("CASE WHEN EXISTS (SELECT FROM {}) THEN {} END").format(sql.Identifier(table), sql.Literal(table))
        for table in tables
    ]
    return sql.SQL("SELECT array_remove(ARRAY[{}], NULL)").format(sql.SQL(", ").join(cases))


@pytest.fixture(scope="session", autouse=True)
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """Keeps what every test sends and logs; where it must not stand is searched by `Database.empty` and below."""
    root = logging.getLogger()
    root.addHandler(WATCH.log)
    for name in ("smsbot", "consent", "conversations", "webhooks", "api", "dashboard", "public"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    request_started.connect(WATCH.request)
    yield WATCH
    request_started.disconnect(WATCH.request)
    root.removeHandler(WATCH.log)
    _fail_on(WATCH.files(tmp_path_factory.getbasetemp()))


def _fail_on(found: list[str]) -> None:
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits comes first: others compute meanwhile, and nobody waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A canary in what a test has logged, told Redis or left on stderr fails that test."""
    report = yield
    if call.when == "teardown":
        stderr = "\n".join(text for name, text in report.sections if name.startswith("Captured stderr"))
        try:
            found = WATCH.lines(stderr=stderr)
        except OSError as error:  # of the line to Redis: what was told cannot be vouched for
            found = [f"Redis could not be listened to: {type(error).__name__}"]
        if WATCH.over:
            WATCH.turn()
        if found and report.passed:
            report.outcome, report.longrepr = "failed", "\n".join(found)
    return report


@pytest.hookimpl
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its figures to the process that sums them up."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["canaries"] = dict(WATCH.counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    WATCH.counts.update(getattr(node, "workeroutput", {}).get("canaries", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = ", ".join(f"{count} {name}" for name, count in sorted(WATCH.counts.items()))
    terminalreporter.write_line(f"canaries: {figures or 'nothing was sent'}")


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A folder for this worker's servers; not pytest's, which root's server could not enter."""
    folder = Path(tempfile.mkdtemp(prefix="smsbot-test-"))
    folder.chmod(0o755)
    yield folder
    stop_postgres(folder)
    stop_redis(folder)
    found = WATCH.files(folder)
    shutil.rmtree(folder, ignore_errors=True)
    _fail_on(found)


@pytest.fixture(scope="session")
def migrated(home: Path) -> Iterator[Database]:
    server, _ = start_postgres(home, fsync=False, max_connections=200, extra=FAST)
    prepare_cluster(server.url(), database="smsbot", owner_password="owner", app_password="app")
    owner_url = server.url("smsbot", "smsbot_owner", "owner")
    upgrade(owner_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with psycopg.connect(server.url("smsbot")) as connection:
        tables = tables_of(connection)
    made = Database(server.url("smsbot"), owner_url, server.url("smsbot", "smsbot_app", "app"), tables)
    yield made
    for cleaner in made.cleaners:
        cleaner.close()


@pytest.fixture(scope="session")
def engine(migrated: Database) -> Iterator[Engine]:
    engine = database_engine(migrated.app_url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=16)
    yield engine
    engine.dispose()


@pytest.fixture
def database(migrated: Database) -> Iterator[Database]:
    """The database, empty; what a test leaves in it is searched and deleted."""
    migrated.empty()
    yield migrated
    WATCH.over = True
    migrated.empty()


@pytest.fixture(scope="session")
def redis_url(home: Path) -> Iterator[str]:
    started = start_redis(home)
    assert started is not None, "the test requirements bring a Redis binary"
    server = started[0]
    WATCH.redis = RedisTap(server.host, server.port, server.password)
    yield server.url
    _fail_on(WATCH.lines())
    WATCH.redis.close()
    WATCH.redis = None


@pytest.fixture
def world(database: Database, engine: Engine, tmp_path: Path) -> Iterator[World]:
    """The whole product in one process, with one tenant, on an empty database."""
    made = World(database.app_url, engine, tmp_path)
    yield made
    last_words(made)
