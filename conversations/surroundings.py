"""What belongs to one message, read into the session in one round trip: `get` and `get_one` then ask nothing more.

Sending one answer looks at a contact, a message, a conversation, a lead, a number and a tenant; one by one that is half
of what an answer costs.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BindParameter, bindparam, select

from consent.models import Contact
from conversations.models import Conversation, Lead, Message
from smsbot.database import Base, TenantSession
from smsbot.tenancy import Number, Tenant
from smsbot.writes import Prepared, columns_of, fetch, loaded, prepared

KEPT = "surroundings"  # key in session.info: a session forgets what nobody else holds

_OF_TENANT: BindParameter[UUID] = bindparam("tenant_id")
_OF_MESSAGE: BindParameter[UUID] = bindparam("message_id")
_mine = select(Message).where(Message.tenant_id == _OF_TENANT, Message.id == _OF_MESSAGE)
_conversation = (
    select(*columns_of(Conversation))
    .join(Message, (Message.tenant_id == Conversation.tenant_id) & (Message.conversation_id == Conversation.id))
    .where(Message.tenant_id == _OF_TENANT, Message.id == _OF_MESSAGE)
)
CONTACT = select(*columns_of(Contact)).where(
    Contact.tenant_id == _OF_TENANT, Contact.id == _mine.with_only_columns(Message.contact_id).scalar_subquery()
)
ONLY_READ = prepared(CONTACT)
LOCKED = prepared(CONTACT.with_for_update(of=Contact))
REST: tuple[tuple[type[Base], Prepared], ...] = (
    (Message, prepared(select(*columns_of(Message)).where(Message.tenant_id == _OF_TENANT, Message.id == _OF_MESSAGE))),
    (Conversation, prepared(_conversation)),
    (
        Lead,
        prepared(
            select(*columns_of(Lead)).where(
                Lead.tenant_id == _OF_TENANT,
                Lead.id
                == select(Conversation.lead_id)
                .join(
                    Message,
                    (Message.tenant_id == Conversation.tenant_id) & (Message.conversation_id == Conversation.id),
                )
                .where(Message.tenant_id == _OF_TENANT, Message.id == _OF_MESSAGE)
                .scalar_subquery(),
            )
        ),
    ),
    (
        Number,
        prepared(
            select(*columns_of(Number)).where(
                Number.tenant_id == _OF_TENANT,
                Number.id == _mine.with_only_columns(Message.number_id).scalar_subquery(),
            )
        ),
    ),
    (Tenant, prepared(select(*columns_of(Tenant)).where(Tenant.id == _OF_TENANT))),
)


def surroundings(session: TenantSession, message_id: UUID, *, lock: bool) -> tuple[Contact, Message] | None:
    """The message and its contact, with `lock` that row's lock taken first; None when there is no such message.

    Everything else is as it is once the lock is held.
    """
    names = {"tenant_id": session.tenant_id, "message_id": message_id}
    of_contact = (LOCKED if lock else ONLY_READ)(**names)
    contacts, *others = fetch(session, of_contact, *(statement(**names) for _, statement in REST))
    if not contacts:
        return None
    contact = loaded(session, Contact, contacts[0])
    around = [loaded(session, model, row) for (model, _), rows in zip(REST, others, strict=True) for row in rows]
    session.info[KEPT] = [contact, *around]
    return contact, session.get_one(Message, message_id)
