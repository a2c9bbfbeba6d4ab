"""Lists of people that staff bring: what would happen to each row, and the rows taken in by a worker, a chunk at a time.

A list proves nothing by itself. What it says of somebody's consent counts when the row carries its evidence; without it
the person is a lead with an `unverified` event, which permits no text (C-068). No row ends a STOP or a hold (C-046).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Boolean, ColumnElement, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import defer

from consent.ledger import Fact, append
from consent.models import Contact, Disclosure
from consent.purposes import Purpose
from consent.state import EventKind, state_from_json
from conversations.evidence import claims_held, fingerprint, fingerprint_of
from conversations.inbound import contact_met, lead_for, open_conversation
from conversations.leads import fill_in, our_numbers, record_claim
from conversations.list_rows import METHOD, SHARED, Error, ListRow, Terms, fields_of, place_of, read_row, said_before
from conversations.models import Conversation, Lead, LeadImport
from conversations.sheets import Record, Sheet, sheet_in
from smsbot import work
from smsbot.accounts import tenant_of
from smsbot.actor import SYSTEM, Actor, ActorKind, Role
from smsbot.bell import BACKGROUND
from smsbot.database import TenantSession
from smsbot.errors import Conflict, InvalidInput, NotFound
from smsbot.events import record
from smsbot.masking import masked
from smsbot.phone import Address, AddressKind
from smsbot.runtime import Runtime
from smsbot.tenancy import Agent, Login
from smsbot.texts import cleaned
from smsbot.work import Work
from smsbot.writes import write

IMPORT = "import"  # the kind of work
SOURCE = "import"  # of a lead whose list names none
MAY_IMPORT = (Role.OWNER, Role.MANAGER)

CHUNK_ROWS = 100  # in one transaction, which holds their contacts meanwhile: a STOP may have to wait for it
TURN_S = 3.0  # how long a worker stays with one list before it looks for something else
SURVEYED_AT_ONCE = 1_000
MOST_ERRORS_KEPT = 10_000
FIRST_ROWS = 5
LONGEST_SHOWN = 80
LONGEST_FILE_NAME = 200
DRAFT_LASTS = timedelta(days=1)

# What is counted: rows of people who are new or known here; the same rows by what they tell of consent, each once: proven,
# unverified or not spoken of, of people who have opted out or are on hold and stay so whatever their row says, or told by
# a row above; rows refused; and of what was written, rows and ledger events.
ALWAYS_COUNTED = ("new", "known", "proven", "unverified", "silent", "opted_out", "held", "refused")
COUNTED = (*ALWAYS_COUNTED, "repeated", "changed", "recorded")
NOT_SURE_OF = "missing:"  # in the counts, before a field that unverified rows lack

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file as it was given. `mapping` names the field of a column, "" leaves it out; other columns are recognised by
    their headings. `shared` holds what every row says that says nothing else."""

    name: str
    content: bytes = field(repr=False)
    mapping: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen. `columns` pairs each heading with its field or None; `errors` are the first ones."""

    columns: tuple[tuple[str, str | None], ...]
    first_rows: tuple[tuple[str, ...], ...] = field(repr=False)
    rows: int
    counts: Counts
    errors: list[Error]


@dataclass(frozen=True, slots=True)
class ImportView:
    """One list for people: `started_at` is None as long as nobody has said that it is to be taken in."""

    id: UUID
    file_name: str
    brought_by: str | None
    mapping: Mapping[str, str]
    shared: Mapping[str, str] = field(repr=False)
    rows: int
    done_rows: int
    counts: Counts
    errors: list[Error]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    put_aside: bool


@dataclass(frozen=True, slots=True)
class Brought:
    """The list, and what it would do; `seen` is None when this very file was taken in before: nothing was changed."""

    id: UUID
    seen: Preview | None

    @property
    def repeated(self) -> bool:
        return self.seen is None


# ---- before anything is written ---------------------------------------------------------------------------------------


def counted(counts: Counts) -> dict[str, Any]:
    """The counts by what they count, with `missing`: by field, the unverified rows that lack it."""
    plain = {name: counts.get(name, 0) for name in COUNTED if name in counts or name in ALWAYS_COUNTED}
    missing = {name.removeprefix(NOT_SURE_OF): n for name, n in counts.items() if name.startswith(NOT_SURE_OF)}
    return {**plain, "missing": dict(sorted(missing.items()))}


def preview(runtime: Runtime, tenant_id: UUID, file: ListFile, *, actor: Actor) -> Preview:
    """What the list would do; reads only. Raises InvalidInput for a file or mapping that cannot be taken."""
    sheet = sheet_in(file.content)
    with runtime.transaction(tenant_id) as session:
        return _preview(runtime, session, sheet, file, actor)


def _preview(runtime: Runtime, session: TenantSession, sheet: Sheet, file: ListFile, actor: Actor) -> Preview:
    terms = _terms(
        runtime, session, sheet, mapping=file.mapping, shared=file.shared, file_name=file.name,
        sha256=hashlib.sha256(file.content).hexdigest(), actor=actor, cause="import:preview",
    )  # fmt: skip
    counts: Counter[str] = Counter()
    errors: list[Error] = []
    rows = []
    for one in sheet.records:
        read = read_row(one, terms)
        if isinstance(read, ListRow):
            rows.append(read)
        else:
            counts["refused"] += 1
            errors += read
    again = said_before(sheet.records, terms.fields)
    seen: set[str] = set()
    for begin in range(0, len(rows), SURVEYED_AT_ONCE):
        part = rows[begin : begin + SURVEYED_AT_ONCE]
        known = _known(session, {row.address for row in part})
        for row in part:
            is_lead, consent = known.get(row.address, (False, {}))
            is_new = not is_lead and row.address not in seen
            counts["new" if is_new else "known"] += 1
            counts.update(_told(row, consent, repeated=row.row in again and not is_new))
            seen.add(row.address)
    first = tuple(tuple(cell[:LONGEST_SHOWN] for cell in one.cells or ()) for one in sheet.records[:FIRST_ROWS])
    columns = tuple(zip(sheet.columns, terms.fields, strict=True))
    return Preview(columns, first, len(sheet.records), dict(counts), errors[:MOST_ERRORS_KEPT])


def _known(session: TenantSession, addresses: set[str]) -> dict[str, tuple[bool, dict[str, Any]]]:
    """Who of these is a lead, and the state of their consent, not locked."""
    found = session.execute(
        select(Contact.address, Contact.consent, Lead.id)
        .outerjoin(Lead, (Lead.tenant_id == Contact.tenant_id) & (Lead.contact_id == Contact.id))
        .where(Contact.tenant_id == session.tenant_id, Contact.address.in_(addresses))
    )
    return {address: (lead_id is not None, consent) for address, consent, lead_id in found}


def _told(row: ListRow, consent: Mapping[str, Any], *, repeated: bool) -> Counter[str]:
    """What the row tells of this person's consent, for the counts: nothing that a STOP or a hold outlasts."""
    if repeated:
        return Counter(["repeated"])
    standing = state_from_json(consent)
    if standing.opted_out or standing.held:
        return Counter(["opted_out" if standing.opted_out else "held"])
    if row.new.consent is not None:
        return Counter(["proven"])
    if row.said:
        return Counter(["unverified", *(NOT_SURE_OF + name for name in row.missing)])
    return Counter(["silent"])


