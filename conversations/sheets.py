"""Lists of people as files: bytes in, named columns and rows of text out; and rows as a file that computes nothing. Pure.

A cell is text and nothing else: what a spreadsheet would compute is the words of a formula here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from smsbot.errors import InvalidInput
from smsbot.texts import cleaned

LARGEST_FILE = 10 * 1024 * 1024  # bytes
MOST_ROWS = 50_000
MOST_COLUMNS = 200
MOST_LINES = 10 * MOST_ROWS  # a cell may have lines of its own
LONGEST_HEADING = 100
MOST_TORN_ROWS = 100  # beyond it the quotes of the whole file cannot be trusted
DELIMITERS = (",", ";", "\t")

MARKS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xef\xbb\xbf", "utf-8-sig"),
         (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip
NO_TEXT = {
    b"PK\x03\x04": "this is a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "this is a spreadsheet",
    b"%PDF": "this is a PDF",
    b"\x89PNG": "this is a picture",
    b"\xff\xd8\xff": "this is a picture",
    b"GIF8": "this is a picture",
    b"\x1f\x8b": "this is an archive",
}
TOO_LONG = f"the list may have at most {MOST_ROWS} rows: divide it"
LOOKED_AT = 4096  # bytes that tell the encoding of a file without a mark, characters that tell whether it is text
# NUL, line ends, tabs and page breaks are found in lists; of the other control characters a stray one.
CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")
LEAST_PER_CONTROL = 50  # characters of text to each of those but one
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection: what a spreadsheet takes for a formula
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # an end of line as CSV has it, and no other
SAYS_DELIMITER = re.compile(r'"?sep=([,;\t])"?\s*', re.IGNORECASE)  # Excel's own first line, which it does not show
LOOKS_LIKE_A_PERSON = re.compile(r"\+?[0-9][0-9 ().\-]{8,}[0-9]|[^\s@]+@[^\s@]+\.[^\s@]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its number as a spreadsheet counts, the headings being row 1. `cells` is None when its quotes do not
    match, so that nobody can say where it ends."""

    row: int
    cells: tuple[str, ...] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The headings, each different from the others, and the rows that hold anything."""

    columns: tuple[str, ...]
    records: tuple[Record, ...] = field(repr=False)


def sheet_in(content: bytes) -> Sheet:
    """What a CSV file holds: UTF-8, UTF-16 or Windows-1252; commas, semicolons or tabs; quotes as in RFC 4180.

    Raises InvalidInput("file", …) for what is no list with headings, and for one that is too large.
    """
    if len(content) > LARGEST_FILE:
        raise InvalidInput("file", f"the file may have at most {LARGEST_FILE // 1024 // 1024} MB: divide it")
    for magic, what in NO_TEXT.items():
        if content.startswith(magic):
            raise InvalidInput("file", f"{what}: save the list as CSV and give that file")
    text = _text_of(content)
    if len(CONTROL.findall(text, 0, LOOKED_AT)) > 1 + min(len(text), LOOKED_AT) // LEAST_PER_CONTROL:
        raise InvalidInput("file", "this is no CSV file: save the list as CSV and give that file")
    if text.count("\n") + text.count("\r") > 2 * MOST_LINES:  # before anything is made of them
        raise InvalidInput("file", TOO_LONG)
    lines = LINE.findall(text)
    said = SAYS_DELIMITER.fullmatch(lines[0]) if lines else None
    if said is not None:
        lines = lines[1:]
    found = (record for record in _records(lines, said[1] if said else _delimiter_of(lines)) if _holds_anything(record))
    rows = list(islice(found, MOST_ROWS + 2))
    if not rows:
        raise InvalidInput("file", "the file holds nothing")
    first, *records = rows
    if len(records) > MOST_ROWS:
        raise InvalidInput("file", TOO_LONG)
    columns = _headings(first)
    if not records:
        raise InvalidInput("file", "there is no row below the headings")
    return Sheet(columns, tuple(records))


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV; a cell that a spreadsheet would compute begins with an apostrophe, and is text to it."""
    written = _Written()
    csv.writer(written).writerows([[cell_of(str(value)) for value in row] for row in rows])
    return "".join(written)


class _Written(list[str]):
    """Where a CSV writer writes to."""

    def write(self, text: str) -> None:
        self.append(text)


def cell_of(text: str) -> str:
    """`text` as a spreadsheet shows it and does not compute it."""
    return "'" + text if text.startswith(FORMULA) else text


def _text_of(content: bytes) -> str:
    """The file's text. What says nothing about its encoding is UTF-8 when it can be, else Windows-1252."""
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), None) or _unmarked(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252" if encoding == "utf-8" else encoding, "replace")
    return text.replace("\x00", "")


def _unmarked(content: bytes) -> str:
    """Half of a UTF-16 file of western words is NUL bytes, all on one side."""
    begin = content[:LOOKED_AT]
    for side, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if begin[side::2].count(0) * 3 > len(begin[side::2]) > 0 and begin[1 - side :: 2].count(0) == 0:
            return encoding
    return "utf-8"


def _holds_anything(record: Record) -> bool:
    return record.cells is None or any(map(str.strip, record.cells))


def _records(lines: Sequence[str], delimiter: str) -> Iterator[Record]:
    """Every row. One whose quote is never closed takes nothing with it: reading goes on with the next line."""
    row = at = torn = 0
    while at < len(lines):
        reader = csv.reader((lines[place] for place in range(at, len(lines))), delimiter=delimiter)
        begin = at
        while True:
            read = reader.line_num
            cells: tuple[str, ...] | None
            try:
                cells = tuple(next(reader))
            except StopIteration:
                return
            except csv.Error:  # a cell that is longer than any: its quote is open
                cells = None
            row += 1
            if cells is None or (
                reader.line_num - read > 1 and not _closes(lines[begin + read : begin + reader.line_num], delimiter)
            ):
                torn += 1
                if torn > MOST_TORN_ROWS:
                    raise InvalidInput("file", "the quotes in this file do not match: save it as CSV anew")
                yield Record(row, None)
                at = begin + read + 1
                break
            yield Record(row, cells)


def _closes(lines: Sequence[str], delimiter: str) -> bool:
    """Whether a row over several lines ends where its last quote does."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def _delimiter_of(lines: Sequence[str]) -> str:
    """What stands between the headings most often, outside quotes."""
    first = next((line for line in lines if line.strip()), "")
    counts = Counter(re.sub(r'"[^"]*"', "", first))
    return max(DELIMITERS, key=lambda one: counts[one])


def _headings(record: Record) -> tuple[str, ...]:
    if record.cells is None:
        raise InvalidInput("file", "the quotes in the first row do not match")
    if len(record.cells) > MOST_COLUMNS:
        raise InvalidInput("file", f"the list may have at most {MOST_COLUMNS} columns")
    if any(LOOKS_LIKE_A_PERSON.fullmatch(cell.strip()) for cell in record.cells):
        raise InvalidInput("file", "the first row has to name the columns, such as number and name")
    headings: list[str] = []
    for place, cell in enumerate(record.cells, start=1):
        name = " ".join(cleaned(cell).text.split())[:LONGEST_HEADING] or f"column {place}"
        same = sum(name == other.partition(" (")[0] for other in headings)
        headings.append(f"{name} ({same + 1})" if same else name)
    return tuple(headings)
