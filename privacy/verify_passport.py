#!/usr/bin/env python3
"""Checks a consent passport offline: the file that says why each text to one number was sent.

    python3 verify_passport.py passport.json [--seal HASH]

It needs Python 3.9 or newer, nothing else, and no network. It checks, in this order:

1. each event: its evidence against the evidence's hash, its columns against its own hash, its place in the chain;
2. the end of the chain against what the ledger's owner kept beside it;
3. the seals: each one's hash, what its tree proves of this number, and that the events it knows are here unchanged;
4. that the state of consent is what the events say;
5. every text that was allowed or sent: it names an event that existed and had not been taken back, a decision allowed
   it at that moment, inside its window, and none followed an opt-out but what a one-shot permit covers;
6. the words of inbound texts against the evidence, and the whole file against its own checksum.

Exit code 0 when all of it holds, 1 with the first thing that does not, 2 when the file cannot be read as a passport.

With --seal, one of the file's seals must have this hash and know this number. Seals are written to the service's log
as they are made, so what a seal knows that was kept elsewhere was not written anew since. It binds the events up to a
place that the summary names, and through their hashes the evidence. It binds nothing else: texts, decisions, permits
and callbacks, and events after that place, are in the file by the word of whoever made it. The checks 4 to 6 and the
checksum find what does not fit together; they do not find a text that was left out together with its decision, or
other words in a text that was sent. Without --seal everything rests on that word.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

FORMAT = "smsbot consent passport 2"
HEX = re.compile(r"(?:[0-9a-f]{2})*")
COMPLIANCE, MARKETING = "compliance", "marketing"
# What an opt-out ends. START and a plain opt-in bring back all but marketing unless they name purposes themselves.
PURPOSES = ("reply", "inquiry", "appointment", "notification", MARKETING)
CONFIRMS_OPT_OUT = "opt_out_confirmation"  # the kind of permit
RESTORED = ("reply", "inquiry", "appointment", "notification")
GRANTS = ("inquiry", "opt_in", "start")
STOPS = ("opt_out", "opt_out_partial", "carrier_block", "restrict", "hold")
ON_ITS_WAY = ("sending", "sent", "delivered", "undelivered", "unknown")
# Two clocks are compared where the ledger's own order does not say: their difference, and a wait for the row's lock.
CLOCKS_AGREE_WITHIN = timedelta(seconds=6)
# Seals are made each minute. Where so many ledgers grew that they took turns, an event had its seal within this time.
SEALED_WITHIN = timedelta(days=1)
WORD_ONLY = "texts, decisions, permits and callbacks, that none was left out, and events that no kept seal knows"
# The tree of a seal: five steps of sixteen branches lead to a bucket of contacts.
DEPTH, BRANCHES, EMPTY = 5, 16, bytes(32)


class Flaw(NamedTuple):
    """Something that is not as it must be: `kind` is event, contact, seal, message or file."""

    kind: str
    id: str | None
    seq: int | None
    what: str

    def __str__(self) -> str:
        where = self.kind
        if self.id:
            where += f" {self.id}"
        if self.seq is not None:
            where += f", seq {self.seq}"
        return f"{where}: {self.what}"


class Event(NamedTuple):
    """What the reading of texts needs of one consent event."""

    id: str
    seq: int
    kind: str
    purposes: tuple[str, ...]
    basis: str | None
    recorded_at: datetime


class Permit(NamedTuple):
    """Permission for one compliance text, tied to the event that caused it."""

    id: str
    event_id: str
    kind: str
    expires_at: datetime
    used_by: str | None


class Allowed(NamedTuple):
    """A decision that let a text go. `known_seq`: how much of the ledger it knew, None where that was not written."""

    message_id: str
    at: datetime
    purpose: str
    event_id: str | None
    permit_id: str | None
    window_open: bool | None
    consent_until: datetime | None
    known_seq: int | None


class Text(NamedTuple):
    """An outbound text."""

    id: str
    purpose: str | None
    automated: bool
    event_id: str | None
    permit_id: str | None
    sending_at: datetime | None
    was_sent: bool


class Stops(NamedTuple):
    """What forbids texts once some of the events have happened."""

    opt_out: Event | None = None  # the last one, and the one since which they have not come back
    out_since: Event | None = None
    hold: Event | None = None
    carrier_block: Event | None = None
    restrict: Event | None = None
    ended: Mapping[str, Event] = {}  # purposes that are over now, and since which event
    last_end: Mapping[str, Event] = {}  # the last event that ended a purpose, whether it came back or not


def stops_after(events: Sequence[Event]) -> list[Stops]:
    """What forbids texts after none, one, two … of the events: one more entry than there are events."""
    stops = Stops()
    found = [stops]
    for event in events:
        stops = _next_stops(stops, event)
        found.append(stops)
    return found


def _next_stops(stops: Stops, event: Event) -> Stops:
    if event.kind in ("opt_out", "opt_out_partial"):
        ends = dict.fromkeys(PURPOSES if event.kind == "opt_out" else event.purposes, event)
        stops = stops._replace(ended={**stops.ended, **ends}, last_end={**stops.last_end, **ends})
        if event.kind == "opt_out":
            return stops._replace(opt_out=event, out_since=stops.out_since or event, hold=None)
        return stops
    if event.kind in ("opt_in", "start"):
        restored = event.purposes or RESTORED
        still = {purpose: end for purpose, end in stops.ended.items() if purpose not in restored}
        return stops._replace(opt_out=None, out_since=None, hold=None, ended=still)
    if event.kind == "hold":
        return stops if stops.hold else stops._replace(hold=event)
    if event.kind == "resume":
        return stops._replace(hold=None)
    if event.kind in ("carrier_block", "carrier_unblock"):
        return stops._replace(carrier_block=event if event.kind == "carrier_block" else None)
    if event.kind in ("restrict", "unrestrict"):
        return stops._replace(restrict=event if event.kind == "restrict" else None)
    return stops


def wrong_sends(
    events: Sequence[Event], permits: Mapping[str, Permit], allowed: Iterable[Allowed], texts: Iterable[Text]
) -> Iterator[Flaw]:
    """Each decision and each text that the events do not bear out. `events` are one number's, in their order."""
    by_id = {event.id: event for event in events}
    stops = stops_after(events)
    every_text = {text.id: text for text in texts}
    let_go: dict[str, list[Allowed]] = {}
    for one in allowed:
        text = every_text.get(one.message_id)
        let_go.setdefault(one.message_id, []).append(one)
        if text is None:
            yield Flaw("message", one.message_id, None, "was allowed and is not here")
            continue
        relied = by_id.get(one.event_id or "")
        what = _objection(one, text, relied, events, stops, permits.get(one.permit_id or ""))
        if what is not None:
            yield Flaw("message", one.message_id, relied.seq if relied else None, what)
    for text in every_text.values():
        what = _objection_to_text(text, let_go.get(text.id, ())) if text.was_sent else None
        if what is not None:
            relied = by_id.get(text.event_id or "")
            yield Flaw("message", text.id, relied.seq if relied else None, what)


