from __future__ import annotations

from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.adapters.bigquery.profile import profile
from orchestrator.core.errors import ProfileError
from orchestrator.core.project import Secret, Target


def made(database: str | None = "shop-dw", **settings: Any) -> Any:
    return profile(Target("shop", "dev", "bigquery", database, "marts", 4, {"type": "bigquery", **settings}), "/project")


def refusals(database: str | None = "shop-dw", **settings: Any) -> list[str]:
    with pytest.raises(ProfileError) as refused:
        made(database, **settings)
    return [f"{p.code} {p.message} {p.hint or ''}" for p in refused.value.problems]


def test_the_keys_of_dbt_mean_what_they_mean_there() -> None:
    found = made(
        method="oauth",
        execution_project="payer",
        priority="batch",
        maximum_bytes_billed="1000",
        job_execution_timeout_seconds=30,
        job_creation_timeout_seconds=5,
        job_retries=3,
        location="EU",
        quota_project="q",
        impersonate_service_account="bot@shop.iam.gserviceaccount.com",
        reservation="projects/p/locations/eu/reservations/r",
        scopes=["https://www.googleapis.com/auth/bigquery"],
    )
    assert (found.project, found.paying, found.quota_project, found.dataset) == ("shop-dw", "payer", "q", "marts")
    assert (found.priority, found.maximum_bytes_billed, found.execution_timeout, found.creation_timeout) == ("batch", 1000, 30.0, 5.0)
    assert (found.job_retries, found.location, len(found.scopes)) == (3, "EU", 1)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"locaton": "EU"}, "C402 `locaton` is not a key of a BigQuery profile did you mean `location`?"),
        ({"gcs_bucket": "b"}, "C402 `gcs_bucket` of dbt-bigquery is not supported"),
        ({"maximum_bytes_billed": "a lot"}, "C403 `maximum_bytes_billed` must be a whole number, not `a lot`"),
        ({"maximum_bytes_billed": -1}, "C403"),
        ({"job_retries": True}, "C403"),
        ({"scopes": "x"}, "C403 `scopes` must be a list"),
        ({"method": "service-acount"}, "C403 `method` cannot be `service-acount` did you mean `service-account`?"),
        ({"method": "service-account"}, "C403 `method: service-account` needs `keyfile`"),
        ({"method": "oauth-secrets"}, "C403 `method: oauth-secrets` needs `token` or `refresh_token`"),
        ({"priority": "quick"}, "C403 `priority` cannot be `quick`"),
    ],
)
def test_a_wrong_key_is_refused_by_name(settings: dict[str, Any], says: str) -> None:
    (said,) = refusals(**settings)
    assert says in said.replace(f"profile `shop`, target `dev`: ", "")  # noqa: F541


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(refusals(None, locaton="EU", priority="quick")) == 3


def test_a_keyfile_is_found_from_the_project_and_names_the_project_itself() -> None:
    assert made(keyfile="keys/bot.json").credentials["keyfile"] == "/project/keys/bot.json"
    assert made(None, keyfile_json={"project_id": "from-key"}).project == "from-key"
    assert made(keyfile="x").method == "service-account"


def test_secrets_never_show_themselves() -> None:
    found = made(method="oauth-secrets", token="hunter2", client_secret="hunter3", refresh_token="hunter4")
    assert isinstance(found.credentials["token"], Secret)
    assert "hunter" not in repr(found)


def test_the_registry_knows_the_engine() -> None:
    assert "bigquery" in registry.installed()
    assert registry.dialect("bigquery").transactions == "rows"
    assert registry.dialect("duckdb").transactions == registry.dialect("postgres").transactions == "all"
