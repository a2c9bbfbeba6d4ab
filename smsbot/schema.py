"""The schema's life: roles, migrations, monthly partitions. Runs as the owner, never in a request.

Every table with a tenant carries a forced row-level policy; the application logs in as, or drops to, a role that owns
nothing, bypasses nothing and cannot truncate.
"""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from psycopg import sql
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from smsbot.database import APP_ROLE, BACKUP_ROLE, LOOKUP_ROLE
from smsbot.errors import ConfigurationError

OLDEST_VERSION = 150000  # PostgreSQL 15: security_invoker views, MERGE; the oldest that is tested
MIGRATION_LOCK = 0x536D7342  # an advisory lock, so that two deployments do not migrate at once
PARTITIONED = ("events", "message_events")
MONTHS_AHEAD = 24
FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def prepare_cluster(superuser_url: str, *, database: str, owner_password: str, app_password: str) -> None:
    """In a server of our own: the roles, and `database` owned by `smsbot_owner`. May be run again."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for role, password in (("smsbot_owner", owner_password), (APP_ROLE, app_password)):
            _ensure_role(connection, role)
            connection.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
        _ensure_role(connection, LOOKUP_ROLE)
        _ensure_role(connection, BACKUP_ROLE)
        connection.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(sql.Identifier(BACKUP_ROLE)))
        for role in (APP_ROLE, LOOKUP_ROLE):
            connection.execute(sql.SQL("GRANT {} TO smsbot_owner").format(sql.Identifier(role)))
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
        if not exists:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER smsbot_owner").format(sql.Identifier(database)))
        connection.execute(
            sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
        )
        for role in (APP_ROLE, BACKUP_ROLE):
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(role))
            )


def _ensure_role(connection: psycopg.Connection[tuple[object, ...]], role: str) -> None:
    # There already, or another process was quicker.
    with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def upgrade(url: str) -> str:
    """Bring the database at `url` (SQLAlchemy address of the owner) to the newest schema; returns its revision."""
    engine = create_engine(url, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            version = connection.connection.driver_connection.info.server_version  # type: ignore[union-attr]  # psycopg's own connection, typed as a bare DBAPI one
            if version < OLDEST_VERSION:
                raise ConfigurationError(f"DATABASE_URL: PostgreSQL 15 or newer is needed, this is {version // 10000}")
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            try:
                _ensure_roles(connection)
                connection.commit()
                config = alembic_config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.commit()
                ensure_partitions(connection)
                connection.commit()
                return MigrationContext.configure(connection).get_current_revision() or ""
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
                connection.commit()
    finally:
        engine.dispose()


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def ensure_partitions(connection: Connection, months: int = MONTHS_AHEAD) -> None:
    """Monthly partitions of the big tables from this month on; what exists is left alone."""
    today = connection.execute(text("SELECT current_date")).scalar_one()
    assert isinstance(today, date)
    for table in PARTITIONED:
        connection.execute(
            text("SELECT create_month_partitions(:table, :first, :months)"),
            {"table": table, "first": today.replace(day=1), "months": months},
        )


def _ensure_roles(connection: Connection) -> None:
    """The roles that the policies and grants name; on a managed cluster the owner needs CREATEROLE once."""
    missing = [
        role
        for role in (APP_ROLE, LOOKUP_ROLE, BACKUP_ROLE)
        if connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first() is None
    ]
    for role in missing:
        may = connection.execute(
            text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        ).scalar()
        if not may:
            raise ConfigurationError(
                f"the role {role} does not exist and this login may not create it: run as an administrator"
                f" CREATE ROLE {role}; GRANT {role} TO <the owner>, then migrate again"
            )
        connection.exec_driver_sql(f"CREATE ROLE {role}")
    for role in (APP_ROLE, LOOKUP_ROLE):
        member = connection.execute(text("SELECT pg_has_role(current_user, :role, 'MEMBER')"), {"role": role}).scalar()
        if not member:
            try:
                connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")
            except DBAPIError as error:
                raise ConfigurationError(
                    f"this login is no member of {role} and may not make itself one: run as an administrator"
                    f" GRANT {role} TO <the owner>, then migrate again"
                ) from error
