"""What a project's files promise about columns, held against what its queries give: contracts, documentation, tests, unit tests.

Only what is sure: a node some of whose columns are not known breaks no promise here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core import marker
from orchestrator.core.contract import enforced
from orchestrator.core.dialect import Dialect
from orchestrator.core.errors import did_you_mean
from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning
from orchestrator.core.node import Body, Docs, Fixture, NativeTestBody, Node, SqlBody, UnitTestBody
from orchestrator.sql.understand.types import canonical
from orchestrator.sql.understand.words import WORDS

_NAME = re.compile(r'"[^"]+"|`[^`]+`|[^\W\d]\w*')
_FIELD = re.compile(r"\(\s*(['\"])(?P<first>[^'\"]+)\1\s*(?:,\s*['\"](?P<second>[^'\"]+)['\"])?")


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that is not kept. ``keys`` leads from the node's entry in ``path`` to the words; ``line`` is where they are, roughly.

    Behind ``columns`` stands the name of one, wherever it is in the list.
    """

    node: Node
    code: str
    message: str
    hint: str | None
    path: str
    line: int
    keys: tuple[str | int, ...] = ()


def promises(graph: Graph, meanings: Mapping[str, Meaning], engine: Dialect) -> Iterator[Broken]:
    """Everything that is promised of columns and not kept, S401 to S407, in the order of the graph."""
    for id_ in graph.order:
        node = graph.nodes[id_]
        match node.kind:
            case "model" | "seed" | "snapshot":
                found = meanings.get(id_)
                if found is not None:
                    yield from _documented(graph, node, found, engine)
            case "test":
                if node.test_name is not None:
                    yield from _tested(graph, node, meanings, engine)
            case "unit_test":
                yield from _unit_tested(graph, node, meanings, engine)
            case _:
                continue


def _docs(body: Body) -> Docs:
    found: Docs = getattr(body, "docs", Docs())
    return found


def _has(meaning: Meaning, name: str, engine: Dialect, *, quoted: bool = False) -> bool:
    return any(
        engine.same_name(engine.declared_name(name, quoted=quoted), c.name) or engine.same_name(name, c.name) for c in meaning.columns
    )


def _known(meaning: Meaning | None) -> Meaning | None:
    """A meaning that says all columns; else nothing can be missed in it."""
    return meaning if meaning is not None and meaning.complete and meaning.columns else None


def _documented(graph: Graph, node: Node, meaning: Meaning, engine: Dialect) -> Iterator[Broken]:
    """A node's entry: an enforced contract, or documentation."""
    body = graph.bodies[node.id]
    docs = _docs(body)
    if not docs.patch_path or not docs.columns:
        return
    if isinstance(body, SqlBody) and enforced(node.config) and not node.is_ephemeral:
        yield from _contract(node, docs, meaning, engine)
        return
    if _known(meaning) is None:
        return
    tested = {graph.nodes[c].column for c in graph.children[node.id] if graph.nodes[c].attached == node.id}
    names = [c.name for c in meaning.columns]
    for column in docs.columns:
        if not _has(meaning, column.name, engine, quoted=column.quote) and column.name not in tested and f'"{column.name}"' not in tested:
            message = f"`{node.name}` has no column `{column.name}`, which is documented here"
            yield Broken(node, "S404", message, did_you_mean(column.name, names), docs.patch_path, docs.line, ("columns", column.name))


def _contract(node: Node, docs: Docs, meaning: Meaning, engine: Dialect) -> Iterator[Broken]:
    path, line = docs.patch_path or node.path, docs.line
    contract = node.config["contract"]
    aliased = contract.get("alias_types", True)
    given = {c.name: c.type for c in meaning.columns}
    named = {c.name: engine.declared_name(c.name, quoted=c.quote) for c in docs.columns}
    for column in docs.columns:
        same = next((name for name in given if engine.same_name(named[column.name], name)), None)
        keys = ("columns", column.name)
        if same is None:
            if meaning.complete and meaning.columns:
                message = f"the query of `{node.name}` gives no column `{column.name}`, which its contract promises"
                yield Broken(node, "S401", message, did_you_mean(column.name, given), path, line, keys)
            continue
        actual = given[same]
        declared = engine.declared_type(str(column.data_type)) if aliased else str(column.data_type)
        if actual is not None and column.data_type and _retyped(declared, actual, engine):
            message = f"`{column.name}` of `{node.name}` is {actual}, its contract says {column.data_type}"
            yield Broken(node, "S403", message, "cast it in the query, or correct the contract", path, line, keys)
    for name in given:
        if name and not any(engine.same_name(one, name) for one in named.values()):
            message = f"the query of `{node.name}` gives a column `{name}` that its contract does not list"
            yield Broken(node, "S402", message, "list it with its `data_type`, or take it out of the query", path, line, ("columns",))


