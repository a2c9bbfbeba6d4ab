"""Whether a run kept its promises: I1 to I8, from outside evidence alone. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import inf
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.evidence import Evidence

STOP_WORDS = frozenset({"stop", "unsubscribe"})
START_WORDS = frozenset({"start", "unstop"})
HELP_WORDS = frozenset({"help", "info"})
TAKEN = frozenset({"sent", "delivered", "undelivered"})
OPEN = frozenset({"queued", "deferred", "sending"})
REASONED = frozenset({"canceled", "blocked", "failed"})
# How far a state is. Up to the carrier's yes a text may wait, try, and wait again.
RANK = {
    **dict.fromkeys(OPEN, 0), "unknown": 1, "sent": 2,
    **dict.fromkeys(("delivered", "undelivered", "failed", "canceled", "blocked"), 3),
}  # fmt: skip
REPORTED = {
    **dict.fromkeys(("accepted", "queued", "sending", "sent"), "sent"),
    **{final: final for final in ("delivered", "undelivered", "failed", "canceled")},
}
DRAINED_WITHIN_S = 60.0
SETTLED_WITHIN_S = 65.0  # an outcome that nobody knows is given up after a minute

Person = tuple[str, str]  # (account, number)


@dataclass(frozen=True)
class Violation:
    invariant: str
    what: str


@dataclass(frozen=True)
class Told:
    """One text as the carrier told it: sent first, answered 200 first; monotonic seconds, `inf` when never."""

    sid: str
    who: Person
    body: str
    sent: float
    acked: float


class Facts:
    """The evidence, looked up by what it is about."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.shops = {shop["account"]: shop for shop in evidence.shops}
        self.tenants = {shop["tenant"]: shop for shop in evidence.shops}
        self.outbound = {row["id"]: row for row in evidence.outbound}
        self.inbound = {row["id"]: row for row in evidence.inbound}

    def of(self, kind: str) -> Iterator[dict[str, Any]]:
        return (entry for entry in self.evidence.log if entry["kind"] == kind)

    @cached_property
    def told(self) -> dict[str, Told]:
        """Every text that the carrier had for us, by its sid."""
        sent: dict[str, float] = {}
        acked: dict[str, float] = {}
        for call in self.of("webhook"):
            sid = call["sid"]
            sent[sid] = min(sent.get(sid, inf), call["mono_sent"])
            if 200 <= call["http"] < 300:
                acked[sid] = min(acked.get(sid, inf), call["mono"])
        return {
            entry["sid"]: Told(
                entry["sid"],
                (entry["account"], entry["from"]),
                entry["body"].strip().lower(),
                # Told before its first answer was noted: not later than it reached the carrier.
                min(sent.get(entry["sid"], inf), entry["mono"]),
                min(acked.get(entry["sid"], inf), self.evidence.acked.get(entry["sid"], inf)),
            )
            for entry in self.of("inbound")
        }

    @cached_property
    def by_person(self) -> dict[Person, list[Told]]:
        found: defaultdict[Person, list[Told]] = defaultdict(list)
        for told in self.told.values():
            found[told.who].append(told)
        return found

    @cached_property
    def accepted(self) -> Counter[str]:
        """How often the carrier accepted each message, by the id in its status callback."""
        return Counter(message_id(entry) for entry in self.of("accepted"))

    @cached_property
    def accepted_at(self) -> dict[str, float]:
        """When each message was first accepted."""
        at: dict[str, float] = {}
        for entry in self.of("accepted"):
            at.setdefault(message_id(entry), entry["mono"])
        return at

    @cached_property
    def acked(self) -> list[Told]:
        return [told for told in self.told.values() if told.acked < inf]


def message_id(entry: Mapping[str, Any]) -> str:
    """Our own id of the text in a request, from its status callback; empty when there is none."""
    return urlsplit(entry.get("status_callback") or "").path.rpartition("/")[2]


def violations(evidence: Evidence) -> list[Violation]:
    """Everything that broke a promise."""
    facts = Facts(evidence)
    return [
        *_once_in_the_transcript(facts),
        *_silence_after_stop(facts),
        *_one_outcome(facts),
        *(Violation("I5", broken) for broken in evidence.broken_ledgers),
        *_forward_only(facts),
        *_owners_sender(facts),
        *_drained(facts),
    ]


