"""A project's files at a commit, byte for byte as they were committed, written where a stranger's file can do no harm.

Nothing in the repository is obeyed: no attributes, filters (also not LFS's), line ends, hooks, submodules or links. Only git's own
database is read, and what is written are plain files with names that cannot lead anywhere else.
"""

from __future__ import annotations

import os
import subprocess
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.core.errors import Problem, UsageError

PATIENCE = 300
"""Seconds that one command of git may take."""

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
    git = _Git(root, env)
    prefix = git.line("rev-parse", "--show-prefix")
    if prefix is None:
        raise UsageError(Problem("U038", f"`{root.name}` is not in a git repository"))
    commit = None if name.startswith("-") else git.line("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if commit is None:
        raise UsageError(Problem("U039", f"git knows no revision `{name}`", hint="a branch, tag or commit"))
    short = git.line("rev-parse", "--short", commit) or commit[:9]
    listing = git.told("ls-tree", "-r", "-z", "-l", "--full-tree", commit, *([f"{prefix.rstrip('/')}/"] if prefix else []))
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


def _written(git: _Git, target: Path, entries: list[tuple[str, str, int]]) -> None:
    """Fetch the contents one by one from one process, and write them; each file must be new."""
    for (_, path, _), content in zip(entries, git.contents([object_ for object_, _, _ in entries]), strict=True):
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


class _Git:
    """Commands of git that obey nothing but us."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        self.root = root
        kept = {k: env[k] for k in ("PATH", "HOME", "SYSTEMROOT", "XDG_CONFIG_HOME") if k in env}
        self.env = {
            **kept,
            "LC_ALL": "C",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }

    def line(self, *words: str) -> str | None:
        """One line of an answer; ``None`` when git says no."""
        done = self._run(words)
        return os.fsdecode(done.stdout).removesuffix("\n") if done.returncode == 0 else None

    def told(self, *words: str) -> bytes:
        """An answer. Raises ``UsageError`` (U038) when git fails."""
        done = self._run(words)
        if done.returncode != 0:
            raise UsageError(Problem("U038", f"`git {words[0]}` failed with exit code {done.returncode}"))
        return done.stdout

    def contents(self, objects: list[str]) -> Iterator[bytes]:
        """What blobs contain, in order; one in memory at a time."""
        command = ["git", *HARDENED, "cat-file", "--batch"]
        asked = "".join(f"{o}\n" for o in objects).encode()
        with self._started(command, asked) as process:
            if process.stdout is None:
                raise AssertionError("we asked for a pipe")
            for _ in objects:
                head = process.stdout.readline().split()
                if len(head) != 3 or head[1] != b"blob":
                    process.kill()
                    raise UsageError(
                        Problem("U038", "git does not have all files of the commit", hint="fetch the whole history, without a filter")
                    )
                yield process.stdout.read(int(head[2]))
                process.stdout.read(1)

    def _started(self, command: list[str], asked: bytes) -> subprocess.Popen[bytes]:
        import tempfile

        given = tempfile.TemporaryFile()  # noqa: SIM115 - the process reads it to its end; a pipe could fill up on both sides
        given.write(asked)
        given.seek(0)
        with given:
            return subprocess.Popen(command, cwd=self.root, env=self.env, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603

    def _run(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - words are ours, but for a revision that cannot be an option
                ["git", *HARDENED, *words],  # noqa: S607 - the git that the user has
                cwd=self.root,
                env=self.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError(Problem("U038", "git is not installed", hint="install it")) from None
        except subprocess.TimeoutExpired:
            raise UsageError(Problem("U038", f"`git {words[0]}` did not answer within {PATIENCE} seconds")) from None
