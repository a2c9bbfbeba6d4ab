"""Social security and payment card numbers out of a text before it is stored, logged or shown to a model. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate, pairwise

SSN, CARD = "ssn", "card"
REPLACEMENTS = {SSN: "[SSN removed]", CARD: "[card number removed]"}

SSN_DIGITS = 9
SSN_GROUPS = (3, 2, 4)
# Other ways to write nine digits, taken for an SSN only beside a word that says so. Dates (2-2-4, 4-2-2) are not among them.
SSN_GROUPS_BY_WORD = frozenset(
    {SSN_GROUPS, (3, 3, 3), (3, 6), (6, 3), (5, 4), (4, 5), (2, 3, 4), (3, 2, 2, 2), (1,) * SSN_DIGITS}
)
CARD_DIGITS = range(13, 20)  # ISO/IEC 7812-1 allows up to 19; 13 is the shortest in use
E164_DIGITS = 15  # a longer number is no phone number (ITU-T E.164)
LETTERS_AFTER_WORD, LETTERS_BEFORE_WORD = 40, 25  # how far from its word a number may stand, in letters only

SSN_WORD = re.compile(
    r"""(?<![a-z])(?:
        s[\s.\-]?s[\s.\-]?n(?!\ removed\])
      | ss\s?(?:\#|no\b|num)
      | soc(?=[\s.:\#]) | soc\.?\s?sec(?:urity)?
      | socials? (?!\s+(?:media|network|event|hour|club|distanc|worker))
      | seguro\s+social | seguridad\s+social | num(?:ero)?\s+de\s+seguro | nss
      | itin | tax\s?id | taxpayer
    )(?![a-z])""",
    re.VERBOSE,
)
# What a nine-digit number directly after one of these is, whatever else the text speaks of.
OTHER_LABEL = re.compile(
    r"(?:\b(?:mls|stock|order|listing|vin|invoice|confirmation|ref|reference|routing|pedido|orden|zip)"
    r"(?:\s?(?:number|no\.?|num|id|code|numero))?(?:\sis|\ses)?[\s:#.]{0,3})$"
)
STATE_BEFORE_ZIP = re.compile(
    r"\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI|S[CD]|T[NX]|UT"
    r"|V[AT]|W[AIVY])[\s,.]{1,3}$"
)
DOUBLED = str.maketrans("0123456789", "0246813579")  # the digits of twice the digit, added up
LABEL_REACH = 32  # characters, more than OTHER_LABEL can match

CARD_PREFIX = re.compile(r"[3-6]|2(?:2[2-9]|[3-6]\d|7[0-2])")  # payment networks; ISO/IEC 7812 gives 1 to airlines
CARD_NUMBER = re.compile(  # prefixes with the lengths that their network issues
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}"
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without its sensitive numbers, and which kinds ("ssn", "card") were found in it."""

    text: str
    kinds: frozenset[str]


class _Sort(StrEnum):
    DIGIT = "digit"
    INVISIBLE = "invisible"
    SPACE = "space"
    DASH = "dash"
    DOT = "dot"
    MARK = "mark"  # slash, comma and the like: part of dates, times and lists as well
    OTHER = "other"  # letters above all: no number continues across one


DASHES = frozenset("_~=()[]\u00ad\u02d7\u2043\u2212\u2500\u30fc\u00af")
DOTS = frozenset(".·•∙․‧・．。｡")
MARKS = frozenset("/\\|:*,;／，：")
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # drawn as nothing, yet no spaces to Unicode


@lru_cache(maxsize=4096)
def _sort(character: str) -> _Sort:
    if unicodedata.digit(character, None) is not None:
        return _Sort.DIGIT
    if character in DOTS:
        return _Sort.DOT
    if character in MARKS:
        return _Sort.MARK
    category = unicodedata.category(character)
    if character in DASHES or category == "Pd":
        return _Sort.DASH
    if character.isspace() or character in BLANKS:
        return _Sort.SPACE
    if category in ("Cf", "Cc", "Mn", "Me", "Cn", "Co", "Cs"):
        return _Sort.INVISIBLE
    return _Sort.OTHER


@dataclass(frozen=True, slots=True)
class _Group:
    """Digits that stand together in text[start:end], and what is between them and the next group of their run."""

    digits: str
    start: int
    end: int
    torn: bool = False  # something invisible is between the digits
    gap: str = ""  # without what is invisible; "" after the last group of a run
    gap_sort: _Sort = _Sort.OTHER  # the most telling sort in the gap


_Span = tuple[int, int, str]  # start, end, kind


def masked(text: str) -> Masked:
    """`text` with each social security and card number replaced by words; nothing of the number stays.

    An SSN is nine digits in groups of 3-2-4, however separated and whatever its area (people mistype), or nine
    digits near a word such as "social"; a card number is 13 to 19 digits in a usual grouping that pass the Luhn check
    (ISO/IEC 7812-1 annex B). Digits of any script count, and invisible characters between them do not help.
    Masking a masked text changes nothing. The time is linear in the length of `text`.
    """
    spans = _merged(list(_spans(text)))
    if not spans:
        return Masked(text, frozenset())
    pieces: list[str] = []
    at = 0
    for start, end, kind in spans:
        pieces += text[at:start], REPLACEMENTS[kind]
        at = end
        while at < len(text) and _sort(text[at]) is _Sort.INVISIBLE:  # the frame of a keycap digit
            at += 1
    return Masked("".join([*pieces, text[at:]]), frozenset(kind for _, _, kind in spans))


def holds_sensitive(text: str) -> bool:
    """Whether `masked` would take something out of `text`."""
    return next(_spans(text), None) is not None


def _spans(text: str) -> Iterator[_Span]:
    """What is to be removed from `text`; spans may overlap."""
    words: _Words | None = None
    for run in _runs(text):
        if sum(len(group.digits) for group in run) < SSN_DIGITS:
            continue
        words = words or _Words(text)
        found = [*_ssns(text, run), *_ssns_by_word(text, run, words), *_cards(text, run)]
        yield from found
        # The rules above look at a number alone, those below at what else stands beside it in the run. They come
        # second, on what the first leave, so that a second masking finds what the first one found.
        for rest in _rests(run, found):
            yield from _odd_numbers(text, rest, words)


def _runs(text: str) -> Iterator[list[_Group]]:
    """The groups of digits in `text` with nothing but separators between them, as one list for each run."""
    run: list[_Group] = []
    digits: list[str] = []
    gap: list[tuple[_Sort, str]] = []
    start, end, torn, hidden = 0, 0, False, False
    for at, character in enumerate(text):
        match _sort(character):
            case _Sort.DIGIT:
                if gap:
                    run.append(_Group("".join(digits), start, end, torn, "".join(c for _, c in gap), _telling(gap)))
                    digits, gap, torn = [], [], False
                elif digits and hidden:
                    torn = True
                if not digits:
                    start = at
                digits.append(str(unicodedata.digit(character)))
                end, hidden = at + 1, False
            case _Sort.OTHER:
                if digits:
                    yield [*run, _Group("".join(digits), start, end, torn)]
                run, digits, gap, torn, hidden = [], [], [], False, False
            case _Sort.INVISIBLE:
                hidden = True
            case separator:
                if digits:
                    gap.append((separator, character))
    if digits:
        yield [*run, _Group("".join(digits), start, end, torn)]


def _telling(gap: list[tuple[_Sort, str]]) -> _Sort:
    sorts = {sort for sort, _ in gap}
    return next(sort for sort in (_Sort.MARK, _Sort.DASH, _Sort.DOT, _Sort.SPACE) if sort in sorts)


def _sizes(groups: list[_Group]) -> tuple[int, ...]:
    return tuple(len(group.digits) for group in groups)


def _after_plus(text: str, group: _Group) -> bool:
    """Whether the group begins an international phone number."""
    return text[max(0, group.start - 3) : group.start].rstrip(" (").endswith("+")


def _ssns(text: str, run: list[_Group]) -> Iterator[_Span]:
    """The numbers that their form alone makes an SSN."""
    for at in range(len(run)):
        for window in (run[at : at + count] for count in (1, 2, 3) if at + count <= len(run)):
            if _is_ssn(window) and not (at and _is_country_code(text, run[at - 1])):
                yield window[0].start, window[-1].end, SSN
        if _is_spelled_ssn(run[at : at + SSN_DIGITS]):
            yield run[at].start, run[at + SSN_DIGITS - 1].end, SSN


def _is_ssn(window: list[_Group]) -> bool:
    sizes = _sizes(window)
    if sizes == SSN_GROUPS and _ssn_gaps(*window[:2]):
        return True
    # Nobody puts something invisible into another number of nine digits.
    return sum(sizes) == SSN_DIGITS and any(group.torn for group in window)


def _is_country_code(text: str, group: _Group) -> bool:
    """Whether a phone number begins with the group; +1 with nine digits more is none."""
    return len(group.digits) in (2, 3) and _after_plus(text, group)


def _ssn_gaps(first: _Group, second: _Group) -> bool:
    sorts = {first.gap_sort, second.gap_sort}
    if sorts == {_Sort.SPACE}:
        return True
    if _Sort.DASH in sorts:  # 450-25, 2020 and 450-25. 2020 are no SSN
        return all(
            group.gap_sort in (_Sort.DASH, _Sort.SPACE) or not any(map(str.isspace, group.gap))
            for group in (first, second)
        )
    return _same_gap([first, second])  # 450.25 2020 is none either


def _same_gap(groups: list[_Group]) -> bool:
    """Whether the same thing follows each group, other than the comma and space of a list."""
    gap = groups[0].gap
    return all(group.gap == gap for group in groups) and not ("," in gap and any(map(str.isspace, gap)))


def _is_spelled_ssn(window: list[_Group]) -> bool:
    """1 2 3-4 5-6 7 8 9: single digits whose gaps tell the third and the fifth from the others."""
    if _sizes(window) != (1,) * SSN_DIGITS:
        return False
    gaps = [group.gap for group in window[:-1]]
    return {gaps[2], gaps[4]}.isdisjoint(gaps[:2] + gaps[3:4] + gaps[5:])


class _Words:
    """Where a text speaks of social security numbers."""

    def __init__(self, text: str) -> None:
        self._text = text
        # Only letters count, so that taking numbers out brings no other number nearer to a word.
        self._letters = list(accumulate((_sort(character) is _Sort.OTHER for character in text), initial=0))
        visible = [at for at, character in enumerate(text) if _sort(character) is not _Sort.INVISIBLE]
        found = list(SSN_WORD.finditer("".join(_plain(text[at]) for at in visible)))
        self._starts = [visible[word.start()] for word in found]
        self._ends = [visible[word.end() - 1] + 1 for word in found]

    def beside(self, start: int, end: int) -> bool:
        """Whether text[start:end] stands near such a word and directly after no other label."""
        before = bisect_right(self._ends, start) - 1
        after = bisect_left(self._starts, end)
        near = (before >= 0 and self._distance(self._ends[before], start) <= LETTERS_AFTER_WORD) or (
            after < len(self._starts) and self._distance(end, self._starts[after]) <= LETTERS_BEFORE_WORD
        )
        return near and not OTHER_LABEL.search("".join(map(_plain, self.directly_before(start))))

    def directly_before(self, start: int) -> str:
        return self._text[max(0, start - LABEL_REACH) : start]

    def _distance(self, start: int, end: int) -> int:
        return self._letters[end] - self._letters[start]


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """The letter without case and accent, always one character."""
    return unicodedata.normalize("NFKD", character)[0].lower()[0]


def _ssns_by_word(text: str, run: list[_Group], words: _Words) -> Iterator[_Span]:
    for group in run:
        if len(group.digits) == SSN_DIGITS and words.beside(group.start, group.end):
            yield group.start, group.end, SSN


def _cards(text: str, run: list[_Group]) -> Iterator[_Span]:
    """The numbers that form and check digit make a card number, each way to read them."""
    for at, first in enumerate(run):
        total = 0
        for end in range(at, len(run)):
            total += len(run[end].digits)
            if total > CARD_DIGITS[-1]:
                break
            window = run[at : end + 1]
            if total in CARD_DIGITS and _is_card(window) and not (total <= E164_DIGITS and _after_plus(text, first)):
                yield first.start, run[end].end, CARD


def _is_card(window: list[_Group]) -> bool:
    digits = "".join(group.digits for group in window)
    return _passes_luhn(digits) and _is_card_shape(_sizes(window)) and _card_gaps(window, digits)


def _is_card_shape(sizes: tuple[int, ...]) -> bool:
    *firsts, last = sizes
    if not firsts or sizes in ((4, 6, 5), (4, 6, 4)):  # American Express, Diners Club
        return True
    if set(firsts) in ({1}, {2}):
        return last <= firsts[0]
    return all(size in (4, 8, 12) for size in firsts) and last in (1, 2, 3, 4, 5, 8, 12)


def _card_gaps(window: list[_Group], digits: str) -> bool:
    """Whether what separates the groups goes with a card. Spaces and commas also separate prices and years."""
    before_gap = window[:-1]
    sorts = {group.gap_sort for group in before_gap}
    if sorts <= {_Sort.DASH, _Sort.DOT}:
        return True
    if _Sort.MARK in sorts and not _same_gap(before_gap):
        return False
    prices = all(int(group.digits) % 50 == 0 for group in window)
    return bool(CARD_PREFIX.match(digits)) and not prices


def _passes_luhn(digits: str) -> bool:
    return sum(map(int, digits[-1::-2] + digits[-2::-2].translate(DOUBLED))) % 10 == 0


def _rests(run: list[_Group], found: list[_Span]) -> Iterator[list[_Group]]:
    """What is left of a run, in its order, when what was found is gone."""
    spans = _merged(found)
    rest: list[_Group] = []
    at = 0
    for group in run:
        while at < len(spans) and spans[at][1] <= group.start:
            at += 1
        if at < len(spans) and spans[at][0] <= group.start:
            if rest:
                yield rest
            rest = []
        else:
            rest.append(group)
    if rest:
        yield rest


def _odd_numbers(text: str, rest: list[_Group], words: _Words) -> Iterator[_Span]:
    """Nine digits beside a word for it, and a card number in no usual grouping that is all there is."""
    at = 0
    while count := _ssn_length(rest[at : at + SSN_DIGITS], words):
        yield rest[at].start, rest[at + count - 1].end, SSN
        at += count
    remaining = rest[at:]
    if remaining and _is_odd_card(remaining) and not _after_plus(text, remaining[0]):
        yield remaining[0].start, remaining[-1].end, CARD


def _ssn_length(groups: list[_Group], words: _Words) -> int:
    """How many of the first `groups` are an SSN by a word beside them; 0 when none are."""
    for count in range(2, len(groups) + 1):
        window = groups[:count]
        sizes, start, end = _sizes(window), window[0].start, window[-1].end
        if sizes not in SSN_GROUPS_BY_WORD or not words.beside(start, end):
            continue
        if sizes == (5, 4) and STATE_BEFORE_ZIP.search(words.directly_before(start)):
            continue
        if all(group.gap_sort is not _Sort.MARK for group in window[:-1]):
            return count
    return 0


def _is_odd_card(rest: list[_Group]) -> bool:
    sizes = _sizes(rest)
    if sum(sizes) not in CARD_DIGITS or _holds_phone(sizes):
        return False
    one_sort = len({group.gap_sort for group in rest[:-1]} - {_Sort.MARK}) == 1
    digits = "".join(group.digits for group in rest)
    return one_sort and bool(CARD_NUMBER.fullmatch(digits)) and _passes_luhn(digits)


def _holds_phone(sizes: tuple[int, ...]) -> bool:
    """Whether groups of these sizes hold a North American phone number, such as 312 555 0171."""
    pairs = pairwise(sizes)
    triples = zip(sizes, sizes[1:], sizes[2:], strict=False)
    return not {10, 11}.isdisjoint(sizes) or not {(3, 7), (6, 4)}.isdisjoint(pairs) or (3, 3, 4) in triples


def _merged(spans: list[_Span]) -> list[_Span]:
    """The spans in order, overlapping ones as one: of a card when any of them is."""
    merged: list[_Span] = []
    for start, end, kind in sorted(spans):
        if merged and start < merged[-1][1]:
            first, last, other = merged[-1]
            merged[-1] = (first, max(last, end), CARD if CARD in (kind, other) else SSN)
        else:
            merged.append((start, end, kind))
    return merged
