"""The oracle names each kind of text that should not have left, and none of those that may."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.interleavings import oracle
from tests.interleavings.oracle import ALABAMA_HOLIDAYS, CONFIRMED_WITHIN, TEXTS, Did, Handed, Oracle, What, kind_of

NOON = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)  # a Friday, 12:00 in Chicago
CHICAGO, ALABAMA, TEXAS, FLORIDA, SPLIT = "+13125550110", "+12055550110", "+12145550110", "+13055550110", "+18505550110"
STOPPED = "Lakeside Realty: You are unsubscribed and will get no more texts from us. Reply START to resubscribe."
AGREED = "Lakeside Realty: You're signed up for texts about your inquiry & appts. Msg freq varies."
HELP = "Lakeside Realty: Texts about your inquiry & appts. Help: 312-555-0199. STOP to end."
HELP_OUT = "Lakeside Realty: You are unsubscribed and get no texts from us. Questions: 312-555-0199."
QUESTION = "Lakeside Realty: Reply YES to agree to recurring automated texts. Not a condition of purchase."
ANSWER = "It is still there. Would you like to see it?"
EVERYTHING = ("inquiry", "appointment", "notification", "marketing")
Entry = Did | Handed


def wrote(what: What, minutes: float = 0, person: str = CHICAGO, **more: Any) -> list[Entry]:
    """Their text, and the product's 200 at once."""
    did = Did(NOON + timedelta(minutes=minutes), "lakeside", person, what, **more)
    return [replace(did, answered=False), did]


def did(what: What, minutes: float = 0, person: str = CHICAGO, **more: Any) -> list[Entry]:
    return [Did(NOON + timedelta(minutes=minutes), "lakeside", person, what, **more)]


def signed(minutes: float = 0, person: str = CHICAGO, **more: Any) -> list[Entry]:
    return did(What.CLAIM, minutes, person, basis="express_written", purposes=EVERYTHING, **more)


def put(tag: str, purpose: str, minutes: float = 0, person: str = CHICAGO) -> list[Entry]:
    return did(What.PUT, minutes, person, purposes=(purpose,), tag=tag)


def sent(body: str, minutes: float = 0, person: str = CHICAGO, **more: Any) -> list[Entry]:
    return [Handed(NOON + timedelta(minutes=minutes), "lakeside", person, body, **more)]


def marketing(minutes: float = 0, person: str = CHICAGO, tag: str = "7", **more: Any) -> list[Entry]:
    return [*put(tag, "marketing", minutes, person), *sent(f"Open house [ref {tag}]", minutes, person, **more)]


def rules(*parts: list[Entry]) -> list[str]:
    return [one.rule for one in Oracle().take([entry for part in parts for entry in part]).wrong]


ASKED, STOP = wrote(What.TEXT), wrote(What.STOP, 1)
HOUR, DAY = 60.0, 24 * 60.0

ALLOWED = {
    "an answer to their text": (ASKED, sent(ANSWER)),
    "an answer at night to a text of the night": (wrote(What.TEXT, 10 * HOUR), sent(ANSWER, 10 * HOUR + 14)),
    "one confirmation of an opt-out": (ASKED, STOP, sent(STOPPED, 2)),
    "one answer to each HELP after an opt-out": (
        ASKED, STOP, sent(STOPPED, 2), wrote(What.HELP, 9), sent(HELP_OUT, 9), wrote(What.HELP, 19), sent(HELP_OUT, 19),
    ),
    "a text before the answer to the STOP": (ASKED, wrote(What.STOP, 1)[:1], sent(ANSWER, 1), wrote(What.STOP, 1)[1:]),
    "texts after they came back": (
        ASKED, STOP, wrote(What.START, 5), sent(AGREED, 5), wrote(What.TEXT, 6), sent(ANSWER, 6),
    ),
    "no confirmation to somebody whose START staff may have overtaken": (
        ASKED, wrote(What.START, 1)[:1], did(What.STAFF_OPT_OUT, 2), did(What.START, 2, again=True), wrote(What.STOP, 9),
        did(What.RAN, 9, ""),
    ),
    "marketing after a signature": (signed(), marketing(5)),
    "marketing after yes": (signed(twice=True), sent(QUESTION), wrote(What.YES, 5), sent(AGREED, 5), marketing(6)),
    "three a day, and the fourth a day later": (
        signed(), *(marketing(n, tag=str(n)) for n in (1, 2, 3)), marketing(DAY + 2, tag="8"),
    ),
    "the first answer to a form": (did(What.CLAIM, basis="inquiry"), sent(ANSWER, 1)),
    "a form's answer at night, as its words said": (
        did(What.CLAIM, 10 * HOUR, basis="inquiry", any_hour=True), sent(ANSWER, 10 * HOUR),
    ),
    "a text that the carrier lost, again": (
        signed(), put("7", "appointment"), sent("Tomorrow [ref 7]", 1), did(What.LOST, 2, tag="7"), sent("Tomorrow [ref 7]", 3),
    ),
    "marketing in Texas on Sunday at noon": (signed(person=TEXAS), marketing(2 * DAY, TEXAS)),
}  # fmt: skip

