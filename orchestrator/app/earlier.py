"""A project as it was at a revision of git, opened the way today's is: same target, variables and profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.app.columns.meanings import known
from orchestrator.app.opening import Workspace, open_workspace
from orchestrator.core.errors import OrcError, Problem, UsageError
from orchestrator.graph.compare import Version
from orchestrator.graph.meanings import Kept, Meanings
from orchestrator.graph.meanings import meanings as work_out


@contextmanager
def earlier(workspace: Workspace, name: str, target: str | None = None) -> Iterator[tuple[Workspace, str]]:
    """The project as it was at ``name``, and the commit's short name; with ``target``, as it is in that one.

    What is in today's parse cache and says the same there is not read again. Bodies are read when they are asked for: its files are
    there until the end of the block.

    Raises:
        UsageError: U038, U039, there is no such revision.
        OrcError: what is wrong with the project as it was.
    """
    from orchestrator.app.reopening import lend
    from orchestrator.load.revision import revision

    ours = workspace.invocation
    with TemporaryDirectory(prefix="orc-since-") as folder:
        root, commit = revision(ours.root, name, Path(folder), ours.env)
        # The profile is today's, whatever git knows of it: another would be another place to build in.
        near = ours.root if (ours.root / "profiles.yml").exists() else None
        there = replace(ours, root=root, profiles_dir=ours.profiles_dir or near, target=target or ours.target)
        there = replace(there, cache=target is None and workspace.cache is not None and lend(workspace, there))
        try:
            found = open_workspace(there)
        except UsageError:
            raise
        except OrcError as error:
            raise type(error)(*(_then(p, name) for p in error.problems)) from error
        yield found, commit


def version(workspace: Workspace, meanings: Meanings) -> Version:
    """An opened project as something to compare."""
    return Version(workspace.graph, meanings, workspace.dialect.sqlglot)


def version_then(then: Workspace, now: Workspace, found: Meanings) -> Version:
    """An earlier version of a project as something to compare: of its queries only those are understood that said something else.

    What was seen of the warehouse counts for both: it is not what the project changed.
    """
    there = replace(then, invocation=replace(then.invocation, root=now.invocation.root))
    shapes = {**known(now), **known(there)}

    def same(id_: str) -> Kept:
        return replace(found.kept[id_], read=lambda: found[id_])  # decoded once for both

    return version(then, work_out(then.graph, then.dialect, shapes, {id_: same(id_) for id_ in found.kept}))


def _then(problem: Problem, name: str) -> Problem:
    """A problem of the earlier version: its place is not in the files that are there now."""
    return replace(problem, message=f"at `{name}`: {problem.message}" + (f" ({problem.span})" if problem.span else ""), span=None, trail=())
