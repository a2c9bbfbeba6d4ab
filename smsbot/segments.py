"""How a text is cut into segments, and how to write it so that few are needed. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

# 3GPP TS 23.038 6.2.1: the default alphabet, one septet each, and its extension table, an escape and a septet each.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
GSM = BASIC | EXTENSION

# 3GPP TS 23.040 9.2.3.24.1: 140 octets in a lone segment, 134 beside the header of a part of a longer text.
SEPTETS_ALONE, SEPTETS_PER_PART = 160, 153
UTF16_UNITS_ALONE, UTF16_UNITS_PER_PART = 70, 67

ELLIPSIS = "..."
LEAST_SHARE_OF_SENTENCES = 0.5  # whole sentences that would use less of the room lose against more words

FOLDS = {
    **dict.fromkeys("‘’‚‛′ʹʻʼʽˈ`´‹›＇", "'"),
    **dict.fromkeys("“”„‟″«»〝〞＂", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃﹘﹣－•·∙●▪◦‣", "-"),
    **dict.fromkeys("\t\u115f\u3164\u2800", " "),
    **dict.fromkeys("\r\v\f\x85\u2028\u2029", "\n"),
    "。": ".",
    "、": ",",
    "⁄": "/",
    "∕": "/",
    "×": "x",
    "✕": "x",
    "÷": "/",
    "±": "+/-",
    "≠": "!=",  # its decomposition would lose the stroke and say the opposite
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "→": "->",
    "←": "<-",
    "©": "(C)",
    "®": "(R)",
    "¢": "c",
    "¦": "|",
    "µ": "u",
    "Đ": "D",
    "đ": "d",
    "Ð": "D",
    "ð": "d",
    "Þ": "Th",
    "þ": "th",
    "Ħ": "H",
    "ħ": "h",
    "ı": "i",
    "Ł": "L",
    "ł": "l",
    "Œ": "OE",
    "œ": "oe",
    "ẞ": "SS",
}
REMOVED = "\0"  # stands where a character without equivalent was, until the spaces around it are settled
GAP = re.compile(r"[ \0]+")
CLOSING = frozenset(".,;:!?)]}")

SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?=\s)|[。！？]|(?=\n)")
# A full stop after one of these ends no sentence; so do single letters ("J. Smith") and dotted ones ("5 p.m.").
ABBREVIATION = re.compile(
    "apt|ave|blvd|dept|dra?|est|etc|ext|hwy|inc|jr|llc|ltd|mrs?|ms|mt|no|núm|pkwy|rd|sra?|srta|ste?|tel|uds?|vs"
)


class Encoding(StrEnum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How a body travels. `units` are septets in GSM-7 and UTF-16 code units in UCS-2, before any padding."""

    encoding: Encoding
    units: int
    segments: int


def segmentation(body: str) -> Segmentation:
    """Encoding, units and segments of `body`, as Twilio Labs' calculator counts them.

    An empty body counts as one segment, as there; a carrier refuses it when no media is attached. No pair (escape and
    septet, or two surrogates) is ever split between segments.
    """
    if GSM.issuperset(body):
        costs = [2 if character in EXTENSION else 1 for character in body]
        return _segmented(Encoding.GSM_7, costs, SEPTETS_ALONE, SEPTETS_PER_PART)
    costs = [2 if ord(character) > 0xFFFF else 1 for character in body]
    return _segmented(Encoding.UCS_2, costs, UTF16_UNITS_ALONE, UTF16_UNITS_PER_PART)


def _segmented(encoding: Encoding, costs: list[int], alone: int, per_part: int) -> Segmentation:
    units = sum(costs)
    if units <= alone:
        return Segmentation(encoding, units, 1)
    segments, used = 1, 0
    for cost in costs:
        if used + cost > per_part:
            segments, used = segments + 1, 0
        used += cost
    return Segmentation(encoding, units, segments)


