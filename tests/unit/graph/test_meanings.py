"""What is known of the columns of a whole project. A query is read by a fake here: how one is really read is told in tests/unit/sql."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.meaning import Finding, Meaning, Output, Shape, Use
from orchestrator.core.node import Query
from orchestrator.graph.meanings import Kept, Meanings, meanings

ORDERS = Shape((("id", "integer"), ("amount", "double")), complete=True)
SOURCES = "sources: [{name: raw, tables: [{name: orders, columns: [{name: id, data_type: bigint}, {name: note}]}]}]"


@dataclass
class Reader:
    """Understands `select a, b as c from t`: each column is one of the first table's. Remembers what it was asked to read."""

    read: list[str] = field(default_factory=list)

    def __call__(self, query: Query, inputs: Mapping[str, tuple[str, Shape]], dialect: str) -> Meaning:
        self.read.append(query.sql)
        text = re.sub(r"/\*.*?\*/|--[^\n]*", "", query.sql)
        wanted = re.findall(r"(\w+)(?: as (\w+))?", re.split(r"\bfrom\b", text.split("select", 1)[1])[0])
        odd = tuple(Finding("S999", "odd", 0, 1) for _ in re.findall("oddly", query.sql))
        if not inputs:
            return Meaning(tuple(Output(alias or name) for name, alias in wanted), findings=odd)
        parent, seen = next(iter(inputs.values()))
        types = dict(seen.columns)
        if "*" in text:
            columns = tuple(Output(n, t, (Use(parent, n, "passed"),)) for n, t in seen.columns)
            return Meaning(columns, (), seen.complete, seen.unknown)
        columns = tuple(
            Output(alias or name, types.get(name), (Use(parent, name, "renamed" if alias else "passed"),)) for name, alias in wanted
        )
        rows = tuple(Use(parent, c, "filter") for c in re.findall(r"where (\w+)", text))
        return Meaning(columns, rows, findings=odd)


@dataclass(frozen=True)
class Read:
    """What came of a project."""

    found: Meanings
    reader: Reader

    def __getitem__(self, name: str) -> Meaning:
        return next(self.found[id_] for id_ in self.found if id_.split(".", 2)[2] == name)

    def columns(self, name: str) -> list[tuple[str, str | None]]:
        return list(self[name].shape.columns)

    def kept(self) -> dict[str, Kept]:
        return self.found.kept


Make = Callable[..., Read]


@pytest.mark.parametrize(("engine", "name", "kind"), [("duckdb", "Key", "int"), ("postgres", "key", "int"), ("bigquery", "Key", "INT64")])
def test_declared_columns_are_called_as_the_engine_calls_them(understand: Callable[..., Any], engine: str, name: str, kind: str) -> None:
    said = "sources: [{name: raw, tables: [{name: orders, columns: [{name: Key, data_type: int}]}]}]"
    graph = understand({"models/s.yml": said, "models/a.sql": "select x"}).graph
    found = meanings(graph, registry.dialect(engine), understand=Reader())
    assert found["source.shop.raw.orders"].shape.columns == ((name, kind),)


@pytest.fixture(name="read")
def _read(understand: Callable[..., Any]) -> Make:
    def read(files: Mapping[str, str], known: Mapping[str, Shape] | None = None, before: Read | None = None) -> Read:
        understood = understand(files)
        assert [p for p in understood.problems if p.severity == "error"] == []
        reader = Reader()
        dialect = registry.dialect("duckdb")
        return Read(meanings(understood.graph, dialect, known, None if before is None else before.kept(), understand=reader), reader)

    return read


