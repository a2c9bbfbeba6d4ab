from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import psycopg.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from smsbot.errors import ConfigurationError
from smsbot.logs import LEFT_OUT, Digest, JSONLines, log_event, redacted

PROJECT = Path(__file__).parents[2]
PHONE = "+12015550147"
SSN = "078-05-1120"
TOKEN = "0123456789abcdef0123456789abcdef"
BODY = "the purple walrus is for sale"
SIGNATURE = "L/OH5YylLD5NRKLltdqwSvS0BnU="
CANARIES = ("2015550147", "201-555-0147", "555-0147", "078-05-1120", TOKEN, "walrus", SIGNATURE, "hunter2", "c00kie")


class Book:
    """A logger whose lines can be read back."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(JSONLines("web"))
        self.logger = logging.Logger("smsbot.test")
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def book() -> Book:
    return Book()


def no_canary_in(text: str) -> bool:
    return not any(canary in text for canary in CANARIES)


def in_a_process(script: str, **streams: object) -> subprocess.CompletedProcess[str]:
    prelude = "import logging, sys, threading\nfrom smsbot.logs import configure_logging, log_event\n"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.run(
        [sys.executable, "-c", prelude + script], cwd=PROJECT, text=True, timeout=30, check=False, **options
    )


def lines_of(done: subprocess.CompletedProcess[str]) -> list[dict]:
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_an_event_is_one_line_of_json_with_its_time_in_utc(book):
    log_event(book.logger, "message.sent", message_id=UUID(int=7), segments=2, late=False, reason=None)

    (line,) = book.lines
    at = datetime.fromisoformat(line["at"])
    assert line["at"].endswith("Z") and abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert line | {"at": 0} == {
        "at": 0,
        "level": "info",
        "process": "web",
        "pid": os.getpid(),
        "logger": "smsbot.test",
        "event": "message.sent",
        "message_id": "00000000-0000-0000-0000-000000000007",
        "segments": 2,
        "late": False,
        "reason": None,
    }


class Mood(StrEnum):
    CALM = "calm"


@dataclass
class Text:
    body: str


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Mood.CALM, "calm"),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (datetime(2026, 3, 1, 4, tzinfo=timezone(timedelta(hours=-5))), "2026-03-01T09:00:00Z"),
        (timedelta(seconds=90), 90.0),
        (Decimal("1.25"), "1.25"),
        (Path("/var/lib"), "/var/lib"),
        ([1, "two", None], [1, "two", None]),
        ({"a": {"b": 1}}, {"a": {"b": 1}}),
        (b"walrus", "[6 bytes]"),
        (Text(BODY), "[Text]"),
        (ValueError(BODY), f"ValueError: {LEFT_OUT}"),
        (PHONE, "***47"),
        (12015550147, "***47"),
        (12015550147.0, "***47"),
        ({PHONE: {"to": [PHONE]}}, {"***47": {"to": ["***47"]}}),
        ({"Authorization": "Basic x", "Cookie": "c00kie", "X-Twilio-Signature": "s"}, None),
    ],
)
def test_a_value_is_shown_by_its_type(book, value, shown):
    log_event(book.logger, "seen", thing=value)

    expected = shown if shown is not None else dict.fromkeys(value, LEFT_OUT)
    assert book.lines[0]["thing"] == expected


@pytest.mark.parametrize(
    "name",
    [
        *("body", "text", "message_body", "password", "auth_token", "token", "api_key", "cookie", "signature"),
        *("lead_name", "email", "prompt", "reply", "transcript", "secret_key", "Set-Cookie", "X-Twilio-Signature"),
        "ENCRYPTION_KEYS",
    ],
)
def test_a_field_with_a_private_name_is_left_out(book, name):
    log_event(book.logger, "seen", **{name: BODY})

    assert book.lines[0][name] == LEFT_OUT


@pytest.mark.parametrize("digits", ["12015550147" * 6, "0123456789" * 7, "f" * 64, "078051120" * 8])
def test_a_digest_that_is_vouched_for_stays_whole(book, digits):
    log_event(book.logger, "seen", head=Digest(bytes.fromhex(digits[:64])), text=Digest(b"x" * 32))

    assert (book.lines[0]["head"], book.lines[0]["text"]) == (digits[:64], LEFT_OUT)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_nothing_of_another_size_passes_as_a_digest(size):
    with pytest.raises(ValueError, match="32 bytes"):
        Digest(b"k" * size)


def test_large_measures_stay_numbers(book):
    log_event(book.logger, "seen", rss_bytes=734_003_200, duration_ms=1e9, count=42)

    assert (book.lines[0]["rss_bytes"], book.lines[0]["duration_ms"], book.lines[0]["count"]) == (734003200, 1e9, 42)


def test_a_field_cannot_forge_what_the_line_says_of_itself(book):
    log_event(book.logger, "seen", at="1999", pid=1, event="other")

    assert book.lines[0]["event"] == "seen" and book.lines[0]["field_event"] == "other"
    assert book.lines[0]["pid"] == os.getpid()


def test_a_value_that_contains_itself_is_no_endless_line(book):
    loop: list[object] = []
    loop.append(loop)

    log_event(book.logger, "seen", loop=loop)

    assert len(book.text) < 400


@pytest.mark.parametrize("evil", ["a\nb", "a\r\nb", "a\u2028b", "a\x85b", "a\x1b[31mb", "a\x00b", "a\ud800b"])
def test_one_event_is_one_line_whatever_is_in_it(book, evil):
    log_event(book.logger, "seen", path=evil)
    book.logger.warning("path %s", evil)

    assert book.text.isascii() and book.text.count("\n") == 2
    assert book.lines[0]["path"] == evil


@pytest.mark.parametrize(
    "number",
    [
        *(
            "+12015550147",
            "12015550147",
            "2015550147",
            "(201) 555-0147",
            "201-555-0147",
            "201.555.0147",
            "201 555 0147",
        ),
        *("+1 (201) 555-0147", "+1 201 555 0147", "1-201-555-0147", "+1\u00a0201\u2013555\u20130147", "555-0147"),
        *("tel:+1-201-555-0147", "%2B12015550147", "%28201%29%20555-0147", "+442079460147", "lead_12015550147_x"),
        "２０１５５５０１４７",
    ],
)
@pytest.mark.parametrize("around", ["{}", "call {} now", "/leads/{}/texts", "'{}',", '{{"to": "{}"}}', "a@{}#"])
def test_a_telephone_number_is_down_to_its_last_two_digits(number, around):
    shown = redacted(around.format(number))

    digits = "".join(character for character in shown if character.isdigit())
    assert len(digits) <= 2


@pytest.mark.parametrize("number", ["078-05-1120", "078 05 1120", "078051120", "078.05.1120", "078–05–1120"])
def test_a_social_security_number_is_gone(number):
    assert redacted(f"my ssn is {number}.") == "my ssn is [number]."


@pytest.mark.parametrize(
    "number", ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "378282246310005"]
)
def test_a_card_number_is_down_to_its_last_two_digits(number):
    assert redacted(f"card {number}!") == f"card ***{number[-2:]}!"


@pytest.mark.parametrize(
    "text",
    [
        "AC0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
        "SK01234567890123456789012345678901 was used",
        "SM01234567890123456789012345678901",
        "123e4567-e89b-12d3-a456-426614174000",
        "11111111-2222-4333-8444-555555555555",
        "at 2026-11-20T09:15:00.123456+00:00 and 2026-11-20 09:15:00,123",
        "2026-03-01",
        "from 192.168.100.200:54321 to 10.0.0.1",
        "took 12.5 ms, 3 tries, code 30007, rows 12345678",
        "Python 3.11.2, twilio 9.13.0",
        "conversations.outbox.deliver in smsbot/gateways/twilio_sms.py",
        "and/or? yes",
    ],
)
def test_ids_times_addresses_and_counts_stay(text):
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"token {TOKEN}",
        f"AUTH={TOKEN.upper()};",
        f"Authorization: Basic {TOKEN}",
        "authorization: Bearer hunter2hunter2",
        "{'Authorization': 'Basic hunter2', 'Accept': '*/*'}",
        "[(b'authorization', b'Bearer hunter2')]",
        '{"Cookie": "session=c00kie; a=\\"c00kie\\"", "x": 1}',
        "Cookie: session=c00kie; other=c00kie\r\nHost: h",
        "Set-Cookie: __Host-session=c00kie; Secure",
        f"X-Twilio-Signature: {SIGNATURE}",
        f"got {SIGNATURE}, wanted another",
        "sk-proj-hunter2hunter2hunter2",
        "Bearer hunter2hunter2",
        "password=hunter2",
        "{'db_password': 'hunter2 with blanks'}",
        "api_key: hunter2",
        "postgresql://app:hunter2@db/smsbot failed",
        "redis://:hunter2@h:6379/0",
        "redis://:hun@hunter2@h:6379/0",
        "GET https://h.example/a?code=hunter2&b=1 HTTP/1.1",
        "GET /reset?hunter2 HTTP/1.1",
        "https://h.example/cb#access=hunter2",
        "eyJsb2dpbiI6MX0.c00kieAbCdEfGhIjKlMnOpQrStUvWxYz0123456789a",
        f"(psycopg.errors.UniqueViolation) duplicate key\nDETAIL:  Key (body)=({BODY}) exists.",
        f"[SQL: INSERT INTO messages (body) VALUES (%(b)s)]\n[parameters: {{'b': '{BODY}'}}]\n(Background on this)",
    ],
)
def test_a_secret_in_free_text_is_removed(text):
    assert no_canary_in(redacted(text))
    assert "h.example/a" in redacted(text) or "h.example/a" not in text


def test_an_email_address_is_removed():
    assert redacted("from Ann.Lee+x@mail.example.co.uk today") == "from [address] today"


@given(st.text(max_size=30), st.from_regex(r"\+1[2-9]\d\d555\d{4}", fullmatch=True), st.text(max_size=30))
def test_no_surrounding_lets_a_number_through(before, number, after):
    assert number[-10:] not in redacted(before + number + after)


@given(st.from_regex(r"[0-9a-f]{32}", fullmatch=True), st.sampled_from([" ", "'", '"', ":", "=", ",", "/", "\n", "("]))
def test_no_surrounding_lets_a_token_through(token, mark):
    assert token not in redacted(f"x{mark}{token}{mark}y")


@pytest.mark.parametrize(
    "piece", ["a://", "?", "/", "a.", "1 ", "1     ", "a@", "token", "cookie:", "-", "0", "%20", "a-."]
)
def test_a_hostile_text_takes_no_time(piece):
    started = time.process_time()

    redacted(piece * (200_000 // len(piece)))

    assert time.process_time() - started < 3  # the square of the length would be minutes


def fail_with(error: BaseException) -> None:
    raise error


def test_a_traceback_keeps_places_and_types_and_loses_what_was_said(book):
    try:
        try:
            int(BODY)
        except ValueError as error:
            raise KeyError(PHONE) from error
    except KeyError as error:
        log_event(book.logger, "job.failed", level=logging.ERROR, error=error)

    (line,) = book.lines
    assert (line["level"], line["error"]) == ("error", "KeyError")
    assert line["traceback"].index("ValueError: [left out]") < line["traceback"].index("KeyError: [left out]")
    assert "test_logs.py" in line["traceback"] and "in test_a_traceback_keeps_places" in line["traceback"]
    assert no_canary_in(book.text)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigurationError("set REDIS_URL"), "ConfigurationError: set REDIS_URL"),
        (ConfigurationError(f"bad number {PHONE}"), "ConfigurationError: bad number ***47"),
        (AttributeError("'NoneType' object has no attribute 'id'"), "has no attribute 'id'"),
        (FileNotFoundError(2, "No such file", "/walrus"), "FileNotFoundError: [Errno 2] No such file"),
        (RuntimeError(BODY), "RuntimeError: [left out]"),
        (psycopg.errors.UniqueViolation(BODY), "UniqueViolation: SQLSTATE 23505"),
        (
            IntegrityError("INSERT", {"body": BODY}, psycopg.errors.UniqueViolation(f"{BODY}\nDETAIL: {PHONE}")),
            "IntegrityError: SQLSTATE 23505",
        ),
        (ExceptionGroup(BODY, [ValueError(BODY), ConfigurationError("set HOST")]), "  | ConfigurationError: set HOST"),
    ],
)
def test_an_exception_says_only_what_can_hold_nobodys_words(book, error, said):
    error.add_note(BODY)
    try:
        fail_with(error)
    except type(error):
        book.logger.exception("it failed: %s", error)
        book.logger.warning(error)
        book.logger.warning("%(error)s", {"error": error})

    assert said in book.lines[0]["traceback"]
    assert no_canary_in(book.text)
    assert len(book.lines) == 3


def test_a_printed_traceback_loses_its_messages_too(book):
    printed = (
        'job failed\nTraceback (most recent call last):\n  File "/a/b.py", line 3, in run\n    int(text)\n'
        f"ValueError: invalid literal: '{BODY}'\n{BODY}\nWalrus: {BODY}\n\nDuring handling of the above exception:\n\n"
        f'Traceback (most recent call last):\n  File "/a/c.py", line 9, in go\n    go("{BODY}")\nrq.errors.Lost: {BODY}\n'
    )

    book.logger.error("%s", printed)

    message = book.lines[0]["message"]
    assert no_canary_in(book.text)
    assert all(
        part in message for part in ("job failed", '"/a/b.py", line 3', "ValueError", "line 9", "rq.errors.Lost")
    )


def test_arguments_that_do_not_fit_cost_the_arguments_and_not_the_line(book):
    book.logger.warning("%s and %s", PHONE)
    book.logger.warning("%d", BODY)

    assert [line["message"] for line in book.lines] == ["%s and %s", "%d"]


def test_a_long_text_is_cut(book):
    book.logger.warning("x " * 100_000)

    assert len(book.text) < 5_000


def test_everything_in_a_process_goes_to_stderr_as_redacted_lines():
    done = in_a_process(
        f"""
