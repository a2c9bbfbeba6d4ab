"""One JSON line per event on stderr, in UTC, with whatever could identify or unlock somebody taken out.

Redaction happens here, last, because the next library that logs a request does not know our rules: by the type of a
value, by the name of its field, and by pattern for free text. When in doubt something harmless goes missing.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import sys
import threading
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

from smsbot.errors import SmsbotError

LEFT_OUT = "[left out]"
MAX_TEXT = 4_000  # characters of one value
MAX_SCANNED = 20_000  # characters that the patterns look at: time for a line stays bounded
MAX_ITEMS = 20
MAX_DEPTH = 4
MAX_FRAMES = 30
DIGEST_BYTES = 32

QUIET_LOGGERS = (
    "alembic",
    "gunicorn.access",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "openai",
    "rq.job",
    "rq.queue",
    "rq.scheduler",
    "rq.worker",
    "sqlalchemy",
    "twilio",
    "twilio.http_client",
    "urllib3",
    "werkzeug",
)
_OWN_HANDLERS = ("gunicorn.access", "gunicorn.error", "rq.worker", "werkzeug")  # they print past the root logger

_PRIVATE_FIELD = re.compile(
    r"(?:.*_)?(?:answer|api_key|authorization|body|content|cookies?|draft|email|encryption_keys?|evidence|otp|passwd"
    r"|password|prompt|question|reply|secret|secret_key|signature|ssn|text|token|transcript|words)"
    r"|(?:first_|last_|lead_|contact_)?name|address|session"
)
_MEASURES = ("_bytes", "_ms", "_ns", "_s")  # large numbers that are none of a person's
_CODE_ERRORS = (ImportError, AttributeError, NameError, NotImplementedError, TypeError)  # speak of code, not of data

_GAP = r"(?:[\s().\-‐‑‒–—―/·\u00a0]|%[0-9A-Fa-f]{2}){0,4}"
_QUOTED = r"b?'(?:[^'\\\r\n]|\\.)*'|b?\"(?:[^\"\\\r\n]|\\.)*\""
_USER_IN_ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s\"'<>]{0,256}@")
_QUERY = re.compile(r"(?<=[^\s?])([?#])[^\s\"'<>]+")
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-twilio-signature|x-api-key)(b?[\"']?\s*[:=,]\s*)"
    rf"(?:{_QUOTED}|[^\r\n]*)"
)
_NAMED_SECRET = re.compile(
    r"(?i)\b(\w*(?:password|passwd|secret|token|api[_-]?key|secret_key|encryption_keys?))"
    rf"([\"']?\s*[:=]\s*)(?:{_QUOTED}|[^\s\"',;&)}}\]]+)"
)
_STATEMENT = re.compile(r"(?s)\[(?:SQL|parameters): .*|(?<=\n)(?:DETAIL|CONTEXT|HINT): .*")
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'\s+(?:\| )?File "[^"]*", line \d+, in .*')
_RAISED = re.compile(r"(?:\| )?((?:\w+\.)*[A-Z]\w*)(?=:|$)")
_PATTERNS = re.compile(
    r"(?P<keep>"
    r"(?<![A-Za-z0-9])[A-Z]{2}[0-9a-f]{32}(?![A-Za-z0-9])"  # a carrier's id: AC…, SK…, SM…
    r"|(?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z])"  # a UUID
    r"|(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?:[T ][0-2]\d:[0-5]\d(?::\d\d(?:[.,]\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)"
    r"|(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"  # an IPv4 address
    r")"
    r"|(?P<secret>"
    r"(?<![0-9A-Za-z])[0-9a-fA-F]{32,}(?![0-9A-Za-z])"  # an auth token, a hash, a key in hex
    r"|\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}"
    r"|\bsk[-_][A-Za-z0-9_-]{12,}"
    r"|(?<![\w+/=-])(?:[A-Za-z0-9+/_-]{27}|[A-Za-z0-9+/_-]{43})=(?![\w=])"  # HMAC-SHA1, HMAC-SHA256, a key in base64
    r"|(?<![\w.-])[\w-]{6,}(?:\.[\w-]{4,})?\.(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{27,}(?![\w-])"  # signed
    r")"
    rf"|(?P<number>(?:\+|%2[Bb])?\(?\d(?:{_GAP}\d){{9,}})"  # a telephone number, a card, an account
    rf"|(?P<nine>(?<!\d)\d(?:[\s.\-–]?\d){{8}}(?!\d))"  # a social security number
    r"|(?P<local>(?<![\d-])\d{3}-\d{4}(?![\d-]))"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
)


def configure_logging(process: str, level: int | str = logging.INFO) -> None:
    """Send everything that is logged in this process to stderr as redacted JSON lines. May be called again.

    `process` ("web", "worker") is in each line. What would print past it is caught too: the handlers of gunicorn
    and RQ, warnings, and what Python says about an exception that nobody caught.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, StderrHandler) or type(handler) is logging.StreamHandler:
            root.removeHandler(handler)
    handler = StderrHandler()
    handler.setFormatter(JSONLines(process))
    root.addHandler(handler)
    root.setLevel(level)
    for name in _OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a full disk or a closed pipe loses a line, never a reply
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    if threading.excepthook is threading.__excepthook__:  # a test runner's own hook stays
        threading.excepthook = _log_thread_crash


