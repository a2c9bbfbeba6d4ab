"""`manage.py up`: everything on this machine. Starts the servers, prepares the database, and keeps the processes running.

This process stays as long as the product runs, so it loads neither the database's library nor any feature: migrations
and the demo are made by commands of their own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from commands.embedded import FOLDER, WILDCARDS, address_told, app_url, local_url, the_only_up
from smsbot.errors import ConfigurationError
from smsbot.servers import dies_with_parent
from smsbot.servers.files import held, private_folder, write_private
from smsbot.servers.postgres import running_postgres, start_postgres, stop_postgres
from smsbot.servers.redis import running_redis, start_redis, stop_redis
from smsbot.settings import Settings, is_loopback, load_settings
from smsbot.supervisor import Child, Supervisor, stop_leftovers

MANAGE = str(FOLDER / "manage.py")
WEB_STOP_TIMEOUT_S = 10.0  # above gunicorn's own graceful limit of 8 s
READY_TIMEOUT_S = 60.0
READY_POLL_S = 0.1
WHOLE_TIMEOUT_S = 20.0  # for the first sign of life of each process, which comes after the first text is accepted
WHOLE_POLL_S = 0.3
NO_REDIS = "redis: none"  # of /readyz: waiting does not mend that
PREPARE_TIMEOUT_S = 300.0
TURN_TIMEOUT_S = 60.0
# What a child needs to run at all, when it is to know nothing of ours.
PLAIN = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run: with the demo or without, and where the simulator listens."""

    settings: Settings
    home: Path
    with_demo: bool

    @property
    def simulator_port(self) -> int:
        return self.settings.port + 1

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.simulator_port}"

    @property
    def accounts_file(self) -> Path:
        return self.home / "run" / "simulator_accounts.json"


@click.command
@click.option("--bare", is_flag=True, help="No demo tenants, no simulator.")
def command(bare: bool) -> int:
    """Run everything here until Ctrl-C: servers, web, workers, scheduler, demo tenants and simulator.

    PostgreSQL and Redis are our own unless DATABASE_URL and REDIS_URL are set; the data stays in SMSBOT_HOME. In
    production there are no demo tenants and no simulator.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    stopping = _heard()
    settings = load_settings(os.environ, FOLDER)
    home = settings.home.resolve()
    plan = Plan(settings, home, with_demo=not bare and not settings.production)
    with the_only_up(home):
        # The workers' own children too: their parent may have been killed, and one of them may not have noticed.
        for name in (*stop_leftovers(home / "run"), *stop_leftovers(home / "run" / "workers")):
            click.echo(f"{name}: left by an earlier run, stopped")
        _refuse_unreachable(plan)
        _refuse_busy_ports(plan)
        click.echo(f"starting smsbot in {home}")
        with address_told(settings, home):
            return _run(plan, stopping)


def _run(plan: Plan, stopping: threading.Event) -> int:
    with ExitStack() as stack:
        own = {**os.environ, "SMSBOT_HOME": str(plan.home), "PYTHONUNBUFFERED": "1"}
        addresses = stack.enter_context(_servers(plan))
        # Without the addresses: as the owner of an embedded database. One process for both: it costs a second to start.
        prepare = ["demo", "--migrate", "--accounts", str(plan.accounts_file)] if plan.with_demo else ["migrate"]
        prepared = _prepared(prepare, own, plan.home / "logs")
        environment = own | addresses
        if plan.with_demo and plan.settings.simulator_url is None:
            environment["SMSBOT_SIMULATOR_URL"] = plan.simulator_url
        announced = (plan, prepared if plan.with_demo else "", stopping)
        threading.Thread(target=_announce, args=announced, daemon=True).start()
        supervisor = Supervisor(
            children(plan, environment),
            log_folder=plan.home / "logs",
            on_event=click.echo,
            upkeep=lambda: _keep_servers(plan),
        )
        return supervisor.run()


@contextmanager
def _servers(plan: Plan) -> Iterator[dict[str, str]]:
    """The addresses of the embedded servers, which run as long as the block does."""
    settings, home, addresses = plan.settings, plan.home, {}
    try:
        if settings.embedded_database:
            with held(home / "run" / "database.lock", TURN_TIMEOUT_S, "another command uses the embedded database"):
                server, _ = start_postgres(home)
                addresses["DATABASE_URL"] = app_url(server, home)
        if settings.embedded_redis:
            redis = start_redis(home)
            if redis is None:
                click.echo("no Redis on this machine: due work is looked for each second")
            else:
                addresses["REDIS_URL"] = redis[0].url
        yield addresses
    finally:
        if settings.embedded_redis:
            stop_redis(home)
        if settings.embedded_database:
            stop_postgres(home)


def _keep_servers(plan: Plan) -> None:
    """Called each second: a server that has ended is started again, on its old port."""
    if plan.settings.embedded_database and running_postgres(plan.home) is None:
        start_postgres(plan.home)
    if plan.settings.embedded_redis and running_redis(plan.home) is None:
        start_redis(plan.home)


def children(plan: Plan, environment: Mapping[str, str]) -> list[Child]:
    """The processes in the order of their start; they end in the opposite one, the web last of ours."""

    def ours(name: str, *arguments: str) -> Child:
        command = [sys.executable, MANAGE, *arguments]
        return Child(name, command, env=environment, stop_timeout_s=WEB_STOP_TIMEOUT_S)

    found = []
    if plan.with_demo:
        found.append(_simulator(plan))
    found.append(ours("web", "web"))
    found.append(ours("workers", "workers"))
    return found


def _simulator(plan: Plan) -> Child:
    """The stand-in carrier. It gets no address and no key of ours: it speaks HTTP, as the real one does."""
    environment = {name: os.environ[name] for name in PLAIN if name in os.environ}
    environment |= {"PYTHONPATH": str(FOLDER), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-P", "-m", "simulator", "--port", str(plan.simulator_port)]
    command += ["--target", local_url(plan.settings), "--public-url", plan.settings.public_url]
    command += ["--accounts", str(plan.accounts_file)]
    return Child("simulator", command, env=environment, stop_timeout_s=WEB_STOP_TIMEOUT_S)


def _heard() -> threading.Event:
    """Set, and said, the moment somebody wants us to stop: the processes may take seconds to end."""
    stopping = threading.Event()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)

    def listen() -> None:
        ours.recv(1)
        stopping.set()
        with suppress(OSError):  # the terminal may be what went away
            click.echo("stopping")

    threading.Thread(target=listen, daemon=True).start()
    return stopping


def _prepared(arguments: Sequence[str], environment: Mapping[str, str], log_folder: Path) -> str:
    """What a command of our own printed. ConfigurationError with the reason when it did not end well.

    What else it said then is in `<log_folder>/<command>.log`.
    """
    done = subprocess.run(
        [sys.executable, MANAGE, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PREPARE_TIMEOUT_S,
        check=False,
        preexec_fn=dies_with_parent(signal.SIGTERM),
    )
    if done.returncode != 0:
        log = private_folder(log_folder) / f"{arguments[0]}.log"
        write_private(log, done.stderr)
        reason = failure(done.stderr) or f"exit code {done.returncode}"
        raise ConfigurationError(f"the database could not be prepared: {reason} (all of it: {log})")
    return done.stdout


def failure(stderr: str) -> str:
    """Why a command ended: the first line of the exception that ended it, else its last line."""
    _, found, last = stderr.rpartition("Traceback (most recent call last):\n")
    lines = [line for line in last.splitlines() if line.strip()]
    if found:
        return next((line for line in lines if not line[0].isspace()), "")
    return lines[-1] if lines else ""


def _refuse_unreachable(plan: Plan) -> None:
    """The simulator calls nothing but this machine's loopback addresses."""
    host = plan.settings.host
    if plan.with_demo and not is_loopback(host) and host not in WILDCARDS:
        raise ConfigurationError(
            f"HOST: the simulator cannot reach {host}: set 127.0.0.1 or 0.0.0.0, or start with --bare"
        )


