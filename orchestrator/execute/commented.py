"""A connection whose statements carry a comment: what stands in the server's list of queries says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import ExecuteError
from orchestrator.core.ports import Answer, Connection

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Comment:
    """What is said beside each statement of a node; behind it with ``append``."""

    text: str = ""
    append: bool = False

    @property
    def before(self) -> str:
        r"""What stands in front of a statement.

        >>> Comment("run by orc").before
        '/* run by orc */\n'
        """
        return f"/* {self.text} */\n" if self.text and not self.append else ""

    @property
    def behind(self) -> str:
        """What stands behind a statement, on a line of its own: the last one may end in a comment."""
        return f"\n/* {self.text} */" if self.text and self.append else ""


class Commented:
    """A connection, as it is, but for the text that it sends. Positions in errors are those of the statement without the comment."""

    def __init__(self, inner: Connection, comment: Comment) -> None:
        self._inner = inner
        self._comment = comment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def execute(self, sql: str) -> Answer:
        """Run one statement, with the comment."""
        try:
            return self._inner.execute(self._said(sql))
        except ExecuteError as error:
            raise self._without(error) from error.__cause__

    def describe(self, sql: str) -> tuple[tuple[str, str], ...]:
        """Output columns of a query; it is not run, so it needs no comment."""
        return self._inner.describe(sql)

    def read(self, sql: str) -> pa.RecordBatchReader:
        """A query's result; where rows come as they are read, errors come then, and their positions do not count the comment."""
        try:
            return self._inner.read(self._said(sql))
        except ExecuteError as error:
            raise self._without(error) from error.__cause__

    def _said(self, sql: str) -> str:
        return f"{self._comment.before}{sql}{self._comment.behind}"

    def _without(self, error: ExecuteError) -> ExecuteError:
        if error.position is not None:
            error.position = max(error.position - len(self._comment.before), 0)
        return error
