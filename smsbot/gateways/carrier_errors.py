"""What to do about each of Twilio's error codes, and which of our errors a refused call stands for. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from importlib.resources import files
from zoneinfo import ZoneInfo

from smsbot.errors import (
    OutcomeUnknown,
    PermanentSendFailure,
    RecipientOptedOut,
    SendFailed,
    TemporarySendFailure,
)

OPTED_OUT = 21610  # https://www.twilio.com/docs/api/errors/21610
TOO_MANY_REQUESTS = 429
REQUEST_TIMEOUT = 408

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400
CARRIER_ZONE = ZoneInfo("America/Los_Angeles")  # T-Mobile's daily caps start anew at midnight Pacific time


class Action(StrEnum):
    """What a failure asks of us. A failure after acceptance ends its message whatever the action says."""

    OPT_OUT = "opt_out"  # the carrier blocks this person: record it, cancel what is queued, never retry
    BAD_NUMBER = "bad_number"  # cannot be texted: flag the number, offer a call
    PERMANENT = "permanent"  # this text will not go, and the same text never again
    RETRY_LATER = "retry_later"  # at most `max_tries` repeats, the first after `delay_s`, where a repeat is allowed
    THROTTLE = "throttle"  # too fast or over a cap: hold the sender back for `delay_s`
    AMBIGUOUS = "ambiguous"  # may have been sent: look it up, never repeat it blindly
    CONFIG = "config"  # the sender or account is not fit to send: pause it and alert
    IGNORE = "ignore"  # says nothing about a text of ours: debugger, TwiML and voice warnings


@dataclass(frozen=True, slots=True)
class CodeAction:
    """What to do about one code. `delay_s` is 0 where nothing is repeated; `message` is the dictionary's own text.

    `max_tries` counts repeats after the failure. `next_carrier_day` means that `delay_s` is only an upper bound.
    """

    action: Action
    delay_s: int
    message: str
    max_tries: int = 0
    next_carrier_day: bool = False

    def not_before(self, at: datetime) -> datetime:
        """The earliest instant for a repeat after a failure at `at` (aware); in UTC offsets of `at`."""
        if not self.next_carrier_day:
            return at + timedelta(seconds=self.delay_s)
        tomorrow = at.astimezone(CARRIER_ZONE).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(), tzinfo=CARRIER_ZONE).astimezone(at.tzinfo)


@dataclass(frozen=True, slots=True)
class _Repeat:
    delay_s: int
    max_tries: int = 1
    next_carrier_day: bool = False


_BY_CLASS = {
    "optout": Action.OPT_OUT,
    "bad_number": Action.BAD_NUMBER,
    "permanent": Action.PERMANENT,
    "retry": Action.RETRY_LATER,
    "throttle": Action.THROTTLE,
    "ambiguous": Action.AMBIGUOUS,
    "config": Action.CONFIG,
}

# These describe our own answers to a webhook or a call: pausing a sender for them would silence it for nothing.
# The 50 % and 70 % marks of a daily cap (30025, 30026) come this way too: warnings, nothing was refused.
_NOT_ABOUT_A_TEXT = frozenset({"debugger", "twiml", "voice"})

_REPEATS = {
    20429: _Repeat(1, max_tries=8),  # never processed: always safe to repeat, with growing pauses
    21611: _Repeat(10 * MINUTE_S),  # the sender has ten hours of traffic queued
    30001: _Repeat(10 * MINUTE_S),  # queue overflow
    30003: _Repeat(HOUR_S),  # handset off or out of reach: once, an hour later at the earliest
    30008: _Repeat(5 * MINUTE_S),
    30017: _Repeat(5 * MINUTE_S),  # the carrier is congested
    30022: _Repeat(MINUTE_S),  # 10DLC rate: slow down
    30023: _Repeat(DAY_S, next_carrier_day=True),
    30027: _Repeat(DAY_S, next_carrier_day=True),
    30035: _Repeat(HOUR_S),  # the number is still being configured
    30410: _Repeat(5 * MINUTE_S),
    63038: _Repeat(DAY_S),  # the account's own day: when it starts anew is not published, a full day is never too early
}

_STATUS_CODES = {401: 20003, 403: 20403, 404: 20404, 429: 20429}  # what a bare status says in Twilio's own words


def _table() -> dict[int, CodeAction]:
    source = files("smsbot.gateways").joinpath("data/error_codes.json").read_text(encoding="utf-8")
    actions = {}
    for row in json.loads(source)["codes"]:
        code, message = int(row["code"]), str(row["message"]).strip()
        action = Action.IGNORE if row["where"] in _NOT_ABOUT_A_TEXT else _BY_CLASS[row["class"]]
        repeat = _REPEATS.get(code, _Repeat(0, max_tries=0))
        actions[code] = CodeAction(action, repeat.delay_s, message, repeat.max_tries, repeat.next_carrier_day)
    return actions


ACTIONS = _table()


def action_for(code: int | None, http_status: int | None = None) -> CodeAction:
    """What to do about `code`, from an answer with `http_status` or, without one, from a status callback.

    A code that we do not know: 429 is a throttle, 401 and 403 stop the sender, any other 4xx is permanent (a repeat
    would be refused too), anything else in an answer is ambiguous, and in a callback it is permanent.
    """
    if code is not None and code in ACTIONS:
        return ACTIONS[code]
    if http_status in _STATUS_CODES:
        return ACTIONS[_STATUS_CODES[http_status]]
    if http_status is None or 400 <= http_status < 500:
        return CodeAction(Action.PERMANENT, 0, "A code that is not in our table")
    return CodeAction(Action.AMBIGUOUS, 0, "An answer that is not in our table")


def failure_for(http_status: int, code: int | None, retry_after_s: float | None = None) -> SendFailed:
    """Which of our errors a refused request to send stands for.

    The message is the dictionary's: Twilio's own may repeat the number. `code` of the result is the carrier's, or
    the one that the bare status stands for.
    """
    code = _STATUS_CODES.get(http_status) if code is None else code
    known = action_for(code, http_status)
    reason = f"the carrier answered {http_status}: {known.message}"
    if http_status == TOO_MANY_REQUESTS:
        # "Never processed and always safe to retry" (20429).
        return TemporarySendFailure(reason, code, known.delay_s if retry_after_s is None else retry_after_s)
    if not 400 <= http_status < 500 or http_status == REQUEST_TIMEOUT or known.action is Action.AMBIGUOUS:
        return OutcomeUnknown(reason, code)  # may have been accepted
    if code == OPTED_OUT:
        return RecipientOptedOut(reason, code)
    if known.action in (Action.THROTTLE, Action.RETRY_LATER):
        return TemporarySendFailure(reason, code, known.delay_s if retry_after_s is None else retry_after_s)
    return PermanentSendFailure(reason, code)
