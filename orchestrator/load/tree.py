# ruff: noqa: PTH100, PTH110, PTH112, PTH117, PTH118, PTH120, PTH123
# os.path on strings: a Path for each of thousands of files would be most of a warm command
"""The project's files on disk. The only place that looks at a folder.

A walk touches the configured folders and the files beside them, never the whole repository: warehouses, environments and
``node_modules`` live there too.
"""

from __future__ import annotations

import builtins
import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span, digest

Stat = tuple[int, int, int, int]
"""``(size, mtime_ns, ctime_ns, inode)``: while it is the same, so is the content, unless it was changed within a clock's tick."""

SETTLED_NS = 2_000_000_000
"""A file this old when it was read cannot have changed afterwards without its times telling (coarsest known: 2 s, FAT)."""

SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
_WHOLE = 1 << 20


class DiskTree:
    """Files under ``root``, as a :class:`~orchestrator.core.files.FileTree`.

    ``known`` are the :meth:`stats` of an earlier command: content that did not change since is not read again. ``now_ns`` is
    the time before anything is read, in nanoseconds since the epoch.

    Raises:
        ConfigError: with each folder that cannot be listed and each link that leads nowhere or out of the project.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        known: Mapping[str, tuple[Stat, str]] | None = None,
        *,
        now_ns: int,
        folders: Sequence[str] = (),
        skip: Iterable[str] = (),
    ) -> None:
        self.root = os.path.abspath(root)  # links stay: these are the paths people know
        self.folders = tuple(folders)
        self.skip = frozenset(skip)
        self._known = known or {}
        self._now_ns = now_ns
        self._digests: dict[str, str] = {}
        self._read: dict[str, builtins.bytes] = {}
        self._stats = _walk(self.root, self.folders, self.skip)
        self._sorted = sorted(self._stats)

    def within(self, folders: Sequence[str], skip: Iterable[str] = ()) -> DiskTree:
        """The same root with ``folders`` walked, except the paths in ``skip`` (all relative to the root)."""
        return DiskTree(self.root, self._known, now_ns=self._now_ns, folders=folders, skip=skip)

    def paths(self) -> Iterable[str]:
        """All files, sorted by path."""
        return self._sorted

    def sources(self) -> list[str]:
        """The files inside the configured folders, sorted: what a project is made of, besides its configuration."""
        inside = tuple(f"{folder.strip('/')}/" for folder in self.folders if folder.strip("./"))
        return [p for p in self._sorted if p.startswith(inside)] if len(inside) == len(self.folders) else self._sorted

    def digest(self, path: str) -> str:
        """The content's digest, from memory where size, times and inode are those of an earlier reading."""
        found = self._digests.get(path)
        if found is None:
            here = self._stat(path)
            before = self._known.get(path)
            if before is not None and tuple(before[0]) == here:
                found = before[1]
            elif here[0] > _WHOLE:
                found = self._large(path)
            else:
                content = self._read[path] = self._content(path)
                found = digest(content)
            self._digests[path] = found
        return found

    def bytes(self, path: str) -> builtins.bytes:
        """The content."""
        self._stat(path)
        content = self._read.pop(path, None)
        if content is None:
            content = self._content(path)
            self._digests.setdefault(path, digest(content))
        return content

    def where(self, path: str) -> str:
        """The absolute path."""
        return os.path.join(self.root, *path.split("/"))

    def stats(self) -> dict[str, tuple[Stat, str]]:
        """What to remember for the next command. Files changed just before they were read are left out: a further change in
        the same tick of the clock would not show.
        """
        limit = self._now_ns - SETTLED_NS
        return {p: (s, self._digests[p]) for p, s in self._stats.items() if p in self._digests and s[1] < limit and s[2] < limit}

    def _stat(self, path: str) -> Stat:
        try:
            return self._stats[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def _content(self, path: str) -> builtins.bytes:
        try:
            return Path(self.where(path)).read_bytes()
        except OSError as error:
            raise ConfigError(_unreadable(path, error)) from None

    def _large(self, path: str) -> str:
        try:
            with open(self.where(path), "rb") as file:
                return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        except OSError as error:
            raise ConfigError(_unreadable(path, error)) from None


def _walk(root: str, folders: Sequence[str], skip: frozenset[str]) -> dict[str, Stat]:
    walk = _Walk(root, skip)
    walk.enter("", deep=False)
    for folder in folders:
        walk.start(folder)
    while walk.pending:
        walk.enter(walk.pending.pop(), deep=True)
    if walk.problems:
        raise ConfigError(*walk.problems)
    return walk.found


class _Walk:
    """One walk: what was found, and which folders are still to be entered."""

    def __init__(self, root: str, skip: frozenset[str]) -> None:
        self.root = root
        self.inside = os.path.realpath(root)
        self.skip = skip
        self.found: dict[str, Stat] = {}
        self.problems: list[Problem] = []
        self.pending: list[str] = []
        self.seen: set[str] = set()

    def start(self, folder: str) -> None:
        """A configured folder; one that is not there is nobody's mistake."""
        clean = os.path.normpath(folder).replace(os.sep, "/")
        if clean == ".." or clean.startswith(("../", "/")) or os.path.isabs(folder):
            hint = "move it inside, or move the project file up"
            self.problems.append(Problem("C503", f"the folder `{folder}` is outside the project", None, hint))
            return
        clean = "" if clean == "." else clean
        full = os.path.join(self.root, clean)
        if not os.path.isdir(full):
            return
        if _is_outside(os.path.realpath(full), self.inside):
            self.leads(folder, "leads outside the project")
            return
        self.pending.append(clean)

    def enter(self, folder: str, *, deep: bool) -> None:
        """List one folder; with ``deep``, folders inside are entered later."""
        if deep and folder in self.seen:
            return
        try:
            with os.scandir(os.path.join(self.root, folder)) as listing:
                entries = list(listing)
        except OSError as error:
            self.problems.append(_unreadable(folder or ".", error))
            return
        if deep:
            self.seen.add(folder)
        if folder and any(entry.name == "pyvenv.cfg" for entry in entries):
            return
        prefix = f"{folder}/" if folder else ""
        for entry in entries:
            name = entry.name
            path = prefix + name
            if name[0] == "." or name in SKIPPED or path in self.skip:
                continue
            try:
                self.meet(entry, path, deep=deep)
            except FileNotFoundError:
                continue  # deleted while we looked
            except OSError as error:
                self.problems.append(_unreadable(path, error))

    def meet(self, entry: os.DirEntry[str], path: str, *, deep: bool) -> None:
        """A file or folder of a listed folder."""
        link = entry.is_symlink()
        if entry.is_dir():
            if deep and not (link and self.is_elsewhere(entry, path)):
                self.pending.append(path)
            return
        if link and not self.is_usable(entry, path, deep=deep):
            return
        if not path.isascii() and not _is_text(path):
            self.problems.append(Problem("C504", f"the file name {os.fsencode(path)!r} is not UTF-8", None, "rename the file"))
            return
        if not path.isprintable() and not _is_plain(path):
            self.problems.append(Problem("C504", f"the file name {path!r} has control characters", None, "rename the file"))
            return
        facts = entry.stat()
        if stat.S_ISREG(facts.st_mode):  # no pipes, sockets or devices: reading them may never end
            self.found[path] = (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)

    def is_elsewhere(self, entry: os.DirEntry[str], path: str) -> bool:
        """Whether a linked folder is not to be entered: it is outside, or contains itself (its files are found on the straight way)."""
        real = os.path.realpath(entry.path)
        if _is_outside(real, self.inside):
            self.leads(path, "leads outside the project")
            return True
        above = os.path.dirname(path)
        while above:
            if os.path.realpath(os.path.join(self.root, above)) == real:
                return True
            above = os.path.dirname(above)
        return real == self.inside or f"{os.path.realpath(os.path.dirname(entry.path))}/".startswith(f"{real}/")

    def is_usable(self, entry: os.DirEntry[str], path: str, *, deep: bool) -> bool:
        """Whether a link to a file may be read. Links beside the configured folders are nobody's business."""
        real = os.path.realpath(entry.path)
        there = os.path.exists(real)
        if there and not _is_outside(real, self.inside):
            return True
        if deep:
            self.leads(path, "leads outside the project" if there else "leads nowhere")
        return False

    def leads(self, path: str, where: str) -> None:
        """Refuse a link."""
        hint = "copy what it leads to into the project, or remove the link"
        self.problems.append(Problem("C503", f"`{path}` is a link that {where}", Span(path), hint))


def _is_outside(real: str, inside: str) -> bool:
    return real != inside and not real.startswith(inside.rstrip(os.sep) + os.sep)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_plain(name: str) -> bool:
    """Whether a name can be shown: no line breaks, nothing that steers a terminal or makes text read other than it is."""
    return not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in _TURNING for c in name)


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _unreadable(path: str, error: OSError) -> Problem:
    hint = "check its permissions" if isinstance(error, PermissionError) else None
    return Problem("C501", f"cannot read `{path}`: {error.strerror or error}", Span(path), hint)
