"""The whole product as `make run` starts it, for the journeys: its own folder, free ports, bounded in time."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from smsbot.servers import free_port, is_free
from smsbot.servers.postgres import stop_postgres
from smsbot.servers.redis import stop_redis
from smsbot.supervisor import stop_leftovers

TREE = Path(__file__).resolve().parents[2]
LAKESIDE, ACCOUNT = "+13125550100", "ACde300000000000000000000000000001"
REPLY_WAIT_S = 1
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 30.0
POLL_S = 0.05
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")  # no setting of whoever runs this reaches it
LOGIN = re.compile(r"^  (\S+@lakeside\.example) +(\S+) +(\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Product:
    """Where it runs, and who can sign in: passwords by role, all of the first demo business."""

    url: str
    phones: str
    logins: dict[str, tuple[str, str]]

    def ask(self, path: str, body: Any = None) -> Any:
        """What the stand-in carrier answers."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.phones + path, data, timeout=30) as answer:
            return json.load(answer)

    def text(self, sender: str, body: str) -> None:
        """A lead's text, taken by the product when this returns."""
        told = self.ask("/sim/inbound", {"account": ACCOUNT, "from": sender, "to": LAKESIDE, "body": body})
        assert told["statuses"] == [200], told

    def received(self, person: str) -> list[str]:
        """What the product has sent to this phone, the oldest first, without what the carrier says by itself."""
        return [entry["body"] for entry in self._accepted(person)]

    def answer(self, person: str, number: int) -> tuple[str, float]:
        """The words of the product's text with this number, from 1, and when the carrier accepted it, in Unix time (s).

        Waits for it; AssertionError when it does not come.
        """
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while len(found := self._accepted(person)) < number:
            assert time.monotonic() < deadline, f"no text {number} to {person}"
            time.sleep(POLL_S)
        entry = found[number - 1]
        return " ".join(entry["body"].split()), datetime.fromisoformat(entry["wall"]).timestamp()

    def _accepted(self, person: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.phones}/sim/log?since=0", timeout=30) as answer:
            entries = [json.loads(line) for line in answer]
        return [entry for entry in entries if entry["kind"] == "accepted" and entry["to"] == person]


@contextmanager
def running_product() -> Iterator[Product]:
    """Started, and ended with everything it started. AssertionError with what it printed when it does not get ready."""
    folder = Path(tempfile.mkdtemp(prefix="smsbot-journeys-"))
    folder.chmod(0o755)  # root's PostgreSQL runs as somebody else, who has to enter
    home, said = folder / "home", folder / "said"
    port = _two_free_ports()
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"SMSBOT_HOME": str(home), "PORT": str(port), "REPLY_WAIT_S": str(REPLY_WAIT_S)}
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(TREE / "manage.py"), "up"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _when_ready(process, said, port)
        process.send_signal(signal.SIGINT)
        process.wait(STOP_TIMEOUT_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        stop_leftovers(home / "run")
        stop_postgres(home)
        stop_redis(home)
        shutil.rmtree(folder, ignore_errors=True)


def _when_ready(process: subprocess.Popen[bytes], said: Path, port: int) -> Product:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not re.search("^ready", printed := said.read_text(), re.MULTILINE):
        assert process.poll() is None and time.monotonic() < deadline, printed
        time.sleep(POLL_S)
    logins = {role: (email, password) for email, password, role in LOGIN.findall(printed)}
    return Product(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}", logins)


def _two_free_ports() -> int:
    """The first of two neighbouring ports: the simulator listens on the second."""
    while True:
        port = free_port()
        if is_free(port + 1):
            return port
