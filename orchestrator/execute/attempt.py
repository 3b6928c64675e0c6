"""One try of a task: what it sent, what passed, what there is to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.event import Event
from orchestrator.core.plan import Statement
from orchestrator.core.snapshot import Lease, Published
from orchestrator.execute.deadline import Deadline


@dataclass(slots=True)
class Attempt:
    """What one try of a task has seen so far. ``loose`` says that a hook ran outside of a transaction: it cannot be undone.

    ``quiet`` says that a delta without rows changes nothing about its table; ``row`` is what the ledger will say.
    """

    sent: list[str] = field(default_factory=list)
    passed: dict[str, bool] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    failed_tests: list[str] = field(default_factory=list)
    rows: int | None = None
    message: str = "OK"
    details: dict[str, Any] = field(default_factory=dict)
    cost: Mapping[str, int] = field(default_factory=dict)
    step: str = ""
    current: Statement | None = None
    published: bool = False
    lease: Lease | None = None
    returned: bool = False
    deadline: Deadline | None = None
    loose: bool = False
    quiet: bool = False
    row: Published | None = None
