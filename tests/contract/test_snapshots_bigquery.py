"""Snapshots on BigQuery: the promises of :mod:`tests.contract.test_snapshots` in steps of which only the last is a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.core.history import history
from orchestrator.core.plan import Step
from orchestrator.core.snapshot import Existing
from orchestrator.execute.history import Written, written
from tests.contract import test_snapshots as shared
from tests.contract.test_build_bigquery import Make as MakeProject
from tests.contract.test_build_bigquery import project
from tests.contract.test_snapshots import CHECK, NOW, TIMESTAMP, Make, Table, Version, hour, orders, reference, told, wanted

if TYPE_CHECKING:
    from tests.contract.conftest import Engine

__all__ = ["project"]

PROMISES = (
    "test_a_column_called_as_one_of_ours_is_refused",
    "test_a_column_of_another_type_is_refused",
    "test_a_key_that_is_an_expression",
    "test_a_key_that_is_back_unchanged_begins_anew",
    "test_a_key_that_is_back_with_a_later_moment_begins_then",
    "test_a_key_twice_is_refused",
    "test_a_marker_says_what_was_known_of_the_row",
    "test_a_moment_that_stands_still_or_goes_back_is_no_change",
    "test_a_new_column_does_not_disturb_the_strategy_timestamp",
    "test_a_new_table_has_the_columns_of_dbt_in_its_order",
    "test_a_row_with_a_later_moment_is_a_new_version",
    "test_a_row_without_a_moment_is_refused",
    "test_a_table_that_is_no_snapshot_is_refused",
    "test_a_table_with_two_current_rows_of_a_key_is_refused",
    "test_all_rows_of_a_run_are_of_one_instant",
    "test_an_empty_query_ends_everything",
    "test_check_looks_at_the_columns_it_names_only",
    "test_check_with_updated_at_begins_a_version_at_the_rows_own_moment",
    "test_columns_come_and_go",
    "test_columns_that_are_not_there_are_refused",
    "test_current_rows_may_end_far_away",
    "test_keys_that_only_look_alike",
    "test_marking_can_begin_later",
    "test_names_without_quotes_are_the_engines_to_spell",
    "test_rows_that_are_gone",
    "test_rows_without_end_are_current_whatever_current_rows_say_now",
    "test_the_order_of_columns_is_of_no_importance",
)
"""Those that are kept here word for word; the others are written in the SQL of other engines, and below in GoogleSQL."""

globals().update({name: getattr(shared, name) for name in PROMISES})


@dataclass
class Parted(Table):
    """A snapshot's table, brought up to date as a plan for BigQuery does it."""

    def run(self, select: str, now: int = 100, **config: Any) -> Written:
        dialect, session, target = self.engine.dialect, self.session, self.engine.relation(self.name)
        there = self.engine.find(target)
        shop: Any = SimpleNamespace(started=shared.START + timedelta(hours=now), dialect=dialect)
        payload = {"history": history({**self.config, **config}), "stage": target.stage, "config": {}}

        def step(only: str) -> Written | None:
            return written(Step("s", "s", "history", (), (), target, payload={**payload, "only": only}), session, shop, session.execute)

        session.execute(dialect.create_table(target.stage, select, {}))
        if there is None:
            done = step("first")
            for statement in dialect.swap(target.changes, target, None, {}):
                session.execute(statement)
        else:
            assert step("changes") is None
            session.begin()
            try:
                done = step("rows")
                session.commit()
            finally:
                session.rollback()
        for left in (target.stage, target.changes):
            session.execute(dialect.drop(Existing(left, "table")))
        assert done is not None
        return done


@pytest.fixture
def engine(bigquery_engine: Engine) -> Engine:
    return bigquery_engine


@pytest.fixture
def table(engine: Engine) -> Make:
    return lambda config, **more: Parted(engine, {**config, **more})


