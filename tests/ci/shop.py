"""A shop's project in a repository of git, and the pull requests that its people make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

FILES: Mapping[str, str] = {
    "pyproject.toml": """
        [tool.orchestrator]
        name = "shop"
        profile = "shop"
        """,
    ".gitignore": """
        .orchestrator/
        target/
        warehouse.duckdb*
        """,
    "seeds/raw_orders.csv": """
        id,customer,amount,status,day
        1,1,10.5,done,2026-01-01
        2,1,20.0,done,2026-01-02
        3,2,5.25,open,2026-01-02
        4,3,7.0,done,2026-01-03
        5,3,1.75,void,2026-01-04
        6,2,12.0,done,2026-01-04
        """,
    "seeds/raw_customers.csv": """
        id,name,region
        1,Ada,north
        2,Bob,south
        3,Cyd,north
        """,
    "models/staging/stg_orders.sql": """
        select
            id,
            customer,
            amount,
            status,
            day
        from raw_orders
        """,
    "models/staging/stg_customers.sql": """
        select
            id,
            name,
            region
        from raw_customers
        """,
    "models/marts/orders.sql": """
        {{ config(materialized="table") }}

        select
            o.id,
            o.customer,
            o.amount,
            o.amount * 0.2 as tax,
            o.day
        from stg_orders as o
        where o.status <> 'void'
        """,
    "models/marts/customers.sql": """
        {{ config(materialized="table", contract={"enforced": true}) }}

        select
            c.id,
            c.name,
            cast(count(o.id) as bigint) as orders
        from stg_customers as c
        left join orders as o on o.customer = c.id
        group by c.id, c.name
        """,
    "models/marts/north.sql": """
        {{ config(materialized="table") }}

        select
            o.day,
            sum(o.amount) as revenue
        from orders as o
        join stg_customers as c on c.id = o.customer
        where c.region = 'north'
        group by o.day
        """,
    "models/marts/taxes.sql": """
        {{ config(materialized="table") }}

        select
            day,
            sum(tax) as tax
        from orders
        group by day
        """,
    "models/marts/days.sql": """
        {{ config(materialized="incremental", unique_key="day") }}

        select
            day,
            count(*) as orders
        from orders
        {% if is_incremental() %}
        where day >= (select max(day) from {{ this }})
        {% endif %}
        group by day
        """,
    "models/schema.yml": """
        version: 2
        models:
          - name: orders
            description: What was sold.
            columns:
              - name: id
                data_tests: [unique, not_null]
          - name: customers
            columns:
              - {name: id, data_type: bigint}
              - {name: name, data_type: text}
              - {name: orders, data_type: bigint}
          - name: taxes
            columns:
              - name: tax
                data_tests: [not_null]
        exposures:
          - name: tax_return
            type: application
            owner: {name: Finance, email: finance@shop.example}
            depends_on: [ref('taxes')]
        """,
}

PROFILES: Mapping[str, str] = {
    "duckdb": """
        shop:
          target: prod
          outputs:
            prod: {type: duckdb, path: warehouse.duckdb, schema: shop, threads: 2}
            ci: {type: duckdb, path: warehouse.duckdb, schema: dev, threads: 2}
            elsewhere: {type: duckdb, path: elsewhere.duckdb, schema: shop}
        """,
    "postgres": """
        shop:
          target: prod
          outputs:
            prod: &prod
              type: postgres
              host: "{{ env_var('SHOP_HOST') }}"
              user: "{{ env_var('SHOP_USER') }}"
              password: "{{ env_var('SHOP_PASSWORD', '') }}"
              port: "{{ env_var('SHOP_PORT') | int }}"
              dbname: "{{ env_var('SHOP_DATABASE') }}"
              schema: shop
              threads: 2
            ci: {<<: *prod, schema: dev}
        """,
}


class Files:
    """The files of a project, and what people do to them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text, f"{path} does not say {old!r}"
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def move(self, path: str, to: str) -> None:
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).rename(self.root / to)

    def remove(self, path: str) -> None:
        (self.root / path).unlink()


def cosmetic(files: Files) -> None:
    """A comment, another layout, a better description."""
    files.write("models/staging/stg_orders.sql", "-- one row per order\nselect id, customer, amount, status, day\nfrom raw_orders\n")
    files.change("models/schema.yml", "What was sold.", "What was sold, and was not called off.")


def column_added(files: Files) -> None:
    files.change("models/marts/orders.sql", "    o.day\n", "    o.day,\n    o.amount * 1.2 as gross\n")


def column_removed(files: Files) -> None:
    """`north` asks for the region in its WHERE; nobody looked there."""
    files.change("models/staging/stg_customers.sql", "    name,\n    region\n", "    name\n")


def column_removed_and_reader_fixed(files: Files) -> None:
    files.change("models/staging/stg_customers.sql", "    name,\n    region\n", "    name\n")
    files.change("models/marts/north.sql", "where c.region = 'north'", "where c.name <> 'Bob'")


def expression_changed(files: Files) -> None:
    files.change(
        "models/marts/orders.sql", "o.amount * 0.2 as tax", "case when o.amount > 10 then o.amount * 0.3 else o.amount * 0.2 end as tax"
    )


def rows_changed(files: Files) -> None:
    files.change("models/marts/orders.sql", "where o.status <> 'void'", "where o.status = 'done'")


def test_fails(files: Files) -> None:
    """Every order counts twice, and a test says that it must not."""
    files.change(
        "models/marts/orders.sql",
        "from stg_orders as o\n",
        "from stg_orders as o\ncross join (select 1 as one union all select 2) as twice\n",
    )


def moved(files: Files) -> None:
    files.move("models/staging/stg_orders.sql", "models/landing/stg_orders.sql")


def added_and_removed(files: Files) -> None:
    files.write("models/marts/regions.sql", "select region, count(*) as customers from stg_customers group by region\n")
    files.remove("models/marts/taxes.sql")
    files.change(
        "models/schema.yml",
        """  - name: taxes
    columns:
      - name: tax
        data_tests: [not_null]
""",
        """  - name: regions
    columns:
      - name: region
        data_tests: [unique]
""",
    )
    files.change("models/schema.yml", "ref('taxes')", "ref('orders')")


def contract_changed(files: Files) -> None:
    files.change("models/marts/customers.sql", "cast(count(o.id) as bigint) as orders", "cast(count(o.id) as integer) as orders")
    files.change("models/schema.yml", "{name: orders, data_type: bigint}", "{name: orders, data_type: integer}")


def test_added(files: Files) -> None:
    """Nothing is built for it: production is asked."""
    files.change(
        "models/schema.yml",
        "  - name: taxes\n",
        "  - name: north\n    columns:\n      - name: day\n        data_tests: [unique]\n  - name: taxes\n",
    )


PULL_REQUESTS: Mapping[str, Callable[[Files], None]] = {
    f.__name__: f
    for f in (
        cosmetic, column_added, column_removed, column_removed_and_reader_fixed, expression_changed, rows_changed, test_fails, moved,
        added_and_removed, contract_changed, test_added,
    )
}  # fmt: skip
