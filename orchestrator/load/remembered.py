"""Meanings kept on disk by content, beside the parse cache: what did not change is not worked out again.

One SQLite file for each way of calling, a row for each node. Everything in it can be worked out again: a file that is damaged,
from another version of the code, or owned by somebody else is ignored and written anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import finalize

from orchestrator.core.meaning import Meaning
from orchestrator.graph.meanings import Kept
from orchestrator.load.cache import is_ours, prune
from orchestrator.load.packed_meaning import pack_meaning, unpack_meaning

FOLDER = "meanings"
"""Below the parse cache's folder."""

_TABLES = """
    create table if not exists about (name text primary key, value text);
    create table if not exists meaning (id text primary key, key text, shape text, value text);
"""


class Remembered:
    """The file of one way of calling. ``engine`` names the code that works meanings out; what contains a secret is never written."""

    def __init__(self, folder: Path, key: str, engine: str, secrets: Collection[str] = ()) -> None:
        self.path = folder / FOLDER / f"{key}.db"
        self._engine = engine
        self._secrets = secrets
        self._reading: sqlite3.Connection | None = None
        self._one_by_one = Lock()

    def stamp(self) -> str | None:
        """Names the project of which all meanings are here; ``None`` when not all are."""
        with suppress(sqlite3.Error):
            about = self._about()
            return about.get("stamp") if about.get("engine") == self._engine else None
        return None

    def all(self) -> dict[str, Kept]:
        """Everything that is here, by node id; a meaning itself is read when it is asked for."""
        with suppress(sqlite3.Error):
            if self._about().get("engine") == self._engine:
                return {
                    id_: Kept(key, shape, partial(self._read, id_, key))
                    for id_, key, shape in self._asked("select id, key, shape from meaning")
                }
        return {}

    def keep(self, fresh: Mapping[str, Kept], ids: Collection[str], stamp: str | None) -> bool:
        """Keep what was worked out, let go of everything but ``ids``; whether all of it is here now. A full disk means no, no more."""
        try:
            rows = [(id_, kept.key, kept.shape, pack_meaning(kept.read())) for id_, kept in fresh.items()]
            hidden = [json.dumps(secret)[1:-1] for secret in self._secrets]
            openly = [row for row in rows if not any(text in row[3] for text in hidden)]
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)  # for nobody else to read
            with closing(sqlite3.connect(self.path, timeout=2, isolation_level=None)) as connection:
                connection.executescript(f"pragma synchronous = off; pragma secure_delete = on; {_TABLES}")
                connection.execute("begin immediate")
                if dict(connection.execute("select name, value from about")).get("engine") != self._engine:
                    connection.execute("delete from meaning")
                for text in hidden:  # what was no secret yesterday
                    connection.execute("delete from meaning where instr(value, ?)", (text,))
                gone = {id_ for (id_,) in connection.execute("select id from meaning")} - set(ids)
                connection.executemany("delete from meaning where id = ?", [(id_,) for id_ in gone])
                connection.executemany("insert or replace into meaning values (?, ?, ?, ?)", openly)
                whole = stamp if len(openly) == len(rows) else None
                connection.executemany("insert or replace into about values (?, ?)", [("engine", self._engine), ("stamp", whole)])
                connection.execute("commit")
            prune(self.path.parent)
        except (sqlite3.DatabaseError, OSError):
            self.forget()
            return False
        return whole is not None

    def forget(self) -> None:
        """Remove the file: it is damaged."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _about(self) -> dict[str, Any]:
        return dict(self._asked("select name, value from about"))

    def _read(self, id_: str, key: str) -> Meaning:
        """Raises ``LookupError`` or ``ValueError`` when the file is damaged or was written anew meanwhile."""
        try:
            return unpack_meaning(self._asked("select value from meaning where id = ? and key = ?", id_, key)[0][0])
        except (sqlite3.Error, TypeError) as error:
            raise ValueError(str(error)) from error

    def _asked(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with self._one_by_one:
            if self._reading is None:
                if not is_ours(self.path):
                    return []
                self._reading = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
                finalize(self, self._reading.close)
            return self._reading.execute(query, values).fetchall()
