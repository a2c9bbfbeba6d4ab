"""The OpenAPI 3.1 description of the REST interface, from the same enumerations that the code uses.

The test suite compares it with the routes and checks every answer that it sees against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from api.idempotency import HEADER
from api.lead_request import (
    EVIDENCE_FLAGS,
    EVIDENCE_TEXTS,
    KEY,
    LANGUAGE,
    LARGEST_NUMBER,
    LONGEST_NAME,
    LONGEST_NUMBER,
    LONGEST_SOURCE,
    LONGEST_VALUE,
    MOST_KEYS,
    POSTAL_CODE,
    STATE,
)
from api.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from api.problems import MEDIA_TYPE
from consent.purposes import CONSENTED, Purpose
from consent.state import Basis, EventKind, Overall, PurposeState
from conversations.leads import CLAIMABLE, CLAIMED_BASES, LONGEST_MESSAGE
from conversations.models import Author, Direction, State
from smsbot.actor import ActorKind

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
YES_NO: Schema = {"type": "boolean"}
ID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time", "pattern": "Z$"}
HASH: Schema = {"type": "string", "pattern": "^([0-9a-f]{64})?$"}
PLAIN_VALUES: Schema = {
    "type": "object",
    "maxProperties": MOST_KEYS,
    "propertyNames": {"pattern": f"^{KEY.pattern}$"},
    "additionalProperties": {
        "type": ["string", "number", "boolean", "null"],
        "maxLength": LONGEST_VALUE,
        "minimum": -LARGEST_NUMBER,
        "maximum": LARGEST_NUMBER,
    },
}


def _or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _one_of(values: type[StrEnum] | Iterable[StrEnum]) -> Schema:
    return {"type": "string", "enum": [value.value for value in values]}


def _one_of_or_null(values: type[StrEnum] | Iterable[StrEnum]) -> Schema:
    return {"type": ["string", "null"], "enum": [*(value.value for value in values), None]}


def _object(properties: Mapping[str, Schema], required: Iterable[str] | None = None, **more: Any) -> Schema:
    """An object with these properties and no others; all are required unless `required` names which."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        "additionalProperties": False,
        **more,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(name: str) -> Schema:
    return _object({"items": {"type": "array", "items": _ref(name)}, "next": _or_null(TEXT)})


