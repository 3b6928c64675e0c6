"""Commands about time: schedule, serve, and the hidden one that a launch's process runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.sections import Group
from orchestrator.cli.serving import interruptible, sayer
from orchestrator.core.errors import Problem, UsageError

OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")


@orc.group(cls=Group, invoke_without_command=True)
@click.option("--once", is_flag=True, help="Run what is due now, with what follows it, and exit with the worst code: for cron.")
@click.option("--since", metavar="TIME", help="With --once and no state yet: schedules count as known for so long, e.g. 10m.")
@click.option("--simulate", metavar="FROM..TO", help="Print what would fire in a stretch of time, and why; nothing runs.")
@click.option("--down", multiple=True, metavar="A..B", help="With --simulate: nobody is there to fire.")
@click.option("--paused", multiple=True, metavar="A..B", help="With --simulate: all schedules are paused.")
@click.option(
    "--changes", multiple=True, metavar="SOURCE=TIME", help="With --simulate: a source has new rows so often, e.g. raw.trips=10m."
)
@click.option("--takes", multiple=True, metavar="NAME=TIME", help="With --simulate: how long runs take, e.g. nightly=45m.")
@OUTPUT
@o.project
@o.console
def schedule(**given: Any) -> int | None:
    """Run what is due by schedules.yml, or ask about it.

    `--once` evaluates what is due, runs it and ends; `--simulate` shows what would fire; the commands below list, pause, resume and
    run schedules.
    """
    context = click.get_current_context()
    context.ensure_object(dict).update({k: v for k, v in given.items() if v is not None})
    context.obj["below"] = given
    if context.invoked_subcommand is not None:
        return None
    if given["simulate"]:
        return _simulate(given)
    if given["once"]:
        return _once(given)
    raise UsageError(
        Problem("U089", "`orc schedule` needs to know what to do", None, "--once, --simulate FROM..TO, or list, next, run, pause, resume")
    )


def _simulate(given: dict[str, Any]) -> int:
    from orchestrator.app.schedules.scheduling import named, stretch
    from orchestrator.core.duration import duration
    from orchestrator.schedule.simulate import simulate

    known = _known(given)
    span = stretch(given["simulate"], "--simulate")
    takes: dict[str, float] = {}
    for text in given["takes"]:
        name, _, length = text.partition("=")
        try:
            takes[named(known, name).name] = duration(length)
        except ValueError as error:
            raise UsageError(Problem("U090", f"`--takes {text}`: {error}", None, "--takes nightly=45m")) from None
    world = _world(known, given, span.start)
    ticks = simulate(
        known,
        span.start,
        span.end,
        down=[stretch(text, "--down") for text in given["down"]],
        paused=[stretch(text, "--paused") for text in given["paused"]],
        takes=takes,
        world=world,
    )
    zones = {name: each.zone for name, each in known.schedules.items()}
    _print(
        ("schedule", "at", "local", "status", "reason", "launch"), [_told(t, zones.get(t.schedule, "UTC")) for t in ticks], given["output"]
    )
    return 0


def _world(known: Any, given: dict[str, Any], start: datetime) -> Any:
    """The project for a simulation of its promises: fresh at the start, with sources that change as often as was said."""
    from orchestrator.app.fresh.facts import facts, rested
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened
    from orchestrator.core.duration import duration
    from orchestrator.core.errors import did_you_mean
    from orchestrator.record.probes import Probes
    from orchestrator.schedule.world import World

    if not known.promised:
        return None
    workspace = opened(given, "schedule")
    root = workspace.invocation.root
    found = facts(workspace, wire.history(root), Probes(wire.state(root)), workspace.invocation.started, keep=False)
    names = {fact.name: id_ for id_, fact in found.nodes.items() if fact.is_source}
    arrivals: dict[str, float] = {}
    for text in given["changes"]:
        name, _, length = text.partition("=")
        try:
            arrivals[names[name]] = duration(length)
        except KeyError:
            hint = did_you_mean(name, names, also="no promise depends on a source of that name")
            raise UsageError(Problem("U090", f"`--changes {text}`: there is no source `{name}`", None, hint)) from None
        except ValueError as error:
            raise UsageError(Problem("U090", f"`--changes {text}`: {error}", None, "--changes raw.trips=10m")) from None
    return World(rested(found, start), arrivals)


def _known(given: dict[str, Any]) -> Any:
    """What the project says: schedules.yml, and what models say. A project that does not parse has only the first."""
    from orchestrator.app.fresh.facts import promises
    from orchestrator.app.opening import open_workspace
    from orchestrator.app.schedules.scheduling import scheduling
    from orchestrator.cli import wire
    from orchestrator.core.errors import OrcError
    from orchestrator.schedule.models import model_schedules

    invocation = wire.invocation(given, "schedule")
    known = scheduling(invocation.root)
    try:
        graph = open_workspace(invocation).graph
        models, promised = model_schedules(graph.nodes.values()), bool(promises(graph))
    except OrcError as error:
        click.echo(f"warning: the times that models say themselves are not known: {error.first}", err=True)
        return replace(known, whole=False)
    return replace(known, schedules={**models, **known.schedules}, promised=promised)


def _told(tick: Any, zone: str) -> tuple[Any, ...]:
    from orchestrator.schedule.cron import local

    return (tick.schedule, tick.at, local(tick.at, zone).isoformat(timespec="minutes"), tick.status, tick.reason, tick.launch)


def _print(columns: Sequence[str], rows: Iterable[Sequence[Any]], output: str) -> None:
    from orchestrator.report.table import as_json, table

    if output == "json":
        click.echo(as_json(columns, rows))
        return
    kept = [
        tuple(value.strftime("%Y-%m-%d %H:%M:%SZ") if isinstance(value, datetime) else "" if value is None else value for value in row)
        for row in rows
    ]
    click.echo(table(columns, kept))


def _once(given: dict[str, Any]) -> int:
    from orchestrator.app.schedules.serving import once
    from orchestrator.cli import wire
    from orchestrator.core.duration import duration
    from orchestrator.core.schedule import Decision, Watch

    root = wire.invocation(given, "schedule").root
    known = _known(given)
    asked: list[int] = []
    daemon = wire.daemon(root, given, sayer(given), lambda: bool(asked))
    if given["since"]:
        from datetime import timedelta

        try:
            now = daemon.clock.now()
            since = now - timedelta(seconds=duration(given["since"]))
        except ValueError as error:
            raise UsageError(Problem("U090", f"`--since {given['since']}`: {error}", None, "--since 10m")) from None
        there = daemon.timetable.board().watches
        new = tuple(Watch(n, s.timing, since, since) for n, s in known.schedules.items() if n not in there)
        daemon.timetable.commit(Decision(watches=new), now)
    with interruptible()(lambda: asked.append(1)):
        return once(daemon, known)


def _opened(given: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Options of the command and of the group before it: what the project says, where its state is, what time it is."""
    from orchestrator.cli import wire

    above = click.get_current_context().obj.get("below", {})
    merged = {**above, **{k: v for k, v in given.items() if v not in (None, "", False)}}
    invocation = wire.invocation(merged, "schedule")
    return _known(merged), wire.timetable(invocation.root), invocation.started


