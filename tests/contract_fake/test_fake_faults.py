"""Things that go wrong on order."""

from __future__ import annotations

import time
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("tooManyRequests", 429),
        ("backendError", 503),
        ("rateLimitExceeded", 403),
        ("quotaExceeded", 403),
        ("internalError", 500),
    ],
)
def test_a_request_is_refused_once(cloud: Any, reason: str, status: int) -> None:
    from google.api_core.exceptions import GoogleAPICallError

    cloud.server.faults.answer(reason, "GET .*/datasets/d$")
    with pytest.raises(GoogleAPICallError) as caught:
        cloud.client.get_dataset("d", retry=None)
    assert (caught.value.code, caught.value.errors[0]["reason"]) == (status, reason)
    assert cloud.client.get_dataset("d", retry=None).dataset_id == "d"


def test_the_client_tries_again_by_itself(cloud: Any) -> None:
    cloud.server.faults.answer("backendError", "GET .*/datasets/d$", times=1)
    assert cloud.client.get_dataset("d").dataset_id == "d"
    assert [r.status for r in cloud.server.log] == [503, 200]


def test_the_third_request_is_the_one(cloud: Any) -> None:
    from google.api_core.exceptions import ServiceUnavailable

    cloud.server.faults.answer("backendError", "GET .*/datasets/d$", first=3)
    assert [cloud.client.get_dataset("d", retry=None).dataset_id for _ in range(2)] == ["d", "d"]
    with pytest.raises(ServiceUnavailable):
        cloud.client.get_dataset("d", retry=None)


def test_a_dropped_request_was_not_done(cloud: Any) -> None:
    from google.api_core.exceptions import NotFound

    cloud.server.faults.drop("POST .*/jobs$")
    with pytest.raises(Exception, match=r"Remote|Connection"):
        cloud.client.query("create table d.t (x int64)", job_id="j", retry=None, job_retry=None)
    with pytest.raises(NotFound):
        cloud.client.get_job("j")


def test_a_lost_answer_was_done(cloud: Any) -> None:
    from google.api_core.exceptions import Conflict

    cloud.server.faults.lose("POST .*/jobs$")
    with pytest.raises(Exception, match=r"Remote|Connection"):
        cloud.client.query("create table d.t (x int64)", job_id="j", retry=None, job_retry=None)
    with pytest.raises(Conflict):
        cloud.client.query("create table d.t (x int64)", job_id="j", retry=None, job_retry=None)
    assert cloud.client.get_job("j").state == "DONE"
    assert cloud.table("t").num_rows == 0


def test_an_answer_can_be_slow(cloud: Any) -> None:
    from requests.exceptions import ReadTimeout

    cloud.server.faults.slow("GET .*/datasets/d$", 1.0)
    began = time.monotonic()
    with pytest.raises(ReadTimeout):
        cloud.client.get_dataset("d", timeout=0.2, retry=None)
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize("reason", ["backendError", "internalError", "rateLimitExceeded", "quotaExceeded"])
def test_a_job_ends_with_an_error_and_has_done_nothing(cloud: Any, reason: str) -> None:
    cloud.server.faults.fail("QUERY create table", reason)
    job = cloud.client.query("create table d.t (x int64)", retry=None, job_retry=None)
    job.reload()
    assert (job.state, job.error_result["reason"]) == ("DONE", reason)
    assert list(cloud.client.list_tables("d")) == []
    cloud.run("create table d.t (x int64)")


def test_copies_and_loads_fail_too(cloud: Any) -> None:
    cloud.run("create table d.t as select 1 as x")
    cloud.server.faults.fail("COPY p:d.u", "backendError")
    job = cloud.client.copy_table("p.d.t", "p.d.u")
    with pytest.raises(Exception, match="Retrying may solve the problem"):
        job.result(retry=None)
    cloud.client.copy_table("p.d.t", "p.d.u").result()
    assert cloud.rows("select * from d.u") == [(1,)]


def test_the_log_says_what_was_asked(cloud: Any) -> None:
    cloud.run("select 1 as x", labels={"a": "b"})
    first = cloud.server.log[0]
    assert str(first) == "POST /bigquery/v2/projects/p/jobs -> 200"
    assert first.body["configuration"]["labels"] == {"a": "b"}
