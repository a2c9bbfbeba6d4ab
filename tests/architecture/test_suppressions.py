"""Checkers are listened to: few lines are exempt, and each says why."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.conftest import Plant
from tests.architecture.source import ROOT

SCRIPT = ROOT / "scripts" / "suppressions.py"
NOQA, IGNORE = "# no" + "qa", "# type: " + "ignore"


def run(folder: object = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=20, check=False
    )


def test_few_lines_are_exempt_and_each_says_why() -> None:
    answer = run()

    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    "comment",
    [
        NOQA,
        f"{NOQA}: BLE001",
        f"{NOQA}: BLE001, S110",
        IGNORE,
        f"{IGNORE}[misc]",
        f"{IGNORE}[misc]  # why",
        "# no" + "sec B101",
        "# pragma: " + "no cover",
        "# ruff: " + "noqa",
        "# mypy: " + "ignore-errors",
    ],
)
def test_an_exemption_without_a_reason_is_refused(comment, plant: Plant) -> None:
    answer = run(plant({"api/a.py": f"X = 1  {comment}\n"}))

    assert answer.returncode == 1
    assert "api/a.py:1" in answer.stdout
    assert "NO REASON" in answer.stdout


@pytest.mark.parametrize(
    "comment", [f"{NOQA}: BLE001  # a row's error is recorded here", f"{IGNORE}[misc]  # rq carries no types"]
)
def test_a_reason_is_read_from_the_line(comment, plant: Plant) -> None:
    answer = run(plant({"api/a.py": f"X = 1  {comment}\nY = '{NOQA}'\n"}))

    assert (answer.returncode, answer.stdout.splitlines()[-1]) == (0, "1 of at most 10")


def test_the_eleventh_is_one_too_many(plant: Plant) -> None:
    line = f"X = 1  {NOQA}: E501  # a table reads better wide\n"

    assert run(plant({"api/a.py": line * 10})).returncode == 0
    assert run(plant({"api/a.py": line * 11})).returncode == 1


def test_pages_are_read_as_well(plant: Plant) -> None:
    answer = run(plant({"dashboard/static/a.js": "/* eslint-" + "disable no-console */\nlet x;\n"}))

    assert (answer.returncode, "dashboard/static/a.js:1" in answer.stdout) == (1, True)
