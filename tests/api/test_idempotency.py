"""`Idempotency-Key`: the same request again is answered again, and done once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from api.callers import Caller
from api.idempotency import BATCH, UNDER_WAY, Answered, fingerprint, forget_old, once, stored_key
from conversations.leads import NewLead, create_lead
from conversations.models import Lead
from scheduler import Scheduler
from smsbot.crypto import DecryptionFailed
from smsbot.database import TenantSession
from smsbot.errors import Conflict
from smsbot.tenancy import IdempotencyKey
from tests.api.client import Client, a_client, problem, wrong_fields
from tests.conftest import Database
from tests.world import LEAD, World

BODY: dict[str, Any] = {"number": LEAD, "name": "Sam", "consent": {"basis": "inquiry"}}


class Crash(BaseException):
    """The process dies: nothing of ours runs after it."""


def test_the_same_again_gets_the_stored_answer_and_changes_nothing(world: World, client: Client) -> None:
    first = client.post_lead(BODY, key="a")
    world.later(hours=25)
    again = client.post_lead(dict(reversed(BODY.items())), key="a")

    assert (again.status_code, again.get_data()) == (201, first.get_data())
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(world.ledger()) == 1


def test_a_stored_answer_stays_as_it_was_when_the_lead_has_changed(world: World, client: Client) -> None:
    first = client.post_lead(BODY, key="a")
    world.text("STOP")

    assert client.post_lead(BODY, key="a").get_data() == first.get_data()
    assert client.post_lead(BODY, key="b").get_json()["consent"]["state"] == "opted_out"


def test_the_same_key_with_another_body_is_422(world: World, client: Client) -> None:
    client.post_lead(BODY, key="a")

    assert wrong_fields(client.post_lead({**BODY, "name": "Kim"}, key="a")) == {"Idempotency-Key"}
    assert [lead.name for lead in world.rows(Lead)] == ["Sam"]


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "caf\u00e9"])
def test_a_key_that_is_none_is_422(client: Client, key: str) -> None:
    assert wrong_fields(client.post_lead(BODY, key=key)) == {"Idempotency-Key"}


def test_keys_of_two_api_keys_and_tenants_have_nothing_to_do_with_each_other(world: World, client: Client) -> None:
    other_key = a_client(world)
    other_tenant = a_client(world, world.business("Hillside Motors", "+13125550101"))
    statuses = [c.post_lead(BODY, key="a").status_code for c in (client, other_key, other_tenant)]

    assert statuses == [201, 200, 201]


def test_a_refused_request_may_be_corrected_and_sent_again_with_its_key(world: World, client: Client) -> None:
    refused = client.post_lead({**BODY, "assigned_to": str(uuid4())}, key="a")
    taken = client.post_lead(BODY, key="a")

    assert (refused.status_code, taken.status_code) == (422, 201)


def test_while_the_first_is_under_way_the_second_is_409(world: World, client: Client) -> None:
    begun, go_on = threading.Event(), threading.Event()
    caller = Caller(world.home.id, client.key_id)
    answers: list[Answered] = []

    def slow(session: TenantSession) -> Answered:
        begun.set()
        assert go_on.wait(10)
        return Answered(201, {"id": "first"})

    def first() -> None:
        answers.append(once(world.runtime, caller, "a", fingerprint("POST /leads", BODY), slow))

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(10)
    second = client.post_lead(BODY, key="a")
    go_on.set()
    thread.join(10)

    assert second.status_code == 409
    assert problem(second)["detail"] == UNDER_WAY
    assert answers == [Answered(201, {"id": "first"})]
    assert world.rows(Lead) == []


def _abandon(world: World, client: Client) -> None:
    """A reservation whose process died: the row is there, its owner is not."""
    with world.runtime.transaction(world.home.id) as session:
        session.add(
            IdempotencyKey(
                tenant_id=world.home.id,
                api_key_id=client.key_id,
                key=stored_key("a"),
                request_hash=fingerprint("POST /leads", BODY),
                created_at=world.clock.now(),
            )
        )


def test_a_key_whose_request_died_is_taken_over_after_a_minute(world: World, client: Client) -> None:
    _abandon(world, client)
    soon = client.post_lead(BODY, key="a").status_code
    world.later(seconds=59)
    still = client.post_lead(BODY, key="a").status_code
    world.later(seconds=2)
    later = client.post_lead(BODY, key="a").status_code

    assert (soon, still, later) == (409, 409, 201)
    assert client.post_lead(BODY, key="a").headers["Idempotency-Replayed"] == "true"


def test_who_lost_its_key_writes_nothing(world: World, client: Client) -> None:
    caller = Caller(world.home.id, client.key_id)

    def overtaken(session: TenantSession) -> Answered:
        create_lead(world.runtime, session, NewLead(LEAD), actor=caller.actor, cause="test")
        with world.runtime.transaction(world.home.id) as other:
            other.execute(update(IdempotencyKey).values(created_at=world.clock.now() + timedelta(minutes=2)))
        return Answered(201, {"id": "late"})

    with pytest.raises(Conflict):
        once(world.runtime, caller, "a", b"h" * 32, overtaken)

    row = world.rows(IdempotencyKey)[0]
    assert (row.status, row.response) == (None, None)
    assert world.rows(Lead) == []


def test_of_many_at_once_one_writes_and_the_others_wait_or_repeat_it(world: World, client: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post_lead(BODY, key="a"), range(16)))

    written = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in written) == 1
    assert len({answer.get_data() for answer in written}) == 1
    assert len(world.ledger()) == 1


def test_the_write_and_its_answer_are_stored_together_or_not_at_all(world: World, client: Client) -> None:
    caller = Caller(world.home.id, client.key_id)

    def dies(session: TenantSession) -> Answered:
        raise Crash

    with pytest.raises(Crash):
        once(world.runtime, caller, "a", fingerprint("POST /leads", BODY), dies)

    assert client.post_lead(BODY, key="a").status_code == 201


def test_neither_the_key_nor_the_stored_answer_can_be_read_in_the_table(
    world: World, client: Client, database: Database
) -> None:
    body = {**BODY, "message": "about the kumquat tree", "fields": {"listing": "kumquat"}}
    first = client.post_lead(body, key=f"lead-{LEAD}")
    with database.connect() as connection:
        (row,) = connection.execute("SELECT idempotency_keys::text FROM idempotency_keys").fetchall()

    for told in (LEAD, LEAD[2:], "Sam", "kumquat", "lead-"):
        assert told not in str(row[0])
    assert client.post_lead(body, key=f"lead-{LEAD}").get_data() == first.get_data()


def test_an_answer_that_was_moved_to_another_key_is_not_given(world: World, client: Client, database: Database) -> None:
    client.post_lead(BODY, key="a")
    client.post_lead({**BODY, "number": "+13125550172"}, key="b")
    with database.connect() as connection:
        connection.execute(
            "UPDATE idempotency_keys SET response = other.response FROM idempotency_keys other"
            " WHERE idempotency_keys.key = %s AND other.key = %s",
            (stored_key("a"), stored_key("b")),
        )

    with pytest.raises(DecryptionFailed):
        once(world.runtime, Caller(world.home.id, client.key_id), "a", fingerprint("POST /leads", BODY), _not_called)


def _not_called(session: TenantSession) -> Answered:
    raise AssertionError("this was done before")


def _keys(world: World) -> int:
    return len(world.rows(IdempotencyKey))


def test_the_scheduler_forgets_what_is_older_than_24_hours_and_nothing_younger(world: World, client: Client) -> None:
    sweeper = Scheduler(world.runtime, {})
    other = a_client(world, world.business("Hillside Motors", "+13125550101"))
    client.post_lead(BODY, key="old")
    other.post_lead(BODY, key="old")
    world.later(hours=23)
    young = client.post_lead(BODY, key="young")
    world.later(minutes=59)
    sweeper.tick()
    after_almost_a_day = _keys(world)
    world.later(minutes=2)
    sweeper.tick()

    assert after_almost_a_day == 2
    assert _keys(world) == 1
    assert world.rows(IdempotencyKey, of=other.business) == []
    assert client.post_lead(BODY, key="young").get_data() == young.get_data()
    assert "Idempotency-Replayed" not in client.post_lead(BODY, key="old").headers


def test_old_keys_go_in_small_batches_and_many_of_them_in_one_sweep(
    world: World, client: Client, database: Database
) -> None:
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO idempotency_keys (tenant_id, api_key_id, key, request_hash, created_at)"
            " SELECT %s, %s, n::text, '', %s FROM generate_series(1, %s) n",
            (world.home.id, client.key_id, world.clock.now() - timedelta(hours=25), 2 * BATCH + 1),
        )
    first = forget_old(world.runtime, world.home.id, most_batches=1)
    left = _keys(world)

    assert (first, left) == (BATCH, BATCH + 1)
    assert forget_old(world.runtime, world.home.id) == BATCH + 1
    assert _keys(world) == 0
