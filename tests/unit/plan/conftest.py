"""Plans as text: what would be sent, in which order, under which conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.names import Relation
from orchestrator.core.plan import Late, Plan, Request, Step, Task
from orchestrator.core.snapshot import Existing, Published, Snapshot
from orchestrator.plan.plan import plan


def explain(made: Plan) -> str:
    """A plan for reading: tasks, their needs, their steps with what is sent; transactions numbered."""
    return "\n".join(line for task in made.tasks for line in _task(task))


def _task(task: Task) -> Iterator[str]:
    needs = f" after {', '.join(short(n) for n in task.needs)}" if task.needs else ""
    yield f"{short(task.node)}: {task.reason}{needs}"
    for step in task.steps:
        yield f"  {_head(step, task)}"
        yield from (f"      {line}" for text in _texts(step) for line in text.splitlines())


def _head(step: Step, task: Task) -> str:
    where = "outside" if step.transaction is None else f"in {step.transaction}{'*' if step.transaction in task.keep else ''}"
    needs = f" if {', '.join(_local(n) for n in step.needs)}" if step.needs else ""
    judges = f" judges {', '.join(short(v.test) for v in step.verdicts)}" if step.verdicts else ""
    return f"{_local(step.id)} [{step.does}, {where}]{needs}{judges}"


def _local(step: str) -> str:
    node, _, name = step.partition("/")
    return name if node.startswith(("model.", "seed.")) else f"{short(node)}/{name}"


def _texts(step: Step) -> tuple[str, ...]:
    if isinstance(step.sql, Late):
        return (f"… {step.sql.what} {short(step.sql.node)}",)
    return tuple(s.sql for s in step.sql)


def short(id_: str) -> str:
    return id_.split(".")[2] if id_.startswith("test.") else id_.rpartition(".")[2]


@pytest.fixture
def planned(understand: Callable[..., Any]) -> Callable[..., Plan]:
    """``planned(files, "run", there={"orders": "table"}, select=…)`` → the plan; ``there`` is what the warehouse holds."""

    def make(
        files: Mapping[str, str],
        command: str = "run",
        *,
        there: Mapping[str, str] | None = None,
        published: tuple[str, ...] = (),
        select: tuple[str, ...] | None = None,
        own: bool = True,
        engine: str = "duckdb",
        **asked: Any,
    ) -> Plan:
        found = understand(files, own=own)
        assert not [p for p in found.problems if p.severity == "error"], found.problems
        graph = found.graph
        kinds = (
            ("model", "seed", "test", "unit_test")
            if command == "build"
            else ("test", "unit_test")
            if command == "test"
            else ("model", "seed")
        )
        ids = [id_ for id_, n in graph.nodes.items() if n.kind in kinds and (select is None or n.name in select or id_ in select)]
        database, schema = next((n.relation.database, n.relation.schema) for n in graph.nodes.values() if n.relation)
        relations = {}
        for name, kind in (there or {}).items():
            relation = Relation(database, schema, name)
            relations[relation.key] = Existing(relation, kind)  # type: ignore[arg-type]
        ledger = {id_: Published(id_, "", graph.nodes[id_].fingerprint, "before", "") for id_ in published}
        snapshot = Snapshot(relations, frozenset(), ledger)
        return plan(graph, ids, snapshot, Request(command, **asked), registry.dialect(engine), run="this-run", own=own)

    return make


@pytest.fixture
def listing(planned: Callable[..., Plan]) -> Callable[..., str]:
    """The same as text."""
    return lambda *given, **more: explain(planned(*given, **more))
