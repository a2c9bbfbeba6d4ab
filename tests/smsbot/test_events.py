"""The cursor over events has no gaps: what was slow to commit is waited for, nothing is seen twice."""

from __future__ import annotations

import random
import threading
import time
from uuid import UUID, uuid4

import pytest

from smsbot.actor import SYSTEM
from smsbot.database import TenantSession
from smsbot.events import Cursor, read_after, record
from smsbot.writes import write
from tests.world import World


def happen(session: TenantSession, kind: str, world: World) -> None:
    record(session, kind, at=world.clock.now(), actor=SYSTEM, cause="test")
    write(session)


def read(world: World, cursor: Cursor, limit: int = 200) -> tuple[list[str], Cursor]:
    with world.runtime.transaction(world.home.id) as session:
        events = read_after(session, cursor, limit)
        return [e.kind for e in events], Cursor(events[-1].xid, events[-1].id) if events else cursor


def test_events_are_read_once_in_the_order_of_their_transactions(world: World) -> None:
    for number in range(5):
        with world.runtime.transaction(world.home.id) as session:
            happen(session, f"e{number}", world)
    first, cursor = read(world, Cursor(), limit=2)
    second, cursor = read(world, cursor, limit=2)
    third, cursor = read(world, cursor)

    assert first + second + third == ["e0", "e1", "e2", "e3", "e4"]
    assert read(world, cursor) == ([], cursor)


def test_an_open_earlier_transaction_holds_later_rows_back(world: World) -> None:
    with world.runtime.transaction(world.home.id) as slow:
        happen(slow, "slow", world)
        with world.runtime.transaction(world.home.id) as quick:
            happen(quick, "quick", world)
        while_open, cursor = read(world, Cursor())
    after, cursor = read(world, cursor)

    assert while_open == []
    assert after == ["slow", "quick"]
    assert read(world, cursor)[0] == []


def test_a_transaction_that_failed_leaves_no_gap_and_no_row(world: World) -> None:
    with pytest.raises(ZeroDivisionError), world.runtime.transaction(world.home.id) as session:
        happen(session, "never", world)
        raise ZeroDivisionError
    with world.runtime.transaction(world.home.id) as session:
        happen(session, "after", world)

    assert read(world, Cursor())[0] == ["after"]


def test_several_events_of_one_transaction_are_all_read_across_pages(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        for number in range(7):
            happen(session, f"e{number}", world)
    seen: list[str] = []
    cursor = Cursor()
    for _ in range(7):
        kinds, cursor = read(world, cursor, limit=1)
        seen += kinds

    assert sorted(seen) == [f"e{number}" for number in range(7)]


def test_another_tenants_events_are_not_there(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    with world.runtime.transaction(other.id) as session:
        happen(session, "theirs", world)

    assert read(world, Cursor())[0] == []


@pytest.mark.slow
def test_a_reader_beside_many_writers_skips_none_and_sees_none_twice(world: World) -> None:
    written: list[str] = []
    lock = threading.Lock()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(12):
            kind = f"w{seed}.{number}"
            with world.runtime.transaction(world.home.id) as session:
                happen(session, kind, world)
                time.sleep(chance.random() * 0.02)  # commits come in another order than their ids
            with lock:
                written.append(kind)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(5)]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    places: list[tuple[int, UUID]] = []
    cursor = Cursor()
    while any(thread.is_alive() for thread in threads):
        kinds, cursor = read(world, cursor, limit=3)
        seen += kinds
        places.append((cursor.xid, cursor.id))
    while True:
        kinds, cursor = read(world, cursor)
        if not kinds:
            break
        seen += kinds

    assert sorted(seen) == sorted(written)
    assert len(written) == 60
    assert places == sorted(places)


def test_a_cursor_is_a_place_that_need_not_exist(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        happen(session, "here", world)

    assert read(world, Cursor(1, uuid4()))[0] == ["here"]
    assert read(world, Cursor(2**40, uuid4()))[0] == []
