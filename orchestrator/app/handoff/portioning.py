"""``orc task``: one portion of a project, run for another scheduler, and what its end means to that one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from orchestrator.app import Interruptible, build, selection
from orchestrator.app.opening import Workspace
from orchestrator.core.chronicle import Recorded, Sought
from orchestrator.core.errors import OrcError, Problem, UsageError, did_you_mean
from orchestrator.core.event import NodeFinished, Status, plain
from orchestrator.core.graph import Graph
from orchestrator.core.node import BUILDABLE
from orchestrator.core.patience import Cause, Retries, patience
from orchestrator.core.plan import Request
from orchestrator.core.portion import AGAIN, DONE, FAILED, SKIPPED, Granularity, Portion
from orchestrator.core.ports import Sink
from orchestrator.core.run import BAD, Run
from orchestrator.plan.portions import portions
from orchestrator.record.history import History

PASSING = frozenset({"S003", "S008", "W101", "W201", "W206", "W207", "W304"})
"""Problems before anything ran that may be gone when it is tried again: a server or a file that is not to be had now."""

TRIES = 1000
"""How many runs of one engine's run are looked through for the portion's own."""


def portion(workspace: Workspace, request: Request, granularity: Granularity, key: str, needs: str | None = None) -> Portion:
    """The portion of a selection that ``key`` names, as the project is now. ``needs`` is the digest of those before it, as generated.

    Raises:
        UsageError: U134, there is none, or it needs others now than those the generated code lets run before it.
    """
    found = {p.key: p for p in portions(workspace.graph, selection(workspace, request).ids, granularity)}
    hint = "`orc export` writes the files again; `orc export --check` in a CI tells when they are out of date"
    if key not in found:
        near = did_you_mean(key, found)
        raise UsageError(Problem("U134", f"there is no task `{key}` in this selection any more", None, f"{near}; {hint}" if near else hint))
    mine = found[key]
    if needs is not None and needs != mine.digest:
        now = ", ".join(f"`{n}`" for n in mine.needs) or "nothing"
        raise UsageError(Problem("U134", f"the project has changed since this was exported: `{key}` needs {now} by now", None, hint))
    return mine


def run_portion(
    workspace: Workspace,
    request: Request,
    mine: Portion,
    trigger: str,
    history: History,
    sinks: Callable[[Workspace], Sequence[Sink]],
    *,
    once: bool = False,
    interruptible: Interruptible = nullcontext,
) -> Run | None:
    """Run a portion, or what its last run under the same ``trigger`` left undone; ``None`` with ``once`` when that one left nothing.

    Raises:
        OrcError: for what stops the run before it starts.
    """
    from orchestrator.app.past.retrying import Again, left

    before = newest(history, trigger, mine.key)
    if before is not None and before.status == "passed" and once:
        return None
    env = {**workspace.invocation.env, "ORC_TRIGGER": trigger}
    here = replace(workspace, invocation=replace(workspace.invocation, env=env))
    asked = replace(request, invocation={**request.invocation, "portion": mine.key})
    again = None
    if before is not None and before.status in ("failed", "cancelled", "interrupted") and {*mine.ids} <= {*before.planned}:
        undone = history.unsuccessful(before.id)
        again = Again(before.id, before.planned, undone, history.grounds(before.id))
        asked = replace(asked, batches=left(history, before.id))
    return build(here, asked, sinks, only=mine.ids, interruptible=interruptible, again=again)


def newest(history: History, trigger: str, key: str) -> Recorded | None:
    """The newest run of a portion in a run of an engine."""
    found = history.runs(TRIES, None, Sought(trigger=trigger))
    return next((run for run in found if run.trigger == trigger and run.arguments.get("portion") == key), None)


def ending(run: Run, graph: Graph) -> int:
    """The exit code that tells an engine what to do: whether it failed, and whether trying again may help."""
    if run.cancelled:
        return run.exit_code
    bad = [r for r in run.results if r.status in BAD]
    if bad:
        tables = [r for r in bad if r.kind in BUILDABLE]
        return AGAIN if all(_may_pass(r, graph) for r in tables or bad) else FAILED
    return SKIPPED if run.results and all(r.status is Status.SKIPPED for r in run.results) else DONE


def _may_pass(result: NodeFinished, graph: Graph) -> bool:
    """Whether trying a node again may help, as its ``retries`` say; without any, what is transient."""
    if not result.repeatable:  # published, or a hook of it had run: nobody does that twice
        return False
    cause = result.cause or ("transient" if result.status is Status.CRASHED else "permanent")
    code, message = (result.problem.code, result.problem.message) if result.problem else ("", result.message)
    node = graph.nodes.get(result.node)
    said = patience(node.config).retries if node is not None else None
    why = Cause(code, message, cause == "transient", cause == "timeout", cause == "test")
    return (said or Retries()).covers(why)


def refused(error: OrcError) -> bool:
    """Whether what kept a run from starting may be gone when it is tried again."""
    return all(p.code in PASSING for p in error.problems)


def as_data(run: Run | None, mine: Portion, code: int) -> dict[str, Any]:
    """What a portion did, as JSON-able data; without a run nothing was left to do."""
    results = [] if run is None else [_result(r) for r in run.results]
    return {"portion": mine.key, "run": run.id if run else None, "code": code, "results": results}


def _result(result: NodeFinished) -> Mapping[str, Any]:
    told = ("node", "kind", "status", "message", "failures", "rows", "seconds", "relation", "because", "attempt", "cause")
    return {key: plain(getattr(result, key)) for key in told}