def test_versions_are_named_as_dbt_names_them(table: Make) -> None:
    """The MD5 of the key's and the moment's text, as BigQuery writes a timestamp."""
    t = table(TIMESTAMP)
    t.run(orders((1, "'a'", hour(1))))
    assert t.rows("dbt_scd_id") == list(t.session.execute("select to_hex(md5('1|2024-01-01 01:00:00+00'))").rows)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("cast(null as string)", "'a'"),
        ("json '{\"a\": 1}'", "json '{\"a\": 2}'"),
        ("cast(null as json)", "json 'null'"),
        ("[1, 2]", "[1]"),
        ("struct(1 as a, [1] as b)", "struct(1 as a, [2] as b)"),
        ("1.5", "cast('nan' as float64)"),
        ("b'a'", "b'b'"),
    ],
)
def test_check_sees_a_difference_of_every_type(table: Make, before: str, after: str) -> None:
    t = table(CHECK, check_cols=["state"])
    t.run(f"select 1 as id, {before} as state", now=10)
    assert t.run(f"select 1 as id, {before} as state", now=20) == Written(0)
    assert t.run(f"select 1 as id, {after} as state", now=30) == Written(1, 1)
    assert t.lives() == [(1, 10, 30), (1, 30, NOW)]


@pytest.mark.parametrize("kind", ["date", "timestamp", "datetime"])
def test_moments_of_every_kind(table: Make, kind: str) -> None:
    t = table(TIMESTAMP, hard_deletes="invalidate")
    t.run(orders((1, "'a'", f"{kind} '2024-01-02'"), (2, "'a'", f"{kind} '2024-01-02'")))
    t.run(orders((1, "'b'", f"{kind} '2024-01-03'")), now=240)
    types = dict(t.columns())
    assert types["dbt_valid_from"] == types["dbt_valid_to"] == types["ts"] == kind.upper()
    assert {str(end)[:10] for (end,) in t.rows("dbt_valid_to")} == {"2024-01-03", "2024-01-11", "None"}


def test_moments_of_another_kind_are_refused(table: Make) -> None:
    t = table(TIMESTAMP)
    t.run(orders((1, "'a'", hour(1))))
    t.refuses("X353", orders((1, "'a'", "datetime '2024-01-02'")))


SOURCES = st.dictionaries(st.integers(1, 3), st.tuples(st.sampled_from([None, "a", "b"]), st.integers(0, 6)), max_size=3)


def select(source: Mapping[int, tuple[str | None, int]]) -> str:
    rows = [(key, f"cast({'null' if s is None else repr(s)} as string)", hour(at)) for key, (s, at) in source.items()]
    return f"select * from (\n{orders((0, 'cast(null as string)', hour(0)), *rows)}\n) listed where id > 0"


def test_any_history_is_that_of_the_reference(engine: Engine) -> None:
    numbers = count()

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(shared.CONFIGS, st.lists(st.tuples(SOURCES, st.integers(0, 2)), min_size=3, max_size=3))
    def holds(config: Mapping[str, Any], states: list[tuple[Any, int]]) -> None:
        t = Parted(engine, config, f"history_{next(numbers)}")
        versions: list[Version] = []
        now = 0
        for source, later in states:
            now += later
            reference(versions, source, now, config)
            t.run(select(source), now)
            assert told(t) == sorted(wanted(versions, config), key=str)

    holds()


# --- whole projects ----------------------------------------------------------------------------------------------------------

HISTORY = """
{% snapshot history %}
{{ config(unique_key='id', strategy='check', check_cols='all', hard_deletes='new_record', cluster_by=['id']) }}
select id, state from {{ ref('orders') }}
{% endsnapshot %}
"""
ORDERS = "select * from unnest([struct<id int64, state string>{rows}])"


