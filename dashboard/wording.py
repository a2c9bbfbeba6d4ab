"""The words that the pages use for what the product calls by enumerated names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from consent.purposes import Purpose
from conversations.explaining import because
from conversations.inbox import Badge, Queue, Row, Said, Standing
from conversations.models import Author, Direction, State
from smsbot.phone import national

SOON_AFTER = timedelta(minutes=1)

QUEUES: Mapping[Queue, str] = {
    Queue.NEEDS_HUMAN: "Needs human",
    Queue.UNASSIGNED: "Unassigned",
    Queue.MINE: "Mine",
    Queue.AI: "AI handling",
    Queue.WAITING_ON_LEAD: "Waiting on lead",
    Queue.ALL: "All",
}
NOTHING_IN: Mapping[Queue, tuple[str, str]] = {
    Queue.NEEDS_HUMAN: (
        "Nobody is waiting for a person",
        "The AI has every open question. When it hands one over, it appears here with a clock.",
    ),
    Queue.UNASSIGNED: (
        "Every lead has somebody",
        "A new lead is nobody's until one of you takes it over or a manager assigns it.",
    ),
    Queue.MINE: (
        "You have no conversations yet",
        "Open one and choose Take over: it stays here until you give it back.",
    ),
    Queue.AI: (
        "The AI has nothing in hand",
        "New texts land here first. Text your number from any phone to see one arrive.",
    ),
    Queue.WAITING_ON_LEAD: (
        "No lead owes you an answer",
        "Conversations come here once you or the AI have answered.",
    ),
    Queue.ALL: (
        "No conversations yet",
        "Text your business number from any phone: the conversation appears within two seconds.",
    ),
}
PLACE_SOURCES: Mapping[str, str] = {
    "declared": "as they said",
    "zip": "by their ZIP code",
    "state": "by their state",
    "area_code": "by their area code",
    "tenant": "by your own zone",
    "unknown": "nobody knows where",
}
BADGES: Mapping[Badge, str] = {
    Badge.OK: "Consent OK",
    Badge.NONE: "No consent",
    Badge.STOP: "STOP",
    Badge.HELD: "On hold",
    Badge.BLOCKED: "Blocked",
    Badge.UNREACHABLE: "No texts",
}
STATES: Mapping[State, str] = {
    State.RECEIVED: "Received",
    State.QUEUED: "Queued",
    State.DEFERRED: "Waits until it may be sent",
    State.SENDING: "Sending",
    State.SENT: "Sent",
    State.DELIVERED: "Delivered",
    State.UNDELIVERED: "Not delivered",
    State.FAILED: "Failed",
    State.BLOCKED: "Not sent",
    State.CANCELED: "Not sent",
    State.UNKNOWN: "May have been sent",
}
PURPOSES: Mapping[Purpose, str] = {
    Purpose.REPLY: "Reply to their text",
    Purpose.INQUIRY: "Follow-up on their question",
    Purpose.APPOINTMENT: "About their appointment",
    Purpose.NOTIFICATION: "Service message",
    Purpose.MARKETING: "Marketing",
    Purpose.ACCOUNT: "To staff",
    Purpose.COMPLIANCE: "Required notice",
}
CONSENT: Mapping[str, str] = {
    "unknown": "Nothing agreed yet",
    "inquired": "They asked us",
    "pending": "Asked, not confirmed yet",
    "opted_in": "Agreed to texts",
    "opted_out": "Opted out",
    "held": "On hold",
    "none": "No",
}
METHODS: Mapping[str, str] = {
    "sms_text": "by text",
    "sms_keyword": "by keyword",
    "twilio_aoo": "by keyword, told by the carrier",
    "carrier": "told by the carrier",
    "agent_entry": "entered by staff",
    "phone": "by phone",
    "voicemail": "by voicemail",
    "email": "by e-mail",
    "mail": "by letter",
    "web_page": "on a web page",
    "in_person": "in person",
    "paper": "on paper",
    "voice": "on the phone",
    "import": "by a list",
    "second_stage": "read from their words",
    "api": "by form",
}
HAPPENINGS: Mapping[str, str] = {
    "conversation.taken_over": "took over",
    "conversation.given_back": "gave it back to the AI",
    "conversation.assigned": "assigned it to",
    "consent.inquiry": "Asked us by form",
    "consent.opt_in_pending": "Asked to confirm",
    "consent.opt_in": "Agreed to texts",
    "consent.start": "Asked for texts again",
    "consent.opt_out": "Opted out of all texts",
    "consent.opt_out_partial": "Opted out of some texts",
    "consent.voice_opt_out": "Asked not to be called",
    "consent.hold": "Put on hold: their words may be an opt-out",
    "consent.resume": "Hold lifted",
    "consent.carrier_block": "Blocked by the carrier",
    "consent.carrier_unblock": "Unblocked by the carrier",
    "consent.restrict": "Processing restricted",
    "consent.unrestrict": "Restriction lifted",
    "consent.erased": "Evidence erased",
    "consent.unverified": "A list says they agreed, without proof",
}
TASKS: Mapping[str, str] = {
    "handoff": "Answer in person",
    "settle_hold": "Say whether this is an opt-out",
    "unknown_outcome": "Check whether a text arrived",
    "text_not_sent": "A text did not leave: answer in person",
    "undelivered": "Our answer did not arrive: try again or call",
    "late_text": "A text was found late: answer in person",
    "call_instead": "Call: texts do not reach them",
    "opted_out_wrote": "Wrote after opting out: call or mail",
    "ask_for_start": "Sent a form, but the carrier blocks texts: they must text START",
    "unanswerable": "Wrote from where no text can be sent",
    "check_appointment": "May have meant to cancel an appointment",
    "unanswered_question": "Answer a question that the AI could not",
    "stale_facts": "Facts are too old to quote: bring them up to date",
    "other_language": "Writes in a language that the AI does not",
    "running_late": "Is running late",
    "visit_wanted": "Wants a visit: offer a time",
    "sensitive_number": "Sent a sensitive number: use the secure page",
    "not_interested": "Is not interested",
    "ai_failure": "The AI failed: answer in person",
    "privacy_access": "Asked for a copy of their data",
    "privacy_correct": "Asked to have their data corrected",
    "privacy_delete": "Asked to be deleted",
    "privacy_limit": "Asked to limit what is done with their data",
}
ALERTS: Mapping[str, str] = {
    "handoff": "The AI handed a conversation over",
    "held": "A conversation is on hold",
    "check_appointment": "Somebody may have meant to cancel an appointment",
    "sender_paused": "The carrier refuses this number: sending is paused",
    "sender_throttled": "The carrier slows this number down",
    "text_refused": "The carrier refused a text",
    "registration_drift": "What is sent is no longer like what was registered with the carrier",
    "sent_after_opt_out": "A text left after an opt-out: have it looked into",
    "work_quarantined": "Something failed again and again and was put aside",
    "privacy_request_due": "A privacy request is still open: it is due 30 days after they asked",
}
FIELDS: Mapping[str, str] = {
    "intent": "Wants",
    "areas": "Areas",
    "property_ref": "Property",
    "beds_min": "Bedrooms, at least",
    "baths_min": "Bathrooms, at least",
    "budget_min": "Budget from",
    "budget_max": "Budget up to",
    "vehicle_interest": "Vehicle",
    "trade_in": "Trade-in",
    "trade_in_miles": "Trade-in miles",
    "payment_target": "Monthly payment",
    "has_house_to_sell": "Has a home to sell",
    "message": "Wrote in a form",
}
LANGUAGES: Mapping[str, str] = {"en": "English", "es": "Spanish", "fr": "French"}
SOURCES: Mapping[str, str] = {"text": "By text", "api": "By form", "import": "By a list"}


class Urgency(StrEnum):
    """How long somebody has waited, as colour and as a word."""

    NEW = "new"
    SOON = "soon"
    LATE = "late"


URGENCIES: Mapping[Urgency, str] = {Urgency.NEW: "New", Urgency.SOON: "Waiting", Urgency.LATE: "Overdue"}


def urgency(since: datetime, due_at: datetime, now: datetime) -> Urgency:
    if now >= due_at:
        return Urgency.LATE
    return Urgency.SOON if now - since >= SOON_AFTER else Urgency.NEW


def span(length: timedelta) -> str:
    """A length of time in its two largest units: "12 s", "4 min", "2 h 10", "3 d 4 h"; never negative."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h" + (f" {minutes % 60:02}" if minutes % 60 else "")
    return f"{days} d" + (f" {hours % 24} h" if hours % 24 else "")


