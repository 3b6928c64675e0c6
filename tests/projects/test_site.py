"""``orc docs generate`` writes a site: the shapes its page reads, what changed and nothing else, harmless whatever a project says."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.core.version import VERSION
from tests.projects.typescript import Shapes

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "site"
NASTY = "</script><script>alert(1)</script><!-- \u2028 ]]> & \" '"

FILES = {
    "dbt_project.yml": "{name: shop, test-paths: [tests], models: {+persist_docs: {relation: false}}}",
    "README.md": "# The shop\n\nSells things.\n",
    "seeds/raw_orders.csv": "id,email,amount,status\n1,a@example.com,10,paid\n2,b@example.com,20,open\n3,b@example.com,,paid\n",
    "models/staging/stg_orders.sql": "{{ config(tags=['daily']) }}\nselect id as order_id, email, {{ cents('amount') }} as cents, status\n"
    "from {{ ref('raw_orders') }}\n",
    "models/marts/customers.sql": "{{ config(materialized='table', group='sales', access='public', meta={'tier': 1}) }}\n"
    "select email, sum(cents) as cents, count(*) as orders from {{ ref('stg_orders') }} where status = 'paid' group by email\n",
    "models/marts/anything.sql": "select * from {{ source('crm', 'people') }}",
    "models/marts/scored.py": "def model(ctx):\n    return ctx.ref('customers').df()\n",
    "models/s.yml": """
        groups: [{name: sales, owner: {name: Sales, email: sales@example.com}}]
        seeds:
          - name: raw_orders
            columns: [{name: email, description: Where the receipt goes., tags: [contact], meta: {pii: email}}]
        models:
          - name: stg_orders
            description: "Orders, one row *each*. Nothing else."
            columns: [{name: order_id, data_tests: [unique, {not_null: {config: {severity: warn}}}]}]
          - name: customers
            columns:
              - {name: email, data_tests: [{relationships: {arguments: {to: ref('stg_orders'), field: email}}}]}
              - {name: nowhere, description: Not in the query., data_type: text}
        sources:
          - name: crm
            description: The other system.
            loader: hand
            tables: [{name: people, description: All people., loaded_at_field: seen, freshness: {warn_after: {count: 1, period: day}}}]
        macros: [{name: cents, description: Money without points., arguments: [{name: amount, type: string, description: A number.}]}]
        exposures:
          - {name: board, type: dashboard, url: "https://example.com/board", owner: {name: Ann}, depends_on: [ref('customers')]}
        unit_tests:
          - {name: unpaid_do_not_count, model: customers, given: [{input: ref('stg_orders'), rows: []}], expect: {rows: []}}
        """,
    "macros/m.sql": "{% macro cents(amount) %}coalesce({{ amount }}, 0) * 100{% endmacro %}\n{% macro unused() %}1{% endmacro %}\n",
    "tests/no_negative.sql": "select * from {{ ref('customers') }} where cents < 0",
    "snapshots/s.sql": "{% snapshot orders_kept %}{{ config(strategy='check', unique_key='id', check_cols='all', target_schema='main') }}"
    "select * from {{ ref('raw_orders') }}{% endsnapshot %}",
    "analyses/once.sql": "select count(*) as n from {{ ref('customers') }}",
}


def read(p: Project, name: str) -> Any:
    return json.loads(p.read(f"target/docs/data/{name}.json"))


def node(p: Project, name: str) -> Any:
    (summary,) = [n for n in read(p, "project")["nodes"] if n["name"] == name]
    return read(p, f"nodes/{summary['file']}")


def column(p: Project, name: str, called: str) -> Any:
    (found,) = [c for c in node(p, name)["columns"] if c["name"] == called]
    return found


def times(p: Project) -> dict[str, int]:
    folder = p.root / "target" / "docs"
    return {f.relative_to(folder).as_posix(): f.stat().st_mtime_ns for f in folder.rglob("*") if f.is_file() and f.name[0] != "."}


@pytest.fixture
def built(project: Make) -> Project:
    """The shop, built and documented. The source is nobody's: its table does not exist."""
    p = project(FILES)
    p.orc("build", "--exclude", "anything").exits(0)
    p.orc("docs", "generate").exits(0)
    return p


