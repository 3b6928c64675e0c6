"""`orc compile --offline`: Google's own analyzer judges BigQuery models; there is no server, no account and no network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.sql.googlesql_engine import cache_folder

if TYPE_CHECKING:
    from tests.projects.conftest import Make

pytest.importorskip("zetasql", reason="the extra googlesql is not installed")

KEPT = {"ORC_GOOGLESQL_CACHE": str(cache_folder(os.environ))}  # compiled once for all tests
PROFILE = "shop: {target: dev, outputs: {dev: {type: bigquery, method: oauth, project: shop-dw, dataset: marts}}}\n"
SHOP = {
    "profiles.yml": PROFILE,
    "dbt_project.yml": "name: shop\nprofile: shop\n",
    "models/props.yml": """
        sources:
          - {name: lake, tables: [{name: raw, columns: [{name: id, data_type: INT64}, {name: items, data_type: 'ARRAY<STRUCT<sku STRING, n INT64>>'}]}]}
        models: [{name: frame, columns: [{name: id, data_type: INT64}]}]
        """,
    "models/lines.sql": "select r.id, i.sku, i.n from {{ source('lake', 'raw') }} as r, unnest(r.items) as i",
    "models/few.sql": "{{ config(materialized='ephemeral') }} select id, sum(n) as n from {{ ref('lines') }} group by id",
    "models/totals.sql": "select id, safe_divide(n, 2) as half from {{ ref('few') }} qualify row_number() over (order by id) = 1",
    "models/frame.py": "def model(ctx):\n    return ctx.ref('totals').df()\n",
    "models/last.sql": "select id from {{ ref('frame') }} join {{ ref('totals') }} using (id)",
}


def test_columns_and_types_go_from_model_to_model(project: Make) -> None:
    told = project(SHOP).orc("compile", "--offline", env=KEPT).exits(0).stdout
    assert told.splitlines() == [
        "model.shop.lines   OK",
        "model.shop.totals  OK",
        "model.shop.frame   OK",
        "model.shop.last    OK",
    ]


def test_a_mistake_is_shown_at_its_place_in_the_template(project: Make) -> None:
    p = project({**SHOP, "models/totals.sql": "select id,\n  {{ 'nn' }} + 1 as more\nfrom {{ ref('lines') }}"})
    done = p.orc("compile", "--offline", env=KEPT).exits(1)
    assert "error[X324]" in done.stderr
    assert "nn" in done.stderr
    assert "models/totals.sql:2" in done.stderr
    assert "the columns of `totals` are not known" in done.stdout


def test_types_are_those_of_bigquery(project: Make) -> None:
    p = project({**SHOP, "models/totals.sql": "select id, sku + 1 as x from {{ ref('lines') }}"})
    assert "No matching signature for operator +" in p.orc("compile", "--offline", "-s", "totals", env=KEPT).exits(1).stderr


def test_only_bigquery_has_such_an_analyzer(project: Make) -> None:
    assert "U021" in project({"models/a.sql": "select 1 as id"}).orc("compile", "--offline", env=KEPT).exits(2).stderr
