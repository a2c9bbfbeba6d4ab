"""Texts that come while others are being stored are stored together, in one transaction of their tenant.

A transaction of sixteen texts costs little more than one of one: a round trip, a commit and a bell for all. Each is
answered after that commit. Whoever cannot go with the others goes alone, and waits for nobody but their own contact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    String,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from consent.models import Contact
from consent.suppressions import REMEMBERED, Remembered
from consent.words import Judgement, Verdict, judge
from conversations.inbound import CONTACT, InboundText, Known, Received, accept, new_contact, one_of, take_in
from conversations.keyword_routes import ROUTE, ROUTES, Route, word_in
from conversations.models import Conversation, Message
from smsbot.accounts import Recipient
from smsbot.crypto import Keyring
from smsbot.database import TenantSession
from smsbot.errors import SmsbotError
from smsbot.logs import log_event
from smsbot.phone import Address
from smsbot.runtime import Runtime
from smsbot.together import Together
from smsbot.writes import Prepared, columns_of, fetch, loaded, prepared, set_aside

logger = logging.getLogger(__name__)

MOST = 16  # texts of one transaction: with more the first of them would wait longer than the others gain

_TENANT_CONTACT = Contact.tenant_id == bindparam("tenant_id")
_NEW = (
    func.unnest(
        cast(bindparam("ids"), ARRAY(Uuid)),
        cast(bindparam("addresses"), ARRAY(Text)),
        cast(bindparam("kinds"), ARRAY(Text)),
        cast(bindparam("countries"), ARRAY(Text)),
    )
    .table_valued("id", "address", "kind", "country", name="new")
    .render_derived(name="new")
)
# In the order of their addresses, so that two who make the same people do not wait for each other in a circle.
MAKE = prepared(
    insert(Contact)
    .from_select(
        ["id", "tenant_id", "address", "address_kind", "country"],
        select(_NEW.c.id, cast(bindparam("tenant_id"), Uuid), _NEW.c.address, _NEW.c.kind, _NEW.c.country)
        .where(
            select(Contact.id)
            .where(_TENANT_CONTACT, Contact.address == cast(_NEW.c.address, String))
            .limit(literal_column("1"))
            .scalar_subquery()
            .is_(None)
        )
        .order_by(_NEW.c.address),
        include_defaults=False,
    )
    .on_conflict_do_nothing(index_elements=["tenant_id", "address"])
    .returning(Contact.id)
)
MAKE_ONE = prepared(CONTACT.on_conflict_do_nothing(index_elements=["tenant_id", "address"]).returning(Contact.id))


def _for_each(found: Callable[[ColumnElement[str]], Select[*tuple[Any, ...]]], name: str) -> tuple[Prepared, Prepared]:
    """`found` for the parameter `name`, and the same for each of the list `asked`.

    One by one in the database as well (the LIMIT keeps it from joining them), so that each is found by a key.
    """
    asked = func.unnest(cast(bindparam("asked"), ARRAY(Text))).table_valued(name, name="asked")
    asked = asked.render_derived(name="asked")
    each = found(cast(asked.c[name], String)).limit(literal_column("1")).lateral("found")
    return prepared(found(bindparam(name))), prepared(select(each).select_from(asked).join(each, true()))


# Who is locked by somebody else is left out: nobody waits for a lock of another person's, and so in no circle either.
LOCK_ONE, LOCK = _for_each(
    lambda address: (
        select(*columns_of(Contact))
        .where(_TENANT_CONTACT, Contact.address == address)
        .with_for_update(skip_locked=True)
    ),
    "address",
)
CONVERSATION, CONVERSATIONS = _for_each(
    lambda address: select(*columns_of(Conversation)).where(
        Conversation.tenant_id == bindparam("tenant_id"),
        Conversation.contact_id
        == select(Contact.id)
        .where(_TENANT_CONTACT, Contact.address == address)
        .correlate_except(Contact)
        .scalar_subquery(),
    ),
    "address",
)
REPEATED_ONE, REPEATED = _for_each(
    lambda sid: select(Message.provider_sid, Message.id, Message.awaited_lease).where(
        Message.tenant_id == bindparam("tenant_id"), Message.provider_sid == sid
    ),
    "provider_sid",
)
# For the rest of this transaction plans are kept: a list of a few is cheaper than one of unknown length is thought to
# be, and would be planned anew each time. They go by keys: a plan that was made while a table was empty reads it whole.
_SETTINGS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_bitmapscan": "off"}
PLANNED_ONCE = prepared(
    select(
        *(
            func.set_config(literal_column(f"'{name}'"), literal_column(f"'{value}'"), literal_column("true"))
            for name, value in _SETTINGS.items()
        )
    )
)()


class ErasedSince(SmsbotError):
    """A batch cannot be stored as it is: of one text nothing may be."""


@dataclass(frozen=True, slots=True)
class _Text:
    recipient: Recipient
    text: InboundText
    judged: Judgement


class Accepting:
    """`accept` for threads that may come at once. One per process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._together = Together(self._taken_in, most=MOST, apart=lambda one: one_of(one.text.sender).value)

    def accept(self, recipient: Recipient, text: InboundText) -> Received:
        """As `inbound.accept`: returns after the commit, raises when nothing of it is stored."""
        judged = judge(text.body, extra_opt_out=recipient.extra_opt_out_words)
        received = None
        if judged.verdict is Verdict.NONE and judged.keyword is None and text.opt_out_type is None:
            received = self._together.ask(recipient.tenant_id, _Text(recipient, text, judged))
        if received is None:
            # What is about consent asks and writes more than others could wait for.
            with self._runtime.turn():
                received = accept(self._runtime, recipient, text, judged=judged)
        return received

    def waiting(self, tenant_id: UUID) -> int | None:
        """How many texts of this tenant wait while others are stored; None when none is being stored."""
        return self._together.waiting(tenant_id)

    def _taken_in(self, tenant_id: Hashable, texts: Sequence[_Text]) -> Sequence[Received | None]:
        """None for those who have to go alone."""
        assert isinstance(tenant_id, UUID)
        try:
            return _accept_together(self._runtime, tenant_id, texts)
        except PoolTimeout:
            raise
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) is None:
                raise  # the database is away: going alone would take as long once more
            failure: Exception = error
        except Exception as error:  # noqa: BLE001  # of one of them, who will meet it again alone; it is recorded
            failure = error
        log_event(logger, "accepting.apart", level=logging.WARNING, error=failure, texts=len(texts))
        return [None] * len(texts)


