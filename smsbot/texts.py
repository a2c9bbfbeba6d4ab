"""Inbound texts as they may be stored: any string in, one that UTF-8 and PostgreSQL take out. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_CHARACTERS = 4 * 1_600  # a carrier's text has 1,600 at most; room for other channels

SURROGATE = re.compile("[\ud800-\udfff]")
SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# These end a line, so that removing them would run two words together, a STOP among them.
LINE_END = re.compile("\r\n|[\r\v\f\x85]")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
PLAIN = re.compile("[\t\n\x20-\x7e]*")  # most fields: nothing of the above or below is in them
# Unicode UAX #9: marks, embeddings, overrides and isolates. They make a page show other words than a rule reads.
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text, and what had to be changed in it: "control", "surrogate", "bidi" or "truncated"."""

    text: str
    flagged: frozenset[str]


def cleaned(body: str) -> Cleaned:
    """`body` without what cannot be stored or would mislead a reader, its words kept as sent (no normalisation).

    Lines end in LF. Controls other than LF and tab go, and so do bidirectional ones; a lone surrogate becomes U+FFFD;
    at most MAX_CHARACTERS stay. The result can always be encoded in UTF-8 and holds no NUL.
    """
    if len(body) <= MAX_CHARACTERS and PLAIN.fullmatch(body):
        return Cleaned(body, frozenset())
    flagged = {name for name, found in (("control", CONTROL), ("bidi", BIDI)) if found.search(body)}
    text = SURROGATE_PAIR.sub(_joined, body)
    if SURROGATE.search(text):
        flagged.add("surrogate")
        text = SURROGATE.sub("\ufffd", text)
    text = BIDI.sub("", CONTROL.sub("", LINE_END.sub("\n", text)))
    if len(text) > MAX_CHARACTERS:
        flagged.add("truncated")
    return Cleaned(text[:MAX_CHARACTERS], frozenset(flagged))


def _joined(pair: re.Match[str]) -> str:
    """The one character that a pair of surrogates stands for."""
    return pair.group().encode("utf-16-le", "surrogatepass").decode("utf-16-le")
