"""`orc lint`: what it finds, where it says so, who has the last word."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import orchestrator
from orchestrator.core.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")

PARENTS = {
    "models/a.sql": "select 1 as id, 'x' as name, 0 as parent_id, 1.5 as amount",
    "models/b.sql": "select 1 as id, 'x' as name",
}


def project(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in {"pyproject.toml": '[tool.orchestrator]\nname = "shop"\n', **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def lint(folder: Path, *words: str) -> tuple[int, list[dict[str, object]], str]:
    """The exit code, the findings, and what was said beside them."""
    done = orchestrator.invoke(["lint", "--project-dir", str(folder), "--format", "json", *words])
    return done.exit_code, json.loads(done.stdout or "[]"), done.stderr


def codes(found: list[dict[str, object]]) -> list[object]:
    return [f["code"] for f in found]


def places(found: list[dict[str, object]]) -> list[str]:
    return [f"{f['code']} {f['path']}:{f['line']}:{f['column']}+{f['length']}" for f in found]


# The page


def examples() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each rule's examples: code, ``bad`` or ``good``, files."""
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        code = section.split()[0]
        found: dict[str, dict[str, str]] = {}
        for block in re.findall(r"^```\w+\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL):
            first, _, text = block.partition("\n")
            label = re.fullmatch(r"(?:--|#) (bad|good): (\S+)", first)
            assert label is not None, first
            found.setdefault(label[1], {})[label[2]] = text
        for which, files in found.items():
            yield code, which, files


def test_every_rule_has_a_section_with_a_bad_and_a_good_example_and_its_severity() -> None:
    sections = re.findall(r"^### (\S+) (\S+)\n\n`(\w+)`", PAGE, flags=re.MULTILINE)
    assert sections == [(r.code, r.name, r.severity) for r in RULES.values()]
    shown = [(code, which) for code, which, _ in examples()]
    assert shown == [(s[0], which) for s in sections for which in ("bad", "good")]


@pytest.mark.parametrize(("code", "which", "files"), [pytest.param(*e, id=f"{e[0]}-{e[1]}") for e in examples()])
def test_the_bad_example_gives_exactly_its_finding_and_the_good_one_none(
    tmp_path: Path, code: str, which: str, files: dict[str, str]
) -> None:
    _, found, _ = lint(project(tmp_path, {**PARENTS, **files}))
    assert codes(found) == ([code] if which == "bad" else [])
    assert [f["path"] for f in found] == [list(files)[-1]] * len(found)


# Places


def test_a_finding_points_to_the_template_not_to_what_came_out_of_it(tmp_path: Path) -> None:
    sql = "{% set n = 3 %}\n{{ config(materialized='table') }}\nselect a.id\nfrom {{ ref('a') }} as a\n  , {{ ref('b') }} as b\nwhere a.id > {{ n }}\n"
    _, found, _ = lint(project(tmp_path, {**PARENTS, "models/c.sql": sql}))
    assert places(found) == ["S302 models/c.sql:5:5+14"]


def test_a_finding_in_a_macro_points_into_the_macro_and_names_the_call(tmp_path: Path) -> None:
    files = {
        "macros/m.sql": "{% macro missing(c) %}\n  {{ c }} = null\n{% endmacro %}\n",
        "models/c.sql": "select id\nfrom a\nwhere {{ missing('id') }}\n",
    }
    code, found, _ = lint(project(tmp_path, {**PARENTS, **files}))
    assert code == 1
    assert places(found) == ["S305 macros/m.sql:2:3+7"]
    assert found[0]["trail"] == [{"what": "called from", "path": "models/c.sql", "line": 3, "column": 7}]


def test_what_one_face_of_an_incremental_model_uses_is_used(tmp_path: Path) -> None:
    sql = """{{ config(materialized='incremental') }}
with last as (select max(id) as id from {{ ref('b') }}), never as (select 1 as x)
select a.id from {{ ref('a') }} as a
{% if is_incremental() %} where a.id > (select id from last) and a.name = null {% endif %}
"""
    _, found, _ = lint(project(tmp_path, {**PARENTS, "models/c.sql": sql}))
    assert [(f["code"], f["line"]) for f in found] == [("S301", 2), ("S305", 4)]
    assert "never" in str(found[0]["message"])


def test_a_template_that_is_known_only_when_it_runs_is_counted_not_judged(tmp_path: Path) -> None:
    files = {"models/late.sql": "{% set x = run_query('select 1') %}select id from a where name = null"}
    code, found, told = lint(project(tmp_path, {**PARENTS, **files}))
    assert (code, found) == (0, [])
    assert told.strip() == "2 queries checked: nothing found; 1 not judged: its text is known only when it runs (late)"


# Who has the last word

BAD = {"models/marts/m.sql": "with unread as (select 1 as x)\nselect * from {{ ref('a') }}\n"}


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, [("S301", "warning"), ("S303", "warning")]),
        ({"lint": 'rules = {S301 = "off", star-in-mart = "error"}'}, [("S303", "error")]),
        ({"lint": "mart-folders = ['published']"}, [("S301", "warning")]),
        ({"models.shop.marts": '"+lint" = {unused-cte = "error", S303 = "off"}'}, [("S301", "error")]),
        (
            {"lint": 'rules = {S301 = "off"}', "models.shop.marts": '"+lint" = {unused-cte = "error"}'},
            [("S301", "error"), ("S303", "warning")],
        ),
    ],
)
def test_the_project_and_its_folders_say_how_much_a_rule_matters(
    tmp_path: Path, more: dict[str, str], wanted: list[tuple[str, str]]
) -> None:
    toml = '[tool.orchestrator]\nname = "shop"\n' + "".join(f"[tool.orchestrator.{k}]\n{v}\n" for k, v in more.items())
    code, found, _ = lint(project(tmp_path, {**PARENTS, **BAD, "pyproject.toml": toml}))
    assert [(f["code"], f["severity"]) for f in found] == wanted
    assert code == any(severity == "error" for _, severity in wanted)


