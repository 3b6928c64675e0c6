"""The parse cache: whatever happened to files or cache, a command sees what it would see without one, and a warm one imports nothing heavy."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app import opening, reopening
from orchestrator.app.invocation import Invocation
from orchestrator.cli.wire import SystemClock
from orchestrator.core.files import digest
from tests.projects.conftest import Make, Project

FILES = {
    "pyproject.toml": """
        [tool.orchestrator]
        name = "p"
        profile = "p"
        vars = {least = 1}
        on-run-start = ["create schema if not exists audit"]
        """,
    "profiles.yml": """
        p:
          target: dev
          outputs:
            dev: {type: duckdb, path: warehouse.duckdb, schema: main}
            other: {type: duckdb, path: warehouse.duckdb, schema: elsewhere}
        """,
    "seeds/cities.csv": "id,name\n1,Oslo\n",
    "macros/twice.sql": "{% macro twice(x) %}({{ x }} * 2){% endmacro %}",
    "models/staging/stg_cities.sql": "select id, name from {{ ref('cities') }}",
    "models/staging/stg_visits.sql": "{{ config(meta={'least': var('least')}) }}\nselect id, city, {{ twice('n') }} as n from {{ source('raw', 'trips') }} where n > {{ var('least') }}",
    "models/marts/visits.sql": "{{ config(materialized='table', tags=[env_var('REGION', 'none')]) }}\nselect * from stg_visits join stg_cities using (id)",
    "models/marts/recent.sql": "{{ config(materialized='incremental', unique_key='id') }}\nselect id, n from visits {% if is_incremental() %}where id > 1{% endif %}",
    "models/marts/scored.py": "def model(dbt, session):\n    return dbt.ref('visits').df()\n",
    "models/models.yml": """
        sources:
          - name: raw
            schema: raw
            tables: [{name: trips}]
        models:
          - name: stg_cities
            description: Cities
            columns:
              - {name: id, description: Key, data_tests: [unique, not_null]}
              - {name: name, meta: {pii: true}, quote: true, tags: [t], constraints: [{type: not_null}]}
          - name: visits
            config: {tags: [mart], meta: {since: 2024-01-01}}
        exposures:
          - {name: board, type: dashboard, owner: {name: a, email: a@b.c}, depends_on: [ref('visits')]}
        unit_tests:
          - name: doubles
            model: stg_cities
            given: [{input: ref('cities'), rows: [{id: 1, name: x}]}]
            expect: {rows: [{id: 1, name: x}]}
        """,
    "tests/assertions/none_negative.sql": "select * from visits where n < 0",
}  # fmt: skip

Said = tuple[int, list[Any], Any, list[str]]


def said(project: Project, *words: str, env: dict[str, str] | None = None) -> Said:
    """All that a command tells of the project: exit code, `ls`, the manifest without its times, the complaints."""
    listed = project.orc("ls", "--output", "json", *words, env=env)
    parsed = project.orc("parse", *words, env=env)
    manifest = timeless(parsed.manifest) if parsed.code == 0 else None
    return (
        parsed.code,
        [json.loads(line) for line in listed.stdout.splitlines() if line.startswith("{")],
        manifest,
        parsed.stderr.splitlines(),
    )


def timeless(value: Any) -> Any:
    """A manifest without what differs between any two runs."""
    gone = {"created_at", "generated_at", "invocation_id", "run_started_at", "invocation_started_at"}
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in gone}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def agrees(project: Project, *words: str, env: dict[str, str] | None = None) -> Said:
    """What is told with the cache, which is what is told without."""
    with_cache = said(project, *words, env=env)
    without = said(project, "--no-partial-parse", *words, env=env)
    assert with_cache == without
    return with_cache


def cache_file(project: Project) -> Path:
    (found,) = (project.root / ".orchestrator" / "cache").glob("*.db")
    return found


def replace_in(project: Project, path: str, old: str, new: str) -> None:
    text = project.read(path)
    assert old in text
    (project.root / path).write_text(text.replace(old, new), encoding="utf-8")


def touch(project: Project, pattern: str) -> None:
    for file in project.root.glob(pattern):
        file.touch()


EDITS: dict[str, Callable[[Project], object]] = {
    "a text": lambda p: replace_in(p, "models/staging/stg_cities.sql", "name from", "upper(name) as name from"),
    "what a text reads": lambda p: replace_in(p, "models/marts/visits.sql", "join stg_cities", "join cities"),
    "config in a text": lambda p: replace_in(p, "models/marts/visits.sql", "'table'", "'view', alias='v'"),
    "a text that is wrong": lambda p: p.write({"models/staging/stg_cities.sql": "selec 1 as id, 2"}),
    "a text that reads nothing there": lambda p: p.write({"models/staging/stg_cities.sql": "select * from {{ ref('gone') }}"}),
    "a Python model": lambda p: replace_in(p, "models/marts/scored.py", "'visits'", "'stg_visits'"),
    "a docstring": lambda p: p.write({"models/marts/scored.py": '"""Scores."""\ndef model(dbt, session):\n    return dbt.ref("visits").df()\n'}),
    "a singular test": lambda p: replace_in(p, "tests/assertions/none_negative.sql", "n < 0", "n < -1"),
    "a macro": lambda p: replace_in(p, "macros/twice.sql", "* 2", "* 3"),
    "a description": lambda p: replace_in(p, "models/models.yml", "Cities", "Towns"),
    "a test of a column": lambda p: replace_in(p, "models/models.yml", "[unique, not_null]", "[unique]"),
    "config in YAML": lambda p: replace_in(p, "models/models.yml", "[mart]", "[mart, daily]"),
    "a variable": lambda p: replace_in(p, "pyproject.toml", "least = 1", "least = 5"),
    "the schema of the target": lambda p: replace_in(p, "profiles.yml", "schema: main", "schema: newer"),
    "the default target": lambda p: replace_in(p, "profiles.yml", "target: dev", "target: other"),
    "a new model": lambda p: p.write({"models/marts/added.sql": "select 1 as id"}),
    "a new circle": lambda p: p.write({"models/staging/stg_cities.sql": "select id, city as name from visits"}),
    "a file gone": lambda p: p.remove("models/marts/recent.sql"),
    "a file that others read gone": lambda p: p.remove("models/staging/stg_cities.sql"),
    "a file renamed": lambda p: (p.root / "models/marts/recent.sql").rename(p.root / "models/marts/latest.sql"),
    "a file moved": lambda p: (p.root / "models/marts/recent.sql").rename(p.root / "models/recent.sql"),
    "a model disabled": lambda p: replace_in(p, "models/marts/recent.sql", "config(", "config(enabled=false, "),
    "a seed": lambda p: p.write({"seeds/cities.csv": "id,name\n1,Oslo\n2,Bergen\n"}),
    "touched only": lambda p: touch(p, "models/marts/visits.sql"),
    "everything touched": lambda p: touch(p, "models/**/*.*"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edit_shows_as_it_would_without_a_cache(project: Make, edit: Callable[[Project], object]) -> None:
    here = project(FILES)
    assert agrees(here)[0] == 0
    edit(here)
    agrees(here)
    agrees(here)


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_edits_shows_as_it_would_without_a_cache(project: Make, seed: int) -> None:
    here = project(FILES)
    said(here)
    chance = random.Random(seed)
    for edit in chance.sample(list(EDITS.values()), 6):
        try:
            edit(here)
        except (AssertionError, FileNotFoundError):
            continue  # an earlier edit took away what this one changes
        agrees(here)


def test_an_environment_variable_counts_when_a_template_reads_it(project: Make) -> None:
    here = project(FILES)
    before = agrees(here, env={"REGION": "north", "UNRELATED": "1"})
    assert agrees(here, env={"REGION": "north", "UNRELATED": "2"}) == before
    assert agrees(here, env={"REGION": "south"}) != before
    assert agrees(here) != before


def test_each_way_of_calling_has_its_own_cache(project: Make) -> None:
    here = project(FILES)
    ways: list[tuple[str, ...]] = [(), ("--target", "other"), ("--vars", "{least: 9}"), ("--vars", "{}")]
    told = [agrees(here, *way) for way in ways]
    assert [said(here, *way) for way in ways] == told
    assert told[0] == told[3]
    assert told[0] != told[1] != told[2] != told[0]


def test_a_fresh_checkout_with_a_copied_cache(project: Make) -> None:
    here = project(FILES)
    before = agrees(here)
    there = project(FILES, "elsewhere")
    replace_in(there, "models/marts/visits.sql", "'table'", "'view'")
    shutil.copytree(here.root / ".orchestrator", there.root / ".orchestrator")
    after = agrees(there)
    assert before != after


def damaged(content: bytes, at: int, size: int) -> bytes:
    return content[:at] + b"\xa5" * min(size, len(content) - at) + content[at + size :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no database": lambda _: b"not a database at all" * 100,
    "cut in half": lambda c: c[: len(c) // 2],
    "cut by a byte": lambda c: c[:-1],
    "first page": lambda c: damaged(c, 0, 4096),
    "second page": lambda c: damaged(c, 4096, 4096),
    "everything behind the first page": lambda c: damaged(c, 4096, len(c)),
    "last page": lambda c: damaged(c, len(c) - 4096, 4096),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_ignored_and_written_anew(project: Make, damage: Callable[[bytes], bytes]) -> None:
    here = project(FILES)
    before = agrees(here)
    file = cache_file(here)
    file.write_bytes(damage(file.read_bytes()))
    shutil.rmtree(here.root / "target")
    assert agrees(here) == before
    replace_in(here, "models/staging/stg_cities.sql", "name from", "name as name from")
    agrees(here)


@pytest.mark.parametrize(
    "sql", ["delete from body", "update body set body = 'nonsense'", "delete from head where part > 0", "drop table note"]
)
def test_a_file_with_parts_missing_is_ignored(project: Make, sql: str) -> None:
    here = project(FILES)
    before = agrees(here)
    connection = sqlite3.connect(cache_file(here), isolation_level=None)
    connection.execute(sql)
    connection.close()
    shutil.rmtree(here.root / "target")
    assert agrees(here) == before


@pytest.mark.parametrize("head", ['{"engine": "of another version"}', "[]", "{}", "nonsense"])
def test_a_file_of_another_version_is_ignored(project: Make, head: str) -> None:
    here = project(FILES)
    before = agrees(here)
    connection = sqlite3.connect(cache_file(here), isolation_level=None)
    connection.execute("update head set value = ? where part = 0", (head,))
    connection.close()
    assert agrees(here) == before


WITH_SECRET = (
    'schema: main, secrets: [{type: s3, region: \'{{ env_var("REGION", "none") }}\', secret: \'{{ env_var("DBT_ENV_SECRET_KEY") }}\'}]}'
)


def test_a_profiles_secret_is_not_in_the_cache_and_read_again_each_time(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = project(FILES)
    replace_in(here, "profiles.yml", "schema: main}", WITH_SECRET)
    here.orc("parse", env={"DBT_ENV_SECRET_KEY": "hunter2hunter2"}).exits(0)
    kept = b"".join(f.read_bytes() for f in (here.root / ".orchestrator").rglob("*") if f.is_file())
    for trace in (b"hunter2", hashlib.sha256(b"hunter2hunter2").hexdigest()[:12].encode(), digest(b"hunter2hunter2").encode()):
        assert trace not in kept

    monkeypatch.setattr(reopening, "open_and_keep", lambda _: pytest.fail("not from the cache"))
    env = {**here.process_environment(), "DBT_ENV_SECRET_KEY": "another12345"}
    opened = opening.open_workspace(Invocation("1", here.root, datetime.now(UTC), SystemClock(), env))
    assert [s.reveal() for s in opened.project.target.secrets] == ["another12345"]


def test_a_target_with_secrets_that_is_another_now_is_seen(project: Make) -> None:
    here = project(FILES)
    replace_in(here, "profiles.yml", "schema: main}", WITH_SECRET.replace("schema: main", "schema: '{{ env_var(\"PLACE\") }}'"))
    env = {"DBT_ENV_SECRET_KEY": "hunter2hunter2"}
    places = [agrees(here, env={**env, "PLACE": place})[2]["nodes"]["model.p.visits"]["schema"] for place in ("here", "there", "here")]
    assert places == ["here", "there", "here"]


def test_a_project_that_says_a_secret_is_never_cached(project: Make) -> None:
    here = project(FILES)
    replace_in(here, "profiles.yml", "schema: main}", WITH_SECRET)
    here.orc("parse", "--vars", "{word: hunter2hunter2}", env={"DBT_ENV_SECRET_KEY": "hunter2hunter2"}).exits(0)
    kept = [f for f in (here.root / ".orchestrator").rglob("*") if f.is_file()]
    assert not [f for f in kept if b"hunter2" in f.read_bytes()]


def test_nothing_is_left_of_a_parse_that_failed(project: Make) -> None:
    here = project(FILES).write({"models/wrong.sql": "selec 1"})
    here.orc("parse").exits(2)
    assert not list((here.root / ".orchestrator").rglob("*.*"))


def test_a_warm_command_imports_nothing_heavy(project: Make) -> None:
    here = project(FILES)
    here.orc("parse").exits(0)
    code = (
        "import sys; from orchestrator.cli.main import call; call(['ls']); "
        "heavy = {'sqlglot', 'jinja2', 'yaml', 'duckdb', 'pandas', 'pyarrow', 'rich'} & set(sys.modules); sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    for file in here.root.rglob("*.*"):  # files may be older than the clock's tick in real life; here they are not
        if file.suffix in (".sql", ".yml", ".py", ".csv", ".toml"):
            file.touch()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here.root, env=here.process_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "p.marts.visits" in done.stdout
