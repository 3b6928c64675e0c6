"""Run a Python model in a child process that can be limited, timed out and killed.

The author's code never runs in our process. Inputs go out and results come back as Arrow streams in a private folder, so
both sides hold a batch at a time; requests and answers are JSON lines over two pipes nobody else has.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.files import Span
from orchestrator.core.ports import Connection
from orchestrator.execute.limits import Limits
from orchestrator.execute.lines import Lines

if TYPE_CHECKING:
    import pyarrow as pa

SECRET_MARKS = ("ORC_SECRET_", "DBT_ENV_SECRET_")
"""Environment variables with one of these in their name are not given to models."""

HEADROOM = 2 << 30
"""Address space that libraries reserve and never touch (Arrow and DuckDB: 1.3 GB); allowed on top of a memory limit."""

TICK = 0.1
"""Seconds between looks at the clock, the memory and the cancel flag."""

GRACE = 1.0
"""Seconds a model that returned may take to close its own things down, while we load what it returned."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a ``ref`` or ``source`` reads: a query, and the table's quoted name when it is one (it reads better in SQL text)."""

    sql: str
    table: str | None = None

    @classmethod
    def of(cls, table: str) -> Input:
        """All of a table.

        >>> Input.of('"s"."orders"').sql
        'select * from "s"."orders"'
        """
        return cls(f"select * from {table}", table)


@dataclass(frozen=True, slots=True)
class Facts:
    """What ``ctx`` tells the model. ``inputs`` is keyed by marker payload (``ref::orders:``, ``source:shop:orders``)."""

    inputs: Mapping[str, Input] = field(default_factory=dict)
    this: Input | None = None
    is_incremental: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    vars: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frames:
    """What a model returned, ready to load. ``reader`` can be read once, before the ``with`` block ends."""

    reader: pa.RecordBatchReader
    rows: int


