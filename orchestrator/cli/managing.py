"""Commands around a project: init, clean, run-operation, completion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc


@orc.command()
@click.argument("name")
def init(name: str) -> int:
    """Write a small project that builds at once."""
    from orchestrator.app.scaffold import scaffold
    from orchestrator.publish.write import write

    folder = Path(name)
    files = scaffold(folder.name)
    present = [f for f in files if (folder / f).exists()]
    if present:
        from orchestrator.core.errors import Problem, UsageError

        raise UsageError(Problem("U008", f"`{folder / present[0]}` exists already: nothing was written", None, "choose another name"))
    write(files, folder)
    click.echo(f"Wrote {len(files)} files to {folder}/\n\nNext:\n  cd {folder}\n  orc build\n  orc show -s order_totals", err=True)
    return 0


@orc.command()
@o.project
@o.console
def clean(**given: Any) -> int:
    """Delete what was generated: the folders named in clean-targets."""
    from orchestrator.app.cleaning import clean as remove
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    for line in remove(wire.invocation(given, "clean")):
        click.echo(line, err=True)
    return 0


@orc.command("run-operation")
@click.argument("macro")
@click.option("--args", "arguments", default="{}", metavar="YAML", help="The macro's arguments: '{x: 1}'.")
@o.running
@o.project
@o.console
def run_operation(**given: Any) -> int:
    """Call a macro with a live connection; its statements are committed."""
    from orchestrator.app.operating import operate
    from orchestrator.app.opening import open_workspace
    from orchestrator.cli import wire

    told = click.get_current_context().obj
    told.update(given)
    invocation = wire.invocation(given, "run-operation")
    told["root"] = str(invocation.root)
    workspace = open_workspace(invocation)
    operate(workspace, given["macro"], wire.variables(given["arguments"]), lambda level, text: click.echo(text, err=True) if level != "debug" or given["debug"] else None)
    return 0


@orc.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for a shell."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        return 2
    click.echo(made(orc, {}, "orc", "_ORC_COMPLETE").source())
    return 0
