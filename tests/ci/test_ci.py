"""What `orc ci` compares with, reads, builds and blocks for; and how it is told to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ci.conftest import OTHERS, Repository
from tests.ci.shop import PULL_REQUESTS

ROOT = Path(__file__).resolve().parents[2]


def blocking(repository: Repository) -> list[str]:
    return [p["message"] for p in repository.review["blocking"]]


def node(repository: Repository, name: str) -> dict[str, object]:
    found: dict[str, object] = next(n for n in repository.review["nodes"] if n["name"] == name)
    return found


def test_a_branch_without_changes_passes_and_builds_nothing(shop: Repository) -> None:
    before = shop.production()
    review = shop.ci()
    assert (review["passes"], review["nodes"], review["base"]) == (True, [], review["head"])
    assert "nothing changes" in shop.told
    assert "shop__pr_482" not in shop.relations()
    assert shop.production() == before


class TestTheBase:
    def test_is_where_the_branch_began_not_the_tip_of_main(self, shop: Repository) -> None:
        PULL_REQUESTS["column_added"](shop)
        shop.commit()
        shop.git("checkout", "-q", "main")
        PULL_REQUESTS["rows_changed"](shop)
        shop.commit("meanwhile")
        shop.git("checkout", "-q", "faster")
        shop.ci()
        assert [c["category"] for c in node(shop, "orders")["changes"]] == ["column added"]  # type: ignore[attr-defined]

    def test_is_told_on_the_command_line(self, shop: Repository) -> None:
        PULL_REQUESTS["rows_changed"](shop)
        shop.commit()
        PULL_REQUESTS["column_added"](shop)
        shop.commit()
        shop.orc("ci", "--base", "HEAD~1")
        assert [c["category"] for c in node(shop, "orders")["changes"]] == ["column added"]  # type: ignore[attr-defined]
        assert shop.review["command"] == "orc ci --base 'HEAD~1'"

    def test_is_the_main_branch_where_nobody_says_anything(self, shop: Repository) -> None:
        PULL_REQUESTS["moved"](shop)
        shop.commit()
        shop.orc("ci")
        assert shop.review["environment"] == "pr_faster"
        assert shop.review["base"] == shop.git("rev-parse", "--short", "main").strip()

    def test_counts_the_work_tree_also_what_git_was_not_told_of(self, shop: Repository) -> None:
        shop.write("models/marts/regions.sql", "select region, count(*) as customers from stg_customers group by region\n")
        review = shop.ci()
        assert [(n["name"], n["what"], n["rebuilt"]) for n in review["nodes"]] == [("regions", "added", True)]
        assert review["head"].endswith("-dirty")

    def test_must_be_known(self, shop: Repository) -> None:
        shop.ci("--base", "nowhere", code=2)
        assert "error[U060]: `--base` says `nowhere`, which this clone does not have" in shop.told
        shop.orc("ci", code=2, env={"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "nowhere"})
        assert "`CI_MERGE_REQUEST_TARGET_BRANCH_NAME` says `nowhere`" in shop.told

    def test_an_option_of_git_is_no_revision(self, shop: Repository) -> None:
        shop.ci("--base=--output=stolen", code=2)
        assert "U060" in shop.told
        assert not (shop.root / "stolen").exists()

    def test_a_shallow_clone_is_told_to_fetch_its_history(self, shop: Repository, tmp_path: Path) -> None:
        PULL_REQUESTS["column_added"](shop)
        shop.commit()
        shop.git("clone", "-q", "--depth", "1", f"file://{shop.root}", str(tmp_path / "clone"))
        shop.orc("ci", code=2, env={"GITHUB_BASE_REF": "main"}, root=tmp_path / "clone")
        assert "U060" in shop.told
        assert "fetch-depth: 0" in shop.told
        shop.git("fetch", "-q", "--depth", "1", "origin", "main:refs/remotes/origin/main", at=tmp_path / "clone")
        shop.orc("ci", code=2, env={"GITHUB_BASE_REF": "main"}, root=tmp_path / "clone")
        assert "error[U061]: this clone is too shallow to tell where the branch left `origin/main`" in shop.told
        assert "fetch-depth: 0" in shop.told

    def test_needs_a_repository(self, shop: Repository) -> None:
        shutil.rmtree(shop.root / ".git")
        shop.ci(code=2)
        assert "is not in a git repository" in shop.told

    def test_a_project_in_a_folder_of_its_repository(self, shop: Repository, tmp_path: Path) -> None:
        whole = tmp_path / "whole"
        shutil.copytree(shop.root, whole / "data" / "shop", ignore=shutil.ignore_patterns(".git"))
        shop.git("init", "-q", "-b", "main", at=whole)
        (whole / "readme.md").write_text("hello", encoding="utf-8")
        shop.git("add", "-A", at=whole)
        shop.git("commit", "-q", "-m", "one", at=whole)
        shop.git("checkout", "-q", "-b", "faster", at=whole)
        (whole / "readme.md").write_text("good bye", encoding="utf-8")
        inner = Repository(whole / "data" / "shop", "duckdb", {}, shop.monkeypatch, shop.capture)
        assert inner.ci()["nodes"] == []
        PULL_REQUESTS["column_added"](inner)
        review = inner.ci()
        assert (review["folder"], [n["name"] for n in review["nodes"]]) == ("data/shop", ["orders"])


class TestProduction:
    def test_may_be_another_target_of_the_same_database(self, repository: Repository) -> None:
        before = repository.production()
        PULL_REQUESTS["expression_changed"](repository)
        review = repository.ci("--target", "ci")
        assert repository.relations().get("dev__pr_482") == ["orders", "taxes"]
        assert repository.relations().keys() == {"shop", "dev__pr_482"}
        assert (review["target"], review["production"].startswith("`prod`, last built")) == ("ci", True)
        assert [(n["name"], n["difference"]["before"].endswith("shop.orders")) for n in review["nodes"][:1]] == [("orders", True)]
        assert repository.production() == before

    def test_in_a_database_that_nobody_sees_from_here_is_an_error(self, shop: Repository) -> None:
        PULL_REQUESTS["column_added"](shop)
        shop.ci("--target", "elsewhere", code=2)
        assert "error[U062]: production is in the target `prod` (warehouse), of which `elsewhere` (elsewhere) sees nothing" in shop.told

    def test_what_it_lacks_is_built_too_and_that_is_said(self, shop: Repository) -> None:
        shop.query_to("drop view shop.stg_customers")
        shop.change("models/marts/north.sql", "'north'", "'south'")
        review = shop.ci()
        assert shop.relations()["shop__pr_482"] == ["north", "stg_customers"]
        assert node(shop, "stg_customers")["reason"] == "production does not have it"
        assert [n["what"] for n in review["nodes"]] == ["affected", "modified"]

    def test_empty_production_is_built_whole_and_nothing_is_compared(self, shop: Repository) -> None:
        (shop.root / "warehouse.duckdb").unlink()
        PULL_REQUESTS["column_added"](shop)
        review = shop.ci()
        assert shop.relations() == {"shop__pr_482": ["orders", "raw_orders", "stg_orders"]}
        assert review["production"] == "`prod`, where nothing is built yet"
        assert {n["name"]: n["difference"] for n in review["nodes"]} == dict.fromkeys(["raw_orders", "stg_orders", "orders"])

    def test_of_an_earlier_state_is_where_its_manifest_says(self, shop: Repository, tmp_path: Path) -> None:
        shutil.copytree(shop.root / "target", tmp_path / "state")
        PULL_REQUESTS["expression_changed"](shop)
        review = shop.ci("--state", str(tmp_path / "state"))
        assert sorted(shop.relations()["shop__pr_482"]) == ["customers", "days", "north", "orders", "taxes"]  # nobody knows which columns
        assert {n["name"]: n["what"] for n in review["nodes"]}["orders"] == "modified"
        assert f"--state {tmp_path / 'state'}" in review["command"]

    def test_a_comparison_that_fails_fails_nothing_else(self, shop: Repository) -> None:
        shop.query_to("create table shop.gone as select 1 as x")
        shop.query_to("create or replace view shop.stg_customers as select * from shop.gone")
        shop.query_to("drop table shop.gone")
        shop.change("models/staging/stg_customers.sql", "    name,\n", "    name,\n    upper(name) as title,\n")
        shop.ci()
        difference = node(shop, "stg_customers")["difference"]
        assert isinstance(difference, dict)
        assert difference["how"] == "undone"
        assert "gone" in difference["why"]


class TestTheEnvironment:
    def test_of_an_earlier_push_is_not_read_again(self, shop: Repository) -> None:
        PULL_REQUESTS["rows_changed"](shop)
        shop.commit("first push")
        shop.ci()
        shop.git("reset", "-q", "--hard", "main")
        shop.change("models/marts/north.sql", "sum(o.amount)", "sum(o.amount) + 0")
        shop.commit("second push")
        review = shop.ci()
        assert {n["name"]: n["difference"]["how"] for n in review["nodes"]} == {"north": "identical"}

    def test_builds_an_incremental_model_anew_with_every_push(self, shop: Repository) -> None:
        shop.change("models/marts/days.sql", "count(*) as orders", "count(*) + 1 as orders")
        shop.ci()
        shop.change("models/marts/days.sql", "count(*) + 1 as orders", "count(*) + 2 as orders")
        shop.ci()
        assert shop.query("select min(orders) from shop__pr_482.days") == [(3,)]

    def test_is_named_by_whoever_asks(self, shop: Repository) -> None:
        PULL_REQUESTS["column_added"](shop)
        shop.ci("--environment", "blue")
        assert shop.relations()["shop__blue"] == ["orders"]
        shop.ci("--environment", "No Name", code=2)
        assert "U055" in shop.told


class TestTheVerdict:
    def test_breaking_changes_can_be_meant(self, shop: Repository, tmp_path: Path) -> None:
        PULL_REQUESTS["contract_changed"](shop)
        shop.ci(code=1)
        assert blocking(shop) == ["the contract of `customers` says `orders` is integer now, not bigint"]
        shop.ci("--allow-breaking")
        assert node(shop, "customers")["breaking"]
        shop.ci(env={"CI_MERGE_REQUEST_LABELS": "big,allow-breaking"})
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"pull_request": {"labels": [{"name": "allow-breaking"}]}}), encoding="utf-8")
        shop.ci(env={"GITHUB_EVENT_PATH": str(event)})
        shop.change("models/marts/customers.sql", '"enforced": true}', '"enforced": true}, meta={"allow_breaking": true}')
        shop.ci()

    def test_data_that_differ_block_only_when_asked(self, shop: Repository) -> None:
        PULL_REQUESTS["expression_changed"](shop)
        shop.ci()
        shop.ci("--fail-on", "data-diff", code=1)
        assert blocking(shop) == ["the data of `orders` is not what production has", "the data of `taxes` is not what production has"]
        shop.ci("--fail-on", "everything", code=2)
        assert "U017" in shop.told

    def test_static_errors_in_changed_files_block(self, shop: Repository) -> None:
        shop.change("models/marts/taxes.sql", "sum(tax) as tax", "sum(taxes) as tax")
        shop.ci(code=1)
        assert [p["code"] for p in shop.review["blocking"]] == ["X102"]  # S101 is at the same place
        assert [p["code"] for p in shop.review["findings"]] == ["S101"]
        assert node(shop, "taxes")["status"] == "failed"

    def test_a_warning_is_only_told(self, shop: Repository) -> None:
        shop.change("models/schema.yml", "data_tests: [not_null]", "data_tests: [{unique: {config: {severity: warn}}}]")
        shop.change("models/marts/taxes.sql", "sum(tax) as tax", "cast(min(1) as double) as tax")
        shop.ci()
        assert {t["name"]: t["status"] for t in shop.review["tests"]} == {"unique_taxes_tax": "warned"}
        shop.ci("--fail-on", "warnings", code=1)

    def test_a_test_that_reads_what_is_rebuilt_is_run_too(self, shop: Repository) -> None:
        shop.write(
            "tests/assertions/taxes_are_of_orders.sql", "select t.day from taxes as t left join orders as o using (day) where o.day is null"
        )
        shop.commit("before")
        PULL_REQUESTS["rows_changed"](shop)
        shop.orc("ci", "--base", "HEAD")
        assert "taxes_are_of_orders" in {t["name"] for t in shop.review["tests"]}

    def test_a_macro_that_changes_what_models_say_changes_those_models(self, shop: Repository) -> None:
        shop.write("macros/rate.sql", "{% macro rate() %}0.2{% endmacro %}")
        shop.change("models/marts/orders.sql", "o.amount * 0.2", "o.amount * {{ rate() }}")
        shop.commit("the same by a macro")
        assert {n["name"] for n in shop.ci()["nodes"] if n["rebuilt"]} == set()
        shop.write("macros/rate.sql", "{% macro rate() %}0.3{% endmacro %}")
        shop.orc("ci", "--base", "HEAD")  # of the models no file is another
        assert {n["name"]: n["rebuilt"] for n in shop.review["nodes"]} == {"orders": True, "taxes": True}


class TestOptions:
    def test_widen_builds_everything_below(self, shop: Repository) -> None:
        PULL_REQUESTS["column_added"](shop)
        review = shop.ci("--widen")
        assert {n["name"] for n in review["nodes"] if n["rebuilt"]} == {"orders", "customers", "north", "taxes", "days"}
        assert review["unaffected"] == []

    def test_no_diff_compares_nothing(self, shop: Repository) -> None:
        PULL_REQUESTS["expression_changed"](shop)
        assert [n["difference"] for n in shop.ci("--no-diff")["nodes"]] == [None, None]

    def test_rows_are_shown_only_when_asked(self, shop: Repository) -> None:
        PULL_REQUESTS["expression_changed"](shop)
        shop.ci()
        assert '"samples": []' in json.dumps(shop.review)
        assert not any(c["samples"] for c in node(shop, "orders")["difference"]["columns"])  # type: ignore[index]
        shop.ci("--rows", "2")
        assert [len(c["samples"]) for c in node(shop, "orders")["difference"]["columns"] if c["samples"]] == [2]  # type: ignore[index]

    def test_empty_builds_without_rows(self, shop: Repository) -> None:
        PULL_REQUESTS["rows_changed"](shop)
        shop.ci("--empty")
        assert shop.query("select count(*) from shop__pr_482.orders") == [(0,)]
        assert node(shop, "orders")["difference"]["why"] == "it was built without rows (`--empty`)"  # type: ignore[index]

    def test_a_sample_is_enough_to_see_that_it_builds(self, shop: Repository) -> None:
        PULL_REQUESTS["rows_changed"](shop)
        shop.ci("--sample", "50%")
        assert node(shop, "orders")["difference"]["why"] == "it was built from a sample"  # type: ignore[index]
        assert node(shop, "orders")["rows"] == [None, None], "production's rows and a sample's are no comparison"
        report = (shop.root / "target/ci/review.md").read_text(encoding="utf-8")
        assert "| `orders` | modified | row set changed | it was built from a sample |" in report
        assert node(shop, "orders")["status"] == "passed"

    @pytest.mark.parametrize("form", ["json", "markdown"])
    def test_a_report_may_be_printed(self, shop: Repository, form: str) -> None:
        PULL_REQUESTS["column_added"](shop)
        shop.orc("ci", "--format", form, "--report-dir", str(shop.root / "out"))
        name = {"json": "review.json", "markdown": "review.md"}[form]
        assert shop.printed == (shop.root / "out" / name).read_text(encoding="utf-8")

    def test_github_gets_the_comment_as_the_summary_of_a_step_and_annotations(self, shop: Repository, tmp_path: Path) -> None:
        PULL_REQUESTS["column_removed"](shop)
        shop.ci(code=1, env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})
        assert "Blocked" in (tmp_path / "summary.md").read_text(encoding="utf-8")
        assert "::error file=models/marts/north.sql,line=8" in shop.told


class TestSelectingByGit:
    def test_what_differs_and_what_is_below_it(self, shop: Repository) -> None:
        PULL_REQUESTS["cosmetic"](shop)
        PULL_REQUESTS["column_added"](shop)
        shop.commit()
        shop.orc("ls", "-s", "git:main", "--resource-type", "model", "--output", "name")
        assert shop.printed.split() == ["orders"]
        shop.orc("ls", "-s", "git:main+", "--resource-type", "model", "--output", "name")
        assert sorted(shop.printed.split()) == ["customers", "days", "north", "orders", "taxes"]

    @pytest.mark.parametrize("name", ["HEAD", "HEAD~0", "refs/heads/faster"])
    def test_any_revision_will_do(self, shop: Repository, name: str) -> None:
        PULL_REQUESTS["test_added"](shop)
        shop.orc("ls", "-s", f"git:{name}", "--output", "name")
        assert shop.printed.split() == ["unique_north_day"]

    def test_a_revision_that_is_not_there(self, shop: Repository) -> None:
        shop.orc("ls", "-s", "git:nowhere", code=2)
        assert "error[U060]: `git:nowhere` says `nowhere`, which this clone does not have" in shop.told


def test_a_review_of_nothing_imports_neither_a_parser_nor_a_driver(shop: Repository) -> None:
    shop.ci()
    script = "import sys; from orchestrator.cli.main import call; code = call(['ci', '-q']); print(code, *{n.split('.')[0] for n in sys.modules})"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OTHERS)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=shop.root,
        env={**kept, "HOME": str(shop.root), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    code, *names = done.stdout.split()
    assert code == "0"
    assert not {"sqlglot", "duckdb", "jinja2", "pandas"} & {*names}
