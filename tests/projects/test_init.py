"""The first minutes: `orc init`, then every command it prints."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from orchestrator.app.scaffold import scaffold
from orchestrator.cli.managing import NEXT

ROOT = Path(__file__).resolve().parents[2]


def orc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))}
    env = {**clean, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    command = [sys.executable, "-m", "orchestrator", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    done = orc(folder, "init", "shop")
    assert done.returncode == 0, done.stderr
    printed = [line[2:] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert printed[0] == "cd shop"
    assert [line.split("  ")[0] for line in printed[1:]] == [command for command, _ in NEXT]
    return folder / "shop"


def test_every_command_that_init_prints_works(shop: Path) -> None:
    for command, _ in NEXT:
        done = orc(shop, *shlex.split(command)[1:])
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    built = orc(shop, "build").stderr
    assert "Completed successfully" in built
    assert "WARN=0 ERROR=0 SKIP=0" in built
    ls = orc(shop, "ls", "-s", "+customer_segments", "--resource-type", "model", "seed", "--output", "name").stdout.split()
    assert sorted(ls) == ["customer_segments", "order_totals", "orders", "raw_orders"]


def test_the_tables_are_right(shop: Path) -> None:
    assert orc(shop, "build").returncode == 0
    shown = json.loads(orc(shop, "show", "-s", "customer_segments", "--output", "json").stdout)
    assert shown[0] == {"place": 1, "customer": "Ada", "segment": "regular", "orders": 4, "total": 17.3}
    assert {row["customer"]: row["segment"] for row in shown} == {
        "Ada": "regular", "Grace": "regular", "Barbara": "guest", "Donald": "guest", "Edsger": "guest",
    }  # fmt: skip


def test_it_shows_what_a_project_can_have(shop: Path) -> None:
    kinds = [json.loads(line)["resource_type"] for line in orc(shop, "ls", "--output", "json").stdout.splitlines()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"seed": 1, "model": 3, "test": 11, "unit_test": 1}
    assert not [f for f in (shop / "models").glob("*.sql") if "{{" in f.read_text()], "the SQL models are plain SQL"


def test_generated_files_are_ignored_by_git_and_the_schemas_are_not(shop: Path) -> None:
    assert orc(shop, "build").returncode == 0
    subprocess.run(["git", "init", "-q"], cwd=shop, check=True, timeout=60)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"], cwd=shop, check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()
    assert sorted(listed) == sorted(scaffold("shop"))


def test_every_schema_that_a_file_names_is_there(shop: Path) -> None:
    named = 0
    for path, text in scaffold("shop").items():
        for line in text.splitlines():
            if line.startswith(("# yaml-language-server: $schema=", "#:schema ")):
                schema = (shop / path).parent / line.replace("=", " ").split()[-1]
                assert json.loads(schema.read_text())["$schema"], path
                named += 1
    assert named == 4
    for path in json.loads((shop / ".vscode/settings.json").read_text())["yaml.schemas"]:
        assert (shop / path).is_file()


def test_profiles_shows_the_other_engines_ready_to_be_uncommented() -> None:
    text = scaffold("shop")["profiles.yml"]
    assert list(yaml.safe_load(text)["shop"]["outputs"]) == ["dev"]
    opened = "\n".join(line.replace("    # ", "    ", 1) if line.startswith("    # ") else line for line in text.splitlines())
    outputs = yaml.safe_load(opened)["shop"]["outputs"]
    assert {name: output["type"] for name, output in outputs.items()} == {"dev": "duckdb", "prod": "postgres", "cloud": "bigquery"}


def test_each_key_of_the_project_file_is_explained() -> None:
    text = scaffold("shop")["pyproject.toml"]
    assert tomllib.loads(text)["tool"]["orchestrator"]["name"] == "shop"
    assert [line for line in text.splitlines() if "=" in line and "#" not in line] == []


@pytest.mark.parametrize(
    ("name", "project"),
    [("my shop", "my_shop"), ("deep/er/2024", "p_2024"), ("yes", "yes_project"), ("config", "config_project"), ("Café-2", "caf_2")],
)
def test_any_folder_name_makes_a_project_that_parses(tmp_path: Path, name: str, project: str) -> None:
    done = orc(tmp_path, "init", name)
    assert done.returncode == 0, done.stderr
    assert f"cd {shlex.quote(name)}" in done.stdout
    parsed = orc(tmp_path / name, "parse")
    assert parsed.returncode == 0, parsed.stderr
    assert json.loads((tmp_path / name / "target" / "manifest.json").read_text())["metadata"]["project_name"] == project


@pytest.mark.parametrize("name", ["", " ", "...", "/", "..", "x/..", "a\nb", " shop", "taken", "taken/shop"])
def test_a_name_that_is_none_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").write_text("a file")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "taken").write_text("a file")
    done = orc(inside, "init", name)
    assert done.returncode == 2
    assert "error[U008]" in done.stderr
    assert "hint:" in done.stderr
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["inside", "taken", "taken"]


def test_a_second_init_changes_nothing(shop: Path) -> None:
    before = (shop / "pyproject.toml").read_bytes()
    done = orc(shop.parent, "init", "shop")
    assert done.returncode == 2
    assert "exists already: nothing was written" in done.stderr
    assert (shop / "pyproject.toml").read_bytes() == before


def test_init_here_keeps_what_a_fresh_repository_has(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine")
    done = orc(tmp_path, "init", ".")
    assert done.returncode == 0, done.stderr
    assert "Left as they were: .gitignore, README.md" in done.stdout
    assert "Add to .gitignore:" in done.stdout
    assert "cd " not in done.stdout
    assert (tmp_path / "README.md").read_text() == "mine"
    assert orc(tmp_path, "parse").returncode == 0
