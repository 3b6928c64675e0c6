"""A plan as people and programs read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.core.plan import Change, Estimate, Late, Plan, Task
from orchestrator.core.sizes import shown_bytes

SIGNS: Mapping[str, str] = {"added": "+", "modified": "~", "unchanged": " ", "removed": "-"}


def planned(plan: Plan, changes: Sequence[Change], estimates: Mapping[str, Estimate], target: str, *, explain: bool = False) -> str:
    """A line for each node, its sign first; with ``explain`` the statements that will be sent, as they will be sent."""
    counts = {word: n for word in ("added", "modified", "unchanged", "removed") if (n := sum(c.what == word for c in changes))}
    tests = sum(len(t.tests) for t in plan.tasks)
    told = ", ".join(f"{n} {word}" for word, n in counts.items()) or "nothing to build"
    lines = [f"Plan for target `{target}`: {told}; {tests} {'test' if tests == 1 else 'tests'}", ""]
    widest = max((len(c.label) for c in changes), default=0)
    tasks = {t.node: t for t in plan.tasks}
    for change in changes:
        amount = _amount(estimates.get(change.node))
        lines.append(f"  {SIGNS[change.what]} {change.label.ljust(widest)}  {change.reason}{f'  [{amount}]' if amount else ''}".rstrip())
        if explain and change.node in tasks:
            lines += [f"      {line}".rstrip() for line in _explained(tasks[change.node])]
    if explain:
        for task in plan.tasks:
            if task.kind in ("test", "unit_test"):
                lines += [f"    {task.kind.replace('_', ' ')} {task.label}", *(f"      {line}".rstrip() for line in _explained(task))]
    known = [e.bytes for e in estimates.values() if e.bytes is not None]
    if known:
        unknown = sum(e.bytes is None for e in estimates.values())
        lines += ["", f"Would process {shown_bytes(sum(known))}" + (f", and what {unknown} more read" if unknown else "")]
    return "\n".join(lines)


def as_json(plan: Plan, changes: Sequence[Change], estimates: Mapping[str, Estimate]) -> str:
    """The same as a JSON list, one object a node."""
    tasks = {t.node: t for t in plan.tasks}
    loose = [t for t in plan.tasks if t.kind in ("test", "unit_test")]
    rows = [_entry(c, tasks.get(c.node), estimates.get(c.node)) for c in changes]
    rows += [_entry(Change(t.node, "unchanged", t.label, t.reason), t, None) for t in loose]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def asked(estimates: Sequence[Estimate]) -> str:
    """What the engine said about each query, and the sum.

    >>> print(asked([Estimate("model.shop.orders", 1536), Estimate("model.shop.late", unknown="its text is known only when it runs")]))
    model.shop.orders  1.5 KiB
    model.shop.late    its text is known only when it runs
    Would process 1.5 KiB
    """
    widest = max((len(e.node) for e in estimates), default=0)
    lines = [f"{e.node.ljust(widest)}  {_amount(e) or 'OK'}" for e in estimates]
    known = [e.bytes for e in estimates if e.bytes is not None]
    return "\n".join([*lines, f"Would process {shown_bytes(sum(known))}"] if known else lines)


def _entry(change: Change, task: Task | None, estimate: Estimate | None) -> dict[str, Any]:
    return {
        "node": change.node,
        "change": change.what,
        "label": change.label,
        "reason": change.reason,
        "needs": list(task.needs) if task else [],
        "tests": list(task.tests) if task else [],
        "statements": list(_statements(task)) if task else [],
        "bytes": estimate.bytes if estimate else None,
        "problem": estimate.problem.message if estimate and estimate.problem else None,
    }


def _amount(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    if estimate.problem is not None:
        return f"refused: {estimate.problem.message.splitlines()[0]}"
    return estimate.unknown or ("" if estimate.bytes is None else shown_bytes(estimate.bytes))


def _explained(task: Task) -> Iterator[str]:
    for text in _statements(task):
        yield from text.splitlines()


def _statements(task: Task) -> Iterator[str]:
    """What is sent, in order; a comment stands for what is known only when it runs."""
    transaction: int | None = None
    for step in task.steps:
        if step.transaction != transaction and transaction is not None:
            yield "commit;"
        if step.transaction is not None and step.transaction != transaction:
            yield "begin;"
        transaction = step.transaction
        match step.sql:
            case Late():
                yield f"-- {step.does}: {_LATE[step.sql.what]}"
            case ():
                yield f"-- {step.does}: {_EFFECTS.get(step.does, 'what its columns ask for')}"
            case statements:
                yield from (f"{statement.sql};" for statement in statements)
        if step.does == "promote":
            yield "-- promote: the ledger's row"
    if transaction is not None:
        yield "commit;"


_LATE = {
    "render": "its template asks the warehouse, so its text is known only when it runs",
    "unit_test": "its rows take the types the inputs have when it runs",
    "hook": "the hook, rendered when it runs",
}
_EFFECTS = {
    "python": "the rows of a Python function",
    "seed": "the rows of a CSV file",
    "apply": "the staged delta, by its columns",
    "history": "the versions that end and begin, by comparison of the staged rows with the table",
}
