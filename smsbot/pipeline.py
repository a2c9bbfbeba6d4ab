"""Statements that go to PostgreSQL in one packet and come back in one: one wait for all of them.

The driver's own pipeline sends and looks for an answer at every statement, which wakes the server and the thread each
time; for the eight short statements of a transaction that is a third of what they cost. Built on psycopg's public
wrapper of libpq (`psycopg.pq`) and its adapters, so values and errors are the driver's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import abc, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.waiting import Ready, Wait

Query = tuple[str, Sequence[Any]]  # with $1, $2 …


@dataclass(frozen=True, slots=True)
class CastQuery:
    """A query in which each parameter stands with a cast: it is prepared once, whatever is None in it or how large."""

    text: str
    values: Sequence[Any]


MOST_PREPARED = 400  # statements of one connection; beyond it they are sent whole
BEGIN, COMMIT = b"BEGIN", b"COMMIT"


@dataclass(slots=True)
class _Known:
    """What one connection has prepared, by text and parameter types."""

    transformer: abc.Transformer
    names: dict[tuple[str, tuple[int, ...]], bytes] = field(default_factory=dict)
    count: int = 0


_KNOWN: WeakKeyDictionary[psycopg.Connection[Any], _Known] = WeakKeyDictionary()


def sent_together(
    connection: psycopg.Connection[Any],
    queries: Sequence[Query | CastQuery],
    *,
    begin: bool = False,
    commit: bool = False,
) -> list[list[tuple[Any, ...]]]:
    """The rows of each query, all sent at once, after a BEGIN and before a COMMIT when so asked.

    Raises psycopg's error of the first statement that fails; those after it were not done, and a transaction that was
    open or begun then waits for its rollback. Without one, the queries are one transaction by themselves.
    """
    known = _KNOWN.get(connection)
    if known is None:
        known = _KNOWN[connection] = _Known(Transformer(connection))
    pgconn = connection.pgconn
    new: list[tuple[str, tuple[int, ...]]] = []
    kinds: list[bool] = []  # of each result that is to come: whether its rows are wanted
    pgconn.enter_pipeline_mode()
    try:
        try:
            if begin and pgconn.transaction_status == pq.TransactionStatus.IDLE:
                pgconn.send_query_params(BEGIN, None)
                kinds.append(False)
            for query in queries:
                _send(pgconn, known, query, new, kinds)
            if commit:
                pgconn.send_query_params(COMMIT, None)
                kinds.append(False)
        finally:
            pgconn.pipeline_sync()
            results = connection.wait(_exchange(pgconn, len(kinds)))
    finally:
        if pgconn.status == pq.ConnStatus.OK:
            pgconn.exit_pipeline_mode()
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            error = error_from_result(result)
            for key in list(known.names) if isinstance(error, InvalidSqlStatementName) else new:
                known.names.pop(key, None)  # perhaps not prepared; a name is not used twice
            raise error
    rows = []
    for result, wanted in zip(results, kinds, strict=True):
        if wanted:
            known.transformer.set_pgresult(result)
            rows.append(known.transformer.load_rows(0, result.ntuples, tuple) if result.ntuples else [])
    return rows


def forget_prepared(connection: psycopg.Connection[Any]) -> None:
    """After the driver has dropped what was prepared on this connection, ours with its own."""
    known = _KNOWN.get(connection)
    if known is not None:
        known.names.clear()


def _send(
    pgconn: pq.abc.PGconn,
    known: _Known,
    query: Query | CastQuery,
    new: list[tuple[str, tuple[int, ...]]],
    kinds: list[bool],
) -> None:
    transformer = known.transformer
    cast = isinstance(query, CastQuery)
    text, values = (query.text, query.values) if isinstance(query, CastQuery) else query
    wanted = PyFormat.TEXT if cast else PyFormat.AUTO
    parameters = transformer.dump_sequence(values, [wanted] * len(values)) if values else []
    types = (transformer.types or ()) if values and not cast else ()
    formats = transformer.formats if values else None
    key = (text, tuple(types))
    name = known.names.get(key)
    if name is None and len(known.names) < MOST_PREPARED:
        known.count += 1
        name = known.names[key] = f"smsbot_{known.count}".encode()
        new.append(key)
        pgconn.send_prepare(name, text.encode(), types)
        kinds.append(False)
    if name is None:
        pgconn.send_query_params(text.encode(), parameters, types, formats)
    else:
        pgconn.send_query_prepared(name, parameters, formats)
    kinds.append(True)


def _exchange(pgconn: pq.abc.PGconn, count: int) -> abc.PQGen[list[pq.abc.PGresult]]:
    """Send what is buffered and read all results, up to the answer to the sync."""
    while pgconn.flush():
        ready = yield Wait.RW
        if ready & Ready.R:
            pgconn.consume_input()
    results: list[pq.abc.PGresult] = []
    while True:
        while pgconn.is_busy():
            ready = yield Wait.R
            if ready:
                pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # between the results of two statements
            if pgconn.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError("the connection was lost while its answers were awaited")
            continue
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            break
        results.append(result)
    assert len(results) == count, "as many answers as statements"
    return results
