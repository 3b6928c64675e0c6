"""Whatever is wrong with what was written: a clear error at its place, a hint, exit code 2, and nothing half-written."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from orchestrator.app.loaders import seed_loader
from orchestrator.core.names import Relation
from orchestrator.core.plan import Step

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project, Result

GOOD = "select 1 as x"


def refused(p: Project, *says: str, verb: str = "build") -> Result:
    """The build does not start, says all of ``says``, and leaves no database behind."""
    done = p.orc(verb).exits(2)
    missing = [s for s in says if s not in done.stderr]
    assert not missing, f"{missing} not in\n{done.stderr}"
    assert not (p.root / "warehouse.duckdb").exists()
    assert done.error["message"]
    assert "bug" not in done.stderr
    return done


def test_no_models(project: Make) -> None:
    says = ("no models", "`models/`", "hint: put a SELECT in a file such as models/orders.sql")
    refused(project({"pyproject.toml": "[tool.orchestrator]\nname = 'shop'\n"}), *says)


def test_no_models_in_a_dbt_project_are_a_warning(project: Make) -> None:
    done = project({"dbt_project.yml": "name: shop\n"}).orc("run").exits(0)
    assert "no models in `models/`" in done.stderr
    assert done.results == {}


def test_no_project(project: Make) -> None:
    p = project({"notes.txt": "hello"})
    done = p.orc("run").exits(2)
    assert "no project" in done.stderr
    assert "hint:" in done.stderr
    assert sorted(f.name for f in p.root.iterdir()) == ["notes.txt"]


def test_a_folder_that_does_not_exist(project: Make) -> None:
    p = project({})
    p.root.rmdir()
    assert "there is no folder" in p.orc("run").exits(2).stderr


def test_two_models_of_one_name(project: Make) -> None:
    refused(project({"models/x/a.sql": GOOD, "models/y/a.sql": GOOD}), "`a`", "models/x/a.sql", "models/y/a.sql", "hint:")


def test_names_that_differ_in_case_only(project: Make) -> None:
    refused(project({"models/x/Orders.sql": GOOD, "models/y/orders.sql": GOOD}), "models/x/Orders.sql", "models/y/orders.sql", "hint:")


def test_a_seed_and_a_model_of_one_name(project: Make) -> None:
    refused(project({"models/a.sql": GOOD, "seeds/a.csv": "x\n1\n"}), "models/a.sql", "seeds/a.csv")


def test_two_models_in_one_relation(project: Make) -> None:
    refused(project({"models/a.sql": GOOD, "models/b.sql": "{{ config(alias='a') }} select 1 as x"}), "models/a.sql", "models/b.sql")


def test_a_cycle_is_told_as_a_chain(project: Make) -> None:
    p = project({"models/a.sql": "select *\nfrom c", "models/b.sql": "select * from a", "models/c.sql": "select * from {{ ref('b') }}"})
    refused(p, "a → c → b → a", "models/a.sql:2:6", "models/b.sql:1:15", "models/c.sql:1:15")


def test_a_model_that_reads_itself(project: Make) -> None:
    refused(project({"models/a.sql": "select * from {{ ref('a') }}"}), "a", "models/a.sql:1:15")


def test_a_name_the_template_does_not_know(project: Make) -> None:
    refused(
        project({"macros/m.sql": "{% macro cents(x) %}{{ x }}{% endmacro %}", "models/a.sql": "select\n  {{ cent(1) }}"}),
        "`cent` is undefined",
        "models/a.sql:2:6",
        "did you mean `cents`?",
    )


def test_everything_that_is_wrong_is_told_at_once(project: Make) -> None:
    p = project({"models/a.sql": "select {{ nope }}", "models/b.sql": "select {{ nada }}", "models/c.sql": "select ("})
    refused(p, "`nope`", "`nada`", "models/c.sql:1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 2\nmodels:\n  - name: a\n    description: x\n    description: y\n", ["models/s.yml:5:5", "`description`", "line 4"]),
        ("version: 2\nmodels:\n\t- name: a\n", ["models/s.yml:3:1", "tab", "spaces"]),
        ("models:\n  - name: a\n   description: x\n", ["models/s.yml:3"]),
        ("models: [\n", ["models/s.yml"]),
        ("models:\n  - nam: a\n", ["models/s.yml:2", "name"]),
        ("models:\n  - name: a\n    colums: []\n", ["models/s.yml:3", "`colums`", "did you mean `columns`?"]),
        ("models: 3\n", ["models/s.yml:1"]),
    ],
)
def test_wrong_yaml(project: Make, text: str, says: list[str]) -> None:
    refused(project({"pyproject.toml": "[tool.orchestrator]\nname = 'shop'\n", "models/a.sql": GOOD, "models/s.yml": text}), *says)


def test_a_bomb_of_aliases(project: Make) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"] + [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    p = project({"models/a.sql": GOOD, "models/s.yml": "version: 2\n" + "\n".join(lines) + "\nmodels: *a8\n"})
    start = time.monotonic()
    refused(p, "models/s.yml", "alias")
    assert time.monotonic() - start < 5


def test_a_file_that_is_not_utf8(project: Make) -> None:
    refused(project({"models/a.sql": "select 1 as x,\n  'caf\xe9' as y".encode("latin-1")}), "models/a.sql:2", "UTF-8", "hint:")


def test_properties_that_are_not_utf8(project: Make) -> None:
    refused(
        project({"models/a.sql": GOOD, "models/s.yml": "version: 2\nmodels:\n  - name: a\n    description: caf\xe9\n".encode("latin-1")}),
        "models/s.yml:4",
        "UTF-8",
    )


def test_a_byte_order_mark_does_no_harm(project: Make) -> None:
    mark = b"\xef\xbb\xbf"
    p = project(
        {
            "models/a.sql": mark + b"select id from {{ ref('s') }}",
            "models/s.yml": mark + b"version: 2\nmodels:\n  - name: a\n    columns:\n      - name: id\n        tests: [unique]\n",
            "seeds/s.csv": mark + b"id,n\n1,2\n",
        }
    )
    p.orc("build").exits(0)
    assert p.query("select id from a") == [(1,)]


@pytest.mark.parametrize("text", ["", "  \n", "-- nothing here\n", "{# nothing #}\n", "{{ config(materialized='table') }}\n"])
def test_an_empty_model(project: Make, text: str) -> None:
    refused(
        project({"models/a.sql": text, "models/b.sql": GOOD}),
        "there is no SQL in this file",
        "models/a.sql:1:1",
        "hint: write one SELECT, or delete the file",
    )


def test_two_statements_in_one_model(project: Make) -> None:
    refused(project({"models/a.sql": "select 1 as x;\nselect 2 as x"}), "models/a.sql:2:1", "one")


def test_a_semicolon_at_the_end_does_no_harm(project: Make) -> None:
    p = project({"models/a.sql": "select ';' as x; -- the end\n", "models/b.sql": "{{ config(materialized='table') }} select x from a;\n"})
    p.orc("run").exits(0)
    assert p.query("select x from b") == [(";",)]


def test_a_model_that_is_no_query(project: Make) -> None:
    refused(project({"models/a.sql": "drop table x"}), "models/a.sql:1:1", "SELECT")


def test_a_syntax_error(project: Make) -> None:
    refused(project({"models/a.sql": "select\n  1 as one two\n"}), "syntax error", "models/a.sql:2:12")


def test_a_syntax_error_that_only_the_engine_sees(project: Make) -> None:
    p = project({"models/a.sql": "select\n  1 as x,,\n  2 as y"})
    done = p.orc("run").exits(1)
    assert "models/a.sql:2:10" in done.stderr
    assert not p.relations()


def test_a_python_model_with_a_syntax_error(project: Make) -> None:
    refused(project({"models/a.py": "def model(ctx):\n    return (\n"}), "models/a.py:2")


def test_a_python_file_without_a_model(project: Make) -> None:
    refused(project({"models/a.py": "x = 1\n"}), "models/a.py", "def model")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,name\n1,a\n2,b,c\n", ["seeds/s.csv:3", "3", "2"]),
        ("id,name\n1,a\n2\n", ["seeds/s.csv:3"]),
        ("id,id\n1,2\n", ["seeds/s.csv:1", "`id`"]),
        ('id,name\n1,"open\n', ["seeds/s.csv:2", "quote"]),
        ("", ["seeds/s.csv", "empty"]),
    ],
)
def test_csv_files_that_are_wrong(project: Make, text: str, says: list[str]) -> None:
    p = project({"models/a.sql": GOOD, "seeds/s.csv": text})
    done = p.orc("build")
    assert done.code in (1, 2)
    missing = [s for s in says if s not in done.stderr]
    assert not missing, f"{missing} not in\n{done.stderr}"
    assert "main.s" not in p.relations() if (p.root / "warehouse.duckdb").exists() else True


def test_csv_files_that_are_right(project: Make) -> None:
    p = project(
        {
            "models/a.sql": GOOD,
            "seeds/lines.csv": 'id,text\n1,"two\nlines, one ""cell"""\n2,\n',
            "seeds/zeros.csv": "zip,n\n00501,01\n10001,2\n",
            "seeds/header.csv": "id,name\n",
            "seeds/crlf.csv": "id,name\r\n1,a\r\n",
            "seeds/odd.csv": "Order Id,größe,select\n1,2,3\n",
        }
    )
    p.orc("seed").exits(0)
    assert p.query("select * from lines order by id") == [(1, 'two\nlines, one "cell"'), (2, None)]
    assert p.query("select zip from zeros order by zip") == [("00501",), ("10001",)]
    assert p.query("select count(*) from header") == [(0,)]
    assert p.query("select * from crlf") == [(1, "a")]
    assert p.query('select "Order Id", "größe", "select" from odd') == [(1, 2, 3)]


