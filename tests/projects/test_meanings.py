"""What is known of a project's columns, on disk: nothing is worked out twice, nothing secret is written, and any damage is survived."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.app.columns.meanings import meanings
from orchestrator.app.columns.observed import observe
from orchestrator.app.invocation import Invocation
from orchestrator.app.opening import Workspace, open_workspace
from orchestrator.cli.wire import SystemClock
from orchestrator.core.meaning import Finding, Meaning, Output, Shape, Use
from orchestrator.core.names import Relation
from orchestrator.core.node import Query
from orchestrator.graph.meanings import Meanings
from orchestrator.load.packed_meaning import pack_meaning, unpack_meaning
from tests.projects.conftest import ROOT, Make, Project

FILES = {
    "seeds/cities.csv": "id,name\n1,Oslo\n",
    "models/models.yml": """
        sources: [{name: raw, tables: [{name: trips, columns: [{name: id}]}]}]
        seeds: [{name: cities, config: {column_types: {id: bigint}}}]
    """,
    "models/stg_cities.sql": "select * from {{ ref('cities') }}",
    "models/stg_trips.sql": "select * from raw.trips",
    "models/visits.sql": "select * from stg_cities",
    "models/mart.sql": "select * from visits",
}


@dataclass
class Reader:
    """Understands `select * from t` and `select x`. Remembers what it was asked to read."""

    read: list[str] = field(default_factory=list)

    def __call__(self, query: Query, inputs: Mapping[str, tuple[str, Shape]], dialect: str) -> Meaning:
        self.read.append(query.sql.split("--")[0].strip())
        if not inputs:
            return Meaning((Output("x", expression=query.sql),))
        parent, seen = next(iter(inputs.values()))
        columns = tuple(Output(n, t, (Use(parent, n, "passed"),)) for n, t in seen.columns)
        return Meaning(columns, (), seen.complete, seen.unknown)


@dataclass(frozen=True)
class Known:
    """What one command would know, and which queries it had to read for that."""

    found: Meanings
    read: list[str]

    def names(self, id_: str) -> list[str]:
        return [c.name for c in self.found[id_].columns]


def opened(p: Project, *, cache: bool = True) -> Workspace:
    env = {**p.environment, "HOME": str(p.root.parent)}
    return open_workspace(Invocation("1", p.root, datetime.now(UTC), SystemClock(), env, cache=cache))


def look(p: Project, *, cache: bool = True) -> Known:
    """Open the project as one command would, and ask for everything."""
    reader = Reader()
    found = meanings(opened(p, cache=cache), reader)
    dict(found)
    return Known(found, reader.read)


def facts(p: Project) -> Path:
    (file,) = (p.root / ".orchestrator/cache/meanings").glob("*.db")
    return file


def test_a_header_is_what_a_seed_has(project: Make) -> None:
    seen = look(project(FILES))
    assert seen.found["model.p.mart"].shape == Shape((("id", "bigint"), ("name", None)), complete=True)


def test_an_unchanged_project_is_not_read_again(project: Make) -> None:
    p = project(FILES)
    first = look(p)
    again = look(p)
    assert len(first.read) == 4
    assert again.read == []
    assert dict(again.found) == dict(first.found) == dict(look(p, cache=False).found)


WARM = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from orchestrator.app.invocation import Invocation
from orchestrator.app.columns.meanings import meanings
from orchestrator.app.opening import open_workspace
from orchestrator.cli.wire import SystemClock
found = meanings(open_workspace(Invocation("2", Path({root!r}), datetime.now(UTC), SystemClock(), {{"HOME": {home!r}}})))
print(len(dict(found)), *sorted({{name.split(".")[0] for name in sys.modules}}))
"""


