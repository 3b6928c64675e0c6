"""What one call of the tool was given: everything ambient, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.core.ports import Clock


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call: where, by whom, with which settings. Two may live in one process.

    ``id`` names the invocation (a UUID). ``flags`` are what templates see as ``flags``. ``cache`` turns the parse cache off.
    """

    id: str
    root: Path
    started: datetime
    clock: Clock
    env: Mapping[str, str]
    profiles_dir: Path | None = None
    profile: str | None = None
    target: str | None = None
    threads: int | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    target_path: str | None = None
    strict: bool = False
    lock_timeout: float | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)
    cache: bool = True

    @property
    def state_dir(self) -> Path:
        """Where history, cache and logs are."""
        return self.root / ".orchestrator"
