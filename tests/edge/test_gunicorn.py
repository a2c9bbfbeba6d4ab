"""The carrier's routes as they run in production: a real gunicorn, a real database, requests as bytes on a socket."""

from __future__ import annotations

import base64
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
import psycopg
import pytest
from sqlalchemy import Engine

from conversations.models import Kind, State
from smsbot.signatures import SigningKey, signature_of
from smsbot.tenancy import CredentialKind, CredentialState, OptOutHandling
from tests.canaries.watch import WATCH
from tests.conftest import Database
from tests.edge.posts import INBOUND, OPT_OUT, SMS, Carrier, carrier, rejections, row_counts
from tests.world import PUBLIC_URL, World

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SECRET_KEY = "k" * 40
STARTS_WITHIN_S = 20.0
ANSWERS_WITHIN_S = 10.0
WITHOUT_DATABASE_S = 1.0  # the contract's
AT_ONCE = 50
OPTIONS = ("--worker-class", "gthread", "--threads", "24", "--workers", "1")
OTHER_PORT = "https://sms.example.test:8443"
SHARED = SigningKey("shared-key-secret-example-01", "HMAC_SHA256")
SETTINGS = ("X-Twilio-Webhooks-Signature-Settings", "key=webhooks_sharedkey_01,algorithm=HMAC_SHA256")
PLAIN = INBOUND["inbound_sms"]["direct_number"]


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes
    took_s: float


