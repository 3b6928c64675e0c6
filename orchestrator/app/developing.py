"""``orc dev``: what a saved file means, within a second or two: what is wrong with it, or the first rows it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.app.asking import Rows, shown
from orchestrator.app.checks.linting import lint, within
from orchestrator.app.opening import Workspace
from orchestrator.app.schedules.watching import stamps
from orchestrator.core.errors import OrcError, Problem
from orchestrator.core.node import Node, SqlBody
from orchestrator.core.plan import Request

MOST = 3
"""Models that are shown for one save; a macro may change hundreds."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of saving files. ``concerned`` are the models whose text is other now or may be; ``left`` says of which no
    rows are shown, and why.

    With an error among ``problems`` nothing was sent to the warehouse.
    """

    paths: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    rows: tuple[Rows, ...] = ()
    concerned: tuple[str, ...] = ()
    left: Mapping[str, str] | None = None

    @property
    def wrong(self) -> bool:
        """Whether an error is among the problems."""
        return any(p.severity == "error" for p in self.problems)


def look(root: Path) -> Mapping[str, Sequence[int]]:
    """The files of a project, each with its time and size."""
    return {path: facts for path, *facts in stamps(root)}


def saves(root: Path, before: Mapping[str, Sequence[int]], pause: Callable[[], None]) -> Iterator[tuple[str, ...]]:
    """The files of a project that changed, came or went since a look ``before``, from the root; ``pause`` waits between two looks."""
    while True:
        pause()
        now = look(root)
        changed = sorted(path for path in {*before, *now} if before.get(path) != now.get(path))
        before = now
        if changed:
            yield tuple(Path(path).relative_to(root).as_posix() for path in changed)


def saved(reopen: Callable[[], Workspace], paths: Sequence[str], limit: int = 5) -> Saved:
    """Read the project again, check what was saved, and ask for the first rows of the models in it: of their queries, as written now.

    Parents are read as they are published.
    """
    try:
        workspace = reopen()
    except OrcError as error:
        return Saved(tuple(paths), error.problems)
    there = tuple(path for path in paths if (workspace.invocation.root / path).exists())
    ids = within(workspace, there) if there else frozenset()
    models = [n for id_ in workspace.graph.order if id_ in ids and (n := workspace.graph.nodes[id_]).kind in ("model", "snapshot")]
    try:
        problems = lint(workspace, Request("lint"), there).problems if there else ()
    except OrcError as error:
        problems = error.problems
    names = tuple(n.name for n in models)
    found = Saved(tuple(paths), problems, (), names)
    return found if found.wrong else _shown(workspace, found, models, limit)


def _shown(workspace: Workspace, found: Saved, models: Sequence[Node], limit: int) -> Saved:
    rows: list[Rows] = []
    left: dict[str, str] = {}
    problems = list(found.problems)
    for node in models:
        if why := _not_shown(workspace, node):
            left[node.name] = why
        elif len(rows) == MOST:
            left[node.name] = f"more than {MOST} models"
        else:
            request = Request("show", (".".join(node.fqn),))
            try:
                rows += shown(workspace, request, None, limit, written=True)
            except OrcError as error:
                problems += error.problems
    return Saved(found.paths, tuple(problems), tuple(rows), found.concerned, left)


def _not_shown(workspace: Workspace, node: Node) -> str | None:
    """Why a model's query is not asked for a few rows."""
    body = workspace.graph.bodies[node.id]
    if not isinstance(body, SqlBody):
        return f"it is Python: `orc run -s {node.name}` runs it"
    if body.late:
        return f"its text is known only when it runs: `orc run -s {node.name}`"
    return None
