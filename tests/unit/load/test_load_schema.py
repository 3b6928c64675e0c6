"""The schemas editors use agree with what is accepted."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.core.project import Settings
from orchestrator.load.entries import SECTIONS
from orchestrator.load.schema import schema


def test_schemas_are_json() -> None:
    found = schema()
    assert json.loads(json.dumps(found)) == found
    assert all(s["$schema"].startswith("http://json-schema.org/") for s in found.values())


def test_the_project_schema_knows_every_setting_in_both_spellings() -> None:
    keys = set(schema()["project.json"]["properties"])
    settings = set(Settings.__dataclass_fields__) - {"own", "origin", "selectors"}
    assert settings <= keys
    assert {key.replace("_", "-") for key in settings} <= keys


def test_the_properties_schema_has_every_section_and_refuses_others() -> None:
    found = schema()["properties.json"]
    assert set(SECTIONS) | {"tests", "version", "anchors"} == set(found["properties"])
    model = found["properties"]["models"]["items"]
    assert model["required"] == ["name"]
    assert model["additionalProperties"] is False
    assert model["properties"]["columns"]["items"]["properties"]["data_tests"]["items"]["anyOf"][0] == {"type": "string"}


def test_a_profiles_schema_for_each_engine() -> None:
    profile = schema()["profiles.json"]["additionalProperties"]
    outputs: list[dict[str, Any]] = profile["properties"]["outputs"]["additionalProperties"]["anyOf"]
    assert [o["properties"]["type"]["const"] for o in outputs] == ["duckdb", "postgres", "bigquery"]
