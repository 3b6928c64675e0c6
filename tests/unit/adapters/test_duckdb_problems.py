"""Sentences DuckDB really says, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.adapters.duckdb.problems import characters, foreign, lost, refused
from orchestrator.core.errors import ExecuteError, Problem


def said(kind: str, message: str, **facts: Any) -> Exception:
    """An error as DuckDB raises it with ``errors_as_json``."""
    text = json.dumps({"exception_type": kind, "exception_message": message, **facts})
    class_: type[Exception] = type(f"{kind.replace(' ', '')}Exception", (Exception,), {})
    return class_(f"{kind} Error: {text}")


def test_the_column_offered_is_the_closest() -> None:
    message = 'Referenced column "abd" not found in FROM clause!\nCandidate bindings: "abc", "zzz"'
    error = refused(said("Binder", message, name="abd", candidates="zzz,abc", position="7"), "select abd from t")
    assert error.first == Problem("X102", 'Referenced column "abd" not found in FROM clause!', hint="did you mean `abc`?")
    assert error.position == 7


def test_columns_are_listed_when_none_is_close() -> None:
    message = 'Referenced column "q" not found in FROM clause!\nCandidate bindings: "order_id", "amount"'
    assert refused(said("Binder", message, name="q", candidates="order_id,amount"), "").first.hint == "there is `order_id`, `amount`"


def test_candidates_are_found_in_the_text_too() -> None:
    message = 'Table "orders" does not have a column named "amont"\n\nCandidate bindings: : "amount"'
    error = refused(said("Binder", message), "")
    assert (error.first.message, error.first.hint) == ('Table "orders" does not have a column named "amont"', "did you mean `amount`?")


def test_functions_are_shown_with_their_arguments() -> None:
    message = "No function matches 'sum(BLOB)'. You might need to add explicit type casts.\n\tCandidate functions:\n\tsum(arg DECIMAL) -> DECIMAL\n\n"
    error = refused(said("Binder", message), "")
    assert error.first.message == "No function matches 'sum(BLOB)'. You might need to add explicit type casts."
    assert error.first.hint == "there is `sum(arg DECIMAL) -> DECIMAL`"


@pytest.mark.parametrize(
    ("message", "transient"),
    [
        ('Catalog write-write conflict on create with "w"', True),
        ("Conflict on tuple deletion!", True),
        ('Failed to commit: Transaction conflict: attempting to insert into table "w" but it has been dropped', True),
        ("Current transaction is aborted (please ROLLBACK)", False),
        ("cannot commit - no transaction is active", False),
        ('Failed to commit: PRIMARY KEY or UNIQUE constraint violation: duplicate key "1"', False),
    ],
)
def test_only_conflicts_are_worth_another_try(message: str, transient: bool) -> None:
    error = refused(type("TransactionException", (Exception,), {})(f"TransactionContext Error: {message}"), "commit")
    assert error.transient is transient
    assert error.first.message == message
    assert error.first.code == "X105"


def test_an_unknown_class_still_has_a_code_and_a_message() -> None:
    error = refused(RuntimeError("it broke"), "select 1")
    assert (error.first.code, error.first.message, error.position) == ("X100", "it broke", None)


def test_what_only_looks_like_json_is_told_as_it_is() -> None:
    text = """Parser Error: bad {"exception_type" here"""
    assert refused(RuntimeError(text), "").first.message == """bad {"exception_type" here"""


@pytest.mark.parametrize(
    ("sql", "offset", "prefix", "wanted"),
    [("select é, x", 11, 0, 10), ("select x", 99, 0, 8), ("describe x", 0, 9, None), ("日本", 3, 0, 1), ("😀 x", 5, 0, 2), ("é", 1, 0, 0)],
)
def test_bytes_become_characters(sql: str, offset: int, prefix: int, wanted: int | None) -> None:
    assert characters(sql, offset, prefix) == wanted


def test_a_lost_commit_says_what_lost_it() -> None:
    cause = ExecuteError(Problem("X105", "Conflict on tuple deletion!"), transient=True)
    assert lost(cause).transient
    assert lost(cause).first.message.endswith("failed: Conflict on tuple deletion!")


def test_a_duckdb_header_is_not_foreign() -> None:
    assert foreign(b"\0" * 8 + b"DUCK", "x") is None
