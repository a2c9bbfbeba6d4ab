"""`manage.py leads import`: what a list would do, and having it taken in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conversations.models import Lead, LeadImport
from smsbot.clock import SystemClock
from tests.commands.conftest import Command
from tests.world import World

LIST = "Phone,Full Name,Opted in\n(312) 555-0171,Sam Rivera,2026-11-01\n12,Agatha Quill,\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "people.csv"
    made.write_text(LIST, "utf-8")
    return made


def test_a_dry_run_says_what_would_happen_and_writes_nothing(in_world: Command, world: World, path: Path) -> None:
    done = in_world("leads", "import", "--tenant", str(world.home.id), "--file", str(path), "--dry-run")

    assert (done.code, done.err) == (0, "")
    assert done.json["dry_run"] is True and done.json["rows"] == 2
    assert done.json["columns"] == {"Phone": "number", "Full Name": "name", "Opted in": None}
    assert (done.json["counts"]["new"], done.json["counts"]["refused"]) == (1, 1)
    assert [(one["row"], one["field"]) for one in done.json["errors"]] == [(3, "number")]
    assert "Agatha" not in done.out
    assert (world.rows(LeadImport), world.rows(Lead), world.due()) == ([], [], [])


def test_a_list_is_handed_to_a_worker_and_the_same_file_again_is_not(
    in_world: Command, world: World, path: Path
) -> None:
    arguments = ("leads", "import", "--tenant", str(world.home.id), "--file", str(path), "--source", "Open house")
    shared = (
        "--mapping",
        "Opted in=at",
        "--evidence",
        "basis=inquiry",
        "--evidence",
        "page_url=https://x.example/?a=b",
    )
    first = in_world(*arguments, *shared)
    world.clock.set(SystemClock().now())  # the command has no other
    world.drain()
    again = in_world(*arguments, *shared)

    assert (first.code, first.err, first.json["repeated"]) == (0, "", False)
    assert [(lead.name, lead.source) for lead in world.rows(Lead)] == [("Sam Rivera", "Open house")]
    assert [(event.kind.value, event.actor_kind) for event in world.ledger()] == [("inquiry", "system")]
    assert (again.code, again.json["repeated"], again.json["import_id"]) == (0, True, first.json["import_id"])
    assert "nothing was changed" in again.err
    assert world.due() == []
    assert path.read_text("utf-8") == LIST


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mapping", "Fax=number"), "names a column that the file does not have"),
        (("--mapping", "Phone="), "say which column holds the phone number"),
        (("--mapping", "Phone=phone"), "there is no field like that"),
    ],
)
def test_a_mapping_that_cannot_be_is_exit_code_2(
    in_world: Command, world: World, path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = in_world("leads", "import", "--tenant", str(world.home.id), "--file", str(path), *arguments)

    assert (done.code, done.out) == (2, "")
    assert said in done.err and done.err.count("\n") == 1


def test_the_answer_is_one_line_of_json(in_world: Command, world: World, path: Path) -> None:
    done = in_world("leads", "import", "--tenant", str(world.home.id), "--file", str(path))

    assert json.loads(done.out) and done.out.count("\n") == 1
