"""Commands about what is written: lint, format."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened
from orchestrator.cli.sections import Option


@orc.command()
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@o.selection
@click.option("--rules", multiple=True, metavar="CODES", cls=Option, help="Only these rules: codes, names, or beginnings such as S3.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "gitlab", "sarif"]),
    default="text",
    cls=Option,
    help="How to print what was found.",
)
@click.option("--style", is_flag=True, cls=Option, help="Ask sqlfluff about style, too (when it is installed).")
@click.option("--warn-error", is_flag=True, cls=Option, envvar=["ORC_WARN_ERROR", "DBT_WARN_ERROR"], help="Warnings are errors.")
@o.project
@o.console
def lint(**given: Any) -> int:
    """Check queries without a warehouse, at their authors' lines.

    PATHS narrow the selection to files and folders. The exit code is 1 when an error is left; `-- noqa: CODE` at a line's end silences
    a rule there.
    """
    from orchestrator.app import selection
    from orchestrator.app.checks.linting import lint as linted
    from orchestrator.cli import wire
    from orchestrator.cli.complaints import told
    from orchestrator.publish.problems.findings import findings
    from orchestrator.report.console import colourful
    from orchestrator.report.findings import summary

    workspace = opened(given, "lint")
    request = wire.request(given, "lint")
    found = linted(workspace, request, given["paths"], given["rules"], style=given["style"])
    problems = found.problems
    if given["warn_error"]:
        problems = tuple(replace(p, severity="error") for p in problems)
    root, env = workspace.invocation.root, wire.environment(given)
    if given["form"] != "text":
        click.echo(findings(problems, given["form"]))
    elif problems:
        click.echo(told(problems, root, colour=colourful(sys.stdout, env), limit=len(problems)) + "\n")
    if not given["quiet"]:
        if unmatched := selection(workspace, request).warnings:
            click.echo(told(unmatched, root, colour=colourful(sys.stderr, env)) + "\n", err=True)
        click.echo(summary(problems, found.judged, found.silenced, found.unjudged, found.unread), err=True)
    return 1 if any(p.severity == "error" for p in problems) else 0


@orc.command("format")
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--check", is_flag=True, cls=Option, help="Change nothing; exit with 1 when a file would be changed.")
@click.option("--diff", is_flag=True, cls=Option, help="Change nothing; show what would be.")
@o.project
@o.console
def format_(**given: Any) -> int:
    """Tidy whitespace and keyword case of SQL files; Jinja stays.

    A file is changed only when its query is proved to stay the same. PATHS are files and folders (default: the whole project).
    """
    from orchestrator.app.checks.formatting import formatting, write
    from orchestrator.report.tidied import difference, told

    workspace = opened(given, "format")
    found = formatting(workspace, given["paths"])
    writing = not (given["check"] or given["diff"])
    if writing:
        write(workspace.invocation.root, found)
    if given["diff"]:
        click.echo("".join(difference(path, before, after) for path, before, after in found.changed), nl=False)
    elif found.changed:
        click.echo("\n".join(path for path, _, _ in found.changed))
    if not given["quiet"]:
        click.echo(told(len(found.changed), found.left, found.fine, written=writing), err=True)
    return 1 if found.changed and not writing and given["check"] else 0
