"""A history that is gone with the process: tests, and runs nobody wants remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.core.event import Event, Grounds, NodeFinished, NodeRetried, NodeStarted, Noted, RunFinished, RunStarted, as_json
from orchestrator.core.run import Run
from orchestrator.record.history import BUILT, REMEMBERED, UNTOLD, Recorded, RunStatus, Sought, Tried, is_attempt, tried, unsuccessful


class Memory:
    """The smallest :class:`~orchestrator.record.history.History`: a list of events for each run."""

    def __init__(self) -> None:
        self._runs: dict[str, list[Event]] = {}
        self._current = ""
        self._over: set[str] = set()

    def hear(self, event: Event) -> None:
        """Keep the event."""
        if isinstance(event, RunStarted):
            self._current = event.run
            self._runs[event.run] = []
        if self._current:
            self._runs[self._current].append(event)

    def close(self) -> None:
        """The run is over, also when it did not say so."""
        self._over.add(self._current)

    def runs(self, limit: int = 20, target: str | None = None, sought: Sought | None = None) -> tuple[Recorded, ...]:
        """The newest runs, newest first."""
        asked = sought or Sought()
        found = [r for r in map(self._recorded, reversed(self._runs)) if (target or asked.target) in (None, r.target)]
        found = [
            r for r in found if (not asked.statuses or r.status in asked.statuses) and (asked.since is None or r.started >= asked.since)
        ]
        found = [r for r in found if asked.actor in (None, r.actor) and asked.trigger in (None, r.trigger, r.trigger.partition(":")[0])]
        found = [r for r in found if asked.schedule in (None, r.trigger.partition(":")[2])]
        found = [r for r in found if asked.node is None or any(e.node == asked.node for e in self.results(r.id))]
        found = [r for r in found if asked.before is None or (r.started, r.id) < asked.before]
        return tuple(found[:limit])

    def run(self, id_: str) -> Recorded | None:
        """A run by its id or the beginning of its id."""
        found = [id_] if id_ in self._runs else [known for known in self._runs if known.startswith(id_)]
        return self._recorded(found[0]) if len(found) == 1 else None

    def last_run(self, target: str | None = None, commands: Iterable[str] = ()) -> Recorded | None:
        """The newest run that is over."""
        wanted = tuple(commands)
        over = (r for r in self.runs(len(self._runs), target) if r.status != "running" and (not wanted or r.command in wanted))
        return next(over, None)

    def results(self, id_: str) -> tuple[NodeFinished, ...]:
        """A run's results."""
        return tuple(e for e in self._runs.get(id_, ()) if isinstance(e, NodeFinished))

    def latest(self, target: str, limit: int, *, tests: bool) -> Iterator[tuple[str, NodeFinished]]:
        """Each node's newest results on a target."""
        found: dict[str, list[tuple[str, NodeFinished]]] = {}
        for run in self.runs(len(self._runs), target):
            for result in self.results(run.id):
                if (result.kind in ("test", "unit_test")) != tests:
                    continue
                found.setdefault(result.node, []).append((run.id, replace(result, sql=None, inspect=None)))
        for node in sorted(found):
            yield from sorted(found[node], key=lambda pair: pair[1].at, reverse=True)[:limit]

    def durations(self, target: str, nodes: Sequence[str], last: int = REMEMBERED) -> Mapping[str, tuple[float, ...]]:
        """What the last good builds of nodes took."""
        wanted = dict.fromkeys(nodes, ())
        found: dict[str, tuple[float, ...]] = {}
        for run in self.runs(len(self._runs), target):
            for result in self.results(run.id) if not (run.arguments.get("empty") or run.arguments.get("sample")) else ():
                if result.node in wanted and result.status in BUILT:
                    found[result.node] = (*found.get(result.node, ()), result.seconds)[:last]
        return found

    def newest(self, target: str, runs: int) -> tuple[tuple[str, NodeFinished], ...]:
        """The newest result of each node and test."""
        found: dict[str, tuple[str, NodeFinished]] = {}
        for run in self.runs(runs, target):
            for result in self.results(run.id):
                if result.node not in found or found[result.node][1].at < result.at:
                    found[result.node] = (run.id, replace(result, sql=None, inspect=None))
        return tuple(found[node] for node in sorted(found))

    def notes(self, id_: str, node: str | None = None, attempt: int | None = None) -> tuple[Noted, ...]:
        """A run's notes; of one node, of one attempt at it."""
        tries: dict[str, int] = {}
        found: list[Noted] = []
        for event in self._runs.get(id_, ()):
            if isinstance(event, NodeStarted):
                tries[event.node] = event.attempt
            if isinstance(event, Noted) and node in (None, event.node) and attempt in (None, tries.get(event.node or "")):
                found.append(event)
        return tuple(found)

    def attempts(self, id_: str, node: str | None = None) -> tuple[Tried, ...]:
        """A run's attempts."""
        ends = (e for e in self._runs.get(id_, ()) if isinstance(e, NodeRetried | NodeFinished))
        return tuple(tried(e) for e in ends if node in (None, e.node) and is_attempt(e))

    def grounds(self, id_: str) -> Mapping[str, Grounds]:
        """Why each node was in a run."""
        return next((e.grounds for e in self._runs.get(id_, ()) if isinstance(e, RunStarted)), {})

    def events(self, id_: str, after: int = -1) -> tuple[tuple[int, Mapping[str, Any]], ...]:
        """A run's events as JSON, without statements."""
        found = [(n, {k: v for k, v in as_json(e).items() if k not in UNTOLD}) for n, e in enumerate(self._runs.get(id_, ()))]
        return tuple((number, body) for number, body in found if number > after)

    def prune(self, before: datetime) -> int:
        """Forget the runs that began before an instant."""
        old = [id_ for id_ in self._runs if self._recorded(id_).started < before]
        for id_ in old:
            del self._runs[id_]
        return len(old)

    def unsuccessful(self, id_: str) -> tuple[str, ...]:
        """Ids a retry has to do again."""
        planned = next((e.planned for e in self._runs.get(id_, ()) if isinstance(e, RunStarted)), ())
        return unsuccessful(planned, {r.node: r.status for r in self.results(id_)})

    def _recorded(self, id_: str) -> Recorded:
        began = next(e for e in self._runs[id_] if isinstance(e, RunStarted))
        run = Run.of(self._runs[id_])
        ended = any(isinstance(e, RunFinished) for e in self._runs[id_])
        return Recorded(
            id=id_,
            command=run.command,
            target=began.target,
            version=began.version,
            status=_status(run) if ended else "interrupted" if id_ in self._over else "running",
            started=began.at,
            finished=run.finished,
            seconds=run.seconds if ended else None,
            total=began.total,
            counts=Counter(r.status.value for r in run.results),
            arguments=began.arguments,
            planned=began.planned,
            trigger=began.trigger,
            actor=began.actor,
            git_sha=began.git_sha,
            dirty=began.dirty,
        )


def _status(run: Run) -> RunStatus:
    return "cancelled" if run.cancelled else "passed" if run.ok else "failed"
