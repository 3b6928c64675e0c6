"""Launches as child processes. A child dies with the daemon: its standard input ends then, and Linux kills it besides."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.core.schedule import Launch

PATIENCE = 30.0
"""Seconds between asking a child to end and ending it: statements have to be cancelled in the warehouse."""


class Children:
    """A :class:`~orchestrator.core.ports.Launcher`. ``logs`` is the folder for what they print; ``env`` is their environment.

    Start children from the thread that lives as long as the daemon: Linux counts the end of the starting thread as the parent's.
    """

    def __init__(self, root: Path, logs: Path, env: Mapping[str, str], now: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._logs = logs
        self._env = dict(env)
        self._now = now
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._asked: dict[str, float] = {}

    def start(self, launch: Launch, order: Mapping[str, Any], run: str) -> int:
        """Begin a launch; its output goes to ``<run>.log``. The order goes through its input: it may be long, and private."""
        self._logs.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "orchestrator", "launched", launch.id]
        with (self._logs / f"{run}.log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and package
                command,
                cwd=self._root,
                env={**self._env, **order.get("env", {})},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the daemon's terminal is the daemon's business
            )
        self._running[launch.id] = child
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died already: its exit code will tell
                child.stdin.write(json.dumps(order).encode() + b"\n")
                child.stdin.flush()
        return child.pid

    def ended(self) -> Iterator[tuple[str, int]]:
        """What is over since the last question."""
        for id_, child in tuple(self._running.items()):
            code = child.poll()
            if code is None:
                if self._asked.get(id_, float("inf")) + PATIENCE < self._now():
                    self.stop(id_, kill=True)
                continue
            if child.stdin is not None:
                with contextlib.suppress(OSError):
                    child.stdin.close()
            del self._running[id_]
            self._asked.pop(id_, None)
            yield id_, code

    def stop(self, id_: str, *, kill: bool = False) -> None:
        """Ask a child to end (once), or end it with everything it started."""
        child = self._running.get(id_)
        if child is None or (id_ in self._asked and not kill):
            return
        self._asked.setdefault(id_, self._now())
        with contextlib.suppress(ProcessLookupError):
            if kill:
                os.killpg(child.pid, signal.SIGKILL)
            else:
                child.send_signal(signal.SIGTERM)


def ask_to_end(pid: int) -> bool:
    """Let a process of this machine know that somebody wants its end, as Ctrl-C would; false when there is none that we may tell."""
    try:
        os.kill(pid, signal.SIGTERM)
    except (OSError, OverflowError):
        return False
    return True


def received() -> dict[str, Any]:
    """Called in the child: what to do. From now on the end of the daemon is the end of this process and of all it started."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    order = b""
    while not order.endswith(b"\n"):
        more = os.read(0, 65_536)
        if not more:
            os._exit(1)  # the daemon died before it had said anything
        order += more
    threading.Thread(target=_until_end_of_input, name="orc-daemon", daemon=True).start()
    found: dict[str, Any] = json.loads(order)
    return found


def _until_end_of_input() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)
