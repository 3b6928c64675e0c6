"""What our own reading makes of the projects, without a warehouse, and small ways to break them on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import yaml

from orchestrator.app import open_workspace
from orchestrator.app.columns.meanings import meanings
from orchestrator.app.invocation import Invocation
from orchestrator.cli.wire import SystemClock
from orchestrator.core.meaning import Finding, Meaning
from orchestrator.core.node import Query, SqlBody

TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|--[^\n]*|'[^']*'", re.DOTALL)
"""What is not SQL, or not a column: a template's own parts, comments, strings."""


@dataclass(frozen=True)
class Understood:
    """The models of a project by name: what each means, the query it was read from, and which nodes the names in it stand for.

    ``columns`` are those of every node, by id.
    """

    meanings: Mapping[str, Meaning]
    queries: Mapping[str, Query]
    links: Mapping[str, Mapping[str, str]]
    columns: Mapping[str, tuple[str, ...]]

    @property
    def findings(self) -> dict[str, tuple[Finding, ...]]:
        """What was found, by model; models without a finding are not in it."""
        return {name: wrong for name, meaning in self.meanings.items() if (wrong := tuple(f for f in meaning.findings if f.code < "S3"))}

    def said(self) -> dict[str, set[tuple[str, str]]]:
        """Codes, and the text they were found at, by model."""
        return {name: {(f.code, self.queries[name].sql[f.start : f.end]) for f in found} for name, found in self.findings.items()}


def understood(root: Path) -> Understood:
    """A project read from its files alone."""
    invocation = Invocation("tpc", root, datetime(2026, 1, 1, tzinfo=UTC), SystemClock(), {"HOME": str(root)}, cache=False)
    graph = (workspace := open_workspace(invocation)).graph
    found = meanings(workspace)
    models = {n.name: id_ for id_, n in graph.nodes.items() if n.kind == "model"}
    bodies = {name: body for name, id_ in models.items() if isinstance(body := graph.bodies[id_], SqlBody)}
    return Understood(
        {name: found[id_] for name, id_ in models.items()},
        {name: body.query for name, body in bodies.items()},
        {name: dict(graph.nodes[id_].links) for name, id_ in models.items()},
        {id_: tuple(c.name for c in meaning.columns) for id_, meaning in found.items()},
    )


@dataclass(frozen=True)
class Change:
    """``text[start:end]`` of a model's file becomes ``by``."""

    start: int
    end: int
    by: str

    def made(self, text: str) -> str:
        return text[: self.start] + self.by + text[self.end :]


def tables(root: Path) -> dict[str, list[tuple[str, str]]]:
    """The sources' columns and their types."""
    (source,) = yaml.safe_load((root / "models" / "sources.yml").read_text(encoding="utf-8"))["sources"]
    return {table["name"]: [(c["name"], c["data_type"]) for c in table["columns"]] for table in source["tables"]}


def renamed(name: str, text: str, columns: set[str]) -> Change:
    """A column that is compared, or calculated with, or else given another name, is called what no column is called."""
    plain = _plain(text)
    for follows in (r"\s*(?:=|<|>|between\b|in \()", r"\s*[*+/-]", r" as "):
        found = [m for m in re.finditer(rf"(\.)?\b([a-z]\w*)\b(?={follows})", plain) if m[1] or m[2] in columns]
        if found:
            chosen = found[crc32(name.encode()) % len(found)]
            return Change(*chosen.span(2), f"{chosen[2]}_gone")
    raise AssertionError(f"{name} uses no column in any of these ways")


def mistyped(name: str, text: str, sources: Mapping[str, list[tuple[str, str]]]) -> Change | None:
    """The key of a table that another column is compared with becomes the table's first column of text."""
    plain = _plain(text)
    keys = {column for columns in sources.values() for column, kind in columns if kind in ("integer", "bigint")}
    found = []
    for table, columns in sources.items():
        key, other = columns[0][0], next((c for c, kind in columns if "char" in kind), None)
        names = {table, "", *re.findall(rf"\b{table}(?:'\) \}}\}})? as (\w+)", text)}
        if other is None or not re.search(rf"(?:from|join|,)\s+{table}\b|'{table}'", text):
            continue
        for m in re.finditer(rf"(?:\b(\w+)\.)?\b{key} = (?:\w+\.)?(\w+)\b|\b(\w+) = (?:(\w+)\.)?{key}\b", plain):
            on_the_left = m[3] is None
            if (m[1] if on_the_left else m[4] or "") in {None, *names} and (m[2] if on_the_left else m[3]) in keys - {key}:
                start = m.start() + (m[0].index(key) if on_the_left else m[0].rindex(key))
                found.append(Change(start, start + len(key), other))
    return found[crc32(name.encode()) % len(found)] if found else None


def narrowed(text: str) -> Change | None:
    """The last branch of a set operation that has several columns loses its first."""
    plain = _plain(text)
    for branch in reversed(list(re.finditer(r"\b(?:union all|union|intersect|except)\b[\s(]*select(?: distinct)?\s+", plain))):
        end = next(_ends(plain[branch.end() :]), None)
        if end is not None:
            return Change(branch.end(), branch.end() + end, "")
    return None


def _ends(text: str) -> Iterator[int]:
    """Where the further items of a select list begin: behind each comma that stands in no brackets, before any ``from``."""
    depth = 0
    for m in re.finditer(r"[()]|,\s*|\bfrom\b", text):
        depth += (m[0] == "(") - (m[0] == ")")
        if depth == 0 and m[0] == "from":
            return
        if depth == 0 and m[0].startswith(","):
            yield m.end()


def _plain(text: str) -> str:
    """The text with everything blanked that is not SQL; places stay what they are."""
    return TEMPLATE.sub(lambda m: "\0" * len(m[0]), text)
