"""Servers run by ourselves, and what starting any process takes: who is alive, a free port, a signal when we die."""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

LOOPBACK = "127.0.0.1"
# Below the ports that Linux (32768 on) and macOS (49152 on) lend to outgoing connections: a client that keeps
# calling a stopped server on such a port can end up connected to itself, and then the server cannot have it back.
PORTS = range(20_000, 32_000)
PORT_TRIES = 100
POLL_S = 0.02
KILL_TIMEOUT_S = 2.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Looked up once, in the parent: between fork and exec a child should do as little as it can.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def dies_with_parent(death_signal: int, nice: int = 0) -> Callable[[], None]:
    """A `preexec_fn`: the child gets `death_signal` when the thread that starts it ends, however that happens.

    The signal survives `unshare --user`, a change of user and exec (tried). It follows the thread, not the process,
    so it is only asked for on the main thread; elsewhere, and off Linux, the next start finds what was left.
    """
    parent = os.getpid()
    prctl = _PRCTL if threading.current_thread() is threading.main_thread() else None

    def before_exec() -> None:
        if nice:
            os.nice(nice)
            # Where the kernel groups by session, as on most desktops, niceness counts within a session only, and each
            # of our processes has one of its own.
            with suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
                group.write(str(nice))
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, death_signal)
            if os.getppid() != parent:  # it died before the line above, which then asked for nothing
                os._exit(1)

    return before_exec


def bare_environment() -> Mapping[str, str]:
    """What a server needs of ours: no keys and no PG* settings, and messages in the language that we search for."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def live(pid: int) -> psutil.Process | None:
    """The process with this id; None when there is none or only its exit code is left."""
    with suppress(psutil.Error, ValueError, OverflowError):
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    return None


def is_our_child(pid: int) -> bool:
    """Whether this very process started that one."""
    with suppress(psutil.Error):
        return psutil.Process(pid).ppid() == os.getpid()
    return False


def works_in(process: psutil.Process, folder: Path, names: Collection[str]) -> bool:
    """Whether a program of one of these names has `folder` as its working folder: how we know our servers again."""
    with suppress(psutil.Error, OSError):
        return process.name() in names and Path(process.cwd()) == folder
    return False


def gone(pid: int, timeout_s: float) -> bool:
    """Whether the process ends within `timeout_s`. Its exit code stays with whoever started it."""
    deadline = time.monotonic() + timeout_s
    while live(pid) is not None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def ended(processes: Sequence[psutil.Process], ending: int, timeout_s: float) -> bool:
    """Ends them by the signal `ending`. False when one took longer than `timeout_s` and had to be killed."""
    for process in processes:
        with suppress(psutil.Error):  # psutil makes sure that the id has not gone to another process
            process.send_signal(ending)
    deadline = time.monotonic() + timeout_s
    stubborn = [one for one in processes if not gone(one.pid, max(0.0, deadline - time.monotonic()))]
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    deadline = time.monotonic() + KILL_TIMEOUT_S
    for process in stubborn:
        gone(process.pid, max(0.0, deadline - time.monotonic()))
    return not stubborn


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port that nobody listens on. Another may take it at once: be ready to ask again."""
    for _ in range(PORT_TRIES):
        port = secrets.choice(PORTS)
        if is_free(port):
            return port
    with socket.socket() as probe:  # a crowded machine: let the system choose
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
