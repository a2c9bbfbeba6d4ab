"""Seeded schedules of everything that can happen to leads, carried out on the product, with a log of what happened.

A schedule follows from its seed alone, times included, so that one lead's part of it can be carried out by itself. The
clock stands still between two things and then jumps; the workers do what falls due meanwhile, unless they are down.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import psycopg
from sqlalchemy import select

import manage
from commands.explain import _sentences
from consent.models import Contact
from consent.policy_settings import SettingName, choose
from consent.purposes import Purpose
from consent.state import Basis
from conversations import imports, outbox, staff
from conversations.leads import ConsentClaim, InvalidLead, NewLead, create_lead
from conversations.models import Author, Conversation, Kind, Message
from privacy.invariants import Held, Violation, checks
from smsbot.actor import SYSTEM, Actor, Role
from smsbot.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PermanentSendFailure,
    RecipientOptedOut,
    TemporarySendFailure,
)
from smsbot.failpoints import ACTIVE, FailpointRaised
from smsbot.gateways.carrier import Accepted, CarrierCredentials, OutgoingSms
from smsbot.tenancy import OptOutHandling, Tenant
from tests.interleavings.oracle import AREAS, TEXTS, ZIPS, Did, Handed, What
from tests.world import Business, FakeCarrier, World

LEADS = 50
CARRIERS_OWN = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "START", "UNSTOP", "HELP", "INFO", "YES"})
MESSAGE_ID = re.compile(r"/status/([0-9a-f-]{36})")
LEASE_PASSES = timedelta(seconds=11)
MOST_ROUNDS = 3_000
DISCLOSURE = (
    "By ticking this box I agree that {brand} may send me recurring automated marketing texts about my inquiry, my"
    " appointments, service updates and offers at the number I gave. Consent is not a condition of purchase. Msg frequency"
    " varies. Msg & data rates may apply. Reply HELP for help, STOP to end. Privacy Policy. Terms of Service.{more}"
)
ANY_HOUR = " The first answer may come at any hour."

# What people write. Each list is what its author means by it; none was tried out on the rules.
WORDS: Mapping[What, tuple[str, ...]] = {
    What.TEXT: (
        "Is it still there?", "What are your hours?", "Can I see it on Saturday?", "How much is it?", "Thanks!",
        "Do you take trade-ins?", "Is there a garage?", "ok", "I would like a person to call me",
    ),
    What.STOP: (
        "STOP", "stop", "Stop.", "UNSUBSCRIBE", "END", "QUIT", "stop texting me please", "take me off your list",
        "no more messages please", "leave me alone", "please remove my number", "ya no me manden mensajes",
        "opt out", "stop all", "do not text me again", "unsubscribe me from everything", "ALTO",
    ),
    What.START: ("START", "UNSTOP", "start"),
    What.YES: ("YES", "yes", "Yes"),
    What.HELP: ("HELP", "help", "INFO"),
    What.PARTIAL: ("stop the ads, keep the reminders", "stop sending me promotions but keep my appointment reminders"),
    What.UNCLEAR: ("I'm done", "not interested", "You guys again? stop or what"),
    What.REACTION: ("Liked “Is it still there?”", "Loved “Thanks!”"),
}  # fmt: skip
POINTS_OF_INTAKE = ("inbound.before_insert", "inbound.before_commit", "inbound.committed")
POINTS_OF_WORK = (
    "outbox.locked", "outbox.before_reserve_commit", "outbox.reserved", "outbox.accepted", "outbox.looked_up",
    "outbox.before_outcome_commit", "outbox.outcome_committed", "outbox.before_doubt_commit", "outbox.concluding",
    "outbox.before_refusal_commit", "outbox.before_return_commit", "replies.before_model", "replies.drafted",
    "replies.before_store_commit", "replies.stored", "work.claimed",
)  # fmt: skip
OUTCOMES = ("refused", "busy", "lost", "taken", "opted_out", "bad_number")
STARTS = tuple(
    datetime.fromisoformat(at).replace(tzinfo=UTC)
    for at in (
        "2026-10-24T14:00", "2026-10-30T16:00", "2026-11-10T15:00", "2026-11-20T16:00", "2026-12-22T18:00",
        "2027-02-05T19:00", "2027-03-11T15:00", "2027-05-27T20:00",
    )
)  # fmt: skip
# From the way in of each lead to what follows it, with how often. `What` members are texts.
WAYS_IN = {"text": 26, "inquiry": 12, "express": 10, "written": 36, "twice": 12, "import": 8}
FOLLOWING = {
    "text": 20, "stop": 15, "start": 8, "yes": 5, "help": 5, "partial": 3, "unclear": 3, "reaction": 2, "inquiry": 3,
    "express": 3, "written": 7, "twice": 4, "import": 4, "marketing": 24, "appointment": 7, "notification": 4,
    "follow_up": 6, "staff": 6, "give_back": 4, "staff_opt_out": 2, "settle": 2, "outcome": 6, "lost": 3, "blocked": 1,
}  # fmt: skip
TENANTS = ("lakeside", "bayou")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: to a lead of one business, or to a business (no lead). `dies` names a failpoint."""

    at: datetime
    tenant: str
    op: str
    lead: int | None = None
    person: str = ""
    says: str = ""
    variant: float = 0.0  # 0 to 1, what an operation chooses by
    dies: str = ""
    works: bool = True  # whether workers do what is due right after it
    up: bool = True  # whether they did so until then


