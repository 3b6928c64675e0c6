"""What promises about freshness ask for: what has to be built, until when, and from when on somebody should begin."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.core.files import digest
from orchestrator.core.promise import Fact, Facts, Promise
from orchestrator.schedule.cron import cron

MARGIN = 0.1
"""The part of an estimate by which a build begins earlier: estimates are wrong."""

MISSING, CHANGED = "it was never built", "its code is new"
"""What is new for a node and no change of rows: nothing is gained by waiting."""

GUESS = 60.0
"""Seconds that a node is expected to take that nobody saw built yet."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one promise asks for now.

    ``stale`` are the ids that have to be built for it, parents first, and ``why`` says what is new for each of them. ``oldest`` and
    ``newest`` are when the changes happened that its rows lack; of new code nobody knows when, and what is ``at_once`` does not wait.
    ``needed`` is until when it has to be there, ``path`` the longest way through what is stale with the seconds of each step, ``lead``
    those with a margin, ``start`` when to begin. ``unknown`` are sources of which nobody knows whether they changed.
    """

    node: str
    name: str
    promise: Promise
    stale: tuple[str, ...] = ()
    why: Mapping[str, str] | None = None
    oldest: datetime | None = None
    newest: datetime | None = None
    needed: datetime | None = None
    at_once: bool = False
    path: tuple[tuple[str, float], ...] = ()
    lead: float = 0.0
    start: datetime | None = None
    unknown: tuple[str, ...] = ()

    def lag(self, now: datetime) -> float:
        """Seconds since the oldest change that its rows lack."""
        return 0.0 if self.oldest is None else max(0.0, (now - self.oldest).total_seconds())


@dataclass(frozen=True, slots=True)
class Outlook:
    """The needs of all promises by id; ``keys`` name for each stale node what it would be built from, ``facts`` is what that was read off.

    ``needed`` is until when each stale node has to be there for the sake of those that read it.
    """

    facts: Facts
    needs: Mapping[str, Need]
    keys: Mapping[str, str]
    needed: Mapping[str, datetime]


def needs(facts: Facts) -> Outlook:
    """Read the needs off the facts. Nothing here asks what time it is: what is known decides, and the caller compares.

    >>> from datetime import UTC
    >>> from orchestrator.core.promise import Version
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> raw = Fact("raw", "raw", "source", version="2", versions=tuple(Version(k, noon, noon) for k in "12"))
    >>> mart = Fact("mart", "mart", "model", ("raw",), Promise(3600), fingerprint="f", built="f", at=noon, version="m", used={"raw": "1"})
    >>> found = needs(Facts(noon, {"raw": raw, "mart": mart})).needs["mart"]
    >>> found.stale, f"{found.start:%H:%M:%S}"
    (('mart',), '12:58:54')
    """
    view = _View(facts)
    found = {each.id: _need(each, each.promise, view) for each in facts.promised if each.promise is not None}
    keys = {id_: view.key(id_) for id_ in dict.fromkeys(id_ for need in found.values() for id_ in need.stale)}
    return Outlook(facts, found, keys, _needed(found.values(), facts))


def next_look(facts: Facts, now: datetime) -> datetime | None:
    """When somebody has to look again at the latest, for the sake of promises by a time of day: before the longest build could begin."""
    times = []
    for each in facts.promised:
        if each.promise is not None and each.promise.by is not None:
            lead = sum(seconds for _, seconds in longest([i for i, f in facts.nodes.items() if not f.is_source], facts.nodes)) * (
                1 + MARGIN
            )
            hour, minute = (int(part) for part in each.promise.by.split(":"))
            times.append(next(cron(f"{minute} {hour} * * *", each.promise.zone, now + timedelta(seconds=lead))) - timedelta(seconds=lead))
    return min(times, default=None)


class _View:
    """Facts with what follows from them, worked out once."""

    def __init__(self, facts: Facts) -> None:
        self.nodes = facts.nodes
        self.at = facts.at
        self.own: dict[str, str] = {}
        self.included: dict[str, Mapping[str, int]] = {}
        self.above: dict[str, frozenset[str]] = {}
        for id_, fact in facts.nodes.items():  # parents come first
            inputs = [i for i in fact.inputs if i in self.nodes]
            self.above[id_] = frozenset(inputs).union(*(self.above[i] for i in inputs if i in self.above))
            if not fact.is_source:
                if why := _stale(fact, self.nodes):
                    self.own[id_] = why
                self.included[id_] = self._includes(fact, inputs)

    def _includes(self, fact: Fact, inputs: Sequence[str]) -> dict[str, int]:
        """For each source above, the place among its versions of the newest one whose rows are in this node; -1 for none."""
        found: dict[str, int] = {}
        for id_ in inputs:
            parent = self.nodes[id_]
            if parent.is_source:
                keys = [v.key for v in parent.versions]
                used = fact.used.get(id_)
                known = len(keys) - 1 if fact.passes else keys.index(used) if used in keys else _before(parent, fact.at)
                below: Mapping[str, int] = {id_: known}
            elif fact.passes or (parent.version is not None and fact.used.get(id_) == parent.version):
                below = self.included[id_]
            else:  # built since, or never seen by us: what was there at the time
                below = {r: min(_before(self.nodes[r], fact.at), place) for r, place in self.included[id_].items()}
            for root, place in below.items():
                found[root] = min(found.get(root, place), place)
        return found

    def stale(self, target: str) -> tuple[str, ...]:
        """What has to be built for a node, parents first: what is stale itself, and what reads such a thing."""
        dirty: set[str] = set()
        for id_, fact in self.nodes.items():
            if fact.is_source or (id_ != target and id_ not in self.above[target]):
                continue
            if id_ in self.own or any(i in dirty for i in fact.inputs):
                dirty.add(id_)
        clean = (i for i in self.nodes if i in dirty)
        return tuple(i for i in clean if i in self.own or not self.nodes[i].passes)

    def changes(self, target: str) -> tuple[datetime, ...]:
        """When the changes of sources happened that a node's rows lack, oldest first."""
        found = []
        for root, place in self.included[target].items():
            found += [v.since for v in self.nodes[root].versions[place + 1 :]]
        return tuple(sorted(found))

    def key(self, id_: str) -> str:
        """What a node would be built from now, in one word."""
        fact = self.nodes[id_]
        roots = sorted(f"{r}={self.nodes[r].version}" for r in self.above[id_] if self.nodes[r].is_source)
        return digest("\n".join([id_, fact.fingerprint, *roots]).encode())[:16]


