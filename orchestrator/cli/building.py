"""Commands that change or judge tables: run, build, test, seed, snapshot, retry."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import click

from orchestrator.cli import options as o
from orchestrator.cli.main import orc

SHOWN_ROWS = 10
"""How many rows of each seed ``orc seed --show`` prints."""


def _execute(given: dict[str, Any], command: str, *, again: Any = None, request: Any = None) -> int:
    """Run it; who wants to be alerted is, also of a run that did not come to its first node."""
    from orchestrator.cli.posting import stillborn

    with stillborn(given, command, click.get_current_context().obj):
        return _executed(given, command, again=again, request=request)


def _executed(given: dict[str, Any], command: str, *, again: Any, request: Any) -> int:
    from orchestrator import app
    from orchestrator.app.alerts import announcing
    from orchestrator.cli import wire
    from orchestrator.cli.opening import opened

    workspace = opened(given, command)
    click.get_current_context().obj["posts"] = announcing.wanted(workspace)
    asked = request or wire.request(given, command)
    if told := click.get_current_context().obj.get("told"):  # a scheduler's launch says so in the history
        asked = replace(asked, invocation={**asked.invocation, **told})
    interruptible = click.get_current_context().obj.get("interruptible", nullcontext)
    known = wire.evidence(workspace.invocation.root) if asked.stale else None
    run = app.build(workspace, asked, lambda w: wire.sinks(w, given), interruptible=interruptible, again=again, evidence=known)
    return run.exit_code


@orc.command()
@o.selection
@o.building
@o.sample
@o.max_bytes
@o.running
@o.store_failures
@o.earlier
@o.environment
@o.project
@o.console
def run(**given: Any) -> int:
    """Build models; each is published only if its tests pass."""
    return _execute(given, "run")


@orc.command()
@o.selection
@o.building
@o.sample
@o.max_bytes
@o.running
@o.store_failures
@o.earlier
@o.environment
@o.project
@o.console
def build(**given: Any) -> int:
    """Build seeds, models and snapshots, and test all of it, in order."""
    return _execute(given, "build")


@orc.command()
@o.selection
@o.running
@o.store_failures
@o.earlier
@o.environment
@o.project
@o.console
def test(**given: Any) -> int:
    """Test what is published, and run unit tests."""
    return _execute(given, "test")


@orc.command()
@o.selection
@o.building
@o.sample
@o.max_bytes
@o.running
@o.store_failures
@o.earlier
@o.environment
@o.project
@o.console
@click.option("--show", is_flag=True, help="Print the first rows of what was loaded.")
def seed(**given: Any) -> int:
    """Load the CSV files of seeds/ as tables."""
    code = _execute(given, "seed")
    if given["show"] and code == 0:
        _show_seeds(given)
    return code


def _show_seeds(given: dict[str, Any]) -> None:
    from orchestrator.app.asking import shown
    from orchestrator.cli import wire
    from orchestrator.cli.inspecting import print_rows
    from orchestrator.cli.opening import opened

    every = {} if given["select"] or given["selector"] else {"select": ("resource_type:seed",)}
    request = wire.request({**given, **every, "resource_types": ("seed",)}, "show")
    print_rows(shown(opened(given, "show"), request, None, SHOWN_ROWS))


@orc.command()
@o.selection
@o.building
@o.sample
@o.running
@o.store_failures
@o.earlier
@o.environment
@o.project
@o.console
def snapshot(**given: Any) -> int:
    """Write down what changed in the queries of snapshots."""
    return _execute(given, "snapshot")


@orc.command()
@click.option("--of", metavar="RUN", help="Go on from this run instead of the last one.")
@o.running
@o.project
@o.console
def retry(**given: Any) -> int:
    """Run again what did not succeed in the last run."""
    from orchestrator.app.past.retrying import last_failure
    from orchestrator.cli import wire

    click.get_current_context().obj.update(given)
    invocation = wire.invocation(given, "retry")
    past = last_failure(wire.history(invocation.root), given)
    if past is None:
        click.echo("Nothing to retry: the last run succeeded, or there was none.", err=True)
        return 0
    again = replace(past.again, killed=tuple(click.get_current_context().obj.get("before", ())))
    return _execute({**past.given, "allow": given["allow"]}, past.command, again=again, request=past.request)
