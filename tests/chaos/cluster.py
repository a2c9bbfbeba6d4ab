"""The processes of one deployment, started, killed, frozen and started again. Use it on the main thread only.

Every child dies with this process, and `stop()` ends all of them; the servers live in a folder of their own.
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
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from redis import Redis

from smsbot.runtime import runtime_for
from smsbot.schema import prepare_cluster, upgrade
from smsbot.servers import dies_with_parent, free_port
from smsbot.servers.postgres import PostgresServer, start_postgres, stop_postgres
from smsbot.servers.redis import RedisServer, start_redis, stop_redis
from smsbot.settings import load_settings
from smsbot.tenancy import Credential, CredentialKind, CredentialState, Number, OptOutHandling, SenderType, Tenant

TREE = Path(__file__).resolve().parents[2]
# What was committed survives a killed server; only a power cut could take it. Saves the disk, changes no promise.
DURABLE_ENOUGH = ("-c", "fsync=off", "-c", "synchronous_commit=on")
MAX_CONNECTIONS = 200
NOT_RUN = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "docs", "bench", "tests")
RESTART_DELAY_S = 0.3
READY_S = 40.0
REPLY_WAIT_S = 0.2
REPLY_WORKERS = ("replies-1", "replies-2")
LOOK_S = 0.25
OVERDUE_S = 3.0  # due for longer than this and not done: nobody looks after it
# A row in hand is not waiting; one whose lease has ended is.
OVERDUE = f"""
SELECT count(*) FROM work WHERE quarantined_at IS NOT NULL
    OR (greatest(due_at, coalesce(lease_until, due_at)) < now() - interval '{OVERDUE_S} s')"""
WAITING = "SELECT count(*) FROM messages WHERE direction = 'outbound' AND state IN ('queued', 'deferred')"
UNCLEAR = "SELECT count(*) FROM messages WHERE direction = 'outbound' AND state = 'sending'"
WORKERS = (*REPLY_WORKERS, "background", "scheduler")


@dataclass(frozen=True)
class Shop:
    """One tenant as the outside knows it."""

    tenant_id: UUID
    account: str
    token: str = field(repr=False)
    number: str
    handling: OptOutHandling


@dataclass
class Place:
    """One process that is kept running. Times are monotonic seconds."""

    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    starts: int = 0


@dataclass
class Cluster:
    """`tree` holds the product's code. `failpoints` maps a process's name to its SMSBOT_FAILPOINTS."""

    seed: int
    tree: Path = TREE
    failpoints: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="smsbot-chaos-")))
    places: dict[str, Place] = field(default_factory=dict)
    shops: list[Shop] = field(default_factory=list)
    postgres: PostgresServer | None = None
    redis: RedisServer | None = None
    redis_back_at: float | None = None
    frozen: dict[str, float] = field(default_factory=dict)  # name -> when it goes on

    # ---- starting and ending ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Everything, until the web answers that it is ready."""
        self.folder.chmod(0o755)  # root's PostgreSQL runs as another user, who has to get in
        self.armed.mkdir()
        shutil.copytree(self.tree, self.code, ignore=NOT_RUN)
        self.postgres, _ = self._postgres()
        prepare_cluster(self.postgres.url(), database="smsbot", owner_password="owner", app_password="app")
        upgrade(self._url("smsbot_owner", "owner").replace("postgresql://", "postgresql+psycopg://", 1))
        started = start_redis(self.folder)
        assert started is not None, "the test requirements bring a Redis binary"
        self.redis = started[0]
        web, simulator = free_port(), free_port()
        self.web_url, self.simulator_url = f"http://127.0.0.1:{web}", f"http://127.0.0.1:{simulator}"
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(self.code),
            "DATABASE_URL": self._url("smsbot_app", "app"),
            "REDIS_URL": self.redis.url,
            "SMSBOT_HOME": str(self.folder / "home"),
            "PUBLIC_URL": self.web_url,
            "TWILIO_API_URL": self.simulator_url,
            "NUMBER_MPS": "10000",
            "REPLY_WAIT_S": str(REPLY_WAIT_S),
            "SMSBOT_FAILPOINTS_FOLDER": str(self.armed),
        }
        self._make_shops()
        accounts = self.folder / "accounts.json"
        accounts.write_text(json.dumps([_account(shop) for shop in self.shops]), encoding="utf-8")
        python = sys.executable
        gunicorn = ["-m", "gunicorn", "-k", "gthread", "-w", "2", "--threads", "16", "--graceful-timeout", "8"]
        self._place(
            "simulator",
            [
                *(python, "-m", "simulator", "--port", str(simulator), "--target", self.web_url),
                *("--seed", str(self.seed), "--accounts", str(accounts), "--log", str(self.log_file)),
            ],
        )
        self._place("web", [python, *gunicorn, "--worker-tmp-dir", "/dev/shm", "-b", f"127.0.0.1:{web}", "wsgi:app()"])
        for name in REPLY_WORKERS:
            self._place(name, [python, "worker.py", "replies"])
        self._place("background", [python, "worker.py", "background"])
        self._place("scheduler", [python, "scheduler.py"])
        self.tend()
        self._wait_until_ready()

    def stop(self, *, keep: bool = False) -> None:
        """End every process, and delete the folder unless it is to be kept."""
        for name in list(self.frozen):
            self._thaw(name)
        for place in self.places.values():
            self._signal(place, signal.SIGKILL)
        for place in self.places.values():
            if place.process is not None:
                place.process.wait()
        stop_redis(self.folder)
        stop_postgres(self.folder)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def code(self) -> Path:
        """A copy of the tree: whoever is started anew runs what was started first, whatever is edited meanwhile."""
        return self.folder / "tree"

    @property
    def armed(self) -> Path:
        """Where what `arm` asked for lies until it has happened."""
        return self.folder / "failpoints"

    @property
    def log_file(self) -> Path:
        """What the simulator saw, as JSON lines."""
        return self.folder / "carrier.jsonl"

    def tend(self) -> None:
        """Start what has ended, let go on what was frozen long enough, bring Redis back when it is time."""
        now = time.monotonic()
        for name, until in list(self.frozen.items()):
            if now >= until:
                self._thaw(name)
        if self.redis_back_at is not None and now >= self.redis_back_at:
            self.redis_back_at = None
            start_redis(self.folder)
        for place in self.places.values():
            if place.process is not None and place.process.poll() is not None:
                self._signal(place, signal.SIGKILL)  # what it left behind holds its port
                place.process, place.start_at = None, now + RESTART_DELAY_S
            if place.process is None and now >= place.start_at:
                self._fill(place)

    # ---- harm ------------------------------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """kill -9, with all its children."""
        self.frozen.pop(name, None)
        self._signal(self.places[name], signal.SIGKILL)

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP now, SIGCONT after `seconds`."""
        self.frozen[name] = time.monotonic() + seconds
        self._signal(self.places[name], signal.SIGSTOP)

    def crash_postgres(self) -> None:
        """An immediate stop, as the server itself does after one of its processes died, and a start with recovery."""
        assert self.postgres is not None
        with suppress(ProcessLookupError):
            os.kill(self.postgres.pid, signal.SIGQUIT)
        if self._postgres_process is not None:
            self._postgres_process.wait()
        port = self.postgres.port
        self.postgres, _ = self._postgres()
        assert self.postgres.port == port, "PostgreSQL came back on another port"

    def end_failpoints(self) -> None:
        """From now on nothing happens at the failpoints: whoever had some starts anew without."""
        names, self.failpoints = list(self.failpoints), {}
        for name in names:
            self.kill(name)

    def kill_redis(self, away_s: float) -> None:
        """kill -9; it comes back empty after `away_s`."""
        stop_redis(self.folder, timeout_s=0)
        self.redis_back_at = time.monotonic() + away_s

    def flush_redis(self) -> None:
        assert self.redis is not None
        with suppress(Exception):  # it may be away
            Redis.from_url(self.redis.url, socket_timeout=1, socket_connect_timeout=1).flushall()

    def arm(self, point: str, action: str) -> None:
        """The next process that gets to this failpoint does `action` there, once."""
        laid = self.folder / f"{point}.new"
        laid.write_text(action, encoding="ascii")
        laid.rename(self.armed / point)

    # ---- looking ---------------------------------------------------------------------------------------------------

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A superuser's connection, which sees every tenant's rows."""
        assert self.postgres is not None
        return psycopg.connect(self.postgres.url("smsbot"), autocommit=True, connect_timeout=2)

    def drained(
        self, told: Callable[[], bool], calm_at: float, within_s: float, *, tended: Callable[[], None] = lambda: None
    ) -> tuple[float | None, float | None]:
        """Seconds from `calm_at` until everybody was `told` and nothing due was left, and until no outcome was open.

        None: not `within_s`. A reply whose outcome is looked up is not due: after a minute it counts as unknown, and
        only then it is settled. `tended` is called at every look.
        """
        drained_s: float | None = None
        while (now_s := time.monotonic() - calm_at) < within_s:
            self.tend()
            tended()
            try:
                with self.connect() as connection:
                    overdue, waiting, unclear = (
                        (connection.execute(query).fetchone() or (1,))[0] for query in (OVERDUE, WAITING, UNCLEAR)
                    )
            except psycopg.Error:
                overdue = waiting = unclear = 1
            if overdue or waiting or not told():
                drained_s = None
            elif drained_s is None:
                drained_s = round(now_s, 1)
            if drained_s is not None and not unclear:
                return drained_s, round(now_s, 1)
            time.sleep(LOOK_S)
        return drained_s, None

    def steer(self, path: str, body: Mapping[str, Any], timeout_s: float = 60.0) -> dict[str, Any]:
        """One of the simulator's controls."""
        request = urllib.request.Request(
            self.simulator_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            read: dict[str, Any] = json.load(answer)
        return read

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _postgres(self) -> tuple[PostgresServer, bool]:
        server, process = start_postgres(self.folder, max_connections=MAX_CONNECTIONS, extra=DURABLE_ENOUGH)
        self._postgres_process = process
        return server, process is not None

    def _url(self, user: str, password: str) -> str:
        assert self.postgres is not None
        return self.postgres.url("smsbot", user, password)

    def _make_shops(self) -> None:
        runtime = runtime_for(load_settings(self.environment, self.folder), pool_size=2)
        self.runtime = runtime
        brands = (
            ("Lakeside Realty", "+13125550100", OptOutHandling.OURS),
            ("Harbor Motors", "+13125550101", OptOutHandling.TWILIO),
        )
        for place, (brand, number, handling) in enumerate(brands):
            tenant_id, credential_id = uuid4(), uuid4()
            shop = Shop(tenant_id, f"AC{self.seed:016x}{place:016x}", f"{self.seed:016x}{place:016x}", number, handling)
            data_key = runtime.keyring.new_data_key()
            secret = runtime.cipher(data_key).encrypt_text(
                shop.token, tenant_id=tenant_id, table="credentials", column="secret", row=credential_id
            )
            with runtime.transaction(tenant_id) as session:
                session.add(
                    Tenant(
                        id=tenant_id,
                        name=brand,
                        brand=brand,
                        zone="America/Chicago",
                        vertical="real_estate",
                        help_phone="312-555-0199",
                        help_email="help@example.test",
                        languages=["en", "es"],
                        data_key=data_key,
                    )
                )
                session.flush()
                session.add(
                    Number(
                        id=uuid4(),
                        tenant_id=tenant_id,
                        number=number,
                        sender_type=SenderType.LONG_CODE,
                        opt_out_handling=handling,
                    )
                )
                session.add(
                    Credential(
                        id=credential_id,
                        tenant_id=tenant_id,
                        account_sid=shop.account,
                        kind=CredentialKind.AUTH_TOKEN,
                        state=CredentialState.CURRENT,
                        secret=secret,
                    )
                )
            self.shops.append(shop)

    def _place(self, name: str, argv: Sequence[str]) -> None:
        self.places[name] = Place(name, argv)

    def _fill(self, place: Place) -> None:
        place.starts += 1
        environment = {**self.environment, "SMSBOT_FAILPOINTS": self.failpoints.get(place.name, "")}
        with (self.folder / f"{place.name}.log").open("ab") as log:
            place.process = subprocess.Popen(
                place.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.code,
                env=environment,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )

    def _signal(self, place: Place, number: int) -> None:
        if place.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(place.process.pid, number)

    def _thaw(self, name: str) -> None:
        self.frozen.pop(name, None)
        self._signal(self.places[name], signal.SIGCONT)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        for url in (f"{self.simulator_url}/sim/state", f"{self.web_url}/readyz"):
            while True:
                self.tend()
                with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        break
                if time.monotonic() >= deadline:
                    raise RuntimeError(f"{url} does not answer: see {self.folder}")
                time.sleep(0.1)


def _account(shop: Shop) -> dict[str, Any]:
    number = {"number": shop.number, "type": "long_code", "opt_out": shop.handling.value}
    return {"sid": shop.account, "token": shop.token, "numbers": [number]}
