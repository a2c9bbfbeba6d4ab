"""A permit lets exactly one compliance text pass, for five minutes, for the person it was given for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from consent.gate import PERMIT_LASTS, grant_permit
from consent.models import Permit
from consent.purposes import PermitKind, Purpose
from conversations.vocabulary import Kind, State
from smsbot.errors import PermanentSendFailure, TemporarySendFailure
from smsbot.tenancy import Tenant
from tests.conversations.sending import HELD, STOPPED, WRITTEN, Person, change, person, put, stored
from tests.world import World


def permit(world: World, who: Person, kind: PermitKind = PermitKind.OPT_OUT_CONFIRMATION) -> UUID:
    with world.runtime.transaction(who.business.id) as session:
        return grant_permit(
            session, contact_id=who.contact_id, event_id=who.events[-1], kind=kind, now=world.clock.now()
        )


def confirm(world: World, who: Person, permit_id: UUID | None) -> UUID:
    return put(world, who, Purpose.COMPLIANCE, "You are out.", kind=Kind.OPT_OUT_CONFIRMATION, permit_id=permit_id)


def test_the_confirmation_passes_its_opt_out_once(world: World) -> None:
    who = person(world, WRITTEN, STOPPED)
    permit_id = permit(world, who)
    confirm(world, who, permit_id)
    second = confirm(world, who, permit_id)
    world.drain()

    assert world.carrier.bodies == ["You are out."]
    message = stored(world, second)
    states = sorted(m.state for m in world.outbound())
    assert states == [State.BLOCKED, State.SENT]
    assert {m.reason for m in world.outbound()} == {None, "OPTED_OUT"}
    assert message.purpose is Purpose.COMPLIANCE


def test_without_a_permit_no_compliance_text_leaves(world: World) -> None:
    confirm(world, person(world, WRITTEN), None)
    world.drain()

    (message,) = world.outbound()
    assert (message.state, message.reason) == (State.BLOCKED, "NO_CONSENT")


@pytest.mark.parametrize(("late_s", "sent"), [(-1, 1), (0, 0), (60, 0)])
def test_a_permit_ends_after_five_minutes(world: World, late_s: int, sent: int) -> None:
    who = person(world, WRITTEN, STOPPED)
    confirm(world, who, permit(world, who))
    world.clock.advance(PERMIT_LASTS + timedelta(seconds=late_s))
    world.drain(wait=False)

    (message,) = world.outbound()
    assert timedelta(minutes=5) == PERMIT_LASTS
    assert len(world.carrier.accepted) == sent
    assert sent == 1 or (message.state, message.reason) == (State.BLOCKED, "STALE")


def test_a_permit_is_no_use_to_anybody_else(world: World) -> None:
    granted = permit(world, person(world, WRITTEN, STOPPED))
    other = person(world, WRITTEN, STOPPED, number="+13125550172")
    confirm(world, other, granted)
    world.drain()

    assert world.carrier.accepted == []
    assert [row.used_by for row in world.rows(Permit)] == [None]


def test_a_permit_opens_no_other_purpose(world: World) -> None:
    who = person(world, WRITTEN, STOPPED)
    put(world, who, Purpose.MARKETING, permit_id=permit(world, who))
    world.drain()

    (message,) = world.outbound()
    assert (message.state, message.reason) == (State.BLOCKED, "OPTED_OUT")
    assert [row.used_by for row in world.rows(Permit)] == [None]


def test_one_event_gives_one_permit_of_a_kind(world: World) -> None:
    who = person(world, WRITTEN, STOPPED)
    permit(world, who)
    permit(world, who, PermitKind.HELP)

    with pytest.raises(IntegrityError):
        permit(world, who)


def test_the_text_that_took_the_permit_may_try_again_and_no_other(world: World) -> None:
    world.carrier.outcomes = [TemporarySendFailure("busy", 20429)]
    who = person(world, WRITTEN, STOPPED)
    permit_id = permit(world, who)
    first = confirm(world, who, permit_id)
    world.drain()
    second = confirm(world, who, permit_id)
    world.later(seconds=5)
    world.drain()

    assert [row.used_by for row in world.rows(Permit)] == [first]
    assert (stored(world, first).state, stored(world, second).state) == (State.SENT, State.BLOCKED)
    assert len(world.carrier.accepted) == 1


def test_a_permit_spent_on_a_refused_text_is_spent(world: World) -> None:
    world.carrier.outcomes = [PermanentSendFailure("no", 21617)]
    who = person(world, WRITTEN, STOPPED)
    permit_id = permit(world, who)
    confirm(world, who, permit_id)
    world.drain()
    confirm(world, who, permit_id)
    world.drain()

    assert world.carrier.accepted == []


def test_a_hold_and_a_paused_tenant_do_not_keep_the_confirmation_back(world: World) -> None:
    who = person(world, WRITTEN, HELD, STOPPED)
    change(world, Tenant, paused_at=world.clock.now(), sending_stopped_at=world.clock.now())
    confirm(world, who, permit(world, who))
    world.drain()

    assert len(world.carrier.accepted) == 1
