"""Who wants to hear of what: rules, what happens, the incidents that are open, and the letters in the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Literal, get_args

Kind = Literal[
    "node_failed",
    "node_retried",
    "run_failed",
    "gate_failed",
    "freshness_breached",
    "deadline_at_risk",
    "deadline_missed",
    "schedule_missed",
    "node_slow",
    "blocked",
    "recovered",
    "run_succeeded",
]
"""What a rule can listen to."""

KINDS: tuple[str, ...] = get_args(Kind)

ASPECTS: Mapping[str, str] = {
    "node_failed": "failed",
    "gate_failed": "failed",
    "run_failed": "failed",
    "blocked": "blocked",
    "freshness_breached": "stale",
    "deadline_at_risk": "at risk",
    "deadline_missed": "late",
    "schedule_missed": "missed",
    "node_slow": "slow",
}
"""Kinds that are incidents: open until it is well again. A node that failed and whose gate failed is one incident."""

Mood = Literal["opens", "tells", "closes"]
"""What a letter is about: an incident, something that just happened, the end of incidents."""

Status = Literal["waiting", "sent", "failed"]
"""How far a letter is; *failed* was given up."""

SCHEDULE, COMMAND = "schedule:", "orc "
"""How subjects that are no nodes begin."""

OWNER = "owner"
"""The word under ``to`` for whoever owns the node."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which nodes, targets and owners a rule is about; empty is all. ``select`` are words of the selection grammar."""

    tags: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    select: tuple[str, ...] = ()

    @property
    def of_nodes(self) -> bool:
        """Whether it asks for anything that only nodes have."""
        return bool(self.tags or self.owners or self.select)


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of ``alerts:``. ``to`` are addresses as written: what they hold of secrets is looked up when they are used.

    ``repeat`` are seconds until an open incident is told again, ``None`` for never. ``quiet`` is a stretch of the day, by the clocks
    of ``zone``, in which letters wait.
    """

    name: str
    on: frozenset[str]
    to: tuple[str, ...]
    where: Where = Where()
    group_by: Literal["run", "node"] = "run"
    repeat: float | None = None
    resolve: bool = True
    quiet: tuple[time, time] | None = None
    zone: str = "UTC"

    @property
    def opening(self) -> frozenset[str]:
        """The kinds whose incidents it follows. One that only hears of recoveries follows all."""
        found = self.on & ASPECTS.keys()
        return found if found or "recovered" not in self.on else frozenset(ASPECTS)

    @property
    def closing(self) -> bool:
        """Whether it hears of recoveries."""
        return self.resolve or "recovered" in self.on


@dataclass(frozen=True, slots=True)
class Alerts:
    """What ``alerts.yml`` says. ``owners`` are addresses by name; ``base_url`` is where the site or `orc serve` is found by a browser.

    ``heartbeat_url`` is asked for each minute by the scheduler that leads.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    heartbeat_url: str | None = None

    def __bool__(self) -> bool:
        return bool(self.rules)


@dataclass(frozen=True, slots=True)
class About:
    """What a rule may ask of a node, and what a letter says of it. ``compiled`` is the file of its query, ``parents`` are ids.

    ``alerts`` are names of rules that hear of its failure whatever they listen to, ``*`` for all.
    """

    name: str
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    path: str = ""
    compiled: str = ""
    parents: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something a rule may listen to. ``subject`` is a node's id, ``schedule:<name>``, or the command of a run.

    ``kinds`` are all that it is, ``what`` says it in a sentence; ``error`` and ``place`` are the author's. ``reached`` are names of
    nodes that were skipped because of it. ``target`` is empty where it is not known.
    ``log`` are the last lines that tell of it, ``commands`` what to type next, ``facts`` more for programs.
    """

    kinds: frozenset[str]
    subject: str
    name: str
    at: datetime
    what: str
    target: str = ""
    run: str = ""
    error: str = ""
    place: str = ""
    compiled: str = ""
    owners: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    causes: tuple[Happening, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def key(self, kinds: frozenset[str]) -> tuple[str, str, str]:
        """Target, subject and aspect of the incident that it is to a listener to ``kinds``. Only nodes are told apart by target."""
        aspect = next((ASPECTS[k] for k in KINDS if k in self.kinds & kinds and k in ASPECTS), "")
        return "" if self.subject.startswith((SCHEDULE, COMMAND)) else self.target, self.subject, aspect


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as people read it (``title``, ``body``) and as programs do (``data``, JSON's values)."""

    kind: str
    title: str
    body: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """What a rule is to be told, if it was not told before. ``write`` makes the letter of the happenings that are news.

    With ``opens`` those are the ones whose incident is not open yet; all are given to ``write`` when one of them is. With ``closes`` they
    are the ones whose incident is open. ``addresses`` says where a letter of some happenings goes.
    """

    rule: str
    mood: Mood
    happenings: tuple[Happening, ...]
    write: Callable[[Sequence[Happening]], Letter]
    addresses: Callable[[Sequence[Happening]], tuple[str, ...]]
    kinds: frozenset[str] = frozenset()
    not_before: Callable[[datetime], datetime] = lambda at: at
    told: bool = True


@dataclass(frozen=True, slots=True)
class Sealed:
    """A letter in the outbox. ``address`` names the place: ``to 0`` is a rule's first, ``owner finance``, ``exposure <id>``.

    ``id`` is what a receiver knows a repetition by.
    """

    id: str
    rule: str
    address: str
    letter: Letter
    made: datetime
    due: datetime
    status: Status = "waiting"
    tries: int = 0
    error: str = ""
    sent: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that is not well, as a rule was told of it. ``closed`` is when it was well again."""

    rule: str
    target: str
    subject: str
    aspect: str
    opened: datetime
    told: datetime
    closed: datetime | None = None
    run: str = ""
