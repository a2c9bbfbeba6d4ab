"""Why a text left or stayed, in plain words: the reasons, and what a permission rests on. Pure."""

from __future__ import annotations

from consent.state import Basis
from smsbot.gateways.carrier_errors import action_for

MEANINGS = {
    "OPTED_OUT": "the person has opted out",
    "HELD": "their words may be an opt-out that is not settled yet",
    "NO_CONSENT": "there is no consent for it",
    "PURPOSE": "the consent that there is does not cover its purpose",
    "QUIET_HOURS": "it is outside the hours in which it may be sent",
    "CAP": "a limit on how many texts a person gets was reached",
    "AI_LIMIT": "a limit on automated answers was reached",
    "PAUSED": "sending was paused",
    "MODE_OFF": "automated answers are off",
    "DRAFT_ONLY": "answers are drafted for a person, not sent",
    "TAKEOVER": "a person has the conversation",
    "NEWER_TEXT": "a newer text came in, and one answer covers both",
    "BLOCKED_CONTACT": "staff blocked this person",
    "WRONG_NUMBER": "this is the wrong number",
    "NOT_INTERESTED": "the person is not interested",
    "REACTION": "their text was a reaction or an acknowledgement",
    "AUTO_REPLY": "their text was an automatic one",
    "OTP": "their text was a one-time code",
    "CARRIER_BLOCKED": "the carrier blocks this person for our sender",
    "CARRIER_ANSWERS": "the carrier answers this word itself",
    "RESTRICTED": "processing is restricted for this person",
    "LANDLINE": "the number is a landline",
    "INVALID_NUMBER": "no text can be sent to such an address",
    "COUNTRY": "the country is not enabled",
    "UNREACHABLE": "the carrier says that no text can arrive there",
    "STALE": "it was too late to be useful",
    "SPEND_CAP": "a spending limit was reached",
    "REPEAT_CALL": "the same call was answered already",
    "KILL_SWITCH": "all sending was stopped",
    "NO_CREDENTIALS": "the tenant has no working carrier credentials",
    "CONTENT": "there was nothing in it that could be sent",
}

# The codes that people meet, in words of their own; the others are told in the carrier's.
CODES = {
    21610: "the carrier blocks texts to this number",
    30001: "the carrier's queue was full",
    30003: "no answer from their phone, it is off or out of reach",
    30004: "the carrier or their phone blocks this text",
    30005: "the carrier knows no phone with this number",
    30006: "the number is a landline or takes no texts",
    30007: "the carrier took it for spam",
    30008: "the carrier does not say why",
    30017: "the carrier's network was too busy",
}

# What an allowing rule of the policy means: `consent.<purpose>.<basis>`.
GROUNDS = {
    Basis.CONVERSATIONAL: "they texted us",
    Basis.INQUIRY: "they asked us about it",
    Basis.EXPRESS: "they agreed to it",
    Basis.EXPRESS_WRITTEN: "they agreed to it in writing",
}
# By the kind of a one-shot permit.
PERMITS = {
    "opt_out_confirmation": "an opt-out is confirmed once",
    "help": "they asked for help",
    "opt_in_confirmation": "an opt-in is confirmed once",
    "opt_out_category": "the end of promotions is confirmed once",
    "opt_in_question": "they are asked once whether they meant it",
}


def because(reason: str | None) -> str:
    """What a reason of the contract means; "" for none and for one that nobody knows."""
    if reason is None:
        return ""
    code = reason.removeprefix("CARRIER_")
    if code != reason and reason not in MEANINGS:
        return _refusal(int(code)) if code.isdecimal() else ""
    return MEANINGS.get(reason, "")


def _refusal(code: int) -> str:
    """What a code of the carrier means, with the code where it is looked up; 0 for none."""
    if code == 0:
        return "the carrier refused or lost it and gave no code"
    words = CODES.get(code) or action_for(code).message
    return f"{words} (code {code})" if words else f"the carrier refused or lost it with code {code}"


def ground(rule: str, permit: str | None) -> str:
    """Why a rule allowed a text: the end of a sentence that begins with "because". `permit` is the kind of one, or None."""
    if permit is not None:
        return PERMITS[permit]
    basis = rule.rpartition(".")[2]
    return GROUNDS[Basis(basis)] if basis in set(Basis) else "their consent covers it"