def _terms(
    runtime: Runtime,
    session: TenantSession,
    sheet: Sheet,
    *,
    mapping: Mapping[str, str],
    shared: Mapping[str, str],
    file_name: str,
    sha256: str,
    actor: Actor,
    cause: str,
) -> Terms:
    tenant = tenant_of(session, session.tenant_id)
    numbers = our_numbers(session)
    if not numbers:
        raise InvalidInput("file", "this tenant has no number yet: add one first")
    refused = [name for name in shared if name not in SHARED]
    if refused:
        raise InvalidInput("shared", f"what all rows share can be {', '.join(SHARED)}")
    return Terms(
        tenant,
        numbers[0],
        runtime.cipher(tenant.data_key),
        _staff(session),
        fields_of(sheet.columns, mapping),
        {name: value for name, value in shared.items() if value},
        _published(session),
        file_name,
        sha256,
        actor,
        cause,
        runtime.clock.now(),
    )


def _published(session: TenantSession) -> frozenset[tuple[str, frozenset[Purpose]]]:
    rows = session.execute(
        select(Disclosure.text, Disclosure.purposes).where(Disclosure.tenant_id == session.tenant_id)
    )
    return frozenset((row.text, frozenset(Purpose(one) for one in row.purposes)) for row in rows)


def _staff(session: TenantSession) -> dict[str, UUID]:
    rows = session.execute(
        select(Login.email, Agent.id)
        .join(Login, Login.id == Agent.login_id)
        .where(Agent.tenant_id == session.tenant_id, Agent.disabled_at.is_(None))
    )
    return {email.lower(): agent_id for email, agent_id in rows}


