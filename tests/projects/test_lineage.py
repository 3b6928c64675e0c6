"""Questions about columns, as people ask them on the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orchestrator import api

FILES = {
    "models/sources.yml": """
        version: 2
        sources:
          - name: raw
            tables:
              - name: orders
                columns: [{name: id, data_type: integer}, {name: person, data_type: integer}, {name: cents, data_type: integer}]
              - name: people
                columns:
                  - {name: id, data_type: integer}
                  - {name: email, data_type: text, meta: {pii: email}}
        models:
          - name: totals
            columns:
              - name: total
                data_tests: [not_null]
        exposures:
          - {name: board, type: dashboard, owner: {name: Ann}, depends_on: ["ref('totals')"]}
        """,
    "models/stg_orders.sql": "{{ config(materialized='ephemeral') }}\nselect id, person, cents / 100.0 as amount from raw.orders\n",
    "models/persons.sql": "select id as person, lower(email) as email from raw.people\n",
    "models/totals.sql": """
        select p.email, sum(o.amount) as total
        from stg_orders o join persons p on o.person = p.person
        group by p.email
        """,
    "models/big.sql": "select * from {{ ref('stg_orders') }} where amount > 100\n",
}

Make = Callable[..., Any]


def repository(project: Any) -> Callable[..., str]:
    """The project's folder as a repository with one commit; answers git's commands."""
    env = {**os.environ, **project.environment, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def git(*words: str) -> str:
        named = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", *words]
        return subprocess.run(named, cwd=project.root, env=env, check=True, capture_output=True, text=True).stdout

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "first")
    return git


def test_a_column_is_traced_both_ways(project: Make) -> None:
    told = project(FILES).orc("lineage", "stg_orders.amount").exits(0).stdout
    assert "└─ transformed from raw.orders.cents  source" in told
    assert "├─ passed to big.amount" in told
    assert "├─ aggregated into totals.total  = sum(o.amount)" in told
    assert "│  └─ read by board  exposure" in told
    assert "└─ filters big  (all rows)" in told


def test_a_star_an_alias_of_case_and_a_source_are_names(project: Make) -> None:
    made = project(FILES)
    assert "passed from stg_orders.amount" in made.orc("lineage", "BIG.AMOUNT", "--upstream").exits(0).stdout
    down = made.orc("lineage", "raw.people.email", "--downstream").exits(0).stdout
    assert "transformed into persons.email  = lower(email)" in down
    assert "upstream" not in down


@pytest.mark.parametrize(
    ("name", "says"),
    [("totls.total", "U035"), ("totals.totle", "did you mean `total`?"), ("", "U035"), ("stg_orders.amount.x", "U035")],
)
def test_a_wrong_name_is_a_wrong_use(project: Make, name: str, says: str) -> None:
    assert says in project(FILES).orc("lineage", *([name] if name else [])).exits(2).stderr


def test_programs_get_json_mermaid_dot_and_openlineage(project: Make) -> None:
    made = project(FILES)
    found = json.loads(made.orc("lineage", "totals.total", "--format", "json").exits(0).stdout)
    assert [h["kind"] for h in found["upstream"]["hops"]] == ["aggregated", "transformed"]
    assert made.orc("lineage", "totals.total", "--format", "mermaid").exits(0).stdout.startswith("flowchart LR\n")
    assert made.orc("lineage", "totals.total", "--format", "dot").exits(0).stdout.startswith("digraph lineage {\n")
    (dataset,) = json.loads(made.orc("lineage", "totals", "--format", "openlineage").exits(0).stdout)
    (cents,) = dataset["facets"]["columnLineage"]["fields"]["total"]["inputFields"]
    assert (cents["name"].split(".")[-2:], cents["field"]) == (["raw", "orders"], "cents")
    every = json.loads(made.orc("lineage", "--format", "openlineage").exits(0).stdout)
    assert sorted(d["name"].rpartition(".")[2] for d in every) == ["big", "persons", "totals"]


def test_python_asks_the_same(project: Make) -> None:
    made = project(FILES)
    answer = api.Project(made.root, env=made.environment).lineage("totals.total", downstream=False)
    assert answer.downstream is None
    assert answer.upstream is not None
    assert [(hop.kind, hop.parent.column) for hop in answer.upstream.hops] == [("aggregated", "amount"), ("transformed", "cents")]


def test_an_unchanged_project_answers_without_its_parser(project: Make) -> None:
    made = project(FILES)
    made.orc("lineage", "--check").exits(0)
    script = "import sys; from orchestrator.cli.main import call; call(sys.argv[1:]); print(*{m.partition('.')[0] for m in sys.modules}, file=sys.stderr)"
    command = [sys.executable, "-c", script, *made.command("lineage", "totals.total")[3:]]
    done = subprocess.run(command, env=made.process_environment(), capture_output=True, text=True, check=True)
    assert "aggregated from" in done.stdout
    assert not {"sqlglot", "duckdb", "jinja2", "yaml", "rich"} & set(done.stderr.split())


def test_how_much_is_known(project: Make) -> None:
    made = project({**FILES, "models/odd.py": "def model(ctx):\n    return ctx.ref('totals').df()\n"})
    told = made.orc("lineage", "--check").exits(0).stdout
    assert re.search(r"\| odd +\| model +\| +0 \| +0 \| yes", told)
    found = json.loads(made.orc("lineage", "--check", "--format", "json").exits(0).stdout)
    by = {n["name"]: n for n in found["nodes"]}
    assert (by["totals"]["resolved"], by["totals"]["unresolved"]) == (2, 0)
    assert by["odd"]["open_ended"]
    assert made.orc("lineage", "--check", "--format", "dot").exits(2).stderr.startswith("error[U017]")


def test_what_a_column_reaches(project: Make) -> None:
    made = project(FILES)
    told = made.orc("impact", "--column", "raw.orders.cents").exits(0).stdout
    assert told.startswith("raw.orders.cents reaches 3 columns, 3 tables, 1 test, 1 exposure\n")
    assert "not_null_totals_total  tests totals.total" in told
    found = json.loads(made.orc("impact", "--column", "raw.orders.cents", "--column", "persons", "--format", "json").exits(0).stdout)
    assert len(found["asked"]) == 4
    assert made.orc("impact").exits(2).stderr.startswith("error[U017]")


# Since a revision


def changes(project: Any, *words: str) -> list[tuple[str, str, str | None, list[str]]]:
    found = json.loads(project.orc("impact", "--since", "git:main", "--format", "json", *words).exits(0).stdout)
    return [
        (c["node"].rpartition(".")[2], c["category"], c["column"], [b["node"].rpartition(".")[2] for b in c["breaks"]])
        for c in found["changes"]
    ]


def test_nothing_changed(project: Make) -> None:
    made = project(FILES)
    repository(made)
    assert made.orc("impact", "--since", "main").exits(0).stdout.startswith("nothing changed since main (")
    assert changes(made) == []


def test_a_removed_column_breaks_who_asks_for_it_and_not_who_takes_everything(project: Make) -> None:
    made = project(FILES)
    repository(made)
    made.write({"models/stg_orders.sql": "{{ config(materialized='ephemeral') }}\nselect id, cents / 100.0 as amount from raw.orders\n"})
    assert changes(made) == [("stg_orders", "column removed", "person", ["totals"]), ("big", "column removed", "person", [])]
    told = made.orc("impact", "--since", "main").exits(0).stdout
    assert "breaks totals  models/totals.sql:2:" in told
    assert ", 1 of them breaking" in told


def test_changes_have_their_names(project: Make) -> None:
    made = project(FILES)
    repository(made)
    made.write(
        {
            "models/stg_orders.sql": "{{ config(materialized='ephemeral') }}\nselect id, person, cents / 1000.0 as amount from raw.orders\n",
            "models/persons.sql": "-- everybody\nselect id as person, lower(email) as email\nfrom raw.people\n",
            "models/big.sql": "select * from stg_orders where amount > 1000\n",
            "models/new.sql": "select 1 as x\n",
        }
    )
    assert sorted(changes(made)) == [
        ("big", "row set changed", None, []),
        ("new", "added", None, []),
        ("persons", "cosmetic", None, []),
        ("stg_orders", "expression changed", "amount", []),
    ]


def test_a_project_in_a_folder_of_its_repository_is_compared_with_itself(project: Make) -> None:
    outer = project({f"shop/{path}": text for path, text in FILES.items()})
    repository(outer)
    made = replace(outer, root=outer.root / "shop")
    assert changes(made) == []
    made.write({"models/big.sql": "select id from stg_orders where amount > 100\n"})
    assert {category for _, category, _, _ in changes(made)} == {"column removed"}


def test_the_work_tree_and_the_index_stay_as_they_are(project: Make) -> None:
    made = project(FILES)
    git = repository(made)
    made.write({"models/big.sql": "select id from stg_orders\n", "models/new.sql": "select 1 as x\n"})
    git("add", "models/new.sql")
    before = (git("status", "--porcelain"), git("worktree", "list"))
    made.orc("impact", "--since", "main").exits(0)
    after = (git("status", "--porcelain", ":!.orchestrator", ":!target"), git("worktree", "list"))
    assert [line for line in before[0].splitlines() if "orchestrator" not in line] == after[0].splitlines()
    assert before[1] == after[1]


@pytest.mark.parametrize(("revision", "code"), [("nowhere", "U039"), ("--output=x", "U039"), ("main:models", "U039")])
def test_a_revision_that_is_none(project: Make, revision: str, code: str) -> None:
    made = project(FILES)
    repository(made)
    assert made.orc("impact", f"--since={revision}").exits(2).stderr.startswith(f"error[{code}]")


def test_outside_of_a_repository(project: Make) -> None:
    made = project(FILES)
    told = made.orc("impact", "--since", "main", env={"GIT_CEILING_DIRECTORIES": str(made.root.parent)}).exits(2).stderr
    assert told.startswith("error[U038]")
    assert made.orc("impact", "--since", "main", env={"PATH": "/nowhere"}).exits(2).stderr.startswith("error[U038]: git is not installed")


def test_an_earlier_version_that_was_wrong_says_so(project: Make) -> None:
    made = project({**FILES, "models/bad.sql": "select from\n"})
    repository(made)
    made.remove("models/bad.sql")
    told = made.orc("impact", "--since", "main").exits(2).stderr
    assert "at `main`: " in told
    assert "models/bad.sql" in told
