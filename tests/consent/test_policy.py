"""The policy as a table: purpose, standing and author on one side, what may happen with the text on the other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.policy import Allow, Block, Cap, Decision, Defer, PermitFacts, SendFacts, Window, decide, facts_to_json
from consent.purposes import CONSENTED, Purpose, Reason
from consent.replay import facts_from_json
from consent.state import NOTHING, Basis, ConsentState, EventKind, LedgerEntry, fold

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
DAY = timedelta(days=1)
EVENT, OTHER_EVENT, PERMIT = UUID(int=7), UUID(int=8), UUID(int=9)


def entry(
    kind: EventKind,
    ago: timedelta,
    purposes: tuple[Purpose, ...] = (),
    basis: Basis | None = None,
    event_id: UUID = EVENT,
) -> LedgerEntry:
    return LedgerEntry(event_id, kind, NOW - ago, purposes, basis)


WRITTEN = entry(EventKind.OPT_IN, 2 * DAY, CONSENTED, Basis.EXPRESS_WRITTEN)
STATES: dict[str, ConsentState] = {
    "unknown": NOTHING,
    "inquired just now": fold([entry(EventKind.INQUIRY, timedelta())]),
    "inquired within the day": fold([entry(EventKind.INQUIRY, DAY - timedelta(seconds=1))]),
    "inquired a day ago": fold([entry(EventKind.INQUIRY, DAY)]),
    "inquired 90 days ago": fold([entry(EventKind.INQUIRY, 90 * DAY)]),
    "pending": fold([entry(EventKind.OPT_IN_PENDING, timedelta())]),
    "express": fold([entry(EventKind.OPT_IN, 2 * DAY, basis=Basis.EXPRESS)]),
    "express for all": fold([entry(EventKind.OPT_IN, 2 * DAY, CONSENTED, Basis.EXPRESS)]),
    "written": fold([WRITTEN]),
    "opted out": fold([WRITTEN, entry(EventKind.OPT_OUT, timedelta(hours=1))]),
    "held": fold([WRITTEN, entry(EventKind.HOLD, timedelta(hours=1))]),
    "carrier blocked": fold([WRITTEN, entry(EventKind.CARRIER_BLOCK, timedelta(hours=1))]),
    "restricted": fold([WRITTEN, entry(EventKind.RESTRICT, timedelta(hours=1))]),
    "partial": fold([WRITTEN, entry(EventKind.OPT_OUT_PARTIAL, timedelta(hours=1), (Purpose.MARKETING,))]),
}
PURPOSES = (
    Purpose.REPLY,
    Purpose.INQUIRY,
    Purpose.APPOINTMENT,
    Purpose.NOTIFICATION,
    Purpose.MARKETING,
    Purpose.ACCOUNT,
    Purpose.COMPLIANCE,
)
YES, NO = "allow", "NO_CONSENT"
# One row per standing, one column per purpose in the order above: what a text that no person wrote gets.
AUTOMATED: dict[str, tuple[str, ...]] = {
    "unknown": (NO, NO, NO, NO, NO, "PURPOSE", NO),
    "inquired just now": (YES, YES, NO, NO, NO, "PURPOSE", NO),
    "inquired within the day": (YES, YES, NO, NO, NO, "PURPOSE", NO),
    "inquired a day ago": (NO, YES, NO, NO, NO, "PURPOSE", NO),
    "inquired 90 days ago": (NO, NO, NO, NO, NO, "PURPOSE", NO),
    "pending": (NO, NO, NO, NO, NO, "PURPOSE", NO),
    "express": (NO, YES, YES, YES, NO, "PURPOSE", NO),
    "express for all": (NO, YES, YES, YES, "PURPOSE", "PURPOSE", NO),
    "written": (NO, YES, YES, YES, YES, "PURPOSE", NO),
    "opted out": ("OPTED_OUT",) * 7,
    "held": (*("HELD",) * 6, NO),
    "carrier blocked": ("CARRIER_BLOCKED",) * 7,
    "restricted": (*("RESTRICTED",) * 6, NO),
    "partial": (NO, YES, YES, YES, "OPTED_OUT", "PURPOSE", NO),
}
AGENT = AUTOMATED | {"held": AUTOMATED["written"]}  # a hold stops what is automatic and leaves the rest to people


def facts(purpose: Purpose, state: ConsentState, **changes: Any) -> SendFacts:
    usual: dict[str, Any] = {
        "purpose": purpose,
        "now": NOW,
        "state": state,
        "automated": True,
        "textable": True,
        "country": "US",
        "countries": frozenset({"US", "CA"}),
    }
    return SendFacts(**(usual | changes))


def short(decision: Decision) -> str:
    match decision:
        case Allow():
            return YES
        case Defer(_, _, reason):
            return f"defer {reason.value}"
        case Block(_, reason):
            return reason.value


@pytest.mark.parametrize("automated", [True, False], ids=["automated", "agent"])
@pytest.mark.parametrize("standing", STATES)
def test_a_text_needs_the_consent_of_its_purpose(standing: str, automated: bool) -> None:
    expected = (AUTOMATED if automated else AGENT)[standing]

    decided = tuple(short(decide(facts(purpose, STATES[standing], automated=automated))) for purpose in PURPOSES)

    assert decided == expected


def test_an_allowed_text_names_the_event_that_allows_it() -> None:
    state = fold([WRITTEN, entry(EventKind.INQUIRY, timedelta(), event_id=OTHER_EVENT)])

    assert decide(facts(Purpose.MARKETING, state)) == Allow("consent.marketing.express_written", EVENT)
    assert decide(facts(Purpose.REPLY, state)) == Allow("consent.reply.conversational", OTHER_EVENT)


UNUSED = PermitFacts(PERMIT, EVENT, NOW + timedelta(minutes=5), used=False)


@pytest.mark.parametrize(
    ("standing", "permit", "expected"),
    [
        ("opted out", UNUSED, YES),
        ("held", UNUSED, YES),
        ("unknown", UNUSED, YES),
        ("restricted", UNUSED, YES),
        ("opted out", replace(UNUSED, used=True), "OPTED_OUT"),
        ("unknown", replace(UNUSED, used=True), "NO_CONSENT"),
        ("opted out", replace(UNUSED, expires_at=NOW), "STALE"),
        ("opted out", replace(UNUSED, expires_at=NOW + timedelta(seconds=1)), YES),
        ("carrier blocked", UNUSED, "CARRIER_BLOCKED"),
    ],
)
def test_a_permit_lets_one_compliance_text_pass_until_it_expires(
    standing: str, permit: PermitFacts, expected: str
) -> None:
    assert short(decide(facts(Purpose.COMPLIANCE, STATES[standing], permit=permit))) == expected


@pytest.mark.parametrize(
    "pause",
    [
        {"tenant_paused": True},
        {"sending_stopped": True},
        {"taken_over": True},
        {"mode_off": True},
        {"draft_only": True},
        {"newer_text": True},
        {"contact_blocked": True},
        {"wrong_number": True},
        {"window": Window(False, NOW + DAY, "quiet")},
    ],
    ids=lambda pause: next(iter(pause)),
)
def test_the_confirmation_of_an_opt_out_outlives_every_pause_of_ours(pause: dict[str, Any]) -> None:
    decision = decide(facts(Purpose.COMPLIANCE, STATES["opted out"], permit=UNUSED, **pause))

    assert decision == Allow("permit", EVENT, PERMIT)


FRESH = STATES["inquired just now"]


@pytest.mark.parametrize(
    ("change", "automated", "agent"),
    [
        ({"textable": False}, "INVALID_NUMBER", "INVALID_NUMBER"),
        ({"country": "GB"}, "COUNTRY", "COUNTRY"),
        ({"country": None}, "COUNTRY", "COUNTRY"),
        ({"has_credentials": False}, "NO_CREDENTIALS", "NO_CREDENTIALS"),
        ({"stale_after": NOW - timedelta(seconds=1)}, "STALE", "STALE"),
        ({"stale_after": NOW}, YES, YES),
        ({"number_reconciling": True}, "defer PAUSED", "defer PAUSED"),
        ({"number_paused_until": NOW + timedelta(minutes=1)}, "defer PAUSED", "defer PAUSED"),
        ({"number_paused_until": NOW}, YES, YES),
        ({"contact_blocked": True}, "BLOCKED_CONTACT", "BLOCKED_CONTACT"),
        ({"unreachable_code": 30006}, "UNREACHABLE", "UNREACHABLE"),
        ({"wrong_number": True}, "WRONG_NUMBER", YES),
        ({"sending_stopped": True}, "KILL_SWITCH", "KILL_SWITCH"),
        ({"tenant_paused": True}, "PAUSED", "PAUSED"),
        ({"newer_text": True}, "NEWER_TEXT", YES),
        ({"taken_over": True}, "TAKEOVER", YES),
        ({"mode_off": True}, "MODE_OFF", YES),
        ({"draft_only": True}, "DRAFT_ONLY", YES),
        ({"window": Window(False, NOW + DAY, "quiet")}, "defer QUIET_HOURS", "defer QUIET_HOURS"),
        ({"window": Window(True, NOW, "quiet")}, YES, YES),
        ({"caps": (Cap(True, NOW + DAY, Reason.CAP, "cap.day"),)}, "defer CAP", "defer CAP"),
        ({"caps": (Cap(True, None, Reason.CAP, "cap.day"),)}, "CAP", "CAP"),
        ({"caps": (Cap(True, NOW + DAY, Reason.SPEND_CAP, "cap.spend"),)}, "SPEND_CAP", "SPEND_CAP"),
        ({"caps": (Cap(False, None, Reason.CAP, "cap.day"),)}, YES, YES),
    ],
    ids=str,
)
def test_each_circumstance_has_its_own_reason(change: dict[str, Any], automated: str, agent: str) -> None:
    assert short(decide(facts(Purpose.REPLY, FRESH, **change))) == automated
    assert short(decide(facts(Purpose.REPLY, FRESH, automated=False, **change))) == agent


def test_what_is_put_off_names_the_instant_at_which_it_is_decided_again() -> None:
    paused = decide(facts(Purpose.REPLY, FRESH, number_paused_until=NOW + DAY))
    quiet = decide(facts(Purpose.REPLY, FRESH, window=Window(False, NOW + 2 * DAY, "quiet")))

    assert (paused, quiet) == (
        Defer("number.paused", NOW + DAY, Reason.PAUSED),
        Defer("quiet", NOW + 2 * DAY, Reason.QUIET_HOURS),
    )


instants = st.integers(-100 * 86_400, 40 * 86_400).map(lambda s: NOW + timedelta(seconds=s))
maybe_instants = st.none() | instants
ids = st.uuids()
entries = st.builds(
    LedgerEntry,
    id=ids,
    kind=st.sampled_from(EventKind),
    at=instants,
    purposes=st.lists(st.sampled_from(CONSENTED), unique=True).map(tuple),
    basis=st.none() | st.sampled_from(Basis),
)
any_state = st.lists(entries, max_size=6).map(fold)
any_facts = st.builds(
    SendFacts,
    purpose=st.sampled_from(Purpose),
    now=st.just(NOW),
    state=any_state,
    automated=st.booleans(),
    textable=st.sampled_from([True, True, True, False]),
    country=st.sampled_from(["US", "CA", "GB", None]),
    countries=st.just(frozenset({"US", "CA"})),
    in_reply_to_at=maybe_instants,
    permit=st.none() | st.builds(PermitFacts, ids, ids, instants, st.booleans()),
    unreachable_code=st.none() | st.just(30006),
    number_paused_until=maybe_instants,
    stale_after=maybe_instants,
    window=st.none() | st.builds(Window, st.booleans(), instants, st.just("rule")),
    caps=st.lists(
        st.builds(Cap, st.booleans(), maybe_instants, st.sampled_from([Reason.CAP, Reason.SPEND_CAP]), st.just("cap")),
        max_size=2,
    ).map(tuple),
)


@given(any_facts, st.data())
def test_an_opt_out_beats_everything_but_its_permit(some: SendFacts, data: st.DataObject) -> None:
    state = fold([entry(EventKind.OPT_OUT, timedelta(minutes=1))])
    decision = decide(replace(some, state=state))

    if isinstance(decision, Allow):
        assert some.purpose is Purpose.COMPLIANCE
        assert some.permit is not None
        assert not some.permit.used
        assert decision == Allow("permit", some.permit.event_id, some.permit.id)


@given(any_facts)
def test_only_a_standing_or_a_permit_ever_allows_a_text(some: SendFacts) -> None:
    decision = decide(some)

    if isinstance(decision, Allow):
        standing = some.state.purposes.get(some.purpose)
        by_standing = standing is not None and decision.consent_event_id == standing.event_id
        by_permit = some.permit is not None and decision.permit_id == some.permit.id
        assert by_standing or by_permit


@given(any_facts)
def test_the_recorded_inputs_decide_the_same_again(some: SendFacts) -> None:
    stored = json.loads(json.dumps(facts_to_json(some)))

    assert decide(facts_from_json(stored, purpose=some.purpose, now=some.now)) == decide(some)
