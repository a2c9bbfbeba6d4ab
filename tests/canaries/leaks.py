"""Tests that leak on purpose, run by `test_watch.py` alone: all but the first have to fail."""

from __future__ import annotations

import logging
import sys

from redis import Redis

from smsbot.logs import log_event
from smsbot.tenancy import Tenant
from tests.world import World

WORDS = "could the tall heron come in by the garden gate"


def test_nothing(world: World) -> None:
    world.text(WORDS)


def test_into_a_column(world: World) -> None:
    world.text(WORDS)
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Tenant, world.home.id).name = WORDS


def test_into_the_log(world: World) -> None:
    world.text(WORDS)
    log_event(logging.getLogger("conversations.replies"), "reply.planned", state=WORDS)


def test_into_redis(world: World, redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.setex("session", 1, f"Basic {world.home.token}")


def test_onto_stderr(world: World) -> None:
    print("ssn 078-05-1120", file=sys.stderr)
