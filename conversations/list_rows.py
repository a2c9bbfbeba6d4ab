"""One row of a list of people: which column is what, what the row says, and whether it proves what it says of consent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from consent.disclosures import blocks, lint_seen
from consent.purposes import Purpose
from consent.state import Basis
from consent.wording import host_of, is_public_link
from conversations.evidence import LIST_NAME, LIST_ROW, LIST_SHA256
from conversations.leads import (
    CLAIMABLE,
    CLAIMED_BASES,
    CLOCKS_DIFFER_BY,
    ConsentClaim,
    NewLead,
    Objection,
    claim_objections,
    is_ip,
    is_page,
    textable,
)
from conversations.sheets import Record
from conversations.vocabulary import MESSAGE_FIELD
from smsbot.actor import Actor
from smsbot.crypto import DataCipher
from smsbot.errors import InvalidInput
from smsbot.masking import masked
from smsbot.phone import region_of
from smsbot.tenancy import Number, Tenant
from smsbot.texts import cleaned

METHOD = "import"
LEAD_FIELDS = ("number", "name", "language", "source", "assigned_to", "zip", "state", "zone")
CONSENT_FIELDS = (
    "basis", "purposes", "at", "disclosure", "disclosure_version", "page_url", "document", "ip", "user_agent",
)  # fmt: skip
OWN_FIELD = "fields."
OWN_FIELD_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,60}", re.ASCII)
# What may be said once for all rows. When somebody agreed, and from which address, is of one person.
SHARED = ("source", "basis", "purposes", "disclosure", "disclosure_version", "page_url", "document")
LONGEST = {
    "number": 40, "name": 200, "source": 60, "assigned_to": 254, "disclosure": 5_000, "disclosure_version": 100,
    "page_url": 2_000, "document": 500, "ip": 60, "user_agent": 1_000,
}  # fmt: skip
LONGEST_VALUE = 2_000
MOST_OWN_FIELDS = 50

# What lists call these columns, in lower case with everything but letters and digits as one `_`.
CALLED: Mapping[str, tuple[str, ...]] = {
    "number": (
        "number", "phone", "phone_number", "mobile", "mobile_phone", "mobile_number", "cell", "cell_phone",
        "telephone", "tel", "phone_1",
    ),
    "name": ("name", "full_name", "contact_name", "lead_name", "customer", "customer_name"),
    "language": ("language", "lang", "preferred_language"),
    "source": ("source", "lead_source"),
    "assigned_to": ("assigned_to", "agent", "agent_email", "assignee"),
    "zip": ("zip", "zip_code", "zipcode", "postal_code", "postcode"),
    "state": ("state", "province", "state_province"),
    "zone": ("zone", "time_zone", "timezone"),
    "basis": ("basis", "consent_basis"),
    "purposes": ("purposes", "purpose", "consent_purposes"),
    "at": ("at", "consent_at", "consent_date", "consent_time", "opt_in_at", "opt_in_date", "opted_in_at"),
    "disclosure": ("disclosure", "disclosure_text", "consent_text"),
    "disclosure_version": ("disclosure_version", "consent_version"),
    "page_url": ("page_url", "consent_url", "form_url"),
    "document": ("document", "consent_document"),
    "ip": ("ip", "ip_address", "consent_ip"),
    "user_agent": ("user_agent",),
}  # fmt: skip
RECOGNISED = {name: target for target, names in CALLED.items() for name in names}

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?", re.ASCII)
POSTAL_CODE = re.compile(r"[0-9]{5}(-[0-9]{4})?|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]", re.ASCII)
STATE = re.compile(r"[A-Z]{2}", re.ASCII)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AGREED_FROM = datetime(2015, 1, 1, tzinfo=UTC)  # no list that is older says what the law has asked for since
CANADA = "CA"
WORDINGS_REMEMBERED = 256
NO_DIGIT = re.compile(r"[^0-9]+")
DIGITS_COMPARED = 10  # with or without the country's code it is the same number of North America

ZONES = frozenset(available_timezones())

Error = list[Any]  # [row, field, what to do]: never a value of the row


@dataclass(frozen=True, slots=True)
class Terms:
    """What all rows of a list share."""

    tenant: Tenant
    number: Number
    cipher: DataCipher = field(repr=False)
    staff: Mapping[str, UUID] = field(repr=False)  # by e-mail address
    fields: tuple[str | None, ...]  # of each column
    shared: Mapping[str, str] = field(repr=False)
    published: frozenset[tuple[str, frozenset[Purpose]]] = field(
        repr=False
    )  # words of the tenant's own forms, and what for
    list_name: str
    list_sha256: str
    actor: Actor
    cause: str
    now: datetime


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row that can be taken in. `new.consent` is set when the row proves it; else `said` is what the list says of
    their consent, if anything, and `missing` what would prove it."""

    row: int
    address: str = field(repr=False)
    new: NewLead = field(repr=False)
    said: Mapping[str, str] = field(repr=False)
    missing: tuple[str, ...] = ()


