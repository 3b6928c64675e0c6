"""What the state database knows about the freshness of data: looks at sources, and tests that found a published version wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator.record.database import Place, reading
from orchestrator.record.probes import Probes

_NEWEST = "('passed', 'warned', 'failed', 'crashed')"

_FAILING = f"""
select r.node as node, r.run as run, r.finished as finished from results r join runs u on u.id = r.run
where u.target = ? and r.kind in ('test', 'unit_test') and r.status = 'failed' and r.finished = (
  select max(o.finished) from results o join runs v on v.id = o.run where o.node = r.node and v.target = u.target and o.status in {_NEWEST}
)
"""


@dataclass(frozen=True, slots=True)
class Failing:
    """A test whose newest verdict on a target is that it failed: when, and which nodes that run did not get published."""

    at: datetime
    unpublished: frozenset[str]


class Evidence:
    """What is known of a project's data besides the data; a state database that is not there yet knows nothing."""

    def __init__(self, path: Place) -> None:
        self._path = path
        self.probes = Probes(path)

    def failing(self, target: str) -> dict[str, Failing]:
        """The tests that failed when they were asked last, by id."""
        with reading(self._path) as connection:
            if connection is None:
                return {}
            found = connection.execute(_FAILING, (target,)).fetchall()
            bad: dict[str, frozenset[str]] = {}
            for run in {row["run"] for row in found}:
                asked = (
                    "select node from results where run = ? and kind not in ('test', 'unit_test') and status not in ('passed', 'reused')"
                )
                bad[run] = frozenset(row["node"] for row in connection.execute(asked, (run,)))
            return {row["node"]: Failing(datetime.fromisoformat(row["finished"]), bad[row["run"]]) for row in found}