def _root(given: dict[str, Any]) -> Any:
    """The project's folder, by the options of the command and of the group before it."""
    from orchestrator.cli import wire

    above = click.get_current_context().obj.get("below", {})
    return wire.invocation({**above, **{k: v for k, v in given.items() if v not in (None, "", False)}}, "schedule").root


@schedule.command("list")
@OUTPUT
@o.project
def list_(**given: Any) -> int:
    """List schedules: when, what, their next and last tick."""
    from orchestrator.app.schedules.scheduling import coming
    from orchestrator.core.duration import spoken

    known, timetable, now = _opened(given)
    board = timetable.board()
    paused = {n: w.paused is not None for n, w in board.watches.items()}
    following = dict(reversed(coming(known, now, 1, paused)))
    rows = []
    for name, each in known.schedules.items():
        last = next(iter(timetable.ticks(name, 1)), None)
        when = each.cron or (f"every {spoken(each.every)}" if each.every else f"after {', '.join(each.after)}")
        state = "disabled" if not each.enabled else "paused" if paused.get(name) else "running" if board.of(name) else "enabled"
        what = " ".join([each.command, *each.select])
        rows.append(
            (
                name,
                when,
                each.zone,
                what,
                state,
                following.get(name),
                last.at if last else None,
                last.status if last else None,
                each.missed,
                each.overlap,
            )
        )
    _print(("schedule", "when", "zone", "what", "state", "next", "last", "last_status", "missed", "overlap"), rows, given["output"])
    return 0


@schedule.command("next")
@click.argument("name", required=False)
@click.option("-n", "--count", default=3, show_default=True, help="How many ticks of each schedule.")
@OUTPUT
@o.project
def next_(**given: Any) -> int:
    """Print the next ticks."""
    from orchestrator.app.schedules.scheduling import coming, named
    from orchestrator.schedule.cron import local

    known, timetable, now = _opened(given)
    if given["name"]:
        known = replace(known, schedules={given["name"]: named(known, given["name"])})
    paused = {n: w.paused is not None for n, w in timetable.board().watches.items()}
    rows = [
        (n, at, local(at, known.schedules[n].zone).isoformat(timespec="minutes")) for n, at in coming(known, now, given["count"], paused)
    ]
    _print(("schedule", "at", "local"), rows, given["output"])
    return 0


@schedule.command()
@click.argument("name", required=False)
@click.option("--limit", default=20, show_default=True, help="How many ticks.")
@OUTPUT
@o.project
def ticks(**given: Any) -> int:
    """Print what became of the last ticks, and why."""
    known, timetable, _ = _opened(given)
    zones = {name: each.zone for name, each in known.schedules.items()}
    rows = [_told(tick, zones.get(tick.schedule, "UTC")) for tick in timetable.ticks(given["name"], given["limit"])]
    _print(("schedule", "at", "local", "status", "reason", "launch"), rows, given["output"])
    return 0


