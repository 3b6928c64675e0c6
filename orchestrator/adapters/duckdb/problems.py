"""What DuckDB's errors mean, as problems: pure, so that every sentence can be tested without provoking it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from orchestrator.core.errors import ExecuteError, Problem, WarehouseError, did_you_mean

LOST = "X110"

CODES = {
    "ParserException": "X101",
    "SyntaxException": "X101",
    "CatalogException": "X102",
    "BinderException": "X102",
    "ConversionException": "X103",
    "InvalidInputException": "X103",
    "OutOfRangeException": "X103",
    "TypeMismatchException": "X103",
    "InvalidTypeException": "X103",
    "ConstraintException": "X104",
    "TransactionException": "X105",
    "InterruptException": "X106",
    "OutOfMemoryException": "X107",
    "IOException": "X108",
    "HTTPException": "X108",
    "PermissionException": "X109",
    "DependencyException": "X111",
}
"""Our code for each exception class: X101 syntax, X102 unknown name, X103 bad value, X104 constraint, X105 transaction,
X106 cancelled, X107 memory or disk, X108 files and network, X109 not allowed, X111 something depends on it; X100 is the rest."""

_TAIL = re.compile(r"\s*(?:Candidate [a-z]+:|Did you mean|Possible solutions:|See also https?:|Use \"SET |\n\nLINE \d+:)")
_CONFLICT = re.compile(r"write-write conflict|conflict on|transaction conflict|could not set lock", re.IGNORECASE)
_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_SYSTEM = ("pg_", "duckdb_", "sqlite_", "information_schema", "pragma_")


def refused(error: Exception, sql: str, *, prefix: int = 0, statements: int = 1) -> ExecuteError:
    """DuckDB's refusal of ``sql`` as an error that knows its place.

    DuckDB counts UTF-8 bytes from the start of the *statement*; ``position`` counts characters of ``sql``, from which the
    first ``prefix`` characters (ours) are taken off. Of several ``statements`` only a syntax error says where it is.
    """
    facts = _facts(str(error))
    kind = _kind(error, facts)
    text = str(facts.get("exception_message") or str(error).split(": ", 1)[-1]).strip()
    message = _TAIL.split(text, maxsplit=1)[0].strip() or text
    offset = _offset(facts) if statements == 1 or kind == "ParserException" else None
    code = CODES.get(kind, "X100")
    full = "No space left" in text or "File too large" in text
    problem = Problem(
        "X107" if full else code,
        "the query was cancelled" if code == "X106" else message,
        hint="the disk is full, or the file may not grow; what was published before is untouched"
        if full
        else _hint(kind, facts, text, message),
    )
    return ExecuteError(
        problem,
        position=None if offset is None else characters(sql, offset, prefix),
        transient=bool(_CONFLICT.search(text)) or kind == "HTTPException",
        cancelled=code == "X106",
    )


def characters(sql: str, offset: int, prefix: int = 0) -> int | None:
    """The character of ``sql`` at a UTF-8 byte ``offset``, less ``prefix``; ``None`` when that is before the text.

    >>> characters("select 'é', nope", 13)
    12
    """
    found = offset if sql.isascii() else len(sql.encode(errors="surrogatepass")[:offset].decode(errors="ignore"))
    found = min(found, len(sql)) - prefix
    return found if found >= 0 else None


def unreachable(error: str, path: str) -> WarehouseError:
    """Why the database could not be opened, from DuckDB's own text, and what to do about it."""
    text = str(_facts(error).get("exception_message") or error).strip()
    first = _TAIL.split(text, maxsplit=1)[0].split(" Error: ", 1)[-1].strip()
    if is_locked(text):
        holder = _HOLDER.search(text)
        by = f"process {holder['pid']} ({holder['program']})" if holder else "another process"
        hint = "DuckDB admits one process at a time: wait with `--lock-timeout SECONDS`, or end that process"
        return WarehouseError(Problem("W101", f"{path} is in use by {by}", hint=hint))
    table: tuple[tuple[str, str, str, str | None], ...] = (
        ("No such file or directory", "W102", f"the folder of {path} does not exist", "create it, or correct `path` in the profile"),
        ("in read-only mode: database does not exist", "W102", f"{path} does not exist", "take `read_only` away to create it"),
        ("Permission denied", "W103", f"no permission to open {path}", "check the owner and mode of the file and its folder"),
        ("Read-only file system", "W103", f"{path} is on a read-only file system", "choose another `path` in the profile"),
        ("No space left", "W107", f"no space left on the disk of {path}", "free some space; what was published before is untouched"),
        ("Is a directory", "W104", f"{path} is a folder", "name a file in it: `path: folder/warehouse.duckdb`"),
        ("not a valid DuckDB database", "W104", f"{path} is not a DuckDB database", "correct `path` in the profile"),
        ("Corrupt database", "W105", f"{path} is damaged: {first}", "restore it from a backup; nothing was changed"),
        ("enough bytes", "W105", f"{path} is damaged: {first}", "restore it from a backup; nothing was changed"),
        ("WAL", "W105", f"{path}.wal cannot be replayed: {first}", "keep both files and restore from a backup; nothing was changed"),
        ("newer version", "W106", f"{path} was written by another version of DuckDB: {first}", "upgrade: `pip install -U duckdb`"),
        ("older version", "W106", f"{path} was written by another version of DuckDB: {first}", "export it with the version that wrote it"),
        ("different configuration", "W108", f"{path} is already open in this process with another configuration", None),
        ("not recognized", "W109", first, "see `config_options` in the profile"),
        ("configuration parameter", "W109", first, "see `settings` in the profile"),
        ("xtension", "W110", first, "see `extensions` in the profile; installing one needs the network"),
    )
    for sign, code, message, advice in table:
        if sign in text:
            return WarehouseError(Problem(code, message, hint=advice))
    return WarehouseError(Problem("W100", f"cannot open {path}: {first}"))


