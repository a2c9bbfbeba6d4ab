"""Lists and consent on paper in the browser: seen before anything happens, by who may, without a script."""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from consent.models import ConsentEvent
from consent.state import EventKind
from conversations.imports import import_at
from conversations.models import Lead, LeadImport
from conversations.sheets import LARGEST_FILE
from smsbot.actor import SYSTEM, Role
from tests.dashboard.staff import Browser, at_work
from tests.dashboard.test_pages import HOSTILE, dangers
from tests.world import LEAD, World

LIST = b"Phone,Full Name,Shoe size\n(312) 555-0171,Sam Rivera,44\n12,Nobody,\n"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
SIGNED = {
    "how": "paper",
    "at": "2026-11-19T15:30",
    "purposes": "appointment",
    "words": "I agree to automated texts from Lakeside Realty.",
    "signed": "yes",
    "document": "folder 12",
    "heard_by": "Dana Ruiz",
}


def bring(browser: Browser, content: bytes = LIST, name: str = "people.csv", **form: str) -> TestResponse:
    browser.get("/imports")
    parts: dict[str, Any] = {"file": (io.BytesIO(content), name), **form}
    return browser.post("/imports", parts, content_type="multipart/form-data")


def drafted(browser: Browser, content: bytes = LIST, **form: str) -> str:
    """The address of a list that was brought and not started."""
    answer = bring(browser, content, **form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


def tallies(page: str) -> dict[str, int]:
    found = re.findall(r"<dt>([^<]+)</dt><dd>([0-9,]+)", page)
    return {name: int(number.replace(",", "")) for name, number in found}


def test_a_list_is_shown_before_it_is_taken_in(world: World, owner: Browser) -> None:
    address = drafted(owner, source="Open house")
    page = owner.page(address)
    before = world.rows(Lead)
    owner.post(f"{address}/start")
    running = owner.page(address)
    world.drain()
    done = owner.page(address)

    assert before == []
    assert tallies(page)["New leads"] == 1 and tallies(page)["Rows refused"] == 1
    assert "Sam Rivera" in page and 'value="name" selected' in page and "Take 1 row in" in page
    assert "0 of 2 rows" in running
    assert [(lead.name, lead.source) for lead in world.rows(Lead)] == [("Sam Rivera", "Open house")]
    assert "What people.csv did" in done and "Sam Rivera" not in done and "people.csv" in owner.page("/imports")


def test_columns_can_be_read_otherwise(world: World, owner: Browser) -> None:
    address = drafted(owner)
    owner.page(address)
    form = {"column-0": "number", "column-1": "", "column-2": "fields.shoe_size"}
    answer = owner.post(f"{address}/columns", form)
    page = owner.page(address)
    owner.post(f"{address}/start")
    world.drain()

    assert answer.status_code == 303
    assert 'value="fields.shoe_size" selected' in page
    assert [(lead.name, lead.fields) for lead in world.rows(Lead)] == [(None, {"shoe_size": "44"})]


def test_columns_that_cannot_be_are_refused_and_change_nothing(owner: Browser) -> None:
    address = drafted(owner)
    owner.page(address)
    answer = owner.post(f"{address}/columns", {"column-0": "", "column-1": "name", "column-2": ""})

    assert answer.status_code == 422
    assert "Say which column holds the phone number" in answer.get_data(as_text=True)
    assert "Take 1 row in" in owner.page(address)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file holds nothing"),
        (b"Name\nSam\n", "Say which column holds the phone number"),
        (b"PK\x03\x04", "save the list as CSV"),
        (PICTURE, "This is a picture: save the list as CSV"),
        (b"number\n" + b" " * LARGEST_FILE, "at most 10 MB"),
    ],
)
def test_a_file_that_is_no_list_is_refused_and_nothing_is_kept(
    world: World, owner: Browser, content: bytes, said: str
) -> None:
    answer = bring(owner, content)

    assert answer.status_code == 422 and said in answer.get_data(as_text=True)
    assert world.rows(LeadImport) == []


def test_consent_dated_in_the_future_is_called_so(owner: Browser) -> None:
    content = b"number,basis,at,document\n+13125550171,inquiry,2031-05-01,sheet\n+13125550172,inquiry,,sheet\n"
    page = owner.page(drafted(owner, content))

    assert "Missing: when (1)" in page
    assert "<td>2</td><td>Consent: when</td><td>This is in the future" in page


