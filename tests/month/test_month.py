"""Two days of the month, and what its traffic promises. `make month` is the long form."""

from __future__ import annotations

import pytest

from tests.conftest import Database
from tests.interleavings.oracle import What
from tests.month.figures import lived
from tests.month.traffic import WAYS_IN, traffic
from tests.world import World


@pytest.mark.slow
def test_two_days_leave_nothing_that_the_checkers_object_to(world: World, database: Database) -> None:
    month = lived(world, database.superuser_url, days=2)

    assert month.wrong == ()
    assert month.explained > 20
    assert [line for line in month.said if " ok: " in line] == list(month.said)
    assert len(month.said) == 4  # `consent check` and `consent verify`, each of both businesses


def test_the_traffic_follows_from_its_seed_alone() -> None:
    assert traffic(1, 5) == traffic(1, 5)
    assert traffic(1, 5) != traffic(2, 5)


def test_a_month_has_some_thousand_events_of_every_kind_at_all_hours() -> None:
    steps = traffic(1, 30)

    assert len(steps) > 2_500
    assert {step.op for step in steps} >= {
        *WAYS_IN, "marketing", "appointment", "notification", "follow_up", "staff", "staff_opt_out", "outcome", "choose",
        *(what.value for what in (What.STOP, What.START, What.HELP, What.PARTIAL, What.UNCLEAR, What.REACTION, What.YES)),
    }  # fmt: skip
    assert {step.at.hour for step in steps} == set(range(24))
    assert [step.at for step in steps] == sorted(step.at for step in steps)
