"""Why a node ran, was skipped, failed, or was not selected: its last run, what was different from the one before, and what is now."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from orchestrator.app.opening import Workspace
from orchestrator.app.past.chronicle import chronicle, part_data, recorded, run_data
from orchestrator.app.past.grounds import Digests, of_node
from orchestrator.core.chronicle import Blocked, Changed, Chronicle, Part, Recorded, Why
from orchestrator.core.errors import OrcError, Problem, UsageError, did_you_mean
from orchestrator.core.event import Grounds, NodeFinished, Status, plain
from orchestrator.core.freshness import Probe
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.snapshot import Published
from orchestrator.record.history import GOOD, History

BUILDERS = ("run", "build", "seed", "snapshot", "retry", "test")
LOOKED_BACK = 200
"""How many runs are looked through for the last good one."""

DEPTH = 6
"""How many parents up the reason for a difference is followed."""


def why(workspace: Workspace, history: History, word: str, run_id: str | None = None, probes: Mapping[str, Probe] | None = None) -> Why:
    """The answer for one node, in one run or (by default) in the last one on this target that could have built it.

    ``probes`` are the last looks at sources.

    Raises:
        UsageError: U080, there is no such node; U007, there is no such run.
    """
    graph, target = workspace.graph, workspace.project.target.name
    node = _node(graph, word)
    rows, unasked = _ledger(workspace, node)
    ledger = rows.get(node.id)
    digests = Digests(workspace)
    now = of_node(graph, node, digests)
    common: dict[str, Any] = {"ledger": ledger, "unasked": unasked, "fingerprint": now.fingerprint}
    common |= read(graph, node, rows, probes or {})
    if run_id is None and history.last_run(target, BUILDERS) is None and not history.runs(1, target):
        return Why(node.id, node.name, f"nothing was ever run on target `{target}`", **common)
    run = recorded(history, run_id) if run_id is not None else _last(history, target)
    found = chronicle(history, run, workspace.invocation.clock.now())
    mine = next((p for p in found.parts if p.node == node.id), None)
    before, before_result = _last_good(history, run, node.id)
    if mine is None:
        verdict = _not_there(run, node)
        return Why(node.id, node.name, verdict, run, "not selected", before=before, before_result=before_result, **common)
    grounds = history.grounds(run.id)
    earlier = history.grounds(before.id) if before else {}
    own = grounds.get(node.id)
    changes = differences(node.id, earlier, grounds) if before and own else None
    files = {id_: of_node(graph, graph.nodes[id_], digests) for id_ in grounds if id_ in graph.nodes} | {node.id: now}
    since = differences(node.id, grounds, files) if own and own.fingerprint and now.fingerprint else None
    chain, culprit = _chain(graph, found, mine)
    return Why(
        node.id,
        node.name,
        _verdict(mine, culprit, changes, before),
        run,
        mine.status,
        own.reason if own else "",
        mine,
        chain,
        culprit,
        _blocked(graph, found, culprit or mine.result),
        before,
        before_result,
        changes,
        since,
        **common,
    )


def differences(id_: str, before: Mapping[str, Grounds], after: Mapping[str, Grounds], depth: int = DEPTH) -> tuple[Changed, ...]:
    """What is different about a node between two runs, parents followed up to where it began."""
    old, new = before.get(id_), after.get(id_)
    if old is None or new is None or old.fingerprint == new.fingerprint or not (old.parts and new.parts):
        return ()
    found: list[Changed] = []
    was, now = old.parts, new.parts
    if was.get("code") != now.get("code"):
        macros = [
            m
            for m in sorted({*was.get("macros", {}), *now.get("macros", {})})
            if was.get("macros", {}).get(m) != now.get("macros", {}).get(m)
        ]
        if was.get("source") != now.get("source"):
            found.append(Changed("code"))
        found += [Changed("macro", m.rpartition(".")[2]) for m in macros]
        if not found:  # the same text renders to something else: a variable, the environment, a seed's rows
            found.append(Changed("code", "rendered"))
    one, other = was.get("config", {}), now.get("config", {})
    found += [Changed("config", k, one.get(k), other.get(k)) for k in sorted({*one, *other}) if one.get(k) != other.get(k)]
    if was.get("relation") != now.get("relation"):
        found.append(Changed("relation", "", was.get("relation"), now.get("relation")))
    up, then = was.get("upstream", {}), now.get("upstream", {})
    for parent in sorted({*up, *then}):
        if up.get(parent) != then.get(parent):
            which = "added" if parent not in up else "removed" if parent not in then else "changed"
            below = differences(parent, before, after, depth - 1) if depth and which == "changed" else ()
            found.append(Changed("upstream", parent, which if which != "changed" else None, None, below))
    return tuple(found)


def _node(graph: Graph, word: str) -> Node:
    if word in graph.nodes:
        return graph.nodes[word]
    found = [n for n in graph.nodes.values() if word in (n.name, ".".join(n.fqn), n.path)]
    found = [n for n in found if n.has_data or n.is_ephemeral] or found
    if not found:
        hint = did_you_mean(word, [n.name for n in graph.nodes.values() if n.has_data], also="`orc ls` lists the nodes")
        raise UsageError(Problem("U080", f"there is no node `{word}`", None, hint))
    return found[0]


def _last(history: History, target: str) -> Recorded:
    """The newest run that builds or tests; one that is under way counts."""
    for run in history.runs(LOOKED_BACK, target):
        if run.command in BUILDERS:
            return run
    raise UsageError(Problem("U007", f"there is no run on target `{target}` yet", None, "`orc build` makes one"))


def _last_good(history: History, run: Recorded, id_: str) -> tuple[Recorded | None, NodeFinished | None]:
    """The newest run before another one, on its target, that built a node well."""
    found = next(((r, e) for r, e in _good(history, run, id_)), None)
    return found or (None, None)


def _good(history: History, run: Recorded, id_: str) -> Any:
    for one in history.runs(LOOKED_BACK, run.target):
        if one.id != run.id and one.started <= run.started and id_ in one.planned:
            for event in history.results(one.id):
                if event.node == id_ and event.status in GOOD and event.status is not Status.REUSED:
                    yield one, event


def read(graph: Graph, node: Node, rows: Mapping[str, Published], probes: Mapping[str, Probe]) -> dict[str, Any]:
    """The versions of what a node's published rows were made of, and of what is there now; why those may not decide alone."""
    from orchestrator.core.chronicle import Input
    from orchestrator.core.freshness import made
    from orchestrator.execute.versions import Versions
    from orchestrator.graph.lineage import label
    from orchestrator.graph.recipe import Recipes

    row = rows.get(node.id)
    said = made(row.made) if row is not None else None
    if said is None or not node.has_data:
        return {}
    recipes = Recipes(graph)
    now = Versions(graph, recipes, dict(rows), {id_: (p.version, p.data_time) for id_, p in probes.items()})
    inputs = tuple(Input(i, label(graph.nodes[i]), said.inputs.get(i), now.current(i)) for i in recipes.inputs(node.id))
    return {"inputs": inputs, "doubt": said.doubt}


