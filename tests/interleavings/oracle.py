"""Which texts should not have left: a reading of the rules of its own, from outside. Pure.

It knows what was done to the product and when it answered, and what the carrier was handed: number, words, time. It
imports nothing of the product. Where the rules leave room it is the milder reader: what it names is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

OPENS, CLOSES = time(8), time(21)  # 47 CFR 64.1200(c)(1), local time of the called party
FRESH = timedelta(minutes=15)  # how long an answer to their own text may leave at any hour
CONFIRMED_WITHIN = timedelta(minutes=5)  # 47 CFR 64.1200(a)(12)
WRITTEN_LASTS = timedelta(hours=24)  # an answer rests on a text of theirs
INQUIRY_LASTS = timedelta(days=90)  # 47 CFR 64.1200(f)(5)
QUESTION_LASTS = timedelta(hours=72)
DAY = timedelta(hours=24)
MOST_MARKETING = 3
STRICT_CAP = ("FL",)  # Fla. Stat. 501.616(6): three in 24 hours, whatever a tenant chooses

# Area code -> state and zones, taken from the table by hand; two zones where the code spans them.
AREAS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "312": ("IL", ("America/Chicago",)),
    "205": ("AL", ("America/Chicago",)),
    "214": ("TX", ("America/Chicago",)),
    "305": ("FL", ("America/New_York",)),
    "850": ("FL", ("America/Chicago", "America/New_York")),
    "219": ("IN", ("America/Chicago", "America/New_York")),
    "602": ("AZ", ("America/Phoenix",)),
    "213": ("CA", ("America/Los_Angeles",)),
    "808": ("HI", ("Pacific/Honolulu",)),
    "212": ("NY", ("America/New_York",)),
}
ZIPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "85001": ("AZ", ("America/Phoenix",)),
    "10001": ("NY", ("America/New_York",)),
    "90001": ("CA", ("America/Los_Angeles",)),
}
# Hours of marketing by weekday, Monday first; None: no marketing that day. From the statutes that the table names.
_TO_EIGHT, _TEXAN = (time(8), time(20)), (time(9), time(21))
MARKETING_HOURS: Mapping[str, tuple[tuple[time, time] | None, ...]] = {
    "AL": (*[_TO_EIGHT] * 6, None),
    "TX": (*[_TEXAN] * 6, (time(12), time(21))),
    "FL": (_TO_EIGHT,) * 7,
}
# Alabama's legal holidays (Ala. Code 1-3-8), by hand; one on a Sunday is kept on Monday too, on a Saturday on Friday.
ALABAMA_HOLIDAYS = frozenset(
    date.fromisoformat(day)
    for day in (
        "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25", "2027-01-01", "2027-01-18", "2027-02-09", "2027-02-15",
        "2027-04-26", "2027-05-31", "2027-06-07", "2027-06-18", "2027-06-19", "2027-07-04", "2027-07-05", "2027-09-06",
        "2027-10-11", "2027-11-11", "2027-11-25", "2027-12-24", "2027-12-25",
    )
)  # fmt: skip


class What(StrEnum):
    """What can be done to the product from outside. Texts of the person come in two steps: WROTE, then ANSWERED."""

    TEXT = "text"
    STOP = "stop"
    START = "start"
    YES = "yes"
    HELP = "help"
    PARTIAL = "partial"
    UNCLEAR = "unclear"
    REACTION = "reaction"
    CLAIM = "claim"
    PUT = "put"
    STAFF_TEXT = "staff_text"
    STAFF_OPT_OUT = "staff_opt_out"
    SETTLED = "settled"  # staff said that an unclear text was no opt-out
    CHOICE = "choice"
    LOST = "lost"  # the carrier reported afterwards that a text did not arrive
    BLOCKED = "blocked"  # the carrier reported afterwards that it blocks this person
    RAN = "ran"  # the workers did what was due
    FAULT = "fault"  # a process was ended somewhere, or the carrier had a bad moment


TEXTS = frozenset({What.TEXT, What.STOP, What.START, What.YES, What.HELP, What.PARTIAL, What.UNCLEAR, What.REACTION})


@dataclass(frozen=True, slots=True)
class Did:
    """One thing that was done. `answered`: the product has said that it has it; before, nobody may rely on it.

    `by_us`: the carrier does not answer this word itself. `bare`: a keyword and nothing else. `purposes` and `basis`
    are what a claim says, `claimed_at` when the person is said to have agreed. `tag` marks our own words.
    """

    at: datetime
    tenant: str
    person: str
    what: What
    answered: bool = True
    by_us: bool = True
    bare: bool = False
    again: bool = False  # the carrier had to deliver it more than once
    loose: bool = False  # "ok", "sure": a yes where it follows the question, and nothing anywhere else
    basis: str = ""
    purposes: tuple[str, ...] = ()
    claimed_at: datetime | None = None
    twice: bool = False  # a double opt-in
    any_hour: bool = False
    zip_code: str = ""
    tag: str = ""
    name: str = ""  # of a choice
    value: object = None


@dataclass(frozen=True, slots=True)
class Handed:
    """One call of the carrier. `taken`: it took the text, whatever it said about that; `code`: why it refused."""

    at: datetime
    tenant: str
    person: str
    body: str
    taken: bool = True
    code: int | None = None
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    tenant: str
    person: str
    at: datetime
    body: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.tenant}, …{self.person[-4:]}, {self.at:%Y-%m-%d %H:%M:%S}Z: {self.body[:70]!r}"


# How the confirmations read, by what they are for. The order matters: the answer to HELP after a STOP names both.
COMPLIANCE = (
    ("help_when_out", re.compile(r": You are unsubscribed and get no texts from us\.|: No recibe mensajes de nosotros\.")),
    ("stopped", re.compile(r": You are unsubscribed and will get no more texts|: Ya no recibira mas mensajes de nosotros")),
    ("partly", re.compile(r": You will get no more promotions by text|: Ya no recibira promociones por texto")),
    ("agreed", re.compile(r": You're signed up for texts about|: Recibira textos sobre ")),
    ("question", re.compile(r": Reply YES to agree to|: Responda SI para aceptar")),
    ("help", re.compile(r": Texts about your inquiry & appts\. Help|: Textos sobre su consulta y citas\. Ayuda")),
)  # fmt: skip
TAG = re.compile(r"\[ref (\d+)\]")


def kind_of(body: str) -> str:
    """`tagged` for words that the driver put, the kind of a confirmation, else `answer`: the assistant's own."""
    if TAG.search(body):
        return "tagged"
    return next((kind for kind, pattern in COMPLIANCE if pattern.search(body)), "answer")


