"""0.16 (retrying failed tasks) and what belongs to it: classes of errors, timeouts, what an attempt leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.projects.conftest import Make, Project

COUNTING = """
    from pathlib import Path
    {imports}

    def model(ctx):
        import pandas as pd
        place = Path({place!r})
        tries = int(place.read_text()) + 1 if place.exists() else 1
        place.write_text(str(tries))
        print(f"this is try {{tries}}")
        if tries <= {bad}:
            raise {error}
        return pd.DataFrame({{"x": [tries]}})
"""


def counting(tmp_path: Path, bad: int, error: str = "ConnectionError('nobody there')", imports: str = "") -> str:
    """A Python model that fails the first ``bad`` times it is run."""
    from textwrap import dedent

    return dedent(COUNTING).format(place=str(tmp_path / "tries"), bad=bad, error=error, imports=imports)


def yaml(model: str, config: str) -> str:
    return f"version: 2\nmodels:\n  - name: {model}\n    config: {config}\n"


def tries(tmp_path: Path) -> int:
    return int((tmp_path / "tries").read_text())


def on_postgres(make: Make, url: str, files: dict[str, str]) -> Project:
    parts = urlsplit(url)
    output = {
        "type": "postgres", "host": parse_qs(parts.query)["host"][0], "user": parts.username, "password": "",
        "dbname": parts.path.removeprefix("/"), "schema": "shop", "threads": 4,
    }  # fmt: skip
    profiles = json.dumps({"shop": {"target": "pg", "outputs": {"pg": output}}})
    return make({"pyproject.toml": '[tool.orchestrator]\nname = "shop"\nprofile = "shop"\n', "profiles.yml": profiles, **files})


def flaky(url: str, times: int, code: str = "40001") -> None:
    """Make a function in the server that fails so many times; its count survives rollbacks, because sequences do."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create sequence tries")
        body = f"begin if nextval('tries') <= {times} then raise exception 'try again' using errcode = '{code}'; end if; return 1; end"
        connection.execute(f"create function flaky() returns int language plpgsql as $$ {body} $$".encode())


