"""``on_failure``: what is done once a node has failed for the last time. Its own failure is told, and hides nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.core.aftermath import Hook, aftermath
from orchestrator.core.errors import ExecuteError, OrcError
from orchestrator.core.event import Event, NodeFinished, Noted, Status
from orchestrator.core.plan import Late, Step

if TYPE_CHECKING:
    from orchestrator.app import Prepared
    from orchestrator.app.late import LateSql

PATIENCE = 60.0
"""Seconds that a command may take: results of other nodes wait for it."""

LAST = 2_000
"""Characters of what a command printed that are told."""


def failing(events: Iterator[Event], ready: Prepared, late: LateSql) -> Iterator[Event]:
    """A run's events, and after the end of each node that failed what its ``on_failure`` did; in an environment it does nothing."""
    nodes, clock = ready.workspace.graph.nodes, ready.workspace.invocation.clock
    for event in events:
        yield event
        if (
            ready.request.environment
            or not isinstance(event, NodeFinished)
            or not (event.allowed or event.status in (Status.FAILED, Status.CRASHED, Status.PARTIAL))
        ):
            continue
        node = nodes.get(event.node)
        if node is None or node.config.get("on_failure") is None:
            continue
        for hook in aftermath(node.config).hooks:
            level, said = "info", f"on_failure of {node.name}: {hook.name}"
            try:
                printed = _sent(hook, event, ready, late) if hook.sql else _ran(hook, event, ready)
                said += f" done{f': {printed}' if printed else ''}"
            except (OrcError, OSError, subprocess.SubprocessError) as error:
                level, said = "warn", f"{said} failed: {error.first.message if isinstance(error, OrcError) else _reason(error)}"
            yield Noted(clock.now(), level, said, event.node)


def told(event: NodeFinished, run: str) -> dict[str, str]:
    """What a hook learns, as environment variables."""
    return {"ORC_RUN_ID": run, "ORC_NODE": event.node, "ORC_STATUS": event.status.value, "ORC_ERROR": event.message.replace("\x00", "")}


def _sent(hook: Hook, event: NodeFinished, ready: Prepared, late: LateSql) -> str:
    """Send a statement on a connection of its own, in a transaction of its own."""
    workspace = ready.workspace
    given = told(event, workspace.invocation.id)
    project = replace(workspace.project, env={**workspace.project.env, **given})
    names = {"error": given["ORC_ERROR"], "run_id": given["ORC_RUN_ID"], "error_literal": workspace.dialect.literal(given["ORC_ERROR"])}
    step = Step(f"{event.node}/on_failure", event.node, "hook", Late("hook", event.node, {"text": hook.sql, "names": names}))
    connection = ready.warehouse.connect()
    try:
        statements = late.within(replace(workspace, project=project))(step, connection)
        whole = workspace.dialect.transactions == "all"  # elsewhere a statement may create things only outside of one
        if whole:
            connection.begin()
        try:
            for statement in statements:
                connection.execute(statement.sql)
            if whole:
                connection.commit()
        except ExecuteError:
            connection.rollback()
            raise
    finally:
        with suppress(OrcError):
            connection.close()
    return ""


def _ran(hook: Hook, event: NodeFinished, ready: Prepared) -> str:
    """Run a command in the project's folder; what it printed, as far as it is worth telling."""
    invocation = ready.workspace.invocation
    env: Mapping[str, str] = {**invocation.env, **told(event, invocation.id)}
    done = subprocess.run(  # noqa: S603 - what the project's author wrote
        hook.command,
        cwd=invocation.root,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        check=False,
    )
    printed = done.stdout.decode(errors="replace").strip()[-LAST:]
    if done.returncode:
        raise OSError(f"it ended with code {done.returncode}{f': {printed}' if printed else ''}")
    return printed


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it took longer than {PATIENCE:.0f} s"
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
