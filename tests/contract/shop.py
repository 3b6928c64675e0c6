"""A small project on any engine, and short ways to say what is in its tables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.adapters import registry
from orchestrator.cli.main import call
from orchestrator.core.names import Relation
from orchestrator.core.project import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.core.ports import Connection, Warehouse

Row = tuple[Any, ...]


def rows_sql(rows: Sequence[Row], names: Sequence[str] = ("id", "v")) -> str:
    """A query that gives these rows, in words that every engine knows.

    >>> rows_sql([(1, "a"), (2, None)])
    "select 1 as id, 'a' as v union all select 2, nullif('', '')"
    """
    first, *rest = rows
    selected = ", ".join(f"{_literal(value)} as {name}" for value, name in zip(first, names, strict=True))
    return " union all ".join([f"select {selected}", *(f"select {', '.join(map(_literal, row))}" for row in rest)])


def _literal(value: object) -> str:
    if value is None:  # a text that is null: engines have no name in common for its type
        return "nullif('', '')"
    return f"'{value}'" if isinstance(value, str) else str(value)


@dataclass
class Shop:
    """A project folder whose profile leads to the engine under test."""

    root: Path
    target: Target
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    told: str = ""

    def write(self, files: Mapping[str, str]) -> Shop:
        for path, content in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        return self

    def remove(self, path: str) -> Shop:
        (self.root / path).unlink()
        return self

    def orc(self, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
        """Run a command that must end with ``code``; its results by the node's name. What it said is in ``told``."""
        with self.monkeypatch.context() as patch:
            for key in [k for k in os.environ if k.startswith(("ORC_", "DBT_"))]:
                patch.delenv(key)
            patch.setenv("HOME", str(self.root))
            patch.setenv("NO_COLOR", "1")
            self.capture.readouterr()
            ended = call([*words, "--project-dir", str(self.root)])
        said = self.capture.readouterr()
        self.told = said.out + said.err
        assert ended == code, self.told
        results = self.root / "target" / "run_results.json"
        found = json.loads(results.read_text(encoding="utf-8"))["results"] if results.exists() else []
        return {r["unique_id"].split(".")[3 if r["unique_id"].startswith("unit_test.") else 2]: r for r in found}

    @contextmanager
    def session(self) -> Iterator[tuple[Warehouse, Connection]]:
        """Somebody else's session, closed afterwards: an engine in a file admits one process at a time."""
        warehouse = registry.warehouse(self.target, str(self.root))
        connection = warehouse.connect()
        try:
            yield warehouse, connection
        finally:
            connection.close()
            warehouse.close()

    def relation(self, name: str) -> Relation:
        return Relation(registry.database(self.target, str(self.root)), self.target.schema, name)

    def rows(self, name: str, columns: str = "*") -> list[Row]:
        """A relation's rows as anybody sees them, sorted."""
        with self.session() as (warehouse, connection):
            shown = warehouse.dialect.relation(self.relation(name))
            return sorted(connection.execute(f"select {columns} from {shown}").rows, key=repr)

    def kinds(self) -> dict[str, str]:
        """What is in the schema: name → kind."""
        with self.session() as (warehouse, _):
            found = warehouse.snapshot([self.relation("x")]).relations.values()
        return {there.relation.name: there.kind for there in found if there.relation.schema == self.target.schema}

    def ledger(self) -> dict[str, str]:
        """The run that published each node last, by the node's name."""
        with self.session() as (warehouse, _):
            return {id_.split(".")[2]: p.run for id_, p in warehouse.snapshot([self.relation("x")]).ledger.items()}

    def columns(self, name: str) -> list[str]:
        with self.session() as (_, connection):
            return [column for column, _ in connection.columns(self.relation(name))]


def shop_of(root: Path, target: Target, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> Shop:
    """An empty project on ``target``."""
    folder = root / "shop"
    folder.mkdir()
    output = {**target.settings, "schema": target.schema, "threads": target.threads}
    profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
    own = {
        "profiles.yml": json.dumps(profile),
        "pyproject.toml": '[project]\nname = "shop"\n[tool.orchestrator]\nname = "shop"\nprofile = "shop"\n',
    }
    return Shop(folder, target, monkeypatch, capture).write(own)
