"""Children that are forks of their supervisor: they hold nothing of it, end with it, and never go on as it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from smsbot.supervisor import stop_leftovers

SUPERVISE = """
import os, signal, sys, time
from pathlib import Path
from smsbot.supervisor import Child, Supervisor

folder, kind, count, stop_timeout_s = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])

def note(name):
    with open(folder / name, "a") as file:
        file.write(f"{os.getpid()} {os.getppid()}\\n")

def sleeps():
    note("ran")
    time.sleep(60)
    return 0

def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return sleeps()

def fails():
    note("ran")
    raise RuntimeError("cannot start")

def descriptors():
    note("ran")
    print("open:", sorted(int(fd) for fd in os.listdir("/proc/self/fd")))
    sys.stdout.flush()
    time.sleep(60)
    return 0

class Noted(Supervisor):
    def _tend_all(self):
        note("tended")
        super()._tend_all()

children = [Child(f"worker-{n}", call=globals()[kind], stop_timeout_s=stop_timeout_s) for n in range(1, count + 1)]
sys.exit(Noted(children, log_folder=folder / "logs", on_event=print, stop_together=True).run())
"""

Starter = Callable[..., "subprocess.Popen[str]"]


def lines(path: Path) -> list[list[int]]:
    return [[int(part) for part in line.split()] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def run(starter, tmp_path) -> Callable[..., subprocess.Popen[str]]:
    return lambda kind, count=1, stop_timeout_s=5.0: starter(SUPERVISE, tmp_path, kind, str(count), str(stop_timeout_s))


def test_a_fork_that_outlives_its_killed_supervisor_does_not_keep_the_next_one_out(run, tmp_path, wait_for):
    first = run("deaf")
    assert wait_for(lambda: lines(tmp_path / "ran") and (tmp_path / "run" / "worker-1.pid").exists())
    ((survivor, _),) = lines(tmp_path / "ran")
    first.kill()
    first.wait()

    assert psutil.pid_exists(survivor)
    assert stop_leftovers(tmp_path / "run") == ["worker-1"]
    run("sleeps")
    assert wait_for(lambda: len(lines(tmp_path / "ran")) == 2)


def test_a_fork_has_no_descriptor_of_its_supervisor_but_its_log(run, tmp_path, wait_for):
    run("descriptors")
    log = tmp_path / "logs" / "worker-1.log"
    assert wait_for(lambda: log.exists() and "open:" in log.read_text())

    assert log.read_text().strip() == "open: [0, 1, 2, 3]"  # 3 is the folder that was being listed


def test_children_that_do_not_end_cost_one_time_limit_together_not_one_each(run, tmp_path, wait_for):
    running = run("deaf", 3, 1.5)
    assert wait_for(lambda: len(lines(tmp_path / "ran")) == 3)
    began = time.monotonic()
    running.send_signal(signal.SIGTERM)
    running.wait(timeout=30)
    took_s = time.monotonic() - began

    assert running.returncode == 1
    assert took_s < 2 * 1.5
    assert not any(psutil.pid_exists(pid) for pid, _ in lines(tmp_path / "ran"))


def test_on_a_full_disk_a_failing_fork_never_goes_on_as_a_supervisor(run, tmp_path, wait_for):
    (tmp_path / "logs").mkdir(mode=0o700)
    (tmp_path / "logs" / "worker-1.log").symlink_to("/dev/full")
    running = run("fails")
    assert wait_for(lambda: len(lines(tmp_path / "ran")) >= 3)
    running.send_signal(signal.SIGTERM)
    running.wait(timeout=30)

    assert {pid for pid, _ in lines(tmp_path / "tended")} == {running.pid}
    assert {parent for _, parent in lines(tmp_path / "ran")} == {running.pid}


def test_a_killed_fork_is_started_again(run, tmp_path, wait_for):
    run("sleeps")
    assert wait_for(lambda: lines(tmp_path / "ran"))
    os.kill(lines(tmp_path / "ran")[0][0], signal.SIGKILL)

    assert wait_for(lambda: len(lines(tmp_path / "ran")) == 2)