def test_what_is_remembered_needs_nothing_heavy(project: Make) -> None:
    p = project(FILES)
    look(p)
    script = WARM.format(root=str(p.root), home=str(p.root.parent))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment, timeout=60)
    count, *names = done.stdout.split()
    assert int(count) == 6
    assert not {*names} & {"sqlglot", "duckdb", "jinja2", "yaml", "pyarrow", "pandas"}


def test_one_meaning_is_decoded_when_it_is_asked_for(project: Make) -> None:
    p = project(FILES)
    look(p)
    found = meanings(opened(p), Reader())
    assert found._read == {}
    assert found["model.p.mart"].complete
    assert list(found._read) == ["model.p.mart"]


def test_a_comment_moves_places_and_is_read_again_its_children_are_not(project: Make) -> None:
    p = project(FILES)
    look(p)
    p.write({"models/visits.sql": "-- all of them\nselect * from stg_cities"})
    assert len(look(p).read) == 1
    assert look(p).read == []


def test_a_new_column_of_a_seed_reaches_all_that_shows_it(project: Make) -> None:
    p = project(FILES)
    look(p)
    p.write({"seeds/cities.csv": "id,name,country\n1,Oslo,NO\n"})
    seen = look(p)
    assert sorted(seen.read) == ['select * from "__orc"."ref::cities:"."cities"', "select * from stg_cities", "select * from visits"]
    assert seen.names("model.p.mart") == ["id", "name", "country"]


def test_a_change_of_properties_opens_everything_anew_and_reads_only_what_it_concerns(project: Make) -> None:
    p = project(FILES)
    look(p)
    p.write({"models/models.yml": FILES["models/models.yml"].replace("{name: id}", "{name: id}, {name: at}")})
    seen = look(p)
    assert seen.read == ["select * from raw.trips"]
    assert seen.names("model.p.stg_trips") == ["id", "at"]


def test_what_was_seen_of_a_source_counts_until_it_is_gone(project: Make) -> None:
    p = project(FILES)
    assert not look(p).found["model.p.stg_trips"].complete
    workspace = opened(p)
    trips = workspace.graph.nodes["source.p.raw.trips"].relation
    assert trips is not None
    observe(workspace, [trips], {trips: (("id", "integer"), ("km", "double"))})
    seen = look(p)
    assert seen.found["model.p.stg_trips"].shape == Shape((("id", "integer"), ("km", "double")), complete=True)
    assert seen.read == ["select * from raw.trips"]
    observe(workspace, [trips], {})
    assert not look(p).found["model.p.stg_trips"].complete


def test_what_was_seen_of_one_relation_leaves_the_others_alone(project: Make) -> None:
    p = project(FILES)
    workspace = opened(p)
    trips = workspace.graph.nodes["source.p.raw.trips"].relation
    other = Relation("d", "s", "t")
    assert trips is not None
    observe(workspace, [trips], {trips: (("id", None),)})
    observe(workspace, [other], {other: (("z", None),)})
    assert look(p).found["source.p.raw.trips"].complete


def test_a_run_sees_what_its_python_models_and_seeds_became(project: Make) -> None:
    python = "def model(ctx):\n    return ctx.ref('stg_cities').arrow()\n"
    late = "{{ config(materialized='table') }}select id, '{{ run_started_at }}' as at from stg_cities"
    p = project({**FILES, "models/frame.py": python, "models/late.sql": late, "models/stg_trips.sql": "select 1 as id"})
    assert not look(p).found["model.p.frame"].complete
    p.orc("build").exits(0)
    seen = look(p).found
    assert seen["seed.p.cities"].shape == Shape((("id", "bigint"), ("name", "VARCHAR")), complete=True)
    assert seen["model.p.frame"].shape == Shape((("id", "BIGINT"), ("name", "VARCHAR")), complete=True)
    assert [name for name, _ in seen["model.p.late"].shape.columns] == ["id", "at"]
    assert seen["model.p.late"].complete
    p.write({"models/frame.py": python.replace(".arrow()", ".arrow().select(['name'])")}).orc("run").exits(0)
    assert look(p).names("model.p.frame") == ["name"]


