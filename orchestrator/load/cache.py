"""What was understood of a project, kept on disk by content: a command on an unchanged project parses nothing.

One SQLite file for each way of calling (target, variables, …): a ``head`` (file digests, settings, all nodes) that is read
whole, and one row for each node's body that is read when it is asked for. Everything in it can be recomputed: a file
that is damaged, from another version, or owned by somebody else is ignored and written anew.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import mkstemp
from threading import Lock
from time import time
from typing import Any, TypeVar
from weakref import finalize

from orchestrator.core.declaration import Declaration
from orchestrator.core.files import digest
from orchestrator.core.node import Body, Node
from orchestrator.load.packed import Packed, Unpackable, pack_nodes, unpack_body, unpack_declaration, unpack_nodes

KEPT = 6
"""Cache files kept for one project; the least recently used go first."""

ABANDONED = 3600
"""Seconds after which a file in the making is nobody's any more."""

HELD = 4000
"""Bodies held decoded; a command that walks through all of a large project never holds it whole."""

T = TypeVar("T")
Anew = Callable[[], tuple[Mapping[str, Body], Callable[[str], Declaration]]]
"""Understands the project again: bodies by id, and declarations."""


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
    for folder, folders, _ in os.walk(Path(__file__).parent.parent):
        folders[:] = sorted(f for f in folders if f not in ("__pycache__", "testing"))
        with os.scandir(folder) as entries:
            parts += sorted(f"{e.name}:{e.stat().st_mtime_ns}" for e in entries if e.name.endswith((".py", ".sql")))
    found = find_spec("sqlglot")
    if found is not None and found.origin:
        parts.append(f"{found.origin}:{os.stat(found.origin).st_mtime_ns}")  # noqa: PTH116 - a string is all we have
    return digest("\n".join(parts).encode())


Row = tuple[Packed, Packed]
"""A body, and the declaration where its template may be rendered again."""

_TABLES = """
    create table head (part integer primary key, value text);
    create table body (id text primary key, body text, declaration text);
    create table note (name text primary key, value text);
"""
_text = json.JSONEncoder(separators=(",", ":")).encode
_PART = 1000
"""Nodes in one part of the head: decoded together."""


class Cache:
    """The cache file of one way of calling. What contains one of ``secrets`` is never written."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.path = folder / f"{key}.db"
        self.secrets: tuple[str, ...] = ()
        self._reading: sqlite3.Connection | None = None
        self._one_by_one = Lock()

    def head(self) -> dict[str, Any] | None:
        """The facts as saved, or ``None``."""
        if not is_ours(self.path):
            return None
        try:
            found = next(iter(self._parts("part = 0")), None)
        except (sqlite3.Error, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def nodes(self, head: Mapping[str, Any]) -> dict[str, Node]:
        """All nodes, by id.

        Raises:
            sqlite3.Error, ValueError: the file is damaged.
        """
        parts = 0
        found: dict[str, Node] = {}
        for part in self._parts("part > 0 order by part"):
            parts += 1
            found.update(unpack_nodes(part))
        if parts != head["parts"]:
            raise ValueError(parts)
        return found

    def body(self, id_: str) -> Body:
        """The body of a node.

        Raises:
            sqlite3.Error, LookupError, TypeError, ValueError: the file is damaged.
        """
        return unpack_body(json.loads(self._asked("select body from body where id = ?", id_)[0][0]))

    def declaration(self, id_: str) -> Declaration:
        """What the node was made of; raises like :meth:`body`."""
        packed = json.loads(self._asked("select declaration from body where id = ?", id_)[0][0])
        return unpack_declaration(packed, self.body(id_))

    def noted(self, name: str) -> Any:
        """What was remembered under ``name``."""
        with suppress(sqlite3.Error, ValueError):
            for (value,) in self._asked("select value from note where name = ?", name):
                return json.loads(value)
        return None

    def note(self, name: str, value: Any) -> None:
        """Remember something small beside the head."""
        with suppress(sqlite3.Error, OSError, Unpackable):
            if not self.path.exists():
                return
            with closing(sqlite3.connect(self.path, timeout=2)) as connection, connection:
                connection.execute("insert or replace into note values (?, ?)", (name, self.text(value)))

    def update(
        self,
        head: Mapping[str, Any],
        nodes: Iterable[Node] | None = None,
        rows: Mapping[str, Row] | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace the facts, all nodes, some bodies and notes, at once. A full disk or a lock means no cache, no more."""
        with suppress(sqlite3.Error, OSError, Unpackable), closing(sqlite3.connect(self.path, timeout=2)) as connection:
            connection.execute("pragma synchronous = off")
            connection.execute("begin immediate")
            _put_head(connection, self.text, head, nodes)
            for id_, (body, declaration) in (rows or {}).items():
                connection.execute("insert or replace into body values (?, ?, ?)", (id_, self.text(body), self.text(declaration)))
            for name, value in (notes or {}).items():
                connection.execute("insert or replace into note values (?, ?)", (name, self.text(value)))
            connection.commit()

    def text(self, value: Any) -> str:
        """JSON to be written. Raises :class:`Unpackable` when there is a secret in it."""
        found = _text(value)
        if any(_text(secret)[1:-1] in found for secret in self.secrets):
            raise Unpackable("a secret")
        return found

    def forget(self) -> None:
        """Remove the file: it is damaged."""
        self.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _parts(self, where: str) -> Iterator[Any]:
        return (json.loads(value) for (value,) in self._asked(f"select value from head where {where}"))

    def _asked(self, query: str, *values: str) -> Sequence[tuple[Any, ...]]:
        with self._one_by_one:
            if self._reading is None:
                self._reading = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
                finalize(self, self._reading.close)
            return self._reading.execute(query, values).fetchall()

    def close(self) -> None:
        """Let go of the file; it is opened again when asked."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None


class Filling:
    """A new cache file, written beside the old one while a project is read: bodies go in one by one and need no memory.

    Raises:
        Unpackable: by every method, when a value or the disk refuses; then nothing of it is of use.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        with _refusing():
            cache.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, aside = mkstemp(".tmp", cache.path.stem, cache.folder)  # for nobody else to read
            os.close(handle)
            self._aside = Path(aside)
            self._connection = sqlite3.connect(self._aside, isolation_level=None)
            self._connection.executescript(f"pragma journal_mode = off; pragma synchronous = off; {_TABLES} begin;")

    def put(self, id_: str, body: Packed, declaration: Packed) -> None:
        """Keep a body and what it was made of; the first of several with the same id stays."""
        with _refusing():
            text = None if declaration is None else self._cache.text(declaration)
            self._connection.execute("insert or ignore into body values (?, ?, ?)", (id_, self._cache.text(body), text))

    def declaration(self, id_: str) -> Declaration:
        """What the node ``id_`` was made of."""
        with _refusing():
            body, declaration = self._connection.execute("select body, declaration from body where id = ?", (id_,)).fetchone()
            return unpack_declaration(json.loads(declaration), unpack_body(json.loads(body)))

    def finish(self, head: Mapping[str, Any], nodes: Iterable[Node]) -> None:
        """Put the file in its place."""
        with _refusing():
            _put_head(self._connection, self._cache.text, head, nodes)
            self._connection.execute("commit")
            self._connection.close()
            self._cache.close()
            self._aside.replace(self._cache.path)
            prune(self._cache.folder)

    def close(self) -> None:
        """Leave nothing behind of a file that was not finished."""
        self._connection.close()
        with suppress(OSError):
            self._aside.unlink(missing_ok=True)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, TypeError, ValueError) as error:
        raise Unpackable(str(error)) from error


