"""What was seen of sources, and when, in the state database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from orchestrator.core.freshness import Method, Probe
from orchestrator.record.database import Place, database, reading, transaction

_COLUMNS = "source, at, version, data_time, method, error"


class Probes:
    """Looks at sources, by target. Safe for several processes; a state that is not there yet has seen nothing."""

    def __init__(self, path: Place) -> None:
        self._path = path

    def add(self, target: str, probes: Iterable[Probe]) -> None:
        """Remember what was seen, all of it or nothing.

        Raises:
            StoreError: the state database refuses.
        """
        rows = [
            (target, p.source, _text(p.at), p.version, None if p.data_time is None else _text(p.data_time), p.method, p.error)
            for p in probes
        ]
        if not rows:
            return
        connection = database(self._path, create=True)
        try:
            with transaction(connection, self._path) as open_:
                open_.executemany(f"insert into probes (target, {_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing", rows)
        finally:
            connection.close()

    def latest(self, target: str) -> dict[str, Probe]:
        """The newest look at each source, by its id; one that failed is the newest, too."""
        newest = "select source, max(at) as at from probes where target = ? group by source"
        found = f"select {', '.join(f'p.{c.strip()}' for c in _COLUMNS.split(','))} from probes p join ({newest}) n"
        return {p.source: p for p in self._asked(f"{found} on p.source = n.source and p.at = n.at where p.target = ?", (target, target))}

    def past(self, target: str, source: str, limit: int = 100) -> tuple[Probe, ...]:
        """The newest looks at one source, newest first."""
        asked = f"select {_COLUMNS} from probes where target = ? and source = ? order by at desc limit ?"
        return tuple(self._asked(asked, (target, source, limit)))

    def _asked(self, sql: str, parameters: tuple[Any, ...]) -> list[Probe]:
        with reading(self._path) as connection:
            return [] if connection is None else [_probe(row) for row in connection.execute(sql, parameters).fetchall()]


def _probe(row: Any) -> Probe:
    at = row["data_time"]
    seen = (datetime.fromisoformat(row["at"]), row["version"], datetime.fromisoformat(at) if at else None)
    return Probe(row["source"], *seen, cast("Method", row["method"]), row["error"])


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
