"""Tests → SQL that counts failures. Checks of one relation that can share a scan are compiled into one query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.errors import PlanError, Problem
from orchestrator.core.names import Relation
from orchestrator.core.node import NativeTestBody, Node, SqlBody
from orchestrator.core.plan import Verdict
from orchestrator.core.ports import Dialect
from orchestrator.plan.compile import Names, compile_query, compile_text

_THRESHOLD = re.compile(r"^\s*(=|==|!=|<>|<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$")
LARGEST_SCAN = 60
"""Terms in one scan: some engines slow down on very wide aggregates."""


@dataclass(frozen=True, slots=True)
class Check:
    """One test, compiled.

    ``failing`` selects the failing rows, as dbt would. ``term`` is an aggregate over the relation that is 0 exactly when the
    test passes, for tests that can share a scan; ``exact`` is set when the term proves success but does not count failures.
    ``local`` says that rows can be judged one by one, so an incremental delta can be judged alone.
    """

    test: Node
    failing: str
    term: str | None = None
    exact: str | None = None
    local: bool = False
    fail_calc: str = "count(*)"
    limit: int | None = None

    @property
    def count(self) -> str:
        """The query whose one value is the number of failures."""
        rows = f"{self.failing}\nlimit {self.limit}" if self.limit is not None else self.failing
        return f"select {self.fail_calc} as failures from (\n{rows}\n) dbt_internal_test"


def check(test: Node, names: Names) -> Check:
    """Compile one test. ``names`` says where its relations are now (a gate sees the stage)."""
    body = names.graph.bodies[test.id]
    config = test.config
    limit = int(config["limit"]) if config.get("limit") is not None else None
    fail_calc = str(config.get("fail_calc") or "count(*)")
    plain = limit is None and fail_calc == "count(*)"
    if isinstance(body, SqlBody):
        return Check(test, compile_query(test, body.query, names).sql, fail_calc=fail_calc, limit=limit)
    if not isinstance(body, NativeTestBody):
        raise AssertionError(test.id)
    where = compile_text(str(config["where"]), test, names) if config.get("where") else None
    compiled = _native(test, body.arguments, names, where)
    return Check(test, compiled.failing, compiled.term if plain else None, compiled.exact, compiled.local, fail_calc, limit)


@dataclass(frozen=True, slots=True)
class _Native:
    failing: str
    term: str | None = None
    exact: str | None = None
    local: bool = False


def _native(test: Node, arguments: dict[str, Any] | Any, names: Names, where: str | None) -> _Native:
    attached = test.attached or ""
    model = names.text(attached) or ""
    cte = _inline(attached, names)
    source = f"(select * from {model} where {where}) dbt_subquery" if where else model
    column = test.column or _needed(test, arguments, "column_name")
    also = f" and ({where})" if where else ""
    match test.test_name:
        case "not_null":
            failing = f"select *\nfrom {source}\nwhere {column} is null"
            return _Native(cte + failing, None if cte else f"count(case when {column} is null{also} then 1 end)", local=True)
        case "unique":
            failing = f"select {column} as unique_field, count(*) as n_records\nfrom {source}\nwhere {column} is not null\ngroup by {column}\nhaving count(*) > 1"
            value = f"case when {where} then {column} end" if where else column
            term = f"count({value}) - count(distinct {value})"
            return _Native(cte + failing, None if cte else term, f"select count(*) from (\n{failing}\n) dbt_internal_test")
        case "accepted_values":
            listed = _values(test, arguments, names.dialect)
            failing = f"select {column} as value_field, count(*) as n_records\nfrom {source}\nwhere {column} not in ({listed})\ngroup by {column}"
            term = f"count(distinct case when {column} not in ({listed}){also} then {column} end)"
            return _Native(cte + failing, None if cte else term, local=True)
        case "relationships":
            to = compile_text(_needed(test, arguments, "to"), test, names)
            field = _needed(test, arguments, "field")
            failing = (
                f"select child.{column} as from_field\nfrom {source if where else f'{model} as child'}"
                f"\nleft join {to} as parent on child.{column} = parent.{field}\nwhere child.{column} is not null and parent.{field} is null"
            ).replace(") dbt_subquery", ") child", 1 if where else 0)
            return _Native(cte + failing, local=True)
        case _:
            raise AssertionError(test.test_name)


def _inline(attached: str, names: Names) -> str:
    """A test of an ephemeral model runs on its inlined text."""
    node = names.graph.nodes.get(attached)
    body = names.graph.bodies.get(attached) if node else None
    if node is None or not node.is_ephemeral or not isinstance(body, SqlBody) or attached in names.ctes:
        return ""
    return f"with {names.text(attached)} as (\n{compile_query(node, body.query, names).sql}\n)\n"


def _needed(test: Node, arguments: Any, key: str) -> str:
    value = arguments.get(key)
    if value is None:
        raise PlanError(Problem("N010", f"the test `{test.test_name}` needs the argument `{key}`", test.span, f"arguments: {{{key}: …}}", node=test.id))
    return str(value)


def _values(test: Node, arguments: Any, dialect: Dialect) -> str:
    values = arguments.get("values")
    if not isinstance(values, list | tuple) or not values:
        raise PlanError(Problem("N010", "the test `accepted_values` needs a list of `values`", test.span, "arguments: {values: [a, b]}", node=test.id))
    quoted = arguments.get("quote", True)
    return ", ".join(dialect.literal(str(v)) if quoted and not isinstance(v, bool) else dialect.literal(v) if not isinstance(v, str) else v for v in values)


def verdict(compiled: Check, inspect: str | None = None) -> Verdict:
    """How the check's count is judged."""
    test, config = compiled.test, compiled.test.config
    severity = str(config.get("severity") or "error").lower()
    return Verdict(
        test.id,
        "warn" if severity == "warn" else "error",
        threshold(test, str(config.get("warn_if") or "!= 0")),
        threshold(test, str(config.get("error_if") or "!= 0")),
        inspect or compiled.failing,
        compiled.exact,
    )


def threshold(test: Node, text: str) -> tuple[str, float]:
    """``> 10`` → ``(">", 10.0)``.

    Raises:
        PlanError: N011, anything that is not a comparison with a number.
    """
    found = _THRESHOLD.match(text)
    if found is None:
        message = f"`{text}` is not a condition on the number of failures"
        raise PlanError(Problem("N011", message, test.span, "warn_if and error_if compare with a number: `> 10`, `!= 0`", node=test.id))
    operator = {"==": "=", "<>": "!="}.get(found[1], found[1])
    return operator, float(found[2])


def scans(checks: Sequence[Check], relation: Relation, dialect: Dialect) -> list[tuple[str, tuple[Check, ...]]]:
    """Queries that together count the failures of all ``checks`` on ``relation``, and which checks each answers, in column order."""
    shared = [c for c in checks if c.term is not None and not c.test.config.get("store_failures")]
    queries: list[tuple[str, tuple[Check, ...]]] = []
    for start in range(0, len(shared), LARGEST_SCAN):
        part = tuple(shared[start : start + LARGEST_SCAN])
        terms = ",\n  ".join(f"{c.term} as c{i}" for i, c in enumerate(part))
        queries.append((f"select\n  {terms}\nfrom {dialect.relation(relation)}", part))
    alone = [c for c in checks if c not in shared]
    return queries + [(c.count, (c,)) for c in alone]
