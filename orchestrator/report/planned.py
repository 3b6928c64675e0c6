"""A plan as people and programs read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.plan import Change, Estimate, Late, Plan, Task
from orchestrator.core.sizes import shown_bytes
from orchestrator.graph.simulate import simulate
from orchestrator.report.traced import BOLD, CYAN, DIM, YELLOW, Pieces, painted

GREEN, RED = "\x1b[32m", "\x1b[31m"

SIGNS: Mapping[str, str] = {"added": "+", "modified": "~", "affected": "≈", "unchanged": " ", "removed": "-"}
TITLES = {"added": "Added", "modified": "Modified", "affected": "Indirectly affected", "unchanged": "Built again", "removed": "Removed"}
TINTS = {"added": GREEN, "modified": YELLOW, "affected": CYAN, "unchanged": DIM, "removed": RED}


@dataclass(frozen=True, slots=True)
class Compared:
    """What a plan was compared with, in words, and the names of those below a change that read nothing of it."""

    name: str
    unaffected: tuple[str, ...] = ()


def planned(
    plan: Plan,
    changes: Sequence[Change],
    estimates: Mapping[str, Estimate],
    target: str,
    *,
    explain: bool = False,
    against: Compared | None = None,
    width: int | None = None,
    colour: bool = False,
) -> str:
    """A line for each node, its sign first; with ``explain`` the statements that will be sent, as they will be sent.

    What is compared ``against`` an earlier version is grouped by what happened to it, each difference on a line of its own.
    """
    counts = {word: n for word in SIGNS if (n := sum(c.what == word for c in changes))}
    tests = sum(len(t.tests) for t in plan.tasks)
    told = ", ".join(f"{n} {word}" for word, n in counts.items()) or "nothing to build"
    head = f"Plan for target `{target}`{f' against {against.name}' if against else ''}: {told}"
    lines: list[Pieces] = [((head, BOLD), (f"; {tests} {'test' if tests == 1 else 'tests'}", ""))]
    widest = max((len(c.label) for c in changes), default=0)
    tasks = {t.node: t for t in plan.tasks}
    group = ""
    for change in sorted(changes, key=lambda c: [*SIGNS].index(c.what)) if against else changes:
        if against and change.what != group:
            lines += [(), ((TITLES[change.what], BOLD),)]
        elif not against and not group:
            lines.append(())
        group = change.what
        lines += _lines(change, estimates.get(change.node), widest, detailed=against is not None)
        if explain and change.node in tasks:
            lines += [((f"      {line}".rstrip(), ""),) for line in _explained(tasks[change.node])]
    if not changes and not against:
        lines.append(())
    if against and against.unaffected:
        names = ", ".join(against.unaffected[:5]) + (", …" if len(against.unaffected) > 5 else "")
        lines += [(), ((f"{len(against.unaffected)} below read nothing of it: {names}", DIM),)]
    if explain:
        for task in plan.tasks:
            if task.kind in ("test", "unit_test"):
                loose = [f"    {task.kind.replace('_', ' ')} {task.label}", *(f"      {line}".rstrip() for line in _explained(task))]
                lines += [((line, ""),) for line in loose]
    lines += _backfills(changes)
    lines += [((line, ""),) for line in _costs(changes, estimates, plan)]
    return "\n".join(painted(line, None if explain else width, colour=colour) for line in lines)


def _lines(change: Change, estimate: Estimate | None, widest: int, *, detailed: bool) -> Iterator[Pieces]:
    amount = _amount(estimate)
    sign = (f"  {SIGNS[change.what]} ", TINTS[change.what])
    if not detailed:
        yield sign, (change.label.ljust(widest), ""), (f"  {change.reason}", DIM), (f"  [{amount}]" if amount else "", "")
        return
    took = "" if change.seconds is None else f"about {shown_seconds(change.seconds)}"
    shown = ", ".join(part for part in (took, amount) if part)
    yield sign, (change.label.ljust(widest) if shown else change.label, ""), (f"  {shown}" if shown else "", DIM)
    if change.what == "removed" or (change.what == "unchanged" and change.reason):
        yield ((f"      {change.reason}", DIM),)
    for detail in change.details:
        yield ((f"      {detail}", TINTS[change.what]),)


def _backfills(changes: Sequence[Change]) -> Iterator[Pieces]:
    needing = [c for c in changes if c.backfill]
    if needing:
        yield ()
        yield ("Needs backfill", BOLD), (": rows that stay as they were built before", "")
    for change in needing:
        yield ("  ! ", YELLOW), (change.label, ""), (f"  {change.backfill}", YELLOW)
        yield ((f"      {change.again}", DIM),)


def _costs(changes: Sequence[Change], estimates: Mapping[str, Estimate], plan: Plan) -> Iterator[str]:
    known = [e.bytes for e in estimates.values() if e.bytes is not None]
    timed = [c.seconds for c in changes if c.seconds is not None]
    if known or timed:
        yield ""
    if known:
        unknown = sum(e.bytes is None for e in estimates.values())
        yield f"Would process {shown_bytes(sum(known))}" + (f", and what {unknown} more read" if unknown else "")
    if timed:
        built = sum(c.what != "removed" for c in changes)
        rest = "" if len(timed) == built else f" for {len(timed)} of {built}"
        yield f"About {shown_seconds(sum(timed))} of work{rest}, as long as the last builds took"
    if plan.forecast and plan.threads > 1:
        takes = simulate(plan.forecast.needs, plan.forecast.seconds, plan.threads).makespan
        yield f"With {plan.threads} threads about {shown_seconds(takes)}"


def shown_seconds(seconds: float) -> str:
    """A duration in words.

    >>> shown_seconds(0.04), shown_seconds(3.21), shown_seconds(75), shown_seconds(7300)
    ('less than 0.1s', '3.2s', '1m 15s', '2h 1m')
    """
    if seconds < 0.1:
        return "less than 0.1s"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60}m"


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
        "details": list(change.details),
        "backfill": {"rows": change.backfill, "command": change.again} if change.backfill else None,
        "seconds": change.seconds,
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
    "docs": "comments of the relation and its columns, as far as it has them when it runs",
}
_EFFECTS = {
    "python": "the rows of a Python function",
    "seed": "the rows of a CSV file",
    "apply": "the staged delta, by its columns",
    "history": "the versions that end and begin, by comparison of the staged rows with the table",
}
