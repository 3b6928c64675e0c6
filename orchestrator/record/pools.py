"""Pools in the state database: how wide they are, and which nodes of which runs have a place in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.core.pool import Pool, crowded, wide
from orchestrator.core.ports import Clock, Link
from orchestrator.record.database import Place
from orchestrator.record.process import alive, birth
from orchestrator.record.writing import Writing

BEAT = 20.0
"""Seconds between two signs of life of a run that has places."""

SILENCE = timedelta(seconds=120)
"""After so long without one a run on another host has its places no more."""


class Pools(Writing):
    """The pools of a project, for one run. ``declared`` are the widths that the project says; one that nobody says is 1 wide.

    A place is taken in one transaction: however many runs try, there are never more than the pool is wide. A run that died has none.
    """

    def __init__(self, place: Place, clock: Clock, declared: Mapping[str, int], *, run: str, pid: int, host: str) -> None:
        super().__init__(place)
        self._clock = clock
        self._declared = declared
        self._run = run
        self._pid = pid
        self._host = host
        self._held: set[tuple[str, str]] = set()
        self._beaten = clock.monotonic()

    def take(self, pool: str, node: str) -> bool:
        """Take a place for a node; false when there is none."""
        now = self._clock.now()
        with self._writing() as connection:
            self._bury(connection, now)
            if (pool, node) in self._held:
                return True
            taken = int(connection.execute("select count(*) from places where pool = ?", (pool,)).fetchone()[0])
            if taken >= wide(self._declared.get(pool, 1), read(connection).get(pool), now):
                return False
            mine = (pool, self._run, node, self._host, self._pid, birth(self._pid), _text(now), _text(now))
            connection.execute("insert into places values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing", mine)
        self._held.add((pool, node))
        return True

    def leave(self, pool: str, node: str) -> None:
        """Give a place back."""
        if (pool, node) in self._held:
            self._held.discard((pool, node))
            with self._writing() as connection:
                connection.execute("delete from places where pool = ? and run = ? and node = ?", (pool, self._run, node))

    def crowded(self, pool: str) -> int:
        """The engine refused for want of room: make the pool narrower for a while; returns its width now. What runs, goes on."""
        now, declared = self._clock.now(), self._declared.get(pool, 1)
        with self._writing() as connection:
            after = crowded(declared, read(connection).get(pool), pool, now)
            connection.execute(
                "insert into pools (name, width, by, at, lowered, tried) values (?, null, '', ?, ?, ?)"
                " on conflict (name) do update set lowered = excluded.lowered, tried = excluded.tried",
                (pool, _text(now), after.lowered, _text(after.tried or now)),
            )
        return wide(declared, after, now)

    def beat(self) -> None:
        """Say that the run lives, every now and then."""
        if self._held and self._clock.monotonic() - self._beaten >= BEAT:
            self._beaten = self._clock.monotonic()
            with self._writing() as connection:
                connection.execute("update places set beat = ? where run = ?", (_text(self._clock.now()), self._run))

    def close(self) -> None:
        """Give everything back."""
        if self._held:
            self._held.clear()
            with self._writing() as connection:
                connection.execute("delete from places where run = ?", (self._run,))
        super().close()

    def _bury(self, connection: Link, now: datetime) -> None:
        """The dead have no places."""
        for row in connection.execute("select distinct run, host, pid, born, beat from places").fetchall():
            here = row["host"] == self._host
            if (here and not alive(row["pid"], row["born"])) or (not here and datetime.fromisoformat(row["beat"]) < now - SILENCE):
                connection.execute("delete from places where run = ?", (row["run"],))


def read(connection: Link) -> dict[str, Pool]:
    """What is known of pools, by name; for a transaction of the caller's."""

    def at(text: str | None) -> datetime | None:
        return None if text is None else datetime.fromisoformat(text)

    rows: Any = connection.execute("select name, width, by, at, lowered, tried from pools").fetchall()
    return {r["name"]: Pool(r["name"], r["width"], r["by"], at(r["at"]), r["lowered"], at(r["tried"])) for r in rows}


def taken(connection: Link) -> dict[str, int]:
    """How many nodes have a place in each pool; for a transaction of the caller's."""
    return {row[0]: int(row[1]) for row in connection.execute("select pool, count(*) from places group by pool").fetchall()}


def widen(connection: Link, name: str, width: int | None, by: str, now: datetime) -> None:
    """Set how wide a pool is, or leave it to the project's files again; either way what the engine refused is forgotten."""
    connection.execute(
        "insert into pools (name, width, by, at, lowered, tried) values (?, ?, ?, ?, null, null)"
        " on conflict (name) do update set width = excluded.width, by = excluded.by, at = excluded.at, lowered = null, tried = null",
        (name, width, by, _text(now)),
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
