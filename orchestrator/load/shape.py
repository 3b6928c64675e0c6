# ruff: noqa: ARG002
# every shape is checked through one signature, whatever it needs of it
"""Shapes: what people may write, as values. One table checks a file, normalises it, and becomes the JSON Schema of editors.

Hand-made instead of pydantic because a check runs in every command, warm ones included: importing pydantic and building
its models costs 80 ms, more than half of what such a command may take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from orchestrator.core.errors import Problem, did_you_mean
from orchestrator.core.files import Span
from orchestrator.load.lines import Document, Tree, children, line_of

type_words = (
    (bool, "true or false"),
    (str, "text"),
    (int, "a number"),
    (float, "a number"),
    (Mapping, "a mapping"),
    (list | tuple, "a list"),
    (type(None), "empty"),
)


def word_for(value: Any) -> str:
    """What kind of value this is, in a word or two.

    >>> word_for([1]), word_for(True), word_for({})
    ('a list', 'true or false', 'a mapping')
    """
    return next((word for kind, word in type_words if isinstance(value, kind)), "a date")


def is_template(value: Any) -> bool:
    """Whether a value is text that Jinja still has to make into what it will be."""
    return isinstance(value, str) and "{" in value and ("{{" in value or "{%" in value)


@dataclass(slots=True)
class Check:
    """One file's pass: where problems are collected. ``own`` makes unknown keys errors; ``code`` and ``unknown`` are their codes."""

    document: Document
    own: bool
    code: str
    unknown: str
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, message: str, tree: Tree, hint: str | None = None) -> None:
        """Something that cannot be."""
        self.problems.append(Problem(self.code, message, Span(self.document.path, line_of(tree)), hint))

    def stray(self, key: Any, tree: Tree, known: Iterable[str], where: str, also: str = "") -> None:
        """A key nobody knows: an error in our own projects, a warning in dbt's."""
        problem = Problem(
            self.unknown, f"unknown key `{key}` {where}", Span(self.document.path, line_of(tree)), did_you_mean(str(key), known, also=also)
        )
        self.problems.append(problem if self.own else problem.as_warning())

    def mismatch(self, key: Any, due: str, value: Any, tree: Tree) -> None:
        """A value of the wrong kind."""
        name = f"`{key}`" if isinstance(key, str) else "an item of this list"
        self.wrong(f"{name} must be {due}, not {word_for(value)}", tree)


class Shape(Protocol):
    """What a value may be. ``container[key]`` is the value, for looking up what was written."""

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """The value as it should be read, with its lines; problems go to ``check``."""
        ...

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value, kept as it is."""

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """As written."""
        return value, tree

    def schema(self) -> dict[str, Any]:
        """No restriction."""
        return {}


@dataclass(frozen=True, slots=True)
class Text:
    """A string. A word or number YAML would read as something else is taken as it was written."""

    choices: tuple[str, ...] = ()

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """The text."""
        if type(value) is not str:
            written = check.document.text(container, key)
            if written is None or isinstance(value, dict | list):
                check.mismatch(key, "text", value, tree)
                return "", tree
            value = written
        if self.choices and value.lower() not in self.choices and not is_template(value):
            check.wrong(f"`{key}` cannot be `{value}`", tree, did_you_mean(value, self.choices) or "one of " + ", ".join(self.choices))
        return value, tree

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"enum": list(self.choices)} if self.choices else {"type": "string"}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """The flag; quoted words count."""
        if isinstance(value, bool) or is_template(value):
            return value, tree
        if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no"):
            return value.lower() in ("true", "yes"), tree
        check.mismatch(key, "true or false", value, tree)
        return False, tree

    def schema(self) -> dict[str, Any]:
        """A boolean, or Jinja."""
        return {"type": ["boolean", "string"]}


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, not below ``least``."""

    least: int = 0

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """The number; digits in quotes count."""
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if is_template(value):
            return value, tree
        if not isinstance(value, int) or isinstance(value, bool):
            check.mismatch(key, "a number", value, tree)
            return self.least, tree
        if value < self.least:
            check.wrong(f"`{key}` must be {self.least} or more", tree)
        return value, tree

    def schema(self) -> dict[str, Any]:
        """An integer, or Jinja."""
        return {"type": ["integer", "string"], "minimum": self.least}


@dataclass(frozen=True, slots=True)
class Texts:
    """One text or a list of them; always read as a list."""

    split: bool = False

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """A list of texts. With ``split``, a single text may hold several separated by commas."""
        if isinstance(value, list):
            if all(type(item) is str for item in value):
                return value, tree
            found = [Text().check(item, below, check, value, index) for index, item, below in children(value, tree)]
            return [item for item, _ in found], [line_of(tree), *(below for _, below in found)]
        if isinstance(value, dict):
            check.mismatch(key, "text or a list of texts", value, tree)
            return [], line_of(tree)
        text, line = Text().check(value, tree, check, container, key)
        parts = [part.strip() for part in text.split(",") if part.strip()] if self.split and not is_template(text) else [text]
        return parts, [line, *(line for _ in parts)]

    def schema(self) -> dict[str, Any]:
        """A string or a list of strings."""
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "number", "boolean"]}}]}


