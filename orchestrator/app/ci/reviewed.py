"""From what was found out, built and compared to a review and its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.app.checks.linting import lint
from orchestrator.app.ci.asked import Asked
from orchestrator.app.ci.breaks import allowed
from orchestrator.app.ci.production import Production
from orchestrator.app.opening import Workspace
from orchestrator.core.difference import Difference, Undone
from orchestrator.core.errors import Problem
from orchestrator.core.event import NodeFinished, Status
from orchestrator.core.files import Span
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.plan import Change as PlanChange
from orchestrator.core.plan import Request
from orchestrator.core.review import Breaking, Changed, Checked, Review, Reviewed, What
from orchestrator.core.run import BAD, Run
from orchestrator.graph.breaking import owner
from orchestrator.graph.impact import Consequence
from orchestrator.graph.rebuild import Rebuild
from orchestrator.plan.changes import backfilled

TESTS = ("test", "unit_test")
GATED = "X300"
"""A build that is fine but for its tests."""
OWN = frozenset({"config", "moved", "cosmetic"})
"""Changes that nobody but the node's own author makes."""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything there is to say. ``building`` has the reason why each node was built; ``differences`` are to production.

    ``partial``: it was built from a part of the rows, or none, so that how many there are says nothing.
    """

    consequences: tuple[Consequence, ...]
    breaks: Mapping[str, tuple[Breaking, ...]]
    rebuild: Rebuild
    building: Mapping[str, str]
    production: Production
    run: Run | None
    differences: Mapping[str, Difference | Undone]
    partial: bool = False


def reviewed(workspace: Workspace, then: Graph, head: Review, found: Found) -> Review:
    """The review, without its verdict."""
    graph = workspace.graph
    results = {r.node: r for r in found.run.results} if found.run else {}
    changed: dict[str, list[Changed]] = {}
    for one in found.consequences:
        c = one.change
        changed.setdefault(c.node, []).append(Changed(c.category, c.column, c.before, c.after))
    ids = [id_ for id_ in graph.order if id_ in changed or id_ in found.building]
    gone = [id_ for id_ in then.order if id_ in changed and id_ not in graph.nodes]
    nodes = [_node(workspace, then, found, graph.nodes[id_], tuple(changed.get(id_, ())), results.get(id_)) for id_ in ids]
    nodes += [_gone(then.nodes[id_], tuple(changed[id_]), found) for id_ in gone]
    amounts = [n.bytes for n in nodes if n.bytes is not None]
    near = {n.id for n in nodes if n.what != "affected"}
    spared = [id_ for id_ in found.rebuild.unaffected if near.intersection(graph.nodes[id_].depends_on)]
    return replace(
        head,
        production=found.production.told if found.run else head.production,
        nodes=tuple(nodes),
        tests=tuple(_tests(workspace, results)),
        exposures=tuple(_exposures(workspace, found)),
        bytes=sum(amounts) if amounts else None,
        edges=tuple((p, id_) for id_ in spared for p in graph.nodes[id_].depends_on if p in near),
    )


def blocked(workspace: Workspace, review: Review, asked: Asked, files: tuple[str, ...]) -> Review:
    """The review with its verdict: what is checked statically in the changed ``files``, and what blocks."""
    findings = _findings(workspace, files)
    return replace(review, findings=findings, blocking=tuple(_blocking(workspace, replace(review, findings=findings), asked)))


def _node(
    workspace: Workspace, then: Graph, found: Found, node: Node, changes: tuple[Changed, ...], result: NodeFinished | None
) -> Reviewed:
    difference = found.differences.get(node.id)
    published = found.production.published(node.id)
    built = result is not None and result.status not in (Status.SKIPPED, Status.NOTHING)
    rows = (published.rows if published else None, result.rows) if result is not None and result.rows is not None else (None, None)
    if found.partial:
        rows = (None, None)
    elif isinstance(difference, Difference):
        rows = (difference.rows_before, difference.rows_after)
    response = result.response if result else {}
    amount = response.get("bytes_processed")
    return Reviewed(
        node.id,
        node.name,
        node.kind,
        node.path,
        _what(then, node, changes),
        changes,
        found.breaks.get(node.id, ()),
        rebuilt=built,
        reason=_reason(node, found, result, changes),
        status=result.status if result else None,
        problem=result.problem if result else None,
        rows=rows,
        difference=difference,
        backfill=_backfill(node, found),
        bytes=int(amount) if isinstance(amount, int | float) else None,
        seconds=result.seconds if result else 0.0,
        parents=tuple(p for p in node.depends_on if p in workspace.graph.nodes),
        line=node.line,
    )


def _gone(node: Node, changes: tuple[Changed, ...], found: Found) -> Reviewed:
    published = found.production.published(node.id)
    return Reviewed(
        node.id, node.name, node.kind, node.path, "removed", changes, found.breaks.get(node.id, ()), reason="it is gone",
        rows=(published.rows if published else None, None), parents=node.depends_on, line=node.line,
    )  # fmt: skip


def _what(then: Graph, node: Node, changes: tuple[Changed, ...]) -> What:
    old = then.nodes.get(node.id)
    if old is None:
        return "added"
    own = old.content != node.content or any(c.category in OWN for c in changes) or (bool(changes) and old.config != node.config)
    return "modified" if own else "affected"


def _reason(node: Node, found: Found, result: NodeFinished | None, changes: tuple[Changed, ...]) -> str:
    """Why a node was built, or why not."""
    if result is not None and result.status is Status.SKIPPED:
        return f"`{found_name(result.because)}` failed before" if result.because else "something failed before"
    if node.id in found.building:
        return found.building[node.id]
    if node.is_ephemeral:
        return "it is part of what reads it"
    if node.kind == "source":
        return "it is somebody else's table"
    said = {c.category for c in changes}
    if said <= {"cosmetic"}:
        return "only its layout or description changed"
    return "only its file moved" if said <= {"moved", "cosmetic"} else "nothing changed about its data"


def found_name(id_: str) -> str:
    """What people call a node.

    >>> found_name("model.shop.orders")
    'orders'
    """
    return id_.split(".", 2)[-1]


def _backfill(node: Node, found: Found) -> str:
    """What production keeps as it was built before, until somebody builds it again: which rows, and how."""
    there = found.production.relations.get(node.id)
    if node.id not in found.rebuild.ids or there is None:
        return ""
    change = backfilled(PlanChange(node.id, "modified", "", ""), replace(node, relation=there), found.production.snapshot)
    return f"{change.backfill}: `{change.again}`" if change.backfill else ""


def _tests(workspace: Workspace, results: Mapping[str, NodeFinished]) -> Iterator[Checked]:
    nodes = workspace.graph.nodes
    for id_, result in sorted(results.items(), key=lambda pair: pair[0]):
        if result.kind in TESTS and id_ in nodes:
            node = nodes[id_]
            tested = nodes.get(node.attached or (node.depends_on[0] if node.depends_on else ""))
            yield Checked(node.name, tested.name if tested else "", result.status, result.failures, result.problem, node.path, node.line)


def _exposures(workspace: Workspace, found: Found) -> Iterator[tuple[str, str]]:
    graph = workspace.graph
    reached = dict.fromkeys(e.point.node for one in found.consequences for e in one.impact.exposures)
    built = (c for id_ in found.rebuild.ids for c in graph.children[id_] if graph.nodes[c].kind == "exposure")
    for id_ in sorted({*reached, *built}):
        if id_ in graph.nodes:
            yield graph.nodes[id_].name, owner(graph.bodies.get(id_))


def _findings(workspace: Workspace, files: tuple[str, ...]) -> tuple[Problem, ...]:
    """What static checks say about the changed files."""
    paths = [str(workspace.invocation.root / path) for path in files if (workspace.invocation.root / path).is_file()]
    return lint(workspace, Request("lint"), paths).problems if paths else ()


def _blocking(workspace: Workspace, review: Review, asked: Asked) -> Iterator[Problem]:
    """Why it does not pass; what several say of one place is said once, by the first."""
    seen = set[tuple[str, int, int] | str]()
    for problem in (*_broken(workspace, review, asked), *_failed(workspace, review), *_asked_for(workspace, review, asked)):
        place = (problem.span.path, problem.span.line, problem.span.column) if problem.span else problem.message
        if place not in seen or problem.code == "U063":
            yield problem
        seen.add(place)


def _broken(workspace: Workspace, review: Review, asked: Asked) -> Iterator[Problem]:
    nodes = workspace.graph.nodes
    for node in review.nodes:
        if not asked.allow_breaking and not (node.id in nodes and allowed(nodes[node.id])):
            yield from dict.fromkeys(b.place for b in node.breaking if b.place is not None)


def _failed(workspace: Workspace, review: Review) -> Iterator[Problem]:
    """Failed builds and tests. A build that a test stopped is the test's, one of a reader of what is gone is the breaking change's."""
    told = {b.place.node for n in review.nodes for b in n.breaking if b.place is not None}
    for node in review.nodes:
        if node.status in BAD and node.id not in told and (node.problem is None or node.problem.code != GATED):
            yield node.problem or Problem("U064", f"`{node.name}` was not built", workspace.graph.nodes[node.id].span, node=node.id)
    for test in review.tests:
        if test.status in BAD:
            rows = f": {test.failures:,} {'row' if test.failures == 1 else 'rows'}" if test.failures else ""
            problem = test.problem or Problem("U064", "", Span(test.path, test.line))
            yield replace(problem, message=f"test `{test.name}` failed{rows}")


def _asked_for(workspace: Workspace, review: Review, asked: Asked) -> Iterator[Problem]:
    """Errors of static checks, and what `--fail-on` names."""
    levels = ("error", "warning") if "lint-warnings" in asked.fail_on else ("error",)
    yield from (replace(p, severity="error") for p in review.findings if p.severity in levels)
    if "warnings" in asked.fail_on:
        for test in review.tests:
            if test.status is Status.WARNED:
                yield Problem("U064", f"test `{test.name}` warned", Span(test.path, test.line))
    if "data-diff" in asked.fail_on:
        for node in review.nodes:
            if isinstance(node.difference, Difference) and node.difference.differs:
                span = workspace.graph.nodes[node.id].span
                yield Problem("U064", f"the data of `{node.name}` is not what production has", span, node=node.id)
