"""The composition root: the process's own time, environment, folders and streams become values here, and nowhere else."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.app.invocation import Invocation
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.interval import Interval, instant
from orchestrator.core.node import Kind
from orchestrator.core.plan import Request
from orchestrator.core.ports import Sink


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()


def invocation(options: Mapping[str, Any], command: str, run: str | None = None) -> Invocation:
    """What this call was given. ``run`` is its id, where somebody else has chosen one."""
    from orchestrator.load.settings import find_root

    given = options.get("project_dir")
    if given is not None and not Path(given).is_dir():
        raise UsageError(Problem("U002", f"there is no folder `{given}`", None, "--project-dir names the folder that holds models/"))
    root = find_root(Path(given) if given else Path.cwd())
    profiles_dir = options.get("profiles_dir")
    clock = SystemClock()
    return Invocation(
        id=run or str(uuid.uuid4()),
        root=root,
        started=clock.now(),
        clock=clock,
        env={**os.environ, **({"ORC_ALLOW": options["allow"]} if options.get("allow") else {})},
        profiles_dir=Path(profiles_dir) if profiles_dir else None,
        profile=options.get("profile"),
        target=options.get("target"),
        threads=options.get("threads"),
        vars=variables(options.get("variables") or ""),
        target_path=options.get("target_path"),
        strict=bool(options.get("strict")),
        lock_timeout=options.get("lock_timeout"),
        flags={"FULL_REFRESH": bool(options.get("full_refresh")), "WHICH": command, "EMPTY": bool(options.get("empty"))},
        cache=not options.get("no_cache"),
    )


def variables(text: str, option: str = "--vars") -> dict[str, Any]:
    """A YAML mapping given on the command line."""
    if not text.strip():
        return {}
    from orchestrator.core.errors import ConfigError
    from orchestrator.load.yaml import read_yaml

    try:
        data = read_yaml(option, text.encode()).data
    except ConfigError as error:
        raise UsageError(*error.problems) from error
    if not isinstance(data, dict):
        raise UsageError(Problem("U003", f"{option} is a mapping", None, f"{option} '{{day: 2013-01-01}}'"))
    return data


def request(options: Mapping[str, Any], command: str) -> Request:
    """What is asked, from the options of any command."""
    return Request(
        command=command,
        select=tuple(options.get("select") or ()),
        exclude=tuple(options.get("exclude") or ()),
        selector=options.get("selector"),
        resource_types=kinds(options.get("resource_types") or ()),
        exclude_resource_types=kinds(options.get("exclude_resource_types") or ()),
        indirect=options.get("indirect") or "eager",
        full_refresh=bool(options.get("full_refresh")),
        fail_fast=bool(options.get("fail_fast")),
        empty=bool(options.get("empty")),
        gates=options.get("gates", True),
        store_failures=options.get("store_failures"),
        warn_error=bool(options.get("warn_error")),
        threads=options.get("threads"),
        max_bytes=options.get("max_bytes"),
        on_conflict=options.get("on_conflict") or "wait",
        event_times=event_times(options.get("event_time_start"), options.get("event_time_end")),
        environment=options.get("environment") or "",
        state=options.get("state"),
        defer_state=options.get("defer_state"),
        defer=options.get("defer"),
        favor_state=bool(options.get("favor_state")),
        sample=options.get("sample"),
        stale=bool(options.get("stale")),
        invocation={k: _plain(v) for k, v in options.items() if not k.startswith("_") and v is not None},
    )


def event_times(start: str | None, end: str | None) -> Interval | None:
    """The range of ``--event-time-start`` and ``--event-time-end``, in UTC.

    Raises:
        UsageError: U031, only one is given, one is no time, or the range is empty.
    """
    if not start and not end:
        return None
    hint = "--event-time-start 2025-01-01 --event-time-end 2025-01-08"
    if not start or not end:
        missing = "--event-time-end" if start else "--event-time-start"
        raise UsageError(Problem("U031", f"`{missing}` is missing: give both bounds or none", None, hint))
    bounds = []
    for option, text in (("--event-time-start", start), ("--event-time-end", end)):
        try:
            bounds.append(instant(text))
        except ValueError:
            raise UsageError(Problem("U031", f"`{option} {text}` is no date or time", None, hint)) from None
    if bounds[0] >= bounds[1]:
        raise UsageError(Problem("U031", f"nothing is between {start} and {end}: the end comes after the start", None, hint))
    return Interval(*bounds)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


KIND_WORDS: Mapping[str, tuple[Kind, ...]] = {
    "model": ("model",),
    "seed": ("seed",),
    "snapshot": ("snapshot",),
    "source": ("source",),
    "test": ("test", "unit_test"),
    "data_test": ("test",),
    "unit_test": ("unit_test",),
    "analysis": ("analysis",),
    "exposure": ("exposure",),
    "default": (),
    "all": ("model", "seed", "snapshot", "source", "test", "unit_test", "analysis", "exposure"),
}


def kinds(words: Sequence[str]) -> tuple[Kind, ...]:
    """``--resource-type`` values, several in one word allowed."""
    from orchestrator.core.errors import did_you_mean

    found: list[Kind] = []
    for word in (w for text in words for w in text.replace(",", " ").split()):
        if word not in KIND_WORDS:
            raise UsageError(
                Problem(
                    "U004", f"`{word}` is not a resource type", None, did_you_mean(word, KIND_WORDS) or f"one of {', '.join(KIND_WORDS)}"
                )
            )
        found += KIND_WORDS[word]
    return tuple(dict.fromkeys(found))


def state(root: Path) -> Any:
    """Where a project's state is: a file beside it, or a server that it names."""
    from orchestrator.load.remembering import remembering

    said = remembering(root, os.environ)
    if said.url is None:
        return root / ".orchestrator" / "state.db"
    from orchestrator.adapters import registry

    return registry.state(said.url)


