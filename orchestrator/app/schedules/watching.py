"""What the project says about schedules, noticed when it changes while a daemon runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.app.schedules.scheduling import scheduling
from orchestrator.core.errors import OrcError
from orchestrator.core.schedule import Schedule
from orchestrator.load.schedules import FILE
from orchestrator.schedule.models import of_models
from orchestrator.schedule.spec import Spec

LOOK = 5.0
"""Seconds between two looks at the project's files."""

SUFFIXES = (".sql", ".py", ".yml", ".yaml", ".toml")
SKIPPED = frozenset({"target", "node_modules", "__pycache__", "site-packages"})


@dataclass
class Reading:
    """Schedules as of now. A file that cannot be read leaves what was known; a project that does not parse does so, too.

    Models' own times are found by a process of its own: the daemon stays small, and a large project does not keep it from ticking.
    """

    root: Path
    say: Callable[[str], None]
    monotonic: Callable[[], float]
    shared: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    _written: Spec | None = None
    _mark: tuple[int, int, int] | None = field(default=None, repr=False)
    _models: Mapping[str, Schedule] = field(default_factory=dict)
    _asking: subprocess.Popen[bytes] | None = None
    _looked: float = float("-inf")
    _files: int | None = None
    _heard: bool = False
    _promised: bool = False

    def __call__(self) -> Spec:
        """What holds now. Raises ``ConfigError`` only when ``schedules.yml`` was never readable."""
        self._hear()
        self._look()
        found = self._file()
        return replace(found, schedules={**self._models, **found.schedules}, whole=self._heard, promised=self._promised)

    @property
    def mark(self) -> int | None:
        """Another value when files of the project have changed."""
        return self._files

    @property
    def files(self) -> int | None:
        """A number that changes with the project's files; none before somebody looked."""
        return self._files

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.kill()
            self._asking.communicate()
            self._asking = None

    def _file(self) -> Spec:
        try:
            facts = (self.root / FILE).stat()
            mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        except OSError:
            mark = None
        if self._written is not None and mark == self._mark:
            return self._written
        try:
            found = scheduling(self.root)
        except OrcError as error:
            if self._written is None:
                raise
            self._mark = mark
            for problem in error.problems:
                self.say(f"{FILE} is not taken over: {problem}")
            return self._written
        if self._written is not None:
            self.say(f"{FILE} has changed: {len(found.schedules)} schedules")
        self._written, self._mark = found, mark
        return found

    def _look(self) -> None:
        """Have the models asked when files have changed."""
        if self._asking is not None or self.monotonic() - self._looked < LOOK:
            return
        self._looked = self.monotonic()
        files = hash(tuple(stamps(self.root)))
        if files != self._files:
            self._files = files
            command = [sys.executable, "-m", "orchestrator", "schedule", *self.shared, "models"]
            self._asking = subprocess.Popen(  # noqa: S603 - our own interpreter and package
                command, cwd=self.root, env=dict(self.env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )

    def _hear(self) -> None:
        if self._asking is None or self._asking.poll() is None:
            return
        said, wrong = self._asking.communicate()
        code, self._asking = self._asking.returncode, None
        if code:
            first = next(iter(wrong.decode(errors="replace").strip().splitlines()), "")
            self.say(f"the project does not parse, its models' own times stay what they were: {first}")
            return
        told = json.loads(said)
        self._promised = told["promised"]
        models = {s.name: s for s in (of_models(each["cron"], each["zone"], each["models"]) for each in told["times"])}
        if models != self._models:
            self.say(f"{len(models)} times that models say themselves")
        self._models, self._heard = models, True


def stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, time and size of every file below a folder that may be part of a project."""
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != "." and f not in SKIPPED and not (Path(at) / f / "pyvenv.cfg").exists())
        for name in sorted(names):
            if name.endswith(SUFFIXES):
                try:
                    facts = (Path(at) / name).stat()
                except OSError:  # gone while we looked
                    continue
                yield f"{at}/{name}", facts.st_mtime_ns, facts.st_size