def test_a_run_without_such_tables_looks_at_nothing(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x"})
    p.orc("build").exits(0)
    assert not (p.root / ".orchestrator/observed").exists()


def test_documentation_sees_the_sources(project: Make) -> None:
    p = project(FILES)
    p.change("create schema raw; create table raw.trips (id integer, km double)")
    p.orc("docs", "generate").exits(0)
    assert look(p).found["model.p.stg_trips"].shape == Shape((("id", "INTEGER"), ("km", "DOUBLE")), complete=True)


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"format": 1}', b'{"format": 1, "relations": [[1]]}', b"\xff\xfe"])
def test_a_damaged_note_of_what_was_seen_is_as_none(project: Make, broken: bytes) -> None:
    p = project(FILES)
    workspace = opened(p)
    trips = workspace.graph.nodes["source.p.raw.trips"].relation
    assert trips is not None
    observe(workspace, [trips], {trips: (("id", None),)})
    (file,) = (p.root / ".orchestrator/observed").iterdir()
    file.write_bytes(broken)
    assert not look(p).found["source.p.raw.trips"].complete


def _truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def _another_format(file: Path) -> None:
    _sql(file, "update meaning set value = '[1]'")


def _nothing_in_it(file: Path) -> None:
    _sql(file, "update meaning set value = null")


def _rows_lost(file: Path) -> None:
    _sql(file, "delete from meaning where id = 'model.p.visits'")


def _noise(file: Path) -> None:
    file.write_bytes(random.Random(1).randbytes(20_000))


