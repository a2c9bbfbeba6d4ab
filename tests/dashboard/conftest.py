"""Browsers of people who work at the home tenant."""

from __future__ import annotations

import pytest

from tests.dashboard.staff import Browser, a_browser, at_work
from tests.world import World


@pytest.fixture
def browser(world: World) -> Browser:
    """Nobody has signed in."""
    return a_browser(world)


@pytest.fixture
def owner(world: World) -> Browser:
    """The owner of the home tenant, signed in."""
    return at_work(world)
