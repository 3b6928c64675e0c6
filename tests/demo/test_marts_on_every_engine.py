"""The demo says the same wherever it is built: to the last digit, in every row of every mart."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.project import Target
from orchestrator.testing import postgres
from orchestrator.testing.fixtures import postgres_url, worker
from tests.demo.conftest import copy_project, orc_in

__all__ = ["postgres_url", "worker"]

SHOWN = 5
"""Rows that differ, of each side, in a message."""


@dataclass(frozen=True)
class Marts:
    """What a build published: rows as text, sorted, by the mart's name."""

    rows: dict[str, list[str]]

    def hash(self, mart: str) -> str:
        return hashlib.sha256("\n".join(self.rows[mart]).encode()).hexdigest()


def canonical(value: object) -> str:
    """A value as text, the same from every driver: numbers without trailing zeros, moments in UTC.

    >>> canonical(1.50), canonical(Decimal("1.500")), canonical(Decimal("100")), canonical(3), canonical(-0.0), canonical(None), canonical("a")
    ('1.5', '1.5', '100', '3', '0', 'null', "'a'")
    """
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            number = Decimal(repr(value) if isinstance(value, float) else value)
            return format(number.normalize(), "f") if number else "0"
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case str():
            return repr(value)
        case _:
            raise AssertionError(f"a mart holds a {type(value).__name__}")


def line(columns: Sequence[str], row: Sequence[object]) -> str:
    return ", ".join(f"{name}={canonical(value)}" for name, value in zip(columns, row, strict=True))


def duckdb_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"type": "duckdb", "path": "warehouse.duckdb", "schema": "main"}


def postgres_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {**postgres.settings(str(request.getfixturevalue("postgres_url"))), "schema": "nyc"}


ENGINES: dict[str, Callable[[pytest.FixtureRequest], dict[str, Any]]] = {"duckdb": duckdb_settings, "postgres": postgres_settings}
"""Each engine's output in ``profiles.yml``; another one joins by a row."""

REFERENCE = "duckdb"


@pytest.fixture(scope="module")
def reference(demo: Path) -> Marts:
    """The demo as everybody builds it first."""
    return published(demo, {"type": "duckdb", "path": "warehouse.duckdb", "schema": "main"})


@pytest.fixture(scope="module", params=sorted(ENGINES.keys() - {REFERENCE}))
def marts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Marts:
    """The demo built on another engine."""
    engine: str = request.param
    project = tmp_path_factory.mktemp(engine) / "demo"
    project.mkdir()
    copy_project(project)
    output = ENGINES[engine](request)
    profile = {"nyc_flights": {"target": "dev", "outputs": {"dev": {**output, "threads": 2}}}}
    (project / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")
    done: subprocess.CompletedProcess[str] = orc_in(project)("build")
    assert done.returncode == 0, done.stdout + done.stderr
    return published(project, output)


def published(project: Path, output: dict[str, Any]) -> Marts:
    """All that is in the folder `marts`, as a session of its own reads it."""
    manifest = json.loads((project / "target" / "manifest.json").read_text(encoding="utf-8"))
    names = {
        node["name"]: node["relation_name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["path"].startswith("marts/")
    }
    warehouse = registry.warehouse(Target("nyc_flights", "dev", output["type"], None, output["schema"], 1, output), str(project))
    session = warehouse.connect()
    try:
        answers = {name: session.execute(f"select * from {relation}") for name, relation in names.items()}
    finally:
        session.close()
        warehouse.close()
    return Marts({name: sorted(line(answer.columns, row) for row in answer.rows) for name, answer in answers.items()})


def test_all_marts_are_compared(reference: Marts, marts: Marts) -> None:
    files = {path.stem for path in Path(__file__).parents[2].joinpath("models/marts").glob("*.sql")}
    assert reference.rows.keys() == marts.rows.keys() == files
    assert all(reference.rows.values())


@pytest.mark.parametrize("mart", sorted(path.stem for path in Path(__file__).parents[2].joinpath("models/marts").glob("*.sql")))
def test_a_mart_is_the_same_to_the_last_digit(reference: Marts, marts: Marts, mart: str) -> None:
    if reference.hash(mart) != marts.hash(mart):
        pytest.fail(difference(mart, reference.rows[mart], marts.rows[mart]), pytrace=False)


def difference(mart: str, ours: Sequence[str], theirs: Sequence[str]) -> str:
    """The first rows that only one side has."""
    told = [f"`{mart}` differs from what {REFERENCE} built ({len(ours)} and {len(theirs)} rows)"]
    for sign, these, those in (("-", ours, set(theirs)), ("+", theirs, set(ours))):
        only = [row for row in these if row not in those]
        told += [f"{sign} {row}" for row in only[:SHOWN]]
        told += [f"{sign} … and {len(only) - SHOWN} more"] if len(only) > SHOWN else []
    return "\n".join(told)
