"""A stored decision, taken again from its inputs, says the same; under other rules it says what changed."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from consent.models import DecisionRow
from consent.policy import Cap, PermitFacts, SendFacts, Window, decide, facts_to_json
from consent.purposes import Purpose, Reason
from consent.replay import facts_from_json, unknown_inputs
from consent.state import Basis, ConsentState, Mark, PurposeConsent, PurposeState
from privacy.replay import replayed, sentence, verdict_of
from tests.commands.conftest import Command, in_world, run, variables
from tests.conftest import Database
from tests.ledger.chains import tampering
from tests.privacy import story
from tests.world import World

__all__ = ["in_world", "run", "variables"]

NOW = datetime(2026, 11, 20, 16, 0, 0, 123456, tzinfo=UTC)
times = st.none() | st.timedeltas(timedelta(days=-200), timedelta(days=200)).map(lambda step: NOW + step)
moments = st.timedeltas(timedelta(days=-200), timedelta(days=200)).map(lambda step: NOW + step)
marks = st.none() | st.builds(Mark, st.uuids(), st.just(NOW))
flags = st.sampled_from([False, False, False, True])


@st.composite
def facts(draw: st.DrawFn) -> SendFacts:
    purpose = draw(st.sampled_from(Purpose))
    standings = st.builds(
        PurposeConsent,
        st.sampled_from(PurposeState),
        st.uuids(),
        st.just(NOW),
        st.none() | st.sampled_from(Basis),
        times,
    )
    standing = draw(st.none() | standings)
    state = ConsentState(
        purposes=MappingProxyType({} if standing is None else {purpose: standing}),
        opted_out=draw(marks), held=draw(marks), carrier_blocked=draw(marks), restricted=draw(marks),
    )  # fmt: skip
    return SendFacts(
        purpose=purpose,
        now=NOW,
        state=replace(state, **{name: None for name in ("opted_out", "held") if draw(st.booleans())}),
        automated=draw(st.booleans()),
        textable=not draw(flags),
        country=draw(st.sampled_from(["US", "US", "CA", None])),
        countries=frozenset({"US"}),
        permit=draw(st.none() | st.builds(PermitFacts, st.uuids(), st.uuids(), moments, flags, flags)),
        contact_blocked=draw(flags),
        unreachable_code=draw(st.sampled_from([None, None, None, 30005])),
        tenant_paused=draw(flags),
        number_paused_until=draw(times),
        number_reconciling=draw(flags),
        stale_after=draw(times),
        newer_text=draw(flags),
        window=draw(st.none() | st.builds(Window, st.booleans(), moments, st.just("window.federal"))),
        caps=tuple(draw(st.lists(st.builds(Cap, flags, times, st.just(Reason.CAP), st.just("cap.day")), max_size=2))),
    )


@given(facts())
def test_what_was_kept_of_a_decision_decides_the_same(known: SendFacts) -> None:
    kept = facts_from_json(facts_to_json(known), purpose=known.purpose, now=known.now)

    assert verdict_of(decide(kept)) == verdict_of(decide(known))
    assert facts_to_json(kept) == facts_to_json(known)
    assert unknown_inputs(facts_to_json(known)) == ()


PLAIN = SendFacts(Purpose.REPLY, NOW, ConsentState(), True, True, "US", frozenset({"US"}))


def test_inputs_of_a_newer_policy_are_named_and_left_out() -> None:
    window = [True, NOW.isoformat(), "window.federal", *("x" for _ in fields(Window)[3:]), "more"]
    inputs = facts_to_json(PLAIN) | {"moon": "full", "ledger_seq": 3, "window": window}

    kept = facts_from_json(inputs, purpose=PLAIN.purpose, now=NOW)

    assert unknown_inputs(inputs) == ("moon",)
    assert kept.window is not None and kept.window.open


def test_inputs_of_an_older_policy_take_their_defaults() -> None:
    inputs = facts_to_json(PLAIN)
    for name in ("caps", "window", "newer_text", "restricted"):
        del inputs[name]

    assert facts_from_json(inputs, purpose=PLAIN.purpose, now=NOW) == PLAIN


@pytest.mark.parametrize(
    "change",
    [{"standing": 5}, {"standing": ["asleep", str(UUID(int=1)), None, None]}, {"opted_out": "x"}, {"window": [1]},
     {"permit": {}}, {"stale_after": "yesterday"}, {"caps": 5}, {"countries": 5}],
)  # fmt: skip
def test_inputs_that_nobody_writes_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        facts_from_json(facts_to_json(PLAIN) | change, purpose=PLAIN.purpose, now=NOW)


def test_inputs_without_what_every_decision_has_are_refused() -> None:
    inputs = facts_to_json(PLAIN)
    del inputs["textable"]

    with pytest.raises(ValueError, match="missing"):
        facts_from_json(inputs, purpose=PLAIN.purpose, now=NOW)


def test_every_decision_of_the_story_says_the_same_again(world: World) -> None:
    story.tell(world)

    again = [replayed(row) for row in world.rows(DecisionRow)]

    assert len(again) >= 8
    assert [one for one in again if not one.same or one.versions or one.unknown] == []


def test_a_decision_by_other_rules_is_told_as_such(world: World) -> None:
    world.text("Is it still there?")
    world.drain()
    (row,) = world.rows(DecisionRow)
    row.versions = {**row.versions, "policy": "2020-01-01.1"}

    once_more = replayed(row)

    assert once_more.same
    assert "policy 2020-01-01.1 then" in sentence(once_more)


def test_explain_says_whether_a_decision_holds_again(in_world: Command, world: World, database: Database) -> None:
    world.text("Is it still there?")
    world.drain()
    (answer,) = world.outbound()

    done = in_world("explain", str(answer.id), "--replay")
    assert done.code == 0
    assert "Taken again from the same inputs by the same rules: the same." in done.out
    assert "Taken again" not in in_world("explain", str(answer.id)).out

    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE decisions SET inputs = inputs || '{\"tenant_paused\": true}'")
    changed = in_world("explain", str(answer.id), "--replay")
    assert changed.code == 1
    assert "DIFFERENT, block (PAUSED) by tenant.paused instead of allow by consent.reply.conversational" in changed.out

    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE decisions SET inputs = '{}'")
    assert "It cannot be taken again" in in_world("explain", str(answer.id), "--replay").out


def test_explain_says_how_late_it_was_where_they_are(in_world: Command, world: World, database: Database) -> None:
    world.text("Is it still there?")
    world.drain()
    window = '{"window": [true, null, "window.federal", "America/Chicago", "area code", "10:00"]}'
    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE decisions SET inputs = inputs || %s::jsonb", (window,))

    done = in_world("explain", str(world.outbound()[0].id))

    assert "(window.federal) were open: America/Chicago, area code, 10:00." in done.out


def test_the_row_that_is_read_again_is_the_one_that_was_written(world: World) -> None:
    world.text("Is it still there?")
    world.drain()
    with world.runtime.transaction(world.home.id) as session:
        row = session.scalars(select(DecisionRow)).one()

    assert row.inputs["ledger_seq"] == 1
    assert replayed(row).then.consent_event_id == world.ledger()[0].id
