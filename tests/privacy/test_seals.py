"""What a seal that was kept elsewhere proves, and what nothing proves."""

from __future__ import annotations

import copy
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent import ledger_tree
from consent.ledger import Broken, verify
from consent.models import LedgerHead
from consent.state import EventKind
from privacy import verify_passport
from privacy.passport import written
from tests.conftest import Database
from tests.ledger.chains import tampering
from tests.privacy import story
from tests.privacy.conftest import Document
from tests.world import LEAD, World

TENANT = UUID(int=7)
MANY_SEALS = 20_000  # bench/passport.py takes ten times as many


def checked(document: Document, folder: Path, kept: str) -> int:
    """The exit code of the check with a seal that was kept."""
    document["sha256"] = verify_passport.checksum(document)
    file = folder / "passport.json"
    file.write_text(written(document), encoding="utf-8")
    return verify_passport.main([str(file), "--seal", kept])


def without_the_stop(document: Document) -> None:
    """The passport as if the person had never opted out, with every hash in it made anew."""
    prev = ""
    document["events"] = [event for event in document["events"] if event["kind"] != "opt_out"]
    for place, event in enumerate(document["events"], start=1):
        event.update(seq=place, prev_hash=prev)
        event["hash"] = prev = verify_passport.event_hash(event)
    contact = document["contact"]
    contact.update(ledger_seq=len(document["events"]), ledger_hash=prev)
    contact["consent"].update(
        opted_out=None,
        purposes={n: s for n, s in contact["consent"]["purposes"].items() if s[0] != "opted_out"},
    )
    gone = {m["id"] for m in document["messages"] if m["kind"] == "optout_confirmation" or m["direction"] == "inbound"}
    document["messages"] = [m for m in document["messages"] if m["id"] not in gone]
    document["decisions"] = [d for d in document["decisions"] if d["message_id"] not in gone]
    document["permits"] = [p for p in document["permits"] if p["used_by"] not in gone]


@pytest.fixture
def stopped(world: World) -> World:
    """They signed up and opted out, which the first seal knows; the second was made when somebody else wrote."""
    story.answer_words_ourselves(world)
    story.sign_up(world)
    world.drain(wait=False)
    world.text("STOP")
    world.drain()
    story.seal_now(world)
    world.text("hello", sender=story.OTHER)
    world.drain()
    story.seal_now(world)
    return world


def empty_proof(seal: dict[str, Any]) -> None:
    seal.update(ends=[], bucket=[])


def fitting_end(seal: dict[str, Any]) -> None:
    seal["ends"] = [[seal["ends"][0][0], 1, "00" * 32]]


@pytest.mark.parametrize("which", [0, -1])
@pytest.mark.parametrize("forge", [lambda seal: None, empty_proof, fitting_end, lambda seal: seal.update(version=1)])
def test_a_stop_that_was_removed_is_found_by_whichever_seal_was_kept(
    stopped: World, tmp_path: Path, which: int, forge: Any
) -> None:
    document = copy.deepcopy(story.passport(stopped))
    kept = document["seals"][which]
    assert checked(document, tmp_path, kept["hash"]) == 0

    without_the_stop(document)
    forge(kept)
    document["seals"] = [kept]
    for sealed_seq in (0, len(document["events"]), kept["ends"][0][1] if kept["ends"] else 0):
        document["contact"]["sealed_seq"] = sealed_seq

        assert checked(document, tmp_path, kept["hash"]) == 1


def test_another_id_for_the_person_is_unknown_to_the_seal_that_was_kept(stopped: World, tmp_path: Path) -> None:
    """A seal proves of anybody that it does not know them: that proves no text."""
    world = stopped
    world.text("hello", sender="+13125550173")
    document = copy.deepcopy(story.passport(world, "+13125550173"))
    kept = document["seals"][-1]["hash"]

    assert document["seals"][-1]["ends"] == []
    assert list(verify_passport.flaws(document)) == []
    assert checked(document, tmp_path, kept) == 1


def test_an_event_that_a_later_seal_should_know_is_found(stopped: World) -> None:
    """Written long before the seal, the file says; the seal does not know it."""
    stopped.later(days=3)
    story.append(stopped, EventKind.OPT_IN)
    document = copy.deepcopy(story.passport(stopped))
    assert list(verify_passport.flaws(document)) == []

    event = document["events"][-1]
    event["recorded_at"] = document["events"][-2]["recorded_at"]
    event["hash"] = document["contact"]["ledger_hash"] = verify_passport.event_hash(event)
    for seal in document["seals"]:
        seal["at"] = (verify_passport.moment(seal["at"]) + timedelta(days=2)).isoformat()
        seal["hash"] = verify_passport.seal_hash(seal)
        seal["prev_hash"] = ""
    document["seals"] = document["seals"][-1:]
    document["seals"][0]["hash"] = verify_passport.seal_hash(document["seals"][0])

    assert (
        next(verify_passport.flaws(document)).what
        == f"is not in seal {document['seals'][0]['seq']}, which was made later"
    )


