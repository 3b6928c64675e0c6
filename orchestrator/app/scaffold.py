"""The project that ``orc init`` writes: small, complete, and built by the first ``orc build``."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

SCHEMAS = ".orchestrator/schema"
"""Where the JSON Schemas go: beside the state, but committed, so that a colleague's editor knows them too."""

KEPT = frozenset({".gitignore", "README.md", ".vscode/settings.json"})
"""Files that a folder may have already: the author's version stays."""

MISREAD = frozenset({"config", "true", "false", "yes", "no", "on", "off", "null", "y", "n"})
"""Names that profiles.yml, or YAML itself, takes for something else than a profile."""


def scaffold(name: str) -> dict[str, str]:
    """The files of a new project by path; ``name`` is what its folder is called.

    >>> sorted(path for path in scaffold("My shop") if path.startswith("models/"))
    ['models/customer_segments.py', 'models/order_totals.sql', 'models/orders.sql', 'models/shop.yml']
    """
    project = project_name(name)
    files = {path: text.lstrip("\n").replace("NAME", project) for path, text in _FILES.items()}
    return {**files, **{f"{SCHEMAS}/{file}": json.dumps(schema, ensure_ascii=False) + "\n" for file, schema in _schemas().items()}}


def project_name(folder: str) -> str:
    """What a project in ``folder`` is called: letters, digits and underscores, and nothing that YAML reads as a value.

    >>> project_name("My shop-2"), project_name("2024"), project_name("yes")
    ('my_shop_2', 'p_2024', 'yes_project')
    """
    from orchestrator.load.settings import as_name

    name = as_name(folder)
    return f"{name}_project" if name in MISREAD else name


def _schemas() -> dict[str, dict[str, Any]]:
    from orchestrator.load.schema import schema

    found = {file: defined(whole) for file, whole in schema().items()}
    project = found.pop("project.json")
    table = {"type": "object", "properties": {"tool": {"type": "object", "properties": {"orchestrator": {"$ref": "project.json"}}}}}
    return {**found, "project.json": project, "pyproject.json": {"$schema": project["$schema"], **table}}