@schedule.command(hidden=True)
@o.project
def models(**given: Any) -> int:
    """Print times and promises that models state, for `orc serve`."""
    import json

    from orchestrator.app.fresh.facts import promises
    from orchestrator.app.opening import open_workspace
    from orchestrator.cli import wire
    from orchestrator.schedule.models import model_schedules

    above = click.get_current_context().obj.get("below", {})
    merged = {**above, **{k: v for k, v in given.items() if v not in (None, "", False)}}
    graph = open_workspace(wire.invocation(merged, "schedule")).graph
    times = [{"cron": s.cron, "zone": s.zone, "models": list(s.select)} for s in model_schedules(graph.nodes.values()).values()]
    click.echo(json.dumps({"times": times, "promised": bool(promises(graph))}))
    return 0


@schedule.command()
@click.argument("name")
@o.project
def pause(**given: Any) -> int:
    """Let a schedule's ticks wait.

    Its `missed` says what becomes of them when it is resumed.
    """
    from orchestrator.app.schedules.scheduling import named
    from orchestrator.cli import wire
    from orchestrator.core.audit import Deed

    known, timetable, now = _opened(given)
    timing, by = named(known, given["name"]).timing, wire.person(_root(given))
    with timetable.together():
        timetable.pause(given["name"], timing, now, wire.actor())
        timetable.note(Deed(by, "schedule.paused", given["name"], after={"paused": True}), now)
    click.echo(f"{given['name']} is paused", err=True)
    return 0


@schedule.command()
@click.argument("name")
@o.project
def resume(**given: Any) -> int:
    """Let a paused schedule's ticks come again."""
    from orchestrator.app.schedules.scheduling import named
    from orchestrator.cli import wire
    from orchestrator.core.audit import Deed

    known, timetable, now = _opened(given)
    name, by = named(known, given["name"]).name, wire.person(_root(given))
    with timetable.together():
        again = timetable.resume(name)
        if again:
            timetable.note(Deed(by, "schedule.resumed", name, {"paused": True}, {"paused": False}), now)
    click.echo(f"{given['name']} is {'resumed' if again else 'not paused'}", err=True)
    return 0


@schedule.command("run")
@click.argument("name")
@click.option("--wait/--no-wait", "wait", default=True, help="Run it here and now (default), or leave it to `orc serve`.")
@click.option("--dry-run", is_flag=True, help="Only print what it would run, and the plan of that.")
@o.project
@o.console
def run_now(**given: Any) -> int:
    """Run a schedule now, whatever the time is."""
    from orchestrator.app.schedules.scheduling import named
    from orchestrator.app.schedules.serving import once
    from orchestrator.cli import wire
    from orchestrator.core.audit import Deed
    from orchestrator.schedule.decide import asked

    known, timetable, now = _opened(given)
    entry = named(known, given["name"])
    if given["dry_run"]:
        return _planned(entry, asked(entry, entry.name, "manual", now), given)
    wanted = asked(entry, f"{entry.name}@{now:%Y-%m-%dT%H:%M:%S.%fZ}", "manual", now, reason="asked for", actor=wire.actor())
    by = wire.person(_root(given))
    with timetable.together():
        launch = timetable.ask(wanted)
        timetable.note(Deed(by, "schedule.run", entry.name, after={"launch": launch.id}), now)
    if not given["wait"]:
        click.echo(f"{launch.id} waits for `orc serve`", err=True)
        return 0
    ended: list[int] = []
    merged = {**click.get_current_context().obj.get("below", {}), **{k: v for k, v in given.items() if v not in (None, "", False)}}
    daemon = wire.daemon(wire.invocation(merged, "schedule").root, merged, sayer(given), lambda: bool(ended))
    with interruptible()(lambda: ended.append(1)):
        return once(daemon, known, only=launch.id)


def _planned(entry: Any, launch: Any, given: dict[str, Any]) -> int:
    """What a run of a schedule would do; nothing is asked for, nothing runs."""
    from orchestrator.app.schedules.scheduling import order
    from orchestrator.cli.main import call
    from orchestrator.schedule.spec import TIDYING

    merged = {**click.get_current_context().obj.get("below", {}), **{k: v for k, v in given.items() if v not in (None, "", False)}}
    shared = [w for option in ("project_dir", "profiles_dir", "profile", "target") if merged.get(option) for w in _word(option, merged)]
    words = order(entry, launch, "", shared)["words"]
    click.echo(f"orc {' '.join(words)}", err=True)
    if entry.when:
        click.echo(f"if `when` says yes: {entry.when}", err=True)
    if entry.command in TIDYING:
        return call([*words, "--dry-run"])
    if entry.command == "test":
        return call(["ls", "--resource-type", "test unit_test", *words[1:]])
    return call(["plan", *words[1:]])


def _word(option: str, given: dict[str, Any]) -> tuple[str, str]:
    return f"--{option.replace('_', '-')}", str(given[option])
