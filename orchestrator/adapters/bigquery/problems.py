"""What BigQuery's errors mean, as problems: pure, so that every sentence can be tested without provoking it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.adapters.bigquery.dialect import DUPLICATE
from orchestrator.core.errors import ExecuteError, Problem, WarehouseError

LOST = "X110"
TAB = 8
"""Columns that BigQuery counts for a tab."""

RETRIED = frozenset({"backendError", "internalError", "rateLimitExceeded", "jobRateLimitExceeded", "jobBackendError", "jobInternalError"})
"""Reasons of a job's death that are not its own: the same job may live."""

CODES: dict[str, str] = {
    "accessDenied": "X109",
    "notFound": "X102",
    "duplicate": "X105",
    "stopped": "X113",
    "timeout": "X113",
    "quotaExceeded": "X107",
    "rateLimitExceeded": "X107",
    "jobRateLimitExceeded": "X107",
    "resourcesExceeded": "X107",
    "responseTooLarge": "X107",
    "bytesBilledLimitExceeded": "X107",
    "billingTierLimitExceeded": "X107",
    "billingNotEnabled": "X107",
    "backendError": "X108",
    "internalError": "X108",
    "jobBackendError": "X108",
    "jobInternalError": "X108",
    "blocked": "X109",
}
"""Our code for BigQuery's reason; of a query that is refused (``invalidQuery``), the message says more (:data:`SIGNS`)."""

SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("X101", ("^Syntax error", "^Unclosed", "^Illegal input character", "^Unexpected end of script")),
    ("X105", ("concurrent update", "[Tt]ransaction is aborted", "could not serialize", "due to concurrent")),
    ("X104", ("Assertion failed", "must match at most one source row", "cannot be null")),
    (
        "X103",
        (
            r"Bad (?:\w+ )?value",
            "Could not (?:cast|convert|parse)",
            r"Invalid (?:\w+ )?(?:value|string|date|timestamp|time|literal|cast|JSON)",
            "overflow",
            "[Dd]ivision by zero",
            "out of range",
            "Failed to parse",
            "Cannot return an invalid",
        ),
    ),
    ("X105", ("[Tt]ransaction",)),
)
"""Signs of what a refused query lacked, in BigQuery's own words; a query without any of them names something wrongly (X102)."""

