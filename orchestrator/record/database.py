"""The state database file: opened, brought up to date, and never harmed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.core.errors import Problem, StoreError
from orchestrator.core.ports import Link, StateServer

SCHEMA = 8
"""The newest migration; a database says in ``user_version`` how far it has come."""

APPLICATION = 0x6F726331
"""Written into the file's header, so that nobody else's database is migrated by accident."""

WAIT = 10.0
"""Seconds to wait for another process's transaction. Ours take milliseconds."""

_MIGRATIONS = Path(__file__).parent / "migrations"


Place = Path | StateServer
"""Where a state database is: a file, or a server's."""


def database(place: Place, *, create: bool) -> Link:
    """Open the state database; transactions are the caller's (:func:`transaction`).

    Raises:
        FileNotFoundError: there is no such file and ``create`` is false.
        StoreError: the file cannot be opened or written, is damaged, is not ours, or was written by a newer version.
    """
    if not isinstance(place, Path):
        return place.link([_script(number) for number in range(1, SCHEMA + 1)])
    return _file(place, create=create)


def _file(path: Path, *, create: bool) -> sqlite3.Connection:
    if not create and not path.exists():
        raise FileNotFoundError(path)
    with explained(path):
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
        try:
            # WAL: readers never wait for the writer. FULL: what was committed survives a power cut, not only a crash.
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.execute("pragma foreign_keys = on")
            connection.row_factory = sqlite3.Row
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def transaction(connection: Link, place: Place) -> Iterator[Link]:
    """All or nothing. IMMEDIATE: a transaction that reads first and writes later could fail at once instead of waiting."""
    with explained(place):
        connection.execute("begin immediate")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise
        connection.execute("commit")


@contextmanager
def reading(place: Place) -> Iterator[Link | None]:
    """The state database for questions; ``None`` while nobody has written one.

    Raises:
        StoreError: it cannot be opened or read.
    """
    try:
        link = database(place, create=False)
    except FileNotFoundError:
        yield None
        return
    try:
        with explained(place):
            yield link
    finally:
        link.close()


@contextmanager
def explained(place: Place) -> Iterator[None]:
    """Turn what SQLite and the file system say into a problem with a way out. A server's link does so itself."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(_problem(Path(str(place)), error)) from error


def _problem(path: Path, error: Exception) -> Problem:
    code = getattr(error, "sqlite_errorcode", -1) & 0xFF if isinstance(error, sqlite3.Error) else -1
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Problem("S003", f"the state database `{path}` is in use by another process and did not become free in {WAIT:.0f} s")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        hint = (
            "it holds the history of runs only, what was published is recorded in the warehouse: "
            f"move it away (`mv {path} {path}.damaged`, with its -wal and -shm files) and the next run starts a new one"
        )
        return Problem("S002", f"the state database `{path}` is damaged ({error})", hint=hint)
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) == 28:
        return Problem("S004", f"the disk is full: the state database `{path}` could not be written", hint="free some space and run again")
    hint = "the folder must exist or be creatable, and be writable together with the file"
    return Problem("S004", f"the state database `{path}` cannot be opened or written ({error})", hint=hint)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    found = _version(connection, path)
    if found == SCHEMA:
        return
    if found:  # a new file has nothing to lose
        connection.execute("vacuum into ?", (str(_spare(path, found)),))
    connection.execute("begin immediate")
    try:
        # Another process may have been faster while we waited for the lock.
        for number in range(_version(connection, path) + 1, SCHEMA + 1):
            for statement in _statements(_script(number)):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {number}")
        connection.execute(f"pragma application_id = {APPLICATION}")
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _script(number: int) -> str:
    return (_MIGRATIONS / f"{number:04}.sql").read_text(encoding="utf-8")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("pragma user_version").fetchone()[0])
    owner = int(connection.execute("pragma application_id").fetchone()[0])
    if version > SCHEMA and owner == APPLICATION:
        message = f"the state database `{path}` was written by a newer version (schema {version}, this one knows {SCHEMA})"
        raise StoreError(Problem("S001", message, hint="upgrade, or use another state database; it was left as it is"))
    empty = not version and not connection.execute("select 1 from sqlite_schema limit 1").fetchone()
    if owner != APPLICATION and not empty:
        raise StoreError(Problem("S005", f"`{path}` is a SQLite database, but not a state database of ours", hint="name another file"))
    return version


def _spare(path: Path, version: int) -> Path:
    """Where to keep a copy of a file before it is migrated; a copy that is there already is an older truth and stays."""
    number = 0
    while (spare := path.with_name(f"{path.name}.v{version}{f'.{number}' if number else ''}.bak")).exists():
        number += 1
    return spare


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
