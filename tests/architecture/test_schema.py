"""What the database itself enforces, read from its catalog after the migrations have run."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine

from smsbot.database import Base
from smsbot.schema import upgrade
from tests.architecture.source import FLOORS, ROOT, sources
from tests.conftest import Database

Connection = psycopg.Connection[tuple[object, ...]]

WITHOUT_A_TENANT = {"tenants", "work", "logins", "login_sessions", "alembic_version"}
LOOK_UPS = {"tenants_by_carrier", "logins_by_email", "api_key_by_hash", "link_by_token"}
LOOKED_UP = {"numbers", "credentials", "agents", "api_keys", "links"}
# Secrets that are looked up before a tenant is known: the same one must not open two doors.
UNIQUE_FOR_ALL = {("api_keys", "key_hash"), ("links", "token_hash")}

OURS = "c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"


def rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query.encode()).fetchall()


def tables_without_a_wall(connection: Connection) -> list[str]:
    """Tables, partitions among them, that show a row of one tenant to another."""
    found = []
    for name, is_partition, has_tenant, enabled, forced, rules in rows(
        connection,
        f"""
        SELECT c.relname, c.relispartition,
               EXISTS (SELECT FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull AND a.attnum > 0),
               c.relrowsecurity, c.relforcerowsecurity,
               ARRAY(SELECT p.polname::text || '|' || p.polcmd::text || '|' || p.polpermissive::text || '|'
                            || coalesce((SELECT string_agg(coalesce(r.rolname, 'public'), ',')
                                         FROM unnest(p.polroles) AS o(id) LEFT JOIN pg_roles r ON r.oid = o.id), '')
                            || '|' || coalesce(pg_get_expr(p.polqual, p.polrelid), '')
                            || '|' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
                     FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY p.polname)
        FROM pg_class c WHERE {OURS} ORDER BY c.relname
        """,
    ):
        table = str(name)
        if table in WITHOUT_A_TENANT:
            continue
        if not has_tenant:
            found.append(f"{table}: no tenant_id")
        if not enabled or not forced:
            found.append(f"{table}: row-level security is not enabled and forced")
        assert isinstance(rules, list)
        expected = (
            [] if is_partition else ["tenant|*|true|public|(tenant_id = app_tenant())|(tenant_id = app_tenant())"]
        )
        if table in LOOKED_UP:
            expected = ["lookup|r|true|smsbot_lookup|true|", *expected]
        if rules != expected:
            found.append(f"{table}: policies {rules}")
    return found


def rights_too_many(connection: Connection) -> list[str]:
    """What the application's role may do and must not."""
    found = [f"smsbot_app {why}" for (why,) in rows(connection, """
        SELECT 'is a superuser' FROM pg_roles WHERE rolname = 'smsbot_app' AND rolsuper
        UNION ALL SELECT 'bypasses row-level security' FROM pg_roles WHERE rolname = 'smsbot_app' AND rolbypassrls
        UNION ALL SELECT 'may make roles or databases' FROM pg_roles
                  WHERE rolname = 'smsbot_app' AND (rolcreaterole OR rolcreatedb)
        UNION ALL SELECT 'may become ' || r.rolname FROM pg_roles r
                  WHERE r.rolname <> 'smsbot_app' AND pg_has_role('smsbot_app', r.oid, 'MEMBER')
        UNION ALL SELECT 'may create in schema public' WHERE has_schema_privilege('smsbot_app', 'public', 'CREATE')
    """)]  # fmt: skip
    for name, owner, truncate, triggers, references in rows(
        connection,
        f"""
        SELECT c.relname, pg_get_userbyid(c.relowner), has_table_privilege('smsbot_app', c.oid, 'TRUNCATE'),
               has_table_privilege('smsbot_app', c.oid, 'TRIGGER'), has_table_privilege('smsbot_app', c.oid, 'REFERENCES')
        FROM pg_class c WHERE {OURS} ORDER BY c.relname
        """,
    ):
        found += [f"smsbot_app owns {name}"] if owner != "smsbot_owner" else []
        found += [f"smsbot_app may truncate {name}"] if truncate else []
        found += [f"smsbot_app may put triggers on or refer to {name}"] if triggers or references else []
    found += [
        f"smsbot_app reaches the partition {name} beside its parent"
        for (name,) in rows(
            connection,
            f"""
            SELECT c.relname FROM pg_class c WHERE {OURS} AND c.relispartition
            AND has_table_privilege('smsbot_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE') ORDER BY c.relname
            """,
        )
    ]
    return found


def definers(connection: Connection) -> dict[str, tuple[str, bool, bool, bool]]:
    """SECURITY DEFINER functions: owner, whether it can log in, whether anyone may call it, a fixed search path."""
    return {
        str(name): (str(owner), bool(login), bool(anyone), bool(fixed))
        for name, owner, login, anyone, fixed in rows(
            connection,
            """
            SELECT p.proname, r.rolname, r.rolcanlogin,
                   EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0),
                   coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, public, pg_temp'], false)
            FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
            WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
            """,
        )
    }


