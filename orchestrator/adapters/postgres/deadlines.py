"""Sessions whose server should have answered long ago are broken from this side: a silent server keeps nobody for ever."""

from __future__ import annotations

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
    whoever waits for an answer there finds the connection lost.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._due: dict[int, tuple[float, int]] = {}
        self._looking = False

    @contextmanager
    def within(self, connection: Any, seconds: float | None) -> Iterator[None]:
        """What is done inside must be over in time; ``None``: it may last, until :meth:`soon` is said."""
        if seconds is not None:
            self._set(connection, seconds)
        try:
            yield
        finally:
            with self._guard:
                self._due.pop(id(connection), None)

    def soon(self, connection: Any) -> None:
        """What is at work on a connection was asked to end: it gets a few seconds. Callable from any thread."""
        self._set(connection, GRACE_SECONDS)

    def _set(self, connection: Any, seconds: float) -> None:
        with self._guard, suppress(Exception):  # a connection that is closed has no socket
            self._due[id(connection)] = (time.monotonic() + seconds, connection.pgconn.socket)
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="orc-deadlines", daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._guard:
                for key, (due, descriptor) in list(self._due.items()):
                    if time.monotonic() >= due:
                        del self._due[key]
                        _shut(descriptor)
                if not self._due:
                    self._looking = False
                    return


def _shut(descriptor: int) -> None:
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as other:
        other.shutdown(socket.SHUT_RDWR)
