"""From files to a project."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.errors import ConfigError
from orchestrator.core.files import FileTree, MemoryTree
from orchestrator.core.project import Project, Settings, Target
from orchestrator.load.load import load, sort_files
from orchestrator.load.properties import Found, parse_properties
from orchestrator.load.tree import DiskTree


def render_value(text: str, variables: Mapping[str, Any], target: Target | None) -> object:
    return text.replace("{{ target }}", target.name if target else "?").replace("{{ x }}", str(variables.get("x")))


def loaded(files: dict[str, str], tmp_path: Path, **asked: Any) -> Project:
    return load(MemoryTree(files), root=tmp_path, env={}, render_value=render_value, **asked)


def test_a_folder_with_one_model_is_a_project(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/a.sql").write_text("select 1 as x")
    project = load(DiskTree(tmp_path, now_ns=time.time_ns()), root=tmp_path, env={}, render_value=render_value)
    assert [(f.path, f.stem, f.folders) for f in project.models] == [("models/a.sql", "a", ())]
    assert (project.target.implicit, project.settings.own, project.warnings) == (True, True, ())


FILES = [
    "models/a.sql",
    "models/deep/b.SQL",
    "models/c.py",
    "models/__init__.py",
    "models/deep/p.yml",
    "models/docs.md",
    "models/notes.txt",
    "models/x.csv",
    "seeds/s.csv",
    "seeds/s.yaml",
    "macros/m.sql",
    "macros/deep/n.sql",
    "snapshots/n.sql",
    "analyses/y.sql",
    "tests/one.sql",
    "tests/generic/g.sql",
    "tests/fixtures/f.csv",
    "tests/fixtures/f.sql",
    "tests/p.yml",
    "README.md",
    "profiles.yml",
    "other/z.sql",
]


def test_files_by_what_they_declare() -> None:
    found = sort_files(FILES, Settings("shop", test_paths=("tests",)))
    assert {kind: [f.path for f in files] for kind, files in found.items()} == {
        "macros": ["macros/m.sql", "macros/deep/n.sql", "tests/generic/g.sql"],
        "tests": ["tests/one.sql"],
        "snapshots": ["snapshots/n.sql"],
        "analyses": ["analyses/y.sql"],
        "seeds": ["seeds/s.csv"],
        "models": ["models/a.sql", "models/deep/b.SQL"],
        "python_models": ["models/c.py"],
        "properties": ["models/deep/p.yml", "seeds/s.yaml", "tests/p.yml"],
        "docs_blocks": ["models/docs.md"],
        "fixtures": ["tests/fixtures/f.csv", "tests/fixtures/f.sql"],
    }


def test_the_deepest_folder_decides() -> None:
    found = sort_files(["models/macros/m.sql", "models/a.sql"], Settings("shop", macro_paths=("models/macros",)))
    assert ([f.path for f in found["macros"]], [f.path for f in found["models"]]) == (["models/macros/m.sql"], ["models/a.sql"])


def test_properties_are_read_rendered_and_checked_together(tmp_path: Path) -> None:
    project = loaded(
        {
            "models/a.sql": "",
            "models/p.yml": "models: [{name: a, config: {schema: '{{ target }}_{{ x }}'}}]",
            "dbt_project.yml": "name: s\nvars: {x: 1}",
        },
        tmp_path,
        variables={"x": 2},
    )
    assert project.properties[0].data["config"] == {"schema": "dev_2"}
    assert project.vars == {"x": 2}


def test_config_trees_know_the_target(tmp_path: Path) -> None:
    project = loaded({"models/a.sql": "", "dbt_project.yml": "name: s\nmodels: {+schema: '{{ target }}'}"}, tmp_path, target="ci")
    assert project.settings.models == {"+schema": "ci"}


def test_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    files = {
        "models/a.sql": "",
        "models/p.yml": "models:\n  - name: a\n  - nmae: b",
        "models/q.yml": "models:\n\t- name: c",
        "models/r.yml": "models:\n  - name: a",
    }
    with pytest.raises(ConfigError) as caught:
        loaded(files, tmp_path)
    assert [str(p.span) for p in caught.value.problems] == ["models/p.yml:3:1", "models/p.yml:3:1", "models/q.yml:2:1", "models/r.yml:2:1"]


def test_no_models_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded({"pyproject.toml": '[tool.orchestrator]\nname = "shop"\nmodel-paths = ["sql"]', "models/a.sql": ""}, tmp_path)
    assert caught.value.first.message == "no models in `sql/` of the project `shop`"
    assert caught.value.first.hint == "put a SELECT in a file such as sql/orders.sql"


def test_no_models_is_a_warning_for_a_dbt_project(tmp_path: Path) -> None:
    found = loaded({"dbt_project.yml": "name: shop"}, tmp_path)
    assert [(w.code, w.severity, w.message) for w in found.warnings] == [
        ("C502", "warning", "no models in `models/` of the project `shop`")
    ]
    alone = loaded({"dbt_project.yml": "name: shop", "macros/m.sql": ""}, tmp_path)
    assert alone.warnings == ()


def test_seeds_alone_are_a_project(tmp_path: Path) -> None:
    assert len(loaded({"seeds/a.csv": "x\n1"}, tmp_path).seeds) == 1


def test_the_key_changes_with_what_is_said(tmp_path: Path) -> None:
    files = {"models/a.sql": "select 1", "models/p.yml": "models: []"}
    key = loaded(files, tmp_path).key
    assert loaded(dict(files), tmp_path).key == key
    changed = [
        loaded({**files, "models/a.sql": "select 2"}, tmp_path),
        loaded({**files, "macros/m.sql": ""}, tmp_path),
        loaded({**files, "dbt_project.yml": "name: s"}, tmp_path),
        loaded(files, tmp_path, variables={"x": 1}),
        loaded(files, tmp_path, target="prod"),
    ]
    assert key not in {p.key for p in changed}
    assert loaded({**files, "README.md": "hello"}, tmp_path).key == key


def test_a_cache_may_answer_for_properties(tmp_path: Path) -> None:
    asked: list[tuple[str, bool]] = []

    def remembered(tree: FileTree, path: str, own: bool) -> Found:
        asked.append((path, own))
        return parse_properties(path, b"seeds: [{name: z}]", own)

    project = loaded({"models/a.sql": "", "models/p.yml": "not: read"}, tmp_path, properties=remembered)
    assert (asked, [p.name for p in project.properties]) == ([("models/p.yml", True)], ["z"])


def test_the_target_folder_is_not_read(tmp_path: Path) -> None:
    for name in ("dbt_project.yml", "a.sql", "out/compiled/a.sql", "logs/x.sql"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("name: s\nmodel-paths: ['.']\n" if name.endswith("yml") else "select 1")
    project = load(DiskTree(tmp_path, now_ns=time.time_ns()), root=tmp_path, env={}, render_value=render_value, target_path="out")
    assert [f.path for f in project.models] == ["a.sql"]


def test_loading_an_own_project_without_properties_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pathlib import Path; from orchestrator.load.load import load; from orchestrator.core.files import MemoryTree\n"
        "load(MemoryTree({'pyproject.toml': '[tool.orchestrator]', 'models/a.sql': ''}), root=Path('/nowhere'), env={}, render_value=None)\n"
        "print([m for m in ('yaml', 'jinja2', 'sqlglot', 'pydantic', 'duckdb') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
