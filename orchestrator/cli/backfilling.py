"""``orc backfill``."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc


@orc.command()
@click.argument("words", nargs=-1, metavar="[SELECT]…")
@click.option("--start", metavar="TIME", help="From here on (UTC) …")
@click.option("--end", metavar="TIME", help="… up to here.")
@click.option("--batch", default="day", show_default=True, metavar="SIZE", help="A run for each hour, day, month, year, or 7d.")
@click.option("--again", is_flag=True, help="Build what is there already, too.")
@click.option("--reverse", is_flag=True, help="The newest piece first.")
@click.option("--dry-run", is_flag=True, help="Print the pieces and what each lacks.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="With --dry-run: how to print them.")
@o.selection
@o.running
@o.project
@o.console
def backfill(**given: Any) -> int:
    """Fill a range of interval models, piece by piece.

    What the ledger beside the data knows as complete is not built again, so a backfill that was ended goes on when it is called
    again. It takes no place from the runs of `orc serve`; a table that one of them builds is waited for.
    """
    from orchestrator.app.schedules.backfilling import backfill as planned
    from orchestrator.app.schedules.backfilling import filled, listed
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened
    from orchestrator.cli.posting import posting
    from orchestrator.report.table import as_json, table

    given["select"] = (*given["select"], *given["words"])
    workspace = opened(given, "build")
    request = replace(wire.request(given, "build"), event_times=wire.event_times(given["start"], given["end"]))
    history = wire.history(workspace.invocation.root)
    plan = planned(workspace, request, given["batch"], history, again=given["again"], reverse=given["reverse"])
    if given["dry_run"]:
        rows = list(listed(plan, {id_: workspace.graph.nodes[id_].name for id_ in plan.models}))
        columns = ("start", "end", "missing")
        click.echo(as_json(columns, rows) if given["output"] == "json" else table(columns, rows))
        return 0

    def say(line: str) -> None:
        if not given["quiet"]:
            click.echo(line, err=True)

    if not plan.left:
        say("Nothing to do: the ledger knows all of it as complete (--again builds it all the same)")
    else:
        batch = {"start": given["start"], "end": given["end"], "batch": given["batch"], "again": given["again"], "runs": len(plan.left)}
        wire.note(workspace.invocation.root, "backfill.started", " ".join(plan.models), batch)
    interruptible = click.get_current_context().obj.get("interruptible", nullcontext)
    with posting(workspace):
        return filled(workspace, plan, lambda w: wire.sinks(w, given), say, interruptible)
