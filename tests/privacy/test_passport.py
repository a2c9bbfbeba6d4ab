"""The passport holds everything, checks itself anywhere, and says who took it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest

from consent.models import LedgerHead
from consent.state import EventKind
from privacy import verify_passport
from privacy.passport import contact_with, export, rule_tables, written
from privacy.passport_page import page
from smsbot.actor import SYSTEM
from smsbot.errors import InvalidInput, NotFound
from smsbot.events import Event
from tests.commands.conftest import Command, in_world, run, variables
from tests.conftest import Database
from tests.ledger.chains import tampering
from tests.privacy import story
from tests.privacy.conftest import Document
from tests.world import LEAD, World

__all__ = ["in_world", "run", "variables"]
SCRIPT = Path(verify_passport.__file__)


def checked_alone(
    folder: Path, text: str, *more: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """The verifier as a lawyer runs it: the one file, in a folder of its own, without anything of ours."""
    script = Path(shutil.copy(SCRIPT, folder))
    file = folder / "passport.json"
    file.write_text(text, encoding="utf-8")
    return subprocess.run(
        [python, "-I", "-S", script, file, *more], cwd=folder, capture_output=True, text=True, timeout=20, check=False
    )


def test_a_passport_proves_the_whole_story(document: Document) -> None:
    assert list(verify_passport.flaws(document)) == []
    assert {event["kind"] for event in document["events"]} >= {"inquiry", "opt_in", "help", "opt_out", "start"}
    assert {m["purpose"] for m in document["messages"]} >= {None, "reply", "compliance"}
    assert {d["outcome"] for d in document["decisions"]} >= {"allow"}
    assert len(document["seals"]) == 3
    assert {end[0] for seal in document["seals"] for end in seal["ends"]} == {document["contact"]["id"]}


def test_each_text_that_was_sent_names_the_event_that_it_rests_on(document: Document) -> None:
    events = {event["id"] for event in document["events"]}
    sent = [m for m in document["messages"] if m["direction"] == "outbound" and m["provider_sid"]]

    assert len(sent) >= 7
    assert {m["consent_event_id"] for m in sent} <= events


def test_the_exact_words_shown_and_typed_are_in_it(document: Document) -> None:
    evidence = [event["evidence"] for event in document["events"]]

    assert story.DISCLOSURE in [one.get("disclosure") for one in evidence]
    assert "STOP" in [one.get("words") for one in evidence]


def test_the_file_is_the_document(world: World) -> None:
    world.text('Ist es noch da? \u2028 \U0001f600 "quoted" \\')
    world.drain()

    taken = export(world.runtime, world.home.id, story.contact_id(world), actor=SYSTEM, cause="test")

    assert json.loads(taken.text) == taken.document
    assert taken.text == written(taken.document)
    assert taken.document["sha256"] == verify_passport.checksum(taken.document)
    assert "Ist es noch da? \u2028 \U0001f600" in taken.text


def test_of_other_people_it_holds_nothing_that_names_them(world: World) -> None:
    story.tell(world)
    text = written(story.passport(world))

    assert story.OTHER not in text
    assert "Hello?" not in text
    assert str(story.contact_id(world, story.OTHER)) not in text


def test_erased_evidence_verifies_as_erased(erased: Document) -> None:
    assert list(verify_passport.flaws(erased)) == []
    assert sum(event["evidence"] is None for event in erased["events"]) == len(erased["events"]) - 1
    assert "with evidence that was erased" in verify_passport.summary(erased)


def test_the_verifier_needs_nothing_but_itself(document: Document, tmp_path: Path) -> None:
    done = checked_alone(tmp_path, written(document))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"ok: {LEAD} at Lakeside Realty\n")


def test_the_verifier_is_written_for_old_pythons_and_imports_the_standard_library_only() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}

    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    assert not keywords & {"strict", "slots", "kw_only"}  # of zip and dataclass, newer than 3.9


def test_the_verifier_says_what_it_cannot_read(document: Document, tmp_path: Path) -> None:
    text = written(document)
    unreadable = ["", "[]", "{}", "null", "\x00", '{"format": 1}', text[:-100], "[" * 100_000]
    unreadable += [json.dumps({**document, "events": None}), json.dumps({**document, "format": "another"})]

    for written_badly in unreadable:
        file = tmp_path / "passport.json"
        file.write_text(written_badly, encoding="utf-8")
        assert verify_passport.main([str(file)]) == 2, written_badly[:40]
    assert verify_passport.main([str(tmp_path / "none.json")]) == 2
    assert verify_passport.main([]) == verify_passport.main(["--help"]) == 2


def test_a_seal_that_was_kept_elsewhere_is_looked_for(document: Document, tmp_path: Path) -> None:
    file = tmp_path / "passport.json"
    file.write_text(written(document), encoding="utf-8")

    assert verify_passport.main([str(file), "--seal", document["seals"][1]["hash"].upper()]) == 0
    assert verify_passport.main([str(file), "--seal", _as_logged(document["seals"][1]["hash"])]) == 0
    assert verify_passport.main([str(file), "--seal", "0" * 64]) == 1


def _as_logged(digest: str) -> str:
    return ", ".join(str(UUID(half)) for half in (digest[:32], digest[32:]))


def test_taking_a_passport_is_recorded(world: World) -> None:
    world.text("Is it still there?")

    document = export(world.runtime, world.home.id, story.contact_id(world), actor=world.dana, cause="test").document

    (event,) = [one for one in world.rows(Event) if one.kind == "passport.exported"]
    assert (event.actor_kind, event.actor_id, event.cause) == ("staff", world.dana.id, "test")
    assert event.contact_id == story.contact_id(world)
    assert event.details == {"passport": document["exported"]["id"], "sha256": document["sha256"]}
    assert document["exported"]["by"] == {"kind": "staff", "id": str(world.dana.id)}


def test_another_tenants_contact_is_unknown(world: World) -> None:
    other = world.business("Summit Ford", "+17205550100")
    world.text("Is it still there?")

    with pytest.raises(NotFound):
        export(world.runtime, other.id, story.contact_id(world), actor=SYSTEM, cause="test")
    with world.runtime.transaction(other.id) as session:
        with pytest.raises(NotFound):
            contact_with(session, LEAD)
        with pytest.raises(InvalidInput):
            contact_with(session, "abc")


def test_evidence_that_does_not_decrypt_is_exported_as_lost(world: World, database: Database) -> None:
    world.text("Is it still there?")
    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE consent_evidence SET content = set_byte(content, 20, get_byte(content, 20) # 1)")

    document = story.passport(world)

    assert document["events"][0]["evidence"] is None
    assert "has evidence that was changed" in str(next(verify_passport.flaws(document)))


def test_every_rule_file_is_named_with_its_hash() -> None:
    files = {table["file"]: table for table in rule_tables()}

    assert files["consent/policy.py"]["version"]
    assert files["consent/data/keywords.json"]["version"]
    assert all(len(table["sha256"]) == 64 for table in files.values())


# ---- the command -----------------------------------------------------------------------------------------------------


def test_export_writes_a_file_for_its_owner_alone(in_world: Command, world: World, tmp_path: Path) -> None:
    world.text("Is it still there?")
    world.drain()
    file = tmp_path / "passport.json"
    asked = ("consent", "export", "--tenant", str(world.home.id), "--number", LEAD, "--out", str(file))

    done = in_world(*asked)

    assert (done.code, done.err) == (0, "")
    assert done.json == {"file": str(file), "sha256": json.loads(file.read_text("utf-8"))["sha256"]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert verify_passport.main([str(file)]) == 0
    (event,) = [one for one in world.rows(Event) if one.kind == "passport.exported"]
    assert (event.actor_kind, event.details["uid"]) == ("system", os.getuid())
    again = in_world(*asked)
    assert (again.code, again.out) == (2, "")
    assert "exists already" in again.err


def test_export_says_who_asked(in_world: Command, world: World) -> None:
    world.text("Is it still there?")
    asked = ("consent", "export", "--tenant", str(world.home.id), "--number", LEAD, "--by")
    with world.runtime.transaction(world.home.id) as session:
        email = session.scalars(story.login_of(world.dana)).one()

    assert in_world(*asked, email).json["exported"]["by"]["id"] == str(world.dana.id)
    assert in_world(*asked, "nobody@example.test").code == 2


def test_export_puts_a_seal_in_that_somebody_kept(in_world: Command, world: World) -> None:
    world.text("Is it still there?")
    story.seal_now(world)
    for _ in range(40):
        story.append(world, EventKind.HELP)
        story.seal_now(world)
    first = min(world.rows(LedgerHead), key=lambda head: head.seq).hash.hex()
    asked = ("consent", "export", "--tenant", str(world.home.id), "--number", LEAD)

    plain, kept = in_world(*asked).json, in_world(*asked, "--seal", _as_logged(first)).json
    refused, unknown = in_world(*asked, "--seal", "x"), in_world(*asked, "--seal", "0" * 64)

    assert first not in [seal["hash"] for seal in plain["seals"]]
    assert first == kept["seals"][0]["hash"]
    assert list(verify_passport.flaws(kept)) == []
    assert (refused.code, unknown.code) == (2, 2)


def test_export_prints_a_page(in_world: Command, world: World) -> None:
    world.text("Is it still <i>there</i>?")

    done = in_world("consent", "export", "--tenant", str(world.home.id), "--number", LEAD, "--format", "html")

    assert done.code == 0
    assert done.out.startswith("<!DOCTYPE html>")
    assert "Is it still &lt;i&gt;there&lt;/i&gt;?" in done.out


# ---- the page --------------------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements and the attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_and_runs_nothing(document: Document) -> None:
    found = Elements(page(document))

    assert found.open == []
    assert not {"script", "link", "img", "iframe", "object", "form", "a", "b"} & set(found.elements)
    assert found.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}


def test_the_page_says_who_what_when_and_in_which_words(document: Document) -> None:
    text = page(document)

    assert "The check passed." in text
    assert "by the word of whoever made it" in text
    assert "&lt;b&gt;Reply STOP&lt;/b&gt; to end &amp; HELP for help." in text
    assert "They opted out of all texts" in text
    assert "20 November 2026, 10:0" in text
    for message in document["messages"]:
        assert not message["consent_event_id"] or f"<code>{message['consent_event_id']}</code>" in text


def test_whatever_is_in_it_is_shown_and_never_run(document: Document) -> None:
    nasty = "</bdi></blockquote><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\u202e"
    document["lead"]["name"] = document["tenant"]["name"] = document["tenant"]["brand"] = nasty
    for message in document["messages"]:
        message["body"] = message["reason"] = message["state"] = message["author"] = nasty
    for event in document["events"]:
        event["evidence"] = {"words": nasty, "disclosure": nasty, nasty: [nasty, {nasty: nasty}]}
        event["kind"] = event["method"] = event["rule"] = nasty

    found = Elements(page(document))

    assert not {"script", "img"} & set(found.elements)
    assert found.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}


def test_the_page_says_when_the_check_fails(document: Document) -> None:
    document["events"][1]["at"] = document["events"][0]["at"]

    text = page(document)

    assert "The check FAILED: event" in text
    assert "The check passed." not in text


def test_the_page_shows_that_words_were_erased(erased: Document) -> None:
    assert "were erased" in page(erased)
    assert story.DISCLOSURE[:20] not in page(erased)
