"""Commands about sources: source import, source freshness."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened
from orchestrator.cli.sections import Command
from orchestrator.core.errors import UsageError


class Sources(click.Group):
    """The commands below ``source``."""

    command_class = Command


@orc.group(cls=Sources)
def source() -> None:
    """Tables that somebody else writes."""


@source.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print what was seen.")
@o.selection
@o.running
@o.earlier
@o.project
@o.console
def freshness(**given: Any) -> int:
    """Say how old the newest rows of sources are; 1 if too old.

    Looks at those with `warn_after` or `error_after` in their `freshness`, and writes target/sources.json.
    """
    from orchestrator.app.fresh.freshness import COMMAND, as_data
    from orchestrator.app.fresh.freshness import freshness as looked
    from orchestrator.cli import wire
    from orchestrator.cli.posting import stillborn
    from orchestrator.record.probes import Probes

    with stillborn(given, COMMAND, click.get_current_context().obj):
        workspace = opened(given, COMMAND)
        request = wire.request(given, COMMAND)
        found = looked(workspace, request, lambda w: wire.sinks(w, given), Probes(wire.state(workspace.invocation.root)))
    if given["output"] == "json":
        import json

        click.echo(json.dumps(as_data(found), indent=2))
    return found.run.exit_code


@source.command("import")
@click.argument("names", nargs=-1, metavar="[SOURCE|SCHEMA|SCHEMA.TABLE]...")
@click.option("--schema", metavar="SCHEMA", help="Import this schema; a name before it is what to call the source.")
@click.option("-o", "--output", metavar="FILE", help="Write to, or add to, this file below models/ (default: print).")
@o.project
@o.console
def import_(**given: Any) -> int:
    """Declare tables of the warehouse, with columns and types.

    Names are declared sources, schemas, or tables; without any, all declared tables are looked at again. A file that is there is only
    added to: its own lines stay as they are.
    """
    from orchestrator.app import secrets
    from orchestrator.app.importing import import_sources, write_sources
    from orchestrator.core.project import mask
    from orchestrator.publish.source_yaml import source_yaml

    workspace = opened(given, "source")
    found, gone = import_sources(workspace, given["names"], given["schema"])
    notes = list(gone)
    printed = given["output"] is None
    if not printed:
        try:
            left = write_sources(workspace, found, given["output"])
        except UsageError as error:
            if error.first.code == "U033":
                click.echo(mask(source_yaml(found), secrets(workspace)), nl=False)
            raise
        tables = sum(len(s.tables) for s in found) - len(left)
        notes += [*(f"{line}: left out" for line in left), f"{tables} table{'' if tables == 1 else 's'} declared in {given['output']}"]
    for line in () if given["quiet"] else notes:
        click.echo(line, err=True)
    if printed:
        click.echo(mask(source_yaml(found), secrets(workspace)), nl=False)
    return 0
