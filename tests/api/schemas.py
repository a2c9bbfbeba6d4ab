"""JSON Schema (2020-12), as much of it as our OpenAPI document uses: a keyword that is not known here is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

ANNOTATIONS = {"description", "default"}
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def faults(schema: Mapping[str, Any], value: Any, document: Mapping[str, Any], path: str = "$") -> list[str]:
    """Everything about `value` that `schema` does not allow; `$ref` is looked up in `document`."""
    if "$ref" in schema:
        return faults(resolved(schema["$ref"], document), value, document, path)
    found: list[str] = []
    for keyword, rule in schema.items():
        found += _faults(keyword, rule, schema, value, document, path)
    return found


def resolved(reference: str, document: Mapping[str, Any]) -> Any:
    node: Any = document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def _is(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (not isinstance(value, bool) or name == "boolean")


def _faults(
    keyword: str, rule: Any, schema: Mapping[str, Any], value: Any, document: Mapping[str, Any], path: str
) -> Iterator[str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match keyword:
        case "type":
            names = [rule] if isinstance(rule, str) else rule
            if not any(_is(value, name) for name in names):
                yield f"{path} is {type(value).__name__}, not {rule}"
        case "enum":
            if value not in rule:
                yield f"{path} is {value!r}, none of {rule}"
        case "oneOf":
            fitting = [option for option in rule if not faults(option, value, document, path)]
            if len(fitting) != 1:
                yield f"{path} fits {len(fitting)} of {len(rule)} options"
        case "required":
            yield from (f"{path}.{name} is missing" for name in rule if isinstance(value, dict) and name not in value)
        case "properties":
            for name, inner in rule.items():
                if isinstance(value, dict) and name in value:
                    yield from faults(inner, value[name], document, f"{path}.{name}")
        case "additionalProperties":
            others = set(value) - set(schema.get("properties", ())) if isinstance(value, dict) else set()
            for name in sorted(others):
                if rule is False:
                    yield f"{path}.{name} is unknown"
                else:
                    yield from faults(rule, value[name], document, f"{path}.{name}")
        case "propertyNames":
            for name in value if isinstance(value, dict) else ():
                yield from faults(rule, name, document, f"{path}.{name}")
        case "maxProperties":
            if isinstance(value, dict) and len(value) > rule:
                yield f"{path} has {len(value)} names"
        case "items":
            for at, item in enumerate(value if isinstance(value, list) else ()):
                yield from faults(rule, item, document, f"{path}[{at}]")
        case "pattern":
            if isinstance(value, str) and not re.search(rule, value):
                yield f"{path} does not match {rule}"
        case "minLength" | "maxLength":
            if isinstance(value, str) and (len(value) < rule if keyword == "minLength" else len(value) > rule):
                yield f"{path} has {len(value)} characters"
        case "minimum" | "maximum":
            if number and (value < rule if keyword == "minimum" else value > rule):
                yield f"{path} is {value}"
        case "format":
            if isinstance(value, str) and not _has_format(value, rule):
                yield f"{path} is no {rule}"
        case _:
            assert keyword in ANNOTATIONS, f"{keyword} is not known here: add it"


def _has_format(value: str, name: str) -> bool:
    try:
        match name:
            case "uuid":
                return str(UUID(value)) == value
            case "date-time":
                return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
    raise AssertionError(f"the format {name} is not known here: add it")
