"""Rows that are written together, in one go, before the next query or the commit.

A use case writes half a dozen rows that nobody reads back in its transaction. Sent one by one each costs a round trip
and the ORM's unit of work; kept here they go out in one pipeline of prepared statements, in the order they were given.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session, make_transient_to_detached

from smsbot.database import Base, TenantSession, WrongTenant

WAITING = "writes"  # key in session.info


def put_row(session: TenantSession, model: type[Base], values: Mapping[str, Any], *, suffix: str = "") -> None:
    """Have a row of `model` written before the session's next query. `suffix` is an ON CONFLICT clause."""
    if values["tenant_id"] != session.tenant_id:
        raise WrongTenant(f"a row of {model.__tablename__} belongs to another tenant than its session")
    session.info.setdefault(WAITING, []).append((model.__tablename__, dict(values), suffix, None))


def put_object(session: TenantSession, row: Base) -> None:
    """The same for an object that may still change until then; afterwards it is the session's like any other."""
    if inspect(row).dict["tenant_id"] != session.tenant_id:
        raise WrongTenant(f"a row of {row.__tablename__} belongs to another tenant than its session")
    session.info.setdefault(WAITING, []).append((row.__tablename__, None, "", row))


def write(session: Session) -> None:
    """Write what waits. Raises what the database would raise for each row, as SQLAlchemy's errors."""
    waiting = session.info.pop(WAITING, None)
    if not waiting:
        return
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    objects = []
    try:
        with connection.pipeline():
            cursor = connection.cursor()
            for table, values, suffix, row in waiting:
                if row is not None:
                    values = _values_of(row)
                    objects.append(row)
                cursor.execute(
                    _insert(table, tuple(values), suffix), [_adapted(value) for value in values.values()], prepare=True
                )
    except psycopg.Error as error:
        raise DBAPIError.instance(
            "rows that were written together", {}, error, psycopg.Error, hide_parameters=True
        ) from error
    for row in objects:
        make_transient_to_detached(row)
        session.add(row)


@lru_cache(maxsize=500)
def _insert(table: str, columns: tuple[str, ...], suffix: str) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        sql.SQL(suffix),
    )


def _values_of(row: Base) -> dict[str, Any]:
    """The columns that have been set; the others take the database's defaults."""
    set_already = inspect(row).dict
    return {
        attribute.columns[0].name: set_already[attribute.key]
        for attribute in inspect(type(row)).column_attrs
        if attribute.key in set_already
    }


def _adapted(value: Any) -> Any:
    if isinstance(value, dict | list):
        return Jsonb(value)
    return value.value if isinstance(value, Enum) else value


@event.listens_for(TenantSession, "do_orm_execute")
def _before_a_query(state: ORMExecuteState) -> None:
    write(state.session)


@event.listens_for(TenantSession, "before_commit")
def _before_the_commit(session: Session) -> None:
    session.flush()
    write(session)
