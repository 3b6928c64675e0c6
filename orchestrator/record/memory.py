"""A history that is gone with the process: tests, and runs nobody wants remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from orchestrator.core.event import Event, NodeFinished, Noted, RunFinished, RunStarted
from orchestrator.core.run import Run
from orchestrator.record.history import Recorded, RunStatus, unsuccessful


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

    def runs(self, limit: int = 20, target: str | None = None) -> tuple[Recorded, ...]:
        """The newest runs, newest first."""
        found = [self._recorded(id_) for id_ in reversed(self._runs)]
        return tuple(r for r in found if target in (None, r.target))[:limit]

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

    def notes(self, id_: str) -> tuple[Noted, ...]:
        """A run's notes."""
        return tuple(e for e in self._runs.get(id_, ()) if isinstance(e, Noted))

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
        )


def _status(run: Run) -> RunStatus:
    return "cancelled" if run.cancelled else "passed" if run.ok else "failed"