# ---- the list as a row ------------------------------------------------------------------------------------------------


def keep(runtime: Runtime, tenant_id: UUID, actor: Actor, file: ListFile) -> Brought:
    """Keep the file, encrypted, with what it would do; no lead is touched before `start`.

    Owners and managers do so. Raises NotFound for everybody else, and InvalidInput for what cannot be taken.
    """
    _may_import(actor)
    with runtime.transaction(tenant_id) as session:
        return _keep(runtime, session, actor, file)


def bring(runtime: Runtime, tenant_id: UUID, actor: Actor, file: ListFile) -> Brought:
    """Keep the file and have it taken in, in one go."""
    _may_import(actor)
    with runtime.transaction(tenant_id) as session:
        brought = _keep(runtime, session, actor, file)
        if not brought.repeated:
            _start(session, _locked(session, brought.id), actor, runtime.clock.now())
        return brought


def _keep(runtime: Runtime, session: TenantSession, actor: Actor, file: ListFile) -> Brought:
    now = runtime.clock.now()
    file = replace(file, name=_file_name(file.name))
    sha256 = hashlib.sha256(file.content).hexdigest()
    _forget_drafts(session, now)
    import_id = uuid4()
    sealed = runtime.cipher(tenant_of(session, session.tenant_id).data_key).encrypt(
        file.content, tenant_id=session.tenant_id, table="lead_imports", column="content", row=import_id
    )
    session.execute(
        insert(LeadImport)
        .values(
            id=import_id,
            tenant_id=session.tenant_id,
            agent_id=actor.id if actor.kind is ActorKind.STAFF else None,
            file_name=file.name,
            file_sha256=sha256,
            content=sealed,
            mapping={},
            rows=0,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "file_sha256"])
    )
    found = _one(session, select(LeadImport).where(LeadImport.file_sha256 == sha256).with_for_update())
    if _started_at(found) is not None:
        return Brought(found.id, None)
    found.file_name = file.name
    seen = _preview(runtime, session, sheet_in(file.content), file, actor)
    _note_preview(found, seen, file)
    return Brought(found.id, seen)


def _note_preview(found: LeadImport, seen: Preview, file: ListFile) -> None:
    found.mapping = {"columns": dict(file.mapping), "shared": dict(file.shared)}
    found.rows, found.counts, found.errors = seen.rows, seen.counts, seen.errors


def choose(
    runtime: Runtime,
    tenant_id: UUID,
    actor: Actor,
    import_id: UUID,
    mapping: Mapping[str, str],
    shared: Mapping[str, str],
) -> None:
    """Read the columns of a list that was not started otherwise, and work out again what it would do.

    Raises Conflict once it was started, NotFound and InvalidInput.
    """
    _may_import(actor)
    with runtime.transaction(tenant_id) as session:
        found = _locked(session, import_id)
        if _started_at(found) is not None:
            raise Conflict("this list is being taken in already")
        file = ListFile(found.file_name, _content(runtime, session, found.id), mapping, shared)
        _note_preview(found, _preview(runtime, session, sheet_in(file.content), file, actor), file)


def draft_preview(runtime: Runtime, session: TenantSession, import_id: UUID, *, actor: Actor) -> Preview:
    """Columns and first rows of a list that was not started, with the counts that were worked out when it was kept."""
    _may_import(actor)
    found = _one(session, select(LeadImport).where(LeadImport.id == import_id))
    sheet = sheet_in(_content(runtime, session, found.id))
    fields = fields_of(sheet.columns, found.mapping["columns"])
    first = tuple(tuple(cell[:LONGEST_SHOWN] for cell in one.cells or ()) for one in sheet.records[:FIRST_ROWS])
    columns = tuple(zip(sheet.columns, fields, strict=True))
    return Preview(columns, first, found.rows, found.counts, found.errors)


