"""What of a graph is fresh: made by what its files say, of the versions that its inputs have now. Any doubt is stale."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.core.freshness import Made, made, pause, published_as, seen_through, short
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.snapshot import Published, Snapshot
from orchestrator.graph.lineage import label
from orchestrator.graph.recipe import Recipes


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before anything is built: ``rows`` of the ledger with what they were ``made`` of, and the version of everything now.

    ``bad`` are versions that a test found wrong after they were published, each with the sentence that says so.
    """

    rows: Mapping[str, Published] = field(default_factory=dict)
    made: Mapping[str, Made] = field(default_factory=dict)
    versions: Mapping[str, str | None] = field(default_factory=dict)
    bad: Mapping[str, str] = field(default_factory=dict)
    recipes: Recipes = field(default_factory=lambda: Recipes(Graph({}, {})))


@dataclass(frozen=True, slots=True)
class Stale:
    """What has to be built, and why: ``reasons`` by id. ``perhaps`` are those that only something else of this build can make stale: they
    are looked at again when that is done. ``fresh`` are the others, each with the sentence that proves it. ``held`` are those that are
    to stay as they are because of an input.
    """

    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    perhaps: Mapping[str, str] = field(default_factory=dict)
    fresh: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def known(recipes: Recipes, snapshot: Snapshot, sources: Mapping[str, str | None], bad: Mapping[str, str] | None = None) -> Known:
    """The version of everything as of a snapshot; ``sources`` are the versions of sources by id."""
    graph = recipes.graph
    rows = {id_: row for id_, row in snapshot.ledger.items() if id_ in graph.nodes}
    said: dict[str, Made] = {}
    for id_, row in rows.items():
        if (one := made(row.made)) is not None:
            said[id_] = one
    found: dict[str, str | None] = {}
    for id_ in graph.order:
        node = graph.nodes[id_]
        if node.kind == "source":
            found[id_] = sources.get(id_)
        elif node.has_data:
            there = node.relation is not None and snapshot.find(node.relation) is not None
            found[id_] = version(id_, rows.get(id_), said.get(id_), recipes, found.get) if there else None
    return Known(rows, said, found, bad or {}, recipes)


def version(id_: str, row: Published | None, said: Made | None, recipes: Recipes, now: Callable[[str], str | None]) -> str | None:
    """The version of what a node holds now, given those of what it reads; ``None`` when nobody knows."""
    if row is None:
        return None
    own = said.version if said is not None else _of_row(row)
    if not recipes.live(id_):
        return own
    if said is None or said.doubt:
        return None
    return seen_through(said.code if own.startswith("view ") else own, {i: now(i) for i in recipes.inputs(id_)})


def _of_row(row: Published) -> str:
    return published_as(moment(row.at), row.run)


def moment(at: str) -> datetime:
    """A time of the ledger."""
    found = datetime.fromisoformat(at)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def stale(graph: Graph, wanted: Collection[str], snapshot: Snapshot, state: Known, now: datetime, *, anew: bool = False) -> Stale:
    """Which of ``wanted`` are fresh. ``anew`` says that incremental models begin anew: whatever can is built."""
    recipes = state.recipes
    reasons: dict[str, tuple[str, ...]] = {}
    perhaps: dict[str, str] = {}
    fresh: dict[str, str] = {}
    held: dict[str, tuple[str, str]] = {}
    moving: dict[str, str] = {}
    for id_ in graph.order:
        node = graph.nodes[id_]
        if not node.has_data:
            continue
        below = next((moving[i] for i in recipes.inputs(id_) if i in moving), "")
        if id_ not in wanted:
            if below and recipes.live(id_):
                moving[id_] = below
            continue
        if anew and node.config.get("full_refresh") is not False:
            found: tuple[str, ...] = ("--full-refresh",)
        else:
            found = own_reasons(graph, node, snapshot, state, recipes)
        inputs = recipes.inputs(id_)
        if found and (wrong := next((i for i in inputs if i in state.bad or (i in held and state.versions[i] is None)), None)) is not None:
            held[id_] = (wrong, state.bad[wrong]) if wrong in state.bad else held[wrong]
        elif found and (waits := _paused(graph, node, state, found, now)):
            fresh[id_] = waits
        elif found:
            reasons[id_] = found
            moving[id_] = id_
        elif below:
            perhaps[id_] = f"fresh, unless `{graph.nodes[below].name}` changes"
            moving[id_] = id_
        elif state.rows[id_].fingerprint != node.fingerprint:
            perhaps[id_] = "fresh: its inputs have other code and the same rows"
        else:
            fresh[id_] = proof(graph, inputs, state)
    return Stale(reasons, perhaps, fresh, held)


_NEWS = "new data in "


def own_reasons(graph: Graph, node: Node, snapshot: Snapshot, state: Known, recipes: Recipes) -> tuple[str, ...]:
    """Why a node is stale, whatever else is built; empty when nothing says so."""
    row, said = state.rows.get(node.id), state.made.get(node.id)
    if node.relation is None or snapshot.find(node.relation) is None:
        return ("does not exist yet",)
    if row is None:
        return ("was not published by orc before",)
    if said is None:
        return ("it is not known what it was made from",)
    if said.code != recipes.code(node.id):
        return ("code changed",)
    if said.doubt:
        return (said.doubt,)
    found: list[str] = []
    inputs = recipes.inputs(node.id)
    for id_ in inputs:
        before, now = said.inputs.get(id_), state.versions.get(id_)
        name = f"`{label(graph.nodes[id_])}`"
        if before is None:
            found.append(f"it is not known which version of {name} it was made from")
        elif now is None:
            found.append(f"nobody knows the version of {name}")
        elif before != now:
            found.append(f"{_NEWS}{name}")
    if gone := [i for i in said.inputs if i not in inputs]:
        found.append(f"it does not read `{gone[0].split('.', 2)[-1]}` any more")
    return tuple(found)


def _paused(graph: Graph, node: Node, state: Known, found: tuple[str, ...], now: datetime) -> str:
    """Why a node that is stale by its data alone may stay so for a while (``build_after``); empty when it may not."""
    asked = pause(node.config.get("freshness"))
    row = state.rows.get(node.id)
    if asked is None or row is None or not all(reason.startswith(_NEWS) for reason in found):
        return ""
    if not asked.over(moment(row.at), now):
        return f"{', '.join(found)}; it was built {row.at[:16].replace('T', ' ')} UTC, and `build_after` is not over"
    quiet = [i for i in state.recipes.inputs(node.id) if state.made[node.id].inputs.get(i) == state.versions.get(i)]
    if asked.whole and quiet:
        return f"{', '.join(found)}; `updates_on: all` waits for `{label(graph.nodes[quiet[0]])}`"
    return ""


def proof(graph: Graph, inputs: Collection[str], state: Known) -> str:
    """The sentence that says why something is fresh."""
    if not inputs:
        return "fresh: its code did not change, and it reads nothing"
    shown = [f"{label(graph.nodes[i])} ({short(state.versions.get(i))})" for i in inputs]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return f"fresh: still {', '.join(shown[:3])}{more}"
