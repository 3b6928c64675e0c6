"""An attempt that may not take for ever: what it waits for is cancelled on the server when its time is up."""

from __future__ import annotations

import contextlib
import threading
from typing import Self

from orchestrator.core.duration import spoken
from orchestrator.core.errors import ExecuteError, OrcError, Problem
from orchestrator.core.ports import Connection

AGAIN_SECONDS = 0.2
"""How often a cancel is repeated: one that arrives between two statements stops neither."""


class Deadline:
    """While the context lasts, and ``seconds`` are not over, nothing happens; then the connection is cancelled until it ends.

    The engine is told the limit as well, by ``limits``: its server ends the statement also when this process cannot ask for it.
    """

    def __init__(self, seconds: float | None, connection: Connection, limits: tuple[str, ...] = (), lifts: tuple[str, ...] = ()) -> None:
        self.seconds = seconds
        self.expired = False
        self._connection = connection
        self._limits, self._lifts = limits, lifts
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self.seconds is not None:
            for statement in self._limits:
                self._connection.execute(statement)
            self._thread = threading.Thread(target=self._watch, name="Deadline", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def lift(self) -> None:
        """Take the server's limit away, when the attempt's transaction is over: the session goes on to something else."""
        for statement in self._lifts if self._thread is not None else ():
            with contextlib.suppress(OrcError):  # a session that is lost has no limit either
                self._connection.execute(statement)

    def check(self) -> None:
        """Raise when the time is up; for what stands between two statements."""
        if self.expired:
            raise self.error()

    def error(self) -> ExecuteError:
        """What an attempt says that was stopped."""
        limit = spoken(self.seconds or 0.0)
        return ExecuteError(Problem("X410", f"stopped: it took longer than its timeout of {limit}", None, HINT))

    def _watch(self) -> None:
        if self._over.wait(self.seconds):
            return
        self.expired = True
        while True:
            with contextlib.suppress(Exception):
                self._connection.cancel()
            if self._over.wait(AGAIN_SECONDS):
                return


HINT = "raise `timeout` in its config, give it less to do, or list `timeout` under `retries: {on: …}` to have it tried again"
