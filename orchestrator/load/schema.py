"""JSON Schemas for editors, made from the tables that check the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.load.entries import RENAMED, SECTIONS
from orchestrator.load.profiles import ENGINES
from orchestrator.load.settings import OWN_SETTINGS
from orchestrator.load.shape import Items

_DRAFT = "http://json-schema.org/draft-07/schema#"


def schema() -> Mapping[str, dict[str, Any]]:
    """All schemas, by the name of the file they are written to.

    >>> sorted(schema())
    ['profiles.json', 'project.json', 'properties.json']
    """
    return {"project.json": project_schema(), "profiles.json": profiles_schema(), "properties.json": properties_schema()}


def project_schema() -> dict[str, Any]:
    """The table ``[tool.orchestrator]``, keys with hyphens or underscores."""
    found = OWN_SETTINGS.schema()
    properties = found["properties"]
    hyphened = {key.replace("_", "-"): value for key, value in properties.items()}
    return {"$schema": _DRAFT, "title": "orc project", **found, "properties": {**properties, **hyphened}}


def properties_schema() -> dict[str, Any]:
    """Properties files: ``models:``, ``sources:`` and the others."""
    sections = {name: Items(shape).schema() for name, shape in SECTIONS.items()}
    old = {name: sections[today] for name, today in RENAMED.items()}
    properties = {"version": {"enum": [2]}, **sections, **old, "anchors": {}}
    return {"$schema": _DRAFT, "title": "orc properties", "type": "object", "properties": properties, "additionalProperties": False}


def profiles_schema() -> dict[str, Any]:
    """profiles.yml: profiles with their outputs. An engine's further keys are its driver's business."""
    text = {"type": "string"}
    outputs = []
    for name, engine in ENGINES.items():
        known = dict.fromkeys((*engine.database_keys, *engine.schema_keys, *([engine.database_path] if engine.database_path else [])), text)
        needs = [] if engine.default_schema else [{"required": [key]} for key in engine.schema_keys]
        threads = {"type": ["integer", "string"], "minimum": 1}
        output: dict[str, Any] = {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"const": name}, "threads": threads, **known},
        }
        outputs.append({**output, **({"anyOf": needs} if needs else {})})
    profile = {
        "type": "object",
        "required": ["outputs"],
        "properties": {
            "target": {**text, "description": "The output used when no --target is given."},
            "outputs": {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": outputs}},
        },
    }
    return {
        "$schema": _DRAFT,
        "title": "orc profiles",
        "type": "object",
        "properties": {"config": {"type": "object"}},
        "additionalProperties": profile,
    }