def _accept_together(runtime: Runtime, tenant_id: UUID, texts: Sequence[_Text]) -> list[Received | None]:
    now = runtime.clock.now()
    received: list[Received | None] = []
    with runtime.transaction(tenant_id) as session:
        known = _known_of(session, runtime.keyring, [one.text for one in texts])
        if any(found is not None and found.of_erased for found in known):
            raise ErasedSince("the repeat of a text whose sender was erased: it goes alone, and leaves nothing")
        for one, found in zip(texts, known, strict=True):
            if found is None:
                received.append(None)
                continue
            received.append(take_in(runtime, session, one.recipient, one.text, found, now=now, judged=one.judged))
            set_aside(session)
    return received


def _known_of(session: TenantSession, keyring: Keyring, texts: Sequence[InboundText]) -> list[Known | None]:
    """What is known about each text, its sender's row locked; None where somebody else has the lock.

    In one round trip: each query sees what was committed before it, and the locks are taken before the others look.
    """
    senders = [one_of(text.sender) for text in texts]
    hashes = [keyring.suppression_hashes(sender.value) for sender in senders]
    words = [word_in(text.body) for text in texts]
    together = _one if len(texts) == 1 else _many
    made, locked, repeats, conversations, suppressed, routed = together(session, texts, senders, hashes, words)
    new = {row[0] for row in made}
    contacts = {contact.address: contact for contact in (loaded(session, Contact, row) for row in locked)}
    stored = {sid: (message_id, lease) for sid, message_id, lease in repeats}
    routes = {word: Route(source, fields) for word, source, fields in routed}
    opted_out: dict[bytes, Remembered] = {}
    for row in suppressed:  # the earliest first
        opted_out.setdefault(bytes(row[0]), Remembered(*row[1:]))
    threads = {thread.contact_id: thread for thread in (loaded(session, Conversation, row) for row in conversations)}
    found: list[Known | None] = []
    for text, sender, mine, word in zip(texts, senders, hashes, words, strict=True):
        contact = contacts.get(sender.value)
        if contact is None:
            found.append(None)
            continue
        found.append(
            Known(
                contact,
                contact.id in new,
                stored.get(text.provider_sid),
                threads.get(contact.id),
                routes.get(word) if word else None,
                next((opted_out[one] for one in mine if one in opted_out), None),
            )
        )
    return found


_Rows = list[tuple[Any, ...]]


_Hashes = Sequence[Sequence[bytes]]
_Words = Sequence[str | None]


def _one(
    session: TenantSession, texts: Sequence[InboundText], senders: Sequence[Address], hashes: _Hashes, words: _Words
) -> list[_Rows]:
    (text,), (sender,), (mine,), (word,), tenant_id = texts, senders, hashes, words, session.tenant_id
    rows = fetch(
        session,
        MAKE_ONE(**new_contact(session, sender)),
        LOCK_ONE(tenant_id=tenant_id, address=sender.value),
        REPEATED_ONE(tenant_id=tenant_id, provider_sid=text.provider_sid),
        CONVERSATION(tenant_id=tenant_id, address=sender.value),
        REMEMBERED(tenant_id=tenant_id, hashes=mine),
        *([ROUTE(tenant_id=tenant_id, word=word)] if word else []),
    )
    return rows if word else [*rows, []]


def _many(
    session: TenantSession, texts: Sequence[InboundText], senders: Sequence[Address], hashes: _Hashes, words: _Words
) -> list[_Rows]:
    tenant_id, addresses = session.tenant_id, [sender.value for sender in senders]
    new = [new_contact(session, sender) for sender in senders]
    _, *rows = fetch(
        session,
        PLANNED_ONCE,
        MAKE(
            tenant_id=tenant_id,
            ids=[one["id"] for one in new],
            addresses=addresses,
            kinds=[one["kind"] for one in new],
            countries=[one["country"] for one in new],
        ),
        LOCK(tenant_id=tenant_id, asked=addresses),
        REPEATED(tenant_id=tenant_id, asked=[text.provider_sid for text in texts]),
        CONVERSATIONS(tenant_id=tenant_id, asked=addresses),
        REMEMBERED(tenant_id=tenant_id, hashes=[one for mine in hashes for one in mine]),
        ROUTES(tenant_id=tenant_id, words=[word for word in words if word]),
    )
    return rows
