"""Signs of life: one age per kind of process, and nothing is kept of processes that ended long ago."""

from __future__ import annotations

import math
import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from scheduler import Scheduler
from smsbot.database import PLATFORM
from smsbot.heartbeats import BATCH, KEPT, KINDS, ages, beat, forget_dead, is_deaf, last_beat
from smsbot.tenancy import Heartbeat
from tests.conftest import Database
from tests.world import World

AGE = re.compile(r'^smsbot_heartbeat_age_seconds\{kind="(.+)"\} (\S+)$', re.MULTILINE)


@pytest.fixture
def still(world: World) -> World:
    """A world whose clock stands, without any process."""
    world.clock.freeze()
    with world.runtime.transaction(PLATFORM) as session:
        session.execute(delete(Heartbeat).where(Heartbeat.tenant_id == PLATFORM))
    return world


def published(world: World) -> dict[str, float]:
    text = world.app.test_client().get("/metrics").get_data(as_text=True)
    return {kind: float(age) for kind, age in AGE.findall(text)}


def processes(world: World) -> set[str]:
    with world.runtime.transaction(PLATFORM) as session:
        return set(session.scalars(select(Heartbeat.process).where(Heartbeat.tenant_id == PLATFORM)))


def test_a_process_that_was_replaced_does_not_age_its_kind(still: World) -> None:
    for process in ("web:one:7", "worker:replies:one:8", "worker:background:one:9", "scheduler:one:10"):
        beat(still.runtime, process)
    still.clock.advance(timedelta(minutes=5))
    for process in ("web:one:17", "worker:replies:one:18", "worker:background:one:19", "scheduler:one:20"):
        beat(still.runtime, process)
    still.clock.advance(timedelta(seconds=2))

    assert published(still) == dict.fromkeys(KINDS, 2.0)


def test_a_kind_that_ended_ages_and_one_that_never_ran_is_infinitely_old(still: World) -> None:
    beat(still.runtime, "web:one:7")
    beat(still.runtime, "scheduler:one:8")
    still.clock.advance(timedelta(seconds=40))
    beat(still.runtime, "web:one:7")

    assert published(still) == {
        "web": 0.0,
        "scheduler": 40.0,
        "worker:replies": math.inf,
        "worker:background": math.inf,
    }


def test_an_age_is_never_negative_though_clocks_differ(still: World) -> None:
    beat(still.runtime, "web:ahead:1")
    still.clock.advance(timedelta(seconds=-3))

    assert ages(still.runtime)["web"] == 0.0


def test_what_ended_more_than_an_hour_ago_is_forgotten(still: World) -> None:
    for process in ("web:one:1", "worker:replies:one:2", "unheard-of:one:3"):
        beat(still.runtime, process)
    still.clock.advance(timedelta(minutes=1))
    for process in ("web:one:11", "worker:replies:one:12"):
        beat(still.runtime, process)
    still.clock.advance(KEPT - timedelta(minutes=1))
    at_an_hour = forget_dead(still.runtime)
    still.clock.advance(timedelta(seconds=1))
    after_it = forget_dead(still.runtime)

    assert (at_an_hour, after_it) == (0, 3)
    assert processes(still) == {"web:one:11", "worker:replies:one:12"}


def test_the_last_sign_of_each_kind_is_kept_for_what_was_missed_since_is_asked_from_then_on(still: World) -> None:
    beat(still.runtime, "web:one:1")
    ended = still.clock.now()
    still.clock.advance(timedelta(days=2))
    forget_dead(still.runtime)

    assert last_beat(still.runtime, "web:") == ended
    assert is_deaf(still.runtime)


def test_a_process_that_wakes_after_it_was_forgotten_is_known_again(still: World) -> None:
    beat(still.runtime, "web:frozen:1")
    still.clock.advance(2 * KEPT)
    beat(still.runtime, "web:other:2")
    forget_dead(still.runtime)
    beat(still.runtime, "web:frozen:1")

    assert processes(still) == {"web:frozen:1", "web:other:2"}


def test_many_dead_go_in_small_steps(still: World, database: Database) -> None:
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO heartbeats (tenant_id, process, at)"
            " SELECT %s, 'web:one:' || n, %s FROM generate_series(1, %s) n",
            (PLATFORM, still.clock.now() - timedelta(hours=2), 2 * BATCH + 1),
        )
    beat(still.runtime, "web:one:0")
    gone = [forget_dead(still.runtime) for _ in range(4)]

    assert gone == [BATCH, BATCH, 1, 0]


def test_the_scheduler_forgets_the_dead(still: World) -> None:
    sweeper = Scheduler(still.runtime, {})
    beat(still.runtime, "worker:replies:gone:1")
    beat(still.runtime, "worker:replies:gone:2")
    still.clock.advance(2 * KEPT)
    beat(still.runtime, "worker:replies:here:3")
    sweeper.tick()

    assert processes(still) == {"worker:replies:here:3", sweeper.process}
