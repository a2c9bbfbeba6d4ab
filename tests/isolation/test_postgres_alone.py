"""With every check of the application away: what PostgreSQL itself refuses to a raw connection of the application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege
from psycopg.types.json import Jsonb

import worker  # brings every model with it
from smsbot.database import Base
from tests.isolation.neighbours import Neighbours, tenant_tables

OPEN = {"work"}  # ids only, read by workers before they know the tenant
TABLES = sorted(
    table.name for table in Base.metadata.tables.values() if "tenant_id" in table.columns and table.name not in OPEN
)
REFUSED = (
    "SET ROLE smsbot_owner",
    "SET ROLE smsbot_lookup",
    "SET ROLE smsbot_backup",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION smsbot_owner",
    "SET session_replication_role = replica",
    "ALTER ROLE smsbot_app BYPASSRLS",
    "ALTER ROLE smsbot_app SUPERUSER",
    "GRANT smsbot_backup TO smsbot_app",
    "GRANT smsbot_lookup TO smsbot_app",
    "CREATE ROLE another",
    "DROP EXTENSION plpgsql",
    "CREATE SCHEMA mine",
    "CREATE TABLE public.mine (id int)",
    "CREATE TEMPORARY TABLE credentials (id int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION app_tenant() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid'",
    "ALTER FUNCTION link_by_token(bytea) SET search_path = pg_temp",
    "DROP FUNCTION api_key_by_hash(bytea)",
    "SELECT create_month_partitions('events', '2040-01-01', 1)",
    "SELECT pg_read_file('pg_hba.conf')",
    "SELECT * FROM pg_authid",
    "COPY messages TO PROGRAM 'cat'",
    "COPY messages TO '/tmp/messages'",
    "SELECT pg_reload_conf()",
    "SET log_statement = 'all'",
    "SET row_security = off; SELECT * FROM messages",
    "CREATE POLICY mine ON messages USING (true)",
    "ALTER POLICY tenant ON messages USING (true)",
    "DROP POLICY tenant ON messages",
    "DROP TRIGGER no_change ON consent_events",
    "ALTER TABLE consent_events DISABLE TRIGGER ALL",
    "UPDATE alembic_version SET version_num = '0'",
)


@contextmanager
def connected(both: Neighbours, tenant_id: UUID | None) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A raw connection of the application's login in a transaction of this tenant, rolled back at the end."""
    connection = psycopg.connect(both.database.app_url)
    try:
        if tenant_id is not None:
            connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant_id),))
        yield connection
    finally:
        connection.rollback()
        connection.close()


def query(text: str, table: str, *columns: str) -> sql.Composed:
    return sql.SQL(text).format(sql.Identifier(table), *(sql.Identifier(column) for column in columns))


def one(both: Neighbours, text: sql.Composed, *values: object) -> Any:
    """The first column of the first row, as a superuser sees it."""
    with both.database.connect() as connection:
        row = connection.execute(text, values).fetchone()
    return None if row is None else row[0]


def count(connection: psycopg.Connection[tuple[Any, ...]], text: sql.Composed, *values: object) -> int:
    row = connection.execute(text, values).fetchone()
    assert row is not None
    return int(row[0])


def changed_or_refused(connection: psycopg.Connection[tuple[Any, ...]], text: sql.Composed, *values: object) -> int:
    """How many rows a statement changed; 0 when the role may not make such a statement at all."""
    try:
        with connection.transaction():
            return connection.execute(text, values).rowcount
    except InsufficientPrivilege:
        return 0


def copied(both: Neighbours, table: str, tenant_id: UUID, **other: object) -> dict[str, Any]:
    """A row of this tenant as JSON, with `other` in place of some of its values."""
    row = one(both, query("SELECT to_jsonb(t) FROM {} AS t WHERE tenant_id = %s LIMIT 1", table), tenant_id)
    return {**row, **other}


INSERT = "INSERT INTO {} SELECT (jsonb_populate_record(NULL::{}, %s)).*"


def insert_of(table: str, suffix: str = "") -> sql.Composed:
    return sql.SQL(INSERT + suffix).format(sql.Identifier(table), sql.Identifier(table))


def test_the_models_and_the_database_name_the_same_tables(both: Neighbours) -> None:
    assert worker.handlers is not None
    with both.database.connect() as connection:
        assert set(tenant_tables(connection)) == {*TABLES, *OPEN}


@pytest.mark.parametrize("table", TABLES)
def test_a_new_table_is_filled_for_both_tenants_before_anything_is_said_about_it(both: Neighbours, table: str) -> None:
    counted = query("SELECT count(*) FROM {} WHERE tenant_id = %s", table)

    assert one(both, counted, both.a.id) > 0, f"tests/isolation/neighbours.py puts no row of A into {table}"
    assert one(both, counted, both.b.id) > 0, f"tests/isolation/neighbours.py puts no row of B into {table}"


