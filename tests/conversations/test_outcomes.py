"""Every code of the carrier does what it asks for: to the text, the person, the sender and the staff."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from consent.purposes import Purpose
from consent.state import EventKind
from conversations.models import Alert
from conversations.vocabulary import Author, Kind, State
from smsbot.errors import ConfigurationError, TemporarySendFailure
from smsbot.gateways.carrier_errors import failure_for
from smsbot.tenancy import SenderType
from tests.conversations.sending import (
    INQUIRED,
    WRITTEN,
    alerts,
    due,
    number_of,
    person,
    put,
    stored,
    tasks,
)
from tests.world import LEAD, World

CODES = json.loads(files("smsbot.gateways").joinpath("data/error_codes.json").read_text())["codes"]
EXPECTED = json.loads((Path(__file__).parent.parent / "gateways" / "expected_actions.json").read_text())
ACTION = {int(code): tuple(expected) for code, expected in EXPECTED.items() if code != "source"}
ANSWERED = sorted(
    row["code"] for row in CODES if "sync" in row["where"].replace("async", "") or row["where"] == "twiml"
)
STATUS = {20003: 401, 20403: 403, 20404: 404, 20429: 429, 20500: 500, 20503: 503}
OTHER = "+13125550172"


def effects(world: World, person_number: str = LEAD) -> set[str]:
    """What is left behind beside the text itself."""
    found = {f"task {kind}" for kind, _ in tasks(world)} | {f"alert {kind} {role}" for kind, role in alerts(world)}
    if number_of(world).paused_until is not None:
        found.add("paused")
    if world.contact(person_number).unreachable_code is not None:
        found.add("unreachable")
    if any(event.kind is EventKind.CARRIER_BLOCK for event in world.ledger()):
        found.add("carrier block")
    return found


EFFECTS = {
    "opt_out": {"carrier block"},
    "bad_number": {"unreachable", "task call_instead"},
    "permanent": {"alert text_refused manager"},
    "config": {"paused", "alert sender_paused owner"},
    "throttle": {"paused", "alert sender_throttled manager"},
    "retry_later": set(),
    "ambiguous": set(),
    "ignore": set(),
}


@pytest.mark.parametrize("code", ANSWERED)
def test_a_code_in_the_answer_has_its_action(world: World, code: int) -> None:
    action, delay_s, _ = ACTION[code]
    world.carrier.outcomes = [failure_for(STATUS.get(code, 400), code)]
    message_id = put(world, person(world, WRITTEN))
    before = world.clock.now()
    world.drain()

    message = stored(world, message_id)
    assert world.carrier.attempts == 1
    match action:
        case "opt_out":
            assert (message.state, message.reason) == (State.BLOCKED, "CARRIER_BLOCKED")
        case "throttle":
            assert message.state is State.QUEUED
            assert due(world)[0].due_at >= before + timedelta(seconds=delay_s)
        case "ambiguous":
            assert message.state is State.SENDING
        case _:
            assert (message.state, message.reason) == (State.FAILED, f"CARRIER_{code}")
            assert world.due() == []
    assert message.error_code == code
    assert effects(world) == (EFFECTS[action] if code != 20429 else set())


@pytest.mark.parametrize("code", sorted(ACTION))
def test_a_code_in_a_status_callback_ends_the_text_and_has_its_action(world: World, code: int) -> None:
    action, delay_s, tries = ACTION[code]
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    at = world.clock.now()
    world.status(stored(world, message_id), "undelivered", error=code)
    after = world.clock.now()

    message = stored(world, message_id)
    assert (message.state, message.reason, message.error_code) == (State.UNDELIVERED, f"CARRIER_{code}", code)
    assert effects(world) == EFFECTS[action]
    repeats = [m for m in world.outbound() if m.repeat_of == message_id]
    assert len(repeats) == (1 if tries else 0)
    if repeats and code not in (30023, 30027):  # those two wait for the carrier's next day
        (row,) = due(world)
        assert at + timedelta(seconds=delay_s) <= row.due_at <= after + timedelta(seconds=delay_s)


@pytest.mark.parametrize("code", [30003, 30008, 30017, 30022])
@pytest.mark.parametrize(
    ("purpose", "repeats"),
    [
        (Purpose.REPLY, 0),
        (Purpose.INQUIRY, 0),
        (Purpose.MARKETING, 0),
        (Purpose.APPOINTMENT, 1),
        (Purpose.NOTIFICATION, 1),
    ],
)
def test_only_appointment_and_service_texts_go_again_after_a_late_failure(
    world: World, code: int, purpose: Purpose, repeats: int
) -> None:
    message_id = put(world, person(world, WRITTEN, INQUIRED), purpose)
    world.drain()
    world.status(stored(world, message_id), "undelivered", error=code)

    assert len([m for m in world.outbound() if m.repeat_of is not None]) == repeats


def test_a_late_failure_is_repeated_once_under_a_new_id_and_never_again(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    world.status(stored(world, message_id), "undelivered", error=30008)
    world.drain()
    assert len(world.carrier.accepted) == 1  # not before its five minutes

    world.later(minutes=5)
    world.drain()
    repeat = next(m for m in world.outbound() if m.repeat_of == message_id)
    assert (repeat.state, repeat.body) == (State.SENT, stored(world, message_id).body)
    world.status(repeat, "undelivered", error=30008)
    world.later(hours=2)
    world.drain()

    assert len(world.carrier.accepted) == 2
    assert len(world.outbound()) == 2


def test_the_same_failure_reported_twice_is_repeated_once(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    message = stored(world, message_id)
    world.status(message, "undelivered", error=30008)
    world.status(message, "undelivered", error=30008)
    world.status(message, "failed", error=30008)

    assert len(world.outbound()) == 2


def test_what_was_filtered_is_never_sent_again(world: World) -> None:
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    world.status(stored(world, message_id), "undelivered", error=30007)
    world.later(days=2)
    world.drain()

    assert len(world.carrier.accepted) == 1


def test_no_repeat_comes_after_it_is_of_use(world: World) -> None:
    soon = world.clock.now() + timedelta(minutes=30)
    message_id = put(world, person(world, WRITTEN), stale_after=soon)
    world.drain()
    world.status(stored(world, message_id), "undelivered", error=30003)  # an hour at the earliest

    assert len(world.outbound()) == 1


def test_a_carrier_block_ends_everything_that_waits_and_stands_once(world: World) -> None:
    who = person(world, WRITTEN)
    world.carrier.outcomes = [failure_for(400, 21610)]
    put(world, who)
    tomorrow = put(world, who, due_at=world.clock.now() + timedelta(days=1))
    world.drain()
    later = put(world, who)
    world.drain()

    assert [event.kind for event in world.ledger()].count(EventKind.CARRIER_BLOCK) == 1
    waiting = stored(world, tomorrow)
    assert (waiting.state, waiting.reason) == (State.CANCELED, "CARRIER_BLOCKED")
    assert (stored(world, later).state, stored(world, later).reason) == (State.BLOCKED, "CARRIER_BLOCKED")
    assert (world.carrier.attempts, world.due()) == (1, [])
    assert world.verified()


@pytest.mark.parametrize(
    ("sender", "blocked"), [(SenderType.TOLL_FREE, True), (SenderType.LONG_CODE, False), (SenderType.TEN_DLC, False)]
)
def test_on_toll_free_a_network_block_counts_as_the_persons_stop(
    world: World, sender: SenderType, blocked: bool
) -> None:
    business = world.business("Harbor Motors", "+18885550101", sender_type=sender)
    who = person(world, WRITTEN, business=business)
    message_id = put(world, who)
    world.drain()
    world.status(stored(world, message_id, business), "undelivered", error=30004, to=business)

    kinds = [event.kind for event in world.ledger(of=business)]
    assert (EventKind.CARRIER_BLOCK in kinds) == blocked


def test_a_paused_sender_keeps_everybody_elses_texts_and_resumes(world: World) -> None:
    world.carrier.outcomes = [failure_for(401, 20003)]
    put(world, person(world, WRITTEN))
    world.drain()
    other = put(world, person(world, WRITTEN, number=OTHER))
    world.drain()

    waiting = stored(world, other)
    assert (waiting.state, waiting.reason, world.carrier.attempts) == (State.DEFERRED, "PAUSED", 1)
    assert number_of(world).pause_code == 20003
    world.later(minutes=5)
    world.drain()
    assert stored(world, other).state is State.SENT


def test_a_full_queue_at_the_carrier_holds_the_whole_number_back(world: World) -> None:
    """21611: ten hours of traffic wait there already, so nothing more is put on it."""
    world.carrier.outcomes = [failure_for(400, 21611)]
    put(world, person(world, WRITTEN))
    world.drain()
    put(world, person(world, WRITTEN, number=OTHER))
    world.drain()
    assert world.carrier.attempts == 1

    world.later(minutes=10)
    world.drain()
    assert len(world.carrier.accepted) == 2


def test_one_unreachable_person_is_offered_a_call_once(world: World) -> None:
    who = person(world, WRITTEN)
    world.carrier.outcomes = [failure_for(400, 21614)]
    put(world, who)
    world.drain()
    second = put(world, who)
    world.drain()

    assert tasks(world) == [("call_instead", "CARRIER_21614")]
    message = stored(world, second)
    assert (message.state, message.reason, world.carrier.attempts) == (State.BLOCKED, "UNREACHABLE", 1)


def test_an_agents_refused_text_raises_no_alert(world: World) -> None:
    """They see it in the thread; an alert would tell them what they just did."""
    world.carrier.outcomes = [failure_for(400, 21617)]
    put(world, person(world, WRITTEN), author=Author.AGENT, kind=Kind.AGENT_TEXT)
    world.drain()

    assert alerts(world) == []


def test_the_same_refusal_again_only_counts_up(world: World) -> None:
    for number in (LEAD, OTHER):
        world.carrier.outcomes = [failure_for(400, 21617)]
        put(world, person(world, WRITTEN, number=number))
        world.drain()

    (alert,) = world.rows(Alert)
    assert (alert.kind, alert.ref, alert.count) == ("text_refused", "CARRIER_21617", 2)


def test_without_usable_credentials_nothing_leaves(world: World) -> None:
    world.carrier.outcomes = [ConfigurationError("set the auth token")]
    message_id = put(world, person(world, WRITTEN))
    world.drain()

    message = stored(world, message_id)
    assert (message.state, message.reason, world.due()) == (State.BLOCKED, "NO_CREDENTIALS", [])


def test_too_many_requests_are_tried_again_with_growing_pauses(world: World) -> None:
    world.clock.freeze()
    world.carrier.outcomes = [failure_for(429, 20429) for _ in range(6)]
    message_id = put(world, person(world, WRITTEN))
    pauses = []
    for _ in range(6):
        world.drain(wait=False)
        (row,) = due(world)
        message = stored(world, message_id)
        pauses.append((row.due_at - (message.sending_at or row.due_at)).total_seconds())
        world.clock.set(row.due_at)
    world.drain(wait=False)

    assert [round(pause, 1) for pause in pauses] == sorted(round(pause, 1) for pause in pauses)
    assert pauses[0] == pytest.approx(1, abs=0.2)
    assert pauses[-1] > 3 * pauses[0]
    assert stored(world, message_id).state is State.SENT
    assert len(world.carrier.accepted) == 1


def test_the_carriers_own_pause_is_kept(world: World) -> None:
    world.clock.freeze()
    world.carrier.outcomes = [failure_for(429, 20429, retry_after_s=17.0)]
    put(world, person(world, WRITTEN))
    world.drain()

    (row,) = due(world)
    assert (row.due_at - world.clock.now()).total_seconds() == pytest.approx(17, abs=0.5)
    assert row.attempts == 0  # an hour of 429 is the carrier's state and no poisoned row


def test_a_refused_connection_is_tried_again(world: World) -> None:
    world.carrier.outcomes = [TemporarySendFailure("the connection was refused"), None]
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    world.later(seconds=5)
    world.drain()

    assert stored(world, message_id).state is State.SENT
    assert (world.carrier.attempts, len(world.carrier.accepted)) == (2, 1)


def test_what_the_carrier_never_takes_ends_as_stale(world: World) -> None:
    world.carrier.outcomes = [failure_for(429, 20429) for _ in range(100)]
    message_id = put(world, person(world, WRITTEN), stale_after=world.clock.now() + timedelta(minutes=10))
    for _ in range(100):
        world.drain(wait=False)
        if not due(world):
            break
        world.clock.set(due(world)[0].due_at)

    message = stored(world, message_id)
    assert (message.state, message.reason, world.carrier.accepted) == (State.BLOCKED, "STALE", [])
    assert 10 < world.carrier.attempts < 60


def test_a_late_failure_of_the_first_text_has_the_next_one_disclose_again(world: World) -> None:
    """Whoever has not read that we are automated and how to end it still has to be told."""
    world.text("Hi, are you open on Saturday?")
    world.drain()
    (first,) = world.outbound()
    world.status(first, "undelivered", error=30007)
    world.text("Hello? Are you open on Saturday?")
    world.drain()

    assert "automated" in world.carrier.bodies[-1].lower()
    assert "STOP" in world.carrier.bodies[-1]
