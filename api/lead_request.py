"""The body of `POST /leads`: JSON in, a `NewLead` or every field that is wrong out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from consent.purposes import Purpose
from consent.state import Basis
from conversations.leads import (
    CLAIMABLE,
    CLAIMED_BASES,
    LONGEST_MESSAGE,
    ConsentClaim,
    InvalidLead,
    NewLead,
    Objection,
    is_ip,
    is_page,
)
from conversations.vocabulary import MESSAGE_FIELD
from smsbot.masking import holds_sensitive, masked
from smsbot.texts import cleaned

LEAD_KEYS = (
    "number", "name", "language", "source", "assigned_to", "message", "fields", "our_number", "consent",
    "postal_code", "state", "time_zone",
)  # fmt: skip
CONSENT_KEYS = ("basis", "purposes", "evidence")
# Evidence with a meaning of its own; other names are kept as they come. Lengths in characters.
EVIDENCE_TEXTS = {
    "disclosure": 5_000,
    "disclosure_version": 100,
    "page_url": 2_000,
    "document": 500,
    "user_agent": 1_000,
    "form_id": 200,
}
EVIDENCE_FLAGS = ("checkbox_default", "checkbox_value", "bundled")

LONGEST_NUMBER = 40
LONGEST_NAME = 200
LONGEST_SOURCE = 60
LONGEST_VALUE = 2_000
MOST_KEYS = 50
LARGEST_NUMBER = 2**53  # what JSON carries exactly everywhere (RFC 8259, 6)
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?", re.ASCII)
POSTAL_CODE = re.compile(r"[0-9]{5}(-[0-9]{4})?|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]", re.ASCII)
STATE = re.compile(r"[A-Z]{2}", re.ASCII)
KEY = re.compile(r"[A-Za-z0-9_.\-]{1,60}", re.ASCII)
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class NotJSON(ValueError):
    """The body is no JSON that can be taken: malformed, too deep, with a field twice or a number that is none."""


def json_value(raw: bytes) -> Any:
    """The value in `raw`. Raises NotJSON."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise NotJSON("this is not valid JSON") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers of a repeated name may take different ones of its values.
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name comes twice")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def new_lead(body: Any) -> NewLead:
    """The lead that `body` describes, texts cleaned and masked. Raises InvalidLead with every wrong field."""
    found: list[Objection] = []
    if not isinstance(body, dict):
        raise InvalidLead([Objection("body", "give a JSON object")])
    _refuse_unknown(body, LEAD_KEYS, "", found)
    lead = NewLead(
        number=_text(body, "number", LONGEST_NUMBER, found, required=True, verbatim=True) or "",
        name=_one_line(_text(body, "name", LONGEST_NAME, found)),
        language=_language(body, found),
        source=_one_line(_text(body, "source", LONGEST_SOURCE, found)),
        assigned_to=_id(body, "assigned_to", found),
        message=_text(body, "message", LONGEST_MESSAGE, found),
        fields=_fields(body, found),
        our_number=_text(body, "our_number", LONGEST_NUMBER, found, verbatim=True),
        consent=_consent(body, found),
        postal_code=_matching(body, "postal_code", POSTAL_CODE, "give a ZIP or Canadian postal code", found),
        region=_matching(body, "state", STATE, "give a state or province as two capital letters", found),
        time_zone=_zone(body, found),
    )
    if found:
        raise InvalidLead(found)
    return lead


def _refuse_unknown(body: Mapping[str, Any], known: tuple[str, ...], path: str, found: list[Objection]) -> None:
    found += [Objection(_shown(path + name), "there is no such field") for name in body if name not in known]


def _shown(path: str) -> str:
    """The name of an unknown field as we may repeat it."""
    return masked(cleaned(path).text).text[:100] or "(no name)"


def _text(
    body: Mapping[str, Any],
    name: str,
    longest: int,
    found: list[Objection],
    *,
    required: bool = False,
    verbatim: bool = False,
    path: str = "",
) -> str | None:
    """A text without what cannot be stored and, unless `verbatim`, without card and social security numbers.

    None when it is empty or wrong.
    """
    value = body.get(name)
    if value is None:
        text = ""
    elif not isinstance(value, str):
        found.append(Objection(path + name, "give a text"))
        return None
    elif len(value) > longest:
        found.append(Objection(path + name, f"give at most {longest} characters"))
        return None
    else:
        text = cleaned(value).text.strip()
        text = text if verbatim else masked(text).text
    if required and not text:
        found.append(Objection(path + name, "this is needed"))
    return text[:longest] or None  # the words of a mask may be longer than what they stand for


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split()) if text else None


def _language(body: Mapping[str, Any], found: list[Objection]) -> str | None:
    language = _text(body, "language", 8, found)
    if language is not None and not LANGUAGE.fullmatch(language):
        found.append(Objection("language", "give a language as in en or fr-CA"))
        return None
    return language


def _matching(
    body: Mapping[str, Any], name: str, pattern: re.Pattern[str], advice: str, found: list[Objection]
) -> str | None:
    text = _text(body, name, 20, found, verbatim=True)
    if text is not None and not pattern.fullmatch(text):
        found.append(Objection(name, advice))
        return None
    return text


def _zone(body: Mapping[str, Any], found: list[Objection]) -> str | None:
    name = _text(body, "time_zone", 64, found, verbatim=True)
    if name is not None and name not in available_timezones():
        found.append(Objection("time_zone", "give an IANA name such as America/Chicago"))
        return None
    return name


