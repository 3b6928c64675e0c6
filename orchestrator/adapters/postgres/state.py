"""A state database on a Postgres server, for several hosts: the same statements as in a file, sent to a schema of its own.

Statements are written for SQLite and mean the same here: parameters are ``?``, and a transaction that writes waits for the one before
it, whoever sends that. What differs in the text of a migration is replaced word by word.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.rows import RowMaker

from orchestrator.core.errors import Problem, StoreError

SCHEMA = "orc_state"
"""The schema that holds the tables; a database may hold other things beside it."""

PATIENCE_SECONDS = 15.0
"""For how long a server that went away is asked again."""

_WRITERS = 0x6F7263  # the advisory lock of whoever writes

_LEADER = 0x6F72636C  # and of the scheduler that leads

_WORDS = (
    (re.compile(r"\)\s*strict(?:,\s*without rowid)?\s*;", re.IGNORECASE), ");"),
    (re.compile(r"\binteger\b", re.IGNORECASE), "bigint"),
    (re.compile(r"\breal\b", re.IGNORECASE), "double precision"),
    (re.compile(r"\bblob\b", re.IGNORECASE), "bytea"),
)

_ELSEWHERE = re.compile(r"^create trigger\b.*?^end;\n?", re.IGNORECASE | re.DOTALL | re.MULTILINE)

_HERE = re.compile(r"^/\* on a server\n(.*?)\*/", re.DOTALL | re.MULTILINE)


class PostgresState:
    """Where the state is: a URL as libpq knows it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __str__(self) -> str:
        return shown(self._url)

    def link(self, migrations: Sequence[str]) -> PostgresLink:
        """A session with a database that is up to date.

        Raises:
            StoreError: S008, it cannot be reached; S009, it refuses; S001, a newer version wrote it.
        """
        link = PostgresLink(self._url)
        try:
            link.migrate(migrations)
        except BaseException:
            link.close()
            raise
        return link

    def leading(self) -> PostgresLeading:
        """The lock that one scheduler of all hosts has."""
        return PostgresLeading(self._url)


class PostgresLeading:
    """A lock that a session has as long as it lives: when the process or its host is gone, the server gives it to the next one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._driver: psycopg.Connection[Any] | None = None

    def take(self) -> bool:
        """Try to lead, without waiting; whoever leads already learns whether it still does.

        Raises:
            StoreError: S008, the server cannot be reached by somebody who does not lead.
        """
        if self._driver is not None:
            try:
                self._driver.execute(b"select 1")
            except psycopg.Error:  # the session is lost, and the lock with it
                self.leave()
                return False
            return True
        try:
            driver = psycopg.connect(self._url, autocommit=True, application_name="orc serve", keepalives_idle=5, keepalives_count=3)
            row = driver.execute(f"select pg_try_advisory_lock({_LEADER})".encode()).fetchone()
        except psycopg.Error as error:
            raise StoreError(Problem("S008", f"the state database `{shown(self._url)}` cannot be reached: {error}")) from error
        if not row or not row[0]:
            driver.close()
            return False
        self._driver = driver
        return True

    def leave(self) -> None:
        """Let the next one lead."""
        driver, self._driver = self._driver, None
        if driver is not None:
            with suppress(psycopg.Error):
                driver.close()


class Row(tuple[Any, ...]):
    """A row whose values have a place and a name, as SQLite's have."""

    __slots__ = ()
    names: dict[str, int] = {}  # noqa: RUF012 - each result's class has its own, and nobody changes it

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names[key] if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        """The names, in order."""
        return list(self.names)


def _rows(cursor: psycopg.Cursor[Any]) -> RowMaker[Row]:
    columns = {column.name: place for place, column in enumerate(cursor.description or ())}
    return cast("RowMaker[Row]", type("Row", (Row,), {"names": columns}))