def _once_in_the_transcript(facts: Facts) -> Iterator[Violation]:
    stored = Counter(row["sid"] for row in facts.evidence.inbound)
    for told in facts.acked:
        if stored[told.sid] != 1:
            yield Violation("I1", f"{told.sid} was acknowledged and is stored {stored[told.sid]} times")
    for row in facts.evidence.inbound:
        known = facts.told.get(row["sid"])
        if known is None:
            yield Violation("I1", f"{row['sid']} is stored and was never sent")
        elif (row["tenant"], row["person"]) != (facts.shops[known.who[0]]["tenant"], known.who[1]):
            yield Violation("I1", f"{row['sid']} is stored with another tenant or person")


def _silence_after_stop(facts: Facts) -> Iterator[Violation]:
    for entry in (*facts.of("request"), *facts.of("accepted")):
        who = (entry["account"], entry["to"])
        stop = _standing_stop(facts.by_person[who], entry["mono"])
        if stop is None:
            continue
        row = facts.outbound.get(message_id(entry))
        allowed = row is not None and _may_follow(facts, row, stop)
        if not allowed:
            kind = row["kind"] if row else "a text of nobody"
            late_s = entry["mono"] - stop.acked
            yield Violation("I2", f"{kind} {message_id(entry)}: {entry['kind']} {late_s:.3f} s after {stop.sid}'s 200")
    confirmed = Counter(
        (shop["account"], row["person"])
        for row in facts.evidence.outbound
        for shop in (facts.tenants[row["tenant"]],)
        if row["kind"] == "optout_confirmation" and facts.accepted[row["id"]]
    )
    for who, times in confirmed.items():
        starts = sum(1 for told in facts.by_person[who] if told.body in START_WORDS)
        if times > 1 + starts:
            yield Violation("I2", f"{times} confirmations after {starts} times START")


def _standing_stop(told: list[Told], at: float) -> Told | None:
    """A STOP that was answered before `at` and that no START can have undone by then."""
    for stop in told:
        if stop.body not in STOP_WORDS or stop.acked >= at:
            continue
        undone = any(start.body in START_WORDS and start.sent <= at and start.acked >= stop.sent for start in told)
        if not undone:
            return stop
    return None


def _may_follow(facts: Facts, row: Mapping[str, Any], stop: Told) -> bool:
    """The confirmation, or the answer to a HELP that may have come after the STOP; from shops that answer themselves."""
    if facts.tenants[row["tenant"]]["handling"] != "ours":
        return False
    if row["kind"] == "optout_confirmation":
        return True
    asked = facts.inbound.get(row["in_reply_to"] or "")
    told = facts.told.get(asked["sid"]) if asked else None
    return row["kind"] == "help" and told is not None and told.body in HELP_WORDS and told.acked >= stop.sent


def _one_outcome(facts: Facts) -> Iterator[Violation]:
    answers: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in facts.evidence.outbound:
        if row["in_reply_to"] and not row["repeat_of"]:
            answers[row["in_reply_to"]].append(row)
    for row in facts.evidence.inbound:
        found = answers[row["id"]]
        if not found and not row["reason"]:
            yield Violation("I3", f"{row['sid']} has no answer and no reason")
        if len(found) > 1:
            yield Violation("I3", f"{row['sid']} has {len(found)} answers")
    for row in facts.evidence.outbound:
        times = facts.accepted[row["id"]]
        if times > 1:
            yield Violation("I3", f"{row['id']} was accepted {times} times")
        elif row["state"] in TAKEN and times == 0:
            yield Violation("I3", f"{row['id']} is {row['state']} and was never accepted")
        elif row["state"] in ("canceled", "blocked") and times:
            yield Violation("I3", f"{row['id']} is {row['state']} and was accepted")
        elif row["state"] in REASONED and not row["reason"]:
            yield Violation("I3", f"{row['id']} is {row['state']} without a reason")
    for stranger in facts.accepted.keys() - facts.outbound.keys():
        yield Violation("I3", f"the carrier accepted {stranger or 'a text without a callback'}, which is not ours")


