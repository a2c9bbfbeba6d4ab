"""A home folder whose servers are stopped, and starters in processes of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsbot.servers.postgres import stop_postgres
from smsbot.servers.redis import stop_redis

ROOT = Path(__file__).parents[2]
Starter = Callable[..., subprocess.Popen[str]]


def eventually(condition: Callable[[], object], timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def wait_for() -> Callable[..., bool]:
    return eventually


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    yield folder
    stop_postgres(folder, 5)
    stop_redis(folder, 5)


@pytest.fixture
def starter() -> Iterator[Starter]:
    """Runs Python code in a process of its own, `args` as its arguments; what it still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *args: object, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, args)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