def start(runtime: Runtime, tenant_id: UUID, actor: Actor, import_id: UUID) -> None:
    """Have the list taken in by a worker. Once is enough: started again it goes on as it was."""
    _may_import(actor)
    with runtime.transaction(tenant_id) as session:
        found = _locked(session, import_id)
        if _started_at(found) is None:
            _start(session, found, actor, runtime.clock.now())


def _start(session: TenantSession, found: LeadImport, actor: Actor, now: datetime) -> None:
    found.mapping = {**found.mapping, "started_at": now.isoformat()}
    found.counts, found.errors, found.done_rows = {}, [], 0
    if actor.kind is ActorKind.STAFF:
        found.agent_id = actor.id
    work.put(session, IMPORT, found.id, due_at=now, now=now, queue=BACKGROUND, priority=work.LATER)
    record(session, "import.started", at=now, actor=actor, cause=f"import:{found.id}", details={"rows": found.rows})


def discard(runtime: Runtime, tenant_id: UUID, actor: Actor, import_id: UUID) -> None:
    """Forget a list that was not started. Raises Conflict once it was, and NotFound."""
    _may_import(actor)
    with runtime.transaction(tenant_id) as session:
        found = _locked(session, import_id)
        if _started_at(found) is not None:
            raise Conflict("this list is being taken in already")
        session.delete(found)


def forget_old_drafts(runtime: Runtime, tenant_id: UUID) -> None:
    """Delete lists that nobody has started within DRAFT_LASTS: whoever they name was brought here for nothing."""
    with runtime.transaction(tenant_id) as session:
        _forget_drafts(session, runtime.clock.now())


def forget_drafts(session: TenantSession) -> None:
    """Delete every list that was not started: any of them may hold somebody who is erased."""
    session.execute(delete(LeadImport).where(LeadImport.tenant_id == session.tenant_id, _is_draft()))


def _forget_drafts(session: TenantSession, now: datetime) -> None:
    session.execute(
        delete(LeadImport).where(
            LeadImport.tenant_id == session.tenant_id, _is_draft(), LeadImport.created_at < now - DRAFT_LASTS
        )
    )


def recent_imports(session: TenantSession, *, actor: Actor, limit: int = 50) -> list[ImportView]:
    """The lists of this tenant, newest first, without their errors."""
    _may_import(actor)
    rows = session.execute(_views(session).order_by(LeadImport.created_at.desc(), LeadImport.id).limit(limit)).all()
    return [replace(_view(*row), errors=[]) for row in rows]


def import_at(session: TenantSession, import_id: UUID, *, actor: Actor) -> ImportView:
    """One list. Raises NotFound."""
    _may_import(actor)
    row = session.execute(_views(session).where(LeadImport.id == import_id)).first()
    if row is None:
        raise NotFound("there is no such list")
    return _view(*row)


def _views(session: TenantSession) -> Select[LeadImport, str, datetime | None]:
    return (
        select(LeadImport, Agent.name, Work.quarantined_at)
        .options(defer(LeadImport.content))
        .outerjoin(Agent, (Agent.tenant_id == LeadImport.tenant_id) & (Agent.id == LeadImport.agent_id))
        .outerjoin(
            Work, (Work.tenant_id == LeadImport.tenant_id) & (Work.kind == IMPORT) & (Work.ref_id == LeadImport.id)
        )
        .where(LeadImport.tenant_id == session.tenant_id)
    )


def _view(found: LeadImport, agent: str | None, put_aside_at: datetime | None) -> ImportView:
    return ImportView(
        id=found.id,
        file_name=found.file_name,
        brought_by=agent,
        mapping=found.mapping.get("columns", {}),
        shared=found.mapping.get("shared", {}),
        rows=found.rows,
        done_rows=found.done_rows,
        counts=found.counts,
        errors=found.errors,
        created_at=found.created_at,
        started_at=_started_at(found),
        finished_at=found.finished_at,
        put_aside=put_aside_at is not None,
    )


