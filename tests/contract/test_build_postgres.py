"""Whole projects on Postgres, through the command line."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.testing.postgres import settings as keys_of
from tests.contract.project import Folder


@dataclass(kw_only=True)
class Project(Folder):
    """A folder, the commands one gives in it, and the database it builds in."""

    url: str

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()

    def change(self, sql: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.encode())


Make = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(files: Mapping[str, str], *, threads: int = 4, **settings: Any) -> Project:
        output = {**keys_of(empty_postgres), "schema": "shop", "threads": threads, "lock_timeout": 5, **settings}
        profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
        own = {"profiles.yml": json.dumps(profile), "dbt_project.yml": "name: shop\nversion: '1'\nprofile: shop\n"}
        return Project(root=tmp_path, url=empty_postgres, monkeypatch=monkeypatch).write({**own, **files})

    return make


def test_a_build_makes_every_kind_of_relation(project: Make) -> None:
    shop = project(
        {
            "seeds/raw_orders.csv": "id,customer,amount,at\n1,ann,10.50,2024-01-01\n2,bob,,2024-01-02\n",
            "seeds/props.yml": "seeds: [{name: raw_orders, config: {column_types: {amount: 'numeric(10,2)', customer: varchar(20)}}}]\n",
            "models/stg_orders.sql": "select id, customer, coalesce(amount, 0)::numeric(10, 2) as amount, at from {{ ref('raw_orders') }}",
            "models/orders.sql": "{{ config(materialized='table', indexes=[{'columns': ['id'], 'unique': true}]) }} select id, customer, amount, at from {{ ref('stg_orders') }}",
            "models/doubled.py": """
                def model(dbt, session):
                    dbt.config(materialized="table")
                    frame = dbt.ref("orders").df()
                    frame["twice"] = frame["amount"] * 2
                    return frame
                """,
            "models/props.yml": """
                models:
                  - name: orders
                    description: "it's the orders"
                    config: {persist_docs: {relation: true, columns: true}}
                    columns: [{name: id, description: the key, data_tests: [unique, not_null]}]
                unit_tests:
                  - name: nothing_is_zero
                    model: stg_orders
                    given: [{input: ref('raw_orders'), rows: [{id: 1, amount: null}, {id: 2, amount: 1.5}]}]
                    expect: {rows: [{id: 1, amount: 0}, {id: 2, amount: 1.5}]}
                """,
        }
    )
    results = shop.orc("build")
    assert {r["status"] for r in results.values()} == {"success", "pass"}
    assert shop.query("select id, customer, amount::text, twice::text from shop.doubled order by id") == [
        (1, "ann", "10.50", "21.00"),
        (2, "bob", "0.00", "0.00"),
    ]
    kinds = dict(
        shop.query("select relname, relkind::text from pg_class where relnamespace = 'shop'::regnamespace and relkind in ('r', 'v')")
    )
    assert kinds == {"raw_orders": "r", "stg_orders": "v", "orders": "r", "doubled": "r"}
    assert shop.query("select obj_description('shop.orders'::regclass), col_description('shop.orders'::regclass, 1)") == [
        ("it's the orders", "the key")
    ]
    assert shop.query(
        "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'shop.raw_orders'::regclass and attnum in (2, 3)"
    ) == [
        ("character varying(20)",),
        ("numeric(10,2)",),
    ]
    assert shop.query("select indexdef ~ 'UNIQUE INDEX orders_id__orc_' from pg_indexes where schemaname = 'shop'") == [(True,)]
    ledger = {node for (node,) in shop.query("select node from _orc.ledger")}
    assert len(ledger) == 4
    assert {r["status"] for r in shop.orc("build").values()} == {"success", "pass"}  # and once more, over what is there


MODEL = "{{ config(materialized='incremental', unique_key=%s, incremental_strategy='%s') }} select * from (values %s) as t (id, v)"


@pytest.mark.parametrize(
    ("strategy", "key", "wanted"),
    [
        ("append", "none", [(1, "a"), (2, "a"), (2, "b"), (3, "b")]),
        ("delete+insert", "'id'", [(1, "a"), (2, "b"), (3, "b")]),
        ("merge", "'id'", [(1, "a"), (2, "b"), (3, "b")]),
    ],
)
def test_incremental_models_add_what_is_new(project: Make, strategy: str, key: str, wanted: list[Any]) -> None:
    shop = project({"models/inc.sql": MODEL % (key, strategy, "(1, 'a'), (2, 'a')")})
    shop.orc("run")
    before = shop.query("select 'shop.inc'::regclass::oid")
    shop.write({"models/inc.sql": MODEL % (key, strategy, "(2, 'b'), (3, 'b')")})
    shop.orc("run")
    assert shop.query("select id, v from shop.inc order by 1, 2") == wanted
    assert shop.query("select 'shop.inc'::regclass::oid") == before
    assert shop.query("select to_regclass('shop.inc__orc_stage')") == [(None,)]


def test_a_failed_gate_keeps_the_old_version_and_shows_the_rows(project: Make) -> None:
    shop = project(
        {
            "models/t.sql": "{{ config(materialized='table') }} select 1 as id",
            "models/v.sql": "select id from {{ ref('t') }}",
            "models/props.yml": "models: [{name: t, columns: [{name: id, data_tests: [unique]}]}]\n",
        }
    )
    shop.orc("build")
    shop.write({"models/t.sql": "{{ config(materialized='table') }} select 2 as id union all select 2"})
    results = shop.orc("build", code=1)
    assert {k: r["status"] for k, r in results.items()} == {"t": "error", "unique_t_id": "fail", "v": "skipped"}
    assert shop.query("select id from shop.v") == [(1,)]
    assert shop.query("select id from shop.t__orc_stage") == [(2,), (2,)]
    shop.write({"models/t.sql": "{{ config(materialized='table') }} select 3 as id"})
    shop.orc("build")
    assert shop.query("select id from shop.v") == [(3,)]


def test_an_error_points_at_the_line_of_the_model(project: Make, capsys: pytest.CaptureFixture[str]) -> None:
    shop = project({"models/bad.sql": "{{ config(materialized='table') }}\nselect 'é' as a,\n  nope\nfrom (select 1 as nopes) t"})
    shop.orc("run", code=1)
    told = capsys.readouterr().err
    assert "models/bad.sql:3:3" in told
    assert "did you mean `nopes`?" in told


BELONGINGS = """
create role {0};
create schema other;
create view other.v as select id, amount from shop.t;
create view other.w with (security_barrier) as select sum(amount) as total from other.v;
create materialized view other.m as select count(*) as n from other.w;
grant select on shop.t to {0}; grant update (amount) on shop.t to {0}; grant select on other.v to {0};
comment on table shop.t is 'by hand'; comment on column other.w.total is 'all of it';
create index by_hand on shop.t (amount) where id > 0;
alter table shop.t add constraint positive check (amount >= 0);
alter table shop.t enable row level security;
create policy own on shop.t for select to {0} using (id = 1);
create trigger watch after insert on shop.t for each row execute function public.nothing();
"""

DUMP = """
select c.oid::regclass::text, c.relkind::text, c.relacl::text, c.reloptions::text, c.relrowsecurity, obj_description(c.oid, 'pg_class'),
  case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) when c.relkind = 'i' then pg_get_indexdef(c.oid) end,
  (select string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attacl::text, col_description(attrelid, attnum)), ', ' order by attname)
     from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped),
  (select string_agg(pg_get_constraintdef(n.oid) || n.conname, ', ' order by n.conname) from pg_constraint n where conrelid = c.oid and contype <> 'n'),
  (select string_agg(polname, ', ') from pg_policy where polrelid = c.oid),
  (select string_agg(tgname, ', ') from pg_trigger where tgrelid = c.oid and not tgisinternal)
