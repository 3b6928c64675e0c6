"""What is ready to use in other repositories: the action, the GitLab template, the hooks. Read, checked for holes, and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.cli import commands
from orchestrator.cli.main import orc
from tests.projects.conftest import ROOT, Make, Project
from tests.projects.forges import TOKEN, Page, serving

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
PINNED = re.compile(r"(\./|[\w-]+/[\w-]+@v\d+$)")


def read(name: str) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true; the servers read it as a word.
    found = yaml.load((ROOT / name).read_text(encoding="utf-8"), yaml.BaseLoader)
    assert isinstance(found, dict)
    return found


def steps() -> list[dict[str, Any]]:
    action = read("action.yml")
    assert action["runs"]["using"] == "composite"
    return list(action["runs"]["steps"])


def scripts() -> Iterator[tuple[str, str]]:
    """Every piece of shell in the ready-made files, with a name."""
    yield from ((step["name"], step["run"]) for step in steps() if "run" in step)
    for job, content in read("ci/gitlab.yml").items():
        for part in ("before_script", "script", "after_script"):
            yield from ((f"{job} {part}", line) for line in content[part])
    for name, job in read(".github/workflows/orc.yml")["jobs"].items():
        yield from ((name, step["run"]) for step in job["steps"] if "run" in step)


@pytest.mark.parametrize(("name", "script"), list(scripts()))
def test_shell_is_shell_and_nothing_is_put_into_it(name: str, script: str) -> None:
    assert subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False, timeout=20).stderr == ""
    assert EXPRESSION.findall(script) == [], "whoever chooses the value would choose the command: hand it over in env"
    assert "eval" not in script.split()


def test_the_action_uses_the_inputs_it_has_and_has_those_it_uses() -> None:
    action = read("action.yml")
    used = {word for text in EXPRESSION.findall(str(action["runs"])) + re.findall(r"'if': \"?(.*?)'?,", str(action["runs"])) for word in
            re.findall(r"inputs\.([\w-]+)", text)}  # fmt: skip
    assert used == set(action["inputs"])
    assert all(set(given) == {"description", "default"} for given in action["inputs"].values())
    ids = {step["id"] for step in steps() if "id" in step}
    assert set(re.findall(r"steps\.([\w-]+)\.", str(action))) == ids


def test_steps_say_their_shell_and_other_actions_are_pinned() -> None:
    workflow = read(".github/workflows/orc.yml")
    every = [*steps(), *(step for job in workflow["jobs"].values() for step in job["steps"])]
    assert [s for s in steps() if "run" in s and s.get("shell") != "bash"] == []
    assert [s["uses"] for s in every if "uses" in s and not PINNED.match(s["uses"])] == []
    assert "pull_request_target" not in str(workflow), "it would give strangers' code the repository's secrets"
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    checkout, ours = workflow["jobs"]["review"]["steps"]
    assert checkout["with"]["fetch-depth"] == "0"
    assert ours["uses"] == "./"
    assert set(ours["with"]) <= set(read("action.yml")["inputs"])


def test_the_template_keeps_what_gitlab_reads() -> None:
    (job,) = read("ci/gitlab.yml").values()
    assert job["artifacts"]["reports"] == {"junit": "orc-ci/junit.xml", "codequality": "orc-ci/code-quality.json"}
    assert job["artifacts"]["when"] == "always"
    assert job["variables"]["GIT_DEPTH"] == "0"


def hooks() -> list[dict[str, Any]]:
    found = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


def test_hooks_are_commands_with_options_that_exist() -> None:
    assert commands.__all__  # importing them registered them
    assert [h["id"] for h in hooks()] == ["orc-parse", "orc-lint", "orc-format"]
    for hook in hooks():
        program, verb, *options = hook["entry"].split()
        assert program == "orc"
        assert set(options) <= {name for p in orc.commands[verb].params for name in p.opts}
        assert re.compile(hook["files"]).search("models/a.sql")


def test_hooks_do_what_they_say_in_a_project(project: Make) -> None:
    shop = project(
        {"models/good.sql": "select 1 as x\n", "models/bad.sql": "with t as (select 1 as x) select 2 as y from good where x = null\n"}
    )

    def hook(at: int, *files: str) -> int:
        return shop.shell(f"{hooks()[at]['entry']} {' '.join(files)}").code

    assert hook(0) == 0
    assert (hook(1, "models/good.sql"), hook(1, "models/bad.sql")) == (0, 1)
    shop.write({"models/good.sql": "SELECT 1 as x   \n"})
    assert hook(2, "models/good.sql") == 0
    assert shop.read("models/good.sql") == "select 1 as x\n"


SHOP = {
    ".gitignore": "*.duckdb*\n.orchestrator/\ntarget/\n",
    "pyproject.toml": '[tool.orchestrator]\nname = "shop"\n',
    "seeds/raw_orders.csv": "id,amount,discount\n1,10,1\n2,20,2\n3,30,3\n",
    "models/orders.sql": "{{ config(materialized='table') }}\nselect id, amount, discount from raw_orders\n",
    "models/margin.sql": "{{ config(materialized='table') }}\nselect sum(amount - discount) as net from orders\n",
    "models/schema.yml": "version: 2\nmodels:\n  - name: orders\n    columns:\n      - name: id\n        data_tests: [unique, not_null]\n",
}


def git(shop: Project, *words: str) -> None:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}
    env = {**shop.process_environment(), **identity, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", *words], cwd=shop.root, env=env, check=True, capture_output=True, timeout=60)


class Runner:
    """Runs a composite action's shell steps as GitHub's runner does: inputs and outputs of steps filled in, conditions looked at."""

    def __init__(self, shop: Project, page: Page, tmp: Path, **inputs: str) -> None:
        self.shop, self.tmp = shop, tmp
        self.inputs = {name: given["default"] for name, given in read("action.yml")["inputs"].items()}
        self.inputs |= {"token": TOKEN, "requirements": "", "python-version": "", "upload": "false", **inputs}
        self.outputs: dict[str, str] = {}
        self.failed = False
        self.said = ""
        tmp.mkdir(exist_ok=True)
        bin_ = tmp / "bin"
        bin_.mkdir(exist_ok=True)
        (bin_ / "orc").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m orchestrator "$@"\n')
        (bin_ / "orc").chmod(0o755)
        (bin_ / "python").unlink(missing_ok=True)
        (bin_ / "python").symlink_to(sys.executable)
        self.env = {
            **shop.process_environment(), "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_API_URL": page.url, "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_REF": "refs/pull/7/merge", "GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": "change", "GITHUB_EVENT_NAME": "pull_request",
            "RUNNER_TEMP": str(tmp), "GITHUB_OUTPUT": str(tmp / "output"), "GITHUB_STEP_SUMMARY": str(tmp / "summary"),
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        }  # fmt: skip
        self.env.pop("GITHUB_TOKEN", None)

    def value(self, text: str) -> str:
        return EXPRESSION.sub(lambda m: self.name(m[1]), text)

    def name(self, word: str) -> str:
        kind, _, rest = word.partition(".")
        return self.inputs[rest] if kind == "inputs" else self.outputs.get(rest.removeprefix("review.outputs."), "")

    def wanted(self, condition: str) -> bool:
        always = "always()" in condition
        terms = re.findall(r"([\w.-]+) (==|!=) '(\w*)'", condition)
        met = all((self.name(name) == word) == (sign == "==") for name, sign, word in terms)
        return met and (always or not self.failed)

    def run(self) -> Runner:
        for step in steps():
            if "run" not in step or not self.wanted(step.get("if", "")):
                continue
            given: Mapping[str, str] = {k: self.value(v) for k, v in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], env={**self.env, **given}, check=False,
                cwd=self.shop.root / self.value(step["working-directory"]), capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            self.said += done.stdout + done.stderr
            self.failed |= done.returncode != 0
            output = self.tmp / "output"
            self.outputs |= dict(line.split("=", 1) for line in output.read_text().splitlines()) if output.exists() else {}
        return self


@pytest.fixture
def shop(project: Make) -> Project:
    made = project(SHOP)
    git(made, "init", "-q", "-b", "main")
    git(made, "add", "-A")
    git(made, "commit", "-qm", "shop")
    made.process("build").exits(0)
    git(made, "checkout", "-qb", "change")
    return made


def test_the_action_reviews_a_pull_request_and_comments(shop: Project, tmp_path: Path) -> None:
    shop.write({"models/orders.sql": "{{ config(materialized='table') }}\nselect id, amount from raw_orders\n"})
    git(shop, "commit", "-qam", "no discounts")
    with serving(Page()) as page:
        broken = Runner(shop, page, tmp_path / "one").run()
        assert broken.failed, broken.said
        (comment,) = page.comments
        assert comment["body"].startswith("<!-- orc:review:shop -->\n### ❌ Blocked: "), broken.said
        assert "`orders.discount`" in comment["body"]
        assert "models/margin.sql:2" in comment["body"]
        assert "::error file=models/margin.sql,line=2" in broken.said
        assert (tmp_path / "one" / "summary").read_text(encoding="utf-8") == f"{comment['body']}\n"
        names = ["code-quality.json", "junit.xml", "review.json", "review.md", "review.sarif"]
        assert sorted(p.name for p in Path(broken.outputs["report"]).iterdir()) == names
        assert TOKEN not in broken.said
        shop.write({"models/orders.sql": SHOP["models/orders.sql"] + "-- nothing but a comment\n"})
        git(shop, "commit", "-qam", "discounts are back")
        fine = Runner(shop, page, tmp_path / "two").run()
        assert not fine.failed, fine.said
        assert [c["id"] for c in page.comments] == [comment["id"]]
        assert page.comments[0]["body"].splitlines()[1].startswith("### ✅ Nothing blocks")


def test_what_inputs_hold_is_never_run(shop: Project, tmp_path: Path) -> None:
    trap = tmp_path / "trapped"
    nasty = f"$(touch {trap}) `touch {trap}`; touch {trap}"
    with serving(Page()) as page:
        Runner(shop, page, tmp_path / "one", args=nasty, target=nasty, requirements=nasty).run()
    assert not trap.exists()


def test_a_project_that_cannot_be_read_is_a_comment_too(shop: Project, tmp_path: Path) -> None:
    shop.write({"models/orders.sql": "select 1 as x,\n  {{ nothing_of_that_name }} as y"})
    with serving(Page()) as page:
        page.say("<!-- orc:review:shop -->\n### all was well")
        done = Runner(shop, page, tmp_path / "one").run()
        assert done.failed
        (comment,) = page.comments
        assert comment["body"].splitlines()[1] == "### ❌ Blocked: 1 problem"
        assert "(`models/orders.sql:2`)" in comment["body"]
        assert "::error file=models/orders.sql,line=2," in done.said


def test_without_a_report_the_comment_stays_as_it_is(shop: Project, tmp_path: Path) -> None:
    with serving(Page()) as page:
        done = Runner(shop, page, tmp_path / "one", args="--no-such-option").run()
        assert done.failed
        assert page.comments == []
        assert "There is no report" in done.said


def test_packages_are_installed_as_they_are_named(shop: Project, tmp_path: Path) -> None:
    with serving(Page()) as page:
        done = Runner(shop, page, tmp_path / "one", requirements="--help", comment="false").run()
    assert "pip install" in done.said
    assert page.asked == []