@contextmanager
def run_python(
    source: str,
    filename: str,
    *,
    name: str,
    facts: Facts,
    connection: Connection,
    root: str,
    env: Mapping[str, str],
    on_log: Callable[[str, str], None],
    cancelled: threading.Event,
    timeout_seconds: float | None = None,
    memory_bytes: int | None = None,
    scratch: str | None = None,
) -> Iterator[Frames]:
    """Call the ``model`` function of ``source`` in a child process; the frames it returned, as long as the block lasts.

    ``filename`` is the path below ``root`` (the project's folder, where the child runs). ``on_log(line, level)`` hears what
    the author prints (``info``) and the traceback of a failure (``debug``). ``scratch`` is where the private folder goes.
    Leaving the block stops everything the model started and removes the folder.

    Raises:
        ExecuteError: X201 the author's code raised, X202 it is not a model, X203 it asked for something unknown, X204 what it
            returned is not a table, X205 timeout, X206 memory, X207 the process died, X208 cancelled (``cancelled`` is set),
            X209 no process or no disk space. What the warehouse refused keeps its own code. The place is the author's line.
    """
    place = Span(filename)
    try:
        folder = tempfile.mkdtemp(prefix="orc-python-", dir=scratch)  # readable by us alone (0700)
    except OSError as error:
        raise ExecuteError(Problem("X209", f"no room for the model's data: {error}", place)) from error
    try:
        job = {
            "source": source,
            "filename": filename,
            "name": name,
            "root": root,
            "folder": folder,
            "path": [root, str((Path(root) / filename).parent)],
            "address_space": None if memory_bytes is None else memory_bytes + HEADROOM,
            "facts": {**_fields(facts), "inputs": {key: _fields(value) for key, value in facts.inputs.items()}},
        }
        limits = Limits(place, cancelled, timeout_seconds, memory_bytes)
        child = _Child(job, env, limits, on_log)
        try:
            done = child.talk(connection)
            yield Frames(_read_segments(done["segments"]), done["rows"])
            child.leave_in_peace()
        finally:
            child.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Child:
    """The process, its pipes, and what was said over them."""

    def __init__(self, job: Mapping[str, Any], env: Mapping[str, str], limits: Limits, on_log: Callable[[str, str], None]) -> None:
        self._job = job
        self._limits = limits
        self._on_log = on_log
        self._refused: dict[int, ExecuteError] = {}
        self._done: dict[str, Any] | None = None
        answers, self._answers = os.pipe()
        self._messages, messages = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and package
                [sys.executable, "-P", "-c", _BOOT, _PACKAGES, str(answers), str(messages)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(answers, messages),
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle; and one kill reaches all the author started
                cwd=job["root"] if Path(job["root"]).is_dir() else job["folder"],
                env=_child_environment(env),
            )
        except (OSError, ValueError) as error:  # ValueError: no pass_fds on Windows
            for fd in (self._answers, self._messages):
                os.close(fd)
            raise ExecuteError(Problem("X209", f"cannot start a process for the model: {error}", limits.place)) from error
        finally:
            os.close(answers)
            os.close(messages)

    def talk(self, connection: Connection) -> dict[str, Any]:
        """Serve the child until it has a result. Raises ``ExecuteError`` when it does not come to that."""
        self._tell(self._job)
        assert self._process.stdout is not None  # noqa: S101 -- for the type checker: we asked for pipes
        assert self._process.stderr is not None  # noqa: S101
        logged = {self._process.stdout.fileno(): Lines(), self._process.stderr.fileno(): Lines()}
        spoken, gone = b"", False
        with selectors.DefaultSelector() as pipes:
            for fd in (self._messages, *logged):
                os.set_blocking(fd, False)
                pipes.register(fd, selectors.EVENT_READ)
            try:
                while self._done is None:
                    ready = [key.fd for key, _ in pipes.select(TICK)]
                    for fd in sorted(ready, key=lambda fd: fd == self._messages):  # what was printed before a message comes first
                        chunk = _drain(fd)
                        if chunk is None:
                            pipes.unregister(fd)
                        elif fd in logged:
                            self._log(logged[fd].feed(chunk))
                        else:
                            *lines, spoken = (spoken + chunk).split(b"\n")
                            for line in lines:
                                self._hear(json.loads(line), connection)
                    self._limits.check(self._process.pid)
                    if not ready and gone:
                        self._explain_death()
                    gone = not ready and self._exited()  # what it said last may have come after we looked: look once more
            finally:
                for fd, rest in logged.items():
                    self._log(rest.feed(_drain(fd) or b""))
                    self._log(rest.end())
        return self._done

    def leave_in_peace(self) -> None:
        """Let a child that has said its last word end by itself, within reason."""
        end = time.monotonic() + GRACE
        while not self._exited() and time.monotonic() < end:
            time.sleep(0.005)

    def kill(self) -> None:
        """End the child and all it started, and close the pipes. Harmless when it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        for fd in (self._answers, self._messages):
            os.close(fd)

    def _tell(self, message: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # it died; the loop finds out how
            text = memoryview(json.dumps(message, default=_plain).encode() + b"\n")
            while text:
                text = text[os.write(self._answers, text) :]

    def _log(self, lines: list[str]) -> None:
        for line in lines:
            self._on_log(line, "info")

    def _hear(self, message: dict[str, Any], connection: Connection) -> None:
        match message["say"]:
            case "read" | "columns":
                self._tell(self._answer(message, connection))
            case "done":
                self._done = message
            case _:
                self._raise(message)

    def _answer(self, question: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
        """What the warehouse says to a question, or why it refused: the author's code may catch that and go on."""
        remaining = self._limits.remaining
        watch = None if remaining is None else threading.Timer(remaining, connection.cancel)
        if watch is not None:
            watch.start()
        try:
            if question["say"] == "columns":
                return {"columns": [name for name, _ in connection.describe(question["sql"])]}
            return {"path": self._spool(question, connection)}
        except ExecuteError as error:
            self._limits.check(self._process.pid)  # a query that we cancelled is not the author's error
            if error.cancelled:
                raise
            self._refused[question["number"]] = error
            return {"error": error.first.message}
        finally:
            if watch is not None:
                watch.cancel()

    def _spool(self, question: Mapping[str, Any], connection: Connection) -> str:
        """Write a query's rows where the child can map them into its memory."""
        import pyarrow as pa

        path = f"{self._job['folder']}/input-{question['number']}.arrows"
        try:
            reader = connection.read(question["sql"])
            with pa.ipc.new_stream(path, reader.schema) as writer:
                for batch in reader:
                    self._limits.check(self._process.pid)
                    writer.write_batch(batch)
        except pa.ArrowException as error:
            raise ExecuteError(Problem("X209", f"reading the model's input failed: {error}", self._limits.place)) from error
        except OSError as error:
            raise ExecuteError(Problem("X209", f"no room for the model's input: {error}", self._limits.place)) from error
        return path

    def _raise(self, failed: Mapping[str, Any]) -> NoReturn:
        """The child's account of a failure, as the error it means."""
        for line in failed["traceback"].splitlines():
            self._on_log(line, "debug")
        spans = [(f"in {f['function']}", Span(f["path"], f["line"], f["column"], f["length"])) for f in failed["frames"]]
        place = spans[-1][1] if spans else replace(self._limits.place, line=failed["line"])
        refused = self._refused.get(failed["refused"] or 0)
        if refused is not None:
            raise ExecuteError(replace(refused.first, span=place, trail=tuple(spans[:-1])), transient=refused.transient)
        problem = Problem(failed["code"], failed["message"], place, failed["hint"], tuple(spans[:-1]))
        if problem.code == "X206":
            problem = replace(
                problem, hint=problem.hint or "raise the model's `memory_limit`, or work in pieces: `handle.batches()`, `yield`"
            )
        raise ExecuteError(problem, later=failed.get("later"))

    def _explain_death(self) -> NoReturn:
        """The child ended without a word: say what the system says about it."""
        kill = signal.SIGKILL
        code = self._status
        place = self._limits.place
        if code >= 0:
            message, hint = (
                f"the model's process ended by itself with exit code {code}",
                "`os._exit` ends it without a result; raise instead",
            )
        elif -code == kill:
            message = "the model's process was killed (SIGKILL)"
            hint = "nobody but the system does that: most often the machine is out of memory"
        else:
            message, hint = (
                f"the model's process crashed ({_signal_name(-code)})",
                "a library's native code crashed, or ran out of its memory limit",
            )
        raise ExecuteError(Problem("X207", message, place, hint))

    def _exited(self) -> bool:
        """Whether the process ended. It is not reaped yet, so that its id still means its group."""
        ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return False
        self._status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        return True

    _status = 0


