"""Commands that look and tell: ls, parse, compile, show, runs, debug."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc


def _open(given: dict[str, Any], command: str) -> Any:
    from orchestrator.app.opening import open_workspace
    from orchestrator.cli import wire

    told = click.get_current_context().obj
    told.update(given)
    invocation = wire.invocation(given, command)
    told["root"] = str(invocation.root)
    workspace = open_workspace(invocation)
    told["target_path"] = workspace.project.settings.target_path
    return workspace


def _warn(workspace: Any, given: dict[str, Any]) -> None:
    """Warnings of the graph, with code frames, on stderr."""
    found = workspace.graph.warnings
    if found and not given.get("quiet"):
        from orchestrator.cli.complaints import told
        from orchestrator.cli.wire import environment
        from orchestrator.report.console import colourful

        click.echo(told(found, workspace.invocation.root, colour=colourful(sys.stderr, environment(given))), err=True)


@orc.command("ls")
@o.selection
@o.output
@o.output_keys
@o.project
@o.console
def ls(**given: Any) -> int:
    """List resources, as a dry run of any selection."""
    from orchestrator.app import chosen
    from orchestrator.cli import wire
    from orchestrator.graph.listing import listing

    workspace = _open(given, "ls")
    ids = chosen(workspace, wire.request(given, "ls"))
    ids = frozenset(i for i in ids if workspace.graph.nodes[i].kind != "operation")
    keys = [k for words in given["output_keys"] for k in words.replace(",", " ").split()]
    click.echo("\n".join(listing(workspace.graph, ids, given["output"], keys or None)))
    if not ids:
        click.echo("No nodes selected!", err=True)
    return 0


@orc.command()
@o.project
@o.console
def parse(**given: Any) -> int:
    """Check the whole project; write target/manifest.json."""
    from orchestrator.app import counts
    from orchestrator.app.artifacts import write_current_manifest

    workspace = _open(given, "parse")
    write_current_manifest(workspace)
    _warn(workspace, given)
    if not given["quiet"]:
        found = ", ".join(f"{n} {kind.replace('_', ' ')}{'s' if n != 1 else ''}" for kind, n in counts(workspace.graph).items() if kind != "operation")
        click.echo(f"Found {found}", err=True)
    return 0


@orc.command("compile")
@o.selection
@click.option("--inline", help="Compile this query instead of a node.")
@o.running
@o.project
@o.console
def compile_(**given: Any) -> int:
    """Write the final SQL of models and tests to target/compiled."""
    from orchestrator.app.asking import compiled, inline
    from orchestrator.cli import wire

    workspace = _open(given, "compile")
    if given.get("inline"):
        click.echo(inline(workspace, given["inline"]))
        return 0
    texts = compiled(workspace, wire.request(given, "compile"))
    _warn(workspace, given)
    if given["select"] and len(texts) == 1:
        click.echo(next(iter(texts.values())))
    elif not given["quiet"]:
        click.echo(f"Compiled {len(texts)} nodes to {workspace.project.settings.target_path}/compiled", err=True)
    return 0


@orc.command()
@o.selection
@click.option("--inline", help="Show this query instead of a node.")
@click.option("--limit", default=5, show_default=True, help="How many rows; -1 for all.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print the rows.")
@o.running
@o.project
@o.console
def show(**given: Any) -> int:
    """Show the first rows of a model, seed, test or any query."""
    from orchestrator.app.asking import shown
    from orchestrator.cli import wire
    from orchestrator.report.table import as_json, table

    workspace = _open(given, "show")
    for name, columns, rows in shown(workspace, wire.request(given, "show"), given.get("inline"), given["limit"]):
        if given["output"] == "json":
            click.echo(as_json(columns, rows))
        else:
            click.echo(f"{name}", err=True)
            click.echo(table(columns, rows, width=_width()))
    return 0


@orc.command()
@click.argument("what", required=False)
@click.argument("run_id", required=False)
@click.option("--limit", default=20, show_default=True, help="How many runs.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print the runs.")
@o.project
@o.console
def runs(**given: Any) -> int:
    """List past runs; `runs show ID` tells what one did."""
    from orchestrator.app.asking import past_run, past_runs
    from orchestrator.cli import wire
    from orchestrator.report.table import as_json, table

    click.get_current_context().obj.update(given)
    invocation = wire.invocation(given, "runs")
    history = wire.history(invocation.root)
    if given["what"] == "show" or (given["what"] and given["run_id"] is None):
        columns, rows = past_run(history, given["run_id"] or given["what"])
    else:
        columns, rows = past_runs(history, given["limit"])
    if given["output"] == "json":
        click.echo(as_json(columns, rows))
    else:
        click.echo(table(columns, [[_brief(value) for value in row] for row in rows], width=_width()))
    return 0


def _brief(value: Any) -> Any:
    """A cell as people read it: times in their own zone and to the second, durations to the hundredth."""
    if isinstance(value, datetime):
        return value.astimezone().replace(tzinfo=None, microsecond=0)
    return f"{value:.2f}" if isinstance(value, float) else value


@orc.command()
@click.option("--connection", is_flag=True, help="Check the connection only.")
@o.project
@o.console
def debug(**given: Any) -> int:
    """Check the installation, the profile and the connection."""
    from orchestrator.app.checkup import checkup
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    ok = True
    for passed, what, detail in checkup(lambda: wire.invocation(given, "debug"), connection_only=given["connection"]):
        ok &= passed
        click.echo(f"{'OK   ' if passed else 'ERROR'}  {what}: {detail}")
    click.echo("All checks passed." if ok else "Something is wrong; see the lines marked ERROR.")
    return 0 if ok else 1


def _width() -> int | None:
    """The terminal's width, or ``None`` when nobody looks."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