def fields_of(columns: Sequence[str], mapping: Mapping[str, str]) -> tuple[str | None, ...]:
    """The field of each column, None for one that is left out: as `mapping` says, else by what it is called.

    Raises InvalidInput("mapping", …) for a column or field that does not exist and for two columns of one field.
    """
    unknown = [name for name in mapping if name not in columns]
    if unknown:
        raise InvalidInput("mapping", "the mapping names a column that the file does not have")
    for named in mapping.values():
        if named and not _is_field(named):
            known = ", ".join((*LEAD_FIELDS, *CONSENT_FIELDS))
            raise InvalidInput("mapping", f"there is no field like that: use {known} or {OWN_FIELD}NAME")
    taken = {target for target in mapping.values() if target}
    found: list[str | None] = []
    for name in columns:
        target = (mapping[name] or None) if name in mapping else _recognised(name)
        if name not in mapping and target in taken:
            target = None  # the first column of that name, or the one that was named, has it
        if target is not None:
            taken.add(target)
        found.append(target)
    used = [target for target in found if target is not None]
    if len(set(used)) != len(used):
        raise InvalidInput("mapping", "two columns cannot be the same field")
    if "number" not in used:
        raise InvalidInput("mapping", "say which column holds the phone number")
    if sum(target.startswith(OWN_FIELD) for target in used) > MOST_OWN_FIELDS:
        raise InvalidInput("mapping", f"at most {MOST_OWN_FIELDS} columns can be fields of your own")
    return tuple(found)


def _is_field(target: str) -> bool:
    own = target.removeprefix(OWN_FIELD)
    if target.startswith(OWN_FIELD):
        return OWN_FIELD_NAME.fullmatch(own) is not None and own != MESSAGE_FIELD
    return target in LEAD_FIELDS or target in CONSENT_FIELDS


