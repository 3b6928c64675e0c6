"""What the suite must be told about each engine: where it is, and the few expectations that are facts of the engine."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

USERS = ("dbt_test_user_1", "dbt_test_user_2", "dbt_test_user_3")
"""Roles that the grants tests give privileges to."""

DUCKDB_TYPES = [
    # as selected, as declared in YAML, as a mismatch names it
    ["1", "int", "INT"],
    ["'1'", "varchar", "VARCHAR"],
    ["true", "bool", "BOOL"],
    ["timestamp '2013-11-03 00:00:00'", "timestamp", "TIMESTAMP"],
    ["timestamptz '2013-11-03 00:00:00+00'", "timestamptz", "TIMESTAMP WITH TIME ZONE"],
    ["['a', 'b']", "varchar[]", "VARCHAR[]"],
    ["[1, 2]", "integer[]", "INTEGER[]"],
    ["1::numeric", "numeric", "DECIMAL"],
    ["""'{"a": 7.5}'::json""", "json", "JSON"],
]
POSTGRES_TYPES = [
    ["1", "integer", "integer"],
    ["'1'", "text", "text"],
    ["true", "bool", "boolean"],
    ["'2013-11-03 00:00:00-07'::timestamptz", "timestamptz", "timestamp with time zone"],
    ["'2013-11-03 00:00:00-07'::timestamp", "timestamp", "timestamp without time zone"],
    ["ARRAY['a','b','c']", "text[]", "text[]"],
    ["ARRAY[1,2,3]", "int[]", "integer[]"],
    ["'1'::numeric", "numeric", "numeric"],
    ["""'{"bar": "baz", "balance": 7.77, "active": false}'::json""", "json", "json"],
]
"""The suite's own columns and declarations; a mismatch names types as the server does, where dbt's driver has names of its own."""

DUCKDB_UNIT_TYPES = [
    # as selected, as written in a fixture
    ["1", "1"],
    ["2.5", "2.5"],
    ["'12345'", "12345"],
    ["'word'", "word"],
    ["true", "true"],
    ["date '2020-01-02'", "2020-01-02"],
    ["timestamp '2013-11-03 00:00:00'", "2013-11-03 00:00:00"],
    ["timestamptz '2013-11-03 00:00:00+00'", "2013-11-03 00:00:00+00"],
    ["{'a': 'b'}", "\"{'a': 'b'}\""],
    ["['a', 'b']", "\"['a', 'b']\""],
    ["[1, 2]", "'[1, 2]'"],
]


def output(engine: str, folder: Any) -> dict[str, Any]:
    """The profile's output to build in: the session's server, or a file of one's own."""
    if engine == "duckdb":
        return {"type": "duckdb", "path": str(folder / "dbt.duckdb"), "threads": 4}
    url = urlsplit(os.environ["ORC_PEER_PG"])
    return {
        "type": "postgres",
        "threads": 4,
        "host": parse_qs(url.query)["host"][0],
        "port": 5432,
        "user": "root",
        "pass": "password",
        "dbname": "dbt",
    }


def prepare(engine: str) -> None:
    """Create the database, the owner and the roles that the suite expects to find."""
    for number, name in enumerate(USERS, 1):
        os.environ[f"DBT_TEST_USER_{number}"] = name
    if engine != "postgres":
        return
    import psycopg

    with psycopg.connect(os.environ["ORC_PEER_PG"], autocommit=True) as server:
        known = {r[0] for r in server.execute("select rolname from pg_roles")}
        for name in ({"root", *USERS}) - known:
            server.execute(f"create role {name} login {'superuser' if name == 'root' else ''} password 'password'")
        if not server.execute("select 1 from pg_database where datname = 'dbt'").fetchone():
            server.execute("create database dbt owner root")


def adapt(engine: str, tool: str) -> None:
    """Give the suite's classes the facts that it asks of an adapter, where its defaults are those of another."""
    constraints = _classes("constraints.test_constraints")
    _catalogs(engine, tool)
    if engine != "duckdb":
        for name in constraints if tool == "orc" else ():
            _say(constraints[name], "data_types", POSTGRES_TYPES, scope="function")
            _say(constraints[name], "string_type", "text", scope="function")
            _say(constraints[name], "int_type", "integer", scope="function")
        return
    for name in constraints:
        _say(constraints[name], "data_types", DUCKDB_TYPES, scope="function")
        _say(constraints[name], "string_type", "VARCHAR", scope="function")
        _say(constraints[name], "int_type", "INT", scope="function")
        _say(constraints[name], "expected_error_messages", ["NOT NULL constraint failed"])
    _say(_classes("unit_testing.test_types")["BaseUnitTestingTypes"], "data_types", DUCKDB_UNIT_TYPES, scope="function")


CATALOGS = {
    "duckdb": {"id_type": "INTEGER", "text_type": "VARCHAR", "time_type": "TIMESTAMP"},
    "postgres": {"id_type": "integer", "text_type": "text", "time_type": "timestamp without time zone"},
}
BIGINT = {"duckdb": "BIGINT", "postgres": "bigint"}


def _catalogs(engine: str, tool: str) -> None:
    """The catalog's types; and its statistics, which each adapter describes itself: there are none, which ours says in other words."""
    expected = import_module("dbt.tests.adapter.basic.expected_catalog")
    classes = _classes("basic.test_docs_generate")
    facts: dict[str, Any] = {**CATALOGS[engine], "view_type": "VIEW", "table_type": "BASE TABLE"}
    facts["model_stats"] = expected.no_stats() if tool == "dbt" else _statistics()

    def role(request: Any) -> Any:
        return None if engine == "duckdb" else request.getfixturevalue("profile_user")

    @pytest.fixture(scope="class")
    def plain(self: Any, project: Any, request: Any) -> Any:
        return expected.base_expected_catalog(project, role=role(request), **facts)

    @pytest.fixture(scope="class")
    def references(self: Any, project: Any, request: Any) -> Any:
        return expected.expected_references_catalog(project, role=role(request), bigint_type=BIGINT[engine], **facts)

    classes["BaseDocsGenerate"].expected_catalog = plain
    classes["BaseDocsGenReferences"].expected_catalog = references


def _statistics() -> dict[str, Any]:
    """What our catalog says of every relation: that there are no statistics, in our words."""
    said = {"id": "has_stats", "label": "Has Stats?", "value": False, "include": False, "description": "Whether there are statistics here"}
    return {"has_stats": said}


def _classes(module: str) -> dict[str, Any]:
    found = vars(import_module(f"dbt.tests.adapter.{module}"))
    return {name: c for name, c in found.items() if isinstance(c, type) and name.startswith("Base")}


def _say(owner: Any, fixture: str, value: Any, scope: Any = "class") -> None:
    """Replace a fixture of a class that has it by one that gives ``value``."""
    if fixture in vars(owner):

        @pytest.fixture(scope=scope)
        def given(self: Any) -> Any:
            return value

        setattr(owner, fixture, given)
