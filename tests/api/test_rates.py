"""One API key may come so often a second and so often at once; who comes more often is told when to come again."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from redis import Redis

from api.openapi import DOCUMENT
from conversations.models import Lead
from smsbot.rates import ANSWER_TIMEOUT_S, PREFIX, RedisRates, Unlimited
from smsbot.tenancy import IdempotencyKey
from tests.api.client import Client, a_client, problem
from tests.world import LEAD, World

SLOW, AT_ONCE = 0.01, 3  # one more every hundred seconds: none within a test


@pytest.fixture
def limited(world: World, client: Client, redis_url: str) -> Client:
    """A caller whose key may come three times at once, and then next to never."""
    world.runtime.rates = RedisRates(redis_url)
    world.runtime.settings = replace(world.runtime.settings, api_rate_per_s=SLOW, api_burst=AT_ONCE)
    return client


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address where somebody listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def test_who_comes_too_often_is_429_with_a_problem_document_that_says_when_to_come(limited: Client) -> None:
    statuses = [limited.get("/conversations").status_code for _ in range(AT_ONCE)]
    refused = limited.get("/conversations")

    assert statuses == [200] * AT_ONCE
    assert refused.status_code == 429
    assert problem(refused)["title"] == "Too Many Requests"
    assert 90 < int(refused.headers["Retry-After"]) <= 100


def test_what_is_refused_was_not_done_and_its_idempotency_key_is_still_free(world: World, limited: Client) -> None:
    for _ in range(AT_ONCE):
        limited.get("/conversations")
    refused = limited.post_lead({"number": LEAD}, key="a")
    leads, keys = world.rows(Lead), world.rows(IdempotencyKey)
    world.runtime.rates = Unlimited()

    assert (refused.status_code, leads, keys) == (429, [], [])
    assert limited.post_lead({"number": LEAD}, key="a").status_code == 201


def test_one_key_takes_nothing_from_another_one(world: World, limited: Client) -> None:
    same_tenant, other_tenant = a_client(world), a_client(world, world.business("Hillside Motors", "+13125550101"))
    for _ in range(AT_ONCE + 1):
        limited.get("/conversations")

    assert [each.get("/conversations").status_code for each in (same_tenant, other_tenant)] == [200, 200]


def test_a_stranger_is_401_however_often_and_the_document_is_for_everybody(limited: Client) -> None:
    strange = {"Authorization": "Bearer sk_none"}

    assert {limited.call("GET", "/conversations", headers=strange).status_code for _ in range(10)} == {401}
    assert {limited.get("/openapi.json").status_code for _ in range(10)} == {200}


def test_of_many_at_once_exactly_as_many_pass_as_may(redis_url: str) -> None:
    caller, processes = str(uuid4()), [RedisRates(redis_url) for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        waits = list(
            pool.map(lambda at: processes[at % 3].wait_s(caller, per_s=SLOW, at_once=10), range(60)),
        )

    assert waits.count(0.0) == 10


def test_who_waits_as_told_may_come_again_and_what_was_counted_goes_by_itself(redis_url: str) -> None:
    caller, rates = str(uuid4()), RedisRates(redis_url)
    first = rates.wait_s(caller, per_s=10, at_once=1)
    wait_s = rates.wait_s(caller, per_s=10, at_once=1)
    time.sleep(wait_s)
    again = rates.wait_s(caller, per_s=10, at_once=1)

    assert (first, again) == (0.0, 0.0)
    assert 0 < wait_s <= 0.1
    with Redis.from_url(redis_url) as redis:
        assert 0 < int(redis.pttl(PREFIX + caller)) <= 100


def test_without_redis_everybody_passes_and_few_wait_for_it(nowhere: str) -> None:
    rates = RedisRates(nowhere)
    began = time.monotonic()
    waits = [rates.wait_s("somebody", per_s=SLOW, at_once=1) for _ in range(500)]

    assert waits == [0.0] * 500
    assert time.monotonic() - began < 500 * ANSWER_TIMEOUT_S / 10


def test_every_call_with_a_key_says_that_it_may_be_refused() -> None:
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            assert ("429" in operation["responses"]) == (path != "/openapi.json")
    assert "Retry-After" in DOCUMENT["components"]["responses"]["Problem429"]["headers"]
