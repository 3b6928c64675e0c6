"""Artifacts of a small project with one of everything: the shape that readers of dbt's artifacts take, and nothing they must not see."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.event import Event, NodeFinished, RunFinished, RunStarted, Status
from orchestrator.core.files import MemoryTree, Span
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import (
    Body,
    Column,
    Docs,
    ExposureBody,
    Fixture,
    HookBody,
    Kind,
    NativeTestBody,
    Node,
    PythonBody,
    Query,
    SeedBody,
    SourceBody,
    SqlBody,
    UnitTestBody,
)
from orchestrator.core.project import Project, Properties, Settings, Target
from orchestrator.core.run import Run
from orchestrator.publish.error_json import error_json
from orchestrator.publish.facts import Facts
from orchestrator.publish.manifest import manifest
from orchestrator.publish.publish import as_text, patched, publish
from orchestrator.publish.run_results import run_results

GOLDEN = Path(__file__).parents[2] / "golden" / "publish"
AT = datetime(2026, 1, 2, 9, 14, 2, tzinfo=UTC)


def quoted(relation: Relation) -> str:
    return ".".join(f'"{part}"' for part in (relation.database, relation.schema, relation.name) if part)


def facts(**more: Any) -> Facts:
    return Facts("run-1", AT, AT - timedelta(seconds=2), "duckdb", version="0.1", quoted=quoted, **more)


def project(**settings: Any) -> Project:
    target = Target("shop", "dev", "duckdb", "w", "main", 4, {})
    group = Properties("groups", "finance", "models/groups.yml", {"name": "finance", "owner": {"name": "Ann", "email": "a@b.c"}}, {(): 1})
    return Project(Settings("shop", **settings), target, MemoryTree({}), {}, {}, properties=(group,))


def node(id_: str, path: str, *needs: str, kind: Kind = "model", config: Mapping[str, Any] | None = None, **more: Any) -> Node:
    _, package, name = id_.split(".", 2)
    relation = Relation("w", "main", name) if kind in ("model", "seed", "source") else None
    values: dict[str, Any] = {"relation": relation, "depends_on": needs, **more}
    return Node(
        id_, kind, more.pop("name", name), package, path, (package, name), config or {}, **{k: v for k, v in values.items() if k != "name"}
    )


ID = Column("id", "the key", "integer", ("pii",), {"owner": "ann"}, constraints=({"type": "not_null"},))


def graph() -> Graph:
    nodes = [
        node("source.shop.raw.orders", "models/schema.yml", kind="source", name="orders", source_name="raw"),
        node("seed.shop.names", "seeds/names.csv", kind="seed", config={"materialized": "seed", "column_types": {"id": "int"}}),
        node(
            "model.shop.orders",
            "models/stg/orders.sql",
            "source.shop.raw.orders",
            config={"tags": ("daily",), "group": "finance", "meta": {"a": 1}},
        ),
        node(
            "model.shop.mart",
            "models/mart.sql",
            "model.shop.orders",
            "seed.shop.names",
            config={"materialized": "table", "post_hook": "select 1"},
        ),
        node("model.shop.py", "models/py.py", "model.shop.mart", config={"materialized": "table"}, language="python"),
        node(
            "test.shop.not_null_orders_id.abc123",
            "models/schema.yml",
            "model.shop.orders",
            kind="test",
            name="not_null_orders_id",
            config={"severity": "warn"},
            attached="model.shop.orders",
            column="id",
            test_name="not_null",
        ),
        node("test.shop.positive", "tests/positive.sql", "model.shop.orders", kind="test"),
        node("unit_test.shop.orders.ut", "models/schema.yml", "model.shop.orders", kind="unit_test", name="ut"),
        node("exposure.shop.dash", "models/schema.yml", "model.shop.mart", kind="exposure", name="dash"),
        node("analysis.shop.look", "analyses/look.sql", "model.shop.mart", kind="analysis"),
        node("operation.shop.on-run-start-0", "dbt_project.yml", kind="operation"),
    ]
    docs = Docs("Orders, one row each", (ID, Column("amount")), "models/schema.yml", {"a": 1})
    bodies: dict[str, Body] = {
        "source.shop.raw.orders": SourceBody(docs, "Raw tables", "fivetran", "loaded_at", {"warn_after": {"count": 1, "period": "day"}}),
        "seed.shop.names": SeedBody("0f0f"),
        "model.shop.orders": SqlBody(
            "select * from raw.orders", Query("select * from raw.orders"), docs=docs, macros=("macro.shop.cents",)
        ),
        "model.shop.mart": SqlBody("select * from {{ ref('orders') }}", Query("select * from orders")),
        "model.shop.py": PythonBody("def model(ctx): ..."),
        "test.shop.not_null_orders_id.abc123": NativeTestBody({}),
        "test.shop.positive": SqlBody("select * from orders where amount < 0", Query("select * from orders where amount < 0")),
        "unit_test.shop.orders.ut": UnitTestBody(
            "orders", (Fixture("source('raw', 'orders')", ({"id": 1},)),), Fixture("", None, "select 1 as id")
        ),
        "exposure.shop.dash": ExposureBody("dashboard", {"name": "Ann"}, Docs("A dashboard"), "Dash", "https://example.com", "high"),
        "analysis.shop.look": SqlBody("select 1", Query("select 1")),
        "operation.shop.on-run-start-0": HookBody("select 1", "start", 0),
    }
    return Graph({n.id: n for n in nodes}, bodies, project="shop", macros={"macro.shop.cents": "macros/cents.sql"})


def run() -> Run:
    def ended(id_: str, kind: Kind, status: Status, **more: Any) -> NodeFinished:
        return NodeFinished(AT, id_, kind, id_, 1, status, 0.25, "Thread-1", started=AT - timedelta(seconds=0.25), **more)

    problem = Problem("X002", "no column `idd`", Span("models/mart.sql", 1, 8))
    events: list[Event] = [
        RunStarted(AT, "run-1", "build", "0.1", "dev", 4, 6, arguments={"select": ["+mart"], "ratio": float("nan")}),
        ended("seed.shop.names", "seed", Status.PASSED, message="INSERT 5", rows=5, response={"rows_affected": 5}),
        ended("model.shop.orders", "model", Status.WARNED, message="CREATE VIEW", response={"score": float("inf")}),
        ended(
            "test.shop.not_null_orders_id.abc123", "test", Status.WARNED, failures=2, message="Got 2 results, configured to warn if != 0"
        ),
        ended("test.shop.positive", "test", Status.FAILED, failures=1, message="Got 1 result, configured to fail if != 0"),
        ended("model.shop.mart", "model", Status.FAILED, message="Binder Error", problem=problem),
        ended("model.shop.py", "model", Status.SKIPPED, because="model.shop.mart"),
        RunFinished(AT, "run-1", 1.5),
    ]
    return Run.of(events)


def big(models: int = 1000, tests: int = 2250) -> Graph:
    nodes: dict[str, Node] = {}
    bodies: dict[str, Body] = {}
    sql = "select " + ", ".join(f"t.column_{i} as renamed_{i}" for i in range(40)) + " from some_table t where t.id > 5\n"
    for i in range(models):
        needs = tuple(f"model.shop.m{j}" for j in (i - 1, i - 7, i // 2) if 0 <= j < i)
        one = node(
            f"model.shop.m{i}",
            f"models/layer_{i % 9}/m{i}.sql",
            *dict.fromkeys(needs),
            config={"materialized": "table", "tags": ("daily",)},
        )
        columns = tuple(Column(f"renamed_{c}", f"What renamed_{c} means to its readers", "integer") for c in range(15))
        nodes[one.id] = one
        bodies[one.id] = SqlBody(f"-- {i}\n{sql}", Query(sql), docs=Docs("A model about something", columns, "models/schema.yml"))
    for i in range(tests):
        of = i % models
        id_ = f"test.shop.not_null_m{of}_renamed_{i // models}.{i:010x}"
        nodes[id_] = node(
            id_,
            "models/schema.yml",
            f"model.shop.m{of}",
            kind="test",
            name=id_.split(".")[2],
            attached=f"model.shop.m{of}",
            column="renamed_0",
            test_name="not_null",
        )
        bodies[id_] = NativeTestBody({})
    return Graph(nodes, bodies, project="shop")


def golden(name: str, artifact: Mapping[str, Any]) -> None:
    """Compare with the file, or (``GOLDEN=write``) make it so; the diff is then reviewed like any other."""
    text = json.dumps(artifact, indent=1) + "\n"
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / name).write_text(text)
    assert text == (GOLDEN / name).read_text()


def compiled() -> dict[str, str]:
    return {id_: body.query.sql for id_, body in graph().bodies.items() if isinstance(body, SqlBody)}


TOP = "metadata nodes sources macros docs exposures metrics groups selectors disabled parent_map child_map group_map saved_queries semantic_models unit_tests functions"
COMMON = "name resource_type package_name path original_file_path unique_id fqn created_at"
PLACED = f"{COMMON} database schema relation_name alias checksum config tags description columns meta group docs patch_path build_path unrendered_config raw_code doc_blocks"
COMPILED = f"{PLACED} language refs sources metrics functions depends_on compiled_path compiled compiled_code extra_ctes_injected extra_ctes contract"
KEYS = {
    "model": f"{COMPILED} access constraints version latest_version deprecation_date primary_key time_spine",
    "seed": f"{PLACED} root_path depends_on",
    "test": COMPILED,
    "generic test": f"{COMPILED} column_name file_key_name attached_node test_metadata",
    "analysis": COMPILED,
    "operation": f"{COMPILED} index",
    "source": f"{COMMON} database schema relation_name source_name source_description loader identifier quoting loaded_at_field loaded_at_query freshness"
    " external description columns meta source_meta tags config patch_path unrendered_config unrendered_database unrendered_schema doc_blocks",
    "exposure": f"{COMMON} type owner description label maturity meta tags config unrendered_config url depends_on refs sources metrics",
    "unit_test": f"{COMMON} model given expect description overrides depends_on config checksum schema versions version",
}
COLUMN = "name description meta data_type constraints quote config tags granularity doc_blocks"
RESULT = (
    "status timing thread_id execution_time adapter_response message failures unique_id compiled compiled_code relation_name batch_results"
)


def test_the_manifest_has_the_keys_of_version_12_and_no_others() -> None:
    made = manifest(graph(), project(), facts(compiled=compiled()))
    assert list(made) == TOP.split()
    assert made["metadata"]["dbt_schema_version"].endswith("/manifest/v12.json")
    everything = {**made["nodes"], **made["sources"], **made["exposures"], **made["unit_tests"]}
    assert everything.keys() == graph().nodes.keys()
    for id_, found in everything.items():
        shape = "generic test" if "test_metadata" in found else found["resource_type"]
        assert set(found) == set(KEYS[shape].split()), id_
        assert found["unique_id"] == id_
    [column, _] = made["nodes"]["model.shop.orders"]["columns"].values()
    assert set(column) == set(COLUMN.split())


def test_edges_are_told_in_both_directions() -> None:
    made = manifest(graph(), project(), facts())
    assert made["parent_map"]["model.shop.mart"] == ["model.shop.orders", "seed.shop.names"]
    assert made["child_map"]["model.shop.mart"] == ["model.shop.py", "exposure.shop.dash", "analysis.shop.look"]
    assert made["parent_map"].keys() == made["child_map"].keys() == graph().nodes.keys()
    assert made["group_map"] == {"finance": ["model.shop.orders"]}
    assert made["groups"]["group.shop.finance"]["owner"] == {"email": "a@b.c", "name": "Ann"}


def test_manifest_as_readers_see_it() -> None:
    golden("manifest.json", manifest(graph(), project(), facts(compiled=compiled(), sent={"model.shop.mart": "create table"})))


def test_run_results_as_readers_see_them() -> None:
    made = json.loads(as_text(run_results(run(), graph(), facts(compiled=compiled()))))
    assert made["metadata"]["dbt_schema_version"].endswith("/run-results/v6.json")
    assert all(set(result) == set(RESULT.split()) for result in made["results"])
    golden("run_results.json", made)


@pytest.mark.parametrize(
    ("code", "heading"),
    [
        ("X102", "Database Error in model orders (models/stg/orders.sql)"),
        ("X310", "Compilation Error in model orders (models/stg/orders.sql)"),
        ("X360", "Compilation Error in model orders (models/stg/orders.sql)"),
        ("R002", "Compilation Error in model orders (models/stg/orders.sql)"),
        ("X201", "Runtime Error in model orders (models/stg/orders.sql)"),
    ],
)
@pytest.mark.parametrize("status", [Status.FAILED, Status.CRASHED])
def test_what_failed_says_first_whose_error_it_is_and_where(code: str, heading: str, status: Status) -> None:
    assert told("model.shop.orders", status, "no such column\n  x", code).splitlines() == [heading, "  no such column", "    x"]


def test_what_did_not_fail_has_no_heading() -> None:
    assert told("model.shop.orders", Status.PASSED, "SELECT 1", None) == "SELECT 1"
    assert told("model.shop.orders", Status.SKIPPED, "its parent failed", "X300") == "its parent failed"
    assert told("test.shop.not_null_orders_id.abc123", Status.FAILED, "2 rows", "X303", failures=2) == "2 rows"


def told(id_: str, status: Status, message: str, code: str | None, failures: int | None = None) -> str:
    """The message of a node's result in the artifact."""
    node = graph().nodes[id_]
    problem = Problem(code, message) if code else None
    end = NodeFinished(AT, id_, node.kind, id_, 1, status, 0.0, "T", message=message, problem=problem, failures=failures)
    (result,) = run_results(replace(run(), results=(end,)), graph(), facts())["results"]
    return str(result["message"])


