from __future__ import annotations

import pytest
from google.api_core import exceptions

from orchestrator.adapters.bigquery.problems import RETRIED, Report, offset, refused, unreachable


@pytest.mark.parametrize(
    ("reason", "message", "code", "transient"),
    [
        ("invalidQuery", "Syntax error: Unexpected keyword FROM at [1:8]", "X101", False),
        ("invalidQuery", "Unrecognized name: nope at [1:8]", "X102", False),
        ("notFound", "Not found: Table p:d.t was not found in location EU", "X102", False),
        ("invalidQuery", "Bad int64 value: abc", "X103", False),
        ("invalidQuery", "division by zero: 1 / 0", "X103", False),
        ("invalidQuery", "UPDATE/MERGE must match at most one source row for each target row", "X104", False),
        ("invalidQuery", "Transaction is aborted due to concurrent update against table p:d.t.", "X105", True),
        ("invalidQuery", "Could not serialize access to table p:d.t due to concurrent update", "X105", True),
        ("duplicate", "Already Exists: Table p:d.t", "X105", False),
        ("accessDenied", "Access Denied: Table p:d.t", "X109", False),
        ("quotaExceeded", "Quota exceeded", "X107", False),
        ("bytesBilledLimitExceeded", "Query exceeded limit for bytes billed", "X107", False),
        ("backendError", "Error encountered during execution", "X108", False),
        ("stopped", "Job execution was cancelled: User requested cancellation", "X113", False),
    ],
)
def test_each_reason_has_its_code(reason: str, message: str, code: str, transient: bool) -> None:
    error = refused(Report(reason, message))
    assert (error.first.code, error.transient, error.cancelled) == (code, transient, False)


def test_what_we_cancelled_ourselves_is_no_failure() -> None:
    error = refused(Report("stopped", "Job execution was cancelled"), asked=True)
    assert (error.first.code, error.cancelled) == ("X106", True)


def test_the_place_leaves_the_message() -> None:
    sql = "select 'é',\n\tnope\nfrom t"
    error = refused(Report("invalidQuery", "Unrecognized name: nope; Did you mean note? at [2:9]"), sql)
    assert (error.first.message, error.first.hint) == ("Unrecognized name: nope", "did you mean `note`?")
    assert sql[error.position or 0 :].startswith("nope")


@pytest.mark.parametrize(
    ("sql", "line", "column", "found"),
    [
        ("abc", 1, 3, 2),
        ("a\r\nbc", 2, 2, 4),
        ("\t\tx", 1, 17, 2),
        ("a\tb", 1, 9, 2),
        ("é日x", 1, 3, 2),
        ("a", 2, 1, None),
        ("ab", 1, 99, 2),
    ],
)
def test_lines_and_columns_lead_to_characters(sql: str, line: int, column: int, found: int | None) -> None:
    assert offset(sql, line, column) == found


def test_what_google_s_client_adds_to_a_message_is_left_out() -> None:
    error = exceptions.BadRequest(
        "Syntax error at [1:1]\n\nLocation: EU\nJob ID: abc\n", errors=[{"reason": "invalidQuery", "message": "Syntax error at [1:1]"}]
    )
    assert Report.of(error) == Report("invalidQuery", "Syntax error at [1:1]", 400)
    assert refused(Report("invalidQuery", "Syntax error\nLocation: EU\nJob ID: abc")).first.message == "Syntax error"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.NotFound("no project"), "W303"),
        (exceptions.Forbidden("not allowed"), "W302"),
        (exceptions.Unauthorized("who"), "W301"),
        (FileNotFoundError("key.json"), "W301"),
        (ConnectionError("refused"), "W304"),
        (exceptions.RetryError("too long", cause=None), "W304"),
        (exceptions.BadRequest("something else"), "W300"),
    ],
)
def test_why_there_is_no_connection(error: Exception, code: str) -> None:
    assert unreachable(error, "shop").first.code == code


def test_a_used_up_quota_is_not_worth_another_try() -> None:
    assert not {"quotaExceeded", "bytesBilledLimitExceeded", "invalidQuery", "accessDenied"} & RETRIED
