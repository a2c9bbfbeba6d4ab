"""The consent passport: one file with everything that proves why each text to one number was sent.

It is made from one snapshot of the database and checked by `verify_passport.py`, which needs nothing of ours. Of other
people it holds hashes that say nothing, unless a seal of version 1 is asked for, which listed everybody's ledgers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, String, Uuid, cast, select, type_coerce
from sqlalchemy import Enum as Words

import consent
from consent import ledger_tree
from consent.ledger import HASHED, LIST_OF_ENDS, in_one_snapshot, tree_as_of
from consent.models import ConsentEvent, ConsentEvidence, Contact, DecisionRow, LedgerHead, LedgerNode, Permit
from consent.policy import POLICY_VERSION
from consent.words import WORDS_VERSION
from conversations.models import Conversation, Lead, Message, MessageEvent
from privacy import verify_passport
from smsbot.accounts import tenant_of
from smsbot.actor import Actor
from smsbot.crypto import DataCipher, DecryptionFailed
from smsbot.database import Base, TenantSession
from smsbot.errors import InvalidInput, NotFound
from smsbot.events import record
from smsbot.phone import AddressKind, address, e164
from smsbot.runtime import Runtime
from smsbot.tenancy import Number, Tenant

EXPORTED = "passport.exported"  # the event that says who has taken one
NO_NUMBER = "--number: give the number in E.164, such as +13125550171"

TENANT = ("id", "name", "brand", "zone", "vertical")
NUMBER = ("id", "number", "sender_type", "opt_out_handling")
CONTACT = (
    "id", "address", "address_kind", "country", "language", "consent", "blocked_at", "wrong_number_at",
    "unreachable_code", "ledger_seq", "ledger_hash", "sealed_seq", "created_at",
)  # fmt: skip
LEAD = ("id", "name", "language", "source", "created_at")
EVENT = (*HASHED, "prev_hash", "hash")
MESSAGE = (
    "id", "number_id", "direction", "author", "agent_id", "purpose", "kind", "body", "language", "state", "reason",
    "error_code", "provider_sid", "segments", "media_count", "flags", "in_reply_to", "repeat_of", "consent_event_id",
    "permit_id", "created_at", "drafted_at", "sending_at", "sent_at",
)  # fmt: skip
DECISION = (
    "id", "message_id", "purpose", "at", "outcome", "reason", "until", "rule", "consent_event_id", "permit_id",
    "inputs", "versions",
)  # fmt: skip
PERMIT = ("id", "event_id", "kind", "expires_at", "used_by", "created_at")
REPORT = ("message_id", "at", "provider_sid", "status", "error_code")
SEAL = ("version", "seq", "at", "prev_hash", "hash")
OWN_SEALS = 30  # of those in which their ledger grew, the newest; others are put in when somebody asks for them
RULE_VERSIONS: Mapping[str, str] = {"consent/policy.py": POLICY_VERSION, "consent/words.py": WORDS_VERSION}


@dataclass(frozen=True, slots=True)
class Passport:
    """The document, and the JSON that is kept in a file: one line for each row in it."""

    document: dict[str, Any]
    text: str


def export(
    runtime: Runtime,
    tenant_id: UUID,
    contact_id: UUID,
    *,
    actor: Actor,
    cause: str,
    uid: int | None = None,
    kept: Collection[bytes] = (),
) -> Passport:
    """The passport of this contact; that it was taken, by whom and with which checksum, is recorded as an event.

    `uid` is the operating system's user of a command, `kept` the hashes of seals that must be in it. Raises NotFound.
    """
    now = runtime.clock.now()
    user = {} if uid is None else {"uid": uid}
    with runtime.transaction(tenant_id) as session:
        in_one_snapshot(session)
        contact = session.scalars(
            select(Contact).where(Contact.tenant_id == tenant_id, Contact.id == contact_id)
        ).first()
        if contact is None:
            raise NotFound("this tenant knows no such contact")
        tenant = tenant_of(session, tenant_id)
        passport_id = str(uuid4())
        by = {"kind": actor.kind.value, "id": _plain(actor.id), **user}
        document = {
            "format": verify_passport.FORMAT,
            "exported": {"id": passport_id, "at": _plain(now), "by": by, "cause": cause},
            **_content(session, tenant, contact, runtime.cipher(tenant.data_key), kept),
        }
        lines = _lines(document)
        document["sha256"] = _checksum(lines)
        record(
            session,
            EXPORTED,
            at=now,
            actor=actor,
            cause=cause,
            contact_id=contact.id,
            details={"passport": passport_id, "sha256": document["sha256"], **user},
        )
    return Passport(document, _joined({**lines, "sha256": _json(document["sha256"])}))


def contact_with(session: TenantSession, number: str) -> UUID:
    """The id of the contact with this number, however it is written. Raises InvalidInput and NotFound."""
    if not number.strip():
        raise InvalidInput("number", NO_NUMBER)
    found = session.scalars(
        select(Contact.id).where(Contact.tenant_id == session.tenant_id, Contact.address == _address(number))
    ).first()
    if found is None and address(number).kind is AddressKind.OTHER:
        raise InvalidInput("number", NO_NUMBER)
    if found is None:
        raise NotFound("--number: this tenant knows no such number")
    return found


def written(document: Mapping[str, Any]) -> str:
    """A document as the JSON that is kept in a file."""
    return _joined(_lines(document))


def _lines(document: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Each part of the document in canonical JSON; of a list, each row."""
    return {
        name: [_json(row) for row in value] if isinstance(value, list) else _json(value)
        for name, value in document.items()
    }


