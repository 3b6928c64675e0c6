"""Rendered text → drafts: nodes that know their config, columns and reads, but not yet which node each name means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from orchestrator.core import marker
from orchestrator.core.config import MODEL_KEYS, listed, merge
from orchestrator.core.contract import called, enforced, promise, written
from orchestrator.core.declaration import Declaration, Draft, Rendered
from orchestrator.core.errors import Problem, did_you_mean
from orchestrator.core.files import Span, digest
from orchestrator.core.freshness import limited
from orchestrator.core.names import Relation
from orchestrator.core.node import (
    BUILDABLE,
    Body,
    Docs,
    ExposureBody,
    HookBody,
    NativeTestBody,
    Node,
    PythonBody,
    Query,
    SeedBody,
    SourceBody,
    SqlBody,
)
from orchestrator.core.ports import Dialect
from orchestrator.core.project import Target
from orchestrator.parse.python_model import python_model
from orchestrator.parse.snapshot import own_text, snapshot
from orchestrator.parse.unit_test import unit_test_body

Naming = Callable[[str, Any, Declaration], str | None]


class Locate(Protocol):
    """Leads an offset in rendered text back to the author's file."""

    def __call__(self, rendered: Rendered, offset: int, /, *, incremental: bool = False) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        """The place, and the macro calls that led there."""
        ...


def parse(
    rendered: Iterable[Rendered],
    dialect: Dialect,
    target: Target,
    locate: Locate,
    problems: list[Problem],
    *,
    naming: Naming | None = None,
    own: bool = True,
) -> tuple[Draft, ...]:
    """Read every rendered text. What cannot be read is left out and its problem added to ``problems``.

    ``own`` projects stop at SQL that does not parse and at unknown config keys; dbt projects get a warning and go on with
    what ``ref`` and ``source`` say.
    """
    drafts: list[Draft] = []
    for item in rendered:
        draft = _draft(item, dialect, target, locate, problems, naming, own)
        if draft is not None:
            drafts.append(draft)
    return tuple(drafts)


def _draft(
    item: Rendered, dialect: Dialect, target: Target, locate: Locate, problems: list[Problem], naming: Naming | None, own: bool
) -> Draft | None:
    declaration = item.declaration
    body: Body | None
    wants: tuple[tuple[str, int], ...]
    match declaration.language:
        case "sql":
            config = merge([declaration.config, item.config]) if item.config else dict(declaration.config)
            if config.get("enabled") is False:
                return Draft(_node(declaration, config, None), SqlBody(item.raw, Query(item.text)))
            _check_keys(item, item.config, problems, own)
            body = _sql(item, config, dialect, locate, problems, own)
            if declaration.kind == "snapshot":
                problems += snapshot(item, config, body)
                body = body and replace(body, raw=own_text(item.raw))
            wants = tuple((payload, declaration.line) for payload in item.depends_on if not _is_read(payload, body))
        case "python":
            facts = python_model(item.raw, declaration.path)
            problems += [replace(p, node=declaration.name) for p in facts.problems]
            config = merge([{"materialized": "table"}, _without_default(declaration), facts.config])
            _check_keys(item, facts.config, problems, own)
            docs = declaration.docs
            body = PythonBody(item.raw, docs if docs.description else replace(docs, description=facts.doc))
            wants = (*facts.wants, *((payload, declaration.line) for payload in item.depends_on))
        case "csv":
            config, body, wants = dict(declaration.config), SeedBody(item.text, declaration.docs), ()
            problems += _no_parents(item)
        case "generic":
            config = merge([declaration.config, item.config]) if item.config else dict(declaration.config)
            body = _generic(item, dialect, declaration)
            attached = _attached_payload(declaration)
            wants = ((attached, declaration.line), *((p, declaration.line) for p in _payloads(declaration.arguments, dialect.quote_char)))
        case "hook":
            config = dict(declaration.config)
            body = HookBody(declaration.text or "", config["when"], config["index"])
            wants = tuple((payload, declaration.line) for payload in item.depends_on)
        case _:
            config = dict(declaration.config)
            body, wants = _yaml_body(declaration, problems)
    extra = tuple((str(name), declaration.line) for name in listed(config.get("depends_on")))
    if body is None:
        return None
    relation = _relation(declaration, config, target, naming)
    if relation is not None and declaration.kind in BUILDABLE:
        _check_length(relation, declaration, dialect, problems)
    return Draft(_node(declaration, config, relation), body, (*wants, *extra, *_referenced(declaration, config)), item.inputs)


def _no_parents(seed: Rendered) -> list[Problem]:
    """A seed is loaded before anything else: its hooks cannot wait for a model."""
    name = seed.declaration.name
    return [
        Problem(
            "P031",
            f"a hook of the seed `{name}` refers to `{marker.spoken(payload)}`, but seeds cannot depend on other nodes",
            seed.declaration.span,
            "let a hook of a model, or on-run-end, do it",
            node=name,
        )
        for payload in seed.depends_on
    ]


