"""How long the tasks of a run are expected to take, from how long they took before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Forecast:
    """``seconds`` that each task will take and what it ``needs`` first, by id of its node, in the plan's order.

    ``known`` is how many of them history knows; the others are taken for a middling one of those. Without history it is empty, and false.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: int = 0

    def __bool__(self) -> bool:
        return bool(self.known)


NOTHING = Forecast()
"""What is known without history."""
