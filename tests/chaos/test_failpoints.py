"""Every failpoint has its scenario, so that a new one cannot be forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.cluster import TREE
from tests.chaos.scenarios import SCENARIOS, failpoints_in


def test_every_failpoint_has_a_scenario_and_every_scenario_its_failpoint() -> None:
    assert failpoints_in(TREE).keys() == SCENARIOS.keys()


def test_a_failpoint_s_name_stands_for_one_place() -> None:
    assert {name: places for name, places in failpoints_in(TREE).items() if len(places) > 1} == {}


def test_a_failpoint_in_any_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "consent").mkdir()
    (tmp_path / "consent" / "gate.py").write_text("def check():\n    failpoints.failpoint('gate.asked')\n")
    (tmp_path / "worker.py").write_text("failpoint(name='worker.new')\n")

    assert failpoints_in(tmp_path) == {"gate.asked": ["consent/gate.py:2"], "worker.new": ["worker.py:1"]}


def test_a_failpoint_whose_name_is_made_up_as_it_goes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text("failpoint(f'worker.{kind}')\n")

    with pytest.raises(ValueError, match=r"worker\.py:1"):
        failpoints_in(tmp_path)