@pytest.mark.parametrize("table", TABLES)
def test_another_tenants_rows_cannot_be_seen_changed_or_removed(both: Neighbours, table: str) -> None:
    mine = one(both, query("SELECT count(*) FROM {} WHERE tenant_id = %s", table), both.a.id)
    with connected(both, both.a.id) as connection:
        assert count(connection, query("SELECT count(*) FROM {} WHERE tenant_id = %s", table), both.b.id) == 0
        assert count(connection, query("SELECT count(*) FROM {}", table)) == mine
        touched = query("UPDATE {} SET tenant_id = tenant_id WHERE tenant_id = %s", table)
        assert changed_or_refused(connection, touched, both.b.id) == 0
        assert changed_or_refused(connection, query("DELETE FROM {} WHERE tenant_id = %s", table), both.b.id) == 0
        # Given away: refused by the policy's check where the table may be updated at all.
        with pytest.raises(InsufficientPrivilege), connection.transaction():
            connection.execute(query("UPDATE {} SET tenant_id = %s", table), (both.b.id,))


@pytest.mark.parametrize("suffix", ["", " ON CONFLICT DO NOTHING"])
@pytest.mark.parametrize("table", TABLES)
def test_a_row_in_another_tenants_name_is_refused(both: Neighbours, table: str, suffix: str) -> None:
    row = copied(both, table, both.b.id)
    for tenant_id in (both.a.id, None):
        with connected(both, tenant_id) as connection, pytest.raises(InsufficientPrivilege) as refused:
            connection.execute(insert_of(table, suffix), (Jsonb(row),))

        assert both.leaks(str(refused.value)) == []


@pytest.mark.parametrize("table", TABLES)
def test_without_a_tenant_there_are_no_rows(both: Neighbours, table: str) -> None:
    for setting in (None, ""):
        with connected(both, None) as connection:
            if setting is not None:
                connection.execute("SELECT set_config('app.tenant', %s, true)", (setting,))

            assert count(connection, query("SELECT count(*) FROM {}", table)) == 0


def foreign_keys() -> list[tuple[str, str, str]]:
    """(table, column, referred table) of every foreign key between two tenant tables, as the models have it."""
    return sorted(
        (table.name, element.parent.name, element.column.table.name)
        for table in Base.metadata.tables.values()
        for constraint in table.foreign_key_constraints
        for element in constraint.elements
        if element.column.table.name in TABLES and element.parent.name != "tenant_id"
    )


@pytest.mark.parametrize(("table", "column", "referred"), foreign_keys())
def test_no_row_can_point_at_another_tenants(both: Neighbours, table: str, column: str, referred: str) -> None:
    foreign = one(both, query("SELECT id FROM {} WHERE tenant_id = %s LIMIT 1", referred), both.b.id)
    with connected(both, both.a.id) as connection:
        may_update = count(
            connection,
            sql.SQL("SELECT has_table_privilege({}, 'UPDATE')::int").format(sql.Literal(table)),
        )
        with pytest.raises(ForeignKeyViolation) as refused:
            if may_update:
                one_row = "UPDATE {0} SET {1} = %s WHERE ctid = (SELECT ctid FROM {0} LIMIT 1)"
                connection.execute(sql.SQL(one_row).format(sql.Identifier(table), sql.Identifier(column)), (foreign,))
            else:
                row = copied(both, table, both.a.id, id=str(uuid4()), seq=999, **{column: str(foreign)})
                connection.execute(insert_of(table), (Jsonb(row),))

    assert both.leaks(str(refused.value), sent=str(foreign)) == []


def test_every_foreign_key_between_tenant_tables_carries_the_tenant(both: Neighbours) -> None:
    with both.database.connect() as connection:
        keys = connection.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text,"
            " (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY(conkey)),"
            " (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = confrelid AND attnum = ANY(confkey))"
            " FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
        ).fetchall()

    between = [key for key in keys if key[0] in TABLES and key[1] in TABLES]
    assert len(between) >= len(foreign_keys()) > 10
    assert [key for key in between if "tenant_id" not in key[2] or "tenant_id" not in key[3]] == []


def test_every_unique_key_that_a_tenant_chooses_begins_with_the_tenant(both: Neighbours) -> None:
    """Otherwise a refusal would tell A what B has. Random ids and hashes of secrets are nobody's choice."""
    with both.database.connect() as connection:
        keys = connection.execute(
            "SELECT indrelid::regclass::text, (SELECT attname::text FROM pg_attribute"
            " WHERE attrelid = indrelid AND attnum = indkey[0]) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
            " WHERE indisunique AND NOT relispartition AND relnamespace = 'public'::regnamespace"
        ).fetchall()

    random = {"id", "key_hash", "token_hash"}
    assert [key for key in keys if key[0] in TABLES and key[1] not in {"tenant_id", *random}] == []


