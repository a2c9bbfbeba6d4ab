"""Erasing a person: everything that says who they were or what they said goes, in one transaction.

What stays names nobody: the ledger's events with their hashes, the gate's decisions, empty texts with the carrier's ids,
so that nothing of theirs can come back by a late callback or a repeated webhook; and a keyed hash of the address, which
keeps them opted out.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update

from consent.ledger import Fact, append, erase_evidence, lock, state_of
from consent.models import Contact
from consent.purposes import CONSENTED, Reason
from consent.state import EventKind
from consent.suppressions import suppress
from conversations import redaction
from conversations.imports import forget_drafts
from conversations.models import (
    WAITING,
    Alert,
    Conversation,
    Direction,
    Episode,
    Lead,
    Media,
    Message,
    State,
    Task,
    Trace,
)
from privacy import links
from smsbot.accounts import tenant_of
from smsbot.actor import Actor
from smsbot.crypto import DataCipher, DecryptionFailed
from smsbot.database import TenantSession
from smsbot.errors import Conflict, NotFound
from smsbot.events import record
from smsbot.phone import AddressKind
from smsbot.runtime import Runtime
from smsbot.settings import STOP_WAIT_S
from smsbot.tenancy import IdempotencyKey
from smsbot.work import Work

POLL_S = 0.02
ERASED = "erased"
EVENT = "privacy.erased"
RULE = "privacy.erasure"
ON_THEIR_WAY = (State.SENDING, State.SENT, State.UNKNOWN)  # the carrier cannot empty these yet
PERSONAL: Mapping[str, Any] = {
    "number": "",
    "name": None,
    "language": None,
    "fields": {},
}  # of a stored answer of the REST interface


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done: how many texts were emptied and how many proofs deleted. `again`: they were erased before."""

    contact_id: UUID
    messages: int
    evidence: int
    again: bool = False


def erase(
    runtime: Runtime, tenant_id: UUID, contact_id: UUID, *, actor: Actor, cause: str, wait_s: float = STOP_WAIT_S
) -> Erasure:
    """Erase this person: all of it or nothing. They stay opted out, whoever asked, until they text START themselves.

    Waits for a text that is in flight. Raises Conflict when it takes longer than `wait_s` seconds, and NotFound. `cause` is
    the method of the ledger's events, at most 20 characters.
    """
    give_up = time.monotonic() + wait_s
    while True:
        with runtime.transaction(tenant_id) as session:
            contact = lock(session, contact_id)
            if contact is None:
                raise NotFound("this tenant knows no such contact")
            if contact.address_kind == AddressKind.ERASED:
                return Erasure(contact.id, 0, 0, again=True)
            if not _in_flight(session, contact):
                return _Person(runtime, session, contact, actor, cause).erase()
        if time.monotonic() >= give_up:
            raise Conflict("a text to them is on its way: try again in half a minute")
        time.sleep(POLL_S)


def _in_flight(session: TenantSession, contact: Contact) -> bool:
    """Whether the carrier is being called for this person at this moment, by the database's clock, as the lease is."""
    return contact.lease_token is not None and bool(
        session.scalar(
            select(Contact.lease_until > func.clock_timestamp()).where(
                Contact.tenant_id == session.tenant_id, Contact.id == contact.id
            )
        )
    )