from pg_class c where c.relnamespace in ('shop'::regnamespace, 'other'::regnamespace) and c.relname <> 't__orc_stage' order by 1
"""


@pytest.fixture
def role(postgres_url: str) -> Iterator[str]:
    """A role of this worker's own: roles belong to the whole server."""
    name = f"reader_{os.getpid()}"
    yield name
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        if connection.execute(f"select 1 from pg_roles where rolname = '{name}'".encode()).fetchone():
            connection.execute(f"drop owned by {name}; drop role {name}".encode())


@pytest.mark.parametrize("amount", ["5", "5::bigint"])
def test_everything_that_belongs_to_a_table_survives(project: Make, role: str, amount: str) -> None:
    shop = project({"models/t.sql": "{{ config(materialized='table') }} select 1 as id, 4 as amount"})
    shop.orc("run")
    shop.change("create function public.nothing() returns trigger language plpgsql as 'begin return new; end'")
    shop.change(BELONGINGS.format(role))
    before = shop.query(DUMP)
    views = shop.query("select 'other.v'::regclass::oid")
    shop.write({"models/t.sql": f"{{{{ config(materialized='table') }}}} select 1 as id, {amount} as amount"})
    shop.orc("run")
    assert shop.query("select total::int from other.w") == [(5,)]
    after = shop.query(DUMP)
    if amount == "5":
        assert after == before
        assert shop.query("select 'other.v'::regclass::oid") == views  # not even made anew
    else:
        assert str(after).replace("bigint", "integer").replace("numeric", "integer") == str(before).replace("bigint", "integer").replace(
            "numeric", "integer"
        )


