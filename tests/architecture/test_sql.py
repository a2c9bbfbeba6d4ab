"""Rows are read and written through a tenant's session; the few places that go below it are known."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.conftest import Plant
from tests.architecture.source import FLOORS, ROOT, argument, calls, dotted, full_name, nodes, sources

# SQL as text, with the reason; everything else is written with the models.
MAY_WRITE_SQL = {
    "smsbot/accounts.py",  # a look-up that runs before a tenant is known
    "smsbot/api_keys.py",  # another
    "smsbot/revision.py",  # the revision of the schema
    "smsbot/work.py",  # the claim
    "smsbot/schema.py",  # migrations and partitions
    "smsbot/database.py",  # sets the tenant and the role
    "smsbot/writes.py",  # many rows in one pipeline
    "conversations/outbox.py",  # an interval on the database's own clock
}
# Connections and transactions without a tenant's session.
MAY_CONNECT = {
    "smsbot/database.py",  # its event sets the tenant
    "smsbot/accounts.py",  # a look-up that needs no tenant
    "smsbot/writes.py",  # the connection of the tenant's own session
    "smsbot/work.py",  # `work` holds ids only and belongs to no session
    "smsbot/schema.py",  # the owner
    "smsbot/probes.py",  # the revision of the schema
    "consent/ledger.py",  # asks for one snapshot, on the tenant's own session
}
SQL = {"sqlalchemy.text", "sqlalchemy.sql.text", "psycopg.sql.SQL"}
IN_A_TABLE = {"server_default", "postgresql_where", "sqlite_where", "onupdate", "server_onupdate"}
BELOW_THE_SESSION = {"connection", "raw_connection", "exec_driver_sql", "get_bind", "bulk_save_objects"}
ON_THE_ENGINE = {"connect", "begin"}


def sql_as_text(root: Path) -> list[str]:
    """SQL in strings outside a table's own definition and the places that may, and any whose words are put together."""
    found = []
    for source in sources(root, *FLOORS):
        in_tables = {
            id(node)
            for _, call in calls(source)
            for keyword in call.keywords
            if keyword.arg in IN_A_TABLE
            for node in ast.walk(keyword.value)
        }
        for _, call in calls(source):
            suffix = argument(call, "suffix")
            if suffix is not None and not _fixed(suffix):
                found.append(f"{source.at(call)}: the words of a suffix are not fixed")
            if full_name(source, call.func) not in SQL:
                continue
            if source.path not in MAY_WRITE_SQL and id(call) not in in_tables:
                found.append(f"{source.at(call)}: text()")
            if source.path != "smsbot/writes.py" and not (call.args and _fixed(call.args[0])):
                found.append(f"{source.at(call)}: the words of text() are not fixed")
    return found


def _fixed(words: ast.expr) -> bool:
    """A constant, or one with nothing but constants of ours put in."""
    if isinstance(words, ast.JoinedStr):
        return all(
            isinstance(part, ast.Constant)
            or (isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name) and part.value.id.isupper())
            for part in words.values
        )
    return isinstance(words, ast.Constant)


def connections_of_their_own(root: Path) -> list[str]:
    """Ways around the session that carries the tenant."""
    found = []
    for source in sources(root, *FLOORS):
        if source.path in MAY_CONNECT:
            continue
        for name, call in calls(source):
            before, _, last = name.rpartition(".")
            on_engine = before.rpartition(".")[2] in ("engine", "_engine") and last in ON_THE_ENGINE
            if last in BELOW_THE_SESSION or on_engine or name in ("Session", "sessionmaker", "TenantSession"):
                allowed = source.path == "smsbot/runtime.py" and name == "TenantSession"
                if not allowed:
                    found.append(f"{source.at(call)}: {name}()")
    return found


def tables_below_their_class(root: Path) -> list[str]:
    return [
        f"{source.at(node)}: {dotted(node)}"
        for source in sources(root, *FLOORS)
        if source.path != "smsbot/database.py"
        for node in nodes(source)
        if isinstance(node, ast.Attribute) and node.attr in ("__table__", "__mapper__")
    ]


# `writes` sends the commit of that same session together with its last rows.
COMMITTING = ("smsbot/runtime.py", "smsbot/schema.py", "smsbot/database.py", "smsbot/writes.py")


def commits(root: Path) -> list[str]:
    """Commits beside `runtime.transaction()`: what is rung must already be seen."""
    return [
        f"{source.at(call)}: {name}()"
        for source in sources(root, *FLOORS)
        if source.path not in COMMITTING
        for name, call in calls(source)
        if name.rpartition(".")[2] == "commit"
    ]


def extensions(root: Path) -> list[str]:
    """Our PostgreSQL has none, so no migration may want one."""
    return [
        f"{path.relative_to(root)}"
        for top in (*FLOORS, "migrations")
        for path in sorted((root / top).rglob("*"))
        if path.suffix in (".py", ".sql") and "create extension" in " ".join(path.read_text("utf-8").lower().split())
    ]


GUARDS = [sql_as_text, connections_of_their_own, tables_below_their_class, commits, extensions]


@pytest.mark.parametrize("guard", GUARDS)
def test_rows_are_reached_through_a_tenants_session(guard) -> None:
    assert guard(ROOT) == []


@pytest.mark.parametrize(
    ("guard", "files"),
    [
        (sql_as_text, {"api/a.py": "from sqlalchemy import text\ntext('SELECT 1')\n"}),
        (sql_as_text, {"api/a.py": "import sqlalchemy as sa\nsa.text('SELECT 1')\n"}),
        (sql_as_text, {"smsbot/work.py": "from sqlalchemy import text\ntext(f'SELECT {name}')\n"}),
        (sql_as_text, {"smsbot/work.py": "from sqlalchemy import text\ntext('SELECT ' + name)\n"}),
        (sql_as_text, {"api/a.py": "from psycopg import sql\nsql.SQL('SELECT 1')\n"}),
        (sql_as_text, {"smsbot/work.py": "put_row(session, Work, values, suffix=words)\n"}),
        (connections_of_their_own, {"api/a.py": "def f(runtime):\n    runtime.engine.connect()\n"}),
        (connections_of_their_own, {"api/a.py": "def f(session):\n    session.connection()\n"}),
        (connections_of_their_own, {"api/a.py": "def f(engine):\n    TenantSession(engine)\n"}),
        (tables_below_their_class, {"api/a.py": "Message.__table__.delete()\n"}),
        (commits, {"api/a.py": "def f(session):\n    session.commit()\n"}),
        (extensions, {"migrations/versions/2.py": "op.execute('CREATE  EXTENSION pg_trgm')\n"}),
    ],
)
def test_a_way_around_the_session_is_seen(guard, files, plant: Plant) -> None:
    assert guard(plant(files)) != []


def test_what_a_table_says_in_sql_is_not_reported(plant: Plant) -> None:
    code = """
        from sqlalchemy import Index, text
        Index("ix", "tenant_id", postgresql_where=text("done_at IS NULL"))
        mapped_column(server_default=text("now()"))
        """

    assert sql_as_text(plant({"conversations/models.py": code})) == []
