"""A model copied under another name: both are there, and nothing that was there is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.load.transcribe import transcribe

Make = Callable[..., Any]

YAML = """
    version: 2
    models:
      - name: stg_trips
      # what all others read
      - name: core_trips
        description: on  # a word
        columns:
          - name: id
            data_tests: [not_null, unique]
      - name: mart
    """
FILES = {
    "models/core/all.yml": YAML,
    "models/core/stg_trips.sql": "select 1 as id",
    "models/core/core_trips.sql": "-- each trip once\nselect id from stg_trips",
    "models/core/mart.sql": "select id from core_trips",
}


def test_3_17_a_copy_has_a_name_of_its_own_and_the_graph_has_both(project: Make) -> None:
    made = project(FILES)
    told = made.orc("clone", "core_trips", "core_trips_eu").exits(0)
    assert told.stderr == "Wrote models/core/core_trips_eu.sql\nWrote models/core/core_trips_eu.yml\n"
    assert made.read("models/core/core_trips_eu.sql") == made.read("models/core/core_trips.sql")
    assert "description: on  # a word" in made.read("models/core/core_trips_eu.yml")
    assert made.read("models/core/all.yml").count("core_trips") == 1, "the old file is as it was"
    edges = made.orc("ls", "-s", "stg_trips+", "--resource-type", "model", "--output", "mermaid").exits(0).stdout
    boxes = {line.split('"')[1]: line.split("[")[0].strip() for line in edges.splitlines() if "[" in line}
    assert boxes.keys() == {"stg_trips", "core_trips", "core_trips_eu", "mart"}
    assert f"{boxes['stg_trips']} --> {boxes['core_trips_eu']}" in edges
    assert f"{boxes['core_trips']} --> {boxes['mart']}" in edges
    assert f"{boxes['core_trips_eu']} -->" not in edges, "who read the model still reads the model"
    made.orc("build").exits(0)
    assert made.query("select count(*) from core_trips_eu") == [(1,)]
    assert "not_null_core_trips_eu_id" in made.orc("ls", "--resource-type", "test", "--output", "name").exits(0).stdout


def test_3_17_python_is_copied_too(project: Make) -> None:
    made = project({**FILES, "models/score.py": "def model(ctx):\n    return ctx.ref('mart').df()\n"})
    made.orc("clone", "score", "score_eu").exits(0)
    assert made.read("models/score_eu.py") == made.read("models/score.py")
    assert "score_eu" in made.orc("ls", "-s", "mart+", "--output", "name").exits(0).stdout.split()


def test_3_17_a_file_of_properties_that_is_there_is_left_and_the_entry_printed(project: Make) -> None:
    made = project({**FILES, "models/core/eu.yml": "version: 2\n"})
    told = made.orc("clone", "core_trips", "eu").exits(0)
    assert "Left as it was: models/core/eu.yml" in told.stderr
    assert told.stdout.startswith("version: 2\nmodels:\n  - name: eu\n")
    assert made.read("models/core/eu.yml") == "version: 2\n"


@pytest.mark.parametrize(
    ("model", "new", "says"),
    [
        ("core_trip", "x", "did you mean `core_trips`?"),
        ("core_trips", "MART", "the model `mart` exists already"),
        ("core_trips", "../x", "cannot name a model"),
        ("core_trips", "off", "the file `off.sql` exists already"),
        ("named", "named_eu", "cannot stand beside `named`"),
    ],
)
def test_3_17_what_cannot_be_copied_is_said_and_nothing_written(project: Make, model: str, new: str, says: str) -> None:
    more = {
        "models/core/off.sql": "{{ config(enabled=false) }} select 1 as a",
        "models/core/named.sql": "{{ config(alias='one_table') }} select 1 as a",
    }
    made = project({**FILES, **more})
    before = {p: p.read_bytes() for p in (made.root / "models").rglob("*") if p.is_file()}
    told = made.orc("clone", model, new).exits(2).stderr
    assert "U145" in told
    assert says in told
    assert {p: p.read_bytes() for p in (made.root / "models").rglob("*") if p.is_file()} == before


def test_3_17_what_needs_the_rest_of_its_file_is_spelled_out() -> None:
    text = "x: &tags [a, b]\nmodels:\n  - {name: one, config: {tags: *tags}}\n"
    assert transcribe(text, "one", "two") == "version: 2\nmodels:\n- name: two\n  config:\n    tags:\n    - a\n    - b\n"
    assert transcribe(text, "other", "two") is None
