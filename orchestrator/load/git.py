"""Asking git. Nothing here knows what a project is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.core.errors import Problem, UsageError

PATIENCE = 300
"""Seconds that one command of git may take."""

_MISLEADING = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_INDEX_FILE"})
"""What a hook of git sets, about the repository that it runs in."""


class Git:
    """Commands of git in a project's folder; ``index`` is where they may keep one, ``options`` come before each,
    ``patience`` is how many seconds one may take.

    They change neither the user's index nor the work tree.
    """

    def __init__(
        self, root: Path, env: Mapping[str, str], index: Path | None = None, options: Sequence[str] = (), patience: float = PATIENCE
    ) -> None:
        ours = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **({"GIT_INDEX_FILE": str(index)} if index is not None else {})}
        self.root = root
        self.options = tuple(options)
        self.patience = patience
        self.env = {**{k: v for k, v in env.items() if k not in _MISLEADING}, **ours}

    def top(self) -> Path:
        """The folder that git's names of files begin at."""
        return Path(self.asks("rev-parse", "--show-toplevel") or self.root)

    def asks(self, *words: str) -> str | None:
        """One line of an answer; ``None`` when git says no."""
        done = self._run(words, self.root, None)
        return os.fsdecode(done.stdout).removesuffix("\n") if done.returncode == 0 else None

    def tells(self, *words: str, given: bytes | None = None, at: Path | None = None) -> bytes:
        """An answer. Raises ``UsageError`` (U038) with what git says when it fails."""
        done = self._run(words, at or self.root, given)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise UsageError(Problem("U038", f"`git {words[0]}` failed: {said[-1] if said else f'exit code {done.returncode}'}"))
        return done.stdout

    def _run(self, words: tuple[str, ...], at: Path, given: bytes | None) -> subprocess.CompletedProcess[bytes]:
        try:
            # S603, S607: git is the program the user has; its words are ours, but for a revision that cannot be an option.
            return subprocess.run(  # noqa: S603
                ["git", *self.options, *words],  # noqa: S607
                cwd=at,
                env=self.env,
                input=given,
                capture_output=True,
                timeout=self.patience,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError(Problem("U038", "git is not installed", hint="install it, or leave `--since` out")) from None
        except subprocess.TimeoutExpired:
            raise UsageError(Problem("U038", f"`git {words[0]}` did not answer within {self.patience:g} seconds")) from None
