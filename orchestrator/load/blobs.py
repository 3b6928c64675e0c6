"""A project's files at a commit, byte for byte as they were committed, written where a stranger's file can do no harm.

Nothing in the repository is obeyed: no attributes, filters (also not LFS's), line ends, hooks, submodules or links. Only git's own
database is read, and what is written are plain files with names that cannot lead anywhere else.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.core.errors import Problem, UsageError
from orchestrator.load.git import Git

HARDENED = (
    "-c", "safe.bareRepository=explicit",  # a folder of the project may look like a repository, with settings of its own
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "core.fsmonitor=false",
    "-c", f"core.attributesFile={os.devnull}",
    "-c", "protocol.allow=never",  # a partial clone would fetch what it lacks
    "-c", "submodule.recurse=false",
    "-c", "diff.external=",
    "-c", "core.pager=cat",
    "-c", "gc.auto=0",
    "--no-replace-objects",
    "--literal-pathspecs",
)  # fmt: skip
"""Said to each command: what a repository's files or settings could make git start is off."""

_FILE_MODES = (b"100644", b"100755")
_SKIPPED = frozenset({".git", ".orchestrator", ".gitmodules"})
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Most:
    """How many files there may be, and bytes of one and of all."""

    files: int = 50_000
    file: int = 20 << 20
    total: int = 256 << 20


def blobs(root: Path, name: str, into: Path, env: Mapping[str, str], most: Most | None = None) -> tuple[Path, str, tuple[Problem, ...]]:
    """Write the project at ``root``, as it is in the commit ``name``, below ``into``: its folder there, the commit's short name, and what
    was left out (U070, warnings).

    Raises:
        UsageError: U038 there is no repository or no git, U039 there is no such commit or the project is not in it, U070 it is too much.
    """
    limits = most or Most()
    git = obeying_nobody(root, env)
    prefix = git.asks("rev-parse", "--show-prefix")
    if prefix is None:
        raise UsageError(Problem("U038", f"`{root.name}` is not in a git repository"))
    commit = None if name.startswith("-") else git.asks("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if commit is None:
        raise UsageError(Problem("U039", f"git knows no revision `{name}`", hint="a branch, tag or commit"))
    short = git.asks("rev-parse", "--short", commit) or commit[:9]
    listing = git.tells("ls-tree", "-r", "-z", "-l", "--full-tree", commit, *([f"{prefix.rstrip('/')}/"] if prefix else []))
    entries, left_out = _chosen(listing, prefix, limits)
    if not entries:
        raise UsageError(Problem("U039", f"the project is not there at `{name}` ({short})", hint="choose a revision that has its files"))
    target = into / (root.name or "project")
    _written(git, target, entries)
    return target, short, tuple(left_out)


def _chosen(listing: bytes, prefix: str, most: Most) -> tuple[list[tuple[str, str, int]], list[Problem]]:
    """Of what a tree has: object, path and size of what is written; a problem for what is not."""
    found: list[tuple[str, str, int]] = []
    left_out: list[Problem] = []
    seen: dict[str, str] = {}
    total = 0
    for entry in listing.split(b"\0"):
        if not entry:
            continue
        facts, _, raw = entry.partition(b"\t")
        mode, kind, object_, size = facts.split()
        path = os.fsdecode(raw).removeprefix(prefix)
        why = _odd(path) or (None if mode in _FILE_MODES and kind == b"blob" else _KINDS.get(mode, "it is no file"))
        if why is None and (other := seen.setdefault(unicodedata.normalize("NFC", path).casefold(), path)) != path:
            why = f"`{other}` has the same name on systems that do not tell upper from lower case"
        if path.split("/")[0] in _SKIPPED:
            continue
        if why is None and int(size) > most.file:
            why = f"it has more than {most.file >> 20} MB"
        if why is not None:
            left_out.append(Problem("U070", f"`{path[:_LONGEST]}` is left out: {why}", severity="warning"))
            continue
        total += int(size)
        found.append((object_.decode(), path, int(size)))
        if len(found) > most.files or total > most.total:
            over = f"{most.files:,} files" if len(found) > most.files else f"{most.total >> 20} MB"
            raise UsageError(Problem("U070", f"stopped by a limit: the project has more than {over}"))
    return found, left_out


_KINDS = {b"120000": "it is a link", b"160000": "it is another repository"}


def _odd(path: str) -> str | None:
    """Why a path must not be written.

    >>> _odd("models/a.sql"), _odd("models/../../x.sql"), _odd("a/.GIT/config")
    (None, 'its name leads elsewhere', 'its name is one of git')
    """
    parts = path.split("/")
    if "\\" in path or ":" in path or any(p in ("", ".", "..") for p in parts):
        return "its name leads elsewhere"
    if any(p.casefold().rstrip(". ") == ".git" for p in parts):
        return "its name is one of git"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in path):
        return "its name has control characters, or is not UTF-8"
    if len(path) > 1000 or any(len(p.encode()) > 255 for p in parts):
        return "its name is too long"
    return None


def _written(git: Git, target: Path, entries: list[tuple[str, str, int]]) -> None:
    """Fetch the contents one by one from one process, and write them; each file must be new."""
    for (_, path, _), content in zip(entries, _contents(git, [object_ for object_, _, _ in entries]), strict=True):
        file = target / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with open(file, "xb", opener=_plainly) as out:
                out.write(content)
        except (FileExistsError, NotADirectoryError):
            continue  # a case-insensitive disk
    target.mkdir(parents=True, exist_ok=True)


def _plainly(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def obeying_nobody(root: Path, env: Mapping[str, str]) -> Git:
    """Commands of git in a stranger's repository: they see none of our variables, and start nothing."""
    kept = {k: env[k] for k in ("PATH", "HOME", "SYSTEMROOT", "XDG_CONFIG_HOME") if k in env}
    return Git(root, {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_LFS_SKIP_SMUDGE": "1"}, options=HARDENED)


def _contents(git: Git, objects: list[str]) -> Iterator[bytes]:
    """What blobs contain, in order; one in memory at a time."""
    with tempfile.TemporaryFile() as asked:  # a file, not a pipe: that could fill up on both sides
        asked.write("".join(f"{o}\n" for o in objects).encode())
        asked.seek(0)
        command = ["git", *git.options, "cat-file", "--batch"]
        process = subprocess.Popen(command, cwd=git.root, env=git.env, stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    with process:
        if process.stdout is None:
            raise AssertionError("we asked for a pipe")
        for _ in objects:
            head = process.stdout.readline().split()
            if len(head) != 3 or head[1] != b"blob":
                process.kill()
                hint = "fetch the whole history, without a filter"
                raise UsageError(Problem("U038", "git does not have all files of the commit", hint=hint))
            yield process.stdout.read(int(head[2]))
            process.stdout.read(1)
