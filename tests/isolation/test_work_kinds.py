"""Every kind of work, with a claim of tenant A about each row of tenant B: it ends, and nothing came of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from smsbot import work
from smsbot.work import Claim, Work
from tests.isolation.neighbours import Neighbours
from tests.world import World
from worker import do, handlers


def kinds() -> list[tuple[str, str]]:
    """(queue, kind) of everything that workers do: the table only names, so it needs nothing to be built."""
    tables = handlers(None, None, None)
    return [(queue, kind) for queue, table in tables.items() for kind in table]


def claim_of(world: World, tenant_id: UUID, queue: str, kind: str, ref_id: UUID) -> Claim:
    """A leased row of this tenant about `ref_id`, whoever that belongs to."""
    now, row_id, token = world.clock.now(), uuid4(), uuid4()
    with world.runtime.transaction(tenant_id) as session:
        work.drop(session, kind, [ref_id])
        session.add(
            Work(
                id=row_id,
                tenant_id=tenant_id,
                queue=queue,
                kind=kind,
                ref_id=ref_id,
                due_at=now,
                attempts=1,
                lease_token=token,
                lease_until=now + timedelta(seconds=30),
            )
        )
    return Claim(row_id, tenant_id, kind, ref_id, None, 1, token, now)


@pytest.mark.parametrize(("queue", "kind"), kinds())
def test_work_about_anothers_row_ends_and_does_nothing(both: Neighbours, queue: str, kind: str) -> None:
    world = both.world
    handler = handlers(world.runtime, world.carrier, world.model)[queue][kind]
    foreign = sorted(both.ids_of_b)
    before, attempts = both.rows(both.b), world.carrier.attempts

    claims = [claim_of(world, both.a.id, queue, kind, ref_id) for ref_id in foreign]
    for claim in claims:
        handler(claim)  # raises nothing: an error would keep the row and tell A that there is something

    assert len(claims) > 20
    assert both.rows(both.b) == before
    assert world.carrier.attempts == attempts
    assert world.model.requests == []
    assert {row.id for row in world.due()} & {claim.id for claim in claims} == set()


@pytest.mark.parametrize(("queue", "kind"), kinds())
def test_a_claim_of_the_right_row_by_the_wrong_tenant_is_never_put_on_record_for_the_other(
    both: Neighbours, queue: str, kind: str
) -> None:
    world = both.world
    due = next((row for row in world.due() if row.tenant_id == both.b.id and row.kind == kind), None)
    before = both.rows(both.b)
    ref_id = due.ref_id if due else both.b.ids["numbers"]
    claim = claim_of(world, both.a.id, queue, kind, ref_id)

    do(world.runtime, handlers(world.runtime, world.carrier, world.model)[queue], claim)

    assert both.rows(both.b) == before


def test_the_owners_worker_does_do_what_the_neighbours_does_not(fresh: Neighbours) -> None:
    world = fresh.world
    reply = next(row for row in world.due() if row.tenant_id == fresh.b.id and row.kind == "reply")
    before, attempts = fresh.rows(fresh.b), world.carrier.attempts
    claim = claim_of(world, fresh.b.id, reply.queue, reply.kind, reply.ref_id)

    handlers(world.runtime, world.carrier, None)[reply.queue][reply.kind](claim)

    assert world.carrier.attempts == attempts + 1
    assert fresh.rows(fresh.b) != before
