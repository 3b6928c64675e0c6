"""What the stages need from outside: engines, clock, state, console. Each has a fake smaller than the real thing in tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.core.dialect import Dialect
from orchestrator.core.event import Event
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Described, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestrator.core.schedule import Board, Decision, Launch, LaunchStatus, Tick

__all__ = [
    "Answer",
    "Clock",
    "Connection",
    "Dialect",
    "Forge",
    "Launcher",
    "Leadership",
    "Link",
    "Pools",
    "Posted",
    "Questions",
    "Reply",
    "Sink",
    "StateServer",
    "Timetable",
    "Warehouse",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine answered: rows (a query's), rows affected (DML's), column names, and its own message for people."""

    rows: tuple[tuple[Any, ...], ...] = ()
    columns: tuple[str, ...] = ()
    affected: int | None = None
    message: str = "OK"
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a question's process left: its exit code, and what it said."""

    key: str
    code: int
    said: str = ""
    wrong: str = ""

    @property
    def why(self) -> str:
        """What went wrong, in a line: our own error if there is one, else the last thing it said."""
        lines = [line for line in self.wrong.strip().splitlines() if line.strip()] or [f"exit code {self.code}"]
        return next((line for line in lines if line.startswith("error")), lines[-1])[:200]


SENT = "orc_sent"
"""The column in which an engine's function tells the statements that it sent itself."""


