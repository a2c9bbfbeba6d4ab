"""Whoever changes a passport is found out, and the first thing that was changed is named."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.ledger import HASHED
from privacy import verify_passport
from privacy.passport import written
from privacy.verify_passport import Flaw, event_hash, evidence_hash, seal_hash
from tests.privacy.conftest import Document


def found_in(document: Document) -> Flaw:
    """The first flaw of a passport whose checksum was made anew: whoever changes it can do that."""
    document["sha256"] = verify_passport.checksum(document)
    return next(verify_passport.flaws(document))


def changed(value: Any) -> Any:
    """The least change of a value."""
    match value:
        case None:
            return "x"
        case bool():
            return not value
        case int():
            return value + 1
        case "":
            return "00"
        case str():
            return value[:-1] + ("0" if value[-1] != "0" else "1")
        case list():
            return [*value, "reply"]
        case dict():
            return {**value, "x": 1}
    raise AssertionError(f"nobody changes {value!r}")


@pytest.mark.parametrize("column", [*HASHED, "prev_hash", "hash", "salt", "evidence"])
@pytest.mark.parametrize("place", [0, 4, -1])
def test_a_change_of_any_column_of_an_event_names_it(document: Document, column: str, place: int) -> None:
    event = document["events"][place]
    seq = event["seq"]

    event[column] = changed(event[column])
    flaw = found_in(document)

    assert (flaw.kind, flaw.id) == ("event", str(event["id"]))
    assert f"event {seq} " in flaw.what if column == "seq" else flaw.seq == seq


@pytest.mark.parametrize("place", [0, 3, -1])
def test_a_dropped_event_is_named(document: Document, place: int) -> None:
    gone = document["events"].pop(place)
    flaw = found_in(document)

    if place == -1:
        assert (flaw.kind, flaw.seq) == ("contact", gone["seq"] - 1)
        assert f"ends with event {gone['seq']}" in flaw.what
    else:
        assert flaw.kind == "event"
        assert f"where event {gone['seq']} should be" in flaw.what


def test_a_tail_that_was_dropped_with_the_contacts_own_end_is_known_to_a_seal(document: Document) -> None:
    contact = document["contact"]
    sealed = contact["sealed_seq"]

    del document["events"][sealed - 1 :]
    contact.update(ledger_seq=sealed - 1, ledger_hash=document["events"][-1]["hash"])
    flaw = found_in(document)

    assert (flaw.kind, flaw.seq) == ("event", sealed)
    assert "is gone or changed: seal 3 knows another one" in flaw.what


def test_a_tail_that_was_dropped_with_its_seals_is_known_to_the_contact(document: Document) -> None:
    document["seals"].pop()

    assert "was sealed up to event" in found_in(document).what


def test_a_decision_knows_that_a_tail_was_there(document: Document) -> None:
    """Beyond the last seal: the texts that were sent since say how long the ledger was."""
    contact, sealed = document["contact"], document["contact"]["sealed_seq"]
    assert len(document["events"]) > sealed

    del document["events"][sealed:]
    contact.update(ledger_seq=sealed, ledger_hash=document["events"][-1]["hash"])
    flaw = found_in(document)

    assert flaw.kind == "message"
    assert "is not in the ledger" in flaw.what


@pytest.mark.parametrize("place", [0, 3])
def test_two_events_that_changed_places_are_named(document: Document, place: int) -> None:
    events = document["events"]
    events[place], events[place + 1] = events[place + 1], events[place]
    flaw = found_in(document)

    assert (flaw.id, flaw.what) == (
        events[place]["id"],
        f"stands where event {place + 1} should be: that one is missing or moved",
    )


def test_an_event_that_was_written_anew_breaks_the_next_one(document: Document) -> None:
    """Its own hash can be made to fit; then it no longer is what the next one follows."""
    event = document["events"][2]
    event["evidence"] = {"words": "Yes, text me about everything"}
    event["evidence_hash"] = evidence_hash(event)
    event["hash"] = event_hash(event)
    flaw = found_in(document)

    assert (flaw.kind, flaw.seq) == ("event", 4)
    assert "does not follow" in flaw.what


def test_a_whole_chain_that_was_written_anew_is_known_to_a_seal(document: Document) -> None:
    prev = ""
    for event in document["events"]:
        event["method"] = "web_form"
        event["prev_hash"] = prev
        event["hash"] = prev = event_hash(event)
    document["contact"]["ledger_hash"] = prev
    flaw = found_in(document)

    assert flaw.kind == "event"
    assert "seal 1 knows another one" in flaw.what


def test_evidence_that_was_taken_away_is_no_erasure(document: Document, erased: Document) -> None:
    document["events"][1].update(evidence=None, salt=None)

    assert "lost its evidence, and no erasure was recorded after it" in found_in(document).what
    erased["events"][-1].update(evidence=None, salt=None)
    assert "lost its evidence" in found_in(erased).what


SEAL = ("version", "seq", "at", "root", "prev_hash", "hash", "ends", "bucket", "nodes")


@pytest.mark.parametrize("column", SEAL)
@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_changed_seal_is_named(document: Document, column: str, place: int) -> None:
    seal = document["seals"][place]
    before = seal["seq"]
    seal[column] = seal[column][:-1] if isinstance(seal[column], list) else changed(seal[column])
    flaw = found_in(document)

    assert flaw.kind == "seal"
    assert flaw.seq == (before + 1 if column == "seq" else before)


def test_a_seal_that_was_written_anew_breaks_the_next_one(document: Document) -> None:
    seal = document["seals"][1]
    seal["at"] = "2026-11-20T16:00:00Z"
    seal["hash"] = seal_hash(seal)
    flaw = found_in(document)

    assert (flaw.kind, flaw.seq) == ("seal", seal["seq"] + 1)


def test_each_seal_proves_this_ledger_without_the_others(document: Document) -> None:
    gone = document["seals"].pop(1)
    document["sha256"] = verify_passport.checksum(document)

    assert gone["ends"]
    assert list(verify_passport.flaws(document)) == []


def test_an_event_that_is_here_twice_is_named(document: Document) -> None:
    """With all hashes made anew from there on."""
    document["events"][1]["id"] = document["events"][0]["id"]
    prev = ""
    for event in document["events"]:
        event["prev_hash"], event["hash"] = prev, event_hash({**event, "prev_hash": prev})
        prev = event["hash"]

    assert found_in(document) == Flaw("event", document["events"][0]["id"], 2, "is here twice")


@pytest.mark.parametrize("whose", ["tenant", "contact"])
def test_somebody_elses_ledger_is_no_proof(document: Document, whose: str) -> None:
    document[whose]["id"] = "00000000-0000-4000-8000-000000000001"

    assert found_in(document) == Flaw("event", document["events"][0]["id"], 1, "belongs to somebody else")


# ---- texts -----------------------------------------------------------------------------------------------------------


def sent(document: Document, purpose: str = "reply") -> Iterator[dict[str, Any]]:
    return (m for m in document["messages"] if m["purpose"] == purpose and m["provider_sid"])


def decision_of(document: Document, message: dict[str, Any]) -> dict[str, Any]:
    return next(d for d in document["decisions"] if d["message_id"] == message["id"])


def last(document: Document, kind: str) -> dict[str, Any]:
    return [event for event in document["events"] if event["kind"] == kind][-1]


def test_a_text_that_names_another_event_is_found(document: Document) -> None:
    message = next(sent(document))
    message["consent_event_id"] = last(document, "start")["id"]
    flaw = found_in(document)

    assert (flaw.kind, flaw.id) == ("message", message["id"])
    assert "another consent event than the decision" in flaw.what


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("consent_event_id", None, "sent without a consent event"),
        ("sending_at", None, "never passed the gate"),
        ("sending_at", "2026-11-20T16:00:00Z", "no decision allowed it at that moment"),
        ("purpose", "marketing", "another purpose"),
    ],
)
def test_what_does_not_fit_the_decision_is_found(document: Document, column: str, value: Any, what: str) -> None:
    message = next(sent(document))
    message[column] = value
    flaw = found_in(document)

    assert (flaw.kind, flaw.id) == ("message", message["id"])
    assert what in flaw.what


def relies_on(document: Document, message: dict[str, Any], event: dict[str, Any], known: int | None = None) -> None:
    """The message and its decision say that they rest on this event."""
    decision = decision_of(document, message)
    message["consent_event_id"] = decision["consent_event_id"] = event["id"]
    if known is not None:
        decision["inputs"]["ledger_seq"] = known


def test_a_text_after_an_opt_out_is_found(document: Document) -> None:
    stop = last(document, "opt_out")
    message = list(sent(document))[-1]
    relies_on(document, message, document["events"][0], stop["seq"])

    assert found_in(document).what == f"was allowed after the opt-out {stop['id']}"


def test_consent_from_before_an_opt_out_does_not_come_back_with_start(document: Document) -> None:
    message = list(sent(document))[-1]
    relies_on(document, message, document["events"][0])

    assert found_in(document).what == f"rests on consent that {last(document, 'opt_out')['id']} had taken back"


def test_a_decision_that_pretends_not_to_know_an_opt_out_is_found(document: Document) -> None:
    stop = last(document, "opt_out")
    message = list(sent(document))[-1]
    relies_on(document, message, document["events"][0], stop["seq"] - 1)

    assert found_in(document).what == f"did not heed the opt-out {stop['id']}, which had been recorded before"


def test_a_text_that_rests_on_a_later_event_is_found(document: Document) -> None:
    message = next(sent(document))
    relies_on(document, message, last(document, "inquiry"))

    assert "which came later" in found_in(document).what


def test_a_text_that_rests_on_an_event_that_permits_nothing_is_found(document: Document) -> None:
    message = list(sent(document))[-1]
    relies_on(document, message, next(e for e in document["events"] if e["kind"] == "help"))

    assert "had taken back" in found_in(document).what
    relies_on(document, message, last(document, "opt_out"))
    assert "permits nothing: opt-out" in found_in(document).what


def test_a_text_that_is_missing_and_was_allowed_is_found(document: Document) -> None:
    gone = next(sent(document))
    document["messages"].remove(gone)

    assert found_in(document) == Flaw("message", gone["id"], None, "was allowed and is not here")


def test_a_decision_that_pretends_to_know_the_future_is_found(document: Document) -> None:
    message = next(sent(document))
    decision_of(document, message)["inputs"]["ledger_seq"] = len(document["events"])

    assert "says that it knew the event" in found_in(document).what


def test_consent_to_something_else_is_found(document: Document) -> None:
    """The form named its purposes, and an answer is none of them."""
    form = last(document, "opt_in")
    message = next(m for m in document["messages"] if m["author"] == "agent")
    assert message["purpose"] == "reply"
    relies_on(document, message, form)

    assert "rests on consent to inquiry, appointment, marketing, and its purpose is reply" in found_in(document).what


def test_a_text_that_names_another_permit_is_found(document: Document) -> None:
    first, second = itertools.islice(sent(document, "compliance"), 2)
    first["permit_id"] = second["permit_id"]

    assert found_in(document).what == "names another permit than the decision that allowed it"


def test_without_the_ledgers_length_the_clocks_decide(document: Document) -> None:
    for decision in document["decisions"]:
        del decision["inputs"]["ledger_seq"]
    assert list(verify_passport.flaws({**document, "sha256": verify_passport.checksum(document)})) == []

    message = list(sent(document))[-1]
    relies_on(document, message, document["events"][0])

    assert "had taken back" in found_in(document).what


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("used_by", None, "was used for another text"),
        ("expires_at", "2026-11-20T16:00:00Z", "which was over by then"),
        ("event_id", "00000000-0000-4000-8000-000000000001", "another consent event than its permit"),
        ("id", "00000000-0000-4000-8000-000000000001", "without a permit"),
    ],
)
def test_a_compliance_text_needs_its_own_permit(document: Document, column: str, value: Any, what: str) -> None:
    message = next(sent(document, "compliance"))
    permit = next(p for p in document["permits"] if p["id"] == message["permit_id"])
    permit[column] = value

    assert what in found_in(document).what


def test_the_help_that_was_asked_for_before_an_opt_out_is_not_given_after_it(document: Document) -> None:
    message = next(m for m in sent(document, "compliance") if m["kind"] == "help")
    decision_of(document, message)["inputs"]["ledger_seq"] = last(document, "opt_out")["seq"]
    decision_of(document, message)["at"] = message["sending_at"] = last(document, "opt_out")["recorded_at"]
    next(p for p in document["permits"] if p["id"] == message["permit_id"])["expires_at"] = "2026-12-31T00:00:00Z"

    assert "came after what its permit is for" in found_in(document).what


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("window", [False, "2026-11-21T14:00:00+00:00", "window.federal"], "outside the hours"),
        ("standing", ["inquired", "x", "inquiry", "2026-11-20T16:00:01+00:00"], "consent that was over by then"),
        ("ledger_seq", 10_000, "and it has"),
    ],
)
def test_what_a_decision_should_have_heeded_is_found(document: Document, name: str, value: Any, what: str) -> None:
    message = next(sent(document))
    decision_of(document, message)["inputs"][name] = value

    assert what in found_in(document).what


def test_words_that_are_not_the_evidences_are_found(document: Document) -> None:
    message = next(m for m in document["messages"] if m["body"] == "STOP")
    message["body"] = "Stop by any time"
    flaw = found_in(document)

    assert (flaw.kind, flaw.id, flaw.seq) == ("message", message["id"], last(document, "opt_out")["seq"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("opted_out", ["00000000-0000-4000-8000-000000000001", "2026-11-20T16:00:00+00:00"]),
        ("purposes", {}),
        ("held", ["x", "y"]),
    ],
)
def test_a_state_that_is_not_what_the_events_say_is_found(document: Document, name: str, value: Any) -> None:
    document["contact"]["consent"][name] = value
    if name == "purposes":
        document["contact"]["consent"]["purposes"] = {"reply": ["opted_out", "x", "y", None, None]}

    assert found_in(document).kind == "contact"


def test_anything_else_shows_in_the_checksum(document: Document) -> None:
    next(sent(document))["body"] = "Something else"

    assert next(verify_passport.flaws(document)).kind == "file"


# ---- laws ------------------------------------------------------------------------------------------------------------


def hashed_places(document: Document) -> list[tuple[str, int, tuple[Any, ...]]]:
    """Where a value stands that a hash covers, or that is one: (table, row, path in the row)."""
    places = []
    for table, columns in (("events", (*HASHED, "prev_hash", "hash", "salt", "evidence")), ("seals", SEAL)):  # fmt: skip
        for row, content in enumerate(document[table]):
            for column in columns:
                places += [(table, row, (column, *path)) for path in leaves(content[column])]
    return places


def leaves(value: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        for name in value:
            yield from ((name, *rest) for rest in leaves(value[name]))
    elif isinstance(value, list) and value:
        for place, one in enumerate(value):
            yield from ((place, *rest) for rest in leaves(one))
    else:
        yield ()


OTHER_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**9), st.floats(allow_nan=False), st.text(max_size=8), st.just([]), st.just({})
)  # fmt: skip


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_single_change_of_a_hashed_value_is_found(passports: list[Document], data: st.DataObject) -> None:
    original = passports[0]
    table, row, path = data.draw(st.sampled_from(hashed_places(original)))
    document = {**original, table: list(original[table])}
    document[table][row] = copy.deepcopy(original[table][row])
    inner: Any = document[table][row]
    for step in path[:-1]:
        inner = inner[step]
    old = inner[path[-1]]
    if isinstance(old, str) and old and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(old) - 1))
        new: Any = old[:place] + data.draw(st.characters(exclude_categories=["Cs"])) + old[place + 1 :]
    else:
        new = data.draw(OTHER_VALUES)
    inner[path[-1]] = new
    if json.dumps(new) == json.dumps(old):
        return

    flaw = found_in(document)

    # A seal's word about one of the events here may be read before the seal itself; both are named by their place.
    assert flaw.kind in ("event", "seal")


@settings(max_examples=100)
@given(written_badly=st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "seq", "inputs", "at"]), inner, max_size=3),
    max_leaves=5,
), data=st.data())  # fmt: skip
def test_nonsense_anywhere_is_a_finding_or_unreadable_and_never_a_crash(
    passports: list[Document], written_badly: Any, data: st.DataObject
) -> None:
    document = dict(passports[0])
    table = data.draw(st.sampled_from(["contact", "tenant", "events", "messages", "decisions", "permits", "seals"]))
    if isinstance(document[table], list) and data.draw(st.booleans()):
        rows = list(document[table])
        row = data.draw(st.integers(0, len(rows) - 1))
        rows[row] = {**rows[row], data.draw(st.sampled_from(sorted(rows[row]))): written_badly}
        document[table] = rows
    else:
        document[table] = written_badly

    with suppress(verify_passport.Unreadable):
        list(verify_passport.flaws(document))


def test_the_command_names_what_was_changed(
    document: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = document["events"][2]
    event["method"] = "web_form"
    file = tmp_path / "passport.json"
    file.write_text(written(document), encoding="utf-8")

    assert verify_passport.main([str(file)]) == 1
    assert capsys.readouterr().out == f"BROKEN: event {event['id']}, seq 3: was changed\n"
