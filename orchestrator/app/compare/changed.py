"""The selection method ``git``: what is different since a branch began."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.app.opening import Workspace
from orchestrator.core.graph import Graph
from orchestrator.graph.methods import Method


def by_git(workspace: Workspace) -> Method:
    """``git:main``: nodes that are new or say something else than where the work tree left ``main``; layout and comments do not count.

    Raises, when it is asked:
        UsageError: U038, U060, U061, git has no answer.
    """
    known: dict[str, frozenset[str]] = {}

    def find(_: Graph, arguments: tuple[str, ...], value: str) -> frozenset[str]:
        name = ".".join([*arguments, value]) if arguments else value
        if name not in known:
            known[name] = changed(workspace, name)
        return known[name]

    return find


def changed(workspace: Workspace, name: str) -> frozenset[str]:
    """The ids of nodes of every kind that are new or differ by what they say or how they are configured, since the branch left ``name``.

    Raises:
        UsageError: U038, U060, U061, git has no answer.
        OrcError: what is wrong with the project as it was.
    """
    from orchestrator.app.earlier import earlier
    from orchestrator.load.ancestry import ancestry

    origin = ancestry(workspace.invocation.root, (name,), workspace.invocation.env, f"`git:{name}`")
    if not origin.files:
        return frozenset()
    with earlier(workspace, origin.base) as (then, _):
        return frozenset(differing(then.graph, workspace.graph, frozenset(origin.files)))


def differing(before: Graph, after: Graph, files: frozenset[str]) -> Iterator[str]:
    """The ids of nodes of ``after`` that are not what they were; bodies are looked at only in ``files``."""
    for id_, node in after.nodes.items():
        old = before.nodes.get(id_)
        if (
            old is None
            or (old.content, old.config, old.links) != (node.content, node.config, node.links)
            or (node.path in files and not node.content and told(before, id_) != told(after, id_))
        ):
            yield id_


def told(graph: Graph, id_: str) -> list[object]:
    """What a node without a text of its own says: a test's arguments, an exposure's owner, a source's freshness."""
    body = graph.bodies[id_]
    return [getattr(body, name, None) for name in TELLING]


TELLING = (
    "arguments", "given", "expect", "overrides", "type", "owner", "url", "maturity", "freshness", "loaded_at_field", "loaded_at_query",
    "external", "raw",
)  # fmt: skip
"""What bodies of any kind say besides their documentation."""
