"""What was understood of a project, kept on disk by content: a command on an unchanged project parses nothing.

One SQLite file for each way of calling (target, variables, …): a ``head`` (file digests, settings, all nodes) that is read
whole, and one row of bodies for each file that is read when a body is asked for. Everything in it can be recomputed: a file
that is damaged, from another version, or owned by somebody else is ignored and written anew.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from orchestrator.core.declaration import Declaration
from orchestrator.core.files import digest
from orchestrator.core.node import Body, Node
from orchestrator.load.packed import unpack_body, unpack_declaration

KEPT = 6
"""Cache files kept for one project; the least recently used go first."""


class Seen(Mapping[str, str]):
    """An environment that remembers which variables were looked at, by digest: the cache is valid while they stay the same."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.looked: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        self.looked[name] = _fact(self._env.get(name))
        return self._env[name]

    def __iter__(self) -> Iterator[str]:
        for name in self._env:
            self.looked[name] = _fact(self._env[name])
            yield name

    def __len__(self) -> int:
        return len(self._env)


def _fact(value: str | None) -> str | None:
    return None if value is None else digest(value.encode("utf-8", "surrogateescape"))


def unchanged_environment(looked: Mapping[str, str | None], env: Mapping[str, str]) -> bool:
    """Whether every variable that was looked at still has its value."""
    return all(_fact(env.get(name)) == before for name, before in looked.items())


def engine_digest() -> str:
    """Names the code that understood the project: ours and sqlglot's, by the times of their files. Imports neither."""
    from importlib.util import find_spec

    parts: list[str] = []
    own = Path(__file__).parent.parent
    for folder in sorted([own, *(f for f in own.iterdir() if f.is_dir())]):
        with os.scandir(folder) as entries:
            parts += sorted(f"{e.name}:{e.stat().st_mtime_ns}" for e in entries if e.name.endswith((".py", ".sql")))
    found = find_spec("sqlglot")
    if found is not None and found.origin:
        parts.append(f"{found.origin}:{os.stat(found.origin).st_mtime_ns}")  # noqa: PTH116 - a string is all we have
    return digest("\n".join(parts).encode())


class Cache:
    """The cache file of one way of calling."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._path = folder / f"{key}.db"

    def head(self) -> dict[str, Any] | None:
        """The head as saved, or ``None``."""
        if not _is_ours(self._path):
            return None
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
                row = connection.execute("select value from head").fetchone()
            return None if row is None else json.loads(row[0])
        except (sqlite3.Error, ValueError):
            return None

    def save(self, head: Mapping[str, Any], files: Iterable[tuple[str, Any]], *, only: bool = False) -> None:
        """Write the head and the rows of ``files``; the other rows stay when ``only``. A full disk or a lock means no cache, no more."""
        with suppress(sqlite3.Error, OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not only:
                self._path.unlink(missing_ok=True)
            with closing(sqlite3.connect(self._path, timeout=2)) as connection:
                connection.execute("pragma journal_mode = off" if not only else "pragma journal_mode = delete")
                connection.execute("pragma synchronous = off")
                connection.execute("begin immediate")
                connection.execute("create table if not exists head (id integer primary key, value text)")
                connection.execute("create table if not exists file (path text primary key, value text)")
                connection.execute("insert or replace into head values (1, ?)", (json.dumps(head, separators=(",", ":")),))
                rows = ((path, json.dumps(value, separators=(",", ":"))) for path, value in files)
                connection.executemany("insert or replace into file values (?, ?)", rows)
                connection.commit()
            self._path.chmod(0o600)
            _prune(self._folder)

    def note(self, name: str, value: Any) -> None:
        """Remember something small beside the head."""
        with suppress(sqlite3.Error, OSError):
            if not self._path.exists():
                return
            with closing(sqlite3.connect(self._path, timeout=2)) as connection, connection:
                connection.execute("insert or replace into file values (?, ?)", (f"note:{name}", json.dumps(value)))

    def noted(self, name: str) -> Any:
        """What was remembered under ``name``."""
        return self.rows(f"note:{name}") or None

    def rows(self, path: str) -> dict[str, Any]:
        """What is kept of one file: ``bodies`` and ``declarations`` by node id."""
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
                row = connection.execute("select value from file where path = ?", (path,)).fetchone()
        except sqlite3.Error:
            row = None
        return {} if row is None else json.loads(row[0])

    def every_row(self) -> dict[str, dict[str, Any]]:
        """All rows by path, for a command that needs most of them anyway."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            return {path: json.loads(value) for path, value in connection.execute("select path, value from file")}


def _is_ours(path: Path) -> bool:
    """Whether the file exists and belongs to this user: nobody else's facts decide what we run."""
    try:
        there = path.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or there.st_uid == os.getuid()


def _prune(folder: Path) -> None:
    found = sorted(folder.glob("*.db"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in found[KEPT:]:
        old.unlink(missing_ok=True)


class CachedBodies(Mapping[str, Body]):
    """Bodies by node id, decoded when asked for."""

    def __init__(self, cache: Cache, nodes: Mapping[str, Node]) -> None:
        self._cache = cache
        self._nodes = nodes
        self._rows: dict[str, dict[str, Any]] = {}
        self._bodies: dict[str, Body] = {}
        self._asked = 0

    def __getitem__(self, id_: str) -> Body:
        body = self._bodies.get(id_)
        if body is None:
            body = self._bodies[id_] = unpack_body(self._row(self._nodes[id_].path)["bodies"][id_])
        return body

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def declaration(self, id_: str) -> Declaration:
        """The declaration of a node whose template may be rendered again."""
        return unpack_declaration(self._row(self._nodes[id_].path)["declarations"][id_])

    def packed(self, path: str) -> dict[str, Any]:
        """The row of a file as it is kept."""
        return self._row(path)

    def _row(self, path: str) -> dict[str, Any]:
        found = self._rows.get(path)
        if found is None:
            self._asked += 1
            if self._asked > 20:  # noqa: PLR2004 - by then one query for all is cheaper
                self._rows = self._cache.every_row() | self._rows
                found = self._rows[path]
            else:
                found = self._rows[path] = self._cache.rows(path)
        return found