@dataclass
class _Grants:
    """Purpose -> until when, None for until they end it."""

    until: dict[str, datetime | None] = field(default_factory=dict)

    def give(self, purpose: str, until: datetime | None) -> None:
        before = self.until.get(purpose, until)
        self.until[purpose] = (
            None if until is None or (purpose in self.until and before is None) else max(until, before or until)
        )

    def holds(self, purpose: str, at: datetime) -> bool:
        return purpose in self.until and (self.until[purpose] is None or at < (self.until[purpose] or at))


@dataclass
class _Person:
    """Somebody as one business has to know them."""

    tenant: str
    number: str
    place: tuple[str, tuple[str, ...]]
    acted: bool = False
    out: bool = False
    ended_at: dict[str, datetime] = field(default_factory=dict)
    held: bool = False
    blocked: bool = False
    was_blocked: bool = False  # until they text START: another of the carrier's words may have lifted it before
    grants: _Grants = field(default_factory=_Grants)
    asked: tuple[datetime, tuple[str, ...]] | None = None
    wrote_at: datetime | None = None
    owed: dict[str, list[datetime]] = field(default_factory=dict)  # confirmations, each with its latest moment
    answers: int = 0  # to their texts
    first_answers: int = 0  # to their forms
    any_hour: bool = False
    marketing: list[datetime] = field(default_factory=list)
    inquiry_sent: bool = False  # since they wrote or asked last
    last_purpose: str = ""
    last_kind: str = ""
    by_category: bool = False
    taken: Counter[str] = field(default_factory=Counter)
    may_repeat: Counter[str] = field(default_factory=Counter)

    def owe(self, kind: str, at: datetime) -> None:
        self.owed.setdefault(kind, []).append(at + CONFIRMED_WITHIN)


ALL = ("reply", "inquiry", "appointment", "notification", "marketing")
SERVICES = ALL[:4]
AFTER_AN_OPT_OUT = ("stopped", "help_when_out", "help")


