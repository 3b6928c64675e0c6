"""The Jinja environment: sandboxed, strict about undefined names, with dbt's tags; in its mapped form it knows where text was written.

How positions survive rendering: the mapped environment wraps every child of an ``Output`` node of the parsed template in a
call that turns the value into :class:`Text`, a ``str`` that remembers its :class:`Place`; joining chunks joins the memories.
To the template a ``Text`` is a plain string, so nothing a macro compares, trims or counts can change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import StrictUndefined, Template, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestrator.core.declaration import Place


class Text(str):
    """Rendered text that knows, piece by piece, where it was written: ``(start, place, inner Text or None)``."""

    __slots__ = ("pieces",)
    pieces: tuple[tuple[int, Place, Text | None], ...]

    def __str__(self) -> str:
        """Itself: Jinja converts every value with ``str``, and the memory must not get lost there."""
        return self

    def locate(self, offset: int) -> Place | None:
        """Where the character at ``offset`` was written; for macro output the place inside the macro, callers linked."""
        found = None
        for start, place, inner in self.pieces:
            if start > offset:
                break
            found = (start, place, inner)
        if found is None:
            return None
        start, place, inner = found
        if inner is not None:
            deeper = inner.locate(offset - start)
            return _called_from(deeper, place) if deeper else place
        return place if place.macro == "value" else _advanced(place, self[start:offset])


def _called_from(deeper: Place, caller: Place) -> Place:
    outer = _called_from(deeper.caller, caller) if deeper.caller else caller
    return Place(deeper.path, deeper.line, deeper.column, outer, deeper.macro)


def _advanced(place: Place, text: str) -> Place:
    lines = text.count("\n")
    column = len(text) - text.rfind("\n") if lines else place.column + len(text)
    return Place(place.path, place.line + lines, column, place.caller, place.macro)


def _text(value: str, pieces: Iterable[tuple[int, Place, Text | None]]) -> Text:
    text = Text(value)
    text.pieces = tuple(pieces)
    return text


def _join(chunks: Iterable[str]) -> str:
    parts = list(chunks)
    pieces: list[tuple[int, Place, Text | None]] = []
    position = 0
    for part in parts:
        if type(part) is Text:
            pieces += [(position + start, place, inner) for start, place, inner in part.pieces]
        position += len(part)
    return _text("".join(parts), pieces)


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja as dbt projects know it. ``mapped`` decides whether rendered text remembers its places."""

    def __init__(self, *, mapped: bool = False) -> None:
        super().__init__(undefined=StrictUndefined, extensions=["jinja2.ext.do", TestTag, MaterializationTag, SnapshotTag], cache_size=0)
        self.mapped = mapped
        self.places: dict[str, list[Place]] = {}
        self.compiled: dict[tuple[str, int], Template] = {}
        for name in ("lipsum", "cycler", "joiner"):
            self.globals.pop(name, None)
        self.filters["as_text"] = self.filters["as_native"] = self.filters["as_bool"] = self.filters["as_number"] = _same
        if mapped:
            self.concat = _join  # type: ignore[assignment]

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Underscored macros of a package (``dbt_utils._is_relation``) are macros, not internals."""
        return bool(getattr(type(obj), "is_namespace", False)) and not attr.startswith("__") or super().is_safe_attribute(obj, attr, value)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if self.mapped and name:
            self._map(tree, source, name, filename or name)
        return tree

    def _map(self, tree: nodes.Template, source: str, name: str, filename: str) -> None:
        outputs = list(tree.find_all(nodes.Output))
        places = list(_places(self, source, filename))
        if sum(len(output.nodes) for output in outputs) != len(places):
            return
        self.places[name] = places
        index = 0
        for output in outputs:
            wrapped: list[nodes.Expr] = []
            for child in output.nodes:
                line = child.lineno
                value = nodes.Const(child.data, lineno=line) if isinstance(child, nodes.TemplateData) else child
                at = nodes.Const((name, index), lineno=line)
                function = nodes.EnvironmentAttribute("placed", lineno=line)
                wrapped.append(nodes.Call(function, [at, value], [], None, None, lineno=line))
                index += 1
            output.nodes = wrapped

    def placed(self, at: tuple[str, int], value: Any) -> Text:
        """Called by mapped templates for every piece of output."""
        place = self.places[at[0]][at[1]]
        if type(value) is Text:
            return _text(str.__str__(value), [(0, place, value)])
        return _text(value if isinstance(value, str) else str(value), [(0, place, None)])


def _same(value: Any) -> Any:
    """dbt's ``as_native`` family: text stays text here, the engine converts."""
    return value


