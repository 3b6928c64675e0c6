"""Which nodes a command is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.graph import Graph
from orchestrator.core.node import Kind
from orchestrator.graph.methods import KINDS, METHODS, STATEFUL, Method, hint, sharing
from orchestrator.graph.selection import MODES, Criterion, Difference, Intersection, Mode, Spec, Union, words
from orchestrator.graph.selectors import Selectors


@dataclass(frozen=True, slots=True)
class Selected:
    """Ids of the nodes chosen, and a warning for every word that matched nothing."""

    ids: frozenset[str]
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Picked:
    """What a part of a selection holds. ``waiting`` are tests that come along once their other parents turn up."""

    ids: frozenset[str]
    waiting: Mapping[str, Mode] = field(default_factory=dict)

    @property
    def all(self) -> frozenset[str]:
        return self.ids.union(self.waiting) if self.waiting else self.ids


def select(
    graph: Graph,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    selector: str | None = None,
    selectors: Selectors | None = None,
    indirect: str = "eager",
    resource_types: Collection[str] | None = None,
    exclude_resource_types: Collection[str] = (),
    methods: Mapping[str, Method] | None = None,
) -> Selected:
    """The nodes that ``select`` names and ``exclude`` does not, of the kinds asked for (``None``: of every kind).

    ``select`` and ``exclude`` are arguments as typed: words in the grammar of :mod:`orchestrator.graph.selection`. Without
    either, the named ``selector`` counts, then the default one of ``selectors``, then everything. ``methods`` adds methods that
    know more than the graph (``state``, ``result``, ``source_status``, ``git``), or replaces ours.

    A selected node brings along the tests that depend on it. ``indirect`` says which: ``eager`` all, ``cautious`` those with
    all their parents selected, ``buildable`` also those whose other parents are sources or ancestors of what is selected,
    ``empty`` none. The same holds for what is excluded. Tests selected themselves, also as descendants, always stay.

    Raises ``UsageError``: U010 ill-formed, U011 no such method, U012 no such value, U013 no such selector, U017 options that
    contradict each other.

    >>> from orchestrator.core.node import Node
    >>> def model(name, *parents):
    ...     return Node(f"model.p.{name}", "model", name, "p", f"models/{name}.sql", ("p", name), {}, depends_on=parents)
    >>> graph = Graph({n.id: n for n in [model("a"), model("b", "model.p.a"), model("c", "model.p.b")]}, {})
    >>> sorted(select(graph, ["a+"], ["c"]).ids)
    ['model.p.a', 'model.p.b']
    """
    if indirect not in MODES:
        raise UsageError(Problem("U017", f"`--indirect-selection` is one of {', '.join(MODES)}, not `{indirect}`"))
    if selector is not None and (select or exclude):
        raise UsageError(
            Problem("U017", "`--selector` cannot be combined with `--select` or `--exclude`", hint=f"use `--select selector:{selector}`")
        )
    kinds = _kinds(resource_types, exclude_resource_types)
    known = selectors or Selectors()
    keep, drop = _asked(select, exclude, selector, known)
    answer = _Answer(graph, known, next(mode for mode in MODES if mode == indirect), methods or {})
    ids = answer.words(keep) if keep is not None else _Picked(frozenset(graph.nodes))
    if drop:
        ids = answer.minus(ids, answer.words(drop))
    chosen = ids.ids if kinds is None else frozenset(id_ for id_ in ids.ids if graph.nodes[id_].kind in kinds)
    return Selected(chosen, tuple(dict.fromkeys(answer.warnings)))


def _asked(
    select: Sequence[str], exclude: Sequence[str], selector: str | None, known: Selectors
) -> tuple[tuple[Spec, ...] | None, tuple[Spec, ...]]:
    """What to keep (``None``: everything) and what to drop; mistakes in both are reported at once."""
    if not select and not exclude:
        name = known.default if selector is None else selector
        return (None if name is None else (Criterion("selector", name, text=f"selector:{name}"),)), ()
    problems: list[Problem] = []
    found: list[tuple[Spec, ...]] = []
    for given, flag in ((select, "--select"), (exclude, "--exclude")):
        try:
            found.append(words(given, flag))
        except UsageError as error:
            problems.extend(error.problems)
    if problems:
        raise UsageError(*problems)
    return (found[0] if select else None), found[1]


def _kinds(wanted: Collection[str] | None, unwanted: Collection[str]) -> frozenset[Kind] | None:
    for kind in (*(wanted or ()), *unwanted):
        if kind not in KINDS:
            raise UsageError(
                Problem("U012", f"there is no resource type `{kind}`", hint=did_you_mean(kind, KINDS, also=f"one of {', '.join(KINDS)}"))
            )
    if wanted is None and not unwanted:
        return None
    return frozenset(kind for kind in KINDS if (wanted is None or kind in wanted) and kind not in unwanted)


@dataclass
class _Answer:
    """One selection being answered: each criterion and each named selector is worked out once."""

    graph: Graph
    selectors: Selectors
    mode: Mode
    methods: Mapping[str, Method]
    warnings: list[Problem] = field(default_factory=list)
    _matched: dict[tuple[str, tuple[str, ...], str], frozenset[str]] = field(default_factory=dict)
    _named: dict[str, _Picked] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.methods = {**METHODS, "fqn": sharing(self.graph), **self.methods}

    def words(self, specs: Sequence[Spec]) -> _Picked:
        """What any of ``specs`` selects; each that selects nothing earns a warning, and so does saying nothing at all."""
        found: list[_Picked] = []
        if not specs:
            self.warnings.append(Problem("U018", "the selection is empty, so nothing is selected").as_warning())
        for spec in specs:
            picked = self.spec(spec)
            if not picked.ids:
                self.warnings.append(self._nothing(spec))
            found.append(picked)
        return self._any(found)

    def spec(self, spec: Spec) -> _Picked:
        """What a selection holds."""
        match spec:
            case Criterion():
                return self._criterion(spec)
            case Union():
                return self._any([self.spec(part) for part in spec.parts])
            case Intersection():
                return self._every([self.spec(part) for part in spec.parts])
            case Difference():
                return self.minus(self.spec(spec.keep), self.spec(spec.drop))

    def _any(self, parts: Sequence[_Picked]) -> _Picked:
        if len(parts) == 1:
            return parts[0]
        ids: frozenset[str] = frozenset().union(*(part.ids for part in parts))
        return self._settle(ids, {id_: mode for part in parts for id_, mode in part.waiting.items()})

    def _every(self, parts: Sequence[_Picked]) -> _Picked:
        ids = parts[0].ids.intersection(*(part.ids for part in parts))
        waiting: dict[str, Mode] = {}
        if any(part.waiting for part in parts):
            modes = {id_: mode for part in parts for id_, mode in part.waiting.items()}
            both = parts[0].all.intersection(*(part.all for part in parts)) - ids
            waiting = {id_: modes[id_] for id_ in both}
        return self._settle(ids, waiting)

    @staticmethod
    def minus(keep: _Picked, drop: _Picked) -> _Picked:
        """``keep`` without ``drop``. Taking away never completes a waiting test's parents."""
        waiting = {id_: mode for id_, mode in keep.waiting.items() if id_ not in drop.ids and id_ not in drop.waiting}
        return _Picked(keep.ids - drop.ids, waiting)

    def _settle(self, ids: frozenset[str], waiting: Mapping[str, Mode]) -> _Picked:
        """Take in the waiting tests whose parents are all here now."""
        left = {id_: mode for id_, mode in waiting.items() if id_ not in ids}
        if not left:
            return _Picked(ids)
        near = self._buildable(ids) if "buildable" in left.values() else ids
        come = {id_ for id_, mode in left.items() if self._parents(id_) <= (near if mode == "buildable" else ids)}
        return _Picked(ids | come, {id_: mode for id_, mode in left.items() if id_ not in come})

    def _buildable(self, ids: frozenset[str]) -> frozenset[str]:
        sources = (id_ for id_, node in self.graph.nodes.items() if node.kind == "source")
        return ids.union(self.graph.ancestors(ids), sources)

    def _parents(self, id_: str) -> set[str]:
        node = self.graph.nodes[id_]
        # A unit test stands in for its model's parents; only the model itself has to be there.
        return {node.attached} if node.kind == "unit_test" and node.attached else set(node.depends_on)

    def _criterion(self, criterion: Criterion) -> _Picked:
        if criterion.method == "selector":
            named = self._selector(criterion)
            if not criterion.walks:
                return named
            found = named.ids
        else:
            found = self._match(criterion)
        reached = set(found)
        if criterion.around:
            below = found | self.graph.descendants(found)
            reached |= below | self.graph.ancestors(below)
        if criterion.parents:
            reached |= self.graph.ancestors(found, criterion.parents_depth)
        if criterion.children:
            reached |= self.graph.descendants(found, criterion.children_depth)
        return self._with_tests(frozenset(reached), criterion.mode or self.mode)

    def _with_tests(self, ids: frozenset[str], mode: Mode) -> _Picked:
        if mode == "empty" or not ids:
            return _Picked(ids)
        nodes, children = self.graph.nodes, self.graph.children
        tests = {near for id_ in ids for near in children[id_] if near not in ids and nodes[near].kind in {"test", "unit_test"}}
        tests = {id_ for id_ in tests if nodes[id_].kind == "test" or not self._parents(id_).isdisjoint(ids)}
        if mode == "eager":
            return _Picked(ids | tests)
        return self._settle(ids, dict.fromkeys(tests, mode))

    def _match(self, criterion: Criterion) -> frozenset[str]:
        key = (criterion.method, criterion.arguments, criterion.value)
        if key not in self._matched:
            method = self.methods.get(criterion.method)
            if method is None:
                raise UsageError(self._no_method(criterion))
            try:
                found = method(self.graph, criterion.arguments, criterion.value)
            except UsageError as error:
                raise UsageError(*(p if p.span else replace(p, span=criterion.span) for p in error.problems)) from error
            self._matched[key] = frozenset(id_ for id_ in found if id_ in self.graph.nodes)
        return self._matched[key]

    def _no_method(self, criterion: Criterion) -> Problem:
        name = criterion.method
        if name in STATEFUL:
            return Problem("U011", f"`{criterion.text}`: the method `{name}` is not available here", criterion.span, STATEFUL[name])
        known = [*self.methods, *STATEFUL, "selector"]
        hint = did_you_mean(name, known, also=f"one of {', '.join(sorted(known))}")
        return Problem("U011", f"`{criterion.text}`: there is no selection method `{name}`", criterion.span, hint)

    def _selector(self, criterion: Criterion) -> _Picked:
        name = criterion.value
        if name not in self.selectors.named:
            none = "there are none: define some in selectors.yml" if not self.selectors.named else ""
            hint = did_you_mean(name, self.selectors.named, also=none or f"one of {', '.join(sorted(self.selectors.named))}")
            raise UsageError(Problem("U013", f"there is no selector `{name}`", criterion.span, hint))
        if name not in self._named:
            self._named[name] = self.spec(self.selectors.named[name])
        return self._named[name]

    def _nothing(self, spec: Spec) -> Problem:
        """The warning for a word that selected nothing: it names the first part that matches nothing by itself."""
        parts = spec.parts if isinstance(spec, Union | Intersection) else (spec,)
        for part in parts:
            if isinstance(part, Criterion) and not self._criterion(part).ids:
                message = f"the selection `{part.text}` matches nothing"
                help_ = None if part.method == "selector" else hint(self.graph, part.method, part.value)
                return Problem("U018", message, part.span, help_).as_warning()
        span = next((part.span for part in parts if isinstance(part, Criterion)), None)
        text = "" if isinstance(spec, Criterion) else spec.text
        return Problem("U018", f"the selection `{text}` matches nothing: no node meets all of its conditions", span).as_warning()
