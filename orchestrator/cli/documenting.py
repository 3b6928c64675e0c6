"""Commands that document: docs generate, docs serve."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc
from orchestrator.cli.opening import opened
from orchestrator.cli.sections import Command
from orchestrator.core.errors import Problem, UsageError


class Documents(click.Group):
    """The commands below ``docs``."""

    command_class = Command


@orc.group(cls=Documents)
def docs() -> None:
    """Describe the project and what the warehouse holds of it."""


@docs.command()
@click.option("--compile/--no-compile", "compiling", default=True, help="Write manifest.json with compiled queries, too (default).")
@click.option(
    "--offline", "--no-catalog", "offline", is_flag=True, help="Do not ask the warehouse: no catalog.json, types as far as known."
)
@click.option("--single-file", "single", is_flag=True, help="Write one HTML file that needs no server: target/docs.html.")
@click.option("--output", type=click.Path(), metavar="PATH", help="Where to write the site instead of target/docs.")
@o.project
@o.console
def generate(**given: Any) -> int:
    """Write the documentation site to target/docs.

    With it come target/manifest.json and target/catalog.json. The catalog says what the warehouse really holds: kinds, columns with
    their types, comments, owners. The site shows it together with descriptions, queries, lineage, tests and past runs; any web server
    can host the folder. Only files whose content changed are written.
    """
    from orchestrator.app.site import generate as write_site
    from orchestrator.cli import wire

    workspace = opened(given, "docs")
    history = wire.history(workspace.invocation.root)
    output = Path(given["output"]) if given["output"] else None
    done = write_site(workspace, history, compiling=given["compiling"], offline=given["offline"], output=output, single=given["single"])
    if not given["quiet"]:
        if done.relations is not None:
            click.echo(f"Catalog of {done.relations} relations written to {workspace.project.settings.target_path}/catalog.json", err=True)
        _tell(*done.warnings)
        click.echo(f"Site of {done.files} file{'s' * (done.files != 1)} written to {_near(done.where)}, {done.changed} changed", err=True)
    return 0


@docs.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen here; anything but loopback lets others read along.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Listen on this port; 0 picks a free one.")
@click.option("--open/--no-open", "opening", default=False, help="Open it in the browser.")
@click.option("--output", type=click.Path(), metavar="PATH", help="The folder that `orc docs generate --output` wrote.")
@o.project
@o.console
def serve(**given: Any) -> int:
    """Serve the generated site to this machine, until Ctrl-C."""
    from orchestrator.app.site import site_folder
    from orchestrator.cli import wire
    from orchestrator.publish.site.page import policy
    from orchestrator.serve.serve import is_loopback
    from orchestrator.serve.serve import serve as bound

    click.get_current_context().obj.update(given)
    host, port = given["host"], given["port"]
    folder = site_folder(wire.invocation(given, "docs"), Path(given["output"]) if given["output"] else None)
    if not is_loopback(host):
        _tell(Problem("U046", f"`{host}` is not loopback: everybody who reaches this machine can read the site", severity="warning"))
    try:
        server = bound(folder, host, port, policy())
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(Problem("U048", f"cannot listen on {host}:{port} ({reason})", None, "--port 0 picks a free port")) from None
    with server:
        click.echo(f"Serving {_near(folder)} at {server.url} (Ctrl-C ends it)", err=True)
        if given["opening"]:
            import webbrowser

            webbrowser.open(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.2)
    return 0


def _near(path: Path) -> str:
    """A path as one would type it here."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _tell(*found: Problem) -> None:
    """Warnings, on stderr."""
    from orchestrator.cli.complaints import told

    if found:
        click.echo(told(found, Path(), colour=False), err=True)
