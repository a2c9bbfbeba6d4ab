"""The consent ledger: append under the contact's lock, seal per tenant, verify, erase what identifies.

Each event carries the hash of the one before it, per contact. A seal each minute records the ends of the chains that
grew, so that a tail which was cut off shows as well, and binds the tree of all ends, so that it can be shown of one
contact alone (`consent/ledger_tree.py`). Nothing here is ever updated.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import LargeBinary, Row, String, delete, exists, func, insert, literal, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY

from consent import ledger_tree
from consent.models import ConsentEvent, ConsentEvidence, Contact, LedgerHead, LedgerNode
from consent.purposes import Purpose
from consent.state import (
    Basis,
    ConsentState,
    EventKind,
    LedgerEntry,
    fold,
    state_after,
    state_from_json,
    state_to_json,
)
from smsbot.actor import Actor
from smsbot.crypto import DataCipher, DecryptionFailed
from smsbot.database import TenantSession
from smsbot.writes import put_row

SALT_BYTES = 16
SEALED_AT_ONCE = 1_000  # their rows are locked meanwhile
READ_AT_ONCE = 1_000  # seals, nodes
LIST_OF_ENDS, TREE_OF_ENDS = 1, 2  # versions of a seal: what its hash binds


@dataclass(frozen=True, slots=True)
class Fact:
    """What is to be recorded. `evidence` holds what identifies; everything else must not."""

    kind: EventKind
    at: datetime
    method: str
    evidence: Mapping[str, Any]
    purposes: Sequence[Purpose] = ()
    basis: Basis | None = None
    channel: str = "sms"
    scope: str = "tenant"
    rule: str | None = None
    rule_version: str | None = None
    message_id: UUID | None = None


def canonical_json(value: Any) -> bytes:
    """One spelling for one value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def evidence_hash(salt: bytes, evidence: bytes) -> bytes:
    return hashlib.sha256(salt + evidence).digest()


def event_hash(event: ConsentEvent | Row[Any] | Mapping[str, Any], prev_hash: bytes) -> bytes:
    """SHA-256 over the previous hash and every column of the event."""

    def column(name: str) -> Any:
        return event[name] if isinstance(event, Mapping) else getattr(event, name)

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()  # as it comes back from the database, whatever zone it was in
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, UUID):
            return str(value)
        return value

    return hashlib.sha256(prev_hash + canonical_json({name: plain(column(name)) for name in HASHED})).digest()


HASHED = (
    "id", "tenant_id", "contact_id", "seq", "kind", "purposes", "basis", "channel", "scope", "method", "at",
    "recorded_at", "rule", "rule_version", "message_id", "actor_kind", "actor_id", "evidence_hash",
)  # fmt: skip

# The columns of an event as they are stored: a kind that was changed into no word of ours must reach the check.
STORED = (
    *(getattr(ConsentEvent, name) for name in (*HASHED, "prev_hash", "hash") if name != "kind"),
    type_coerce(ConsentEvent.kind, String).label("kind"),
)


