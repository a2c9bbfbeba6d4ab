"""The consent passport as one page to print: no script, nothing loaded, everything escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from conversations.explaining import because
from privacy import verify_passport

KINDS = {
    "inquiry": "They asked",
    "opt_in_pending": "They were asked to confirm",
    "opt_in": "They agreed",
    "start": "They asked for texts again",
    "opt_out": "They opted out of all texts",
    "opt_out_partial": "They opted out of some texts",
    "voice_opt_out": "They asked not to be called",
    "help": "They asked for help",
    "hold": "Held: their words may be an opt-out",
    "resume": "The hold was lifted",
    "carrier_block": "The carrier blocked texts",
    "carrier_unblock": "The carrier lifted its block",
    "restrict": "Processing was restricted",
    "unrestrict": "The restriction was lifted",
    "erased": "Evidence was erased",
    "unverified": "A list said that they agreed, without evidence",
}
AUTHORS = {"ai": "Automated text", "agent": "Text of a member of staff", "system": "Automated notice"}
STATES = {
    "queued": "not sent yet",
    "deferred": "not sent yet",
    "sending": "on its way",
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "sent, not delivered",
    "failed": "failed",
    "blocked": "not sent",
    "canceled": "not sent",
    "unknown": "may have been sent",
}
OUTCOMES = {"allow": "allowed", "defer": "put off", "block": "refused"}
# What an event covers that names no purposes.
COVERS = {
    "inquiry": "answers for a day, follow-ups about it for 90 days",
    "opt_in": "everything but marketing",
    "start": "everything but marketing",
    "opt_out": "everything",
}
STANDINGS = {"inquired": "they asked", "opted_in": "agreed", "opted_out": "opted out", "pending": "not confirmed yet"}
# What was said, by the name it has in the evidence; the rest follows as it is.
SAID = {"disclosure": "They were shown", "words": "They wrote", "note": "Staff noted", "question": "They were asked"}
PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)


def page(document: Mapping[str, Any]) -> str:
    """The passport as HTML, with the verdict of its own check."""
    flaw = next(verify_passport.flaws(document), None)
    zone = ZoneInfo(document["tenant"]["zone"])
    sent = [m for m in document["messages"] if m["direction"] == "outbound" and _was_sent(m)]
    decisions: dict[str, list[Any]] = {}
    for decision in document["decisions"]:
        decisions.setdefault(decision["message_id"], []).append(decision)

    def time(written: str) -> str:
        at = verify_passport.moment(written)
        return f"{_clock(at.astimezone(zone))} ({at.strftime('%Y-%m-%d %H:%M:%S')} UTC)"

    return PAGES.get_template("passport.html").render(
        p=document,
        flaw=flaw,
        facts={
            "events": len(document["events"]),
            "erased": sum(event["evidence"] is None for event in document["events"]),
            "sealed": max(
                (verify_passport.known_to(seal, document["contact"]) for seal in document["seals"]), default=0
            ),
            "sent": len(sent),
            "compliance": sum(message["purpose"] == "compliance" for message in sent),
        },
        standing=_standing(document),
        zone=document["tenant"]["zone"],
        time=time,
        words_of=_words_of,
        rest_of=_rest_of,
        seq_of={event["id"]: event["seq"] for event in document["events"]},
        decisions=decisions,
        kinds=KINDS,
        covers=lambda event: ", ".join(event["purposes"]) or COVERS.get(event["kind"], ""),
        authors=AUTHORS,
        states=STATES,
        outcomes=OUTCOMES,
        reasons=lambda reason: because(reason) or reason,
    )


def _was_sent(message: Mapping[str, Any]) -> bool:
    return verify_passport.text(message, verify_passport.moment).was_sent


def _clock(at: datetime) -> str:
    return f"{at.day} {at.strftime('%B %Y, %H:%M:%S %Z')}"


def _words_of(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    evidence = event["evidence"]
    return [(label, str(evidence[name])) for name, label in SAID.items() if evidence.get(name)]


def _rest_of(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What else the evidence holds, by its own names."""
    rest = [(name, value) for name, value in sorted(event["evidence"].items()) if name not in SAID]
    return [(name.replace("_", " "), _shown(value)) for name, value in rest if value not in (None, "", [], {})]


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_shown, value))
        case dict():
            return "; ".join(f"{name}: {_shown(one)}" for name, one in value.items())
        case _:
            return str(value)


def _standing(document: Mapping[str, Any]) -> str:
    """What may be sent as things stand, in words."""
    state = document["contact"]["consent"] or {}
    if state.get("opted_out"):
        return f"opted out of everything since event {_seq(document, state['opted_out'][0])}"
    said = []
    for name, words in (
        ("held", "held until a person decides"),
        ("carrier_blocked", "blocked by the carrier"),
        ("restricted", "processing restricted"),
    ):
        if state.get(name):
            said.append(f"{words} since event {_seq(document, state[name][0])}")
    for purpose, standing in sorted((state.get("purposes") or {}).items()):
        until = f" until {standing[4][:10]}" if standing[4] else ""
        said.append(f"{purpose}: {STANDINGS.get(standing[0], standing[0])}, event {_seq(document, standing[1])}{until}")
    return "; ".join(said) or "nothing agreed"


def _seq(document: Mapping[str, Any], event_id: str) -> str:
    return next((str(event["seq"]) for event in document["events"] if event["id"] == event_id), "?")
