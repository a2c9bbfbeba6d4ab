"""The bell: an RQ job without arguments tells a worker that something is due.

Losing, doubling or delaying a ring has no effect but time: the rows are the truth and the scheduler rings again.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

from redis import Redis
from redis.backoff import NoBackoff
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
JOB_TIMEOUT_S = 3600  # a full worker waits inside the job for a free thread


logger = logging.getLogger(__name__)


class Bell(Protocol):
    def ring(self, queue: str) -> bool:
        """Whether the bell was rung; False costs nothing but time."""
        ...


class NoBell:
    """No Redis: the scheduler drains by itself."""

    def ring(self, queue: str) -> bool:
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

    def ring(self, queue: str) -> bool:
        if time.monotonic() < self.silent_until:
            return False
        try:
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
