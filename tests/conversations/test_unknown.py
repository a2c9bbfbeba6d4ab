"""An unknown outcome is looked up and never repeated blindly: a second text is worse than a late one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from consent.purposes import Purpose
from conversations.vocabulary import Author, State
from smsbot.errors import LeaseExpired, OutcomeUnknown, TemporarySendFailure
from smsbot.gateways.carrier import CarrierMessage, OutgoingSms
from smsbot.gateways.carrier_errors import failure_for
from smsbot.settings import LEASE_S
from tests.conversations.sending import (
    INQUIRED,
    WRITTEN,
    Person,
    claimed,
    crash_at,
    due,
    end_leases,
    person,
    put,
    run,
    stored,
    tasks,
)
from tests.world import World

LEASE_OVER_S = LEASE_S + 1
UNKNOWN = (
    failure_for(500, 20500),
    failure_for(503, None),
    failure_for(502, None),
    OutcomeUnknown("the read timed out"),
    OutcomeUnknown("the answer was no JSON"),
)


def time_passes(world: World, seconds: float) -> None:
    """Work off what becomes due, second by second."""
    end_leases(world)
    end = world.clock.now() + timedelta(seconds=seconds)
    while world.clock.now() < end:
        world.drain(wait=False)
        dues = [row.due_at if row.lease_until is None else max(row.due_at, row.lease_until) for row in world.due()]
        world.clock.set(max(world.clock.now(), min([end, *dues])))
        end_leases(world)
    world.drain(wait=False)


def accepted_then_lost(world: World) -> Callable[[OutgoingSms], None]:
    """The carrier takes the text and its answer never arrives."""

    def outcome(sms: OutgoingSms) -> None:
        world.carrier.accept(sms)
        raise OutcomeUnknown("the line was dropped")

    return outcome


def lost(world: World, purpose: Purpose = Purpose.APPOINTMENT) -> tuple[Person, UUID]:
    """A text of which nobody knows whether the carrier has it; it has not."""
    who = person(world, WRITTEN, INQUIRED)
    world.carrier.outcomes = [OutcomeUnknown("the read timed out")]
    message_id = put(world, who, purpose, author=Author.AI if purpose is Purpose.REPLY else Author.SYSTEM)
    world.drain()
    assert stored(world, message_id).state is State.SENDING
    return who, message_id


def listed(world: World, message_id: UUID, **changes: Any) -> CarrierMessage:
    """What the carrier's list would show for this text."""
    message = stored(world, message_id)
    assert message.sending_at is not None
    same = CarrierMessage(
        "SM" + "e" * 32,
        "outbound",
        world.home.number,
        "+13125550171",
        message.body,
        "sent",
        None,
        message.sending_at.replace(microsecond=0),
        None,
    )
    return replace(same, **changes)


@pytest.mark.parametrize("failure", UNKNOWN, ids=str)
def test_nothing_is_called_again_while_the_outcome_is_unknown(world: World, failure: OutcomeUnknown) -> None:
    world.carrier.outcomes = [failure]
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    world.later(seconds=5)
    world.drain(wait=False)

    contact = world.contact()
    assert (world.carrier.attempts, stored(world, message_id).state) == (1, State.SENDING)
    assert contact.lease_token == stored(world, message_id).send_token  # a STOP still waits for it


def test_a_text_that_the_carrier_has_is_found_in_its_list(world: World) -> None:
    world.carrier.outcomes = [accepted_then_lost(world)]
    message_id = put(world, person(world, WRITTEN))
    world.drain()
    time_passes(world, LEASE_OVER_S)

    message = stored(world, message_id)
    assert (message.state, message.provider_sid) == (State.SENT, world.carrier.listed[0].provider_sid)
    assert (world.carrier.attempts, world.due()) == (1, [])


