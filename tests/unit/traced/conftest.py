"""A small shop whose columns' meanings are written by hand: what the questions about them are asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output, Use
from orchestrator.core.names import Relation
from orchestrator.core.node import Body, Column, Docs, ExposureBody, Node, PythonBody, Query, SeedBody, SourceBody, SqlBody

RAW = "source.shop.raw.orders"
PEOPLE = "source.shop.raw.people"
COUNTRIES = "seed.shop.countries"
STG = "model.shop.stg_orders"
CUSTOMERS = "model.shop.customers"
TOTALS = "model.shop.totals"
BIG = "model.shop.orders_big"
CHAINS = "model.shop.chains"
BOARD = "exposure.shop.board"


@dataclass(frozen=True)
class Shop:
    graph: Graph
    meanings: Mapping[str, Meaning]


def model(name: str, *parents: str, language: str = "sql", **config: object) -> Node:
    path = f"models/{name}.{'py' if language == 'python' else 'sql'}"
    return Node(
        f"model.shop.{name}", "model", name, "shop", path, ("shop", "mart", name), {"materialized": "table", **config}, language=language,
        relation=Relation("db", "mart", name), depends_on=parents, content=name,
    )  # fmt: skip


def source(table: str) -> Node:
    fqn = ("shop", "raw", table)
    relation = Relation("db", "raw", table)
    return Node(f"source.shop.raw.{table}", "source", table, "shop", "models/s.yml", fqn, {}, source_name="raw", relation=relation)


def checking(name: str, *parents: str, column: str | None = None) -> Node:
    id_ = f"test.shop.{name}.1"
    return Node(
        id_,
        "test",
        name,
        "shop",
        "models/s.yml",
        ("shop", name),
        {},
        depends_on=parents,
        attached=parents[0],
        column=column,
        test_name="t" if column else None,
    )


def sql(text: str, *columns: Column) -> SqlBody:
    return SqlBody(text, Query(text, canon=text), docs=Docs(columns=columns))


NODES = (
    source("orders"),
    source("people"),
    Node(COUNTRIES, "seed", "countries", "shop", "seeds/countries.csv", ("shop", "countries"), {}, relation=Relation("db", "main", "c")),
    model("stg_orders", RAW, materialized="ephemeral"),
    model("customers", PEOPLE, COUNTRIES),
    model("totals", STG, CUSTOMERS),
    model("orders_big", STG),
    model("chains", TOTALS, language="python"),
    Node(BOARD, "exposure", "board", "shop", "models/e.yml", ("shop", "board"), {}, depends_on=(TOTALS,)),
    checking("not_null_totals_total", TOTALS, column="total"),
    checking("unique_totals_email", TOTALS, column="email"),
    checking("orders_add_up", BIG, STG),
)
BODIES: Mapping[str, Body] = {
    RAW: SourceBody(Docs(columns=(Column("id"), Column("amount_cents", "Gross, in cents.")))),
    PEOPLE: SourceBody(),
    COUNTRIES: SeedBody("1"),
    STG: sql("select id, person, amount_cents / 100.0 as amount from raw.orders"),
    CUSTOMERS: sql("select p.id as customer, lower(p.email) as email, c.name as country from raw.people p join countries c using (code)"),
    TOTALS: sql(
        "select c.customer, c.email, sum(o.amount) as total, rank() over (order by c.country) as r from stg_orders o "
        "join customers c on o.person = c.customer group by 1, 2, c.country"
    ),
    BIG: sql("select id, amount from stg_orders where amount > 100"),
    CHAINS: PythonBody("def model(ctx): ..."),
    BOARD: ExposureBody("dashboard", {}),
}
MEANINGS: Mapping[str, Meaning] = {
    RAW: Meaning((Output("id", "integer"), Output("person", "integer"), Output("amount_cents", "integer"))),
    PEOPLE: Meaning(
        (Output("id", "integer"), Output("email", "text"), Output("code", "text")), complete=False, unknown="its columns are not declared"
    ),
    COUNTRIES: Meaning((Output("code", "text"), Output("name", "text"))),
    STG: Meaning(
        (
            Output("id", "integer", (Use(RAW, "id", "passed", 7, 9),), "id"),
            Output("person", "integer", (Use(RAW, "person", "passed", 11, 17),), "person"),
            Output("amount", "decimal(18,2)", (Use(RAW, "amount_cents", "transformed", 19, 31),), "amount_cents / 100.0"),
        ),
    ),
    CUSTOMERS: Meaning(
        (
            Output("customer", "integer", (Use(PEOPLE, "id", "renamed", 7, 11),), "p.id"),
            Output("email", "text", (Use(PEOPLE, "email", "transformed", 31, 38),), "lower(p.email)"),
            Output("country", "text", (Use(COUNTRIES, "name", "renamed", 50, 56),), "c.name"),
        ),
        (Use(PEOPLE, "code", "join", 98, 102), Use(COUNTRIES, "code", "join", 98, 102)),
    ),
    TOTALS: Meaning(
        (
            Output("customer", "integer", (Use(CUSTOMERS, "customer", "passed"),), "c.customer"),
            Output("email", "text", (Use(CUSTOMERS, "email", "passed"),), "c.email"),
            Output("total", "decimal(38,2)", (Use(STG, "amount", "aggregated"),), "sum(o.amount)"),
            Output("r", "bigint", (Use(CUSTOMERS, "country", "window"),), "rank() over (order by c.country)"),
        ),
        (
            Use(STG, "person", "join"),
            Use(CUSTOMERS, "customer", "join"),
            Use(CUSTOMERS, "customer", "group"),
            Use(CUSTOMERS, "email", "group"),
            Use(CUSTOMERS, "country", "group"),
        ),
    ),
    BIG: Meaning(
        (
            Output("id", "integer", (Use(STG, "id", "passed"),), "id"),
            Output("amount", "decimal(18,2)", (Use(STG, "amount", "passed"),), "amount"),
        ),
        (Use(STG, "amount", "filter"),),
    ),
    CHAINS: Meaning((Output("length"),), complete=False, unknown="a Python model"),
}


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop(Graph({n.id: n for n in NODES}, BODIES, project="shop"), MEANINGS)