@dataclass(frozen=True, slots=True)
class Items:
    """A list of one shape."""

    of: Shape

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """The list, item by item."""
        if not isinstance(value, list):
            check.mismatch(key, "a list", value, tree)
            return [], line_of(tree)
        items: list[Any] = []
        lines: list[Any] = [line_of(tree)]
        of = self.of.check
        for index, item, below in children(value, tree):
            checked, line = of(item, below, check, value, index)
            items.append(checked)
            lines.append(line)
        return items, lines

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {"type": "array", "items": self.of.schema()}


@dataclass(frozen=True, slots=True)
class Free:
    """A mapping with keys of the author's choice."""

    of: Shape | None = None

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """The mapping, as written."""
        if not isinstance(value, Mapping):
            check.mismatch(key, "a mapping", value, tree)
            return {}, line_of(tree)
        if self.of is not None:
            for name, item, below in children(value, tree):
                self.of.check(item, below, check, value, name)
        return value, tree

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object", **({"additionalProperties": self.of.schema()} if self.of is not None else {})}


@dataclass(frozen=True, slots=True)
class Either:
    """A mapping of one shape, or a value of another."""

    mapping: Shape
    other: Shape

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """By what the value is."""
        return (self.mapping if isinstance(value, Mapping) else self.other).check(value, tree, check, container, key)

    def schema(self) -> dict[str, Any]:
        """Either of the two."""
        return {"anyOf": [self.mapping.schema(), self.other.schema()]}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table. ``into`` names the mapping it moves to (an old place), ``renamed`` its spelling today."""

    shape: Shape
    doc: str = ""
    required: bool = False
    into: str | None = None
    renamed: str | None = None
    keeps_null: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping with known keys. An empty value (``columns:`` and nothing behind it) counts as not written."""

    name: str
    keys: Mapping[str, Key]
    elsewhere: Callable[[str], str] | None = None
    spelled: Callable[[str], str] | None = None

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:
        """The mapping with keys in today's spelling and place."""
        if not isinstance(value, Mapping):
            check.mismatch(key, f"a mapping ({self.name})", value, tree)
            return {}, line_of(tree)
        data: dict[str, Any] = {}
        lines: dict[str, Tree] = {}
        moved: list[tuple[str, str, Any, Tree]] = []
        known, spelled = self.keys, self.spelled
        for written, item, below in children(value, tree):
            name = spelled(written) if spelled is not None and isinstance(written, str) else written
            rule = known.get(name)
            if rule is None:
                also = self.elsewhere(str(name)) if self.elsewhere else ""
                check.stray(written, below, () if also else known, f"in {self.name}", also)
            elif item is None and not rule.keeps_null:
                continue
            else:
                item, below = rule.shape.check(item, below, check, value, written)  # noqa: PLW2901 - the checked item takes its place
                name = rule.renamed or name
                if rule.into is not None:
                    moved.append((rule.into, name, item, below))
                    continue
            if name in data:
                check.wrong(f"`{written}` says again what line {line_of(lines[name])} says", below, "remove one of them")
            data[name] = item
            lines[name] = below
        for into, name, item, below in moved:
            self._move((data, lines), into, name, (item, below), check)
        for name, rule in known.items():
            if rule.required and data.get(name) in (None, "", {}) and name not in data:
                check.wrong(f"{self.name} needs the key `{name}`", tree)
        return data, [line_of(tree), *lines.values()]

    @staticmethod
    def _move(found: tuple[dict[str, Any], dict[str, Tree]], into: str, name: str, moved: tuple[Any, Tree], check: Check) -> None:
        """Put an old key where it belongs today."""
        (data, lines), (item, below) = found, moved
        inner = data.get(into)
        inner = dict(inner) if isinstance(inner, Mapping) else {}
        under = lines.get(into, [line_of(below)])
        if name in inner and name not in ("meta", "tags"):
            check.wrong(f"`{name}` is written here and under `{into}`", below, f"keep the one under `{into}`")
            return
        if name == "tags":
            item = [*item, *(tag for tag in _listed(inner.get(name)) if tag not in item)]
        elif name == "meta" and isinstance(inner.get(name), Mapping):
            item = {**item, **inner[name]}
        rows = dict(zip(inner, under[1:], strict=False)) if isinstance(under, list) else {}
        line = line_of(below)
        rows[name] = line if isinstance(item, list | Mapping) and name in inner else below
        inner[name] = item
        data[into] = inner
        lines[into] = [line_of(under), *(rows.get(k, line) for k in inner)]

    def schema(self) -> dict[str, Any]:
        """An object with these properties and no others."""
        properties = {k: {**rule.shape.schema(), **({"description": rule.doc} if rule.doc else {})} for k, rule in self.keys.items()}
        required = [k for k, rule in self.keys.items() if rule.required]
        return {"type": "object", "properties": properties, "additionalProperties": False, **({"required": required} if required else {})}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
