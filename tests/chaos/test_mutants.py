"""Every sabotage still fits the source, and what is to notice it is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.chaos.cluster import TREE
from tests.chaos.mutants import MUTANTS, Change, Chaos, Crash, Mutant, Named, misfits, sabotaged
from tests.chaos.scenarios import ACTIONS, SCENARIOS

EXAMPLE = Mutant("no cap", (Change("a.py", "limit = 8\n", "limit = None\n"),), Chaos(1, 5, "I8"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "_"))
def test_a_sabotage_fits_the_source(mutant: Mutant) -> None:
    assert misfits(TREE, [mutant]) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "_"))
def test_what_is_to_notice_a_sabotage_is_there(mutant: Mutant) -> None:
    match mutant.noticed_by:
        case Named(nodes):
            for node in nodes:
                file, _, name = node.partition("::")
                tree = ast.parse((TREE / file).read_text(encoding="utf-8"))
                assert name in [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]
        case Crash(point, action, _):
            assert point in SCENARIOS
            assert action in ACTIONS
        case Chaos(_, seconds, _):
            assert seconds > 0


def test_half_of_the_sabotages_are_noticed_by_the_harness_itself() -> None:
    by_harness = [m for m in MUTANTS if not str(m.noticed_by).startswith("test ")]

    assert len(by_harness) * 2 >= len(MUTANTS) >= 8


@pytest.mark.parametrize("source", ["limit = 9\n", "limit = 8\nlimit = 8\n"])
def test_a_line_that_is_gone_or_stands_twice_is_told(tmp_path: Path, source: str) -> None:
    (tmp_path / "a.py").write_text(source)

    (told,) = misfits(tmp_path, [EXAMPLE])

    assert told.startswith("no cap: a.py has its line")


def test_a_sabotage_that_leaves_no_python_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("if limit:\n    limit = 8\n")
    broken = Mutant("no cap", (Change("a.py", "    limit = 8\n", ""),), EXAMPLE.noticed_by)

    (told,) = misfits(tmp_path, [broken])

    assert "no Python" in told


def test_a_sabotaged_tree_is_as_it_was_afterwards(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("limit = 8\n")
    with sabotaged(tmp_path, EXAMPLE):
        meanwhile = (tmp_path / "a.py").read_text()

    assert (meanwhile, (tmp_path / "a.py").read_text()) == ("limit = None\n", "limit = 8\n")
