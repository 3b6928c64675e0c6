"""``alerts.yml``: who hears of what, checked for shape; what the entries mean is the business of :mod:`orchestrator.alert`."""

from __future__ import annotations

from typing import Any

from orchestrator.core.alert import KINDS
from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span
from orchestrator.core.project import Properties
from orchestrator.load.lines import Lines, children
from orchestrator.load.shape import Anything, Check, Flag, Free, Items, Key, Table, Text, Texts
from orchestrator.load.yaml import read_yaml

FILE = "alerts.yml"

WHERE = Table(
    "`where`",
    {
        "tag": Key(Texts(), "Nodes with one of these tags."),
        "target": Key(Texts(), "Runs on one of these targets."),
        "owner": Key(Texts(), "Nodes of one of these owners."),
        "select": Key(Texts(), "Nodes, as for `--select`."),
    },
)

ALERT = Table(
    "an alert",
    {
        "name": Key(Text(), "What it is called: `orc alerts test NAME`.", required=True),
        "on": Key(Texts(), f"What it listens to: {', '.join(KINDS)}.", required=True),
        "where": Key(WHERE, "Which nodes and targets it is about (default: all)."),
        "to": Key(Texts(), "URLs as apprise knows them, json:// for programs, or `owner`.", required=True),
        "group_by": Key(Text(("run", "node")), "One message a run, or one a node (default: run)."),
        "repeat": Key(Text(), "`never` (default), or after how long an open incident is told again: 6h."),
        "resolve": Key(Flag(), "Say when it is well again (default: true)."),
        "quiet": Key(Text(), "When messages wait: 22:00-07:00."),
        "timezone": Key(Text(), "An IANA time zone for `quiet` (default: UTC)."),
        "description": Key(Text(), "For people."),
    },
)
"""An entry of ``alerts:``."""

DOCUMENT = Table(
    FILE,
    {
        "alerts": Key(Items(ALERT), "Rules, in order."),
        "owners": Key(Free(Text()), "Where owners are reached, by name."),
        "base_url": Key(Text(), "Where a browser finds `orc serve`: links begin with it."),
        "heartbeat_url": Key(Text(), "Asked for each minute by the scheduler that leads."),
        "version": Key(Anything()),
    },
)
"""The whole file."""


def read_alerts(content: bytes, path: str = FILE) -> tuple[Properties, ...]:
    r"""The entries of a file: section ``alerts``, and ``alerting`` for the rest.

    Raises:
        ConfigError: U095 and U096, everything that is wrong with it, each with its line.

    >>> [e.name for e in read_alerts(b"alerts:\n  - {name: oncall, on: run_failed, to: 'json://localhost'}\n")]
    ['oncall', '']
    """
    document = read_yaml(path, content)
    check = Check(document, own=True, code="U095", unknown="U096")
    if document.data is None:
        return ()
    data, lines = DOCUMENT.check(document.data, document.lines, check, None, path)
    found: list[Properties] = []
    for key, inner, tree in children(data, lines):
        if key == "alerts" and isinstance(inner, list):
            found += [
                Properties("alerts", str(entry.get("name", "")), path, entry, Lines(entry, at)) for _, entry, at in children(inner, tree)
            ]
    if check.problems:
        raise ConfigError(*check.problems)
    rest: dict[str, Any] = {k: v for k, v in data.items() if k != "alerts"}
    found.append(Properties("alerting", "", path, rest, Lines(data, lines)))
    return tuple(found)


def unreadable(path: str, error: OSError) -> ConfigError:
    """The file is there and cannot be read."""
    return ConfigError(Problem("U095", f"`{path}` cannot be read: {error.strerror}", Span(path)))