@dataclass(frozen=True)
class Gunicorn:
    """One running web process and the address that the carrier knows it by."""

    port: int
    public_url: str
    process: subprocess.Popen[bytes]

    def ask(self, request: bytes) -> Answer:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWERS_WITHIN_S) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        took_s = time.monotonic() - began
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Answer(int(status.split()[1]), headers.get("content-type", ""), body, took_s)

    def post(
        self,
        key: SigningKey | None,
        form: dict[str, str],
        *,
        target: str = SMS,
        signed_target: str | None = None,
        signature: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Answer:
        """A webhook, byte for byte; `signed_target` is what the signer took for the address's path."""
        if key is not None:
            url = self.public_url + (target if signed_target is None else signed_target)
            signature = signature_of(key, url, list(form.items()))
        body = urlencode(list(form.items()))
        WATCH.sent.append(("application/x-www-form-urlencoded", body.encode(), []))
        lines = [
            f"POST {target} HTTP/1.1",
            "Host: 10.0.0.7:8000",  # what an inner proxy calls us: nobody signs that
            "X-Forwarded-Proto: http",
            "X-Forwarded-Host: attacker.example",
            "User-Agent: TwilioProxy/1.1",
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *([] if signature is None else [f"X-Twilio-Signature: {signature}"]),
            *(f"{name}: {value}" for name, value in headers),
        ]
        return self.ask("\r\n".join([*lines, "", body]).encode())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def gunicorn(home: Path, keys: str, database_url: str, public_url: str) -> Iterator[Gunicorn]:
    """`wsgi:app()` under gunicorn on loopback, ended with the block."""
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "gunicorn.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *OPTIONS, "wsgi:app()"],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env={
                "PATH": os.environ["PATH"],
                "SMSBOT_ENV": "development",
                "SMSBOT_HOME": str(home),
                "SECRET_KEY": SECRET_KEY,
                "ENCRYPTION_KEYS": keys,
                "DATABASE_URL": database_url,
                "PUBLIC_URL": public_url,
                "SMSBOT_POOLS": "carrier",
            },
        )
    try:
        yield Gunicorn(port, public_url, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def wait_until_up(server: Gunicorn, home: Path) -> None:
    give_up = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            if server.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status == 200:
                return
        except OSError:
            pass
        assert server.process.poll() is None and time.monotonic() < give_up, (home / "gunicorn.log").read_text()[
            -2_000:
        ]
        time.sleep(0.05)


@dataclass(frozen=True)
class Servers:
    main: Gunicorn
    other_port: Gunicorn
    no_database: Gunicorn
    silent_database: Gunicorn
    keys: tuple[bytes, ...]
    log: Path


@pytest.fixture(scope="module")
def servers(home: Path, migrated: Database) -> Iterator[Servers]:
    """Processes, started side by side: as in production, behind another port, and with no database or a silent one."""
    key = os.urandom(32)
    keys = base64.b64encode(key).decode()
    WATCH.keep(key)
    WATCH.keep(SECRET_KEY)
    dead = f"postgresql://smsbot_app:app@127.0.0.1:{free_port()}/smsbot"
    silent = socket.create_server(("127.0.0.1", 0))  # its kernel takes connections, and nobody ever answers
    wanted = {
        "main": (migrated.app_url, PUBLIC_URL),
        "other_port": (migrated.app_url, OTHER_PORT),
        "no_database": (dead, PUBLIC_URL),
        "silent_database": (f"postgresql://smsbot_app:app@127.0.0.1:{silent.getsockname()[1]}/smsbot", PUBLIC_URL),
    }
    with ExitStack() as stack:
        stack.enter_context(silent)
        started = {
            name: stack.enter_context(gunicorn(home / f"web-{name}", keys, database_url, public_url))
            for name, (database_url, public_url) in wanted.items()
        }
        for name, server in started.items():
            wait_until_up(server, home / f"web-{name}")
        yield Servers(
            started["main"],
            started["other_port"],
            started["no_database"],
            started["silent_database"],
            (key,),
            home / "web-main" / "gunicorn.log",
        )


@pytest.fixture
def edge(servers: Servers, database: Database, engine: Engine, tmp_path: Path) -> Carrier:
    """A tenant whose secrets the processes can open, as they share its deployment key."""
    world = World(database.app_url, engine, tmp_path, encryption_keys=servers.keys)
    return carrier(world, handling=OptOutHandling.OURS)


def current(edge: Carrier) -> SigningKey:
    return SigningKey(edge.business.token, "HMAC_SHA1")


# ---- whose signature it is, on the wire ------------------------------------------------------------------------------

Post = Callable[[Servers, Carrier], Answer]


def with_trait(
    key: SigningKey | None = None,
    *,
    body: str | None = None,
    via: str = "main",
    target: str = SMS,
    signed_target: str | None = None,
    signature: str | None = None,
    sign: bool = True,
    headers: tuple[tuple[str, str], ...] = (),
) -> Post:
    def post(servers: Servers, edge: Carrier) -> Answer:
        server: Gunicorn = getattr(servers, via)
        form = PLAIN if body is None else {**PLAIN, "Body": body}
        return server.post(
            (key or current(edge)) if sign else None,
            form,
            target=target,
            signed_target=signed_target,
            signature=signature,
            headers=headers,
        )

    return post


def of_another_tenant(servers: Servers, edge: Carrier) -> Answer:
    return servers.main.post(SigningKey(edge.world.home.token, "HMAC_SHA1"), PLAIN)


def with_a_lost_port(servers: Servers, edge: Carrier) -> Answer:
    return replace(servers.main, public_url=OTHER_PORT.replace("8443", "8444")).post(current(edge), PLAIN)


PREVIOUS = SigningKey("fedcba9876543210fedcba9876543210", "HMAC_SHA1")
QUERY = "?tenant=t_42&ref=9c1e&name=Ann+Lee&x=%2Fa%2F&a=&b"
TRAITS: list[tuple[str, int, Post]] = [
    ("tls-ends-at-a-proxy", 200, with_trait()),
    ("port-8443", 200, with_trait(via="other_port")),
    ("port-lost-fails", 403, with_a_lost_port),
    ("query-string", 200, with_trait(target=SMS + QUERY)),
    ("query-re-encoded-fails", 403, with_trait(target=SMS + QUERY, signed_target=SMS + QUERY.replace("+", "%20"))),
    ("percent-encoded-path", 200, with_trait(target="/webhooks/twilio/%73ms?x=" + quote("t/42", safe=""))),
    ("path-decoded-fails", 403, with_trait(target="/webhooks/twilio/%73ms", signed_target=SMS)),
    ("plus-and-percent-in-values", 200, with_trait(body="100% + 5 & more = ok?\r\nline2\n")),
    ("absolute-target", 200, with_trait(target="http://10.0.0.7:8000" + SMS, signed_target=SMS)),
    ("previous-token", 200, with_trait(PREVIOUS)),
    ("sha256-shared-key", 200, with_trait(SHARED, headers=(SETTINGS,))),
    ("sha256-without-its-header-fails", 403, with_trait(SHARED)),
    ("other-tenants-token-fails", 403, of_another_tenant),
    ("no-signature-fails", 403, with_trait(sign=False)),
    ("garbage-signature-fails", 403, with_trait(sign=False, signature="not base64 at all ☃")),
    ("trailing-slash-fails", 404, with_trait(target=SMS + "/", signed_target=SMS)),
]


@pytest.mark.parametrize(("status", "post"), [row[1:] for row in TRAITS], ids=[row[0] for row in TRAITS])
def test_a_signature_is_decided_over_what_came_on_the_wire(
    servers: Servers, edge: Carrier, database: Database, status: int, post: Post
) -> None:
    edge.world.add_credential(edge.business, PREVIOUS.secret, state=CredentialState.PREVIOUS)
    edge.world.add_credential(edge.business, SHARED.secret, kind=CredentialKind.SHARED_KEY)
    before = row_counts(database)

    answer = post(servers, edge)

    assert (answer.status, answer.content_type) == (status, "text/xml; charset=utf-8")
    assert answer.body.endswith(b"<Response/>")
    inbound = edge.world.inbound(of=edge.business)
    if status == 200:
        assert [m.provider_sid for m in inbound] == [PLAIN["MessageSid"]]
    else:
        ignored = {"rejections": 0, "heartbeats": 0}  # the server itself writes the second, in its own time
        assert row_counts(database) | ignored == before | ignored
        assert len(rejections(database)) == (1 if status == 403 else 0)


def test_requests_that_are_no_http_take_no_thread_from_the_carrier(servers: Servers, edge: Carrier) -> None:
    key = current(edge)
    head = f"POST {SMS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
    broken = [
        b"\x00\xff\r\n\r\n",
        b"GET " + b"/" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        f"{head}Content-Length: -5\r\n\r\n".encode(),
        f"{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\nab".encode(),
        f"{head}Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n".encode(),
    ]

    assert [400 <= servers.main.ask(request).status < 500 for request in broken] == [True] * len(broken)
    assert servers.main.post(key, PLAIN).status == 200


# ---- one text many times, and no database ----------------------------------------------------------------------------


def test_one_text_posted_fifty_times_at_once_is_one_message_one_reply_and_one_event(
    servers: Servers, edge: Carrier, database: Database
) -> None:
    key = current(edge)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: servers.main.post(key, PLAIN), range(AT_ONCE)))

    assert [answer.status for answer in answers] == [200] * AT_ONCE
    counts = row_counts(database)
    assert (counts["contacts"], counts["leads"], counts["conversations"], counts["work"]) == (1, 1, 1, 1)
    assert counts["messages"] == 2  # theirs, and the answer that is owed
    assert [(m.state, m.in_reply_to) for m in edge.outbound()] == [
        (State.QUEUED, edge.world.inbound(of=edge.business)[0].id)
    ]
    assert edge.kinds() == ["inquiry"]
    assert edge.world.verified(of=edge.business)


