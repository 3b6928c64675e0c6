"""``schedules.yml``: when to run what, checked for shape; what the entries mean is the business of :mod:`orchestrator.schedule`."""

from __future__ import annotations

from typing import Any

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span
from orchestrator.core.project import Properties
from orchestrator.load.lines import Lines, children
from orchestrator.load.shape import Anything, Check, Flag, Free, Key, Number, Table, Text, Texts
from orchestrator.load.yaml import read_yaml

FILE = "schedules.yml"

_RUN: dict[str, Key] = {
    "description": Key(Text(), "For people."),
    "command": Key(Text(("build", "run", "test", "seed", "snapshot", "clean", "prune")), "Which command to run (default: build)."),
    "select": Key(Texts(), "Which nodes, as for `--select`."),
    "exclude": Key(Texts(), "Which nodes to leave out."),
    "selector": Key(Text(), "A selection named in selectors.yml."),
    "target": Key(Text(), "The profile's output to build in."),
    "threads": Key(Number(1), "How many nodes at once."),
    "full_refresh": Key(Flag(), "Rebuild incremental models from nothing."),
    "older_than": Key(Text(), "With `command: clean`: also environments where nothing was built for so long: 7d."),
    "keep": Key(Text(), "With `command: prune`: for how long runs are remembered (default: `keep` of the project)."),
    "stale": Key(Flag(), "Build only what is not fresh (as `--stale`)."),
    "vars": Key(Free(), "Variables of the run."),
    "timeout": Key(Text(), "How long a run may take before it is ended: 30m, 2h."),
    "priority": Key(Anything(), "Among waiting runs the highest number starts first (default: 0)."),
    "pool": Key(Text(), "A named limit, set under `pools`."),
    "when": Key(Text(), "SQL that returns one value: the run starts only if it is true."),
    "tags": Key(Texts(), "Words of your own."),
    "owner": Key(Text(), "Whom to ask."),
    "signals": Key(Texts(), "Files below signals/ that have to say yes before a run begins."),
    "signal_timeout": Key(Text(), "How long to wait for them (default: as long as it takes)."),
    "overlap": Key(Text(("queue", "skip", "cancel_running", "allow")), "What to do when an earlier run is not over."),
}

SCHEDULE = Table(
    "a schedule",
    {
        "cron": Key(Text(), "Five cron fields, or @hourly, @daily, @weekly, @monthly."),
        "every": Key(Text(), "An interval that divides a day, or whole days: 10m, 6h, 1d."),
        "after": Key(Texts(), "Schedules whose runs this one follows."),
        "on": Key(Text(("success", "failure", "any")), "Which ends of those runs count (default: success)."),
        "timezone": Key(Text(), "An IANA time zone (default: UTC)."),
        "missed": Key(Text(("latest", "skip", "all")), "What becomes of ticks nobody was there for (default: latest)."),
        "catch_up_window": Key(Text(), "Ticks older than this are never made up for."),
        "deadline": Key(Text(), "When the run has to be over: a time of day (08:00) or a length of time (2h)."),
        "enabled": Key(Flag(), "False: known, but never due."),
        **_RUN,
    },
)
"""An entry of ``schedules:``."""

TRIGGER = Table("a trigger", {"debounce": Key(Text(), "Requests this close together share one run."), **_RUN})
"""An entry of ``triggers:``."""

FRESHNESS = Table(
    "`freshness`",
    {
        "enabled": Key(Flag(), "False: promises are watched, and nothing is built for them."),
        "max_auto_runs_per_hour": Key(Number(1), "A fuse: how many builds an hour may see that nobody asked for (default: 20)."),
        "probe_every": Key(Text(), "How often sources are looked at (default: a quarter of the shortest `max_lag`)."),
        "target": _RUN["target"],
        "threads": _RUN["threads"],
        "timeout": _RUN["timeout"],
        "priority": _RUN["priority"],
        "pool": _RUN["pool"],
        "vars": _RUN["vars"],
    },
)
"""How builds run that models and exposures ask for with ``freshness`` in their config."""

DOCUMENT = Table(
    FILE,
    {
        "schedules": Key(Free(), "Schedules by name."),
        "triggers": Key(Free(), "What requests from outside may start, by name."),
        "pools": Key(Free(Number(1)), "How many runs of a pool may go on at once, by the pool's name."),
        "freshness": Key(FRESHNESS, "How builds run that keep promises about freshness."),
        "max_runs": Key(Number(1), "How many runs at once (default: 4)."),
        "drain_timeout": Key(Text(), "How long a stopping `orc serve` waits for its runs (default: 5m)."),
    },
)
"""The whole file."""


def read_schedules(content: bytes, path: str = FILE) -> tuple[Properties, ...]:
    r"""The entries of a file: sections ``schedules``, ``triggers``, and ``scheduler`` and ``freshness`` for what holds for all.

    Raises:
        ConfigError: U085 and U086, everything that is wrong with it, each with its line.

    >>> [e.name for e in read_schedules(b"schedules:\n  nightly: {cron: '0 2 * * *'}\n")]
    ['nightly', '']
    """
    document = read_yaml(path, content)
    check = Check(document, own=True, code="U085", unknown="U086")
    if document.data is None:
        return ()
    data, lines = DOCUMENT.check(document.data, document.lines, check, None, path)
    found: list[Properties] = []
    for section, table in (("schedules", SCHEDULE), ("triggers", TRIGGER)):
        rows = [
            (name, value, below)
            for key, inner, tree in children(data, lines)
            if key == section
            for name, value, below in children(inner, tree)
        ]
        for name, value, below in rows:
            if not isinstance(name, str) or not name.replace("_", "").replace("-", "").isalnum():
                check.wrong(f"`{name}` cannot name one of the {section}", below, "letters, digits, `_` and `-`")
                continue
            entry, tree = table.check({} if value is None else value, below, check, None, name)
            found.append(Properties(section, name, path, entry, Lines(entry, tree)))
    if check.problems:
        raise ConfigError(*check.problems)
    for key, inner, tree in children(data, lines):
        if key == "freshness":
            found.append(Properties(key, key, path, {} if inner is None else inner, Lines(inner, tree)))
    rest: dict[str, Any] = {k: v for k, v in data.items() if k not in ("schedules", "triggers", "freshness")}
    found.append(Properties("scheduler", "", path, rest, Lines(data, lines)))
    return tuple(found)


def unreadable(path: str, error: OSError) -> ConfigError:
    """The file is there and cannot be read."""
    return ConfigError(Problem("U085", f"`{path}` cannot be read: {error.strerror}", Span(path)))
