"""What a session of one target sees of another target's database."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.difference import Reach
from orchestrator.core.project import Target


def duckdb(name: str, path: str, **more: Any) -> Target:
    return Target("p", name, "duckdb", None, "main", 4, {"path": path, **more})


def postgres(name: str, **settings: Any) -> Target:
    return Target("p", name, "postgres", None, name, 4, {"host": "db", "dbname": "dw", "user": name, **settings})


def test_one_file_needs_nothing() -> None:
    assert registry.reach(duckdb("dev", "a.duckdb"), duckdb("prod", "./a.duckdb"), "/p") == Reach()


def test_another_file_is_attached_for_reading() -> None:
    found = registry.reach(duckdb("dev", "dev.duckdb"), duckdb("prod", "it's/prod.duckdb"), "/p")
    assert found == Reach(("attach if not exists '/p/it''s/prod.duckdb' as prod (read_only)",))


def test_a_file_of_the_same_name_gets_another() -> None:
    found = registry.reach(duckdb("dev", "dev/shop.duckdb"), duckdb("prod", "prod/shop.duckdb"), "/p")
    assert found == Reach(("attach if not exists '/p/prod/shop.duckdb' as shop__orc_other (read_only)",), (("shop", "shop__orc_other"),))


def test_a_file_that_is_attached_already_is_known_by_its_alias() -> None:
    here = duckdb("dev", "dev.duckdb", attach=[{"path": "prod.duckdb", "alias": "live"}])
    assert registry.reach(here, duckdb("prod", "prod.duckdb"), "/p") == Reach((), (("prod", "live"),))


@pytest.mark.parametrize(("one", "other"), [(":memory:", ":memory:"), ("dev.duckdb", ":memory:"), ("dev.duckdb", "md:prod")])
def test_memory_and_other_machines_are_out_of_sight(one: str, other: str) -> None:
    assert registry.reach(duckdb("dev", one), duckdb("prod", other), "/p") is None


def test_postgres_sees_its_own_database() -> None:
    assert registry.reach(postgres("dev"), postgres("prod", port=5432), "/p") == Reach()
    for other in (postgres("prod", dbname="other"), postgres("prod", host="else"), postgres("prod", port=5433)):
        assert registry.reach(postgres("dev"), other, "/p") is None


def test_engines_do_not_see_each_other() -> None:
    assert registry.reach(duckdb("dev", "dev.duckdb"), postgres("prod"), "/p") is None


def test_a_session_that_compares_reads_only_and_is_modest_unless_the_profile_says_how_much() -> None:
    plain = registry.comparing(duckdb("dev", "a.duckdb")).settings
    assert (plain["read_only"], plain["settings"]) == (True, {"memory_limit": "600MB"})
    for own in ({"settings": {"Memory_Limit": "4GB"}}, {"config_options": {"max_memory": "4GB"}}):
        assert registry.comparing(duckdb("dev", "a.duckdb", **own)).settings == {"path": "a.duckdb", "read_only": True, **own}
    assert registry.comparing(postgres("dev")) == postgres("dev")