@pytest.mark.parametrize(
    ("obstacle", "named"),
    [
        ("create view shop.v as select gone from shop.t", "gone"),
        ("create function shop.f() returns int begin atomic select max(id) from shop.t; end", "function shop.f()"),
        ("alter table shop.t add primary key (id); create table shop.child (id int references shop.t (id))", "shop.child"),
        ("create table shop.child () inherits (shop.t)", "shop.child"),
    ],
)
def test_what_cannot_be_made_again_is_named_and_nothing_changes(
    project: Make, capsys: pytest.CaptureFixture[str], obstacle: str, named: str
) -> None:
    shop = project({"models/t.sql": "{{ config(materialized='table') }} select 1 as id, 2 as gone"})
    shop.orc("run")
    shop.change(obstacle)
    before = shop.query("select 'shop.t'::regclass::oid, gone from shop.t")
    shop.write({"models/t.sql": "{{ config(materialized='table') }} select 1::bigint as id"})
    results = shop.orc("run", code=1)
    assert "cannot be replaced" in results["t"]["message"]
    assert named in results["t"]["message"]
    assert shop.query("select 'shop.t'::regclass::oid, gone from shop.t") == before


def test_kinds_change_under_views_that_stay(project: Make) -> None:
    shop = project({"models/a.sql": "select 1 as id", "models/b.sql": "select id from {{ ref('a') }}"})
    shop.orc("run")
    for kind, value in (("table", "2"), ("view", "3::bigint"), ("incremental", "'4'"), ("view", "5")):
        shop.write({"models/a.sql": f"{{{{ config(materialized='{kind}') }}}} select {value} as id"})
        shop.orc("run", "-s", "a")
        assert str(shop.query("select id from shop.b")[0][0]) == value.strip("'")[0]


def test_grants_are_made_what_they_should_be(project: Make, role: str) -> None:
    shop = project({"models/t.sql": f"{{{{ config(materialized='table', grants={{'select': ['{role}']}}) }}}} select 1 as id"})
    shop.change(f"create role {role}")
    shop.orc("run")
    assert shop.query(f"select has_table_privilege('{role}', 'shop.t', 'select')") == [(True,)]
    shop.write({"models/t.sql": "{{ config(materialized='table', grants={'insert': ['public']}) }} select 1 as id"})
    shop.orc("run")
    assert shop.query(f"select has_table_privilege('{role}', 'shop.t', 'select'), has_table_privilege('{role}', 'shop.t', 'insert')") == [
        (False, True)
    ]


def test_what_grants_took_is_among_what_was_sent(project: Make, role: str) -> None:
    model = "{{ config(materialized='table', grants={'select': %s}) }} select 1 as id"
    shop = project({"models/t.sql": model % [role]})
    shop.change(f"create role {role}")
    shop.orc("run")
    assert f"grant select on shop.t to {role}" in sent(shop)
    shop.orc("run", "--full-refresh")
    assert "grant select" not in sent(shop)
    shop.write({"models/t.sql": model % "[]"})
    shop.orc("run")
    assert f"revoke select on shop.t from {role}" in sent(shop)


def sent(shop: Project) -> str:
    """What the last run sent for the model `t`."""
    (file,) = (shop.root / "target" / "run").rglob("t.sql")
    return file.read_text()


