"""How often a caller may come: so many a second on average, so many at once. Counted in Redis, for all web processes.

A limit protects everybody else from one caller; it is no promise to anybody. So without Redis nothing is limited.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from smsbot.logs import log_event

ANSWER_TIMEOUT_S = 0.1
QUIET_AFTER_FAILURE_S = 1.0  # a dead Redis must not cost every request its time-out
PREFIX = "smsbot:rate:"

# The generic cell rate algorithm (ITU-T I.371, Annex A): one number per caller, the time in microseconds at which all
# that it has asked for would be over, had it kept to its rate. By the server's clock, which is the same for everybody.
COUNT = """
local clock = redis.call('TIME')
local now, each = clock[1] * 1000000 + clock[2], tonumber(ARGV[1])
local over = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = over - each * (ARGV[2] - 1) - now
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', over + each), 'PX', math.ceil((over + each - now) / 1000))
return 0
"""

logger = logging.getLogger(__name__)


class Rates(Protocol):
    def wait_s(self, caller: str, *, per_s: float, at_once: int) -> float:
        """0 when `caller` may go on, which is counted; else the seconds after which it may, and nothing is counted."""
        ...


class Unlimited:
    """No Redis: whoever comes may go on."""

    def wait_s(self, caller: str, *, per_s: float, at_once: int) -> float:
        return 0.0


class RedisRates:
    """Counts in Redis. Never raises, never waits longer than ANSWER_TIMEOUT_S, lets everybody pass while it is away."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=ANSWER_TIMEOUT_S,
            socket_connect_timeout=ANSWER_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._count = self._redis.register_script(COUNT)
        self._silent_until = 0.0

    def wait_s(self, caller: str, *, per_s: float, at_once: int) -> float:
        if time.monotonic() < self._silent_until:
            return 0.0
        try:
            wait_us = self._count(keys=[PREFIX + caller], args=[math.ceil(1_000_000 / per_s), at_once])
        except (RedisError, OSError) as error:
            self._silent_until = time.monotonic() + QUIET_AFTER_FAILURE_S
            log_event(logger, "rates.silent", level=logging.WARNING, failure=type(error).__name__)
            return 0.0
        return int(wait_us) / 1_000_000
