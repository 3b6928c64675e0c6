"""Which nodes each test is about: what pages that are served live need to sort a run's tests."""

from __future__ import annotations

from orchestrator.core.graph import Graph
from orchestrator.publish.site.numbers import numbers_of


def tested(graph: Graph) -> dict[str, list[int]]:
    """Numbers of nodes by the id of a test: the one it is attached to, or all that it reads."""
    numbers = numbers_of(graph).of
    tests = (n for n in graph.nodes.values() if n.kind in ("test", "unit_test"))
    return {n.id: [numbers[i] for i in ([n.attached] if n.attached else n.depends_on) if i in numbers] for n in tests}