def _checksum(lines: Mapping[str, str | list[str]]) -> str:
    """What `verify_passport.checksum` says of the document, of which the parts are written already."""
    digest = hashlib.sha256()
    for place, (name, part) in enumerate(sorted(lines.items())):
        text = part if isinstance(part, str) else f"[{','.join(part)}]"
        digest.update(f"{',' if place else '{'}{_json(name)}:{text}".encode())
    digest.update(b"}")
    return digest.hexdigest()


def _joined(lines: Mapping[str, str | list[str]]) -> str:
    parts = [f"{_json(name)}: {part if isinstance(part, str) else _in_brackets(part)}" for name, part in lines.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _in_brackets(rows: Sequence[str]) -> str:
    return "[\n" + ",\n".join(rows) + "\n]" if rows else "[]"


_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode  # canonical_json as text


@cache
def rule_tables() -> tuple[Mapping[str, Any], ...]:
    """The rules and tables of consent as they run here: file, version where it has one, SHA-256."""
    folder = Path(str(consent.__file__)).parent
    found = []
    for path in sorted([*folder.glob("*.py"), *(folder / "data").glob("*.json")]):
        name, content = f"consent/{path.relative_to(folder).as_posix()}", path.read_bytes()
        version = RULE_VERSIONS.get(name) or (_version_of(json.loads(content)) if path.suffix == ".json" else None)
        found.append({"file": name, "version": version, "sha256": hashlib.sha256(content).hexdigest()})
    return tuple(found)


def _version_of(table: Any) -> str | None:
    if not isinstance(table, dict):
        return None
    meta = table.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    version = table.get("version") or meta.get("version") or meta.get("generated")
    return None if version is None else str(version)


def _address(number: str) -> str:
    known = address(number)
    if known.e164 is not None or not number.strip()[:1].isdigit():
        return known.value
    try:
        return e164(number)
    except InvalidInput:
        return known.value


def _content(
    session: TenantSession, tenant: Tenant, contact: Contact, cipher: DataCipher, kept: Collection[bytes]
) -> dict[str, Any]:
    """What is held, from tables that are reached by an index: a person's rows, however many others there are."""
    tenant_id = tenant.id
    lead = session.scalars(select(Lead).where(Lead.tenant_id == tenant_id, Lead.contact_id == contact.id)).first()
    numbers = session.scalars(select(Number).where(Number.tenant_id == tenant_id).order_by(Number.created_at))
    messages = _of_contact(select(*_read(Message, MESSAGE)), contact)
    decisions = _of_contact(
        select(*_read(DecisionRow, DECISION)).join(
            Message, (Message.tenant_id == DecisionRow.tenant_id) & (Message.id == DecisionRow.message_id)
        ),
        contact,
    )
    permits = select(*_read(Permit, PERMIT)).where(Permit.tenant_id == tenant_id, Permit.contact_id == contact.id)
    reports = _of_contact(
        select(*_read(MessageEvent, REPORT)).join(
            Message, (Message.tenant_id == MessageEvent.tenant_id) & (Message.id == MessageEvent.message_id)
        ),
        contact,
    )
    events = _events(session, contact, cipher)
    return {
        "tenant": {**_columns(tenant, TENANT), "numbers": [_columns(number, NUMBER) for number in numbers]},
        "contact": _columns(contact, CONTACT),
        "lead": None if lead is None else _columns(lead, LEAD),
        "events": events,
        "messages": _rows(session, messages.order_by(Message.created_at, Message.direction, Message.id), MESSAGE),
        "decisions": _rows(session, decisions.order_by(DecisionRow.at, DecisionRow.id), DECISION),
        "permits": _rows(session, permits.order_by(Permit.expires_at, Permit.id), PERMIT),
        "callbacks": _rows(session, reports.order_by(MessageEvent.at, MessageEvent.id), REPORT),
        "seals": _seals(session, contact, events, kept),
        "rules": [dict(table) for table in rule_tables()],
    }


def _events(session: TenantSession, contact: Contact, cipher: DataCipher) -> list[dict[str, Any]]:
    query = (
        select(*_read(ConsentEvent, EVENT), *_read(ConsentEvidence, ("salt",)), ConsentEvidence.content)
        .outerjoin(
            ConsentEvidence,
            (ConsentEvidence.tenant_id == ConsentEvent.tenant_id) & (ConsentEvidence.event_id == ConsentEvent.id),
        )
        .where(ConsentEvent.tenant_id == contact.tenant_id, ConsentEvent.contact_id == contact.id)
        .order_by(ConsentEvent.seq)
    )
    rows = session.execute(query).all()
    events = _objects([row[:-1] for row in rows], (*EVENT, "salt"))
    for event, row in zip(events, rows, strict=True):
        event["evidence"] = _evidence(row.content, contact.tenant_id, row.id, cipher)
    return events


def _of_contact(query: Select[Any], contact: Contact) -> Select[Any]:
    """Limited to the messages of this contact, which are found by its conversation."""
    threads = select(Conversation.id).where(
        Conversation.tenant_id == contact.tenant_id, Conversation.contact_id == contact.id
    )
    return query.where(
        Message.tenant_id == contact.tenant_id,
        Message.conversation_id.in_(threads),
        Message.contact_id == contact.id,
    )


def _seals(
    session: TenantSession, contact: Contact, events: Sequence[Mapping[str, Any]], kept: Collection[bytes]
) -> list[dict[str, Any]]:
    """The newest seal, those in which this ledger grew, and those that somebody has kept: each proves it by itself.

    Of version 1 all up to the one that was kept: only a chain without a hole proves something.
    """
    heads = select(LedgerHead).where(LedgerHead.tenant_id == contact.tenant_id).order_by(LedgerHead.seq)
    asked = session.scalars(heads.where(LedgerHead.hash.in_(kept))).all() if kept else []
    if len(asked) < len(set(kept)):
        raise NotFound("--seal: this tenant has no such seal")
    last_listed = max((head.seq for head in asked if head.version == LIST_OF_ENDS), default=0)
    listed = session.scalars(heads.where(LedgerHead.seq <= last_listed)).all()
    key = ledger_tree.key_of(contact.tenant_id, contact.id)
    changes = select(LedgerNode.seal).where(LedgerNode.tenant_id == contact.tenant_id).order_by(LedgerNode.seal.desc())
    newest = session.scalars(changes.where(LedgerNode.place == ledger_tree.ROOT).limit(1)).all()
    own = session.scalars(changes.where(LedgerNode.place == ledger_tree.bucket_of(key)).limit(OWN_SEALS)).all()
    seqs = {*newest, *own, *(head.seq for head in asked if head.version != LIST_OF_ENDS)}
    proving = session.scalars(heads.where(LedgerHead.seq.in_(seqs))).all()
    ends = {ledger_tree.end_of(e["seq"], bytes.fromhex(e["hash"])): [e["seq"], e["hash"]] for e in events}
    return [
        *({**_columns(head, SEAL), "ends": head.ends} for head in listed),
        *(_proof(session, head, contact, key, ends) for head in proving),
    ]


def _proof(
    session: TenantSession, head: LedgerHead, contact: Contact, key: bytes, ends: Mapping[bytes, list[Any]]
) -> dict[str, Any]:
    """A seal, where this ledger ended for it, and the path in its tree that shows this."""
    known = tree_as_of(session, head.seq, [key])
    bucket = ledger_tree.pairs(known.get(ledger_tree.bucket_of(key), b""))
    value = bucket.get(key)
    # An end that no event here has is named by the check: there is no event 0.
    end = [] if value is None else [[str(contact.id), *ends.get(value, [0, value.hex()])]]
    return {
        **_columns(head, SEAL),
        "root": _plain(head.root),
        "ends": end,
        "bucket": [[one.hex(), held.hex()] for one, held in sorted(bucket.items())],
        "nodes": ledger_tree.path(key, known),
    }


def _evidence(content: bytes | None, tenant_id: UUID, event_id: str, cipher: DataCipher) -> Any:
    """What identifies, readable; None where it was erased, and where it does not decrypt: the check names that."""
    if content is None:
        return None
    try:
        return json.loads(
            cipher.decrypt(content, tenant_id=tenant_id, table="consent_evidence", column="content", row=event_id)
        )
    except DecryptionFailed:
        return None


def _read(model: type[Base], names: Iterable[str]) -> list[ColumnElement[Any]]:
    """The columns as JSON wants them where the database can give them so: ids and words as text.

    A word is read as it is stored: one that was changed into no word of ours must reach the check.
    """
    found: list[ColumnElement[Any]] = []
    for name in names:
        column = getattr(model, name)
        match column.type:
            case Uuid():
                found.append(cast(column, String).label(name))
            case Words():
                found.append(type_coerce(column, String).label(name))
            case _:
                found.append(column)
    return found


def _rows(session: TenantSession, query: Select[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    return _objects(session.execute(query).all(), names)


def _objects(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows as JSON objects. Made column by column: a person may have ten thousand of them."""
    columns = [list(map(_plain_of(column), column)) for column in zip(*rows, strict=True)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain_of(column: Sequence[Any]) -> Callable[[Any], Any]:
    """What makes JSON of the values of a column, which are of one type: nothing where they are JSON already."""
    first = next((value for value in column if value is not None), None)
    return _plain if isinstance(first, datetime | bytes) else lambda value: value


def _columns(row: Base, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case bytes():
            return value.hex()
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case _:
            return value
