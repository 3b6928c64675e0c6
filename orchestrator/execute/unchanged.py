"""Early cut-off: whether a table is published with the rows that it had before, as far as those go who read it."""

from __future__ import annotations

from orchestrator.core.names import Relation
from orchestrator.core.plan import Step
from orchestrator.core.ports import Connection, Dialect
from orchestrator.execute.attempt import Attempt
from orchestrator.execute.versions import Versions


def unchanged(step: Step, attempt: Attempt, connection: Connection, dialect: Dialect, versions: Versions) -> bool:
    """Whether a node's rows are what they were. Tells ``versions`` which readers will not notice what is different.

    Nothing is compared that nobody waits for, or where reading costs money: then the rows count as others.
    """
    if attempt.quiet:
        return attempt.rows == 0
    readers = versions.sets.get(step.node)
    if not readers or step.relation is None or dialect.estimates:
        return False
    compare = _Comparison(step.relation, connection, dialect)
    before = versions.current(step.node)
    if compare(None):
        return True
    versions.moved(step.node, before, [reader for reader, columns in readers.items() if columns is not None and compare(columns)])
    return False


class _Comparison:
    """A stage and the table that it is about to replace; each set of columns is compared once."""

    def __init__(self, relation: Relation, connection: Connection, dialect: Dialect) -> None:
        self._relation, self._connection, self._dialect = relation, connection, dialect
        self._old, self._new = (tuple(connection.columns(r)) for r in (relation, relation.stage))
        self._known: dict[tuple[str, ...], bool] = {}

    def __call__(self, columns: tuple[str, ...] | None) -> bool:
        """Whether the rows are equal in these columns (``None``: in all, and there are no others)."""
        if columns is None and self._old != self._new:
            return False
        old, new = ({name.casefold(): (name, kind) for name, kind in found} for found in (self._old, self._new))
        wanted = tuple(old) if columns is None else tuple(sorted({c.casefold() for c in columns}))
        if any(c not in old or c not in new or old[c] != new[c] for c in wanted):
            return False
        if wanted not in self._known:
            self._known[wanted] = self._contents(self._relation, [old[c][0] for c in wanted]) == self._contents(
                self._relation.stage, [new[c][0] for c in wanted]
            )
        return self._known[wanted]

    def _contents(self, relation: Relation, columns: list[str]) -> object:
        """How many rows there are, and the sums of two digests of each: 128 bits, in which an order does not show."""
        say, names = self._dialect, [self._dialect.quote(c) for c in columns]
        sums = [say.digest_sum(say.row_digest(values)) for values in (names, ["1", *names])] if names else []
        return self._connection.execute(f"select {', '.join(['count(*)', *sums])} from {say.relation(relation)}").rows
