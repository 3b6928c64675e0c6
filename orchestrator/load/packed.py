"""Nodes, bodies and declarations as JSON, for the cache: facts only, never syntax trees, never pickles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.names import Relation
from orchestrator.core.node import (
    Body,
    Column,
    Docs,
    ExposureBody,
    Fixture,
    HookBody,
    NativeTestBody,
    Node,
    PythonBody,
    Query,
    Read,
    SeedBody,
    SourceBody,
    SqlBody,
    UnitTestBody,
)
from orchestrator.core.project import Properties, Secret, Settings, SourceFile, Target

Packed = Any
"""JSON-able data."""


class Unpackable(Exception):  # noqa: N818 - not an error: the project is then simply not cached
    """A value that JSON cannot carry faithfully."""


_ATOMS = (str, bool, int, float, type(None))


def plain(value: Any) -> Any:
    """A configuration value as JSON: dates and decimals are wrapped, anything stranger is refused.

    >>> revived(plain({"begin": date(2013, 1, 1)}))
    {'begin': datetime.date(2013, 1, 1)}
    """
    if isinstance(value, _ATOMS) and not isinstance(value, Secret):
        return value
    match value:
        case Secret():
            raise Unpackable("a secret")
        case Mapping():
            if "$" in value or not all(isinstance(k, str) for k in value):
                return {"$": "m", "v": [[plain(k), plain(v)] for k, v in value.items()]}
            return {k: plain(v) for k, v in value.items()}
        case tuple():
            return {"$": "u", "v": [plain(v) for v in value]}
        case list():
            return [plain(v) for v in value]
        case datetime():
            return {"$": "t", "v": value.isoformat()}
        case date():
            return {"$": "d", "v": value.isoformat()}
        case Decimal():
            return {"$": "n", "v": str(value)}
        case _:
            raise Unpackable(type(value).__name__)


_REVIVE: dict[str, Callable[[Any], Any]] = {
    "m": lambda v: {revived(k): revived(x) for k, x in v},
    "u": lambda v: tuple(revived(x) for x in v),
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "n": Decimal,
}


def revived(value: Any) -> Any:
    """The value that :func:`plain` was given."""
    if type(value) is dict:
        if "$" in value:
            return _REVIVE[value["$"]](value["v"])
        return {k: revived(v) if type(v) in (dict, list) else v for k, v in value.items()}
    if type(value) is list:
        return [revived(v) if type(v) in (dict, list) else v for v in value]
    return value


# --- nodes: the light half, all decoded at once -------------------------------------------------------------------------


def pack_nodes(nodes: Sequence[Node]) -> Packed:
    """Nodes as rows; equal configs are written once."""
    configs: dict[str, int] = {}
    texts: list[Packed] = []
    rows: list[Packed] = []
    for n in nodes:
        config = plain(dict(n.config))
        number = configs.setdefault(repr(config), len(configs))
        if number == len(texts):
            texts.append(config)
        r = n.relation
        where = None if r is None else [r.database, r.schema, r.name]
        rows.append(
            [
                n.id, n.kind, n.name, n.package, n.path, n.fqn, number, n.language, where, n.depends_on, n.links,
                n.attached, n.column, n.test_name, n.source_name, n.fingerprint, n.content, n.line,
            ]
        )  # fmt: skip
    return {"configs": texts, "rows": rows}


def unpack_nodes(packed: Packed) -> dict[str, Node]:
    """Nodes by id."""
    configs = [revived(c) for c in packed["configs"]]
    found: dict[str, Node] = {}
    for (
        id_,
        kind,
        name,
        package,
        path,
        fqn,
        config,
        language,
        where,
        depends,
        links,
        attached,
        column,
        test,
        source,
        fingerprint,
        content,
        line,
    ) in packed["rows"]:
        found[id_] = Node(
            id_, kind, name, package, path, tuple(fqn), configs[config], language, None if where is None else Relation(*where),
            tuple(depends), tuple((a, b) for a, b in links), attached, column, test, source, fingerprint, content, line,
        )  # fmt: skip
    return found


# --- bodies: the heavy half, decoded one by one -------------------------------------------------------------------------


def _pack_query(query: Query | None, raw: str) -> Packed:
    if query is None:
        return None
    return [
        None if query.sql == raw else query.sql,
        [[r.name, r.start, r.end, r.qualified] for r in query.reads],
        query.columns,
        query.with_at,
        query.canon,
    ]


def _unpack_query(packed: Packed, raw: str) -> Query:
    sql, found, columns, with_at, canon = packed
    reads = tuple(Read(*r) for r in found)
    return Query(raw if sql is None else sql, reads, None if columns is None else tuple(columns), with_at, canon)


def _pack_docs(docs: Docs) -> Packed:
    if docs == _NO_DOCS:
        return None
    return [docs.description, [_pack_column(c) for c in docs.columns], docs.patch_path, plain(dict(docs.meta)), docs.line]


_SHORT = 3
"""Name, description and type: all that most columns have."""


def _pack_column(c: Column) -> Packed:
    short = [c.name, c.description, c.data_type]
    if not (c.tags or c.meta or c.quote or c.constraints):
        return short
    return [*short, c.tags, plain(dict(c.meta)), c.quote, [plain(dict(x)) for x in c.constraints]]


def _unpack_column(packed: Packed) -> Column:
    name, description, data_type, tags, meta, quote, constraints = packed
    return Column(name, description, data_type, tuple(tags), revived(meta), quote, tuple(revived(c) for c in constraints))


def _unpack_docs(packed: Packed) -> Docs:
    if packed is None:
        return _NO_DOCS
    description, columns, patch_path, meta, line = packed
    unpacked = [Column(*c) if len(c) == _SHORT else _unpack_column(c) for c in columns]
    return Docs(description, tuple(unpacked), patch_path, revived(meta), line)


_NO_DOCS = Docs()


def _pack_fixture(fixture: Fixture) -> Packed:
    return [fixture.input, None if fixture.rows is None else [plain(dict(r)) for r in fixture.rows], fixture.sql]


def _unpack_fixture(packed: Packed) -> Fixture:
    name, rows, sql = packed
    return Fixture(name, None if rows is None else tuple(revived(r) for r in rows), sql)


def pack_body(body: Body) -> Packed:
    """A body, with its kind first."""
    docs = _pack_docs(body.docs)
    match body:
        case SqlBody():
            return [
                "sql",
                body.raw,
                _pack_query(body.query, body.raw),
                _pack_query(body.incremental, body.raw),
                body.late,
                docs,
                body.macros,
                plain(dict(body.arguments)),
            ]
        case PythonBody():
            return ["python", body.raw, docs]
        case SeedBody():
            return ["seed", body.checksum, docs]
        case NativeTestBody():
            return ["native", plain(dict(body.arguments)), docs]
        case UnitTestBody():
            return [
                "unit",
                body.model,
                [_pack_fixture(g) for g in body.given],
                _pack_fixture(body.expect),
                plain(dict(body.overrides)),
                docs,
            ]
        case SourceBody():
            told = (body.source_description, body.loader, body.loaded_at_field)
            return ["source", docs, *told, plain(body.freshness), plain(body.external), body.loaded_at_query]
        case ExposureBody():
            return ["exposure", body.type, plain(dict(body.owner)), docs, body.label, body.url, body.maturity]
        case HookBody():
            return ["hook", body.raw, body.when, body.index]


def unpack_body(packed: Packed) -> Body:
    """The body that :func:`pack_body` was given."""
    kind, *rest = packed
    match kind:
        case "sql":
            raw, query, incremental, late, docs, macros, arguments = rest
            second = None if incremental is None else _unpack_query(incremental, raw)
            return SqlBody(raw, _unpack_query(query, raw), second, late, _unpack_docs(docs), tuple(macros), revived(arguments))
        case "python":
            return PythonBody(rest[0], _unpack_docs(rest[1]))
        case "seed":
            return SeedBody(rest[0], _unpack_docs(rest[1]))
        case "native":
            return NativeTestBody(revived(rest[0]), _unpack_docs(rest[1]))
        case "unit":
            model, given, expect, overrides, docs = rest
            return UnitTestBody(
                model, tuple(_unpack_fixture(g) for g in given), _unpack_fixture(expect), revived(overrides), _unpack_docs(docs)
            )
        case "source":
            docs, description, loader, loaded_at, freshness, external, query = rest
            return SourceBody(_unpack_docs(docs), description, loader, loaded_at, revived(freshness), revived(external), query)
        case "exposure":
            type_, owner, docs, label, url, maturity = rest
            return ExposureBody(type_, revived(owner), _unpack_docs(docs), label, url, maturity)
        case "hook":
            return HookBody(*rest)
        case _:
            raise ValueError(kind)


# --- declarations and the project's own facts ---------------------------------------------------------------------------


def pack_declaration(d: Declaration, body: Body) -> Packed:
    """A declaration whose template may have to be rendered again. Documentation that its body shares is not repeated."""
    docs = 0 if d.docs is body.docs else _pack_docs(d.docs)
    patch = None if d.patch is None else [d.patch.section, d.patch.name, d.patch.path, plain(dict(d.patch.data))]
    return [
        d.kind,
        d.name,
        d.package,
        d.path,
        d.fqn,
        plain(dict(d.config)),
        d.language,
        patch,
        d.line,
        d.test_name,
        d.column,
        d.attached,
        plain(dict(d.arguments)),
        d.text,
        docs,
    ]


def unpack_declaration(packed: Packed, body: Body) -> Declaration:
    """The declaration that :func:`pack_declaration` was given; lines inside its properties entry are not kept."""
    kind, name, package, path, fqn, config, language, patch, line, test_name, column, attached, arguments, text, docs = packed
    entry = None if patch is None else Properties(patch[0], patch[1], patch[2], revived(patch[3]), {(): line})
    tested = None if attached is None else (attached[0], attached[1])
    return Declaration(
        kind, name, package, path, tuple(fqn), revived(config), language, entry, line, test_name, column, tested, revived(arguments), text,
        docs=body.docs if docs == 0 else _unpack_docs(docs),
    )  # fmt: skip


def pack_settings(settings: Settings) -> Packed:
    """The project's settings."""
    return plain({f: getattr(settings, f) for f in Settings.__dataclass_fields__})


