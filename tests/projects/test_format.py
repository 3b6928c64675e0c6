"""`orc format`: files become tidy, queries stay what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import orchestrator
from orchestrator.api import Result

ROOT = Path(__file__).resolve().parents[2]
MESSY = "SELECT  id ,  'A  b' as name\nFROM {{ref('a')}}  \n\n\n\nWHERE id=1"
TIDY = "select id, 'A  b' as name\nfrom {{ ref('a') }}\n\nwhere id = 1\n"


def project(folder: Path, files: Mapping[str, str]) -> Path:
    every = {"pyproject.toml": '[tool.orchestrator]\nname = "shop"\n', "models/a.sql": "select 1 as id\n", **files}
    for path, text in every.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())
    return folder


def orc_format(folder: Path, *words: str) -> Result:
    return orchestrator.invoke(["format", "--project-dir", str(folder), *words])


def test_a_messy_file_becomes_tidy_once(tmp_path: Path) -> None:
    folder = project(tmp_path, {"models/m.sql": MESSY})
    done = orc_format(folder)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "models/m.sql\n", "1 file changed, 1 is tidy\n")
    assert (folder / "models/m.sql").read_text() == TIDY
    assert orc_format(folder).stderr == "2 are tidy\n"
    assert sorted(p.name for p in (folder / "models").iterdir()) == ["a.sql", "m.sql"]


def test_a_check_lists_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    folder = project(tmp_path, {"models/m.sql": MESSY})
    done = orc_format(folder, "--check")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "models/m.sql\n", "1 file would be changed, 1 is tidy\n")
    assert (folder / "models/m.sql").read_text() == MESSY
    (folder / "models/m.sql").write_text(TIDY)
    assert orc_format(folder, "--check").exit_code == 0


def test_a_difference_is_shown_before_it_is_made(tmp_path: Path) -> None:
    folder = project(tmp_path, {"models/m.sql": "SELECT 1 as x\n"})
    done = orc_format(folder, "--diff")
    assert (done.exit_code, done.stdout) == (0, "--- a/models/m.sql\n+++ b/models/m.sql\n@@ -1 +1 @@\n-SELECT 1 as x\n+select 1 as x\n")
    assert (folder / "models/m.sql").read_text() == "SELECT 1 as x\n"


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("{% set x = run_query('select 1') %}SELECT  1 as y", "its text is known only when it runs"),
        ("{% set x %}SELECT  1{% endset %}{{ x }} as y", "a `set` block is in it"),
        ("SELECT {{ quote() }}a  b{{ quote() }} as y", "its query could not be proved to stay the same"),
        ("{{ config(parse=false) }}SELECT  (( 1 as y", "its query could not be proved to stay the same"),
    ],
)
def test_what_is_not_proved_is_left_alone_and_said_so(tmp_path: Path, sql: str, why: str) -> None:
    files = {"models/m.sql": sql, "macros/q.sql": "{% macro quote() %}'{% endmacro %}"}
    folder = project(tmp_path, files)
    done = orc_format(folder)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"left alone: models/m.sql ({why})\n1 is tidy, 1 left alone\n"
    assert (folder / "models/m.sql").read_text() == sql


def test_both_faces_of_an_incremental_model_are_proved(tmp_path: Path) -> None:
    sql = "{{ config(materialized='incremental') }}\nSELECT 1 as id\n{% if is_incremental() %} WHERE {{ q() }}a  b{{ q() }} <> '' {% endif %}\n"
    folder = project(tmp_path, {"models/m.sql": sql, "macros/q.sql": "{% macro q() %}'{% endmacro %}"})
    assert "left alone: models/m.sql" in orc_format(folder).stderr
    assert (folder / "models/m.sql").read_text() == sql


def test_paths_narrow_it(tmp_path: Path) -> None:
    folder = project(tmp_path, {"models/m.sql": MESSY, "models/sub/n.sql": MESSY})
    assert orc_format(folder, "models/sub", "--check").stdout == "models/sub/n.sql\n"
    assert orc_format(folder, "models/nope.sql").exit_code == 2


def test_the_project_chooses_the_case_of_keywords(tmp_path: Path) -> None:
    toml = '[tool.orchestrator]\nname = "shop"\n[tool.orchestrator.format]\nkeywords = "{}"\n'
    folder = project(tmp_path, {"models/a.sql": "select 1 As id\n", "pyproject.toml": toml.format("upper")})
    orc_format(folder)
    assert (folder / "models/a.sql").read_text() == "SELECT 1 AS id\n"
    (folder / "pyproject.toml").write_text(toml.format("title"))
    assert orc_format(folder).exit_code == 2


def test_line_ends_and_byte_order_marks_stay(tmp_path: Path) -> None:
    folder = project(tmp_path, {"models/a.sql": "\ufeffSELECT 1 as id\r\n"})
    orc_format(folder)
    assert (folder / "models/a.sql").read_bytes() == "\ufeffselect 1 as id\r\n".encode()


def test_the_demo_is_tidy() -> None:
    done = orc_format(ROOT, "--check")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "left alone" not in done.stderr
