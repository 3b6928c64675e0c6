"""Whether all is well: findings, each of which is fine, worth knowing, or bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ``what`` (``last run``, ``models``, ``schedules``, …), what is the case, and what to do about it."""

    level: Level
    what: str
    detail: str
    hint: str = ""
