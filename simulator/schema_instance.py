"""A value that fits a JSON schema, the same each time: first of an enum, no where one may, a given text for strings.
Pure."""

from __future__ import annotations

import math
import re
from typing import Any

Schema = dict[str, Any]
FULL_DEPTH = 6  # below that only what is required, so that a schema that contains itself comes to an end
TEXT_NAMES = re.compile(r"text|reply|body|message|content|answer|draft|sms", re.IGNORECASE)
FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T18:00:00Z",
    "time": "18:00:00Z",
    "email": "ann@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000001",
}
PATTERN_CANDIDATES = (
    "+14155550100",
    "1",
    "10",
    "100",
    "a",
    "A",
    "a1",
    "en",
    "en-US",
    "10:00",
    "2026-01",
    "94612",
    *FORMATS.values(),
)


def instance_of(schema: Schema, text: str, *, bounded: bool = True) -> Any:
    """A value that `schema` allows, its free strings made of `text`; `bounded` false breaks maxLength on purpose.

    Known: $ref, const, enum, anyOf, oneOf, allOf, all types with their bounds, and patterns that a common value fits.
    """
    return _Maker(schema, text, bounded).value(schema, "", 0)


class _Maker:
    def __init__(self, root: Schema, text: str, bounded: bool) -> None:
        self._root, self._text, self._bounded = root, text, bounded

    def value(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, dict):
            return self._text
        schema = self._whole(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        options = schema.get("anyOf") or schema.get("oneOf")
        kinds = schema.get("type")
        if options:
            return self.value(self._option(options, name), name, depth)
        if isinstance(kinds, list):
            return self.value(schema | self._option([{"type": kind} for kind in kinds], name), name, depth)
        return self._of_kind(kinds or ("object" if "properties" in schema else "string"), schema, name, depth)

    def _of_kind(self, kind: str, schema: Schema, name: str, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer":
                return int(self._number(schema, schema.get("multipleOf", 1)))
            case "number":
                return self._number(schema, schema.get("multipleOf", 1))
            case "boolean":
                return False
            case "null":
                return None
        return self._string(schema)

    def _whole(self, schema: Schema) -> Schema:
        """`schema` with its reference followed and its allOf parts laid over each other."""
        while "$ref" in schema:
            found: Any = self._root
            for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")] if step else found
            schema = found | {key: value for key, value in schema.items() if key != "$ref"}
        for part in map(self._whole, schema.get("allOf", ())):
            together = {**part.get("properties", {}), **schema.get("properties", {})}
            required = [*part.get("required", ()), *schema.get("required", ())]
            schema = (
                part
                | schema
                | ({"properties": together} if together else {})
                | ({"required": required} if required else {})
            )
        return schema

    def _option(self, options: list[Schema], name: str) -> Schema:
        """Nothing where nothing is allowed, unless the name asks for a text; else the first."""
        empty = {"type": "null"}
        rest = [option for option in options if option.get("type") != "null"]
        return empty if len(rest) < len(options) and not (rest and TEXT_NAMES.search(name)) else rest[0]

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.value(part, name, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if name in required or depth < FULL_DEPTH
        }

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        first: list[Any] = [self.value(part, name, depth + 1) for part in schema.get("prefixItems", ())]
        missing = max(0, schema.get("minItems", 0) - len(first))
        items = self._whole(schema["items"]) if isinstance(schema.get("items"), dict) else {}
        if schema.get("uniqueItems") and "enum" in items:
            return [*first, *items["enum"][:missing]]
        return first + [self.value(items, name, depth + 1) for _ in range(missing)]

    def _number(self, schema: Schema, step: float) -> float:
        """The multiple of `step` nearest to 0 within the bounds; between two open bounds their middle."""
        low, above = float(schema.get("minimum", -math.inf)), float(schema.get("exclusiveMinimum", -math.inf))
        high, below = float(schema.get("maximum", math.inf)), float(schema.get("exclusiveMaximum", math.inf))
        if low <= 0 <= high and above < 0 < below:
            return 0
        if max(low, above) >= 0:
            value = math.ceil(max(low, above) / step) * step
            value += step if value == above else 0
        else:
            value = math.floor(min(high, below) / step) * step
            value -= step if value == below else 0
        return value if low <= value <= high and above < value < below else (max(low, above) + min(high, below)) / 2

    def _string(self, schema: Schema) -> str:
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        if "pattern" in schema:
            fits = (one for one in (self._text, *PATTERN_CANDIDATES) if re.search(schema["pattern"], one))
            return next(fits, self._text)
        text = self._text
        while len(text) < schema.get("minLength", 0):
            text += f" {self._text}" if self._text else "."
        return text[: schema["maxLength"]] if self._bounded and "maxLength" in schema else text
