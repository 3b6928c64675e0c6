"""Commands that document: docs generate."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened
from orchestrator.cli.sections import Command


class Documents(click.Group):
    """The commands below ``docs``."""

    command_class = Command


@orc.group(cls=Documents)
def docs() -> None:
    """Describe the project and what the warehouse holds of it."""


@docs.command()
@click.option("--compile/--no-compile", "compiling", default=True, help="Write manifest.json with compiled queries, too (default).")
@o.project
@o.console
def generate(**given: Any) -> int:
    """Write target/manifest.json and target/catalog.json.

    The catalog says what the warehouse really holds: kinds, columns with their types, comments, owners.
    """
    from orchestrator.app.artifacts import write_catalog

    workspace = opened(given, "docs")
    count = write_catalog(workspace, compiling=given["compiling"])
    if not given["quiet"]:
        click.echo(f"Catalog of {count} relations written to {workspace.project.settings.target_path}/catalog.json", err=True)
    return 0