class Oracle:
    """Takes the log in its order; `wrong` gathers what should not have left."""

    def __init__(self) -> None:
        self.people: dict[tuple[str, str], _Person] = {}
        self.purposes: dict[str, tuple[str, bool]] = {}  # tag -> purpose, whether a person wrote it
        self.choices: dict[tuple[str, str], object] = {}
        self.wrong: list[Violation] = []
        self.judged = 0
        self.kinds: Counter[str] = Counter()

    def take(self, log: Sequence[Did | Handed]) -> Oracle:
        for entry in log:
            if isinstance(entry, Handed):
                self._judge(entry)
            else:
                self._note(entry)
        self.wrong += _missing_confirmations(log)
        return self

    # ---- what was done ------------------------------------------------------------------------------------------------

    def _person(self, tenant: str, number: str) -> _Person:
        known = self.people.get((tenant, number))
        if known is None:
            known = self.people[tenant, number] = _Person(tenant, number, AREAS[number[2:5]])
        return known

    def _note(self, did: Did) -> None:
        if did.what is What.CHOICE:
            self.choices[did.tenant, did.name] = did.value
            return
        if did.what in (What.RAN, What.FAULT) and not did.person:
            return
        person = self._person(did.tenant, did.person)
        if did.what in TEXTS and not did.answered:
            person.acted, person.wrote_at = True, did.at
            self._wrote(person, did)
        elif did.what in TEXTS:
            self._answered(person, did)
        elif did.what is What.CLAIM:
            self._claimed(person, did)
        elif did.what is What.STAFF_OPT_OUT:
            self._end(person, did.at)
        elif did.what is What.SETTLED:
            person.held = False
        elif did.what is What.PUT:
            self.purposes[did.tag] = did.purposes[0], False
        elif did.what is What.STAFF_TEXT:
            answers = person.wrote_at is not None and did.at - person.wrote_at <= WRITTEN_LASTS
            self.purposes[did.tag] = "reply" if answers else did.purposes[0], True
        elif did.what is What.LOST:
            person.may_repeat[did.tag] += 1
        elif did.what is What.BLOCKED:
            person.blocked = person.was_blocked = True

    def _wrote(self, person: _Person, did: Did) -> None:
        """What they wrote counts for us from when they wrote it."""
        at = did.at
        match did.what:
            case What.START | What.YES | What.TEXT if self._agrees(person, did):
                assert person.asked is not None
                person.blocked = False  # the carrier takes it for START
                for purpose in person.asked[1]:
                    person.grants.give(purpose, None)
                person.asked = None
                if did.by_us:
                    person.owe("agreed", at)
                person.held = False
            case What.START:
                was_away = person.out or person.was_blocked
                person.out = person.blocked = person.was_blocked = person.held = False
                restored = ALL if self.choices.get((did.tenant, "start_scope")) == "all" else SERVICES
                for purpose in restored:
                    person.grants.give(purpose, None)
                if did.by_us and was_away:
                    person.owe("agreed", at)
            case What.STOP:  # it may be confirmed before it is answered: the answer may have been lost
                person.by_category = self._by_category(person, did)
                if did.by_us and not person.out:
                    person.owe("partly" if person.by_category else "stopped", at)
            case What.YES:
                person.blocked = False  # the carrier takes it for START
            case What.HELP if did.by_us:
                person.owe("help", at)
                person.owe("help_when_out", at)
            case _:
                pass
        if did.what not in (What.STOP, What.REACTION) and not person.out:
            person.answers = 1
            person.inquiry_sent = False
            person.grants.give("inquiry", at + INQUIRY_LASTS)

    def _answered(self, person: _Person, did: Did) -> None:
        """What forbids counts from when the product has said that it has it."""
        if did.again and did.what not in (What.STOP, What.REACTION) and not person.out:
            person.answers = 1  # it may have been taken only now
        match did.what:
            case What.STOP if person.by_category:
                self._end_marketing(person, did.at)
            case What.STOP:
                if did.again and did.by_us and not person.out and not person.owed.get("stopped"):
                    person.owe("stopped", did.at)  # a START overtook it
                confirmations = person.owed.get("stopped", [])
                self._end(person, did.at)
                person.owed["stopped"] = confirmations
            case What.PARTIAL:
                self._end_marketing(person, did.at)
            case What.START:
                if did.again and person.out:
                    self._wrote(person, did)  # nothing in a text tells that it is older than what overtook it
                person.owed.pop("stopped", None)  # it would no longer be true
            case What.UNCLEAR if not person.out:
                person.held = True
            case _:
                pass

    def _agrees(self, person: _Person, did: Did) -> bool:
        """Whether this is a yes to the open question."""
        if person.asked is None or person.out or did.at - person.asked[0] >= QUESTION_LASTS:
            return False
        return did.what is not What.TEXT or (did.loose and person.last_kind == "question")

    def _by_category(self, person: _Person, did: Did) -> bool:
        chosen = self.choices.get((did.tenant, "stop_scope")) == "category"
        return chosen and did.bare and did.by_us and person.last_purpose == "marketing" and not person.out

    def _end(self, person: _Person, at: datetime) -> None:
        person.acted, person.out, person.held, person.asked = True, True, False, None
        person.grants, person.owed = _Grants(), {}
        person.answers = person.first_answers = 0
        person.ended_at = dict.fromkeys(ALL, at)

    def _end_marketing(self, person: _Person, at: datetime) -> None:
        person.grants.until.pop("marketing", None)
        person.ended_at["marketing"] = at
        if person.asked is not None and "marketing" in person.asked[1]:
            asked_at, purposes = person.asked
            person.asked = asked_at, tuple(one for one in purposes if one != "marketing")

    def _claimed(self, person: _Person, did: Did) -> None:
        person.acted = True
        if did.zip_code and did.basis != "none":
            person.place = ZIPS[did.zip_code]
        if did.basis == "none" or person.out:
            return  # a list without proof, or an opt-out that no form ends
        at = min(did.claimed_at or did.at, did.at)
        person.inquiry_sent = False
        if did.basis == "inquiry" or did.twice:
            person.grants.give("inquiry", at + INQUIRY_LASTS)
        if did.name != "import":
            person.any_hour = did.any_hour or (person.any_hour and person.first_answers > 0)  # one answer to both
            person.first_answers = 1
        if did.twice:
            person.asked = did.at, did.purposes
            person.owe("question", did.at)
            return
        if did.basis == "inquiry":
            return
        for purpose in did.purposes:
            ended = person.ended_at.get(purpose)
            if purpose == "marketing" and (did.basis != "express_written" or (ended is not None and at <= ended)):
                continue
            person.grants.give(purpose, None)
        if did.name != "import":
            person.owe("agreed", did.at)

    # ---- what left ----------------------------------------------------------------------------------------------------

    def _judge(self, sent: Handed) -> None:
        self.judged += 1
        person = self._person(sent.tenant, sent.person)
        kind = kind_of(sent.body)
        for rule in self._broken(person, sent, kind):
            self.wrong.append(Violation(rule, sent.tenant, sent.person, sent.at, sent.body))
        purpose, _ = self._purpose(person, sent, kind)
        self.kinds[purpose if kind in ("tagged", "answer") else kind] += 1
        if sent.code == 21610:
            person.blocked = person.was_blocked = True
        if sent.taken:
            self._count(person, sent, kind, purpose)

    def _purpose(self, person: _Person, sent: Handed, kind: str) -> tuple[str, bool]:
        """What the text is for, and whether a person wrote it."""
        if kind == "answer":
            return "answer", False
        if kind != "tagged":
            return "compliance", False
        found = TAG.search(sent.body)
        return self.purposes.get(found[1] if found else "", ("unknown", False))

    def _count(self, person: _Person, sent: Handed, kind: str, purpose: str) -> None:
        person.last_purpose, person.last_kind = purpose, kind
        if kind == "answer":
            if person.answers:
                person.answers -= 1
            elif person.first_answers:
                person.first_answers -= 1
        elif kind != "tagged":
            owed = person.owed.get(kind) or person.owed.get("help" if kind == "help_when_out" else "") or [sent.at]
            owed.pop(0)
            if kind in ("help", "help_when_out"):  # one answer each, in either wording
                other = person.owed.get("help_when_out" if kind == "help" else "help")
                if other:
                    other.pop(0)
        if purpose == "marketing":
            person.marketing.append(sent.at)
        if purpose == "inquiry":
            person.inquiry_sent = True
        found = TAG.search(sent.body)
        if found:
            person.taken[found[1]] += 1

    def _broken(self, person: _Person, sent: Handed, kind: str) -> Iterator[str]:
        if not person.acted:
            yield "nobody asked for it"
            return
        if person.blocked:
            yield "sent to somebody whom the carrier blocks"
        if kind not in ("tagged", "answer"):
            yield from self._broken_confirmation(person, sent, kind)
            return
        if person.out:
            yield "sent after an opt-out"
            return
        purpose, by_person = self._purpose(person, sent, kind)
        if person.held and not by_person:
            yield "sent while an unclear text stands"
        wrote_lately = person.wrote_at is not None and sent.at - person.wrote_at <= WRITTEN_LASTS
        if kind == "answer":
            if not (person.answers and wrote_lately) and not person.first_answers:
                yield "a second answer to the same text" if wrote_lately else "an answer to nothing"
        elif purpose == "reply":
            if not wrote_lately:
                yield "a reply to nothing"
        elif not person.grants.holds(purpose, sent.at):
            yield "marketing without a written consent" if purpose == "marketing" else f"{purpose} without consent"
        yield from self._broken_hours(person, sent, kind, purpose)
        if purpose == "marketing":
            yield from self._broken_cap(person, sent)
        found = TAG.search(sent.body)
        if found and person.taken[found[1]] > person.may_repeat[found[1]]:
            yield "the same text twice"

    def _broken_confirmation(self, person: _Person, sent: Handed, kind: str) -> Iterator[str]:
        owed = person.owed.get(kind) or (person.owed.get("help") if kind == "help_when_out" else None)
        if not owed:
            if kind == "stopped":
                yield "a second confirmation" if person.out else "a confirmation of nothing"
            else:
                yield "sent after an opt-out" if person.out else f"a confirmation of nothing ({kind})"
        elif person.out and kind not in AFTER_AN_OPT_OUT:
            yield "sent after an opt-out"
        elif sent.at > max(owed):
            yield "confirmed after more than five minutes"

    def _broken_hours(self, person: _Person, sent: Handed, kind: str, purpose: str) -> Iterator[str]:
        is_answer = kind == "answer" or purpose == "reply"
        if is_answer and person.wrote_at is not None and sent.at - person.wrote_at < FRESH:
            return
        if kind == "answer" and person.any_hour and person.first_answers:
            return
        state, zones = person.place
        for zone in zones:
            local = sent.at.astimezone(ZoneInfo(zone))
            if not OPENS <= local.time() < CLOSES:
                yield f"outside the hours of {zone}"
            if purpose == "marketing" or (purpose == "inquiry" and person.inquiry_sent):
                hours = MARKETING_HOURS.get(state, ((OPENS, CLOSES),) * 7)[local.weekday()]
                if hours is None or not hours[0] <= local.time() < hours[1]:
                    yield f"marketing outside the hours of {state}"
                elif state == "AL" and local.date() in ALABAMA_HOLIDAYS:
                    yield "marketing on a holiday of AL"
        if purpose == "marketing" and self.choices.get((sent.tenant, f"emergency:{state}")):
            yield f"marketing during an emergency in {state}"

    def _broken_cap(self, person: _Person, sent: Handed) -> Iterator[str]:
        chosen = self.choices.get((sent.tenant, "marketing_cap"))
        cap = chosen if isinstance(chosen, int) else MOST_MARKETING
        if person.place[0] in STRICT_CAP:
            cap = min(cap, MOST_MARKETING)
        if sum(sent.at - DAY < at for at in person.marketing) >= cap:
            yield "more marketing than the cap"


