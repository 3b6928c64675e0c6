"""The daemon: serve, and the hidden command that a launch's process runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.version import VERSION


def interruptible() -> Callable[..., Any]:
    """What wraps a run, so that a signal asks it to end."""
    found: Callable[..., Any] = click.get_current_context().obj.get("interruptible", nullcontext)
    return found


def sayer(given: dict[str, Any]) -> Callable[[str], None]:
    """Says what a scheduler does, each line with its time."""

    def say(line: str) -> None:
        if not given.get("quiet"):
            click.echo(f"{datetime.now().astimezone():%H:%M:%S}  {line}", err=True)

    return say


@orc.command()
@click.option(
    "--poll", type=click.FloatRange(0.05, 60), default=1.0, metavar="SECONDS", help="How often to look at the clock (default: 1)."
)
@click.option("--http/--no-http", "http", default=True, help="Serve the live pages, their API and metrics over HTTP (default).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen here; anything but loopback needs a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Listen on this port; 0 picks a free one.")
@o.project
@o.console
def serve(**given: Any) -> int:
    """Run schedules and show what happens, until Ctrl-C or SIGTERM.

    The address it prints is that of pages for a browser: the documentation, with runs, schedules and alerts as they are now. One
    `orc serve` leads; others stand by and take over within seconds when it is gone. Every run is a process of its own: it reads the
    project afresh and ends with the daemon. The first signal lets runs end (drain_timeout), the second ends at once.
    """
    from orchestrator.app.schedules import serving
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    root = wire.invocation(given, "serve").root
    asked: list[int] = []
    say = sayer(given)
    daemon = wire.daemon(root, given, say, lambda: bool(asked))
    say(f"orc {VERSION} serves {root.name}")
    answering = _answering(daemon, given) if given["http"] else ()
    for each in answering:
        each.start()
    try:
        with interruptible()(lambda: asked.append(1)):
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
    from orchestrator.cli import admitting, wire
    from orchestrator.cli.wire_alerts import outbox
    from orchestrator.record.glance import Glance
    from orchestrator.record.measures import Measures
    from orchestrator.serve.children import ask_to_end
    from orchestrator.serve.desk import Desk
    from orchestrator.serve.listening import Listening
    from orchestrator.serve.requests import Requests
    from orchestrator.serve.serve import is_loopback

    keys, host, pulse = admitting.keys(daemon.env, daemon.root), given["host"], daemon.pulse
    guarded = not is_loopback(host)
    if guarded and not (keys.tokens or keys.any_kept()):
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
        host=daemon.host,
        history=wire.history(daemon.root),
        glance=Glance(wire.state(daemon.root)),
        measures=Measures(wire.state(daemon.root)),
        site=site,
        outbox=outbox(daemon.root),
        audit=wire.audit(daemon.root),
        prospects=lambda: pulse.prospects(),  # noqa: PLW0108 - what it is changes with who leads
        ask_to_end=ask_to_end,
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
