"""The phones on the page: which lead texts which business, what stands on the screen, and the wire behind each text."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.accounts import Account, Number, e164
from simulator.carrier import Carrier
from simulator.exchanges import Exchange, Kind
from simulator.fault_form import CODE_WORDS
from simulator.refusals import TEXTS

FICTITIOUS = re.compile(r"\+1[2-9]\d{2}55501\d{2}")  # 555-0100 to 555-0199 belong to nobody in any area code
FIRST_LEAD = 140  # the demo's own leads are 555-0171 and up
UNDER_WAY = frozenset({"accepted", "scheduled", "queued", "sending"})
FAILED = frozenset({"failed", "undelivered"})


@dataclass(frozen=True)
class Phone:
    """A lead's number, and the business number that it texts."""

    person: str
    account: Account
    number: Number

    @property
    def business(self) -> str:
        return self.account.name or national(self.number.number)

    def has(self, account: str, number: str | None, service: str | None) -> bool:
        """Whether a text with these belongs here; a text whose sender is not picked yet counts by its service."""
        if account != self.account.sid:
            return False
        return number == self.number.number if number else service == self.number.messaging_service


class Phones:
    """Safe to use from many threads. Phones that were added are kept until the simulator ends."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._lock = threading.Lock()
        self._added: dict[tuple[str, str], None] = {}

    # --- which phones there are -------------------------------------------------------------------------------------

    def businesses(self) -> list[tuple[Account, Number]]:
        """Every number that can be texted, in the order of the accounts."""
        accounts = list(self._carrier.accounts.values())
        return [(account, number) for account in accounts for number in account.numbers.values()]

    def phone(self, person: str, to: str) -> Phone:
        """Raises ValueError naming the field that is wrong."""
        lead = e164(person)
        if lead is None or not FICTITIOUS.fullmatch(lead):
            raise ValueError("phone: a number from 555-0100 to 555-0199 is needed, such as (312) 555-0142")
        owned = {number.number: (account, number) for account, number in self.businesses()}
        if lead in owned:
            raise ValueError("phone: this is the number of a business; take another one")
        if to not in owned:
            raise ValueError("to: not a number of an account here")
        return Phone(lead, *owned[to])

    def looked_at(self, person: str, to: str) -> Phone:
        """Also one outside those numbers that the program has texted, such as a form's lead: its thread may be read,
        though nobody can text as them here. Raises ValueError as `phone` does."""
        known = (phone for phone in self.phones() if (phone.person, phone.number.number) == (e164(person), to))
        return next(known, None) or self.phone(person, to)

    def add(self, phone: Phone) -> None:
        with self._lock:
            self._added[phone.person, phone.number.number] = None

    def phones(self) -> list[Phone]:
        """Those with texts, the latest first; then those that were added; at least one for each business."""
        found: dict[tuple[str, str], Phone] = {}
        businesses = self.businesses()
        for one in self._carrier.phones():
            for text in reversed(self._carrier.thread(one["number"])):
                for account, number in businesses:
                    phone = Phone(one["number"], account, number)
                    if phone.has(text["account"], text["number"], text["service"]):
                        found.setdefault((phone.person, number.number), phone)
        with self._lock:
            added = list(self._added)
        owned = {number.number: (account, number) for account, number in businesses}
        for person, to in added:
            if to in owned:
                found.setdefault((person, to), Phone(person, *owned[to]))
        for account, number in businesses:
            if number.number not in {to for _, to in found}:
                first = f"{_area(number.number)}5550{FIRST_LEAD}"
                found[first, number.number] = Phone(first, account, number)
        return list(found.values())

    def next_free(self) -> str:
        """A lead's number that no phone has yet; the last one when all are taken."""
        taken = {phone.person for phone in self.phones()}
        lines = (f"+13125550{line}" for line in range(FIRST_LEAD, 200))
        return next((line for line in lines if line not in taken), "+13125550199")

    # --- what a phone shows -------------------------------------------------------------------------------------------

    def screen(self, phone: Phone) -> list[dict[str, Any]]:
        """The thread, oldest first: texts, and requests of the program that made no text (`kind` "request")."""
        exchanges = self._carrier.exchanges.of(phone.account.sid, phone.person)
        told = {one.sid: one for one in exchanges if one.kind is Kind.WEBHOOK}
        items = [
            {"kind": "text", "id": text["sid"], **text, **_state(text, told.get(text["sid"]))}
            for text in self._texts(phone)
        ]
        items += [
            {"kind": "request", "id": f"request-{one.n}", "at": one.shown()["at"], **_turned_away(one)}
            for one in exchanges
            if one.kind is Kind.REQUEST and one.sid is None and one.status is not None and _is_for(phone, one)
        ]
        return sorted(items, key=lambda item: item["at"])

    def latest(self, phone: Phone) -> dict[str, Any]:
        """A line for the list of phones."""
        texts = self._texts(phone)
        last = texts[-1] if texts else None
        return {
            "person": phone.person,
            "person_shown": national(phone.person),
            "number": phone.number.number,
            "number_shown": national(phone.number.number),
            "business": phone.business,
            "texts": len(texts),
            "at": last["at"] if last else None,
            "last": (last["body"] or "Picture") if last else "",
            "mine": bool(last and last["direction"] == "from_phone"),
        }

    def wire(self, phone: Phone, item: str) -> list[Exchange]:
        """What went over the wire for an item of the screen, in order. A text of the person's brings everything up to
        their next one with it: the webhook, the requests for replies, and how each of these fared."""
        items = [(one["id"], one.get("direction") == "from_phone") for one in self.screen(phone)]
        start = next((at for at, (known, _) in enumerate(items) if known == item), None)
        if start is None:
            return []
        end = start + 1
        while items[start][1] and end < len(items) and not items[end][1]:
            end += 1
        wanted = {known for known, _ in items[start:end]}
        return [
            one
            for one in self._carrier.exchanges.of(phone.account.sid, phone.person)
            if one.sid in wanted or f"request-{one.n}" in wanted
        ]

    def _texts(self, phone: Phone) -> list[dict[str, Any]]:
        return [
            text
            for text in self._carrier.thread(phone.person)
            if phone.has(text["account"], text["number"], text["service"])
        ]


