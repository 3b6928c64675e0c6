from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core import marker
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import OrcError, Problem
from orchestrator.core.names import Relation
from orchestrator.core.ports import Answer
from orchestrator.core.project import Secret, Settings, Target
from orchestrator.render.library import builtin
from orchestrator.render.macros import library
from orchestrator.render.recorder import Recorder
from orchestrator.render.scope import Facts, Live
from orchestrator.render.templates import Templates

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CANARY = "canary-7f3a"


class FakeConnection:
    """Answers every query with two rows and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def execute(self, sql: str) -> Answer:
        self.asked.append(sql)
        if "information_schema.tables" in sql:
            return Answer((("BASE TABLE",),) if "'orders'" in sql else (), ("table_type",))
        return Answer(((1, "a"), (2, "b")), ("Id", "Name"))

    def columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        return (("Id", "INTEGER"), ("Name", "VARCHAR")) if relation.name == "orders" else ()


@dataclass
class Bench:
    """A project of macros around one template."""

    macros: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Any] = field(default_factory=dict)
    docs: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    dispatch: tuple[Mapping[str, Any], ...] = ()
    engine: str = "duckdb"
    ours: bool = False
    said: list[tuple[str, str]] = field(default_factory=list)
    connection: FakeConnection = field(default_factory=FakeConnection)
    path: str = "models/m.sql"

    @property
    def declaration(self) -> Declaration:
        return Declaration("model", "m", "shop", self.path, ("shop", "m"), self.config)

    def templates(self, text: str = "") -> Templates:
        builtins = builtin() if self.ours else ()
        found, problems = library(self.macros.items(), "shop", builtins)
        assert not problems
        target = Target("p", "dev", self.engine, "wh", "main", 4, {"path": "w.duckdb", "password": Secret(CANARY)})
        facts = Facts(
            settings=Settings("shop", dispatch=self.dispatch),
            target=target,
            dialect=registry.dialect("duckdb"),
            vars=self.variables,
            env={"DBT_ENV_SECRET_TOKEN": CANARY, "ORC_SECRET_TOKEN": CANARY, **self.env},
            invocation="0b5e",
            started=STARTED,
            flags=self.flags,
            docs=self.docs,
            notice=lambda level, message: self.said.append((level, message)),
        )
        files = {**self.macros, self.path: text}
        return Templates(facts, found, lambda path: files.get(path, ""))

    def live(self, **extra: Any) -> Live:
        return Live(self.connection, lambda payload: Relation("wh", "main", payload.split(":")[-1] or payload.split(":")[2]), extra=extra)  # type: ignore[arg-type]

    def render(self, text: str, *, live: bool = False, incremental: bool = False, **extra: Any) -> tuple[str, Recorder]:
        return self.templates(text).render(self.declaration, text, incremental=incremental, live=self.live(**extra) if live else None)

    def text(self, text: str, *, live: bool = False, **extra: Any) -> str:
        return self.render(text, live=live, **extra)[0]

    def problem(self, text: str, *, live: bool = False) -> Problem:
        with pytest.raises(OrcError) as caught:
            self.render(text, live=live)
        return caught.value.first


@pytest.fixture
def bench() -> Callable[..., Bench]:
    return Bench


def ref(name: str, package: str = "") -> str:
    return marker.write(marker.ref(name, package), name, '"')