def _objection(
    one: Allowed,
    text: Text,
    relied: Event | None,
    events: Sequence[Event],
    stops: Sequence[Stops],
    permit: Permit | None,
) -> str | None:
    """Why this decision should not have let the text go; None when it was right to."""
    if one.event_id is None:
        return "was allowed without a consent event"
    if relied is None:
        return f"rests on the consent event {one.event_id}, which is not in the ledger"
    known = one.known_seq if one.known_seq is not None else _known_at(one.at, relied, events)
    if known > len(events):
        return f"was allowed when the ledger had {known} events, and it has {len(events)}"
    if relied.seq > known:
        return f"rests on the consent event {relied.id}, which came later"
    if events[known - 1].recorded_at > one.at + CLOCKS_AGREE_WITHIN:
        return f"says that it knew the event {events[known - 1].id}, which was recorded later"
    for event in events[known:]:
        if event.recorded_at >= one.at - CLOCKS_AGREE_WITHIN:
            break
        if event.kind in STOPS:
            return f"did not heed the {_words(event.kind)} {event.id}, which had been recorded before"
    if one.window_open is False and one.purpose != COMPLIANCE:
        return "was allowed outside the hours in which it may be sent"
    if one.consent_until is not None and one.at >= one.consent_until:
        return "rests on consent that was over by then"
    if one.purpose == COMPLIANCE:
        return _objection_to_permit(one, relied, stops[known], permit)
    return _objection_to_consent(one, text, relied, stops[known])