VIOLATIONS = {
    "sent after an opt-out": (
        (ASKED, STOP, sent(STOPPED, 1), sent(ANSWER, 1)),
        (signed(), STOP, sent(STOPPED, 1), marketing(60)),
        (ASKED, did(What.STAFF_OPT_OUT, 1), sent(ANSWER, 1)),
        (ASKED, STOP, sent(STOPPED, 1), signed(10), sent(AGREED, 10)),
        (ASKED, STOP, sent(STOPPED, 1), did(What.CLAIM, 9, basis="inquiry"), sent(ANSWER, 9)),
        (ASKED, STOP, sent(STOPPED, 1), wrote(What.YES, 9), sent(ANSWER, 9)),
        (ASKED, STOP, sent(STOPPED, 1), wrote(What.HELP, 9), sent(HELP_OUT, 9), sent(HELP_OUT, 10)),
        (ASKED, wrote(What.HELP, 0), STOP, sent(STOPPED, 1), sent(HELP, 1)),
        (ASKED, STOP, sent(STOPPED, 1), sent(ANSWER, 2, taken=False, code=21610)),
    ),
    "a second confirmation": ((ASKED, STOP, sent(STOPPED, 1), sent(STOPPED, 2)),),
    "a confirmation of nothing": ((ASKED, sent(STOPPED)), (ASKED, STOP, wrote(What.START, 2), sent(STOPPED, 2))),
    "a confirmation of nothing (agreed)": ((ASKED, sent(AGREED)), (signed(twice=True), sent(AGREED))),
    "confirmed after more than five minutes": ((ASKED, STOP, sent(STOPPED, 6.5)),),
    "an opt-out without its confirmation": (
        (ASKED, STOP, did(What.RAN, 1, "")),
        (ASKED, did(What.STAFF_OPT_OUT, 1), wrote(What.START, 2), wrote(What.STOP, 9), did(What.RAN, 9, "")),
    ),
    "nobody asked for it": ((put("7", "appointment"), sent("Tomorrow [ref 7]")), (sent(ANSWER),)),
    "marketing without a written consent": (
        (ASKED, marketing(1)),
        (did(What.CLAIM, basis="express", purposes=EVERYTHING), marketing(1)),
        (did(What.CLAIM, basis="none", name="import"), marketing(1)),
        (signed(), STOP, sent(STOPPED, 1), wrote(What.START, 5), sent(AGREED, 5), marketing(9)),
        (signed(), wrote(What.PARTIAL, 1), marketing(5)),
        (signed(twice=True), sent(QUESTION), marketing(5)),
        (signed(twice=True), sent(QUESTION), wrote(What.TEXT, 5), marketing(6)),
        (signed(twice=True), sent(QUESTION), sent(ANSWER), wrote(What.TEXT, 5, loose=True), marketing(6)),
        (signed(twice=True), sent(QUESTION), wrote(What.YES, 4 * DAY), marketing(4 * DAY)),
        (
            ASKED, STOP, sent(STOPPED, 1), wrote(What.START, 5), sent(AGREED, 5),
            signed(9, claimed_at=NOON - timedelta(days=3), name="import"), marketing(20),
        ),
    ),
    "appointment without consent": ((ASKED, put("7", "appointment"), sent("Tomorrow [ref 7]", 1)),),
    "inquiry without consent": (
        (did(What.CLAIM, basis="inquiry"), put("7", "inquiry"), sent("Still looking? [ref 7]", 91 * DAY)),
    ),
    "a reply to nothing": (
        (signed(), wrote(What.TEXT, 0), did(What.STAFF_TEXT, 5, purposes=("inquiry",), tag="7"), sent("Dana [ref 7]", DAY + 9)),
    ),
    "an answer to nothing": ((signed(name="import"), sent(ANSWER)), (ASKED, sent(ANSWER, DAY + 9))),
    "a second answer to the same text": ((ASKED, sent(ANSWER), sent(ANSWER, 1)),),
    "the same text twice": ((signed(), put("7", "appointment"), sent("Soon [ref 7]", 1), sent("Soon [ref 7]", 2)),),
    "sent while an unclear text stands": ((signed(), wrote(What.UNCLEAR, 1), put("7", "appointment"), sent("Soon [ref 7]", 2)),),
    "sent to somebody whom the carrier blocks": (
        (signed(), put("7", "appointment"), sent("Soon [ref 7]", 1, taken=False, code=21610), sent("Soon [ref 7]", 2)),
        (signed(), did(What.BLOCKED, 1), sent(AGREED, 2)),
    ),
    "outside the hours of America/Chicago": (
        (signed(), marketing(9 * HOUR)),
        (signed(), put("7", "appointment"), sent("Soon [ref 7]", 20 * HOUR - 1)),
        (wrote(What.TEXT, 9 * HOUR - 20), sent(ANSWER, 9 * HOUR)),
        (did(What.CLAIM, 10 * HOUR, basis="inquiry"), sent(ANSWER, 10 * HOUR)),
        (signed(person=SPLIT), put("7", "appointment", 0, SPLIT), sent("Soon [ref 7]", 19.5 * HOUR, SPLIT)),
    ),
    "outside the hours of America/New_York": (
        (signed(person=FLORIDA), put("7", "appointment", 0, FLORIDA), sent("Soon [ref 7]", 8 * HOUR, FLORIDA)),
        (signed(person=SPLIT), put("7", "appointment", 0, SPLIT), sent("Soon [ref 7]", 8.5 * HOUR, SPLIT)),
    ),
    "marketing outside the hours of AL": ((signed(person=ALABAMA), marketing(2 * DAY, ALABAMA)),),
    "marketing outside the hours of TX": ((signed(person=TEXAS), marketing(2 * DAY - 1, TEXAS)),),
    "marketing outside the hours of FL": ((signed(person=FLORIDA), marketing(7 * HOUR, FLORIDA)),),
    "marketing on a holiday of AL": ((signed(person=ALABAMA), marketing(6 * DAY, ALABAMA)),),
    "marketing during an emergency in TX": (
        (signed(person=TEXAS), did(What.CHOICE, 0, "", name="emergency:TX", value=True), marketing(1, TEXAS)),
    ),
    "more marketing than the cap": (
        (signed(), *(marketing(n, tag=str(n)) for n in (1, 2, 3, 4))),
        (signed(), did(What.CHOICE, 0, "", name="marketing_cap", value=1), marketing(1, tag="1"), marketing(2, tag="2")),
        (
            signed(person=FLORIDA), did(What.CHOICE, 0, "", name="marketing_cap", value=5),
            *(marketing(n, FLORIDA, str(n)) for n in (1, 2, 3, 4)),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed_is_not_named(name: str) -> None:
    assert rules(*ALLOWED[name]) == []


@pytest.mark.parametrize(
    ("rule", "log"), [(rule, log) for rule, logs in VIOLATIONS.items() for log in logs], ids=lambda one: str(one)[:40]
)
def test_a_planted_violation_is_named(rule: str, log: tuple[list[Entry], ...]) -> None:
    assert rule in rules(*log)


def test_every_rule_that_the_oracle_knows_has_a_planted_violation() -> None:
    source = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    known = {
        node.value
        for part in ast.walk(source)
        if isinstance(part, ast.Yield)
        for node in ast.walk(part)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip()
    }

    planted = " | ".join(VIOLATIONS)
    assert {one for one in known if one.strip() not in planted} == set()


def test_the_oracle_imports_nothing_of_the_product() -> None:
    source = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(source) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(source) if isinstance(node, ast.Import) for alias in node.names}

    ours = {"smsbot", "consent", "conversations", "privacy", "webhooks", "api", "commands", "worker", "manage"}
    assert {name.partition(".")[0] for name in imported} & ours == set()


def test_a_text_of_ours_is_told_by_its_words() -> None:
    assert [kind_of(one) for one in (STOPPED, AGREED, HELP, HELP_OUT, QUESTION, ANSWER, "Hello [ref 3]")] == [
        "stopped", "agreed", "help", "help_when_out", "question", "answer", "tagged",
    ]  # fmt: skip


def test_the_tables_are_whole() -> None:
    assert all(len(week) == 7 for week in oracle.MARKETING_HOURS.values())
    assert len(ALABAMA_HOLIDAYS) > 15
    assert len(TEXTS) == 8
    assert timedelta(minutes=5) == CONFIRMED_WITHIN
