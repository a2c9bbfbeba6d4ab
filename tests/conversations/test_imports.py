"""Lists of people: every row in or named, nothing proved by a list alone, nothing undone by it, nothing done twice."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

import worker
from consent.models import ConsentEvent, ConsentEvidence, Contact
from consent.purposes import Purpose
from consent.state import EventKind
from consent.suppressions import suppress
from conversations.imports import (
    ImportView,
    ListFile,
    bring,
    counted,
    forget_old_drafts,
    import_at,
    keep,
    preview,
    start,
)
from conversations.list_rows import fields_of
from conversations.models import Conversation, Episode, Lead, LeadImport
from conversations.sheets import LARGEST_FILE, MOST_ROWS, as_csv, cell_of, sheet_in
from scheduler import Scheduler
from smsbot import work
from smsbot.actor import SYSTEM, Actor, ActorKind, Role
from smsbot.bell import BACKGROUND
from smsbot.clock import SystemClock
from smsbot.errors import InvalidInput, NotFound
from smsbot.events import Event
from tests.conftest import Database
from tests.dashboard.staff import hire
from tests.public.visitors import a_form
from tests.world import LEAD, World

HEAD = "number,name,basis,purposes,at,disclosure,disclosure_version,page_url,document"
ROOT = Path(worker.__file__).resolve().parent
AREAS = (312, 313, 314)
WORDS = "I agree to automated texts from Lakeside Realty about my inquiry."
SIGNED_WORDS = (
    "By ticking this box and sending this form, I agree that Lakeside Realty may send me recurring automated marketing text"
    " messages about my inquiry, offers and promotions at the mobile number I gave. Consent is not a condition of any"
    " purchase. Message frequency varies. Message and data rates may apply. Reply HELP for help or STOP to end. See our"
    " Privacy Policy and Terms of Service."
)
ON_PAPER = f"{SIGNED_WORDS} https://lakeside.example/privacy"
PROOF = f'express,"inquiry;appointment",2026-11-01T10:00:00Z,"{WORDS}",v3,https://lakeside.example/form,'


def rows_of(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *rows]).encode()


def proven(number: str = LEAD, name: str = "Sam Rivera") -> str:
    return f"{number},{name},{PROOF}"


def brought(world: World, content: bytes, name: str = "leads.csv", **shared: Any) -> ImportView:
    """The list once a worker is done with it."""
    made = bring(world.runtime, world.home.id, SYSTEM, ListFile(name, content, **shared))
    world.drain()
    with world.runtime.transaction(world.home.id) as session:
        return import_at(session, made.id, actor=SYSTEM)


def events(world: World, number: str = LEAD) -> list[ConsentEvent]:
    contact = world.contact(number)
    return [event for event in world.ledger() if event.contact_id == contact.id]


def evidence(world: World, event: ConsentEvent) -> dict[str, Any]:
    with world.runtime.transaction(world.home.id) as session:
        proof = session.scalars(select(ConsentEvidence).where(ConsentEvidence.event_id == event.id)).one()
        opened = world.runtime.cipher(world.home.data_key).decrypt(
            proof.content, tenant_id=world.home.id, table="consent_evidence", column="content", row=event.id
        )
    found: dict[str, Any] = json.loads(opened)
    return found


def everything(world: World) -> dict[str, Any]:
    """All that an import may write, but for the list itself."""
    leads = [(lead.id, lead.name, lead.fields, lead.source, lead.assigned_to) for lead in world.rows(Lead)]
    contacts = [
        (contact.id, contact.consent, contact.ledger_seq, contact.postal_code) for contact in world.rows(Contact)
    ]
    happened = Counter(event.kind for event in world.rows(Event) if not event.kind.startswith("import."))
    return {
        "leads": sorted(leads, key=str),
        "contacts": sorted(contacts, key=str),
        "events": len(world.ledger()),
        "happened": happened,
        "threads": len(world.rows(Conversation)) + len(world.rows(Episode)),
    }


# ---- the file ---------------------------------------------------------------------------------------------------------

TABLE = "Phone,Name\r\n+13125550171,José\r\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        TABLE.encode("cp1252"),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode(),
        TABLE.replace("\r\n", "\n").encode(),
        TABLE.replace("\r\n", "\r").encode(),
        TABLE.replace("José", '"José"').encode(),
        TABLE.replace("José", "Jo\x00sé").encode(),
        ("sep=;\r\n" + TABLE.replace(",", ";")).encode(),
        ("\r\n\r\n" + TABLE + "\r\n , \r\n").encode(),
    ],
)
def test_a_list_is_read_however_it_was_saved(content: bytes) -> None:
    sheet = sheet_in(content)

    assert sheet.columns == ("Phone", "Name")
    assert [record.cells for record in sheet.records] == [("+13125550171", "José")]


def test_a_stray_control_character_is_no_picture() -> None:
    assert sheet_in(b"number,name\n1,Ann\x1f\n").columns == ("number", "name")


def test_rows_are_numbered_as_a_spreadsheet_does_and_cells_may_have_lines() -> None:
    sheet = sheet_in(b'number,note\n1,"two\nlines"\n\n2,"a ""b"" c"\n')

    assert [(record.row, record.cells) for record in sheet.records] == [(2, ("1", "two\nlines")), (4, ("2", 'a "b" c'))]


def test_a_quote_that_is_never_closed_costs_its_own_row_only() -> None:
    sheet = sheet_in(b'number,name\n1,Ann\n2,"Bob\n3,Cy\n4,"Di"\n')

    assert [(record.row, record.cells) for record in sheet.records] == [
        (2, ("1", "Ann")), (3, None), (4, ("3", "Cy")), (5, ("4", "Di")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds nothing"),
        (b" \r\n,,\r\n", "holds nothing"),
        (b"number,name\n", "no row below the headings"),
        (b"+13125550171,Sam\n+13125550172,Ann\n", "name the columns"),
        (b"PK\x03\x04rest", "save the list as CSV"),
        (b"\xd0\xcf\x11\xe0rest", "save the list as CSV"),
        (b"%PDF-1.7", "save the list as CSV"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "this is a picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "this is a picture"),
        (b"number\x00\x02\x03" + bytes(range(1, 32)) * 9, "this is no CSV file"),
        (b"x" * (LARGEST_FILE + 1), "at most 10 MB"),
        (b"number\n" + b"1\n" * (MOST_ROWS + 1), "at most 50000 rows"),
        (b"\n" * 2_000_000, "at most 50000 rows"),
        (b"number," * 201 + b"\n1\n", "at most 200 columns"),
        (b"number,name\n" + b'1,"Sam\n' * 20_000, "quotes in this file do not match"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_what_is_no_list_is_refused_and_says_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        sheet_in(content)

    assert refused.value.field == "file"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_refused(content: bytes) -> None:
    try:
        sheet = sheet_in(b"number\n" + content)
    except InvalidInput:
        return

    assert len(set(sheet.columns)) == len(sheet.columns)
    assert all("\x00" not in cell for record in sheet.records for cell in record.cells or ())


@pytest.mark.parametrize("formula", ['=HYPERLINK("//evil.test")', "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_is_text_when_it_goes_out(formula: str) -> None:
    assert cell_of(formula) == "'" + formula
    assert sheet_in(as_csv([("number", "note"), ("1", formula)]).encode()).records[0].cells == ("1", "'" + formula)


# ---- columns ----------------------------------------------------------------------------------------------------------


def test_columns_are_known_by_their_usual_names_and_others_are_left_out() -> None:
    columns = ("Mobile Phone", "Full Name", "ZIP-Code", "Lead Source", "fields.budget", "Shoe size", "Phone")

    assert fields_of(columns, {}) == ("number", "name", "zip", "source", "fields.budget", None, None)


def test_a_mapping_comes_before_the_names() -> None:
    mapping = {"Phone 2": "number", "Notes": "fields.notes", "Name": ""}

    assert fields_of(("Phone", "Phone 2", "Notes", "Name"), mapping) == (None, "number", "fields.notes", None)


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        (("Name",), {}),
        (("Phone",), {"Phone": ""}),
        (("Phone",), {"Fax": "number"}),
        (("Phone",), {"Phone": "consent"}),
        (("Phone", "X"), {"X": "fields.message"}),
        (("Phone", "X"), {"X": "fields.a b"}),
        (("A", "B"), {"A": "number", "B": "number"}),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(columns: tuple[str, ...], mapping: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        fields_of(columns, mapping)

    assert refused.value.field == "mapping"


# ---- one row ----------------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_lead_with_all_that_it_says(world: World) -> None:
    dana = hire(world, "dana@example.test", Role.AGENT)
    head = "Phone,Name,Language,Source,Agent,ZIP,State,Time zone,fields.budget"
    row = "(312) 555-0171,  Sam   Rivera ,ES,Open house,DANA@example.test,60601,il,America/Chicago,=1+1"
    done = brought(world, rows_of(row, head=head))

    lead, contact = world.rows(Lead)[0], world.contact()
    assert (lead.name, lead.language, lead.source, lead.fields) == (
        "Sam Rivera",
        "es",
        "Open house",
        {"budget": "=1+1", "time_zone": "America/Chicago"},
    )
    assert lead.assigned_to == dana
    assert (contact.postal_code, contact.region) == ("60601", "IL")
    assert contact.declared_zone is None  # a list is not their own word: it is kept and moves no hours
    assert (done.counts["new"], done.counts["silent"], done.errors) == (1, 1, [])


BAD = {
    "number": ["", "12", "call me", "+4930901820", "+19005550123", "312-555-0171 ext 4", "1.31256E+10"],
    "language": ["Spanish", "e"],
    "assigned_to": ["nobody@example.test"],
    "zip": ["6060", "ABC"],
    "state": ["Illinois", "1L"],
    "zone": ["CST", "Lake Wobegon"],
    "basis": ["yes", "opted in"],
    "purposes": ["everything", "reply"],
    "at": ["yesterday", "11/01/2026", "1999-01-01", "2036-11-01"],
    "page_url": ["lakeside.example", "javascript:alert(1)"],
    "ip": ["300.1.1.1"],
    "name": ["x" * 201],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_cell_is_an_error_with_row_and_field_and_no_value(world: World, name: str, value: str) -> None:
    head = (
        "number",
        "name",
        "language",
        "assigned_to",
        "zip",
        "state",
        "zone",
        "basis",
        "purposes",
        "at",
        "page_url",
        "ip",
    )
    cells = {"number": "+13125550172", "name": "Sam", name: value}
    content = rows_of(
        "+13125550171" + "," * (len(head) - 1),
        ",".join(f'"{cells.get(column, "")}"' for column in head),
        head=",".join(head),
    )
    seen = preview(world.runtime, world.home.id, ListFile("a.csv", content), actor=SYSTEM)

    assert [(row, field) for row, field, _ in seen.errors] == [(3, name)]
    assert len(value) < 4 or value not in json.dumps(seen.errors)
    assert seen.counts == {"new": 1, "silent": 1, "refused": 1}


def test_a_row_with_too_many_cells_is_refused_and_one_with_fewer_is_not(world: World) -> None:
    content = b"number,name\n+13125550171,Rivera, Sam\n+13125550172\n"
    seen = preview(world.runtime, world.home.id, ListFile("a.csv", content), actor=SYSTEM)

    assert [(row, field) for row, field, _ in seen.errors] == [(2, "row")]
    assert seen.counts["new"] == 1


def test_sensitive_numbers_do_not_come_in(world: World) -> None:
    long = "x" * 188 + " 078-05-1120"  # as long as a name may be, until it is masked
    rows = ("+13125550171,My SSN is 078-05-1120,078051120", f"+13125550172,{long},078051120")
    brought(world, rows_of(*rows, head="number,name,fields.ssn"))

    assert len(world.rows(Lead)) == 2
    for lead in world.rows(Lead):
        assert "1120" not in json.dumps([lead.name, lead.fields])


# ---- what a list proves -----------------------------------------------------------------------------------------------


def test_a_row_with_its_evidence_is_an_opt_in_and_the_evidence_is_kept(world: World) -> None:
    content = rows_of(proven())
    brought(world, content, name="/home/ann/May list.csv")

    (event,) = events(world)
    kept = evidence(world, event)
    assert (event.kind, event.method, event.basis, event.purposes) == (
        EventKind.OPT_IN, "import", "express", ["inquiry", "appointment"],
    )  # fmt: skip
    assert event.at.isoformat() == "2026-11-01T10:00:00+00:00"
    assert (kept["disclosure"], kept["disclosure_version"], kept["page_url"]) == (
        WORDS, "v3", "https://lakeside.example/form",
    )  # fmt: skip
    assert (kept["list_name"], kept["list_row"]) == ("May list.csv", 2)
    assert kept["list_sha256"] == hashlib.sha256(content).hexdigest()
    assert kept["disclosure_sha256"] == hashlib.sha256(WORDS.encode()).hexdigest()


@pytest.mark.parametrize(
    ("consent", "missing"),
    [
        ("express,inquiry,,,,,", {"at", "page_url"}),
        ("express,inquiry,2026-11-01,words,,,", {"page_url"}),
        ("express,inquiry,2026-11-01,words,,http://lakeside.example/form,", {"page_url"}),
        ("express,inquiry,2026-11-01,words,,https://lakeside/form,", {"page_url"}),
        ("express,inquiry,2014-11-01,words,,,sheet", {"at"}),
        ("express,,2026-11-01,words,,,sheet", {"purposes"}),
        ("express,marketing,2026-11-01,words,,,sheet", {"purposes"}),
        (f'express_written,marketing,2026-11-01,"{ON_PAPER}",,,sheet', {"disclosure_version"}),
        (f'express_written,marketing,2026-11-01,"{ON_PAPER}",v1,,', {"page_url"}),
        (f'express_written,marketing,2001-01-01,"{ON_PAPER}",v1,,sheet', {"at"}),
        (f'express_written,marketing,2026-11-01,"{SIGNED_WORDS}",v1,http://x.example/f,', {"page_url", "disclosure"}),
        (f'express_written,marketing,2026-11-01,"{SIGNED_WORDS}",v1,,sheet', {"disclosure"}),
        ("express_written,marketing,2026-11-01,words,v1,,sheet", {"disclosure"}),
        (f'express_written,marketing,2026-11-01,"{WORDS}",v1,https://lakeside.example/form,', {"disclosure"}),
        (f'express_written,"marketing;appointment",2026-11-01,"{ON_PAPER}",v1,,sheet', {"disclosure"}),
        ("inquiry,,,,,,", {"at", "document"}),
        ("inquiry,,2026-11-01,,,,", {"document"}),
        ("inquiry,marketing,2026-11-01,,,,sheet", {"purposes"}),
        (",marketing,,,,,", {"basis"}),
        (",,2026-11-01,,,,", {"basis"}),
    ],
)
def test_a_claim_without_its_evidence_is_a_lead_that_nobody_texts(
    world: World, consent: str, missing: set[str]
) -> None:
    done = brought(world, rows_of(f"{LEAD},Sam,{consent}"))

    (event,) = events(world)
    assert (event.kind, event.purposes, event.basis, event.rule) == (
        EventKind.UNVERIFIED, [], None, "import.unverified",
    )  # fmt: skip
    assert set(counted(done.counts)["missing"]) == missing
    assert world.contact().consent.get("purposes", {}) == {}
    kept = evidence(world, event)
    assert kept["said"] and (kept["list_name"], kept["list_row"]) == ("leads.csv", 2)
    assert world.carrier.accepted == []


def test_an_inquiry_with_time_and_place_permits_follow_ups_until_it_ends(world: World) -> None:
    brought(world, rows_of(f"{LEAD},Sam,inquiry,,2026-11-01,,,,portal export"))

    standing = world.contact().consent["purposes"]
    assert list(standing) == [Purpose.INQUIRY.value]
    assert standing["inquiry"][4].startswith("2027-01-30")


def test_what_all_rows_share_fills_what_a_row_leaves_out(world: World) -> None:
    shared = {"basis": "inquiry", "purposes": "inquiry", "document": "sheet 4", "source": "Open house"}
    content = rows_of("+13125550171,2026-11-01,sheet 9", "+13125550172,2026-11-02,", head="number,at,document")
    brought(world, content, shared=shared)

    kept = [evidence(world, events(world, number)[0])["document"] for number in ("+13125550171", "+13125550172")]
    assert kept == ["sheet 9", "sheet 4"]
    assert {lead.source for lead in world.rows(Lead)} == {"Open house"}


def test_a_written_consent_counts_by_its_own_time_place_and_words(world: World) -> None:
    rows = (
        f'{LEAD},Sam,express_written,"marketing;inquiry",2026-11-01,"{SIGNED_WORDS}",v1,https://lakeside.example/form,',
        f'+13125550172,Ann,express_written,marketing,2026-11-01,"{ON_PAPER}",v1,,folder 12',
    )
    done = brought(world, rows_of(*rows))

    assert done.counts["proven"] == 2
    assert [(event.kind, event.basis) for event in world.ledger()] == [(EventKind.OPT_IN, "express_written")] * 2
    assert world.contact().consent["purposes"]["marketing"][0] == "opted_in"


@pytest.mark.parametrize(("purposes", "kind"), [("inquiry", EventKind.OPT_IN), ("marketing", EventKind.UNVERIFIED)])
def test_words_of_an_own_form_count_for_what_it_was_published_for(world: World, purposes: str, kind: EventKind) -> None:
    words = a_form(world, purposes=(Purpose.INQUIRY,)).versions[0].text
    brought(world, rows_of(f'{LEAD},Sam,express_written,{purposes},2026-11-01,"{words}",1,,folder 12'))

    assert [event.kind for event in world.ledger()] == [kind]


@pytest.mark.parametrize(
    ("shared", "missing"),
    [
        ({"basis": "express_written", "purposes": "marketing"}, {"basis"}),
        ({"page_url": "https://lakeside.example/form", "document": "sheet 4"}, {"page_url", "basis"}),
    ],
)
def test_what_is_typed_once_for_all_rows_signs_for_nobody(
    world: World, shared: dict[str, str], missing: set[str]
) -> None:
    every = {"basis": "express_written", "purposes": "marketing", "disclosure": ON_PAPER, "disclosure_version": "1"}
    row = f"{LEAD},2026-11-01" + (",sheet 9" if "page_url" not in shared else ",")
    done = brought(world, rows_of(row, head="number,at,document"), shared={**every, **shared})

    assert [event.kind for event in events(world)] == [EventKind.UNVERIFIED]
    assert set(counted(done.counts)["missing"]) == missing


def test_a_page_that_is_typed_once_for_all_rows_proves_no_express_consent(world: World) -> None:
    shared = {"basis": "express", "purposes": "appointment", "page_url": "https://lakeside.example/form"}
    brought(world, rows_of(f"{LEAD},2026-11-01", head="number,at"), shared=shared)

    assert [event.kind for event in events(world)] == [EventKind.UNVERIFIED]


@pytest.mark.parametrize("name", ["at", "ip", "user_agent"])
def test_when_and_from_where_somebody_agreed_is_never_typed_once_for_all_rows(world: World, name: str) -> None:
    value = {"at": "2026-11-01", "ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}[name]

    with pytest.raises(InvalidInput) as refused:
        bring(world.runtime, world.home.id, SYSTEM, ListFile("a.csv", rows_of(proven()), shared={name: value}))
    assert refused.value.field == "shared"


def test_a_list_texts_nobody(world: World) -> None:
    brought(world, rows_of(proven(), "+13125550172,Ann,,,,,,,", "+13125550173,Bo,inquiry,,2026-11-19,,,,sheet"))
    world.later(hours=30)
    world.drain()

    assert (world.carrier.accepted, world.messages(), world.due()) == ([], [], [])


# ---- what a list does not undo ----------------------------------------------------------------------------------------


def test_an_opt_out_and_a_hold_outlast_every_list(world: World) -> None:
    world.text("STOP")
    world.text("not now, please stop for today", sender="+13125550172")
    world.drain()
    before = {number: world.contact(number).consent for number in (LEAD, "+13125550172")}
    written = f'express_written,"marketing;inquiry",2026-11-20T15:59:00Z,"{ON_PAPER}",v1,,sheet'
    done = brought(world, rows_of(*(f"{number},Sam,{written}" for number in before)))

    assert (done.counts["opted_out"], done.counts["held"]) == (1, 1)
    assert world.contact(LEAD).consent["opted_out"] == before[LEAD]["opted_out"]
    assert world.contact("+13125550172").consent["held"] == before["+13125550172"]["held"]
    assert all(event.kind is not EventKind.OPT_IN for event in world.ledger())
    assert world.verified()


def test_a_list_places_only_whom_nobody_here_has_met(world: World) -> None:
    world.text("Is it still there?")
    brought(world, rows_of(f"{LEAD},96813,HI", "+13125550172,96813,HI", head="number,zip,state"))

    places = [(world.contact(number).postal_code, world.contact(number).region) for number in (LEAD, "+13125550172")]
    assert places == [(None, None), ("96813", "HI")]
    assert {"postal_code": "96813", "state": "HI"} in [lead.fields for lead in world.rows(Lead)]


def test_who_was_erased_is_opted_out_again_when_a_list_brings_them_back(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        suppress(session, world.runtime.keyring, LEAD, since=world.clock.now(), reason="erased")
    done = brought(world, rows_of(proven("(312) 555-0171"), proven("+13125550172")))

    assert [event.kind for event in events(world)] == [EventKind.OPT_OUT, EventKind.INQUIRY]
    assert world.contact().consent["opted_out"] is not None
    assert (done.counts["new"], done.counts["opted_out"]) == (2, 1)
    assert world.verified()


def test_a_known_lead_is_filled_where_it_is_empty(world: World) -> None:
    brought(world, rows_of("+13125550171,Sam,60601", head="number,name,zip"))
    brought(world, rows_of("312.555.0171,Samuel,10001,es", head="number,name,zip,language"))

    lead, contact = world.rows(Lead)[0], world.contact()
    assert (lead.name, lead.language, contact.postal_code) == ("Sam", "es", "60601")


def test_two_rows_with_one_number_are_one_lead(world: World) -> None:
    head = "number,name,language"
    done = brought(world, rows_of("(312) 555-0171,Sam,", "1-312-555-0171,,es", "+13125550171,Sam,es", head=head))

    (lead,) = world.rows(Lead)
    assert (lead.name, lead.language, done.counts["new"], done.counts["known"]) == ("Sam", "es", 1, 2)
    assert len(world.rows(Conversation)) == 1


# ---- nothing twice ----------------------------------------------------------------------------------------------------


def test_what_a_row_tells_of_consent_is_counted_once_for_each_person(world: World) -> None:
    world.text("STOP", sender="+13125550172")
    world.drain()
    other = f"{LEAD},Sam,inquiry,,2026-11-02,,,,portal export"
    repeated = [proven("(312) 555-0171"), proven("1-312-555-0171", "Samuel")]
    content = rows_of(proven(), *repeated, other, proven("+13125550172"), "12,Nobody,,,,,,,")
    seen = preview(world.runtime, world.home.id, ListFile("a.csv", content), actor=SYSTEM)
    done = brought(world, content)

    assert seen.counts == {"new": 1, "known": 4, "proven": 2, "repeated": 2, "opted_out": 1, "refused": 1}
    assert {name: done.counts[name] for name in seen.counts} == seen.counts


def test_a_row_above_that_was_refused_tells_nothing(world: World) -> None:
    content = rows_of(f"{LEAD},Sam,Illinois", f"{LEAD},Sam,IL", head="number,name,state")
    done = brought(world, content)

    assert {name: done.counts[name] for name in ("new", "silent", "refused")} == {"new": 1, "silent": 1, "refused": 1}


def test_the_same_file_again_changes_nothing_and_says_so(world: World) -> None:
    content = rows_of(proven(), "+13125550172,Ann,express,,,,,,")
    first = brought(world, content)
    before = everything(world)
    again = bring(world.runtime, world.home.id, SYSTEM, ListFile("renamed.csv", content))
    world.drain()

    assert (again.id, again.repeated) == (first.id, True)
    assert everything(world) == before
    assert len(world.rows(LeadImport)) == 1


def test_the_same_rows_in_another_file_change_nothing(world: World) -> None:
    inquiry = "+13125550173,Bo,inquiry,,2026-11-19,,,,sheet"
    brought(world, rows_of(proven(), "+13125550172,Ann,express,,,,,,", inquiry))
    before = everything(world)
    done = brought(world, rows_of(inquiry, "+13125550172,Ann,express,,,,,,", proven()), name="other.csv")

    assert everything(world) == before
    assert (done.counts["known"], "changed" in done.counts, "recorded" in done.counts) == (3, False, False)


def test_a_claim_that_is_another_one_is_recorded_again(world: World) -> None:
    brought(world, rows_of(proven()))
    brought(world, rows_of(proven().replace("v3", "v4")))

    assert [event.kind for event in events(world)] == [EventKind.OPT_IN] * 2


@pytest.mark.slow
def test_a_killed_worker_doubles_nothing(world: World, database: Database, tmp_path: Path) -> None:
    """Killed when the first chunk can be seen, and so in the middle of the second or a later one."""
    numbers = [f"+1{area}5550{last}" for area in AREAS for last in range(100, 200)]
    world.clock.set(SystemClock().now())  # the worker has no other
    made = bring(world.runtime, world.home.id, SYSTEM, ListFile("a.csv", rows_of(*map(proven, numbers))))
    environment = {
        "PATH": os.environ["PATH"],
        "SMSBOT_HOME": str(tmp_path),
        "DATABASE_URL": database.app_url,
        "SECRET_KEY": world.settings.secret_key,
        "ENCRYPTION_KEYS": ",".join(base64.b64encode(key).decode() for key in world.settings.encryption_keys),
    }
    killed = subprocess.Popen(
        [sys.executable, "worker.py", "background"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        give_up = time.monotonic() + 30
        while len(world.rows(Lead)) == 0 and time.monotonic() < give_up:
            time.sleep(0.02)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    begun = len(world.rows(Lead))
    world.later(minutes=5)
    world.drain()
    with world.runtime.transaction(world.home.id) as session:
        done = import_at(session, made.id, actor=SYSTEM)

    assert 0 < begun < len(numbers)
    assert (done.done_rows, done.counts["new"]) == (len(numbers), len(numbers))
    assert [len(world.rows(table)) for table in (Lead, Conversation, Episode, Contact, ConsentEvent)] == [
        len(numbers)
    ] * 5
    assert world.verified()


# ---- the file and who may -----------------------------------------------------------------------------------------------


def test_the_file_is_encrypted_while_it_waits_and_gone_when_it_is_done(world: World) -> None:
    content = rows_of(proven())
    made = bring(world.runtime, world.home.id, SYSTEM, ListFile("a.csv", content))
    waiting = world.rows(LeadImport)[0]
    world.drain()
    done = world.rows(LeadImport)[0]

    assert waiting.content is not None and b"555" not in waiting.content
    assert (done.id, done.content, done.rows, done.done_rows) == (made.id, None, 1, 1)
    assert done.finished_at is not None


def test_a_dry_run_counts_the_same_and_writes_nothing(world: World) -> None:
    world.text("STOP", sender="+13125550174")
    world.drain()
    before = everything(world)
    content = rows_of(
        proven(), proven(), "+13125550172,Ann,express,,,,,,", "+13125550173,Bo,,,,,,,", proven("+13125550174"), "12,Cy"
    )
    seen = preview(world.runtime, world.home.id, ListFile("a.csv", content), actor=SYSTEM)
    untouched = everything(world) == before and world.rows(LeadImport) == []
    done = brought(world, content)

    assert untouched
    assert seen.counts == {name: n for name, n in done.counts.items() if name not in ("changed", "recorded")}
    assert seen.errors == done.errors


def test_a_list_that_was_only_looked_at_is_forgotten_after_a_day(world: World) -> None:
    owner = Actor(ActorKind.STAFF, hire(world), Role.OWNER)
    keep(world.runtime, world.home.id, owner, ListFile("a.csv", rows_of(proven())))
    world.later(hours=25)
    kept = keep(world.runtime, world.home.id, owner, ListFile("b.csv", rows_of(proven("+13125550172"))))

    assert [row.id for row in world.rows(LeadImport)] == [kept.id]
    assert world.rows(Lead) == []


@pytest.mark.parametrize("role", [Role.AGENT, Role.COMPLIANCE])
def test_only_owners_and_managers_bring_lists(world: World, role: Role) -> None:
    actor, owner = world.agent(role=role), world.agent(role=Role.OWNER)
    made = keep(world.runtime, world.home.id, owner, ListFile("a.csv", rows_of(proven())))
    tries = [
        lambda: keep(world.runtime, world.home.id, actor, ListFile("b.csv", rows_of(proven()))),
        lambda: start(world.runtime, world.home.id, actor, made.id),
    ]

    for one in tries:
        with pytest.raises(NotFound):
            one()
    assert world.due() == []


def test_another_tenants_list_is_none_of_ours(world: World) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    made = keep(world.runtime, other.id, SYSTEM, ListFile("a.csv", rows_of(proven())))
    mine = bring(world.runtime, world.home.id, SYSTEM, ListFile("a.csv", rows_of(proven())))

    with pytest.raises(NotFound):
        start(world.runtime, world.home.id, SYSTEM, made.id)
    assert mine.repeated is False


def test_it_is_recorded_who_brought_them(world: World) -> None:
    owner_id = hire(world)
    made = bring(
        world.runtime, world.home.id, Actor(ActorKind.STAFF, owner_id, Role.OWNER), ListFile("a.csv", rows_of(proven()))
    )
    world.drain()

    (event,) = events(world)
    assert (event.actor_kind, event.actor_id) == ("staff", owner_id)
    told = {(one.kind, one.actor_id, one.cause) for one in world.rows(Event)}
    assert {
        (kind, owner_id, f"import:{made.id}") for kind in ("import.started", "lead.created", "import.finished")
    } <= told


def test_no_error_that_is_stored_holds_anything_of_the_person(world: World) -> None:
    content = rows_of("+1312555017,Agatha Quill,express,inquiry,last May,,,,", "nobody at all,Agatha Quill,,,,,,,")
    brought(world, content)

    stored = json.dumps(world.rows(LeadImport)[0].errors)
    assert "555017" not in stored and "Agatha" not in stored and "last May" not in stored and "nobody" not in stored


# ---- the promise, smaller ---------------------------------------------------------------------------------------------


def test_a_hundredth_of_the_promise(world: World) -> None:
    """100 rows, 1 suppressed by STOP, 5 bad: bench.imports does the same with 10,000."""
    world.text("STOP", sender="+13125550142")
    world.drain()
    sent = len(world.carrier.accepted)
    good = [proven(f"+13125550{last}") for last in range(100, 195)]
    bad = ["12,A,,,,,,,", "+13125550195,B,maybe,,,,,,", f"+13125550196,C,{PROOF.replace('2026-11-01', '1/1')}",
           "+13125550197,D,,all,,,,,", "+13125550198,E,,,,,,ftp://x,"]  # fmt: skip
    content = rows_of(*good, *bad)
    done = brought(world, content)
    before = everything(world)
    again = bring(world.runtime, world.home.id, SYSTEM, ListFile("a.csv", content))
    world.drain()

    assert [(row, field) for row, field, _ in done.errors] == [
        (97, "number"), (98, "basis"), (99, "at"), (100, "purposes"), (101, "page_url"),
    ]  # fmt: skip
    assert (done.counts["new"], done.counts["known"], done.counts["opted_out"], done.counts["refused"]) == (94, 1, 1, 5)
    assert world.contact("+13125550142").consent["opted_out"] is not None
    assert len(world.carrier.accepted) == sent
    assert again.repeated and everything(world) == before
    assert world.verified()


def test_the_work_of_a_list_waits_behind_everything_else(world: World) -> None:
    bring(world.runtime, world.home.id, SYSTEM, ListFile("a.csv", rows_of(proven())))

    assert [(row.queue, row.priority, isinstance(row.ref_id, UUID)) for row in world.due()] == [
        (BACKGROUND, work.LATER, True)
    ]


# ---- lists that nobody starts -----------------------------------------------------------------------------------------


def test_a_list_that_nobody_starts_is_forgotten_after_a_day(world: World) -> None:
    kept = keep(world.runtime, world.home.id, SYSTEM, ListFile("a.csv", rows_of(proven())))
    begun = bring(world.runtime, world.home.id, SYSTEM, ListFile("b.csv", rows_of(proven("+13125550172"))))
    other = world.business("Zephyrine Motors", "+12065550186")
    world.later(hours=23)
    forget_old_drafts(world.runtime, world.home.id)
    before = {row.id for row in world.rows(LeadImport)}
    world.later(hours=2)
    forget_old_drafts(world.runtime, other.id)
    still = {row.id for row in world.rows(LeadImport)}
    forget_old_drafts(world.runtime, world.home.id)

    assert before == still == {kept.id, begun.id}
    assert [row.id for row in world.rows(LeadImport)] == [begun.id]


def test_the_scheduler_forgets_lists_that_nobody_starts(world: World) -> None:
    keep(world.runtime, world.home.id, SYSTEM, ListFile("a.csv", rows_of(proven())))
    world.later(hours=25)
    Scheduler(world.runtime, {}).tick()

    assert world.rows(LeadImport) == []
