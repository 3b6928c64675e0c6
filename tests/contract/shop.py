"""A small project on any engine, and short ways to say what is in its tables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.project import Target
from tests.contract.project import Built, own_files

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


class Shop(Built):
    """A project folder whose profile leads to the engine under test."""

    def remove(self, path: str) -> Shop:
        (self.root / path).unlink()
        return self

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
    return Shop(root=folder, target=target, monkeypatch=monkeypatch, capture=capture).write(own_files(target))