class _Person:
    """One person whose contact is locked, with the ids of everything that belongs to them."""

    def __init__(self, runtime: Runtime, session: TenantSession, contact: Contact, actor: Actor, cause: str) -> None:
        self.runtime, self.session, self.contact, self.actor, self.cause = runtime, session, contact, actor, cause
        self.now = runtime.clock.now()
        self.tenant_id = session.tenant_id
        self.cipher: DataCipher = runtime.cipher(tenant_of(session, session.tenant_id).data_key)
        self.leads = self._ids(Lead)
        self.conversations = self._ids(Conversation)
        self.messages = self._ids(Message)
        self.media = session.scalars(
            select(Media.id).where(Media.tenant_id == self.tenant_id, Media.message_id.in_(self.messages))
        ).all()

    def _ids(self, model: type[Lead] | type[Conversation] | type[Message]) -> list[UUID]:
        query = select(model.id).where(model.tenant_id == self.tenant_id, model.contact_id == self.contact.id)
        return list(self.session.scalars(query))

    def erase(self) -> Erasure:
        self._opt_out()
        self._forget_work()
        self._empty_texts()
        self._blank_person()
        self._blank_answers()
        links.revoke(self.session, self.contact.id)
        forget_drafts(self.session)
        evidence = erase_evidence(
            self.session, self.contact, self.cipher, actor=self.actor, now=self.now, cause=self.cause
        )
        record(
            self.session,
            EVENT,
            at=self.now,
            actor=self.actor,
            cause=self.cause,
            contact_id=self.contact.id,
            details={"messages": len(self.messages), "evidence": evidence},
        )
        return Erasure(self.contact.id, len(self.messages), evidence)

    def _opt_out(self) -> None:
        """Nobody texts an erased person: their ledger ends with an opt-out, and the address is remembered by its hash."""
        opted_out = state_of(self.contact).opted_out
        since = opted_out.since if opted_out else self.now
        suppress(self.session, self.runtime.keyring, self.contact.address, since=since, reason=ERASED, scope="tenant")
        if opted_out is None:
            fact = Fact(EventKind.OPT_OUT, self.now, self.cause, {}, purposes=CONSENTED, rule=RULE)
            append(self.session, self.contact, self.cipher, fact, actor=self.actor, now=self.now)

    def _forget_work(self) -> None:
        """Whoever is at it at this moment, at a draft or a picture, loses the lease and writes nothing."""
        things = [self.contact.id, *self.leads, *self.conversations, *self.messages, *self.media]
        self.session.execute(
            delete(Work).where(
                Work.tenant_id == self.tenant_id, or_(Work.contact_id == self.contact.id, Work.ref_id.in_(things))
            )
        )
        tasks = self.session.scalars(
            delete(Task)
            .where(
                Task.tenant_id == self.tenant_id,
                or_(Task.conversation_id.in_(self.conversations), Task.ref_id.in_(things)),
            )
            .returning(Task.id)
        ).all()
        self.session.execute(delete(Work).where(Work.tenant_id == self.tenant_id, Work.ref_id.in_(tasks)))
        self.session.execute(
            delete(Alert).where(Alert.tenant_id == self.tenant_id, Alert.conversation_id.in_(self.conversations))
        )

    def _empty_texts(self) -> None:
        """Bodies, pictures and the model's words go here; what the carrier has of them is emptied by a worker."""
        for model in (Trace, Media):
            self.session.execute(
                delete(model).where(model.tenant_id == self.tenant_id, model.message_id.in_(self.messages))
            )
        whose = (Message.tenant_id == self.tenant_id, Message.contact_id == self.contact.id)
        self.session.execute(
            update(Message)
            .where(*whose, Message.state.in_(WAITING))
            .values(state=State.CANCELED, reason=Reason.OPTED_OUT.value)
        )
        at_the_carrier = self.session.execute(
            select(Message.id, Message.state, Message.direction).where(
                *whose, or_(Message.provider_sid.is_not(None), Message.state == State.SENDING)
            )
        ).all()
        later = [row.id for row in at_the_carrier if row.state in ON_THEIR_WAY and row.direction is Direction.OUTBOUND]
        now = [row.id for row in at_the_carrier if row.id not in set(later)]
        redaction.plan(self.session, now, due_at=self.now, now=self.now)
        redaction.plan(self.session, later, due_at=self.now + redaction.SETTLES, now=self.now)
        self.session.execute(update(Message).where(*whose, Message.state == State.SENDING).values(state=State.UNKNOWN))
        self.session.execute(update(Message).where(*whose).values(body="", language=None))

    def _blank_person(self) -> None:
        self.session.execute(
            update(Lead)
            .where(Lead.tenant_id == self.tenant_id, Lead.contact_id == self.contact.id)
            .values(name=None, language=None, source=ERASED, assigned_to=None, fields={})
        )
        self.session.execute(
            update(Conversation)
            .where(Conversation.tenant_id == self.tenant_id, Conversation.contact_id == self.contact.id)
            .values(
                mode=None, taken_over_at=None, taken_over_by=None, handoff_reason=None, burst_started_at=None,
            )
        )  # fmt: skip
        self.session.execute(
            update(Episode)
            .where(
                Episode.tenant_id == self.tenant_id,
                Episode.conversation_id.in_(self.conversations),
                Episode.closed_at.is_(None),
            )
            .values(closed_at=self.now, close_reason=ERASED)
        )
        contact = self.contact
        contact.address, contact.address_kind = f"{ERASED}:{contact.id}", AddressKind.ERASED.value
        contact.country = contact.language = contact.declared_zone = contact.postal_code = contact.region = None
        contact.hours = contact.line_type = contact.line_type_at = contact.unreachable_code = None
        contact.last_inbound_at = contact.blocked_at = contact.wrong_number_at = None
        contact.lease_token = contact.lease_until = None

    def _blank_answers(self) -> None:
        """Answers of the REST interface are kept for a day, encrypted: those about this lead keep its id alone."""
        leads = {str(lead_id) for lead_id in self.leads}
        rows = self.session.scalars(
            select(IdempotencyKey).where(
                IdempotencyKey.tenant_id == self.tenant_id, IdempotencyKey.response.is_not(None)
            )
        ).all()
        for row in rows:
            place: dict[str, Any] = {
                "tenant_id": self.tenant_id, "table": "idempotency_keys", "column": "response",
                "row": f"{row.api_key_id}/{row.key}",
            }  # fmt: skip
            try:
                body = json.loads(self.cipher.decrypt_text(_sealed_in(row), **place))
            except DecryptionFailed:
                continue  # nobody reads it any more
            if body.get("id") not in leads:
                continue
            blanked = {name: PERSONAL.get(name, value) for name, value in body.items()}
            sealed = self.cipher.encrypt_text(json.dumps(blanked), **place)
            row.response = {"sealed": base64.b64encode(sealed).decode()}


def _sealed_in(row: IdempotencyKey) -> bytes:
    assert row.response is not None
    return base64.b64decode(str(row.response["sealed"]))