def is_locked(error: str) -> bool:
    """Whether DuckDB's text says that another process holds the file; waiting may help."""
    return "Could not set lock" in error or "used by another process" in error


def foreign(header: bytes, path: str) -> WarehouseError | None:
    """An error when a file's first bytes say that it is no DuckDB database, before DuckDB fetches an extension to read it.

    >>> foreign(b"SQLite format 3" + bytes(1), "shop.db").first.code
    'W104'
    """
    if header[8:12] == b"DUCK":
        return None
    if not header:
        return WarehouseError(Problem("W104", f"{path} is empty, not a DuckDB database", hint="delete it: orc creates the file itself"))
    what = "a SQLite database" if header.startswith(b"SQLite format 3") else "not a DuckDB database"
    return WarehouseError(Problem("W104", f"{path} is {what}", hint="correct `path` in the profile; a SQLite file can go under `attach`"))


def lost(cause: ExecuteError | None) -> ExecuteError:
    """What a commit says when the transaction had failed before."""
    why = f": {cause.first.message}" if cause is not None else ""
    problem = Problem(LOST, f"nothing was committed, because a statement of the transaction failed{why}")
    return ExecuteError(problem, transient=cause is not None and cause.transient, cancelled=cause is not None and cause.cancelled)


def _kind(error: Exception, facts: dict[str, Any]) -> str:
    """DuckDB's class for an error, also when Arrow carried it here as one of its own."""
    name = type(error).__name__
    if name in CODES or not facts:
        return name
    said = str(facts["exception_type"]).replace(" ", "").casefold() + "exception"
    return next((known for known in CODES if known.casefold() == said), name)


def _facts(text: str) -> dict[str, Any]:
    """The JSON in an error's text, if there is any."""
    start = text.find('{"exception_type"')
    if start < 0:
        return {}
    try:
        found, _ = json.JSONDecoder().raw_decode(text[start:])
    except ValueError:
        return {}
    return dict(found)


def _offset(facts: dict[str, Any]) -> int | None:
    position = str(facts.get("position", ""))
    return int(position) if position.isdigit() else None


def _hint(kind: str, facts: dict[str, Any], text: str, message: str) -> str | None:
    if _CONFLICT.search(text):
        return "another transaction changed the same thing; trying again may help"
    if "Ambiguous reference to catalog or schema" in text:
        return "DuckDB keeps no view in a schema that is called like its database: give the schema or the file another name"
    if kind == "OutOfMemoryException":
        return "raise `memory_limit` under `settings` in the profile, or give the model less to hold at once"
    if "Candidate functions:" in text:
        offers = [line.strip() for line in text.split("Candidate functions:", 1)[1].splitlines() if line.strip()]
        return f"there is {' and '.join(f'`{o}`' for o in offers[:3])}"
    if kind not in ("BinderException", "CatalogException"):
        return None
    name = str(facts.get("name") or next(iter(re.findall(r'"([^"]+)"', message)[-1:]), ""))
    offers = _candidates(facts, text)
    if not name or not offers:
        return None
    also = f"there is {', '.join(f'`{o}`' for o in offers[:5])}" if kind == "BinderException" else ""
    return did_you_mean(name, offers, also=also)


def _candidates(facts: dict[str, Any], text: str) -> list[str]:
    given = str(facts.get("candidates", ""))
    tail = text[match.start() :] if (match := _TAIL.search(text)) else ""
    found: Iterable[str] = given.split(",") if given else re.findall(r'"([^"]+)"', tail)
    return [c.strip() for c in found if c.strip() and not c.strip().startswith(_SYSTEM)]
