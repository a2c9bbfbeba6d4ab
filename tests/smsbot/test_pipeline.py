"""Statements in one packet behave as the driver's own, one after the other: values, errors, transactions, lost lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, text

from smsbot.pipeline import MOST_PREPARED, sent_together
from tests.conftest import Database

VALUES = [
    ("text", None),
    ("bool", True),
    ("int", 0),
    ("bigint", -(2**40)),
    ("float8", 1.5),
    ("text", ""),
    ("text", "ñ 🙂 'quoted' \\ $1"),
    ("bytea", b"\x00\xff"),
    ("uuid", UUID("5a7e0c5e-6a58-4b0e-9f1d-7d1f2a9c1b11")),
    ("timestamptz", datetime(2026, 3, 8, 2, 30, 0, 123456, tzinfo=UTC)),
    ("jsonb", Jsonb({"a": [1, None, "é"]})),
    ("int[]", [1, 2]),
    ("text[]", ["a", None]),
]


@pytest.fixture
def connection(migrated: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(migrated.superuser_url) as connection:
        connection.execute("CREATE TEMPORARY TABLE seen (no int PRIMARY KEY)")
        connection.commit()
        yield connection


def numbers(connection: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    return [row[0] for row in connection.execute("SELECT no FROM seen ORDER BY no").fetchall()]


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=repr)
@pytest.mark.parametrize("times", [1, 3])
def test_values_come_back_as_through_the_driver(connection, kind, value, times):
    query = f"SELECT $1::{kind} IS NULL, $1::{kind}"
    expected = psycopg.RawCursor(connection).execute(query, [value]).fetchall()

    assert [sent_together(connection, [(query, [value])]) for _ in range(times)] == [[expected]] * times


def test_rows_come_in_the_order_of_the_statements_and_each_sees_those_before(connection):
    rows = sent_together(
        connection,
        [
            ("INSERT INTO seen VALUES ($1)", [1]),
            ("SELECT no FROM seen", ()),
            ("INSERT INTO seen VALUES ($1) RETURNING no", [2]),
            ("SELECT count(*) FROM seen", ()),
        ],
        begin=True,
    )

    assert rows == [[], [(1,)], [(2,)], [(2,)]]


def test_a_commit_in_the_packet_lasts_and_leaves_nothing_open(connection):
    sent_together(connection, [("INSERT INTO seen VALUES (1)", ())], begin=True, commit=True)
    status = connection.info.transaction_status
    connection.rollback()

    assert (status, numbers(connection)) == (psycopg.pq.TransactionStatus.IDLE, [1])


def test_the_first_error_is_raised_and_nothing_of_the_packet_stays_not_even_by_its_commit(connection):
    with pytest.raises(psycopg.errors.UniqueViolation):
        sent_together(
            connection,
            [
                ("INSERT INTO seen VALUES ($1)", [1]),
                ("INSERT INTO seen VALUES ($1)", [1]),
                ("SELECT 1 / 0", ()),
            ],
            begin=True,
            commit=True,
        )
    connection.rollback()

    assert numbers(connection) == []


def test_an_error_at_the_commit_itself_is_raised(connection):
    connection.execute(
        "CREATE TEMPORARY TABLE child (no int REFERENCES seen DEFERRABLE INITIALLY DEFERRED) ON COMMIT PRESERVE ROWS"
    )
    connection.commit()
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        sent_together(connection, [("INSERT INTO child VALUES (7)", ())], begin=True, commit=True)

    assert connection.execute("SELECT count(*) FROM child").fetchone() == (0,)


def test_without_a_transaction_the_packet_is_one_by_itself(connection):
    connection.autocommit = True
    with pytest.raises(psycopg.errors.DivisionByZero):
        sent_together(connection, [("INSERT INTO seen VALUES (1)", ()), ("SELECT 1 / $1::int", [0])])
    sent_together(connection, [("SELECT set_config('app.tenant', 'x', true)", ()), ("INSERT INTO seen VALUES (2)", ())])

    assert numbers(connection) == [2]
    assert connection.execute("SELECT current_setting('app.tenant', true)").fetchone() in [("",), (None,)]


def test_after_an_error_and_a_rollback_the_same_statements_run_again(engine: Engine):
    query = ("SELECT 10 / $1::int", [0])
    with engine.connect() as pooled:
        connection = pooled.connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        for _ in range(3):
            for _ in range(7):
                pooled.execute(text("SELECT 1"))  # until the driver has prepared it and has something to deallocate
            with pytest.raises(psycopg.errors.DivisionByZero):
                sent_together(connection, [("SELECT 5", ()), query])
            pooled.rollback()
            assert sent_together(connection, [("SELECT 5", ()), (query[0], [2])]) == [[(5,)], [(5,)]]
            pooled.rollback()


def test_statements_that_somebody_else_has_deallocated_are_prepared_anew(connection):
    connection.autocommit = True
    sent_together(connection, [("SELECT 1", ())])
    connection.execute("DEALLOCATE ALL")
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        sent_together(connection, [("SELECT 1", ())])

    assert sent_together(connection, [("SELECT 1", ())]) == [[(1,)]]


def test_more_statements_than_are_kept_prepared_still_run(connection):
    found = [sent_together(connection, [(f"SELECT {n} + $1::int", [1])]) for n in range(MOST_PREPARED + 5)]

    assert found == [[[(n + 1,)]] for n in range(MOST_PREPARED + 5)]


@pytest.mark.parametrize("bad", [object(), "a\x00b"], ids=["no type", "a zero byte"])
def test_a_value_that_cannot_be_sent_leaves_the_connection_usable(connection, bad):
    with pytest.raises((psycopg.Error, TypeError)):
        sent_together(connection, [("SELECT 1", ()), ("SELECT $1::text", [bad])], begin=True)
    connection.rollback()

    assert sent_together(connection, [("SELECT 2", ())]) == [[(2,)]]


def test_a_large_packet_does_not_block_both_sides(connection):
    large = "x" * 500_000
    rows = sent_together(connection, [("SELECT $1::text", [large])] * 20)

    assert [row[0][0] == large for row in rows] == [True] * 20


def test_a_connection_that_is_ended_meanwhile_raises_and_does_not_hang(connection, migrated: Database):
    pid = connection.info.backend_pid

    def end() -> None:
        time.sleep(0.2)
        with migrated.connect() as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(psycopg.OperationalError):
        sent_together(connection, [("SELECT 1", ()), ("SELECT pg_sleep(30)", ()), ("SELECT 2", ())])
    ending.join()

    assert connection.closed
