"""What people and programs get to read: golden texts, and diagrams read back."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output, Use
from orchestrator.core.node import Node
from orchestrator.graph.compare import Category
from orchestrator.graph.coverage import coverage, reasons
from orchestrator.graph.impact import impact
from orchestrator.graph.lineage import ROW_USES, Point, downstream, hops, upstream
from orchestrator.report.covered import as_json as covered_json
from orchestrator.report.covered import covered
from orchestrator.report.diagram import as_json, dot, mermaid
from orchestrator.report.reached import reached, reached_json
from orchestrator.report.traced import BACK, ONWARD, Asked, traced

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "traced"
TOTALS, STG = "model.shop.totals", "model.shop.stg_orders"


def ask(shop: Any, *starts: Point, depth: int | None = None) -> Asked:
    up, down = (trace(shop.graph, shop.meanings, starts, depth) for trace in (upstream, downstream))
    rows = [h for h in hops(shop.graph, shop.meanings, starts[0].node) if h.child.whole and h.kind in ROW_USES]
    return Asked(starts, up, down, tuple(rows) if len(starts) == 1 else ())


def whole(shop: Any, id_: str) -> tuple[Point, ...]:
    return (*(Point(id_, c.name) for c in shop.meanings[id_].columns), Point(id_))


def same_as_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["column.txt", "table.txt", "column.json", "column.mmd", "column.dot", "impact.txt", "check.txt", "check.json"]
)
def test_answers_read_as_ever(shop: Any, name: str) -> None:
    column = ask(shop, Point(STG, "amount"))
    table = ask(shop, *whole(shop, TOTALS))
    texts = {
        "column.txt": lambda: traced(shop.graph, shop.meanings, column),
        "table.txt": lambda: traced(shop.graph, shop.meanings, table),
        "column.json": lambda: as_json(shop.graph, shop.meanings, column),
        "column.mmd": lambda: mermaid(shop.graph, column),
        "column.dot": lambda: dot(shop.graph, column),
        "impact.txt": lambda: reached(shop.graph, shop.meanings, impact(shop.graph, shop.meanings, column.starts)),
        "check.txt": lambda: covered(shop.graph, coverage(shop.graph, shop.meanings)),
        "check.json": lambda: covered_json(shop.graph, coverage(shop.graph, shop.meanings)),
    }
    same_as_golden(name, texts[name]())


@pytest.mark.parametrize("width", [20, 40, 79])
def test_no_line_is_wider_than_the_terminal(shop: Any, width: int) -> None:
    text = traced(shop.graph, shop.meanings, ask(shop, *whole(shop, TOTALS)), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert ("…" in text) == (width < 79)


def test_colour_changes_nothing_but_the_colour(shop: Any) -> None:
    column = ask(shop, Point(STG, "amount"))
    plain, painted = (traced(shop.graph, shop.meanings, column, colour=c) for c in (False, True))
    assert "\x1b[" in painted
    assert [line.rstrip() for line in re.sub(r"\x1b\[\d+m", "", painted).splitlines()] == plain.splitlines()


def test_what_was_shown_is_not_shown_again(shop: Any) -> None:
    text = traced(shop.graph, shop.meanings, ask(shop, *whole(shop, TOTALS)))
    assert text.count("from customers.country") == 0
    assert "grouped by customers.country  (shown above)" in text


def test_a_cut_is_shown(shop: Any) -> None:
    text = traced(shop.graph, shop.meanings, ask(shop, Point(STG, "amount"), depth=1))
    assert re.search(r"aggregated into totals.total .* …$", text, re.MULTILINE)
    assert "read by board" not in text


@pytest.mark.parametrize(
    ("point", "says"),
    [
        (Point("source.shop.raw.orders", "id"), "nothing: a source is where lineage begins"),
        (Point("model.shop.orders_big", "id"), "nothing: nobody reads it"),
        (Point("model.shop.chains", "length"), "nothing: its origin is unknown (a Python model)"),
    ],
)
def test_an_end_says_why_it_is_one(shop: Any, point: Point, says: str) -> None:
    assert says in traced(shop.graph, shop.meanings, ask(shop, point))


def test_a_chain_of_thousands_of_models_is_drawn() -> None:
    ids = [f"model.p.m{n}" for n in range(3000)]
    nodes = {id_: Node(id_, "model", f"m{n}", "p", "", ("p",), {}, depends_on=tuple(ids[n - 1 : n])) for n, id_ in enumerate(ids)}
    meanings = {id_: Meaning((Output("x", uses=tuple(Use(p, "x", "passed") for p in nodes[id_].depends_on)),)) for id_ in ids}
    graph = Graph(nodes, {})
    text = traced(graph, meanings, Asked((Point(ids[-1], "x"),), upstream(graph, meanings, [Point(ids[-1], "x")])))
    assert len(text.splitlines()) == 3000 + 2


# Diagrams, read back


STRANGE = 'a "b" [c]\\{d} |e; #é\n'


def strange(shop: Any) -> tuple[Graph, dict[str, Meaning]]:
    """The shop, with a column of a name that would break any diagram that does not quote."""
    meanings = {
        **shop.meanings,
        STG: replace(
            shop.meanings[STG],
            columns=(Output(STRANGE, uses=(Use("source.shop.raw.orders", "amount_cents", "transformed"),), expression='x || "y"\n'),),
        ),
        "model.shop.orders_big": Meaning((Output("amount", uses=(Use(STG, STRANGE, "renamed"),)),)),
    }
    return shop.graph, meanings


def edges_of_mermaid(text: str) -> set[tuple[str, str, str]]:
    """Edges as (box.column, kind, box.column), of the part of the language that we write."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    names: dict[str, str] = {}
    edges: set[tuple[str, str, str]] = set()
    box = ""
    for line in lines:
        if found := re.fullmatch(r'  subgraph s\d+\["([^"\[\]]*)"\]', line):
            box = found[1]
        elif found := re.fullmatch(r'    (p\d+)\["([^"\[\]{}|;<>]*(?:#\d+;[^"\[\]{}|<>]*)*)"\]', line):
            names[found[1]] = f"{box}." + re.sub(r"#(\d+);", lambda m: chr(int(m[1])), found[2])
        elif found := re.fullmatch(r'  (p\d+) -\.?->?\|"(\w+)"\| (p\d+)|  (p\d+) -->\|"(\w+)"\| (p\d+)', line):
            a, kind, b = [g for g in found.groups() if g]
            edges.add((names[a], kind, names[b]))
        else:
            assert line == "  end" or re.fullmatch(r"  style (p\d+,?)+ stroke-width:3px", line), line
    return edges


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)


