"""Whether a text may leave: facts in, a decision out. Pure.

The order of the checks is the order of what wins: an opt-out beats everything but its own one-shot permit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.purposes import Purpose, Reason
from consent.state import Basis, ConsentState, PurposeConsent, PurposeState

POLICY_VERSION = "2026-11-20.2"
LANDLINES = frozenset({"landline"})  # Twilio Lookup, line_type_intelligence: what no SMS reaches


@dataclass(frozen=True, slots=True)
class Allow:
    """May leave, on the strength of this consent event (None only for texts to staff) or permit."""

    rule: str
    consent_event_id: UUID | None
    permit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now: decided again at `until`."""

    rule: str
    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Block:
    rule: str
    reason: Reason


Decision = Allow | Defer | Block


@dataclass(frozen=True, slots=True)
class PermitFacts:
    id: UUID
    event_id: UUID
    expires_at: datetime
    used: bool
    outlived: bool = False  # an opt-out came after it; or it confirms one that a START has ended


@dataclass(frozen=True, slots=True)
class Window:
    """When a class of text may be sent: open now, or the instant it opens next (None: not as things stand).

    `zone`, `source` and `local` say how late it is where they are, and how we know; `send_class`, `zones`, `states`
    and `country` are what other tables would be asked with.
    """

    open: bool
    opens_at: datetime | None
    rule: str
    zone: str = ""
    source: str = ""
    local: str = ""
    send_class: str = ""
    zones: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit that counts what was sent: whether it is reached, and when it has room again (None: not by itself)."""

    reached: bool
    frees_at: datetime | None
    reason: Reason
    rule: str


@dataclass(frozen=True, slots=True)
class SendFacts:
    """All that the decision rests on. `automated` is what no person wrote. Times are aware."""

    purpose: Purpose
    now: datetime
    state: ConsentState
    automated: bool
    textable: bool  # the address is a telephone number that SMS or MMS reaches
    country: str | None
    countries: frozenset[str]
    in_reply_to_at: datetime | None = None  # when the text that this answers arrived
    permit: PermitFacts | None = None
    contact_blocked: bool = False
    wrong_number: bool = False
    unreachable_code: int | None = None
    tenant_paused: bool = False
    sending_stopped: bool = False
    number_paused_until: datetime | None = None
    number_reconciling: bool = False
    has_credentials: bool = True
    stale_after: datetime | None = None
    line_type: str | None = None  # the carrier's word for the kind of line, when it was asked lately
    newer_text: bool = False
    taken_over: bool = False
    mode_off: bool = False
    draft_only: bool = False
    window: Window | None = None  # None: no window applies to this purpose at this moment
    caps: tuple[Cap, ...] = ()


def decide(facts: SendFacts) -> Decision:
    """What may happen with this text at `facts.now`."""
    return (
        _undeliverable(facts)
        or (_compliance(facts) if facts.purpose is Purpose.COMPLIANCE else None)
        or _stopped(facts)
        or _conversation(facts)
        or _consent(facts)
    )


def _undeliverable(facts: SendFacts) -> Decision | None:
    """What no permission could change."""
    if not facts.textable:
        return Block("address.not_a_number", Reason.INVALID_NUMBER)
    if facts.country not in facts.countries:
        return Block("country.not_enabled", Reason.COUNTRY)
    if not facts.has_credentials:
        return Block("credentials.missing", Reason.NO_CREDENTIALS)
    if facts.stale_after is not None and facts.now > facts.stale_after:
        return Block("time.too_late_to_be_useful", Reason.STALE)
    if facts.number_reconciling:
        # Until our inbound texts are complete again, a STOP that we missed may be among them.
        return Defer("number.reconciling", _soon(facts.now), Reason.PAUSED)
    if facts.number_paused_until is not None and facts.now < facts.number_paused_until:
        return Defer("number.paused", facts.number_paused_until, Reason.PAUSED)
    return None


def _compliance(facts: SendFacts) -> Decision:
    """A one-shot permit beats the opt-out it confirms, a pause, a hold and a person's takeover, and nothing else does."""
    permit = facts.permit
    if facts.state.carrier_blocked:
        # The carrier would refuse it, and a run of such refusals endangers the sender's standing.
        return Block("state.carrier_blocked", Reason.CARRIER_BLOCKED)
    if facts.line_type in LANDLINES:
        return Block("contact.landline", Reason.LANDLINE)
    if permit is None or permit.used:
        return Block("permit.missing_or_used", Reason.OPTED_OUT if facts.state.opted_out else Reason.NO_CONSENT)
    if permit.outlived:
        return Block("permit.outlived", Reason.OPTED_OUT if facts.state.opted_out else Reason.NEWER_TEXT)
    if facts.now >= permit.expires_at:
        return Block("permit.expired", Reason.STALE)  # 47 CFR 64.1200(a)(12): within five minutes or not at all
    return Allow("permit", permit.event_id, permit.id)


def _stopped(facts: SendFacts) -> Decision | None:
    """What ends sending to this person, or of this tenant, as a whole."""
    if facts.state.opted_out:
        return Block("state.opted_out", Reason.OPTED_OUT)
    if facts.state.carrier_blocked:
        return Block("state.carrier_blocked", Reason.CARRIER_BLOCKED)
    if facts.state.restricted:
        return Block("state.restricted", Reason.RESTRICTED)
    if facts.contact_blocked:
        return Block("contact.blocked", Reason.BLOCKED_CONTACT)
    if facts.unreachable_code is not None:
        return Block("contact.unreachable", Reason.UNREACHABLE)
    if facts.line_type in LANDLINES:
        return Block("contact.landline", Reason.LANDLINE)
    if facts.wrong_number and facts.automated:
        return Block("contact.wrong_number", Reason.WRONG_NUMBER)
    if facts.state.held and facts.automated:
        return Block("state.held", Reason.HELD)
    if facts.sending_stopped:
        return Block("tenant.kill_switch", Reason.KILL_SWITCH)
    if facts.tenant_paused:
        return Block("tenant.paused", Reason.PAUSED)
    return None