def _put_head(connection: sqlite3.Connection, text: Callable[[Any], str], head: Mapping[str, Any], nodes: Iterable[Node] | None) -> None:
    parts = head.get("parts", 0)
    if nodes is not None:
        connection.execute("delete from head where part > 0")
        waiting = iter(nodes)
        parts = 0
        while some := list(islice(waiting, _PART)):
            parts += 1
            connection.execute("insert into head values (?, ?)", (parts, text(pack_nodes(some))))
    connection.execute("insert or replace into head values (0, ?)", (text({**head, "parts": parts}),))


def is_ours(path: Path) -> bool:
    """Whether the file exists and belongs to this user: nobody else's facts decide what we run."""
    try:
        there = path.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or there.st_uid == os.getuid()


def prune(folder: Path) -> None:
    """Remove the cache files of a folder that nobody used for longest, and what was abandoned in the making."""
    found = sorted(folder.glob("*.db"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in found[KEPT:]:
        old.unlink(missing_ok=True)
    for left in folder.glob("*.tmp"):  # by somebody who was killed
        if left.stat().st_mtime < time() - ABANDONED:
            left.unlink(missing_ok=True)


class CachedBodies(Mapping[str, Body]):
    """Bodies by node id, decoded when asked for. ``anew`` understands the project again, should the file turn out damaged."""

    def __init__(self, cache: Cache, ids: Collection[str], anew: Anew) -> None:
        self._cache = cache
        self._ids = ids
        self._anew = anew
        self._found: dict[str, Body] = {}
        self._instead: tuple[Mapping[str, Body], Callable[[str], Declaration]] | None = None

    def __getitem__(self, id_: str) -> Body:
        body = self._found.get(id_)
        if body is None:
            if id_ not in self._ids:
                raise KeyError(id_)
            body = self._read(id_, self._cache.body, lambda bodies, _: bodies[id_])
            if len(self._found) >= HELD:
                self._found.clear()
            self._found[id_] = body
        return body

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def declaration(self, id_: str) -> Declaration:
        """The declaration of a node whose template may be rendered again."""
        return self._read(id_, self._cache.declaration, lambda _, declaration: declaration(id_))

    def _read(self, id_: str, kept: Callable[[str], T], fresh: Callable[[Mapping[str, Body], Callable[[str], Declaration]], T]) -> T:
        if self._instead is None:
            try:
                return kept(id_)
            except (sqlite3.Error, LookupError, TypeError, ValueError):
                self._cache.forget()
                self._instead = self._anew()
        return fresh(*self._instead)
