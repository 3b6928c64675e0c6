"""What answers to requests are made of: the surroundings of whoever answers, and one request with what is known of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.core.audit import Actor
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.spec import Spec
from orchestrator.serve.asking import Request
from orchestrator.serve.door import Door, acting
from orchestrator.serve.keys import Caller

if TYPE_CHECKING:
    from orchestrator.record.audit import Audit
    from orchestrator.record.glance import Glance
    from orchestrator.record.history import History
    from orchestrator.record.measures import Measures
    from orchestrator.record.outbox import Outbox
    from orchestrator.schedule.freshness import Prospect
    from orchestrator.serve.routes import Route
    from orchestrator.serve.site import Site

STREAMS = 64
"""Replies at once that go on until somebody leaves; each holds a thread."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What an answer may look at and change. ``leads`` says whether this daemon leads, ``beat`` when its loop last went round.

    ``guarded`` says that everything but the signs of life needs a token: others than this machine can ask. ``root`` is the project's
    folder, ``host`` this machine's name, ``history`` that of its runs, ``glance`` what watchers ask of it, ``site`` the documentation
    that is served with them, ``measures`` what runs add up to, ``outbox`` holds alerts, ``audit`` who did what, ``prospects`` what
    becomes of promises about freshness. ``streams`` counts the replies that have no end of their own. ``one`` is held by whoever looks
    first and writes then. ``ask_to_end`` tells a process of this machine that somebody wants its end, and says whether there is one.
    """

    timetable: Timetable
    spec: Callable[[], Spec]
    now: Callable[[], datetime]
    leads: Callable[[], bool]
    beat: Callable[[], datetime]
    guarded: bool
    version: str
    root: Path = Path()
    host: str = ""
    history: History | None = None
    glance: Glance | None = None
    site: Site | None = None
    measures: Measures | None = None
    outbox: Outbox | None = None
    audit: Audit | None = None
    prospects: Callable[[], Mapping[str, Prospect]] = dict
    streams: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(STREAMS), compare=False)
    ask_to_end: Callable[[int], bool] = lambda _pid: False
    one: threading.Lock = field(default_factory=threading.Lock, compare=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be answered: who asks, and the values of its route's places, decoded.

    ``door`` lets browsers in and out, ``routes`` are all there are.
    """

    request: Request
    caller: Caller
    places: Mapping[str, str] = field(default_factory=dict)
    door: Door | None = None
    routes: tuple[Route, ...] = ()

    @property
    def actor(self) -> Actor:
        """Who asks, for the audit."""
        return acting(self.request, self.caller)