@pytest.mark.parametrize("purpose", [Purpose.APPOINTMENT, Purpose.NOTIFICATION])
def test_a_reminder_absent_twice_goes_again(world: World, purpose: Purpose) -> None:
    _, message_id = lost(world, purpose)
    started = stored(world, message_id).sending_at
    time_passes(world, 60)

    message = stored(world, message_id)
    assert message.state is State.SENT
    assert (world.carrier.attempts, len(world.carrier.accepted)) == (2, 1)
    assert started is not None
    assert message.sent_at is not None
    assert message.sent_at - started >= timedelta(seconds=LEASE_S + 20)


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.INQUIRY, Purpose.MARKETING])
def test_any_other_text_stays_unknown_after_a_minute_and_a_person_is_told(world: World, purpose: Purpose) -> None:
    _, message_id = lost(world, purpose)
    started = stored(world, message_id).sending_at
    time_passes(world, 59 - (LEASE_OVER_S - LEASE_S))
    assert stored(world, message_id).state is State.SENDING
    time_passes(world, 5)

    assert started is not None
    assert stored(world, message_id).state is State.UNKNOWN
    assert (world.carrier.attempts, world.due()) == (1, [])
    assert tasks(world) == [("unknown_outcome", None)]


def test_a_text_through_a_service_is_found_before_its_sender_is_chosen(world: World) -> None:
    _, message_id = lost(world)
    world.carrier.listed = [listed(world, message_id, from_=None, status="accepted")]
    time_passes(world, LEASE_OVER_S)

    assert stored(world, message_id).provider_sid == "SM" + "e" * 32


def test_a_list_that_folds_our_letters_is_still_matched(world: World) -> None:
    _, message_id = lost(world)
    world.carrier.listed = [listed(world, message_id, body="See you tomorrow at 3 PM. ")]
    time_passes(world, LEASE_OVER_S)

    assert stored(world, message_id).state is State.SENT


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "See you tomorrow at 4 PM."},
        {"direction": "inbound"},
        {"from_": "+13125550109"},
    ],
    ids=str,
)
def test_only_the_very_same_text_counts_as_found(world: World, changes: dict[str, Any]) -> None:
    _, message_id = lost(world)
    world.carrier.listed = [listed(world, message_id, **changes)]
    time_passes(world, LEASE_OVER_S)

    assert stored(world, message_id).provider_sid is None


def test_the_same_words_sent_earlier_are_not_this_text(world: World) -> None:
    _, message_id = lost(world)
    earlier = world.clock.now() - timedelta(minutes=1)
    world.carrier.listed = [listed(world, message_id, created_at=earlier)]
    time_passes(world, LEASE_OVER_S)

    assert stored(world, message_id).provider_sid is None


def test_a_text_that_has_its_owner_is_not_found_twice(world: World) -> None:
    who = person(world, WRITTEN)
    first = put(world, who)
    world.drain()
    world.carrier.outcomes = [OutcomeUnknown("the read timed out")]
    second = put(world, who)
    world.drain()
    time_passes(world, LEASE_OVER_S)

    assert stored(world, first).provider_sid == world.carrier.listed[0].provider_sid
    assert (stored(world, second).state, stored(world, second).provider_sid) == (State.SENDING, None)


def test_a_look_up_that_fails_counts_for_nothing(world: World) -> None:
    _, message_id = lost(world)
    world.carrier.lookup_failures = [TemporarySendFailure("busy", 20429) for _ in range(100)]
    time_passes(world, 90)

    assert len(world.carrier.lookup_failures) < 90
    assert stored(world, message_id).lookups == 0
    assert (stored(world, message_id).state, world.carrier.attempts) == (State.SENDING, 1)


def test_two_looks_are_twenty_seconds_apart_however_late_the_first_is(world: World) -> None:
    """The carrier's list lags behind: two looks within a second are one look."""
    _, message_id = lost(world)
    world.carrier.lookup_failures = [TemporarySendFailure("busy", 20429) for _ in range(10)]
    while stored(world, message_id).lookups == 0:
        time_passes(world, 1)
    looked = world.clock.now()
    while stored(world, message_id).state is State.SENDING:
        time_passes(world, 1)

    assert world.clock.now() - looked >= timedelta(seconds=19)


def test_a_reply_that_cannot_be_looked_up_is_left_to_a_person_after_a_minute(world: World) -> None:
    _, message_id = lost(world, Purpose.REPLY)
    world.carrier.lookup_failures = [TemporarySendFailure("busy", 20429) for _ in range(50)]
    time_passes(world, 75)

    assert (stored(world, message_id).state, tasks(world)) == (State.UNKNOWN, [("unknown_outcome", None)])


