"""The words of a conversation: which way a text goes, who wrote it, how far it has got, what it is. Pure."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Author(StrEnum):
    LEAD = "lead"
    AI = "ai"
    AGENT = "agent"
    SYSTEM = "system"


class State(StrEnum):
    RECEIVED = "received"
    QUEUED = "queued"
    DEFERRED = "deferred"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


WAITING = (State.QUEUED, State.DEFERRED)  # not at the carrier yet: a STOP or a newer text still cancels these


class Kind(StrEnum):
    """What an outbound text is, beside its purpose."""

    AI_REPLY = "ai_reply"
    FALLBACK = "fallback"
    BRIDGE = "bridge"
    GUARD_ANSWER = "guard_answer"
    OPT_OUT_CONFIRMATION = "optout_confirmation"
    OPT_OUT_CATEGORY = "optout_category"  # confirms the end of one category
    OPT_IN_QUESTION = "optin_question"
    OPT_IN_CONFIRMATION = "optin_confirmation"
    HELP = "help"
    AGENT_TEXT = "agent_text"
    FIRST_TEXT = "first_text"
    REMINDER = "reminder"


CONSENT_WORD = "consent_word"  # the flag of an inbound text that was about consent: no assistant sees or answers it
MESSAGE_FIELD = "message"  # what they wrote into a form, among the lead's fields
LISTING_FIELD = "listing"  # what they asked about: an address, a stock number
