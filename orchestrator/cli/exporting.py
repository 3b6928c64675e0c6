"""Commands for other schedulers: export, and the hidden one that their tasks call."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import complain, orc
from orchestrator.core.errors import OrcError

ENGINES = ("airflow", "dagster", "prefect", "luigi", "flyte", "mage", "cron", "github")
GRANULARITIES = ("model", "group", "layer", "project")
RETRIES = ("engine", "orc")


@orc.command()
@click.argument("engine", type=click.Choice(ENGINES))
@click.option("--schedule", "schedules", multiple=True, metavar="NAME", help="Only this schedule (default: all that are enabled).")
@click.option("--granularity", type=click.Choice(GRANULARITIES), default="model", show_default=True, help="What is one task.")
@click.option("--retries", type=click.Choice(RETRIES), default="engine", show_default=True, help="Who tries again what failed.")
@click.option("--single-machine", is_flag=True, help="All workers are on this machine: its files may hold data and history.")
@click.option("--out", type=o.FOLDER, metavar="FOLDER", help="Where to write (default: exports/ENGINE in the project).")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when the files are not what would be written.")
@o.selection
@o.running
@o.project
@o.console
def export(**given: Any) -> int:
    r"""Write the project as code for another scheduler.

    Its tasks call `orc` for one model (group, layer) each, with its gates; all of them write one history. Schedules of schedules.yml
    become the engine's.

    \b
    orc export airflow --granularity layer --schedule nightly
    orc export luigi -s tag:finance --out ~/luigi
    """
    from orchestrator.app.handoff.exporting import Wanted, depth, exporting, stale
    from orchestrator.app.schedules.scheduling import scheduling
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened
    from orchestrator.publish.write import write
    from orchestrator.schedule.models import model_schedules

    workspace = opened(given, "build")
    root = workspace.invocation.root
    out = Path(given["out"]) if given["out"] else root / "exports" / given["engine"]
    written = scheduling(root)
    known = replace(written, schedules={**model_schedules(workspace.graph.nodes.values()), **written.schedules})
    wanted = Wanted(
        given["engine"],
        given["granularity"],
        given["retries"],
        given["single_machine"],
        not isinstance(wire.state(root), Path),
        depth(out, root),
    )
    files = exporting(workspace, wire.request(given, "build"), known, given["schedules"], wanted)
    if given["check"]:
        found = stale(files, out)
        for name in found:
            click.echo(f"{out / name} is not what `orc export` would write", err=True)
        return 1 if found else 0
    changed = write(files, out)
    if not given["quiet"]:
        for name in files:
            click.echo(f"{out / name}{'' if name in changed else ' (as it was)'}", err=True)
    return 0


@orc.command(hidden=True)
@click.argument("portion")
@click.option("--engine-run", required=True, metavar="ENGINE:KEY", help="The run of the other scheduler that this is part of.")
@click.option("--needs", metavar="DIGEST", help="What the generated code knows of the tasks before this one.")
@click.option("--granularity", type=click.Choice(GRANULARITIES), default="model", help="How the project was divided.")
@click.option("--retries", type=click.Choice(RETRIES), default="orc", help="Who tries again what failed.")
@click.option("--command", type=click.Choice(["build", "run", "test", "seed", "snapshot"]), default="build", help="What to do.")
@click.option("--unless-done", is_flag=True, help="Do nothing when this task has passed in that run.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: what it did, on stdout.")
@o.selection
@o.building
@o.running
@o.store_failures
@o.environment
@o.project
@o.console
def task(**given: Any) -> int:
    """Run one task of an exported project: what generated code calls.

    Exit codes: 0 done, 1 failed, 2 could not run, 75 failed of what may pass, 99 nothing was done.
    """
    try:
        return _task(given)
    except OrcError as error:
        from orchestrator.app.handoff.portioning import refused
        from orchestrator.core.portion import AGAIN

        code = complain(error, click.get_current_context().obj, debug=bool(given["debug"]))
        return AGAIN if refused(error) else code


def _task(given: dict[str, Any]) -> int:
    from orchestrator.app.handoff.portioning import as_data, ending, portion, run_portion
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened
    from orchestrator.core.portion import DONE

    workspace = opened(given, given["command"])
    request = replace(wire.request(given, given["command"]), retries=given["retries"] == "orc")
    mine = portion(workspace, request, given["granularity"], given["portion"], given["needs"])
    run = run_portion(
        workspace,
        request,
        mine,
        given["engine_run"],
        wire.history(workspace.invocation.root),
        lambda w: wire.sinks(w, given),
        once=given["unless_done"],
        interruptible=click.get_current_context().obj.get("interruptible", nullcontext),
    )
    code = DONE if run is None else ending(run, workspace.graph)
    if run is None:
        click.echo(f"{mine.key} is done in {given['engine_run']} already", err=True)
    if given["output"] == "json":
        click.echo(json.dumps(as_data(run, mine, code)))
        sys.stdout.flush()
    return code