_PACKAGES = str(Path(__file__).resolve().parents[2])
_BOOT = "import sys; sys.path.append(sys.argv[1]); from orchestrator.execute.child.__main__ import start; start()"


def _child_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without secrets, and with import paths that do not depend on where we were started."""
    kept = {key: value for key, value in env.items() if not any(mark in key.upper() for mark in SECRET_MARKS)}
    if kept.get("PYTHONPATH"):
        kept["PYTHONPATH"] = os.pathsep.join(str(Path(part).absolute()) for part in kept["PYTHONPATH"].split(os.pathsep))
    return kept


def _fields(value: Input | Facts) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _plain(value: object) -> object:
    """What JSON has no word for: configs and vars hold mappings, tuples and dates of any kind."""
    match value:
        case Input():
            return _fields(value)
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return sorted(value, key=str)
        case _:
            return str(value)


def _drain(fd: int) -> bytes | None:
    """What is in a pipe now; ``None`` at its end."""
    try:
        return os.read(fd, 1 << 16) or None
    except BlockingIOError:
        return b""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _read_segments(paths: list[str]) -> pa.RecordBatchReader:
    """All segments as one stream in the last one's schema: it holds every earlier one. Columns that are all NULL are text."""
    import pyarrow as pa

    with pa.ipc.open_stream(pa.memory_map(paths[-1])) as last:
        fields = [pa.field(f.name, pa.string()) if pa.types.is_null(f.type) else f for f in last.schema]
    schema = pa.schema(fields)

    def batches() -> Iterator[pa.RecordBatch]:
        for path in paths:
            with pa.OSFile(path) as content, pa.ipc.open_stream(content) as segment:  # mapped, all of it would count as our memory
                for batch in segment:
                    yield batch if batch.schema.equals(schema) else batch.cast(schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
