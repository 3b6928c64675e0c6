"""Pytest fixtures: engines to test against."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from orchestrator.testing.bigquery import Unavailable as NoGoogleSql
from orchestrator.testing.bigquery import bigquery
from orchestrator.testing.postgres import Unavailable, postgres

if TYPE_CHECKING:
    from orchestrator.testing.bigquery.server import Server


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
    name = re.sub(r"\W", "_", f"orc_test_{os.getpid()}_{worker}_{uuid4().hex[:8]}")  # several folders of tests may ask
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


@pytest.fixture(scope="session")
def bigquery_server() -> Iterator[Server]:
    """A BigQuery of this worker's own. ``server.url`` is the client's ``api_endpoint``.

    Without GoogleSQL the tests that want one are skipped; ``ORC_REQUIRE_BQ=1`` makes that a failure. The first start on a machine compiles
    for half a minute, one worker for all.
    """
    try:
        with bigquery(os.environ) as server:
            yield server
    except NoGoogleSql as reason:
        if os.environ.get("ORC_REQUIRE_BQ") == "1":
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


@pytest.fixture
def bigquery_fake(bigquery_server: Server) -> Server:
    """The same server, empty: no datasets, no jobs, no faults, an empty log."""
    bigquery_server.reset()
    return bigquery_server
