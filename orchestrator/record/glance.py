"""Questions of those who watch: whether anything is new, how each node ended last, how many runs there were a day."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.core.event import NodeFinished
from orchestrator.core.files import digest
from orchestrator.core.ports import Link
from orchestrator.record import rows
from orchestrator.record.database import Place, database, explained

NEWEST = """
with recursive known(node) as (
  select min(node) from results
  union all
  select (select min(r.node) from results r where r.node > k.node) from known k where k.node is not null
)
select r.*, null as sql_text, null as inspect_text from known k join results r on r.node = k.node and r.finished = (
  select x.finished from results x join runs u on u.id = x.run
  where x.node = k.node and x.status not in ('reused', 'nothing') and (? is null or u.target = ?)
  order by x.finished desc limit 1
)
"""
"""Steps from node to node along the index: a year of runs costs no more than a day."""

STRIP = """
select r.*, null as sql_text, null as inspect_text, u.trigger as run_trigger from results r join runs u on u.id = r.run
where r.node = ? and (? is null or u.target = ?) order by r.finished desc limit ?
"""
DAYS = "select substr(started, 1, 10) as day, status, count(*) as n from runs where started >= ? group by 1, 2 order by 1"
MARKS = (
    "select id, status, finished from runs order by started desc limit 100",
    "select id, status, stopping, late, attempt, not_before from launches order by queued desc limit 100",
    "select name, timing, seen, paused, removed from schedules order by name",
    "select name, host, pid, fence from leaders",
    "select count(*), count(closed), max(told) from incidents",
    "select status, count(*), max(number) from outbox group by status order by status",
    "select max(seq) from audit",
    (
        "select e.run, max(e.number) from (select id from runs where status = 'running' and started >= ?) r join events e on e.run = r.id"
        " group by e.run order by e.run"
    ),
)
"""What decides whether anything is new: the newest runs and launches, and how far each run under way has come."""


@dataclass(frozen=True, slots=True)
class Past:
    """A result with the run it is of, and what began that run."""

    run: str
    trigger: str
    result: NodeFinished


class Glance:
    """Reads a state database without ever waiting for who writes to it, or making one that is not there."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._one = threading.Lock()
        self._link: Link | None = None

    def close(self) -> None:
        """Let go of the file."""
        with self._one:
            self._drop()

    def mark(self, since: datetime) -> str:
        """A text that differs from the one before when a page may show something else; runs from before ``since`` count as over."""
        asked = [self._ask(question, (rows.instant(since),) if "?" in question else ()) for question in MARKS]
        return digest(repr([[tuple(row[i] for i in range(len(row))) for row in found] for found in asked]).encode())

    def newest(self, target: str | None = None) -> dict[str, Past]:
        """How each node and test ended last (on a target), by id; results that built nothing do not count."""
        return {row["node"]: Past(row["run"], "", rows.result(row)) for row in self._ask(NEWEST, (target, target))}

    def strip(self, node: str, limit: int, target: str | None = None) -> tuple[Past, ...]:
        """A node's newest results, newest first."""
        return tuple(Past(row["run"], row["run_trigger"], rows.result(row)) for row in self._ask(STRIP, (node, target, target, limit)))

    def days(self, since: datetime) -> dict[str, dict[str, int]]:
        """How many runs began on each day (in UTC), by status."""
        found: dict[str, dict[str, int]] = {}
        for row in self._ask(DAYS, (rows.instant(since),)):
            found.setdefault(row["day"], {})[row["status"]] = row["n"]
        return found

    def facts(self) -> Mapping[str, Any]:
        """How much there is."""
        runs = self._ask("select count(*) as n, min(started) as first from runs")
        return {"runs": runs[0]["n"] if runs else 0, "first": runs[0]["first"] if runs else None}

    def _ask(self, question: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        with self._reading() as link:
            return [] if link is None else list(link.execute(question, parameters).fetchall())

    @contextmanager
    def _reading(self) -> Iterator[Link | None]:
        """The one connection, kept: a page that asks twice a second opens nothing. Whatever goes wrong, the next question opens it anew."""
        with self._one, explained(self._place):
            if self._link is None:
                try:
                    self._link = database(self._place, create=False)
                except FileNotFoundError:
                    yield None
                    return
            try:
                yield self._link
            except BaseException:
                self._drop()
                raise

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
