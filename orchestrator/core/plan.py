"""A plan: what will be done, with the final SQL and the reason. Data only; printing it and executing it read the same list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from orchestrator.core.errors import Problem
from orchestrator.core.forecast import NOTHING, Forecast
from orchestrator.core.interval import BatchSize, Interval
from orchestrator.core.names import Relation
from orchestrator.core.node import Kind
from orchestrator.core.patience import EVER, Patience

Does = Literal[
    "contract", "stage", "finish", "check", "within", "apply", "history", "promote", "hook", "python", "seed", "clean", "refuse", "when"
]


@dataclass(frozen=True, slots=True)
class Origin:
    """How a position in a sent statement leads back to the node's rendered text.

    ``pieces`` are ``(start in statement, start in rendered text, length)``, sorted; a position between pieces belongs to
    text the plan added. ``incremental`` says which face of the template was used.
    """

    node: str
    pieces: tuple[tuple[int, int, int], ...]
    incremental: bool = False

    def rendered(self, position: int) -> int | None:
        """The offset in the node's rendered query, or ``None`` when the plan wrote that part of the statement."""
        for start, source, length in self.pieces:
            if start <= position < start + length:
                return source + position - start
        return None


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as it will be sent, and where its author's part comes from."""

    sql: str
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """SQL that can be known only just before its step: a template that asks the warehouse, or a unit test's fixture types."""

    what: Literal["render", "unit_test", "hook", "docs", "when"]
    node: str
    wrap: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one test's number of failures is judged. ``warn_if``/``error_if`` are ``(operator, number)``.

    ``inspect`` is the query that shows the failing rows. ``exact`` recounts when the shared scan can prove success but
    not count failures (``unique``). ``part`` is where in the check's statement this test's own text stands (start, end): an
    error there is this test's. ``warn_fails`` (``--warn-error``) turns what would be a warning into a failure.
    """

    test: str
    severity: Literal["error", "warn"] = "error"
    warn_if: tuple[str, float] = ("!=", 0)
    error_if: tuple[str, float] = ("!=", 0)
    inspect: str = ""
    exact: str | None = None
    part: tuple[int, int] = (0, 0)
    warn_fails: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done on a connection. A step runs when every step it ``needs`` (same task) passed, else it is skipped.

    ``verdicts`` judge a check step's single result row, column by column. ``keeps`` marks the statements' effect as wanted
    even when a later check of the same transaction fails (the staged relation, left for inspection).
    """

    id: str
    node: str
    does: Does
    sql: tuple[Statement, ...] | Late = ()
    needs: tuple[str, ...] = ()
    relation: Relation | None = None
    verdicts: tuple[Verdict, ...] = ()
    transaction: int | None = 0
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batches:
    """A table that is built interval by interval, each in transactions of its own.

    ``opening`` runs before the first batch. A batch is ``create`` as long as there is no table, then ``add``; their statements
    have marks where its bounds will stand. ``closing`` runs in the transaction of the last batch. ``exists`` says that the table
    is there already. ``whole`` says that it is built aside and published by ``closing``: then every batch has to succeed.
    ``now`` is the run's: what is later is not complete. ``recorded`` is false for a build without rows: its batches are gaps.
    """

    intervals: tuple[Interval, ...]
    size: BatchSize
    now: datetime
    opening: tuple[Step, ...]
    create: tuple[Step, ...]
    add: tuple[Step, ...]
    closing: tuple[Step, ...]
    exists: bool
    whole: bool = False
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """What has to be done for one node, in order: stage → check… → promote.

    Steps with the same ``transaction`` number share one transaction; ``None`` runs outside of any. When a check fails, the
    transactions listed in ``keep`` commit what they did so far (the stage), the others roll back. ``tests`` are the ids
    judged inside. ``label`` is what the console says (``sql table model analytics.orders``). ``leased`` tasks run while no other run
    builds their relation. With ``batches``, ``steps`` are those of the first one, to look at. ``warnings`` are what to know before.
    ``patience`` says how long it may take and how often it is tried. ``when`` is asked before anything else: unless it says yes the task
    is left out, and with it what reads it, but for what is ``content`` with what was there before. ``pool`` names a limit
    that it shares with other runs. An ``allowed`` task may fail: then what reads it is left out, but for whom it is among the ``lasting``
    needs, those of which the version before is there and good enough.
    """

    node: str
    kind: Kind
    label: str
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    keep: frozenset[int] = frozenset()
    tests: tuple[str, ...] = ()
    reason: str = ""
    relation: Relation | None = None
    warnings: tuple[Problem, ...] = ()
    leased: bool = False
    batches: Batches | None = None
    patience: Patience = EVER
    when: Step | None = None
    content: bool = False
    pool: str | None = None
    allowed: bool = False
    lasting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, flags included; the plan's only input beside graph and snapshot.

    ``event_times`` limits models built by interval to a range. ``batches`` are what exactly to build of some of them (``retry``).
    ``environment`` is the suffix of the schemas of a build beside production (empty: none). ``state`` is where an earlier state is,
    ``defer_state`` another one to read from; ``defer`` reads from it what is not built here (``None``: not said), ``favor_state`` also
    what is there. ``sample`` is the share of rows to build with. ``stale`` builds only what is not fresh. ``elsewhere`` says by id
    where to read what is not built, in place of a state. Without ``retries`` somebody else tries again what failed.
    """

    command: str
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None
    resource_types: tuple[Kind, ...] = ()
    exclude_resource_types: tuple[Kind, ...] = ()
    indirect: Literal["eager", "cautious", "buildable", "empty"] = "eager"
    full_refresh: bool = False
    fail_fast: bool = False
    empty: bool = False
    gates: bool = True
    store_failures: bool | None = None
    warn_error: bool = False
    threads: int | None = None
    max_bytes: int | None = None
    on_conflict: Literal["wait", "attach", "skip", "fail"] = "wait"
    event_times: Interval | None = None
    batches: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    invocation: Mapping[str, Any] = field(default_factory=dict)
    environment: str = ""
    state: str | None = None
    defer_state: str | None = None
    defer: bool | None = None
    favor_state: bool = False
    sample: float | None = None
    stale: bool = False
    elsewhere: Mapping[str, Relation] | None = None
    retries: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """A closed, acyclic list of tasks; every need is another task's node or was not selected.

    ``warnings`` are what its reader should know before it runs. ``total`` counts the results a run will report (tasks and tests).
    ``reused`` are tasks without steps: nodes that were asked for and are as they should be, with the reason why. ``withheld`` are such of
    nodes that are not to be built from what they would read, each with the id that is to blame; ``blamed`` the sources among those.
    ``forecast`` is how long the tasks are expected to take, which decides what runs first.
    """

    command: str
    tasks: tuple[Task, ...]
    before: tuple[Task, ...] = ()
    after: tuple[Task, ...] = ()
    prepare: tuple[Statement, ...] = ()
    fail_fast: bool = False
    threads: int = 1
    warnings: tuple[Problem, ...] = ()
    reused: tuple[Task, ...] = ()
    forecast: Forecast = NOTHING
    withheld: tuple[tuple[Task, str], ...] = ()
    blamed: tuple[tuple[str, Problem], ...] = ()

    @property
    def total(self) -> int:
        """How many results the run reports: one for each task that is not a mere carrier of tests, one for each test."""
        settled = len(self.reused) + len(self.withheld) + len(self.blamed)
        return settled + sum(t.kind not in ("test", "unit_test") for t in self.tasks) + sum(len(t.tests) for t in self.tasks)


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan means for one node: ``added`` (not built yet), ``modified`` (its code or its parents' code is not what was
    published), ``affected`` (it says what it said, but reads something of a change), ``unchanged`` (built again all the same),
    ``removed`` (published once, no longer in the project).

    ``details`` are the differences one by one. ``backfill`` says which of its rows stay as they were built before, ``again`` the command
    that builds those anew. ``seconds`` is what its last builds took.
    """

    node: str
    what: Literal["added", "modified", "affected", "unchanged", "removed"]
    label: str
    reason: str
    details: tuple[str, ...] = ()
    backfill: str = ""
    again: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an engine said about a node's query without running it.

    ``bytes`` it would process (``None``: this engine does not say), the ``problem`` if it refused the query, or in ``unknown``
    why it could not be asked.
    """

    node: str
    bytes: int | None = None
    problem: Problem | None = None
    unknown: str | None = None
