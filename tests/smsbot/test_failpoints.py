"""The named places: nothing unless asked for, once when a file asks, and what each action does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smsbot.errors import ConfigurationError
from smsbot.failpoints import FOLDER_VARIABLE, VARIABLE, taken_from

ROOT = Path(__file__).resolve().parents[2]
PASSES_TWICE = """
from smsbot.failpoints import FailpointRaised, failpoint
for _ in range(2):
    try:
        failpoint("one")
        print("passed")
    except FailpointRaised as error:
        print("raised", error)
"""


def ran(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PASSES_TWICE],
        env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_nothing_happens_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert ran({}).stdout.split() == ["passed", "passed"]
    assert ran({VARIABLE: "other=kill"}).stdout.split() == ["passed", "passed"]
    assert ran({FOLDER_VARIABLE: str(tmp_path)}).stdout.split() == ["passed", "passed"]


def test_a_variable_asks_every_time_and_a_file_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("raise")

    assert ran({VARIABLE: "one=raise"}).stdout.splitlines() == ["raised one", "raised one"]
    assert ran({FOLDER_VARIABLE: str(tmp_path)}).stdout.splitlines() == ["raised one", "passed"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_kills_the_first_process_and_the_next_one_lives(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("kill")

    assert ran({FOLDER_VARIABLE: str(tmp_path)}).returncode == -9
    assert ran({FOLDER_VARIABLE: str(tmp_path)}).stdout.split() == ["passed", "passed"]


def test_sleep_takes_its_seconds() -> None:
    began = time.monotonic()

    assert ran({VARIABLE: "one=sleep:0.3"}).stdout.split() == ["passed", "passed"]
    assert time.monotonic() - began > 0.6


@pytest.mark.parametrize("asked", ["explode", ""])
def test_an_unknown_action_is_refused(tmp_path: Path, asked: str) -> None:
    (tmp_path / "one").write_text(asked)

    with pytest.raises(ConfigurationError, match="use kill, sleep:SECONDS or raise"):
        taken_from(tmp_path, "one")
