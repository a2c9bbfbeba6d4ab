"""People who were erased and must stay opted out: remembered by a keyed hash of their address, and by nothing else.

An erased person's ledger keeps no address, so when the number comes back, by a text, a form or a list, it is a new
contact: its ledger then begins with the opt-out that the hash remembers (C-046, C-121, C-122).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, LargeBinary, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import insert

from consent.ledger import Fact, append
from consent.models import Contact, Suppression
from consent.purposes import CONSENTED
from consent.state import EventKind
from smsbot.actor import SYSTEM
from smsbot.crypto import DataCipher, Keyring
from smsbot.database import TenantSession
from smsbot.writes import fetch, prepared

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


REMEMBERED = prepared(
    select(Suppression.address_hmac, Suppression.since, Suppression.reason, Suppression.key_id, Suppression.scope)
    .where(
        Suppression.tenant_id == bindparam("tenant_id"),
        Suppression.address_hmac == func.any(cast(bindparam("hashes"), ARRAY(LargeBinary))),
    )
    .order_by(Suppression.since)
)


@dataclass(frozen=True, slots=True)
class Remembered:
    """An opt-out that outlived its person's data; in the order of the columns of REMEMBERED after the hash."""

    since: datetime
    reason: str
    key_id: str
    scope: str


def renew(session: TenantSession, keyring: Keyring, contact: Contact, cipher: DataCipher, *, now: datetime) -> bool:
    """Begin the ledger of a contact that was made just now with the opt-out that is remembered; whether there was one.

    Whichever of the deployment's keys it was written under. The caller holds the contact's lock.
    """
    (found,) = fetch(
        session,
        REMEMBERED(tenant_id=session.tenant_id, hashes=keyring.suppression_hashes(contact.address)),
    )
    if not found:
        return False
    begin_opted_out(session, contact, cipher, Remembered(*found[0][1:]), now=now)
    return True


def begin_opted_out(
    session: TenantSession, contact: Contact, cipher: DataCipher, found: Remembered, *, now: datetime
) -> None:
    """The same when what is remembered was read before."""
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