class TestWhereColumnsComeFrom:
    def test_a_model_knows_the_columns_of_what_it_reads(self, read: Make) -> None:
        found = read(
            {"models/s.yml": SOURCES, "models/a.sql": "select * from raw.orders", "models/b.sql": "select amount as sum_ from a"},
            {"source.shop.raw.orders": Shape((*ORDERS.columns, ("note", None)), complete=True)},
        )
        assert found.columns("a") == [("id", "integer"), ("amount", "double"), ("note", None)]
        assert found.columns("b") == [("sum_", "double")]
        assert found["b"].columns[0].uses == (Use("model.shop.a", "amount", "renamed"),)

    def test_documented_columns_of_a_source_are_not_all_it_has(self, read: Make) -> None:
        found = read({"models/s.yml": SOURCES, "models/a.sql": "select x"})["raw.orders"]
        assert found.shape.columns == (("id", "bigint"), ("note", None))
        assert not found.complete
        assert "orc docs generate" in found.unknown

    def test_a_source_in_the_warehouse_has_the_columns_it_has_there(self, read: Make) -> None:
        seen = Shape((("ID", None), ("NOTE", "text"), ("more", "date")), complete=True)
        found = read({"models/s.yml": SOURCES, "models/a.sql": "select x"}, {"source.shop.raw.orders": seen})["raw.orders"]
        assert found.shape.columns == (("ID", "bigint"), ("NOTE", "text"), ("more", "date"))
        assert found.complete

    def test_a_column_declared_since_the_warehouse_was_looked_at_makes_that_look_old(self, read: Make) -> None:
        found = read({"models/s.yml": SOURCES, "models/a.sql": "select x"}, {"source.shop.raw.orders": ORDERS})["raw.orders"]
        assert [name for name, _ in found.shape.columns] == ["id", "amount", "note"]
        assert not found.complete
        assert "looked at before" in found.unknown

    def test_a_source_with_a_contract_has_what_it_promises(self, read: Make) -> None:
        said = SOURCES.replace("{name: orders,", "{name: orders, config: {contract: {enforced: true}},")
        found = read({"models/s.yml": said, "models/a.sql": "select x"})["raw.orders"]
        assert found.complete
        assert found.shape.columns == (("id", "bigint"), ("note", None))

    def test_a_seed_has_its_header(self, read: Make) -> None:
        found = read({"seeds/cities.csv": "id\n1\n"}, {"seed.shop.cities": Shape((("id", None),), complete=True)})
        assert found["cities"] == Meaning((Output("id"),))

    def test_a_python_model_has_what_was_seen_of_it_and_never_says_where_it_is_from(self, read: Make) -> None:
        files = {"models/p.py": "def model(ctx):\n    return ctx.ref('a')\n", "models/a.sql": "select x"}
        assert read(files)["p"].shape == Shape((), complete=False, unknown=read(files)["p"].unknown)
        (column,) = read(files, {"model.shop.p": Shape((("y", "date"),), complete=True)})["p"].columns
        assert (column.name, column.type, column.uses) == ("y", "date", ())
        assert "Python" in column.unknown

    def test_what_is_not_parsed_is_not_known(self, read: Make) -> None:
        found = read({"models/a.sql": "{{ config(parse=false) }}select x"})
        assert found.reader.read == []
        assert (found["a"].complete, found["a"].columns) == (False, ())
        assert "parse: false" in found["a"].unknown

    def test_the_newest_look_never_overrides_what_the_sql_says(self, read: Make) -> None:
        assert read({"models/a.sql": "select x"}, {"model.shop.a": ORDERS}).columns("a") == [("x", None)]

    def test_an_ephemeral_model_is_a_model(self, read: Make) -> None:
        found = read({"models/e.sql": "{{ config(materialized='ephemeral') }}select x", "models/a.sql": "select x from e"})
        assert found["a"].columns[0].uses == (Use("model.shop.e", "x", "passed"),)

    def test_each_version_of_a_model_has_columns_of_its_own(self, read: Make) -> None:
        files = {
            "models/m.yml": "models: [{name: m, latest_version: 2, versions: [{v: 1}, {v: 2}]}]",
            "models/m_v1.sql": "select old",
            "models/m_v2.sql": "select new",
            "models/a.sql": "select old from {{ ref('m', v=1) }}",
            "models/b.sql": "select * from {{ ref('m') }}",
        }
        found = read(files)
        assert found["a"].columns[0].uses == (Use("model.shop.m.v1", "old", "passed"),)
        assert found.columns("b") == [("new", None)]

    def test_singular_tests_and_analyses_are_read_generic_tests_are_not(self, read: Make) -> None:
        files = {
            "models/a.sql": "select x",
            "models/a.yml": "models: [{name: a, columns: [{name: x, data_tests: [unique]}]}]",
            "tests/assertions/t.sql": "select x from a",
            "analyses/n.sql": "select x as y from a",
        }
        assert sorted(read(files).found) == ["analysis.shop.n", "model.shop.a", "test.shop.t"]

    def test_a_table_that_nobody_declares_is_no_input(self, read: Make) -> None:
        assert read({"models/a.sql": "select x from elsewhere.t"})["a"].columns[0].uses == ()