def _missing_confirmations(log: Sequence[Did | Handed]) -> Iterator[Violation]:
    """An opt-out that we have to confirm, was in no trouble, and had workers in time, is confirmed."""
    waiting: dict[tuple[str, str], Did] = {}
    before_answer: set[tuple[str, str]] = set()  # confirmed, although its answer to the carrier was lost
    out: set[tuple[str, str]] = set()
    beginning: set[tuple[str, str]] = set()  # a START was posted and has no answer yet: it may be stored or not
    overtaken: set[tuple[str, str]] = set()  # an opt-out came meanwhile: it may be the later of the two
    spoiled: set[tuple[str, str]] = set()  # the carrier blocks them, or has refused a text to them
    for entry in log:
        key = entry.tenant, entry.person
        if isinstance(entry, Handed):
            if kind_of(entry.body) in ("stopped", "partly"):
                waiting.pop(key, None)
                before_answer.add(key)
            if entry.code is not None:
                spoiled.add(key)
                waiting.pop(key, None)
        elif entry.what is What.RAN:
            for late in list(waiting):
                stop = waiting.pop(late)
                if entry.at - stop.at < CONFIRMED_WITHIN:
                    yield Violation("an opt-out without its confirmation", stop.tenant, stop.person, stop.at, "")
        elif entry.what is What.FAULT:
            waiting.clear()
        elif entry.what is What.BLOCKED:
            spoiled.add(key)
            waiting.pop(key, None)
        elif entry.what is What.STOP and not entry.answered:
            before_answer.discard(key)
            overtaken |= {key} & beginning
        elif entry.what is What.STOP:
            if entry.by_us and key not in out | spoiled | before_answer:
                waiting[key] = entry
            if not entry.by_us:
                spoiled.add(key)
            out.add(key)
        elif entry.what is What.STAFF_OPT_OUT:
            out.add(key)
            overtaken |= {key} & beginning
        elif entry.what in (What.START, What.YES):
            waiting.pop(key, None)
            if entry.what is What.START and not entry.answered:
                beginning.add(key)
            elif entry.what is What.START:
                if key not in overtaken:
                    out.discard(key)
                    spoiled.discard(key)
                beginning.discard(key)
                overtaken.discard(key)
