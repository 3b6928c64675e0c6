"""What a pull request does to a project: the value that every report of ``orc ci`` is rendered from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.core.difference import Difference, Undone
from orchestrator.core.errors import Problem
from orchestrator.core.event import Status

What = Literal["added", "modified", "removed", "affected"]
"""``affected``: its own files are the same, but what it reads is not."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that is different about a node, in words. ``category`` as in ``graph/compare.py``; ``column`` where it is about one."""

    category: str
    column: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Breaking:
    """A change that breaks somebody: what is gone or retyped, who reads it, and where (in their file).

    Without a ``reader`` it is a promise that is broken: whoever relied on it.
    """

    what: str
    reader: str
    place: Problem | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A test's result in the pull request's environment."""

    name: str
    node: str
    status: Status
    failures: int | None = None
    problem: Problem | None = None
    path: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A node that the pull request touches.

    ``rebuilt``: it was built in the environment. If not, ``reason`` says why not (its columns are not touched, it is gone, it
    failed before). ``status`` is of its build; ``problem`` why it failed. ``rows`` is how many it has in production and here.
    ``backfill`` says which intervals production will have to build anew, in words. ``bytes`` is what the build (or its estimate) processed.
    """

    id: str
    name: str
    kind: str
    path: str
    what: What
    changes: tuple[Changed, ...] = ()
    breaking: tuple[Breaking, ...] = ()
    rebuilt: bool = False
    reason: str = ""
    status: Status | None = None
    problem: Problem | None = None
    rows: tuple[int | None, int | None] = (None, None)
    difference: Difference | Undone | None = None
    backfill: str = ""
    bytes: int | None = None
    seconds: float = 0.0
    parents: tuple[str, ...] = ()
    line: int = 1


@dataclass(frozen=True, slots=True)
class Review:
    """The whole. ``base`` and ``head`` are commits (short), ``environment`` the suffix of the schemas (``pr_482``).

    ``production`` says what it was compared with and how old that is. ``findings`` are of static checks, severity in each.
    ``blocking`` are sentences: why the verdict is what it is; none: it passes. ``project`` is the project's name, ``folder`` where it is
    in its repository (POSIX, empty at the top): paths of problems and nodes are relative to the project. ``edges`` are those
    ``(parent id, child id)`` of a hop around what changed that no node's ``parents`` tell, e.g. to unaffected children.
    """

    base: str
    head: str
    environment: str
    target: str
    engine: str
    production: str
    nodes: tuple[Reviewed, ...] = ()
    tests: tuple[Checked, ...] = ()
    findings: tuple[Problem, ...] = ()
    blocking: tuple[Problem, ...] = ()
    exposures: tuple[tuple[str, str], ...] = ()
    """Exposures that a change reaches, and their owners."""
    unaffected: tuple[str, ...] = ()
    """Descendants of what changed that read nothing of the change: neither built nor compared."""
    bytes: int | None = None
    seconds: float = 0.0
    command: str = ""
    """How to do the same again."""
    project: str = ""
    folder: str = ""
    edges: tuple[tuple[str, str], ...] = ()

    @property
    def passes(self) -> bool:
        """The verdict."""
        return not self.blocking