def test_the_summary_says_what_the_kept_seal_proves_and_what_it_does_not(stopped: World) -> None:
    story.append(stopped, EventKind.HELP)
    document = story.passport(stopped)
    kept = document["seals"][-1]["hash"]

    assert "proven by the seal that was kept: the events up to 2 of 3" in verify_passport.summary(document, kept)
    assert "proven by nothing that was kept elsewhere" in verify_passport.summary(document)
    for said in (verify_passport.summary(document), verify_passport.summary(document, kept), verify_passport.__doc__):
        assert "texts, decisions, permits" in said.replace("\n", " ")


def test_a_text_that_was_left_out_with_its_decision_shows_nowhere_as_the_check_says(document: Document) -> None:
    """Nothing binds texts: when something does, the summary and docs/proof.md have to say so instead."""
    gone = next(m for m in document["messages"] if m["purpose"] == "reply" and m["provider_sid"])
    document["messages"].remove(gone)
    document["decisions"] = [d for d in document["decisions"] if d["message_id"] != gone["id"]]
    document["sha256"] = verify_passport.checksum(document)

    assert list(verify_passport.flaws(document)) == []
    assert "that none was left out" in verify_passport.WORD_ONLY


# ---- seals of version 1 ----------------------------------------------------------------------------------------------


@pytest.fixture
def aged(world: World) -> list[bytes]:
    """A ledger that was sealed three times by lists and, since then, by the tree."""
    kept = []
    for words, sender in (("hello", story.OTHER), ("Is it still there?", LEAD), ("And this one?", story.OTHER)):
        world.text(words, sender=sender)
        kept.append(story.seal_as_version_1(world))
    story.forget_the_seals(world)
    story.seal_now(world)
    return kept


def test_a_ledger_with_seals_of_both_versions_verifies(world: World, aged: list[bytes], database: Database) -> None:
    assert world.verified()
    for column, value in (("ends", "'[]'"), ("version", "2"), ("root", "hash"), ("at", "now()")):
        with tampering(database.superuser_url) as connection:
            connection.execute(f"UPDATE ledger_heads SET {column} = {value} WHERE seq = 2")
            connection.commit()
            with world.runtime.transaction(world.home.id) as session:
                found = verify(session, world.runtime.cipher(world.home.data_key))
            connection.execute("UPDATE ledger_heads SET version = 1, root = NULL WHERE seq = 2")

        assert isinstance(found, Broken)
        assert "seal 2" in found.what


def test_a_passport_needs_no_seal_of_version_1_and_shows_nobody_else(world: World, aged: list[bytes]) -> None:
    document = story.passport(world)

    assert [seal["version"] for seal in document["seals"]] == [2]
    assert list(verify_passport.flaws(document)) == []


def test_a_seal_of_version_1_that_was_kept_is_proven_by_all_before_it(
    world: World, aged: list[bytes], tmp_path: Path
) -> None:
    document = copy.deepcopy(story.passport(world, kept=[aged[2]]))

    assert [(seal["version"], seal["seq"]) for seal in document["seals"]] == [(1, 1), (1, 2), (1, 3), (2, 4)]
    assert checked(document, tmp_path, aged[2].hex()) == 0
    assert verify_passport.bound_by(document, aged[2].hex()) == 1
    assert checked(document, tmp_path, aged[0].hex()) == 1  # it knew somebody else only
    for gone in ([0], [1], [0, 1]):
        cut = {**document, "seals": [seal for place, seal in enumerate(document["seals"]) if place not in gone]}
        assert checked(cut, tmp_path, aged[2].hex()) == 1


# ---- the tree --------------------------------------------------------------------------------------------------------

VALUES = st.binary(min_size=32, max_size=32)
# Keys that meet in the same buckets and on the way to them.
KEYS = st.builds(lambda head, tail: head + tail, st.sampled_from([b"\0\0\0", b"\0\0\x10", b"\xff\0\0"]), st.binary(min_size=29, max_size=29))  # fmt: skip


def grown(steps: list[dict[bytes, bytes]]) -> dict[bytes, bytes]:
    """The tree after so many seals, each with what it is given of the tree and no more."""
    tree: dict[bytes, bytes] = {}
    for values in steps:
        known = {place: tree[place] for place in ledger_tree.beside(values) if place in tree}
        tree.update(ledger_tree.changed(values, known))
    return tree


