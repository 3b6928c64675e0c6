"""An earlier state: the manifest of another run, dbt's or ours, and the results beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.names import Relation
from orchestrator.core.state import State, Told

VERSION = 12
SECTIONS = ("nodes", "sources", "exposures", "unit_tests")
_VERSION = re.compile(r"/manifest/v(\d+)\.json")
_FEATURES = {
    "source": ("source_name", "identifier", "loader", "freshness", "loaded_at_field"),
    "exposure": ("type", "owner", "maturity", "url", "label"),
    "unit_test": ("model", "given", "expect", "overrides"),
    "test": ("test_metadata", "column_name"),
}
"""What else makes a node what it is, by kind."""


def state(path: Path) -> State:
    """Read an earlier state: a folder with ``manifest.json``, or that file; ``run_results.json`` and ``sources.json`` beside it.

    Raises:
        UsageError: U056, there is none; U057, it is of another version, or no manifest at all.
    """
    file = path / "manifest.json" if path.is_dir() else path
    data = _json(file)
    if data is None:
        hint = "a folder with the manifest.json of an earlier run, or that file"
        raise UsageError(Problem("U056", f"there is no state in `{path}`", hint=hint))
    version = _VERSION.search(str(_mapping(data.get("metadata")).get("dbt_schema_version")))
    if version is None or not isinstance(data.get("nodes"), Mapping):
        raise UsageError(Problem("U057", f"`{file}` is no manifest", hint="a manifest.json as orc and dbt write it"))
    if int(version.group(1)) != VERSION:
        message = f"`{file}` is a manifest of version {version.group(1)}; {VERSION} is understood"
        raise UsageError(Problem("U057", message, hint="dbt writes version 12 from 1.8 on: write it anew with a newer one, or with orc"))
    return State(
        str(file),
        {told.id: told for told in _nodes(data)},
        {str(id_): str(_mapping(macro).get("macro_sql") or "") for id_, macro in _mapping(data.get("macros")).items()},
        str(_mapping(data.get("metadata")).get("generated_at") or ""),
        _results(_json(file.with_name("run_results.json"))),
        _sources(_json(file.with_name("sources.json"))),
    )


def told(entry: Mapping[str, Any]) -> Told:
    """One entry of a manifest.

    >>> told({"unique_id": "model.shop.a", "resource_type": "model", "schema": "mart", "alias": "a"}).relation
    Relation(database=None, schema='mart', name='a')
    """
    kind = str(entry.get("resource_type"))
    config = _mapping(entry.get("config"))
    depends = _mapping(entry.get("depends_on"))
    contract = _mapping(entry.get("contract"))
    rest = {key: entry.get(key) for key in _FEATURES.get(kind, ())}
    if "freshness" in rest:
        rest["freshness"] = _without_gaps(rest["freshness"])
    if kind == "test" and rest["test_metadata"]:  # what is tested is said by the edges; a text about it is each tool's own
        rest["test_metadata"] = {**rest["test_metadata"], "kwargs": _arguments(rest["test_metadata"])}
    return Told(
        str(entry["unique_id"]),
        kind,
        _relation(kind, entry, config),
        str(entry.get("raw_code") or ""),
        str(_mapping(entry.get("checksum")).get("checksum") or ""),
        str(entry.get("original_file_path") or ""),
        tuple(str(part) for part in entry.get("fqn") or ()),
        config,
        str(entry.get("description") or ""),
        {str(name): str(_mapping(column).get("description") or "") for name, column in _mapping(entry.get("columns")).items()},
        _promised(entry) if contract.get("enforced") or _mapping(config.get("contract")).get("enforced") else "",
        tuple(str(id_) for id_ in depends.get("nodes") or ()),
        tuple(str(id_) for id_ in depends.get("macros") or ()),
        rest or None,
    )


def _arguments(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in _mapping(metadata.get("kwargs")).items() if k != "model" and v is not None}


def _promised(entry: Mapping[str, Any]) -> str:
    """What an enforced contract says of columns: tools digest it each in their way, so it is compared as it is."""
    columns = [(str(name).lower(), str(_mapping(c).get("data_type") or "").lower()) for name, c in _mapping(entry.get("columns")).items()]
    return json.dumps(["enforced", sorted(columns)])


def _relation(kind: str, entry: Mapping[str, Any], config: Mapping[str, Any]) -> Relation | None:
    if kind not in ("model", "seed", "snapshot", "source") or config.get("materialized") == "ephemeral":
        return None
    name = entry.get("identifier") if kind == "source" else entry.get("alias")
    database, schema = entry.get("database"), entry.get("schema")
    return Relation(str(database) if database else None, str(schema) if schema else None, str(name or entry.get("name") or ""))


def _nodes(data: Mapping[str, Any]) -> Iterator[Told]:
    for section in SECTIONS:
        for entry in _mapping(data.get(section)).values():
            if isinstance(entry, Mapping) and "unique_id" in entry:
                yield told(entry)


def _results(data: Mapping[str, Any] | None) -> Mapping[str, str] | None:
    if data is None:
        return None
    return {str(r["unique_id"]): str(r.get("status")) for r in data.get("results") or () if isinstance(r, Mapping) and "unique_id" in r}


def _sources(data: Mapping[str, Any] | None) -> Mapping[str, tuple[str, datetime | None]] | None:
    if data is None:
        return None
    rows = (r for r in data.get("results") or () if isinstance(r, Mapping) and "unique_id" in r)
    return {str(r["unique_id"]): (str(r.get("status")), _instant(r.get("max_loaded_at"))) for r in rows}


def _instant(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _without_gaps(value: Any) -> Any:
    """Keys that say nothing are no difference."""
    if isinstance(value, Mapping):
        return {k: inner for k, v in value.items() if (inner := _without_gaps(v)) not in (None, {}, [])} or None
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _json(path: Path) -> Mapping[str, Any] | None:
    try:
        data = json.loads(path.read_bytes())
    except OSError:
        return None
    except ValueError as error:
        raise UsageError(Problem("U057", f"`{path}` is no JSON: {error}", hint="write it anew")) from None
    return data if isinstance(data, Mapping) else None
