"""Rows that are written together, in one go, before the next query or the commit; and rows that are read together.

A use case writes half a dozen rows that nobody reads back in its transaction. Sent one by one each costs a round trip
and the ORM's unit of work; kept here they go out as one prepared statement, in one round trip.
The same holds for what it reads first: `fetch` begins the transaction and asks everything in one round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache
from itertools import zip_longest
from types import NoneType
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Dialect, Executable, Float, Numeric, String, event, inspect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from smsbot.database import SET_TENANT, TENANT_SET_LATER, Base, TenantSession, WrongTenant, tenant_setting, unbegun
from smsbot.pipeline import CastQuery, Query, sent_together

WAITING = "writes"  # keys in session.info
CHANGING = "changes"
ASIDE = "set_aside"
READING = "reading"  # whether the session is for `fetch` alone

NUMERIC, FLOAT8 = 1700, 701  # PostgreSQL's type numbers (pg_type.dat): what is read as a number depends on them

LOTS = (16, 8, 4, 2, 1)  # rows of one prepared statement

Row = TypeVar("Row", bound=Base)
_Shape = tuple[str, tuple[str, ...], str, tuple[str, ...]]  # table, columns, suffix, keys


@dataclass(frozen=True, slots=True)
class _Write:
    """One row: `columns` are written, of the row with `keys` when there are any; `suffix` is an ON CONFLICT clause."""

    table: str
    columns: tuple[str, ...]
    values: Sequence[Any]
    suffix: str = ""
    keys: tuple[str, ...] = ()


def put_row(session: TenantSession, model: type[Base], values: Mapping[str, Any], *, suffix: str = "") -> None:
    """Have a row of `model` written before the session's next query. `suffix` is an ON CONFLICT clause."""
    if values["tenant_id"] != session.tenant_id:
        raise WrongTenant(f"a row of {model.__tablename__} belongs to another tenant than its session")
    row = _Write(model.__tablename__, tuple(values), [_adapted(value) for value in values.values()], suffix)
    session.info.setdefault(WAITING, []).append(row)


def put_object(session: TenantSession, row: Base) -> None:
    """The same for an object that may still change until then; afterwards it is the session's like any other."""
    if inspect(row).dict["tenant_id"] != session.tenant_id:
        raise WrongTenant(f"a row of {row.__tablename__} belongs to another tenant than its session")
    session.info.setdefault(WAITING, []).append(row)


def put_statement(session: TenantSession, query: Query) -> None:
    """Have a statement whose result nobody needs run after the rows that wait, and before those that come."""
    session.info.setdefault(WAITING, []).append(query)


def put_changes(session: TenantSession, row: Base) -> None:
    """Have what will have changed in this row of the session written with the rest at the commit.

    The caller holds its lock. Afterwards the object is the session's no longer. A query before that writes it as usual.
    """
    if inspect(row).dict["tenant_id"] != session.tenant_id:
        raise WrongTenant(f"a row of {row.__tablename__} belongs to another tenant than its session")
    session.info.setdefault(CHANGING, []).append(row)


def set_aside(session: TenantSession) -> None:
    """Keep what waits until the commit, which writes it with what else was set aside: a row of each in one statement.

    For things that are done one after the other in one transaction and know nothing of each other: the rows of one
    must not be about those of another, and no query comes back to what was set aside.
    """
    waiting = session.info.pop(WAITING, None)
    if waiting:
        session.info.setdefault(ASIDE, []).append(waiting)


def fetch(session: TenantSession, *queries: Query) -> list[list[tuple[Any, ...]]]:
    """The rows of each query, all asked in one round trip, which also begins the transaction when it has not begun.

    Each query sees what was committed before it, so what is asked after a lock was waited for is new.
    """
    if session.info.get(READING):
        return _read(session, queries)
    begins = not session.in_transaction()
    session.info[TENANT_SET_LATER] = begins
    connection = _driver_connection(session)
    session.info[TENANT_SET_LATER] = False
    if not begins:
        if session.new or session.dirty or session.deleted:
            session.flush()
        write(session)
    try:
        if not begins:
            return sent_together(connection, queries)
        _, *rows = sent_together(connection, [(SET_TENANT, tenant_setting(session)), *queries], begin=True)
        return rows
    except psycopg.Error as error:
        raise _translated(error) from error


