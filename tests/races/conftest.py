"""Databases of their own for races: a storm needs more connections than a test has, and threads that outlive none."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from smsbot.schema import upgrade
from tests.canaries.watch import WATCH
from tests.conftest import Database

SCHEMA = "race_schema"


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
def empty_databases(migrated: Database) -> Iterator[Callable[[], str]]:
    """Makes a migrated, empty database at each call and returns the application's address of it."""
    count = itertools.count(1)
    made = [SCHEMA]
    # A connection for each step: other tests end those that are open to the database.
    with migrated.connect() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER smsbot_owner").format(sql.Identifier(SCHEMA)))
    upgrade(_with_database(migrated.owner_url, SCHEMA).replace("postgresql://", "postgresql+psycopg://", 1))

    def make() -> str:
        name = f"race_{next(count)}"
        made.append(name)
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER smsbot_owner")
        with migrated.connect() as connection:
            connection.execute(copy.format(sql.Identifier(name), sql.Identifier(SCHEMA)))
        return _with_database(migrated.app_url, name)

    yield make
    found: list[str] = []
    for name in made:
        with psycopg.connect(_with_database(migrated.superuser_url, name)) as stormy:
            found += WATCH.tables(stormy, migrated.tables)
        with migrated.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    assert found == []
