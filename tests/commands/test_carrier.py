"""Drift from the command line: against a carrier that answers over HTTP, as a tenant's own would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from consent.state import EventKind
from simulator.server import Running, start
from tests.commands.conftest import Command
from tests.conversations.sending import STOPPED, WRITTEN, Fact, person
from tests.world import LEAD, World

BLOCK = Fact(EventKind.CARRIER_BLOCK, STOPPED.at, "carrier", {})


@pytest.fixture
def carrier(world: World, variables: pytest.MonkeyPatch) -> Iterator[Running]:
    """A stand-in that knows the home tenant's account, and nobody who listens to its webhooks."""
    running = start(
        target="http://127.0.0.1:9",
        seed=5,
        accounts=[
            {"sid": world.home.account_sid, "token": world.home.token, "numbers": [{"number": world.home.number}]}
        ],
    )
    variables.setenv("TWILIO_API_URL", running.url)
    yield running
    running.stop()


def drift(in_world: Command, world: World) -> tuple[int, list[dict[str, object]]]:
    done = in_world("carrier", "drift", "--tenant", str(world.home.id))
    assert done.err == ""
    assert LEAD[-7:] not in done.out
    return done.code, [json.loads(line) for line in done.out.splitlines()]


def test_where_both_say_the_same_only_the_summary_is_printed(in_world: Command, world: World, carrier: Running) -> None:
    code, lines = drift(in_world, world)

    assert code == 0
    assert lines == [
        {"tenant": str(world.home.id), "name": world.home.brand, "hours": 24, "differences": 0, "counts": {}}
    ]


def test_somebody_who_agreed_and_is_blocked_is_listed_and_is_nothing_wrong(
    in_world: Command, world: World, carrier: Running
) -> None:
    who = person(world, BLOCK, WRITTEN)
    code, (one, summary) = drift(in_world, world)

    assert (code, one["kind"], one["contact"]) == (0, "blocked_but_agreed", str(who.contact_id))
    assert summary["counts"] == {"blocked_but_agreed": 1}


def test_a_text_that_never_reached_us_is_named_and_ends_with_1(
    in_world: Command, world: World, carrier: Running
) -> None:
    carrier.carrier.clock.set(datetime.now(UTC) - timedelta(minutes=10))
    asked = {"account": world.home.account_sid, "from": LEAD, "to": world.home.number, "body": "STOP", "retries": 0}
    requests.post(f"{carrier.url}/sim/inbound", json=asked, timeout=20).raise_for_status()
    code, lines = drift(in_world, world)

    missing = [line for line in lines if line.get("kind") == "inbound_missing"]
    assert (code, len(missing)) == (1, 1)
    assert missing[0]["carrier_sid"] in {message.sid for message in carrier.carrier.listed(world.home.account_sid)}
    assert "STOP" not in json.dumps(lines)


def test_a_carrier_that_does_not_answer_ends_with_1(
    in_world: Command, world: World, carrier: Running, variables: pytest.MonkeyPatch
) -> None:
    variables.setenv("TWILIO_API_URL", "http://127.0.0.1:9")
    code, (line,) = drift(in_world, world)

    assert code == 1
    assert "out of reach" in str(line["error"])
