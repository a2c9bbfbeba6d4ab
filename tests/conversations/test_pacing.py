"""A number sends as many segments a second as its carrier allows, answers first."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import timedelta

import pytest

from consent.purposes import Purpose
from conversations.vocabulary import Kind, State
from smsbot import work
from smsbot.bell import REPLIES
from smsbot.errors import TemporarySendFailure
from smsbot.tenancy import Number, SenderType
from tests.conversations.sending import INQUIRED, WRITTEN, Person, change, due, person, put, stored, with_settings
from tests.world import World
from worker import do, handlers

TWO_SEGMENTS = "x" * 200


@pytest.fixture(autouse=True)
def _stands_still(world: World) -> None:
    """Places on the line are instants: a busy machine must not let them pass."""
    world.clock.freeze()


def people(world: World, count: int) -> list[Person]:
    return [person(world, WRITTEN, INQUIRED, number=f"+1312555{number:04d}") for number in range(100, 100 + count)]


def wait_s(world: World, message_id: object) -> float:
    """How long until this text's turn."""
    (row,) = [row for row in due(world) if row.ref_id == message_id]
    return (row.due_at - world.clock.now()).total_seconds()


@pytest.mark.parametrize(("body", "takes_s"), [("short", 1.0), (TWO_SEGMENTS, 2.0)])
def test_a_text_takes_the_line_for_each_of_its_segments(world: World, body: str, takes_s: float) -> None:
    with_settings(world, number_mps=1.0)
    first, second = people(world, 2)
    put(world, first, Purpose.REPLY, body)
    world.drain(wait=False)
    waiting = put(world, second, Purpose.REPLY)
    world.drain(wait=False)

    assert len(world.carrier.accepted) == 1
    assert wait_s(world, waiting) == pytest.approx(takes_s, abs=0.01)
    world.later(seconds=takes_s)
    world.drain(wait=False)
    assert stored(world, waiting).state is State.SENT


@pytest.mark.parametrize(
    ("sender", "registered", "segments_a_second"),
    [
        (SenderType.LONG_CODE, None, 1.0),
        (SenderType.TOLL_FREE, None, 3.0),
        (SenderType.TEN_DLC, 4.0, 4.0),
        (SenderType.SHORT_CODE, None, 100.0),
    ],
)
def test_the_pace_is_the_senders_own(
    world: World, sender: SenderType, registered: float | None, segments_a_second: float
) -> None:
    with_settings(world, number_mps=None)
    change(world, Number, sender_type=sender, segments_per_second=registered)
    put(world, people(world, 1)[0], body="x" * 1500)
    at = world.clock.now()
    world.drain(wait=False)

    (number,) = world.rows(Number)
    segments = world.outbound()[0].segments
    assert segments == 1  # what the carrier's answer said; ten were counted
    assert (number.busy_until - at).total_seconds() == pytest.approx(10 / segments_a_second, abs=0.01)


def test_two_numbers_do_not_wait_for_each_other(world: World) -> None:
    with_settings(world, number_mps=1.0)
    other = world.business("Harbor Motors", "+13125550101")
    put(world, person(world, WRITTEN))
    put(world, person(world, WRITTEN, business=other))
    world.drain(wait=False)

    assert len(world.carrier.accepted) == 2


def test_a_crowd_of_reminders_delays_an_answer_by_one_place_at_most(world: World) -> None:
    with_settings(world, number_mps=1.0)
    *crowd, asking = people(world, 25)
    for someone in crowd:
        put(world, someone, priority=work.LATER)
    for _ in range(3):
        world.drain(wait=False)
        world.later(seconds=1)
    asked_at = world.clock.now()
    answer = put(world, asking, Purpose.REPLY, "Yes.", kind=Kind.AI_REPLY, priority=work.URGENT)
    for _ in range(5):
        world.drain(wait=False)
        world.later(seconds=0.5)

    sent_at = stored(world, answer).sent_at
    assert sent_at is not None
    assert sent_at - asked_at <= timedelta(seconds=1.7)  # the one on the line, and the step of this test


