"""What every task of a run needs besides its connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import Noted
from orchestrator.core.graph import Graph
from orchestrator.core.plan import Statement, Step, Task
from orchestrator.core.ports import Clock, Connection, Dialect, Pools
from orchestrator.core.sent import Watch
from orchestrator.execute.commented import Comment
from orchestrator.execute.lease import Leasing
from orchestrator.execute.versions import Versions

Interruptible = Callable[[Callable[[], None]], AbstractContextManager[object]]
"""While the context lasts, a signal that asks the process to end calls the function instead of raising."""


class LateStatements(Protocol):
    """Makes the statements of a step that could not be known when the plan was made."""

    def __call__(self, step: Step, connection: Connection) -> tuple[Statement, ...]:
        """The statements, given a live connection."""
        ...


class Loader(Protocol):
    """Fills a stage from outside the engine: a Python model's frames, a seed's rows."""

    def __call__(self, step: Step, connection: Connection, /) -> int:
        """Create and fill ``step.relation``; returns the number of rows."""
        ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every task needs: the graph, a clock, and the few effects that are not SQL. ``started`` is the run's own instant.

    ``said`` gives what models and macros printed since it was last asked. ``versions`` knows what was read and left by the run's builds.
    ``watch`` hears of every statement.
    """

    graph: Graph
    dialect: Dialect
    clock: Clock
    late: LateStatements
    loaders: Mapping[str, Loader]
    explain: Callable[[ExecuteError, Statement | None, str], Problem]
    cancelled: threading.Event = field(default_factory=threading.Event)
    interruptible: Interruptible = nullcontext
    leasing: Leasing = field(default_factory=Leasing)
    started: datetime | None = None
    comment: Callable[[str], Comment] | None = None
    said: Callable[[], Iterable[Noted]] = tuple
    versions: Versions | None = None
    watch: Watch | None = None
    pools: Pools | None = None
    file: Callable[[Task, Connection], Mapping[str, Any]] | None = None
