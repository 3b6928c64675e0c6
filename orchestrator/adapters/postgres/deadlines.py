"""Sessions whose server should have answered long ago are broken from this side: a silent server keeps nobody for ever."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

GRACE_SECONDS = 10.0
"""How much longer than the server we wait: for the answer to a statement that it should have ended, and to a request to cancel."""

LOOK_SECONDS = 0.5


class Deadlines:
    """One thread for all sessions, which lives while there is something to wait for. It shuts a session's socket, and nothing else:
    whoever waits for an answer there finds the connection lost. ``limit`` is how many seconds the server lets a statement take (0: any).
    """

    def __init__(self, limit: float = 0.0) -> None:
        self._limit = limit
        self._guard = threading.Lock()
        self._due: dict[int, tuple[float, int]] = {}
        self._looking = False

    @contextmanager
    def within(self, connection: Any, sql: str) -> Iterator[None]:
        """What is done inside is over when the server should have ended each statement of ``sql``, or some seconds after :meth:`soon`."""
        if not connection.closed:
            seconds = self._limit * (1 + sql.count(";\n")) + GRACE_SECONDS if self._limit else math.inf
            with self._guard:
                self._due[id(connection)] = (time.monotonic() + seconds, connection.pgconn.socket)
                self._begin()
        try:
            yield
        finally:
            with self._guard:
                self._due.pop(id(connection), None)

    def soon(self, connection: Any) -> None:
        """What is at work on a connection, if anything is, was asked to end: it gets a few seconds. Callable from any thread."""
        with self._guard:
            if known := self._due.get(id(connection)):
                self._due[id(connection)] = (min(known[0], time.monotonic() + GRACE_SECONDS), known[1])
                self._begin()

    def _begin(self) -> None:
        if not self._looking and self._finite():
            self._looking = True
            threading.Thread(target=self._look, name="orc-deadlines", daemon=True).start()

    def _finite(self) -> bool:
        return any(due < math.inf for due, _ in self._due.values())

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._guard:
                for key, (due, descriptor) in list(self._due.items()):
                    if time.monotonic() >= due:
                        del self._due[key]
                        _shut(descriptor)
                if not self._finite():
                    self._looking = False
                    return


def _shut(descriptor: int) -> None:
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as other:
        other.shutdown(socket.SHUT_RDWR)