def unique_keys_across_tenants(connection: Connection) -> list[str]:
    """Unique keys of a tenant's table that do not begin with its tenant; a random primary key may stand alone."""
    return [
        f"{table}: {index} on {', '.join(columns)}"
        for table, index, primary, columns in rows(
            connection,
            f"""
            SELECT c.relname, x.relname, i.indisprimary,
                   ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, true) FROM generate_series(1, i.indnkeyatts) n)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
            WHERE {OURS} AND i.indisunique
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
            ORDER BY 1, 2
            """,
        )
        if isinstance(columns, list)
        and columns[0] != "tenant_id"
        and not (primary and columns == ["id"])
        and (table, *columns) not in UNIQUE_FOR_ALL
    ]


def references_across_tenants(connection: Connection) -> list[str]:
    """Foreign keys between tenants' tables that do not take the tenant along."""
    return [
        f"{table}: {name}"
        for table, name in rows(
            connection,
            """
            SELECT k.conrelid::regclass::text, k.conname
            FROM pg_constraint k
            JOIN pg_attribute here ON here.attrelid = k.conrelid AND here.attname = 'tenant_id'
            JOIN pg_attribute there ON there.attrelid = k.confrelid AND there.attname = 'tenant_id'
            WHERE k.contype = 'f'
              AND coalesce(array_position(k.conkey, here.attnum), 0)
                  IS DISTINCT FROM coalesce(array_position(k.confkey, there.attnum), -1)
            ORDER BY 1, 2
            """,
        )
    ]


def times_without_a_zone(connection: Connection) -> list[str]:
    return [
        f"{table}.{column}: {kind}"
        for table, column, kind in rows(
            connection,
            f"""
            SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE {OURS} AND a.attnum > 0 AND NOT a.attisdropped
              AND a.atttypid IN ('timestamp'::regtype, 'time'::regtype, 'timetz'::regtype)
            ORDER BY 1, 2
            """,
        )
    ]


def extensions(connection: Connection) -> list[str]:
    return [str(name) for (name,) in rows(connection, "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'")]


def shape(connection: Connection) -> list[tuple[object, ...]]:
    """Every column, constraint and index of the models' tables, as the database writes them down itself."""
    return rows(
        connection,
        f"""
        SELECT 'column', c.relname, a.attname,
               format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
               || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {OURS} AND NOT c.relispartition AND c.relname <> 'alembic_version'
        UNION ALL
        SELECT 'constraint', c.relname, k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE {OURS} AND NOT c.relispartition AND c.relname <> 'alembic_version' AND k.contype <> 'n'
        UNION ALL
        SELECT 'index', c.relname, x.relname, pg_get_indexdef(i.indexrelid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
        WHERE {OURS} AND NOT c.relispartition AND c.relname <> 'alembic_version'
        UNION ALL
        SELECT 'partitioned', c.relname, '', pg_get_partkeydef(c.oid) FROM pg_class c WHERE {OURS} AND c.relkind = 'p'
        ORDER BY 1, 2, 3
        """,
    )


def catalog(connection: Connection) -> list[tuple[object, ...]]:
    """Everything that a migration can make or change, as far as the product uses it."""
    return [
        *shape(connection),
        *rows(
            connection,
            """
            SELECT 'table', oid::text, relname, relkind::text, relowner, relacl::text, relrowsecurity, relforcerowsecurity
            FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid
            """,
        ),
        *rows(
            connection,
            """
            SELECT 'function', oid, proname, proowner, proacl::text, md5(pg_get_functiondef(oid))
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY oid
            """,
        ),
        *rows(connection, "SELECT 'policy', oid, polname, polrelid FROM pg_policy ORDER BY oid"),
        *rows(connection, "SELECT 'trigger', oid, tgname, tgrelid FROM pg_trigger ORDER BY oid"),
        *rows(connection, "SELECT 'revision', version_num FROM alembic_version"),
    ]


def modules_with_tables() -> Sequence[str]:
    return [source.module for source in sources(ROOT, *FLOORS) if "__tablename__" in source.text]


