"""What every engine's dialect promises, checked by sending what it says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.core.errors import ExecuteError, PlanError
from orchestrator.core.names import Relation
from orchestrator.core.ports import Connection
from orchestrator.core.snapshot import Published

NAMES = ["orders", "Orders", "select", "order by", 'say "hi"', "it's", "naïve", "日本", "a.b", "a;b", "--x", "2013", "x" * 60, "%s", "{x}"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_built_found_and_dropped(engine: Any, name: str) -> None:
    session, relation = engine.connect(), engine.relation(name)
    session.execute(engine.dialect.create_table(relation, "select 1 as a", {}))
    found = engine.find(relation)
    assert found.kind == "table"
    assert [c for c, _ in found.columns] == ["a"]
    session.execute(engine.dialect.drop(found))
    assert engine.find(relation) is None


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_a_column(engine: Any, name: str) -> None:
    session, relation = engine.connect(), engine.relation("columns")
    session.execute(engine.dialect.create_table(relation, f"select 1 as {engine.dialect.quote(name)}", {}))
    assert [c for c, _ in session.columns(relation)] == [name]


TEXTS = ["", "it's", "back\\slash", "line\nbreak", "é日本", "--", "a;b"]
NUMBERS = [True, False, 0, -1, 2**60, 1.5, -0.1, float("inf"), Decimal("1.10"), None]
OTHERS = [date(2013, 1, 31), datetime(2013, 1, 31, 12, 30, 1, 5), b"\x00\xff'"]  # noqa: DTZ001  a naive one is meant


@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS, *OTHERS])
def test_literals_come_back_as_they_were(engine: Any, value: object) -> None:
    ((back,),) = engine.connect().execute(f"select {engine.dialect.literal(value)}").rows
    assert (float(back) if isinstance(value, float) else back) == value


def test_literals_of_intervals_and_lists(engine: Any) -> None:
    say = engine.dialect.literal
    sql = f"select {say(datetime(2013, 1, 1))} + {say(timedelta(days=1, microseconds=-1))}, {say(['a', 'b'])}"  # noqa: DTZ001
    assert engine.connect().execute(sql).rows == ((datetime(2013, 1, 1, 23, 59, 59, 999999), ["a", "b"]),)  # noqa: DTZ001


def test_a_query_stands_last_and_unchanged(engine: Any) -> None:
    select = "with é as (select 1 as x)\n-- why\nselect * from é  "
    for create in (engine.dialect.create_table, engine.dialect.create_view):
        assert create(engine.relation("a"), select, {}).endswith(select)


@pytest.mark.parametrize("before", [None, "table", "view"])
def test_swap_replaces_whatever_was_there(engine: Any, before: str | None) -> None:
    session, relation = engine.connect(), engine.relation("Orders")
    if before == "table":
        session.execute(engine.dialect.create_table(relation, "select 'old' as v", {}))
    if before == "view":
        session.execute(engine.dialect.create_view(relation, "select 'old' as v", {}))
    engine.publish(session, relation, "select 'new' as v", "r1")
    assert engine.rows(relation) == [("new",)]
    assert engine.find(relation).kind == "table"
    assert engine.find(relation.stage) is None


def test_a_view_takes_the_place_of_a_table(engine: Any) -> None:
    session, relation = engine.connect(), engine.relation("orders")
    session.execute(engine.dialect.create_table(relation, "select 1 as v", {}))
    session.begin()
    session.execute(engine.dialect.drop(engine.find(relation)))
    session.execute(engine.dialect.create_view(relation, "select 2 as v", {}))
    session.commit()
    assert engine.find(relation).kind == "view"
    session.execute(engine.dialect.create_view(relation, "select 3 as v, 4 as w", {}))
    assert engine.rows(relation) == [(3, 4)]


def test_views_keep_working_when_the_table_below_is_swapped(engine: Any) -> None:
    session, table, view = engine.connect(), engine.relation("t"), engine.relation("v")
    engine.publish(session, table, "select 1 as a", "r1")
    session.execute(engine.dialect.create_view(view, f"select * from {engine.dialect.relation(table)}", {}))
    engine.publish(session, table, "select 2 as a", "r2")
    assert engine.rows(view) == [(2,)]


def test_drop_is_harmless_when_nothing_is_there_and_never_takes_more(engine: Any) -> None:
    session, relation = engine.connect(), engine.relation("gone")
    session.execute(engine.dialect.create_table(relation, "select 1 as a", {}))
    found = engine.find(relation)
    drop = engine.dialect.drop(found)
    session.execute(drop)
    session.execute(drop)
    assert "cascade" not in drop.lower()


DELTA = "select 2 as id, cast(null as integer) as part, 'new' as v, 9 as w union all select 3, 1, 'new', 9 union all select 1, 1, 'new', 9"
TABLE = "select 'old' as v, 1 as id, 1 as part, 0 as w union all select 'old', 2, null, 0 union all select 'keep', 2, 1, 0"
COLUMNS = ("id", "part", "v", "w")


def applied(engine: Any, strategy: str, key: tuple[str, ...], **options: Any) -> list[tuple[Any, ...]]:
    session: Connection = engine.connect()
    target: Relation = engine.relation("inc")
    session.execute(engine.dialect.create_table(target, TABLE, {}))
    session.execute(engine.dialect.create_table(target.stage, DELTA, {}))
    session.begin()
    for statement in engine.dialect.apply_delta(strategy, target.stage, target, COLUMNS, key, options):
        session.execute(statement)
    session.commit()
    names = ", ".join(COLUMNS)
    return sorted(session.execute(f"select {names} from {engine.dialect.relation(target)}").rows, key=str)


def test_append_matches_columns_by_name(engine: Any) -> None:
    assert applied(engine, "append", ()) == sorted(
        [(1, 1, "old", 0), (2, None, "old", 0), (2, 1, "keep", 0), (2, None, "new", 9), (3, 1, "new", 9), (1, 1, "new", 9)], key=str
    )


@pytest.mark.parametrize("strategy", ["delete+insert", "merge"])
def test_a_composite_key_matches_null_with_null(engine: Any, strategy: str) -> None:
    wanted = [(1, 1, "new", 9), (2, 1, "keep", 0), (2, None, "new", 9), (3, 1, "new", 9)]
    assert applied(engine, strategy, ("id", "part")) == sorted(wanted, key=str)


@pytest.mark.parametrize("strategy", ["delete+insert", "merge"])
def test_without_a_key_everything_is_appended(engine: Any, strategy: str) -> None:
    assert len(applied(engine, strategy, ())) == 6


@pytest.mark.parametrize(
    "options", [{"merge_update_columns": ["V"]}, {"merge_update_columns": "v"}, {"merge_exclude_columns": ["W", "id"]}]
)
def test_merge_updates_only_the_columns_asked_for(engine: Any, options: dict[str, Any]) -> None:
    assert (1, 1, "new", 0) in applied(engine, "merge", ("id", "part"), **options)


def test_merge_may_update_nothing(engine: Any) -> None:
    kept = applied(engine, "merge", ("ID", "part"), merge_exclude_columns=["v", "w"])
    assert (1, 1, "old", 0) in kept
    assert (3, 1, "new", 9) in kept


def test_predicates_limit_what_is_deleted(engine: Any) -> None:
    found = applied(engine, "delete+insert", ("id", "part"), incremental_predicates=["id > 1"])
    assert (1, 1, "old", 0) in found
    assert (2, None, "old", 0) not in found


def test_predicates_may_speak_of_both_sides(engine: Any) -> None:
    predicate = "DBT_INTERNAL_DEST.w < DBT_INTERNAL_SOURCE.w and DBT_INTERNAL_DEST.id = 1"
    for strategy in ("delete+insert", "merge"):
        found = applied(engine, strategy, ("id", "part"), incremental_predicates=[predicate])
        assert (1, 1, "old", 0) not in found
        assert (2, None, "old", 0) in found


def test_an_unknown_strategy_is_refused(engine: Any) -> None:
    with pytest.raises(PlanError, match="no incremental strategy `mergee`") as caught:
        engine.dialect.apply_delta("mergee", engine.relation("a"), engine.relation("b"), ("x",), ("x",), {})
    assert caught.value.first.hint == "did you mean `merge`?"


def test_columns_can_be_added(engine: Any) -> None:
    session, relation = engine.connect(), engine.relation("wide")
    session.execute(engine.dialect.create_table(relation, "select 1 as a", {}))
    for statement in engine.dialect.add_columns(relation, [("b c", "integer"), ("d", "varchar")]):
        session.execute(statement)
    assert [c for c, _ in session.columns(relation)] == ["a", "b c", "d"]
    assert engine.rows(relation) == [(1, None, None)]


def test_the_ledger_keeps_one_row_a_node(engine: Any) -> None:
    session = engine.connect()
    for statement in engine.dialect.ledger_setup():  # a second time
        session.execute(statement)
    for run in ("r1", "r2"):
        for statement in engine.dialect.ledger_write(Published("model.it's", "a.b", "f", run, "2026-01-01T00:00:00Z")):
            session.execute(statement)
    assert session.execute(engine.dialect.ledger_read("model.it's")).rows == (("r2",),)
    assert session.execute(engine.dialect.ledger_read("model.none")).rows == ()
    ledger = engine.warehouse.snapshot([]).ledger
    assert ledger == {"model.it's": Published("model.it's", "a.b", "f", "r2", "2026-01-01T00:00:00Z", None)}


@pytest.mark.parametrize("kind", ["table", "view"])
def test_comments_are_accepted(engine: Any, kind: str) -> None:
    session, relation = engine.connect(), engine.relation('say "hi"')
    create = engine.dialect.create_table if kind == "table" else engine.dialect.create_view
    session.execute(create(relation, 'select 1 as a, 2 as "B c"', {}))
    for statement in engine.dialect.comment(relation, kind, "it's; 日本", {"a": "one;", "B c": "-- two"}):
        session.execute(statement)
    assert engine.dialect.comment(relation, kind, None, {}) == ()


def test_merge_refuses_a_delta_that_brings_a_key_twice(engine: Any) -> None:
    session, target = engine.connect(), engine.relation("twice")
    session.execute(engine.dialect.create_table(target, "select 1 as id, 'old' as v", {}))
    session.execute(engine.dialect.create_table(target.stage, "select 1 as id, 'a' as v union all select 1, 'b'", {}))
    (merge,) = engine.dialect.apply_delta("merge", target.stage, target, ("id", "v"), ("id",), {})
    with pytest.raises(ExecuteError):
        session.execute(merge)
    assert engine.rows(target) == [(1, "old")]