def _ledger(workspace: Workspace, node: Node) -> tuple[Mapping[str, Published], str]:
    """What the warehouse says is published, or why it could not be asked."""
    from orchestrator.adapters import registry

    if node.relation is None or not node.has_data:
        return {}, ""
    try:
        warehouse = registry.warehouse(workspace.project.target, str(workspace.invocation.root))
        try:
            return warehouse.snapshot([node.relation]).ledger, ""
        finally:
            warehouse.close()
    except OrcError as error:
        return {}, error.first.message


def _not_there(run: Recorded, node: Node) -> str:
    """Why a run had nothing to do with a node."""
    if node.is_ephemeral:
        return "it is ephemeral: it is part of what reads it, and never built by itself"
    if node.kind in ("source", "exposure", "analysis"):
        return f"it is {'an' if node.kind[0] in 'aeiou' else 'a'} {node.kind}: nothing is built for it"
    words = [
        f"{option} {' '.join(map(str, given))}"
        for option, key in (("--select", "select"), ("--exclude", "exclude"))
        if (given := run.arguments.get(key))
    ]
    if words or run.arguments.get("selector"):
        asked = " ".join(words) or f"--selector {run.arguments['selector']}"
        return f"not selected: the run was `orc {run.command} {asked}`"
    if run.command == "test" and node.has_data:
        return "not selected: `orc test` tests what is published, and builds nothing"
    return f"not selected: `orc {run.command}` did not know it, or does not build {node.kind}s"


