"""Of the operator's profile a stranger's templates get names: enough to say which SQL is spoken, nothing to connect with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app.ci.placeholders import placeholders
from orchestrator.core.errors import ProfileError, UsageError

PROFILE = """
config: {send_anonymous_usage_stats: false}
shop:
  target: "{{ env_var('TARGET', 'prod') }}"
  outputs:
    dev: {type: duckdb, path: /srv/secret/place/shop.duckdb, settings: {s3_secret_access_key: hunter2}}
    prod:
      type: postgres
      host: db.internal
      port: 5432
      user: admin
      password: hunter2
      sslkey: /srv/key.pem
      dbname: "{{ env_var('ORC_SECRET_DB') }}"
      schema: analytics
      threads: 8
"""


def written(tmp_path: Path, text: str | None = PROFILE, engine: str | None = None, target: str | None = None) -> tuple[Any, Any]:
    base, into = tmp_path / "base", tmp_path / "into"
    base.mkdir()
    into.mkdir()
    if text is not None:
        (base / "profiles.yml").write_text(text)
    asked = placeholders(into, base, None, None, target, engine, {"HOME": str(tmp_path), "ORC_SECRET_DB": "hunter2"})
    found = (into / "profiles.yml").read_text()
    return asked, json.loads(found) if found else None


def test_names_stay_and_everything_else_goes(tmp_path: Path) -> None:
    _, found = written(tmp_path)
    assert found == {
        "shop": {
            "target": "dev",
            "outputs": {
                "dev": {"type": "duckdb", "path": "shop.duckdb"},
                "prod": {"type": "postgres", "dbname": "untrusted", "schema": "analytics", "threads": 8},
            },
        }
    }


@pytest.mark.parametrize("engine", ["duckdb", "postgres", "bigquery"])
def test_an_engine_needs_no_profile(engine: str, tmp_path: Path) -> None:
    asked, found = written(tmp_path, engine=engine, target="prod")
    assert asked == ("untrusted", "prod")
    assert found["untrusted"]["outputs"]["prod"]["type"] == engine


def test_no_profile_is_the_embedded_engine(tmp_path: Path) -> None:
    assert written(tmp_path, None) == ((None, None), None)


def test_an_engine_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        written(tmp_path, engine="oracle")


def test_a_profile_that_cannot_be_read_is_the_operators_problem(tmp_path: Path) -> None:
    with pytest.raises(ProfileError):
        written(tmp_path, "shop: [")
