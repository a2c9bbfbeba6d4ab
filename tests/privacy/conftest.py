from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from consent.ledger import erase_evidence
from smsbot.actor import SYSTEM
from tests.conftest import Database
from tests.privacy import story
from tests.world import World

Document = dict[str, Any]


@pytest.fixture(scope="session")
def passports(migrated: Database, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Document]]:
    """The passport of the story, as it was told and once its evidence was erased. Nobody may change them."""
    migrated.empty()
    world = World(migrated.app_url, engine, tmp_path_factory.mktemp("story"))
    story.tell(world)
    whole = story.passport(world)
    with world.runtime.transaction(world.home.id) as session:
        contact = story.locked(session, story.contact_id(world))
        cipher = world.runtime.cipher(world.home.data_key)
        erase_evidence(session, contact, cipher, actor=SYSTEM, now=world.clock.now(), cause="request")
    yield [whole, story.passport(world)]
    migrated.empty()


@pytest.fixture
def document(passports: list[Document]) -> Document:
    """The story's passport, to be changed at will."""
    return copy.deepcopy(passports[0])


@pytest.fixture
def erased(passports: list[Document]) -> Document:
    return copy.deepcopy(passports[1])
