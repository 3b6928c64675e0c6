"""Commands about columns: lineage, impact."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.completing import column_words
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened
from orchestrator.core.errors import Problem, UsageError

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace
    from orchestrator.graph.impact import Break

FORMATS = ("tree", "json", "mermaid", "dot", "openlineage")


@orc.command()
@click.argument("name", required=False, metavar="[MODEL[.COLUMN]]", shell_complete=column_words)
@click.option("--upstream", "up", is_flag=True, help="Only where it comes from.")
@click.option("--downstream", "down", is_flag=True, help="Only where it goes.")
@click.option("--depth", type=click.IntRange(min=0), metavar="HOPS", help="How far to go (default: all the way).")
@click.option("--check", is_flag=True, help="Count the columns whose origins are known, and say why the others' are not.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="tree", help="How to print the answer.")
@o.project
@o.console
def lineage(**given: Any) -> int:
    r"""Trace columns: where they come from, where they go, and how.

    \b
    orc lineage orders.amount             one column, in both directions
    orc lineage orders --upstream         every column of a model
    orc lineage raw.orders.id --depth 1   a column of a source table
    orc lineage --check                   how much is known
    """
    name, form = given["name"], given["form"]
    if given["check"]:
        if form not in ("tree", "json"):
            raise UsageError(Problem("U017", f"`--check` prints text or json, not {form}", hint="leave `--format` out"))
        return _check(given, json_=form == "json")
    if name is None and form != "openlineage":
        raise UsageError(Problem("U035", "say which column or table", hint="orc lineage orders.amount, or orc lineage --check"))
    workspace = opened(given, "lineage")
    if form == "openlineage":
        from orchestrator.app.columns.tracing import datasets

        click.echo(json.dumps(datasets(workspace, name), indent=2, ensure_ascii=False))
        return 0
    from orchestrator.app.columns.tracing import lineage as trace
    from orchestrator.report.diagram import as_json, dot, mermaid
    from orchestrator.report.traced import Asked, traced

    both = given["up"] == given["down"]
    answer = trace(workspace, name, up=both or given["up"], down=both or given["down"], depth=given["depth"])
    asked = Asked(answer.starts, answer.upstream, answer.downstream, answer.rows)
    match form:
        case "json":
            click.echo(as_json(workspace.graph, answer.meanings, asked))
        case "mermaid":
            click.echo(mermaid(workspace.graph, asked))
        case "dot":
            click.echo(dot(workspace.graph, asked))
        case _:
            click.echo(traced(workspace.graph, answer.meanings, asked, **_screen(given)))
    return 0


@orc.command()
@click.option("--column", "columns", multiple=True, metavar="NAME", shell_complete=column_words, help="A column or table that changes.")
@click.option("--since", metavar="REVISION", help="What changed since a revision of git: main, git:main, v1.2, HEAD~3.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print the answer.")
@o.project
@o.console
def impact(**given: Any) -> int:
    r"""Say what a change reaches: columns, tables, tests, exposures.

    \b
    orc impact --column orders.amount     if this column changed
    orc impact --since main               what you changed, and who reads it
    """
    if bool(given["columns"]) == bool(given["since"]):
        raise UsageError(Problem("U017", "give either `--column` or `--since`", hint="orc impact --column orders.amount"))
    workspace = opened(given, "impact")
    if given["since"]:
        return _since(workspace, given)
    from orchestrator.app.columns.meanings import meanings
    from orchestrator.app.columns.tracing import reached
    from orchestrator.report.reached import reached as told
    from orchestrator.report.reached import reached_json

    found = reached(workspace, given["columns"])
    text = reached_json(found) if given["form"] == "json" else told(workspace.graph, meanings(workspace), found, **_screen(given))
    click.echo(text)
    return 0


def _since(workspace: Workspace, given: dict[str, Any]) -> int:
    from orchestrator.app.columns.tracing import since
    from orchestrator.report.reached import since as told
    from orchestrator.report.reached import since_json

    found = since(workspace, given["since"])
    if given["form"] == "json":
        click.echo(since_json(found.found, found.revision, found.commit))
        return 0

    def where(broken: Break) -> str:
        if broken.start < 0:
            return str(workspace.graph.nodes[broken.node].span)
        return str(workspace.place(broken.node, broken.start)[0])

    title = f"since {found.revision} ({found.commit})"
    click.echo(told((found.then.graph, found.now.graph), found.now.meanings, found.found, title, where, **_screen(given)))
    return 0


def _check(given: dict[str, Any], *, json_: bool) -> int:
    from orchestrator.app.columns.meanings import meanings
    from orchestrator.app.opening import garbage_kept
    from orchestrator.graph.coverage import coverage
    from orchestrator.report.covered import as_json, covered

    workspace = opened(given, "lineage")
    with garbage_kept():  # everything is decoded, and stays until the end
        found = coverage(workspace.graph, meanings(workspace))
    click.echo(as_json(workspace.graph, found) if json_ else covered(workspace.graph, found, width=_screen(given)["width"]))
    return 0


def _screen(given: dict[str, Any]) -> dict[str, Any]:
    """How wide the reader's terminal is, and whether it has colours; a file is as wide as it needs to be."""
    import shutil

    from orchestrator.cli.wire import environment
    from orchestrator.report.console import colourful

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return {"width": width, "colour": colourful(sys.stdout, environment(given))}
