"""What a change makes necessary to build: itself, and who reads something of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.app.columns.meanings import meanings
from orchestrator.app.opening import open_workspace
from orchestrator.cli import wire
from orchestrator.graph.compare import Version, compare
from orchestrator.graph.rebuild import Rebuild, rebuild

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

TABLE = "{{ config(materialized='table') }} "
SHOP = {
    "pyproject.toml": "[tool.orchestrator]\nname = 'shop'\n",
    "seeds/raw.csv": "id,amount,country,note\n1,2,de,x\n",
    "models/stg.sql": TABLE + "select id, amount, country, note from {{ ref('raw') }}",
    "models/by_country.sql": TABLE + "select country, sum(amount) as total from {{ ref('stg') }} group by country",
    "models/notes.sql": TABLE + "select id, note from {{ ref('stg') }}",
    "models/ranked.sql": TABLE + "select country, total * 2 as twice from {{ ref('by_country') }}",
    "models/everything.sql": TABLE + "select * from {{ ref('stg') }}",
    "models/thin.sql": "{{ config(materialized='ephemeral') }} select id, note as remark from {{ ref('stg') }}",
    "models/remarks.sql": "select remark from {{ ref('thin') }}",
    "models/props.yml": "models: [{name: notes, columns: [{name: id, data_tests: [unique]}]}]\n",
}


def version(p: Project) -> Version:
    workspace = open_workspace(wire.invocation({"project_dir": str(p.root)}, "plan"))
    return Version(workspace.graph, meanings(workspace), workspace.dialect.sqlglot)


def after(project: Make, change: dict[str, str], *removed: str, **more: Any) -> Rebuild:
    before, now = project(SHOP, "before"), project({**SHOP, **change}, "now").remove(*removed)
    one, other = version(before), version(now)
    return rebuild(one, other, compare(one, other), **more)


def named(ids: Any) -> list[str]:
    return sorted(id_.rpartition(".")[2] for id_ in ids)


def stg(text: str) -> dict[str, str]:
    return {"models/stg.sql": TABLE + text}


def test_who_reads_a_changed_column_and_nobody_else(project: Make) -> None:
    found = after(project, stg("select id, amount * 100 as amount, country, note from {{ ref('raw') }}"))
    assert named(found.ids) == ["by_country", "everything", "ranked", "stg"]
    assert named(found.changed) == ["stg"]
    assert named(found.unaffected) == ["notes", "remarks"]
    assert found.reasons["model.shop.stg"] == ("expression changed: amount",)
    assert found.reasons["model.shop.by_country"] == ("reads stg.amount",)
    assert found.reasons["model.shop.ranked"] == ("reads by_country.total",)


def test_everybody_below_other_rows_ephemeral_models_seen_through(project: Make) -> None:
    found = after(project, stg("select id, amount, country, note from {{ ref('raw') }} where amount > 0"))
    assert named(found.ids) == ["by_country", "everything", "notes", "ranked", "remarks", "stg"]
    assert found.unaffected == ()
    assert found.reasons["model.shop.notes"] == ("reads the rows of stg",)


def test_a_new_column_reaches_only_stars(project: Make) -> None:
    found = after(project, stg("select id, amount, country, note, 1 as x from {{ ref('raw') }}"))
    assert named(found.ids) == ["everything", "stg"]
    assert found.reasons["model.shop.everything"][0] == "column added: x"


def test_an_ephemeral_model_is_not_built_but_who_inlines_it_is(project: Make) -> None:
    text = SHOP["models/thin.sql"].replace("note as remark", "upper(note) as remark")
    found = after(project, {"models/thin.sql": text})
    assert named(found.ids) == ["remarks"]
    assert found.reasons["model.shop.remarks"] == ("reads thin.remark",)


def test_layout_comments_and_what_people_read_make_nothing_necessary(project: Make) -> None:
    told = "models: [{name: notes, description: d, config: {tags: [a], meta: {b: 1}}, columns: [{name: id, data_tests: [unique]}]}]\n"
    found = after(project, {**stg("-- hm\nSELECT id, amount,country, note from {{ ref('raw') }}"), "models/props.yml": told})
    assert (found.ids, found.unaffected, found.tests) == (frozenset(), (), frozenset())


def test_another_kind_of_table_is_built_and_its_readers_are_not(project: Make) -> None:
    found = after(project, {"models/stg.sql": SHOP["models/stg.sql"].replace("'table'", "'view'")})
    assert named(found.ids) == ["stg"]


def test_a_seed_s_rows(project: Make) -> None:
    assert "ranked" in named(after(project, {"seeds/raw.csv": "id,amount,country,note\n1,3,de,x\n"}).ids)


def test_what_is_gone_and_what_is_new(project: Make) -> None:
    change = {"models/ranked.sql": TABLE + "select country, 1 as twice from {{ ref('stg') }}", "models/new.sql": "select 1 as x"}
    found = after(project, change, "models/by_country.sql")
    assert named(found.ids) == ["new", "ranked"]
    assert found.reasons["model.shop.new"] == ("added",)


def test_widen_takes_everybody_below(project: Make) -> None:
    found = after(project, stg("select id, amount * 100 as amount, country, note from {{ ref('raw') }}"), widen=True)
    assert named(found.ids) == ["by_country", "everything", "notes", "ranked", "remarks", "stg"]
    assert found.reasons["model.shop.notes"] == ("downstream of a change",)
    assert found.unaffected == ()


def test_tests_that_are_new_or_say_something_else(project: Make) -> None:
    told = "models: [{name: notes, columns: [{name: id, data_tests: [not_null, {unique: {config: {where: id > 1}}}]}]}]\n"
    found = after(project, {"models/props.yml": told})
    assert (found.ids, sorted(t.split(".")[2] for t in found.tests)) == (frozenset(), ["not_null_notes_id", "unique_notes_id"])
