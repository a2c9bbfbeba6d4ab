"""An import only ever points down; siblings never import each other; nothing goes in circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.architecture.conftest import Plant
from tests.architecture.source import (
    APART,
    BESIDE,
    COMPOSITION,
    FLOORS,
    LOADER,
    OURS,
    ROOT,
    calls,
    import_graph,
    imports,
    sources,
)


def imports_that_do_not_point_down(root: Path) -> list[str]:
    """Imports from a floor to the same or a higher one, or to what stands beside the product."""
    found = []
    for source in sources(root, *FLOORS):
        for imported in imports(source):
            if imported.top == source.top or imported.top not in OURS:
                continue
            if imported.top not in FLOORS:
                found.append(f"{imported.where}: {imported.target} is not part of the product")
            elif FLOORS[imported.top] > FLOORS[source.top]:
                found.append(f"{imported.where}: {imported.target} is on a higher floor")
            elif FLOORS[imported.top] == FLOORS[source.top] != COMPOSITION:
                found.append(f"{imported.where}: {imported.target} is a sibling")
    return found


def imports_of_ours_by_the_simulator(root: Path) -> list[str]:
    return [
        f"{imported.where}: {imported.target}"
        for source in sources(root, *APART)
        for imported in imports(source)
        if imported.top in OURS and imported.top != source.top
    ]


def imports_of_ours_by_migrations(root: Path) -> list[str]:
    """A migration is written once and runs for ever: it must not change with the models."""
    return [
        f"{imported.where}: {imported.target}"
        for source in sources(root, "migrations")
        if source.module.startswith("migrations.versions")
        for imported in imports(source)
        if imported.top in OURS
    ]


def imports_out_of_place(root: Path) -> list[str]:
    """Imports inside a function, imports of ours for type checkers only, and imports by name."""
    found = []
    for source in sources(root):
        for imported in imports(source):
            if imported.in_function:
                found.append(f"{imported.where}: {imported.target} is imported inside a function")
            if imported.for_types_only and imported.top in OURS:
                found.append(f"{imported.where}: {imported.target} is imported for type checkers only")
        for name, call in calls(source):
            if name.rpartition(".")[2] in ("import_module", "__import__") and source.module != LOADER:
                found.append(f"{source.at(call)}: a module is imported by name")
    return found


def packages_without_a_floor(root: Path) -> list[str]:
    """Folders and files with Python in them that no rule of this folder looks at."""
    found = []
    for path in sorted(root.iterdir()):
        name = path.stem if path.suffix == ".py" else path.name
        holds_python = path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
        if not name.startswith(".") and name != "node_modules" and holds_python and name not in OURS:
            found.append(name)
    return found


def loops_between_files(root: Path) -> list[str]:
    return loops(import_graph(sources(root)))


def loops_between_packages(root: Path) -> list[str]:
    """Loops between folders; a folder and one inside it count as one."""
    found = sources(root)
    folder = {source.module: source.folder for source in found}
    graph: dict[str, set[str]] = {name: set() for name in folder.values()}
    for module, needed in import_graph(found).items():
        for other in needed:
            here, there = folder[module], folder[other]
            if not f"{here}.".startswith(f"{there}.") and not f"{there}.".startswith(f"{here}."):
                graph[here].add(there)
    return loops(graph)


def loops(graph: Mapping[str, set[str]]) -> list[str]:
    """One loop of each group of nodes that reach each other: "a -> b -> a"."""
    return [" -> ".join(_loop_in(graph, group)) for group in _strongly_connected(graph) if len(group) > 1]


def _strongly_connected(graph: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """Tarjan, SIAM J. Comput. 1 (1972): the groups of nodes that reach each other."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> Iterator[set[str]]:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in order:
                yield from visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            at = stack.index(node)
            yield set(stack[at:])
            del stack[at:]

    for node in sorted(graph):
        if node not in order:
            yield from visit(node)


def _loop_in(graph: Mapping[str, set[str]], group: set[str]) -> list[str]:
    """The shortest way from the group's first node back to itself."""
    start = min(group)
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for other in sorted(graph[way[-1]] & group):
            if other == start:
                return [*way, start]
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    raise AssertionError("a group without a loop")


GUARDS = [
    imports_that_do_not_point_down,
    imports_of_ours_by_the_simulator,
    imports_of_ours_by_migrations,
    imports_out_of_place,
    packages_without_a_floor,
    loops_between_files,
    loops_between_packages,
]


