"""Which consent keyword a whole text is, whatever its decoration or spelling. Pure.

The words are the packaged data/keywords.json (regulator, carriers and product); data/spelling.json says which typing
errors are read as which word, and which are words of their own.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from consent.grammar import VOCABULARY
from consent.normalise import collapsed, folded, without_accents

LONGEST_WORD = 40  # a run of letters beyond this is noise, and nothing is looked up in it


class Use(StrEnum):
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    ANSWER_IN = "answer_in"  # an opt-in only as the answer to an open opt-in question
    JOIN = "join"
    HELP = "help"


class CarrierWord(StrEnum):
    STOP = "STOP"
    START = "START"
    HELP = "HELP"


@dataclass(frozen=True, slots=True)
class Keyword:
    word: str  # as the table spells it
    use: Use
    language: str


def _packaged(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(resources.files("consent").joinpath(f"data/{name}").read_text("utf-8"))
    return read


TABLE: Mapping[str, Any] = _packaged("keywords.json")
_SPELLING: Mapping[str, Any] = _packaged("spelling.json")

# Words that also cancel an appointment: an opt-out when they are all of the text, open with courtesy around them.
CANCEL_WORDS = frozenset(TABLE["product"]["cancel_words"])
COURTESY = frozenset(TABLE["product"]["courtesy"])
SOFT_WORDS = frozenset(_SPELLING["soft"])  # beside a keyword they change nothing
_SHORTHAND: Mapping[str, str] = _SPELLING["shorthand"]
_CORE = frozenset(_SPELLING["core"])  # words of a request; a misspelling one edit away is read as one of these
_OWN_WORDS = frozenset(_SPELLING["own_words"])  # one edit from a core word, but they mean themselves
_NEIGHBOURS = frozenset(_SPELLING["neighbours"])  # alone in a text they could be a per-se word: a person decides
_FRAGMENTS = frozenset(_SPELLING["fragments"])
_REQUEST_FRAGMENTS = frozenset(_SPELLING["request_fragments"])
_LONGEST_FRAGMENT = max(map(len, _FRAGMENTS))
_PER_SE = ("stop", "quit", "unsubscribe", "optout", "revoke", "stopall", "cancel")


def spelling(word: str) -> str:
    """The form under which a keyword is looked up."""
    return " ".join(without_accents(folded(word)).replace("'", " ").replace("-", " ").split())


def _table() -> dict[str, Keyword]:
    rows: dict[str, Keyword] = {}

    def add(use: Use, language: str, words: Iterable[str]) -> None:
        for word in words:
            row = Keyword(word, use, language)
            rows.setdefault(spelling(word), row)
            rows.setdefault(spelling(word).replace(" ", ""), row)

    for use in (Use.OPT_OUT, Use.HELP, Use.OPT_IN):
        for language, words in TABLE["recommended_exact"][use].items():
            if not language.endswith("_context_only"):
                add(use, language, words)
    for name in ("fcc_per_se", "aws_required", "telnyx_default", "ctia"):
        add(Use.OPT_OUT, "en", TABLE[name])
    for use in (Use.OPT_OUT, Use.HELP):
        add(use, "en", TABLE["twilio_long_code_default"][use])
    for use in Use:
        for language, words in TABLE["product"][use].items():
            add(use, language, words)
    return rows


KEYWORDS: Mapping[str, Keyword] = _table()
OPT_OUT_WORDS = frozenset(word for word, row in KEYWORDS.items() if row.use is Use.OPT_OUT)
KNOWN = (
    frozenset(word for word in KEYWORDS if " " not in word and len(word) >= 3)
    | _CORE
    | {"opt", "out", "all"}  # the parts of per-se words that are written as two
    | frozenset(collapsed(word) for word in KEYWORDS if len(word) >= 4 and word.isascii())
)
_BY_COLLAPSED = {
    collapsed(w): w for w in sorted({*KNOWN, *_FRAGMENTS, *_SPELLING["doubled"]}, key=lambda w: (len(w), w))
}


def _one_letter_off(word: str) -> set[str]:
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def _near_table() -> dict[str, tuple[str, ...]]:
    """Core words by themselves and by every form with one letter taken out."""
    near: dict[str, tuple[str, ...]] = {}
    for word in sorted(_CORE):
        for key in _one_letter_off(word):
            near[key] = (*near.get(key, ()), word)
    return near


_NEAR = _near_table()
_SHORTEST_SWAP = 4  # letters; "no" and "on", "was" and "saw" are words both
_NO_SLIPS = frozenset(_SPELLING["no_slips"])  # words that are another word with two letters swapped


def _swapped_table() -> dict[str, str]:
    """Every spelling with two neighbours swapped of a word of the grammar, but for those that are words themselves."""
    swapped: dict[str, str] = {}
    for word in sorted(VOCABULARY, reverse=True):
        if len(word) < _SHORTEST_SWAP:
            continue
        for i in range(len(word) - 1):
            swapped[word[:i] + word[i + 1] + word[i] + word[i + 2 :]] = word
    return {typed: word for typed, word in swapped.items() if typed not in VOCABULARY | _OWN_WORDS | _NO_SLIPS}


_SWAPPED = _swapped_table()


@lru_cache(maxsize=8192)
def repaired(word: str) -> str:
    """The word or words meant by one typed word; itself when it is a word of its own or nothing is near."""
    if word in _SHORTHAND:
        return _SHORTHAND[word]
    if word in _SWAPPED:
        return _SWAPPED[word]
    if word in KNOWN or word in _OWN_WORDS or word in VOCABULARY or not word.isalpha() or not word.isascii():
        return _digits_off(word)
    if any(word[i] == word[i + 1] == word[i + 2] for i in range(len(word) - 2)):
        short = collapsed(word)
        word = _BY_COLLAPSED.get(short, short)
        if word in KNOWN or word in _OWN_WORDS:
            return word
    if len(word) > LONGEST_WORD:
        return word
    if 4 <= len(word) < 12 and (near := _near_core(word)):
        return near
    if 7 <= len(word) <= 15 and word.startswith(("un", "us", "ub")) and _distance(word, "unsubscribe") <= 3:
        return "unsubscribe"
    return (_fragments(word) if len(word) >= 6 else None) or word


def _digits_off(word: str) -> str:
    letters = word.strip("0123456789")
    return letters if letters != word and letters in OPT_OUT_WORDS and len(letters) >= 3 else word


def _near_core(word: str) -> str | None:
    candidates = {core for key in _one_letter_off(word) for core in _NEAR.get(key, ()) if _one_edit(word, core)}
    if not candidates:
        return None
    best = min(candidates, key=lambda core: (core[0] != word[0], len(core) != len(word), core))
    # "top" for "stop" is not a slip of the finger but a word with its first letter missing
    return None if len(best) <= 4 and len(word) < len(best) and word[0] != best[0] else best


def _one_edit(a: str, b: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours turns `a` into `b`."""
    if abs(len(a) - len(b)) > 1:
        return False
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[same:], b[same:]
    if len(a) != len(b):
        return rest_a[1:] == rest_b or rest_a == rest_b[1:]
    swapped = len(rest_a) > 1 and rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:]
    return rest_a[1:] == rest_b[1:] or swapped