def _id(body: Mapping[str, Any], name: str, found: list[Objection]) -> UUID | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not UUID_TEXT.fullmatch(value):
        found.append(Objection(name, "give an id"))
        return None
    return UUID(value)


def _fields(body: Mapping[str, Any], found: list[Objection]) -> dict[str, Any]:
    """Names with plain values; what they wrote has a field of its own."""
    value = body.get("fields")
    if value is None:
        return {}
    if not isinstance(value, dict):
        found.append(Objection("fields", "give an object of names with plain values"))
        return {}
    if MESSAGE_FIELD in value:
        found.append(Objection(f"fields.{MESSAGE_FIELD}", "give this as message"))
    return _plain_values(value, "fields.", found)


def _plain_values(values: Mapping[str, Any], path: str, found: list[Objection]) -> dict[str, Any]:
    if len(values) > MOST_KEYS:
        found.append(Objection(path.rstrip("."), f"give at most {MOST_KEYS} names"))
        return {}
    taken: dict[str, Any] = {}
    for name, value in values.items():
        if not KEY.fullmatch(name) or holds_sensitive(name):
            found.append(Objection(_shown(path + name), "give a name of up to 60 letters, digits, _, - and ."))
        elif isinstance(value, str):
            taken[name] = _without_sensitive(name, _text(values, name, LONGEST_VALUE, found, path=path))
        elif _is_plain(value):
            taken[name] = _without_sensitive(name, value)
        else:
            found.append(Objection(path + name, "give a text, a number up to 2^53, true, false or null"))
    return taken


def _without_sensitive(name: str, value: Any) -> Any:
    """`value`, or what masking leaves of it: nine digits alone are nothing, beside a name like `ssn` they are."""
    if value is None or isinstance(value, bool):
        return value
    label = f"{re.sub(r'[_.-]+', ' ', name)}: "
    whole = label + (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))
    safe = masked(whole).text
    return value if safe == whole else safe.removeprefix(label)[:LONGEST_VALUE]


def _is_plain(value: Any) -> bool:
    """Null, true, false, or a number that is stored as it was sent: infinity, as in 1e999, is not."""
    return value is None or (isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER)


def _consent(body: Mapping[str, Any], found: list[Objection]) -> ConsentClaim | None:
    value = body.get("consent")
    if value is None:
        return None
    if not isinstance(value, dict):
        found.append(Objection("consent", "give an object with basis, purposes and evidence"))
        return None
    _refuse_unknown(value, CONSENT_KEYS, "consent.", found)
    basis = value.get("basis")
    if basis not in [known.value for known in CLAIMED_BASES]:
        found.append(Objection("consent.basis", f"give one of {', '.join(known.value for known in CLAIMED_BASES)}"))
    purposes = _purposes(value, found)
    evidence = value.get("evidence")
    if evidence is not None and not isinstance(evidence, dict):
        found.append(Objection("consent.evidence", "give an object"))
        evidence = None
    kept, at = _evidence(evidence or {}, found)
    return None if found else ConsentClaim(Basis(str(basis)), purposes, at, kept)


def _purposes(consent: Mapping[str, Any], found: list[Objection]) -> tuple[Purpose, ...]:
    value = consent.get("purposes")
    if value is None:
        return ()
    known = [purpose.value for purpose in CLAIMABLE]
    if not isinstance(value, list) or any(purpose not in known for purpose in value):
        found.append(Objection("consent.purposes", f"give a list of {', '.join(known)}"))
        return ()
    return tuple(Purpose(purpose) for purpose in dict.fromkeys(value))


def _evidence(evidence: Mapping[str, Any], found: list[Objection]) -> tuple[dict[str, Any], datetime | None]:
    path = "consent.evidence."
    others = {
        name: value for name, value in evidence.items() if name not in (*EVIDENCE_TEXTS, *EVIDENCE_FLAGS, "at", "ip")
    }
    kept = _plain_values(others, path, found)
    for name, longest in EVIDENCE_TEXTS.items():
        # What they saw and where is kept as it was (C-062).
        text = _text(evidence, name, longest, found, verbatim=name in ("disclosure", "page_url"), path=path)
        if text is not None:
            kept[name] = text
    for name in EVIDENCE_FLAGS:
        flag = evidence.get(name)
        if isinstance(flag, bool):
            kept[name] = flag
        elif flag is not None:
            found.append(Objection(path + name, "give true or false"))
    if "page_url" in kept and not is_page(kept["page_url"]):
        found.append(Objection(path + "page_url", "give an address that begins with https:// or http://"))
    ip = _text(evidence, "ip", 60, found, path=path)
    if ip is not None:
        if is_ip(ip):
            kept["ip"] = ip
        else:
            found.append(Objection(path + "ip", "give an IPv4 or IPv6 address"))
    at = _moment(evidence, path + "at", found)
    if at is not None:
        kept["at"] = evidence["at"]
    return kept, at


def _moment(evidence: Mapping[str, Any], path: str, found: list[Objection]) -> datetime | None:
    value = evidence.get("at")
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) and _has_zone(value) else None
    except (ValueError, OverflowError):
        at = None
    if at is None or at < EARLIEST:
        found.append(Objection(path, "give a time with its offset, as in 2026-11-20T16:00:00Z"))
        return None
    return at


def _has_zone(value: str) -> bool:
    return datetime.fromisoformat(value).tzinfo is not None