def _forward_only(facts: Facts) -> Iterator[Violation]:
    for message, states in facts.evidence.went.items():
        for before, after in pairwise(states):
            back = RANK[after] < RANK[before]
            if back or (RANK[before] == 3 and after != before):
                yield Violation("I6", f"{message} went from {before} to {after}")
    reported: defaultdict[str, set[str]] = defaultdict(set)
    for report in facts.evidence.reports:
        row = facts.outbound.get(report["message"])
        if row is not None and report["sid"] == row["sid"] and report["status"] in REPORTED:
            reported[report["message"]].add(REPORTED[report["status"]])
    for message, states in reported.items():
        state = facts.outbound[message]["state"]
        furthest = max(RANK[one] for one in states)
        if RANK[state] < furthest or (furthest == 3 and state not in states):
            yield Violation("I6", f"{message} is {state}; the carrier reported {', '.join(sorted(states))}")


def _owners_sender(facts: Facts) -> Iterator[Violation]:
    for entry in facts.of("request"):
        row = facts.outbound.get(message_id(entry))
        if row is None:
            continue  # I3 has it
        shop = facts.tenants[row["tenant"]]
        if (entry["account"], entry["from"], entry["to"]) != (shop["account"], shop["number"], row["person"]):
            yield Violation("I7", f"{row['id']} left with another account, sender or recipient than its own")


def _drained(facts: Facts) -> Iterator[Violation]:
    evidence = facts.evidence
    if evidence.drained_s is None or evidence.drained_s > DRAINED_WITHIN_S:
        yield Violation("I8", f"what was due was not done within {DRAINED_WITHIN_S:.0f} s")
    if evidence.settled_s is None or evidence.settled_s > SETTLED_WITHIN_S:
        yield Violation("I8", f"an outcome was still open after {SETTLED_WITHIN_S:.0f} s")
    due = {row["ref"] for row in evidence.work}
    for row in evidence.outbound:
        if row["state"] in OPEN:
            nobody = "" if row["id"] in due else ", and nothing is due for it"
            yield Violation("I8", f"{row['id']} is still {row['state']}{nobody}")
    for row in evidence.work:
        if row["quarantined"]:
            yield Violation("I8", f"{row['kind']} {row['ref']} was put aside after {row['failure']}")


def figures(evidence: Evidence) -> dict[str, Any]:
    """What the run came to, in numbers; latency is from the 200 to the carrier's yes, seconds."""
    facts = Facts(evidence)
    waits = sorted(
        facts.accepted_at[row["id"]] - facts.told[facts.inbound[row["in_reply_to"]]["sid"]].acked
        for row in evidence.outbound
        if row["author"] == "ai" and row["id"] in facts.accepted_at and row["in_reply_to"] in facts.inbound
    )
    exposed = sum(1 for entry in facts.of("request") if entry["mono"] <= evidence.calm_at)
    return {
        "inbound": len(facts.told),
        "acked": len(facts.acked),
        "lost": sum(1 for one in facts.acked if one.sid not in {row["sid"] for row in evidence.inbound}),
        "requests": sum(1 for _ in facts.of("request")),
        "requests_under_fault": exposed,
        "fault_share": round(sum(1 for _ in facts.of("fault")) / max(1, exposed), 3),
        "accepted": sum(facts.accepted.values()),
        "answered_twice": sum(1 for times in facts.accepted.values() if times > 1),
        "carrier_faults": dict(Counter(entry["fault"] for entry in facts.of("fault"))),
        "stops": sum(1 for one in facts.acked if one.body in STOP_WORDS),
        "unknown_but_accepted": sum(
            1 for row in evidence.outbound if row["state"] == "unknown" and facts.accepted[row["id"]]
        ),
        "states": dict(Counter(row["state"] for row in evidence.outbound)),
        "reasons": dict(Counter(row["reason"] for row in (*evidence.outbound, *evidence.inbound) if row["reason"])),
        "reply_p50_s": _percentile(waits, 0.50),
        "reply_p95_s": _percentile(waits, 0.95),
        "drain_s": evidence.drained_s,
        "settled_s": evidence.settled_s,
    }


def _percentile(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None
