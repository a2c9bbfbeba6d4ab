from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.conftest import Database
from tests.isolation.neighbours import Neighbours, neighbours
from tests.world import World


@pytest.fixture(scope="module")
def both(migrated: Database, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    """Both tenants, filled once for a module whose tests leave B's rows as they are."""
    migrated.empty()
    world = World(migrated.app_url, engine, tmp_path_factory.mktemp("neighbours"))
    yield neighbours(world, migrated)
    migrated.empty()


@pytest.fixture
def fresh(world: World, database: Database) -> Neighbours:
    """Both tenants for one test alone."""
    return neighbours(world, database)
