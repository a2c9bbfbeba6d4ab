"""The bell only saves time: rings are few, carry nothing, and their loss is noticed by nobody."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from smsbot import work
from smsbot.bell import (
    BACKGROUND,
    DRAIN,
    ENOUGH_RINGS,
    MANY,
    QUIET_AFTER_FAILURE_S,
    REPLIES,
    RING_TIMEOUT_S,
    Earshot,
    NoBell,
    RqBell,
)
from tests.world import World
from worker import attend


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

    def ring(self, queue: str, *, all_due: bool = False, overdue: bool = False) -> bool:
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


def test_who_listens_hears_the_bell_and_no_job_is_made(redis_url: str, redis: Redis) -> None:
    earshot = Earshot(redis, REPLIES)
    with earshot.listening() as rings:
        rung = RqBell(redis_url).ring(REPLIES)
        other = RqBell(redis_url).ring(BACKGROUND)
        heard = [earshot.heard(rings, 2.0), earshot.heard(rings, 0.0)]

    assert (rung, other, heard) == (True, True, [1, 0])
    assert (redis.llen(f"rq:queue:{REPLIES}"), redis.llen(f"rq:queue:{BACKGROUND}")) == (0, 1)


@pytest.mark.parametrize(("all_due", "expected"), [([False] * 3, 3), ([False, True, False], MANY)])
def test_rings_are_counted_unless_more_may_be_due(
    redis_url: str, redis: Redis, all_due: list[bool], expected: int
) -> None:
    earshot = Earshot(redis, REPLIES)
    bell = RqBell(redis_url)
    with earshot.listening() as rings:
        for one in all_due:
            bell.ring(REPLIES, all_due=one)
        heard = [earshot.heard(rings, 2.0), earshot.heard(rings, 0.0)]

    assert heard == [expected, 0]


def test_for_what_nobody_came_to_a_job_is_made_whoever_listens(redis_url: str, redis: Redis) -> None:
    with Earshot(redis, REPLIES).listening():
        RqBell(redis_url).ring(REPLIES, overdue=True)

    assert redis.llen(f"rq:queue:{REPLIES}") == 1


def test_who_has_gone_out_of_earshot_is_rung_for_with_a_job(redis_url: str, redis: Redis) -> None:
    with Earshot(redis, REPLIES).listening():
        pass
    RqBell(redis_url).ring(REPLIES)

    assert redis.llen(f"rq:queue:{REPLIES}") == 1


def test_a_worker_within_earshot_drains_at_each_ring_and_once_more_when_it_leaves(redis_url: str, redis: Redis) -> None:
    class Counted:
        def __init__(self) -> None:
            self.stop = threading.Event()
            self.drained: list[int] = []

        def drain(self, rows: int = MANY) -> None:
            self.drained.append(rows)
            for _ in range(len(self.drained)):
                RqBell(redis_url).ring(REPLIES)  # something came while it worked
            if len(self.drained) == 4:
                self.stop.set()

    current = Counted()
    attend(current, Earshot(redis, REPLIES))

    assert current.drained == [MANY, 1, 2, 3, MANY]


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
