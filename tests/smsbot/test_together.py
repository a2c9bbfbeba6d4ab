"""Who waits at the same moment is served together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from smsbot.together import Together

PATIENCE_S = 5.0


class Counter:
    """Serves numbers by their squares; what it is given first it keeps until `go_on` is set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go_on = threading.Event()
        self.failure: Exception | None = None

    def serve(self, key: Hashable, asked: Sequence[int]) -> list[int]:
        self.batches.append(list(asked))
        if len(self.batches) == 1:
            assert self.go_on.wait(PATIENCE_S)
        if self.failure is not None:
            raise self.failure
        return [number**2 for number in asked]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _as_many_wait(together: Together[int, int], key: str, count: int) -> bool:
    return together.waiting(key) == count


def asked_in_turn(
    pool: ThreadPoolExecutor, together: Together[int, int], numbers: Sequence[int], key: str = "k"
) -> list[Future[int]]:
    """Each asks once the one before is waiting."""
    futures = []
    for count, number in enumerate(numbers):
        futures.append(pool.submit(together.ask, key, number))
        until(partial(_as_many_wait, together, key, count))
    return futures


def test_who_comes_while_another_is_served_is_served_with_all_who_wait() -> None:
    counter = Counter()
    together = Together(counter.serve, most=10)
    with ThreadPoolExecutor(8) as pool:
        futures = asked_in_turn(pool, together, [1, 2, 3, 4])
        counter.go_on.set()
        answers = [future.result(PATIENCE_S) for future in futures]

    assert answers == [1, 4, 9, 16]
    assert counter.batches == [[1], [2, 3, 4]]


def test_no_batch_is_larger_than_it_may_be() -> None:
    counter = Counter()
    together = Together(counter.serve, most=2)
    with ThreadPoolExecutor(8) as pool:
        futures = asked_in_turn(pool, together, [1, 2, 3, 4, 5, 6])
        counter.go_on.set()
        answers = [future.result(PATIENCE_S) for future in futures]

    assert answers == [1, 4, 9, 16, 25, 36]
    assert counter.batches == [[1], [2, 3], [4, 5], [6]]


def test_those_who_must_be_apart_are_served_one_after_the_other_and_in_their_order() -> None:
    counter = Counter()
    together = Together(counter.serve, most=3, apart=lambda number: number % 10)
    with ThreadPoolExecutor(8) as pool:
        futures = asked_in_turn(pool, together, [1, 2, 12, 22, 3, 4])
        counter.go_on.set()
        answers = [future.result(PATIENCE_S) for future in futures]

    assert answers == [1, 4, 144, 484, 9, 16]
    assert counter.batches == [[1], [2, 3, 4], [12], [22]]


def test_one_key_does_not_wait_for_another() -> None:
    counter = Counter()
    together = Together(counter.serve, most=10)
    with ThreadPoolExecutor(8) as pool:
        (first,) = asked_in_turn(pool, together, [1], "slow")
        other = together.ask("quick", 5)
        waited = not first.done()
        counter.go_on.set()

    assert (other, waited, first.result()) == (25, True, 1)


def test_what_serving_raises_is_raised_to_those_served_and_to_those_who_wait_and_not_to_who_comes_later() -> None:
    counter = Counter()
    counter.failure = ConnectionError("away")
    together = Together(counter.serve, most=2)
    with ThreadPoolExecutor(8) as pool:
        futures = asked_in_turn(pool, together, [1, 2, 3, 4])
        counter.go_on.set()
        failures = [type(future.exception(PATIENCE_S)) for future in futures]
    counter.failure = None

    assert failures == [ConnectionError] * 4
    assert counter.batches == [[1]]
    assert together.ask("k", 6) == 36


@pytest.mark.parametrize("most", [1, 4, 16])
def test_each_of_many_gets_its_own_answer_once(most: int) -> None:
    served: list[int] = []

    def serve(_: Hashable, asked: Sequence[int]) -> list[int]:
        served.extend(asked)
        return [-number for number in asked]

    together = Together(serve, most=most, apart=lambda number: number % 7)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda number: together.ask(number % 3, number), range(600)))

    assert answers == [-number for number in range(600)]
    assert sorted(served) == list(range(600))
    assert [together.waiting(key) for key in range(3)] == [None, None, None]
