from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.errors import UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.node import Docs, Kind, Node, Query, SqlBody
from orchestrator.graph.select import select
from orchestrator.graph.selectors import Selectors, selectors


def node(kind: Kind, name: str, *parents: str, folder: str = "", package: str = "shop", ext: str = "sql", **rest: Any) -> Node:
    id_ = f"{kind}.{package}.{name}"
    folders = tuple(folder.split("/")) if folder else ()
    root = {"model": "models", "seed": "seeds", "snapshot": "snapshots", "test": "tests"}.get(kind, "models")
    path = rest.pop("path", "/".join((root, *folders, f"{name}.{ext}")))
    return Node(id_, kind, name, package, path, (package, *folders, name), rest.pop("config", {}), depends_on=parents, **rest)


RAW = replace(node("source", "orders", path="models/staging/sources.yml", source_name="raw"), id="source.shop.raw.orders")
NODES = (
    RAW,
    node("seed", "countries", ext="csv", config={"tags": ["static"]}),
    node("model", "stg_orders", RAW.id, folder="staging", config={"tags": ["nightly"], "materialized": "view"}),
    node("model", "stg_customers", "seed.shop.countries", folder="staging/crm", config={"group": "crm"}),
    node("model", "orders", "model.shop.stg_orders", "model.shop.stg_customers", folder="mart",
         config={"materialized": "incremental", "unique_key": ["id", "day"], "meta": {"pii": True, "owner": "ann", "level": 3}, "access": "public"}),
    node("model", "revenue", "model.shop.orders", folder="mart", config={"tags": ["nightly", "finance"], "materialized": "table"}),
    node("model", "dates", folder="cal", package="lib"),
    node("test", "unique_orders_id", "model.shop.orders", folder="mart", path="models/mart/schema.yml",
         attached="model.shop.orders", column="id", test_name="unique", config={"severity": "ERROR"}),
    node("test", "rel_orders_stg", "model.shop.orders", "model.shop.stg_customers", folder="mart", path="models/mart/schema.yml",
         attached="model.shop.orders", test_name="dbt_utils.relationships", config={"severity": "warn", "tags": ["slow"]}),
    node("test", "assert_revenue", "model.shop.revenue"),
    node("test", "src_not_null", RAW.id, path="models/staging/sources.yml", test_name="not_null", attached=RAW.id),
    node("unit_test", "adds_up", "model.shop.orders", "model.shop.stg_orders", folder="mart", path="models/mart/schema.yml", attached="model.shop.orders"),
    node("exposure", "board", "model.shop.revenue", path="models/mart/exposures.yml"),
    node("analysis", "deep_dive", "model.shop.revenue", path="analyses/deep_dive.sql"),
)  # fmt: skip
BODIES = {"model.shop.orders": SqlBody("", Query(""), docs=Docs(patch_path="shop://models/mart/schema.yml"))}
GRAPH = Graph({n.id: n for n in NODES}, BODIES, project="shop", disabled=("model.shop.old_orders",))


