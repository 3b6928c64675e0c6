"""When `orc ci` does not run a pull request's code without being told to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app.ci.trust import stranger, trusted
from orchestrator.core.errors import UsageError


def event(folder: Path, payload: Any, name: str = "pull_request") -> dict[str, str]:
    (folder / "event.json").write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(folder / "event.json")}


def pull(head: str | None, base: str = "us/shop") -> Any:
    return {"pull_request": {"head": {"repo": None if head is None else {"full_name": head}}, "base": {"repo": {"full_name": base}}}}


@pytest.mark.parametrize(
    ("payload", "strange"),
    [
        (pull("us/shop"), False),
        (pull("US/Shop"), False),
        (pull("them/shop"), True),
        (pull(None), True),
        ({}, True),
        ("not json", True),
        ("[" * 100_000, True),
    ],
)
def test_forks_on_github(payload: Any, strange: bool, tmp_path: Path) -> None:
    assert (stranger(event(tmp_path, payload)) is not None) is strange


def test_a_payload_that_is_not_there_says_nothing_good(tmp_path: Path) -> None:
    assert stranger({"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(tmp_path / "none")}) is not None


def test_a_job_with_secrets_trusts_nobody(tmp_path: Path) -> None:
    assert stranger(event(tmp_path, pull("us/shop"), "pull_request_target")) is not None


@pytest.mark.parametrize(
    "env", [{}, {"GITHUB_EVENT_NAME": "push"}, {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "3", "CI_MERGE_REQUEST_PROJECT_ID": "3"}]
)
def test_elsewhere_nobody_is_a_stranger(env: dict[str, str]) -> None:
    assert stranger(env) is None
    trusted(env, trust=False)


def test_the_refusal_says_what_to_do(tmp_path: Path) -> None:
    env = event(tmp_path, pull("them/shop"))
    with pytest.raises(UsageError) as caught:
        trusted(env, trust=False)
    assert caught.value.first.code == "U072"
    assert "--untrusted" in str(caught.value.first.hint)
    trusted(env, trust=True)