def kept(root: Path) -> bool:
    """Whether a project has a state already."""
    place = state(root)
    return not isinstance(place, Path) or place.exists()


def history(root: Path, heed: Any = None) -> Any:
    """The run history of a project. ``heed`` says what alerts an event causes."""
    import socket

    from orchestrator.load.remembering import remembering
    from orchestrator.record.sqlite import Sqlite

    def address() -> str:
        from orchestrator.load.person import email

        return email(root, os.environ)

    keep = remembering(root, os.environ).keep
    return Sqlite(state(root), pid=os.getpid(), host=socket.gethostname(), keep=keep, heed=heed, email=address)


def site(root: Path) -> Any:
    """The pages of a project, with what is generated for them."""
    from orchestrator.app.web.generating import PLACE
    from orchestrator.publish.site.page import BUILT, policy
    from orchestrator.serve.site import Site

    return Site(Path(BUILT), root / PLACE, policy())


def evidence(root: Path) -> Any:
    """What a project's state knows of the freshness of its data."""
    from orchestrator.record.evidence import Evidence

    return Evidence(state(root))


def timetable(root: Path, heed: Any = None) -> Any:
    """What is known of a project's schedules. ``heed`` says what alerts are due to what is written."""
    import socket

    from orchestrator.record.timetable import Timetable

    return Timetable(state(root), pid=os.getpid(), host=socket.gethostname(), heed=heed)


def leading(root: Path) -> Any:
    """The lock that one scheduler of a project has."""
    from orchestrator.serve.leading import Leading

    place = state(root)
    return Leading(root / ".orchestrator" / "serve.lock") if isinstance(place, Path) else place.leading()


def daemon(root: Path, options: Mapping[str, Any], say: Any, ending: Any) -> Any:
    """What a scheduler needs of this process."""
    import socket

    from orchestrator.app.schedules.serving import Daemon, Pulse
    from orchestrator.cli.wire_alerts import watching

    shared = ["--project-dir", str(root)]
    for option, name in (
        ("--profiles-dir", "profiles_dir"),
        ("--profile", "profile"),
        ("--target", "target"),
        ("--target-path", "target_path"),
    ):
        shared += [option, str(options[name])] if options.get(name) else []
    poll = float(options.get("poll") or 1.0)
    pulse = Pulse()
    times, vigil = watching(root, say, lambda name: pulse.spec.named(name))  # noqa: PLW0108 - the spec changes
    host = socket.gethostname()
    return Daemon(root, times, SystemClock(), dict(os.environ), host, say, ending, tuple(shared), poll, pulse, vigil=vigil)


def audit(root: Path) -> Any:
    """Who did what in a project."""
    from orchestrator.record.audit import Audit

    return Audit(state(root))


def person(root: Path) -> Any:
    """Who gives commands here, for the audit."""
    import socket

    from orchestrator.app.past.grounds import actor, trigger
    from orchestrator.core.audit import actor as told
    from orchestrator.load.person import email

    return told(trigger(os.environ), actor(os.environ), socket.gethostname(), email(root, os.environ))


def note(root: Path, action: str, object_: str, after: Mapping[str, Any] | None = None) -> None:
    """Write down in the audit what somebody does here, now."""
    from orchestrator.core.audit import Deed

    audit(root).add(Deed(person(root), action, object_, after=after), SystemClock().now())


def actor() -> str:
    """Who gives commands here: the user's name and the machine's."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()}"


def sinks(workspace: Any, options: Mapping[str, Any]) -> Sequence[Sink]:
    """Who hears the events of a run: the history first, then the console."""
    from orchestrator.app.emitting import emitting
    from orchestrator.app.opening import text_of
    from orchestrator.publish.layout import compiled_path
    from orchestrator.report.console import console
    from orchestrator.report.lines import Style

    graph, project = workspace.graph, workspace.project

    def declared(id_: str) -> str | None:
        return graph.nodes[id_].path if id_ in graph.nodes else None

    def compiled(id_: str) -> str | None:
        has_one = id_ in graph.nodes and graph.nodes[id_].kind != "source"
        return f"{project.settings.target_path}/{compiled_path(graph.nodes[id_])}" if has_one else None

    style = Style(
        colour=bool(options.get("colour")) if options.get("colour") is not None else True,
        quiet=bool(options.get("quiet")),
        debug=bool(options.get("debug")),
        path=declared,
        compiled=compiled,
        text=lambda path: text_of(project, path) or None,
    )
    env = environment(options)
    teller = console(sys.stderr, env, style, json=options.get("log_format") == "json", pid=os.getpid(), now=lambda: datetime.now(UTC))
    from orchestrator.app.alerts.alerting import heeding

    def say(line: str) -> None:
        print(line, file=sys.stderr)  # noqa: T201 - what listeners have to say of themselves is no event of the run

    root = workspace.invocation.root
    return (history(root, heeding(workspace, history(root), say)), teller, *emitting(workspace, say))


def environment(options: Mapping[str, Any]) -> dict[str, str]:
    """The environment as the console should see it: ``--no-color`` is NO_COLOR, ``--color`` is FORCE_COLOR."""
    env = dict(os.environ)
    if options.get("colour") is False:
        env["NO_COLOR"] = "1"
    elif options.get("colour"):
        env.pop("NO_COLOR", None)
        env["FORCE_COLOR"] = "1"
    return env
