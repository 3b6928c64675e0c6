"""A selection in portions that another scheduler runs one by one, in the order that the plan itself would keep.

What a portion needs is read off the same rules as the plan of a whole build: parents seen through ephemeral models, tests that gate the
last of their parents, tests that gate nothing and hold back what is below them. So a portion that runs after those it needs does what
its nodes would have done in the whole build, and what is not run because a needed one failed is what the whole build would have skipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.patience import Retries, patience
from orchestrator.core.portion import Granularity, Portion
from orchestrator.plan.gates import blocking, gates, upstream

WHOLE = "project"
UNGROUPED = "ungrouped"


@dataclass(frozen=True, slots=True)
class _Unit:
    """The smallest portion: a node with its gates, or tests that gate nothing. ``home`` is the node whose group and folder count."""

    key: str
    home: str
    ids: tuple[str, ...]
    needs: tuple[str, ...]


def portions(graph: Graph, selected: Collection[str], granularity: Granularity = "model") -> tuple[Portion, ...]:
    """All of ``selected``, in portions, each after those it needs.

    A group (or layer) that would have to run before and after another one is several portions: ``layer.mart``, ``layer.mart.2``.
    """
    units = _units(graph, selected)
    part_of = _parts(graph, units, granularity)
    members: dict[str, list[_Unit]] = {}
    for unit in units:
        members.setdefault(part_of[unit.key], []).append(unit)
    needs = {key: tuple(sorted({part_of[n] for unit in inside for n in unit.needs} - {key})) for key, inside in members.items()}
    return tuple(_portion(graph, key, members[key], needs[key], granularity) for key in _sorted(needs))


def _units(graph: Graph, selected: Collection[str]) -> tuple[_Unit, ...]:
    """Nodes with their gates, and what gates nothing; parents first."""
    building = {id_ for id_ in selected if graph.nodes[id_].has_data}
    tests = {id_ for id_ in selected if graph.nodes[id_].kind == "test"}
    assigned = gates(graph, building, tests)
    held = blocking(graph, assigned.free, building)
    of_model: dict[str, list[str]] = {}
    loose: dict[str, list[str]] = {}
    for id_ in sorted(i for i in selected if graph.nodes[i].kind == "unit_test"):
        attached = graph.nodes[id_].attached or id_
        (of_model if attached in building else loose).setdefault(attached, []).append(id_)
    for test in assigned.free:  # those of one source are one portion
        parents = graph.nodes[test].depends_on
        loose.setdefault(parents[0] if len(parents) == 1 else test, []).append(test)
    home_of = {test: home for home, found in loose.items() for test in found}
    found = [
        _Unit(
            id_,
            id_,
            (id_, *assigned.tests.get(id_, ()), *of_model.get(id_, ())),
            tuple(
                dict.fromkeys(
                    [
                        *upstream(graph, graph.nodes[id_], building),
                        *assigned.extra.get(id_, ()),
                        *(f"tests.{home_of[t]}" for t in held.get(id_, ())),
                    ]
                )
            ),
        )
        for id_ in assigned.order
    ]
    for home, inside in loose.items():
        before = dict.fromkeys(n for t in inside for n in upstream(graph, graph.nodes[t], building))
        found.append(_Unit(f"tests.{home}", home, tuple(inside), tuple(before)))
    ordered = _sorted({u.key: u.needs for u in found})
    by_key = {u.key: u for u in found}
    return tuple(by_key[key] for key in ordered)


def _parts(graph: Graph, units: Iterable[_Unit], granularity: Granularity) -> dict[str, str]:
    """The portion of every unit."""
    wanted = {u.key: _name(graph, u, granularity) for u in units}
    if granularity == "model":
        return wanted
    between: dict[str, set[str]] = {name: set() for name in wanted.values()}
    for unit in units:
        between[wanted[unit.key]] |= {wanted[n] for n in unit.needs} - {wanted[unit.key]}
    circles = _circles(between)
    level: dict[str, int] = {}
    for unit in units:  # parents first
        own = wanted[unit.key]
        inside = [n for n in unit.needs if circles[wanted[n]] == circles[own]]
        level[unit.key] = max((level[n] + (wanted[n] != own) for n in inside), default=0)
    found: dict[str, str] = {}
    for name in between:
        levels = sorted({level[u.key] for u in units if wanted[u.key] == name})
        for unit in units:
            if wanted[unit.key] == name:
                place = levels.index(level[unit.key])
                found[unit.key] = name if place == 0 else f"{name}.{place + 1}"
    return found


def _name(graph: Graph, unit: _Unit, granularity: Granularity) -> str:
    node = graph.nodes[unit.home]
    match granularity:
        case "model":
            return unit.key
        case "group":
            return f"group.{node.config.get('group') or UNGROUPED}"
        case "layer":
            return f"layer.{_layer(node)}"
        case "project":
            return WHOLE


def _layer(node: Node) -> str:
    """The first folder below the model paths; kinds that have no layers of their own are one each."""
    if node.kind != "model":
        return f"{node.kind}s"
    return node.fqn[1] if len(node.fqn) > 2 else "models"


def _circles(between: Mapping[str, Collection[str]]) -> dict[str, int]:
    """For each name the number of the circle it is in; names in no circle have numbers of their own (Tarjan, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    found: dict[str, int] = {}
    path: list[str] = []
    for root in between:
        work = [(root, iter(sorted(between[root])))] if root not in number else []
        if work:
            number[root] = low[root] = len(number)
            path.append(root)
        while work:
            name, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    while True:
                        inside = path.pop()
                        found[inside] = number[name]
                        if inside == name:
                            break
            elif step not in number:
                number[step] = low[step] = len(number)
                path.append(step)
                work.append((step, iter(sorted(between[step]))))
            elif step not in found:
                low[name] = min(low[name], number[step])
    return found


def _portion(graph: Graph, key: str, units: Iterable[_Unit], needs: tuple[str, ...], granularity: Granularity) -> Portion:
    inside = tuple(units)
    ids = tuple(id_ for unit in inside for id_ in unit.ids)
    nodes = [graph.nodes[id_] for id_ in ids]
    tables = tuple((n.id, n.relation) for n in nodes if n.has_data and n.relation is not None)
    tests = {u.home: tuple(i for i in u.ids if graph.nodes[i].kind in ("test", "unit_test")) for u in inside}
    gated = {id_: tests[id_] for id_, _ in tables if tests.get(id_)}
    about = _about(nodes[0]) if granularity == "model" else f"{len(tables)} tables, {len(ids) - len(tables)} tests"
    built = {n for u in inside for n in u.ids}
    above = {u.home: tuple(n for n in u.needs if n in graph.nodes) for u in inside if u.home in built}
    return Portion(key, ids, needs, _most(nodes), tables, gated, above, about)


def _about(node: Node) -> str:
    return f"{node.materialized if node.kind == 'model' else node.kind} {node.path}"


def _most(nodes: Iterable[Node]) -> Retries | None:
    """The most patient ``retries`` of some nodes. What cannot be read, the plan of the run will say."""
    found: list[Retries] = []
    for node in nodes:
        if node.config.get("retries") is None:
            continue
        try:
            said = patience({"retries": node.config["retries"]}).retries
        except ValueError:
            continue
        found += [said] if said is not None else []
    return max(found, key=lambda r: (r.count, r.delay), default=None)


def _sorted(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Keys, each after those it needs; among what is possible by name, so that the same project gives the same text."""
    from heapq import heapify, heappop, heappush

    waiting = {key: len(set(before)) for key, before in needs.items()}
    after: dict[str, list[str]] = {key: [] for key in needs}
    for key, before in needs.items():
        for name in set(before):
            after[name].append(key)
    ready = [key for key, count in waiting.items() if not count]
    heapify(ready)
    found: list[str] = []
    while ready:
        key = heappop(ready)
        found.append(key)
        for later in after[key]:
            waiting[later] -= 1
            if not waiting[later]:
                heappush(ready, later)
    return tuple(found)