@pytest.mark.parametrize("guard", GUARDS)
def test_every_import_keeps_to_the_floors(guard) -> None:
    assert guard(ROOT) == []


def test_every_floor_is_looked_at() -> None:
    """The guards read something: at least the floors that the first text goes through are there."""
    seen = {source.top for source in sources(ROOT)}

    assert seen >= {"smsbot", "consent", "conversations", "webhooks", "api", "wsgi", "worker", "scheduler", "simulator"}
    assert seen <= {*FLOORS, *APART}
    assert not {*FLOORS, *APART} & {*BESIDE}


@pytest.mark.parametrize(
    ("guard", "files", "finding"),
    [
        (
            imports_that_do_not_point_down,
            {"smsbot/a.py": "from consent.ledger import append\n"},
            "smsbot/a.py:1: consent.ledger.append is on a higher floor",
        ),
        (
            imports_that_do_not_point_down,
            {"consent/a.py": "def f():\n    import conversations.outbox\n"},
            "consent/a.py:2: conversations.outbox is on a higher floor",
        ),
        (imports_that_do_not_point_down, {"api/a.py": "import webhooks.requests\n"}, "webhooks.requests is a sibling"),
        (imports_that_do_not_point_down, {"reports/a.py": "from privacy import x\n"}, "privacy.x is a sibling"),
        (imports_that_do_not_point_down, {"webhooks/a.py": "import wsgi\n"}, "wsgi is on a higher floor"),
        (imports_that_do_not_point_down, {"worker.py": "import simulator.server\n"}, "is not part of the product"),
        (imports_that_do_not_point_down, {"wsgi.py": "from tests.world import World\n"}, "is not part of the product"),
        (
            imports_of_ours_by_the_simulator,
            {"simulator/a.py": "from smsbot.clock import Clock\n"},
            "smsbot.clock.Clock",
        ),
        (imports_of_ours_by_migrations, {"migrations/versions/2.py": "import smsbot.work\n"}, "smsbot.work"),
        (imports_out_of_place, {"api/a.py": "def f():\n    import json\n"}, "json is imported inside a function"),
        (
            imports_out_of_place,
            {"api/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from smsbot import work\n"},
            "smsbot.work is imported for type checkers only",
        ),
        (
            imports_out_of_place,
            {"api/a.py": "import importlib\nimportlib.import_module('wsgi')\n"},
            "api/a.py:2: a module is imported by name",
        ),
        (packages_without_a_floor, {"billing/__init__.py": ""}, "billing"),
        (packages_without_a_floor, {"tool.py": ""}, "tool"),
        (
            loops_between_files,
            {
                "smsbot/a.py": "from smsbot import b\n",
                "smsbot/b.py": "from smsbot.c import x\n",
                "smsbot/c.py": "def f():\n    from . import a\n",
            },
            "smsbot.a -> smsbot.b -> smsbot.c -> smsbot.a",
        ),
        (
            loops_between_files,
            {"manage.py": "", "commands/up.py": "import manage\n"},
            "commands.up -> manage -> commands.up",
        ),
        (
            loops_between_packages,
            {
                "smsbot/servers/a.py": "import smsbot.gateways.a\n",
                "smsbot/gateways/a.py": "",
                "smsbot/gateways/b.py": "from smsbot.servers import b\n",
                "smsbot/servers/b.py": "",
            },
            "smsbot.gateways -> smsbot.servers -> smsbot.gateways",
        ),
    ],
)
def test_a_crossed_floor_is_seen(guard, files, finding, plant: Plant) -> None:
    found = guard(plant(files))

    assert any(finding in each for each in found), found


def test_what_the_floors_allow_is_not_reported(plant: Plant) -> None:
    root = plant(
        {
            "smsbot/__init__.py": "",
            "smsbot/work.py": "import json\n",
            "consent/gate.py": "from smsbot import work\nfrom smsbot.work import put\n",
            "wsgi.py": "from consent.gate import check\n",
            "worker.py": "import wsgi\n",
            "tests/test_a.py": "import worker\nimport simulator\n",
            "simulator/a.py": "from simulator import b\n",
            "simulator/b.py": "",
        }
    )

    assert [finding for guard in GUARDS for finding in guard(root)] == []
