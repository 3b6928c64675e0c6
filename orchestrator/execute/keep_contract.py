"""Whether what a model makes is what its contract says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.core.contract import Contract
from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.plan import Statement, Step
from orchestrator.core.ports import Connection, Dialect
from orchestrator.execute.workshop import Workshop

Columns = Sequence[tuple[str, str]]

MISSING, EXTRA, RETYPED = "missing in definition", "missing in contract", "data type mismatch"
"""Reasons, in the words people search for: the query lacks the column, the contract lacks it, the types differ."""


def keep_contract(step: Step, statements: Sequence[Statement], connection: Connection, shop: Workshop) -> None:
    """Compare the columns of a model's query, or of the relation that its Python filled, with those of its contract.

    Raises:
        ExecuteError: X360, they differ: a table of how. X361, the engine does not know a declared type.
    """
    if statements:
        actual = connection.describe(statements[0].sql)
    elif step.relation is not None:
        actual = connection.columns(step.relation)
    else:
        raise AssertionError(step.id)
    agreed: Contract = step.payload["contract"]
    name = shop.graph.nodes[step.node].name
    rows = differences(_declared(name, agreed, connection), actual, shop.dialect)
    if rows:
        differ = "1 column differs" if len(rows) == 1 else f"{len(rows)} columns differ"
        message = f"the contract of `{name}` is not kept: {differ}\n{_table(rows)}"
        raise ExecuteError(Problem("X360", message, agreed.place, "nothing was published; change the model or its contract"))


def differences(declared: Columns, actual: Columns, dialect: Dialect) -> list[tuple[str, str, str, str]]:
    """Column, declared type, actual type and reason, for every column that is not as declared; declared ones first."""
    rows: list[tuple[str, str, str, str]] = []
    left = list(actual)
    for name, wanted in declared:
        found = next((c for c in left if dialect.same_name(name, c[0])), None)
        if found is None:
            rows.append((name, wanted, "", MISSING))
            continue
        left.remove(found)
        if not dialect.same_type(wanted, found[1]):
            rows.append((name, wanted, found[1], RETYPED))
    return rows + [(name, "", kind, EXTRA) for name, kind in left]


def _declared(node: str, contract: Contract, connection: Connection) -> Columns:
    """The declared types in the engine's own words: what it calls the type of a null that is cast."""
    sql, ends = "select", []
    for number, (_, type_) in enumerate(contract.columns):
        sql += f"{', ' if number else ' '}cast(null as {type_}) as c{number}"
        ends.append(len(sql))
    try:
        said = connection.describe(sql)
    except ExecuteError as error:
        if error.transient or error.cancelled:
            raise
        at = next((i for i, end in enumerate(ends) if error.position is not None and error.position < end), None)
        which = "a column" if at is None else f"`{contract.columns[at][0]}` ({contract.columns[at][1]})"
        message = f"the contract of `{node}` gives {which} a type that the engine does not know: {error.first.message}"
        raise ExecuteError(replace(error.first, code="X361", message=message, span=contract.place)) from error
    return [(name, kind) for (name, _), (_, kind) in zip(contract.columns, said, strict=True)]


def _table(rows: Sequence[tuple[str, str, str, str]]) -> str:
    """Rows under a header, each cell as wide as its column.

    >>> print(_table([("id", "integer", "text", "data type mismatch")]))
      column | declared | actual | reason
      id     | integer  | text   | data type mismatch
    """
    lines = [("column", "declared", "actual", "reason"), *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    return "\n".join("  " + " | ".join([*(line[i].ljust(widths[i]) for i in range(3)), line[3]]) for line in lines)