class Connection(Protocol):
    """One session with an engine, used by one thread at a time (``cancel`` excepted)."""

    def execute(self, sql: str) -> Answer:
        """Run one statement. Raises ``ExecuteError`` with the engine's message and position."""
        ...

    def begin(self) -> None:
        """Open a transaction."""
        ...

    def commit(self) -> None:
        """Commit. Raises ``ExecuteError`` when the transaction was already lost: a commit that did not happen never returns."""
        ...

    def rollback(self) -> None:
        """Give the transaction up; harmless when there is none."""
        ...

    def columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        """Columns ``(name, type)`` of a relation, uncommitted ones of this session included."""
        ...

    def describe(self, sql: str) -> tuple[tuple[str, str], ...]:
        """Output columns ``(name, type)`` of a query, without running it."""
        ...

    def estimate(self, sql: str) -> int | None:
        """Bytes the engine says a query would process, without running it; ``None`` where it does not say such things."""
        ...

    def read(self, sql: str) -> pa.RecordBatchReader:
        """A query's result as a stream of Arrow batches."""
        ...

    def load(
        self,
        relation: Relation,
        frames: pa.RecordBatchReader,
        types: dict[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> int:
        """Create (or replace) a table from Arrow batches; returns the number of rows.

        ``types`` override column types; ``config`` is what :meth:`Dialect.create_table` gets.
        """
        ...

    def about(self, node: str | None) -> Mapping[str, int]:
        """Say what the session works on from now; returns what the work before cost (``bytes_billed``, …), in units that add up."""
        ...

    def cancel(self) -> None:
        """Stop what runs on this connection now; callable from any thread."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class Warehouse(Protocol):
    """An engine one can connect to."""

    dialect: Dialect

    def connect(self) -> Connection:
        """A new session. Raises ``WarehouseError`` with what to do when the engine cannot be reached."""
        ...

    def snapshot(self, relations: Iterable[Relation]) -> Snapshot:
        """What exists in the schemas of ``relations``, and the ledger; one round of catalog queries."""
        ...

    def catalog(self, relations: Iterable[Relation]) -> tuple[Described, ...]:
        """What the engine's own catalog says of those of ``relations`` that exist, comments included."""
        ...

    def changed(self, relations: Iterable[Relation]) -> Mapping[Relation, tuple[datetime, str]]:
        """When the rows of relations changed last, and a word that is another after every change, as far as the engine keeps such things.

        Of a relation that is missing here nothing is known.
        """
        ...

    def close(self) -> None:
        """Release what the warehouse holds (files, pools)."""
        ...


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...


class Timetable(Protocol):
    """Where schedulers keep what they know: ticks are final, and each fires once, whoever decides it."""

    def board(self) -> Board:
        """Everything a decision needs, as of one moment."""
        ...

    def commit(self, decision: Decision, now: datetime, fence: int | None = None) -> tuple[Tick, ...]:
        """Write a decision down, all of it or nothing; the ticks that nobody had written before."""
        ...

    def begin(self, id_: str, run: str, now: datetime, fence: int = 0) -> bool:
        """Take a waiting launch; false when somebody else has it."""
        ...

    def waiting(self, waits: Mapping[str, str]) -> None:
        """Write down what launches wait for, by their ids."""
        ...

    def process(self, id_: str, pid: int) -> None:
        """Remember which process runs a launch."""
        ...

    def end(self, id_: str, status: LaunchStatus, now: datetime, *, code: int | None = None, reason: str | None = None) -> bool:
        """Write down how a running launch ended; false when it was not running."""
        ...

    def hand_over(self, id_: str, reason: str, fence: int | None = None) -> bool:
        """Put a running launch back in the queue; false when it was not running."""
        ...


class Launcher(Protocol):
    """Runs launches outside of this process."""

    def start(self, launch: Launch, order: Mapping[str, Any], run: str) -> int:
        """Begin; returns the process's number. ``order`` says in JSON's values what to do, ``run`` is the id of the run it makes."""
        ...

    def ended(self) -> Iterable[tuple[str, int]]:
        """Launches whose process is gone since the last question, with its exit code: negative for a signal's number."""
        ...

    def stop(self, id_: str, *, kill: bool = False) -> None:
        """Ask a launch to end, or end it."""
        ...


class Pools(Protocol):
    """Places that nodes of several runs share: never more are taken than a pool is wide."""

    def take(self, pool: str, node: str) -> bool:
        """Take a place for a node; false when there is none."""
        ...

    def leave(self, pool: str, node: str) -> None:
        """Give a place back."""
        ...

    def crowded(self, pool: str) -> int:
        """The engine refused for want of room: make the pool narrower for a while; returns its width now."""
        ...

    def beat(self) -> None:
        """Say that the run lives, every now and then."""
        ...


class Questions(Protocol):
    """Asks short questions outside of this process, and does not wait for the answers."""

    def ask(self, key: str, words: Sequence[str]) -> bool:
        """Ask with a command of ours; false when there are enough questions for now, or this one is not answered yet."""
        ...

    def answers(self) -> Iterable[Reply]:
        """What was answered since the last call."""
        ...

    def close(self) -> None:
        """Nobody listens any more."""
        ...


class Link(Protocol):
    """A session with a state database. SQL is what SQLite and Postgres both take, parameters are ``?``; rows are read by name or place."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        """Send a statement; what comes back has ``fetchone``, ``fetchall``, ``rowcount``, and can be iterated."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Send a statement once for each row of parameters."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class Leadership(Protocol):
    """A lock that one scheduler has, and nobody keeps beyond its life."""

    def take(self) -> bool:
        """Try to have it, without waiting; whoever has it already learns whether it still does."""
        ...

    def leave(self) -> None:
        """Give it to the next one."""
        ...


class StateServer(Protocol):
    """A state database that is no file. ``str()`` of it may be shown: it holds no password."""

    def leading(self) -> Leadership:
        """The lock that one scheduler of all hosts has."""
        ...

    def link(self, migrations: Sequence[str]) -> Link:
        """A session with a database that is up to date: ``migrations`` are all scripts, oldest first.

        Raises:
            StoreError: it cannot be reached (S008), refuses (S009), or was written by a newer version (S001).
        """
        ...


class Sink(Protocol):
    """Somebody who hears every event of a run: history, console, JSON log."""

    def hear(self, event: Event) -> None:
        """Take note. Called from one thread, in order."""
        ...

    def close(self) -> None:
        """The run is over."""
        ...


@dataclass(frozen=True, slots=True)
class Posted:
    """A comment that is there: how the forge names it, what it says, where people read it."""

    id: str
    body: str
    url: str = ""


class Forge(Protocol):
    """Where a pull request is talked about. Every method raises ``ForgeError``, which says whether trying again may help."""

    def find(self, marker: str) -> Posted | None:
        """Our own oldest comment that begins with ``marker``, on whatever page it is."""
        ...

    def create(self, body: str) -> Posted:
        """A new comment. After a lost answer it may be there or not: ``find`` knows."""
        ...

    def update(self, id_: str, body: str) -> Posted:
        """Another text for a comment; doing it twice is doing it once."""
        ...

    def delete(self, id_: str) -> None:
        """Take back a comment that was just made."""
        ...
