"""People who were erased and must stay opted out: remembered by a keyed hash of their address, and by nothing else.

An erased person's ledger keeps no address, so when the number comes back, by a text, a form or a list, it is a new
contact: its ledger then begins with the opt-out that the hash remembers (C-046, C-121, C-122).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from consent.ledger import Fact, append
from consent.models import Contact, Suppression
from consent.purposes import CONSENTED
from consent.state import EventKind
from smsbot.actor import SYSTEM
from smsbot.crypto import DataCipher, Keyring
from smsbot.database import TenantSession

METHOD = "suppression"


def suppress(
    session: TenantSession, keyring: Keyring, address: str, *, since: datetime, reason: str, scope: str = "tenant"
) -> None:
    """Remember that this address opted out at `since`. The earliest opt-out stays."""
    session.execute(
        insert(Suppression)
        .values(
            tenant_id=session.tenant_id,
            address_hmac=keyring.suppression_hashes(address)[0],
            key_id=keyring.key_ids[0],
            since=since,
            reason=reason,
            scope=scope,
        )
        .on_conflict_do_nothing()
    )


def remembered(session: TenantSession, keyring: Keyring, address: str) -> Suppression | None:
    """What is remembered of this address, under whichever of the deployment's keys it was written."""
    return session.scalars(
        select(Suppression)
        .where(
            Suppression.tenant_id == session.tenant_id,
            Suppression.address_hmac.in_(keyring.suppression_hashes(address)),
        )
        .order_by(Suppression.since)
        .limit(1)
    ).first()


def renew(session: TenantSession, keyring: Keyring, contact: Contact, cipher: DataCipher, *, now: datetime) -> bool:
    """Begin the ledger of a contact that was made just now with the opt-out that is remembered; whether there was one.

    The caller holds the contact's lock.
    """
    found = remembered(session, keyring, contact.address)
    if found is None:
        return False
    fact = Fact(
        EventKind.OPT_OUT,
        found.since,
        METHOD,
        {"address": contact.address, "reason": found.reason, "key_id": found.key_id},
        purposes=CONSENTED,
        scope=found.scope,
        rule="suppression.remembered",
    )
    append(session, contact, cipher, fact, actor=SYSTEM, now=now)
    return True
