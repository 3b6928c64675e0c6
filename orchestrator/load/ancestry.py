"""Where a branch began: the commit that its work tree is compared with, and the files that are different since."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.core.errors import Problem, UsageError
from orchestrator.load.git import Git

USUAL = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""What a branch began at when nobody says: what the server calls its main branch, else the usual names."""


@dataclass(frozen=True, slots=True)
class Ancestry:
    """``base`` is the commit where the branch began, ``short`` its short name, ``name`` what was asked for (``origin/main``).

    ``head`` is the short name of the commit that is checked out; ``edited`` says that the files are not exactly its. ``files`` are the
    paths that are different since the base, from the project's root. ``folder`` is where that is in the repository.
    """

    base: str
    short: str
    name: str
    head: str
    branch: str
    edited: bool
    files: tuple[str, ...]
    folder: str = ""


def ancestry(root: Path, names: Sequence[str], env: Mapping[str, str], said_by: str = "") -> Ancestry:
    """Where the work tree at ``root`` left the first of ``names`` that git knows; without names, the main branch.

    A branch is looked for at ``origin`` first: a local one is as old as the last pull. ``said_by`` is who named them.

    Raises:
        UsageError: U038 there is no repository or no git, U060 git knows none of the names, U061 the histories do not meet.
    """
    git = Git(root, env)
    prefix = git.asks("rev-parse", "--show-prefix")
    if prefix is None:
        raise UsageError(
            Problem("U038", f"`{root}` is not in a git repository", hint="`orc ci` compares with where a branch began: `git init`")
        )
    if git.asks("rev-parse", "--verify", "--quiet", "HEAD") is None:
        raise UsageError(Problem("U038", "there is no commit yet", hint="`git commit`: there is nothing to compare with"))
    name, base = began(git, names, said_by)
    files = _files(git, base)
    head = git.asks("rev-parse", "--short", "HEAD") or ""
    branch = git.asks("symbolic-ref", "--quiet", "--short", "HEAD") or ""
    edited = bool(git.tells("status", "--porcelain", "-z", "--", "."))
    return Ancestry(base, git.asks("rev-parse", "--short", base) or base, name, head, branch, edited, files, prefix.rstrip("/"))


def began(git: Git, names: Sequence[str], said_by: str = "") -> tuple[str, str]:
    """The first of ``names`` that git knows, and the commit where what is checked out left it.

    Raises:
        UsageError: U060 git knows none of the names, U061 the histories do not meet.
    """
    name = _known(git, names) if names else _known(git, USUAL)
    if name is None:
        raise UsageError(_unknown(git, names, said_by))
    base = git.asks("merge-base", name, "HEAD")
    if base is None:
        raise UsageError(_strangers(git, name))
    return name, base


def _known(git: Git, names: Sequence[str]) -> str | None:
    for name in names:
        if name.startswith("-"):  # would be an option
            continue
        for spelled in (f"refs/remotes/origin/{name.removeprefix('refs/heads/')}", f"refs/remotes/{name}", name):
            if git.asks("rev-parse", "--verify", "--quiet", f"{spelled}^{{commit}}") is not None:
                return spelled
    return None


def _files(git: Git, base: str) -> tuple[str, ...]:
    """Files of the project that are different, renamed ones under both names, and those that git has not been told of."""
    changed = git.tells("diff", "--name-only", "--no-renames", "--relative", "-z", base, "--", ".")
    new = git.tells("ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    return tuple(sorted({os.fsdecode(path) for path in (*changed.split(b"\0"), *new.split(b"\0")) if path}))


def _unknown(git: Git, names: Sequence[str], said_by: str) -> Problem:
    if not names:
        return Problem(
            "U060", "there is no main branch to compare with", hint=f"say which: `--base BRANCH` (looked for {', '.join(USUAL)})"
        )
    message = f"{said_by or '`--base`'} says `{names[0]}`, which this clone does not have"
    return Problem("U060", message, hint=_deeper(git) or f"`git fetch origin {names[0].removeprefix('origin/')}`, or correct the name")


def _strangers(git: Git, name: str) -> Problem:
    shown = name.removeprefix("refs/remotes/")
    deeper = _deeper(git)
    message = (
        f"this clone is too shallow to tell where the branch left `{shown}`"
        if deeper
        else f"the branch has no commit in common with `{shown}`"
    )
    return Problem("U061", message, hint=deeper or "`--base` names the branch that it is to be merged into")


def _deeper(git: Git) -> str | None:
    """How to get the history that is missing, in a clone without one."""
    if git.asks("rev-parse", "--is-shallow-repository") != "true":
        return None
    return "fetch the history: `fetch-depth: 0` (GitHub's checkout), `GIT_DEPTH: 0` (GitLab), `git fetch --unshallow`"
