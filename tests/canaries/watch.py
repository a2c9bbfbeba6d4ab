"""What the whole suite sends through the product, and the search for it in tables, logs and Redis.

Canaries are collected, not listed: the words, passwords and keys of every request that a test makes to the application
in its own process, every stored message, every credential and key of a World, every line that a command reads; and the
marked text that each World takes last (`tests/canaries/last_words.py`). They are looked for whenever a test's rows are
about to be deleted and, in logs and Redis, after every test. What is searched:

- tables: every row of every table, all columns, bytes also as the text that they might be; a body may stand in ALLOWED
- logs: each record of this process from DEBUG up, as production would write it; what a test leaves on stderr; and the
  log files of the processes that tests start
- Redis: every command that reached the suite's server, from whichever process, with what RQ compressed unpacked

Where it cannot look: words of fewer than SHORTEST letters and digits that were never in the marked text, rows that are
deleted before their test ends, and what `tests.chaos` runs outside the suite.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import re
import socket
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import psycopg
from flask import Flask, request
from psycopg import sql

from smsbot.errors import ConfigurationError
from smsbot.logs import JSONLines
from smsbot.masking import masked
from smsbot.servers.postgres import start_postgres

SHORTEST = 24  # letters and digits: a shorter phrase is also said by accident
SHORTEST_SECRET = 12
LONGEST = 200_000  # bytes of a request: longer ones are tests of being too long
BYTES = "\n\x1e"  # before what a row's bytes might say

SSN, CARD = "078-05-1120", "4111 1111 1111 1111"
MARKED_WORDS = "the velvet pelican rehearses its quiet sonata beneath the copper lighthouse"
MARKED_ANSWER = "our amber tortoise polishes eleven lanterns behind the old observatory door"


class Kind(StrEnum):
    SENT_WORDS = "words that were sent in"
    OUR_WORDS = "words of ours"
    SECRET = "a secret"
    NUMBER = "an SSN or card number"
    PHONE = "a whole phone number"


# Where a body may stand in the clear, and why.
ALLOWED: Mapping[str, tuple[frozenset[Kind], str]] = {
    "messages.body": (frozenset({Kind.SENT_WORDS, Kind.OUR_WORDS}), "the transcript, searched by the staff"),
    "leads.fields": (frozenset({Kind.SENT_WORDS}), "what a form said about a lead"),
    "leads.source": (frozenset({Kind.SENT_WORDS}), "where a lead comes from, as the form gave it"),
    "leads.name": (frozenset({Kind.SENT_WORDS}), "a lead's name, as the form gave it"),
    "tenants.secure_url": (frozenset({Kind.OUR_WORDS}), "an address that replies send people to"),
    "facts.content": (frozenset({Kind.OUR_WORDS}), "what the business says of itself: replies quote it"),
    "forms.draft": (frozenset({Kind.OUR_WORDS}), "what a form's box is to say: confirmations say parts of it again"),
    "disclosures.text": (frozenset({Kind.OUR_WORDS}), "what a form's box says in public"),
}

_SEPARATORS = re.compile(r"\\+(?:[nrtbf\"\\/]|u[0-9a-fA-F]{4})|[\W_]+")
_SSN_SHAPE = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}([- .])(?!00)\d\d\1(?!0000)\d{4}(?![\w-])")
_CARD_SHAPE = re.compile(r"(?<![\w.+-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])")
_ISSUED = re.compile(  # ISO/IEC 7812 prefixes in use, with their lengths: Visa, Mastercard, Amex, Diners, JCB, Discover
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}"
)
_NO_CARD = re.compile(  # ids, times and seeds: digits that belong to nobody
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\b[A-Z]{2}[0-9a-f]{32}\b|\b20\d\d-[01]\d-[0-3]\d[T ][\d:.+]+"
    r"|\bseed \d+"  # the simulator says which one it drew
)
_PHONE = re.compile(r"(?<![\w.])\+1\d{10}(?!\d)")
_HASH = re.compile(r"[0-9a-f]{64}")  # opens nothing: a test tries it
_HEX = re.compile(r"\\+x((?:[0-9a-f]{2})+)")
_MONITORED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_PRIVATE = re.compile(r"(?i)password|secret|token|api_?key|otp")
_WORDS_OF = re.compile(r"(?i)(?:\w+_)?(?:body|message|text|notes?|words|comment|answer)")


@dataclass(frozen=True)
class Finding:
    """Something that stands where it must not. Says how it begins, never all of it."""

    kind: Kind
    place: str
    begins: str

    def __str__(self) -> str:
        return f"{self.place} holds {self.kind}, beginning {self.begins!r}"


def bare(text: str) -> str:
    """`text` in small letters with nothing between its letters and digits, JSON's escapes gone too."""
    return _SEPARATORS.sub("", text).casefold()