def _may_import(actor: Actor) -> None:
    if actor.kind is not ActorKind.SYSTEM and actor.role not in MAY_IMPORT:
        raise NotFound("there is no such list")


def _is_draft() -> ColumnElement[bool]:
    return ~func.jsonb_exists(LeadImport.mapping, "started_at", type_=Boolean)


def _started_at(found: LeadImport) -> datetime | None:
    at = found.mapping.get("started_at")
    return datetime.fromisoformat(at) if at else None


def _locked(session: TenantSession, import_id: UUID) -> LeadImport:
    return _one(session, select(LeadImport).where(LeadImport.id == import_id).with_for_update())


def _one(session: TenantSession, query: Select[LeadImport]) -> LeadImport:
    """The list without its file, which is large and seldom needed. Raises NotFound."""
    found = session.scalars(
        query.where(LeadImport.tenant_id == session.tenant_id).options(defer(LeadImport.content))
    ).first()
    if found is None:
        raise NotFound("there is no such list")
    return found


def _content(runtime: Runtime, session: TenantSession, import_id: UUID) -> bytes:
    sealed = session.scalars(
        select(LeadImport.content).where(LeadImport.tenant_id == session.tenant_id, LeadImport.id == import_id)
    ).one()
    if sealed is None:
        raise NotFound("the file of this list is not kept any more")
    cipher = runtime.cipher(tenant_of(session, session.tenant_id).data_key)
    return cipher.decrypt(sealed, tenant_id=session.tenant_id, table="lead_imports", column="content", row=import_id)


def _file_name(given: str) -> str:
    """The last part of a path, as it may be shown."""
    name = " ".join(cleaned(given.replace("\\", "/").rpartition("/")[2]).text.split())
    return masked(name).text[:LONGEST_FILE_NAME] or "list.csv"


# ---- taking it in -----------------------------------------------------------------------------------------------------


_LIST = select(LeadImport).options(defer(LeadImport.content)).with_for_update()


def go_on(runtime: Runtime, claim: work.Claim) -> None:
    """Take in the rows that are left, a chunk in each transaction, for TURN_S; then it is due again.

    The number of rows that are in is written with them: whoever comes after a crash begins with the first that is not.
    """
    turn_ends = monotonic() + TURN_S
    sheet: Sheet | None = None
    again: frozenset[int] | None = None
    while True:
        now = runtime.clock.now()
        with runtime.transaction(claim.tenant_id) as session:
            work.extend(session, claim, now + timedelta(seconds=work.LEASE_S))
            found = session.scalars(
                _LIST.where(LeadImport.tenant_id == claim.tenant_id, LeadImport.id == claim.ref_id)
            ).first()
            if found is None or found.finished_at is not None:  # discarded, or done by whoever was quicker
                work.finish(session, claim)
                return
            if sheet is None:
                sheet = sheet_in(_content(runtime, session, found.id))
            actor = Actor(ActorKind.STAFF, found.agent_id) if found.agent_id else SYSTEM
            terms = _terms(
                runtime, session, sheet, mapping=found.mapping["columns"], shared=found.mapping["shared"],
                file_name=found.file_name, sha256=found.file_sha256, actor=actor, cause=f"import:{found.id}",
            )  # fmt: skip
            if again is None:
                again = said_before(sheet.records, terms.fields)
            chunk = sheet.records[found.done_rows : found.done_rows + CHUNK_ROWS]
            counts, errors = _take(runtime, session, terms, chunk, again)
            found.counts = dict(Counter(found.counts) + counts)
            if errors:
                found.errors = [*found.errors, *errors][:MOST_ERRORS_KEPT]
            found.done_rows += len(chunk)
            if found.done_rows >= len(sheet.records):
                found.finished_at, found.content = now, None
                record(session, "import.finished", at=now, actor=actor, cause=terms.cause, details=found.counts)
                work.finish(session, claim)
                return
            if monotonic() >= turn_ends:
                work.again(session, claim, now)
                return