def proof(tree: dict[bytes, bytes], key: bytes) -> dict[str, Any]:
    known = {place: tree[place] for place in ledger_tree.beside([key]) if place in tree}
    bucket = ledger_tree.pairs(known.get(ledger_tree.bucket_of(key), b""))
    return {
        "bucket": [[one.hex(), value.hex()] for one, value in sorted(bucket.items())],
        "nodes": ledger_tree.path(key, known),
    }


@settings(max_examples=50)
@given(st.lists(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), min_size=1, max_size=4), KEYS)
def test_a_path_leads_to_the_root_for_whoever_is_in_the_tree_and_whoever_is_not(
    steps: list[dict[bytes, bytes]], absent: bytes
) -> None:
    tree = grown(steps)
    values = {key: value for step in steps for key, value in step.items()}
    root = tree[ledger_tree.ROOT].hex()

    for key in [*values, absent]:
        shown = proof(tree, key)
        assert verify_passport.root_of(shown, key.hex()) == root
        assert dict(shown["bucket"]).get(key.hex()) == (values[key].hex() if key in values else None)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_root_is_the_same_however_the_ends_came_together(steps: list[dict[bytes, bytes]]) -> None:
    values = {key: value for step in steps for key, value in step.items()}

    assert grown(steps)[ledger_tree.ROOT] == grown([values])[ledger_tree.ROOT]


@settings(max_examples=100)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=6), st.data())
def test_no_other_end_and_no_absence_leads_to_the_root(values: dict[bytes, bytes], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(values)))
    tree = grown([values])
    shown = proof(tree, key)
    others = [pair for pair in shown["bucket"] if pair[0] != key.hex()]
    forged = data.draw(st.sampled_from([others, sorted([*others, [key.hex(), data.draw(VALUES).hex()]])]))
    if forged == shown["bucket"]:
        return

    assert verify_passport.root_of({**shown, "bucket": forged}, key.hex()) != tree[ledger_tree.ROOT].hex()


@given(st.uuids(), st.integers(1, 10**9), VALUES)
def test_the_check_computes_keys_and_ends_as_the_ledger_does(contact: UUID, seq: int, digest: bytes) -> None:
    key = ledger_tree.key_of(TENANT, contact)

    assert verify_passport.key_of(str(TENANT), str(contact)) == key.hex()
    assert verify_passport.end_of(seq, digest.hex()) == ledger_tree.end_of(seq, digest).hex()
    assert ledger_tree.bucket_of(key).hex()[1::2] == key.hex()[: ledger_tree.DEPTH]


# ---- a business of many years ----------------------------------------------------------------------------------------

AGE = """
INSERT INTO ledger_heads (tenant_id, seq, at, ends, prev_hash, hash, version, root)
SELECT tenant_id, seq + n, at, ends, hash, hash, version, root FROM ledger_heads, generate_series(1, %(many)s) n
"""
# Somebody else in each: the root's branches and some below it have had many contents.
AGE_OF_THE_TREE = """
INSERT INTO ledger_nodes (tenant_id, place, seal, content)
SELECT tenant_id, place, seq, sha256(seq::text::bytea || place) FROM ledger_heads, LATERAL (
    SELECT ''::bytea AS place UNION ALL SELECT decode(lpad(to_hex(seq %% 16), 2, '0'), 'hex')
) places WHERE seq > 1 AND (length(place) = 0 OR place <> %(own)s)
"""


@pytest.mark.slow
def test_a_passport_grows_with_nobodys_seals_but_its_own(world: World, database: Database) -> None:
    story.sign_up(world)
    story.seal_now(world)
    own = ledger_tree.bucket_of(ledger_tree.key_of(world.home.id, story.contact_id(world)))[:1]
    with tampering(database.superuser_url) as connection:
        assert connection.execute(AGE, {"many": MANY_SEALS}).rowcount == MANY_SEALS
        connection.execute(AGE_OF_THE_TREE, {"own": own})
    story.append(world, EventKind.HELP, number=LEAD)
    story.seal_now(world)

    began = time.monotonic()
    document = story.passport(world)
    took_s = time.monotonic() - began

    assert list(verify_passport.flaws(document)) == []
    assert len(world_seals(world, document)) == 2
    assert took_s < 2  # with ten times as many as well
    assert len(written(document)) < 100_000


def world_seals(world: World, document: Document) -> list[int]:
    """The numbers of the seals in it, of which the last one is the newest that there is."""
    with world.runtime.transaction(world.home.id) as session:
        assert session.get(LedgerHead, (world.home.id, document["seals"][-1]["seq"] + 1)) is None
    return [seal["seq"] for seal in document["seals"]]