def pieces(words: str) -> set[str]:
    """What of `words` is looked for: runs of SHORTEST letters and digits, so that a part of a body is found too."""
    whole = bare(words)
    starts = {*range(0, len(whole) - SHORTEST + 1, SHORTEST), max(0, len(whole) - SHORTEST)}
    return {whole[at : at + SHORTEST] for at in starts} if len(whole) >= SHORTEST else set()


@dataclass
class Canaries:
    """What is looked for; a piece of a body or a number is bare, a secret stands as it is written."""

    sent_words: set[str] = field(default_factory=set)
    our_words: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)

    def add_words(self, words: str, *, ours: bool = False) -> None:
        (self.our_words if ours else self.sent_words).update(pieces(words))
        text = masked(words)
        if text.text != words:
            self.numbers.update(_numbers_in(words))

    def add_secret(self, secret: str | bytes) -> None:
        if isinstance(secret, bytes):
            encoded = base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()
            self.secrets.update({secret.hex(), *(one.rstrip("=") for one in encoded)})
        elif len(secret) >= SHORTEST_SECRET:
            self.secrets.add(secret)

    def update(self, other: Canaries) -> None:
        self.sent_words |= other.sent_words
        self.our_words |= other.our_words
        self.secrets |= other.secrets
        self.numbers |= other.numbers

    def __len__(self) -> int:
        return len(self.sent_words) + len(self.our_words) + len(self.secrets) + len(self.numbers)

    def found(self, text: str, place: str, allowed: Iterable[Kind] = ()) -> Iterator[Finding]:
        """Every canary that `text` holds and may not hold."""
        stripped = bare(text)
        for kind, looked_for, where in (
            (Kind.SENT_WORDS, self.sent_words, stripped),
            (Kind.OUR_WORDS, self.our_words, stripped),
            (Kind.NUMBER, self.numbers, stripped),
            (Kind.SECRET, self.secrets, text),
        ):
            if kind not in allowed:
                yield from (Finding(kind, place, one[:6]) for one in looked_for if one in where)
        yield from (Finding(Kind.NUMBER, place, shape[:3]) for shape in _shapes(text))


def _numbers_in(words: str) -> set[str]:
    """The digits, nine or more, that are an SSN or a card by their shape alone."""
    return {re.sub(r"\D", "", shape) for shape in _shapes(words)}


def _shapes(text: str) -> Iterator[str]:
    """What looks like an SSN or a card, by rules that are not the product's."""
    for found in _SSN_SHAPE.finditer(text):
        yield found[0]
    for found in _CARD_SHAPE.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if _ISSUED.fullmatch(digits) and _passes_luhn(digits) and not _inside_an_id(text, found):
            yield found[0]


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _inside_an_id(text: str, found: re.Match[str]) -> bool:
    around = text[max(0, found.start() - 40) : found.end() + 40]
    at = found.start() - max(0, found.start() - 40)
    return any(kept.start() <= at < kept.end() for kept in _NO_CARD.finditer(around))


def _phones(text: str, place: str) -> Iterator[Finding]:
    """Whole numbers: rows hold them where they belong, logs and Redis never."""
    for found in _PHONE.finditer(text):
        yield Finding(Kind.PHONE, place, found[0][:6])