def log_event(
    logger: logging.Logger,
    event: str,
    /,
    *,
    level: int = logging.INFO,
    error: BaseException | None = None,
    **fields: object,
) -> None:
    """Log what happened: `log_event(logger, "message.sent", message_id=message.id)`. Never raises.

    Fields are ids, counts, states and reasons; never a body, a name or a secret. `error` adds its type, its message
    where that is ours, and its traceback.
    """
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    logger.log(level, event, exc_info=exc_info, extra={"smsbot_fields": fields}, stacklevel=2)


def redacted(text: str) -> str:
    """`text` without secrets, query strings and messages of exceptions, and with each long number down to two digits.

    Carrier ids (AC…, SM…), UUIDs, times and IP addresses stay. Patterns know numbers and secrets, not prose: a body
    must not come here in the first place.
    """
    text = text[:MAX_SCANNED]
    if _TRACEBACK in text:
        text = _without_messages(text)
    text = _STATEMENT.sub(LEFT_OUT, text)
    text = _HEADER.sub(rf"\1\2{LEFT_OUT}", text)
    text = _NAMED_SECRET.sub(rf"\1\2{LEFT_OUT}", text)
    text = _USER_IN_ADDRESS.sub(rf"\1{LEFT_OUT}@", text)
    text = _QUERY.sub(rf"\1{LEFT_OUT}", text)
    text = _PATTERNS.sub(_replacement, text)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "[cut]"


def error_message(error: BaseException) -> str:
    """What may be said of an exception: our own messages, those about code, a system error's and a database's code.

    Any other message may quote what it failed on, which may be a lead's words.
    """
    original = getattr(error, "orig", None)  # SQLAlchemy's errors carry the driver's
    state = getattr(error, "sqlstate", None) or getattr(original, "sqlstate", None)
    if isinstance(state, str):
        diagnosis = getattr(original or error, "diag", None)
        constraint = getattr(diagnosis, "constraint_name", None)
        return redacted(f"SQLSTATE {state}" + (f", constraint {constraint}" if constraint else ""))
    if isinstance(error, (SmsbotError, *_CODE_ERRORS)):
        return redacted(str(error))
    if isinstance(error, OSError) and error.strerror:
        return redacted(f"[Errno {error.errno}] {error.strerror}")
    return LEFT_OUT


@dataclass(frozen=True, slots=True)
class Digest:
    """A SHA-256 that everybody may know, such as a seal's: logged whole, as 64 hexadecimal digits.

    Text of that shape is left out, because nobody can tell it from a key; whoever wraps one vouches for it.
    """

    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) != DIGEST_BYTES:
            raise ValueError("a SHA-256 has 32 bytes")