def test_yaml_and_the_file_itself_are_closer(tmp_path: Path) -> None:
    files = {
        "models/marts/m.sql": "{{ config(lint={'star-in-mart': 'error'}) }}\n" + BAD["models/marts/m.sql"],
        "models/m.yml": "models:\n  - name: m\n    config:\n      lint: {S301: off, S303: off}\n",
    }
    _, found, _ = lint(project(tmp_path, {**PARENTS, **files}))
    assert [(f["code"], f["severity"]) for f in found] == [("S303", "error")]


def test_where_dbt_reads_the_project_too_meta_says_it(tmp_path: Path) -> None:
    settings = "name: shop\nmodels:\n  shop:\n    marts:\n      +meta: {lint: {unused-cte: off, S303: error}}\n"
    (tmp_path / "dbt_project.yml").write_text(settings, encoding="utf-8")
    files = {**PARENTS, **BAD, "models/marts/n.sql": "{{ config(lint={'S303': 'off'}) }}select * from a"}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    _, found, _ = lint(tmp_path)
    assert [(f["code"], f["severity"], f["node"]) for f in found] == [("S303", "error", "m")]


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        (
            {"pyproject.toml": '[tool.orchestrator]\nname = "shop"\n[tool.orchestrator.lint.rules]\nunused-ctes = "off"\n'},
            (),
            "`unused-cte`",
        ),
        ({"models/c.sql": "{{ config(lint={'S3001': 'off'}) }} select 1 as x"}, (), "there is no rule `S3001`"),
        ({"models/c.sql": "{{ config(lint={'S301': 'loud'}) }} select 1 as x"}, (), "error, warn, off"),
        ({"models/c.yml": "models: [{name: a, config: {lint: {S30l: off}}}]"}, (), "there is no rule `S30l`"),
        ({}, ("--rules", "unused-ct"), "`unused-cte`"),
        ({}, ("models/nope.sql",), "models/nope.sql"),
    ],
)
def test_a_rule_or_a_file_that_does_not_exist_is_an_error(tmp_path: Path, files: dict[str, str], words: tuple[str, ...], said: str) -> None:
    code, _, told = lint(project(tmp_path, {**PARENTS, **files}), *words)
    assert code == 2
    assert said in told


