"""When a Python model has to stop."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import NoReturn

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.files import Span


class Limits:
    """When to stop: asked every tick, raises the reason."""

    def __init__(self, place: Span, cancelled: threading.Event, seconds: float | None, memory: int | None) -> None:
        self.place = place
        self._cancelled = cancelled
        self._seconds = seconds
        self._memory = memory
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def remaining(self) -> float | None:
        """Seconds until the timeout."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def check(self, pid: int) -> None:
        """Raise ``ExecuteError`` when the model has to stop."""
        if self._cancelled.is_set():
            raise ExecuteError(Problem("X208", "cancelled", self.place), cancelled=True)
        if self.remaining == 0:
            hint = "raise the model's `timeout`, or give it less to do"
            raise ExecuteError(Problem("X205", f"stopped: it ran longer than its timeout of {self._seconds:g} s", self.place, hint))
        if self._memory is not None and _resident(pid) > self._memory:
            self.out_of_memory()

    def out_of_memory(self) -> NoReturn:
        """Raise what a model gets that used too much."""
        size = "" if self._memory is None else f" of {self._memory / (1 << 20):,.0f} MB"
        hint = "raise the model's `memory_limit`, or work in pieces: read `handle.batches()`, `yield` frames"
        raise ExecuteError(Problem("X206", f"stopped: it used more memory than its limit{size}", self.place, hint))


def _resident(pid: int) -> int:
    """Bytes of memory a process really uses, mapped files not counted; 0 where the system does not say."""
    try:
        _, resident, shared = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[:3]
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
