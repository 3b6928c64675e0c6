"""Templates → SQL text, what they said about themselves (config), and what they looked at (inputs)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

from orchestrator.core import marker
from orchestrator.core.config import listed
from orchestrator.core.declaration import Declaration, Inputs, Rendered
from orchestrator.core.errors import OrcError, Problem, RenderError
from orchestrator.core.names import Relation
from orchestrator.core.node import Kind
from orchestrator.render.facades import Tested
from orchestrator.render.literal import literal
from orchestrator.render.recorder import Recorder
from orchestrator.render.templates import Templates

NATIVE_TESTS = frozenset({"unique", "not_null", "accepted_values", "relationships"})
_TAG = re.compile(r"\{[{%#]")
_LOOKS_LIKE_CALL = re.compile(r"^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$", re.DOTALL)
_DEPENDS = re.compile(r"--\s*depends_on:\s*(.*)")


def render(templates: Templates, declarations: Iterable[tuple[Declaration, str]], problems: list[Problem]) -> tuple[Rendered, ...]:
    """Render every declaration with its source text. What fails is left out and its problem added to ``problems``."""
    done: list[Rendered] = []
    own = templates.library.packages[templates.library.root]
    short = not ({"ref", "source", "config", "this"} & own.keys())
    for declaration, raw in declarations:
        try:
            done.append(_with_hooks(templates, render_one(templates, _described(templates, declaration), raw, short=short)))
        except OrcError as error:
            problems.extend(replace(p, node=declaration.name) for p in error.problems)
    return tuple(done)


def render_one(templates: Templates, declaration: Declaration, raw: str, *, short: bool = True) -> Rendered:
    """Render one declaration: both faces when it asks ``is_incremental()``.

    Raises:
        RenderError: the template does not render.
    """
    if declaration.kind == "test" and declaration.test_name:
        return _generic_test(templates, declaration)
    if declaration.language != "sql":
        return Rendered(declaration, raw, raw)
    depends = _depends_on(raw)
    if "{" not in raw or not ("\r" in raw or _TAG.search(raw)):  # with tags or braces, Jinja decides what a line end is
        return Rendered(declaration, raw, raw.removesuffix("\n"), depends_on=depends)
    quote = templates.facts.dialect.quote_char
    found = literal(raw, declaration.name, quote) if short else None
    if found is not None:
        return Rendered(declaration, raw, found.text, config=_merged(found.config), depends_on=depends)
    text, notes = templates.render(declaration, raw)
    second: str | None = None
    inputs, macros, named = notes.inputs, notes.macros, {**dict.fromkeys(depends), **notes.depends_on}
    if notes.asks_incremental:
        second, more = templates.render(declaration, raw, incremental=True)
        inputs = _both(notes, more)
        macros = {**macros, **more.macros}
        named |= more.depends_on
        second = str.__str__(second)
    return Rendered(declaration, raw, text, second, _merged(notes.config), tuple(named), inputs, tuple(macros))


def _described(templates: Templates, declaration: Declaration) -> Declaration:
    """The declaration with the templates in its descriptions rendered: ``{{ doc('late') }}``."""

    def said(text: str) -> str:
        return str.__str__(templates.render(declaration, text)[0]) if _TAG.search(text) else text

    docs = declaration.docs
    if not any(_TAG.search(text) for text in (docs.description, *(c.description for c in docs.columns))):
        return declaration
    columns = tuple(replace(c, description=said(c.description)) for c in docs.columns)
    return replace(declaration, docs=replace(docs, description=said(docs.description), columns=columns))


def _with_hooks(templates: Templates, rendered: Rendered) -> Rendered:
    """What hooks refer to are parents, too. Their text is rendered for that only: it is rendered again when it is sent.

    A hook that needs a run to make sense of (a relation it looks up, say) is judged then.
    """
    declaration = rendered.declaration
    texts = [declaration.text or ""] if declaration.kind == "operation" else list(_hook_texts(declaration.config, rendered.config))
    named: dict[str, None] = dict.fromkeys(rendered.depends_on)
    values = dict(rendered.inputs.values)
    for text in texts:
        if _TAG.search(text):
            with suppress(OrcError):
                _, notes = templates.render(declaration, text)
                named |= notes.depends_on
                values |= notes.values
    if len(named) == len(rendered.depends_on):
        return rendered
    return replace(rendered, depends_on=tuple(named), inputs=replace(rendered.inputs, values=values))


def _hook_texts(*levels: Mapping[str, Any]) -> Iterator[str]:
    for config in levels:
        for hook in (h for key in ("pre_hook", "post_hook") for h in listed(config.get(key))):
            yield str(hook.get("sql", "")) if isinstance(hook, Mapping) else str(hook)


def _merged(calls: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Several ``config()`` calls of one file, later ones adding as levels do."""
    from orchestrator.core.config import merge

    return merge(calls)


def _both(first: Recorder, second: Recorder) -> Inputs:
    return Inputs({**first.values, **second.values}, tuple({**first.volatile, **second.volatile}), asks_incremental=True)


def _depends_on(raw: str) -> tuple[str, ...]:
    """Payloads of ``-- depends_on: {{ ref('x') }}`` comments, kept even where the template would drop them."""
    if "depends_on:" not in raw:
        return ()
    found: list[str] = []
    for line in _DEPENDS.findall(raw):
        for call in re.finditer(r"\b(ref|source)\(\s*['\"]([^'\"]+)['\"]\s*(?:,\s*['\"]([^'\"]+)['\"]\s*)?\)", line):
            first, second = call[2], call[3]
            if call[1] == "source":
                found.append(marker.source(first, second or ""))
            else:
                found.append(marker.ref(second or first, first if second else ""))
    return tuple(found)


