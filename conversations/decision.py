"""The typed answer of whoever drafts a reply, and the strict reading of a model's. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from smsbot.errors import ModelFailed

RAW_CHARS = 8_000
TEXT_CHARS = 1_000
FACTS = 20
FACT_CHARS = 120
NOTES = 12
NOTE_CHARS = 120


class Action(StrEnum):
    REPLY = "reply"
    ASK = "ask"  # a reply that ends in one question
    HAND_OFF = "hand_off"
    STAY_SILENT = "stay_silent"


class HandoffReason(StrEnum):
    HUMAN_REQUESTED = "human_requested"
    CALL_REQUESTED = "call_requested"
    NEGOTIATION = "negotiation"
    PRICE_MATCH = "price_match"
    OFFER = "offer"
    COMMISSION = "commission"
    VALUATION = "valuation"
    PAYMENT_QUOTE = "payment_quote"
    CREDIT = "credit"
    LENDING = "lending"
    REPRESENTED_BY_AGENT = "represented_by_agent"
    COMPLAINT_LEGAL = "complaint_legal"
    ACCOMMODATION = "accommodation"
    FAIR_HOUSING_SENSITIVE = "fair_housing_sensitive"
    UNKNOWN_TWICE = "unknown_twice"
    MINOR = "minor"
    EMERGENCY = "emergency"
    WRONG_NUMBER = "wrong_number"
    AI_LIMIT = "ai_limit"
    AI_FAILURE = "ai_failure"
    HOT_LEAD = "hot_lead"


class Urgency(StrEnum):
    NORMAL = "normal"
    NOW = "now"
    MANAGER = "manager"  # now, and a manager is told


class Source(StrEnum):
    BUILTIN = "builtin"
    MODEL = "model"
    FALLBACK = "fallback"


class ReplyKind(StrEnum):
    """What the transcript calls the text."""

    AI_REPLY = "ai_reply"
    BRIDGE = "bridge"
    GUARD_ANSWER = "guard_answer"
    UNKNOWN = "unknown"
    FALLBACK = "fallback"


class StaffNote(StrEnum):
    """Something that a person has to look at although the conversation is not handed off."""

    UNANSWERED_QUESTION = "unanswered_question"
    STALE_FACTS = "stale_facts"
    OTHER_LANGUAGE = "other_language"
    RUNNING_LATE = "running_late"
    VISIT_WANTED = "visit_wanted"
    SENSITIVE_NUMBER = "sensitive_number"
    NOT_INTERESTED = "not_interested"
    AI_FAILURE = "ai_failure"


MANAGER_REASONS = frozenset(
    {
        HandoffReason.PRICE_MATCH,
        HandoffReason.COMPLAINT_LEGAL,
        HandoffReason.ACCOMMODATION,
        HandoffReason.FAIR_HOUSING_SENSITIVE,
        HandoffReason.MINOR,
    }
)
PATIENT_REASONS = frozenset(
    {
        HandoffReason.REPRESENTED_BY_AGENT,
        HandoffReason.UNKNOWN_TWICE,
        HandoffReason.WRONG_NUMBER,
        HandoffReason.AI_LIMIT,
        HandoffReason.AI_FAILURE,
    }
)
# Protected traits and their proxies (credit score, age, disability) have no name here, so they cannot be noted.
FIELDS = (
    "intent",
    "areas",
    "property_ref",
    "beds_min",
    "baths_min",
    "budget_min",
    "budget_max",
    "must_haves",
    "timeline",
    "financing",
    "has_house_to_sell",
    "represented",
    "vehicle_interest",
    "trade_in",
    "trade_in_miles",
    "payment_target",
)


def urgency_of(reason: HandoffReason) -> Urgency:
    """How soon a person must look."""
    if reason in MANAGER_REASONS:
        return Urgency.MANAGER
    return Urgency.NORMAL if reason in PATIENT_REASONS else Urgency.NOW


def alerted_roles(reason: HandoffReason) -> frozenset[str]:
    """Who is told of a handoff: the agent always, a manager too when it is theirs or somebody may be in danger."""
    if reason in MANAGER_REASONS or reason is HandoffReason.EMERGENCY:
        return frozenset({"agent", "manager"})
    return frozenset({"agent"})


@dataclass(frozen=True)
class ReplyDecision:
    """What to do about the lead's last words.

    `text` is "" when silent and carries no disclosure yet. `guard` names the rule that answered instead of the facts
    (fair_housing, credit, sensitive, identity, injection). `unanswered` is the lead's question that the facts do not
    answer, for the tenant's list. `failure` is why a fallback stands here (timeout, malformed, an objection's kind).
    """

    action: Action
    text: str
    language: str
    facts_used: tuple[str, ...] = ()
    handoff_reason: HandoffReason | None = None
    urgency: Urgency = Urgency.NORMAL
    field_notes: Mapping[str, str] = field(default_factory=dict)
    source: Source = Source.BUILTIN
    kind: ReplyKind = ReplyKind.AI_REPLY
    guard: str | None = None
    staff_note: StaffNote | None = None
    unanswered: str = ""
    failure: str = ""


# Strict mode takes no free-form maps, so the notes are a list of pairs.
DECISION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["action", "text", "language", "facts_used", "handoff_reason", "field_notes"],
    "properties": {
        "action": {"type": "string", "enum": [action.value for action in Action]},
        "text": {"type": "string"},
        "language": {"type": "string"},
        "facts_used": {"type": "array", "items": {"type": "string"}},
        "handoff_reason": {"type": ["string", "null"], "enum": [*(reason.value for reason in HandoffReason), None]},
        "field_notes": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "value"],
                "properties": {"name": {"type": "string", "enum": list(FIELDS)}, "value": {"type": "string"}},
            },
        },
    },
}
REQUIRED = frozenset(DECISION_SCHEMA["required"])
FENCE = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.DOTALL)
LANGUAGE = re.compile(r"\A[a-z]{2}\Z")
State = TypeVar("State", bound=StrEnum)


def parse_decision(raw: str) -> ReplyDecision:
    """The decision in a model's answer. Raises ModelFailed("malformed") for anything but exactly the schema."""
    if len(raw) > RAW_CHARS:
        raise _malformed("the answer is too long")
    fenced = FENCE.match(raw.strip())
    try:
        answer = json.loads(fenced.group(1) if fenced else raw)
    except (ValueError, RecursionError) as error:
        raise _malformed("the answer is not JSON") from error
    if not isinstance(answer, dict) or set(answer) != REQUIRED:
        raise _malformed("the answer has other keys than the schema")
    action = _member(Action, answer["action"], "action")
    reason = None
    if answer["handoff_reason"] is not None:
        reason = _member(HandoffReason, answer["handoff_reason"], "handoff_reason")
    text = _short(answer["text"], TEXT_CHARS, "text").strip()
    if (action is Action.HAND_OFF) != (reason is not None):
        raise _malformed("a handoff needs a reason, and only a handoff has one")
    if (action is Action.STAY_SILENT) != (not text):
        raise _malformed("only silence has no text")
    language = _short(answer["language"], 2, "language")
    if not LANGUAGE.match(language):
        raise _malformed("language is not a two-letter code")
    return ReplyDecision(
        action=action,
        text=text,
        language=language,
        facts_used=_facts(answer["facts_used"]),
        handoff_reason=reason,
        urgency=urgency_of(reason) if reason else Urgency.NORMAL,
        field_notes=_notes(answer["field_notes"]),
        source=Source.MODEL,
        kind=ReplyKind.BRIDGE if reason else ReplyKind.AI_REPLY,
    )


def _facts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > FACTS:
        raise _malformed("facts_used is not a short list")
    return tuple(_short(entry, FACT_CHARS, "facts_used") for entry in value)


def _notes(value: object) -> dict[str, str]:
    if not isinstance(value, list) or len(value) > NOTES:
        raise _malformed("field_notes is not a short list")
    notes: dict[str, str] = {}
    for entry in value:
        if not isinstance(entry, dict) or set(entry) != {"name", "value"} or entry["name"] not in FIELDS:
            raise _malformed("field_notes holds something that is no known field")
        notes[str(entry["name"])] = _short(entry["value"], NOTE_CHARS, "field_notes")
    return notes


def _member(states: type[State], value: object, name: str) -> State:
    if not isinstance(value, str) or value not in set(states):
        raise _malformed(f"{name} is none of the known values")
    return states(value)


def _short(value: object, limit: int, name: str) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise _malformed(f"{name} is no text of at most {limit} characters")
    return value


def _malformed(why: str) -> ModelFailed:
    return ModelFailed("malformed", why)