def edges_of_dot(text: str) -> set[tuple[str, str, str]]:
    quoted = r'"((?:[^"\\]|\\.)*)"'
    lines = text.splitlines()
    assert (lines[0], lines[-1]) == ("digraph lineage {", "}")
    assert text.count("{") - STRANGE.count("{") * text.count("[c]") == text.count("}") - STRANGE.count("}") * text.count("[c]")
    names: dict[str, str] = {}
    edges: set[tuple[str, str, str]] = set()
    box = ""
    for line in lines[3:-1]:
        if found := re.fullmatch(rf"    label={quoted};", line):
            box = unescaped(found[1])
        elif found := re.fullmatch(rf"    (p\d+) \[label={quoted}(, penwidth=3)?\];", line):
            names[found[1]] = f"{box}.{unescaped(found[2])}"
        elif found := re.fullmatch(rf"  (p\d+) -> (p\d+) \[label={quoted}(, tooltip={quoted})?(, style=dashed)?\];", line):
            edges.add((names[found[1]], found[3], names[found[2]]))
        else:
            assert re.fullmatch(r"  subgraph cluster_\d+ \{|  \}", line), line
    return edges


@pytest.mark.parametrize("read", [edges_of_mermaid, edges_of_dot])
def test_a_diagram_reads_back_as_the_hops_it_was_drawn_from(shop: Any, read: Any) -> None:
    graph, meanings = strange(shop)
    starts = (Point(STG, STRANGE),)
    asked = Asked(starts, upstream(graph, meanings, starts), downstream(graph, meanings, starts))
    text = {edges_of_mermaid: mermaid, edges_of_dot: dot}[read](graph, asked)
    assert read(text) == {
        ("raw.orders.amount_cents", "transformed", f"stg_orders.{STRANGE}"),
        (f"stg_orders.{STRANGE}", "renamed", "orders_big.amount"),
    }


