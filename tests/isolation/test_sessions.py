"""The application's own doors before PostgreSQL's: sessions of one tenant, and ciphertext bound to its place."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from consent.ledger import Broken, verify
from consent.models import ConsentEvidence
from conversations.models import Conversation
from smsbot.accounts import candidates, credential_secret
from smsbot.crypto import DecryptionFailed
from smsbot.database import TenantSession, WrongTenant, database_engine
from smsbot.tenancy import Credential, Fact, Number, Tenant
from tests.conftest import Database
from tests.isolation.neighbours import Neighbours
from tests.world import World


@pytest.fixture
def one_connection(database: Database) -> Iterator[Engine]:
    """An engine that has only one connection to give."""
    engine = database_engine(
        database.app_url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=1, max_overflow=0
    )
    yield engine
    engine.dispose()


def tenant_of_the_connection(engine: Engine) -> str:
    with engine.connect() as connection:
        return connection.execute(text("SELECT coalesce(current_setting('app.tenant', true), '')")).scalar_one()


@pytest.mark.parametrize("end", ["commit", "rollback", "error", "savepoint", "close"])
def test_a_pooled_connection_carries_no_tenant_to_its_next_user(one_connection: Engine, end: str) -> None:
    session = TenantSession(one_connection, info={"tenant": uuid4()})
    process = session.scalar(text("SELECT pg_backend_pid()"))
    assert session.scalar(text("SELECT current_setting('app.tenant')")) == str(session.tenant_id)
    match end:
        case "commit":
            session.commit()
        case "rollback":
            session.rollback()
        case "error":
            with pytest.raises(ProgrammingError):
                session.execute(text("SELECT nothing"))
        case "savepoint":
            with session.begin_nested():
                session.execute(text("SELECT 1"))
            session.commit()
    session.close()

    assert tenant_of_the_connection(one_connection) == ""
    with one_connection.connect() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar() == process
        assert connection.execute(text("SELECT count(*) FROM numbers")).scalar() == 0


def test_a_session_keeps_its_tenant_over_commits_and_rollbacks(both: Neighbours) -> None:
    session = TenantSession(both.world.runtime.engine, info={"tenant": both.a.id})
    for end in (session.commit, session.rollback, session.commit):
        assert {number.tenant_id for number in session.query(Number)} == {both.a.id}
        end()
    session.close()


def test_a_session_without_a_tenant_reads_nothing_of_anybody(both: Neighbours) -> None:
    with both.world.runtime.transaction(None) as session:
        assert session.query(Number).count() == 0
        assert session.query(Credential).count() == 0


def test_a_row_of_another_tenant_is_refused_before_it_is_written(both: Neighbours) -> None:
    before = both.rows(both.b)
    with pytest.raises(WrongTenant), both.world.runtime.transaction(both.a.id) as session:
        session.add(Fact(tenant_id=both.b.id, kind="answer", ref="x", content={}))

    assert both.rows(both.b) == before


def test_a_row_cannot_be_given_to_another_tenant(both: Neighbours) -> None:
    with pytest.raises(WrongTenant), both.world.runtime.transaction(both.a.id) as session:
        session.query(Fact).one().tenant_id = both.b.id


def test_a_row_without_a_tenant_takes_its_sessions_and_none_from_no_session(both: Neighbours) -> None:
    ref = uuid4().hex
    with both.world.runtime.transaction(both.a.id) as session:
        session.add(Fact(kind="answer", ref=ref, content={}))
    with pytest.raises(WrongTenant), both.world.runtime.transaction(None) as session:
        session.add(Fact(kind="answer", ref=ref, content={}))

    with both.world.runtime.transaction(both.a.id) as session:
        fact = session.query(Fact).filter_by(ref=ref).one()
        assert fact.tenant_id == both.a.id
        session.delete(fact)


def test_a_row_that_points_at_another_tenants_is_refused_by_the_database(both: Neighbours) -> None:
    with pytest.raises(IntegrityError), both.world.runtime.transaction(both.a.id) as session:
        session.query(Conversation).first().contact_id = both.b.ids["contacts"]


# ---- ciphertext belongs to its row ------------------------------------------------------------------------------------


def secret_of(world: World, tenant_id: UUID) -> str:
    """The tenant's token as sending would use it."""
    with world.runtime.transaction(tenant_id) as session:
        tenant = session.get_one(Tenant, tenant_id)
        row = session.query(Credential).one()
        return credential_secret(world.runtime.cipher(tenant.data_key), tenant_id, row.id, row.secret)


