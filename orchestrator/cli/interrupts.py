"""Ctrl-C: the first asks the command to end, the second ends the process."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code of a command that somebody ended with Ctrl-C; 143 says it was SIGTERM."""

ECHO_SECONDS = 0.5
"""Terminals, `timeout` and `uv run` may each pass on the same Ctrl-C: what comes this soon is no second one."""


class Interrupts:
    """What happens on SIGINT and SIGTERM.

    The first raises ``KeyboardInterrupt``, except during a run: an exception at a random place would lose the event that is
    just being told, so the run is asked instead (:meth:`during`). The second ends the process.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, leave: Callable[[int], None] | None = None) -> None:
        self._now = now
        self._leave = leave or _leave
        self._first: float | None = None
        self._ask: Callable[[], None] | None = None
        self._code = INTERRUPTED

    def exit_code(self, returned: int) -> int:
        """The process's exit code, given the command's: what a signal ended says which one."""
        return self._code if returned == INTERRUPTED else returned

    def listen(self) -> None:
        """Handle the signals of this process, except those that whoever started it wants ignored (``nohup``)."""
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self)

    @contextmanager
    def during(self, ask: Callable[[], None]) -> Iterator[None]:
        """Inside, the first signal calls ``ask``, which must be safe to call between any two instructions."""
        self._ask = ask
        try:
            yield
        finally:
            self._ask = None

    def __call__(self, number: int, _frame: object) -> None:
        """The signal's handler. Raises ``KeyboardInterrupt`` for the first one, outside of a run."""
        at = self._now()
        if self._first is not None:
            if at - self._first > ECHO_SECONDS:
                self._leave(128 + number)
            return
        self._first, self._code = at, 128 + number
        if self._ask is None:
            raise KeyboardInterrupt
        self._ask()


def _leave(code: int) -> None:
    """End the process at once. That is safe: warehouses roll back what is not committed, and Python models die with us."""
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")  # the live view hides the cursor
    os._exit(code)
