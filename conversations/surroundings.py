"""What belongs to one message, read into the session in one round trip: `get` and `get_one` then ask nothing more.

Sending one answer looks at a contact, a message, a conversation, a lead, a number and a tenant; one by one that is half
of what an answer costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, select

from consent.models import Contact
from conversations.models import Conversation, Lead, Message
from smsbot.database import Base, TenantSession
from smsbot.pipeline import Query
from smsbot.tenancy import Number, Tenant
from smsbot.writes import columns_of, fetch, loaded, loaded_together, prepared

KEPT = "surroundings"  # key in session.info: a session forgets what nobody else holds

_OF_TENANT: BindParameter[UUID] = bindparam("tenant_id")
_OF_MESSAGE: BindParameter[UUID] = bindparam("message_id")
_mine = select(Message).where(Message.tenant_id == _OF_TENANT, Message.id == _OF_MESSAGE)
CONVERSATION_OF = prepared(
    select(*columns_of(Conversation))
    .join(Message, (Message.tenant_id == Conversation.tenant_id) & (Message.conversation_id == Conversation.id))
    .where(Message.tenant_id == _OF_TENANT, Message.id == _OF_MESSAGE)
)
CONTACT = select(*columns_of(Contact)).where(
    Contact.tenant_id == _OF_TENANT, Contact.id == _mine.with_only_columns(Message.contact_id).scalar_subquery()
)
ONLY_READ = prepared(CONTACT)
LOCKED = prepared(CONTACT.with_for_update(of=Contact))
AROUND: tuple[type[Base], ...] = (Message, Conversation, Lead, Number, Tenant)
_REST = (
    select(*(column for model in AROUND for column in columns_of(model)))
    .select_from(Message)
    .join(Conversation, (Conversation.tenant_id == Message.tenant_id) & (Conversation.id == Message.conversation_id))
    .join(Lead, (Lead.tenant_id == Conversation.tenant_id) & (Lead.id == Conversation.lead_id))
    .join(Number, (Number.tenant_id == Message.tenant_id) & (Number.id == Message.number_id))
    .join(Tenant, Tenant.id == Message.tenant_id)
    .where(Message.tenant_id == _OF_TENANT, Message.id == _OF_MESSAGE)
)
REST = prepared(_REST)
# A status callback may be at the same message: what it writes must be seen before anything is decided.
REST_LOCKED = prepared(_REST.with_for_update(of=Message))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One message and what belongs to it; `more` are the rows of what else was asked in the same round trip."""

    contact: Contact
    message: Message
    conversation: Conversation
    lead: Lead
    number: Number
    tenant: Tenant
    more: list[list[tuple[Any, ...]]]


def surroundings(session: TenantSession, message_id: UUID, *more: Query, lock: bool) -> Surroundings | None:
    """The message and what belongs to it, with `lock` its contact's lock taken first, then its own; None for no such
    message.

    Everything else, `more` too, is as it is once the locks are held. Whoever takes both takes them in this order.
    """
    names = {"tenant_id": session.tenant_id, "message_id": message_id}
    of_contact = (LOCKED if lock else ONLY_READ)(**names)
    rest = (REST_LOCKED if lock else REST)(**names)
    contacts, around, *others = fetch(session, of_contact, rest, *more)
    if not contacts:
        return None
    message, conversation, lead, number, tenant = loaded_together(session, AROUND, around[0])
    assert isinstance(message, Message)
    assert isinstance(conversation, Conversation)
    assert isinstance(lead, Lead)
    assert isinstance(number, Number)
    assert isinstance(tenant, Tenant)
    contact = loaded(session, Contact, contacts[0])
    found = Surroundings(contact, message, conversation, lead, number, tenant, others)
    keep(session, found)
    return found


def keep(session: TenantSession, *held: object) -> None:
    """Hold these until the session ends: it forgets what nobody else holds, and would ask for it again."""
    session.info.setdefault(KEPT, []).extend(held)
