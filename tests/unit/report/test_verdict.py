"""What `orc ci` says at the end."""

from __future__ import annotations

import pytest

from orchestrator.core.event import Status
from orchestrator.core.review import Checked, Review
from orchestrator.report.verdict import verdict


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([Status.PASSED, Status.PASSED], "2 of 2 tests passed since"),
        ([Status.PASSED, Status.WARNED], "1 of 2 tests passed and 1 warned since"),
        ([Status.FAILED, Status.WARNED], "0 of 2 tests passed and 1 warned since"),
    ],
)
def test_tests_that_warned_did_not_pass(ends: list[Status], said: str) -> None:
    tests = tuple(Checked(f"t{n}", "m", status) for n, status in enumerate(ends))
    assert said in verdict(Review("a1", "b2", "pr_7", "dev", "duckdb", "`prod`", tests=tests), "target/ci")
