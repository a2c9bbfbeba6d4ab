"""The checker finds each broken promise in evidence that was broken on purpose, and nothing in evidence that was not."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.chaos import load, nemesis
from tests.chaos.checker import figures, violations
from tests.chaos.evidence import Evidence

ACCOUNT, TENANT, OURS, LEAD = "AC1", "t1", "+13125550100", "+12125550171"
REPLY, CONFIRMATION, HELP = "m-reply", "m-confirmation", "m-help"


def asks(sid: str, body: str, at: float) -> list[dict[str, Any]]:
    """The carrier's entries for a text that was told at `at` and acknowledged half a second later."""
    return [
        {"kind": "inbound", "sid": sid, "account": ACCOUNT, "to": OURS, "from": LEAD, "body": body, "mono": at},
        {"kind": "webhook", "sid": sid, "http": 200, "mono_sent": at, "mono": at + 0.5, "from": LEAD, "body": body},
    ]


def takes(message: str, at: float) -> list[dict[str, Any]]:
    """A request and its acceptance a tenth later."""
    sent = {
        "account": ACCOUNT,
        "to": LEAD,
        "from": OURS,
        "status_callback": f"http://127.0.0.1:8000/webhooks/twilio/sms/status/{message}#rc=5",
    }
    return [{"kind": "request", "mono": at, **sent}, {"kind": "accepted", "mono": at + 0.1, **sent}]


def inbound(row_id: str, sid: str, reason: str | None = None) -> dict[str, Any]:
    return {"id": row_id, "tenant": TENANT, "sid": sid, "person": LEAD, "reason": reason}


def outbound(row_id: str, answers: str, kind: str, *, state: str = "delivered") -> dict[str, Any]:
    author = "ai" if kind == "ai_reply" else "system"
    return {
        "id": row_id,
        "tenant": TENANT,
        "person": LEAD,
        "kind": kind,
        "author": author,
        "purpose": "reply" if author == "ai" else "compliance",
        "state": state,
        "reason": None,
        "sid": f"SM-{row_id}",
        "in_reply_to": answers,
        "repeat_of": None,
        "sending_at": 0.0,
    }


@pytest.fixture
def good() -> Evidence:
    """A question that was answered, a STOP that was confirmed, and a HELP after it that was answered."""
    return Evidence(
        seed=1,
        shops=[{"tenant": TENANT, "account": ACCOUNT, "number": OURS, "handling": "ours"}],
        acked={"SM1": 1.6, "SM2": 5.6, "SM3": 8.6},
        log=[
            *asks("SM1", "Are you open?", 1.0),
            *takes(REPLY, 2.0),
            *asks("SM2", "Stop", 5.0),
            *takes(CONFIRMATION, 6.0),
            *asks("SM3", "HELP", 8.0),
            *takes(HELP, 9.0),
        ],
        inbound=[inbound("i1", "SM1"), inbound("i2", "SM2"), inbound("i3", "SM3")],
        outbound=[
            outbound(REPLY, "i1", "ai_reply"),
            outbound(CONFIRMATION, "i2", "optout_confirmation"),
            outbound(HELP, "i3", "help"),
        ],
        reports=[{"message": REPLY, "sid": f"SM-{REPLY}", "status": status} for status in ("sent", "delivered")],
        work=[],
        went={REPLY: ["queued", "sending", "queued", "sending", "sent", "delivered"]},
        broken_ledgers=[],
        calm_at=20.0,
        drained_s=2.0,
        settled_s=3.0,
    )


def found_in(evidence: Evidence) -> set[str]:
    return {violation.invariant for violation in violations(evidence)}


def test_a_run_that_kept_every_promise_has_no_violation(good: Evidence) -> None:
    assert violations(good) == []
    counted = figures(good)
    assert (counted["inbound"], counted["acked"], counted["accepted"], counted["lost"]) == (3, 3, 3, 0)
    assert counted["reply_p50_s"] == 0.6


def _reply_at(at: float) -> Callable[[Evidence], None]:
    def change(evidence: Evidence) -> None:
        evidence.log = [e for e in evidence.log if REPLY not in e.get("status_callback", "")] + takes(REPLY, at)

    return change


