"""`manage.py up` as a person runs it: first start, one text and its answer, Ctrl-C, kill -9, a second start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from commands.up import failure
from smsbot.servers import free_port, is_free
from smsbot.servers.postgres import running_postgres, stop_postgres
from smsbot.servers.redis import stop_redis
from smsbot.supervisor import stop_leftovers
from smsbot.work import LEASE_S
from tests.canaries.watch import WATCH

ROOT = Path(__file__).parents[2]
LAKESIDE, LAKESIDE_ACCOUNT = "+13125550100", "ACde300000000000000000000000000001"
PHONE = "+13125550190"
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 20.0


class Up:
    """One `manage.py up` with what it prints."""

    def __init__(self, home: Path, port: int, *arguments: str) -> None:
        self.home, self.port = home, port
        self.output = home.parent / f"output-{time.monotonic_ns()}"
        environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        environment |= {"SMSBOT_HOME": str(home), "PORT": str(port), "REPLY_WAIT_S": "0"}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", *arguments],
                cwd="/",  # it must find itself wherever it is called from
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> list[str]:
        return self.output.read_text().splitlines()

    def ready_after_s(self) -> float:
        """How long it took to say `ready`; on a machine without Redis that is named behind it."""
        began = time.monotonic()
        while not any(line.startswith("ready") for line in self.said):
            assert self.process.poll() is None, self.said
            assert time.monotonic() - began < START_TIMEOUT_S, self.said
            time.sleep(0.05)
        return time.monotonic() - began

    def interrupted(self) -> int:
        """Its exit code after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_TIMEOUT_S)

    def sim(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port + 1}{path}", data, timeout=20) as answer:
            return json.load(answer)

    def text(self, body: str) -> None:
        asked = {"account": LAKESIDE_ACCOUNT, "from": PHONE, "to": LAKESIDE, "body": body}
        assert self.sim("/sim/inbound", asked)["statuses"] == [200]

    def answers(self) -> list[str]:
        thread = self.sim(f"/sim/numbers/{PHONE}/thread")
        return [text["body"] for text in thread["texts"] if text["direction"] == "to_phone"]


def running(home: Path) -> list[str]:
    """The processes that work for this home folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            words = " ".join(process.cmdline())
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            ours = process.environ().get("SMSBOT_HOME") == str(home) and "manage.py" in words
            if ours or str(home) in words or str(process.cwd()).startswith(str(home)):
                found.append(words)
    return found


def in_hand_s(home: Path) -> float:
    """How long what a killed process had in hand is still its own: seconds until the last of its leases is over."""
    server = running_postgres(home)
    assert server is not None
    with psycopg.connect(server.url("smsbot")) as connection:
        row = connection.execute("SELECT extract(epoch FROM max(lease_until) - now()) FROM work").fetchone()
    assert row is not None
    return max(0.0, float(row[0] or 0.0))


def owed(home: Path) -> int:
    """Inbound texts that have not ended in an outcome, and rows that were put aside."""
    server = running_postgres(home)
    assert server is not None
    with psycopg.connect(server.url("smsbot")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM work WHERE kind IN ('reply', 'send') OR quarantined_at IS NOT NULL"
        ).fetchone()
    assert row is not None
    return int(row[0])


def eventually(condition: Callable[[], object], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def two_free_ports() -> int:
    """The first of two neighbouring ports: the simulator listens on the second."""
    while True:
        port = free_port()
        if is_free(port + 1):
            return port


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder of its own; not pytest's, which root's server could not enter."""
    folder = Path(tempfile.mkdtemp(prefix="smsbot-up-"))
    folder.chmod(0o755)
    yield folder / "home"
    stop_leftovers(folder / "home" / "run")
    stop_redis(folder / "home")
    found = WATCH.files(folder) + (WATCH.home(folder / "home") if (folder / "home" / "keys").is_dir() else [])
    stop_postgres(folder / "home")
    shutil.rmtree(folder, ignore_errors=True)
    assert found == []


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def call(port: int, *arguments: str) -> Up:
        started.append(Up(home, port, *arguments))
        return started[-1]

    yield call
    for up in started:
        if up.process.poll() is None:
            up.interrupted()


@pytest.mark.slow
def test_a_text_to_the_demo_is_answered_and_ctrl_c_leaves_nothing(start: Callable[..., Up], home: Path) -> None:
    up = start(two_free_ports())
    up.ready_after_s()

    up.text("Hi, is 412 Maple Ave still available?")

    assert eventually(up.answers, ANSWER_TIMEOUT_S), (home / "logs" / "worker-1.log").read_text()
    assert up.answers()[0].startswith("Lakeside Realty Group")
    assert any("owner@lakeside.example" in line for line in up.said)
    assert f"dashboard  http://127.0.0.1:{up.port}   sign in with a demo login below" in up.said
    assert f"phones     http://127.0.0.1:{up.port + 1}   be a lead: text either business" in up.said
    with urllib.request.urlopen(f"http://127.0.0.1:{up.port + 1}/", timeout=20) as answer:
        page = answer.read().decode()
    assert ("Lakeside Realty Group" in page, "Summit Ford" in page) == (True, True)
    assert len(running(home)) > len(("simulator", "web", "worker", "worker", "scheduler", "postgres", "redis"))

    assert up.interrupted() == 0
    assert up.said[-1] == "stopping"
    assert running(home) == []