def number_of(lead: int) -> str:
    """The number of a lead, of one of the area codes in turn."""
    areas = list(AREAS)
    return f"+1{areas[lead % len(areas)]}5550{110 + lead // len(areas)}"


def schedule(seed: int, leads: int = LEADS, operations: int = 8) -> list[Step]:
    """What happens to so many leads, in the order and at the times that the seed gives."""
    random_ = random.Random(f"interleavings:{seed}")
    scripts = {lead: _script(random.Random(f"{seed}:{lead}"), lead, operations) for lead in range(leads)}
    at = random_.choice(STARTS) + timedelta(minutes=random_.randrange(0, 600))
    far = random_.random() < 0.15  # once in a while somebody comes back after the inquiry's ninety days
    waiting, active, steps = list(scripts), [], []
    random_.shuffle(waiting)
    while waiting or active:
        while waiting and len(active) < 5:
            active.append(waiting.pop())
        lead = random_.choice(active)
        at, up = at + _gap(random_), random_.random() < 0.85
        if far and len(waiting) == leads // 2:
            at, far = at + timedelta(days=random_.choice((88, 91))), False
        if random_.random() < 0.03:
            steps.append(Step(at, random_.choice(TENANTS), "choose", variant=random_.random(), up=up))
        step = scripts[lead].pop(0)
        steps.append(replace(step, at=at, works=random_.random() < 0.7, up=up))
        if not scripts[lead]:
            active.remove(lead)
    return steps


def _gap(random_: random.Random) -> timedelta:
    kind = random_.random()
    if kind < 0.50:
        return timedelta(seconds=random_.randrange(0, 9))
    if kind < 0.76:
        return timedelta(seconds=random_.randrange(8, 120))
    if kind < 0.90:
        return timedelta(minutes=random_.randrange(2, 40))
    if kind < 0.96:
        return timedelta(minutes=random_.randrange(60, 480))
    if kind < 0.99:
        return timedelta(hours=random_.randrange(9, 16))
    return timedelta(days=random_.randrange(1, 5))


def _script(random_: random.Random, lead: int, operations: int) -> list[Step]:
    person, chance = number_of(lead), random_.random()
    of = TENANTS[:1] if chance < 0.5 else TENANTS[1:] if chance < 0.75 else TENANTS
    chosen = [(tenant, _one_of(random_, WAYS_IN)) for tenant in of]
    for _ in range(operations - len(chosen) + random_.randrange(-1, 3)):
        chosen.append((random_.choice(of), _one_of(random_, FOLLOWING)))
    script = []
    for tenant, op in chosen:
        says = random_.choice(WORDS[What(op)]) if op in set(TEXTS) else ""
        dies = ""
        if random_.random() < 0.06:
            dies = random_.choice(POINTS_OF_INTAKE if says and random_.random() < 0.4 else POINTS_OF_WORK)
        script.append(Step(STARTS[0], tenant, op, lead, person, says, random_.random(), dies))
    return script


