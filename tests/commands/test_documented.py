"""What an operator may set, run and watch stands in docs/operate.md, with the defaults that the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import manage
from smsbot import failpoints
from smsbot.settings import load_settings
from tests.world import World

ROOT = Path(manage.__file__).resolve().parent
PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")


def variables_read(source: str) -> set[str]:
    """What is asked of the environment: the first argument of each method of `variables`, or of `self.text`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and NAME.fullmatch(first.value):
                found.add(first.value)
    return found


def settings_in(page: str) -> dict[str, str]:
    """The last column of the settings' table by variable."""
    table = page.partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return {name: cells[-1].strip() for cells in rows for name in re.findall(r"`([A-Z_0-9]+)`", cells[0])}


READ = variables_read((ROOT / "smsbot" / "settings.py").read_text(encoding="utf-8"))
READ |= {failpoints.VARIABLE, failpoints.FOLDER_VARIABLE}


def test_the_guard_sees_what_is_read() -> None:
    read = variables_read(
        'a = v.text("SMSBOT_ENV"); b = v.whole("PORT", 1, 2, 3); c = d.get("name"); e = f("NOT_READ")'
    )

    assert read == {"SMSBOT_ENV", "PORT"}
    assert {"SMSBOT_ENV", "HOST", "PORT", "API_BURST", "ENCRYPTION_KEYS", "SMTP_URL"} <= READ


@pytest.mark.parametrize("name", sorted(READ))
def test_every_variable_that_is_read_is_documented(name: str) -> None:
    assert name in settings_in(PAGE)


def test_nothing_is_documented_that_is_not_read() -> None:
    assert sorted(set(settings_in(PAGE)) - READ) == []


def test_the_documented_defaults_are_those_that_count(tmp_path: Path) -> None:
    counts = load_settings({}, tmp_path).describe()
    numbers = {name: value for name, value in counts.items() if isinstance(value, int | float)}
    documented = settings_in(PAGE)

    assert {name: documented[name] for name in numbers} == {name: f"{value:g}" for name, value in numbers.items()}
    assert documented["HOST"] == f"`{counts['HOST']}`"
    assert documented["SMSBOT_ENV"] == f"`{counts['SMSBOT_ENV']}`"


@pytest.mark.parametrize("name", ["up", "web", "workers", "worker", "scheduler", "migrate", "doctor"])
def test_the_commands_that_an_operator_runs_are_documented(name: str) -> None:
    assert f"`manage.py {name}" in PAGE


def test_every_metric_that_is_named_is_published_and_every_published_one_is_named(world: World) -> None:
    text = world.app.test_client().get("/metrics").get_data(as_text=True)
    published = set(re.findall(r"^# TYPE (smsbot_\w+)", text, re.MULTILINE))

    assert set(re.findall(r"`(smsbot_\w+)`", PAGE)) - {"smsbot_app", "smsbot_backup"} == published