class KeptLines(logging.Handler):
    """Keeps what production would write about each record, until it has been searched."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JSONLines("suite"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def taken(self) -> list[str]:
        self.acquire()
        try:
            lines, self.lines = self.lines, []
        finally:
            self.release()
        return lines


class RedisTap:
    """Everything that a Redis server is told, in order: MONITOR, read up to a mark of our own."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self.line = socket.create_connection((host, port), timeout=10)
        self.read = self.line.makefile("rb")
        self.mark = socket.create_connection((host, port), timeout=10)
        self.count = 0
        for line in (self.line, self.mark):
            line.sendall(f"AUTH {password}\r\n".encode())
        assert self.read.readline() == b"+OK\r\n"
        assert self.mark.recv(100) == b"+OK\r\n"
        self.line.sendall(b"MONITOR\r\n")
        assert self.read.readline() == b"+OK\r\n"

    def taken(self) -> list[str]:
        """Each command since the last call, its arguments unpacked."""
        self.count += 1
        mark = f"canaries-mark-{self.count}".encode()
        self.mark.sendall(b"ECHO " + mark + b"\r\n")
        self.mark.recv(200)
        told = []
        while mark not in (line := self.read.readline()):
            if not line:
                raise ConnectionResetError("Redis has closed the line")
            told.append(" ".join(_argument(part) for part in _MONITORED.findall(line)))
        return told

    def close(self) -> None:
        self.read.close()
        self.line.close()
        self.mark.close()


def _argument(written: bytes) -> str:
    """One argument as MONITOR shows it, unpacked when RQ has compressed it."""
    value = written.decode("latin-1").encode().decode("unicode_escape").encode("latin-1")
    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return value.decode("utf-8", "replace")


