"""Somebody at a public form, as tests use one: no cookies, the fields that the page holds, sent as a browser sends them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from werkzeug.test import TestResponse

from consent.purposes import Purpose
from conversations import forms
from conversations.forms import Draft, FormView
from smsbot.actor import SYSTEM
from tests.world import LEAD, PUBLIC_URL, Business, World

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
EVERYTHING = (Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION, Purpose.MARKETING)
SERVICE = (Purpose.INQUIRY, Purpose.APPOINTMENT)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Test/1.0"
READING = timedelta(seconds=9)


def a_form(
    world: World,
    *,
    purposes: Sequence[Purpose] = SERVICE,
    language: str = "en",
    double_opt_in: bool = False,
    origins: Sequence[str] = (),
    wording: str = "",
    of: Business | None = None,
    published: bool = True,
) -> FormView:
    """A form with the usual words, on its address unless said otherwise."""
    business = of or world.home
    draft = Draft(
        "Ask about a home", "website", business.number_id, language, tuple(purposes), double_opt_in, tuple(origins), wording
    )  # fmt: skip
    form_id = forms.create(world.runtime, business.id, SYSTEM, draft)
    if published:
        forms.publish(world.runtime, business.id, SYSTEM, form_id)
    return seen(world, form_id, of=business)


def seen(world: World, form_id: UUID, *, of: Business | None = None) -> FormView:
    """The form as staff see it now."""
    with world.runtime.transaction((of or world.home).id) as session:
        return forms.form_of(world.runtime, session, SYSTEM, form_id)


@dataclass
class Visitor:
    """Opens one form and sends it, after a time that a person needs."""

    world: World
    token: str
    hidden: dict[str, str] = field(default_factory=dict)
    page: str = ""

    def open(self, query: str = "", **headers: str) -> TestResponse:
        answer = self.world.app.test_client(use_cookies=False).get(
            f"/f/{self.token}{query}", base_url=PUBLIC_URL, headers=headers
        )
        return self._read(answer)

    def send(
        self,
        number: str = LEAD,
        *,
        ticked: bool = False,
        after: timedelta = READING,
        headers: dict[str, str] | None = None,
        query: str = "",
        **fields: str,
    ) -> TestResponse:
        """What the page holds, with these fields; `after` it was opened."""
        if not self.hidden:
            self.open(query)
        self.world.clock.advance(after)
        sent = {**self.hidden, "name": "Maria Lopez", "number": number, "website": ""}
        sent |= {"agree": "yes"} if ticked else {}
        sent |= fields
        answer = self.world.app.test_client(use_cookies=False).post(
            f"/f/{self.token}{query}",
            data=sent,
            base_url=PUBLIC_URL,
            headers={"User-Agent": BROWSER, "Sec-Fetch-Site": "same-origin", **(headers or {})},
        )
        return self._read(answer)

    def _read(self, answer: TestResponse) -> TestResponse:
        self.page = answer.get_data(as_text=True)
        if found := HIDDEN.findall(self.page):
            self.hidden = {name: html.unescape(value) for name, value in found}
        return answer


def visitor(world: World, form: FormView) -> Visitor:
    return Visitor(world, form.token)
