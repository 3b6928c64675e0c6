from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.graph.cycles import cycle
from orchestrator.graph.select import select
from orchestrator.graph.selection import MODES, words
from orchestrator.graph.selectors import selectors


def refused(attempt: Callable[[], object]) -> tuple[Problem, ...]:
    """The problems of an attempt; anything but a ``UsageError`` is a failure of the test."""
    try:
        attempt()
    except UsageError as error:
        return error.problems
    return ()


TAGS = ("red", "blue")


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    nodes: dict[str, Node] = {}
    for number in range(draw(st.integers(1, 8))):
        parents = draw(st.sets(st.sampled_from(sorted(nodes)), max_size=3)) if nodes else set()
        name, folder = f"m{number}", draw(st.sampled_from(("a", "b")))
        tags = draw(st.sets(st.sampled_from(TAGS)))
        id_ = f"model.p.{name}"
        nodes[id_] = Node(
            id_,
            "model",
            name,
            "p",
            f"models/{folder}/{name}.sql",
            ("p", folder, name),
            {"tags": sorted(tags)},
            depends_on=tuple(sorted(parents)),
        )
    models = sorted(nodes)
    for number in range(draw(st.integers(0, 6))):
        parents = draw(st.sets(st.sampled_from(models), min_size=1, max_size=2))
        id_ = f"test.p.t{number}"
        nodes[id_] = Node(
            id_, "test", f"t{number}", "p", "models/s.yml", ("p", f"t{number}"), {}, depends_on=tuple(sorted(parents)), test_name="unique"
        )
    return Graph(nodes, {})


VALUES = st.sampled_from(
    ["m0", "m1", "m3", "a", "b", "p.a", "*", "tag:red", "tag:*", "models/a", "m2.sql", "test_type:generic", "t0", "config.tags:blue"]
)
CRITERIA = st.builds(
    lambda value, around, before, after: f"@{value}" if around else f"{before}{value}{after}",
    VALUES,
    st.booleans(),
    st.sampled_from(["", "", "+", "1+", "2+"]),
    st.sampled_from(["", "", "+", "+1"]),
)
WORDS = st.lists(CRITERIA, min_size=1, max_size=3).map(",".join)


@given(graphs(), WORDS, WORDS)
def test_words_are_alternatives(graph: Graph, one: str, two: str) -> None:
    both = select(graph, [one]).ids | select(graph, [two]).ids
    assert select(graph, [one, two]).ids == select(graph, [f"{one} {two}"]).ids == both


@given(graphs(), WORDS, WORDS, st.sampled_from(MODES))
def test_two_words_never_select_less_than_each(graph: Graph, one: str, two: str, mode: str) -> None:
    assert select(graph, [one], indirect=mode).ids | select(graph, [two], indirect=mode).ids <= select(graph, [one, two], indirect=mode).ids


@given(graphs(), WORDS, WORDS, st.sampled_from(MODES))
def test_what_is_excluded_is_not_there(graph: Graph, one: str, two: str, mode: str) -> None:
    kept = select(graph, [one], [two], indirect=mode).ids
    assert kept.isdisjoint(select(graph, [two], indirect=mode).ids)
    assert kept == select(graph, [one], indirect=mode).ids - select(graph, [two], indirect=mode).ids


@given(graphs(), CRITERIA, CRITERIA, st.sampled_from(MODES))
def test_conditions_commute(graph: Graph, one: str, two: str, mode: str) -> None:
    assert select(graph, [f"{one},{two}"], indirect=mode).ids == select(graph, [f"{two},{one}"], indirect=mode).ids


@given(graphs(), CRITERIA, CRITERIA)
def test_conditions_only_narrow(graph: Graph, one: str, two: str) -> None:
    assert select(graph, [f"{one},{two}"]).ids == select(graph, [one]).ids & select(graph, [two]).ids


@given(graphs(), VALUES, st.sampled_from(MODES))
def test_walking_only_adds(graph: Graph, value: str, mode: str) -> None:
    alone, up, down = (select(graph, [text], indirect=mode).ids for text in (value, f"+{value}", f"{value}+"))
    assert alone <= up
    assert alone <= down
    assert up | down <= select(graph, [f"+{value}+"], indirect=mode).ids


@given(graphs(), VALUES)
def test_at_is_the_descendants_and_everything_they_need(graph: Graph, value: str) -> None:
    start = select(graph, [value], indirect="empty").ids
    below = start | graph.descendants(start)
    assert select(graph, [f"@{value}"], indirect="empty").ids == below | graph.ancestors(below)


