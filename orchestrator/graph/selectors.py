"""The named selections of a project: the definitions of ``selectors.yml``, read into the values that typed ones become."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.files import Span
from orchestrator.graph.cycles import cycle
from orchestrator.graph.selection import MODES, Criterion, Difference, Intersection, Mode, Spec, Union, parse, uses

DEEPEST = 40
"""Definitions nested deeper than this are a mistake (or an attack), not a selection."""


@dataclass(frozen=True, slots=True)
class Selectors:
    """The named selections of a project. ``default`` applies when a command line selects nothing itself."""

    named: Mapping[str, Spec] = field(default_factory=dict)
    default: str | None = None
    warnings: tuple[Problem, ...] = ()


_SELECTOR_KEYS = ("name", "definition", "description", "default")
_CRITERION_KEYS = (
    "method",
    "value",
    "parents",
    "parents_depth",
    "children",
    "children_depth",
    "childrens_parents",
    "indirect_selection",
    "exclude",
)


def selectors(document: object, path: str = "selectors.yml", *, own: bool = True) -> Selectors:
    """The named selections of a ``selectors.yml``, given as plain values (the whole document, or its ``selectors:`` list).

    Unknown keys are errors in a project of our own style and warnings otherwise. Raises ``UsageError`` with everything that
    is wrong: U014 for a definition, U015 for selectors that use each other in a circle, U016 for two defaults.

    >>> selectors({"selectors": [{"name": "nightly", "definition": {"tag": "nightly"}}]}).named["nightly"].method
    'tag'
    """
    reader = _Reader(path, own)
    entries = document.get("selectors", ()) if isinstance(document, Mapping) else document
    if entries is None:
        return Selectors()
    if not _is_list(entries):
        raise UsageError(reader.problem("`selectors` is not a list"))
    named: dict[str, Spec] = {}
    defaults: list[str] = []
    for number, entry in enumerate(cast("Sequence[Any]", entries), start=1):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or not entry["name"]:
            reader.note(f"selector number {number} has no `name`")
            continue
        if entry["name"] in named:
            reader.note(f"selector `{entry['name']}` is defined twice")
        spec = reader.entry(entry)
        if spec is not None:
            named[entry["name"]] = spec
        if _truth(entry.get("default", False)):
            defaults.append(entry["name"])
    if len(defaults) > 1:
        listed = ", ".join(f"`{name}`" for name in defaults)
        reader.problems.append(Problem("U016", f"more than one selector is the default: {listed}", Span(path)))
    reader.problems.extend(_circles(named, path))
    if reader.problems:
        raise UsageError(*reader.problems)
    return Selectors(named, defaults[0] if defaults else None, tuple(reader.warnings))


@dataclass(frozen=True, slots=True)
class _Reader:
    path: str
    own: bool
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def problem(self, message: str, hint: str | None = None) -> Problem:
        return Problem("U014", message, Span(self.path), hint)

    def note(self, message: str, hint: str | None = None) -> None:
        self.problems.append(self.problem(message, hint))

    def unknown(self, where: str, given: Mapping[Any, Any], known: Sequence[str]) -> None:
        for key in given:
            if key not in known:
                problem = self.problem(f"{where}: unknown key `{key}`", did_you_mean(str(key), known))
                (self.problems if self.own else self.warnings).append(problem if self.own else problem.as_warning())

    def entry(self, given: Mapping[Any, Any]) -> Spec | None:
        """One named selection, or ``None`` when something in it was wrong (and noted)."""
        where = f"selector `{given['name']}`"
        self.unknown(where, given, _SELECTOR_KEYS)
        if "definition" not in given:
            self.note(f"{where} has no `definition`")
            return None
        return self.spec(given["definition"], where)

    def spec(self, given: object, where: str, depth: int = 0) -> Spec | None:
        """The definition, or ``None`` when something in it was wrong (and noted)."""
        if depth > DEEPEST:
            self.note(f"{where} is nested more than {DEEPEST} levels deep")
            return None
        if isinstance(given, str):
            return self._text(given, where)
        if not isinstance(given, Mapping):
            self.note(f"{where} is neither a text nor a mapping")
            return None
        for key, make in (("union", Union), ("intersection", Intersection)):
            if key in given:
                self.unknown(where, given, (key,))
                return self._set(given[key], f"{where}, `{key}`", make, depth)
        if len(given) == 1:
            ((method, value),) = given.items()
            return self._criterion({"method": method, "value": value}, where, depth)
        return self._criterion(given, where, depth)

    def _text(self, given: str, where: str) -> Spec | None:
        try:
            return parse(given, Span(self.path))
        except UsageError as error:
            self.problems.extend(replace(p, message=f"{where}: {p.message}", span=Span(self.path)) for p in error.problems)
            return None

    def _set(self, given: object, where: str, make: Callable[[tuple[Spec, ...]], Spec], depth: int) -> Spec | None:
        if not _is_list(given):
            self.note(f"{where} is not a list")
            return None
        keep: list[Spec | None] = []
        drop: Spec | None = None
        excludes = 0
        for entry in cast("Sequence[Any]", given):
            if isinstance(entry, Mapping) and set(entry) == {"exclude"}:
                excludes += 1
                drop = self._exclude(entry["exclude"], where, depth)
            else:
                keep.append(self.spec(entry, where, depth + 1))
        if excludes > 1:
            self.note(f"{where} has more than one `exclude`", "put everything to leave out in one `exclude` list")
        if not keep:
            self.note(f"{where} selects nothing to begin with", 'start from everything with `- "*"`')
        if None in keep or not keep or (excludes and drop is None):
            return None
        chosen = make(tuple(spec for spec in keep if spec is not None))
        return chosen if drop is None else Difference(chosen, drop)

    def _exclude(self, given: object, where: str, depth: int) -> Spec | None:
        if not _is_list(given):
            self.note(f"{where}: `exclude` is not a list")
            return None
        parts = [self.spec(entry, f"{where}, `exclude`", depth + 1) for entry in cast("Sequence[Any]", given)]
        if None in parts:
            return None
        return Union(tuple(spec for spec in parts if spec is not None))

    def _criterion(self, given: Mapping[Any, Any], where: str, depth: int) -> Spec | None:
        self.unknown(where, given, _CRITERION_KEYS)
        if "method" not in given or "value" not in given:
            self.note(f"{where} needs `method` and `value`, or is one `method: value`")
            return None
        method, value = given["method"], _scalar(given["value"])
        name, *arguments = str(method).split(".")
        if value is None or not name or "" in arguments:
            self.note(f"{where}: `{method}: {given['value']}` is not a method and one value")
            return None
        criterion = Criterion(
            method=name,
            value=value,
            arguments=tuple(arguments),
            around=_truth(given.get("childrens_parents", False)),
            parents=_truth(given.get("parents", False)),
            parents_depth=self._number(given, "parents_depth", where),
            children=_truth(given.get("children", False)),
            children_depth=self._number(given, "children_depth", where),
            mode=self._mode(given, where),
            text=f"{method}:{value}",
            span=Span(self.path),
        )
        if criterion.around and criterion.children:
            self.note(f"{where}: `childrens_parents` and `children` exclude each other")
        if "exclude" not in given:
            return criterion
        drop = self._exclude(given["exclude"], where, depth)
        return None if drop is None else Difference(criterion, drop)

    def _number(self, given: Mapping[Any, Any], key: str, where: str) -> int | None:
        value = given.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
            return int(value)
        self.note(f"{where}: `{key}` is not a number of steps: {value!r}")
        return None

    def _mode(self, given: Mapping[Any, Any], where: str) -> Mode | None:
        value = given.get("indirect_selection")
        if value is None or value in MODES:
            return cast("Mode | None", value)
        self.note(f"{where}: `indirect_selection` is one of {', '.join(MODES)}, not `{value}`", did_you_mean(str(value), MODES))
        return None


def _is_list(given: object) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str | bytes)


def _scalar(given: object) -> str | None:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str | int | float):
        return str(given) or None
    return None


def _truth(given: object) -> bool:
    return given.strip().lower() in {"true", "yes", "1"} if isinstance(given, str) else bool(given)


def _circles(named: Mapping[str, Spec], path: str) -> list[Problem]:
    circle = cycle({name: sorted(uses(spec)) for name, spec in named.items()})
    if circle is None:
        return []
    chain = " → ".join(f"`{name}`" for name in (*circle, circle[0]))
    return [Problem("U015", f"selectors use each other in a circle: {chain}", Span(path))]