def clock_time(at: datetime, zone: str) -> str:
    """ "10:02 AM" there."""
    return at.astimezone(ZoneInfo(zone)).strftime("%I:%M %p").lstrip("0")


def day(at: datetime, zone: str, now: datetime) -> str:
    """ "Today", "Yesterday", or "Friday, November 20"; the year only when it is another one."""
    local, today = at.astimezone(ZoneInfo(zone)).date(), now.astimezone(ZoneInfo(zone)).date()
    if local == today:
        return "Today"
    if local == today - timedelta(days=1):
        return "Yesterday"
    return f"{local:%A, %B} {local.day}" + (f", {local.year}" if local.year != today.year else "")


def zone_name(at: datetime, zone: str) -> str:
    """What the time there is called at that moment: "CST"."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Z")


def moment(at: datetime, zone: str, now: datetime) -> str:
    """A day and a time, short: "10:02 AM" today, else "Nov 20, 10:02 AM"."""
    local = at.astimezone(ZoneInfo(zone))
    if local.date() == now.astimezone(ZoneInfo(zone)).date():
        return clock_time(at, zone)
    return f"{local:%b} {local.day}, {clock_time(at, zone)}"


def may(standing: Mapping[str, Any], zone: str, now: datetime) -> str:
    """Whether one purpose is permitted, in a few words; `standing` as in a consent summary."""
    match standing["state"]:
        case "inquired" | "opted_in":
            until = standing["until"]
            return "Yes" if until is None else f"Yes, until {moment(until, zone, now).partition(',')[0]}"
        case "opted_out":
            return "Opted out"
        case "pending":
            return "Not confirmed"
        case _:
            return "No"


def covered(number: str) -> str:
    """A number as a list may show it, with what tells two of them apart: "(312) •••-••71"."""
    written = national(number)
    digits = [place for place, character in enumerate(written) if character.isdigit()]
    keep = {*digits[:3], *digits[-2:]}
    return "".join("•" if place in digits and place not in keep else c for place, c in enumerate(written))


def called(name: str | None, number: str | None) -> str:
    """The person's name, else their covered number."""
    return name or (covered(number) if number else "Nobody in particular")