def _one_of(random_: random.Random, weights: Mapping[str, int]) -> str:
    return random_.choices(list(weights), list(weights.values()))[0]


# ---- the carrier ------------------------------------------------------------------------------------------------------


@dataclass
class Listening(FakeCarrier):
    """A carrier that writes down what it is handed, and has a bad moment where `bad` says so, once each."""

    log: list[Did | Handed] = field(default_factory=list)
    tenants: dict[str, str] = field(default_factory=dict)  # our number -> whose it is
    bad: dict[str, list[str]] = field(default_factory=dict)

    def send(self, credentials: CarrierCredentials, sms: OutgoingSms, *, not_after: float) -> Accepted:
        waiting = self.bad.get(sms.to)
        moment = waiting.pop(0) if waiting else ""
        code = {"refused": 30007, "busy": 20429, "opted_out": 21610, "bad_number": 21614}.get(moment)
        found = MESSAGE_ID.search(sms.status_callback)
        tenant = self.tenants[sms.sender]
        if moment:
            self.log.append(Did(self.clock.now(), tenant, sms.to, What.FAULT))
        self.log.append(
            Handed(self.clock.now(), tenant, sms.to, sms.body, moment in ("", "taken"), code, found[1] if found else "")
        )
        if moment == "opted_out":
            raise RecipientOptedOut("the person has opted out", code)
        if moment in ("refused", "bad_number"):
            raise PermanentSendFailure("refused", code)
        if moment == "busy":
            raise TemporarySendFailure("too many requests", code)
        if moment == "lost":
            raise OutcomeUnknown("no answer")
        answer = super().send(credentials, sms, not_after=not_after)
        if moment == "taken":
            raise OutcomeUnknown("no answer")
        return answer


# ---- the stage --------------------------------------------------------------------------------------------------------


class Emptied(Protocol):
    """A database that can be emptied: what tests/conftest.py has."""

    superuser_url: str


@dataclass
class _Unanswered:
    """A text that the product has not taken yet: the carrier delivers it again."""

    form: dict[str, str]
    did: Did
    token: str
    tries: int = 0


