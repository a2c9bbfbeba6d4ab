"""The stand-in carrier itself: accounts, texts both ways, opt-out blocks, status callbacks and inbound webhooks."""

from __future__ import annotations

import html
import itertools
import re
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from simulator.accounts import Account, Number, account_from, e164
from simulator.draws import Draws, chosen, within
from simulator.exchanges import Exchange, Exchanges, Kind
from simulator.faults import CarrierFault, CarrierFaults, ForcedError
from simulator.journal import Clock, Journal
from simulator.keywords import reaction_to
from simulator.messages import (
    FINAL,
    Author,
    Media,
    Message,
    callback_form,
    course_of,
    inbound_form,
    on_phone,
)
from simulator.refusals import Create, Refusal, refusal_of, scheduled_for, sender_for
from simulator.segments import segments_in
from simulator.timetable import Timetable
from simulator.webhooks import Attempt, Caller, Form, Policy, Signer, policy_in, retry_after_s

SMS_PATH = "/webhooks/twilio/sms"
WEBHOOK_RETRIES = 5  # the numbers are set up with #rc=5&rp=ct,rt,5xx
WEBHOOK_FAILURES = frozenset({"ct", "rt", "5xx"})


@dataclass(frozen=True)
class Call:
    """A webhook to make: `copies` of it, one after the other or all at once. `signer` None leaves it unsigned."""

    url: str
    form: Form
    signer: Signer
    copies: int = 1
    parallel: bool = False
    retries: int = WEBHOOK_RETRIES
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Text:
    """What a person sends. `omit` and `extra` change the webhook's parameters, not the message."""

    account: str
    sender: str
    to: str
    body: str
    media: tuple[Media, ...] = ()
    sid: str | None = None
    service: str | None = None
    copies: int = 1
    parallel: bool = False
    retries: int = WEBHOOK_RETRIES
    omit: frozenset[str] = frozenset()
    extra: tuple[tuple[str, str], ...] = ()
    signed_as: str | None = None
    token: str | None = None
    signature: str = "valid"


@dataclass
class _Kept:
    """Everything that a reset forgets."""

    messages: dict[str, Message] = field(default_factory=dict)
    by_account: defaultdict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    by_person: defaultdict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    blocks: set[tuple[str, str, str]] = field(default_factory=set)
    senders: dict[tuple[str, str], str] = field(default_factory=dict)  # (service, person): who wrote to them last
    storage: dict[str, Media] = field(default_factory=dict)
    line_types: dict[str, str] = field(default_factory=dict)  # of numbers that are not what the rule makes of them


