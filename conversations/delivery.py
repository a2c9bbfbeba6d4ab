"""How far a text has got, from the carrier's reports in any order. Pure.

Order is not guaranteed and reports repeat: a message only ever moves forward, and a final state absorbs what follows.
"""

from __future__ import annotations

from conversations.vocabulary import State

# https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
REPORTED = {
    "accepted": State.SENT,
    "scheduled": State.SENT,
    "queued": State.SENT,
    "sending": State.SENT,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "partially_delivered": State.SENT,
    "undelivered": State.UNDELIVERED,
    "failed": State.FAILED,
    "canceled": State.CANCELED,
}
RANK = {
    State.QUEUED: 0,
    State.DEFERRED: 0,
    State.SENDING: 1,
    State.UNKNOWN: 1,  # the carrier may still tell
    State.SENT: 2,
    State.DELIVERED: 3,
    State.UNDELIVERED: 3,
    State.FAILED: 3,
    State.CANCELED: 3,
    State.BLOCKED: 3,
    State.RECEIVED: 3,
}


def state_reported(status: str) -> State | None:
    """What the carrier's status means for us; None for a status that says nothing about an outbound text."""
    return REPORTED.get(status.strip().casefold())


def moved_on(state: State, reported: State) -> State:
    """The state after a report: `reported` when it is further along, otherwise `state`."""
    return reported if RANK[reported] > RANK[state] else state


def states_before(reported: State) -> tuple[State, ...]:
    """The states that a report of `reported` moves on: the condition of the UPDATE."""
    return tuple(state for state, rank in RANK.items() if rank < RANK[reported])
