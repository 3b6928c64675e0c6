"""What was seen of sources, wherever the state is kept: in a file or on a server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from orchestrator.adapters.postgres.state import SCHEMA, PostgresState
from orchestrator.core.freshness import Probe
from orchestrator.record.database import Place
from orchestrator.record.probes import Probes
from orchestrator.record.sqlite import Sqlite

AT = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
TRIPS, USERS = "source.rides.raw.trips", "source.rides.raw.users"


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.getfixturevalue("postgres_url") if request.param == "server" else ""
    yield PostgresState(url) if url else tmp_path / "state.db"
    if url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"drop schema if exists {SCHEMA} cascade".encode())


def seen(source: str, minutes: int, version: str | None = "v", error: str = "") -> Probe:
    at = AT + timedelta(minutes=minutes)
    return Probe(source, at, version, None if version is None else at - timedelta(hours=1), "field", error)


def test_the_newest_look_at_each_source_of_a_target(place: Place) -> None:
    probes = Probes(place)
    assert probes.latest("dev") == {}
    probes.add("dev", [seen(TRIPS, 0, "a"), seen(USERS, 0)])
    probes.add("dev", [seen(TRIPS, 5, None, "no such table")])
    probes.add("prod", [seen(TRIPS, 9, "p")])
    assert probes.latest("dev") == {TRIPS: seen(TRIPS, 5, None, "no such table"), USERS: seen(USERS, 0)}
    assert probes.past("dev", TRIPS) == (seen(TRIPS, 5, None, "no such table"), seen(TRIPS, 0, "a"))
    assert probes.past("dev", TRIPS, 1) == (seen(TRIPS, 5, None, "no such table"),)


def test_a_look_is_kept_as_it_was(place: Place) -> None:
    Probes(place).add("dev", [seen(TRIPS, 0, "a")])
    Probes(place).add("dev", [seen(TRIPS, 0, "b")])
    assert Probes(place).latest("dev")[TRIPS].version == "a"


def test_forgetting_leaves_the_last_look_at_each(place: Place) -> None:
    probes = Probes(place)
    probes.add("dev", [seen(TRIPS, 0, "a"), seen(TRIPS, 5, "b"), seen(USERS, 0)])
    history = Sqlite(place, pid=1, host="here")
    assert history.prune(AT + timedelta(days=1)) == 0
    assert [p.version for p in probes.past("dev", TRIPS)] == ["b"]
    assert list(probes.latest("dev")) == [TRIPS, USERS]
