"""What a person agreed to, for people and interfaces to read: the summary of a state, and the ledger as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from consent.models import ConsentEvent, ConsentEvidence, Contact
from consent.purposes import CONSENTED
from consent.state import ConsentState, Overall, PurposeConsent, PurposeState
from smsbot.crypto import DataCipher, DecryptionFailed
from smsbot.database import TenantSession


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One event of a contact's ledger with its place in the chain.

    `evidence` is None when it was erased (`evidence_erased`), and when it does not decrypt: `consent verify` names
    such an event as broken. The hashes are the chain's own, empty before the first event.
    """

    id: UUID
    contact_id: UUID
    seq: int
    kind: str
    purposes: tuple[str, ...]
    basis: str | None
    channel: str
    scope: str
    method: str
    at: datetime
    recorded_at: datetime
    rule: str | None
    rule_version: str | None
    message_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    evidence: Mapping[str, Any] | None = field(repr=False)
    evidence_erased: bool
    evidence_hash: bytes
    prev_hash: bytes
    hash: bytes


def consent_summary(state: ConsentState, now: datetime) -> dict[str, Any]:
    """The consent of one person as the REST interface words it, with plain values (times are datetimes).

    Every purpose that a person can agree to is named; one that ran out reads `none` and keeps its `until`. Texts say
    nothing about calls or mail: those channels are `unknown` until an opt-out, which ends all of them.
    """
    return {
        "state": state.overall(now).value,
        "since": state.since,
        "source": state.source,
        "carrier_blocked": state.carrier_blocked is not None,
        "restricted": state.restricted is not None,
        "purposes": {purpose.value: _standing(state.purposes.get(purpose), now) for purpose in CONSENTED},
        "channels": {
            "sms": state.overall(now).value,
            "voice": _channel(state, ended=state.voice_opted_out is not None),
            "email": _channel(state, ended=False),
        },
    }


def _standing(standing: PurposeConsent | None, now: datetime) -> dict[str, Any]:
    if standing is None:
        return {"state": PurposeState.NONE.value, "basis": None, "event_id": None, "until": None}
    over = standing.until is not None and now >= standing.until
    return {
        "state": (PurposeState.NONE if over else standing.state).value,
        "basis": standing.basis.value if standing.basis else None,
        "event_id": standing.event_id,
        "until": standing.until,
    }


def _channel(state: ConsentState, *, ended: bool) -> str:
    return (Overall.OPTED_OUT if ended or state.opted_out else Overall.UNKNOWN).value


def contact_at(session: TenantSession, address: str) -> Contact | None:
    """The contact with exactly this address (E.164 for a number), not locked; None when nobody has it."""
    return session.scalars(
        select(Contact).where(Contact.tenant_id == session.tenant_id, Contact.address == address)
    ).one_or_none()


def events_of(
    session: TenantSession, contact_id: UUID, cipher: DataCipher, *, after_seq: int = 0, limit: int = 200
) -> list[LedgerEvent]:
    """Up to `limit` events of this contact after `after_seq`, oldest first, their evidence decrypted."""
    rows = session.execute(
        select(ConsentEvent, ConsentEvidence)
        .outerjoin(
            ConsentEvidence,
            (ConsentEvidence.tenant_id == ConsentEvent.tenant_id) & (ConsentEvidence.event_id == ConsentEvent.id),
        )
        .where(
            ConsentEvent.tenant_id == session.tenant_id,
            ConsentEvent.contact_id == contact_id,
            ConsentEvent.seq > after_seq,
        )
        .order_by(ConsentEvent.seq)
        .limit(limit)
    ).all()
    return [_as_read(event, proof, cipher) for event, proof in rows]


def _as_read(event: ConsentEvent, proof: ConsentEvidence | None, cipher: DataCipher) -> LedgerEvent:
    return LedgerEvent(
        id=event.id,
        contact_id=event.contact_id,
        seq=event.seq,
        kind=event.kind.value,
        purposes=tuple(event.purposes),
        basis=event.basis,
        channel=event.channel,
        scope=event.scope,
        method=event.method,
        at=event.at,
        recorded_at=event.recorded_at,
        rule=event.rule,
        rule_version=event.rule_version,
        message_id=event.message_id,
        actor_kind=event.actor_kind,
        actor_id=event.actor_id,
        evidence=None if proof is None else _decrypted(proof, cipher),
        evidence_erased=proof is None,
        evidence_hash=bytes(event.evidence_hash),
        prev_hash=bytes(event.prev_hash),
        hash=bytes(event.hash),
    )


def _decrypted(proof: ConsentEvidence, cipher: DataCipher) -> Mapping[str, Any] | None:
    try:
        content = cipher.decrypt(
            proof.content, tenant_id=proof.tenant_id, table="consent_evidence", column="content", row=proof.event_id
        )
    except DecryptionFailed:
        return None
    evidence: Mapping[str, Any] = json.loads(content)
    return evidence
