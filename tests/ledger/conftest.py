from __future__ import annotations

import pytest

from tests.ledger.chains import Chains
from tests.world import World


@pytest.fixture
def chains(world: World) -> Chains:
    return Chains(world)


@pytest.fixture
def sealed(world: World) -> Chains:
    return Chains(world, sealed=True)