SCHEMAS: dict[str, Schema] = {
    "Consent": _object(
        {
            "state": _one_of(Overall) | {"description": "The most restrictive reading."},
            "since": _or_null(TIME),
            "source": _or_null(TEXT),
            "carrier_blocked": YES_NO,
            "restricted": YES_NO,
            "purposes": _object({purpose.value: _ref("PurposeConsent") for purpose in CONSENTED}),
            "channels": _object(
                {
                    "sms": _one_of(Overall),
                    "voice": _one_of((Overall.UNKNOWN, Overall.OPTED_OUT)),
                    "email": _one_of((Overall.UNKNOWN, Overall.OPTED_OUT)),
                }
            ),
        }
    ),
    "PurposeConsent": _object(
        {
            "state": _one_of(PurposeState) | {"description": "`none` also once it has run out."},
            "basis": _one_of_or_null(Basis),
            "event_id": _or_null(ID),
            "until": _or_null(TIME),
        }
    ),
    "Lead": _object(
        {
            "id": ID,
            "number": TEXT | {"description": "E.164, or the address of another channel as the carrier writes it."},
            "name": _or_null(TEXT),
            "consent": _ref("Consent"),
            "conversation_id": _or_null(ID),
            "assigned_to": _or_null(ID),
            "language": _or_null(TEXT),
            "source": TEXT,
            "fields": {"type": "object"},
            "created_at": TIME,
        }
    ),
    "NewLead": _object(
        {
            "number": TEXT
            | {
                "minLength": 1,
                "maxLength": LONGEST_NUMBER,
                "description": "In any formatting; without country code it is one of the tenant's first country.",
            },
            "name": _or_null(TEXT | {"maxLength": LONGEST_NAME}),
            "language": _or_null(TEXT | {"pattern": f"^{LANGUAGE.pattern}$"}),
            "source": _or_null(TEXT | {"maxLength": LONGEST_SOURCE}),
            "assigned_to": _or_null(ID) | {"description": "An agent of the tenant."},
            "message": _or_null(TEXT | {"maxLength": LONGEST_MESSAGE})
            | {"description": "What they wrote in the form; kept as the field `message` of the lead."},
            "fields": _or_null(PLAIN_VALUES),
            "our_number": _or_null(TEXT | {"maxLength": LONGEST_NUMBER})
            | {"description": "The number that texts them; the tenant's first when none is given."},
            "consent": {"oneOf": [_ref("ConsentClaim"), {"type": "null"}]},
            "postal_code": _or_null(TEXT | {"pattern": f"^({POSTAL_CODE.pattern})$"})
            | {
                "description": "ZIP or Canadian postal code: says which hours apply to a person who is new; kept in fields for others."
            },
            "state": _or_null(TEXT | {"pattern": f"^{STATE.pattern}$"}) | {"description": "State or province."},
            "time_zone": _or_null(TEXT | {"maxLength": 64})
            | {"description": "IANA name, kept in fields; it moves no hours."},
        },
        required=("number",),
    ),
    "ConsentClaim": _object(
        {
            "basis": _one_of(CLAIMED_BASES),
            "purposes": {"type": ["array", "null"], "items": _one_of(CLAIMABLE)},
            "evidence": {"oneOf": [_ref("Evidence"), {"type": "null"}]},
        },
        required=("basis",),
        description=(
            "`inquiry` permits follow-ups about their question for 90 days. `express` and `express_written` are an opt-in"
            " to the named purposes; marketing needs `express_written` with disclosure, disclosure_version, page_url or"
            " document, and at. Nothing here ends an opt-out by text or a hold: the claim is then kept as evidence and"
            " permits nothing."
        ),
    ),
    "Evidence": {
        "type": "object",
        "properties": {
            **{name: _or_null(TEXT | {"maxLength": longest}) for name, longest in EVIDENCE_TEXTS.items()},
            **{name: _or_null(YES_NO) for name in EVIDENCE_FLAGS},
            "at": _or_null({"type": "string", "format": "date-time"}),
            "ip": _or_null(TEXT),
        },
        "propertyNames": PLAIN_VALUES["propertyNames"],
        "additionalProperties": PLAIN_VALUES["additionalProperties"],
    },
    "Conversation": _object(
        {
            "id": ID,
            "lead_id": ID,
            "number": TEXT,
            "our_number": TEXT,
            "assigned_to": _or_null(ID),
            "taken_over_at": _or_null(TIME),
            "taken_over_by": _or_null(ID),
            "handoff_reason": _or_null(TEXT),
            "last_inbound_at": _or_null(TIME),
            "last_message_at": _or_null(TIME),
            "created_at": TIME,
        }
    ),
    "Message": _object(
        {
            "id": ID,
            "direction": _one_of(Direction),
            "author": _one_of(Author),
            "purpose": _one_of_or_null(Purpose),
            "body": TEXT,
            "state": _one_of(State),
            "reason": _or_null(TEXT),
            "provider_sid": _or_null(TEXT),
            "segments": {"type": ["integer", "null"], "minimum": 0},
            "created_at": TIME,
            "sent_at": _or_null(TIME),
            "consent_event_id": _or_null(ID),
        }
    ),
    "ConsentEvent": _object(
        {
            "id": ID,
            "contact_id": ID,
            "seq": {"type": "integer", "minimum": 1},
            "kind": _one_of(EventKind),
            "purposes": {"type": "array", "items": _one_of(Purpose)},
            "basis": _one_of_or_null(Basis),
            "channel": TEXT,
            "scope": TEXT,
            "method": TEXT,
            "at": TIME,
            "recorded_at": TIME,
            "rule": _or_null(TEXT),
            "rule_version": _or_null(TEXT),
            "message_id": _or_null(ID),
            "actor": _object({"kind": _one_of(ActorKind), "id": _or_null(ID)}),
            "evidence": {"type": ["object", "null"], "description": "Null once it was erased, or when it was damaged."},
            "evidence_erased": YES_NO,
            "evidence_hash": HASH,
            "prev_hash": HASH | {"description": "Empty in the first event."},
            "hash": HASH,
        }
    ),
    "ConversationList": _list_of("Conversation"),
    "MessageList": _list_of("Message"),
    "ConsentEventList": _list_of("ConsentEvent"),
    "Problem": _object(
        {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "errors": {"type": "array", "items": _object({"field": TEXT, "detail": TEXT})},
        },
        required=("type", "title", "status", "detail"),
    ),
}

