from __future__ import annotations

import pytest

from orchestrator.graph.cycles import cycle


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({}, None),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, None),
        ({"a": ["gone"]}, None),
        ({"a": ["a"]}, ["a"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b"]),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"], "y": []}, ["a", "b", "c"]),
        ({"a": ["b"], "b": ["c"], "c": ["d"], "d": ["a", "c"]}, ["c", "d"]),
        ({"a": ["b"], "b": ["a"], "c": ["c"]}, ["c"]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ["b", "c"]),
    ],
)
def test_a_shortest_cycle_is_found(edges: dict[str, list[str]], expected: list[str] | None) -> None:
    assert cycle(edges) == expected


@pytest.mark.parametrize("length", [50, 5_000, 50_000])
def test_long_chains_need_no_recursion(length: int) -> None:
    chain = {str(n): [str(n + 1)] for n in range(length)}
    assert cycle(chain) is None
    found = cycle({**chain, str(length): ["0"]})
    assert found == [str(n) for n in range(length + 1)]


def test_many_overlapping_long_cycles_end_soon() -> None:
    size = 3_000
    edges = {str(n): [str((n + 1) % size), str((n + 2) % size)] for n in range(size)}
    found = cycle(edges)
    assert found
    assert len(found) == size // 2
