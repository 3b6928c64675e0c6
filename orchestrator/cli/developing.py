"""The command one leaves running while writing: dev."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc

LOOK = 0.2
"""Seconds between two looks at the files."""


@orc.command()
@click.option("--limit", default=5, show_default=True, help="How many rows of a model to show.")
@o.project
@o.console
def dev(**given: Any) -> int:
    """Check each file as it is saved, and show the rows it makes.

    Mistakes are told before any SQL is sent; rows are those of the query as it is written, on parents as they are published. What was
    never built is built first. Ctrl-C ends it.
    """
    from orchestrator.app.developing import look, saved, saves

    reopen, root = _ready(given)
    before = look(root)
    click.echo(f"watching {root.name}: save a file; Ctrl-C ends", err=True)
    try:
        for paths in saves(root, before, lambda: time.sleep(LOOK)):
            began = time.monotonic()
            _tell(saved(reopen, paths, given["limit"]), root, given, began)
    except KeyboardInterrupt:
        click.echo("", err=True)
    return 0


def _ready(given: dict[str, Any]) -> tuple[Callable[[], Any], Path]:
    """How to read the project again, and where it is; what was never built is built."""
    from orchestrator import app
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened

    workspace = opened(given, "dev")
    root = workspace.invocation.root
    if wire.history(root).last_run(workspace.project.target.name, ("build", "run")) is None:
        app.build(workspace, wire.request(given, "build"), lambda w: wire.sinks(w, given))
    return partial(opened, given, "dev"), root


def _tell(found: Any, root: Path, given: dict[str, Any], began: float) -> None:
    import sys

    from orchestrator.cli import wire
    from orchestrator.cli.complaints import told
    from orchestrator.cli.inspecting import print_rows
    from orchestrator.report.console import colourful

    colour = colourful(sys.stderr, wire.environment(given))
    click.echo(f"\n{', '.join(found.paths[:5])}{' …' if len(found.paths) > 5 else ''}", err=True)
    if found.problems:
        click.echo(told(found.problems, root, colour=colour, limit=10) + "\n", err=True)
    print_rows(found.rows)
    for name, why in (found.left or {}).items():
        click.echo(f"{name}: {why}", err=True)
    sys.stdout.flush()
    click.echo(f"{'not sent: ' if found.wrong and not found.rows else ''}{time.monotonic() - began:.1f}s", err=True)