def _is_read(payload: str, body: SqlBody | None) -> bool:
    """Whether the text itself shows where the name is used; else the template only asked for it (a loop over its values)."""
    faces = (body.query, body.incremental) if body is not None else ()
    return any(read.name == payload for query in faces if query is not None for read in query.reads)


def _node(declaration: Declaration, config: Mapping[str, Any], relation: Relation | None) -> Node:
    return Node(
        id=node_id(declaration),
        kind=declaration.kind,
        name=declaration.name,
        package=declaration.package,
        path=declaration.path,
        fqn=declaration.fqn,
        config=config,
        language="python" if declaration.language == "python" else "sql",
        relation=relation,
        column=declaration.column,
        test_name=declaration.test_name,
        source_name=declaration.name.split(".", 1)[0] if declaration.kind == "source" else None,
        content=promise(config, declaration.docs.columns) or "",  # ``link`` adds the body's
        line=declaration.line,
    )


def _sql(item: Rendered, config: Mapping[str, Any], dialect: Dialect, locate: Locate, problems: list[Problem], own: bool) -> SqlBody | None:
    first = _query(item, item.text, dialect, locate, problems, own, config, incremental=False)
    second = None
    if item.incremental is not None:
        second = _query(item, item.incremental, dialect, locate, problems, own, config, incremental=True)
    if first is None:
        return None
    late = tuple(v for v in item.inputs.volatile if v != "full_refresh" or item.declaration.kind == "model")
    return SqlBody(item.raw, first, second, bool(late), item.declaration.docs, item.macros)


def _query(
    item: Rendered,
    text: str,
    dialect: Dialect,
    locate: Locate,
    problems: list[Problem],
    own: bool,
    config: Mapping[str, Any],
    *,
    incremental: bool,
) -> Query | None:
    from orchestrator.sql.parse import Malformed, opaque, parse

    if config.get("parse") is False:
        return opaque(text, dialect.quote_char)
    try:
        return parse(text, dialect.sqlglot, dialect.quote_char)
    except Malformed as wrong:
        span, trail = locate(item, wrong.position, incremental=incremental)
        hint = wrong.hint
        strict = own or not text.strip()
        if wrong.message.startswith("syntax error") and hint is None:
            hint = "if the engine accepts this, say `config(parse=false)`: orc then reads only ref() and source()" if own else None
        problem = Problem("P001", wrong.message, replace(span, length=wrong.length), hint, trail, node=item.declaration.name)
        problems.append(problem if strict else problem.as_warning())
        return None if strict else opaque(text, dialect.quote_char)


def _check_keys(item: Rendered, config: Mapping[str, Any], problems: list[Problem], own: bool) -> None:
    """An own project's file sets known keys only; what sets them is the call of ``config``."""
    if not own:
        return
    for key in config:
        if key not in MODEL_KEYS:
            call = re.search(r"\bconfig\s*\(", item.raw)
            found = re.compile(rf"\b{re.escape(key).replace('_', '[-_]')}\b").search(item.raw, call.end() if call else 0)
            offset = found.start() if found else 0
            line = item.raw.count("\n", 0, offset) + 1
            span = Span(item.declaration.path, line, offset - item.raw.rfind("\n", 0, offset), len(key))
            hint = did_you_mean(key, MODEL_KEYS, also="keys of your own go under `meta`")
            problems.append(Problem("P030", f"unknown config key `{key}`", span, hint, node=item.declaration.name))


def _check_length(relation: Relation, declaration: Declaration, dialect: Dialect, problems: list[Problem]) -> None:
    """Engines cut long names silently: two models would end in one table."""
    for name in (relation.name, relation.schema or ""):
        size = len(name.encode())
        if size > dialect.max_identifier:
            message = f"`{name}` has {size} bytes; {dialect.name} allows {dialect.max_identifier} in a name"
            problems.append(Problem("P041", message, declaration.span, "give it a shorter `alias` or `schema`", node=declaration.name))


def _generic(item: Rendered, dialect: Dialect, declaration: Declaration) -> Body:
    from orchestrator.sql.parse import Malformed, opaque, parse

    docs = Docs(description=declaration.text or "")
    if not item.text:
        return NativeTestBody(dict(declaration.arguments), docs)
    try:
        query = parse(item.text, dialect.sqlglot, dialect.quote_char)
    except Malformed:
        query = opaque(item.text, dialect.quote_char)
    return SqlBody(item.raw, query, None, bool(item.inputs.volatile), docs, item.macros, dict(declaration.arguments))


