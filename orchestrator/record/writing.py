"""One link to a state database that is kept open, for several threads that write one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.core.ports import Link
from orchestrator.record.database import Place, database, transaction


class Writing:
    """Something kept in the state database, which is opened when it is first needed. Safe to use from several threads, one at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._one = threading.RLock()
        self._connection: Link | None = None
        self._within: Link | None = None

    def close(self) -> None:
        """Let go of the database."""
        with self._one:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written inside is written, or nothing of it."""
        with self._writing():
            yield

    @contextmanager
    def _writing(self) -> Iterator[Link]:
        """A transaction; inside of one, that one."""
        with self._one:
            if self._within is not None:
                yield self._within
                return
            if self._connection is None:
                self._connection = database(self._place, create=True)
            with transaction(self._connection, self._place) as connection:
                self._within = connection
                try:
                    yield connection
                finally:
                    self._within = None