@pytest.mark.parametrize("with_the_data_key", [False, True])
def test_a_token_moved_to_another_tenants_row_does_not_decrypt(fresh: Neighbours, with_the_data_key: bool) -> None:
    with fresh.database.connect() as connection:
        connection.execute(
            "UPDATE credentials AS mine SET secret = theirs.secret FROM credentials AS theirs"
            " WHERE mine.tenant_id = %s AND theirs.tenant_id = %s",
            (fresh.a.id, fresh.b.id),
        )
        if with_the_data_key:
            connection.execute(
                "UPDATE tenants SET data_key = (SELECT data_key FROM tenants WHERE id = %s) WHERE id = %s",
                (fresh.b.id, fresh.a.id),
            )

    with pytest.raises(DecryptionFailed):
        secret_of(fresh.world, fresh.a.id)
    assert secret_of(fresh.world, fresh.b.id) == fresh.b.business.token


def test_a_token_moved_to_another_row_of_its_own_tenant_does_not_decrypt(fresh: Neighbours) -> None:
    with fresh.database.connect() as connection:
        connection.execute("UPDATE credentials SET id = gen_random_uuid() WHERE tenant_id = %s", (fresh.a.id,))

    with pytest.raises(DecryptionFailed):
        secret_of(fresh.world, fresh.a.id)


@pytest.mark.parametrize("owner", ["a", "b"])
def test_evidence_moved_to_another_row_proves_nothing(fresh: Neighbours, owner: str) -> None:
    """From another event of the tenant's own, or of its neighbour's."""
    giver = fresh.a if owner == "a" else fresh.b
    with fresh.world.runtime.transaction(fresh.a.id) as session:
        target = session.query(ConsentEvidence).order_by(ConsentEvidence.event_id).first().event_id
    with fresh.database.connect() as connection:
        connection.execute(
            "UPDATE consent_evidence SET (salt, content) = (SELECT salt, content FROM consent_evidence"
            " WHERE tenant_id = %s AND event_id <> %s ORDER BY event_id DESC LIMIT 1) WHERE event_id = %s",
            (giver.id, target, target),
        )
    with fresh.world.runtime.transaction(fresh.a.id) as session:
        found = verify(session, fresh.world.runtime.cipher(fresh.a.business.data_key))

    assert isinstance(found, Broken)
    assert (found.event_id, found.what) == (target, "has evidence that was changed")


def test_a_neighbour_whose_key_is_gone_does_not_stop_our_texts(world: World) -> None:
    """Two tenants may know the same account and number, and one of them may have been erased since."""
    gone = world.business("Gone Realty", world.home.number, account_sid=world.home.account_sid)
    with world.runtime.transaction(gone.id) as session:
        session.get_one(Tenant, gone.id).data_key = "shredded"

    world.text("hello")

    assert [message.body for message in world.inbound()] == ["hello"]
    found = candidates(world.runtime, world.home.account_sid, world.home.number, None)
    assert [candidate.recipient.tenant_id for candidate in found] == [world.home.id]


def test_a_text_waits_at_the_carrier_while_no_key_of_anybody_can_be_read(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Tenant, world.home.id).data_key = "wrapped by a key that is missing"

    world.text("hello", expect=500)

    assert world.inbound() == []