def _chain(graph: Graph, found: Chronicle, mine: Part) -> tuple[tuple[str, ...], NodeFinished | None]:
    """The shortest way from the node that is to blame to this one."""
    if mine.result is None or mine.result.because is None:
        return (), None
    blamed = mine.result.because
    culprit = next((p.result for p in found.parts if p.node == blamed), None)
    came: dict[str, str] = {}
    edge = deque([blamed])
    while edge and mine.node not in came:
        here = edge.popleft()
        for child in graph.children.get(here, ()):
            if child not in came and child != blamed:
                came[child] = here
                edge.append(child)
    way = [mine.node]
    while way[0] in came:
        way.insert(0, came[way[0]])
    return (tuple(way) if way[0] == blamed else (blamed, mine.node)), culprit


def _blocked(graph: Graph, found: Chronicle, result: NodeFinished | None) -> tuple[Blocked, ...]:
    """Tests that failed before a node could be published."""
    if result is None or result.problem is None or result.problem.code != "X300":
        return ()
    tests = (p.result for p in found.parts if p.result and p.kind in ("test", "unit_test") and p.node in graph.nodes)
    bad = (Status.WARNED,) if result.allowed else (Status.FAILED, Status.CRASHED)
    failed = [t for t in tests if t.status in bad]
    ours = [t for t in failed if result.node in {i.id for i in graph.inputs(t.node)} | {graph.nodes[t.node].attached}]
    return tuple(Blocked(graph.nodes[t.node].name, t.failures, t.message, t.inspect) for t in ours)


def _verdict(mine: Part, culprit: NodeFinished | None, changes: tuple[Changed, ...] | None, before: Recorded | None) -> str:
    """The sentence that answers."""
    result = mine.result
    reason = mine.grounds.reason if mine.grounds else ""
    if result is None:
        return {"pending": "it waits for its turn", "running": "it runs now", "waiting": "it waits for its next attempt"}.get(
            mine.status, "the run ended before it came to it"
        )
    match result.status:
        case Status.SKIPPED:
            if result.allowed:
                return result.message.splitlines()[0]
            if culprit is None or culprit.kind == "source":
                return f"skipped: {result.message}"
            return f"skipped, because `{culprit.node.split('.')[-1]}` was not built"
        case Status.REUSED:
            return f"not built again: {result.message}"
        case Status.FAILED | Status.CRASHED | Status.PARTIAL:
            tried = f" after {len(mine.attempts)} attempts" if len(mine.attempts) > 1 else ""
            return f"failed{tried}: {result.message.splitlines()[0] if result.message else 'no message'}"
        case Status.CANCELLED:
            return "cancelled: somebody wanted the run to end"
        case _:
            more = (
                ""
                if changes is None or before is None
                else "; nothing about it changed"
                if not changes
                else f"; {len(changes)} change{'s' if len(changes) > 1 else ''} since run {before.id[:8]}"
            )
            return f"built: {reason or 'selected'}{more}"


def as_data(found: Why) -> dict[str, Any]:
    """An answer as JSON-able data."""
    now = found.run.started if found.run else None
    culprit = found.culprit
    return {
        "node": found.node,
        "name": found.name,
        "verdict": found.verdict,
        "status": found.status or None,
        "reason": found.reason or None,
        "run": run_data(found.run, now) if found.run and now else None,
        "result": part_data(found.part, now, texts=True) if found.part and now else None,
        "chain": list(found.chain),
        "culprit": plain({"node": culprit.node, "status": culprit.status, "message": culprit.message, "problem": culprit.problem})
        if culprit
        else None,
        "blocked_by": [{"test": b.test, "failures": b.failures, "message": b.message, "rows": b.rows} for b in found.blocked],
        "last_good": run_data(found.before, now) if found.before and now else None,
        "changed_since_last_good": None if found.changes is None else [_changed(c) for c in found.changes],
        "changed_since_this_run": None if found.since is None else [_changed(c) for c in found.since],
        "ledger": plain({k: getattr(found.ledger, k) for k in ("relation", "fingerprint", "run", "at", "rows")}) if found.ledger else None,
        "ledger_problem": found.unasked or None,
        "fingerprint": found.fingerprint or None,
        "inputs": [{"node": i.node, "used": i.used, "now": i.now, "same": i.same} for i in found.inputs],
        "doubt": found.doubt or None,
    }


def _changed(one: Changed) -> dict[str, Any]:
    return {
        "what": one.what,
        "which": one.which or None,
        "before": plain(one.before),
        "after": plain(one.after),
        "because": [_changed(c) for c in one.below],
    }
