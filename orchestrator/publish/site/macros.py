"""``macros.json``: macros with their text, what is said about them, and who uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.publish.site.known import Known, WrittenMacro


def macros(known: Known, callers: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    """The project's own macros, and those of other packages that its nodes use: ``callers`` are their numbers, by macro."""
    return [_macro(m, callers.get(m.id, ())) for m in known.macros if m.id in callers or m.id.startswith(f"macro.{known.graph.project}.")]


def _macro(macro: WrittenMacro, callers: Sequence[int]) -> dict[str, Any]:
    _, package, name = macro.id.split(".", 2)
    documented = macro.documented
    arguments = [
        {key: str(a[key]) for key in ("name", "type", "description") if a.get(key)}
        for a in documented.get("arguments") or ()
        if isinstance(a, Mapping) and a.get("name")
    ]
    return {
        "name": name,
        "package": package,
        "path": macro.path,
        **({"arguments": arguments} if arguments else {}),
        **({"description": str(documented["description"])} if documented.get("description") else {}),
        "sql": macro.sql,
        **({"used_by": sorted(set(callers))} if callers else {}),
    }
