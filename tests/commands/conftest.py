"""manage.py called in this process, on the test's own database and home folder."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import manage
from tests.canaries.watch import WATCH
from tests.conftest import Database
from tests.world import World

ACCOUNT = "AC" + "1a" * 16
OTHER_ACCOUNT = "AC" + "2b" * 16
SERVICE = "MG" + "3c" * 16
TOKEN = "4d" * 16


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The environment of a command: a home folder of its own, and nothing of ours but that."""
    for name in ("DATABASE_URL", "REDIS_URL", "SMSBOT_ENV", "SECRET_KEY", "ENCRYPTION_KEYS", "SMSBOT_SIMULATOR_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SMSBOT_HOME", str(tmp_path / "home"))
    return monkeypatch


@pytest.fixture
def run(variables: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs manage.py without a database."""

    def call(*arguments: str, stdin: str = "") -> Done:
        variables.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        for line in stdin.splitlines():  # a password or a token
            WATCH.now.add_secret(line)
        capsys.readouterr()
        code = manage.main(list(arguments))
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call


@pytest.fixture
def command(run: Command, variables: pytest.MonkeyPatch, database: Database) -> Command:
    """Runs manage.py on an empty database."""
    variables.setenv("DATABASE_URL", database.app_url)
    return run


@pytest.fixture
def in_world(run: Command, variables: pytest.MonkeyPatch, world: World) -> Command:
    """Runs manage.py on the world's database, with its keys."""
    variables.setenv("DATABASE_URL", world.settings.database_url or "")
    variables.setenv("ENCRYPTION_KEYS", base64.b64encode(world.settings.encryption_keys[0]).decode())
    return run


def add_tenant(command: Command, *, number: str = "+13125550110", account: str = ACCOUNT, token: str = TOKEN) -> str:
    """The id of a new tenant."""
    done = command(
        "tenant", "add", "--name", "Harbor Homes", "--timezone", "America/Chicago", "--number", number,
        "--account-sid", account, "--auth-token-stdin", stdin=f"{token}\n",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    return str(done.json["tenant_id"])