@pytest.mark.slow
def test_after_kill_9_a_second_start_is_quick_and_keeps_the_data(start: Callable[..., Up], home: Path) -> None:
    port = two_free_ports()
    first = start(port)
    first_start_s = first.ready_after_s()
    logins = [line for line in first.said if "example" in line]
    first.text("Hi, is 412 Maple Ave still available?")
    first.process.kill()
    first.process.wait()

    second = start(port)
    second_start_s = second.ready_after_s()
    second.text("How many bedrooms does it have?")
    left_s = in_hand_s(home)
    answered = eventually(lambda: second.answers() and owed(home) == 0, left_s + ANSWER_TIMEOUT_S)

    assert second_start_s < first_start_s  # which also made the database, the tables and the demo
    assert [line for line in second.said if "example" in line] == logins
    assert left_s <= LEASE_S
    assert answered, (left_s, owed(home), second.answers())
    assert len(second.answers()) <= 2, "two texts: an answer each, or one for both"
    assert second.interrupted() == 0
    assert running(home) == []


@pytest.mark.slow
def test_commands_work_beside_it_and_a_second_one_is_refused(start: Callable[..., Up], home: Path) -> None:
    up = start(two_free_ports(), "--bare")
    up.ready_after_s()

    second = start(two_free_ports(), "--bare")
    code = second.process.wait(START_TIMEOUT_S)
    verified = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "doctor"],
        env={**os.environ, "SMSBOT_HOME": str(home)},  # PORT was given to `up` alone
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (code, second.said) == (2, [f"smsbot is running already in {home}: stop that one first"])
    assert (verified.returncode, "FAIL" in verified.stdout) == (0, False), verified.stdout
    assert f"PUBLIC_URL=http://127.0.0.1:{up.port}," in verified.stdout
    assert up.process.poll() is None
    assert up.said[0] == f"starting smsbot in {home}"
    assert not any("example" in line or "phones" in line for line in up.said)


@pytest.mark.slow
def test_when_ready_is_said_every_process_lives(start: Callable[..., Up]) -> None:
    up = start(two_free_ports(), "--bare")
    up.ready_after_s()

    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/readyz", timeout=20) as answer:
        found = json.load(answer)

    assert [reason for reason in found["reasons"] if "no sign of life" in reason] == []
    assert up.said[-1] == ("ready" if found["status"] == "ready" else f"ready, but degraded: {found['reasons'][0]}")


@pytest.mark.slow
def test_a_database_that_cannot_be_prepared_says_why_and_keeps_the_rest(start: Callable[..., Up], home: Path) -> None:
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "demo_logins").write_text("not json")
    up = start(two_free_ports())

    code = up.process.wait(START_TIMEOUT_S)

    log = home / "logs" / "demo.log"
    assert code == 2
    assert up.said[-1].startswith("the database could not be prepared: json.decoder.JSONDecodeError: Expecting value")
    assert up.said[-1].endswith(f"(all of it: {log})")
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    run()\n'


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("", ""),
        ("the database does not answer: check DATABASE_URL\n", "the database does not answer: check DATABASE_URL"),
        ("a warning\nset SECRET_KEY\n", "set SECRET_KEY"),
        (TRACEBACK + "ImportError: cannot import name 'x'\n", "ImportError: cannot import name 'x'"),
        (
            TRACEBACK + "db.DataError: too long\n[SQL: SELECT 1]\n(Background on this: https://x)\n",
            "db.DataError: too long",
        ),
        (
            TRACEBACK
            + "KeyError: 'a'\n\nThe above exception was the direct cause of:\n\n"
            + TRACEBACK
            + "OSError: b\n",
            "OSError: b",
        ),
    ],
)
def test_the_reason_of_a_failed_command_is_its_exceptions_first_line(stderr: str, reason: str) -> None:
    assert failure(stderr) == reason


@pytest.mark.slow
@pytest.mark.parametrize("taken", [0, 1])
def test_a_port_that_is_taken_is_one_clear_line(start: Callable[..., Up], home: Path, taken: int) -> None:
    port = two_free_ports()
    with socket.create_server(("127.0.0.1", port + taken)):
        up = start(port)
        code = up.process.wait(START_TIMEOUT_S)

    assert code == 2
    assert len(up.said) == 1
    assert f"port {port + taken}" in up.said[0]
    assert "set PORT" in up.said[0]
    assert running(home) == []


@pytest.mark.slow
def test_a_command_without_up_starts_the_database_and_stops_it_again(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "consent", "verify"],
        env={**os.environ, "SMSBOT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert running(home) == []
