"""Judging, verifying, exporting, explaining."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Command
from tests.conftest import Database
from tests.world import LEAD, World

ROOT = Path(__file__).parents[2]


def judged(run: Command, *asked: object) -> list[dict[str, object]]:
    done = run("consent", "judge", stdin="".join(json.dumps(one) + "\n" for one in asked))
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


def test_judge_answers_each_line_in_order(run: Command) -> None:
    answers = judged(
        run,
        {"text": "STOP", "context": "active"},
        {"text": "Is it still there?", "context": "active"},
        {"text": "YES", "context": "pending_opt_in"},
        {"text": "START", "context": "opted_out"},
        {"text": "HELP"},
    )

    assert [one["verdict"] for one in answers] == ["opt_out", "none", "opt_in", "opt_in", "help"]
    assert [list(one) for one in answers] == [["verdict", "scope", "rule", "version"]] * 5


@pytest.mark.parametrize("text", ["", "🛑", "a\u2028b", "\u202eSTOP", "\ud83d", "x" * 20_000, "line\nbreak"])
def test_judge_takes_any_text(run: Command, text: str) -> None:
    assert len(judged(run, {"text": text}, {"text": "STOP"})) == 2


@pytest.mark.parametrize(
    "line", ["STOP", "[]", '{"text": 5}', '{"context": "active"}', '{"text": "STOP", "context": "asleep"}']
)
def test_judge_names_the_line_that_cannot_be_read(run: Command, line: str) -> None:
    done = run("consent", "judge", stdin=f'{{"text": "STOP"}}\n{line}\n')

    assert done.code == 2
    assert done.err.startswith("line 2: ")
    assert done.err.count("\n") == 1


def test_judge_loads_no_database_code() -> None:
    asked = (
        "import sys, commands.consent_judge; print([m for m in ('sqlalchemy', 'flask', 'twilio') if m in sys.modules])"
    )

    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True
    )

    assert told.stdout.strip() == "[]"


def test_verify_counts_what_it_checked(in_world: Command, world: World) -> None:
    world.text("Is it still there?")
    world.text("STOP")

    done = in_world("consent", "verify")

    assert (done.code, done.err) == (0, "")
    assert done.out == f"{world.home.id} (Lakeside Realty) ok: 1 contacts, 3 events, 0 erased, 0 seals\n"


def test_verify_names_the_first_event_that_was_changed(in_world: Command, world: World, database: Database) -> None:
    world.text("Is it still there?")
    world.text("STOP")
    first, second, _ = world.ledger()
    with database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE consent_events SET at = at - interval '1 day' WHERE id = %s", (second.id,))

    done = in_world("consent", "verify", "--tenant", str(world.home.id))

    assert done.code == 1
    assert done.out == (
        f"{world.home.id} (Lakeside Realty) broken: contact {first.contact_id}, seq 2, event {second.id}: was changed\n"
    )


def test_export_holds_the_words_and_what_proves_them(in_world: Command, world: World) -> None:
    world.text("Is it still there?")
    world.drain()

    document = in_world("consent", "export", "--tenant", str(world.home.id), "--number", LEAD).json

    (event,) = document["events"]
    assert document["contact"]["address"] == LEAD
    assert event["evidence"]["words"] == "Is it still there?"
    assert len(event["hash"]) == len(event["evidence_hash"]) == 64
    assert [message["direction"] for message in document["messages"]] == ["inbound", "outbound"]
    assert [decision["outcome"] for decision in document["decisions"]] == ["allow"]
    assert document["decisions"][0]["consent_event_id"] == event["id"]


@pytest.mark.parametrize("number", ["abc", "+1312", "12", "555-0171", "+1312555017x", "+13125550171;ext=4"])
def test_export_of_what_is_no_number_says_how_to_write_one(in_world: Command, world: World, number: str) -> None:
    done = in_world("consent", "export", "--tenant", str(world.home.id), "--number", number)

    assert (done.code, done.out) == (2, "")
    assert done.err == "--number: give the number in E.164, such as +13125550171\n"


def test_export_of_a_number_that_nobody_knows_is_refused(in_world: Command, world: World) -> None:
    done = in_world("consent", "export", "--tenant", str(world.home.id), "--number", "+13125550199")

    assert (done.code, done.out) == (2, "")


def test_explain_says_what_a_sent_reply_rests_on(in_world: Command, world: World) -> None:
    world.text("Is it still there?")
    world.drain()
    (reply,) = world.outbound()
    world.status(reply, "delivered")

    done = in_world("explain", str(reply.id))

    assert done.code == 0
    assert "was sent and delivered" in done.out
    assert "it was allowed by the rule consent.reply.conversational" in done.out
    assert str(world.ledger()[0].id) in done.out
    assert "the carrier reported delivered" in done.out


def test_explain_says_why_a_text_did_not_leave(in_world: Command, world: World) -> None:
    world.text("Is it still there?")
    world.text("STOP")
    (reply,) = world.outbound()

    done = in_world("explain", str(reply.id))

    assert done.code == 0
    assert "was canceled (OPTED_OUT: the person has opted out)" in done.out


def test_explain_takes_the_carriers_id_too(in_world: Command, world: World) -> None:
    world.text("Is it still there?")
    (inbound,) = world.inbound()

    done = in_world("explain", str(inbound.provider_sid))

    assert done.code == 0
    assert done.out == in_world("explain", str(inbound.id)).out


@pytest.mark.parametrize("given", ["SM1", "00000000-0000-4000-8000-000000000001", "SM" + "9" * 32])
def test_explain_says_where_ids_come_from(in_world: Command, given: str) -> None:
    done = in_world("explain", given)

    assert (done.code, done.out) == (2, "")
    assert "/api/v1/conversations/" in done.err


def test_explain_says_how_an_inbound_text_was_judged(in_world: Command, world: World) -> None:
    world.text("STOP")
    (stop,) = world.inbound()

    done = in_world("explain", str(stop.id))

    assert "It was judged opt_out" in done.out
    assert "opt_out (keyword" in done.out


def test_explain_finds_messages_of_every_tenant(in_world: Command, world: World) -> None:
    other = world.business("Summit Ford", "+17205550100")
    world.text("Is it still there?", to=other)
    (inbound,) = world.inbound(of=other)

    done = in_world("explain", str(inbound.id))

    assert "of Summit Ford was received" in done.out


def test_explain_of_nothing_exits_with_2(in_world: Command) -> None:
    done = in_world("explain", "00000000-0000-4000-8000-000000000001")

    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