def names(
    *words: str,
    exclude: Sequence[str] = (),
    types: Sequence[str] | None = ("model", "seed", "source", "exposure"),
    graph: Graph = GRAPH,
    **rest: Any,
) -> set[str]:
    return {
        graph.nodes[id_].name if id_ != RAW.id else "raw.orders" for id_ in select(graph, words, exclude, resource_types=types, **rest).ids
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # names, and how far around them
        ("orders", {"orders"}),
        ("+orders", {"orders", "stg_orders", "stg_customers", "raw.orders", "countries"}),
        ("1+orders", {"orders", "stg_orders", "stg_customers"}),
        ("0+orders", {"orders"}),
        ("orders+", {"orders", "revenue", "board"}),
        ("orders+1", {"orders", "revenue"}),
        ("1+orders+1", {"orders", "revenue", "stg_orders", "stg_customers"}),
        ("99999999999999999999+orders", {"orders", "stg_orders", "stg_customers", "raw.orders", "countries"}),
        ("@stg_orders", {"stg_orders", "orders", "revenue", "board", "stg_customers", "raw.orders", "countries"}),
        # dotted names
        ("shop.mart.orders", {"orders"}),
        ("mart.orders", {"orders"}),
        ("mart", {"orders", "revenue"}),
        ("staging", {"stg_orders", "stg_customers"}),
        ("staging.crm", {"stg_customers"}),
        ("shop", {"stg_orders", "stg_customers", "orders", "revenue", "countries", "board"}),
        ("lib", {"dates"}),
        ("lib.*", {"dates"}),
        ("*.mart.*", {"orders", "revenue"}),
        ("mart.r*", {"revenue"}),
        ("mart.[or]*", {"orders", "revenue"}),
        ("*customer?", {"stg_customers"}),
        ("stg_*", {"stg_orders", "stg_customers"}),
        ("o?ders", {"orders"}),
        ("mart.stg_*", set()),
        ("ord", set()),
        ("sta", set()),
        # words are alternatives, commas conditions
        ("orders revenue", {"orders", "revenue"}),
        ("orders  revenue", {"orders", "revenue"}),
        ("mart,tag:nightly", {"revenue"}),
        ("mart,tag:nightly stg_orders", {"revenue", "stg_orders"}),
        ("+revenue,tag:nightly", {"revenue", "stg_orders"}),
        # methods
        ("tag:nightly", {"stg_orders", "revenue"}),
        ("tag:fin*", {"revenue"}),
        ("tag:night", set()),
        ("tag:nightly+", {"stg_orders", "revenue", "orders", "board"}),
        ("path:models/mart", {"orders", "revenue", "board"}),
        ("models/mart/", {"orders", "revenue", "board"}),
        ("./models/mart", {"orders", "revenue", "board"}),
        ("models/mart/orders.sql", {"orders"}),
        ("models/*/orders.sql", {"orders"}),
        ("models/*.sql", set()),
        ("models/**/*.sql", {"stg_orders", "stg_customers", "orders", "revenue", "dates"}),
        ("models/staging/*", {"raw.orders", "stg_orders", "stg_customers"}),
        ("models/mart/[a-p]*.sql", {"orders"}),
        ("models/mart/[!a-p]*.sql", {"revenue"}),
        ("models/mart/schema.yml", {"orders"}),
        ("models/mar", set()),
        ("+models/mart/revenue.sql", {"revenue", "orders", "stg_orders", "stg_customers", "raw.orders", "countries"}),
        ("orders.sql", {"orders"}),
        ("file:orders", {"orders"}),
        ("file:stg_*.sql", {"stg_orders", "stg_customers"}),
        ("countries.csv", {"countries"}),
        ("package:lib", {"dates"}),
        ("package:l*", {"dates"}),
        ("package:this,mart", {"orders", "revenue"}),
        ("source:raw", {"raw.orders"}),
        ("source:raw.orders+1", {"raw.orders", "stg_orders"}),
        ("source:shop.raw.ord*", {"raw.orders"}),
        ("source:lib.raw.orders", set()),
        ("exposure:board", {"board"}),
        ("+exposure:*", {"board", "revenue", "orders", "stg_orders", "stg_customers", "raw.orders", "countries"}),
        ("1+exposure:shop.board", {"board", "revenue"}),
        ("resource_type:seed", {"countries"}),
        ("resource_type:source", {"raw.orders"}),
        ("group:crm", {"stg_customers"}),
        ("access:public", {"orders"}),
        ("access:protected,mart", {"revenue"}),
        ("config.materialized:incremental", {"orders"}),
        ("config.materialized:view", {"stg_orders", "stg_customers", "dates"}),
        ("config.materialized:seed", {"countries"}),
        ("config.unique_key:day", {"orders"}),
        ("config.meta.pii:true", {"orders"}),
        ("config.meta.pii:True", {"orders"}),
        ("config.meta.pii:false", set()),
        ("config.meta.owner:a*", {"orders"}),
        ("config.meta.level:3", {"orders"}),
        ("config.meta.nothing:x", set()),
        ("config.meta:pii", set()),
        ("config.tags:finance", {"revenue"}),
        ("version:none,mart", {"orders", "revenue"}),
        ("version:latest", set()),
        ("fqn:*", {"stg_orders", "stg_customers", "orders", "revenue", "dates", "countries", "board"}),
        ("*", {"stg_orders", "stg_customers", "orders", "revenue", "dates", "countries", "board"}),
    ],
)
def test_what_is_typed_selects(text: str, expected: set[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("test_name:unique", {"unique_orders_id"}),
        ("test_name:relationships", {"rel_orders_stg"}),
        ("test_name:dbt_utils.*", {"rel_orders_stg"}),
        ("test_type:generic", {"unique_orders_id", "rel_orders_stg", "src_not_null"}),
        ("test_type:singular", {"assert_revenue"}),
        ("test_type:data", {"unique_orders_id", "rel_orders_stg", "src_not_null", "assert_revenue"}),
        ("test_type:unit", {"adds_up"}),
        ("unit_test:adds_up", {"adds_up"}),
        ("unit_test:shop.adds*", {"adds_up"}),
        ("config.severity:error", {"unique_orders_id", "assert_revenue", "src_not_null"}),
        ("config.severity:WARN", {"rel_orders_stg"}),
        ("tag:slow", {"rel_orders_stg"}),
        ("assert_revenue", {"assert_revenue"}),
        ("source:raw", {"src_not_null"}),
        ("models/mart/schema.yml", {"unique_orders_id", "rel_orders_stg", "adds_up"}),
        ("orders,test_type:generic", {"unique_orders_id", "rel_orders_stg"}),
        ("stg_orders", set()),
    ],
)
def test_tests_are_selected_themselves_or_through_their_parents(text: str, expected: set[str]) -> None:
    assert names(text, types=["test", "unit_test"]) == expected