def _yaml_body(declaration: Declaration, problems: list[Problem]) -> tuple[Body | None, tuple[tuple[str, int], ...]]:
    patch = declaration.patch
    data: Mapping[str, Any] = patch.data if patch else {}
    match declaration.kind:
        case "source":
            source: Mapping[str, Any] = data.get("source") or {}
            # a table that says one of the two does not take the other one from its source
            told = data if data.get("loaded_at_field") or data.get("loaded_at_query") else source
            freshness = limited(source.get("freshness"), data["freshness"]) if "freshness" in data else source.get("freshness")
            body = SourceBody(
                declaration.docs,
                str(source.get("description") or ""),
                str(source.get("loader") or ""),
                told.get("loaded_at_field"),
                freshness,
                data.get("external"),
                told.get("loaded_at_query"),
            )
            return body, ()
        case "exposure":
            owner = data.get("owner") or {}
            exposure = ExposureBody(
                str(data.get("type") or ""), owner, declaration.docs, data.get("label"), data.get("url"), data.get("maturity")
            )
            wants = [(called(str(text)) or str(text), declaration.line) for text in data.get("depends_on") or ()]
            return exposure, tuple((p, line) for p, line in wants if p)
        case "unit_test":
            return unit_test_body(declaration, problems)
        case _:
            raise AssertionError(declaration.kind)


def _referenced(declaration: Declaration, config: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """What the foreign keys of an enforced contract point to: it has to be there first."""
    if declaration.kind != "model" or not enforced(config):
        return ()
    said = [str(c.get("to") or "") for c, _ in written(config, declaration.docs.columns)]
    own = marker.ref(declaration.name)
    return tuple((payload, declaration.line) for to in said if (payload := called(to)) is not None and payload != own)


def _payloads(values: Any, quote: str) -> list[str]:
    """Payloads of all markers inside a test's arguments."""
    match values:
        case str():
            return [m.payload for m in marker.find(values, quote)]
        case Mapping():
            return [p for v in values.values() for p in _payloads(v, quote)]
        case list() | tuple():
            return [p for v in values for p in _payloads(v, quote)]
        case _:
            return []


def _attached_payload(declaration: Declaration) -> str:
    kind, name = declaration.attached or ("model", "")
    return marker.tested(kind, name)[0]


def _without_default(declaration: Declaration) -> dict[str, Any]:
    """A Python model's config; nobody means the SQL default ``view`` for one."""
    config = dict(declaration.config)
    if config.get("materialized") == "view":
        del config["materialized"]
    return config


def _relation(declaration: Declaration, config: Mapping[str, Any], target: Target, naming: Naming | None) -> Relation | None:
    match declaration.kind:
        case "model" | "seed" | "snapshot":
            named = naming or (lambda part, custom, of: None)  # noqa: ARG005 - nothing is overridden
            at = replace(declaration, config=config)
            schema = named("schema", config.get("schema"), at) or default_schema(target.schema, config.get("schema"))
            if declaration.kind == "snapshot" and config.get("target_schema"):  # the older way: this schema, whatever macros say
                schema = str(config["target_schema"])
            version = config.get("version")
            usual = declaration.name if version is None else f"{declaration.name}_v{version}"
            alias = named("alias", config.get("alias"), at) or str(config.get("alias") or usual)
            database = named("database", config.get("database"), at) or config.get("database") or target.database
            if declaration.kind == "snapshot" and config.get("target_database"):
                database = str(config["target_database"])
            return Relation(database, schema, alias)
        case "source":
            data: Mapping[str, Any] = declaration.patch.data if declaration.patch else {}
            source: Mapping[str, Any] = data.get("source") or {}
            table = declaration.name.split(".", 1)[1]
            place = source.get("schema") or source.get("name")
            return Relation(source.get("database") or target.database, str(place), str(data.get("identifier") or table))
        case _:
            return None


def default_schema(target_schema: str, custom: Any) -> str:
    """Dbt's rule: the target's schema, with a custom one appended.

    >>> default_schema("main", None), default_schema("main", "staging")
    ('main', 'main_staging')
    """
    return f"{target_schema}_{str(custom).strip()}" if custom else target_schema


def node_id(declaration: Declaration) -> str:
    """Dbt's unique id."""
    kind, package, name = declaration.kind, declaration.package, declaration.name
    if kind == "unit_test" and declaration.attached:
        return f"{kind}.{package}.{declaration.attached[1]}.{name}"
    if declaration.language == "generic":
        # No arguments: they read differently once rendered, and the name has them.
        said = f"{declaration.test_name}|{declaration.attached}|{declaration.column}|{declaration.name}"
        return f"{kind}.{package}.{name}.{digest(said.encode())[:10]}"
    version = declaration.config.get("version") if kind == "model" else None
    return f"{kind}.{package}.{name}" if version is None else f"{kind}.{package}.{name}.v{version}"
