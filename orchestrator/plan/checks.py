"""Tests → SQL that counts failures. Checks of one relation that can share a scan are compiled into one query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core import marker
from orchestrator.core.errors import PlanError, Problem
from orchestrator.core.names import Relation
from orchestrator.core.node import NativeTestBody, Node, Query, SqlBody
from orchestrator.core.plan import Origin, Statement, Verdict
from orchestrator.core.ports import Dialect
from orchestrator.plan.compile import Names, compile_query, compile_text, ctes, is_late

_THRESHOLD = re.compile(r"^\s*(=|==|!=|<>|<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$")
LARGEST_SCAN = 60
"""Terms in one scan: some engines slow down on very wide aggregates."""


@dataclass(frozen=True, slots=True)
class Check:
    """One test, compiled.

    ``failing`` selects the failing rows, as dbt would. ``term`` is an aggregate over the relation that is 0 exactly when the
    test passes, for tests that can share a scan; ``exact`` is set when the term proves success but does not count failures.
    ``local`` says that rows can be judged one by one, so an incremental delta can be judged alone. ``pieces`` lead from
    ``failing`` to the rendered text of a test that its author wrote.
    """

    test: Node
    failing: str
    term: str | None = None
    exact: str | None = None
    local: bool = False
    fail_calc: str = "count(*)"
    limit: int | None = None
    pieces: tuple[tuple[int, int, int], ...] = ()

    @property
    def rows(self) -> str:
        """The failing rows, as many as the test wants."""
        return f"{self.failing}\nlimit {self.limit}" if self.limit is not None else self.failing

    @property
    def count(self) -> Statement:
        """The query whose one value is the number of failures."""
        return self.statement(f"select {self.fail_calc} as failures from (\n{self.rows}\n) dbt_internal_test")

    def statement(self, sql: str) -> Statement:
        """A statement around the failing rows: positions in them lead back to the test's own text."""
        start = sql.index(self.failing)
        pieces = tuple((at + start, source, length) for at, source, length in self.pieces)
        return Statement(sql, Origin(self.test.id, pieces) if pieces else None)


def check(test: Node, names: Names, query: Query | None = None) -> Check:
    """Compile one test. ``names`` says where its relations are now (a gate sees the stage); ``query`` is its text if rendered anew."""
    body = names.graph.bodies[test.id]
    config = test.config
    limit = int(config["limit"]) if config.get("limit") is not None else None
    fail_calc = str(config.get("fail_calc") or "count(*)")
    if isinstance(body, SqlBody):
        text = compile_query(test, query or body.query, names)
        return Check(test, text.sql, fail_calc=fail_calc, limit=limit, pieces=text.pieces)
    if not isinstance(body, NativeTestBody):
        raise AssertionError(test.id)
    plain = limit is None and fail_calc == "count(*)"
    compiled = _native(test, body.arguments, names)
    return Check(test, compiled.failing, compiled.term if plain else None, compiled.exact, compiled.local, fail_calc, limit)


def is_late_check(test: Node, names: Names) -> bool:
    """Whether the test's text can be known only just before it is sent."""
    body = names.graph.bodies[test.id]
    return isinstance(body, SqlBody) and is_late(test, body, names)


@dataclass(frozen=True, slots=True)
class _Native:
    failing: str
    term: str | None = None
    exact: str | None = None
    local: bool = False


def _native(test: Node, arguments: Mapping[str, Any], names: Names) -> _Native:
    attached = test.attached or ""
    model = names.text(attached) or ""
    condition = str(test.config["where"]) if test.config.get("where") else ""
    where = compile_text(condition, test, names)
    source = f"(select * from {model} where {where}) dbt_subquery" if where else f"{model} dbt_subquery" if model.startswith("(") else model
    column = test.column or _needed(test, arguments, "column_name")
    also = f" and ({where})" if where else ""
    referred = _referred(test, condition, names)
    cte = _with([attached, *referred], names)
    simple = not cte and not referred and "select" not in where.casefold()  # an aggregate's argument holds no subquery
    match test.test_name:
        case "not_null":
            failing = f"select *\nfrom {source}\nwhere {column} is null"
            return _Native(cte + failing, f"count(case when {column} is null{also} then 1 end)" if simple else None, local=not referred)
        case "unique":
            failing = (
                f"select {column} as unique_field, count(*) as n_records\nfrom {source}\n"
                f"where {column} is not null\ngroup by {column}\nhaving count(*) > 1"
            )
            value = f"case when {where} then {column} end" if where else column
            term = f"count({value}) - count(distinct {value})"
            return _Native(
                cte + failing, term if simple else None, f"select count(*) from (\n{failing}\n) dbt_internal_test" if simple else None
            )
        case "accepted_values":
            listed = _values(test, arguments, names.dialect)
            failing = (
                f"select {column} as value_field, count(*) as n_records\nfrom {source}\nwhere {column} not in ({listed})\ngroup by {column}"
            )
            term = f"count(distinct case when {column} not in ({listed}){also} then {column} end)"
            return _Native(cte + failing, term if simple else None, local=not referred)
        case "relationships":
            to = _needed(test, arguments, "to")
            parents = _referred(test, to, names)
            child = f"(select * from {model} where {where}) as child" if where else f"{model} as child"
            failing = (
                f"select child.{column} as from_field\nfrom {child}"
                f"\nleft join {compile_text(to, test, names)} as parent on child.{column} = parent.{_needed(test, arguments, 'field')}"
                f"\nwhere child.{column} is not null and parent.{arguments['field']} is null"
            )
            cte = _with([attached, *referred, *parents], names)
            return _Native(cte + failing, local=not referred and attached not in parents)  # rows of a delta may refer to older ones
        case _:
            raise AssertionError(test.test_name)