def test_statuses_are_those_readers_know() -> None:
    def word(status: Status, kind: Kind, failures: int | None = None) -> str:
        return NodeFinished(AT, "x", kind, "x", 1, status, 0.0, "T", failures=failures).outcome

    assert [word(s, "model") for s in Status] == [
        "success",
        "success",
        "error",
        "error",
        "skipped",
        "skipped",
        "reused",
        "no-op",
        "partial success",
    ]
    assert [word(s, "test", 1) for s in Status][:-1] == ["pass", "warn", "fail", "error", "skipped", "skipped", "reused", "no-op"]
    assert word(Status.FAILED, "test") == "error"


def test_artifacts_are_json_whatever_a_config_holds() -> None:
    odd: dict[Any, Any] = {"ratio": float("nan"), "day": AT.date(), "tags": {"b", "a"}, ("k",): Path("x")}
    base = graph()
    nodes = {**base.nodes, "model.shop.py": replace(base.nodes["model.shop.py"], config=odd)}
    made = json.loads(as_text(manifest(Graph(nodes, base.bodies), project(), facts())), parse_constant=pytest.fail)
    found = made["nodes"]["model.shop.py"]["config"]
    assert (found["ratio"], found["day"], sorted(found["tags"])) == (None, "2026-01-02", ["a", "b"])