def test_what_is_no_privilege_the_server_says(project: Make) -> None:
    shop = project({"models/t.sql": "{{ config(materialized='table', grants={'fake_privilege': ['public']}) }} select 1 as id"})
    assert 'unrecognized privilege type "fake_privilege"' in shop.orc("run", code=1)["t"]["message"]
    assert shop.query("select to_regclass('shop.t')::text") == [(None,)]
    shop.write({"models/t.sql": "{{ config(materialized='table', grants={'select on t to public; --': ['public']}) }} select 1 as id"})
    assert "is not a privilege" in shop.orc("run", code=1)["t"]["message"]


def test_indexes_follow_the_configuration(project: Make) -> None:
    model = "{{ config(materialized='table', indexes=[%s]) }} select 1 as id, 2 as b"
    names = "select indexdef from pg_indexes where schemaname = 'shop' order by 1"
    shop = project({"models/t.sql": model % "{'columns': 'id', 'type': 'hash'}"})
    shop.orc("run")
    first = shop.query(names)
    shop.change("create index by_hand on shop.t (b)")
    shop.orc("run")
    assert len(shop.query(names)) == 2
    assert first[0] in shop.query(names)
    shop.write({"models/t.sql": model % "{'columns': ['b', 'id'], 'unique': true}"})
    shop.orc("run")
    found = " ".join(d for (d,) in shop.query(names))
    assert "by_hand" in found
    assert "CREATE UNIQUE INDEX t_b_id__orc_" in found
    assert first[0][0] not in found


def test_readers_see_whole_versions_only(project: Make) -> None:
    table = "{{ config(materialized='table') }} select %d as version, i from generate_series(1, 5000) t(i)"
    shop = project({"models/t.sql": table % 0, "models/v.sql": "select version, i from {{ ref('t') }}"})
    shop.orc("run")
    stop = threading.Event()
    problems: list[str] = []
    seen: set[Any] = set()

    def read(name: str) -> None:
        with psycopg.connect(shop.url, autocommit=True, prepare_threshold=None) as connection:
            while not stop.is_set():
                try:
                    row = connection.execute(f"select count(*), min(version), max(version) from shop.{name}".encode()).fetchone()
                except psycopg.Error as error:
                    problems.append(repr(error))
                    return
                seen.add(row)

    readers = [threading.Thread(target=read, args=(name,)) for name in ("t", "v", "t", "v")]
    for reader in readers:
        reader.start()
    for version in range(1, 9):
        kind = table if version % 3 else table.replace("%d as", "%d::bigint as")  # now and then the views must be made anew
        shop.write({"models/t.sql": kind % version})
        shop.orc("run")
    stop.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert {(count, low == high) for count, low, high in seen} == {(5000, True)}
    assert len(seen) > 4


def test_many_threads_make_schemas_views_and_grants_at_once(project: Make) -> None:
    files = {
        f"models/m{i}.sql": f"{{{{ config(materialized='{'view' if i % 2 else 'table'}', schema='s{i % 5}', grants={{'select': ['public']}}) }}}} select {i} as id"
        for i in range(40)
    }
    shop = project(files, threads=8)
    for _ in range(2):
        assert {r["status"] for r in shop.orc("run").values()} == {"success"}


def test_a_long_name_is_refused_before_anything_runs(project: Make) -> None:
    shop = project(
        {
            f"models/{'x' * 64}.sql": "select 1 as id",
            f"models/{'y' * 63}.sql": "select 1 as id",
            f"models/{'y' * 62}z.sql": "select 2 as id",
        }
    )
    shop.orc("run", code=2)
    (shop.root / f"models/{'x' * 64}.sql").unlink()
    shop.orc("run")
    assert shop.query(f"select a.id, b.id from shop.{'y' * 63} a, shop.{'y' * 62}z b") == [(1, 2)]


NAMED = """
models:
  - name: t
    config: {materialized: table, contract: {enforced: true}}
    constraints: [{type: unique, columns: [b], name: once}, {type: check, expression: %s, name: sane}]
    columns: [{name: id, data_type: int, constraints: [{type: primary_key}]}, {name: b, data_type: int}]
"""