def test_json_refers_to_every_point_it_lists(shop: Any) -> None:
    found = json.loads(as_json(shop.graph, shop.meanings, ask(shop, *whole(shop, TOTALS))))
    listed = {(c["node"], c["column"]) for c in found["columns"]}
    used = {(p["node"], p["column"]) for way in ("upstream", "downstream") for h in found[way]["hops"] for p in (h["from"], h["to"])}
    assert used <= listed
    assert found["version"] == 1


def test_json_of_an_impact_has_the_whole_way(shop: Any) -> None:
    found = json.loads(reached_json(impact(shop.graph, shop.meanings, [Point("source.shop.raw.orders", "amount_cents")])))
    (board,) = found["exposures"]
    assert [h["kind"] for h in board["path"]] == ["transformed", "aggregated", "reads"]
    assert board["path"][-1]["to"] == {"node": "exposure.shop.board", "column": None}


# How much is known


def test_coverage_counts_columns_and_groups_reasons(shop: Any) -> None:
    odd = replace(shop.meanings[TOTALS], columns=(*shop.meanings[TOTALS].columns, Output("z", unknown="a macro of the engine")))
    found = coverage(shop.graph, {**shop.meanings, TOTALS: odd})
    by = {c.node: c for c in found}
    assert (by[TOTALS].resolved, by[TOTALS].unresolved, by[TOTALS].reasons) == (4, 1, (("a macro of the engine", 1),))
    assert (by["model.shop.chains"].unresolved, by["model.shop.chains"].open_ended) == (1, "a Python model")
    assert (by["source.shop.raw.people"].unresolved, by["source.shop.raw.people"].open_ended) == (0, "its columns are not declared")
    assert reasons(found) == (("a Python model", 1, 1), ("a macro of the engine", 1, 1), ("its columns are not declared", 0, 1))


def test_the_columns_of_sources_and_seeds_need_no_origin(shop: Any) -> None:
    source = "source.shop.raw.people"
    odd = replace(shop.meanings[source], columns=(Output("id", unknown="no type"),))
    by = {c.node: c for c in coverage(shop.graph, {**shop.meanings, source: odd})}
    assert (by[source].resolved, by[source].unresolved) == (1, 0)


def test_a_node_without_a_meaning_is_a_gap(shop: Any) -> None:
    found = {c.node: c for c in coverage(shop.graph, {})}
    assert found[TOTALS].open_ended == "nothing is known of its columns"


def test_the_page_shows_what_is_printed() -> None:
    page = (GOLDEN.parents[2] / "docs" / "lineage.md").read_text(encoding="utf-8")
    for name in ("column.txt", "impact.txt"):
        assert (GOLDEN / name).read_text(encoding="utf-8") in page


def test_the_page_explains_every_kind_and_every_category() -> None:
    page = (GOLDEN.parents[2] / "docs" / "lineage.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([\w ]+)`", page))
    assert {*get_args(Category), *BACK} <= explained
    assert set(BACK) == set(ONWARD)


def test_the_page_has_the_keys_of_the_json(shop: Any) -> None:
    page = (GOLDEN.parents[2] / "docs" / "lineage.md").read_text(encoding="utf-8")
    shown = json.loads(page.split("```json\n")[1].split("```")[0])
    real = json.loads(as_json(shop.graph, shop.meanings, ask(shop, Point(STG, "amount"))))
    assert list(shown) == list(real)
    assert [list(x[0]) for x in (shown["columns"], shown["upstream"]["hops"])] == [
        list(x[0]) for x in (real["columns"], real["upstream"]["hops"])
    ]
