"""What is due later: a clock thread for quick things, a few daemon threads for what may wait on the network."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], None]
log = logging.getLogger(__name__)


class Timetable:
    """Runs jobs at monotonic instants. `pending` counts what has been asked for and is not finished."""

    def __init__(self, threads: int = 32) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Job]] = []
        self._count = 0
        self._unfinished = 0
        self._stopped = False
        self._slow: SimpleQueue[Job | None] = SimpleQueue()
        self._workers = threads
        self._threads = [threading.Thread(target=self._keep_time, name="simulator-clock", daemon=True)]
        self._threads += [
            threading.Thread(target=self._work, name="simulator-post", daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pending(self) -> int:
        return len(self._due) + self._unfinished

    def at(self, due: float, job: Job) -> None:
        """Runs `job` on the clock thread at `due`; it must not wait for anything."""
        with self._changed:
            self._count += 1  # equal instants keep their order
            heapq.heappush(self._due, (due, self._count, job))
            if self._due[0][1] == self._count:
                self._changed.notify_all()

    def soon(self, job: Job) -> None:
        """Runs `job`, which may take its time, on the next free thread."""
        with self._changed:
            self._unfinished += 1
        self._slow.put(job)

    def settle(self, timeout_s: float) -> bool:
        """Whether everything was done within `timeout_s`."""
        until = time.monotonic() + timeout_s
        while self.pending:
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def clear(self) -> None:
        """Forgets what is not yet due; what runs is finished."""
        with self._changed:
            self._due.clear()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._due.clear()
            self._changed.notify_all()
        for _ in range(self._workers):
            self._slow.put(None)

    def _keep_time(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._stopped:
                    return
                _, _, job = heapq.heappop(self._due)
                self._unfinished += 1
            self._run(job)

    def _work(self) -> None:
        while (job := self._slow.get()) is not None:
            if self._stopped:
                return
            self._run(job)

    def _run(self, job: Job) -> None:
        try:
            job()
        except Exception:
            log.exception("the simulator's own fault in what was due")
        finally:
            with self._changed:
                self._unfinished -= 1
