"""Whatever is put to be done has exactly one who does it, on the queue it is put on; and RQ is used for a bell only."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from smsbot.bell import BACKGROUND, REPLIES
from tests.architecture.conftest import Plant
from tests.architecture.source import ROOT, Source, argument, calls, dotted, full_name, imports, sources
from tests.world import World
from worker import handlers

PUT = "smsbot.work.put"
QUEUES = {"REPLIES": REPLIES, "BACKGROUND": BACKGROUND}

# What RQ offers and we do without: each of these loses, doubles or delays work in some version (L1-L23 of our notes on
# RQ 2.12), or puts more than a ring into Redis.
NEVER_OF_RQ = {
    "Retry", "Repeat", "Callback", "Worker", "SpawnWorker", "HerokuWorker", "RoundRobinWorker", "RandomWorker",
    "Group", "Dependency", "cron", "scheduler", "CronScheduler", "RQScheduler", "DefaultSerializer",
    "PickleSerializer", "job",
}  # fmt: skip
NEVER_CALLED = {"enqueue_at", "enqueue_in", "enqueue_many", "enqueue_call", "prepare_data"}
NEVER_PASSED = {
    "retry", "repeat", "unique", "depends_on", "on_success", "on_failure", "on_stopped", "ttl", "at_front", "args",
    "kwargs", "meta", "job_id",
}  # fmt: skip
RQ_LIBRARIES = ("rq", "rq_scheduler", "rq_dashboard")
PICKLES = ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal")


def work_put(root: Path) -> tuple[set[tuple[str, str]], list[str]]:
    """(kind, queue) of everything that is put to be done, and the calls whose kind or queue cannot be read."""
    everything = sources(root)
    constants = {
        f"{source.module}.{target.id}": node.value.value
        for source in everything
        for node in source.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    put, unread = set(), []
    for source in everything:
        for _, call in calls(source):
            if full_name(source, call.func) != PUT:
                continue
            kind = call.args[1] if len(call.args) > 1 else argument(call, "kind")
            queue = argument(call, "queue")
            kinds = [constants.get(full_name(source, part)) for part in _either(kind)]
            queues = [REPLIES] if queue is None else [QUEUES.get(dotted(q).rpartition(".")[2]) for q in _either(queue)]
            for k in kinds:
                for q in queues:
                    if k is None or q is None:
                        unread.append(f"{source.at(call)}: name the kind and the queue by their constants")
                    else:
                        put.add((k, q))
    return put, unread


def _either(node: ast.expr | None) -> list[ast.expr]:
    """Both of `a if c else b`."""
    if isinstance(node, ast.IfExp):
        return [*_either(node.body), *_either(node.orelse)]
    return [node if node is not None else ast.Constant(None)]


def work_without_its_handler(put: Collection[tuple[str, str]], tables: Mapping[str, Collection[str]]) -> list[str]:
    """Kinds that nobody or more than one does, that wait on another queue than their handler's, or that nobody puts."""
    done = Counter(kind for table in tables.values() for kind in table)
    found = [f"{kind}: done on {count} queues" for kind, count in done.items() if count > 1]
    found += [
        f"{kind}: put on {queue}, where nobody does it" for kind, queue in put if kind not in tables.get(queue, ())
    ]
    found += [f"{kind}: done and never put" for kind in done if kind not in {kind for kind, _ in put}]
    return sorted(found)


def more_than_a_bell(root: Path) -> list[str]:
    """Uses of RQ beyond one queue, JSON, and a ring without arguments; and pickles of any kind."""
    found = []
    for source in sources(root):
        for imported in imports(source):
            if imported.top in PICKLES:
                found.append(f"{imported.where}: {imported.target}")
            if imported.top in RQ_LIBRARIES and (
                imported.top != "rq" or set(imported.target.split(".")[1:]) & NEVER_OF_RQ or imported.target == "rq"
            ):
                found.append(f"{imported.where}: {imported.target}")
        for name, call in calls(source):
            found += [f"{source.at(call)}: {what}" for what in _beyond(source, name, call)]
    return found


def _beyond(source: Source, name: str, call: ast.Call) -> list[str]:
    last = name.rpartition(".")[2]
    made = full_name(source, call.func)
    beyond = [f"{name}()"] if last in NEVER_CALLED else []
    if last == "enqueue":
        beyond += [f"enqueue with {keyword.arg}" for keyword in call.keywords if keyword.arg in {*NEVER_PASSED, None}]
        if source.path != "smsbot/bell.py" or len(call.args) != 1 or dotted(call.args[0]) != "DRAIN":
            beyond.append("enqueues something else than the bell's ring")
    if last == "work" and any(k.arg == "with_scheduler" and not _is(k.value, False) for k in call.keywords):
        beyond.append("RQ's own scheduler")
    serializer = dotted(argument(call, "serializer") or ast.Constant(None))
    if made in {"rq.Queue", *_worker_classes(source)} and serializer != "JSONSerializer":
        beyond.append(f"{name} without the JSON serializer")
    if made in _worker_classes(source):
        queues = call.args[0] if call.args else argument(call, "queues")
        if not isinstance(queues, ast.List) or len(queues.elts) != 1 or isinstance(queues.elts[0], ast.Starred):
            beyond.append("a worker that does not listen to exactly one queue")
    return beyond