def test_every_reminder_gets_its_turn_in_the_end(world: World) -> None:
    with_settings(world, number_mps=1.0)
    for someone in people(world, 6):
        put(world, someone, priority=work.LATER)
    for _ in range(40):
        world.drain(wait=False)
        world.later(seconds=0.5)

    assert len(world.carrier.accepted) == 6


def test_answers_keep_their_order_on_the_line(world: World) -> None:
    with_settings(world, number_mps=1.0)
    ids = []
    for number, someone in enumerate(people(world, 4)):
        ids.append(put(world, someone, Purpose.REPLY, f"answer {number}"))
        world.drain(wait=False)
    for _ in range(10):
        world.later(seconds=0.5)
        world.drain(wait=False)

    assert world.carrier.bodies == [f"answer {number}" for number in range(4)]


def test_a_text_that_was_put_off_takes_a_new_place_on_the_line(world: World) -> None:
    """Else everything that a pause held back would leave in one second when it ends."""
    with_settings(world, number_mps=1.0)
    ids = [put(world, someone, Purpose.REPLY) for someone in people(world, 4)]
    world.drain(wait=False)
    change(world, Number, paused_until=world.clock.now() + timedelta(minutes=2))
    for _ in range(8):
        world.later(seconds=0.5)
        world.drain(wait=False)
    assert [stored(world, i).state for i in ids].count(State.DEFERRED) == 3
    world.later(minutes=2)
    world.drain(wait=False)

    assert len(world.carrier.accepted) == 2  # one before the pause, one after it


def test_a_text_that_the_carrier_was_too_busy_for_takes_a_new_place(world: World) -> None:
    with_settings(world, number_mps=1.0)
    world.carrier.outcomes = [None, *(TemporarySendFailure("busy", 20429) for _ in range(3))]
    for someone in people(world, 4):
        put(world, someone, Purpose.REPLY)
    for _ in range(5):
        world.drain(wait=False)
        world.later(seconds=1)
    refused = world.carrier.attempts
    world.later(seconds=30)
    world.drain(wait=False)

    assert refused >= 4
    assert len(world.carrier.accepted) <= 1 + (refused - 4) + 1


@pytest.mark.slow
def test_threads_together_never_exceed_the_rate(world: World) -> None:
    world.clock.run_on()
    rate, count = 40.0, 60
    with_settings(world, number_mps=rate)
    for number, someone in enumerate(people(world, count)):
        put(world, someone, Purpose.REPLY if number % 2 else Purpose.APPOINTMENT)
    times: list[float] = []
    world.carrier.before = lambda _: times.append(time.monotonic())
    table = handlers(world.runtime, world.carrier, None)[REPLIES]
    give_up = time.monotonic() + 15

    def work_off() -> None:
        while len(times) < count and time.monotonic() < give_up:
            claims = work.claim(world.runtime.engine, REPLIES, world.clock.now())
            for claim in claims:
                do(world.runtime, table, claim)
            if not claims:
                time.sleep(0.005)

    threads = [threading.Thread(target=work_off) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(times) == len(world.carrier.accepted) == count
    # Places on the line, not the calls: a thread that a busy machine delays uses its place late, and never early.
    places = sorted(at for m in world.outbound() if (at := m.slot_at or m.sending_at) is not None)
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(places)]
    assert len(places) == count
    assert min(gaps) >= 1 / rate - 0.0001
    assert all(m.slot_at is None or (m.sending_at is not None and m.sending_at >= m.slot_at) for m in world.outbound())
    assert max(times) - min(times) >= 0.9 * (count - 1) / rate


def test_with_the_pace_lifted_everything_leaves_at_once(world: World) -> None:
    for someone in people(world, 10):
        put(world, someone)
    world.drain(wait=False)

    assert len(world.carrier.accepted) == 10
    (number,) = world.rows(Number)
    assert number.busy_until is None
