from __future__ import annotations

from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.errors import ExecuteError
from orchestrator.core.names import Relation
from orchestrator.execute.apply import apply

TARGET = Relation(None, "s", "t")
SAME = (("a", "INTEGER"), ("b", "VARCHAR"))
ADDED = (*SAME, ("c", "DATE"))
REMOVED = SAME[:1]
RETYPED = (("a", "BIGINT"), ("b", "VARCHAR"))
INSERT = 'insert into "s"."t" ({0})\nselect {0}\nfrom "s"."t__orc_stage"'
AB, ABC, A = INSERT.format('"a", "b"'), INSERT.format('"a", "b", "c"'), INSERT.format('"a"')


def sent(staged: Any, policy: str, there: Any = SAME, strategy: str = "append", key: tuple[str, ...] = ()) -> tuple[str, ...]:
    payload = {"strategy": strategy, "unique_key": list(key), "on_schema_change": policy, "options": {}}
    return apply(TARGET.stage, TARGET, staged, there, payload, registry.dialect("duckdb"))


@pytest.mark.parametrize("policy", ["ignore", "fail", "append_new_columns", "sync_all_columns", "append_or_fail"])
@pytest.mark.parametrize("staged", [SAME, tuple(reversed(SAME)), (("A", "INTEGER"), ("b", "VARCHAR")), (("a", '"NULL"'), ("b", "VARCHAR"))])
def test_the_same_columns_are_inserted_by_name(policy: str, staged: Any) -> None:
    names = ", ".join(f'"{n}"' for n, _ in staged)
    assert sent(staged, policy) == (INSERT.format(names),)


@pytest.mark.parametrize(
    ("policy", "staged", "statements"),
    [
        ("ignore", ADDED, (AB,)),
        ("ignore", REMOVED, (A,)),
        ("ignore", RETYPED, (AB,)),
        ("append_new_columns", ADDED, ('alter table "s"."t" add column "c" DATE', ABC)),
        ("append_new_columns", REMOVED, (A,)),
        ("append_new_columns", RETYPED, (AB,)),
        ("append_or_fail", ADDED, ('alter table "s"."t" add column "c" DATE', ABC)),
        ("sync_all_columns", ADDED, ('alter table "s"."t" add column "c" DATE', ABC)),
        ("sync_all_columns", REMOVED, ('alter table "s"."t" drop column "b"', A)),
        ("sync_all_columns", RETYPED, ('alter table "s"."t" alter column "a" set data type BIGINT', AB)),
    ],
)
def test_what_each_policy_does_about_a_change(policy: str, staged: Any, statements: tuple[str, ...]) -> None:
    assert sent(staged, policy) == statements


@pytest.mark.parametrize(
    ("policy", "staged", "said"),
    [
        ("fail", ADDED, "new: c"),
        ("fail", REMOVED, "removed: b"),
        ("fail", RETYPED, "retyped: a (INTEGER → BIGINT)"),
        ("append_or_fail", REMOVED, "removed: b"),
        ("append_or_fail", RETYPED, "retyped: a (INTEGER → BIGINT)"),
    ],
)
def test_what_each_policy_refuses(policy: str, staged: Any, said: str) -> None:
    with pytest.raises(ExecuteError) as caught:
        sent(staged, policy)
    assert caught.value.first.message == f"the columns of `s.t` changed ({said})"
    assert "--full-refresh" in str(caught.value.first.hint)


def test_nothing_in_common_is_said_so() -> None:
    with pytest.raises(ExecuteError, match="no column in common"):
        sent((("z", "INTEGER"),), "ignore")


@pytest.mark.parametrize(
    ("key", "staged", "policy", "said", "hint"),
    [
        ("aa", SAME, "ignore", "`unique_key` names `aa`, which is no column of the query", "did you mean `a`?"),
        (
            "nothing_like_it",
            SAME,
            "ignore",
            "`unique_key` names `nothing_like_it`, which is no column of the query",
            "its columns are a, b",
        ),
        ("b", REMOVED, "ignore", "`unique_key` names `b`, which is no column of the query", "its columns are a"),
        ("c", ADDED, "ignore", "`unique_key` names `c`, which is no column of `s.t`", "its columns are a, b"),
    ],
)
@pytest.mark.parametrize("strategy", ["merge", "delete+insert"])
def test_a_key_that_is_not_there_is_named_as_the_author_wrote_it(
    strategy: str, key: str, staged: Any, policy: str, said: str, hint: str
) -> None:
    with pytest.raises(ExecuteError) as caught:
        sent(staged, policy, strategy=strategy, key=("a", key))
    assert (caught.value.first.code, caught.value.first.message, caught.value.first.hint) == ("X311", said, hint)


@pytest.mark.parametrize(("key", "staged", "policy"), [("A", SAME, "ignore"), ("c", ADDED, "append_new_columns")])
def test_a_key_may_differ_in_case_or_come_with_the_delta(key: str, staged: Any, policy: str) -> None:
    assert sent(staged, policy, strategy="merge", key=(key,))


def test_a_strategy_that_looks_for_no_key_takes_any() -> None:
    assert sent(SAME, "ignore", key=("nope",)) == (AB,)