def test_a_build_writes_a_history_that_its_children_read(project: MakeProject) -> None:
    shop = project(
        {
            "models/orders.sql": ORDERS.format(rows="(1, 'a'), (2, 'a')"),
            "snapshots/history.sql": HISTORY,
            "snapshots/p.yml": """
                snapshots:
                  - name: history
                    description: All of it
                    config: {persist_docs: {relation: true}}
                    columns: [{name: dbt_scd_id, data_tests: [unique]}]
                """,
            "models/latest.sql": "select id, state from {{ ref('history') }} where dbt_valid_to is null and dbt_is_deleted = 'False'",
        }
    )
    assert shop.orc("build")["history"]["message"] == "SELECT 2"
    assert shop.orc("build")["history"]["message"] == "INSERT 0"
    shop.write({"models/orders.sql": ORDERS.format(rows="(1, 'b'), (3, 'a')")})
    assert shop.orc("build")["history"]["message"] == "INSERT 3, UPDATE 2"
    assert shop.query("select id, state, dbt_is_deleted, dbt_valid_to is null from shop.history order by 1, 4, 3") == [
        (1, "a", "False", False), (1, "b", "False", True), (2, "a", "False", False), (2, "a", "True", True), (3, "a", "False", True),
    ]  # fmt: skip
    assert sorted(shop.query("select * from shop.latest")) == [(1, "b"), (3, "a")]
    assert shop.tables() == {"orders", "history", "latest"}
    made = shop.table("shop.history")
    assert (made.description, made.clustering_fields) == ("All of it", ["id"])
    assert len(shop.query("select run from _orc.ledger where node like 'snapshot.%'")) == 3


def test_a_failed_gate_takes_all_of_it_back(project: MakeProject) -> None:
    gate = "snapshots: [{name: history, columns: [{name: state, data_tests: [{accepted_values: {arguments: {values: [a, b]}}}]}]}]"
    shop = project({"models/orders.sql": ORDERS.format(rows="(1, 'z')"), "snapshots/history.sql": HISTORY, "snapshots/p.yml": gate})
    assert shop.orc("build", code=1)["history"]["status"] == "error"
    assert "history" not in shop.tables()
    assert not shop.query("select run from _orc.ledger where node like 'snapshot.%'")
    shop.write({"models/orders.sql": ORDERS.format(rows="(1, 'a'), (2, 'a')")})
    shop.orc("build")
    before = sorted(shop.query("select * from shop.history"))
    shop.write({"models/orders.sql": ORDERS.format(rows="(1, 'z'), (3, 'a')")})
    assert shop.orc("build", code=1)["history"]["status"] == "error"
    assert sorted(shop.query("select * from shop.history")) == before
    assert len(shop.query("select run from _orc.ledger where node like 'snapshot.%'")) == 1
    shop.write({"models/orders.sql": ORDERS.format(rows="(1, 'b'), (3, 'a')")})
    assert shop.orc("build")["history"]["message"] == "INSERT 3, UPDATE 2"
    assert shop.tables() == {"orders", "history"}


def test_a_run_that_dies_before_its_commit_is_made_good_by_the_next(project: MakeProject) -> None:
    shop = project({"models/orders.sql": ORDERS.format(rows="(1, 'a')"), "snapshots/history.sql": HISTORY})
    shop.orc("build")
    shop.write({"models/orders.sql": ORDERS.format(rows="(1, 'b'), (2, 'a')")})
    shop.server.faults.fail("insert into `shop-dw`.`shop`.`history`", "backendError", times=20)
    shop.orc("build", code=1)
    shop.server.faults.clear()
    assert [row[:2] for row in shop.query("select id, state from shop.history")] == [(1, "a")]
    assert shop.orc("build")["history"]["message"] == "INSERT 2, UPDATE 1"
    assert len(shop.query("select id from shop.history")) == 3


def test_a_plan_shows_what_is_done_before_and_in_the_transaction(project: MakeProject, capsys: pytest.CaptureFixture[str]) -> None:
    shop = project({"models/orders.sql": ORDERS.format(rows="(1, 'a')"), "snapshots/history.sql": HISTORY})
    shop.orc("build")
    capsys.readouterr()
    shop.orc("plan", "--explain", "--select", "history")
    told = capsys.readouterr().out
    assert told.index("begin") < told.index("-- promote") < told.index("commit") < told.index("drop table if exists")
