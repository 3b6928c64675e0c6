"""`orc diff` between two DuckDB files, and where the key comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.projects.conftest import Make, Project

ORDERS = """
{{ config(materialized='table') }}
select i as id, i // 2 as half, i % 2 as odd, {{ 'i * 2' if target.name == 'dev' else 'i' }} as amount from range(6) r(i)
"""


TYPED = ", ".join(f"{{name: {name}, data_type: bigint}}" for name in ("id", "half", "odd", "amount"))


def profiles(dev: str, prod: str) -> str:
    outputs = {name: {"type": "duckdb", "path": path} for name, path in (("dev", dev), ("prod", prod))}
    return json.dumps({"shop": {"target": "dev", "outputs": outputs}})


def files(dev: str = "dev.duckdb", prod: str = "prod.duckdb", **more: str) -> dict[str, str]:
    own = "[tool.orchestrator]\nname = 'shop'\nprofile = 'shop'\n"
    return {"pyproject.toml": own, "profiles.yml": profiles(dev, prod), "models/orders.sql": ORDERS, **more}


def built(make: Make, given: Mapping[str, str]) -> Project:
    shop = make(given)
    shop.orc("run", "-t", "prod").exits(0)
    shop.orc("run").exits(0)
    return shop


def keyed(shop: Project) -> tuple[str, str]:
    """The key that was taken, and who says that it is one."""
    (said,) = json.loads(shop.orc("diff", "orders", "--against", "prod", "--format", "json").exits(0).stdout)
    assert said["changed"] == 5
    return ",".join(said["key"]), said["key_from"]


def test_another_file_is_read_and_stays_as_it_is(project: Make) -> None:
    shop = built(project, files())
    before = (shop.root / "prod.duckdb").read_bytes()
    told = shop.orc("diff", "orders", "--against", "prod", "--exit-code").exits(3).stdout
    assert "orders  prod.main.orders → dev.main.orders" in told
    assert "amount  5 different" in told
    assert (shop.root / "prod.duckdb").read_bytes() == before


def test_files_of_one_name(project: Make) -> None:
    view = "select * from orders"
    shop = built(project, files("dev/shop.duckdb", "live/shop.duckdb", **{"models/seen.sql": view, "dev/x": "", "live/x": ""}))
    done = shop.orc("diff", "orders", "seen", "--against", "prod").exits(1)
    assert "shop__orc_other.main.orders → shop.main.orders" in done.stdout
    assert "seen  not compared" in done.stdout


def test_a_file_that_is_not_there(project: Make) -> None:
    shop = project(files())
    shop.orc("run").exits(0)
    assert "U051" in shop.orc("diff", "orders", "--against", "prod").exits(2).stderr


def test_the_key_is_what_the_project_says_it_is(project: Make) -> None:
    assert keyed(built(project, files())) == ("id", "inferred")


@pytest.mark.parametrize(
    ("properties", "key"),
    [
        ("config: {unique_key: [half, odd]}", ("half,odd", "unique_key")),
        ("columns: [{name: id, data_tests: [unique]}]", ("id", "test unique_orders_id")),
        ("columns: [{name: id, data_tests: [unique: {config: {where: 'id > 3'}}]}]", ("id", "inferred")),
        (
            "data_tests: [unique_combination_of_columns: {arguments: {combination_of_columns: [half, odd]}}]",
            ("half,odd", "test unique_combination_of_columns_orders_half__odd"),
        ),
        (
            f"config: {{contract: {{enforced: true}}}}\n    constraints: [{{type: primary_key, columns: [id]}}]\n    columns: [{TYPED}]",
            ("id", "primary key"),
        ),
    ],
)
def test_a_key_that_is_promised_is_taken(project: Make, properties: str, key: tuple[str, str]) -> None:
    yml = f"version: 2\nmodels:\n  - name: orders\n    {properties}\n"
    assert keyed(built(project, files(**{"models/orders.yml": yml}))) == key


def test_on_wins(project: Make) -> None:
    shop = built(project, files(**{"models/orders.yml": "version: 2\nmodels: [{name: orders, config: {unique_key: id}}]\n"}))
    told = shop.orc("diff", "orders", "--against", "prod", "--on", "half,odd").exits(0).stdout
    assert "compared by half, odd (--on)" in told


def test_an_inherited_class_hides_values_too(project: Make) -> None:
    mails = "{{ config(materialized='table') }} select i as id, 'a' || i || '@x' as mail from range({{ 3 if target.name == 'dev' else 2 }}) r(i)"
    loud = "{{ config(materialized='table') }} select id, upper(mail) as contact from mails"
    yml = "version: 2\nmodels:\n  - name: mails\n    columns: [{name: mail, meta: {pii: email}}]\n"
    shop = built(project, files(**{"models/mails.sql": mails, "models/loud.sql": loud, "models/mails.yml": yml}))
    told = shop.orc("diff", "loud", "--against", "prod").exits(0).stdout
    assert "****" in told
    assert "@X" not in told
    assert "@X" in shop.orc("diff", "loud", "--against", "prod", "--show-pii").exits(0).stdout
