"""STOP against five hundred replies in flight."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict

import pytest

from smsbot.tenancy import OptOutHandling
from tests.races.storm import late_replies, storm, stormy_world

# Each takes a good ten seconds: two by default, ten with SMSBOT_STORMS=10.
SEEDS = range(1, int(os.environ.get("SMSBOT_STORMS", "2")) + 1)


def test_the_count_sees_a_text_that_was_taken_after_the_stop_was_answered() -> None:
    taken = [("+13125550101", "early", 1.0), ("+13125550101", "late", 3.0), ("+13125550101", "bye", 3.1)]

    assert late_replies(taken, {"+13125550101": 2.0}, frozenset({"bye"})) == [("+13125550101", "late")]
    assert late_replies(taken, {}, frozenset()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_no_reply_is_taken_after_the_200_of_a_stop(seed: int, empty_databases: Callable[[], str]) -> None:
    handling = OptOutHandling.OURS if seed % 2 else OptOutHandling.TWILIO
    with stormy_world(empty_databases(), handling) as world:
        figures = storm(world, seed, leads=500)
        verified = world.verified()
    print(json.dumps(asdict(figures)))

    assert (figures.late, figures.confirmed_twice, figures.unsettled) == (0, 0, 0)
    assert figures.stops == 250
    assert figures.replies >= 250
    assert figures.waited > 50, "the storm was none: hardly a STOP met a send in flight"
    assert figures.confirmations == (250 if handling is OptOutHandling.OURS else 0)
    assert verified
