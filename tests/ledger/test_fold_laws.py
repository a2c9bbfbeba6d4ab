"""Laws of the fold: how events are batched changes nothing, and only a new yes ends a no."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from consent.purposes import CONSENTED, Purpose
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

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 300 * 24 * 3600 * 1000).map(lambda ms: BEGIN + timedelta(milliseconds=ms))
ZONED = st.builds(
    lambda at, hours: at.astimezone(timezone(timedelta(hours=hours))), TIMES, st.sampled_from([-10, -5, 0, 1])
)
EVENTS = st.lists(
    st.builds(
        LedgerEntry,
        id=st.uuids(),
        kind=st.sampled_from(EventKind),
        at=ZONED,
        purposes=st.lists(st.sampled_from(Purpose), max_size=3, unique=True).map(tuple),
        basis=st.none() | st.sampled_from(Basis),
        method=st.sampled_from(["", "sms_text", "sms_keyword", "web_form"]),
    ),
    max_size=12,
)
YES = (EventKind.START, EventKind.OPT_IN)


def stored(state: ConsentState) -> ConsentState:
    """The state as it comes back from the contact's row."""
    return state_from_json(json.loads(json.dumps(state_to_json(state))))


@given(EVENTS)
def test_a_state_comes_back_from_its_json_as_it_was(events: list[LedgerEntry]) -> None:
    state = fold(events)

    assert stored(state) == state
    assert state_to_json(stored(state)) == state_to_json(state)


@given(EVENTS, st.lists(st.integers(0, 12), max_size=5))
def test_the_fold_is_the_same_however_the_events_are_batched(events: list[LedgerEntry], cuts: list[int]) -> None:
    edges = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    state = NOTHING
    for start, end in pairwise(edges):
        for event in events[start:end]:
            state = state_after(state, event)
        state = stored(state)

    assert state == fold(events)


@given(EVENTS)
def test_nothing_but_an_opt_in_undoes_an_opt_out(events: list[LedgerEntry]) -> None:
    state = NOTHING
    for event in events:
        after = state_after(state, event)
        if state.opted_out is not None and event.kind not in YES:
            assert after.opted_out is not None
            assert after.overall(event.at) is Overall.OPTED_OUT
        state = after


@given(EVENTS)
def test_no_purpose_comes_back_after_a_no_without_a_yes(events: list[LedgerEntry]) -> None:
    state = NOTHING
    for event in events:
        after = state_after(state, event)
        if event.kind not in YES:
            for purpose, standing in state.purposes.items():
                if standing.state is PurposeState.OPTED_OUT:
                    assert after.purposes[purpose].state is PurposeState.OPTED_OUT
        state = after


@given(EVENTS, st.uuids(), TIMES)
def test_a_stop_ends_everything_whatever_came_before(events: list[LedgerEntry], event_id: UUID, at: datetime) -> None:
    state = state_after(fold(events), LedgerEntry(event_id, EventKind.OPT_OUT, at))

    assert state.overall(at) is Overall.OPTED_OUT
    assert (state.pending, state.held) == (None, None)
    assert {state.purposes[purpose].state for purpose in CONSENTED} == {PurposeState.OPTED_OUT}


@given(EVENTS)
def test_start_brings_marketing_back_only_where_it_names_it(events: list[LedgerEntry]) -> None:
    """By default it names all but marketing (C-030)."""
    state = NOTHING
    for event in events:
        after = state_after(state, event)
        if event.kind is EventKind.START and Purpose.MARKETING not in event.purposes:
            assert after.purposes.get(Purpose.MARKETING) == state.purposes.get(Purpose.MARKETING)
        state = after
