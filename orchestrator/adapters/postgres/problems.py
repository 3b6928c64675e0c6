"""What Postgres's errors mean, as problems: pure, so that every sentence can be tested without provoking it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.adapters.postgres.functions import FENCED, REFUSED
from orchestrator.core.errors import ExecuteError, Problem, WarehouseError
from orchestrator.core.names import STAGE_SUFFIX

if TYPE_CHECKING:
    import psycopg

LOST = "X110"

IDLED = "25P03"
"""SQLSTATE of a transaction that stood still for too long: a limit like others, although it ends the session."""

CODES: dict[str, str] = {
    REFUSED: "X111",
    FENCED: "X330",
    "42601": "X101",
    "42501": "X109",
    "42P07": "X105",
    "42710": "X105",
    "55P03": "X105",
    "57014": "X106",
    "2BP01": "X111",
    "53": "X107",
    "54": "X107",
    "58": "X108",
    "08": "X108",
    "57P": "X108",
    "23": "X104",
    "44": "X104",
    "22": "X103",
    "42846": "X103",
    IDLED: "X113",
    "25": "X105",
    "40": "X105",
    "28": "X109",
    "42": "X102",
    "3F": "X102",
    "3D": "X102",
    "0A": "X102",
    "21": "X104",
}
"""Our code for an SQLSTATE, by its longest known beginning: X101 syntax, X102 names and types, X103 values, X104 constraints (and a
key that a delta brings twice), X105 transactions and locks, X106 cancelled, X107 memory, disk and limits, X108 connection and files,
X109 not allowed, X111 something depends on it, X113 a time limit of the profile, X115 nobody knows whether a commit happened; X100 is
the rest. W201 and up are refusals to connect (:func:`unreachable`)."""

_TRANSIENT = ("08", "40001", "40P01", "53300", "55P03", "57P")
_RACES = ("23505", "42710", "42P07", "42P06", "XX000")
_ADMIN = re.compile(r"^(?:connection failed: )?(?:connection to server .*? failed: )?(?:FATAL: |ERROR: )?\s*", re.DOTALL)
_PERHAPS = re.compile(r"Perhaps you meant to reference (?:the column|the table alias) \"([^\"]+)\"")


@dataclass(frozen=True, slots=True)
class Report:
    """What the server said about an error. ``position`` counts characters from 1; ``state`` is empty when the connection broke."""

    state: str = ""
    message: str = ""
    detail: str = ""
    hint: str = ""
    position: int | None = None
    table: str = ""
    schema: str = ""

    @classmethod
    def of(cls, error: psycopg.Error) -> Report:
        """The report of a driver's exception."""
        diag = error.diag
        position = diag.statement_position
        return cls(
            state=error.sqlstate or diag.sqlstate or "",
            message=(diag.message_primary or str(error).strip() or type(error).__name__).strip(),
            detail=diag.message_detail or "",
            hint=diag.message_hint or "",
            position=int(position) if position else None,
            table=diag.table_name or "",
            schema=diag.schema_name or "",
        )


def refused(
    report: Report, sql: str, *, prefix: int = 0, asked: bool = False, broken: bool = False, near: str | None = None
) -> ExecuteError:
    """The server's refusal of ``sql``, of which the first ``prefix`` characters are ours.

    ``asked`` says that we asked for the cancel ourselves; ``broken`` that the connection is gone; ``near`` is a hint of our own.
    """
    state = report.state
    position = None if report.position is None else min(report.position - 1, len(sql)) - prefix
    if state == "57014":
        message, code, hint = _stopped(report, asked=asked)
    elif broken and not state:
        message, code, hint = f"the connection to the server was lost: {_first(report.message)}", "X108", "what was not committed is undone"
    else:
        message, code, hint = _told(report), _code(state), near or _hint(report)
    return ExecuteError(
        Problem(code, message, hint=hint),
        position=position if position is not None and position >= 0 else None,
        transient=state != IDLED and ((broken and not asked) or transient(report)),
        cancelled=asked and (state == "57014" or broken),
    )


def transient(report: Report) -> bool:
    """Whether the same thing may succeed a moment later: conflicts, locks, a server that restarts, races in the catalog.

    >>> transient(Report("40P01")), transient(Report("XX000", "tuple concurrently updated")), transient(Report("23505", table="orders"))
    (True, True, False)
    """
    if report.state.startswith(_TRANSIENT):
        return True
    if report.state not in _RACES:
        return False
    catalog = report.schema == "pg_catalog" or '"pg_' in report.message or STAGE_SUFFIX in report.message
    return catalog or "concurrently" in report.message or (report.state == "XX000" and "could not open relation with OID" in report.message)


def _code(state: str) -> str:
    return next((CODES[state[:n]] for n in range(5, 1, -1) if state[:n] in CODES), "X100")


def _told(report: Report) -> str:
    """The message, with the detail that says which row or object is meant; a refusal of ours says it already."""
    if report.detail and report.state != REFUSED and report.state[:2] in ("23", "2B", "21", "42", "0A", "44"):
        return f"{report.message} ({' '.join(report.detail.split())})"
    return report.message


