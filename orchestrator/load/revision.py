"""A project as it was at a revision of git, written into a folder of its own. Neither the index nor the work tree is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.core.errors import Problem, UsageError
from orchestrator.load.git import Git


def revision(root: Path, name: str, into: Path, env: Mapping[str, str]) -> tuple[Path, str]:
    """Write the files of the project at ``root``, as they were at ``name``, below ``into``: the project's folder there, and the
    commit's short name.

    Files come out as a checkout would write them (line ends, filters). What git does not know is not there.

    Raises:
        UsageError: U038 there is no repository or no git, U039 there is no such revision or the project is not in it.
    """
    git = Git(root, env, index=into / "index")
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
