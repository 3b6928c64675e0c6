"""What a selection says: the grammar people type, read into values.

A selection is a :data:`Spec`: criteria under union, intersection and difference. Reading one never looks at a graph, so every
mistake in the wording is found before any work starts; what the words *match* is :mod:`orchestrator.graph.select`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.files import Span

Mode = Literal["eager", "cautious", "buildable", "empty"]
"""Which tests come along with the nodes they test, see :func:`orchestrator.graph.select.select`."""

MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition, ``method:value``, and how far to walk from what it matches.

    ``around`` is the ``@`` operator. A depth of ``None`` means all the way. ``mode`` is set when a definition asks for one of
    its own. ``text`` is the condition as the author wrote it and ``span`` where.
    """

    method: str
    value: str
    arguments: tuple[str, ...] = ()
    around: bool = False
    parents: bool = False
    parents_depth: int | None = None
    children: bool = False
    children_depth: int | None = None
    mode: Mode | None = None
    text: str = ""
    span: Span | None = None

    @property
    def walks(self) -> bool:
        """Whether relatives of what matches are wanted too."""
        return self.around or self.parents or self.children


@dataclass(frozen=True, slots=True)
class Union:
    """What any of the parts selects."""

    parts: tuple[Spec, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Intersection:
    """What all of the parts select."""

    parts: tuple[Spec, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What ``keep`` selects and ``drop`` does not."""

    keep: Spec
    drop: Spec
    text: str = ""


Spec = Criterion | Union | Intersection | Difference


_CRITERION = re.compile(
    r"(?P<around>@?)"
    r"(?:(?P<parents>[0-9]*)\+)?"
    r"(?:(?P<method>[\w.-]+):)?"
    r"(?P<value>.*?)"
    r"(?:\+(?P<children>[0-9]*))?",
    re.DOTALL,
)
_FILES = (".sql", ".py", ".csv", ".yml", ".yaml")


def words(arguments: Iterable[str], flag: str = "--select") -> tuple[Spec, ...]:
    """The selections in what was typed after ``flag``, one per word.

    Raises ``UsageError`` (U010) with every ill-formed place: the span's path is ``flag``, its line counts arguments and its
    column characters.

    >>> [spec.text for spec in words(["+orders tag:nightly,path:models/mart"])]
    ['+orders', 'tag:nightly,path:models/mart']
    """
    problems: list[Problem] = []
    found: list[Spec] = []
    for line, argument in enumerate(arguments, start=1):
        for word in re.finditer(r"\S+", argument):
            where = Span(flag, line, word.start() + 1, len(word[0]))
            try:
                found.append(parse(word[0], where))
            except UsageError as error:
                problems.extend(error.problems)
    if problems:
        raise UsageError(*problems)
    return tuple(found)


def parse(text: str, span: Span | None = None) -> Spec:
    """One selection in the command line's grammar: criteria, ``,`` for *and*, white space for *or*.

    Raises ``UsageError`` (U010) with all places that are ill-formed.

    >>> parse("2+tag:nightly").parents_depth, parse("models/mart").method, parse("orders.sql").method, parse("orders").method
    (2, 'path', 'file', 'fqn')
    """
    problems: list[Problem] = []
    parts: list[Spec] = []
    for word in re.finditer(r"\S+", text):
        criteria: list[Spec] = []
        at = word.start()
        for piece in word[0].split(","):
            try:
                criteria.append(_criterion(piece, text, at, span))
            except UsageError as error:
                problems.extend(error.problems)
            at += len(piece) + 1
        parts.append(criteria[0] if len(criteria) == 1 else Intersection(tuple(criteria), word[0]))
    if problems:
        raise UsageError(*problems)
    if not parts:
        raise UsageError(_ill_formed(text, 0, span, "it is empty"))
    return parts[0] if len(parts) == 1 else Union(tuple(parts), text)


def _criterion(piece: str, text: str, at: int, span: Span | None) -> Criterion:
    def wrong(why: str, offset: int = 0, hint: str | None = None) -> UsageError:
        place = _place(span, at + offset, max(len(piece) - offset, 1))
        return UsageError(_ill_formed(text, at + offset, place, why, hint))

    if not piece:
        raise wrong("there is nothing beside the comma", hint="commas join criteria without spaces: `tag:nightly,path:models/mart`")
    match = _CRITERION.fullmatch(piece)
    if match is None:  # pragma: no cover - every part is optional, so every text matches
        raise wrong("it cannot be read")
    value, method = match["value"], match["method"]
    if not value:
        after = f"`{method}:`" if method else "the operator"
        raise wrong(f"there is nothing behind {after}", match.start("value"), "name a node, or select all with `*`")
    if match["around"] and match["children"] is not None:
        raise wrong("`@` in front and `+` behind exclude each other", hint="`@` already takes every descendant")
    if match["around"] and match["parents"] is not None:
        raise wrong("`@` and `+` in front exclude each other", hint="`@` already takes the ancestors of every descendant")
    if value[0] in "@+" or value[-1] == "+":
        raise wrong("an operator stands twice", match.start("value"), "the operators are `+x`, `x+`, `2+x`, `x+3` and `@x`")
    name, *arguments = (method or _default_method(value)).split(".")
    if not name or "" in arguments:
        raise wrong(f"`{method}` has an empty part", match.start("method"), "a method is `name` or `config.key.key`")
    return Criterion(
        method=name,
        value=value,
        arguments=tuple(arguments),
        around=bool(match["around"]),
        parents=match["parents"] is not None,
        parents_depth=_depth(match["parents"]),
        children=match["children"] is not None,
        children_depth=_depth(match["children"]),
        text=piece,
        span=_place(span, at, len(piece)),
    )


def _default_method(value: str) -> str:
    if "/" in value or "\\" in value:
        return "path"
    return "file" if value.lower().endswith(_FILES) else "fqn"


def _depth(digits: str | None) -> int | None:
    # No graph is deeper than nine digits, and Python refuses to read numbers of thousands of them.
    return int(digits[-9:]) if digits and len(digits.lstrip("0")) <= 9 else None


def _place(span: Span | None, at: int, length: int) -> Span | None:
    return None if span is None else replace(span, column=span.column + at, length=length)


def _ill_formed(text: str, at: int, span: Span | None, why: str, hint: str | None = None) -> Problem:
    return Problem("U010", f"cannot read the selection `{text}`: at character {at + 1}, {why}", span, hint)


def uses(spec: Spec) -> set[str]:
    """Names of the selectors that a selection refers to with the ``selector`` method.

    >>> sorted(uses(parse("selector:nightly+ tag:x,selector:weekly")))
    ['nightly', 'weekly']
    """
    match spec:
        case Criterion():
            return {spec.value} if spec.method == "selector" else set()
        case Difference():
            return uses(spec.keep) | uses(spec.drop)
        case Union() | Intersection():
            return {name for part in spec.parts for name in uses(part)}
