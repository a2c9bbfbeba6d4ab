"""A few leads in one world, and what the schedule and the sabotages promise. `make interleavings` is the long form."""

from __future__ import annotations

import pytest

from tests.chaos.cluster import TREE
from tests.chaos.mutants import misfits
from tests.conftest import Database
from tests.interleavings.driver import FOLLOWING, WAYS_IN, Stage, number_of, schedule
from tests.interleavings.mutants import MUTANTS, Interleaved
from tests.interleavings.oracle import AREAS, Did, Handed, Oracle, What
from tests.world import World

SEED, FEW = 7, 14


@pytest.mark.slow
def test_nothing_leaves_that_should_not_whatever_the_order_of_things(world: World, database: Database) -> None:
    steps = schedule(SEED, FEW)
    stage = Stage(world, database.superuser_url, steps[0].at)
    try:
        stage.play(steps)
        oracle = Oracle().take(stage.log)
        explained, unexplained = stage.unexplained(10)
        held, inconsistent = stage.inconsistencies()
    finally:
        stage.close()

    assert ([str(one) for one in oracle.wrong], unexplained, inconsistent) == ([], [], [])
    assert explained == sum(isinstance(one, Handed) and one.taken for one in stage.log) > FEW
    assert held.sent >= FEW


def test_a_schedule_follows_from_its_seed_alone() -> None:
    assert schedule(3, 10) == schedule(3, 10)
    assert schedule(3, 10) != schedule(4, 10)


def test_a_schedule_only_goes_forward_and_keeps_each_leads_way_in_first() -> None:
    steps = schedule(3, 50)

    assert [step.at for step in steps] == sorted(step.at for step in steps)
    first = {}
    for step in steps:
        if step.lead is not None:
            first.setdefault((step.lead, step.tenant), step.op)
    assert set(first.values()) <= set(WAYS_IN)


def test_ten_worlds_hold_everything_that_can_happen() -> None:
    steps = [step for seed in range(10) for step in schedule(seed)]

    assert {step.op for step in steps} == {*WAYS_IN, *FOLLOWING, "choose"}
    assert {step.tenant for step in steps} == {"lakeside", "bayou"}
    assert any(step.dies.startswith("inbound.") for step in steps)
    assert any(step.dies.startswith("outbox.") for step in steps)
    assert {step.up for step in steps} == {True, False}


def test_every_lead_has_a_number_of_its_own_in_a_place_that_the_oracle_knows() -> None:
    numbers = [number_of(lead) for lead in range(800)]

    assert len(set(numbers)) == 800
    assert {number[2:5] for number in numbers} == set(AREAS)
    assert all("5550100" <= number[5:] <= "5550199" for number in numbers)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "_"))
def test_a_sabotage_fits_the_source(mutant: object) -> None:
    assert misfits(TREE, [mutant]) == []


def test_each_sabotage_names_the_rule_that_notices_it() -> None:
    assert len(MUTANTS) >= 3
    assert all(isinstance(mutant.noticed_by, Interleaved) and mutant.noticed_by.invariant for mutant in MUTANTS)


def test_a_carrier_that_sends_more_than_it_was_handed_is_noticed(world: World, database: Database) -> None:
    """The log is the carrier's own: what it is handed past the product counts like everything else."""
    steps = schedule(SEED, 3)
    stage = Stage(world, database.superuser_url, steps[0].at)
    stage.close()
    now = world.clock.now()
    person = number_of(0)
    stop = Did(now, "lakeside", person, What.STOP)
    stage.log += [stop, Handed(now, "lakeside", person, "Lakeside Realty: One more thing")]

    assert [one.rule for one in Oracle().take(stage.log).wrong] == ["sent after an opt-out"]
