"""Many writers and many sealers leave one chain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import IntegrityError

from consent.ledger import Fact, Verified, append
from consent.models import Contact, LedgerHead
from consent.state import EventKind
from scheduler import seal_tenant
from smsbot.actor import SYSTEM
from tests.ledger.chains import KINDS, Chains

THREADS = 20


def all_at_once(call: Callable[[int], object], threads: int = THREADS) -> list[object]:
    """`call(0)`, `call(1)`, … each in its own thread, started together; raises what any of them raises."""
    ready = threading.Barrier(threads)

    def one(index: int) -> object:
        ready.wait(5)
        return call(index)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def test_twenty_threads_that_append_to_one_contact_leave_no_fork(chains: Chains) -> None:
    contact_id = chains.contacts[0]

    all_at_once(lambda i: chains.append(contact_id, KINDS[i % len(KINDS)]))

    events = chains.events(contact_id)
    assert [event.seq for event in events] == list(range(1, len(KINDS) + THREADS + 1))
    assert [event.prev_hash for event in events] == [b"", *(event.hash for event in events[:-1])]
    assert chains.verify() == Verified(contacts=2, events=2 * len(KINDS) + THREADS, erased=0, seals=0)


def test_a_writer_that_took_no_lock_is_refused_and_forks_nothing(chains: Chains) -> None:
    contact_id = chains.contacts[0]
    now = chains.world.clock.now()
    fact = Fact(EventKind.START, now, "sms_text", {})

    with pytest.raises(IntegrityError), chains.world.runtime.transaction(chains.tenant.id) as session:
        stale = session.get_one(Contact, contact_id)
        chains.append(contact_id, EventKind.OPT_OUT)
        append(session, stale, chains.cipher, fact, actor=SYSTEM, now=now)

    assert chains.events(contact_id)[-1].kind is EventKind.OPT_OUT
    assert isinstance(chains.verify(), Verified)


def test_concurrent_sealers_leave_one_unbroken_chain_of_seals(chains: Chains) -> None:
    runtime, tenant_id = chains.world.runtime, chains.tenant.id

    def grow_or_seal(index: int) -> bool:
        for turn in range(3):
            if index % 2:
                chains.append(chains.contacts[turn % 2], EventKind.HELP)
            else:
                seal_tenant(runtime, tenant_id)
        return seal_tenant(runtime, tenant_id)

    all_at_once(grow_or_seal, 12)
    while seal_tenant(runtime, tenant_id):
        pass

    heads = sorted(chains.world.rows(LedgerHead), key=lambda head: head.seq)
    assert [head.seq for head in heads] == list(range(1, len(heads) + 1))
    assert [head.prev_hash for head in heads] == [b"", *(head.hash for head in heads[:-1])]
    contacts = chains.world.rows(Contact)
    assert [contact.sealed_seq for contact in contacts] == [contact.ledger_seq for contact in contacts]
    assert chains.verify() == Verified(
        contacts=2, events=sum(contact.ledger_seq for contact in contacts), erased=0, seals=len(heads)
    )


def test_a_ledger_that_grows_and_is_sealed_meanwhile_verifies(chains: Chains) -> None:
    over = threading.Event()

    def grow() -> None:
        while not over.is_set():
            for contact_id in chains.contacts:
                chains.append(contact_id, EventKind.HELP)
            seal_tenant(chains.world.runtime, chains.tenant.id)

    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(grow)
        found = [chains.verify() for _ in range(25)]
        over.set()
        growing.result()

    assert [one for one in found if not isinstance(one, Verified)] == []
    assert found[0] != found[-1], "the ledger has to grow while it is read"