def test_the_data_have_the_shapes_that_the_page_reads(built: Project) -> None:
    shapes = Shapes((ROOT / "ui" / "src" / "data.ts").read_text(encoding="utf-8"))
    project = read(built, "project")
    assert {n["kind"] for n in project["nodes"]} == {"model", "seed", "snapshot", "source", "exposure", "analysis"}
    assert shapes.complaints(project, "Project") == []
    assert shapes.complaints(read(built, "search"), "SearchFile") == []
    assert shapes.complaints(read(built, "macros"), "Macro[]") == []
    for number, summary in enumerate(project["nodes"]):
        detail = read(built, f"nodes/{summary['file']}")
        assert shapes.complaints(detail, "NodeDetail") == []
        assert (detail["id"], detail["index"], len(detail["columns"])) == (summary["id"], number, summary["columns"])
    assert len(read(built, "search")["columns"]) == len(read(built, "search")["texts"]) == len(project["nodes"])


def test_a_wrong_shape_would_be_noticed(built: Project) -> None:
    shapes = Shapes((ROOT / "ui" / "src" / "data.ts").read_text(encoding="utf-8"))
    detail = node(built, "customers")
    assert shapes.complaints({**detail, "colour": "red"}, "NodeDetail") == ["$.colour is not declared"]
    assert shapes.complaints({k: v for k, v in detail.items() if k != "index"}, "NodeDetail") == ["$.index is missing"]
    assert shapes.complaints({**detail, "rows": [[1, "email", "passed"]]}, "NodeDetail") != []  # no word for rows
    assert shapes.complaints({**detail, "language": "cobol"}, "NodeDetail") != []
    assert shapes.complaints({**detail, "line": "3"}, "NodeDetail") == ["$.line: '3' is no number"]


def test_the_data_are_those_on_record(built: Project) -> None:
    """tests/golden/site/shop.json: everything of two nodes, and what is read whole."""
    project = read(built, "project")
    said = {
        "project": project,
        "customers": node(built, "customers"),
        "people": node(built, "people"),
        "macros": read(built, "macros"),
        "search": read(built, "search"),
    }
    text = json.dumps(said, indent=1, ensure_ascii=False)
    text = re.sub(r'"\d{4}-\d\d-\d\dT[\d:.]+Z"', '"<time>"', text)
    text = re.sub(r'"run": "[0-9a-f-]{36}"', '"run": "<run>"', text)
    text = re.sub(r'"took": [\d.]+', '"took": 0', text).replace(f'"version": "{VERSION}"', '"version": "<version>"')
    path = GOLDEN / "shop.json"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


def test_lineage_leads_both_ways(built: Project) -> None:
    nodes = [n["name"] for n in read(built, "project")["nodes"]]
    cents = column(built, "customers", "cents")
    assert (cents["from"], cents["expression"]) == ([[nodes.index("stg_orders"), "cents", "aggregated"]], "sum(cents)")
    assert [nodes.index("customers"), "cents", "aggregated"] in column(built, "stg_orders", "cents")["to"]
    assert column(built, "stg_orders", "status")["rows"] == [[nodes.index("customers"), "", "filter"]]
    assert [nodes.index("stg_orders"), "status", "filter"] in node(built, "customers")["rows"]
    assert node(built, "anything")["incomplete"]


def test_what_is_told_of_a_column_is_told_of_its_heirs(built: Project) -> None:
    nodes = [n["name"] for n in read(built, "project")["nodes"]]
    email = column(built, "customers", "email")
    assert email["description"] == "Where the receipt goes."
    assert email["inherited"] == {"node": nodes.index("raw_orders"), "column": "email"}
    assert (email["tags"], email["pii"]) == (["contact"], ["email"])
    assert "inherited" not in column(built, "raw_orders", "email")


def test_every_test_is_shown_where_it_tests(built: Project) -> None:
    by_column = {t["label"]: t for t in column(built, "stg_orders", "order_id")["tests"]}
    assert {label: (t["status"], t["severity"]) for label, t in by_column.items()} == {
        "unique": ("pass", "error"),
        "not_null": ("pass", "warn"),
    }
    assert [t["label"] for t in column(built, "customers", "email")["tests"]] == ["relationships(to: stg_orders, field: email)"]
    assert sorted(t["label"] for t in node(built, "customers")["tests"]) == ["singular", "unit"]


def test_macros_of_other_packages_are_listed_where_they_are_used(project: Make) -> None:
    p = project({"models/a.sql": "select {{ dbt_utils.generate_surrogate_key(['1']) }} as x", "macros/m.sql": FILES["macros/m.sql"]})
    p.orc("docs", "generate", "--offline").exits(0)
    listed = {m["name"]: m for m in read(p, "macros")}
    assert {"cents", "unused", "generate_surrogate_key"} <= set(listed)
    assert "star" not in listed
    assert listed["generate_surrogate_key"]["used_by"] == [0]
    assert listed["generate_surrogate_key"]["sql"].startswith("{% macro generate_surrogate_key")
    assert read(p, "project")["counts"]["macros"] == len(listed)