class Watch:
    """One for each process of the suite."""

    def __init__(self) -> None:
        self.now = Canaries()  # since the last test that had the database to itself
        self.all = Canaries()
        self.kept = Canaries()  # for the whole session: the marked ones, and the keys of servers that many tests use
        self.counts: Counter[str] = Counter()
        self.log = KeptLines()
        self.redis: RedisTap | None = None
        self.over = False
        self.sent: list[tuple[str, bytes, list[str]]] = []
        self.kept.add_words(MARKED_WORDS)
        self.kept.add_words(MARKED_ANSWER, ours=True)
        self.kept.numbers.update(re.sub(r"\D", "", number) for number in (SSN, CARD))
        self.now.update(self.kept)

    def keep(self, secret: str | bytes) -> None:
        """A secret that is looked for until the session ends."""
        self.kept.add_secret(secret)
        self.now.add_secret(secret)

    def turn(self) -> None:
        """Forget the words of the test that is over, but for what log files are searched for at the end."""
        self.all.update(self.now)
        self.now, self.over = Canaries(), False
        self.now.update(self.kept)

    # ---- what is sent -----------------------------------------------------------------------------------------------

    def request(self, app: Flask, **_: object) -> None:
        """Flask's signal `request_started`: keep what a test's client sends, without touching what the app reads."""
        environ = request.environ
        stream = environ.get("wsgi.input")
        sent = stream.getvalue() if isinstance(stream, BytesIO) else b""
        keys = [environ.get(name, "").rpartition(" ")[2] for name in ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY")]
        self.sent.append((environ.get("CONTENT_TYPE", ""), sent, keys))

    def note(self) -> None:
        """Take the canaries out of what was sent."""
        sent, self.sent = self.sent, []
        self.counts["requests"] += len(sent)
        for content_type, body, keys in sent:
            for key in keys:
                if not _HASH.fullmatch(key):
                    self.now.add_secret(key)
            if not body or len(body) > LONGEST:
                continue
            if not content_type.startswith("application/json"):
                for name, value in parse_qsl(body.decode("utf-8", "replace")):
                    self._field(name, value)
                continue
            with contextlib.suppress(ValueError, RecursionError):  # a test of just that
                self._fields(json.loads(body))

    def _fields(self, value: Any, name: str = "") -> None:
        match value:
            case dict():
                for key, inner in value.items():
                    self._fields(inner, str(key))
            case list():
                for inner in value:
                    self._fields(inner, name)
            case str():
                self._field(name, value)

    def _field(self, name: str, value: str) -> None:
        if _PRIVATE.search(name):
            self.now.add_secret(value)
        elif _WORDS_OF.fullmatch(name):
            self.now.add_words(value)

    # ---- where it is looked for -------------------------------------------------------------------------------------

    def tables(self, connection: psycopg.Connection[Any], tables: Sequence[str]) -> list[str]:
        """Search every row of `tables`; returns what was found as sentences."""
        self.note()
        self.counts["table scans"] += 1
        if not tables:
            return []
        found: list[Finding] = []
        texts: dict[str, list[str]] = {}
        for place, text in connection.execute(_everything_in(tables)):
            texts.setdefault(str(place), []).append(_with_bytes(str(text)))
        for place, rows in texts.items():
            if place.startswith("messages.body "):
                for body in rows:
                    self.now.add_words(body, ours=place.endswith("outbound"))
        for place, rows in texts.items():
            column = place.partition(" ")[0]
            if column in ALLOWED:
                found += self.now.found("\n".join(rows), column, ALLOWED[column][0])
                continue
            self.counts["rows"] += len(rows)
            if any(self.now.found("\n".join(rows), place)):
                found += [one for row in rows for one in self._in_row(place, row)]
        return _sentences(found)

    def _in_row(self, table: str, row: str) -> Iterator[Finding]:
        for column, value in json.loads(row.partition(BYTES)[0]).items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield from self.now.found(_with_bytes(text), f"{table}.{column}")

    def lines(self, *, stderr: str = "") -> list[str]:
        """Search what was logged, printed to stderr and told to Redis since the last call."""
        self.note()
        lines = self.log.taken()
        commands = self.redis.taken() if self.redis is not None else []
        self.counts["log lines"] += len(lines) + stderr.count("\n")
        self.counts["Redis commands"] += len(commands)
        places = (("the log", "\n".join(lines)), ("stderr", stderr), ("Redis", "\n".join(commands)))
        return _sentences(
            one for place, text in places if text for one in (*self.now.found(text, place), *_phones(text, place))
        )

    def files(self, folder: Path) -> list[str]:
        """Search the log files below `folder`: for everything that was sent so far, and for the keys kept there."""
        self.note()
        looked_for = Canaries()
        looked_for.update(self.all)
        looked_for.update(self.now)
        logs: list[Path] = []
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            if path.suffix == ".log" or path.name.startswith("output-"):
                logs.append(path)
            elif path.parent.name == "keys" or path.name == ".env":
                for line in path.read_text("utf-8", "replace").splitlines():
                    looked_for.add_secret(line.strip().rpartition("=")[2] if path.name == ".env" else line.strip())
        found: list[Finding] = []
        for path in logs:
            text = path.read_text("utf-8", "replace")
            self.counts["log files"] += 1
            self.counts["log lines"] += text.count("\n")
            found += looked_for.found(text, f"{path.parent.name}/{path.name}")
        return _sentences(found)

    def home(self, folder: Path) -> list[str]:
        """Search the database of a home folder whose processes have ended; it is started for that."""
        try:
            server, _ = start_postgres(folder, fsync=False)
            with psycopg.connect(server.url("smsbot")) as connection:
                found = self.tables(connection, tables_of(connection))
        except (
            ConfigurationError,
            psycopg.OperationalError,
        ):  # none, or broken by the test: the summary says how often
            self.counts["databases of `up` that could not be searched"] += 1
            return []
        self.counts["databases of `up`"] += 1
        return found


def _everything_in(tables: Sequence[str]) -> sql.Composed:
    """Asks for (table, row) and, for what may hold a body, (table.column, value); a message's with its direction."""
    parts: list[sql.Composable] = []
    for table in tables:
        columns = [place.partition(".")[2] for place in ALLOWED if place.startswith(f"{table}.")]
        rest = sql.SQL("SELECT {}, (to_jsonb(t) - {}::text[])::text FROM {} AS t")
        parts.append(rest.format(sql.Literal(table), sql.Literal(columns), sql.Identifier(table)))
        for column in columns:
            place: sql.Composable = sql.Literal(f"{table}.{column}")
            if (table, column) == ("messages", "body"):
                place = sql.SQL("'messages.body ' || direction")
            value = sql.SQL("SELECT {}, {}::text FROM {}")
            parts.append(value.format(place, sql.Identifier(column), sql.Identifier(table)))
    return sql.SQL(" UNION ALL ").join(parts)


def tables_of(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """The product's tables, a partitioned one once."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' ORDER BY relname"
    )
    return tuple(str(row[0]) for row in rows)


def _sentences(found: Iterable[Finding]) -> list[str]:
    return sorted({str(one) for one in found})


def _with_bytes(text: str) -> str:
    """`text`, and behind it what its bytes might say."""
    told = [bytes.fromhex(found).decode("latin-1") for found in _HEX.findall(text)]
    return BYTES.join([text, *told]) if told else text


WATCH = Watch()