def test_constraints_have_the_names_their_author_gave_and_follow_the_contract(project: Make) -> None:
    shop = project({"models/t.sql": "select 1 as id, 2 as b", "models/t.yml": NAMED % "b > 0"})
    names = "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'shop.t'::regclass and contype <> 'n' order by contype, conname"
    shop.orc("run")
    first = shop.query(names)
    assert first[0] == ("sane", "CHECK ((b > 0))")
    assert first[2] == ("once", "UNIQUE (b)")
    assert first[1][0].startswith("t_id_pkey__orc_")
    shop.change("alter table shop.t add constraint by_hand check (id < 100)")
    shop.write({"models/t.yml": NAMED % "b > 1"})
    for _ in range(2):
        shop.orc("run")
        assert shop.query(names) == [("by_hand", "CHECK ((id < 100))"), ("sane", "CHECK ((b > 1))"), *first[1:]]
    shop.write({"models/t.yml": (NAMED % "b > 1").replace(", {type: check, expression: b > 1, name: sane}", "").replace("name: once", "")})
    shop.orc("run")
    assert [d for _, d in shop.query(names)] == ["CHECK ((id < 100))", "PRIMARY KEY (id)", "UNIQUE (b)"]


def test_a_parent_that_loses_what_a_foreign_key_points_to_is_refused(project: Make) -> None:
    yml = """
        models:
          - name: parent
            config: {materialized: table, contract: {enforced: true}}
            columns: [{name: id, data_type: int%s}]
          - name: child
            config: {materialized: table, contract: {enforced: true}}
            columns: [{name: p, data_type: int, constraints: [{type: foreign_key, to: ref('parent'), to_columns: [id], name: up}]}]
        """
    files = {"models/parent.sql": "select 1 as id", "models/child.sql": "select 1 as p"}
    shop = project({**files, "models/all.yml": yml % ", constraints: [{type: primary_key}]"})
    shop.orc("run")
    shop.orc("run", "-s", "parent")
    keys = "select conname from pg_constraint where conrelid = 'shop.child'::regclass and contype = 'f' and confrelid = 'shop.parent'::regclass"
    assert shop.query(keys) == [("up",)]
    shop.write({"models/all.yml": yml % ""})
    results = shop.orc("run", "-s", "parent", code=1)
    assert "foreign key of another model" in results["parent"]["message"]
    assert shop.query(keys) == [("up",)]
    shop.write({"models/parent.sql": "{{ config(materialized='view') }} select 1 as id"})
    assert "up on table shop.child" in shop.orc("run", "-s", "parent", code=1)["parent"]["message"]


IN_PLACE = "{{ config(materialized='table', publish='in_place'%s) }} select id, 'v%d'::text as v from generate_series(1, 5) as t (id)"