def _read(session: TenantSession, queries: Sequence[Query]) -> list[list[tuple[Any, ...]]]:
    # One round trip in all: without a BEGIN the server takes what is sent together for one transaction.
    with unbegun(session.get_bind()) as connection:
        _, *rows = sent_together(connection, [(SET_TENANT, tenant_setting(session)), *queries])
        return rows


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement that is made once, for `fetch` and `put_statement`, and the names of its parameters in their order."""

    text: str
    names: tuple[str, ...]

    def __call__(self, **parameters: Any) -> Query:
        return self.text, [parameters[name] for name in self.names]


def prepared(statement: Executable) -> Prepared:
    """The statement with its bound parameters. What a partial index needs must be a constant in it: `literal_column`.

    (A prepared statement is planned without its parameters.)
    """
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=_dialect(paramstyle="numeric_dollar"))
    assert isinstance(compiled, SQLCompiler)
    given = [name for name, value in compiled.params.items() if value is not None]
    assert not given, f"a value in a prepared statement is written as literal_column: {given}"
    return Prepared(str(compiled), tuple(compiled.positiontup or ()))


def columns_of(model: type[Base]) -> list[Any]:
    """What to select for `loaded`."""
    return [getattr(model, attribute.key) for attribute in inspect(model).column_attrs]


def loaded(session: TenantSession, model: type[Row], values: Sequence[Any]) -> Row:
    """The session's object for a row that was read with `columns_of`, as that row is now."""
    read = {
        key: value if reader is None else reader(value)
        for (key, reader), value in zip(_readers(model), values, strict=True)
    }
    if read.get("tenant_id", session.tenant_id) != session.tenant_id:
        raise WrongTenant(f"a row of {model.__tablename__} belongs to another tenant than its session")
    mapper = inspect(model)
    identity = mapper.identity_key_from_primary_key(tuple(read[key] for key in _keys(model)))
    known = session.identity_map.get(identity)
    if known is not None:
        assert isinstance(known, model)
        for key, value in read.items():
            set_committed_value(known, key, value)
        return known
    row = model()
    inspect(row).dict.update(read)  # nobody has seen the object yet, so there is no change to notice
    make_transient_to_detached(row)
    session.add(row)
    return row


def loaded_together(session: TenantSession, models: Sequence[type[Base]], values: Sequence[Any]) -> list[Base]:
    """The same for one row that was read with the columns of several models after each other."""
    rows, place = [], 0
    for model in models:
        width = len(_readers(model))
        rows.append(loaded(session, model, values[place : place + width]))
        place += width
    return rows


def write(session: Session, *, at_the_end: bool = False) -> None:
    """Write what waits, and commit it when this is `at_the_end`.

    Raises what the database would raise for each row, as SQLAlchemy's errors.
    """
    waiting = session.info.pop(WAITING, [])
    aside = session.info.pop(ASIDE, []) if at_the_end else []
    if not waiting and not aside:
        return
    objects = [one for one in waiting if isinstance(one, Base)]
    parts = [list(_steps(part)) for part in (waiting, *aside)]
    statements: list[Query | CastQuery] = []
    for step in zip_longest(*parts, fillvalue=_NOTHING):
        rows = [row for rows, _ in step for row in rows]
        statements += _many(rows) if len(parts) > 2 else _merged(rows)
        statements += [query for _, query in step if query is not None]
    try:
        connection = _driver_connection(session)
        # With its commit in the same packet; what SQLAlchemy commits then is nothing more.
        sent_together(connection, statements, commit=at_the_end)
    except psycopg.Error as error:
        raise _translated(error) from error
    if at_the_end:
        return  # nobody asks the session for them any more
    for row in objects:
        make_transient_to_detached(row)
        session.add(row)


_Step = tuple[Sequence[_Write], Query | None]
_NOTHING: _Step = ((), None)


def _steps(waiting: Sequence[_Write | Base | Query]) -> Iterator[_Step]:
    """Rows that may be written together, and the statement that comes after them."""
    rows: list[_Write] = []
    for one in waiting:
        match one:
            case _Write():
                rows.append(one)
            case Base():
                values = _values_of(one)
                rows.append(_Write(one.__tablename__, tuple(values), [_adapted(v) for v in values.values()]))
            case _:
                yield rows, one
                rows = []
    yield rows, None


def _merged(writes: Sequence[_Write]) -> list[Query]:
    """One statement for all: foreign keys are checked at its end, and no two of them touch the same row."""
    if not writes:
        return []
    shape = tuple((one.table, one.columns, one.suffix, one.keys) for one in writes)
    return [(_statement(shape), [value for one in writes for value in one.values])]


@lru_cache(maxsize=500)
def _statement(shape: tuple[_Shape, ...]) -> str:
    """The names in it are those of our models. Its parameters count through."""
    parts, place = [], 0
    for table, columns, suffix, keys in shape:
        names = [f'"{name}"' for name in columns]
        numbers = [f"${place + count}" for count in range(1, len(columns) + len(keys) + 1)]
        if keys:
            placed = list(zip((*columns, *keys), numbers, strict=True))
            parts.append(_update(table, placed[: len(columns)], placed[len(columns) :]))
        else:
            parts.append(
                " ".join(("INSERT INTO", table, f"({', '.join(names)}) VALUES ({', '.join(numbers)})", suffix))
            )
        place += len(numbers)
    return _in_one(parts)


