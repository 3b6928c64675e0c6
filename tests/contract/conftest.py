"""The engines the contract is checked against; another one joins by a row in ``ENGINES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.names import Relation
from orchestrator.core.ports import Connection, Dialect, Warehouse
from orchestrator.core.project import Target
from orchestrator.core.snapshot import Existing, Published

SCHEMA = "Shop é"


@dataclass
class Engine:
    """A warehouse under test, and short ways to ask it things."""

    target: Target
    root: Path
    warehouse: Warehouse
    opened: list[Connection] = field(default_factory=list)

    @property
    def dialect(self) -> Dialect:
        return self.warehouse.dialect

    @property
    def database(self) -> str | None:
        return registry.database(self.target, str(self.root))

    def connect(self) -> Connection:
        session = self.warehouse.connect()
        self.opened.append(session)
        return session

    def relation(self, name: str) -> Relation:
        return Relation(self.database, self.target.schema, name)

    def rows(self, relation: Relation) -> list[tuple[Any, ...]]:
        """All rows as another session sees them, sorted."""
        return sorted(self.connect().execute(f"select * from {self.dialect.relation(relation)}").rows, key=str)

    def find(self, relation: Relation) -> Existing | None:
        return self.warehouse.snapshot([relation]).find(relation)

    def publish(self, session: Connection, relation: Relation, select: str, run: str) -> None:
        """The whole sequence: stage, check, swap, ledger, in one transaction."""
        for statement in self.publishing(relation, select, run):
            session.execute(statement)

    def publishing(self, relation: Relation, select: str, run: str, existing: Existing | None = None) -> list[str]:
        there = existing or self.find(relation)
        published = Published(f"model.shop.{relation.name}", str(relation), f"f-{run}", run, "2026-01-01T00:00:00Z", 3)
        stage = self.dialect.relation(relation.stage)
        return [
            "begin",
            self.dialect.create_table(relation.stage, select, {}),
            f"select count(*) from {stage}",
            *self.dialect.swap(relation.stage, relation, there),
            *self.dialect.ledger_write(published),
            "commit",
        ]


def duckdb_target(root: Path) -> Target:
    return Target("shop", "dev", "duckdb", None, SCHEMA, 4, {"type": "duckdb", "path": str(root / "shop.duckdb")})


ENGINES: dict[str, Callable[[Path], Target]] = {"duckdb": duckdb_target}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    target = ENGINES[request.param](tmp_path)
    warehouse = registry.warehouse(target, str(tmp_path))
    made = Engine(target, tmp_path, warehouse)
    session = made.connect()
    session.execute(made.dialect.create_schema(made.relation("x")))
    for statement in made.dialect.ledger_setup():
        session.execute(statement)
    yield made
    for opened in made.opened:
        opened.close()
    warehouse.close()