def test_one_stop_posted_fifty_times_at_once_is_one_event_and_one_confirmation(servers: Servers, edge: Carrier) -> None:
    key, form = current(edge), OPT_OUT["default_stop_no_type"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: servers.main.post(key, form), range(AT_ONCE)))
    edge.world.clock.set(datetime.now(UTC))  # the processes have the machine's clock
    edge.drain()

    assert [answer.status for answer in answers] == [200] * AT_ONCE
    assert edge.kinds() == ["opt_out"]
    assert [m.kind for m in edge.outbound()] == [Kind.OPT_OUT_CONFIRMATION]
    assert len(edge.world.carrier.accepted) == 1


def test_fifty_texts_of_one_new_person_at_once_are_one_lead_and_a_ledger_without_a_fork(
    servers: Servers, edge: Carrier, database: Database
) -> None:
    key = current(edge)
    forms = [{**PLAIN, "MessageSid": f"SM{at:032x}", "Body": f"Text {at}"} for at in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda form: servers.main.post(key, form), forms))

    assert [answer.status for answer in answers] == [200] * AT_ONCE
    assert len(edge.world.inbound(of=edge.business)) == AT_ONCE
    assert row_counts(database)["leads"] == 1
    assert [event.seq for event in edge.ledger()] == list(range(1, AT_ONCE + 1))
    assert [m.state for m in edge.outbound()].count(State.QUEUED) == 1
    assert edge.world.verified(of=edge.business)