class JSONLines(logging.Formatter):
    """A record as one line of JSON: `at`, `level`, `process`, `pid`, `logger`, `event`, its fields, the traceback."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": os.getpid(),  # not the record's: a forked worker is another process
            "logger": record.name,
        }
        fields = getattr(record, "smsbot_fields", None)
        if isinstance(fields, Mapping):
            line["event"] = redacted(str(record.msg))
        else:
            line["event"] = "log"
            line["message"] = redacted(_message_of(record))
            fields = {}
        for name, value in fields.items():
            line[f"field_{name}" if name in line else name] = _shown(name, value)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["traceback"] = _traceback_of(record.exc_info[1])
        if record.stack_info:
            line["stack"] = redacted(record.stack_info)
        return json.dumps(line)  # ASCII: line breaks and every other control character are escaped


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is at that moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _message_of(record: logging.LogRecord) -> str:
    """A third party's message; an exception among its arguments says only what `error_message` allows."""
    message = _described(record.msg) if isinstance(record.msg, BaseException) else str(record.msg)
    try:
        if isinstance(record.args, Mapping):
            return message % {key: _argument(value) for key, value in record.args.items()}
        return message % tuple(_argument(value) for value in record.args) if record.args else message
    except (TypeError, ValueError, KeyError):
        return message  # its arguments do not fit: what it is about is still worth a line


def _argument(value: object) -> object:
    return _described(value) if isinstance(value, BaseException) else value


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error_message(error)}"


def _shown(name: str, value: object, depth: int = 0) -> Any:
    """`value` as JSON may hold it; what its type does not vouch for is named, never printed."""
    key = name.lower().replace("-", "_")
    if value is None or isinstance(value, bool):
        return value
    if _PRIVATE_FIELD.fullmatch(key):
        return LEFT_OUT
    match value:
        case Enum():
            return _shown(name, value.value, depth)
        case int():
            long = abs(value) >= 10**8 and not key.endswith(_MEASURES)
            return redacted(str(value)) if long else int(value)
        case float():
            if not math.isfinite(value):
                return str(value)
            return redacted(f"{value:.0f}") if abs(value) >= 10**8 and not key.endswith(_MEASURES) else value
        case str():
            return redacted(value)
        case UUID() | Decimal() | PurePath():
            return redacted(str(value))
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case BaseException():
            return _described(value)
        case Digest():
            return value.value.hex()
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case Mapping() if depth < MAX_DEPTH:
            items = [(str(k), v) for k, v in list(value.items())[:MAX_ITEMS]]
            return {redacted(k): _shown(k, v, depth + 1) for k, v in items}
        case list() | tuple() | Set() if depth < MAX_DEPTH:
            return [_shown(name, item, depth + 1) for item in list(value)[:MAX_ITEMS]]
        case _:
            return f"[{type(value).__name__}]"


def _traceback_of(error: BaseException) -> str:
    """Types, places and allowed messages of `error` and what caused it, the first cause first."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n".join(line for link in reversed(chain) for line in _lines_of(link))


def _lines_of(error: BaseException) -> Iterable[str]:
    frames = list(_frames(error.__traceback__))
    yield from frames[-MAX_FRAMES:]
    yield _described(error)
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions[:MAX_ITEMS]:
            yield from (f"  | {line}" for line in _lines_of(part))


def _frames(traceback: TracebackType | None) -> Iterable[str]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        yield f'  File "{code.co_filename}", line {traceback.tb_lineno}, in {code.co_name}'
        traceback = traceback.tb_next


def _without_messages(text: str) -> str:
    """A printed traceback (RQ logs them as text) down to its frames and the types of its exceptions."""
    before, _, after = text.partition(_TRACEBACK)
    kept = [before + _TRACEBACK]
    in_frames = False
    for line in after.splitlines():
        if _FRAME.fullmatch(line):
            kept.append(line)
            in_frames = True
        elif in_frames and (raised := _RAISED.match(line)):
            kept.append(f"{raised[1]}: {LEFT_OUT}")
            in_frames = False
    return "\n".join(kept)


def _replacement(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "keep":
            return match[0]
        case "number":
            return "***" + match[0][-2:] if match[0][-2:].isdigit() else f"***{match[0][-1]}"
        case "nine":
            return "[number]"
        case "local":
            return "***" + match[0][-2:]
        case "mail":
            return "[address]"
        case _:
            return LEFT_OUT


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log_event(logging.getLogger("smsbot"), "process.crashed", level=logging.CRITICAL, error=error)


def _log_unraisable(unraisable: Any) -> None:
    log_event(logging.getLogger("smsbot"), "python.unraisable", level=logging.ERROR, error=unraisable.exc_value)


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_type is not SystemExit:
        log_event(logging.getLogger("smsbot"), "thread.crashed", level=logging.ERROR, error=crash.exc_value)
