from __future__ import annotations

import pytest

from orchestrator.adapters.postgres.problems import Report, refused, transient, unreachable


@pytest.mark.parametrize(
    ("report", "again"),
    [
        (Report("40001"), True),
        (Report("40P01"), True),
        (Report("55P03"), True),
        (Report("57P01"), True),
        (Report("53300"), True),
        (Report("08006"), True),
        (Report("XX000", "tuple concurrently updated"), True),
        (Report("XX000", "cache lookup failed"), False),
        (Report("23505", 'duplicate key value violates unique constraint "pg_namespace_nspname_index"'), True),
        (Report("23505", 'duplicate key value violates unique constraint "orders_pkey"'), False),
        (Report("42P07", 'relation "orders__orc_stage" already exists'), True),
        (Report("42P07", 'relation "orders" already exists'), False),
        (Report("42601", "syntax error"), False),
        (Report("53100", "could not extend file"), False),
        (Report("57014", "canceling statement due to user request"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(report: Report, again: bool) -> None:
    assert transient(report) is again
    assert refused(report, "select 1").transient is again


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("42601", "X101"), ("42P01", "X102"), ("42703", "X102"), ("42883", "X102"), ("22P02", "X103"), ("22012", "X103"), ("23505", "X104"),
        ("21000", "X104"), ("40001", "X105"), ("53200", "X107"), ("42501", "X109"), ("2BP01", "X111"), ("ORC01", "X111"), ("F0000", "X100"),
    ],
)  # fmt: skip
def test_each_class_of_errors_has_its_code(state: str, code: str) -> None:
    assert refused(Report(state, "m"), "select 1").first.code == code


def test_three_reasons_for_one_sqlstate() -> None:
    user, limit = "canceling statement due to user request", "canceling statement due to statement timeout"
    ours = refused(Report("57014", user), "", asked=True)
    assert (ours.first.code, ours.cancelled) == ("X106", True)
    late = refused(Report("57014", limit), "")
    assert (late.first.code, late.cancelled) == ("X113", False)
    assert refused(Report("57014", user), "").first.message == "the query was cancelled by somebody else"


def test_a_lost_connection_is_worth_another_try_unless_we_cut_it() -> None:
    report = Report(message="consuming input failed: server closed the connection unexpectedly\n\tThis probably means…")
    error = refused(report, "", broken=True)
    assert (error.first.code, error.transient, error.cancelled) == ("X108", True, False)
    assert "server closed the connection unexpectedly" in error.first.message
    assert refused(report, "", broken=True, asked=True).cancelled


def test_a_detail_says_which_row() -> None:
    report = Report("23505", 'duplicate key value violates unique constraint "k"', detail="Key (id)=(1) already exists.")
    assert refused(report, "").first.message.endswith("(Key (id)=(1) already exists.)")


def test_positions_count_from_the_querys_own_text() -> None:
    assert refused(Report("42703", "m", position=9), "copy (x", prefix=6).position == 1
    assert refused(Report("42703", "m", position=3), "copy (x", prefix=6).position is None


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        ('connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused\n\tIs the server running?', "W201", "nothing listens"),
        ('connection failed: FATAL:  password authentication failed for user "ann"', "W202", "refuses the password of `ann`"),
        ('connection failed: FATAL:  database "dw" does not exist', "W203", 'database "dw" does not exist'),
        ('connection failed: FATAL:  role "ann" does not exist', "W202", 'role "ann" does not exist'),
        ("connection failed: FATAL:  sorry, too many clients already", "W206", "no connection left"),
        ("connection failed: FATAL:  the database system is starting up", "W207", "not ready"),
        ('definition of service "prod" not found', "W204", "prod"),
        ("connection timeout expired", "W201", "does not answer"),
        ("server does not support SSL, but SSL was required", "W205", "no secure connection"),
        ("something new", "W200", "cannot connect to db:5432: something new"),
    ],
)  # fmt: skip
def test_why_there_is_no_connection(said: str, code: str, message: str) -> None:
    problem = unreachable(said, "db:5432", "ann").first
    assert problem.code == code
    assert message in problem.message
