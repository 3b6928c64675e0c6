"""Macros: found by name in the project's files, compiled when first called, bound to the render that calls them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span, digest

if TYPE_CHECKING:
    from orchestrator.render.scope import Scope

_HEAD = re.compile(r"\{%-?\s*(macro|test|data_test|materialization|snapshot)\s+(\w+)(?:[^%]*?adapter\s*=\s*['\"](\w+)['\"])?")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_PREFIX = {"macro": "", "test": "test_", "data_test": "test_", "snapshot": "snapshot_", "materialization": "materialization_"}

OWN = ("dbt", "dbt_utils", "dbt_expectations")
"""Packages that come with us, in the order bare names are looked up: macros of the first, generic tests of all (``accepted_range``)."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro's name, where it is defined, and the file it is part of."""

    name: str
    package: str
    path: str
    line: int
    text: str
    digest: str

    @property
    def id(self) -> str:
        """Dbt's unique id."""
        return f"macro.{self.package}.{self.name}"


@dataclass(frozen=True, slots=True)
class Library:
    """All macros one can call: by package, and by bare name in dbt's order (the project's own first, then ours)."""

    packages: Mapping[str, Mapping[str, Macro]]
    root: str

    def find(self, name: str, package: str | None = None) -> Macro | None:
        """The macro a template means by ``name``."""
        if package is not None:
            return self.packages.get(package, {}).get(name)
        for space in (self.root, *(OWN if name.startswith("test_") else OWN[:1])):
            known = self.packages.get(space)
            if known is not None and name in known:
                return known[name]
        return None

    def names(self) -> Iterator[str]:
        """Every bare name that can be called."""
        yield from self.packages.get(self.root, {})
        yield from self.packages.get(OWN[0], {})
        for package in OWN[1:]:
            yield from (name for name in self.packages.get(package, {}) if name.startswith("test_"))


def library(
    files: Iterable[tuple[str, str]], root: str, builtin: Iterable[tuple[str, str, str]] = ()
) -> tuple[Library, tuple[Problem, ...]]:
    """Index macro files ``(path, text)`` of the project ``root`` and of our own packages ``(package, path, text)``.

    Names are read off with a regular expression: compiling every macro of every file before one is called would cost more
    than all the rest of a warm start. A project called as one of our packages is that package: ours is left out.
    """
    packages: dict[str, dict[str, Macro]] = {root: {}}
    problems: list[Problem] = []
    for package, path, text in [*(b for b in builtin if b[0] != root), *((root, path, text) for path, text in files)]:
        known = packages.setdefault(package, {})
        for macro in _macros(package, path, text):
            if macro.name in known and package == root:
                first = known[macro.name]
                problems.append(
                    Problem(
                        "R003",
                        f"two macros are called `{macro.name}`",
                        Span(path, macro.line),
                        hint=f"the first is at {first.path}:{first.line}",
                    )
                )
            known[macro.name] = macro
    return Library(packages, root), tuple(problems)


def _macros(package: str, path: str, text: str) -> Iterator[Macro]:
    content = digest(text.encode())
    bare = _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    for head in _HEAD.finditer(bare):
        name = _PREFIX[head[1]] + head[2]
        if head[1] == "materialization":
            name += f"_{head[3] or 'default'}"
        yield Macro(name, package, path, bare.count("\n", 0, head.start()) + 1, text, content)


_TAIL = re.compile(r"\{%-?\s*end(?:macro|test|data_test|materialization|snapshot)\s*-?%\}")


def definition(macro: Macro) -> str:
    r"""The macro's own text out of its file: from its head to its end.

    >>> text = "{# a #}\n{% macro a() %} 1 {% endmacro %}\n{% macro b() %} 2 {% endmacro %}"
    >>> definition(Macro("a", "p", "m.sql", 2, text, ""))
    '{% macro a() %} 1 {% endmacro %}'
    """
    start = sum(len(line) for line in macro.text.splitlines(keepends=True)[: macro.line - 1])
    head = _HEAD.search(macro.text, start)
    tail = _TAIL.search(macro.text, head.end()) if head else None
    return macro.text[head.start() : tail.end()] if head and tail else macro.text[start:]


class Return(Exception):  # noqa: N818 - it is control flow, not an error
    """``{{ return(value) }}``: leaves the innermost macro with a value of any type."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class BoundMacro:
    """A macro as one render sees it: calling it records its use, and gives its text or what it returned."""

    __slots__ = ("_macro", "_scope")

    def __init__(self, macro: Macro, scope: Scope) -> None:
        self._macro = macro
        self._scope = scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the macro."""
        return self._scope.function(self._macro)(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<macro {self._macro.package}.{self._macro.name}>"


class Namespace:
    """A package's macros as attributes: ``dbt_utils.star(…)``."""

    __slots__ = ("_package", "_scope")

    def __init__(self, package: str, scope: Scope) -> None:
        self._package = package
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        macro = self._scope.library.find(name, self._package)
        if macro is None and self._package == "dbt":
            macro = self._scope.library.find(name)
        if macro is None:
            raise AttributeError(name)
        return BoundMacro(macro, self._scope)

    def __contains__(self, name: str) -> bool:
        return self._scope.library.find(name, self._package) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """The macro called ``name``, or ``default``."""
        return getattr(self, name, default)
