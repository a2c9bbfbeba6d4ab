"""Which of many patterns can match a text at all, so that an ordinary text is not tried against all of them. Pure.

Every pattern is taken apart once: what it cannot match without is a set of pieces, one of which must stand in the
text. A pattern of which nothing is known is always tried, so that screening never changes an answer.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_PARSER: Any = re._parser  # type: ignore[attr-defined]  # the parser that patterns are compiled with has no public name
_CACHED_WORDS = 16_384
_SHORTEST_PIECE = 2  # characters; a single letter stands in nearly every text


def pieces_of(pattern: str) -> frozenset[str] | None:
    """Strings without blanks of which at least one is in every match of `pattern`; None when nothing is known."""
    return _of_sequence(list(_PARSER.parse(pattern)))


def _of_sequence(nodes: Sequence[Any]) -> frozenset[str] | None:
    """The best piece set of a run of nodes: the one whose shortest piece is longest."""
    found: list[frozenset[str]] = []
    run = ""
    for op, argument in [*nodes, (None, None)]:
        name = str(op)
        if name == "LITERAL" and chr(argument) != " ":
            run += chr(argument)
            continue
        if len(run) >= _SHORTEST_PIECE:
            found.append(frozenset({run}))
        run = ""
        inner = _of_node(name, argument)
        if inner:
            found.append(inner)
    return max(found, key=lambda pieces: (min(map(len, pieces)), -len(pieces)), default=None)


def _of_node(name: str, argument: Any) -> frozenset[str] | None:
    if name == "SUBPATTERN":
        return _of_sequence(list(argument[-1]))
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and argument[0] >= 1:
        return _of_sequence(list(argument[2]))
    if name == "BRANCH":
        branches = [_of_sequence(list(branch)) for branch in argument[1]]
        if all(branches):
            return frozenset().union(*(branch for branch in branches if branch))
    return None


def letters_of(pattern: str) -> list[frozenset[str]]:
    """Sets of characters from each of which at least one is in every match of `pattern`, the smallest set first."""
    return sorted(_needed_in(list(_PARSER.parse(pattern))), key=len)


def _needed_in(nodes: Sequence[Any]) -> list[frozenset[str]]:
    return [letters for op, argument in nodes if (letters := _letters_of_node(str(op), argument))]


def _letters_of_sequence(nodes: Sequence[Any]) -> frozenset[str] | None:
    return min(_needed_in(nodes), key=len, default=None)


def _letters_of_node(name: str, argument: Any) -> frozenset[str] | None:
    if name == "LITERAL":
        return frozenset({chr(argument)})
    if name == "IN" and all(str(op) == "LITERAL" for op, _ in argument):
        return frozenset(chr(code) for _, code in argument)
    if name == "SUBPATTERN":
        return _letters_of_sequence(list(argument[-1]))
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and argument[0] >= 1:
        return _letters_of_sequence(list(argument[2]))
    if name == "BRANCH":
        branches = [_letters_of_sequence(list(branch)) for branch in argument[1]]
        if all(branches):
            return frozenset().union(*(branch for branch in branches if branch))
    return None


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