class Stage:
    """Carries out steps on a World with two businesses and keeps the log. One thing at a time."""

    def __init__(self, world: World, superuser_url: str, at: datetime) -> None:
        self.world = world
        world.clock.freeze()
        world.clock.set(at)
        self.carrier = Listening(world.clock)
        world.carrier = self.carrier
        self.log = self.carrier.log
        second = "+13125550101"
        world.add_number(world.home, second, handling=OptOutHandling.OURS)
        bayou = world.business("Bayou Motors", "+12145550100", handling=OptOutHandling.OURS)
        self.businesses: dict[str, list[tuple[Business, bool]]] = {  # with whether we answer STOP there
            "lakeside": [(world.home, False), (replace(world.home, number=second), True)],
            "bayou": [(bayou, True)],
        }
        for name, owned in self.businesses.items():
            self.carrier.tenants |= {business.number: name for business, _ in owned}
        self.agents: dict[str, Actor] = {
            name: world.agent(role=Role.OWNER, to=owned[0][0]) for name, owned in self.businesses.items()
        }
        self.database = psycopg.connect(superuser_url, autocommit=True)
        self.leased = False
        self.unanswered: dict[tuple[str, str], list[_Unanswered]] = {}
        self.chosen: dict[tuple[str, str], Any] = {}
        self.tags = 0
        self.done: Counter[str] = Counter()

    def close(self) -> None:
        ACTIVE.clear()
        self.database.close()

    def play(self, steps: Sequence[Step], *, only: int | None = None) -> None:
        """Carry out the steps; of those that are about a lead only one lead's when so asked. The times stay."""
        for step in steps:
            self.pass_time(step.at, up=step.up)
            if step.lead is None or only is None or step.lead == only:
                self.take(step)
            if step.works:
                self.run()
            if ACTIVE:
                ACTIVE.clear()
                self._note(What.FAULT)
        self.settle()

    def settle(self) -> None:
        """Everything that waits has its time: four days with the workers up."""
        for again in (0, 1):
            self.pass_time(self.world.clock.now() + timedelta(days=2 * again, minutes=30), up=True)
            self._deliver_again()
            self.run()

    # ---- time and work ----

    def pass_time(self, to: datetime, *, up: bool) -> None:
        """Until then; with workers `up` whatever falls due is done when it does."""
        clock = self.world.clock
        if to - clock.now() >= timedelta(seconds=20):
            self._deliver_again()
        for _ in range(MOST_ROUNDS if up else 0):
            due = self._next_due()
            if due is None or due > to:
                break
            if due > clock.now():
                clock.set(due)
            self.run()
        if to > clock.now():
            clock.set(to)

    def run(self) -> None:
        """The workers do what is due. Whoever is ended at a failpoint leaves its lease, which then runs out."""
        died = bool(ACTIVE)
        due = self._next_due()
        if due is None or due > self.world.clock.now():
            self._note(What.FAULT if died else What.RAN)
            return
        for _ in range(50):
            try:
                self.world.drain(wait=False, most=20_000)
                break
            except FailpointRaised:
                ACTIVE.clear()
        if died or any(isinstance(one, Did) and one.what is What.FAULT for one in self.log[-20:]):
            self._end_leases()
        self._note(What.FAULT if died else What.RAN)

    def _next_due(self) -> datetime | None:
        row = self.database.execute("SELECT min(ready_at) FROM work WHERE quarantined_at IS NULL").fetchone()
        return row[0].astimezone(UTC) if row and row[0] else None

    def _end_leases(self) -> None:
        """A lease is ten seconds of the database's own clock, which a test cannot set."""
        ended = self.database.execute(
            "UPDATE contacts SET lease_until = clock_timestamp() WHERE lease_until > clock_timestamp()"
        )
        if ended.rowcount:
            self.world.clock.advance(LEASE_PASSES)

    def _note(self, what: What, tenant: str = "", person: str = "", **more: Any) -> None:
        self.log.append(Did(self.world.clock.now(), tenant, person, what, **more))

    # ---- what happens ----

    def take(self, step: Step) -> None:
        """Let this happen, now."""
        self.done[step.op] += 1
        if step.dies:
            ACTIVE[step.dies] = ("raise", 0.0, 1.0)
            self._note(What.FAULT)
        try:
            if step.says:
                self._text(step)
            elif step.op in ("inquiry", "express", "written", "twice"):
                self._form(step)
            elif step.op == "import":
                self._import(step)
            elif step.op in ("marketing", "appointment", "notification", "follow_up"):
                self._put(step)
            elif step.op == "outcome":
                moment = OUTCOMES[int(step.variant * len(OUTCOMES))]
                self.carrier.bad.setdefault(step.person, []).append(moment)
            elif step.op in ("lost", "blocked"):
                self._report(step)
            elif step.op == "choose":
                self._choose(step)
            else:
                self._staff(step)
        except FailpointRaised:
            self._note(What.FAULT)

    def _text(self, step: Step) -> None:
        owned = self.businesses[step.tenant]
        business, by_us = owned[int(step.variant * len(owned))]
        sid = self.world.sid()
        told = step.op in ("stop", "start", "help") and not by_us and step.variant * 97 % 1 < 0.2
        word = step.says.strip().upper()
        by_carrier = told or (not by_us and word in CARRIERS_OWN)
        form = {
            "MessageSid": sid, "SmsSid": sid, "AccountSid": business.account_sid, "From": step.person,
            "To": business.number, "Body": step.says, "NumMedia": "0", "NumSegments": "1",
            **({"OptOutType": step.op.upper()} if told else {}),
        }  # fmt: skip
        did = Did(
            self.world.clock.now(), step.tenant, step.person, What(step.op), by_us=not by_carrier,
            loose=word == "OK", bare=word.rstrip(".") in ("STOP", "QUIT", "END", "UNSUBSCRIBE"),
        )  # fmt: skip
        self.log.append(replace(did, answered=False))
        self._deliver(_Unanswered(form, did, business.token))
        if step.op == "text" and step.variant * 11 % 1 < 0.25:  # a second text in the same breath
            self.log.append(replace(did, answered=False, loose=False))
            again = {**form, "MessageSid": self.world.sid(), "Body": "Anyone there?"}
            again["SmsSid"] = again["MessageSid"]
            self._deliver(_Unanswered(again, replace(did, loose=False), business.token))

    def _deliver(self, text: _Unanswered) -> None:
        """Hand the text over; what is not answered with 200 is delivered again later."""
        answer = self.world.post("/webhooks/twilio/sms", text.form, token=text.token)
        key = text.did.tenant, text.did.person
        if answer.status_code == 200:
            self.log.append(replace(text.did, at=self.world.clock.now(), again=text.tries > 0))
            return
        for point in POINTS_OF_INTAKE:
            ACTIVE.pop(point, None)
        self._note(What.FAULT)
        text.tries += 1
        assert text.tries < 20, "a text is never taken"
        self.unanswered.setdefault(key, []).append(text)

    def _deliver_again(self) -> None:
        for key in list(self.unanswered):
            for text in self.unanswered.pop(key):
                self._end_leases()
                self._deliver(text)

    def _claim(self, step: Step) -> tuple[ConsentClaim, Did]:
        now = self.world.clock.now()
        business = self.businesses[step.tenant][0][0]
        marketing = step.op in ("written", "twice")
        basis = {"inquiry": Basis.INQUIRY, "express": Basis.EXPRESS}.get(step.op, Basis.EXPRESS_WRITTEN)
        purposes: tuple[Purpose, ...] = ()
        if basis is not Basis.INQUIRY:
            purposes = (Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION)
            purposes += (Purpose.MARKETING,) if marketing else ()
        any_hour = step.variant * 31 % 1 < 0.3
        words = DISCLOSURE.format(brand=business.brand, more=ANY_HOUR if any_hour else "")
        evidence = {
            "disclosure": words, "disclosure_version": "3", "page_url": "https://forms.example.test/ask",
            "ip": "203.0.113.9", "checkbox_default": False, "checkbox_value": basis is not Basis.INQUIRY,
            "at": now.isoformat(),
        }  # fmt: skip
        zips = list(ZIPS)
        zip_code = zips[int(step.variant * 7 % 1 * len(zips))] if step.variant * 13 % 1 < 0.15 else ""
        claim = ConsentClaim(basis, purposes, now, evidence, "web_form", asked_again=step.op == "twice")
        did = Did(
            now, step.tenant, step.person, What.CLAIM, basis=basis.value, purposes=tuple(p.value for p in purposes),
            claimed_at=now, twice=step.op == "twice", zip_code=zip_code,
            any_hour=any_hour and bool(self.chosen.get((step.tenant, "instant_night_reply"))),
        )  # fmt: skip
        return claim, did

    def _form(self, step: Step) -> None:
        claim, did = self._claim(step)
        business = self.businesses[step.tenant][0][0]
        new = NewLead(
            step.person, name="Sam Rivera", message="Is it still there?", consent=claim,
            postal_code=did.zip_code or None, our_number=business.number,
        )  # fmt: skip
        with self.world.runtime.transaction(business.id) as session:
            known = session.scalars(select(Contact.id).where(Contact.address == step.person)).first()
            create_lead(self.world.runtime, session, new, actor=SYSTEM, cause="form:test")
        self.log.append(replace(did, zip_code="") if known else did)  # a form moves nobody's hours who is known

    def _import(self, step: Step) -> None:
        business = self.businesses[step.tenant][0][0]
        now = self.world.clock.now()
        shows = ("none", "inquiry", "express", "express_written")[int(step.variant * 4)]
        agreed_at = now - timedelta(days=int(step.variant * 40 % 20), hours=1)
        purposes = {"none": "", "inquiry": "inquiry"}.get(shows, "inquiry;appointment;notification")
        purposes += ";marketing" if shows == "express_written" else ""
        words = DISCLOSURE.format(brand=business.brand, more="").replace('"', "'")
        proof = f'"{words}",3,https://forms.example.test/ask' if shows != "none" else ",,"
        basis = "express_written" if shows == "none" else shows
        row = f'{step.person},Sam Rivera,{basis},"{purposes or "marketing"}",{agreed_at.isoformat()},{proof}'
        content = f"number,name,basis,purposes,at,disclosure,disclosure_version,page_url\n{row}\n".encode()
        imports.bring(self.world.runtime, business.id, SYSTEM, imports.ListFile(f"list-{now:%m%d%H%M%S}.csv", content))
        self._note(
            What.CLAIM, step.tenant, step.person, basis=shows, claimed_at=agreed_at, name="import",
            purposes=tuple(one for one in purposes.split(";") if one),
        )  # fmt: skip

    def _tag(self) -> str:
        self.tags += 1
        return f"{self.tags:06d}"

    def _conversation(self, step: Step) -> UUID | None:
        business = self.businesses[step.tenant][0][0]
        with self.world.runtime.transaction(business.id) as session:
            found = select(Conversation.id).join(Contact, Contact.id == Conversation.contact_id)
            return session.scalars(found.where(Contact.address == step.person)).first()

    def _put(self, step: Step) -> None:
        """A text of the product's own: at once or in the next hours, for a day."""
        conversation_id = self._conversation(step)
        if conversation_id is None:
            return
        business = self.businesses[step.tenant][0][0]
        purpose = Purpose.INQUIRY if step.op == "follow_up" else Purpose(step.op)
        now, tag = self.world.clock.now(), self._tag()
        due = now if step.variant < 0.5 else now + timedelta(minutes=int(step.variant * 1_200))
        self._note(What.PUT, step.tenant, step.person, purposes=(purpose.value,), tag=tag)
        with self.world.runtime.transaction(business.id) as session:
            outbox.put(
                session,
                conversation=session.get_one(Conversation, conversation_id),
                author=Author.SYSTEM,
                purpose=purpose,
                kind=Kind.REMINDER,
                body=f"{business.brand}: A word about {step.op} [ref {tag}] STOP to end",
                now=now,
                due_at=due,
                stale_after=due + timedelta(hours=36),
            )

    def _staff(self, step: Step) -> None:
        conversation_id = self._conversation(step)
        if conversation_id is None:
            return
        runtime, actor, business = self.world.runtime, self.agents[step.tenant], self.businesses[step.tenant][0][0]
        try:
            if step.op == "staff":
                tag = self._tag()
                purpose = (Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.MARKETING)[int(step.variant * 3)]
                self._note(What.STAFF_TEXT, step.tenant, step.person, purposes=(purpose.value,), tag=tag)
                staff.write(
                    runtime, business.id, actor, conversation_id, f"Dana here [ref {tag}]", purpose=purpose
                )  # fmt: skip
            elif step.op == "give_back":
                staff.give_back(runtime, business.id, actor, conversation_id)
            elif step.op == "staff_opt_out":
                staff.opt_out(runtime, business.id, actor, conversation_id, "they said so", method="phone")
                self._note(What.STAFF_OPT_OUT, step.tenant, step.person)
            elif step.op == "settle":
                staff.settle_hold(runtime, business.id, actor, conversation_id, is_opt_out=False)
                self._note(What.SETTLED, step.tenant, step.person)
        except (InvalidInput, Conflict, NotFound):
            self.done["refused by the product"] += 1

    def _report(self, step: Step) -> None:
        """The carrier says afterwards that the last text did not arrive, or that it blocks this person."""
        last = next((e for e in reversed(self.log) if e.person == step.person and e.tenant == step.tenant), None)
        if not isinstance(last, Handed) or not last.taken:
            return
        business = self.businesses[step.tenant][0][0]
        with self.world.runtime.transaction(business.id) as session:
            message = session.get_one(Message, UUID(last.message_id))
        if message.provider_sid is None:
            return
        tag = re.search(r"\[ref (\d+)\]", last.body)
        what = What.LOST if step.op == "lost" else What.BLOCKED
        self._note(what, step.tenant, step.person, tag=tag[1] if tag else "")
        code = 30003 if step.op == "lost" else 21610
        self.world.status(message, "undelivered", error=code, to=business)

    def _choose(self, step: Step) -> None:
        name, subject, values = [
            (SettingName.STOP_SCOPE, "", ("category", "all")),
            (SettingName.START_SCOPE, "", ("all", "services")),
            (SettingName.MARKETING_CAP, "", (1, 2, 3, 5)),
            (SettingName.INSTANT_NIGHT_REPLY, "", (True, False)),
            (SettingName.EMERGENCY, "TX", (True, False)),
        ][int(step.variant * 5)]
        value = values[int(step.variant * 50) % len(values)]
        business, now = self.businesses[step.tenant][0][0], self.world.clock.now()
        with self.world.runtime.transaction(business.id) as session:
            choose(session, name, value, actor=SYSTEM, cause="test", now=now, subject=subject)
        self.chosen[step.tenant, name.value] = value
        self._note(What.CHOICE, step.tenant, name=f"{name.value}:{subject}" if subject else name.value, value=value)

    # ---- what the product says of it ----

    def unexplained(self, every: int = 1) -> tuple[int, list[str]]:
        """How many texts that the carrier took were asked about, and those that `manage.py explain` does not explain.

        The command itself is called for one text of `every`; the others get its sentences without a start of their own.
        """
        ids = list(dict.fromkeys(e.message_id for e in self.log if isinstance(e, Handed) and e.taken))
        flaws = []
        for name, owned in self.businesses.items():
            business = owned[0][0]
            with self.world.runtime.transaction(business.id) as session:
                tenant = session.get_one(Tenant, business.id)
                theirs = session.scalars(select(Message).where(Message.id.in_([UUID(one) for one in ids])))
                for message in theirs:
                    said = "\n".join(_sentences(session, tenant, message))
                    flaws += [f"{name}: message {message.id}: {flaw}" for flaw in _flaws(said)]
        for one in ids[::every]:
            code, said = command(self.world, "explain", one)
            flaws += [f"message {one}: {flaw}" for flaw in (*_flaws(said), *([f"exit {code}"] if code else []))]
        return len(ids), flaws

    def inconsistencies(self) -> tuple[Held, list[str]]:
        """How much the product's own checker looked at, and what it found; the ledger's chain too."""
        total, found = Held(), []
        for owned in self.businesses.values():
            business = owned[0][0]
            for one in checks(self.world.runtime, business.id):
                if isinstance(one, Violation):
                    found.append(f"{one.what} (message {one.message_id}, seq {one.seq})")
                else:
                    total += one
            if not self.world.verified(of=business):
                found.append("the ledger does not verify")
        return total, found


def _flaws(said: str) -> Iterator[str]:
    """What the explanation of a text that was sent lacks."""
    if " it was allowed by the rule " not in said:
        yield "no decision allowed it"
    if "It rests on the consent event " not in said and "It used the one-shot permit " not in said:
        yield "it rests on nothing"


@contextlib.contextmanager
def commanded(world: World) -> Iterator[None]:
    """manage.py finds this World's database and keys in its environment meanwhile."""
    ours = {
        "DATABASE_URL": world.settings.database_url or "",
        "ENCRYPTION_KEYS": base64.b64encode(world.settings.encryption_keys[0]).decode(),
        "SMSBOT_HOME": str(Path(world.settings.home)),
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def command(world: World, *arguments: str) -> tuple[int, str]:
    """The exit code of a manage.py command on this World's database, and what it printed."""
    said = io.StringIO()
    with commanded(world), contextlib.redirect_stdout(said):
        code = manage.main(list(arguments))
    return code, said.getvalue()


__all__ = ["LEADS", "InvalidLead", "Listening", "Stage", "Step", "command", "number_of", "schedule"]
