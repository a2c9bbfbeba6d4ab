"""The database: declarative base, types, engine, and sessions that carry exactly one tenant.

Row-level security is the wall; the checks here are the first door. The tenant of a session never changes, is set in
each of its transactions, and every row that it writes belongs to that tenant.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import DateTime, Dialect, Engine, Enum, MetaData, TypeDecorator, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction, UOWTransaction
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.types import UserDefinedType

from smsbot.errors import SmsbotError
from smsbot.silence import ASK_TIMEOUT_S, DatabaseSilent, Door, WatchfulConnection

APP_ROLE = "smsbot_app"  # no BYPASSRLS, not the owner, no TRUNCATE: what every process but migrations runs as
LOOKUP_ROLE = "smsbot_lookup"  # owns the four look-ups that run before a tenant is known
BACKUP_ROLE = "smsbot_backup"

PLATFORM = UUID(int=0)  # the "tenant" of rows that belong to no tenant, such as refused requests of unknown accounts

STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 2
SET_TENANT = "SELECT set_config('app.tenant', $1, true)"
TENANT_SET_LATER = (
    "tenant_set_later"  # key in session.info: whoever begins the transaction sets it in the same round trip
)
TRUSTED_FOR_S = 1.0  # a pooled connection that was idle for longer is asked before it is used

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class WrongTenant(SmsbotError):
    """A row of one tenant was about to be written in another tenant's session: a defect, never input."""


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)


class UtcDateTime(TypeDecorator[datetime]):
    """`timestamptz`, aware on both sides; a naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive datetime was about to be stored: give it a time zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


def words(values: type[StrEnum]) -> Enum:
    """A column of enumerated words: text in the database, members of `values` in Python, anything else refused."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=False,
        length=30,
        values_callable=lambda members: [member.value for member in members],
        validate_strings=True,
    )


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: with `id` a cursor over rows that has no gaps."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "xid8"

    def bind_processor(self, dialect: Dialect) -> Callable[[int | None], str | None]:
        return lambda value: None if value is None else str(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], int | None]:
        return lambda value: None if value is None else int(value)


def database_engine(
    url: str, *, pool_size: int = 8, max_overflow: int = 8, pool_timeout_s: float = 5.0, watchful: bool = False
) -> Engine:
    """An engine whose connections run as the application's role with short limits on waiting.

    A `watchful` one gives up within a second when the database has fallen silent: for those whom somebody waits for and
    asks again. Everybody else waits: a pause of the database must not make them lose what they have already done.

    `url` is a `postgresql+psycopg://` address. When it logs in as the owner or a superuser (a single address for
    everything), each connection first drops to the application's role, so that row-level security holds.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=pool_timeout_s,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "smsbot",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
            " -c idle_in_transaction_session_timeout=60000 -c TimeZone=UTC",
            # TCP gives up on a vanished server in seconds, not minutes.
            "tcp_user_timeout": 10_000,
        },
    )

    doors: dict[tuple[str, int], Door] = {}

    @event.listens_for(engine, "do_connect")
    def _knock_first(
        dialect: Dialect, record: ConnectionPoolEntry, arguments: list[Any], options: dict[str, Any]
    ) -> WatchfulConnection:
        # libpq waits two seconds at least for a host that swallows packets, and a webhook must be refused within one.
        host, port = options.get("host"), options.get("port") or 5432
        door = None
        if isinstance(host, str) and "," not in host:
            timeout_s = ASK_TIMEOUT_S if watchful else CONNECT_TIMEOUT_S
            door = doors.setdefault((host, int(port)), Door(host, int(port), timeout_s))
            if not door.answers():
                raise engine.dialect.loaded_dbapi.OperationalError("the database host does not answer")
        connection = WatchfulConnection.connect(*arguments, **options)
        connection.door = door if watchful else None
        return connection

    # Instead of pool_pre_ping, which asks before every transaction: a connection that was used a moment ago is there.
    @event.listens_for(engine, "checkout")
    def _ask_after_a_pause(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        used_at = record.info.get("used_at", 0.0)
        if time.monotonic() - used_at > TRUSTED_FOR_S:
            try:
                engine.dialect.do_ping(connection)
            except DatabaseSilent:
                raise  # a new connection would have nobody to answer it either
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError("the connection is gone") from error

    @event.listens_for(engine, "checkin")
    def _note_use(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "connect")
    def _drop_to_the_app_role(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET ROLE {APP_ROLE}")
        cursor.close()
        connection.commit()

    return engine


def look_up(engine: Engine, query: str, parameters: Sequence[Any]) -> list[Any]:
    """The rows of one query that needs no tenant, by name; $1, $2 … are its parameters. Raises SQLAlchemy's errors."""
    with unbegun(engine) as connection:
        cursor = psycopg.RawCursor(connection, row_factory=namedtuple_row)
        return cursor.execute(query, parameters, prepare=True).fetchall()


@contextmanager
def unbegun(engine: Engine | Connection) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The driver's connection without a transaction: beginning and ending one would be two more round trips.

    Each statement, or each pipeline of them, commits by itself. Raises SQLAlchemy's errors.
    """
    assert isinstance(engine, Engine)
    try:
        pooled = engine.raw_connection()
    except psycopg.Error as error:
        raise DBAPIError.instance("connect", None, error, psycopg.Error, hide_parameters=True) from error
    try:
        connection = pooled.driver_connection
        assert isinstance(connection, psycopg.Connection)
        connection.autocommit = True
        try:
            yield connection
        except psycopg.Error as error:
            if connection.closed:
                pooled.invalidate(error)
            raise DBAPIError.instance("a look-up", None, error, psycopg.Error, hide_parameters=True) from error
        finally:
            if not connection.closed:
                connection.autocommit = False
    finally:
        pooled.close()


class TenantSession(Session):
    """A session of one tenant, or of none (`tenant=None`: only the tables without row-level security)."""

    @property
    def tenant_id(self) -> UUID:
        tenant = self.info.get("tenant")
        if not isinstance(tenant, UUID):
            raise WrongTenant("this session has no tenant")
        return tenant


@event.listens_for(TenantSession, "after_begin")
def _set_tenant(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    # Transaction-local, so a pooled connection never carries it to the next user; NULLIF in the policies because a
    # reused connection then reads '' and not NULL.
    if not session.info.get(TENANT_SET_LATER):
        driver_connection = connection.connection.driver_connection
        assert isinstance(driver_connection, psycopg.Connection)
        psycopg.RawCursor(driver_connection).execute(SET_TENANT, tenant_setting(session), prepare=True)


def tenant_setting(session: Session) -> tuple[str]:
    """The parameter of SET_TENANT."""
    return (str(session.info.get("tenant") or ""),)


@event.listens_for(TenantSession, "before_flush")
def _keep_to_the_tenant(session: Session, context: UOWTransaction, instances: object) -> None:
    tenant = session.info.get("tenant")
    for row in (*session.new, *session.dirty):
        if "tenant_id" not in row.__mapper__.columns or row.__tablename__ == "work":
            continue
        if row.tenant_id is None:
            row.tenant_id = tenant
        if row.tenant_id != tenant or tenant is None:
            raise WrongTenant(f"a row of {row.__tablename__} belongs to another tenant than its session")
