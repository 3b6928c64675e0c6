"""The project file: what is read from it, and what is said about what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.errors import ConfigError
from orchestrator.core.files import MemoryTree
from orchestrator.core.project import Settings
from orchestrator.load.settings import find_root, merged_vars, read_settings, rendered_settings, rendered_trees


def read(files: dict[str, str], folder: str = "shop") -> Settings:
    settings, warnings = read_settings(MemoryTree(files), folder)
    assert not warnings
    return settings


def refused(files: dict[str, str]) -> list[tuple[str, str, str | None]]:
    with pytest.raises(ConfigError) as caught:
        read_settings(MemoryTree(files), "shop")
    return [(str(p.span), p.message, p.hint) for p in caught.value.problems]


@pytest.mark.parametrize("dash", ["-", "_"])
def test_our_own_table_with_hyphens_or_underscores(dash: str) -> None:
    text = f"""
[project]
name = "ignored"
[tool.orchestrator]
name = "shop"
model{dash}paths = ["sql"]
on{dash}run{dash}start = "select 1"
vars = {{ a = 1 }}
[tool.orchestrator.models.shop]
"+materialized" = "table"
"""
    found = read({"pyproject.toml": text})
    assert (found.name, found.model_paths, found.on_run_start, found.vars) == ("shop", ("sql",), ("select 1",), {"a": 1})
    assert (found.models, found.own, found.origin) == ({"shop": {"+materialized": "table"}}, True, "pyproject.toml")
    assert found.test_paths == ("tests/assertions",)


def test_a_dbt_project_is_read_unchanged() -> None:
    text = """
name: jaffle
version: '1.0.0'
config-version: 2
profile: jaffle
model-paths: ["models"]
target-path: out
clean-targets: [out, dbt_packages]
require-dbt-version: [">=1.0.0", "<2.0.0"]
models:
  jaffle:
    +materialized: table
    staging: {+schema: "{{ var('s') }}", +pre-hook: "{{ later }}"}