def test_only_the_rules_asked_for(tmp_path: Path) -> None:
    folder = project(tmp_path, {**PARENTS, **BAD})
    assert codes(lint(folder, "--rules", "unused-cte")[1]) == ["S301"]
    assert codes(lint(folder, "--rules", "S3")[1]) == ["S301", "S303"]


def test_warnings_are_errors_when_asked(tmp_path: Path) -> None:
    folder = project(tmp_path, {**PARENTS, **BAD})
    assert lint(folder)[0] == 0
    assert lint(folder, "--warn-error")[0] == 1


# Comments that silence


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("-- noqa: S301", "{# noqa: star-in-mart #}", []),
        ("-- noqa", "/* noqa */", []),
        ("{#- noqa: S301 because of x -#}", "", ["S303"]),
        ("-- noqa: S303", "-- noqa: LT01", ["S301", "S303", "S390"]),
        ("-- noqa: S3O1", "-- noqa", ["S301", "S390"]),
        ("-- noqa-file: S301, S303", "", []),
        ("-- noqa-file", "", []),
    ],
)
def test_a_comment_silences_its_line_or_its_file(tmp_path: Path, first: str, second: str, wanted: list[str]) -> None:
    sql = f"with unread as (select 1 as x) {first}\nselect * from {{{{ ref('a') }}}} {second}\n"
    _, found, _ = lint(project(tmp_path, {**PARENTS, "models/marts/m.sql": sql}))
    assert sorted(codes(found), key=str) == wanted


def test_a_comment_for_the_file_stands_at_its_top(tmp_path: Path) -> None:
    sql = BAD["models/marts/m.sql"]
    assert lint(project(tmp_path / "top", {**PARENTS, "models/marts/m.sql": "\n" * 9 + "-- noqa-file\n" + sql}))[1] == []
    below = lint(project(tmp_path / "below", {**PARENTS, "models/marts/m.sql": "\n" * 10 + "-- noqa-file\n" + sql}))[1]
    assert codes(below) == ["S301", "S303"]


def test_a_finding_inside_a_macro_may_be_silenced_where_the_macro_is_called(tmp_path: Path) -> None:
    files = {
        "macros/m.sql": "{% macro never() %}1 = null{% endmacro %}",
        "models/c.sql": "select id from a\nwhere {{ never() }} -- noqa: S305\n",
    }
    assert lint(project(tmp_path, {**PARENTS, **files}))[1] == []


def test_a_comment_without_a_code_may_be_meant_for_sqlfluff(tmp_path: Path) -> None:
    files = {"models/c.sql": "select id from a -- noqa\n"}
    assert codes(lint(project(tmp_path, {**PARENTS, **files}))[1]) == ["S390"]
    assert codes(lint(project(tmp_path, {**PARENTS, **files, ".sqlfluff": ""}))[1]) == []


# Which files


def test_files_and_folders_narrow_what_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        **BAD,
        "models/c.sql": "select id from a where {{ never() }}",
        "macros/m.sql": "{% macro never() %}1 = null{% endmacro %}",
        "README.md": "x",
    }
    folder = project(tmp_path, {**PARENTS, **files})
    assert codes(lint(folder, "models/marts/m.sql")[1]) == ["S301", "S303"]
    assert codes(lint(folder, "models/marts", "models/a.sql")[1]) == ["S301", "S303"]
    assert codes(lint(folder, "macros/m.sql")[1]) == ["S305"]
    assert codes(lint(folder, "README.md", str(ROOT / "README.md"))[1]) == []
    monkeypatch.chdir(folder / "models")
    assert codes(lint(folder, "marts/m.sql")[1]) == ["S301", "S303"]


