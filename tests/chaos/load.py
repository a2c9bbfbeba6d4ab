"""What people write, as the carrier tells it: planned from a seed, repeated with the same MessageSid until a 2xx."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.chaos.cluster import Shop

CLIENTS = 24
DUPLICATES = 0.06
PEOPLE = 150
TEXTS_EACH = 7  # on average at most, or in a long run everybody has stopped or talks to an agent
REPEAT_S = 0.3
AREAS = (212, 213, 303, 305, 404, 415, 503, 512, 214, 602, 617, 702)

SAID: Mapping[str, Sequence[str]] = {
    "question": (
        "Hi, are you open on Saturday?",
        "Is 412 Maple still available?",
        "What time do you close today?",
        "Where are you located?",
        "Do you have something with three bedrooms?",
    ),
    "stop": ("STOP", "Stop", "unsubscribe"),
    "start": ("START", "unstop"),
    "help": ("HELP", "info"),
    "thanks": ("ok thanks",),
}
SHARES = {"question": 0.80, "stop": 0.08, "start": 0.03, "help": 0.05, "thanks": 0.04}


@dataclass(frozen=True)
class Said:
    """One text: when it comes (seconds from the start), to which shop, from whom."""

    at_s: float
    shop: int
    person: str
    kind: str
    body: str
    sid: str
    twice: bool


def plan(seed: int, *, inbound: int, seconds: float, shops: int) -> list[Said]:
    """`inbound` texts, spread at random over `seconds`, oldest first. The same for the same arguments."""
    chance = random.Random(f"{seed}/load")
    people = [f"+1{area}5550{place}" for area in AREAS for place in range(100, 200)]
    chance.shuffle(people)
    people = people[: max(PEOPLE, inbound // TEXTS_EACH)]
    kinds, shares = list(SHARES), list(SHARES.values())
    moments = sorted(chance.uniform(0, seconds) for _ in range(inbound))
    texts = []
    for count, at_s in enumerate(moments):
        kind = chance.choices(kinds, shares)[0]
        texts.append(
            Said(
                at_s=at_s,
                shop=chance.randrange(shops),
                person=people[chance.randrange(len(people))],
                kind=kind,
                body=chance.choice(SAID[kind]),
                sid=f"SM{seed & 0xFFFFFFFF:08x}{count:024x}",
                twice=chance.random() < DUPLICATES,
            )
        )
    return texts


def form(shop: Shop, text: Said) -> dict[str, Any]:
    """The text as the simulator is told it."""
    return {"account": shop.account, "from": text.person, "to": shop.number, "body": text.body, "sid": text.sid}


class Load:
    """Tells every text of the plan at its time, from a pool of clients, until each has its 2xx or `give_up_s` is over.

    `tell` gives the simulator one text and returns what it answered.
    """

    def __init__(
        self,
        texts: Sequence[Said],
        forms: Callable[[Said], Mapping[str, Any]],
        tell: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        give_up_s: float,
    ) -> None:
        self._texts = texts
        self._forms = forms
        self._tell = tell
        self._give_up_s = give_up_s
        self.acked: dict[str, float] = {}  # sid -> when its first 200 was seen here, monotonic
        self.repeats = 0
        self._thread = threading.Thread(target=self._run, name="load")

    def start(self) -> None:
        self._began = time.monotonic()
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether every text was answered, or given up."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        with ThreadPoolExecutor(CLIENTS, thread_name_prefix="client") as clients:
            for text in self._texts:
                time.sleep(max(0.0, self._began + text.at_s - time.monotonic()))
                clients.submit(self._deliver, text)

    def _deliver(self, text: Said) -> None:
        form = {**self._forms(text), "copies": 2 if text.twice else 1, "parallel": text.twice}
        while time.monotonic() < self._began + self._give_up_s:
            try:
                statuses = self._tell(form)["statuses"]
            except OSError:
                statuses = []
            if any(200 <= status < 300 for status in statuses):
                self.acked[text.sid] = time.monotonic()
                return
            self.repeats += 1
            time.sleep(REPEAT_S)