def _distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, cb in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (ca != cb))
    return row[-1]


def _fragments(word: str) -> str | None:
    """`stoptextingme` as `stop texting me`, when it is made of nothing but such words and makes a request."""
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _LONGEST_FRAGMENT), end):
            before, current = best[start], best[end]
            if before is None or word[start:end] not in _FRAGMENTS:
                continue
            if current is None or len(before) + 1 < len(current):
                best[end] = (*before, word[start:end])
    parts = best[-1]
    if parts is None or len(parts) < 2 or _REQUEST_FRAGMENTS.isdisjoint(parts):
        return None
    return " ".join(parts)


def misspelt(word: str) -> Literal["meant", "open"] | None:
    """How a text that is one word reads when it is not in the table: meant as a per-se word, open, or neither."""
    if word in _NEIGHBOURS:
        return "open"
    if word in _OWN_WORDS or not word.isascii() or not word.isalpha() or len(word) < 3:
        return None
    if any(_one_edit(word, target) or collapsed(word) == collapsed(target) for target in _PER_SE):
        return "meant"
    return None


def spoilt(marked: str, keyword: Keyword) -> bool:
    """Whether accents in the text make it another word than `keyword`: Vietnamese "đúng" (right) is not "dừng" (stop)."""
    if keyword.language != "vi":
        return False
    typed = " ".join("".join(c for c in marked if c.isalpha() or c.isspace()).split())
    return typed != without_accents(typed) and typed != folded(keyword.word)


def carrier_word(body: str, sender: str) -> CarrierWord | None:
    """What Twilio's own default handling matches in `body`: the whole message, in any case, outer white space aside.

    `sender`: long_code, ten_dlc, toll_free or short_code. A toll-free number is not started by YES; a short code on
    its own has no default handling (https://support.twilio.com/hc/en-us/articles/223181748).
    """
    if sender == "short_code":
        return None
    default, toll_free = TABLE["twilio_long_code_default"], TABLE["twilio_toll_free"]
    word = body.strip().upper()
    if word in default["opt_out"]:
        return CarrierWord.STOP
    if word in (toll_free["opt_in"] if sender == "toll_free" else default["opt_in"]):
        return CarrierWord.START
    return CarrierWord.HELP if word in default["help"] else None