@pytest.mark.parametrize("statement", REFUSED)
def test_the_applications_login_cannot_raise_or_free_itself(both: Neighbours, statement: str) -> None:
    with (
        connected(both, both.a.id) as connection,
        pytest.raises((InsufficientPrivilege, psycopg.errors.InvalidGrantOperation)),
    ):
        for part in statement.split("; "):
            connection.execute(part)


@pytest.mark.parametrize(
    "text",
    [
        "TRUNCATE {} CASCADE",
        "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE {} OWNER TO smsbot_app",
        "DROP TABLE {} CASCADE",
        "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION refuse_change()",
        "CREATE RULE mine AS ON SELECT TO {} DO INSTEAD NOTHING",
    ],
)
def test_no_table_can_be_emptied_or_opened(both: Neighbours, text: str) -> None:
    for table in (*TABLES, *OPEN, "tenants", "logins", "login_sessions"):
        with connected(both, both.a.id) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(query(text, table))


def test_partitions_are_read_through_their_parent_only(both: Neighbours) -> None:
    with both.database.connect() as connection:
        partitions = connection.execute(
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
            " WHERE relispartition AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()

    assert len(partitions) > 24
    assert {partition[1:] for partition in partitions} == {(True, True)}
    with connected(both, both.a.id) as connection:
        for partition in partitions:
            with pytest.raises(InsufficientPrivilege), connection.transaction():
                connection.execute(query("SELECT 1 FROM {}", str(partition[0])))


def test_the_login_is_what_it_is_said_to_be(both: Neighbours) -> None:
    with both.database.connect() as connection:
        roles = {
            row[0]: row[1:]
            for row in connection.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin"
                " FROM pg_roles WHERE rolname LIKE 'smsbot%'"
            ).fetchall()
        }
        memberships = connection.execute(
            "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
            " JOIN pg_roles u ON u.oid = m.member WHERE u.rolname IN ('smsbot_app', 'smsbot_lookup')"
        ).fetchall()
        owned = connection.execute("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = 'smsbot_app'")

        assert owned.fetchone() == (0,)
    assert roles["smsbot_app"] == (False, False, False, False, False, True)
    assert roles["smsbot_lookup"] == (False, False, False, False, False, False)
    assert memberships == []