def test_proven_consent_counts_nobody_twice_and_none_who_opted_out(world: World, owner: Browser) -> None:
    world.text("STOP", sender="+13125550172")
    world.drain()
    row = "{},inquiry,2026-11-01,portal export\n"
    numbers = (LEAD, "(312) 555-0171", "+13125550172", "+13125550173")
    address = drafted(owner, ("number,basis,at,document\n" + "".join(map(row.format, numbers))).encode())
    seen = tallies(owner.page(address))
    owner.post(f"{address}/start")
    world.drain()
    done = tallies(owner.page(address))

    assert seen == done
    assert (seen["Consent proven"], seen["Said again"], seen["Opted out"], seen["Known already"]) == (2, 1, 1, 2)


def test_no_file_is_asked_for(owner: Browser) -> None:
    owner.get("/imports")
    answer = owner.post("/imports", {"source": "x"})

    assert answer.status_code == 422 and "Choose a file first" in answer.get_data(as_text=True)


def test_a_file_far_too_large_is_not_read(owner: Browser) -> None:
    assert bring(owner, b"x" * (LARGEST_FILE + 100_000)).status_code == 413


def test_other_forms_stay_small(owner: Browser) -> None:
    address = drafted(owner)
    owner.page(address)

    assert owner.post(f"{address}/columns", {"column-0": "x" * 70_000}).status_code == 413


def test_the_same_file_again_says_so(world: World, owner: Browser) -> None:
    address = drafted(owner)
    owner.post(f"{address}/start")
    world.drain()
    again = bring(owner, name="renamed.csv")

    assert again.headers["Location"] == address
    assert "This very file was taken in before. Nothing was changed." in owner.page(address)
    assert len(world.rows(Lead)) == 1


def test_a_list_can_be_forgotten_until_it_is_started(world: World, owner: Browser) -> None:
    forgotten = drafted(owner)
    owner.post(f"{forgotten}/discard")
    kept = drafted(owner)
    owner.post(f"{kept}/start")
    late = [owner.post(f"{kept}/discard"), owner.post(f"{kept}/columns", {"column-0": "number"})]
    page = owner.page(kept)
    world.drain()

    assert owner.get(forgotten).status_code == 404
    assert [answer.status_code for answer in late] == [303, 303] and "being taken in already" in page
    assert len(world.rows(Lead)) == 1


def test_started_twice_is_once(world: World, owner: Browser) -> None:
    address = drafted(owner)
    for _ in range(2):
        owner.post(f"{address}/start")

    assert len(world.due()) == 1


def test_errors_come_as_a_file_without_anything_of_the_person(owner: Browser) -> None:
    address = drafted(owner, b"number,name\n12,Agatha Quill\n=1+1,Bo\n")
    answer = owner.get(f"{address}/errors.csv")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))

    assert answer.headers["Content-Disposition"] == 'attachment; filename="errors.csv"'
    assert answer.mimetype == "text/csv"
    assert [row[:2] for row in rows] == [["row", "field"], ["2", "number"], ["3", "number"]]
    assert "Agatha" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", [Role.AGENT, Role.COMPLIANCE])
def test_who_may_not_bring_lists_finds_nothing_there(world: World, owner: Browser, role: Role) -> None:
    address = drafted(owner)
    browser = at_work(world, f"{role.value}@example.test", role)
    browser.get("/")
    seen = [browser.get(path).status_code for path in ("/imports", address, f"{address}/errors.csv")]
    done = [browser.post(f"{address}/{what}").status_code for what in ("start", "discard", "columns")]

    assert (seen, done) == ([404] * 3, [404] * 3)
    assert bring(browser).status_code == 404
    assert world.due() == [] and len(world.rows(LeadImport)) == 1
    assert 'href="/imports"' not in browser.page("/") and 'href="/imports"' in owner.page("/")


def test_a_manager_brings_lists(world: World) -> None:
    manager = at_work(world, "mia@example.test", Role.MANAGER)
    manager.post(f"{drafted(manager)}/start")
    world.drain()

    assert len(world.rows(Lead)) == 1


def test_another_tenants_list_is_not_there(world: World, owner: Browser) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    address = drafted(at_work(world, "zoe@example.test", of=other))
    owner.get("/imports")

    assert [owner.get(address).status_code, owner.post(f"{address}/start").status_code] == [404, 404]
    assert world.due() == []


def test_words_of_strangers_in_a_list_are_shown_and_never_run(world: World, owner: Browser) -> None:
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(["number", *(f"{words} {place}" for place, words in enumerate(HOSTILE))])
    table.writerow([LEAD, *HOSTILE])
    address = drafted(owner, written.getvalue().encode())
    pages = [owner.page(address), owner.page("/imports")]
    owner.post(f"{address}/start")
    world.drain()
    pages += [owner.page(address), owner.page("/imports")]

    assert [dangers(page) for page in pages] == [[]] * 4
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages[0]


def test_a_file_name_is_shown_as_words(owner: Browser) -> None:
    page = owner.page(bring(owner, name="../<b>x.csv").headers["Location"])

    assert "<h1>What &lt;b&gt;x.csv would do</h1>" in page


