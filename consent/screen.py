"""Which of many patterns can match a text at all, so that an ordinary text is not tried against all of them. Pure.

Every pattern is taken apart once: what it cannot match without is a set of pieces, one of which must stand in the
text. A pattern of which nothing is known is always tried, so that screening never changes an answer.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

T = TypeVar("T")

_CACHED_WORDS = 16_384
_SHORTEST_PIECE = 2  # characters; a single letter stands in nearly every text
# One step through a pattern: a group's beginning, a set of characters, an escape, a count behind something, or a sign.
_STEP = re.compile(
    r"(?P<open>\((?:\?(?:P<\w+>|<?[!=]|[^)=!<]))?)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<escape>\\.)"
    r"|(?P<count>(?:[*+?]|\{\d*,?\d*\})[?+]?)|(?P<sign>[\s\S])"
)
_LOOKS = ("(?=", "(?!", "(?<=", "(?<!")
_SPECIAL = frozenset(".^$|)")
_PLAIN_SET = re.compile(r"\[([^\^\\\]\-][^\\\]\-]*)\]")


@dataclass(frozen=True, slots=True)
class _Part:
    """What a match must hold at one place: one of `chars`, one of the `branches`, or (both empty) nobody knows."""

    chars: str = ""
    branches: tuple[tuple["_Part", ...], ...] = ()


_UNKNOWN = _Part()


def _read(pattern: str) -> tuple[_Part, ...]:
    """What every match of `pattern` consists of; what may be missing or only looks ahead or back is unknown."""
    return (_Part(branches=_branches(_STEP.finditer(pattern))),)


def _branches(steps: Iterator[re.Match[str]]) -> tuple[tuple[_Part, ...], ...]:
    """The alternatives up to the end of the group that `steps` stand in."""
    branches: list[list[_Part]] = [[]]
    for step in steps:
        parts = branches[-1]
        kind, text = step.lastgroup, step[0]
        if kind == "count":
            if text[0] in "*?" or text.startswith(("{0", "{,")):
                parts[-1] = _UNKNOWN
            parts.append(_UNKNOWN)  # what follows a repetition does not follow its first round
        elif kind == "open":
            inner = _branches(steps)
            parts.append(_UNKNOWN if text in _LOOKS else _Part(branches=inner))
        elif kind == "set":
            plain = _PLAIN_SET.fullmatch(text)
            parts.append(_Part(plain[1]) if plain else _UNKNOWN)
        elif text == "|":
            branches.append([])
        elif text == ")":
            break
        elif kind == "escape":
            parts.append(_UNKNOWN if text[1].isalnum() else _Part(text[1]))
        else:
            parts.append(_UNKNOWN if text in _SPECIAL else _Part(text))
    return tuple(tuple(parts) for parts in branches)


def pieces_of(pattern: str) -> frozenset[str] | None:
    """Strings without blanks of which at least one is in every match of `pattern`; None when nothing is known."""
    return _pieces(_read(pattern))


def _pieces(parts: tuple[_Part, ...]) -> frozenset[str] | None:
    """The best piece set of a run of parts: the one whose shortest piece is longest."""
    found: list[frozenset[str]] = []
    run = ""
    for part in (*parts, _UNKNOWN):
        if len(part.chars) == 1 and part.chars != " ":
            run += part.chars
            continue
        if len(run) >= _SHORTEST_PIECE:
            found.append(frozenset({run}))
        run = ""
        inner = [_pieces(branch) for branch in part.branches]
        if inner and all(inner):
            found.append(frozenset().union(*(pieces for pieces in inner if pieces)))
    return max(found, key=lambda pieces: (min(map(len, pieces)), -len(pieces)), default=None)


def letters_of(pattern: str) -> list[frozenset[str]]:
    """Sets of characters from each of which at least one is in every match of `pattern`, the smallest set first."""
    parts = _read(pattern)
    if len(parts[0].branches) == 1:
        parts = parts[0].branches[0]
    return sorted(_needed(parts), key=len)


def _needed(parts: tuple[_Part, ...]) -> list[frozenset[str]]:
    return [letters for part in parts if (letters := _letters(part))]


def _letters(part: _Part) -> frozenset[str]:
    """The characters of which a match holds one at `part`; none when nothing is known."""
    if part.chars:
        return frozenset(part.chars)
    inner = [min(_needed(branch), key=len, default=frozenset()) for branch in part.branches]
    return frozenset().union(*inner) if all(inner) else frozenset()


class Screen(Generic[T]):
    """Rows with a pattern each, in order; `rows_for` gives those whose pattern can match a text of these words."""

    def __init__(self, rows: Iterable[tuple[T, re.Pattern[str]]]) -> None:
        self.rows = tuple(rows)
        self._always = 0
        self._pieces: list[tuple[str, int]] = []
        for bit, (_, pattern) in enumerate(self.rows):
            pieces = pieces_of(pattern.pattern)
            if pieces is None:
                self._always |= 1 << bit
            else:
                self._pieces += [(piece, 1 << bit) for piece in pieces]
        self._of_word = lru_cache(maxsize=_CACHED_WORDS)(self._bits)

    def _bits(self, word: str) -> int:
        bits = 0
        for piece, bit in self._pieces:
            if piece in word:
                bits |= bit
        return bits

    def rows_for(self, words: Iterable[str]) -> Iterator[tuple[T, re.Pattern[str]]]:
        """The rows that may match a text whose words (split at blanks) are `words`, in their order."""
        bits = self._always
        for word in words:
            bits |= self._of_word(word)
        while bits:
            lowest = bits & -bits
            yield self.rows[lowest.bit_length() - 1]
            bits ^= lowest