@pytest.fixture
def look(migrated: Database) -> Iterator[Connection]:
    """A superuser's connection whose transaction is rolled back: a test may break the schema for itself."""
    with psycopg.connect(migrated.superuser_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def models_shape(migrated: Database) -> Iterator[list[tuple[object, ...]]]:
    """The shape of a second database, made from the models alone."""
    url = migrated.superuser_url.replace("/smsbot", "/from_models", 1)
    assert url != migrated.superuser_url
    for module in modules_with_tables():
        importlib.import_module(module)
    with psycopg.connect(migrated.superuser_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE from_models")
        try:
            engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
            Base.metadata.create_all(engine)
            engine.dispose()
            with psycopg.connect(url) as made:
                yield shape(made)
        finally:
            connection.execute("DROP DATABASE from_models WITH (FORCE)")


GUARDS = [
    tables_without_a_wall,
    rights_too_many,
    unique_keys_across_tenants,
    references_across_tenants,
    times_without_a_zone,
    extensions,
]


@pytest.mark.parametrize("guard", GUARDS)
def test_the_database_keeps_tenants_apart(guard, look: Connection) -> None:
    assert guard(look) == []


def test_the_short_list_is_no_longer_than_it_has_to_be(look: Connection) -> None:
    there = {name for (name,) in rows(look, f"SELECT relname FROM pg_class c WHERE {OURS}")}

    assert there >= WITHOUT_A_TENANT
    assert len(there - WITHOUT_A_TENANT) > 20


def test_exactly_four_functions_may_look_before_a_tenant_is_known(look: Connection) -> None:
    assert definers(look) == dict.fromkeys(LOOK_UPS, ("smsbot_lookup", False, False, True))


def test_migrations_produce_exactly_the_schema_of_the_models(look: Connection, models_shape) -> None:
    migrated_shape = shape(look)

    assert sorted(set(migrated_shape) ^ set(models_shape)) == []
    assert len(migrated_shape) > 200


def test_migrating_twice_changes_nothing(migrated: Database) -> None:
    owner_url = migrated.owner_url.replace("postgresql://", "postgresql+psycopg://", 1)
    with migrated.connect() as connection:
        before = catalog(connection)
        revision = upgrade(owner_url)

        assert catalog(connection) == before
        assert ("revision", revision) in before


@pytest.mark.parametrize(
    ("guard", "change", "finding"),
    [
        (tables_without_a_wall, "CREATE TABLE loose (id uuid)", "loose: no tenant_id"),
        (
            tables_without_a_wall,
            "CREATE TABLE loose (tenant_id uuid NOT NULL)",
            "loose: row-level security is not enabled and forced",
        ),
        (tables_without_a_wall, "ALTER TABLE messages NO FORCE ROW LEVEL SECURITY", "messages: row-level security"),
        (tables_without_a_wall, "ALTER TABLE events_default DISABLE ROW LEVEL SECURITY", "events_default: row-level"),
        (tables_without_a_wall, "CREATE POLICY all_of_them ON messages USING (true)", "messages: policies"),
        (tables_without_a_wall, "DROP POLICY tenant ON leads", "leads: policies []"),
        (tables_without_a_wall, "ALTER POLICY tenant ON leads WITH CHECK (true)", "leads: policies"),
        (rights_too_many, "GRANT TRUNCATE ON messages TO smsbot_app", "smsbot_app may truncate messages"),
        (rights_too_many, "ALTER TABLE leads OWNER TO smsbot_app", "smsbot_app owns leads"),
        (rights_too_many, "ALTER ROLE smsbot_app BYPASSRLS", "smsbot_app bypasses row-level security"),
        (rights_too_many, "GRANT smsbot_backup TO smsbot_app", "smsbot_app may become smsbot_backup"),
        (rights_too_many, "GRANT SELECT ON events_default TO smsbot_app", "reaches the partition events_default"),
        (unique_keys_across_tenants, "CREATE UNIQUE INDEX loose ON messages (provider_sid)", "messages: loose"),
        (unique_keys_across_tenants, "CREATE UNIQUE INDEX loose ON leads (contact_id, tenant_id)", "leads: loose"),
        (
            references_across_tenants,
            "ALTER TABLE tasks ADD CONSTRAINT loose FOREIGN KEY (conversation_id) REFERENCES conversations (id)",
            "tasks: loose",
        ),
        (times_without_a_zone, "ALTER TABLE leads ADD COLUMN seen_at timestamp", "leads.seen_at: timestamp"),
    ],
)
def test_a_hole_in_the_database_is_seen(guard, change, finding, look: Connection) -> None:
    look.execute(change.encode())

    assert any(finding in each for each in guard(look)), guard(look)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE leads ADD COLUMN extra text",
        "ALTER TABLE leads ALTER COLUMN source DROP DEFAULT",
        "ALTER TABLE leads ALTER COLUMN name TYPE varchar(150)",
        "ALTER TABLE leads ALTER COLUMN contact_id DROP NOT NULL",
        "DROP INDEX uq_episodes_open",
        "DROP INDEX ix_tasks_open; CREATE INDEX ix_tasks_open ON tasks (tenant_id, due_at)",
        "CREATE TABLE loose (id uuid)",
    ],
)
def test_a_schema_beside_the_models_is_seen(change, look: Connection, models_shape) -> None:
    look.execute(sql.SQL(change))

    assert shape(look) != models_shape


@pytest.mark.parametrize(
    "change",
    [
        "CREATE FUNCTION loose() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "ALTER FUNCTION api_key_by_hash(bytea) OWNER TO smsbot_owner",
        "ALTER FUNCTION api_key_by_hash(bytea) RESET search_path",
        "ALTER FUNCTION api_key_by_hash(bytea) SET search_path = pg_catalog, public",  # pg_temp would come first
        "GRANT EXECUTE ON FUNCTION api_key_by_hash(bytea) TO PUBLIC",
        "ALTER ROLE smsbot_lookup LOGIN",
    ],
)
def test_another_look_up_is_seen(change, look: Connection) -> None:
    look.execute(sql.SQL(change))

    assert definers(look) != dict.fromkeys(LOOK_UPS, ("smsbot_lookup", False, False, True))
