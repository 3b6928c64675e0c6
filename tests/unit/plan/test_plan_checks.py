from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pytest

from orchestrator.adapters import registry
from orchestrator.core.errors import PlanError
from orchestrator.core.node import NativeTestBody, Node
from orchestrator.plan.checks import LARGEST_SCAN, Check, check, scans, threshold, verdict
from orchestrator.plan.compile import Names

DUCKDB = registry.dialect("duckdb")
MODELS = {
    "models/orders.sql": "select 1 as id",
    "models/gone.sql": "{{ config(materialized='ephemeral') }} select * from orders",
    "seeds/states.csv": "code\na\n",
}
Compile = Callable[[str, str], Check]


@pytest.fixture(name="compiled")
def _compiled(understand: Any) -> Compile:
    """``compiled("orders", "unique: {config: …}")`` → the one test of the column ``id``."""

    def compile_one(model: str, test: str) -> Check:
        text = f"models:\n  - name: {model}\n    columns:\n      - name: id\n        tests:\n          - {test}\n"
        found = understand({**MODELS, "models/p.yml": text})
        assert not found.problems
        (node,) = (n for n in found.graph.nodes.values() if n.kind == "test")
        return check(node, Names(found.graph, DUCKDB))

    return compile_one


GOLDEN = {
    "unique": (
        'select id as unique_field, count(*) as n_records\nfrom "warehouse"."main"."orders"\nwhere id is not null\ngroup by id\nhaving count(*) > 1',
        "count(id) - count(distinct id)",
    ),
    "unique: {config: {where: id > 5}}": (
        'select id as unique_field, count(*) as n_records\nfrom (select * from "warehouse"."main"."orders" where id > 5) dbt_subquery\nwhere id is not null\ngroup by id\nhaving count(*) > 1',
        "count(case when id > 5 then id end) - count(distinct case when id > 5 then id end)",
    ),
    "not_null": ('select *\nfrom "warehouse"."main"."orders"\nwhere id is null', "count(case when id is null then 1 end)"),
    "not_null: {config: {where: 'a or b'}}": (
        'select *\nfrom (select * from "warehouse"."main"."orders" where a or b) dbt_subquery\nwhere id is null',
        "count(case when id is null and (a or b) then 1 end)",
    ),
    "not_null: {config: {where: id in (select 1)}}": (
        'select *\nfrom (select * from "warehouse"."main"."orders" where id in (select 1)) dbt_subquery\nwhere id is null',
        None,
    ),
    "not_null: {config: {limit: 3}}": ('select *\nfrom "warehouse"."main"."orders"\nwhere id is null', None),
    "not_null: {config: {fail_calc: sum(id)}}": ('select *\nfrom "warehouse"."main"."orders"\nwhere id is null', None),
    "accepted_values: {values: [a, it's, 3, true]}": (
        "select id as value_field, count(*) as n_records\nfrom \"warehouse\".\"main\".\"orders\"\nwhere id not in ('a', 'it''s', '3', true)\ngroup by id",
        "count(distinct case when id not in ('a', 'it''s', '3', true) then id end)",
    ),
    "accepted_values: {values: [1, now()], quote: false}": (
        'select id as value_field, count(*) as n_records\nfrom "warehouse"."main"."orders"\nwhere id not in (1, now())\ngroup by id',
        "count(distinct case when id not in (1, now()) then id end)",
    ),
    "relationships: {to: ref('states'), field: code}": (
        'select child.id as from_field\nfrom "warehouse"."main"."orders" as child\nleft join "warehouse"."main"."states" as parent on child.id = parent.code\nwhere child.id is not null and parent.code is null',
        None,
    ),
    "relationships: {to: ref('states'), field: code, config: {where: id > 1}}": (
        'select child.id as from_field\nfrom (select * from "warehouse"."main"."orders" where id > 1) as child\nleft join "warehouse"."main"."states" as parent on child.id = parent.code\nwhere child.id is not null and parent.code is null',
        None,
    ),
    "relationships: {to: ref('gone'), field: id}": (
        'with __dbt__cte__gone as (\n select * from "warehouse"."main"."orders"\n)\nselect child.id as from_field\nfrom "warehouse"."main"."orders" as child\nleft join __dbt__cte__gone as parent on child.id = parent.id\nwhere child.id is not null and parent.id is null',
        None,
    ),
}


@pytest.mark.parametrize("test", GOLDEN)
def test_what_a_native_test_asks(compiled: Compile, test: str) -> None:
    found = compiled("orders", test)
    assert (found.failing, found.term) == GOLDEN[test]


def test_a_test_of_an_ephemeral_model_runs_on_its_text(compiled: Compile) -> None:
    found = compiled("gone", "unique")
    assert found.failing.startswith('with __dbt__cte__gone as (\n select * from "warehouse"."main"."orders"\n)\nselect id')
    assert found.term is None


def test_the_count_respects_limit_and_fail_calc(compiled: Compile) -> None:
    found = compiled("orders", "unique: {config: {limit: 7, fail_calc: max(n_records)}}")
    assert found.count.sql == f"select max(n_records) as failures from (\n{found.failing}\nlimit 7\n) dbt_internal_test"


