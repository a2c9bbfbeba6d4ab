"""Each minute the scheduler seals what grew, and says so where nobody can take it back."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from consent.models import Contact, LedgerHead
from consent.state import EventKind
from scheduler import SEAL_EVERY, Scheduler, seal_tenant
from smsbot.logs import JSONLines
from tests.ledger.chains import FIRST, Chains
from tests.world import World


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the scheduler's log would hold."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONLines("scheduler"))
    logger = logging.getLogger("smsbot.scheduler")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_seal_covers_every_chain_that_grew_and_nothing_twice(chains: Chains) -> None:
    runtime, tenant_id = chains.world.runtime, chains.tenant.id
    assert seal_tenant(runtime, tenant_id) is True
    assert seal_tenant(runtime, tenant_id) is False
    chains.append(chains.contacts[1], EventKind.HELP)

    assert seal_tenant(runtime, tenant_id) is True

    first, second = sorted(chains.world.rows(LedgerHead), key=lambda head: head.seq)
    assert [end[:2] for end in first.ends] == [[str(contact_id), 5] for contact_id in chains.contacts]
    assert [end[:2] for end in second.ends] == [[str(chains.contacts[1]), 6]]
    assert second.prev_hash == first.hash


def test_a_ledger_without_news_is_not_sealed(world: World) -> None:
    assert seal_tenant(world.runtime, world.home.id) is False
    assert world.rows(LedgerHead) == []


def test_the_log_has_each_seals_hash_as_it_is_stored_and_exported(chains: Chains, lines: io.StringIO) -> None:
    seal_tenant(chains.world.runtime, chains.tenant.id)

    (head,) = chains.world.rows(LedgerHead)
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert (line["event"], line["tenant_id"], line["seq"]) == ("ledger.sealed", str(chains.tenant.id), 1)
    assert line["head"] == head.hash.hex()  # the very word that `consent export --seal` takes


def test_the_scheduler_seals_every_tenant_once_a_minute(chains: Chains) -> None:
    world = chains.world
    other = world.business("Pier Motors", "+12065550100")
    world.text("hello", to=other, sender=FIRST)
    scheduler = Scheduler(world.runtime, {})

    scheduler.tick()
    chains.append(chains.contacts[0], EventKind.HELP)
    scheduler.tick()
    after_two_ticks = [len(world.rows(LedgerHead, of=business)) for business in (world.home, other)]
    world.clock.advance(SEAL_EVERY + timedelta(seconds=1))
    scheduler.tick()

    assert after_two_ticks == [1, 1]
    assert [len(world.rows(LedgerHead, of=business)) for business in (world.home, other)] == [2, 1]
    assert all(contact.sealed_seq == contact.ledger_seq for contact in world.rows(Contact))


def test_two_schedulers_that_seal_the_same_tenant_lose_nothing(chains: Chains) -> None:
    world = chains.world
    with contextlib.ExitStack() as stack:
        slow = stack.enter_context(world.runtime.transaction(chains.tenant.id))
        slow.get_one(Contact, chains.contacts[0], with_for_update=True)  # the other one is at work on this row

        assert seal_tenant(world.runtime, chains.tenant.id) is True

    assert seal_tenant(world.runtime, chains.tenant.id) is True
    ends = [end for head in world.rows(LedgerHead) for end in head.ends]
    assert sorted(end[0] for end in ends) == [str(contact_id) for contact_id in chains.contacts]
    assert world.verified()