def _known_at(at: datetime, relied: Event, events: Sequence[Event]) -> int:
    """How many events a decision at `at` knew that does not say so itself: those before it, and what it rests on."""
    low, high = 0, len(events)
    while low < high:  # times grow along a chain
        middle = (low + high) // 2
        if events[middle].recorded_at < at:
            low = middle + 1
        else:
            high = middle
    return max(low, relied.seq if relied.recorded_at <= at + CLOCKS_AGREE_WITHIN else 0)


def _objection_to_permit(one: Allowed, relied: Event, stops: Stops, permit: Permit | None) -> str | None:
    if permit is None:
        return "was allowed as a compliance text without a permit"
    if permit.event_id != relied.id:
        return f"rests on another consent event than its permit {permit.id}"
    if permit.used_by != one.message_id:
        return f"rests on the permit {permit.id}, which was used for another text"
    if one.at >= permit.expires_at:
        return f"rests on the permit {permit.id}, which was over by then"
    if stops.carrier_block is not None:
        return f"was allowed after the carrier block {stops.carrier_block.id}"
    # Who says it twice is told once: the confirmation of the first may leave after the second.
    latest = stops.out_since if permit.kind == CONFIRMS_OPT_OUT else stops.opt_out
    if stops.opt_out is not None and latest is not None and relied.seq < latest.seq:
        return f"was allowed after the opt-out {stops.opt_out.id}, which came after what its permit is for"
    return None


def _objection_to_consent(one: Allowed, text: Text, relied: Event, stops: Stops) -> str | None:
    if stops.opt_out is not None:
        return f"was allowed after the opt-out {stops.opt_out.id}"
    if one.purpose in stops.ended:
        return f"was allowed after {stops.ended[one.purpose].id} had ended texts of its purpose"
    for event in (stops.carrier_block, stops.restrict, stops.hold if text.automated else None):
        if event is not None:
            return f"was allowed after the {_words(event.kind)} {event.id}"
    last_end = stops.last_end.get(one.purpose)
    if last_end is not None and relied.seq < last_end.seq:
        return f"rests on consent that {last_end.id} had taken back"
    if relied.kind not in GRANTS:
        return f"rests on an event that permits nothing: {_words(relied.kind)}"
    if relied.purposes and one.purpose not in relied.purposes:
        return f"rests on consent to {', '.join(relied.purposes)}, and its purpose is {one.purpose}"
    if one.purpose == MARKETING and (relied.kind != "opt_in" or relied.basis != "express_written"):
        return "is marketing and rests on no written consent"
    return None


def _objection_to_text(text: Text, let_go: Sequence[Allowed]) -> str | None:
    """What is wrong with how a text that was sent and its decisions fit together."""
    if text.event_id is None:
        return "was sent without a consent event"
    if text.sending_at is None:
        return "was sent and never passed the gate"
    fitting = [one for one in let_go if one.at == text.sending_at]
    if not fitting:
        return "was sent, and no decision allowed it at that moment"
    if fitting[-1].event_id != text.event_id:
        return "names another consent event than the decision that allowed it"
    if fitting[-1].purpose != text.purpose:
        return "has another purpose than the decision that allowed it"
    if text.purpose == COMPLIANCE and fitting[-1].permit_id != text.permit_id:
        return "names another permit than the decision that allowed it"
    return None


def _words(kind: str) -> str:
    kind = "restriction" if kind == "restrict" else kind
    return kind.replace("_", "-") if kind.startswith("opt") else kind.replace("_", " ")


# ---- the file --------------------------------------------------------------------------------------------------------


class Unreadable(Exception):
    """The file is no passport."""


def canonical_json(value: Any) -> bytes:
    """One spelling for one value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def checksum(document: Mapping[str, Any]) -> str:
    """SHA-256 of everything in the document but its own `sha256`."""
    return hashlib.sha256(canonical_json({k: v for k, v in document.items() if k != "sha256"})).hexdigest()


def flaws(document: Mapping[str, Any]) -> Iterator[Flaw]:
    """Everything that is wrong with a passport, in the order of the module's list. Raises Unreadable."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Unreadable(f'it does not begin with "format": "{FORMAT}"')
    parts = ("events", "messages", "decisions", "permits", "seals")
    missing = [name for name in parts if not _is_list_of_objects(document.get(name))]
    missing += [name for name in ("contact", "tenant") if not isinstance(document.get(name), dict)]
    if missing:
        raise Unreadable(f"it has no {', '.join(missing)}")
    broken = False
    for flaw in _checked(document):
        broken = True
        yield flaw
    if document.get("sha256") != _checksum_or_none(document):
        what = "is not as it was exported: its checksum does not fit"
        yield Flaw("file", None, None, what if broken else f"{what}, though the ledger in it is whole")


