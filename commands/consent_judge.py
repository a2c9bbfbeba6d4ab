"""`manage.py consent judge`: what texts mean for consent, line by line, without a database."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import click

from consent.words import Judgement, WordContext, judge
from smsbot.errors import InvalidInput
from smsbot.masking import masked
from smsbot.texts import cleaned

CONTEXTS = {context.value: context for context in WordContext}


@click.command
def command() -> None:
    """Read JSON lines {"text", "context"}, write {"verdict", "scope", "rule", "version"} in the same order.

    `context` is active (also when it is missing), pending_opt_in or opted_out. The verdict is opt_out, opt_in, help,
    none or ambiguous.
    """
    for answer in answers(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace", newline="\n")):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()  # who asks line by line waits for each


def answers(lines: TextIO) -> Iterator[dict[str, Any]]:
    """One judgement for each line that is not blank. InvalidInput names the line that cannot be read."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            text, context = _asked(line, number)
            yield _shown(judge(text, context))


def _asked(line: str, number: int) -> tuple[str, WordContext]:
    try:
        asked = json.loads(line)
    except ValueError as error:
        raise InvalidInput("stdin", f"line {number}: write one JSON object a line") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("text"), str):
        raise InvalidInput("stdin", f'line {number}: write {{"text": "…", "context": "active"}}')
    context = asked.get("context") or WordContext.ACTIVE.value
    if context not in CONTEXTS:
        raise InvalidInput("stdin", f"line {number}: context is one of {', '.join(CONTEXTS)}")
    # As the webhook does it: what is judged is what is stored.
    return masked(cleaned(asked["text"]).text).text, CONTEXTS[context]


def _shown(judgement: Judgement) -> dict[str, Any]:
    scope = None if judgement.scope is None else judgement.scope.value
    return {
        "verdict": judgement.verdict.value,
        "scope": scope,
        "rule": judgement.rule,
        "version": judgement.version,
    }
