"""Keeps the product's processes running: starts them, starts them again when they end, and ends them all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from smsbot.errors import ConfigurationError, SmsbotError
from smsbot.servers import dies_with_parent, live
from smsbot.servers.files import held, open_log, private_folder, write_private

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0
STEADY_AFTER_S = 10.0  # who ran that long has not failed to start: the delay begins anew
POLL_S = 0.05
UPKEEP_EVERY_S = 1.0
KILL_TIMEOUT_S = 2.0
LEFTOVER_TIMEOUT_S = 5.0
# `timeout`, shells and terminals may deliver one wish to stop twice; a person needs longer for a second one.
SAME_WISH_S = 0.5
BIRTH_TOLERANCE_S = 2.0  # psutil derives the time from the wall clock, which may be set in between


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep running: a command, or a `call` in a fork of ourselves that returns its exit code.

    `env` replaces our environment, for a command; `nice` is added to our own niceness.
    """

    name: str
    argv: Sequence[str] = ()
    call: Callable[[], int] | None = None
    env: Mapping[str, str] | None = None
    nice: int = 0
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 10


class Fork:
    """A child that shares what we have loaded until one of us changes it. We must have one thread, and no connection."""

    def __init__(self, call: Callable[[], int], log: IO[bytes], prepare: Callable[[], None]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.code: int | None = None
        # A wish to stop that came between the fork and the child's own handlers would be lost on ours.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                code = 1
                try:
                    code = _in_the_fork(call, log.fileno(), prepare)
                finally:  # whatever went wrong, also in saying so: the parent's code must not go on here
                    os._exit(code)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code


def _in_the_fork(call: Callable[[], int], log: int, prepare: Callable[[], None]) -> int:
    try:
        os.setsid()
        prepare()
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        # The parent's lock among them: it would last as long as this child, and keep the parent's successor out.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        code = call()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        if isinstance(ending.code, str):
            sys.stderr.write(f"{ending}\n")
    except BaseException:  # noqa: BLE001  # said where its last words are looked for
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


@dataclass(slots=True)
class Place:
    """A child's place: who fills it, or since when and until when it is empty. Times are monotonic seconds."""

    child: Child
    process: subprocess.Popen[bytes] | Fork | None = None
    group: int | None = None  # outlives the process when that leaves children of its own
    started_at: float = 0.0
    start_at: float = 0.0
    delay_s: float = FIRST_DELAY_S
    told_to_stop_at: float | None = None


class Supervisor:
    """Runs the children until it is told to stop; each is a session of its own and ends as a whole group.

    Their output goes to `<log_folder>/<name>.log`, their process ids to `<run_folder>/<name>.pid`, by default `run`
    beside the log folder. `on_event` gets one line for each thing that happens. `upkeep` is called about once a second
    on the main thread and may raise SmsbotError: for what must be looked after and is not a child. In the end the
    children stop one after the other, the last one first, or all at the same time with `stop_together`.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        log_folder: Path,
        on_event: Callable[[str], None],
        run_folder: Path | None = None,
        upkeep: Callable[[], None] | None = None,
        stop_together: bool = False,
    ) -> None:
        self._places = [Place(child) for child in children]
        self._log_folder = log_folder
        self._run_folder = run_folder or log_folder.parent / "run"
        self._on_event = on_event
        self._upkeep = upkeep
        self._stop_together = stop_together
        self._upkeep_at = 0.0
        self._upkeep_failure = ""
        self._asked_at: float | None = None
        self._at_once = False

    def run(self) -> int:
        """Blocks until SIGINT, SIGTERM or SIGHUP, on the main thread; 0 when all ended in time, 1 when one was killed.

        A second signal kills at once. ConfigurationError when another supervisor runs on the same folder.
        """
        private_folder(self._run_folder)
        with _only_one(self._run_folder), self._signals():
            for name in _end_leftovers(self._run_folder):
                self._on_event(f"{name}: left by an earlier run, stopped")
            try:
                while self._asked_at is None:
                    self._tend_all()
                    time.sleep(POLL_S)
            finally:
                clean = self._stop_all()
        return 0 if clean else 1

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._asked) for number in STOPPING}
        try:
            yield
        finally:
            for number, former in before.items():
                signal.signal(number, former)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        elif now - self._asked_at >= SAME_WISH_S:
            self._at_once = True
            for place in self._places:
                _signal_group(place.group, signal.SIGKILL)

    def _tend_all(self) -> None:
        for place in self._places:
            if self._asked_at is None:
                self._tend(place)
        now = time.monotonic()
        if self._upkeep is None or now < self._upkeep_at:
            return
        failure = ""
        try:
            self._upkeep()
        except SmsbotError as error:
            failure = str(error)
        if failure and failure != self._upkeep_failure:
            self._on_event(failure)
        self._upkeep_failure = failure
        self._upkeep_at = now + (LONGEST_DELAY_S if failure else UPKEEP_EVERY_S)

    def _tend(self, place: Place) -> None:
        now = time.monotonic()
        if place.process is not None:
            code = place.process.poll()
            if code is not None:
                self._vacate(place, _ending(code), now)
            return
        if now < place.start_at:
            return
        if _members(place.group):  # they may hold the port that the next one needs
            if now >= place.start_at + place.child.stop_timeout_s:
                _signal_group(place.group, signal.SIGKILL)
            return
        self._fill(place, now)

    def _vacate(self, place: Place, ending: str, now: float) -> None:
        delay_s = FIRST_DELAY_S if now - place.started_at >= STEADY_AFTER_S else place.delay_s
        self._on_event(f"{place.child.name}: {ending}, starts again in {delay_s:.1f} s")
        place.process = None
        place.start_at = now + delay_s
        place.delay_s = min(2 * delay_s, LONGEST_DELAY_S)
        _signal_group(place.group, place.child.stop_signal)

    def _fill(self, place: Place, now: float) -> None:
        child = place.child
        place.started_at, place.group = now, None
        try:
            with open_log(self._log_folder / f"{child.name}.log") as log:
                prepare = dies_with_parent(signal.SIGTERM, child.nice)
                place.process = (
                    Fork(child.call, log, prepare)
                    if child.call
                    else subprocess.Popen(
                        child.argv,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        env=child.env,
                        start_new_session=True,
                        preexec_fn=prepare,
                    )
                )
            place.group = place.process.pid
            _record(self._run_folder / f"{child.name}.pid", place.group)
        except (OSError, subprocess.SubprocessError) as error:
            self._vacate(place, f"cannot start ({error})", now)

    def _stop_all(self) -> bool:
        """Ends the children. False when one of them had to be killed."""
        clean = True
        for place in self._places if self._stop_together else ():
            self._tell_to_stop(place)
        for place in reversed(self._places):
            clean &= self._stop(place)
            (self._run_folder / f"{place.child.name}.pid").unlink(missing_ok=True)
        return clean

    def _tell_to_stop(self, place: Place) -> None:
        if place.told_to_stop_at is not None:  # to some a second time means: at once
            return
        place.told_to_stop_at = time.monotonic()
        _signal_group(place.group, place.child.stop_signal)
        if isinstance(place.process, Fork) and not _members(place.group) and place.process.poll() is None:
            os.kill(place.process.pid, place.child.stop_signal)  # it is not yet the group that it will be

    def _stop(self, place: Place) -> bool:
        self._tell_to_stop(place)
        deadline = (place.told_to_stop_at or time.monotonic()) + place.child.stop_timeout_s
        while _lives(place):
            if self._at_once or time.monotonic() >= deadline:
                break
            time.sleep(POLL_S)
        else:
            return not self._at_once
        self._on_event(f"{place.child.name}: killed")
        _signal_group(place.group, signal.SIGKILL)
        deadline = time.monotonic() + KILL_TIMEOUT_S
        while _lives(place) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return False


def stop_leftovers(run_folder: Path) -> list[str]:
    """The names of the children of a killed supervisor that still ran and were ended; none while one is at work."""
    if not run_folder.is_dir():
        return []
    try:
        with _only_one(run_folder):
            return _end_leftovers(run_folder)
    except ConfigurationError:
        return []


@contextmanager
def _only_one(run_folder: Path) -> Iterator[None]:
    with held(run_folder / "supervisor.lock", 0, f"this is running already, see {run_folder}: stop that one first"):
        yield


def _lives(place: Place) -> bool:
    return (place.process is not None and place.process.poll() is None) or bool(_members(place.group))


def _ending(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"


def _members(group: int | None) -> list[psutil.Process]:
    """The living processes of a group, its leader among them."""
    found = []
    for pid in psutil.pids() if group is not None else []:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) == group and (process := live(pid)) is not None:
                found.append(process)
    return found


def _signal_group(group: int | None, number: int) -> None:
    if group is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _record(path: Path, pid: int) -> None:
    """Writes down who was started, so that nobody else is taken for it later; nothing when it is gone already."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        write_private(path, json.dumps({"pid": pid, "born": process.create_time(), "argv": process.cmdline()}) + "\n")


def _end_leftovers(run_folder: Path) -> list[str]:
    stopped = []
    for path in sorted(run_folder.glob("*.pid")):
        group = _left_group(path)
        if group is not None and _members(group):
            _signal_group(group, signal.SIGTERM)
            deadline = time.monotonic() + LEFTOVER_TIMEOUT_S
            while _members(group) and time.monotonic() < deadline:
                time.sleep(POLL_S)
            _signal_group(group, signal.SIGKILL)
            stopped.append(path.stem)
        path.unlink(missing_ok=True)
    return stopped


def _left_group(path: Path) -> int | None:
    """The group of the child in that record, None unless what lives there is certainly ours.

    Process ids are used again: a leader must have the recorded birth and command line. Where the leader is gone its
    id stays reserved as long as the group has members, so members of that session, born later, are its own.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        pid, born, argv = int(record["pid"]), float(record["born"]), list(record["argv"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    with suppress(psutil.Error, OSError):
        leader = live(pid)
        if leader is not None:
            same = abs(leader.create_time() - born) <= BIRTH_TOLERANCE_S and leader.cmdline() == argv
            return pid if same and os.getpgid(pid) == pid else None
        members = _members(pid)
        if all(os.getsid(one.pid) == pid and one.create_time() >= born - BIRTH_TOLERANCE_S for one in members):
            return pid
    return None