def _before(source: Fact, at: datetime | None) -> int:
    """The place of the newest version of a source that somebody had seen by then."""
    return sum(v.seen <= at for v in source.versions) - 1 if at is not None else -1


def _stale(fact: Fact, nodes: Mapping[str, Fact]) -> str:
    """What is new for a node; empty when nothing is. An input nobody knows the version of is not news."""
    if fact.kind == "exposure":
        return ""
    if fact.built is None:
        return MISSING
    if fact.built != fact.own:
        return CHANGED
    if fact.passes:
        return ""
    news = [nodes[i].name for i in fact.inputs if i in nodes and nodes[i].version is not None and fact.used.get(i) != nodes[i].version]
    return f"{', '.join(f'`{n}`' for n in news)} changed" if news else ""


def _need(fact: Fact, promise: Promise, view: _View) -> Need:
    unknown = tuple(n.name for i in sorted(view.above[fact.id]) if (n := view.nodes[i]).is_source and n.unknown)
    stale = view.stale(fact.id)
    if not stale:
        return Need(fact.id, fact.name, promise, unknown=unknown)
    path = longest(stale, view.nodes)
    lead = sum(seconds for _, seconds in path) * (1 + MARGIN)
    changes = view.changes(fact.id)
    oldest, newest = (changes[0], changes[-1]) if changes else (None, None)
    at_once = any(view.own.get(i) in (MISSING, CHANGED) for i in stale)
    if oldest is None and not at_once:
        times = [a for i in stale for p in view.nodes[i].inputs if p in view.nodes and (a := view.nodes[p].at) is not None]
        oldest = newest = max(times, default=view.at)  # a parent was built anew though nothing came in: its rows are what is new
    built = _built(fact, view)
    needed = view.at if oldest is None else _until(promise, oldest, built, lead)
    start = view.at if at_once else needed - timedelta(seconds=lead)
    if promise.strategy == "eager" and newest is not None:
        start = min(start, newest + timedelta(seconds=promise.debounce))
    why = {i: view.own.get(i, "what it reads will be new") for i in stale}
    return Need(fact.id, fact.name, promise, stale, why, oldest, newest, needed, at_once, path, lead, start, unknown)


def _built(fact: Fact, view: _View) -> datetime | None:
    """When a node was last published; of what has no rows, when the oldest of its inputs was."""
    if not fact.passes:
        return fact.at
    times = [_built(view.nodes[i], view) for i in fact.inputs if i in view.nodes and not view.nodes[i].is_source]
    known = [t for t in times if t is not None]
    return min(known, default=None)


def _until(promise: Promise, oldest: datetime, built: datetime | None, lead: float) -> datetime:
    """When a change has to be in: its age may not pass the limit, or the next time of day comes that no build was for yet."""
    if promise.max_lag is not None:
        return oldest + timedelta(seconds=promise.max_lag)
    hour, minute = (int(part) for part in str(promise.by).split(":"))
    after = oldest if built is None else max(oldest, built + timedelta(seconds=lead))
    return next(cron(f"{minute} {hour} * * *", promise.zone, after))


def longest(stale: Collection[str], nodes: Mapping[str, Fact]) -> tuple[tuple[str, float], ...]:
    """The way through what is to be built that takes longest: names and seconds."""
    best: dict[str, tuple[float, tuple[str, ...]]] = {}
    last: dict[str, tuple[float, tuple[str, ...]]] = {}
    for id_, fact in nodes.items():
        ways = [last[i] for i in fact.inputs if i in last]
        before = max(ways, default=(0.0, ()))
        if id_ in stale:
            before = (before[0] + took(fact), (*before[1], id_))
            best[id_] = before
        if before[1]:
            last[id_] = before
    way = max(best.values(), default=(0.0, ()))[1]
    return tuple((nodes[i].name, took(nodes[i])) for i in way)


def took(fact: Fact) -> float:
    """Seconds to expect for one node."""
    return fact.seconds if fact.seconds is not None else GUESS


def _needed(found: Iterable[Need], facts: Facts) -> dict[str, datetime]:
    """Until when each stale node has to be there: whoever reads it needs time of its own after it."""
    result: dict[str, datetime] = {}
    for need in found:
        if need.needed is None:
            continue
        times = {need.node: need.needed}
        for id_ in reversed([i for i in facts.nodes if i in need.stale or i == need.node]):
            if id_ not in times:
                continue
            spare = times[id_] - timedelta(seconds=took(facts.nodes[id_]) if id_ in need.stale else 0)
            for parent in facts.nodes[id_].inputs:
                if parent in need.stale:
                    times[parent] = min(times.get(parent, spare), spare)
        for id_ in need.stale:
            if id_ in times:
                result[id_] = min(result.get(id_, times[id_]), times[id_])
    return result