def _generic_test(templates: Templates, declaration: Declaration) -> Rendered:
    """A generic test: its arguments rendered; the four built-in ones stay data, others become SQL through their macro."""
    arguments, notes = rendered_arguments(templates, declaration, declaration.arguments)
    config, more = rendered_arguments(templates, declaration, declaration.config)
    inputs = Inputs({**notes.values, **more.values}, tuple({**notes.volatile, **more.volatile}))
    test = declaration.test_name or ""
    package, _, bare = test.rpartition(".")
    quote = templates.facts.dialect.quote_char
    column = declaration.column
    if column is not None and column.startswith('"') and quote != '"':
        column = f"{quote}{column[1:-1]}{quote}"
    replaced = replace(declaration, arguments=arguments, config=config, column=column)
    if test in NATIVE_TESTS and templates.library.find(f"test_{bare}", templates.library.root) is None:
        return Rendered(replaced, "", "", inputs=inputs)
    macro = templates.library.find(f"test_{bare}", package or None)
    if macro is None:
        from orchestrator.core.errors import did_you_mean

        tests = [n.removeprefix("test_") for n in templates.library.names() if n.startswith("test_")]
        hint = did_you_mean(bare, [*tests, *NATIVE_TESTS], also=f"define it: {{% test {bare}(model, column_name) %}} … {{% endtest %}}")
        raise RenderError(Problem("R020", f"there is no test called `{test}`", declaration.span, hint))
    call, extra = call_of_test(templates, replaced)
    text, used = templates.render(replaced, call, extra=extra)
    inputs = Inputs({**inputs.values, **used.values}, tuple(dict.fromkeys([*inputs.volatile, *used.volatile])))
    return Rendered(replaced, call, text, config=_merged(used.config), inputs=inputs, macros=tuple(used.macros))


def call_of_test(
    templates: Templates, declaration: Declaration, physical: Callable[[str], Relation | None] = lambda _: None
) -> tuple[str, dict[str, Any]]:
    """The template that calls a generic test's macro, and the names it needs. ``physical`` knows where what is tested is, in a run."""
    package, _, bare = (declaration.test_name or "").rpartition(".")
    macro = templates.library.find(f"test_{bare}", package or None)
    if macro is None:
        raise AssertionError(declaration.test_name)
    kind, name = declaration.attached or ("model", "")
    payload, bare_name = marker.tested(kind, name)
    model = Tested.at(marker.write(payload, bare_name, templates.facts.dialect.quote_char), physical(payload))
    where = declaration.config.get("where")
    keywords: dict[str, Any] = {"model": f"(select * from {model} where {where}) dbt_subquery" if where else model}
    keywords |= deepcopy(dict(declaration.arguments))
    if declaration.column:
        keywords["column_name"] = declaration.column
    call = "{{ " + f"{macro.name if package in ('', 'dbt') else f'{package}.{macro.name}'}(**_orc_arguments)" + " }}"
    return call, {"_orc_arguments": keywords}


def rendered_arguments(templates: Templates, declaration: Declaration, values: Mapping[str, Any]) -> tuple[dict[str, Any], Recorder]:
    """Argument values with templates in them rendered; ``ref('x')`` alone counts as a template, as dbt has it."""
    notes = Recorder()

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            text = f"{{{{ {value} }}}}" if _LOOKS_LIKE_CALL.match(value) else value
            if not _TAG.search(text):
                return value
            found = literal(text, declaration.name, templates.facts.dialect.quote_char)
            if found is not None:
                return found.text
            rendered, more = templates.render(declaration, text)
            notes.values.update(more.values)
            notes.volatile.update(more.volatile)
            return rendered
        if isinstance(value, Mapping):
            return {k: walk(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [walk(v) for v in value]
        return value

    return {k: walk(v) for k, v in values.items()}, notes


def namer(templates: Templates) -> Callable[[str, Any, Declaration], str | None] | None:
    """The project's own ``generate_schema_name`` and friends as a function ``(part, custom, declaration) -> name``, if it has any."""
    own = templates.library.packages[templates.library.root]
    parts = {part: f"generate_{part}_name" for part in ("schema", "alias", "database") if f"generate_{part}_name" in own}
    if not parts:
        return None

    def name(part: str, custom: Any, declaration: Declaration) -> str | None:
        if part not in parts:
            return None
        first = {"schema": "custom_schema_name", "alias": "custom_alias_name", "database": "custom_database_name"}[part]
        scope_node = _node_facts(declaration)
        value, _ = templates.call(declaration, parts[part], {first: custom, "node": scope_node})
        return str(value).strip()

    return name


class _node_facts(dict[str, Any]):  # noqa: N801 - reads as what it is where it is used
    """``node`` as naming macros see it: keys are attributes too."""

    def __init__(self, declaration: Declaration) -> None:
        kind: Kind = declaration.kind
        super().__init__(
            name=declaration.name,
            resource_type=kind,
            package_name=declaration.package,
            path=declaration.path,
            fqn=list(declaration.fqn),
            config=_node_config(deepcopy(dict(declaration.config))),
            unique_id=f"{kind}.{declaration.package}.{declaration.name}",
            version=declaration.config.get("version"),
        )

    def __getattr__(self, key: str) -> Any:
        return self.get(key)


class _node_config(dict[str, Any]):  # noqa: N801 - same
    """``node.config``: attributes too."""

    def __getattr__(self, key: str) -> Any:
        return self.get(key)
