"""A simulator with two accounts, and a program under test that notes what it is told and answers as bid."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from simulator.server import Running, start
from simulator.wire import Answer, Request, WireServer

SETTLE_S = 5.0


@dataclass
class Program:
    """Stands where the product would: keeps every request; `answers` are used up first, then 204."""

    answers: deque[Answer] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.answers.popleft() if self.answers else Answer(204)

    @property
    def forms(self) -> list[dict[str, str]]:
        return [dict(request.form()) for request in self.requests]

    @property
    def statuses(self) -> list[str]:
        return [form["MessageStatus"] for form in self.forms]


APART_S = 0.4  # between callbacks whose order a test asserts: each is posted by a thread of its own


@dataclass
class World:
    sim: Running
    program: Program
    account = "AC" + "1" * 32
    token = "token-of-one"
    number = "+14155550101"  # a long code by itself
    pooled = "+14155550102"  # in the service
    toll_free = "+18885550103"
    own_words = "+14155550104"  # the customer answers STOP
    service = "MG" + "5" * 32
    other_account = "AC" + "2" * 32
    other_token = "token-of-two"
    other_number = "+12125550105"
    lead = "+13125550150"

    @property
    def messages(self) -> str:
        return f"{self.sim.url}/2010-04-01/Accounts/{self.account}/Messages"

    @property
    def auth(self) -> tuple[str, str]:
        return self.account, self.token

    def create(self, **form: Any) -> requests.Response:
        """A create from the long code to the lead, changed by `form`; a parameter set to None is left out."""
        form = {"To": self.lead, "From": self.number, "Body": "Yes, it is still available."} | form
        return requests.post(f"{self.messages}.json", data=form, auth=self.auth, timeout=5, allow_redirects=False)

    def get(self, path: str, **query: Any) -> requests.Response:
        """GET below …/Messages."""
        return requests.get(f"{self.messages}{path}", params=query, auth=self.auth, timeout=5, allow_redirects=False)

    def listed(self, **query: Any) -> list[dict[str, Any]]:
        return self.get(".json", **query).json()["messages"]

    def control(self, path: str, /, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.sim.url}/sim/{path}", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def look(self, path: str) -> dict[str, Any]:
        return requests.get(f"{self.sim.url}/sim/{path}", timeout=5).json()

    def text(self, body: str, **change: Any) -> dict[str, Any]:
        """The lead texts the long code."""
        return self.control(
            "inbound", **{"account": self.account, "from": self.lead, "to": self.number, "body": body, **change}
        )

    def settle(self) -> None:
        assert self.sim.carrier.timetable.settle(SETTLE_S)

    def callback(self, fragment: str = "") -> str:
        return f"{self.program.url}/status/1?ref=a%20b{fragment}"


@pytest.fixture
def program():
    program = Program()
    server = WireServer("127.0.0.1", 0, program)
    program.url = server.url
    yield program
    server.stop()


@pytest.fixture
def world(program):
    running = start(
        target=program.url,
        seed=7,
        accounts=[
            {
                "sid": World.account,
                "token": World.token,
                "numbers": [
                    {"number": World.number},
                    {"number": World.pooled, "messaging_service": World.service, "opt_out": "advanced"},
                    {"number": World.toll_free, "type": "toll_free"},
                    {"number": World.own_words, "opt_out": "ours"},
                ],
            },
            {"sid": World.other_account, "token": World.other_token, "numbers": [{"number": World.other_number}]},
        ],
    )
    world = World(running, program)
    world.control("faults", carrier={"callback": {"delay_s": 0.01}})
    yield world
    running.stop()
