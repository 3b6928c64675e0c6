"""Commands about time: schedule, serve, and the hidden one that a launch's process runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.sections import Group
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.version import VERSION

OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")


@orc.group(cls=Group, invoke_without_command=True)
@click.option("--once", is_flag=True, help="Run what is due now, with what follows it, and exit with the worst code: for cron.")
@click.option("--since", metavar="TIME", help="With --once and no state yet: schedules count as known for so long, e.g. 10m.")
@click.option("--simulate", metavar="FROM..TO", help="Print what would fire in a stretch of time, and why; nothing runs.")
@click.option("--down", multiple=True, metavar="A..B", help="With --simulate: nobody is there to fire.")
@click.option("--paused", multiple=True, metavar="A..B", help="With --simulate: all schedules are paused.")
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
    from orchestrator.app.scheduling import named, stretch
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
    ticks = simulate(
        known,
        span.start,
        span.end,
        down=[stretch(text, "--down") for text in given["down"]],
        paused=[stretch(text, "--paused") for text in given["paused"]],
        takes=takes,
    )
    zones = {name: each.zone for name, each in known.schedules.items()}
    _print(
        ("schedule", "at", "local", "status", "reason", "launch"), [_told(t, zones.get(t.schedule, "UTC")) for t in ticks], given["output"]
    )
    return 0


def _known(given: dict[str, Any]) -> Any:
    """What the project says: schedules.yml, and the times of models. A project that does not parse has only the first."""
    from orchestrator.app.opening import open_workspace
    from orchestrator.app.scheduling import scheduling
    from orchestrator.cli import wire
    from orchestrator.core.errors import OrcError
    from orchestrator.schedule.models import model_schedules

    invocation = wire.invocation(given, "schedule")
    known = scheduling(invocation.root)
    try:
        models = model_schedules(open_workspace(invocation).graph.nodes.values())
    except OrcError as error:
        click.echo(f"warning: the times that models say themselves are not known: {error.first}", err=True)
        return replace(known, whole=False)
    return replace(known, schedules={**models, **known.schedules})


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
    from orchestrator.app.serving import once
    from orchestrator.cli import wire
    from orchestrator.core.duration import duration
    from orchestrator.core.schedule import Decision, Watch

    root = wire.invocation(given, "schedule").root
    known = _known(given)
    asked: list[int] = []
    daemon = wire.daemon(root, given, _say(given), lambda: bool(asked))
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
    with _interruptible()(lambda: asked.append(1)):
        return once(daemon, known)


def _interruptible() -> Callable[..., Any]:
    found: Callable[..., Any] = click.get_current_context().obj.get("interruptible", nullcontext)
    return found


def _say(given: dict[str, Any]) -> Callable[[str], None]:
    def say(line: str) -> None:
        if not given.get("quiet"):
            click.echo(f"{datetime.now().astimezone():%H:%M:%S}  {line}", err=True)

    return say


def _opened(given: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Options of the command and of the group before it: what the project says, where its state is, what time it is."""
    from orchestrator.cli import wire

    above = click.get_current_context().obj.get("below", {})
    merged = {**above, **{k: v for k, v in given.items() if v not in (None, "", False)}}
    invocation = wire.invocation(merged, "schedule")
    return _known(merged), wire.timetable(invocation.root), invocation.started


@schedule.command("list")
@OUTPUT
@o.project
def list_(**given: Any) -> int:
    """List schedules: when, what, their next and last tick."""
    from orchestrator.app.scheduling import coming
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
    from orchestrator.app.scheduling import coming, named
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
    """Print the times that models say themselves, for `orc serve`."""
    import json

    from orchestrator.app.opening import open_workspace
    from orchestrator.cli import wire
    from orchestrator.schedule.models import model_schedules

    above = click.get_current_context().obj.get("below", {})
    merged = {**above, **{k: v for k, v in given.items() if v not in (None, "", False)}}
    found = model_schedules(open_workspace(wire.invocation(merged, "schedule")).graph.nodes.values())
    click.echo(json.dumps([{"cron": each.cron, "zone": each.zone, "models": list(each.select)} for each in found.values()]))
    return 0


@schedule.command()
@click.argument("name")
@o.project
def pause(**given: Any) -> int:
    """Let a schedule's ticks wait.

    Its `missed` says what becomes of them when it is resumed.
    """
    from orchestrator.app.scheduling import named
    from orchestrator.cli import wire

    known, timetable, now = _opened(given)
    timetable.pause(given["name"], named(known, given["name"]).timing, now, wire.actor())
    click.echo(f"{given['name']} is paused", err=True)
    return 0


@schedule.command()
@click.argument("name")
@o.project
def resume(**given: Any) -> int:
    """Let a paused schedule's ticks come again."""
    from orchestrator.app.scheduling import named

    known, timetable, _ = _opened(given)
    again = timetable.resume(named(known, given["name"]).name)
    click.echo(f"{given['name']} is {'resumed' if again else 'not paused'}", err=True)
    return 0