@given(graphs(), WORDS)
def test_modes_bring_ever_fewer_tests(graph: Graph, word: str) -> None:
    eager, buildable, cautious, empty = (select(graph, [word], indirect=mode).ids for mode in ("eager", "buildable", "cautious", "empty"))
    assert empty <= cautious <= buildable <= eager


@given(graphs(), VALUES)
def test_cautious_means_all_parents(graph: Graph, value: str) -> None:
    chosen = select(graph, [value], indirect="cautious").ids
    themselves = select(graph, [value], indirect="empty").ids
    brought = {n.id for n in graph.nodes.values() if n.kind == "test" and set(n.depends_on) <= themselves}
    assert chosen == themselves | brought


@given(st.lists(st.text(alphabet=st.one_of(st.sampled_from("+@,:.* /0123ab"), st.characters())), max_size=3))
def test_any_text_is_read_or_refused(arguments: list[str]) -> None:
    graph = Graph({"model.p.a": Node("model.p.a", "model", "a", "p", "models/a.sql", ("p", "a"), {})}, {})
    problems = refused(lambda: (words(arguments), select(graph, arguments, arguments)))
    assert all(p.code.startswith("U0") and p.span for p in problems)


PLAIN: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["union", "intersection", "exclude", "method", "value", "tag", "children", "parents_depth", "name", "definition"]
            ),
            inner,
            max_size=3,
        )
    ),
)


@given(PLAIN)
def test_any_document_is_read_or_refused(document: Any) -> None:
    for given_ in (document, {"selectors": document}, [{"name": "x", "definition": document}]):
        assert all(p.code in {"U010", "U014", "U015", "U016"} for p in refused(lambda given_=given_: selectors(given_)))  # type: ignore[misc]


@given(st.dictionaries(st.integers(0, 7).map(str), st.lists(st.integers(0, 7).map(str), max_size=4), max_size=8))
def test_a_cycle_is_found_exactly_when_there_is_one_and_no_shorter_exists(edges: dict[str, list[str]]) -> None:
    def steps(start: str) -> int | None:
        seen, edge, length = set[str](), {start}, 0
        while edge:
            length += 1
            edge = {to for name in edge for to in edges.get(name, ())} - seen
            if start in edge:
                return length
            seen |= edge
        return None

    lengths = [length for name in edges if (length := steps(name)) is not None]
    found = cycle(edges)
    assert (found is None) == (not lengths)
    if found is not None:
        assert len(found) == min(lengths)
        assert all(to in edges[name] for name, to in zip(found, [*found[1:], found[0]], strict=True))


NAMES = st.tuples(st.lists(st.sampled_from(["a", "b", "ab", "a.b", "v1"]), min_size=2, max_size=4), st.just(False))
VERSIONS = st.tuples(st.lists(st.sampled_from(["a", "b", "ab", "v1"]), min_size=3, max_size=4), st.just(True))


@given(
    st.lists(NAMES | VERSIONS, max_size=6),
    st.lists(st.sampled_from(["a", "b", "ab", "v1", "*", "a*", "?", "[ab]"]), min_size=1, max_size=4),
)
def test_dotted_names_follow_their_definition(made: list[tuple[list[str], bool]], parts: list[str]) -> None:
    def matches(fqn: tuple[str, ...], version: bool) -> bool:
        leaf = fqn[-2] if version else fqn[-1]
        if leaf == value or (version and not wild and "_".join(fqn[-2:]) in {value, "_".join(parts[-2:])}):
            return True
        if wild and len(parts) == 1 and fnmatchcase(leaf, value):
            return True
        for whole in (".".join(fqn), ".".join(fqn[1:])):
            if fnmatchcase(whole, value) if wild else f"{whole}.".startswith(f"{value}."):
                return True
        return False

    value = ".".join(parts)
    wild = any(character in value for character in "*?[]")
    nodes = [
        Node(f"model.p.{number}", "model", fqn[-1], "p", "models/x.sql", tuple(fqn), {"version": 1} if version else {})
        for number, (fqn, version) in enumerate(made)
    ]
    found = select(Graph({n.id: n for n in nodes}, {}), [f"fqn:{value}"]).ids
    assert found == {n.id for n in nodes if matches(n.fqn, "version" in n.config)}
