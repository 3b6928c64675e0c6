"""Whom a pull request breaks, and where it is said that they rely on what is gone."""

from __future__ import annotations

from typing import Any

from tests.ci.conftest import Repository
from tests.ci.shop import PULL_REQUESTS


def broken(repository: Repository, name: str) -> set[tuple[str, str, int]]:
    """What a node of that name breaks: the reader, the file, the line."""
    found: dict[str, Any] = next(n for n in repository.review["nodes"] if n["name"] == name)
    return {(b["reader"], b["place"]["path"], b["place"]["line"]) for b in found["breaking"]}


def test_a_renamed_column_breaks_joins_and_filters_where_they_say_its_old_name(shop: Repository) -> None:
    shop.change("models/staging/stg_customers.sql", "    id,\n", "    id as customer_id,\n")
    shop.ci(code=1)
    assert broken(shop, "stg_customers") == {("customers", "models/marts/customers.sql", 4), ("north", "models/marts/north.sql", 7)}


def test_a_column_that_is_gone_breaks_its_test_and_exposures_whose_owner_is_told(shop: Repository) -> None:
    shop.change("models/marts/taxes.sql", "sum(tax) as tax", "sum(tax) as total")
    shop.ci(code=1)
    assert broken(shop, "taxes") == {("not_null_taxes_tax", "models/schema.yml", 16), ("tax_return", "models/schema.yml", 18)}
    assert "`taxes.tax` is called `total` now, and the exposure `tax_return` reads it (owner: Finance <finance@shop.example>)" in shop.told


def test_a_narrower_type_breaks_who_does_something_with_it_a_wider_one_nobody(shop: Repository) -> None:
    shop.change("models/staging/stg_customers.sql", "    id,\n", "    cast(id as hugeint) as id,\n")
    shop.change("models/schema.yml", "{name: id, data_type: bigint}", "{name: id, data_type: hugeint}")
    shop.ci()
    shop.change("models/staging/stg_customers.sql", "as hugeint", "as varchar")
    shop.change("models/schema.yml", "{name: id, data_type: hugeint}", "{name: id, data_type: varchar}")
    shop.ci(code=1)
    assert ("north", "models/marts/north.sql", 7) in broken(shop, "stg_customers")


def test_a_model_that_is_gone_breaks_who_reads_it_by_its_name(shop: Repository) -> None:
    shop.remove("models/staging/stg_customers.sql")
    shop.ci(code=1)
    assert broken(shop, "stg_customers") == {("customers", "models/marts/customers.sql", 7), ("north", "models/marts/north.sql", 7)}


def test_a_reader_that_the_same_pull_request_changes_is_not_broken(shop: Repository) -> None:
    PULL_REQUESTS["column_removed_and_reader_fixed"](shop)
    shop.ci()
    assert broken(shop, "stg_customers") == set()


def test_a_contract_that_is_given_up_is_a_broken_promise(shop: Repository) -> None:
    shop.change("models/marts/customers.sql", ', contract={"enforced": true}', "")
    shop.ci(code=1)
    assert "the contract of `customers` is not enforced any more" in shop.told


def test_a_failed_review_is_never_tried_again_in_production(shop: Repository) -> None:
    before = shop.production()
    PULL_REQUESTS["test_fails"](shop)
    shop.ci(code=1)
    shop.orc("retry", code=1)
    assert "shop__pr_482.orders" in shop.told
    assert shop.production() == before


def test_a_model_that_takes_the_name_of_a_table_changes_who_reads_that(shop: Repository) -> None:
    shop.query_to("create schema lake")
    shop.query_to("create table lake.weather as select date '2026-01-01' as day, 4 as degrees")
    shop.write("models/marts/weather_days.sql", "select day, degrees from lake.weather\n")
    shop.commit("reads a table that nobody declares")
    shop.write("models/lake/weather.sql", "select date '2026-01-01' as day, 5 as degrees\n")
    shop.orc("ci", "--base", "HEAD")
    assert {n["name"]: n["rebuilt"] for n in shop.review["nodes"]} == {"weather": True, "weather_days": True}


def test_differences_that_the_base_makes_itself_are_told_apart(shop: Repository) -> None:
    shop.git("checkout", "-q", "main")
    PULL_REQUESTS["rows_changed"](shop)
    shop.commit("merged, and not built yet")
    shop.git("checkout", "-q", "-B", "faster")
    PULL_REQUESTS["expression_changed"](shop)
    production = shop.ci()["production"]
    assert production.endswith("UTC, where `orders`, `taxes` are of another version than the base")