class Pace:
    """How long this machine takes for a request that asks no database, measured over the same time as another one."""

    def __init__(self, server: Gunicorn) -> None:
        self.server, self.ended, self.slowest_s = server, threading.Event(), 0.0
        self.thread = threading.Thread(target=self._measure)

    def _measure(self) -> None:
        while not self.ended.wait(0.05):
            answer = self.server.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.slowest_s = max(self.slowest_s, answer.took_s)

    def __enter__(self) -> Pace:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def given_up_in_time(answers: Sequence[Answer], pace: Pace) -> bool:
    """Whether every one is a 503 within the contract's second, and what the machine itself took at the same time."""
    assert [answer.status for answer in answers] == [503] * len(answers)
    slowest_s = max(answer.took_s for answer in answers)
    assert slowest_s < WITHOUT_DATABASE_S + pace.slowest_s, (slowest_s, pace.slowest_s)
    return True


@pytest.mark.parametrize("process", ["no_database", "silent_database"])
def test_without_a_database_a_webhook_is_503_within_a_second_and_asks_to_be_repeated(
    servers: Servers, edge: Carrier, process: str
) -> None:
    server: Gunicorn = getattr(servers, process)
    with Pace(server) as pace:
        answers = [server.post(current(edge), PLAIN) for _ in range(3)]
        with ThreadPoolExecutor(8) as pool:
            answers += pool.map(lambda _: server.post(current(edge), PLAIN), range(16))
        answers.append(server.post(None, PLAIN))

    assert given_up_in_time(answers, pace)
    assert {answer.content_type for answer in answers} == {"text/xml; charset=utf-8"}
    assert all(answer.body.endswith(b"<Response/>") for answer in answers)


@contextmanager
def hung(database: Database) -> Iterator[None]:
    """Every process of the database stopped in the middle of whatever it does; its kernel still takes packets."""
    with database.connect() as connection:
        postmaster = psutil.Process(connection.info.backend_pid).parent()
    assert postmaster is not None
    postmaster.suspend()
    stopped = [postmaster, *postmaster.children()]
    try:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()


@pytest.mark.parametrize("idle_s", [0.0, 1.2], ids=["used_a_moment_ago", "idle"])
def test_a_database_that_hangs_is_503_within_a_second_and_nothing_is_lost_or_doubled(
    servers: Servers, edge: Carrier, migrated: Database, idle_s: float
) -> None:
    key = current(edge)
    forms = [{**PLAIN, "MessageSid": f"SM{at:032x}", "From": f"+1628555{100 + at:04d}"} for at in range(12)]
    with ThreadPoolExecutor(len(forms)) as pool:
        before = list(pool.map(lambda form: servers.main.post(key, form), forms[:6]))  # its pool has connections now
        time.sleep(idle_s)
        with hung(migrated), Pace(servers.main) as pace:
            hanging = list(pool.map(lambda form: servers.main.post(key, form), forms))
            hanging += [servers.main.post(key, form) for form in forms[:4]]
    again = [repeated(servers.main, key, form) for form in forms]

    assert [answer.status for answer in before] == [200] * 6
    assert given_up_in_time(hanging, pace)
    assert again == [200] * len(forms)
    assert sorted(m.provider_sid or "" for m in edge.world.inbound(of=edge.business)) == sorted(
        form["MessageSid"] for form in forms
    )
    assert len(edge.outbound()) == len(edge.world.ledger(of=edge.business)) == len(forms)


def locks_waited_for(database: Database) -> bool:
    with database.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'smsbot'"
        ).fetchone()
    return found is not None and found[0] == 1


def until_the_lock_is_waited_for(database: Database) -> None:
    give_up = time.monotonic() + ANSWERS_WITHIN_S
    while not locks_waited_for(database):
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_database_that_is_slow_is_waited_for(servers: Servers, edge: Carrier, migrated: Database) -> None:
    key, second = current(edge), {**PLAIN, "MessageSid": "SM" + "2" * 32}
    servers.main.post(key, PLAIN)
    with ThreadPoolExecutor(1) as pool, migrated.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT FROM contacts FOR UPDATE")
        waiting = pool.submit(servers.main.post, key, second)
        until_the_lock_is_waited_for(migrated)
        time.sleep(1.5 * WITHOUT_DATABASE_S)
        answered_early = waiting.done()
        connection.execute("ROLLBACK")
        answer = waiting.result()

    assert (answered_early, answer.status) == (False, 200)
    assert len(edge.world.inbound(of=edge.business)) == 2


