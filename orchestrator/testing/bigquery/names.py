"""Which tables a statement's names mean: each becomes one flat name that GoogleSQL is given rows for; views become their queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.testing.bigquery import information, parameters
from orchestrator.testing.bigquery.catalog import Catalog, Key, Table, shown
from orchestrator.testing.bigquery.errors import Refusal, invalid_query, missing, unknown
from orchestrator.testing.bigquery.evaluate import Constant, Feed, World
from orchestrator.testing.bigquery.rows import Rows

DEEPEST = 16
"""Views over views, at most."""


@dataclass(frozen=True)
class Scope:
    """What the names of a job's statements are looked up in."""

    catalog: Catalog
    tables: Mapping[Key, Table]
    project: str
    default: tuple[str, str] | None
    location: str
    temporary: Mapping[str, Key] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    parameters: Mapping[str, Constant] = field(default_factory=dict)

    def key(self, names: tuple[str, ...]) -> Key:
        """The table that a path names, whether it is there or not."""
        match names:
            case (name,) if name in self.temporary:
                return self.temporary[name]
            case ("_SESSION", name) if name in self.temporary:
                return self.temporary[name]
            case (name,):
                if self.default is None:
                    raise invalid_query(f'Table "{name}" must be qualified with a dataset (e.g. dataset.table).')
                return (*self.default, name)
            case (dataset, name):
                return (self.project, dataset, name)
            case (project, dataset, name):
                return (project, dataset, name)
        raise invalid_query(f"Invalid table name: {'.'.join(names)}")

    def table(self, names: tuple[str, ...]) -> tuple[Key, Table]:
        """The table that a path names. Raises *not found* as BigQuery words it."""
        key = self.key(names)
        if key not in self.temporary.values():
            self.catalog.dataset(key[0], key[1], self.location)
        if key not in self.tables:
            raise missing("Table", shown(key), self.location)
        return key, self.tables[key]


@dataclass(frozen=True)
class Bound:
    """A statement whose names are known: its text with flat names, and the tables behind them."""

    splice: tree.Splice
    feeds: Mapping[str, Feed]
    keys: Mapping[str, Key]
    scope: Scope

    @property
    def world(self) -> World:
        """What the statement can name."""
        return World(self.feeds, self.scope.constants, self.scope.parameters)

    def numbered(self, flat: str, column: str) -> World:
        """The same, with the rows of one table numbered in a pseudo column."""
        feed = self.feeds[flat]

        def number(at: int, row: Any) -> None:
            row.cell.add().int64_value = at

        numbered = Feed(feed.fields, feed.rows.change(number), (*feed.pseudo, (column, "INTEGER")))
        return replace(self.world, feeds={**self.feeds, flat: numbered})


def flat(key: Key) -> str:
    """The one name by which GoogleSQL knows a table."""
    return ".".join(key)


def bind(scope: Scope, text: bytes, node: Any, parse: Callable[[str], list[Any]], target: Any = None, *, alias: bool = False) -> Bound:
    """Find what a statement's names mean. ``target`` is the path of a table that it changes, given an ``alias`` if it has none."""
    edits: list[tuple[int, int, bytes]] = []
    feeds: dict[str, Feed] = {}
    keys: dict[str, Key] = {}
    if target is not None:
        key, table = scope.table(tuple(n for part in tree.path(target) for n in part.split(".")))
        if table.kind != "TABLE":
            raise invalid_query(f"Cannot modify {shown(key)}: it is a {table.kind}")
        keys[flat(key)], feeds[flat(key)] = key, feed(table)
        start, end = tree.span(target)
        edits.append((start, end, f"`{flat(key)}`{f' AS `{key[2]}`' if alias else ''}".encode()))
    edits += [(place.start, place.end, _written(scope, place, parse, feeds, keys, 0).encode()) for place in tree.tables(node)]
    for mark in tree.find(node, lambda n: tree.kind(n) == "ASTParameterExpr" and not n.HasField("name")):
        edits.append((*tree.span(mark), f"@{parameters.positional(mark.position)}".encode()))
    return Bound(tree.Splice(text, tuple(sorted(edits))), feeds, keys, scope)


def _written(
    scope: Scope, place: tree.Path, parse: Callable[[str], list[Any]], feeds: dict[str, Feed], keys: dict[str, Key], depth: int
) -> str:
    """What stands in the statement instead of a table's name."""
    if place.travels:
        raise unknown("FOR SYSTEM_TIME AS OF")
    names = place.names
    alias = "" if place.alias else f" AS `{names[-1]}`"
    if any(name.upper() == "INFORMATION_SCHEMA" for name in names):
        name = ".".join(names)
        feeds[name] = information.view(scope.catalog, scope.tables, scope.project, names, scope.location)
        return f"`{name}`{alias}"
    if names[-1].endswith("*"):
        return _wildcard(scope, names, feeds, keys)
    key, table = scope.table(names)
    if table.kind == "TABLE":
        keys[flat(key)], feeds[flat(key)] = key, feed(table)
        return f"`{flat(key)}`{alias}"
    if depth > DEEPEST:
        raise invalid_query(f"Too many nested views/persistent user-defined functions or possible circular reference: {shown(key)}")
    return f"({_query(scope, key, table, parse, feeds, keys, depth)}\n){alias}"


def _query(
    scope: Scope, key: Key, view: Table, parse: Callable[[str], list[Any]], feeds: dict[str, Feed], keys: dict[str, Key], depth: int
) -> str:
    """A view's query, with flat names."""
    view.check_bases(key, scope.tables, scope.location)
    body = (view.resource.get("view") or view.resource.get("materializedView") or {})["query"]
    inner = replace(scope, project=key[0], default=None, temporary={})
    places = tree.tables(parse(body)[0])
    edits = [(place.start, place.end, _written(inner, place, parse, feeds, keys, depth + 1).encode()) for place in places]
    return tree.Splice(body.encode(), tuple(edits)).piece()


def _wildcard(scope: Scope, names: tuple[str, ...], feeds: dict[str, Feed], keys: dict[str, Key]) -> str:
    """All tables with a prefix, as one, with ``_TABLE_SUFFIX``; their schemas must be the same (BigQuery takes the newest's)."""
    project, dataset, pattern = scope.key(names)
    scope.catalog.dataset(project, dataset, scope.location)
    prefix = pattern[:-1]
    found = {k: t for k, t in scope.tables.items() if k[:2] == (project, dataset) and k[2].startswith(prefix) and t.kind == "TABLE"}
    if not found:
        raise Refusal("notFound", f"{project}:{dataset}.{pattern} does not match any table.")
    shapes = {repr([(f["name"], f["type"], f["mode"]) for f in table.cells]) for table in found.values()}
    if len(shapes) > 1:
        raise unknown("a wildcard over tables with different schemas")
    rows = Rows()
    for key, table in sorted(found.items()):
        rows += table.rows.change(partial(_marked, key[2].removeprefix(prefix)))
    name = flat((project, dataset, pattern))
    first = next(iter(found.values()))
    feeds[name] = Feed(first.fields, rows, (*((f["name"], f["type"]) for f in first.pseudo), ("_TABLE_SUFFIX", "STRING")))
    keys |= {flat(key): key for key in found}
    return f"`{name}`"


def _marked(suffix: str, _: int, row: Any) -> None:
    row.cell.add().string_value = suffix


def feed(table: Table) -> Feed:
    """A table as queries see it."""
    return Feed(table.fields, table.rows, tuple((f["name"], f["type"]) for f in table.pseudo))
