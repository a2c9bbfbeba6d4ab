"""One deployment for a bench: embedded servers, the demo's tenant, the product's own commands, all on loopback.

Everything lives in a temporary folder and ends with the block. Use it on the main thread: children die with us.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench import usage
from bench.client import Job
from smsbot.servers import dies_with_parent, free_port
from smsbot.servers.files import kept_secret
from smsbot.servers.postgres import PostgresServer, start_postgres, stop_postgres
from smsbot.servers.redis import RedisServer, start_redis, stop_redis

FOLDER = Path(__file__).resolve().parent.parent
READY_S = 60.0
PREPARE_S = 120.0
STOP_S = 12.0
BELL_S = 0.5  # from a worker's first sign of life until it listens for the bell
WORKERS = "workers"
STAFF_NICE = 1
SMS = "/webhooks/twilio/sms"


@dataclass(frozen=True)
class Shop:
    """The demo tenant that texts are sent to."""

    account: str
    token: str = field(repr=False)
    number: str


@dataclass
class Stand:
    """`settings` are environment variables of the product. Names of processes are ours: web, workers, simulator …"""

    folder: Path
    postgres: PostgresServer
    redis: RedisServer
    redis_pid: int
    environment: dict[str, str]
    accounts_file: Path
    shop: Shop
    web_port: int
    staff_port: int
    simulator_port: int
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    reply_workers: int = 0
    seen: int = 0  # how far the simulator's log was read

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.simulator_port}"

    def start(self, name: str, argv: Sequence[str], environment: Mapping[str, str] | None = None, nice: int = 0) -> int:
        """Start a process that lives as long as the stand; returns its id."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=FOLDER,
                env={**self.environment, **(environment or {})},
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGKILL, nice),
            )
        return self.children[name].pid

    def start_web(self, pool: str = "carrier") -> None:
        """As `manage.py up` starts it, but only the pool that a bench needs."""
        self.start("web", self._manage("web", *(["--only", pool] if pool else [])))
        self.wait_for(f"{self.web_url}/readyz")

    def start_staff(self) -> None:
        """The staff pool on an address of its own, as behind a proxy that parts the two."""
        self.staff_port = self.staff_port if self.staff_port != self.web_port else free_port()
        self.start("staff", self._manage("web", "--only", "staff"), {"PORT": str(self.staff_port)}, nice=STAFF_NICE)
        self.wait_for(f"http://127.0.0.1:{self.staff_port}/readyz")

    def start_workers(self, count: int) -> None:
        """The reply workers, the background worker and the scheduler, together as `manage.py up` starts them."""
        self.reply_workers = count
        self.start(WORKERS, self._manage("workers"), {"REPLY_WORKERS": str(count)})

    def members(self) -> dict[str, int]:
        """The processes that the workers' parent keeps running, by name."""
        found = {}
        for record in (self.folder / "home" / "run" / "workers").glob("*.pid"):
            with suppress(OSError, ValueError):  # it is being written
                found[record.stem] = int(json.loads(record.read_text(encoding="utf-8"))["pid"])
        return found

    def start_simulator(self) -> None:
        argv = [sys.executable, "-P", "-m", "simulator", "--port", str(self.simulator_port), "--target", self.web_url]
        argv += ["--seed", "1", "--accounts", str(self.accounts_file)]
        plain = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(FOLDER)}
        self.start("simulator", ["/usr/bin/env", "-i", *(f"{k}={v}" for k, v in plain.items()), *argv])
        self.wait_for(f"{self.simulator_url}/sim/state")

    def _manage(self, *arguments: str) -> list[str]:
        return [sys.executable, str(FOLDER / "manage.py"), *arguments]

    def wait_for(self, url: str) -> None:
        """Until it answers 200. RuntimeError with the folder of the logs when it does not."""
        deadline = time.monotonic() + READY_S
        while True:
            with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
            for name, child in self.children.items():
                if child.poll() is not None:
                    raise RuntimeError(f"{name} ended with {child.returncode}:\n{self.log_of(name)}")
            if time.monotonic() >= deadline:
                raise RuntimeError(f"{url} does not answer")
            time.sleep(0.05)

    def log_of(self, name: str) -> str:
        """The end of a process's log."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def kill(self, name: str) -> None:
        """kill -9, with its children."""
        child = self.children[name]
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def pids(self, *names: str) -> list[int]:
        return [child.pid for name, child in self.children.items() if not names or name in names]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far by process, PostgreSQL and Redis among them. Of the workers each and all of them."""
        each = {name: child.pid for name, child in self.children.items()} | self.members()
        used = {name: usage.cpu_s([pid]) for name, pid in each.items()}
        return {**used, "postgres": usage.cpu_s([self.postgres.pid]), "redis": usage.cpu_s([self.redis_pid])}

    def ask(self, path: str, body: Mapping[str, Any] | None = None, timeout_s: float = 60.0) -> Any:
        """One of the simulator's controls; a list of entries for its log."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.simulator_url + path, content, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            text = answer.read().decode()
        if answer.headers.get_content_type() == "application/x-ndjson":
            return [json.loads(line) for line in text.splitlines()]
        return json.loads(text)

    def job(self, *, requests: int, lines: int, first_sender: int, sid_prefix: int, senders: int = 0) -> Job:
        """Texts to the shop, each from a person of its own unless `senders` says how many write in turn."""
        shop = self.shop
        return Job(
            url=self.web_url + SMS,
            account=shop.account,
            token=shop.token,
            number=shop.number,
            requests=requests,
            lines=lines,
            first_sender=first_sender,
            senders=senders or requests,
            sid_prefix=f"{sid_prefix:08x}",
        )

    def wait_for_workers(self) -> None:
        """Until every worker and the scheduler have said that they live."""
        expected = self.reply_workers + len(("background", "scheduler"))
        deadline = time.monotonic() + READY_S
        with psycopg.connect(self.postgres.url("smsbot"), autocommit=True) as connection:
            while time.monotonic() < deadline:
                row = connection.execute("SELECT count(*) FROM heartbeats").fetchone()
                if row is not None and row[0] >= expected:
                    time.sleep(BELL_S)
                    return
                time.sleep(0.05)
        raise RuntimeError(f"the workers do not start: {self.log_of(WORKERS)}")

    def analyze(self) -> None:
        """What autovacuum does within a minute: until then plans are made for empty tables, and the benches are short."""
        with psycopg.connect(self.postgres.url("smsbot"), autocommit=True) as connection:
            connection.execute("ANALYZE")

    def stop(self) -> None:
        for child in self.children.values():
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for name, child in self.children.items():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
            self.kill(name)


@contextmanager
def stand(settings: Mapping[str, str] | None = None) -> Iterator[Stand]:
    """Servers that run and a prepared database, for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="smsbot-bench-"))
    folder.chmod(0o755)  # root's PostgreSQL may run as another user, who has to get in
    home = folder / "home"
    home.mkdir(mode=0o755)
    made: Stand | None = None
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a run that is cut short cleans up too
    try:
        postgres, _ = start_postgres(home)
        redis = start_redis(home)
        if redis is None or redis[1] is None:
            raise RuntimeError("no Redis binary here: run `make setup`")
        made = _prepared(folder, home, postgres, redis[0], redis[1].pid, settings or {})
        yield made
    finally:
        if made is not None:
            made.stop()
        stop_redis(home)
        stop_postgres(home)
        shutil.rmtree(folder, ignore_errors=True)