def defined(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema that says what it repeats once, under ``definitions``: a tenth of the size, the same meaning.

    >>> long = {"type": "object", "properties": {word: {"type": "string"} for word in "abcdefgh"}}
    >>> small = defined({"properties": {"x": long, "y": long}})
    >>> small["properties"], small["definitions"]["d1"] == long
    ({'x': {'$ref': '#/definitions/d1'}, 'y': {'$ref': '#/definitions/d1'}}, True)
    """
    times: Counter[str] = Counter()
    _count(schema, times)
    names = {text: f"d{number}" for number, text in enumerate((t for t, n in times.items() if n > 1), 1)}
    body = {key: _replaced(value, names) for key, value in schema.items()}
    definitions = {names[text]: _inside(json.loads(text), names) for text in names}
    return {**body, **({"definitions": definitions} if definitions else {})}


_WORTH_A_NAME = 200
"""Characters from which on a repeated part gets a name of its own."""


def _count(value: Any, times: Counter[str]) -> None:
    if isinstance(value, dict) and _is_schema(value):
        text = json.dumps(value)
        if len(text) >= _WORTH_A_NAME:
            times[text] += 1
            if times[text] > 1:
                return  # what is inside is written once, with the first
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _count(inner, times)


def _is_schema(value: dict[str, Any]) -> bool:
    return isinstance(value.get("type"), str | list) or "anyOf" in value


def _replaced(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict) and _is_schema(value) and (name := names.get(json.dumps(value))):
        return {"$ref": f"#/definitions/{name}"}
    return _inside(value, names)


def _inside(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner, names) for key, inner in value.items()}
    return [_replaced(inner, names) for inner in value] if isinstance(value, list) else value


_FILES: dict[str, str] = {
    "pyproject.toml": """
#:schema ./.orchestrator/schema/pyproject.json

[tool.orchestrator]
name = "NAME"                      # letters, digits, underscores; config below is written under this name
version = "1.0.0"                  # yours to count; it is shown in target/manifest.json
profile = "NAME"                   # the entry of profiles.yml that says where to build
model-paths = ["models"]           # one file, one table or view: SQL or Python
seed-paths = ["seeds"]             # small CSV files that are loaded as tables
test-paths = ["tests/assertions"]  # queries that must return no rows
macro-paths = ["macros"]           # Jinja macros, and tests of your own
clean-targets = ["target"]         # what `orc clean` deletes

[tool.orchestrator.vars]           # read with var('…'); changed for one run with --vars '{regular_from: 2}'
regular_from = 3                   # orders that make a customer a regular

[tool.orchestrator.models.NAME]    # config for all models; a table of a folder's name holds config for that folder
"+materialized" = "table"          # table, view, incremental or ephemeral
""",
    "profiles.yml": """
# yaml-language-server: $schema=.orchestrator/schema/profiles.json
# Where to build. `orc build --target prod` chooses another output than the one `target` names; `orc debug` checks it.

NAME:
  target: dev
  outputs:
    dev:                            # a file beside this one: nothing to install, nothing to start
      type: duckdb
      path: warehouse.duckdb
      threads: 4                    # models built at the same time

    # prod:                         # needs: pip install 'sql-orchestrator[postgres]'
    #   type: postgres
    #   host: localhost
    #   port: 5432
    #   dbname: analytics
    #   schema: NAME
    #   user: "{{ env_var('PGUSER') }}"
    #   password: "{{ env_var('ORC_SECRET_PGPASSWORD') }}"   # ORC_SECRET_… is never shown anywhere
    #   sslmode: require
    #   threads: 4

    # cloud:                        # needs: pip install 'sql-orchestrator[bigquery]' and gcloud auth application-default login
    #   type: bigquery
    #   method: oauth
    #   project: my-project
    #   dataset: NAME
    #   location: EU
    #   maximum_bytes_billed: 10000000000
    #   threads: 8
""",
    ".gitignore": """
# Everything here can be made again with `orc build`.
/target/
/.orchestrator/*
!/.orchestrator/schema/
/*.duckdb
/*.duckdb.wal

__pycache__/
.venv/
""",
    "README.md": """
# NAME

    orc build                       # load the seed, build and test every model
    orc show -s order_totals        # look at one

`seeds/` holds CSV files, `models/` one query (or Python function) per table, `models/*.yml` what must be true of them,
`tests/assertions/` queries that must return nothing, `macros/` SQL that is used twice. Where it is built: `profiles.yml`.

A model reads another by its name: `from orders` is enough. A model whose tests fail is not published; the version before it stays.
""",
    "seeds/raw_orders.csv": """
order_id,ordered_on,customer,item,quantity,unit_price_cents,status
1,2026-03-02,Ada,espresso,2,250,paid
2,2026-03-02,Grace,filter coffee,1,320,paid
3,2026-03-03,Ada,cake,1,450,paid
4,2026-03-03,Edsger,espresso,1,250,cancelled
5,2026-03-04,Barbara,filter coffee,3,320,paid
6,2026-03-05,Ada,espresso,2,250,paid
7,2026-03-05,Grace,cake,2,450,paid
8,2026-03-06,Edsger,tea,1,280,paid
9,2026-03-07,Grace,espresso,1,250,paid
10,2026-03-09,Barbara,cake,1,450,cancelled
11,2026-03-09,Ada,tea,1,280,paid
12,2026-03-10,Donald,filter coffee,2,320,paid
""",
    "seeds/seeds.yml": """
# yaml-language-server: $schema=../.orchestrator/schema/properties.json
version: 2

seeds:
  - name: raw_orders
    description: The café's orders, as its till writes them.
    config:
      column_types: {ordered_on: date}
    columns:
      - name: order_id
        data_tests: [unique, not_null]
      - name: status
        data_tests:
          - accepted_values:
              arguments: {values: [paid, cancelled]}
""",
    "models/orders.sql": """
-- Orders that were paid, with amounts in euros. The seed is read by its name.
select
    order_id,
    ordered_on,
    customer,
    item,
    quantity,
    cast(quantity * unit_price_cents / 100.0 as numeric(10, 2)) as amount
from raw_orders
where status = 'paid'
""",
    "models/order_totals.sql": """
-- What each customer ordered so far. `orders` is the model in orders.sql, so it is built first.
select
    customer,
    count(*) as orders,
    sum(amount) as total,
    min(ordered_on) as first_order,
    max(ordered_on) as last_order
from orders
group by customer
""",
    "models/customer_segments.py": '''
"""Customers, the best first, as regulars or guests."""


def model(ctx):
    customers = ctx.ref("order_totals").df()  # a pandas frame; .arrow() gives a pyarrow table
    customers = customers.sort_values(["total", "customer"], ascending=[False, True])
    regular = customers["orders"] >= ctx.var("regular_from")
    customers["segment"] = regular.map({True: "regular", False: "guest"})
    customers["place"] = range(1, len(customers) + 1)
    return customers[["place", "customer", "segment", "orders", "total"]]
''',
    "models/shop.yml": """
# yaml-language-server: $schema=../.orchestrator/schema/properties.json
version: 2

models:
  - name: orders
    description: One row per paid order.
    config:
      materialized: view
    columns:
      - name: order_id
        data_tests: [unique, not_null]
      - name: amount
        description: Euros.
        data_tests: [positive]      # defined in macros/positive.sql

  - name: order_totals
    description: One row per customer.
    columns:
      - name: customer
        data_tests: [unique, not_null]

  - name: customer_segments
    description: Customers by what they spent.
    columns:
      - name: segment
        data_tests:
          - accepted_values:
              arguments: {values: [regular, guest]}
      - name: customer
        data_tests:
          - relationships:
              arguments: {to: ref('order_totals'), field: customer}

unit_tests:
  - name: cancelled_orders_do_not_count
    description: Runs before `orders` is built, on these rows instead of the seed's.
    model: orders
    given:
      - input: ref('raw_orders')
        rows:
          - {order_id: 1, quantity: 2, unit_price_cents: 250, status: paid}
          - {order_id: 2, quantity: 1, unit_price_cents: 450, status: cancelled}
    expect:
      rows:
        - {order_id: 1, amount: 5.0}
""",
    "tests/assertions/totals_add_up.sql": """
-- Returns a row, and so fails, when the customers' totals are not the sum of the orders.
select ordered.amount, totalled.amount as total
from (select sum(amount) as amount from orders) as ordered
cross join (select sum(total) as amount from order_totals) as totalled
where ordered.amount <> totalled.amount
""",
    "macros/positive.sql": """
{# A test of your own: the rows it selects are failures. In YAML it is called `positive`. #}
{% test positive(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} <= 0
{% endtest %}
""",
    ".vscode/settings.json": """
{
  "yaml.schemas": {
    "./.orchestrator/schema/profiles.json": ["profiles.yml"],
    "./.orchestrator/schema/properties.json": ["models/**/*.yml", "seeds/**/*.yml", "macros/**/*.yml", "tests/**/*.yml"]
  },
  "files.associations": { "models/**/*.sql": "sql", "macros/**/*.sql": "jinja-sql" },
  "files.exclude": { "target": true, "**/__pycache__": true }
}
""",
}