BROKEN: dict[str, tuple[str, Callable[[Evidence], object]]] = {
    "an acknowledged text is not stored": ("I1", lambda e: e.inbound.pop(0)),
    "a text is stored twice": ("I1", lambda e: e.inbound.append(inbound("i9", "SM1", "OPTED_OUT"))),
    "a text is stored that nobody sent": ("I1", lambda e: e.inbound.append(inbound("i9", "SM9", "OPTED_OUT"))),
    "a text is stored with another person": ("I1", lambda e: e.inbound[0].update(person="+12125550172")),
    "a reply after the 200 of a STOP": ("I2", _reply_at(7.0)),
    "a reply that was asked for in time and taken too late": ("I2", _reply_at(5.45)),
    "a confirmation where the carrier confirms": ("I2", lambda e: e.shops[0].update(handling="twilio")),
    "an answer to a HELP from before the STOP": (
        "I2",
        lambda e: e.log.extend([*asks("SM0", "HELP", 0.0)]) or e.inbound[2].update(sid="SM0"),
    ),
    "two confirmations": (
        "I2",
        lambda e: (
            e.outbound.append(outbound("m9", "i1", "optout_confirmation")),
            e.log.extend(takes("m9", 6.5)),
        ),
    ),
    "a text without an outcome": ("I3", lambda e: e.outbound.pop(0)),
    "two answers to one text": (
        "I3",
        lambda e: e.outbound.append(outbound("m9", "i1", "ai_reply", state="unknown")),
    ),
    "one answer sent twice": ("I3", lambda e: e.log.extend(takes(REPLY, 3.0))),
    "sent, but not to the carrier": ("I3", lambda e: e.outbound.append(outbound("m9", "i9", "ai_reply"))),
    "canceled, and yet sent": ("I3", lambda e: e.outbound[0].update(state="canceled", reason="NEWER_TEXT")),
    "canceled for no reason": ("I3", lambda e: e.outbound[0].update(state="canceled")),
    "sent without a row": ("I3", lambda e: e.log.extend(takes("m9", 3.0))),
    "a ledger that does not verify": ("I5", lambda e: e.broken_ledgers.append("event 3 is missing")),
    "a state that went back": ("I6", lambda e: e.went.update({REPLY: ["delivered", "sent"]})),
    "a final state that changed": ("I6", lambda e: e.went.update({REPLY: ["delivered", "failed"]})),
    "a state behind its report": ("I6", lambda e: e.outbound[0].update(state="sent")),
    "another tenant's account": ("I7", lambda e: e.log[2].update(account="AC2")),
    "another sender": ("I7", lambda e: e.log[2].update({"from": "+13125550101"})),
    "too slow to drain": ("I8", lambda e: setattr(e, "drained_s", 61.0)),
    "never drained": ("I8", lambda e: setattr(e, "drained_s", None)),
    "never settled": ("I8", lambda e: setattr(e, "settled_s", None)),
    "forgotten in the middle": ("I8", lambda e: e.outbound[0].update(state="sending")),
    "put aside": (
        "I8",
        lambda e: e.work.append(
            {"kind": "reply", "ref": REPLY, "attempts": 8, "failure": "KeyError", "quarantined": True}
        ),
    ),
}


@pytest.mark.parametrize("name", BROKEN, ids=lambda name: name.replace(" ", "_"))
def test_the_checker_sees(name: str, good: Evidence) -> None:
    invariant, change = BROKEN[name]
    broken = deepcopy(good)
    change(broken)

    assert invariant in found_in(broken)


def test_a_start_lifts_the_silence_and_one_that_may_have_come_first_is_given_the_benefit(good: Evidence) -> None:
    good.log += [*asks("SM4", "START", 11.0), *asks("SM5", "And on Sunday?", 12.0), *takes("m-again", 13.0)]
    good.inbound += [inbound("i4", "SM4", "CARRIER_ANSWERS"), inbound("i5", "SM5")]
    good.outbound += [outbound("m-again", "i5", "ai_reply")]

    assert violations(good) == []


def test_evidence_can_be_kept_and_judged_again(good: Evidence, tmp_path: Any) -> None:
    good.save(tmp_path / "run.json")

    assert Evidence.load(tmp_path / "run.json") == good


def test_the_same_seed_plans_the_same_run_and_another_one_another() -> None:
    assert nemesis.plan(3, 60) == nemesis.plan(3, 60)
    assert nemesis.plan(3, 60) != nemesis.plan(4, 60)
    texts = load.plan(3, inbound=200, seconds=10, shops=2)
    assert texts == load.plan(3, inbound=200, seconds=10, shops=2)
    assert texts != load.plan(4, inbound=200, seconds=10, shops=2)
    assert len({text.sid for text in texts}) == 200


def test_a_longer_run_has_more_people_so_that_there_is_somebody_left_to_answer() -> None:
    def people(inbound: int) -> int:
        return len({text.person for text in load.plan(3, inbound=inbound, seconds=10, shops=2)})

    assert people(1_000) == 150
    assert people(7_500) > 1_000


def test_forty_seconds_are_enough_for_every_kind_of_harm() -> None:
    for seed in range(1, 6):
        harmed = {(fault.kind, fault.target) for fault in nemesis.plan(seed, 40)}
        assert harmed == {(kind, target) for kind, target, _ in nemesis.KINDS}


def test_fifteen_of_a_hundred_texts_meet_a_fault_of_the_carrier() -> None:
    assert sum(nemesis.CARRIER_FAULTS["rates"].values()) == pytest.approx(0.15)
