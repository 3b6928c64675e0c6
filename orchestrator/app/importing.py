"""``orc source import``: tables that are there already, as declarations one can go on from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.app.columns.observed import observe
from orchestrator.app.opening import Workspace
from orchestrator.core.errors import Problem, StoreError, UsageError, did_you_mean
from orchestrator.core.files import Span
from orchestrator.core.names import ASIDE_SUFFIX, CHANGES_SUFFIX, STAGE_SUFFIX, Relation
from orchestrator.core.node import BUILDABLE, Node
from orchestrator.core.snapshot import Snapshot
from orchestrator.publish.source_yaml import Imported, extended, source_yaml

_OURS = (STAGE_SUFFIX, ASIDE_SUFFIX, CHANGES_SUFFIX)


@dataclass(frozen=True, slots=True)
class _Place:
    """Somewhere to look: one table, or (``table`` is ``None``) a whole schema. ``name`` is what the project calls a declared table."""

    source: str
    database: str | None
    schema: str
    table: str | None = None
    name: str | None = None


def import_sources(workspace: Workspace, words: Sequence[str], schema: str | None = None) -> tuple[tuple[Imported, ...], tuple[str, ...]]:
    """What the warehouse holds of the sources, schemas and tables that are named, and what is declared but not there.

    A source means all that is in its schema; without a name, all declared tables are looked at. Tables that the project builds
    itself are left out of a schema. What is seen here is known to later commands, too.

    Raises:
        UsageError: U030, nothing is named. U032, something named is not there.
        WarehouseError: it cannot be reached.
    """
    from orchestrator.adapters import registry

    places = tuple(_places(workspace, words, schema))
    if not places:
        hint = "name a schema (`orc source import raw`) or a table (`orc source import raw.orders`)"
        raise UsageError(Problem("U030", "there is nothing to import: no source is declared yet, and nothing is named", None, hint))
    warehouse = registry.warehouse(workspace.project.target, str(workspace.invocation.root), workspace.invocation.id)
    try:
        asked = dict.fromkeys(Relation(p.database, p.schema, p.table or "orc") for p in places)
        relations, gone = _found(workspace, places, warehouse.snapshot(asked))
        described = {d.relation: d for d in warehouse.catalog(relations)}
    finally:
        warehouse.close()
    seen = {r: tuple((name, kind) for name, kind, _ in described[r].columns) for r in relations if r in described}
    observe(workspace, relations, seen)
    grouped: dict[tuple[str, str | None, str], list[tuple[Relation, _Place]]] = {}
    for relation, place in relations.items():
        if relation in described:
            grouped.setdefault((place.source, relation.database, relation.schema or ""), []).append((relation, place))
    own, fold = workspace.project.target.database, workspace.dialect.fold

    def quoted(name: str) -> bool:
        return fold(name) != name or not name.isidentifier()

    found = tuple(
        Imported(
            source,
            where,
            tuple(described[r] for r, _ in tables),
            None if (database or "").casefold() in ("", (own or "").casefold()) else database,
            tuple((r.name, p.name) for r, p in tables if p.name is not None and p.name != r.name),
            quoted,
        )
        for (source, database, where), tables in grouped.items()
    )
    return found, gone


def write_sources(workspace: Workspace, found: Sequence[Imported], output: str) -> tuple[str, ...]:
    """Declare them in the file ``output`` (from the project's root); the tables left out because another file declares them.

    Raises:
        UsageError: U033, the file is there and cannot be added to line by line. U034, the project would not read it.
        StoreError: the disk refuses.
    """
    from orchestrator.core.project import mask
    from orchestrator.publish.write import write

    path = _inside(workspace, output)
    elsewhere = {n.name: n.path for n in workspace.graph.nodes.values() if n.kind == "source" and n.path != path}
    kept = tuple(k for k in (_without(source, elsewhere) for source in found) if k.tables)
    left = tuple(name for source in found for t in source.tables if (name := f"{source.name}.{_called(source, t.relation)}") in elsewhere)
    file = workspace.invocation.root / path
    from orchestrator.app import secrets

    hidden = secrets(workspace)
    if kept:
        text = _added_to(path, file, kept) if file.exists() else source_yaml(kept)
        if mask(text, hidden) != text:
            raise UsageError(
                Problem("U033", f"`{path}` would hold a secret: nothing was written", None, "is a comment in the warehouse one?")
            )
        write({path: text}, workspace.invocation.root)
    return tuple(f"`{name}` is declared in {elsewhere[name]}" for name in left)


def _places(workspace: Workspace, words: Sequence[str], schema: str | None) -> Iterator[_Place]:
    declared = [n for n in workspace.graph.nodes.values() if n.kind == "source"]
    own = workspace.project.target.database
    if schema is not None:
        if len(words) > 1 or any("." in word for word in words):
            message = "with `--schema` comes at most one name: what to call the source"
            raise UsageError(Problem("U030", message, None, f"orc source import {words[0].split('.')[0]} --schema {schema}"))
        yield _Place(words[0] if words else schema, own, schema)
        return
    if not words:
        yield from map(_declared, declared)
    for word in words:
        nodes = [n for n in declared if word.casefold() in (n.name.casefold(), (n.source_name or "").casefold())]
        if nodes:
            tables = [_declared(n) for n in nodes]
            yield from tables
            if word.casefold() != nodes[0].name.casefold():
                yield from dict.fromkeys(_Place(p.source, p.database, p.schema) for p in tables)
            continue
        *before, last = word.split(".")
        if not before:
            yield _Place(last, own, last)
        else:
            database = before[-2] if len(before) > 1 else own
            known = next(
                (n.source_name for n in declared if n.relation and (n.relation.schema or "").casefold() == before[-1].casefold()), None
            )
            yield _Place(known or before[-1], database, before[-1], last)


def _declared(node: Node) -> _Place:
    if node.relation is None:
        raise AssertionError(node.id)
    source, _, table = node.name.partition(".")
    return _Place(source, node.relation.database, node.relation.schema or "", node.relation.name, table)


def _found(workspace: Workspace, places: Iterable[_Place], snapshot: Snapshot) -> tuple[dict[Relation, _Place], tuple[str, ...]]:
    """The relations at the places, each once, in the order of their names; and declared tables that are not there."""
    built = {n.relation.key for n in workspace.graph.nodes.values() if n.relation is not None and n.kind in BUILDABLE}
    there = {e.relation: None for e in snapshot.relations.values() if e.relation.database and e.relation.schema}
    found: dict[Relation, _Place] = {}
    gone: dict[str, None] = {}
    problems: list[Problem] = []
    for place in places:
        inside = [r for r in there if _at(r, place)]
        exact = [r for r in inside if r.schema == place.schema] or inside
        if place.table is None:
            wanted = [r for r in exact if r.key not in built and not r.name.endswith(_OURS)]
            if not wanted:
                what = "has nothing that this project does not build" if exact else "is not in the warehouse, or is empty"
                problems.append(Problem("U032", f"the schema `{place.schema}` {what}", None, None if exact else _nearest(place, snapshot)))
            for relation in sorted(wanted, key=lambda r: r.name):
                found.setdefault(relation, place)
            continue
        named = [r for r in exact if r.name == place.table] or [r for r in exact if r.name.casefold() == place.table.casefold()]
        found.update(dict.fromkeys(named[:1], place))
        if not named and place.name is not None:
            gone[f"`{place.source}.{place.name}` is declared, but the warehouse has no `{place.schema}.{place.table}`"] = None
        elif not named:
            hint = did_you_mean(place.table, [r.name for r in exact]) or _nearest(place, snapshot)
            problems.append(Problem("U032", f"the warehouse has no table `{place.schema}.{place.table}`", None, hint))
    if problems:
        raise UsageError(*problems)
    return found, tuple(gone)


def _at(relation: Relation, place: _Place) -> bool:
    same = (relation.schema or "").casefold() == place.schema.casefold()
    return same and (place.database is None or (relation.database or "").casefold() == place.database.casefold())


def _nearest(place: _Place, snapshot: Snapshot) -> str | None:
    names = sorted({schema for _, schema in snapshot.schemas} - {place.schema.casefold()})
    return did_you_mean(place.schema, names, also=f"its schemas are {', '.join(names[:10])}" if names else "")


def _inside(workspace: Workspace, output: str) -> str:
    """The output from the project's root, if the project reads it."""
    root = workspace.invocation.root.resolve()
    path = Path(output) if Path(output).is_absolute() else root / output
    folders = [f.strip("/").removeprefix("./") for f in workspace.project.settings.model_paths]
    try:
        inner = path.resolve().relative_to(root).as_posix()
    except ValueError:
        inner = ""
    if not inner.endswith((".yml", ".yaml")) or not any(inner.startswith(f"{folder}/") for folder in folders):
        where = " or ".join(f"`{folder}/`" for folder in folders)
        hint = f"--output {folders[0] if folders else 'models'}/sources.yml"
        raise UsageError(Problem("U034", f"`{output}` would not be read: sources are declared in .yml files below {where}", None, hint))
    return inner


def _called(source: Imported, relation: Relation) -> str:
    return dict(source.names).get(relation.name, relation.name)


def _without(source: Imported, elsewhere: Iterable[str]) -> Imported:
    tables = tuple(t for t in source.tables if f"{source.name}.{_called(source, t.relation)}" not in elsewhere)
    return Imported(source.name, source.schema, tables, source.database, source.names, source.quoted)


def _added_to(path: str, file: Path, found: Sequence[Imported]) -> str:
    """The text of a file that is there, with what it lacks."""
    from orchestrator.load.decoded import decoded
    from orchestrator.load.lines import Lines
    from orchestrator.load.yaml import read_yaml

    try:
        content = file.read_bytes()
    except OSError as error:
        raise StoreError(Problem("S006", f"cannot read `{path}`: {error.strerror or error}", Span(path))) from error
    text, before = decoded(path, content), read_yaml(path, content)
    line = Lines(before.data, before.lines).__getitem__
    made = extended(text, before.data, line, found, lambda made: read_yaml(path, made.encode()).data)
    if made is not None:
        return made
    hint = "its text stays as it is; the declarations were printed: copy what you want of them, or write to another file"
    raise UsageError(Problem("U033", f"`{path}` cannot be added to without writing it anew", Span(path), hint))
