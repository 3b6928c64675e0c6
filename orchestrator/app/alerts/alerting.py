"""Alerts of a project: what its ``alerts.yml`` says, who listens to a run, what a run that never began has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app.alerts import announcing
from orchestrator.core.errors import OrcError, Problem
from orchestrator.core.event import Event, RunStarted

if TYPE_CHECKING:
    from orchestrator.alert.listen import Surroundings
    from orchestrator.app.opening import Workspace
    from orchestrator.core.alert import About, Alerts, Post, Rule
    from orchestrator.core.node import Node
    from orchestrator.record.history import History

LOOKED_BACK = 30
"""Builds of a node that say how long it usually takes."""

FILE = "alerts.yml"


def alerting(root: Path) -> Alerts:
    """What a project says about who hears of what; nothing when it has no ``alerts.yml``.

    Raises:
        ConfigError: U095 to U097, all that is wrong with it.
    """
    from orchestrator.core.alert import Alerts

    path = root / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Alerts()
    except OSError as error:
        from orchestrator.load.alerts import unreadable

        raise unreadable(path.name, error) from error
    from orchestrator.alert.spec import spec
    from orchestrator.load.alerts import read_alerts

    return spec(read_alerts(content))


def heeding(workspace: Workspace, history: History, say: Callable[[str], None]) -> Callable[[Event], Sequence[Post]] | None:
    """Who says what alerts an event of a run causes; ``None`` when nobody wants any.

    What is wrong with the rules, or with us, is said and fails no run. A run in an environment is told to nobody.
    """
    listening: list[Callable[[Event], Sequence[Post]]] = []
    base: str | None = None
    try:
        if (workspace.invocation.root / FILE).exists() and (found := alerting(workspace.invocation.root)):
            from orchestrator.alert.listen import Listener

            base = found.base_url
            listening.append(Listener(found, surroundings(workspace, history)))
    except OrcError as error:
        for problem in error.problems:
            say(f"nobody is alerted: {problem}")
    try:
        if announcing.wanted(workspace):
            from orchestrator.alert.announce import Announcer

            listening.append(Announcer(announcing.announced(workspace), base))
    except OrcError as error:
        for problem in error.problems:
            say(f"no application is told of its data: {problem}")
    if not listening:
        return None

    def heed(event: Event) -> Sequence[Post]:
        if isinstance(event, RunStarted) and event.arguments.get("environment"):
            listening.clear()  # what is built beside production, for a pull request, is nobody's emergency and nobody's new data
        posts: list[Post] = []
        for listener in tuple(listening):
            try:
                posts += listener(event)
            except Exception as error:  # noqa: BLE001  # an alert's failure never fails a run
                listening.remove(listener)
                say(f"alerts of this run end here: {type(error).__name__}: {error}")
        return posts

    return heed


def surroundings(workspace: Workspace, history: History) -> Surroundings:
    """What a listener may ask about the project."""
    from orchestrator.alert.listen import Surroundings

    target = workspace.project.target.name

    @cache
    def chosen(rule: Rule) -> frozenset[str] | None:
        return selected(workspace, rule.where.select) if rule.where.select else None

    return Surroundings(abouts(workspace), chosen, lambda nodes: history.durations(target, nodes, LOOKED_BACK))


def selected(workspace: Workspace, words: tuple[str, ...]) -> frozenset[str]:
    """The nodes that a rule's ``select`` names."""
    from orchestrator.app import selection
    from orchestrator.core.plan import Request

    return selection(workspace, Request("ls", select=words)).ids


def abouts(workspace: Workspace) -> Callable[[str], About]:
    """What rules and letters ask of a node, by its id."""
    from orchestrator.core.alert import About

    groups = {p.name: p.data.get("owner") or {} for p in workspace.project.properties if p.section == "groups"}

    @cache
    def about(id_: str) -> About:
        node = workspace.graph.nodes.get(id_)
        if node is None:  # a hook of the project
            return About(id_.split(".", 2)[-1])
        from orchestrator.publish.layout import compiled_path

        compiled = f"{workspace.project.settings.target_path}/{compiled_path(node)}" if node.kind in ("model", "test", "snapshot") else ""
        return About(node.name, node.tags, owners_of(node, groups), str(node.span), compiled, node.depends_on, _asked(node))

    return about


def _asked(node: Node) -> tuple[str, ...]:
    """The rules that a node itself names. What cannot be read is the plan's business, for nodes that are in it."""
    from orchestrator.core.aftermath import aftermath

    try:
        return aftermath(node.config).alerts
    except ValueError:
        return ()


def owners_of(node: Node, groups: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Words that an owner may be named by: what ``meta`` says, the node's group, and who owns that."""
    said = node.config.get("meta") or {}
    group = node.config.get("group")
    owner = groups.get(str(group), {}) if group else {}
    named: Iterable[object] = (said.get("owner") if isinstance(said, Mapping) else None, group, owner.get("name"), owner.get("email"))
    return tuple(dict.fromkeys(str(name) for name in named if name))


def stillborn(
    alerts: Alerts,
    command: str,
    arguments: Mapping[str, object],
    env: Mapping[str, str],
    problems: Sequence[Problem],
    now: datetime,
    run: str,
) -> list[Post]:
    """What rules are told of a run that died before any node could start: no connection, a project that does not parse."""
    from orchestrator.alert.posts import posts
    from orchestrator.alert.subject import subject
    from orchestrator.core.alert import Happening

    trigger = env.get("ORC_TRIGGER") or ""
    named, name = subject(trigger, command, arguments)
    told = [f"{p}{f' (hint: {p.hint})' if p.hint else ''}" for p in problems]
    first = problems[0]
    found = Happening(
        frozenset({"run_failed"}),
        named,
        name,
        now,
        "stopped before anything ran",
        str(arguments.get("target") or ""),
        run,
        "\n".join(told[:10]),
        str(first.span) if first.span else "",
        log=tuple(told[-30:]),
        commands=("orc debug", f"orc {command}"),
    )
    return list(posts(alerts, [found]))