def test_a_database_that_hangs_in_the_middle_of_a_text_is_503_and_the_repeat_is_taken_once(
    servers: Servers, edge: Carrier, migrated: Database
) -> None:
    key, second = current(edge), {**PLAIN, "MessageSid": "SM" + "2" * 32}
    servers.main.post(key, PLAIN)
    with ThreadPoolExecutor(1) as pool, migrated.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT FROM contacts FOR UPDATE")
        waiting = pool.submit(servers.main.post, key, second)
        until_the_lock_is_waited_for(migrated)
        with hung(migrated), Pace(servers.main) as pace:
            began = time.monotonic()
            answer = waiting.result()
            took_s = time.monotonic() - began
        connection.execute("ROLLBACK")

    assert answer.status == 503
    assert took_s < WITHOUT_DATABASE_S + pace.slowest_s
    assert repeated(servers.main, key, second) == 200
    assert len(edge.world.inbound(of=edge.business)) == 2
    assert len(edge.world.ledger(of=edge.business)) == 2


def repeated(server: Gunicorn, key: SigningKey, form: dict[str, str]) -> int:
    """The webhook as the carrier makes it with `#rc=5&rp=ct,rt,5xx`: again after a 5xx and a pause, five times at most."""
    status = server.post(key, form).status
    for pause_s in (0.1, 0.2, 0.4, 0.8, 1.6):
        if status < 500:
            break
        time.sleep(pause_s)
        status = server.post(key, form).status
    return status


def test_a_database_that_goes_away_and_comes_back_loses_and_doubles_nothing(
    servers: Servers, edge: Carrier, migrated: Database
) -> None:
    key = current(edge)
    forms = [{**PLAIN, "MessageSid": f"SM{at:032x}", "From": f"+1628555{100 + at:04d}"} for at in range(12)]
    assert servers.main.post(key, forms[0]).status == 200
    server = migrated.superuser_url.replace("/smsbot", "/postgres")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("ALTER DATABASE smsbot ALLOW_CONNECTIONS false")
        try:
            with ThreadPoolExecutor(len(forms)) as pool:
                sent = [pool.submit(servers.main.post, key, form) for form in forms]
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'smsbot'")
                first = [future.result() for future in sent]
            with Pace(servers.main) as pace:
                away = [servers.main.post(key, form) for form in forms[:3]]
        finally:
            admin.execute("ALTER DATABASE smsbot ALLOW_CONNECTIONS true")
            edge.world.runtime.engine.dispose()  # this process lost its connections too
    again = [repeated(servers.main, key, form) for form in forms]

    assert {answer.status for answer in first} <= {200, 503}
    assert given_up_in_time(away, pace)
    assert again == [200] * len(forms)
    assert sorted(m.provider_sid or "" for m in edge.world.inbound(of=edge.business)) == sorted(
        form["MessageSid"] for form in forms
    )
    assert len(edge.outbound()) == len(edge.world.ledger(of=edge.business)) == len(forms)


def test_how_long_a_text_takes_to_accept_is_printed(
    servers: Servers, edge: Carrier, capsys: pytest.CaptureFixture[str]
) -> None:
    key = current(edge)
    took_ms = []
    for at in range(60):
        form = {**PLAIN, "MessageSid": f"SM{at:032x}", "From": f"+1628555{100 + at:04d}"}
        answer = servers.main.post(key, form)
        assert answer.status == 200
        took_ms.append(answer.took_s * 1_000)

    with capsys.disabled():
        print(f"\naccept: p50 {statistics.median(took_ms):.1f} ms, slowest of {len(took_ms)} {max(took_ms):.1f} ms")


def test_no_body_number_token_or_path_is_in_the_log(servers: Servers, edge: Carrier) -> None:
    key = current(edge)
    servers.main.post(key, {**PLAIN, "Body": "my secret is kumquat"}, target=SMS + "?ref=kumquat")
    servers.main.post(None, {**PLAIN, "Body": "kumquat"})
    servers.main.post(key, {**PLAIN, "MessageSid": "kumquat"})

    logged = servers.log.read_text(encoding="utf-8", errors="replace")
    for secret in ("kumquat", PLAIN["From"], PLAIN["From"][1:], edge.business.token, "Civic"):
        assert secret not in logged
