"""What the audit hears of commands, and what people do with it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.cli import admitting, wire
from orchestrator.core.audit import COLUMNS
from orchestrator.core.errors import UsageError
from orchestrator.load.person import email
from tests.projects.conftest import Project

FILES = {
    "pyproject.toml": '[tool.orchestrator]\nname = "p"\n',
    "models/a.sql": "select 1 as x",
    "models/daily.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', begin='2026-01-01', batch_size='day') }}
        select * from (values (date '2026-01-01', 1)) as t (day, n)
    """,
    "macros/wipe.sql": "{% macro wipe(pin) %}{{ return(pin) }}{% endmacro %}",
    "schedules.yml": "schedules: {nightly: {cron: '@daily', select: a, when: select true}, checks: {cron: '@daily', command: test}}\n",
}
ENV = {"CI": "", "ORC_ACTOR": "ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}


@pytest.fixture
def shop(project: Callable[..., Project]) -> Project:
    return project(FILES)


def heard(shop: Project, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shop.orc("audit", "list", *words, "--output", "json").exits(0).stdout)
    return found[::-1]


def test_0_11_what_is_done_to_schedules_leaves_a_row_and_what_changes_nothing_does_not(shop: Project) -> None:
    for words in (
        ("pause", "nightly"),
        ("resume", "nightly"),
        ("resume", "nightly"),
        ("run", "nightly", "--no-wait"),
        ("list",),
        ("next",),
    ):
        shop.orc("schedule", *words, env=ENV).exits(0)
    rows = heard(shop)
    assert [(r["action"], r["object"], r["kind"], r["actor"]) for r in rows] == [
        (f"schedule.{word}", "nightly", "cli", "ann <ann@example.com>") for word in ("paused", "resumed", "run")
    ]
    assert rows[1]["before"] == {"paused": True}
    assert rows[1]["after"] == {"paused": False}


def test_2_7_a_schedule_is_tried_without_running_it(shop: Project) -> None:
    tried = shop.orc("schedule", "run", "nightly", "--dry-run").exits(0)
    assert "orc build --select a" in tried.stderr.replace(f"--project-dir {shop.root} ", "")
    assert "if `when` says yes: select true" in tried.stderr
    assert "main.a" in tried.stdout + tried.stderr
    shop.orc("schedule", "run", "checks", "--dry-run").exits(0)
    shop.orc("schedule", "run", "nobody", "--dry-run").exits(2)
    assert heard(shop) == []
    assert shop.orc("runs", "--output", "json").stdout.strip() == "[]"


def test_0_24_who_did_what_is_listed_narrowed_and_exported(shop: Project) -> None:
    shop.orc("run", "-s", "a", env=ENV).exits(0)
    shop.orc("run", "-s", "a", "--no-gates", env={**ENV, "ORC_ACTOR": "=cmd()"}).exits(0)
    shop.orc("run-operation", "wipe", "--args", "{pin: 1234}", env=ENV).exits(0)
    shop.orc("backfill", "daily", "--start", "2026-01-01", "--end", "2026-01-02", env=ENV).exits(0)
    assert [(r["action"], r["object"]) for r in heard(shop) if not r["action"].startswith("run.")] == [
        ("gates.overridden", heard(shop)[1]["run"]),
        ("operation.called", "wipe"),
        ("backfill.started", "model.p.daily"),
    ]
    assert "1234" not in json.dumps(heard(shop))
    assert {r["action"] for r in heard(shop, "--actor", "=")} == {"gates.overridden", "run.started"}
    assert len(heard(shop, "--limit", "2")) == 2
    assert heard(shop, "--since", "2020-01-01") == heard(shop)
    assert heard(shop, "--action", "run.started", "--since", "1d")[0]["after"]["select"] == ["a"]
    lines = list(csv.DictReader(io.StringIO(shop.orc("audit", "export", "--format", "csv").exits(0).stdout)))
    assert (list(lines[0]), len(lines)) == (list(COLUMNS), len(heard(shop)))
    assert [line["actor"] for line in lines][:2] == ["ann <ann@example.com>", "'=cmd() <ann@example.com>"]  # no spreadsheet computes it
    told = [json.loads(line) for line in shop.orc("audit", "export").exits(0).stdout.splitlines()]
    assert [(t["seq"], t["hash"]) for t in told] == [(r["seq"], r["hash"]) for r in heard(shop)]
    assert "gates.overridden" in shop.orc("audit", "list").exits(0).stdout


def test_whoever_has_an_export_checks_it_without_us(shop: Project) -> None:
    shop.orc("run", "-s", "a", env={**ENV, "ORC_ACTOR": "Zoë"}).exits(0)
    shop.orc("schedule", "pause", "nightly", env=ENV).exits(0)
    before = "0" * 64
    for line in shop.orc("audit", "export").exits(0).stdout.splitlines():
        row = json.loads(line)
        due, previous = row.pop("hash"), row.pop("previous")
        said = json.dumps(row, sort_keys=True, separators=(",", ":"))
        assert (previous, due) == (before, hashlib.sha256((previous + said).encode()).hexdigest())
        before = due
    assert before in shop.orc("audit", "verify").exits(0).stdout


def test_0_24_a_changed_byte_is_exit_1_and_names_the_row(shop: Project) -> None:
    shop.orc("run", "-s", "a", env=ENV).exits(0)
    shop.orc("schedule", "pause", "nightly", env=ENV).exits(0)
    good = shop.orc("audit", "verify").exits(0)
    assert good.stdout.startswith("2 rows, no faults; the chain ends with ")
    head = good.stdout.split()[-1]
    shop.orc("audit", "verify", "--head", head).exits(0)
    seen = shop.orc("runs", "show", "last").exits(0).stdout
    kept = next(line.split()[1] for line in seen.splitlines() if line.startswith("  audit "))
    assert heard(shop)[0]["hash"].startswith(kept)
    shop.orc("audit", "verify", "--head", kept).exits(0)
    shop.orc("audit", "verify", "--head", kept[:11]).exits(1)
    assert "no row has the hash 00ff" in shop.orc("audit", "verify", "--head", "00ff").exits(1).stdout
    with sqlite3.connect(shop.root / ".orchestrator" / "state.db") as connection:
        connection.executescript("drop trigger audit_is_not_changed; update audit set actor = 'bob <ann@example.com>' where seq = 2")
    connection.close()
    bad = shop.orc("audit", "verify").exits(1)
    assert bad.stdout.startswith("row 2 (schedule.paused nightly, ")
    told = json.loads(shop.orc("audit", "verify", "--output", "json").exits(1).stdout)
    assert (told["rows"], told["head"], len(told["faults"])) == (2, head, 1)


def test_3_7_history_goes_and_the_audit_stays_unless_one_says_so(shop: Project) -> None:
    shop.orc("run", "-s", "a", env=ENV).exits(0)
    shop.orc("runs", "prune", "--keep", "0s", env=ENV).exits(0)
    assert shop.orc("runs", "--output", "json").stdout.strip() == "[]"
    assert [r["action"] for r in heard(shop)] == ["run.started", "runs.pruned"]
    shop.orc("runs", "prune", "--audit-before", "nonsense", env=ENV).exits(2)
    assert "Took 2 rows out of the audit" in shop.orc("runs", "prune", "--audit-before", "0s", env=ENV).exits(0).stderr
    (row,) = heard(shop)
    assert (row["action"], row["object"], row["after"]["rows"], row["actor"]) == ("audit.pruned", "2", 2, "ann <ann@example.com>")
    shop.orc("audit", "verify").exits(0)


def test_what_clean_drops_is_named_and_folders_alone_begin_no_state(shop: Project) -> None:
    shop.orc("compile", env=ENV).exits(0)
    shop.orc("clean", env=ENV).exits(0)
    assert not (shop.root / ".orchestrator" / "state.db").exists()
    shop.orc("run", "-s", "a", env=ENV).exits(0)
    shop.orc("run", "-s", "a", "--environment", "pr_1", env=ENV).exits(0)
    shop.orc("clean", "--environment", "pr_1", "--dry-run", env=ENV).exits(0)
    assert [r["action"] for r in heard(shop)] == ["run.started", "run.started"]
    shop.orc("clean", "--environment", "pr_1", env=ENV).exits(0)
    shop.orc("clean", env=ENV).exits(0)
    environment, folders = heard(shop)[2:]
    assert (environment["action"], environment["object"]) == ("environment.dropped", "pr_1")
    assert any("pr_1" in line for line in environment["after"]["done"])
    assert (folders["action"], "Deleted target" in folders["after"]["done"]) == ("folders.deleted", True)


def test_what_is_not_allowed_is_not_called(shop: Project) -> None:
    profiles = "p: {target: dev, outputs: {dev: {type: duckdb, path: warehouse.duckdb, allow: [ci]}}}\n"
    shop.write({"profiles.yml": profiles, "pyproject.toml": '[tool.orchestrator]\nname = "p"\nprofile = "p"\n'})
    shop.orc("run-operation", "wipe", "--args", "{pin: 1}", env=ENV).exits(2)
    assert heard(shop) == []
    shop.orc("run", "-s", "a", "--allow", "dev", env=ENV).exits(0)
    assert [r["action"] for r in heard(shop)] == ["target.overridden", "run.started"]


def test_a_run_that_is_retried_says_of_which(shop: Project) -> None:
    shop.write({"models/a.sql": "select nothing as x"})
    shop.orc("run", "-s", "a", env=ENV).exits(1)
    shop.orc("retry", env=ENV).exits(1)
    first, again = heard(shop)
    assert (first["action"], again["action"], again["after"]["retry_of"]) == ("run.started", "run.retried", first["run"])


def test_tokens_are_made_listed_and_revoked(shop: Project) -> None:
    made = shop.orc("token", "create", "ci", "--scope", "trigger:loaded,read", "--expires", "30d", env=ENV).exits(0).stdout.strip()
    told = json.loads(
        shop.orc("token", "create", "eve", "--scope", "run", "--expires", "never", "--output", "json", env=ENV).exits(0).stdout
    )
    assert (told["scopes"], told["expires"]) == (["run"], None)
    listed = json.loads(shop.orc("token", "list", "--output", "json").exits(0).stdout)
    assert {t["name"]: (t["status"], t["scopes"], t["created_by"]) for t in listed} == {
        "ci": ("valid", ["trigger:loaded", "read"], "ann <ann@example.com>"),
        "eve": ("valid", ["run"], "ann <ann@example.com>"),
    }
    assert made not in shop.orc("token", "list").exits(0).stdout
    shop.orc("token", "revoke", "ci", env=ENV).exits(0)
    assert "U121" in shop.orc("token", "revoke", "ci", env=ENV).exits(2).stderr
    assert [(r["action"], r["object"]) for r in heard(shop)] == [("token.created", "ci"), ("token.created", "eve"), ("token.revoked", "ci")]
    assert made not in json.dumps(heard(shop))


@pytest.mark.parametrize(
    "words",
    [
        ("a b", "--scope", "read"),
        ("ci", "--scope", "write"),
        ("ci", "--scope", "trigger:"),
        ("ci", "--scope", ","),
        ("ci", "--scope", "read", "--expires", "soon"),
    ],
)
def test_a_token_that_cannot_be_is_told(shop: Project, words: tuple[str, ...]) -> None:
    assert "U120" in shop.orc("token", "create", *words).exits(2).stderr
    shop.orc("token", "create", "taken", "--scope", "read").exits(0)
    assert "U120" in shop.orc("token", "create", "taken", "--scope", "read").exits(2).stderr


def test_tokens_of_the_environment_have_scopes() -> None:
    keys = admitting.keys({"ORC_TOKENS": "ci=0123456789abcdef, ops:run+trigger:loaded=fedcba9876543210"})
    assert [keys.holder(token, wire.SystemClock().now()).scopes for token in ("0123456789abcdef", "fedcba9876543210")] == [
        ("read", "trigger:*"),
        ("run", "trigger:loaded"),
    ]
    for text in ("ci:everything=0123456789abcdef", "ci=short", "=0123456789abcdef"):
        with pytest.raises(UsageError):
            admitting.keys({"ORC_TOKENS": text})


def test_git_is_read_and_not_asked(project: Callable[..., Project]) -> None:
    shop = project({**FILES, "home/.gitconfig": "[user]\n\temail = home@example.com\n"})
    home = {"HOME": str(shop.root / "home")}
    assert email(shop.root / "models", home) == "home@example.com"
    shop.write({".git/config": '[remote "x"]\n email = no\n[User]\n  Email = "here@example.com" ; mine\n'})
    assert email(shop.root / "models", home) == "here@example.com"
    assert email(shop.root, {**home, "GIT_AUTHOR_EMAIL": "env@example.com"}) == "env@example.com"
    shop.remove(".git/config", "home/.gitconfig")
    assert email(shop.root, home) == ""
