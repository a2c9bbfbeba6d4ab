"""What is found late, comes back, or would be lost: the hard cases of consent over time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.models import Author, Kind, State, Task
from conversations.reconciliation import plan_reconciliation
from smsbot import work
from smsbot.bell import REPLIES
from smsbot.errors import RecipientOptedOut
from smsbot.gateways.carrier import CarrierMessage
from smsbot.heartbeats import beat
from smsbot.tenancy import Number, OptOutHandling
from tests.conversations.sending import WRITTEN, person, put, tasks
from tests.world import LEAD, World
from worker import Drain, do
from wsgi import hold_if_deaf


def found_late(world: World, body: str, ago: timedelta) -> None:
    """A text that the carrier has since `ago`, read from its list only now."""
    at = (world.clock.now() - ago).replace(microsecond=0)
    world.carrier.received.append(
        CarrierMessage(world.sid(), "inbound", LEAD, world.home.number, body, "received", None, at, None)
    )
    world.later(minutes=11)
    plan_reconciliation(world.runtime, world.home.id)
    world.drain(wait=False)


def test_a_start_that_is_older_than_the_stop_does_not_lift_it(world: World) -> None:
    who = person(world, WRITTEN)
    world.text("STOP")
    found_late(world, "UNSTOP", timedelta(minutes=8))
    put(world, who)
    world.drain()

    assert world.contact().consent["opted_out"] is not None
    assert world.carrier.accepted == []


def test_a_text_found_days_later_is_left_to_a_person(world: World) -> None:
    found_late(world, "Is it open now?", timedelta(minutes=45))
    world.drain()

    assert world.carrier.accepted == []
    assert world.inbound()[0].reason == "STALE"
    assert ("late_text", None) in tasks(world)


def test_an_opt_out_found_late_counts_and_is_not_confirmed(world: World) -> None:
    found_late(world, "please stop texting me", timedelta(minutes=45))
    world.drain()

    assert world.contact().consent["opted_out"] is not None
    assert world.carrier.accepted == []


@pytest.mark.parametrize("second", ["I mean it this time", "I already told you people", "why not?"])
def test_words_that_no_rule_knows_end_no_hold(world: World, second: str) -> None:
    world.text("not interested")
    world.drain()
    world.text(second)
    world.drain()

    assert world.carrier.accepted == []
    assert world.contact().consent["held"] is not None


@pytest.mark.slow
def test_the_200_to_a_hold_waits_for_the_send_in_flight(world: World) -> None:
    order: list[str] = []
    world.text("Are you open on Saturday?")

    def hold_meanwhile(_: object) -> None:
        world.carrier.before = None
        world.text("not interested", expect=503)  # the lease is ours while the carrier is called
        order.append("held")

    world.carrier.before = hold_meanwhile
    world.drain()

    assert order == ["held"]


def test_nobody_is_told_that_they_are_unsubscribed_after_they_came_back(world: World) -> None:
    business = world.business("Own Words", "+13125550123", handling=OptOutHandling.OURS)
    world.text("stop texting me", to=business)
    world.text("START", to=business)
    world.drain()

    confirmation = next(m for m in world.outbound(of=business) if m.kind is Kind.OPT_OUT_CONFIRMATION)
    assert (confirmation.state, confirmation.reason) == (State.CANCELED, "NEWER_TEXT")
    assert not any("unsubscribed" in body for body in world.carrier.bodies)


def test_start_brings_back_whom_the_carrier_had_blocked(world: World) -> None:
    business = world.business("Own Words", "+13125550123", handling=OptOutHandling.OURS)
    world.text("hi", to=business)
    world.carrier.outcomes = [RecipientOptedOut("blocked", 21610)]
    world.drain()
    world.text("I want to buy it today", to=business)
    world.drain()
    unanswered = len(world.carrier.accepted)
    world.text("START", to=business)
    world.text("are you open on Saturday?", to=business)
    world.drain()

    assert unanswered == 0
    assert [m.state for m in world.outbound(of=business) if m.author is Author.AI][-1] is State.SENT
    assert "opted_out_wrote" in {task.kind for task in world.rows(Task, of=business)}


def test_nothing_is_answered_while_nobody_takes_the_carriers_webhooks(world: World) -> None:
    world.text("Are you open on Saturday?")
    world.later(seconds=5)
    world.listening(until=world.clock.now() - timedelta(minutes=1))
    drain = Drain(world.runtime, REPLIES, {}, 1)
    deaf = drain._claim()
    beat(world.runtime, "web:test")
    drain.looked_at = float("-inf")
    listening = drain._claim()

    assert deaf == []
    assert len(listening) == 1


@pytest.mark.parametrize(("silent_s", "held"), [(5, False), (60, True)])
def test_who_listens_again_after_a_silence_holds_every_number_back_first(
    world: World, silent_s: int, held: bool
) -> None:
    world.listening(until=world.clock.now())
    world.later(seconds=silent_s)
    hold_if_deaf(world.runtime)

    with world.runtime.transaction(world.home.id) as session:
        number = session.get_one(Number, world.home.number_id)
    assert number.hold_until_reconciled is held


def test_a_stop_that_nobody_heard_counts_before_anything_leaves(world: World) -> None:
    put(world, person(world, WRITTEN))
    world.listening(until=world.clock.now())
    world.later(hours=8)
    found_at = (world.clock.now() - timedelta(hours=5)).replace(microsecond=0)
    world.carrier.received.append(
        CarrierMessage(world.sid(), "inbound", LEAD, world.home.number, "STOP", "received", None, found_at, None)
    )
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Number, world.home.number_id).received_through = world.clock.now() - timedelta(hours=8)
    hold_if_deaf(world.runtime)
    world.drain()
    world.later(seconds=10)
    world.drain()

    assert world.carrier.accepted == []
    assert world.outbound()[0].reason == "OPTED_OUT"


def test_a_text_whose_work_is_put_aside_ends_and_is_left_to_a_person(world: World) -> None:
    world.text("Are you open on Saturday?")
    world.later(seconds=5)

    def broken(_: object) -> None:
        raise RuntimeError("broken")

    for _ in range(9):
        for claim in work.claim(world.runtime.engine, REPLIES, world.clock.now()):
            do(world.runtime, {"reply": broken}, claim)
        world.later(minutes=3)

    (reply,) = world.outbound()
    assert (reply.state, reply.reason) == (State.FAILED, "CONTENT")
    assert ("text_not_sent", "CONTENT") in tasks(world)
