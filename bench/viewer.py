"""A dashboard without a screen: one signed-in session that asks for exactly what the page's script asks for, and when.

The rules are those of `dashboard/static/dashboard.js`: ask what has changed, fetch the page again when something has,
wait longer after each failure. Standard library only.
"""

from __future__ import annotations

import html
import http.client
import json
import random
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import quote, urlencode
from uuid import UUID

POLL_S = 0.75
SLOWEST_POLL_S = 10.0
MORE_S = 0.05
EASE = 2
TIMEOUT_S = 20.0
RECEIVED = "message.received"
REFUSED = (http.client.HTTPException, OSError)

CURSOR = re.compile(r'data-cursor="([^"]+)"')
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ENTRY = re.compile(r'data-id="([0-9a-f-]{36})"')


@dataclass(frozen=True)
class Step:
    """One successful round: the cursor that the page has reached, and the wall time when it stood."""

    cursor: str
    at: float


@dataclass
class Viewer:
    """One browser tab. What it was told, its rounds, failures and milliseconds are kept for whoever measures."""

    host: str
    port: int
    path: str = "/"
    poll_s: float = POLL_S
    page: str = field(default="", repr=False)
    told: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # each answer: its cursor, what has changed
    steps: list[Step] = field(default_factory=list)
    polls_ms: list[float] = field(default_factory=list)
    pages_ms: list[float] = field(default_factory=list)
    failures: int = 0
    cursor: str = ""
    _unshown: set[str] = field(default_factory=set)
    _everything: bool = False
    _cookies: dict[str, str] = field(default_factory=dict, repr=False)
    _line: http.client.HTTPConnection | None = field(default=None, repr=False)

    def sign_in(self, email: str, password: str) -> None:
        """RuntimeError when the form does not let us in."""
        _, form = self._ask("GET", "/login")
        found = TOKEN.search(form)
        if found is None:
            raise RuntimeError("the sign-in page has no form")
        pairs = {"csrf_token": html.unescape(found[1]), "email": email, "password": password}
        status, _ = self._ask("POST", "/login", urlencode(pairs))
        if status != 303 or not any(name.endswith("session") for name in self._cookies):
            raise RuntimeError(f"signing in was answered with {status}")

    def open(self, path: str) -> str:
        """The page as a person opens it; what comes after it is followed from here on."""
        status, page = self._ask("GET", path)
        found = CURSOR.search(page)
        if status != 200 or found is None:
            raise RuntimeError(f"{path} was answered with {status}")
        self.path, self.cursor, self.page = path, found[1], page
        return page

    def follow(self, stop: threading.Event, first_s: float = 0.0) -> None:
        """What an open page does until it is closed."""
        wait, failures = first_s, 0
        while not stop.wait(min(wait, SLOWEST_POLL_S) * random.uniform(0.9, 1.1)):
            try:
                more = self.look()
                wait, failures = MORE_S if more else max(self.poll_s, EASE * self.polls_ms[-1] / 1000), 0
            except REFUSED:
                failures += 1
                self.failures += 1
                wait = self.poll_s * 2 ** min(failures - 1, 2)
        self.close()

    def look(self) -> bool:
        """One round; whether there is more at once. An HTTPException or OSError when the server did not answer it."""
        began = time.monotonic()
        news = json.loads(self._fetch(f"/live?cursor={quote(self.cursor)}", "1"))
        self.polls_ms.append((time.monotonic() - began) * 1000)
        self._unshown.update(news["changed"])
        self._everything = self._everything or news["floor"]
        self.cursor = news["cursor"]
        self.told.append((self.cursor, tuple(news["changed"])))
        if not news["more"]:
            if self._unshown or self._everything:
                self._refresh()
            self.steps.append(Step(self.cursor, time.time()))
        return bool(news["more"])

    def _refresh(self) -> None:
        began = time.monotonic()
        path, _, queue = self.path.partition("?")
        if path.startswith("/c/"):
            if self._everything or path.removeprefix("/c/") in self._unshown:
                self.page = self._fetch(self.path, self.cursor)
            path = "/"
        self._fetch(f"{path}?{queue}", self.cursor)
        self._unshown.clear()
        self._everything = False
        self.pages_ms.append((time.monotonic() - began) * 1000)

    def _fetch(self, path: str, live: str) -> str:
        status, text = self._ask("GET", path, live=live)
        if status != 200:
            raise http.client.HTTPException(str(status))
        return text

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _ask(self, method: str, path: str, body: str | None = None, *, live: str = "") -> tuple[int, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if live:
            headers["X-Live"] = live
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        for again in (True, False):  # a kept line may have been closed meanwhile: a browser asks once more
            fresh = self._line is None
            line = self._line or http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
            self._line = line
            try:
                line.request(method, path, body, headers)
                answer = line.getresponse()
                content = answer.read()
                break
            except REFUSED:
                self.close()
                if fresh or not again:
                    raise
        for header in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(header).items():
                self._cookies[name] = morsel.value
        if answer.headers.get("Connection", "").lower() == "close":
            self.close()
        return answer.status, content.decode("utf-8")


def spread(count: int) -> list[float]:
    """When each of so many pages asks first: they were not opened at the same moment."""
    chance = random.Random(count)
    return [chance.uniform(0, POLL_S) for _ in range(count)]


@dataclass(frozen=True)
class Faults:
    """How what a page was told differs from what happened: texts it never heard of, conversations told for nothing or
    twice, answers in another order."""

    texts: int
    missing: int
    needless: int
    disordered: int


def placed(cursor: str) -> tuple[int, UUID]:
    """A cursor as PostgreSQL orders it."""
    xid, _, event = cursor.partition(".")
    return int(xid), UUID(event)


def faults(
    started: str, told: Sequence[tuple[str, tuple[str, ...]]], happened: Sequence[tuple[int, UUID, UUID, str]]
) -> Faults:
    """`happened` are the events after `started` in their order: transaction, id, conversation, kind.

    Each answer speaks of the events from the cursor before it to its own, and of no others.
    """
    reached = placed(started)
    rows = deque(row for row in happened if row[:2] > reached)
    texts = sum(1 for row in rows if row[3] == RECEIVED)
    missing = needless = disordered = 0
    for cursor, changed in told:
        disordered += placed(cursor) < reached
        reached = placed(cursor)
        due: dict[str, None] = {}
        while rows and rows[0][:2] <= reached:
            due[str(rows.popleft()[2])] = None
        missing += len(due.keys() - set(changed))
        needless += len(changed) - len(due.keys() & set(changed))
        disordered += tuple(due) != changed and set(due) == set(changed)
    return Faults(texts, missing + sum(1 for row in rows if row[3] == RECEIVED), needless, disordered)