def _checked(document: dict[str, Any]) -> Iterator[Flaw]:
    contact, tenant = document["contact"], document["tenant"]
    erased_through = max((_seq(e) for e in document["events"] if e.get("kind") == "erased"), default=0)
    hashes: dict[int, Any] = {}
    prev: Any = ""
    seen: set[Any] = set()
    readable = True
    for place, event in enumerate(document["events"], start=1):
        what = _objection_to_event(event, prev, tenant.get("id"), contact.get("id"), erased_through)
        if event.get("seq") != place or type(event.get("seq")) is not int:
            what = f"stands where event {place} should be: that one is missing or moved"
        elif str(event.get("id")) in seen:
            what = "is here twice"
        if what is not None:
            readable = False
            yield Flaw("event", _id(event), _seq(event), what)
        seen.add(str(event.get("id")))
        prev = event.get("hash")
        hashes[place] = prev
    count = len(document["events"])
    if contact.get("ledger_seq") != count or contact.get("ledger_hash") != prev:
        readable = False
        what = f"its ledger ends with event {contact.get('ledger_seq')}, and what is here ends with event {count}"
        if contact.get("ledger_seq") == count:
            what = "its ledger ends with another hash than the last event here"
        yield Flaw("contact", _id(contact), count, what)
    yield from _wrong_seals(document, hashes)
    if not readable:
        return  # what follows reads the events
    try:
        yield from _wrong_readings(document)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        yield Flaw("file", None, None, f"its messages, decisions or permits cannot be read: {error!r}")


def _objection_to_event(
    event: Mapping[str, Any], prev: Any, tenant_id: Any, contact_id: Any, erased_through: int
) -> str | None:
    try:
        if event["hash"] != event_hash(event):
            return "was changed"
        if event["prev_hash"] != prev:
            return "does not follow the event before it: one is missing, moved or changed"
        if (event["tenant_id"], event["contact_id"]) != (tenant_id, contact_id):
            return "belongs to somebody else"
        if event["evidence"] is None and event["salt"] is None:
            if event["seq"] >= erased_through:
                return "lost its evidence, and no erasure was recorded after it"
        elif event["evidence_hash"] != evidence_hash(event):
            return "has evidence that was changed"
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return f"cannot be read: {error!r}"
    return None


# The columns of an event that its hash covers; their names are hashed with them.
HASHED = (
    "id", "tenant_id", "contact_id", "seq", "kind", "purposes", "basis", "channel", "scope", "method", "at",
    "recorded_at", "rule", "rule_version", "message_id", "actor_kind", "actor_id", "evidence_hash",
)  # fmt: skip


def event_hash(event: Mapping[str, Any]) -> str:
    """SHA-256 over the previous hash and the canonical JSON of the event's columns, times in UTC as +00:00."""
    columns = {name: event[name] for name in HASHED}
    for name in ("at", "recorded_at"):
        columns[name] = _utc(columns[name])
    return hashlib.sha256(_bytes(event["prev_hash"]) + canonical_json(columns)).hexdigest()


def evidence_hash(event: Mapping[str, Any]) -> str:
    """SHA-256 over the salt and the canonical JSON of the evidence."""
    return hashlib.sha256(_bytes(event["salt"]) + canonical_json(event["evidence"])).hexdigest()


def seal_hash(seal: Mapping[str, Any]) -> str:
    """SHA-256 over the previous seal's hash and the canonical JSON of what the seal binds, by its version.

    Version 1 binds [seq, at, ends], the ends of everybody's ledgers that grew; version 2 [2, seq, at, root].
    """
    content = [seal["seq"], _utc(seal["at"]), seal["ends"]]
    if seal["version"] != 1:
        content = [seal["version"], seal["seq"], _utc(seal["at"]), seal["root"]]
    return hashlib.sha256(_bytes(seal["prev_hash"]) + canonical_json(content)).hexdigest()


def key_of(tenant_id: str, contact_id: str) -> str:
    """Where a contact stands in the trees of the seals, and nowhere else."""
    return hashlib.sha256(f"{tenant_id}/{contact_id}".encode()).hexdigest()