_PLACE = re.compile(r"(?:;? (?:at|near))? ?(?:at )?\[(\d+):(\d+)\]")
_MEANT = re.compile(r"[;.,]?\s*Did you mean `?([^`?]+?)`?\?")
_UNSIGNED = ("DefaultCredentialsError", "RefreshError", "MalformedError")
_SILENT = ("ConnectionError", "TransportError", "Timeout", "ReadTimeout", "RetryError")
_TAIL = re.compile(r"\s*(?:\n+\(job ID|\n*Location: |\n*Job ID: |Query error: )", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Report:
    """What BigQuery said about an error: its reason (empty when nothing answered), its message, the status of HTTP."""

    reason: str = ""
    message: str = ""
    status: int = 0

    @classmethod
    def of(cls, error: BaseException) -> Report:
        """The report of an exception of Google's client."""
        told = getattr(error, "errors", None) or ()
        first = told[0] if told and isinstance(told[0], Mapping) else {}
        status = int(getattr(error, "code", 0) or 0) if isinstance(getattr(error, "code", 0), int) else 0
        message = str(first.get("message") or getattr(error, "message", "") or error) or type(error).__name__
        return cls(str(first.get("reason") or ""), message, status)

    @classmethod
    def of_job(cls, result: Mapping[str, Any]) -> Report:
        """The report of a job that is done and failed."""
        return cls(str(result.get("reason") or ""), str(result.get("message") or "the job failed"))


def refused(report: Report, sql: str = "", *, asked: bool = False, transient: bool = False) -> ExecuteError:
    """BigQuery's refusal of ``sql``. ``asked`` says that we asked for the end ourselves; ``transient`` that the whole may be tried again.

    >>> error = refused(Report("invalidQuery", "Unrecognized name: nam; Did you mean name? at [1:8]"), "select nam")
    >>> error.first.code, error.first.message, error.first.hint, error.position
    ('X102', 'Unrecognized name: nam', 'did you mean `name`?', 7)
    """
    text = _TAIL.split(report.message.strip(), maxsplit=1)[0] or report.message
    text = text.removeprefix("Query error: ")
    place = _PLACE.search(text)
    meant = _MEANT.search(text)
    message = _MEANT.sub("", _PLACE.sub("", text)).strip() or text
    code = _code(report, message)
    if asked and (report.reason == "stopped" or code == "X113"):
        return ExecuteError(Problem("X106", "the query was cancelled"), cancelled=True)
    if DUPLICATE in message:
        message = DUPLICATE
    conflict = code == "X105" and report.reason != "duplicate" and any(re.search(sign, message) for sign in SIGNS[1][1])
    return ExecuteError(
        Problem(code, message, hint=f"did you mean `{meant[1]}`?" if meant else _hint(report, code, message)),
        position=offset(sql, int(place[1]), int(place[2])) if place and sql else None,
        transient=conflict or transient,
    )


def offset(sql: str, line: int, column: int) -> int | None:
    r"""Where BigQuery's line and column are in a text; ``None`` for a place that it does not have.

    >>> offset("select\n\tnope", 2, 9), offset("a", 3, 1)
    (8, None)
    """
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", sql))]
    if not 1 <= line <= len(starts):
        return None
    at, width = starts[line - 1], 1
    while width < column and at < len(sql):
        width = (width - 1) // TAB * TAB + TAB + 1 if sql[at] == "\t" else width + 1
        at += 1
    return at


def lost(cause: ExecuteError | None) -> ExecuteError:
    """What a commit says when the transaction had failed before."""
    why = f": {cause.first.message}" if cause is not None else ""
    problem = Problem(LOST, f"nothing was committed, because a statement of the transaction failed{why}")
    return ExecuteError(problem, transient=cause is not None and cause.transient, cancelled=cause is not None and cause.cancelled)


def too_long(seconds: float) -> ExecuteError:
    """A job that had to be stopped."""
    hint = "`job_execution_timeout_seconds` in the profile is its limit"
    return ExecuteError(Problem("X113", f"the job took longer than {seconds:g} seconds and was cancelled", hint=hint))


def unknown(what: str) -> ExecuteError:
    """A job was sent, and nobody answers what became of it."""
    hint = "look at the ledger (`_orc.ledger`) before the model runs again: what it appends may be there already"
    return ExecuteError(Problem("X115", f"BigQuery cannot be reached, and what became of the job is not known: {what}", hint=hint))


def unreachable(error: BaseException, project: str) -> WarehouseError:
    """Why there is no connection, and what to do about it.

    >>> unreachable(ValueError("no key"), "shop").first.code
    'W301'
    """
    report = Report.of(error)
    first = report.message.strip().split("\n", 1)[0]
    name = type(error).__name__
    if report.status == 404 or report.reason == "notFound":
        return WarehouseError(Problem("W303", f"BigQuery: {first}", hint="check `project` and `execution_project` in the profile"))
    if report.status == 403 or report.reason == "accessDenied":
        hint = "jobs need roles/bigquery.jobUser in the project that pays, tables roles/bigquery.dataEditor"
        return WarehouseError(Problem("W302", f"BigQuery does not allow it in `{project}`: {first}", hint=hint))
    if name not in _SILENT and (name in _UNSIGNED or report.status == 401 or isinstance(error, (OSError, ValueError))):
        hint = "`gcloud auth application-default login`, or `method: service-account` with a `keyfile`"
        return WarehouseError(Problem("W301", f"nobody is signed in to BigQuery: {first}", hint=hint))
    if report.status == 0 or name in _SILENT:
        return WarehouseError(
            Problem("W304", f"BigQuery does not answer: {first}", hint="check the network, and `api_endpoint` in the profile")
        )
    return WarehouseError(Problem("W300", f"cannot use BigQuery in `{project}`: {first}"))


def _code(report: Report, message: str) -> str:
    if report.reason in CODES:
        return CODES[report.reason]
    if "timed out" in message:
        return "X113"
    for code, signs in SIGNS:
        if any(re.search(sign, message) for sign in signs):
            return code
    if report.reason == "invalidQuery":
        return "X102"
    return {403: "X109", 404: "X102", 409: "X105"}.get(report.status, "X108" if report.status >= 500 or not report.status else "X100")


def _hint(report: Report, code: str, message: str) -> str | None:
    match report.reason:
        case "quotaExceeded":
            return "a quota of the project is used up: it is not a matter of seconds"
        case "bytesBilledLimitExceeded":
            return "`maximum_bytes_billed` in the profile is the limit of a query"
        case "accessDenied":
            return "the account lacks a permission that the message names"
        case "stopped":
            return "somebody else cancelled the job"
        case _:
            pass
    if message == DUPLICATE or "must match at most one source row" in message:
        return "a `unique` test on the key shows which"
    if code == "X113":
        return "`job_execution_timeout_seconds` in the profile is its limit"
    if "different partitioning" in message or "partitioning spec" in message or "clustering spec" in message:
        return "its partitions or clusters changed while the run was planned: run again"
    return None