def _retyped(declared: str, actual: str, engine: Dialect) -> bool:
    """Whether two types certainly differ: nested ones and those of the author's own are for the engine to compare."""
    if engine.same_type(declared, actual):
        return False
    words = {word.partition("(")[0] for word in WORDS[engine.sqlglot].values()}
    one, other = (canonical(written, engine.sqlglot) for written in (declared, actual))
    plain = all(type_.partition("(")[0] in words for type_ in (one, other))
    return plain and not engine.same_type(one, other)


def _tested(graph: Graph, test: Node, meanings: Mapping[str, Meaning], engine: Dialect) -> Iterator[Broken]:
    """A generic test: the column it stands at, and the field that `relationships` looks for."""
    on = graph.nodes.get(test.attached or "")
    found = _known(meanings.get(test.attached or ""))
    if on is not None and found is not None and test.column and _NAME.fullmatch(test.column):
        bare = test.column.strip('"`')
        if not _has(found, bare, engine, quoted=bare != test.column):
            message = f"`{on.name}` has no column `{bare}`, which `{test.test_name}` tests"
            yield Broken(test, "S405", message, did_you_mean(bare, [c.name for c in found.columns]), test.path, test.line)
    body = graph.bodies[test.id]
    if test.test_name == "relationships" and isinstance(body, NativeTestBody):
        field, parent = str(body.arguments.get("field") or ""), _parent(graph, test, body.arguments, engine)
        held = _known(meanings.get(parent.id)) if parent is not None else None
        if parent is not None and held is not None and _NAME.fullmatch(field) and not _has(held, field.strip('"`'), engine):
            message = f"`{parent.name}` has no column `{field}`, to which this relationship points"
            yield Broken(test, "S406", message, did_you_mean(field, [c.name for c in held.columns]), test.path, test.line)


def _parent(graph: Graph, test: Node, arguments: Mapping[str, Any], engine: Dialect) -> Node | None:
    """What a `relationships` test points to, when that is one node as it is."""
    text = str(arguments.get("to") or "").strip()
    found = list(marker.find(text, engine.quote_char))
    if len(found) != 1 or (found[0].start, found[0].end) != (0, len(text)):
        return None
    return graph.nodes.get(dict(test.links).get(found[0].payload, ""))


def _unit_tested(graph: Graph, test: Node, meanings: Mapping[str, Meaning], engine: Dialect) -> Iterator[Broken]:
    """A unit test's rows: those given for a parent, and those expected of the model."""
    body = graph.bodies[test.id]
    if not isinstance(body, UnitTestBody):
        return
    model = next((n for id_ in test.depends_on if (n := graph.nodes.get(id_)) is not None and n.name == body.model), None)
    if model is None:
        return
    parents = {n.id: n for id_ in model.depends_on if (n := graph.nodes.get(id_)) is not None}
    for index, fixture in enumerate(body.given):
        parent = _input(fixture, model, parents)
        if parent is not None:
            yield from _rows(test, fixture, parent, meanings, engine, ("given", index))
    yield from _rows(test, body.expect, model, meanings, engine, ("expect",))


def _input(fixture: Fixture, model: Node, parents: Mapping[str, Node]) -> Node | None:
    """The one parent that an input names; ``None`` when that is not certain."""
    text = fixture.input.strip()
    if text == "this":
        return model
    call = _FIELD.search(text)
    name = text if call is None else call["second"] or call["first"]
    source = call["first"] if call is not None and text.startswith("source") else None
    found = [
        p for p in parents.values() if p.name.rpartition(".")[2] == name.rpartition(".")[2] and (source is None or p.source_name == source)
    ]
    return found[0] if len(found) == 1 else None


def _rows(
    test: Node, fixture: Fixture, of: Node, meanings: Mapping[str, Meaning], engine: Dialect, keys: tuple[str | int, ...]
) -> Iterator[Broken]:
    found = _known(meanings.get(of.id))
    if found is None or not fixture.rows:
        return
    told: set[str] = set()
    for number, row in enumerate(fixture.rows):
        for name in row:
            if name not in told and not _has(found, str(name), engine):
                told.add(name)
                hint = did_you_mean(str(name), [c.name for c in found.columns])
                message = f"`{of.name}` has no column `{name}`, which the unit test `{test.name}` has rows of"
                yield Broken(test, "S407", message, hint, test.path, test.line, (*keys, "rows", number))
