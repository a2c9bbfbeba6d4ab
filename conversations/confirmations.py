"""Compliance texts: the one text that a one-shot permit is for, in the person's language."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from consent.gate import grant_permit
from consent.models import ConsentEvent, Contact
from consent.purposes import PermitKind, Purpose
from conversations import outbox
from conversations.models import Author, Conversation, Kind
from conversations.templates import opt_in_confirm_for, text_for
from smsbot import work
from smsbot.database import TenantSession
from smsbot.phone import national
from smsbot.tenancy import Tenant

KINDS = {
    PermitKind.OPT_OUT_CONFIRMATION: (Kind.OPT_OUT_CONFIRMATION, "opt_out_confirm"),
    PermitKind.OPT_OUT_CATEGORY: (Kind.OPT_OUT_CATEGORY, "opt_out_category"),
    PermitKind.OPT_IN_CONFIRMATION: (Kind.OPT_IN_CONFIRMATION, "opt_in_confirm"),
    PermitKind.OPT_IN_QUESTION: (Kind.OPT_IN_QUESTION, "opt_in_question"),
    PermitKind.HELP: (Kind.HELP, "help"),
}


def put_compliance_text(
    session: TenantSession,
    *,
    tenant: Tenant,
    our_number: str,
    conversation: Conversation,
    contact: Contact,
    permit: PermitKind,
    event_id: UUID,
    at: datetime,
    now: datetime,
    in_reply_to: UUID | None = None,
    template: str | None = None,
    due_at: datetime | None = None,
) -> UUID:
    """The text that `permit` is for, because of the ledger's event. Returns the message's id.

    Five minutes count from `at`, when the person did what it answers. `template` is another wording than the usual one.
    It leaves at `due_at`, by default at once.
    """
    kind, usual = KINDS[permit]
    if permit is PermitKind.OPT_IN_CONFIRMATION:
        usual = opt_in_confirm_for(_agreed_to(session, event_id))
    language = contact.language or "en"
    permit_id = grant_permit(session, contact_id=contact.id, event_id=event_id, kind=permit, now=at)
    return outbox.put(
        session,
        conversation=conversation,
        author=Author.SYSTEM,
        purpose=Purpose.COMPLIANCE,
        kind=kind,
        body=text_for(
            template or usual,
            language,
            brand=tenant.brand,
            phone=tenant.help_phone or national(our_number),
            email=tenant.help_email or "",
        ),
        language=language,
        permit_id=permit_id,
        in_reply_to=in_reply_to,
        now=now,
        due_at=due_at,
        priority=work.URGENT,
    )


def _agreed_to(session: TenantSession, event_id: UUID) -> frozenset[Purpose]:
    """The purposes that the ledger's event names."""
    named = session.scalars(
        select(ConsentEvent.purposes).where(ConsentEvent.tenant_id == session.tenant_id, ConsentEvent.id == event_id)
    ).one()
    return frozenset(map(Purpose, named))
