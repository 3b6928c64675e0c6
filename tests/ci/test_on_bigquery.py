"""`orc ci` on BigQuery's stand-in: the same pull requests are told the same as on DuckDB, up to types and the engine's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from orchestrator.testing.fixtures import bigquery_fake, bigquery_server
from tests.ci.conftest import Repository, _built, _filled
from tests.ci.shop import PULL_REQUESTS

if TYPE_CHECKING:
    from orchestrator.testing.bigquery.server import Server

__all__ = ["bigquery_fake", "bigquery_server"]

GOLDEN = Path(__file__).parent / "golden" / "duckdb"

PROFILE = """
    shop:
      target: prod
      outputs:
        prod: {type: bigquery, project: shop-dw, schema: shop, location: EU, threads: 2, api_endpoint: "{{ env_var('SHOP_URL') }}"}
    """


class Warehouse:
    """The stand-in, asked beside the tool."""

    def __init__(self, url: str) -> None:
        self.client = bigquery.Client("shop-dw", AnonymousCredentials(), client_options={"api_endpoint": url}, location="EU")

    def relations(self) -> dict[str, list[str]]:
        return {d.dataset_id: sorted(t.table_id for t in self.client.list_tables(d)) for d in self.client.list_datasets()}

    def production(self) -> dict[str, Any]:
        """Rows of all that is there, and when it was last made: equal while nobody touched it."""
        rows = {
            name: (
                self.client.get_table(f"shop.{name}").created,
                sorted(str(tuple(r)) for r in self.client.query(f"select * from shop.{name}")),
            )
            for name in self.relations()["shop"]
        }
        ledger = self.client.query("select * from _orc.ledger where node not like '%/%'")
        return {"rows": rows, "ledger": sorted(str(tuple(r)) for r in ledger)}


@pytest.fixture
def repository(bigquery_fake: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "shop", "bigquery", {"SHOP_URL": bigquery_fake.url}, monkeypatch, capsys)
    _filled(made.root, "duckdb")
    made.write("profiles.yml", PROFILE)
    made.change("models/schema.yml", "data_type: bigint", "data_type: int64")
    made.change("models/schema.yml", "data_type: text", "data_type: string")
    made.change("models/marts/customers.sql", "as bigint", "as int64")
    _built(made)
    made.git("checkout", "-q", "-b", "faster")
    return made


@pytest.mark.parametrize("name", ["expression_changed", "test_fails"])
def test_a_pull_request_on_bigquery_is_told_as_on_duckdb(repository: Repository, name: str) -> None:
    warehouse = Warehouse(repository.environment["SHOP_URL"])
    before = warehouse.production()
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    PULL_REQUESTS[name](repository)
    repository.commit(name)
    review = repository.ci(code=0 if expected["passes"] else 1)
    assert warehouse.production() == before
    assert set(warehouse.relations()) == {"shop", "shop__pr_482"}
    assert [told(node) for node in review["nodes"]] == [told(node) for node in expected["nodes"]]
    assert review["unaffected"] == expected["unaffected"]
    assert [(t["name"], t["status"], t["failures"]) for t in review["tests"]] == [
        (t["name"], t["status"], t["failures"]) for t in expected["tests"]
    ]
    assert [problem["code"] for problem in review["blocking"]] == [problem["code"] for problem in expected["blocking"]]
    built = [node["name"] for node in review["nodes"] if node["status"] == "passed"]
    assert all(node["bytes"] is not None for node in review["nodes"] if node["name"] in built)


TOLD = ("name", "what", "changes", "breaking", "rebuilt", "reason", "status", "rows")
FOUND = ("differs", "how", "rows_before", "rows_after", "key", "added", "removed", "changed", "same")


def told(node: Mapping[str, Any]) -> dict[str, Any]:
    """What a review says of a node on any engine."""
    difference = node["difference"] or {}
    columns = [(c["name"], c["compared"], c["equal"], spread(c["before"]), spread(c["after"])) for c in difference.get("columns", ())]
    return {**{key: node[key] for key in TOLD}, **{key: difference.get(key) for key in FOUND}, "columns": columns}


def spread(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of one side's values; engines add floats up in orders of their own."""
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in told.items()}