def _hint(report: Report) -> str | None:
    if found := _PERHAPS.search(report.hint):
        return f"did you mean `{found[1].rpartition('.')[2]}`?"
    match report.state:
        case "2BP01":
            return "nothing is ever dropped with what depends on it; drop the dependents first, if nobody needs them"
        case state if state == FENCED:
            return "this process stood still or was cut off for too long; look at what the other run built, then run again"
        case state if state == REFUSED:
            return "nothing was changed; drop what stands in the way, or build it again as a view"
        case "55P03":
            return "somebody holds a lock: `lock_timeout` in the profile says how many seconds to wait"
        case "42601" if "merge" in report.message.casefold():
            return "`merge` needs Postgres 15; use `delete+insert`"
        case "25P03":
            return "`idle_in_transaction_session_timeout` in the profile is how many seconds a transaction may stand still"
        case "21000":
            return "the delta brings a key more than once; a `unique` test on the key would have said so before"
    return report.hint or None


def _stopped(report: Report, *, asked: bool) -> tuple[str, str, str | None]:
    if asked:
        return "the query was cancelled", "X106", None
    if "statement timeout" in report.message:
        return "the query took longer than allowed", "X113", "`statement_timeout` in the profile is its limit in seconds"
    return "the query was cancelled by somebody else", "X113", f"the server says: {report.message}"


def lost(cause: ExecuteError | None) -> ExecuteError:
    """What a commit says when the transaction had failed before."""
    why = f": {cause.first.message}" if cause is not None else ""
    problem = Problem(LOST, f"nothing was committed, because a statement of the transaction failed{why}")
    return ExecuteError(problem, transient=cause is not None and cause.transient, cancelled=cause is not None and cause.cancelled)


def unknown(state: str) -> ExecuteError:
    """A commit was sent, and the connection was gone before its answer."""
    hint = "look at the ledger (`_orc.ledger`) before the model runs again: what it appends may be there already"
    return ExecuteError(Problem("X115", f"the connection was lost during the commit, and its outcome is {state}", hint=hint))


def unreachable(error: str, place: str, user: str | None = None) -> WarehouseError:
    """Why there is no connection, from libpq's own text, and what to do about it.

    >>> unreachable('connection failed: FATAL:  database "dw" does not exist', "db:5432").first.code
    'W203'
    >>> unreachable('connection failed: FATAL:  the database system is not yet accepting connections', "db:5432").first.code
    'W207'
    """
    first = _first(error)
    who = f"`{user}`" if user else "the user"
    table: tuple[tuple[str, str, str, str | None], ...] = (
        ("too many", "W206", f"{place} has no connection left: {first}", "use fewer `--threads`, or raise max_connections"),
        *(
            (sign, "W207", f"{place} is not ready: {first}", "wait, or raise `retries` in the profile")
            for sign in ("starting up", "shutting down", "accepting connections", "in recovery mode")
        ),
        ("password authentication failed", "W202", f"{place} refuses the password of {who}", "check `user` and `password` in the profile"),
        ("no password supplied", "W202", f"{place} asks for a password", "set `password` in the profile, or use a password file"),
        ("authentication failed", "W202", f"{place} does not let {who} in: {first}", "check `user` in the profile"),
        ("pg_hba.conf", "W202", f"{place} does not let {who} in from here: {first}", "the server's pg_hba.conf decides"),
        ("role", "W202", f"{place}: {first}", "check `user` and `role` in the profile"),
        ("database", "W203", f"{place}: {first}", "check `dbname` in the profile, or create the database"),
        (
            "remaining connection slots",
            "W206",
            f"{place} has no connection left: {first}",
            "use fewer `--threads`, or raise max_connections",
        ),
        ("SSL", "W205", f"no secure connection to {place}: {first}", "check `sslmode` and the certificates in the profile"),
        ("certificate", "W205", f"no secure connection to {place}: {first}", "check `sslmode` and the certificates in the profile"),
        ("definition of service", "W204", first, "the service file (~/.pg_service.conf) lacks it"),
        ("parameter", "W204", first, "see the profile"),
        ("could not translate host name", "W201", f"there is no host {place}", "check `host` in the profile"),
        ("resolve host", "W201", f"there is no host {place}", "check `host` in the profile"),
        ("refused", "W201", f"nothing listens at {place}", "check `host` and `port` in the profile, and that the server runs"),
        ("No such file", "W201", f"nothing listens at {place}", "check `host` and `port` in the profile, and that the server runs"),
        ("timeout", "W201", f"{place} does not answer", "check `host`, `port` and the network; `connect_timeout` is in seconds"),
    )
    for sign, code, message, advice in table:
        if sign in first:
            return WarehouseError(Problem(code, message, hint=advice))
    return WarehouseError(Problem("W200", f"cannot connect to {place}: {first}"))


def _first(text: str) -> str:
    """The line of libpq's text that says something, without what stands in front of it in each."""
    lines = [line.strip() for line in text.replace("\t", " ").splitlines() if line.strip()]
    said = next((line for line in lines if not line.startswith("Multiple connection attempts")), "no reason given")
    return _ADMIN.sub("", said.removeprefix("- ")).strip() or said
