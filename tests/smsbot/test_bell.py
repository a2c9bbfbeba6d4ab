"""The bell only saves time: rings are few, carry nothing, and their loss is noticed by nobody."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from smsbot import work
from smsbot.bell import (
    BACKGROUND,
    DRAIN,
    ENOUGH_RINGS,
    QUIET_AFTER_FAILURE_S,
    REPLIES,
    RING_TIMEOUT_S,
    NoBell,
    RqBell,
)
from tests.world import World


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    connection = Redis.from_url(redis_url)
    connection.flushall()
    yield connection
    connection.flushall()
    connection.close()


class CountingBell:
    def __init__(self) -> None:
        self.rings: list[str] = []

    def ring(self, queue: str) -> bool:
        self.rings.append(queue)
        return True


def test_a_ring_is_one_job_without_arguments(redis_url: str, redis: Redis) -> None:
    assert RqBell(redis_url).ring(REPLIES)

    (job_id,) = redis.lrange(f"rq:queue:{REPLIES}", 0, -1)
    job = redis.hgetall(b"rq:job:" + job_id)
    assert DRAIN.encode() in job[b"description"] or job[b"description"] == b"drain"
    assert redis.llen(f"rq:queue:{BACKGROUND}") == 0


def test_a_crowd_of_rings_is_a_few(redis_url: str, redis: Redis) -> None:
    bell = RqBell(redis_url)
    for _ in range(ENOUGH_RINGS + 20):
        assert bell.ring(REPLIES)

    assert redis.llen(f"rq:queue:{REPLIES}") == ENOUGH_RINGS


def test_a_dead_redis_costs_one_short_wait_and_then_none() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)  # takes the connection and never answers
        bell = RqBell(f"redis://127.0.0.1:{taken.getsockname()[1]}/0")
        started = time.monotonic()
        first = bell.ring(REPLIES)
        took = time.monotonic() - started
        started = time.monotonic()
        others = [bell.ring(REPLIES) for _ in range(100)]
        others_took = time.monotonic() - started

    assert (first, any(others), bell.failures) == (False, False, 1)
    assert took < 4 * RING_TIMEOUT_S
    assert others_took < 20 * RING_TIMEOUT_S  # a hundred waits would take a hundred


def test_a_redis_that_comes_back_is_rung_again(redis_url: str, redis: Redis) -> None:
    bell = RqBell(redis_url)
    bell.silent_until = time.monotonic() + 60  # as after a failure
    assert not bell.ring(REPLIES)

    bell.silent_until = time.monotonic()
    assert bell.ring(REPLIES)
    assert QUIET_AFTER_FAILURE_S <= 2


def test_whether_redis_answers_can_be_asked(redis_url: str, redis: Redis) -> None:
    assert RqBell(redis_url).answers()
    assert not RqBell("redis://127.0.0.1:1/0").answers()


def test_no_bell_says_so() -> None:
    assert not NoBell().ring(REPLIES)


def test_the_bell_rings_after_the_commit_and_only_then(world: World) -> None:
    bell = world.runtime.bell = CountingBell()
    now = world.clock.now()
    with world.runtime.transaction(world.home.id) as session:
        work.put(session, "test", world.home.id, due_at=now, now=now)
        before_commit = list(bell.rings)
    with pytest.raises(ZeroDivisionError), world.runtime.transaction(world.home.id) as session:
        work.put(session, "other", world.home.id, due_at=now, now=now)
        raise ZeroDivisionError

    assert (before_commit, bell.rings) == ([], [REPLIES])


def test_what_is_due_later_rings_nobody(world: World) -> None:
    bell = world.runtime.bell = CountingBell()
    world.text("Are you open on Saturday?")  # answered after the wait: the scheduler rings then

    assert bell.rings == []


def test_what_is_due_now_rings(world: World) -> None:
    bell = world.runtime.bell = CountingBell()
    world.text("please stop texting me")

    assert bell.rings == [REPLIES]


def test_a_bell_that_is_broken_loses_nothing(world: World) -> None:
    world.runtime.bell = RqBell("redis://127.0.0.1:1/0")
    world.text("please stop texting me")
    world.drain()

    assert len(world.carrier.accepted) == 1