# ---- consent on paper and aloud ---------------------------------------------------------------------------------------


def place_of(world: World) -> str:
    world.text("Is it still there?")
    world.drain()
    return f"/c/{world.conversation().id}"


def newest(world: World) -> ConsentEvent:
    return world.ledger()[-1]


def test_a_signed_paper_is_recorded_from_its_form(world: World, owner: Browser) -> None:
    path = place_of(world)
    assert f'href="{path}/consent"' in owner.page(path)
    owner.page(f"{path}/consent")
    form: dict[str, Any] = {**SIGNED, "scan": (io.BytesIO(b"%PDF-1.7 scan"), "sheet.pdf")}
    answer = owner.post(f"{path}/consent", form, content_type="multipart/form-data")
    page = owner.page(path)

    event = newest(world)
    assert (answer.status_code, event.kind, event.method, event.basis) == (
        303, EventKind.OPT_IN, "paper", "express_written",
    )  # fmt: skip
    assert event.at.isoformat() == "2026-11-19T21:30:00+00:00"  # typed in the business's own time
    assert "Recorded. Texts for what they agreed to are permitted" in page
    assert "Agreed to texts on paper" in page


def test_a_form_that_lacks_something_comes_back_as_it_was_typed(world: World, owner: Browser) -> None:
    path = place_of(world)
    owner.page(f"{path}/consent")
    before = len(world.ledger())
    answer = owner.post(f"{path}/consent", {**SIGNED, "words": " ", "at": "soon", "purposes": "everything"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert set(re.findall(r'id="([a-z_]+)-why"', page)) == {"words", "at", "purposes"}
    assert 'value="folder 12"' in page and 'value="paper" checked' in page
    assert len(world.ledger()) == before


@pytest.mark.parametrize(("name", "content"), [("x.pdf", b"<html>"), ("x.exe", b"MZ")])
def test_a_scan_that_is_none_is_refused(world: World, owner: Browser, name: str, content: bytes) -> None:
    path = place_of(world)
    owner.page(f"{path}/consent")
    form: dict[str, Any] = {**SIGNED, "scan": (io.BytesIO(content), name)}
    answer = owner.post(f"{path}/consent", form, content_type="multipart/form-data")

    assert answer.status_code == 422 and "Give a PDF, PNG or JPEG" in answer.get_data(as_text=True)


def test_who_opted_out_is_told_apart_and_stays_so(world: World, owner: Browser) -> None:
    world.text("STOP")
    path = place_of(world)
    page = owner.page(f"{path}/consent")
    owner.post(f"{path}/consent", SIGNED)

    assert "They have opted out" in page
    assert "Kept as evidence. What they ended stays ended." in owner.page(path)
    assert world.contact().consent["opted_out"] is not None


def test_an_agent_enters_consent_of_leads_that_they_see(world: World) -> None:
    path, agent = place_of(world), at_work(world, "dan@example.test", Role.AGENT)
    agent.page(f"{path}/consent")

    refused = agent.post(f"{path}/consent", SIGNED)
    scanned: dict[str, Any] = {**SIGNED, "scan": (io.BytesIO(b"%PDF-1.7 scan"), "sheet.pdf")}
    taken = agent.post(f"{path}/consent", scanned, content_type="multipart/form-data")

    assert (refused.status_code, taken.status_code) == (422, 303)
    assert "Choose the scan of what they signed" in refused.get_data(as_text=True)
    assert newest(world).actor_id == agent.agent_id


@pytest.mark.parametrize("method", ["voicemail", "email", "web_page", "in_person"])
def test_an_opt_out_says_in_which_way_it_came(world: World, owner: Browser, method: str) -> None:
    path = place_of(world)
    page = owner.page(f"{path}/opt-out")
    owner.post(f"{path}/opt-out", {"method": method, "note": "do not text me"})

    assert f'value="{method}"' in page
    assert (newest(world).kind, newest(world).method) == (EventKind.OPT_OUT, method)


def test_an_opt_out_in_no_known_way_is_refused(world: World, owner: Browser) -> None:
    path = place_of(world)
    owner.page(f"{path}/opt-out")

    assert owner.post(f"{path}/opt-out", {"method": "telepathy"}).status_code == 422
    assert newest(world).kind is not EventKind.OPT_OUT


def test_the_list_that_a_page_shows_is_the_one_that_is_kept(world: World, owner: Browser) -> None:
    address = drafted(owner)
    with world.runtime.transaction(world.home.id) as session:
        found = import_at(session, UUID(address.rpartition("/")[2]), actor=SYSTEM)

    assert tallies(owner.page(address))["New leads"] == found.counts["new"] == 1
