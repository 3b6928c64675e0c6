"""Opening the project a command is about; the error boundary learns on the way where it is and what it must not show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace


def opened(given: Mapping[str, Any], command: str) -> Workspace:
    """The project, read and understood.

    Raises:
        OrcError: what is wrong with it.
    """
    from orchestrator.app import secrets
    from orchestrator.app.opening import open_workspace
    from orchestrator.cli import wire

    told = click.get_current_context().obj
    told.update(given)
    invocation = wire.invocation(given, command, told.get("run"))
    told["root"] = str(invocation.root)
    workspace = open_workspace(invocation)
    told["target_path"] = workspace.project.settings.target_path
    told["secrets"] = secrets(workspace)
    return workspace
