"""What happens when ``ORC_TEST_BQ_PROJECT`` is set, as far as it can be known without a project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.real_bigquery import Real, credentials_folder, left_out, objection, real, sweep

SESSION = "orc_contract_1_ab"
FOUND = Real("tests-of-orc", "US", SESSION)


@pytest.mark.parametrize("environ", [{}, {"ORC_TEST_BQ_PROJECT": ""}, {"ORC_TEST_BQ_PROJECT": " "}, {"ORC_TEST_BQ_LOCATION": "US"}])
def test_nobody_asks_for_a_real_project(environ: dict[str, str]) -> None:
    assert real(environ, SESSION) is None


def test_the_environment_names_a_project_and_a_place() -> None:
    assert real({"ORC_TEST_BQ_PROJECT": "tests-of-orc", "ORC_TEST_BQ_LOCATION": "US"}, SESSION) == FOUND
    found = real({"ORC_TEST_BQ_PROJECT": "tests-of-orc"}, SESSION)
    assert found is not None
    assert found.location == "EU"


def test_the_target_leads_google_s_client_to_google(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.credentials import AnonymousCredentials

    from orchestrator.adapters.bigquery.opening import is_pretended, opening
    from orchestrator.adapters.bigquery.profile import profile as read

    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    target = FOUND.target()
    profile = read(target, "")
    assert (profile.project, profile.paying, profile.location, profile.method) == ("tests-of-orc", "tests-of-orc", "US", "oauth")
    assert not is_pretended(profile)  # so it signs in, and shows its credentials
    client = opening(profile, AnonymousCredentials())
    assert client._connection.API_BASE_URL == "https://bigquery.googleapis.com"
    assert (client.project, client.location, target.schema) == ("tests-of-orc", "US", f"{SESSION}_Shop")
    client.close()


def test_a_session_drops_what_is_its_own() -> None:
    class Client:
        """A project with datasets."""

        def __init__(self, names: list[str]) -> None:
            self.names = names

        def list_datasets(self, *, include_all: bool = False) -> list[object]:
            return [type("Listed", (), {"dataset_id": n})() for n in self.names if include_all or not n.startswith("_")]

        def delete_dataset(self, name: str, *, delete_contents: bool, not_found_ok: bool) -> None:
            assert delete_contents
            self.names = [n for n in self.names if n != name]

    client = Client(["_orc", "marts", f"{SESSION}_wares", f"{SESSION}_wares_more", "orc_contract_1_abc_wares", "wares"])
    sweep(client, FOUND.dropped)
    assert client.names == ["marts", "orc_contract_1_abc_wares", "wares"]


def test_it_does_not_begin_where_somebody_builds_nor_beside_itself() -> None:
    assert objection(["marts"], "main") is None
    assert "somebody builds in it" in str(objection(["_orc", "marts"], "main"))
    assert "-n 0" in str(objection([], "gw0"))


@pytest.mark.parametrize(
    ("fixtures", "engine", "why"),
    [
        (["project", "tmp_path"], "bigquery", None),
        (["project", "bigquery_fake"], "bigquery", "looks into the stand-in, or has it fail on order"),
        (["project"], "postgres", "another engine"),
        (["tmp_path"], None, "another engine"),
    ],
)
def test_what_a_real_project_cannot_show_is_left_out(fixtures: list[str], engine: str | None, why: str | None) -> None:
    assert left_out(fixtures, engine, FOUND) == why
    assert left_out(fixtures, engine, None) is None


def test_commands_find_who_is_signed_in_although_their_home_is_another(tmp_path: Path) -> None:
    assert credentials_folder({}, tmp_path) == {"CLOUDSDK_CONFIG": str(tmp_path / ".config" / "gcloud")}
    assert credentials_folder({"CLOUDSDK_CONFIG": "/else"}, tmp_path) == {}


def test_the_suite_collects_the_same_tests_with_another_target() -> None:
    root = Path(__file__).parents[2]
    files = [
        "tests/contract/test_materialized_view.py",
        "tests/contract/test_materialized_view_bigquery.py",
        "tests/contract/test_documents.py",
    ]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        "--collect-only",
        "-qq",
        "-o",
        "addopts=--import-mode=importlib",
    ]
    environ = {**os.environ, "ORC_TEST_BQ_PROJECT": "tests-of-orc", "PYTHONDONTWRITEBYTECODE": "1"}

    def collected(*words: str, env: dict[str, str]) -> set[str]:
        done = subprocess.run([*command, *words, *files], cwd=root, env=env, capture_output=True, text=True, check=True)
        return {line for line in done.stdout.splitlines() if "::" in line or line.startswith("tests/")}

    plain = {k: v for k, v in os.environ.items() if k != "ORC_TEST_BQ_PROJECT"}
    there, here = collected("-v", env=environ), collected("-v", "-m", "bigquery_real", env=plain)
    assert there == here
    assert there
