"""The versions of data while a run goes on: what each build has read, and what it leaves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.core.freshness import Made, data_time, made, passed, published_as, seen_through
from orchestrator.core.graph import Graph
from orchestrator.core.snapshot import Published
from orchestrator.graph.recipe import Recipes
from orchestrator.graph.stale import version


@dataclass(slots=True)
class Versions:
    """What is known of the versions of a graph's data, kept up to date by the tasks of a run.

    ``rows`` is the ledger, ``sources`` what was seen of sources before anything began: a version that is read off before its data are
    read is never newer than them. ``sparing`` are the nodes that stay as they are when their inputs turn out to be those they were
    made of; ``sets`` are, by node, the columns that each of those reads of it (``None``: all).
    """

    graph: Graph
    recipes: Recipes
    rows: dict[str, Published]
    sources: Mapping[str, tuple[str | None, datetime | None]] = field(default_factory=dict)
    sparing: Collection[str] = ()
    sets: Mapping[str, Mapping[str, tuple[str, ...] | None]] = field(default_factory=dict)
    checking: bool = False
    _made: dict[str, Made | None] = field(default_factory=dict)
    _used: dict[str, tuple[dict[str, str | None], datetime | None]] = field(default_factory=dict)
    _began: dict[str, datetime] = field(default_factory=dict)
    _now: dict[str, str | None] = field(default_factory=dict)
    _passing: dict[str, bool] = field(default_factory=dict)
    _moved: dict[str, tuple[str | None, frozenset[str]]] = field(default_factory=dict)

    def current(self, id_: str) -> str | None:
        """The version of what a node or source holds now."""
        # whoever works one out while something is published keeps it to itself: the next one looks again
        return self._current(id_, self._now)

    def _current(self, id_: str, kept: dict[str, str | None]) -> str | None:
        if id_ in self.sources:
            return self.sources[id_][0]
        if id_ not in kept:
            kept[id_] = version(id_, self.rows.get(id_), self.said(id_), self.recipes, lambda i: self._current(i, kept))
        return kept[id_]

    def said(self, id_: str) -> Made | None:
        """What the ledger says of a node."""
        if id_ not in self._made:
            row = self.rows.get(id_)
            self._made[id_] = made(row.made) if row is not None else None
        return self._made[id_]

    def begin(self, id_: str, at: datetime) -> None:
        """A build begins: what its inputs are now, it will have read."""
        inputs = self.recipes.inputs(id_)
        self._used[id_] = {i: self.current(i) for i in inputs}, self._time(inputs)
        self._began[id_] = at

    def made(self, id_: str, at: datetime, run: str, gates: Iterable[str], *, same: bool = False) -> Made:
        """What a build leaves. ``gates`` are the tests that it passed; ``same`` says that its rows are those that were there before."""
        recipe = self.recipes.recipe(id_)
        used, time = self._used.get(id_) or (dict.fromkeys(recipe.inputs), None)
        before = self.said(id_)
        if recipe.live and self.graph.nodes[id_].materialized == "view":
            own = seen_through(recipe.code, used) or published_as(at, run)
            own = own if own.startswith("view ") else f"view {own}"
        else:
            own = before.version if same and before is not None else published_as(at, run)
        found = [recipe.gates[g] for g in gates if g in recipe.gates]
        kept = (passed(test, {o: self.current(o) for o in others}) for test, others in found)
        seconds = (at - self._began.get(id_, at)).total_seconds()
        return Made(recipe.code, own, used, time, recipe.doubt, tuple(sorted(k for k in kept if k is not None)), round(seconds, 3))

    def done(self, id_: str, row: Published) -> None:
        """A build is published, or found to be as it should be: who reads it now reads this."""
        self.rows[id_] = row
        self._made.pop(id_, None)
        self._now = {}

    def moved(self, id_: str, before: str | None, untouched: Iterable[str]) -> None:
        """A node got other rows, and these readers of it will not notice: the columns they read are as they were."""
        self._moved[id_] = before, frozenset(untouched)

    def spare(self, id_: str, tests: Iterable[str], row: Published | None = None) -> Published | None:
        """The ledger row that a node should have, if there is nothing to build: it is made by its recipe, of what its inputs are now.

        ``row`` is what the ledger says now, where that may be news.
        """
        row = row or self.rows.get(id_)
        said = made(row.made) if row is not None else None
        recipe = self.recipes
        if row is None or said is None or said.doubt or said.code != recipe.code(id_) or set(said.inputs) != set(recipe.inputs(id_)):
            return None
        now: dict[str, str | None] = {}
        for input_, used in said.inputs.items():
            found = self.current(input_)
            before, untouched = self._moved.get(input_, (None, frozenset()))
            if found is None or used is None or not (found == used or (used == before and id_ in untouched)):
                return None
            now[input_] = found
        if any(self._gate(test, id_) not in said.gates for test in tests):
            return None
        time = self._time(now)
        fresh = replace(said, inputs=now, data_time=said.data_time if time is None else time)
        return replace(row, fingerprint=self.graph.nodes[id_].fingerprint, made=fresh.text)

    def agrees(self, id_: str, tests: Iterable[str], row: Published) -> bool:
        """Whether a row of the ledger was made of nothing that is known to be another version now, and passed these tests."""
        said = made(row.made)
        if said is None or any(self._gate(test, id_) not in said.gates for test in tests):
            return False
        pairs = [(self.current(i), said.inputs.get(i)) for i in self.recipes.inputs(id_)]
        return all(now is None or used is None or now == used for now, used in pairs)

    def _gate(self, test: str, id_: str) -> str | None:
        digest, others = self.recipes.gate(test, id_)
        return passed(digest, {o: self.current(o) for o in others})

    def _time(self, inputs: Iterable[str]) -> datetime | None:
        return data_time(self._times(i) for i in inputs if self._timed(i))

    def _times(self, id_: str) -> datetime | None:
        if id_ in self.sources:
            return self.sources[id_][1]
        if self.recipes.live(id_):
            return self._time(self.recipes.inputs(id_))
        said = self.said(id_)
        return said.data_time if said is not None else None

    def _timed(self, id_: str) -> bool:
        """Whether a time passes in what a node reads: a seed is as old as it is, and holds nobody back."""
        if id_ not in self._passing:
            self._passing[id_] = self.graph.nodes[id_].kind == "source" or any(self._timed(i) for i in self.recipes.inputs(id_))
        return self._passing[id_]
