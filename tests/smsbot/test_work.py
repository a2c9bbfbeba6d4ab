"""Claims: fair between tenants, oldest first within a person, one owner at a time, poison set aside."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from conversations.models import Alert
from smsbot import work
from smsbot.bell import BACKGROUND, REPLIES
from smsbot.errors import LeaseLost
from smsbot.work import MAX_ATTEMPTS, RETRY_DELAYS_S, Claim, Work
from tests.world import World
from worker import do


def put(
    world: World,
    *,
    tenant: UUID | None = None,
    kind: str = "test",
    ref: UUID | None = None,
    contact: UUID | None = None,
    due_in_s: float = 0,
    priority: int = work.USUAL,
    queue: str = REPLIES,
) -> UUID:
    ref = ref or uuid4()
    now = world.clock.now()
    with world.runtime.transaction(tenant or world.home.id) as session:
        work.put(
            session,
            kind,
            ref,
            due_at=now + timedelta(seconds=due_in_s),
            now=now,
            contact_id=contact,
            priority=priority,
            queue=queue,
        )
    return ref


def claim(world: World, most: int = 1, queue: str = REPLIES) -> list[Claim]:
    return work.claim(world.runtime.engine, queue, world.clock.now(), most=most)


def finish(world: World, claimed: Claim) -> None:
    with world.runtime.transaction(claimed.tenant_id) as session:
        work.finish(session, claimed)


def only(world: World) -> Work:
    (row,) = world.due()
    return row


def test_what_is_not_due_is_not_claimed(world: World) -> None:
    put(world, due_in_s=10)

    assert claim(world) == []
    world.later(seconds=10)
    assert len(claim(world)) == 1


def test_one_thing_is_due_once(world: World) -> None:
    ref = put(world)
    put(world, ref=ref, due_in_s=-100)
    put(world, ref=ref, kind="other")

    assert sorted(row.kind for row in world.due()) == ["other", "test"]


def test_a_queue_sees_its_own_rows(world: World) -> None:
    put(world, queue=BACKGROUND)

    assert claim(world, queue=REPLIES) == []
    assert len(claim(world, queue=BACKGROUND)) == 1


def test_a_leased_row_is_nobody_elses_until_its_lease_ends(world: World) -> None:
    put(world)
    (first,) = claim(world)
    assert claim(world) == []

    world.later(seconds=work.LEASE_S + 1)
    (second,) = claim(world)
    assert (second.id, second.attempts) == (first.id, 2)
    assert second.token != first.token


def test_answers_come_before_what_can_wait(world: World) -> None:
    put(world, priority=work.LATER, due_in_s=-60)
    urgent = put(world, priority=work.URGENT)

    assert claim(world)[0].ref_id == urgent


def test_one_person_s_rows_are_done_oldest_first_and_one_at_a_time(world: World) -> None:
    contact = uuid4()
    newer = put(world, contact=contact, due_in_s=-1, priority=work.URGENT)
    older = put(world, contact=contact, due_in_s=-5, priority=work.LATER)

    (first,) = claim(world)
    assert first.ref_id == older
    assert claim(world) == []
    finish(world, first)
    assert claim(world)[0].ref_id == newer


def test_what_a_person_is_to_get_later_does_not_stand_in_the_way(world: World) -> None:
    contact = uuid4()
    put(world, contact=contact, due_in_s=60)
    now = put(world, contact=contact)

    assert claim(world)[0].ref_id == now


def test_a_tenant_with_five_thousand_rows_is_one_tenant(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    now = world.clock.now()
    with world.runtime.transaction(world.home.id) as session:
        session.execute(
            insert(Work),
            [
                {"id": uuid4(), "tenant_id": world.home.id, "queue": REPLIES, "kind": "flood", "ref_id": uuid4()}
                | {"due_at": now - timedelta(hours=1), "priority": work.URGENT}
                for _ in range(5_000)
            ],
        )
    put(world, tenant=other.id, kind="single", priority=work.LATER)
    needed = 0
    while True:
        needed += 1
        (claimed,) = claim(world)
        if claimed.kind == "single":
            break

    assert needed <= 20  # an even draw: more than this one time in a million
    put(world, tenant=other.id, kind="single", priority=work.LATER)
    both = claim(world, most=2)
    assert {row.tenant_id for row in both} == {world.home.id, other.id}


@pytest.mark.slow
def test_threads_together_claim_every_row_once(world: World) -> None:
    people = [uuid4() for _ in range(10)]
    for number in range(120):
        put(world, contact=people[number % 10] if number % 2 else None)
    claimed: list[Claim] = []
    in_hand: Counter[UUID] = Counter()
    crowded: list[UUID] = []
    lock = threading.Lock()

    def work_off() -> None:
        misses = 0
        while misses < 5:
            found = claim(world)
            misses = 0 if found else misses + 1
            for row in found:
                with lock:
                    claimed.append(row)
                    if row.contact_id is not None:
                        in_hand[row.contact_id] += 1
                        if in_hand[row.contact_id] > 1:
                            crowded.append(row.contact_id)
                with lock:
                    if row.contact_id is not None:
                        in_hand[row.contact_id] -= 1
                finish(world, row)

    threads = [threading.Thread(target=work_off) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while rest := claim(world):
        claimed.extend(rest)
        finish(world, rest[0])

    assert max(Counter(row.ref_id for row in claimed).values()) == 1
    assert len(claimed) == 120
    assert crowded == []
    assert world.due() == []


@pytest.mark.parametrize("act", ["finish", "again", "extend"])
def test_a_worker_that_lost_its_lease_changes_nothing(world: World, act: str) -> None:
    put(world)
    (old,) = claim(world)
    world.later(seconds=work.LEASE_S + 1)
    (new,) = claim(world)
    later = world.clock.now() + timedelta(hours=1)
    calls: dict[str, Callable[[work.TenantSession], None]] = {
        "finish": lambda session: work.finish(session, old),
        "again": lambda session: work.again(session, old, later),
        "extend": lambda session: work.extend(session, old, later),
    }

    with pytest.raises(LeaseLost), world.runtime.transaction(world.home.id) as session:
        session.add(Alert(tenant_id=world.home.id, kind="x", ref="x", role="owner", created_at=later, last_at=later))
        calls[act](session)
    row = only(world)
    assert (row.lease_token, row.due_at < later) == (new.token, True)
    assert world.rows(Alert) == []  # nor does anything else of that transaction


def test_a_dropped_row_is_gone_for_whoever_holds_it(world: World) -> None:
    ref = put(world)
    (held,) = claim(world)
    with world.runtime.transaction(world.home.id) as session:
        work.drop(session, "test", [ref])
        work.drop(session, "test", [])

    with pytest.raises(LeaseLost):
        finish(world, held)


def test_an_extended_lease_holds_until_then(world: World) -> None:
    put(world)
    (held,) = claim(world)
    with world.runtime.transaction(world.home.id) as session:
        work.extend(session, held, world.clock.now() + timedelta(minutes=5))
    world.later(minutes=4)
    assert claim(world) == []

    world.later(minutes=2)
    assert len(claim(world)) == 1


def test_coming_again_counts_only_when_it_is_said_to(world: World) -> None:
    put(world)
    for counts, attempts in ((True, 1), (True, 2), (False, 0)):
        (held,) = claim(world)
        with world.runtime.transaction(world.home.id) as session:
            work.again(session, held, world.clock.now(), counts=counts)
        assert only(world).attempts == attempts


def failing(claimed: Claim) -> None:
    raise ValueError("no good")


def test_a_row_that_always_fails_is_set_aside_and_others_go_on(world: World) -> None:
    poison = put(world, kind="poison")
    done: list[UUID] = []
    table = {"poison": failing, "test": lambda row: (done.append(row.ref_id), finish(world, row))[1]}
    delays = []
    for _ in range(MAX_ATTEMPTS):
        put(world)
        for claimed in (*claim(world), *claim(world)):
            do(world.runtime, table, claimed)
        row = next(row for row in world.due() if row.ref_id == poison)
        delays.append(round((row.due_at - world.clock.now()).total_seconds()))
        world.later(seconds=200)

    assert len(done) == MAX_ATTEMPTS
    assert delays == list(RETRY_DELAYS_S)
    row = only(world)
    assert row.quarantined_at is not None
    assert row.failure == "ValueError"  # the class, never the text
    assert claim(world) == []
    (alert,) = world.rows(Alert)
    assert (alert.kind, alert.ref, alert.role) == ("work_quarantined", f"poison:{poison}", "owner")


def test_a_row_that_kills_its_worker_is_set_aside_before_it_runs_again(world: World) -> None:
    put(world, kind="deadly")
    ran: list[Claim] = []
    for _ in range(MAX_ATTEMPTS):
        (claimed,) = claim(world)  # and the process is gone
        world.later(seconds=work.LEASE_S + 1)
    (claimed,) = claim(world)
    do(world.runtime, {"deadly": ran.append}, claimed)

    assert claimed.attempts == MAX_ATTEMPTS + 1
    assert ran == []
    assert only(world).quarantined_at is not None
    assert [alert.kind for alert in world.rows(Alert)] == ["work_quarantined"]


def test_a_row_set_aside_does_not_hold_the_person_s_next_one_up(world: World) -> None:
    contact = uuid4()
    put(world, kind="poison", contact=contact, due_in_s=-10)
    for _ in range(MAX_ATTEMPTS):
        (claimed,) = claim(world)
        do(world.runtime, {"poison": failing}, claimed)
        world.later(seconds=200)
    after = put(world, kind="poison", contact=contact)

    assert claim(world)[0].ref_id == after


def test_a_failure_after_the_lease_was_lost_is_not_recorded(world: World) -> None:
    put(world, kind="poison")
    (old,) = claim(world)
    world.later(seconds=work.LEASE_S + 1)
    (new,) = claim(world)
    do(world.runtime, {"poison": failing}, old)

    assert (only(world).lease_token, only(world).failure) == (new.token, None)


def test_the_next_due_instant_sees_leases_and_what_is_set_aside(world: World) -> None:
    world.clock.freeze()
    engine = world.runtime.engine
    assert work.next_due(engine, REPLIES) is None

    put(world, due_in_s=30)
    soon = world.clock.now() + timedelta(seconds=30)
    first = work.next_due(engine, REPLIES)
    assert first is not None
    assert abs((first - soon).total_seconds()) < 1
    assert work.next_due(engine, BACKGROUND) is None

    world.later(seconds=30)
    claim(world)
    leased = work.next_due(engine, REPLIES)
    assert leased is not None
    assert leased > world.clock.now() + timedelta(seconds=work.LEASE_S - 2)


def test_rows_hold_ids_alone(world: World) -> None:
    world.text("Are you open on Saturday?")
    with world.runtime.transaction(None) as session:
        (row,) = session.execute(select(*Work.__table__.columns)).mappings()

    kept = {name for name, value in row.items() if isinstance(value, str)}
    assert kept == {"queue", "kind"}
