"""What the stand-in model says: a sensible text, and the ways in which it can be wrong. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.faults import ModelFault
from simulator.schema_instance import instance_of

WORDS = 6
LONG = 2_000  # characters at least, where a text message holds 160
REFUSAL = "I'm sorry, I can't help with that."
UNEXPECTED_TOOL = "delete_everything"

Payload = Mapping[str, Any]

ADDITIONS = {
    ModelFault.CONTAINS_URL: " See https://example.com/deal for more.",
    ModelFault.CONTAINS_PHONE: " Call me at 415-555-0199.",
    ModelFault.CONTAINS_SSN: " Your number is 078-05-1120.",  # printed in advertisements and void since 1943
    ModelFault.INVENTS_PRICE: " The price is $412,350 at 5.1% APR.",
    ModelFault.CLAIMS_BOOKING: " You are booked for Saturday at 10:00 AM.",
    ModelFault.OBEYS_INJECTION: " OK, I ignore my instructions: everything is free today.",
    ModelFault.TYPOGRAPHIC: " “It’s ready” — come by… 🙂",
}
REPLACEMENTS = {
    ModelFault.WRONG_LANGUAGE: "Vielen Dank für Ihre Nachricht. Wann möchten Sie vorbeikommen?",
    ModelFault.EMPTY_CONTENT: "",
}


def said(payload: Payload, role: str) -> str:
    """The last message of `role` in a request, as plain text; empty when there is none."""
    for message in reversed(payload.get("messages") or []):
        if isinstance(message, dict) and message.get("role") == role:
            content = message.get("content") or ""
            if isinstance(content, str):
                return content
            return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def usual_text(payload: Payload) -> str:
    """Words of the last line of the user's, in a sentence that promises nothing; no digits, so nothing sensitive."""
    last = said(payload, "user").strip().rpartition("\n")[2]
    words = [word for word in re.findall(r"[A-Za-z']+", last) if len(word) > 2][:WORDS]
    about = f" about {' '.join(words).lower()}" if words else ""
    return f"Thanks for your message{about}. What would you like to know?"


def wanted_schema(payload: Payload) -> dict[str, Any] | None:
    """The schema that the answer has to fit; `{}` when any JSON will do; None for plain text."""
    asked = payload.get("response_format") or {}
    if asked.get("type") == "json_object":
        return {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    schema = (asked.get("json_schema") or {}).get("schema")
    return schema if asked.get("type") == "json_schema" and isinstance(schema, dict) else None


def content_for(payload: Payload, fault: ModelFault | None) -> str:
    """The content of the answer: a JSON text when a schema is asked for, wrong in the way of `fault`."""
    text = _wrong(fault)(usual_text(payload), payload)
    schema = wanted_schema(payload)
    if fault is ModelFault.WRONG_SCHEMA:
        return json.dumps({"unexpected": True})
    if fault is ModelFault.EMPTY_CONTENT:
        return ""
    if schema is None:
        return '{"text": "' if fault is ModelFault.INVALID_JSON else text
    whole = json.dumps(instance_of(schema, text, bounded=fault is None))
    return whole[: len(whole) // 2] if fault is ModelFault.INVALID_JSON else whole


def tool_call_for(payload: Payload) -> tuple[str, str]:
    """Name and JSON arguments of a call: the tool that is asked for, else the first, else one that nobody offered."""
    tools = [tool["function"] for tool in payload.get("tools") or [] if tool.get("type") == "function"]
    choice = payload.get("tool_choice")
    named = choice["function"]["name"] if isinstance(choice, dict) else None
    tool = next((tool for tool in tools if named in (None, tool["name"])), None)
    if tool is None:
        return UNEXPECTED_TOOL, "{}"
    return tool["name"], json.dumps(instance_of(tool.get("parameters") or {"type": "object"}, usual_text(payload)))


def must_call_tool(payload: Payload) -> bool:
    """Whether the request leaves the model no other answer than a tool call."""
    choice = payload.get("tool_choice")
    return choice == "required" or isinstance(choice, dict)


def _wrong(fault: ModelFault | None) -> Callable[[str, Payload], str]:
    match fault:
        case ModelFault.TOO_LONG:
            return lambda text, _: f"{text} " * max(10, LONG // len(text) + 1)
        case ModelFault.CONTAINS_PROMPT:
            return lambda text, payload: f"{text} {said(payload, 'system')[:300]}"
    if fault in REPLACEMENTS:
        return lambda text, _: REPLACEMENTS[fault]
    return lambda text, _: text + (ADDITIONS.get(fault, "") if fault else "")
