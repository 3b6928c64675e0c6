"""The command that compares data: diff."""

from __future__ import annotations

import sys
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.completing import node_words
from orchestrator.cli.inspecting import CHANGED
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened


@orc.command()
@click.argument("names", nargs=-1, metavar="[MODEL]...", shell_complete=node_words)
@click.option("--against", metavar="TARGET", help="The target of the profile to compare with, e.g. prod.")
@click.option("--against-relation", metavar="SCHEMA.TABLE", help="Compare one model with this table instead.")
@click.option("--on", multiple=True, metavar="COLUMN", help="The key that rows are matched by (default: as the project says).")
@click.option("--where", default="", metavar="SQL", help="Compare only rows of both sides for which this is true.")
@click.option("--columns", multiple=True, metavar="NAMES", help="Compare only these columns (and the key).")
@click.option("--exclude-columns", multiple=True, metavar="NAMES", help="Leave these columns out.")
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.0, metavar="NUMBER", help="How far floating numbers may be apart.")
@click.option(
    "--sample",
    type=click.FloatRange(0, 100, min_open=True),
    metavar="PERCENT",
    help="Compare only so many of the keys.",
)
@click.option("--limit", type=click.IntRange(min=0), default=5, show_default=True, help="How many samples of each sort.")
@click.option("--show-pii", is_flag=True, help="Show values of columns that hold personal data.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 when anything is different.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="How to print the answer.")
@o.selection
@o.project
@o.console
def diff(**given: Any) -> int:
    r"""Compare the data of models with another target's.

    \b
    orc diff orders --against prod              what building here would change
    orc diff -s marts --against prod --exit-code   a selection; 3: it differs
    orc diff orders --against prod --on id --where "day >= '2026-01-01'"
    """
    import shutil

    from orchestrator.app.compare.diffing import Against
    from orchestrator.app.compare.diffing import diff as compare
    from orchestrator.cli import wire
    from orchestrator.core.difference import Difference, Terms
    from orchestrator.report.console import colourful
    from orchestrator.report.differences import as_json, differences, markdown

    workspace = opened(given, "diff")
    request = wire.request({**given, "select": (*(given["select"] or ()), *given["names"])}, "diff")
    terms = Terms(
        where=given["where"],
        limit=given["limit"],
        tolerance=given["tolerance"],
        percent=None if given["sample"] in (None, 100) else given["sample"],
        columns=_names(given["columns"]),
        exclude=_names(given["exclude_columns"]),
    )
    against = Against(given["against"], given["against_relation"], _names(given["on"]))
    found = []
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for one in compare(workspace, request, against, terms, show_pii=given["show_pii"]):
        found.append(one)
        if given["form"] == "text":  # each as soon as it is known: the next may take a while
            colour = colourful(sys.stdout, wire.environment(given))
            click.echo(("\n" if len(found) > 1 else "") + differences(one.name, one.result, width=width, colour=colour))
    if given["form"] == "json":
        click.echo(as_json([(c.id, c.result) for c in found]))
    elif given["form"] == "markdown":
        click.echo("\n\n".join(markdown(c.name, c.result) for c in found))
    if any(not isinstance(c.result, Difference) for c in found):
        return 1
    return CHANGED if given["exit_code"] and any(isinstance(c.result, Difference) and c.result.differs for c in found) else 0


def _names(words: tuple[str, ...]) -> tuple[str, ...]:
    """Names given one by one or with commas between."""
    return tuple(name.strip() for word in words for name in word.split(",") if name.strip())
