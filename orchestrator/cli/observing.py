"""Commands about how things go: perf, status."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened
from orchestrator.core.errors import OrcError

OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")


@orc.command()
@o.selection
@click.option("--last", type=click.IntRange(2, 1000), default=30, show_default=True, help="How many good builds of each model count.")
@OUTPUT
@o.project
@o.console
def perf(**given: Any) -> int:
    r"""Tell how long models take, and which were slow.

    p50 and p95 are those of the good builds before the newest, in seconds. Slow is what took more than three times its p50.

    \b
    orc perf --last 100                   by a longer history
    orc perf -s +mart_earnings            a model and all above it
    """
    from orchestrator.app import selection
    from orchestrator.app.past.perf import perf as asked
    from orchestrator.cli import wire

    workspace = opened(given, "perf")
    found = asked(workspace, wire.history(workspace.invocation.root), selection(workspace, wire.request(given, "perf")).ids, given["last"])
    if given["output"] == "json":
        rows = [
            {
                "node": t.node,
                "name": t.name,
                "kind": t.kind,
                "builds": t.pace.count,
                "p50": t.pace.p50,
                "p95": t.pace.p95,
                "newest": t.pace.newest,
                "ratio": t.pace.ratio,
                "slow": t.pace.slow,
            }
            for t in found
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    if not found:
        click.echo("Nothing of it was ever built on this target", err=True)
        return 0
    from orchestrator.report.observed import paces

    click.echo(paces(((t.name, t.pace) for t in found), width=_width()))
    return 0


@orc.command()
@OUTPUT
@o.project
@o.console
def status(**given: Any) -> int:
    """Is everything fine? One screen, and exit code 0 or 1.

    The last run, models and tests that failed when they were last run, schedules that nobody keeps or whose last run failed, and
    what is worth knowing: paused schedules, missed ticks, slow models, alerts that nobody got. The warehouse is not asked.
    """
    from orchestrator.app.past.status import status as asked
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    root = wire.invocation(given, "status").root
    try:
        workspace: Any = opened(given, "status")
    except OrcError as error:
        workspace = error

    place = wire.state(root)
    kept = None if isinstance(place, Path) and not place.exists() else place
    found = asked(workspace, root, given["target"], wire.history(root), kept, wire.SystemClock().now())
    fine = all(f.level != "bad" for f in found)
    if given["output"] == "json":
        rows = [{"level": f.level, "what": f.what, "detail": f.detail, "hint": f.hint or None} for f in found]
        click.echo(json.dumps({"fine": fine, "findings": rows}, indent=2, ensure_ascii=False))
    else:
        from orchestrator.report.console import colourful
        from orchestrator.report.observed import health

        click.echo(health(found, width=_width(), colour=colourful(sys.stdout, wire.environment(given))))
    return 0 if fine else 1


def _width() -> int | None:
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@orc.command()
@click.argument("model")
@click.option("--output", "--format", "output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@o.project
@o.console
def asset(**given: Any) -> int:
    """Tell all that is known of a model; the warehouse is not asked.

    What it is made of, where its columns come from, how old its data is by the looks at its sources, its tests and last runs.
    """
    from orchestrator.app.past.asset import asset as known
    from orchestrator.cli import wire
    from orchestrator.record.glance import Glance
    from orchestrator.record.probes import Probes
    from orchestrator.report.asset import asset as told

    workspace = opened(given, "asset")
    place = wire.state(workspace.invocation.root)
    glance = Glance(place)
    try:
        found = known(workspace, glance, Probes(place), given["model"])
    finally:
        glance.close()
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if given["output"] == "json" else told(found))
    return 0
