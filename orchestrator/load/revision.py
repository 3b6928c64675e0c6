"""A project as it was at a revision of git, written into a folder of its own. Neither the index nor the work tree is touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator.core.errors import Problem, UsageError

PATIENCE = 300
"""Seconds that one command of git may take."""


def revision(root: Path, name: str, into: Path, env: Mapping[str, str]) -> tuple[Path, str]:
    """Write the files of the project at ``root``, as they were at ``name``, below ``into``: the project's folder there, and the
    commit's short name.

    Files come out as a checkout would write them (line ends, filters). What git does not know is not there.

    Raises:
        UsageError: U038 there is no repository or no git, U039 there is no such revision or the project is not in it.
    """
    git = _Git(root, {**env, "GIT_INDEX_FILE": str(into / "index"), "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"})
    prefix = git.asks("rev-parse", "--show-prefix")
    if prefix is None:
        raise UsageError(Problem("U038", f"`{root}` is not in a git repository", hint="`git init`, or leave `--since` out"))
    # A name that begins with a dash would be an option; `^{commit}` follows tags to what they name.
    commit = None if name.startswith("-") else git.asks("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if commit is None:
        raise UsageError(Problem("U039", f"git knows no revision `{name}`", hint="a branch, tag or commit: `--since git:main`"))
    short = git.asks("rev-parse", "--short", commit) or commit
    files = git.tells("ls-tree", "-r", "-z", "--name-only", "--full-name", commit)
    if not files:
        raise UsageError(Problem("U039", f"the project is not there at `{name}` ({short})", hint="choose a revision that has its files"))
    # A project without a name of its own has its folder's.
    target = into / ("tree" if prefix else root.name)
    git.tells("read-tree", commit)
    git.tells("checkout-index", "-z", "--stdin", f"--prefix={target.as_posix()}/", given=files, at=git.top())
    return target / prefix, short


class _Git:
    """Commands of git in a project's folder."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        self.root = root
        self.env = {k: v for k, v in env.items() if k not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX")}

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
                ["git", *words],  # noqa: S607
                cwd=at,
                env=self.env,
                input=given,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError(Problem("U038", "git is not installed", hint="install it, or leave `--since` out")) from None
        except subprocess.TimeoutExpired:
            raise UsageError(Problem("U038", f"`git {words[0]}` did not answer within {PATIENCE} seconds")) from None