def test_a_failed_test_is_the_status_of_its_model(project: Make) -> None:
    p = project({"models/a.sql": "select null as x", "models/s.yml": "models: [{name: a, columns: [{name: x, data_tests: [not_null]}]}]"})
    p.orc("build").exits(1)
    p.orc("docs", "generate", "--offline").exits(0)
    assert read(p, "project")["nodes"][0]["status"] == "error"
    (test,) = column(p, "a", "x")["tests"]
    assert (test["status"], test["failures"]) == ("fail", 1)


def test_a_test_of_a_column_that_nobody_knows_is_not_lost(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x", "models/s.yml": "models: [{name: a, data_tests: [{unique: {column_name: y + 1}}]}]"})
    p.orc("docs", "generate", "--offline").exits(0)
    assert [t["label"] for t in node(p, "a")["tests"]] == ["unique"]


# What is written when


def test_what_did_not_change_is_not_touched(built: Project) -> None:
    before = times(built)
    assert "0 changed" in built.orc("docs", "generate").exits(0).stderr
    assert times(built) == before
    built.write({"models/marts/customers.sql": built.read("models/marts/customers.sql").replace("'paid'", "'open'")})
    built.orc("docs", "generate").exits(0)
    changed = {name for name, at in times(built).items() if before[name] != at}
    assert changed == {"data/nodes/model.shop.customers.json", "data/project.json"}


def test_a_file_that_somebody_changed_is_written_again(built: Project) -> None:
    path = built.root / "target/docs/data/search.json"
    path.write_text("{}")
    built.orc("docs", "generate").exits(0)
    assert read(built, "search") != {}
    path.unlink()
    built.orc("docs", "generate").exits(0)
    assert path.exists()


def test_the_page_of_a_model_that_is_gone_goes_and_foreign_files_stay(built: Project) -> None:
    built.write({"target/docs/data/nodes/mine.json": "{}", "target/docs/CNAME": "docs.example.com"})
    built.remove("analyses/once.sql", "models/marts/anything.sql")
    built.orc("docs", "generate").exits(0)
    there = set(times(built))
    assert "data/nodes/model.shop.anything.json" not in there
    assert {"data/nodes/mine.json", "CNAME", "data/nodes/model.shop.customers.json"} <= there


def test_somebody_elses_page_is_not_written_over(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x", "public/index.html": "<html>mine</html>"})
    told = p.orc("docs", "generate", "--offline", "--output", str(p.root / "public")).exits(2)
    assert "U049" in told.stderr
    assert p.read("public/index.html") == "<html>mine</html>"
    assert sorted(f.name for f in (p.root / "public").iterdir()) == ["index.html"]


def test_a_single_file_goes_where_it_is_told(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x", "mine.html": "mine", "out/keep.txt": ""})
    p.orc("docs", "generate", "--offline", "--single-file", "--output", str(p.root / "out")).exits(0)
    p.orc("docs", "generate", "--offline", "--single-file", "--output", str(p.root / "new" / "shop.html")).exits(0)
    assert 'data-file="nodes/model.' in p.read("out/docs.html")
    assert 'data-file="nodes/model.' in p.read("new/shop.html")
    assert "U049" in p.orc("docs", "generate", "--offline", "--single-file", "--output", str(p.root / "mine.html")).exits(2).stderr
    assert p.read("mine.html") == "mine"


def test_no_warehouse_is_needed_offline(project: Make) -> None:
    p = project(
        {
            **FILES,
            "profiles.yml": "shop: {target: t, outputs: {t: {type: postgres, host: 127.0.0.1, port: 1, user: u, dbname: d, schema: s}}}",
        }
    )
    p.write({"dbt_project.yml": "{name: shop, profile: shop, test-paths: [tests]}"})
    p.orc("docs", "generate").exits(2)
    p.orc("docs", "generate", "--offline").exits(0)
    assert not (p.root / "target" / "catalog.json").exists()
    assert read(p, "project")["engine"] == "postgres"
    assert column(p, "customers", "email")["from"]
    p.orc("docs", "generate", "--no-catalog", "--no-compile").exits(0)
    assert "compiled" not in node(p, "customers")


def test_an_unchanged_project_is_documented_without_reading_sql(built: Project) -> None:
    script = (
        "import sys; from orchestrator.cli.main import call; call(['docs', 'generate', '--offline', '-q']); print(*sorted(sys.modules))"
    )
    built.orc("docs", "generate", "--offline").exits(0)
    done = built.shell(f'{sys.executable} -c "{script}"').exits(0)
    assert not {"sqlglot", "jinja2", "duckdb", "pandas", "yaml"} & {m.split(".")[0] for m in done.stdout.split()}


# Nothing harmful, nothing secret


NASTY_FILES = {
    "models/a.sql": f"select 1 as x -- {NASTY}",
    "models/s.yml": json.dumps({"models": [{"name": "a", "description": NASTY, "columns": [{"name": "x", "description": NASTY}]}]}),
}


def test_a_single_file_holds_everything_and_only_its_own_scripts_run(project: Make) -> None:
    p = project({**NASTY_FILES, "dbt_project.yml": "{name: p}"})
    p.orc("docs", "generate", "--offline", "--single-file").exits(0)
    page = p.read("target/docs.html")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    policy = html.unescape(policy)
    held = dict(re.findall(r'<script type="application/json" data-file="([^"]+)">(.*?)</script>', page, re.DOTALL))
    assert sorted(held) == ["macros.json", "nodes/model.p.a.json", "project.json", "search.json"]
    assert json.loads(held["nodes/model.p.a.json"])["description"] == NASTY
    assert not any("<" in text or "\u2028" in text for text in held.values())
    # what remains without the data is the page as built: no element came out of a text
    rest = re.sub(r'<script type="application/json".*?</script>\n', "", page, flags=re.DOTALL)
    scripts = re.findall(r'<script(?: type="module")?>(.*?)</script>', rest, re.DOTALL)
    assert [f"'sha256-{b64encode(sha256(s.encode()).digest()).decode()}'" for s in scripts] == re.findall(
        r"'sha256-[^']+'",
        re.search(r"script-src ([^;]*)", policy)[1],  # type: ignore[index]
    )
    assert "alert(1)" not in rest
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]*)"', re.sub(r"(?s)<(script|style)\b[^>]*>.*?</\1>", "", rest)) == [
        "data:,"
    ]
    assert not (p.root / "target" / "docs").exists()


