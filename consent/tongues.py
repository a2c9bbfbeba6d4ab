"""Requests to end texts in other languages, by the classes of words that meet in one clause. Pure.

data/foreign.json says for each language which words refuse, end, remove, touch or name a message; the rules below are
the same for all of them. Word order matters only where a negation must stand before its verb.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from consent.normalise import folded, without_accents

_DATA: dict[str, Any] = json.loads(resources.files("consent").joinpath("data/foreign.json").read_text("utf-8"))
_JOINED = tuple(_DATA["joined"])
_LANGUAGES = tuple(name for name in _DATA if name not in ("source", "joined"))
_ANY_ORDER = frozenset({"de", "nl", "hi", "tr", "ja", "ko", "fr"})  # languages whose negation may follow the verb
_NEAR = 6  # words between two parts of one request
_NEAR_LETTERS = 14  # the same in a script without spaces
_SHORT = 4  # words; a clause this short has no room for another object
_SHORTEST_STEM = 2
_CACHED_WORDS = 16_384
_OTHER_SCRIPT = re.compile("[\u0600-\u06ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ENGLISH = frozenset(
    [
        "the",
        "you",
        "i",
        "im",
        "my",
        "your",
        "is",
        "are",
        "was",
        "this",
        "that",
        "it",
        "to",
        "for",
        "of",
        "and",
        "we",
        "have",
        "has",
        "with",
        "on",
        "at",
        "in",
        "be",
        "do",
        "dont",
        "not",
        "what",
        "when",
        "how",
        "if",
        "they",
        "he",
        "she",
        "can",
        "will",
        "would",
        "just",
        "but",
        "so",
        "or",
        "from",
        "out",
        "up",
        "about",
        "there",
        "our",
        "their",
        "an",
    ]
)
# Words that other languages share with English, so that they say nothing about the language of a text.
_SHARED = _ENGLISH | frozenset(
    [
        "stop",
        "text",
        "texts",
        "texting",
        "message",
        "messages",
        "messaging",
        "sms",
        "list",
        "number",
        "contact",
        "send",
        "sending",
        "spam",
        "delete",
        "remove",
        "me",
        "no",
        "call",
        "phone",
        "promo",
        "promos",
        "please",
        "cancel",
        "alert",
        "alerts",
        "unsubscribe",
        "mail",
        "wall",
        "k",
        "m",
        "n",
        "na",
        "man",
        "be",
        "my",
        "des",
        "pas",
        "non",
        "plus",
        "band",
        "tang",
        "ale",
        "son",
        "do",
        "para",
        "ne",
        "me",
        "to",
        "in",
        "note",
        "notes",
    ]
)


@dataclass(frozen=True, slots=True)
class ForeignRequest:
    """What a clause asks; `rule` names the pattern.

    `kind`: out, calls (the phone line only), texts_welcome (the same, and texts are wanted), third_party.
    """

    language: str
    kind: str
    rule: str


def _plain(word: str) -> str:
    return without_accents(folded(word)).strip()


def _token_tables() -> tuple[
    dict[str, frozenset[tuple[str, str]]], dict[str, frozenset[tuple[str, str]]], dict[str, tuple[int, ...]]
]:
    """Whole words and phrases, stems, and the lengths of the phrases that begin with a word."""
    whole: dict[str, set[tuple[str, str]]] = {}
    stems: dict[str, set[tuple[str, str]]] = {}
    lengths: dict[str, set[int]] = {}
    for language in _LANGUAGES:
        if language in _JOINED:
            continue
        for name, words in _DATA[language].items():
            for raw in words:
                word = _plain(raw.rstrip("*"))
                at_start = word.startswith("^")
                target = stems if raw.endswith("*") and " " not in word else whole
                target.setdefault(word.lstrip("^"), set()).add((language, f"^{name}" if at_start else name))
                if " " in word:
                    lengths.setdefault(word.split()[0], set()).add(len(word.split()))
    return (
        {word: frozenset(found) for word, found in whole.items()},
        {word: frozenset(found) for word, found in stems.items()},
        {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()},
    )


_WHOLE, _STEMS, _PHRASES = _token_tables()
_LONGEST_STEM = max(map(len, _STEMS))


def _joined_tables() -> dict[str, dict[str, re.Pattern[str]]]:
    tables: dict[str, dict[str, re.Pattern[str]]] = {}
    for language in _JOINED:
        tables[language] = {}
        for name, words in _DATA[language].items():
            parts = []
            for word in sorted(map(_plain, words), key=len, reverse=True):
                whole = language == "ar" and len(word) <= 3
                parts.append(rf"(?<!\w){re.escape(word)}(?!\w)" if whole else re.escape(word))
            tables[language][name] = re.compile("|".join(parts)) if parts else re.compile(r"(?!)")
    return tables


_JOINED_TABLES = _joined_tables()

# Pronouns that are written together with their verb: "quíteme", "contattarmi".
_CLITICS = (("es", ("me", "nos", "melo")), ("it", ("mi", "ci", "mene")), ("pt", ("me", "nos")))

Hits = Mapping[str, list[int]]


def foreign_request_in(clauses: tuple[tuple[str, ...], ...]) -> ForeignRequest | None:
    """The first request in `clauses` (words of the plain text between two marks), in any language but English."""
    best: ForeignRequest | None = None
    joined = [clause for clause in clauses if not "".join(clause).isascii() and _OTHER_SCRIPT.search("".join(clause))]
    for clause in joined:
        text = " ".join(clause)
        for language in _languages_of(text):
            found = _judged(language, _joined_hits(language, text), len(text), _NEAR_LETTERS)
            best = _stronger(best, found)
    if not any(_classes_of(word) and word not in _SHARED for clause in clauses for word in clause):
        return best
    rows = [_token_hits(clause) for clause in clauses]
    for language in _likely(rows, clauses):
        for clause, hits in zip(clauses, rows, strict=True):
            best = _stronger(best, _judged(language, hits.get(language, {}), len(clause), _NEAR))
        if best is not None and best.kind == "calls" and any(_welcomes(row.get(language, {})) for row in rows):
            return ForeignRequest(language, "texts_welcome", best.rule)
    return best


def _welcomes(hits: Hits) -> bool:
    return bool((hits.get("touch") or hits.get("msg")) and not hits.get("neg") and not hits.get("stop"))


def _stronger(a: ForeignRequest | None, b: ForeignRequest | None) -> ForeignRequest | None:
    if a is None or b is None:
        return a or b
    return b if b.kind == "out" and a.kind != "out" else a


def _languages_of(text: str) -> tuple[str, ...]:
    if re.search("[\u3040-\u30ff]", text):
        return ("ja",)
    if re.search("[\uac00-\ud7af]", text):
        return ("ko",)
    if re.search("[\u0600-\u06ff]", text):
        return ("ar",)
    return ("zh", "ja")


def _joined_hits(language: str, text: str) -> dict[str, list[int]]:
    hits = {}
    for name, pattern in _JOINED_TABLES[language].items():
        places = [m.start() for m in pattern.finditer(text)]
        if places:
            hits[name] = places
    return hits


@lru_cache(maxsize=_CACHED_WORDS)
def _classes_of(word: str) -> frozenset[tuple[str, str]]:
    """The languages and classes `word` or one of its stems belongs to; of a phrase it begins, too."""
    found = set(_WHOLE.get(word, ()))
    for end in range(_SHORTEST_STEM, min(len(word), _LONGEST_STEM) + 1):
        found |= _STEMS.get(word[:end], frozenset())
    return frozenset(found)


def _token_hits(clause: tuple[str, ...]) -> dict[str, dict[str, list[int]]]:
    """For every language the classes of the words of `clause`, and where they stand."""
    hits: dict[str, dict[str, list[int]]] = {}
    for at, word in enumerate(clause):
        found = set(_classes_of(word))
        for length in _PHRASES.get(word, ()):
            found |= _WHOLE.get(" ".join(clause[at : at + length]), frozenset())
        for language, endings in _CLITICS:
            names = {name for tongue, name in found if tongue == language}
            if word.endswith(endings) and names & {"remove", "touch"}:
                found |= {(language, "me")} | ({(language, "removeme")} if "remove" in names else set())
        for language, name in found:
            if name[0] != "^":
                hits.setdefault(language, {}).setdefault(name, []).append(at)
            elif at == 0:
                hits.setdefault(language, {}).setdefault(name[1:], []).append(at)
    return hits


def _likely(rows: list[dict[str, dict[str, list[int]]]], clauses: tuple[tuple[str, ...], ...]) -> list[str]:
    """The languages most words belong to (kin share many); none when English has as many, or only one is known."""
    english = sum(word in _ENGLISH for clause in clauses for word in clause)
    counts: dict[str, int] = {}
    totals: dict[str, int] = {}
    for clause, row in zip(clauses, rows, strict=True):
        for language, hits in row.items():
            known = {at for places in hits.values() for at in places}
            own = sum(clause[at] not in _SHARED for at in known)
            counts[language] = counts.get(language, 0) + own
            totals[language] = totals.get(language, 0) + len(known)
    if not counts:
        return []
    most = max(counts.values())
    words = sum(map(len, clauses))
    likely = [
        language
        for language, count in counts.items()
        if (count > english or (count == english and words <= _SHORT))
        and count >= most - 1
        and (totals[language] >= 2 or words == 1)
    ]
    return sorted(likely, key=lambda language: (-counts[language], language))


def _near(a: list[int] | None, b: list[int] | None, reach: int, ordered: bool) -> bool:
    """Whether a word of `b` stands near one of `a`, after it where `ordered`."""
    return bool(a and b) and any(
        (0 < y - x <= reach) if ordered else (x != y and abs(y - x) <= reach) for x in a or () for y in b or ()
    )


def _judged(language: str, hits: Hits, length: int, reach: int) -> ForeignRequest | None:
    ordered = language not in _ANY_ORDER
    has = hits.get
    rule = _rule(hits, length, reach, ordered)
    if rule is not None:
        if has("third") and not has("me"):
            return ForeignRequest(language, "third_party", rule)
        return ForeignRequest(language, "out", rule)
    if _near(has("neg"), has("call"), reach, ordered) or _near(has("stop"), has("call"), reach, ordered):
        return ForeignRequest(language, "calls", "calls")
    return None


def _rule(hits: Hits, length: int, reach: int, ordered: bool) -> str | None:
    has = hits.get
    if has("unsub") or _near(has("remove"), has("sub"), reach, False):
        return "unsubscribe"
    if has("away"):
        return "go_away"
    ours = not has("notours")
    if ours and has("removeme") and (has("remove") or reach == _NEAR):
        return "remove_me"
    if ours and _near(has("remove"), has("number"), reach, False) and (has("me") or reach != _NEAR):
        return "remove_me"
    if ours and _near(has("withdraw"), has("consent"), reach, False):
        return "consent"
    if has("leave") and ((not has("peace") and reach != _NEAR) or _near(has("leave"), has("peace"), reach, False)):
        return "leave_alone"
    if has("past"):
        return None
    if reach == _NEAR and has("stop") and length <= _SHORT + 1 and _nothing_else(hits, length):
        return "stop_alone"
    if ordered and _near(has("neg"), has("stop"), 2, True) and not _near(has("stop"), has("neg"), 2, True):
        return None  # "no pare de mandarme": go on
    if _near(has("stop"), has("touch"), reach, ordered) or _near(has("stop"), has("msg"), reach, ordered):
        return "stop_touching"
    negated = has("neg")
    if negated is None:
        return None
    roomless = has("me") or length <= _SHORT or reach != _NEAR  # without "me" only where nothing else has room
    if roomless and _near(negated, has("touch"), reach, ordered) and not _other_object(hits):
        return "dont_touch"
    named = has("msg") or has("touch") or (has("get") and has("me"))
    if named and _near(negated, has("want"), 3, ordered) and not _other_object(hits):
        return "not_wanted"
    if _near(negated, has("msg"), 3 if reach == _NEAR else reach, ordered):
        return "no_more"
    return None


def _nothing_else(hits: Hits, length: int) -> bool:
    """Whether a clause has no word but a stop word and those that carry no meaning."""
    known = {at for name in ("stop", "function", "me") for at in hits.get(name, ())}
    return len(known) == length and not hits.get("neg") and not hits.get("cancel")


def _other_object(hits: Hits) -> bool:
    """Whether the verb has an object that is no message: an article after it, and no word for a text."""
    verbs = hits.get("touch") or hits.get("want") or []
    return not hits.get("msg") and any(0 < at - verb <= 3 for at in hits.get("art", []) for verb in verbs)