def standing(value: Standing, has_it: str | None) -> str:
    match value:
        case Standing.AI:
            return "AI"
        case Standing.YOU:
            return "You"
        case Standing.COLLEAGUE:
            return has_it or "A colleague"
        case Standing.HANDED_OFF:
            return "Handed over"
        case Standing.DRAFTS:
            return "AI drafts"
        case Standing.NOBODY:
            return "AI is off"


def speaker(said: Said, agent: str) -> str:
    """Who wrote a text; `agent` is the name of whoever reads."""
    match said.author:
        case Author.AI:
            return "AI"
        case Author.AGENT:
            return "You" if said.author_name == agent else said.author_name or "Staff"
        case Author.SYSTEM:
            return "Automatic notice"
        case Author.LEAD:
            return "Lead"


def last_line(row: Row) -> str:
    """The newest text of a row on one line, with who said it."""
    words = " ".join(row.last_words.split()) or ("Picture" if row.last_pictures else "")
    prefix = {Author.AI: "AI: ", Author.AGENT: "Staff: ", Author.SYSTEM: "Notice: "}
    return prefix.get(row.last_author, "") + words if row.last_author else "No texts yet"


def in_words(value: str) -> str:
    """An enumerated name that has no words of its own: "price_match" as "price match"."""
    return value.replace("_", " ")


def reason_of(kind: str, reason: str | None) -> str:
    """Why there is a task, in words; "" where it says no more than the kind, or only names a rule."""
    if reason is None or reason == kind or "." in reason:
        return ""
    return because(reason) or in_words(reason)


def method_of(kind: str, method: str | None) -> str:
    """How a person let us know; of a hold, and of what the carrier did by itself, there is nothing to add."""
    return "" if kind.endswith(("hold", "held", "resume", "block")) else METHODS.get(method or "", "")


def left_unsent(said: Said) -> bool:
    """Whether a text of ours has stayed with us, or was refused when it was handed over."""
    return said.direction is Direction.OUTBOUND and said.state in (State.BLOCKED, State.CANCELED, State.FAILED)


def is_draft(said: Said) -> bool:
    """Whether these are words that a person may still send."""
    return said.direction is Direction.OUTBOUND and said.state is State.BLOCKED and said.reason == "DRAFT_ONLY"
