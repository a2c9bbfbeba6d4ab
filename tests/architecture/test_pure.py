"""Pure code takes facts and returns values: no clock, session, network or framework, and nothing of ours that has one."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.architecture.conftest import Plant
from tests.architecture.source import OURS, ROOT, Source, calls, dotted, full_name, imports, nodes, sources

MUST_BE_PURE = {
    *(
        f"consent.{name}"
        for name in (
            "holidays", "keywords", "machine_texts", "normalise", "places", "plain_words", "policy", "purposes",
            "quiet_hours", "replay", "state", "words",
        )
    ),
    *(
        f"conversations.{name}"
        for name in (
            "assistant", "decision", "delivery", "facts", "guardrails", "intake", "language", "prompt", "templates",
            "vocabulary",
        )
    ),
    *(f"smsbot.{name}" for name in ("actor", "masking", "phone", "segments", "signatures", "texts")),
}  # fmt: skip
WITH_THE_CODE = {"phonenumbers"}  # third-party, but tables and arithmetic only
PURE_ENOUGH = {"smsbot.errors"}  # exceptions: nothing but names
EFFECTS = {
    "asyncio", "concurrent", "ctypes", "fcntl", "http", "io", "logging", "multiprocessing", "os", "queue", "random",
    "sched", "secrets", "select", "selectors", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3",
    "ssl", "subprocess", "tempfile", "threading", "time", "uuid1", "urllib.request", "webbrowser",
}  # fmt: skip
CALLED = {"open", "print", "input", "exec", "eval", "globals"}
NOW = {"datetime.datetime.now", "datetime.datetime.today", "datetime.date.today", "uuid.uuid4", "uuid.uuid1"}


def first_paragraph(source: Source) -> str:
    return (ast.get_docstring(source.tree) or "").partition("\n\n")[0]


def says_pure(source: Source) -> bool:
    return first_paragraph(source).endswith("Pure.")


def modules_that_do_not_say_pure(root: Path) -> list[str]:
    """Modules that have to be pure and do not say so in their first paragraph, or are not there."""
    found = {source.module: source for source in sources(root)}
    return [
        f"{module}: {'its first line does not end with Pure.' if module in found else 'there is no such module'}"
        for module in sorted(MUST_BE_PURE)
        if module not in found or not says_pure(found[module])
    ]


def effects_in_pure_modules(root: Path) -> list[str]:
    """What a module that says "Pure." must not do: whoever says so is held to it."""
    everything = sources(root)
    pure = {source.module for source in everything if says_pure(source)} | PURE_ENOUGH
    modules = {source.module for source in everything}
    found = []
    for source in everything:
        if not says_pure(source):
            continue
        for imported in imports(source):
            target = imported.target if imported.target in modules else imported.target.rpartition(".")[0]
            if not _may_import(target if imported.top in OURS else imported.target, pure):
                found.append(f"{imported.where}: {imported.target}")
        for name, call in calls(source):
            if name in CALLED:
                found.append(f"{source.at(call)}: {name}()")
        for node in nodes(source):
            if isinstance(node, ast.Name | ast.Attribute) and full_name(source, node) in NOW:
                found.append(f"{source.at(node)}: {dotted(node)}")
            if isinstance(node, ast.Global):
                found.append(f"{source.at(node)}: global {', '.join(node.names)}")
    return found


def _may_import(target: str, pure: set[str]) -> bool:
    top = target.partition(".")[0]
    if top in OURS:
        return target in pure
    if top in WITH_THE_CODE:
        return True
    return top in sys.stdlib_module_names and not any(f"{target}.".startswith(f"{effect}.") for effect in EFFECTS)


@pytest.mark.parametrize("guard", [modules_that_do_not_say_pure, effects_in_pure_modules])
def test_pure_modules_have_no_effects(guard) -> None:
    assert guard(ROOT) == []


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("from sqlalchemy import select", "sqlalchemy.select"),
        ("import flask", "flask"),
        ("import redis", "redis"),
        ("import logging", "logging"),
        ("import os\nos.environ['A']", "os"),
        ("from os import environ", "os.environ"),
        ("import time\ntime.sleep(1)", "time"),
        ("from urllib.request import urlopen", "urllib.request.urlopen"),
        ("from conversations.models import State", "conversations.models.State"),
        ("from conversations import models", "conversations.models"),
        ("from datetime import datetime, UTC\ndatetime.now(UTC)", "datetime.now"),
        ("from uuid import uuid4\nuuid4()", "uuid4"),
        ("def f():\n    open('a')", "open()"),
        ("def f():\n    global seen", "global seen"),
    ],
)
def test_an_effect_in_a_pure_module_is_seen(code, finding, plant: Plant) -> None:
    root = plant(
        {
            "conversations/__init__.py": '"""Leads."""\n',
            "conversations/models.py": '"""Tables."""\n',
            "conversations/delivery.py": f'"""How far a text has got. Pure.\n\nIn any order.\n"""\n\n{code}\n',
        }
    )

    assert [each for each in effects_in_pure_modules(root) if each.endswith(finding)] != []


def test_pure_modules_may_use_each_other(plant: Plant) -> None:
    root = plant(
        {
            "conversations/__init__.py": '"""Leads."""\n',
            "conversations/vocabulary.py": '"""Words. Pure."""\n\nfrom enum import StrEnum\n',
            "conversations/delivery.py": '"""States. Pure."""\n\nfrom conversations.vocabulary import State\n',
            "conversations/intake.py": '"""Steps. Pure."""\n\nfrom conversations import vocabulary\n',
        }
    )

    assert effects_in_pure_modules(root) == []


def test_a_module_that_stops_saying_pure_is_seen(plant: Plant) -> None:
    root = plant({"conversations/delivery.py": '"""How far a text has got."""\n'})

    found = modules_that_do_not_say_pure(root)

    assert "conversations.delivery: its first line does not end with Pure." in found
    assert "consent.policy: there is no such module" in found
