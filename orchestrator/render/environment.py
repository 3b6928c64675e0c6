"""The Jinja environment: sandboxed, strict about undefined names, with dbt's tags; in its mapped form it knows where text was written.

How positions survive rendering: the mapped environment wraps every child of an ``Output`` node of the parsed template in a
call that turns the value into :class:`Text`, a ``str`` that remembers its :class:`Place`; joining chunks joins the memories.
To the template a ``Text`` is a plain string, so nothing a macro compares, trims or counts can change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import StrictUndefined, Template, nodes
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from orchestrator.core.declaration import Place
from orchestrator.render.macros import BoundMacro
from orchestrator.render.refusal import TemplateFailure
from orchestrator.render.tags import MaterializationTag, ReturningCode, ReturningMacro, SnapshotTag, TestTag

LARGEST = 10_000_000
"""Characters or items that ``*`` may make of a text or list, and bits of the number that ``**`` may make."""


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


class TemplateEnvironment(SandboxedEnvironment):
    """Jinja as dbt projects know it. ``mapped`` decides whether rendered text remembers its places.

    The sandbox keeps templates away from Python's insides and from secrets; what the context hands out is copied, so a list may
    be appended to and nobody else sees it. It is no limit on time or memory: ``*`` and ``**`` are watched because one slip is
    enough there, but who writes templates can write endless SQL too.
    """

    code_generator_class = ReturningCode
    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, *, mapped: bool = False) -> None:
        super().__init__(undefined=StrictUndefined, extensions=["jinja2.ext.do", TestTag, MaterializationTag, SnapshotTag], cache_size=0)
        self.mapped = mapped
        self.places: list[Place] = []
        self.compiled: dict[tuple[str, str], Template] = {}
        for name in ("lipsum", "cycler", "joiner"):
            self.globals.pop(name, None)
        self.filters["as_text"] = self.filters["as_native"] = self.filters["as_bool"] = self.filters["as_number"] = _same
        if mapped:
            self.filters["placed"] = lambda value, index: self.placed(index, value)
            self.concat = _join  # type: ignore[method-assign] # Jinja's own way to change it

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Underscored macros of a package (``dbt_utils._is_relation``) are macros, not internals."""
        return (type(value) is BoundMacro and not attr.startswith("__")) or super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """``*`` and ``**`` within reason."""
        if _size(operator, left, right) > LARGEST:
            raise TemplateFailure(f"`{operator}` would make something too large for a template", None, "R019")
        return super().call_binop(context, operator, left, right)

    def returning(self, context: Context, macro: Any) -> ReturningMacro:
        """Called by compiled templates for each macro they define."""
        found: ReturningMacro = macro
        found.__class__ = ReturningMacro
        found._context = context  # noqa: SLF001 - underscored, so that templates cannot reach it
        return found

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if self.mapped and name:
            self._map(tree, source, filename or name)
        return tree

    def _map(self, tree: nodes.Template, source: str, filename: str) -> None:
        outputs = list(tree.find_all(nodes.Output))
        places = list(_places(self, source, filename))
        if sum(len(output.nodes) for output in outputs) != len(places):
            return  # the template goes without a map: errors then point at the file
        index = len(self.places)
        self.places += places
        for output in outputs:
            wrapped: list[nodes.Expr] = []
            for child in output.nodes:
                line = child.lineno
                value = nodes.Const(child.data, lineno=line) if isinstance(child, nodes.TemplateData) else child
                function = nodes.EnvironmentAttribute("placed", lineno=line)
                wrapped.append(nodes.Call(function, [nodes.Const(index, lineno=line), value], [], None, None, lineno=line))
                index += 1
            output.nodes = wrapped
        for block in tree.find_all(nodes.FilterBlock):  # a filter's text is a new one: all of it is at the tag
            at = nodes.Const(len(self.places), lineno=block.lineno)
            self.places.append(_tag_place(source, filename, block.lineno))
            block.filter = nodes.Filter(block.filter, "placed", [at], [], None, None, lineno=block.lineno)

    def placed(self, index: int, value: Any) -> Text:
        """Called by mapped templates for every piece of output."""
        place = self.places[index]
        if type(value) is Text:
            return _text(str.__str__(value), [(0, place, value)])
        return _text(value if isinstance(value, str) else str(value), [(0, place, None)])


def _tag_place(source: str, path: str, line: int) -> Place:
    found = re.search(r"\{%[-+]?\s*filter\b", re.split(r"\r\n?|\n", source)[line - 1])
    return Place(path, line, found.start() + 1 if found else 1, macro="value")


def _size(operator: str, left: Any, right: Any) -> int:
    if operator == "**":
        return left.bit_length() * right if isinstance(left, int) and isinstance(right, int) else 0
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | bytes | list | tuple) and isinstance(times, int):
            return len(many) * times
    return 0


def _same(value: Any) -> Any:
    """Dbt's ``as_native`` family: text stays text here, the engine converts."""
    return value


def _places(env: TemplateEnvironment, source: str, path: str) -> Iterator[Place]:
    """Places of all literal text and expressions of a template, in source order.

    Tokens are searched from where the last one ended: whitespace control drops whitespace between them, nothing else.
    """
    source = re.sub(r"\r\n?", "\n", source)
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
