"""Python models, run for real in child processes against a fake warehouse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, cast

import pyarrow as pa
import pytest

from orchestrator.core import marker
from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.ports import Connection
from orchestrator.execute.python_model import Facts, Input, run_python

ORDERS = pa.table({"id": [1, 2, None], "amount": [1.5, None, 3.0]})


@dataclass
class FakeConnection:
    """Answers queries from a table of tables."""

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cancels: threading.Event = field(default_factory=threading.Event)
    slow: bool = False

    def read(self, sql: str) -> pa.RecordBatchReader:
        self.asked.append(sql)
        if self.slow:
            self.cancels.wait(20)
            raise ExecuteError(Problem("X100", "interrupted"), cancelled=True)
        if sql not in self.tables:
            raise ExecuteError(Problem("X100", "no such table", hint="look"), transient=True)
        return self.tables[sql].to_reader()

    def describe(self, sql: str) -> tuple[tuple[str, str], ...]:
        return tuple((f.name, str(f.type)) for f in self.tables[sql].schema)

    def cancel(self) -> None:
        self.cancels.set()


@dataclass
class Lab:
    """A project folder, and what running a model in it said."""

    root: Path
    connection: FakeConnection = field(default_factory=lambda: FakeConnection({"select * from orders": ORDERS}))
    log: list[str] = field(default_factory=list)
    debug: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self, source: str, **changes: Any) -> pa.Table:
        facts = changes.pop("facts", Facts(inputs={marker.ref("orders"): Input.of("orders")}))
        scratch = self.root / "scratch"
        scratch.mkdir(exist_ok=True)
        try:
            with run_python(
                dedent(source),
                "models/m.py",
                name="m",
                facts=facts,
                connection=cast("Connection", self.connection),
                root=str(self.root),
                env=self.env,
                on_log=self.hear,
                cancelled=self.cancelled,
                scratch=str(scratch),
                **changes,
            ) as frames:
                table = frames.reader.read_all()
                assert table.num_rows == frames.rows
                return table.replace_schema_metadata(None).take(list(range(table.num_rows)))
        finally:
            assert list(scratch.iterdir()) == []

    def fail(self, source: str, **changes: Any) -> Problem:
        with pytest.raises(ExecuteError) as caught:
            self.run(source, **changes)
        return caught.value.first

    def hear(self, line: str, level: str) -> None:
        (self.log if level == "info" else self.debug).append(line)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    (tmp_path / "models").mkdir()
    return Lab(tmp_path)


def test_a_model_reads_a_table_and_returns_a_frame(lab: Lab) -> None:
    table = lab.run("""
        def model(ctx):
            frame = ctx.ref("orders").df()
            frame["double"] = frame["amount"] * 2
            return frame
    """)
    assert table.to_pydict() == {"id": [1, 2, None], "amount": [1.5, None, 3.0], "double": [3.0, None, 6.0]}
    assert table.schema.field("id").type == pa.int64()


def test_dbts_spelling_works_unchanged(lab: Lab) -> None:
    lab.connection.tables = {**lab.connection.tables, "select max(id) as m from old": pa.table({"m": [7]})}
    facts = Facts(
        {marker.ref("orders"): Input.of("orders")}, this=Input.of("old"), is_incremental=True, config={"batch": 5, "meta": {"owner": "me"}}
    )
    table = lab.run(
        """
        def model(dbt, session):
            dbt.config(materialized="incremental", packages=["pandas"])
            frame = dbt.ref("orders").to_pandas()
            if dbt.is_incremental and dbt.is_incremental():
                frame["last"] = session.sql(f"select max(id) as m from {dbt.this}").df()["m"][0]
            frame["batch"] = dbt.config.get("batch")
            frame["owner"] = dbt.config.get("owner")
            frame["other"] = dbt.config.get("other", "none")
            return frame
        """,
        facts=facts,
    )
    assert table.slice(0, 1).to_pylist() == [{"id": 1, "amount": 1.5, "last": 7, "batch": 5, "owner": "me", "other": "none"}]


def test_everything_ctx_tells(lab: Lab) -> None:
    inputs = {
        marker.ref("orders"): Input.of("orders"),
        marker.ref("orders", "shop", "2"): Input("select 2"),
        marker.source("raw", "t"): Input.of('"raw"."t"'),
    }
    facts = Facts(inputs, vars={"a": 1, "none": None, "tuple": (1, 2)}, target={"name": "dev", "schema": "s"})
    table = lab.run(
        """
        def model(ctx):
            told = [
                ctx.ref("orders").columns, ctx.ref("orders").sql, str(ctx.ref("shop", "orders", v=2)), str(ctx.source("raw", "t")),
                ctx.var("a"), ctx.var("b", "default"), ctx.var("none"), ctx.var("tuple"), ctx.target.name, ctx.target["schema"], ctx.target.get("x", 0),
                bool(ctx.is_incremental), ctx.this, __name__ != "__main__", __file__.endswith("/models/m.py"),
            ]
            return [{"told": repr(one)} for one in told]
        """,
        facts=facts,
    )
    assert table["told"].to_pylist() == [
        "['id', 'amount']", "'select * from orders'", "'(select 2)'", "'\"raw\".\"t\"'",
        "1", "'default'", "None", "[1, 2]", "'dev'", "'s'", "0",
        "False", "None", "True", "True",
    ]  # fmt: skip
    assert lab.connection.asked == []


def test_a_table_is_read_once(lab: Lab) -> None:
    lab.run("""
        def model(ctx):
            ctx.ref("orders").df()
            assert sum(batch.num_rows for batch in ctx.ref("orders").batches()) == 3
            assert ctx.ref("orders").columns == ["id", "amount"]
            return ctx.ref("orders")
    """)
    assert lab.connection.asked == ["select * from orders"]


def test_prints_and_logs_arrive_line_by_line_in_order(lab: Lab) -> None:
    lab.run("""
        import sys, os, logging
        def model(ctx):
            print("one")
            ctx.log("two", info=True)
            print("thr", end="")
            print("ee")
            print("ünï\\n")
            os.write(1, b"native\\n")
            sys.stdout.write("10%\\r50%\\r100%")
            return [{"x": 1}]
    """)
    assert lab.log == ["one", "two", "three", "ünï", "", "native", "100%"]


def test_stderr_and_warnings_are_logged_too(lab: Lab) -> None:
    lab.run("""
        import warnings
        def model(ctx):
            warnings.warn("careful")
            return [{"x": 1}]
    """)
    assert "models/m.py:4: UserWarning: careful" in lab.log[0]


def test_frames_of_libraries_never_are_the_place(lab: Lab) -> None:
    problem = lab.fail("""
        import pyarrow as pa
        def model(ctx):
            return pa.array(["x"]).cast(pa.int64())
    """)
    assert str(problem.span) == "models/m.py:4:12"
    assert problem.trail == ()


def test_own_modules_of_project_and_model_folder_can_be_imported(lab: Lab) -> None:
    (lab.root / "shared").mkdir()
    (lab.root / "shared" / "numbers.py").write_text("BASE = 40\n")
    (lab.root / "models" / "helper.py").write_text("def two():\n    return 2\n")
    (lab.root / "models" / "calendar.py").write_text("raise RuntimeError('not the calendar you wanted')\n")
    (lab.root / "data.txt").write_text("here")
    table = lab.run("""
        import calendar
        from shared.numbers import BASE
        from helper import two
        def model(ctx):
            calendar.monthrange(2024, 2)
            return [{"x": BASE + two(), "cwd": open("data.txt").read()}]
    """)
    assert table.to_pylist() == [{"x": 42, "cwd": "here"}]


def test_secrets_are_not_in_the_environment(lab: Lab) -> None:
    lab.env |= {"DBT_ENV_SECRET_TOKEN": "s1", "MY_ORC_SECRET_KEY": "s2", "PLAIN": "p"}
    table = lab.run("""
        import os
        def model(ctx):
            return [{"plain": os.environ["PLAIN"], "secrets": [k for k in os.environ if "SECRET" in k]}]
    """)
    assert table.to_pylist() == [{"plain": "p", "secrets": []}]


def test_the_child_imports_nothing_heavy_by_itself(lab: Lab) -> None:
    lab.run("""
        import sys
        print(sorted({"pandas", "pyarrow", "duckdb", "sqlglot", "pydantic", "rich", "click", "yaml", "jinja2", "asyncio"} & set(sys.modules)))
        def model(ctx):
            return [{"x": 1}]
    """)
    assert lab.log == ["[]"]


def test_author_code_may_catch_what_the_warehouse_refused(lab: Lab) -> None:
    table = lab.run("""
        def model(ctx):
            try:
                ctx.sql("select * from nowhere").df()
            except Exception as error:
                return [{"error": str(error)}]
    """)
    assert table.to_pylist() == [{"error": "no such table"}]


# Errors


def test_an_exception_points_at_the_authors_line(lab: Lab) -> None:
    problem = lab.fail("""
        def outer(frame):
            return inner(frame)

        def inner(frame):
            return frame["mising"]

        def model(ctx):
            return outer(ctx.ref("orders").df())
    """)
    assert (problem.code, problem.message) == ("X201", "KeyError: 'mising'")
    assert str(problem.span) == "models/m.py:6:12"
    assert problem.span is not None
    assert problem.span.length == len('frame["mising"]')
    assert [(what, str(span)) for what, span in problem.trail] == [("in model", "models/m.py:9:12"), ("in outer", "models/m.py:3:12")]
    text = "\n".join(lab.debug)
    assert 'File "models/m.py", line 6, in inner' in text
    assert 'return frame["mising"]' in text
    assert "site-packages" not in text
    assert "orchestrator" not in text


def test_an_exception_in_a_module_of_the_project_points_there(lab: Lab) -> None:
    (lab.root / "models" / "helper.py").write_text("def boom():\n    é = 'ü'; raise ValueError('bad value')\n")
    problem = lab.fail("""
        import helper
        def model(ctx):
            helper.boom()
    """)
    assert (problem.message, str(problem.span)) == ("ValueError: bad value", "models/helper.py:2:14")


CASES: list[tuple[str, str, str, str, str | None]] = [
    ("does not compile", "x = 1\ndef model(ctx:\n    pass\n", "X201", "SyntaxError: '(' was never closed", "2:10"),
    ("fails while imported", "import nothing_of_that_name\n", "X201", "ModuleNotFoundError: No module named 'nothing_of_that_name'", "1:1"),
    ("no model", "x = 1\n", "X202", "this file defines no function `model`", None),
    ("three arguments", "def model(a, b, c): ...\n", "X202", "`model` takes 3 arguments; it is called with one (ctx) or two (dbt, session)", None),
    ("unknown ref", "def model(ctx):\n    return ctx.ref('order')\n", "X203", "`ref('order')` was not among the dependencies found in this file", "2:12"),
    ("unknown var", "def model(ctx):\n    return ctx.var('v')\n", "X203", "var `v` is not set", "2:12"),
    ("unknown target key", "def model(ctx):\n    return ctx.target.tt\n", "X201", "AttributeError: the target has no `tt`", "2:12"),
    ("exits", "import sys\ndef model(ctx):\n    sys.exit(3)\n", "X201", "SystemExit: 3", "3:5"),
    ("dies", "import os\ndef model(ctx):\n    os._exit(3)\n", "X207", "the model's process ended by itself with exit code 3", None),
    ("crashes", "import os\ndef model(ctx):\n    os.abort()\n", "X207", "the model's process crashed (SIGABRT)", None),
    ("is killed", "import os\ndef model(ctx):\n    os.kill(os.getpid(), 9)\n", "X207", "the model's process was killed (SIGKILL)", None),
    ("nothing", "def model(ctx):\n    pass\n", "X204", "the model returned nothing (None)", None),
    ("a dict", "def model(ctx):\n    return {'a': 1}\n", "X204", "the model returned a dict, not a frame", None),
    ("an int", "def model(ctx):\n    return 1\n", "X204", "the model returned an int, not a frame", None),
    ("an empty list", "def model(ctx):\n    return []\n", "X204", "the model returned an empty list, not a frame", None),
    ("a mixed list", "def model(ctx):\n    return [{'a': 1}, 2]\n", "X204", "the model returned a list of mixed things, not a frame", None),
    ("a generator of numbers", "def model(ctx):\n    yield 1\n", "X204", "frame 1 is an int, not a frame", None),
    ("an empty generator", "def model(ctx):\n    yield from []\n", "X204", "the model gave no frame at all, so its columns are unknown", None),
    ("a generator raises", "def model(ctx):\n    yield [{'a': 1}]\n    raise ValueError('late')\n", "X201", "ValueError: late", "3:5"),
    ("mixed types", "def model(ctx):\n    return [{'a': 1}, {'a': 'x'}]\n", "X204", "column `a` mixes types", None),
    ("a missing column", "def model(ctx):\n    yield [{'a': 1, 'b': 2}]\n    yield [{'a': 1}]\n", "X204", "frame 2 lacks column `b`", None),
    ("a new column", "def model(ctx):\n    yield [{'a': 1}]\n    yield [{'a': 1, 'b': 2}]\n", "X204", "frame 2 adds column `b`", None),
    ("another type", "def model(ctx):\n    yield [{'a': 1}]\n    yield [{'a': 'x'}]\n", "X204", "frame 2: column `a` is string, but was int64 in the frames before", None),
    ("a message that raises", "class E(Exception):\n    def __str__(self): raise E\ndef model(ctx):\n    raise E\n", "X201", "E: (its message cannot be shown)", "4:5"),
]  # fmt: skip


def definition(source: str) -> int:
    """The line of `def model`, the place of what has no line of its own; a process that died tells nothing."""
    lines = source.splitlines()
    return 1 if "os." in source else next((i for i, line in enumerate(lines, 1) if line.startswith("def model")), 1)


@pytest.mark.parametrize(("source", "code", "message", "place"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_errors_say_what_and_where(lab: Lab, source: str, code: str, message: str, place: str | None) -> None:
    problem = lab.fail(source)
    assert problem.code == code
    assert problem.message.startswith(message)
    assert str(problem.span) == f"models/m.py:{place or f'{definition(source)}:1'}"


def test_an_unknown_ref_gets_a_suggestion(lab: Lab) -> None:
    assert lab.fail("def model(ctx):\n    return ctx.ref('order')\n").hint == "did you mean `ref('orders')`?"


def test_what_the_warehouse_refused_keeps_its_code_and_gets_the_authors_line(lab: Lab) -> None:
    with pytest.raises(ExecuteError) as caught:
        lab.run("def model(ctx):\n    return ctx.sql('select 1 from nowhere').df()\n")
    problem = caught.value.first
    assert (problem.code, problem.message, problem.hint, str(problem.span)) == ("X100", "no such table", "look", "models/m.py:2:12")
    assert caught.value.transient


def test_chained_exceptions_keep_their_story_without_library_frames(lab: Lab) -> None:
    lab.fail("""
        import json
        def model(ctx):
            try:
                json.loads("{")
            except ValueError as error:
                raise RuntimeError("no config") from error
    """)
    text = "\n".join(lab.debug)
    assert "direct cause" in text
    assert "JSONDecodeError" in text
    assert "json/decoder.py" not in text


# Limits


def test_a_timeout_stops_the_model(lab: Lab) -> None:
    started = time.monotonic()
    problem = lab.fail("import time\ndef model(ctx):\n    time.sleep(60)\n", timeout_seconds=0.5)
    assert (problem.code, problem.message) == ("X205", "stopped: it ran longer than its timeout of 0.5 s")
    assert time.monotonic() - started < 5


def test_a_timeout_stops_the_query_the_model_waits_for(lab: Lab) -> None:
    lab.connection.slow = True
    problem = lab.fail("def model(ctx):\n    return ctx.ref('orders').df()\n", timeout_seconds=0.5)
    assert problem.code == "X205"
    assert lab.connection.cancels.is_set()


def test_cancelling_kills_everything_the_model_started(lab: Lab) -> None:
    threading.Timer(0.6, lab.cancelled.set).start()
    with pytest.raises(ExecuteError) as caught:
        lab.run("""
            import subprocess, time
            def model(ctx):
                print(subprocess.Popen(["sleep", "300"]).pid)
                time.sleep(300)
        """)
    assert caught.value.cancelled
    assert caught.value.first.code == "X208"
    assert gone(int(lab.log[0]))


def test_what_a_finished_model_left_running_is_ended(lab: Lab) -> None:
    lab.run("""
        import subprocess
        def model(ctx):
            print(subprocess.Popen(["sleep", "300"]).pid)
            return [{"x": 1}]
    """)
    assert gone(int(lab.log[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits need /proc")
@pytest.mark.parametrize(
    "source",
    [
        "def model(ctx):\n    kept = []\n    while True:\n        kept.append('x' * 1_000_000)\n",
        "def model(ctx):\n    return bytearray(8 << 30)\n",
    ],
    ids=["grows", "at once"],
)
def test_a_memory_limit_stops_the_model(lab: Lab, source: str) -> None:
    problem = lab.fail(source, memory_bytes=200 << 20)
    assert problem.code == "X206"
    assert "memory" in (problem.hint or "")


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits need /proc")
def test_libraries_fit_in_a_small_memory_limit(lab: Lab) -> None:
    source = "import duckdb\ndef model(ctx):\n    return duckdb.sql('select count(*) as n from range(1000)').df()\n"
    assert lab.run(source, memory_bytes=256 << 20).to_pydict() == {"n": [1000]}


def test_the_model_dies_with_its_parent(lab: Lab, tmp_path: Path) -> None:
    source = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(300)\n"
    script = f"""
import os, threading
from orchestrator.execute.python_model import Facts, run_python
with run_python({source!r}, "models/m.py", name="m", facts=Facts(), connection=None, root={str(tmp_path)!r}, env=os.environ,
                on_log=print, cancelled=threading.Event(), scratch={str(tmp_path)!r}):
    pass
"""
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    written = tmp_path / "pid"
    assert eventually(lambda: written.exists() and written.read_text() != "")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert gone(int(written.read_text()))


def gone(pid: int) -> bool:
    """Whether a process ends soon (a zombie nobody reaps has ended)."""

    def ended() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
        except OSError:
            return (not Path("/proc/self/stat").exists() and _no_such_process(pid)) or not Path(f"/proc/{pid}").exists()

    return eventually(ended)


def _no_such_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def eventually(check: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return False
