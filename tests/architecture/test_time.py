"""Times are aware, and now comes from a clock that a test can set."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.conftest import Plant
from tests.architecture.source import ROOT, argument, calls, full_name, nodes, sources

NEVER = {
    "datetime.datetime.utcnow",
    "datetime.datetime.utcfromtimestamp",
    "datetime.datetime.today",
    "datetime.date.today",
    "datetime.date.fromtimestamp",
    "time.localtime",
    "time.ctime",
}
ZONE_AT = {"datetime.datetime.now": 0, "datetime.datetime.fromtimestamp": 1, "datetime.datetime.combine": 2}
MAY_LOOK_AT_THE_CLOCK = {
    "smsbot/clock.py",
    "smsbot/gateways/twilio_carrier.py",  # a Retry-After date is the carrier's clock against the machine's
    "simulator/journal.py",  # its own clock
}
MAY_COUNT_SECONDS = {
    "smsbot/probes.py",  # for how long this process has been up
    "simulator/model.py",  # the `created` of an answer, as the real API has it
}
LOOKS = {"datetime.datetime.now", "time.time", "time.time_ns"}


def naive_times(root: Path) -> list[str]:
    """Calls that make a time without a zone, or whose zone is left out."""
    found = []
    for source in sources(root):
        for _, call in calls(source):
            name = full_name(source, call.func)
            if name in NEVER:
                found.append(f"{source.at(call)}: {name}")
            elif name in ZONE_AT:
                zone = argument(call, "tz") or argument(call, "tzinfo")
                if zone is None and len(call.args) > ZONE_AT[name]:
                    zone = call.args[ZONE_AT[name]]
                if zone is None or (isinstance(zone, ast.Constant) and zone.value is None):
                    found.append(f"{source.at(call)}: {name} without a zone")
            elif name == "datetime.datetime" and argument(call, "tzinfo") is None and len(call.args) < 8:
                found.append(f"{source.at(call)}: a datetime without a zone")
    return found


def clocks_of_their_own(root: Path) -> list[str]:
    """Uses of the machine's clock, called or passed on, outside the places that may."""
    return [
        f"{source.at(node)}: {full_name(source, node)}"
        for source in sources(root)
        for node in nodes(source)
        if isinstance(node, ast.Name | ast.Attribute)
        and full_name(source, node) in LOOKS
        and source.path not in MAY_LOOK_AT_THE_CLOCK
        and not (source.path in MAY_COUNT_SECONDS and full_name(source, node) == "time.time")
    ]


@pytest.mark.parametrize("guard", [naive_times, clocks_of_their_own])
def test_times_are_aware_and_come_from_the_clock(guard) -> None:
    assert guard(ROOT) == []


@pytest.mark.parametrize(
    ("guard", "code"),
    [
        (naive_times, "from datetime import datetime\ndatetime.now()"),
        (naive_times, "from datetime import datetime\ndatetime.now(None)"),
        (naive_times, "from datetime import datetime\ndatetime.utcnow()"),
        (naive_times, "import datetime as dt\ndt.datetime.fromtimestamp(5)"),
        (naive_times, "from datetime import date\ndate.today()"),
        (naive_times, "from datetime import datetime\ndatetime.combine(day, noon)"),
        (naive_times, "from datetime import datetime\ndatetime(2026, 1, 1)"),
        (clocks_of_their_own, "from datetime import UTC, datetime\ndatetime.now(UTC)"),
        (clocks_of_their_own, "from datetime import datetime\nfield(default_factory=datetime.now)"),
        (clocks_of_their_own, "import time\ntime.time()"),
        (clocks_of_their_own, "from time import time\ntime()"),
    ],
)
def test_a_time_without_a_zone_or_clock_is_seen(guard, code, plant: Plant) -> None:
    assert guard(plant({"conversations/a.py": code})) != []


def test_aware_times_are_not_reported(plant: Plant) -> None:
    code = """
        from datetime import UTC, datetime
        datetime.fromtimestamp(5, UTC)
        datetime.combine(day, noon, tzinfo=zone)
        datetime(2026, 1, 1, tzinfo=UTC)
        """

    assert naive_times(plant({"conversations/a.py": code})) == []
