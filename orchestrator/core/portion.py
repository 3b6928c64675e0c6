"""A project in portions: what another scheduler runs as tasks of its own, and everything its code has to say about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from orchestrator.core.names import Relation
from orchestrator.core.patience import Retries

Granularity = Literal["model", "group", "layer", "project"]
"""What is one task: a model (seed, snapshot) with its gates, a ``group``, a folder below the model paths, everything."""

GRANULARITIES: tuple[Granularity, ...] = ("model", "group", "layer", "project")

Retrying = Literal["engine", "orc"]
"""Who tries again what failed."""

DONE, FAILED, NOTHING_RAN, AGAIN, SKIPPED = 0, 1, 2, 75, 99
"""Exit codes of a portion. ``AGAIN``: it failed of what may pass; ``SKIPPED``: nothing was done, and nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one task does. ``key`` names it for ``orc task``, ``needs`` are keys of portions that have to succeed before.

    ``ids`` are the nodes and tests it runs. ``tables`` are the relations it publishes, by node, ``gates`` the tests that may hold each
    of them back, ``above`` the tables that each of them needs. ``retries`` are the most patient of its nodes'; ``None`` when no node
    says any. ``about`` says in a few words what it is.
    """

    key: str
    ids: tuple[str, ...]
    needs: tuple[str, ...] = ()
    retries: Retries | None = None
    tables: tuple[tuple[str, Relation], ...] = ()
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    above: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    about: str = ""

    @property
    def digest(self) -> str:
        """A short name of the ``needs``: a task that was generated with others is out of date."""
        return digest(self.needs)


def digest(needs: Iterable[str]) -> str:
    """The digest of some keys, in whatever order.

    >>> digest(["b", "a"]) == digest(["a", "b"]), len(digest([]))
    (True, 8)
    """
    return sha256("\n".join(sorted(needs)).encode("utf-8", "backslashreplace")).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Timing:
    """When another scheduler starts a flow: at any of ``crons`` (five numeric fields each) on the clocks of ``zone``.

    ``one`` says that a run begins only when the one before is over. ``timeout`` is in seconds. ``paused`` ones are known and do not run.
    """

    crons: tuple[str, ...] = ()
    zone: str = "UTC"
    one: bool = True
    timeout: int | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A selection of a project as another scheduler runs it. ``name`` is the schedule's, or the project's.

    ``words`` are what every call of ``orc task`` says beside the task: the selection, variables, target. ``alone`` says that one task
    runs at a time, because the warehouse is a file; ``width`` is how many may else. ``up`` is how many folders above the generated
    file the project is, ``None`` when it is somewhere else. ``beside`` says that there are other flows of the project, with the same
    tables perhaps.
    """

    project: str
    name: str
    portions: tuple[Portion, ...]
    words: tuple[str, ...] = ()
    timing: Timing = field(default_factory=Timing)
    retrying: Retrying = "engine"
    granularity: Granularity = "model"
    alone: bool = False
    width: int = 4
    up: int | None = None
    beside: bool = False