PROBLEMS = {
    "400": "The body is no JSON.",
    "401": "The API key is missing, malformed, unknown or revoked.",
    "404": "There is no such thing in this tenant.",
    "409": "The first request with this Idempotency-Key is under way.",
    "413": "The body is larger than 64 kB.",
    "415": "The body is not application/json.",
    "422": "A field or parameter cannot be taken; `errors` names each.",
    "429": "This API key asks too often. Nothing was done: come again after `Retry-After` seconds.",
    "503": "The database does not answer; nothing half done. A repeat with the same Idempotency-Key is safe.",
}


def _answer(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _operation(summary: str, answers: Mapping[str, Any], problems: Iterable[str], **more: Any) -> dict[str, Any]:
    responses = {
        **answers,
        **{code: {"$ref": f"#/components/responses/Problem{code}"} for code in ("401", "429", *problems, "503")},
    }
    return {"summary": summary, "responses": responses, **more}


def _parameter(name: str, where: str, schema: Schema, description: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": description}


RETRY_AFTER = {"required": True, "schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}

PAGE = [
    _parameter(
        "limit",
        "query",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
        "How many at most.",
    ),
    _parameter("cursor", "query", TEXT, "`next` of the page before, of the same list."),
]

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "smsbot",
        "version": "1",
        "description": (
            "Times are ISO 8601 in UTC with Z, numbers are E.164, lists are {items, next}, errors are RFC 9457 problem"
            " documents that name the field. Creating a lead sends nothing."
        ),
    },
    "servers": [{"url": "/api/v1"}],
    "security": [{"key": []}],
    "paths": {
        "/openapi.json": {
            "get": {
                "summary": "This document.",
                "security": [],
                "responses": {"200": _answer("OpenAPI 3.1.", {"type": "object"})},
            }
        },
        "/leads": {
            "post": _operation(
                "Write down a lead, with the evidence of their consent. No text leaves because of it.",
                {
                    "201": _answer("The new lead.", _ref("Lead")),
                    "200": _answer(
                        "The lead that has this number already. What was empty is filled in, what is there stays; a"
                        " further message is added to the first.",
                        _ref("Lead"),
                    ),
                },
                ("400", "409", "413", "415", "422"),
                parameters=[
                    _parameter(
                        HEADER,
                        "header",
                        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
                        "The same key with the same body gives the first answer again, for at least 24 hours.",
                    )
                ],
                requestBody={"required": True, "content": {"application/json": {"schema": _ref("NewLead")}}},
            )
        },
        "/leads/{ref}": {
            "get": _operation(
                "One lead.",
                {"200": _answer("The lead.", _ref("Lead"))},
                ("404",),
                parameters=[_parameter("ref", "path", TEXT, "Its id, or its number in any formatting.")],
            )
        },
        "/conversations": {
            "get": _operation(
                "Conversations, newest first.",
                {"200": _answer("A page.", _ref("ConversationList"))},
                ("422",),
                parameters=[_parameter("number", "query", TEXT, "Only the one with this number."), *PAGE],
            )
        },
        "/conversations/{conversation_id}/messages": {
            "get": _operation(
                "The messages of one conversation, oldest first.",
                {"200": _answer("A page.", _ref("MessageList"))},
                ("404", "422"),
                parameters=[_parameter("conversation_id", "path", ID, "Its id."), *PAGE],
            )
        },
        "/consent/{number}/events": {
            "get": _operation(
                "The consent ledger of one number, oldest first; empty when nothing is known of it.",
                {"200": _answer("A page.", _ref("ConsentEventList"))},
                ("422",),
                parameters=[_parameter("number", "path", TEXT, "The number in any formatting."), *PAGE],
            )
        },
    },
    "components": {
        "schemas": SCHEMAS,
        "responses": {
            f"Problem{code}": {
                "description": description,
                "content": {MEDIA_TYPE: {"schema": _ref("Problem")}},
                **({"headers": {"Retry-After": RETRY_AFTER}} if code in ("429", "503") else {}),
            }
            for code, description in PROBLEMS.items()
        },
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key, sk_…"}},
    },
}
