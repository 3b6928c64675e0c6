"""3.4 and 1.15: what a node's `on_failure` does, once, after the last attempt."""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb
import pytest

from tests.orchestration.mailbox import Sink, sink
from tests.projects.conftest import Make, Project

COMMAND = """
import json, os, sys
with open("told.jsonl", "a") as file:
    file.write(json.dumps({k: v for k, v in os.environ.items() if k.startswith("ORC_")}) + "\\n")
print("paged")
sys.exit(int(os.environ.get("CODE", "0")))
"""


def broken(on_failure: str, *, more: str = "", sql: str = "select nothing as x from (select 1 as y)") -> dict[str, str]:
    return {
        "page.py": COMMAND,
        "models/a.sql": sql,
        "models/b.sql": "select * from {{ ref('a') }}",
        "models/a.yml": f"models: [{{name: a, config: {{materialized: table, on_failure: {on_failure}{more}}}}}]",
    }


def told(made: Project) -> list[dict[str, str]]:
    path = made.root / "told.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def rows(made: Project, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(made.root / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


class TestHooks:
    def test_3_4_a_command_runs_once_after_the_last_attempt_and_learns_what_failed(self, project: Make) -> None:
        made = project(broken("{command: python page.py}", more=", retries: {count: 2, delay: 0s, on: any}"))
        found = made.orc("build").exits(1)
        [heard] = told(made)
        assert (heard["ORC_NODE"], heard["ORC_STATUS"]) == ("model.p.a", "failed")
        assert '"nothing"' in heard["ORC_ERROR"]
        assert heard["ORC_RUN_ID"] == found.run_results["metadata"]["invocation_id"]
        assert found.stderr.count("[RETRY") == 2
        assert "on_failure of a: command `python` done: paged" in found.stderr
        made.write({"models/a.sql": "select 1 as x"}).orc("build").exits(0)
        assert len(told(made)) == 1

    def test_3_4_its_own_failure_is_told_and_hides_nothing(self, project: Make) -> None:
        made = project(broken("[{command: python page.py}, {command: ./not-there}, {sql: 'insert into nowhere values (1)'}]"))
        found = made.orc("build", env={"CODE": "3"}).exits(1)
        assert '"nothing"' in found.messages["a"]
        assert found.statuses == {"a": "error", "b": "skipped"}
        assert "on_failure of a: command `python` failed: it ended with code 3: paged" in found.stderr
        assert "command `./not-there` failed: No such file" in found.stderr
        assert "on_failure of a: statement failed: " in found.stderr

    def test_3_4_a_statement_is_committed_though_the_node_was_rolled_back(self, project: Make) -> None:
        sql = "insert into failures values ('{{ run_id }}', {{ error_literal }}, '{{ this }}', '{{ env_var(\"ORC_NODE\") }}')"
        start = "create table if not exists failures (run text, error text, relation text, node text)"
        made = project({"pyproject.toml": f"[tool.orchestrator]\nname = 'p'\non-run-start = ['{start}']\n"})
        made.write({"models/a.sql": "select 'it''s' + nothing as x from (select 1 as y)"})
        made.write(
            {
                "models/a.yml": f"models:\n  - name: a\n    config:\n      materialized: table\n      on_failure:\n        - sql: >-\n            {sql}\n"
            }
        )
        found = made.orc("build").exits(1)
        [(run, error, relation, node)] = rows(made, "select * from failures")
        assert (run, relation, node) == (found.run_results["metadata"]["invocation_id"], '"warehouse"."main"."a"', "model.p.a")
        assert '"nothing"' in str(error)

    def test_a_gate_that_fails_is_a_failure_and_a_skipped_child_is_none(self, project: Make) -> None:
        made = project(broken("{command: python page.py}", sql="select 1 as x"))
        made.write({"models/b.yml": "models: [{name: b, config: {on_failure: {command: python page.py}}}]"})
        made.write({"tests/assertions/never.sql": "select * from {{ ref('a') }}"})
        made.orc("build").exits(1)
        assert [heard["ORC_NODE"] for heard in told(made)] == ["model.p.a"]

    def test_what_it_prints_of_secrets_is_stars(self, project: Make) -> None:
        made = project(broken("{command: [python, -c, \"import os; print(os.environ['ORC_SECRET_KEY'])\"]}"))
        found = made.orc("build", env={"ORC_SECRET_KEY": "hunter2hunter2"}).exits(1)
        assert "done: ****" in found.stderr
        assert "hunter2" not in found.stderr


class TestWords:
    def test_1_15_retry_tries_again(self, project: Make) -> None:
        made = project(broken("retry(2)", more=", retries: {delay: 0s}"))
        found = made.orc("build").exits(1)
        assert found.stderr.count("[RETRY") == 2

    @pytest.fixture
    def receiver(self) -> Iterator[Sink]:
        with sink() as found:
            yield found

    @pytest.mark.parametrize(("said", "told"), [("alert", 1), ("{alert: pager}", 1), ("{alert: other}", 0), ("retry(0)", 0)])
    def test_1_15_alert_tells_rules_that_listen_to_something_else(self, project: Make, receiver: Sink, said: str, told: int) -> None:
        made = project(broken(said))
        made.write({"alerts.yml": f"alerts: [{{name: pager, on: schedule_missed, where: {{tag: none}}, to: '{receiver.url}'}}]"})
        made.orc("build").exits(1)
        made.orc("build").exits(1)
        assert receiver.events == ["node_failed"] * told
        made.write({"models/a.sql": "select 1 as x"}).orc("build").exits(0)
        assert receiver.events == ["node_failed", "recovered"] * told

    @pytest.mark.parametrize(
        ("said", "hint"),
        [
            ("allert", "did you mean `alert`?"),
            ("{retry: often}", "how often"),
            ("{command: ''}", "is empty"),
            ("{sql: 1}", "is empty"),
            ("{skip: perhaps}", "neither true nor false"),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_runs(self, project: Make, said: str, hint: str) -> None:
        found = project(broken(said)).orc("build").exits(2)
        assert "N363" in found.stderr
        assert hint in found.stderr
        assert "on_failure: [retry(2), skip, alert" in found.stderr
