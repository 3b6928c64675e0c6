"""What a plan is compared with: a revision of git, or an earlier state; and what that makes necessary to build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.app.environments.placing import earlier
from orchestrator.core.names import Relation
from orchestrator.core.node import BUILDABLE
from orchestrator.core.plan import Change, Request
from orchestrator.graph.rebuild import Rebuild

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace
    from orchestrator.record.history import History

LAST = 5
"""How many of a node's last builds tell how long the next one takes."""


@dataclass(frozen=True, slots=True)
class Against:
    """``name`` says what the plan is compared with; ``removed`` is what was there and is not in the project any more."""

    name: str
    rebuild: Rebuild
    removed: tuple[Change, ...] = ()


def against(workspace: Workspace, request: Request, since: str | None, *, widen: bool = False) -> Against | None:
    """What is different from the revision ``since``, else from the request's state; ``None`` when neither is given.

    Raises:
        UsageError: U038, U039, U056, U057: there is no such version.
        OrcError: what is wrong with the project as it was.
    """
    if since is not None:
        return _revision(workspace, since, widen=widen)
    if request.state is not None:
        return _state(workspace, request)
    return None


def only(workspace: Workspace, found: Rebuild) -> frozenset[str]:
    """The ids of a build of nothing but what is necessary: the nodes, tests that look at them, and tests that changed."""
    graph = workspace.graph
    looking = {c for id_ in found.ids for c in graph.children.get(id_, ()) if graph.nodes[c].kind in ("test", "unit_test")}
    return found.ids | found.tests | looking


def seconds(history: History, target: str) -> Mapping[str, tuple[float, ...]]:
    """What each node's last successful builds on a target took; those of a part of the rows do not count."""
    from orchestrator.core.event import Status

    found: dict[str, tuple[float, ...]] = {}
    partial: dict[str, bool] = {}
    for run, result in history.latest(target, LAST, tests=False):
        if run not in partial:
            told = history.run(run)
            partial[run] = told is not None and bool(told.arguments.get("empty") or told.arguments.get("sample"))
        if result.status is Status.PASSED and not partial[run]:
            found[result.node] = (*found.get(result.node, ()), result.seconds)
    return found


def _revision(workspace: Workspace, name: str, *, widen: bool) -> Against:
    from orchestrator.app.columns.meanings import meanings
    from orchestrator.app.earlier import earlier as earlier_version
    from orchestrator.app.earlier import version, version_then
    from orchestrator.graph.compare import compare
    from orchestrator.graph.rebuild import rebuild

    name = name.removeprefix("git:")
    found = meanings(workspace)
    with earlier_version(workspace, name) as (then, commit):
        before, now = version_then(then, workspace, found), version(workspace, found)
        changes = compare(before, now)
        made = rebuild(before, now, changes, widen=widen)
        gone = [before.graph.nodes[c.node] for c in changes if c.category == "removed"]
    removed = (_removed(n.id, n.relation) for n in gone if n.has_data)
    return Against(f"{name} ({commit})", made, tuple(removed))


def _removed(id_: str, relation: Relation | None) -> Change:
    return Change(id_, "removed", id_, f"no longer in the project; {relation} is left as it is")


def _state(workspace: Workspace, request: Request) -> Against | None:
    """A manifest does not tell enough to follow columns: everything below a change is affected."""
    from orchestrator.app.artifacts import macro_texts
    from orchestrator.app.compare.comparing import told_now
    from orchestrator.graph.state import changed

    before = earlier(workspace, request)
    if before is None:
        return None
    graph, now = workspace.graph, told_now(workspace)
    differing = changed(graph.nodes, before, now, macro_texts(workspace))
    reasons = {id_: tuple(sorted(aspects)) for id_, aspects in differing.items()}
    reasons |= {id_: ("added",) for id_ in graph.nodes if id_ in now and id_ not in before.nodes}
    below = graph.descendants(reasons)
    reasons |= {id_: ("downstream of a change",) for id_ in graph.order if id_ in below and id_ not in reasons}
    ids = frozenset(id_ for id_ in reasons if graph.nodes[id_].has_data)
    tests = frozenset(id_ for id_ in (*differing, *reasons) if graph.nodes[id_].kind in ("test", "unit_test") and id_ not in below)
    made = Rebuild(ids, {i: r for i, r in reasons.items() if i in ids}, ids - (below - differing.keys()), (), tests)
    gone = [t for t in before.nodes.values() if t.id not in graph.nodes and t.kind in BUILDABLE and t.relation is not None]
    return Against(f"the state of {before.generated[:16].replace('T', ' ')}", made, tuple(_removed(t.id, t.relation) for t in gone))


def compared(found: tuple[Change, ...], with_: Against | None) -> tuple[Change, ...]:
    """The changes of a plan; what was removed is told by what it is compared with."""
    if with_ is None:
        return found
    return (*(c for c in found if c.what != "removed"), *with_.removed)
