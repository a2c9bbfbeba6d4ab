"""The gate writes down what it decided and why, once per attempt, so that anybody can decide it again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from consent.models import Contact, DecisionRow
from consent.policy import POLICY_VERSION, Allow, Block, Defer, decide
from consent.purposes import Purpose
from consent.replay import facts_from_json
from conversations.models import Conversation
from conversations.vocabulary import Author, Kind, State
from smsbot.errors import TemporarySendFailure
from smsbot.tenancy import Number, Tenant
from tests.conversations.sending import (
    HELD,
    INQUIRED,
    STOPPED,
    WRITTEN,
    change,
    person,
    put,
    stored,
)
from tests.world import LEAD, START, World


def decisions(world: World) -> list[DecisionRow]:
    rows: list[DecisionRow] = world.rows(DecisionRow)
    return sorted(rows, key=lambda row: row.at)


def assert_replays(row: DecisionRow) -> None:
    """The row alone, without any other table, decides the same."""
    match decide(facts_from_json(json.loads(json.dumps(row.inputs)), purpose=row.purpose, now=row.at)):
        case Allow(rule, event_id, permit_id):
            again: tuple[Any, ...] = ("allow", None, None, rule, event_id, permit_id)
        case Defer(rule, until, reason):
            again = ("defer", reason.value, until, rule, None, None)
        case Block(rule, reason):
            again = ("block", reason.value, None, rule, None, None)
    assert again == (row.outcome, row.reason, row.until, row.rule, row.consent_event_id, row.permit_id)


def test_an_attempt_leaves_one_row_with_the_event_it_rests_on(world: World) -> None:
    who = person(world, WRITTEN)
    message_id = put(world, who)
    world.drain()

    (row,) = decisions(world)
    assert (row.message_id, row.contact_id, row.outcome) == (message_id, who.contact_id, "allow")
    assert row.consent_event_id == who.events[0] == stored(world, message_id).consent_event_id
    assert row.versions["policy"] == POLICY_VERSION
    assert_replays(row)


def test_each_attempt_of_the_same_text_is_decided_and_recorded_anew(world: World) -> None:
    world.carrier.outcomes = [TemporarySendFailure("busy", 20429), None]
    put(world, person(world, WRITTEN))
    world.drain()
    world.later(seconds=5)
    world.drain()

    assert [row.outcome for row in decisions(world)] == ["allow", "allow"]
    assert len(world.carrier.accepted) == 1


def test_what_changed_between_two_attempts_counts(world: World) -> None:
    world.carrier.outcomes = [TemporarySendFailure("busy", 20429)]
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    change(world, Tenant, sending_stopped_at=world.clock.now())
    world.later(seconds=5)
    world.drain()

    assert [(row.outcome, row.reason) for row in decisions(world)] == [("allow", None), ("block", "KILL_SWITCH")]
    message = stored(world, message_id)
    assert (message.state, message.reason) == (State.BLOCKED, "KILL_SWITCH")
    assert world.carrier.accepted == []


def test_a_hold_stops_what_is_automatic_and_not_an_agents_text(world: World) -> None:
    who = person(world, WRITTEN, HELD)
    put(world, who)
    by_agent = put(world, who, author=Author.AGENT, kind=Kind.AGENT_TEXT, body="Call me when you like.")
    world.drain()

    assert world.carrier.bodies == ["Call me when you like."]
    assert {row.message_id: (row.outcome, row.reason) for row in decisions(world)}[by_agent] == ("allow", None)
    assert sorted((row.outcome, row.reason) for row in decisions(world) if row.message_id != by_agent) == [
        ("block", "HELD")
    ]


def test_nobody_on_the_staff_can_write_to_somebody_who_opted_out(world: World) -> None:
    message_id = put(world, person(world, WRITTEN, STOPPED), author=Author.AGENT, kind=Kind.AGENT_TEXT)
    world.drain()

    message = stored(world, message_id)
    assert (message.state, message.reason, world.carrier.attempts) == (State.BLOCKED, "OPTED_OUT", 0)


CASES: dict[str, tuple[tuple[Any, ...], Purpose, dict[str, Any], tuple[type[Any], dict[str, Any]] | None]] = {
    "allowed": ((WRITTEN,), Purpose.MARKETING, {}, None),
    "reply": ((INQUIRED,), Purpose.REPLY, {}, None),
    "opted out": ((WRITTEN, STOPPED), Purpose.APPOINTMENT, {}, None),
    "held": ((WRITTEN, HELD), Purpose.APPOINTMENT, {}, None),
    "no consent": ((), Purpose.MARKETING, {}, None),
    "no permit": ((WRITTEN, STOPPED), Purpose.COMPLIANCE, {}, None),
    "stale": ((WRITTEN,), Purpose.APPOINTMENT, {"stale_after": START - timedelta(seconds=1)}, None),
    "blocked": ((WRITTEN,), Purpose.APPOINTMENT, {}, (Contact, {"unreachable_code": 30006})),
    "taken over": ((INQUIRED,), Purpose.REPLY, {"author": Author.AI}, (Conversation, {"taken_over_at": START})),
    "reconciling": ((WRITTEN,), Purpose.APPOINTMENT, {}, (Number, {"hold_until_reconciled": True})),
    "mode off": ((INQUIRED,), Purpose.REPLY, {"author": Author.AI}, (Tenant, {"reply_mode": "off"})),
    "mode draft": ((INQUIRED,), Purpose.REPLY, {"author": Author.AI}, (Tenant, {"reply_mode": "draft"})),
    "country": ((WRITTEN,), Purpose.APPOINTMENT, {}, (Tenant, {"countries": ["CA"]})),
}


@pytest.mark.parametrize("case", CASES)
def test_the_row_alone_decides_the_same_again(world: World, case: str) -> None:
    facts, purpose, more, changed = CASES[case]
    who = person(world, *facts)
    if changed is not None:
        change(world, changed[0], **changed[1])
    put(world, who, purpose, **more)
    world.drain()

    (row,) = decisions(world)
    assert_replays(row)


def test_a_row_holds_no_number_and_no_words(world: World) -> None:
    put(world, person(world, WRITTEN), body="The secret word is heron.")
    world.drain()

    kept = json.dumps([row.inputs | row.versions for row in decisions(world)])
    assert LEAD not in kept
    assert LEAD[-4:] not in kept.replace("-", " ").split()
    assert "heron" not in kept


def test_another_tenants_opt_out_says_nothing_here(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    person(world, WRITTEN, STOPPED, business=other)
    put(world, person(world, WRITTEN))
    world.drain()

    assert len(world.carrier.accepted) == 1