def test_texts_lie_where_people_look_for_them() -> None:
    texts = {**compiled(), "test.shop.not_null_orders_id.abc123": "select 1", "unit_test.shop.orders.ut": "select 2", "gone": "x"}
    files = publish(graph(), project(), facts(compiled=texts, sent={"model.shop.py": "create table"}), run())
    assert list(files) == [
        "manifest.json",
        "run_results.json",
        "compiled/shop/models/stg/orders.sql",
        "compiled/shop/models/mart.sql",
        "compiled/shop/tests/positive.sql",
        "compiled/shop/analyses/look.sql",
        "compiled/shop/models/schema.yml/not_null_orders_id.sql",
        "compiled/shop/models/schema.yml/ut.sql",
        "run/shop/models/py.py",
    ]
    found = json.loads("".join(files["manifest.json"]))["nodes"]["test.shop.not_null_orders_id.abc123"]
    assert found["compiled_path"] == "target/compiled/shop/models/schema.yml/not_null_orders_id.sql"


def test_the_manifest_that_is_written_in_pieces_is_the_manifest() -> None:
    made = json.loads("".join(publish(graph(), project(), facts())["manifest.json"]))
    assert made == json.loads(as_text(manifest(graph(), project(), facts())))


def test_entries_of_changed_nodes_are_replaced_in_a_written_manifest() -> None:
    before = graph()
    id_ = "model.shop.orders"
    after = replace(before, nodes={**before.nodes, id_: replace(before.nodes[id_], depends_on=(), fqn=("shop", "moved", "orders"))})
    lines = "".join(publish(before, project(), facts())["manifest.json"]).encode().splitlines(keepends=True)
    changed = {id_, *before.nodes[id_].depends_on}
    again = b"".join(patched(lines, after, project(), facts(), changed))
    assert json.loads(again) == json.loads("".join(publish(after, project(), facts())["manifest.json"]))
    assert again != b"".join(lines)


def test_without_a_run_there_are_no_results() -> None:
    assert list(publish(graph(), project(), facts())) == ["manifest.json"]


def test_an_error_is_told_with_its_class_place_and_all_its_problems() -> None:
    one = Problem("C001", "unknown key `x`", Span("models/schema.yml", 3, 5), "did you mean `y`?")
    made = json.loads(error_json(ConfigError(one, Problem("C002", "no profile"))))
    assert {k: made[k] for k in ("type", "message", "code", "file", "line")} == {
        "type": "DbtProjectError",
        "message": "unknown key `x`",
        "code": "C001",
        "file": "models/schema.yml",
        "line": 3,
    }
    assert [p["code"] for p in made["problems"]] == ["C001", "C002"]
    assert made["problems"][1]["file"] is None