def _many(writes: Sequence[_Write]) -> list[CastQuery]:
    """One statement for all rows of a shape, changes first, then each table after those that it refers to.

    They come in lots of so many rows that few statements need to be prepared.
    """
    shapes: dict[_Shape, list[_Write]] = {}
    for one in writes:
        shapes.setdefault((one.table, one.columns, one.suffix, one.keys), []).append(one)
    order = _table_order()
    queries = []
    for shape in sorted(shapes, key=lambda shape: (not shape[3], order[shape[0]])):  # stable: as they came
        rows = shapes[shape]
        place = 0
        while place < len(rows):
            lot = next(size for size in LOTS if size <= len(rows) - place)
            values = [value for one in rows[place : place + lot] for value in one.values]
            queries.append(CastQuery(_statement_of(shape, lot), values))
            place += lot
    return queries


@lru_cache(maxsize=1000)
def _statement_of(shape: _Shape, count: int) -> str:
    table, columns, suffix, keys = shape
    kinds = _cast_names(table)
    numbers = iter(range(1, count * (len(columns) + len(keys)) + 1))
    rows = [[(name, f"${next(numbers)}::{kinds[name]}") for name in (*columns, *keys)] for _ in range(count)]
    if keys:  # each by its key: joined to a list of them, a table that was small would be read whole for ever
        return _in_one([_update(table, row[: len(columns)], row[len(columns) :]) for row in rows])
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f"({', '.join(place for _, place in row)})" for row in rows)
    return " ".join(("INSERT INTO", table, f"({names}) VALUES", values, suffix))


def _update(table: str, columns: Sequence[tuple[str, str]], keys: Sequence[tuple[str, str]]) -> str:
    """Of (name, parameter)."""
    assigned = ", ".join(f'"{name}" = {place}' for name, place in columns)
    found = " AND ".join(f'"{name}" = {place}' for name, place in keys)
    return " ".join(("UPDATE", table, "SET", assigned, "WHERE", found))


def _in_one(parts: Sequence[str]) -> str:
    *others, last = parts
    return f"WITH {', '.join(f'w{count} AS ({one})' for count, one in enumerate(others))} {last}" if others else last


@cache
def _cast_names(table: str) -> dict[str, str]:
    """The type of each column. A cast to a length would cut off what is too long, instead of refusing it."""
    dialect = _dialect()
    return {
        column.name: "text" if isinstance(column.type, String) else column.type.compile(dialect)
        for column in Base.metadata.tables[table].columns
    }


@cache
def _table_order() -> dict[str, int]:
    return {table.name: place for place, table in enumerate(Base.metadata.sorted_tables)}


def _driver_connection(session: Session) -> psycopg.Connection[tuple[Any, ...]]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def _translated(error: psycopg.Error) -> BaseException:
    return DBAPIError.instance("rows that were written together", {}, error, psycopg.Error, hide_parameters=True)


def _dialect(**options: Any) -> Dialect:
    made: Callable[..., Dialect] = make_url("postgresql+psycopg://").get_dialect()
    return made(**options)


@cache
def _keys(model: type[Base]) -> tuple[str, ...]:
    """The attributes of the primary key."""
    mapper = inspect(model)
    return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)


@cache
def _readers(model: type[Base]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Each column's attribute, and what makes the driver's value one of ours."""
    known = _dialect()

    def reader(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
        sent_as = FLOAT8 if isinstance(kind, Float) else NUMERIC if isinstance(kind, Numeric) else None
        return kind.dialect_impl(known).result_processor(known, sent_as)

    return [(attribute.key, reader(attribute.columns[0].type)) for attribute in inspect(model).column_attrs]


def _put_changes_first(session: Session) -> None:
    updates = []
    for row in session.info.pop(CHANGING, ()):
        state = inspect(row)
        if state.session is not session:
            continue  # it is new: written whole
        changed = {
            state.mapper.column_attrs[key].columns[0].name: _adapted(state.dict[key])
            for key, old in state.committed_state.items()
            if state.dict[key] != old
        }
        if changed:
            keys = {
                column.name: state.dict[key]
                for column, key in zip(state.mapper.primary_key, _keys(state.mapper.class_), strict=True)
            }
            updates.append(
                _Write(row.__tablename__, tuple(changed), [*changed.values(), *keys.values()], keys=tuple(keys))
            )
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


_AS_THEY_ARE = frozenset({str, int, bool, float, bytes, datetime, UUID, NoneType})


def _adapted(value: Any) -> Any:
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, dict | list):
        return Jsonb(value)
    return value.value if isinstance(value, Enum) else value


@event.listens_for(TenantSession, "do_orm_execute")
def _before_a_query(state: ORMExecuteState) -> None:
    write(state.session)


@event.listens_for(TenantSession, "before_flush")
def _before_a_flush(session: Session, _: object, __: object) -> None:
    # A statement may make room for what the flush writes: it comes first, with the rows that it may be about.
    waiting = session.info.get(WAITING, [])
    places = [place for place, one in enumerate(waiting) if isinstance(one, tuple)]
    if places:
        session.info[WAITING] = waiting[: places[-1] + 1]
        write(session)
        session.info[WAITING] = waiting[places[-1] + 1 :]


@event.listens_for(TenantSession, "before_commit")
def _before_the_commit(session: Session) -> None:
    _put_changes_first(session)
    session.flush()
    write(session, at_the_end=not session.in_nested_transaction())