def _conversation(facts: SendFacts) -> Decision | None:
    """A newer text, a person, or the tenant's mode keeps an automated text back."""
    if not facts.automated:
        return None
    if facts.newer_text:
        return Block("conversation.newer_text", Reason.NEWER_TEXT)
    if facts.taken_over:
        return Block("conversation.taken_over", Reason.TAKEOVER)
    if facts.mode_off:
        return Block("mode.off", Reason.MODE_OFF)
    if facts.draft_only:
        return Block("mode.draft", Reason.DRAFT_ONLY)
    return None


def _consent(facts: SendFacts) -> Decision:
    if facts.purpose is Purpose.ACCOUNT:
        return Block("purpose.account_is_for_staff", Reason.PURPOSE)
    standing = facts.state.purposes.get(facts.purpose)
    refused = _lack_of_consent(facts, standing)
    if refused is not None or standing is None:
        return refused or Block("consent.none", Reason.NO_CONSENT)
    closed = _closed(facts)
    if closed is not None:
        return closed
    for cap in facts.caps:
        if cap.reached:
            if cap.frees_at is not None and cap.reason is Reason.CAP:
                return Defer(cap.rule, cap.frees_at, cap.reason)
            return Block(cap.rule, cap.reason)
    basis = standing.basis.value if standing.basis else standing.state.value
    return Allow(f"consent.{facts.purpose.value}.{basis}", standing.event_id)


def _closed(facts: SendFacts) -> Defer | Block | None:
    window = facts.window
    if window is None or window.open:
        return None
    if window.opens_at is None:
        return Block(window.rule, Reason.QUIET_HOURS)
    if facts.stale_after is not None and window.opens_at > facts.stale_after:
        return Block("time.opens_too_late", Reason.STALE)  # C-082: not kept until it is of no use
    return Defer(window.rule, window.opens_at, Reason.QUIET_HOURS)


def _lack_of_consent(facts: SendFacts, standing: PurposeConsent | None) -> Block | None:
    if standing is None:
        return Block("consent.none", Reason.NO_CONSENT)
    if standing.state is PurposeState.OPTED_OUT:
        return Block("consent.purpose_opted_out", Reason.OPTED_OUT)
    if standing.state is PurposeState.PENDING:
        return Block("consent.pending", Reason.NO_CONSENT)
    if standing.until is not None and facts.now >= standing.until:
        return Block("consent.expired", Reason.NO_CONSENT)
    if facts.purpose is Purpose.MARKETING and standing.basis is not Basis.EXPRESS_WRITTEN:
        return Block("consent.not_written", Reason.PURPOSE)
    return None


def _soon(now: datetime) -> datetime:
    return datetime.fromtimestamp(now.timestamp() + 1, tz=now.tzinfo)


def facts_to_json(facts: SendFacts) -> dict[str, Any]:
    """The inputs of a decision as ids and values, without anything that identifies a person."""

    def at(value: datetime | None) -> str | None:
        return None if value is None else value.isoformat()

    standing = facts.state.purposes.get(facts.purpose)
    return {
        "automated": facts.automated,
        "textable": facts.textable,
        "country": facts.country,
        "countries": sorted(facts.countries),
        "in_reply_to_at": at(facts.in_reply_to_at),
        "opted_out": str(facts.state.opted_out.event_id) if facts.state.opted_out else None,
        "held": str(facts.state.held.event_id) if facts.state.held else None,
        "carrier_blocked": str(facts.state.carrier_blocked.event_id) if facts.state.carrier_blocked else None,
        "restricted": str(facts.state.restricted.event_id) if facts.state.restricted else None,
        "standing": None
        if standing is None
        else [standing.state.value, str(standing.event_id), standing.basis, at(standing.until)],
        "permit": None
        if facts.permit is None
        else [
            str(facts.permit.id),
            str(facts.permit.event_id),
            at(facts.permit.expires_at),
            facts.permit.used,
            facts.permit.outlived,
        ],
        "contact_blocked": facts.contact_blocked,
        "wrong_number": facts.wrong_number,
        "unreachable_code": facts.unreachable_code,
        "tenant_paused": facts.tenant_paused,
        "sending_stopped": facts.sending_stopped,
        "number_paused_until": at(facts.number_paused_until),
        "number_reconciling": facts.number_reconciling,
        "has_credentials": facts.has_credentials,
        "stale_after": at(facts.stale_after),
        "line_type": facts.line_type,
        "newer_text": facts.newer_text,
        "taken_over": facts.taken_over,
        "mode_off": facts.mode_off,
        "draft_only": facts.draft_only,
        "window": _window_to_json(facts.window),
        "caps": [[cap.reached, at(cap.frees_at), cap.reason.value, cap.rule] for cap in facts.caps],
    }


def _window_to_json(window: Window | None) -> list[Any] | None:
    if window is None:
        return None
    opens_at = window.opens_at.isoformat() if window.opens_at else None
    place = [window.send_class, list(window.zones), list(window.states), window.country]
    return [window.open, opens_at, window.rule, window.zone, window.source, window.local, *place]
