"""A connection whose statements somebody measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.core.errors import OrcError
from orchestrator.core.ports import Answer, Clock, Connection
from orchestrator.core.sent import Sent, Watch

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


class Watched:
    """A connection, as it is; of each statement for ``node`` is told how long it took (not how long reading its rows did)."""

    def __init__(self, inner: Connection, node: str, watch: Watch, clock: Clock) -> None:
        self._inner, self._node, self._watch, self._clock = inner, node, watch, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def execute(self, sql: str) -> Answer:
        """Run one statement."""
        return self._told(sql, lambda: self._inner.execute(sql))

    def read(self, sql: str) -> pa.RecordBatchReader:
        """A query's result."""
        return self._told(sql, lambda: self._inner.read(sql))

    def commit(self) -> None:
        """Commit: on some engines that is where the time goes."""
        self._told("commit", self._inner.commit)

    def _told(self, sql: str, do: Callable[[], T]) -> T:
        started, error = self._clock.now(), ""
        try:
            return do()
        except OrcError as refused:
            error = refused.first.message
            raise
        except BaseException as other:
            error = type(other).__name__
            raise
        finally:
            self._watch(Sent(self._node, sql, started, self._clock.now(), error))