def test_the_page_of_the_folder_runs_nothing_but_its_files(built: Project) -> None:
    page = built.read("target/docs/index.html")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert "<title>shop</title>" in page
    for name in re.findall(r'(?:src|href)="\./([^"]+)"', page):
        assert (built.root / "target/docs" / name).is_file()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style| style=| on\w+=", page)
    assert "http://" not in page
    assert "https://" not in page


def test_a_large_single_file_is_warned_about(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x", "models/s.yml": f"models: [{{name: a, description: {'x' * 21_000_000}}}]"})
    assert "U047" in p.orc("docs", "generate", "--offline", "--no-compile", "--single-file").exits(0).stderr


def test_no_secret_and_no_place_of_this_machine_is_in_the_site(project: Make) -> None:
    p = project({"models/a.sql": "select '{{ env_var('DBT_ENV_CUSTOM_ENV_WORD') }}' as x, 'hunter-22' as y"})
    secret = {"DBT_ENV_SECRET_WORD": "hunter-22", "DBT_ENV_CUSTOM_ENV_WORD": str(p.root / "data" / "x.csv")}
    p.orc("docs", "generate", "--offline", env=secret).exits(0)
    p.orc("docs", "generate", "--offline", "--single-file", env=secret).exits(0)
    written = [f for f in (p.root / "target").rglob("*") if f.is_file() and ("docs" in f.name or "docs" in f.parts)]
    assert len(written) > 5
    for file in written:
        text = file.read_text(encoding="utf-8")
        assert "hunter-22" not in text
        assert str(p.root) not in text
    assert "'data/x.csv' as x" in node(p, "a")["compiled"]


# docs serve


def test_there_is_nothing_to_serve_before_it_is_generated(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x"})
    told = p.orc("docs", "serve").exits(2).stderr
    assert "U045" in told
    assert "orc docs generate" in told


def test_the_site_is_served_until_somebody_ends_it(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x"})
    p.orc("docs", "generate", "--offline").exits(0)
    p.write({"models/a.sql": "select {{"})  # a broken project still has its pages
    command = p.command("docs", "serve", "--port", "0")
    with subprocess.Popen(command, cwd=p.root, env=p.process_environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            url = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert url is not None, line
            with urllib.request.urlopen(f"{url[0]}data/project.json", timeout=10) as answer:
                assert [n["name"] for n in json.load(answer)["nodes"]] == ["a"]
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_a_taken_port_is_told_and_a_host_for_everybody_is_warned_about(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x"})
    p.orc("docs", "generate", "--offline").exits(0)
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = p.orc("docs", "serve", "--host", "0.0.0.0", "--port", port).exits(2).stderr
    assert "U046" in told
    assert "U048" in told