def end_of(seq: int, digest: str) -> str:
    """What stands there when its chain has `seq` events and `digest` is the last one's hash."""
    return hashlib.sha256(seq.to_bytes(8, "big") + _bytes(digest)).hexdigest()


def root_of(seal: Mapping[str, Any], key: str) -> str:
    """The root to which the bucket at this key leads through the branches beside it."""
    bucket, nodes = seal["bucket"], seal["nodes"]
    keys = [one for one, _ in bucket]
    if keys != sorted(set(keys)) or any(one[:DEPTH] != key[:DEPTH] or len(one) != len(key) for one in keys):
        raise ValueError("the bucket holds what does not belong there")
    content = b"".join(_bytes(one) + _bytes(value) for one, value in bucket)
    if len(content) != 2 * len(EMPTY) * len(bucket) or len(nodes) != DEPTH:
        raise ValueError("the path has another form")
    here = hashlib.sha256(b"\x01" + content).digest() if bucket else EMPTY
    for depth in reversed(range(DEPTH)):
        beside = {int(branch, BRANCHES): _bytes(digest) for branch, digest in nodes[depth].items()}
        taken = int(key[depth], BRANCHES)
        if taken in beside or any(len(digest) != len(EMPTY) for digest in beside.values()):
            raise ValueError("the path has another form")
        children = [here if branch == taken else beside.get(branch, EMPTY) for branch in range(BRANCHES)]
        here = EMPTY if set(children) == {EMPTY} else hashlib.sha256(b"\x02" + b"".join(children)).digest()
    return here.hex()


def known_to(seal: Mapping[str, Any], contact: Mapping[str, Any]) -> int:
    """How many events of this contact a seal says to know by itself."""
    return max((end[1] for end in seal["ends"] if end[0] == contact.get("id")), default=0)


def bound_by(document: Mapping[str, Any], seal_hash: str) -> int | None:
    """How many events the seal with this hash binds, with those of version 1 before it; None where it is not here.

    Only for a document without a flaw.
    """
    seals = document["seals"]
    kept = next((one for one in seals if one["hash"] == seal_hash), None)
    if kept is None:
        return None
    one_by_one = [one for one in seals if one["version"] == 1 == kept["version"] and one["seq"] <= kept["seq"]]
    return max(known_to(one, document["contact"]) for one in [kept, *one_by_one])


def _wrong_seals(document: Mapping[str, Any], hashes: Mapping[int, Any]) -> Iterator[Flaw]:
    """What the seals know of this contact, against the events; nothing in the file is believed about how much it is.

    One of version 2 proves it by itself: its tree has one place for this contact. One of version 1 lists what grew
    since the one before, so all of them from the very first must be here.
    """
    seals, contact, tenant = document["seals"], document["contact"], document["tenant"]
    key = key_of(tenant.get("id"), contact.get("id"))
    before: Mapping[str, Any] = {"version": 1, "seq": 0, "hash": ""}
    sealed = 0
    for seal in seals:
        try:
            what = _objection_to_seal(seal, before, key, contact)
            if what is not None:
                yield Flaw("seal", None, _seq(seal), what)
            known = known_to(seal, contact)
            if known and hashes.get(known) != next(end[2] for end in seal["ends"] if end[0] == contact.get("id")):
                yield Flaw("event", None, known, f"is gone or changed: seal {seal['seq']} knows another one")
            if known < sealed and seal["version"] != 1:
                yield Flaw("seal", None, _seq(seal), f"knows {known} events, and one before it knew {sealed}")
            # A seal of version 2 says nothing about what those of version 1 knew.
            sealed = known if seal["version"] != 1 else 0
            late = _left_out(document, known, moment(seal["at"])) if seal["version"] != 1 else None
            if late is not None:
                yield Flaw("event", _id(late), _seq(late), f"is not in seal {seal['seq']}, which was made later")
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
            yield Flaw("seal", None, _seq(seal), f"cannot be read: {error!r}")
            return
        before = seal
    if sealed != contact.get("sealed_seq"):
        what = f"was sealed up to event {contact.get('sealed_seq')}, and the seals here reach event {sealed}"
        yield Flaw("contact", _id(contact), sealed, what)


