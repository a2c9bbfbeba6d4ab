"""Rows that are written together, in one go, before the next query or the commit; and rows that are read together.

A use case writes half a dozen rows that nobody reads back in its transaction. Sent one by one each costs a round trip
and the ORM's unit of work; kept here they go out in one pipeline of prepared statements, in the order they were given.
The same holds for what it reads first: `fetch` begins the transaction and asks everything in one round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import event, inspect
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from smsbot.database import SET_TENANT, TENANT_SET_LATER, Base, TenantSession, WrongTenant, tenant_setting

WAITING = "writes"  # keys in session.info
CHANGING = "changes"

Query = tuple[str, Sequence[Any]]  # with %s
Row = TypeVar("Row", bound=Base)


def put_row(session: TenantSession, model: type[Base], values: Mapping[str, Any], *, suffix: str = "") -> None:
    """Have a row of `model` written before the session's next query. `suffix` is an ON CONFLICT clause."""
    if values["tenant_id"] != session.tenant_id:
        raise WrongTenant(f"a row of {model.__tablename__} belongs to another tenant than its session")
    query = _insert(model.__tablename__, tuple(values), suffix)
    session.info.setdefault(WAITING, []).append((query, [_adapted(value) for value in values.values()]))


def put_object(session: TenantSession, row: Base) -> None:
    """The same for an object that may still change until then; afterwards it is the session's like any other."""
    if inspect(row).dict["tenant_id"] != session.tenant_id:
        raise WrongTenant(f"a row of {row.__tablename__} belongs to another tenant than its session")
    session.info.setdefault(WAITING, []).append(row)


def put_statement(session: TenantSession, query: str, parameters: Sequence[Any]) -> None:
    """Have a statement whose result nobody needs run among the rows, in their order."""
    session.info.setdefault(WAITING, []).append((query, [_adapted(value) for value in parameters]))


def put_changes(session: TenantSession, row: Base) -> None:
    """Have what will have changed in this row of the session written with the rest at the commit.

    The caller holds its lock. Afterwards the object is the session's no longer. A query before that writes it as usual.
    """
    session.info.setdefault(CHANGING, []).append(row)


def fetch(session: TenantSession, *queries: Query) -> list[list[tuple[Any, ...]]]:
    """The rows of each query, asked in one round trip together with what waits; it may begin the transaction."""
    begins = not session.in_transaction()
    if begins:
        session.info[TENANT_SET_LATER] = True
    elif session.new or session.dirty or session.deleted:
        _put_changes_first(session)
    session.flush()
    write(session, at_the_end=not session.in_nested_transaction())
    connection = _driver_connection(session)
    if begins:
        del session.info[TENANT_SET_LATER]
    cursors = []
    try:
        with connection.pipeline():
            if begins:
                connection.execute(SET_TENANT, tenant_setting(session), prepare=True)
            for query, parameters in queries:
                cursors.append(connection.execute(query, [_adapted(value) for value in parameters], prepare=True))
        return [cursor.fetchall() for cursor in cursors]
    except psycopg.Error as error:
        raise _translated(error) from error


@cache
def columns_of(model: type[Base], table: str = "") -> str:
    """The model's columns for a query of `fetch`, in the order of `loaded`."""
    prefix = f"{table}." if table else ""
    return ", ".join(f"{prefix}{attribute.columns[0].name}" for attribute in inspect(model).column_attrs)


def loaded(session: TenantSession, model: type[Row], values: Sequence[Any]) -> Row:
    """The session's object for a row that was read with `columns_of`, as that row is now."""
    if len(values) != len(_readers(model)):
        raise ValueError(f"a row of {model.__tablename__} has other columns than its model")
    read = {
        key: value if reader is None else reader(value)
        for (key, reader), value in zip(_readers(model), values, strict=True)
    }
    if read["tenant_id"] != session.tenant_id:
        raise WrongTenant(f"a row of {model.__tablename__} belongs to another tenant than its session")
    mapper = inspect(model)
    identity = mapper.identity_key_from_primary_key([read[column.key] for column in mapper.primary_key])
    known = session.identity_map.get(identity)
    row = model() if known is None else known
    assert isinstance(row, model)
    for key, value in read.items():
        set_committed_value(row, key, value)
    if known is None:
        make_transient_to_detached(row)
        session.add(row)
    return row


def write(session: Session, *, at_the_end: bool = False) -> None:
    """Write what waits. Raises what the database would raise for each row, as SQLAlchemy's errors."""
    waiting = session.info.pop(WAITING, None)
    if not waiting:
        return
    objects = []
    try:
        connection = _driver_connection(session)
        with connection.pipeline():
            cursor = connection.cursor()
            for one in waiting:
                if isinstance(one, Base):
                    values = _values_of(one)
                    objects.append(one)
                    one = _insert(one.__tablename__, tuple(values), ""), [_adapted(v) for v in values.values()]
                cursor.execute(*one, prepare=True)
    except psycopg.Error as error:
        raise _translated(error) from error
    if at_the_end:
        return  # nobody asks the session for them any more
    for row in objects:
        make_transient_to_detached(row)
        session.add(row)


def _driver_connection(session: Session) -> psycopg.Connection[tuple[Any, ...]]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def _translated(error: psycopg.Error) -> BaseException:
    return DBAPIError.instance("rows that were written together", {}, error, psycopg.Error, hide_parameters=True)


@lru_cache(maxsize=500)
def _insert(table: str, columns: tuple[str, ...], suffix: str) -> str:
    # As text, for which the driver remembers what it made of it.
    return (
        sql.SQL("INSERT INTO {} ({}) VALUES ({}) {}")
        .format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
            sql.SQL(suffix),
        )
        .as_string(None)
    )


@lru_cache(maxsize=500)
def _update(table: str, columns: tuple[str, ...], keys: tuple[str, ...]) -> str:
    def assigned(names: tuple[str, ...], between: str) -> sql.Composed:
        return sql.SQL(between).join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names)

    return (
        sql.SQL("UPDATE {} SET {} WHERE {}")
        .format(sql.Identifier(table), assigned(columns, ", "), assigned(keys, " AND "))
        .as_string(None)
    )


@cache
def _readers(model: type[Base]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Each column's attribute, and what makes the driver's value one of ours."""
    known = dialect()
    return [
        (attribute.key, attribute.columns[0].type.dialect_impl(known).result_processor(known, None))
        for attribute in inspect(model).column_attrs
    ]


def _put_changes_first(session: Session) -> None:
    updates = []
    for row in session.info.pop(CHANGING, ()):
        state = inspect(row)
        if state.session is not session or not state.persistent:
            continue  # it is new: written whole
        tenant = session.info.get("tenant")
        if row.tenant_id != tenant:
            raise WrongTenant(f"a row of {row.__tablename__} belongs to another tenant than its session")
        mapper = state.mapper
        changed = {
            mapper.column_attrs[key].columns[0].name: _adapted(state.dict[key])
            for key, old in state.committed_state.items()
            if state.dict[key] != old
        }
        if changed:
            keys = tuple(column.name for column in mapper.primary_key)
            query = _update(row.__tablename__, tuple(changed), keys)
            updates.append((query, [*changed.values(), *(state.dict[column.key] for column in mapper.primary_key)]))
        session.expunge(row)
    if updates:
        session.info[WAITING] = [*updates, *session.info.get(WAITING, ())]


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
    _put_changes_first(session)
    session.flush()
    write(session, at_the_end=not session.in_nested_transaction())
