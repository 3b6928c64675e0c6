"""A warehouse that is a list of statements, and a workshop around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import Kind, Node
from orchestrator.core.plan import Statement, Step, Task, Verdict
from orchestrator.core.ports import Answer, Dialect
from orchestrator.core.snapshot import Lease, Published, Snapshot
from orchestrator.execute.workshop import Workshop

DUCKDB = registry.dialect("duckdb")


@dataclass
class FakeConnection:
    """Remembers what it was sent. ``fails`` raises at the n-th thing said (1 is the first); ``answers`` maps statements to rows.

    A committed ledger row is visible, one that was rolled back is not.
    """

    fails: dict[int, BaseException] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    lies: bool = False
    closed: bool = False
    cancels: int = 0
    on: dict[str, Callable[[], None]] = field(default_factory=dict)
    ledger: dict[str, str] = field(default_factory=dict)
    _open: dict[str, str] | None = None

    def _say(self, what: str) -> None:
        self.said.append(what)
        if what in self.on:
            self.on[what]()
        error = self.fails.pop(len(self.said), None)
        if error is not None:
            raise error

    def execute(self, sql: str) -> Answer:
        self._say(sql)
        word, _, rest = sql.partition(" ")
        if word == "write":
            node, run = rest.split()
            (self.ledger if self._open is None else self._open)[node] = run
        if word == "read":
            return Answer(rows=((self.ledger[rest],),) if rest in self.ledger else ())
        answer = self.answers.get(sql, ((0,),) if sql.startswith("count") else ())
        return Answer(rows=answer, affected=7, message="SELECT 7", details={"rows_affected": 7})

    def begin(self) -> None:
        self._say("begin")
        self._open = {}

    def commit(self) -> None:
        self._say("commit")
        if not self.lies:
            self.ledger |= self._open or {}
        self._open = None

    def rollback(self) -> None:
        self.said.append("rollback")
        self._open = None

    def columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        self.said.append(f"columns {relation.name}")
        return (("x", "int"),)

    def about(self, node: str | None) -> dict[str, int]:
        return {}

    def cancel(self) -> None:
        self.cancels += 1

    def close(self) -> None:
        self.closed = True


class FakeDialect:
    """As little of a dialect as the executor asks for."""

    def relation(self, relation: Relation) -> str:
        return relation.name

    def quote(self, name: str) -> str:
        return name

    def ledger_write(self, published: Published, *, known: bool = True, lease: Lease | None = None) -> tuple[str, ...]:
        returned = (f"publish under {lease.fence}",) if lease else ()
        return (*returned, f"write {published.node} {published.run}")

    def lease_claim(self, relation: Relation, run: str) -> tuple[str, ...]:
        return (f"claim {relation.name} {run}",)

    def lease_holder(self, relation: Relation) -> str:
        return f"who has {relation.name}"

    def lease_check(self, lease: Lease) -> tuple[str, ...]:
        return (f"check {lease.fence}",)

    def lease_beat(self, run: str) -> tuple[str, ...]:
        return ()

    def lease_end(self, lease: Lease, *, published: bool) -> tuple[str, ...]:
        return () if published else (f"return {lease.relation.name} {lease.fence}",)

    def apply_delta(self, strategy: str, stage: Relation, target: Relation, *_more: object) -> tuple[str, ...]:
        return (f"{strategy} {stage.name} {target.name}",)


@dataclass
class FakeWarehouse:
    """Hands out connections in order; the last one again and again."""

    connections: list[Any] = field(default_factory=lambda: [FakeConnection()])
    dialect: Any = field(default_factory=FakeDialect)
    given: int = 0

    def connect(self) -> Any:
        one = self.connections[min(self.given, len(self.connections) - 1)]
        self.given += 1
        if isinstance(one, BaseException):
            raise one
        return one

    def snapshot(self, relations: Iterable[Relation]) -> Snapshot:
        return Snapshot()

    def close(self) -> None:
        pass


class Ticking:
    """Time that moves when it is looked at."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._guard = threading.Lock()

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        with self._guard:
            self._seconds += 1
            return self._seconds