def _objection_to_seal(
    seal: Mapping[str, Any], before: Mapping[str, Any], key: str, contact: Mapping[str, Any]
) -> str | None:
    if type(seal["version"]) is not int or seal["version"] not in (1, 2):
        return "is of a version that nobody writes"
    if seal["hash"] != seal_hash(seal):
        return "was changed"
    follows = (seal["prev_hash"], seal["seq"]) == (before["hash"], before["seq"] + 1)
    if seal["version"] == 1:
        fits = follows and before["version"] == 1
        return None if fits else "does not follow the seal before it: one is missing or moved"
    if seal["seq"] <= before["seq"] or (seal["seq"] == before["seq"] + 1 and not follows):
        return "does not follow the seal before it: one is missing or moved"
    if seal["root"] != root_of(seal, key):
        return "has another tree than the path here leads to"
    here = [value for one, value in seal["bucket"] if one == key]
    if here != [end_of(seq, digest) for _, seq, digest in seal["ends"]]:
        return "knows another end of this ledger than is written beside it"
    if any(end[0] != contact.get("id") for end in seal["ends"]):
        return "has the end of somebody else's ledger beside it"
    return None


def _left_out(document: Mapping[str, Any], known: int, at: datetime) -> Mapping[str, Any] | None:
    """The first event that was recorded long before a seal was made which does not know it."""
    beyond: Sequence[Mapping[str, Any]] = document["events"][known : known + 1]  # times grow along a chain
    return next((event for event in beyond if moment(event["recorded_at"]) < at - SEALED_WITHIN), None)


def _wrong_readings(document: Mapping[str, Any]) -> Iterator[Flaw]:
    """What the events mean, against the kept state, the texts and their words."""
    events = [
        Event(e["id"], e["seq"], e["kind"], tuple(e["purposes"]), e["basis"], moment(e["recorded_at"]))
        for e in document["events"]
    ]
    state = document["contact"]["consent"] or {}
    stops = stops_after(events)[-1]
    marks = {
        "opted_out": stops.opt_out,
        "held": stops.hold,
        "carrier_blocked": stops.carrier_block,
        "restricted": stops.restrict,
    }
    for name, event in marks.items():
        kept = state.get(name)
        if (kept[0] if kept else None) != (event.id if event else None):
            said = f"since {event.id}" if event else "no"
            yield Flaw("contact", _id(document["contact"]), None, f"{_words(name)}: the events say {said}")
    for purpose in PURPOSES:
        standing = (state.get("purposes") or {}).get(purpose)
        is_over = standing is not None and standing[0] == "opted_out"
        if is_over != (purpose in stops.ended):
            yield Flaw("contact", _id(document["contact"]), None, f"its state of {purpose} is not what the events say")
    permits = {
        p["id"]: Permit(p["id"], p["event_id"], p["kind"], moment(p["expires_at"]), p["used_by"])
        for p in document["permits"]
    }
    outbound = [m for m in document["messages"] if m["direction"] == "outbound"]
    yield from wrong_sends(
        events,
        permits,
        [allowed(d, moment) for d in document["decisions"] if d["outcome"] == "allow"],
        [text(m, moment) for m in outbound],
    )
    bodies = {m["id"]: m["body"] for m in document["messages"] if m["direction"] == "inbound"}
    for event in document["events"]:
        words = (event["evidence"] or {}).get("words")
        body = bodies.get(event["message_id"])
        if words and body and words != body:  # a body may have been erased, never written anew
            what = f"has other words than event {event['seq']} has as evidence"
            yield Flaw("message", event["message_id"], event["seq"], what)


def allowed(decision: Mapping[str, Any], time: Any) -> Allowed:
    """A row of decisions that allowed a text; `time` makes a datetime of what stands in its columns."""
    inputs = decision["inputs"]
    window, standing = inputs.get("window"), inputs.get("standing")
    until = standing[3] if standing else None
    return Allowed(
        str(decision["message_id"]),
        time(decision["at"]),
        str(decision["purpose"]),
        _text_or_none(decision["consent_event_id"]),
        _text_or_none(decision["permit_id"]),
        bool(window[0]) if window else None,
        moment(until) if until and decision["purpose"] != COMPLIANCE else None,
        inputs.get("ledger_seq"),
    )


