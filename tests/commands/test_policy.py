"""What tenants choose, and what would become of a text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from consent.models import Contact
from consent.policy_settings import current_settings
from smsbot.tenancy import Tenant
from tests.api.client import a_client
from tests.commands.conftest import ACCOUNT, TOKEN, Command
from tests.world import LEAD, World

HOURS_TABLE = Path(__file__).parents[2] / "consent" / "data" / "quiet_hours.json"


def said(done: Any) -> list[dict[str, Any]]:
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


def test_a_choice_is_in_force_from_its_day_on(in_world: Command, world: World) -> None:
    tenant = str(world.home.id)
    in_world("policy", "set", "--tenant", tenant, "stop_scope", "category", "--from", "2999-01-01T00:00:00Z")
    in_world("policy", "set", "--tenant", tenant, "marketing_cap", "2")
    in_world("policy", "set", "--tenant", tenant, "hours", '{"mon_fri": ["10:00", "17:00"], "sat_sun": null}')

    (now,) = said(in_world("policy", "show", "--tenant", tenant))
    assert (now["stop_scope"], now["marketing_cap"], now["hours"]["mon"], now["hours"]["sun"]) == (
        "all",
        2,
        [["10:00", "17:00"]],
        [],
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stop_scope", "some"),
        ("marketing_cap", "21"),
        ("marketing_cap", "many"),
        ("hours", '{"mon": ["17:00", "10:00"]}'),
        ("hours", '{"someday": null}'),
        ("hours", "9 to 5"),
        ("instant_night_reply", "maybe"),
    ],
)
def test_a_choice_that_means_nothing_is_refused_in_one_line(
    in_world: Command, world: World, name: str, value: str
) -> None:
    done = in_world("policy", "set", "--tenant", str(world.home.id), name, value)

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert name in done.err


def test_an_emergency_is_everybodys_and_the_next_tenants_too(in_world: Command, world: World) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    (done,) = said(in_world("policy", "emergency", "--state", "LA"))
    assert done == {"state": "LA", "marketing": "stopped", "tenants": 2}

    added = in_world(
        "tenant", "add", "--name", "Third", "--timezone", "America/Chicago", "--number", "+13125550155",
        "--account-sid", ACCOUNT, "--auth-token-stdin", stdin=TOKEN,
    )  # fmt: skip
    third = json.loads(added.out)["tenant_id"]
    for tenant in (str(world.home.id), str(other.id), third):
        assert said(in_world("policy", "show", "--tenant", tenant))[0]["emergencies"] == ["LA"]
    in_world("policy", "emergency", "--state", "LA", "--lift")
    assert said(in_world("policy", "show", "--tenant", third))[0]["emergencies"] == []


@pytest.mark.parametrize(
    ("purpose", "at", "expected"),
    [
        ("reply", "2026-11-20T16:05:00Z", ("allow", None, "hours.open.fresh_reply")),
        ("reply", "2026-11-21T04:05:00Z", ("defer", "QUIET_HOURS", "hours.federal")),
        ("inquiry", "2026-11-22T16:05:00Z", ("defer", "QUIET_HOURS", "hours.tenant")),  # Sunday 10:05
        ("inquiry", "2027-03-01T18:00:00Z", ("block", "NO_CONSENT", "hours.open")),
        ("marketing", "2026-11-20T18:00:00Z", ("block", "NO_CONSENT", "hours.open")),
        ("inquiry", "2026-11-20T15:00:00Z", ("block", "NO_CONSENT", None)),  # before they had written
    ],
)
def test_a_text_is_simulated_at_any_moment(
    in_world: Command, world: World, purpose: str, at: str, expected: tuple[Any, ...]
) -> None:
    world.text("Is it still there?")
    before = world.rows(Tenant), world.due()
    (found,) = said(
        in_world(
            "policy", "simulate", "--tenant", str(world.home.id), "--number", LEAD, "--purpose", purpose, "--at", at
        )
    )

    assert (found["outcome"], found["reason"]) == expected[:2]
    if expected[2] is not None:
        assert found["hours"]["rule"] == expected[2]
    assert (len(world.rows(Tenant)), len(world.due())) == (len(before[0]), len(before[1]))


def test_a_simulation_knows_nothing_that_was_not_known_then(in_world: Command, world: World) -> None:
    world.text("Is it still there?")
    at = world.clock.now()
    world.text("STOP")
    call = ("policy", "simulate", "--tenant", str(world.home.id), "--number", LEAD, "--purpose", "inquiry")

    assert said(in_world(*call, "--at", at.isoformat()))[0]["outcome"] == "allow"
    assert said(in_world(*call, "--at", world.clock.now().isoformat()))[0]["reason"] == "OPTED_OUT"


def test_another_table_names_the_texts_that_would_differ(in_world: Command, world: World, tmp_path: Path) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": {"basis": "inquiry"}})
    world.drain(wait=False)
    (first,) = world.outbound()
    table = json.loads(HOURS_TABLE.read_text(encoding="utf-8"))
    table["meta"]["version"] = "later"
    table["federal"]["windows"] = {"all_days": ["12:00", "21:00"]}
    changed = tmp_path / "hours.json"
    changed.write_text(json.dumps(table), encoding="utf-8")
    call = ("policy", "compare", "--tenant", str(world.home.id), "--since", "2026-11-01T00:00:00Z")
    until = ("--until", datetime(2026, 12, 1, tzinfo=UTC).isoformat())

    same = said(in_world(*call, "--rules", str(HOURS_TABLE), *until))
    differing, total = said(in_world(*call, "--rules", str(changed), *until))
    assert same[-1]["differ"] == 0
    assert (differing["message_id"], differing["was"][0], differing["would_be"][:2]) == (
        str(first.id),
        "allow",
        ["defer", "QUIET_HOURS"],
    )
    assert (total["decisions"], total["differ"]) == (1, 1)


def test_the_table_in_force_differs_in_nothing_whatever_was_said_or_chosen_since(
    in_world: Command, world: World
) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": {"basis": "inquiry"}})
    world.drain(wait=False)
    world.clock.advance(timedelta(minutes=1))
    world.text("Only text me between 7pm and 8pm")
    in_world(
        "policy", "set", "--tenant", str(world.home.id), "hours", '{"mon_fri": ["20:00", "20:30"], "sat_sun": null}'
    )
    in_world("policy", "emergency", "--state", "IL")
    world.drain(wait=False)
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(Contact).values(region="IL"))
    call = ("policy", "compare", "--tenant", str(world.home.id), "--since", "2026-11-01T00:00:00Z")
    until = ("--until", datetime(2026, 12, 1, tzinfo=UTC).isoformat())

    assert world.contact().hours is not None
    (total,) = said(in_world(*call, "--rules", str(HOURS_TABLE), *until))
    assert (total["decisions"] > 0, total["differ"]) == (True, 0)


def test_hours_that_they_named_later_do_not_count_under_another_table(
    in_world: Command, world: World, tmp_path: Path
) -> None:
    a_client(world).post_lead({"number": LEAD, "consent": {"basis": "inquiry"}})
    world.drain(wait=False)
    world.clock.advance(timedelta(minutes=1))
    world.text("Only text me between 7pm and 8pm")
    table = json.loads(HOURS_TABLE.read_text(encoding="utf-8"))
    table["meta"]["version"] = "later"
    table["federal"]["windows"] = {"all_days": ["08:00", "20:30"]}  # narrower, and open all the same
    changed = tmp_path / "hours.json"
    changed.write_text(json.dumps(table), encoding="utf-8")

    call = ("policy", "compare", "--tenant", str(world.home.id), "--since", "2026-11-01T00:00:00Z")
    *differing, _ = said(in_world(*call, "--rules", str(changed), "--until", "2026-12-01T00:00:00Z"))
    first = min(world.outbound(), key=lambda message: message.created_at)
    assert str(first.id) not in {one["message_id"] for one in differing}


def test_a_table_that_cannot_be_read_is_refused_in_one_line(in_world: Command, world: World, tmp_path: Path) -> None:
    broken = tmp_path / "hours.json"
    broken.write_text("{}", encoding="utf-8")
    done = in_world("policy", "compare", "--tenant", str(world.home.id), "--rules", str(broken))

    assert (done.code, done.err.count("\n")) == (2, 1)


def test_keywords_are_set_listed_and_dropped(in_world: Command, world: World) -> None:
    tenant = str(world.home.id)
    in_world(
        "keyword", "set", "--tenant", tenant, "--word", "HOME12", "--source", "sign", "--field", "listing=1 Oak St"
    )

    assert said(in_world("keyword", "list", "--tenant", tenant)) == [
        {"word": "home12", "source": "sign", "fields": {"listing": "1 Oak St"}}
    ]
    assert in_world("keyword", "set", "--tenant", tenant, "--word", "STOP", "--source", "x").code == 2
    said(in_world("keyword", "drop", "--tenant", tenant, "--word", "home12"))
    assert in_world("keyword", "drop", "--tenant", tenant, "--word", "home12").code == 2


def test_current_settings_are_the_strict_ones_until_somebody_chooses(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        chosen = current_settings(session, world.clock.now())

    assert (chosen.stop_scope, chosen.start_scope, chosen.instant_night_reply) == ("all", "services", False)
