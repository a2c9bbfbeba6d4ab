"""Delivery only ever goes forward, whatever order the carrier's reports come in."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.delivery import RANK, REPORTED, moved_on, state_reported, states_before
from conversations.vocabulary import WAITING, State

SENT_PATH = ("accepted", "queued", "sending", "sent")
FINAL = (State.DELIVERED, State.UNDELIVERED, State.FAILED, State.CANCELED, State.BLOCKED)
EIGHT = ("accepted", "queued", "sending", "sent", "sent", "delivered", "read", "undelivered")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", State.SENT),
        ("scheduled", State.SENT),
        ("queued", State.SENT),
        ("sending", State.SENT),
        ("sent", State.SENT),
        ("partially_delivered", State.SENT),
        ("delivered", State.DELIVERED),
        ("read", State.DELIVERED),
        ("undelivered", State.UNDELIVERED),
        ("failed", State.FAILED),
        ("canceled", State.CANCELED),
        (" Delivered ", State.DELIVERED),
        ("received", None),
        ("receiving", None),
        ("", None),
        ("something new", None),
    ],
)
def test_each_status_of_the_carrier_means_one_state(status: str, state: State | None) -> None:
    assert state_reported(status) is state


def test_no_order_of_the_reports_ever_goes_back() -> None:
    for order in itertools.permutations(EIGHT):
        state = State.SENDING
        rank = RANK[state]
        first_final = None
        for status in order:
            reported = REPORTED[status]
            state = moved_on(state, reported)
            assert RANK[state] >= rank
            rank = RANK[state]
            first_final = first_final or (reported if reported in FINAL else None)
        assert state is first_final


@given(st.sampled_from(FINAL), st.lists(st.sampled_from(sorted(REPORTED))))
def test_a_final_state_absorbs_whatever_follows(final: State, statuses: list[str]) -> None:
    state = final
    for status in statuses:
        state = moved_on(state, REPORTED[status])

    assert state is final


@given(st.sampled_from(State), st.sampled_from(State))
def test_the_condition_of_the_update_is_the_rule(state: State, reported: State) -> None:
    assert (state in states_before(reported)) == (moved_on(state, reported) is reported and state is not reported)


@pytest.mark.parametrize("state", [*WAITING, State.SENDING, State.UNKNOWN])
@pytest.mark.parametrize("status", ["sent", "delivered", "failed"])
def test_a_text_without_an_outcome_takes_every_report(state: State, status: str) -> None:
    assert moved_on(state, REPORTED[status]) is REPORTED[status]


def test_every_state_has_a_place() -> None:
    assert set(RANK) == set(State)