@pytest.mark.parametrize(
    ("test", "local"),
    [
        ("not_null", True),
        ("accepted_values: {values: [a]}", True),
        ("unique", False),
        ("relationships: {to: ref('states'), field: code}", True),
        ("relationships: {to: ref('orders'), field: id}", False),  # new rows may refer to old ones
    ],
)
def test_which_tests_can_judge_a_delta_alone(compiled: Compile, test: str, local: bool) -> None:
    assert compiled("orders", test).local is local


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("relationships: {field: code}", "the test `relationships` needs the argument `to`"),
        ("relationships: {to: ref('states')}", "the test `relationships` needs the argument `field`"),
        ("accepted_values: {values: []}", "the test `accepted_values` needs a list of `values`"),
        ("accepted_values: {values: a}", "the test `accepted_values` needs a list of `values`"),
    ],
)
def test_arguments_that_make_no_sense(compiled: Compile, test: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        compiled("orders", test)
    assert caught.value.first.message == message
    assert str(caught.value.first.span) == "models/p.yml:6:1"


def plain(name: str, config: Mapping[str, Any] | None = None) -> Node:
    return Node(name, "test", name, "p", "t.yml", ("p", name), config or {}, attached="m", column="x", test_name="not_null")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("> 10", (">", 10.0)),
        (" >=2.5 ", (">=", 2.5)),
        ("== 0", ("=", 0.0)),
        ("<> 0", ("!=", 0.0)),
        ("!=0", ("!=", 0.0)),
        ("< -1", ("<", -1.0)),
    ],
)
def test_a_threshold(text: str, found: tuple[str, float]) -> None:
    assert threshold(plain("t"), text) == found


@pytest.mark.parametrize("text", ["", "10", "> ten", "> 10 or true", "between 1 and 2", "> 1e3", "=> 1"])
def test_what_is_no_threshold(text: str) -> None:
    with pytest.raises(PlanError) as caught:
        threshold(plain("t"), text)
    assert caught.value.first.code == "N011"


def test_a_verdict_reads_the_config() -> None:
    found = verdict(Check(plain("t", {"severity": "WARN", "warn_if": "> 3", "error_if": "> 9"}), "select 1"))
    assert (found.severity, found.warn_if, found.error_if, found.inspect) == ("warn", (">", 3.0), (">", 9.0), "select 1")


def test_tests_of_one_relation_share_a_scan_and_those_of_another_do_not(understand: Any) -> None:
    found = understand(MODELS)
    names = Names(found.graph, DUCKDB)
    id_ = "model.shop.orders"
    shared = [
        Check(Node(f"t{i}", "test", f"t{i}", "p", "t", ("t",), {}, attached=id_), "", f"count(c{i})") for i in range(LARGEST_SCAN + 1)
    ]
    other = Check(Node("o", "test", "o", "p", "t", ("t",), {}, attached="seed.shop.states"), "select 9", "count(o)")
    alone = Check(Node("a", "test", "a", "p", "t", ("t",), {}, attached=id_), "select 8")
    sent = [(s.sql, v) for s, v in scans([other, *shared, alone], id_, names)]
    assert [len(v) for _, v in sent] == [LARGEST_SCAN, 1, 1, 1]
    assert sent[1][0] == f'select\n  count(c{LARGEST_SCAN}) as c0\nfrom "warehouse"."main"."orders"'
    assert [v[0].test for _, v in sent[2:]] == ["o", "a"]
    sql, verdicts = sent[0]
    assert [sql[v.part[0] : v.part[1]] for v in verdicts] == [c.term for c in shared[:LARGEST_SCAN]]


ROWS = "values (1, 'a'), (1, 'a'), (2, 'x'), (null, null), (null, 'y'), (null, 'z')"
SOME = "config: {where: s <> 'y'}"


@pytest.mark.parametrize(
    "test",
    [
        "unique",
        f"unique: {{{SOME}}}",
        "not_null",
        f"not_null: {{{SOME}}}",
        "accepted_values: {values: [1], quote: false}",
        f"accepted_values: {{values: [1], quote: false, {SOME}}}",
    ],
)
def test_the_shared_scan_counts_what_the_test_alone_counts(compiled: Compile, test: str) -> None:
    found = compiled("orders", test)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach ':memory:' as warehouse; create table warehouse.main.orders as select * from ({ROWS}) t(id, s)")
        ((alone,),) = connection.execute(found.count.sql).fetchall()
        ((shared,),) = connection.execute(f'select {found.term} from "warehouse"."main"."orders"').fetchall()
        if found.exact:  # the scan proves that all is well; how many are not is counted when it is not
            assert shared > 0
            ((shared,),) = connection.execute(found.exact).fetchall()
    assert shared == alone > 0


def test_a_native_test_with_a_wrong_body_is_our_bug(understand: Any) -> None:
    found = understand(MODELS)
    odd = Node("t", "test", "t", "p", "t", ("t",), {}, attached="model.shop.orders", column="id", test_name="sometimes")
    graph = found.graph.__class__({**found.graph.nodes, "t": odd}, {**found.graph.bodies, "t": NativeTestBody({})})
    with pytest.raises(AssertionError, match="sometimes"):
        check(odd, Names(graph, DUCKDB))