def test_a_name_longer_than_the_engine_allows(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x", "models/b.sql": "{{ config(alias='" + "m" * 300 + "') }} select 1 as x"})
    refused(p, "300 bytes", "duckdb allows 255 in a name", "models/b.sql:1", "hint: give it a shorter `alias`")


def test_a_macro_that_calls_itself_without_end(project: Make) -> None:
    p = project({"macros/m.sql": "{% macro again(n) %}\n{{ again(n + 1) }}\n{% endmacro %}", "models/a.sql": "select\n{{ again(1) }} as x"})
    refused(p, "macros/m.sql:2", "models/a.sql:2", "calls itself")


def test_a_loop_without_end_in_a_template_is_stopped(project: Make) -> None:
    p = project({"models/a.sql": "select {% for i in range(1000000000000) %}{{ i }}{% endfor %}"})
    start = time.monotonic()
    refused(p, "models/a.sql:1")
    assert time.monotonic() - start < 10


def test_an_unreadable_file(project: Make) -> None:
    """Root may read everything, so what cannot be read is a broken link."""
    p = project({"models/a.sql": GOOD})
    (p.root / "models/broken.sql").symlink_to(p.root / "nowhere.sql")
    refused(p, "models/broken.sql", "link that leads nowhere", "hint:")


HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(float(sys.argv[2]))"


@contextmanager
def held(p: Project, seconds: float) -> Iterator[int]:
    """The database in the hands of another process, whose id is given."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(p.root / p.database), str(seconds)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder.pid
        holder.kill()


def test_a_database_that_another_process_holds(project: Make) -> None:
    p = project({"models/a.sql": GOOD})
    p.orc("run").exits(0)
    with held(p, 60) as pid:
        done = p.orc("run").exits(2)
    assert f"is in use by process {pid}" in done.stderr
    assert "--lock-timeout" in done.stderr
    assert done.error["type"] == "FailedToConnectError"


def test_waiting_for_a_database(project: Make) -> None:
    p = project({"models/a.sql": GOOD})
    p.orc("run").exits(0)
    with held(p, 1):
        p.orc("run", "--lock-timeout", "20").exits(0)


def test_a_file_that_is_no_database(project: Make) -> None:
    p = project({"models/a.sql": GOOD, "warehouse.duckdb": "this is text"})
    done = p.orc("run").exits(2)
    assert "not a DuckDB database" in done.stderr
    assert p.read("warehouse.duckdb") == "this is text"


def test_a_full_disk(project: Make) -> None:
    p = project(
        {
            "models/a.sql": "{{ config(materialized='table') }} select i as x, md5(i::text) as y from range({{ var('n', 10) }}) t(i)",
            "models/b.sql": "select count(*) as n from a",
        }
    )
    p.orc("run").exits(0)

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))

    done = p.process("run", "--vars", "n: 3000000", before=small)
    assert done.code in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr
    assert "disk" in done.stderr or "space" in done.stderr, done.stderr
    assert p.query("select count(*) from a") == [(10,)]
    p.orc("run", "--vars", "n: 20").exits(0)
    assert p.query("select n from b") == [(20,)]


@pytest.mark.slow
class Watching:
    """A connection that looks how much of a table there is at once."""

    rows = 0
    most = 0

    def load(self, _relation: Relation, frames: pa.RecordBatchReader, *_more: object) -> int:
        for batch in frames:
            self.rows += batch.num_rows
            self.most = max(self.most, pa.total_allocated_bytes())
        return self.rows


def test_a_big_csv_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "big.csv"
    block = "".join(f"{i},some text that makes the line longer {i % 97},{i / 7:.6f}\n" for i in range(20_000))
    with file.open("w") as out:
        out.write("id,text,n\n")
        for _ in range(600):
            out.write(block)
    node = SimpleNamespace(config={}, path="big.csv")
    project = SimpleNamespace(tree=SimpleNamespace(where=lambda _path: str(file)), settings=SimpleNamespace(own=True))
    workspace: Any = SimpleNamespace(graph=SimpleNamespace(nodes={"seed": node}), project=project)
    watching: Any = Watching()
    before = pa.total_allocated_bytes()
    assert seed_loader(workspace)(Step("s", "seed", "seed", relation=Relation(None, "a", "big")), watching) == 12_000_000
    size = file.stat().st_size
    assert size > 600_000_000  # Arrow reads 32 blocks of 8 MB ahead: a file must be bigger to tell
    assert watching.most - before < size / 2, f"{watching.most / 1e6:.0f} MB of Arrow at once for a file of {size / 1e6:.0f} MB"