def national(number: str) -> str:
    """(312) 555-0142 for a North American number, anything else as it is."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"({found[1]}) {found[2]}-{found[3]}" if found else number


def error_words(code: int) -> str:
    """What an error code means, in a few words; empty for one that is not known here."""
    return CODE_WORDS.get(code) or TEXTS.get(code, "")


def _area(number: str) -> str:
    return number[:5] if re.fullmatch(r"\+1\d{10}", number) else "+1312"


def _is_for(phone: Phone, exchange: Exchange) -> bool:
    form = dict(exchange.form)
    return phone.has(phone.account.sid, form.get("From"), form.get("MessagingServiceSid"))


def _state(text: Mapping[str, Any], told: Exchange | None) -> dict[str, str]:
    """`state` (good, waiting, bad) and the same in `words`, for whoever cannot see a colour."""
    if text["direction"] == "from_phone":
        return _own_state(told)
    status, code = text["status"], text["error_code"]
    if status in FAILED:
        meaning = error_words(code) if code else ""
        reason = f" · error {code}{f': {meaning}' if meaning else ''}" if code else ""
        return {"state": "bad", "words": f"{status.capitalize()}{reason}"}
    return {"state": "waiting" if status in UNDER_WAY else "good", "words": status.capitalize()}


def _own_state(told: Exchange | None) -> dict[str, str]:
    if told is None or told.status is None:
        return {"state": "waiting", "words": "Sending"}
    if 200 <= told.status < 300:
        return {"state": "good", "words": f"Sent, answered {told.status}"}
    return {"state": "bad", "words": f"Not taken, answered {told.status}" if told.status else "Not taken, no answer"}


def _turned_away(exchange: Exchange) -> dict[str, str]:
    answer = f"answered {exchange.status}" if exchange.status else "cut off"
    return {
        "state": "bad",
        "words": f"Request {answer}, no text made",
        "body": dict(exchange.form).get("Body", ""),
    }
