"""What makes the bell a mere bell: it rings for what can be seen already, and who is not rung for is found anyway."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import cast

import pytest

from conversations.models import State
from scheduler import Scheduler
from smsbot.bell import REPLIES
from smsbot.failpoints import ACTIVE, FailpointRaised
from tests.conftest import Database
from tests.world import World
from worker import Drain, handlers


@dataclass
class LookingBell:
    """Counts what another connection sees to be due when it rings for an answer."""

    database: Database
    seen: list[int] = field(default_factory=list)

    def ring(self, queue: str, *, all_due: bool = False, overdue: bool = False) -> bool:
        if queue == REPLIES:
            with self.database.connect() as connection:
                (due,) = connection.execute("SELECT count(*) FROM work WHERE queue = %s", (queue,)).fetchone() or (0,)
            self.seen.append(cast(int, due))
        return True


def drain_of(world: World, concurrency: int = 4) -> Drain:
    return Drain(world.runtime, REPLIES, handlers(world.runtime, world.carrier, None)[REPLIES], concurrency)


def test_when_the_bell_rings_everybody_can_see_what_for(world: World, database: Database) -> None:
    bell = world.runtime.bell = LookingBell(database)
    world.text("please stop texting me")

    assert bell.seen == [1]


def test_the_scheduler_rings_for_what_has_become_due(world: World, database: Database) -> None:
    bell = world.runtime.bell = LookingBell(database)
    scheduler = Scheduler(world.runtime, {REPLIES: drain_of(world)})
    world.text("Is 412 Maple still available?")
    scheduler.tick()
    too_early = list(bell.seen)
    world.later(seconds=world.settings.reply_wait_s)
    scheduler.tick()

    assert (too_early, bell.seen) == ([], [1])


def test_without_a_bell_the_scheduler_does_it_itself(world: World) -> None:
    drain = drain_of(world)
    scheduler = Scheduler(world.runtime, {REPLIES: drain})
    world.text("Is 412 Maple still available?")
    world.later(seconds=world.settings.reply_wait_s)
    scheduler.tick()
    scheduler.draining[REPLIES].join()
    drain.finish()

    assert [message.state for message in world.outbound()] == [State.SENT]


def test_a_claim_that_fails_takes_no_thread_with_it(world: World) -> None:
    drain = drain_of(world, concurrency=1)
    world.text("Is 412 Maple still available?")
    world.later(seconds=world.settings.reply_wait_s)
    ACTIVE["work.claimed"] = ("raise", 0.0, 1.0)
    try:
        with pytest.raises(FailpointRaised):
            drain.drain()
    finally:
        ACTIVE.clear()
    world.later(seconds=60)
    again = threading.Thread(target=drain.drain)
    again.start()
    again.join(5)
    drain.stop.set()
    again.join()
    drain.finish()

    assert [message.state for message in world.outbound()] == [State.SENT]
