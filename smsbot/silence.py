"""Whether a database still answers: one that has fallen silent is given up within a second, one that is slow is not.

A statement without an answer says little: it may wait for a lock, and a commit that was given up may still have
happened. So the server itself is asked, on a connection of its own. libpq has no limit for this: it waits two seconds
at least for a new connection, and for the answer to a statement as long as the other machine's kernel is alive.
"""

from __future__ import annotations

import math
import socket
import struct
import threading
import time
from typing import Any, TypeVar

import psycopg
from psycopg import pq
from psycopg.abc import PQGen

from smsbot.pipeline import forget_prepared

# https://www.postgresql.org/docs/current/protocol-message-formats.html, SSLRequest: answered with one byte before
# anybody has logged in, even when no connection is free, by PostgreSQL and by the poolers in front of it.
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
TRUSTED_FOR_S = 0.3  # that somebody is there

# Silence is noticed after 0.15 s, the server has 0.35 s, a late answer 0.05 s: 0.55 s for whoever has a connection, and
# 0.9 s for whoever waited for one of theirs and then asks once more. A second is what there is.
ASK_AFTER_S = 0.1
LOOK_EVERY_S = 0.05
ASK_TIMEOUT_S = 0.35
LONGEST_WAIT_S = (
    15.0  # the server itself ends a statement after less: then this one backend hangs, whoever else answers
)

RV = TypeVar("RV")


class DatabaseSilent(psycopg.OperationalError):
    """The database does not answer any more. What was asked of it last may or may not have happened."""


class Door:
    """Where a server listens: a host name or address, or the folder of its socket."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self.host, self.port, self.timeout_s = host, port, timeout_s
        self._asking = threading.Lock()
        self._answered, self._asked_at = False, -math.inf

    def answers(self, *, trusted_for_s: float = 0.0) -> bool:
        """Whether somebody is there, or was at most `trusted_for_s` ago. Takes no longer than `timeout_s` per address.

        Many who ask at once ask once. That nobody was there is not remembered for who comes later: the carrier repeats
        a webhook a few times only, and must not use them up while we are not even looking.
        """
        came_at = time.monotonic()
        with self._asking:
            if self._asked_at < came_at and not (self._answered and came_at - self._asked_at < trusted_for_s):
                self._answered = self._ask()
                self._asked_at = time.monotonic()
            return self._answered

    def _ask(self) -> bool:
        try:
            with self._connected() as connection:
                connection.sendall(SSL_REQUEST)
                return bool(connection.recv(1))
        except OSError:
            return False

    def _connected(self) -> socket.socket:
        if not self.host.startswith("/"):
            return socket.create_connection((self.host, self.port), timeout=self.timeout_s)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self.timeout_s)
        try:
            connection.connect(f"{self.host}/.s.PGSQL.{self.port}")
        except OSError:
            connection.close()
            raise
        return connection


class WatchfulConnection(psycopg.Connection[Any]):
    """A connection that closes itself, and raises DatabaseSilent, when behind its `door` nobody answers any more."""

    door: Door | None = None

    def wait(self, gen: PQGen[RV], interval: float = LOOK_EVERY_S, timeout: float | None = None) -> RV:
        if self.door is None:
            return super().wait(gen, timeout=timeout)
        return super().wait(self._watched(gen), interval, timeout)

    def rollback(self) -> None:
        open_still = self.pgconn.transaction_status != pq.TransactionStatus.IDLE
        super().rollback()
        if open_still:  # then the driver deallocates every statement, and we would name one that is gone
            forget_prepared(self)

    def _watched(self, gen: PQGen[RV]) -> PQGen[RV]:
        """The same generator; whenever the server has sent nothing for a while, it is asked whether it is there."""
        try:
            wanted = next(gen)
            heard_at = time.monotonic()
            while True:
                ready = yield wanted
                if ready:
                    heard_at = time.monotonic()
                elif self._silent(time.monotonic() - heard_at):
                    ready = yield wanted  # the answer may have come while we asked
                    if not ready:
                        self.pgconn.finish()
                        raise DatabaseSilent("the database does not answer any more")
                wanted = gen.send(ready)
        except StopIteration as end:
            value: RV = end.value
            return value

    def _silent(self, waited_s: float) -> bool:
        if self.door is None or waited_s <= ASK_AFTER_S:
            return False
        return waited_s > LONGEST_WAIT_S or not self.door.answers(trusted_for_s=TRUSTED_FOR_S)
