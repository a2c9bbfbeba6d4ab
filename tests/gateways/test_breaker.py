"""The breaker opens on trouble, lets one probe through and closes only by it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smsbot.gateways.breaker import CONSECUTIVE_FAILURES, OPEN_S, WINDOW_S, Breaker


def call(breaker: Breaker, *, works: bool) -> None:
    ticket = breaker.admit()
    assert ticket is not None
    (breaker.succeeded if works else breaker.failed)(ticket)


def opened(seconds: Callable[[], float]) -> Breaker:
    breaker = Breaker(seconds)
    for _ in range(CONSECUTIVE_FAILURES):
        call(breaker, works=False)
    return breaker


def test_five_failures_in_a_row_open_it(seconds: Any) -> None:
    breaker = Breaker(seconds)
    for _ in range(CONSECUTIVE_FAILURES - 1):
        call(breaker, works=False)

    assert breaker.retry_after_s() == 0.0
    call(breaker, works=False)
    assert breaker.admit() is None
    assert breaker.retry_after_s() == OPEN_S


def test_a_success_in_between_starts_the_row_anew(seconds: Any) -> None:
    breaker = Breaker(seconds)
    for works in (False, False, False, False, True, False, False, False, False):
        call(breaker, works=works)

    assert breaker.admit() is not None


def test_half_of_ten_calls_within_a_minute_open_it(seconds: Any) -> None:
    breaker = Breaker(seconds)
    for number in range(10):
        seconds.now += 5
        call(breaker, works=number % 2 == 0)

    assert breaker.admit() is None


def test_failures_older_than_a_minute_are_forgotten(seconds: Any) -> None:
    breaker = Breaker(seconds)
    for works in (False, False, True, False, False, True):
        call(breaker, works=works)
    seconds.now += WINDOW_S + 1
    for works in (True, True, True, True, False):
        call(breaker, works=works)

    assert breaker.admit() is not None


def test_nine_calls_are_too_few_to_judge_by_share(seconds: Any) -> None:
    breaker = Breaker(seconds)
    for number in range(9):
        call(breaker, works=number % 2 == 1)

    assert breaker.admit() is not None


def test_one_probe_at_a_time_after_ten_seconds(seconds: Any) -> None:
    breaker = opened(seconds)
    seconds.now += OPEN_S

    assert breaker.admit() is not None
    assert breaker.admit() is None


def test_a_probe_that_works_closes_it(seconds: Any) -> None:
    breaker = opened(seconds)
    seconds.now += OPEN_S
    call(breaker, works=True)

    call(breaker, works=True)
    call(breaker, works=False)
    assert breaker.admit() is not None


def test_a_probe_that_fails_opens_it_for_ten_more_seconds(seconds: Any) -> None:
    breaker = opened(seconds)
    seconds.now += OPEN_S
    call(breaker, works=False)

    assert breaker.admit() is None
    assert breaker.retry_after_s() == OPEN_S


def test_a_late_success_of_a_call_from_before_does_not_close_it(seconds: Any) -> None:
    breaker = Breaker(seconds)
    early = breaker.admit()
    assert early is not None
    for _ in range(CONSECUTIVE_FAILURES):
        call(breaker, works=False)
    breaker.succeeded(early)

    assert breaker.admit() is None


def test_a_withdrawn_probe_makes_room_for_the_next(seconds: Any) -> None:
    breaker = opened(seconds)
    seconds.now += OPEN_S
    probe = breaker.admit()
    assert probe is not None
    breaker.withdrawn(probe)

    assert breaker.admit() is not None


def test_a_probe_that_never_reports_is_forgotten(seconds: Any) -> None:
    breaker = opened(seconds)
    seconds.now += OPEN_S
    breaker.admit()
    seconds.now += OPEN_S

    assert breaker.admit() is not None


def test_only_one_of_many_threads_gets_the_probe(seconds: Any) -> None:
    breaker = opened(seconds)
    seconds.now += OPEN_S
    start, tickets = threading.Barrier(16), []

    def ask() -> None:
        start.wait(5)
        tickets.append(breaker.admit())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert len(tickets) == 16
    assert sum(ticket is not None for ticket in tickets) == 1


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=60))
def test_it_never_stays_shut_longer_than_its_pause(steps: list[tuple[bool, float]]) -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for works, pause in steps:
        now[0] += pause
        ticket = breaker.admit()
        if ticket is not None:
            (breaker.succeeded if works else breaker.failed)(ticket)
    now[0] += OPEN_S

    assert breaker.admit() is not None
