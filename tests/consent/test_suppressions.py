"""An opt-out outlives everything that was known of a person."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from consent.ledger import state_of
from consent.models import Suppression
from consent.state import EventKind
from consent.suppressions import suppress
from conversations.models import State
from tests.api.client import a_client
from tests.world import LEAD, World


def suppressed(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        suppress(session, world.runtime.keyring, LEAD, since=world.clock.now() - timedelta(days=3), reason="erased")


def test_a_remembered_number_that_comes_back_by_form_is_opted_out_and_gets_nothing(world: World) -> None:
    suppressed(world)
    a_client(world).post_lead({"number": LEAD, "consent": {"basis": "inquiry"}})
    world.drain()

    assert world.carrier.attempts == 0
    assert state_of(world.contact()).opted_out is not None
    assert [event.kind for event in world.ledger()] == [EventKind.OPT_OUT, EventKind.INQUIRY]
    assert world.verified()


def test_a_remembered_number_that_texts_gets_nothing_until_they_start(world: World) -> None:
    suppressed(world)
    world.text("Hi, is it still for sale?")
    world.drain()
    assert world.carrier.attempts == 0

    world.text("START")
    world.text("Hi, is it still for sale?")
    world.drain()
    assert State.SENT in {message.state for message in world.outbound()}


def test_only_the_tenant_that_remembers_keeps_quiet(world: World) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    suppressed(world)
    world.text("Hi", to=other)
    world.drain()

    assert world.carrier.attempts == 1


def test_what_is_remembered_cannot_be_found_by_trying_all_numbers(world: World) -> None:
    suppressed(world)

    (row,) = world.rows(Suppression)
    assert bytes(row.address_hmac) not in {
        hashlib.sha256(form.encode()).digest() for form in (LEAD, LEAD[1:], LEAD[2:])
    }
    assert LEAD[2:] not in repr(vars(row))