def _worker_classes(source: Source) -> set[str]:
    """RQ's SimpleWorker and the classes that this file makes of it."""
    return {"rq.SimpleWorker"} | {
        f"{source.module}.{node.name}"
        for node in source.tree.body
        if isinstance(node, ast.ClassDef) and any(full_name(source, base) == "rq.SimpleWorker" for base in node.bases)
    }


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_every_kind_of_work_has_exactly_one_handler(world: World) -> None:
    put, unread = work_put(ROOT)

    assert unread == []
    assert work_without_its_handler(put, handlers(world.runtime, world.carrier, world.model)) == []
    assert len(put) >= 4


def test_rq_is_a_bell_and_nothing_else() -> None:
    assert more_than_a_bell(ROOT) == []


def test_the_ring_and_the_worker_are_looked_at() -> None:
    """The guard above reads the right calls: one ring, one kind of worker."""
    rings = [s.path for s in sources(ROOT) for name, _ in calls(s) if name.rpartition(".")[2] == "enqueue"]
    workers = [s.path for s in sources(ROOT) for _, call in calls(s) if full_name(s, call.func) in _worker_classes(s)]

    assert (rings, workers) == (["smsbot/bell.py"], ["worker.py"])


@pytest.mark.parametrize(
    ("put", "tables", "finding"),
    [
        ({("a", REPLIES)}, {REPLIES: []}, "a: put on replies, where nobody does it"),
        ({("a", BACKGROUND)}, {REPLIES: ["a"], BACKGROUND: []}, "a: put on background, where nobody does it"),
        ({("a", REPLIES)}, {REPLIES: ["a"], BACKGROUND: ["a"]}, "a: done on 2 queues"),
        ({("a", REPLIES)}, {REPLIES: ["a", "b"]}, "b: done and never put"),
    ],
)
def test_work_without_its_handler_is_seen(put, tables, finding) -> None:
    assert work_without_its_handler(put, tables) == [finding]


def test_work_that_is_put_is_read_from_the_calls(plant: Plant) -> None:
    root = plant(
        {
            "conversations/outbox.py": 'REPLY = "reply"\nSEND = "send"\n',
            "conversations/inbound.py": """
                from conversations import outbox
                from smsbot import work
                from smsbot.work import put

                MEDIA = "media"


                def f(session, words):
                    work.put(session, MEDIA, 1, queue=work.BACKGROUND)
                    put(session, outbox.SEND if words else outbox.REPLY, 1)
                    work.put(session, words, 1)
                    work.put(session, "later", 1)
                    work.put(session, MEDIA, 1, queue=words)
                """,
        }
    )

    put, unread = work_put(root)

    assert put == {("media", BACKGROUND), ("send", REPLIES), ("reply", REPLIES)}
    assert [each.partition(":")[2].partition(":")[0] for each in unread] == ["12", "13", "14"]


@pytest.mark.parametrize(
    "code",
    [
        "from rq import Retry",
        "from rq import Worker",
        "from rq.worker import SpawnWorker",
        "from rq.cron import CronScheduler",
        "import rq",
        "import rq_scheduler",
        "import pickle",
        "def f(queue):\n    queue.enqueue_at(at, DRAIN)",
        "def f(queue):\n    queue.enqueue(DRAIN)",  # somewhere else than in the bell
        "from rq import Queue\nQueue('replies', connection=redis)",
        "from rq import SimpleWorker\nSimpleWorker([a, b], serializer=JSONSerializer)",
        "from rq import SimpleWorker\nSimpleWorker(queues, serializer=JSONSerializer)",
        "from rq import SimpleWorker\n\n\nclass Own(SimpleWorker):\n    pass\n\n\nOwn([a, b], serializer=JSONSerializer)",
        "def f(worker):\n    worker.work(with_scheduler=True)",
    ],
)
def test_more_than_a_bell_is_seen(code, plant: Plant) -> None:
    assert more_than_a_bell(plant({"worker.py": code})) != []


@pytest.mark.parametrize(
    "ring",
    [
        "enqueue(DRAIN, retry=3)",
        "enqueue(DRAIN, message_id)",
        "enqueue(DRAIN, unique=True)",
        "enqueue(DRAIN, depends_on=job)",
        "enqueue(DRAIN, on_failure=again)",
        "enqueue(DRAIN, **options)",
        "enqueue('worker.other')",
    ],
)
def test_a_ring_that_carries_something_is_seen(ring, plant: Plant) -> None:
    assert more_than_a_bell(plant({"smsbot/bell.py": f"def f(queue):\n    queue.{ring}\n"})) != []


def test_a_plain_ring_is_not_reported(plant: Plant) -> None:
    code = (
        "def f(queue):\n    queue.enqueue(DRAIN, job_timeout=60, result_ttl=0, failure_ttl=60, description='drain')\n"
    )

    assert more_than_a_bell(plant({"smsbot/bell.py": code})) == []
