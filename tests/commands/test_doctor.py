"""The doctor sees what is wrong, and says nothing is where nothing is."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from smsbot.clock import SystemClock
from smsbot.heartbeats import beat
from tests.commands.conftest import Command, add_tenant
from tests.conftest import Database
from tests.world import World


def levels(out: str) -> set[str]:
    return {line.split()[0] for line in out.splitlines()}


def test_a_sound_installation_has_no_fail(command: Command, variables: pytest.MonkeyPatch, redis_url: str) -> None:
    variables.setenv("REDIS_URL", redis_url)
    tenant = add_tenant(command)

    done = command("doctor")

    assert done.code == 0
    assert levels(done.out) == {"OK", "WARN"}
    assert f"tenant {tenant} (Harbor Homes): credentials are set" in done.out
    assert f"WARN tenant {tenant} (Harbor Homes): no webhook has been verified yet" in done.out
    assert "bound by row-level security" in done.out
    assert "migrations: current" in done.out


def test_a_superusers_login_is_a_warning(command: Command, variables: pytest.MonkeyPatch, database: Database) -> None:
    variables.setenv("DATABASE_URL", database.superuser_url)

    assert "WARN database role: logs in as postgres" in command("doctor").out


def test_a_key_that_others_can_read_is_a_fail(command: Command, tmp_path: Path) -> None:
    command("doctor")
    key = tmp_path / "home" / "keys" / "other"
    key.write_text("x")
    key.chmod(0o644)

    done = command("doctor")

    assert done.code == 1
    assert f"FAIL keys: {key}" in done.out


def test_a_text_that_came_in_shows_that_webhooks_arrive(in_world: Command, world) -> None:
    before = in_world("doctor").out
    world.text("Is it still there?")

    after = in_world("doctor").out

    assert "no webhook has been verified yet" in before
    assert "webhooks arrive, and their signature verifies" in after


def test_a_ledger_that_was_changed_is_a_fail(in_world: Command, world, database: Database) -> None:
    world.text("STOP")
    with database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE consent_events SET at = at - interval '1 day'")

    done = in_world("doctor")

    assert done.code == 1
    assert "the ledger is broken" in done.out


def test_keys_that_do_not_open_the_credentials_are_a_fail(command: Command, tmp_path: Path) -> None:
    add_tenant(command)
    (tmp_path / "home" / "keys" / "encryption_keys").unlink()

    done = command("doctor")

    assert done.code == 1
    assert "cannot be decrypted" in done.out


def test_a_redis_that_does_not_answer_is_a_fail(command: Command, variables: pytest.MonkeyPatch) -> None:
    variables.setenv("REDIS_URL", "redis://:hush@127.0.0.1:1/0")

    done = command("doctor")

    assert done.code == 1
    assert "FAIL redis: no answer" in done.out
    assert "hush" not in done.out


def test_every_kind_of_process_has_a_line(in_world: Command, world: World) -> None:
    world.clock.set(SystemClock().now() - timedelta(minutes=2))
    beat(world.runtime, "worker:background:one:1")
    world.clock.advance(timedelta(minutes=2))
    beat(world.runtime, "worker:replies:one:2")

    out = in_world("doctor").out

    assert "OK   web: alive" in out
    assert "OK   worker:replies: alive" in out
    assert re.search(r"WARN worker:background: no sign of life for 12\d s", out)
    assert "WARN scheduler: has never run" in out


def test_a_warning_alone_is_no_failure_and_help_says_so(command: Command) -> None:
    add_tenant(command)

    done = command("doctor")
    said = " ".join(command("doctor", "--help").out.split())

    assert (done.code, "WARN" in levels(done.out)) == (0, True)
    assert "Exits with 0, also when there are WARNs, and with 1 when there is a FAIL" in said