class TestWhatIsOnlyKnownLater:
    def test_a_late_text_is_a_guess(self, read: Make) -> None:
        found = read({"models/a.sql": "select x /* {{ run_started_at }} oddly */"})["a"]
        assert (found.complete, [c.name for c in found.columns]) == (False, ["x"])
        assert "when it runs" in found.unknown
        assert "when it runs" in found.columns[0].unknown
        assert found.findings == ()

    def test_what_was_seen_of_a_late_model_is_no_guess(self, read: Make) -> None:
        files = {"models/b.sql": "select x, z", "models/a.sql": "select x, z from b /* {{ run_started_at }} */"}
        found = read(files, {"model.shop.a": Shape((("X", "date"), ("w", "text")), complete=True)})["a"]
        assert (found.complete, found.unknown) == (True, "")
        assert found.shape.columns == (("X", "date"), ("w", "text"))
        assert found.columns[0].uses == (Use("model.shop.b", "x", "passed"),)

    def test_an_incremental_model_uses_what_either_face_uses(self, read: Make) -> None:
        sql = (
            "{{ config(materialized='incremental') }}select x from b"
            "{% if is_incremental() %} where at > (select max(at) from {{ this }}){% endif %}"
        )
        found = read({"models/b.sql": "select x, at", "models/a.sql": sql})["a"]
        assert found.rows == (Use("model.shop.b", "at", "filter"),)
        assert [c.name for c in found.columns] == ["x"]

    def test_what_an_incremental_model_takes_from_itself_is_from_nowhere_else(self, read: Make) -> None:
        sql = (
            "{{ config(materialized='incremental') }}"
            "{% if is_incremental() %}select x from {{ this }} where x{% else %}select x from b{% endif %}"
        )
        found = read({"models/b.sql": "select x", "models/a.sql": sql})["a"]
        assert (found.rows, found.columns[0].uses) == ((), (Use("model.shop.b", "x", "passed"),))


class TestPromises:
    CONTRACT = """
        models:
          - name: a
            config: {contract: {enforced: true}}
            columns: [{name: y, data_type: int64}, {name: x, data_type: text}]
    """

    def test_readers_see_the_contract(self, read: Make) -> None:
        files = {"models/a.yml": self.CONTRACT, "models/a.sql": "select x, y", "models/b.sql": "select * from a"}
        assert [name for name, _ in read(files).columns("b")] == ["y", "x"]
        assert all(kind for _, kind in read(files).columns("b"))

    def test_a_contract_completes_a_star_over_something_unknown(self, read: Make) -> None:
        found = read({"models/a.yml": self.CONTRACT, "models/s.yml": SOURCES, "models/a.sql": "select * from raw.orders"})["a"]
        assert found.complete
        assert {"x", "y"} <= {c.name for c in found.columns}

    def test_documentation_without_a_contract_completes_nothing(self, read: Make) -> None:
        said = self.CONTRACT.replace("enforced: true", "enforced: false")
        assert not read({"models/a.yml": said, "models/s.yml": SOURCES, "models/a.sql": "select * from raw.orders"})["a"].complete


def test_a_snapshot_adds_columns_under_their_configured_names(read: Make) -> None:
    files = {
        "models/b.sql": "select id, at",
        "snapshots/s.sql": (
            "{% snapshot s %}{{ config(strategy='timestamp', unique_key='id', updated_at='at',"
            " snapshot_meta_column_names={'dbt_valid_to': 'until'}) }}select id, at from b{% endsnapshot %}"
        ),
    }
    found = read(files)["s"]
    assert [c.name for c in found.columns] == ["id", "at", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "until"]
    by_name = {c.name: c for c in found.columns}
    assert by_name["dbt_valid_from"].uses == (Use("model.shop.b", "at", "renamed"),)
    assert by_name["dbt_scd_id"].uses == (Use("model.shop.b", "id", "transformed"), Use("model.shop.b", "at", "transformed"))


class TestNothingIsReadTwice:
    CHAIN: Mapping[str, str] = {
        "models/a.sql": "select x",
        "models/b.sql": "select x from a",
        "models/c.sql": "select x as y from b",
        "models/other.sql": "select x from a",
    }

    def test_nothing_changed(self, read: Make) -> None:
        first = read(self.CHAIN)
        again = read(self.CHAIN, before=first)
        assert len(first.reader.read) == 4
        assert again.reader.read == []
        assert dict(again.found) == dict(first.found)

    def test_another_text_with_the_same_columns_costs_one(self, read: Make) -> None:
        again = read({**self.CHAIN, "models/a.sql": "select x /* as before */"}, before=read(self.CHAIN))
        assert again.reader.read == ["select x /* as before */"]

    def test_a_new_column_reaches_as_far_as_shapes_change(self, read: Make) -> None:
        again = read({**self.CHAIN, "models/b.sql": "select x, z from a"}, before=read(self.CHAIN))
        assert sorted(again.reader.read) == ["select x as y from b", "select x, z from a"]

    def test_a_look_into_the_warehouse_reaches_its_readers_alone(self, read: Make) -> None:
        files = {**self.CHAIN, "models/s.yml": SOURCES, "models/d.sql": "select * from raw.orders"}
        again = read(files, {"source.shop.raw.orders": ORDERS}, read(files))
        assert again.reader.read == ["select * from raw.orders"]
