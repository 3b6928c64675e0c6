"""How often something may happen: counted for each who does it, forgotten after a while."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)

KNOWN = 4096
"""Of how many different ones anything is remembered: who comes from ever new addresses fills no memory."""


class Limit:
    """At most ``count`` in ``span`` for each key. Safe to use from several threads."""

    def __init__(self, count: int, span: timedelta = MINUTE) -> None:
        self._count = count
        self._span = span
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._one = threading.Lock()

    def reached(self, key: str, now: datetime) -> bool:
        """Whether there were so many already; asking does not count."""
        with self._one:
            return len(self._recent(key, now)) >= self._count

    def take(self, key: str, now: datetime) -> bool:
        """Count one; false, and nothing counted, when there were so many already."""
        with self._one:
            recent = self._recent(key, now)
            if len(recent) >= self._count:
                return False
            recent.append(now)
            self._seen[key] = recent
            self._seen.move_to_end(key)
            if len(self._seen) > KNOWN:
                self._seen.popitem(last=False)
            return True

    def _recent(self, key: str, now: datetime) -> deque[datetime]:
        recent = self._seen.get(key) or deque()
        while recent and now - recent[0] >= self._span:
            recent.popleft()
        return recent