def attempts(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select last_value from tries").fetchone()
        return int(row[0]) if row else 0


def retried(stderr: str) -> list[dict[str, Any]]:
    """The events of attempts that are followed by another, from a log in JSON."""
    lines = [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]
    return [line["data"] for line in lines if line["info"]["name"] == "LogRetryLine"]


class TestTransientFailures:
    def test_0_16_are_tried_again_with_growing_delays(self, project: Make, own_postgres: str) -> None:
        flaky(own_postgres, 2)
        files = {
            "models/core_trips.sql": "select flaky() as x",
            "models/p.yml": yaml("core_trips", "{materialized: table, retries: {count: 2, delay: 300ms}}"),
        }
        done = on_postgres(project, own_postgres, files).orc("run", "--log-format", "json").exits(0)
        assert attempts(own_postgres) == 3
        first, second = retried(done.stderr)
        assert [first["attempt"], second["attempt"]] == [1, 2]
        assert 0.3 <= first["wait"] <= 0.36
        assert 0.6 <= second["wait"] <= 0.72
        assert {first["cause"], second["cause"]} == {"transient"}

    def test_0_16_a_permanent_failure_is_tried_once(self, project: Make, own_postgres: str) -> None:
        flaky(own_postgres, 9, "22012")
        files = {
            "models/m.sql": "select flaky() as x",
            "models/p.yml": yaml("m", "{materialized: table, retries: {count: 2, delay: 50ms}}"),
        }
        done = on_postgres(project, own_postgres, files).orc("run").exits(1)
        assert attempts(own_postgres) == 1
        assert "RETRY" not in done.stderr

    def test_a_lost_connection_is_one_and_the_next_attempt_has_another(self, project: Make, own_postgres: str) -> None:
        with psycopg.connect(own_postgres, autocommit=True) as connection:
            connection.execute("create sequence tries")
            body = "begin if nextval('tries') <= 1 then perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); end if; return 1; end"
            connection.execute(f"create function flaky() returns int language plpgsql as $$ {body} $$".encode())
        files = {
            "models/m.sql": "select flaky() as x",
            "models/p.yml": yaml("m", "{materialized: table, retries: {count: 1, delay: 50ms}}"),
        }
        done = on_postgres(project, own_postgres, files).orc("run", "--log-format", "json").exits(0)
        [lost] = retried(done.stderr)
        assert (lost["cause"], lost["problem"]["code"]) == ("transient", "X108")
        assert attempts(own_postgres) == 2

    def test_are_told_on_the_console(self, project: Make, tmp_path: Path) -> None:
        files = {"models/m.py": counting(tmp_path, 1), "models/p.yml": yaml("m", "{retries: {count: 2, delay: 1s, jitter: 0}}")}
        done = project(files).orc("run").exits(0)
        assert "1 of 1 RETRY python table model main.m" in done.stderr
        assert "[RETRY 1 of 2 in 1s]" in done.stderr
        assert "ConnectionError: nobody there" in done.stderr

    def test_of_python_are_lost_connections_and_timeouts_of_any_library(self, project: Make, tmp_path: Path) -> None:
        error = "type('ReadTimeout', (OSError,), {})('slow')"
        files = {"models/m.py": counting(tmp_path, 1, error), "models/p.yml": yaml("m", "{retries: {count: 1, delay: 10ms}}")}
        project(files).orc("run").exits(0)
        assert tries(tmp_path) == 2

    def test_of_python_without_retries_are_tried_once(self, project: Make, tmp_path: Path) -> None:
        project({"models/m.py": counting(tmp_path, 1)}).orc("run").exits(1)
        assert tries(tmp_path) == 1

    def test_an_author_asks_for_another_try_and_says_when(self, project: Make, tmp_path: Path) -> None:
        code = counting(tmp_path, 1, "Retry('quota', after=0.4)", "from orchestrator import Retry")
        files = {"models/m.py": code, "models/p.yml": yaml("m", "{retries: {count: 1, delay: 10ms}}")}
        done = project(files).orc("run", "--log-format", "json").exits(0)
        assert retried(done.stderr)[0]["wait"] == 0.4


class TestOn:
    @pytest.mark.parametrize(
        ("on", "error", "expected"),
        [
            ("any", "ValueError('no')", 2),
            ("never", "ConnectionError('no')", 1),
            ("[X201]", "ValueError('no')", 2),
            ("[X202]", "ValueError('no')", 1),
            ("['quota.*exceeded']", "ValueError('Quota is exceeded')", 2),
            ("['quota.*exceeded']", "ValueError('Quota')", 1),
            ("[transient, X202]", "TimeoutError('no')", 2),
        ],
    )
    def test_names_what_is_worth_another_try(self, project: Make, tmp_path: Path, on: str, error: str, expected: int) -> None:
        files = {
            "models/m.py": counting(tmp_path, 1, error),
            "models/p.yml": yaml("m", f"{{retries: {{count: 1, delay: 10ms, on: {on}}}}}"),
        }
        project(files).orc("run").exits(0 if expected == 2 else 1)
        assert tries(tmp_path) == expected

    @pytest.mark.parametrize(("on", "times"), [("any", 1), ("[any, test]", 2)])
    def test_a_failed_test_is_tried_again_only_where_it_is_named(self, project: Make, tmp_path: Path, on: str, times: int) -> None:
        properties = f"""\
version: 2
models:
  - name: m
    config: {{retries: {{count: 1, delay: 10ms, on: {on}}}}}
    columns: [{{name: x, data_tests: [{{accepted_values: {{arguments: {{values: [2]}}}}}}]}}]
"""
        done = project({"models/m.py": counting(tmp_path, 0), "models/p.yml": properties}).orc("build").exits(0 if times == 2 else 1)
        assert tries(tmp_path) == times
        judged = [line for line in done.stderr.splitlines() if " of 2 " in line and "accepted_values" in line and "START" not in line]
        assert len(judged) == 1

    def test_a_test_of_what_is_published_has_its_own(self, project: Make, own_postgres: str) -> None:
        flaky(own_postgres, 1)
        files = {
            "models/m.sql": "select 1 as x",
            "tests/assertions/t.sql": "{{ config(retries={'count': 1, 'delay': '20ms'}) }} select x from {{ ref('m') }} where flaky() = 0",
        }
        made = on_postgres(project, own_postgres, files)
        made.orc("run", "--no-gates").exits(0)
        done = made.orc("test").exits(0)
        assert "RETRY test t" in done.stderr
        assert done.statuses == {"t": "pass"}

    def test_is_inherited_key_by_key(self, project: Make, tmp_path: Path) -> None:
        settings = '[tool.orchestrator]\nname = "p"\n[tool.orchestrator.models]\n"+retries" = {count = 1, delay = "20ms"}\n'
        files = {
            "pyproject.toml": settings,
            "models/m.py": counting(tmp_path, 1, "ValueError('x')"),
            "models/p.yml": yaml("m", "{retries: {on: any}}"),
        }
        done = project(files).orc("run", "--log-format", "json").exits(0)
        assert 0.02 <= retried(done.stderr)[0]["wait"] <= 0.024

    @pytest.mark.parametrize(
        ("config", "said"),
        [
            ("{retries: {counts: 1}}", "`retries` has no key `counts`"),
            ("{retries: often}", "`often` is no such number"),
            ("{retries: {delay: soon}}", "`soon` is no length of time"),
            ("{timeout: later}", "`later` is no length of time"),
            ("{retries: {on: ['(']}}", "no regular expression"),
        ],
    )
    def test_what_cannot_be_meant_is_said_before_anything_runs(self, project: Make, config: str, said: str) -> None:
        done = project({"models/m.sql": "select 1 as x", "models/p.yml": yaml("m", config)}).orc("run").exits(2)
        assert "N363" in done.stderr
        assert said in done.stderr


class TestTimeout:
    SLOW = "select count(*) as n from range(100000000) a, range(100000) b where a.range % 7 = b.range % 5"

    def test_ends_a_query_in_the_engine(self, project: Make) -> None:
        files = {"models/slow.sql": self.SLOW, "models/p.yml": yaml("slow", "{materialized: table, timeout: 500ms}")}
        begin = time.monotonic()
        done = project(files).orc("run").exits(1)
        assert time.monotonic() - begin < 15
        assert "error[X410]: stopped: it took longer than its timeout of 0.5s" in done.stderr

    def test_ends_a_query_on_the_server(self, project: Make, own_postgres: str) -> None:
        files = {"models/slow.sql": "select 1 as x from pg_sleep(60)", "models/p.yml": yaml("slow", "{materialized: table, timeout: 1s}")}
        begin = time.monotonic()
        done = on_postgres(project, own_postgres, files).orc("run").exits(1)
        assert time.monotonic() - begin < 15
        assert "X410" in done.stderr
        with psycopg.connect(own_postgres) as connection:
            busy = connection.execute("select count(*) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()")
            assert busy.fetchone() == (0,)

    def test_the_server_knows_the_limit_itself(self, project: Make, own_postgres: str) -> None:
        """Whoever asks it to cancel may be dead by then."""
        files = {
            "models/m.sql": "select current_setting('statement_timeout') as x",
            "models/p.yml": yaml("m", "{materialized: table, timeout: 7s}"),
        }
        files["models/n.sql"] = "select current_setting('statement_timeout') as x -- {{ ref('m') }}"
        files["models/q.yml"] = yaml("n", "{materialized: table}")
        on_postgres(project, own_postgres, files).orc("run", "--threads", "1").exits(0)
        with psycopg.connect(own_postgres) as connection:
            assert connection.execute("select x from shop.m").fetchone() == ("8s",)
            assert connection.execute("select x from shop.n").fetchone() == ("0",)

    @pytest.mark.parametrize(("on", "expected"), [("transient", 1), ("[timeout]", 2)])
    def test_kills_the_process_of_a_python_model_and_is_tried_again_only_where_it_is_named(
        self, project: Make, tmp_path: Path, on: str, expected: int
    ) -> None:
        code = (
            counting(tmp_path, 0)
            .replace("    import pandas as pd\n", "    import pandas as pd, time\n")
            .replace("    if tries <=", "    time.sleep(0 if tries > 1 else 60)\n    if tries <=")
        )
        files = {"models/m.py": code, "models/p.yml": yaml("m", f"{{timeout: 3s, retries: {{count: 1, delay: 10ms, on: {on}}}}}")}
        begin = time.monotonic()
        project(files).orc("run").exits(0 if expected == 2 else 1)
        assert tries(tmp_path) == expected
        assert time.monotonic() - begin < 30


class TestWaiting:
    def test_leaves_the_thread_to_others(self, project: Make, tmp_path: Path) -> None:
        files = {
            "models/a.py": counting(tmp_path, 1),
            "models/b.sql": "select 1 as x",
            "models/p.yml": yaml("a", "{retries: {count: 1, delay: 1s}}"),
        }
        done = project(files).orc("run", "--threads", "1").exits(0)
        order = [line.split(" ", 6) for line in done.stderr.splitlines() if " of 2 " in line]
        told = [" ".join(words[5:6]) + " " + words[6].split(" .")[0].rsplit(".", 1)[-1] for words in order]
        assert told.index("OK b") < told.index("OK a")

    def test_children_wait_with_it(self, project: Make, tmp_path: Path) -> None:
        files = {
            "models/a.py": counting(tmp_path, 1),
            "models/b.sql": "select x from {{ ref('a') }}",
            "models/p.yml": yaml("a", "{retries: {count: 1, delay: 200ms}}"),
        }
        made = project(files)
        made.orc("run").exits(0)
        assert made.query("select x from b") == [(2,)]

    def test_ends_at_once_with_ctrl_c(self, project: Make, tmp_path: Path) -> None:
        files = {"models/a.py": counting(tmp_path, 9), "models/p.yml": yaml("a", "{retries: {count: 5, delay: 10m}}")}
        made = project(files)
        running = subprocess.Popen(made.command("run"), cwd=made.root, env=made.process_environment(), stderr=subprocess.PIPE, text=True)
        assert running.stderr is not None
        lines = []
        for line in running.stderr:
            lines.append(line)
            if "RETRY 1 of 5" in line:
                break
        begin = time.monotonic()
        running.send_signal(signal.SIGINT)
        _, rest = running.communicate(timeout=30)
        assert running.returncode == 130
        assert time.monotonic() - begin < 10
        assert "CANCELLED" in rest
        assert tries(tmp_path) == 1


class TestWhatIsNotDoneTwice:
    def test_rows_of_an_incremental_model(self, project: Make, own_postgres: str) -> None:
        flaky(own_postgres, 2)
        sql = "{{ config(materialized='incremental', incremental_strategy='append', retries={'count': 3, 'delay': '20ms'}) }} select flaky() as x"
        made = on_postgres(project, own_postgres, {"models/m.sql": sql})
        made.orc("run").exits(0)
        with psycopg.connect(own_postgres, autocommit=True) as connection:
            connection.execute("alter sequence tries restart")
        made.orc("run").exits(0)
        with psycopg.connect(own_postgres) as connection:
            assert connection.execute("select count(*) from shop.m").fetchone() == (2,)
        assert attempts(own_postgres) == 3

    def test_a_hook_that_ran_outside_of_a_transaction(self, project: Make, own_postgres: str) -> None:
        flaky(own_postgres, 1)
        hook = "{{ config(materialized='table', retries={'count': 3, 'delay': '20ms'}, pre_hook={'sql': 'insert into public.seen values (1)', 'transaction': false}) }}"
        with psycopg.connect(own_postgres, autocommit=True) as connection:
            connection.execute("create table public.seen (x int)")
        done = on_postgres(project, own_postgres, {"models/m.sql": f"{hook} select flaky() as x"}).orc("run").exits(1)
        assert attempts(own_postgres) == 1
        assert "would run twice" in done.stderr


class TestByInterval:
    def test_a_batch_is_tried_again_by_itself(self, project: Make, own_postgres: str) -> None:
        flaky(own_postgres, 1)
        sql = (
            "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', begin='2026-01-01', batch_size='day',"
            " retries={'count': 1, 'delay': '20ms'}) }}"
            " select at, flaky() as x from {{ ref('events') }}"
        )
        files = {
            "models/m.sql": sql,
            "models/events.sql": "{{ config(materialized='table', event_time='at') }} select timestamp '2026-01-01 12:00' + d * interval '1 day' as at from generate_series(0, 2) d",
        }
        made = on_postgres(project, own_postgres, files)
        done = made.orc("run", "--event-time-start", "2026-01-01", "--event-time-end", "2026-01-04").exits(0)
        assert done.stderr.count("[RETRY 1 of 1 in") == 1
        with psycopg.connect(own_postgres) as connection:
            assert connection.execute("select count(*), count(distinct at) from shop.m").fetchone() == (3, 3)
