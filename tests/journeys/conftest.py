"""Journeys through a browser run when they are named (`pytest tests/journeys`), and are no part of the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "journey: needs a browser; runs only when tests/journeys is named")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    named = [(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(one.is_relative_to(HERE) for one in named) else True
