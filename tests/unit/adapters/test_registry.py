from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.adapters import registry
from orchestrator.adapters.ansi import AnsiDialect
from orchestrator.adapters.duckdb.connection import DuckDBConnection, DuckDBWarehouse
from orchestrator.adapters.postgres.connection import PostgresConnection, PostgresWarehouse
from orchestrator.core.errors import ConfigError
from orchestrator.core.ports import Connection, Dialect, Warehouse
from orchestrator.core.project import Target

HEAVY = ("duckdb", "sqlglot", "pyarrow", "pandas", "psycopg", "google")


def target(type_: str = "duckdb", **settings: object) -> Target:
    return Target("shop", "dev", type_, None, "main", 4, settings)


def typed(
    warehouse: DuckDBWarehouse | PostgresWarehouse, connection: DuckDBConnection | PostgresConnection, dialect: AnsiDialect
) -> tuple[Warehouse, Connection, Dialect]:
    """Never called: mypy checks here that each class is what its port asks for (the registry imports by name)."""
    return warehouse, connection, dialect


def test_what_to_say_needs_no_driver() -> None:
    code = (
        "import sys; from orchestrator.adapters import registry; registry.dialect('duckdb'); registry.dialect('postgres');"
        "from orchestrator.core.project import Target;"
        "registry.database(Target('p', 'dev', 'duckdb', None, 'main', 1, {}), '.');"
        "registry.database(Target('p', 'dev', 'postgres', None, 'main', 1, {}), '.');"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_warehouse_is_not_opened_before_it_is_needed(tmp_path: object) -> None:
    registry.warehouse(target(path="shop.duckdb"), str(tmp_path)).close()
    assert list(tmp_path.iterdir()) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "ask", [lambda t: registry.dialect(t.type), lambda t: registry.warehouse(t, "."), lambda t: registry.database(t, ".")]
)
def test_an_unknown_engine_is_refused_with_those_there_are(ask: object) -> None:
    with pytest.raises(ConfigError) as caught:
        ask(target("duckbd"))  # type: ignore[operator]
    assert caught.value.first.code == "C401"
    assert "installed: " in caught.value.first.message
    assert caught.value.first.hint == "did you mean `duckdb`?"


def test_an_engine_nothing_is_like_lists_all() -> None:
    with pytest.raises(ConfigError) as caught:
        registry.dialect("snowflake")
    assert "duckdb" in str(caught.value.first.hint)


def test_the_database_is_named_by_its_file() -> None:
    assert registry.database(target(path="a/b c.v1.db"), "/project") == "b c"
