"""What a contact agreed to, as a fold over the ledger's events. Pure.

`state_after(state, event)` is the whole meaning of an event. The folded state is kept on the contact's row so that a
decision costs the same however long the ledger is; `consent verify` folds again and compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from consent.purposes import CONSENTED, RESTORED_BY_START, Purpose

REPLY_LASTS = timedelta(hours=24)  # a text of theirs permits answers for a day
INQUIRY_LASTS = timedelta(days=90)  # 47 CFR 64.1200(f)(5): an inquiry counts for three months
QUESTION_LASTS = timedelta(hours=72)  # C-066: how long a yes answers the question whether they want texts


class EventKind(StrEnum):
    INQUIRY = "inquiry"  # they wrote, called or asked by form: an answer is welcome
    OPT_IN_PENDING = "opt_in_pending"
    OPT_IN = "opt_in"
    START = "start"  # START after an opt-out: the purposes that it names come back, by default all but marketing
    OPT_OUT = "opt_out"
    OPT_OUT_PARTIAL = "opt_out_partial"
    VOICE_OPT_OUT = "voice_opt_out"
    HELP = "help"
    HOLD = "hold"
    RESUME = "resume"
    CARRIER_BLOCK = "carrier_block"
    CARRIER_UNBLOCK = "carrier_unblock"
    RESTRICT = "restrict"
    UNRESTRICT = "unrestrict"
    ERASED = "erased"
    UNVERIFIED = "unverified"  # a list says that they agreed and shows nothing for it: permits nothing (C-068)


class Basis(StrEnum):
    """How much was agreed to: a text, an inquiry, a tick or a spoken yes, a signature."""

    CONVERSATIONAL = "conversational"
    INQUIRY = "inquiry"
    EXPRESS = "express"
    EXPRESS_WRITTEN = "express_written"


class PurposeState(StrEnum):
    NONE = "none"
    INQUIRED = "inquired"
    PENDING = "pending"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


class Overall(StrEnum):
    """The most restrictive reading, for people and the REST interface."""

    UNKNOWN = "unknown"
    INQUIRED = "inquired"
    PENDING = "pending"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the fold needs to know of one event. `purposes` empty means all that a person can agree to."""

    id: UUID
    kind: EventKind
    at: datetime
    purposes: tuple[Purpose, ...] = ()
    basis: Basis | None = None
    method: str = ""