@pytest.mark.parametrize(
    ("mode", "words", "expected"),
    [
        ("eager", ["orders"], {"unique_orders_id", "rel_orders_stg", "adds_up"}),
        ("cautious", ["orders"], {"unique_orders_id", "adds_up"}),
        ("buildable", ["orders"], {"unique_orders_id", "rel_orders_stg", "adds_up"}),
        ("empty", ["orders"], set()),
        ("eager", ["stg_customers"], {"rel_orders_stg"}),
        ("cautious", ["stg_customers"], set()),
        ("buildable", ["stg_customers"], set()),
        ("cautious", ["orders", "stg_customers"], {"unique_orders_id", "rel_orders_stg", "adds_up"}),
        ("cautious", ["staging,stg_customers orders"], {"unique_orders_id", "rel_orders_stg", "adds_up"}),
        ("buildable", ["stg_customers", "revenue"], {"rel_orders_stg", "assert_revenue"}),
        ("empty", ["orders", "rel_orders_stg"], {"rel_orders_stg"}),
        # Going downstream reaches tests as nodes of the graph: they are chosen, not brought along.
        ("cautious", ["stg_customers+"], {"unique_orders_id", "rel_orders_stg", "adds_up", "assert_revenue"}),
    ],
)
def test_indirect_selection(mode: str, words: list[str], expected: set[str]) -> None:
    assert names(*words, types=["test", "unit_test"], indirect=mode) == expected


def test_an_excluded_node_takes_its_tests_along() -> None:
    assert names(exclude=["orders"], types=["test", "unit_test"]) == {"assert_revenue", "src_not_null"}
    assert names(exclude=["orders"], types=["test"], indirect="empty") == {
        "unique_orders_id",
        "rel_orders_stg",
        "assert_revenue",
        "src_not_null",
    }
    assert names("mart", exclude=["revenue"], types=None) == {"orders", "unique_orders_id", "rel_orders_stg", "adds_up"}


def test_a_dot_in_a_name_reads_like_one_between_folders() -> None:
    graph = Graph({n.id: n for n in (node("model", "core.orders", folder="mart"), node("model", "core.dim"), node("model", "orders"))}, {})
    assert names("core", graph=graph) == {"core.dim"}
    assert names("core.dim", graph=graph) == names("shop.core", graph=graph) == {"core.dim"}
    assert (
        names("mart.core", graph=graph)
        == names("shop.mart.core.orders", graph=graph)
        == names("core.orders", graph=graph)
        == {"core.orders"}
    )
    assert names("core.ord", graph=graph) == set()


