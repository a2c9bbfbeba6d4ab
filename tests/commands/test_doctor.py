"""The doctor sees what is wrong, and says nothing is where nothing is."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from smsbot.clock import SystemClock
from smsbot.heartbeats import beat
from smsbot.tenancy import Number, OptOutHandling
from tests.commands.conftest import Command, add_tenant
from tests.conftest import Database
from tests.conversations.sending import change
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


def test_the_carriers_own_words_mean_the_same_to_us(command: Command) -> None:
    out = command("doctor").out

    assert "OK   keywords: 12 words on which the carrier acts by itself mean the same to us" in out
    assert "YES lifts the carrier's block on long codes and ends no opt-out of ours" in out


def test_the_age_of_the_sending_hours_has_a_line(command: Command) -> None:
    assert re.search(r"^OK   hours: version \S+ of the table, \d+ days old$", command("doctor").out, re.MULTILINE)


def test_advanced_opt_out_that_is_on_and_not_set_is_a_warning(in_world: Command, world: World) -> None:
    world.clock.set(SystemClock().now())
    world.text("Arrêtez", OptOutType="STOP")

    out = in_world("doctor").out

    assert "number ending in 00: the carrier names opt-outs itself (1 times), so Advanced Opt-Out is on" in out


def test_advanced_opt_out_that_is_set_and_says_nothing_is_a_warning(in_world: Command, world: World) -> None:
    world.clock.set(SystemClock().now())
    change(world, Number, opt_out_handling=OptOutHandling.ADVANCED, messaging_service_sid="MG" + "5" * 32)
    quiet = in_world("doctor").out
    world.text("STOP")

    loud = in_world("doctor").out

    assert "Advanced Opt-Out answers by itself" in quiet
    assert "1 opt-outs came without the carrier's word for them" in loud


def test_opt_outs_of_another_number_say_nothing_about_this_one(in_world: Command, world: World) -> None:
    world.clock.set(SystemClock().now())
    world.add_number(world.home, "+13125550102")
    world.text("STOP", OptOutType="STOP")

    assert in_world("doctor").out.count("the carrier names opt-outs itself") == 1
