"""Puts the stand-ins together on one address: carrier, model, control and the phone page.

Twilio's API is under /2010-04-01/ and /v2/PhoneNumbers/, the model's under /v1/, control under /sim/, the page at / and under /page/.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.carrier import Carrier
from simulator.carrier_api import LOOKUPS, STORAGE, CarrierAPI
from simulator.control import Control
from simulator.draws import Draws
from simulator.journal import Clock, Journal
from simulator.messages import API_VERSION
from simulator.model import Model
from simulator.page import Page
from simulator.phones import Phones
from simulator.timetable import Timetable
from simulator.webhooks import Caller
from simulator.wire import Answer, Request, WireServer, json_answer

TARGET = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Running:
    """A simulator that serves. Everything that HTTP can do is also within reach: `carrier`, `model`, `control`."""

    url: str
    carrier: Carrier
    model: Model
    control: Control
    _server: WireServer
    _stopping: threading.Event

    def stop(self) -> None:
        """Closes every line and drops what was due. May be called twice."""
        self._stopping.set()
        self._server.stop()
        self.carrier.timetable.stop()
        self.carrier.journal.close()


def start(
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    target: str = TARGET,
    public_url: str | None = None,
    seed: int | None = None,
    accounts: Iterable[Mapping[str, Any]] = (),
    log: Path | None = None,
) -> Running:
    """Serves from now on; port 0 takes a free one. `target` is where the program under test listens, and `public_url`
    its PUBLIC_URL when that differs: webhooks are signed for the latter and sent to the former.

    Without a seed one is made up: message sids follow from it, and a program that keeps its data must not see the sids
    of yesterday's run again. Raises ValueError for an address off loopback or a wrong account.
    """
    stopping = threading.Event()
    clock = Clock()
    journal = Journal(clock, log)
    draws = Draws(secrets.randbits(48) if seed is None else seed)
    caller = Caller(target, public_url)
    carrier = Carrier(caller, draws, clock, journal, Timetable())
    model = Model(draws, clock, journal, stopping.wait)
    control = Control(carrier, model, time.monotonic())
    api = CarrierAPI(carrier, stopping.wait)
    page = Page(carrier, model, Phones(carrier))
    for account in accounts:
        carrier.add_account(account)

    def answer(request: Request) -> Answer:
        if request.target.startswith((f"/{API_VERSION}/", LOOKUPS)):
            return api.answer(request)
        if request.target.startswith("/v1/"):
            return model.answer(request)
        if request.target.startswith("/sim/"):
            return control.answer(request)
        if request.target.startswith(STORAGE):
            return api.storage(request)
        if request.path == "/" or request.path.startswith("/page/"):
            return page.answer(request)
        return json_answer(404, {"error": "nothing here: see / and /sim/state"})

    server = WireServer(host, port, answer)
    carrier.base_url = server.url
    return Running(server.url, carrier, model, control, server, stopping)
