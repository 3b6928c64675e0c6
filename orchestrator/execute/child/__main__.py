"""Run one Python model. Started by :mod:`orchestrator.execute.python_model` with two file descriptors: answers in, messages out."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from queue import SimpleQueue
from types import CodeType, ModuleType
from typing import Any, NoReturn, TextIO

from orchestrator.execute.child.faults import Fault, describe


class Wire:
    """Questions to the parent, one JSON line each. When the parent is gone, so is everything here."""

    def __init__(self, answers: int, messages: int) -> None:
        for fd in (answers, messages):
            os.set_inheritable(fd, False)  # not for processes the author starts
        self._messages: TextIO = os.fdopen(messages, "w", encoding="utf-8")
        self._answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._one_at_a_time = threading.Lock()
        self._number = 0
        threading.Thread(target=self._hear, args=(os.fdopen(answers, encoding="utf-8"),), name="orc-parent", daemon=True).start()

    def job(self) -> dict[str, Any]:
        """What to do: the parent's first line."""
        return self._answers.get()

    def ask(self, what: str, sql: str) -> dict[str, Any]:
        """Have the parent query the warehouse. Raises :class:`Fault` with the warehouse's words when it refuses."""
        with self._one_at_a_time:
            self._number += 1
            self.say({"say": what, "sql": sql, "number": self._number})
            answer = self._answers.get()
        if "error" in answer:
            raise Fault("X203", answer["error"], refused=self._number)
        return answer

    def say(self, message: dict[str, Any]) -> None:
        """Send one message."""
        self._messages.write(json.dumps(message) + "\n")
        self._messages.flush()

    def _hear(self, lines: TextIO) -> None:
        for line in lines:
            self._answers.put(json.loads(line))
        os.killpg(0, signal.SIGKILL)  # end of file: the parent died


def main(answers: int, messages: int) -> None:
    """Run the job the parent sends, and tell it what came of it."""
    _die_with_parent()
    wire = Wire(answers, messages)
    job = wire.job()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    _limit_memory(job["address_space"])
    sys.path += [path for path in job["path"] if path not in sys.path]  # last: `models/calendar.py` must not hide Python's own
    sys.argv = [job["filename"]]
    line = 1
    try:
        function = _load(job)
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", 1)
        message = _run(function, job, wire)
    except BaseException as error:  # noqa: BLE001 -- SystemExit and KeyboardInterrupt are the author's as well
        message = {**describe(error, job["filename"], job["root"]), "line": line}
    sys.stdout.flush()
    sys.stderr.flush()
    wire.say(message)


def _run(function: Any, job: Mapping[str, Any], wire: Wire) -> dict[str, Any]:
    from orchestrator.execute.child.context import Context

    context = Context(job["facts"], wire.ask)
    value = function(*_arguments(function, context))
    from orchestrator.execute.child.spool import spool

    return spool(value, job["folder"])


def _load(job: Mapping[str, Any]) -> Any:
    """The author's ``model`` function, from a module that has the author's file name in every traceback."""
    import linecache

    source, filename = job["source"], job["filename"]
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    code: CodeType = compile(source, filename, "exec", dont_inherit=True)
    module = ModuleType(f"orc_model_{job['name']}")  # a name of its own: a model called `calendar` is not the calendar module
    module.__file__ = os.path.join(job["root"], filename)  # noqa: PTH118 -- pathlib is 10 ms of start-up
    sys.modules[module.__name__] = module
    exec(code, module.__dict__)  # noqa: S102 -- running the author's code is what this process is for
    function = getattr(module, "model", None)
    if not callable(function):
        raise Fault("X202", "this file defines no function `model`", "write `def model(ctx): ...` that returns a frame")
    return function


def _arguments(function: Any, context: Any) -> tuple[Any, ...]:
    """``(ctx)`` or dbt's ``(dbt, session)``, by what the function takes."""
    import inspect

    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [p for p in inspect.signature(function).parameters.values() if p.kind in kinds and p.default is p.empty]
    match len(taken):
        case 1:
            return (context,)
        case 2:
            return (context, context.session)
        case count:
            message = f"`model` takes {count} arguments; it is called with one (ctx) or two (dbt, session)"
            raise Fault("X202", message, "write `def model(ctx):`")


def _limit_memory(address_space: int | None) -> None:
    """A backstop for allocations too fast for the parent to see; the parent watches what is really used."""
    if address_space is None:
        return
    try:
        import resource

        kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS  # mapped inputs are not the author's memory
        resource.setrlimit(kind, (address_space, address_space))
    except (ImportError, OSError, ValueError):
        return  # not on this system; documented


def _die_with_parent() -> None:
    """Linux kills us when the parent dies, even while native code never lets Python run."""
    if sys.platform != "linux":
        return
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def start() -> NoReturn:
    """The command line's entry: descriptors are the last two arguments."""
    import atexit

    main(int(sys.argv[-2]), int(sys.argv[-1]))
    atexit._run_exitfuncs()  # noqa: SLF001 -- libraries may close things; then leave at once: taking pandas apart costs 60 ms
    os._exit(0)


if __name__ == "__main__":
    start()