def test_a_callback_settles_it_before_any_look(world: World) -> None:
    _, message_id = lost(world)
    world.status(stored(world, message_id), "sent")
    time_passes(world, 60)

    message = stored(world, message_id)
    assert (message.state, message.provider_sid) == (State.SENT, "SM" + "9" * 32)
    assert (world.carrier.attempts, world.due()) == (1, [])


def test_a_callback_during_the_look_wins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list did not have it yet, the callback came: nothing is asked again and nothing is sent again."""
    _, message_id = lost(world)
    end_leases(world)
    world.later(seconds=LEASE_OVER_S)
    crash_at(world, monkeypatch, "outbox.looked_up")
    world.status(stored(world, message_id), "delivered")
    world.later(seconds=60)
    time_passes(world, 60)

    assert stored(world, message_id).state is State.DELIVERED
    assert (world.carrier.attempts, world.due()) == (1, [])


def test_a_callback_after_a_minute_still_tells_what_became_of_it(world: World) -> None:
    _, message_id = lost(world, Purpose.REPLY)
    time_passes(world, 70)
    world.status(stored(world, message_id), "delivered")

    assert stored(world, message_id).state is State.DELIVERED


def test_a_crash_before_the_call_sends_it_once_after_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row says that it is being sent and nobody knows better: absent twice, then it goes."""
    message_id = put(world, person(world, WRITTEN))
    crash_at(world, monkeypatch, "outbox.reserved")
    assert (stored(world, message_id).state, world.carrier.attempts) == (State.SENDING, 0)
    world.drain(wait=False)
    assert world.carrier.attempts == 0  # leased
    time_passes(world, 60)

    assert stored(world, message_id).state is State.SENT
    assert world.carrier.attempts == 1


@pytest.mark.parametrize("point", ["outbox.accepted", "outbox.before_outcome_commit"])
@pytest.mark.parametrize("purpose", [Purpose.APPOINTMENT, Purpose.REPLY])
def test_a_crash_after_the_call_sends_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str, purpose: Purpose
) -> None:
    message_id = put(world, person(world, WRITTEN, INQUIRED), purpose)
    crash_at(world, monkeypatch, point)
    assert stored(world, message_id).provider_sid is None
    time_passes(world, 60)

    message = stored(world, message_id)
    assert (message.state, message.provider_sid) == (State.SENT, world.carrier.listed[0].provider_sid)
    assert (world.carrier.attempts, world.due()) == (1, [])


@pytest.mark.parametrize("point", ["outbox.locked", "outbox.before_reserve_commit"])
def test_a_crash_before_the_lease_leaves_nothing_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    message_id = put(world, person(world, WRITTEN))
    crash_at(world, monkeypatch, point)

    assert stored(world, message_id).state is State.QUEUED
    assert world.contact().lease_token is None
    time_passes(world, 31)
    assert (stored(world, message_id).state, world.carrier.attempts) == (State.SENT, 1)


def test_a_call_that_would_outlive_its_lease_is_not_made_and_comes_again(world: World) -> None:
    world.carrier.outcomes = [LeaseExpired("too late"), None]
    message_id = put(world, person(world, WRITTEN))
    run(world, claimed(world))

    message = stored(world, message_id)
    assert (message.state, message.send_token, world.contact().lease_token) == (State.QUEUED, None, None)
    assert due(world)[0].attempts == 1  # counts: a machine that is always too slow is somebody's business
    world.drain(wait=False)
    assert stored(world, message_id).state is State.SENT


def test_a_stop_that_comes_while_it_is_unknown_keeps_the_reminder_from_going_again(world: World) -> None:
    _, message_id = lost(world)
    end_leases(world)
    world.text("STOP")
    time_passes(world, 60)

    message = stored(world, message_id)
    assert (message.state, message.reason, world.carrier.attempts) == (State.BLOCKED, "OPTED_OUT", 1)


def test_the_next_text_waits_anew_after_a_reply_that_stayed_unknown(world: World) -> None:
    world.clock.freeze()
    world.carrier.outcomes = [OutcomeUnknown("the read timed out")]
    world.text("Are you open on Saturday?")
    world.drain()
    time_passes(world, 70)
    world.text("Hello?")

    (row,) = due(world)
    assert row.due_at - world.clock.now() > timedelta(seconds=3)