def test_selection_is_that_of_every_command(tmp_path: Path) -> None:
    files = {**BAD, "models/c.sql": "select id from a where name = null"}
    folder = project(tmp_path, {**PARENTS, **files})
    assert codes(lint(folder, "-s", "m")[1]) == ["S301", "S303"]
    assert codes(lint(folder, "--exclude", "m")[1]) == ["S305"]
    assert codes(lint(folder, "-s", "a+")[1]) == ["S305", "S301", "S303"]


def test_a_selection_that_matches_nothing_is_told_of(tmp_path: Path) -> None:
    code, found, told = lint(project(tmp_path, {**PARENTS, **BAD}), "-s", "typo")
    assert (code, found) == (0, [])
    assert "warning[U018]" in told
    assert told.endswith("0 queries checked: nothing found\n")


def test_rules_and_files_may_follow_each_other(tmp_path: Path) -> None:
    folder = project(tmp_path, {**PARENTS, **BAD})
    assert codes(lint(folder, "--rules", "S301,star-in-mart", "models/marts/m.sql")[1]) == ["S301", "S303"]


# Formats


def test_annotations_for_a_pull_request_are_one_line_each(tmp_path: Path) -> None:
    folder = project(tmp_path, {**PARENTS, "models/c.sql": "select id\nfrom a\nwhere name = null"})
    done = orchestrator.invoke(["lint", "--project-dir", str(folder), "--format", "github"])
    assert done.stdout == (
        "::error file=models/c.sql,line=3,col=7,endColumn=18,title=S305 equals-null::`= null` is never true. write `is null` or `is not null`\n"
    )


def test_sarif_names_rule_place_and_level(tmp_path: Path) -> None:
    folder = project(tmp_path, {**PARENTS, "models/c.sql": "select id\nfrom a\nwhere name = null"})
    (run,) = json.loads(orchestrator.invoke(["lint", "--project-dir", str(folder), "--format", "sarif"]).stdout)["runs"]
    (rule,), (result,) = run["tool"]["driver"]["rules"], run["results"]
    assert (rule["id"], rule["name"], result["ruleId"], result["ruleIndex"], result["level"]) == ("S305", "equals-null", "S305", 0, "error")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "models/c.sql"},
        "region": {"startLine": 3, "startColumn": 7, "endColumn": 18},
    }


def test_people_get_a_code_frame_for_every_finding(tmp_path: Path) -> None:
    many = {f"models/m{i:02}.sql": "select id from a where name = null" for i in range(25)}
    done = orchestrator.invoke(["lint", "--project-dir", str(project(tmp_path, {**PARENTS, **many}))])
    assert done.stdout.count("error[S305]: `= null` is never true") == 25
    assert "   1 | select id from a where name = null\n      |                        ^^^^^^^^^^^\n" in done.stdout
    assert done.stderr == "27 queries checked: 25 errors\n"


def test_the_demo_is_clean() -> None:
    done = orchestrator.invoke(["lint", "--project-dir", str(ROOT), "--warn-error"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert re.fullmatch(r"\d\d queries checked: nothing found\n", done.stderr)


def test_a_second_look_at_an_unchanged_project_reads_no_sql(tmp_path: Path) -> None:
    sql = "{{ config(materialized='incremental') }}select id from a {% if is_incremental() %} where id > 1 {% endif %}"
    folder = project(tmp_path, {**PARENTS, "models/c.sql": sql})
    assert lint(folder)[0] == 0
    script = f"import sys; from orchestrator.cli.main import call; call(['lint', '--project-dir', {str(folder)!r}]); print('sqlglot' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60
    )
    assert (done.stdout, done.stderr) == ("False\n", "3 queries checked: nothing found\n")