def _recognised(name: str) -> str | None:
    if name.lower().startswith(OWN_FIELD) and _is_field(OWN_FIELD + name[len(OWN_FIELD) :]):
        return OWN_FIELD + name[len(OWN_FIELD) :]
    return RECOGNISED.get(re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"))


def read_row(one: Record, terms: Terms) -> ListRow | list[Error]:
    """The row as it would be taken in, or everything that is wrong with it."""
    if one.cells is None:
        return [[one.row, "row", "a quotation mark in this row is not closed: write it twice, or leave it out"]]
    if any(cell.strip() for cell in one.cells[len(terms.fields) :]):
        return [[one.row, "row", "there are more cells than headings: put quotes around a cell with a comma in it"]]
    cells = {
        target: cleaned(cell).text.strip() for target, cell in zip(terms.fields, one.cells, strict=False) if target
    }
    values = {**terms.shared, **{target: text for target, text in cells.items() if text}}
    found = [
        Objection(target, f"give at most {LONGEST.get(target, LONGEST_VALUE)} characters")
        for target, text in values.items()
        if len(text) > LONGEST.get(target, LONGEST_VALUE)
    ]
    number, objections = textable(values.get("number", ""), terms.tenant)
    found += objections
    claim, said, missing = _consent(values, {name for name, text in cells.items() if text}, number, terms, found)
    new = NewLead(
        number=number or "",
        name=_one_line("name", values),
        language=_checked(values, "language", LANGUAGE, "give a language as in en or fr-CA", found, fold=False),
        source=_one_line("source", values),
        assigned_to=_agent(values.get("assigned_to"), terms, found),
        fields={
            target.removeprefix(OWN_FIELD): _own(target.removeprefix(OWN_FIELD), text)
            for target, text in values.items()
            if target.startswith(OWN_FIELD)
        },
        consent=claim,
        postal_code=_checked(values, "zip", POSTAL_CODE, "give a ZIP of five digits or a Canadian code", found),
        region=_checked(values, "state", STATE, "give a state or province as two letters", found),
        time_zone=_zone(values.get("zone"), found),
    )
    if number is None or found:
        first = {objection.field: objection.detail for objection in reversed(found)}
        return [[one.row, name, detail] for name, detail in sorted(first.items())]
    if claim is not None:
        new = replace(new, consent=replace(claim, evidence={**claim.evidence, **place_of(one.row, terms)}))
    return ListRow(one.row, number, new, said, missing)


def said_before(records: Iterable[Record], fields: Sequence[str | None]) -> frozenset[int]:
    """The rows that say of a number's consent what a row above says of the same number: they tell nothing more."""
    places = {target: place for place, target in enumerate(fields) if target}
    told = [places[name] for name in CONSENT_FIELDS if name in places]
    met: set[tuple[str, ...]] = set()
    found = set()
    for one in records:
        if one.cells is None or len(one.cells) <= places["number"]:
            continue
        number = NO_DIGIT.sub("", one.cells[places["number"]])[-DIGITS_COMPARED:]
        tells = (number, *(one.cells[place].strip() if place < len(one.cells) else "" for place in told))
        if tells in met:
            found.add(one.row)
        met.add(tells)
    return frozenset(found)


def place_of(row: int, terms: Terms) -> dict[str, Any]:
    """Where in which list it stood."""
    return {LIST_NAME: terms.list_name, LIST_SHA256: terms.list_sha256, LIST_ROW: row}


def _one_line(target: str, values: Mapping[str, str]) -> str | None:
    # The words of a mask may be longer than what they stand for.
    return " ".join(masked(values.get(target, "")).text.split())[: LONGEST[target]] or None


def _own(name: str, text: str) -> str:
    """The value, or what masking leaves of it: nine digits alone are nothing, beside a name like `ssn` they are."""
    label = f"{re.sub(r'[_.-]+', ' ', name)}: "
    return masked(label + text).text.removeprefix(label)[:LONGEST_VALUE]


def _checked(
    values: Mapping[str, str],
    target: str,
    pattern: re.Pattern[str],
    advice: str,
    found: list[Objection],
    *,
    fold: bool = True,
) -> str | None:
    text = values.get(target)
    if text is None:
        return None
    text = text.upper() if fold else text[:2].lower() + text[2:]
    if not pattern.fullmatch(text):
        found.append(Objection(target, advice))
        return None
    return text


def _zone(name: str | None, found: list[Objection]) -> str | None:
    if name is not None and name not in ZONES:
        found.append(Objection("zone", "give an IANA name such as America/Chicago"))
        return None
    return name


def _agent(email: str | None, terms: Terms, found: list[Objection]) -> UUID | None:
    if email is None:
        return None
    agent_id = terms.staff.get(email.lower())
    if agent_id is None:
        found.append(Objection("assigned_to", "give the e-mail address of somebody who works here"))
    return agent_id


def _consent(
    values: Mapping[str, str], own: Collection[str], number: str | None, terms: Terms, found: list[Objection]
) -> tuple[ConsentClaim | None, dict[str, str], tuple[str, ...]]:
    """The claim when the row proves it; else what the list says, and which fields would prove it.

    `own`: the fields that the row itself fills. A cell that cannot be read goes to `found`; what is merely missing does
    not.
    """
    said = {name: values[name] for name in CONSENT_FIELDS if name in values}
    if not said:
        return None, {}, ()
    before = len(found)
    basis = re.sub(r"[\s-]+", "_", said.get("basis", "").lower())
    if basis and basis not in [one.value for one in CLAIMED_BASES]:
        found.append(Objection("basis", f"give one of {', '.join(one.value for one in CLAIMED_BASES)}"))
    wanted = [word for word in re.split(r"[\s,;|/+]+", said.get("purposes", "").lower()) if word]
    if not {*wanted} <= {one.value for one in CLAIMABLE}:
        found.append(Objection("purposes", f"give one or more of {', '.join(one.value for one in CLAIMABLE)}"))
    at = _moment(said["at"], terms.tenant.zone) if "at" in said else None
    if "at" in said and at is None:
        found.append(Objection("at", "give a time as in 2026-11-20 or 2026-11-20T16:00:00-06:00"))
    if at is not None and at > terms.now + CLOCKS_DIFFER_BY:
        found.append(Objection("at", "this is in the future: give the time when they agreed or asked"))
    if "page_url" in said and not is_page(said["page_url"]):
        found.append(Objection("page_url", "give an address that begins with https:// or http://"))
    if "ip" in said and not is_ip(said["ip"]):
        found.append(Objection("ip", "give an IPv4 or IPv6 address"))
    if len(found) > before:
        return None, said, ()
    if not basis:
        return None, said, ("basis",)
    shown = {name: text for name, text in said.items() if name not in ("basis", "purposes", "at")}
    claim = ConsentClaim(
        Basis(basis),
        tuple(one for one in CLAIMABLE if one.value in wanted),
        at,
        {**shown, **({"at": at.isoformat()} if at else {})},
        method=METHOD,
    )
    lacking = [one.field.rpartition(".")[2] for one in unproven(claim, terms.now)]
    lacking = ["page_url" if name == "evidence" else name for name in lacking]
    missing = tuple(dict.fromkeys([*lacking, *_not_shown(claim, own, number, terms)]))
    return (None, said, missing) if missing else (claim, said, ())


def unproven(claim: ConsentClaim, now: datetime) -> list[Objection]:
    """What a row of a list lacks to prove its claim: all that any claim needs, and of an inquiry when and where.

    A form's inquiry is there when we hear of it; a list only says that there was one.
    """
    found = claim_objections(claim, now)
    if claim.basis is Basis.INQUIRY:
        if claim.at is None:
            found.append(Objection("consent.evidence.at", "say when they asked"))
        if not any(claim.evidence.get(name) for name in ("page_url", "document")):
            found.append(Objection("consent.evidence.document", "say where they asked: a page or a document"))
    return found


def _not_shown(claim: ConsentClaim, own: Collection[str], number: str | None, terms: Terms) -> Iterator[str]:
    """What of a claim is said and shows nothing: a time before there were such lists, a page that is none, words that
    agree to nothing, and what was typed once for everybody where each person would have left their own."""
    if claim.at is not None and claim.at < AGREED_FROM:
        yield "at"
    if claim.basis is Basis.INQUIRY:
        return
    page = claim.evidence.get("page_url", "")
    on_a_page = "page_url" in own and _is_whole_page(page)
    if not on_a_page and "document" not in own:
        yield "page_url"
    if claim.basis is Basis.EXPRESS:
        return
    if "basis" not in own:
        yield "basis"  # a signature is nobody's who has not given it
    words = claim.evidence.get("disclosure", "")
    if any(words == text and purposes.issuperset(claim.purposes) for text, purposes in terms.published):
        return
    country = CANADA if number is not None and region_of(number) == CANADA else "US"
    site = f"https://{host_of(page)}/" if on_a_page else ""
    if not _agrees(words, terms.tenant.brand, frozenset(claim.purposes), site, country):
        yield "disclosure"


@lru_cache(maxsize=WORDINGS_REMEMBERED)
def _agrees(words: str, brand: str, purposes: frozenset[Purpose], site: str, country: str) -> bool:
    """Whether a page of `site`, or paper, with these words could have been published here: all rows of a list have few."""
    return not blocks(lint_seen(words, brand, purposes, page_url=site, country=country))


def _is_whole_page(text: str) -> bool:
    """https, at a host of somebody's own: a name without a dot is no address."""
    return text.lower().startswith("https://") and "." in host_of(text) and is_public_link(text)


def _moment(text: str, zone: str) -> datetime | None:
    """The time in UTC. Without an offset it is the tenant's own; a date alone is the beginning of that day: of
    two things on one day an opt-out counts as the later."""
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at >= EARLIEST else None
