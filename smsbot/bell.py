"""The bell: an RQ job without arguments tells a worker that something is due.

A worker that has just worked stays within earshot for a while and hears the bell itself, which costs one command; the
job, which costs twenty-five, is for when nobody listens. Losing, doubling or delaying either has no effect but time:
the rows are the truth and the scheduler rings again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from smsbot.logs import log_event

REPLIES = "replies"
BACKGROUND = "background"
DRAIN = "worker.drain"  # the one job: found by name in the worker process

RING_TIMEOUT_S = 0.3
QUIET_AFTER_FAILURE_S = 1.0  # a dead Redis must not cost every webhook its time-out
ENOUGH_RINGS = 8
ANSWER_TIMEOUT_S = 1.0
ONE_DUE, ALL_DUE = b"1", b"*"
MANY = 1_000_000
JOB_TIMEOUT_S = 3600  # a full worker waits inside the job for a free thread


logger = logging.getLogger(__name__)


class Bell(Protocol):
    def ring(self, queue: str, *, all_due: bool = False, overdue: bool = False) -> bool:
        """Whether the bell was rung; False costs nothing but time.

        `all_due`: more than one row may have become due. `overdue`: whoever was rung for did not come.
        """
        ...


class NoBell:
    """No Redis: the scheduler drains by itself."""

    def ring(self, queue: str, *, all_due: bool = False, overdue: bool = False) -> bool:
        return False


class RqBell:
    """Rings through RQ. Never raises, never waits longer than RING_TIMEOUT_S, and pauses while Redis is away."""

    def __init__(self, redis_url: str) -> None:
        # Without retries: redis-py repeats a push ten times by default, and the web must not wait for a bell.
        self.redis = Redis.from_url(
            redis_url,
            socket_timeout=RING_TIMEOUT_S,
            socket_connect_timeout=RING_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self.queues: dict[str, Queue] = {}
        self.silent_until = 0.0
        self.failures = 0

    def answers(self) -> bool:
        """Whether Redis answers now."""
        try:
            return bool(self.redis.ping())
        except (RedisError, OSError):
            return False

    def ring(self, queue: str, *, all_due: bool = False, overdue: bool = False) -> bool:
        if time.monotonic() < self.silent_until:
            return False
        try:
            if self.redis.publish(_channel(self.redis, queue), ALL_DUE if all_due else ONE_DUE) and not overdue:
                return True
            rq_queue = self.queues.get(queue)
            if rq_queue is None:
                rq_queue = self.queues[queue] = Queue(queue, connection=self.redis, serializer=JSONSerializer)
            if len(rq_queue) < ENOUGH_RINGS:
                rq_queue.enqueue(DRAIN, job_timeout=JOB_TIMEOUT_S, result_ttl=0, failure_ttl=60, description="drain")
        except (RedisError, OSError) as error:
            self.failures += 1
            self.silent_until = time.monotonic() + QUIET_AFTER_FAILURE_S
            log_event(logger, "bell.silent", level=logging.WARNING, queue=queue, failure=type(error).__name__)
            return False
        return True


class Earshot:
    """Where a worker hears the bell of one queue itself. Raises redis's errors when Redis is lost."""

    def __init__(self, redis: Redis, queue: str) -> None:
        self.redis, self.channel = redis, _channel(redis, queue)

    @contextmanager
    def listening(self) -> Iterator[PubSub]:
        """Rings are heard from the beginning of the block to its end; one before or after makes a job."""
        with PubSub(self.redis.connection_pool) as rings:
            rings.subscribe(self.channel)
            self._until(rings, "subscribe")
            yield rings
            rings.unsubscribe(self.channel)  # type: ignore[no-untyped-call]  # redis types some of its methods
            self._until(rings, "unsubscribe")

    @staticmethod
    def heard(rings: PubSub, timeout_s: float) -> int:
        """How often the bell rang; 0 when it did not within `timeout_s`, MANY when more may be due than it rang for."""
        count = 0
        message = rings.get_message(timeout=timeout_s)
        while message is not None:
            if message["type"] == "message":
                count = MANY if message["data"] == ALL_DUE else count + 1
            message = rings.get_message(timeout=0.0)
        return min(count, MANY)

    @staticmethod
    def _until(rings: PubSub, kind: str) -> None:
        give_up = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < give_up:
            message = rings.get_message(timeout=ANSWER_TIMEOUT_S)
            if message is not None and message["type"] == kind:
                return


def _channel(redis: Redis, queue: str) -> str:
    """Channels know no databases of Redis, as keys do: another deployment may ring in the next one."""
    database = redis.connection_pool.connection_kwargs.get("db") or 0
    return f"smsbot:bell:{database}:{queue}"
