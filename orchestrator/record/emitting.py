"""A sink that tells others what happens, from a queue: the run never waits for them, and never fails because of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from queue import Empty, Full, Queue
from typing import Any

from orchestrator.core.event import Event

ROOM = 10_000
"""Messages that wait at most; what comes then is lost, and counted."""

PATIENCE = 10.0
"""Seconds that the end of a run waits for messages to be sent."""

GIVEN_UP = 3
"""After so many failures in a row nothing more is tried."""

Message = Mapping[str, Any]


class Emitting:
    """``fold`` makes messages of an event, ``send`` delivers one (and raises when it cannot), ``say`` hears of what was lost, once.

    ``sent`` and ``lost`` count.
    """

    def __init__(
        self,
        fold: Callable[[Event], Iterable[Message]],
        send: Callable[[Message], None],
        say: Callable[[str], None],
        *,
        name: str,
        room: int = ROOM,
        patience: float = PATIENCE,
    ) -> None:
        self._fold, self._send, self._say, self._name, self._patience = fold, send, say, name, patience
        self._queue: Queue[Message] = Queue(room)
        self._counting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._failures = 0
        self._why = ""
        self.sent = 0
        self.lost = 0

    def hear(self, event: Event) -> None:
        """Queue what is to be told of an event; what goes wrong in working that out is counted, too."""
        try:
            for message in self._fold(event):
                self._put(message)
        except Exception as error:  # noqa: BLE001 - whatever cannot be told is not the run's fault
            self._lose(error)

    def close(self) -> None:
        """Send what waits, for a while; then say what was lost."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join(self._patience)
            self._thread = None
            while True:
                try:
                    self._queue.get_nowait()
                except Empty:
                    break
                self._lose(TimeoutError(f"not sent within {self._patience:g} s"))
        if self.lost:
            self._say(f"{self._name}: {self.lost} of {self.lost + self.sent} events were not sent ({self._why})")

    def account(self) -> tuple[str, bool]:
        """How many events were sent, for the run's history."""
        return f"{self._name}: {self.sent} of {self.sent + self.lost} events sent", not self.lost

    def _put(self, message: Message) -> None:
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._deliver, name=f"orc-{self._name}", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(message)
        except Full:
            self._lose(OverflowError("they came faster than they could be sent"))

    def _deliver(self) -> None:
        while True:
            try:
                message = self._queue.get(timeout=0.05)
            except Empty:
                if self._stopping.is_set():
                    return
                continue
            if self._failures >= GIVEN_UP:
                self._lose(ConnectionError("given up"))
                continue
            try:
                self._send(message)
            except Exception as error:  # noqa: BLE001 - whatever cannot be sent is not the run's fault
                self._failures += 1
                self._lose(error)
            else:
                self._failures = 0
                with self._counting:
                    self.sent += 1

    def _lose(self, error: Exception) -> None:
        with self._counting:
            self.lost += 1
            self._why = self._why or str(error) or type(error).__name__