@schedule.command("run")
@click.argument("name")
@click.option("--wait/--no-wait", "wait", default=True, help="Run it here and now (default), or leave it to `orc serve`.")
@o.project
@o.console
def run_now(**given: Any) -> int:
    """Run a schedule now, whatever the time is."""
    from orchestrator.app.scheduling import named
    from orchestrator.app.serving import once
    from orchestrator.cli import wire
    from orchestrator.schedule.decide import asked

    known, timetable, now = _opened(given)
    entry = named(known, given["name"])
    launch = timetable.ask(asked(entry, f"{entry.name}@{now:%Y-%m-%dT%H:%M:%S.%fZ}", "manual", now, reason="asked for", actor=wire.actor()))
    if not given["wait"]:
        click.echo(f"{launch.id} waits for `orc serve`", err=True)
        return 0
    ended: list[int] = []
    merged = {**click.get_current_context().obj.get("below", {}), **{k: v for k, v in given.items() if v not in (None, "", False)}}
    daemon = wire.daemon(wire.invocation(merged, "schedule").root, merged, _say(given), lambda: bool(ended))
    with _interruptible()(lambda: ended.append(1)):
        return once(daemon, known, only=launch.id)


@orc.command()
@click.option(
    "--poll", type=click.FloatRange(0.05, 60), default=1.0, metavar="SECONDS", help="How often to look at the clock (default: 1)."
)
@click.option("--http/--no-http", "http", default=True, help="Answer /healthz, /readyz, /metrics and triggers over HTTP (default).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen here; anything but loopback needs a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Listen on this port; 0 picks a free one.")
@o.project
@o.console
def serve(**given: Any) -> int:
    """Run schedules until Ctrl-C or SIGTERM.

    One `orc serve` leads; others stand by and take over within seconds when it is gone. Every run is a process of its own: it
    reads the project afresh and ends with the daemon. The first signal lets runs end (drain_timeout), the second ends at once.
    """
    from orchestrator.app import serving
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    root = wire.invocation(given, "serve").root
    asked: list[int] = []
    say = _say(given)
    daemon = wire.daemon(root, given, say, lambda: bool(asked))
    say(f"orc {VERSION} serves {root.name}")
    answering = _answering(daemon, given) if given["http"] else ()
    for each in answering:
        each.start()
    try:
        with _interruptible()(lambda: asked.append(1)):
            serving.serve(daemon, wire.leading(root))
    finally:
        for each in answering:
            each.stop()
    return 0


def _answering(daemon: Any, given: dict[str, Any]) -> tuple[Any, ...]:
    """The server, bound, and who keeps its pages up to date.

    Raises:
        UsageError: U092, it would be open to others without a token, the tokens are none, or the port is taken.
    """
    from orchestrator.app.web.generating import Generating
    from orchestrator.app.web.routes import ROUTES
    from orchestrator.cli import wire
    from orchestrator.serve.desk import Desk
    from orchestrator.serve.listening import Listening
    from orchestrator.serve.requests import Requests
    from orchestrator.serve.serve import is_loopback

    keys, host, pulse = wire.keys(daemon.env), given["host"], daemon.pulse
    guarded = not is_loopback(host)
    if guarded and not keys.tokens:
        hint = "ORC_TOKENS=ci=… with 16 characters or more; or listen on loopback, behind a proxy of yours"
        raise UsageError(Problem("U092", f"`{host}` is not loopback: others can ask, and no token is set", None, hint))
    site = wire.site(daemon.root)
    desk = Desk(
        wire.timetable(daemon.root),
        lambda: pulse.spec,
        daemon.clock.now,
        leads=lambda: pulse.leads,
        beat=lambda: pulse.at,
        guarded=guarded,
        version=VERSION,
        root=daemon.root,
        history=wire.history(daemon.root),
        glance=wire.glance(daemon.root),
        site=site,
    )
    answer = Requests(desk, keys, ROUTES)
    try:
        listening = Listening(answer, host, given["port"])
    except OSError as error:
        hint = "--port 0 picks a free one, --no-http listens nowhere"
        raise UsageError(Problem("U092", f"cannot listen on {host}:{given['port']} ({error.strerror or error})", None, hint)) from None
    daemon.say(f"listening at {listening.url}")
    return listening, Generating(daemon.root, site, lambda: pulse.files, daemon.say, daemon.shared, daemon.env)


@orc.command(hidden=True)
@click.argument("launch")
@click.pass_context
def launched(context: click.Context, launch: str) -> int:  # noqa: ARG001 - for people who look at the list of processes
    """Do what a scheduler says on our standard input."""
    from orchestrator.cli.launching import launching
    from orchestrator.serve.children import received

    return launching(received(), context.obj.get("interruptible", nullcontext))