def _places(env: TemplateEnvironment, source: str, path: str) -> Iterator[Place]:
    """Places of all literal text and expressions of a template, in source order.

    Tokens are searched from where the last one ended: whitespace control drops whitespace between them, nothing else.
    """
    source = "\n".join(source.splitlines()) if "\r" in source else source
    cursor = 0
    for _, token, value in env.lexer.tokeniter(source, path, path):
        at = source.find(value, cursor)
        if at < 0:
            return
        if (token == "data" and value) or token == "variable_begin":  # noqa: S105 - a token of the lexer
            line = source.count("\n", 0, at) + 1
            column = at - source.rfind("\n", 0, at)
            yield Place(path, line, column, macro=None if token == "data" else "value")  # noqa: S105 - same
        cursor = at + len(value)


class TestTag(Extension):
    """``{% test name(model, …) %}…{% endtest %}`` (or ``data_test``): a macro called ``test_name``."""

    tags = {"test", "data_test"}  # noqa: RUF012 - Jinja's interface

    def parse(self, parser: Parser) -> nodes.Node:
        """Jinja's hook."""
        tag = next(parser.stream)
        name = parser.parse_assign_target(name_only=True).name
        return _macro(parser, tag.lineno, f"test_{name}", f"name:end{tag.value}")


class MaterializationTag(Extension):
    """``{% materialization name, adapter='x' %}…{% endmaterialization %}``: a macro called ``materialization_name_x``."""

    tags = {"materialization"}  # noqa: RUF012 - Jinja's interface

    def parse(self, parser: Parser) -> nodes.Node:
        """Jinja's hook."""
        tag = next(parser.stream)
        name = parser.parse_assign_target(name_only=True).name
        adapter = "default"
        while parser.stream.skip_if("comma"):
            key = parser.parse_assign_target(name_only=True).name
            if key == "default":
                continue
            parser.stream.expect("assign")
            value = parser.parse_expression()
            if key == "adapter" and isinstance(value, nodes.Const):
                adapter = str(value.value)
        node = nodes.Macro(lineno=tag.lineno)
        node.name, node.args, node.defaults = f"materialization_{name}_{adapter}", [], []
        node.body = parser.parse_statements(("name:endmaterialization",), drop_needle=True)
        return node


class SnapshotTag(Extension):
    """``{% snapshot name %}…{% endsnapshot %}``: a macro called ``snapshot_name``."""

    tags = {"snapshot"}  # noqa: RUF012 - Jinja's interface

    def parse(self, parser: Parser) -> nodes.Node:
        """Jinja's hook."""
        tag = next(parser.stream)
        name = parser.parse_assign_target(name_only=True).name
        node = nodes.Macro(lineno=tag.lineno)
        node.name, node.args, node.defaults = f"snapshot_{name}", [], []
        node.body = parser.parse_statements(("name:endsnapshot",), drop_needle=True)
        return node


def _macro(parser: Parser, lineno: int, name: str, end: str) -> nodes.Macro:
    node = nodes.Macro(lineno=lineno)
    node.name = name
    parser.parse_signature(node)
    node.body = parser.parse_statements((end,), drop_needle=True)
    return node
