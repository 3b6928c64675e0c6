"""Versions while a run goes on: what is spared, and what an unknown version is worth."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.core.freshness import Made
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import Kind, Node, SourceBody, SqlBody
from orchestrator.core.node import Query as Text
from orchestrator.core.snapshot import Published
from orchestrator.execute.versions import Versions
from orchestrator.graph.recipe import Recipes

AT = datetime(2026, 1, 1, 9, tzinfo=UTC)
SOURCE, MODEL, READER = "source.p.raw.t", "model.p.m", "model.p.r"


def node(id_: str, *parents: str) -> Node:
    kind: Kind = "source" if id_ == SOURCE else "model"
    name = id_.rsplit(".", maxsplit=1)[-1]
    return Node(
        id_, kind, name, "p", "", (), {"materialized": "table"}, relation=Relation(None, "s", name), depends_on=parents, content="c"
    )


GRAPH = Graph(
    {SOURCE: node(SOURCE), MODEL: node(MODEL, SOURCE), READER: node(READER, MODEL)},
    {SOURCE: SourceBody(), MODEL: SqlBody("", Text("select 1")), READER: SqlBody("", Text("select 1"))},
)


def row(id_: str, version: str, **inputs: str | None) -> Published:
    said = Made(Recipes(GRAPH).code(id_), version, {k.replace("__", "."): v for k, v in inputs.items()})
    return Published(id_, "s.x", "", "r1", AT.isoformat(), made=said.text)


def known(seen: str | None, *rows: Published) -> Versions:
    return Versions(GRAPH, Recipes(GRAPH), {r.node: r for r in rows}, {SOURCE: (seen, None)})


def test_equal_versions_spare_and_unknown_ones_never_do() -> None:
    assert known("1", row(MODEL, "v", source__p__raw__t="1")).spare(MODEL, ()) is not None
    assert known("2", row(MODEL, "v", source__p__raw__t="1")).spare(MODEL, ()) is None
    assert known(None, row(MODEL, "v", source__p__raw__t=None)).spare(MODEL, ()) is None
    assert known("1").spare(MODEL, ()) is None


def test_a_reader_that_does_not_see_what_changed_is_spared_and_says_the_new_version_from_then_on() -> None:
    versions = known("1", row(MODEL, "old", source__p__raw__t="1"), row(READER, "v", model__p__m="old"))
    versions.moved(MODEL, "old", [READER])
    versions.done(MODEL, row(MODEL, "new", source__p__raw__t="1"))
    kept = versions.spare(READER, ())
    assert kept is not None
    assert '"model.p.m":"new"' in str(kept.made)
    versions.moved(MODEL, "old", [])
    assert versions.spare(READER, ()) is None


def test_what_is_read_is_what_was_there_at_the_beginning() -> None:
    versions = known("1", row(MODEL, "old", source__p__raw__t="1"))
    versions.begin(READER, AT)
    versions.done(MODEL, row(MODEL, "new", source__p__raw__t="1"))
    assert versions.made(READER, AT, "r2", ()).inputs == {MODEL: "old"}
    assert versions.made(READER, AT, "r2", ()).version == "2026-01-01T09:00:00+00:00 by r2"
