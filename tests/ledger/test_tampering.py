"""Whoever owns the machine can change any row; the chain says which one it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest

from consent.ledger import HASHED, Broken, Verified, entries, erase_evidence, event_hash, lock
from consent.models import ConsentEvent, ConsentEvidence, LedgerHead
from consent.state import EventKind, fold, state_after, state_from_json, state_to_json
from smsbot.actor import SYSTEM
from tests.conftest import Database
from tests.ledger.chains import FIRST, FLIPPED, KINDS, Chains, tampering
from tests.world import World

EVENT_COLUMNS = [column.name for column in ConsentEvent.__table__.columns]
EVIDENCE_COLUMNS = [column.name for column in ConsentEvidence.__table__.columns]
SEAL_COLUMNS = [column.name for column in LedgerHead.__table__.columns]
LENGTH = len(KINDS)
NOWHERE = b"nobody is that deep"


def flip(database: Database, table: str, column: str, where: str, values: tuple[object, ...]) -> None:
    """Change one column of exactly one row by the least that its type allows."""
    with tampering(database.superuser_url) as connection:
        kind = connection.execute(
            "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
            (table, column),
        ).fetchone()
        assert kind is not None
        changed = FLIPPED[str(kind[0])].format(column)
        done = connection.execute(
            f"UPDATE {table} SET {column} = {changed} WHERE {where} AND {column} IS DISTINCT FROM {changed}", values
        )
        assert done.rowcount == 1, "the test has to change something"


def test_an_untouched_ledger_verifies(sealed: Chains) -> None:
    assert sealed.verify() == Verified(contacts=2, events=2 * LENGTH, erased=0, seals=2)


def test_every_column_of_an_event_but_the_links_is_hashed() -> None:
    assert set(EVENT_COLUMNS) == {*HASHED, "prev_hash", "hash"}


@pytest.mark.parametrize("seq", [1, 3, LENGTH])
@pytest.mark.parametrize("column", EVENT_COLUMNS)
def test_one_changed_byte_in_any_column_of_an_event_names_it(
    chains: Chains, database: Database, column: str, seq: int
) -> None:
    contact_id = chains.contacts[0]
    event = chains.events(contact_id)[seq - 1]

    flip(database, "consent_events", column, "id = %s", (event.id,))
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq) == (contact_id, seq)
    assert found.event_id in (event.id, None) or column == "id"


@pytest.mark.parametrize("column", EVIDENCE_COLUMNS)
def test_one_changed_byte_in_any_column_of_the_evidence_names_its_event(
    chains: Chains, database: Database, column: str
) -> None:
    event = chains.events(chains.contacts[0])[2]

    flip(database, "consent_evidence", column, "event_id = %s", (event.id,))
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq, found.event_id) == (event.contact_id, 3, event.id)


@pytest.mark.parametrize("seq", [1, 3, LENGTH])
def test_a_removed_event_is_named(chains: Chains, database: Database, seq: int) -> None:
    event = chains.events(chains.contacts[1])[seq - 1]

    with tampering(database.superuser_url) as connection:
        connection.execute("DELETE FROM consent_events WHERE id = %s", (event.id,))
        connection.execute("DELETE FROM consent_evidence WHERE event_id = %s", (event.id,))
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq) == (event.contact_id, seq)


@pytest.mark.parametrize("forgets_the_seal", [False, True])
def test_an_opt_out_cut_off_together_with_the_contacts_row_is_caught_by_the_seal(
    sealed: Chains, database: Database, forgets_the_seal: bool
) -> None:
    contact_id = sealed.contacts[0]
    *before, last = sealed.events(contact_id)
    assert last.kind is EventKind.OPT_OUT

    with tampering(database.superuser_url) as connection:
        connection.execute("DELETE FROM consent_events WHERE id = %s", (last.id,))
        connection.execute("DELETE FROM consent_evidence WHERE event_id = %s", (last.id,))
        connection.execute(
            "UPDATE contacts SET ledger_seq = %s, ledger_hash = %s, consent = %s WHERE id = %s",
            (before[-1].seq, before[-1].hash, json.dumps(state_to_json(fold(entries(before)))), contact_id),
        )
        if forgets_the_seal:
            connection.execute("UPDATE contacts SET sealed_seq = 3 WHERE id = %s", (contact_id,))
    found = sealed.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq) == (contact_id, LENGTH)
    assert "seal" in found.what


def test_a_whole_chain_written_anew_is_caught_by_the_seal(sealed: Chains, database: Database) -> None:
    contact_id = sealed.contacts[0]
    prev, state = b"", state_from_json(None)

    with tampering(database.superuser_url) as connection:
        for event in sealed.events(contact_id):
            values = {name: getattr(event, name) for name in HASHED}
            values["kind"] = "help" if event.kind is EventKind.OPT_OUT else event.kind.value
            digest = event_hash(values, prev)
            connection.execute(
                "UPDATE consent_events SET kind = %s, prev_hash = %s, hash = %s WHERE id = %s",
                (values["kind"], prev, digest, event.id),
            )
            (entry,) = entries([event])
            prev, state = digest, state_after(state, replace(entry, kind=EventKind(values["kind"])))
        connection.execute(
            "UPDATE contacts SET ledger_hash = %s, consent = %s WHERE id = %s",
            (prev, json.dumps(state_to_json(state)), contact_id),
        )
    found = sealed.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq) == (contact_id, LENGTH)
    assert "seal" in found.what


@pytest.mark.parametrize("seq", [1, 2, LENGTH - 1])
def test_two_events_in_another_order_are_named_at_the_first(chains: Chains, database: Database, seq: int) -> None:
    contact_id = chains.contacts[0]

    with tampering(database.superuser_url) as connection:
        for old, new in ((seq, 99), (seq + 1, seq), (99, seq + 1)):
            connection.execute(
                "UPDATE consent_events SET seq = %s WHERE seq = %s AND contact_id = %s", (new, old, contact_id)
            )
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq) == (contact_id, seq)


@pytest.mark.parametrize("with_evidence", [False, True])
def test_a_forged_event_at_the_end_is_named(chains: Chains, database: Database, with_evidence: bool) -> None:
    contact_id = chains.contacts[0]
    last = chains.events(contact_id)[-1]
    values = {name: getattr(last, name) for name in HASHED}
    values |= {"id": uuid4(), "seq": LENGTH + 1, "kind": "start"}
    with chains.world.runtime.transaction(chains.tenant.id) as session:
        proof = session.get_one(ConsentEvidence, (chains.tenant.id, last.id))
    sealed_words = chains.cipher.decrypt(
        proof.content, tenant_id=chains.tenant.id, table="consent_evidence", column="content", row=last.id
    )

    with tampering(database.superuser_url) as connection:
        connection.execute(
            "INSERT INTO consent_events SELECT (jsonb_populate_record(e, jsonb_build_object("
            "'id', %s::text, 'seq', %s::int, 'kind', 'start', 'prev_hash', %s::text, 'hash', %s::text))).*"
            " FROM consent_events e WHERE e.id = %s",
            (values["id"], LENGTH + 1, f"\\x{last.hash.hex()}", f"\\x{event_hash(values, last.hash).hex()}", last.id),
        )
        if with_evidence:
            content = chains.cipher.encrypt(
                sealed_words, tenant_id=chains.tenant.id, table="consent_evidence", column="content", row=values["id"]
            )
            connection.execute(
                "INSERT INTO consent_evidence (tenant_id, event_id, salt, content) VALUES (%s, %s, %s, %s)",
                (chains.tenant.id, values["id"], proof.salt, content),
            )
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq) == (contact_id, LENGTH + 1)


def test_events_of_a_contact_that_is_gone_are_named(chains: Chains, database: Database) -> None:
    contact_id = chains.contacts[0]

    with tampering(database.superuser_url) as connection:
        connection.execute("DELETE FROM contacts WHERE id = %s", (contact_id,))
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq) == (contact_id, 1)


@pytest.mark.parametrize(
    "consent",
    [
        "consent || '{\"opted_out\": null}'",
        'consent || \'{"held": ["7d0c6a3e-0000-4000-8000-000000000000", "2026-11-20T16:00:00+00:00"]}\'',
        "'{}'",
        "'{\"purposes\": 7}'",
        "'[]'",
        'consent || \'{"opted_out": ["?", "?"]}\'',
    ],
)
def test_a_changed_state_on_the_contacts_row_is_named(chains: Chains, database: Database, consent: str) -> None:
    contact_id = chains.contacts[1]

    with tampering(database.superuser_url) as connection:
        connection.execute(f"UPDATE contacts SET consent = {consent} WHERE id = %s", (contact_id,))
    found = chains.verify()

    assert isinstance(found, Broken)
    assert found.contact_id == contact_id
    assert "state" in found.what


@pytest.mark.parametrize("seq", [1, 2])
@pytest.mark.parametrize("column", SEAL_COLUMNS)
def test_one_changed_byte_in_any_column_of_a_seal_names_it(
    sealed: Chains, database: Database, column: str, seq: int
) -> None:
    flip(database, "ledger_heads", column, "seq = %s", (seq,))
    found = sealed.verify()

    assert isinstance(found, Broken)
    assert f"seal {seq} " in found.what


@pytest.mark.parametrize("ends", ["[7]", '[["x", 1, "00"]]', "[[null, {}, 1]]", "{}", "7"])
def test_ends_that_nobody_writes_name_their_seal(sealed: Chains, database: Database, ends: str) -> None:
    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE ledger_heads SET ends = %s WHERE seq = 2", (ends,))
    found = sealed.verify()

    assert isinstance(found, Broken)
    assert "seal 2 " in found.what


@pytest.mark.parametrize("seq", [1, 2])
@pytest.mark.parametrize("column", ["place", "seal", "content", None])
def test_one_changed_byte_in_a_seals_tree_names_it(
    sealed: Chains, database: Database, column: str | None, seq: int
) -> None:
    if column is None:
        with tampering(database.superuser_url) as connection:
            connection.execute("DELETE FROM ledger_nodes WHERE seal = %s AND length(place) = 3", (seq,))
    elif column == "place":  # the root has no byte to change, and a place of one byte may be taken
        with tampering(database.superuser_url) as connection:
            connection.execute("UPDATE ledger_nodes SET place = %s WHERE seal = %s AND place = ''", (NOWHERE, seq))
    else:
        flip(database, "ledger_nodes", column, "seal = %s AND place = ''", (seq,))
    found = sealed.verify()

    assert isinstance(found, Broken)
    assert f"seal {seq} has a tree" in found.what


@pytest.mark.parametrize("seq", [1, 2])
def test_a_removed_seal_is_named(sealed: Chains, database: Database, seq: int) -> None:
    with tampering(database.superuser_url) as connection:
        connection.execute("DELETE FROM ledger_heads WHERE seq = %s", (seq,))
    found = sealed.verify()

    assert isinstance(found, Broken)
    assert f"seal {seq} " in found.what


def test_evidence_taken_away_without_an_erasure_names_its_event(chains: Chains, database: Database) -> None:
    event = chains.events(chains.contacts[0])[1]

    with tampering(database.superuser_url) as connection:
        connection.execute("DELETE FROM consent_evidence WHERE event_id = %s", (event.id,))
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq, found.event_id) == (event.contact_id, 2, event.id)


def test_evidence_of_one_event_does_not_prove_another(chains: Chains, database: Database) -> None:
    one, other = chains.events(chains.contacts[0])[1:3]

    with tampering(database.superuser_url) as connection:
        connection.execute(
            "UPDATE consent_evidence AS mine SET content = theirs.content, salt = theirs.salt"
            " FROM consent_evidence AS theirs WHERE mine.event_id = %s AND theirs.event_id = %s",
            (one.id, other.id),
        )
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.seq, found.event_id) == (one.contact_id, 2, one.id)


def test_an_erasure_leaves_a_chain_that_verifies_and_says_how_much_was_erased(
    sealed: Chains, database: Database
) -> None:
    contact_id = sealed.contacts[0]
    with sealed.world.runtime.transaction(sealed.tenant.id) as session:
        contact = lock(session, contact_id)
        assert contact is not None
        erased = erase_evidence(
            session, contact, sealed.cipher, actor=SYSTEM, now=sealed.world.clock.now(), cause="erasure"
        )

    assert erased == LENGTH
    assert sealed.verify() == Verified(contacts=2, events=2 * LENGTH + 1, erased=LENGTH, seals=2)
    with database.connect() as connection:
        left = connection.execute(
            "SELECT count(*) FROM consent_events e JOIN consent_evidence p ON p.event_id = e.id"
            " WHERE e.contact_id = %s AND e.kind <> 'erased'",
            (contact_id,),
        ).fetchone()
    assert left == (0,)


def test_what_happens_after_an_erasure_needs_its_evidence_again(chains: Chains, database: Database) -> None:
    contact_id = chains.contacts[0]
    with chains.world.runtime.transaction(chains.tenant.id) as session:
        contact = lock(session, contact_id)
        assert contact is not None
        erase_evidence(session, contact, chains.cipher, actor=SYSTEM, now=chains.world.clock.now(), cause="erasure")
    later = chains.append(contact_id, EventKind.INQUIRY)

    with tampering(database.superuser_url) as connection:
        connection.execute("DELETE FROM consent_evidence WHERE event_id = %s", (later,))
    found = chains.verify()

    assert isinstance(found, Broken)
    assert (found.contact_id, found.event_id) == (contact_id, later)


def test_an_event_recorded_in_another_zone_verifies(chains: Chains) -> None:
    there = timezone(timedelta(hours=-6))
    chains.append(chains.contacts[0], EventKind.START, at=datetime(2026, 11, 20, 9, 30, tzinfo=there))

    assert isinstance(chains.verify(), Verified)


def test_one_tenants_broken_ledger_leaves_another_verified(world: World, chains: Chains, database: Database) -> None:
    other = world.business("Pier Motors", "+12065550100")
    world.text("hello", to=other, sender=FIRST)

    flip(database, "consent_events", "rule", "contact_id = %s AND seq = 1", (chains.contacts[0],))

    assert isinstance(chains.verify(), Broken)
    assert world.verified(of=other)
