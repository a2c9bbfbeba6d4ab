"""A day in numbers, and the alert that must not be missed."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import update

from consent.purposes import Purpose
from conversations.models import Alert, Message
from reports.compliance import DailyReport, report_and_alert
from smsbot.errors import RecipientOptedOut
from smsbot.tenancy import Tenant
from tests.world import World

TODAY = date(2026, 11, 20)


def reported(world: World, day: date = TODAY) -> DailyReport:
    with world.runtime.transaction(world.home.id) as session:
        tenant = session.get_one(Tenant, world.home.id)
        return report_and_alert(session, tenant, day, now=world.clock.now())


def alerts(world: World) -> set[str]:
    return {alert.kind for alert in world.rows(Alert)}


def person(number: int) -> str:
    return f"+1312555{number:04d}"


def test_a_day_is_counted(world: World) -> None:
    for number in (101, 102, 103):
        world.text("Is it still there?", sender=person(number))
    world.drain()
    world.text("STOP", sender=person(101))
    world.drain()
    found = reported(world)

    assert (found.sent["reply"], found.people_texted, found.opt_outs) == (3, 3, 1)
    assert found.opt_outs_by_source == {"text": 1}
    assert found.opt_out_rate == 0.3333
    assert found.suppress_p95_s is not None
    assert found.suppress_p95_s < 60
    assert found.sent_after_opt_out == 0
    assert alerts(world) - {"held"} == set()


def test_another_day_has_nothing_of_it(world: World) -> None:
    world.text("Is it still there?")
    world.drain()

    assert reported(world, TODAY + timedelta(days=1)).people_texted == 0


def test_many_opt_outs_alert_the_owners(world: World) -> None:
    for number in range(100, 120):
        world.text("Is it still there?", sender=person(number))
    world.drain()
    world.text("STOP", sender=person(101))
    world.drain()

    assert reported(world).alarming
    assert "many_opt_outs" in alerts(world)


def test_a_text_after_an_opt_out_alerts_the_owners(world: World) -> None:
    world.text("Is it still there?")
    world.drain()
    world.text("STOP")
    world.drain()
    with world.runtime.transaction(world.home.id) as session:
        # As only a defect could make it: the answer left after the STOP.
        session.execute(
            update(Message)
            .where(Message.purpose == Purpose.REPLY)
            .values(sending_at=world.clock.now(), sent_at=world.clock.now())
        )
    found = reported(world)

    assert found.sent_after_opt_out == 1
    assert "sent_after_opt_out" in alerts(world)


def test_refusals_of_the_carrier_and_denials_are_counted_by_reason(world: World) -> None:
    world.text("Is it still there?")
    world.carrier.outcomes = [RecipientOptedOut("blocked", 21610)]
    world.drain()
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Tenant, world.home.id).paused_at = world.clock.now()
    world.text("Is it still there?", sender=person(105))
    world.drain()
    found = reported(world)

    assert found.carrier_refusals == 1
    assert found.denials == {"PAUSED": 1}


def test_a_hold_that_nobody_settles_is_counted_after_a_day(world: World) -> None:
    world.text("not interested")
    world.drain()
    before = reported(world).holds_older_than_24h
    world.clock.advance(timedelta(hours=25))
    after = reported(world).holds_older_than_24h

    assert before == 0
    assert after == 1