def lock(session: TenantSession, contact_id: UUID) -> Contact | None:
    """The contact's row, locked until this transaction ends, as it is now. Nothing may be decided before this."""
    return session.execute(
        select(Contact)
        .where(Contact.tenant_id == session.tenant_id, Contact.id == contact_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def append(
    session: TenantSession, contact: Contact, cipher: DataCipher, fact: Fact, *, actor: Actor, now: datetime
) -> UUID:
    """Record `fact` at the end of the contact's chain and fold it into the row. Returns the event's id.

    The caller holds the contact's lock: two writers would fork the chain (a unique key refuses the second).
    """
    event_id = uuid4()
    salt = secrets.token_bytes(SALT_BYTES)
    evidence = canonical_json(dict(fact.evidence))
    values: dict[str, Any] = {
        "id": event_id,
        "tenant_id": session.tenant_id,
        "contact_id": contact.id,
        "seq": contact.ledger_seq + 1,
        "kind": fact.kind.value,
        "purposes": [purpose.value for purpose in fact.purposes],
        "basis": fact.basis.value if fact.basis else None,
        "channel": fact.channel,
        "scope": fact.scope,
        "method": fact.method,
        "at": fact.at,
        "recorded_at": now,
        "rule": fact.rule,
        "rule_version": fact.rule_version,
        "message_id": fact.message_id,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "evidence_hash": evidence_hash(salt, evidence),
    }
    digest = event_hash(values, contact.ledger_hash)
    put_row(session, ConsentEvent, {**values, "prev_hash": contact.ledger_hash, "hash": digest})
    sealed = cipher.encrypt(
        evidence, tenant_id=session.tenant_id, table="consent_evidence", column="content", row=event_id
    )
    put_row(
        session,
        ConsentEvidence,
        {"tenant_id": session.tenant_id, "event_id": event_id, "salt": salt, "content": sealed},
    )
    contact.ledger_seq += 1
    contact.ledger_hash = digest
    entry = LedgerEntry(event_id, fact.kind, fact.at, tuple(fact.purposes), fact.basis, fact.method)
    contact.consent = state_to_json(state_after(state_from_json(contact.consent), entry))
    return event_id


def state_of(contact: Contact | None) -> ConsentState:
    """The folded state of a contact; of nobody when there is none."""
    return state_from_json(contact.consent if contact else None)


def erase_evidence(
    session: TenantSession, contact: Contact, cipher: DataCipher, *, actor: Actor, now: datetime, cause: str
) -> int:
    """Delete what identifies this contact in the ledger and record that; the chain still verifies. Returns how many."""
    ids = session.scalars(
        select(ConsentEvent.id).where(
            ConsentEvent.tenant_id == session.tenant_id, ConsentEvent.contact_id == contact.id
        )
    ).all()
    erased = session.execute(
        delete(ConsentEvidence)
        .where(ConsentEvidence.tenant_id == session.tenant_id, ConsentEvidence.event_id.in_(ids))
        .returning(ConsentEvidence.event_id)
    ).all()
    fact = Fact(EventKind.ERASED, now, method=cause, evidence={}, scope="evidence")
    append(session, contact, cipher, fact, actor=actor, now=now)
    return len(erased)


def entries(events: Sequence[ConsentEvent | Row[Any]]) -> list[LedgerEntry]:
    """The events as the fold takes them. Raises ValueError for a word that nobody writes."""
    return [
        LedgerEntry(
            e.id,
            EventKind(e.kind),
            e.at,
            tuple(Purpose(p) for p in e.purposes),
            Basis(e.basis) if e.basis else None,
            e.method,
        )
        for e in events
    ]


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that is wrong, by event where there is one."""

    contact_id: UUID | None
    seq: int
    event_id: UUID | None
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    contacts: int
    events: int
    erased: int  # events whose evidence was erased, and says so
    seals: int


def in_one_snapshot(session: TenantSession) -> None:
    """Have every query of a session that has not read anything yet see the same moment."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def verify(session: TenantSession, cipher: DataCipher) -> Verified | Broken:
    """Check every chain of the tenant, its evidence, its folded states and its seals.

    Give it a session that has not read anything yet: it looks at one snapshot, so that what is appended meanwhile does
    not look like a break.
    """
    in_one_snapshot(session)
    counts = {"contacts": 0, "events": 0, "erased": 0}
    hashes: dict[tuple[str, int], str] = {}
    contacts = session.scalars(
        select(Contact).where(Contact.tenant_id == session.tenant_id).order_by(Contact.created_at, Contact.id)
    ).all()
    for contact in contacts:
        events = session.execute(
            select(*STORED)
            .where(ConsentEvent.tenant_id == session.tenant_id, ConsentEvent.contact_id == contact.id)
            .order_by(ConsentEvent.seq)
        ).all()
        proofs = {
            row.event_id: row
            for row in session.scalars(
                select(ConsentEvidence).where(
                    ConsentEvidence.tenant_id == session.tenant_id,
                    ConsentEvidence.event_id.in_([e.id for e in events]),
                )
            )
        }
        erased_through = max((e.seq for e in events if e.kind == EventKind.ERASED), default=0)
        for broken in _breaks(events, proofs, cipher, erased_through):
            return broken
        end = events[-1].hash if events else b""
        if contact.ledger_seq != len(events) or contact.ledger_hash != end:
            first = min(len(events), contact.ledger_seq) + (contact.ledger_seq != len(events))
            return Broken(contact.id, first, None, "the chain does not end where the contact's row says")
        if not _is_fold(contact.consent, events):
            return Broken(contact.id, len(events), None, "the contact's state is not the fold of its events")
        counts["contacts"] += 1
        counts["events"] += len(events)
        counts["erased"] += sum(1 for e in events if e.id not in proofs)
        hashes.update(((str(contact.id), e.seq), e.hash.hex()) for e in events)
    orphan = session.execute(
        select(ConsentEvent.contact_id, ConsentEvent.seq, ConsentEvent.id)
        .where(
            ConsentEvent.tenant_id == session.tenant_id,
            ~exists().where(Contact.tenant_id == ConsentEvent.tenant_id, Contact.id == ConsentEvent.contact_id),
        )
        .order_by(ConsentEvent.contact_id, ConsentEvent.seq)
        .limit(1)
    ).first()
    if orphan is not None:
        return Broken(orphan.contact_id, orphan.seq, orphan.id, "belongs to a contact that is gone")
    seals = 0
    sealed: dict[str, int] = {}
    for found in _sealed(session, hashes):
        if isinstance(found, Broken):
            return found
        seals += 1
        if found.version != LIST_OF_ENDS:  # those of version 1 are sealed once more
            sealed.update((contact_id, seq) for contact_id, seq, _ in found.ends)
    for contact in contacts:
        if contact.sealed_seq != sealed.get(str(contact.id), 0):
            return Broken(contact.id, contact.sealed_seq, None, f"seal {seals + 1} is missing: it covered this contact")
    return Verified(counts["contacts"], counts["events"], counts["erased"], seals)


def _sealed(session: TenantSession, hashes: Mapping[tuple[str, int], str]) -> Iterator[LedgerHead | Broken]:
    """Every seal in its order, until one is broken. The tree is grown anew from the ends that they list."""
    stored = _nodes_by_seal(session)
    after, nodes = next(stored, (0, {}))
    prev = b""
    tree: dict[bytes, bytes] = {}
    heads = select(LedgerHead).where(LedgerHead.tenant_id == session.tenant_id).order_by(LedgerHead.seq)
    for place, head in enumerate(session.scalars(heads.execution_options(yield_per=READ_AT_ONCE)), start=1):
        if head.seq != place or head.prev_hash != prev or head.hash != seal_hash(head):
            yield Broken(None, head.seq, None, f"seal {place} is missing, moved or changed")
            return
        try:
            unknown = next((end for end in head.ends if hashes.get((end[0], end[1])) != end[2]), None)
            whose = None if unknown is None else UUID(unknown[0])
        except (AttributeError, IndexError, TypeError, ValueError):  # what nobody writes: it was changed
            yield Broken(None, head.seq, None, f"seal {place} is missing, moved or changed")
            return
        if unknown is not None:
            yield Broken(whose, unknown[1], None, f"seal {place} knows an event that is gone or changed")
            return
        grown: dict[bytes, bytes] = {}
        if head.version == TREE_OF_ENDS:
            grown = ledger_tree.changed(_values(session.tenant_id, head.ends), tree)
            tree.update(grown)
        of_this = nodes if after == place else {}
        if head.root != grown.get(ledger_tree.ROOT) or of_this != grown:
            yield Broken(None, head.seq, None, f"seal {place} has a tree that does not hold its ends")
            return
        if after == place:
            after, nodes = next(stored, (0, {}))
        prev = head.hash
        yield head
    if nodes:
        yield Broken(None, after, None, f"seal {after} is missing: its tree is here")


def _nodes_by_seal(session: TenantSession) -> Iterator[tuple[int, dict[bytes, bytes]]]:
    query = (
        select(LedgerNode.seal, LedgerNode.place, LedgerNode.content)
        .where(LedgerNode.tenant_id == session.tenant_id)
        .order_by(LedgerNode.seal)
    )
    rows = session.execute(query.execution_options(yield_per=READ_AT_ONCE))
    for seal_seq, nodes in groupby(rows, key=lambda row: int(row.seal)):
        yield seal_seq, {node.place: node.content for node in nodes}


def _values(tenant_id: UUID, ends: Sequence[Sequence[Any]]) -> dict[bytes, bytes]:
    """The ends that a seal lists as the tree holds them."""
    return {
        ledger_tree.key_of(tenant_id, UUID(contact_id)): ledger_tree.end_of(seq, bytes.fromhex(digest))
        for contact_id, seq, digest in ends
    }


def _is_fold(consent: Mapping[str, Any], events: Sequence[Row[Any]]) -> bool:
    """Whether a contact's state is what its events say; what nobody writes is not."""
    try:
        return state_from_json(consent) == fold(entries(events))
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _breaks(
    events: Sequence[Row[Any]],
    proofs: Mapping[UUID, ConsentEvidence],
    cipher: DataCipher,
    erased_through: int,
) -> Iterator[Broken]:
    """Every break of one chain, first to last."""
    prev = b""
    for expected_seq, event in enumerate(events, start=1):
        if event.seq != expected_seq:
            yield Broken(event.contact_id, expected_seq, None, f"event {expected_seq} is missing")
            return
        if event.prev_hash != prev:
            yield Broken(event.contact_id, event.seq, event.id, "does not follow the event before it")
        if event.hash != event_hash(event, event.prev_hash):
            yield Broken(event.contact_id, event.seq, event.id, "was changed")
        proof = proofs.get(event.id)
        if proof is None and event.seq >= erased_through:
            yield Broken(event.contact_id, event.seq, event.id, "lost its evidence without an erasure")
        if proof is not None and not _proves(proof, event, cipher):
            yield Broken(event.contact_id, event.seq, event.id, "has evidence that was changed")
        prev = event.hash


def _proves(proof: ConsentEvidence, event: Row[Any], cipher: DataCipher) -> bool:
    try:
        evidence = cipher.decrypt(
            proof.content, tenant_id=proof.tenant_id, table="consent_evidence", column="content", row=proof.event_id
        )
    except DecryptionFailed:
        return False
    return evidence_hash(proof.salt, evidence) == bytes(event.evidence_hash)


def seal_hash(head: LedgerHead) -> bytes | None:
    """SHA-256 over the previous seal's hash and what this one binds; None for a version that nobody writes."""
    at = head.at.astimezone(UTC).isoformat()
    match head.version:
        case 1:
            content = [head.seq, at, head.ends]
        case 2 if head.root is not None:
            content = [head.version, head.seq, at, head.root.hex()]
        case _:
            return None
    return hashlib.sha256(head.prev_hash + canonical_json(content)).digest()


def tree_as_of(session: TenantSession, seal_seq: int, keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """What is known to this seal of the tree beside these keys, by place."""
    places = literal(sorted(ledger_tree.beside(keys)), ARRAY(LargeBinary))
    wanted = func.unnest(places).column_valued("wanted")
    content = (
        select(LedgerNode.content)
        .where(LedgerNode.tenant_id == session.tenant_id, LedgerNode.place == wanted, LedgerNode.seal <= seal_seq)
        .order_by(LedgerNode.seal.desc())
        .limit(1)
        .scalar_subquery()
    )
    return {row[0]: row[1] for row in session.execute(select(wanted, content)) if row[1] is not None}


def seal(session: TenantSession, now: datetime) -> LedgerHead | None:
    """Seal the chains that grew since the last seal; None when none did.

    Concurrent sealers serialise on the locked rows and on the unique (tenant, seq): the loser's transaction fails.
    """
    grown = session.scalars(
        select(Contact)
        .where(Contact.tenant_id == session.tenant_id, Contact.ledger_seq > Contact.sealed_seq)
        .order_by(Contact.id)
        .limit(SEALED_AT_ONCE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    if not grown:
        return None
    last = session.scalars(
        select(LedgerHead).where(LedgerHead.tenant_id == session.tenant_id).order_by(LedgerHead.seq.desc()).limit(1)
    ).first()
    seq, prev = (last.seq + 1, last.hash) if last else (1, b"")
    ends = [[str(c.id), c.ledger_seq, c.ledger_hash.hex()] for c in grown]
    values = _values(session.tenant_id, ends)
    nodes = ledger_tree.changed(values, tree_as_of(session, seq, values))
    head = LedgerHead(
        tenant_id=session.tenant_id,
        seq=seq,
        at=now,
        ends=ends,
        prev_hash=prev,
        version=TREE_OF_ENDS,
        root=nodes[ledger_tree.ROOT],
    )
    digest = seal_hash(head)
    assert digest is not None
    head.hash = digest
    session.add(head)
    session.flush()  # whoever was quicker has this number, and this one's nodes are not written
    session.execute(
        insert(LedgerNode),
        [
            {"tenant_id": session.tenant_id, "place": place, "seal": seq, "content": content}
            for place, content in nodes.items()
        ],
    )
    for contact in grown:
        contact.sealed_seq = contact.ledger_seq
    return head
