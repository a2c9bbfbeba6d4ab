"""Which schema this code was written for, and which one the database has; without Alembic, which costs 9 MB."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

VERSIONS = Path(__file__).resolve().parent.parent / "migrations" / "versions"


def newest_revision() -> str:
    """The number of the newest migration file: they are numbered and applied in this order."""
    return max(path.name.split("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None before the first migration."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
