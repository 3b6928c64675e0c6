"""What a launch's process does: ask its condition, go on with an interrupted run, or run the command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from orchestrator.cli.main import call, complain
from orchestrator.core.errors import OrcError, Problem, UsageError
from orchestrator.serve.scheduler import SKIPPED


def launching(order: Mapping[str, Any], interruptible: Callable[..., Any]) -> int:
    """Do it; returns the exit code."""
    given = {"interruptible": interruptible, "run": order["run"], "told": order["told"], "before": tuple(order["before"])}
    before = _interrupted(order)
    if before is None and order["when"]:
        try:
            wanted = _holds(order)
        except OrcError as error:
            return complain(error, {}, debug=False)
        if not wanted:
            click.echo(f"`when` says no: {order['when']}", err=True)
            return SKIPPED
    words = order["words"] if before is None else ["retry", "--of", before, *order["shared"]]
    click.echo(f"orc {' '.join(words)}", err=True)
    return call(words, given)


def _interrupted(order: Mapping[str, Any]) -> str | None:
    """The newest earlier attempt that history knows of."""
    if not order["before"]:
        return None
    history = _history(order)
    return next((run for run in reversed(order["before"]) if history.run(run) is not None), None)


def _history(order: Mapping[str, Any]) -> Any:
    from orchestrator.cli import wire

    shared = list(order["shared"])
    folder = shared[shared.index("--project-dir") + 1] if "--project-dir" in shared else None
    return wire.history(wire.invocation({"project_dir": folder}, "retry").root)


def _holds(order: Mapping[str, Any]) -> bool:
    """Whether the query of ``when`` has one row whose first value is true."""
    import io
    import json
    from contextlib import redirect_stdout

    told = io.StringIO()
    with redirect_stdout(told):
        code = call(["show", "--inline", order["when"], "--limit", "1", "--output", "json", "--vars", order["vars"], *order["shared"]])
    if code:
        raise UsageError(
            Problem("U091", f"`when: {order['when']}` cannot be asked", None, "it is one query, which may use ref() and var()")
        )
    rows = json.loads(told.getvalue() or "[]")
    sys.stdout.flush()
    return bool(rows) and bool(next(iter(rows[0].values()), False))
