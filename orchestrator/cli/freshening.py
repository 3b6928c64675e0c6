"""Commands about promises and signals: freshness plan, freshness explain, signal."""

from __future__ import annotations

import json
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened
from orchestrator.cli.sections import Command
from orchestrator.core.errors import Problem, UsageError, did_you_mean

OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")


class Promises(click.Group):
    """The commands below ``freshness``."""

    command_class = Command


@orc.group(cls=Promises)
def freshness() -> None:
    """How fresh models and exposures promise to be, and what for."""


@freshness.command("plan")
@OUTPUT
@o.project
@o.console
def plan(**given: Any) -> int:
    """Print what will be built, when and why.

    A row for each model or exposure with `freshness`. Sources are looked at now; nothing is built.
    """
    from orchestrator.app.fresh.keeping import as_data
    from orchestrator.core.duration import spoken
    from orchestrator.report.table import table

    ruling = _ruling(given)
    if given["output"] == "json":
        click.echo(json.dumps([as_data(each) for each in ruling.prospects.values()], indent=2))
        return 0
    rows = [
        (
            each.need.name,
            each.state,
            spoken(each.lag),
            each.age,
            _moment(each.begins),
            _moment(each.need.needed),
            " ".join(i.rpartition(".")[2] for i in each.need.stale),
            each.reason,
        )
        for each in ruling.prospects.values()
    ]
    click.echo(table(("node", "state", "lag", "promise", "begins", "needed", "builds", "reason"), rows))
    return 0


@freshness.command("explain")
@click.argument("node")
@OUTPUT
@o.project
@o.console
def explain(**given: Any) -> int:
    """Print why a node is built when it is.

    Every condition with what it was compared with, and whether it holds.
    """
    from orchestrator.app.fresh.keeping import as_data

    found = _ruling(given).prospects.values()
    prospect = next((each for each in found if given["node"] in (each.need.name, each.need.node)), None)
    if prospect is None:
        hint = did_you_mean(given["node"], [each.need.name for each in found], also="its config needs `freshness: {max_lag: 1h}`")
        raise UsageError(Problem("U113", f"`{given['node']}` promises nothing about its freshness", None, hint))
    if given["output"] == "json":
        click.echo(json.dumps(as_data(prospect), indent=2))
        return 0
    click.echo(f"{prospect.need.name}: {prospect.state}: {prospect.reason}")
    for line in _tree(prospect.conditions, "  "):
        click.echo(line)
    return 0


@freshness.command(hidden=True)
@o.project
def facts(**given: Any) -> int:
    """Print what is known of promised nodes, for `orc serve`."""
    from orchestrator.core.event import plain
    from orchestrator.core.promise import told

    click.echo(json.dumps(plain(told(_facts(given, keep=True)))))
    return 0


@orc.command("signal")
@click.argument("name")
@o.project
@o.console
def signal_(**given: Any) -> int:
    """Ask a signal: exit code 0 for yes, 99 for no.

    A signal is signals/NAME.sql, a query whose first value says it, or signals/NAME.py with a function `signal`.
    """
    from contextlib import redirect_stdout
    from sys import stderr

    from orchestrator.app.schedules.signalling import signal
    from orchestrator.serve.signalling import NO

    workspace = opened(given, "signal")
    with redirect_stdout(stderr):  # what its code prints is for people
        yes = signal(workspace, given["name"])
    click.echo("yes" if yes else "no")
    return 0 if yes else NO


def _facts(given: dict[str, Any], *, keep: bool = False) -> Any:
    from orchestrator.app.fresh.facts import facts as gathered
    from orchestrator.cli import wire
    from orchestrator.record.probes import Probes

    workspace = opened({"quiet": False, "debug": False, **given}, "freshness")
    invocation = workspace.invocation
    probes = Probes(wire.state(invocation.root))
    return gathered(workspace, wire.history(invocation.root), probes, invocation.started, keep=keep)


def _ruling(given: dict[str, Any]) -> Any:
    from orchestrator.app.fresh.keeping import ruled
    from orchestrator.app.schedules.scheduling import scheduling
    from orchestrator.cli import wire

    found = _facts(given)
    root = wire.invocation(given, "freshness").root
    timetable = wire.timetable(root)
    try:
        return ruled(found, scheduling(root), timetable.board(), timetable)
    finally:
        timetable.close()


def _moment(at: Any) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%SZ}"


def _tree(conditions: Any, indent: str) -> Any:
    for each in conditions:
        yield f"{indent}{'✓' if each.holds else '✗'} {each.what}{f': {each.value}' if each.value else ''}"
        yield from _tree(each.below, indent + "    ")