tests: {+severity: warn}
dispatch: [{macro_namespace: dbt_utils, search_order: [jaffle, dbt_utils]}]
query-comment: null
on-run-end: ["a", "b"]
"""
    found = read({"dbt_project.yml": text})
    assert (found.name, found.version, found.profile, found.own, found.target_path) == ("jaffle", "1.0.0", "jaffle", False, "out")
    assert (found.test_paths, found.on_run_end, found.clean_targets) == (("tests",), ("a", "b"), ("out", "dbt_packages"))
    assert found.data_tests == {"+severity": "warn"}
    staging = rendered_trees(found, str.upper).models["jaffle"]["staging"]
    assert staging == {"+schema": "{{ VAR('S') }}", "+pre-hook": "{{ later }}"}


def test_no_project_file_at_all() -> None:
    found = read({"models/a.sql": "select 1"}, "My shop-2")
    assert (found.name, found.own, found.origin) == ("my_shop_2", True, None)


def test_the_python_projects_name_is_ours_when_we_have_none() -> None:
    assert read({"pyproject.toml": '[project]\nname = "my-shop"\n[tool.orchestrator]\n'}).name == "my_shop"


def test_our_table_wins_over_dbts_file() -> None:
    assert read({"pyproject.toml": '[tool.orchestrator]\nname = "a"', "dbt_project.yml": "name: b"}).name == "a"
    assert read({"pyproject.toml": '[tool.black]\nx = "orchestrator"', "dbt_project.yml": "name: b"}).name == "b"


BAD: dict[str, tuple[dict[str, str], list[tuple[str, str, str | None]]]] = {
    "unknown key": (
        {"pyproject.toml": '[tool.black]\n\n[tool.orchestrator]\nname = "a"\nmodel-path = ["x"]\n'},
        [("pyproject.toml:5:1", "unknown key `model-path` in `[tool.orchestrator]`", "did you mean `model_paths`?")],
    ),
    "all at once": (
        {"pyproject.toml": '[tool.orchestrator]\nname = "my-shop"\nvars = 3\n'},
        [
            ("pyproject.toml:3:1", "`vars` must be a mapping, not a number", None),
            ("pyproject.toml:2:1", "the name `my-shop` must be letters, digits and underscores", "for example `my_shop`"),
        ],
    ),
    "not TOML": (
        {"pyproject.toml": "[tool.orchestrator]\nname = \n"},
        [("pyproject.toml:2:8", "not readable as TOML: Invalid value", None)],
    ),
    "no name": ({"dbt_project.yml": "version: 1"}, [("dbt_project.yml:1:1", "dbt_project.yml needs the key `name`", None)]),
    "both spellings": (
        {"dbt_project.yml": "name: a\nmodel-paths: [x]\nsource-paths: [y]"},
        [("dbt_project.yml:3:1", "`source-paths` says again what line 2 says", "remove one of them")],
    ),
    "variable in two places": (
        {"dbt_project.yml": "name: a\nvars: {x: 1}", "vars.yml": "vars:\n  y: 1\n  x: 2"},
        [("vars.yml:3:1", "the variable `x` is also set in the project file", "keep one of them")],
    ),
    "selectors": ({"selectors.yml": "- x"}, [("selectors.yml:1:1", "selectors.yml must be a mapping with the key `selectors`", None)]),
    "version range": (
        {"dbt_project.yml": "name: a\nrequire-dbt-version: latest"},
        [("dbt_project.yml:2:1", "`latest` is not a version range", "for example `>=1.8,<2`")],
    ),
}


@pytest.mark.parametrize(("files", "expected"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_in_place(files: dict[str, str], expected: list[tuple[str, str, str | None]]) -> None:
    assert refused(files) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nmodle-paths: [x]", "unknown key `modle-paths` in the project file"),
        ("name: a\nrequire-dbt-version: '>=2.0'", "this project needs dbt >=2.0; orc speaks dbt 1.11"),
    ],
)
def test_dbt_projects_are_warned(text: str, message: str) -> None:
    _, (warning,) = read_settings(MemoryTree({"dbt_project.yml": text}), "shop")
    assert (warning.severity, warning.message, str(warning.span)) == ("warning", message, "dbt_project.yml:2:1")


@pytest.mark.parametrize("wanted", [">=1.5", ">=1.5.0,<2", "~=1.10", "!=1.9", "1.11", "=1.11.0", ">1.10.9-rc1", "<=1.11"])
def test_version_ranges_that_hold(wanted: str) -> None:
    read({"dbt_project.yml": f"name: a\nrequire-dbt-version: '{wanted}'"})


@pytest.mark.parametrize("wanted", ["<1.11", "~=1.12", ">=1.5,<1.9", "==1.10", ">1.11", "!=1.11.0"])
def test_version_ranges_that_do_not(wanted: str) -> None:
    _, warnings = read_settings(MemoryTree({"dbt_project.yml": f"name: a\nrequire-dbt-version: '{wanted}'"}), "a")
    assert [w.code for w in warnings] == ["C207"]


def test_vars_by_scope() -> None:
    settings = read({"dbt_project.yml": "name: shop\nvars: {a: 1, b: 1, shop: {b: 2}, other: {a: 9}}", "vars.yml": "c: 1"})
    assert merged_vars(settings, {"c": 3}) == {"a": 1, "b": 2, "c": 3, "other": {"a": 9}}


def test_selectors_are_kept_as_written() -> None:
    text = "selectors: [{name: nightly, definition: 'tag:nightly'}]"
    assert read({"selectors.yml": text}).selectors == {"selectors": [{"name": "nightly", "definition": "tag:nightly"}]}


def test_names_and_paths_may_be_templates() -> None:
    settings = read({"dbt_project.yml": 'name: shop\nprofile: "{{ env_var(\'P\') }}"\nmodel-paths: ["{{ x }}"]'})
    found = rendered_settings(settings, lambda text: "p" if "P" in text else "m")
    assert (found.profile, found.model_paths, found.seed_paths) == ("p", ("m",), ("seeds",))


@pytest.mark.parametrize(
    ("files", "start", "root"),
    [
        ({"p/dbt_project.yml": "", "p/models/x/a.sql": ""}, "p/models/x", "p"),
        ({"p/pyproject.toml": "[tool.orchestrator]", "p/q/a.sql": ""}, "p/q", "p"),
        ({"p/pyproject.toml": "[tool.orchestrator.vars]", "p/q/a.sql": ""}, "p/q", "p"),
        ({"p/pyproject.toml": "[tool.black]", "p/models/a.sql": "", "p/q/b": ""}, "p/q", "p"),
        ({"p/dbt_project.yml": "", "p/q/models/a.sql": ""}, "p/q", "p/q"),
    ],
)
def test_the_root_is_the_nearest_above(files: dict[str, str], start: str, root: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert find_root(tmp_path / start) == tmp_path / root


def test_no_root_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_root(tmp_path)
    assert caught.value.first.hint == "make one with `orc init NAME`, or point at one with `--project-dir`"


def test_everything_kept_is_a_value() -> None:
    settings: Any = read({"dbt_project.yml": "name: a\nmodel-paths: x"})
    with pytest.raises(AttributeError):
        settings.name = "b"
    assert settings.model_paths == ("x",)
