"""What is known of past runs: a run as a whole, and a node in it, with the evidence for how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from orchestrator.core.errors import Problem
from orchestrator.core.event import Grounds, NodeFinished, Noted, Status
from orchestrator.core.snapshot import Published

RunStatus = Literal["running", "passed", "failed", "cancelled", "interrupted"]
"""*interrupted* is a run whose process died before it could say how it ended; *cancelled* was asked for."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run as history keeps it. ``counts`` are results by status, ``planned`` the ids results were expected for.

    ``trigger`` and ``actor`` are what began it and who; ``git_sha`` and ``dirty`` say from which code; ``audit`` is the hash that the chain
    of the audit ended with when it began.
    """

    id: str
    command: str
    target: str
    version: str
    status: RunStatus
    started: datetime
    finished: datetime | None = None
    seconds: float | None = None
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    planned: tuple[str, ...] = ()
    pid: int = 0
    host: str = ""
    trigger: str = ""
    actor: str = ""
    git_sha: str | None = None
    dirty: bool | None = None
    audit: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt at a node, or at one batch of it (``label`` says which). ``wait`` are the seconds until the next, if there was one."""

    node: str
    attempt: int
    label: str
    status: Status
    cause: str | None
    started: datetime | None
    finished: datetime
    seconds: float
    wait: float | None
    message: str
    problem: Problem | None
    sql: str | None


@dataclass(frozen=True, slots=True)
class Sought:
    """Which runs are asked for: of one status (or several, with commas), one target, begun at or after ``since``.

    ``trigger`` is what began them, in full (``schedule:nightly``) or its kind (``schedule``); ``node`` is one that was in them; ``before``
    is the start and the id of a run: those that come behind it in a list. ``schedule`` began them, by itself or because somebody asked.
    """

    status: str | None = None
    target: str | None = None
    since: datetime | None = None
    trigger: str | None = None
    actor: str | None = None
    node: str | None = None
    before: tuple[datetime, str] | None = None
    schedule: str | None = None

    @property
    def statuses(self) -> frozenset[str]:
        """The statuses that count; none for all."""
        return frozenset(filter(None, (self.status or "").split(",")))


@dataclass(frozen=True, slots=True)
class Part:
    """A node of a run. ``status`` is its outcome as in the artifacts, or ``running``, ``waiting`` (for its next attempt), ``pending``,
    and ``not reached`` in a run that is over. ``began`` is the start of its first attempt.
    """

    node: str
    name: str
    kind: str
    status: str
    began: datetime | None = None
    result: NodeFinished | None = None
    attempts: tuple[Tried, ...] = ()
    grounds: Grounds | None = None
    notes: tuple[Noted, ...] = ()


@dataclass(frozen=True, slots=True)
class Chronicle:
    """A run with its parts in the order in which they ended, then what runs, then the rest. ``now`` is when it was looked at."""

    run: Recorded
    parts: tuple[Part, ...]
    notes: tuple[Noted, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that is different between two versions of a node. ``what`` is ``code macro config relation upstream``.

    ``which`` names it (the macro, the key, the parent); ``before`` and ``after`` are values of config. ``below`` is why a parent is
    different, when that is known.
    """

    what: str
    which: str = ""
    before: Any = None
    after: Any = None
    below: tuple[Changed, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """A test that kept a node from being published; ``rows`` is the query that shows why."""

    test: str
    failures: int | None
    message: str
    rows: str | None


@dataclass(frozen=True, slots=True)
class Input:
    """Something that a node reads: the version that what is published was made of (``used``), and the one that is there ``now``.

    ``None`` is a version that nobody knows. Of a source, ``now`` is as of the last look at it.
    """

    node: str
    name: str
    used: str | None
    now: str | None

    @property
    def same(self) -> bool:
        """Whether it is known that nothing changed."""
        return self.used is not None and self.used == self.now


@dataclass(frozen=True, slots=True)
class Why:
    """Why a node ran, was skipped, failed, or was not selected, with evidence.

    ``verdict`` is the sentence that answers. ``chain`` are the ids from the node that is to blame to this one. ``changes`` are what was
    different from ``before``, the newest run on the target that built the node well; ``since`` is what is different *now* from the run
    asked about. ``ledger`` is what the warehouse says is published, ``unasked`` why it could not say. ``inputs`` are the versions of what
    that was made of, ``doubt`` why those do not decide alone.
    """

    node: str
    name: str
    verdict: str
    run: Recorded | None = None
    status: str = ""
    reason: str = ""
    part: Part | None = None
    chain: tuple[str, ...] = ()
    culprit: NodeFinished | None = None
    blocked: tuple[Blocked, ...] = ()
    before: Recorded | None = None
    before_result: NodeFinished | None = None
    changes: tuple[Changed, ...] | None = None
    since: tuple[Changed, ...] | None = None
    ledger: Published | None = None
    unasked: str = ""
    fingerprint: str = ""
    inputs: tuple[Input, ...] = ()
    doubt: str = ""
