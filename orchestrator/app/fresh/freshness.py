"""``orc source freshness``: how old the newest rows of sources are, and whether that is too old."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.core.duration import spoken
from orchestrator.core.errors import Problem
from orchestrator.core.event import Event, NodeFinished, NodeStarted, Noted, RunFinished, RunStarted, Status, plain
from orchestrator.core.freshness import Limits, Probe
from orchestrator.core.node import SourceBody
from orchestrator.core.run import Run
from orchestrator.core.version import VERSION
from orchestrator.execute.looking import Seen, looking
from orchestrator.graph.lineage import label as called

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace
    from orchestrator.core.plan import Request
    from orchestrator.core.ports import Sink
    from orchestrator.record.probes import Probes

COMMAND = "source freshness"

_STATUS = {"pass": Status.PASSED, "warn": Status.WARNED, "error": Status.FAILED}


@dataclass(frozen=True, slots=True)
class Checked:
    """What became known of one source: ``verdict`` is ``pass``, ``warn``, ``error`` or ``runtime error``."""

    end: NodeFinished
    probe: Probe
    limits: Limits
    verdict: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """All that was looked at, and the run that it was."""

    checked: tuple[Checked, ...]
    run: Run


def freshness(workspace: Workspace, request: Request, sinks: Callable[[Workspace], Sequence[Sink]], probes: Probes) -> Freshness:
    """Look at the selected sources that have limits; write ``sources.json``, and what was seen to the state database.

    Raises:
        OrcError: for what stops it before it starts.
    """
    from orchestrator.adapters import registry
    from orchestrator.app import secrets, selection
    from orchestrator.app.fresh.probing import limited
    from orchestrator.record.record import record

    found = selection(workspace, request)
    limits = limited(workspace.graph, (id_ for id_ in found.ids if workspace.graph.nodes[id_].kind == "source"))
    project = workspace.project
    warehouse = registry.warehouse(project.target, str(workspace.invocation.root), workspace.invocation.id)
    seen: dict[str, Checked] = {}
    try:
        events = _events(workspace, request, (limits, found.warnings), lambda looks, threads: _looked(looks, warehouse, workspace, threads))
        run = record(_kept(events, seen), sinks(workspace), secrets(workspace))
    finally:
        warehouse.close()
    checked = tuple(seen.values())
    probes.add(project.target.name, [c.probe for c in checked])
    _write(workspace, checked, run)
    return Freshness(checked, run)


def _looked(looks: Any, warehouse: Any, workspace: Workspace, threads: int) -> Iterator[Seen]:
    return looking(looks, warehouse, workspace.invocation.clock, threads)


def _kept(events: Iterator[Event | Checked], seen: dict[str, Checked]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Checked):
            seen[event.probe.source] = event
            yield event.end
        else:
            yield event


def _events(
    workspace: Workspace,
    request: Request,
    asked: tuple[dict[str, Limits], Sequence[Problem]],
    look: Callable[[Any, int], Iterator[Seen]],
) -> Iterator[Event | Checked]:
    from orchestrator.app import counts
    from orchestrator.app.fresh.probing import looks
    from orchestrator.app.past.grounds import circumstances

    limits, warnings = asked
    invocation, target, graph = workspace.invocation, workspace.project.target, workspace.graph
    clock, began = invocation.clock, circumstances(invocation)
    begin = clock.monotonic()
    threads = request.threads or target.threads
    yield RunStarted(
        clock.now(), invocation.id, COMMAND, VERSION, target.name, threads, len(limits), counts(graph), {**request.invocation},
        tuple(sorted(limits)), began.trigger, began.actor, began.git_sha, began.dirty,
    )  # fmt: skip
    yield from (Noted(clock.now(), "warn", w.message, w.node, w) for w in (*graph.warnings, *warnings))
    if not limits:
        yield Noted(clock.now(), "info", "Nothing to do: no selected source has `warn_after` or `error_after` in its `freshness`")
    numbers: dict[str, int] = {}
    for seen in look(looks(graph, limits, workspace.dialect), threads):
        node = graph.nodes[seen.look.source]
        number = numbers.setdefault(node.id, len(numbers) + 1)
        label = f"freshness of {called(node)}"
        if seen.probe is None:
            yield NodeStarted(seen.started, node.id, "source", label, number, seen.thread)
        else:
            yield _checked(workspace, seen, seen.probe, (label, number), limits[node.id])
    yield RunFinished(clock.now(), invocation.id, clock.monotonic() - begin)


def _checked(workspace: Workspace, seen: Seen, probe: Probe, said: tuple[str, int], limits: Limits) -> Checked:
    node = workspace.graph.nodes[probe.source]
    problem = seen.problem
    if problem is not None:
        from dataclasses import replace

        verdict, status = "runtime error", Status.CRASHED
        problem = replace(problem, span=problem.span or node.span, node=node.id)
        message = problem.message
    else:
        verdict = limits.judge(probe.age)
        status, message = _STATUS[verdict], sentence(probe, limits)
        if verdict != "pass":
            severity = "error" if verdict == "error" else "warning"
            problem = Problem("X372", f"`{called(node)}` is stale: {message}", node.span, severity=severity, node=node.id)
    now = workspace.invocation.clock.now()
    label, number = said
    end = NodeFinished(
        now, node.id, "source", label, number, status, seen.seconds, seen.thread, message,
        relation=str(node.relation), sql=seen.look.sql, problem=problem, started=seen.started,
    )  # fmt: skip
    return Checked(end, probe, limits, verdict)


def sentence(probe: Probe, limits: Limits) -> str:
    """How old a source's newest rows are, in words."""
    if probe.data_time is None or probe.age is None:
        return "it has no rows"
    newest = f"its newest rows are {spoken(max(probe.age, 0.0))} old" if probe.method != "metadata" else (
        f"it changed {spoken(max(probe.age, 0.0))} ago"
    )  # fmt: skip
    word = limits.judge(probe.age)
    limit = {"error": limits.error_after, "warn": limits.warn_after}.get(word)
    return newest if limit is None else f"{newest}, and {word} is after {spoken(limit)}"


def _write(workspace: Workspace, checked: Sequence[Checked], run: Run) -> None:
    from orchestrator.app import secrets
    from orchestrator.app.artifacts import facts_of, target_folder
    from orchestrator.publish.publish import as_text
    from orchestrator.publish.sources import sources
    from orchestrator.publish.write import write

    bodies = {c.probe.source: workspace.graph.bodies[c.probe.source] for c in checked}
    said = {id_: dict(body.freshness or {}) for id_, body in bodies.items() if isinstance(body, SourceBody)}
    made = sources([(c.end, c.probe, c.verdict) for c in checked], said, facts_of(workspace, {}, {}), run.seconds)
    folder: Path = target_folder(workspace)
    write({"sources.json": as_text(made)}, folder, secrets(workspace))


def as_data(found: Freshness) -> list[dict[str, Any]]:
    """What was seen as JSON-able data, sources in the order of their ids."""
    return [
        {
            "source": c.probe.source,
            "status": c.verdict,
            "max_loaded_at": plain(c.probe.data_time),
            "looked_at": plain(c.probe.at),
            "age": c.probe.age,
            "warn_after": c.limits.warn_after,
            "error_after": c.limits.error_after,
            "method": c.probe.method,
            "version": c.probe.version,
            "error": c.probe.error or None,
        }
        for c in sorted(found.checked, key=lambda c: c.probe.source)
    ]