@dataclass(frozen=True, slots=True)
class PurposeConsent:
    """The standing of one purpose: since when, by which event, and until when it lasts (None: until revoked)."""

    state: PurposeState
    event_id: UUID
    since: datetime
    basis: Basis | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A switch that is on: by which event and since when. `purposes` and `basis`: what an open question asks for."""

    event_id: UUID
    since: datetime
    purposes: tuple[Purpose, ...] = ()
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class ConsentState:
    purposes: Mapping[Purpose, PurposeConsent] = field(default_factory=lambda: MappingProxyType({}))
    opted_out: Mark | None = None  # everything, on every number and channel of the tenant
    held: Mark | None = None
    pending: Mark | None = None
    carrier_blocked: Mark | None = None
    restricted: Mark | None = None
    voice_opted_out: Mark | None = None
    since: datetime | None = None  # of the last change of the overall reading
    source: str | None = None  # the method of that change

    def at(self, now: datetime) -> ConsentState:
        """The state at this moment: a question that nobody has answered in time is none any more."""
        over = self.pending is not None and now - self.pending.since >= QUESTION_LASTS
        return replace(self, pending=None) if over else self

    def overall(self, now: datetime) -> Overall:
        if self.opted_out:
            return Overall.OPTED_OUT
        if self.held:
            return Overall.HELD
        states = {p.state for p in self.purposes.values() if p.until is None or now < p.until}
        if PurposeState.OPTED_IN in states:
            return Overall.OPTED_IN
        if self.at(now).pending:
            return Overall.PENDING
        if PurposeState.INQUIRED in states:
            return Overall.INQUIRED
        return Overall.OPTED_OUT if PurposeState.OPTED_OUT in states else Overall.UNKNOWN


NOTHING = ConsentState()


def state_after(state: ConsentState, event: LedgerEntry) -> ConsentState:
    """The state once `event` is in the ledger. Only an opt-in (START, a new yes) ends an opt-out."""
    mark = Mark(event.id, event.at)
    match event.kind:
        case EventKind.INQUIRY:
            changed = _with_inquiry(state, event)
        case EventKind.OPT_IN_PENDING:
            changed = replace(state, pending=replace(mark, purposes=event.purposes, basis=event.basis))
        case EventKind.OPT_IN:
            changed = _with_opt_in(state, event, event.purposes or RESTORED_BY_START)
        case EventKind.START:
            changed = _with_opt_in(state, event, event.purposes or RESTORED_BY_START)
        case EventKind.OPT_OUT:
            changed = _with_opt_out(replace(state, opted_out=mark, pending=None, held=None), event, CONSENTED)
        case EventKind.OPT_OUT_PARTIAL:
            changed = _with_opt_out(replace(state, pending=_asked_less(state.pending, event)), event, event.purposes)
        case EventKind.VOICE_OPT_OUT:
            changed = replace(state, voice_opted_out=mark)
        case EventKind.HOLD:
            changed = state if state.held else replace(state, held=mark)
        case EventKind.RESUME:
            changed = replace(state, held=None)
        case EventKind.CARRIER_BLOCK:
            changed = replace(state, carrier_blocked=mark)
        case EventKind.CARRIER_UNBLOCK:
            changed = replace(state, carrier_blocked=None)
        case EventKind.RESTRICT:
            changed = replace(state, restricted=mark)
        case EventKind.UNRESTRICT:
            changed = replace(state, restricted=None)
        case EventKind.HELP | EventKind.ERASED | EventKind.UNVERIFIED:
            return state
    if state.since is not None and changed.overall(event.at) is state.overall(event.at):
        return changed
    return replace(changed, since=event.at, source=event.method or event.kind.value)


def fold(events: Iterable[LedgerEntry]) -> ConsentState:
    """The state after all of `events`, oldest first."""
    state = NOTHING
    for event in events:
        state = state_after(state, event)
    return state


def _with_inquiry(state: ConsentState, event: LedgerEntry) -> ConsentState:
    """Their text permits a reply for a day and follow-ups for 90; it undoes no opt-out and weakens no yes.

    An event that names purposes grants those of the two only: a form names `inquiry`, as no text of theirs is there
    to reply to.
    """
    if state.opted_out:
        return state
    purposes = dict(state.purposes)
    for purpose, lasts in ((Purpose.REPLY, REPLY_LASTS), (Purpose.INQUIRY, INQUIRY_LASTS)):
        if event.purposes and purpose not in event.purposes:
            continue
        standing = purposes.get(purpose)
        if standing and standing.state is PurposeState.OPTED_OUT:
            continue
        if purpose is Purpose.INQUIRY and standing and standing.state is PurposeState.OPTED_IN:
            continue
        if standing and standing.until and standing.until >= event.at + lasts:
            continue  # a text that is found late shortens nothing
        basis = Basis.CONVERSATIONAL if purpose is Purpose.REPLY else Basis.INQUIRY
        purposes[purpose] = PurposeConsent(PurposeState.INQUIRED, event.id, event.at, basis, event.at + lasts)
    return replace(state, purposes=MappingProxyType(purposes))


def _with_opt_in(state: ConsentState, event: LedgerEntry, granted: Iterable[Purpose]) -> ConsentState:
    purposes = dict(state.purposes)
    for purpose in granted:
        standing = purposes.get(purpose)
        written = standing and standing.state is PurposeState.OPTED_IN and standing.basis is Basis.EXPRESS_WRITTEN
        if written and event.basis is not Basis.EXPRESS_WRITTEN:
            continue  # a plain yes weakens no signature
        # A reply always rests on a text of theirs: START is one, a form or a signature is not.
        until = event.at + REPLY_LASTS if purpose is Purpose.REPLY else None
        purposes[purpose] = PurposeConsent(
            PurposeState.OPTED_IN, event.id, event.at, event.basis or Basis.EXPRESS, until
        )
    return replace(state, purposes=MappingProxyType(purposes), opted_out=None, pending=None, held=None)


def _asked_less(asked: Mark | None, event: LedgerEntry) -> Mark | None:
    """The open question without what they have just ended: a later yes does not bring that back."""
    if asked is None or not asked.purposes:
        return asked
    left = tuple(purpose for purpose in asked.purposes if purpose not in event.purposes)
    return replace(asked, purposes=left) if left else None


def _with_opt_out(state: ConsentState, event: LedgerEntry, ended: Iterable[Purpose]) -> ConsentState:
    purposes = dict(state.purposes)
    for purpose in ended:
        purposes[purpose] = PurposeConsent(PurposeState.OPTED_OUT, event.id, event.at)
    return replace(state, purposes=MappingProxyType(purposes))


def state_to_json(state: ConsentState) -> dict[str, Any]:
    """The state as plain JSON values, for the contact's row."""

    def mark(value: Mark | None) -> list[Any] | None:
        if value is None:
            return None
        asked = [[p.value for p in value.purposes], value.basis] if value.purposes or value.basis else []
        return [str(value.event_id), value.since.isoformat(), *asked]

    return {
        "purposes": {
            purpose.value: [
                standing.state.value,
                str(standing.event_id),
                standing.since.isoformat(),
                standing.basis.value if standing.basis else None,
                standing.until.isoformat() if standing.until else None,
            ]
            for purpose, standing in sorted(state.purposes.items())
        },
        "opted_out": mark(state.opted_out),
        "held": mark(state.held),
        "pending": mark(state.pending),
        "carrier_blocked": mark(state.carrier_blocked),
        "restricted": mark(state.restricted),
        "voice_opted_out": mark(state.voice_opted_out),
        "since": state.since.isoformat() if state.since else None,
        "source": state.source,
    }


def state_from_json(value: Mapping[str, Any] | None) -> ConsentState:
    """The inverse of `state_to_json`; None and {} are the state of somebody unknown."""
    if not value:
        return NOTHING

    def at(text: str) -> datetime:
        return datetime.fromisoformat(text)

    def mark(key: str) -> Mark | None:
        stored = value.get(key)
        if stored is None:
            return None
        event_id, since, *asked = stored
        if not asked:
            return Mark(UUID(event_id), at(since))
        purposes, basis = asked
        return Mark(UUID(event_id), at(since), tuple(Purpose(p) for p in purposes), Basis(basis) if basis else None)

    return ConsentState(
        purposes=MappingProxyType(
            {
                Purpose(purpose): PurposeConsent(
                    PurposeState(state),
                    UUID(event_id),
                    at(since),
                    Basis(basis) if basis else None,
                    at(until) if until else None,
                )
                for purpose, (state, event_id, since, basis, until) in value["purposes"].items()
            }
        ),
        opted_out=mark("opted_out"),
        held=mark("held"),
        pending=mark("pending"),
        carrier_blocked=mark("carrier_blocked"),
        restricted=mark("restricted"),
        voice_opted_out=mark("voice_opted_out"),
        since=at(value["since"]) if value.get("since") else None,
        source=value.get("source"),
    )
