"""Pytest fixtures: engines to test against."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from orchestrator.testing.postgres import Unavailable, postgres


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, worker: str) -> Iterator[str]:
    """The URL of an empty database of this worker's own; all workers of a session share one server.

    Without a server the tests that want one are skipped; ``ORC_REQUIRE_PG=1`` makes that a failure.
    """
    import psycopg

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if worker != "main" else base
    try:
        url = postgres(shared / "postgres", os.environ)
    except Unavailable as reason:
        if os.environ.get("ORC_REQUIRE_PG") == "1":
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))
    name = re.sub(r"\W", "_", f"orc_test_{os.getpid()}_{worker}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create database {name} template template0".encode())
    parts = urlsplit(url)
    yield urlunsplit(parts._replace(path=f"/{name}"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this test process: ``gw0``, …, or ``main`` where there is one only."""
    given = getattr(request.config, "workerinput", None)
    return "main" if given is None else str(given["workerid"])
