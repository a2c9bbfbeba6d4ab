"""Why a text is sent, and why one is not: the two vocabularies that every part of the product shares. Pure."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    REPLY = "reply"
    INQUIRY = "inquiry"
    APPOINTMENT = "appointment"
    NOTIFICATION = "notification"
    MARKETING = "marketing"
    ACCOUNT = "account"
    COMPLIANCE = "compliance"


# What a person can agree to or end. `account` is for staff and `compliance` for one-shot permits: no consent covers them.
CONSENTED = (Purpose.REPLY, Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION, Purpose.MARKETING)

# What START brings back (C-030): marketing returns only by a form or by YES to a question that carries the disclosure.
RESTORED_BY_START = (Purpose.REPLY, Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION)


class PermitKind(StrEnum):
    """What a one-shot permit is for."""

    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    HELP = "help"
    OPT_OUT_CATEGORY = "opt_out_category"
    OPT_IN_QUESTION = "opt_in_question"
    OPT_IN_CONFIRMATION = "opt_in_confirmation"


class Reason(StrEnum):
    OPTED_OUT = "OPTED_OUT"
    HELD = "HELD"
    NO_CONSENT = "NO_CONSENT"
    PURPOSE = "PURPOSE"
    QUIET_HOURS = "QUIET_HOURS"
    CAP = "CAP"
    AI_LIMIT = "AI_LIMIT"
    PAUSED = "PAUSED"
    MODE_OFF = "MODE_OFF"
    DRAFT_ONLY = "DRAFT_ONLY"
    TAKEOVER = "TAKEOVER"
    NEWER_TEXT = "NEWER_TEXT"
    BLOCKED_CONTACT = "BLOCKED_CONTACT"
    WRONG_NUMBER = "WRONG_NUMBER"
    NOT_INTERESTED = "NOT_INTERESTED"
    REACTION = "REACTION"
    AUTO_REPLY = "AUTO_REPLY"
    OTP = "OTP"
    CARRIER_BLOCKED = "CARRIER_BLOCKED"
    CARRIER_ANSWERS = "CARRIER_ANSWERS"
    RESTRICTED = "RESTRICTED"
    LANDLINE = "LANDLINE"
    INVALID_NUMBER = "INVALID_NUMBER"
    COUNTRY = "COUNTRY"
    UNREACHABLE = "UNREACHABLE"
    STALE = "STALE"
    SPEND_CAP = "SPEND_CAP"
    REPEAT_CALL = "REPEAT_CALL"
    KILL_SWITCH = "KILL_SWITCH"
    NO_CREDENTIALS = "NO_CREDENTIALS"
    CONTENT = "CONTENT"


def carrier_reason(code: int | None) -> str:
    """The reason of a text that the carrier refused or lost: `CARRIER_30005`, or `CARRIER_0` without a code."""
    return f"CARRIER_{code or 0}"
