"""Short questions as child processes: what the daemon itself does not want to know, because it would have to open the warehouse."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrator.core.ports import Reply

AT_ONCE = 4
"""Questions at one time: each is a process that reads the project."""

LIMIT = 300.0
"""Seconds after which nobody waits for an answer any more."""


@dataclass(frozen=True, slots=True)
class _Asked:
    child: subprocess.Popen[bytes]
    said: IO[bytes]
    wrong: IO[bytes]
    since: float


class Children:
    """:class:`~orchestrator.core.ports.Questions` as processes. What they say goes to files: a pipe that nobody reads would stop them."""

    def __init__(self, root: Path, env: Mapping[str, str], now: Callable[[], float] = time.monotonic, limit: float = LIMIT) -> None:
        self._root = root
        self._env = dict(env)
        self._now = now
        self._limit = limit
        self._asked: dict[str, _Asked] = {}

    def ask(self, key: str, words: Sequence[str]) -> bool:
        """Ask; false when there are enough questions for now, or this one is not answered yet."""
        if key in self._asked or len(self._asked) >= AT_ONCE:
            return False
        said, wrong = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115 - closed when the answer is read
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and package
            [sys.executable, "-m", "orchestrator", *words],
            cwd=self._root,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=wrong,
            start_new_session=True,  # Ctrl-C in the daemon's terminal is the daemon's business
        )
        self._asked[key] = _Asked(child, said, wrong, self._now())
        return True

    def answers(self) -> Iterator[Reply]:
        """What was answered since the last call; a question that took too long is answered by its end."""
        for key, each in tuple(self._asked.items()):
            code = each.child.poll()
            if code is None and self._now() - each.since > self._limit:
                each.child.kill()
                code = each.child.wait()
            if code is not None:
                del self._asked[key]
                yield Reply(key, code, _read(each.said), _read(each.wrong))

    def close(self) -> None:
        """Nobody listens any more."""
        for each in self._asked.values():
            each.child.kill()
            each.child.wait()
            each.said.close()
            each.wrong.close()
        self._asked.clear()


def _read(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode(errors="replace")
