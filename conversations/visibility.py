"""Who may see which leads: the one condition that every read of leads and conversations carries."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, false, or_, true
from sqlalchemy.orm import aliased

from consent.models import Contact
from conversations.models import Lead
from smsbot.actor import Actor, ActorKind, Role
from smsbot.phone import AddressKind


def visible(actor: Actor) -> ColumnElement[bool]:
    """A condition on `Lead` for a query that selects from it or joins it.

    An agent sees the leads that are assigned to them and those that are nobody's yet, which any agent may pick up; a
    colleague's never. A lead sees only itself; the rest of the staff, API keys and the system see every lead of the
    tenant; the carrier sees none. Nobody sees a lead who was erased.
    """
    return and_(_theirs(actor), _is_not_erased())


def _is_not_erased() -> ColumnElement[bool]:
    contact = aliased(Contact)  # beside a Contact that the query may have joined
    return ~exists().where(
        contact.tenant_id == Lead.tenant_id,
        contact.id == Lead.contact_id,
        contact.address_kind == AddressKind.ERASED.value,
    )


def _theirs(actor: Actor) -> ColumnElement[bool]:
    if sees_all(actor):
        return true()
    match actor.kind:
        case ActorKind.STAFF if actor.id is not None and actor.role is Role.AGENT:
            return or_(Lead.assigned_to == actor.id, Lead.assigned_to.is_(None))
        case ActorKind.LEAD if actor.id is not None:
            return Lead.contact_id == actor.id
        case _:
            return false()  # nobody's: comparing with NULL would show what is unassigned


def sees_all(actor: Actor) -> bool:
    """Whether nothing of the tenant is hidden from the actor, what belongs to no lead included."""
    match actor.kind:
        case ActorKind.API_KEY | ActorKind.SYSTEM:
            return True
        case ActorKind.STAFF:
            return actor.role in (Role.OWNER, Role.MANAGER, Role.COMPLIANCE)
        case _:
            return False