def test_nobody_logs_in_as_the_role_of_the_look_ups(both: Neighbours) -> None:
    for password in ("app", "owner", "", "smsbot_lookup"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(both.database.app_url, user="smsbot_lookup", password=password)


@pytest.mark.parametrize("statement", ["CREATE EXTENSION {}", "ALTER SYSTEM SET log_statement = 'all'"])
def test_the_server_stays_as_it_is(both: Neighbours, statement: str) -> None:
    asked = "SELECT array_agg(extname::text ORDER BY 1), current_setting('log_statement') FROM pg_extension"
    with both.database.connect() as connection:
        before = connection.execute(asked).fetchall()
        available = [str(row[0]) for row in connection.execute("SELECT name FROM pg_available_extensions").fetchall()]
    with psycopg.connect(both.database.app_url, autocommit=True) as connection:
        for name in (*available, "pgcrypto", "dblink", "btree_gist"):
            with pytest.raises(psycopg.Error):
                connection.execute(query(statement, name))
    with both.database.connect() as connection:
        assert connection.execute(asked).fetchall() == before


def test_statistics_show_no_values_of_anybody(both: Neighbours) -> None:
    with both.database.connect() as connection:
        connection.execute("ANALYZE messages, contacts")
    with connected(both, both.a.id) as connection:
        shown = connection.execute("SELECT * FROM pg_stats WHERE tablename IN ('messages', 'contacts')").fetchall()

    assert shown == []


# ---- the four look-ups ------------------------------------------------------------------------------------------------

BY_CARRIER = "SELECT * FROM tenants_by_carrier(%s, %s, %s)"
COLUMNS = {
    BY_CARRIER: "tenant_id number_id number sender_type opt_out_handling brand zone languages extra_opt_out_words"
    " data_key credential_id kind state secret",
    "SELECT * FROM logins_by_email(%s)": "login_id password_hash failed_count locked_until disabled_at tenant_id agent_id role",
    "SELECT * FROM api_key_by_hash(%s)": "tenant_id api_key_id name",
    "SELECT * FROM link_by_token(%s)": "tenant_id link_id purpose ref_id expires_at",
}


def test_exactly_four_functions_look_before_a_tenant_is_known(both: Neighbours) -> None:
    with both.database.connect() as connection:
        found = connection.execute(
            "SELECT proname, pg_get_userbyid(proowner), proconfig, provolatile, has_function_privilege('smsbot_backup',"
            " oid, 'EXECUTE') FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY 1"
        ).fetchall()

    names = ["api_key_by_hash", "link_by_token", "logins_by_email", "tenants_by_carrier"]
    assert [row[0] for row in found] == names
    # pg_temp last: a temporary view of the caller's must never stand in for a table that they read.
    assert {(row[1], tuple(row[2]), *row[3:]) for row in found} == {
        ("smsbot_lookup", ("search_path=pg_catalog, public, pg_temp",), "s", False)
    }


@pytest.mark.parametrize(("text", "columns"), COLUMNS.items())
def test_a_look_up_shows_the_columns_that_it_needs(both: Neighbours, text: str, columns: str) -> None:
    with connected(both, None) as connection:
        cursor = connection.execute(text, (None,) * text.count("%s"))

        assert [column.name for column in cursor.description or ()] == columns.split()
        assert cursor.fetchall() == []


def looked_up(both: Neighbours, text: str, *values: object) -> list[tuple[Any, ...]]:
    with connected(both, None) as connection:
        return connection.execute(text, values).fetchall()


def test_the_look_up_by_carrier_needs_the_account_and_one_of_its_addresses(both: Neighbours) -> None:
    a, b = both.a.business, both.b.business

    assert {row[0] for row in looked_up(both, BY_CARRIER, a.account_sid, a.number, None)} == {a.id}
    assert {row[0] for row in looked_up(both, BY_CARRIER, a.account_sid, "+1", a.service_sid)} == {a.id}
    for values in (
        (a.account_sid, b.number, None),
        (a.account_sid, b.number, b.service_sid),
        (b.account_sid, a.number, a.service_sid),
        ("%", "%", "%"),
        (a.account_sid, "%", "%"),
        (a.account_sid[:-1] + "%", a.number, None),
        (None, a.number, a.service_sid),
        (a.account_sid, None, None),
        ("", "", ""),
    ):
        assert looked_up(both, BY_CARRIER, *values) == []


def test_the_other_look_ups_find_exactly_what_was_asked_for(both: Neighbours) -> None:
    logins, keys, links = list(COLUMNS)[1:]

    assert [row[5] for row in looked_up(both, logins, both.b.email.upper())] == [both.b.id]
    assert [row[0] for row in looked_up(both, keys, both.b.key_hash)] == [both.b.id]
    assert [row[0] for row in looked_up(both, links, both.b.link_hash)] == [both.b.id]
    for wrong in ("%", "", both.b.email[:-1] + "%", "staff-b@%"):
        assert looked_up(both, logins, wrong) == []
    for text, right in ((keys, both.b.key_hash), (links, both.b.link_hash)):
        for wrong_hash in (b"", b"%", right[:-1], right + b"\0", bytes(32)):
            assert looked_up(both, text, wrong_hash) == []


def test_a_revoked_key_and_a_retired_token_are_found_no_more(both: Neighbours) -> None:
    with connected(both, both.b.id) as connection:
        connection.execute("UPDATE api_keys SET revoked_at = now()")
        connection.execute("UPDATE credentials SET state = 'retired'")

        assert connection.execute("SELECT * FROM api_key_by_hash(%s)", (both.b.key_hash,)).fetchall() == []
        b = both.b.business
        assert connection.execute(BY_CARRIER, (b.account_sid, b.number, None)).fetchall() == []


def test_a_callers_own_view_never_stands_in_for_a_table_of_a_look_up(both: Neighbours) -> None:
    """What a view's functions do runs as the look-ups' role, which reads every tenant's credentials."""
    with both.database.connect() as connection:
        connection.execute("GRANT TEMPORARY ON DATABASE smsbot TO smsbot_app")
    try:
        with connected(both, both.a.id) as connection:
            connection.execute(
                "CREATE FUNCTION pg_temp.spied() RETURNS text LANGUAGE sql STABLE"
                " AS 'SELECT string_agg(encode(secret, ''hex''), '','') FROM public.credentials'"
            )
            connection.execute(
                "CREATE TEMPORARY VIEW links AS SELECT gen_random_uuid() AS tenant_id, gen_random_uuid() AS id,"
                " pg_temp.spied() AS purpose, gen_random_uuid() AS ref_id, '\\x00'::bytea AS token_hash,"
                " now() AS expires_at"
            )
            connection.execute("GRANT SELECT ON links TO PUBLIC")

            assert connection.execute("SELECT purpose FROM link_by_token('\\x00')").fetchall() == []
    finally:
        with both.database.connect() as connection:
            connection.execute("REVOKE TEMPORARY ON DATABASE smsbot FROM smsbot_app")


def test_rows_as_json_hold_what_they_should(both: Neighbours) -> None:
    """The copies above would prove nothing if they lost the tenant."""
    for table in TABLES:
        assert copied(both, table, both.b.id)["tenant_id"] == str(both.b.id)
        assert json.dumps(copied(both, table, both.b.id))