def test_a_reader_with_an_older_snapshot_keeps_its_rows_in_place_only(project: Make) -> None:
    shop = project({"models/t.sql": IN_PLACE % ("", 1)})
    shop.orc("run")
    identity = "select 'shop.t'::regclass::oid"
    before = shop.query(identity)
    shop.change(
        "create view public.over as select v from shop.t; create function public.f() returns bigint begin atomic select count(*) from shop.t; end"
    )
    with psycopg.connect(shop.url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select 1")  # this is its snapshot; it has not looked at the table yet
        shop.write({"models/t.sql": IN_PLACE % ("", 2)})
        shop.orc("run")
        assert reader.execute("select count(*), min(v), max(v) from shop.t").fetchone() == (5, "v1", "v1")
        assert reader.execute("select count(*) from public.over").fetchone() == (5,)
    assert shop.query("select distinct v from public.over") == [("v2",)]
    assert shop.query(identity) == before
    assert shop.query("select to_regclass('shop.t__orc_stage')") == [(None,)]
    shop.change("drop function public.f(); drop view public.over")
    shop.write({"models/t.sql": (IN_PLACE % ("", 3)).replace("publish='in_place'", "publish='swap'")})
    with psycopg.connect(shop.url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select 1")
        shop.orc("run")
        assert reader.execute("select count(*) from shop.t").fetchone() == (0,)  # why there is `in_place`


@pytest.mark.parametrize(
    ("more", "query"),
    [
        ("", "select id, 'v' as v, 1 as extra from generate_series(1, 5) as t (id)"),
        ("", "select id::bigint as id, 'v'::text as v from generate_series(1, 5) as t (id)"),
        (", indexes=[{'columns': 'id'}]", "select id, 'v2'::text as v from generate_series(1, 5) as t (id)"),
        (", unlogged=true", "select id, 'v2'::text as v from generate_series(1, 5) as t (id)"),
    ],
    ids=["another column", "another type", "another index", "another way of logging"],
)
def test_what_differs_in_more_than_rows_is_swapped(project: Make, more: str, query: str) -> None:
    shop = project({"models/t.sql": IN_PLACE % ("", 1)})
    shop.orc("run")
    before = shop.query("select 'shop.t'::regclass::oid")
    shop.write({"models/t.sql": f"{{{{ config(materialized='table', publish='in_place'{more}) }}}} {query}"})
    shop.orc("run")
    swapped = shop.query("select 'shop.t'::regclass::oid")
    assert swapped != before
    shop.orc("run")
    assert shop.query("select 'shop.t'::regclass::oid") == swapped
    assert shop.query("select count(*) from shop.t") == [(5,)]


def test_a_failed_gate_leaves_a_table_published_in_place_alone(project: Make) -> None:
    yml = """
        models:
          - name: t
            config: {contract: {enforced: true}}
            columns: [{name: id, data_type: int, constraints: [{type: primary_key}], data_tests: [unique]}, {name: v, data_type: text}]
        """
    shop = project({"models/t.sql": IN_PLACE % ("", 1), "models/t.yml": yml})
    shop.orc("build")
    before = shop.query("select 'shop.t'::regclass::oid")
    shop.write({"models/t.sql": (IN_PLACE % ("", 2)) + " union all select 1, 'again'"})
    shop.orc("build", code=1)
    assert shop.query("select distinct v from shop.t") == [("v1",)]
    shop.write({"models/t.sql": IN_PLACE % ("", 3)})
    shop.orc("build")
    assert shop.query("select distinct v from shop.t") == [("v3",)]
    assert shop.query("select 'shop.t'::regclass::oid") == before
    shop.write({"models/t.sql": (IN_PLACE % ("", 3)).replace("in_place", "inplace")})
    shop.orc("build", code=2)


def test_seeds_python_models_and_tables_may_be_unlogged(project: Make) -> None:
    shop = project(
        {
            "seeds/s.csv": "id\n1\n",
            "seeds/s.yml": "seeds: [{name: s, config: {unlogged: true, indexes: [{columns: id}]}}]\n",
            "models/t.sql": "{{ config(materialized='table', unlogged=true) }} select 1 as id",
            "models/p.py": "def model(dbt, session):\n    dbt.config(materialized='table', unlogged=True)\n    return dbt.ref('t').df()\n",
            "models/i.sql": "{{ config(materialized='incremental', unlogged=true) }} select 1 as id",
        }
    )
    logged = "select relname, relpersistence::text from pg_class where relnamespace = 'shop'::regnamespace and relkind in ('r', 'i') order by relkind desc, 1"
    for _ in range(2):
        shop.orc("build")
        assert [(name, kind) for name, kind in shop.query(logged) if "__orc" not in name] == [
            ("i", "u"),
            ("p", "u"),
            ("s", "u"),
            ("t", "u"),
        ]
    shop.write({"models/t.sql": "{{ config(materialized='table') }} select 1 as id"})
    shop.orc("build")
    assert ("t", "p") in shop.query(logged)


def test_ephemeral_models_with_long_names_are_not_mixed_up(project: Make) -> None:
    one, two = f"{'x' * 55}_one", f"{'x' * 55}_two"
    files = {f"models/{n}.sql": f"{{{{ config(materialized='ephemeral') }}}} select '{n[-3:]}' as which" for n in (one, two)}
    shop = project({**files, "models/t.sql": f"select * from {{{{ ref('{one}') }}}} union all select * from {two}"})
    shop.orc("run")
    assert shop.query("select which from shop.t order by 1") == [("one",), ("two",)]


def test_a_long_column_of_a_template_that_asks_the_warehouse_is_refused_at_its_stage(project: Make) -> None:
    late = "{%% set n = run_query('select %d').columns[0].values()[0] if execute else 1 %%} select 1 as {{ 'x' * (n | int) }}"
    shop = project({"models/t.sql": late % 63})
    shop.orc("run")
    shop.write({"models/t.sql": late % 64})
    assert "longer than the 63 bytes" in shop.orc("run", code=1)["t"]["message"]


def test_unit_tests_compare_what_has_no_equality_and_cut_no_text(project: Make) -> None:
    p = project({
        "models/parent.sql": """select cast('{"a": 1}' as json) as doc, cast('abc' as varchar(5)) as word""",
        "models/child.sql": "select doc, length(word) as n from parent",
        "models/u.yml": """
            unit_tests:
              - name: t
                model: child
                given: [{input: ref('parent'), rows: [{doc: '{"b":  [2]}', word: a long word}]}]
                expect: {rows: [{doc: '{"b": [2]}', n: 11}]}
        """,
    })  # fmt: skip
    p.orc("run")
    assert p.orc("test")["t"]["status"] == "pass"
    p.write({"models/child.sql": "select cast('{}' as json) as doc, length(word) as n from parent"})
    assert p.orc("test", code=1)["t"]["status"] == "fail"


HISTORY = """
    {% snapshot history %}
    {{ config(strategy='check', unique_key='id', check_cols='all', hard_deletes='new_record', indexes=[{'columns': ['id']}],
              grants={'select': ['public']}) }}
    select id, state, doc from {{ ref('orders') }}
    {% endsnapshot %}
    """
ORDERS = "select * from (values (1, 'a'::varchar(5), '{{\"n\": {n}}}'::json), (2, 'b', null)) v(id, state, doc) where id <= {most}"


def test_a_snapshot_keeps_every_version(project: Make) -> None:
    """Types without equality are compared, indexes and grants made once, views over the table stay."""
    shop = project(
        {
            "models/orders.sql": ORDERS.format(n=1, most=2),
            "snapshots/history.sql": HISTORY,
            "snapshots/p.yml": "snapshots: [{name: history, description: All of it, config: {persist_docs: {relation: true}}, columns: [{name: dbt_scd_id, data_tests: [unique]}]}]",
            "models/latest.sql": "select id, state from {{ ref('history') }} where dbt_valid_to is null and dbt_is_deleted = 'False'",
        }
    )
    assert shop.orc("build")["history"]["message"] == "SELECT 2"
    assert shop.orc("build")["history"]["message"] == "INSERT 0"
    shop.write({"models/orders.sql": ORDERS.format(n=2, most=1)})
    assert shop.orc("build")["history"]["message"] == "INSERT 2, UPDATE 2"
    assert shop.query("select id, doc ->> 'n', dbt_is_deleted, dbt_valid_to is null from shop.history order by 1, 4, 3") == [
        (1, "1", "False", False), (1, "2", "False", True), (2, None, "False", False), (2, None, "True", True),
    ]  # fmt: skip
    assert shop.query("select * from shop.latest") == [(1, "a")]
    (index,) = shop.query("select indexname from pg_indexes where tablename = 'history'")
    assert re.fullmatch(r"history_id__orc_[0-9a-f]{8}", index[0])
    assert shop.query("select obj_description('shop.history'::regclass)") == [("All of it",)]
    assert shop.query("select has_table_privilege('public', 'shop.history', 'select')") == [(True,)]
    assert shop.query("select tablename from pg_tables where tablename like '%\\_\\_orc%'") == []


def test_a_snapshot_that_fails_its_test_changes_nothing(project: Make) -> None:
    shop = project(
        {
            "models/orders.sql": ORDERS.format(n=1, most=2),
            "snapshots/history.sql": HISTORY,
            "snapshots/p.yml": "snapshots: [{name: history, columns: [{name: state, data_tests: [{accepted_values: {arguments: {values: [a, b]}}}]}]}]",
        }
    )
    shop.orc("build")
    before = shop.query("select history::text from shop.history order by 1")
    shop.write({"models/orders.sql": ORDERS.format(n=1, most=2).replace("'a'", "'z'")})
    assert shop.orc("build", code=1)["history"]["status"] == "error"
    assert shop.query("select history::text from shop.history order by 1") == before
