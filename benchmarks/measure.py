"""Measure one command: wall and CPU seconds of its process tree, and the memory it needed at its peak."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Often enough to see a pool of workers, seldom enough to cost nothing; one process's own peak comes from the kernel.
LOOK_EVERY = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """One execution. ``cpu`` is user + system seconds of the process and of every descendant it waited for.

    ``rss`` is in MB: the greatest peak of a single process, or the greatest sum over the tree seen at one moment if that is more
    (pages that a fork shares count twice then: never flattering).
    """

    wall: float
    cpu: float
    rss: float
    code: int


def measure(command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> Sample:
    """Run ``command`` to its end, its output into ``log``.

    The kernel reports a child's peak memory as at least the parent's at the fork: whoever calls this must stay small
    (standard library only), which is why nothing here imports a driver.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        watcher = TreeWatcher(process.pid)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = max(usage.ru_maxrss * 1024, watcher.stop())
    return Sample(round(wall, 4), round(usage.ru_utime + usage.ru_stime, 4), round(peak / 1e6, 1), process.returncode)


class TreeWatcher(threading.Thread):
    """Notes the greatest sum of resident memory over a process tree. Sees nothing on systems without ``/proc``."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(LOOK_EVERY):
            below = descendants(self.pid)
            # A lone process needs no sum, and its start (a copy of this one) must not be taken for its own memory.
            if below:
                self.peak = max(self.peak, sum(resident(pid) for pid in (self.pid, *below)))

    def stop(self) -> int:
        self.over.set()
        self.join()
        return self.peak


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for listing in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                children = [int(word) for word in listing.read_text().split()]
            except OSError:
                continue
            found += children
            waiting += children
    return found


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