def folded(body: str) -> str:
    """`body` in characters of GSM-7, or `body` itself when that would lose words.

    Quotes, dashes, spaces and the like become their plain equivalents; letters that GSM-7 has (ñ é ü ö ä à) stay,
    others lose their accent (á í ó ú); emoji and other signs without equivalent are left out, with their space. A body
    with a letter, digit or currency sign that has no equivalent, as in Chinese or Cyrillic, comes back as it is.
    """
    pieces: list[str] = []
    for character in unicodedata.normalize("NFC", body).replace("\r\n", "\n"):
        equivalent = _equivalent(character)
        if equivalent is None:
            return body
        if unicodedata.category(character) == "No" and pieces and pieces[-1][-1].isdigit():
            pieces.append(" ")  # 3½ is 3 1/2, not 31/2
        pieces.append(equivalent)
    return GAP.sub(_settled_gap, "".join(pieces))


def _equivalent(character: str) -> str | None:
    """What stands for `character` in GSM-7: REMOVED when it may go, None when it carries meaning and cannot."""
    if character in FOLDS:
        return FOLDS[character]
    if character in GSM:
        return character
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(character))
    decomposed = unicodedata.normalize("NFKD", character)
    if decomposed == character:
        return None if category[0] in "LN" or category == "Sc" else REMOVED
    parts = [_equivalent(part) for part in decomposed]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return "".join(known).replace(REMOVED, "") or REMOVED


def _settled_gap(gap: re.Match[str]) -> str:
    """The spaces that remain where something was left out: one between words, none at an edge or before a full stop."""
    run, text = gap.group(), gap.string
    if REMOVED not in run:
        return run
    at_start = gap.start() == 0 or text[gap.start() - 1] == "\n"
    at_end = gap.end() == len(text) or text[gap.end()] == "\n"
    if " " not in run or at_start or at_end or text[gap.end()] in CLOSING:
        return ""
    return " "


def fitted(body: str, tail: str = "", limit: int = 2) -> str:
    """`body`, a space and `tail` in at most `limit` segments, `body` shortened for it if need be.

    It is cut after a sentence where that keeps a fair part of it, else after a word, "..." marking that a sentence
    was cut; inside a word only when the first word is too long. Only `tail` is left when there is no room for more.
    Raises ValueError when `tail` alone needs more than `limit` segments.
    """
    if segmentation(tail).segments > limit:
        raise ValueError(f"the tail alone needs more than {limit} segments")
    body = body.strip()
    if _fits(body, tail, limit):
        return _joined(body, tail)

    shortened = _shortened(body[: limit * SEPTETS_ALONE + 1], tail, limit)  # one more shows what follows the cut
    return _joined(shortened, tail)


def _joined(body: str, tail: str) -> str:
    return f"{body} {tail}" if body and tail else body or tail


def _fits(body: str, tail: str, limit: int) -> bool:
    return segmentation(_joined(body, tail)).segments <= limit


def _shortened(body: str, tail: str, limit: int) -> str:
    # The longer a beginning, the more segments it needs, so that the longest one that fits is found by halving.
    lengths = range(1, len(body) + 1)
    room = bisect_right(lengths, False, key=lambda length: not _fits(body[:length], tail, limit))
    word_room = bisect_right(lengths, False, key=lambda length: not _fits(body[:length] + ELLIPSIS, tail, limit))

    sentences = max((end for end in _sentence_ends(body) if end <= room), default=0)
    if sentences >= room * LEAST_SHARE_OF_SENTENCES:
        return body[:sentences].rstrip()
    words = max((space.start() for space in re.finditer(r"\s", body[: word_room + 1])), default=0)
    kept = body[: words or _before_joined(body, word_room)].rstrip(" \n\t.,;:!?-([")
    return kept + ELLIPSIS if kept else body[:sentences].rstrip()


def _sentence_ends(body: str) -> Iterator[int]:
    """The lengths of the beginnings of `body` that end with a sentence or a line."""
    for end in SENTENCE_END.finditer(body):
        before = body[max(0, end.start() - 12) : end.start()].rsplit(maxsplit=1)
        word = before[-1].lower().strip("(\"'") if before else ""
        dotted = (len(word) == 1 and word.isalpha()) or "." in word or ABBREVIATION.fullmatch(word)
        if end.group() != "." or not dotted:
            yield end.end()


def _before_joined(body: str, length: int) -> int:
    """`length`, or a little less where a cut there would tear an accent or a joined emoji apart."""
    while 0 < length < len(body) and (_joins(body[length]) or body[length - 1] == "\u200d"):
        length -= 1
    return length


def _joins(character: str) -> bool:
    return character == "\u200d" or "🏻" <= character <= "🏿" or unicodedata.category(character) in ("Mn", "Me")