def _refuse_busy_ports(plan: Plan) -> None:
    settings = plan.settings
    if not _is_free(settings.host, settings.port):
        raise ConfigurationError(f"port {settings.port} of {settings.host} is taken: set PORT to another one")
    if plan.with_demo and not _is_free("127.0.0.1", plan.simulator_port):
        raise ConfigurationError(
            f"port {plan.simulator_port} is taken, which the simulator needs (PORT + 1): set PORT to another one"
        )


def _is_free(host: str, port: int) -> bool:
    """Whether a server could listen there. ConfigurationError when this machine has no such address."""
    try:
        families = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigurationError(f"HOST: {host} is no address of this machine") from error
    family, kind, protocol, _, address = families[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            probe.bind(address)
            probe.listen(1)  # a wildcard listener elsewhere lets us bind, but not listen
        except OSError:
            return False
    return True


def _announce(plan: Plan, demo: str, stopping: threading.Event) -> None:
    """Say where everything is as soon as texts are accepted and every process lives."""
    url = local_url(plan.settings)
    deadline = time.monotonic() + READY_TIMEOUT_S
    while (reasons := _degraded(f"{url}/readyz")) is None:
        if time.monotonic() >= deadline:
            click.echo(f"not ready after {READY_TIMEOUT_S:.0f} s: see {plan.home / 'logs' / 'web.log'}")
            deadline = float("inf")
        if stopping.wait(READY_POLL_S):
            return
    deadline = time.monotonic() + WHOLE_TIMEOUT_S
    while time.monotonic() < deadline and not all(reason.startswith(NO_REDIS) for reason in reasons or []):
        if stopping.wait(WHOLE_POLL_S):
            return
        found = _degraded(f"{url}/readyz")
        reasons = reasons if found is None else found
    if plan.with_demo:
        lines = [f"dashboard  {url}   sign in with a demo login below"]
        lines += [f"phones     {plan.simulator_url}   be a lead: text either business", *demo.rstrip().splitlines()]
    else:
        lines = [f"dashboard  {url}"]
    lines.append(f"logs       {plan.home / 'logs'}")
    lines.append(f"ready, but degraded: {'; '.join(reasons)}" if reasons else "ready")
    click.echo("\n".join(lines))


def _degraded(url: str) -> list[str] | None:
    """What /readyz finds wanting, nothing when all is well; None while texts cannot be accepted."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return [str(reason) for reason in json.load(answer)["reasons"]]
    except (urllib.error.URLError, OSError, ValueError):
        return None
