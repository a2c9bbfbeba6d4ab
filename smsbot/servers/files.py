"""What our servers keep in the home folder: passwords, ports, locks and logs."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from smsbot.errors import ConfigurationError

LOG_LIMIT_BYTES = 5_000_000
SECRET_BYTES = 24
POLL_S = 0.02


def private_folder(folder: Path) -> Path:
    """The folder, made if need be, closed to other users."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def write_private(path: Path, text: str) -> None:
    """Puts `text` there with mode 0600; whoever reads meanwhile sees the old or the new file, never half of one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # a password that is lost in a power cut locks us out of our own data
    draft.replace(path)


def kept_secret(path: Path) -> str:
    """The password in `path`, made by the first call. Call it under a lock: two first calls would make two."""
    private_folder(path.parent)
    if path.exists():
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        secret = path.read_text(encoding="utf-8").strip()
        if not secret:
            raise ConfigurationError(f"{path} is empty: put the password back from a backup of the home folder")
        return secret
    secret = secrets.token_urlsafe(SECRET_BYTES)
    write_private(path, secret + "\n")
    return secret


def kept_port(path: Path) -> int | None:
    """The port written there, None when there is none."""
    with suppress(FileNotFoundError, ValueError):
        return int(path.read_text(encoding="utf-8"))
    return None


@contextmanager
def held(path: Path, timeout_s: float, otherwise: str) -> Iterator[int]:
    """Holds the lock `path` and gives its descriptor. ConfigurationError(`otherwise`) when it is not free in time.

    The lock ends with the last process that has the descriptor, however that process ends.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + timeout_s
    try:
        while not _taken(lock):
            if time.monotonic() >= deadline:
                raise ConfigurationError(otherwise)
            time.sleep(POLL_S)
        yield lock
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_log(path: Path) -> BinaryIO:
    """The log, open to append, mode 0600. One above 5 MB is set aside first, as `<name>.1`, in place of the last one."""
    private_folder(path.parent)
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)


def last_words(log: Path, since: int) -> str:
    """What was appended to the log after the first `since` bytes, at most its last 4,000 characters."""
    with log.open("rb") as file:
        file.seek(since)
        return file.read().decode(errors="replace")[-4000:]
