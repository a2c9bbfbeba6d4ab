"""The supervisor: what ends comes back, what is stopped stays away, and nothing is left behind."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from smsbot.errors import ConfigurationError
from smsbot.servers import live
from smsbot.supervisor import Child, Supervisor, stop_leftovers

SUPERVISE = """
import json, sys
from pathlib import Path
from smsbot.errors import ConfigurationError
from smsbot.supervisor import Child, Supervisor

def upkeep():
    print("upkeep")
    raise ConfigurationError("nobody to look after")

folder = Path(sys.argv[1])
children = [Child(**child) for child in json.loads(sys.argv[2])]
sys.exit(Supervisor(children, log_folder=folder / "logs", on_event=print, upkeep=upkeep).run())
"""

SLEEP = {"name": "sleep", "argv": ["sleep", "1000"]}
FAMILY = {"name": "family", "argv": ["sh", "-c", "sleep 1000 & sleep 1000 & wait"]}
DEAF = {"name": "deaf", "argv": ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"]}
# Ends at the second SIGTERM only: the first one is the death signal that it gets when its supervisor is killed.
SLOW = "n=0; trap 'n=$((n+1)); [ $n -ge 2 ] && exit' TERM; echo ready; while :; do sleep 0.1; done"
Run = Callable[..., subprocess.Popen[str]]


class Pids:
    """What the supervisor wrote down about its children."""

    def __init__(self, folder: Path, wait_for: Callable[..., bool]) -> None:
        self.folder, self.wait_for = folder / "run", wait_for

    def now(self, name: str) -> int:
        path = self.folder / f"{name}.pid"
        return int(json.loads(path.read_text())["pid"]) if path.exists() else 0

    def after(self, name: str, former: int = 0) -> int:
        assert self.wait_for(lambda: self.now(name) not in (0, former)), f"{name} has not started"
        return self.now(name)


def group(pgid: int) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pgid and live(process.pid):
                found.append(process.pid)
        except (ProcessLookupError, PermissionError):
            continue
    return found


@pytest.fixture
def pids(tmp_path, wait_for) -> Pids:
    return Pids(tmp_path, wait_for)


@pytest.fixture
def run(starter, tmp_path) -> Iterator[Run]:
    yield lambda *children: starter(SUPERVISE, tmp_path, json.dumps(children))
    for path in (tmp_path / "run").glob("*.pid"):
        for pid in group(json.loads(path.read_text())["pid"]):
            os.kill(pid, signal.SIGKILL)


def test_killed_child_comes_back(run, pids):
    supervisor = run(SLEEP)
    first = pids.after("sleep")
    os.kill(first, signal.SIGKILL)

    assert live(pids.after("sleep", first))
    supervisor.terminate()
    assert "sleep: ended by SIGKILL, starts again in 0.2 s\n" in supervisor.communicate(timeout=5)[0]


def test_child_that_keeps_ending_waits_longer_each_time_even_after_success(run, wait_for, tmp_path):
    supervisor = run({"name": "brief", "argv": ["sh", "-c", "echo started"]})
    log = tmp_path / "logs" / "brief.log"
    assert wait_for(lambda: log.exists() and log.read_text().count("started") == 4)
    supervisor.terminate()

    events = [line for line in supervisor.communicate(timeout=5)[0].splitlines() if line.startswith("brief")]
    assert [line.split()[-2] for line in events[:3]] == ["0.2", "0.4", "0.8"]
    assert events[0] == "brief: ended with exit code 0, starts again in 0.2 s"


def test_child_that_cannot_start_is_reported_and_tried_again(run):
    supervisor = run({"name": "absent", "argv": ["/no/such/program"]}, SLEEP)
    lines = [supervisor.stdout.readline() for _ in range(4)]

    assert len([line for line in lines if line.startswith("absent: cannot start")]) >= 2
    supervisor.terminate()
    assert supervisor.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_leaves_no_process_and_no_record(run, pids, number, tmp_path):
    supervisor = run(SLEEP, FAMILY)
    groups = [pids.after("sleep"), pids.after("family")]
    supervisor.send_signal(number)

    assert supervisor.wait(5) == 0
    assert [group(one) for one in groups] == [[], []]
    assert list((tmp_path / "run").glob("*.pid")) == []


def test_children_stop_in_reverse_order(run, wait_for, tmp_path):
    names = ["first", "second", "third"]
    order = tmp_path / "order"
    script = 'trap \'echo "$1" >> "$0"; exit\' TERM; echo ready; while :; do sleep 1; done'
    supervisor = run(*({"name": name, "argv": ["sh", "-c", script, str(order), name]} for name in names))
    logs = [tmp_path / "logs" / f"{name}.log" for name in names]
    assert wait_for(lambda: all(log.exists() and log.read_text() for log in logs))
    supervisor.terminate()

    assert supervisor.wait(5) == 0
    assert order.read_text().split() == names[::-1]


def test_child_that_does_not_stop_in_time_is_killed(run, pids, wait_for, tmp_path):
    supervisor = run({**DEAF, "stop_timeout_s": 0.3})
    pid = pids.after("deaf")
    assert wait_for((tmp_path / "logs" / "deaf.log").read_text)
    supervisor.terminate()

    assert supervisor.wait(5) == 1
    assert group(pid) == []


def test_second_interrupt_kills_at_once_and_an_echo_of_the_first_does_not(run, pids, wait_for, tmp_path):
    supervisor = run({**DEAF, "stop_timeout_s": 60})
    pid = pids.after("deaf")
    assert wait_for((tmp_path / "logs" / "deaf.log").read_text)
    supervisor.send_signal(signal.SIGTERM)
    supervisor.send_signal(signal.SIGINT)
    time.sleep(0.7)
    assert live(pid)
    supervisor.send_signal(signal.SIGINT)

    assert supervisor.wait(2) == 1
    assert group(pid) == []


def test_family_of_a_killed_child_is_ended_before_the_child_comes_back(run, pids, wait_for):
    stubborn = ["sh", "-c", "(trap '' TERM; sleep 1000) & sleep 1000 & wait"]
    run({"name": "family", "argv": stubborn, "stop_timeout_s": 0.5})
    first = pids.after("family")
    assert wait_for(lambda: len(group(first)) == 3)
    os.kill(first, signal.SIGKILL)

    assert pids.after("family", first)
    assert group(first) == []


def test_killed_supervisor_leaves_nothing_running(run, pids, wait_for):
    supervisor = run(SLEEP, {"name": "other", "argv": ["sleep", "1000"], "nice": 5})
    groups = [pids.after("sleep"), pids.after("other")]
    supervisor.kill()

    assert wait_for(lambda: not any(group(one) for one in groups), 2)


@pytest.mark.parametrize("child", [FAMILY, {"name": "slow", "argv": ["sh", "-c", SLOW]}], ids=["family", "slow"])
def test_leftovers_of_a_killed_supervisor_are_stopped(run, pids, wait_for, tmp_path, child):
    supervisor = run(child)
    pid = pids.after(child["name"])
    if child is not FAMILY:
        assert wait_for((tmp_path / "logs" / "slow.log").read_text)
    else:
        assert wait_for(lambda: len(group(pid)) == 3)
    assert stop_leftovers(tmp_path / "run") == []
    supervisor.kill()
    supervisor.wait()
    time.sleep(0.2)
    assert group(pid)

    assert stop_leftovers(tmp_path / "run") == [child["name"]]
    assert group(pid) == []
    assert stop_leftovers(tmp_path / "run") == []


def test_process_that_took_over_an_id_is_left_alone(tmp_path):
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        born = psutil.Process(stranger.pid).create_time()
        records = {
            "elder": {"pid": stranger.pid, "born": born - 60, "argv": ["sleep", "60"]},
            "namesake": {"pid": stranger.pid, "born": born, "argv": ["sleep", "61"]},
            "garbled": {"pid": "?"},
        }
        for name, record in records.items():
            (tmp_path / f"{name}.pid").write_text(json.dumps(record))

        assert stop_leftovers(tmp_path) == []
        assert stranger.poll() is None
        stranger.kill()


def test_second_supervisor_on_the_folder_is_refused(run, pids, tmp_path):
    run(SLEEP)
    pid = pids.after("sleep")

    with pytest.raises(ConfigurationError, match="running already"):
        Supervisor([Child("sleep", ["sleep", "1"])], log_folder=tmp_path / "logs", on_event=print).run()
    assert live(pid)


def test_niceness_and_environment_are_the_childs_own(run, wait_for, tmp_path):
    run(
        {
            "name": "polite",
            "argv": ["/bin/sh", "-c", 'echo "$ONLY $HOME$(nice)"; sleep 1000'],
            "env": {"ONLY": "this"},
            "nice": 7,
        }
    )
    log = tmp_path / "logs" / "polite.log"

    assert wait_for(lambda: log.exists() and log.read_text() == f"this {os.nice(0) + 7}\n")


def test_large_log_is_set_aside_when_the_child_starts(run, pids, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "sleep.log").write_bytes(b"x" * 5_000_001)
    run(SLEEP)
    pids.after("sleep")

    assert (tmp_path / "logs" / "sleep.log.1").stat().st_size == 5_000_001
    assert (tmp_path / "logs" / "sleep.log").stat().st_size == 0


def test_failure_of_the_upkeep_is_told_and_does_not_end_anything(run, pids):
    supervisor = run(SLEEP)
    pid = pids.after("sleep")

    assert [supervisor.stdout.readline() for _ in range(2)] == ["upkeep\n", "nobody to look after\n"]
    assert live(pid)