def _prepared(
    folder: Path, home: Path, postgres: PostgresServer, redis: RedisServer, redis_pid: int, settings: Mapping[str, str]
) -> Stand:
    web_port, simulator_port = free_port(), free_port()
    accounts_file = folder / "accounts.json"
    simulator_url = f"http://127.0.0.1:{simulator_port}"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "SMSBOT_HOME": str(home),
        "HOST": "127.0.0.1",
        "PORT": str(web_port),
        "PUBLIC_URL": f"http://127.0.0.1:{web_port}",
        "SMSBOT_SIMULATOR_URL": simulator_url,
        **{name: value.format(simulator=simulator_url) for name, value in settings.items()},
    }
    manage = [sys.executable, str(FOLDER / "manage.py"), "demo", "--migrate", "--without-history"]
    manage += ["--accounts", str(accounts_file)]
    done = subprocess.run(
        manage, env=environment, cwd=FOLDER, capture_output=True, text=True, timeout=PREPARE_S, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the demo was not made: {done.stderr[-2000:]}")
    account = json.loads(accounts_file.read_text(encoding="utf-8"))[0]
    environment |= {
        "DATABASE_URL": postgres.url("smsbot", "smsbot_app", kept_secret(home / "keys" / "postgres_app")),
        "REDIS_URL": redis.url,
    }
    shop = Shop(account["sid"], account["token"], account["numbers"][0]["number"])
    return Stand(
        folder, postgres, redis, redis_pid, environment, accounts_file, shop, web_port, web_port, simulator_port
    )
