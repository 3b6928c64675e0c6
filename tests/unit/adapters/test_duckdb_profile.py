from __future__ import annotations

from typing import Any

import pytest

from orchestrator.adapters.duckdb.profile import Attachment, database_name, profile
from orchestrator.core.errors import ConfigError, ProfileError
from orchestrator.core.project import Secret, Target


def made(database: str | None = None, **settings: Any) -> Any:
    return profile(Target("shop", "dev", "duckdb", database, "analytics", 4, settings), "/project")


def refused(**settings: Any) -> list[tuple[str, str, str | None]]:
    with pytest.raises(ProfileError) as caught:
        made(**settings)
    assert isinstance(caught.value, ConfigError)
    return [(p.code, p.message, p.hint) for p in caught.value.problems]


def test_paths_start_at_the_project() -> None:
    assert made(path="data/../shop.duckdb").path == "/project/shop.duckdb"
    assert made(path="/abs/shop.duckdb").path == "/abs/shop.duckdb"
    assert made().path == ":memory:"
    assert made(path="md:shop").path == "md:shop"
    assert not made(path="md:shop").is_file


def test_keys_people_already_have_are_understood() -> None:
    found = made(
        type="duckdb",
        schema="analytics",
        threads=4,
        path=Secret("shop.duckdb"),
        database=None,
        read_only=True,
        lock_timeout=2,
        settings={"memory_limit": "1GB"},
        config_options={"allow_unsigned_extensions": True},
        extensions=["httpfs", {"name": "h3", "repo": "community"}],
        attach=[
            "other.db",
            {"path": "x.sqlite", "type": "sqlite", "alias": "lite", "read_only": True},
            {"path": "host=a", "type": "postgres"},
        ],
        secrets=[{"type": "s3", "key_id": Secret("k")}],
        keep_open=True,
        retries={"connect_attempts": 2},
    )
    assert (found.path, found.database, found.schema, found.read_only) == ("/project/shop.duckdb", "shop", "analytics", True)
    assert (found.lock_timeout, found.threads) == (2.0, 4)
    assert found.extensions == (("httpfs", None), ("h3", "community"))
    assert found.attach == (
        Attachment("/project/other.db"),
        Attachment("/project/x.sqlite", "lite", {"type": "sqlite", "read_only": True}),
        Attachment("host=a", None, {"type": "postgres"}),
    )


def test_all_mistakes_are_told_at_once() -> None:
    found = refused(pathh="x", settings=["a"], extensions=[1], attach=[{"alias": "a"}], secrets=["s"], plugins=[], lock_timeout="long")
    assert [code for code, _, _ in found] == ["C402", "C403", "C403", "C403", "C403", "C402", "C403"]
    assert found[0][1:] == ("profile `shop`, target `dev`: `pathh` is not a key of a DuckDB profile", "did you mean `path`?")
    assert "must be a mapping, not a list" in found[1][1]


def test_a_secret_is_not_shown_in_a_complaint() -> None:
    assert "hunter2" not in str(refused(threads=Secret("hunter2")))


def test_a_database_must_be_one_that_is_there() -> None:
    assert refused(path="shop.duckdb", database="other")[0][0] == "C404"
    assert made(path="shop.duckdb", database="SHOP").database == "SHOP"
    assert made("lake", path="shop.duckdb", attach=[{"path": "l.db", "alias": "lake"}]).database == "lake"


@pytest.mark.parametrize(
    "name", ["x.y.duckdb", "plain", "temp.duckdb", "system.db", ".hidden", "É.duckdb", "main.duckdb", 'a"b.db', "sp ace .db", "a..b"]
)
def test_the_database_has_the_name_that_duckdb_gives_it(name: str, tmp_path: Any) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / name)) as database:
        assert database.execute("select current_database()").fetchall() == [(database_name(str(tmp_path / name)),)]
