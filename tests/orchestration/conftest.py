"""Acceptance checks of the orchestrator, each named by its number in the list of requirements."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from orchestrator.testing.fixtures import postgres_url, worker
from tests.orchestration.rides import rides
from tests.projects.conftest import project

__all__ = ["postgres_url", "project", "rides", "worker"]


@pytest.fixture
def own_postgres(postgres_url: str) -> Iterator[str]:
    """The URL of an empty database for one test."""
    import psycopg

    parts = urlsplit(postgres_url)
    name = f"{parts.path.removeprefix('/')}_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template template0".encode())
    yield urlunsplit(parts._replace(path=f"/{name}"))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())
