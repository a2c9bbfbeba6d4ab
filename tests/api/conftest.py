"""A world with an API key."""

from __future__ import annotations

import pytest

from tests.api.client import Client, a_client
from tests.world import World


@pytest.fixture
def client(world: World) -> Client:
    """A caller with a key of the home tenant."""
    return a_client(world)
