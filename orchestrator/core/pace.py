"""How long a node usually takes, and whether the newest time is out of the ordinary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

TIMES = 3.0
"""So many times its usual time is slow."""

NOTICED = 0.5
"""Seconds that a slow build takes longer than usual, at least: what takes a blink may take three."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``p50`` and ``p95`` of the builds before the newest, of ``count`` builds in all; all times in seconds.

    With one build only, that is all there is.
    """

    count: int
    newest: float
    p50: float
    p95: float

    @property
    def ratio(self) -> float | None:
        """How many times its usual time the newest build took; ``None`` while nothing is usual."""
        return self.newest / self.p50 if self.count > 1 and self.p50 > 0 else None

    @property
    def slow(self) -> bool:
        """Whether the newest build is out of the ordinary."""
        return self.count > 1 and self.newest > TIMES * self.p50 and self.newest - self.p50 >= NOTICED


def pace(seconds: Sequence[float]) -> Pace:
    """The pace of a node that took ``seconds``, newest first.

    >>> pace([9.0, 2.0, 1.0, 2.0, 3.0])
    Pace(count=5, newest=9.0, p50=2.0, p95=3.0)
    >>> pace([9.0, 2.0, 2.0]).slow, pace([5.9, 2.0, 2.0]).slow, pace([0.3, 0.05, 0.05]).slow, pace([9.0]).slow
    (True, False, False, False)
    """
    usual = sorted(seconds[1:] or seconds)
    return Pace(len(seconds), seconds[0], at(usual, 0.5), at(usual, 0.95))


def at(ordered: Sequence[float], share: float) -> float:
    """The value below or at which a share of all values is; between two middle ones, halfway.

    >>> at([1.0, 2.0, 3.0, 10.0], 0.5), at([1.0, 2.0], 0.95)
    (2.5, 2.0)
    """
    place = share * len(ordered)
    if share == 0.5 and place.is_integer():
        return (ordered[int(place) - 1] + ordered[int(place)]) / 2
    return ordered[max(ceil(place) - 1, 0)]