def _sql(file: Path, sql: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize("damage", [_truncated, _another_format, _nothing_in_it, _rows_lost, _noise, Path.unlink])
@pytest.mark.parametrize("edited", [False, True])
def test_a_damaged_file_is_worked_out_anew(project: Make, damage: Callable[[Path], None], edited: bool) -> None:
    p = project(FILES)
    look(p)
    damage(facts(p))
    if edited:
        p.write({"models/mart.sql": "select * from visits -- again"})
    wanted = dict(look(p, cache=False).found)
    assert dict(look(p).found) == wanted
    assert dict(look(p).found) == wanted
    assert look(p).read == []


def test_facts_of_another_version_of_the_code_are_not_used(project: Make) -> None:
    p = project(FILES)
    look(p)
    _sql(facts(p), "update about set value = 'another' where name = 'engine'")
    assert len(look(p).read) == 4


def test_a_secret_in_a_query_is_never_written_and_the_rest_is(project: Make) -> None:
    p = project({**FILES, "models/agent.sql": "select 'it is hunter2\"quoted'"})
    look(p)
    assert b"hunter2" in facts(p).read_bytes()
    p.environment["ORC_SECRET_AGENT"] = 'hunter2"quoted'
    p.write({"models/mart.sql": "select * from stg_cities"})
    assert look(p).names("model.p.agent") == ["x"]
    secret = json.dumps('hunter2"quoted')[1:-1].encode()
    assert secret not in facts(p).read_bytes()
    assert look(p).read == ["select 'it is hunter2\"quoted'"]


def test_whatever_is_edited_the_facts_are_those_of_a_first_look(project: Make) -> None:
    """Random edits of texts, headers, properties and files; after each the cached facts equal those worked out without a cache."""
    p = project(FILES)
    dice = random.Random(4)
    for step in range(25):
        match dice.choice(["seed", "text", "comment", "type", "new", "gone"]):
            case "seed":
                p.write({"seeds/cities.csv": ",".join(f"c{i}" for i in range(dice.randint(1, 4))) + "\n"})
            case "text":
                p.write({"models/visits.sql": dice.choice(["select x", "select * from stg_cities", "select * from stg_trips"])})
            case "comment":
                p.write({"models/stg_cities.sql": f"select * from {{{{ ref('cities') }}}} -- {step}"})
            case "type":
                p.write({"models/models.yml": FILES["models/models.yml"].replace("bigint", dice.choice(["integer", "text", "bigint"]))})
            case "new":
                p.write({f"models/m{step}.sql": f"select * from {dice.choice(['visits', 'mart', 'raw.trips'])}"})
            case "gone":
                for path in list((p.root / "models").glob("m[0-9]*.sql"))[:1]:
                    path.unlink()
        assert dict(look(p).found) == dict(look(p, cache=False).found)


def test_what_is_packed_comes_back_as_it_was() -> None:
    uses = (Use("model.p.a", "ø", "aggregated", 3, 9), Use("model.p.b", "y", "conditional"))
    columns = (Output("n", None, uses, "sum(ø)", 1, 2, ""), Output("m", "text", (), "", -1, -1, "why not"))
    meaning = Meaning(columns, (Use("model.p.a", "z", "filter", 5, 6),), False, "a star", (Finding("S100", "odd", 1, 2, "hint"),))
    for each in (meaning, Meaning()):
        assert unpack_meaning(pack_meaning(each)) == each


def test_a_whole_project_as_it_is_really_read(project: Make) -> None:
    """With the reader of queries that commands use: every kind of node, from a seed's header to a late model's guess."""
    p = project(
        {
            "seeds/raw.csv": "id,at,amount\n1,2024-01-01,2.5\n",
            "models/s.yml": """
                seeds: [{name: raw, config: {column_types: {id: bigint, at: date, amount: double}}}]
                models:
                  - name: promised
                    config: {materialized: table, contract: {enforced: true}}
                    columns: [{name: total, data_type: double}, {name: id, data_type: bigint}]
            """,
            "models/clean.sql": "{{ config(materialized='ephemeral') }}select *, amount * 2 as twice from raw where id > 0",
            "models/promised.sql": "select id, sum(twice) as total from {{ ref('clean') }} group by id",
            "models/grown.sql": """
                {{ config(materialized='incremental', unique_key='id') }}
                select id, twice from clean
                {% if is_incremental() %} where at > (select max(at) from {{ this }}) {% endif %}
            """,
            "models/late.sql": "select id as key, '{{ run_started_at }}' as seen from promised",
            "models/frame.py": "def model(ctx):\n    return ctx.ref('grown').arrow()\n",
            "snapshots/s.yml": "snapshots: [{name: hist, relation: ref('grown'), config: {strategy: check, unique_key: id, check_cols: all}}]",
            "models/star.sql": "select * from hist",
            "tests/assertions/t.sql": "select id from grown where twice < 0",
        }
    )
    found = meanings(opened(p))
    shapes = {id_.split(".")[2]: found[id_].shape for id_ in found}
    assert shapes["clean"].columns[:3] == (("id", "BIGINT"), ("at", "DATE"), ("amount", "DOUBLE"))
    assert [name for name, _ in shapes["clean"].columns[3:]] == ["twice"]
    assert {name for name, _ in shapes["promised"].columns} == {"id", "total"}
    assert [name for name, _ in shapes["star"].columns][2:] == ["dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"]
    assert {name for name, shape in shapes.items() if not shape.complete} == {"late", "frame"}
    grown = found["model.p.grown"]
    assert {(u.column, u.kind) for u in grown.rows} == {("at", "filter")}
    assert {u.node for c in grown.columns for u in c.uses} == {"model.p.clean"}
    total = next(c for c in found["model.p.promised"].columns if c.name == "total")
    assert [(u.node, u.column, u.kind) for u in total.uses] == [("model.p.clean", "twice", "aggregated")]
    assert [(u.column, u.kind) for u in found["test.p.t"].rows] == [("twice", "filter")]
    wrong = {id_: [f.code for f in found[id_].findings if not f.code.startswith("S3")] for id_ in found}
    assert {id_: codes for id_, codes in wrong.items() if codes} == {}