class PostgresLink:
    """A session; satisfies :class:`~orchestrator.core.ports.Link`. One that is lost between two transactions is opened again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._driver: psycopg.Connection[Any] | None = None
        self._reached = False
        self._open = False

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._open

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        """Send a statement; ``begin``, ``commit`` and ``rollback`` among them."""
        match sql.split(None, 1)[0].casefold():
            case "begin":
                return self._begin()
            case "commit" | "rollback":
                self._open = False
                with self._explained():
                    return self._session().execute(sql.encode())
            case _:
                with self._explained():
                    return self._session().execute(asked(sql), _kept(parameters))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Send a statement once for each row of parameters."""
        with self._explained():
            cursor = self._session().cursor()
            cursor.executemany(asked(sql), [_kept(row) for row in parameters])
            return cursor

    def close(self) -> None:
        """End the session; what was not committed is gone."""
        driver, self._driver, self._open = self._driver, None, False
        if driver is not None:
            with suppress(psycopg.Error):
                driver.close()

    def migrate(self, migrations: Sequence[str]) -> None:
        """Bring the tables up to date, in one transaction, while nobody else does."""
        self.execute("begin")
        try:
            session = self._session()
            with self._explained():
                session.execute(f"create schema if not exists {SCHEMA}".encode())
                session.execute(b"create table if not exists version (version bigint not null)")
                row = session.execute(b"select max(version) from version").fetchone()
                found = int(row[0] or 0) if row else 0
                _not_newer(found, len(migrations), self._shown)
                for number, script in enumerate(migrations[found:], found + 1):
                    session.execute(translated(script).encode())
                    session.execute(f"insert into version values ({number})".encode())
        except BaseException:
            with suppress(StoreError):
                self.execute("rollback")
            raise
        self.execute("commit")

    def _begin(self) -> Any:
        """Open a transaction that nobody else writes beside. A server that went away is asked for a while, one never met only once."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self._explained():
                    session = self._session()
                    session.execute(b"begin")
                    found = session.execute(f"select pg_advisory_xact_lock({_WRITERS})".encode())
            except StoreError as error:
                self.close()
                if error.first.code != "S008" or not self._reached or time.monotonic() >= until:
                    raise
                time.sleep(0.5)
            else:
                self._open = True
                return found

    def _session(self) -> psycopg.Connection[Any]:
        if self._driver is None or (self._driver.closed and not self._open):
            # The client puts parameters into the text: a question may compare one with nothing that has a type.
            driver = psycopg.connect(
                self._url, autocommit=True, row_factory=_rows, cursor_factory=psycopg.ClientCursor, application_name="orc state"
            )
            driver.execute(f"set search_path = {SCHEMA}".encode())
            driver.execute(b"set lock_timeout = '10s'")
            self._driver, self._reached = driver, True
        return self._driver

    @property
    def _shown(self) -> str:
        return shown(self._url)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            said = (error.diag.message_primary or str(error)).strip().splitlines()[0]
            if error.sqlstate == "55P03":
                problem = Problem(
                    "S003", f"the state database `{self._shown}` is in use by another process and did not become free in 10 s"
                )
            elif isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08")[:2] in ("08", "57", "53"):
                hint = "it holds the history of runs, not the data; `state` in the project file or ORC_STATE_URL says where it is"
                problem = Problem("S008", f"the state database `{self._shown}` cannot be reached: {said}", hint=hint)
            else:
                problem = Problem(
                    "S009", f"the state database `{self._shown}` refuses: {said}", hint=f"the role needs the schema `{SCHEMA}` for itself"
                )
            raise StoreError(problem) from error


def _not_newer(found: int, known: int, shown: str) -> None:
    if found > known:
        message = f"the state database `{shown}` was written by a newer version (schema {found}, this one knows {known})"
        raise StoreError(Problem("S001", message, hint="upgrade, or use another state database; it was left as it is"))


def asked(sql: str) -> bytes:
    """A statement with the driver's spelling of parameters.

    >>> asked("select '?' || x from t where y like 'a%' and z = ?")
    b"select '?' || x from t where y like 'a%%' and z = %s"
    """
    pieces = re.split(r"('(?:[^']|'')*')", sql.replace("%", "%%"))
    return "".join(piece if piece.startswith("'") else piece.replace("?", "%s") for piece in pieces).encode()


def translated(script: str) -> str:
    r"""A migration in this server's words.

    >>> translated("create table t (n integer not null, s real) strict, without rowid;")
    'create table t (n bigint not null, s double precision);'

    What only this server can read stands in a comment that says so; triggers of a file are left out.

    >>> translated("create trigger t before update on a\nbegin\n  select 1;\nend;\n/* on a server\nselect 2;\n*/")
    'select 2;'
    """
    here = "".join(_HERE.findall(script))
    script = _HERE.sub("", _ELSEWHERE.sub("", script)).rstrip()
    for pattern, word in _WORDS:
        script = pattern.sub(word, script)
    return f"{script}\n{here}".strip()


def shown(url: str) -> str:
    """A URL without its password.

    >>> shown("postgresql://me:secret@db.example/state?sslmode=require")
    'postgresql://me@db.example/state'
    """
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")
    user = place[0].partition(":")[0]
    return urlunsplit((parts.scheme, f"{user}@{place[2]}" if user else place[2], parts.path, "", ""))


def _kept(row: Sequence[Any]) -> list[Any]:
    """Values as a file keeps them: it has no booleans."""
    return [int(value) if isinstance(value, bool) else value for value in row]
