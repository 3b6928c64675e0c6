"""Why each node is in a run, from what it would be built, and who asked: what `orc why` compares later."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.core.event import Grounds
from orchestrator.core.files import digest
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node, PythonBody, SqlBody
from orchestrator.core.plan import Plan
from orchestrator.graph.fingerprint import shaping

if TYPE_CHECKING:
    from orchestrator.app.invocation import Invocation
    from orchestrator.app.opening import Workspace

PATIENCE = 2.0
"""Seconds that git may take to say what a run's history tells of the code: in a huge repository a run does not wait for it."""

ACTORS = ("ORC_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "CIRCLE_USERNAME", "BUILDKITE_BUILD_CREATOR")
"""Variables that say who is behind a run that no person started by hand; the first that is set counts."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What began a run, who is behind it, and from which commit; ``dirty`` says that files are not as committed."""

    trigger: str
    actor: str
    git_sha: str | None = None
    dirty: bool | None = None


def circumstances(invocation: Invocation) -> Circumstances:
    """What is known of how this call came about. Outside of a repository there is no commit."""
    from orchestrator.core.errors import UsageError
    from orchestrator.load.git import Git

    env = invocation.env
    sha: str | None = None
    dirty: bool | None = None
    git = Git(invocation.root, env, patience=PATIENCE)
    with suppress(UsageError):  # no git, or one that does not answer in time: a run does not wait for it
        sha = git.asks("rev-parse", "HEAD")
        if sha is not None:
            dirty = bool(git.asks("status", "--porcelain", "--untracked-files=normal", "--", "."))
    return Circumstances(trigger(env), actor(env), sha, dirty)


def trigger(env: Mapping[str, str]) -> str:
    """What began a run.

    >>> trigger({"ORC_TRIGGER": "schedule:nightly"}), trigger({"CI": "true"}), trigger({})
    ('schedule:nightly', 'ci', 'cli')
    """
    return env.get("ORC_TRIGGER") or ("ci" if env.get("CI") else "cli")


def actor(env: Mapping[str, str]) -> str:
    """Who is behind a run: what a CI says, or the person at the machine.

    >>> actor({"GITHUB_ACTOR": "ann", "USER": "runner"})
    'ann'
    """
    import getpass
    import socket

    for name in ACTORS:
        if env.get(name):
            return env[name]
    try:
        user = env.get("USER") or env.get("LOGNAME") or getpass.getuser()
    except (OSError, KeyError):  # a number without a name: containers have such users
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def grounds(plan: Plan, workspace: Workspace, fresh: Collection[str] = ()) -> dict[str, Grounds]:
    """Why each node of a plan is in it, and the parts of the fingerprints of those that are built. Those that are ``fresh`` say it at
    their end.
    """
    graph, digests = workspace.graph, Digests(workspace)
    found = {
        t.node: Grounds(t.reason, graph.nodes[t.node].fingerprint)
        for t in (*plan.reused, *(t for t, _ in plan.withheld))
        if t.node not in fresh
    }
    return found | {t.node: of_node(graph, graph.nodes[t.node], digests, t.reason) for t in plan.tasks}


class Digests:
    """Digests of the files that macros are in, each read once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, str] = {}

    def __getitem__(self, path: str) -> str:
        from orchestrator.app.opening import text_of

        if path not in self._known:
            self._known[path] = digest(text_of(self._workspace.project, path).encode())
        return self._known[path]


def of_node(graph: Graph, node: Node, digests: Digests, reason: str = "") -> Grounds:
    """What a node would be built from now."""
    if not node.has_data:
        return Grounds(reason)
    body = graph.bodies[node.id]
    source = body.raw if isinstance(body, SqlBody | PythonBody) else ""
    parts: dict[str, Any] = {
        "code": digest(node.content.encode()),
        "source": digest(source.encode()),
        "config": shaping(node),
        "relation": str(node.relation),
        "macros": {m: digests[graph.macros[m]] for m in (body.macros if isinstance(body, SqlBody) else ()) if m in graph.macros},
        "upstream": {p: graph.nodes[p].fingerprint for p in node.depends_on if p in graph.nodes and graph.nodes[p].fingerprint},
    }
    return Grounds(reason, node.fingerprint, parts)