def _referred(test: Node, text: str, names: Names) -> list[str]:
    """Ids of the nodes that the markers in ``text`` stand for."""
    links = dict(test.links)
    return [links[m.payload] for m in marker.find(text, names.dialect.quote_char) if m.payload in links]


def _with(read: Sequence[str], names: Names) -> str:
    """Ephemeral models that a test reads run as its CTEs."""
    block = ",\n".join(f"{name} as (\n{sql}\n)" for name, sql in ctes(read, names))
    return f"with {block}\n" if block else ""


def _needed(test: Node, arguments: Any, key: str) -> str:
    value = arguments.get(key)
    if value is None:
        raise PlanError(
            Problem("N010", f"the test `{test.test_name}` needs the argument `{key}`", test.span, f"arguments: {{{key}: …}}", node=test.id)
        )
    return str(value)


def _values(test: Node, arguments: Any, dialect: Dialect) -> str:
    values = arguments.get("values")
    if not isinstance(values, list | tuple) or not values:
        raise PlanError(
            Problem("N010", "the test `accepted_values` needs a list of `values`", test.span, "arguments: {values: [a, b]}", node=test.id)
        )
    quoted = arguments.get("quote", True)
    return ", ".join(
        dialect.literal(str(v)) if quoted and not isinstance(v, bool) else dialect.literal(v) if not isinstance(v, str) else v
        for v in values
    )


def verdict(compiled: Check, inspect: str | None = None, part: tuple[int, int] | None = None) -> Verdict:
    """How the check's count is judged; ``part`` is given when it shares its scan with others."""
    test, config = compiled.test, compiled.test.config
    severity = str(config.get("severity") or "error").lower()
    return Verdict(
        test.id,
        "warn" if severity == "warn" else "error",
        threshold(test, str(config.get("warn_if") or "!= 0")),
        threshold(test, str(config.get("error_if") or "!= 0")),
        inspect or compiled.failing,
        compiled.exact if part else None,
        part or (0, 0),
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


def scans(checks: Sequence[Check], under: str, names: Names) -> Iterator[tuple[Statement, tuple[Verdict, ...]]]:
    """Queries that together count the failures of all ``checks``, each with its verdicts in column order.

    Those attached to the node ``under`` test share scans of it where they can.
    """
    shared = [c for c in checks if c.term is not None and c.test.attached == under]
    for start in range(0, len(shared), LARGEST_SCAN):
        yield _scan(shared[start : start + LARGEST_SCAN], names.text(under) or "")
    for alone in checks:
        if alone.term is None or alone.test.attached != under:
            yield alone.count, (verdict(alone),)


def _scan(checks: Sequence[Check], source: str) -> tuple[Statement, tuple[Verdict, ...]]:
    verdicts: list[Verdict] = []
    sql = "select"
    for number, one in enumerate(checks):
        sql += f"{',' if number else ''}\n  "
        start = len(sql)
        sql += str(one.term)
        verdicts.append(verdict(one, part=(start, len(sql))))
        sql += f" as c{number}"
    return Statement(f"{sql}\nfrom {source}{' dbt_subquery' if source.startswith('(') else ''}"), tuple(verdicts)


def stored(compiled: Check, audit: Relation, dialect: Dialect, kind: str | None = "table") -> tuple[Statement, Statement]:
    """``store_failures``: two statements that keep the failing rows as the table (or view) ``audit`` and count them there."""
    create = compiled.statement((dialect.create_view if kind == "view" else dialect.create_table)(audit, compiled.rows, {}))
    return create, Statement(f"select {compiled.fail_calc} as failures from {dialect.relation(audit)}")