import warnings
logging.basicConfig(stream=sys.stderr)
for name in ("gunicorn.error", "rq.worker", "werkzeug"):
    logging.getLogger(name).addHandler(logging.StreamHandler(sys.stderr))
    logging.getLogger(name).propagate = False
configure_logging("worker", "DEBUG")
configure_logging("worker", "DEBUG")
for name in ("twilio.http_client", "httpx2", "openai._base_client", "urllib3.connectionpool", "rq.worker", "werkzeug",
             "gunicorn.access", "sqlalchemy.engine.Engine"):
    logging.getLogger(name).info("POST /x?y=1 {BODY}")
logging.getLogger("gunicorn.error").error("Error handling request /leads/{PHONE}?a=hunter2")
logging.getLogger("rq.worker").warning("to %s", "{PHONE}")
warnings.warn("about {PHONE}")
log_event(logging.getLogger("smsbot"), "message.sent", to="{PHONE}")
thread = threading.Thread(target=lambda: int("{BODY}"))
thread.start()
thread.join()
class Broken:
    def __del__(self):
        raise ValueError("{BODY}")
Broken()
raise ValueError("{BODY} {PHONE} {TOKEN}")
"""
    )

    lines = lines_of(done)
    assert done.stdout == "" and done.returncode == 1
    assert no_canary_in(done.stderr)
    assert [(line["logger"], line["event"]) for line in lines] == [
        ("gunicorn.error", "log"),
        ("rq.worker", "log"),
        ("py.warnings", "log"),
        ("smsbot", "message.sent"),
        ("smsbot", "thread.crashed"),
        ("smsbot", "python.unraisable"),
        ("smsbot", "process.crashed"),
    ]
    assert {line["process"] for line in lines} == {"worker"}
    assert lines[3]["to"] == "***47" and lines[-1]["error"] == "ValueError"


def test_a_level_is_kept():
    done = in_a_process(
        "configure_logging('web', logging.WARNING)\nlog = logging.getLogger('smsbot')\n"
        "log_event(log, 'quiet')\nlog_event(log, 'loud', level=logging.WARNING)"
    )

    assert [line["event"] for line in lines_of(done)] == ["loud"]


LOG_AND_GO_ON = (
    "log_event(logging.getLogger('smsbot'), 'message.sent', n=1)\nlogging.getLogger('x').error('%s', 'y')\n"
    "print('went on', file=sys.stdout)"
)


def test_a_full_disk_stops_nothing():
    with open("/dev/full", "w") as full:
        done = in_a_process(
            f"configure_logging('web')\n{LOG_AND_GO_ON}\nimport os; sys.stdout.flush(); os._exit(0)", stderr=full
        )

    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_a_closed_pipe_stops_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = in_a_process(
            f"configure_logging('web')\n{LOG_AND_GO_ON}\nimport os; sys.stdout.flush(); os._exit(0)", stderr=closed
        )

    assert (done.returncode, done.stdout) == (0, "went on\n")


@pytest.mark.parametrize("how", ["sys.stderr.close()", "sys.stderr = None"])
def test_a_stderr_that_is_gone_stops_nothing(how):
    done = in_a_process(f"configure_logging('web')\n{how}\n{LOG_AND_GO_ON}")

    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_a_value_that_cannot_be_shown_stops_nothing():
    done = in_a_process(
        "class Evil(dict):\n    def items(self): raise RuntimeError('no')\n"
        "class Mute:\n    def __str__(self): raise RuntimeError('no')\n"
        "configure_logging('web')\nlog_event(logging.getLogger('smsbot'), 'x', evil=Evil())\n"
        "logging.getLogger('smsbot').error('%s', Mute())\n" + LOG_AND_GO_ON
    )

    assert done.stdout == "went on\n"
    assert [line["event"] for line in lines_of(done)] == ["message.sent", "log"]
