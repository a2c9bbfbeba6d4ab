"""The demo: two businesses with a past, made once, their facts always as of today."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from commands.demo_history import FORM_DISCLOSURE, play
from consent.disclosures import lint_seen
from consent.purposes import Purpose
from conversations.inbox import Queue, queue_page
from smsbot.actor import SYSTEM, Actor, ActorKind, Role
from smsbot.database import TenantSession
from smsbot.passwords import password_matches
from smsbot.tenancy import Agent, Number, Tenant
from tests.commands.conftest import Command
from tests.conftest import Database
from tests.world import World

COUNTED = (
    "tenants", "numbers", "credentials", "agents", "leads", "messages", "consent_events", "decisions", "facts", "events",
    "tasks", "alerts", "ledger_heads",
)  # fmt: skip
ENDINGS = ("delivered", "received", "blocked", "canceled", "undelivered", "unknown")
QUESTION, ANSWER = "Do you still have the F-150?", "Marcus here, it is out front."


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(query).fetchall()


def counts(database: Database) -> dict[str, int]:
    return {table: rows(database, f"SELECT count(*) FROM {table}")[0][0] for table in COUNTED}


@pytest.mark.slow
def test_a_week_of_leads_is_told_once_and_leaves_nothing_to_send(
    command: Command, database: Database, engine: Engine
) -> None:
    done = command("demo")

    assert (done.code, done.err) == (0, "")
    nothing_is_left_to_send(database)
    every_state_is_there(database)
    each_text_rests_on_a_decision(database)
    nobody_sees_the_other_business(database)
    only_today_waits_for_a_person(database, engine)
    verified = command("consent", "verify")
    assert verified.code == 0
    assert " 0 seals" not in verified.out
    assert command("doctor").out.count("no webhook has been verified yet") == 2  # what was played never came over HTTP
    before = counts(database)
    assert (before["tenants"], before["numbers"], before["agents"], before["leads"]) == (2, 2, 12, 120)

    again = command("demo")

    assert again.out == done.out
    assert counts(database) == before


def nothing_is_left_to_send(database: Database) -> None:
    assert rows(database, "SELECT kind FROM work") == []
    assert {state for (state,) in rows(database, "SELECT DISTINCT state FROM messages")} == set(ENDINGS)
    assert rows(database, "SELECT id FROM messages WHERE reason = 'NO_CREDENTIALS'") == []
    for table, column in (("messages", "created_at"), ("events", "at"), ("consent_events", "at"), ("decisions", "at")):
        found = rows(database, f"SELECT min({column}) > now() - interval '8 days', max({column}) <= now() FROM {table}")
        assert found == [(True, True)], table


def every_state_is_there(database: Database) -> None:
    def seen(query: str) -> set[str]:
        return {value for (value,) in rows(database, query)}

    assert {"CARRIER_30003", "CARRIER_30006", "CARRIER_BLOCKED"} <= seen("SELECT DISTINCT reason FROM messages")
    assert {"opt_out", "opt_out_partial", "carrier_block", "hold", "resume", "start", "opt_in", "inquiry"} <= seen(
        "SELECT DISTINCT kind FROM consent_events"
    )
    assert {"sms_keyword", "sms_text", "agent_entry", "carrier", "api"} <= seen(
        "SELECT DISTINCT method FROM consent_events"
    )
    assert {"en", "es", "fr"} <= seen("SELECT DISTINCT language FROM contacts")
    assert {"text", "website"} <= seen("SELECT DISTINCT source FROM leads")
    assert {"ai", "agent", "lead", "system"} <= seen("SELECT DISTINCT author FROM messages")
    assert {"stored"} == seen("SELECT DISTINCT state FROM media")
    assert rows(database, "SELECT count(*) FROM messages WHERE flags ? 'ssn'") == [(1,)]
    for table, ended in (("tasks", "done_at"), ("alerts", "acknowledged_at")):
        assert rows(database, f"SELECT bool_or({ended} IS NULL), bool_or({ended} IS NOT NULL) FROM {table}") == [
            (True, True)
        ]
    taken = "SELECT count(*) FROM conversations WHERE taken_over_by IS NOT NULL"
    left = "SELECT count(*) FROM conversations WHERE handoff_reason IS NOT NULL AND taken_over_by IS NULL"
    back = "SELECT count(*) FROM events WHERE kind = 'conversation.given_back'"
    assert all(rows(database, query)[0][0] >= 2 for query in (taken, left, back))


def each_text_rests_on_a_decision(database: Database) -> None:
    assert (
        rows(
            database,
            "SELECT id FROM messages m WHERE direction = 'outbound' AND provider_sid IS NOT NULL AND NOT EXISTS"
            " (SELECT FROM decisions d WHERE d.message_id = m.id AND d.outcome = 'allow')",
        )
        == []
    )
    assert (
        rows(
            database,
            "SELECT id FROM messages m WHERE state = 'delivered' AND NOT EXISTS"
            " (SELECT FROM message_events e WHERE e.message_id = m.id AND e.status = 'delivered')",
        )
        == []
    )


def nobody_sees_the_other_business(database: Database) -> None:
    tenants = [str(tenant) for (tenant,) in rows(database, "SELECT id FROM tenants")]
    with database.connect() as connection:
        connection.execute("SET ROLE smsbot_app")
        for tenant in tenants:
            connection.execute("SELECT set_config('app.tenant', %s, false)", (tenant,))
            for table in ("leads", "messages", "conversations", "consent_events", "tasks", "alerts", "events"):
                seen = connection.execute(f"SELECT DISTINCT tenant_id FROM {table}").fetchall()
                assert [str(one) for (one,) in seen] == [tenant], table


def only_today_waits_for_a_person(database: Database, engine: Engine) -> None:
    """The inbox is what a good team leaves at this hour: a few wait, one of them for hours, none since yesterday."""
    now = datetime.now(UTC)
    for (tenant,) in rows(database, "SELECT id FROM tenants"):
        with TenantSession(engine, info={"tenant": tenant}) as session:
            found = queue_page(session, SYSTEM, Queue.NEEDS_HUMAN, now=now).rows
        waited = [now - row.waiting_since for row in found if row.waiting_since is not None]
        assert 5 <= len(waited) == len(found) <= 10
        assert timedelta(hours=3) < max(waited) < timedelta(hours=6)
        assert min(waited) < timedelta(minutes=30)


def test_what_people_agreed_to_could_be_published() -> None:
    words = FORM_DISCLOSURE.format(brand="Summit Ford", domain="summitford.example")

    assert lint_seen(words, "Summit Ford", {Purpose.INQUIRY, Purpose.APPOINTMENT}) == []


def test_the_businesses_come_without_their_past_when_asked(command: Command, database: Database) -> None:
    done = command("demo", "--without-history")

    assert (done.code, done.err) == (0, "")
    assert "Lakeside Realty Group, (312) 555-0100" in done.out
    assert "Summit Ford, (720) 555-0100" in done.out
    found = counts(database)
    assert (found["tenants"], found["agents"], found["leads"], found["messages"]) == (2, 12, 0, 0)
    assert found["facts"] > 0


def test_a_second_demo_changes_nothing_but_the_age_of_its_facts(command: Command, database: Database) -> None:
    first = command("demo", "--without-history")
    before = counts(database)
    with database.connect() as connection:
        connection.execute("UPDATE facts SET as_of = as_of - interval '3 days'")

    second = command("demo", "--without-history")

    assert second.out == first.out
    assert counts(database) == before
    assert rows(database, "SELECT count(*) FROM facts WHERE as_of < now() - interval '1 hour'") == [(0,)]


def one_lead(*steps: dict[str, Any]) -> list[dict[str, Any]]:
    """A week of one person, who writes three days ago for the first time."""
    person = {"number": "+17205550161", "name": "Kyle Jensen", "assigned": "marcus@summit.example"}
    return [{**person, "days_ago": 3, "at": "09:20", "steps": list(steps)}]


WEEK = one_lead(
    {"after_min": 0, "texts": [QUESTION]},
    {"after_min": 1200, "by": "marcus@summit.example", "writes": ANSWER},
    {"after_min": 1210, "by": "marcus@summit.example", "does": "gives back"},
    {"after_min": 2880, "texts": ["Nice", "How many miles?"]},
)


def played(world: World, tenant: Tenant, week: Sequence[dict[str, Any]], days: int | None = None) -> int:
    """How many steps were played; the machine goes down at the first step of the day after `days`."""
    begun: list[datetime] = []

    def keep_facts(session: TenantSession, now: datetime) -> None:
        begun.append(now)
        if days is not None and len(begun) > days:
            raise ConnectionError("the machine went down")

    with world.runtime.transaction(tenant.id) as session:
        number = session.scalars(select(Number).where(Number.tenant_id == tenant.id)).one()
    return play(world.runtime, tenant, number, week, closed_on=frozenset(), keep_facts=keep_facts)


@pytest.fixture
def summit(in_world: Command, world: World) -> Tenant:
    world.clock.set(datetime.now(UTC))
    assert in_world("demo", "--without-history").code == 0
    with world.runtime.transaction(None) as session:
        return session.scalars(select(Tenant).where(Tenant.name == "Summit Ford")).one()


def test_a_past_that_was_cut_off_is_played_on_from_there(summit: Tenant, world: World, database: Database) -> None:
    with pytest.raises(ConnectionError):
        played(world, summit, WEEK, days=2)
    cut = rows(database, "SELECT body FROM messages WHERE author <> 'ai' ORDER BY created_at")

    assert cut == [(QUESTION,), (ANSWER,)]
    assert played(world, summit, WEEK) == 2  # that it was given back is said once more, and changes nothing
    assert rows(database, "SELECT body FROM messages WHERE author <> 'ai' ORDER BY created_at") == [
        (QUESTION,), (ANSWER,), ("Nice",), ("How many miles?",),
    ]  # fmt: skip
    for kind in ("taken_over", "given_back"):
        assert rows(database, f"SELECT count(*) FROM events WHERE kind = 'conversation.{kind}'") == [(1,)]
    assert played(world, summit, WEEK) == 0


def test_agents_see_their_own_leads_and_managers_the_floor(summit: Tenant, world: World) -> None:
    (kyle,) = one_lead({"after_min": 0, "texts": [QUESTION]})
    played(world, summit, [{**kyle, "assigned": "nina@summit.example"}, {**kyle, "number": "+17205550162"}])

    with world.runtime.transaction(summit.id) as session:
        staff = {one.name: one for one in session.scalars(select(Agent).where(Agent.tenant_id == summit.id))}
        seen = {
            name: len(queue_page(session, _actor(staff[name]), Queue.ALL, now=world.clock.now()).rows)
            for name in ("Nina Castellanos", "Tyler Nez", "Ana Cruz", "Gail Hoffman")
        }
    assert seen == {"Nina Castellanos": 1, "Tyler Nez": 0, "Ana Cruz": 2, "Gail Hoffman": 2}


def _actor(agent: Agent) -> Actor:
    return Actor(ActorKind.STAFF, agent.id, Role(agent.role))


def test_passwords_and_tokens_are_kept_in_closed_files_and_fit(
    command: Command, database: Database, tmp_path: Path
) -> None:
    written = tmp_path / "accounts.json"

    out = command("demo", "--without-history", "--accounts", str(written)).out

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
