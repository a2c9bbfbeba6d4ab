"""A model's answer counts only when it is exactly the schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.decision import (
    DECISION_SCHEMA,
    FIELDS,
    Action,
    HandoffReason,
    Source,
    Urgency,
    alerted_roles,
    parse_decision,
    urgency_of,
)
from smsbot.errors import ModelFailed

GOOD: dict[str, Any] = {
    "action": "ask",
    "text": "412 Maple Ave is active. Would you like to see it?",
    "language": "en",
    "facts_used": ["item:11990412"],
    "handoff_reason": None,
    "field_notes": [{"name": "beds_min", "value": "3"}],
}


def test_an_answer_by_the_schema_becomes_a_decision():
    decision = parse_decision(json.dumps(GOOD))

    assert (decision.action, decision.source) == (Action.ASK, Source.MODEL)
    assert decision.field_notes == {"beds_min": "3"}


def test_a_fenced_answer_is_read():
    assert parse_decision(f"```json\n{json.dumps(GOOD)}\n```").text == GOOD["text"]


def test_a_handoff_carries_the_urgency_of_its_reason():
    decision = parse_decision(json.dumps(GOOD | {"action": "hand_off", "handoff_reason": "complaint_legal"}))

    assert (decision.handoff_reason, decision.urgency) == (HandoffReason.COMPLAINT_LEGAL, Urgency.MANAGER)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "book"},
        {"action": ["reply"]},
        {"action": "stay_silent"},
        {"action": "hand_off"},
        {"handoff_reason": "offer"},
        {"handoff_reason": "bored"},
        {"text": ""},
        {"text": 7},
        {"text": "x" * 1_001},
        {"language": "english"},
        {"language": "EN"},
        {"facts_used": "hours"},
        {"facts_used": ["x"] * 21},
        {"field_notes": {"beds_min": "3"}},
        {"field_notes": [{"name": "credit_score", "value": "520"}]},
        {"field_notes": [{"name": "beds_min", "value": 3}]},
        {"tool": "book"},
    ],
)
def test_anything_else_is_malformed(change):
    with pytest.raises(ModelFailed) as failed:
        parse_decision(json.dumps(GOOD | change))

    assert failed.value.kind == "malformed"


@pytest.mark.parametrize(
    "raw", ["", "null", "[]", "Sure, it is available!", "{" * 3_000, json.dumps(GOOD) + " " * 8_000]
)
def test_what_is_no_object_is_malformed(raw):
    with pytest.raises(ModelFailed):
        parse_decision(raw)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(raw):
    with pytest.raises(ModelFailed):
        parse_decision(raw)


def test_no_protected_trait_can_be_noted():
    assert not {"credit_score", "age", "disability", "religion", "race", "income"} & set(FIELDS)


def test_the_schema_is_strict_throughout():
    assert set(DECISION_SCHEMA["required"]) == set(DECISION_SCHEMA["properties"])
    assert DECISION_SCHEMA["additionalProperties"] is False
    assert set(DECISION_SCHEMA["properties"]["handoff_reason"]["enum"]) == {*HandoffReason, None}


@pytest.mark.parametrize("reason", list(HandoffReason))
def test_the_agent_hears_of_every_handoff(reason):
    assert "agent" in alerted_roles(reason)
    assert ("manager" in alerted_roles(reason)) == (urgency_of(reason) is Urgency.MANAGER or reason == "emergency")