def node(name: str, kind: Kind = "model") -> Node:
    relation = Relation(None, "s", name) if kind == "model" else None
    return Node(name, kind, name, "p", f"{name}.sql", ("p", name), {"materialized": "table"}, relation=relation)


def say(*texts: str) -> tuple[Statement, ...]:
    return tuple(Statement(t) for t in texts)


def table(name: str, tests: tuple[str, ...] = (), needs: tuple[str, ...] = (), *, run: str = "r1") -> Task:
    """stage → check each test → promote, in one transaction that keeps its stage."""
    relation = Relation(None, "s", name)
    stage = Step("stage", name, "stage", say(f"make {name}"), relation=relation.stage)
    checks = [
        Step(
            f"check {t}", t, "check", say(f"count {t}"), ("stage",), relation.stage, (Verdict(t, inspect=f"rows {t} of {name}__orc_stage"),)
        )
        for t in tests
    ]
    payload = {"publish": Published(name, name, "f", run, ""), "verify": f"read {name}"}
    promote = Step("promote", name, "promote", say(f"swap {name}"), ("stage", *(c.id for c in checks)), relation, payload=payload)
    return Task(name, "model", f"table {name}", (stage, *checks, promote), needs, frozenset({0}), tests, relation=relation)


def delta(name: str, first: tuple[str, ...] = (), second: tuple[str, ...] = ()) -> Task:
    """Two transactions: the delta and its checks; applied, with the checks of the whole."""
    relation = Relation(None, "s", name)
    stage = Step("stage", name, "stage", say(f"make {name}"), relation=relation.stage)
    local = [Step(f"check {t}", t, "check", say(f"count {t}"), ("stage",), relation.stage, (Verdict(t),)) for t in first]
    payload = {"stage": relation.stage, "strategy": "append", "unique_key": [], "on_schema_change": "ignore", "options": {}}
    apply = Step("apply", name, "apply", (), ("stage", *(c.id for c in local)), relation, transaction=1, payload=payload)
    whole = [Step(f"check {t}", t, "check", say(f"count {t}"), ("apply",), relation, (Verdict(t),), 1) for t in second]
    publish = {"publish": Published(name, name, "f", "r1", ""), "verify": f"read {name}"}
    promote = Step(
        "promote", name, "promote", say(f"drop {name}"), ("apply", *(c.id for c in whole)), relation, transaction=1, payload=publish
    )
    return Task(
        name,
        "model",
        f"incremental {name}",
        (stage, *local, apply, *whole, promote),
        (),
        frozenset({0}),
        (*first, *second),
        relation=relation,
    )


def lone(name: str, needs: tuple[str, ...] = ()) -> Task:
    step = Step(f"check {name}", name, "check", say(f"count {name}"), verdicts=(Verdict(name),), transaction=None)
    return Task(name, "test", name, (step,), needs, tests=(name,))


def workshop(tasks: Iterable[Task], dialect: Dialect | None = None) -> Workshop:
    """A workshop whose graph has every task's node and tests."""
    nodes: dict[str, Node] = {}
    for task in tasks:
        nodes |= {t: node(t, "test") for t in task.tests}
        if task.kind != "test":
            nodes[task.node] = node(task.node, task.kind)

    def explain(error: ExecuteError, statement: Statement | None, _node: str) -> Problem:
        return error.first

    def late(step: Step, _connection: Any) -> tuple[Statement, ...]:
        return say(f"late {step.id}")

    return Workshop(Graph(nodes, {}), dialect or FakeDialect(), Ticking(), late, {}, explain)  # type: ignore[arg-type]


class Bench:
    """What the tests here build with."""

    connection = FakeConnection
    warehouse = FakeWarehouse
    table = staticmethod(table)
    delta = staticmethod(delta)
    lone = staticmethod(lone)
    workshop = staticmethod(workshop)


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()