def _take(
    runtime: Runtime, session: TenantSession, terms: Terms, records: Sequence[Record], again: Collection[int]
) -> tuple[Counter[str], list[Error]]:
    """Take these rows in, as many as can be; what became of them, and what is wrong with the others.

    `again`: the rows of the list that tell of consent what a row above has told.
    """
    counts: Counter[str] = Counter()
    errors: list[Error] = []
    rows: list[ListRow] = []
    for one in records:
        read = read_row(one, terms)
        if isinstance(read, ListRow):
            rows.append(read)
        else:
            counts["refused"] += 1
            errors += read
    # In one order everywhere, so that two lists never wait for each other.
    contacts = {
        address: contact_met(runtime, session, terms.cipher, Address(AddressKind.NUMBER, address, address))
        for address in sorted({row.address for row in rows})
    }
    people = _People(session, terms, [contact.id for contact in contacts.values()])
    for row in rows:
        counts.update(people.take(contacts[row.address], row, again))
        write(session)  # one row at a time is one statement that the database knows
    return counts, errors


class _People:
    """The people of a chunk, whose contacts are locked: their leads, conversations and claims, as far as there are any."""

    def __init__(self, session: TenantSession, terms: Terms, contact_ids: Sequence[UUID]) -> None:
        self.session, self.terms = session, terms
        self.leads: dict[UUID, Lead] = {
            lead.contact_id: lead
            for lead in session.scalars(
                select(Lead).where(Lead.tenant_id == session.tenant_id, Lead.contact_id.in_(contact_ids))
            )
        }
        pairs = session.execute(
            select(Conversation.contact_id, Conversation.id).where(
                Conversation.tenant_id == session.tenant_id, Conversation.contact_id.in_(contact_ids)
            )
        )
        self.conversations: dict[UUID, UUID] = {row.contact_id: row.id for row in pairs}
        self.claims = claims_held(session, contact_ids, terms.cipher)

    def take(self, contact: Contact, row: ListRow, again: Collection[int]) -> Counter[str]:
        """Write what is new about this person; returns what to count."""
        session, terms = self.session, self.terms
        lead, is_new = self.leads.get(contact.id), False
        if lead is None:
            source = row.new.source or SOURCE
            lead, is_new = lead_for(session, contact, source=source, now=terms.now, new=True), True
            self.leads[contact.id] = lead
        filled = fill_in(lead, contact, row.new, first_met=is_new and contact.ledger_seq == 0)
        if contact.id not in self.conversations:
            self.conversations[contact.id] = open_conversation(session, lead, contact, terms.number.id, terms.now).id
        counts = Counter(["new" if is_new else "known"])
        counts += _told(row, contact.consent, repeated=row.row in again and not is_new)
        kind = self._claim(contact, row)
        if not is_new and not filled and kind is None:
            return counts
        record(
            session,
            "lead.created" if is_new else "lead.updated",
            at=terms.now,
            actor=terms.actor,
            cause=terms.cause,
            contact_id=contact.id,
            conversation_id=self.conversations[contact.id],
            details={"filled": filled, "consent": kind.value if kind else None},
        )
        return counts + Counter(["changed", *(["recorded"] if kind else [])])

    def _claim(self, contact: Contact, row: ListRow) -> EventKind | None:
        """Write what the list says of their consent into the ledger, once; None when it says nothing new."""
        terms, claim = self.terms, row.new.consent
        held = self.claims.setdefault(contact.id, set())
        if claim is not None:
            known = fingerprint_of(claim)
            if known in held:
                return None
            recorded = record_claim(
                self.session, contact, terms.cipher, row.new, claim,
                our_number=terms.number.number, actor=terms.actor, now=terms.now,
            )  # fmt: skip
            held.add(known)
            return recorded[0] if recorded else None
        if not row.said:
            return None
        evidence = {"said": dict(row.said), "lacks": list(row.missing)}
        known = fingerprint(evidence)
        if known in held:
            return None
        held.add(known)
        fact = Fact(
            EventKind.UNVERIFIED,
            terms.now,
            METHOD,
            {**evidence, **place_of(row.row, terms), "address": contact.address},
            rule="import.unverified",
        )
        append(self.session, contact, terms.cipher, fact, actor=terms.actor, now=terms.now)
        return EventKind.UNVERIFIED
