"""The fixed texts, by kind and language, and the disclosures around a first or late text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from consent.purposes import Purpose
from smsbot.segments import fitted, folded, segmentation

LIMIT = 2  # segments of any automated text
# The confirmation of an opt-in to one purpose; the usual one speaks of an inquiry and of appointments.
OPT_IN_CONFIRMS = {
    Purpose.INQUIRY: "opt_in_confirm_inquiry",
    Purpose.APPOINTMENT: "opt_in_confirm_appointment",
    Purpose.NOTIFICATION: "opt_in_confirm_notification",
    Purpose.MARKETING: "opt_in_confirm_marketing",
}
ONE_SEGMENT = frozenset({"opt_in_confirm", *OPT_IN_CONFIRMS.values(), "opt_out_confirm", "opt_out_help", "help"})
DEFAULT_LANGUAGE = "en"
# The first automated text must say that it is automated; a body that already does is not told to say it twice.
SAYS_AI = re.compile(
    r"\b(AI|automated|virtual)\b[^.?!]{0,20}\bassistant\b|\bassistant\b[^.?!]{0,12}\(AI\)"
    r"|\b(asistente|agente) (virtual|de IA|autom\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Template:
    """One wording. `version` goes up when the text changes, and is stored with what was sent."""

    text: str
    version: int

    @property
    def names(self) -> frozenset[str]:
        """The placeholders."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.text) if name)


def _read(path: Path) -> dict[str, dict[str, Template]]:
    stored = json.loads(path.read_text(encoding="utf-8"))["templates"]
    return {
        kind: {language: Template(entry["text"], entry["version"]) for language, entry in wordings.items()}
        for kind, wordings in stored.items()
    }


TEMPLATES = _read(Path(__file__).parent / "data" / "templates.json")


def template_for(kind: str, language: str) -> Template:
    """The wording of `kind`, in English where there is none in `language`. KeyError for an unknown kind."""
    wordings = TEMPLATES[kind]
    return wordings.get(language, wordings[DEFAULT_LANGUAGE])


def opt_in_confirm_for(agreed: Iterable[Purpose]) -> str:
    """The kind of text that confirms an opt-in to `agreed`. It may say less than was agreed to, for it has one segment
    only, and never more."""
    purposes = frozenset(agreed)
    if {Purpose.INQUIRY, Purpose.APPOINTMENT} <= purposes:
        return "opt_in_confirm"
    return next((kind for purpose, kind in OPT_IN_CONFIRMS.items() if purpose in purposes), "opt_in_confirm")


def text_for(kind: str, language: str, **values: str) -> str:
    """The text of `kind` in GSM-7 where that loses nothing.

    `phone` and `email` make up a missing `contact`: both when that still fits one segment, else the first that is not
    empty. KeyError for a placeholder without a value.
    """
    template = template_for(kind, language)
    if "contact" in template.names and "contact" not in values:
        return _with_contact(kind, template, language, values)
    return folded(template.text.format_map(values))


def _with_contact(kind: str, template: Template, language: str, values: dict[str, str]) -> str:
    known = [value for value in (values.get("phone", ""), values.get("email", "")) if value]
    if not known:
        raise KeyError(f"{kind} needs a phone or an e-mail address")
    joint = " o " if language == "es" else " or "
    text = folded(template.text.format_map(values | {"contact": joint.join(known)}))
    if segmentation(text).segments > 1:
        text = folded(template.text.format_map(values | {"contact": known[0]}))
    return text


def disclosed(body: str, brand: str, language: str, *, name_brand: bool, say_ai: bool, stop_hint: bool) -> str:
    """`body` in at most two segments, with who writes before it and how to reach a person or end it after it.

    Only `body` is shortened, never a disclosure or hint. What `body` says itself is not said twice: a leading brand,
    that it is automated, the word HUMAN.
    """
    head = ""
    if say_ai and not SAYS_AI.search(body):
        head = text_for("ai_tag", language, body="").strip()
    if name_brand and not body.casefold().startswith(brand.casefold()):
        head = text_for("brand_tag", language, brand=brand, body=head).strip()
    tail = []
    if say_ai and not re.search(r"\bHUMANO?\b", body):
        tail.append(text_for("human_hint", language))
    if stop_hint:
        tail.append(text_for("stop_hint", language))
    return fitted(folded(f"{head} {body}".strip()), " ".join(tail), LIMIT)
