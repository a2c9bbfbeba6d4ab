"""The demo: two businesses with a past, made once, their facts always as of today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smsbot.passwords import password_matches
from tests.commands.conftest import Command
from tests.conftest import Database

COUNTED = ("tenants", "numbers", "credentials", "agents", "leads", "messages", "consent_events", "decisions", "facts")


def counts(database: Database) -> dict[str, int]:
    with database.connect() as connection:
        return {table: int(str(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])) for table in COUNTED}


def the_past_is_over(database: Database) -> None:
    """Nothing of it is under way or still to come."""
    with database.connect() as connection:
        states = connection.execute("SELECT DISTINCT state FROM messages").fetchall()
        unsendable = connection.execute("SELECT count(*) FROM messages WHERE reason = 'NO_CREDENTIALS'").fetchone()
        answered = connection.execute("SELECT count(*) FROM messages WHERE state = 'delivered'").fetchone()
        due = connection.execute("SELECT count(*) FROM work").fetchone()
        future = connection.execute("SELECT count(*) FROM messages WHERE created_at > now()").fetchone()
    assert {state for (state,) in states} <= {"received", "delivered", "blocked", "canceled"}
    assert (due, future) == ((0,), (0,))
    assert unsendable == (0,)
    assert answered is not None and int(str(answered[0])) >= 24  # each lead was answered once at least


def test_the_demo_has_two_businesses_with_staff_and_a_dozen_leads_each(command: Command, database: Database) -> None:
    done = command("demo")

    assert (done.code, done.err) == (0, "")
    assert "Lakeside Realty Group, (312) 555-0100" in done.out
    assert "Summit Ford, (720) 555-0100" in done.out
    found = counts(database)
    assert (found["tenants"], found["numbers"], found["agents"]) == (2, 2, 6)
    assert found["leads"] == 24
    verified = command("consent", "verify")
    assert verified.code == 0
    assert " 0 seals" not in verified.out
    the_past_is_over(database)
    doctor = command("doctor").out
    assert doctor.count("no webhook has been verified yet") == 2  # what was played never came over HTTP


@pytest.mark.slow
def test_a_second_demo_changes_nothing_but_the_age_of_its_facts(command: Command, database: Database) -> None:
    first = command("demo")
    before = counts(database)
    with database.connect() as connection:
        connection.execute("UPDATE facts SET as_of = as_of - interval '3 days'")

    second = command("demo")

    assert second.out == first.out
    assert counts(database) == before
    with database.connect() as connection:
        stale = connection.execute("SELECT count(*) FROM facts WHERE as_of < now() - interval '1 hour'").fetchone()
    assert stale == (0,)


def test_passwords_and_tokens_are_kept_in_closed_files_and_fit(
    command: Command, database: Database, tmp_path: Path
) -> None:
    written = tmp_path / "accounts.json"

    out = command("demo", "--accounts", str(written)).out

    kept = tmp_path / "home" / "keys" / "demo_logins"
    assert kept.stat().st_mode & 0o777 == 0o600
    for email, password in json.loads(kept.read_text()).items():
        assert f"{email:<24} {password:<20}" in out
        with database.connect() as connection:
            row = connection.execute("SELECT password_hash FROM logins WHERE email = %s", (email,)).fetchone()
        assert row is not None
        assert password_matches(password, str(row[0]))
    accounts = json.loads(written.read_text())
    assert written.stat().st_mode & 0o777 == 0o600
    assert [account["numbers"][0]["number"] for account in accounts] == ["+13125550100", "+17205550100"]
    assert [account["name"] for account in accounts] == ["Lakeside Realty Group", "Summit Ford"]
    assert all(len(account["token"]) == 32 for account in accounts)


def test_there_is_no_demo_in_production(run: Command, variables: pytest.MonkeyPatch) -> None:
    variables.setenv("SMSBOT_ENV", "production")

    done = run("demo")

    assert (done.code, done.out) == (2, "")