def unpack_settings(packed: Packed) -> Settings:
    """The settings that :func:`pack_settings` was given."""
    return Settings(**revived(packed))


def pack_target(target: Target) -> Packed:
    """The target, with nothing where a secret stands."""
    return plain({f: _without_secrets(getattr(target, f)) for f in Target.__dataclass_fields__})


def unpack_target(packed: Packed) -> Target:
    """The target that :func:`pack_target` was given, if it had no secrets."""
    return Target(**revived(packed))


def _without_secrets(value: Any) -> Any:
    match value:
        case Secret():
            return None
        case Mapping():
            return {k: _without_secrets(v) for k, v in value.items()}
        case list():
            return [_without_secrets(v) for v in value]
        case _:
            return value


def pack_files(files: Sequence[SourceFile]) -> Packed:
    """Source files."""
    return [[f.path, f.root] for f in files]


def unpack_files(packed: Packed) -> tuple[SourceFile, ...]:
    """The files that :func:`pack_files` was given."""
    return tuple(SourceFile(path, root) for path, root in packed)


def pack_problem(p: Problem) -> Packed:
    """A warning, to be shown again."""

    def place(s: Span | None) -> Packed:
        return None if s is None else [s.path, s.line, s.column, s.length]

    return [p.code, p.message, place(p.span), p.hint, [[what, place(s)] for what, s in p.trail], p.severity, p.node]


def unpack_problem(packed: Packed) -> Problem:
    """The problem that :func:`pack_problem` was given."""
    code, message, span, hint, trail, severity, node = packed
    return Problem(code, message, None if span is None else Span(*span), hint, tuple((what, Span(*s)) for what, s in trail), severity, node)
