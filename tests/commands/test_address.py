"""Commands beside a running `up` name the address on which the product answers, wherever its PORT was given."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands.embedded import ADDRESS_VARIABLES, address_told, settings_beside_up, the_only_up
from consent.models import Disclosure
from smsbot.settings import Settings, load_settings
from tests.commands.conftest import Command
from tests.world import LEAD, World


@pytest.fixture
def folder(variables: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The home folder of commands, to which nobody has said anything of an address."""
    for name in ADDRESS_VARIABLES:
        variables.delenv(name, raising=False)
    return tmp_path / "home"


def beside(home: Path, **given: str) -> Settings:
    """The settings of a command that was given these variables in its own shell; its `.env` lies beside `home`."""
    return settings_beside_up({"SMSBOT_HOME": str(home), **given}, home.parent)


@contextmanager
def up(home: Path, **given: str) -> Iterator[Settings]:
    """An `up` that was given these variables in its own shell."""
    settings = load_settings({"SMSBOT_HOME": str(home), **given}, home.parent)
    with the_only_up(home), address_told(settings, home):
        yield settings


@pytest.mark.parametrize(
    "given",
    [
        {"PORT": "8640"},
        {"HOST": "0.0.0.0", "PORT": "8640"},
        {"HOST": "::", "PORT": "8640"},
        {"PORT": "8640", "PUBLIC_URL": "https://texts.example.com"},
    ],
)
def test_a_command_has_the_address_that_was_given_to_up_alone(folder: Path, given: dict[str, str]) -> None:
    with up(folder, **given) as running:
        found = beside(folder)

    assert (found.host, found.port, found.public_url) == (running.host, running.port, running.public_url)


def test_what_the_caller_says_goes_before_what_runs(folder: Path) -> None:
    (folder.parent / ".env").write_text("PUBLIC_URL=https://written.example.com\n")
    with up(folder, PORT="8640", PUBLIC_URL="https://running.example.com"):
        from_file = beside(folder)
        from_shell = beside(folder, PUBLIC_URL="https://said.example.com")

    assert (from_file.public_url, from_file.port) == ("https://written.example.com", 8640)
    assert (from_shell.public_url, from_shell.port) == ("https://said.example.com", 8640)


def test_a_port_of_the_callers_own_makes_its_own_address(folder: Path) -> None:
    with up(folder, PORT="8640"):
        assert beside(folder, PORT="8700").public_url == "http://127.0.0.1:8700"


def test_the_file_is_the_owners_alone_and_goes_with_up(folder: Path) -> None:
    with up(folder, PORT="8640", DATABASE_URL="postgresql://app:hunter2@db.example/smsbot"):
        (path,) = (folder / "run").glob("address*")
        mode, told = path.stat().st_mode & 0o777, path.read_text()

    assert mode == 0o600
    assert json.loads(told)["PORT"] == "8640" and "hunter2" not in told
    assert not path.exists()


def test_what_a_killed_up_left_behind_misleads_nobody(folder: Path) -> None:
    with up(folder, PORT="8640"):
        left = (folder / "run" / "address.json").read_text()
    (folder / "run" / "address.json").write_text(left)
    none_runs = beside(folder).public_url
    ended = subprocess.Popen(["true"])
    ended.wait()
    (folder / "run" / "address.json").write_text(json.dumps(json.loads(left) | {"pid": ended.pid}))
    with the_only_up(folder):  # the next one, which has not yet written its own
        next_starts = beside(folder).public_url

    assert (none_runs, next_starts) == ("http://127.0.0.1:8000", "http://127.0.0.1:8000")


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_damaged_file_counts_for_nothing(folder: Path, damaged: str) -> None:
    with up(folder, PORT="8640"):
        (folder / "run" / "address.json").write_text(damaged)

        assert beside(folder).public_url == "http://127.0.0.1:8000"


def test_another_database_is_not_the_product_that_runs(folder: Path) -> None:
    with up(folder, PORT="8640"):
        assert beside(folder, DATABASE_URL="postgresql://app@db.example/other").public_url == "http://127.0.0.1:8000"


def test_links_and_legal_words_lead_to_the_running_product(in_world: Command, world: World, folder: Path) -> None:
    world.text("Hello")
    tenant = ("--tenant", str(world.home.id))
    with up(folder, PORT="8640", DATABASE_URL=world.settings.database_url or ""):
        link = in_world("privacy", "link", *tenant, "--number", LEAD)
        added = in_world("form", "add", *tenant, "--title", "Ask us", "--purpose", "inquiry")
        published = in_world("form", "publish", *tenant, "--form", added.json["form_id"])
        listed = in_world("form", "list", *tenant)

    (words,) = {row.text for row in world.rows(Disclosure) if "/privacy" in row.text}
    assert link.json["link"].startswith("http://127.0.0.1:8640/l/")
    assert {done.json["address"].rpartition("/f/")[0] for done in (added, published, listed)} == {
        "http://127.0.0.1:8640"
    }
    assert "http://127.0.0.1:8640/f/" in words and ":8000" not in words
