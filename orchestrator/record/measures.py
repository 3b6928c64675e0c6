"""What runs add up to: counts of runs, attempts and tests, and how each node went last. What was forgotten is still counted."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.core.ports import Link
from orchestrator.record.database import Place, reading, transaction

BUCKETS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10_800.0, 43_200.0)
"""Upper bounds, in seconds, by which runs are sorted by how long they took."""

TOGETHER = 500
"""Runs that are counted with one question."""

Key = tuple[str, ...]
Counts = Counter[Key]

RUNS = "select trigger, status, seconds from runs where status <> 'running' and id in ({these})"
ATTEMPTS = "select node, status, coalesce(cause, '') as cause, count(*) as n from attempts where run in ({these}) group by 1, 2, 3"
TESTS = "select status, count(*) as n from results where kind in ('test', 'unit_test') and run in ({these}) group by 1"
NEWEST = """
select target, node, rows, seconds from (
  select u.target, x.node, x.rows, x.seconds, row_number() over (partition by u.target, x.node order by x.finished desc) as newness
  from results x join runs u on u.id = x.run
  where x.run in ({these}) and x.kind not in ('test', 'unit_test', 'operation') and x.status in ('passed', 'warned')
) r
where newness = 1
"""
OVER = "select id from runs where status <> 'running' order by started, id"
GOOD = "select schedule, max(finished) as at from launches where status = 'passed' group by 1"
DECIDED = """
select t.schedule, t.at, t.decided from ticks t
join (select schedule, max(at) as at from ticks where status = 'fired' group by 1) n on n.schedule = t.schedule and n.at = t.at
"""
ALERTS = "select status, count(*) as n from outbox group by 1"
LOOKS = """
select p.target, p.source, p.data_time from probes p
where p.data_time is not null and p.at = (select max(n.at) from probes n where n.target = p.target and n.source = p.source)
"""


@dataclass(frozen=True, slots=True)
class Last:
    """How the last good build of a node went."""

    rows: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything at one moment. ``counts`` are by name and labels: ``("runs", kind, name, status)``, ``("seconds", name, bucket)``,
    ``("seconds_sum", name)``, ``("attempts", node, status, cause)``, ``("tests", status)``. ``nodes`` are by target and id.

    ``good`` is when the last run of each schedule passed, ``delays`` how many seconds late its newest tick was fired, ``data`` up to when
    the data of each source (by target and id) was when somebody looked. ``alerts`` are letters by status.
    """

    counts: Counts = field(default_factory=Counter)
    nodes: dict[tuple[str, str], Last] = field(default_factory=dict)
    good: dict[str, datetime] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    data: dict[tuple[str, str], datetime] = field(default_factory=dict)
    alerts: dict[str, int] = field(default_factory=dict)


class Measures:
    """Counts the runs that are over, each once: the first question counts them all, later ones what ended since."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._one = threading.Lock()
        self._counts: Counts = Counter()
        self._nodes: dict[tuple[str, str], Last] = {}
        self._seen: set[str] | None = None

    def __call__(self) -> Measured:
        """What is known now; nothing, where there is no state yet.

        Raises:
            StoreError: the state database refuses.
        """
        with self._one, self._reading() as link:
            if link is None:
                return Measured()
            self._count(link)
            good = {row["schedule"]: datetime.fromisoformat(row["at"]) for row in link.execute(GOOD) if row["at"]}
            delays = {
                row["schedule"]: max((datetime.fromisoformat(row["decided"]) - datetime.fromisoformat(row["at"])).total_seconds(), 0.0)
                for row in link.execute(DECIDED)
            }
            data = {(row["target"], row["source"]): datetime.fromisoformat(row["data_time"]) for row in link.execute(LOOKS)}
            alerts = {row["status"]: row["n"] for row in link.execute(ALERTS)}
            return Measured(self._counts.copy(), dict(self._nodes), good, delays, data, alerts)

    def _count(self, link: Link) -> None:
        if self._seen is None:
            for row in link.execute("select key, value from tallies"):
                self._counts[tuple(json.loads(row["key"]))] += row["value"]
        seen = self._seen or set()
        over = [row["id"] for row in link.execute(OVER)]
        new = [id_ for id_ in over if id_ not in seen]
        for first in range(0, len(new), TOGETHER):
            some = new[first : first + TOGETHER]
            these = ", ".join("?" for _ in some)
            self._counts.update(counted(link, these, some))
            for row in link.execute(NEWEST.format(these=these), some):
                self._nodes[(row["target"], row["node"])] = Last(row["rows"], row["seconds"])
        self._seen = set(over)

    @contextmanager
    def _reading(self) -> Iterator[Link | None]:
        """One moment for all questions: a run that is being forgotten is counted once."""
        with reading(self._place) as link:
            if link is None:
                yield None
                return
            with transaction(link, self._place) as open_:
                yield open_


def counted(link: Link, these: str, parameters: Sequence[Any]) -> Counts:
    """What some runs add up to: ``these`` is SQL that gives their ids. Runs that are not over count nothing."""
    found: Counts = Counter()
    for row in link.execute(RUNS.format(these=these), parameters):
        kind, _, name = row["trigger"].partition(":")
        found[("runs", kind, name, row["status"])] += 1
        if row["seconds"] is not None:
            found[("seconds", name, bucket(row["seconds"]))] += 1
            found[("seconds_sum", name)] += row["seconds"]
    for row in link.execute(ATTEMPTS.format(these=these), parameters):
        found[("attempts", row["node"], row["status"], row["cause"])] += row["n"]
    for row in link.execute(TESTS.format(these=these), parameters):
        found[("tests", row["status"])] += row["n"]
    return found


def bucket(seconds: float) -> str:
    """The bucket of a run that took so long, by its upper bound.

    >>> bucket(1), bucket(61.5), bucket(1e6)
    ('1', '300', '+Inf')
    """
    return next((f"{bound:g}" for bound in BUCKETS if seconds <= bound), "+Inf")


def tally(link: Link, these: str, parameters: Sequence[Any]) -> None:
    """Keep the counts of runs that are about to be forgotten. For a transaction of the caller's."""
    rows = [(json.dumps(key), value) for key, value in counted(link, these, parameters).items()]
    link.executemany(
        "insert into tallies (key, value) values (?, ?) on conflict (key) do update set value = tallies.value + excluded.value", rows
    )