class Carrier:
    """Safe to use from many threads. `base_url` is where its own REST API is reached, for media addresses."""

    def __init__(self, caller: Caller, draws: Draws, clock: Clock, journal: Journal, timetable: Timetable) -> None:
        self.base_url = ""
        self.caller = caller
        self.clock = clock
        self.journal = journal
        self.timetable = timetable
        self.exchanges = Exchanges(clock)
        self.faults = CarrierFaults()
        self._planned: deque[CarrierFault] = deque()
        self.draws = draws
        self._lock = threading.RLock()
        self._kept = _Kept()
        self._orders = itertools.count(1)
        self.accounts: dict[str, Account] = {}

    # --- set-up -----------------------------------------------------------------------------------------------------

    def add_account(self, written: Mapping[str, Any]) -> Account:
        """Adds an account, or changes what is written of a known one. Raises ValueError."""
        with self._lock:
            account = account_from(written, self.accounts.get(str(written.get("sid"))))
            self.accounts[account.sid] = account
        return account

    def set_faults(self, faults: CarrierFaults) -> None:
        with self._lock:
            self.faults = faults
            self._planned = deque(faults.next)

    def reset(self) -> None:
        """Forgets texts, blocks, faults and what was due; accounts stay."""
        with self._lock:
            self.timetable.clear()
            self._kept = _Kept()
            self.exchanges.clear()
            self.set_faults(CarrierFaults())

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def faults_left(self) -> CarrierFaults:
        """The faults as they stand: what was planned and has happened is gone."""
        with self._lock:
            return replace(self.faults, next=tuple(self._planned))

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """Each create that was accepted, oldest first: the journal's entries."""
        return self.journal.of("accepted")

    def message(self, account: str, sid: str) -> Message | None:
        found = self._kept.messages.get(sid)
        return found if found and found.account_sid == account else None

    def listed(self, account: str, person: str | None = None) -> list[Message]:
        """The texts of an account that lists show by now, newest first; with `person`, only theirs."""
        now = time.monotonic()
        with self._lock:
            kept = self._kept.by_account[account] if person is None else self._kept.by_person[person]
            return [one for one in reversed(kept) if one.account_sid == account and one.visible_from <= now]

    def thread(self, person: str) -> list[dict[str, Any]]:
        """What the phone of `person` would show, oldest first, with the state of each text."""
        with self._lock:
            return [on_phone(message) | {"account": message.account_sid} for message in self._kept.by_person[person]]

    def phones(self) -> list[dict[str, Any]]:
        """The people who have texts, the latest first."""
        with self._lock:
            people = [(kept[-1].order, person, len(kept)) for person, kept in self._kept.by_person.items() if kept]
        return [{"number": person, "texts": count} for _, person, count in sorted(people, reverse=True)]

    def stored(self, key: str) -> Media | None:
        """What storage has under a media's sid; anybody who knows the address may read it, as with Twilio."""
        return self._kept.storage.get(key)

    def is_blocked(self, account: str, number: Number, person: str) -> bool:
        with self._lock:
            return (account, number.block_scope, person) in self._kept.blocks

    def blocked(self) -> list[dict[str, str]]:
        """Who is blocked for which number or Messaging Service."""
        with self._lock:
            return [{"account": a, "scope": scope, "person": person} for a, scope, person in sorted(self._kept.blocks)]

    def set_block(self, account: str, number: Number, person: str, blocked: bool) -> None:
        """Blocks a person for a number (for its service, when it is in one), or lifts the block."""
        with self._lock:
            change = self._kept.blocks.add if blocked else self._kept.blocks.discard
            change((account, number.block_scope, person))

    def line_type(self, number: str) -> str | None:
        """What was set for this number; None leaves it to the rule."""
        return self._kept.line_types.get(number)

    def set_line_type(self, number: str, kind: str | None) -> None:
        with self._lock:
            if kind is None:
                self._kept.line_types.pop(number, None)
            else:
                self._kept.line_types[number] = kind

    def line_types(self) -> dict[str, str]:
        """Every number whose kind was set."""
        with self._lock:
            return dict(self._kept.line_types)

    # --- the customer's requests ------------------------------------------------------------------------------------

    def requested(self, account: Account, asked: Create, received: float) -> int:
        """Notes a create that arrived at `received` (monotonic), whatever becomes of it. Returns the entry's number."""
        return self.journal.add(
            "request",
            {
                "account": account.sid,
                "to": asked.to,
                "service": asked.service or None,
                "body": asked.body,
                "media": len(asked.media_urls),
                "status_callback": asked.status_callback or None,
                "from": asked.sender or None,
            },
            mono=received,
        )

    def next_fault(self) -> CarrierFault | None:
        """What goes wrong with the next create: planned faults first, then chance."""
        with self._lock:
            if self._planned:
                return self._planned.popleft()
            rates = self.faults.rates
        return chosen(self.draws.next("create"), rates) if rates else None

    def latency_s(self) -> float:
        """How long the next create takes, fault or not."""
        high = self.faults.latency_ms[1]
        return within(self.draws.next("latency"), self.faults.latency_ms) / 1000 if high else 0.0

    def slow_s(self) -> float:
        return within(self.draws.next("slow"), self.faults.slow_s)

    def read_fails(self) -> bool:
        """Whether the next list or fetch is answered with 500."""
        return bool(self.faults.read_500) and self.draws.next("read").random() < self.faults.read_500

    def accept(self, account: Account, asked: Create, request: int) -> Message | Refusal:
        """Takes the message, or says why not. `request` is the number that `requested` gave."""
        now = self.clock.now()
        refusal = refusal_of(asked, account, now)
        person = e164(asked.to) or asked.to
        forced = None if refusal else self._forced_error(person)
        if forced and forced.sync:
            refusal = Refusal(forced.code)
        with self._lock:
            usual = self._kept.senders.get((asked.service, person))
            number = None if refusal else sender_for(asked, account, usual)
            blocked = number is not None and self.is_blocked(account.sid, number, person)
            if blocked and not asked.service:
                refusal = Refusal(21610)  # from a number at once; from a service only by callback
            if refusal is None and number is not None:
                message = self._taken(account, asked, number, person)
        if refusal is not None or number is None:
            refusal = refusal or Refusal(21606)
            self.journal.add("refused", {"request": request, "code": refusal.code})
            return refusal
        self.journal.add(
            "accepted",
            {
                "request": request,
                "sid": message.sid,
                "account": account.sid,
                "to": person,
                "service": asked.service or None,
                "body": asked.body,
                "segments": message.segments,
                "status_callback": asked.status_callback or None,
                "from": number.number,
            },
        )
        if message.send_at is None:
            self._set_off(message, number, 21610 if blocked else None, forced)
        else:
            wait_s = (message.send_at - now).total_seconds()
            self.timetable.at(time.monotonic() + wait_s, partial(self._release, message, number))
        return message

    def redact(self, message: Message) -> None:
        with self._lock:
            message.body, message.updated = "", self.clock.now()

    def delete(self, message: Message) -> Refusal | None:
        """Forgets a text for good; refused while it is on its way."""
        with self._lock:
            if message.status not in FINAL:
                return Refusal(20009)
            self._kept.messages.pop(message.sid, None)
            self._kept.by_account[message.account_sid].remove(message)
            self._kept.by_person[message.person].remove(message)
            for media in message.media:
                self._kept.storage.pop(media.sid, None)
        return None

    def delete_media(self, message: Message, media: Media) -> None:
        with self._lock:
            message.media = tuple(one for one in message.media if one.sid != media.sid)
            self._kept.storage.pop(media.sid, None)

    def cancel(self, message: Message) -> Refusal | None:
        """Takes back a scheduled text."""
        with self._lock:
            if message.status != "scheduled":
                return Refusal(30409)
            message.status, message.updated = "canceled", self.clock.now()
        self._tell(message, "canceled", None, 1)
        return None

    def _forced_error(self, person: str) -> ForcedError | None:
        for error in self.faults.errors:
            if error.to in (None, person) and (error.rate >= 1 or self.draws.next("error").random() < error.rate):
                return error
        return None

    def _taken(self, account: Account, asked: Create, number: Number, person: str) -> Message:
        now = self.clock.now()
        media = tuple(Media(self.draws.sid("ME"), "image/jpeg", url=url) for url in asked.media_urls)
        send_at = scheduled_for(asked)
        message = Message(
            sid=self.draws.sid("MM" if media else "SM"),
            account_sid=account.sid,
            author=Author.API,
            number=None if asked.service else number.number,
            person=person,
            body=asked.body,
            segments=segments_in(asked.body),
            status="scheduled" if send_at else "accepted" if asked.service else "queued",
            created=now,
            visible_from=self._visible_from(),
            order=next(self._orders),
            service=asked.service or None,
            media=media,
            status_callback=asked.status_callback or None,
            send_at=send_at,
        )
        self._keep(message)
        if number.messaging_service:
            self._kept.senders[number.messaging_service, person] = number.number
        return message

    def _visible_from(self) -> float:
        lag = self.faults.list_lag_s
        return time.monotonic() + (within(self.draws.next("lag"), lag) if lag[1] else 0.0)

    def _keep(self, message: Message) -> None:
        with self._lock:
            self._kept.messages[message.sid] = message
            self._kept.by_account[message.account_sid].append(message)
            self._kept.by_person[message.person].append(message)

    # --- what becomes of an accepted message --------------------------------------------------------------------------

    def _release(self, message: Message, number: Number) -> None:
        """A scheduled text is due. An opt-out since then does not cancel it: it fails now."""
        if message.status == "scheduled":
            blocked = self.is_blocked(message.account_sid, number, message.person)
            self._set_off(message, number, 21610 if blocked else None, None)

    def _set_off(self, message: Message, number: Number, failure: int | None, forced: ForcedError | None) -> None:
        """Plans every status of a message and the callback for each, with what goes wrong on the way."""
        if failure is None and forced is not None:
            failure = forced.code
        course = course_of(message.service is not None, failure, forced.status if forced else None)
        faults, chance = self.faults.callback, self.draws.next("callback")
        instant, instants = time.monotonic(), []
        for _ in course:
            instant += within(chance, faults.delay_s)
            instants.append(instant)
        told = list(instants)
        for index in range(len(told) - 1):
            if chance.random() < faults.reorder:
                told[index], told[index + 1] = told[index + 1], told[index]
        for status, at in zip(course, instants, strict=True):
            self.timetable.at(at, partial(self._advance, message, number, status, failure))
        for status, at in zip(course, told, strict=True):
            lost, twice = chance.random() < faults.loss, chance.random() < faults.duplicate
            if not message.status_callback:
                continue
            if lost:
                self.journal.add("callback_lost", {"sid": message.sid, "status": status})
            else:
                self.timetable.at(at, partial(self._tell, message, status, failure, 2 if twice else 1))

    def _advance(self, message: Message, number: Number, status: str, failure: int | None) -> None:
        with self._lock:
            now = self.clock.now()
            message.status, message.updated = status, now
            message.number = message.number or number.number
            if status == "sent":
                message.sent = now
            if status in ("failed", "undelivered"):
                message.error_code = failure

    def _tell(self, message: Message, status: str, failure: int | None, copies: int) -> None:
        url = message.status_callback
        if url is None:
            return
        form = callback_form(message, status, failure, self.clock.now())
        for _ in range(copies):
            token, began = str(uuid.uuid4()), time.monotonic()
            self.timetable.soon(partial(self._post, message, url, form, token, began, 1))

    def _post(self, message: Message, url: str, form: Form, token: str, began: float, count: int) -> None:
        policy = policy_in(url)
        account = self.accounts[message.account_sid]
        left_s = max(0.1, policy.total_s - (time.monotonic() - began))
        attempt = self.caller.attempt(url, form, account, policy, token=token, left_s=left_s)
        pause = retry_after_s(policy, count, time.monotonic() - began, attempt.failure)
        self._keep_attempt(Kind.CALLBACK, message.sid, account.sid, message.person, form, attempt, count)
        self.journal.add(
            "callback",
            {
                "sid": message.sid,
                "status": dict(form)["MessageStatus"],
                "attempt": count,
                "http": attempt.status,
                "last": pause is None,
            },
            mono=attempt.sent,
        )
        if 200 <= attempt.status < 300:
            self.journal.count("acknowledged")
        elif pause is None:
            self.journal.count("given_up")
        if pause is not None:
            again = partial(self._post, message, url, form, token, began, count + 1)
            self.timetable.at(time.monotonic() + pause, partial(self.timetable.soon, again))

    # --- what people send -----------------------------------------------------------------------------------------------

    def text(self, text: Text) -> dict[str, Any]:
        """A person's text: the carrier reacts to keywords, keeps it, and calls the webhook. A text whose sid is known is
        only told again. Returns the sid and the HTTP statuses (0: no answer), last of each copy and all of them.
        Raises ValueError when the account has no such number."""
        account, number = self._line(text.account, text.to)
        with self._lock:
            message = self._kept.messages.get(text.sid or "") or self._received(account, number, text)
        urls = [f"{self.base_url}{message.path}/Media/{media.sid}" for media in message.media]
        form = [
            pair for pair in inbound_form(message, urls) if pair[0] not in text.omit | {name for name, _ in text.extra}
        ]
        url = number.webhook or self.caller.url(SMS_PATH)
        call = Call(url, [*form, *text.extra], self.signer(account, text), text.copies, text.parallel, text.retries)
        journey = self.call(call, sid=message.sid)
        for attempts in journey:
            self._obey(account, number, message.person, attempts[-1])
        return {
            "sid": message.sid,
            "statuses": [attempts[-1].status for attempts in journey],
            "attempts": [[attempt.status for attempt in attempts] for attempts in journey],
            "opt_out_type": message.opt_out_type,
            "blocked": self.is_blocked(account.sid, number, message.person),
            "answered_at": max(attempts[-1].answered for attempts in journey),
        }

    def signer(self, account: Account, how: Text) -> Signer:
        """Whose signature goes on a webhook: usually the account's own; raises ValueError for an unknown account."""
        match how.signature:
            case "none":
                return None
            case "wrong":
                return f"not {account.token}"
            case "valid":
                if how.token is not None:
                    return how.token
                if how.signed_as is not None and how.signed_as not in self.accounts:
                    raise ValueError("signed_as: no such account")
                return self.accounts[how.signed_as] if how.signed_as else account
        raise ValueError("signature: valid, wrong or none")

    def call(self, call: Call, sid: str | None = None) -> list[list[Attempt]]:
        """Makes the calls and returns the attempts of each copy, in order."""
        policy = Policy(call.retries, WEBHOOK_FAILURES)
        one = partial(
            self.caller.deliver, call.url, call.form, call.signer, policy, method=call.method, headers=call.headers
        )
        if call.parallel and call.copies > 1:
            with ThreadPoolExecutor(call.copies) as pool:
                journey = [future.result() for future in [pool.submit(one) for _ in range(call.copies)]]
        else:
            journey = [one() for _ in range(call.copies)]
        told = dict(call.form)
        sid = sid or told.get("MessageSid")
        for copy, attempts in enumerate(journey, 1):
            for count, attempt in enumerate(attempts, 1):
                account, person = told.get("AccountSid", ""), told.get("From", "")
                self._keep_attempt(Kind.WEBHOOK, sid, account, person, call.form, attempt, count, call.method)
                self.journal.add(
                    "webhook",
                    {
                        "mono_sent": attempt.sent,
                        "sid": sid,
                        "copy": copy,
                        "http": attempt.status,
                        "body": told.get("Body"),
                        "from": told.get("From"),
                    },
                    mono=attempt.answered,
                )
        return journey

    def _keep_attempt(
        self,
        kind: Kind,
        sid: str | None,
        account: str,
        person: str,
        form: Form,
        attempt: Attempt,
        count: int,
        method: str = "POST",
    ) -> None:
        """Notes one call to the program for whoever looks at the wire."""
        exchange = Exchange(kind, sid, account, person, method, attempt.url, attempt.headers, tuple(form), count)
        self.exchanges.begin(exchange, began=attempt.sent)
        self.exchanges.end(
            exchange,
            attempt.status,
            headers=attempt.reply.headers.items() if attempt.reply else (),
            answer=attempt.reply.body if attempt.reply else b"",
            note=attempt.failure,
            ended=attempt.answered,
        )

    def _line(self, sid: str, to: str) -> tuple[Account, Number]:
        account = self.accounts.get(sid)
        if account is None:
            raise ValueError("account: no such account")
        if to not in account.numbers:
            raise ValueError("to: not a number of this account")
        return account, account.numbers[to]

    def _received(self, account: Account, number: Number, text: Text) -> Message:
        was = self.is_blocked(account.sid, number, text.sender)
        reaction = reaction_to(text.body, number, was)
        now = self.clock.now()
        message = Message(
            sid=text.sid or self.draws.sid("MM" if text.media else "SM"),
            account_sid=account.sid,
            author=Author.PHONE,
            number=number.number,
            person=text.sender,
            body=text.body,
            segments=segments_in(text.body),
            status="received",
            created=now,
            visible_from=self._visible_from(),
            order=next(self._orders),
            service=text.service or number.messaging_service,
            media=tuple(text.media),
            sent=now,
            opt_out_type=reaction.opt_out_type,
        )
        self._keep(message)
        self._kept.storage.update({media.sid: media for media in text.media})
        if number.messaging_service:
            self._kept.senders[number.messaging_service, text.sender] = number.number
        self.set_block(account.sid, number, text.sender, reaction.blocked)
        self.journal.add(
            "inbound",
            {"sid": message.sid, "account": account.sid, "to": number.number, "body": text.body, "from": text.sender},
        )
        for reply in reaction.replies:
            self._say(account, number, text.sender, reply, Author.CARRIER)
        return message

    def _say(self, account: Account, number: Number, person: str, body: str, author: Author) -> None:
        """A text that no create asked for: the carrier's own, or one in the answer to a webhook."""
        now = self.clock.now()
        with self._lock:
            message = Message(
                sid=self.draws.sid("SM"),
                account_sid=account.sid,
                author=author,
                number=number.number,
                person=person,
                body=body,
                segments=segments_in(body),
                status="delivered",
                created=now,
                visible_from=self._visible_from(),
                order=next(self._orders),
                service=number.messaging_service,
                sent=now,
            )
            self._keep(message)
        self.journal.add(
            "said",
            {
                "sid": message.sid,
                "author": author.value,
                "account": account.sid,
                "to": person,
                "body": body,
                "from": number.number,
            },
        )

    def _obey(self, account: Account, number: Number, person: str, attempt: Attempt) -> None:
        """Sends what the answer to an inbound webhook asks for; plain text becomes a text message as it stands."""
        if attempt.reply is None or not 200 <= attempt.status < 300:
            return
        for body in _texts_in(
            attempt.reply.headers.get("content-type", ""), attempt.reply.body.decode("utf-8", "replace")
        ):
            if not self.is_blocked(account.sid, number, person):
                self._say(account, number, person, body, Author.TWIML)

    def new_sid(self, prefix: str) -> str:
        """An identifier such as Twilio gives."""
        return self.draws.sid(prefix)

    def new_media(self, content_type: str, content: bytes, redirect: str | None = None) -> Media:
        return Media(self.draws.sid("ME"), content_type, content, redirect)


def _texts_in(content_type: str, body: str) -> Iterable[str]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/plain":
        return [body] if body.strip() else []
    if kind not in ("text/xml", "application/xml", "text/html"):
        return []
    texts = []
    for message in re.findall(r"<Message\b[^>]*>(.*?)</Message>", body, re.DOTALL):
        inner = "".join(re.findall(r"<Body>(.*?)</Body>", message, re.DOTALL)) or message
        texts.append(html.unescape(re.sub(r"<[^>]*>", "", inner)))
    return texts