def test_nothing_asked_is_everything() -> None:
    assert select(GRAPH).ids == set(GRAPH.nodes)
    assert names(exclude=["*", "source:*"], types=None) == set()
    assert select(GRAPH, resource_types=["seed"]).ids == {"seed.shop.countries"}
    assert RAW.id not in select(GRAPH, exclude_resource_types=["source"]).ids


def test_versions_answer_to_three_names() -> None:
    def version(number: int) -> Node:
        made = node("model", "dim", config={"version": number, "latest_version": 2})
        return replace(made, id=f"{made.id}.v{number}", fqn=("shop", "mart", "dim", f"v{number}"))

    graph = Graph({n.id: n for n in map(version, (1, 2, 3))}, {})
    found = {
        text: {id_[-2:] for id_ in select(graph, [text]).ids}
        for text in ("dim", "dim.v1", "dim_v1", "mart.dim.v1", "mart.dim", "v1", "di*")
    }
    assert found == {
        "dim": {"v1", "v2", "v3"},
        "dim.v1": {"v1"},
        "dim_v1": {"v1"},
        "mart.dim.v1": {"v1"},
        "mart.dim": {"v1", "v2", "v3"},
        "v1": set(),
        "di*": {"v1", "v2", "v3"},
    }
    found = {text: {id_[-2:] for id_ in select(graph, [f"version:{text}"]).ids} for text in ("latest", "old", "prerelease", "none")}
    assert found == {"latest": {"v2"}, "old": {"v1"}, "prerelease": {"v3"}, "none": set()}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("ordrs", "the selection `ordrs` matches nothing", "did you mean `orders`?"),
        ("tag:nigthly", "the selection `tag:nigthly` matches nothing", "did you mean `nightly`?"),
        ("models/marts", "the selection `models/marts` matches nothing", "did you mean `models/mart`?"),
        ("old_orders", "the selection `old_orders` matches nothing", "`old_orders` is disabled (`enabled: false`)"),
        ("raw", "the selection `raw` matches nothing", "sources have a method of their own: `source:raw`"),
        ("finance", "the selection `finance` matches nothing", "there is a tag of that name: `tag:finance`"),
        ("orders,tag:slwo", "the selection `tag:slwo` matches nothing", "did you mean `slow`?"),
        ("staging,mart", "the selection `staging,mart` matches nothing: no node meets all of its conditions", None),
        (" ", "the selection is empty, so nothing is selected", None),
    ],
)
def test_matching_nothing_is_a_warning(text: str, message: str, hint: str | None) -> None:
    found = select(GRAPH, [text], indirect="empty")
    assert not found.ids
    assert [(w.code, w.severity, w.message, w.hint) for w in found.warnings] == [("U018", "warning", message, hint)]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a,,b", 3, "cannot read the selection `a,,b`: at character 3, there is nothing beside the comma"),
        ("x a,", 5, "cannot read the selection `a,`: at character 3, there is nothing beside the comma"),
        ("+", 2, "cannot read the selection `+`: at character 2, there is nothing behind the operator"),
        ("tag:", 5, "cannot read the selection `tag:`: at character 5, there is nothing behind `tag:`"),
        ("@a+", 1, "cannot read the selection `@a+`: at character 1, `@` in front and `+` behind exclude each other"),
        ("++a", 2, "cannot read the selection `++a`: at character 2, an operator stands twice"),
        ("b,a++", 3, "cannot read the selection `b,a++`: at character 3, an operator stands twice"),
        ("config..x:y", 1, "cannot read the selection `config..x:y`: at character 1, `config..x` has an empty part"),
    ],
)
def test_ill_formed_text_is_an_error_that_shows_the_place(text: str, column: int, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(GRAPH, ["ok", text])
    problem = caught.value.first
    assert (problem.code, problem.message) == ("U010", message)
    assert problem.span
    assert (problem.span.path, problem.span.line, problem.span.column) == ("--select", 2, column)


def test_mistakes_of_both_options_are_reported_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        select(GRAPH, ["a,", "b++"], ["@c+"])
    assert [str(p.span) for p in caught.value.problems] == ["--select:1:3", "--select:2:1", "--exclude:1:1"]


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("tagg:x", "U011", "did you mean `tag`?"),
        ("state:modified", "U011", "it compares with an earlier state: say where that is with `--state`"),
        ("resource_type:modle", "U012", "did you mean `model`?"),
        ("test_type:x", "U012", "one of generic, singular, data, unit"),
        ("access:x", "U012", "one of public, protected, private"),
        ("version:x", "U012", "one of latest, prerelease, old, none"),
        ("config:x", "U012", "write `config.materialized:table`, for example"),
        ("tag.a:x", "U012", "write `tag:value`"),
        ("source:a.b.c.d", "U012", "write `source:name`, `source:name.table` or `source:package.name.table`"),
        ("exposure:a.b.c", "U012", "write `exposure:name` or `exposure:package.name`"),
        ("selector:x", "U013", "there are none: define some in selectors.yml"),
    ],
)
def test_a_method_or_value_that_cannot_be_is_an_error(text: str, code: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(GRAPH, [text])
    assert (caught.value.first.code, caught.value.first.hint, str(caught.value.first.span)) == (code, hint, "--select:1:1")


def test_options_that_cannot_be_are_errors() -> None:
    for wrong in (
        {"indirect": "greedy"},
        {"selector": "x", "select": ["y"]},
        {"resource_types": ["modle"]},
        {"exclude_resource_types": ["x"]},
    ):
        with pytest.raises(UsageError):
            select(GRAPH, **wrong)


def test_whoever_has_a_state_provides_the_methods_that_need_it() -> None:
    def state(graph: Graph, arguments: tuple[str, ...], value: str) -> list[str]:
        assert (graph, arguments) == (GRAPH, ())
        return ["model.shop.stg_orders", "model.shop.gone"] if value == "modified.body" else []

    assert names("state:modified.body+1", methods={"state": state}) == {"stg_orders", "orders"}
    assert names("state:new", methods={"state": state}) == set()


SELECTORS = selectors(
    {
        "selectors": [
            {"name": "text", "definition": "tag:nightly+1"},
            {"name": "pair", "definition": {"tag": "nightly"}},
            {"name": "full", "definition": {"method": "tag", "value": "nightly", "parents": True, "parents_depth": 1, "exclude": ["source:raw"]}},
            {"name": "around", "definition": {"method": "fqn", "value": "stg_orders", "childrens_parents": True}},
            {"name": "bool", "definition": {"config.meta.pii": True}},
            {"name": "nested", "description": "…", "definition": {"union": [
                {"intersection": ["+revenue", {"tag": "nightly"}]},
                "models/staging",
                {"exclude": [{"intersection": [{"method": "package", "value": "shop"}, "config.materialized:table"]}, "stg_customers"]}]}},
            {"name": "inherits", "default": True, "definition": {"union": [{"method": "selector", "value": "nested"}, "dates", {"exclude": ["source:*"]}]}},
            {"name": "careful", "definition": {"union": [
                {"method": "fqn", "value": "orders", "indirect_selection": "cautious"},
                {"method": "fqn", "value": "revenue", "indirect_selection": "empty"}]}},
        ]
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("text", {"stg_orders", "orders", "revenue", "board"}),
        ("pair", {"stg_orders", "revenue"}),
        ("full", {"stg_orders", "revenue", "orders"}),
        ("around", {"stg_orders", "orders", "revenue", "board", "stg_customers", "raw.orders", "countries"}),
        ("bool", {"orders"}),
        ("nested", {"stg_orders", "raw.orders"}),
        ("inherits", {"stg_orders", "dates"}),
    ],
)
def test_named_selectors(name: str, expected: set[str]) -> None:
    assert names(selector=name, selectors=SELECTORS) == expected
    assert names(f"selector:{name}", selectors=SELECTORS) == expected


def test_the_default_selector_counts_when_nothing_is_asked() -> None:
    assert names(selectors=SELECTORS) == {"stg_orders", "dates"}
    assert names("orders", selectors=SELECTORS) == {"orders"}
    assert names(exclude=["mart"], selectors=SELECTORS) == {"stg_orders", "stg_customers", "dates", "countries", "raw.orders", "board"}


def test_a_definition_has_its_own_indirect_selection() -> None:
    assert names(selector="careful", selectors=SELECTORS, types=["test", "unit_test"]) == {"unique_orders_id", "adds_up"}
    # Reusing it does not widen it; walking from it does, by the command's own mode.
    assert names("selector:careful", selectors=SELECTORS, types=["test", "unit_test"]) == {"unique_orders_id", "adds_up"}
    assert names("selector:pair+1", selectors=SELECTORS) == {"stg_orders", "revenue", "orders", "board"}


def test_an_unknown_selector_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        select(GRAPH, selector="nestd", selectors=SELECTORS)
    assert (caught.value.first.code, caught.value.first.hint) == ("U013", "did you mean `nested`?")


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (3, "selector `x` is neither a text nor a mapping"),
        ("a,", "selector `x`: cannot read the selection `a,`: at character 3, there is nothing beside the comma"),
        ("", "selector `x`: cannot read the selection ``: at character 1, it is empty"),
        ({"union": "a"}, "selector `x`, `union` is not a list"),
        ({"union": []}, "selector `x`, `union` selects nothing to begin with"),
        ({"union": ["a", {"exclude": "b"}]}, "selector `x`, `union`: `exclude` is not a list"),
        ({"union": ["a", {"exclude": ["b"]}, {"exclude": ["c"]}]}, "selector `x`, `union` has more than one `exclude`"),
        ({"union": ["a"], "exclude": ["b"]}, "selector `x`: unknown key `exclude`"),
        ({"method": "tag", "value": "a", "chidlren": True}, "selector `x`: unknown key `chidlren`"),
        ({"method": "tag", "children": True}, "selector `x` needs `method` and `value`, or is one `method: value`"),
        ({"method": "tag", "value": ["a"]}, "selector `x`: `tag: ['a']` is not a method and one value"),
        ({"method": "tag", "value": "a", "children_depth": "far"}, "selector `x`: `children_depth` is not a number of steps: 'far'"),
        (
            {"method": "tag", "value": "a", "indirect_selection": "egaer"},
            "selector `x`: `indirect_selection` is one of eager, cautious, buildable, empty, not `egaer`",
        ),
        (
            {"method": "tag", "value": "a", "children": True, "childrens_parents": True},
            "selector `x`: `childrens_parents` and `children` exclude each other",
        ),
        ({"method": "selector", "value": "x"}, "selectors use each other in a circle: `x` → `x`"),
    ],
)
def test_a_wrong_definition_is_an_error(definition: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        selectors([{"name": "x", "definition": definition}])
    assert [p.message for p in caught.value.problems] == [message]
    assert str(caught.value.first.span) == "selectors.yml:1:1"


def test_wrong_files_are_reported_whole() -> None:
    with pytest.raises(UsageError) as caught:
        selectors([{"name": "a"}, {"definition": "x"}, {"name": "b", "definition": "selector:c", "default": True},
                   {"name": "c", "definition": "selector:b", "default": "true"}, {"name": "c", "definition": "d"}])  # fmt: skip
    assert [p.message for p in caught.value.problems] == [
        "selector `a` has no `definition`",
        "selector number 2 has no `name`",
        "selector `c` is defined twice",
        "more than one selector is the default: `b`, `c`",
    ]
    deep: Any = "a"
    for _ in range(3000):
        deep = {"union": [deep]}
    for wrong in ({"selectors": 3}, [{"name": "x", "definition": deep}]):
        with pytest.raises(UsageError):
            selectors(wrong)
    assert selectors(None) == selectors({}) == Selectors()


def test_unknown_keys_only_warn_in_projects_that_come_from_elsewhere() -> None:
    found = selectors([{"name": "x", "definition": "a", "descripton": "…"}], own=False)
    assert [(w.severity, w.hint) for w in found.warnings] == [("warning", "did you mean `description`?")]
