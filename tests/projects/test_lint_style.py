"""`orc lint --style`: sqlfluff reads what is sent, the author hears of what he wrote."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import orchestrator

installed = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("sqlfluff") is None, reason="sqlfluff is an extra: pip install 'sql-orchestrator[lint]'"
)


def project(folder: Path, files: Mapping[str, str]) -> Path:
    every = {"pyproject.toml": '[tool.orchestrator]\nname = "shop"\n', "models/orders.sql": "select 1 as id\n", **files}
    for path, text in every.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def styled(folder: Path, *words: str) -> tuple[int, list[str], str]:
    """The exit code, ``code line:column`` of each finding, and what was said beside them."""
    done = orchestrator.invoke(["lint", "--project-dir", str(folder), "--style", "--format", "json", *words])
    return done.exit_code, [f"{f['code']} {f['line']}:{f['column']}" for f in json.loads(done.stdout or "[]")], done.stderr


def test_without_sqlfluff_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlfluff", None)
    monkeypatch.setitem(sys.modules, "sqlfluff.core", None)
    code, _, told = styled(project(tmp_path, {}))
    assert code == 2
    assert "error[U042]: sqlfluff is not installed\nhint: pip install 'sql-orchestrator[lint]'" in told


@installed
def test_findings_are_at_the_templates_places_and_warnings(tmp_path: Path) -> None:
    sql = "{% set limit = 3 %}\nselect o.id\nfrom {{ ref('orders') }} o\nWHERE o.id < {{ limit }}\n"
    code, found, _ = styled(project(tmp_path, {"models/m.sql": sql}))
    assert code == 0
    assert found == ["AL01 3:26", "CP01 4:1"]


@installed
def test_what_a_macro_wrote_is_not_told_of(tmp_path: Path) -> None:
    files = {
        "macros/m.sql": "{% macro shout() %}ID  IS NOT null{% endmacro %}",
        "models/m.sql": "select id from {{ ref('orders') }} where {{ shout() }}\n",
    }
    assert styled(project(tmp_path, files))[1] == []


@installed
def test_the_layout_of_lines_that_only_rendering_makes_is_not_told_of(tmp_path: Path) -> None:
    sql = "select id\nfrom {{ ref('orders') }}\n{% if true %}\n\n\n        where id = 1\n{% endif %}\n"
    assert styled(project(tmp_path, {"models/m.sql": sql}))[1] == []


@installed
def test_sqlfluffs_own_configuration_and_comments_hold(tmp_path: Path) -> None:
    sql = "select id from {{ ref('orders') }} as o -- noqa: AL05\nWHERE id = 1 {# noqa: CP01 #}\n"
    assert styled(project(tmp_path / "one", {"models/m.sql": sql}))[1] == []
    bare = sql.replace(" {# noqa: CP01 #}", "")
    assert styled(project(tmp_path / "two", {"models/m.sql": bare}))[1] == ["CP01 2:1"]
    assert styled(project(tmp_path / "three", {"models/m.sql": bare, ".sqlfluff": "[sqlfluff]\nexclude_rules = CP01\n"}))[1] == []


@installed
def test_what_sqlfluff_cannot_read_is_counted(tmp_path: Path) -> None:
    sql = "select ID from {{ ref('orders') }} at (version => 1)\n"
    code, found, told = styled(project(tmp_path, {"models/m.sql": sql}))
    assert (code, found) == (0, [])
    assert told == "2 queries checked: nothing found; sqlfluff cannot read 1\n"