def text(message: Mapping[str, Any], time: Any) -> Text:
    """An outbound row of messages. One that failed after the carrier had taken it was sent as well."""
    sending_at = message["sending_at"]
    return Text(
        str(message["id"]),
        _text_or_none(message["purpose"]),
        message["author"] != "agent",
        _text_or_none(message["consent_event_id"]),
        _text_or_none(message["permit_id"]),
        time(sending_at) if sending_at else None,
        bool(message["provider_sid"]) or message["state"] in ON_ITS_WAY,
    )


def moment(written: str) -> datetime:
    """A time as the passport writes it, aware."""
    found = datetime.fromisoformat(_utc(written))
    if found.tzinfo is None:
        raise ValueError(f"a time without its zone: {written}")
    return found


def _utc(written: Any) -> str:
    if not isinstance(written, str):
        raise ValueError("a time is a text")
    return written[:-1] + "+00:00" if written.endswith("Z") else written


def _bytes(written: Any) -> bytes:
    if not isinstance(written, str) or not HEX.fullmatch(written):
        raise ValueError("a hash is written in small hexadecimal digits")
    return bytes.fromhex(written)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def _id(row: Mapping[str, Any]) -> str | None:
    return _text_or_none(row.get("id"))


def _seq(row: Mapping[str, Any]) -> int:
    seq = row.get("seq")
    return seq if type(seq) is int else 0


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _checksum_or_none(document: Mapping[str, Any]) -> str | None:
    try:
        return checksum(document)
    except (TypeError, ValueError):  # half a surrogate pair, say
        return None


def read(path: str) -> dict[str, Any]:
    """The document in a file. Raises Unreadable, saying why."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is not JSON") from error
    if not isinstance(document, dict):
        raise Unreadable("it is not a JSON object")
    return document


def summary(document: Mapping[str, Any], kept: str | None = None) -> str:
    """What holds of a passport without a flaw, in a few lines. `kept`: the hash of a seal that was kept elsewhere."""
    events, seals = document["events"], document["seals"]
    outbound = [m for m in document["messages"] if m["direction"] == "outbound"]
    sent = sum(1 for m in outbound if text(m, moment).was_sent)
    erased = sum(1 for e in events if e["evidence"] is None)
    sealed = max((known_to(one, document["contact"]) for one in seals), default=0)
    bound = None if kept is None else bound_by(document, kept)
    lines = [
        f"ok: {document['contact'].get('address')} at {document['tenant'].get('name')}",
        f"{len(events)} consent events in an unbroken chain, {erased} with evidence that was erased and says so",
        f"{len(seals)} seals, which know the chain up to event {sealed}",
        f"{sent} texts sent, each on a consent event that stood; {len(outbound) - sent} not sent",
    ]
    if seals:
        lines.append(f"newest seal: {seals[-1]['seq']} of {seals[-1]['at']}, {seals[-1]['hash']}")
    if bound is None:
        lines.append("proven by nothing that was kept elsewhere: give --seal with the hash of a seal that you kept")
    else:
        lines.append(f"proven by the seal that was kept: the events up to {bound} of {len(events)} and their evidence")
    lines.append(f"by the word of whoever made this file: {WORD_ONLY}")
    return "\n".join([*lines, f"checksum of this file: {document['sha256']}"])


def main(arguments: Sequence[str]) -> int:
    """Check the file that the arguments name; returns the exit code."""
    paths = list(arguments)
    seal = None
    if "--seal" in paths[:-1]:
        place = paths.index("--seal")
        seal = paths[place + 1]
        del paths[place : place + 2]
    if len(paths) != 1 or paths[0].startswith("-"):
        sys.stderr.write("usage: verify_passport.py FILE [--seal HASH]\n")
        return 2
    try:
        document = read(paths[0])
        flaw = next(flaws(document), None)
    except (Unreadable, RecursionError) as error:
        sys.stderr.write(f"{paths[0]}: cannot be read as a passport: {error}\n")
        return 2
    kept = None if seal is None else re.sub("[^0-9a-f]", "", seal.lower())  # as the log writes it, with dashes, too
    if flaw is None and kept is not None:
        bound = bound_by(document, kept)
        if bound is None:
            what = "is not among the seals of this file; it can be made with it: consent export --seal HASH"
            flaw = Flaw("seal", kept, None, what)
        elif bound == 0:
            flaw = Flaw("seal", kept, None, "knows no event of this number, so it proves nothing here")
    if flaw is not None:
        sys.stdout.write(f"BROKEN: {flaw}\n")
        return 1
    sys.stdout.write(summary(document, kept) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
