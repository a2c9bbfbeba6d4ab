"""What each event of the ledger means: laws of the fold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.purposes import CONSENTED, RESTORED_BY_START, Purpose
from consent.state import (
    NOTHING,
    Basis,
    ConsentState,
    EventKind,
    LedgerEntry,
    Overall,
    PurposeState,
    fold,
    state_after,
    state_from_json,
    state_to_json,
)

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
OPT_INS = (EventKind.OPT_IN, EventKind.START)

entries = st.builds(
    LedgerEntry,
    id=st.uuids(),
    kind=st.sampled_from(EventKind),
    at=st.integers(0, 100 * 86_400).map(lambda s: NOW - timedelta(seconds=s)),
    purposes=st.lists(st.sampled_from(CONSENTED), unique=True).map(tuple),
    basis=st.none() | st.sampled_from(Basis),
    method=st.sampled_from(["sms_keyword", "form", ""]),
)
ledgers = st.lists(entries, max_size=8)


def after(*kinds: EventKind, purposes: tuple[Purpose, ...] = (), basis: Basis | None = None) -> ConsentState:
    """The state after one event of each kind, a minute apart and ending now."""
    return fold(
        LedgerEntry(
            id=UUID(int=number + 1),
            kind=kind,
            at=NOW - timedelta(minutes=len(kinds) - 1 - number),
            purposes=purposes,
            basis=basis,
        )
        for number, kind in enumerate(kinds)
    )


@given(ledgers, ledgers)
def test_nothing_but_an_opt_in_undoes_an_opt_out(before: list[LedgerEntry], later: list[LedgerEntry]) -> None:
    opted_out = state_after(fold(before), LedgerEntry(UUID(int=1), EventKind.OPT_OUT, NOW))
    state = opted_out
    for entry in later:
        if entry.kind not in OPT_INS:
            state = state_after(state, entry)

    assert state.opted_out is not None
    assert state.overall(NOW) is Overall.OPTED_OUT
    assert {standing.state for standing in state.purposes.values()} == {PurposeState.OPTED_OUT}
    assert set(state.purposes) == set(CONSENTED)


@given(ledgers)
def test_a_state_survives_its_row_unchanged(ledger: list[LedgerEntry]) -> None:
    state = fold(ledger)

    assert state_from_json(json.loads(json.dumps(state_to_json(state)))) == state


@given(ledgers, st.integers(0, 8))
def test_the_kept_state_and_the_whole_ledger_fold_to_the_same(ledger: list[LedgerEntry], cut: int) -> None:
    kept = state_from_json(state_to_json(fold(ledger[:cut])))
    for entry in ledger[cut:]:
        kept = state_after(kept, entry)

    assert kept == fold(ledger)


@given(ledgers, st.sampled_from([EventKind.HELP, EventKind.ERASED]), st.uuids())
def test_help_and_an_erasure_change_nothing(ledger: list[LedgerEntry], kind: EventKind, event_id: UUID) -> None:
    state = fold(ledger)

    assert state_after(state, LedgerEntry(event_id, kind, NOW)) == state


def test_nobody_known_has_no_standing() -> None:
    assert state_from_json(None) == state_from_json({}) == NOTHING
    assert NOTHING.overall(NOW) is Overall.UNKNOWN


def test_their_text_permits_a_reply_for_a_day_and_follow_ups_for_ninety() -> None:
    state = after(EventKind.INQUIRY)

    assert {purpose: standing.until for purpose, standing in state.purposes.items()} == {
        Purpose.REPLY: NOW + timedelta(hours=24),
        Purpose.INQUIRY: NOW + timedelta(days=90),
    }
    assert state.overall(NOW) is Overall.INQUIRED
    assert state.overall(NOW + timedelta(days=90)) is Overall.UNKNOWN


def test_a_text_of_theirs_weakens_no_yes() -> None:
    state = after(EventKind.OPT_IN, EventKind.INQUIRY, purposes=CONSENTED, basis=Basis.EXPRESS_WRITTEN)

    inquiry = state.purposes[Purpose.INQUIRY]
    assert (inquiry.state, inquiry.basis, inquiry.until) == (PurposeState.OPTED_IN, Basis.EXPRESS_WRITTEN, None)
    assert state.purposes[Purpose.REPLY].until == NOW + timedelta(hours=24)


def test_start_brings_back_everything_but_marketing() -> None:
    state = after(EventKind.OPT_IN, EventKind.OPT_OUT, EventKind.START, basis=Basis.EXPRESS)

    assert state.opted_out is None
    back = {purpose for purpose, standing in state.purposes.items() if standing.state is PurposeState.OPTED_IN}
    assert back == set(RESTORED_BY_START)
    assert state.purposes[Purpose.MARKETING].state is PurposeState.OPTED_OUT


def test_a_form_opts_in_to_exactly_what_it_says() -> None:
    state = after(EventKind.OPT_IN, purposes=(Purpose.APPOINTMENT,), basis=Basis.EXPRESS)

    assert set(state.purposes) == {Purpose.APPOINTMENT}
    assert state.overall(NOW) is Overall.OPTED_IN


def test_a_partial_opt_out_ends_its_purpose_alone() -> None:
    opted_in = LedgerEntry(UUID(int=1), EventKind.OPT_IN, NOW, CONSENTED, Basis.EXPRESS_WRITTEN)
    partial = LedgerEntry(UUID(int=2), EventKind.OPT_OUT_PARTIAL, NOW, (Purpose.MARKETING,))

    state = fold([opted_in, partial])

    out = {purpose for purpose, standing in state.purposes.items() if standing.state is PurposeState.OPTED_OUT}
    assert out == {Purpose.MARKETING}
    assert state.overall(NOW) is Overall.OPTED_IN


def test_a_partial_opt_out_outlives_a_text_of_theirs() -> None:
    partial = LedgerEntry(UUID(int=1), EventKind.OPT_OUT_PARTIAL, NOW, (Purpose.INQUIRY,))
    inquiry = LedgerEntry(UUID(int=2), EventKind.INQUIRY, NOW)

    state = fold([partial, inquiry])

    assert state.purposes[Purpose.INQUIRY].state is PurposeState.OPTED_OUT
    assert state.purposes[Purpose.REPLY].state is PurposeState.INQUIRED


def test_a_second_hold_keeps_the_first_ones_beginning() -> None:
    state = after(EventKind.INQUIRY, EventKind.HOLD, EventKind.HOLD)

    assert state.held is not None
    assert state.held.since == NOW - timedelta(minutes=1)
    assert state.overall(NOW) is Overall.HELD


@pytest.mark.parametrize("ending", [EventKind.RESUME, EventKind.OPT_IN, EventKind.START, EventKind.OPT_OUT])
def test_a_hold_ends_by_being_settled(ending: EventKind) -> None:
    assert after(EventKind.INQUIRY, EventKind.HOLD, ending).held is None


@pytest.mark.parametrize(
    ("on", "off", "switch"),
    [
        (EventKind.CARRIER_BLOCK, EventKind.CARRIER_UNBLOCK, "carrier_blocked"),
        (EventKind.RESTRICT, EventKind.UNRESTRICT, "restricted"),
        (EventKind.HOLD, EventKind.RESUME, "held"),
    ],
)
def test_a_switch_is_on_until_its_own_end(on: EventKind, off: EventKind, switch: str) -> None:
    assert getattr(after(EventKind.INQUIRY, on), switch) is not None
    assert getattr(after(EventKind.INQUIRY, on, off), switch) is None


def test_a_start_at_the_network_and_our_ledger_are_kept_apart() -> None:
    state = after(EventKind.CARRIER_BLOCK, EventKind.OPT_OUT, EventKind.CARRIER_UNBLOCK)

    assert state.carrier_blocked is None
    assert state.opted_out is not None  # only the person's own yes ends it


def test_no_to_calls_is_no_word_about_texts() -> None:
    state = after(EventKind.INQUIRY, EventKind.VOICE_OPT_OUT)

    assert state.voice_opted_out is not None
    assert state.overall(NOW) is Overall.INQUIRED


@pytest.mark.parametrize(
    ("kinds", "reading"),
    [
        ((EventKind.OPT_IN_PENDING,), Overall.PENDING),
        ((EventKind.OPT_IN_PENDING, EventKind.OPT_IN), Overall.OPTED_IN),
        ((EventKind.INQUIRY, EventKind.OPT_IN_PENDING), Overall.PENDING),
        ((EventKind.OPT_IN, EventKind.HOLD), Overall.HELD),
        ((EventKind.OPT_IN, EventKind.HOLD, EventKind.OPT_OUT), Overall.OPTED_OUT),
        ((EventKind.OPT_OUT, EventKind.HOLD), Overall.OPTED_OUT),
        ((EventKind.OPT_OUT, EventKind.START), Overall.OPTED_IN),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_the_overall_reading_is_the_most_restrictive(kinds: tuple[EventKind, ...], reading: Overall) -> None:
    assert after(*kinds).overall(NOW) is reading


def test_since_is_when_the_reading_last_changed() -> None:
    state = after(EventKind.INQUIRY, EventKind.INQUIRY, EventKind.OPT_OUT, EventKind.OPT_OUT)

    assert state.since == NOW - timedelta(minutes=1)
    assert state.source == "opt_out"


def test_an_inquiry_by_form_permits_follow_ups_and_no_reply() -> None:
    """No text of theirs is there to reply to."""
    assert set(after(EventKind.INQUIRY, purposes=(Purpose.INQUIRY,)).purposes) == {Purpose.INQUIRY}


def test_a_form_that_names_inquiry_permits_follow_ups_and_no_reply() -> None:
    state = after(EventKind.INQUIRY, purposes=(Purpose.INQUIRY,))

    assert set(state.purposes) == {Purpose.INQUIRY}
    assert state.purposes[Purpose.INQUIRY].until == NOW + timedelta(days=90)


def test_a_form_after_a_text_leaves_the_reply_to_that_text_as_it_was() -> None:
    text = LedgerEntry(UUID(int=1), EventKind.INQUIRY, NOW - timedelta(hours=1))
    form = LedgerEntry(UUID(int=2), EventKind.INQUIRY, NOW, (Purpose.INQUIRY,))
    state = fold([text, form])

    assert state.purposes[Purpose.REPLY].event_id == text.id
    assert state.purposes[Purpose.INQUIRY].event_id == form.id


@given(ledgers, st.lists(st.sampled_from(Purpose), min_size=1))
def test_an_inquiry_grants_no_purpose_that_it_does_not_name(before: list[LedgerEntry], named: list[Purpose]) -> None:
    state = fold(before)
    asked = state_after(state, LedgerEntry(UUID(int=1), EventKind.INQUIRY, NOW, tuple(named)))

    changed = {p for p in asked.purposes if asked.purposes[p] != state.purposes.get(p)}
    assert changed <= {Purpose.REPLY, Purpose.INQUIRY} & set(named)


def test_what_they_end_while_a_question_is_open_is_asked_no_more() -> None:
    asked = LedgerEntry(UUID(int=1), EventKind.OPT_IN_PENDING, NOW, (Purpose.INQUIRY, Purpose.MARKETING))
    partial = LedgerEntry(UUID(int=2), EventKind.OPT_OUT_PARTIAL, NOW, (Purpose.MARKETING,))
    rest = LedgerEntry(UUID(int=3), EventKind.OPT_OUT_PARTIAL, NOW, (Purpose.INQUIRY,))

    less = fold([asked, partial]).pending
    assert less is not None
    assert (less.event_id, less.purposes) == (asked.id, (Purpose.INQUIRY,))
    assert fold([asked, partial, rest]).pending is None
