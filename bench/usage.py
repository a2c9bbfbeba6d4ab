"""What trees of processes use: CPU seconds and proportional memory, children that have ended included in the former."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

MIB = 1024.0


def tree(pid: int) -> list[psutil.Process]:
    """The process and everything below it."""
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def cpu_s(pids: Iterable[int]) -> float:
    """User and system seconds of these trees since they began."""
    total = 0.0
    for pid in pids:
        for process in tree(pid):
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def pss_mb(pids: Iterable[int]) -> float:
    """Megabytes of these trees. A page that several share counts in parts, so that sums are true."""
    return sum(own_pss_mb(process.pid) for pid in pids for process in tree(pid))


def own_pss_mb(pid: int) -> float:
    """The same of one process alone; 0 when it is gone."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / MIB
    return 0.0
