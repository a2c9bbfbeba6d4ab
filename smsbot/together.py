"""Who comes while others are served waits, and is then served together with all who wait: by one of their own threads.

Nobody waits for company: who comes first is served at once, alone. A batch is what has come meanwhile.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Serves what is asked under one key in batches, one batch at a time; what has other keys does not wait for it.

    `serve(key, asked)` returns one answer each, in their order, and begins after each of them has come. What it raises
    is raised to all of them and to all who wait: it stands for something that they would only find out one after the
    other. At most `most` are one batch. Those for which `apart` gives the same value are never in the same batch, and
    are served in the order in which they came.
    """

    def __init__(
        self,
        serve: Callable[[Hashable, Sequence[Asked]], Sequence[Answer]],
        *,
        most: int,
        apart: Callable[[Asked], Hashable] | None = None,
    ) -> None:
        self._serve, self._most, self._apart = serve, most, apart
        self._waiting: dict[Hashable, deque[_Ticket[Asked, Answer]]] = {}  # by the keys that are being served
        self._lock = Lock()

    def ask(self, key: Hashable, asked: Asked) -> Answer:
        """The answer to `asked`, once it is there."""
        ticket = _Ticket[Asked, Answer](asked)
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = deque()
            else:
                waiting.append(ticket)
        if waiting is not None:
            ticket.called.acquire()
        if not ticket.done:
            self._lead(key, ticket)
        if ticket.error is not None:
            raise ticket.error
        (answer,) = ticket.answers
        return answer

    def waiting(self, key: Hashable) -> int | None:
        """How many wait while others are served; None when nobody is."""
        with self._lock:
            waiting = self._waiting.get(key)
            return None if waiting is None else len(waiting)

    def _lead(self, key: Hashable, leader: _Ticket[Asked, Answer]) -> None:
        batch = [leader]
        answers: Sequence[Answer] = ()
        served = False
        try:
            batch += self._company(key, leader)
            answers = self._serve(key, [ticket.asked for ticket in batch])
            served = True
        finally:
            with self._lock:
                waiting = self._waiting[key]
                if not served:
                    batch += waiting
                    waiting.clear()
                following = waiting.popleft() if waiting else None
                if following is None:
                    del self._waiting[key]
            if following is not None:
                following.called.release()  # to serve whoever has come by then
            failure = None if served else sys.exception()
            for place, ticket in enumerate(batch):
                ticket.answers, ticket.error, ticket.done = answers[place : place + 1], failure, True
                ticket.called.release()

    def _company(self, key: Hashable, leader: _Ticket[Asked, Answer]) -> list[_Ticket[Asked, Answer]]:
        """Who goes with the leader; the others keep their order."""
        with self._lock:
            waiting = self._waiting[key]
            if self._apart is None:
                return [waiting.popleft() for _ in range(min(len(waiting), self._most - 1))]
            taken: list[_Ticket[Asked, Answer]] = []
            left: list[_Ticket[Asked, Answer]] = []
            seen = {self._apart(leader.asked)}
            for ticket in waiting:
                mark = self._apart(ticket.asked)
                if len(taken) < self._most - 1 and mark not in seen:
                    taken.append(ticket)
                else:
                    left.append(ticket)
                seen.add(mark)  # of those who stay as well: nobody overtakes their own
            waiting.clear()
            waiting.extend(left)
            return taken


class _Ticket(Generic[Asked, Answer]):
    """One who asked. `called` is held until they are served, or are the next to serve."""

    __slots__ = ("answers", "asked", "called", "done", "error")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.called = Lock()
        self.called.acquire()
        self.done = False
        self.answers: Sequence[Answer] = ()
        self.error: BaseException | None = None
